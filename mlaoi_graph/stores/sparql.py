"""Quads on a SPARQL 1.1 server, over HTTP.

The merge of all documents is kept by the store here too (docs/decisions/0001): in the server's default graph, or, on
Virtuoso, whose default graph is every graph one after the other, in a named graph that queries are pointed at.

Every update names the state it starts from and sets the next one, in a graph of the store's own, and happens only if
that state still holds. So an update that is sent again because no answer came happens once, however often and however
late it arrives, and two writers are told of each other instead of undoing each other's work.
"""

from __future__ import annotations

import os
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final, TypeVar, cast

import pyoxigraph as ox

from mlaoi_graph.errors import CatalogLocked, QueryError, StoreError
from mlaoi_graph.results import refuse_what_is_no_reading
from mlaoi_graph.stores.endpoint import JSON, N_TRIPLES, Auth, Endpoint, Unsure
from mlaoi_graph.stores.oxigraph import OxigraphStore
from mlaoi_graph.stores.rewriting import chosen, repeats_within, rewritten, wrapped
from mlaoi_graph.stores.terms import engine_errors, node, triples

if TYPE_CHECKING:
    from pathlib import Path

    from mlaoi_graph.stores import Results, Scope, Term

__all__ = ["CATALOG_GRAPH", "SparqlStore", "is_address", "open_sparql"]

_Item = TypeVar("_Item")

CATALOG_GRAPH: Final = "https://w3id.org/mlaoi/graph/catalog"
"""Graph of the store's own: its state, and what the catalog notes. No document, and not in the merge."""
_STATE: Final = f"{CATALOG_GRAPH}#state"
_FILLING: Final = "filling"
_MERGE: Final = "https://w3id.org/mlaoi/graph/merge"
_COMING: Final = f"{CATALOG_GRAPH}#coming"
_GOING: Final = f"{CATALOG_GRAPH}#going"
_ORPHANS: Final = f"{CATALOG_GRAPH}#orphans"
_WKT: Final = "http://www.opengis.net/ont/geosparql#wktLiteral"
_XSD: Final = "http://www.w3.org/2001/XMLSchema#"
_BOOLEAN: Final = f"{_XSD}boolean"
_NATIVE: Final = frozenset(
    _XSD + name for name in ("string", "boolean", "integer", "decimal", "double", "float", "date", "dateTime")
)
_COPIED: Final = 2_000_000
"""Quads that are copied into memory, some kilobyte each."""
_ASKED_AT_ONCE: Final = 200
"""Triples or graphs a query asks about."""


@dataclass(frozen=True)
class _Server:
    """What is particular to a kind of server."""

    merge: str | None = None
    """Named graph that holds the merge; None where the default graph does."""
    hidden: tuple[str, ...] = (CATALOG_GRAPH,)
    """Graphs that are no documents."""
    most: int = 1_000_000
    """Quads an update may hold; more are brought in through graphs of our own."""
    in_fill: int = 5_000
    """Quads an update holds while a store is filled: under a megabyte, which servers and those before them take."""
    at_once: int = 100_000
    """Quads taken away at once when a fill is undone."""
    wraps: bool = False
    """Whether the merge is given to a query by ``GRAPH`` around it: the server takes no other default graph, or knows
    no named graphs beside it."""
    loses_paths: bool = False
    """Whether it answers wrongly, or ends, where a path repeats what repeats in itself."""
    own_literals: bool = False
    """Whether it makes something else of some literals; see :data:`_VIRTUOSO`."""

    def text(self, term: object) -> str:
        """Return a term as it is sent. Raises StoreError for a literal the server could not keep."""
        if self.own_literals and isinstance(term, ox.Literal) and term.language is None:
            if term.datatype.value == _WKT:
                return f"{ox.Literal(term.value)}@x-wkt"
            if term.datatype.value not in _NATIVE:
                raise StoreError(f"{term}: Virtuoso cannot take out again what has this datatype. Nothing was written")
        return str(term)

    def line(self, triple: ox.Triple) -> str:
        """Return a triple as it is sent."""
        return f"{triple.subject} {triple.predicate} {self.text(triple.object)} .\n"

    def answer(self, text: bytes) -> bytes:
        """Return lines of JSON results with the terms as they were meant."""
        # Quotes inside of text are escaped, so none of this can be found there.
        if not self.own_literals:
            return text
        text = text.replace(b'"xml:lang": "x-wkt"', b'"datatype": "' + _WKT.encode() + b'"')
        return _NUMBER_FOR_BOOLEAN.sub(_boolean, text)

    def term(self, term: Term) -> Term:
        """Return a term of a graph that was answered as it was meant."""
        if not self.own_literals or not isinstance(term, ox.Literal):
            return term
        if term.language == "x-wkt":
            return ox.Literal(term.value, datatype=ox.NamedNode(_WKT))
        if term.datatype.value == _BOOLEAN and term.value in ("0", "1"):
            return ox.Literal(term.value == "1")
        return term


