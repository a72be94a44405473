"""What a graph says of places, as arrays for :mod:`mlaoi_graph.footprints`: all of it, or what a change left.

Both are one thing: rows that are merged into a file of old ones, which is empty at first. What is read is read for
everything by a few queries, or for what changed documents speak of by looking that up.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import shapely

from mlaoi_graph import iri as iris
from mlaoi_graph import use_arrays
from mlaoi_graph.geo import index, mapped
from mlaoi_graph.geo.mapped import Array, Mapped
from mlaoi_graph.geo.merged import Merge, merged, places
from mlaoi_graph.geo.shapes import Shapes
from mlaoi_graph.model import Precision, SplitPolicy
from mlaoi_graph.rdf import INFERRED_GRAPH, LOG_GRAPH, PRECISION_OF
from mlaoi_graph.results import texts
from mlaoi_graph.samples import stored
from mlaoi_graph.stores import Store
from mlaoi_graph.times import OPEN_END, OPEN_START, edge
from mlaoi_graph.vocab import GEO, MLAOI, RDF

__all__ = ["PRECISIONS", "everything", "updated"]

PRECISIONS: Final = tuple(Precision)
"""What precision codes stand for; the one behind them is for what is not said."""
_CRS84: Final = "<http://www.opengis.net/def/crs/OGC/1.3/CRS84>"
_DEEPEST_WKT: Final = 100
"""Collections in one WKT; GEOS's parser overflows the stack of the process at 10^5 nested ones."""
_CODES: Final = {iri: PRECISIONS.index(precision) for iri, precision in PRECISION_OF.items()}
# What two documents say differently: the longer time, the coarser precision.
_CHOOSE: Final[dict[str, Callable[[str, str], str]]] = {
    MLAOI.startDate: lambda a, b: min(a, b, key=lambda text: (edge(text, 0), text)),
    MLAOI.endDate: lambda a, b: max(a, b, key=lambda text: (edge(text, 1), text)),
    MLAOI.split: min,
    MLAOI.precision: lambda a, b: max(a, b, key=lambda iri: (_CODES.get(iri, 0), iri)),
}
_OWNERS: Final = {MLAOI.footprint: "dataset", MLAOI.declaredArea: "model", MLAOI.area: "use"}
"""What an area may belong to, and by which property."""
_COLUMNS: Final = {"start": MLAOI.startDate, "end": MLAOI.endDate, "split": MLAOI.split}
_LAST_BYTES: Final = 8
_NOT_DOCUMENTS: Final = (INFERRED_GRAPH, LOG_GRAPH)

# Over the default graph, which holds a triple once however many documents say it.
_GEOMETRIES: Final = "SELECT ?geometry ?wkt { ?geometry geo:asWKT ?wkt }"
_GEOMETRY_OF: Final = "SELECT ?area ?geometry { ?area geo:hasGeometry ?geometry }"
_AREAS: Final = "SELECT ?area { ?area a mlaoi:AreaOfInterest }"
_SAID: Final = "SELECT ?predicate ?area ?said { ?area ?predicate ?said }"
_OF_FILES: Final = "SELECT ?document ?dataset ?hash { ?document mlaoi:describes ?dataset ; mlaoi:contentHash ?hash }"
_DOCUMENTS: Final = f"""SELECT ?area ?g {{
    GRAPH ?g {{ ?area a mlaoi:AreaOfInterest }} FILTER(?g NOT IN (<{INFERRED_GRAPH}>, <{LOG_GRAPH}>)) }}"""


