"""The page of a leakage report: what is found, with proof; what could not be checked; where it lies."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

import numpy as np

from mlaoi_graph.catalog import Catalog
from mlaoi_graph.queries.graph import IS_MODEL
from mlaoi_graph.queries.leakage import LeakageReport, TestRow
from mlaoi_graph.queries.results import Rows, Verdict, plain
from mlaoi_graph.server.pages.places import feature, features_of
from mlaoi_graph.server.pages.tasks import Page
from mlaoi_graph.server.pages.views import part_of
from mlaoi_graph.server.worker import Context

__all__ = ["leakage"]

_SHOWN: Final = 100
_COUNTED: Final = 50_000
"""Rows that are looked at to count them by reason."""
_SMALL: Final = 2_000
"""Models up to which all of a catalog is checked for whoever asks nothing yet."""
_FIRST: Final = 25
"""Tests that leak which are shown there."""
_DRAWN: Final = 25
"""Findings whose ground is drawn."""
_STRONGEST: Final = (Verdict.YES, Verdict.MAY_CONTAIN, Verdict.UNKNOWN, Verdict.NO)
"""Verdicts in the order in which somebody has to look at them."""


def leakage(context: Context, given: dict[str, str]) -> Page:
    """Whether what a model was measured on overlaps what it learned from."""
    name = given.get("node", "").strip()
    against = given.get("against", "").strip()
    values: dict[str, Any] = {"node_given": name, "node_label": None, "against": against, "report": None}
    values["drawn"] = _DRAWN
    everything = given.get("all", "") != ""
    if not name and not everything:
        values["leaking"] = context.once("leaking", _leaking)
        return Page("Leakage", "leakage.html", values)
    catalog = context.catalog
    node = catalog.find(name) if name else None
    report = catalog.leakage(node, against=catalog.find(against) if against else None)
    found = []
    for place in range(min(len(report), _SHOWN)):
        row = report[place]
        found.append(
            {
                **{column: plain(getattr(row, column)) for column in report.columns},
                "proofs": [chain.to_dict()["steps"] for chain in row.chains() if chain.steps],
            }
        )
    tests = sorted(report.tests, key=lambda row: (_STRONGEST.index(row.verdict), -row.found))
    values["report"] = {
        "title": report.title,
        "totals": report.totals(),
        "rows": found,
        "total": len(report),
        "tests": part_of(Rows(report.tests.title, TestRow, tests, lambda row: row, notes=report.tests.notes), _SHOWN),
        "unchecked": part_of(report.unchecked, _SHOWN),
        "reasons": _reasons(report),
        "notes": list(report.notes),
    }
    values["iri"] = node
    values["node_label"] = catalog.lineage.label(node) if node else None
    title = f"Leakage: {values['node_label'] or 'everything'}"
    nodes = list(dict.fromkeys(row["test"] for row in found)) + ([node] if node else [])
    rows = [{name: value for name, value in row.items() if name != "proofs"} for row in found]
    return Page(title, "leakage.html", values, nodes, rows, report.columns, lambda: _drawn(context, report))


def _leaking(catalog: Catalog) -> dict[str, Any] | None:
    """Return the tests that leak, then those that may; None where nobody would wait for it."""
    if np.count_nonzero(np.asarray(catalog.lineage.edges.kinds) & IS_MODEL) > _SMALL:
        return None
    worth = (Verdict.YES, Verdict.MAY_CONTAIN)
    tests = [row for row in catalog.leakage(None).tests if row.verdict in worth and row.model]
    tests.sort(key=lambda row: (worth.index(row.verdict), -row.found))
    return part_of(Rows("Tests that leak, or may", TestRow, tests, lambda row: row), _FIRST)


def _reasons(report: LeakageReport) -> list[dict[str, Any]]:
    """Return what keeps tests from being told clean and how often, the most frequent first; none if it is too much."""
    if len(report.unchecked) > _COUNTED:
        return []
    counts = Counter(row.what for row in report.unchecked)
    return [{"what": what, "number": number} for what, number in counts.most_common()]


def _drawn(context: Context, report: LeakageReport) -> dict[str, Any]:
    """Return the footprints of both sides, and the ground they share on top."""
    rows = [report[place] for place in range(min(len(report), _DRAWN))]
    tests = list(dict.fromkeys(row.test for row in rows))
    trained = list(dict.fromkeys(row.train for row in rows if row.train not in tests))
    features, _ = features_of(context.catalog, trained, "trainedOn")
    more, _ = features_of(context.catalog, tests, "testedOn")
    shared = []
    for row in rows:
        ground = row.geometry()
        if ground is not None and not ground.is_empty:
            look = row.precision or "declared-box"
            shared.append(feature(ground, dataset=row.test, label=row.test_label, edge="overlap", look=look))
    return {"type": "FeatureCollection", "features": [*features, *more, *shared]}
