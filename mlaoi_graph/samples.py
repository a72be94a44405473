"""Very large sample sets: GeoParquet files (stac-geoparquet) that stay beside the graph.

The graph holds, of each split in such a file, its outline, its time and the file's content hash; the samples are kept
in the catalog under that hash, and :mod:`mlaoi_graph.footprints` gives each of them a row.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
import shapely

from mlaoi_graph import iri as iris
from mlaoi_graph import times
from mlaoi_graph.errors import GeometryError, MissingExtra, SourceNotFound
from mlaoi_graph.geo import mapped
from mlaoi_graph.geo.mapped import Array, Mapped
from mlaoi_graph.geo.shapes import Shapes
from mlaoi_graph.model import AreaOfInterest, Dataset, Precision, SourceDocument, SplitPolicy, Statement

__all__ = ["SampleReport", "Samples", "digest_of", "is_geoparquet", "read", "read_file", "remove_unused", "stored"]

_SPLIT: Final = "ml-aoi:split"
_CRS84: Final = ({"authority": "OGC", "code": "CRS84"}, {"authority": "EPSG", "code": 4326})


@dataclass(frozen=True, slots=True)
class SampleReport:
    """What became of a file of samples."""

    document: str
    """IRI of the document its statements are in; removing that removes the samples."""
    samples: int
    splits: dict[str, int]
    """How many samples each split has; "" for those that state none."""
    repaired: int
    """Crossing rings, repaired."""
    left_out: int
    """Without a geometry, not in degrees, or across the antimeridian without being cut there."""
    incomplete: int
    """Of which parts are left out: points or lines beside polygons, points beside lines, rings without an inside."""
    id_again: int
    """Rows with the id of an earlier one and another place or time: kept apart, under ids of their own."""
    in_several_splits: int
    """Samples that are in more than one split."""
    no_time: int = 0
    """Rows with a time that is none."""

    @property
    def of_other_splits(self) -> int:
        """How many are of a split by a word that ML-AOI does not know."""
        words = (split for split in self.splits if split and SplitPolicy.COMMON.stage(split) is None)
        return sum(self.splits[word] for word in words)

    def said(self) -> str:
        """Return what is wrong with the rows, as one line; "" if nothing is."""
        told = (
            (self.repaired, "repaired"),
            (self.left_out, "left out: no geometry in degrees, or across 180 uncut"),
            (self.incomplete, "with parts left out: points or lines beside others, rings without an inside"),
            (self.id_again, "with the id of another sample, kept apart"),
            (self.no_time, "with a time that is none, taken as not known"),
            (self.in_several_splits, "in more than one split"),
            (self.of_other_splits, "of a split that is not train, test or validate: they may be of any of these"),
        )
        return "; ".join(f"{number} {words}" for number, words in told if number)


@dataclass(frozen=True, slots=True)
class Samples:
    """The samples of one file, row by row; rows of one name are one sample, which is in several splits."""

    digest: str
    shapes: Shapes
    names: list[str]
    splits: list[str]
    starts: list[str]
    ends: list[str]
    repaired: int
    left_out: int
    id_again: int
    left_out_of: tuple[str, ...] = ()
    """The splits that lack rows, or parts of rows, which were left out; "" is none."""
    incomplete: int = 0
    loose: tuple[bool, ...] = ()
    """Which rows may be of another split too, as that is said of their id at another place; () if none."""

    def report(self, document: str) -> SampleReport:
        """Return what became of the file, as the document it is."""
        splits_of: dict[str, set[str]] = {}
        for name, split in zip(self.names, self.splits, strict=True):
            splits_of.setdefault(name, set()).add(split)
        return SampleReport(
            document=document,
            samples=len(splits_of),
            splits={split: self.splits.count(split) for split in sorted(set(self.splits))},
            repaired=self.repaired,
            left_out=self.left_out,
            incomplete=self.incomplete,
            id_again=self.id_again,
            in_several_splits=sum(len(splits) > 1 for splits in splits_of.values()),
            no_time=sum(
                any(when and not times.is_time(when) for when in row)
                for row in zip(self.starts, self.ends, strict=True)
            ),
        )

    def statements(self, document: str, dataset: str, label: str | None = None) -> Iterator[Statement]:
        """Yield what the graph holds of them: each split's outline, as a footprint of the split.

        ``label`` is that of the dataset, by which its splits are called.
        """
        yield SourceDocument(iri=document, describes=dataset, content_hash=f"sha256:{self.digest}")
        for split in sorted(set(self.splits)):
            chosen = np.array([one == split for one in self.splits])
            area = iris.sub(document, _outline_name(split))
            owner = iris.part(dataset, split) if split else dataset
            yield Dataset(
                iri=owner,
                label=f"{label or iris.tail(dataset)} ({split})" if split else None,
                split=split or None,
                part_of=(dataset,) if split else (),
                footprints=(area,),
            )
            yield AreaOfInterest(
                iri=area,
                precision=Precision.DECLARED_BOX,
                wkt=_outline(self.shapes[chosen]),
                start=min(
                    (text for text, kept in zip(self.starts, chosen, strict=True) if kept and text), default=None
                ),
                end=max((text for text, kept in zip(self.ends, chosen, strict=True) if kept and text), default=None),
                split=split or None,
                note=f"outline of {int(chosen.sum())} samples in a file",
            )
        for split in self.left_out_of:
            yield from _somewhere(document, dataset, split, "rows of a file that have no place")

    def outlines_only(self, document: str, dataset: str) -> Iterator[Statement]:
        """Yield what the graph holds beside :meth:`statements` where the samples are not kept.

        Outlines do not tell where those are that may be of any split.
        """
        if self.loose or any(SplitPolicy.COMMON.stage(split) is None for split in self.splits):
            yield from _somewhere(document, dataset, "", "rows of a file that state no split that is known, or several")

    def arrays(self) -> dict[str, Array]:
        """Return them as arrays to write."""
        texts = {"name": self.names, "split": self.splits, "start": self.starts, "end": self.ends}
        arrays = mapped.ragged("wkb", shapely.to_wkb(self.shapes).tolist())
        for name, values in texts.items():
            arrays |= mapped.ragged(name, [value.encode() for value in values])
        if self.loose:
            arrays["loose"] = np.array(self.loose, dtype=bool)
        return arrays


def _somewhere(document: str, dataset: str, split: str, note: str) -> Iterator[Statement]:
    """Yield a sample without a place, which stands for all that may be anywhere."""
    area = iris.sub(document, f"left-out-{split}" if split else "left-out")
    owner = iris.part(dataset, split) if split else dataset
    yield Dataset(iri=owner, split=split or None, part_of=(dataset,) if split else (), footprints=(area,))
    yield AreaOfInterest(iri=area, precision=Precision.SAMPLES, split=split or None, note=note)


def read(path: Path) -> Samples:
    """Return the samples in a GeoParquet file. Raises SourceNotFound, and as :func:`read_file`."""
    if not path.is_file():
        raise SourceNotFound(str(path))
    with path.open("rb") as file:
        return read_file(file, str(path), digest_of(file))


def digest_of(file: BinaryIO) -> str:
    """Return the SHA-256 of a file's bytes."""
    file.seek(0)
    digest = hashlib.sha256()
    while block := file.read(1 << 20):
        digest.update(block)
    return digest.hexdigest()


