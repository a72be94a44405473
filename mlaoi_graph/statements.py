"""What a store says, as statements: nodes merged from all documents, edges as each document states them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, cast

from mlaoi_graph import iri as iris
from mlaoi_graph import rdf
from mlaoi_graph.errors import NodeNotFound
from mlaoi_graph.model import (
    AreaOfInterest,
    Association,
    Dataset,
    DataUse,
    Derivation,
    Model,
    ModelFamily,
    SourceDocument,
    Statement,
    Unknown,
)
from mlaoi_graph.stores import Store
from mlaoi_graph.vocab import MLAOI, RDF

if TYPE_CHECKING:
    from pyoxigraph import NamedNode

__all__ = ["Counts", "Described", "Edge", "Node", "Statements"]

Node: TypeAlias = Model | ModelFamily | Dataset | AreaOfInterest | Unknown
_N = TypeVar("_N", Model, ModelFamily, Dataset, AreaOfInterest, SourceDocument, Unknown)
_E = TypeVar("_E", DataUse, Derivation, Association)


@dataclass(frozen=True, slots=True)
class Counts:
    """How much is in a catalog."""

    documents: int
    models: int
    families: int
    datasets: int
    areas: int
    uses: int
    derivations: int
    unresolved: int
    """References that lead nowhere, each name or address once."""
    triples: int


@dataclass(frozen=True, slots=True)
class Described:
    """A node and every edge at it."""

    node: Model | ModelFamily | Dataset | AreaOfInterest | Unknown
    uses: tuple[DataUse, ...]
    """Where it is the model, or the dataset."""
    derivations: tuple[Derivation, ...]
    associations: tuple[Association, ...]
    areas: tuple[AreaOfInterest, ...]
    documents: tuple[str, ...]
    """IRIs of the documents that say something of it."""


@dataclass(frozen=True, slots=True)
class Edge:
    """A direct edge with its qualified twin."""

    subject: str
    predicate: str
    """Local name of the property."""
    object: str
    twin: DataUse | Derivation | Association

    @classmethod
    def of(cls, twin: DataUse | Derivation | Association) -> Edge:
        """Return the direct edge a twin stands beside."""
        if isinstance(twin, DataUse):
            ends = twin.model, rdf.STAGE_PROPERTY[twin.stage], twin.dataset
        elif isinstance(twin, Derivation):
            ends = twin.derived, rdf.DERIVATION_PROPERTY[twin.kind], twin.source
        else:
            ends = twin.subject, rdf.ASSOCIATION_PROPERTY[twin.kind], twin.object
        return cls(ends[0], ends[1].rpartition("#")[2], ends[2], twin)


# Over the default graph, which holds a triple once however many documents say it.
_INSTANCES = f"SELECT ?node ?kind {{ ?node <{RDF.type}> ?kind }}"
_NUMBER = f"SELECT (COUNT(*) AS ?number) ?kind {{ ?node <{RDF.type}> ?kind }} GROUP BY ?kind"
# What is noted of samples that are not there is no document that anybody can read.
_NUMBER_BESIDE = f"""
    SELECT (COUNT(*) AS ?number) ?kind {{
        ?node <{RDF.type}> ?kind
        FILTER(STRENDS(STR(?node), "{iris.unread("")}") || STRENDS(STR(?node), "{iris.elsewhere("")}"))
    }} GROUP BY ?kind
"""
_UNDESCRIBED = f"""
    SELECT ?node ?kind {{ ?node <{RDF.type}> ?kind FILTER NOT EXISTS {{ ?node <{MLAOI.resolved}> true }} }}
"""

# A split that was named of a dataset is as unresolved as the dataset, and is not counted beside it.
_NUMBER_UNDESCRIBED = f"""
    SELECT (COUNT(*) AS ?number) ?kind {{
      ?node <{RDF.type}> ?kind FILTER NOT EXISTS {{ ?node <{MLAOI.resolved}> true }}
      FILTER NOT EXISTS {{ ?node <{MLAOI.split}> ?split ; <{MLAOI.partOf}> ?whole }}
    }} GROUP BY ?kind
