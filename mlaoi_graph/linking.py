"""Link what documents refer to with what the catalog knows, at the end of each change.

A reference by address keeps its IRI, and is typed by what is described there. One by a name or a bare id leads to the
one thing that goes by it; which that is depends on all documents, so a document that has such keeps what it was
read to say, and says that again as soon as the name may lead elsewhere. So each state follows from the documents in
it, in whichever order they came.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, cast

import pyoxigraph as ox
from pyoxigraph import Literal, NamedNode

from mlaoi_graph import identity, rdf, reading_log
from mlaoi_graph import iri as iris
from mlaoi_graph.known import Known
from mlaoi_graph.model import Dataset, Finding, Model, QualifiedEdge, SplitPolicy, Statement, Unknown
from mlaoi_graph.readers import COLLECTIONS, Kind, ReadDocument, Target
from mlaoi_graph.readers.stac import links
from mlaoi_graph.readers.stac.relink import Relinked, relink
from mlaoi_graph.stores import Store
from mlaoi_graph.vocab import MLAOI, RDF

__all__ = ["Guesses", "Linker", "described_by_several", "misled", "referring"]

_TOGETHER: Final = 200
"""Documents a transaction."""
_REMEMBERED: Final = 4096
"""Collections that may be named by id."""
_REFERRING: Final = (MLAOI.ofDataset, MLAOI.ofSource, MLAOI.ofObject, MLAOI.ofSubject, MLAOI.partOf)
_SEVERAL: Final = f"""
    SELECT ?node (COUNT(?document) AS ?number) {{ GRAPH ?document {{ ?document <{MLAOI.describes}> ?node }} }}
    GROUP BY ?node HAVING (COUNT(?document) > 1)
"""


_REFERRED_TO: Final = f"""
    SELECT DISTINCT ?node ?split ?whole {{
        VALUES ?kind {{ <{MLAOI.Model}> <{MLAOI.Dataset}> }}
        ?node <{RDF.type}> ?kind
        FILTER NOT EXISTS {{ ?document <{MLAOI.describes}> ?node }}
        OPTIONAL {{ ?node <{MLAOI.split}> ?split ; <{MLAOI.partOf}> ?whole }}
    }}
