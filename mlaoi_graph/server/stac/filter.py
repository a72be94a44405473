"""CQL2 filters: parsed and evaluated by the cql2 package; here is what of it may be asked, and where to look first."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache, reduce
from typing import Any, Final, TypeAlias

import cql2
import numpy as np
import orjson
import shapely

from mlaoi_graph.geo.mapped import Array
from mlaoi_graph.lineage_fields import EXPOSED_TO, REPEATED
from mlaoi_graph.server.reply import Refusal
from mlaoi_graph.server.stac import area
from mlaoi_graph.server.stac.seen import BANDS, in_reach

__all__ = ["DEEPEST", "SEARCHED", "Filter", "Queryables", "levels"]

DEEPEST: Final = 240
"""Lists and objects within each other: orjson reads 1024 and writes 254, some of them around a link's body."""

_OPERATORS: Final = frozenset(
    {
        "and", "or", "not", "=", "<>", "<", ">", "<=", ">=", "like", "between", "in", "isNull", "casei", "accenti",
        "+", "-", "*", "/", "%", "^", "div",
        "s_intersects", "s_equals", "s_disjoint", "s_touches", "s_within", "s_overlaps", "s_crosses", "s_contains",
        "t_after", "t_before", "t_contains", "t_disjoint", "t_during", "t_equals", "t_finishedBy", "t_finishes",
        "t_intersects", "t_meets", "t_metBy", "t_overlappedBy", "t_overlaps", "t_startedBy", "t_starts",
        "a_equals", "a_contains", "a_containedBy", "a_overlaps",
    }
)  # fmt: skip
Queryables: TypeAlias = Mapping[str, Mapping[str, Any]]
"""What may be named, each with its JSON schema."""
Having: TypeAlias = Callable[[str, str | None], Array]
SEARCHED: Final = frozenset(
    {*REPEATED, EXPOSED_TO, "lineage:family", "mlm:tasks", "mlm:architecture", "mlm:framework", BANDS}
)
"""Fields of which it is known who has a value without looking into documents."""
_BRACKET: Final = re.compile(r"[\[({\])}]|\bnot\b", re.IGNORECASE)
_STRING: Final = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"")
_LEAP_SECOND: Final = re.compile(r":60(?=[.Z+-]|$)")
_FORMS: Final = 1000
"""Forms of filters that are held."""
_LONGEST_FORM: Final = 10_000
_NO_VALUE: Final = "Could not reduce expression to boolean"


class Filter:
    """A filter that can be evaluated. What an item does not have is null, and null is not found: not even by NOT."""

    def __init__(self, expression: cql2.Expr, tree: Any, notes: tuple[str, ...]) -> None:
        self._expression = expression
        self._tree = tree
        self.notes: Final = notes
        """What of its geometries was mended."""
        self.names: Final = frozenset(name.removeprefix("properties.") for name, is_op in _named(tree) if not is_op)
        """Of the fields it looks at."""

    @classmethod
    def parsed(cls, given: Any, names: Queryables, nesting: int) -> Filter:
        """Return the filter in CQL2 text, or in JSON that was read and is not nested too deeply. Raises Refusal.

        ``names`` are the queryables.
        """
        notes: list[str] = []
        if isinstance(given, str):
            _check_nesting(_nesting_of(given), nesting)
        try:
            if isinstance(given, str):
                expression = cql2.parse_text(given)
            else:
                expression = cql2.parse_json(orjson.dumps(_flat(given)).decode())
            tree: Any = expression.to_json()
            _check_nesting(levels(tree), DEEPEST)
            mended = _mended(tree, notes)
            _check_names(mended, names)
            _check_kinds(mended, names)
            _validate(mended)
            mended = _in_reach(mended, names)
            if mended != tree:
                expression, tree = cql2.parse_json(orjson.dumps(mended).decode()), mended
        except Refusal:
            raise
        except Exception as error:  # noqa: BLE001 - it raises Exception itself for what it does not understand
            raise _wrong(f"cannot be understood: {str(error).strip()[:500]}") from None
        if not isinstance(tree, bool) and not (isinstance(tree, dict) and "op" in tree):
            raise _wrong("not a condition, as a_contains(\"lineage:tested_on\", ('https://example.com/data'))")
        return cls(expression, tree, tuple(notes))

    @property
    def is_exact(self) -> bool:
        """Whether :meth:`candidates` are those that are found, and no document has to be looked into."""
        return _is_exact(self._tree)

    def matches(self, view: dict[str, Any]) -> bool:
        """Return whether an item is found; its ``datetime`` is an interval."""
        try:
            return bool(self._expression.matches(view))
        except Exception as error:  # noqa: BLE001 - likewise
            if _NO_VALUE in str(error):  # null, or types that cannot be compared
                return False
            raise _wrong(f"cannot be evaluated: {str(error).strip()[:500]}") from None

    def candidates(self, having: Having) -> Array | None:
        """Return the numbers of all nodes that may be found, or more, sorted; None for anything.

        ``having`` gives those that have a value in a list of :data:`SEARCHED`, or any at all.
        """
        return _candidates(self._tree, having)


