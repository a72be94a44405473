"""What differs between two states of a catalog: what is said, and what follows from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields, is_dataclass
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias, cast

from pyoxigraph import NamedNode

from mlaoi_graph.model import (
    AreaOfInterest,
    Association,
    Dataset,
    DataUse,
    Derivation,
    Disclosure,
    Evidence,
    Model,
    ModelFamily,
    QualifiedEdge,
    Reasoner,
    SourceDocument,
    Statement,
    Unknown,
)
from mlaoi_graph.queries.details import StoreDetails, ends_of, predicate_of
from mlaoi_graph.queries.graph import IS_MODEL
from mlaoi_graph.rdf import INFERRED_GRAPH, LOG_GRAPH, decode, merge
from mlaoi_graph.stores import Store
from mlaoi_graph.vocab import MLAOI, PREFIXES

if TYPE_CHECKING:
    from pyoxigraph import QuerySolutions

    from mlaoi_graph.queries.leakage import Leak, LeakageReport
    from mlaoi_graph.queries.lineage import LineageGraph

__all__ = [
    "WORDS",
    "Diff",
    "DocumentChange",
    "DocumentState",
    "EdgeChange",
    "EdgeState",
    "Exposure",
    "FieldChange",
    "Gap",
    "HasAnswers",
    "NodeChange",
    "NodeState",
    "Said",
    "diff",
]

Value: TypeAlias = str | bool | tuple[str, ...] | None
_Thing: TypeAlias = Model | ModelFamily | Dataset | AreaOfInterest | Evidence | Unknown
_EdgeKey: TypeAlias = tuple[str, str, str]

WORDS: Final = (
    "new-documents", "removed-documents", "changed-documents",
    "new-nodes", "removed-nodes", "changed-nodes",
    "new-edges", "removed-edges", "changed-edges",
    "new-exposure", "removed-exposure",
    "new-leakage", "removed-leakage",
    "new-unknowns", "removed-unknowns",
)  # fmt: skip
"""What can differ; each is a field of :class:`Diff`, spelled with an underscore there."""

_KINDS: Final[dict[type, str]] = {
    Model: "model",
    ModelFamily: "family",
    Dataset: "dataset",
    AreaOfInterest: "area",
    Evidence: "evidence",
    Unknown: "unknown",
}
_OURS: Final = frozenset({INFERRED_GRAPH, LOG_GRAPH})
_TOLD: Final[dict[Disclosure | None, int]] = {Disclosure.COMPLETE: 2, Disclosure.PARTIAL: 1}
"""How much a disclosure tells; undisclosed tells as little as none."""


class HasAnswers(Protocol):
    """A catalog, as far as it matters here."""

    @property
    def store(self) -> Store:
        """Its quads."""

    @property
    def reasoner(self) -> Reasoner:
        """What infers in it."""

    @property
    def lineage(self) -> LineageGraph:
        """Its lineage."""

    def leakage(self) -> LeakageReport:
        """Return what its tests overlap."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentState:
    """A document as one catalog holds it."""

    document: str
    content_hash: str | None
    stated_at: str | None
    """When the source says it made or changed its statement."""
    read_at: str | None
    """When it was first read with this content (RFC 3339, UTC); None if the log does not tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentChange:
    """A document both catalogs hold, of which something else is known."""

    document: str
    before: DocumentState
    after: DocumentState

    @property
    def other_content(self) -> bool:
        """Whether its bytes differ; if not, what it refers to could be resolved, or it was read by other rules."""
        return self.before.content_hash != self.after.content_hash


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeState:
    """A node only one catalog has."""

    node: str
    kind: str
    """model, family, dataset, area, evidence, unknown."""
    label: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """A field of a node, and its value on either side; None or ``()`` is *not said*."""

    name: str
    before: Value
    after: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeChange:
    """A node of which all documents together say something else."""

    node: str
    kind: str
    fields: tuple[FieldChange, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What one statement says of an edge, and who made it. A part by construction has a document only.

    The times do not count in a comparison.
    """

    document: str
    rule: str | None = None
    confidence: str | None = None
    split: str | None = None
    """Of the dataset used, or derived from."""
    derived_split: str | None = None
    area: str | None = None
    metrics: str | None = None
    evidence: tuple[str, ...] = ()
    stated_at: str | None = field(default=None, compare=False)
    """When the document's source says it made the statement."""
    read_at: str | None = field(default=None, compare=False)
    """When the document was first read with this content."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeState:
    """An edge only one catalog has."""

    subject: str
    predicate: str
    """Local name of the property."""
    object: str
    said: tuple[Said, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeChange:
    """An edge both catalogs have, and what is said of it on either side."""

    subject: str
    predicate: str
    object: str
    before: tuple[Said, ...]
    after: tuple[Said, ...]

    def changes(self) -> tuple[FieldChange, ...]:
        """Return what differs: the documents, or what a document that says it on both sides says otherwise."""
        both = {said.document for said in self.before} & {said.document for said in self.after}
        found: list[FieldChange] = []
        for name in (f.name for f in fields(Said) if f.compare):
            sides = []
            for side in (self.before, self.after):
                kept = side if name == "document" else [said for said in side if said.document in both]
                sides.append({(said.document, getattr(said, name)) for said in kept})
            if sides[0] != sides[1]:
                was, now = (tuple(sorted({_text(value) for _, value in side})) for side in sides)
                found.append(FieldChange(name=name, before=was, after=now))
        return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """That a model is exposed to a dataset: the inferred ``mlaoi:exposedTo``."""

    model: str
    dataset: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Something that is not known on one side, and is on the other or was no question there."""

    what: str
    """``unresolved``: a reference that leads nowhere. ``disclosure``: how much a model's sources disclose. Or another
    slug of ``LineageGraph.unknowns``."""
    node: str
    before: str | None
    """The name that led nowhere, the disclosure, or else the reason ``unknowns`` gives."""
    after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Diff:
    """What differs between two catalogs, in a stable order; true if anything does."""

    new_documents: tuple[DocumentState, ...]
    removed_documents: tuple[DocumentState, ...]
    changed_documents: tuple[DocumentChange, ...]
    new_nodes: tuple[NodeState, ...]
    removed_nodes: tuple[NodeState, ...]
    changed_nodes: tuple[NodeChange, ...]
    new_edges: tuple[EdgeState, ...]
    removed_edges: tuple[EdgeState, ...]
    changed_edges: tuple[EdgeChange, ...]
    new_exposure: tuple[Exposure, ...]
    removed_exposure: tuple[Exposure, ...]
    new_leakage: tuple[Leak, ...]
    removed_leakage: tuple[Leak, ...]
    new_unknowns: tuple[Gap, ...]
    removed_unknowns: tuple[Gap, ...]
    notes: tuple[str, ...] = ()
    """What was not compared, and why: there is nothing of it in the fields above."""

    def __bool__(self) -> bool:
        return any(self[word] for word in WORDS)

    def __getitem__(self, word: str) -> tuple[Any, ...]:
        """Return what one of :data:`WORDS` stands for. Raises KeyError for another."""
        if word not in WORDS:
            raise KeyError(word)
        return cast("tuple[Any, ...]", getattr(self, word.replace("-", "_")))

    def to_dict(self) -> dict[str, dict[str, list[Any]]]:
        """Return everything as JSON has it: ``{"edges": {"new": [...], "removed": [...], "changed": [...]}, ...}``."""
        found: dict[str, dict[str, list[Any]]] = {}
        for word in WORDS:
            how, _, what = word.partition("-")
            found.setdefault(what, {})[how] = _plain(self[word])
        return found


