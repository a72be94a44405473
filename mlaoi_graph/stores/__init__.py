"""Where the quads are kept: what a store promises, and stores by name.

``oxigraph`` (on disk) and ``memory`` are built in; other packages add theirs under the entry point
group ``mlaoi_graph.stores``. Whoever writes one proves it with :class:`mlaoi_graph.testing.StoreSuite`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias, cast

from mlaoi_graph.errors import UnknownFormat

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from pyoxigraph import (
        AggregateFunctionAccumulator,
        BlankNode,
        Literal,
        NamedNode,
        Quad,
        QueryBoolean,
        QuerySolutions,
        QueryTriples,
        Triple,
    )

    Term: TypeAlias = NamedNode | BlankNode | Literal | Triple
    Results: TypeAlias = QuerySolutions | QueryBoolean | QueryTriples

__all__ = ["Scope", "Store", "open_store", "store_names"]


@dataclass(frozen=True, slots=True)
class Scope:
    """The graphs a query is about, as the SPARQL protocol says them: they stand before the query's own ``FROM``."""

    default_graphs: tuple[str, ...] = ()
    """Merged into the default graph; IRIs."""
    named_graphs: tuple[str, ...] = ()
    base: str | None = None
    """What relative IRIs in the query are relative to; without one they are an error."""
    inferred: bool = True
    """Whether what was inferred is there; only a :class:`~mlaoi_graph.catalog.Catalog` tells it from the rest."""

    @property
    def chooses(self) -> bool:
        """Whether any graph is named; then those are all there are."""
        return bool(self.default_graphs or self.named_graphs)

    def __reduce__(self) -> tuple[type[Scope], tuple[object, ...]]:
        # Sent with every query to the process that runs it: in a third of the time a dataclass takes by itself.
        return Scope, (self.default_graphs, self.named_graphs, self.base, self.inferred)


class Store(Protocol):
    """Named graphs, written one whole graph at a time and queried as one.

    Graphs and terms are given as absolute IRIs in plain ``str``; what comes back are pyoxigraph's
    values. There are no blank nodes, and every triple is in a named graph. A store has one writer.
    Every method raises StoreError if the store is closed, refuses, or was given an IRI that is none.
    """

    local: bool
    """Whether the engine runs in this process: it calls functions given to a query, and nobody else writes."""

    def replace(self, graphs: Mapping[str, str], *, append: Mapping[str, str] | None = None) -> None:
        """Make each of ``graphs`` hold exactly the triples given, in one step: all of it or nothing.

        The values are N-Triples text; ``""`` removes the graph. ``append`` adds triples to graphs and
        leaves what is there. Other graphs stay as they are. Raises StoreError, and writes nothing, if
        any of the texts is not N-Triples or has blank nodes.
        """

    def amend(self, graph: str, *, remove: str = "", add: str = "") -> None:
        """Take the triples of ``remove`` out of one graph and put those of ``add`` in, in one step.

        For a graph too large to be given whole. Both are N-Triples text; what is in both stays. Raises StoreError,
        and writes nothing, if one is not.
        """

    def fill(self, chunks: Iterable[Mapping[str, str]]) -> None:
        """Load very many triples into an empty store.

        A chunk maps named graphs to N-Triples text as a serialiser writes it: one triple a line, each line ended
        by space, full stop and newline. A graph may come in several chunks. While a chunk is made, the store may
        be read and has all chunks but the last, which may be on its way in; an empty chunk waits until all are
        in. If anything fails, an exception out of ``chunks`` included, the store is empty again and
        the error goes on. Raises StoreError if the store is not empty.
        """

    def match(
        self,
        subject: str | None = None,
        predicate: str | None = None,
        object: str | Term | None = None,
        graph: str | None = None,
    ) -> Iterator[Quad]:
        """Iterate over the quads that fit, as the store stands now; None fits everything.

        A ``str`` object is an IRI; a literal is given as a pyoxigraph term. A triple said by two
        graphs comes twice, once with each.
        """

    def query(
        self,
        sparql: str,
        *,
        substitutions: Mapping[str, str | Term] | None = None,
        prefixes: Mapping[str, str] | None = None,
        scope: Scope | None = None,
        functions: Mapping[str, Callable[..., Term | None]] | None = None,
        aggregates: Mapping[str, Callable[[], AggregateFunctionAccumulator]] | None = None,
    ) -> Results:
        """Run a SPARQL query; raises QueryError if it cannot be parsed or run.

        The default graph is the merge of all named graphs: a triple said by two graphs is in it once.
        ``FROM`` and ``GRAPH`` choose graphs as usual, and ``scope`` before them. ``substitutions`` gives
        variables (names without the question mark) a value, ``str`` for an IRI, before the query runs: the
        way to pass input. A SELECT must project such a variable (SPARQL-dev SEP-0007). ``functions`` and ``aggregates``
        by IRI take terms and give one, or None for "unbound", and go before functions the engine has by that name; a
        store that is not ``local`` leaves them out.
        """

    def graphs(self) -> Iterator[str]:
        """Iterate over the IRIs of the graphs that hold something, in no particular order."""

    def has_graph(self, graph: str) -> bool:
        """Return whether a graph of that name holds something."""

    def __len__(self) -> int:
        """Return the number of quads; a triple said by two graphs counts twice."""

    def close(self) -> None:
        """Let go of the store; closing twice does nothing."""


_GROUP = "mlaoi_graph.stores"
_BUILTIN = {
    "memory": "mlaoi_graph.stores.oxigraph:open_memory",
    "oxigraph": "mlaoi_graph.stores.oxigraph:open_oxigraph",
    "sparql": "mlaoi_graph.stores.sparql:open_sparql",
}


def _found() -> dict[str, EntryPoint]:
    from importlib.metadata import EntryPoint, entry_points  # takes as long to import as the rest of a catalog

    # Built-in names last: a plug-in cannot take one over by being installed.
    named = {entry.name: entry for entry in entry_points(group=_GROUP)}
    return named | {name: EntryPoint(name, value, _GROUP) for name, value in _BUILTIN.items()}


def store_names() -> list[str]:
    """Return the names :func:`open_store` knows, sorted."""
    return sorted(_found())


def open_store(name: str, location: Path | str | None = None, *, read_only: bool = False) -> Store:
    """Return the store of that name at a location: a directory, an address, or nothing, as it needs.

    Raises UnknownFormat for a name nobody goes by, CatalogLocked if another process has it open for
    writing, StoreError if it cannot be opened.

    >>> store = open_store("memory")
    >>> store.replace({"urn:doc": "<urn:m> <urn:testedOn> <urn:d> ."})
    >>> list(store.graphs())
    ['urn:doc']
    """
    found = _found()
    if name not in found:
        raise UnknownFormat("store", name, sorted(found))
    opener = cast("Callable[..., Store]", found[name].load())
    return opener(location, read_only=read_only)
