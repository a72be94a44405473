"""SPARQL updates of a catalog: what they may write, and what has to hold when they are done.

The default graph is the union of the named ones and not a place of its own, so an update writes named graphs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from mlaoi_graph.errors import QueryError
from mlaoi_graph.iri import is_iri
from mlaoi_graph.stores import Scope

__all__ = ["prepare"]

_TOKEN: Final = re.compile(
    r"""
      (?P<skip>  \s+ | \#[^\n\r]*+ )
    | (?P<text>  '{3} (?: [^'\\] | \\. | '(?!'') )*+ '{3} | "{3} (?: [^"\\] | \\. | "(?!"") )*+ "{3}
               | '(?: [^'\\\n\r] | \\. )*+' | "(?: [^"\\\n\r] | \\. )*+" )
    | (?P<iri>   <[^<>"{}|^`\\\s]*+> )
    | (?P<name>  [?$]\w+ | [\w.-]*+: (?: \\. | [\w.:%-] )*+ )
    | (?P<word>  \w+ )
    | (?P<other> . )
    """,
    re.VERBOSE | re.DOTALL,
)
_REPAIR: Final = """;
DELETE { ?s ?p ?o } WHERE { ?s ?p ?o FILTER NOT EXISTS { GRAPH ?g { ?s ?p ?o } } } ;
INSERT { ?s ?p ?o } WHERE { GRAPH ?g { ?s ?p ?o } FILTER NOT EXISTS { ?s ?p ?o } }
"""
"""Makes the default graph the union again, whatever the update did to it; in the same transaction."""


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    start: int

    @property
    def word(self) -> str:
        return self.text.upper() if self.kind == "word" else ""


def prepare(sparql: str, scope: Scope) -> str:
    """Return the update as the store shall run it: with a scope's graphs in its ``USING``, and the union repaired.

    Raises QueryError for one that writes to the default graph, reads from elsewhere, or names graphs that ``scope``
    names as well.

    >>> text = "INSERT { GRAPH <urn:g> { ?s a <urn:c> } } WHERE { ?s ?p ?o }"
    >>> prepare(text, Scope(default_graphs=("urn:a",))).splitlines()[0]
    'INSERT { GRAPH <urn:g> { ?s a <urn:c> } } USING <urn:a> WHERE { ?s ?p ?o }'
    """
    for graph in (*scope.default_graphs, *scope.named_graphs):
        if not is_iri(graph):
            raise QueryError(f"{graph!r} is not an absolute IRI")
    tokens = list(_tokens(sparql))
    clauses = "".join(f"USING <{graph}> " for graph in scope.default_graphs)
    clauses += "".join(f"USING NAMED <{graph}> " for graph in scope.named_graphs)
    parts: list[str] = []
    done = 0
    for operation in _operations(tokens):
        where = _check(operation, clauses)
        if clauses and where is not None:
            parts += [sparql[done : where.start], clauses]
            done = where.start
    text = "".join([*parts, sparql[done:]])
    # A comment may be the last thing in it, and a semicolon too, which the next operation then follows.
    ends = bool(tokens) and tokens[-1].text == ";"
    return f"{text}\n{_REPAIR.removeprefix(';') if ends or not any(_operations(tokens)) else _REPAIR}"


def _tokens(text: str) -> Iterator[_Token]:
    for found in _TOKEN.finditer(text):
        kind = str(found.lastgroup)
        if kind != "skip":
            yield _Token(kind, found[0], found.start())


def _operations(tokens: list[_Token]) -> Iterator[list[_Token]]:
    """Yield the tokens of each operation, without its prologue."""
    depth = 0
    found: list[_Token] = []
    for token in tokens:
        depth += (token.text == "{") - (token.text == "}")
        if token.text == ";" and depth == 0:
            if body := _without_prologue(found):
                yield body
            found = []
        else:
            found.append(token)
    if body := _without_prologue(found):
        yield body


def _without_prologue(tokens: list[_Token]) -> list[_Token]:
    at = 0
    while at < len(tokens) and tokens[at].word in ("PREFIX", "BASE", "VERSION"):
        at += 3 if tokens[at].word == "PREFIX" else 2
    return tokens[at:]


def _check(operation: list[_Token], clauses: str) -> _Token | None:
    """Return the ``WHERE`` that may be told its graphs. Raises QueryError."""
    words = [token.word for token in operation]
    top = _at_top(operation)
    if "LOAD" in words[:1] or any(word == "SERVICE" for word in words):
        raise QueryError(
            f"{'LOAD' if words[0] == 'LOAD' else 'SERVICE'} asks another machine, and nobody else is asked"
        )
    first = words[0]
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


def _at_top(operation: list[_Token]) -> list[int]:
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


def _check_block(operation: list[_Token], start: int, name: str) -> None:
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
