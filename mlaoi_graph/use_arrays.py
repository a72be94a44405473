"""What a graph says of uses, as arrays for :mod:`mlaoi_graph.uses`: all of it, or what a change left."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from pyoxigraph import NamedNode

from mlaoi_graph import iri as iris
from mlaoi_graph.geo import mapped
from mlaoi_graph.geo.mapped import Array, Mapped
from mlaoi_graph.model import Precision
from mlaoi_graph.rdf import INFERRED_GRAPH, LOG_GRAPH, STAGE_OF, STAGE_PROPERTY
from mlaoi_graph.results import texts
from mlaoi_graph.stores import Store
from mlaoi_graph.uses import HOW, STAGES, How, Unplaced
from mlaoi_graph.vocab import DCTERMS, MLAOI, RDF, RDFS

__all__ = ["Known", "everything", "updated"]

_STAGE_CODES: Final = {iri: STAGES.index(stage) for iri, stage in STAGE_OF.items()}
_UNPLACED_USE: Final = {True: Unplaced.KNOWN, False: Unplaced.NO_FOOTPRINT}
_LABELLED: Final = (MLAOI.Model, MLAOI.ModelFamily, MLAOI.Dataset)
_WHOLES: Final = (MLAOI.partOf, MLAOI.splitOf)
_IS_ARCHIVE: Final = 1
_IS_DESCRIBED: Final = 2

_USES: Final = """SELECT ?stage ?use ?model ?dataset ?g {
    GRAPH ?g { ?use mlaoi:stage ?stage ; mlaoi:ofModel ?model ; mlaoi:ofDataset ?dataset } }"""
_USED: Final = f"""SELECT ?predicate ?model ?dataset ?g {{
    GRAPH ?g {{ ?model ?predicate ?dataset }} FILTER(?g NOT IN (<{INFERRED_GRAPH}>, <{LOG_GRAPH}>))
    FILTER(isIRI(?model) && isIRI(?dataset)) }}"""
_PARTS: Final = "SELECT ?part ?whole { ?part mlaoi:partOf|mlaoi:splitOf ?whole }"
_SPLITS: Final = "SELECT ?part ?whole { ?part mlaoi:splitOf ?whole }"
_LABELS: Final = "SELECT ?class ?node ?label { ?node a ?class ; rdfs:label ?label }"
_KIND: Final = "SELECT ?class ?node { ?node a ?class }"
_DESCRIBED: Final = "SELECT ?class ?node { ?node a ?class ; mlaoi:resolved true }"


@dataclass(frozen=True, slots=True)
class Known:
    """What footprints tell of datasets and uses."""

    own: dict[str, set[Precision]]
    """Of each dataset with footprints, in their sorted order, how precise those are that have a geometry; GLOBAL, if
    any is unbounded, and empty, if none tells where."""
    limited: dict[str, bool]
    """The uses that have an area, sorted, and whether that has a geometry."""
    lacking: set[str]
    """Datasets with samples that are somewhere, and nobody says where."""
    several: set[str]
    """Datasets of which documents of one id draw several outlines."""


class _Names:
    """Names, and their numbers."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self.number = {name: number for number, name in enumerate(names)}

    def __getitem__(self, name: str) -> int:
        return self.number.setdefault(name, len(self.number))

    def ordered(self, used: Array, key: Callable[[str], object] | None = None) -> tuple[list[str], Array]:
        """Return those of some numbers in order, and of each number its place there."""
        names = list(self.number)
        chosen = np.unique(used).tolist()
        chosen.sort(key=lambda number: names[number] if key is None else key(names[number]))
        place = np.empty(len(names), dtype=np.int64)
        place[chosen] = np.arange(len(chosen))
        return [names[number] for number in chosen], place[used]


@dataclass(slots=True)
class _Said:
    """What is said of uses and their ends."""

    label_of: Callable[[str], str | None]
    """Label of a model, family or dataset; None where none is given."""
    is_family: Callable[[str], bool]
    kind_of: Callable[[str], int]
    """Of a dataset, whether it is an archive and whether a document describes it, as bits."""
    parts: set[tuple[str, str]] = field(default_factory=set)
    """Pairs of part and whole."""
    splits: set[tuple[str, str]] = field(default_factory=set)
    """Those of them that are parts by construction."""
    users: _Names = field(default_factory=_Names)
    used: _Names = field(default_factory=_Names)
    documents: _Names = field(default_factory=_Names)
    twins: list[bytes] = field(default_factory=list)
    table: Array = field(default_factory=lambda: np.empty((4, 0), dtype=np.int64))
    """User, stage, dataset and document of each use, as numbers."""

    def add(self, uses: set[tuple[int, str, str, str, str]]) -> None:
        """Add uses: stage code, twin, user, dataset, document."""
        new = sorted(uses, key=lambda use: use[1])
        self.twins.extend(use[1].encode() for use in new)
        rows = [(self.users[use[2]], use[0], self.used[use[3]], self.documents[use[4]]) for use in new]
        self.table = np.concatenate((self.table, np.array(rows, dtype=np.int64).reshape(-1, 4).T), axis=1)


