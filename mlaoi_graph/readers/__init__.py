"""Turn documents into model objects.

A reader never sees a store. What is already known it asks through :class:`Known`; what it read it hands
over as :class:`ReadDocument`, one for each source document, in any order. Readers are found by name,
built in or by entry point ``mlaoi_graph.readers``; each has a function ``read(source, context)``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Protocol

from mlaoi_graph.errors import UnknownFormat
from mlaoi_graph.model import Finding, SplitPolicy, Statement

if TYPE_CHECKING:
    from mlaoi_graph.samples import Samples

__all__ = [
    "COLLECTIONS",
    "Context",
    "Kind",
    "Known",
    "NothingKnown",
    "Outcome",
    "ReadDocument",
    "Reader",
    "Target",
    "find_reader",
    "reader_names",
]

READING_RULES = 13
"""Raised whenever a reader would give another answer for the same bytes, so that they are read again."""


class Kind(Enum):
    """What a reference may turn out to point at."""

    MODEL = "model"
    DATASET = "dataset"
    ARCHIVE = "archive"
    SAMPLE = "sample"
    """One item of a dataset: an area, which becomes a dataset when something is made from it alone."""
    CONTAINER = "container"
    """A catalog, or a collection of models: neither model nor data."""
    UNKNOWN = "unknown"


COLLECTIONS = frozenset({Kind.DATASET, Kind.ARCHIVE, Kind.CONTAINER})
"""What the id of a collection may stand for."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a reference points at, as far as it is known."""

    iri: str
    kind: Kind
    label: str | None = None
    split: str | None = None
    """The one split it is, in its publisher's word."""
    whole: str | None = None
    """For a sample, the IRI of the dataset it belongs to."""
    described: bool = True
    """False if no document describes it."""
    name: str | None = None
    """The literal that led nowhere."""
    identifier: str | None = None
    """The id its document gives it, where one was looked into."""


class Known(Protocol):
    """What a reader may ask about the catalog it reads for."""

    def is_unchanged(self, document: str, content_hash: str, links_hash: str | None = None) -> bool:
        """Return whether the catalog holds that document as read from the same bytes, its links led to the same."""

    def holds(self, document: str) -> bool:
        """Return whether the catalog holds anything of that document."""

    def target(self, iri: str) -> Target | None:
        """Return what the catalog knows under that IRI."""

    def named(self, name: str) -> Sequence[Target]:
        """Return what goes by that id, label, alias or DOI: all matches of the first of these that has any.

        A DOI may come as an address of doi.org.
        """


class NothingKnown:
    """The catalog as a reader sees it when there is none."""

    def is_unchanged(self, document: str, content_hash: str, links_hash: str | None = None) -> bool:
        """Return False."""
        return False

    def holds(self, document: str) -> bool:
        """Return False."""
        return False

    def target(self, iri: str) -> Target | None:
        """Return None."""
        return None

    def named(self, name: str) -> Sequence[Target]:
        """Return nothing."""
        return ()


class Outcome(Enum):
    """What became of one document."""

    READ = "read"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    """Well formed, but nothing this reader understands."""
    FAILED = "failed"


@dataclass(slots=True)
class ReadDocument:
    """One source document and what it says."""

    iri: str
    """Of the document and of its named graph."""
    outcome: Outcome
    statements: list[Statement] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    content_hash: str | None = None
    container: str | None = None
    """IRI of the file it is a member of (NDJSON, ItemCollection)."""
    shown: str = ""
    """Where a person would look for it."""
    complete_container: bool = False
    """True on the last word about a container: members not seen by now are gone from it."""
    lost: list[str] = field(default_factory=list)
    """What it links to and cannot be read, of what nothing else tells."""
    aside: bool = False
    """True of what a reader notes beside the documents of the source: not counted as one. Skipped, it is gone."""
    samples: Samples | None = None
    """What the catalog keeps beside the graph; the statements are their outlines."""


@dataclass(slots=True)
class Context:
    """What a reader is told besides its source."""

    base: str
    """Start of minted IRIs; ends in ``/``."""
    policy: SplitPolicy
    known: Known
    name: str
    """Short name of the source, the first piece of its documents' IRIs."""
    allow_network: bool = False
    collections: tuple[str, ...] = ()
    """Ids of the collections of an API whose items are wanted."""


class Reader(Protocol):
    """A module or object that reads one kind of source."""

    def accepts(self, source: str) -> bool:
        """Return whether this reader should take the source, judged by its name and first bytes."""

    def read(self, source: str, context: Context) -> Iterator[ReadDocument]:
        """Yield every document of the source."""


_BUILTIN = {"stac": "mlaoi_graph.readers.stac", "records": "mlaoi_graph.readers.records"}


def reader_names() -> list[str]:
    """Return the names of all readers, built-in ones first."""
    return [*_BUILTIN, *sorted(e.name for e in entry_points(group="mlaoi_graph.readers"))]


def _load(name: str) -> Reader:
    if name in _BUILTIN:
        return import_module(_BUILTIN[name])
    for entry in entry_points(group="mlaoi_graph.readers", name=name):
        reader: Callable[[], Reader] = entry.load()
        return reader()
    raise UnknownFormat("reader", name, reader_names())


def find_reader(source: str, name: str | None = None) -> Reader:
    """Return the named reader, or the first that accepts the source; STAC if none claims it."""
    if name is not None:
        return _load(name)
    for candidate in reader_names():
        reader = _load(candidate)
        if candidate != "stac" and reader.accepts(source):
            return reader
    return _load("stac")
