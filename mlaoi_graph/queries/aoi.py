"""The area a question is about, from whatever people have at hand."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import shapely
from shapely.errors import GEOSException
from shapely.geometry.base import BaseGeometry

from mlaoi_graph import countries, geo
from mlaoi_graph.errors import GeometryError, MissingExtra, NodeNotFound, SourceNotFound
from mlaoi_graph.model import Precision
from mlaoi_graph.uses import How, Unplaced

if TYPE_CHECKING:
    from mlaoi_graph.footprints import Footprints

__all__ = ["Aoi", "AoiLike", "area_of"]

AoiLike: TypeAlias = "Aoi | str | os.PathLike[str] | Mapping[str, Any] | Sequence[float] | BaseGeometry"
"""What :func:`area_of` takes."""

_WKT: Final = re.compile(
    r"\s*(<[^>]*>\s*)?((MULTI)?(POINT|LINESTRING|POLYGON)|GEOMETRYCOLLECTION)\s*Z?M?\s*(\(|EMPTY)", re.IGNORECASE
)
_SRID: Final = re.compile(r"\s*SRID\s*=\s*(\d+)\s*;", re.IGNORECASE)
_BBOX: Final = re.compile(r"\s*[^,\s]+(\s*,\s*[^,\s]+){3}(\s*,\s*[^,\s]+){0,2}\s*")
_CRS_84: Final = re.compile(r"CRS:?84|EPSG[:/]+[^:/]*[:/]*4326\b", re.IGNORECASE)
"""How a GeoJSON of 2008 says that it is in degrees, longitude first."""
_CRS84: Final = "<http://www.opengis.net/def/crs/OGC/1.3/CRS84>"
_JSON: Final = (".json", ".geojson")
_WKT_FILE: Final = ".wkt"
_FORMS: Final = (
    "An area is WKT, GeoJSON, west,south,east,north, a file, a country as Bolivia or BOL, "
    "or a dataset or area of the catalog"
)
_WORLD: Final = shapely.box(-180, -90, 180, 90)


@dataclass(frozen=True, slots=True)
class Aoi:
    """An area that is asked about."""

    geometry: BaseGeometry
    """OGC:CRS84 longitude latitude, valid, cut at the antimeridian, no collection."""
    label: str
    km2: float
    """0 for points and lines: then what is found has no share."""
    notes: tuple[str, ...] = ()
    """What was repaired or guessed."""


def area_of(
    what: AoiLike,
    *,
    footprints: Footprints | None = None,
    find: Callable[[str], str] | None = None,
) -> Aoi:
    """Return the area meant by WKT, GeoJSON, a box, a file, a country or a node of a catalog.

    * a shapely geometry, WKT text, GeoJSON as text or dictionary (a FeatureCollection is united);
    * west, south, east, north, as numbers or text; west beyond east is across the antimeridian;
    * a path: GeoJSON, WKT, or what geopandas reads (needs the extra ``maps``), transformed to longitude and latitude;
    * a country, by its English name or ISO 3166-1 alpha-3 code, in any case; several joined by ``+``. What is called
      so in the catalog, or a file, is named by its IRI or path instead;
    * an AreaOfInterest or dataset of a catalog, by IRI or name, if ``footprints`` and ``find`` are given.

    Longitude comes first. What is wrong and can be mended is, and ``notes`` say so: ``swapped-axes`` where only
    latitude first makes sense; an area that makes sense either way is believed. Raises GeometryError for what is empty
    or no geometry, SourceNotFound, NodeNotFound.

    >>> area_of("7,46,8,47").label, round(area_of([7, 46, 8, 47]).km2)
    ('7,46,8,47', 8533)
    >>> area_of("POLYGON ((46 170, 47 170, 47 171, 46 170))").notes[0].partition(":")[0]
    'swapped-axes'
    >>> area_of("LUX+BEL").label, area_of("belgium + Luxembourg").label
    ('BEL, LUX', 'BEL, LUX')
    """
    if isinstance(what, Aoi):
        return what
    if isinstance(what, BaseGeometry):
        return _from_shape(what, what.geom_type)
    if isinstance(what, Mapping):
        return _from_geojson(what, str(what.get("id") or "GeoJSON"))
    if isinstance(what, str):
        return _from_text(what, footprints, find)
    if isinstance(what, os.PathLike):
        return _from_file(Path(what))
    try:
        numbers = [float(number) for number in what]
    except (TypeError, ValueError):
        raise GeometryError(f"{what!r:.100} is no area", _FORMS) from None
    return _from_box(numbers, ",".join(f"{number:g}" for number in numbers) or "[]")


def _from_text(text: str, footprints: Footprints | None, find: Callable[[str], str] | None) -> Aoi:
    srid = _SRID.match(text)
    if srid and srid[1] != "4326":
        raise GeometryError(f"the area is in SRID {srid[1]}", "Transform it to 4326, longitude first, in degrees")
    wkt = text[srid.end() :] if srid else text
    if _WKT.match(wkt):
        return _from_wkt(wkt.strip().removeprefix(_CRS84).strip(), text)
    if text.lstrip().startswith("{"):
        return _from_geojson(_parsed(text, "the area"), "GeoJSON")
    if _BBOX.fullmatch(text):
        try:
            numbers = [float(number) for number in text.split(",")]
        except ValueError:
            numbers = []
        if numbers:
            return _from_box(numbers, text.strip())
    if codes := countries.meant(text):
        return _from_shape(shapely.from_wkt(countries.outline(codes)), ", ".join(codes))
    if os.path.exists(text):
        return _from_file(Path(text))
    if footprints is None or find is None:
        raise SourceNotFound(text, "no WKT, GeoJSON, box or country, and no such file")
    try:
        iri = find(text)
    except NodeNotFound as error:
        if text.lower().endswith((*_JSON, _WKT_FILE, ".shp", ".gpkg", ".parquet", ".kml", ".fgb", ".zip")):
            raise SourceNotFound(text) from None
        raise NodeNotFound(
            text, error.candidates, ambiguous=error.ambiguous, or_else=_FORMS, shown=error.shown
        ) from None
    return _from_node(iri, footprints)


def _from_wkt(wkt: str, text: str) -> Aoi:
    notes = []
    try:
        shape = shapely.from_wkt(wkt)
    except GEOSException as error:
        # GEOS closes rings when told to, and says nothing of what else is wrong.
        shape = shapely.from_wkt(wkt, on_invalid="fix")
        if shapely.is_missing(shape):
            reason = str(error).removeprefix("ParseException: ")
            raise GeometryError(
                f"the area is no WKT: {reason}", "Write it as POLYGON ((7 46, 8 46, 8 47, 7 46)), longitude first"
            ) from None
        notes.append("ring-not-closed: a ring's last position is not its first; closed")
    return _from_shapes(np.array([shape], dtype=object), text if len(text) < 60 else shape.geom_type, notes)


def _from_node(iri: str, footprints: Footprints) -> Aoi:
    used = footprints.used
    rows = footprints.rows_of_area(iri)
    notes: list[str] = []
    target = used.target(iri)
    if not len(rows) and target is not None:
        _, sources, how = used.sources_of_targets(np.array([target]))
        rows = np.unique(used.rows_of(sources)[1])
        if (how == How.INHERITED).any():
            notes.append("inherited: it has no footprint of its own; this is that of what it is part of")
    every = rows
    rows = rows[footprints.has_geometry(rows)]
    if not len(rows):
        declared = footprints.declared_by(iri)
        every = np.concatenate((every, declared))
        rows = declared[footprints.has_geometry(declared)]
        notes = ["declared: this is where its publisher says it may be used"]
    if not len(rows):
        is_archive = target is not None and used.unplaced(np.array([target]))[0] == Unplaced.UNBOUNDED
        if is_archive or Precision.GLOBAL in footprints.precisions(every):
            raise GeometryError(f"{iri} is unbounded: from anywhere, or the whole world", "Give a box, WKT or a file")
        raise GeometryError(f"no footprint of {iri} is known", "Give a box, WKT or a file")
    return _united(list(footprints.geometries(rows)), iri, notes)


def _from_file(path: Path) -> Aoi:
    if not path.exists():
        raise SourceNotFound(str(path))
    value = None
    if path.suffix.lower() in (*_JSON, _WKT_FILE):
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise GeometryError(f"{path}: {error}", "Give a file of GeoJSON or WKT") from None
        if path.suffix.lower() == _WKT_FILE:
            if not _WKT.match(_SRID.sub("", text, count=1)):
                raise GeometryError(f"{path} holds no WKT", "Write it as POLYGON ((7 46, 8 46, 8 47, 7 46))")
            return replace(_from_text(text, None, None), label=path.name)
        value = _parsed(text, str(path))
        if _other_crs(value) is None:
            return _from_geojson(value, path.name)
    try:
        import geopandas
    except ImportError:
        raise MissingExtra("maps", needed_for=f"reading an area from {path.name}") from None
    try:
        read = geopandas.read_parquet if path.suffix.lower() in (".parquet", ".geoparquet") else geopandas.read_file
        frame = read(path)
    except Exception as error:
        raise GeometryError(f"{path}: {error}", "Give a vector file geopandas can read") from error
    notes = []
    if value is not None and frame.crs in (None, "EPSG:4326", "OGC:CRS84"):
        return _from_geojson(value, path.name)  # what its crs member says was not understood, which is an error
    if frame.crs is None:
        notes.append("no-crs: the file names no coordinate system; read as longitude, latitude")
    else:
        frame = frame.to_crs("OGC:CRS84")
    shapes = frame.geometry.to_numpy()
    missing = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    if missing.any():
        notes.append(f"null-geometry: {missing.sum()} of {len(shapes)} features have no geometry")
    return _from_shapes(shapes[~missing], path.name, notes)


def _from_geojson(value: Any, label: str) -> Aoi:
    kind = value.get("type") if isinstance(value, Mapping) else None
    crs = _other_crs(value)
    if crs is not None:
        raise GeometryError(
            f"{label}: its crs member says {json.dumps(crs)[:100]}",
            "Transform it to CRS84: longitude first, in degrees; a file is, if it names a known system",
        )
    if kind == "Feature":
        return _from_geojson(value.get("geometry"), str(value.get("id") or label))
    if kind == "FeatureCollection":
        features = value.get("features")
        if not isinstance(features, list):
            raise GeometryError(f"{label}: a FeatureCollection has a list of features", "Write it as RFC 7946 has it")
        read = [geo.from_geojson(f.get("geometry") if isinstance(f, Mapping) else None) for f in features]
        notes = [f"{p.rule}: feature {i}: {p.message}" for i, one in enumerate(read) for p in one.problems]
        if any(one.unbounded for one in read):
            return _made(_WORLD, label, notes)
        return _united([shapely.from_wkt(one.wkt) for one in read if one.wkt], label, notes)
    return _from_footprint(geo.from_geojson(value), label)


def _other_crs(value: Any) -> Any:
    """Return what a GeoJSON of 2008 says of its coordinates, where they are not longitude and latitude."""
    crs = value.get("crs") if isinstance(value, Mapping) else None
    return None if crs is None or _CRS_84.search(json.dumps(crs)) else crs


def _from_shape(shape: BaseGeometry, label: str) -> Aoi:
    return _from_shapes(np.array([shape], dtype=object), label, [])


def _from_shapes(shapes: Any, label: str, notes: list[str]) -> Aoi:
    """Read shapes as any other document's: the same is repaired, and said."""
    made = []
    for shape in shapes:
        if _is_plain(shape):
            made.append(shapely.force_2d(shape))
            continue
        found = geo.from_geojson(shapely.geometry.mapping(shape))
        notes.extend(f"{problem.rule}: {problem.message}" for problem in found.problems)
        if found.unbounded:
            return _made(_WORLD, label, notes)
        if found.wkt:
            made.append(shapely.from_wkt(found.wkt))
    return _united(made, label, notes)


