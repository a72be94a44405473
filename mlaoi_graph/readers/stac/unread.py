"""Samples that a document speaks of and that cannot be read: they may be anywhere, so nothing is "no" over them."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from mlaoi_graph import iri as iris
from mlaoi_graph.model import AreaOfInterest, Dataset, Finding, Precision, Severity, SourceDocument, Statement
from mlaoi_graph.readers import Context, Kind, Outcome, ReadDocument
from mlaoi_graph.readers.stac import content
from mlaoi_graph.readers.stac.content import Form
from mlaoi_graph.readers.stac.resolve import Resolver
from mlaoi_graph.readers.stac.walk import Raw

__all__ = ["Unread"]

_SHOWN: Final = 3


@dataclass(slots=True)
class _Said:
    """What one document says of samples that are elsewhere."""

    iri: str
    shown: str = ""
    is_read: bool = False
    """In this run, by which what was noted beside it before is gone."""
    datasets: set[str] = field(default_factory=set)
    places: array[int] = field(default_factory=lambda: array("q"))
    missing: list[str] = field(default_factory=list)
    away: list[str] = field(default_factory=list)


class Unread:
    """Takes note of what could not be read, and says at the end of the walk which datasets it is missing from.

    Only then is it known: a collection is read before its items. What it says is a document of its own, beside the one
    that speaks of the samples: it goes with that, and is gone as soon as all of them can be read.
    """

    def __init__(self, resolver: Resolver, context: Context) -> None:
        self._resolver = resolver
        self._known = context.known
        self._said: list[_Said] = []
        self._files: dict[str, _Said] = {}
        """Of the members of a file, while it is read."""
        self._failed: dict[int, str] = {}

    def note(self, raw: Raw, document: ReadDocument) -> None:
        """Take note of what became of a document, and of what it links to."""
        is_unread = document.outcome in (Outcome.FAILED, Outcome.SKIPPED)
        if raw.container is not None:
            self._note_member(raw, is_unread)
        elif raw.closes:
            said = self._files.pop(raw.iri, _Said(raw.iri))
            said.shown, said.is_read = raw.shown, document.complete_container
            if is_unread:  # a line that is no document may be a sample of any dataset the others are of
                said.missing.append("lines of it")
            self._said.append(said)
        elif is_unread:
            self._failed[hash(raw.place)] = raw.place.name
        elif raw.linked or raw.missing or raw.away:
            about = self._resolver.describe(raw)
            if about is not None and about.kind is Kind.DATASET:
                is_read = document.outcome is Outcome.READ
                self._said.append(_Said(raw.iri, raw.shown, is_read, {about.iri}, raw.linked, raw.missing, raw.away))

    def _note_member(self, raw: Raw, is_unread: bool) -> None:
        assert raw.container is not None
        said = self._files.setdefault(raw.container, _Said(raw.container))
        if is_unread:
            said.missing.append(raw.pointer)
        else:
            is_sample = raw.form is Form.ITEM and not content.is_model_item(raw.data)
            about = self._resolver.collection_of(raw) if is_sample else None
            about = self._resolver.describe(raw) if raw.missing else about
            if about is not None and about.kind is Kind.DATASET:
                said.datasets.add(about.iri)
            said.missing += raw.missing

    def documents(self) -> Iterator[ReadDocument]:
        """Yield what is missing now, and what is no longer."""
        for said in self._said:
            iri = iris.unread(said.iri)
            away = list(filter(self._is_away, said.away))
            lost = [*said.missing, *self._lost(said.places), *away]
            if not lost or not said.datasets:
                if not said.is_read and self._known.holds(iri):
                    yield ReadDocument(iri, Outcome.SKIPPED, aside=True)
                continue
            digest = content.content_hash("\n".join((*sorted(said.datasets), *lost)).encode("utf-8", "replace"))
            if said.is_read or not self._known.is_unchanged(iri, digest):
                document = ReadDocument(iri, Outcome.READ, content_hash=digest, shown=said.shown, aside=True)
                document.statements = _statements(iri, said, lost, digest)
                if away:  # of everything else there is a finding already, where it failed
                    message = f"{_what(lost)}; until what holds them is a source too, it is not known where they are"
                    document.findings.append(
                        Finding(
                            document=said.shown,
                            pointer="/links",
                            rule="samples-missing",
                            message=message,
                            severity=Severity.INFO,
                        )
                    )
                yield document

    def _lost(self, places: array[int]) -> Iterable[str]:
        return (self._failed[place] for place in places if place in self._failed) if self._failed else ()

    def _is_away(self, address: str) -> bool:
        """Return whether no document describes what is at an address."""
        iri = iris.safe_iri(address)
        target = None if iri is None else self._known.target(iri)
        return target is None or not target.described


def _what(lost: list[str]) -> str:
    some = ", ".join(lost[:_SHOWN]) + (" and others" if len(lost) > _SHOWN else "")
    what = "a sample it speaks of" if len(lost) == 1 else f"{len(lost)} of the samples it speaks of"
    return f"{what} cannot be read: {some}"


def _statements(iri: str, said: _Said, lost: list[str], digest: str) -> list[Statement]:
    statements: list[Statement] = [SourceDocument(iri=iri, content_hash=digest)]
    for dataset in sorted(said.datasets):
        # A sample without a place stands for all of them.
        area = iris.sub(dataset, "missing")
        statements.append(Dataset(iri=dataset, footprints=(area,)))
        statements.append(AreaOfInterest(iri=area, precision=Precision.SAMPLES, note=_what(lost)))
    return statements