@dataclass(slots=True)
class _Said:
    """What is said of some areas, or of all."""

    rows: set[tuple[str, str, str]] = field(default_factory=set)
    """Area, geometry and WKT; "" for what there is not."""
    values: dict[str, dict[str, str]] = field(default_factory=lambda: {predicate: {} for predicate in _CHOOSE})
    """By predicate and area."""
    owners: dict[str, list[tuple[str, str]]] = field(
        default_factory=lambda: {name: [] for name in (*_OWNERS.values(), "document")}
    )
    """Pairs of owner and area."""

    def describe(self, store: Store, area: str, documents: Collection[str]) -> None:
        """Note which documents describe an area. A sample that one of several gives no place may be elsewhere."""
        self.owners["document"].extend((document, area) for document in documents)
        if len(documents) > 1 and any(_is_nowhere(store, area, document) for document in documents):
            self.rows.add((area, "", ""))

    def say(self, predicate: str, area: str, said: str) -> None:
        values = self.values[predicate]
        values[area] = _CHOOSE[predicate](values[area], said) if area in values else said


def everything(store: Store, samples: Path | None) -> dict[str, Array]:
    """Return what a graph says of places, and files beside it, as arrays to write."""
    said = _Said()
    drawn: dict[str, list[str]] = {}
    for geometry, wkt in texts(store, _GEOMETRIES):
        drawn.setdefault(geometry, []).append(wkt)
    belongs: dict[str, list[str]] = {}
    for area, geometry in texts(store, _GEOMETRY_OF):
        belongs.setdefault(area, []).append(geometry)
    free = set(drawn)
    for (area,) in texts(store, _AREAS):
        said.rows |= _rows_of(area, belongs.get(area, ()), drawn)
        free.difference_update(belongs.get(area, ()))
    said.rows.update(("", geometry, wkt) for geometry in free for wkt in drawn[geometry])
    del drawn, belongs, free
    for predicate in _CHOOSE:
        for area, text in texts(store, _SAID, predicate=predicate):
            said.say(predicate, area, text)
    for predicate, name in _OWNERS.items():
        said.owners[name].extend(texts(store, _SAID, predicate=predicate))
    described: dict[str, set[str]] = {}
    for area, graph in texts(store, _DOCUMENTS):
        described.setdefault(area, set()).add(graph)
    for area, graphs in described.items():
        said.describe(store, area, graphs)
    files = _Files(texts(store, _OF_FILES), samples)
    arrays, known = _merged(_nothing(), said, files, (), ())
    return arrays | use_arrays.everything(store, known)


def updated(
    old: Mapped, before: Store, store: Store, samples: Path | None, documents: Collection[str]
) -> dict[str, Array]:
    """Return what :func:`everything` would, of a store that differs by these documents from the one before.

    ``old`` is what it gave of that.
    """
    areas, geometries, nodes = set[str](), set[str](), set[str]()
    for document, state in itertools.product(documents, (before, store)):
        for quad in state.match(graph=document):
            subject, predicate, said = (getattr(term, "value", "") for term in quad.triple)
            nodes.add(subject)
            if predicate == GEO.asWKT:
                geometries.add(subject)
            elif predicate in _OWNERS:
                areas.add(said)
            elif predicate in _CHOOSE or (predicate == RDF.type and said == MLAOI.AreaOfInterest):
                areas.add(subject)
            elif predicate == GEO.hasGeometry:
                areas.add(subject)
                geometries.add(said)
    # An area whose geometry is drawn otherwise, and a sample in a file, are named by none of these.
    areas.update(_value(quad.subject) for g in geometries for quad in store.match(None, GEO.hasGeometry, g))
    _, rows = old.runs("document.rows", _codes(old, "document", documents))
    areas.update(piece.decode() for piece in old.pieces("area", np.unique(rows)))
    files = _Files(_described(store, documents), samples)
    areas.update(files.place)
    areas.discard("")
    for area, state in itertools.product(areas, (before, store)):
        geometries.update(_value(quad.object) for quad in state.match(area, GEO.hasGeometry))

    said = _Said()
    for area in areas:
        _look_up(store, area, said)
    for geometry in geometries:
        owners = {_value(quad.subject) for quad in store.match(None, GEO.hasGeometry, geometry)}
        if not any(_is_area(store, owner) for owner in owners):
            said.rows.update(("", geometry, wkt) for wkt in _wkts(store, geometry))
    # A changed document may speak of a sample in the file of another.
    low, high = places(old, "area", [area.encode() for area in sorted(areas)], old.length("precision"))
    _, codes = old.runs("document", _ranges(low, high))
    others = {piece.decode() for piece in old.pieces("document.names", np.unique(codes))}.difference(documents)
    files.add(_described(store, others), areas)
    arrays, known = _merged(old, said, files, areas, geometries)
    return arrays | use_arrays.updated(old, store, known, documents, nodes)