def _is_plain(shape: BaseGeometry) -> bool:
    """Return whether there is nothing to mend: up to 180 degrees wide, it neither crosses 180 nor is the world."""
    if shape.is_empty or shape.geom_type == "GeometryCollection":
        return False
    w, s, e, n = shape.bounds
    return -180 <= w <= e <= 180 and -90 <= s <= n <= 90 and e - w <= 180 and bool(shapely.is_valid(shape))


def _from_box(numbers: Sequence[float], label: str) -> Aoi:
    return _from_footprint(geo.from_bbox([*numbers]), label)


def _from_footprint(found: geo.Footprint, label: str) -> Aoi:
    notes = [f"{problem.rule}: {problem.message}" for problem in found.problems]
    if found.unbounded:
        return _made(_WORLD, label, notes)
    return _united([shapely.from_wkt(found.wkt)] if found.wkt else [], label, notes)


def _united(shapes: list[BaseGeometry], label: str, notes: list[str]) -> Aoi:
    if not shapes:
        raise GeometryError(f"the area {label} is empty or no geometry: {'; '.join(notes) or 'nothing in it'}", _FORMS)
    together = np.array(shapes, dtype=object)
    dimensions = shapely.get_dimensions(together)
    lesser = int((dimensions < dimensions.max()).sum())
    if lesser:
        notes = [*notes, f"mixed-geometry: {lesser} of {len(together)} are points or lines beside areas; left out"]
    if len(together) > 1:
        return _made(shapely.union_all(together[dimensions == dimensions.max()]), label, notes)
    return _made(together[0], label, notes)


def _made(geometry: BaseGeometry, label: str, notes: Sequence[str]) -> Aoi:
    km2 = geo.area_km2(geometry)
    said = list(notes)
    if not km2:
        said.append("zero-area: a point or line; what holds it is found, and shares cannot be told")
    return Aoi(geometry, label, km2, tuple(dict.fromkeys(said)))


def _parsed(text: str, what: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise GeometryError(f"{what} is no JSON: {error}", _FORMS) from None