"""
"""What no document is about, and of which split of what that is one."""


@dataclass(frozen=True, slots=True)
class _Solution:
    """What a reference leads to."""

    target: Target | None
    name: str | None = None
    """By which name it does, or does not as several things go by it."""
    several: bool = False
    may_be_model: bool = False
    """Whether a model is among several."""


class Linker:
    """Links the documents of a store, which all say what they were read to say but for names that lead somewhere."""

    def __init__(
        self, store: Store, base: str, policy: SplitPolicy, write: Callable[[Mapping[str, str]], None], when: str
    ) -> None:
        self._store = store
        self._base = base
        self._policy = policy
        self._write = write
        self._when = when
        self._known = Known(store)
        self._sames: list[identity.Same] | None = None
        """What is one thing, if a name made it worth asking."""
        self.linked: set[str] = set()
        """Documents in which something leads to what is known now."""
        self.said_again: set[str] = set()
        """Documents that were put back before."""
        self._before: dict[str, list[reading_log.Found]] = {}
        self._found: dict[str, list[reading_log.Found]] = {}
        """What is found in documents now, and was before, as far as references were typed again."""
        self._told: set[str] | None = None
        """Documents in which anything was found before, once that is asked."""

    def put_back(self, nodes: set[str], names: Iterable[str] | None) -> set[str]:
        """Have documents say again what they were read to say, if names in them may lead elsewhere now.

        ``nodes`` are described otherwise, ``names`` are of such or of what came or went; None for any name. Returns
        what the documents describe: it may belong to something else now.
        """
        said = self._as_read(self._by_name(names))
        said |= self._as_read(set(referring(self._store, nodes)))
        moved = {_iri(quad.object) for document in said for quad in self._store.match(document, MLAOI.describes)}
        said |= self._as_read(set(referring(self._store, moved)))
        self._write(said)
        self.said_again.update(said)
        self.note_as_read(said)
        return moved

    def note_as_read(self, said: Mapping[str, str]) -> None:
        """Keep of documents that say again what they were read to say what is found of their references as such."""
        for document, text in said.items():
            statements = rdf.decode(ox.parse(text, ox.RdfFormat.N_TRIPLES))
            self._note(document, relink(statements, _leading_nowhere(statements), self._policy))

    def _by_name(self, names: Iterable[str] | None) -> set[str]:
        wanted = [None] if names is None else [Literal(name) for name in names]
        return {_iri(quad.graph_name) for name in wanted for quad in self._store.match(None, MLAOI.byName, name)}

    def _as_read(self, documents: set[str]) -> dict[str, str]:
        said: dict[str, str] = {}
        for document in documents:
            if next(self._store.match(document, MLAOI.byName, None, document), None) is not None:
                for quad in self._store.match(document, MLAOI.asRead, None, document):
                    said[document] = _text(quad.object)
        return said

    def retype(self, nodes: set[str]) -> None:
        """Type what refers to nodes by what is known of them now."""
        todo = iter(sorted(referring(self._store, nodes).items()))
        while some := list(itertools.islice(todo, _TOGETHER)):
            changed: dict[str, str] = {}
            for document, there in some:
                if document in (rdf.LOG_GRAPH, rdf.INFERRED_GRAPH) or iris.is_beside(document):
                    continue
                targets = {iri: target for iri in there if (target := self._known.target(iri)) and target.described}
                statements = rdf.decode(self._store.match(graph=document))
                if not targets or any(isinstance(s, QualifiedEdge) and s.as_published is None for s in statements):
                    continue
                again = relink(statements, targets, self._policy)
                text = rdf.encode(again.statements)
                if set(text.splitlines()) != set(rdf.encode(statements).splitlines()):
                    changed[document] = text
                self._note(document, again)
            self._write(changed)

    def relink(self, only: set[str] | None = None, taken: Mapping[str, Taken] | None = None) -> list[Finding]:
        """Type what pointed at nothing known and now does, in whichever document says it, or only in some.

        ``taken`` is what collections were taken for when items that name them were read. Returns which names lead
        nowhere because several things go by them.
        """
        taken = taken or {}
        rows = self._solved(only)
        solved = {*taken, *(iri for iri, _, solution in rows if solution.target is not None)}
        said = self._as_read({graph for iri, graph, _ in rows if iri in solved})
        for iri in solved:
            said |= self._as_read(saying(self._store, iri, taken[iri].splits if iri in taken else ()))
        if said:  # so that what is kept is the same whichever of its references was known first
            self._write(said)
            self.said_again.update(said)
            rows = self._solved(only)
        addresses: dict[str, dict[str, Target]] = {}
        names: dict[str, dict[str, Target]] = {}
        kept: dict[str, set[str]] = {}
        led = {iri: one.target for iri, one in taken.items()}
        ambiguous: list[Finding] = []
        for iri, graph, solution in rows:
            if solution.target is not None:
                its = addresses if solution.name is None else names
                its.setdefault(graph, {})[iri] = solution.target
                if solution.name is not None:
                    # What two things that are one have in common is looked at anew each time, as they are.
                    kept.setdefault(graph, set()).add("" if solution.several else solution.name)
                led[iri] = solution.target
            elif solution.several:
                message = f"{solution.name!r} stands for several things here; give an address. Kept unresolved"
                pointer = self._pointer(iri, graph)
                ambiguous.append(Finding(document=graph, pointer=pointer, rule="ambiguous-id", message=message))
                is_said = next(self._store.match(iri, MLAOI.resolved, Literal(False), graph), None) is not None
                if solution.may_be_model and is_said:  # it is not known to be what it was read as
                    name = solution.name
                    unknown = Target(iri, Kind.UNKNOWN, name, described=False, name=name)
                    names.setdefault(graph, {})[iri] = unknown
                    kept.setdefault(graph, set()).add("")
        for iri, target in led.items():
            for document in saying(self._store, iri, taken[iri].splits if iri in taken else ()):
                addresses.setdefault(document, {})[iri] = target
        for document, own in names.items():
            for iri in own:
                addresses.get(document, {}).pop(iri, None)
        todo = iter(sorted(addresses.keys() | names.keys()))
        while some := list(itertools.islice(todo, _TOGETHER)):
            changed: dict[str, str] = {}
            for document in some:
                statements = rdf.decode(self._store.match(graph=document))
                before = set(rdf.encode(statements).splitlines())
                if addresses.get(document):
                    statements = self._again(document, statements, addresses[document], led)
                if document in names:
                    lines = rdf.encode(statements).splitlines(keepends=True)
                    statements = self._again(document, statements, names[document], led)
                    kept_names = () if "" in kept[document] else tuple(sorted(kept[document]))
                    statements = identity.keeping(document, lines, statements, kept_names)
                text = rdf.encode(statements)
                if set(text.splitlines()) != before:
                    changed[document] = text
            self._write(changed)
            self.linked.update(changed)
        return ambiguous

    def _pointer(self, iri: str, document: str) -> str:
        """Return where a document refers to something that it found nowhere: the first link or field."""
        nodes = {iri, *(_iri(quad.subject) for quad in self._store.match(None, MLAOI.partOf, iri, document))}
        edges = {
            _iri(quad.subject)
            for node in nodes
            for predicate in (MLAOI.ofDataset, MLAOI.ofSource, MLAOI.ofObject, MLAOI.ofSubject)
            for quad in self._store.match(None, predicate, node, document)
        }
        found = {
            _text(quad.object) for edge in edges for quad in self._store.match(edge, MLAOI.pointer, None, document)
        }
        return min(found, default="/collection")

    def _again(
        self,
        document: str,
        statements: Sequence[Statement],
        targets: Mapping[str, Target],
        led: Mapping[str, Target],
    ) -> list[Statement]:
        again = relink(statements, targets, self._policy, led)
        self._note(document, again)
        return again.statements

    def _solved(self, only: set[str] | None) -> list[tuple[str, str, _Solution]]:
        """Return node, graph and solution of every reference that led nowhere."""
        solutions: dict[tuple[str, tuple[str, ...]], _Solution] = {}
        rows = []
        for iri, graph, names in self.unresolved():
            if only is None or graph in only:
                if (iri, names) not in solutions:
                    solutions[iri, names] = self._solution(iri, names)
                rows.append((iri, graph, solutions[iri, names]))
        return rows

    def unresolved(self) -> list[tuple[str, str, tuple[str, ...]]]:
        """Return node, graph and literals of every reference that led nowhere."""
        marked = [
            *self._store.match(None, MLAOI.resolved, Literal(False)),
            *self._store.match(None, RDF.type, MLAOI.UnknownThing),
        ]
        named = []
        for iri, graph in {(_iri(quad.subject), _iri(quad.graph_name)) for quad in marked}:
            quads = self._store.match(iri, MLAOI.unresolvedName, None, graph)
            named.append((iri, graph, tuple(sorted(_text(quad.object) for quad in quads))))
        return sorted(named, key=lambda row: (row[1], row[0]))

    def _solution(self, iri: str, names: tuple[str, ...]) -> _Solution:
        target = self._known.target(iri)
        if target is not None and target.described:
            return _Solution(target)
        files = f"{self._base}files/"
        if iri.startswith(files):  # a path to a file that is gone or broken: what was read there counts until removed
            document = f"{self._base}documents/{iri.removeprefix(files)}"
            about = next((_iri(q.object) for q in self._store.match(document, MLAOI.describes)), None)
            return _Solution(self._known.target(about) if about is not None else None, document)
        is_collection = iri.startswith(iris.collection(self._base, ""))  # an item names the collection it belongs to
        if not is_collection and not iri.startswith(f"{self._base}unresolved/") and iris.doi(iri) is None:
            return _Solution(None)
        named: dict[str, Target] = {}
        for name in names:
            if not is_collection or iri == iris.collection(self._base, name):
                named |= {t.iri: t for t in self._known.named(name) if not is_collection or t.kind in COLLECTIONS}
        if not named:
            # An id that items name their collection by is its id, though nothing describes it.
            there = self._known.target(iris.collection(self._base, names[0])) if names and not is_collection else None
            if there is None or there.kind not in COLLECTIONS:
                return _Solution(None)
            return _Solution(replace(there, label=names[0], name=names[0]), names[0])
        by = _as_named(names[0])
        if len(named) == 1:
            return _Solution(next(iter(named.values())), by, several=len(names) > 1)
        if self._sames is None:
            self._sames = identity.find(self._store, self._base)[0]
        one = next((same.iri for same in self._sames if named.keys() <= {same.iri, *same.others}), None)
        if one is None:
            return _Solution(None, names[0], True, any(target.kind is Kind.MODEL for target in named.values()))
        return _Solution(self._known.target(one), by, True)

    def link_aliases(self) -> None:
        """Have references to an address that only is an alias of something lead there."""
        aliases = identity.aliases(self._store)
        if not aliases:
            return
        known = Known(self._store)
        solved: dict[str, dict[str, Target]] = {}
        led: dict[str, set[str]] = defaultdict(set)
        for iri, graph, _ in self.unresolved():
            if iri in aliases:
                led[iri].add(graph)
        for iri, graphs in led.items():
            target = known.target(aliases[iri])
            if target is None:
                continue
            for document in graphs | saying(self._store, iri):
                # Who says what it is known by, and refers to that, means another.
                if next(self._store.match(target.iri, MLAOI.resolved, Literal(True), document), None) is None:
                    solved.setdefault(document, {})[iri] = target
        for document, targets in solved.items():
            quads = list(self._store.match(graph=document))
            again = relink(rdf.decode(quads), targets, self._policy)
            self._write({document: rdf.encode(identity.keeping(document, identity.lines(quads), again.statements))})
            self._note(document, again)
            self.linked.add(document)

    def log(self) -> str:
        """Return the entries for documents of whose references something else is found now, as N-Triples."""
        changed = (document for document, gone, new in self.found() if gone or new)
        return "".join(reading_log.linking(document, self._found[document], self._when) for document in changed)

    def found(self) -> Iterator[tuple[str, list[reading_log.Found], list[reading_log.Found]]]:
        """Yield documents whose references were typed again, with what is found in them no more, and what is now."""
        for document, now in self._found.items():
            before = self._before[document]
            yield document, [f for f in before if f not in now], [f for f in now if f not in before]

    def _note(self, document: str, again: Relinked) -> None:
        """Keep what is found of a document's references now, and no more what was found of them before."""
        if not again.pointers:
            return
        if document not in self._found:
            if self._told is None:
                self._told = reading_log.found_anything(self._store)
            if not again.findings and document not in self._told:
                return
            self._found[document] = self._before[document] = reading_log.found_of(self._store, document)
        self._found[document] = [
            *(found for found in self._found[document] if not _is_of(again, found[1], found[0])),
            *((f.pointer, f.rule, f.severity, f.message) for f in again.findings),
        ]


