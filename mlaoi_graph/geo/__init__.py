"""Footprints: what documents say about places, as OGC:CRS84 longitude latitude geometries.

:func:`from_geojson`, :func:`from_bbox` and :func:`from_extent` take any JSON value and never raise
for what they are given. What cannot be used gives a :class:`Footprint` without geometry, what can be
repaired is repaired, and both are told in ``problems`` by one of these rules, each at most once:

=====================  =======================================================================
``geometry-type``      no GeoJSON geometry, or coordinates that are not positions; no footprint
``bbox-type``          not 4 or 6 numbers, or not a list of such boxes
``null-geometry``      there is none; no footprint
``empty-geometry``     a geometry without positions; no footprint
``not-finite``         NaN, infinity or null among the coordinates, also as text; no footprint
``out-of-range``       not degrees in either order, as projected coordinates; no footprint
``swapped-axes``       can only be latitude longitude; read so
``bbox-order``         south above north, or both pairs reversed; read the other way round
``longitude-wrapped``  longitudes beyond +-180; moved by full turns
``antimeridian``       an edge longer than 180 degrees; read across the antimeridian, cut there; or a box
                       across it that is wider than 180 degrees; read as it stands
``ring-not-closed``    closed
``ring-too-short``     a ring without an inside; left out
``hole-too-short``     the same of a hole
``mixed-kinds``        a collection of polygons with lines or points, or of lines with points: these are left out
``line-too-short``     a line of fewer than two places; left out
``self-crossing``      rings that cross, parts that overlap or share edges; repaired, or none
``unbounded``          the whole world: no footprint, yet not unknown either
``bbox-mismatch``      a geometry reaches out of its own bbox; an extent's first box is no hull
=====================  =======================================================================

Edges are straight in longitude and latitude (RFC 7946, 3.1.1): a bbox is bounded by parallels, not
by geodesics. Cutting, overlaying and measuring all follow that, so parts add up to their whole.
Elevations are dropped.
"""

from mlaoi_graph.geo.areas import area_km2, areas_km2, overlap_km2
from mlaoi_graph.geo.footprints import Footprint, Problem, from_bbox, from_extent, from_geojson

__all__ = [
    "Footprint",
    "Problem",
    "area_km2",
    "areas_km2",
    "from_bbox",
    "from_extent",
    "from_geojson",
    "overlap_km2",
]
