"""What workers do for pages: ask the catalog, and write the answer as HTML, JSON, CSV or Turtle."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from mlaoi_graph.errors import MlaoiError, NodeNotFound
from mlaoi_graph.queries import NotOfKind
from mlaoi_graph.server import tasks
from mlaoi_graph.server.pages.render import CSP, EDITOR_CSP, html
from mlaoi_graph.server.reply import Refusal, Reply
from mlaoi_graph.server.worker import Context

__all__ = ["Page", "answer", "failed"]

_TRIPLES_OF: Final = 500
"""Nodes whose triples a page's Turtle has."""


@dataclass(frozen=True, slots=True)
class Page:
    """What a page shows."""

    title: str
    template: str
    values: dict[str, Any]
    """Plain values: what the JSON has, and the template shows."""
    nodes: list[str] = field(default_factory=list)
    """IRIs of what it is about; the Turtle has what is said of them."""
    rows: list[dict[str, Any]] = field(default_factory=list)
    """The main table, for CSV."""
    features: Callable[[], dict[str, Any]] | None = None
    """What a map shows, as GeoJSON."""


View = Callable[[Context, dict[str, str]], Page]


def answer(context: Context, *, view: View, given: dict[str, str], form: str, root: str) -> Reply:
    """Return a page in a form: html, json, csv, ttl or geojson."""
    try:
        page = view(context, given)
    except (MlaoiError, Refusal) as error:
        if form != "html":
            raise
        return failed(error, root)
    if form == "json":
        return Reply(200, "application/json", orjson.dumps({"title": page.title, **page.values}))
    if form == "csv":
        return Reply(200, "text/csv; charset=utf-8", table(page.rows))
    if form == "geojson" and page.features is not None:
        return Reply(200, "application/geo+json", orjson.dumps(page.features()))
    if form == "ttl":
        return _triples(context, page.nodes)
    shared = {"title": page.title, "base": context.catalog.base, "given": given}
    made = page_of(html(page.template, {**shared, **page.values}, root=root))
    if page.template == "query.html":
        made.headers["Content-Security-Policy"] = EDITOR_CSP
    return made


def page_of(body: bytes, status: int = 200) -> Reply:
    """Return HTML as a reply nothing of which runs that is not ours."""
    return Reply(status, "text/html; charset=utf-8", body, headers={"Content-Security-Policy": CSP})


def failed(error: Exception, root: str) -> Reply:
    """Return a page that says what is wrong, and what would be right."""
    status = error.status if isinstance(error, Refusal) else 404 if isinstance(error, NodeNotFound) else 400
    near = list(error.candidates) if isinstance(error, NodeNotFound) else []
    if isinstance(error, NotOfKind):
        near = [error.iri]
    values = {"title": "Not found" if status == 404 else "That cannot be answered", "reason": str(error), "near": near}
    return page_of(html("failed.html", {**values, "given": {}, "base": ""}, root=root, status=status), status)


def table(rows: list[dict[str, Any]]) -> bytes:
    """Return rows as CSV; a text a spreadsheet would run as a formula is quoted with an apostrophe."""
    out = io.StringIO()
    if rows:
        writer = csv.DictWriter(out, list(rows[0]), extrasaction="ignore", lineterminator="\r\n")
        writer.writeheader()
        writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return out.getvalue().encode("utf-8", "replace")


def _cell(value: Any) -> Any:
    if isinstance(value, list | tuple):
        value = "; ".join(map(str, value))
    return f"'{value}" if isinstance(value, str) and value[:1] in "=+-@\t\r" and value[:1] else value


def _triples(context: Context, nodes: list[str]) -> Reply:
    from mlaoi_graph.iri import is_iri
    from mlaoi_graph.results import Graph

    chosen = " ".join(f"<{iri}>" for iri in dict.fromkeys(nodes) if is_iri(iri)) if nodes else ""
    chosen = " ".join(chosen.split(" ")[:_TRIPLES_OF])
    found = context.catalog.query(f"CONSTRUCT {{ ?s ?p ?o }} WHERE {{ VALUES ?s {{ {chosen} }} ?s ?p ?o }}")
    assert isinstance(found, Graph)
    return tasks.graph(context, found, "text/turtle")
