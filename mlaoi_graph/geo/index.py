"""An index of very many geometries in one file that opens by memory map.

Rows are numbers, in the order the geometries were given. Geometries are valid, OGC:CRS84 longitude latitude, within
+-180 and +-90 and cut at the antimeridian, as :mod:`mlaoi_graph.geo` makes them; None and empty ones keep their row
and are never found.

**Found** means that the insides share a point: polygons share an area and not just an edge or a corner, a point lies
inside and not on the border (GeoSPARQL ``sfIntersects`` without ``sfTouches``). A shared area may be a sliver of
rounding; :meth:`Index.overlaps` leaves out what is below 1 m2 and a hundredth of the smaller area.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import shapely
from geoindex_rs import rtree  # type: ignore[attr-defined]
from shapely.geometry.base import BaseGeometry

from mlaoi_graph.errors import GeometryError
from mlaoi_graph.geo.areas import area_km2, areas_km2, boxes_km2, least_km2
from mlaoi_graph.geo.mapped import Array, Mapped, distinct, ragged, write
from mlaoi_graph.geo.merged import Merge
from mlaoi_graph.geo.shapes import Floats, Shapes

__all__ = ["Index", "arrays_of", "build", "merged", "open"]

_AT_ONCE: Final = 200_000
"""Geometries, or pairs, held as shapely objects at a time."""
_MANY: Final = 256
"""Vertices of a geometry that is cut into tiles before it is laid over others."""
_FEW: Final = 128
"""Vertices of two outlines whose shared area is looked at also where their boxes share more than a sliver."""
_THIN: Final = 1e-3
"""Degrees: what boxes share that is less wide may be less than 1 m2."""


def arrays_of(geometries: Sequence[BaseGeometry | None] | Shapes) -> dict[str, Array]:
    """Return what an index is made of, as arrays for :func:`mlaoi_graph.geo.mapped.write`."""
    shapes = _flat(geometries)
    columns, wkb = _columns(shapes)
    return {**_packed(*_parts(shapes)), **columns, **ragged("wkb", wkb)}


def merged(old: Mapped, merge: Merge, geometries: Sequence[BaseGeometry | None] | Shapes) -> dict[str, Array]:
    """Return what :func:`arrays_of` would, of the rows of an old file that stay and the geometries of new ones."""
    shapes = _flat(geometries)
    columns, wkb = _columns(shapes)
    # Most rows are one part, whose box they have; of the others the parts are looked at again.
    many = np.bincount(old.whole("row"), minlength=len(merge.kept))
    single = np.flatnonzero(merge.kept & (many == 1))
    several = np.flatnonzero(merge.kept & (many > 1))
    again, part_of = _parts(shapely.from_wkb(np.array(old.pieces("wkb", several), dtype=object)))
    boxes, row = _parts(shapes)
    boxes = np.concatenate((old.whole("bounds")[single], again, boxes))
    row = np.concatenate((merge.old[single], merge.old[several][part_of], merge.new[row]))
    order = np.argsort(row, kind="stable")
    return {
        **_packed(boxes[order], row[order]),
        **{name: merge.column(old.whole(name), column) for name, column in columns.items()},
        **merge.ragged("wkb", old, wkb),
    }


def _flat(geometries: Sequence[BaseGeometry | None] | Shapes) -> Shapes:
    shapes: Shapes = shapely.force_2d(np.asarray(geometries, dtype=object))
    shapes[shapely.is_missing(shapes)] = shapely.Point()
    return shapes


def _columns(shapes: Shapes) -> tuple[dict[str, Array], list[bytes]]:
    bounds = shapely.bounds(shapes)
    columns = {"bounds": bounds, "is_box": _are_boxes(shapes, bounds), "km2": areas_km2(shapes)}
    return columns, shapely.to_wkb(shapes).tolist()


def _parts(shapes: Shapes) -> tuple[Floats, Array]:
    """Return the boxes of the parts of shapes, and the shape each belongs to."""
    parts, row = shapely.get_parts(shapes, return_index=True)
    boxes = shapely.bounds(parts)
    kept = np.isfinite(boxes).all(axis=1)  # a box of NaN is found by every query
    return boxes[kept], row[kept]


def _packed(boxes: Floats, row: Array) -> dict[str, Array]:
    return {"tree": _tree(boxes), "row": row.astype(np.uint32)}


def build(path: Path, geometries: Sequence[BaseGeometry | None] | Shapes) -> Index:
    """Write the index of geometries to a file and return it."""
    write(path, arrays_of(geometries))
    return open(path)


def open(path: Path) -> Index:
    """Return the index in a file. Raises IndexDamaged, now or when a damaged part of it is looked at."""
    return Index(Mapped(path))


class Index:
    """The geometries of one file, or of arrays in memory; rows come back sorted, each once, as uint32."""

    def __init__(self, mapped: Mapped) -> None:
        self._mapped = mapped
        # A damaged tree panics, or answers with rows there are not: it is checked as a whole, before all else.
        self._tree = mapped.whole("tree")
        self._row = mapped.whole("row")

    @classmethod
    def of(cls, geometries: Sequence[BaseGeometry | None] | Shapes) -> Index:
        """Return an index in memory."""
        return cls(Mapped.in_memory(arrays_of(geometries)))

    def __len__(self) -> int:
        """Return the number of rows."""
        return self._mapped.length("km2")

    # -- rows -----------------------------------------------------------------------------------------------------

    def bounds(self, rows: Array) -> Floats:
        """Return west, south, east and north of rows; of one cut at the antimeridian from -180 to 180."""
        return self._mapped.take("bounds", rows)

    def areas_km2(self, rows: Array) -> Floats:
        """Return the areas of rows on the WGS 84 ellipsoid; 0 for points, lines and what has no geometry."""
        return self._mapped.take("km2", rows)

    def geometries(self, rows: Array) -> Shapes:
        """Return the geometries of rows, two-dimensional; an empty point where there is none."""
        shapes: Shapes = shapely.from_wkb(np.array(self._mapped.pieces("wkb", rows), dtype=object))
        return shapes

    # -- one geometry ---------------------------------------------------------------------------------------------

    def candidates(self, bounds: Sequence[float]) -> Array:
        """Return the rows of which a part's box meets west, south, east, north; east is not below west.

        A superset of what is found there; touching counts.
        """
        return self._rows(rtree.search(self._tree, *_grown(np.array(bounds, dtype=float)).tolist()))

    def search(self, geometry: BaseGeometry) -> Array:
        """Return the rows found in a geometry: the insides share a point. Raises GeometryError if it is not valid."""
        return self._found(_valid(geometry))[0]

    def overlaps(self, geometry: BaseGeometry) -> tuple[Array, Floats]:
        """Return the rows found in a geometry, and the km2 each shares with it.

        Points and lines share 0 km2 and are found nevertheless; polygons that share less than :func:`least_km2` not.
        """
        geometry = _valid(geometry)
        # Of what only touches the shared area is 0, which is measured anyway.
        rows, inside = self._found(geometry, touching=shapely.get_dimensions(geometry) == 2)
        km2 = self.areas_km2(rows).copy()
        has_area = km2 > 0
        if shapely.get_dimensions(geometry) < 2:
            km2[:] = 0
            return rows, km2
        across = ~inside & has_area
        if _is_box(geometry):
            # Two boxes share what their sides say; no geometry has to be read.
            boxes = np.flatnonzero(across & self._mapped.take("is_box", rows))
            w, s, e, n = geometry.bounds
            bounds = self.bounds(rows[boxes])
            km2[boxes] = boxes_km2(
                np.column_stack((np.maximum(bounds[:, :2], (w, s)), np.minimum(bounds[:, 2:], (e, n))))
            )
            across[boxes] = False
        others = np.flatnonzero(across)
        if len(others):
            km2[others] = self._shared_km2(geometry, rows[others])
        kept = ~has_area | (km2 >= least_km2(self.areas_km2(rows), area_km2(geometry)))
        return rows[kept], km2[kept]

    def union_km2(self, rows: Array, geometry: BaseGeometry, km2: Floats) -> float:
        """Return the km2 that a geometry shares with rows together: what several of them cover counts once.

        ``km2`` is what each shares, as :meth:`overlaps` tells it.
        """
        bounds = self.bounds(rows)
        a, b = _join(*[_tree(bounds)] * 2)
        crossing = (a != b) & (bounds[a, 0] < bounds[b, 2]) & (bounds[a, 2] > bounds[b, 0])
        crossing &= (bounds[a, 1] < bounds[b, 3]) & (bounds[a, 3] > bounds[b, 1])
        together = np.unique(a[crossing])
        if not len(together):
            return float(km2.sum())
        alone = float(km2.sum() - km2[together].sum())
        whole = shapely.union_all(self.geometries(rows[together]))
        shared = areas_km2(shapely.intersection(np.array(_tiles(geometry), dtype=object), whole))
        return alone + float(shared.sum())

    def _found(self, geometry: BaseGeometry, *, touching: bool = False) -> tuple[Array, Array]:
        """Return the rows found in a geometry, and which of them lie inside it altogether.

        With ``touching`` polygons that only touch may be among them.
        """
        parts = shapely.get_parts(geometry)
        parts = parts[~shapely.is_empty(parts)]
        if not len(parts):
            return np.empty(0, dtype=np.uint32), np.empty(0, dtype=bool)
        if len(parts) == 1:
            rows = self.candidates(parts[0].bounds)
        else:
            rows = self._rows(_join(self._tree, _tree(shapely.bounds(parts)))[0])
        bounds = self.bounds(rows)
        is_box = self._mapped.take("is_box", rows)
        if len(parts) == 1 and _is_box(parts[0]):
            w, s, e, n = parts[0].bounds
            inside = (bounds[:, 0] >= w) & (bounds[:, 1] >= s) & (bounds[:, 2] <= e) & (bounds[:, 3] <= n)
            strictly = (bounds[:, 0] < e) & (bounds[:, 2] > w) & (bounds[:, 1] < n) & (bounds[:, 3] > s)
            # What has an area and lies within the box shares it; a point or line may lie on the border.
            found = strictly & (is_box | (inside & (self.areas_km2(rows) > 0)))
            doubtful = np.flatnonzero(strictly & ~found)
        else:
            found = np.zeros(len(rows), dtype=bool)
            inside = np.zeros(len(rows), dtype=bool)
            doubtful = np.arange(len(rows))
        self._compare(geometry, rows, doubtful, found, inside, touching=touching)
        return rows[found], inside[found]

    def _compare(
        self, geometry: BaseGeometry, rows: Array, doubtful: Array, found: Array, inside: Array, *, touching: bool
    ) -> None:
        """Fill in ``found`` and ``inside`` at the doubtful places by looking at the geometries."""
        shapely.prepare(geometry)
        is_large = shapely.get_num_coordinates(geometry) > _MANY and shapely.get_dimensions(geometry) == 2
        for some in _chunks(doubtful):
            shapes = self.geometries(rows[some])
            inside[some] = shapely.covers(geometry, shapes)
            has_area = shapely.get_dimensions(shapes) == 2
            found[some] = inside[some] & has_area
            unsure = ~found[some]
            if is_large:
                # Against all of its vertices, each row on its border would take as long as all of them.
                at = np.flatnonzero(unsure & has_area)
                tiles, row, tile = _tiled(geometry, shapes[at])
                row = row[_meet(tiles[tile], shapes[at][row])]
                found[some[at[row]]] = True
                unsure &= ~has_area
            elif touching:
                at = np.flatnonzero(unsure & has_area)
                found[some[at]] = shapely.intersects(geometry, shapes[at])
                unsure &= ~has_area
            at = np.flatnonzero(unsure)
            found[some[at]] = _meet(geometry, shapes[at])

    def _shared_km2(self, geometry: BaseGeometry, rows: Array) -> Floats:
        km2 = np.zeros(len(rows))
        for some in _chunks(np.arange(len(rows))):
            shapes = self.geometries(rows[some])
            if shapely.get_num_coordinates(geometry) <= _MANY:
                km2[some] = areas_km2(shapely.intersection(shapes, geometry))
                continue
            tiles, row, tile = _tiled(geometry, shapes)
            shared = areas_km2(shapely.intersection(shapes[row], tiles[tile]))
            km2[some] = np.bincount(row, weights=shared, minlength=len(some))
        return km2

    # -- two indexes ----------------------------------------------------------------------------------------------

    def join(self, other: Index) -> tuple[Array, Array]:
        """Return the pairs of rows whose insides share a point, polygons :func:`least_km2`: of both indexes, sorted.

        Pairs of boxes (chips cut along meridians) are told by their sides alone; others are read and compared.
        """
        return self._meeting(*self.join_candidates(other), other)

    def join_rows(self, rows: Array, other: Index, other_rows: Array) -> tuple[Array, Array]:
        """Return :meth:`join` of some rows, each given once, and some of the other's."""
        mine, theirs = _join(_tree(self.bounds(rows)), _tree(other.bounds(other_rows)))
        mine, theirs = rows[mine], other_rows[theirs]
        order = np.lexsort((theirs, mine))
        return self._meeting(mine[order], theirs[order], other)

    def _meeting(self, mine: Array, theirs: Array, other: Index) -> tuple[Array, Array]:
        a, b = self.bounds(mine), other.bounds(theirs)
        found = (a[:, 0] < b[:, 2]) & (a[:, 2] > b[:, 0]) & (a[:, 1] < b[:, 3]) & (a[:, 3] > b[:, 1])
        boxes = self._mapped.take("is_box", mine) & other._mapped.take("is_box", theirs)
        # Without extent in one direction the sides of a point or line cannot tell.
        flat = ~boxes & ((a[:, 0] == a[:, 2]) | (a[:, 1] == a[:, 3]) | (b[:, 0] == b[:, 2]) | (b[:, 1] == b[:, 3]))
        doubtful = np.flatnonzero((found & ~boxes) | flat)
        shared = np.column_stack((np.maximum(a[:, :2], b[:, :2]), np.minimum(a[:, 2:], b[:, 2:])))
        thin = (shared[:, 2:] - shared[:, :2]).min(axis=1, initial=np.inf) < _THIN
        slivers = np.flatnonzero(found & boxes & thin)
        found[slivers] = boxes_km2(shared[slivers]) >= self._least(mine[slivers], other, theirs[slivers])
        for some in _chunks(doubtful):
            left, right = self._shapes_of(mine[some]), other._shapes_of(theirs[some])
            found[some] = _meet(left, right)
            # Of outlines of many vertices the area takes long: they are taken for slivers where their boxes tell.
            vertices = shapely.get_num_coordinates(left) + shapely.get_num_coordinates(right)
            polygons = (shapely.get_dimensions(left) == 2) & (shapely.get_dimensions(right) == 2)
            at = np.flatnonzero(found[some] & polygons & (thin[some] | (vertices <= _FEW)))
            least = self._least(mine[some[at]], other, theirs[some[at]])
            found[some[at]] = areas_km2(shapely.intersection(left[at], right[at])) >= least
        return mine[found], theirs[found]

    def overlap_km2(self, rows: Array, other: Index, other_rows: Array) -> Floats:
        """Return the km2 that pairs of rows share; 0 below :func:`least_km2`. For the pairs asked for, no others."""
        km2 = self._overlaps_km2(rows, other, other_rows)
        km2[km2 < self._least(rows, other, other_rows)] = 0
        return km2

    def _least(self, rows: Array, other: Index, other_rows: Array) -> Floats:
        least: Floats = least_km2(self.areas_km2(rows), other.areas_km2(other_rows))
        return least

    def _overlaps_km2(self, rows: Array, other: Index, other_rows: Array) -> Floats:
        km2 = np.zeros(len(rows))
        boxes = self._mapped.take("is_box", rows) & other._mapped.take("is_box", other_rows)
        a, b = self.bounds(rows[boxes]), other.bounds(other_rows[boxes])
        km2[boxes] = boxes_km2(np.column_stack((np.maximum(a[:, :2], b[:, :2]), np.minimum(a[:, 2:], b[:, 2:]))))
        for some in _chunks(np.flatnonzero(~boxes)):
            left, right = self._shapes_of(rows[some]), other._shapes_of(other_rows[some])
            km2[some] = areas_km2(shapely.intersection(left, right))
        return km2

    def join_candidates(self, other: Index) -> tuple[Array, Array]:
        """Return the pairs of rows of which parts' boxes meet, sorted: a superset of :meth:`join`, sooner."""
        left, right = _join(self._tree, other._tree)
        mine, theirs = self._row[left], other._row[right]
        order = np.lexsort((theirs, mine))
        mine, theirs = mine[order], theirs[order]
        new = np.ones(len(mine), dtype=bool)
        new[1:] = (mine[1:] != mine[:-1]) | (theirs[1:] != theirs[:-1])
        return mine[new], theirs[new]

    def _shapes_of(self, rows: Array) -> Shapes:
        """Return the geometry of each row, which may come more than once and is read once."""
        once, place = np.unique(rows, return_inverse=True)
        return self.geometries(once)[place]

    def _rows(self, positions: Any) -> Array:
        return distinct(self._row[np.asarray(positions)])


