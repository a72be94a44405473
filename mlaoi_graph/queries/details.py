"""What nodes and twins say beyond the bare edge, looked up when somebody asks for it.

Keeping it all in memory would cost a large catalog seconds and gigabytes at open; a chain has a handful of edges.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, cast

from pyoxigraph import Literal, NamedNode, Quad

from mlaoi_graph.model import (
    AreaOfInterest,
    Association,
    Confidence,
    DataUse,
    Derivation,
    Evidence,
    Precision,
    QualifiedEdge,
    Rule,
)
from mlaoi_graph.rdf import (
    ASSOCIATION_PROPERTY,
    DERIVATION_PROPERTY,
    INFERRED_GRAPH,
    LOG_GRAPH,
    STAGE_PROPERTY,
    decode,
)
from mlaoi_graph.stores import Store
from mlaoi_graph.times import earliest
from mlaoi_graph.vocab import MLAOI, RDF, RDFS

if TYPE_CHECKING:
    import networkx

__all__ = ["Details", "NetworkxDetails", "StoreDetails", "ends_of", "predicate_of"]

_REMEMBERED = 50_000
"""Documents whose times are kept once read."""
_OURS = (INFERRED_GRAPH, LOG_GRAPH)
_STAGES = {predicate: stage for stage, predicate in STAGE_PROPERTY.items()}
_KINDS = {predicate: kind for kind, predicate in DERIVATION_PROPERTY.items()}
_ASSOCIATIONS = {predicate: kind for kind, predicate in ASSOCIATION_PROPERTY.items()}


def ends_of(twin: QualifiedEdge) -> tuple[str, str]:
    """Return the newer and the older end of a statement."""
    if isinstance(twin, DataUse):
        return twin.model, twin.dataset
    if isinstance(twin, Derivation):
        return twin.derived, twin.source
    return twin.subject, twin.object


def predicate_of(twin: QualifiedEdge) -> str:
    """Return the IRI of the direct edge a statement is the twin of."""
    if isinstance(twin, DataUse):
        return STAGE_PROPERTY[twin.stage]
    if isinstance(twin, Derivation):
        return DERIVATION_PROPERTY[twin.kind]
    return ASSOCIATION_PROPERTY[twin.kind]


class Details(Protocol):
    """Where the rest is."""

    def licences(self, iri: str) -> tuple[str, ...]:
        """Return every licence some document states of a node, sorted."""

    def precisions(self, iri: str) -> frozenset[Precision] | None:
        """Return how precise a dataset's own footprints are: empty if it has none, None if that is not told here.

        One that is bounded is enough: there may be a million.
        """

    def sharing_weights(self, iri: str) -> dict[str, bool]:
        """Return the other models that have a file of a model's weights: whether all files of both are the same."""

    def twins(self, subject: str, predicate: str, object: str, document: str) -> tuple[QualifiedEdge, ...]:
        """Return the statements of one document that a direct edge stands for, by IRI."""

    def evidence(self, iri: str) -> Evidence | None:
        """Return a source that was cited."""

    def stated_at(self, document: str) -> str | None:
        """Return when a document says it made or changed its statement."""

    def read_at(self, document: str) -> str | None:
        """Return when a document was first read with what it says now."""


