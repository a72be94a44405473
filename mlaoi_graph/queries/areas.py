"""Which models learned, or were measured, where: uses of datasets by stage, place and time.

The place of a use is that of the data it used (:mod:`mlaoi_graph.uses`): their own footprints, those of their parts,
or, *inherited*, the one of the whole they are somewhere in. Of footprints that are known more and less precisely
the most precise ones that lie in the area answer; where only a box does, and samples are known elsewhere,
``samples_elsewhere`` says so. Time is that of acquisition; spans are closed, and a side that is not said is unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from mlaoi_graph import iri as iris
from mlaoi_graph.footprints import During
from mlaoi_graph.geo.mapped import Array
from mlaoi_graph.model import Precision, Stage
from mlaoi_graph.queries import untold
from mlaoi_graph.queries.aoi import Aoi, AoiLike, area_of
from mlaoi_graph.queries.area_hits import (
    AreaHit,
    AreaHits,
    DatasetHit,
    DeclaredHit,
    ExposureHit,
    UnplacedUse,
    UseHit,
)
from mlaoi_graph.queries.asked import Asked
from mlaoi_graph.queries.results import Rows
from mlaoi_graph.queries.words import no_such
from mlaoi_graph.stores import Store
from mlaoi_graph.uses import STAGES, How, Unplaced
from mlaoi_graph.vocab import MLAOI, RDFS

if TYPE_CHECKING:
    from pyoxigraph import Literal, Quad

    from mlaoi_graph.queries.explain import Explanation
    from mlaoi_graph.queries.filters import Filters

__all__ = [
    "STAGES_OF",
    "AreaHit",
    "AreaHits",
    "DatasetHit",
    "DeclaredHit",
    "ExposureHit",
    "Places",
    "Unplaced",
    "UnplacedUse",
    "UseHit",
]

STAGES_OF: Final = {
    "pretrained": (Stage.PRETRAINING,),
    "finetuned": (Stage.FINETUNING,),
    "instruction_tuned": (Stage.INSTRUCTION_TUNING,),
    "trained": tuple(stage for stage in Stage if stage.teaches),
    "validated": (Stage.VALIDATION,),
    "tested": (Stage.TEST,),
    "evaluated": tuple(stage for stage in Stage if not stage.teaches),
}
"""The stages each word of a question means. A source that says "training" and no more is in ``trained`` only."""
_VAGUE: Final = {True: Stage.TRAINING, False: Stage.EVALUATION}
_HOW: Final = {How.OWN: "own", How.PART: "part", How.INHERITED: "inherited", How.USE: "use"}
_FINEST: Final = tuple(Precision)
_SAMPLES: Final = _FINEST.index(Precision.SAMPLES)
_GLOBAL: Final = _FINEST.index(Precision.GLOBAL)


def only_said(during: During | None, task: str | None, family: str | None) -> str:
    """Return how a title says what an answer is limited to.

    >>> only_said(("2018", None), "detection", None)
    ', task detection, data of 2018/..'
    """
    time = during if during is None or isinstance(during, str) else "/".join(side or ".." for side in during)
    said = {"family": family, "task": task, "data of": time}
    return "".join(f", {word} {value}" for word, value in said.items() if value is not None)


@dataclass(frozen=True, slots=True)
class _Groups:
    """Rows that lie in an area, by source and precision: the k-th group is ``order[starts[k]:starts[k + 1]]``."""

    rows: Array
    km2: Array
    unsure: Array
    """Which rows may not be of the time asked for."""
    order: Array
    """Places in ``rows``."""
    starts: Array
    source: Array
    precision: Array

    def of(self, group: int) -> Array:
        """Return the places of a group's rows."""
        found: Array = self.order[self.starts[group] : self.starts[group + 1]]
        return found


class _Exposed(NamedTuple):
    """Who learned from a dataset, and how."""

    model: str
    label: str
    dataset: str
    holds: str
    through: str
    stage: str
    depth: int
    explain: Callable[[], Explanation | None]


