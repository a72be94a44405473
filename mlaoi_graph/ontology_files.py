"""Where the ontology files are."""

from __future__ import annotations

from pathlib import Path

__all__ = ["ontology_file"]


def ontology_file(name: str) -> Path:
    """Return the path of a shipped ontology file: in an installed package, or in a source checkout.

    The files are ``mlaoi.ttl`` (terms), ``alignments.ttl``, ``shapes.ttl``, ``context.jsonld`` and, of the Lineage
    extension of STAC, ``stac-extension/json-schema/schema.json`` with its README, changelog and examples.
    Raises FileNotFoundError if there is no file of that name.

    >>> ontology_file("mlaoi.ttl").name
    'mlaoi.ttl'
    """
    package = Path(__file__).parent
    for folder in (package / "ontology", package.parent / "ontology"):
        if (folder / name).is_file():
            return folder / name
    raise FileNotFoundError(f"no ontology file {name!r} beside {package}")
