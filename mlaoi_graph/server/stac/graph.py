"""The nodes and edges of a catalog, read one by one as STAC documents need them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, Final, TypeVar, cast

from pyoxigraph import NamedNode

from mlaoi_graph import rdf
from mlaoi_graph.catalog import Catalog
from mlaoi_graph.lineage_fields import Described, wholes_of_split
from mlaoi_graph.model import (
    AreaOfInterest,
    Association,
    Dataset,
    DataUse,
    Derivation,
    Evidence,
    Model,
    ModelFamily,
    QualifiedEdge,
    SourceDocument,
    Statement,
    Unknown,
)
from mlaoi_graph.vocab import MLAOI
from mlaoi_graph.writers.stac import ends_of

__all__ = ["StoredGraph"]

_KEPT: Final = 20_000
"""Nodes that are held: those that many models point at are read once."""
_NEWER_END: Final = (MLAOI.ofModel, MLAOI.ofDerived, MLAOI.ofSubject)
_SAID: Final = "SELECT ?node ?p ?o { ?node ?p ?o }"
_BRIEFLY: Final = f"SELECT ?node ?p ?o {{ ?node ?p ?o FILTER(?p != <{MLAOI.footprint}>) }}"
_NODES: Final = (Model, Dataset, ModelFamily, AreaOfInterest, Unknown)
_N = TypeVar("_N")


class StoredGraph:
    """What :class:`~mlaoi_graph.writers.stac.Documents` needs of a catalog: a ``Graph``."""

    def __init__(self, catalog: Catalog, exposure_of: Callable[[str], list[str]]) -> None:
        self._catalog = catalog
        self.exposure_of: Final = exposure_of
        self.node = lru_cache(_KEPT)(self._node)
        self.briefly = lru_cache(_KEPT)(lambda iri: self._node(iri, _BRIEFLY))
        self.source = lru_cache(_KEPT)(self._source)

    def area(self, iri: str) -> AreaOfInterest | None:
        """Return an area."""
        return self._merged(iri, AreaOfInterest)

    def edges_of(self, iri: str) -> Sequence[QualifiedEdge]:
        """Return the edges of which a thing is the newer end."""
        store = self._catalog.store
        twins = {cast("NamedNode", q.subject).value for p in _NEWER_END for q in store.match(None, p, iri)}
        said = (s for twin in sorted(twins) for some in self._catalog.said_of(twin).values() for s in some)
        return [s for s in said if isinstance(s, DataUse | Derivation | Association) and ends_of(s)[0] == iri]

    def wholes_of(self, iri: str) -> Sequence[str]:
        """Return what a dataset is a split of."""
        node = self.briefly(iri)
        return wholes_of_split(node) if isinstance(node, Dataset) else ()

    def published_of(self, model: str) -> str | None:
        """Return what else stood in the first document that describes a model, as JSON."""
        documents = {
            cast("NamedNode", q.subject).value for q in self._catalog.store.match(None, MLAOI.describes, model)
        }
        for document in sorted(documents):
            for some in self._catalog.said_of(document).values():
                for said in some:
                    if isinstance(said, SourceDocument) and said.as_published is not None:
                        return said.as_published
        return None

    def _node(self, iri: str, query: str = _SAID) -> Described | None:
        said = self._united(iri, query)
        for cls in _NODES:
            ours: list[Any] = [s for s in said if isinstance(s, cls)]
            if ours:
                return cast("Described", rdf.merge(ours))
        return None

    def _united(self, iri: str, query: str) -> list[Statement]:
        found = self._catalog.store.query(query, substitutions={"node": iri})
        said = rdf.united(iri, ((row["p"], row["o"]) for row in cast("Iterable[Any]", found)))
        if said is not None:
            return said
        return [s for some in self._catalog.said_of(iri).values() for s in some]

    def _source(self, iri: str) -> Evidence | None:
        return self._merged(iri, Evidence)

    def _merged(self, iri: str, cls: type[_N]) -> _N | None:
        ours = [s for some in self._catalog.said_of(iri).values() for s in some if isinstance(s, cls)]
        return rdf.merge(ours) if ours else None  # type: ignore[type-var]
