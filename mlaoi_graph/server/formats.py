"""Media types of answers, and the choice among them by an ``Accept`` header."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import mimeparse

from mlaoi_graph.server.reply import Refusal

__all__ = ["GRAPHS", "SOLUTIONS", "negotiate"]

SOLUTIONS: Final = {
    "application/sparql-results+json": "json",
    "application/sparql-results+xml": "xml",
    "text/csv": "csv",
    "text/tab-separated-values": "tsv",
    "application/json": "json",
    "application/xml": "xml",
    "text/xml": "xml",
}
"""Of a SELECT or ASK, the best first."""

GRAPHS: Final = {
    "text/turtle": "turtle",
    "application/ld+json": "jsonld",
    "application/n-triples": "ntriples",
    "application/rdf+xml": "rdfxml",
    "application/trig": "trig",
    "application/n-quads": "nquads",
    "application/x-turtle": "turtle",
    "application/json": "jsonld",
    "application/xml": "rdfxml",
    "text/xml": "rdfxml",
    "text/plain": "ntriples",
}
"""Of a CONSTRUCT, DESCRIBE, a graph or a node, the best first."""

_LONGEST: Final = 2_000
"""Characters of an Accept header that are looked at: the work grows with them, and browsers send some 200."""


def negotiate(accept: str, offered: Mapping[str, str]) -> str:
    """Return the media type offered that a client likes best, the first of equals.

    Raises Refusal, with 406, if it takes none of them, or if the header cannot be understood.

    >>> negotiate("text/csv;q=0.5, application/xml;q=0.9, */*;q=0.1", SOLUTIONS)
    'application/xml'
    >>> negotiate("", SOLUTIONS)
    'application/sparql-results+json'
    """
    found = _best(accept, tuple(offered))
    if not found:
        raise Refusal(406, "not-acceptable", "none of what Accept names is offered", offered=list(offered))
    return found


@lru_cache(maxsize=256)
def _best(accept: str, offered: tuple[str, ...]) -> str:
    if not accept.strip():
        return offered[0]
    try:
        # The last of equals is taken there.
        return str(mimeparse.best_match(offered[::-1], accept.lower())) if len(accept) <= _LONGEST else ""
    except (mimeparse.MimeTypeParseException, ValueError, OverflowError):
        return ""
