"""The asserted edges of a catalog in memory, arranged to be walked.

Nodes and edges are numbers. An edge is one direct edge of one document; what else its twin says (pointer, rule,
evidence) stays where it is and is asked for when an explanation needs it, through :class:`~.details.Details`.
"""

from __future__ import annotations

import difflib
from array import array
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final, cast

from mlaoi_graph import iri as iris
from mlaoi_graph.errors import NodeNotFound
from mlaoi_graph.model import AssociationKind, Confidence, DerivationKind, Disclosure, QualifiedEdge, Stage
from mlaoi_graph.queries.details import Details, NetworkxDetails, StoreDetails, ends_of, predicate_of
from mlaoi_graph.rdf import ASSOCIATION_PROPERTY, DERIVATION_PROPERTY, INFERRED_GRAPH, LOG_GRAPH, STAGE_PROPERTY
from mlaoi_graph.stores import Store
from mlaoi_graph.vocab import MLAOI, PREFIXES

if TYPE_CHECKING:
    import networkx
    from pyoxigraph import QuerySolutions

__all__ = ["Edges"]

WORDS: Final[tuple[Stage | DerivationKind | AssociationKind | None, ...]] = (
    *STAGE_PROPERTY,
    *DERIVATION_PROPERTY,
    AssociationKind.PART_OF,
    AssociationKind.PART_OF,
    AssociationKind.SUCCEEDS,
    None,
)
"""What each edge code stands for; the code is the place in this list."""
PREDICATES: Final = (
    *STAGE_PROPERTY.values(),
    *DERIVATION_PROPERTY.values(),
    MLAOI.partOf,
    MLAOI.partOf,
    MLAOI.succeeds,
    MLAOI.family,
)
PART, MEMBER, SUCCEEDS, FAMILY = range(len(WORDS) - 4, len(WORDS))
"""A part by construction (a split), a member a source asserts, the next version, the family of a model."""
CODE: Final[dict[Stage | DerivationKind, int]] = {
    word: code for code, word in enumerate(WORDS) if isinstance(word, Stage | DerivationKind)
}
TEACHES: Final = frozenset(CODE[stage] for stage in Stage if stage.teaches)
EVALUATES: Final = frozenset(CODE[stage] for stage in Stage if not stage.teaches)
OTHER_KINDS: Final = frozenset(
    {DerivationKind.DERIVED, DerivationKind.DRAWN, DerivationKind.LABELLED, DerivationKind.UNKNOWN}
)
"""The kinds of derivation that are not model to model."""
FROM_MODEL: Final = frozenset(CODE[kind] for kind in DerivationKind if kind not in OTHER_KINDS)
DERIVED, DRAWN, LABELLED, UNKNOWN_KIND = (
    CODE[kind]
    for kind in (DerivationKind.DERIVED, DerivationKind.DRAWN, DerivationKind.LABELLED, DerivationKind.UNKNOWN)
)
PARTS: Final = frozenset({PART, MEMBER})
DERIVATIONS: Final = frozenset({*FROM_MODEL, DERIVED, DRAWN, LABELLED, UNKNOWN_KIND})
LINEAGE: Final = TEACHES | DERIVATIONS | PARTS
"""What a thing came from. Evaluation, succession and membership of a family are no lineage."""

IS_MODEL, IS_FAMILY, IS_DATASET, IS_ARCHIVE, IS_UNKNOWN = 1, 2, 4, 8, 16
_CLASSES: Final = {
    MLAOI.Model: IS_MODEL,
    MLAOI.ModelFamily: IS_FAMILY,
    MLAOI.Dataset: IS_DATASET,
    MLAOI.SourceArchive: IS_DATASET | IS_ARCHIVE,
    MLAOI.UnknownThing: IS_UNKNOWN,
}
_KINDS: Final = {
    "model": IS_MODEL,
    "family": IS_FAMILY,
    "dataset": IS_DATASET,
    "archive": IS_DATASET | IS_ARCHIVE,
    "unknown": IS_UNKNOWN,
}
_DISCLOSURES: Final = {
    MLAOI.Undisclosed: Disclosure.UNDISCLOSED,
    MLAOI.PartialDisclosure: Disclosure.PARTIAL,
    MLAOI.CompleteDisclosure: Disclosure.COMPLETE,
}