class _Exposure(NamedTuple):
    group: int
    how: int
    samples_elsewhere: bool
    by: _Exposed


class Places:
    """Questions of one catalog about places."""

    def __init__(self, catalog: Asked) -> None:
        self._catalog = catalog
        self._footprints = catalog.footprints
        self._used = catalog.footprints.used

    def area_of(self, what: AoiLike) -> Aoi:
        """Return the area that is meant; see :func:`mlaoi_graph.queries.aoi.area_of`."""
        return area_of(what, footprints=self._footprints, find=self._catalog.find)

    # -- questions ------------------------------------------------------------------------------------------------

    def uses(
        self,
        stages: str | Iterable[Stage],
        aoi: AoiLike,
        *,
        during: During | None = None,
        task: str | None = None,
        family: str | None = None,
    ) -> AreaHits:
        """Return the uses in stages (a word of :data:`STAGES_OF`, or stages) of data in an area, and time.

        By model label, stage, dataset. ``unknown`` are the uses in these stages whose data may be anywhere; a model
        that is in neither was used elsewhere, as far as its sources say, or no use in these stages is recorded of it.
        ``family_level`` is what is said of families only.
        """
        word = stages if isinstance(stages, str) else " or ".join(stage.value for stage in stages)
        if isinstance(stages, str) and stages not in STAGES_OF:
            raise TypeError(f"no stage is called {stages!r}. Ask for one of: {', '.join(STAGES_OF)}")
        wanted = STAGES_OF[stages] if isinstance(stages, str) else tuple(stages)
        asked = self.area_of(aoi)
        groups = self._groups(asked, during, datasets_and_uses=True)
        at, target, how, elsewhere = self._placed(groups)
        pair, use = self._used.uses_of(target)
        stage = self._used.stages(use)
        chosen = _table(wanted)[stage]
        users = self._used.users(use)
        allowed = self._allowed(users[chosen], task, family)
        if allowed is not None:
            chosen &= np.isin(users, allowed)
        notes = self._no_such_task(task)
        vague = _VAGUE[wanted[0].teaches] if wanted else Stage.EVALUATION
        if vague not in wanted:
            unsaying = users[_table((vague,))[stage]]
            them = self._allowed(unsaying, task, family)
            unsaid = len(np.unique(unsaying) if them is None else them)
            if unsaid:
                broad = "trained" if vague.teaches else "evaluated"
                who = "1 user" if unsaid == 1 else f"{unsaid} users"
                notes.append(f"of {who} of data there it is not said in which stage: ask for {broad}")
        pair, use = pair[chosen], use[chosen]
        order = np.lexsort((groups.precision[at[pair]], groups.source[at[pair]], use))
        pair, use = pair[order], use[order]
        keys = np.column_stack((at[pair], use, how[pair], elsewhere[pair])).astype(np.int64)
        is_family = self._used.are_families(self._used.users(use))
        describe = self._describer(groups, asked, during)

        def make(some: Any) -> list[UseHit]:
            group, uses, how, outside = np.array(some, dtype=np.int64).reshape(-1, 4).T
            users = self._used.users(uses)
            columns = (
                self._used.user_iris(users),
                self._used.user_labels(users),
                self._used.stages(uses).tolist(),
                self._used.used(uses),
                self._used.used_labels(uses),
                how.tolist(),
                outside.tolist(),
                self._used.documents(uses),
                self._used.twins(uses),
                describe(group),
            )
            return [
                UseHit(
                    model=model,
                    label=label,
                    stage=STAGES[code].value,
                    dataset=dataset,
                    dataset_label=dataset_label,
                    how=_HOW[How(way)],
                    samples_elsewhere=bool(elsewhere),
                    document=document,
                    use=twin,
                    **where,
                )
                for model, label, code, dataset, dataset_label, way, elsewhere, document, twin, where in zip(
                    *columns, strict=True
                )
            ]

        title = f"{word.replace('_', '-')} in {asked.label}{only_said(during, task, family)}"
        extra = AreaHits(
            f"{title}: said of families only", UseHit, keys[is_family], make, aoi=asked, footprints=self._footprints
        )
        return AreaHits(
            title,
            UseHit,
            keys[~is_family],
            make,
            aoi=asked,
            footprints=self._footprints,
            unknown=lambda: self._unplaced(word, wanted, task, family),
            notes=notes,
            family_level=extra,
        )

    def exposed(
        self,
        aoi: AoiLike,
        *,
        during: During | None = None,
        task: str | None = None,
        family: str | None = None,
    ) -> AreaHits:
        """Return the models that learned, themselves or through ancestors and sources, from data in an area.

        Loads the catalog's lineage. ``unknown`` are the uses for training whose data may be anywhere, and the models
        that descend from one with such a use; with a task or family it is of these models and their ancestors.
        """
        asked = self.area_of(aoi)
        groups = self._groups(asked, during, datasets_and_uses=True)
        at, target, how, elsewhere = self._placed(groups)
        found: list[_Exposure] = []
        loose: list[_Exposure] = []
        names = self._used.target_iris(target)
        known: dict[str, tuple[list[_Exposed], list[_Exposed]]] = {}
        for group, code, outside, iri in zip(at.tolist(), how.tolist(), elsewhere.tolist(), names, strict=True):
            if iri not in known:
                known[iri] = self._taught_by_use(iri) if code == How.USE else self._taught(iri)
            sure, unsure = known[iri]
            found.extend(_Exposure(group, code, outside, one) for one in sure)
            loose.extend(_Exposure(group, code, outside, one) for one in unsure)
        allowed = self._allowed_iris({key.by.model for key in [*found, *loose]}, task, family)
        found, loose = ([key for key in some if key.by.model in allowed] for some in (found, loose))
        # Who learned from a whole has learned from its samples, of whatever split they are.
        certain = {(key.group, key.by.model) for key in [*found, *loose] if key.how != How.INHERITED}
        found, loose = (
            [key for key in some if key.how != How.INHERITED or (key.group, key.by.model) not in certain]
            for some in (found, loose)
        )
        describe = self._describer(groups, asked, during)

        def order(key: _Exposure) -> Any:
            by = key.by
            return by.label.casefold(), by.model, by.depth, by.dataset, int(groups.source[key.group])

        def make(some: Sequence[_Exposure]) -> list[ExposureHit]:
            wheres = describe(np.array([key.group for key in some], dtype=np.int64))
            return [
                ExposureHit(
                    model=key.by.model,
                    label=key.by.label,
                    dataset=key.by.dataset,
                    dataset_label=self._catalog.lineage.label(key.by.dataset),
                    how=_HOW[How(key.how)],
                    holds=key.by.holds,
                    through=key.by.through,
                    stage=key.by.stage,
                    depth=key.by.depth,
                    samples_elsewhere=key.samples_elsewhere,
                    _explain=key.by.explain,
                    **where,
                )
                for key, where in zip(some, wheres, strict=True)
            ]

        title = f"exposed to data in {asked.label}{only_said(during, task, family)}"
        extra = AreaHits(
            f"{title}: said of families only", ExposureHit, sorted(loose, key=order), make,
            aoi=asked, footprints=self._footprints,
        )  # fmt: skip
        return AreaHits(
            title, ExposureHit, sorted(found, key=order), make, aoi=asked, footprints=self._footprints,
            unknown=lambda: self._unplaced("trained", STAGES_OF["trained"], task, family, ancestors=True),
            family_level=extra, notes=self._no_such_task(task),
        )  # fmt: skip

    def _taught(self, dataset: str) -> tuple[list[_Exposed], list[_Exposed]]:
        """Return who is exposed to a dataset, and of which families it is said only.

        A use that is limited to an area is there and nowhere else: it does not count for all of the dataset.
        """
        only: Filters = {"without": self._footprints.uses} if self._footprints.uses else {}
        rows = self._catalog.lineage.exposed_models(dataset, **only)
        # Who learned from a part has not learned from what else the whole has.
        return tuple(  # type: ignore[return-value]
            [
                _Exposed(r.model, r.label, dataset, r.holds, r.through, r.stage, r.depth, r.explain)
                for r in some
                if r.part is None
            ]
            for some in (rows, rows.family_level)
        )

    def _taught_by_use(self, use: str) -> tuple[list[_Exposed], list[_Exposed]]:
        """Return who learned by a use that is limited to an area: its model, and what was made from that."""
        lineage = self._catalog.lineage
        target = self._used.target(use)
        _, uses = self._used.uses_of(np.array([target]))
        sure: list[_Exposed] = []
        loose: list[_Exposed] = []
        users = self._used.users(uses)
        for stage, user, is_family, dataset in zip(
            self._used.stages(uses).tolist(),
            self._used.user_iris(users),
            self._used.are_families(users).tolist(),
            self._used.used(uses),
            strict=True,
        ):
            if not STAGES[stage].teaches:
                continue
            word, proof = STAGES[stage].value, partial(lineage.explain, user, dataset)
            own = _Exposed(user, lineage.label(user), dataset, "contains", "own use", word, 1, proof)
            (loose if is_family else sure).append(own)
            made = lineage.descendants(user)
            for into, some in ((loose if is_family else sure, made), (loose, made.family_level)):
                into.extend(
                    _Exposed(r.node, r.label, dataset, "may contain", "ancestor", word, r.depth + 1, r.explain)
                    for r in some
                )
        return sure, loose

    def _placed(self, groups: _Groups) -> tuple[Array, Array, Array, Array]:
        """Return group, target, how, and whether samples are known and all lie elsewhere.

        Where samples of the same data are found in the area, a box around them says nothing more; that of another part,
        of which no samples are known, does. Samples of a whole that state no split are somewhere in its splits.
        """
        at, target, how = self._used.targets_of(groups.source)
        is_sample = groups.precision[at] == _SAMPLES
        own = np.full(len(groups.source), -1)
        own[at[how == How.OWN]] = target[how == How.OWN]
        tells = np.where(how == How.PART, own[at], target)
        kept = is_sample | ~np.isin(tells, np.unique(target[is_sample]))
        at, target, how, tells = at[kept], target[kept], how[kept], tells[kept]
        elsewhere = self._used.has_samples(tells) & (groups.precision[at] != _SAMPLES)
        loose, split = self._used.may_hold(groups.source)
        kept = self._used.tells(groups.source[loose], groups.precision[loose])
        loose, split = loose[kept], split[kept]
        return (
            np.concatenate((at, loose)),
            np.concatenate((target, split)),
            np.concatenate((how, np.full(len(loose), How.INHERITED))),
            np.concatenate((elsewhere, np.zeros(len(loose), dtype=bool))),
        )

    def declared(self, aoi: AoiLike, *, task: str | None = None, family: str | None = None) -> AreaHits:
        """Return the models whose publisher says they may be used in an area: no evidence of any use of data there.

        ``unknown`` are those that are declared for the whole world.
        """
        asked = self.area_of(aoi)
        groups = self._groups(asked, None, datasets_and_uses=False)
        models = np.array(self._footprints.models, dtype=object)[groups.source]
        allowed = self._allowed_iris(set(models), task, family)
        labels = {iri: _label(self._catalog.store, iri) for iri in models}
        kept = [g for g, iri in enumerate(models) if iri in allowed]
        kept.sort(key=lambda g: (labels[models[g]].casefold(), models[g], groups.precision[g]))
        describe = self._describer(groups, asked, None, self._footprints.models)

        def make(some: Sequence[int]) -> list[DeclaredHit]:
            wheres = zip(some, describe(np.array(some, dtype=np.int64)), strict=True)
            return [DeclaredHit(model=models[group], label=labels[models[group]], **where) for group, where in wheres]

        return AreaHits(
            f"declared for {asked.label}{only_said(None, task, family)}", DeclaredHit, kept, make, aoi=asked,
            footprints=self._footprints, unknown=lambda: self._worldwide(task, family),
            notes=[
                "declared by the publisher: no evidence of training or testing there", *self._no_such_task(task)
            ],
        )  # fmt: skip

    def _worldwide(self, task: str | None, family: str | None) -> Rows[UnplacedUse]:
        """Return the models that are declared for the whole world, which may be no more than a placeholder."""
        rows = np.arange(len(self._footprints), dtype=np.uint32)
        _, places = self._footprints.models_of(rows[self._footprints.precision_codes(rows) == _GLOBAL])
        models = {self._footprints.models[place] for place in np.unique(places).tolist()}
        reason = "unbounded: the whole world, which may be a placeholder"
        return Rows(
            "declared, not known where", UnplacedUse, sorted(self._allowed_iris(models, task, family)),
            lambda model: self._unplaced_model(model, reason),
        )  # fmt: skip

    def _unplaced_model(self, model: str, reason: str) -> UnplacedUse:
        label = _label(self._catalog.store, model)
        return UnplacedUse(
            model=model, label=label, stage=None, dataset=None, dataset_label=None, reason=reason, document=None
        )

    def datasets(self, aoi: AoiLike, *, during: During | None = None) -> AreaHits:
        """Return the datasets and splits that have a footprint of their own in an area, and time."""
        asked = self.area_of(aoi)
        groups = self._groups(asked, during, datasets_and_uses=True)
        names = self._footprints.datasets
        kept = [g for g in range(len(groups.source)) if groups.source[g] < len(names)]
        labels = {g: _label(self._catalog.store, names[groups.source[g]]) for g in kept}
        kept.sort(key=lambda g: (labels[g].casefold(), names[groups.source[g]], groups.precision[g]))
        describe = self._describer(groups, asked, during)

        def make(some: Sequence[int]) -> list[DatasetHit]:
            wheres = zip(some, describe(np.array(some, dtype=np.int64)), strict=True)
            return [
                DatasetHit(dataset=names[groups.source[group]], label=labels[group], **where) for group, where in wheres
            ]

        return AreaHits(
            f"datasets in {asked.label}", DatasetHit, kept, make, aoi=asked, footprints=self._footprints,
        )  # fmt: skip

    # -- rows in groups -------------------------------------------------------------------------------------------

    def _groups(self, aoi: Aoi, during: During | None, *, datasets_and_uses: bool) -> _Groups:
        """Return the rows that lie in an area by source (or declaring model) and precision."""
        rows, km2 = self._footprints.index.overlaps(aoi.geometry)
        unsure = np.zeros(len(rows), dtype=bool)
        if during is not None:
            may, unsure = self._footprints.in_time(rows, during)
            rows, km2, unsure = rows[may], km2[may], unsure[may]
        of = self._used.sources_of if datasets_and_uses else self._footprints.models_of
        at, source = of(rows)
        precision = self._footprints.precision_codes(rows)[at].astype(np.int64)
        kept = precision != _GLOBAL  # its geometry, if it has one, is a placeholder
        at, source, precision = at[kept], source[kept].astype(np.int64), precision[kept]
        # Places ascend among datasets and among uses, so that one stable pass will do.
        order = np.argsort(source * (len(_FINEST) + 1) + precision, kind="stable")
        at, source, precision = at[order], source[order], precision[order]
        new = np.ones(len(at), dtype=bool)
        new[1:] = (source[1:] != source[:-1]) | (precision[1:] != precision[:-1])
        starts = np.concatenate((np.flatnonzero(new), [len(at)]))
        return _Groups(rows, km2, unsure, at, starts, source[new], precision[new])

    def _describer(
        self, groups: _Groups, aoi: Aoi, during: During | None, declared_by: list[str] | None = None
    ) -> Callable[[Array], list[dict[str, Any]]]:
        """Return what says the fields of an :class:`AreaHit` of groups: each group is measured once."""
        known: dict[int, dict[str, Any]] = {}

        def describe(some: Array) -> list[dict[str, Any]]:
            new = [group for group in np.unique(some).tolist() if group not in known]
            if new:
                known.update(zip(new, self._described(groups, np.array(new), aoi, during, declared_by), strict=True))
            return [known[group] for group in some.tolist()]

        return describe

    def _described(
        self, groups: _Groups, some: Array, aoi: Aoi, during: During | None, declared_by: list[str] | None
    ) -> Iterator[dict[str, Any]]:
        places = [groups.of(group) for group in some.tolist()]
        most = np.array([groups.rows[at[np.argmax(groups.km2[at])]] for at in places])
        areas = self._footprints.areas_named(most)
        source, precision = groups.source[some], groups.precision[some]
        if declared_by is None:
            names = self._used.source_iris(source)
            totals = [table[np.arange(len(some)), precision] for table in self._used.totals(source)]
        else:
            names = [declared_by[at] for at in source.tolist()]
            totals = self._declared(names, precision)
        for at, name, code, whole, count, (area, start, end) in zip(
            places, names, precision.tolist(), *(table.tolist() for table in totals), areas, strict=True
        ):
            km2 = groups.km2[at]
            rows = groups.rows[at]
            overlap = float(km2[0])
            if len(at) > 1:
                overlap = self._footprints.index.union_km2(rows, aoi.geometry, km2)
            share = float(km2.sum()) / whole if whole else len(at) / count
            yield {
                "footprint_of": name,
                "precision": _FINEST[code].value if code < len(_FINEST) else "not said",
                "areas": len(at),
                "area": area or None,
                "overlap_km2": overlap,
                "share_of_aoi": min(overlap / aoi.km2, 1.0) if aoi.km2 else None,
                "share_of_footprint": min(share, 1.0) if aoi.km2 else None,
                "in_time": None if during is None else "unknown" if groups.unsure[at].all() else "yes",
                "start": start or None,
                "end": end or None,
                "_rows": rows,
            }

    def _declared(self, models: list[str], precision: Array) -> list[Array]:
        rows = [self._footprints.declared_by(model) for model in models]
        mine = [r[self._footprints.precision_codes(r) == code] for r, code in zip(rows, precision, strict=True)]
        return [
            np.array([self._footprints.index.areas_km2(r).sum() for r in mine]),
            np.array([self._footprints.has_geometry(r).sum() for r in mine]),
        ]

    # -- who is asked about ---------------------------------------------------------------------------------------

    def _allowed(self, users: Array, task: str | None, family: str | None) -> Array | None:
        """Return which of these users do a task and are of a family; None if neither is asked for."""
        if task is None and family is None:
            return None
        once = np.unique(users)
        names = self._used.user_iris(once)
        allowed = self._allowed_iris(set(names), task, family)
        chosen: Array = once[np.array([iri in allowed for iri in names], dtype=bool)]
        return chosen

    def _allowed_iris(self, models: set[str], task: str | None, family: str | None) -> set[str]:
        """Return which of these models do a task and are of a family; all if neither is asked for."""
        from pyoxigraph import Literal

        store = self._catalog.store
        allowed = set(models)
        if family is not None:
            asked = self._catalog.find(family)
            allowed = {m for m in allowed if m == asked or _says(store, m, MLAOI.family, asked)}
        if task is not None:
            allowed = {m for m in allowed if _says(store, m, MLAOI.task, Literal(task))}
        return allowed

    def _no_such_task(self, task: str | None) -> list[str]:
        """Return a note if no model has that task: which there are, the nearest first."""
        from pyoxigraph import Literal

        match = self._catalog.store.match
        if task is None or next(match(None, MLAOI.task, Literal(task)), None) is not None:
            return []
        known = (str(getattr(quad.object, "value", "")) for quad in match(None, MLAOI.task, None))
        return [no_such("no model here has the task", task, known)]

    def _unplaced(
        self,
        word: str,
        stages: tuple[Stage, ...],
        task: str | None,
        family: str | None,
        *,
        ancestors: bool = False,
    ) -> Rows[UnplacedUse]:
        """Return the uses in stages of which it is not known where all data are, and who discloses nothing.

        Of models of a task and family, if given. With ``ancestors`` also of what these were made from, and the models
        that were made from such a one.
        """
        uses = self._used.all_of_stages(stages)
        targets = self._used.targets(uses)
        uses = uses[self._used.unplaced(targets) != Unplaced.KNOWN]
        silent = self._silent() if any(stage.teaches for stage in stages) else {}
        users, at = np.unique(self._used.users(uses), return_inverse=True)
        names = self._used.user_iris(users)
        heirs = self._heirs({*names, *silent}) if ancestors else {}
        if task is not None or family is not None:
            found = self._allowed_iris({*names, *silent, *heirs}, task, family)
            heirs = {heir: why for heir, why in heirs.items() if heir in found}
            allowed = self._with_ancestors(task, family) if ancestors else found
            uses = uses[np.array([iri in allowed for iri in names], dtype=bool)[at]]
            silent = {iri: why for iri, why in silent.items() if iri in allowed}

        def make(key: int | str) -> UnplacedUse:
            if isinstance(key, str):
                return self._unplaced_model(key, silent.get(key) or heirs[key])
            alone = np.array([key])
            user = self._used.users(alone)
            return UnplacedUse(
                model=self._used.user_iris(user)[0],
                label=self._used.user_labels(user)[0],
                stage=STAGES[int(self._used.stages(alone)[0])].value,
                dataset=self._used.used(alone)[0],
                dataset_label=self._used.used_labels(alone)[0],
                reason=Unplaced(int(self._used.unplaced(self._used.targets(alone))[0])).reason,
                document=self._used.documents(alone)[0],
            )

        keys: list[int | str] = [*uses.tolist(), *sorted(silent), *sorted(heirs)]
        return Rows(f"{word}, not known where", UnplacedUse, keys, make)

    def _silent(self) -> dict[str, str]:
        """Return the models of which it is not known what all they learned from themselves, and why."""
        edges = self._catalog.lineage.edges
        return {edges.iris[node]: why for node, why in untold.silent(edges).items()}

    def _heirs(self, models: set[str]) -> dict[str, str]:
        """Return what was made from any of these models, or learned from data of unknown origin, and why it is told."""
        edges = self._catalog.lineage.edges
        made = "made from {}, of whose data it is not known where all are"
        found = untold.taught_unknown(edges)
        nodes = (node for node in map(edges.iris.find, models) if node >= 0)
        found |= {node: made.format(edges.label(of)) for node, of in untold.heirs(edges, nodes).items()}
        return {iri: why for node, why in found.items() if (iri := edges.iris[node]) not in models}

    def _with_ancestors(self, task: str | None, family: str | None) -> set[str]:
        """Return the models of a task and family, and what they were made from."""
        from pyoxigraph import Literal

        match = self._catalog.store.match
        if family is not None:
            asked = self._catalog.find(family)
            found = {asked, *_subjects(match(None, MLAOI.family, asked))}
        else:
            found = _subjects(match(None, MLAOI.task, Literal(str(task))))
        found = self._allowed_iris(found, task, None)
        for model in sorted(found):
            older = self._catalog.lineage.ancestors(model)
            found.update(row.node for rows in (older, older.family_level) for row in rows)
        return found


def _says(store: Store, subject: str, predicate: str, value: str | Literal) -> bool:
    return next(store.match(subject, predicate, value), None) is not None


def _subjects(quads: Iterable[Quad]) -> set[str]:
    return {quad.subject.value for quad in quads}  # type: ignore[union-attr]


def _label(store: Store, iri: str) -> str:
    labels = [str(getattr(quad.object, "value", "")) for quad in store.match(iri, RDFS.label)]
    return min(labels, default=iris.tail(iri))


def _table(stages: Iterable[Stage]) -> Array:
    """Return of which stage codes these stages are."""
    chosen: Array = np.zeros(len(STAGES), dtype=bool)
    chosen[[STAGES.index(stage) for stage in stages]] = True
    return chosen
