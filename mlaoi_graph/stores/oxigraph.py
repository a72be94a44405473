"""Quads in Oxigraph: on disk (RocksDB) or in memory.

The default graph is ours: it holds every triple of the named graphs once, and each write keeps it so
in the same transaction. Oxigraph's own ``use_default_graph_as_union`` is not used because, up to
0.5.13, it returns a triple once per graph that says it (oxigraph/oxigraph#1919), which makes counts
wrong and multiplies joins, and because it ignores ``FROM``. The price, measured on 18-triple
documents, is about half as much time again for a bulk load and a third more disk.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pyoxigraph as ox

from mlaoi_graph.errors import CatalogLocked, QueryError, StoreError
from mlaoi_graph.stores.terms import engine_errors, lines, node, triples

if TYPE_CHECKING:
    from mlaoi_graph.stores import Results, Scope, Term

__all__ = ["OxigraphStore", "open_memory", "open_oxigraph"]

_Item = TypeVar("_Item")
_DEFAULT = ox.DefaultGraph()
_BLANK_NODE = re.compile(r"^_:| _:[^\s\"]+ \.$", re.MULTILINE)
"""A blank node as subject or object of an N-Triples line; a literal's line ends in a quote or ``>``."""


def open_oxigraph(location: Path | str | None, *, read_only: bool = False) -> OxigraphStore:
    """Return the store in a directory, made if it is not there: ``open_store("oxigraph", ...)``."""
    if location is None:
        raise StoreError("the oxigraph store needs a directory. Give one, or use the memory store")
    return OxigraphStore(Path(location), read_only=read_only)


def open_memory(location: Path | str | None = None, *, read_only: bool = False) -> OxigraphStore:
    """Return an empty store in memory, whatever the location: ``open_store("memory")``."""
    if read_only:
        raise StoreError("a memory store starts empty, there is nothing to read. Open it for writing")
    return OxigraphStore()