@dataclass(frozen=True, slots=True)
class Taken:
    """What the id of a collection was taken for."""

    name: str
    target: Target
    splits: set[str] = field(default_factory=set)
    """IRIs of its splits, as made of the id."""


class Guesses:
    """Takes what items name by id alone for the collection read before that has the id, in a first build.

    So their documents are written once. Whether it is what the id leads to is known when all are read: a
    :class:`Linker` is asked then, and puts back what is taken wrongly.
    """

    def __init__(self, base: str, policy: SplitPolicy) -> None:
        self._base = base
        self._policy = policy
        self._met: dict[str, Target] = {}
        """By the IRI that references by its id have."""
        self.taken: dict[str, Taken] = {}
        """By that IRI."""

    def link(self, document: ReadDocument) -> None:
        """Have a document that was just read say what collections it names stand for."""
        targets: dict[str, Target] = {}
        for one in document.statements:
            if not isinstance(one, Dataset):
                continue
            if one.resolved and one.identifier is not None and len(self._met) < _REMEMBERED:
                kind = Kind.ARCHIVE if one.archive else Kind.DATASET
                target = Target(one.iri, kind, one.label, one.split)
                self._met.setdefault(iris.collection(self._base, one.identifier), target)
            elif one.resolved is False and one.iri in self._met and one.unresolved_name is not None:
                targets[one.iri] = self._met[one.iri]
                self.taken.setdefault(one.iri, Taken(_as_named(one.unresolved_name), targets[one.iri]))
        if not targets:
            return
        for one in document.statements:
            for whole in one.part_of if isinstance(one, Dataset) and one.split is not None else ():
                if whole in targets:
                    self.taken[whole].splits.add(one.iri)
        names = tuple(sorted(self.taken[iri].name for iri in targets))
        again = relink(document.statements, targets, self._policy, targets)
        said = rdf.encode(document.statements).splitlines(keepends=True)
        document.statements = identity.keeping(document.iri, said, again.statements, names)
        document.findings = [
            *(found for found in document.findings if not _is_of(again, found.rule, found.pointer)),
            *(replace(found, document=document.shown) for found in again.findings),
        ]

    def right(self, store: Store) -> dict[str, Taken]:
        """Return what was taken for what it is, by the IRI of the reference."""
        known = Known(store)
        return {
            iri: one
            for iri, one in self.taken.items()
            if not ((there := known.target(iri)) and there.described)
            and [target for target in known.named(one.name) if target.kind in COLLECTIONS] == [one.target]
        }


