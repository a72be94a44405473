"""Read STAC: catalogs, collections, items, item collections, NDJSON, folders of these, from a path or an address.

STAC 1.0 and 1.1; ML-AOI 0.1 to 0.2 and the 1.0.x that was never released; MLM 1.0 to 1.6 under all its ids,
``dlm`` and ``ml-model`` before it; label, version, scientific, file; TrainingDML-AI datasets.
Tolerant by design: most real ML-AOI documents break some schema. What is odd is a finding, and the rest is read.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlaoi_graph.model import Finding, Severity
from mlaoi_graph.readers import Context, Outcome, ReadDocument
from mlaoi_graph.readers.stac.content import Form
from mlaoi_graph.readers.stac.links import reference_of, type_reference
from mlaoi_graph.readers.stac.nodes import DocumentReader
from mlaoi_graph.readers.stac.resolve import Resolver
from mlaoi_graph.readers.stac.walk import Raw, Walk

__all__ = ["accepts", "read", "reference_of", "type_reference"]


def accepts(source: str) -> bool:
    """Return True: JSON of any kind is looked at, and what is not STAC is said to be so."""
    return True


def read(source: str, context: Context) -> Iterator[ReadDocument]:
    """Yield every document of the source.

    Raises SourceNotFound if the source itself is not there, NetworkNotAllowed if it is an address and the
    network is off. Anything wrong further in is a finding of the document it is in.
    """
    walk = Walk(source, context)
    reader = DocumentReader(context, Resolver(walk, context))
    for raw in walk:
        yield _document(raw, reader)
    if walk.not_read:
        yield ReadDocument("", Outcome.SKIPPED, findings=[
            Finding(document=source, pointer="", rule="other-files", severity=Severity.INFO,
                    message=f"{walk.not_read} files are neither .json, .geojson nor .ndjson and were passed over")])  # fmt: skip


def _document(raw: Raw, reader: DocumentReader) -> ReadDocument:
    document = _outcome(raw, reader)
    document.shown = raw.shown
    return document


def _outcome(raw: Raw, reader: DocumentReader) -> ReadDocument:
    if raw.failed:
        return ReadDocument(raw.iri, Outcome.FAILED, [], raw.findings, raw.hash, raw.container)
    if raw.unchanged:
        return ReadDocument(raw.iri, Outcome.UNCHANGED, [], raw.findings, raw.hash, raw.container, complete_container=raw.closes)
    if raw.closes:
        whole = not any(finding.severity is Severity.ERROR for finding in raw.findings)
        return ReadDocument(raw.iri, Outcome.READ, [], raw.findings, raw.hash, complete_container=whole)
    if raw.form in (Form.OGC_RECORD, Form.GEOJSON, Form.OTHER):
        raw.findings.append(Finding(document=raw.shown, pointer="", rule="not-stac", severity=Severity.INFO, message=f"{raw.form.value}; nothing read from it"))  # fmt: skip
        return ReadDocument(raw.iri, Outcome.SKIPPED, [], raw.findings, raw.hash, raw.container)
    statements = reader.statements(raw)
    if raw.failed:
        return ReadDocument(raw.iri, Outcome.FAILED, [], raw.findings, raw.hash, raw.container)
    return ReadDocument(raw.iri, Outcome.READ, statements, raw.findings, raw.hash, raw.container)
