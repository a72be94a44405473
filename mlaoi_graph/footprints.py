"""Where everything in a graph is: one row for each geometry, and what it is the footprint of, in a file beside it.

The graph is the truth. This is derived from one state of it, and says which. Making it reads everything that is said
of every area, some 180 microseconds each; from then on the writer makes the next one from the last one and what changed
documents say. Opening it takes milliseconds.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from mlaoi_graph.errors import IndexDamaged
from mlaoi_graph.geo import mapped
from mlaoi_graph.geo.index import Index
from mlaoi_graph.geo.mapped import Array, Mapped
from mlaoi_graph.geo.shapes import Shapes
from mlaoi_graph.model import Precision
from mlaoi_graph.stores import Store
from mlaoi_graph.times import OPEN_END, OPEN_START, During, span
from mlaoi_graph.uses import Uses

__all__ = ["OPEN_END", "OPEN_START", "Area", "During", "Footprints", "span"]

_RULES: Final = "footprints 10"
"""Changes with what is written, so that files of another version are made again."""
_PRECISIONS: Final = tuple(Precision)
_MANY_PARTS: Final = 1000
"""Parts of a geometry beyond which its own box is looked for, instead of one box after the other."""
_NEAR: Final = 1e-9


def _note(version: str) -> str:
    return f"{_RULES} {version}"


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
        known = None if path is None else cls.kept(path, version)
        if known is not None:
            return known
        from mlaoi_graph import footprint_arrays

        arrays = footprint_arrays.everything(store, samples)
        if path is not None:
            with contextlib.suppress(OSError):
                mapped.write(path, arrays, note=_note(version))
                return cls(Mapped(path))
        return cls(Mapped.in_memory(arrays, note=_note(version)))

    @classmethod
    def follow(
        cls,
        old: tuple[Path, str],
        before: Store,
        new: tuple[Path, str],
        store: Store,
        samples: Path | None,
        documents: Collection[str],
    ) -> None:
        """Write the file of a store that differs by these documents from the one before, if that one's file is there.

        ``old`` and ``new`` are paths and versions, as :meth:`of` takes them. Where no file can be made in this way
        :meth:`of` makes it when somebody asks.
        """
        known = cls.kept(*old)
        if known is None:
            return
        from mlaoi_graph import footprint_arrays

        path, version = new
        with contextlib.suppress(IndexDamaged, OSError):
            arrays = footprint_arrays.updated(known._mapped, before, store, samples, documents)
            mapped.write(path, arrays, note=_note(version))

    @classmethod
    def kept(cls, path: Path, version: str) -> Footprints | None:
        """Return what a file holds, if it is whole and of this version."""
        with contextlib.suppress(IndexDamaged):
            known = cls(Mapped(path))
            if known._mapped.note == _note(version):
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

    @property
    def drawn_again(self) -> Array:
        """The rows of areas that the row before is a drawing of, too: those of an area lie side by side."""
        return self._mapped.whole("again")

    @property
    def drawn_several(self) -> Array:
        """The rows of areas of which documents, or rows of a file, of one id say several places, in order."""
        return self._mapped.whole("several")

    def wkts(self, rows: Array) -> list[str]:
        """Return the WKT literals of rows exactly as they stand in the graph, "" where there is none."""
        return self._texts("wkt", rows)

    def near(self, geometry: BaseGeometry) -> Array:
        """Return the rows, in order, of every WKT in the graph that may share a point with a CRS84 geometry.

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
        near: Array = np.union1d(rows, self._unplaced) if len(self._unplaced) else rows
        return near

    @cached_property
    def _unplaced(self) -> Array:
        rows = np.arange(len(self), dtype=np.uint32)
        rows = rows[~self.has_geometry(rows)]
        found: Array = rows[np.array([*map(bool, self.wkts(rows))], dtype=bool)]
        return found

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

    def documents_of_more(self, areas: int) -> list[str]:
        """Return the documents that describe more areas than so many."""
        count = np.diff(self._mapped.whole("document.rows.starts"))
        return self._texts("document.names", np.flatnonzero(count > areas))

    def declared_by(self, *models: str) -> Array:
        """Return the rows that models declare as their own area."""
        return self._rows_of("model", self._place_of_model, models)

    @cached_property
    def _place(self) -> dict[str, int]:
        return {name: place for place, name in enumerate(self.datasets)}

    @cached_property
    def _place_of_model(self) -> dict[str, int]:
        return {name: place for place, name in enumerate(self.models)}

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
