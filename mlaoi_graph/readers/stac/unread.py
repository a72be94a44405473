"""What documents say of samples and parts that are elsewhere: collections below one are parts of it, and what
cannot be read may lie anywhere, so nothing is "no" over it."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from mlaoi_graph import iri as iris
from mlaoi_graph.model import (
    AreaOfInterest,
    Association,
    AssociationKind,
    Dataset,
    Precision,
    Rule,
    SourceDocument,
    Statement,
)
from mlaoi_graph.readers import Context, Kind, Outcome, ReadDocument, Target
from mlaoi_graph.readers.stac import content, links
from mlaoi_graph.readers.stac.content import Form
from mlaoi_graph.readers.stac.resolve import Resolver
from mlaoi_graph.readers.stac.walk import Raw

__all__ = ["Unread", "elsewhere", "what"]

_SHOWN: Final = 3


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
        elif (
            raw.form is Form.ITEM
            and content.text(raw.data.get("collection")) is None
            and content.lineage_kind(raw.data) is None
        ):
            said = self._tree[hash(raw.place)] = _Said(raw.iri, form=Form.ITEM)
            self._about(said, raw, self._resolver.describe(raw))

    def _note_member(self, raw: Raw, is_unread: bool) -> None:
        assert raw.container is not None
        said = self._files.setdefault(raw.container, _Said(raw.container))
        if is_unread:
            said.missing.append(raw.pointer)
            return
        is_sample = raw.form is Form.ITEM and not content.is_model_item(raw.data)
        self._about(said, raw, self._resolver.collection_of(raw) if is_sample and not raw.missing else None)
        if raw.missing:
            self._about(said, raw, self._resolver.describe(raw))
            said.missing += raw.missing

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
        said.below, said.missing, said.away = raw.linked, raw.missing, raw.away
        self._about(said, raw, self._resolver.describe(raw))
        self._said.append(said)
        self._tree[hash(raw.place)] = said
        parent = self._resolver.parent_place(raw) if raw.form is not Form.ITEM else None
        if parent is not None:
            self._parents.append((hash(parent), hash(raw.place)))

    def _about(self, said: _Said, raw: Raw, target: Target | None) -> None:
        if target is not None and target.kind is Kind.DATASET:
            name = content.text(raw.data.get("collection")) or content.identifier_of(raw.data) or target.iri
            said.about[name] = target

    def documents(self) -> Iterator[ReadDocument]:
        """Yield what there is to say now, and what is no longer."""
        for parent, place in self._parents:
            if parent in self._tree:
                self._tree[parent].below.append(place)
        for said in self._said:
            parts, lost, away = self._below(said) if said.about else ({}, [], [])
            told = [*(f"{part.iri} {part.split}" for part in parts), *lost]
            yield from self._beside(said, iris.unread(said.iri), told, _statements(said, parts, lost))
            found: list[Statement] = []
            for dataset in said.about.values() if away else ():
                found, _ = elsewhere(iris.elsewhere(said.iri), away, dataset, self._known.target)
            yield from self._beside(said, iris.elsewhere(said.iri), away, found, away)

    def _beside(
        self, said: _Said, iri: str, told: list[str], statements: list[Statement], away: list[str] | None = None
    ) -> Iterator[ReadDocument]:
        if not told:
            if not said.is_read and self._known.holds(iri):
                yield ReadDocument(iri, Outcome.SKIPPED, aside=True)
            return
        digest = content.content_hash("\n".join(told).encode("utf-8", "replace"))
        if said.is_read or not self._known.is_unchanged(iri, digest):
            source = SourceDocument(iri=iri, content_hash=digest, elsewhere=tuple(away or ()))
            yield ReadDocument(iri, Outcome.READ, [source, *statements], [], digest, shown=said.shown, aside=True)

    def _below(self, said: _Said) -> tuple[dict[Target, bool], list[str], list[str]]:
        """Return the datasets below one, through catalogs, and what cannot be read there: failed, or elsewhere.

        Of each dataset, whether it is an item; of what is in other sources, the addresses.
        """
        parts: dict[Target, bool] = {}
        lost: list[str] = []
        away: list[str] = []
        met: set[int] = set()
        waiting = [said]
        while waiting:
            one = waiting.pop()
            lost += one.missing
            away += one.away
            for place in one.below:
                if place in self._failed:
                    lost.append(self._failed[place])
                elif place in self._tree and place not in met:
                    met.add(place)
                    child = self._tree[place]
                    if not child.says_all:
                        parts.update(dict.fromkeys(child.about.values(), child.form is Form.ITEM))
                    if child.form is Form.CATALOG:
                        waiting.append(child)
        own = {target.iri for target in said.about.values()}
        return {part: is_item for part, is_item in parts.items() if part.iri not in own}, lost, away


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


def elsewhere(
    iri: str, addresses: Sequence[str], dataset: Target, target: Callable[[str], Target | None]
) -> tuple[list[Statement], list[str]]:
    """Return what the document beside a collection says of what that links to in other sources, with what is known now.

    And the addresses of which nothing is known.
    """
    statements: list[Statement] = []
    away: list[str] = []
    for address in addresses:
        iri_there = iris.safe_iri(address)
        found = None if iri_there is None else target(iri_there)
        if found is None or not found.described:
            away.append(address)
        elif found.kind is Kind.DATASET and found.iri != dataset.iri:
            statements += _part(iri, "", found, dataset, is_item=False)
    if away:
        statements += _missing(iris.sub(iri, "missing"), away, dataset)
    return statements, away


def _missing(area: str, lost: list[str], dataset: Target) -> list[Statement]:
    # A sample without a place stands for all of them.
    return [
        *links.membership(area, None, dataset),
        AreaOfInterest(iri=area, precision=Precision.SAMPLES, note=what(lost)),
    ]


def _part(iri: str, name: str, part: Target, dataset: Target, *, is_item: bool) -> list[Statement]:
    """Return that a dataset is part of another: a split or a sample of it, or a body of its own."""
    if is_item:
        whole = links.holder(dataset, part.split)
        found: list[Statement] = [Dataset(iri=part.iri, part_of=(whole,))]
        return found if whole == dataset.iri else [*found, links.split_part(dataset, part.split or "")]
    if part.split is not None:
        return [Dataset(iri=part.iri, part_of=(dataset.iri,))]
    edge = iris.sub(iri, f"part-{iris.segment(part.iri)}-{iris.segment(name)}")
    return [
        Association(
            iri=edge,
            subject=part.iri,
            object=dataset.iri,
            kind=AssociationKind.PART_OF,
            rule=Rule.STATED,
            document=iri,
        )
    ]