class Edges:
    """Nodes and asserted edges as numbers; ``out`` leads from the newer thing to the older.

    Back lead ``into`` (uses, derivations, successions), ``parts`` of a whole and ``members`` of a family, apart because
    a dataset with 100,000 users may have two parts. ``subject``, ``object``, ``code``, ``document`` and ``unverified``
    are facts of an edge.
    """

    def __init__(self, details: Details, find: Callable[[str], str] | None = None) -> None:
        self.details = details
        self.iris: list[str] = []
        self.index: dict[str, int] = {}
        self.kinds = bytearray()
        self.resolved: set[int] = set()
        self.disclosure: dict[int, Disclosure] = {}
        self.documents: list[str] = []
        self.subject = array("i")
        self.object = array("i")
        self.code = bytearray()
        self.document = array("i")
        self.unverified = bytearray()
        self.out: list[tuple[int, ...]] = []
        self.into: list[tuple[int, ...]] = []
        self.parts: dict[int, list[int]] = {}
        self.members: dict[int, list[int]] = {}
        self.explained: dict[int, Any] = {}
        """Edges that were looked up before, with everything their twins say."""
        self._labels: dict[int, str] = {}
        self._find = find

    # -- looking ----------------------------------------------------------------------------------------------

    def at(self, name: str) -> int:
        """Return the node of an IRI, or of a name if the graph was given a way to find one. Raises NodeNotFound."""
        node = self.index.get(name)
        if node is None and self._find is not None:
            node = self.index.get(self._find(name))
        if node is None:
            near = difflib.get_close_matches(name, self.iris, n=5, cutoff=0.8) if len(self.iris) < 10_000 else []
            raise NodeNotFound(name, near)
        return node

    def label(self, node: int) -> str:
        """Return a node's label, or the end of its IRI."""
        known = self._labels.get(node)
        if known is None:
            known = self._labels[node] = self.details.label(self.iris[node]) or iris.tail(self.iris[node])
        return known

    def kind(self, node: int) -> str:
        """Return model, family, archive, dataset or unknown: the first that fits."""
        bits = self.kinds[node]
        for word in ("model", "family", "archive", "dataset"):
            if bits & _KINDS[word] == _KINDS[word]:
                return word
        return "unknown"

    def order(self, node: int) -> tuple[str, str]:
        """Return what nodes of one depth are ordered by."""
        return self.label(node).casefold(), self.iris[node]

    def orders(self) -> list[tuple[str, str]]:
        """Return the same for all nodes, with one reading of all labels."""
        for iri, label in self.details.labels():
            node = self.index.get(iri)
            if node is not None:
                self._labels[node] = min(label, self._labels.get(node, label))
        return [self.order(node) for node in range(len(self.iris))]

    def twins(self, edge: int) -> tuple[QualifiedEdge, ...]:
        """Return the statements an edge stands for: none for a part by construction, or a family."""
        return self.details.twins(
            self.iris[self.subject[edge]],
            PREDICATES[self.code[edge]],
            self.iris[self.object[edge]],
            self.documents[self.document[edge]],
        )

    def parallel(self, edge: int) -> list[int]:
        """Return the edges that say the same in any document, this one among them."""
        return [
            other
            for other in self.out[self.subject[edge]]
            if self.object[other] == self.object[edge] and self.code[other] == self.code[edge]
        ]

    def wholes(self, node: int, codes: frozenset[int] = PARTS) -> Iterator[int]:
        """Iterate over what a dataset is directly a part of."""
        return (self.object[edge] for edge in self.out[node] if self.code[edge] in codes)

    def is_part(self, node: int) -> bool:
        """Return whether a dataset is a part by construction: a split of another."""
        return any(self.code[edge] == PART for edge in self.out[node])

    # -- making -----------------------------------------------------------------------------------------------

    @classmethod
    def from_store(cls, store: Store, find: Callable[[str], str] | None = None) -> Edges:
        """Read what documents assert; what was inferred is not looked at."""
        made = cls(StoreDetails(store), find)
        for class_iri, bits in _CLASSES.items():
            for iri, described in _rows(store, _NODES, type=class_iri):
                node = made._node(iri)
                made.kinds[node] |= bits
                if described == "true":
                    made.resolved.add(node)
        for iri, said in _rows(store, "SELECT ?s ?said { ?s mlaoi:trainingDisclosure ?said }"):
            if said in _DISCLOSURES:
                made._disclose(made._node(iri), _DISCLOSURES[said])
        builder = _Builder(made)
        # Few, and known first: they tell a membership that was asserted from a part by construction.
        members = set(_rows(store, _MEMBERS))
        for code, predicate in enumerate(PREDICATES):
            if code == MEMBER:
                continue
            for newer, older, document in _rows(store, _SAID, predicate=predicate):
                is_member = code == PART and (newer, older, document) in members
                builder.add(newer, older, MEMBER if is_member else code, document)
        builder.finish()
        for twin, document in _rows(store, "SELECT ?s ?g { GRAPH ?g { ?s mlaoi:confidence mlaoi:Unverified } }"):
            made._doubt(made.details.twin(twin, document))
        return made

    @classmethod
    def from_networkx(cls, graph: networkx.MultiDiGraph[str], find: Callable[[str], str] | None = None) -> Edges:
        """Take over a graph as ``Catalog.to_networkx`` gives it; edges with another ``predicate`` are left out."""
        made = cls(NetworkxDetails(graph), find)
        for iri, facts in graph.nodes(data=True):
            node = made._node(iri)
            made.kinds[node] = _KINDS.get(facts.get("kind", ""), IS_UNKNOWN)
            if facts.get("resolved"):
                made.resolved.add(node)
            if facts.get("disclosure"):
                made._disclose(node, Disclosure(facts["disclosure"]))
        codes = {predicate.rpartition("#")[2]: code for code, predicate in enumerate(PREDICATES) if code != MEMBER}
        builder = _Builder(made)
        doubtful: dict[tuple[str, str, int, str], bool] = {}
        for newer, older, facts in graph.edges(data=True):
            code = codes.get(facts.get("predicate", ""))
            if code is not None:
                # A part by construction has no twin, and so no rule.
                key = newer, older, MEMBER if code == PART and facts.get("rule") else code, facts.get("document", "")
                doubtful[key] = doubtful.get(key, True) and facts.get("confidence") == Confidence.UNVERIFIED.value
        for key in doubtful:
            builder.add(*key)
        builder.finish()
        made.unverified = bytearray(doubtful.values())
        return made

    def _node(self, iri: str) -> int:
        node = self.index.get(iri)
        if node is None:
            node = self.index[iri] = len(self.iris)
            self.iris.append(iri)
            self.kinds.append(0)
        return node

    def _doubt(self, twin: QualifiedEdge | None) -> None:
        """Mark the edge of an unverified statement, unless the same document says it verified as well."""
        if twin is None:
            return
        newer, older = ends_of(twin)
        predicate = predicate_of(twin)
        twins = self.details.twins(newer, predicate, older, twin.document)
        if all(other.confidence is Confidence.UNVERIFIED for other in twins):
            for edge in self.out[self.index[newer]]:
                if (
                    self.iris[self.object[edge]] == older
                    and PREDICATES[self.code[edge]] == predicate
                    and self.documents[self.document[edge]] == twin.document
                ):
                    self.unverified[edge] = 1

    def _disclose(self, node: int, said: Disclosure) -> None:
        # Two sources that disagree: complete is only what nobody contradicts.
        weakest = list(_DISCLOSURES.values())
        known = self.disclosure.get(node, said)
        self.disclosure[node] = min(known, said, key=weakest.index)


