"""Read STAC: catalogs, collections, items, item collections, NDJSON, folders of these, from a path or an address.

STAC 1.0 and 1.1; ML-AOI 0.1 to 0.2 and the 1.0.x that was never released; MLM 1.0 to 1.6 under all its ids,
``dlm`` and ``ml-model`` before it; label, version, scientific, file; TrainingDML-AI datasets.
Tolerant by design: most real ML-AOI documents break some schema. What is odd is a finding, and the rest is read.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlaoi_graph.model import Finding, Severity
from mlaoi_graph.plural import many
from mlaoi_graph.readers import Context, Outcome, ReadDocument
from mlaoi_graph.readers.stac import samples
from mlaoi_graph.readers.stac.content import Form
from mlaoi_graph.readers.stac.nodes import DocumentReader
from mlaoi_graph.readers.stac.resolve import Resolver
from mlaoi_graph.readers.stac.unread import Unread
from mlaoi_graph.readers.stac.walk import Raw, Walk

__all__ = ["accepts", "read"]


def accepts(source: str) -> bool:
    """Return True: JSON of any kind is looked at, and what is not STAC is said to be so."""
    return True


def read(source: str, context: Context) -> Iterator[ReadDocument]:
    """Yield every document of the source.

    Raises SourceNotFound if the source itself is not there, NetworkNotAllowed if it is an address and the
    network is off. Anything wrong further in is a finding of the document it is in.
    """
    walk = Walk(source, context)
    resolver = Resolver(walk, context)
    reader = DocumentReader(context, resolver)
    unread = Unread(resolver, context)
    for raw in walk:
        # First, so that what the document no longer links to is known to be gone when it is read itself.
        yield from samples.documents(raw, walk, resolver, context)
        document = _document(raw, reader)
        unread.note(raw, document)
        yield document
    yield from unread.documents()
    not_read = walk.not_read - len(walk.beside)
    if not_read > 0:
        yield ReadDocument(
            "",
            Outcome.SKIPPED,
            findings=[
                Finding(
                    document=source,
                    pointer="",
                    rule="other-files",
                    severity=Severity.INFO,
                    message=many(not_read, "file", "files") + " passed over: not named .json, .geojson or .ndjson",
                )
            ],
        )


def _document(raw: Raw, reader: DocumentReader) -> ReadDocument:
    document = _outcome(raw, reader)
    document.shown = raw.shown
    if raw.form is Form.CATALOG:  # of a collection samples are missing then
        document.lost = raw.missing
    return document


def _outcome(raw: Raw, reader: DocumentReader) -> ReadDocument:
    document = ReadDocument(raw.iri, Outcome.READ, [], raw.findings, raw.hash, raw.container)
    if raw.failed:
        document.outcome = Outcome.FAILED
    elif raw.unchanged:
        document.outcome = Outcome.UNCHANGED
    elif raw.closes:
        # A line that could not be read may have been any member, so then none is taken for gone.
        document.complete_container = not any(f.severity is Severity.ERROR for f in raw.findings)
        document.outcome = Outcome.READ if document.complete_container else Outcome.FAILED
    elif raw.form in (Form.OGC_RECORD, Form.GEOJSON, Form.OTHER):
        raw.note("", "not-stac", f"{raw.form.value}; nothing read from it", Severity.INFO)
        document.outcome = Outcome.SKIPPED
    else:
        statements = reader.statements(raw)
        if statements is None:
            document.outcome = Outcome.FAILED
        else:
            document.statements = statements
    return document
