"""Geometry literals as shapely geometries in OGC:CRS84, longitude before latitude, and back."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

import numpy as np
import pyoxigraph as ox
import shapely
from shapely.errors import GEOSException
from shapely.geometry.base import BaseGeometry

from mlaoi_graph.errors import GeometryError, MissingExtra
from mlaoi_graph.geo import from_geojson
from mlaoi_graph.geo.shapes import Floats
from mlaoi_graph.vocab import GEO

__all__ = [
    "CRS84",
    "GEOJSON",
    "WKT",
    "boxes",
    "check_constant",
    "crs_of",
    "from_crs84",
    "geometry",
    "is_geometry",
    "literal",
]

CRS84: Final = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
WKT: Final = ox.NamedNode(GEO.wktLiteral)
GEOJSON: Final = ox.NamedNode("http://www.opengis.net/ont/geosparql#geoJSONLiteral")
_OTHER: Final = {f"http://www.opengis.net/ont/geosparql#{name}Literal" for name in ("gml", "kml", "dggs")}
_WRITTEN: Final = re.compile(r"\s*(?:<([^>]*)>)?\s*(.*)", re.DOTALL)
_CRS84: Final = re.compile(
    r"https?://www\.opengis\.net/def/crs/OGC/(?:1\.3|0)/CRS84|urn:ogc:def:crs:OGC:(?:1\.3|2)?:CRS84"
)
_EPSG: Final = re.compile(
    r"(?:https?://www\.opengis\.net/def/crs/EPSG/[^/]*/|urn:ogc:def:crs:EPSG:[^:]*:|https?://epsg\.io/)(\d+)"
)
_DEEPEST_WKT: Final = 100
"""Collections in one WKT; GEOS's parser overflows the stack of the process at 10^5 nested ones."""
_PIECES: Final = 64
"""An edge that is straight in another CRS is cut into so many, at the longest, before it is moved."""


def crs_of(term: ox.Literal) -> str:
    """Return the IRI of the CRS a WKT literal is written in; CRS84 where none is said."""
    found = _WRITTEN.match(term.value) if term.datatype == WKT else None
    return found[1] if found and found[1] else CRS84


def is_geometry(term: object) -> bool:
    """Return whether a term is a geometry literal that is read."""
    return isinstance(term, ox.Literal) and term.datatype in (WKT, GEOJSON)


@lru_cache(maxsize=1024)
def geometry(term: object) -> BaseGeometry | None:
    """Return the geometry of a WKT or GeoJSON literal in CRS84; None for a term that is no geometry.

    Edges straight in a projected CRS are followed closely, and cut at the antimeridian. Raises GeometryError for text
    that cannot be read and a CRS that is not known, MissingExtra for one that needs pyproj.

    >>> swapped = "<http://www.opengis.net/def/crs/EPSG/0/4326> POINT (46 7)"
    >>> geometry(ox.Literal(swapped, datatype=WKT))
    <POINT (7 46)>
    """
    if not isinstance(term, ox.Literal):
        return None
    if term.datatype == GEOJSON:
        try:
            return shapely.from_geojson(term.value)
        except GEOSException as error:
            raise GeometryError(f"no GeoJSON geometry: {error}", "Write it as RFC 7946 has it") from None
    if term.datatype.value in _OTHER:
        raise GeometryError(f"{term.datatype.value.rpartition('#')[2]} is not read", "Write a geo:wktLiteral")
    if term.datatype != WKT:
        return None
    found = _WRITTEN.match(term.value)
    assert found is not None  # each part of it may be empty
    crs, text = found[1] or CRS84, found[2]
    if text.upper().count("COLLECTION") > _DEEPEST_WKT:
        raise GeometryError("WKT with too many collections", "Write one multi-part geometry")
    try:
        shape = shapely.from_wkt(text) if text else shapely.GeometryCollection()
    except GEOSException as error:
        raise GeometryError(f"no WKT: {error}", "Write as in POINT (7 46): longitude before latitude") from None
    return _to_crs84(shape, crs)


