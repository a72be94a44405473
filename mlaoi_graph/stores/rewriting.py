"""Make a SPARQL query say for a server what a store adds to it: values of variables, and graphs nobody is to see.

Servers have no substitutions, and some of our graphs are not documents. Both are put into the text, token by token: a
value is only ever a whole term where a variable stood, so it cannot become anything else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from mlaoi_graph.errors import QueryError
from mlaoi_graph.tokens import Doubt, Token, tokens

__all__ = ["chosen", "repeats_within", "rewritten", "wrapped"]


class _Select:
    """A SELECT or DESCRIBE whose WHERE is looked for, or has been found."""

    def __init__(self, depth: int) -> None:
        self.depth = depth
        """Of parentheses, where it stands: a brace at that depth is its WHERE, a deeper one an EXISTS."""
        self.where: int | None = None
        """Where in the output its WHERE begins."""
        self.mentioned: set[str] = set()
        self.all = False


def rewritten(
    sparql: str,
    values: Mapping[str, str],
    hidden: Sequence[str] = (),
    *,
    graphs_by_filter: bool = False,
) -> str:
    """Return a query, that is known to be one, with variables given values and graphs hidden.

    ``values`` maps variables to terms as SPARQL writes them, ``hidden`` lists IRIs that ``GRAPH ?variable`` is not to
    find. ``graphs_by_filter`` makes ``GRAPH <name>`` a variable and a filter, for a server that finds no graph by name
    once it is told the default graph. Raises QueryError where the query itself computes a variable that is given a
    value.

    >>> print(rewritten("SELECT ?s ?o { ?s ?p ?o }", {"s": "<urn:a>"}))
    SELECT ?s ?o { VALUES ?s { <urn:a> } <urn:a> ?p ?o }
    >>> print(rewritten("ASK { GRAPH ?g { ?s ?p ?o } }", {}, ["urn:log"]))
    ASK { GRAPH ?g { ?s ?p ?o } FILTER(?g NOT IN (<urn:log>)) }
    """
    return _Rewriter(values, hidden, graphs_by_filter).run(sparql)


def chosen(sparql: str) -> dict[str, list[str]]:
    """Return the graphs that a query's ``FROM`` names, as the parameters of the SPARQL protocol that mean the same.

    >>> chosen("PREFIX g: <urn:> SELECT * FROM <urn:a> FROM NAMED g:b { ?s ?p ?o }")
    {'default-graph-uri': ['urn:a'], 'named-graph-uri': ['urn:b']}
    """
    every = list(_known(sparql))
    prefixes: dict[str, str] = {}
    found: dict[str, list[str]] = {}
    depth = 0
    for place, token in enumerate(every[:-2]):
        depth += (token.kind in ("{", "(")) - (token.kind in ("}", ")"))
        if token.word == "PREFIX" and every[place + 2].kind == "iri":
            prefixes[every[place + 1].text[:-1]] = every[place + 2].text[1:-1]
        elif token.word == "FROM" and depth == 0:
            named = every[place + 1].word == "NAMED"
            graph = every[place + 1 + named]
            prefix, _, local = graph.text.partition(":")
            iri = graph.text[1:-1] if graph.kind == "iri" else prefixes.get(prefix, "") + re.sub(r"\\(.)", r"\1", local)
            found.setdefault("named-graph-uri" if named else "default-graph-uri", []).append(iri)
    return found


def wrapped(sparql: str, graph: str) -> str:
    """Return a query whose groups are asked of a named graph where they name none; as it is if it has a ``FROM``.

    Raises QueryError for a query without a group of its own, which cannot be wrapped.

    >>> print(wrapped("SELECT * { ?s ?p ?o }", "urn:merge"))
    SELECT * { GRAPH <urn:merge> { ?s ?p ?o } }
    """
    depth, opening, closing = 0, -1, -1
    before = ""
    for token in _known(sparql):
        if depth == 0 and token.word == "FROM":
            return sparql
        if depth == 0 and token.kind == "{" and before != "CONSTRUCT" and opening < 0:
            opening = token.end
        depth += (token.kind in ("{", "(")) - (token.kind in ("}", ")"))
        if depth == 0 and token.kind == "}" and opening >= 0 and closing < 0:
            closing = token.start
        if depth == 0 and token.word == "WHERE" and before == "CONSTRUCT":
            raise QueryError(
                "CONSTRUCT WHERE cannot be asked of one graph of this server. Write CONSTRUCT { } WHERE { }"
            )
        before = token.word
    if closing < 0:
        raise QueryError("DESCRIBE cannot be asked of one graph of this server. Write CONSTRUCT { } WHERE { }")
    return f"{sparql[:opening]} GRAPH <{graph}> {{{sparql[opening:closing]}}} {sparql[closing:]}"


def repeats_within(sparql: str) -> bool:
    """Return whether a property path repeats, by ``*``, ``+`` or ``?``, a group in which something repeats.

    >>> repeats_within("ASK { ?a (^<urn:p>|(<urn:q>+/<urn:r>))* ?b }")
    True
    >>> repeats_within("ASK { ?a (^<urn:p>|(<urn:q>/<urn:r>))*/<urn:s>+ ?b FILTER((?c*?d+1)*2 > 3) }")
    False
    """
    inside: list[bool] = []
    """For each open group that has been nothing but a path, whether something repeats in it."""
    before, ended = "", False
    for token in _known(sparql):
        if token.kind == "(":
            inside.append(False)
        elif token.kind == ")":
            ended = bool(inside) and inside.pop()
            if inside:
                inside[-1] |= ended
        elif token.kind in ("*", "+", "?") and before in ("iri", "name", "word", ")"):
            if before == ")" and ended:
                return True
            if inside:
                inside[-1] = True
        elif token.kind not in ("iri", "name", "word", "|", "/", "^", "!"):
            inside.clear()
        before = token.kind
    return False


def _known(sparql: str) -> Iterator[Token]:
    try:
        yield from tokens(sparql)
    except Doubt as doubt:
        raise QueryError(f"the query cannot be put into words for a server: {doubt}. Write it out") from None


class _Rewriter:
    def __init__(self, values: Mapping[str, str], hidden: Sequence[str], graphs_by_filter: bool) -> None:
        self._values = values
        self._hidden = f"NOT IN ({', '.join(f'<{iri}>' for iri in hidden)})" if hidden else ""
        self._graphs_by_filter = graphs_by_filter
        self._named = 0
        self._out: list[str] = []
        self._braces: list[tuple[str | None, _Select | None]] = []
        """For each open brace, the filter that belongs behind it, and the SELECT whose WHERE it is."""
        self._selects: list[_Select] = []
        """The SELECTs that are being read, innermost last; one ends with the brace around it."""
        self._inside: list[int] = []
        """For each open brace, how many SELECTs there were before it."""

    def run(self, sparql: str) -> str:
        before = ""
        """The last token; words in upper case."""
        depth = 0
        behind: str | None = None
        """The filter that belongs behind the group that begins next."""
        done = 0
        for found in _known(sparql):
            kind, token = found.kind, found.text
            self._out.append(sparql[done : found.start])
            done = found.end
            select = self._selects[-1] if self._selects else None
            in_clause = select is not None and not (self._inside and self._inside[-1] >= len(self._selects))
            if kind == "variable":
                token = self._variable(token, before, select if in_clause else None)
            elif kind == "word" and token.upper() in ("SELECT", "DESCRIBE"):
                self._selects.append(_Select(depth))
            elif token == "(":
                depth += 1
            elif token == ")":
                depth -= 1
            elif token == "*" and in_clause and select is not None and select.where is None and depth == select.depth:
                select.all = True
            elif token == "{":
                where = select if in_clause and select and select.where is None and depth == select.depth else None
                self._inside.append(len(self._selects))
                self._braces.append((behind, where))
                behind = None
            if before == "GRAPH" and kind in ("variable", "iri", "name"):
                token, behind = self._graph(token)
            self._out.append(token)
            if token == "{" and self._braces[-1][1] is not None:
                self._braces[-1][1].where = len(self._out)
            elif token == "}":
                self._close()
            before = token.upper() if kind == "word" else token
        self._out.append(sparql[done:])
        self._end(0)
        return "".join(self._out)

    def _variable(self, token: str, before: str, select: _Select | None) -> str:
        name = token[1:]
        if name not in self._values:
            return token
        if before == "AS":
            raise QueryError(
                f"?{name} is given a value, and the query computes it as well. Give one of them another name"
            )
        if select is not None:
            select.mentioned.add(name)
            return token
        if self._in_values():
            return token
        return self._values[name]

    def _in_values(self) -> bool:
        """Return whether a variable is one that a VALUES block has rows for."""
        for token in reversed(self._out):
            if token.strip() and token.lstrip()[0] not in "?$(#":
                return token.upper() == "VALUES"
        return False

    def _close(self) -> None:
        if not self._braces:
            return
        behind, _ = self._braces.pop()
        self._end(self._inside.pop())
        if behind is not None:
            self._out.append(behind)

    def _graph(self, token: str) -> tuple[str, str | None]:
        """Return what GRAPH is followed by, and the filter behind its group."""
        if token[0] in "?$":
            return token, f" FILTER({token} {self._hidden})" if self._hidden else None
        if not self._graphs_by_filter:
            return token, None
        self._named += 1
        return f"?graph__{self._named}", f" FILTER(?graph__{self._named} = {token})"

    def _end(self, remaining: int) -> None:
        """End the SELECTs of a group: what they name of the values is said at the start of their WHERE."""
        while len(self._selects) > remaining:
            select = self._selects.pop()
            if select.where is None:
                continue
            names = self._values if select.all else [name for name in self._values if name in select.mentioned]
            said = "".join(f" VALUES ?{name} {{ {self._values[name]} }}" for name in names)
            self._out[select.where - 1] += said
