"""Bring what readers read into a store: document by document, each wholly or not at all."""

from __future__ import annotations

import itertools
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import unquote

import numpy as np
from pyoxigraph import Literal, NamedNode

from mlaoi_graph import identity, rdf, reading_log, reasoning
from mlaoi_graph import iri as iris
from mlaoi_graph.errors import StoreError
from mlaoi_graph.model import (
    AreaOfInterest,
    Association,
    Confidence,
    Dataset,
    DataUse,
    Derivation,
    Finding,
    Model,
    Reasoner,
    Severity,
    SourceDocument,
    SplitPolicy,
    Statement,
)
from mlaoi_graph.plural import many
from mlaoi_graph.queries import reading
from mlaoi_graph.queries.collect import Collector
from mlaoi_graph.queries.columns import Columns
from mlaoi_graph.queries.details import StoreDetails
from mlaoi_graph.queries.graph import DERIVATIONS, IS_DATASET, IS_FAMILY, IS_MODEL, PARTS, SUCCEEDS
from mlaoi_graph.readers import COLLECTIONS, Context, Kind, Outcome, ReadDocument, Reader, Target
from mlaoi_graph.readers.stac import unread
from mlaoi_graph.readers.stac.relink import relink
from mlaoi_graph.stores import Store
from mlaoi_graph.vocab import DCTERMS, MLAOI, RDF, RDFS, SKOS

__all__ = ["Findings", "Ingest", "IngestReport"]

_BATCH: Final = 1_000_000
"""Characters a transaction, some 200 documents: small enough to lose little time to a retry, large enough to matter."""
_FILL_BATCH: Final = 20_000_000
"""Characters a chunk of the first, bulk ingest: a store takes memory by the text, and documents are of any length."""
_RELINKED: Final = 200
"""Documents a transaction when references are typed again."""
_KEPT_PER_RULE: Final = 100
_ROUNDS: Final = 20


_DECIDES: Final = frozenset({RDF.type, MLAOI.split, MLAOI.resolved})
"""What of a node decides how references to it are typed."""
_DECIDES_START: Final = tuple(f"<{predicate}> " for predicate in _DECIDES)
_NODES: Final = frozenset(
    f"<{RDF.type}> <{kind}> ."
    for kind in (
        MLAOI.Model, MLAOI.ModelFamily, MLAOI.Dataset, MLAOI.SourceArchive, MLAOI.UnknownThing, MLAOI.Evidence
    )
)  # fmt: skip
"""How a document's text says that something is a node of the lineage graph, or a source that is cited there."""
_TRIPLE: Final = re.compile(r"^<([^>]*)> (.*)$", re.MULTILINE)


class Findings:
    """Findings of one run: all are counted, the first of each rule are kept whole."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, Severity]] = Counter()
        self.kept: list[Finding] = []

    def add(self, findings: Iterable[Finding]) -> None:
        """Count the findings and keep them, up to 100 a rule."""
        for finding in findings:
            key = (finding.rule, finding.severity)
            self.counts[key] += 1
            if self.counts[key] <= _KEPT_PER_RULE:
                self.kept.append(finding)

    def __len__(self) -> int:
        return self.counts.total()

    @property
    def not_kept(self) -> int:
        """How many were counted only."""
        return len(self) - len(self.kept)

    def count(self, severity: Severity) -> int:
        """Return how many of that severity there are."""
        return sum(number for (_, found), number in self.counts.items() if found is severity)


@dataclass(slots=True)
class IngestReport:
    """What one ingest did."""

    source: str
    name: str
    """Name the source goes by in the catalog."""
    read: int = 0
    """Documents read, new or changed."""
    unchanged: int = 0
    skipped: int = 0
    """Documents that hold nothing for a lineage graph."""
    failed: int = 0
    """Documents that could not be read; what the catalog held of them is as before."""
    not_read: list[str] = field(default_factory=list)
    """Their IRIs."""
    removed: int = 0
    """Members that are no longer in their file (NDJSON, item collection)."""
    relinked: int = 0
    """Documents whose references were typed again because what they point at is known now."""
    gone: tuple[str, ...] = ()
    """Documents of this source met before and not now; kept until removed."""
    findings: Findings = field(default_factory=Findings)

    @property
    def documents(self) -> int:
        """How many documents the source has."""
        return self.read + self.unchanged + self.skipped + self.failed


# Over the default graph, which holds a triple once however many documents say it: a dataset has a type and a
# footprint from the document of each of its items.
_ABOUT = f"""
    SELECT ?node ?p ?o {{
      VALUES ?p {{ <{RDF.type}> <{RDFS.label}> <{MLAOI.split}> <{MLAOI.resolved}> }} ?node ?p ?o
    }}
