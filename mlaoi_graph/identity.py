"""Find what is one thing under two IRIs, and say it in one.

What makes two described things one, and what keeps them apart, is decided in ``docs/decisions/0015``; it depends on
what the documents say and not on when which was read. Nothing is lost: a document whose IRIs are replaced keeps what
it said (``mlaoi:asRead``), so that the things can be told apart again.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, starmap
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from pyoxigraph import BlankNode, Literal, NamedNode, Quad

from mlaoi_graph import iri as iris
from mlaoi_graph import rdf
from mlaoi_graph.model import (
    AreaOfInterest,
    Association,
    Dataset,
    DataUse,
    Derivation,
    Evidence,
    Finding,
    Model,
    Severity,
    SourceDocument,
    Statement,
)
from mlaoi_graph.reading_log import identification
from mlaoi_graph.stores import Store
from mlaoi_graph.vocab import DCTERMS, MLAOI, RDF, RDFS, SKOS

__all__ = ["Same", "United", "aliases", "as_read", "find", "keeping", "lines", "unite"]

_UPWARD: Final = (
    *rdf.DERIVATION_PROPERTY.values(),
    *rdf.ASSOCIATION_PROPERTY.values(),
    MLAOI.splitOf,
    *(edge for stage, edge in rdf.STAGE_PROPERTY.items() if stage.teaches),
)
"""Edges to what a thing came from, is a part of or follows: at either end of them are two things."""
_FIELDS: Final[Mapping[type, tuple[str, ...]]] = {
    Dataset: ("part_of", "source_images"),
    AreaOfInterest: ("source_images", "label_sources"),
    DataUse: ("model", "dataset"),
    Derivation: ("derived", "source"),
    Association: ("subject", "object"),
    SourceDocument: ("describes",),
}
"""Where a statement names models and datasets besides the one it is about."""
_COMMON: Final = """
    annotations base baseline best checkpoint chips classification classifier collection data dataset datasets decoder
    demo detection detector encoder example final finetuned ground image imagery images item items label labels large
    latest main mask masks ml model models net network of pretrained raster sample samples segmentation set small source
    split splits tasks test testing the tile tiles train training truth val validation vector weights
    clip cnn deeplab deeplabv3 dino dinov2 efficientnet fcn mae resnet resnet18 resnet50 resnet101 segformer swin
    transformer u unet vgg vit yolo
    0 1 2 3 4 5 6 7 8 9 v1 v2 v3
