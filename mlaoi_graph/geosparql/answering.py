"""A query that speaks of geometry, from its text to its answer."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache, reduce
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np
import pyoxigraph as ox

from mlaoi_graph.errors import GeometryError, QueryError
from mlaoi_graph.geo.literals import CRS84, WKT, boxes, check_constant, crs_of, geometry
from mlaoi_graph.geo.mapped import Array
from mlaoi_graph.geosparql.functions import FUNCTIONS, RELATIONS, Calls
from mlaoi_graph.geosparql.rewrite import Place, insert, places_for_values, spell_out, why_no_place
from mlaoi_graph.geosparql.syntax import Query, Span
from mlaoi_graph.results import Answer, IndexUse, answer
from mlaoi_graph.stores.oxigraph import OxigraphStore
from mlaoi_graph.stores.sparql import SparqlStore
from mlaoi_graph.tokens import Doubt
from mlaoi_graph.vocab import GEO, PREFIXES

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from mlaoi_graph.stores import Results, Scope, Store, Term

__all__ = ["FootprintIndex", "query"]

_LOG: Final = logging.getLogger("mlaoi_graph.geosparql")
_PROPERTY: Final = re.compile(r"(?:geo:|ont/geosparql#)((?:sf|eh|rcc8)\w+)")
_NEAR: Final = 1e-9
"""Degrees by which engines may differ in what touches."""
_FEW: Final = 100
"""Candidates that cost nothing worth counting rows for."""
_MOST: Final = 200_000
"""Candidates handed over: some 2 KB of memory each."""
_SHARE: Final = 4
"""Of all geometries, one in so many may be a candidate: each takes as long as looking at three without the index."""


class FootprintIndex(Protocol):
    """What finds geometries by place."""

    def near(self, geometry: BaseGeometry) -> Array:
        """Return the rows, in order, of every WKT of the graph that may share a point with a CRS84 geometry.

        More is harmless, less is not.
        """

    def wkts(self, rows: Array) -> list[str]:
        """Return the WKT of rows exactly as it is stored."""

    def __len__(self) -> int:
        """Return how many geometries there are."""


def _no_index() -> None:
    return None


def query(
    store: Store,
    sparql: str,
    values: Mapping[str, str | Term],
    index: Callable[[], FootprintIndex | None] = _no_index,
    scope: Scope | None = None,
) -> Answer:
    """Run a query that may speak of geometry; ``index`` is called if it can help.

    The answer says in ``index`` whether it did; so does the log, which for ASK is the only place. A server is asked if
    it has the functions, without the index; else a copy of what it holds, in memory.

    Raises QueryError for what cannot be answered, also while rows are read; MissingExtra.
    """
    text, use = sparql, IndexUse(False, "")
    relations = True
    if isinstance(store, SparqlStore):
        store = _computing(store, sparql, values)
    try:
        parsed = _spelled_out(store, sparql, values)
        text = parsed.text
        relations = _has_other_crs(parsed, values)
        narrowed, use = _narrowed(store, parsed, values, index if store.local else _no_index)
    except Doubt as doubt:
        narrowed, use = text, IndexUse(False, str(doubt))
    if relations and not store.local:
        raise QueryError(
            "a geometry in another CRS may come up, and the store that answers is not known to move it. Write CRS84"
        )
    calls = Calls(relations=relations)
    called = calls.called_in(text)  # the literals that narrow it down call none, and may be a hundred times as long

    def run(text: str) -> Results:
        return store.query(
            text,
            substitutions=values,
            prefixes=PREFIXES,
            scope=scope,
            functions=called,
            aggregates=calls.aggregates,
        )

    try:
        found = run(narrowed)
    except QueryError:
        if narrowed == text:
            raise
        # What cannot be parsed any more is asked as it was.
        use = IndexUse(False, "the narrowed query is not accepted")
        found = run(text)
    _LOG.info("footprint index %s: %s", "used" if use.used else "not used", use.reason)
    return answer(found, check=_checked(calls), index=use)


def _computing(store: SparqlStore, sparql: str, values: Mapping[str, str | Term]) -> Store:
    """Return what can compute a query as it is meant here: the server if it is known to, else a copy in memory.

    Servers that have the relations of GeoSPARQL are trusted with those between geometries in CRS84, and no more.
    """
    try:
        parsed = Query(sparql, PREFIXES)
        theirs = not _has_other_crs(parsed, values)
    except Doubt:
        return store.copied()
    calls = Calls(relations=False)
    ours = {*calls.functions, *calls.aggregates}
    theirs &= all(parsed.iri(token) not in ours for token in parsed.tokens)
    return store if theirs and store.computes() else store.copied()


def _spelled_out(store: Store, sparql: str, values: Mapping[str, str | Term]) -> Query:
    try:
        parsed = Query(sparql, PREFIXES)
        text = spell_out(parsed, values, lambda iri: _wkt_of(store, iri))
    except Doubt as doubt:
        found = _PROPERTY.search(sparql)
        if found:
            raise QueryError(
                f"geo:{found[1]} between features cannot be written out, for {doubt}. Use geof:{found[1]} on geometries"
            ) from None
        raise
    return parsed if text == sparql else Query(text, PREFIXES)


def _wkt_of(store: Store, feature: str) -> list[ox.Literal]:
    geometries = {quad.object for quad in store.match(feature, GEO.hasDefaultGeometry)}
    found = {
        quad.object
        for node in geometries
        if isinstance(node, ox.NamedNode)
        for quad in store.match(node.value, GEO.asWKT)
    }
    return [term for term in found if isinstance(term, ox.Literal)]


def _has_other_crs(parsed: Query, values: Mapping[str, str | Term]) -> bool:
    """Return whether a geometry in another CRS than the stored ones may come up; check the constants on the way.

    Raises QueryError for a constant that cannot be read, or that is text where a geometry belongs.
    """
    other = False
    constants: list[object] = [*values.values()]
    for place, token in enumerate(parsed.tokens):
        if token.kind == "word":
            other |= token.text.upper() == "STRDT"
        elif token.kind in ("iri", "name"):
            name = (parsed.iri(token) or "").removeprefix(FUNCTIONS)
            other |= name == "transform"
        elif token.kind == "string" and parsed[place + 1].kind == "^^":
            constants.append(_value(parsed.prologue, parsed.text_of(Span(place, place + 3))))
        elif token.kind == "string" and parsed[place + 1].kind in (",", ")") and parsed[place - 1].kind in (",", "("):
            opening = place - 1 if parsed[place - 1].kind == "(" else place - 3
            name = (parsed.iri(parsed[opening - 1]) or "").removeprefix(FUNCTIONS)
            if name in RELATIONS:
                raise QueryError(f'geof:{name} is given text. Say that it is a geometry: "..."^^geo:wktLiteral')
    for term in constants:
        if isinstance(term, ox.Literal):
            with _as_query_error():
                check_constant(term)
            other |= crs_of(term) != CRS84
    return other


def _narrowed(
    store: Store, parsed: Query, values: Mapping[str, str | Term], index: Callable[[], FootprintIndex | None]
) -> tuple[str, IndexUse]:
    """Return the text of a query, narrowed down by the index where that may be, and whether it was."""
    places = places_for_values(parsed, values)
    if not places:
        helps = "it helps a filter that demands a relation between a constant and what geo:asWKT gives, in one group"
        return parsed.text, IndexUse(False, f"{why_no_place(parsed, values)}; {helps}")
    footprints = index()
    if footprints is None:
        return parsed.text, IndexUse(False, "there is none of this store")
    found, told = [], []
    for place in places:
        with _as_query_error():
            compared = [geometry(_value(parsed.prologue, constant)) for constant in place.constants]
        shapes = [shape for shape in compared if shape is not None]
        if not shapes:
            told.append(f"what {place.variable} is compared to is no geometry")
            continue
        rows = reduce(np.intersect1d, map(footprints.near, shapes))
        if len(rows) > _MOST:
            told.append(f"{len(rows)} candidates for {place.variable} are too many")
            continue
        # Many rows are not read where the triples themselves say less.
        if len(rows) > _FEW and (bound := _bound(store, parsed, place, values, len(rows))) is not None:
            told.append(f"{place.variable} has fewer values than the {len(rows)} candidates")
            few = _meeting(bound, shapes)
        elif len(rows) > _FEW and len(rows) * _SHARE > len(footprints):
            told.append(
                f"{place.variable} has {len(rows)} candidates among {len(footprints)}: looking at all is as fast"
            )
            continue
        else:
            few = {*footprints.wkts(rows)}
        found.append((place, [str(ox.Literal(wkt, datatype=WKT)) for wkt in sorted(few)]))
        told.append(f"{len(few)} candidates for {place.variable}")
    return insert(parsed, found), IndexUse(bool(found), ", ".join(told))


def _meeting(wkts: set[str], shapes: Iterable[BaseGeometry]) -> set[str]:
    """Return those of some WKT whose box meets that of each shape, and those that have none."""
    every = list(wkts)
    west, south, east, north = boxes(every).T
    apart = np.zeros(len(every), dtype=bool)
    for w, s, e, n in (shape.bounds for shape in shapes):
        apart |= (east < w - _NEAR) | (west > e + _NEAR) | (north < s - _NEAR) | (south > n + _NEAR)
    return {wkt for wkt, away in zip(every, apart.tolist(), strict=True) if not away}


def _bound(store: Store, parsed: Query, place: Place, values: Mapping[str, str | Term], many: int) -> set[str] | None:
    """Return the WKT of all that triples bind a variable to, where they start from what is known; None if it is much.

    They are asked of the whole default graph: what they find in fewer graphs, or with more triples, is among it.
    """
    if place.triples is None:
        return None
    given = {name: value for name, value in values.items() if re.search(rf"[?$]{name}\b", place.triples)}
    names = " ".join(f"?{name}" for name in given)
    sparql = f"{parsed.prologue} SELECT {place.variable} {names} {{ {place.triples} }} LIMIT {many}"
    try:
        found = store.query(sparql, substitutions=given, prefixes=PREFIXES)
        if not isinstance(found, ox.QuerySolutions):
            return None
        rows = [row[place.variable[1:]] for row in found]
    except (QueryError, RuntimeError):
        return None  # told of the whole query, with its position there
    if len(rows) >= many or not all(isinstance(term, ox.Literal) and term.datatype == WKT for term in rows):
        return None
    return {term.value for term in rows if isinstance(term, ox.Literal)}


@lru_cache(maxsize=64)
def _value(prologue: str, expression: str) -> object:
    """Return what an expression without variables stands for; None if nothing, or if it is wrong and the query is too.

    Raises QueryError for what a function refuses.
    """
    calls = Calls(relations=True)
    sparql = f"{prologue} SELECT ({expression} AS ?value) {{}}"
    try:
        found = OxigraphStore().query(sparql, prefixes=PREFIXES, functions=calls.called_in(expression))
        value = next(found)["value"] if isinstance(found, ox.QuerySolutions) else None
    except (QueryError, RuntimeError):
        return None  # told of the whole query, with its position there
    _checked(calls)()
    return value


def _checked(calls: Calls) -> Callable[[], None]:
    def check() -> None:
        try:  # for every row, and a context takes a tenth of its time
            calls.check()
        except GeometryError as error:
            raise QueryError(str(error)) from error

    return check


@contextmanager
def _as_query_error() -> Iterator[None]:
    try:
        yield
    except GeometryError as error:
        raise QueryError(str(error)) from error
