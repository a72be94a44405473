"""What workers do for one node: everything said of it, as RDF or as a page."""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote

from mlaoi_graph.catalog import Catalog, Edge
from mlaoi_graph.errors import NodeNotFound
from mlaoi_graph.iri import is_absolute, is_iri, tail
from mlaoi_graph.results import Graph
from mlaoi_graph.server import tasks
from mlaoi_graph.server.formats import GRAPHS, negotiate
from mlaoi_graph.server.reply import Refusal, Reply
from mlaoi_graph.server.worker import Context
from mlaoi_graph.vocab import RDFS

__all__ = ["SUFFIXES", "address", "node"]

SUFFIXES: Final = {
    ".ttl": "text/turtle",
    ".json": "application/ld+json",
    ".jsonld": "application/ld+json",
    ".nt": "application/n-triples",
    ".rdf": "application/rdf+xml",
    ".html": "text/html",
}
_HTML: Final = {"text/html": "html", "application/xhtml+xml": "html"}
_SHOWN: Final = 200
"""Rows a page shows of each table; the other formats have all."""

_ABOUT: Final = """
CONSTRUCT { ?node ?p ?o . ?twin ?tp ?to . ?area ?ap ?ao . ?geometry ?gp ?go } WHERE {
  { ?node ?p ?o }
  UNION
  { ?twin mlaoi:ofModel|mlaoi:ofDataset|mlaoi:ofDerived|mlaoi:ofSource|mlaoi:ofSubject|mlaoi:ofObject ?node ; ?tp ?to }
  UNION
  { ?node mlaoi:footprint|mlaoi:declaredArea ?area
    FILTER(STRSTARTS(STR(?area), CONCAT(STR(?node), "#"))) ?area ?ap ?ao }
  UNION
  { ?node geo:hasGeometry|((mlaoi:footprint|mlaoi:declaredArea)/geo:hasGeometry) ?geometry
    FILTER(STRSTARTS(STR(?geometry), CONCAT(STR(?node), "#")) || STRSTARTS(STR(?geometry), CONCAT(STR(?node), "-")))
    ?geometry ?gp ?go }
}
"""
"""Its facts, the qualified edges at it, and what has no address of its own: areas ``<node>#...``, their geometries."""


def node(context: Context, *, names: list[str], accept: str, site: str) -> Reply:
    """Return what is said of the first of these nodes that is there.

    Names are IRIs, or paths below the catalog's base; each is tried as it stands, then without a suffix of
    :data:`SUFFIXES`, which chooses the format. 404 if none is there.
    """
    catalog = context.catalog
    for iri, suffix in _candidates(names, catalog.base):
        if next(catalog.store.match(iri), None) is None:
            continue
        media_type = negotiate(accept, {**GRAPHS, **_HTML}) if suffix is None else SUFFIXES[suffix]
        here = address(iri, catalog.base, site)
        links = ", ".join(
            f'<{here}{end}>; rel="alternate"; type="{SUFFIXES[end]}"' for end in (".html", ".ttl", ".json")
        )
        if media_type in _HTML:
            reply = Reply(200, "text/html", _page(catalog, iri, site).encode())
            reply.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'"
        else:
            found = catalog.query(_ABOUT, node=iri)
            assert isinstance(found, Graph)
            reply = tasks.graph(context, found, media_type)
        reply.headers["Link"] = links
        return reply
    raise Refusal(404, "not-found", "no such page, and no node of the catalog has this address")


def _candidates(names: list[str], base: str) -> Iterator[tuple[str, str | None]]:
    for name in names:
        iri = name if is_absolute(name) else f"{base}{name}"
        if not is_iri(iri):
            continue
        yield iri, None
        for suffix in SUFFIXES:
            if iri.endswith(suffix):
                yield iri.removesuffix(suffix), suffix


def address(iri: str, base: str, site: str) -> str:
    """Return where a node is served; one below the catalog's base has the base's path here.

    >>> address("https://example.org/items/a#area", "https://example.org/", "http://127.0.0.1:8765/")
    'http://127.0.0.1:8765/nodes/https%3A%2F%2Fexample.org%2Fitems%2Fa%23area'
    >>> address("https://example.org/items/a", "https://example.org/", "http://127.0.0.1:8765/")
    'http://127.0.0.1:8765/items/a'
    """
    if iri.startswith(base) and not set("#?") & set(iri):
        return site + iri.removeprefix(base)
    return f"{site}nodes/{quote(iri, safe='')}"


def _page(catalog: Catalog, iri: str, site: str) -> str:
    def link(target: str, text: str) -> str:
        known = next(catalog.store.match(target), None) is not None
        href = address(target, catalog.base, site) if known else target
        if not href.startswith(("http://", "https://")):
            return html.escape(text)
        return f'<a href="{html.escape(href)}">{html.escape(text)}</a>'

    def label(target: str) -> str:
        quad = next(catalog.store.match(target, RDFS.label), None)
        return str(getattr(quad.object, "value", "")) if quad is not None else tail(target)

    seen: dict[tuple[str, str], str] = {}
    for quad in catalog.store.match(iri):
        value = getattr(quad.object, "value", str(quad.object))
        is_node = type(quad.object).__name__ == "NamedNode"
        shown = link(value, label(value)) if is_node else html.escape(value[:2000] + ("..." if value[2000:] else ""))
        seen.setdefault((tail(quad.predicate.value), value), shown)
    facts = [(html.escape(name), shown) for (name, _), shown in sorted(seen.items())]
    edges = [
        (
            "this" if edge.subject == iri else link(edge.subject, label(edge.subject)),
            html.escape(edge.predicate),
            "this" if edge.object == iri else link(edge.object, label(edge.object)),
            html.escape(f"{edge.twin.rule.value}, {edge.twin.confidence.value}"),
            link(edge.twin.document, tail(edge.twin.document)),
        )
        for edge in _edges(catalog, iri)
    ]
    here = html.escape(address(iri, catalog.base, site))
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(label(iri))}</title>'
        "<style>body{font:16px/1.5 sans-serif;margin:2em;max-width:70em}td,th{text-align:left;vertical-align:top;"
        "padding:.1em 1em .1em 0;overflow-wrap:anywhere}</style>"
        f"<h1>{html.escape(label(iri))}</h1><p>{html.escape(iri)}</p>"
        f'<p>Also as <a href="{here}.ttl">Turtle</a> and <a href="{here}.json">JSON-LD</a></p>'
        + _table(("property", "value"), facts)
        + (_table(("subject", "edge", "object", "by rule", "said in"), edges) if edges else "")
        + "</html>"
    )


def _edges(catalog: Catalog, iri: str) -> list[Edge]:
    try:
        found = catalog.describe(iri)
    except NodeNotFound:  # a document, an edge's twin, a piece of evidence
        return []
    return [*map(Edge.of, found.uses), *map(Edge.of, found.derivations), *map(Edge.of, found.associations)]


def _table(columns: tuple[str, ...], rows: list[Any]) -> str:
    head = "".join(f"<th>{name}</th>" for name in columns)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows[:_SHOWN])
    more = f"<p>{_SHOWN} of {len(rows)} shown; Turtle and JSON-LD have all</p>" if len(rows) > _SHOWN else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"
