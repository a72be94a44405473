"""What workers do for one node: everything said of it, as RDF or as a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from mlaoi_graph.catalog import Catalog
from mlaoi_graph.errors import NodeNotFound
from mlaoi_graph.iri import is_absolute, is_iri, tail
from mlaoi_graph.results import Graph
from mlaoi_graph.server import tasks
from mlaoi_graph.server.addresses import address
from mlaoi_graph.server.formats import GRAPHS, negotiate
from mlaoi_graph.server.pages.node import node_page
from mlaoi_graph.server.pages.render import html
from mlaoi_graph.server.pages.tasks import failed, page_of
from mlaoi_graph.server.reply import Refusal, Reply
from mlaoi_graph.server.worker import Context

__all__ = ["SUFFIXES", "node"]

SUFFIXES: Final = {
    ".ttl": "text/turtle",
    ".json": "application/ld+json",
    ".jsonld": "application/ld+json",
    ".nt": "application/n-triples",
    ".rdf": "application/rdf+xml",
    ".html": "text/html",
}
_HTML: Final = {"text/html": "html", "application/xhtml+xml": "html"}

_ABOUT: Final = """
CONSTRUCT {
  ?node ?p ?o . ?twin ?tp ?to . ?area ?ap ?ao . ?geometry ?gp ?go . ?other ?side ?node ; rdfs:label ?called .
  ?said ?sp ?so
} WHERE {
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
  UNION
  { VALUES ?side { mlaoi:family mlaoi:partOf } ?other ?side ?node OPTIONAL { ?other rdfs:label ?called } }
  UNION
  { GRAPH ?node { ?said ?sp ?so } }
}
"""
"""Its facts, the qualified edges at it, members and parts, all a document says, and what has no address of its own:
areas ``<node>#...``, their geometries."""


def node(context: Context, *, names: list[str], accept: str, site: str, root: str) -> Reply:
    """Return what is said of the first of these nodes that is there, or the graph of that name.

    A graph whose name is an address here is what the Graph Store Protocol calls directly identified. Names are IRIs, or
    paths below the catalog's base; each is tried as it stands, then without a suffix of :data:`SUFFIXES`, which chooses
    the format. 404 if none is there.
    """
    catalog = context.catalog
    for iri, suffix in _candidates(names, catalog.base):
        if next(catalog.store.match(iri), None) is None:
            if suffix is None and catalog.store.has_graph(iri):
                return tasks.named_graph(context, iri=iri, accept=accept, inferred=True)
            continue
        media_type = negotiate(accept, {**GRAPHS, **_HTML}) if suffix is None else SUFFIXES[suffix]
        here = address(iri, catalog.base, site)
        links = ", ".join(
            f'<{here}{end}>; rel="alternate"; type="{SUFFIXES[end]}"' for end in (".html", ".ttl", ".json")
        )
        if media_type in _HTML:
            page = node_page(context, iri)
            shared = {"title": page.title, "base": catalog.base, "given": {}}
            reply = page_of(html(page.template, {**shared, **page.values}, root=root))
        else:
            found = catalog.query(_ABOUT, node=iri)
            assert isinstance(found, Graph)
            reply = tasks.graph(context, found, media_type)
        reply.headers["Link"] = links
        return reply
    refusal = Refusal(404, "not-found", "no such page, and no node of the catalog has this address")
    if accept.lstrip().lower().startswith("text/html"):
        return failed(refusal, root, context, near=_near(catalog, names))
    raise refusal


def _near(catalog: Catalog, names: list[str]) -> Sequence[str]:
    """Return what goes by a name like the end of an address that is none."""
    try:
        return [catalog.find(tail(names[0]).removesuffix(".html"))]
    except NodeNotFound as error:
        return error.candidates


def _candidates(names: list[str], base: str) -> Iterator[tuple[str, str | None]]:
    for name in names:
        iri = name if is_absolute(name) else f"{base}{name}"
        if not is_iri(iri):
            continue
        yield iri, None
        for suffix in SUFFIXES:
            if iri.endswith(suffix):
                yield iri.removesuffix(suffix), suffix
