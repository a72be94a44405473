"""Times as people write them, as microseconds since 1970 (UTC)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, Final, TypeAlias

import numpy as np

__all__ = ["OPEN_END", "OPEN_START", "During", "edge", "instants", "span"]

OPEN_START: Final = np.iinfo(np.int64).min
OPEN_END: Final = np.iinfo(np.int64).max
"""What stands for a time that is not said."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


@lru_cache(maxsize=1 << 16)
def instants(text: str) -> tuple[int, int]:
    """Return first and last microsecond since 1970 of an ISO 8601 year, month, day or instant; UTC if not said.

    Raises ValueError.

    >>> first, last = instants("2020-02")
    >>> (last + 1 - first) / 86_400e6
    29.0
    """
    text = text.strip()
    parts = text.split("-")
    try:
        if len(parts) <= 2 and all(part.isdigit() for part in parts):
            year, month = int(parts[0]), int(parts[1]) if len(parts) == 2 else None
            first = datetime(year, month or 1, 1, tzinfo=UTC)
            after = datetime(year + 1, 1, 1, tzinfo=UTC)
            if month is not None and month < 12:
                after = datetime(year, month + 1, 1, tzinfo=UTC)
        elif len(text) == 10:
            day = date.fromisoformat(text)
            first = datetime(day.year, day.month, day.day, tzinfo=UTC)
            after = first + timedelta(days=1)
        else:
            first = datetime.fromisoformat(text)
            first = first if first.tzinfo is not None else first.replace(tzinfo=UTC)
            after = first + _MICROSECOND
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is no time. Give a year, month, day or instant, as 2024-06-30") from None
    return (first - _EPOCH) // _MICROSECOND, (after - _EPOCH) // _MICROSECOND - 1


During: TypeAlias = "str | tuple[str | None, str | None]"
"""What :func:`span` takes."""


def span(during: During) -> tuple[int, int]:
    """Return first and last microsecond since 1970 of a time, "2018", "2018/2019", or a pair; None and ".." are open.

    Raises ValueError for what is no time, and for an end before the start.

    >>> span("2018/2019") == span(("2018", "2019")), span("2018") == span("2018/2018")
    (True, True)
    >>> span("2018/..") == span(("2018", None)) == span("2018/")
    True
    """
    sides: Any = during
    if isinstance(during, str):
        start, slash, end = during.partition("/")
        sides = (start, end if slash else start)
    if (
        not isinstance(sides, (tuple, list))
        or len(sides) != 2
        or not all(side is None or isinstance(side, str) for side in sides)
        or not any(side is None or side.strip() for side in sides)
    ):
        raise ValueError(f"{during!r} is no time. Give a start and an end, as 2018/2019, or one of them, as 2018/..")
    start, end = ("" if side is None or side.strip() == ".." else side.strip() for side in sides)
    first, last = instants(start or "0001")[0], instants(end or "9998")[1]
    if first > last:
        raise ValueError(f"{start} is after {end}. Give the earlier time first")
    return first, last


def edge(text: str, side: int) -> int:
    """Return the first (0) or last (1) instant of a time, open if it is none."""
    try:
        return instants(text)[side]
    except ValueError:
        return OPEN_END if side else OPEN_START
