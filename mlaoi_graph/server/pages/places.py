"""Footprints for maps: where datasets are, as GeoJSON, and why some are not on a map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import orjson

from mlaoi_graph.catalog import Catalog
from mlaoi_graph.geo.mapped import Array
from mlaoi_graph.geo.written import geojson_text, geojson_texts
from mlaoi_graph.server.api.tasks import answer_json
from mlaoi_graph.server.reply import Reply
from mlaoi_graph.server.worker import Context
from mlaoi_graph.uses import How, Unplaced

__all__ = ["feature", "features_of", "footprints"]

_MOST: Final = 10_000
"""Areas in one answer; how many more there are is said."""


def footprints(context: Context, *, datasets: Sequence[str], area: str | None) -> Reply:
    """Return where datasets are, or one area, as GeoJSON features, with what is said of each dataset."""
    catalog = context.catalog
    if area is not None:
        rows = catalog.footprints.rows_of_area(area)
        features = _features(catalog, area, rows, "own", "footprint")
        return answer_json({"type": "FeatureCollection", "features": features, "datasets": {}})
    found, about = features_of(catalog, [catalog.find(name) for name in datasets])
    return answer_json({"type": "FeatureCollection", "features": found, "datasets": about})


def features_of(
    catalog: Catalog, datasets: Sequence[str], edge: str = "footprint"
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return the footprints of datasets: their own, their parts', or for want of them that of a whole they are in."""
    places, used = catalog.footprints, catalog.footprints.used
    features: list[dict[str, Any]] = []
    about: dict[str, Any] = {}
    for iri in datasets:
        target = used.target(iri)
        if target is None:
            about[iri] = {"areas": 0, "left": 0, "reason": Unplaced.NO_FOOTPRINT.reason}
            continue
        one = np.array([target])
        _, sources, hows = used.sources_of_targets(one)
        total = shown = 0
        for source, how in zip(sources.tolist(), hows.tolist(), strict=True):
            _, rows = used.rows_of(np.array([source]))
            rows = np.unique(rows[places.has_geometry(rows)])
            total += len(rows)
            rows = rows[: max(0, _MOST - len(features))]
            shown += len(rows)
            features += _features(catalog, iri, rows, How(how).name.lower(), edge)
        reason = Unplaced(int(used.unplaced(one)[0])).reason
        about[iri] = {"areas": total, "left": total - shown, "reason": reason}
    return features, about


def _features(catalog: Catalog, dataset: str, rows: Array, how: str, edge: str) -> list[dict[str, Any]]:
    places = catalog.footprints
    shapes = geojson_texts(places.geometries(rows))
    precisions = places.precisions(rows)
    named = places.areas_named(rows)
    return [
        _feature(
            shape,
            dataset=dataset,
            edge=edge,
            look="inherited" if how == "inherited" else precision.value if precision else "declared-box",
            area=area,
            start=start,
            end=end,
        )
        for shape, precision, (area, start, end) in zip(shapes, precisions, named, strict=True)
    ]


def feature(shape: Any, **properties: Any) -> dict[str, Any]:
    """Return a geometry as a GeoJSON feature."""
    return _feature(geojson_text(shape), **properties)


def _feature(shape: str, **properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "properties": properties, "geometry": orjson.Fragment(shape)}