_STANDARD: Final = _Server()
# A server told that its default graph is the union of all (``oxigraph serve --union-default-graph``) gives a triple
# once for each graph that says it, so the merge is kept in a graph of its own there too.
_UNION: Final = _Server(merge=_MERGE, hidden=(CATALOG_GRAPH, _MERGE, _COMING, _GOING, _ORPHANS), wraps=True)
# Virtuoso 7. An update becomes SQL, of 10,000 lines at most. Of a wktLiteral it makes a geometry of its own, if it can,
# so WKT goes by a language tag; any other datatype it does not know it never deletes; true it keeps as 1. Its graphs
# about itself are on every server.
_VIRTUOSO: Final = _Server(
    merge=_MERGE,
    hidden=(
        CATALOG_GRAPH,
        _MERGE,
        _COMING,
        _GOING,
        _ORPHANS,
        "http://www.openlinksw.com/schemas/virtrdf#",
        "http://www.w3.org/ns/ldp#",
        "http://localuriqaserver/sparql",
        "http://www.w3.org/2002/07/owl#",
        "urn:activitystreams-owl:map",
        "urn:core:services:sparql",
    ),
    most=800,
    in_fill=800,
    at_once=2_000,
    loses_paths=True,
    own_literals=True,
)
_NUMBER_FOR_BOOLEAN: Final = re.compile(rb'("datatype": "' + _BOOLEAN.encode() + rb'", "value": )"([01])"')


def _boolean(found: re.Match[bytes]) -> bytes:
    return found[1] + (b'"true"' if found[2] == b"1" else b'"false"')


@dataclass(slots=True)
class _Change:
    """What leaves one named graph and what comes into it."""

    gone: set[ox.Triple]
    new: set[ox.Triple]
    kept: frozenset[ox.Triple] | None = None
    """What else it holds; None if that was not asked."""

    def __len__(self) -> int:
        return len(self.gone) + len(self.new)


def is_address(place: str) -> bool:
    """Return whether a place is a server's address, and not a directory.

    >>> is_address("https://example.org/sparql"), is_address("lineage")
    (True, False)
    """
    return place.startswith(("http://", "https://"))


def open_sparql(
    location: Path | str | None, *, read_only: bool = False, update: str | None = None, auth: Auth | None = None
) -> SparqlStore:
    """Return the store on a server: ``open_store("sparql", "https://host/sparql")``.

    What is not given comes from the environment: MLAOI_SPARQL_UPDATE, MLAOI_SPARQL_TOKEN, MLAOI_SPARQL_USER and
    MLAOI_SPARQL_PASSWORD.
    """
    if location is None:
        raise StoreError("the sparql store needs an address. Give one like https://host/sparql")
    given = os.environ.get
    if auth is None:
        user = given("MLAOI_SPARQL_USER")
        auth = given("MLAOI_SPARQL_TOKEN") or ((user, given("MLAOI_SPARQL_PASSWORD", "")) if user else None)
    return SparqlStore(str(location), read_only=read_only, update=update or given("MLAOI_SPARQL_UPDATE"), auth=auth)


