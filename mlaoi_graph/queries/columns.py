"""The asserted edges of a catalog as arrays, and as a file that is opened without reading it.

Decoding a quad costs the engine 15 µs, so a catalog of 100,000 models would take each command 20 s to read. The arrays
are therefore made once for each state of a catalog and kept beside it. They are derived: the graph is the truth, and a
file that is missing, damaged or of another layout is made again.
"""

from __future__ import annotations

import difflib
import json
import mmap
import os
import re
import zlib
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast, overload

import numpy as np
import numpy.typing as npt

from mlaoi_graph import iri as iris
from mlaoi_graph.errors import StoreError
from mlaoi_graph.model import Confidence, Disclosure
from mlaoi_graph.queries.details import StoreDetails, ends_of, predicate_of
from mlaoi_graph.queries.graph import (
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
    PREDICATES,
)
from mlaoi_graph.rdf import INFERRED_GRAPH, LOG_GRAPH
from mlaoi_graph.stores import Store
from mlaoi_graph.vocab import MLAOI, PREFIXES, RDF, RDFS

if TYPE_CHECKING:
    import networkx
    from pyoxigraph import NamedNode, QuerySolutions

__all__ = ["Adjacency", "Columns", "Texts"]

_LAYOUT: Final = 1
"""Raised whenever the arrays mean something else. The order of properties is in the file itself."""
_MAGIC: Final = b"mlaoi-lineage\n"

_CLASSES: Final = {
    MLAOI.Model: IS_MODEL,
    MLAOI.ModelFamily: IS_FAMILY,
    MLAOI.Dataset: IS_DATASET,
    MLAOI.SourceArchive: IS_DATASET | IS_ARCHIVE,
    MLAOI.UnknownThing: IS_UNKNOWN,
}
_KINDS: Final = {
    "model": IS_MODEL,
    "family": IS_FAMILY,
    "dataset": IS_DATASET,
    "archive": IS_DATASET | IS_ARCHIVE,
    "unknown": IS_UNKNOWN,
}
_DISCLOSED: Final = {MLAOI.Undisclosed: 1, MLAOI.PartialDisclosure: 2, MLAOI.CompleteDisclosure: 3}


_NEIGHBOURS: Final = 5_000


def squeeze(name: str) -> str:
    """Return a name as people half remember it: no case, no punctuation, no spaces, no v before a version.

    >>> squeeze("Clay v1.5") == squeeze("clay 1.5")
    True
    """
    return "".join(c for c in re.sub(r"\bv(?=\d)", "", name.casefold()) if c.isalnum())


class Texts(Sequence[str]):
    """Texts that lie end to end."""

    def __init__(self, at: memoryview, text: memoryview) -> None:
        self._at = at
        self._text = text

    def __len__(self) -> int:
        return len(self._at) - 1

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        return str(self._text[self._at[index] : self._at[index + 1]], "utf-8", "surrogatepass")

    def __iter__(self) -> Iterator[str]:
        return (self[place] for place in range(len(self)))

    def place(self, text: str) -> int:
        """Return where a text is, or would be, among texts in the order of their bytes."""
        wanted = _in_bytes(text)

        def key(place: int) -> bytes:
            return bytes(self._text[self._at[place] : self._at[place + 1]])

        return bisect_left(range(len(self)), wanted, key=key)

    def find(self, text: str) -> int:
        """Return the first place of a text among texts in the order of their bytes, -1 if it is none of them."""
        place = self.place(text)
        return place if place < len(self) and self[place] == text else -1


class Adjacency:
    """The edges at each node, as numbers; ``edges`` are all of them."""

    def __init__(self, first: memoryview, edges: memoryview) -> None:
        self._first = first
        self.edges = edges

    def __getitem__(self, node: int) -> Sequence[int]:
        first = self._first
        return cast("Sequence[int]", self.edges[first[node] : first[node + 1]])