def diff(before: HasAnswers, after: HasAnswers) -> Diff:
    """Return what differs from one catalog to another.

    Documents are compared by IRI, graph by graph; nodes by IRI, all documents taken together; edges by subject,
    predicate and object, with who says them and how. A part-of is an edge, not a field of its dataset. A node of
    another kind is one removed and one new. Exposure is of the inferred graph, and
    not compared where one of the two infers nothing (``notes``); leakage is what ``Catalog.leakage`` finds.

    Every quad of both catalogs is read once, at some 120,000 a second, and those of what differs a few times more. Held
    in memory are the IRIs of documents and models, one document and one model's exposure at a time, the lineage and
    footprints of both, and the result.
    """
    old, new = _State(before.store), _State(after.store)
    documents, nodes, edges = _touched(old, new)
    found: dict[str, list[Any]] = {word.replace("-", "_"): [] for word in WORDS}
    for document in documents:
        _compare_documents(document, old, new, found)
    for iri in sorted(nodes):
        _compare_nodes(iri, old.nodes(iri), new.nodes(iri), found)
    for key in sorted(edges):
        _compare_edges(key, old.edge(key), new.edge(key), found)
    notes: tuple[str, ...] = ()
    compared = {*old.exposed_models(), *new.exposed_models()}
    if Reasoner.NONE in (before.reasoner, after.reasoner):
        notes, compared = ("exposure is not compared: nothing is inferred in one of the two (--reasoner none)",), set()
    for model in sorted(compared):
        was, now = old.exposure(model), new.exposure(model)
        found["new_exposure"] += (Exposure(model=model, dataset=dataset) for dataset in sorted(now - was))
        found["removed_exposure"] += (Exposure(model=model, dataset=dataset) for dataset in sorted(was - now))
    leaks, leaks_now = before.leakage().leaks(), after.leakage().leaks()
    _compare_answers(before.lineage, after.lineage, found)
    # In the order of the report: the strongest first.
    found["new_leakage"] += dict.fromkeys(leak for leak in leaks_now if leak not in set(leaks))
    found["removed_leakage"] += dict.fromkeys(leak for leak in leaks if leak not in set(leaks_now))
    return Diff(**{name: tuple(rows) for name, rows in found.items()}, notes=notes)


