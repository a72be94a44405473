"""Read what documents say about places. The rules are listed in :mod:`mlaoi_graph.geo`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, TypeAlias

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.errors import GEOSException
from shapely.geometry.base import BaseGeometry

from mlaoi_graph.geo.shapes import Floats, Shapes, flat

__all__ = [
    "Footprint",
    "Problem",
    "from_bbox",
    "from_extent",
    "from_geojson",
]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something about a geometry a person should know."""

    rule: str
    """One of the slugs listed at the top of this module."""
    message: str


@dataclass(frozen=True, slots=True)
class Footprint:
    """A place on Earth, or why there is none."""

    wkt: str | None
    """OGC:CRS84 longitude latitude; two-dimensional, valid, within +-180 and +-90, cut at the
    antimeridian. None if unknown or unbounded."""
    unbounded: bool
    """The whole world was given: an archive's box, or a placeholder."""
    problems: tuple[Problem, ...]


_Problems: TypeAlias = dict[str, str]
"""Message by rule; the first of each stays."""

_NUMBERS = frozenset({float, int})
_NOT_FINITE = frozenset({"nan", "inf", "infinity"})

_WORLD = shapely.box(-180, -90, 180, 90)
_MOST_OF_WORLD = shapely.box(-179.9, -89.9, 179.9, 89.9)
"""What covers this means the world; [-179.999, -89.999, 179.999, 89.999] is met in real documents."""
_NOISE = 1e-6
"""Degrees (0.1 m) beyond +-180 or +-90 that reprojection leaves behind; cut off silently."""
_FARTHEST = 540.0
"""One more world on either side, as web maps draw them. What lies beyond is no longitude."""
_SLIVER = 4
"""Times as tall as wide, in degrees: no footprint across the antimeridian."""
_BBOX_TOLERANCE = 1e-3
"""Degrees (about 100 m) a geometry may reach out of its bbox: published boxes are rounded."""
_QUICK_POSITIONS = 12
_MOST_WORLDS = 20
"""Turns round the world of one line: more than a day's satellite track. It bounds the work on nonsense."""
_MOST_CROSSINGS = 1_000_000


class _Unusable(Exception):
    """No footprint can be had, and why; never leaves this module."""

    def __init__(self, rule: str, message: str) -> None:
        self.rule = rule
        self.message = message


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

    def read(problems: _Problems) -> BaseGeometry:
        shape = _geojson_shape(geometry, problems)
        if bbox is not None:
            _check_within(shape, bbox, problems)
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
    if type(bbox) is list and len(bbox) == 4 and _NUMBERS.issuperset(map(type, bbox)):
        w, s, e, n = bbox
        # Up to 180 degrees wide it is not the world.
        if -180 <= w < e <= 180 and -90 <= s < n <= 90 and e - w <= 180:
            return Footprint(f"POLYGON (({w!r} {s!r}, {e!r} {s!r}, {e!r} {n!r}, {w!r} {n!r}, {w!r} {s!r}))", False, ())
    return _footprint(lambda problems: _box_shape(bbox, problems))


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
    return _footprint(lambda problems: _extent_shape(bboxes, problems))


# --- from JSON values to shapes -------------------------------------------------------------------


