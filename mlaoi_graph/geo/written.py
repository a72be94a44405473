"""Write geometries as GeoJSON: outer rings counter-clockwise, holes clockwise (RFC 7946, 3.1.6)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import shapely
from shapely.geometry.base import BaseGeometry

__all__ = ["geojson_of", "geojson_text", "geojson_texts"]


def geojson_of(shape: BaseGeometry) -> dict[str, Any]:
    """Return a geometry as plain values.

    >>> geojson_of(shapely.from_wkt("POLYGON ((0 0, 0 1, 1 1, 0 0))"))
    {'type': 'Polygon', 'coordinates': [[[0.0, 0.0], [1.0, 1.0], [0.0, 1.0], [0.0, 0.0]]]}
    """
    found: dict[str, Any] = orjson.loads(geojson_text(shape))
    return found


def geojson_text(shape: BaseGeometry) -> str:
    """Return a geometry as text."""
    text: str = shapely.to_geojson(shapely.orient_polygons(shape))
    return text


def geojson_texts(shapes: npt.ArrayLike) -> list[str]:
    """Return geometries as texts."""
    texts: list[str] = shapely.to_geojson(shapely.orient_polygons(np.asarray(shapes, dtype=object))).tolist()
    return texts
