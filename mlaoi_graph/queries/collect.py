"""Collect what documents say of models and datasets, in any order, into the arrays of :mod:`.columns`.

From the statements themselves while documents are read, or piece by piece by :mod:`.reading` from a store that holds
them: both give the same.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import orjson

from mlaoi_graph import iri as iris
from mlaoi_graph import rdf
from mlaoi_graph.model import (
    Association,
    AssociationKind,
    Confidence,
    Dataset,
    DataUse,
    Derivation,
    Disclosure,
    Evidence,
    Model,
    ModelFamily,
    QualifiedEdge,
    SourceDocument,
    Statement,
    Unknown,
)
from mlaoi_graph.queries.columns import FACTS, Columns, in_bytes, squeeze
from mlaoi_graph.queries.details import StoreDetails
from mlaoi_graph.queries.graph import (
    CODE,
    DISCLOSURES,
    FAMILY,
    IS_ARCHIVE,
    IS_DATASET,
    IS_FAMILY,
    IS_MODEL,
    IS_UNKNOWN,
    MEMBER,
    PART,
    PARTS,
    SUCCEEDS,
)
from mlaoi_graph.times import earliest

__all__ = ["BARE", "Collector", "Edge", "Facts", "KnownBy"]

Edge: TypeAlias = tuple[int, int, int]
"""Newer end, code, older end."""
Facts: TypeAlias = tuple[str | None, ...]
"""What is said in each field of :data:`~.columns.FACTS`."""
NO_FACTS: Final[Facts] = (None,) * len(FACTS)
_KINDS: Final = {Model: IS_MODEL, ModelFamily: IS_FAMILY, Dataset: IS_DATASET, Unknown: IS_UNKNOWN}
_ASSOCIATED: Final = {AssociationKind.PART_OF: MEMBER, AssociationKind.SUCCEEDS: SUCCEEDS}
_squeeze: Final = lru_cache(maxsize=1 << 16)(squeeze)


@dataclass(frozen=True, slots=True)
class KnownBy:
    """The statement an edge is known by: of several in one document the verified one, then the first by IRI."""

    doubt: int
    twin: str
    number: int
    """Which of the things said of edges."""


BARE: Final = KnownBy(0, "", 0)


class Collector:
    """What documents say of models and datasets, as numbers."""

    def __init__(self) -> None:
        self.nodes: dict[str, int] = {}
        self.kinds = bytearray()
        self._resolved = bytearray()
        self._disclosure = bytearray()
        self._labels: dict[int, str] = {}
        self._facts: dict[int, list[tuple[bool, str, Facts]]] = {}
        """Whether a document only mentions the node, which it is, and what it says: of each field the first counts."""
        self._tasks: dict[int, set[str]] = {}
        self._names: dict[int, set[str]] = {}
        self._versions: dict[int, set[str]] = {}
        self._documents: dict[str, int] = {}
        self._times: list[tuple[str, str]] = []
        self._sayings: dict[bytes, int] = {b"": 0}
        self._evidence: dict[str, bytes] = {}
        self._cited: set[str] = set()
        # Six numbers an edge, not objects: there may be millions.
        self._table = array("q")

    # -- from statements --------------------------------------------------------------------------------------

    def take(self, document: str, statements: Iterable[Statement], read_at: str | None = None) -> None:
        """Take what one document says. ``read_at`` is when it was first read saying so."""
        edges: dict[Edge, KnownBy] = {}
        stated_at: list[str] = []
        facts: dict[int, Facts] = {}
        described: set[int] = set()
        for statement in statements:
            if isinstance(statement, DataUse | Derivation | Association):
                self._take_twin(edges, statement)
            elif isinstance(statement, Model | Dataset | ModelFamily | Unknown):
                node = self._take_node(edges, statement)
                facts[node] = _least(facts.get(node, NO_FACTS), _facts_of(statement))
                if isinstance(statement, Model | Dataset) and statement.resolved:
                    described.add(node)
            elif isinstance(statement, Evidence):
                self.cite(statement)
            elif isinstance(statement, SourceDocument) and statement.iri == document and statement.stated_at:
                stated_at.append(statement.stated_at)
        for node, said in facts.items():
            self.tell(node, document, said, described=node in described)
        if edges:
            self.add(document, edges, earliest(stated_at), read_at)

    def _take_twin(self, edges: dict[Edge, KnownBy], twin: QualifiedEdge) -> None:
        if isinstance(twin, DataUse):
            newer, code, older, split = twin.model, CODE[twin.stage], twin.dataset, twin.split
        elif isinstance(twin, Derivation):
            newer, code, older, split = twin.derived, CODE[twin.kind], twin.source, twin.source_split
        else:
            newer, code, older, split = twin.subject, _ASSOCIATED[twin.kind], twin.object, None
        edge = self.node(newer), code, self.node(older)
        doubt = twin.confidence is Confidence.UNVERIFIED
        known = edges.get(edge)
        if known is None or not known.twin or (doubt, twin.iri) < (known.doubt, known.twin):
            said = self.saying(twin.rule.value, twin.pointer, split, twin.note, twin.evidence)
            edges[edge] = KnownBy(doubt, twin.iri, said)
        if code == MEMBER:
            edges.pop((edge[0], PART, edge[2]), None)

    def _take_node(self, edges: dict[Edge, KnownBy], statement: Model | Dataset | ModelFamily | Unknown) -> int:
        node = self.node(statement.iri)
        if not (isinstance(statement, Dataset) and statement.latent):
            self.kinds[node] |= _KINDS[statement.__class__]
        for name in (statement.label, *_other_names(statement)):
            if name is not None:
                self.name(node, rdf.storable(name), is_label=name is statement.label)
        if isinstance(statement, Model | Dataset):
            self._resolved[node] |= statement.resolved is True
            if statement.version is not None:
                self.version(node, rdf.storable(statement.version))
        if isinstance(statement, Model):
            if statement.disclosure is not None:
                self.disclose(node, statement.disclosure)
            for word in statement.tasks:
                self.task(node, rdf.storable(word))
            if statement.family is not None:
                edges.setdefault((node, FAMILY, self.node(statement.family)), BARE)
        elif isinstance(statement, Dataset):
            if statement.archive:
                self.kinds[node] |= IS_ARCHIVE
            for iri in statement.part_of:
                whole = self.node(iri)
                if (node, MEMBER, whole) not in edges:
                    edges.setdefault((node, PART, whole), BARE)
        return node

    # -- piece by piece ---------------------------------------------------------------------------------------

    def node(self, iri: str) -> int:
        """Return the number of a node."""
        found = self.nodes.get(iri)
        if found is None:
            found = self.nodes[iri] = len(self.nodes)
            for column in (self.kinds, self._resolved, self._disclosure):
                column.append(0)
        return found

    def forget(self, iri: str) -> int:
        """Forget what a node is and goes by, and return its number."""
        node = self.node(iri)
        self.kinds[node] = self._resolved[node] = self._disclosure[node] = 0
        self._labels.pop(node, None)
        self._facts.pop(node, None)
        self._tasks.pop(node, None)
        self._names.pop(node, None)
        self._versions.pop(node, None)
        self._evidence.pop(iri, None)
        return node

    def describe(self, node: int, bits: int, resolved: bool) -> None:
        """Add what a node is."""
        self.kinds[node] |= bits
        self._resolved[node] |= resolved

    def disclose(self, node: int, said: Disclosure) -> None:
        """Add how much of a model's training data somebody says is disclosed: the weakest word counts."""
        known, number = self._disclosure[node], DISCLOSURES.index(said)
        self._disclosure[node] = min(known, number) if known else number

    def name(self, node: int, name: str, *, is_label: bool) -> None:
        """Add what a node goes by."""
        if is_label:
            self._labels[node] = min(name, self._labels.get(node, name))
        self._names.setdefault(node, set()).add(_squeeze(name))

    def tell(self, node: int, document: str, facts: Facts, *, described: bool) -> None:
        """Add what one document says of a node, and whether it describes it."""
        if facts == NO_FACTS:
            return
        if node not in self._facts:
            self._facts[node] = [(not described, document, facts)]
            return
        told = sorted([*self._facts[node], (not described, document, facts)], key=lambda one: one[:2])
        # Of a thing that many documents mention, only those stay that say what none before them does.
        known = NO_FACTS
        self._facts[node] = []
        for one in told:
            more = _first(known, one[2])
            if more != known:
                self._facts[node].append(one)
                known = more

    def task(self, node: int, word: str) -> None:
        """Add what a model is for."""
        self._tasks.setdefault(node, set()).add(word)

    def version(self, node: int, version: str) -> None:
        """Add a version a node goes by after each of its names."""
        self._versions.setdefault(node, set()).add(_squeeze(version))

    def saying(
        self, rule: str | None, pointer: str | None, split: str | None, note: str | None, evidence: Iterable[str]
    ) -> int:
        """Return the number of what a statement says beyond its ends."""
        cited = tuple(evidence)
        self._cited.update(cited)
        texts = [rule, *(text and rdf.storable(text) for text in (pointer, split, note)), *cited]
        return self._sayings.setdefault(orjson.dumps(texts), len(self._sayings))

    def cite(self, evidence: Evidence) -> None:
        """Add a source; the first description counts."""
        facts = (evidence.label, evidence.url, evidence.doi, evidence.commit, evidence.read_on)
        text = orjson.dumps([fact and rdf.storable(fact) for fact in facts])
        self._evidence.setdefault(evidence.iri, text)

    def add(
        self, document: str, edges: dict[Edge, KnownBy], stated_at: str | None = None, read_at: str | None = None
    ) -> None:
        """Add the edges of a document."""
        number = self._documents.setdefault(document, len(self._documents))
        if number == len(self._times):
            self._times.append((stated_at or "", read_at or ""))
        for (newer, code, older), said in edges.items():
            self._table.extend((newer, code, older, number, said.doubt, said.number))

    def name_the_rest(self, details: StoreDetails) -> None:
        """Look up what things are called of which no document says what they are."""
        for iri, node in self.nodes.items():
            label = details.label(iri) if not self.kinds[node] else None
            if label is not None:
                self.name(node, label, is_label=True)

    def cite_the_rest(self, details: StoreDetails, known: Collection[str] = ()) -> None:
        """Look up the sources that are cited and not described yet, less those ``known`` elsewhere."""
        for iri in self._cited.difference(self._evidence, known):
            evidence = details.evidence(iri)
            if evidence is not None:
                self.cite(evidence)

    # -- the arrays -------------------------------------------------------------------------------------------

    def columns(
        self, base: Columns | None = None, documents: Collection[str] = (), nodes: Collection[str] = ()
    ) -> Columns:
        """Return it all in order: on top of others, less their edges of documents and what they say of nodes."""
        every = [] if base is None else list(base.iris)
        before = len(every)
        places: list[int] = []
        for iri in self.nodes:
            known = -1 if base is None else base.iris.find(iri)
            places.append(len(every) if known < 0 else known)
            if known < 0:
                every.append(iri)
        again = {places[self.nodes[iri]] for iri in nodes if iri in self.nodes}
        told = [(node, place) for node, place in enumerate(places) if place >= before or place in again]

        facts = np.zeros((3, len(every)), dtype=np.uint8)
        labels = list(map(iris.tail, every[before:]))
        told_of = {name: [""] * len(every) for name in (*FACTS, "tasks")}
        names: set[tuple[str, int]] = set()
        times: dict[str, tuple[str, str]] = {}
        sayings: dict[bytes, int] = {b"": 0}
        evidence: dict[str, bytes] = {}
        table = np.empty((0, 6), dtype=np.int64)
        if base is not None:
            facts[:, :before] = [np.asarray(column) for column in (base.kinds, base.resolved, base.disclosure)]
            labels = [*base.labels, *labels]
            for name, texts in {**base.facts, "tasks": base.tasks}.items():
                told_of[name][:before] = texts
            names = {(n, at) for n, at in zip(base.names, base.named, strict=True) if at not in again}
            times = dict(zip(base.documents, zip(base.stated, base.read, strict=True), strict=True))
            sayings = {in_bytes(text): number for number, text in enumerate(base.sayings)}
            gone = frozenset(nodes)
            evidence = {
                iri: in_bytes(text)
                for iri, text in zip(base.evidence, base.evidence_facts, strict=True)
                if iri not in gone
            }
            columns = (base.subject, base.code, base.object, base.document, base.unverified, base.said)
            table = np.stack([np.asarray(column, dtype=np.int64) for column in columns], axis=1)
            gone_documents = [place for place in map(base.documents.find, documents) if place >= 0]
            table = table[~np.isin(table[:, 3], gone_documents)]
        for node, place in told:
            facts[:, place] = self.kinds[node], self._resolved[node], self._disclosure[node]
            labels[place] = self._labels.get(node) or iris.tail(every[place])
            merged = reduce(_first, (facts for _, _, facts in self._facts.get(node, ())), NO_FACTS)
            for name, text in zip(FACTS, merged, strict=True):
                told_of[name][place] = text or ""
            tasks = sorted(self._tasks.get(node, ()))
            told_of["tasks"][place] = orjson.dumps(tasks).decode() if tasks else ""
            own = {_squeeze(iris.tail(every[place])), *self._names.get(node, ())}
            names.update((name, place) for name in own)
            for version in self._versions.get(node, ()):
                names.update((name + version, place) for name in own if not name.endswith(version))
        numbers = {text: number for number, text in enumerate(dict.fromkeys([*times, *self._documents]))}
        times.update(zip(self._documents, self._times, strict=True))
        added = np.frombuffer(self._table, dtype=np.int64).reshape(-1, 6).copy()
        added[:, [0, 2]] = np.array(places, dtype=np.int64)[added[:, [0, 2]]]
        for column, found in (
            (3, [numbers[document] for document in self._documents]),
            (5, [sayings.setdefault(saying, len(sayings)) for saying in self._sayings]),
        ):
            added[:, column] = np.array(found, dtype=np.int64)[added[:, column]]
        table = np.concatenate([table, added])
        evidence |= self._evidence
        made = _arrays(every, facts, labels, told_of, names, numbers, times, sayings, evidence, table)
        return Columns(made)