def _footprint(read: Callable[[_Problems], BaseGeometry]) -> Footprint:
    problems: _Problems = {}
    wkt = None
    unbounded = False
    try:
        shape = read(problems)
        unbounded = bool(shapely.covers(shape, _MOST_OF_WORLD))
        if unbounded:
            problems["unbounded"] = "covers the whole world, so it says nothing about where"
        else:
            wkt = _wkt(shape)
    except _Unusable as reason:
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
        if not (_NUMBERS.issuperset(map(type, xs)) and _NUMBERS.issuperset(map(type, ys))):
            return None
        west, south, east, north = (-180, -90, 180, 90) if bbox is None else bbox
        if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= north <= 90):
            return None
        if not math.isfinite(sum(xs) + sum(ys)):  # min and max may step over NaN
            return None
        w, s, e, n = min(xs), min(ys), max(xs), max(ys)
        inside = (
            west - _BBOX_TOLERANCE <= w
            and south - _BBOX_TOLERANCE <= s
            and e <= east + _BBOX_TOLERANCE
            and n <= north + _BBOX_TOLERANCE
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
    return f"POLYGON ({_text(zip(xs, ys, strict=True))})"


def _geojson_shape(geometry: object, problems: _Problems) -> BaseGeometry:
    polygons: list[Any] = []
    lines: list[Any] = []
    points: list[Any] = []
    waiting = [geometry]  # a stack of our own: documents nest deeper than Python's
    while waiting:
        one = waiting.pop()
        if one is None:
            raise _Unusable("null-geometry", "the geometry is null")
        if not isinstance(one, dict) or not isinstance(one.get("type"), str):
            raise _Unusable("geometry-type", "a geometry is an object with a type")
        kind, coordinates = one["type"], one.get("coordinates")
        if kind == "Polygon":
            polygons.append(coordinates)
        elif kind == "MultiPolygon":
            polygons.extend(_listed(coordinates))
        elif kind == "LineString":
            lines.append(coordinates)
        elif kind == "MultiLineString":
            lines.extend(_listed(coordinates))
        elif kind == "Point":
            points.extend([coordinates] if _listed(coordinates) else [])
        elif kind == "MultiPoint":
            points.extend(_listed(coordinates))
        elif kind == "GeometryCollection":
            waiting.extend(reversed(_listed(one.get("geometries"))))
        else:
            raise _Unusable("geometry-type", f"no GeoJSON geometry type: {kind[:40]!r}")
    if bool(polygons) + bool(lines) + bool(points) > 1:
        kept = "polygons" if polygons else "lines"
        lost = len(points) + (len(lines) if polygons else 0)
        problems.setdefault("mixed-kinds", f"of a collection the {kept} count; {lost} of its other parts are left out")
    if polygons:
        return _polygon_shape(polygons, problems)
    if lines:
        return _line_shape(lines, problems)
    if points:
        return _point_shape(points, problems)
    raise _Unusable("empty-geometry", "the geometry has no positions")


def _polygon_shape(polygons: Iterable[object], problems: _Problems) -> BaseGeometry:
    rings: list[Floats] = []
    first_rings = [0]
    for polygon in polygons:
        for place, positions in enumerate(_listed(polygon)):
            ring = _positions(positions)
            if len(ring) and (ring[0] != ring[-1]).any():
                problems.setdefault("ring-not-closed", "a ring's last position is not its first; closed")
                ring = np.concatenate((ring, ring[:1]))
            if len(ring) >= 4:
                rings.append(ring)
                continue
            if len(ring):
                problems.setdefault("ring-too-short", "a ring of fewer than three corners is left out")
            if place == 0:
                break  # holes without an outside
        if len(rings) > first_rings[-1]:
            first_rings.append(len(rings))
    if not rings:
        _refuse_nothing(problems)
    lonlat = _degrees(np.concatenate(rings), problems)
    first_positions = np.cumsum([0, *map(len, rings)])
    shapes: Shapes = shapely.from_ragged_array(
        shapely.GeometryType.POLYGON, lonlat, (first_positions, np.array(first_rings))
    )
    starts = first_positions[first_rings[:-1]]

    steps = np.abs(np.diff(lonlat[:, 0], append=lonlat[-1, 0]))
    steps[first_positions[1:] - 1] = 0  # from one ring to the next is no edge
    doubtful = np.logical_or.reduceat((np.abs(lonlat[:, 0]) > 180) | _jumps(steps), starts)
    # An edge of 360 degrees is a wide box's, or stays in place on the antimeridian.
    full_turn = np.logical_or.reduceat(steps == 360, starts)
    doubtful[full_turn] |= ~shapely.is_valid(shapes[full_turn])
    doubtful[doubtful] &= ~shapely.covers(shapes[doubtful], _MOST_OF_WORLD)
    for i in np.flatnonzero(doubtful):
        shapes[i] = _polygon_on_earth(shapes[i], problems)

    crossing = ~shapely.is_valid(shapes)
    if crossing.any():
        shapes[crossing] = _repaired(shapes[crossing])
    parts = _parts_of_type(shapes, shapely.GeometryType.POLYGON)
    if not len(parts):
        problems.setdefault("ring-too-short", "the rings enclose no area")
        _refuse_nothing(problems)
    if crossing.any():
        problems.setdefault("self-crossing", "rings cross themselves or each other; repaired")
    whole = _gathered(parts, shapely.multipolygons)
    if not shapely.is_valid(whole):
        problems.setdefault("self-crossing", "parts overlap or share an edge; united")
        whole = _united(parts)
    return whole


def _line_shape(lines: Iterable[object], problems: _Problems) -> BaseGeometry:
    arrays = []
    for positions in lines:
        line = _positions(positions)
        if len(line) and (line == line[0]).all():
            problems.setdefault("line-too-short", "a line of fewer than two places is left out")
        elif len(line):
            arrays.append(line)
    if not arrays:
        _refuse_nothing(problems)
    lonlat = _degrees(np.concatenate(arrays), problems)
    shapes = [
        _on_earth(line, shapely.linestrings, problems)
        for line in np.split(lonlat, np.cumsum([len(line) for line in arrays])[:-1])
    ]
    parts = _parts_of_type(np.array(shapes), shapely.GeometryType.LINESTRING)
    return _gathered(parts, shapely.multilinestrings)


def _point_shape(points: list[object], problems: _Problems) -> BaseGeometry:
    lonlat = _degrees(_positions(points), problems)
    beyond = np.abs(lonlat[:, 0]) > 180
    if beyond.any():
        _report_wrapped(problems)
        lonlat[beyond, 0] = (lonlat[beyond, 0] + 180) % 360 - 180
    return _gathered(np.array([*map(shapely.Point, lonlat)]), shapely.multipoints)


def _box_shape(bbox: object, problems: _Problems) -> BaseGeometry:
    if bbox is None:
        raise _Unusable("null-geometry", "the bbox is null")
    if not isinstance(bbox, (list, tuple)) or len(bbox) not in (4, 6):
        raise _Unusable("bbox-type", "a bbox is a list of four or six numbers")
    half = len(bbox) // 2
    try:
        corners = _positions([bbox[:2], bbox[half : half + 2]])
    except _Unusable as reason:
        if reason.rule == "geometry-type":
            raise _Unusable("bbox-type", "a bbox is a list of four or six numbers") from None
        raise
    (w, s), (e, n) = _degrees(corners, problems).tolist()
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
        _report_wrapped(problems)
        if e - w >= 360:
            w, e = -180.0, 180.0
        w, e = (x if abs(x) <= 180 else (x + 180) % 360 - 180 for x in (w, e))
    if w <= e:
        return _rectangle(w, s, e, n)
    sides = [_rectangle(a, s, b, n) for a, b in ((w, 180.0), (-180.0, e)) if a < b]
    if not sides:  # what a program leaves that set out to widen a box and met nothing
        raise _Unusable("empty-geometry", "a box from 180 to -180 holds nothing")
    if len(sides) == 2 and e - w + 360 > 180:
        problems.setdefault(
            "antimeridian",
            f"west {w:g} is beyond east {e:g}: read across 180 degrees, {e - w + 360:g} degrees wide; see whether the "
            "two are in the right order",
        )
    parts = np.array(sides)
    if s == n:
        return _gathered(parts, shapely.multilinestrings)
    return _gathered(parts, shapely.multipolygons)


def _rectangle(w: float, s: float, e: float, n: float) -> BaseGeometry:
    if w == e and s == n:
        return shapely.Point(w, s)
    if w == e or s == n:
        return shapely.LineString(((w, s), (e, n)))
    return shapely.Polygon(((w, s), (e, s), (e, n), (w, n), (w, s)))


def _extent_shape(bboxes: object, problems: _Problems) -> BaseGeometry:
    if bboxes is None:
        raise _Unusable("null-geometry", "the extent has no bbox")
    if not isinstance(bboxes, (list, tuple)) or not bboxes:
        raise _Unusable("bbox-type", "an extent's bbox is a list of boxes")
    if not isinstance(bboxes[0], (list, tuple)):
        shape = _box_shape(bboxes, problems)
        problems.setdefault("bbox-type", "an extent's bbox is a list of boxes; here it is one bare box")
        return shape
    hull, *others = (_box_or_none(bbox, problems) for bbox in bboxes)
    usable = [shape for shape in others if shape is not None]
    if hull is not None and (not others or len(usable) < len(others)):
        return hull
    if not usable:
        raise _Unusable("bbox-type", "none of the boxes can be used")
    if hull is not None and not shapely.covers(_grown(hull), np.array(usable)).all():
        problems.setdefault("bbox-mismatch", "the first box does not hold the others; all are read as parts")
        usable.append(hull)
    shapes = np.array(usable)
    dimensions = shapely.get_dimensions(shapes)
    return _united(shapes[dimensions == dimensions.max()])


def _box_or_none(bbox: object, problems: _Problems) -> BaseGeometry | None:
    try:
        return _box_shape(bbox, problems)
    except _Unusable as reason:
        problems.setdefault(reason.rule, reason.message)
        return None


def _check_within(shape: BaseGeometry, bbox: object, problems: _Problems) -> None:
    box = _box_or_none(bbox, problems)
    if box is not None and not shapely.covers(_grown(box), shape):
        around = ", ".join(map(str, shape.bounds))
        problems.setdefault("bbox-mismatch", f"the geometry, within [{around}], reaches out of its bbox")


def _grown(box: BaseGeometry) -> BaseGeometry:
    bounds = shapely.bounds(shapely.get_parts(box)) + np.array([-1, -1, 1, 1]) * _BBOX_TOLERANCE
    return shapely.union_all(shapely.box(*bounds.T))


# --- numbers --------------------------------------------------------------------------------------


def _listed(value: object) -> Sequence[Any]:
    if not isinstance(value, (list, tuple)):
        raise _Unusable("geometry-type", "coordinates are not nested as the geometry type asks")
    return value


def _positions(positions: object) -> Floats:
    """Return GeoJSON positions as rows of two finite floats."""
    flat: list[Any] = []
    for position in _listed(positions):
        if len(_listed(position)) < 2:
            raise _Unusable("geometry-type", "a position has at least two numbers")
        flat += position[:2]
    if not _NUMBERS.issuperset(map(type, flat)):
        for number in flat:
            text = number.strip(" +-").lower() if isinstance(number, str) else None
            if number is None or text in _NOT_FINITE:
                raise _Unusable("not-finite", "a coordinate is not a finite number")
            if isinstance(number, bool) or not isinstance(number, (float, int, np.floating, np.integer)):
                raise _Unusable("geometry-type", "a coordinate is not a number")
    try:
        lonlat = np.array(flat, dtype=float).reshape(-1, 2)
    except OverflowError:
        raise _Unusable("out-of-range", "a coordinate is larger than any float") from None
    if not np.isfinite(lonlat).all():
        raise _Unusable("not-finite", "a coordinate is not a finite number")
    return lonlat


def _degrees(lonlat: Floats, problems: _Problems) -> Floats:
    """Return rows of longitude within +-540 and latitude within +-90, whatever order they came in."""
    straight = _without_noise(lonlat)
    if (np.abs(straight).max(axis=0) <= (_FARTHEST, 90)).all():
        return straight
    turned = _without_noise(np.ascontiguousarray(lonlat[:, ::-1]))
    if (np.abs(turned).max(axis=0) <= (180, 90)).all():
        problems.setdefault("swapped-axes", "latitudes beyond +-90; read as latitude, longitude")
        return turned
    x, y = lonlat[np.argmax(np.abs(lonlat).max(axis=1))]
    raise _Unusable("out-of-range", f"({x}, {y}) is no longitude and latitude in degrees")


def _without_noise(lonlat: Floats) -> Floats:
    limits = np.array([180.0, 90.0])
    beyond = np.abs(lonlat) - limits
    noise = (beyond > 0) & (beyond <= _NOISE)
    return np.where(noise, np.copysign(limits, lonlat), lonlat) if noise.any() else lonlat


def _report_wrapped(problems: _Problems) -> None:
    problems.setdefault("longitude-wrapped", "longitudes beyond +-180; moved by full turns")


def _refuse_nothing(problems: _Problems) -> NoReturn:
    # What was left out has been told already, and is the reason.
    raise _Unusable(*next(iter(problems.items()), ("empty-geometry", "the geometry has no positions")))


def _jumps(steps: Floats) -> NDArray[np.bool_]:
    return (steps > 180) & (steps < 360)


def _polygon_on_earth(polygon: BaseGeometry, problems: _Problems) -> BaseGeometry:
    _refuse_tangle(np.array([polygon]))
    outside, *holes = (shapely.get_coordinates(ring) for ring in shapely.get_rings(polygon))
    shape = _on_earth(outside, shapely.polygons, problems)
    # Holes are wound the other way (RFC 7946, 3.1.6).
    cut = [_on_earth(hole[::-1], shapely.polygons, problems) for hole in holes]
    return shapely.difference(shape, shapely.union_all(cut)) if cut else shape


def _on_earth(lonlat: Floats, build: Callable[..., BaseGeometry], problems: _Problems) -> BaseGeometry:
    """Return one ring (or line) moved to within +-180 and cut there.

    The ring is unrolled: after each edge across the antimeridian longitudes go on beyond 180. Each
    world it then reaches into is moved over the real one, and what lies outside is cut off.
    """
    lon, lat = lonlat.T
    steps = np.diff(lon)
    beyond = bool((np.abs(lon) > 180).any())
    turns = np.zeros(len(lon))
    stays_put = bool((np.abs(steps) == 360).any()) and not shapely.is_valid(build(lonlat))
    if (_jumps(np.abs(steps)).any() or stays_put) and not _is_wide_box(lonlat, steps):
        problems.setdefault(
            "antimeridian", "an edge spans more than 180 degrees of longitude; see whether it is read right"
        )
        turns[1:] = -np.cumsum(np.rint(steps / 360))
    elif not beyond:
        return build(lonlat)
    if beyond:
        _report_wrapped(problems)
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
        raise _Unusable("antimeridian", "edges longer than 180 degrees, over and over")
    pieces = []
    for world in range(first, last + 1):
        # Positions of this world get the very longitude they came with.
        piece = build(np.column_stack((lon + 360 * (turns - world), lat)))
        if not shapely.is_valid(piece):
            problems.setdefault("self-crossing", "rings cross themselves or each other; repaired")
            (piece,) = _repaired(np.array([piece]))
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


# --- shapes ---------------------------------------------------------------------------------------


def _repaired(shapes: Shapes) -> Shapes:
    _refuse_tangle(shapes)
    # What a ring goes round twice stays inside; GEOS's older method makes a hole of it, and needs
    # 20 s for 300 random positions.
    repaired: Shapes = shapely.make_valid(shapes, method="structure", keep_collapsed=False)
    return repaired


def _united(shapes: Shapes) -> BaseGeometry:
    _refuse_tangle(shapes)
    return shapely.union_all(shapes)


def _refuse_tangle(shapes: Shapes) -> None:
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
            raise _Unusable("self-crossing", "rings cross too often to be repaired")


def _parts_of_type(shapes: Sequence[BaseGeometry] | Shapes, kind: shapely.GeometryType) -> Shapes:
    parts, _ = flat(shapes)
    kept: Shapes = parts[(shapely.get_type_id(parts) == kind) & ~shapely.is_empty(parts)]
    return kept


def _gathered(parts: Shapes, build: Callable[..., BaseGeometry]) -> BaseGeometry:
    return parts[0] if len(parts) == 1 else build(parts)


# --- text -----------------------------------------------------------------------------------------


def _wkt(shape: BaseGeometry) -> str:
    """Return WKT whose numbers read back as the same floats; not every GEOS writes such."""
    parts = [_part_text(part) for part in shapely.get_parts(shape)]
    name = shape.geom_type.upper()
    return f"{name} ({', '.join(parts)})" if name.startswith("MULTI") else f"{name} {parts[0]}"


def _part_text(part: BaseGeometry) -> str:
    if isinstance(part, shapely.Polygon):
        rings = [_text(shapely.get_coordinates(ring).tolist()) for ring in shapely.get_rings(part)]
        return f"({', '.join(rings)})"
    return _text(shapely.get_coordinates(part).tolist())


def _text(positions: Iterable[Sequence[float]]) -> str:
    return f"({', '.join([f'{x!r} {y!r}' for x, y in positions])})"
