"""YAML as a tree that knows where everything stands, and nothing that a record does not need.

No anchors, aliases or tags, one document a file, no key twice. Scalars stay the text they were: ``version: 1.10``
is not 1.1, and ``NO`` is Norway.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import yaml

__all__ = ["NotRecords", "Tree", "parse"]

MAX_BYTES: Final = 8 * 1024 * 1024
_DEEPEST: Final = 16
_MOST_NODES: Final = 500_000
_TAB: Final = re.compile(r"^ *\t", re.MULTILINE)
_NUMBER: Final = re.compile(r"-?(0|[1-9]\d{0,300})(\.\d+)?([eE][+-]?\d{1,2})?")
_WORDS: Final = {"": None, "~": None, "null": None, "true": True, "false": False}
# libyaml where PyYAML was built with it: ten times as fast.
_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

At: TypeAlias = tuple[int, int]
"""Line and column, both counted from 1."""


class NotRecords(Exception):
    """A file cannot be read as records; carries the rule, a message and the place. Never leaves the reader."""

    def __init__(self, rule: str, message: str, at: At = (1, 1)) -> None:
        self.rule = rule
        self.at = at
        super().__init__(message)


@dataclass(slots=True)
class Tree:
    """One node: a mapping, a list or text, and where it stands."""

    at: At
    text: str | None = None
    plain: bool = False
    """Text without quotes, which may stand for a number, a truth value or nothing."""
    entries: dict[str, Tree] | None = None
    keys: dict[str, At] = field(default_factory=dict)
    items: list[Tree] | None = None

    def get(self, key: str) -> Tree | None:
        """Return an entry of a mapping that holds something."""
        found = (self.entries or {}).get(key)
        return None if found is None or found.is_null else found

    @property
    def is_null(self) -> bool:
        """Whether nothing stands here."""
        return self.text is not None and self.plain and self.text in ("", "~", "null")

    def walk(self) -> Iterator[tuple[str, Tree]]:
        """Yield the entries of a mapping that hold something."""
        for key, value in (self.entries or {}).items():
            if not value.is_null:
                yield key, value

    def json(self) -> Any:
        """Return the value as a JSON Schema sees it."""
        if self.entries is not None:
            return {key: value.json() for key, value in self.walk()}
        if self.items is not None:
            return [item.json() for item in self.items]
        assert self.text is not None
        if not self.plain:
            return self.text
        if self.text in _WORDS:
            return _WORDS[self.text]
        return float(self.text) if _NUMBER.fullmatch(self.text) else self.text


def parse(data: bytes) -> Tree:
    """Return the mapping a file holds. Raises NotRecords."""
    if len(data) > MAX_BYTES:
        raise NotRecords("too-large", f"{len(data):,} bytes, and one file of records may have {MAX_BYTES:,}")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NotRecords("not-utf8", "not UTF-8; save it with that encoding", _at_byte(data, error.start)) from None
    tab = _TAB.search(text)
    if tab is not None:
        line = text.count("\n", 0, tab.start()) + 1
        raise NotRecords(
            "tab-indentation", "a tab in the indentation; YAML wants spaces", (line, tab.end() - tab.start())
        )
    try:
        tree = _build(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        at = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
        reason = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
        raise NotRecords("not-yaml", f"not YAML: {reason}", at) from None
    if tree is None or tree.entries is None:
        raise NotRecords("wrong-form", "a file of records is a mapping: models:, datasets:, uses: and so on")
    return tree


def _at_byte(data: bytes, offset: int) -> At:
    line_start = data.rfind(b"\n", 0, offset) + 1
    return data.count(b"\n", 0, offset) + 1, offset - line_start + 1


def _build(text: str) -> Tree | None:
    """Build the tree from parser events, by a stack of our own: what nests too deep is refused, not recursed into."""
    root: Tree | None = None
    stack: list[tuple[Tree, list[tuple[str, At]]]] = []
    nodes = 0
    event: Any
    for event in yaml.parse(text, Loader=_LOADER):
        at = (event.start_mark.line + 1, event.start_mark.column + 1)
        if isinstance(event, yaml.DocumentStartEvent) and root is not None:
            raise NotRecords("not-yaml", "a second document; a file holds one", at)
        if isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            stack.pop()
            continue
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise NotRecords("anchor", "anchors (&) and aliases (*) are not read; write it out", at)
        if not isinstance(event, yaml.NodeEvent):
            continue
        tag = getattr(event, "tag", None)
        if tag is not None:
            raise NotRecords("tag", f"tags ({tag}) are not read; leave it out", at)
        nodes += 1
        if len(stack) >= _DEEPEST or nodes > _MOST_NODES:
            raise NotRecords("too-deep", "nested deeper, or longer, than any record", at)
        node = _node(event, at)
        if not stack:
            root = node
        else:
            _attach(stack[-1], node)
        if node.text is None:
            stack.append((node, []))
    return root


def _node(event: Any, at: At) -> Tree:
    if isinstance(event, yaml.MappingStartEvent):
        return Tree(at, entries={})
    if isinstance(event, yaml.SequenceStartEvent):
        return Tree(at, items=[])
    return Tree(at, text=event.value, plain=event.style in (None, ""))


def _attach(parent: tuple[Tree, list[tuple[str, At]]], node: Tree) -> None:
    tree, pending = parent
    if tree.items is not None:
        tree.items.append(node)
        return
    assert tree.entries is not None
    if not pending:
        if node.text is None:
            raise NotRecords("not-yaml", "a key is text", node.at)
        if node.text in tree.entries:
            first = tree.keys[node.text][0]
            raise NotRecords("duplicate-key", f"{node.text!r} stands here twice, first in line {first}", node.at)
        pending.append((node.text, node.at))
        return
    key, at = pending.pop()
    tree.entries[key] = node
    tree.keys[key] = at
