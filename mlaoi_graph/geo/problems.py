"""What can be wrong with a place, and how it is said. The rules are listed in :mod:`mlaoi_graph.geo`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn, TypeAlias

__all__ = ["Problem", "Problems", "Unusable", "refuse_nothing", "report_wrapped"]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something about a geometry a person should know."""

    rule: str
    """One of the slugs listed in :mod:`mlaoi_graph.geo`."""
    message: str


Problems: TypeAlias = dict[str, str]
"""Message by rule; the first of each stays."""


class Unusable(Exception):
    """No footprint can be had, and why; never leaves this package."""

    def __init__(self, rule: str, message: str) -> None:
        self.rule = rule
        self.message = message


def report_wrapped(problems: Problems) -> None:
    """Say that longitudes were moved by full turns."""
    problems.setdefault("longitude-wrapped", "longitudes beyond +-180; moved by full turns")


def refuse_nothing(problems: Problems) -> NoReturn:
    """Raise Unusable: nothing is left of the geometry, for what was told first."""
    # What was left out has been told already, and is the reason.
    raise Unusable(*next(iter(problems.items()), ("empty-geometry", "the geometry has no positions")))