def _is_of(again: Relinked, rule: str, pointer: str) -> bool:
    """Return whether a finding is of a reference that was typed again."""
    # What a word is does not follow from what something leads to.
    if (rule, pointer) in (("unknown-split", links.SPLIT_OF_ITEM), ("wrong-type", links.PRETRAINED)):
        return False
    return rule in links.RULES and pointer in again.pointers


def _as_named(name: str) -> str:
    """Return a name as it is kept: a DOI in one form."""
    return iris.doi(name) or name


def _leading_nowhere(statements: Sequence[Statement]) -> dict[str, Target]:
    """Return what a document refers to and does not know."""
    found: dict[str, Target] = {}
    for one in statements:
        if isinstance(one, Model | Dataset | Unknown) and getattr(one, "resolved", False) is False:
            kind = Kind.MODEL if isinstance(one, Model) else Kind.DATASET if isinstance(one, Dataset) else Kind.UNKNOWN
            found[one.iri] = Target(one.iri, kind, one.label, described=False, name=one.unresolved_name)
    return found


def saying(store: Store, iri: str, splits: Iterable[str] = ()) -> set[str]:
    """Return the documents that say of something that it is a part of this: to be written again when this is known.

    ``splits`` are some of those that it has.
    """
    # What uses an item alone says too what that is part of: this, or a split of it.
    quads = list(store.match(None, MLAOI.partOf, iri))
    for part in {*splits, *(_iri(quad.subject) for quad in quads)}:
        quads += store.match(None, MLAOI.partOf, part)
    return {_iri(quad.graph_name) for quad in quads if _iri(quad.graph_name) != rdf.INFERRED_GRAPH}


