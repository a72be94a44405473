"""The asserted edges of a catalog in memory, arranged to be walked.

Nodes and edges are numbers. An edge is one direct edge of one document; what else its twin says (pointer, rule,
evidence) stays where it is and is asked for when an explanation needs it, through :class:`~.details.Details`.
"""

from __future__ import annotations

import difflib
from array import array
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

from mlaoi_graph import iri as iris
from mlaoi_graph.errors import NodeNotFound
from mlaoi_graph.model import AssociationKind, Confidence, DerivationKind, Disclosure, QualifiedEdge, Stage
from mlaoi_graph.queries.details import Details, NetworkxDetails, StoreDetails, ends_of, predicate_of
from mlaoi_graph.rdf import ASSOCIATION_PROPERTY, DERIVATION_PROPERTY, INFERRED_GRAPH, LOG_GRAPH, STAGE_PROPERTY
from mlaoi_graph.stores import Store
from mlaoi_graph.vocab import MLAOI, RDF

if TYPE_CHECKING:
    import networkx

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
    """Nodes and asserted edges as numbers; ``out`` leads from the newer thing to the older, ``into`` back.

    ``out[n]`` and ``into[n]`` hold the edges at a node; ``subject``, ``object``, ``code``, ``document`` and
    ``unverified`` are facts of an edge.
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
            for quad in store.match(None, RDF.type, class_iri):
                made.kinds[made._node(quad.subject.value)] |= bits  # type: ignore[union-attr]
        for quad in store.match(None, MLAOI.resolved):
            if quad.object.value == "true":  # type: ignore[union-attr]
                node = made.index.get(quad.subject.value)  # type: ignore[union-attr]
                if node is not None:
                    made.resolved.add(node)
        for quad in store.match(None, MLAOI.trainingDisclosure):
            found = _DISCLOSURES.get(quad.object.value)  # type: ignore[union-attr]
            if found is not None:
                made._disclose(made._node(quad.subject.value), found)  # type: ignore[union-attr]
        builder = _Builder(made)
        # Few, and known first: they tell a membership that was asserted from a part by construction.
        members = _member_edges(store)
        for code, predicate in enumerate(PREDICATES):
            if code == MEMBER:
                continue
            for quad in store.match(None, predicate):
                document = quad.graph_name.value  # type: ignore[union-attr]
                if document in (INFERRED_GRAPH, LOG_GRAPH):
                    continue
                ends = quad.subject.value, quad.object.value  # type: ignore[union-attr]
                is_member = code == PART and (*ends, document) in members
                builder.add(*ends, MEMBER if is_member else code, document)
        for quad in store.match(None, MLAOI.confidence, MLAOI.Unverified):
            builder.doubt(made.details.twin(quad.subject.value, quad.graph_name.value))  # type: ignore[union-attr]
        builder.finish()
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
        doubtful: dict[tuple[str, int, str, str], bool] = {}
        for newer, older, facts in graph.edges(data=True):
            code = codes.get(facts.get("predicate", ""))
            if code is None:
                continue
            document = facts.get("document", "")
            # A part by construction has no twin, and so no rule.
            code = MEMBER if code == PART and facts.get("rule") else code
            builder.add(newer, older, code, document)
            key = newer, code, older, document
            doubtful[key] = doubtful.get(key, True) and facts.get("confidence") == Confidence.UNVERIFIED.value
        for key, all_doubtful in doubtful.items():
            if all_doubtful:
                builder.mark(*key)
        builder.finish()
        return made

    def _node(self, iri: str) -> int:
        node = self.index.get(iri)
        if node is None:
            node = self.index[iri] = len(self.iris)
            self.iris.append(iri)
            self.kinds.append(0)
        return node

    def _disclose(self, node: int, said: Disclosure) -> None:
        # Two sources that disagree: complete is only what nobody contradicts.
        weakest = list(_DISCLOSURES.values())
        known = self.disclosure.get(node, said)
        self.disclosure[node] = min(known, said, key=weakest.index)


class _Builder:
    """Puts edges into an :class:`Edges`, each once."""

    def __init__(self, edges: Edges) -> None:
        self._edges = edges
        self._documents: dict[str, int] = {}
        self._seen: dict[tuple[int, int, int, int], int] = {}
        self._doubtful: set[int] = set()

    def add(self, newer: str, older: str, code: int, document: str) -> None:
        edges = self._edges
        key = self._key(newer, code, older, document)
        if key in self._seen:
            return
        self._seen[key] = len(edges.code)
        edges.subject.append(key[0])
        edges.code.append(code)
        edges.object.append(key[2])
        edges.document.append(key[3])

    def _key(self, newer: str, code: int, older: str, document: str) -> tuple[int, int, int, int]:
        number = self._documents.setdefault(document, len(self._documents))
        return self._edges._node(newer), code, self._edges._node(older), number

    def doubt(self, twin: QualifiedEdge | None) -> None:
        """Mark the edge of an unverified statement, unless the same document says it verified as well."""
        if twin is None:
            return
        newer, older = ends_of(twin)
        predicate = predicate_of(twin)
        twins = self._edges.details.twins(newer, predicate, older, twin.document)
        if all(other.confidence is Confidence.UNVERIFIED for other in twins):
            code = MEMBER if predicate == MLAOI.partOf else PREDICATES.index(predicate)
            self.mark(newer, code, older, twin.document)

    def mark(self, newer: str, code: int, older: str, document: str) -> None:
        edge = self._seen.get(self._key(newer, code, older, document))
        if edge is not None:
            self._doubtful.add(edge)

    def finish(self) -> None:
        edges = self._edges
        edges.documents = list(self._documents)
        edges.unverified = bytearray(len(edges.code))
        for edge in self._doubtful:
            edges.unverified[edge] = 1
        out: list[Any] = [()] * len(edges.iris)
        into: list[Any] = [()] * len(edges.iris)
        for edge, (newer, older) in enumerate(zip(edges.subject, edges.object, strict=True)):
            for side, node in ((out, newer), (into, older)):
                if side[node]:
                    side[node].append(edge)
                else:
                    side[node] = [edge]
        edges.out = [tuple(found) for found in out]
        edges.into = [tuple(found) for found in into]


def _member_edges(store: Store) -> set[tuple[str, str, str]]:
    """Return the part-of edges that have a twin: part, whole, document."""
    found = set()
    for quad in store.match(None, MLAOI.associationKind, MLAOI.PartOf):
        twin, document = quad.subject.value, quad.graph_name.value  # type: ignore[union-attr]
        ends = [
            next((q.object.value for q in store.match(twin, predicate, None, document)), "")  # type: ignore[union-attr]
            for predicate in (MLAOI.ofSubject, MLAOI.ofObject)
        ]
        found.add((ends[0], ends[1], document))
    return found


assert ASSOCIATION_PROPERTY[AssociationKind.PART_OF] == PREDICATES[MEMBER]
