"""The page of a leakage report: what is found, with proof; what could not be checked; where it lies."""

from __future__ import annotations

from typing import Any, Final

from mlaoi_graph.queries.leakage import LeakageReport
from mlaoi_graph.server.pages.places import feature, features_of
from mlaoi_graph.server.pages.tasks import Page
from mlaoi_graph.server.pages.views import part_of
from mlaoi_graph.server.worker import Context

__all__ = ["leakage"]

_SHOWN: Final = 100
_DRAWN: Final = 25
"""Findings whose ground is drawn."""


def leakage(context: Context, given: dict[str, str]) -> Page:
    """Whether what a model was measured on overlaps what it learned from."""
    name = given.get("node", "").strip()
    against = given.get("against", "").strip()
    values: dict[str, Any] = {"node_given": name, "against": against, "report": None, "drawn": _DRAWN}
    everything = given.get("all", "") != ""
    if not name and not everything:
        return Page("Leakage", "leakage.html", values, features=lambda: {"type": "FeatureCollection", "features": []})
    catalog = context.catalog
    node = catalog.find(name) if name else None
    report = catalog.leakage(node, against=catalog.find(against) if against else None)
    found = []
    for place in range(min(len(report), _SHOWN)):
        row = report[place]
        found.append(
            {
                **{column: _plain(getattr(row, column)) for column in report.columns},
                "proof": row.explain().to_dict()["steps"],
                "test_proof": row.explain_test().to_dict()["steps"],
            }
        )
    values["report"] = {
        "title": report.title,
        "totals": report.totals(),
        "rows": found,
        "total": len(report),
        "tests": part_of(report.tests, _SHOWN),
        "unchecked": part_of(report.unchecked, _SHOWN),
        "notes": list(report.notes),
    }
    values["iri"] = node
    title = f"Leakage: {catalog.lineage.label(node)}" if node else "Leakage: everything"
    nodes = list(dict.fromkeys(row["test"] for row in found)) + ([node] if node else [])
    rows = [{name: value for name, value in row.items() if not name.endswith("proof")} for row in found]
    return Page(title, "leakage.html", values, nodes, rows, report.columns, lambda: _drawn(context, report))


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


def _plain(value: Any) -> Any:
    from mlaoi_graph.queries.results import plain

    return plain(value)