"""
"""Words that tell nothing from another, nor do several of them; what many build on is among them."""
_GENERIC: Final = frozenset(_COMMON.split())
_OWN_IRI: Final = (AreaOfInterest, DataUse, Derivation, Association, SourceDocument, Evidence)
"""What has an IRI that is not a model's or dataset's."""


@dataclass(frozen=True, slots=True)
class Same:
    """Models, or datasets, that are one."""

    iri: str
    """The one IRI that stays."""
    others: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class United:
    """What is to be written so that things that are one are said to be."""

    documents: dict[str, str]
    """N-Triples by document."""
    log: str
    findings: list[Finding]


class _Shared(NamedTuple):
    """What things may have in common."""

    what: str
    """``DOI``, ``address`` or ``weights``."""
    value: str

    def __str__(self) -> str:
        return f"{self.what} {self.value}"


@dataclass(frozen=True, slots=True)
class _Thing:
    """A described model or dataset, as far as it tells whether another is the same."""

    iri: str
    is_model: bool
    archive: bool
    versions: frozenset[str]
    splits: frozenset[str]
    ids: frozenset[str]
    names: frozenset[str]
    """Ids and titles that tell it from others: no architecture, and no word that many use."""
    addresses: frozenset[str]
    """Other IRIs its documents give it."""
    sources: frozenset[str]
    """Who describes it: names of sources, hosts of documents with an address of their own."""
    titles: frozenset[str] = frozenset()
    """Titles as they stand, unless that is the id."""


class _Things:
    """Reads things out of a store, each once."""

    def __init__(self, store: Store, base: str) -> None:
        self._store = store
        self._documents = f"{base}documents/"
        self._known: dict[str, _Thing | None] = {}
        self._before: dict[str, list[str]] = {}

    def __call__(self, iri: str) -> _Thing | None:
        """Return a thing; None for what no document describes, or is described as a model and as data."""
        if iri not in self._known:
            self._known[iri] = self._read(iri)
        return self._known[iri]

    def _read(self, iri: str) -> _Thing | None:
        graphs = {_graph(quad) for quad in self._store.match(iri, MLAOI.resolved, Literal(True))}
        if not graphs:
            return None

        # By property: what is said of a dataset may be a million footprints.
        def texts(*predicates: str) -> frozenset[str]:
            quads = (quad for predicate in predicates for quad in self._store.match(iri, predicate))
            return frozenset(_text(quad.object) for quad in quads if _graph(quad) in graphs)

        kinds = texts(RDF.type)
        is_model = MLAOI.Model in kinds
        if is_model is (MLAOI.Dataset in kinds):
            return None
        ids = frozenset(map(_plain, texts(DCTERMS.identifier)))
        common = {name.replace(" ", "") for name in map(_plain, texts(MLAOI.architecture))}
        return _Thing(
            iri,
            is_model,
            MLAOI.SourceArchive in kinds,
            frozenset(map(_plain, texts(MLAOI.version))),
            texts(MLAOI.split),
            ids,
            frozenset(
                name
                for name in ids | set(map(_plain, texts(RDFS.label)))
                if name.replace(" ", "") not in common and not _GENERIC.issuperset(name.split())
            ),
            frozenset(filter(None, map(_address, texts(SKOS.altLabel)))),
            frozenset(map(self._source, graphs)),
            frozenset(title for title in texts(RDFS.label) if _plain(title) not in ids),
        )

    def _source(self, document: str) -> str:
        if document.startswith(self._documents):
            return document.removeprefix(self._documents).partition("/")[0]
        return urlsplit(document).netloc

    def differ(self, things: Sequence[_Thing]) -> str | None:
        """Return why any two of some things are not one, whatever they have in common; None if nothing says so."""
        if len({thing.is_model for thing in things}) > 1:
            return "one is a model, the other is data"
        if len({thing.archive for thing in things}) > 1:
            return "one is an open-ended archive"
        versions = {thing.versions for thing in things if thing.versions}
        if any(not one & other for one, other in combinations(versions, 2)):
            return f"versions {', '.join(sorted(frozenset().union(*versions)))}"
        if len({thing.splits for thing in things}) > 1:
            return "they are other splits"
        if self._lead_to_each_other(things):
            return "one came from, is a part of, or follows the other"
        by_source: dict[str, list[_Thing]] = defaultdict(list)
        for thing in things:
            for source in thing.sources:
                by_source[source].append(thing)
        for source, own in sorted(by_source.items()):
            if any(
                one.iri not in other.addresses and other.iri not in one.addresses for one, other in combinations(own, 2)
            ):
                return f"{source} tells them apart"
        return None

    def _lead_to_each_other(self, things: Iterable[_Thing]) -> bool:
        """Return whether any of some things is reached from another by what it came from, is a part of or follows."""
        # From all at once. Two places a node was reached from are enough: one of them is another than any third.
        reached = {thing.iri: {thing.iri} for thing in things}
        ends = frozenset(reached)
        ahead = [(iri, iri) for iri in reached]
        while ahead:
            node, start = ahead.pop()
            for found in self._above(node):
                if found in ends and found != start:
                    return True
                starts = reached.setdefault(found, set())
                if start not in starts and len(starts) < 2:
                    starts.add(start)
                    ahead.append((found, start))
        return False

    def _above(self, node: str) -> list[str]:
        """Return what a thing came from, is a part of or follows, by one edge."""
        if node not in self._before:
            # What was inferred follows from what was one before; text is what old updates left.
            self._before[node] = [
                quad.object.value
                for predicate in _UPWARD
                for quad in self._store.match(node, predicate)
                if isinstance(quad.object, NamedNode) and _graph(quad) != rdf.INFERRED_GRAPH
            ]
        return self._before[node]


def as_read(store: Store) -> tuple[dict[str, str], dict[str, str]]:
    """Return what documents said when they were read, if they say it otherwise now, and which IRI is which now.

    Of those that only have names that lead somewhere it is left as it is.
    """
    by_name = {_graph(quad) for quad in store.match(None, MLAOI.byName)}
    said = {g: _text(quad.object) for quad in store.match(None, MLAOI.asRead) if (g := _graph(quad)) not in by_name}
    was: dict[str, str] = {}
    for document, text in said.items():
        then = re.search(rf"^<{re.escape(document)}> <{MLAOI.describes}> <([^>]*)> \.$", text, re.MULTILINE)
        for quad in store.match(document, MLAOI.describes, None, document):
            if then is not None and then[1] != _text(quad.object):
                was[then[1]] = _text(quad.object)
    return said, was


def unite(store: Store, base: str, was: Mapping[str, str], when: str) -> United:
    """Return what a store is to hold that has every document as it was read; ``was`` is which IRI was which before."""
    sames, findings = find(store, base)
    names = _renamings(store, sames)
    changed: dict[str, str] = {}
    for document in sorted(_naming(store, names)):
        quads = list(store.match(graph=document))
        again = _renamed(rdf.decode(quads), names)
        if again is not None:
            changed[document] = rdf.encode(keeping(document, lines(quads), again))
    now = {other: (same.iri, same.why) for same in sames for other in same.others}
    log: list[str] = []
    for other in sorted(was.keys() | now.keys()):
        stays, why = now.get(other, (None, ""))
        if other in was and was[other] != stays:
            log.append(identification(MLAOI.Separation, was[other], other, when, ""))
            message = f"{other} was taken for {was[other]}, which nothing says any more; they are two again"
            findings.append(_finding("told-apart", message))
        if stays is not None and was.get(other) != stays:
            log.append(identification(MLAOI.Identification, stays, other, when, why))
            message = f"{other} is {stays}: they share {why}. It stands under the latter, and is an alias of it"
            findings.append(_finding("same-thing", message))
    return United(changed, "".join(log), findings)


def find(store: Store, base: str) -> tuple[list[Same], list[Finding]]:
    """Return what is one in a store that has every document as it was read, and what is doubtful of that: what was kept
    apart though it shares, and what is one though it is called otherwise.

    A key that things share counts if nothing tells any two of them apart; so do all keys that lead from one to another.
    """
    things = _Things(store, base)
    groups: list[tuple[_Shared, list[_Thing]]] = []
    kept_apart: list[Finding] = []
    for key, members in _shared(store, things):
        why = things.differ(members)
        # Weights are the thing itself and an IRI is its name; a DOI or a page may be that of a paper.
        of_them = key.what == "weights" or any(key == ("address", member.iri) for member in members)
        if why is None and not of_them and not _go_by_one_name(members):
            why = "they go by other names"
        if why is None and not of_them and key.what == "address" and not _is_json(key.value):
            why = "nobody has read what is there, and it may be a page on several"
        if why is None:
            groups.append((key, members))
        elif key.what == "weights" or len(frozenset().union(*(member.sources for member in members))) > 1:
            kept_apart.append(_kept_apart(str(key), members, why))
    found: list[Same] = []
    for shared, together in _components(groups):
        why = things.differ(together)
        if why is not None:
            kept_apart.append(_kept_apart(shared, together, why))
            continue
        # What others call it by is what it is known by; a minted IRI is a makeshift.
        given = frozenset().union(*(one.addresses for one in together))
        named = [one for one in together if one.iri in given] or together
        iri = min((one.iri for one in named), key=lambda iri: (iri.startswith(base), iri))
        found.append(Same(iri, tuple(one.iri for one in together if one.iri != iri), shared))
        titles = {_plain(title): (one.iri, title) for one in reversed(together) for title in sorted(one.titles)}
        if "DOI " in shared and len(titles) > 1:
            called = ", ".join(f"{iri} {title!r}" for iri, title in sorted(titles.values())[:5])
            message = f"taken for one, as they share {shared} and an id, though they are called otherwise: {called}"
            kept_apart.append(_finding("titles-differ", f"{message}. If they are two, give one another id"))
    return found, kept_apart


def aliases(store: Store) -> dict[str, str]:
    """Return the one described thing that an address is an alias of, for each address that no document describes."""
    holders: dict[str, set[str]] = defaultdict(set)
    for quad in store.match(None, SKOS.altLabel):
        address = _address(_text(quad.object))
        if address is not None and _is_described(store, _text(quad.subject)):
            holders[address].add(_text(quad.subject))
    return {
        address: next(iter(things))
        for address, things in holders.items()
        if len(things) == 1 and not _is_described(store, address)
    }


def _is_described(store: Store, iri: str) -> bool:
    return next(store.match(iri, MLAOI.resolved, Literal(True)), None) is not None


def _shared(store: Store, things: _Things) -> list[tuple[_Shared, list[_Thing]]]:
    """Return what several described things share: an address, a DOI, all checksums of a model's weights."""
    holders: dict[_Shared, set[str]] = defaultdict(set)
    for quad in store.match(None, SKOS.altLabel):
        address = _address(_text(quad.object))
        if address is not None:
            holders[_Shared("address", address)] |= {_text(quad.subject), address}
    for quad in store.match(None, MLAOI.doi):
        doi = _text(quad.object)
        holders[_Shared("DOI", (iris.doi(doi) or doi).lower())].add(_text(quad.subject))
    weights: dict[str, set[str]] = defaultdict(set)
    for quad in store.match(None, MLAOI.checksum):
        weights[_text(quad.subject)].add(_text(quad.object))
    for iri, checksums in weights.items():
        holders[_Shared("weights", " ".join(sorted(checksums)))].add(iri)
    found: list[tuple[_Shared, list[_Thing]]] = []
    for key, nodes in sorted(holders.items()):
        if len(nodes) < 2:
            continue
        members = [thing for thing in map(things, sorted(filter(iris.is_iri, nodes))) if thing is not None]
        if key.what == "weights":  # files of data may be anything, a licence for one
            members = [thing for thing in members if thing.is_model]
        if len(members) > 1:
            found.append((key, members))
    return found