# -- looking up -----------------------------------------------------------------------------------------------------


def _look_up(store: Store, area: str, said: _Said) -> None:
    """Take note of all that is said of an area."""
    # One predicate after the other: a dataset may be named here too, and have a million footprints.
    graphs = {_value(quad.graph_name) for quad in store.match(area, RDF.type, MLAOI.AreaOfInterest)}
    if graphs:
        geometries = {_value(quad.object) for quad in store.match(area, GEO.hasGeometry)}
        said.rows |= _rows_of(area, geometries, {geometry: _wkts(store, geometry) for geometry in geometries})
        said.describe(store, area, graphs.difference(_NOT_DOCUMENTS))
    for predicate in _CHOOSE:
        for value in {_value(quad.object) for quad in store.match(area, predicate)}:
            said.say(predicate, area, value)
    for predicate, name in _OWNERS.items():
        owners = {_value(quad.subject) for quad in store.match(None, predicate, area)}
        said.owners[name].extend((owner, area) for owner in owners)


def _rows_of(area: str, geometries: Iterable[str], drawn: dict[str, list[str]]) -> set[tuple[str, str, str]]:
    return {(area, g, wkt) for g in geometries for wkt in drawn.get(g, ())} or {(area, "", "")}


def _wkts(store: Store, geometry: str) -> list[str]:
    return [_value(quad.object) for quad in store.match(geometry, GEO.asWKT)]


def _is_nowhere(store: Store, area: str, document: str) -> bool:
    """Return whether a document says of an area that it is a sample, and not where."""
    said = (
        store.match(area, MLAOI.precision, MLAOI.Samples, document),
        store.match(area, GEO.hasGeometry, None, document),
    )
    return next(said[0], None) is not None and next(said[1], None) is None


def _is_area(store: Store, node: str) -> bool:
    return next(store.match(node, RDF.type, MLAOI.AreaOfInterest), None) is not None


