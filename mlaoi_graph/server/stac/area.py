"""The area a client of the STAC API asks about, as a box or GeoJSON: read as everywhere else, with what was mended."""

from __future__ import annotations

import math
from typing import Any, Final

import shapely
from shapely.geometry.base import BaseGeometry

from mlaoi_graph import geo

__all__ = ["Read", "box", "geometry"]

Read = tuple[BaseGeometry, tuple[str, ...]]
"""A shape, and what was mended."""
_WORLD: Final = shapely.box(-180, -90, 180, 90)
_RANGE: Final = "longitudes are within 180 and latitudes within 90 degrees; longitude comes first"
_ELSEWHERE: Final = frozenset({"longitude-wrapped", "swapped-axes", "out-of-range"})
"""Rules of :mod:`mlaoi_graph.geo` for what is not in the range that OGC API Features has for a bbox."""


def box(value: Any) -> Read:
    """Return a box of 4 numbers, or of 6 with heights; west beyond east is across the antimeridian.

    Raises ValueError with the reason.
    """
    if not isinstance(value, list) or len(value) not in (4, 6):
        raise ValueError("4 numbers: west, south, east, north; or 6, with heights after south and north")
    try:
        if any(isinstance(number, bool | None) for number in value):
            raise ValueError
        numbers = [float(number) for number in value]
    except (ValueError, TypeError, OverflowError):
        raise ValueError("not all of it are numbers") from None
    if not all(map(math.isfinite, numbers)):
        raise ValueError("not all of it are finite numbers")
    west, south, east, north = numbers if len(numbers) == 4 else (numbers[0], numbers[1], numbers[3], numbers[4])
    if max(abs(west), abs(east)) > 180 or max(abs(south), abs(north)) > 90:
        raise ValueError(_RANGE)
    if south > north or (len(numbers) == 6 and numbers[2] > numbers[5]):
        raise ValueError("south is above north, or the lowest above the highest. Give the smaller first")
    return _read(geo.from_bbox([west, south, east, north]))


def geometry(value: Any) -> Read:
    """Return a GeoJSON geometry; rings that are open or cross are mended. Raises ValueError with the reason.

    >>> geometry({"type": "Polygon", "coordinates": [[[0, 0], [2, 2], [2, 0], [0, 2], [0, 0]]]})[1]
    ('self-crossing: rings cross themselves or each other; repaired',)
    """
    if not isinstance(value, dict) or value.get("type") in ("Feature", "FeatureCollection"):
        raise ValueError('a GeoJSON geometry, as {"type": "Point", "coordinates": [7, 46]}')
    return _read(geo.from_geojson(value))


def _read(found: geo.Footprint) -> Read:
    if any(problem.rule in _ELSEWHERE for problem in found.problems):
        raise ValueError(_RANGE)
    if found.unbounded:
        return _WORLD, ()
    said = tuple(f"{problem.rule}: {problem.message}" for problem in found.problems)
    if found.wkt is None:
        raise ValueError("; ".join(said) or "empty")
    return shapely.from_wkt(found.wkt), said
