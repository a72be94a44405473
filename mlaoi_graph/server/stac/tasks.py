"""What workers do for the STAC API."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import orjson

import mlaoi_graph
from mlaoi_graph.geo.mapped import Array
from mlaoi_graph.server.reply import Refusal, Reply
from mlaoi_graph.server.stac import about
from mlaoi_graph.server.stac.parts import members
from mlaoi_graph.server.stac.query import Direction, Fields, Query, Token, next_link, read
from mlaoi_graph.server.stac.seen import RESOLVED, is_resolved, spoken, view
from mlaoi_graph.server.stac.shelves import DATA, ROLES, UNKNOWN, Holdings, Shelf
from mlaoi_graph.server.worker import Context

__all__ = [
    "collection",
    "collections",
    "conformance",
    "holdings",
    "item",
    "landing",
    "openapi",
    "queryables",
    "schema",
    "search",
    "warm",
]

_GEOJSON: Final = "application/geo+json"
_JSON: Final = "application/json"
_LAST: Final = 2**31 - 1
_SIFTED: Final = 64
"""Documents that are looked into at a time."""
_ALWAYS: Final = frozenset({"type", "id", "collection", "stac_version"})
"""Fields of an item that cannot be left out: without them it is none."""


def landing(context: Context, *, site: str) -> Reply:
    """Return the landing page."""
    return _answer(about.landing(site, mlaoi_graph.__version__))


def conformance(context: Context) -> Reply:
    """Return what the API conforms to."""
    return _answer({"conformsTo": list(about.CONFORMS_TO)})


def openapi(context: Context, *, site: str) -> Reply:
    """Return the OpenAPI description."""
    described = about.openapi(site, mlaoi_graph.__version__)
    return _answer(described, "application/vnd.oai.openapi+json;version=3.0")


def schema(context: Context) -> Reply:
    """Return the JSON schema of the Lineage extension."""
    return Reply(200, "application/schema+json", about.schema())


def queryables(context: Context, *, site: str, collection: str | None) -> Reply:
    """Return what filters and sorting may name."""
    if collection is not None:
        holdings(context).collections.named(collection, site)
    path = "queryables" if collection is None else f"collections/{about.quoted(collection)}/queryables"
    return _answer(about.queryables(f"{site}stac/{path}"), "application/schema+json")


def collections(context: Context, *, site: str, parameters: bytes) -> Reply:
    """Return a page of the collections that a search finds; all, without one."""
    query = read(parameters, is_body=False, names=about.COLLECTION_NAMES, nesting=context.bounds.nesting)
    held = holdings(context)
    url = f"{site}stac/collections"
    page = _page([held.collections], query, site)
    links = [_link("root", f"{site}stac"), _link("parent", f"{site}stac"), _link("self", _asked(url, parameters))]
    if page.token is not None:
        links.append(next_link(url, query, page.token, is_body=False) | {"type": _JSON})
    return _listing("collections", page, query, {"links": links}, _JSON)


def collection(context: Context, *, site: str, name: str) -> Reply:
    """Return a collection."""
    return Reply(200, _JSON, holdings(context).collections.named(name, site))


def item(context: Context, *, site: str, collection: str, name: str) -> Reply:
    """Return an item."""
    held = holdings(context)
    held.collections.named(collection, site)
    shelf = held.shelf(collection)
    found = None if shelf is None else shelf.find(Query(ids=(name,)))
    if shelf is None or found is None or not len(found):
        raise Refusal(404, "not-found", f"there is no item {name!r} in the collection {collection!r}")
    return Reply(200, _GEOJSON, shelf.documents([int(found[0])], site)[0])


def search(context: Context, *, site: str, parameters: bytes, is_body: bool, collection: str | None = None) -> Reply:
    """Return a page of the items that a search finds, or of those of a collection."""
    held = holdings(context)
    fixed: dict[str, Any] = {}
    path = "search"
    if collection is not None:
        held.collections.named(collection, site)
        fixed = {"collections": [collection]}
        path = f"collections/{about.quoted(collection)}/items"
    names = about.NAMES
    query = read(parameters, is_body=is_body, names=names, nesting=context.bounds.nesting, fixed=fixed)
    url = f"{site}stac/{path}"
    page = _page(held.shelves(query), query, site)
    links = [_link("root", f"{site}stac")]
    if is_body:
        links.append(_link("self", url, _GEOJSON) | {"method": "POST", "body": orjson.loads(parameters)})
    else:
        links.append(_link("self", _asked(url, parameters), _GEOJSON))
    if collection is not None:
        links += [_link(rel, f"{site}stac/collections/{about.quoted(collection)}") for rel in ("collection", "parent")]
    if page.token is not None:
        follow = Query(**{**_slots(query), "given": {k: v for k, v in (query.given or {}).items() if k not in fixed}})
        links.append(next_link(url, follow, page.token, is_body=is_body))
    unknown = _link("related", f"{site}stac/collections/{UNKNOWN}/items", _GEOJSON)
    number = len(held.places.models_of("unknown", None))
    links.append(
        unknown | {"title": f"{number} models whose footprint for some stage is unknown: they may be here too"}
    )
    about_page = {"type": "FeatureCollection", "stac_version": "1.1.0", "links": links}
    return _listing("features", page, query, about_page, _GEOJSON)


def warm(context: Context) -> None:
    """Make the tables that searches need, so that none waits for them."""
    held = holdings(context)
    everything = Query(time=(0, 0))
    for name in (*ROLES, UNKNOWN, DATA):
        shelf = held.shelf(name)
        assert shelf is not None
        shelf.find(everything)


def holdings(context: Context) -> Holdings:
    """Return what the API has of this snapshot."""
    found: Holdings = context.kept("stac", lambda catalog: Holdings(catalog, context.beside))
    return found


# -- pages --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Page:
    documents: list[bytes]
    token: str | None
    matched: int | None


def _page(shelves: Sequence[Shelf], query: Query, site: str) -> _Page:
    if query.sortby:
        return _sorted_page(shelves, query, site)
    at = 0
    if query.token is not None:
        at = _shelf_of(query.token, shelves)
    found: list[tuple[Shelf, int, bytes]] = []
    sifts = [shelf.sifts(query) for shelf in shelves]
    counts = not any(sifts)
    numbers = {place: shelf.find(query) for place, shelf in enumerate(shelves) if place >= at or counts}
    for place, shelf in enumerate(shelves[at:], at):
        start = 0
        if query.token is not None and place == at:
            start = int(np.searchsorted(numbers[place], shelf.after(query.token.key)))
        while start < len(numbers[place]) and len(found) <= query.limit:
            # One more than fits tells whether there is a next page.
            some = numbers[place][start : start + max(query.limit + 1 - len(found), _SIFTED if sifts[place] else 1)]
            start += len(some)
            for number, document in zip(some.tolist(), shelf.documents(some.tolist(), site), strict=True):
                if not sifts[place] or _is_found(orjson.loads(document), query):
                    found.append((shelf, number, document))
    shown = found[: query.limit]
    token = None
    if len(found) > query.limit:
        shelf, number, _ = shown[-1]
        token = query.next_token((), shelf.name, shelf.key(number))
    matched = sum(map(len, numbers.values())) if counts else None
    return _Page([document for _, _, document in shown], token, matched)


def _sorted_page(shelves: Sequence[Shelf], query: Query, site: str) -> _Page:
    last = None
    if query.token is not None:
        place = _shelf_of(query.token, shelves)
        if len(query.token.values) != len(query.sortby):
            raise Refusal(400, "parameters", "token: not one this server gave for this query", parameter="token")
        last = _Rank.of(query.token.values, query.sortby, place, query.token.key)
    rows: list[tuple[_Rank, tuple[Any, ...], Shelf, int]] = []
    matched = 0
    for place, shelf in enumerate(shelves):
        numbers, values, order = _sortable(shelf, query, site)
        matched += len(numbers)

        def rank(at: int) -> _Rank:
            return _Rank.of(values(at), query.sortby, place, shelf.key(int(numbers[at])))  # noqa: B023 - called at once

        start = 0 if last is None else bisect_right(order, last, key=rank)
        # One more than fits tells whether there is a next page.
        rows += [(rank(at), values(at), shelf, int(numbers[at])) for at in order[start : start + query.limit + 1]]
    rows.sort(key=lambda row: row[0])
    shown = rows[: query.limit]
    token = None
    if len(rows) > query.limit:
        _, said, shelf, number = shown[-1]
        token = query.next_token(said, shelf.name, shelf.key(number))
    documents: dict[tuple[int, int], bytes] = {}
    for shelf in shelves:
        mine = [number for _, _, of, number in shown if of is shelf]
        documents |= {(id(shelf), n): d for n, d in zip(mine, shelf.documents(mine, site), strict=True)}
    return _Page([documents[id(shelf), number] for _, _, shelf, number in shown], token, matched)


def _sortable(
    shelf: Shelf, query: Query, site: str
) -> tuple[Sequence[int] | Array, Callable[[int], tuple[Any, ...]], Sequence[int]]:
    """Return what is found on a shelf, the values of one place in that, and the places in order."""
    numbers = shelf.find(query)
    fields = [direction.field for direction in query.sortby]
    sifts = shelf.sifts(query)
    columns = [column for field in fields if not sifts and (column := shelf.column(field)) is not None]
    if len(columns) == len(fields):
        # Values first, of what has none the last; equal ones stay as they are.
        keys = [
            np.where((ranks := column.ranks[numbers]) < 0, _LAST, -ranks if direction.descending else ranks)
            for column, direction in zip(columns, query.sortby, strict=True)
        ]
        order = np.lexsort(keys[::-1])
        return numbers, lambda at: tuple(column.values[numbers[at]] for column in columns), order  # type: ignore[return-value]
    found: list[int] = []
    values: list[tuple[Any, ...]] = []
    for begin in range(0, len(numbers), _SIFTED):
        some = numbers[begin : begin + _SIFTED].tolist()
        for number, text in zip(some, shelf.documents(some, site), strict=True):
            document = orjson.loads(text)
            if not sifts or _is_found(document, query):
                found.append(number)
                values.append(tuple(_value(document, field) for field in fields))
    return found, values.__getitem__, _ordered(values, query.sortby)


def _ordered(values: Sequence[tuple[Any, ...]], sortby: Sequence[Direction]) -> list[int]:
    """Return the places of values in the order of :class:`_Rank`; equal ones stay as they are."""
    order = list(range(len(values)))
    for column, direction in reversed(list(enumerate(sortby))):
        kinds: tuple[list[int], list[int], list[int]] = ([], [], [])
        for at in order:
            value = values[at][column]
            kinds[2 if value is None else int(not isinstance(value, int | float))].append(at)
        for is_text, some in enumerate(kinds[:2]):
            said = {at: str(values[at][column]) if is_text else values[at][column] for at in some}
            some.sort(key=said.__getitem__, reverse=direction.descending)
        order = [*kinds[0], *kinds[1], *kinds[2]]
    return order


def _shelf_of(token: Token, shelves: Sequence[Shelf]) -> int:
    for place, shelf in enumerate(shelves):
        if shelf.name == token.shelf:
            return place
    raise Refusal(400, "parameters", "token: not one this server gave for this query", parameter="token")


@dataclass(frozen=True, slots=True)
class _Rank:
    """How items are ordered: by values, what has none last, then as they are without sorting."""

    parts: tuple[tuple[bool, int, Any, bool], ...]
    rest: tuple[int, str]

    @classmethod
    def of(cls, values: Sequence[Any], sortby: Sequence[Direction], place: int, key: str) -> _Rank:
        """Return the rank of an item."""
        parts = []
        for value, direction in zip(values, sortby, strict=True):
            is_text = not isinstance(value, int | float)
            comparable = str(value) if is_text and value is not None else value
            parts.append((value is None, int(is_text), comparable, direction.descending))
        return cls(tuple(parts), (place, key))

    def __lt__(self, other: _Rank) -> bool:
        for (none, kind, value, descending), (none2, kind2, value2, _) in zip(self.parts, other.parts, strict=True):
            if (none, kind) != (none2, kind2):
                return (none, kind) < (none2, kind2)
            if value != value2:
                return bool(value > value2) if descending else bool(value < value2)
        return self.rest < other.rest


def _is_found(document: Mapping[str, Any], query: Query) -> bool:
    if query.words:
        text = spoken(document)
        if not any(word in text for word in query.words):
            return False
    return query.filter is None or query.filter.matches(view(document, query.filter.names))


def _value(document: Mapping[str, Any], field: str) -> Any:
    if field in ("id", "collection"):
        return document.get(field)
    fields = document["properties"] if document["type"] == "Feature" else document
    value = is_resolved(fields) if field == RESOLVED else fields.get(field)
    if field == "datetime" and value is None:
        value = fields.get("start_datetime")
    return value if isinstance(value, str | int | float | None) else orjson.dumps(value).decode()


def _only(document: dict[str, Any], fields: Fields | None) -> dict[str, Any]:
    """Return the fields of a document that are wanted."""
    if fields is None:
        return document
    is_item = document["type"] == "Feature"
    found: dict[str, Any] = {}
    for name, value in document.items():
        if name == "properties" and is_item:
            inner = {key: v for key, v in value.items() if _wanted(key, fields, below="properties")}
            if inner or (_wanted("properties", fields) and "properties" not in fields.exclude):
                found[name] = inner
        elif name in _ALWAYS or _wanted(name, fields):
            found[name] = value
    return found


def _wanted(name: str, fields: Fields, below: str | None = None) -> bool:
    names = {name} if below is None else {name, f"{below}.{name}"}
    if names & set(fields.exclude) or (below in fields.exclude and not names & set(fields.include)):
        return False
    return not fields.include or bool((names | {below}) & set(fields.include))


def _listing(name: str, page: _Page, query: Query, about_page: dict[str, Any], media_type: str) -> Reply:
    """Return a page as the answer. Documents go in as the text they are."""
    listed = page.documents
    if query.fields is not None:
        listed = [orjson.dumps(_only(orjson.loads(document), query.fields)) for document in listed]
    matched = {} if page.matched is None else {"numberMatched": page.matched}
    if query.notes:
        about_page = about_page | {"notes": list(query.notes)}
    rest = members(about_page | matched | {"numberReturned": len(listed)})
    return Reply(200, media_type, b'{%b,"%b":[%b]}' % (rest, name.encode(), b",".join(listed)))


def _slots(query: Query) -> dict[str, Any]:
    return {name: getattr(query, name) for name in Query.__slots__}


def _asked(url: str, parameters: bytes) -> str:
    """Return the address that was asked. A query string that was read is ASCII."""
    return f"{url}?{parameters.decode('ascii')}" if parameters else url


def _link(rel: str, href: str, media_type: str = _JSON) -> dict[str, Any]:
    return {"rel": rel, "href": href, "type": media_type}


def _answer(value: Any, media_type: str = _JSON) -> Reply:
    return Reply(200, media_type, orjson.dumps(value))
