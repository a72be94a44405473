"""What searches see of a document: the fields a filter names, and the words free text is looked for in."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Set
from typing import Any, Final

import numpy as np
import orjson

from mlaoi_graph.geo.mapped import Array, distinct

__all__ = ["BANDS", "RESOLVED", "Spoken", "bands", "in_reach", "is_resolved", "spoken", "term", "view"]

_WORD: Final = re.compile(r"[^\W_]+")

_LAST: Final = "9999-12-30T21:59:59Z"
"""The last second that the engine of filters knows; what ends later is an error in each comparison."""
_LAST_DAYS: Final = ("9999-12-30", "9999-12-31")
_TIMES: Final = ("datetime", "start_datetime", "end_datetime")
BANDS: Final = "mlm:bands"
"""The queryable that is a list of the names of all bands of ``mlm:input``."""
RESOLVED: Final = "lineage:resolved"
"""The queryable that tells what is described from what is only referred to."""


def view(document: Mapping[str, Any], names: Set[str]) -> dict[str, Any]:
    """Return an item or collection as a filter that names some fields sees it.

    The span of its dates is ``datetime``, bands are a list.
    """
    is_item = document["type"] == "Feature"
    fields = document["properties"] if is_item else document
    seen = {name: fields[name] for name in names if name in fields}
    seen |= {name: in_reach(seen[name]) for name in _TIMES if name in seen}
    if "datetime" in names and is_item and fields.get("datetime") is None:
        seen["datetime"] = {"interval": [in_reach(fields.get(name)) for name in _TIMES[1:]]}
    if RESOLVED in names:
        seen[RESOLVED] = is_resolved(fields)
    if BANDS in names and (listed := bands(fields)):
        seen[BANDS] = listed
    found = {"type": "Feature", "id": document["id"], "collection": document.get("collection"), "properties": seen}
    return found | {"geometry": document.get("geometry") if is_item and "geometry" in names else None}


def in_reach(when: Any) -> Any:
    """Return a time as the engine of filters can compare it: in the last two days of 9999 all are one.

    >>> in_reach("9999-12-31"), in_reach("2020-01-01"), in_reach("..")
    ('9999-12-30T21:59:59Z', '2020-01-01', '..')
    """
    return _LAST if isinstance(when, str) and when.startswith(_LAST_DAYS) else when


def is_resolved(fields: Mapping[str, Any]) -> bool | None:
    """Return whether something describes what a document is about: where it does not say, what has a document is."""
    found: bool | None = fields.get(RESOLVED, fields.get("lineage:kind") != "unknown")
    return found


def bands(fields: Mapping[str, Any]) -> list[str]:
    """Return the names of all bands of a model's inputs, each once."""
    inputs = fields.get("mlm:input")
    found: dict[str, None] = {}
    for entry in inputs if isinstance(inputs, list) else ():
        listed = entry.get("bands") if isinstance(entry, dict) else None
        for band in listed if isinstance(listed, list) else ():
            name = band.get("name") if isinstance(band, dict) else band
            if isinstance(name, str):
                found[name] = None
    return list(found)


def spoken(document: Mapping[str, Any]) -> str:
    """Return the words that free text is looked for in, each between spaces, and one more space between texts."""
    return "".join(f" {said} " for text in _texts(document) if (said := _words(text)))


def term(text: str) -> str:
    """Return what is in :func:`spoken` where free text is found: at the beginning of a word, or as a quoted phrase.

    It is empty for text without letters and digits.

    >>> term("ViT-B"), term('"ViT-B"'), term("?!")
    (' vit b', ' vit b ', '')
    """
    text = text.strip()
    words = _words(text)
    ends = len(text) > 1 and text[0] == text[-1] == '"'
    return f" {words}{' ' if ends else ''}" if words else ""


def _words(text: str) -> str:
    return " ".join(_WORD.findall(unicodedata.normalize("NFC", text).casefold()))


def _texts(document: Mapping[str, Any]) -> Iterator[str]:
    fields = document["properties"] if document["type"] == "Feature" else document
    yield document["id"]
    for name in ("title", "description", "keywords", "mlm:name", "mlm:architecture", "mlm:tasks", "lineage:aliases"):
        value = fields.get(name)
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            yield from (entry for entry in value if isinstance(entry, str))


class Spoken:
    """Words and bands of all models at once: a search that no document has to be opened for.

    >>> several = Spoken([Spoken.row({"type": "Feature", "id": name, "properties": {}}) for name in ("vit-b", "unet")])
    >>> several.speaking(term("vit")).tolist(), several.speaking(term("net")).tolist(), several.with_band("B").tolist()
    ([0], [], [])
    """

    def __init__(self, rows: Iterable[bytes]) -> None:
        texts, by_band = [], dict[str, list[int]]()
        for place, row in enumerate(rows):
            text, names = orjson.loads(row)
            texts.append(text.encode())
            for name in names:
                by_band.setdefault(name, []).append(place)
        self._text = b"\0".join(texts)
        self._starts = np.cumsum([0, *(len(text) + 1 for text in texts)])
        self._by_band = {name: np.array(places, dtype=np.int64) for name, places in by_band.items()}

    @staticmethod
    def row(document: Mapping[str, Any]) -> bytes:
        """Return what is kept of a document."""
        return orjson.dumps([spoken(document), bands(document.get("properties", {}))])

    def speaking(self, word: str) -> Array:
        """Return the places of the models that a :func:`term` is found in, sorted."""
        wanted = word.encode()
        between = self._text.split(wanted)  # several times as fast as one find after the other
        found = np.cumsum(np.fromiter(map(len, between), dtype=np.int64, count=len(between)) + len(wanted))[:-1]
        return distinct(np.searchsorted(self._starts, found - len(wanted), side="right") - 1)

    def with_band(self, name: str | None) -> Array:
        """Return the places of the models that have a band, sorted; any, for None."""
        some = self._by_band.values() if name is None else [self._by_band[name]] if name in self._by_band else []
        return distinct(np.concatenate([np.empty(0, dtype=np.int64), *some]))
