"""How a footprint of many parts is drawn: no item may be megabytes, and no page may wait for a union of thousands."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from mlaoi_graph.geo.index import Index
from mlaoi_graph.geo.mapped import Array

__all__ = ["outline"]

_EXACT: Final = 64
"""Rows up to which the drawing is the union."""
_CELLS: Final = 256
_LOOKED_AT: Final = 20_000
_SHIFT: Final = 1 << 20
_FINEST: Final = 0.01
"""Degrees."""


def outline(index: Index, rows: Array) -> BaseGeometry:
    """Return the union of geometries; of more than 64 rows, a cover of it by cells of a grid in degrees.

    The grid is the finest of 0.01 degrees times a power of two by which no more than 256 cells are touched.

    >>> chips = shapely.box(np.arange(100) / 50, 0, np.arange(100) / 50 + 0.005, 0.005)
    >>> drawn = outline(Index.of(chips), np.arange(100))
    >>> drawn.bounds, len(drawn.geoms), bool(shapely.covers(drawn, chips).all())
    ((0.0, 0.0, 1.99, 0.01), 100, True)
    """
    if len(rows) <= _EXACT:
        return shapely.union_all(index.geometries(rows))
    bounds = index.bounds(rows)
    cut = bounds[:, 2] - bounds[:, 0] > 180  # at the antimeridian: its box is round the world
    parts = shapely.bounds(shapely.get_parts(index.geometries(rows[cut])))
    bounds = np.concatenate((bounds[~cut], parts))
    step = _FINEST
    # A grid too fine for some rows is too fine for all.
    for some in (bounds[:: max(1, len(bounds) // 500)], bounds):
        while (cells := _touched(some, step)) is None or len(cells) > _CELLS:
            step *= 2
    return _united(cells, step)


def _touched(bounds: Any, step: float) -> Any:
    """Return column and row of the cells boxes touch, each once and sorted; None if there are too many to look at."""
    low = np.floor(bounds[:, :2] / step + 1e-9).astype(np.int64)
    high = np.maximum(np.ceil(bounds[:, 2:] / step - 1e-9).astype(np.int64), low + 1)
    wide, tall = (high - low).T
    count = wide * tall
    if count.sum() > _LOOKED_AT:
        return None
    which = np.repeat(np.arange(len(bounds)), count)
    within = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)
    columns = low[which, 0] + within % wide[which]
    rows = low[which, 1] + within // wide[which]
    once = np.unique((columns + _SHIFT) * (2 * _SHIFT) + rows + _SHIFT)
    return np.column_stack((once // (2 * _SHIFT), once % (2 * _SHIFT))) - _SHIFT


def _united(cells: Any, step: float) -> BaseGeometry:
    west, south = np.maximum(cells * step, (-180, -90)).T.round(9)
    east, north = np.minimum((cells + 1) * step, (180, 90)).T.round(9)
    return shapely.coverage_union_all(shapely.box(west, south, east, north))
