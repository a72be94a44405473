"""The log: which document was read when, what was found in it, and which IRIs were taken for one.

It is a graph of the catalog's own that only grows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final, TypeAlias, cast

import orjson
from pyoxigraph import Literal, NamedNode

from mlaoi_graph import iri as iris
from mlaoi_graph import rdf
from mlaoi_graph.model import Severity
from mlaoi_graph.readers import ReadDocument
from mlaoi_graph.stores import Store
from mlaoi_graph.vocab import MLAOI, RDF

__all__ = ["Found", "found_anything", "found_before", "found_of", "identification", "linking", "reading", "timestamp"]

Found: TypeAlias = tuple[str, str, Severity, str]
"""Pointer, rule, severity and message of what was found in a document."""

_FOUND: Final = f"""
    SELECT ?document {{ GRAPH <{rdf.LOG_GRAPH}> {{ ?entry <{MLAOI.found}> ?found ; <{MLAOI.ofDocument}> ?document }} }}
"""


def timestamp(time: datetime) -> str:
    """Return a time as the log has it: RFC 3339, in UTC."""
    return time.isoformat(timespec="microseconds").replace("+00:00", "Z")


def reading(document: ReadDocument, when: str) -> str:
    """Return the entry for a document that was read, with what was found in it, as N-Triples."""
    found = _text([(f.pointer, f.rule, f.severity, f.message) for f in document.findings])
    digest = (document.content_hash or "").partition(":")[2][:16]
    reading = iris.sub(document.iri, f"reading-{digest}-{when.replace(':', '')}")
    return (
        f"<{reading}> <{RDF.type}> <{MLAOI.Reading}> .\n"
        f"<{reading}> <{MLAOI.ofDocument}> <{document.iri}> .\n"
        f'<{reading}> <{MLAOI.readAt}> "{when}" .\n'
        f"<{reading}> <{MLAOI.contentHash}> {rdf.literal(document.content_hash or '')} .\n"
    ) + (f"<{reading}> <{MLAOI.found}> {rdf.literal(found)} .\n" if document.findings else "")


def linking(document: str, found: Sequence[Found], when: str) -> str:
    """Return the entry for a document whose references were typed again, with all that is found in it now."""
    entry = iris.sub(document, f"linking-{when.replace(':', '')}")
    return (
        f"<{entry}> <{RDF.type}> <{MLAOI.Linking}> .\n"
        f"<{entry}> <{MLAOI.ofDocument}> <{document}> .\n"
        f'<{entry}> <{MLAOI.readAt}> "{when}" .\n'
        f"<{entry}> <{MLAOI.found}> {rdf.literal(_text(found))} .\n"
    )


def _text(found: Sequence[Found]) -> str:
    return orjson.dumps(
        [(pointer, rule, severity.value, message) for pointer, rule, severity, message in found]
    ).decode()


def identification(kind: str, stays: str, other: str, when: str, why: str) -> str:
    """Return the entry for an IRI that was taken for another, or no more (by the kind of entry), as N-Triples."""
    entry = iris.sub(other, f"{iris.tail(kind).lower()}-{when.replace(':', '')}")
    return (
        f"<{entry}> <{RDF.type}> <{kind}> .\n"
        f"<{entry}> <{MLAOI.ofThing}> <{stays}> .\n"
        f"<{entry}> <{MLAOI.otherIri}> <{other}> .\n"
        f'<{entry}> <{MLAOI.readAt}> "{when}" .\n'
    ) + (f"<{entry}> <{MLAOI.note}> {rdf.literal(why)} .\n" if why else "")


def found_before(store: Store, wanted: Callable[[str], bool]) -> Iterator[tuple[str, list[Found]]]:
    """Yield the wanted documents in which something was found when they were last read or linked, with what it is.

    Documents that are in the store no more are left out.
    """
    for document in sorted(found_anything(store)):
        if wanted(document) and store.has_graph(document) and (found := found_of(store, document)):
            yield document, found


def found_anything(store: Store) -> set[str]:
    """Return the documents in which anything was ever found."""
    return {row["document"].value for row in cast("Iterator[Any]", store.query(_FOUND))}


def found_of(store: Store, document: str) -> list[Found]:
    """Return what was found in a document when it was last read or linked."""
    entries = [cast("NamedNode", q.subject).value for q in store.match(None, MLAOI.ofDocument, document)]
    times = [(cast("Literal", q.object).value, e) for e in entries for q in store.match(e, MLAOI.readAt)]
    found = [cast("Literal", q.object).value for q in store.match(max(times)[1], MLAOI.found)] if times else []
    return [
        (pointer, rule, Severity(severity), text) for f in found for pointer, rule, severity, text in orjson.loads(f)
    ]
