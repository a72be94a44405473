"""The nodes and edges of a catalog, read one by one as STAC documents need them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property, lru_cache
from typing import Any, Final, TypeVar, cast

import numpy as np
from pyoxigraph import NamedNode

from mlaoi_graph import rdf
from mlaoi_graph.catalog import Catalog
from mlaoi_graph.geo.mapped import Array
from mlaoi_graph.lineage_fields import Described, wholes_of_split
from mlaoi_graph.model import (
    AreaOfInterest,
    Association,
    Dataset,
    DataUse,
    Derivation,
    DerivationKind,
    Evidence,
    Model,
    ModelFamily,
    QualifiedEdge,
    Rule,
    SourceDocument,
    Stage,
    Statement,
    Unknown,
)
from mlaoi_graph.queries.details import predicate_of
from mlaoi_graph.queries.graph import PART, PREDICATES, WORDS
from mlaoi_graph.vocab import MLAOI
from mlaoi_graph.writers.stac import ends_of

__all__ = ["StoredGraph"]

_KEPT: Final = 20_000
"""Nodes that are held: those that many models point at are read once."""
_DOCUMENTS: Final = 16
_SHORT: Final = 200
"""Edges, or areas, of a document that is read as a whole. The engine takes longer to begin reading than to read on."""
_NEWER_END: Final = (MLAOI.ofModel, MLAOI.ofDerived, MLAOI.ofSubject)
_BRIEFLY: Final = f"SELECT ?node ?p ?o {{ ?node ?p ?o FILTER(?p != <{MLAOI.footprint}>) }}"
_NODES: Final = (Model, Dataset, ModelFamily, AreaOfInterest, Unknown)
_N = TypeVar("_N")


class StoredGraph:
    """What :class:`~mlaoi_graph.writers.stac.Documents` needs of a catalog: a ``Graph``."""

    def __init__(self, catalog: Catalog, exposure_of: Callable[[str], list[str]]) -> None:
        self._catalog = catalog
        self.exposure_of: Final = exposure_of
        self.briefly = lru_cache(_KEPT)(self._briefly)
        """A node, without the list of its areas: of a dataset may be a million."""
        self.source = lru_cache(_KEPT)(self._source)
        self.area = lru_cache(_DOCUMENTS)(lambda iri: self._merged(iri, AreaOfInterest))
        """An area: who makes a document asks again to note what it was made of."""
        self._said_in = lru_cache(_DOCUMENTS)(lambda document: rdf.decode(catalog.store.match(graph=document)))

    def edges_of(self, iri: str) -> Sequence[QualifiedEdge]:
        """Return the edges of which a thing is the newer end, those that an update wrote alone as if they were stated.

        What is said of an edge that is not there is said of none.
        """
        edges = self._catalog.lineage.edges
        node = edges.iris.find(iri)
        there = {
            (PREDICATES[edges.code[edge]], edges.iris[edges.object[edge]]): edge
            for edge in (edges.out[node] if node >= 0 else ())
        }
        found = [s for s in self._statements_of(iri) if (predicate_of(s), ends_of(s)[1]) in there]
        told = {(predicate_of(s), ends_of(s)[1]) for s in found}
        bare = (
            _bare(iri, edges.code[edge], at[1], edges.documents[edges.document[edge]])
            for at, edge in sorted(there.items())
            if at not in told
        )
        return [*found, *(s for s in bare if s is not None)]

    def _statements_of(self, iri: str) -> Sequence[QualifiedEdge]:
        documents = self._documents_of(iri)
        if all(map(self._is_short, documents)):
            edges = (
                (s, d) for d in documents for s in self._said_in(d) if isinstance(s, DataUse | Derivation | Association)
            )
            return [
                s for s, _ in sorted(((s, d) for s, d in edges if ends_of(s)[0] == iri), key=lambda e: (e[0].iri, e[1]))
            ]
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
            if self._is_short(document):
                found = [s for s in self._said_in(document) if s.iri == document]
            else:
                found = [s for some in self._catalog.said_of(document).values() for s in some]
            for said in found:
                if isinstance(said, SourceDocument) and said.as_published is not None:
                    return said.as_published
        return None

    def _documents_of(self, iri: str) -> list[str]:
        """Return the documents that say of which things this one is the newer end."""
        edges = self._catalog.lineage.edges
        node = edges.iris.find(iri)
        codes = set()
        for edge in edges.out[node] if node >= 0 else ():
            same = edges.subject[edge], edges.object[edge], edges.code[edge]
            # The others that say the same stand behind it.
            while edge < len(edges.code) and same == (edges.subject[edge], edges.object[edge], edges.code[edge]):
                codes.add(edges.document[edge])
                edge += 1
        return sorted(edges.documents[code] for code in codes)

    def _is_short(self, document: str) -> bool:
        """Return whether a document is read as fast as what it says of one thing: it has a graph of its own."""
        edges = self._catalog.lineage.edges
        code = edges.documents.find(document)
        return code >= 0 and self._edges_in[code] <= _SHORT and document not in self._of_many_areas

    @cached_property
    def _of_many_areas(self) -> frozenset[str]:
        return frozenset(self._catalog.footprints.documents_of_more(_SHORT))

    @cached_property
    def _edges_in(self) -> Array:
        edges = self._catalog.lineage.edges
        return np.bincount(np.asarray(edges.document), minlength=len(edges.documents))

    def _briefly(self, iri: str) -> Described | None:
        said = self._united(iri)
        for cls in _NODES:
            ours: list[Any] = [s for s in said if isinstance(s, cls)]
            if ours:
                return cast("Described", rdf.merge(ours))
        return None

    def _united(self, iri: str) -> list[Statement]:
        found = self._catalog.store.query(_BRIEFLY, substitutions={"node": iri})
        said = rdf.united(iri, ((row["p"], row["o"]) for row in cast("Iterable[Any]", found)))
        if said is not None:
            return said
        return [s for some in self._catalog.said_of(iri).values() for s in some]

    def _source(self, iri: str) -> Evidence | None:
        return self._merged(iri, Evidence)

    def _merged(self, iri: str, cls: type[_N]) -> _N | None:
        ours = [s for some in self._catalog.said_of(iri).values() for s in some if isinstance(s, cls)]
        return rdf.merge(ours) if ours else None  # type: ignore[type-var]


def _bare(newer: str, code: int, older: str, document: str) -> QualifiedEdge | None:
    """Return an edge as a statement; None for what a node says itself, as of what it is a split."""
    word = WORDS[code]
    if isinstance(word, Stage):
        return DataUse(iri="", model=newer, dataset=older, stage=word, rule=Rule.STATED, document=document)
    if isinstance(word, DerivationKind):
        return Derivation(iri="", derived=newer, source=older, kind=word, rule=Rule.STATED, document=document)
    if word is None or code == PART:
        return None
    return Association(iri="", subject=newer, object=older, kind=word, rule=Rule.STATED, document=document)