def is_geoparquet(file: BinaryIO, shown: str) -> bool:
    """Return whether a Parquet file says of itself that it has geometries. Raises as :func:`read_file`."""
    pa, pq = _pyarrow()
    file.seek(0)
    try:
        return b"geo" in (pq.read_schema(file).metadata or {})
    except (pa.ArrowInvalid, OSError) as error:
        raise GeometryError(f"{shown}: no Parquet file: {error}", "Give a GeoParquet file") from error


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow as pa  # type: ignore[import-untyped]
        import pyarrow.parquet as pq  # type: ignore[import-untyped]
    except ImportError:
        raise MissingExtra("parquet", needed_for="reading GeoParquet") from None
    return pa, pq


def read_file(file: BinaryIO, path: str, digest: str) -> Samples:
    """Return the samples in a GeoParquet file that is open. Needs the extra ``parquet``.

    Read are the primary geometry column (WKB, OGC:CRS84), and, where they are there, ``id``, ``ml-aoi:split``,
    ``datetime``, ``start_datetime`` and ``end_datetime``. Raises GeometryError for another encoding or coordinate
    system; ``path`` is what the file is called there.
    """
    pa, pq = _pyarrow()
    file.seek(0)
    try:
        schema = pq.read_schema(file)
        column = _geometry_column(path, schema.metadata or {})
        wanted = [column, "id", _SPLIT, "datetime", "start_datetime", "end_datetime"]
        file.seek(0)
        table = pq.read_table(file, columns=[name for name in wanted if name in schema.names])
    except (pa.ArrowInvalid, OSError) as error:
        raise GeometryError(f"{path}: no Parquet file: {error}", "Give a GeoParquet file") from error
    if column not in table.column_names:
        raise GeometryError(f"{path}: no column {column}", "Give a GeoParquet file")
    # Of bytes numpy would make an array that forgets zero bytes at the end: those of a latitude or height of 0.
    wkb = np.array(table[column].to_pylist(), dtype=object)
    shapes: Shapes = shapely.force_2d(shapely.from_wkb(wkb, on_invalid="ignore"))
    bounds = shapely.bounds(shapes)
    with np.errstate(invalid="ignore"):
        inside = (np.abs(bounds[:, ::2]) <= 180).all(axis=1) & (np.abs(bounds[:, 1::2]) <= 90).all(axis=1)
    parts, row = shapely.get_parts(shapes, return_index=True)
    wide = np.zeros(len(shapes), dtype=bool)
    wide[row[np.ptp(shapely.bounds(parts)[:, ::2], axis=1) > 180]] = True
    kept = np.flatnonzero(inside & ~wide)
    shapes = shapes[kept]
    partial = _partial(shapes)
    crossing = ~shapely.is_valid(shapes)
    shapes[crossing] = shapely.make_valid(shapes[crossing], method="structure", keep_collapsed=False)

    def texts(*names: str, of: Array = kept) -> list[str]:
        """Return the first of the columns that says something, row by row."""
        found = [""] * len(of)
        for name in names:
            if name in table.column_names:
                values = table[name].take(pa.array(of)).to_pylist()
                found = [old or _text(new) for old, new in zip(found, values, strict=True)]
        return found

    ids = [name or str(at) for name, at in zip(texts("id"), kept.tolist(), strict=True)]
    splits, starts, ends = texts(_SPLIT), texts("start_datetime", "datetime"), texts("end_datetime", "datetime")
    wkbs = shapely.to_wkb(shapely.normalize(shapes)).tolist()
    names = _told_apart(ids, list(zip(wkbs, starts, ends, strict=True)), splits)
    return Samples(
        digest=digest,
        shapes=shapes,
        names=names,
        splits=splits,
        starts=starts,
        ends=ends,
        repaired=int(crossing.sum()),
        left_out=len(bounds) - len(kept),
        id_again=sum(name != one for name, one in zip(names, ids, strict=True)),
        left_out_of=tuple(sorted(set(texts(_SPLIT, of=np.setdiff1d(np.arange(len(bounds)), kept[~partial]))))),
        incomplete=int(partial.sum()),
        loose=_loose(ids, wkbs, splits),
    )


