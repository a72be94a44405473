"""What of an area is covered by whom, and what by nobody."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from mlaoi_graph import countries
from mlaoi_graph.errors import GeometryError
from mlaoi_graph.features import Features, HasFeatures
from mlaoi_graph.footprints import During
from mlaoi_graph.geo.areas import area_km2, areas_km2, least_km2
from mlaoi_graph.geo.mapped import Array
from mlaoi_graph.geo.shapes import Shapes
from mlaoi_graph.geo.written import geojson_of
from mlaoi_graph.model import Precision
from mlaoi_graph.plural import many
from mlaoi_graph.queries import maps
from mlaoi_graph.queries.aoi import Aoi, AoiLike
from mlaoi_graph.queries.area_hits import AreaHits, UnplacedUse, named
from mlaoi_graph.queries.areas import Places, only_said
from mlaoi_graph.queries.results import Rows

__all__ = ["CountryRow", "Coverage", "CoveredRow", "Gap", "coverage", "gap"]

_NOWHERE: Final = "(no country)"


@dataclass(frozen=True, slots=True, kw_only=True)
class CoveredRow:
    """What of the area one model covers."""

    model: str
    label: str
    covered_km2: float
    share_of_aoi: float
    precision: str
    """The coarsest of the footprints: the area is no better known than that."""
    datasets: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CountryRow:
    """What of a country, as far as it lies in the area, is covered by any model."""

    country: str
    """ISO 3166-1 alpha-3; what lies in no country's outline (sea, small islands) comes last."""
    km2: float
    covered_km2: float
    share: float
    models: int