class _Builder:
    """Puts edges into an :class:`Edges`."""

    def __init__(self, edges: Edges) -> None:
        self._edges = edges
        self._documents: dict[str, int] = {}

    def add(self, newer: str, older: str, code: int, document: str) -> None:
        edges = self._edges
        edges.subject.append(edges._node(newer))
        edges.code.append(code)
        edges.object.append(edges._node(older))
        edges.document.append(self._documents.setdefault(document, len(self._documents)))

    def finish(self) -> None:
        edges = self._edges
        edges.documents = list(self._documents)
        edges.unverified = bytearray(len(edges.code))
        out: list[Any] = [()] * len(edges.iris)
        into: list[Any] = [()] * len(edges.iris)
        for edge, (newer, older, code) in enumerate(zip(edges.subject, edges.object, edges.code, strict=True)):
            if out[newer]:
                out[newer].append(edge)
            else:
                out[newer] = [edge]
            if code in PARTS:
                edges.parts.setdefault(older, []).append(edge)
            elif code == FAMILY:
                edges.members.setdefault(older, []).append(edge)
            elif into[older]:
                into[older].append(edge)
            else:
                into[older] = [edge]
        edges.out = [tuple(found) for found in out]
        edges.into = [tuple(found) for found in into]


# By query and not by ``match``: the engine leaves the inferred graph out before it looks up a single string, which is
# what reading costs.
_NODES: Final = "SELECT ?type ?node ?described { ?node a ?type OPTIONAL { ?node mlaoi:resolved ?described } }"
_SAID: Final = f"""SELECT ?predicate ?newer ?older ?g {{
    GRAPH ?g {{ ?newer ?predicate ?older }} FILTER(?g NOT IN (<{INFERRED_GRAPH}>, <{LOG_GRAPH}>)) }}"""
_MEMBERS: Final = """SELECT ?part ?whole ?g {
    GRAPH ?g { ?twin mlaoi:associationKind mlaoi:PartOf ; mlaoi:ofSubject ?part ; mlaoi:ofObject ?whole } }"""


def _rows(store: Store, sparql: str, **given: str) -> Iterator[tuple[str, ...]]:
    """Iterate over a query's rows as text, "" where unbound, without the variables that were given."""
    solutions = cast("QuerySolutions", store.query(sparql, substitutions=given, prefixes=PREFIXES))
    wanted = [variable.value for variable in solutions.variables if variable.value not in given]
    for solution in solutions:
        yield tuple(getattr(solution[name], "value", "") for name in wanted)


assert ASSOCIATION_PROPERTY[AssociationKind.PART_OF] == PREDICATES[MEMBER]
