"""What a catalog knows of a thing: what readers may ask, from the store and from what is not in it yet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, Final, cast

from pyoxigraph import Literal, NamedNode

from mlaoi_graph import iri as iris
from mlaoi_graph.model import AreaOfInterest, Dataset, Model, Statement
from mlaoi_graph.readers import Kind, Target
from mlaoi_graph.stores import Store
from mlaoi_graph.vocab import DCTERMS, MLAOI, RDF, RDFS, SKOS

__all__ = ["NAMING", "Known"]

NAMING: Final = (DCTERMS.identifier, RDFS.label, SKOS.altLabel, MLAOI.doi)
"""What a name is looked up in, the first that has it."""

# Over the default graph, which holds a triple once however many documents say it: a dataset has a type and a
# footprint from the document of each of its items.
_ABOUT: Final = f"""
    SELECT ?node ?p ?o {{
      VALUES ?p {{ <{RDF.type}> <{RDFS.label}> <{MLAOI.split}> <{MLAOI.resolved}> }} ?node ?p ?o
    }}
"""
_DATA: Final = frozenset({MLAOI.Dataset, MLAOI.SourceArchive})


class Known:
    """Answers from the store and from what is not in it yet."""

    def __init__(self, store: Store, *, fresh: bool = False, reread: bool = False) -> None:
        self._store = store
        self.fresh = fresh
        """Whether the store was empty: then nothing is looked up that only this run can have put there."""
        self._reread = reread
        self.stale: set[str] = set()
        """Documents to be read again though their bytes are the same."""
        self._recent: dict[str, Target] = {}
        self._older: dict[str, Target] = {}
        self._looked_up: dict[str, Target | None] = {}

    def is_unchanged(self, document: str, content_hash: str, links_hash: str | None = None) -> bool:
        """See :class:`~mlaoi_graph.readers.Known`."""
        if self.fresh or self._reread or document in self.stale:
            return False
        quads = self._store.match(document, MLAOI.contentHash, Literal(content_hash), document)
        if next(quads, None) is None:
            return False
        links = [_text(quad.object) for quad in self._store.match(document, MLAOI.linksHash, None, document)]
        return links == ([] if links_hash is None else [links_hash])

    def holds(self, document: str) -> bool:
        """See :class:`~mlaoi_graph.readers.Known`."""
        return not self.fresh and next(self._store.match(graph=document), None) is not None

    def target(self, iri: str) -> Target | None:
        """See :class:`~mlaoi_graph.readers.Known`."""
        found = self._recent.get(iri) or self._older.get(iri)
        if found is not None:
            return found
        # Many refer to few: the store is asked once for each between two changes of it.
        if iri not in self._looked_up:
            self._looked_up[iri] = self._stored(iri)
        return self._looked_up[iri]

    def is_item(self, iri: str) -> bool:
        """Return whether data are one item, by what is in the store."""
        return next(self._store.match(iris.sub(iri, "area"), RDF.type, MLAOI.AreaOfInterest), None) is not None

    def is_within(self, part: str, whole: str) -> bool:
        """Return whether data are a part of others, at any depth, or these; by what is in the store."""
        reached = [part]
        for iri in reached:  # grows while it is gone through
            for predicate in (MLAOI.partOf, MLAOI.splitOf):
                wholes = {_text(quad.object) for quad in self._store.match(iri, predicate)}
                reached += sorted(wholes.difference(reached))
        return whole in reached

    def named(self, name: str) -> Sequence[Target]:
        """See :class:`~mlaoi_graph.readers.Known`. Of what is in the store."""
        found: dict[str, Target] = {}
        for predicate in NAMING:
            for quad in self._store.match(None, predicate, Literal(iris.doi(name) or name)):
                iri, graph = _text(quad.subject), _text(quad.graph_name)
                target = self.target(iris.owner(iri, "area")) if self._is_said(iri, graph) else None
                if target is not None and target.described:
                    found[target.iri] = target
            if found:
                break
        # Items that repeat the DOI of their collection mean that.
        wholes = [target for target in found.values() if target.kind is not Kind.SAMPLE]
        if predicate == MLAOI.doi and wholes:
            return sorted(wholes, key=lambda target: target.iri)
        return sorted(found.values(), key=lambda target: target.iri)

    def _is_said(self, iri: str, graph: str) -> bool:
        """Return whether a document describes what it names: what others call it is no name of it."""
        if next(self._store.match(iri, MLAOI.resolved, Literal(True), graph), None) is not None:
            return True
        area = iris.sub(iris.owner(iri, "area"), "area")
        return next(self._store.match(area, RDF.type, MLAOI.AreaOfInterest, graph), None) is not None

    def remember(self, statements: Sequence[Statement]) -> None:
        """Take note of what is about to be stored."""
        wholes: dict[str, str] = {}
        for dataset in (statement for statement in statements if isinstance(statement, Dataset)):
            for area in dataset.footprints:
                if dataset.iri != iris.owner(area, "area"):
                    wholes[area] = dataset.iri
                elif area not in wholes:  # its place is its own alone: a box, or it is in no collection
                    wholes[area] = next(iter(dataset.part_of), dataset.iri)
        areas = {statement.iri for statement in statements if isinstance(statement, AreaOfInterest)}
        for statement in statements:
            if isinstance(statement, Dataset) and iris.sub(statement.iri, "area") in {*statement.footprints} - areas:
                continue  # an item that another document describes
            if isinstance(statement, Model | Dataset) and statement.resolved:
                if isinstance(statement, Model):
                    kind = Kind.MODEL
                else:
                    kind = Kind.ARCHIVE if statement.archive else Kind.DATASET
                met = self._recent.get(statement.iri) or self._older.get(statement.iri)
                if met is not None and met.kind is Kind.SAMPLE and kind is not Kind.MODEL:
                    continue  # an item that is data of its own too
                if met is not None and (met.kind is Kind.MODEL) is not (kind is Kind.MODEL):
                    kind = Kind.UNKNOWN  # described as both: what a reference states of it counts
                split = statement.split if isinstance(statement, Dataset) else None
                self._recent[statement.iri] = Target(statement.iri, kind, statement.label, split)
            elif isinstance(statement, AreaOfInterest) and statement.identifier is not None:
                iri, name = iris.owner(statement.iri, "area"), statement.identifier
                whole = wholes.get(statement.iri)
                if whole == iri:
                    continue  # an item in no collection: a dataset, noted as one
                self._recent[iri] = Target(
                    iri, Kind.SAMPLE, statement.label or name, statement.split, whole, identifier=name
                )

    def forget(self) -> None:
        """Drop the notes from before the last time: all that can be read in the store now."""
        self._older, self._recent = self._recent, {}
        self._looked_up.clear()

    def _select(self, sparql: str, **values: Literal | NamedNode) -> Iterator[Any]:
        return cast("Iterator[Any]", self._store.query(sparql, substitutions=values))

    def _stored(self, iri: str) -> Target | None:
        # Quicker said than asked; of anything that is known, and not of a dataset's every footprint.
        if next(self._store.match(iri, RDF.type), None) is None:
            return self._stored_sample(iri)
        said: dict[str, set[str]] = {RDF.type: set(), RDFS.label: set(), MLAOI.split: set(), MLAOI.resolved: set()}
        for row in self._select(_ABOUT, node=NamedNode(iri)):
            said[row["p"].value].add(row["o"].value)
        described = "true" in said[MLAOI.resolved]
        if described and (
            max(len(said[RDFS.label]), len(said[MLAOI.split])) > 1 or said[RDF.type] >= {MLAOI.Model, MLAOI.Dataset}
        ):
            said = self._described(iri)
        types = said[RDF.type]
        sample = self._stored_sample(iri)
        area = iris.sub(iri, "area")
        if (
            sample is None
            and next(self._store.match(area, RDF.type), None) is None
            and next(self._store.match(iri, MLAOI.footprint, area), None) is not None
        ):
            return None  # an item that is gone: who uses it still says that it is there
        if sample is not None and not (described and MLAOI.Model in types):
            return sample
        if MLAOI.Model in types and (types & _DATA or sample is not None):
            kind = Kind.UNKNOWN
        elif MLAOI.Model in types:
            kind = Kind.MODEL
        elif types & _DATA:
            kind = Kind.ARCHIVE if MLAOI.SourceArchive in types else Kind.DATASET
        else:
            return None
        label, split = (min(said[predicate], default=None) for predicate in (RDFS.label, MLAOI.split))
        return Target(iri, kind, label, split, described=described)

    def _described(self, iri: str) -> dict[str, set[str]]:
        """Return what those documents say which describe a node; those that only refer to it do not count."""
        graphs = self._describing(iri)
        said: dict[str, set[str]] = {RDF.type: set(), RDFS.label: set(), MLAOI.split: set()}
        for quad in chain.from_iterable(self._store.match(iri, predicate) for predicate in said):
            if _text(quad.graph_name) in graphs:
                said[quad.predicate.value].add(_text(quad.object))
        return said

    def _describing(self, iri: str) -> set[str]:
        """Return the documents that describe something; those that only refer to it do not count."""
        return {_text(quad.graph_name) for quad in self._store.match(iri, MLAOI.resolved, Literal(True))}

    def _stored_sample(self, iri: str) -> Target | None:
        """Return an item of a collection; None for what is none."""
        area = iris.sub(iri, "area")
        about = list(self._store.match(area))
        if not any(quad.predicate.value == RDF.type and _text(quad.object) == MLAOI.AreaOfInterest for quad in about):
            return None
        held = [
            (_text(quad.subject), _text(quad.graph_name)) for quad in self._store.match(None, MLAOI.footprint, area)
        ]
        if {whole for whole, _ in held} == {iri}:
            graphs = self._describing(iri)
            parts = [(_text(quad.object), _text(quad.graph_name)) for quad in self._store.match(iri, MLAOI.partOf)]
            held = [(whole, graph) for whole, graph in parts if graph in graphs]
            if not held:
                return None
        # One whose split is a word of its own is a sample of the split and of the whole: the split comes after that.
        whole = max((whole for whole, _ in held if whole != iri), default=None)
        # Of what documents say is of several wholes, the last counts, with the split that is said with it.
        graphs = {graph for one, graph in held if one == whole or whole is None}
        said = [q for q in about if q.predicate.value != MLAOI.split or _text(q.graph_name) in graphs]
        label, name, split = (
            min((_text(quad.object) for quad in said if quad.predicate.value == predicate), default=None)
            for predicate in (RDFS.label, DCTERMS.identifier, MLAOI.split)
        )
        return Target(iri, Kind.SAMPLE, label or name, split, whole=whole, identifier=name)


def _text(term: object) -> str:
    assert isinstance(term, NamedNode | Literal)  # a store holds no blank nodes
    return term.value
