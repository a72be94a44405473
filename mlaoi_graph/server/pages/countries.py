"""The base map: outlines of countries as GeoJSON."""

from __future__ import annotations

from functools import cache

import orjson
import shapely

from mlaoi_graph import countries

__all__ = ["geojson"]


@cache
def geojson() -> bytes:
    """Return every outline there is, OGC:CRS84."""
    features = [
        {
            "type": "Feature",
            "id": code,
            "properties": {},
            "geometry": orjson.loads(shapely.to_geojson(shapely.from_wkt(countries.outline([code])))),
        }
        for code in sorted(countries.codes())
    ]
    return orjson.dumps({"type": "FeatureCollection", "features": features})
