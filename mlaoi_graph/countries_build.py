"""Make ``countries.tsv`` anew; run by hand when Natural Earth changes, never at run time.

::

    npm pack world-atlas@2.0.2 i18n-iso-countries@7.14.0      # and unpack both
    python -m mlaoi_graph.countries_build world-atlas/countries-50m.json i18n-iso-countries

Natural Earth 4.1 admin 0 countries, 1:50m, are in the public domain. What is done to them: ISO 3166-1 alpha-3
codes; borders thinned before countries are put together, so that neighbours still share them; overseas parts
with a code of their own split off; two decimals. Names are the English ones of i18n-iso-countries and of Natural
Earth; one that two countries have (Congo) is no name of either, unless it is all one has.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from mlaoi_graph import geo
from mlaoi_graph.countries import fold

_TOLERANCE: Final = 0.08
"""Degrees a border may move when it is thinned: 9 km."""
_DECIMALS: Final = 2
_SMALLEST: Final = 2e-3
"""Square degrees (25 km2); islands below are left out, unless they are all a country has."""

# Areas Natural Earth draws apart and ISO 3166-1 does not, and the one it names without a code.
_NAMED: Final = {"Somaliland": "SOM", "N. Cyprus": "CYP", "Kosovo": "XKX"}
# Parts of a country that have a code of their own, by a box around them: west, south, east, north.
_OVERSEAS: Final[dict[str, dict[str, tuple[float, float, float, float]]]] = {
    "FRA": {
        "GLP": (-62, 15.7, -60.9, 16.6), "GUF": (-55, 2, -51, 6), "MTQ": (-61.3, 14.3, -60.7, 15),
        "MYT": (44.9, -13.1, 45.4, -12.5), "REU": (55, -21.5, 56, -20.8),
    },
    "NLD": {"BES": (-69, 11.9, -62, 18)},
    "NOR": {"SJM": (-10, 70.5, 35, 81), "BVT": (2, -55, 4, -54)},
}  # fmt: skip


def main(atlas: Path, iso: Path, to: Path) -> None:
    """Write the shapes of ``atlas`` under the codes and names of ``iso``: a line a country, of code, WKT and names."""
    topology = json.loads(atlas.read_text())
    codes = json.loads((iso / "codes.json").read_text())
    alpha3 = {numeric: code for _, code, numeric, *_ in codes}
    names = _names({two: three for two, three, *_ in codes}, json.loads((iso / "langs" / "en.json").read_text()))
    arcs = [_degrees(arc, topology["transform"]) for arc in topology["arcs"]]
    thinned = [shapely.get_coordinates(shapely.simplify(shapely.LineString(arc), _TOLERANCE)) for arc in arcs]
    shapes: dict[str, list[BaseGeometry]] = {}
    for country in topology["objects"]["countries"]["geometries"]:
        code = alpha3.get(country.get("id", "")) or _NAMED.get(country["properties"]["name"])
        if code is not None and code != "ATA":  # a ring round the pole, and no country
            shapes.setdefault(code, []).append(_shape(country, arcs, thinned))
            if country["properties"]["name"] not in _NAMED:
                names.setdefault(code, []).append(country["properties"]["name"])
    for code, parts in _OVERSEAS.items():
        whole = shapely.union_all(shapes[code])
        for part, box in parts.items():
            cut = shapely.intersection(whole, shapely.box(*box))
            if not cut.is_empty:
                shapes.setdefault(part, []).append(cut)
                whole = shapely.difference(whole, shapely.box(*box))
        shapes[code] = [whole]
    lines = []
    for code in sorted(shapes):
        shape = shapely.set_precision(shapely.union_all(shapes[code]), 10**-_DECIMALS)
        wkt = shapely.to_wkt(shape, rounding_precision=_DECIMALS).replace(", ", ",")
        lines.append(f"{code}\t{wkt}\t{'|'.join(_own(names, code))}\n")
    to.write_text("".join(lines), encoding="utf-8")


def _names(three: dict[str, str], english: dict[str, Any]) -> dict[str, list[str]]:
    """Return what countries are called, by code; what is shortest and no abbreviation first."""
    found: dict[str, list[str]] = {"XKX": ["Kosovo"]}
    for two, said in english["countries"].items():
        if two in three:
            names = [said] if isinstance(said, str) else said
            found[three[two]] = sorted(names, key=lambda name: (name.isupper(), len(name)))
    return found


def _own(names: dict[str, list[str]], code: str) -> list[str]:
    """Return the names that no other country has, each once however it is written."""
    of_others = {fold(name) for other, some in names.items() if other != code for name in some}
    once = {fold(name): name for name in reversed(names[code]) if fold(name) not in of_others}
    return sorted(once.values(), key=names[code].index) or names[code]


def _degrees(arc: list[list[int]], transform: Any) -> Any:
    return np.cumsum(np.array(arc), axis=0) * transform["scale"] + transform["translate"]


def _shape(country: Any, arcs: list[Any], thinned: list[Any]) -> BaseGeometry:
    polygons = [country["arcs"]] if country["type"] == "Polygon" else country["arcs"]
    best = max((_polygon(rings, arcs) for rings in polygons), key=lambda polygon: float(polygon.area))
    kept = [polygon for rings in polygons if (polygon := _polygon(rings, thinned)).area > _SMALLEST]
    return shapely.union_all(kept or [best])


def _polygon(rings: list[list[int]], arcs: list[Any]) -> BaseGeometry:
    """Return one polygon as GeoJSON would have it, read as any other: cut at the antimeridian, repaired."""
    coordinates = [np.concatenate([arcs[i] if i >= 0 else arcs[~i][::-1] for i in ring]).tolist() for ring in rings]
    footprint = geo.from_geojson({"type": "Polygon", "coordinates": coordinates})
    return shapely.from_wkt(footprint.wkt) if footprint.wkt else shapely.Polygon()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(__file__).with_name("countries.tsv"))
