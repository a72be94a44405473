"""SPARQL updates of a catalog: what they may write, and what has to hold when they are done.

The default graph is the union of the named ones and not a place of its own, so an update writes named graphs.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import pyoxigraph as ox

from mlaoi_graph import rdf
from mlaoi_graph.errors import QueryError
from mlaoi_graph.iri import is_iri
from mlaoi_graph.stores import Scope
from mlaoi_graph.tokens import Doubt, Token, asks_another, tokens
from mlaoi_graph.vocab import PREFIXES

if TYPE_CHECKING:
    from mlaoi_graph.stores.oxigraph import OxigraphStore

__all__ = ["prepare", "run"]

_REPAIR: Final = """
DELETE {{ ?s ?p ?o }} WHERE {{ {held} ?s ?p ?o FILTER NOT EXISTS {{ GRAPH ?g {{ ?s ?p ?o }} }} }} ;
INSERT {{ ?s ?p ?o }} WHERE {{ {graphs} GRAPH ?g {{ ?s ?p ?o }} FILTER NOT EXISTS {{ ?s ?p ?o }} }}
"""
"""Makes the default graph the union again, whatever the update did to it; in the same transaction."""
_LISTED: Final = 10_000
"""Triples of the graphs an update touches that are named to the repair; with more it looks at all there are."""
_OWN: Final = "https://w3id.org/mlaoi/graph/"
"""Starts the names of the graphs a catalog keeps itself: what was inferred, the log, its state."""
_REFUSED: Final = f"{_OWN}refused"
_IS_NEW: Final = f"{_OWN}refused#isNew"
_IRI_PROPERTIES: Final = ", ".join(f"<{iri}>" for iri in sorted(rdf.IRI_PROPERTIES))
_FIND: Final = f"""
INSERT {{ GRAPH <{_REFUSED}> {{ ?s ?p ?o }} }} WHERE {{ GRAPHS GRAPH ?g {{ ?s ?p ?o }} FILTER(IF(
    !isIRI(?s) || !(isIRI(?o) || isLiteral(?o)) || (isLiteral(?o) && ?p IN ({_IRI_PROPERTIES}))
     || STRSTARTS(STR(?g), "{_OWN}"), <{_IS_NEW}>(?g, ?s, ?p, ?o), false)) }}"""
# IF, because the engine asks the parts of && in an order of its own.
_FIND_LOSS: Final = """
INSERT {{ GRAPH <{refused}> {{ <{graph}> <{graph}> ?n }} }} WHERE {{
    {{ SELECT (COUNT(*) AS ?n) {{ GRAPH <{graph}> {{ ?s ?p ?o }} }} }}
    FILTER(IF(?n != {held}, <{is_new}>(<{graph}>), false)) }}"""
_STOP: Final = f"\nCREATE GRAPH <{_REFUSED}> ;\nDROP GRAPH <{_REFUSED}> ;\n"
"""Fails if the graph is there already, and with it the whole transaction."""


def run(store: OxigraphStore, sparql: str, scope: Scope) -> None:
    """Run an update, wholly or not at all; see :func:`prepare`.

    Raises QueryError for one that would put something into a named graph that no catalog can hold (a blank node, text
    where a thing is named), or that would change a graph the catalog keeps itself.
    """
    engine = store.engine
    found: list[tuple[Any, ...]] = []

    def is_new(graph: Any, *triple: Any) -> ox.Literal:
        # The engine shows what was there before the transaction.
        new = not triple or ox.Quad(triple[0], triple[1], triple[2], graph) not in engine
        if new and not found:
            found.append((graph, *triple))
        return ox.Literal(new)

    graphs = touched(sparql)
    losses = [
        _FIND_LOSS.format(refused=_REFUSED, is_new=_IS_NEW, graph=graph, held=sum(1 for _ in store.match(graph=graph)))
        for graph in (store.graphs() if graphs is None else graphs)
        if graph.startswith(_OWN)
    ]
    values = "" if graphs is None else f"VALUES ?g {{ {' '.join(f'<{graph}>' for graph in sorted(graphs))} }}"
    check = " ;".join([_FIND.replace("GRAPHS", values, 1), *losses, _STOP])
    text = prepare(sparql, scope, check, _REPAIR.format(held=_held(store, graphs), graphs=values))
    try:
        store.update(text, base=scope.base, prefixes=PREFIXES, functions={_IS_NEW: is_new})
    except QueryError as error:
        if not found:
            raise
        raise QueryError(_why(*found[0])) from error


def _held(store: OxigraphStore, graphs: frozenset[str] | None) -> str:
    """Return the triples that may have to leave the union, as VALUES: those of the graphs; "" if it may be any."""
    if graphs is None:
        return ""
    held = list(islice((quad for graph in graphs for quad in store.match(graph=graph)), _LISTED + 1))
    if len(held) > _LISTED or any(isinstance(term, ox.BlankNode | ox.Triple) for quad in held for term in quad.triple):
        return ""
    return f"VALUES (?s ?p ?o) {{ {' '.join(f'({q.subject} {q.predicate} {q.object})' for q in held)} }}"


def touched(sparql: str) -> frozenset[str] | None:
    """Return the IRIs of the graphs that an update can write to, and perhaps some more; None if it may be any.

    >>> sorted(touched("INSERT { GRAPH <urn:a> { ?s ?p 1 } } WHERE { GRAPH ?g { ?s ?p 2 } } ; DROP GRAPH <urn:b>"))
    ['urn:a', 'urn:b']
    >>> touched("DELETE WHERE { GRAPH ?g { ?s ?p 1 } }") is None
    True
    """
    every = list(_read(sparql))
    prefixes = dict(PREFIXES)
    declared: dict[str, str] = {}
    for word, name, to in zip(every, every[1:], every[2:], strict=False):
        if word.word == "PREFIX" and declared.setdefault(name.text[:-1], to.text[1:-1]) != to.text[1:-1]:
            return None  # it means one thing here and another there
    prefixes |= declared
    found: set[str] = set()
    for operation in _operations(every):
        words = [token.word for token in operation]
        if words[0] in ("CLEAR", "DROP") and {"ALL", "NAMED"} & set(words):
            return None
        where = next((at for at in _at_top(operation) if words[at] == "WHERE"), len(operation))
        for at, token in enumerate(operation[:-1]):
            if token.word not in ("GRAPH", "WITH", "TO", "ADD", "COPY", "MOVE", "SILENT"):
                continue
            graph = operation[at + 1]
            if graph.kind == "variable" and (at < where or where == 1):
                return None
            if graph.kind in ("iri", "name"):
                prefix, _, local = graph.text.partition(":")
                named = graph.text[1:-1] if graph.kind == "iri" else prefixes.get(prefix, "") + local
                if not is_iri(named) or "\\" in named:
                    return None
                found.add(named)
    return frozenset(found)


def _read(sparql: str) -> list[Token]:
    try:
        return list(tokens(sparql))
    except Doubt as doubt:
        raise QueryError(f"the update is not understood: {doubt}. Write it out") from None


def _why(graph: ox.NamedNode, *triple: Any) -> str:
    if graph.value.startswith(_OWN):
        does = f"write {' '.join(map(str, triple))} to" if triple else "take triples out of"
        return (
            f"the update would {does} {graph}, which the catalog keeps itself. Nothing was changed. Name the graphs it "
            f'is about, or leave these out: FILTER(!STRSTARTS(STR(?g), "{_OWN}"))'
        )
    subject, predicate, object_ = triple
    if isinstance(subject, ox.NamedNode) and isinstance(object_, ox.Literal):
        rule = f"the object of {predicate} is the IRI of a thing, not text"
    else:
        rule = "a catalog keeps no blank nodes. Give the thing an IRI"
    return f"{subject} {predicate} {object_} in {graph}: {rule}. Nothing was changed"


_OPERATIONS: Final = frozenset({"INSERT", "DELETE", "WITH", "CLEAR", "DROP", "CREATE", "ADD", "MOVE", "COPY"})


def prepare(sparql: str, scope: Scope, check: str = "", repair: str = "") -> str:
    """Return the update as the store shall run it: with a scope's graphs in its ``USING``, and what comes after it.

    ``check`` is run after it, then ``repair``: operations, those of ``check`` each ended by a semicolon.

    Raises QueryError for one that writes to the default graph, reads from elsewhere, or names graphs that ``scope``
    names as well.

    >>> text = "INSERT { GRAPH <urn:g> { ?s a <urn:c> } } WHERE { ?s ?p ?o }"
    >>> prepare(text, Scope(default_graphs=("urn:a",))).splitlines()[0]
    'INSERT { GRAPH <urn:g> { ?s a <urn:c> } } USING <urn:a> WHERE { ?s ?p ?o }'
    """
    for graph in (*scope.default_graphs, *scope.named_graphs):
        if not is_iri(graph):
            raise QueryError(f"{graph!r} is not an absolute IRI")
    found = _read(sparql)
    if asks_another(sparql):
        raise QueryError("SERVICE asks another machine, and nobody else is asked")
    clauses = "".join(f"USING <{graph}> " for graph in scope.default_graphs)
    clauses += "".join(f"USING NAMED <{graph}> " for graph in scope.named_graphs)
    parts: list[str] = []
    done = 0
    for operation in _operations(found):
        where = _check(operation, clauses)
        if clauses and where is not None:
            parts += [sparql[done : where.start], clauses]
            done = where.start
    text = "".join([*parts, sparql[done:]])
    # A comment may be the last thing in it, and a semicolon too, which the next operation then follows.
    ends = bool(found) and found[-1].text == ";"
    return f"{text}\n{'' if ends or not any(_operations(found)) else ';'}{check}{repair}"


def _operations(every: list[Token]) -> Iterator[list[Token]]:
    """Yield the tokens of each operation, without its prologue."""
    depth = 0
    found: list[Token] = []
    for token in every:
        depth += (token.text == "{") - (token.text == "}")
        if token.text == ";" and depth == 0:
            if body := _without_prologue(found):
                yield body
            found = []
        else:
            found.append(token)
    if body := _without_prologue(found):
        yield body


def _without_prologue(found: list[Token]) -> list[Token]:
    at = 0
    while at < len(found) and found[at].word in ("PREFIX", "BASE", "VERSION"):
        at += 3 if found[at].word == "PREFIX" else 2
    return found[at:]


def _check(operation: list[Token], clauses: str) -> Token | None:
    """Return the ``WHERE`` that may be told its graphs. Raises QueryError."""
    words = [token.word for token in operation]
    top = _at_top(operation)
    first = words[0]
    if operation[0].text.upper().startswith("LOAD"):
        raise QueryError("LOAD asks another machine, and nobody else is asked")
    if first not in _OPERATIONS:
        raise QueryError(f"{operation[0].text[:50]!r} begins no operation. There are: {', '.join(sorted(_OPERATIONS))}")
    if first in ("CLEAR", "DROP") and "DEFAULT" in words:
        raise _of_default(f"{first} DEFAULT")
    if first in ("ADD", "MOVE", "COPY") and (words[-1] == "DEFAULT" or (first == "MOVE" and "DEFAULT" in words)):
        raise _of_default(f"{first} with DEFAULT")
    if first not in ("INSERT", "DELETE", "WITH"):
        return None
    if clauses and any(operation[at].word in ("USING", "WITH") for at in top):
        raise QueryError("the update has USING or WITH, and the request names graphs too: say it in one place")
    where = next((at for at in top if words[at] == "WHERE"), None)
    if clauses and where == 1:
        raise QueryError("DELETE WHERE takes no graphs of a request. Write DELETE { } WHERE { }")
    if first != "WITH":
        for at in top:
            opens = operation[at].text == "{"
            data = at == 2 and words[1] == "DATA"
            if opens and (words[at - 1] in ("INSERT", "DELETE") or data or where == at - 1 == 1):
                name = " ".join(words[:at]) if at <= 2 else words[at - 1]
                _check_block(operation, at, name)
    return None if where is None else operation[where]


def _at_top(operation: list[Token]) -> list[int]:
    """Return where tokens stand outside of all brackets; an opening one stands outside of itself."""
    found, depth = [], 0
    for at, token in enumerate(operation):
        if token.text == "}":
            depth -= 1
        elif depth == 0:
            found.append(at)
        if token.text == "{":
            depth += 1
    return found


def _check_block(operation: list[Token], start: int, name: str) -> None:
    """Raise QueryError if a block of quads has any outside of ``GRAPH``."""
    depth = 0
    in_graph = False
    for token in operation[start:]:
        if token.text == "{":
            depth += 1
        elif token.text == "}":
            depth -= 1
            in_graph = in_graph and depth > 1
            if depth == 0:
                return
        elif token.word == "GRAPH" and depth == 1:
            in_graph = True
        elif not in_graph and token.text != ".":
            raise _of_default(name)


def _of_default(name: str) -> QueryError:
    return QueryError(
        f"{name} writes to the default graph, which is the union of the named ones. Name a graph: GRAPH <...> {{ }}"
    )
