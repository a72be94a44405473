"""A query as text, changed so that GeoSPARQL's property form means something and the footprint index can help.

Two changes, each only where it leaves the answer as it is, and no other character is touched:

* :func:`spell_out`: ``?f geo:sfWithin ?g`` becomes the geometries of both and the function, as GeoSPARQL's query
  rewrite extension has it.
* :func:`places_for_values`: where ``VALUES ?wkt { ... }`` may be put. A filter removes every row in which it is not
  true. So a relation that implies that two shapes meet, one of them a constant, lets rows be narrowed to the stored
  literals whose box meets the constant's as soon as the triples of that group have bound the variable. It is sound
  because what is bound stays bound: whatever comes later in the group (OPTIONAL, MINUS, UNION, BIND) works row by row,
  and the filter stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pyoxigraph as ox

from mlaoi_graph.errors import QueryError
from mlaoi_graph.geosparql.functions import FUNCTIONS, RELATIONS
from mlaoi_graph.geosparql.syntax import Group, Query, Span
from mlaoi_graph.tokens import Doubt
from mlaoi_graph.vocab import GEO

if TYPE_CHECKING:
    from mlaoi_graph.stores import Term

__all__ = ["Place", "insert", "places_for_values", "spell_out", "why_no_place"]

_GEO: Final = GEO.Feature.removesuffix("Feature")
_PROPERTIES: Final = {_GEO + name: name for name in RELATIONS}
_MEETING: Final = {FUNCTIONS + name for name in RELATIONS - {"sfDisjoint", "ehDisjoint", "rcc8dc"}}
"""What is only true of shapes that share a point, and so of shapes whose boxes do."""
_PATH: Final = f"<{GEO.hasDefaultGeometry}>/<{GEO.asWKT}>"
_ENDS: Final = {".", ";", ",", "]", ")", "end"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where ``VALUES`` may narrow a variable down."""

    variable: str
    """As it is written, with its question mark."""
    at: int
    """The place in the text."""
    constants: tuple[str, ...]
    """Expressions without variables; the shape of each is met by what the variable stands for."""
    triples: str | None
    """The triples that bind the variable, if one of them is of a known subject: they may have few rows as they are."""


# -- the property form ---------------------------------------------------------------------------------------------


def spell_out(query: Query, values: Mapping[str, str | Term], wkt_of: Callable[[str], list[ox.Literal]]) -> str:
    """Return the text of a query with each ``?f geo:sfWithin ?g`` written out by geometries and function.

    ``wkt_of`` gives the WKT of a feature; where it is one, it takes the place of the variable in the function, so that
    the index can help. Raises QueryError for a place where it cannot be written out: there it would find nothing.
    """
    changes: list[tuple[int, int, str]] = []
    for group, span in ((each, span) for each in query.groups() for span in each.triples):
        given = _given(group, values)
        triples, filters = "", ""
        for place in range(span.start, span.end):
            name = _PROPERTIES.get(query.iri(query[place]) or "")
            if name is None or _is_no_verb(query, span, place):
                continue
            _refuse_other_forms(query, span, place, name, given)
            after = query[place + 1]
            mine, theirs = _fresh(query, 2 * place), _fresh(query, 2 * place + 1)
            arguments = [
                _known(query, at, given, wkt_of) or variable
                for at, variable in ((_subject(query, span, place), mine), (place + 1, theirs))
            ]
            changes.append((query[place].start, after.end, f"{_PATH} {mine}"))
            triples += f"{after.text} {_PATH} {theirs} . "
            filters += f"FILTER(<{FUNCTIONS}{name}>({', '.join(arguments)})) "
        if triples:
            last = query[span.end - 1]
            changes.append((last.end, last.end, f"{' ' if last.kind == '.' else ' . '}{triples}{filters}"))
    return _changed(query.text, changes)


