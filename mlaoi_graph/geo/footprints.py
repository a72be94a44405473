"""Read what documents say about places. The rules are listed in :mod:`mlaoi_graph.geo`."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import shapely
from shapely.errors import GEOSException
from shapely.geometry.base import BaseGeometry

from mlaoi_graph.geo.antimeridian import MOST_OF_WORLD
from mlaoi_graph.geo.boxes import BBOX_TOLERANCE, box_shape, check_within, extent_shape
from mlaoi_graph.geo.geojson import geojson_shape
from mlaoi_graph.geo.positions import NUMBERS
from mlaoi_graph.geo.problems import Problem, Problems, Unusable
from mlaoi_graph.geo.text import ring_text, wkt_of

__all__ = ["Footprint", "Problem", "from_bbox", "from_extent", "from_geojson"]


@dataclass(frozen=True, slots=True)
class Footprint:
    """A place on Earth, or why there is none."""

    wkt: str | None
    """OGC:CRS84 longitude latitude; two-dimensional, valid, within +-180 and +-90, cut at the
    antimeridian. None if unknown or unbounded."""
    unbounded: bool
    """The whole world was given: an archive's box, or a placeholder."""
    problems: tuple[Problem, ...]

    @property
    def partial(self) -> bool:
        """Whether it is not all of the place: parts of it are left out.

        >>> from_geojson({"type": "MultiPoint", "coordinates": [[1, 1], [2, 2]]}).partial
        False
        """
        return self.wkt is not None and any(problem.rule in _LEAVES_OUT for problem in self.problems)


_LEAVES_OUT: Final = frozenset({"ring-too-short", "line-too-short", "mixed-kinds"})
_QUICK_POSITIONS: Final = 12


def from_geojson(geometry: object, *, bbox: object = None) -> Footprint:
    """Return the footprint of a GeoJSON geometry; with ``bbox``, also say if it reaches out of that.

    Of a collection only the parts of highest dimension count. Points and lines stay what they are:
    places without an area.

    An edge longer than 180 degrees runs across the antimeridian, but a rectangle wound
    counter-clockwise is a wide box and means what it says, and so is one that would only be a sliver
    otherwise. A ring that closes only round the world holds the pole it is nearer to, whichever way
    it is wound: too many publishers wind against RFC 7946.

    >>> from_geojson({"type": "Polygon", "coordinates": [[[7, 46], [8, 46], [8, 47], [7, 47], [7, 46]]]}).wkt
    'POLYGON ((7 46, 8 46, 8 47, 7 47, 7 46))'
    >>> fiji = [[178, -18], [-178, -18], [-178, -16], [178, -16], [178, -18]]
    >>> around_fiji = from_geojson({"type": "Polygon", "coordinates": [fiji]})
    >>> around_fiji.wkt.partition(" ")[0], around_fiji.problems[0].rule
    ('MULTIPOLYGON', 'antimeridian')
    >>> from_geojson({"type": "Polygon", "coordinates": [fiji[::-1]]}).wkt  # a band round the world
    'POLYGON ((178.0 -18.0, 178.0 -16.0, -178.0 -16.0, -178.0 -18.0, 178.0 -18.0))'
    >>> from_geojson({"type": "Point", "coordinates": [3855873.8, 3078475.5]}).problems[0].rule
    'out-of-range'
    """
    if type(geometry) is dict and geometry.get("type") == "Polygon":
        wkt = _quick_polygon(geometry.get("coordinates"), bbox)
        if wkt is not None:
            return Footprint(wkt, False, ())

    def read(problems: Problems) -> BaseGeometry:
        shape = geojson_shape(geometry, problems)
        if bbox is not None:
            check_within(shape, bbox, problems)
        return shape

    return _footprint(read)