"""


class Statements:
    """The statements of one state of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def nodes(self, class_iri: str, cls: type[_N], query: str = _INSTANCES) -> Iterator[_N]:
        """Iterate over the nodes of a class that the rows of a query name."""
        for subject in self._subjects(class_iri, query):
            node = self.merged(subject, cls)
            if node is not None:
                yield node

    def merged(self, subject: str, cls: type[_N]) -> _N | None:
        """Return what all documents say of a node, as one; None if none says that it is of the class."""
        said = [s for statements in self.said_of(subject).values() for s in statements if isinstance(s, cls)]
        return rdf.merge(said) if said else None

    def undescribed(self) -> Iterator[Model | Dataset | Unknown]:
        """Iterate over what is referred to and described nowhere."""
        yield from self.nodes(MLAOI.Model, Model, _UNDESCRIBED)
        # A split that was named of a dataset is as unresolved as the dataset, and is not counted beside it.
        datasets = self.nodes(MLAOI.Dataset, Dataset, _UNDESCRIBED)
        yield from (d for d in datasets if not (d.split is not None and d.part_of))
        yield from self.nodes(MLAOI.UnknownThing, Unknown)

    def edges(self, class_iri: str, cls: type[_E]) -> Iterator[_E]:
        """Iterate over the edges of a class, one for each statement of each document."""
        for subject in self._subjects(class_iri):
            for statements in self.said_of(subject).values():
                yield from (s for s in statements if isinstance(s, cls))

    def said_of(self, subject: str) -> dict[str, list[Statement]]:
        """Return what each document says of one node."""
        by_graph: dict[str, list[Any]] = {}
        for quad in self._store.match(subject):
            by_graph.setdefault(str(getattr(quad.graph_name, "value", "")), []).append(quad)
        found: dict[str, list[Statement]] = {}
        for graph in sorted(by_graph):
            if graph in (rdf.LOG_GRAPH, rdf.INFERRED_GRAPH):
                continue
            quads = by_graph[graph]
            for quad in list(quads):
                if quad.predicate.value.endswith("hasDefaultGeometry"):
                    quads.extend(self._store.match(quad.object.value, None, None, graph))
            found[graph] = [s for s in rdf.decode(quads) if s.iri == subject]
        return found

    def node(self, iri: str) -> Node:
        """Return a node by its IRI. Raises NodeNotFound."""
        said = [s for statements in self.said_of(iri).values() for s in statements]
        for cls in (Model, Dataset, ModelFamily, AreaOfInterest, Unknown):
            ours: list[Any] = [s for s in said if isinstance(s, cls)]
            if not all(isinstance(one, Dataset) and one.latent for one in ours):
                return cast("Node", rdf.merge(ours))
        raise NodeNotFound(iri)

    def describe(self, iri: str) -> Described:
        """Return a node and every edge at it. Raises NodeNotFound."""

        def edges(predicates: tuple[str, ...], cls: type[_E]) -> tuple[_E, ...]:
            twins = {cast("NamedNode", q.subject).value for p in predicates for q in self._store.match(None, p, iri)}
            found = [
                s for twin in sorted(twins) for ss in self.said_of(twin).values() for s in ss if isinstance(s, cls)
            ]
            return tuple(found)

        areas = {
            cast("NamedNode", q.object).value
            for p in (MLAOI.footprint, MLAOI.declaredArea)
            for q in self._store.match(iri, p)
        }
        documents = {str(getattr(q.graph_name, "value", "")) for q in self._store.match(iri)}
        return Described(
            node=self.node(iri),
            uses=edges((MLAOI.ofModel, MLAOI.ofDataset), DataUse),
            derivations=edges((MLAOI.ofDerived, MLAOI.ofSource), Derivation),
            associations=edges((MLAOI.ofSubject, MLAOI.ofObject), Association),
            areas=tuple(area for a in sorted(areas) if (area := self.merged(a, AreaOfInterest)) is not None),
            documents=tuple(sorted(documents - {rdf.LOG_GRAPH, rdf.INFERRED_GRAPH})),
        )

    def edge(self, twin: str) -> Edge:
        """Return an edge by the IRI of its twin. Raises NodeNotFound."""
        for statements in self.said_of(twin).values():
            for statement in statements:
                if isinstance(statement, DataUse | Derivation | Association):
                    return Edge.of(statement)
        raise NodeNotFound(twin)

    def counts(self) -> Counts:
        """Return how much is in the catalog."""

        def number(class_iri: str, query: str = _NUMBER) -> int:
            return sum(int(row["number"].value) for row in self._select(query, kind=class_iri))

        return Counts(
            documents=number(MLAOI.SourceDocument) - number(MLAOI.SourceDocument, _NUMBER_BESIDE),
            models=number(MLAOI.Model),
            families=number(MLAOI.ModelFamily),
            datasets=number(MLAOI.Dataset),
            areas=number(MLAOI.AreaOfInterest),
            uses=number(MLAOI.DataUse),
            derivations=number(MLAOI.Derivation),
            unresolved=sum(number(kind, _NUMBER_UNDESCRIBED) for kind in (MLAOI.Model, MLAOI.Dataset))
            + number(MLAOI.UnknownThing),
            triples=len(self._store),
        )

    def _subjects(self, class_iri: str, query: str = _INSTANCES) -> Iterator[str]:
        for row in self._select(query, kind=class_iri):
            yield row["node"].value

    def _select(self, sparql: str, **values: str) -> Iterator[Any]:
        return cast("Iterator[Any]", self._store.query(sparql, substitutions=values))