def _described(store: Store, documents: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    """Yield document, dataset and content hash, as :data:`_OF_FILES` does."""
    for document in documents:
        for described, digest in itertools.product(
            {_value(quad.object) for quad in store.match(document, MLAOI.describes)},
            {_value(quad.object) for quad in store.match(document, MLAOI.contentHash)},
        ):
            yield document, described, digest


def _value(term: object) -> str:
    return str(getattr(term, "value", ""))


def _codes(old: Mapped, name: str, wanted: Iterable[str]) -> Array:
    """Return the places of names among the owners of a kind, without those that are none."""
    low, high = places(old, f"{name}.names", [iri.encode() for iri in wanted], _count(old, name))
    return low[high > low]


def _count(old: Mapped, name: str) -> int:
    return old.length(f"{name}.names.starts") - 1


def _ranges(low: Array, high: Array) -> Array:
    """Return the numbers from each low one up to its high one."""
    count = high - low
    return np.repeat(low - np.cumsum(count) + count, count) + np.arange(count.sum())


# -- samples in files -----------------------------------------------------------------------------------------------


class _Files:
    """The samples in files that documents of a store stand for."""

    def __init__(self, described: Iterable[tuple[str, str, str]], folder: Path | None) -> None:
        self.place: dict[str, tuple[str, Mapped, int, list[str]]] = {}
        """Of each sample: its document, its file, its row there and the splits, or the dataset, it belongs to."""
        self._folder = folder if folder is not None and folder.is_dir() else None
        self.add(described, None)

    def add(self, described: Iterable[tuple[str, str, str]], wanted: Collection[str] | None) -> None:
        """Add the samples of documents' files, or the wanted ones of them."""
        if self._folder is None:
            return
        for document, dataset, digest in sorted(described):
            file = stored(self._folder, digest)
            if file is None:
                continue
            all_rows = np.arange(file.length("name.starts") - 1)
            names, splits = ([piece.decode() for piece in file.pieces(name, all_rows)] for name in ("name", "split"))
            is_loose = file.whole("loose") if "loose" in file else np.zeros(len(names), dtype=bool)
            for at, (name, split, loose) in enumerate(zip(names, splits, is_loose.tolist(), strict=True)):
                iri = iris.sub(document, iris.segment(name))
                if wanted is None or iri in wanted:
                    owners = self.place.setdefault(iri, (document, file, at, []))[3]
                    owners.append(iris.part(dataset, split) if split else dataset)
                    if loose or (split and SplitPolicy.COMMON.stage(split) is None):
                        owners.append(dataset)  # it may be of any split

    def fill_in(self, place: dict[str, list[int]], columns: dict[str, list[str]], shapes: Shapes) -> list[int]:
        """Put what the files say into the columns of their rows, and return these."""
        by_file: dict[int, tuple[Mapped, list[int], list[int]]] = {}
        for iri, (_, file, at, _) in self.place.items():
            _, rows, at_places = by_file.setdefault(id(file), (file, [], []))
            rows.append(place[iri][0])
            at_places.append(at)
        for file, rows, at_places in by_file.values():
            some = np.array(at_places)
            shapes[rows] = shapely.from_wkb(np.array(file.pieces("wkb", some), dtype=object))
            for name in _COLUMNS:
                for row, piece in zip(rows, file.pieces(name, some), strict=True):
                    columns[name][row] = piece.decode()
        return [place[iri][0] for iri in self.place]

    def owners(self) -> Iterator[tuple[str, str]]:
        """Iterate over pairs of dataset and sample."""
        return ((owner, iri) for iri, (*_, owners) in self.place.items() for owner in set(owners))

    def documents(self) -> Iterator[tuple[str, str]]:
        """Iterate over pairs of document and sample."""
        return ((document, iri) for iri, (document, _, _, _) in self.place.items())


# -- merging --------------------------------------------------------------------------------------------------------


def _nothing() -> Mapped:
    """Return the rows of an empty graph."""
    arrays = index.arrays_of([])
    for name in ("area", "geometry", "wkt", *_COLUMNS):
        arrays |= mapped.ragged(name, [])
    arrays |= {"start_us": np.empty(0, np.int64), "end_us": np.empty(0, np.int64), "precision": np.empty(0, np.uint8)}
    for name in (*_OWNERS.values(), "document"):
        no_rows = np.empty(0, dtype=np.int64)
        arrays |= mapped.runs(name, 0, no_rows, no_rows.astype(np.uint32)) | mapped.ragged(f"{name}.names", [])
    return Mapped.in_memory(arrays)


def _merged(
    old: Mapped, said: _Said, files: _Files, areas: Collection[str], geometries: Collection[str]
) -> tuple[dict[str, Array], use_arrays.Known]:
    """Return old rows without those of areas and of free geometries, and with what is said instead.

    And what of datasets and uses is known by them.
    """
    said.rows.update((iri, "", "") for iri in files.place)
    rows = sorted(said.rows)
    place: dict[str, list[int]] = {}
    for row, (area, _, _) in enumerate(rows):
        place.setdefault(area, []).append(row)
    place.pop("", None)
    merge = _merge(old, rows, areas, geometries)

    columns = dict(zip(("area", "geometry", "wkt"), ([row[i] for row in rows] for i in range(3)), strict=True))
    for name, predicate in _COLUMNS.items():
        told = said.values[predicate]
        columns[name] = [told.get(area, "") if area else "" for area in columns["area"]]
    precision = said.values[MLAOI.precision]
    codes = [_CODES.get(precision.get(area, ""), len(PRECISIONS)) for area in columns["area"]]
    shapes = _shapes(columns["wkt"])
    for row in files.fill_in(place, columns, shapes):
        codes[row] = PRECISIONS.index(Precision.SAMPLES)
    arrays = index.merged(old, merge, shapes)
    for name, values in columns.items():
        arrays |= merge.ragged(name, old, [value.encode() for value in values])
    first = np.array([edge(text, 0) for text in columns["start"]], dtype=np.int64)
    last = np.array([edge(text, 1) for text in columns["end"]], dtype=np.int64)
    # A span that ends before it begins says nothing of when.
    turned = first > last
    edges_us = {"start_us": np.where(turned, OPEN_START, first), "end_us": np.where(turned, OPEN_END, last)}
    for name, numbers in edges_us.items():
        arrays[name] = merge.column(old.whole(name), numbers)
    arrays["precision"] = merge.column(old.whole("precision"), np.array(codes, dtype=np.uint8))
    again = arrays["again"] = _drawn_again(arrays)
    arrays["several"] = np.union1d(again, again - 1)

    said.owners["dataset"].extend(files.owners())
    said.owners["document"].extend(files.documents())
    names = {}
    for name, pairs in said.owners.items():
        more, names[name] = _owned(old, name, merge, [(row, own) for own, area in pairs for row in place.get(area, ())])
        arrays |= more
    own = _precisions(arrays, "dataset", names["dataset"])
    limited = {use: bool(precise) for use, precise in _precisions(arrays, "use", names["use"]).items()}
    arrays["source.km2"], arrays["source.areas"] = _totals(arrays, len(own), len(limited))
    lacking, several = _lacking(arrays, names["dataset"]), _outlined_twice(arrays, names["dataset"])
    return arrays, use_arrays.Known(own, limited, lacking, several)


def _merge(
    old: Mapped, rows: Sequence[tuple[str, str, str]], areas: Collection[str], geometries: Collection[str]
) -> Merge:
    """Return how new rows come between old ones: in the order of area, geometry and WKT, in place of what goes."""
    count = old.length("precision")
    (free,) = places(old, "area", [b""], count)[1].tolist()
    kept = np.ones(count, dtype=bool)
    kept[_ranges(*places(old, "area", [area.encode() for area in areas], count))] = False
    kept[_ranges(*places(old, "geometry", [geometry.encode() for geometry in geometries], free))] = False
    loose = [geometry.encode() for area, geometry, _ in rows if not area]
    of_areas = [area.encode() for area, _, _ in rows if area]
    before = (places(old, "geometry", loose, free)[0], places(old, "area", of_areas, count)[0])
    return merged(kept, np.concatenate(before))


def _owned(old: Mapped, name: str, merge: Merge, pairs: list[tuple[int, str]]) -> tuple[dict[str, Array], list[str]]:
    """Return arrays of which rows belong to what, both ways; ``pairs`` are a new row and an owner. And the owners."""
    at = np.repeat(np.arange(len(merge.kept)), np.diff(old.whole(f"{name}.starts")))
    code = old.whole(f"{name}.data").astype(np.int64)
    stays = merge.kept[at]
    at, code = merge.old[at[stays]], code[stays]
    number = {iri: n for n, iri in enumerate(sorted({owner for _, owner in pairs}))}
    mine = [iri.encode() for iri in number]
    low, high = places(old, f"{name}.names", mine, _count(old, name))
    known = high > low
    kept = np.zeros(_count(old, name), dtype=bool)
    kept[code] = True
    kept[low[known]] = True
    owners = merged(kept, low[~known])
    place = np.empty(len(mine), dtype=np.int64)
    place[known], place[~known] = owners.old[low[known]], owners.new
    new = np.array([(row, number[owner]) for row, owner in pairs], dtype=np.int64).reshape(-1, 2)
    at = np.concatenate((at, merge.new[new[:, 0]]))
    code = np.concatenate((owners.old[code], place[new[:, 1]]))
    order = np.lexsort((code, at))
    at, code = at[order], code[order]
    names = owners.ragged(
        f"{name}.names", old, [iri for iri, is_known in zip(mine, known, strict=True) if not is_known]
    )
    arrays = {
        **mapped.runs(name, len(merge), at, code.astype(np.uint32)),
        **mapped.runs(f"{name}.rows", len(owners), code, at.astype(np.uint32)),
        **names,
    }
    pieces = Mapped.in_memory(names).pieces(f"{name}.names", np.arange(len(owners))) if name != "document" else []
    return arrays, [piece.decode() for piece in pieces]


def _precisions(arrays: dict[str, Array], name: str, owners: list[str]) -> dict[str, set[Precision]]:
    """Return how precise each owner's footprints are, of those that say where."""
    says = np.isfinite(arrays["bounds"][:, 0]) | (arrays["precision"] == PRECISIONS.index(Precision.GLOBAL))
    rows = arrays[f"{name}.rows.data"]
    owner = np.repeat(np.arange(len(owners)), np.diff(arrays[f"{name}.rows.starts"]))[says[rows]]
    width = len(PRECISIONS) + 1
    cells = np.unique(owner * width + arrays["precision"][rows][says[rows]])
    found: dict[str, set[Precision]] = {iri: set() for iri in owners}
    for at, code in zip((cells // width).tolist(), (cells % width).tolist(), strict=True):
        # What is of no stated precision says where all the same.
        found[owners[at]].add(PRECISIONS[code] if code < len(PRECISIONS) else Precision.DECLARED_BOX)
    return found


def _lacking(arrays: dict[str, Array], owners: list[str]) -> set[str]:
    """Return the owners that have samples of which nobody says where they are."""
    rows = arrays["dataset.rows.data"]
    owner = np.repeat(np.arange(len(owners)), np.diff(arrays["dataset.rows.starts"]))
    is_sample = arrays["precision"][rows] == PRECISIONS.index(Precision.SAMPLES)
    return {owners[at] for at in np.unique(owner[is_sample & ~np.isfinite(arrays["bounds"][rows, 0])]).tolist()}


def _outlined_twice(arrays: dict[str, Array], owners: list[str]) -> set[str]:
    """Return the owners of an outline that documents of one id draw in several places."""
    rows = arrays["dataset.rows.data"]
    owner = np.repeat(np.arange(len(owners)), np.diff(arrays["dataset.rows.starts"]))
    is_outline = arrays["precision"][rows] != PRECISIONS.index(Precision.SAMPLES)
    return {owners[at] for at in np.unique(owner[is_outline & np.isin(rows, arrays["several"])]).tolist()}


def _drawn_again(arrays: dict[str, Array]) -> Array:
    """Return the rows of areas that the row before is a drawing of, too: those of an area lie side by side."""
    starts, text = arrays["area.starts"], arrays["area.data"]
    ends, sizes = starts[1:], np.diff(starts)
    # Names differ at their ends, mostly: few are left to be compared as a whole.
    rows = np.flatnonzero((sizes[1:] == sizes[:-1]) & (sizes[1:] > 0)) + 1
    for back in range(1, min(_LAST_BYTES, int(sizes.min(initial=_LAST_BYTES, where=sizes > 0))) + 1):
        rows = rows[text[ends[rows] - back] == text[ends[rows - 1] - back]]

    def name(row: int) -> bytes:
        found: bytes = text[starts[row] : starts[row + 1]].tobytes()
        return found

    return np.array([row for row in rows.tolist() if name(row) == name(row - 1)], dtype=np.int64)


def _totals(arrays: dict[str, Array], datasets: int, uses: int) -> tuple[Array, Array]:
    """Return km2 and number of the areas with a geometry of each source: first datasets, then uses."""
    rows = np.concatenate((arrays["dataset.rows.data"], arrays["use.rows.data"]))
    counts = (np.diff(arrays["dataset.rows.starts"]), np.diff(arrays["use.rows.starts"]))
    source = np.repeat(np.arange(datasets + uses), np.concatenate(counts))
    width = len(PRECISIONS) + 1
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
