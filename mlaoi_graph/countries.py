"""Outlines of countries, from public-domain Natural Earth data shipped with the package.

1:50m, borders thinned to 9 km, islands under 25 km2 left out, two decimals: right for "somewhere in Kenya", not for
a border.
"""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Collection
from functools import cache
from importlib.resources import files
from typing import Final

import shapely

__all__ = ["code_of", "codes", "fold", "meant", "name", "near", "outline", "outlines"]

_DECIMALS: Final = 2


@cache
def _read() -> tuple[dict[str, str], dict[str, list[str]]]:
    """Return the outlines and the names by code."""
    text = files("mlaoi_graph").joinpath("countries.tsv").read_text(encoding="utf-8")
    rows = [line.split("\t") for line in text.splitlines()]
    return {code: wkt for code, wkt, _ in rows}, {code: names.split("|") for code, _, names in rows}


def _lines() -> dict[str, str]:
    return _read()[0]


@cache
def _called() -> dict[str, str]:
    """Return codes by what people write: the code itself, and English names."""
    names = {fold(name): code for code, some in _read()[1].items() for name in some}
    return names | {code.lower(): code for code in codes()}


def fold(text: str) -> str:
    """Return a name as it is compared: no case, no accents, no signs.

    >>> fold(" Côte d'Ivoire "), fold("The Gambia")
    ('cote d ivoire', 'gambia')
    """
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    words = "".join(c if c.isalnum() else " " for c in plain).split()
    return " ".join(words[1:] if words[:1] == ["the"] else words)


def code_of(text: str) -> str | None:
    """Return the code of a country that is named by code or in English, in any case, with or without accents.

    A name two countries have, as Congo, is the one's that has no other.

    >>> code_of("France"), code_of("cote d'ivoire"), code_of("fra"), code_of("United States"), code_of("Frankreich")
    ('FRA', 'CIV', 'FRA', 'USA', None)
    """
    return _called().get(fold(text))


def meant(text: str) -> list[str]:
    """Return the codes of the countries that a text joins by ``+``, sorted; none if any of them is no country.

    >>> meant("Kenya+UGA"), meant("Kenya+Nowhere")
    (['KEN', 'UGA'], [])
    """
    found = [code_of(part) for part in text.split("+")]
    known = {code for code in found if code}
    return sorted(known) if None not in found else []


def name(code: str) -> str:
    """Return the English name of a country.

    >>> name("FRA"), name("XKX")
    ('France', 'Kosovo')
    """
    return _read()[1][code][0]


def near(text: str) -> list[str]:
    """Return up to three names of countries that are written like a text, the nearest first.

    >>> near("Kenia")[0]
    'Kenya'
    """
    found = difflib.get_close_matches(fold(text), _called(), n=6)
    return list(dict.fromkeys(name(_called()[one]) for one in found if len(one) > 3))[:3]


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