def _facts_of(statement: Model | Dataset | ModelFamily | Unknown) -> Facts:
    """Return what a statement says, in the order of :data:`~.columns.FACTS`."""
    said = (getattr(statement, "label" if name == "title" else name, None) for name in FACTS)
    return tuple(text and rdf.storable(text) for text in said)


def _least(one: Facts, other: Facts) -> Facts:
    """Return what one document says in two ways: said twice, a field is what is first by its text."""
    return tuple(a if b is None else b if a is None else min(a, b) for a, b in zip(one, other, strict=True))


def _first(one: Facts, other: Facts) -> Facts:
    """Return what the first says, and of what it does not say the second."""
    return tuple(b if a is None else a for a, b in zip(one, other, strict=True))


def _other_names(statement: Model | Dataset | ModelFamily | Unknown) -> Sequence[str | None]:
    return () if isinstance(statement, Unknown) else (statement.identifier, *statement.aliases)


def _arrays(
    every: list[str],
    facts: npt.NDArray[np.uint8],
    labels: list[str],
    told_of: dict[str, list[str]],
    names: set[tuple[str, int]],
    documents: dict[str, int],
    times: dict[str, tuple[str, str]],
    sayings: dict[bytes, int],
    evidence: dict[str, bytes],
    table: npt.NDArray[np.int64],
) -> dict[str, memoryview]:
    """Return all of it in order, less the nodes, documents and sources of which nothing is left."""
    is_kept: npt.NDArray[np.bool_] = np.any(facts, axis=0)
    is_kept[table[:, 0]] = is_kept[table[:, 2]] = True
    old = np.array(sorted(np.flatnonzero(is_kept).tolist(), key=lambda node: in_bytes(every[node])), dtype=np.int64)
    count = len(old)
    new = np.full(len(every), -1, dtype=np.int64)
    new[old] = np.arange(count)
    ordered, labels = [every[node] for node in old.tolist()], [labels[node] for node in old.tolist()]
    rank = np.empty(count, dtype=np.int64)
    rank[sorted(range(count), key=lambda node: (labels[node].casefold(), ordered[node]))] = np.arange(count)
    called = sorted(((in_bytes(name), int(new[node])) for name, node in names if is_kept[node]))

    cited, document = _used(list(map(in_bytes, documents)), table[:, 3])
    said, saying = _used(list(sayings), table[:, 5])
    sources = sorted({iri for text in said if text for iri in orjson.loads(text)[4:] if iri in evidence}, key=in_bytes)
    subject, code, object_ = new[table[:, 0]], table[:, 1], new[table[:, 2]]
    unverified = table[:, 4]
    order = np.lexsort((saying, document, unverified, object_, code, subject))
    # A document that was met twice, as a page of an API may show one, says it once.
    same = np.stack([column[order] for column in (subject, code, object_, document)])
    order = order[np.concatenate(([True], (np.diff(same) != 0).any(axis=0)))] if len(order) else order
    subject, code, object_ = subject[order], code[order], object_[order]
    # Of edges that say the same, the first is walked.
    is_first = np.ones(len(order), dtype=bool)
    is_first[1:] = np.diff(subject).astype(bool) | np.diff(code).astype(bool) | np.diff(object_).astype(bool)
    arrays: dict[str, memoryview] = {
        "named": _ints([node for _, node in called]),
        "rank": _ints(rank),
        "kinds": _bytes(facts[0, old]),
        "resolved": _bytes(facts[1, old]),
        "disclosure": _bytes(facts[2, old]),
        "subject": _ints(subject),
        "object": _ints(object_),
        "code": _bytes(code),
        "document": _ints(document[order]),
        "unverified": _bytes(unverified[order]),
        "said": _ints(saying[order]),
    }
    is_part, is_member = np.isin(code, list(PARTS)), code == FAMILY
    for name, chosen, side in (
        ("out", is_first, subject),
        ("into", is_first & ~is_part & ~is_member, object_),
        ("parts", is_first & is_part, object_),
        ("members", is_first & is_member, object_),
    ):
        edges = np.flatnonzero(chosen)
        ends = side[edges]
        arrays[name] = _ints(_starts(ends, count))
        arrays[f"{name}_edges"] = _ints(edges[np.argsort(ends, kind="stable")])
    when = [times[text.decode("utf-8", "surrogatepass")] for text in cited]
    texts: dict[str, Iterable[bytes]] = {
        "iri": map(in_bytes, ordered),
        "label": map(in_bytes, labels),
        **{name: [in_bytes(told[node]) for node in old.tolist()] for name, told in told_of.items()},
        "document": cited,
        "stated": (in_bytes(stated) for stated, _ in when),
        "read": (in_bytes(read) for _, read in when),
        "name": (name for name, _ in called),
        "saying": said,
        "evidence": map(in_bytes, sources),
        "evidence_facts": (evidence[iri] for iri in sources),
    }
    for name, found in texts.items():
        encoded = list(found)
        arrays[f"{name}_at"] = _ints(np.cumsum([0, *map(len, encoded)]), wide=True)
        arrays[f"{name}_text"] = memoryview(b"".join(encoded))
    return arrays


def _used(texts: list[bytes], numbers: npt.NDArray[np.int64]) -> tuple[list[bytes], npt.NDArray[np.int64]]:
    """Return the texts that occur, in order, and their new numbers."""
    kept = sorted(np.unique(numbers).tolist(), key=texts.__getitem__)
    place = np.empty(len(texts), dtype=np.int64)
    place[kept] = np.arange(len(kept))
    return [texts[number] for number in kept], place[numbers]


def _ints(values: npt.ArrayLike, *, wide: bool = False) -> memoryview:
    array = np.asarray(values, dtype=np.int64 if wide else np.int32)
    return memoryview(array.tobytes()).cast("q" if wide else "i")


def _bytes(values: npt.NDArray[Any]) -> memoryview:
    return memoryview(values.astype(np.uint8).tobytes())


def _starts(ends: npt.NDArray[np.int64], nodes: int) -> npt.NDArray[np.int64]:
    return np.concatenate(([0], np.cumsum(np.bincount(ends, minlength=nodes))))