def boxes(wkts: list[str]) -> Floats:
    """Return west, south, east and north of WKT in CRS84, a row for each; NaN where it is in another or none at all.

    >>> boxes(["POINT (7 46)", "<urn:other> POINT (1 2)"]).tolist()
    [[7.0, 46.0, 7.0, 46.0], [nan, nan, nan, nan]]
    """
    read = [None if text.upper().count("COLLECTION") > _DEEPEST_WKT else text for text in wkts]
    found: Floats = shapely.bounds(shapely.from_wkt(np.array(read, dtype=object), on_invalid="ignore"))
    return found


def check_constant(term: ox.Literal) -> None:
    """Raise GeometryError for a literal of a query that cannot be read or cannot be longitude and latitude."""
    shape = geometry(term)
    if shape is None or shapely.is_empty(shape):
        return
    west, south, east, north = shape.bounds
    if west >= -180 and south >= -90 and east > 180 and east <= 360 and north <= 90:
        raise GeometryError(f"{_short(term.value)} reaches beyond 180 degrees east", "Cut it there, as a MULTIPOLYGON")
    if not (west >= -180 and east <= 180 and south >= -90 and north <= 90):
        raise GeometryError(
            f"{_short(term.value)} is not in degrees of longitude and latitude",
            f"Longitude comes first; name any other CRS before the WKT: <{_epsg_iri(32632)}> POINT (...)",
        )


def literal(shape: BaseGeometry, crs: str = CRS84) -> ox.Literal:
    """Return a geometry as WKT literal; numbers read back as the same floats."""
    text = shapely.to_wkt(shape, rounding_precision=-1)
    return ox.Literal(text if crs == CRS84 else f"<{crs}> {text}", datatype=WKT)


def from_crs84(shape: BaseGeometry, crs: str) -> BaseGeometry:
    """Return a geometry moved to another CRS, in the axis order of that CRS. Raises as :func:`geometry` does."""
    if _CRS84.fullmatch(crs):
        return shape
    code = _code(crs)
    return _swapped(shape) if code == 4326 else _moved(shape, "OGC:CRS84", f"EPSG:{code}", crs)


def _to_crs84(shape: BaseGeometry, crs: str) -> BaseGeometry:
    if _CRS84.fullmatch(crs):
        return shape
    code = _code(crs)
    if code == 4326:
        return _swapped(shape)
    x_min, y_min, x_max, y_max = shape.bounds
    longest = max(x_max - x_min, y_max - y_min) / _PIECES
    if longest > 0:
        shape = shapely.segmentize(shape, longest)
    moved = _moved(shape, f"EPSG:{code}", "OGC:CRS84", crs)
    read = from_geojson(shapely.geometry.mapping(moved))
    if read.wkt is None:
        raise GeometryError(
            f"cannot be used in CRS84 after moving it from <{crs}>: {read.problems[0]}", "Check that CRS and its axes"
        )
    return shapely.from_wkt(read.wkt)


def _code(crs: str) -> int:
    found = _EPSG.fullmatch(crs)
    if found is None:
        raise GeometryError(f"<{crs}> is not a CRS that is known", f"Write <{CRS84}>, none, or <{_epsg_iri(4326)}>")
    return int(found[1])


def _moved(shape: BaseGeometry, source: str, target: str, crs: str) -> BaseGeometry:
    try:
        import pyproj
    except ImportError:
        raise MissingExtra("crs", needed_for=f"a geometry in <{crs}>") from None
    try:
        transformer = pyproj.Transformer.from_crs(source, target)
    except pyproj.exceptions.ProjError as error:
        raise GeometryError(f"<{crs}> is not a CRS that is known: {error}", "Use the number EPSG gives it") from None

    def move(xy: Floats) -> Floats:
        return np.column_stack(transformer.transform(xy[:, 0], xy[:, 1]))

    moved = shapely.transform(shape, move)
    if not np.isfinite(shapely.get_coordinates(moved)).all():
        raise GeometryError(f"coordinates outside of what <{crs}> covers", "Check the axis order of that CRS")
    return moved


def _swapped(shape: BaseGeometry) -> BaseGeometry:
    return shapely.transform(shape, lambda xy: xy[:, ::-1])


def _epsg_iri(code: int) -> str:
    return f"http://www.opengis.net/def/crs/EPSG/0/{code}"


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:60]}..."