def _wrong(reason: str) -> Refusal:
    return Refusal(400, "filter", f"filter: {reason}", parameter="filter")


def _validate(tree: Any) -> None:
    """Check a filter against CQL2's schema, which takes cql2 40 ms: many filters differ only in their values."""
    form = orjson.dumps(_form(tree)).decode()
    (_validated if len(form) <= _LONGEST_FORM else _validated.__wrapped__)(form)


@lru_cache(_FORMS)
def _validated(form: str) -> None:
    cql2.parse_json(form).validate()


def _form(tree: Any, *, as_it_is: bool = False) -> Any:
    """Return a filter with all its texts and numbers alike, but for names, times and places.

    >>> _form({"op": "=", "args": [{"property": "id"}, "x"]})
    {'op': '=', 'args': [{'property': 'id'}, 'text']}
    """
    if isinstance(tree, list):
        return [_form(part, as_it_is=as_it_is) for part in tree]
    if isinstance(tree, dict):
        return {
            key: value if key in ("op", "property") else _form(value, as_it_is=key != "args")
            for key, value in tree.items()
        }
    if as_it_is or isinstance(tree, bool | None):
        return tree
    return "text" if isinstance(tree, str) else 0


def _check_nesting(deepest: int, most: int) -> None:
    if deepest > most:
        raise _wrong(f"nested {deepest} deep, and {most} is the most. Ask more simply")


def _nesting_of(text: str) -> int:
    depth = deepest = negations = 0
    for found in _BRACKET.finditer(_STRING.sub("", text)):
        if found[0] in "[({":
            depth += 1
        elif found[0] in "])}":
            depth -= 1
        else:
            negations += 1
        deepest = max(deepest, depth + negations)
    return deepest


def levels(value: Any) -> int:
    """Return how many lists and objects of JSON lie within each other.

    >>> levels({"op": "not", "args": [True]}), levels("[[")
    (2, 0)
    """
    found, layer = 0, [value]
    while layer := [one for one in layer if isinstance(one, list | dict)]:
        found += 1
        layer = [inner for one in layer for inner in (one.values() if isinstance(one, dict) else one)]
    return found


def _flat(tree: Any) -> Any:
    """Return a filter with the bounds of ``between`` beside its value, where drafts of CQL2 had a list of two."""
    if isinstance(tree, list):
        return [_flat(part) for part in tree]
    if not isinstance(tree, dict):
        return tree
    found = {key: _flat(value) for key, value in tree.items()}
    match found:
        case {"op": "between", "args": [value, [low, high]]}:
            return found | {"args": [value, low, high]}
    return found


def _mended(tree: Any, notes: list[str]) -> Any:
    """Return a filter with its boxes and geometries as the server reads all others; adds what was mended to notes."""
    if isinstance(tree, list):
        return [_mended(part, notes) for part in tree]
    if not isinstance(tree, dict):
        return tree
    is_box = isinstance(tree.get("bbox"), list)
    if not is_box and "coordinates" not in tree and "geometries" not in tree:
        return {key: _mended(value, notes) for key, value in tree.items()}
    try:
        shape, said = area.box(tree["bbox"]) if is_box else area.geometry(tree)
    except ValueError as error:
        raise _wrong(str(error)) from None
    notes.extend(said)
    return orjson.loads(shapely.to_geojson(shape)) if is_box or said else tree


def _named(tree: Any) -> Iterator[tuple[str, bool]]:
    """Yield every name in a filter, and whether it is an operator's."""
    waiting = [tree]
    while waiting:
        one = waiting.pop()
        if isinstance(one, list):
            waiting.extend(one)
        elif isinstance(one, dict):
            if isinstance(one.get("op"), str):
                yield one["op"], True
            if isinstance(one.get("property"), str):
                yield one["property"], False
            waiting.extend(value for key, value in one.items() if key in ("args", "interval", "property"))


def _check_names(tree: Any, names: Queryables) -> None:
    for name, is_operator in _named(tree):
        if is_operator and name not in _OPERATORS:
            raise _wrong(f"{name[:100]!r} is no operator or function here")
        if not is_operator and name.removeprefix("properties.") not in names:
            raise _wrong(f"{name[:100]!r} is no queryable. See /stac/queryables")


