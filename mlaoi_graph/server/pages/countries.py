"""The base map: outlines of countries as GeoJSON."""

from __future__ import annotations

from functools import cache

import orjson
import shapely

from mlaoi_graph import countries
from mlaoi_graph.geo.written import geojson_texts

__all__ = ["geojson"]


@cache
def geojson() -> bytes:
    """Return every outline there is, OGC:CRS84."""
    outlines = countries.outlines()
    shapes = geojson_texts(shapely.from_wkt(list(outlines.values())))
    features = [
        {"type": "Feature", "id": code, "properties": None, "geometry": orjson.Fragment(shape)}
        for code, shape in zip(outlines, shapes, strict=True)
    ]
    return orjson.dumps({"type": "FeatureCollection", "features": features})
