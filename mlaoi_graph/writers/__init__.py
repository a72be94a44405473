"""Write a catalog's graph in RDF formats."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path
from typing import BinaryIO, Final, cast

import pyoxigraph as ox

from mlaoi_graph import iri as iris
from mlaoi_graph.errors import UnknownFormat
from mlaoi_graph.files import whole
from mlaoi_graph.model import Finding
from mlaoi_graph.rdf import INFERRED_GRAPH, LOG_GRAPH
from mlaoi_graph.stores import Store
from mlaoi_graph.stores.oxigraph import OxigraphStore
from mlaoi_graph.vocab import MLAOI, PREFIXES
from mlaoi_graph.writers import turtle

__all__ = ["FORMATS", "write"]

_MERGED: Final = "SELECT ?s ?p ?o { ?s ?p ?o }"
"""All triples, each once; CONSTRUCT would remember every triple it has given."""
_TRIPLES: Final = {
    "turtle": ox.RdfFormat.TURTLE,
    "ntriples": ox.RdfFormat.N_TRIPLES,
    "rdfxml": ox.RdfFormat.RDF_XML,
}
_QUADS: Final = {"trig": ox.RdfFormat.TRIG, "nquads": ox.RdfFormat.N_QUADS}
FORMATS: Final = (*_TRIPLES, "jsonld", *_QUADS)
"""Names :func:`write` knows."""


def write(store: Store, format: str, path: Path) -> list[Finding]:
    """Write a store to a file and return what could not be written as it stands: in RDF/XML, most control characters.

    Triple formats hold the union of what documents assert, without the log and what was inferred; quad formats
    hold everything. All but ``jsonld`` stream: memory does not grow with the catalog. A triple that two
    documents state is written once. The file is complete or not there.

    Raises UnknownFormat, StoreError if the file cannot be written.
    """
    if format not in FORMATS:
        raise UnknownFormat("RDF format", format, FORMATS)
    with whole(path) as temporary:
        if format in _QUADS:
            _write_quads(store, _QUADS[format], temporary)
        elif format == "rdfxml":
            return _write_xml(store, temporary, str(path))
        elif format in _TRIPLES:
            _write_triples(store, _TRIPLES[format], temporary)
        else:
            _write_jsonld(store, temporary)
    return []


def _write_quads(store: Store, format: ox.RdfFormat, path: Path) -> None:
    with path.open("wb") as file:
        ox.serialize(store.match(), file, format, prefixes=PREFIXES)


def _write_triples(store: Store, format: ox.RdfFormat, path: Path) -> None:
    if format == ox.RdfFormat.TURTLE and isinstance(store, OxigraphStore) and store.in_order:
        turtle.write(store, path)
        return
    with path.open("wb") as file:
        ox.serialize(_asserted(store), file, format, prefixes=PREFIXES)


def _write_xml(store: Store, path: Path, shown: str) -> list[Finding]:
    found: list[Finding] = []

    def fit() -> Iterator[ox.Triple]:
        for triple in _asserted(store):
            value = triple.object
            if not isinstance(value, ox.Literal) or not _NOT_XML.search(value.value):
                yield triple
                continue
            marks = ", ".join(sorted({f"U+{ord(mark):04X}" for mark in _NOT_XML.findall(value.value)}))
            message = (
                f"XML 1.0 cannot hold {marks}, not even escaped; U+FFFD stands for it in the "
                f"{iris.tail(triple.predicate.value)} of {triple.subject}. Other formats keep it"
            )
            found.append(Finding(document=shown, pointer="", rule="not-in-xml", message=message))
            kind = {"language": value.language} if value.language else {"datatype": value.datatype}
            text = ox.Literal(_NOT_XML.sub("\ufffd", value.value), **kind)
            yield ox.Triple(triple.subject, triple.predicate, text)

    with path.open("wb") as file:
        ox.serialize(fit(), cast("BinaryIO", _Returning(file)), _TRIPLES["rdfxml"], prefixes=PREFIXES)
    return found


class _Returning:
    """Writes carriage returns escaped: who reads XML takes bare ones for newlines. Oxigraph writes none of its own."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, data: bytes) -> int:
        self._file.write(bytes(data).replace(b"\r", b"&#13;"))
        return len(data)

    def flush(self) -> None:
        self._file.flush()


def _asserted(store: Store) -> Iterator[ox.Triple]:
    """Iterate over the triples that documents assert, each once and by subject, holding those of one at a time."""
    found = store.query(_MERGED)
    assert isinstance(found, ox.QuerySolutions)
    # A hash instead of the node: 10^6 are then tens of MB, not hundreds.
    entries = {hash(quad.subject) for quad in store.match(None, MLAOI.readAt, None, LOG_GRAPH)}
    with_more = {hash(quad.subject) for quad in store.match(graph=INFERRED_GRAPH)}
    # On disk the merge is read in the order of its subjects, so what is ours is told once a subject, not once a triple.
    for subject, rows in itertools.groupby(found, key=itemgetter(0)):
        if hash(subject) in entries:
            continue
        triples = list(itertools.starmap(ox.Triple, rows))
        if hash(subject) in with_more:
            inferred = {quad.triple for quad in store.match(subject.value, graph=INFERRED_GRAPH)}
            triples = [triple for triple in triples if triple not in inferred or not _only_inferred(store, triple)]
        yield from triples


def _only_inferred(store: Store, triple: ox.Triple) -> bool:
    said = store.match(triple.subject.value, triple.predicate.value, triple.object)  # type: ignore[union-attr]
    return all(getattr(quad.graph_name, "value", "") == INFERRED_GRAPH for quad in said)


_NOT_XML: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def _write_jsonld(store: Store, path: Path) -> None:
    # rdflib compacts with a context, which streaming serialisers cannot; so this one holds the graph in memory.
    import rdflib

    from mlaoi_graph.ontology_files import ontology_file

    lines = ox.serialize(_asserted(store), format=ox.RdfFormat.N_TRIPLES) or b""
    graph = rdflib.Graph()
    graph.parse(data=lines, format="nt")
    context = json.loads(ontology_file("context.jsonld").read_text(encoding="utf-8"))["@context"]
    path.write_text(graph.serialize(format="json-ld", context=context, auto_compact=True), encoding="utf-8")
