"""Make shapes of bounding boxes and extents, and hold others against them."""

from __future__ import annotations

from typing import Final

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from mlaoi_graph.geo.positions import degrees, lonlat_of
from mlaoi_graph.geo.problems import Problems, Unusable, report_wrapped
from mlaoi_graph.geo.repair import gathered, united

__all__ = ["BBOX_TOLERANCE", "box_shape", "check_within", "extent_shape"]

BBOX_TOLERANCE: Final = 1e-3
"""Degrees (about 100 m) a geometry may reach out of its bbox: published boxes are rounded."""


def box_shape(bbox: object, problems: Problems) -> BaseGeometry:
    """Return a bbox as a shape on Earth. Raises Unusable if none can be had."""
    if bbox is None:
        raise Unusable("null-geometry", "the bbox is null")
    if not isinstance(bbox, (list, tuple)) or len(bbox) not in (4, 6):
        raise Unusable("bbox-type", "a bbox is a list of four or six numbers")
    half = len(bbox) // 2
    try:
        corners = lonlat_of([bbox[:2], bbox[half : half + 2]])
    except Unusable as reason:
        if reason.rule == "geometry-type":
            raise Unusable("bbox-type", "a bbox is a list of four or six numbers") from None
        raise
    (w, s), (e, n) = degrees(corners, problems).tolist()
    if s > n and 0 < w - e <= 180:
        problems.setdefault(
            "bbox-order",
            f"west {w:.10g} is beyond east {e:.10g} and south {s:.10g} above north {n:.10g}; "
            f"read as {e:.10g},{n:.10g},{w:.10g},{s:.10g}",
        )
        w, s, e, n = e, n, w, s
    elif s > n:
        problems.setdefault("bbox-order", f"south {s} is above north {n}; read the other way round")
        s, n = n, s
    if max(abs(w), abs(e)) > 180:
        report_wrapped(problems)
        if e - w >= 360:
            w, e = -180.0, 180.0
        w, e = (x if abs(x) <= 180 else (x + 180) % 360 - 180 for x in (w, e))
    if w <= e:
        return _rectangle(w, s, e, n)
    sides = [_rectangle(a, s, b, n) for a, b in ((w, 180.0), (-180.0, e)) if a < b]
    if not sides:  # what a program leaves that set out to widen a box and met nothing
        raise Unusable("empty-geometry", "a box from 180 to -180 holds nothing")
    if len(sides) == 2 and e - w + 360 > 180:
        problems.setdefault(
            "antimeridian",
            f"west {w:g} is beyond east {e:g}: read across 180 degrees, {e - w + 360:g} degrees wide; see whether the "
            "two are in the right order",
        )
    parts = np.array(sides)
    if s == n:
        return gathered(parts, shapely.multilinestrings)
    return gathered(parts, shapely.multipolygons)


def _rectangle(w: float, s: float, e: float, n: float) -> BaseGeometry:
    if w == e and s == n:
        return shapely.Point(w, s)
    if w == e or s == n:
        return shapely.LineString(((w, s), (e, n)))
    return shapely.Polygon(((w, s), (e, s), (e, n), (w, n), (w, s)))


def extent_shape(bboxes: object, problems: Problems) -> BaseGeometry:
    """Return a collection's boxes as one shape. Raises Unusable if none can be had."""
    if bboxes is None:
        raise Unusable("null-geometry", "the extent has no bbox")
    if not isinstance(bboxes, (list, tuple)) or not bboxes:
        raise Unusable("bbox-type", "an extent's bbox is a list of boxes")
    if not isinstance(bboxes[0], (list, tuple)):
        shape = box_shape(bboxes, problems)
        problems.setdefault("bbox-type", "an extent's bbox is a list of boxes; here it is one bare box")
        return shape
    hull, *others = (_box_or_none(bbox, problems) for bbox in bboxes)
    usable = [shape for shape in others if shape is not None]
    if hull is not None and (not others or len(usable) < len(others)):
        return hull
    if not usable:
        raise Unusable("bbox-type", "none of the boxes can be used")
    if hull is not None and not shapely.covers(_grown(hull), np.array(usable)).all():
        problems.setdefault("bbox-mismatch", "the first box does not hold the others; all are read as parts")
        usable.append(hull)
    shapes = np.array(usable)
    dimensions = shapely.get_dimensions(shapes)
    return united(shapes[dimensions == dimensions.max()])


def _box_or_none(bbox: object, problems: Problems) -> BaseGeometry | None:
    try:
        return box_shape(bbox, problems)
    except Unusable as reason:
        problems.setdefault(reason.rule, reason.message)
        return None


def check_within(shape: BaseGeometry, bbox: object, problems: Problems) -> None:
    """Say if a shape reaches out of its bbox."""
    box = _box_or_none(bbox, problems)
    if box is not None and not shapely.covers(_grown(box), shape):
        around = ", ".join(map(str, shape.bounds))
        problems.setdefault("bbox-mismatch", f"the geometry, within [{around}], reaches out of its bbox")


def _grown(box: BaseGeometry) -> BaseGeometry:
    bounds = shapely.bounds(shapely.get_parts(box)) + np.array([-1, -1, 1, 1]) * BBOX_TOLERANCE
    return shapely.union_all(shapely.box(*bounds.T))