class Coverage(HasFeatures):
    """What of an area is covered by data used in a stage.

    Data of which only a box or a list of countries is known cover that: an upper bound. ``by_precision`` tells how much
    is covered by footprints of each precision and finer ones. Data of which it is not known where they are cover
    nothing, and are in ``unknown``: what is not covered is what nobody is *known* to cover.
    """

    def __init__(self, title: str, hits: AreaHits) -> None:
        self.title: Final = title
        self.aoi: Final[Aoi] = hits.aoi
        self.hits: Final = hits
        self.unknown: Final[Rows[UnplacedUse]] = hits.unknown
        self.here: Final = [row for row in hits if not row.samples_elsewhere]
        """The hits that count: not those whose box reaches in here, and whose samples do not."""
        elsewhere = len(hits) - len(self.here)
        self.notes: Final = (
            *hits.notes,
            *([f"{many(elsewhere, 'use')} not counted: samples known of the data lie elsewhere"] if elsewhere else []),
        )
        self._least_km2: Final = float(least_km2(self.aoi.km2, np.inf))
        """Less is rounding."""
        # Many uses are of the same data: what these cover is made once, and so is what some of them cover together.
        footprints = {row._rows.tobytes(): row._rows for row in self.here}
        place = {key: at for at, key in enumerate(footprints)}
        self._footprint: Final = [place[row._rows.tobytes()] for row in self.here]
        """Of each hit, which of the distinct footprints it has."""
        self._shapes: Final = self._clipped([*footprints.values()])
        """What each of these covers."""
        self.covered: Final = self._united([range(len(footprints))])[0]
        """What is covered by anybody."""
        self.uncovered: Final = self._polygonal([shapely.difference(self.aoi.geometry, self.covered)])[0]
        """What is covered by nobody that is known."""

    @property
    def covered_km2(self) -> float:
        """Area of what is covered."""
        return area_km2(self.covered)

    @property
    def uncovered_km2(self) -> float:
        """Area of what is not."""
        return area_km2(self.uncovered)

    def __repr__(self) -> str:
        share = self.covered_km2 / self.aoi.km2
        return f"<{self.title}: {self.covered_km2:.1f} of {self.aoi.km2:.1f} km2, {share:.1%}>"

    def by_precision(self) -> dict[str, float]:
        """Return the km2 covered by footprints of each precision or a finer one."""
        fine = [p.value for p in Precision if p is not Precision.GLOBAL]
        words = [_precision(row) for row in self.here]
        chosen = [
            [footprint for footprint, word in zip(self._footprint, words, strict=True) if word in fine[: i + 1]]
            for i in range(len(fine))
        ]
        return dict(zip(fine, areas_km2(self._united(chosen)).tolist(), strict=True))

    @cached_property
    def _by_model(self) -> dict[str, list[int]]:
        """The places of each model's hits."""
        found: dict[str, list[int]] = {}
        for place, row in enumerate(self.here):
            found.setdefault(row.model, []).append(place)
        return found

    @cached_property
    def _alike(self) -> tuple[Shapes, Array]:
        """What models cover that have not all the same footprints, and of each model which of these it covers."""
        sets: dict[tuple[int, ...], int] = {}
        at = [
            sets.setdefault(tuple(sorted({self._footprint[place] for place in places})), len(sets))
            for places in self._by_model.values()
        ]
        return self._united(sets), np.array(at, dtype=np.int64)

    def models(self) -> Rows[CoveredRow]:
        """Return what each model covers, the most first."""
        shapes, at = self._alike
        rows = []
        for km2, (model, places) in zip(areas_km2(shapes)[at].tolist(), self._by_model.items(), strict=True):
            hits = [self.here[place] for place in places]
            rows.append(
                CoveredRow(
                    model=model,
                    label=hits[0].label,
                    covered_km2=km2,
                    share_of_aoi=min(km2 / self.aoi.km2, 1.0),
                    precision=max(map(_precision, hits), key=_coarseness),
                    datasets=tuple(sorted({hit.dataset for hit in hits})),
                )
            )
        rows.sort(key=lambda row: (-row.covered_km2, row.label.casefold(), row.model))
        return Rows(f"{self.title}, by model", CoveredRow, rows, _same, notes=self.notes)

    def countries(self) -> Rows[CountryRow]:
        """Return what of each country in the area is covered, and by how many models."""
        codes = sorted(countries.codes())
        outlines = np.array([shapely.from_wkt(countries.outline([code])) for code in codes], dtype=object)
        met = np.flatnonzero(shapely.intersects(outlines, self.aoi.geometry))
        # A border that the area only touches is a line beside the ground, which GEOS overlays with nothing empty.
        inside = self._polygonal(shapely.intersection(outlines[met], self.aoi.geometry))
        rest = self._polygonal([shapely.difference(self.aoi.geometry, shapely.union_all(inside))])[0]
        names = [*(codes[i] for i in met), _NOWHERE]
        shapes = np.array([*inside, rest], dtype=object)
        km2 = areas_km2(shapes)
        covered = areas_km2(shapely.intersection(shapes, self.covered))
        alike, at = self._alike
        users = np.bincount(at, minlength=len(alike))
        rows = [
            CountryRow(
                country=name,
                km2=float(km2[i]),
                covered_km2=float(covered[i]),
                share=float(min(covered[i] / km2[i], 1.0)),
                models=int(users[areas_km2(shapely.intersection(alike, shapes[i])) >= self._least_km2].sum()),
            )
            for i, name in enumerate(names)
            if km2[i] >= self._least_km2
        ]
        return Rows(f"{self.title}, by country", CountryRow, rows, _same, notes=self.notes)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values, for JSON; geometries as GeoJSON."""
        return {
            "title": self.title,
            "aoi_km2": self.aoi.km2,
            "covered_km2": self.covered_km2,
            "uncovered_km2": self.uncovered_km2,
            "by_precision": self.by_precision(),
            "models": self.models().to_dicts(),
            "countries": self.countries().to_dicts(),
            "unknown": self.unknown.to_dicts(),
            "notes": list(self.notes),
            "covered": geojson_of(self.covered),
            "uncovered": geojson_of(self.uncovered),
        }

    def features(self) -> Features:
        """Return what is covered and what is not, with the km2 of each."""
        return _features({"covered": self.covered, "uncovered": self.uncovered})

    def to_map(self, path: Path | str) -> None:
        """Draw what is covered and what is not to a ``.html`` or ``.svg`` file; ``.png`` needs the extra ``maps``."""
        layers = [
            maps.Layer("covered", [self.covered], "#2f7fc1", "#2f7fc1", names=named(self.here)),
            maps.Layer("by nobody that is known", [self.uncovered], "#c8443c", "#c8443c"),
            maps.Layer(f"asked about: {self.aoi.label}", [self.aoi.geometry], None, "#22303c", 2.2, True),
        ]
        lines = [
            f"{self.covered_km2:,.0f} of {self.aoi.km2:,.0f} km2; {many(len(self.unknown), 'use')} not known where"
        ]
        picture = maps.Picture(self.title, [*lines, *self.notes][:4], self.aoi.geometry, layers)
        maps.write(picture, Path(path), self.models()._repr_html_() + self.countries()._repr_html_())

    def over(self, geometry: BaseGeometry) -> list[Any]:
        """Return the hits whose footprints share ground with a part of the area."""
        is_there = areas_km2(shapely.intersection(self._shapes, geometry)) >= self._least_km2
        return [hit for hit, footprint in zip(self.here, self._footprint, strict=True) if is_there[footprint]]

    def _clipped(self, footprints: Sequence[Array]) -> Shapes:
        """Return what each footprint, some rows, covers of the area."""
        rows, at = np.unique(np.concatenate([*footprints, np.empty(0, np.uint32)]), return_inverse=True)
        shapes = self.hits.footprints.geometries(rows.astype(np.uint32))
        shapely.prepare(self.aoi.geometry)
        outside = ~shapely.covers(self.aoi.geometry, shapes)
        shapes[outside] = shapely.intersection(shapes[outside], self.aoi.geometry)
        return self._polygonal(_unions(shapes[at], [len(one) for one in footprints]))

    def _united(self, sets: Iterable[Iterable[int]]) -> Shapes:
        """Return what some of the distinct footprints cover together, of each set of them."""
        places = [np.unique(np.fromiter(one, dtype=np.int64)) for one in sets]
        return _unions(self._shapes[np.concatenate([*places, np.empty(0, np.int64)])], [len(one) for one in places])

    def _polygonal(self, shapes: Sequence[BaseGeometry] | Shapes) -> Shapes:
        return _polygonal(np.asarray(shapes, dtype=object), self._least_km2)


@dataclass(frozen=True, slots=True)
class Gap(HasFeatures):
    """What of an area is covered in one stage and not in another."""

    title: str
    has: Coverage
    lacks: Coverage
    geometry: BaseGeometry
    km2: float
    models: tuple[str, ...]
    """Models with data of the one stage in the area, and of the other nowhere in it; IRIs."""
    undecided: tuple[str, ...]
    """The same, but of some of their data of the other stage it is not known where they are."""

    def features(self) -> Features:
        """Return the gap, with its km2."""
        return _features({"gap": self.geometry})

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values, for JSON."""
        return {
            "title": self.title,
            "gap_km2": self.km2,
            "models": list(self.models),
            "undecided": list(self.undecided),
            "unknown": self.lacks.unknown.to_dicts(),
            "notes": list(dict.fromkeys((*self.has.notes, *self.lacks.notes))),
            "gap": geojson_of(self.geometry),
        }

    def to_map(self, path: Path | str) -> None:
        """Draw the gap to a ``.html`` or ``.svg`` file; ``.png`` needs the extra ``maps``."""
        layers = [
            maps.Layer(self.lacks.title, [self.lacks.covered], "#2f7fc1", "#2f7fc1", names=named(self.lacks.here)),
            maps.Layer(self.title, [self.geometry], "#c8443c", "#c8443c", names=named(self.has.over(self.geometry))),
            maps.Layer(f"asked about: {self.has.aoi.label}", [self.has.aoi.geometry], None, "#22303c", 2.2, True),
        ]
        picture = maps.Picture(self.title, [f"{self.km2:,.0f} km2"], self.has.aoi.geometry, layers)
        maps.write(picture, Path(path), self.has.models()._repr_html_())