def referring(store: Store, nodes: Iterable[str]) -> dict[str, set[str]]:
    """Return the documents that refer to any of some nodes, or to a split of one, with which they do."""
    found: dict[str, set[str]] = defaultdict(set)
    for node in nodes:
        parts = {_iri(quad.subject) for quad in store.match(None, MLAOI.partOf, node)}
        for iri in {node, *parts}:
            for predicate in _REFERRING:
                for quad in store.match(None, predicate, iri):
                    found[_iri(quad.graph_name)].add(node)
            for quad in store.match(iri, MLAOI.footprint):
                found[_iri(quad.graph_name)].add(node)
    return found


def misled(store: Store) -> set[str]:
    """Return the documents that speak of something as if it were described, which nothing does (any more)."""
    known = Known(store)
    undescribed: set[str] = set()
    splits: set[str] = set()
    """Of these as much is known as of the whole."""
    for row in cast("Iterator[Any]", store.query(_REFERRED_TO)):
        node, split, whole = row["node"].value, row["split"], row["whole"]
        undescribed.add(node)
        if split is not None and node == iris.part(whole.value, split.value):
            splits.add(node)
    gone = {iri for iri in undescribed - splits if (target := known.target(iri)) is None or not target.described}
    found: set[str] = set()
    for node in gone:
        said = {_iri(quad.graph_name) for quad in store.match(node, MLAOI.resolved, Literal(False))}
        said |= {_iri(quad.graph_name) for quad in store.match(node, RDF.type, MLAOI.UnknownThing)}
        for predicate in _REFERRING:  # a link may say itself what it leads to
            for quad in store.match(None, predicate, node):
                document = _iri(quad.graph_name)
                published = store.match(_iri(quad.subject), MLAOI.asPublished, None, document)
                if any('"lineage:iri"' in _text(one.object) for one in published):
                    said.add(document)
        found |= {_iri(quad.graph_name) for quad in store.match(node, RDF.type)} - said
    return found - {rdf.INFERRED_GRAPH}


def described_by_several(store: Store) -> dict[str, list[str]]:
    """Return what several documents describe, with these documents in order."""
    found: dict[str, list[str]] = {}
    for row in cast("Iterator[Any]", store.query(_SEVERAL)):
        documents = [_iri(quad.graph_name) for quad in store.match(None, MLAOI.describes, row["node"].value)]
        own = [document for document in sorted(documents) if not _is_file_of(document, documents)]
        if len(own) > 1:
            found[row["node"].value] = own
    return dict(sorted(found.items()))


def _is_file_of(document: str, others: Iterable[str]) -> bool:
    """Return whether a document is a file of samples that another links to."""
    return any(document.startswith((f"{other}#samples-", f"{other}-samples-")) for other in others)


def _iri(term: object) -> str:
    assert isinstance(term, NamedNode)  # a store holds no blank nodes
    return term.value


def _text(term: object) -> str:
    assert isinstance(term, Literal)
    return term.value