def _partial(shapes: Shapes) -> Array:
    """Return of which shapes parts do not count: those of lower dimension than others, and those without an inside."""
    parts, row = shapely.get_parts(shapes, return_index=True)
    dimension = shapely.get_dimensions(parts)
    highest = np.full(len(shapes), -1)
    np.maximum.at(highest, row, dimension)
    lost = (dimension < highest[row]) | ((dimension == 2) & (shapely.area(parts) == 0))
    found = np.zeros(len(shapes), dtype=bool)
    found[row[lost & ~shapely.is_empty(parts)]] = True
    return found


def _told_apart(ids: list[str], what: list[Any], splits: list[str]) -> list[str]:
    """Return a name for each row: its id, unless another row has that id and is another place or time.

    >>> _told_apart(["a", "a", "a", "a~2"], [1, 2, 1, 3], [""])
    ['a', 'a~2', 'a', 'a~2~2']
    """
    taken: dict[str, Any] = {_outline_name(split): None for split in splits}
    names = []
    for one, own in zip(ids, what, strict=True):
        name, number = one, 1
        while taken.setdefault(name, own) != own:
            number += 1
            name = f"{one}~{number}"
        names.append(name)
    return names


def _loose(ids: list[str], places: list[bytes], splits: list[str]) -> tuple[bool, ...]:
    """Return which rows have an id that is said to be in several places and several splits; () if none.

    >>> _loose(["a", "b", "a", "b"], [b"1", b"2", b"3", b"3"], ["train", "train", "test", "train"])
    (True, False, True, False)
    """
    said: dict[str, tuple[set[bytes], set[str]]] = {}
    for name, place, split in zip(ids, places, splits, strict=True):
        its_places, its_splits = said.setdefault(name, (set(), set()))
        its_places.add(place)
        its_splits.add(split)
    several = {name for name, (its_places, its_splits) in said.items() if len(its_places) > 1 and len(its_splits) > 1}
    return tuple(name in several for name in ids) if several else ()


