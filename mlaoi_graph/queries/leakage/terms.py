"""What a question about leakage is about, while it is answered: tests, what was learned, what is found of both."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from mlaoi_graph.kinds import LeakageKind
from mlaoi_graph.queries.kinship import Kin
from mlaoi_graph.queries.overlap import Overlap
from mlaoi_graph.queries.results import Verdict

__all__ = ["BY_KIN", "KINDS", "Finding", "Learned", "Test", "Unchecked", "Work", "strength", "surest"]

KINDS: Final = tuple(LeakageKind)
"""The strongest first."""
BY_KIN: Final = {
    Kin.SAME: LeakageKind.SAME_DATASET,
    Kin.DERIVED: LeakageKind.DERIVED_DATASET,
    Kin.COMMON: LeakageKind.COMMON_SOURCE,
}
"""What is found by lineage alone."""


@dataclass(frozen=True, slots=True)
class Test:
    """An evaluation of a model, or a dataset asked about."""

    model: int
    """-1 for none."""
    dataset: int
    edge: int
    """-1 for none."""
    places: tuple[str, ...]
    """What tells where the data are: the dataset, or the uses of it that are limited to an area."""


@dataclass(frozen=True, slots=True)
class Learned:
    """A dataset that was learned from, and the chain of edges that ends with its use."""

    dataset: int
    steps: tuple[int, ...]
    strength: int
    places: tuple[str, ...]
    """As of a test."""
    doubt: str = ""
    """Why it is not certain though the chain is; "" otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    kind: LeakageKind
    verdict: Verdict
    test: Test
    learned: Learned
    reason: str
    node: int = -1
    test_steps: tuple[int, ...] = ()
    train_steps: tuple[int, ...] = ()
    overlap: Overlap | None = None
    is_exact: bool = False
    """Samples were compared with samples."""
    also: tuple[LeakageKind, ...] = ()
    weaker_sure: LeakageKind | None = None
    """The strongest weaker kind that certainly holds, where this one only may."""

    @property
    def sure(self) -> LeakageKind | None:
        """The strongest kind that certainly holds."""
        return self.kind if self.verdict is Verdict.YES else self.weaker_sure


def surest(findings: Iterable[Finding]) -> LeakageKind | None:
    """Return the strongest kind that certainly holds by any of some findings."""
    return min((found.sure for found in findings if found.sure is not None), key=KINDS.index, default=None)


def strength(finding: Finding) -> tuple[int, bool]:
    return KINDS.index(finding.kind), finding.verdict is not Verdict.YES


@dataclass(frozen=True, slots=True)
class Unchecked:
    what: str
    model: int
    test: Test | None
    train: int
    reason: str


@dataclass(slots=True)
class Work:
    """What one question has brought so far."""

    found: list[Finding] = field(default_factory=list)
    unchecked: list[Unchecked] = field(default_factory=list)
    clean: Counter[Test] = field(default_factory=Counter)
    left_out: defaultdict[Test, list[int]] = field(default_factory=lambda: defaultdict(list))
    """What a test was not held against, as of other sensors."""
    compared: set[int] = field(default_factory=set)
    """What any test was held against."""
    doubtful: set[Test] = field(default_factory=set)
    """Tests, and tests held against something learned, that an unverified edge states."""
    tests: dict[Test, None] = field(default_factory=dict)
