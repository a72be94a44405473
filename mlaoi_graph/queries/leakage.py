"""Whether what a model was measured on overlaps what it, or an ancestor, learned from.

Every evaluation is held against everything learned: by lineage (:mod:`.kinship`), by the images both were cut from,
and by place and time (:mod:`.overlap`). What is found is a row with its proof; what could not be checked is said apart,
with the reason; a model is clean of a test only where everything relevant is known.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Protocol

from mlaoi_graph.errors import BadQuestion, GeometryError
from mlaoi_graph.features import Features, HasFeatures
from mlaoi_graph.footprints import Footprints
from mlaoi_graph.kinds import LeakageKind
from mlaoi_graph.model import Precision, SplitPolicy
from mlaoi_graph.queries import maps
from mlaoi_graph.queries.explain import Explanation, edge_word, explanation
from mlaoi_graph.queries.graph import (
    DERIVED,
    EVALUATES,
    FAMILY,
    IS_ARCHIVE,
    IS_DATASET,
    IS_FAMILY,
    PART,
    TEACHES,
    Edges,
)
from mlaoi_graph.queries.kinship import Kin, Kinship
from mlaoi_graph.queries.lineage import LineageGraph
from mlaoi_graph.queries.overlap import Overlap, Overlaps, Placed, Samples
from mlaoi_graph.queries.results import Rows, Verdict
from mlaoi_graph.queries.sensors import Sensors
from mlaoi_graph.queries.walk import CERTAIN, POSSIBLE, chain
from mlaoi_graph.results import texts
from mlaoi_graph.stores import Store
from mlaoi_graph.uses import Unplaced

__all__ = ["Leak", "Leakage", "LeakageKind", "LeakageReport", "LeakageRow", "TestRow", "UncheckedRow"]


_KINDS: Final = tuple(LeakageKind)
_BY_KIN: Final = {
    Kin.SAME: LeakageKind.SAME_DATASET,
    Kin.DERIVED: LeakageKind.DERIVED_DATASET,
    Kin.COMMON: LeakageKind.COMMON_SOURCE,
}
_BY_PLACE: Final = frozenset({LeakageKind.SAME_SAMPLES, LeakageKind.PLACE_AND_TIME, LeakageKind.PLACE})
_TEST_WORDS: Final = {
    SplitPolicy.COMMON: frozenset({"test", "testing"}),
    # ML-AOI's decision record 0003: what is "validate" there is what others report as test.
    SplitPolicy.ML_AOI_ADR: frozenset({"validate", "validation", "val"}),
}
_TRAIN_WORDS: Final = frozenset({"train", "training", "trainval"})
_SPLIT_WORDS: Final = _TRAIN_WORDS.union(*_TEST_WORDS.values(), {"dev", "holdout", "eval", "evaluation"})
_MOST_SIBLINGS: Final = 200
_DESCRIBED_SPLITS: Final = (
    "SELECT ?dataset ?document { ?document mlaoi:describes ?dataset . ?dataset mlaoi:split ?split }"
)
_IMAGES: Final = """SELECT DISTINCT ?dataset ?image {
    ?part mlaoi:partOf* ?dataset .
    { ?part mlaoi:sourceImage ?image } UNION { ?part mlaoi:footprint/mlaoi:sourceImage ?image } }"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakageRow:
    """One overlap of a test with something learned: the strongest of its kinds."""

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
    """Weaker kinds that hold too."""
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
    """Strongest kind found."""
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
        keys: Sequence[_Finding],
        make: Callable[[_Finding], LeakageRow],
        *,
        unchecked: Rows[Any],
        tests: Rows[Any],
        leak: Callable[[_Finding], Leak],
        notes: Iterable[str] = (),
    ) -> None:
        super().__init__(title, LeakageRow, keys, make, notes=tuple(notes))
        self.unchecked: Final = unchecked
        self.tests: Final = tests
        self._leak = leak

    def worst(self) -> LeakageKind | None:
        """Return the strongest kind found; None if nothing was."""
        return self._keys[0].kind if self._keys else None

    def at_least(self, kind: LeakageKind) -> list[LeakageRow]:
        """Return the rows of a kind or a stronger one."""
        strong = _KINDS.index(kind)
        return [self._make(key) for key in self._keys if _KINDS.index(key.kind) <= strong]

    def undecided(self, kind: LeakageKind, *, certain: bool = False) -> int:
        """Return how many rows that do not count leave it open whether the two share something that would.

        What counts is of a kind or a stronger one; with ``certain``, only where it certainly holds.
        """
        return sum(_leaves_open(key, kind, certain=certain) for key in self._keys)

    def leaks(self) -> list[Leak]:
        """Return what every row is about, and the tests of data that were learned from, with no split stated."""
        unsure = (row for row in self.unchecked if row.what == "splits-not-stated")
        return [self._leak(key) for key in self._keys] + [
            Leak(row.what, Verdict.UNKNOWN.value, row.model, row.stage, row.test, row.train) for row in unsure
        ]

    def features(self) -> Features:
        """Return the rows, and the ground both sides of each cover; a row without any has no geometry."""
        return Features(self.columns, self.to_dicts(), [row.geometry() for row in self])

    def to_map(self, path: Path | str) -> None:
        """Draw what was tested, what was learned and the ground both cover: ``.html``, ``.svg``; ``.png`` by ``maps``.

        Raises GeometryError if no row has any ground.
        """
        import shapely

        overlaps = {id(row._overlap): row._overlap for row in self if row._overlap is not None}
        if not overlaps:
            raise GeometryError(
                "there is nothing to draw: no row has footprints on both sides", "See its chains instead"
            )
        ground = [overlap.ground() for overlap in overlaps.values()]
        sides = [list(overlap.drawn()) for overlap in overlaps.values()]
        layers = [
            maps.Layer("learned from", [one for _, learned in sides for one in learned], "#2f7fc1", "#2f7fc1", 1.0),
            maps.Layer("tested on", [one for tested, _ in sides for one in tested], "#d0891d", "#d0891d", 1.0),
            maps.Layer("on the same ground", ground, "#c8443c", "#c8443c", 1.4),
        ]
        near = shapely.union_all([one for tested, _ in sides for one in tested])
        lines = [f"{row.kind}, {row.verdict.value}: {row.test_label} and {row.train_label}" for row in self[:3]]
        lines += [f"and {len(self) - 3} more rows"] if len(self) > 3 else []
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


