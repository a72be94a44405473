"""Where models were trained, tested, and so on: for each stage the models and the rows of its footprint."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Final

import numpy as np

from mlaoi_graph.catalog import Catalog
from mlaoi_graph.footprints import Footprints
from mlaoi_graph.geo.mapped import Array
from mlaoi_graph.model import Precision
from mlaoi_graph.queries.areas import STAGES_OF
from mlaoi_graph.rdf import INFERRED_GRAPH
from mlaoi_graph.results import texts
from mlaoi_graph.server.stac.query import Query
from mlaoi_graph.uses import STAGES, Unplaced
from mlaoi_graph.vocab import MLAOI

__all__ = ["ModelPlaces"]

_GLOBAL: Final = tuple(Precision).index(Precision.GLOBAL)
_EXPOSED: Final = f"SELECT ?model ?data {{ GRAPH <{INFERRED_GRAPH}> {{ ?model mlaoi:exposedTo ?data }} }}"


class ModelPlaces:
    """Models are places in a sorted list of IRIs; roles are words of :data:`STAGES_OF`, ``exposed`` and ``declared``.

    A footprint that is only a placeholder for the world is none: whose it is, is unknown.
    """

    def __init__(self, catalog: Catalog, models: Sequence[str]) -> None:
        self._catalog = catalog
        self._place = {iri: place for place, iri in enumerate(models)}
        self._models = models
        self._footprints: Footprints = catalog.footprints
        self._used = catalog.footprints.used

    def rows(self, query: Query) -> Array | None:
        """Return the rows that lie in a query's place and time; None if it asks for neither."""
        rows = None
        if query.place is not None:
            rows = self._footprints.index.search(query.place)
        if query.time is not None:
            rows = np.arange(len(self._footprints)) if rows is None else rows
            start, end = self._footprints.times(rows)
            rows = rows[(start <= query.time[1]) & (end >= query.time[0])]
        return rows

    def models_of(self, role: str, rows: Array | None) -> Array:
        """Return the models whose footprint of a role has one of these rows; any, for None. Sorted."""
        if role == "declared":
            return self._declaring(rows)
        if role == "unknown":
            return self._unknown
        sources = np.arange(self._sources) if rows is None else np.unique(self._used.sources_of(self._bounded(rows))[1])
        if rows is None:
            sources = sources[self._is_somewhere]
        targets = np.unique(self._used.targets_of(sources)[1])
        uses = self._used.uses_of(targets)[1]
        if role == "exposed":
            learned = self._exposures[0][np.isin(self._exposures[1], targets)]
            return np.union1d(learned, self._of_uses(uses[self._limited(uses) & self._teaches(uses)]))
        return self._of_uses(uses[np.isin(self._used.stages(uses), _codes(role))])

    def footprint(self, role: str, model: int) -> Array:
        """Return the rows of a model's footprint of a role, in order."""
        if role == "declared":
            return self._bounded(self._footprints.declared_by(self._models[model]))
        uses = self._uses_by_model(model)
        if role == "exposed":
            targets = self._exposures[1][slice(*np.searchsorted(self._exposures[0], (model, model + 1)))]
            limited = uses[self._limited(uses) & self._teaches(uses)]
            targets = np.union1d(targets, self._used.targets(limited))
        else:
            targets = np.unique(self._used.targets(uses[np.isin(self._used.stages(uses), _codes(role))]))
        sources = np.unique(self._used.sources_of_targets(targets)[1])
        return self._bounded(np.unique(self._used.rows_of(sources)[1]).astype(np.uint32))

    # -- tables ---------------------------------------------------------------------------------------------------

    def _bounded(self, rows: Array) -> Array:
        kept: Array = rows[(self._footprints.precision_codes(rows) != _GLOBAL) & self._footprints.has_geometry(rows)]
        return kept

    def _declaring(self, rows: Array | None) -> Array:
        rows = self._bounded(np.arange(len(self._footprints)) if rows is None else rows)
        return self._placed([self._footprints.models[code] for code in np.unique(self._footprints.models_of(rows)[1])])

    @cached_property
    def _unknown(self) -> Array:
        uses = np.arange(len(self._used))
        some = self._of_uses(uses[self._used.unplaced(self._used.targets(uses)) != Unplaced.KNOWN])
        silent = self._catalog.store.match(None, MLAOI.trainingDisclosure, MLAOI.Undisclosed)
        return np.union1d(some, self._placed([quad.subject.value for quad in silent]))  # type: ignore[union-attr]

    @cached_property
    def _model_of_user(self) -> Array:
        """Of each user its place among the models, -1 for a family."""
        users = np.arange(int(self._user_of_use.max(initial=-1)) + 1)
        return np.array([self._place.get(iri, -1) for iri in self._used.user_iris(users)], dtype=np.int64)

    @cached_property
    def _user_of_use(self) -> Array:
        return self._used.users(np.arange(len(self._used)))

    @cached_property
    def _uses_in_order(self) -> tuple[Array, Array]:
        """Models of uses, sorted, and the uses."""
        models = self._model_of_user[self._user_of_use]
        order = np.argsort(models, kind="stable")
        return models[order], order

    def _uses_by_model(self, model: int) -> Array:
        models, uses = self._uses_in_order
        found: Array = uses[slice(*np.searchsorted(models, (model, model + 1)))]
        return found

    def _of_uses(self, uses: Array) -> Array:
        models = np.unique(self._model_of_user[self._user_of_use[uses]])
        found: Array = models[models >= 0]
        return found

    def _limited(self, uses: Array) -> Array:
        """Return which uses are limited to an area of their own."""
        return np.isin(self._used.targets(uses), self._limited_targets)

    @cached_property
    def _limited_targets(self) -> Array:
        found = (self._used.target(iri) for iri in self._footprints.uses)
        return np.array([target for target in found if target is not None], dtype=np.int64)

    def _teaches(self, uses: Array) -> Array:
        return np.isin(self._used.stages(uses), _codes("trained"))

    @property
    def _sources(self) -> int:
        return len(self._footprints.datasets) + len(self._footprints.uses)

    @cached_property
    def _is_somewhere(self) -> Array:
        areas = self._used.totals(np.arange(self._sources))[1]
        return np.asarray(np.delete(areas, _GLOBAL, axis=1).any(axis=1))

    @cached_property
    def _exposures(self) -> tuple[Array, Array]:
        """Model and target of everything learned from at any depth, by model."""
        pairs = []
        for model, data in texts(self._catalog.store, _EXPOSED):
            place, target = self._place.get(model), self._used.target(data)
            if place is not None and target is not None:
                pairs.append((place, target))
        found = np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2)
        return found[:, 0], found[:, 1]

    def _placed(self, iris: Sequence[str]) -> Array:
        return np.array(sorted(self._place[iri] for iri in iris if iri in self._place), dtype=np.int64)


def _codes(role: str) -> list[int]:
    return [STAGES.index(stage) for stage in STAGES_OF[role]]