"""
_CALLED = "SELECT ?node ?p ?name { ?node ?p ?name }"


class _Known:
    """What readers may ask, answered from the store and from what is not in it yet."""

    def __init__(self, store: Store, *, fresh: bool, reread: bool) -> None:
        self._store = store
        self.fresh = fresh
        """Whether the store was empty: then nothing is looked up that only this run can have put there."""
        self._reread = reread
        self.stale: set[str] = set()
        """Documents to be read again though their bytes are the same."""
        self._recent: dict[str, Target] = {}
        self._recent_names: dict[str, list[Target]] = {}
        self._older: dict[str, Target] = {}
        self._older_names: dict[str, list[Target]] = {}
        self._looked_up: dict[str, Target | None] = {}

    def is_unchanged(self, document: str, content_hash: str) -> bool:
        if self.fresh or self._reread or document in self.stale:
            return False
        quads = self._store.match(document, MLAOI.contentHash, Literal(content_hash), document)
        return next(quads, None) is not None

    def holds(self, document: str) -> bool:
        return not self.fresh and next(self._store.match(graph=document), None) is not None

    def target(self, iri: str) -> Target | None:
        found = self._recent.get(iri) or self._older.get(iri)
        if found is not None:
            return found
        # Many refer to few: the store is asked once for each between two changes of it.
        if iri not in self._looked_up:
            self._looked_up[iri] = self._stored(iri)
        return self._looked_up[iri]

    def named(self, name: str) -> Sequence[Target]:
        name = iris.doi(name) or name
        noted = (*self._older_names.get(name, ()), *self._recent_names.get(name, ()))
        found = {target.iri: target for target in noted}
        for predicate in (DCTERMS.identifier, RDFS.label, SKOS.altLabel, MLAOI.doi):
            rows = self._select(_CALLED, name=Literal(name), p=NamedNode(predicate))
            for iri in sorted(row["node"].value for row in rows):
                target = self._stored(iris.owner(iri, "area"))
                if target is not None and target.described:
                    found.setdefault(target.iri, target)
            if found:
                break
        return sorted(found.values(), key=lambda target: target.iri)

    def remember(self, statements: Sequence[Statement]) -> None:
        """Take note of what is about to be stored."""
        wholes = {area: s.iri for s in statements if isinstance(s, Dataset) for area in s.footprints}
        for statement in statements:
            if isinstance(statement, Model | Dataset) and statement.resolved:
                if isinstance(statement, Model):
                    kind = Kind.MODEL
                else:
                    kind = Kind.ARCHIVE if statement.archive else Kind.DATASET
                met = self._recent.get(statement.iri) or self._older.get(statement.iri)
                if met is not None and (met.kind is Kind.MODEL) is not (kind is Kind.MODEL):
                    kind = Kind.UNKNOWN  # described as both: what a reference states of it counts
                split = statement.split if isinstance(statement, Dataset) else None
                target = Target(statement.iri, kind, statement.label, split)
                self._recent[statement.iri] = target
                if statement.identifier is not None:
                    self._recent_names.setdefault(statement.identifier, []).append(target)
            elif isinstance(statement, AreaOfInterest) and statement.identifier is not None:
                iri = iris.owner(statement.iri, "area")
                whole = wholes.get(statement.iri)
                if whole == iri:
                    continue  # an item in no collection: a dataset, noted as one
                label = statement.label or statement.identifier
                target = Target(iri, Kind.SAMPLE, label, statement.split, whole)
                self._recent[iri] = target
                self._recent_names.setdefault(statement.identifier, []).append(target)

    def forget(self) -> None:
        """Drop the notes from before the last time: all that can be read in the store now."""
        self._older, self._recent = self._recent, {}
        self._older_names, self._recent_names = self._recent_names, {}
        self._looked_up.clear()

    def _select(self, sparql: str, **values: Literal | NamedNode) -> Iterator[Any]:
        return cast("Iterator[Any]", self._store.query(sparql, substitutions=values))

    def _stored(self, iri: str) -> Target | None:
        if next(self._store.match(iri), None) is None:  # quicker said than asked
            return self._stored_sample(iri)
        types: set[str] = set()
        labels: list[str] = []
        split = None
        described = False
        for row in self._select(_ABOUT, node=NamedNode(iri)):
            predicate, value = row["p"].value, row["o"]
            if predicate == RDF.type and isinstance(value, NamedNode):
                types.add(value.value)
            elif predicate == RDFS.label and isinstance(value, Literal):
                labels.append(value.value)
            elif predicate == MLAOI.split and isinstance(value, Literal):
                split = value.value
            elif predicate == MLAOI.resolved and isinstance(value, Literal):
                described = described or value.value == "true"
        both = MLAOI.Model in types and bool(types & {MLAOI.Dataset, MLAOI.SourceArchive})
        if both and described:
            types = self._described_as(iri)
        if both and types >= {MLAOI.Model, MLAOI.Dataset}:
            kind = Kind.UNKNOWN
        elif MLAOI.Model in types:
            kind = Kind.MODEL
        elif MLAOI.SourceArchive in types:
            kind = Kind.ARCHIVE
        elif MLAOI.Dataset in types:
            kind = Kind.DATASET
        else:
            return self._stored_sample(iri)
        return Target(iri, kind, min(labels, default=None), split, described=described)

    def _described_as(self, iri: str) -> set[str]:
        """Return the types that documents give which describe a node; those that only refer to it do not count."""
        graphs = {_iri(quad.graph_name) for quad in self._store.match(iri, MLAOI.resolved, Literal(True))}
        return {_iri(q.object) for q in self._store.match(iri, RDF.type) if _iri(q.graph_name) in graphs}

    def _stored_sample(self, iri: str) -> Target | None:
        area = iris.sub(iri, "area")
        labels: list[str] = []
        split = None
        found = False
        for quad in self._store.match(area):
            predicate, value = quad.predicate.value, quad.object
            if predicate == RDF.type and isinstance(value, NamedNode) and value.value == MLAOI.AreaOfInterest:
                found = True
            elif predicate in (RDFS.label, DCTERMS.identifier) and isinstance(value, Literal):
                labels.append(value.value)
            elif predicate == MLAOI.split and isinstance(value, Literal):
                split = value.value
        if not found:
            return None
        wholes = sorted(
            q.subject.value for q in self._store.match(None, MLAOI.footprint, area) if isinstance(q.subject, NamedNode)
        )
        # One whose split is a word of its own is a sample of the split and of the whole: the split comes after that.
        return Target(iri, Kind.SAMPLE, max(labels, default=None), split, whole=wholes[-1] if wholes else None)


class Ingest:
    """One run over one source."""

    def __init__(
        self,
        store: Store,
        base: str,
        policy: SplitPolicy,
        reasoner: Reasoner = Reasoner.TARGETED,
        *,
        verified_only: bool = False,
        reread: bool = False,
        repair: bool = False,
        columns: Columns | None = None,
        now: Callable[[], datetime] | None = None,
        samples: Path | None = None,
    ) -> None:
        self._samples = samples
        """Folder of files of samples; None where none are kept."""
        self._store = store
        self._base = base
        self._policy = policy
        self._reasoner = reasoner
        self._verified_only = verified_only
        self._reread = reread
        self._repair = repair
        self._now = now or (lambda: datetime.now(UTC))
        self._held: set[str] = set()
        """Documents the source had before this run, members of files apart."""
        self._members: dict[str, list[str]] = {}
        self._read: set[int] = set()
        """Hashes of the documents that this run has read."""
        self._told: dict[str, set[tuple[str, str, str]]] = {}
        """Pointer, rule and message of what this run found in documents that it looked into and did not read."""
        self.columns = None if repair else columns
        """The edges in the store: before the run, if they were known, and after it."""
        self._collected: Collector | None = None
        """What a first ingest reads, as long as it is not in the columns."""
        self._everything = repair
        """Whether documents came or changed that are not among the changed ones: all, in a first ingest."""
        self._documents_changed: set[str] = set()
        self._described: set[str] = set()
        """Models, datasets and sources that documents describe which came, went or changed since the columns."""
        self._touched: set[str] = set()
        """Nodes at which asserted edges came or went."""
        self._away: dict[str, list[str]] = {}
        """Addresses in other sources of which nothing is known, by the document that speaks of them."""
        self._ambiguous: set[str] = set()
        self._sames: list[identity.Same] | None = None
        """What is one thing, if a name made it worth asking before all references were resolved."""
        self._changed: set[str] = set()
        """Nodes that are of another kind now, or another split, or described no more."""

    def run(
        self,
        source: str,
        name: str,
        reader: Reader,
        *,
        allow_network: bool = False,
        collections: tuple[str, ...] = (),
        progress: Callable[[int], None] | None = None,
    ) -> IngestReport:
        """Read the source into the store and return what happened.

        An empty store is filled in bulk; if that fails half-way it is empty again. Otherwise each document is
        one step: after a failure or SIGKILL every document is there as it was before or as it is now.
        """
        report = IngestReport(source, name)
        fresh = next(self._store.graphs(), None) is None
        known = _Known(self._store, fresh=fresh, reread=self._reread)
        context = Context(self._base, self._policy, known, name, allow_network, collections)
        documents = self._documents(reader.read(source, context), report, known, progress)
        if not fresh:
            self._note_documents(name)
        met: set[int] = set()
        with self._as_read(report):
            if fresh:
                self._everything = True
                self._collected = Collector()
                batches = self._batches(documents, report, known, met, _FILL_BATCH)
                # The empty chunk waits: what follows from the documents is asked of the store when all are in it.
                self._store.fill(itertools.chain(batches, [{}], self._inferred()))
            else:
                for batch in self._batches(documents, report, known, met, _BATCH):
                    self._replace(batch)
                self._read_again(reader.read(source, context), known)
                report.findings.add(self._found_before(source, name, met))
            report.gone = tuple(sorted(d for d in self._held if hash(d) not in met and self._is_gone(d, source, name)))
            self._relink(report, known)
        self._refresh()
        report.findings.add(self._samples_missing(source, name, met))
        report.findings.add(self._cycles())
        report.findings.add(self._of_two_kinds())
        return report

    @property
    def documents(self) -> set[str] | None:
        """Documents that came, went or changed in this run; None for all."""
        return None if self._everything else self._documents_changed

    def _replace(self, batch: dict[str, str]) -> None:
        self._note_edges(batch)
        log = batch.pop(rdf.LOG_GRAPH, "")
        self._store.replace(batch, append={rdf.LOG_GRAPH: log} if log else None)

    def _read_again(self, documents: Iterator[ReadDocument], known: _Known) -> None:
        """Read those documents again that refer to something that is described otherwise now.

        They, or others read before them, may have been typed by what it was: a dataset that is a model now, an id
        that is gone, a collection that has become a split.
        """
        known.stale = self._referring(self._changed)
        if not known.stale:
            return
        for document in documents:
            if document.iri in known.stale and document.outcome is Outcome.READ:
                if self._verified_only:
                    document.statements = [s for s in document.statements if not _is_unverified(s)]
                self._replace({document.iri: rdf.encode(document.statements)})

    def _referring(self, nodes: set[str]) -> set[str]:
        """Return the documents that refer to any of the nodes, or to a split of one."""
        found: set[str] = set()
        for node in nodes:
            parts = {_iri(quad.subject) for quad in self._store.match(None, MLAOI.partOf, node)}
            for iri in {node, *parts}:
                for predicate in (MLAOI.ofDataset, MLAOI.ofSource, MLAOI.ofObject, MLAOI.ofSubject, MLAOI.partOf):
                    found.update(_iri(quad.graph_name) for quad in self._store.match(None, predicate, iri))
                found.update(_iri(quad.graph_name) for quad in self._store.match(iri, MLAOI.footprint))
        return found

    def _found_before(self, source: str, name: str, met: set[int]) -> list[Finding]:
        """Return what was found in the unchanged documents of this run when they were read, and not found again."""

        def is_unchanged(document: str) -> bool:
            is_met = hash(document) in met or hash(document.partition("#")[0]) in met
            return is_met and hash(document) not in self._read

        return [
            Finding(
                document=self._file(iris.beside(document), source, name) or document,
                pointer=pointer,
                rule=rule,
                severity=severity,
                message=message,
            )
            for document, found in reading_log.found_before(self._store, is_unchanged)
            for pointer, rule, severity, message in found
            if (pointer, rule, message) not in self._told.get(document, ())
        ]

    def _file(self, document: str, source: str, name: str) -> str | None:
        """Return the path of a document of a local source, with what it is called in a file of many; None of others."""
        start = f"{self._base}documents/{iris.segment(name)}/"
        if source.startswith(("http://", "https://")) or not document.startswith(start):
            return None
        folder = source if os.path.isdir(source) else os.path.dirname(source)
        path, mark, member = document.removeprefix(start).partition("#")
        return os.path.join(folder, *map(unquote, path.split("/"))) + mark + member

    def _is_gone(self, document: str, source: str, name: str) -> bool:
        """Return whether a document of a local source has no file any more; of an address that is not known."""
        path = self._file(document.partition("#")[0], source, name)
        return path is not None and not os.path.lexists(path)

    def put(self, document: str, statements: Iterable[Statement]) -> None:
        """Make one document's graph hold exactly these statements, and what follows from them be inferred."""
        with self._as_read():
            self._replace({document: rdf.encode(statements)})
        self._refresh()

    def remove(self, document: str) -> None:
        """Remove one document's graph, those of its members, and what no longer follows."""
        members = [graph for graph in self._store.graphs() if graph.startswith(f"{document}#")]
        with self._as_read():
            self._replace(dict.fromkeys([document, *members], ""))
        self._refresh()

    def update(self, write: Callable[[], None]) -> None:
        """Have something write into any graphs, and what follows from all that is there then be inferred."""
        merged = {_iri(quad.graph_name): quad for quad in self._store.match(None, MLAOI.asRead)}
        held = {document: set(self._store.match(graph=document)) for document in merged}
        write()
        for document, quad in merged.items():
            now = set(self._store.match(graph=document))
            if quad in now and now != held[document]:
                # It says what was left in it, and no more what it was once read to say.
                self._store.amend(document, remove=f"{quad.subject} {quad.predicate} {quad.object} .\n")
        with self._as_read():
            pass
        reasoning.refresh(self._store, self._reasoner)

    def _documents(
        self,
        documents: Iterator[ReadDocument],
        report: IngestReport,
        known: _Known,
        progress: Callable[[int], None] | None,
    ) -> Iterator[ReadDocument]:
        described: set[int] = set()
        for document in documents:
            report.findings.add(document.findings)
            if document.outcome is not Outcome.READ and document.findings:
                self._told[document.iri] = {(f.pointer, f.rule, f.message) for f in document.findings}
            if self._verified_only:
                document.statements = [s for s in document.statements if not _is_unverified(s)]
            if document.outcome is Outcome.READ:
                report.read += not document.aside and (
                    document.container is not None or not document.complete_container
                )
                self._keep(document, report)
                for statement in document.statements if document.samples is None else ():
                    if isinstance(statement, SourceDocument) and statement.describes is not None:
                        key = hash(statement.describes)
                        if key in described or (
                            not known.fresh and self._described_elsewhere(statement.describes, document.iri)
                        ):
                            document.findings.append(_duplicate(document, statement.describes))
                            report.findings.add(document.findings[-1:])
                        described.add(key)
            elif document.outcome is Outcome.UNCHANGED:
                report.unchanged += 1
            elif document.outcome is Outcome.FAILED:
                report.failed += 1
                report.not_read.append(document.iri)
            elif document.iri and not document.aside:
                report.skipped += 1
            if progress is not None:
                progress(report.documents)
            yield document

    def _keep(self, document: ReadDocument, report: IngestReport) -> None:
        """Put samples where the catalog keeps them: before the document, which stands for them."""
        if document.samples is None:
            return
        if self._samples is None:
            message = "only the outlines of its samples are kept: a catalog in a directory keeps the samples too"
            finding = Finding(
                document=document.shown, pointer="", rule="samples-not-kept", message=message, severity=Severity.INFO
            )
            report.findings.add([finding])
            about = next(s.describes for s in document.statements if isinstance(s, SourceDocument))
            if about is not None:
                document.statements += document.samples.outlines_only(document.iri, about)
            return
        from mlaoi_graph.geo import mapped

        self._samples.mkdir(exist_ok=True)
        mapped.write(self._samples / document.samples.digest, document.samples.arrays())

    def _batches(
        self, documents: Iterator[ReadDocument], report: IngestReport, known: _Known, met: set[int], size: int
    ) -> Iterator[dict[str, str]]:
        batch: dict[str, str] = {}
        log: list[str] = []
        written = 0
        broken: set[str] = set()
        for document in documents:
            met.add(hash(document.iri))
            if document.outcome is Outcome.FAILED and document.container is not None:
                broken.add(document.container)
            if document.complete_container:
                # A member that could not be read may be any of those held, under an id that is gone.
                gone = [] if document.iri in broken else self._gone_members(document.iri, met)
                batch.update(dict.fromkeys(gone, ""))
                report.removed += sum(not iris.is_beside(graph) for graph in gone)
                # Without its hash it is read again next time, and what is wrong in it is said again.
                content_hash = None if document.iri in broken else document.content_hash
                batch[document.iri] = rdf.encode([SourceDocument(iri=document.iri, content_hash=content_hash)])
            elif document.outcome is Outcome.READ:
                known.remember(document.statements)
                if not known.fresh:
                    self._read.add(hash(document.iri))
                batch[document.iri] = rdf.encode(document.statements)
                when = reading_log.timestamp(self._now())
                log.append(reading_log.reading(document, when))
                if self._collected is not None:
                    self._collected.take(document.iri, document.statements, when)
            if document.outcome in (Outcome.READ, Outcome.SKIPPED) and not document.complete_container:
                # What was a file of members, or a STAC document, and is one no longer has nothing more to say.
                gone = self._gone_members(document.iri, met)
                if document.outcome is Outcome.SKIPPED and (document.iri in self._held or document.aside):
                    gone = [*gone, document.iri]
                batch.update(dict.fromkeys(gone, ""))
                report.removed += sum(not iris.is_beside(graph) for graph in gone)
            written += len(batch.get(document.iri, ""))
            if written >= size:
                yield _with_log(batch, log)
                batch, log, written = {}, [], 0
                known.forget()
        if batch or log:
            yield _with_log(batch, log)
            known.forget()

    def _inferred(self) -> Iterator[dict[str, str]]:
        """Yield what follows from the documents just filled in, in chunks of a fill."""
        assert self._collected is not None
        details = StoreDetails(self._store)
        self._collected.name_the_rest(details)
        self._collected.cite_the_rest(details)
        self.columns, self._collected = self._collected.columns(), None
        texts = reasoning.everything(self._store, self.columns.triples(), self._reasoner)
        while chunk := "".join(_up_to(_FILL_BATCH, texts)):
            yield {rdf.INFERRED_GRAPH: chunk}

    def _refresh(self) -> None:
        """Bring what is derived from the documents up to date."""
        if self.columns is None:
            self.columns = reading.from_store(self._store)
        elif self._documents_changed:
            self.columns = reading.updated(self.columns, self._store, self._documents_changed, self._described)
        if self._repair:
            reasoning.refresh(self._store, self._reasoner)
        elif self._touched:
            reasoning.refresh_touched(self._store, self.columns.triples(), self._touched, self._reasoner)

    def _described_elsewhere(self, node: str, document: str) -> bool:
        graphs = (_iri(quad.graph_name) for quad in self._store.match(None, MLAOI.describes, node))
        return any(graph != document and not graph.startswith(f"{document}#") for graph in graphs)

    def _note_edges(self, batch: Mapping[str, str]) -> None:
        """Remember at which nodes edges come or go, and which nodes change, when these graphs are replaced."""
        for graph, text in batch.items():
            if graph == rdf.LOG_GRAPH:
                continue
            self._touched.update(reasoning.touched_by(text))
            old: set[tuple[str, str]] = set()
            for quad in self._store.match(graph=graph):
                if not isinstance(quad.subject, NamedNode):
                    raise StoreError(
                        f"{graph} has a blank node, which no document has. Take the graph out by an update: "
                        f"DROP GRAPH <{graph}>"
                    )
                subject = quad.subject.value
                if isinstance(quad.object, NamedNode):
                    self._touched.update(reasoning.ends(subject, quad.predicate.value, quad.object.value))
                if quad.predicate.value in _DECIDES:
                    old.add((subject, f"<{quad.predicate.value}> {quad.object} ."))
            new = {(subject, rest) for subject, rest in _TRIPLE.findall(text) if rest.startswith(_DECIDES_START)}
            self._documents_changed.add(graph)
            self._described.update(subject for subject, rest in old | new if rest in _NODES)
            if old:  # what is new altogether was unresolved before, and is linked as such
                self._changed.update(subject for subject, _ in old ^ new)

    def _note_documents(self, name: str) -> None:
        start = f"{self._base}documents/{iris.segment(name)}/"
        for graph in self._store.graphs():
            file, mark, _ = graph.partition("#")
            if mark:
                self._members.setdefault(file, []).append(graph)
            elif graph.startswith(start):
                self._held.add(graph)

    def _gone_members(self, container: str, met: set[int]) -> list[str]:
        return [graph for graph in self._members.get(container, ()) if hash(graph) not in met]

    # -- references that can be resolved now ----------------------------------------------------------------------

    def _relink(self, report: IngestReport, known: _Known) -> None:
        """Type again what pointed at nothing known and now does, in whichever document says it."""
        solved: dict[str, dict[str, Target]] = {}
        solutions: dict[tuple[str, str | None], Target | None] = {}
        for iri, graph, name in self._unresolved():
            if (iri, name) not in solutions:
                solutions[iri, name] = self._solution(iri, name, known)
            target = solutions[iri, name]
            if target is not None:
                for document in self._saying(iri, graph):
                    solved.setdefault(document, {})[iri] = target
            elif name in self._ambiguous:
                message = f"{name!r} stands for several things here; give an address. Kept unresolved"
                report.findings.add([Finding(document=graph, pointer="", rule="ambiguous-id", message=message)])
        minted = iris.collection(self._base, "")
        collections = {iri: found for (iri, _), found in solutions.items() if found and iri.startswith(minted)}
        todo = iter(solved.items())
        while some := dict(itertools.islice(todo, _RELINKED)):
            changed: dict[str, str] = {}
            for graph, targets in some.items():
                known_now = collections | targets
                statements, findings = relink(rdf.decode(self._store.match(graph=graph)), known_now, self._policy)
                changed[graph] = rdf.encode(statements)
                report.findings.add(findings)
            self._write(changed)
            report.relinked += len(changed)

    def _saying(self, iri: str, graph: str) -> set[str]:
        """Return the documents to write again when what is unresolved in one is known."""
        # What uses an item alone says too what that is part of: this, or a split of it.
        parts = (_iri(quad.subject) for quad in self._store.match(None, MLAOI.partOf, iri, graph))
        wholes = [iri, *parts]
        return {graph} | {_iri(q.graph_name) for whole in wholes for q in self._store.match(None, MLAOI.partOf, whole)}

    def _unresolved(self) -> list[tuple[str, str, str | None]]:
        """Return node, graph and literal of every reference that led nowhere."""
        marked = [
            *self._store.match(None, MLAOI.resolved, Literal(False)),
            *self._store.match(None, RDF.type, MLAOI.UnknownThing),
        ]
        named = []
        for iri, graph in {(_iri(quad.subject), _iri(quad.graph_name)) for quad in marked}:
            quads = self._store.match(iri, MLAOI.unresolvedName, None, graph)
            named.append((iri, graph, next((quad.object.value for quad in quads), None)))  # type: ignore[union-attr]
        return sorted(named, key=lambda row: (row[1], row[0]))

    # -- what is one thing ----------------------------------------------------------------------------------------

    @contextmanager
    def _as_read(self, report: IngestReport | None = None) -> Iterator[None]:
        """Have every document say what it was read to say, and take for one what is one when it is left.

        So what is one never depends on what was one before. A run that is cut short in between is repaired by the next.
        """
        said, was = identity.as_read(self._store)
        self._write(said)
        self._changed.clear()  # nothing was read that is not as it was
        try:
            yield
        finally:
            self._look_elsewhere()
            one = identity.unite(self._store, self._base, was, reading_log.timestamp(self._now()))
            self._write(one.documents)
            self._link_aliases(set(said), report)
            if one.log:
                self._store.replace({}, append={rdf.LOG_GRAPH: one.log})
            if report is not None:
                report.findings.add(one.findings)

    def _link_aliases(self, linked: set[str], report: IngestReport | None) -> None:
        """Have references to an address that only is an alias of something lead there; ``linked`` did so before."""
        aliases = identity.aliases(self._store)
        if not aliases:
            return
        known = _Known(self._store, fresh=False, reread=False)
        solved: dict[str, dict[str, Target]] = {}
        for iri, graph, _ in self._unresolved():
            target = known.target(aliases[iri]) if iri in aliases else None
            if target is None:
                continue
            for document in self._saying(iri, graph):
                # Who says what it is known by, and refers to that, means another.
                if not self._is_described_in(target.iri, document):
                    solved.setdefault(document, {})[iri] = target
        for document, targets in solved.items():
            quads = list(self._store.match(graph=document))
            statements, findings = relink(rdf.decode(quads), targets, self._policy)
            self._write({document: rdf.encode(identity.keeping(document, quads, statements))})
            if report is not None and document not in linked:
                report.findings.add(findings)
                report.relinked += 1

    def _is_described_in(self, iri: str, document: str) -> bool:
        return next(self._store.match(iri, MLAOI.resolved, Literal(True), document), None) is not None

    def _look_elsewhere(self) -> None:
        """Have documents say of what they speak of in other sources what is known of it now."""
        known = _Known(self._store, fresh=False, reread=False)
        addresses: dict[str, list[str]] = {}
        for quad in self._store.match(None, MLAOI.elsewhere):
            addresses.setdefault(_iri(quad.graph_name), []).append(quad.object.value)  # type: ignore[union-attr]
        for document, away in sorted(addresses.items()):
            source = document.removesuffix(iris.elsewhere(""))
            about = next((_iri(q.object) for q in self._store.match(source, MLAOI.describes, None, source)), None)
            dataset = None if about is None else known.target(about)
            held = rdf.decode(self._store.match(graph=document))
            statements: list[Statement] = [s for s in held if isinstance(s, SourceDocument)]
            if dataset is not None:
                said, away = unread.elsewhere(document, sorted(away), dataset, known.target)
                statements += said
                self._away[source] = away
            text = rdf.encode(statements)
            if set(text.splitlines()) != set(rdf.encode(held).splitlines()):
                self._write({document: text})

    def _samples_missing(self, source: str, name: str, met: set[int]) -> list[Finding]:
        """Return a finding for each document of this run that speaks of what is in other sources and not known."""
        return [
            Finding(
                document=self._file(document, source, name) or document,
                pointer="/links",
                rule="samples-missing",
                message=f"{unread.what(away)}; until what holds them is a source too, it is not known where they are",
                severity=Severity.INFO,
            )
            for document, away in sorted(self._away.items())
            if away and hash(document) in met
        ]

    def _write(self, documents: Mapping[str, str]) -> None:
        todo = iter(documents.items())
        while batch := dict(itertools.islice(todo, _BATCH)):
            self._note_edges(batch)
            self._store.replace(batch)

    def _solution(self, iri: str, name: str | None, known: _Known) -> Target | None:
        target = known.target(iri)
        if target is not None and target.described:
            return target
        files = f"{self._base}files/"
        if iri.startswith(files):  # a path that led nowhere then; the document may be there now
            document = f"{self._base}documents/{iri.removeprefix(files)}"
            about = next((_iri(q.object) for q in self._store.match(document, MLAOI.describes)), None)
            return known.target(about) if about is not None else None
        if name is None:
            return None
        is_collection = iri == iris.collection(self._base, name)  # an item names the collection it belongs to
        if not is_collection and not iri.startswith(f"{self._base}unresolved/"):
            return None
        named = [t for t in known.named(name) if not is_collection or t.kind in COLLECTIONS]
        if len(named) > 1:
            if self._sames is None:
                self._sames = identity.find(self._store, self._base)[0]
            for same in self._sames:
                if {target.iri for target in named} <= {same.iri, *same.others}:
                    return known.target(same.iri)
            self._ambiguous.add(name)
        return named[0] if len(named) == 1 else None

    def _of_two_kinds(self) -> list[Finding]:
        """Return a finding for every node that is described as a model and as data."""
        assert self.columns is not None
        kinds = np.asarray(self.columns.kinds)
        both = np.flatnonzero((kinds & (IS_MODEL | IS_FAMILY) != 0) & (kinds & IS_DATASET != 0))
        return [
            Finding(
                document="catalog",
                pointer="",
                rule="two-kinds",
                message=f"{self.columns.iris[node]} is described as a model and as data. What it learned from as a "
                "model does not count for who learned from it as data. Give one of the two another self link or id",
            )
            for node in both.tolist()
        ]

    def _cycles(self) -> list[Finding]:
        """Return a finding for every set of things that are each made from, or successors of, each other."""
        assert self.columns is not None
        columns = self.columns
        walked = np.asarray(columns.out.edges)
        walked = walked[np.isin(np.asarray(columns.code)[walked], list(DERIVATIONS | PARTS | {SUCCEEDS}))]
        ends = np.stack([np.asarray(side)[walked] for side in (columns.subject, columns.object)])
        # What nothing leads to, or leads nowhere, is in no circle: mostly that leaves nothing in a few rounds.
        for _ in range(_ROUNDS):
            inner = np.isin(ends[0], ends[1]) & np.isin(ends[1], ends[0])
            if inner.all():
                break
            ends = ends[:, inner]
        if not ends.size:
            return []
        import networkx as nx

        graph: nx.DiGraph[int] = nx.DiGraph()
        graph.add_edges_from(zip(*ends.tolist(), strict=True))
        findings = []
        for component in nx.strongly_connected_components(graph):
            if len(component) > 1 or any(graph.has_edge(node, node) for node in component):
                names = ", ".join(sorted(columns.iris[node] for node in component)[:5]) + (
                    ", ..." if len(component) > 5 else ""
                )
                findings.append(
                    Finding(
                        document="catalog",
                        pointer="",
                        rule="cycle",
                        message=f"{many(len(component), 'thing')} in a circle of origin or succession: {names}",
                    )
                )
        return findings


def _iri(term: object) -> str:
    assert isinstance(term, NamedNode)  # a store holds no blank nodes
    return term.value


def _is_unverified(statement: Statement) -> bool:
    if not isinstance(statement, DataUse | Derivation | Association):
        return False
    return statement.confidence is Confidence.UNVERIFIED


def _up_to(size: int, texts: Iterator[str]) -> Iterator[str]:
    """Take texts until they are so long together."""
    while size > 0 and (text := next(texts, "")):
        size -= len(text)
        yield text


def _with_log(batch: dict[str, str], log: list[str]) -> dict[str, str]:
    return {**batch, rdf.LOG_GRAPH: "".join(log)} if log else batch


def _duplicate(document: ReadDocument, node: str) -> Finding:
    return Finding(
        document=document.shown,
        pointer="/id",
        rule="duplicate-id",
        message=f"another document describes {node} too; what they say is united",
    )