def _tree(boxes: Floats) -> Array:
    """Return a packed tree of boxes, in single precision: half the bytes to check when it is opened."""
    builder = rtree.RTreeBuilder(len(boxes), coord_type="float32")
    if len(boxes):
        builder.add(*np.ascontiguousarray(_grown(boxes).T))
    packed: Any = builder.finish()
    tree: Array = np.frombuffer(packed, dtype=np.uint8)
    return tree


def _join(left: Array, right: Array) -> tuple[Array, Array]:
    """Return the pairs of positions in two trees whose boxes meet."""
    if not all(rtree.RTreeMetadata.from_index(tree).num_items for tree in (left, right)):
        return np.empty(0, dtype=np.uint32), np.empty(0, dtype=np.uint32)  # an empty tree panics
    joined = rtree.tree_join(left, right)
    return np.asarray(joined["left"]), np.asarray(joined["right"])


def _grown(boxes: Floats) -> Array:
    """Return boxes in single precision that hold those given."""
    single = boxes.astype(np.float32)
    outward = np.array([-np.inf, -np.inf, np.inf, np.inf], dtype=np.float32)
    wrong = (single > boxes) == (outward < 0)
    grown: Array = np.where(wrong & (single != boxes), np.nextafter(single, outward), single)
    return grown