class Columns:
    """Nodes and documents in the order of their IRIs' bytes; edges that say the same one after the other."""

    def __init__(self, arrays: dict[str, memoryview]) -> None:
        self._arrays = arrays
        self.iris = self._texts("iri")
        self.labels = self._texts("label")
        """A node's label, or the end of its IRI."""
        self.documents = self._texts("document")
        self.names = self._texts("name")
        """What nodes go by, squeezed, in order; ``named`` has the node of each."""
        self.named = arrays["named"]
        self.rank = arrays["rank"]
        """Places of nodes in the order of label, then IRI."""
        self.kinds = arrays["kinds"]
        self.resolved = arrays["resolved"]
        self.disclosure = arrays["disclosure"]
        self.subject = arrays["subject"]
        self.object = arrays["object"]
        self.code = arrays["code"]
        self.document = arrays["document"]
        self.unverified = arrays["unverified"]
        self.out = self._adjacency("out")
        self.into = self._adjacency("into")
        self.parts = self._adjacency("parts")
        self.members = self._adjacency("members")

    def _texts(self, name: str) -> Texts:
        return Texts(self._arrays[f"{name}_at"], self._arrays[f"{name}_text"])

    def _adjacency(self, name: str) -> Adjacency:
        return Adjacency(self._arrays[name], self._arrays[f"{name}_edges"])

    # -- names ------------------------------------------------------------------------------------------------

    def called(self, name: str) -> list[str]:
        """Return the IRIs of what goes by a name, however it is spelled: label, identifier, alias, end of the IRI."""
        wanted = squeeze(name)
        place = self.names.place(wanted)
        found: set[int] = set()
        while place < len(self.names) and self.names[place] == wanted:
            found.add(self.named[place])
            place += 1
        return sorted(self.iris[node] for node in found if self.kinds[node])

    def near(self, name: str) -> list[str]:
        """Return the IRIs of a few things whose names are like one or have it in them: first what starts so."""
        wanted = squeeze(name)
        # Of very many names, those that start alike.
        place = self.names.place(wanted)
        first, last = max(0, place - _NEIGHBOURS), min(len(self.names), place + _NEIGHBOURS)
        by_name: dict[str, int] = {}
        for at in range(first, last):
            if self.kinds[self.named[at]]:
                by_name.setdefault(self.names[at], self.named[at])
        close = set(difflib.get_close_matches(wanted, by_name, n=5, cutoff=0.6))
        close |= {known for known in by_name if wanted and wanted in known}

        def key(known: str) -> tuple[bool, float, str]:
            return not known.startswith(wanted), -difflib.SequenceMatcher(None, wanted, known).ratio(), known

        return list(dict.fromkeys(self.iris[by_name[known]] for known in sorted(close, key=key)))[:5]

    def shown(self, iri: str) -> str:
        """Return a node's label and the end of its IRI, by which it can be asked for."""
        node = self.iris.find(iri)
        label, end = self.labels[node] if node >= 0 else "", iris.tail(iri)
        return f"{label} ({end})" if label and label != end else end

    # -- making -----------------------------------------------------------------------------------------------

    @classmethod
    def from_store(cls, store: Store) -> Columns:
        """Read what documents assert; what was inferred is not looked at."""
        made = _Maker()
        for class_iri, bits in _CLASSES.items():
            for iri, described in _rows(store, _NODES, type=class_iri):
                made.describe(made.node(iri), bits, described == "true")
        for iri, said in _rows(store, "SELECT ?s ?said { ?s mlaoi:trainingDisclosure ?said }"):
            made.disclose(made.node(iri), _DISCLOSED.get(said, 0))
        # Few, and known first: they tell a membership that was asserted from a part by construction.
        members = set(_rows(store, _MEMBERS))
        for code, predicate in enumerate(PREDICATES):
            if code != MEMBER:
                for newer, older, document in _rows(store, _SAID, predicate=predicate):
                    is_member = code == PART and (newer, older, document) in members
                    made.edge(newer, older, MEMBER if is_member else code, document)
        for iri, predicate, name in _rows(store, _NAMES):
            if iri in made.nodes:
                made.name(made.nodes[iri], name, is_label=predicate == RDFS.label)
        details = StoreDetails(store)
        made.name_the_rest(details)
        for twin, document in _rows(store, "SELECT ?s ?g { GRAPH ?g { ?s mlaoi:confidence mlaoi:Unverified } }"):
            _doubt(made, details, twin, document)
        return made.columns()

    def updated(self, store: Store, documents: Collection[str], nodes: Collection[str]) -> Columns:
        """Return what :meth:`from_store` would, of a store that differs by these documents.

        ``nodes`` are what the documents describe, or did before.
        """
        made, details = _Maker(), StoreDetails(store)
        for iri in nodes:
            node = made.node(iri)
            for predicate, value in _rows(store, _FACTS, node=iri):
                if predicate == RDF.type:
                    made.describe(node, _CLASSES.get(value, 0), False)
                elif predicate == MLAOI.resolved:
                    made.describe(node, 0, value == "true")
                elif predicate == MLAOI.trainingDisclosure:
                    made.disclose(node, _DISCLOSED.get(value, 0))
                else:
                    made.name(node, value, is_label=predicate == RDFS.label)
        codes = {predicate: code for code, predicate in enumerate(PREDICATES) if code != MEMBER}
        for document in documents:
            doubtful: list[str] = []
            for quad in store.match(graph=document):
                newer, predicate, older = (cast("NamedNode", term).value for term in quad.triple)
                if predicate in codes:
                    code = codes[predicate]
                    is_member = code == PART and details.twins(newer, predicate, older, document)
                    made.edge(newer, older, MEMBER if is_member else code, document)
                elif predicate == MLAOI.confidence and older == MLAOI.Unverified:
                    doubtful.append(newer)
            for twin in doubtful:
                _doubt(made, details, twin, document)
        made.name_the_rest(details)
        return made.columns(self, documents, nodes)

    @classmethod
    def from_networkx(cls, graph: networkx.MultiDiGraph[str]) -> Columns:
        """Take over a graph as ``Catalog.to_networkx`` gives it; edges with another ``predicate`` are left out."""
        made = _Maker()
        for iri, facts in graph.nodes(data=True):
            node = made.node(iri)
            made.describe(node, _KINDS.get(facts.get("kind", ""), IS_UNKNOWN), bool(facts.get("resolved")))
            if facts.get("disclosure"):
                made.disclose(node, DISCLOSURES.index(Disclosure(facts["disclosure"])))
            if facts.get("label"):
                made.name(node, facts["label"], is_label=True)
        codes = {predicate.rpartition("#")[2]: code for code, predicate in enumerate(PREDICATES) if code != MEMBER}
        doubtful: dict[tuple[str, str, int, str], bool] = {}
        for newer, older, facts in graph.edges(data=True):
            code = codes.get(facts.get("predicate", ""))
            if code is not None:
                # A part by construction has no twin, and so no rule.
                key = newer, older, MEMBER if code == PART and facts.get("rule") else code, facts.get("document", "")
                doubtful[key] = doubtful.get(key, True) and facts.get("confidence") == Confidence.UNVERIFIED.value
        for key, unverified in doubtful.items():
            made.edge(*key)
            if unverified:
                made.doubt(*key)
        return made.columns()

    # -- keeping ----------------------------------------------------------------------------------------------

    def save(self, path: Path) -> None:
        """Write the file; it appears only when it is complete. Raises StoreError."""
        content = b"".join(bytes(array).ljust(-(-array.nbytes // 8) * 8, b"\0") for array in self._arrays.values())
        header = {
            "layout": _LAYOUT,
            "properties": PREDICATES,
            "checksum": zlib.crc32(content),
            "arrays": [[name, array.format, array.nbytes] for name, array in self._arrays.items()],
        }
        start = _MAGIC + json.dumps(header).encode() + b"\n"
        temporary = path.with_name(".new.lineage")  # one writer, and one that was killed leaves one file
        try:
            with temporary.open("wb") as file:
                file.write(start.ljust(-(-len(start) // 8) * 8, b"\n"))
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except OSError as error:
            raise StoreError(f"{path}: cannot be written: {error.strerror}. Make room, and build again") from error

    @classmethod
    def open(cls, path: Path) -> Columns | None:
        """Return the columns in a file; None if it is missing, damaged or not as this version makes it."""
        try:
            with path.open("rb") as file:
                whole = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
                if file.readline() != _MAGIC:
                    return None
                header = json.loads(file.readline())
                at = -(-file.tell() // 8) * 8
            if header["layout"] != _LAYOUT or header["properties"] != list(PREDICATES):
                return None
            if zlib.crc32(whole[at:]) != header["checksum"]:
                return None
            arrays: dict[str, memoryview] = {}
            for name, format, size in header["arrays"]:
                arrays[name] = whole[at : at + size].cast(format)
                at += -(-size // 8) * 8
            return cls(arrays)
        except (OSError, ValueError, KeyError, TypeError):
            return None


class _Maker:
    """Collects nodes and edges in any order."""

    def __init__(self) -> None:
        self.nodes: dict[str, int] = {}
        self.kinds = bytearray()
        self._resolved = bytearray()
        self._disclosure = bytearray()
        self._labels: dict[int, str] = {}
        self._names: list[tuple[str, int]] = []
        self._documents: dict[str, int] = {}
        self._edges: dict[tuple[int, int, int, int], int] = {}
        """Newer end, code, older end, document: whether it is unverified."""

    def node(self, iri: str) -> int:
        found = self.nodes.get(iri)
        if found is None:
            found = self.nodes[iri] = len(self.nodes)
            for column in (self.kinds, self._resolved, self._disclosure):
                column.append(0)
        return found

    def describe(self, node: int, bits: int, resolved: bool) -> None:
        self.kinds[node] |= bits
        self._resolved[node] |= resolved

    def disclose(self, node: int, said: int) -> None:
        known = self._disclosure[node]
        self._disclosure[node] = min(known, said) if known and said else known or said

    def name(self, node: int, name: str, *, is_label: bool) -> None:
        if is_label:
            self._labels[node] = min(name, self._labels.get(node, name))
        self._names.append((squeeze(name), node))

    def edge(self, newer: str, older: str, code: int, document: str) -> None:
        known = self._documents.setdefault(document, len(self._documents))
        self._edges.setdefault((self.node(newer), code, self.node(older), known), 0)

    def doubt(self, newer: str, older: str, code: int, document: str) -> None:
        key = self.nodes[newer], code, self.nodes[older], self._documents[document]
        if key in self._edges:
            self._edges[key] = 1

    def name_the_rest(self, details: StoreDetails) -> None:
        """Look up what things are called of which no document says what they are."""
        for iri, node in self.nodes.items():
            label = details.label(iri) if not self.kinds[node] else None
            if label is not None:
                self.name(node, label, is_label=True)

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
        again = {places[self.nodes[iri]] for iri in nodes}
        told = [(node, place) for node, place in enumerate(places) if place >= before or place in again]

        facts = np.zeros((3, len(every)), dtype=np.uint8)
        labels = list(map(iris.tail, every[before:]))
        names: set[tuple[str, int]] = set()
        texts: list[str] = []
        table = np.empty((0, 5), dtype=np.int64)
        if base is not None:
            facts[:, :before] = [np.asarray(column) for column in (base.kinds, base.resolved, base.disclosure)]
            labels = [*base.labels, *labels]
            names = {(n, at) for n, at in zip(base.names, base.named, strict=True) if at not in again}
            texts = list(base.documents)
            columns = (base.subject, base.code, base.object, base.document, base.unverified)
            table = np.stack([np.asarray(column, dtype=np.int64) for column in columns], axis=1)
            gone = [place for place in map(base.documents.find, documents) if place >= 0]
            table = table[~np.isin(table[:, 3], gone)]
        for node, place in told:
            facts[:, place] = self.kinds[node], self._resolved[node], self._disclosure[node]
            labels[place] = self._labels.get(node) or iris.tail(every[place])
            names.add((squeeze(iris.tail(every[place])), place))
        mine = {node for node, _ in told}
        names.update((name, places[node]) for name, node in self._names if node in mine)
        numbers = {text: number for number, text in enumerate(dict.fromkeys([*texts, *self._documents]))}
        number_of = [numbers[document] for document in self._documents]
        added = [
            (places[newer], code, places[older], number_of[document], doubt)
            for (newer, code, older, document), doubt in self._edges.items()
        ]
        table = np.concatenate([table, np.array(added, dtype=np.int64).reshape(-1, 5)])
        return Columns(_arrays(every, facts, labels, names, list(numbers), table))


def _arrays(
    every: list[str],
    facts: npt.NDArray[np.uint8],
    labels: list[str],
    names: set[tuple[str, int]],
    documents: list[str],
    table: npt.NDArray[np.int64],
) -> dict[str, memoryview]:
    """Return all of it in order, less the nodes and documents of which nothing is left."""
    is_kept: npt.NDArray[np.bool_] = np.any(facts, axis=0)
    is_kept[table[:, 0]] = is_kept[table[:, 2]] = True
    old = np.array(sorted(np.flatnonzero(is_kept).tolist(), key=lambda node: _in_bytes(every[node])), dtype=np.int64)
    count = len(old)
    new = np.full(len(every), -1, dtype=np.int64)
    new[old] = np.arange(count)
    ordered, labels = [every[node] for node in old.tolist()], [labels[node] for node in old.tolist()]
    rank = np.empty(count, dtype=np.int64)
    rank[sorted(range(count), key=lambda node: (labels[node].casefold(), ordered[node]))] = np.arange(count)
    called = sorted(((_in_bytes(name), int(new[node])) for name, node in names if is_kept[node]))

    subject, code, object_, document, unverified = table.T
    cited = sorted(np.unique(document).tolist(), key=lambda number: _in_bytes(documents[number]))
    place = np.empty(len(documents), dtype=np.int64)
    place[cited] = np.arange(len(cited))
    subject, object_, document = new[subject], new[object_], place[document]
    order = np.lexsort((document, unverified, object_, code, subject))
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
    texts = {
        "iri": map(_in_bytes, ordered),
        "label": map(_in_bytes, labels),
        "document": (_in_bytes(documents[number]) for number in cited),
        "name": (name for name, _ in called),
    }
    for name, found in texts.items():
        encoded = list(found)
        arrays[f"{name}_at"] = _ints(np.cumsum([0, *map(len, encoded)]), wide=True)
        arrays[f"{name}_text"] = memoryview(b"".join(encoded))
    return arrays


def _in_bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _ints(values: npt.ArrayLike, *, wide: bool = False) -> memoryview:
    array = np.asarray(values, dtype=np.int64 if wide else np.int32)
    return memoryview(array.tobytes()).cast("q" if wide else "i")


def _bytes(values: npt.NDArray[Any]) -> memoryview:
    return memoryview(values.astype(np.uint8).tobytes())


def _starts(ends: npt.NDArray[np.int64], nodes: int) -> npt.NDArray[np.int64]:
    return np.concatenate(([0], np.cumsum(np.bincount(ends, minlength=nodes))))


def _doubt(made: _Maker, details: StoreDetails, twin_iri: str, document: str) -> None:
    """Mark the edge of an unverified statement, unless the same document says it verified as well."""
    twin = details.twin(twin_iri, document)
    if twin is None:
        return
    newer, older = ends_of(twin)
    predicate = predicate_of(twin)
    twins = details.twins(newer, predicate, older, document)
    if all(other.confidence is Confidence.UNVERIFIED for other in twins):
        for code in (code for code, found in enumerate(PREDICATES) if found == predicate):
            made.doubt(newer, older, code, document)


# By query and not by ``match``: the engine leaves the inferred graph out before it looks up a single string, which is
# what reading costs.
_NODES: Final = "SELECT ?type ?node ?described { ?node a ?type OPTIONAL { ?node mlaoi:resolved ?described } }"
_SAID: Final = f"""SELECT ?predicate ?newer ?older ?g {{
    GRAPH ?g {{ ?newer ?predicate ?older }} FILTER(?g NOT IN (<{INFERRED_GRAPH}>, <{LOG_GRAPH}>)) }}"""
_MEMBERS: Final = """SELECT ?part ?whole ?g {
    GRAPH ?g { ?twin mlaoi:associationKind mlaoi:PartOf ; mlaoi:ofSubject ?part ; mlaoi:ofObject ?whole } }"""
_FACTS: Final = """SELECT ?node ?predicate ?value {
    VALUES ?predicate { rdf:type mlaoi:resolved mlaoi:trainingDisclosure rdfs:label dcterms:identifier skos:altLabel }
    ?node ?predicate ?value }"""
_NAMES: Final = """SELECT ?node ?predicate ?name {
    VALUES ?class { mlaoi:Model mlaoi:ModelFamily mlaoi:Dataset mlaoi:UnknownThing } ?node a ?class .
    VALUES ?predicate { rdfs:label dcterms:identifier skos:altLabel } ?node ?predicate ?name }"""


def _rows(store: Store, sparql: str, **given: str) -> Iterable[tuple[str, ...]]:
    """Iterate over a query's rows as text, "" where unbound, without the variables that were given."""
    solutions = cast("QuerySolutions", store.query(sparql, substitutions=given, prefixes=PREFIXES))
    wanted = [variable.value for variable in solutions.variables if variable.value not in given]
    for solution in solutions:
        yield tuple(getattr(solution[name], "value", "") for name in wanted)
