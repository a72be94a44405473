"""Where everything in a graph is: one row for each geometry, and what it is the footprint of, in a file beside it.

The graph is the truth. This is derived from one state of it, says which, and is made again for another. Making it
reads everything that is said of every area, some 100 microseconds each; opening it takes milliseconds.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from mlaoi_graph import iri as iris
from mlaoi_graph.errors import IndexDamaged
from mlaoi_graph.geo import index, mapped
from mlaoi_graph.geo.index import Index
from mlaoi_graph.geo.mapped import Array, Mapped
from mlaoi_graph.geo.shapes import Shapes
from mlaoi_graph.model import Precision
from mlaoi_graph.rdf import INFERRED_GRAPH, LOG_GRAPH, PRECISION_OF
from mlaoi_graph.results import texts
from mlaoi_graph.samples import stored
from mlaoi_graph.stores import Store
from mlaoi_graph.uses import Uses
from mlaoi_graph.uses import arrays_of as uses_arrays
from mlaoi_graph.vocab import MLAOI

__all__ = ["Area", "During", "Footprints", "instants", "span"]

_RULES: Final = "footprints 2"
"""Changes with what is written, so that files of another version are made again."""
_PRECISIONS: Final = tuple(Precision)
_CRS84: Final = "<http://www.opengis.net/def/crs/OGC/1.3/CRS84>"
_DEEPEST_WKT: Final = 100
"""Collections in one WKT; GEOS's parser overflows the stack of the process at 10^5 nested ones."""
_MANY_PARTS: Final = 1000
"""Parts of a geometry beyond which its own box is looked for, instead of one box after the other."""
_NEAR: Final = 1e-9
OPEN_START: Final = np.iinfo(np.int64).min
OPEN_END: Final = np.iinfo(np.int64).max
"""What stands for a time that is not said."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Area:
    """One row: a geometry, whose footprint it is, and what is said of it."""

    row: int
    iri: str | None
    """Of the AreaOfInterest, or of a sample in a file, which is no node; None for a geometry that belongs to none."""
    geometry: str | None
    """IRI of the geometry node; None where the area has no geometry in the graph: it is a sample in a file beside it,
    not known, or unbounded."""
    wkt: str | None
    """The literal exactly as it stands in the graph."""
    km2: float
    precision: Precision | None
    datasets: tuple[str, ...]
    """Datasets and splits of which it is a footprint, sorted."""
    models: tuple[str, ...]
    """Models that declare it as their own area; no evidence of any use there."""
    uses: tuple[str, ...]
    """Uses that their source limits to it."""
    start: str | None
    """First acquisition, as published; None is not said."""
    end: str | None
    split: str | None
    documents: tuple[str, ...]
    """IRIs of the documents that describe the area, sorted."""


class Footprints:
    """The footprints of one state of a graph.

    ``index`` finds rows by geometry; everything here takes the rows it gives. An area that two documents draw
    differently has two rows; one without a geometry has a row that no search finds. Rows are in the order of area and
    WKT, whatever the history of the store.
    """

    def __init__(self, mapped: Mapped) -> None:
        self._mapped = mapped
        self.index: Final = Index(mapped)

    @classmethod
    def of(cls, store: Store, path: Path | None = None, version: str = "", samples: Path | None = None) -> Footprints:
        """Return the footprints in a store: from the file if it is of this version, else made and written there.

        Without a path, or where none can be written, they are in memory. In the folder ``samples`` are the files of
        samples that documents of the store stand for (:mod:`mlaoi_graph.samples`).
        """
        note = f"{_RULES} {version}"
        if path is not None and (known := cls.kept(path, version)) is not None:
            return known
        arrays = _arrays(store, samples)
        if path is not None:
            with contextlib.suppress(OSError):
                mapped.write(path, arrays, note=note)
                return cls(Mapped(path))
        return cls(Mapped.in_memory(arrays, note=note))

    @classmethod
    def kept(cls, path: Path, version: str) -> Footprints | None:
        """Return what a file holds, if it is whole and of this version."""
        with contextlib.suppress(IndexDamaged):
            known = cls(Mapped(path))
            if known._mapped.note == f"{_RULES} {version}":
                return known
        return None

    def __len__(self) -> int:
        """Return the number of rows, those without a geometry included."""
        return len(self.index)

    def __repr__(self) -> str:
        return f"<Footprints: {len(self)} rows>"

    # -- what rows say --------------------------------------------------------------------------------------------

    def areas(self, rows: Array) -> list[Area]:
        """Return everything the rows say."""
        columns = [self._texts(name, rows) for name in ("area", "geometry", "wkt", "start", "end", "split")]
        km2 = self.index.areas_km2(rows).tolist()
        precisions = self.precisions(rows)
        lists = [self._lists(name, rows) for name in ("dataset", "model", "use", "document")]
        return [
            Area(
                row=row,
                iri=area or None,
                geometry=geometry or None,
                wkt=wkt or None,
                km2=km2[i],
                precision=precisions[i],
                datasets=lists[0][i],
                models=lists[1][i],
                uses=lists[2][i],
                start=start or None,
                end=end or None,
                split=split or None,
                documents=lists[3][i],
            )
            for i, (row, area, geometry, wkt, start, end, split) in enumerate(zip(rows.tolist(), *columns, strict=True))
        ]

    def areas_named(self, rows: Array) -> list[tuple[str, str, str]]:
        """Return of rows the area's IRI, start and end as published; "" for what there is not."""
        return list(zip(*(self._texts(name, rows) for name in ("area", "start", "end")), strict=True))

    def wkts(self, rows: Array) -> list[str]:
        """Return the WKT literals of rows exactly as they stand in the graph, "" where there is none."""
        return self._texts("wkt", rows)

    def wkt_candidates(self, geometry: BaseGeometry) -> set[str]:
        """Return every WKT in the graph, exactly as it stands there, that may share a point with a CRS84 geometry.

        A superset, as engines differ in the last digit: those nearer than 1e-9 degrees, and those that have no place.
        """
        parts = shapely.get_parts(geometry)
        boxes = shapely.bounds(parts[~shapely.is_empty(parts)] if len(parts) <= _MANY_PARTS else [geometry])
        found = [self.index.candidates(box) for box in boxes.tolist()]
        rows = found[0] if len(found) == 1 else np.unique(np.concatenate([np.empty(0, dtype=np.uint32), *found]))
        # What is no valid shape has no inside that engines agree on.
        if shapely.is_valid(geometry) and not shapely.equals(geometry, shapely.envelope(geometry)):
            shapely.prepare(geometry)
            rows = rows[shapely.dwithin(geometry, self.geometries(rows), _NEAR)]
        return {*self.wkts(rows), *self._unplaced}

    @cached_property
    def _unplaced(self) -> tuple[str, ...]:
        rows = np.arange(len(self), dtype=np.uint32)
        return tuple(filter(None, self.wkts(rows[~self.has_geometry(rows)])))

    def geometries(self, rows: Array) -> Shapes:
        """Return the geometries of rows, valid and two-dimensional; an empty point where there is none."""
        return self.index.geometries(rows)

    def precisions(self, rows: Array) -> list[Precision | None]:
        """Return how precise rows are said to be."""
        return [_PRECISIONS[code] if code < len(_PRECISIONS) else None for code in self.precision_codes(rows)]

    def precision_codes(self, rows: Array) -> Array:
        """Return the same as places in the order of ``Precision``, the finest first; beyond them if it is not said."""
        return self._mapped.take("precision", rows)

    def has_geometry(self, rows: Array) -> Array:
        """Return which rows have a geometry that could be read."""
        has: Array = np.isfinite(self.index.bounds(rows)[:, 0])
        return has

    def times(self, rows: Array) -> tuple[Array, Array]:
        """Return first and last instant of rows, in microseconds since 1970 (UTC); what is not said is open.

        The first instant of a day is its midnight, the last the microsecond before the next.
        """
        return self._mapped.take("start_us", rows), self._mapped.take("end_us", rows)

    def in_time(self, rows: Array, during: During) -> tuple[Array, Array]:
        """Return which rows may have data of a time, and which of those is not certain because a side is not said.

        Both spans are closed: one that ends in the instant the other begins is in it. Raises ValueError.
        """
        first, last = span(during)
        start, end = self.times(rows)
        may = (start <= last) & (end >= first)
        return may, may & ((start == OPEN_START) | (end == OPEN_END))

    # -- whose footprints rows are --------------------------------------------------------------------------------

    @cached_property
    def datasets(self) -> list[str]:
        """Datasets and splits that have a footprint of their own, sorted; :meth:`datasets_of` counts in these."""
        return self._names("dataset")

    @cached_property
    def models(self) -> list[str]:
        """Models that declare an area, sorted."""
        return self._names("model")

    @cached_property
    def uses(self) -> list[str]:
        """Uses that are limited to an area, sorted."""
        return self._names("use")

    def datasets_of(self, rows: Array) -> tuple[Array, Array]:
        """Return pairs: a place in ``rows``, and the place in ``datasets`` of a dataset it is a footprint of."""
        return self._mapped.runs("dataset", rows)

    def models_of(self, rows: Array) -> tuple[Array, Array]:
        """Return the same for the models that declare rows as theirs."""
        return self._mapped.runs("model", rows)

    def uses_of(self, rows: Array) -> tuple[Array, Array]:
        """Return the same for the uses limited to rows."""
        return self._mapped.runs("use", rows)

    def rows_of(self, *datasets: str) -> Array:
        """Return the rows of datasets' own footprints, each once: not those of their parts."""
        return self._rows_of("dataset", self._place, datasets)

    def rows_of_area(self, iri: str) -> Array:
        """Return the rows of an AreaOfInterest, by its IRI. They lie side by side: rows are in the order of IRIs."""
        count = len(self)
        low, high = 0, count
        while low < high:
            middle = (low + high) // 2
            if self._texts("area", np.array([middle]))[0] < iri:
                low = middle + 1
            else:
                high = middle
        high = low
        while high < count and self._texts("area", np.array([high]))[0] == iri:
            high += 1
        return np.arange(low, high, dtype=np.uint32)

    def declared_by(self, *models: str) -> Array:
        """Return the rows that models declare as their own area."""
        places = {name: place for place, name in enumerate(self.models)}
        return self._rows_of("model", places, models)

    @cached_property
    def _place(self) -> dict[str, int]:
        return {name: place for place, name in enumerate(self.datasets)}

    def _rows_of(self, name: str, places: dict[str, int], wanted: Sequence[str]) -> Array:
        known = np.array([places[iri] for iri in wanted if iri in places], dtype=np.int64)
        return np.unique(self._mapped.runs(f"{name}.rows", known)[1]).astype(np.uint32)

    @cached_property
    def used(self) -> Uses:
        """Who used what, by whose footprint tells where that was."""
        return Uses(self._mapped)

    # -- columns --------------------------------------------------------------------------------------------------

    def _texts(self, name: str, rows: Array) -> list[str]:
        return [piece.decode() for piece in self._mapped.pieces(name, rows)]

    def _names(self, name: str) -> list[str]:
        return self._texts(f"{name}.names", np.arange(self._mapped.length(f"{name}.names.starts") - 1))

    def _lists(self, name: str, rows: Array) -> list[tuple[str, ...]]:
        place, codes = self._mapped.runs(name, rows)
        once, which = np.unique(codes, return_inverse=True)
        names = self._texts(f"{name}.names", once)
        lists: list[list[str]] = [[] for _ in range(len(rows))]
        for at, code in zip(place.tolist(), which.tolist(), strict=True):
            lists[at].append(names[code])
        return [tuple(found) for found in lists]


