"""Who used what, and by whose footprints that tells where: tables beside the footprints, in the same file.

A dataset is where its own footprints are, and where those of its parts and members are. One of which neither is known
is somewhere in the nearest whole that has a footprint of its own: that is *inherited*, and no more than a bound. A use
that its source limits to an area is there and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from functools import cached_property
from typing import Final

import numpy as np

from mlaoi_graph import iri as iris
from mlaoi_graph.geo import mapped
from mlaoi_graph.geo.mapped import Array, Mapped
from mlaoi_graph.model import Precision, Stage
from mlaoi_graph.rdf import STAGE_OF
from mlaoi_graph.results import texts
from mlaoi_graph.stores import Store
from mlaoi_graph.vocab import MLAOI

__all__ = ["STAGES", "How", "Unplaced", "Uses", "arrays_of"]

STAGES: Final = tuple(Stage)
"""What stage codes stand for."""


class How(IntEnum):
    """Whose footprint tells where the data of a use are."""

    OWN = 0
    """The used dataset's."""
    PART = 1
    """A part's or member's of it."""
    INHERITED = 2
    """A whole's, for want of a nearer one: somewhere in there."""
    USE = 3
    """That of the use itself."""


class Unplaced(IntEnum):
    """Why it is not known where all data of a use are."""

    KNOWN = 0
    NO_FOOTPRINT = 1
    UNBOUNDED = 2
    UNRESOLVED = 3
    SOME_PARTS = 4

    @property
    def reason(self) -> str:
        """In words."""
        return _REASONS[self]


_REASONS: Final = {
    Unplaced.KNOWN: "known",
    Unplaced.NO_FOOTPRINT: "no footprint is known",
    Unplaced.UNBOUNDED: "unbounded: an archive, or data from anywhere",
    Unplaced.UNRESOLVED: "nothing describes the dataset",
    Unplaced.SOME_PARTS: "some of its parts have no known footprint",
}
_UNPLACED_USE: Final = {True: Unplaced.KNOWN, False: Unplaced.NO_FOOTPRINT}
_HOW: Final = 4
"""A source or target and how they belong together, as one number: the place times this, plus how."""