def _are_boxes(shapes: Shapes, bounds: Floats) -> Array:
    """Return which shapes are their own bounding box."""
    five = (shapely.get_type_id(shapes) == shapely.GeometryType.POLYGON) & (shapely.get_num_coordinates(shapes) == 5)
    are = np.zeros(len(shapes), dtype=bool)
    at = np.flatnonzero(five)
    lonlat = shapely.get_coordinates(shapes[at]).reshape(-1, 5, 2)
    # A valid ring of four corners, each of them on two sides of the bounding box, is the box.
    sides = bounds[at].reshape(-1, 1, 2, 2)
    are[at] = ((lonlat == sides[:, :, 0]) | (lonlat == sides[:, :, 1])).all(axis=(1, 2))
    return are


def _is_box(geometry: BaseGeometry) -> bool:
    parts = shapely.get_parts(geometry)
    return len(parts) == 1 and bool(_are_boxes(parts, shapely.bounds(parts))[0])


def _chunks(places: Array) -> list[Array]:
    return [places[at : at + _AT_ONCE] for at in range(0, len(places), _AT_ONCE)]


def _meet(a: Any, b: Shapes) -> Array:
    """Return whether the insides share a point."""
    met: Array = shapely.intersects(a, b)
    # Whether they only touch takes long to tell, and most do not even that.
    at = np.flatnonzero(met)
    met[at] = ~shapely.touches(a if isinstance(a, BaseGeometry) else a[at], b[at])
    return met