class OxigraphStore:
    """A :class:`~mlaoi_graph.stores.Store` in an Oxigraph directory, or in memory without one.

    On disk it has one writer, and nobody else may read beside it: other processes read a
    :meth:`snapshot`, opened with ``read_only``. After SIGKILL at any instant it opens again with every
    write that returned, and no part of one that did not; a :meth:`fill` that was cut short is undone.

    Raises CatalogLocked if the directory is open for writing already, StoreError if it is no store.
    """

    local = True

    def __init__(self, path: Path | None = None, *, read_only: bool = False) -> None:
        self._path = path
        self._read_only = read_only
        self._writing = threading.RLock()
        # Stands beside the directory while a fill runs, and is how the next writer knows of one cut short.
        self._filling = None if path is None else path.with_name(f"{path.name}.filling")
        self._engine: ox.Store | None = self._open(path)
        if self._filling and not read_only and self._filling.exists():
            self._undo_fill(self._engine)

    def _open(self, path: Path | None) -> ox.Store:
        try:
            if path is None:
                return ox.Store()
            # Within one process the engine tells by its name whether a directory is open already.
            return ox.Store.read_only(str(path)) if self._read_only else ox.Store(path.resolve())
        except (OSError, RuntimeError, ValueError) as error:
            # RocksDB's words; pyoxigraph sets no errno. The first is another process, the second this one.
            if "While lock file" in str(error) or "lock hold by current process" in str(error):
                raise CatalogLocked(str(path)) from error
            raise StoreError(f"{path}: cannot be opened as an Oxigraph store: {error}. Check the path") from error

    def replace(self, graphs: Mapping[str, str], *, append: Mapping[str, str] | None = None) -> None:
        """See :meth:`mlaoi_graph.stores.Store.replace`.

        Only what differs is written. The text itself never becomes part of an update: it is parsed, and
        the update is made of Oxigraph's own serialisation of the terms.
        """
        with self._writing:
            engine = self._writable()
            whole = {node(graph): triples(graph, text) for graph, text in graphs.items()}
            added = {node(graph): triples(graph, text) for graph, text in (append or {}).items()}
            for graph in whole.keys() & added.keys():
                whole[graph] |= added.pop(graph)
            with engine_errors(_refused):
                changes = {}
                for graph, new in whole.items():
                    old = {quad.triple for quad in engine.quads_for_pattern(None, None, None, graph)}
                    changes[graph] = _Change(old - new, new - old, emptied=not new)
                for graph, more in added.items():
                    changes[graph] = _Change(set(), _missing(engine, graph, more))
                _apply(engine, changes)

    def amend(self, graph: str, *, remove: str = "", add: str = "") -> None:
        """See :meth:`mlaoi_graph.stores.Store.amend`."""
        with self._writing:
            engine = self._writable()
            name, gone, more = node(graph), triples(graph, remove), triples(graph, add)
            with engine_errors(_refused):
                there = (gone - more) - _missing(engine, name, gone - more)
                quads = engine.quads_for_pattern(None, None, None, name)
                emptied = not more and all(quad.triple in there for quad in quads)
                _apply(engine, {name: _Change(there, _missing(engine, name, more), emptied)})

    def fill(self, chunks: Iterable[Mapping[str, str]]) -> None:
        """See :meth:`mlaoi_graph.stores.Store.fill`.

        Chunks of some 50 MB are right: each is sorted as a whole, in memory (about ten times its size).
        """
        with self._writing:
            engine = self._writable()
            if engine:
                raise StoreError("a fill needs an empty store, and this one is not. Use replace, or an empty directory")
            if self._filling:
                with engine_errors(_refused):
                    self._filling.touch()
            try:
                # Oxigraph lets other threads run while it loads, so the next chunk is made meanwhile.
                with ThreadPoolExecutor(1) as loader, ThreadPoolExecutor(1) as merger:
                    loading: Future[None] | None = None
                    for chunk in chunks:
                        if loading is not None:
                            loading.result()
                        loading = loader.submit(_load_chunk, engine, chunk, merger)
                        if not chunk:
                            loading.result()
                    if loading is not None:
                        loading.result()
                with engine_errors(_refused):
                    engine.flush()
            except BaseException:
                self._undo_fill(engine)
                raise
            if self._filling:
                self._filling.unlink()

    def _undo_fill(self, engine: ox.Store) -> None:
        # Emptied in place and not deleted: the lock is held all the while, and no path can be the wrong one.
        with engine_errors(_refused):
            engine.clear()
            engine.optimize()  # gives the disk space back
        if self._filling:
            self._filling.unlink(missing_ok=True)

    def match(
        self,
        subject: str | None = None,
        predicate: str | None = None,
        object: str | Term | None = None,
        graph: str | None = None,
    ) -> Iterator[ox.Quad]:
        """See :meth:`mlaoi_graph.stores.Store.match`."""
        engine = self._readable()
        pattern = (
            None if subject is None else node(subject),
            None if predicate is None else node(predicate),
            node(object) if isinstance(object, str) else object,
            None if graph is None else node(graph),
        )
        with engine_errors(_refused):
            quads = engine.quads_for_pattern(*pattern)
        return (quad for quad in _reading(quads) if quad.graph_name != _DEFAULT)

    def query(
        self,
        sparql: str,
        *,
        substitutions: Mapping[str, str | Term] | None = None,
        prefixes: Mapping[str, str] | None = None,
        scope: Scope | None = None,
        functions: Mapping[str, Callable[..., Term | None]] | None = None,
        aggregates: Mapping[str, Callable[[], ox.AggregateFunctionAccumulator]] | None = None,
    ) -> Results:
        """See :meth:`mlaoi_graph.stores.Store.query`.

        ``SERVICE`` is Oxigraph's: it goes out to the network, and its errors come while the rows are
        read. There is no time limit. Queries of strangers need a process of their own.
        """
        engine = self._readable()
        chosen: dict[str, Any] = {}
        if scope is not None and scope.chooses:
            default: list[ox.NamedNode | ox.DefaultGraph] = [node(graph) for graph in scope.default_graphs]
            named = [node(graph) for graph in scope.named_graphs]
            if len(default) > 1:
                with engine_errors(_refused):
                    engine, default = _merged(engine, default, named), [_DEFAULT]
            # Given, they stand before what the query says itself.
            chosen = {"default_graph": default, "named_graphs": named}
        with engine_errors(QueryError):
            return engine.query(
                sparql,
                base_iri=scope.base if scope else None,
                prefixes=dict(prefixes or {}),
                substitutions={
                    ox.Variable(name): ox.NamedNode(value) if isinstance(value, str) else value
                    for name, value in (substitutions or {}).items()
                },
                **chosen,
                custom_functions={ox.NamedNode(iri): of for iri, of in (functions or {}).items()},
                custom_aggregate_functions={ox.NamedNode(iri): of for iri, of in (aggregates or {}).items()},
            )

    def update(
        self,
        sparql: str,
        *,
        base: str | None = None,
        prefixes: Mapping[str, str] | None = None,
        functions: Mapping[str, Callable[..., Term | None]] | None = None,
    ) -> None:
        """Run a SPARQL update in one transaction; the default graph is the caller's to keep. Raises QueryError."""
        with self._writing:
            engine = self._writable()
            with engine_errors(QueryError):
                engine.update(
                    sparql,
                    base_iri=base,
                    prefixes=dict(prefixes or {}),
                    custom_functions={ox.NamedNode(iri): of for iri, of in (functions or {}).items()},
                )

    def without(self, graph: str) -> OxigraphStore:
        """Return a copy in memory that lacks one graph, and what only that graph says."""
        engine, left_out = self._readable(), node(graph)
        copy = OxigraphStore()
        with engine_errors(_refused):
            said = {
                quad.triple
                for quad in engine.quads_for_pattern(None, None, None, left_out)
                if all(
                    other.graph_name in (left_out, _DEFAULT)
                    for other in engine.quads_for_pattern(quad.subject, quad.predicate, quad.object, None)
                )
            }
            copy.engine.bulk_extend(
                quad
                for quad in engine
                if quad.graph_name != left_out and (quad.graph_name != _DEFAULT or quad.triple not in said)
            )
        return copy

    def graphs(self) -> Iterator[str]:
        """See :meth:`mlaoi_graph.stores.Store.graphs`."""
        engine = self._readable()
        with engine_errors(_refused):
            return (graph.value for graph in _reading(engine.named_graphs()))

    def has_graph(self, graph: str) -> bool:
        """See :meth:`mlaoi_graph.stores.Store.has_graph`."""
        engine = self._readable()
        name = node(graph)
        with engine_errors(_refused):
            return engine.contains_named_graph(name)

    def __len__(self) -> int:
        solutions = self.query("SELECT (COUNT(*) AS ?quads) { GRAPH ?graph { ?s ?p ?o } }")
        assert isinstance(solutions, ox.QuerySolutions)
        return int(next(solutions)["quads"].value)

    @property
    def engine(self) -> ox.Store:
        """Oxigraph's own store, for what has to read it directly. Its default graph is the merge."""
        return self._readable()

    @property
    def in_order(self) -> bool:
        """Whether every graph is read in the same order of subjects: on disk, and not in memory."""
        return self._path is not None

    def snapshot(self, target: Path) -> None:
        """Write the store as it stands now to a new directory, which nothing changes from then on.

        Hard links where the file system is the same, so milliseconds. Raises StoreError for a store in
        memory and if the target exists.
        """
        engine = self._readable()

        def not_made(reason: str) -> StoreError:
            return StoreError(f"{target}: no snapshot made: {reason}. Check the path")

        with engine_errors(not_made):
            engine.backup(target)

    def compact(self) -> None:
        """Bring what was written in several steps into one order, which reads twice as fast.

        Looking up a string asks every file that may have it. Rewrites the whole store: worth it after a fill.
        """
        engine = self._writable()
        with engine_errors(_refused):
            engine.optimize()

    def close(self) -> None:
        """See :meth:`mlaoi_graph.stores.Store.close`.

        The directory is free for another writer once no iterator and no results are held any more.
        """
        self._engine = None

    def _readable(self) -> ox.Store:
        if self._engine is None:
            raise StoreError("the store is closed. Open it again")
        return self._engine

    def _writable(self) -> ox.Store:
        if self._read_only:
            raise StoreError(f"{self._path}: opened to read only. Open it for writing")
        return self._readable()