class Uses:
    """The uses of datasets by models and families, as numbers.

    A *target* is a dataset that is used, or a use that is limited to an area. A *source* owns footprints: below
    ``len(datasets)`` it is a place in ``Footprints.datasets``, from there on one in ``Footprints.uses``. Uses are in
    the order of the user's label and IRI, then stage, dataset and document.
    """

    def __init__(self, mapped: Mapped) -> None:
        self._mapped = mapped

    def __len__(self) -> int:
        """Return the number of uses."""
        return self._mapped.length("uses.stage")

    # From rows to uses ---------------------------------------------------------------------------------------------

    def sources_of(self, rows: Array) -> tuple[Array, Array]:
        """Return pairs: a place in ``rows``, and a source it is a footprint of."""
        at, dataset = self._mapped.runs("dataset", rows)
        more, use = self._mapped.runs("use", rows)
        datasets = self._mapped.length("dataset.names.starts") - 1
        return np.concatenate((at, more)), np.concatenate((dataset.astype(np.int64), use.astype(np.int64) + datasets))

    def rows_of(self, sources: Array) -> tuple[Array, Array]:
        """Return pairs: a place in ``sources``, and a row of its footprints."""
        datasets = self._mapped.length("dataset.names.starts") - 1
        is_use = sources >= datasets
        at, row = self._mapped.runs("dataset.rows", sources[~is_use])
        more, limited = self._mapped.runs("use.rows", sources[is_use] - datasets)
        return (
            np.concatenate((np.flatnonzero(~is_use)[at], np.flatnonzero(is_use)[more])),
            np.concatenate((row, limited)),
        )

    def targets_of(self, sources: Array) -> tuple[Array, Array, Array]:
        """Return triples: a place in ``sources``, a target that is where the source is, and how (:class:`How`)."""
        at, packed = self._mapped.runs("source.targets", sources)
        return at, packed // _HOW, packed % _HOW

    def sources_of_targets(self, targets: Array) -> tuple[Array, Array, Array]:
        """Return triples: a place in ``targets``, a source that tells where it is, and how."""
        at, packed = self._mapped.runs("target.sources", targets)
        return at, packed // _HOW, packed % _HOW

    def totals(self, sources: Array) -> tuple[Array, Array]:
        """Return the km2 of each source's areas added up, and how many there are: a column for each precision code."""
        return self._mapped.take("source.km2", sources), self._mapped.take("source.areas", sources)

    def uses_of(self, targets: Array) -> tuple[Array, Array]:
        """Return pairs: a place in ``targets``, and a use of it."""
        at, use = self._mapped.runs("target.uses", targets)
        return at, use.astype(np.int64)

    # What uses say -------------------------------------------------------------------------------------------------

    def stages(self, uses: Array) -> Array:
        """Return stage codes, places in :data:`STAGES`."""
        return self._mapped.take("uses.stage", uses)

    def all_of_stages(self, stages: Iterable[Stage]) -> Array:
        """Return every use in one of the stages."""
        codes = [STAGES.index(stage) for stage in stages]
        return np.flatnonzero(np.isin(self._mapped.whole("uses.stage"), codes))

    def targets(self, uses: Array) -> Array:
        """Return the target of each use."""
        return self._mapped.take("uses.target", uses).astype(np.int64)

    def users(self, uses: Array) -> Array:
        """Return who used, as places in the list of users."""
        return self._mapped.take("uses.user", uses).astype(np.int64)

    def unplaced(self, targets: Array) -> Array:
        """Return :class:`Unplaced` codes of targets."""
        return self._mapped.take("target.unplaced", targets)

    def has_samples(self, targets: Array) -> Array:
        """Return of which targets samples are known one by one."""
        return self._mapped.take("target.samples", targets)

    def user_iris(self, users: Array) -> list[str]:
        """Return the IRIs of users."""
        return self._strings("user", users)

    def user_labels(self, users: Array) -> list[str]:
        """Return the labels of users, or the ends of their IRIs."""
        return self._strings("user.labels", users)

    def are_families(self, users: Array) -> Array:
        """Return which users are families: the source names no size, so it is no fact about a model."""
        return self._mapped.take("user.family", users)

    def used(self, uses: Array) -> list[str]:
        """Return the IRIs of the datasets that were used."""
        return self._strings("used", self._mapped.take("uses.used", uses))

    def used_labels(self, uses: Array) -> list[str]:
        """Return their labels."""
        return self._strings("used.labels", self._mapped.take("uses.used", uses))

    def documents(self, uses: Array) -> list[str]:
        """Return the IRIs of the documents that say so."""
        return self._strings("said", self._mapped.take("uses.document", uses))

    def twins(self, uses: Array) -> list[str]:
        """Return the IRIs of the DataUse nodes."""
        return self._strings("uses.twin", uses)

    def source_iris(self, sources: Array) -> list[str]:
        """Return the IRIs of sources: datasets, or uses."""
        datasets = self._mapped.length("dataset.names.starts") - 1
        names = np.empty(len(sources), dtype=object)
        is_use = sources >= datasets
        names[~is_use] = self._strings("dataset.names", sources[~is_use])
        names[is_use] = self._strings("use.names", sources[is_use] - datasets)
        found: list[str] = names.tolist()
        return found

    @cached_property
    def _target_places(self) -> dict[str, int]:
        names = self._strings("target", np.arange(self._mapped.length("target.starts") - 1))
        return {name: place for place, name in enumerate(names)}

    def target(self, iri: str) -> int | None:
        """Return the target of a dataset that is used or has a footprint, or of a limited use; None for any other."""
        return self._target_places.get(iri)

    def target_iris(self, targets: Array) -> list[str]:
        """Return the IRIs of targets."""
        return self._strings("target", targets)

    def _strings(self, name: str, rows: Array) -> list[str]:
        return [piece.decode() for piece in self._mapped.pieces(name, rows)]


# -- reading a graph ----------------------------------------------------------------------------------------------

