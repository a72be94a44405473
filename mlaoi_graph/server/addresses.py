"""Where nodes are served."""

from __future__ import annotations

from urllib.parse import quote

__all__ = ["address"]


def address(iri: str, base: str, site: str) -> str:
    """Return where a node is served; one below the catalog's base has the base's path here.

    >>> address("https://example.org/items/a#area", "https://example.org/", "http://127.0.0.1:8765/")
    'http://127.0.0.1:8765/nodes/https%3A%2F%2Fexample.org%2Fitems%2Fa%23area'
    >>> address("https://example.org/items/a", "https://example.org/", "http://127.0.0.1:8765/")
    'http://127.0.0.1:8765/items/a'
    """
    if iri.startswith(base) and not set("#?") & set(iri):
        return site + iri.removeprefix(base)
    return f"{site}nodes/{quote(iri, safe='')}"