class SparqlStore:
    """A :class:`~mlaoi_graph.stores.Store` on a SPARQL 1.1 server that is all the store's own.

    ``url`` takes queries, ``update`` updates (the same address unless given). ``auth`` is a bearer token, or a user and
    a password. Connections that break are made again, for some seconds; an update is never lost or doubled.

    One replace, amend or note is one request, which a server does wholly or not at all if it does so with one update
    operation (Oxigraph: yes; Virtuoso: yes, of up to 800 quads a request; larger calls are several steps there, each
    graph whole). A fill is many requests: what reads meanwhile sees a part of it.

    Raises StoreError if no SPARQL server answers, MissingExtra without httpx. Writing raises CatalogLocked if somebody
    else has written since this store last did.
    """

    local = False

    def __init__(
        self, url: str, *, update: str | None = None, auth: Auth | None = None, read_only: bool = False
    ) -> None:
        self.url = url
        self._read_only = read_only
        self._writing = threading.RLock()
        self._state: str | None = None
        self._open: Endpoint | None = Endpoint(url, update or url, auth)
        self._server = _STANDARD
        self._copy: tuple[str, OxigraphStore] | None = None
        try:
            if self._ask("ASK { GRAPH <http://www.openlinksw.com/schemas/virtrdf#> { ?s ?p ?o } }"):
                self._server = _VIRTUOSO
            else:
                self._tell_union()
        except BaseException:
            self.close()
            raise

    def _tell_union(self) -> None:
        """See whether the server's default graph is the union of all: it has the state then, which is in no merge."""
        state = f"<{CATALOG_GRAPH}> <{_STATE}> ?state"
        if self._ask(f"ASK {{ GRAPH <{CATALOG_GRAPH}> {{ {state} }} {state} }}"):
            self._server = _UNION

    # -- writing ----------------------------------------------------------------------------------------------

    def replace(self, graphs: Mapping[str, str], *, append: Mapping[str, str] | None = None) -> None:
        """See :meth:`mlaoi_graph.stores.Store.replace`. Only what differs is sent."""
        with self._writing:
            self._writable()
            whole = {node(graph): triples(graph, text) for graph, text in graphs.items()}
            added = {node(graph): triples(graph, text) for graph, text in (append or {}).items()}
            for graph in whole.keys() & added.keys():
                whole[graph] |= added.pop(graph)
            # What is added first: a reading that is logged twice did happen twice, one that is not logged is lost.
            changes = {graph: _Change(set(), more) for graph, more in added.items()}
            held = self._contents(list(whole))
            for graph, new in whole.items():
                old = held.get(graph, set())
                changes[graph] = _Change(old - new, new - old, frozenset(old & new))
            self._make({graph: change for graph, change in changes.items() if len(change)})

    def amend(self, graph: str, *, remove: str = "", add: str = "") -> None:
        """See :meth:`mlaoi_graph.stores.Store.amend`."""
        with self._writing:
            self._writable()
            name, gone, more = node(graph), triples(graph, remove), triples(graph, add)
            if gone or more:
                self._make({name: _Change(gone - more, more)})

    def fill(self, chunks: Iterable[Mapping[str, str]]) -> None:
        """See :meth:`mlaoi_graph.stores.Store.fill`. A fill cut short is undone by the next one who writes."""
        with self._writing:
            self._writable()
            self._begin()
            if self._any():
                raise StoreError("a fill needs an empty store, and this one is not. Use replace, or an empty server")
            self.note(_FILLING, "since this state")
            try:
                for chunk in chunks:
                    self._load(chunk)
                self.note(_FILLING, None)
            except CatalogLocked:
                raise  # it is somebody else's now
            except BaseException:
                self._undo_fill()
                raise

    def _load(self, chunk: Mapping[str, str]) -> None:
        lines: list[tuple[str, str]] = []
        for graph, text in chunk.items():
            if text and not text.endswith(" .\n"):
                raise StoreError(f"{graph}: not N-Triples as a serialiser writes it. Nothing was written")
            name = str(node(graph))
            lines += [(name, self._server.line(triple)) for triple in triples(graph, text)]
        for part in _parts(lines, self._server.in_fill // 2):
            by_graph: dict[str, list[str]] = {}
            for name, line in part:
                by_graph.setdefault(name, []).append(line)
            blocks = [_block(name, "".join(found)) for name, found in by_graph.items()]
            self._commit("", "".join([*blocks, self._merged("".join(line for _, line in part))]))

    def _undo_fill(self) -> None:
        try:
            self.clear()
            self.note(_FILLING, None)
        except (StoreError, CatalogLocked):
            pass  # it stays marked, and the next one who writes undoes it; what went wrong first is the error to tell

    def clear(self) -> None:
        """Take everything away, a part at a time; what is noted stays."""
        self._drain("GRAPH ?g { ?s ?p ?o }", f"FILTER(?g {self._shown})")
        self._drain(self._merged("?s ?p ?o .\n"))

    def _drain(self, pattern: str, only: str = "") -> None:
        while self._ask(f"ASK {{ {pattern} {only} }}"):
            self._commit(pattern, "", f"{{ SELECT * {{ {pattern} {only} }} LIMIT {self._server.at_once} }}")

    def note(self, name: str, text: str | None) -> None:
        """Keep a text under a name, beside the quads and in no graph of theirs; None takes it away."""
        with self._writing:
            self._writable()
            about = f"<{CATALOG_GRAPH}> <{node(f'{CATALOG_GRAPH}#{name}').value}>"
            old = self.noted(name)
            if text != old:
                self._commit(
                    "" if old is None else _block(f"<{CATALOG_GRAPH}>", f"{about} {ox.Literal(old)} .\n"),
                    "" if text is None else _block(f"<{CATALOG_GRAPH}>", f"{about} {ox.Literal(text)} .\n"),
                )

    def noted(self, name: str) -> str | None:
        """Return the text kept under a name, None if there is none."""
        predicate = node(f"{CATALOG_GRAPH}#{name}")
        rows = self._rows(f"SELECT ?text {{ GRAPH <{CATALOG_GRAPH}> {{ <{CATALOG_GRAPH}> {predicate} ?text }} }}")
        return next((cast("ox.Literal", row["text"]).value for row in rows), None)

    def renew(self) -> None:
        """Take the server's state as it is now for the one to write from: what others have written is seen and kept."""
        self._state = None

    # A change is what documents say; how it is made is up to what the server takes.

    def _make(self, changes: dict[ox.NamedNode, _Change]) -> None:
        if changes:
            self._begin()  # what kind of server it is may be known from then on only
        step: dict[ox.NamedNode, _Change] = {}
        size = 0
        for graph, change in changes.items():
            # Twice, because what a graph says is in the merge as well.
            if size + 2 * len(change) > self._server.most and step:
                self._make_at_once(step)
                step, size = {}, 0
            if 2 * len(change) > self._server.most:
                self._make_from_within(graph, change)
            else:
                step[graph] = change
                size += 2 * len(change)
        if step:
            self._make_at_once(step)

    def _make_at_once(self, changes: dict[ox.NamedNode, _Change]) -> None:
        lines = self._lines
        gone = "".join(_block(str(graph), lines(change.gone)) for graph, change in changes.items() if change.gone)
        new = "".join(_block(str(graph), lines(change.new)) for graph, change in changes.items() if change.new)
        arriving = set[ox.Triple]().union(*(change.new for change in changes.values()))
        self._commit(gone + self._merged(lines(self._orphans(changes))), new + self._merged(lines(arriving)))

    def _make_from_within(self, graph: ox.NamedNode, change: _Change) -> None:
        """Make a change too large for a request: what comes and goes is brought to the server first, then moved."""
        brought = {_COMING: change.new, _GOING: change.gone, _ORPHANS: self._orphans({graph: change})}
        for name, content in brought.items():
            self._drain(_block(f"<{name}>", "?s ?p ?o"))
            for part in _parts(map(self._server.line, content), self._server.most):
                self._commit("", _block(f"<{name}>", "".join(part)))
        self._commit(
            _block(str(graph), "?s1 ?p1 ?o1 .") + self._merged("?s2 ?p2 ?o2 ."),
            _block(str(graph), "?s3 ?p3 ?o3 .") + self._merged("?s3 ?p3 ?o3 ."),
            f"{{ GRAPH <{_GOING}> {{ ?s1 ?p1 ?o1 }} }} UNION {{ GRAPH <{_ORPHANS}> {{ ?s2 ?p2 ?o2 }} }}"
            f" UNION {{ GRAPH <{_COMING}> {{ ?s3 ?p3 ?o3 }} }}",
        )
        for name in brought:
            self._drain(_block(f"<{name}>", "?s ?p ?o"))

    def _orphans(self, changes: Mapping[ox.NamedNode, _Change]) -> set[ox.Triple]:
        """Return the triples that no graph says any more once the changes are made: they leave the merge."""
        arriving = set[ox.Triple]().union(*(change.new for change in changes.values()))
        staying = set[ox.Triple]().union(*(change.kept or () for change in changes.values()))
        leaving = list(set[ox.Triple]().union(*(change.gone for change in changes.values())) - arriving - staying)
        # Graphs that only gain something were not asked for all they hold, so the server is.
        known = [graph for graph, change in changes.items() if change.gone or change.kept is not None]
        told = f"FILTER(?g NOT IN ({', '.join([*map(str, known), *(f'<{name}>' for name in self._server.hidden)])}))"
        said: set[int] = set()
        for start in range(0, len(leaving), _ASKED_AT_ONCE):
            rows = "\n".join(
                f"({number} {triple.subject} {triple.predicate} {self._server.text(triple.object)})"
                for number, triple in enumerate(leaving[start : start + _ASKED_AT_ONCE], start)
            )
            found = self._rows(
                f"SELECT DISTINCT ?n {{ VALUES (?n ?s ?p ?o) {{ {rows} }} GRAPH ?g {{ ?s ?p ?o }} {told} }}"
            )
            said.update(int(cast("ox.Literal", row["n"]).value) for row in found)
        return {triple for number, triple in enumerate(leaving) if number not in said}

    def _contents(self, graphs: list[ox.NamedNode]) -> dict[ox.NamedNode, set[ox.Triple]]:
        found: dict[ox.NamedNode, set[ox.Triple]] = {}
        for part in _parts(graphs, _ASKED_AT_ONCE):
            named = " ".join(map(str, part))
            for row in self._rows(f"SELECT ?g ?s ?p ?o {{ VALUES ?g {{ {named} }} GRAPH ?g {{ ?s ?p ?o }} }}"):
                triple = ox.Triple(row["s"], row["p"], row["o"])
                found.setdefault(cast("ox.NamedNode", row["g"]), set()).add(triple)
        return found

    # -- the one way an update is sent ------------------------------------------------------------------------

    def _begin(self) -> str:
        """Return the state to write from, and undo a fill that was cut short."""
        if self._state is None:
            found = self._states()
            if not found:
                # The same for all, so it does not matter who says it, nor how often.
                self._insist(f'INSERT DATA {{ GRAPH <{CATALOG_GRAPH}> {{ <{CATALOG_GRAPH}> <{_STATE}> "0" }} }}', "0")
                found = self._states()
                if self._server is _STANDARD:  # which could not be told of an empty store
                    self._tell_union()
            self._state = max(found, key=lambda state: int(state.split()[0]))
            if self.noted(_FILLING) is not None:
                self.clear()
                self.note(_FILLING, None)
        return self._state

    def _states(self) -> list[str]:
        rows = self._rows(f"SELECT ?state {{ GRAPH <{CATALOG_GRAPH}> {{ <{CATALOG_GRAPH}> <{_STATE}> ?state }} }}")
        return [cast("ox.Literal", row["state"]).value for row in rows]

    def _commit(self, delete: str, insert: str, where: str = "") -> None:
        """Take quads out and put others in, once and in one operation."""
        old = self._begin()
        new = f"{int(old.split()[0]) + 1} {uuid.uuid4().hex}"

        def state(text: str) -> str:
            return _block(f"<{CATALOG_GRAPH}>", f'<{CATALOG_GRAPH}> <{_STATE}> "{text}" .')

        if where:  # a state that is replaced in as many rows as there are is replaced once
            where = f"OPTIONAL {{ {where} }}"
        self._insist(
            f"DELETE {{\n{delete}{state(old)}}}\nINSERT {{\n{insert}{state(new)}}}\nWHERE {{ {state(old)} {where} }}",
            new,
        )
        self._state = new

    def _insist(self, update: str, state: str) -> None:
        """Send an update until the server is in the state it leads to. Raises CatalogLocked if it is in another."""
        before = self._state
        endpoint = self._endpoint
        unsure = False
        for wait in (*endpoint.waits(), None):
            try:
                endpoint.update(update)
                problem = "it says that it did, and did not"
            except Unsure as error:
                problem = str(error)
                unsure = True
            found = self._states()
            if state in found:
                return
            if before is not None and before not in found:
                raise CatalogLocked(self.url)
            if not unsure and before is not None:
                break
            if wait is not None:
                time.sleep(wait)
        raise StoreError(f"{endpoint.update_url}: the server does not write: {problem}. Nothing was changed")

    # -- reading ----------------------------------------------------------------------------------------------

    def match(
        self,
        subject: str | None = None,
        predicate: str | None = None,
        object: str | Term | None = None,
        graph: str | None = None,
    ) -> Iterator[ox.Quad]:
        """See :meth:`mlaoi_graph.stores.Store.match`."""
        self._endpoint  # noqa: B018 - refuses if it is closed
        given: dict[str, Term | None] = {
            "s": None if subject is None else node(subject),
            "p": None if predicate is None else node(predicate),
            "o": node(object) if isinstance(object, str) else object,
            "g": None if graph is None else node(graph),
        }
        if graph in self._server.hidden:
            return iter(())
        if isinstance(given["o"], ox.BlankNode | ox.Triple):
            return iter(())  # neither is ever in a store
        s, p, o, g = (f"?{name}" if term is None else self._server.text(term) for name, term in given.items())
        pattern = f"GRAPH {g} {{ {s} {p} {o} }}"
        wanted = " ".join(f"?{name}" for name, term in given.items() if term is None)
        if not wanted:
            rows: Iterable[Mapping[str, Term]] = [{}] if self._ask(f"ASK {{ {pattern} }}") else []
        else:
            shown = f"FILTER(?g {self._shown})" if graph is None else ""
            rows = cast("Iterable[Mapping[str, Term]]", self._rows(f"SELECT {wanted} {{ {pattern} {shown} }}"))

        def quad(row: Mapping[str, Term]) -> ox.Quad:
            terms = [row[name] if term is None else term for name, term in given.items()]
            return ox.Quad(*terms)  # type: ignore[arg-type]

        return map(quad, rows)

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
        """See :meth:`mlaoi_graph.stores.Store.query`; graphs cannot be chosen beside the query, nor functions given.

        The query is parsed here first, so its errors are those of the other stores; ``SERVICE`` is refused. What it
        means in the end is up to the server, but for paths that Virtuoso cannot walk: a copy is asked those. Raises
        StoreError if the server cuts its answer.
        """
        self._endpoint  # noqa: B018 - refuses if it is closed
        refuse_what_is_no_reading(sparql)
        if scope is not None and (scope.chooses or scope.base is not None):
            raise QueryError("graphs or a base beside the query need an Oxigraph store. Say FROM and BASE in the query")
        with engine_errors(QueryError):
            values = {
                ox.Variable(name).value: ox.NamedNode(value) if isinstance(value, str) else value
                for name, value in (substitutions or {}).items()
            }
            kind = ox.Store().query(
                sparql,
                prefixes=dict(prefixes or {}),
                substitutions={ox.Variable(name): value for name, value in values.items()},
            )
        if self._server.loses_paths and repeats_within(sparql):
            return self.copied().query(sparql, substitutions=substitutions, prefixes=prefixes)
        head = "".join(f"PREFIX {name}: <{iri}>\n" for name, iri in (prefixes or {}).items())
        text = head + rewritten(
            sparql,
            {name: self._server.text(value) for name, value in values.items()},
            self._server.hidden,
            graphs_by_filter=self._server.merge is not None and not self._server.wraps,
        )
        if self._server.wraps:
            text = wrapped(text, _MERGE)
        dataset = self._dataset(text)
        if isinstance(kind, ox.QueryBoolean):
            return cast("ox.QueryBoolean", self._answer(text, **dataset))
        if isinstance(kind, ox.QuerySolutions):
            return cast("ox.QuerySolutions", self._answer(text, **dataset))
        found = self._endpoint.ask(text, N_TRIPLES, bytes, **dataset)
        made = ox.Store()
        with engine_errors(lambda reason: StoreError(f"{self.url}: not an answer in N-Triples: {reason}. Report it")):
            made.bulk_extend(
                ox.Quad(quad.subject, quad.predicate, self._server.term(quad.object))
                for quad in ox.parse(found, ox.RdfFormat.N_TRIPLES)
            )
        return made.query("CONSTRUCT { ?s ?p ?o } WHERE { ?s ?p ?o }")

    def computes(self) -> bool:
        """Return whether the server has GeoSPARQL's functions: Virtuoso 7 has none of them."""
        shape = f'"POINT (1 1)"^^<{_WKT}>'
        try:
            return self._ask(
                f"ASK {{ FILTER(<http://www.opengis.net/def/function/geosparql/sfEquals>({shape}, {shape})) }}"
            )
        except (QueryError, StoreError):
            return False

    def copied(self) -> OxigraphStore:
        """Return everything in memory, for what the server cannot compute; made again when somebody has written.

        Raises StoreError for more than two million quads.
        """
        state = max(self._states(), default="0", key=lambda state: int(state.split()[0]))
        if self._copy is None or self._copy[0] != state:
            if len(self) > _COPIED:
                raise StoreError(
                    f"{self.url}: the server cannot compute this query, and more than {_COPIED} quads are not copied "
                    "to compute it here. Ask Catalog.places or Catalog.lineage, or keep the catalog in a directory"
                )
            copy = OxigraphStore()
            # A graph at a time: servers bound the rows of an answer.
            quads = [quad for graph in list(self.graphs()) for quad in self.match(graph=graph)]
            copy.engine.bulk_extend(quads)
            copy.engine.bulk_extend(ox.Quad(*triple) for triple in {quad.triple for quad in quads})
            self._copy = state, copy
        return self._copy[1]

    def graphs(self) -> Iterator[str]:
        """See :meth:`mlaoi_graph.stores.Store.graphs`."""
        rows = self._rows(f"SELECT DISTINCT ?g {{ GRAPH ?g {{ ?s ?p ?o }} FILTER(?g {self._shown}) }}")
        return (cast("ox.NamedNode", row["g"]).value for row in rows)

    def has_graph(self, graph: str) -> bool:
        """See :meth:`mlaoi_graph.stores.Store.has_graph`."""
        name = node(graph)
        return graph not in self._server.hidden and self._ask(f"ASK {{ GRAPH {name} {{ ?s ?p ?o }} }}")

    def __len__(self) -> int:
        rows = self._rows(f"SELECT (COUNT(*) AS ?n) {{ GRAPH ?g {{ ?s ?p ?o }} FILTER(?g {self._shown}) }}")
        return int(next(rows)["n"].value)

    def close(self) -> None:
        """See :meth:`mlaoi_graph.stores.Store.close`."""
        if self._open is not None:
            self._open.close()
            self._open = None

    # -- how it is asked --------------------------------------------------------------------------------------

    @property
    def _endpoint(self) -> Endpoint:
        if self._open is None:
            raise StoreError("the store is closed. Open it again")
        return self._open

    def _writable(self) -> None:
        if self._read_only:
            raise StoreError(f"{self.url}: opened to read only. Open it for writing")
        self._endpoint  # noqa: B018 - refuses if it is closed

    @property
    def _shown(self) -> str:
        return f"NOT IN ({', '.join(f'<{name}>' for name in self._server.hidden)})"

    def _merged(self, lines: str) -> str:
        """Return a pattern of the merge."""
        if not lines or self._server.merge is None:
            return lines
        return _block(f"<{self._server.merge}>", lines)

    def _lines(self, found: Iterable[ox.Triple]) -> str:
        return "".join(map(self._server.line, found))

    def _any(self) -> bool:
        return self._ask(f"ASK {{ GRAPH ?g {{ ?s ?p ?o }} FILTER(?g {self._shown}) }}")

    def _dataset(self, sparql: str) -> dict[str, list[str]]:
        """Return the parameters that make the merge the default graph, where the query does not choose its own."""
        if self._server.merge is None:
            return {}
        named = chosen(sparql)
        if self._server.wraps:
            return named  # the server takes no notice of FROM
        return {} if named else {"default-graph-uri": [self._server.merge]}

    def _answer(self, sparql: str, **parameters: list[str]) -> ox.QuerySolutions | ox.QueryBoolean:
        found = self._endpoint.ask(sparql, JSON, self._server.answer, **parameters)
        with engine_errors(
            lambda reason: StoreError(f"{self.url}: not an answer in JSON: {reason}. Check the address")
        ):
            answer = ox.parse_query_results(found, ox.QueryResultsFormat.JSON)
        if isinstance(answer, ox.QuerySolutions) and [v.value for v in answer.variables] == ["__ASK_RETVAL"]:
            yes = any(cast("ox.Literal", row[0]).value == "1" for row in answer)  # Virtuoso answers ASK by a row
            return ox.parse_query_results(
                f'{{"head":{{}},"boolean":{"true" if yes else "false"}}}', ox.QueryResultsFormat.JSON
            )
        return answer

    def _rows(self, sparql: str) -> ox.QuerySolutions:
        return cast("ox.QuerySolutions", self._answer(sparql))

    def _ask(self, sparql: str) -> bool:
        return bool(self._answer(sparql))


def _block(graph: str, lines: str) -> str:
    return f"GRAPH {graph} {{\n{lines}}}\n"


def _parts(items: Iterable[_Item], size: int) -> Iterator[list[_Item]]:
    rest = iter(items)
    while part := list(islice(rest, size)):
        yield part