_USES: Final = """SELECT ?use ?model ?dataset ?stage ?g {
    GRAPH ?g { ?use mlaoi:ofModel ?model ; mlaoi:ofDataset ?dataset ; mlaoi:stage ?stage } }"""
_PARTS: Final = "SELECT ?part ?whole { ?part mlaoi:partOf|mlaoi:splitOf ?whole }"
_LABELS: Final = "SELECT ?class ?node ?label { ?node a ?class ; rdfs:label ?label }"
_KIND: Final = "SELECT ?class ?node { ?node a ?class }"
_RESOLVED: Final = "SELECT ?class ?node { ?node a ?class ; mlaoi:resolved true }"


def arrays_of(store: Store, own: dict[str, set[Precision]], limited: dict[str, bool]) -> dict[str, Array]:
    """Return the tables, as arrays to write.

    ``own`` is, of each dataset with footprints, in their sorted order, how precise those are that have a geometry;
    GLOBAL, if any is unbounded, and empty, if none tells where. ``limited`` are the uses that have an area, sorted,
    and whether that has a geometry.
    """
    uses = sorted(set(texts(store, _USES)))
    stage_codes = {iri: STAGES.index(stage) for iri, stage in STAGE_OF.items()}
    uses = [use for use in uses if use[3] in stage_codes]
    labels = _labels(store)
    users = sorted({use[1] for use in uses}, key=lambda iri: (_label(labels, iri).casefold(), iri))
    user_place = {iri: place for place, iri in enumerate(users)}
    uses.sort(key=lambda use: (user_place[use[1]], stage_codes[use[3]], use[2], use[4], use[0]))
    used = sorted({use[2] for use in uses})
    used_place = {iri: place for place, iri in enumerate(used)}
    said = sorted({use[4] for use in uses})
    said_place = {iri: place for place, iri in enumerate(said)}
    families = {node for (node,) in texts(store, _KIND, **{"class": MLAOI.ModelFamily})}

    places = _Places(store, own)
    targets = sorted({*own, *used, *limited, *places.datasets})
    target_place = {iri: place for place, iri in enumerate(targets)}
    source_place = {iri: place for place, iri in enumerate([*own, *limited])}
    pairs = [(source_place[iri], target_place[iri], How.USE) for iri in limited]
    for iri in targets:
        if iri not in limited:
            pairs += [(source_place[s], target_place[iri], how) for s, how in places.sources(iri)]
    source, target, how = np.array(pairs, dtype=np.int64).reshape(-1, 3).T
    use_target = [target_place[use[0] if use[0] in limited else use[2]] for use in uses]
    samples = {iri for iri, precisions in own.items() if Precision.SAMPLES in precisions}

    def codes(values: list[int]) -> Array:
        return np.array(values, dtype=np.uint32)

    return {
        **mapped.runs("source.targets", len(own) + len(limited), source, target * _HOW + how),
        **mapped.runs("target.sources", len(targets), target, source * _HOW + how),
        **mapped.runs("target.uses", len(targets), codes(use_target).astype(np.int64), np.arange(len(uses))),
        **_texts("target", targets),
        "target.unplaced": np.array(
            [_UNPLACED_USE[limited[iri]] if iri in limited else places.unplaced(iri) for iri in targets], dtype=np.uint8
        ),
        "target.samples": np.array(
            [iri not in limited and any(s in samples for s, _ in places.sources(iri)) for iri in targets],
            dtype=bool,
        ),
        "uses.stage": np.array([stage_codes[use[3]] for use in uses], dtype=np.uint8),
        "uses.user": codes([user_place[use[1]] for use in uses]),
        "uses.used": codes([used_place[use[2]] for use in uses]),
        "uses.document": codes([said_place[use[4]] for use in uses]),
        "uses.target": codes(use_target),
        **_texts("uses.twin", [use[0] for use in uses]),
        **_texts("user", users),
        **_texts("user.labels", [_label(labels, iri) for iri in users]),
        "user.family": np.array([iri in families for iri in users], dtype=bool),
        **_texts("used", used),
        **_texts("used.labels", [_label(labels, iri) for iri in used]),
        **_texts("said", said),
    }