def coverage(
    places: Places,
    stages: str,
    aoi: AoiLike,
    *,
    during: During | None = None,
    task: str | None = None,
    family: str | None = None,
) -> Coverage:
    """Return what of an area is covered by data used in a stage, a word of ``STAGES_OF``; km2 on WGS 84.

    Or by data that models are ``exposed`` to through ancestors and sources, too, of which they may hold a part only.
    Raises GeometryError for a point or line, of which no part can be covered.
    """
    asked = places.area_of(aoi)
    if not asked.km2:
        raise GeometryError(
            f"{asked.label} has no ground to cover", "Give an area; whose data hold a point or line, areas tells"
        )
    ask = places.exposed if stages == "exposed" else partial(places.uses, stages)
    hits = ask(asked, during=during, task=task, family=family)
    return Coverage(hits.title, hits)


def gap(
    places: Places,
    aoi: AoiLike,
    *,
    has: str = "trained",
    lacks: str = "tested",
    during: During | None = None,
    task: str | None = None,
    family: str | None = None,
) -> Gap:
    """Return what of an area is covered in one stage and not in another: trained here, never tested here.

    With a family: what no model of it has been tested on. Data that are not known where may lie there: see
    ``lacks.unknown``.
    """
    asked = places.area_of(aoi)
    first = coverage(places, has, asked, during=during, task=task, family=family)
    second = coverage(places, lacks, asked, during=during, task=task, family=family)
    (missing,) = _polygonal(np.array([shapely.difference(first.covered, second.covered)]), first._least_km2)
    here = [
        model for model in dict.fromkeys(row.model for row in first.here) if model not in {r.model for r in second.here}
    ]
    unsure = {use.model for use in second.unknown}
    return Gap(
        title=f"{has} and never {lacks} in {asked.label}{only_said(during, task, family)}",
        has=first,
        lacks=second,
        geometry=missing,
        km2=area_km2(missing),
        models=tuple(model for model in here if model not in unsure),
        undecided=tuple(model for model in here if model in unsure),
    )