def everything(store: Store, known: Known) -> dict[str, Array]:
    """Return the tables, as arrays to write."""
    labels: dict[str, str] = {}
    for kind in _LABELLED:
        for node, label in texts(store, _LABELS, **{"class": kind}):
            labels[node] = min(label, labels.get(node, label))
    families = {node for (node,) in texts(store, _KIND, **{"class": MLAOI.ModelFamily})}
    kinds: dict[str, int] = {}
    for bit, query, kind in ((_IS_ARCHIVE, _KIND, MLAOI.SourceArchive), (_IS_DESCRIBED, _DESCRIBED, MLAOI.Dataset)):
        for (node,) in texts(store, query, **{"class": kind}):
            kinds[node] = kinds.get(node, 0) | bit
    said = _Said(labels.get, families.__contains__, lambda iri: kinds.get(iri, 0))
    said.parts.update(texts(store, _PARTS))
    said.splits.update(pair for pair in texts(store, _SPLITS) if not _is_item(store, pair[0]))
    for stage, code in _STAGE_CODES.items():
        used = texts(store, _USED, predicate=STAGE_PROPERTY[STAGES[code]])
        said.add(_told(code, texts(store, _USES, stage=stage), used))
    return _arrays(said, known)


def updated(
    old: Mapped,
    store: Store,
    known: Known,
    documents: Collection[str],
    nodes: Collection[str],
) -> dict[str, Array]:
    """Return what :func:`everything` would, of a store that differs by these documents from what ``old`` is of.

    ``nodes`` are all that the documents say something of, or did.
    """

    def names(name: str) -> list[str]:
        return [piece.decode() for piece in old.pieces(name, np.arange(old.length(f"{name}.starts") - 1))]

    users, used, said_in, targets = names("user"), names("used"), names("said"), names("target")
    labels = dict(zip(users, names("user.labels"), strict=True)) | dict(zip(used, names("used.labels"), strict=True))
    families: dict[str, bool] = dict(zip(users, old.whole("user.family").tolist(), strict=True))
    kinds: dict[str, int] = dict(zip(targets, old.whole("target.kind").tolist(), strict=True))
    for node in nodes:
        labels.pop(node, None)
        families.pop(node, None)
        kinds.pop(node, None)

    def is_a(node: str, kind: str) -> bool:
        return next(store.match(node, RDF.type, kind), None) is not None

    def label_of(iri: str) -> str | None:
        if iri in labels:
            return labels[iri]
        found = [str(getattr(quad.object, "value", "")) for quad in store.match(iri, RDFS.label)]
        return min(found) if found and any(is_a(iri, kind) for kind in _LABELLED) else None

    def kind_of(iri: str) -> int:
        if iri in kinds:
            return kinds[iri]
        described = is_a(iri, MLAOI.Dataset) and any(
            getattr(quad.object, "value", "") == "true" for quad in store.match(iri, MLAOI.resolved)
        )
        return int(_IS_ARCHIVE * is_a(iri, MLAOI.SourceArchive) | _IS_DESCRIBED * described)

    def is_family(iri: str) -> bool:
        return families[iri] if iri in families else is_a(iri, MLAOI.ModelFamily)

    said = _Said(label_of, is_family, kind_of, users=_Names(users), used=_Names(used), documents=_Names(said_in))
    again = set(nodes)
    for name, pairs in (("target.parts", said.parts), ("target.splits", said.splits)):
        before = ((targets[part], targets[whole]) for part, whole in old.whole(name).tolist())
        pairs.update(pair for pair in before if pair[0] not in again)
    for node, predicate in itertools.product(nodes, _WHOLES):
        wholes = {(node, str(getattr(quad.object, "value", ""))) for quad in store.match(node, predicate)}
        said.parts.update(wholes)
        if predicate == MLAOI.splitOf and not _is_item(store, node):
            said.splits.update(wholes)
    gone = [number for number, document in enumerate(said_in) if document in set(documents)]
    kept = ~np.isin(old.whole("uses.document"), gone)
    columns = ("uses.user", "uses.stage", "uses.used", "uses.document")
    said.table = np.stack([old.whole(name)[kept].astype(np.int64) for name in columns])
    said.twins = old.pieces("uses.twin", np.flatnonzero(kept))
    said.add({use for document in documents for use in _uses_in(store, document)})
    return _arrays(said, known)


