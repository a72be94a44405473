"""Where the data of two datasets lie on the same ground, and whether at the same time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from mlaoi_graph.errors import BadQuestion
from mlaoi_graph.footprints import OPEN_END, OPEN_START, Footprints
from mlaoi_graph.geo.areas import areas_km2
from mlaoi_graph.geo.index import Index
from mlaoi_graph.geo.mapped import Array
from mlaoi_graph.geo.near import grown
from mlaoi_graph.geo.shapes import Shapes
from mlaoi_graph.model import Precision
from mlaoi_graph.uses import How, Unplaced

__all__ = ["Overlap", "Overlaps", "Placed", "Samples"]

_PRECISIONS: Final = tuple(Precision)
_SAMPLES: Final = _PRECISIONS.index(Precision.SAMPLES)
_GLOBAL: Final = _PRECISIONS.index(Precision.GLOBAL)
_DAY_US: Final = 86_400_000_000
_MOST_DAYS: Final = 3_650_000


@dataclass(frozen=True, slots=True)
class Placed:
    """Where some data are."""

    rows: Array
    """Of the footprints; of a source of which all samples are known, these alone."""
    unsplit: Array
    """Rows of samples that may be of the data: of its whole, of no split that is known."""
    sources: frozenset[int]
    """Whose footprints they are, as :class:`~mlaoi_graph.uses.Uses` counts them."""
    inherited: bool
    """They are those of a whole: the data are somewhere in there."""
    unplaced: Unplaced | None
    """Why not all of the data are where the rows are; KNOWN if they are, None if nothing at all is known of them."""


class Samples(NamedTuple):
    """One pair of areas that share ground."""

    test_area: str | None
    train_area: str | None
    overlap_km2: float
    in_time: str
    """``yes``, ``no``, or ``unknown`` where a time is not said."""


@dataclass(frozen=True)
class Overlap:
    """The pairs of areas of two targets that lie on the same ground, as rows of the footprints."""

    footprints: Footprints
    test: Array
    """Row of the tested side, one for each pair."""
    train: Array
    in_time: Array
    """Whether the two spans meet for certain; one for each pair."""
    maybe: Array
    """Whether they may, because a time is not said."""
    unsure: Array
    """Whether either is one of several places that documents of one id give it; one for each pair."""
    test_rows: Array
    """Every row of the tested side."""
    is_near: bool = False
    """No ground is shared: they meet by the room around the tested side only."""

    def __len__(self) -> int:
        return len(self.test)

    @property
    def same(self) -> Array:
        """Return which pairs are one and the same area on both sides."""
        same: Array = self.test == self.train
        return same

    @property
    def exact(self) -> Array:
        """Return which pairs are of a sample with a sample, both where they are said to be."""
        codes = self.footprints.precision_codes
        exact: Array = (codes(self.test) == _SAMPLES) & (codes(self.train) == _SAMPLES) & ~self.unsure
        return exact

    def only(self, chosen: Array) -> Overlap:
        """Return some of the pairs."""
        if chosen.all():
            return self
        names = ("test", "train", "in_time", "maybe", "unsure")
        some = replace(self, **{name: getattr(self, name)[chosen] for name in names})
        index = self.footprints.index
        shared, _ = index.join_rows(np.unique(some.test), index, np.unique(some.train))
        return replace(some, is_near=not len(shared))

    @property
    def time(self) -> str:
        """Return ``yes`` if any pair meets in time, else ``unknown`` if any may, else ``no``."""
        return "yes" if self.in_time.any() else "unknown" if self.maybe.any() else "no"

    @cached_property
    def precision(self) -> Precision | None:
        """Return the finest precision of any pair, where the coarser side of a pair counts."""
        codes = self.footprints.precision_codes
        finest = np.maximum(codes(self.test), codes(self.train)).min(initial=len(_PRECISIONS))
        return _PRECISIONS[finest] if finest < len(_PRECISIONS) else None

    @cached_property
    def areas(self) -> int:
        """Return how many areas of the tested side share ground with the other."""
        return len(np.unique(self.test))

    @cached_property
    def km2(self) -> float:
        """Return the ground the sides share; ground that several pairs share counts once."""
        index = self.footprints.index
        shares = index.overlap_km2(self.test, index, self.train)
        if len(shares) <= 1:
            return float(shares.sum())
        return float(areas_km2([self.ground()])[0])

    def ground(self) -> BaseGeometry:
        """Return the ground the sides share, in one geometry."""
        once, left = np.unique(self.test, return_inverse=True)
        other, right = np.unique(self.train, return_inverse=True)
        geometries = self.footprints.geometries
        shared = shapely.intersection(geometries(once)[left], geometries(other)[right])
        ground: BaseGeometry = shapely.union_all(shared)
        return ground

    def drawn(self) -> tuple[Shapes, Shapes]:
        """Return the geometries of the tested and of the learned areas that share ground, each once."""
        geometries = self.footprints.geometries
        return geometries(np.unique(self.test)), geometries(np.unique(self.train))

    @cached_property
    def share_of_test(self) -> float:
        """Return the part of the tested side's ground; of points, the part of them."""
        whole = self.footprints.index.areas_km2(self.test_rows)
        if not whole.sum():
            return self.areas / len(self.test_rows)
        if len(self.test_rows) == 1:
            return min(1.0, self.km2 / float(whole[0]))
        ground = shapely.union_all(self.footprints.geometries(self.test_rows))
        return min(1.0, self.km2 / float(areas_km2([ground])[0]))

    def pairs(self, limit: int | None = None) -> list[Samples]:
        """Return the pairs with what each shares, those that share most first, then by IRI."""
        index = self.footprints.index
        km2 = index.overlap_km2(self.test, index, self.train)
        order = np.lexsort((self.train, self.test, -km2))[:limit]
        left = self.footprints.areas(self.test[order])
        right = self.footprints.areas(self.train[order])
        words = np.where(self.in_time[order], "yes", np.where(self.maybe[order], "unknown", "no")).tolist()
        return [
            Samples(a.iri, b.iri, share, word)
            for a, b, share, word in zip(left, right, km2[order].tolist(), words, strict=True)
        ]