_ARITHMETIC: Final = ("+", "-", "*", "/", "%", "^", "div")
_OF_KIND: Final = {
    "a_": "array",
    "s_": "geometry",
    "t_": "time",
    "like": "string",
    "casei": "string",
    "accenti": "string",
    **dict.fromkeys(_ARITHMETIC, "number"),
}
"""What operators are for, by how these begin."""
_COMPARISONS: Final = frozenset({"=", "<>", "<", ">", "<=", ">=", "between", "in"})
_INSTEAD: Final = {"array": "use a_contains or a_overlaps", "geometry": "use s_intersects"}
_WRITTEN: Final = {
    "array": "('x'), in JSON [\"x\"]",
    "geometry": "POINT(7 46), in JSON a geometry of GeoJSON",
    "time": 'TIMESTAMP(\'2020-06-30T00:00:00Z\'), in JSON {"timestamp": "2020-06-30T00:00:00Z"}',
    "string": "'x'",
    "number": "1",
}
_TIMES: Final = ("timestamp", "date")
_OF_TIME: Final = {"string", "time"}
"""A day or instant may be written as text."""


def _check_kinds(tree: Any, names: Queryables) -> None:
    """Refuse what would be true of nothing: what is of the wrong type, an instant that is none, a reversed interval."""
    waiting = [tree]
    while waiting:
        part = waiting.pop()
        if isinstance(part, list):
            waiting.extend(part)
        elif isinstance(part, dict):
            waiting.extend(part[key] for key in ("args", "interval") if key in part)
            for text in (part[key] for key in _TIMES if isinstance(part.get(key), str)):
                _instant(text)
            if isinstance(part.get("interval"), list):
                sides = [_instant(text) for text in part["interval"] if isinstance(text, str) and text != ".."]
                if len(sides) == 2 and sides[0] > sides[1]:
                    raise _wrong("INTERVAL: the first instant is after the last. Give the earlier first")
            operator, arguments = part.get("op"), part.get("args")
            if isinstance(operator, str) and isinstance(arguments, list):
                _check_arguments(operator, arguments, names)


def _check_arguments(operator: str, arguments: list[Any], names: Queryables) -> None:
    wanted = next((kind for begin, kind in _OF_KIND.items() if operator.startswith(begin)), None)
    if wanted is not None:
        for argument in arguments:
            kind = _kind(argument, names)
            if kind not in (wanted, None):
                said = f"{operator} is for what is of type {wanted}, and {_called(argument)} is of type {kind}"
                raise _wrong(said if isinstance(argument, dict) else f"{said}. Write {_WRITTEN[wanted]}")
            if wanted == "array" and isinstance(argument, list):
                for value in argument:
                    if _kind(value, names) not in ("string", None):
                        raise _wrong(f"{operator}: all lists here are of texts, and {_called(value)} is none")
    if operator not in _COMPARISONS:
        return
    values = arguments
    if operator == "in" and len(arguments) == 2 and isinstance(arguments[1], list):
        values = [arguments[0], *arguments[1]]
    kinds: dict[str, Any] = {}
    for value in values:
        kind = _kind(value, names)
        if kind in _INSTEAD:
            raise _wrong(f"{operator} compares single values, and {_called(value)} is of type {kind}: {_INSTEAD[kind]}")
        if kind is not None:
            kinds.setdefault(kind, value)
    if len(kinds) > 1 and kinds.keys() != _OF_TIME:
        said = ", and ".join(f"{_called(value)} is of type {kind}" for kind, value in kinds.items())
        raise _wrong(f"{operator} compares what is of one type: {said}")
    texts = [value for value in values if isinstance(value, str)]
    if "time" in kinds:
        for text in texts:
            _instant(text)
    for value in values if operator in ("=", "<>", "in") else ():
        among = _schema(value, names).get("enum", texts)
        for text in texts:
            if text not in among:
                raise _wrong(f"{_called(value)} is never {text[:50]!r}, but one of: {', '.join(among)}")


def _kind(argument: Any, names: Queryables) -> str | None:
    """Return of what type an argument is; None for what CQL2's schema tells."""
    match argument:
        case {"property": str()}:
            schema = _schema(argument, names)
            kind: str = "time" if schema.get("format") == "date-time" else schema.get("type", "geometry")
            return "number" if kind == "integer" else kind
        case {"timestamp": _} | {"date": _} | {"interval": _}:
            return "time"
        case {"op": str(operator)}:
            return "string" if operator in ("casei", "accenti") else "number" if operator in _ARITHMETIC else None
    kinds: dict[type, str] = {bool: "boolean", int: "number", float: "number", str: "string", list: "array"}
    return kinds.get(type(argument))


def _schema(argument: Any, names: Queryables) -> Mapping[str, Any]:
    match argument:
        case {"property": str(name)}:
            return names[name.removeprefix("properties.")]
    return {}