@lru_cache(maxsize=1 << 16)
def instants(text: str) -> tuple[int, int]:
    """Return first and last microsecond since 1970 of an ISO 8601 year, month, day or instant; UTC if not said.

    Raises ValueError.

    >>> first, last = instants("2020-02")
    >>> (last + 1 - first) / 86_400e6
    29.0
    """
    text = text.strip()
    parts = text.split("-")
    try:
        if len(parts) <= 2 and all(part.isdigit() for part in parts):
            year, month = int(parts[0]), int(parts[1]) if len(parts) == 2 else None
            first = datetime(year, month or 1, 1, tzinfo=UTC)
            after = datetime(year + 1, 1, 1, tzinfo=UTC)
            if month is not None and month < 12:
                after = datetime(year, month + 1, 1, tzinfo=UTC)
        elif len(text) == 10:
            day = date.fromisoformat(text)
            first = datetime(day.year, day.month, day.day, tzinfo=UTC)
            after = first + timedelta(days=1)
        else:
            first = datetime.fromisoformat(text)
            first = first if first.tzinfo is not None else first.replace(tzinfo=UTC)
            after = first + _MICROSECOND
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is no time. Give a year, month, day or instant, as 2024-06-30") from None
    return (first - _EPOCH) // _MICROSECOND, (after - _EPOCH) // _MICROSECOND - 1