def _touched(old: _State, new: _State) -> tuple[list[str], set[str], set[_EdgeKey]]:
    """Return the documents that differ, and the nodes and edges of which they say something else."""
    documents: list[str] = []
    nodes: set[str] = set()
    edges: set[_EdgeKey] = set()
    # Hashes of contents would be faster and wrong: a reference resolved later changes a graph and not its document.
    for document in sorted({*old.documents(), *new.documents()}):
        if old.triples(document) == new.triples(document):
            continue
        documents.append(document)
        was, now = old.said(document), new.said(document)
        for key in was.keys() | now.keys():
            sides = was.get(key), now.get(key)
            if sides[0] == sides[1]:
                continue
            wholes: set[str] = set()
            for statement in sides:
                if isinstance(statement, DataUse | Derivation | Association):
                    newer, older = ends_of(statement)
                    edges.add((newer, predicate_of(statement), older))
                elif statement is not None and not isinstance(statement, SourceDocument):
                    nodes.add(statement.iri)
                    if isinstance(statement, Dataset):
                        wholes ^= set(statement.part_of)
            edges.update((key[1], MLAOI.partOf, whole) for whole in wholes)
    return documents, nodes, edges


def _compare_documents(document: str, old: _State, new: _State, found: dict[str, list[Any]]) -> None:
    was, now = old.document(document), new.document(document)
    if was is not None and now is not None:
        found["changed_documents"].append(DocumentChange(document=document, before=was, after=now))
    elif now is not None:
        found["new_documents"].append(now)
    else:
        found["removed_documents"].append(was)


def _compare_nodes(
    iri: str, before: dict[type, _Thing], after: dict[type, _Thing], found: dict[str, list[Any]]
) -> None:
    for cls, kind in _KINDS.items():
        was, now = before.get(cls), after.get(cls)
        if was is not None and now is not None:
            changes = tuple(
                FieldChange(name=f.name, before=_value(was, f.name), after=_value(now, f.name))
                for f in fields(cls)
                if f.name != "part_of" and getattr(was, f.name) != getattr(now, f.name)
            )
            if changes:
                found["changed_nodes"].append(NodeChange(node=iri, kind=kind, fields=changes))
            if isinstance(was, Model) and isinstance(now, Model):
                _compare_disclosures(was, now, found)
        elif now is not None:
            found["new_nodes"].append(NodeState(node=iri, kind=kind, label=getattr(now, "label", None)))
        elif was is not None:
            found["removed_nodes"].append(NodeState(node=iri, kind=kind, label=getattr(was, "label", None)))
    lost, lost_now = _open_name(before.values()), _open_name(after.values())
    if lost is None and lost_now is not None:
        found["new_unknowns"].append(Gap(what="unresolved", node=iri, before=None, after=lost_now))
    elif lost is not None and lost_now is None:
        found["removed_unknowns"].append(Gap(what="unresolved", node=iri, before=lost, after=None))


