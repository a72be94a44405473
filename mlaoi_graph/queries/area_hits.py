"""What an answer about an area is made of: its rows, and what can be done with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import shapely

from mlaoi_graph.features import Features, HasFeatures
from mlaoi_graph.footprints import Footprints
from mlaoi_graph.geo.mapped import Array
from mlaoi_graph.plural import many
from mlaoi_graph.queries import maps
from mlaoi_graph.queries.aoi import Aoi
from mlaoi_graph.queries.results import Rows

if TYPE_CHECKING:
    from mlaoi_graph.queries.explain import Explanation

__all__ = ["AreaHit", "AreaHits", "DatasetHit", "DeclaredHit", "ExposureHit", "UnplacedUse", "UseHit", "named"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaHit:
    """Data that lie in an area."""

    footprint_of: str
    """IRI of the dataset (or use, or model) whose footprint it is."""
    precision: str
    """How near the footprint is to where the data really are."""
    areas: int
    """How many areas of interest of that footprint lie in the area."""
    area: str | None
    """IRI of the one that shares most with it."""
    overlap_km2: float
    """On the ground: what several areas cover counts once."""
    share_of_aoi: float | None
    """None if the area is a point or line."""
    share_of_footprint: float | None
    """Of the footprint's areas, added up, the part that lies in the area; of points, how many of them do."""
    in_time: str | None
    """``yes`` or ``unknown``; None if no time was asked for."""
    start: str | None
    """Of the area named: first acquisition, as published."""
    end: str | None
    _rows: Array
    """Rows of the footprints, for maps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UseHit(AreaHit):
    """A model used data that lie in the area."""

    model: str
    label: str
    stage: str
    dataset: str
    """The dataset that was used."""
    dataset_label: str
    how: str
    """Whose footprint it is: ``own``, a ``part``'s, ``inherited`` from a whole (the data are somewhere in there), or of
    the ``use`` itself."""
    samples_elsewhere: bool
    """The footprint is only a bound, samples of the data are known one by one, and none lies in the area."""
    document: str
    use: str
    """IRI of the statement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExposureHit(AreaHit):
    """A model learned, itself or by what it was made from, from data that lie in the area."""

    model: str
    label: str
    dataset: str
    dataset_label: str
    how: str
    holds: str
    """``contains`` or ``may contain``."""
    through: str
    """``own use``, or what the chain passes."""
    stage: str
    depth: int
    samples_elsewhere: bool
    _explain: Callable[[], Explanation | None]

    def explain(self) -> Explanation | None:
        """Return the chain of asserted edges to the dataset."""
        return self._explain()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredHit(AreaHit):
    """A model whose publisher says it may be used in the area; no evidence that it has seen it."""

    model: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetHit(AreaHit):
    """A dataset that has a footprint in the area."""

    dataset: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnplacedUse:
    """A use of which it is not known where all of its data are."""

    model: str
    label: str
    stage: str | None
    dataset: str | None
    """None where the source discloses none."""
    dataset_label: str | None
    reason: str
    document: str | None


class AreaHits(HasFeatures, Rows[Any]):
    """What lies in an area. ``unknown`` is what may: it is no part of the rows, and no fewer than they are."""

    def __init__(
        self,
        title: str,
        row_type: type[Any],
        keys: Any,
        make: Callable[[Any], list[Any]],
        *,
        aoi: Aoi,
        footprints: Footprints,
        unknown: Callable[[], Rows[UnplacedUse]] | None = None,
        notes: Iterable[str] = (),
        family_level: AreaHits | None = None,
    ) -> None:
        one = lambda key: make([key])[0]  # noqa: E731
        super().__init__(title, row_type, keys, one, notes=[*aoi.notes, *notes], family_level=family_level)
        self.aoi: Final = aoi
        self.footprints: Final = footprints
        self._make_all = make
        self._find_unknown = unknown

    def __iter__(self) -> Iterator[Any]:
        return iter(self._make_all(self._keys))

    @cached_property
    def unknown(self) -> Rows[UnplacedUse]:
        """Uses of which it is not known where all data are."""
        if self._find_unknown is None:
            return Rows("nothing unknown is looked for", UnplacedUse, (), _never)
        return self._find_unknown()

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the fields of a row: who and what, then where."""
        where = [f.name for f in fields(AreaHit)]
        return tuple(n for n in super().columns if n not in where) + tuple(n for n in where if not n.startswith("_"))

    @property
    def models(self) -> list[str]:
        """IRIs of the models, each once, in the order of the rows."""
        return list(dict.fromkeys(row.model for row in self if hasattr(row, "model")))

    def geometries(self) -> list[Any]:
        """Return what each row has in the area: its footprint's areas that lie there, united, not cut off."""
        known: dict[bytes, Any] = {}
        found = []
        for row in self:
            key = row._rows.tobytes()
            if key not in known:
                known[key] = shapely.union_all(self.footprints.geometries(row._rows))
            found.append(known[key])
        return found

    def features(self) -> Features:
        """Return the rows, with what they share with the area, and :meth:`geometries`."""
        return Features(self.columns, self.to_dicts(), self.geometries())

    def to_map(self, path: Path | str) -> None:
        """Draw the area and what lies in it to a ``.html`` or ``.svg`` file; ``.png`` needs the extra ``maps``."""
        by_look: dict[str, list[Any]] = {}
        rows: dict[str, list[Any]] = {}
        for row, shape in zip(self, self.geometries(), strict=True):
            word = "inherited" if getattr(row, "how", "") == "inherited" else row.precision
            by_look.setdefault(word, []).append(shape)
            rows.setdefault(word, []).append(row)
        layers = [
            maps.Layer(label, list(dict.fromkeys(by_look[word])), colour, colour, 1.2, names=named(rows[word]))
            for word, (label, colour) in _LOOKS.items()
            if word in by_look
        ]
        layers.append(maps.Layer(f"asked about: {self.aoi.label}", [self.aoi.geometry], None, "#22303c", 2.2, True))
        lines = [many(len(self), "row") + (f"; {len(self.unknown)} not known where" if self.unknown else "")]
        picture = maps.Picture(self.title, [*lines, *self.notes][:4], self.aoi.geometry, layers)
        maps.write(picture, Path(path), self._repr_html_())


def named(rows: Iterable[Any]) -> list[str]:
    """Return what rows are of, for a legend: each dataset with its models, the first two by name."""
    users: dict[str, dict[str, None]] = {}
    for row in rows:
        dataset = getattr(row, "dataset_label", None)
        mine = users.setdefault(row.label if dataset is None else dataset, {})
        if dataset is not None:
            mine[row.label] = None
    found = []
    for name, labels in users.items():
        some = [*labels][:2] + ([f"{len(labels) - 2} more"] if len(labels) > 2 else [])
        found.append(f"{name}: {', '.join(some)}" if some else name)
    return found


_LOOKS: Final = {
    "country-list": ("countries named, an upper bound", "#9aa5ae"),
    "region": ("region, outlined by us", "#8e6bbf"),
    "declared-box": ("box the publisher declares", "#2f7fc1"),
    "inherited": ("somewhere in the whole it is part of", "#d0891d"),
    "not said": ("of a precision not said", "#9aa5ae"),
    "samples": ("samples, one by one", "#c8443c"),
}
"""What each kind of footprint is called and looks like, the coarse ones below."""


def _never(_: Any) -> Any:
    raise AssertionError("an empty answer has no rows")