During: TypeAlias = "str | tuple[str | None, str | None]"
"""What :func:`span` takes."""


def span(during: During) -> tuple[int, int]:
    """Return first and last microsecond since 1970 of a time, "2018", "2018/2019", or a pair; None and ".." are open.

    Raises ValueError for what is no time, and for an end before the start.

    >>> span("2018/2019") == span(("2018", "2019")), span("2018") == span("2018/2018")
    (True, True)
    >>> span("2018/..") == span(("2018", None)) == span("2018/")
    True
    """
    sides: Any = during
    if isinstance(during, str):
        start, slash, end = during.partition("/")
        sides = (start, end if slash else start)
    if (
        not isinstance(sides, (tuple, list))
        or len(sides) != 2
        or not all(side is None or isinstance(side, str) for side in sides)
        or not any(side is None or side.strip() for side in sides)
    ):
        raise ValueError(f"{during!r} is no time. Give a start and an end, as 2018/2019, or one of them, as 2018/..")
    start, end = ("" if side is None or side.strip() == ".." else side.strip() for side in sides)
    first, last = instants(start or "0001")[0], instants(end or "9998")[1]
    if first > last:
        raise ValueError(f"{start} is after {end}. Give the earlier time first")
    return first, last


# -- reading a graph ----------------------------------------------------------------------------------------------

