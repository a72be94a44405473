"""Lengths, distances and buffers on the WGS 84 ellipsoid, of shapes with edges straight in longitude and latitude."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import shapely
from shapely.affinity import translate
from shapely.geometry.base import BaseGeometry

from mlaoi_graph.errors import GeometryError, MissingExtra
from mlaoi_graph.geo.shapes import Floats, flat

if TYPE_CHECKING:
    import pyproj

__all__ = ["buffered", "distance_m", "length_m"]

_A: Final = 6378137.0
_E2: Final = (2 - 1 / 298.257223563) / 298.257223563
"""WGS 84: semi-major axis in metres, square of the eccentricity."""
_STEP: Final = 0.1
"""Degrees. A piece of an edge is straight in a map around it to 3 m at 60 degrees north."""
_TILE: Final = 4.0
"""Degrees. What is buffered in one map."""
_CLOSE_M: Final = 0.1
"""Metres nearer that are worth another look."""


def length_m(shape: BaseGeometry) -> float:
    """Return the length of lines, and of the rings of polygons, in metres; 0 for points.

    >>> import shapely
    >>> round(length_m(shapely.LineString([(0, 0), (1, 0)])), 1)
    111319.5
    """
    parts, _ = flat([shape])
    kind = shapely.get_type_id(parts)
    rings = shapely.get_rings(parts[kind == shapely.GeometryType.POLYGON])
    lines = np.concatenate((parts[shapely.get_dimensions(parts) == 1], rings))
    lonlat, line = shapely.get_coordinates(lines, return_index=True)
    same = line[1:] == line[:-1]
    east, north = np.radians(np.diff(lonlat, axis=0)[same]).T
    south_end = np.radians(lonlat[:-1, 1][same])
    metres = np.zeros(len(east))
    for node, weight in zip(*np.polynomial.legendre.leggauss(8), strict=True):
        sine = np.sin(south_end + (node + 1) / 2 * north)
        root = np.sqrt(1 - _E2 * sine**2)
        meridian, parallel = _A * (1 - _E2) / root**3, _A / root * np.sqrt(1 - sine**2)
        metres += weight / 2 * np.hypot(meridian * north, parallel * east)
    return float(metres.sum())


def distance_m(a: BaseGeometry, b: BaseGeometry) -> float | None:
    """Return the shortest way over ground between two shapes, in metres; None if one is empty.

    Exact (geodesic) between points. Otherwise the nearest pair of places is looked for in a map around the middle of
    the pair found before, until it gets no nearer: right to some metres. Raises MissingExtra without pyproj.
    """
    if shapely.is_empty(a) or shapely.is_empty(b):
        return None
    if shapely.intersects(a, b):
        return 0.0
    geod = _pyproj("geof:distance").Geod(ellps="WGS84")
    a, b = shapely.segmentize(a, _STEP), shapely.segmentize(b, _STEP)
    # Each nearest to the other in a map of the whole globe, so that it does not matter where longitudes begin.
    here = shapely.get_coordinates(shapely.shortest_line(a, b))[0]
    there = _on(b, _nearest(b, shapely.Point(here), here)[0])
    here = _on(a, _nearest(a, shapely.Point(there), there)[0])
    metres = float(geod.inv(*here, *there)[2])
    while True:
        middle = np.array(geod.npts(*here, *there, 1)[0])
        here, there = _nearest(a, b, middle)
        here, there = _on(a, here), _on(b, there)
        nearer = float(geod.inv(*here, *there)[2])
        if nearer > metres - _CLOSE_M:
            return min(metres, nearer)
        metres = nearer


def _nearest(a: BaseGeometry, b: BaseGeometry, middle: Floats) -> Floats:
    """Return the positions at which two shapes are nearest to each other in a map around a position."""
    around = _map_around(*middle)
    xy = shapely.get_coordinates(shapely.shortest_line(_mapped(a, around), _mapped(b, around)))
    return np.column_stack(around(xy[:, 0], xy[:, 1], inverse=True))


def _on(shape: BaseGeometry, lonlat: Floats) -> Floats:
    """Return the place of a shape at a position: far from the middle of a map, edges are not straight in it."""
    turns = shapely.MultiPoint([(lonlat[0] + turn, lonlat[1]) for turn in (-360, 0, 360)])
    place: Floats = shapely.get_coordinates(shapely.shortest_line(shape, turns))[0]
    return place


def buffered(shape: BaseGeometry, metres: float) -> BaseGeometry:
    """Return what lies within so many metres of a shape, cut at the antimeridian.

    True to 1 % of the distance up to 1,000 km. Raises GeometryError for a distance that is negative or no number, or
    reaches a pole; MissingExtra without pyproj.
    """
    if not 0 <= metres < math.inf:
        raise GeometryError(f"a buffer of {metres} m", "Give a distance of 0 or more, in metres")
    if metres == 0 or shapely.is_empty(shape):
        return shape
    return _within_180(shapely.union_all([_buffered_tile(tile, metres) for tile in _tiles(shape)]))


def _tiles(shape: BaseGeometry) -> list[BaseGeometry]:
    # A buffer of a whole is the union of those of its parts, and a map of a small part is true to scale.
    parts, _ = flat([shape])
    tiles: list[BaseGeometry] = []
    for part in parts:
        w, s, e, n = part.bounds
        if max(e - w, n - s) <= _TILE:
            tiles.append(part)
            continue
        for x in np.arange(w, e, _TILE):
            column = shapely.clip_by_rect(part, x, s, x + _TILE, n)
            tiles.extend(shapely.clip_by_rect(column, x, y, x + _TILE, y + _TILE) for y in np.arange(s, n, _TILE))
    return [tile for tile in tiles if not shapely.is_empty(tile)]


def _buffered_tile(tile: BaseGeometry, metres: float) -> BaseGeometry:
    w, s, e, n = tile.bounds
    lon, lat = (w + e) / 2, (s + n) / 2
    around = _map_around(lon, lat)
    grown = shapely.buffer(_mapped(shapely.segmentize(tile, _STEP), around), metres, quad_segs=32)
    poles = [shapely.Point(around(lon, pole)) for pole in (-90, 90)]
    if shapely.intersects(grown, poles).any():
        raise GeometryError(f"a buffer of {metres:g} m reaches a pole", "Choose a smaller distance")

    def unmap(xy: Floats) -> Floats:
        there, north = around(xy[:, 0], xy[:, 1], inverse=True)
        # Longitudes run on beyond +-180, so that no ring jumps.
        return np.column_stack((lon + (there - lon + 180) % 360 - 180, north))

    return shapely.make_valid(shapely.transform(grown, unmap))


def _within_180(shape: BaseGeometry) -> BaseGeometry:
    w, _, e, _ = shape.bounds
    if w >= -180 and e <= 180:
        return shape
    turns = range(math.floor((w + 180) / 360), math.floor((e + 180) / 360) + 1)
    pieces = [shapely.intersection(shape, shapely.box(360 * t - 180, -90, 360 * t + 180, 90)) for t in turns]
    return shapely.union_all([translate(piece, -360 * turn) for piece, turn in zip(pieces, turns, strict=True)])


def _map_around(lon: float, lat: float) -> pyproj.Proj:
    """Return a map in which the way from a position to any other is true in length and direction."""
    around: pyproj.Proj = _pyproj("a distance in metres").Proj(proj="aeqd", lon_0=lon, lat_0=lat, ellps="WGS84")
    return around


def _mapped(shape: BaseGeometry, around: pyproj.Proj) -> BaseGeometry:
    return shapely.transform(shape, lambda xy: np.column_stack(around(xy[:, 0], xy[:, 1])))


def _pyproj(needed_for: str) -> Any:
    try:
        import pyproj
    except ImportError:
        raise MissingExtra("crs", needed_for=needed_for) from None
    return pyproj
