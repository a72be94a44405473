"""Add to JSON text and leave every byte of it as it stands: order, indentation, spelling of numbers, line ends.

Serialising a parsed document again would change all of these. So the places are found in the text, and what is added
is written in the style of what is around it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

__all__ = ["Path", "Splice"]

Path = tuple[str | int, ...]
"""Keys and indices from the root of a document."""

_SPACE: Final = re.compile(r"[ \t\r\n\ufeff]*")
_STRING: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_MARK: Final = re.compile(rf"{_STRING.pattern}|[\[\]{{}}]", re.DOTALL)
_SCALAR: Final = re.compile(r"[^\s,\]}]+")


@dataclass(slots=True)
class _Container:
    """An object or array in the text."""

    start: int
    end: int
    """Behind its closing bracket."""
    spans: list[tuple[int, int]]
    """Of its members (key and value) or elements."""
    values: dict[str | int, int]
    """Where the value of a key, or an element, starts. Of a key that is there twice, the last, as parsers take it."""
    around: _Container | None
    added: list[tuple[str | None, Any]] = field(default_factory=list)


class Splice:
    """JSON text, and what is to be added to it.

    >>> text = Splice('{"a": 1.50, "b": []}')
    >>> text.add((), "c", 2)
    >>> text.append(("b",), "x")
    >>> text.result()
    '{"a": 1.50, "b": ["x"], "c": 2}'
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._space = " " if '": ' in text else ""
        """What separates things on one line."""
        self._found: dict[Path, _Container | None] = {}

    def add(self, path: Path, key: str, value: Any) -> None:
        """Add a member to the object at a path, after its last. KeyError if there is no object."""
        self._at(path, "{").added.append((key, value))

    def append(self, path: Path, value: Any) -> None:
        """Add an element to the array at a path, after its last. KeyError if there is no array."""
        self._at(path, "[").added.append((None, value))

    def result(self) -> str:
        """Return the text with all that was added."""
        added = [found for found in self._found.values() if found is not None and found.added]
        pieces: list[str] = []
        position = 0
        for place, insertion in sorted(edit for found in added for edit in self._edits(found)):
            pieces += (self._text[position:place], insertion)
            position = place
        return "".join([*pieces, self._text[position:]])

    def _at(self, path: Path, bracket: str) -> _Container:
        found = self._container(path)
        if found is None or self._text[found.start] != bracket:
            raise KeyError(path)
        return found

    def _container(self, path: Path) -> _Container | None:
        if path not in self._found:
            start: int | None = _skip(self._text, 0)
            around = None
            if path:
                around = self._container(path[:-1])
                start = around.values.get(path[-1]) if around is not None else None
            self._found[path] = None if start is None else _read(self._text, start, around)
        return self._found[path]

    def _edits(self, found: _Container) -> Iterator[tuple[int, str]]:
        lead, unit = self._style(found)
        items = [self._render(key, value, lead, unit) for key, value in found.added]
        if found.spans:
            yield found.spans[-1][1], "".join(f",{lead}{item}" for item in items)
            return
        inside = self._text[found.start + 1 : found.end - 1]
        if "\n" not in lead:
            yield found.start + 1, f",{self._space}".join(items)
            return
        closing = "" if "\n" in inside else lead[: len(lead) - len(unit)]
        yield found.start + 1, lead + f",{lead}".join(items) + closing

    def _style(self, found: _Container | None) -> tuple[str, str]:
        """Return the space before each member of a container, and one step of indentation."""
        if found is None:
            return self._space, "  "
        outer, unit = self._style(found.around)
        if not found.spans:
            return (outer + unit if "\n" in outer else self._space), unit
        several = len(found.spans) > 1
        before = found.spans[-2][1] if several else found.start + 1
        lead = self._text[before : found.spans[-1][0]].rpartition(",")[2]
        if "\n" not in lead:
            return (lead if several else self._space), unit
        lead = ("\r\n" if "\r\n" in lead else "\n") + lead[lead.rindex("\n") + 1 :]
        closing = self._text[found.spans[-1][1] : found.end - 1]
        outer_indent = closing[closing.rindex("\n") + 1 :] if "\n" in closing else outer.strip("\r\n")
        indent = lead.lstrip("\r\n")
        if indent.startswith(outer_indent) and len(indent) > len(outer_indent):
            unit = indent[len(outer_indent) :]
        return lead, unit

    def _render(self, key: str | None, value: Any, lead: str, unit: str) -> str:
        if "\n" in lead:
            text = json.dumps(value, ensure_ascii=False, indent=unit).replace("\n", lead)
        else:
            text = json.dumps(value, ensure_ascii=False, separators=(f",{self._space}", f":{self._space}"))
        return text if key is None else f"{json.dumps(key)}:{self._space}{text}"


def _skip(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    assert found is not None
    return found.end()


def _end(text: str, start: int) -> int:
    """Return where the value that starts there ends."""
    if text[start] == '"':
        found = _STRING.match(text, start)
    elif text[start] not in "[{":
        found = _SCALAR.match(text, start)
    else:
        depth = 0
        for mark in _MARK.finditer(text, start):
            depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(mark[0], 0)
            if depth == 0:
                return mark.end()
        found = None
    if found is None:
        raise ValueError(f"no JSON at {start}")
    return found.end()


def _read(text: str, start: int, around: _Container | None) -> _Container | None:
    """Return the object or array that starts there; None for any other value."""
    if text[start] not in "[{":
        return None
    spans: list[tuple[int, int]] = []
    values: dict[str | int, int] = {}
    position = _skip(text, start + 1)
    while text[position] not in "]}":
        first = position
        name: str | int = len(spans)
        if text[start] == "{":
            end = _end(text, position)
            name = json.loads(text[position:end])
            position = _skip(text, _skip(text, end) + 1)  # past the colon
        values[name] = position
        position = _end(text, position)
        spans.append((first, position))
        position = _skip(text, position)
        if text[position] == ",":
            position = _skip(text, position + 1)
    return _Container(start, position + 1, spans, values, around)
