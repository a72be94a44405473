"""Say how many there are of something."""

from __future__ import annotations

__all__ = ["many"]


def many(number: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun, in the plural (with an s, unless given) for all but one.

    >>> many(1, "reference leads", "references lead"), many(0, "remark"), many(2, "family", "families")
    ('1 reference leads', '0 remarks', '2 families')
    """
    return f"{number} {noun if number == 1 else plural or noun + 's'}"
