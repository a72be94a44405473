"""Whether what a model was measured on overlaps what it, or an ancestor, learned from.

Every evaluation is held against everything learned (:mod:`.pairs`). What is found is a row with its proof; what could
not be checked is said apart, with the reason; a model is clean of a test only where everything relevant is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Final

from mlaoi_graph.errors import BadQuestion
from mlaoi_graph.kinds import LeakageKind
from mlaoi_graph.queries.asked import Asked
from mlaoi_graph.queries.explain import edge_word
from mlaoi_graph.queries.graph import EVALUATES, FAMILY, FROM_MODEL, IS_ARCHIVE, IS_DATASET, IS_FAMILY, TEACHES, Edges
from mlaoi_graph.queries.kinship import Kin, Kinship
from mlaoi_graph.queries.leakage.answer import Answer
from mlaoi_graph.queries.leakage.pairs import Pairs
from mlaoi_graph.queries.leakage.rows import LeakageReport
from mlaoi_graph.queries.leakage.splits import Splits
from mlaoi_graph.queries.leakage.terms import Finding, Learned, Test, Unchecked, Work
from mlaoi_graph.queries.overlap import Overlaps
from mlaoi_graph.queries.results import Verdict
from mlaoi_graph.queries.sensors import Sensors
from mlaoi_graph.queries.verdict import Knowledge, of_unknown_kind, untold_of
from mlaoi_graph.queries.walk import (
    CERTAIN,
    OF_FAMILY,
    POSSIBLE,
    THING,
    chain,
    newer,
    search,
    start_of,
    strength_of,
    strongest,
)

__all__ = ["Leakage"]

_MOST_SIBLINGS: Final = 200
_CHOSEN: Final = frozenset({"validation", "evaluation"})
"""Stages in which a model may have been chosen; evaluation is the word of a source that does not say."""
_REPORTED: Final = frozenset({"test", "evaluation"})


class Leakage:
    """Answers for one state of a catalog, with a buffer and a window, and remembers what it has compared.

    ``buffer_km`` is room around the tested areas, for data that are alike because they are near (spatial
    autocorrelation); ``window_days`` room around their times. ``sensors`` leaves out what was learned from data that
    are known to be of other missions (:mod:`.sensors`); notes say what that is.
    """

    def __init__(
        self, catalog: Asked, *, buffer_km: float = 0, window_days: float = 0, sensors: Sequence[str] = ()
    ) -> None:
        self._graph = catalog.lineage
        self._edges: Edges = catalog.lineage.edges
        self._kinship = Kinship(self._edges)
        self._overlaps = Overlaps(catalog.footprints, buffer_km=buffer_km, window_days=window_days)
        near = f"near, within {buffer_km:g} km or a little more"
        self._declared = Splits(catalog.store, self._edges, catalog.split_policy)
        self._pairs = Pairs(catalog.store, self._edges, self._kinship, self._declared, self._overlaps, near)
        self._sensors = Sensors(catalog.store, self._edges, self._kinship, sensors)
        self._last: Knowledge | None = None
        """Of the model asked about last."""
        self._answer = Answer(self._edges, self._sensors, self._overlaps, catalog.not_read)

    # -- asking ---------------------------------------------------------------------------------------------------

    def report(self, node: str | None = None, *, against: str | None = None) -> LeakageReport:
        """Return what is found of a model, a family, a dataset, or everything.

        Of a model, each of its evaluations against everything it and its ancestors learned from; of a family, that of
        each member; of a dataset, its splits against each other. ``against`` is another model, whose learning counts
        instead, or a dataset. Raises NodeNotFound.
        """
        edges, work = self._edges, Work()
        if node is None:
            if against is not None:
                raise BadQuestion("against what?", "Name the model or dataset that is to be compared")
            title = "leakage in the catalog"
            for model in self._concerned():
                self._of_model(work, model, None, in_all=True)
            for whole in sorted({edges.object[edge] for edge in edges.parts.edges}, key=edges.order):
                self._splits(work, self._declared.of(whole))
            for siblings in self._declared.siblings:
                self._beside(work, siblings)
            return self._answer.made(title, work)
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
            self._splits(work, self._declared.of(asked))
            for siblings in self._declared.siblings:
                if asked in siblings:
                    self._beside(work, siblings)
        elif edges.kinds[asked] & IS_DATASET:
            assert other is not None
            self._hold(work, [self._asked(asked)], *self._learned_by(other))
        else:
            self._of_model(work, asked, other)
        return self._answer.made(title, work)

    def _concerned(self) -> list[int]:
        """Return the models and families with an evaluation, or that learned from a declared test, in order.

        So did what was made from one that learned from it.
        """
        edges = self._edges
        declared = set(filter(self._declared.is_test, self._declared.said))
        found, learned = set[int](), set[int]()
        for edge, code in enumerate(edges.code):
            if code in EVALUATES:
                found.add(edges.subject[edge])
            elif code in TEACHES and edges.object[edge] in declared:
                learned.add(edges.subject[edge])
        made = search([start_of(edges, node) for node in learned], newer(edges, FROM_MODEL, None), edges)
        heirs = {node for node, at in strongest(made, THING).items() if strength_of(at) != OF_FAMILY}
        return sorted(found | learned | heirs, key=edges.order)

    # -- one model ------------------------------------------------------------------------------------------------

    def _of_model(self, work: Work, model: int, against: int | None, *, in_all: bool = False) -> None:
        edges = self._edges
        tests = [
            Test(model, dataset, edge, places)
            for dataset, edge, places in self._uses(e for e in edges.out[model] if edges.code[e] in EVALUATES)
        ]
        if not tests and not in_all:
            what, reason = "no-evaluation", "no evaluation of it is recorded"
            for edge in edges.out[model]:
                if edges.code[edge] == FAMILY and any(
                    edges.code[e] in EVALUATES for e in edges.out[edges.object[edge]]
                ):
                    what, reason = "family-only", "evaluations are said of its family, and of no size"
            work.unchecked.append(Unchecked(what, model, None, -1, reason))
        learned, gaps = self._learned_by(model if against is None else against)
        self._hold(work, tests, learned, gaps)
        if against is None:
            self._own_splits(work, model, tests, learned)

    def _asked(self, dataset: int) -> Test:
        return Test(-1, dataset, -1, (self._edges.iris[dataset],))

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

    def _learned_by(self, node: int) -> tuple[list[tuple[Learned, ...]], list[tuple[str, int, str]]]:
        """Return what a model learned from, and what is not known of that.

        Of each dataset the strongest and shortest chain, and further ones that tell of other places in it.
        """
        edges = self._edges
        if edges.kinds[node] & IS_DATASET:
            return [(Learned(node, (), CERTAIN, (edges.iris[node],)),)], []
        known = self._knowledge(node)
        found: dict[int, dict[tuple[str, ...], Learned]] = {}
        for model, at in known.models.items():
            steps: tuple[int, ...] | None = None
            for dataset, edge, places in self._uses(e for e in edges.out[model] if edges.code[e] in TEACHES):
                steps = tuple(chain(known.found, at)) if steps is None else steps
                learned = Learned(dataset, (*steps, edge), at & 3, places)
                held = found.setdefault(dataset, {})
                if places not in held or self._rank(learned) < self._rank(held[places]):
                    held[places] = learned
        gaps = [(gap.what, gap.node, gap.reason) for gap in known.gaps]
        ordered = sorted(found, key=edges.order)
        return [tuple(sorted(found[dataset].values(), key=self._rank)) for dataset in ordered], gaps

    def _knowledge(self, model: int) -> Knowledge:
        last = self._last
        if last is None or last.model != model:
            last = self._last = self._graph.knowledge(model)
        return last

    def _rank(self, learned: Learned) -> tuple[int, bool, int]:
        return learned.strength, self._edges.doubtful(learned.steps), len(learned.steps)

    def _hold(
        self,
        work: Work,
        tests: list[Test],
        learned: Sequence[tuple[Learned, ...]],
        gaps: list[tuple[str, int, str]],
    ) -> None:
        """Hold each test against everything learned."""
        for test in tests:
            work.tests[test] = None
            if test.model >= 0:
                work.unchecked += self._of_unknown_origin(test)
            for ways in learned:
                if not self._sensors.keeps(ways[0].dataset):
                    work.left_out[test].append(ways[0].dataset)
                    continue
                work.compared.add(ways[0].dataset)
                if self._edges.doubtful((*ways[0].steps, *((test.edge,) if test.edge >= 0 else ()))):
                    work.doubtful.add(test)
                found, unchecked = self._pairs.compare(test, ways)
                work.found.extend(found)
                work.unchecked.extend(unchecked)
                work.clean[test] += not found and not unchecked
        if tests:
            model = tests[0].model
            for what, about, reason in gaps:
                label = "" if about == model else f"{self._edges.label(about)}: "
                work.unchecked.append(Unchecked(what, model, None, about, label + reason))

    def _of_unknown_origin(self, test: Test) -> Iterator[Unchecked]:
        """Yield what is not known of what the data of a test were made from."""
        edges = self._edges
        for node, is_source in self._kinship.origins(test.dataset).items():
            if edges.kinds[node] & IS_ARCHIVE:
                continue  # sharing one is not sharing data
            unknown = (("unknown-kind", why) for why in of_unknown_kind(edges, node))
            for what, why in untold_of(edges, node) if is_source else unknown:
                side = "the test was made from" if is_source else "the test,"
                yield Unchecked(what, test.model, test, -1, f"{side} {edges.label(node)}: {why}")

    @cached_property
    def _limited(self) -> frozenset[str]:
        """Uses that their source limits to an area."""
        return frozenset(self._overlaps.footprints.uses)

    # -- splits ---------------------------------------------------------------------------------------------------

    def _own_splits(self, work: Work, model: int, tests: list[Test], learned: Sequence[tuple[Learned, ...]]) -> None:
        """Hold what a model learned against what splits were declared for, and its validations against its tests."""
        edges = self._edges
        own = [
            Learned(dataset, (edge,), CERTAIN, places)
            for dataset, edge, places in self._uses(e for e in edges.out[model] if edges.code[e] in TEACHES)
        ]
        known = {one.dataset for one in own}
        own += [ways[0] for ways in learned if ways[0].dataset not in known]
        for one in own:
            who = edges.subject[one.steps[-1]]
            # Of a test on the same data it is said already.
            if any(self._kinship.between(test.dataset, one.dataset).kin is not Kin.NOT_STATED for test in tests):
                told = "learned from" if who == model else f"{edges.label(who)} learned from"
                work.unchecked += self._may_be_a_test(model, None, one.dataset, told)
            if self._declared.is_test(one.dataset):
                test = Test(model, one.dataset, one.steps[-1], one.places)
                through = "" if who == model else f"{edges.label(who)} learned from it, and "
                doubt = self._declared.doubt_of_test(one.dataset)
                reason = f"{through}{self._declared.who_says(one.dataset)} {edges.label(one.dataset)} a test split"
                work.tests[test] = None
                work.found.append(
                    Finding(
                        kind=LeakageKind.SPLIT_AGAINST_USE,
                        verdict=Verdict.YES if one.strength == CERTAIN and not doubt else Verdict.MAY_CONTAIN,
                        test=test,
                        learned=one,
                        reason="; ".join(filter(None, (reason, doubt))),
                        node=one.dataset,
                    )
                )
        chosen = [test for test in tests if edge_word(edges, test.edge) == "validation"]
        reported = [test for test in tests if edge_word(edges, test.edge) == "test"]
        self._chosen_before(work, model, tests)
        for test in chosen:
            validated = Learned(test.dataset, (test.edge,), CERTAIN, test.places)
            doubt = ""
            other = next((t for t in reported if self._kinship.between(t.dataset, test.dataset).kin is Kin.SAME), None)
            if other is not None:
                reason = "validated on what is reported as its test"
            elif self._declared.is_test(test.dataset):
                doubt = self._declared.doubt_of_test(test.dataset)
                reason = f"validated on what {self._declared.who_says(test.dataset)} a test split"
                reason = "; ".join(filter(None, (reason, doubt)))
            else:
                for unsure in reported:
                    if self._kinship.between(unsure.dataset, test.dataset).kin is Kin.NOT_STATED:
                        text = "validated and tested on the same data, and no split is stated for both"
                        work.unchecked.append(Unchecked("splits-not-stated", model, unsure, test.dataset, text))
                work.unchecked += self._may_be_a_test(model, test, test.dataset, "validated on")
                continue
            work.found.append(
                Finding(
                    kind=LeakageKind.SELECTION_ON_TEST,
                    verdict=Verdict.MAY_CONTAIN if doubt else Verdict.YES,
                    test=other or test,
                    learned=validated,
                    reason=reason,
                    node=test.dataset,
                )
            )

    def _may_be_a_test(self, model: int, test: Test | None, dataset: int, how: str) -> Iterator[Unchecked]:
        """Yield that a use of a whole may have been of a declared test split of it."""
        edges = self._edges
        splits = [] if edges.is_part(dataset) else self._declared.tests_of(dataset)
        for split in splits[:1]:
            text = (
                f"{how} {edges.label(dataset)}, and no split is stated: {edges.label(split)} is declared a test split"
            )
            yield Unchecked("splits-not-stated", model, test, dataset, text)

    def _chosen_before(self, work: Work, model: int, tests: Sequence[Test]) -> None:
        """Hold the tests of a model against what it was made from was validated on.

        They are the same only by splits that both sides state, and where both say in which stage: an evaluation may
        be of either.
        """
        edges = self._edges
        reported = [test for test in tests if edge_word(edges, test.edge) in _REPORTED]
        if not reported:
            return
        known = self._knowledge(model)
        for older, at in known.models.items():
            chosen = [e for e in edges.out[older] if edge_word(edges, e) in _CHOSEN] if older != model else []
            for dataset, edge, places in self._uses(chosen):
                for test in reported:
                    kin = self._kinship.between(test.dataset, dataset).kin
                    is_staged = "evaluation" not in (edge_word(edges, edge), edge_word(edges, test.edge))
                    name = f"{edges.label(older)}, which it was made from, "
                    if kin is Kin.SAME and is_staged:
                        work.found.append(
                            Finding(
                                kind=LeakageKind.SELECTION_ON_TEST,
                                verdict=Verdict.MAY_CONTAIN,
                                test=test,
                                learned=Learned(dataset, (*chain(known.found, at), edge), at & 3, places),
                                reason=f"{name}was validated on what is its test",
                                node=dataset,
                            )
                        )
                    elif kin is Kin.SAME:
                        text = f"{name}was evaluated on the same data, and whether either chose by them is not said"
                        work.unchecked.append(Unchecked("stage-not-stated", model, test, dataset, text))
                    elif kin is Kin.NOT_STATED:
                        text = f"{name}was {{}} on the same data, and no split is stated for both"
                        text = text.format("validated" if is_staged else "evaluated")
                        work.unchecked.append(Unchecked("splits-not-stated", model, test, dataset, text))

    def _beside(self, work: Work, siblings: set[int]) -> None:
        if len(siblings) <= _MOST_SIBLINGS:
            return self._splits(work, siblings)
        reason = f"{len(siblings)} splits side by side: too many to hold each against each. Name two: --against"
        work.unchecked.append(Unchecked("too-many-splits", -1, None, min(siblings, key=self._edges.order), reason))

    def _splits(self, work: Work, splits: set[int]) -> None:
        """Hold splits of one dataset against each other: what is not for training against what is."""
        edges, declared = self._edges, self._declared
        ordered = sorted(splits, key=edges.order)
        for held_out in ordered:
            if declared.is_training(held_out):
                continue
            test = self._asked(held_out)
            is_test = declared.is_test(held_out)
            # Two tests, as a split and an item of it that is used alone, are no leak.
            others = [s for s in ordered if declared.is_training(s) or (is_test and not declared.is_test(s))]
            if others:
                doubts = [declared.doubt(held_out, other) for other in others]
                learned = [
                    (Learned(other, (), POSSIBLE if doubt else CERTAIN, (edges.iris[other],), doubt),)
                    for other, doubt in zip(others, doubts, strict=True)
                ]
                self._hold(work, [test], learned, [])
