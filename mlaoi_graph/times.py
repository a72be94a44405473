"""What counts as a date, everywhere: a year, month, day or instant of ISO 8601, as microseconds since 1970 (UTC)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final, TypeAlias

__all__ = ["OPEN_END", "OPEN_START", "During", "earliest", "edge", "instants", "is_time", "span"]

OPEN_START: Final = -(1 << 63)
OPEN_END: Final = (1 << 63) - 1
"""What stands for a time that is not said."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_FORM: Final = re.compile(r"[0-9]{4}(-[0-9]{2}(-[0-9]{2}([Tt ].+)?)?)?")


@lru_cache(maxsize=1 << 16)
def instants(text: str) -> tuple[int, int]:
    """Return first and last microsecond since 1970 of an ISO 8601 year, month, day or instant; UTC if not said.

    Raises ValueError, which says what to give.

    >>> first, last = instants("2020-02")
    >>> (last + 1 - first) / 86_400e6
    29.0
    """
    text = text.strip()
    try:
        if not _FORM.fullmatch(text):
            raise ValueError
        if len(text) > len("2024-06-30"):
            first = datetime.fromisoformat(text.upper())
            first = first if first.tzinfo is not None else first.replace(tzinfo=UTC)
            after = first + _MICROSECOND
        elif len(text) == len("2024-06-30"):
            first = datetime.fromisoformat(text).replace(tzinfo=UTC)
            after = first + timedelta(days=1)
        else:
            year, month = int(text[:4]), int(text[5:] or 12)
            first = datetime(year, month if text[5:] else 1, 1, tzinfo=UTC)
            after = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
    except (ValueError, OverflowError):
        raise ValueError(
            f"{text[:100]!r} is no time. Give a year, month, day or instant, as 2024, 2024-06, 2024-06-30 or "
            "2024-06-30T12:00:00Z"
        ) from None
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


def is_time(text: str) -> bool:
    """Return whether a text is a year, month, day or instant."""
    try:
        instants(text)
    except ValueError:
        return False
    return True


def earliest(times: Iterable[str]) -> str | None:
    """Return the time that begins first, as it is written; what is no time comes after all others.

    >>> earliest(["2024-07-01T00:00:00Z", "2024-06-30T23:30:00-05:00"])
    '2024-07-01T00:00:00Z'
    """
    return min(times, key=_order, default=None)


def _order(text: str) -> tuple[bool, int, str]:
    try:
        return False, instants(text)[0], text
    except ValueError:
        return True, 0, text
