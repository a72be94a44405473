"""The asserted edges of a catalog, arranged to be walked.

Nodes and edges are numbers. An edge is one direct edge of one document. What a chain of them is explained by (pointer,
rule, split, sources) is in the columns too; the statements themselves are read through :class:`~.details.Details`.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

from mlaoi_graph.errors import NodeNotFound, NotOfKind
from mlaoi_graph.model import AssociationKind, DerivationKind, Disclosure, QualifiedEdge, Stage
from mlaoi_graph.queries.details import Details
from mlaoi_graph.rdf import ASSOCIATION_PROPERTY, DERIVATION_PROPERTY, STAGE_PROPERTY
from mlaoi_graph.vocab import MLAOI

if TYPE_CHECKING:
    from mlaoi_graph.queries.columns import Columns

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
_BITS: Final = {"model": IS_MODEL, "family": IS_FAMILY, "archive": IS_DATASET | IS_ARCHIVE, "dataset": IS_DATASET}
# The weakest first: of two sources that disagree, complete is only what nobody contradicts.
DISCLOSURES: Final = (None, Disclosure.UNDISCLOSED, Disclosure.PARTIAL, Disclosure.COMPLETE)


class Edges:
    """Nodes and asserted edges as numbers; ``out`` leads from the newer thing to the older.

    Back lead ``into`` (uses, derivations, successions), ``parts`` of a whole and ``members`` of a family, apart because
    a dataset with 100,000 users may have two parts. All four have one of the edges that say the same: every document
    that uses a split says what it is part of. ``subject``, ``object``, ``code``, ``document`` and ``unverified``
    are facts of an edge; ``kinds`` and ``resolved`` of a node.
    """

    def __init__(self, columns: Columns, details: Details, find: Callable[[str], str] | None = None) -> None:
        self.columns = columns
        self.details = details
        self.iris = columns.iris
        self.documents = columns.documents
        self.kinds = columns.kinds
        self.resolved = columns.resolved
        self.subject = columns.subject
        self.object = columns.object
        self.code = columns.code
        self.document = columns.document
        self.unverified = columns.unverified
        self.out = columns.out
        self.into = columns.into
        self.parts = columns.parts
        self.members = columns.members
        self._find = find

    def at(self, name: str) -> int:
        """Return the node of an IRI, or of a name if the graph was given a way to find one.

        Raises NodeNotFound, and NotOfKind for what is there and has no lineage, as an area.
        """
        node = self.iris.find(name)
        if node < 0 and self._find is not None:
            found = self._find(name)
            node = self.iris.find(found)
            if node < 0:
                raise NotOfKind(found, "thing without lineage", "model or dataset", "Look at it: mlaoi-graph show")
        if node < 0:
            near = difflib.get_close_matches(name, self.iris, n=5, cutoff=0.8) if len(self.iris) < 10_000 else []
            raise NodeNotFound(name, near, place="graph", next_step="Its nodes go by their IRIs")
        return node

    def label(self, node: int) -> str:
        """Return a node's label, or the end of its IRI."""
        return self.columns.labels[node]

    def kind(self, node: int) -> str:
        """Return model, family, archive, dataset or unknown: the first that fits."""
        bits = self.kinds[node]
        return next((word for word, wanted in _BITS.items() if bits & wanted == wanted), "unknown")

    def doubtful(self, steps: Iterable[int]) -> bool:
        """Return whether any of some edges is unverified."""
        return any(self.unverified[step] for step in steps)

    def order(self, node: int) -> int:
        """Return what nodes of one depth are ordered by: where they are by label, then IRI."""
        return self.columns.rank[node]

    def disclosed(self, node: int) -> Disclosure | None:
        """Return how much of a model's training data is disclosed; None if no source says."""
        return DISCLOSURES[self.columns.disclosure[node]]

    def twins(self, edge: int) -> tuple[QualifiedEdge, ...]:
        """Return the statements an edge stands for: none for a part by construction, or a family."""
        return self.details.twins(
            self.iris[self.subject[edge]],
            PREDICATES[self.code[edge]],
            self.iris[self.object[edge]],
            self.documents[self.document[edge]],
        )

    def parallel(self, edge: int) -> range:
        """Return the edges that say the same in any document, this one among them: a verified one first."""

        def same(other: int) -> bool:
            return (
                0 <= other < len(self.code)
                and self.object[other] == self.object[edge]
                and self.subject[other] == self.subject[edge]
                and self.code[other] == self.code[edge]
            )

        first = last = edge
        while same(first - 1):
            first -= 1
        while same(last + 1):
            last += 1
        return range(first, last + 1)

    def wholes(self, node: int, codes: frozenset[int] = PARTS) -> Iterator[int]:
        """Iterate over what a dataset is directly a part of."""
        return (self.object[edge] for edge in self.out[node] if self.code[edge] in codes)

    @cached_property
    def successors(self) -> dict[int, list[int]]:
        """The next versions of what has one; apart because a dataset may have 100,000 users beside one successor."""
        found: dict[int, list[int]] = {}
        for edge in np.flatnonzero(np.asarray(self.code) == SUCCEEDS).tolist():
            found.setdefault(self.object[edge], []).append(self.subject[edge])
        return found

    def is_part(self, node: int, allow: Callable[[int], int] | None = None) -> bool:
        """Return whether a dataset is a part by construction, a split of another, by edges that count."""
        return any(self.code[edge] == PART and (allow is None or allow(edge) >= 0) for edge in self.out[node])


assert ASSOCIATION_PROPERTY[AssociationKind.PART_OF] == PREDICATES[MEMBER]