class _Places:
    """Whose footprints tell where each dataset is."""

    def __init__(self, store: Store, own: dict[str, set[Precision]]) -> None:
        self._own = own
        self._parts: dict[str, list[str]] = {}
        self._wholes: dict[str, list[str]] = {}
        for part, whole in sorted(set(texts(store, _PARTS))):
            if part != whole:
                self._parts.setdefault(whole, []).append(part)
                self._wholes.setdefault(part, []).append(whole)
        self.datasets = {*self._parts, *self._wholes}
        self._archives = {node for (node,) in texts(store, _KIND, **{"class": MLAOI.SourceArchive})}
        self._resolved = {node for (node,) in texts(store, _RESOLVED, **{"class": MLAOI.Dataset})}
        self._sources: dict[str, list[tuple[str, How]]] = {}
        self._known = self._all_known()

    def sources(self, dataset: str) -> list[tuple[str, How]]:
        found = self._sources.get(dataset)
        if found is None:
            found = [(dataset, How.OWN)] if self._tells(dataset) else []
            found += [(part, How.PART) for part in _reach(dataset, self._parts) if self._tells(part)]
            found = found or [(whole, How.INHERITED) for whole in self._nearest(dataset)]
            self._sources[dataset] = found
        return found

    def unplaced(self, dataset: str) -> Unplaced:
        if dataset in self._archives:
            return Unplaced.UNBOUNDED
        sources = self.sources(dataset)
        if any(Precision.GLOBAL in self._own[source] for source, _ in sources):
            return Unplaced.UNBOUNDED
        if dataset in self._known:
            return Unplaced.KNOWN
        if sources:
            inherited = sources[0][1] is How.INHERITED
            return Unplaced.KNOWN if inherited else Unplaced.SOME_PARTS
        named = [dataset, *_reach(dataset, self._wholes)]
        return Unplaced.NO_FOOTPRINT if any(iri in self._resolved for iri in named) else Unplaced.UNRESOLVED

    def _tells(self, dataset: str) -> bool:
        return bool(self._own.get(dataset))

    def _nearest(self, dataset: str) -> list[str]:
        """Return the wholes that have a footprint of their own, and none on the way to them."""
        found, seen = set[str](), {dataset}
        waiting = [dataset]
        while waiting:
            for whole in self._wholes.get(waiting.pop(), ()):
                if self._tells(whole):
                    found.add(whole)
                elif whole not in seen:
                    seen.add(whole)
                    waiting.append(whole)
        return sorted(found)

    def _all_known(self) -> set[str]:
        """Return the datasets that have an outline of their own, or of which every part is one of these."""
        known = {iri for iri, precisions in self._own.items() if precisions}  # unbounded ones are told before
        missing = {whole: len(parts) for whole, parts in self._parts.items()}
        waiting = list(known)
        while waiting:
            for whole in self._wholes.get(waiting.pop(), ()):
                missing[whole] -= 1
                if not missing[whole] and whole not in known:
                    known.add(whole)
                    waiting.append(whole)
        return known


def _reach(start: str, edges: dict[str, list[str]]) -> list[str]:
    """Return everything edges lead to from a node, itself left out, nearest first."""
    found, seen = [], {start}
    waiting = list(edges.get(start, ()))
    for iri in waiting:  # grows while it is gone through
        if iri not in seen:
            seen.add(iri)
            found.append(iri)
            waiting.extend(edges.get(iri, ()))
    return found


def _labels(store: Store) -> dict[str, str]:
    labels: dict[str, str] = {}
    for kind in (MLAOI.Model, MLAOI.ModelFamily, MLAOI.Dataset):
        for node, label in texts(store, _LABELS, **{"class": kind}):
            labels[node] = min(label, labels.get(node, label))
    return labels


def _label(labels: dict[str, str], iri: str) -> str:
    return labels.get(iri) or iris.tail(iri)


def _texts(name: str, values: list[str]) -> dict[str, Array]:
    return mapped.ragged(name, [value.encode() for value in values])
