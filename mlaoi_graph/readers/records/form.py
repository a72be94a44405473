"""Check records against their JSON Schema and say what is wrong in words, with the place."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any, Final, TypeAlias

import orjson
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from mlaoi_graph.readers.records.tree import At, Tree

__all__ = ["problems", "schema"]

Problem: TypeAlias = tuple[At, str, str]
"""Where, which rule, and what."""

_MOST: Final = 100
_SHOWN: Final = 60


@cache
def schema() -> dict[str, Any]:
    """Return the JSON Schema of a file of records."""
    found: dict[str, Any] = orjson.loads(files("mlaoi_graph").joinpath("families", "schema.json").read_bytes())
    return found


def problems(tree: Tree) -> list[Problem]:
    """Return where a file is not what the schema asks, in the order of the file; at most a hundred."""
    found: list[Problem] = []
    for error in Draft202012Validator(schema()).iter_errors(tree.json()):
        found.extend(_said(error, tree))
        if len(found) >= _MOST:
            break
    return sorted(set(found))


def _said(error: ValidationError, tree: Tree) -> Iterator[Problem]:
    here, name = _place(tree, error)
    asked: Any = error.validator_value
    instance: Any = error.instance
    if error.validator == "additionalProperties":
        known: Any = error.schema["properties"] if isinstance(error.schema, dict) else {}
        for key in instance.keys() - known.keys():
            yield here.keys[key], "unknown-key", f"{key!r} is no key of {name}; known are {', '.join(known)}"
    elif error.validator == "required":
        missing = [key for key in asked if key not in instance]
        yield here.at, "missing-key", f"{name} lacks {', '.join(missing)}"
    elif error.validator == "enum":
        yield here.at, "unknown-word", f"{name} is {_short(instance)}, not one of {', '.join(asked)}"
    elif isinstance(error.schema, dict) and "$comment" in error.schema:
        yield here.at, "wrong-form", f"{name} is {_short(instance)}: {error.schema['$comment']}"
    else:
        yield here.at, "wrong-form", f"{name}: {error.message[:200]}"


def _place(tree: Tree, error: ValidationError) -> tuple[Tree, str]:
    """Return the node an error is about, and what a person would call it."""
    node, path = tree, list(error.absolute_path)
    for step in path:
        node = (node.entries or {})[step] if isinstance(step, str) else _nth(node, step)
    named = [str(step) for step in path if isinstance(step, str)]
    if "propertyNames" in error.absolute_schema_path:
        wanted = str(error.instance)
        return Tree(node.keys.get(wanted, node.at)), f"the id in {path[-1]}"
    return node, named[-1] if named else "the file"


def _nth(node: Tree, index: int) -> Tree:
    assert node.items is not None
    return node.items[index]


def _short(value: Any) -> str:
    text = repr(value) if isinstance(value, str) else orjson.dumps(value).decode()
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
