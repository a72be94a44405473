"""What workers do for the JSON API about places: who used data where, and what leaks."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from mlaoi_graph import countries
from mlaoi_graph.catalog import Catalog
from mlaoi_graph.queries import Rows
from mlaoi_graph.queries.aoi import Aoi, area_of
from mlaoi_graph.queries.areas import AreaHits
from mlaoi_graph.queries.leakage import Leakage
from mlaoi_graph.queries.results import plain
from mlaoi_graph.server.api.tasks import Part, answer_json, paged
from mlaoi_graph.server.reply import Refusal, Reply
from mlaoi_graph.server.worker import Context

__all__ = ["areas", "asked_area", "leakage"]

_WKT: Final = re.compile(r"\s*(<[^>]*>\s*)?[A-Za-z]+\s*Z?M?\s*(\(|EMPTY)")


def areas(
    context: Context,
    *,
    area: str,
    stage: str,
    during: str | None,
    task: str | None,
    family: str | None,
    which: str,
    part: Part,
) -> Reply:
    """Return a page of who used data in an area: the rows, or those that are ``unknown``, or said of families only."""
    catalog = context.catalog
    aoi = asked_area(catalog, area)
    try:
        hits: Any = catalog.models(during=during, task=task, family=family, **{f"{stage.replace('-', '_')}_in": aoi})
    except (TypeError, ValueError) as error:
        raise Refusal(400, "parameters", str(error)) from None
    assert isinstance(hits, AreaHits)
    found = {"rows": hits, "unknown": hits.unknown, "family_level": hits.family_level}[which]
    return answer_json(
        {
            **_page(catalog, found, part),
            "title": hits.title,
            "notes": list(hits.notes),
            "area_km2": aoi.km2,
            "unknown_total": len(hits.unknown),
            "family_level_total": len(hits.family_level),
        }
    )


def leakage(
    context: Context,
    *,
    node: str | None,
    against: str | None,
    buffer_km: float,
    window_days: float,
    sensors: list[str],
    which: str,
    part: Part,
) -> Reply:
    """Return a page of what leaks: the rows, what could not be told (``unchecked``), or the verdict on each test."""
    catalog = context.catalog
    if node is None and against is not None:
        raise Refusal(400, "parameters", "against what? Name the model or dataset that is to be compared, as node")
    # The catalog keeps what it made for each buffer and window, and a client may think of very many.
    if buffer_km or window_days or sensors:
        made = Leakage(catalog, buffer_km=buffer_km, window_days=window_days, sensors=sensors)
        report = made.report(node, against=against)
    else:
        report = catalog.leakage(node, against=against)
    found = {"rows": report, "unchecked": report.unchecked, "tests": report.tests}[which]
    more = {"title": report.title, "notes": list(report.notes), "totals": report.totals()}
    return answer_json({**_page(catalog, found, part), **more})


def _page(catalog: Catalog, rows: Rows[Any], part: Part) -> dict[str, Any]:
    columns = rows.columns
    return paged(catalog, rows, part, lambda row: {column: plain(getattr(row, column)) for column in columns})


def asked_area(catalog: Catalog, text: str) -> Aoi:
    """Return the area a client means: never a file of this machine, which Python and the command line may name."""
    if text.lstrip().startswith("{"):
        try:
            return area_of(json.loads(text))
        except (ValueError, RecursionError) as error:
            raise Refusal(400, "area", f"the area is no GeoJSON: {error}") from None
    if _WKT.match(text):
        return area_of(text)
    try:
        return area_of([float(number) for number in text.split(",")])
    except ValueError:
        pass
    if countries.meant(text):
        return area_of(text)
    return area_of(catalog.find(text), footprints=catalog.footprints, find=catalog.find)
