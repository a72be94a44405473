"""The page of a node: its facts, and what stands next to it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, Final

from mlaoi_graph.catalog import Catalog
from mlaoi_graph.errors import NodeNotFound
from mlaoi_graph.iri import tail
from mlaoi_graph.model import AreaOfInterest, Dataset, Model, ModelFamily
from mlaoi_graph.queries.neighbours import neighbours
from mlaoi_graph.queries.results import plain
from mlaoi_graph.server.pages.document import document_of, document_page
from mlaoi_graph.server.pages.tasks import Page
from mlaoi_graph.server.pages.views import part_of
from mlaoi_graph.server.worker import Context

__all__ = ["node_page"]

_SHOWN: Final = 100
"""Neighbours of one sort, and facts, a page shows; Turtle and JSON-LD have all."""
_HIDDEN: Final = frozenset({"iri", "label", "description", "resolved", "sources", "footprints", "declared_area"})
_NODES: Final = frozenset({"family", "part_of"})
"""Facts that are nodes, and go by their label."""
_KIND: Final = {Model: "model", ModelFamily: "family", Dataset: "dataset", AreaOfInterest: "area"}


def node_page(context: Context, iri: str) -> Page:
    """Return the page of any node of the graph."""
    catalog = context.catalog
    try:
        node: Any = catalog.node(iri)
    except NodeNotFound:  # a document, an edge's twin, a piece of evidence
        node = None
    if node is None and (document := document_of(catalog, iri)):
        return document_page(catalog, document)
    if node is None or isinstance(node, AreaOfInterest):
        return _plain_page(catalog, iri, node)
    kind = "archive" if isinstance(node, Dataset) and node.archive else _KIND.get(type(node), "unknown")
    label = node.label or getattr(node, "unresolved_name", None) or tail(iri)
    lineage = catalog.lineage
    values: dict[str, Any] = {
        "iri": iri,
        "kind": kind,
        "label": label,
        "description": node.description if hasattr(node, "description") else None,
        "resolved": getattr(node, "resolved", True) is not False,
        "facts": _facts(node, lineage.label),
        "up": [group.to_dict() for group in neighbours(lineage, iri, up=True, most=_SHOWN)],
        "down": [group.to_dict() for group in neighbours(lineage, iri, up=False, most=_SHOWN)],
        "exposure": None,
        "unknowns": None,
        "exposed": None,
    }
    if kind == "model":
        values["exposure"] = part_of(lineage.exposure(iri), _SHOWN)
        values["unknowns"] = part_of(lineage.unknowns(iri), _SHOWN)
    elif kind in ("dataset", "archive"):
        values["exposed"] = part_of(lineage.exposed_models(iri), _SHOWN)
    return Page(label, "node.html", values, [iri])


def _facts(node: Any, label: Callable[[str], str]) -> list[dict[str, Any]]:
    facts = []
    for one in dataclasses.fields(node):
        value = plain(getattr(node, one.name))
        if one.name in _HIDDEN or value is None or value == [] or value is False:
            continue
        fact: dict[str, Any] = {
            "name": one.name.replace("_", " "),
            "value": value if isinstance(value, list) else ["yes" if value is True else value],
        }
        if one.name in _NODES:
            fact["labels"] = {iri: label(iri) for iri in fact["value"]}
        facts.append(fact)
    return facts


def _plain_page(catalog: Catalog, iri: str, node: AreaOfInterest | None) -> Page:
    """Return a page of what is no model and no data: every triple, as it stands."""
    seen: dict[tuple[str, str], dict[str, Any]] = {}
    label = tail(iri)
    for quad in catalog.store.match(iri):
        value = str(getattr(quad.object, "value", quad.object))
        is_node = type(quad.object).__name__ == "NamedNode"
        name = tail(quad.predicate.value)
        if name == "label":
            label = value
        known = is_node and next(catalog.store.match(value), None) is not None
        seen.setdefault((name, value), {"name": name, "value": value, "node": known, "link": is_node})
    facts = [seen[key] for key in sorted(seen)]
    kind = "area" if node is not None else "record"
    values = {"iri": iri, "kind": kind, "label": label, "triples": facts[: _SHOWN * 2], "total": len(facts)}
    return Page(label, "record.html", values, [iri])