def _called(argument: Any) -> str:
    match argument:
        case {"property": str(name)}:
            return name
        case {"op": str(name)}:
            return f"what {name} gives"
    return repr(argument)[:50]


def _instant(text: str) -> datetime:
    """Return the instant that a text is, of a day its first. Raises Refusal.

    >>> _instant("2024-02-29"), _instant("2016-12-31T23:59:60Z").second
    (datetime.datetime(2024, 2, 29, 0, 0, tzinfo=datetime.timezone.utc), 59)
    """
    try:
        found = datetime.fromisoformat(_LEAP_SECOND.sub(":59", text.upper()))
    except ValueError:
        reason = f"{text[:50]!r} is no date and no instant of RFC 3339, as 2020-06-30T00:00:00Z"
        raise _wrong(reason) from None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _in_reach(tree: Any, names: Queryables) -> Any:
    """Return a filter whose times the engine can compare (:func:`~.seen.in_reach`)."""
    if isinstance(tree, list):
        return [_in_reach(part, names) for part in tree]
    if not isinstance(tree, dict):
        return tree
    for text in (tree[key] for key in _TIMES if key in tree):
        return tree if in_reach(text) == text else {"timestamp": in_reach(text)}
    if "interval" in tree:
        return tree | {"interval": [in_reach(side) for side in tree["interval"]]}
    if "args" not in tree:
        return tree
    arguments = _in_reach(tree["args"], names)
    if tree["op"] in _COMPARISONS and any(_kind(argument, names) == "time" for argument in arguments):
        arguments = [
            [in_reach(text) for text in argument] if isinstance(argument, list) else in_reach(argument)
            for argument in arguments
        ]
    return tree | {"args": arguments}


def _candidates(part: Any, having: Having) -> Array | None:
    match part:
        case {"op": "not", "args": [inner]} if _is_exact(inner, denied=True):
            return _denied(inner, having)
        case {"op": "and" | "or" as operator, "args": [*parts]}:
            some = [_candidates(one, having) for one in parts]
            known = [found for found in some if found is not None]
            if operator == "and":
                return reduce(np.intersect1d, known) if known else None
            return reduce(np.union1d, known) if known and len(known) == len(some) else None
    return _of_condition(part, having)


_SCALARS: Final = frozenset({"lineage:family", "mlm:architecture", "mlm:framework"})


def _denied(part: Any, having: Having) -> Array:
    """Return what has values for an exact condition and does not fulfil it: null is not found by ``NOT`` neither."""
    match part:
        case {"op": "not", "args": [inner]}:
            found = _candidates(inner, having)
        case {"op": "and" | "or" as operator, "args": [*parts]}:
            merged = np.union1d if operator == "and" else np.intersect1d
            found = reduce(merged, (_denied(one, having) for one in parts))
        case {"args": [{"property": str(name)}, _]}:
            told = _of_condition(part, having)
            found = None if told is None else np.setdiff1d(having(name.removeprefix("properties."), None), told)
        case _:
            found = None
    assert found is not None  # it is exact
    return found


def _is_exact(part: Any, *, denied: bool = False) -> bool:
    match part:
        case {"op": "and" | "or", "args": [*parts]}:
            return all(_is_exact(one, denied=denied) for one in parts)
        case {"op": "not", "args": [inner]}:
            return _is_exact(inner, denied=True)
        case {"op": operator, "args": [{"property": str(name)}, values]}:
            name = name.removeprefix("properties.")
            one = isinstance(values, str) if operator == "=" else isinstance(values, list)
            wanted = ("=", "in") if name in _SCALARS else ("a_contains", "a_overlaps")
            texts = values if isinstance(values, list) else [values]
            said = bool(texts) and all(isinstance(value, str) for value in texts)
            # Of bands it may not be known yet who has any.
            return name in SEARCHED and operator in wanted and one and said and not (denied and name == BANDS)
        case bool():
            return not denied
    return False


def _of_condition(part: Any, having: Having) -> Array | None:
    """Return what may fulfil one condition, from the edges it is about; None if it is about none."""
    if not isinstance(part, dict):
        return np.empty(0, dtype=np.int64) if part is False else None
    operator, arguments = part.get("op"), part.get("args", ())
    if operator not in ("a_contains", "a_overlaps", "a_equals", "=", "in") or len(arguments) != 2:
        return None
    name = arguments[0].get("property", "") if isinstance(arguments[0], dict) else ""
    name = name.removeprefix("properties.")
    values = arguments[1] if isinstance(arguments[1], list) else [arguments[1]]
    if name not in SEARCHED or not values or not all(isinstance(value, str) for value in values):
        return None
    merged = np.union1d if operator in ("a_overlaps", "in") else np.intersect1d
    return reduce(merged, (having(name, value) for value in values))
