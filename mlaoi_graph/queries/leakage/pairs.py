"""Hold one test against one thing that was learned: by lineage, by images, by place and time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mlaoi_graph.kinds import LeakageKind
from mlaoi_graph.model import Precision
from mlaoi_graph.queries.graph import DERIVED, IS_ARCHIVE, Edges
from mlaoi_graph.queries.kinship import Kin, Kinship
from mlaoi_graph.queries.leakage.scenes import Scenes
from mlaoi_graph.queries.leakage.splits import Splits
from mlaoi_graph.queries.leakage.terms import BY_KIN, Finding, Learned, Test, Unchecked, merged
from mlaoi_graph.queries.overlap import Overlap, Overlaps
from mlaoi_graph.queries.results import Verdict
from mlaoi_graph.queries.walk import CERTAIN, POSSIBLE
from mlaoi_graph.stores import Store
from mlaoi_graph.uses import Unplaced

__all__ = ["Pairs"]


class Pairs:
    """Compares datasets of one state of a catalog, and remembers what it has looked up."""

    def __init__(
        self, store: Store, edges: Edges, kinship: Kinship, declared: Splits, overlaps: Overlaps, near: str
    ) -> None:
        self._scenes = Scenes(store, edges, kinship)
        self._edges = edges
        self._kinship = kinship
        self._declared = declared
        self._overlaps = overlaps
        self._near = near
        """What room counts as near, in words."""

    def compare(self, test: Test, ways: tuple[Learned, ...]) -> tuple[list[Finding], list[Unchecked]]:
        """Return what overlaps, at most one row, and what cannot be told; neither if all is known and nothing does.

        ``ways`` are the chains by which one dataset was learned from, the strongest first.
        """
        edges, learned = self._edges, ways[0]

        def untold(what: str, reason: str) -> tuple[list[Finding], list[Unchecked]]:
            return [], [Unchecked(what, test.model, test, learned.dataset, reason)]

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
        found: list[Finding] = []
        if kin in BY_KIN:
            kind = BY_KIN[kin]
            certain = kind is LeakageKind.SAME_DATASET and learned.strength == CERTAIN
            found.append(
                Finding(
                    kind=kind,
                    verdict=Verdict.YES if certain else Verdict.MAY_CONTAIN,
                    test=test,
                    learned=learned,
                    reason=self._kin_reason(kin, meeting.node, meeting.test_steps),
                    node=meeting.node,
                    test_steps=meeting.test_steps,
                    train_steps=meeting.train_steps,
                    left_open=LeakageKind.SAME_SAMPLES,
                )
            )
        if kin is Kin.SAME:
            return found, []
        scene = self._scenes.shared(test.dataset, learned.dataset)
        if scene is not None:
            reason, certain = scene
            verdict = Verdict.YES if certain and learned.strength == CERTAIN else Verdict.MAY_CONTAIN
            found.append(
                Finding(kind=LeakageKind.SAME_SCENE, verdict=verdict, test=test, learned=learned, reason=reason)
            )
        places, unchecked = self._by_place(test, ways, by_sources=kin not in BY_KIN)
        if not found and not places:
            return [], unchecked
        row = merged([*found, *places])
        reason = "; ".join(filter(None, (row.reason, learned.doubt)))
        return [replace(row, reason=reason, overlap=merged(places).overlap if places else None)], unchecked

    def _is_stated(self, dataset: int, used: bool) -> bool:
        """Return whether it is said which data are meant: a split of what was used, or all of what is asked about."""
        return not used or self._edges.is_part(dataset)

    def _may_be_a_split(self, dataset: int, used: bool) -> bool:
        """Return whether what was used has splits, and it is not said which of them is meant."""
        return not self._is_stated(dataset, used) and bool(self._declared.of(dataset))

    def _not_stated(self, test: Test, learned: Learned) -> str:
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
        self, test: Test, ways: tuple[Learned, ...], *, by_sources: bool
    ) -> tuple[list[Finding], list[Unchecked]]:
        """Return what lies on the same ground, and what cannot be told.

        With ``by_sources`` what the dataset was made from counts: which of it was taken is not known.
        """
        outcomes = [outcome for learned in ways for outcome in self._place(test, learned)]
        if by_sources:
            learned, edges = ways[0], self._edges
            for node, steps in self._kinship.sources(test.dataset, learned.dataset):
                if not edges.kinds[node] & IS_ARCHIVE:
                    source = replace(learned, strength=max(learned.strength, POSSIBLE), places=(edges.iris[node],))
                    outcomes += self._place(test, source, node, steps)
        found = [outcome for outcome in outcomes if isinstance(outcome, Finding)]
        return found, [outcome for outcome in outcomes if isinstance(outcome, Unchecked)]

    def _place(
        self, test: Test, learned: Learned, source: int = -1, steps: tuple[int, ...] = ()
    ) -> list[Finding | Unchecked]:
        """Compare by place with where the data learned from are, or those of a source of them, reached by steps.

        Nothing comes back where all of both is known and they share nothing.
        """

        def untold(what: str, reason: str) -> list[Finding | Unchecked]:
            return [Unchecked(what, test.model, test, learned.dataset, reason)]

        trained_on = source if source >= 0 else learned.dataset
        side = "what was learned was made from" if source >= 0 else "what was learned,"
        ends, is_loose = [], False
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
        if not len(overlap) and (len(tested.unsplit) or len(trained.unsplit)):
            loose = self._overlaps.between(test.places, learned.places, unsplit=True)
            if len(loose) and apart:
                # Samples that may be of both sides prove nothing of the one against the other.
                where = "may be of either" if loose.same.all() else "lie on the same ground, and may be of either"
                return untold(_word(Unplaced.NO_SPLIT), f"samples that state no split that is known {where}")
            overlap, is_loose = loose, bool(len(loose))
        beside: list[Finding | Unchecked] = []
        for word, dataset, placed in (("the test,", test.dataset, tested), (side, trained_on, trained)):
            why = placed.unplaced or Unplaced.NO_FOOTPRINT
            # Samples of no split that lie there are what is found.
            if placed.unplaced is not Unplaced.KNOWN and not (is_loose and why is Unplaced.NO_SPLIT):
                beside = untold(_word(why), f"{word} {self._edges.label(dataset)}: {why.reason}")
                break
        if not len(overlap):
            return beside
        bound = "inherited from a whole" if tested.inherited or trained.inherited else ""
        bound = "by samples that state no split, and may be of it" if is_loose else bound
        if not bound and (
            self._may_be_a_split(test.dataset, test.edge >= 0)
            or (source < 0 and self._may_be_a_split(learned.dataset, bool(learned.steps)))
        ):
            bound = "and which split was used is not stated"
        found = self._place_finding(test, learned, overlap, bound)
        if source < 0:
            return [found, *beside]
        made = f"made from {self._edges.label(source)}, of which it is not known what was taken: {found.reason}"
        return [replace(found, reason=made, node=source, train_steps=steps), *beside]

    def _place_finding(self, test: Test, learned: Learned, overlap: Overlap, bound: str) -> Finding:
        """Return a finding; ``bound`` says why the data are only somewhere in the footprints, "" if all are there.

        What samples prove is told apart from what boxes leave open.
        """
        exact = overlap.exact if not bound else np.zeros(len(overlap), dtype=bool)
        sides = []
        if exact.any():
            sides.append(self._by_samples(test, learned, overlap.only(exact)))
        if not exact.all():
            rest = overlap.only(~exact)
            why = "of which documents of one id say several places" if rest.unsure.all() else ""
            sides.append(self._by_ground(test, learned, rest, bound or why))
        return merged(sides)

    def _by_samples(self, test: Test, learned: Learned, overlap: Overlap) -> Finding:
        found, number = self._by_ground(test, learned, overlap, ""), int(overlap.same.sum())
        if number:
            reason = f"{number} samples are in both" if number > 1 else "one sample is in both"
            found = replace(found, kind=LeakageKind.SAME_SAMPLES, reason=reason)
        is_sure = learned.strength == CERTAIN and not overlap.is_near
        left_open = LeakageKind.PLACE_AND_TIME if overlap.time == "unknown" else None
        return replace(found, verdict=Verdict.YES if is_sure else Verdict.MAY_CONTAIN, left_open=left_open)

    def _by_ground(self, test: Test, learned: Learned, overlap: Overlap, bound: str) -> Finding:
        precision = overlap.precision
        kind = LeakageKind.PLACE_AND_TIME if overlap.time == "yes" else LeakageKind.PLACE
        when = {"yes": "at the same time", "no": "at other times", "unknown": "of times that are not all known"}
        coarse = precision is not Precision.SAMPLES
        how = f", by footprints no finer than {precision.value if precision else 'unknown'}" if coarse else ""
        ground = self._near if overlap.is_near else "the same ground"
        reason = f"{ground}, {when[overlap.time]}{how}{f', {bound}' if bound else ''}"
        return Finding(
            kind=kind,
            verdict=Verdict.MAY_CONTAIN,
            test=test,
            learned=learned,
            reason=reason,
            overlap=overlap,
            left_open=None if overlap.time == "no" else LeakageKind.SAME_SAMPLES,
        )


def _word(why: Unplaced) -> str:
    return why.name.lower().replace("_", "-")