def _refused(reason: str) -> StoreError:
    return StoreError(f"the store refused: {reason}. Nothing was changed")


@dataclass(slots=True)
class _Change:
    """What leaves one named graph, and what comes into it."""

    gone: set[ox.Triple]
    new: set[ox.Triple]
    emptied: bool = False


def _merged(
    engine: ox.Store, default: Iterable[ox.NamedNode | ox.DefaultGraph], named: Iterable[ox.NamedNode]
) -> ox.Store:
    """Return a copy in memory of some graphs, the first ones merged into its default graph.

    Given several default graphs, Oxigraph gives a triple once for each that says it (oxigraph/oxigraph#1919).
    """
    copy = ox.Store()
    for graph in default:
        quads = engine.quads_for_pattern(None, None, None, graph)
        copy.extend(ox.Quad(quad.subject, quad.predicate, quad.object) for quad in quads)
    for graph in named:
        copy.extend(engine.quads_for_pattern(None, None, None, graph))
    return copy


def _missing(engine: ox.Store, graph: ox.NamedNode, triples: set[ox.Triple]) -> set[ox.Triple]:
    # Asked one by one: the graph may be far longer than what is looked for in it.
    return {t for t in triples if ox.Quad(t.subject, t.predicate, t.object, graph) not in engine}


