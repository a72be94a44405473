"""The log: which document was read when, what was found in it, and which IRIs were taken for one.

It is a graph of the catalog's own that only grows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Final, cast

import orjson
from pyoxigraph import Literal, NamedNode

from mlaoi_graph import iri as iris
from mlaoi_graph import rdf
from mlaoi_graph.model import Severity
from mlaoi_graph.readers import ReadDocument
from mlaoi_graph.stores import Store
from mlaoi_graph.vocab import MLAOI, RDF

__all__ = ["found_before", "identification", "reading", "timestamp"]

_FOUND: Final = f"""
    SELECT ?document ?time ?found {{ GRAPH <{rdf.LOG_GRAPH}> {{
      ?reading <{MLAOI.found}> ?found ; <{MLAOI.ofDocument}> ?document ; <{MLAOI.readAt}> ?time
    }} }}
"""


def timestamp(time: datetime) -> str:
    """Return a time as the log has it: RFC 3339, in UTC."""
    return time.isoformat(timespec="microseconds").replace("+00:00", "Z")


def reading(document: ReadDocument, when: str) -> str:
    """Return the entry for a document that was read, with what was found in it, as N-Triples."""
    found = orjson.dumps([(f.pointer, f.rule, f.severity.value, f.message) for f in document.findings]).decode()
    digest = (document.content_hash or "").partition(":")[2][:16]
    reading = iris.sub(document.iri, f"reading-{digest}-{when.replace(':', '')}")
    return (
        f"<{reading}> <{RDF.type}> <{MLAOI.Reading}> .\n"
        f"<{reading}> <{MLAOI.ofDocument}> <{document.iri}> .\n"
        f'<{reading}> <{MLAOI.readAt}> "{when}" .\n'
        f"<{reading}> <{MLAOI.contentHash}> {rdf.literal(document.content_hash or '')} .\n"
    ) + (f"<{reading}> <{MLAOI.found}> {rdf.literal(found)} .\n" if document.findings else "")


def identification(kind: str, stays: str, other: str, when: str, why: str) -> str:
    """Return the entry for an IRI that was taken for another, or no more (by the kind of entry), as N-Triples."""
    entry = iris.sub(other, f"{iris.tail(kind).lower()}-{when.replace(':', '')}")
    return (
        f"<{entry}> <{RDF.type}> <{kind}> .\n"
        f"<{entry}> <{MLAOI.ofThing}> <{stays}> .\n"
        f"<{entry}> <{MLAOI.otherIri}> <{other}> .\n"
        f'<{entry}> <{MLAOI.readAt}> "{when}" .\n'
    ) + (f"<{entry}> <{MLAOI.note}> {rdf.literal(why)} .\n" if why else "")


def found_before(
    store: Store, wanted: Callable[[str], bool]
) -> Iterator[tuple[str, list[tuple[str, str, Severity, str]]]]:
    """Yield the wanted documents of which something was found when they were last read, with what it was.

    Pointer, rule, severity and message of each. Documents that are in the store no more are left out.
    """
    latest: dict[str, tuple[str, str]] = {}
    for row in cast("Iterator[Any]", store.query(_FOUND)):
        document, time, found = (row[column].value for column in ("document", "time", "found"))
        if time > latest.get(document, ("", ""))[0] and wanted(document):
            latest[document] = (time, found)
    for document, (time, found) in sorted(latest.items()):
        readings = {cast("NamedNode", q.subject).value for q in store.match(None, MLAOI.ofDocument, document)}
        times = [cast("Literal", q.object).value for reading in readings for q in store.match(reading, MLAOI.readAt)]
        if store.has_graph(document) and time == max(times):
            yield document, [(*where, Severity(severity), message) for *where, severity, message in orjson.loads(found)]
