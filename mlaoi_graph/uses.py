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

from mlaoi_graph.geo.mapped import Array, Mapped
from mlaoi_graph.model import Precision, Stage

__all__ = ["HOW", "STAGES", "How", "Unplaced", "Uses"]

STAGES: Final = tuple(Stage)
"""What stage codes stand for."""
_SAMPLES: Final = tuple(Precision).index(Precision.SAMPLES)


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
    SOME_SAMPLES = 5
    NO_SPLIT = 6

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
    Unplaced.SOME_SAMPLES: "some of its samples have no known footprint",
    Unplaced.NO_SPLIT: "samples of its whole state no split that is known, and may be of it",
}
HOW: Final = 4
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

    @property
    def count_of_targets(self) -> int:
        """How many targets there are."""
        return self._mapped.length("target.starts") - 1

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
        return at, packed // HOW, packed % HOW

    def sources_of_targets(self, targets: Array) -> tuple[Array, Array, Array]:
        """Return triples: a place in ``targets``, a source that tells where it is, and how."""
        at, packed = self._mapped.runs("target.sources", targets)
        return at, packed // HOW, packed % HOW

    def may_hold(self, sources: Array) -> tuple[Array, Array]:
        """Return pairs: a place in ``sources``, and a split that its samples may be of, as they state none."""
        at, target = self._mapped.runs("source.splits", sources)
        return at, target.astype(np.int64)

    def unsplit(self, targets: Array) -> tuple[Array, Array]:
        """Return pairs: a place in ``targets``, and a source whose samples may be of it, as they state no split."""
        at, source = self._mapped.runs("target.unsplit", targets)
        return at, source.astype(np.int64)

    def tells(self, sources: Array, precision: Array) -> Array:
        """Return of footprints, given by source and precision code, which tell where data of no split are.

        Of a source that has samples these do, and its box does not.
        """
        found: Array = (precision == _SAMPLES) | (self.totals(sources)[1][:, _SAMPLES] == 0)
        return found

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