def _go_by_one_name(things: Sequence[_Thing]) -> bool:
    """Return whether the id of one of any two is the id or a title of the other, and neither id says more."""
    # Many of them may be called alike: two of each are enough.
    alike: dict[tuple[frozenset[str], frozenset[str]], list[_Thing]] = defaultdict(list)
    for thing in things:
        alike[thing.ids, thing.names].append(thing)
    return all(starmap(_same_name, combinations([one for some in alike.values() for one in some[:2]], 2)))


def _same_name(one: _Thing, other: _Thing) -> bool:
    if one.ids & other.ids & one.names & other.names:
        return True
    if any(set(a.split()) < set(b.split()) or set(b.split()) < set(a.split()) for a in one.ids for b in other.ids):
        return False  # eurosat and eurosat-ms, under the title of both
    # A title alone may be that of a paper, whose models have ids of their own.
    return bool((one.ids & one.names & other.names) | (other.ids & other.names & one.names))


def _is_json(address: str) -> bool:
    return urlsplit(address).path.endswith((".json", ".geojson"))


def _components(groups: Sequence[tuple[_Shared, list[_Thing]]]) -> list[tuple[str, list[_Thing]]]:
    """Return which things hang together through what they share, and what that is."""
    if not groups:
        return []  # mostly, and networkx takes a tenth of a second to come
    import networkx as nx

    links: nx.Graph[_Shared | str] = nx.Graph()
    for key, members in groups:
        links.add_edges_from((key, thing.iri) for thing in members)
    things = {thing.iri: thing for _, members in groups for thing in members}
    return sorted(
        (
            ", ".join(sorted(str(key) for key in together if isinstance(key, _Shared))),
            [things[iri] for iri in sorted(node for node in together if not isinstance(node, _Shared))],
        )
        for together in nx.connected_components(links)
    )


