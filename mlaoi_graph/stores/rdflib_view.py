"""An Oxigraph store as rdflib sees it, without a copy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import pyoxigraph as ox
from oxrdflib import OxigraphStore
from rdflib import XSD, Graph, Literal
from rdflib.graph import DATASET_DEFAULT_GRAPH_ID
from rdflib.query import Result, ResultRow

__all__ = ["rdflib_graph"]


def rdflib_graph(engine: ox.Store) -> Graph:
    """Return the default graph of an engine as an rdflib Graph; text is plain, as rdflib's own parsers give it."""
    return Graph(store=_View(store=engine), identifier=DATASET_DEFAULT_GRAPH_ID)


class _View(OxigraphStore):
    """Gives plain text as such: ``"a"`` and ``"a"^^xsd:string`` are one in RDF 1.1, and two to rdflib."""

    def triples(self, triple_pattern: Any, context: Graph | None = None) -> Iterator[Any]:
        for (subject, predicate, value), graphs in super().triples(triple_pattern, context):
            yield (subject, predicate, _plain(value)), graphs

    def query(self, *arguments: Any, **options: Any) -> Result:
        found = super().query(*arguments, **options)
        plain = Result(found.type)
        plain.askAnswer, plain.vars = found.askAnswer, found.vars
        if found.type == "SELECT":
            names, rows = found.vars or [], cast("Iterator[ResultRow]", iter(found))
            plain.bindings = (dict(zip(names, map(_plain, row), strict=True)) for row in rows)
        elif found.graph is not None:
            plain.graph = Graph()
            plain.graph += ((*rest, _plain(value)) for *rest, value in found.graph)
        return plain


def _plain(term: Any) -> Any:
    return Literal(str(term)) if isinstance(term, Literal) and term.datatype == XSD.string else term
