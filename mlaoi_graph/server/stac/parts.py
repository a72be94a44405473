"""A model's item in parts, as text: collections show the same item elsewhere, and no page has to be parsed for that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

import orjson

__all__ = ["members", "place_of", "put_together", "take_apart"]

_OF_PLACE: Final = ("geometry", "bbox")
_OF_TIME: Final = ("datetime", "start_datetime", "end_datetime")
_OWN_LINKS: Final = ("self", "parent", "collection")
_DECLARED: Final = "lineage:declared_area"


def take_apart(item: Mapping[str, Any]) -> bytes:
    """Return the parts of an item, a line each: JSON as it is written here has no line ends."""
    properties = dict(item["properties"])
    place = {name: item[name] for name in _OF_PLACE if name in item}
    times = {name: properties.pop(name) for name in _OF_TIME}
    declared = {name: properties.pop(name) for name in (_DECLARED,) if name in properties}
    rest = {k: v for k, v in item.items() if k not in (*_OF_PLACE, "properties", "links", "collection")}
    links = [link for link in item["links"] if link["rel"] not in _OWN_LINKS]
    lines = (rest, place, times, declared, properties)
    return b"\n".join([quote(item["id"], safe="").encode(), *map(members, lines), orjson.dumps(links)[1:-1]])


def place_of(place: Mapping[str, Any], times: Mapping[str, Any]) -> bytes:
    """Return where and when an item is in a collection, for :func:`put_together`."""
    return members(place) + b"\n" + members(times)


def put_together(
    parts: bytes, collection: str, api: str, where: bytes | None = None, *, declared: bool = True
) -> bytes:
    """Return an item of a collection as JSON.

    ``where`` is another place than its own. ``declared`` has to be false where what is declared would be read as being
    where the item is. ``api`` is the address of the STAC API, as JSON has it in a string.

    >>> times = {"datetime": None, "start_datetime": "2020-01-01T00:00:00Z", "end_datetime": "2021-01-01T00:00:00Z"}
    >>> model = {"type": "Feature", "id": "m", "geometry": None, "properties": times}
    >>> parts = take_apart({**model, "links": [{"rel": "root", "href": "x"}]})
    >>> item = orjson.loads(put_together(parts, "models-tested", "https://e.org/stac", b'"geometry":1\\n"datetime":2'))
    >>> item["geometry"], item["properties"], [link["rel"] for link in item["links"]]
    (1, {'datetime': 2}, ['self', 'parent', 'collection', 'canonical', 'root'])
    """
    name, rest, place, times, area, properties, links = parts.split(b"\n")
    if where is not None:
        place, times = where.split(b"\n")
    above = f"{api}/collections/{quote(collection, safe='')}".encode()
    here = b'"%b/items/%b","type":"application/geo+json"}' % (above, name)
    own = [
        b'{"rel":"self","href":' + here,
        b'{"rel":"parent","href":"%b","type":"application/json"}' % above,
        b'{"rel":"collection","href":"%b","type":"application/json"}' % above,
    ]
    if collection != "models":
        model = b'"%b/collections/models/items/%b","type":"application/geo+json"}' % (api.encode(), name)
        own.append(b'{"rel":"canonical","href":' + model)
    said = b",".join(filter(None, (properties, area if declared else b"", times)))
    return b'{%b,"collection":%b,%b,"properties":{%b},"links":[%b]}' % (
        rest, orjson.dumps(collection), place, said, b",".join(filter(None, (*own, links))),
    )  # fmt: skip


def members(found: Mapping[str, Any]) -> bytes:
    """Return an object as JSON, without its braces."""
    return orjson.dumps(found)[1:-1]
