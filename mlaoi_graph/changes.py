"""What an ingest changes: noted from what a store holds just before it is written over."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, cast

import pyoxigraph as ox
from pyoxigraph import Literal, NamedNode

from mlaoi_graph import iri as iris
from mlaoi_graph import rdf, reasoning
from mlaoi_graph.errors import StoreError
from mlaoi_graph.known import NAMING
from mlaoi_graph.stores import Store
from mlaoi_graph.vocab import MLAOI, RDF, RDFS

__all__ = ["Changes"]

_DECIDES: Final = frozenset({RDF.type, RDFS.label, MLAOI.split, MLAOI.resolved})
"""What of a node decides how references to it are typed."""
_DECIDES_START: Final = tuple(f"<{predicate}> " for predicate in _DECIDES)
_NAMING_START: Final = tuple(f"<{predicate}> " for predicate in NAMING)
_FOOTPRINT: Final = f"<{MLAOI.footprint}> "
_NOTED: Final = _DECIDES.union(NAMING, {MLAOI.footprint})
_NOTED_START: Final = tuple(f"<{predicate}> " for predicate in _NOTED)
_NODES: Final = frozenset(
    f"<{RDF.type}> <{kind}> ."
    for kind in (
        MLAOI.Model, MLAOI.ModelFamily, MLAOI.Dataset, MLAOI.SourceArchive, MLAOI.UnknownThing, MLAOI.Evidence
    )
)  # fmt: skip
"""How a document's text says that something is a node of the lineage graph, or a source that is cited there."""
_TRIPLE: Final = re.compile(r"^<([^>]*)> (.*)$", re.MULTILINE)


class Changes:
    """What came, went or is otherwise in the graphs of documents that were written."""

    def __init__(self, *, any_name: bool = False) -> None:
        self.documents: set[str] = set()
        """Documents of which a graph was written."""
        self.described: set[str] = set()
        """Models, datasets and sources that documents describe which came, went or changed."""
        self.touched: set[str] = set()
        """Nodes at which asserted edges came or went."""
        self.nodes: set[str] = set()
        """Nodes that are of another kind now, or another split, or described no more."""
        self._names: set[str] | None = None if any_name else set()
        """What things are called that came, went or changed, as in N-Triples; None if that may be anything."""

    def note(self, store: Store, graphs: Mapping[str, str]) -> None:
        """Note what will change when the graphs hold this N-Triples text instead of what they hold now.

        Raises StoreError if one of them has a blank node.
        """
        for graph, text in graphs.items():
            if graph == rdf.LOG_GRAPH:
                continue
            self.touched.update(reasoning.touched_by(text))
            old: set[tuple[str, str]] = set()
            for quad in store.match(graph=graph):
                if not isinstance(quad.subject, NamedNode):
                    raise StoreError(
                        f"{graph} has a blank node, which no document has. Take the graph out by an update: "
                        f"DROP GRAPH <{graph}>"
                    )
                subject = quad.subject.value
                if isinstance(quad.object, NamedNode):
                    self.touched.update(reasoning.ends(subject, quad.predicate.value, quad.object.value))
                if quad.predicate.value in _NOTED:
                    old.add((subject, f"<{quad.predicate.value}> {quad.object} ."))
            new = {(subject, rest) for subject, rest in _TRIPLE.findall(text) if rest.startswith(_NOTED_START)}
            self.documents.add(graph)
            self.described.update(subject for subject, rest in old | new if rest in _NODES)
            self._note_nodes(old, new)

    def _note_nodes(self, old: set[tuple[str, str]], new: set[tuple[str, str]]) -> None:
        differs = old ^ new
        if self._names is not None:
            self._names.update(rest for _, rest in differs if rest.startswith(_NAMING_START))
        if not old:  # what is new altogether was unresolved before, and is linked as such
            return
        for subject, rest in differs:
            if rest.startswith(_FOOTPRINT):  # an item belongs to something else
                subject = rest[len(_FOOTPRINT) + 1 : -3]
            elif not rest.startswith(_DECIDES_START):
                continue
            self.nodes |= {subject, iris.owner(subject, "area")}

    def names(self) -> set[str] | None:
        """Return what things are called that came, went or changed; None if that may be anything."""
        if self._names is None:
            return None
        lines = "\n".join(f"<urn:x> {rest}" for rest in self._names)
        return {cast("Literal", quad.object).value for quad in ox.parse(lines, ox.RdfFormat.N_TRIPLES)}

    def may_be_called_anything(self) -> None:
        """Have names be of no help from now on: something wrote past these notes."""
        self._names = None

    def forget_nodes(self) -> None:
        """Take all nodes for what they were, by whatever name."""
        self.nodes.clear()
        if self._names is not None:
            self._names.clear()
