"""What a question about leakage is about, while it is answered: tests, what was learned, what is found of both."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from mlaoi_graph.kinds import LeakageKind
from mlaoi_graph.queries.kinship import Kin
from mlaoi_graph.queries.overlap import Overlap
from mlaoi_graph.queries.results import Verdict

__all__ = ["BY_KIN", "KINDS", "Finding", "Learned", "Test", "Unchecked", "Work", "merged", "surest_first"]

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
    also: tuple[LeakageKind, ...] = ()
    """Other kinds that hold, or may: a stronger one is never certain."""
    left_open: LeakageKind | None = None
    """A stronger kind than all of these that nothing rules out."""

    @property
    def strongest(self) -> LeakageKind:
        """The strongest kind that holds, or may."""
        return min((self.kind, *self.also), key=KINDS.index)

    @property
    def not_ruled_out(self) -> LeakageKind:
        """The strongest kind that nothing rules out."""
        return min((self.strongest, self.left_open or self.kind), key=KINDS.index)


def surest_first(finding: Finding) -> tuple[bool, int]:
    return finding.verdict is not Verdict.YES, KINDS.index(finding.kind)


def merged(findings: Sequence[Finding]) -> Finding:
    """Return one finding of all that was found of a pair: of the strongest kind that is certain, if any is.

    So that no more that is known of a pair makes less of what is certain. Stronger kinds that only may hold are named
    in its reason, and where they meet by lineage is where it does.
    """
    first, *others = sorted(findings, key=surest_first)
    stronger = [one for one in others if KINDS.index(one.kind) < KINDS.index(first.kind)]
    meets = next((one for one in (first, *stronger) if one.node >= 0), first)
    also = {kind for one in findings for kind in (one.kind, *one.also)} - {first.kind}
    reasons: dict[LeakageKind, str] = {}
    for one in stronger:
        reasons.setdefault(one.kind, f"and maybe {one.kind.value}: {one.reason}")
    return replace(
        first,
        reason="; ".join((first.reason, *reasons.values())),
        node=meets.node,
        test_steps=meets.test_steps,
        train_steps=meets.train_steps,
        also=tuple(sorted(also, key=KINDS.index)),
        left_open=min((one.not_ruled_out for one in findings), key=KINDS.index),
    )


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