# Over the default graph, which holds a triple once however many documents say it.
_GEOMETRIES: Final = "SELECT ?geometry ?wkt { ?geometry geo:asWKT ?wkt }"
_GEOMETRY_OF: Final = "SELECT ?area ?geometry { ?area geo:hasGeometry ?geometry }"
_AREAS: Final = "SELECT ?area { ?area a mlaoi:AreaOfInterest }"
_SAID: Final = "SELECT ?predicate ?area ?said { ?area ?predicate ?said }"
_OF_FILES: Final = """SELECT ?document ?dataset ?hash {
    ?document mlaoi:describes ?dataset ; mlaoi:contentHash ?hash } ORDER BY ?document"""
_DOCUMENTS: Final = f"""SELECT ?area ?g {{
    GRAPH ?g {{ ?area a mlaoi:AreaOfInterest }} FILTER(?g NOT IN (<{INFERRED_GRAPH}>, <{LOG_GRAPH}>)) }}"""


def _arrays(store: Store, samples: Path | None) -> dict[str, Array]:
    """Return what a graph says of places, and files beside it, as arrays to write."""
    drawn: dict[str, list[str]] = {}
    for geometry, wkt in texts(store, _GEOMETRIES):
        drawn.setdefault(geometry, []).append(wkt)
    belongs: dict[str, list[str]] = {}
    for area, geometry in texts(store, _GEOMETRY_OF):
        belongs.setdefault(area, []).append(geometry)
    found: set[tuple[str, str, str]] = set()
    free = set(drawn)
    for (area,) in texts(store, _AREAS):
        of_area = {(area, g, wkt) for g in belongs.get(area, ()) for wkt in drawn.get(g, ())}
        free.difference_update(geometry for _, geometry, _ in of_area)
        found |= of_area or {(area, "", "")}
    found.update(("", geometry, wkt) for geometry in free for wkt in drawn[geometry])
    del drawn, belongs, free
    files = _Files(store, samples)
    found.update((iri, "", "") for iri in files.place)
    rows = sorted(found)
    place: dict[str, list[int]] = {}
    for row, (area, _, _) in enumerate(rows):
        place.setdefault(area, []).append(row)
    place.pop("", None)

    def column(predicate: str, choose: Callable[[str, str], str] = min) -> list[str]:
        values = [""] * len(rows)
        for area, said in texts(store, _SAID, predicate=predicate):
            for row in place.get(area, ()):
                values[row] = choose(values[row], said) if values[row] else said
        return values

    # What two documents say differently: the longer time, the coarser precision.
    start = column(MLAOI.startDate, lambda a, b: min(a, b, key=lambda t: _edge(t, 0)))
    end = column(MLAOI.endDate, lambda a, b: max(a, b, key=lambda t: _edge(t, 1)))
    codes = {iri: _PRECISIONS.index(precision) for iri, precision in PRECISION_OF.items()}
    precision = column(MLAOI.precision, lambda a, b: max(a, b, key=lambda iri: codes.get(iri, 0)))
    columns = {
        "area": [area for area, _, _ in rows],
        "geometry": [geometry for _, geometry, _ in rows],
        "wkt": [wkt for _, _, wkt in rows],
        "start": start,
        "end": end,
        "split": column(MLAOI.split),
    }
    shapes = _shapes(columns["wkt"])
    of_files = files.fill_in(place, columns, shapes)
    arrays = index.arrays_of(shapes)
    for name, values in columns.items():
        arrays |= mapped.ragged(name, [value.encode() for value in values])
    arrays["start_us"] = np.array([_edge(text, 0) for text in start], dtype=np.int64)
    arrays["end_us"] = np.array([_edge(text, 1) for text in end], dtype=np.int64)
    arrays["precision"] = np.array([codes.get(iri, len(_PRECISIONS)) for iri in precision], dtype=np.uint8)
    arrays["precision"][of_files] = _PRECISIONS.index(Precision.SAMPLES)

    owners: dict[str, list[str]] = {}
    for name, predicate in _OWNERS.items():
        pairs = texts(store, _SAID, predicate=predicate)
        if name == "dataset":
            pairs = itertools.chain(pairs, files.owners())
        more, owners[name] = _owned(name, len(rows), place, pairs)
        arrays |= more
    documents = itertools.chain(((g, area) for area, g in texts(store, _DOCUMENTS)), files.documents())
    arrays |= _owned("document", len(rows), place, documents)[0]
    own = _precisions(arrays, "dataset", owners["dataset"])
    limited = {use: bool(precise) for use, precise in _precisions(arrays, "use", owners["use"]).items()}
    arrays["source.km2"], arrays["source.areas"] = _totals(arrays, len(own), len(limited))
    return arrays | uses_arrays(store, own, limited)


