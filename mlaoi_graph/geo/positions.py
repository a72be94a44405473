"""Read numbers as longitude and latitude."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from mlaoi_graph.geo.problems import Problems, Unusable
from mlaoi_graph.geo.shapes import Floats

__all__ = ["NUMBERS", "degrees", "listed", "lonlat_of"]

NUMBERS: Final = frozenset({float, int})
_NOT_FINITE: Final = frozenset({"nan", "inf", "infinity"})
_NOISE: Final = 1e-6
"""Degrees (0.1 m) beyond +-180 or +-90 that reprojection leaves behind; cut off silently."""
_FARTHEST: Final = 540.0
"""One more world on either side, as web maps draw them. What lies beyond is no longitude."""


def listed(value: object) -> Sequence[Any]:
    """Return a JSON list as it is. Raises Unusable for anything else."""
    if not isinstance(value, (list, tuple)):
        raise Unusable("geometry-type", "coordinates are not nested as the geometry type asks")
    return value


def lonlat_of(positions: object) -> Floats:
    """Return GeoJSON positions as rows of two finite floats."""
    flat: list[Any] = []
    for position in listed(positions):
        if len(listed(position)) < 2:
            raise Unusable("geometry-type", "a position has at least two numbers")
        flat += position[:2]
    if not NUMBERS.issuperset(map(type, flat)):
        for number in flat:
            text = number.strip(" +-").lower() if isinstance(number, str) else None
            if number is None or text in _NOT_FINITE:
                raise Unusable("not-finite", "a coordinate is not a finite number")
            if isinstance(number, bool) or not isinstance(number, (float, int, np.floating, np.integer)):
                raise Unusable("geometry-type", "a coordinate is not a number")
    try:
        lonlat = np.array(flat, dtype=float).reshape(-1, 2)
    except OverflowError:
        raise Unusable("out-of-range", "a coordinate is larger than any float") from None
    if not np.isfinite(lonlat).all():
        raise Unusable("not-finite", "a coordinate is not a finite number")
    return lonlat


def degrees(lonlat: Floats, problems: Problems) -> Floats:
    """Return rows of longitude within +-540 and latitude within +-90, whatever order they came in."""
    straight = _without_noise(lonlat)
    if (np.abs(straight).max(axis=0) <= (_FARTHEST, 90)).all():
        return straight
    turned = _without_noise(np.ascontiguousarray(lonlat[:, ::-1]))
    if (np.abs(turned).max(axis=0) <= (180, 90)).all():
        problems.setdefault("swapped-axes", "latitudes beyond +-90; read as latitude, longitude, which is a guess")
        return turned
    x, y = lonlat[np.argmax(np.abs(lonlat).max(axis=1))]
    raise Unusable("out-of-range", f"({x}, {y}) is no longitude and latitude in degrees")


def _without_noise(lonlat: Floats) -> Floats:
    limits = np.array([180.0, 90.0])
    beyond = np.abs(lonlat) - limits
    noise = (beyond > 0) & (beyond <= _NOISE)
    return np.where(noise, np.copysign(limits, lonlat), lonlat) if noise.any() else lonlat