def _tiled(geometry: BaseGeometry, shapes: Shapes) -> tuple[Shapes, Array, Array]:
    """Return a geometry in tiles, and the pairs of a place in ``shapes`` and a tile whose boxes meet."""
    tiles = np.array(_tiles(geometry), dtype=object)
    return tiles, *_join(_tree(shapely.bounds(shapes)), _tree(shapely.bounds(tiles)))


@lru_cache(maxsize=4)
def _tiles(geometry: BaseGeometry) -> list[BaseGeometry]:
    """Return a polygonal geometry cut into pieces of few vertices, which together are the whole."""
    waiting = list(shapely.get_parts(geometry))
    done = []
    while waiting:
        piece = waiting.pop()
        if shapely.get_num_coordinates(piece) <= _MANY:
            done.append(piece)
            continue
        w, s, e, n = piece.bounds
        if e - w > n - s:
            halves = [shapely.box(w, s, (w + e) / 2, n), shapely.box((w + e) / 2, s, e, n)]
        else:
            halves = [shapely.box(w, s, e, (s + n) / 2), shapely.box(w, (s + n) / 2, e, n)]
        cut = shapely.get_parts(shapely.intersection(piece, halves))
        waiting.extend(cut[shapely.get_dimensions(cut) == 2])
    return done


def _valid(geometry: BaseGeometry) -> BaseGeometry:
    if not shapely.is_valid(geometry):
        raise GeometryError(
            f"the geometry is not valid: {shapely.is_valid_reason(geometry)}", "Repair it with shapely.make_valid"
        )
    return geometry
