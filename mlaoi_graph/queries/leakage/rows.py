"""The answer to a question about leakage, as rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from mlaoi_graph.features import Features, HasFeatures
from mlaoi_graph.kinds import LeakageKind
from mlaoi_graph.queries import maps
from mlaoi_graph.queries.explain import Explanation
from mlaoi_graph.queries.leakage.terms import KINDS, Finding
from mlaoi_graph.queries.overlap import Overlap, Samples
from mlaoi_graph.queries.results import Rows, Verdict

__all__ = ["Leak", "LeakageReport", "LeakageRow", "TestRow", "UncheckedRow"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakageRow:
    """One overlap of a test with something learned: the strongest kind that is certain, else the strongest."""

    kind: str
    verdict: Verdict
    """``yes``, or ``may contain``."""
    model: str | None
    """The model that was measured; None where two datasets are compared."""
    model_label: str | None
    stage: str | None
    """Stage of the evaluation."""
    test: str
    """The dataset, or split, it was measured on."""
    test_label: str
    learner: str | None
    """Who learned: the model, or an ancestor."""
    learner_label: str | None
    train_stage: str | None
    train: str
    train_label: str
    reason: str
    meets: str | None
    """The dataset in which the two meet by lineage."""
    meets_label: str | None
    overlap_km2: float | None
    """Ground both cover, counted once and without any buffer; None where no footprints tell."""
    share_of_test: float | None
    areas: int | None
    """How many areas of the test's footprint share ground with what was learned."""
    in_time: str | None
    """Whether the data were acquired at one time: yes, no, unknown."""
    precision: str | None
    """Of the footprints compared: the coarser of the two sides, and the finest of such pairs."""
    also: tuple[str, ...]
    """Other kinds that hold, or may; one that is stronger than ``kind`` only may."""
    depth: int
    """Edges in the proof."""
    confidence: str
    _proof: Callable[[], Explanation] = field(repr=False, compare=False)
    _test_proof: Callable[[], Explanation] = field(repr=False, compare=False)
    _overlap: Overlap | None = field(repr=False, compare=False)

    def explain(self) -> Explanation:
        """Return the chain from the learner's side: the model, through its ancestors, to where the two meet."""
        return self._proof()

    def explain_test(self) -> Explanation:
        """Return the chain from the test's side: the evaluation, and how its data come to where the two meet."""
        return self._test_proof()

    def chains(self) -> list[Explanation]:
        """Return both; one where what was learned from is itself the test, and they are the same."""
        learned, tested = self.explain(), self.explain_test()
        return [learned] if learned.steps == tested.steps else [learned, tested]

    def pairs(self, limit: int | None = None) -> list[Samples]:
        """Return the pairs of areas on the same ground, those that share most first."""
        return [] if self._overlap is None else self._overlap.pairs(limit)

    def geometry(self) -> Any:
        """Return the ground both cover as a shapely geometry, OGC:CRS84; None where no footprints tell."""
        return None if self._overlap is None else self._overlap.ground()


@dataclass(frozen=True, slots=True, kw_only=True)
class UncheckedRow:
    """Something that keeps anybody from saying that a test is clean."""

    what: str
    """A slug; ``docs/leakage.md`` lists them."""
    model: str | None
    model_label: str | None
    stage: str | None
    test: str | None
    """None where it concerns every test of the model."""
    test_label: str | None
    train: str | None
    """None where it concerns no one thing that was learned."""
    train_label: str | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TestRow:
    """What is known of one evaluation, or of one split against another."""

    __test__ = False  # no test case, whatever its name

    model: str | None
    model_label: str | None
    stage: str | None
    test: str
    test_label: str
    verdict: Verdict
    strongest: str | None
    """Strongest kind that is certain; where none is, strongest that may be."""
    found: int
    clean: int
    """How many things learned were compared and found to share nothing."""
    confidence: str
    """``unverified`` if any edge is by which it was measured, or by which something was learned."""
    left_out: int
    """How many were not compared, as they are of other sensors than those asked about."""
    unchecked: int


@dataclass(frozen=True, slots=True)
class Leak:
    """That a test overlaps what was learned, or may: a row without its ground, which takes time to measure."""

    kind: str
    """A kind of leakage, or ``splits-not-stated``."""
    verdict: str
    model: str | None
    stage: str | None
    test: str
    train: str