def _outline_name(split: str) -> str:
    return f"outline-{iris.segment(split)}" if split else "outline"


def stored(folder: Path, content_hash: str) -> Mapped | None:
    """Return the samples kept under a document's content hash; None if it is no file of samples."""
    path = folder / content_hash.removeprefix("sha256:")
    return Mapped(path) if path.is_file() else None


def remove_unused(folder: Path, is_used: Callable[[str], bool]) -> None:
    """Remove the files of which no document has the content hash any more."""
    for path in folder.iterdir():
        if not is_used(f"sha256:{path.name}"):
            with contextlib.suppress(OSError):  # Windows removes no file that is open
                path.unlink()


def _geometry_column(path: str, metadata: dict[bytes, bytes]) -> str:
    import json

    try:
        about = json.loads(metadata.get(b"geo", b"{}"))
        column: str = about.get("primary_column", "geometry")
        details = about.get("columns", {}).get(column, {})
        encoding, crs = details.get("encoding", "WKB"), details.get("crs", {"id": _CRS84[0]})
    except (ValueError, AttributeError) as error:
        raise GeometryError(f"{path}: geo metadata that are none: {error}", "Write it anew with geopandas") from None
    if encoding != "WKB":
        raise GeometryError(f"{path}: geometries as {encoding}", "Write them as WKB")
    if not (isinstance(crs, dict) and crs.get("id") in _CRS84):
        raise GeometryError(f"{path}: not in OGC:CRS84", "Transform it: frame.to_crs('OGC:CRS84')")
    return column


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value.isoformat().replace("+00:00", "Z") if hasattr(value, "isoformat") else str(value)


def _outline(shapes: Shapes) -> str | None:
    """Return the convex hulls of what lies west and east of Greenwich, so that none goes round the world."""
    parts = shapely.get_parts(shapes)
    parts = parts[~shapely.is_empty(parts)]
    west = shapely.bounds(parts)[:, 0] < 0
    sides: list[Any] = [shapely.geometrycollections(some) for some in (parts[west], parts[~west]) if len(some)]
    if not sides:
        return None
    return str(shapely.to_wkt(shapely.union_all(shapely.convex_hull(sides)), rounding_precision=-1))
