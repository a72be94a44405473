"""Search by words in labels, ids, aliases and DOIs."""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

from mlaoi_graph.catalog import Catalog
from mlaoi_graph.iri import tail
from mlaoi_graph.items import Kept
from mlaoi_graph.queries.neighbours import neighbours
from mlaoi_graph.rdf import STAGE_PROPERTY
from mlaoi_graph.results import Solutions
from mlaoi_graph.server.worker import Context

__all__ = ["KINDS", "Hit", "search", "told", "used_by"]

_NAMES: Final = """SELECT ?node ?class ?label ?name {
  VALUES ?class { mlaoi:Model mlaoi:ModelFamily mlaoi:Dataset mlaoi:UnknownThing } ?node a ?class .
  OPTIONAL { ?node rdfs:label ?label }
  OPTIONAL { ?node dcterms:identifier|skos:altLabel|mlaoi:doi ?name } }"""
_KINDS: Final = {"Model": "model", "ModelFamily": "family", "Dataset": "dataset", "UnknownThing": "unknown"}
KINDS: Final = ("model", "family", "dataset", "unknown")
"""What can be found, in the order of hits that are as good."""


@dataclass(frozen=True, slots=True)
class Hit:
    """Something that goes by a name like the words."""

    node: str
    label: str
    kind: str


@dataclass(slots=True)
class _Known:
    hit: Hit
    names: list[str]


def search(
    context: Context, words: str, most: int, start: int = 0, kind: str | None = None
) -> tuple[list[Hit], Counter[str]]:
    """Return the best hits (of a kind) from ``start`` on, and how many there are of each kind.

    All words have to be there, in any order.
    """
    wanted = fold(words).split()
    if not wanted:
        return [], Counter()
    known: list[_Known] = context.kept("search", lambda catalog: _known(context.beside, catalog))
    found: list[tuple[int, int, int, str, Hit]] = []
    for one in known:
        text = " ".join(one.names)
        if all(word in text for word in wanted):
            hit = one.hit
            found.append((_rank(one.names, wanted), KINDS.index(hit.kind), len(hit.label), hit.label, hit))
    found.sort(key=lambda row: row[:4])
    kinds = Counter(dict.fromkeys(KINDS, 0))
    kinds.update(row[4].kind for row in found)
    hits = [row[4] for row in found if kind in (None, row[4].kind)]
    return hits[start : start + most], kinds


def told(catalog: Catalog, hit: Hit) -> dict[str, Any]:
    """Return what tells a hit from others: what it is of, when it came out, and in which stages it used, or was used.

    Of a model the stages count datasets; of a dataset, models; of a family there are its models instead.
    """
    lineage = catalog.lineage
    node = next((one for some in catalog.said_of(hit.node).values() for one in some if one.iri == hit.node), None)
    up = {group.edge: group for group in neighbours(lineage, hit.node, up=True, most=1)}
    whole = up.get("family") or up.get("partOf")
    row = whole.rows[0] if whole else None
    members = neighbours(lineage, hit.node, up=False, most=0) if hit.kind == "family" else []
    return {
        "of": {"node": row.node, "label": row.label} if row else None,
        "released": getattr(node, "released", None),
        "models": sum(group.total for group in members if group.edge == "family"),
        "stages": used_by(catalog, hit.node, up=hit.kind == "model"),
    }


def used_by(catalog: Catalog, node: str, *, up: bool = True) -> list[dict[str, Any]]:
    """Return how many datasets a model used in each stage, or how many models used a dataset (not ``up``)."""
    stages = [tail(edge) for edge in STAGE_PROPERTY.values()]
    numbers: Counter[str] = Counter()
    for group in neighbours(catalog.lineage, node, up=up, most=0):
        numbers[group.edge] += group.total
    return [{"edge": edge, "number": numbers[edge]} for edge in stages if numbers[edge]]


def _rank(names: list[str], wanted: list[str]) -> int:
    whole = " ".join(wanted)
    if whole in names:
        return 0
    if any(name.startswith(whole) for name in names):
        return 1
    return 2 if any(all(f" {word}" in f" {name}" for word in wanted) for name in names) else 3


def _known(beside: Kept, catalog: Catalog) -> list[_Known]:
    rows = beside.once("search", lambda: _named(catalog))
    return [_Known(Hit(node, label, kind), names) for node, label, kind, names in rows]


def _named(catalog: Catalog) -> list[tuple[str, str, str, list[str]]]:
    """Return what can be found: IRI, label, kind, and what it goes by."""
    answer = catalog.query(_NAMES)
    assert isinstance(answer, Solutions)
    by_node: dict[str, tuple[str, str, set[str]]] = {}
    for row in answer:
        iri, label = row["node"] or "", row["label"]
        if iri not in by_node:
            by_node[iri] = label or tail(iri), _KINDS[tail(row["class"] or "")], {fold(tail(iri))}
        by_node[iri][2].update(fold(name) for name in (label, row["name"]) if name)
    return [(iri, label, kind, sorted(names)) for iri, (label, kind, names) in by_node.items()]


def fold(text: str) -> str:
    """Return a text as people type it: no case, no accents, words apart by single spaces.

    >>> fold("Clay v1.5, Größe")
    'clay v1.5 grosse'
    """
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return " ".join("".join(c if c.isalnum() or c == "." else " " for c in plain).split())
