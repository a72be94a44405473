"""The functions of GeoSPARQL 1.1, by shapely, for Oxigraph to call.

Oxigraph has the Simple Features relations (``geof:sfIntersects`` and its kin), and is five times faster at them than a
call into Python. It knows CRS84 only and drops rows silently where it knows no answer, so those here are for queries in
which another CRS may occur. All others are always these: Oxigraph 0.5.13 has the Egenhofer and RCC8 relations too, but
not as the standard's tables define them (``geof:ehCovers`` is true of equal shapes, ``geof:ehOverlap`` never of a line
and a polygon), a distance between points only, and a geodesic area.

Everything is computed in CRS84, shapes with edges straight in longitude and latitude, and given back in CRS84 but by
``geof:transform``. What can be no answer raises an error that ends the query: :class:`Calls` keeps it, because Oxigraph
takes any exception for "unbound". A term that is no geometry at all is unbound, as SPARQL has it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

import numpy as np
import pyoxigraph as ox
import shapely
from shapely.errors import GEOSException
from shapely.geometry.base import BaseGeometry

from mlaoi_graph.errors import GeometryError, MlaoiError
from mlaoi_graph.geo import area_km2
from mlaoi_graph.geo.literals import GEOJSON, crs_of, from_crs84, geometry, literal
from mlaoi_graph.geo.written import geojson_text
from mlaoi_graph.geosparql.measures import buffered, distance_m, length_m

__all__ = ["FUNCTIONS", "RELATIONS", "Calls"]

FUNCTIONS: Final = "http://www.opengis.net/def/function/geosparql/"
_ANY_URI: Final = ox.NamedNode("http://www.w3.org/2001/XMLSchema#anyURI")

_Term: TypeAlias = object
_Result: TypeAlias = "BaseGeometry | ox.Literal | np.bool_ | bool | int | float | None"
_OGC: Final = "http://www.opengis.net/def/uom/OGC/1.0/"
_QUDT: Final = "http://qudt.org/vocab/unit/"
_METRES: Final = {
    f"{_OGC}metre": 1.0,
    f"{_OGC}kilometre": 1000.0,
    "http://www.opengis.net/def/uom/EPSG/0/9001": 1.0,
    f"{_QUDT}M": 1.0,
    f"{_QUDT}KiloM": 1000.0,
}
_SQUARE_METRES: Final = {
    f"{_OGC}square_metre": 1.0,
    f"{_OGC}square_kilometre": 1e6,
    f"{_QUDT}M2": 1.0,
    f"{_QUDT}KiloM2": 1e6,
    f"{_QUDT}HA": 1e4,
}
_DEGREES: Final = {
    f"{_OGC}degree": 1.0,
    f"{_OGC}radian": 180 / 3.141592653589793,
    "http://www.opengis.net/def/uom/EPSG/0/9102": 1.0,
    f"{_QUDT}DEG": 1.0,
}
"""Distances in degrees are those of the plane of longitude and latitude."""

_MATRICES: Final = {  # GeoSPARQL 1.0 and 1.1, the tables of the Egenhofer and the RCC8 family
    "ehOverlap": "T*T***T**",
    "ehCovers": "T*TFT*FF*",
    "ehCoveredBy": "TFF*TFT**",
    "ehInside": "TFF*FFT**",
    "ehContains": "T*TFF*FF*",
    # Not shapely.touches: of a polygon that fills the hole of another the table says no.
    "rcc8ec": "FFTFTTTTT",
    "rcc8po": "TTTTTTTTT",
    "rcc8tppi": "TTTFTTFFT",
    "rcc8tpp": "TFFTTFTTT",
    "rcc8ntpp": "TFFTFFTTT",
    "rcc8ntppi": "TTTFFTFFT",
}


def _by_matrix(pattern: str) -> Callable[..., Any]:
    return lambda a, b: shapely.relate_pattern(a, b, pattern)


_SIMPLE: Final[dict[str, Callable[..., Any]]] = {
    "sfEquals": shapely.equals,
    "sfDisjoint": shapely.disjoint,
    "sfIntersects": shapely.intersects,
    "sfTouches": shapely.touches,
    "sfCrosses": shapely.crosses,
    "sfWithin": shapely.within,
    "sfContains": shapely.contains,
    "sfOverlaps": shapely.overlaps,
}
_OTHERS: Final[dict[str, Callable[..., Any]]] = {
    # The tables' patterns for these demand a boundary, which a point has not; for polygons they are the same.
    "ehEquals": shapely.equals,
    "ehDisjoint": shapely.disjoint,
    "ehMeet": shapely.touches,
    "rcc8eq": shapely.equals,
    "rcc8dc": shapely.disjoint,
    **{name: _by_matrix(pattern) for name, pattern in _MATRICES.items()},
}
RELATIONS: Final = frozenset({*_SIMPLE, *_OTHERS})

_UNARY: Final[dict[str, Callable[[BaseGeometry], _Result]]] = {
    "boundary": shapely.boundary,
    "boundingCircle": shapely.minimum_bounding_circle,
    "centroid": shapely.centroid,
    "convexHull": shapely.convex_hull,
    "envelope": shapely.envelope,
    "asWKT": lambda shape: shape,
    "asGeoJSON": lambda shape: ox.Literal(geojson_text(shape), datatype=GEOJSON),
    "coordinateDimension": lambda shape: int(shapely.get_coordinate_dimension(shape)),
    "spatialDimension": lambda shape: 3 if shapely.has_z(shape) else 2,
    "dimension": lambda shape: int(shapely.get_dimensions(shape)),
    "geometryType": lambda shape: ox.Literal(f"http://www.opengis.net/ont/sf#{shape.geom_type}", datatype=_ANY_URI),
    "is3D": lambda shape: bool(shapely.has_z(shape)),
    "isEmpty": lambda shape: bool(shapely.is_empty(shape)),
    "isMeasured": lambda shape: bool(shapely.has_m(shape)),
    "isSimple": lambda shape: bool(shapely.is_simple(shape)),
    "numGeometries": lambda shape: int(shapely.get_num_geometries(shape)),
    "minX": lambda shape: _least(shape, 0, min),
    "maxX": lambda shape: _least(shape, 0, max),
    "minY": lambda shape: _least(shape, 1, min),
    "maxY": lambda shape: _least(shape, 1, max),
    "minZ": lambda shape: _least(shape, 2, min),
    "maxZ": lambda shape: _least(shape, 2, max),
    "metricArea": lambda shape: area_km2(shape) * 1e6,
    "metricLength": length_m,
    "metricPerimeter": length_m,
}
_BINARY: Final[dict[str, Callable[[BaseGeometry, BaseGeometry], _Result]]] = {
    "difference": shapely.difference,
    "intersection": shapely.intersection,
    "symDifference": shapely.symmetric_difference,
    "union": shapely.union,
    "metricDistance": distance_m,
}
_AGGREGATES: Final[dict[str, Callable[[list[BaseGeometry]], BaseGeometry]]] = {
    "aggBoundingBox": lambda shapes: shapely.envelope(shapely.GeometryCollection(shapes)),
    "aggBoundingCircle": lambda shapes: shapely.minimum_bounding_circle(shapely.GeometryCollection(shapes)),
    "aggCentroid": lambda shapes: shapely.centroid(shapely.GeometryCollection(shapes)),
    "aggConcatLines": lambda shapes: shapely.line_merge(shapely.union_all(shapes)),
    "aggConcaveHull": lambda shapes: shapely.concave_hull(shapely.union_all(shapes), ratio=0.3),
    "aggConvexHull": lambda shapes: shapely.convex_hull(shapely.GeometryCollection(shapes)),
    "aggUnion": shapely.union_all,
}


def _least(shape: BaseGeometry, axis: int, choose: Callable[[list[float]], float]) -> float | None:
    if axis == 2 and not shapely.has_z(shape):
        return None
    values = shapely.get_coordinates(shape, include_z=axis == 2)[:, axis].tolist()
    return choose(values) if values else None


def _area(shape: BaseGeometry, unit: _Term) -> float:
    return area_km2(shape) * 1e6 / _factor(unit, _SQUARE_METRES, "area")


def _length(shape: BaseGeometry, unit: _Term) -> float:
    iri = _iri(unit)
    return float(shape.length) / _DEGREES[iri] if iri in _DEGREES else length_m(shape) / _factor(unit, _METRES)


def _distance(a: BaseGeometry, b: BaseGeometry, unit: _Term) -> float | None:
    if shapely.is_empty(a) or shapely.is_empty(b):
        return None
    iri = _iri(unit)
    if iri in _DEGREES:
        return float(shapely.distance(a, b)) / _DEGREES[iri]
    metres = distance_m(a, b)
    return None if metres is None else metres / _factor(unit, _METRES)


def _buffer(shape: BaseGeometry, radius: float, unit: _Term) -> BaseGeometry:
    iri = _iri(unit)
    if iri in _DEGREES:
        return shapely.buffer(shape, radius * _DEGREES[iri], quad_segs=32)
    return buffered(shape, radius * _factor(unit, _METRES))


def _concave_hull(shape: BaseGeometry, share: float = 0.3) -> BaseGeometry:
    return shapely.concave_hull(shape, ratio=min(max(share, 0.0), 1.0))


def _iri(term: _Term) -> str:
    return str(getattr(term, "value", term))


def _factor(unit: _Term, units: dict[str, float], what: str = "length") -> float:
    iri = _iri(unit)
    if iri not in units:
        known = ", ".join(f"<{name}>" for name in [*units, *(_DEGREES if units is _METRES else ())])
        raise GeometryError(f"<{iri}> is not a unit of {what} that is known", f"Known: {known}")
    return units[iri]


class Calls:
    """The functions of one query, and the error one of them met.

    ``relations`` says whether the Simple Features relations are among them.
    """

    def __init__(self, *, relations: bool) -> None:
        self._error: BaseException | None = None
        self._relations = relations

    def check(self) -> None:
        """Raise what a function raised since the query began."""
        if self._error is not None:
            raise self._error

    @property
    def functions(self) -> dict[str, Callable[..., ox.Literal | None]]:
        """The functions by IRI."""
        return {FUNCTIONS + name: self.guarded(name, function) for name, function in self._named().items()}

    def called_in(self, text: str) -> dict[str, Callable[..., ox.Literal | None]]:
        """Return those of the functions that a query may call: to hand over all takes longer than a short query."""
        if "\\" in text:
            return self.functions
        return {
            FUNCTIONS + name: self.guarded(name, function) for name, function in self._named().items() if name in text
        }

    def _named(self) -> dict[str, Callable[..., _Result]]:
        shape, number = self._shape, self._number
        named: dict[str, Callable[..., _Result]] = {}

        def unary(of: Callable[[BaseGeometry], _Result]) -> Callable[..., _Result]:
            return lambda a: of(shape(a))

        def binary(of: Callable[[BaseGeometry, BaseGeometry], _Result]) -> Callable[..., _Result]:
            return lambda a, b: of(shape(a), shape(b))

        named |= {name: unary(of) for name, of in _UNARY.items()}
        named |= {name: binary(of) for name, of in (_BINARY | _OTHERS).items()}
        if self._relations:
            named |= {name: binary(of) for name, of in _SIMPLE.items()}
            named["relate"] = lambda a, b, pattern: bool(shapely.relate_pattern(shape(a), shape(b), _iri(pattern)))
        named |= {
            "area": lambda a, unit: _area(shape(a), unit),
            "buffer": lambda a, radius, unit: _buffer(shape(a), number(radius), unit),
            "concaveHull": lambda a, *share: _concave_hull(shape(a), *map(number, share)),
            "distance": lambda a, b, unit: _distance(shape(a), shape(b), unit),
            "geometryN": lambda a, n: shapely.get_geometry(shape(a), int(number(n)) - 1),
            "getSRID": lambda a: ox.Literal(crs_of(a), datatype=_ANY_URI) if shape(a) is not None else None,
            "length": lambda a, unit: _length(shape(a), unit),
            "metricBuffer": lambda a, radius: buffered(shape(a), number(radius)),
            "perimeter": lambda a, unit: _length(shape(a), unit),
            "transform": lambda a, crs: literal(from_crs84(shape(a), _iri(crs)), _iri(crs)),
        }
        return named

    @property
    def aggregates(self) -> dict[str, Callable[[], _Aggregate]]:
        """The aggregates by IRI."""

        def maker(name: str) -> Callable[[], _Aggregate]:
            return lambda: _Aggregate(name, self)

        return {FUNCTIONS + name: maker(name) for name in _AGGREGATES}

    def guarded(self, name: str, function: Callable[..., _Result]) -> Callable[..., ox.Literal | None]:
        """Return a function for Oxigraph to call, which keeps the first error for :meth:`check`."""

        def guarded(*arguments: _Term) -> ox.Literal | None:
            if self._error is not None:
                return None
            try:
                return _as_literal(function(*arguments))
            except _NoGeometry:
                return None
            except TypeError as error:
                # Of our own call, or of a number among the arguments that is none.
                self._error = GeometryError(f"geof:{name} does not take these arguments: {error}", "See GeoSPARQL 1.1")
            except GEOSException as error:
                self._error = GeometryError(f"geof:{name}: {error}", "Repair the geometry")
            except MlaoiError as error:
                self._error = error
            except BaseException as error:  # noqa: BLE001 - KeyboardInterrupt too: Oxigraph would swallow it
                self._error = error
            return None

        return guarded

    @staticmethod
    def _shape(term: _Term) -> BaseGeometry:
        shape = geometry(term)
        if shape is None:
            raise _NoGeometry
        return shape

    @staticmethod
    def _number(term: _Term) -> float:
        try:
            return float(_iri(term))
        except ValueError:
            raise _NoGeometry from None


class _NoGeometry(Exception):
    """A type error of SPARQL: the expression has no value."""


class _Aggregate:
    """What Oxigraph asks of an aggregate; terms that are no geometry are left out."""

    def __init__(self, name: str, calls: Calls) -> None:
        self._shapes: list[BaseGeometry] = []
        self._take = calls.guarded(name, lambda term: self._shapes.append(Calls._shape(term)))
        self._finish = calls.guarded(name, lambda: _AGGREGATES[name](self._shapes))

    def accumulate(self, element: _Term) -> None:
        self._take(element)

    def finish(self) -> ox.Literal | None:
        return self._finish()


def _as_literal(result: _Result) -> ox.Literal | None:
    if result is None or isinstance(result, ox.Literal):
        return result
    if isinstance(result, BaseGeometry):
        return literal(result)
    return ox.Literal(bool(result) if isinstance(result, np.bool_) else result)