def _told(
    code: int, twins: Iterable[tuple[str, ...]], used: Iterable[tuple[str, ...]]
) -> set[tuple[int, str, str, str, str]]:
    """Return uses as :meth:`_Said.add` takes them: each edge with its twins, or with "" if it has none.

    That is what the lineage goes by: an update may write an edge alone, or leave a twin without one.
    """
    edges, told = set(used), list(twins)
    bare = edges.difference(use[1:] for use in told)
    uses = [*(use for use in told if use[1:] in edges), *(("", *edge) for edge in bare)]
    return {(code, twin, user, dataset, document) for twin, user, dataset, document in uses}


def _uses_in(store: Store, document: str) -> set[tuple[int, str, str, str, str]]:
    """Return the uses a document tells of: stage code, twin, user, dataset, document."""
    ends: dict[str, dict[str, set[str]]] = {}
    for predicate in (MLAOI.stage, MLAOI.ofModel, MLAOI.ofDataset):
        for quad in store.match(None, predicate, None, document):
            twin, value = (str(getattr(term, "value", "")) for term in (quad.subject, quad.object))
            ends.setdefault(twin, {}).setdefault(predicate, set()).add(value)
    found: set[tuple[int, str, str, str, str]] = set()
    for stage, code in _STAGE_CODES.items():
        twins = (
            (twin, user, dataset, document)
            for twin, said in ends.items()
            if stage in said.get(MLAOI.stage, ())
            for user in said.get(MLAOI.ofModel, ())
            for dataset in said.get(MLAOI.ofDataset, ())
        )
        used = (
            (quad.subject.value, quad.object.value, document)
            for quad in store.match(None, STAGE_PROPERTY[STAGES[code]], None, document)
            if isinstance(quad.subject, NamedNode) and isinstance(quad.object, NamedNode)
        )
        found |= _told(code, twins, used)
    return found


def _arrays(said: _Said, known: Known) -> dict[str, Array]:
    own, limited = known.own, known.limited

    def label(iri: str) -> str:
        return said.label_of(iri) or iris.tail(iri)

    user, stage, dataset, document = said.table
    users, user = said.users.ordered(user, lambda iri: (label(iri).casefold(), iri))
    used, dataset = said.used.ordered(dataset)
    documents, document = said.documents.ordered(document)
    # What one document says of one user, stage and dataset is in the order of the twins already.
    order = np.lexsort((document, dataset, stage, user))
    twins = [said.twins[number] for number in order.tolist()]
    user, stage, dataset, document = (column[order] for column in (user, stage, dataset, document))

    places = _Places(said, known)
    targets = sorted({*own, *used, *limited, *places.datasets})
    target_place = {iri: place for place, iri in enumerate(targets)}
    source_place = {iri: place for place, iri in enumerate([*own, *limited])}
    pairs = [(source_place[iri], target_place[iri], How.USE) for iri in limited]
    for iri in targets:
        if iri not in limited:
            pairs += [(source_place[s], target_place[iri], how) for s, how in places.sources(iri)]
    source, target, how = np.array(pairs, dtype=np.int64).reshape(-1, 3).T
    use_target = np.array([target_place[iri] for iri in used], dtype=np.int64)[dataset]
    loose = [(source_place[whole], target_place[part]) for part, whole in places.unsplit]
    loose_source, loose_target = np.array(loose, dtype=np.int64).reshape(-1, 2).T
    is_limited = {iri.encode(): target_place[iri] for iri in limited}
    if is_limited:
        of_use = np.array([is_limited.get(twin, -1) for twin in twins], dtype=np.int64)
        use_target = np.where(of_use >= 0, of_use, use_target)

    def numbers(pairs: set[tuple[str, str]]) -> Array:
        placed = sorted((target_place[part], target_place[whole]) for part, whole in pairs if part != whole)
        return np.array(placed, dtype=np.uint32).reshape(-1, 2)

    def codes(values: Array) -> Array:
        return values.astype(np.uint32)

    return {
        **mapped.runs("source.targets", len(own) + len(limited), source, target * HOW + how),
        **mapped.runs("target.sources", len(targets), target, source * HOW + how),
        **mapped.runs("source.splits", len(own) + len(limited), loose_source, loose_target),
        **mapped.runs("target.unsplit", len(targets), loose_target, loose_source),
        **mapped.runs("target.uses", len(targets), use_target, np.arange(len(twins))),
        **_texts("target", targets),
        "target.kind": np.array([said.kind_of(iri) for iri in targets], dtype=np.uint8),
        "target.parts": numbers(said.parts),
        "target.splits": numbers(said.splits),
        "target.unplaced": np.array(
            [_UNPLACED_USE[limited[iri]] if iri in limited else places.unplaced(iri) for iri in targets], dtype=np.uint8
        ),
        "target.samples": np.array(
            [iri not in limited and places.has_samples(iri) for iri in targets],
            dtype=bool,
        ),
        "uses.stage": stage.astype(np.uint8),
        "uses.user": codes(user),
        "uses.used": codes(dataset),
        "uses.document": codes(document),
        "uses.target": codes(use_target),
        **mapped.ragged("uses.twin", twins),
        **_texts("user", users),
        **_texts("user.labels", [label(iri) for iri in users]),
        "user.family": np.array([said.is_family(iri) for iri in users], dtype=bool),
        **_texts("used", used),
        **_texts("used.labels", [label(iri) for iri in used]),
        **_texts("said", documents),
    }