def _compare_disclosures(was: Model, now: Model, found: dict[str, list[Any]]) -> None:
    told, told_now = (_TOLD.get(m.disclosure, 0) for m in (was, now))
    if told == told_now:
        return
    before, after = (None if m.disclosure is None else m.disclosure.value for m in (was, now))
    gap = Gap(what="disclosure", node=was.iri, before=before, after=after)
    found["new_unknowns" if told_now < told else "removed_unknowns"].append(gap)


def _compare_answers(was: LineageGraph, now: LineageGraph, found: dict[str, list[Any]]) -> None:
    """Add what is not known of models on one side: of no model on the other, or of a model that is not there."""
    there, there_now = set(_models(was)), set(_models(now))
    every, own = _unknowns(was, there - there_now)
    every_now, own_now = _unknowns(now, there_now - there)
    for word, here, other, own_here in (
        ("new_unknowns", every_now, every, own_now), ("removed_unknowns", every, every_now, own),
    ):  # fmt: skip
        told = {(gap.what, gap.node) for gap in found[word]}
        # What leads nowhere was compared node by node, used or not.
        gone = {key: why for key, why in here.items() if key not in other and key[0] != "unresolved"} | own_here
        for (what, node), why in sorted(gone.items()):
            if (what, node) not in told:
                sides = (None, why) if word == "new_unknowns" else (why, None)
                found[word].append(Gap(what=what, node=node, before=sides[0], after=sides[1]))


def _models(graph: LineageGraph) -> Iterator[str]:
    return (graph.edges.iris[node] for node, bits in enumerate(graph.edges.kinds) if bits & IS_MODEL)


def _unknowns(graph: LineageGraph, own: set[str]) -> tuple[dict[tuple[str, str], str], dict[tuple[str, str], str]]:
    """Return what is not known of any model, and of some of them: the reason by slug and node."""
    every: dict[tuple[str, str], str] = {}
    of_own: dict[tuple[str, str], str] = {}
    for model in _models(graph):
        for gap in graph.unknowns(model):
            # A split that was named of a dataset is as unresolved as that, and not counted beside it.
            if gap.what != "unresolved" or not graph.edges.is_part(graph.edges.at(gap.node)):
                every.setdefault((gap.what, gap.node), gap.reason)
                if model in own:
                    of_own.setdefault((gap.what, gap.node), gap.reason)
    return every, of_own


def _open_name(nodes: Iterable[_Thing]) -> str | None:
    """Return what a node that is described nowhere goes by; None if it is described, or is no such node.

    The rule of ``Catalog.unresolved``: a split that was named of a dataset is not counted beside it.
    """
    for node in nodes:
        if isinstance(node, Unknown) or (
            isinstance(node, Model | Dataset)
            and not node.resolved
            and not (isinstance(node, Dataset) and node.split is not None and node.part_of)
        ):
            return node.unresolved_name or node.label or node.iri
    return None


def _compare_edges(
    key: _EdgeKey, before: tuple[Said, ...], after: tuple[Said, ...], found: dict[str, list[Any]]
) -> None:
    if before == after:
        return
    ends: dict[str, str] = {"subject": key[0], "predicate": key[1].rpartition("#")[2], "object": key[2]}
    if before and after:
        found["changed_edges"].append(EdgeChange(**ends, before=before, after=after))
    elif after:
        found["new_edges"].append(EdgeState(**ends, said=after))
    else:
        found["removed_edges"].append(EdgeState(**ends, said=before))


