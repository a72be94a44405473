"""How a footprint of many parts is drawn: no item may be megabytes, and no page may wait for a union of thousands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from mlaoi_graph.geo.index import Index
from mlaoi_graph.geo.mapped import Array, distinct

__all__ = ["Cover", "outline"]

_EXACT: Final = 64
"""Rows up to which the drawing is the union."""
_CELLS: Final = 256
_LOOKED_AT: Final = 20_000
_SHIFT: Final = 1 << 20
_FINEST: Final = 0.01
"""Degrees."""
_KEPT: Final = 20_000
"""Covers of one dataset that are held, each some kilobytes."""


@dataclass(frozen=True, slots=True, eq=False)
class Cover:
    """The areas of one dataset: many models have it in their footprint, so it is covered once."""

    rows: Array
    first: tuple[int, int]
    """The earliest start, and its row."""
    last: tuple[int, int]
    """The latest end, and its row."""

    def cells(self, index: Index) -> tuple[int, Array]:
        """Return the finest level by which no more than 256 cells are touched, and these: column and row, as one."""
        return _cells(self, index)


def outline(index: Index, covers: Sequence[Cover]) -> BaseGeometry:
    """Return the union of all areas; of more than 64, a cover of it by cells of a grid in degrees.

    The grid is the finest of 0.01 degrees times a power of two by which no more than 256 cells are touched.

    >>> chips = shapely.box(np.arange(100) / 50, 0, np.arange(100) / 50 + 0.005, 0.005)
    >>> drawn = outline(Index.of(chips), [Cover(np.arange(100), (0, 0), (0, 0))])
    >>> drawn.bounds, len(drawn.geoms), bool(shapely.covers(drawn, chips).all())
    ((0.0, 0.0, 1.99, 0.01), 100, True)
    """
    if sum(len(cover.rows) for cover in covers) <= _EXACT * len(covers):
        rows = distinct(np.concatenate([cover.rows for cover in covers]))
        if len(rows) <= _EXACT:
            return shapely.union_all(index.geometries(rows))
    covered = [cover.cells(index) for cover in covers]
    level = max(level for level, _ in covered)
    cells = distinct(np.concatenate([_coarser(cells, level - own) for own, cells in covered]))
    while len(cells) > _CELLS:
        level += 1
        cells = distinct(_coarser(cells, 1))
    return _united(cells, level)


@lru_cache(_KEPT)
def _cells(cover: Cover, index: Index) -> tuple[int, Array]:
    bounds = index.bounds(cover.rows)
    cut = bounds[:, 2] - bounds[:, 0] > 180  # at the antimeridian: its box is round the world
    parts = shapely.bounds(shapely.get_parts(index.geometries(cover.rows[cut])))
    bounds = np.concatenate((bounds[~cut], parts))
    level = 0
    # A grid too fine for some rows is too fine for all.
    for some in (bounds[:: max(1, len(bounds) // 500)], bounds):
        while (cells := _touched(some, level)) is None or len(cells) > _CELLS:
            level += 1
    return level, cells


def _touched(bounds: Any, level: int) -> Any:
    """Return the cells boxes touch, each once and sorted; None if there are too many to look at."""
    # Rounded on the finest grid alone: the cells of a level are then always those of a finer one, made coarser.
    low = np.floor(bounds[:, :2] / _FINEST + 1e-9).astype(np.int64)
    last = np.maximum(np.ceil(bounds[:, 2:] / _FINEST - 1e-9).astype(np.int64) - 1, low)
    low, high = low >> level, (last >> level) + 1
    wide, tall = (high - low).T
    count = wide * tall
    if count.sum() > _LOOKED_AT:
        return None
    which = np.repeat(np.arange(len(bounds)), count)
    within = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)
    return distinct(_packed(low[which, 0] + within % wide[which], low[which, 1] + within // wide[which]))


def _packed(columns: Array, rows: Array) -> Array:
    packed: Array = (columns + _SHIFT) * (2 * _SHIFT) + rows + _SHIFT
    return packed


def _unpacked(cells: Array) -> tuple[Array, Array]:
    return cells // (2 * _SHIFT) - _SHIFT, cells % (2 * _SHIFT) - _SHIFT


def _coarser(cells: Array, levels: int) -> Array:
    """Return the cells of a coarser grid that these lie in."""
    columns, rows = _unpacked(cells)
    return _packed(columns >> levels, rows >> levels)


def _united(cells: Array, level: int) -> BaseGeometry:
    step = _FINEST * 2**level
    corner = np.column_stack(_unpacked(cells))
    west, south = np.maximum(corner * step, (-180, -90)).T.round(9)
    east, north = np.minimum((corner + 1) * step, (180, 90)).T.round(9)
    return shapely.coverage_union_all(shapely.box(west, south, east, north))
