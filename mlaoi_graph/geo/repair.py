"""Mend shapes, and put parts together, within bounds of time and memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from mlaoi_graph.geo.problems import Unusable
from mlaoi_graph.geo.shapes import Shapes, flat

__all__ = ["gathered", "parts_of_type", "refuse_tangle", "repaired", "united"]

_MOST_CROSSINGS: Final = 1_000_000


def repaired(shapes: Shapes) -> Shapes:
    """Return shapes made valid. Raises Unusable for tangles."""
    refuse_tangle(shapes)
    # What a ring goes round twice stays inside; GEOS's older method makes a hole of it, and needs
    # 20 s for 300 random positions.
    repaired: Shapes = shapely.make_valid(shapes, method="structure", keep_collapsed=False)
    return repaired


def united(shapes: Shapes) -> BaseGeometry:
    """Return the union of shapes. Raises Unusable for tangles."""
    refuse_tangle(shapes)
    return shapely.union_all(shapes)


def refuse_tangle(shapes: Shapes) -> None:
    """Refuse rings that cross so often that to repair or unite them would take minutes, or all memory."""
    parts, _ = flat(shapes)
    lonlat, ring = shapely.get_coordinates(shapely.get_rings(parts), return_index=True)
    same = ring[1:] == ring[:-1]
    edges: Any = shapely.linestrings(np.stack((lonlat[:-1][same], lonlat[1:][same]), axis=1))
    tree = shapely.STRtree(edges)
    # Every edge of a sane ring meets itself, two neighbours, and the boxes of a few more.
    left = _MOST_CROSSINGS + 10 * len(edges)
    at_once = max(1, 10_000_000 // max(1, len(edges)))
    for start in range(0, len(edges), at_once):
        left -= tree.query(edges[start : start + at_once]).shape[1]
        if left < 0:
            raise Unusable("self-crossing", "rings cross too often to be repaired")


def parts_of_type(shapes: Sequence[BaseGeometry] | Shapes, kind: shapely.GeometryType) -> Shapes:
    """Return the parts of one type that shapes are made of; the empty ones and others are left out."""
    parts, _ = flat(shapes)
    kept: Shapes = parts[(shapely.get_type_id(parts) == kind) & ~shapely.is_empty(parts)]
    return kept


def gathered(parts: Shapes, build: Callable[..., BaseGeometry]) -> BaseGeometry:
    """Return the only part, or what is built of several."""
    return parts[0] if len(parts) == 1 else build(parts)