@dataclass(frozen=True, slots=True)
class _Test:
    """An evaluation of a model, or a dataset asked about."""

    model: int
    """-1 for none."""
    dataset: int
    edge: int
    """-1 for none."""
    places: tuple[str, ...]
    """What tells where the data are: the dataset, or the uses of it that are limited to an area."""


@dataclass(frozen=True, slots=True)
class _Learned:
    """A dataset that was learned from, and the chain of edges that ends with its use."""

    dataset: int
    steps: tuple[int, ...]
    strength: int
    places: tuple[str, ...]
    """As of a test."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Finding:
    kind: LeakageKind
    verdict: Verdict
    test: _Test
    learned: _Learned
    reason: str
    node: int = -1
    test_steps: tuple[int, ...] = ()
    train_steps: tuple[int, ...] = ()
    overlap: Overlap | None = None
    is_exact: bool = False
    """Samples were compared with samples."""
    also: tuple[LeakageKind, ...] = ()


def _strength(finding: _Finding) -> tuple[int, bool]:
    return _KINDS.index(finding.kind), finding.verdict is not Verdict.YES


def _leaves_open(finding: _Finding, kind: LeakageKind, *, certain: bool) -> bool:
    """Return whether a row leaves open if anything of a kind, or a stronger one, holds."""
    is_sure = finding.verdict is Verdict.YES
    if _KINDS.index(finding.kind) <= _KINDS.index(kind):
        return certain and not is_sure
    if finding.kind in _BY_KIN.values():
        return True  # by lineage alone samples may be the same
    overlap = finding.overlap
    if overlap is None:
        return False
    if not finding.is_exact and overlap.time != "no":
        return True
    return kind is LeakageKind.PLACE_AND_TIME and overlap.time == "unknown"


class _Clean(Enum):
    """That two sides were compared, all of both known, and share nothing."""

    CLEAN = "clean"


@dataclass(frozen=True, slots=True)
class _Unchecked:
    what: str
    model: int
    test: _Test | None
    train: int
    reason: str


def _word(why: Unplaced) -> str:
    return why.name.lower().replace("_", "-")


@dataclass(slots=True)
class _Work:
    """What one question has brought so far."""

    found: list[_Finding] = field(default_factory=list)
    unchecked: list[_Unchecked] = field(default_factory=list)
    clean: Counter[_Test] = field(default_factory=Counter)
    left_out: defaultdict[_Test, list[int]] = field(default_factory=lambda: defaultdict(list))
    """What a test was not held against, as of other sensors."""
    compared: set[int] = field(default_factory=set)
    """What any test was held against."""
    doubtful: set[_Test] = field(default_factory=set)
    """Tests, and tests held against something learned, that an unverified edge states."""
    tests: dict[_Test, None] = field(default_factory=dict)


class _Catalog(Protocol):
    """What of a catalog is asked."""

    @property
    def store(self) -> Store: ...
    @property
    def footprints(self) -> Footprints: ...
    @property
    def lineage(self) -> LineageGraph: ...
    @property
    def split_policy(self) -> SplitPolicy: ...


class Leakage:
    """Answers for one state of a catalog, with a buffer and a window, and remembers what it has compared.

    ``buffer_km`` is room around the tested areas, for data that are alike because they are near (spatial
    autocorrelation); ``window_days`` room around their times. ``sensors`` leaves out what was learned from data that
    are known to be of other missions (:mod:`.sensors`); notes say what that is.
    """

    def __init__(
        self, catalog: _Catalog, *, buffer_km: float = 0, window_days: float = 0, sensors: Sequence[str] = ()
    ) -> None:
        self._store = catalog.store
        self._graph = catalog.lineage
        self._edges: Edges = catalog.lineage.edges
        self._kinship = Kinship(self._edges)
        self._overlaps = Overlaps(catalog.footprints, buffer_km=buffer_km, window_days=window_days)
        self._ground = f"the same ground, or within {buffer_km:g} km of it" if buffer_km else "the same ground"
        self._sensors = Sensors(self._store, self._edges, sensors)
        self._test_words = _TEST_WORDS[catalog.split_policy]
        self._images: dict[int, frozenset[str]] = {}

    # -- asking ---------------------------------------------------------------------------------------------------

    def report(self, node: str | None = None, *, against: str | None = None) -> LeakageReport:
        """Return what is found of a model, a family, a dataset, or everything.

        Of a model, each of its evaluations against everything it and its ancestors learned from; of a family, that of
        each member; of a dataset, its splits against each other. ``against`` is another model, whose learning counts
        instead, or a dataset. Raises NodeNotFound.
        """
        edges, work = self._edges, _Work()
        if node is None:
            if against is not None:
                raise BadQuestion("against what?", "Name the model or dataset that is to be compared")
            title = "leakage in the catalog"
            for model in self._concerned():
                self._of_model(work, model, None, in_all=True)
            for whole in sorted({edges.object[edge] for edge in edges.parts.edges}, key=edges.order):
                self._splits(work, self._splits_of(whole))
            for siblings in self._siblings:
                self._beside(work, siblings)
            return self._made(title, work)
        asked = edges.at(node)
        title = f"leakage of {edges.label(asked)}"
        other = None
        if against is not None:
            other = edges.at(against)
            title += f" against {edges.label(other)}"
        if edges.kinds[asked] & IS_FAMILY:
            members = sorted({edges.subject[edge] for edge in edges.members[asked]}, key=edges.order)
            for model in [asked, *members]:
                self._of_model(work, model, other)
        elif edges.kinds[asked] & IS_DATASET and other is None:
            self._splits(work, self._splits_of(asked))
            for siblings in self._siblings:
                if asked in siblings:
                    self._beside(work, siblings)
        elif edges.kinds[asked] & IS_DATASET:
            assert other is not None
            self._hold(work, [self._asked(asked)], *self._learned_by(other))
        else:
            self._of_model(work, asked, other)
        return self._made(title, work)

    def _concerned(self) -> list[int]:
        """Return the models and families with an evaluation, or that learned from a declared test, in order."""
        edges, said = self._edges, self._splits_said
        declared = {dataset for dataset, word in said.items() if word in self._test_words}
        found = {
            edges.subject[edge]
            for edge, code in enumerate(edges.code)
            if code in EVALUATES or (code in TEACHES and edges.object[edge] in declared)
        }
        return sorted(found, key=edges.order)

    # -- one model ------------------------------------------------------------------------------------------------

    def _of_model(self, work: _Work, model: int, against: int | None, *, in_all: bool = False) -> None:
        edges = self._edges
        tests = [
            _Test(model, dataset, edge, places)
            for dataset, edge, places in self._uses(e for e in edges.out[model] if edges.code[e] in EVALUATES)
        ]
        if not tests and not in_all:
            what, reason = "no-evaluation", "no evaluation of it is recorded"
            for edge in edges.out[model]:
                if edges.code[edge] == FAMILY and any(
                    edges.code[e] in EVALUATES for e in edges.out[edges.object[edge]]
                ):
                    what, reason = "family-only", "evaluations are said of its family, and of no size"
            work.unchecked.append(_Unchecked(what, model, None, -1, reason))
        learned, gaps = self._learned_by(model if against is None else against)
        self._hold(work, tests, learned, gaps)
        if against is None:
            self._own_splits(work, model, tests)

    def _asked(self, dataset: int) -> _Test:
        return _Test(-1, dataset, -1, (self._edges.iris[dataset],))

    def _uses(self, edges_of: Iterable[int]) -> list[tuple[int, int, tuple[str, ...]]]:
        """Return each dataset and stage once: dataset, edge, a verified one if there is any, and what tells where."""
        edges = self._edges
        best: dict[tuple[int, int], int] = {}
        for edge in edges_of:
            key = edges.object[edge], edges.code[edge]
            if key not in best or edges.unverified[best[key]] > edges.unverified[edge]:
                best[key] = edge
        return [(dataset, edge, self._places(edge)) for (dataset, _), edge in best.items()]

    def _places(self, edge: int) -> tuple[str, ...]:
        """Return what tells where the data of a use are, by every document that states it."""
        edges = self._edges
        whole = edges.iris[edges.object[edge]]
        if not self._limited:
            return (whole,)
        uses = {twin.iri for same in edges.parallel(edge) for twin in edges.twins(same)}
        return tuple(sorted({use if use in self._limited else whole for use in uses})) or (whole,)

    def _learned_by(self, node: int) -> tuple[list[tuple[_Learned, ...]], list[tuple[str, int, str]]]:
        """Return what a model learned from, and what is not known of that.

        Of each dataset the strongest and shortest chain, and further ones that tell of other places in it.
        """
        edges = self._edges
        if edges.kinds[node] & IS_DATASET:
            return [(_Learned(node, (), CERTAIN, (edges.iris[node],)),)], []
        known = self._graph.knowledge(node)
        found: dict[int, dict[tuple[str, ...], _Learned]] = {}
        for model, at in known.models.items():
            steps: tuple[int, ...] | None = None
            for dataset, edge, places in self._uses(e for e in edges.out[model] if edges.code[e] in TEACHES):
                steps = tuple(chain(known.found, at)) if steps is None else steps
                learned = _Learned(dataset, (*steps, edge), at & 3, places)
                held = found.setdefault(dataset, {})
                if places not in held or self._rank(learned) < self._rank(held[places]):
                    held[places] = learned
        gaps = [(gap.what, gap.node, gap.reason) for gap in known.gaps]
        ordered = sorted(found, key=edges.order)
        return [tuple(sorted(found[dataset].values(), key=self._rank)) for dataset in ordered], gaps

    def _rank(self, learned: _Learned) -> tuple[int, bool, int]:
        return learned.strength, self._doubtful(learned.steps), len(learned.steps)

    def _doubtful(self, steps: Iterable[int]) -> bool:
        return any(self._edges.unverified[step] for step in steps)

    def _hold(
        self,
        work: _Work,
        tests: list[_Test],
        learned: Sequence[tuple[_Learned, ...]],
        gaps: list[tuple[str, int, str]],
    ) -> None:
        """Hold each test against everything learned."""
        for test in tests:
            work.tests[test] = None
            for ways in learned:
                if not self._sensors.keeps(ways[0].dataset):
                    work.left_out[test].append(ways[0].dataset)
                    continue
                work.compared.add(ways[0].dataset)
                if self._doubtful((*ways[0].steps, *((test.edge,) if test.edge >= 0 else ()))):
                    work.doubtful.add(test)
                found, unchecked = self._compare(test, ways)
                work.found.extend(found)
                work.unchecked.extend(unchecked)
                work.clean[test] += not found and not unchecked
        if tests:
            model = tests[0].model
            for what, about, reason in gaps:
                label = "" if about == model else f"{self._edges.label(about)}: "
                work.unchecked.append(_Unchecked(what, model, None, about, label + reason))

    # -- one pair -------------------------------------------------------------------------------------------------

    def _compare(self, test: _Test, ways: tuple[_Learned, ...]) -> tuple[list[_Finding], list[_Unchecked]]:
        """Return what overlaps, at most one row, and what cannot be told; neither if all is known and nothing does.

        ``ways`` are the chains by which one dataset was learned from, the strongest first.
        """
        edges, learned = self._edges, ways[0]

        def untold(what: str, reason: str) -> tuple[list[_Finding], list[_Unchecked]]:
            return [], [_Unchecked(what, test.model, test, learned.dataset, reason)]

        if edges.kinds[learned.dataset] & IS_ARCHIVE:
            reason = "learned from an archive: which of it is not known, and sharing an archive is not sharing data"
            return untold("archive", reason)
        if edges.kinds[test.dataset] & IS_ARCHIVE:
            return untold("archive", "measured on an archive: on which of it is not known")
        meeting = self._kinship.between(test.dataset, learned.dataset)
        kin = meeting.kin
        if (
            kin is Kin.NOT_STATED
            and self._is_stated(test.dataset, test.edge >= 0)
            and (self._is_stated(learned.dataset, bool(learned.steps)))
        ):
            kin = Kin.SAME
        if kin is Kin.NOT_STATED:
            return untold("splits-not-stated", self._not_stated(test, learned))
        found: list[_Finding] = []
        if kin in _BY_KIN:
            kind = _BY_KIN[kin]
            certain = kind is LeakageKind.SAME_DATASET and learned.strength == CERTAIN
            found.append(
                _Finding(
                    kind=kind,
                    verdict=Verdict.YES if certain else Verdict.MAY_CONTAIN,
                    test=test,
                    learned=learned,
                    reason=self._kin_reason(kin, meeting.node, meeting.test_steps),
                    node=meeting.node,
                    test_steps=meeting.test_steps,
                    train_steps=meeting.train_steps,
                )
            )
        if kin is Kin.SAME:
            return found, []
        images = self._images_of(test.dataset) & self._images_of(learned.dataset)
        if images:
            several = f"{len(images)} source images are" if len(images) > 1 else "a source image is"
            reason = f"{several} common to both: {min(images)}"
            verdict = Verdict.YES if learned.strength == CERTAIN else Verdict.MAY_CONTAIN
            found.append(
                _Finding(kind=LeakageKind.SAME_SCENE, verdict=verdict, test=test, learned=learned, reason=reason)
            )
        places, unchecked = self._by_place(test, ways, by_sources=kin not in _BY_KIN)
        found += places[:1]
        if not found:
            return [], unchecked
        found.sort(key=_strength)
        overlap = places[0].overlap if places else None
        is_exact = bool(places) and places[0].is_exact
        also = tuple(finding.kind for finding in found[1:])
        return [replace(found[0], overlap=overlap, is_exact=is_exact, also=also)], unchecked

    def _is_stated(self, dataset: int, used: bool) -> bool:
        """Return whether it is said which data are meant: a split of what was used, or all of what is asked about."""
        return not used or self._edges.is_part(dataset)

    def _not_stated(self, test: _Test, learned: _Learned) -> str:
        stated = self._edges.is_part(test.dataset), self._edges.is_part(learned.dataset)
        who = {
            (False, False): "neither the evaluation nor the training states a split",
            (True, False): "the training states no split",
            (False, True): "the evaluation states no split",
        }
        return f"the same data on both sides, and {who.get(stated, 'no split is stated')}"

    def _kin_reason(self, kin: Kin, node: int, test_steps: tuple[int, ...]) -> str:
        label = self._edges.label(node)
        if kin is Kin.SAME:
            return f"{label} was learned from and measured on"
        if kin is Kin.COMMON:
            return f"both were made from {label}; whether the samples are the same is not known"
        if any(self._edges.code[step] == DERIVED for step in test_steps):
            return f"the test was made from {label}, which was learned from; which samples were taken is not known"
        return f"what was learned from was made from {label}; which samples were taken is not known"

    def _by_place(
        self, test: _Test, ways: tuple[_Learned, ...], *, by_sources: bool
    ) -> tuple[list[_Finding], list[_Unchecked]]:
        """Return what lies on the same ground, the strongest first, and what cannot be told.

        With ``by_sources`` what the dataset was made from counts: which of it was taken is not known.
        """
        outcomes = [self._place(test, learned) for learned in ways]
        if by_sources:
            learned, edges = ways[0], self._edges
            for node, steps in self._kinship.sources(test.dataset, learned.dataset):
                if not edges.kinds[node] & IS_ARCHIVE:
                    source = replace(learned, strength=max(learned.strength, POSSIBLE), places=(edges.iris[node],))
                    outcomes.append(self._place(test, source, node, steps))
        found = [outcome for outcome in outcomes if isinstance(outcome, _Finding)]
        return sorted(found, key=_strength), [outcome for outcome in outcomes if isinstance(outcome, _Unchecked)]

    def _place(
        self, test: _Test, learned: _Learned, source: int = -1, steps: tuple[int, ...] = ()
    ) -> _Finding | _Unchecked | _Clean:
        """Compare by place with where the data learned from are, or those of a source of them, reached by steps."""

        def untold(what: str, reason: str) -> _Unchecked:
            return _Unchecked(what, test.model, test, learned.dataset, reason)

        trained_on = source if source >= 0 else learned.dataset
        side = "what was learned was made from" if source >= 0 else "what was learned,"
        ends = []
        for word, dataset, places in (
            ("the test,", test.dataset, test.places),
            (side, trained_on, learned.places),
        ):
            placed = self._overlaps.placed(places)
            if not len(placed.rows):
                why = placed.unplaced
                if why is None:
                    is_named_only = not self._edges.resolved[dataset] and not self._edges.is_part(dataset)
                    why = Unplaced.UNRESOLVED if is_named_only else Unplaced.NO_FOOTPRINT
                why = Unplaced.NO_FOOTPRINT if why is Unplaced.KNOWN else why
                return untold(_word(why), f"{word} {self._edges.label(dataset)}: {why.reason}")
            ends.append(placed)
        tested, trained = ends
        apart = self._kinship.are_apart(test.dataset, trained_on)
        shared = tested.sources & trained.sources
        if (apart or shared) and (tested.inherited or trained.inherited):
            return untold("footprint-inherited", "the footprint is that of a whole of both: it tells no splits apart")
        overlap = self._overlaps.between(test.places, learned.places)
        if not len(overlap):
            for word, dataset, placed in (("the test,", test.dataset, tested), (side, trained_on, trained)):
                if placed.unplaced is not Unplaced.KNOWN:
                    why = placed.unplaced or Unplaced.NO_FOOTPRINT
                    return untold(_word(why), f"{word} {self._edges.label(dataset)}: {why.reason}")
            return _Clean.CLEAN
        found = self._place_finding(test, learned, tested, trained, overlap)
        if source < 0:
            return found
        made = f"made from {self._edges.label(source)}, of which it is not known what was taken: {found.reason}"
        return replace(found, reason=made, node=source, train_steps=steps)

    def _place_finding(
        self, test: _Test, learned: _Learned, tested: Placed, trained: Placed, overlap: Overlap
    ) -> _Finding:
        precision = overlap.precision
        exact = precision is Precision.SAMPLES and not (tested.inherited or trained.inherited)
        verdict = Verdict.YES if exact and learned.strength == CERTAIN else Verdict.MAY_CONTAIN
        if exact and overlap.same.any():
            number = int(overlap.same.sum())
            kind, reason = LeakageKind.SAME_SAMPLES, f"{number} samples are" if number > 1 else "one sample is"
            reason += " in both"
        else:
            kind = LeakageKind.PLACE_AND_TIME if overlap.time == "yes" else LeakageKind.PLACE
            when = {"yes": "at the same time", "no": "at other times", "unknown": "of times that are not all known"}
            how = "" if exact else f", by footprints no finer than {precision.value if precision else 'unknown'}"
            bound = ", inherited from a whole" if tested.inherited or trained.inherited else ""
            reason = f"{self._ground}, {when[overlap.time]}{how}{bound}"
        return _Finding(
            kind=kind, verdict=verdict, test=test, learned=learned, reason=reason, overlap=overlap, is_exact=exact
        )

    @cached_property
    def _limited(self) -> frozenset[str]:
        """Uses that their source limits to an area."""
        return frozenset(self._overlaps.footprints.uses)

    def _images_of(self, dataset: int) -> frozenset[str]:
        """Return the images a dataset, its parts, or their samples were cut from."""
        if not self._has_images:
            return frozenset()
        known = self._images.get(dataset)
        if known is None:
            rows = texts(self._store, _IMAGES, dataset=self._edges.iris[dataset])
            known = self._images[dataset] = frozenset(image for (image,) in rows)
        return known

    @cached_property
    def _has_images(self) -> bool:
        return next(texts(self._store, "SELECT ?image { ?any mlaoi:sourceImage ?image } LIMIT 1"), None) is not None

    # -- splits ---------------------------------------------------------------------------------------------------

    def _own_splits(self, work: _Work, model: int, tests: list[_Test]) -> None:
        """Hold a model's own uses against what splits were declared for, and its validations against its tests."""
        edges = self._edges
        for dataset, edge, places in self._uses(e for e in edges.out[model] if edges.code[e] in TEACHES):
            if self._splits_said.get(dataset) in self._test_words:
                test, learned = _Test(model, dataset, edge, places), _Learned(dataset, (edge,), CERTAIN, places)
                reason = f"its publisher declared {edges.label(dataset)} a test split"
                work.tests[test] = None
                work.found.append(
                    _Finding(
                        kind=LeakageKind.SPLIT_AGAINST_USE,
                        verdict=Verdict.YES,
                        test=test,
                        learned=learned,
                        reason=reason,
                        node=dataset,
                    )
                )
        chosen = [test for test in tests if edge_word(edges, test.edge) == "validation"]
        reported = [test for test in tests if edge_word(edges, test.edge) == "test"]
        for test in chosen:
            learned = _Learned(test.dataset, (test.edge,), CERTAIN, test.places)
            other = next((t for t in reported if self._kinship.between(t.dataset, test.dataset).kin is Kin.SAME), None)
            if other is not None:
                reason = "validated on what is reported as its test"
            elif self._splits_said.get(test.dataset) in self._test_words:
                reason = "validated on what its publisher declared a test split"
            else:
                for unsure in reported:
                    if self._kinship.between(unsure.dataset, test.dataset).kin is Kin.NOT_STATED:
                        text = "validated and tested on the same data, and no split is stated for both"
                        work.unchecked.append(_Unchecked("splits-not-stated", model, unsure, test.dataset, text))
                continue
            work.found.append(
                _Finding(
                    kind=LeakageKind.SELECTION_ON_TEST,
                    verdict=Verdict.YES,
                    test=other or test,
                    learned=learned,
                    reason=reason,
                    node=test.dataset,
                )
            )

    @cached_property
    def _splits_said(self) -> dict[int, str]:
        found = self._edges.iris.find
        said = texts(self._store, "SELECT ?dataset ?split { ?dataset a mlaoi:Dataset ; mlaoi:split ?split }")
        return {node: word.strip().casefold() for iri, word in said for node in [found(iri)] if node >= 0}

    def _splits_of(self, whole: int) -> set[int]:
        edges, said = self._edges, self._splits_said
        return {edges.subject[e] for e in edges.parts[whole] if edges.code[e] == PART and edges.subject[e] in said}

    @cached_property
    def _siblings(self) -> list[set[int]]:
        """Splits that are part of nothing, published side by side: train and test collections in one folder.

        Where all of a folder are named for their split, those of one name without it.
        """
        edges = self._edges
        folders: dict[str, dict[str | None, set[int]]] = {}
        for iri, document in texts(self._store, _DESCRIBED_SPLITS):
            node = edges.iris.find(iri)
            if node >= 0 and node in self._splits_said and not edges.is_part(node):
                folder, _, file = document.partition("#")[0].rpartition("/")
                folder = folder.rpartition("/")[0] if file.partition(".")[0] == "collection" else folder
                words = re.findall(r"[^\W_]+", edges.label(node).casefold())
                name = " ".join(word for word in words if word not in _SPLIT_WORDS)
                is_named = any(word in _SPLIT_WORDS for word in words)
                folders.setdefault(folder, {}).setdefault(name if is_named else None, set()).add(node)
        groups = (
            [set().union(*named.values())] if None in named else list(named.values()) for named in folders.values()
        )
        found = [group for some in groups for group in some if len(group) > 1]
        return sorted(found, key=lambda group: min(map(edges.order, group)))

    def _beside(self, work: _Work, siblings: set[int]) -> None:
        if len(siblings) <= _MOST_SIBLINGS:
            return self._splits(work, siblings)
        reason = f"{len(siblings)} splits side by side: too many to hold each against each. Name two: --against"
        work.unchecked.append(_Unchecked("too-many-splits", -1, None, min(siblings, key=self._edges.order), reason))

    def _splits(self, work: _Work, splits: set[int]) -> None:
        """Hold splits of one dataset against each other: what is not for training against what is."""
        edges, said = self._edges, self._splits_said
        ordered = sorted(splits, key=edges.order)
        for held_out in ordered:
            if said[held_out] in _TRAIN_WORDS:
                continue
            test = self._asked(held_out)
            others = [
                s for s in ordered if s != held_out and (said[s] in _TRAIN_WORDS or said[held_out] in self._test_words)
            ]
            if others:
                learned = [(_Learned(other, (), CERTAIN, (edges.iris[other],)),) for other in others]
                self._hold(work, [test], learned, [])

    # -- the answer -----------------------------------------------------------------------------------------------

    def _made(self, title: str, work: _Work) -> LeakageReport:
        edges = self._edges
        order = edges.order

        def key(finding: _Finding) -> tuple[Any, ...]:
            test = finding.test
            return (
                _KINDS.index(finding.kind),
                finding.verdict is not Verdict.YES,
                order(test.model) if test.model >= 0 else -1,
                order(test.dataset),
                order(finding.learned.dataset),
            )

        found = sorted(work.found, key=key)
        unchecked = list(dict.fromkeys(work.unchecked))
        tests = self._test_rows(work, found, unchecked)
        notes = []
        if unchecked:
            counts = Counter(item.what for item in unchecked)
            told = ", ".join(f"{number} {what}" for what, number in sorted(counts.items()))
            notes.append(f"not checked: {told}")
        left_out = {dataset for datasets in work.left_out.values() for dataset in datasets}
        notes += self._sensors.notes(work.compared, left_out)
        return LeakageReport(
            title,
            found,
            self._row,
            unchecked=Rows(f"{title}: not checked", UncheckedRow, unchecked, self._unchecked_row),
            leak=self._brief,
            tests=Rows(f"{title}: tests", TestRow, tests, lambda row: row),
            notes=notes,
        )

    def _test_rows(self, work: _Work, found: list[_Finding], unchecked: list[_Unchecked]) -> list[TestRow]:
        edges = self._edges
        of_test: dict[_Test, list[_Finding]] = {}
        for finding in found:
            of_test.setdefault(finding.test, []).append(finding)
        missing = Counter(item.test for item in unchecked if item.test is not None)
        of_model = Counter(item.model for item in unchecked if item.test is None)
        rows = []
        for test in work.tests:
            mine = of_test.get(test, [])
            unknown = missing[test] + of_model[test.model]
            if any(finding.verdict is Verdict.YES for finding in mine):
                verdict = Verdict.YES
            else:
                verdict = Verdict.MAY_CONTAIN if mine else Verdict.UNKNOWN if unknown else Verdict.NO
            rows.append(
                TestRow(
                    **self._who(test.model),
                    stage=None if test.edge < 0 else edge_word(edges, test.edge),
                    test=edges.iris[test.dataset],
                    test_label=edges.label(test.dataset),
                    verdict=verdict,
                    strongest=mine[0].kind.value if mine else None,
                    found=len(mine),
                    clean=work.clean[test],
                    confidence="unverified" if test in work.doubtful else "verified",
                    left_out=len(work.left_out[test]),
                    unchecked=unknown,
                )
            )
        return rows

    def _who(self, model: int) -> dict[str, str | None]:
        if model < 0:
            return {"model": None, "model_label": None}
        return {"model": self._edges.iris[model], "model_label": self._edges.label(model)}

    def _unchecked_row(self, item: _Unchecked) -> UncheckedRow:
        edges, test = self._edges, item.test
        return UncheckedRow(
            what=item.what,
            **self._who(item.model),
            stage=None if test is None or test.edge < 0 else edge_word(edges, test.edge),
            test=None if test is None else edges.iris[test.dataset],
            test_label=None if test is None else edges.label(test.dataset),
            train=None if item.train < 0 else edges.iris[item.train],
            train_label=None if item.train < 0 else edges.label(item.train),
            reason=item.reason,
        )

    def _brief(self, finding: _Finding) -> Leak:
        edges, test = self._edges, finding.test
        return Leak(
            kind=finding.kind.value,
            verdict=finding.verdict.value,
            model=None if test.model < 0 else edges.iris[test.model],
            stage=None if test.edge < 0 else edge_word(edges, test.edge),
            test=edges.iris[test.dataset],
            train=edges.iris[finding.learned.dataset],
        )

    def _row(self, finding: _Finding) -> LeakageRow:
        edges, test, learned = self._edges, finding.test, finding.learned
        steps = (*learned.steps, *finding.train_steps)
        test_steps = (*((test.edge,) if test.edge >= 0 else ()), *finding.test_steps)
        overlap = finding.overlap
        learner = edges.subject[learned.steps[-1]] if learned.steps else -1
        start = edges.subject[steps[0]] if steps else learned.dataset
        meets = finding.node if finding.node >= 0 else learned.dataset
        test_start = test.model if test.model >= 0 else test.dataset
        test_end = finding.node if finding.node >= 0 and finding.kind not in _BY_PLACE else test.dataset
        return LeakageRow(
            kind=finding.kind.value,
            verdict=finding.verdict,
            **self._who(test.model),
            stage=None if test.edge < 0 else edge_word(edges, test.edge),
            test=edges.iris[test.dataset],
            test_label=edges.label(test.dataset),
            learner=None if learner < 0 else edges.iris[learner],
            learner_label=None if learner < 0 else edges.label(learner),
            train_stage=None if learner < 0 else edge_word(edges, learned.steps[-1]),
            train=edges.iris[learned.dataset],
            train_label=edges.label(learned.dataset),
            reason=finding.reason,
            meets=None if finding.node < 0 else edges.iris[finding.node],
            meets_label=None if finding.node < 0 else edges.label(finding.node),
            overlap_km2=None if overlap is None else overlap.km2,
            share_of_test=None if overlap is None else overlap.share_of_test,
            areas=None if overlap is None else overlap.areas,
            in_time=None if overlap is None else overlap.time,
            precision=None if overlap is None or overlap.precision is None else overlap.precision.value,
            also=tuple(kind.value for kind in finding.also),
            depth=len(steps),
            confidence="unverified" if self._doubtful((*steps, *test_steps)) else "verified",
            _proof=lambda: explanation(edges, start, meets, finding.kind.value, steps),
            _test_proof=lambda: explanation(edges, test_start, test_end, finding.kind.value, test_steps),
            _overlap=overlap,
        )
