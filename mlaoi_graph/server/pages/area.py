"""The page of an area that is drawn or given: which models learned, or were measured, there."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

import orjson
import shapely

from mlaoi_graph import countries
from mlaoi_graph.footprints import During
from mlaoi_graph.geo.written import geojson_text
from mlaoi_graph.model import Stage
from mlaoi_graph.queries.aoi import Aoi
from mlaoi_graph.queries.areas import STAGES_OF, AreaHits
from mlaoi_graph.queries.coverage import Gap, gap
from mlaoi_graph.rdf import STAGE_PROPERTY
from mlaoi_graph.server.api.place_tasks import asked_area
from mlaoi_graph.server.pages.places import feature
from mlaoi_graph.server.pages.tasks import Page
from mlaoi_graph.server.pages.views import part_of
from mlaoi_graph.server.reply import Refusal
from mlaoi_graph.server.worker import Context

__all__ = ["area"]

_SHOWN: Final = 300
"""Rows of what came through others; of stages the template shows as many."""
_MOST: Final = 20_000
_FIGURES: Final = re.compile(
    r"\s*[-+.\d<{]|\s*(?:multi)?(?:polygon|point|linestring)\b|\s*geometrycollection\b", re.IGNORECASE
)
"""Areas that are given by their coordinates, and not by a name."""
EDGES: Final = {stage.value: iri.rpartition("#")[2] for stage, iri in STAGE_PROPERTY.items()}


def area(context: Context, given: dict[str, str]) -> Page:
    """Which models learned, or were measured, in an area."""
    text = given.get("aoi", "").strip()
    first, last = given.get("from", "").strip(), given.get("until", "").strip()
    values: dict[str, Any] = {"aoi": text, "from": first, "until": last, "stages": None, "km2": None}
    values |= {"has": given.get("has", ""), "lacks": given.get("lacks", ""), "family": given.get("family", "").strip()}
    values |= {"words": list(STAGES_OF), "gap": None}
    if not text:
        return Page("Models in an area", "area.html", values, features=lambda: _collection(None, []))
    catalog = context.catalog
    asked = asked_area(catalog, text)
    during = (first or None, last or None) if first or last else None
    try:
        hits = catalog.places.uses(tuple(Stage), asked, during=during)
        learned = catalog.places.exposed(asked, during=during)
        missing = _gap(context, asked, values, during)
    except ValueError as error:
        raise Refusal(400, "time", str(error)) from None
    if len(hits) > _MOST:
        reason = f"there are {len(hits)} uses in that area, and {_MOST} is the most a page has. Ask of a smaller one"
        raise Refusal(413, "rows", reason)
    label = catalog.lineage.label
    rows = [
        {**row, "edge": EDGES[row["stage"]]}
        | {"footprint_of_label": label(row["footprint_of"]) if row["how"] in ("part", "inherited") else None}
        for row in hits.to_dicts()
    ]
    # What is inherited lies somewhere in a whole that reaches there: it may be there, and nobody says that it is.
    sure = [row for row in rows if row["how"] != "inherited"]
    stages = []
    for stage in Stage:
        own = [row for row in rows if row["stage"] == stage.value]
        if own:
            models = {row["model"] for row in own if row["how"] != "inherited"}
            stages.append(
                {
                    "stage": stage.value,
                    "edge": EDGES[stage.value],
                    "models": len(models),
                    "may": len({row["model"] for row in own} - models),
                    "total": len(own),
                    "rows": own,
                }
            )
    taught = {row["model"] for row in sure if Stage(row["stage"]).teaches}
    measured = {row["model"] for row in sure if not Stage(row["stage"]).teaches}
    through = [row for row in learned if row.depth > 1]
    values |= {
        "label": _called(asked),
        "gap": missing and _told(catalog.lineage.label, missing),
        "km2": asked.km2,
        "notes": list(hits.notes),
        "stages": stages,
        "models": {
            "learned": len(taught),
            "measured": len(measured),
            "never_measured": len(taught - {row["model"] for row in rows if not Stage(row["stage"]).teaches}),
            "may": len({row["model"] for row in rows} - taught - measured),
        },
        "matrix": _matrix(rows),
        "unknown": part_of(hits.unknown, 100),
        "family_level": len(hits.family_level),
        "through": {
            "total": len(through),
            "rows": [
                {
                    n: getattr(row, n)
                    for n in ("model", "label", "dataset", "dataset_label", "holds", "through", "depth", "precision")
                }
                for row in through[:_SHOWN]
            ],
        },
    }
    nodes = list(dict.fromkeys(row["model"] for row in rows))
    title = f"Models in {_called(asked)}"
    return Page(
        title,
        "area.html",
        values,
        nodes,
        rows,
        (*hits.columns, "edge", "footprint_of_label"),
        lambda: _drawn(asked, hits, missing),
    )


def _gap(context: Context, asked: Aoi, values: dict[str, Any], during: During | None) -> Gap | None:
    """Return what is covered in one stage and not in another, if that is asked: it takes longer than all the rest."""
    if not values["has"]:
        return None
    words = {"has": values["has"], "lacks": values["lacks"] or "tested"}
    for field, word in words.items():
        if word not in STAGES_OF:
            raise Refusal(400, "parameters", f"{field} is one of {', '.join(STAGES_OF)}, not {word!r:.40}")
    places = context.catalog.places
    return gap(places, asked, **words, during=during, family=values["family"] or None)


def _told(label: Callable[[str], str], found: Gap) -> dict[str, Any]:
    """Return a gap as plain values; shares are of the area."""
    ground = found.has.aoi.km2
    models = [{"node": iri, "label": label(iri)} for iri in found.models]
    return {
        "title": found.title,
        "has_km2": found.has.covered_km2,
        "lacks_km2": found.lacks.covered_km2,
        "km2": found.km2,
        "share": found.km2 / ground,
        "models": sorted(models, key=lambda one: one["label"].casefold()),
        "unknown": len(found.lacks.unknown),
        "notes": list(found.lacks.notes),
    }


def _called(asked: Aoi) -> str:
    """Return how a title calls an area; one of figures has no name but where it is."""
    codes = asked.label.split(", ")
    if countries.codes().issuperset(codes):
        return ", ".join(map(countries.name, codes))
    if asked.label != "GeoJSON" and not _FIGURES.match(asked.label):
        return asked.label
    west, south, east, north = asked.geometry.bounds
    if west == -180 and east == 180:  # cut at the antimeridian, and narrower when looked at from the other side
        parts = shapely.bounds(shapely.get_parts(asked.geometry))
        turned = parts + 360 * (parts[:, 2:3] <= 0) * [1, 0, 1, 0]
        if turned[:, 2].max() - turned[:, 0].min() < 360:
            west, east = float(turned[:, 0].min()), float(turned[:, 2].max() - 360)
    return f"{_span(south, north, 'SN')}, {_span(west, east, 'WE')}"


def _span(first: float, last: float, sides: str) -> str:
    """Return a range of degrees as people say it.

    >>> _span(11, 32.987, "SN"), _span(-5, 16.5, "WE"), _span(-7, -3, "SN")
    ('11–32.99° N', '5° W–16.5° E', '7–3° S')
    """
    said = [f"{abs(value):.2f}".rstrip("0").rstrip(".") for value in (first, last)]
    side = [sides[value > 0 or (value == 0 and first + last > 0)] for value in (first, last)]
    if side[0] == side[1]:
        return f"{said[0]}–{said[1]}° {side[0]}"
    return f"{said[0]}° {side[0]}–{said[1]}° {side[1]}"


def _matrix(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return for each model how many datasets it used there in each stage, and how many more may lie there."""
    cells: dict[tuple[str, str], dict[str, dict[str, set[str]]]] = {}
    for row in rows:
        cell = cells.setdefault((row["label"], row["model"]), {}).setdefault(row["stage"], {"did": set(), "may": set()})
        cell["may" if row["how"] == "inherited" else "did"].add(row["dataset"])
    return [
        {
            "model": model,
            "label": label,
            "stages": {
                stage: {"did": len(cell["did"]), "may": len(cell["may"] - cell["did"])}
                for stage, cell in by_stage.items()
            },
        }
        for (label, model), by_stage in sorted(cells.items(), key=lambda item: (item[0][0].casefold(), item[0][1]))
    ]


def _drawn(asked: Aoi, hits: AreaHits, missing: Gap | None) -> dict[str, Any]:
    once: dict[tuple[str, str, str], dict[str, Any]] = {}
    for row, shape in zip(hits, hits.geometries(), strict=True):
        look = "inherited" if row.how == "inherited" else row.precision
        once.setdefault(
            (row.dataset, row.stage, look),
            feature(shape, dataset=row.dataset, label=row.dataset_label, edge=EDGES[row.stage], look=look),
        )
    features = list(once.values())
    if missing is not None and missing.km2:
        features.append(feature(missing.geometry, dataset=None, label=missing.title, edge="gap", look=None))
    return _collection(asked, features)


def _collection(asked: Aoi | None, features: list[dict[str, Any]]) -> dict[str, Any]:
    shape = None if asked is None else orjson.Fragment(geojson_text(asked.geometry))
    return {"type": "FeatureCollection", "features": features, "aoi": shape}