class StoreDetails:
    """Details from a store. Raises StoreError once that is closed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._evidence: dict[str, Evidence | None] = {}
        self._documents: dict[str, tuple[str | None, str | None]] = {}

    def label(self, iri: str) -> str | None:
        return min(self._texts(iri, RDFS.label), default=None)

    def licences(self, iri: str) -> tuple[str, ...]:
        return tuple(sorted(self._texts(iri, MLAOI.license)))

    def precisions(self, iri: str) -> frozenset[Precision] | None:
        found: set[Precision] = set()
        for quad in self._store.match(iri, MLAOI.footprint):
            statements = decode(self._store.match(cast(NamedNode, quad.object).value))
            found.update(s.precision for s in statements if isinstance(s, AreaOfInterest))
            if found - {Precision.GLOBAL}:  # a dataset may have a million samples, and they are alike
                break
        return frozenset(found)

    def sharing_weights(self, iri: str) -> dict[str, bool]:
        own = self._texts(iri, MLAOI.checksum)
        quads = (quad for checksum in own for quad in self._store.match(None, MLAOI.checksum, Literal(checksum)))
        others = sorted({cast(NamedNode, quad.subject).value for quad in quads} - {iri})
        return {o: self._texts(o, MLAOI.checksum) == own for o in others if MLAOI.Model in self._texts(o, RDF.type)}

    def twins(self, subject: str, predicate: str, object: str, document: str) -> tuple[QualifiedEdge, ...]:
        if predicate in _STAGES:
            first, second = MLAOI.ofModel, MLAOI.ofDataset
        elif predicate in _KINDS:
            first, second = MLAOI.ofDerived, MLAOI.ofSource
        else:
            first, second = MLAOI.ofSubject, MLAOI.ofObject
        near = {cast(NamedNode, q.subject).value for q in self._store.match(None, second, object, document)}
        if len(near) > 1:  # of an aggregate that says what its 1,000 members are, all but one
            near &= {cast(NamedNode, q.subject).value for q in self._store.match(None, first, subject, document)}
        found = [twin for iri in sorted(near) if (twin := self._twin(iri, document)) is not None]
        return tuple(twin for twin in found if predicate_of(twin) == predicate and ends_of(twin) == (subject, object))

    def _twin(self, iri: str, document: str) -> QualifiedEdge | None:
        for statement in decode(self._store.match(iri, None, None, document)):
            if isinstance(statement, DataUse | Derivation | Association):
                return statement
        return None

    def evidence(self, iri: str) -> Evidence | None:
        if iri not in self._evidence:
            found = [s for s in decode(self._quads(iri)) if isinstance(s, Evidence)]
            self._evidence[iri] = found[0] if found else None
        return self._evidence[iri]

    def stated_at(self, document: str) -> str | None:
        return self._times(document)[0]

    def read_at(self, document: str) -> str | None:
        return self._times(document)[1]

    def _times(self, document: str) -> tuple[str | None, str | None]:
        """Return when a document says it made its statement, and when it was first read with what it says now."""
        if document not in self._documents:
            if len(self._documents) >= _REMEMBERED:
                self._documents.clear()
            stated = earliest(self._texts(document, MLAOI.statedAt, document))
            log = self._store.match(None, MLAOI.ofDocument, document, LOG_GRAPH)
            readings = [cast(NamedNode, quad.subject).value for quad in log]
            if len(readings) > 1:  # of one alone it is known that it was of what is there now
                now = self._texts(document, MLAOI.contentHash, document)
                readings = [r for r in readings if self._texts(r, MLAOI.contentHash, LOG_GRAPH) & now]
            times = {time for reading in readings for time in self._texts(reading, MLAOI.readAt, LOG_GRAPH)}
            self._documents[document] = stated, earliest(times)
        return self._documents[document]

    def _quads(self, iri: str) -> list[Quad]:
        return [q for q in self._store.match(iri) if cast(NamedNode, q.graph_name).value not in _OURS]

    def _texts(self, subject: str, predicate: str, graph: str | None = None) -> set[str]:
        return {cast(NamedNode, quad.object).value for quad in self._store.match(subject, predicate, None, graph)}


def _key(edge: tuple[object, object]) -> str:
    return str(edge[0])


class NetworkxDetails:
    """Details from a networkx graph as ``Catalog.to_networkx`` gives it, which has no evidence, places and dates."""

    def __init__(self, graph: networkx.MultiDiGraph[str]) -> None:
        self._graph = graph

    def licences(self, iri: str) -> tuple[str, ...]:
        return tuple(filter(None, (self._graph.nodes[iri].get("license") or "").split("\n")))

    def precisions(self, iri: str) -> frozenset[Precision] | None:
        return None

    def sharing_weights(self, iri: str) -> dict[str, bool]:
        return {}

    def twins(self, subject: str, predicate: str, object: str, document: str) -> tuple[QualifiedEdge, ...]:
        name = predicate.rpartition("#")[2]
        found: list[QualifiedEdge] = []
        for key, facts in sorted((self._graph.get_edge_data(subject, object) or {}).items(), key=_key):
            if facts.get("predicate") != name or facts.get("document", "") != document or not facts.get("rule"):
                continue
            common: dict[str, Any] = {
                "iri": str(key),
                "rule": Rule(facts["rule"]),
                "document": document,
                "pointer": facts.get("pointer") or None,
                "confidence": Confidence(facts.get("confidence") or Confidence.VERIFIED),
                "note": facts.get("note") or None,
            }
            split = facts.get("split") or None
            if predicate in _STAGES:
                stage = _STAGES[predicate]
                found.append(DataUse(model=subject, dataset=object, stage=stage, split=split, **common))
            elif predicate in _KINDS:
                kind = _KINDS[predicate]
                found.append(Derivation(derived=subject, source=object, kind=kind, source_split=split, **common))
            else:
                found.append(Association(subject=subject, object=object, kind=_ASSOCIATIONS[predicate], **common))
        return tuple(found)

    def evidence(self, iri: str) -> Evidence | None:
        return None

    def stated_at(self, document: str) -> str | None:
        return None

    def read_at(self, document: str) -> str | None:
        return None
