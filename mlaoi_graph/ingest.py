"""Bring what readers read into a store: document by document, each wholly or not at all."""

from __future__ import annotations

import itertools
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import unquote

import numpy as np
from pyoxigraph import Literal, NamedNode

from mlaoi_graph import identity, rdf, reading_log, reasoning
from mlaoi_graph import iri as iris
from mlaoi_graph.changes import Changes
from mlaoi_graph.known import Known
from mlaoi_graph.linking import Guesses, Linker, described_by_several, misled, referring
from mlaoi_graph.model import (
    Association,
    Confidence,
    DataUse,
    Derivation,
    Finding,
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
from mlaoi_graph.queries.graph import IS_DATASET, IS_FAMILY, IS_MODEL, LINEAGE, SUCCEEDS
from mlaoi_graph.readers import Context, Outcome, ReadDocument, Reader
from mlaoi_graph.readers.stac import unread, walk
from mlaoi_graph.stores import Store
from mlaoi_graph.vocab import MLAOI

__all__ = ["Findings", "Ingest", "IngestReport"]

_BATCH: Final = 1_000_000
"""Characters a transaction, some 200 documents: small enough to lose little time to a retry, large enough to matter."""
_FILL_BATCH: Final = 20_000_000
"""Characters a chunk of the first, bulk ingest: a store takes memory by the text, and documents are of any length."""
_KEPT_PER_RULE: Final = 100
_ROUNDS: Final = 20
_Item = TypeVar("_Item")


class Findings:
    """Findings of one run: all are counted (``len``), the first of each rule are kept whole and iterated over."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, Severity]] = Counter()
        self._kept: list[tuple[str, Finding]] = []

    @property
    def kept(self) -> list[Finding]:
        """Those that are kept whole, up to 100 of each rule."""
        return [finding for _, finding in self._kept]

    def add(self, findings: Iterable[Finding], document: str = "") -> None:
        """Count the findings, of the document with that IRI, and keep them, up to 100 a rule."""
        for finding in findings:
            key = (finding.rule, finding.severity)
            self.counts[key] += 1
            if self.counts[key] <= _KEPT_PER_RULE:
                self._kept.append((document, finding))

    def withdraw(self, document: str, found: reading_log.Found) -> None:
        """Count no more what was found in a document and does not stand."""
        _, rule, severity, _ = found
        self.counts[rule, severity] -= 1
        self.counts += Counter()  # without those of which there is none
        for index, (of, one) in enumerate(self._kept):
            if of == document and (one.pointer, one.rule, one.severity, one.message) == found:
                del self._kept[index]
                break

    def __len__(self) -> int:
        return self.counts.total()

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.kept)

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
    """Documents that were not read and whose references were typed again because what they point at is known now."""
    gone: tuple[str, ...] = ()
    """Documents of this source met before and not now; kept until removed."""
    findings: Findings = field(default_factory=Findings)

    @property
    def documents(self) -> int:
        """How many documents the source has."""
        return self.read + self.unchanged + self.skipped + self.failed


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
        any_name: bool = False,
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
        self._places: dict[str, str] = {}
        """Where a person would look for members of files in which something was found."""
        self._told: dict[str, set[tuple[str, str, str]]] = {}
        """Pointer, rule and message of what this run found in documents that it looked into and did not read."""
        self.columns = None if repair else columns
        """The edges in the store: before the run, if they were known, and after it."""
        self._collected: Collector | None = None
        """What a first ingest reads, as long as it is not in the columns."""
        self._everything = repair
        """Whether documents came or changed that are not among the changed ones: all, in a first ingest."""
        self._changes = Changes(any_name=any_name)
        self._elsewhere: dict[str, unread.Elsewhere] = {}
        """What is known of addresses in other sources, by the document that speaks of them."""
        self._several: dict[str, list[str]] = {}
        """What several documents describe."""
        self._found: dict[tuple[str, reading_log.Found], None] = {}
        """What was found when references were typed again, with the documents."""
        self._not_found: dict[tuple[str, reading_log.Found], None] = {}
        """What was found when documents were read and is found no more."""
        self._guesses = Guesses(base, policy)

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
        known = Known(self._store, fresh=fresh, reread=self._reread)
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
            report.gone = tuple(sorted(d for d in self._held if hash(d) not in met and self._is_gone(d, source, name)))
        self._refresh()
        if not fresh:
            report.findings.add(self._found_before(source, name, met))
        for document, found in self._not_found:
            if fresh or hash(document) in self._read:
                report.findings.withdraw(document, found)
        of_links, of_twice = self._found_in_links(met), self._described_twice(met)
        of_all = [*of_links, *of_twice, *self._said_of_others(met), *self._cycles(), *self._of_two_kinds()]
        report.findings.add(self._placed(of_all, source, name))
        return report

    @property
    def documents(self) -> set[str] | None:
        """Documents that came, went or changed in this run; None for all."""
        return None if self._everything else self._changes.documents

    def _replace(self, batch: dict[str, str]) -> None:
        self._changes.note(self._store, batch)
        log = batch.pop(rdf.LOG_GRAPH, "")
        self._store.replace(batch, append={rdf.LOG_GRAPH: log} if log else None)

    def _read_again(self, documents: Iterator[ReadDocument], known: Known) -> None:
        """Read those documents again that refer to something that is described otherwise now, or no more.

        They, or others read before them, may have been typed by what it was: a dataset that is a model now, an id
        that is gone, a collection that has become a split.
        """
        held = {*self._held, *itertools.chain.from_iterable(self._members.values())}
        stale = {*referring(self._store, self._changes.nodes), *misled(self._store)}
        if self._changes.nodes:  # of what is no model any more an edge may be made
            found = reading_log.found_before(self._store, lambda document: True)
            stale.update(document for document, its in found if any(rule == "stage-of-model" for _, rule, *_ in its))
        known.stale = {document for document in stale if document in held or hash(document) in self._read}
        if not known.stale:
            return
        for document in documents:
            if document.iri in known.stale and document.outcome is Outcome.READ:
                if self._verified_only:
                    document.statements = [s for s in document.statements if not _is_unverified(s)]
                now = [(f.pointer, f.rule, f.severity, f.message) for f in document.findings]
                # What was found when it was read the last time is not found for ever.
                log = [reading_log.reading(document, reading_log.timestamp(self._now()))]
                is_same = now == reading_log.found_of(self._store, document.iri)
                self._replace(_with_log({document.iri: rdf.encode(document.statements)}, [] if is_same else log))

    def _found_before(self, source: str, name: str, met: set[int]) -> list[Finding]:
        """Return what was found in the unchanged documents of this run when they were read, and not found again."""

        return [
            Finding(
                document=self._places.get(document) or self._file(iris.beside(document), source, name) or document,
                pointer=pointer,
                rule=rule,
                severity=severity,
                message=message,
            )
            for document, found in reading_log.found_before(self._store, lambda one: self._is_unchanged(one, met))
            for pointer, rule, severity, message in found
            if (pointer, rule, message) not in self._told.get(document, ())
        ]

    def _found_in_links(self, met: set[int]) -> list[Finding]:
        """Return what was found when references were typed again, of documents that were not unchanged."""
        return [
            Finding(
                document=document,
                pointer=pointer,
                rule=rule,
                severity=severity,
                message=message,
            )
            for document, (pointer, rule, severity, message) in self._found
            if self._everything or not self._is_unchanged(document, met)
        ]

    def _described_twice(self, met: set[int]) -> list[Finding]:
        """Return a finding for each document but one of those that describe one thing, if this run met any of them."""
        return [
            Finding(
                document=document,
                pointer="/id",
                rule="duplicate-id",
                message=f"another document describes {node} too; what they say is united",
            )
            for node, documents in self._several.items()
            if any(self._is_met(document, met) for document in documents)
            for document in documents[1:]
        ]

    def _is_met(self, document: str, met: set[int]) -> bool:
        return hash(document) in met or hash(document.partition("#")[0]) in met

    def _is_unchanged(self, document: str, met: set[int]) -> bool:
        return self._is_met(document, met) and hash(document) not in self._read

    def _file(self, document: str, source: str, name: str) -> str | None:
        """Return the path of a document of a local source, with what it is called in a file of many; None of others."""
        start = f"{self._base}documents/{iris.segment(name)}/"
        if source.startswith(("http://", "https://")) or not document.startswith(start):
            return None
        folder = source if os.path.isdir(source) else os.path.dirname(source)
        path, mark, member = document.removeprefix(start).partition("#")
        return os.path.join(folder, *map(unquote, path.split("/"))) + mark + member

    def _placed(self, findings: Sequence[Finding], source: str, name: str) -> list[Finding]:
        """Return what was found in documents of some IRI with each as a person would look for it."""
        # Where each of a million members is would be much to hold: those few are looked for in their files.
        members = {one.document for one in findings if "#" in one.document} - self._places.keys()
        for container in {one.partition("#")[0] for one in members}:
            file = self._file(container, source, name)
            if file is not None and os.path.isfile(file):
                its = ((f"{container}#{key}", place) for key, place in walk.members(file))
                self._places.update((document, place) for document, place in its if document in members)
        return [
            replace(
                one,
                document=self._places.get(one.document) or self._file(one.document, source, name) or one.document,
            )
            for one in findings
        ]

    def _is_gone(self, document: str, source: str, name: str) -> bool:
        """Return whether a document of a local source has no file any more; of an address that is not known."""
        path = self._file(document.partition("#")[0], source, name)
        return path is not None and not os.path.lexists(path)

    def put(self, document: str, statements: Iterable[Statement]) -> None:
        """Make one document's graph hold exactly these statements, and what follows from them be inferred."""
        with self._as_read(links_all=False):
            self._replace({document: rdf.encode(statements)})
        self._refresh()

    def remove(self, document: str) -> None:
        """Remove one document's graph, those of its members, and what no longer follows."""
        members = [graph for graph in self._store.graphs() if graph.startswith(f"{document}#")]
        with self._as_read(links_all=False):
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
        self._changes.may_be_called_anything()
        with self._as_read():
            pass
        reasoning.refresh(self._store, self._reasoner)

    def _documents(
        self,
        documents: Iterator[ReadDocument],
        report: IngestReport,
        known: Known,
        progress: Callable[[int], None] | None,
    ) -> Iterator[ReadDocument]:
        found_before = set() if known.fresh else reading_log.found_anything(self._store)
        for document in documents:
            if document.container is not None and document.iri in found_before:
                self._places[document.iri] = document.shown
            if self._verified_only:
                document.statements = [s for s in document.statements if not _is_unverified(s)]
            if known.fresh and document.outcome is Outcome.READ:
                self._guesses.link(document)
            report.findings.add(document.findings, document.iri)
            if document.outcome is not Outcome.READ and document.findings:
                self._told[document.iri] = {(f.pointer, f.rule, f.message) for f in document.findings}
            if document.outcome is Outcome.READ:
                report.read += not document.aside and (
                    document.container is not None or not document.complete_container
                )
                self._keep(document, report)
            elif document.outcome is Outcome.UNCHANGED:
                report.unchanged += 1
            elif document.outcome is Outcome.FAILED:
                report.failed += 1
                report.not_read.append(document.iri)
            elif document.iri and not document.aside:
                report.skipped += 1
            report.not_read += (f"{document.iri} -> {lost}" for lost in document.lost)
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
        self, documents: Iterator[ReadDocument], report: IngestReport, known: Known, met: set[int], size: int
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
        while chunk := "".join(_up_to(_FILL_BATCH, texts, len)):
            yield {rdf.INFERRED_GRAPH: chunk}

    def _refresh(self) -> None:
        """Bring what is derived from the documents up to date."""
        if self.columns is None:
            self.columns = reading.from_store(self._store)
        elif self._changes.documents:
            self.columns = reading.updated(self.columns, self._store, self._changes.documents, self._changes.described)
        if self._repair:
            reasoning.refresh(self._store, self._reasoner)
        elif self._changes.touched:
            reasoning.refresh_touched(self._store, self.columns.triples(), self._changes.touched, self._reasoner)

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

    # -- what is one thing ----------------------------------------------------------------------------------------

    @contextmanager
    def _as_read(self, report: IngestReport | None = None, *, links_all: bool = True) -> Iterator[None]:
        """Have every document say what it was read to say, and take for one what is one when it is left.

        So what is one never depends on what was one before. A run that is cut short in between is repaired by the next.
        Then all references lead to what they stand for now, or only those of the documents that said something else.
        """
        said, was = identity.as_read(self._store)
        self._write(said)
        self._changes.forget_nodes()  # nothing was read that is not as it was
        try:
            yield
        finally:
            self._link(said, report, links_all=links_all)
            self._look_elsewhere()
            one = identity.unite(self._store, self._base, was, reading_log.timestamp(self._now()))
            self._write(one.documents)
            linker = self._linker()
            linker.link_aliases()
            self._note_links(linker)
            if one.log:
                self._store.replace({}, append={rdf.LOG_GRAPH: one.log})
            if report is not None:
                report.findings.add(one.findings)
                self._count_links(linker, set(said), report)

    def _linker(self) -> Linker:
        return Linker(self._store, self._base, self._policy, self._write, reading_log.timestamp(self._now()))

    def _link(self, said: Mapping[str, str], report: IngestReport | None, *, links_all: bool) -> None:
        """Have references lead to what they stand for now; those of documents that were put back did so before."""
        linker, put_back = self._linker(), set(said)
        linker.note_as_read(said)
        if not links_all:
            linker.relink(put_back)
            self._note_links(linker)
            return
        self._several = described_by_several(self._store)
        changed = set(self._changes.nodes)
        if self._everything or self._read:
            changed |= self._several.keys()
        right = self._guesses.right(self._store)
        names = self._changes.names()
        if names is not None:
            names |= {one.name for iri, one in self._guesses.taken.items() if iri not in right}
        moved = linker.put_back(changed, names)
        linker.retype(changed | moved)
        ambiguous = linker.relink(taken=right)
        self._note_links(linker)
        if self._several:  # which of the collections counts that an item is of is known when names lead somewhere
            last = self._linker()
            last.retype(set(self._several))
            self._note_links(last)
        if report is not None:
            report.findings.add(self._placed(ambiguous, report.source, report.name))
            self._count_links(linker, put_back, report)

    def _note_links(self, linker: Linker) -> None:
        for document, gone, new in linker.found():
            for found, these, others in ((gone, self._not_found, self._found), (new, self._found, self._not_found)):
                for one in found:
                    if (document, one) in others:  # found by the linker before this one, or not
                        del others[document, one]
                    else:
                        these[document, one] = None
        log = linker.log()
        if log:
            self._store.replace({}, append={rdf.LOG_GRAPH: log})

    def _count_links(self, linker: Linker, put_back: set[str], report: IngestReport) -> None:
        linked = linker.linked - put_back - linker.said_again
        report.relinked += 0 if self._everything else sum(hash(document) not in self._read for document in linked)

    def _look_elsewhere(self) -> None:
        """Have documents say of what they speak of in other sources what is known of it now."""
        known = Known(self._store)
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
                self._elsewhere[source] = unread.elsewhere(document, sorted(away), dataset, known)
                statements += self._elsewhere[source].statements
            text = rdf.encode(statements)
            if set(text.splitlines()) != set(rdf.encode(held).splitlines()):
                self._write({document: text})

    def _said_of_others(self, met: set[int]) -> list[Finding]:
        """Return what is found of what documents of this run speak of that is in other sources, or may be."""
        found: list[Finding] = []
        for document, there in sorted(self._elsewhere.items()):
            if hash(document) in met:
                found += (
                    Finding(document=document, pointer="/links", rule=rule, message=message, severity=severity)
                    for rule, message, severity in there.findings()
                )
        return found

    def _write(self, documents: Mapping[str, str]) -> None:
        todo = iter(documents.items())
        while batch := dict(_up_to(_BATCH, todo, lambda one: len(one[1]))):
            self._changes.note(self._store, batch)
            self._store.replace(batch)

    def _of_two_kinds(self) -> list[Finding]:
        """Return a finding for every node described as a model and as data, in each document that describes it."""
        assert self.columns is not None
        kinds = np.asarray(self.columns.kinds)
        both = np.flatnonzero((kinds & (IS_MODEL | IS_FAMILY) != 0) & (kinds & IS_DATASET != 0))
        return [
            Finding(
                document=document,
                pointer="/id",
                rule="two-kinds",
                message=f"{self.columns.iris[node]} is described as a model and as data. What it learned from as a "
                "model does not count for who learned from it as data. Give one of the two another self link or id",
            )
            for node in both.tolist()
            for document in self._describing(self.columns.iris[node])
        ]

    def _describing(self, node: str) -> list[str]:
        """Return the documents that describe something, or else speak of it."""
        described = {_iri(quad.graph_name) for quad in self._store.match(node, MLAOI.resolved, Literal(True))}
        return sorted(described or {_iri(quad.graph_name) for quad in self._store.match(node)})

    def _cycles(self) -> list[Finding]:
        """Return a finding for every set of things that each come from, or are successors of, each other."""
        assert self.columns is not None
        columns = self.columns
        walked = np.asarray(columns.out.edges)
        walked = walked[np.isin(np.asarray(columns.code)[walked], list(LINEAGE | {SUCCEEDS}))]
        ends = np.stack([np.asarray(side)[walked] for side in (columns.subject, columns.object)])
        # What nothing leads to, or leads nowhere, is in no circle: mostly that leaves nothing in a few rounds.
        for _ in range(_ROUNDS):
            inner = np.isin(ends[0], ends[1]) & np.isin(ends[1], ends[0])
            if inner.all():
                break
            ends, walked = ends[:, inner], walked[inner]
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
                of_it = walked[np.isin(ends, list(component)).all(axis=0)].tolist()

                def place(edge: int) -> tuple[bool, str, str]:
                    names = columns.iris[columns.subject[edge]], columns.iris[columns.object[edge]]
                    return not columns.sayings[columns.said[edge]], *names

                first = min(of_it, key=place)
                said, document = columns.saying(first), columns.documents[columns.document[first]]
                # That one lies below the other is said by their links, and noted in a document beside them.
                pointer = (said.pointer if said else None) or ("/links" if iris.is_beside(document) else "")
                findings.append(
                    Finding(
                        document=iris.beside(document),
                        pointer=pointer,
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


def _up_to(size: int, items: Iterator[_Item], length: Callable[[_Item], int]) -> Iterator[_Item]:
    """Take items until they are so long together, but one at least."""
    for item in items:
        yield item
        size -= length(item)
        if size <= 0:
            return


def _with_log(batch: dict[str, str], log: list[str]) -> dict[str, str]:
    return {**batch, rdf.LOG_GRAPH: "".join(log)} if log else batch