class Overlaps:
    """Answers where targets lie on the same ground, and remembers."""

    def __init__(self, footprints: Footprints, *, buffer_km: float = 0, window_days: float = 0) -> None:
        grown([], buffer_km)
        if not 0 <= window_days <= _MOST_DAYS:
            raise BadQuestion(f"a window of {window_days} days", f"Give 0 or more, up to {_MOST_DAYS:,}")
        self.footprints = footprints
        self._buffer_km = buffer_km
        self._window_us = round(window_days * _DAY_US)
        self._several = footprints.drawn_several
        self._placed: dict[tuple[str, ...], Placed] = {}
        self._known: dict[tuple[tuple[str, ...], tuple[str, ...], bool], Overlap] = {}

    def placed(self, names: tuple[str, ...]) -> Placed:
        """Return where data are, of which datasets, or uses that are limited to an area, tell that."""
        found = self._placed.get(names)
        if found is None:
            found = self._placed[names] = self._look_up(names)
        return found

    def geometries(self, targets: Iterable[tuple[str, ...]]) -> list[BaseGeometry]:
        """Return the geometries of where data are, as far as it is known, each once."""
        rows = [np.empty(0, dtype=np.uint32), *(self.placed(names).rows for names in targets)]
        return list(self.footprints.geometries(np.unique(np.concatenate(rows))))

    def _look_up(self, names: tuple[str, ...]) -> Placed:
        used, footprints = self.footprints.used, self.footprints
        known = [target for target in map(used.target, names) if target is not None]
        targets = np.array(known, dtype=np.int64)
        _, sources, how = used.sources_of_targets(targets)
        at, rows = used.rows_of(sources)
        rows = rows.astype(np.uint32)
        precision = footprints.precision_codes(rows)
        says, is_sample = footprints.has_geometry(rows), precision == _SAMPLES
        is_bound = how == How.INHERITED
        lacks, samples, boxes = (
            np.bincount(at[chosen], minlength=len(sources)) > 0
            for chosen in (is_sample & ~says, is_sample & says, ~is_sample & says)
        )
        # All samples of a source tell where it is, and not its box, if it is of one document. What is somewhere in a
        # whole is told by the box.
        without_box = samples & ~lacks & ~is_bound
        is_several = np.isin(rows, self._several)
        without_samples = is_bound & boxes
        kept = says & (precision != _GLOBAL) & ~np.where(is_sample, without_samples[at], without_box[at] & ~is_several)
        codes = [Unplaced(code) for code in used.unplaced(targets).tolist()]
        codes += [Unplaced.NO_FOOTPRINT] * (len(names) - len(known) if known else 0)
        return Placed(
            rows=np.unique(rows[kept]),
            unsplit=self._unsplit(targets),
            sources=frozenset(sources.tolist()),
            inherited=bool(is_bound.any()),
            unplaced=next((code for code in codes if code is not Unplaced.KNOWN), Unplaced.KNOWN) if known else None,
        )

    def _unsplit(self, targets: Array) -> Array:
        used, footprints = self.footprints.used, self.footprints
        sources = np.unique(used.unsplit(targets)[1])
        at, rows = used.rows_of(sources)
        rows = rows.astype(np.uint32)
        kept = used.tells(sources[at], footprints.precision_codes(rows)) | np.isin(rows, self._several)
        return np.unique(rows[kept & footprints.has_geometry(rows)])

    def between(self, test: tuple[str, ...], train: tuple[str, ...], *, unsplit: bool = False) -> Overlap:
        """Return what two sides share; with ``unsplit`` by samples, too, that may be of either side."""
        key = test, train, unsplit
        found = self._known.get(key)
        if found is None:
            sides = self.placed(test), self.placed(train)
            left, right = (np.union1d(one.rows, one.unsplit) if unsplit else one.rows for one in sides)
            found = self._known[key] = self._join(left, right)
        return found

    def _join(self, test: Array, train: Array) -> Overlap:
        index = self.footprints.index
        if self._buffer_km:
            near = Index.of(grown(self.footprints.geometries(test), self._buffer_km))
            places, right = near.join_rows(np.arange(len(test), dtype=np.uint32), index, train)
            left = test[places]
            is_near = not len(index.join_rows(test, index, train)[0])
        else:
            left, right = index.join_rows(test, index, train)
            is_near = False
        certain, maybe = self._in_time(left, right)
        unsure = np.isin(left, self._several) | np.isin(right, self._several)
        return Overlap(self.footprints, left, right, certain, maybe, unsure, test, is_near)

    def _in_time(self, left: Array, right: Array) -> tuple[Array, Array]:
        """Return which pairs of rows meet in time, closed spans, and which may because a time is not said."""
        (a, b), (c, d) = self.footprints.times(left), self.footprints.times(right)
        unknown = (a == OPEN_START) | (b == OPEN_END) | (c == OPEN_START) | (d == OPEN_END)
        window = self._window_us
        meets = (a <= _later(d, window)) & (c <= _later(b, window))
        return meets & ~unknown, meets & unknown


def _later(instants: Array, by: int) -> Array:
    """Return instants moved on, the open end where it is."""
    return np.where(instants > OPEN_END - by, OPEN_END, instants + by)