def _is_item(store: Store, dataset: str) -> bool:
    """Return whether a dataset is one item: of a collection, and as it states no other split of any of its splits."""
    return next(store.match(iris.sub(dataset, "area"), DCTERMS.identifier), None) is not None


class _Places:
    """Whose footprints tell where each dataset is."""

    def __init__(self, said: _Said, known: Known) -> None:
        self._own: Mapping[str, set[Precision]] = known.own
        self._kind_of = said.kind_of
        self._parts: dict[str, list[str]] = {}
        self._wholes: dict[str, list[str]] = {}
        self._splits: dict[str, list[str]] = {}
        for pairs, parts in ((said.parts, self._parts), (said.splits, self._splits)):
            for part, whole in sorted(pairs):
                if part != whole:
                    parts.setdefault(whole, []).append(part)
        for whole, its_parts in self._parts.items():
            for part in its_parts:
                self._wholes.setdefault(part, []).append(whole)
        self.datasets = {*self._parts, *self._wholes}
        self._sources: dict[str, list[tuple[str, How]]] = {}
        self._lacking, self._lacking_of_any_split = self._all_lacking(known.lacking)
        self._several = known.several
        self._known = self._all_known()
        self.unsplit = sorted(
            (part, source)
            for whole, its_parts in self._splits.items()
            for source in self._of_no_split(whole)
            for part in its_parts
            if iris.is_part(part, whole) and any(how is not How.INHERITED for _, how in self.sources(part))
        )
        """Pairs of a split that says where it is, and a source whose data state none, and may be of it."""
        self._may_be_more = {part for part, _ in self.unsplit}

    def sources(self, dataset: str) -> list[tuple[str, How]]:
        found = self._sources.get(dataset)
        if found is None:
            found = [(dataset, How.OWN)] if self._tells(dataset) else []
            found += [(part, How.PART) for part in _reach(dataset, self._parts) if self._tells(part)]
            found = found or [(source, How.INHERITED) for source in self._bounds(dataset)]
            self._sources[dataset] = found
        return found

    def has_samples(self, dataset: str) -> bool:
        """Return whether samples of the dataset are known: those of a whole may be others."""
        sources = self.sources(dataset)
        return any(Precision.SAMPLES in self._own[source] for source, how in sources if how is not How.INHERITED)

    def unplaced(self, dataset: str) -> Unplaced:
        if self._kind_of(dataset) & _IS_ARCHIVE:
            return Unplaced.UNBOUNDED
        sources = self.sources(dataset)
        if any(Precision.GLOBAL in self._own[source] for source, _ in sources):
            return Unplaced.UNBOUNDED
        if dataset in self._known:
            return Unplaced.NO_SPLIT if dataset in self._may_be_more else Unplaced.KNOWN
        if sources and sources[0][1] is How.INHERITED:
            # The samples that are known of a whole are no bound of what else there is in it.
            wholes = self._nearest(dataset)
            if any(not self._own[whole] - {Precision.SAMPLES} for whole in wholes):
                return Unplaced.NO_FOOTPRINT
            is_lacking = dataset in self._lacking or self._lacking_of_any_split.intersection(wholes)
            return Unplaced.SOME_SAMPLES if is_lacking else Unplaced.KNOWN
        if sources:
            return Unplaced.SOME_SAMPLES if dataset in self._lacking else Unplaced.SOME_PARTS
        named = [dataset, *_reach(dataset, self._wholes)]
        is_described = any(self._kind_of(iri) & _IS_DESCRIBED for iri in named)
        return Unplaced.NO_FOOTPRINT if is_described else Unplaced.UNRESOLVED

    def _tells(self, dataset: str) -> bool:
        return bool(self._own.get(dataset))

    def _nearest(self, dataset: str) -> list[str]:
        """Return the wholes that have a footprint of their own, and none on the way to them."""
        found, seen = set[str](), {dataset}
        waiting = [dataset]
        while waiting:
            for whole in self._wholes.get(waiting.pop(), ()):
                if self._tells(whole):
                    found.add(whole)
                elif whole not in seen:
                    seen.add(whole)
                    waiting.append(whole)
        return sorted(found)

    def _bounds(self, dataset: str) -> list[str]:
        """Return what bounds a dataset that is somewhere in a whole: that, and members of it, which may lie outside."""
        found = self._nearest(dataset)
        inside = {source for whole in found for source in self._in_members(whole)}
        return [*found, *sorted(inside.difference(found))]

    def _in_members(self, whole: str) -> set[str]:
        """Return what tells where the members of a whole are, its splits apart: a split is of the members."""
        members = set(self._parts.get(whole, ())).difference(self._splits.get(whole, ()))
        inside = {source for member in members for source in (member, *_reach(member, self._parts))}
        return {source for source in inside if self._tells(source)}

    def _of_no_split(self, whole: str) -> set[str]:
        """Return what tells where data of a whole are that state no split: its own samples, and its members.

        And what several documents of its id say, of which it is not known which the splits are of.
        """
        own = {whole} if Precision.SAMPLES in self._own.get(whole, ()) or whole in self._several else set()
        return own | self._in_members(whole)

    def _all_lacking(self, own: set[str]) -> tuple[set[str], set[str]]:
        """Return the datasets that lack where samples are, and those of them that lack samples of no split.

        What a part lacks, its whole lacks. What a whole or a member of it lacks may be of any split of the whole; what
        a split lacks is of no other split.
        """
        lacking, of_any_split = set(own), set(own)
        waiting = list(own)
        while waiting:
            iri = waiting.pop()
            splits = self._splits.get(iri, ()) if iri in of_any_split else ()
            wholes = self._wholes.get(iri, ())
            of_members = [whole for whole in wholes if iri not in self._splits.get(whole, ())]
            more = {*splits, *of_members} - of_any_split
            of_any_split |= more
            waiting += more.union({*wholes} - lacking)
            lacking |= more.union(wholes)
        return lacking, of_any_split

    def _bounds_parts(self, dataset: str) -> bool:
        """Return whether its outline holds all of its parts: where it has samples, these speak for it and no part."""
        own = self._own[dataset]
        if own == {Precision.SAMPLES}:
            return False
        return Precision.SAMPLES not in own or not any(
            (dataset, How.INHERITED) in self.sources(part)
            for part in _reach(dataset, self._parts)
            if not any(part in self._splits.get(whole, ()) for whole in self._wholes[part])
        )

    def _all_known(self) -> set[str]:
        """Return the datasets all of whose data lie where sources say.

        They have an outline, or every part of them is one of these; and no sample is missing.
        """
        # Unbounded ones are told before.
        known = {
            iri
            for iri, precisions in self._own.items()
            if iri not in self._lacking and precisions and (not self._parts.get(iri) or self._bounds_parts(iri))
        }
        missing = {whole: len(parts) for whole, parts in self._parts.items()}
        waiting = list(known)
        while waiting:
            for whole in self._wholes.get(waiting.pop(), ()):
                missing[whole] -= 1
                if not missing[whole] and whole not in known and whole not in self._lacking:
                    known.add(whole)
                    waiting.append(whole)
        return known


def _reach(start: str, edges: dict[str, list[str]]) -> list[str]:
    """Return everything edges lead to from a node, itself left out, nearest first."""
    found, seen = [], {start}
    waiting = list(edges.get(start, ()))
    for iri in waiting:  # grows while it is gone through
        if iri not in seen:
            seen.add(iri)
            found.append(iri)
            waiting.extend(edges.get(iri, ()))
    return found


def _texts(name: str, values: list[str]) -> dict[str, Array]:
    return mapped.ragged(name, [value.encode() for value in values])