def _refuse_other_forms(query: Query, span: Span, place: int, name: str, values: Mapping[str, str | Term]) -> None:
    """Raise QueryError if a relation is not a plain verb with one thing on either side."""
    if query.selects_everything:
        raise QueryError(f"geo:{name} between features needs helping variables. Name those of the answer, not *")
    after, end = query[place + 1], query[place + 2]
    if (
        query[place - 1].kind in _PATH_MARKS
        or after.kind not in ("variable", "iri", "name")
        or isinstance(values.get(after.text[1:]), ox.Literal)
        or (place + 2 < span.end and end.kind not in (".", ";", "]"))
    ):
        raise QueryError(
            f"geo:{name} is understood with one thing on either side, as in ?f geo:{name} ?g. Write it so, "
            f"or use geof:{name} on the geometries"
        )


_PATH_MARKS: Final = {"/", "|", "^", "!", "("}


def _is_no_verb(query: Query, span: Span, place: int) -> bool:
    """Return whether an IRI in triples is what is spoken of: a subject, or an object."""
    is_subject = place == span.start or query[place - 1].kind == "."
    return (
        is_subject
        or place + 1 == span.end
        or (query[place + 1].kind in _ENDS and query[place - 1].kind not in _PATH_MARKS)
    )


def _subject(query: Query, span: Span, place: int) -> int | None:
    """Return the place of the subject of a verb, if it is the token before and a whole subject."""
    start = place - 1
    return start if start == span.start or (start > span.start and query[start - 1].kind == ".") else None


def _known(
    query: Query, place: int | None, values: Mapping[str, str | Term], wkt_of: Callable[[str], list[ox.Literal]]
) -> str | None:
    if place is None:
        return None
    token = query[place]
    iri = values.get(token.text[1:]) if token.kind == "variable" else query.iri(token)
    found = wkt_of(iri) if isinstance(iri, str) else []
    return str(found[0]) if len(found) == 1 else None


def _fresh(query: Query, number: int) -> str:
    name = f"?wkt{number}"
    while name[1:] in query.text:
        name += "_"
    return name


# -- the index -----------------------------------------------------------------------------------------------------


def places_for_values(query: Query, values: Mapping[str, str | Term]) -> list[Place]:
    """Return where a query's variables may be narrowed down to stored literals that meet a constant.

    ``values`` are variables that are given a value before the query runs. Raises Doubt.
    """
    if any(token.kind == "blank" for token in query.tokens):
        raise Doubt("blank-node labels may span what VALUES would part")
    places: list[Place] = []
    for group in query.groups():
        if group.correlated:
            continue  # asked row by row from outside, where few literals are bound already
        given = _given(group, values)
        found: dict[tuple[str, Span], list[str]] = {}
        for span in group.filters:
            for part in query.conjuncts(span):
                narrowed = _narrowed(query, group, given, part)
                if narrowed is None:
                    continue
                variable, constant = narrowed
                if variable[1:] in values:
                    continue
                for triples in group.triples:
                    if _binds(query, triples, variable):
                        found.setdefault((variable, triples), []).append(constant)
                        break
        for (variable, triples), constants in found.items():
            known = query.text_of(triples) if _has_known_subject(query, triples, given) else None
            places.append(Place(variable, query[triples.end - 1].end, tuple(constants), known))
    return places


def why_no_place(query: Query, values: Mapping[str, str | Term]) -> str:
    """Return which rules did not hold where :func:`places_for_values` finds nothing, in words."""
    found: dict[str, None] = {}
    for group in query.groups():
        given = _given(group, values)
        for span in group.filters:
            if not _asks(query, span):
                continue
            if group.correlated:
                found["a filter under OPTIONAL, MINUS or EXISTS is asked row by row"] = None
                continue
            parts = [part for part in query.conjuncts(span) if _asks(query, part)]
            found.update(dict.fromkeys(_why_not(query, group, given, values, part) for part in parts))
            if not parts:
                found["beside an alternative (||) a relation need not be true"] = None
    if not found:
        is_asked = any(query.iri(token) in _MEETING for token in query.tokens)
        why = "no FILTER demands the relation" if is_asked else "no relation is asked for that makes shapes meet"
        found[why] = None
    return "; ".join(found)


