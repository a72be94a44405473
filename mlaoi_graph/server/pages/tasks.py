"""What workers do for pages: ask the catalog, and write the answer as HTML, JSON, CSV or Turtle."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from mlaoi_graph.errors import GeometryError, MlaoiError, NodeNotFound
from mlaoi_graph.findings import label_of
from mlaoi_graph.queries import NotOfKind
from mlaoi_graph.server import tasks
from mlaoi_graph.server.pages.render import CSP, EDITOR_CSP, html
from mlaoi_graph.server.reply import Refusal, Reply
from mlaoi_graph.server.worker import Context, told

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
    columns: Sequence[str] = ()
    """Its columns, for where it has no row."""
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
        return failed(error, root, context, view, given)
    if form == "json":
        return Reply(200, "application/json", orjson.dumps({"title": page.title, **page.values}))
    if (form == "csv" and not page.columns) or (form == "geojson" and page.features is None):
        raise Refusal(404, "no-table", "this page has no table until something is asked of it, or none at all")
    if form == "csv":
        return Reply(200, "text/csv; charset=utf-8", table(page.rows, page.columns))
    if form == "geojson":
        assert page.features is not None
        return Reply(200, "application/geo+json", orjson.dumps(page.features()))
    if form == "ttl":
        return _triples(context, page.nodes)
    shared = {"title": page.title, "base": context.catalog.base, "given": given}
    made = page_of(html(page.template, {**shared, **page.values}, root=root))
    if page.template == "query.html":
        made.headers["Content-Security-Policy"] = EDITOR_CSP
    return made


def page_of(body: bytes, status: int = 200, error: str = "") -> Reply:
    """Return HTML as a reply nothing of which runs that is not ours."""
    return Reply(status, "text/html; charset=utf-8", body, headers={"Content-Security-Policy": CSP}, error=error)


_AREAS: Final = (
    "An area is a country as Bolivia or BOL, west,south,east,north, WKT, GeoJSON, or a dataset or area of the catalog"
)


def failed(
    error: MlaoiError | Refusal,
    root: str,
    context: Context | None = None,
    view: View | None = None,
    given: dict[str, str] | None = None,
    near: Sequence[str] = (),
) -> Reply:
    """Return a page that says what is wrong, and what would be right; that of a view has its form, as it was filled."""
    reply = told(error)
    status = 404 if isinstance(error, NodeNotFound) else reply.status
    if isinstance(error, NodeNotFound):
        near = error.candidates
    if isinstance(error, NotOfKind):
        near = [error.iri]
    given = given or {}
    name = error.name if isinstance(error, NodeNotFound) else None
    field = next((key for key, value in given.items() if name is not None and value.strip() == name), None)
    values = {
        "title": "Not found" if status == 404 else "That cannot be answered",
        "reason": _sentence(_reason(error, field == "aoi")),
        "near": [{"iri": iri, "label": _label(context, iri), "field": field} for iri in near],
    }
    shared = {"given": given, "base": context.catalog.base if context else "", "failure": values}
    if context is None or view is None or not given:
        return page_of(html("failed.html", {**values, **shared}, root=root, status=status), status, reply.error)
    empty = view(context, {})
    kept = {key: given[key] for key in given if key in empty.values} | {
        f"{key}_given": given[key] for key in given if f"{key}_given" in empty.values
    }
    made = html(empty.template, {**empty.values, **kept, **shared, "title": values["title"]}, root=root, status=status)
    return page_of(made, status, reply.error)


def _reason(error: Exception, is_area: bool) -> str:
    """Return what is wrong in words of a page, which has a form and neither files nor a command line."""
    if isinstance(error, NodeNotFound):
        what = "More than one thing goes by" if error.ambiguous else "Nothing in this catalog goes by"
        return f"{what} {error.name!r}." + (f" {_AREAS}." if is_area else "")
    if isinstance(error, GeometryError):
        return f"{error.reason}. {_AREAS}."
    return str(error)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}" + ("" if text.endswith((".", "!", "?")) else ".")


def _label(context: Context | None, iri: str) -> str:
    return label_of(context.catalog, iri) if context else iri


def table(rows: list[dict[str, Any]], columns: Sequence[str] = ()) -> bytes:
    """Return rows as CSV, with a header also where there is none.

    A text a spreadsheet would run as a formula is quoted with an apostrophe.
    """
    out = io.StringIO()
    columns = list(rows[0]) if rows else columns
    writer = csv.DictWriter(out, columns, extrasaction="ignore", lineterminator="\r\n")
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