def _apply(engine: ox.Store, changes: dict[ox.NamedNode, _Change]) -> None:
    """Make the changes, and keep the default graph the merge of all, in one transaction."""
    drops: list[str] = []
    deletes: list[str] = []
    inserts: list[str] = []
    for graph, change in changes.items():
        if change.emptied:
            drops.append(f"DROP SILENT GRAPH {graph}")  # deleting every triple would leave the empty graph
        elif change.gone:
            deletes.append(f"GRAPH {graph} {{\n{lines(change.gone)}}}")
        if change.new:
            inserts.append(f"{lines(change.new)}GRAPH {graph} {{\n{lines(change.new)}}}")

    # A triple leaves the default graph when the last named graph that says it lets go of it.
    arriving = set[ox.Triple]().union(*(change.new for change in changes.values()))
    untouched = _Change(set(), set())
    leaving = set[ox.Triple]().union(*(change.gone for change in changes.values())) - arriving
    orphans = {
        triple
        for triple in leaving
        if all(
            quad.graph_name == _DEFAULT
            or (isinstance(quad.graph_name, ox.NamedNode) and triple in changes.get(quad.graph_name, untouched).gone)
            for quad in engine.quads_for_pattern(*triple)
        )
    }
    if orphans:
        deletes.append(lines(orphans))
    steps = drops
    # Deletion first: Oxigraph stores "01" and "1" as one number, and what is both old and new has to stay.
    if deletes:
        steps.append("DELETE DATA {\n" + "\n".join(deletes) + "}")
    if inserts:
        steps.append("INSERT DATA {\n" + "\n".join(inserts) + "}")
    if steps:
        engine.update(" ;\n".join(steps))


def _load_chunk(engine: ox.Store, chunk: Mapping[str, str], merger: ThreadPoolExecutor) -> None:
    """Load each graph's triples into it, and all of them into the default graph meanwhile."""
    quads = []
    for graph, text in chunk.items():
        if text and not text.endswith(" .\n"):
            raise StoreError(f"{graph}: not N-Triples as a serialiser writes it. Nothing was written")
        if "_:" in text and _BLANK_NODE.search(text):
            raise StoreError(f"{graph}: blank nodes are not kept. Nothing was written")
        # No literal holds a raw newline, so this is the end of a line and nothing else; a parser judges the rest.
        quads.append(text.replace(" .\n", f" {node(graph)} .\n"))
    with engine_errors(lambda reason: StoreError(f"a chunk is not N-Triples: {reason}. Nothing was written")):
        # Lenient, as the other parser judges the same lines.
        merged = "".join(chunk.values()).encode()
        merging = merger.submit(engine.bulk_load, merged, ox.RdfFormat.N_TRIPLES, lenient=True)
        try:
            engine.bulk_load("".join(quads).encode(), ox.RdfFormat.N_QUADS)
        finally:
            merging.result()


def _reading(items: Iterator[_Item]) -> Iterator[_Item]:
    with engine_errors(_refused):
        yield from items