def _renamings(store: Store, sames: Iterable[Same]) -> dict[str, str]:
    """Return the IRI that stays for each other one, those of minted splits included."""
    found: dict[str, str] = {}
    for same in sames:
        for other in same.others:
            found[other] = same.iri
            for quad in store.match(None, MLAOI.splitOf, other):
                part = _text(quad.subject)
                for said in store.match(part, MLAOI.split):
                    split = _text(said.object)
                    if part == iris.part(other, split):
                        found.setdefault(part, iris.part(same.iri, split))
    return found


def _renamed(statements: Sequence[Statement], names: Mapping[str, str]) -> list[Statement] | None:
    """Return what a document says with some IRIs replaced; None if it has none of them.

    What it describes keeps the IRI it had as an alias.
    """
    found: list[Statement] = []
    changed = False
    for statement in statements:
        new: dict[str, object] = {}
        for name in _FIELDS.get(type(statement), ()):
            value = getattr(statement, name)
            if isinstance(value, tuple):
                other: object = tuple(sorted({names.get(iri, iri) for iri in value}))
            else:
                other = names.get(value, value)
            if other != value:
                new[name] = other
        if statement.iri in names and not isinstance(statement, _OWN_IRI):
            new["iri"] = names[statement.iri]
            if isinstance(statement, Model | Dataset) and statement.resolved:
                new["aliases"] = tuple(sorted({*statement.aliases, statement.iri} - {names[statement.iri]}))
        changed = changed or bool(new)
        found.append(replace(statement, **new) if new else statement)  # type: ignore[arg-type]
    return found if changed else None


