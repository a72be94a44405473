"""Areas on the WGS 84 ellipsoid, in km2, of shapes whose edges are straight in longitude and latitude."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import shapely
from shapely.errors import GEOSException
from shapely.geometry.base import BaseGeometry

from mlaoi_graph.errors import GeometryError
from mlaoi_graph.geo.shapes import Floats, Shapes, flat

__all__ = ["TOUCH_KM2", "area_km2", "areas_km2", "boxes_km2", "overlap_km2"]

_DEEPEST_WKT = 100
"""Collections in one WKT; GEOS's parser overflows the stack of the process at 10^5 nested ones."""
_A = 6378137.0
_E2 = (2 - 1 / 298.257223563) / 298.257223563
_E = math.sqrt(_E2)
"""WGS 84: semi-major axis in metres, eccentricity and its square."""
_GAUSS = np.polynomial.legendre.leggauss(8)
TOUCH_KM2 = 1e-6
"""A shared area below 1 m2 is rounding along a shared edge, if it is no larger part of what shares it."""
_ROUNDING: Final = 0.01
"""Of the smaller of two areas."""


def area_km2(geometry: str | BaseGeometry) -> float:
    """Return the area of a CRS84 geometry (WKT or shapely) on the WGS 84 ellipsoid, in km2.

    Exact for edges that are straight in longitude and latitude, as everywhere here. A geodesic polygon
    with the same corners (pyproj's Geod) is another region: larger by 2.5e-5 for this cell,
    and empty for a box round the world. Points and lines have 0. Winding does not matter.

    Raises GeometryError for text that is no WKT.

    >>> round(area_km2("POLYGON ((0 0, 1 0, 1 1, 0 1, 0 0))"), 3)
    12308.464
    >>> round(area_km2("POLYGON ((-180 -90, 180 -90, 180 90, -180 90, -180 -90))"), 3)
    510065621.724
    """
    return float(areas_km2([_shape(geometry)])[0])


def areas_km2(geometries: Sequence[BaseGeometry] | Shapes) -> Floats:
    """Return what :func:`area_km2` does, for many valid shapely geometries at once."""
    parts, owner = flat(geometries)
    rings, polygon = shapely.get_rings(parts, return_index=True)
    lonlat, ring = shapely.get_coordinates(rings, return_index=True)
    if not len(lonlat):
        return np.zeros(len(geometries))
    same = ring[1:] == ring[:-1]
    east = np.radians(np.diff(lonlat[:, 0])[same])
    south_end, north_end = lonlat[:-1, 1][same], lonlat[1:, 1][same]
    strips = east * _mean_authalic(south_end, north_end)
    by_ring = np.abs(np.bincount(ring[1:][same], weights=strips, minlength=len(rings)))
    # The first ring of a polygon is its outside, the others are holes.
    by_ring[1:][polygon[1:] == polygon[:-1]] *= -1
    return np.bincount(owner[polygon], weights=by_ring, minlength=len(geometries)) / 1e6


def boxes_km2(boxes: Floats) -> Floats:
    """Return the areas of boxes, given as rows of west, south, east, north; 0 where east is not beyond west.

    >>> boxes_km2(np.array([[0.0, 0, 1, 1], [2, 0, 1, 1]])).round(3).tolist()
    [12308.464, 0.0]
    """
    w, s, e, n = boxes.T
    km2 = np.radians(e - w) * (_mean_authalic(n, n) - _mean_authalic(s, s)) / 1e6
    return np.where((e > w) & (n > s), km2, 0.0)


def overlap_km2(a: str | BaseGeometry, b: str | BaseGeometry) -> float:
    """Return the ground area two valid CRS84 geometries (WKT or shapely) share, in km2.

    WGS 84, as :func:`area_km2`. Shared edges count 0, and so does less than :func:`least_km2`, which is rounding.
    Raises GeometryError for text that is no WKT and for geometries that are not valid.

    >>> alps = "POLYGON ((7 46, 8 46, 8 47, 7 47, 7 46))"
    >>> overlap_km2(alps, "POLYGON ((8 46, 9 46, 9 47, 8 47, 8 46))")
    0.0
    """
    left, right = _shape(a), _shape(b)
    try:
        shared = area_km2(shapely.intersection(left, right))
    except GEOSException as error:
        raise GeometryError(f"overlap cannot be computed: {error}", "Repair with shapely.make_valid") from None
    return shared if shared >= least_km2(area_km2(left), area_km2(right)) else 0.0


def least_km2(a: float | Floats, b: float | Floats) -> Any:
    """Return what areas have to share, in km2, to share more than an edge: 1 m2, or a hundredth of the smaller.

    >>> float(least_km2(2.0, 5.0)), round(float(least_km2(2e-5, 5.0)), 9)
    (1e-06, 2e-07)
    """
    return np.minimum(TOUCH_KM2, np.minimum(a, b) * _ROUNDING)


def _shape(geometry: str | BaseGeometry) -> BaseGeometry:
    if isinstance(geometry, BaseGeometry):
        return geometry
    if geometry.upper().count("COLLECTION") > _DEEPEST_WKT:
        raise GeometryError("WKT with too many collections", "Write one multi-part geometry")
    try:
        return shapely.from_wkt(geometry)
    except GEOSException as error:
        raise GeometryError(f"no WKT: {error}", "Write it as POINT (7 46): longitude before latitude") from None


def _mean_authalic(south: Floats, north: Floats) -> Floats:
    """Return the mean, along straight edges, of the area between equator and edge, in m2 a radian.

    Latitudes in degrees. Snyder, Map Projections: A Working Manual (1987), equation 3-12.
    """
    mean = np.zeros(len(south))
    for node, weight in zip(*_GAUSS, strict=True):
        sine = np.sin(np.radians((south + north) / 2 + node * (north - south) / 2))
        part = sine / (1 - _E2 * sine**2) + np.arctanh(_E * sine) / _E
        mean += weight / 2 * (1 - _E2) * part
    return mean * _A**2 / 2