class LeakageReport(HasFeatures, Rows[Any]):
    """What was found, strongest first; ``unchecked`` is what could not be told, ``tests`` the verdict on each."""

    def __init__(
        self,
        title: str,
        keys: Sequence[Finding],
        make: Callable[[Finding], LeakageRow],
        *,
        unchecked: Rows[Any],
        tests: Rows[Any],
        leak: Callable[[Finding], Leak],
        tested: Callable[[], Sequence[Any]],
        notes: Iterable[str] = (),
    ) -> None:
        super().__init__(title, LeakageRow, keys, make, notes=tuple(notes))
        self.unchecked: Final = unchecked
        self.tests: Final = tests
        self._leak = leak
        self._tested = tested

    def worst(self) -> LeakageKind | None:
        """Return the strongest kind that was found, or may be there; None if nothing was."""
        return self._keys[0].strongest if self._keys else None

    def at_least(self, kind: LeakageKind, *, certain: bool = False) -> list[LeakageRow]:
        """Return the rows that are, or may be, of a kind or a stronger one; with ``certain``, those that are."""
        return [self._make(key) for key in self._keys if _counts(key, kind, certain=certain)]

    def undecided(self, kind: LeakageKind, *, certain: bool = False) -> int:
        """Return how many rows that do not count leave it open whether the two share something that would.

        What counts is of a kind or a stronger one; with ``certain``, only where it certainly holds.
        """
        return sum(
            not _counts(key, kind, certain=certain) and KINDS.index(key.not_ruled_out) <= KINDS.index(kind)
            for key in self._keys
        )

    def leaks(self) -> list[Leak]:
        """Return what every row is about, and the tests of data that were learned from, with no split stated."""
        unsure = (row for row in self.unchecked if row.what == "splits-not-stated" and row.test is not None)
        return [self._leak(key) for key in self._keys] + [
            Leak(row.what, Verdict.UNKNOWN.value, row.model, row.stage, row.test, row.train) for row in unsure
        ]

    def features(self) -> Features:
        """Return the rows, and the ground both sides of each cover; a row without any has no geometry."""
        return Features(self.columns, self.to_dicts(), [row.geometry() for row in self])

    def to_map(self, path: Path | str) -> None:
        """Draw what was tested, what was learned and the ground both cover: ``.html``, ``.svg``; ``.png`` by ``maps``.

        Where no row has any ground: all that was tested, as far as it is known where that lies.
        """
        import shapely

        overlaps = {id(row._overlap): row._overlap for row in self if row._overlap is not None}
        ground = [overlap.ground() for overlap in overlaps.values()]
        sides = [list(overlap.drawn()) for overlap in overlaps.values()] or [[self._tested(), []]]
        layers = [
            maps.Layer("learned from", [one for _, learned in sides for one in learned], "#2f7fc1", "#2f7fc1", 1.0),
            maps.Layer("tested on", [one for tested, _ in sides for one in tested], "#d0891d", "#d0891d", 1.0),
            maps.Layer("on the same ground", ground, "#c8443c", "#c8443c", 1.4),
        ]
        near = shapely.union_all([one for tested, _ in sides for one in tested])
        near = shapely.box(-180, -90, 180, 90) if near.is_empty else near
        lines = [f"{row.kind}, {row.verdict.value}: {row.test_label} and {row.train_label}" for row in self[:3]]
        lines += [f"and {len(self) - 3} more rows"] if len(self) > 3 else []
        lines += [] if overlaps else ["nothing is known to lie on the same ground"]
        maps.write(maps.Picture(self.title, lines, near, layers), Path(path), self._repr_html_())

    def totals(self) -> dict[str, int]:
        """Return how many tests are leaking, may be, are clean, and cannot be told."""
        counts = Counter(row.verdict for row in self.tests)
        return {verdict.value: counts[verdict] for verdict in Verdict}

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values, for JSON."""
        return {
            "title": self.title,
            "totals": self.totals(),
            "rows": self.to_dicts(),
            "unchecked": self.unchecked.to_dicts(),
            "tests": self.tests.to_dicts(),
            "notes": list(self.notes),
        }


def _counts(finding: Finding, kind: LeakageKind, *, certain: bool) -> bool:
    """Return whether a row is, or may be, of a kind or a stronger one; with ``certain``, whether it is."""
    if certain:
        return finding.verdict is Verdict.YES and KINDS.index(finding.kind) <= KINDS.index(kind)
    return KINDS.index(finding.strongest) <= KINDS.index(kind)
