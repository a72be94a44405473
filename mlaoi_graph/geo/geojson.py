"""Make shapes of GeoJSON geometries."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from mlaoi_graph.geo.antimeridian import MOST_OF_WORLD, jumps, on_earth, polygon_on_earth
from mlaoi_graph.geo.positions import degrees, listed, lonlat_of
from mlaoi_graph.geo.problems import Problems, Unusable, refuse_nothing, report_wrapped
from mlaoi_graph.geo.repair import gathered, parts_of_type, repaired, united
from mlaoi_graph.geo.shapes import Floats, Shapes
from mlaoi_graph.plural import many

__all__ = ["geojson_shape"]


def geojson_shape(geometry: object, problems: Problems) -> BaseGeometry:
    """Return a GeoJSON geometry as a shape on Earth. Raises Unusable if none can be had."""
    polygons: list[Any] = []
    lines: list[Any] = []
    points: list[Any] = []
    waiting = [geometry]  # a stack of our own: documents nest deeper than Python's
    while waiting:
        one = waiting.pop()
        if one is None:
            raise Unusable("null-geometry", "the geometry is null")
        if not isinstance(one, dict) or not isinstance(one.get("type"), str):
            raise Unusable("geometry-type", "a geometry is an object with a type")
        kind, coordinates = one["type"], one.get("coordinates")
        if kind == "Polygon":
            polygons.append(coordinates)
        elif kind == "MultiPolygon":
            polygons.extend(listed(coordinates))
        elif kind == "LineString":
            lines.append(coordinates)
        elif kind == "MultiLineString":
            lines.extend(listed(coordinates))
        elif kind == "Point":
            points.extend([coordinates] if listed(coordinates) else [])
        elif kind == "MultiPoint":
            points.extend(listed(coordinates))
        elif kind == "GeometryCollection":
            waiting.extend(reversed(listed(one.get("geometries"))))
        else:
            raise Unusable("geometry-type", f"no GeoJSON geometry type: {kind[:40]!r}")
    if bool(polygons) + bool(lines) + bool(points) > 1:
        kept = "polygons" if polygons else "lines"
        lost = len(points) + (len(lines) if polygons else 0)
        problems.setdefault(
            "mixed-kinds",
            f"of a collection the {kept} count; {many(lost, 'other part is', 'other parts are')} left out",
        )
    if polygons:
        return _polygon_shape(polygons, problems)
    if lines:
        return _line_shape(lines, problems)
    if points:
        return _point_shape(points, problems)
    raise Unusable("empty-geometry", "the geometry has no positions")


def _polygon_shape(polygons: Iterable[object], problems: Problems) -> BaseGeometry:
    rings: list[Floats] = []
    first_rings = [0]
    for polygon in polygons:
        for place, positions in enumerate(listed(polygon)):
            ring = lonlat_of(positions)
            if len(ring) and (ring[0] != ring[-1]).any():
                problems.setdefault("ring-not-closed", "a ring's last position is not its first; closed")
                ring = np.concatenate((ring, ring[:1]))
            if len(ring) >= 4:
                rings.append(ring)
                continue
            if len(ring):
                rule = "hole-too-short" if place else "ring-too-short"
                problems.setdefault(rule, "a ring of fewer than three corners is left out")
            if place == 0:
                break  # holes without an outside
        if len(rings) > first_rings[-1]:
            first_rings.append(len(rings))
    if not rings:
        refuse_nothing(problems)
    lonlat = degrees(np.concatenate(rings), problems)
    first_positions = np.cumsum([0, *map(len, rings)])
    shapes: Shapes = shapely.from_ragged_array(
        shapely.GeometryType.POLYGON, lonlat, (first_positions, np.array(first_rings))
    )
    starts = first_positions[first_rings[:-1]]

    steps = np.abs(np.diff(lonlat[:, 0], append=lonlat[-1, 0]))
    steps[first_positions[1:] - 1] = 0  # from one ring to the next is no edge
    doubtful = np.logical_or.reduceat((np.abs(lonlat[:, 0]) > 180) | jumps(steps), starts)
    # An edge of 360 degrees is a wide box's, or stays in place on the antimeridian.
    full_turn = np.logical_or.reduceat(steps == 360, starts)
    doubtful[full_turn] |= ~shapely.is_valid(shapes[full_turn])
    doubtful[doubtful] &= ~shapely.covers(shapes[doubtful], MOST_OF_WORLD)
    for i in np.flatnonzero(doubtful):
        shapes[i] = polygon_on_earth(shapes[i], problems)

    crossing = ~shapely.is_valid(shapes)
    if crossing.any():
        shapes[crossing] = repaired(shapes[crossing])
    parts = parts_of_type(shapes, shapely.GeometryType.POLYGON)
    if not len(parts):
        problems.setdefault("ring-too-short", "the rings enclose no area")
        refuse_nothing(problems)
    if not shapely.area(shapes).all():
        problems.setdefault("ring-too-short", "a ring that encloses no area is left out")
    if crossing.any():
        problems.setdefault("self-crossing", "rings cross themselves or each other; repaired")
    whole = gathered(parts, shapely.multipolygons)
    if not shapely.is_valid(whole):
        problems.setdefault("self-crossing", "parts overlap or share an edge; united")
        whole = united(parts)
    return whole


def _line_shape(lines: Iterable[object], problems: Problems) -> BaseGeometry:
    arrays = []
    for positions in lines:
        line = lonlat_of(positions)
        if len(line) and (line == line[0]).all():
            problems.setdefault("line-too-short", "a line of fewer than two places is left out")
        elif len(line):
            arrays.append(line)
    if not arrays:
        refuse_nothing(problems)
    lonlat = degrees(np.concatenate(arrays), problems)
    shapes = [
        on_earth(line, shapely.linestrings, problems)
        for line in np.split(lonlat, np.cumsum([len(line) for line in arrays])[:-1])
    ]
    parts = parts_of_type(np.array(shapes), shapely.GeometryType.LINESTRING)
    return gathered(parts, shapely.multilinestrings)


def _point_shape(points: list[object], problems: Problems) -> BaseGeometry:
    lonlat = degrees(lonlat_of(points), problems)
    beyond = np.abs(lonlat[:, 0]) > 180
    if beyond.any():
        report_wrapped(problems)
        lonlat[beyond, 0] = (lonlat[beyond, 0] + 180) % 360 - 180
    return gathered(np.array([*map(shapely.Point, lonlat)]), shapely.multipoints)
