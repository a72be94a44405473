"""Findings of an audit in SARIF 2.1.0, which code scanning services show beside the file they are about."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from mlaoi_graph import __version__
from mlaoi_graph.kinds import LeakageKind

if TYPE_CHECKING:
    from collections.abc import Collection

    from mlaoi_graph.catalog import Catalog
    from mlaoi_graph.queries.leakage import LeakageReport, LeakageRow

__all__ = ["sarif"]


def sarif(catalog: Catalog, report: LeakageReport, failing: Collection[LeakageRow]) -> dict[str, Any]:
    """Return the rows as a SARIF log: ``failing`` ones as errors or warnings, all others as notes.

    A result is located at the document that states the evaluation; of two splits of a dataset, at the first that speaks
    of the one held out. That is by the source's name, which is that of its folder, and the path in it. SRCROOT is where
    the source lies, as a repository's root.
    """
    failed = {(row.kind, row.model, row.stage, row.test, row.train) for row in failing}
    names = [kind.value for kind in LeakageKind]
    results = []
    for row in report:
        key = (row.kind, row.model, row.stage, row.test, row.train)
        level = "note" if key not in failed else "error" if row.verdict.value == "yes" else "warning"
        results.append(
            {
                "ruleId": row.kind,
                "ruleIndex": names.index(row.kind),
                "level": level,
                "message": {"text": f"{_statement(row)}: {row.reason}."},
                "locations": _locations(catalog, row),
                "partialFingerprints": {"leakage/v1": hashlib.sha256(repr(key).encode()).hexdigest()[:32]},
                "properties": {"overlap_km2": row.overlap_km2, "share_of_test": row.share_of_test, "also": row.also},
            }
        )
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "mlaoi-graph",
                        "version": __version__,
                        "rules": [
                            {"id": kind.value, "shortDescription": {"text": kind.sentence}} for kind in LeakageKind
                        ],
                    }
                },
                "originalUriBaseIds": {"SRCROOT": {"description": {"text": "The folder the sources lie in."}}},
                "results": results,
                "invocations": [
                    {
                        "executionSuccessful": True,
                        "toolExecutionNotifications": [
                            {"level": "note", "message": {"text": f"{note[0].upper()}{note[1:]}."}}
                            for note in report.notes
                        ],
                    }
                ],
            }
        ],
    }


def _statement(row: LeakageRow) -> str:
    """Return what a row says, as a clause; its reason is said behind it."""
    sure = row.verdict.value == "yes"
    if row.kind == LeakageKind.SPLIT_AGAINST_USE.value:
        return f"{row.model_label} {'learned' if sure else 'may have learned'} from a test split, {row.test_label}"
    if row.kind == LeakageKind.SELECTION_ON_TEST.value:
        return f"{row.model_label} {'was' if sure else 'may have been'} chosen on its test, {row.test_label}"
    test = f"{row.test_label}, the {row.stage} of {row.model_label}," if row.model else row.test_label
    learned = f"{row.train_label}, which {row.learner_label} learned from" if row.learner else row.train_label
    return f"{test} {'overlaps' if sure else 'may overlap'} {learned}"


def _locations(catalog: Catalog, row: LeakageRow) -> list[dict[str, Any]]:
    steps = row.explain_test().steps
    if steps:
        document, pointer = steps[0].document, steps[0].pointer
    else:
        document, pointer = min(catalog.said_of(row.test)), None
    start = f"{catalog.base}documents/"
    artifact: dict[str, str] = {"uri": document}
    if document.startswith(start):
        artifact = {"uri": document[len(start) :].partition("#")[0], "uriBaseId": "SRCROOT"}
    place: dict[str, Any] = {"physicalLocation": {"artifactLocation": artifact, "region": {"startLine": 1}}}
    if pointer:
        place["logicalLocations"] = [{"fullyQualifiedName": pointer, "kind": "member"}]
    return [place]