def from_bbox(bbox: object) -> Footprint:
    """Return the footprint of a box: west, south, (lowest,) east, north(, highest).

    West beyond east crosses the antimeridian (RFC 7946, 5.2). A box without width or height is a line
    or a point.

    >>> from_bbox([178, -18, -178, -16]).wkt
    'MULTIPOLYGON (((178.0 -18.0, 180.0 -18.0, 180.0 -16.0, 178.0 -16.0, 178.0 -18.0)), \
((-180.0 -18.0, -178.0 -18.0, -178.0 -16.0, -180.0 -16.0, -180.0 -18.0)))'
    >>> from_bbox([-180, -60, 180, 85]).unbounded
    False
    >>> world = from_bbox([-90, -180, 90, 180])  # as the MLM best practices have it
    >>> world.unbounded, [problem.rule for problem in world.problems]
    (True, ['swapped-axes', 'unbounded'])
    """
    if type(bbox) is list and len(bbox) == 4 and NUMBERS.issuperset(map(type, bbox)):
        w, s, e, n = bbox
        # Up to 180 degrees wide it is not the world.
        if -180 <= w < e <= 180 and -90 <= s < n <= 90 and e - w <= 180:
            return Footprint(f"POLYGON (({w!r} {s!r}, {e!r} {s!r}, {e!r} {n!r}, {w!r} {n!r}, {w!r} {s!r}))", False, ())
    return _footprint(lambda problems: box_shape(bbox, problems))


def from_extent(bboxes: object) -> Footprint:
    """Return the footprint of a STAC collection's ``extent.spatial.bbox``, a list of boxes.

    The first of several is the hull of the others and says nothing more (STAC 1.0 and later), so it is
    left out, unless it does not hold them, as before 1.0: then it is one of them. If one of the
    others cannot be used, the hull is the footprint: too large misses nothing.

    >>> from_extent([[0, 0, 9, 9], [0, 0, 1, 1], [8, 8, 9, 9]]).wkt.count("((")
    2
    >>> from_extent([[0, 0, 1, 1]]).wkt
    'POLYGON ((0 0, 1 0, 1 1, 0 1, 0 0))'
    """
    if type(bboxes) is list and len(bboxes) == 1:
        bbox = bboxes[0]
        return from_bbox(bbox)
    return _footprint(lambda problems: extent_shape(bboxes, problems))


def _footprint(read: Callable[[Problems], BaseGeometry]) -> Footprint:
    problems: Problems = {}
    wkt = None
    unbounded = False
    try:
        shape = read(problems)
        unbounded = bool(shapely.covers(shape, MOST_OF_WORLD))
        if unbounded:
            problems["unbounded"] = "covers the whole world, so it says nothing about where"
        else:
            wkt = wkt_of(shape)
    except Unusable as reason:
        problems[reason.rule] = reason.message
    except GEOSException as error:
        problems["self-crossing"] = f"cannot be repaired: {error}"
    return Footprint(wkt, unbounded, tuple(Problem(*item) for item in problems.items()))


def _quick_polygon(coordinates: Any, bbox: Any) -> str | None:
    """Return the WKT of one small ring with nothing to report; None if a closer look is needed.

    Catalogs hold millions of chips like that, and a rectangle needs no validity test.
    """
    try:
        (ring,) = coordinates
        if len(ring) > _QUICK_POSITIONS:
            return None
        xs, ys, *_ = zip(*ring, strict=True)
        if not (NUMBERS.issuperset(map(type, xs)) and NUMBERS.issuperset(map(type, ys))):
            return None
        west, south, east, north = (-180, -90, 180, 90) if bbox is None else bbox
        if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= north <= 90):
            return None
        if not math.isfinite(sum(xs) + sum(ys)):  # min and max may step over NaN
            return None
        w, s, e, n = min(xs), min(ys), max(xs), max(ys)
        inside = (
            west - BBOX_TOLERANCE <= w
            and south - BBOX_TOLERANCE <= s
            and e <= east + BBOX_TOLERANCE
            and n <= north + BBOX_TOLERANCE
        )
    except (TypeError, ValueError, OverflowError):
        return None
    # Up to 180 degrees wide, no edge crosses the antimeridian and it is not the world.
    if not (inside and w >= -180 and e <= 180 and s >= -90 and n <= 90 and e - w <= 180):
        return None
    if xs[0] != xs[-1] or ys[0] != ys[-1] or len(xs) < 4:
        return None
    if len(xs) == 5 and w < e and s < n:
        x0, x1, x2, x3, _ = xs
        y0, y1, y2, y3, _ = ys
        if (x0 == x1 and y1 == y2 and x2 == x3 and y3 == y0) or (y0 == y1 and x1 == x2 and y2 == y3 and x3 == x0):
            start = f"{x0!r} {y0!r}"
            return f"POLYGON (({start}, {x1!r} {y1!r}, {x2!r} {y2!r}, {x3!r} {y3!r}, {start}))"
    if not shapely.is_valid(shapely.polygons(np.array((xs, ys), dtype=float).T)):
        return None
    return f"POLYGON ({ring_text(zip(xs, ys, strict=True))})"
