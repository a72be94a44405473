"""Words people look for, and those a catalog has."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Final

__all__ = ["no_such"]

_MOST: Final = 8


def no_such(question: str, word: str, known: Iterable[str]) -> str:
    """Return a note that nothing has a word: which words there are, the nearest first.

    >>> no_such("no model here has the task", "detect", ["segmentation", "detection"])
    "no model here has the task 'detect'; there are: detection; segmentation"
    """
    ordered = sorted(set(known))
    near = [one for one in ordered if word and word.casefold() in one.casefold()]
    near += [one for one in difflib.get_close_matches(word, ordered, n=_MOST, cutoff=0.5) if one not in near]
    listed = [*near, *(one for one in ordered if one not in near)][:_MOST]
    rest = f"; and {len(ordered) - len(listed)} more" if len(ordered) > len(listed) else ""
    there = f"there are: {'; '.join(listed)}{rest}" if listed else "there is none"
    return f"{question} {word!r}; {there}"