def _why_not(
    query: Query, group: Group, given: Mapping[str, str | Term], values: Mapping[str, str | Term], part: Span
) -> str:
    narrowed = _narrowed(query, group, given, part)
    if narrowed is None:
        call = query.call(part)
        if call is not None and call[0] in _MEETING:
            return "neither side of the relation is a constant, or neither a variable alone"
        return "the relation is negated" if query[part.start].kind == "!" else "the relation is part of an expression"
    variable = narrowed[0]
    if variable[1:] in values:
        return f"{variable} is given"
    names = {token.text[1:] for span in group.triples for token in query.tokens_of(span) if token.kind == "variable"}
    if variable[1:] in names:
        return f"no triple beside the filter has geo:asWKT itself before {variable}"
    return f"the triples of {variable} do not stand beside the filter, but in UNION, OPTIONAL, GRAPH or other braces"


def _asks(query: Query, span: Span) -> bool:
    """Return whether there is a relation in a span, but for the groups in it, that only shapes have which meet."""
    place = span.start
    while place < span.end:
        if query.iri(query[place]) in _MEETING:
            return True
        place = query.closing(place) + 1 if query[place].kind == "{" else place + 1
    return False


def _narrowed(query: Query, group: Group, values: Mapping[str, str | Term], part: Span) -> tuple[str, str] | None:
    """Return the variable and the constant of a relation, if that is what an expression is."""
    call = query.call(part)
    if call is None or call[0] not in _MEETING or len(call[1]) != 2:
        return None
    first, second = call[1]
    for one, other in ((first, second), (second, first)):
        if one.end - one.start == 1 and query[one.start].kind == "variable":
            constant = _constant(query, group, values, other)
            if constant is not None:
                return query.text_of(one), constant
    return None


def _constant(query: Query, group: Group, values: Mapping[str, str | Term], span: Span) -> str | None:
    tokens = query.tokens_of(span)
    if len(tokens) == 1 and tokens[0].kind == "variable":
        given, bound = values.get(tokens[0].text[1:]), group.bindings.get(tokens[0].text[1:])
        if isinstance(given, ox.Literal):
            return str(given)
        return None if bound is None else _constant(query, Group(), values, bound)
    if not tokens or any(token.kind in ("variable", "word", "blank", "{") for token in tokens):
        return None  # RAND() and its like are words
    return query.text_of(span)


def _binds(query: Query, span: Span, variable: str) -> bool:
    """Return whether triples have a variable as the object of geo:asWKT, or of a path that ends in it."""
    return any(
        query.iri(query[place]) == GEO.asWKT
        and query[place + 1].kind == "variable"
        and query[place + 1].text[1:] == variable[1:]
        and _is_plain_verb(query, span, place)
        for place in range(span.start + 1, span.end - 1)
    )


def _given(group: Group, values: Mapping[str, str | Term]) -> Mapping[str, str | Term]:
    """Return the values of variables that are given one in a group: a subquery may have others by the same name."""
    return {name: value for name, value in values.items() if group.shared is None or name in group.shared}


def _has_known_subject(query: Query, span: Span, values: Mapping[str, str | Term]) -> bool:
    first = [query[part.start] for part in query.split(span, ".") if part]
    return any(query.iri(t) is not None or (t.kind == "variable" and t.text[1:] in values) for t in first)


def _is_plain_verb(query: Query, span: Span, place: int) -> bool:
    """Return whether an IRI is a verb, or the last step of a verb that is a sequence of single steps."""
    place -= 1
    while place > span.start and query[place].kind == "/":
        place -= 1
        if query[place].kind in ("*", "+", "?"):
            place -= 1
        if query.iri(query[place]) is None and query[place].text != "a":
            return False
        place -= 1
        if query[place].kind == "^":
            place -= 1
    if place < span.start:
        return False
    before = query[place]
    if before.kind == "name" or before.kind == "iri":
        return True
    return before.kind in ("variable", "]", ";", "[") or (before.kind == ")" and place > span.start)


def insert(query: Query, found: Iterable[tuple[Place, list[str]]]) -> str:
    """Return the text of a query with VALUES at places: the literals given for each."""
    return _changed(
        query.text,
        [(place.at, place.at, f" VALUES {place.variable} {{ {' '.join(literals)} }} ") for place, literals in found],
    )


def _changed(text: str, changes: list[tuple[int, int, str]]) -> str:
    pieces, done = [], 0
    # At one place, what was found first comes first.
    for start, end, new in sorted(changes, key=lambda change: change[:2]):
        pieces += [text[done:start], new]
        done = end
    return "".join([*pieces, text[done:]])
