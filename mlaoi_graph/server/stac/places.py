"""Where models were trained, tested, and so on: for each stage the models and the sources of its footprint.

Many models used the same data, so what is asked of places is asked once for each *set* of sources (:mod:`~.uses`) and
holds for all models that have it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Final

import numpy as np

from mlaoi_graph.catalog import Catalog
from mlaoi_graph.footprints import Footprints
from mlaoi_graph.geo.mapped import Array, distinct
from mlaoi_graph.model import Precision
from mlaoi_graph.queries import untold
from mlaoi_graph.queries.areas import STAGES_OF
from mlaoi_graph.server.stac.outline import Cover, outline
from mlaoi_graph.server.stac.query import Query
from mlaoi_graph.uses import STAGES, Unplaced

__all__ = ["ModelPlaces", "Where"]

_KEPT: Final = 20_000
"""Sets of data, and dates, that are held."""
_GLOBAL: Final = tuple(Precision).index(Precision.GLOBAL)


@dataclass(frozen=True, slots=True)
class Where:
    """Where and when the data of a footprint lie."""

    shape: Any
    start: str | None
    end: str | None


@dataclass(frozen=True, slots=True)
class _Role:
    """The models that have any use of a role, and the set of targets of each."""

    models: Array
    """Sorted."""
    sets: Array
    """Of each of these models the place of its set."""
    starts: Array
    targets: Array
    """Of all sets, one after the other; none is empty."""

    @classmethod
    def of(cls, models: Array, targets: Array) -> _Role:
        """Return the role in which these pairs are."""
        both = np.sort(models << 32 | targets)
        both = both[np.diff(both, prepend=-1) > 0]
        of, targets = both >> 32, both & 0xFFFFFFFF
        begins = np.flatnonzero(np.diff(of, prepend=-1))
        ends = np.append(begins, len(of))[1:]
        places: dict[bytes, int] = {}
        text, width = targets.tobytes(), targets.itemsize
        sets = [
            places.setdefault(text[begin * width : end * width], len(places))
            for begin, end in zip(begins.tolist(), ends.tolist(), strict=True)
        ]
        pieces = [np.frombuffer(piece, dtype=targets.dtype) for piece in places]
        starts = np.cumsum([0, *map(len, pieces)])
        whole = np.concatenate(pieces) if pieces else targets
        return cls(of[begins], np.array(sets, dtype=np.int64), starts, whole)

    def with_any(self, targets: Array) -> Array:
        """Return the models one of whose targets is marked."""
        if not len(self.models):
            return self.models
        found: Array = self.models[np.logical_or.reduceat(targets[self.targets], self.starts[:-1])[self.sets]]
        return found

    def set_of(self, model: int) -> int:
        """Return the set of a model, -1 for none."""
        at = int(np.searchsorted(self.models, model))
        return int(self.sets[at]) if at < len(self.models) and self.models[at] == model else -1

    def targets_of(self, model: int) -> Array:
        """Return the targets of a model."""
        of = self.set_of(model)
        return self.targets[self.starts[of] : self.starts[of + 1]] if of >= 0 else self.targets[:0]


class ModelPlaces:
    """Models are places in a sorted list of IRIs; roles are words of :data:`STAGES_OF`, ``exposed`` and ``declared``.

    A footprint that is only a placeholder for the world is none: whose it is, is unknown.
    """

    def __init__(self, catalog: Catalog, models: Sequence[str], exposures: Callable[[], tuple[Array, Array]]) -> None:
        """``exposures`` gives places of models, and numbers of nodes of the lineage that they are exposed to."""
        self._catalog = catalog
        self.place: Final = {iri: place for place, iri in enumerate(models)}
        """Of each IRI its place."""
        self._models = models
        self._footprints: Footprints = catalog.footprints
        self._used = catalog.footprints.used
        self._exposures = exposures
        self._asked: tuple[Query | None, Array | None] = None, None
        self._role = lru_cache(None)(self._make_role)
        self._everywhere = lru_cache(None)(lambda role: self._in_sources(role, self._somewhere, self._somewhere))
        self._cover = lru_cache(None)(self._make_cover)
        self._named = lru_cache(_KEPT)(lambda row: self._footprints.areas_named(np.array([row]))[0])
        # Of most models several roles have the same data, and many models do.
        self._sources_by_text = lru_cache(_KEPT)(self._sources_by_text_made)

    def rows(self, query: Query) -> Array | None:
        """Return of each row whether it lies in a query's place and time; None if it asks for neither."""
        if self._asked[0] is not query:  # each shelf asks
            self._asked = query, self._rows(query)
        return self._asked[1]

    def _rows(self, query: Query) -> Array | None:
        found: Array | None = None
        if query.place is not None:
            found = np.zeros(len(self._footprints), dtype=bool)
            found[self._footprints.index.search(query.place)] = True
        if query.time is not None:
            start, end = self._times
            during = (start <= query.time[1]) & (end >= query.time[0])
            found = during if found is None else found & during
        return found

    def models_of(self, role: str, rows: Array | None) -> Array:
        """Return the models whose footprint of a role has one of the marked rows; any, for None. Sorted."""
        if role == "declared":
            return self._declaring(rows)
        if role == "unknown":
            return self._unknown
        if rows is None:
            found: Array = self._everywhere(role)
            return found
        at, sources = self._sources_of_rows
        here = rows[at]
        return self._in_sources(role, distinct(sources[here]), distinct(sources[here & self._tells]))

    def sources(self, role: str, model: int) -> bytes:
        """Return what a model's footprint of a role depends on, and nothing else does."""
        return self._sources_of(role, model).astype(np.int64).tobytes()

    def where(self, role: str, model: int) -> Where | None:
        """Return where and when the data of a role lie; None if that is not known."""
        covers = self._covers(role, model)
        return Where(outline(self._footprints.index, covers), *self._span(covers)) if covers else None

    def dates(self, role: str) -> list[tuple[str | None, str | None] | None]:
        """Return of every model first and last acquisition of a role's data, as published; None if none are known."""
        found: list[tuple[str | None, str | None] | None] = [None] * len(self._models)
        start, end = self._times
        if role == "declared":
            rows, models = self._declarations
            models, first = _least(models, start[rows], rows)
            _, last = _least(self._declarations[1], ~end[rows], rows)
            which = np.arange(len(models))
        else:
            of = self._role(role)
            at, sources = self._sources_of_targets(of.targets)
            sets = np.repeat(np.arange(len(of.starts) - 1), np.diff(of.starts))[at]
            known, firsts, lasts = self._ends_of_sources
            place = np.searchsorted(known, sources)
            is_known = known[np.minimum(place, len(known) - 1)] == sources if len(known) else np.zeros(len(place), bool)
            sets, place = sets[is_known], place[is_known]
            placed, first = _least(sets, start[firsts[place]], firsts[place])
            _, last = _least(sets, ~end[lasts[place]], ~lasts[place])
            last = ~last
            set_of = np.full(len(of.starts), -1)
            set_of[placed] = np.arange(len(placed))
            which = set_of[of.sets]
            models, which = of.models[which >= 0], which[which >= 0]
        starts = [text or None for _, text, _ in self._footprints.areas_named(first)]
        ends = [text or None for _, _, text in self._footprints.areas_named(last)]
        for model, span in zip(models.tolist(), which.tolist(), strict=True):
            found[model] = starts[span], ends[span]
        return found

    # -- tables ---------------------------------------------------------------------------------------------------

    def _sources_of(self, role: str, model: int) -> Array:
        if role == "declared":
            return self._bounded(self._footprints.declared_by(self._models[model]))
        return self._sources_by_text(self._role(role).targets_of(model).astype(np.int64).tobytes())

    def _sources_by_text_made(self, targets: bytes) -> Array:
        return distinct(self._sources_of_targets(np.frombuffer(targets, dtype=np.int64))[1])

    def _sources_of_targets(self, targets: Array) -> tuple[Array, Array]:
        """Return pairs: a place in ``targets``, and a source whose data are of it, or may be as they state no split."""
        at, sources, _ = self._used.sources_of_targets(targets)
        more, unsplit = self._used.unsplit(targets)
        return np.concatenate((at, more)), np.concatenate((sources, unsplit))

    def _covers(self, role: str, model: int) -> list[Cover]:
        sources = self._sources_of(role, model)
        found = [self._covered(sources)] if role == "declared" else [self._cover(s) for s in sources.tolist()]
        return [cover for cover in found if len(cover.rows)]

    def _span(self, covers: Sequence[Cover]) -> tuple[str | None, str | None]:
        first, last = min(cover.first for cover in covers), max(cover.last for cover in covers)
        return self._named(first[1])[1] or None, self._named(last[1])[2] or None

    def _make_cover(self, source: int) -> Cover:
        return self._covered(self._bounded(self._used.rows_of(np.array([source]))[1].astype(np.uint32)))

    def _covered(self, rows: Array) -> Cover:
        rows = np.sort(rows)
        if not len(rows):
            return Cover(rows, (0, 0), (0, 0))
        start, end = self._footprints.times(rows)
        first, last = int(start.argmin()), int(end.argmax())
        return Cover(rows, (int(start[first]), int(rows[first])), (int(end[last]), int(rows[last])))

    def _in_sources(self, role: str, sources: Array, unsplit: Array) -> Array:
        """Return the models with data that are where some sources are, or may be of their data that state no split."""
        targets = np.zeros(self._used.count_of_targets, dtype=bool)
        targets[self._used.targets_of(sources)[1]] = True
        targets[self._used.may_hold(unsplit)[1]] = True
        return self._role(role).with_any(targets)

    def _make_role(self, role: str) -> _Role:
        uses = np.arange(len(self._used))
        models = self._model_of_user[self._used.users(uses)]
        targets = self._used.targets(uses)
        known = models >= 0
        if role != "exposed":
            chosen = known & np.isin(self._used.stages(uses), _codes(role))
            return _Role.of(models[chosen], targets[chosen])
        limited = known & np.isin(targets, self._limited_targets) & np.isin(self._used.stages(uses), _codes("trained"))
        learning, nodes = self._exposures()
        iris = self._catalog.lineage.edges.iris
        once, which = np.unique(nodes, return_inverse=True)
        as_target = np.array(
            [-1 if (at := self._used.target(iris[n])) is None else at for n in once.tolist()], np.int64
        )
        data = as_target[which]
        return _Role.of(
            np.concatenate((learning[data >= 0], models[limited])),
            np.concatenate((data[data >= 0], targets[limited])),
        )

    def _bounded(self, rows: Array) -> Array:
        kept: Array = rows[(self._footprints.precision_codes(rows) != _GLOBAL) & self._footprints.has_geometry(rows)]
        return kept

    def _declaring(self, rows: Array | None) -> Array:
        at, places = self._declarations
        found: Array = distinct(places if rows is None else places[rows[at]])
        return found

    @cached_property
    def _declarations(self) -> tuple[Array, Array]:
        """Pairs: a row that is somewhere, and the place of a model that declares it."""
        rows = self._bounded(np.arange(len(self._footprints), dtype=np.uint32))
        at, codes = self._footprints.models_of(rows)
        places = np.array([self.place.get(iri, -1) for iri in self._footprints.models], dtype=np.int64)[codes]
        return rows[at][places >= 0], places[places >= 0]

    @cached_property
    def _sources_of_rows(self) -> tuple[Array, Array]:
        """Pairs: a row that is somewhere, and a source whose it is."""
        rows = self._bounded(np.arange(len(self._footprints), dtype=np.uint32))
        at, sources = self._used.sources_of(rows)
        return rows[at], sources.astype(np.int32)

    @cached_property
    def _tells(self) -> Array:
        """Of each of these pairs whether the row tells where data of no split are."""
        rows, sources = self._sources_of_rows
        return self._used.tells(sources, self._footprints.precision_codes(rows))

    @cached_property
    def _ends_of_sources(self) -> tuple[Array, Array, Array]:
        """Sources that are somewhere, sorted, and the row of each that begins first, and the one that ends last."""
        rows, sources = self._sources_of_rows
        start, end = self._times
        known, first = _least(sources, start[rows], rows)
        return known, first, _least(sources, ~end[rows], rows)[1]

    @cached_property
    def _times(self) -> tuple[Array, Array]:
        return self._footprints.times(np.arange(len(self._footprints)))

    @cached_property
    def _unknown(self) -> Array:
        """Models of which it is not known where data of theirs are, or what they or their ancestors learned from."""
        uses = np.arange(len(self._used))
        uses = uses[self._used.unplaced(self._used.targets(uses)) != Unplaced.KNOWN]
        measured = self._model_of_user[self._used.users(uses)]
        learning = np.unique(self._used.users(uses[np.isin(self._used.stages(uses), _codes("trained"))]))
        edges = self._catalog.lineage.edges
        taught = np.array([edges.iris.find(iri) for iri in self._used.user_iris(learning)], dtype=np.int64)
        untaught = np.fromiter(untold.silent(edges), dtype=np.int64)
        heirs = self._catalog.lineage.heirs(np.union1d(taught[taught >= 0], untaught)).tolist()
        named = (self.place.get(edges.iris[node], -1) for node in {*heirs, *untold.taught_unknown(edges)})
        found = np.union1d(measured, np.fromiter(named, dtype=np.int64))
        return found[found >= 0]

    @cached_property
    def _model_of_user(self) -> Array:
        """Of each user its place among the models, -1 for a family."""
        users = np.arange(int(self._used.users(np.arange(len(self._used))).max(initial=-1)) + 1)
        return np.array([self.place.get(iri, -1) for iri in self._used.user_iris(users)], dtype=np.int64)

    @cached_property
    def _limited_targets(self) -> Array:
        """Uses that are limited to an area of their own."""
        found = (self._used.target(iri) for iri in self._footprints.uses)
        return np.array([target for target in found if target is not None], dtype=np.int64)

    @cached_property
    def _somewhere(self) -> Array:
        sources = np.arange(len(self._footprints.datasets) + len(self._footprints.uses))
        return np.flatnonzero(np.delete(self._used.totals(sources)[1], _GLOBAL, axis=1).any(axis=1))


def _least(group: Array, value: Array, row: Array) -> tuple[Array, Array]:
    """Return the groups, sorted, and of each the row of its least value: the first of several.

    >>> [found.tolist() for found in _least(np.array([7, 3, 7]), np.array([5, 1, 5]), np.array([12, 11, 10]))]
    [[3, 7], [11, 10]]
    """
    order = np.lexsort((row, value, group))
    ordered = group[order]
    begins = np.flatnonzero(np.diff(ordered, prepend=-1))
    return ordered[begins], row[order[begins]].astype(np.int64)


def _codes(role: str) -> list[int]:
    return [STAGES.index(stage) for stage in STAGES_OF[role]]
