"""Make rows of what was found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from mlaoi_graph.kinds import LeakageKind
from mlaoi_graph.plural import many
from mlaoi_graph.queries.explain import edge_word, explanation
from mlaoi_graph.queries.graph import Edges
from mlaoi_graph.queries.leakage.rows import Leak, LeakageReport, LeakageRow, TestRow, UncheckedRow
from mlaoi_graph.queries.leakage.terms import KINDS, Finding, Test, Unchecked, Work, surest_first
from mlaoi_graph.queries.overlap import Overlaps
from mlaoi_graph.queries.results import Rows, Verdict
from mlaoi_graph.queries.sensors import Sensors

__all__ = ["Answer"]

_SHOWN: Final = 3


class Answer:
    """Makes reports of one state of a graph."""

    def __init__(self, edges: Edges, sensors: Sensors, overlaps: Overlaps, not_read: Sequence[str]) -> None:
        self._edges = edges
        self._overlaps = overlaps
        self._sensors = sensors
        self._not_read = not_read

    def made(self, title: str, work: Work) -> LeakageReport:
        """Return what was found, strongest first, and what was not checked."""
        edges = self._edges
        order = edges.order

        def key(finding: Finding) -> tuple[Any, ...]:
            test = finding.test
            return (
                KINDS.index(finding.strongest),
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
            notes.append(f"this could not be checked: {told}")
        left_out = {dataset for datasets in work.left_out.values() for dataset in datasets}
        notes += self._sensors.notes(work.compared, left_out)
        if self._not_read:
            notes.append(_lacking(self._not_read))
        return LeakageReport(
            title,
            found,
            self._row,
            unchecked=Rows(f"{title}: not checked", UncheckedRow, unchecked, self._unchecked_row),
            leak=self._brief,
            tested=lambda: self._overlaps.geometries([test.places for test in work.tests]),
            tests=Rows(f"{title}: tests", TestRow, tests, lambda row: row),
            notes=notes,
        )

    def _test_rows(self, work: Work, found: list[Finding], unchecked: list[Unchecked]) -> list[TestRow]:
        edges = self._edges
        of_test: dict[Test, list[Finding]] = {}
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
                    strongest=min(mine, key=surest_first).kind.value if mine else None,
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

    def _unchecked_row(self, item: Unchecked) -> UncheckedRow:
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

    def _brief(self, finding: Finding) -> Leak:
        edges, test = self._edges, finding.test
        return Leak(
            kind=finding.kind.value,
            verdict=finding.verdict.value,
            model=None if test.model < 0 else edges.iris[test.model],
            stage=None if test.edge < 0 else edge_word(edges, test.edge),
            test=edges.iris[test.dataset],
            train=edges.iris[finding.learned.dataset],
        )

    def _row(self, finding: Finding) -> LeakageRow:
        edges, test, learned = self._edges, finding.test, finding.learned
        steps = (*learned.steps, *finding.train_steps)
        test_steps = (*((test.edge,) if test.edge >= 0 else ()), *finding.test_steps)
        if finding.kind is LeakageKind.SPLIT_AGAINST_USE:
            test_steps = steps  # what the model, or an ancestor, learned from is the test
        overlap = finding.overlap
        learner = edges.subject[learned.steps[-1]] if learned.steps else -1
        start = edges.subject[steps[0]] if steps else learned.dataset
        meets = finding.node if finding.node >= 0 else learned.dataset
        test_start = test.model if test.model >= 0 else test.dataset
        test_end = finding.node if finding.test_steps else test.dataset
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
            confidence="unverified" if edges.doubtful((*steps, *test_steps)) else "verified",
            _proof=lambda: explanation(edges, start, meets, finding.kind.value, steps),
            _test_proof=lambda: explanation(edges, test_start, test_end, finding.kind.value, test_steps),
            _overlap=overlap,
        )


def _lacking(documents: Sequence[str]) -> str:
    """Return a note about documents that could not be read: what they may say is in no answer."""
    some = ", ".join(document.partition("/documents/")[2] or document for document in documents[:_SHOWN])
    more = " and others" if len(documents) > _SHOWN else ""
    return (
        f"{many(len(documents), 'document')} of this catalog could not be read, and may say more: {some}{more}; "
        "to see why, build their sources again"
    )
