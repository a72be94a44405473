"""Move rings and lines that leave the world, or run round it, back to within it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from mlaoi_graph.geo.problems import Problems, Unusable, report_wrapped
from mlaoi_graph.geo.repair import refuse_tangle, repaired
from mlaoi_graph.geo.shapes import Floats

__all__ = ["MOST_OF_WORLD", "jumps", "on_earth", "polygon_on_earth"]

_WORLD: Final = shapely.box(-180, -90, 180, 90)
MOST_OF_WORLD: Final = shapely.box(-179.9, -89.9, 179.9, 89.9)
"""What covers this means the world; [-179.999, -89.999, 179.999, 89.999] is met in real documents."""
_SLIVER: Final = 4
"""Times as tall as wide, in degrees: no footprint across the antimeridian."""
_MOST_WORLDS: Final = 20
"""Turns round the world of one line: more than a day's satellite track. It bounds the work on nonsense."""


def jumps(steps: Floats) -> NDArray[np.bool_]:
    """Return which steps between longitudes run across the antimeridian."""
    return (steps > 180) & (steps < 360)


def polygon_on_earth(polygon: BaseGeometry, problems: Problems) -> BaseGeometry:
    """Return a polygon moved to within +-180 and cut there, with its holes."""
    refuse_tangle(np.array([polygon]))
    outside, *holes = (shapely.get_coordinates(ring) for ring in shapely.get_rings(polygon))
    shape = on_earth(outside, shapely.polygons, problems)
    # Holes are wound the other way (RFC 7946, 3.1.6).
    cut = [on_earth(hole[::-1], shapely.polygons, problems) for hole in holes]
    return shapely.difference(shape, shapely.union_all(cut)) if cut else shape


def on_earth(lonlat: Floats, build: Callable[..., BaseGeometry], problems: Problems) -> BaseGeometry:
    """Return one ring (or line) moved to within +-180 and cut there.

    The ring is unrolled: after each edge across the antimeridian longitudes go on beyond 180. Each
    world it then reaches into is moved over the real one, and what lies outside is cut off.
    """
    lon, lat = lonlat.T
    steps = np.diff(lon)
    beyond = bool((np.abs(lon) > 180).any())
    turns = np.zeros(len(lon))
    stays_put = bool((np.abs(steps) == 360).any()) and not shapely.is_valid(build(lonlat))
    if (jumps(np.abs(steps)).any() or stays_put) and not _is_wide_box(lonlat, steps):
        problems.setdefault(
            "antimeridian", "an edge spans more than 180 degrees of longitude; see whether it is read right"
        )
        turns[1:] = -np.cumsum(np.rint(steps / 360))
    elif not beyond:
        return build(lonlat)
    if beyond:
        report_wrapped(problems)
    if build is shapely.polygons and turns[-1]:
        if lat.min() < 0 < lat.max():  # round the world on both sides of the equator: a hull of it
            turns[:] = 0
        else:
            pole = math.copysign(90, lat.mean())
            lon = np.concatenate((lon, [lon[-1], lon[0], lon[0]]))
            lat = np.concatenate((lat, [pole, pole, lat[0]]))
            turns = np.concatenate((turns, [turns[-1], 0, 0]))
    unrolled = lon + 360 * turns
    first = math.floor((unrolled.min() + 180) / 360)
    last = math.ceil((unrolled.max() - 180) / 360)
    if last - first > _MOST_WORLDS:
        raise Unusable("antimeridian", "edges longer than 180 degrees, over and over")
    pieces = []
    for world in range(first, last + 1):
        # Positions of this world get the very longitude they came with.
        piece = build(np.column_stack((lon + 360 * (turns - world), lat)))
        if not shapely.is_valid(piece):
            problems.setdefault("self-crossing", "rings cross themselves or each other; repaired")
            (piece,) = repaired(np.array([piece]))
        pieces.append(shapely.intersection(piece, _WORLD))
    return shapely.union_all(pieces)


def _is_wide_box(lonlat: Floats, steps: Floats) -> bool:
    """Whether a ring with a long edge is a rectangle that means to be wide.

    It does if wound as RFC 7946 asks, or if across the antimeridian it would be a mere sliver: boxes
    of nearly the whole world are often wound clockwise.
    """
    rises = np.diff(lonlat[:, 1])
    if len(lonlat) != 5 or ((steps == 0) == (rises == 0)).any():
        return False
    sliver = np.abs(rises).max() > _SLIVER * (360 - np.abs(steps).max())
    return bool(sliver or shapely.is_ccw(shapely.linearrings(lonlat)))
