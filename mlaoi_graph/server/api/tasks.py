"""What workers do for the JSON API: nodes in pages, and the questions about lineage."""

from __future__ import annotations

import base64
import binascii
import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, Final

import orjson

from mlaoi_graph.catalog import Catalog
from mlaoi_graph.iri import is_absolute
from mlaoi_graph.queries import Rows
from mlaoi_graph.queries.results import plain
from mlaoi_graph.server.reply import Refusal, Reply
from mlaoi_graph.server.worker import Context
from mlaoi_graph.vocab import MLAOI

__all__ = ["Part", "answer_json", "explain", "nodes", "paged", "question", "verdict", "warm"]

_LISTED: Final = {
    "models": "SELECT ?node { ?node a mlaoi:Model } ORDER BY ?node",
    "datasets": "SELECT ?node { ?node a mlaoi:Dataset } ORDER BY ?node",
}
QUESTIONS: Final = frozenset(
    {"upstream", "downstream", "exposure", "exposed_models", "impact", "licences", "unknowns", "families"}
)
"""Methods of :class:`~mlaoi_graph.queries.LineageGraph` that give rows."""


@dataclasses.dataclass(frozen=True, slots=True)
class Part:
    """Which part of a long answer is asked for."""

    limit: int
    cursor: str | None = None
    question: str = ""
    """What tells the question from others: a cursor is of one question only."""


def warm(context: Context) -> Reply:
    """Load the lineage, the footprints and what they make at a first question, so that no request waits for it."""
    repr(context.catalog.footprints)
    lineage = context.catalog.lineage
    for row in lineage.roots()[:1]:
        lineage.impact(row.node)
    return Reply(200, "text/plain")


def nodes(context: Context, *, kind: str, part: Part) -> Reply:
    """Return a page of the models or datasets, by IRI."""

    def listed(catalog: Catalog) -> list[str]:
        found = catalog.query(_LISTED[kind])
        assert not isinstance(found, bool)
        return [row["node"] for row in found if isinstance(row, dict) and row["node"] is not None]

    iris = context.kept(kind, listed)
    catalog = context.catalog
    return answer_json(paged(catalog, iris, part, lambda iri: _fields(catalog.node(iri))))


def question(context: Context, *, name: str, about: str, only: dict[str, Any], family_level: bool, part: Part) -> Reply:
    """Return a page of the rows of a question about lineage."""
    assert name in QUESTIONS
    catalog = context.catalog
    for source in only.get("sources", ()):
        _check_source(catalog, source)
    rows: Rows[Any] = getattr(catalog.lineage, name)(catalog.find(about), **only)
    shown = rows.family_level if family_level else rows
    columns = shown.columns
    page = paged(catalog, shown, part, lambda row: {column: plain(getattr(row, column)) for column in columns})
    more = {"title": rows.title, "notes": list(rows.notes), "family_level_total": len(rows.family_level)}
    return answer_json({**page, **more})


def _check_source(catalog: Catalog, source: str) -> None:
    """Raise Refusal for a source nothing is of: no rows would be told as a fact about the node."""
    store = catalog.store
    if is_absolute(source) and (
        store.has_graph(source) or next(store.match(None, MLAOI.evidence, source), None) is not None
    ):
        return
    raise Refusal(404, "not-found", f"source {source}: no document or evidence of this catalog has that IRI")


def verdict(context: Context, *, model: str, dataset: str) -> Reply:
    """Return whether a model learned from a dataset, with the reason."""
    catalog = context.catalog
    found = catalog.lineage.is_exposed(catalog.find(model), catalog.find(dataset))
    return answer_json({**found.to_dict(), "snapshot": catalog.snapshot})


def explain(context: Context, *, newer: str, older: str, most: int) -> Reply:
    """Return chains of asserted edges from one node to what it came from, shortest first."""
    catalog = context.catalog
    a, b = catalog.find(newer), catalog.find(older)
    if most == 1:
        one = catalog.lineage.explain(a, b)
        chains, note = ([] if one is None else [one.to_dict()]), ""
    else:
        found = catalog.lineage.paths(a, b, most)
        chains, note = [chain.to_dict() for chain in found.chains], found.note
    return answer_json({"chains": chains, "complete": not note, "note": note, "snapshot": catalog.snapshot})


def answer_json(value: Any) -> Reply:
    """Return a value as JSON."""
    return Reply(200, "application/json", orjson.dumps(value))


def paged(catalog: Catalog, items: Sequence[Any], part: Part, make: Callable[[Any], Any]) -> dict[str, Any]:
    start = _start(part, catalog.snapshot)
    end = start + part.limit
    return {
        "total": len(items),
        "rows": [make(item) for item in items[start:end]],
        "next": _cursor(part, catalog.snapshot, end) if end < len(items) else None,
        "snapshot": catalog.snapshot,
    }


def _cursor(part: Part, snapshot: int, start: int) -> str:
    return base64.urlsafe_b64encode(f"{snapshot}.{start}.{part.question}".encode()).decode()


def _start(part: Part, snapshot: int) -> int:
    if part.cursor is None:
        return 0
    try:
        of, at, question = base64.urlsafe_b64decode(part.cursor.encode()).decode("ascii").split(".")
        state, start = int(of), int(at)
    except (ValueError, binascii.Error):
        raise Refusal(400, "cursor", "that is no cursor this server gave. Start without one") from None
    if question != part.question:
        raise Refusal(
            400, "cursor", "that cursor is of another question. Send the same parameters, or start without one"
        )
    if state != snapshot:
        raise Refusal(410, "changed", "the catalog has changed since that page. Start again without a cursor")
    return max(start, 0)


def _fields(value: Any) -> dict[str, Any]:
    names = (f.name for f in dataclasses.fields(value))
    return {name: plain(getattr(value, name)) for name in names if not name.startswith("_")}