class _State:
    """One of the two catalogs."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._details = StoreDetails(store)
        self._times = cache(lambda document: (self._details.stated_at(document), self._details.read_at(document)))

    def documents(self) -> Iterator[str]:
        return (graph for graph in self._store.graphs() if graph not in _OURS)

    def triples(self, document: str) -> set[object]:
        return {quad.triple for quad in self._store.match(graph=document)}

    def said(self, document: str) -> dict[tuple[type, str], Statement]:
        return {(type(s), s.iri): s for s in decode(self._store.match(graph=document))}

    def document(self, document: str) -> DocumentState | None:
        if not self._store.has_graph(document):
            return None
        hashes = self._objects(document, MLAOI.contentHash)
        stated_at, read_at = self._times(document)
        return DocumentState(
            document=document, content_hash=min(hashes, default=None), stated_at=stated_at, read_at=read_at
        )

    def nodes(self, iri: str) -> dict[type, _Thing]:
        """Return what all documents together say of a node, by kind."""
        by_graph: dict[str, list[Any]] = {}
        for quad in self._store.match(iri):
            by_graph.setdefault(_iri(quad.graph_name), []).append(quad)
        said: dict[type, list[Any]] = {}
        for graph in sorted(by_graph.keys() - _OURS):
            quads = by_graph[graph]
            for quad in list(quads):
                if quad.predicate.value.endswith("hasDefaultGeometry"):
                    quads.extend(self._store.match(_iri(quad.object), None, None, graph))
            for statement in decode(quads):
                if type(statement) in _KINDS:
                    said.setdefault(type(statement), []).append(statement)
        return {cls: merge(statements) for cls, statements in said.items()}

    def edge(self, key: _EdgeKey) -> tuple[Said, ...]:
        """Return what is said of an edge; nothing if nobody asserts it."""
        found: set[Said] = set()
        for document in {_iri(quad.graph_name) for quad in self._store.match(*key)} - _OURS:
            twins = self._details.twins(*key, document)
            # A part by construction has no twin.
            found |= {self._said(twin) for twin in twins} or {self._bare(document)}
        return tuple(sorted(found, key=lambda said: [_text(getattr(said, f.name)) for f in fields(Said)]))

    def _bare(self, document: str) -> Said:
        stated_at, read_at = self._times(document)
        return Said(document=document, stated_at=stated_at, read_at=read_at)

    def _said(self, twin: QualifiedEdge) -> Said:
        stated_at, read_at = self._times(twin.document)
        use = twin if isinstance(twin, DataUse) else None
        derivation = twin if isinstance(twin, Derivation) else None
        return Said(
            document=twin.document,
            rule=twin.rule.value,
            confidence=twin.confidence.value,
            split=use.split if use else derivation.source_split if derivation else None,
            derived_split=derivation.derived_split if derivation else None,
            area=use.area if use else None,
            metrics=use.metrics if use else None,
            evidence=twin.evidence,
            stated_at=stated_at,
            read_at=read_at,
        )

    def exposed_models(self) -> Iterator[str]:
        found = self._store.query("SELECT DISTINCT ?model { ?model mlaoi:exposedTo ?dataset }", prefixes=PREFIXES)
        return (_iri(row[0]) for row in cast("QuerySolutions", found))

    def exposure(self, model: str) -> set[str]:
        return self._objects(model, MLAOI.exposedTo)

    def _objects(self, subject: str, predicate: str) -> set[str]:
        return {cast(NamedNode, quad.object).value for quad in self._store.match(subject, predicate)}


def _iri(term: object) -> str:
    return cast(NamedNode, term).value  # a store holds no blank nodes


def _value(node: _Thing, name: str) -> Value:
    value = getattr(node, name)
    return cast(Value, value.value if isinstance(value, Enum) else value)


def _text(value: Value) -> str:
    return " ".join(value) if isinstance(value, tuple) else "" if value is None else str(value)


def _plain(value: Any) -> Any:
    """Return a value as JSON has it."""
    if isinstance(value, tuple):
        return [_plain(member) for member in value]
    if is_dataclass(value):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    return value