def keeping(
    document: str, said: Iterable[str], statements: Sequence[Statement], by_name: tuple[str, ...] = ()
) -> list[Statement]:
    """Return statements that take the place of what a document says, with what it was read to say, given in lines.

    ``by_name`` are the names that lead to what they stand for now, if it says all else as it was read to.
    """
    source = next((s for s in statements if isinstance(s, SourceDocument)), SourceDocument(iri=document))
    if source.as_read is not None:
        names = tuple(sorted({*source.by_name, *by_name})) if source.by_name and by_name else ()
        kept = replace(source, by_name=names)
    else:
        kept = replace(source, as_read="".join(sorted(set(said))), by_name=by_name)
    return [*(s for s in statements if not isinstance(s, SourceDocument)), kept]


def lines(quads: Iterable[Quad]) -> Iterator[str]:
    """Yield the triples of some quads as lines of N-Triples."""
    return (f"{quad.subject} {quad.predicate} {quad.object} .\n" for quad in quads)


def _naming(store: Store, nodes: Iterable[str]) -> set[str]:
    """Return the documents that name any of the nodes."""
    found: set[str] = set()
    for node in nodes:
        for quads in (store.match(node), store.match(None, None, node)):
            found.update(map(_graph, quads))
    return found - {rdf.LOG_GRAPH, rdf.INFERRED_GRAPH}


def _kept_apart(key: str, members: Sequence[_Thing], why: str) -> Finding:
    names = ", ".join(thing.iri for thing in members[:5]) + (", ..." if len(members) > 5 else "")
    return _finding("kept-apart", f"{names} share {key}; not taken for one: {why}")


def _finding(rule: str, message: str) -> Finding:
    return Finding(document="catalog", pointer="", rule=rule, message=message, severity=Severity.INFO)


def _address(text: str) -> str | None:
    return iris.safe_iri(text) if text.startswith(("http://", "https://")) else None


def _plain(name: str) -> str:
    """Return a name without case and marks; a version without the v it begins with.

    >>> _plain("EuroSAT-Subset"), _plain("v1.5"), _plain("1.5")
    ('eurosat subset', '1 5', '1 5')
    """
    return re.sub(r"^v(?=\d)", "", " ".join(re.findall(r"[^\W_]+", name.casefold())))


def _text(term: object) -> str:
    assert isinstance(term, NamedNode | Literal | BlankNode)
    return term.value


def _graph(quad: object) -> str:
    return _text(quad.graph_name)  # type: ignore[attr-defined]
