"""What a client of the STAC API asks for: read from a query string or a JSON body, checked, refused with a reason."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import unquote_plus, urlencode

import orjson
from shapely.geometry.base import BaseGeometry

from mlaoi_graph.footprints import OPEN_END, OPEN_START
from mlaoi_graph.server.reply import Refusal
from mlaoi_graph.server.stac import area
from mlaoi_graph.server.stac.filter import DEEPEST, Filter, Queryables, levels
from mlaoi_graph.server.stac.seen import BANDS, term

__all__ = ["LARGEST_PAGE", "Direction", "Fields", "Query", "Token", "next_link", "read"]

LARGEST_PAGE: Final = 1000
"""Items a page has at most; who asks for more gets this many (OGC API Features, 7.15.2)."""
_PAGE: Final = 100
_TIME: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d):(\d\d)(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)  # fmt: skip
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NAME: Final = re.compile(r"[^,]+")
_TERM: Final = re.compile(r'(?:"[^"]*"|[^,])+')
_LISTS: Final = frozenset({"collections", "ids", "q"})
_KNOWN: Final = frozenset(
    {
        "bbox", "bbox-crs", "datetime", "intersects", "ids", "collections", "limit", "token", "filter", "filter-lang",
        "filter-crs", "sortby", "fields", "q", "conf",
    }
)  # fmt: skip
_CRS84: Final = frozenset(
    f"{scheme}://www.opengis.net/def/crs/OGC/{version}/CRS84"
    for scheme in ("http", "https")
    for version in ("1.3", "0")
)


@dataclass(frozen=True, slots=True)
class Direction:
    """A property to sort by."""

    field: str
    descending: bool


@dataclass(frozen=True, slots=True)
class Fields:
    """Which fields of an item are wanted, as paths."""

    include: tuple[str, ...]
    exclude: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Token:
    """Where the page before ended: the last item's sort values, the collection it was found in, and its key there."""

    values: tuple[Any, ...]
    shelf: str
    key: str


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked for."""

    limit: int = _PAGE
    place: BaseGeometry | None = None
    time: tuple[int, int] | None = None
    """First and last microsecond since 1970."""
    ids: tuple[str, ...] | None = None
    collections: tuple[str, ...] | None = None
    filter: Filter | None = None
    words: tuple[str, ...] = ()
    """Free text: one of these terms (:func:`~.seen.term`) is enough."""
    sortby: tuple[Direction, ...] = ()
    fields: Fields | None = None
    token: Token | None = None
    given: Mapping[str, Any] | None = None
    """The parameters as they were given, without the token."""
    notes: tuple[str, ...] = ()
    """What was mended."""

    @property
    def sifts(self) -> bool:
        """Whether the filter can only be answered by looking into every document."""
        return self.filter is not None and not self.filter.is_exact

    @property
    def speaks(self) -> bool:
        """Whether words or bands are asked for."""
        return bool(self.words) or (self.filter is not None and BANDS in self.filter.names)

    def next_token(self, values: tuple[Any, ...], shelf: str, key: str) -> str:
        """Return the token of the page that begins after an item."""
        body = orjson.dumps([list(values), shelf, key])
        return base64.urlsafe_b64encode(_sealed(self.given, body) + body).decode().rstrip("=")


def read(
    text: bytes, *, is_body: bool, names: Queryables, nesting: int, fixed: Mapping[str, Any] | None = None
) -> Query:
    """Return the query in a query string or a JSON body.

    ``names`` are the queryables, ``fixed`` is what the path says. Raises Refusal with 400 for what
    the specifications do not allow.
    """
    given = _body(text, nesting) if is_body else _query_string(text)
    for name in ("bbox", *_LISTS):
        if is_body and isinstance(given.get(name), str):
            raise _wrong(name, "a list in a body; text with commas is for query strings")
    token = given.pop("token", None)
    given |= fixed or {}
    if given.get("bbox") not in (None, "", []) and given.get("intersects") not in (None, ""):
        raise _wrong("intersects", "bbox and intersects exclude each other. Give one")
    for name in ("bbox-crs", "filter-crs"):
        if given.get(name) not in (None, *_CRS84):
            raise _wrong(name, "coordinates are in http://www.opengis.net/def/crs/OGC/1.3/CRS84 only")
    place: BaseGeometry | None = None
    mended: tuple[str, ...] = ()
    if given.get("bbox") not in (None, "", []) or given.get("intersects") not in (None, ""):
        place, mended = _place(given, nesting)
    condition = _filter(given, names, nesting, default="cql2-json" if is_body else "cql2-text")
    words = tuple(term(text) for text in _texts(given, "q") or () if text.strip())
    if not all(words):
        raise _wrong("q", "nothing to look for is in it: give words, or a phrase in quotation marks")
    return Query(
        limit=_limit(given.get("limit")),
        place=place,
        time=_datetime(given["datetime"]) if given.get("datetime") not in (None, "") else None,
        ids=_texts(given, "ids"),
        collections=_texts(given, "collections"),
        filter=condition,
        notes=tuple(dict.fromkeys((*mended, *(() if condition is None else condition.notes)))),
        words=words,
        sortby=_sortby(given.get("sortby"), names),
        fields=_fields(given.get("fields")),
        token=None if token in (None, "") else _token(token, given),
        given=given,
    )


def next_link(url: str, query: Query, token: str, *, is_body: bool) -> dict[str, Any]:
    """Return the link to the next page."""
    given = dict(query.given or {})
    link = {"rel": "next", "type": "application/geo+json", "title": "Next page"}
    if is_body:
        return link | {"href": url, "method": "POST", "merge": False, "body": given | {"token": token}}
    flat = {name: value if isinstance(value, str) else ",".join(value) for name, value in given.items()}
    return link | {"href": f"{url}?{urlencode(flat | {'token': token})}", "method": "GET"}


def _wrong(name: str, reason: str) -> Refusal:
    return Refusal(400, "parameters", f"{name}: {reason}", parameter=name)


def _query_string(text: bytes) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for pair in text.split(b"&"):
        if not pair:
            continue
        name, _, value = pair.partition(b"=")
        try:
            key, said = (unquote_plus(part.decode("ascii"), errors="strict") for part in (name, value))
        except UnicodeDecodeError:
            raise Refusal(400, "parameters", "the query string is not percent-encoded UTF-8") from None
        if key not in _KNOWN:
            raise _wrong(key, f"no such parameter. There are: {', '.join(sorted(_KNOWN))}")
        if key in found and key in _LISTS:
            found[key] += f",{said}"
        elif key in found:
            raise _wrong(key, "given twice")
        else:
            found[key] = said
    return found


def _json(text: bytes | str, nesting: int) -> Any:
    """Return the value of JSON that is nested so deeply at most. Raises ValueError that says what is wrong."""
    found = orjson.loads(text)
    deepest, most = levels(found), min(nesting, DEEPEST)
    if deepest > most:
        raise ValueError(f"nested {deepest} deep, and {most} is the most. Ask more simply")
    return found


def _body(text: bytes, nesting: int) -> dict[str, Any]:
    try:
        found = _json(text, nesting)
    except ValueError as error:
        raise Refusal(400, "json", f"the body cannot be read as JSON: {error}") from None
    if not isinstance(found, dict):
        raise Refusal(400, "json", 'the body is an object of parameters, as {"limit": 10}')
    for key in found:
        if key not in _KNOWN:
            raise _wrong(key, f"no such parameter. There are: {', '.join(sorted(_KNOWN))}")
    return found


def _texts(given: Mapping[str, Any], name: str) -> tuple[str, ...] | None:
    value = given.get(name)
    if value is None or value in ("", []):
        return None
    parted = _TERM.findall if name == "q" else _NAME.findall
    listed = parted(value) if isinstance(value, str) else value
    if not isinstance(listed, list) or not all(isinstance(entry, str) for entry in listed):
        raise _wrong(name, "a list of strings")
    return tuple(dict.fromkeys(entry for entry in listed if entry)) or None


def _limit(value: Any) -> int:
    if value in (None, ""):
        return _PAGE
    text = str(int(value) if isinstance(value, float) and value.is_integer() else value)
    if not re.fullmatch(r"0*[1-9][0-9]*", text):
        raise _wrong("limit", f"a whole number from 1; more than {LARGEST_PAGE} gives {LARGEST_PAGE}")
    digits = text.lstrip("0")  # more than Python would read are more than a page has
    return LARGEST_PAGE if len(digits) > len(str(LARGEST_PAGE)) else min(int(digits), LARGEST_PAGE)


def _place(given: Mapping[str, Any], nesting: int) -> area.Read:
    """Return the place that is asked about. Of a box in a query string the numbers are text."""
    name = "bbox" if given.get("bbox") not in (None, "", []) else "intersects"
    value = given[name]
    try:
        if name == "bbox":
            return area.box(value.split(",") if isinstance(value, str) else value)
        return area.geometry(_json(value, nesting) if isinstance(value, str) else value)
    except ValueError as error:
        raise _wrong(name, str(error)) from None


def _datetime(value: Any) -> tuple[int, int]:
    sides = value.split("/") if isinstance(value, str) else []
    if len(sides) not in (1, 2) or all(side in ("", "..") for side in sides):
        raise _wrong("datetime", "an instant, or two with a slash between them; one side may be open (..)")
    first = OPEN_START if sides[0] in ("", "..") else _instant(sides[0])
    last = OPEN_END if sides[-1] in ("", "..") else _instant(sides[-1])
    if first > last:
        raise _wrong("datetime", "the first instant is after the last. Give the earlier first")
    return int(first), int(last)


def _instant(text: str) -> int:
    found = _TIME.fullmatch(text)
    try:
        if found is None:
            raise ValueError
        day, minute, second, fraction, zone = found.groups()
        leap = second == "60"
        made = datetime.fromisoformat(f"{day}T{minute}:{'59' if leap else second}{zone.upper()}")
        microseconds = 999_999 if leap else int(((fraction or ".") + "000000")[1:7])
        return (made + timedelta(microseconds=microseconds) - _EPOCH) // timedelta(microseconds=1)
    except (ValueError, OverflowError):
        raise _wrong("datetime", f"{text[:50]!r} is no instant of RFC 3339, as 2020-06-30T00:00:00Z") from None


def _filter(given: Mapping[str, Any], names: Queryables, nesting: int, *, default: str) -> Filter | None:
    value = given.get("filter")
    if value in (None, ""):
        return None
    language = given.get("filter-lang") or default
    if language not in ("cql2-text", "cql2-json"):
        raise _wrong("filter-lang", "cql2-text or cql2-json")
    if language == "cql2-json" and isinstance(value, str):
        try:
            value = _json(value, nesting)
        except ValueError as error:
            raise _wrong("filter", f"cannot be read as JSON: {error}") from None
    if (language == "cql2-text") is not isinstance(value, str):
        raise _wrong("filter", f"not {language}. Say with filter-lang which it is")
    return Filter.parsed(value, names, nesting)


def _sortby(value: Any, names: Queryables) -> tuple[Direction, ...]:
    if value in (None, "", []):
        return ()
    found = []
    for entry in value.split(",") if isinstance(value, str) else value if isinstance(value, list) else [value]:
        if isinstance(entry, str):
            entry = {"field": entry.lstrip("+- "), "direction": "desc" if entry.startswith("-") else "asc"}
        field = entry.get("field") if isinstance(entry, dict) else None
        if not isinstance(field, str) or entry.get("direction", "asc") not in ("asc", "desc"):
            raise _wrong("sortby", 'fields, each with - before it for descending; or {"field", "direction"}')
        name = field.removeprefix("properties.")
        if name not in names or name == "geometry":
            raise _wrong("sortby", f"{field[:100]!r} is no queryable. See /stac/queryables")
        found.append(Direction(name, entry.get("direction") == "desc"))
    return tuple(found)


def _fields(value: Any) -> Fields | None:
    if value in (None, "", {}):
        return None
    if isinstance(value, str):
        listed = [entry.strip() for entry in value.split(",") if entry.strip()]
        excluded = [entry[1:] for entry in listed if entry.startswith("-")]
        value = {"include": [e.lstrip("+") for e in listed if not e.startswith("-")], "exclude": excluded}
    if not isinstance(value, dict):
        raise _wrong("fields", '{"include": [...], "exclude": [...]}, or names with - before those to leave out')
    return Fields(_texts(value, "include") or (), _texts(value, "exclude") or ())


def _sealed(given: Mapping[str, Any] | None, body: bytes) -> bytes:
    """Return a check sum over a token and the query it is of: it works with the query that gave it, and no other."""
    asked = {name: value for name, value in (given or {}).items() if name not in ("limit", "fields")}
    return hashlib.blake2b(orjson.dumps(asked, option=orjson.OPT_SORT_KEYS) + b"\0" + body, digest_size=9).digest()


def _token(text: Any, given: Mapping[str, Any]) -> Token:
    try:
        raw = base64.urlsafe_b64decode(f"{text}{'=' * (-len(text) % 4)}".encode("ascii"))
        if _sealed(given, raw[9:]) != raw[:9]:
            raise ValueError
        values, shelf, key = orjson.loads(raw[9:])
        return Token(tuple(values), str(shelf), str(key))
    except (ValueError, TypeError, binascii.Error):
        reason = 'not one this server gave for this query. Follow the link "next", or start without a token'
        raise _wrong("token", reason) from None