def _features(shapes: dict[str, BaseGeometry]) -> Features:
    rows = [{"what": what, "km2": area_km2(shape)} for what, shape in shapes.items()]
    return Features(("what", "km2"), rows, list(shapes.values()))


def _unions(shapes: Shapes, counts: Sequence[int]) -> Shapes:
    """Return the union of the first so many shapes, of the next so many, and so on."""
    out = np.full(len(counts), shapely.GeometryCollection(), dtype=object)
    shapely.geometrycollections(shapes, indices=np.repeat(np.arange(len(counts)), counts), out=out)
    return np.asarray(shapely.union_all(out[:, None], axis=1))


def _polygonal(shapes: Shapes, least_km2: float) -> Shapes:
    """Return the part of each shape that has an area, without slivers of rounding."""
    parts, at = shapely.get_parts(shapes, return_index=True)
    kept = shapely.get_dimensions(parts) == 2
    kept[kept] = areas_km2(parts[kept]) >= least_km2
    parts, at = parts[kept], at[kept]
    alone = np.bincount(at, minlength=len(shapes))[at] == 1
    out: Shapes = np.full(len(shapes), shapely.GeometryCollection(), dtype=object)
    out[at[alone]] = parts[alone]
    shapely.multipolygons(parts[~alone], indices=at[~alone], out=out)
    return out


def _precision(row: Any) -> str:
    """Return how precise it is what a use covers: what is inherited is somewhere in there, as in a box."""
    is_bound = row.how == "inherited" and row.precision == Precision.SAMPLES.value
    return Precision.DECLARED_BOX.value if is_bound else row.precision


def _coarseness(word: str) -> int:
    return [*(p.value for p in Precision), "not said"].index(word)


def _same(row: Any) -> Any:
    return row
