"""What workers do for SPARQL: run a query and write its whole answer, within limits."""

from __future__ import annotations

import re
from typing import Final

from mlaoi_graph.iri import is_iri
from mlaoi_graph.results import Graph, bare
from mlaoi_graph.server.formats import GRAPHS, SOLUTIONS, negotiate
from mlaoi_graph.server.reply import Refusal, Reply
from mlaoi_graph.server.rows import RowCounter, rows_of
from mlaoi_graph.server.worker import Context, Spool
from mlaoi_graph.stores import Scope

__all__ = ["graph", "named_graph", "query", "update"]

_VARIES: Final = re.compile(r"\b(?:RAND|NOW|UUID|STRUUID|BNODE)\s*\(", re.IGNORECASE)
"""What has another value each time it is asked for."""
_AT_ONCE: Final = 256 * 1024
"""Bytes of an answer whose rows are counted in one go."""
_BRACKETS: Final = re.compile(r"[\[({\])}]")


def query(context: Context, *, sparql: bytes, accept: str, scope: Scope) -> Reply:
    """Run a SPARQL query and return its answer in the format a client likes best."""
    text = _text(sparql, "query")
    check_nesting(text, context.bounds.nesting)
    check_graphs(scope)
    found = context.catalog.query(text, scope)
    state = None if _VARIES.search(bare(text)) else context.state
    offered = GRAPHS if isinstance(found, Graph) else SOLUTIONS
    media_type = negotiate(accept, offered)
    if isinstance(found, bool):
        return Reply(200, media_type, _boolean(found, offered[media_type]), rows=1, state=state)
    if isinstance(found, Graph):
        reply = graph(context, found, media_type)
        reply.state = state
        return reply
    target = _Counted(context.spooled(), offered[media_type], context.bounds.rows)
    try:
        found.write(target, offered[media_type])  # type: ignore[arg-type]  # all that is asked of a file is write
    except BaseException:
        target.spool.drop()
        raise
    reply = target.spool.reply(media_type, target.rows())
    reply.state = state
    return reply


def update(context: Context, *, sparql: bytes, scope: Scope) -> Reply:
    """Run a SPARQL update; 204 once readers see it."""
    text = _text(sparql, "update")
    check_nesting(text, context.bounds.nesting)
    check_graphs(scope)
    with context.apart() as catalog:
        catalog.update(text, scope)
    return Reply(204, "text/plain")


def graph(context: Context, found: Graph, media_type: str) -> Reply:
    """Return triples in a format of :data:`~mlaoi_graph.server.formats.GRAPHS`."""
    spool = context.spooled()
    met = 0

    def meet() -> None:
        nonlocal met
        met += 1
        if met > context.bounds.rows:
            raise _too_many(context.bounds.rows)

    try:
        found.write(spool, GRAPHS[media_type], meet=meet)  # type: ignore[arg-type]
    except BaseException:
        spool.drop()
        raise
    return spool.reply(media_type, met)


def named_graph(context: Context, *, iri: str | None, accept: str, inferred: bool) -> Reply:
    """Return one graph by the Graph Store Protocol, the default graph for None. 404 if there is no such graph."""
    media_type = negotiate(accept, GRAPHS)
    catalog = context.catalog
    if iri is not None:
        scope = Scope(default_graphs=(iri,))
        check_graphs(scope)
        if not catalog.store.has_graph(iri):
            raise Refusal(404, "not-found", f"there is no graph {iri}")
    else:
        scope = Scope(inferred=inferred)
    found = catalog.query("CONSTRUCT { ?s ?p ?o } WHERE { ?s ?p ?o }", scope)
    assert isinstance(found, Graph)
    return graph(context, found, media_type)


def _text(sparql: bytes, name: str) -> str:
    try:
        return sparql.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refusal(400, "encoding", f"the {name} is not UTF-8: {error.reason} at byte {error.start}") from None


def check_nesting(text: str, most: int) -> None:
    """Raise Refusal for a query with more brackets within brackets than the engine survives."""
    plain = bare(text)
    if sum(map(plain.count, "[({")) <= most:
        return
    depth = deepest = 0
    for found in _BRACKETS.finditer(plain):
        depth += 1 if found[0] in "[({" else -1
        deepest = max(deepest, depth)
    if deepest > most:
        raise Refusal(400, "nesting", f"brackets are nested {deepest} deep, and {most} is the most. Ask more simply")


def check_graphs(scope: Scope) -> None:
    """Raise Refusal for a graph that is named by no absolute IRI."""
    for iri in (*scope.default_graphs, *scope.named_graphs):
        if not is_iri(iri):
            raise Refusal(400, "graph", f"{iri!r} is not an absolute IRI. Name graphs by theirs")


class _Counted:
    """Takes an answer as it is written, and refuses what has too many rows."""

    def __init__(self, spool: Spool, format: str, most: int) -> None:
        self.spool = spool
        self._format = format
        self._most = most
        self._begun: list[bytes] = []
        self._size = 0
        self._counter: RowCounter | None = None

    def write(self, data: bytes) -> int:
        if self._counter is not None:
            self._counter.feed(data)
            self._check(self._counter.rows)
        else:
            self._begun.append(bytes(data))
            self._size += len(data)
            if self._size > _AT_ONCE:  # it will be long, so it is counted as it comes
                self._counter = RowCounter(self._format)
                self._counter.feed(b"".join(self._begun))
                self._begun = []
        return self.spool.write(data)

    def rows(self) -> int:
        """Return how many there are, now that the answer is whole."""
        found = rows_of(b"".join(self._begun), self._format) if self._counter is None else self._counter.rows
        self._check(found)
        return found

    def _check(self, rows: int) -> None:
        if rows > self._most:
            raise _too_many(self._most)

    def flush(self) -> None:
        pass


def _too_many(most: int) -> Refusal:
    return Refusal(413, "rows", f"the answer has more than {most} rows. Ask for fewer, or in parts: ORDER BY and LIMIT")


def _boolean(value: bool, format: str) -> bytes:
    word = "true" if value else "false"
    return {
        "json": f'{{"head":{{}},"boolean":{word}}}',
        "xml": '<?xml version="1.0"?><sparql xmlns="http://www.w3.org/2005/sparql-results#"><head/>'
        f"<boolean>{word}</boolean></sparql>",
        "csv": word,
        "tsv": word,
    }[format].encode()
