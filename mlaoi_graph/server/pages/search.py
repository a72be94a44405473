"""Search by words in labels, ids, aliases and DOIs."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Final

from mlaoi_graph.catalog import Catalog
from mlaoi_graph.iri import tail
from mlaoi_graph.results import Solutions
from mlaoi_graph.server.worker import Context

__all__ = ["Hit", "search"]

_NAMES: Final = """SELECT ?node ?class ?label ?name {
  VALUES ?class { mlaoi:Model mlaoi:ModelFamily mlaoi:Dataset mlaoi:UnknownThing } ?node a ?class .
  OPTIONAL { ?node rdfs:label ?label }
  OPTIONAL { ?node dcterms:identifier|skos:altLabel|mlaoi:doi ?name } }"""
_KINDS: Final = {"Model": "model", "ModelFamily": "family", "Dataset": "dataset", "UnknownThing": "unknown"}
_ORDER: Final = ("model", "family", "dataset", "unknown")


@dataclass(frozen=True, slots=True)
class Hit:
    """Something that goes by a name like the words."""

    node: str
    label: str
    kind: str


@dataclass(slots=True)
class _Known:
    hit: Hit
    names: set[str]


def search(context: Context, words: str, most: int, start: int = 0) -> tuple[list[Hit], int]:
    """Return the best hits from ``start`` on, and how many there are; all words have to be there, in any order."""
    wanted = fold(words).split()
    if not wanted:
        return [], 0
    known: list[_Known] = context.kept("search", _known)
    found: list[tuple[int, int, int, str, Hit]] = []
    for one in known:
        text = " ".join(one.names)
        if all(word in text for word in wanted):
            hit = one.hit
            found.append((_rank(one.names, wanted), _ORDER.index(hit.kind), len(hit.label), hit.label, hit))
    found.sort(key=lambda row: row[:4])
    return [row[4] for row in found[start : start + most]], len(found)


def _rank(names: set[str], wanted: list[str]) -> int:
    whole = " ".join(wanted)
    if whole in names:
        return 0
    if any(name.startswith(whole) for name in names):
        return 1
    return 2 if any(all(f" {word}" in f" {name}" for word in wanted) for name in names) else 3


def _known(catalog: Catalog) -> list[_Known]:
    answer = catalog.query(_NAMES)
    assert isinstance(answer, Solutions)
    by_node: dict[str, _Known] = {}
    for row in answer:
        iri, label = row["node"] or "", row["label"]
        one = by_node.get(iri)
        if one is None:
            kind = _KINDS[tail(row["class"] or "")]
            one = by_node[iri] = _Known(Hit(iri, label or tail(iri), kind), {fold(tail(iri))})
        one.names.update(fold(name) for name in (label, row["name"]) if name)
    return list(by_node.values())


def fold(text: str) -> str:
    """Return a text as people type it: no case, no accents, words apart by single spaces.

    >>> fold("Clay v1.5, Größe")
    'clay v1.5 grosse'
    """
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return " ".join("".join(c if c.isalnum() or c == "." else " " for c in plain).split())
