"""The page of a document that was read: what it says, when it was read, and where its statements come from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from mlaoi_graph import rdf
from mlaoi_graph.catalog import Catalog
from mlaoi_graph.findings import label_of
from mlaoi_graph.iri import tail
from mlaoi_graph.model import SourceDocument
from mlaoi_graph.server.pages.tasks import Page
from mlaoi_graph.vocab import MLAOI, RDF, RDFS

__all__ = ["document_of", "document_page", "evidence", "said_by"]

_SHOWN: Final = 300
"""Statements, and nodes of one kind, a page shows; the named graph has all."""
_KINDS: Final = {"models": MLAOI.Model, "families": MLAOI.ModelFamily, "datasets": MLAOI.Dataset}


def document_of(catalog: Catalog, iri: str) -> SourceDocument | None:
    """Return a document that was read; None for what is none."""
    said = [one for some in catalog.said_of(iri).values() for one in some if isinstance(one, SourceDocument)]
    return said[0] if said else None


def said_by(catalog: Catalog, document: str) -> dict[str, list[str]]:
    """Return the IRIs of what a document describes, by kind, of its statements of edges, and of what it cites."""
    match = catalog.store.match

    def subjects(predicate: str, value: str) -> list[str]:
        return sorted({str(getattr(quad.subject, "value", "")) for quad in match(None, predicate, value, document)})

    named = {str(getattr(quad.subject, "value", "")) for quad in match(None, RDFS.label, None, document)}
    described = {
        kind: [iri for iri in subjects(RDF.type, class_iri) if iri in named] for kind, class_iri in _KINDS.items()
    }
    return {**described, "edges": subjects(MLAOI.statedIn, document), "sources": subjects(RDF.type, MLAOI.Evidence)}


def document_page(catalog: Catalog, document: SourceDocument) -> Page:
    """Return the page of a document."""
    iri = document.iri
    said = said_by(catalog, iri)
    values: dict[str, Any] = {
        "iri": iri,
        "kind": "document",
        "label": tail(iri),
        "elsewhere": None if iri.startswith(catalog.base) else iri,
        "describes": _named(catalog, [document.describes] if document.describes else []),
        "read": _read(catalog, iri),
        "stated_at": document.stated_at,
        "content_hash": document.content_hash,
        "nodes": {kind: {"total": len(said[kind]), "rows": _named(catalog, said[kind][:_SHOWN])} for kind in _KINDS},
        "edges": {
            "total": len(said["edges"]),
            "rows": [_statement(catalog, twin) for twin in said["edges"][:_SHOWN]],
        },
    }
    values["edges"]["rows"].sort(key=lambda row: (row["subject_label"].casefold(), row["edge"], row["object_label"]))
    return Page(f"{tail(iri)}: what it says", "document.html", values, [iri])


def _named(catalog: Catalog, iris: Sequence[str]) -> list[dict[str, str]]:
    named = [{"node": iri, "label": label_of(catalog, iri)} for iri in iris]
    return sorted(named, key=lambda one: one["label"].casefold())


def _read(catalog: Catalog, iri: str) -> list[str]:
    """Return when a document was read, the first time first; reading it unchanged is no reading."""
    match = catalog.store.match
    entries = [str(getattr(q.subject, "value", "")) for q in match(None, MLAOI.ofDocument, iri, rdf.LOG_GRAPH)]
    times = (
        str(getattr(quad.object, "value", ""))
        for entry in entries
        if next(match(entry, RDF.type, MLAOI.Reading, rdf.LOG_GRAPH), None) is not None
        for quad in match(entry, MLAOI.readAt, None, rdf.LOG_GRAPH)
    )
    return sorted(set(times))


def _statement(catalog: Catalog, twin: str) -> dict[str, Any]:
    edge = catalog.edge(twin)
    return {
        "subject": edge.subject,
        "subject_label": label_of(catalog, edge.subject),
        "edge": edge.predicate,
        "object": edge.object,
        "object_label": label_of(catalog, edge.object),
        "note": edge.twin.note,
        "pointer": edge.twin.pointer,
        "evidence": evidence(catalog, edge.twin.evidence),
        "confidence": edge.twin.confidence.value,
        "document": edge.twin.document,
    }


def evidence(catalog: Catalog, iris: Sequence[str]) -> list[dict[str, Any]]:
    """Return what a statement cites, by title and address."""
    cited = []
    for iri in iris:
        urls = [str(getattr(quad.object, "value", "")) for quad in catalog.store.match(iri, MLAOI.url)]
        cited.append({"label": label_of(catalog, iri), "url": min(urls, default=None)})
    return cited
