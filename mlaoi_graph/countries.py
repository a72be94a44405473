"""Outlines of countries, from public-domain Natural Earth data shipped with the package.

1:50m, borders thinned to 9 km, islands under 25 km2 left out, two decimals: right for "somewhere in Kenya", not for
a border.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from importlib.resources import files
from typing import Final

import shapely

__all__ = ["codes", "outline", "outlines"]

_DECIMALS: Final = 2


@cache
def _lines() -> dict[str, str]:
    text = files("mlaoi_graph").joinpath("countries.tsv").read_text(encoding="ascii")
    return dict(line.split("\t") for line in text.splitlines())


def codes() -> frozenset[str]:
    """Return the ISO 3166-1 alpha-3 codes there is an outline for; XKX is Kosovo.

    >>> {"KEN", "USA", "LUX", "XKX"} <= codes(), "ZZZ" in codes()
    (True, False)
    """
    return frozenset(_lines())


def outlines() -> dict[str, str]:
    """Return the outline of every country by its code, as OGC:CRS84 WKT cut at the antimeridian.

    >>> outlines().keys() == codes(), outlines()["LUX"][:9]
    (True, 'POLYGON (')
    """
    return dict(_lines())


def outline(countries: Collection[str]) -> str:
    """Return the outline of all the countries together, as OGC:CRS84 WKT cut at the antimeridian.

    Overseas parts with a code of their own (GUF, REU, SJM...) are not in their country's outline.
    Raises KeyError for a code that is not in :func:`codes`.

    >>> outline(["LUX"])[:15], outline(["FJI"]).count("-180 ") > 0
    ('POLYGON ((6.49 ', True)
    """
    shapes = [shapely.from_wkt(_lines()[code]) for code in sorted(set(countries))]
    together = shapely.set_precision(shapely.union_all(shapes), 10**-_DECIMALS)
    return str(shapely.to_wkt(together, rounding_precision=_DECIMALS))
