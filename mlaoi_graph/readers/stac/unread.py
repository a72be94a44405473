"""What documents say of samples and parts that are elsewhere: collections below one are parts of it, and what
cannot be read may lie anywhere, so nothing is "no" over it."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, Protocol

import numpy as np

from mlaoi_graph import iri as iris
from mlaoi_graph.model import (
    AreaOfInterest,
    Association,
    AssociationKind,
    Dataset,
    Finding,
    Precision,
    Rule,
    Severity,
    SourceDocument,
    Statement,
)
from mlaoi_graph.readers import Context, Kind, Outcome, ReadDocument, Target
from mlaoi_graph.readers.stac import content, links
from mlaoi_graph.readers.stac.content import Form
from mlaoi_graph.readers.stac.resolve import Resolver
from mlaoi_graph.readers.stac.walk import NO_COLLECTION, Place, Raw

__all__ = ["Elsewhere", "Unread", "elsewhere", "what"]

_SHOWN: Final = 3
_UNKNOWN: Final = "it is not known where the sample is that is meant"
_DATA: Final = frozenset({Kind.DATASET, Kind.ARCHIVE})
_NO_SAMPLE: Final = "what is no sample, as a model"


@dataclass(slots=True)
class _Said:
    """What one document says of samples and parts that are elsewhere."""

    iri: str
    shown: str = ""
    is_read: bool = False
    """In this run, by which what was noted beside it before is gone."""
    about: dict[str, Target] = field(default_factory=dict)
    """The datasets it speaks for, by the ids that documents give them."""
    form: Form = Form.ITEM_COLLECTION
    says_all: bool = False
    """In our own fields, with what it is part of."""
    below: array[int] = field(default_factory=lambda: array("q"))
    """Hashes of the places of what it links to, or what says that it lies below it."""
    by: array[int] = field(default_factory=lambda: array("l"))
    """Of each the number of the link; below zero, counted from -1, where it is to be no item."""
    missing: list[str] = field(default_factory=list)
    away: list[str] = field(default_factory=list)


class Unread:
    """Takes note of what documents link to, and says at the end of the walk what lies below which dataset.

    Only then is it known: a collection is read before its items. What it says is a document of its own, beside the one
    that speaks of the samples: it goes with that, and is gone as soon as there is nothing to say.
    """

    def __init__(self, resolver: Resolver, context: Context) -> None:
        self._resolver = resolver
        self._known = context.known
        self._said: list[_Said] = []
        self._files: dict[str, _Said] = {}
        """Of the members of a file, while it is read."""
        self._failed: dict[int, str] = {}
        """Documents that could not be read, by the hashes of their places."""
        self._tree: dict[int, _Said] = {}
        """Catalogs, collections, and items that name none, by the hashes of their places."""
        self._parents: list[tuple[int, int]] = []
        self._items = _Items()

    def note(self, raw: Raw, document: ReadDocument) -> None:
        """Take note of what became of a document, and of what it links to."""
        is_unread = document.outcome in (Outcome.FAILED, Outcome.SKIPPED)
        if raw.container is not None:
            self._note_member(raw, is_unread)
        elif raw.closes:
            self._note_file(raw, document, is_unread)
        elif is_unread:
            self._failed[hash(raw.place)] = raw.place.name
        elif raw.form in (Form.CATALOG, Form.COLLECTION) or raw.missing:
            self._note_linking(raw, document)
        elif raw.form is Form.ITEM_COLLECTION:  # unchanged, and so are its members
            for feature in raw.data["features"]:
                if isinstance(feature, dict):
                    member = Raw(raw.iri, raw.place, raw.shown)
                    member.take(feature)
                    self._note_item_of(raw.place, member)
        elif content.lineage_kind(raw.data) is None:
            name = self._names(raw)
            if name is not None:
                self._items.add(hash(raw.place), name)
            else:
                said = self._tree[hash(raw.place)] = _Said(raw.iri, form=Form.ITEM)
                self._about(said, raw, self._resolver.describe(raw))

    def _names(self, raw: Raw) -> str | None:
        """Return the id of the collection that an item is of, or its IRI; None for none, "" for what is no sample."""
        if raw.form is not Form.ITEM or content.is_model_item(raw.data):
            return ""
        named = content.text(raw.data.get("collection"))
        if named is not None:
            return named
        collection = self._resolver.collection_of(raw)
        return None if collection is None else collection.identifier or collection.iri

    def _note_member(self, raw: Raw, is_unread: bool) -> None:
        assert raw.container is not None
        said = self._files.setdefault(raw.container, _Said(raw.container))
        if is_unread:
            said.missing.append(raw.pointer)
            return
        is_sample = raw.form is Form.ITEM and not content.is_model_item(raw.data)
        self._note_item_of(raw.place, raw)
        self._about(said, raw, self._resolver.collection_of(raw) if is_sample and not raw.missing else None)
        if raw.missing:
            self._about(said, raw, self._resolver.describe(raw))
            said.missing += raw.missing

    def _note_item_of(self, file: Place, raw: Raw) -> None:
        if content.lineage_kind(raw.data) is None:
            self._items.add_member(hash(file), self._names(raw))

    def _note_file(self, raw: Raw, document: ReadDocument, is_unread: bool) -> None:
        said = self._files.pop(raw.iri, _Said(raw.iri))
        said.shown, said.is_read = raw.shown, document.complete_container
        said.missing += raw.missing
        if (
            is_unread
        ):  # a line that is no document may be a sample of any dataset the others are of, or of what links here
            said.missing.append("lines of it")
            self._failed[hash(raw.place)] = raw.place.name
        self._said.append(said)

    def _note_linking(self, raw: Raw, document: ReadDocument) -> None:
        said = _Said(raw.iri, raw.shown, document.outcome is Outcome.READ)
        said.form, said.says_all = raw.form, content.lineage_kind(raw.data) is not None
        said.below, said.by, said.missing, said.away = raw.linked, raw.linked_by, raw.missing, raw.away
        self._about(said, raw, self._resolver.describe(raw))
        self._said.append(said)
        self._tree[hash(raw.place)] = said
        parent = self._resolver.parent_place(raw) if raw.form is not Form.ITEM else None
        if parent is not None:
            self._parents.append((hash(parent), hash(raw.place)))

    def _about(self, said: _Said, raw: Raw, target: Target | None) -> None:
        if target is not None and target.kind in _DATA:
            name = content.text(raw.data.get("collection")) or content.identifier_of(raw.data) or target.iri
            said.about[name] = target

    def documents(self) -> Iterator[ReadDocument]:
        """Yield what there is to say now, and what is no longer."""
        circles = list(self._circles())
        if circles:
            yield ReadDocument("", Outcome.SKIPPED, findings=circles)
        for parent, place in self._parents:
            if parent in self._tree:
                self._tree[parent].below.append(place)
                self._tree[parent].by.append(-1)
        for said in self._said:
            found = _Below()
            if any(target.kind is Kind.DATASET for target in said.about.values()):  # an archive has no bounds anyway
                self._look_below(said, found)
            parts, lost, away = found.parts, found.lost, found.away
            told = [*(f"{part.iri} {part.split}" for part in parts), *lost]
            below = _statements(said, parts, lost)
            yield from self._beside(said, iris.unread(said.iri), told, below, found=found.findings(said))
            # What is there is known when all documents are: see :func:`elsewhere`.
            yield from self._beside(said, iris.elsewhere(said.iri), away, [], away)

    def _circles(self) -> Iterator[Finding]:
        """Yield a finding for each link of or to a catalog that leads back up to what that lies below.

        Collections below each other are parts of each other, and found as such.
        """
        done: set[int] = set()
        for root in self._tree:
            above: dict[int, Iterator[tuple[int, int]]] = {} if root in done else {root: self._children(root)}
            while above:
                place, children = next(reversed(above.items()))
                child, number = next(children, (None, 0))
                if child is None:
                    done.add(place)
                    del above[place]
                elif child in above:
                    circle = [*above][[*above].index(child) :]
                    if any(self._tree[one].form is Form.CATALOG for one in circle):
                        yield Finding(
                            document=self._tree[place].shown,
                            pointer=f"/links/{number}/href",
                            rule="cycle",
                            message=f"leads back to {self._tree[child].shown}, below which this lies",
                        )
                elif child not in done:
                    above[child] = self._children(child)

    def _children(self, place: int) -> Iterator[tuple[int, int]]:
        """Yield the catalogs and collections that one links to as children, with the number of the link."""
        one = self._tree[place]
        return ((child, -1 - by) for child, by in zip(one.below, one.by, strict=True) if by < 0 and child in self._tree)

    def _beside(
        self,
        said: _Said,
        iri: str,
        told: list[str],
        statements: list[Statement],
        away: Sequence[str] = (),
        found: Sequence[Finding] = (),
    ) -> Iterator[ReadDocument]:
        if not told:
            if not said.is_read and self._known.holds(iri):
                yield ReadDocument(iri, Outcome.SKIPPED, aside=True)
            return
        digest = content.content_hash("\n".join(told).encode("utf-8", "replace"))
        if said.is_read or not self._known.is_unchanged(iri, digest):
            source = SourceDocument(iri=iri, content_hash=digest, elsewhere=tuple(away))
            yield ReadDocument(iri, Outcome.READ, [source, *statements], [*found], digest, shown=said.shown, aside=True)

    def _look_below(self, said: _Said, found: _Below) -> None:
        """Find what lies below a dataset, through catalogs: parts, and what is not read as what the links say it is."""
        own = {target.iri for target in said.about.values()}
        ours, is_whole = {*said.about, *own}, False
        met: set[int] = set()
        waiting = [said]
        while waiting:
            one = waiting.pop()
            found.lost += one.missing
            found.away += one.away
            where = "" if one is said else f" of {one.shown}"
            for place, by, names in zip(one.below, one.by, self._items.of(one.below), strict=True):
                pointer = f"/links/{by if by >= 0 else -1 - by}/href"
                if place in self._failed:
                    found.lost.append(self._failed[place])
                elif place in self._tree:
                    child = self._tree[place]
                    if child.form is Form.CATALOG and by >= 0:
                        found.note("not-a-sample", "what is read as a catalog", pointer + where)
                    if child.form is Form.COLLECTION and not child.about:
                        found.note("not-a-sample", "a collection of no data, as one of models", pointer + where)
                    elif child.form is Form.COLLECTION and by >= 0:
                        found.odd_parts.append(pointer + where)
                    if place in met:
                        continue
                    met.add(place)
                    if not child.says_all:
                        parts = [target for target in child.about.values() if target.iri not in own]
                        found.parts.update(dict.fromkeys(parts, child.form is Form.ITEM))
                        if parts and child.form is Form.ITEM:
                            found.bare.append(pointer + where)
                    if child.form is Form.CATALOG:
                        waiting.append(child)
                else:
                    if not is_whole and not names <= ours:
                        ours, is_whole = ours | self._ids_below(said), True
                    if None in names:
                        found.note("not-a-sample", "a file with an item that names no collection", pointer + where)
                    if "" in names:
                        found.note("not-a-sample", _NO_SAMPLE, pointer + where)
                    for name in sorted(name for name in names - ours if name):
                        what = f"an item that names the collection {name!r}, which counts"
                        found.note("collection-mismatch", what, pointer + where)
        found.lost += [f"{some[0]}, {what}" for (_, what), some in found.odd.items()]

    def _ids_below(self, said: _Said) -> set[str]:
        """Return what the datasets below one go by, at any depth: their samples are samples of it."""
        found: set[str] = set()
        met: set[int] = set()
        waiting = [said]
        while waiting:
            for place in waiting.pop().below:
                if place in self._tree and place not in met:
                    met.add(place)
                    waiting.append(self._tree[place])
                    found.update(self._tree[place].about, (t.iri for t in self._tree[place].about.values()))
        return found


class _Items:
    """Which collection the items at places are of: a million of them take some tens of MB."""

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}
        self._places = array("q")
        self._named = array("l")
        self._members: dict[int, set[str | None]] = {}

    def add(self, place: int, name: str) -> None:
        """Take note of what the item at a place names."""
        self._places.append(place)
        self._named.append(self._codes.setdefault(name, len(self._codes)))

    def add_member(self, place: int, name: str | None) -> None:
        """Take note of what one of the items in the file at a place names, or that it names nothing."""
        self._members.setdefault(place, set()).add(name)

    @cached_property
    def _sorted(self) -> tuple[Any, Any]:
        places = np.array(self._places, dtype=np.int64)
        order = np.argsort(places)
        return places[order], np.array(self._named, dtype=np.int64)[order]

    def of(self, places: Sequence[int]) -> Iterator[Set[str | None]]:
        """Yield what the items at places, or in the files there, name; nothing of other places. All have been added."""
        known, named = self._sorted
        at = np.searchsorted(known, np.array(places, dtype=np.int64))
        found = [frozenset({name}) for name in self._codes]
        for place, i in zip(places, at.tolist(), strict=True):
            if place in self._members:
                yield self._members[place]
            else:
                yield found[named[i]] if i < len(known) and known[i] == place else frozenset()


@dataclass(slots=True)
class _Below:
    """What lies below a dataset."""

    parts: dict[Target, bool] = field(default_factory=dict)
    """The datasets, and whether each is an item."""
    lost: list[str] = field(default_factory=list)
    """What cannot be read, or is not what the links to it say."""
    away: list[str] = field(default_factory=list)
    """Addresses in other sources."""
    odd: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    """The latter: links by rule, and what they lead to."""
    bare: list[str] = field(default_factory=list)
    """Links to items that name no collection."""
    odd_parts: list[str] = field(default_factory=list)
    """Links as to items that lead to collections."""

    def note(self, rule: str, what: str, link: str) -> None:
        """Take note of a link, and of what it leads to that is not what it says."""
        self.odd.setdefault((rule, what), []).append(link)

    def findings(self, of: _Said) -> list[Finding]:
        """Return the findings about links, one for all that are alike."""

        def finding(rule: str, links: list[str], message: str, severity: Severity) -> Finding:
            more = f"; so do {len(links) - 1} more links" if len(links) > 1 else ""
            pointer, _, where = links[0].partition(" of ")
            return Finding(
                document=where or of.shown, pointer=pointer, rule=rule, message=message + more, severity=severity
            )

        found = [
            finding(rule, links, f"leads to {what}: {_UNKNOWN}", Severity.WARNING)
            for (rule, what), links in self.odd.items()
        ]
        if self.odd_parts:
            message = "leads to a collection, and says that it is an item; taken as a part of this one"
            found.append(finding("not-a-sample", self.odd_parts, message, Severity.INFO))
        if self.bare:
            message = f"leads to an item that {NO_COLLECTION}"
            found.append(finding("no-collection", self.bare, message, Severity.INFO))
        return found


def what(lost: list[str]) -> str:
    """Say that samples cannot be read."""
    some = ", ".join(lost[:_SHOWN]) + (" and others" if len(lost) > _SHOWN else "")
    return f"samples it speaks of cannot be read: {some}"


def _statements(said: _Said, parts: dict[Target, bool], lost: list[str]) -> list[Statement]:
    iri = iris.unread(said.iri)
    statements: list[Statement] = []
    for name, dataset in sorted(said.about.items()):
        for part, is_item in parts.items():
            statements.extend(_part(iri, name, part, dataset, is_item=is_item))
        if lost:
            statements += _missing(iris.sub(iri, f"missing-{iris.segment(name)}"), lost, dataset)
    return statements


class _Catalog(Protocol):
    """What is asked of a catalog that holds all that was read."""

    def target(self, iri: str) -> Target | None:
        """Return what there is under an IRI."""

    def is_item(self, iri: str) -> bool:
        """Return whether data are one item."""

    def is_within(self, part: str, whole: str) -> bool:
        """Return whether data are a part of others, at any depth, or these."""


@dataclass(slots=True)
class Elsewhere:
    """What the document beside a collection says of what that links to in other sources, with what is known now."""

    statements: list[Statement] = field(default_factory=list)
    away: list[str] = field(default_factory=list)
    """Addresses of which nothing is known."""
    odd: list[tuple[str, str]] = field(default_factory=list)
    """Rule and message for each that is known, and is not what a link to it says."""
    bare: list[str] = field(default_factory=list)
    """Addresses of items that name no collection."""

    def findings(self) -> Iterator[tuple[str, str, Severity]]:
        """Yield rule, message and severity."""
        if self.away:
            until = "until what holds them is a source too, it is not known where they are"
            yield "samples-missing", f"{what(self.away)}; {until}", Severity.INFO
        yield from ((rule, message, Severity.WARNING) for rule, message in self.odd)
        if self.bare:
            some = ", ".join(self.bare[:_SHOWN]) + (" and others" if len(self.bare) > _SHOWN else "")
            yield "no-collection", f"{some} leads to an item that {NO_COLLECTION}", Severity.INFO


def elsewhere(iri: str, addresses: Sequence[str], dataset: Target, catalog: _Catalog) -> Elsewhere:
    """Return what is known of addresses that a collection links to; ``iri`` is that of the document beside it."""
    said, lost = Elsewhere(), []
    for address in addresses:
        iri_there = iris.safe_iri(address)
        found = None if iri_there is None else catalog.target(iri_there)
        if found is None or not found.described:
            said.away.append(address)
        elif found.kind is Kind.SAMPLE and not (found.whole and catalog.is_within(found.whole, dataset.iri)):
            said.odd.append(("collection-mismatch", f"{address} leads to an item of {found.whole}: {_UNKNOWN}"))
            lost.append(f"{address}, an item of {found.whole}")
        elif found.kind in (Kind.MODEL, Kind.UNKNOWN, Kind.CONTAINER):
            said.odd.append(("not-a-sample", f"{address} leads to {_NO_SAMPLE}: {_UNKNOWN}"))
            lost.append(f"{address}, {_NO_SAMPLE}")
        elif found.kind in _DATA and found.iri != dataset.iri:
            is_item = catalog.is_item(found.iri)
            said.statements += _part(iri, "", found, dataset, is_item=is_item)
            if is_item:
                said.bare.append(address)
    if said.away or lost:
        said.statements += _missing(iris.sub(iri, "missing"), [*said.away, *lost], dataset)
    return said


def _missing(area: str, lost: list[str], dataset: Target) -> list[Statement]:
    # A sample without a place stands for all of them.
    return [
        *links.membership(area, None, dataset),
        AreaOfInterest(iri=area, precision=Precision.SAMPLES, note=what(lost)),
    ]


def _part(iri: str, name: str, part: Target, dataset: Target, *, is_item: bool) -> list[Statement]:
    """Return that a dataset is part of another: of the split it states, as a sample of it is, or a body of its own.

    By a word that ML-AOI does not know it is a part of that split, and may be of any other: it is one of the whole too.
    """
    found: list[Statement] = []
    if is_item or part.split is not None:
        whole = links.holder(dataset, part.split)
        found.append(Dataset(iri=part.iri, part_of=(whole,)))
        if whole == dataset.iri:
            return found
        found.append(links.split_part(dataset, part.split or ""))
        if links.is_known(part.split):
            return found
    edge = iris.sub(iri, f"part-{iris.segment(part.iri)}-{iris.segment(name)}")
    return [
        *found,
        Association(
            iri=edge,
            subject=part.iri,
            object=dataset.iri,
            kind=AssociationKind.PART_OF,
            rule=Rule.STATED,
            document=iri,
        ),
    ]