_OWNERS: Final = {"dataset": MLAOI.footprint, "model": MLAOI.declaredArea, "use": MLAOI.area}
"""What a row may belong to, and by which property."""


class _Files:
    """The samples in files that documents of a store stand for."""

    def __init__(self, store: Store, folder: Path | None) -> None:
        self.place: dict[str, tuple[str, Mapped, int, str]] = {}
        """Of each sample: its document, its file, its row there and the dataset it belongs to."""
        if folder is None or not folder.is_dir():
            return
        for document, dataset, digest in texts(store, _OF_FILES):
            file = stored(folder, digest)
            if file is None:
                continue
            everything = np.arange(file.length("name.starts") - 1)
            names, splits = ([piece.decode() for piece in file.pieces(name, everything)] for name in ("name", "split"))
            for at, (name, split) in enumerate(zip(names, splits, strict=True)):
                owner = iris.part(dataset, split) if split else dataset
                self.place[iris.sub(document, iris.segment(name))] = (document, file, at, owner)

    def fill_in(self, place: dict[str, list[int]], columns: dict[str, list[str]], shapes: Shapes) -> list[int]:
        """Put what the files say into the columns of their rows, and return these."""
        by_file: dict[int, tuple[Mapped, list[int], list[int]]] = {}
        for iri, (_, file, at, _) in self.place.items():
            _, rows, places = by_file.setdefault(id(file), (file, [], []))
            rows.append(place[iri][0])
            places.append(at)
        for file, rows, places in by_file.values():
            some = np.array(places)
            shapes[rows] = shapely.from_wkb(np.array(file.pieces("wkb", some), dtype=object))
            for name in ("start", "end", "split"):
                for row, piece in zip(rows, file.pieces(name, some), strict=True):
                    columns[name][row] = piece.decode()
        return [place[iri][0] for iri in self.place]

    def owners(self) -> Iterator[tuple[str, str]]:
        """Iterate over pairs of dataset and sample."""
        return ((owner, iri) for iri, (_, _, _, owner) in self.place.items())

    def documents(self) -> Iterator[tuple[str, str]]:
        """Iterate over pairs of document and sample."""
        return ((document, iri) for iri, (document, _, _, _) in self.place.items())


