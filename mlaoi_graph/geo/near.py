"""What is near a geometry: room on every side of it, in kilometres."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from mlaoi_graph.errors import GeometryError
from mlaoi_graph.geo.shapes import Floats, Shapes

__all__ = ["grown"]

_KM_PER_DEGREE: Final = 110.574
"""Along a meridian at the equator, where a degree of WGS 84 is shortest: so never less room than asked for."""
_POLE: Final = 89.9
_CHORDS: Final = 16
"""In a quarter of a circle."""
_TURN: Final = 360.0
_WORLD: Final = shapely.box(-180, -90, 180, 90)


def grown(shapes: Sequence[BaseGeometry] | Shapes, km: float) -> Shapes:
    """Return each geometry with at least ``km`` of room on every side, OGC:CRS84, cut at the antimeridian.

    Longitudes are stretched by the highest latitude the room reaches, so towards the equator there is more room than
    asked for: 1 % for a chip, much for a continent. What comes as near to a pole as that goes all around it.
    Raises GeometryError if ``km`` is negative or no number.

    >>> west, south, east, north = shapely.bounds(grown([shapely.box(10, 60, 10.01, 60.01)], 11.06))[0]
    >>> bool(west < 9.8), bool(9.79 < west), round(float(south), 2)
    (True, True, 59.9)
    """
    if not km >= 0 or not np.isfinite(km):
        raise GeometryError(f"room of {km} km", "Give 0 or more: footprints cannot be made smaller by a buffer")
    found = np.array(shapes, dtype=object)
    if km == 0 or not len(found):
        return found
    degrees = km / _KM_PER_DEGREE
    bounds = shapely.bounds(found)
    reach = np.abs(bounds[:, [1, 3]]).max(axis=1) + degrees
    stretch = 1 / np.cos(np.radians(np.minimum(reach, _POLE)))
    known = ~np.isnan(stretch)
    found[known] = _scaled(found[known], 1 / stretch[known])
    # Round corners are drawn by chords, which lie inside of the circle.
    found[known] = shapely.buffer(found[known], degrees / np.cos(np.pi / 4 / _CHORDS), quad_segs=_CHORDS)
    found[known] = _scaled(found[known], stretch[known])
    over_pole = np.flatnonzero(known & (reach >= _POLE))
    for at in over_pole.tolist():
        south, north = max(bounds[at, 1] - degrees, -90), min(bounds[at, 3] + degrees, 90)
        found[at] = shapely.box(-180, south, 180, north)
    bounds = shapely.bounds(found)
    outside = (bounds[:, 0] < -180) | (bounds[:, 2] > 180) | (bounds[:, 1] < -90) | (bounds[:, 3] > 90)
    for at in np.flatnonzero(outside).tolist():
        turns = np.array([_moved(found[at], by) for by in (-_TURN, 0.0, _TURN)], dtype=object)
        found[at] = shapely.union_all(shapely.intersection(turns, _WORLD))
    return found


def _moved(shape: BaseGeometry, degrees: float) -> BaseGeometry:
    moved: BaseGeometry = shapely.transform(shape, lambda lonlat: lonlat + np.array([degrees, 0]))
    return moved


def _scaled(shapes: Shapes, factors: Floats) -> Shapes:
    """Return shapes with the longitudes of each multiplied."""
    shapes = shapely.force_2d(shapes)
    lonlat, owner = shapely.get_coordinates(shapes, return_index=True)
    lonlat[:, 0] *= factors[owner]
    scaled: Shapes = shapely.set_coordinates(shapes.copy(), lonlat)
    return scaled