def _owned(
    name: str, rows: int, place: dict[str, list[int]], pairs: Iterable[tuple[str, str]]
) -> tuple[dict[str, Array], list[str]]:
    """Return arrays of which rows belong to what, both ways, from pairs of owner and area; and the owners, sorted."""
    numbers: dict[str, int] = {}
    row: list[int] = []
    owner: list[int] = []
    for iri, area in pairs:
        for number in place.get(area, ()):
            row.append(number)
            owner.append(numbers.setdefault(iri, len(numbers)))
    names = sorted(numbers)
    rank = np.empty(len(names), dtype=np.int64)
    rank[[numbers[iri] for iri in names]] = np.arange(len(names))
    at, code = np.array(row, dtype=np.int64), rank[np.array(owner, dtype=np.int64)]
    order = np.lexsort((code, at))
    at, code = at[order], code[order]
    arrays = {
        **mapped.runs(name, rows, at, code.astype(np.uint32)),
        **mapped.runs(f"{name}.rows", len(names), code, at.astype(np.uint32)),
        **mapped.ragged(f"{name}.names", [iri.encode() for iri in names]),
    }
    return arrays, names


def _precisions(arrays: dict[str, Array], name: str, owners: list[str]) -> dict[str, set[Precision]]:
    """Return how precise each owner's footprints are, of those that say where."""
    places = np.isfinite(arrays["bounds"][:, 0]) | (arrays["precision"] == _PRECISIONS.index(Precision.GLOBAL))
    rows = arrays[f"{name}.rows.data"]
    owner = np.repeat(np.arange(len(owners)), np.diff(arrays[f"{name}.rows.starts"]))[places[rows]]
    precision = arrays["precision"][rows][places[rows]]
    found: dict[str, set[Precision]] = {iri: set() for iri in owners}
    for at, code in np.unique(np.column_stack((owner, precision)), axis=0).tolist():
        # What is of no stated precision says where all the same.
        found[owners[at]].add(_PRECISIONS[code] if code < len(_PRECISIONS) else Precision.DECLARED_BOX)
    return found


def _totals(arrays: dict[str, Array], datasets: int, uses: int) -> tuple[Array, Array]:
    """Return km2 and number of the areas with a geometry of each source: first datasets, then uses."""
    rows = np.concatenate((arrays["dataset.rows.data"], arrays["use.rows.data"]))
    counts = (np.diff(arrays["dataset.rows.starts"]), np.diff(arrays["use.rows.starts"]))
    source = np.repeat(np.arange(datasets + uses), np.concatenate(counts))
    width = len(_PRECISIONS) + 1
    cell = source * width + arrays["precision"][rows]
    size = (datasets + uses) * width
    km2 = np.bincount(cell, weights=arrays["km2"][rows], minlength=size)
    has = np.isfinite(arrays["bounds"][rows, 0])
    return km2.reshape(-1, width), np.bincount(cell[has], minlength=size).reshape(-1, width)


def _shapes(wkts: Sequence[str]) -> Shapes:
    """Return geometries as the index wants them; None for what is no geometry in CRS84.

    Readers store nothing else; a store may have been filled by others.
    """
    texts = [wkt.removeprefix(_CRS84).strip() for wkt in wkts]
    readable = [text if text.upper().count("COLLECTION") <= _DEEPEST_WKT else "" for text in texts]
    shapes: Shapes = shapely.from_wkt(np.array(readable, dtype=object), on_invalid="ignore")
    bounds = shapely.bounds(shapes)
    with np.errstate(invalid="ignore"):
        outside = (np.abs(bounds[:, ::2]) > 180).any(axis=1) | (np.abs(bounds[:, 1::2]) > 90).any(axis=1)
    shapes[outside] = None
    crossing = ~shapely.is_valid(shapes) & ~shapely.is_missing(shapes)
    shapes[crossing] = shapely.make_valid(shapes[crossing], method="structure", keep_collapsed=False)
    return shapes


def _edge(text: str, side: int) -> int:
    """Return the first (0) or last (1) instant of a time, open if it is none."""
    try:
        return instants(text)[side]
    except ValueError:
        return OPEN_END if side else OPEN_START
