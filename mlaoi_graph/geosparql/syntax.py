"""A SPARQL query as tokens and groups, with the place of each in the text.

Just enough to put something into a query and leave every other character as it was. rdflib's algebra keeps no
positions and cannot be written back; Oxigraph's is not offered to Python. Whatever is not understood raises
:class:`~mlaoi_graph.tokens.Doubt`: the query is then left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from mlaoi_graph.tokens import Doubt, Token, tokens

__all__ = ["Group", "Query", "Span"]


@dataclass(frozen=True, slots=True)
class Span:
    """Tokens from ``start`` to before ``end``, by their places."""

    start: int
    end: int

    def __bool__(self) -> bool:
        return self.end > self.start


@dataclass
class Group:
    """What stands directly between a pair of braces."""

    triples: list[Span] = field(default_factory=list)
    filters: list[Span] = field(default_factory=list)
    """Without the word FILTER."""
    bindings: dict[str, Span] = field(default_factory=dict)
    """Variables that BIND names here, and the expressions."""
    correlated: bool = False
    """Whether it stands, at any depth, in an OPTIONAL, MINUS or EXISTS: it may be asked row by row from outside."""
    shared: frozenset[str] | None = None
    """Of a subquery: the variables that are those of the query around it, as it selects them; None for all."""


_OPENING: Final = {"{": "}", "(": ")", "[": "]"}
_OPERANDS: Final = {"variable", "number", "string", "tag", ")"}
_TERMS: Final = {"A", "TRUE", "FALSE"}
"""Words that stand in triples; all others start or end something else."""


class Query:
    """The tokens of a query. Raises Doubt for a text that is none, or that may be read in two ways."""

    def __init__(self, text: str, prefixes: Mapping[str, str]) -> None:
        self.text = text
        self.tokens = [*tokens(text), Token("end", "", len(text), len(text))]
        self._closing = self._brackets()
        self._prefixes = dict(prefixes)
        self._start = self._read_prologue()
        self.prologue = text[: self.tokens[self._start].start]

    def __getitem__(self, place: int) -> Token:
        return self.tokens[place]

    def tokens_of(self, span: Span) -> list[Token]:
        """Return the tokens of a span."""
        return self.tokens[span.start : span.end]

    def text_of(self, span: Span) -> str:
        """Return the text of a span that is not empty."""
        return self.text[self.tokens[span.start].start : self.tokens[span.end - 1].end]

    def iri(self, token: Token) -> str | None:
        """Return the absolute IRI a token stands for; None if it is something else, or relative."""
        if token.kind == "iri":
            return token.text[1:-1]
        if token.kind == "name":
            prefix, _, local = token.text.partition(":")
            start = self._prefixes.get(prefix)
            return None if start is None else start + re.sub(r"\\(.)", r"\1", local)
        return None

    def closing(self, place: int) -> int:
        """Return the place of the bracket that closes the one at a place."""
        return self._closing[place]

    @property
    def selects_everything(self) -> bool:
        """Whether the answer has every variable there is, or DESCRIBEs it."""
        return any(
            token.kind == "word"
            and token.text.upper() in ("SELECT", "DISTINCT", "REDUCED", "DESCRIBE")
            and self.tokens[place + 1].kind == "*"
            for place, token in enumerate(self.tokens[:-1])
        )

    def groups(self) -> Iterator[Group]:
        """Iterate over the groups of the query that say what is looked for, inner ones and subqueries included."""
        waiting = [(self._first_group(Span(self._start, len(self.tokens))), Group())]
        while waiting:
            span, group = waiting.pop()
            if not span:
                continue
            if _is(self.tokens[span.start], "SELECT"):
                inside = self._first_group(span)
                selected = self._selected(Span(span.start, inside.start - 1))
                known = [names for names in (selected, group.shared) if names is not None]
                shared = frozenset.intersection(*known) if known else None
                waiting.append((inside, Group(correlated=group.correlated, shared=shared)))
                continue
            inner = self._read_group(span, group)
            waiting.extend((each, Group(correlated=apart, shared=group.shared)) for each, apart in inner)
            yield group

    # -- reading ----------------------------------------------------------------------------------------------

    def _brackets(self) -> dict[int, int]:
        closing: dict[int, int] = {}
        opened: list[int] = []
        for place, token in enumerate(self.tokens):
            if token.kind in _OPENING:
                opened.append(place)
            elif token.kind in _OPENING.values():
                if not opened or _OPENING[self.tokens[opened[-1]].kind] != token.kind:
                    raise Doubt("brackets do not match")
                closing[opened.pop()] = place
            elif opened and self._may_be_comparison(place):
                raise Doubt("an IRI that may be a comparison")
        if opened:
            raise Doubt("brackets do not match")
        return closing

    def _may_be_comparison(self, place: int) -> bool:
        # "?a<?b&&?c>?d" is two comparisons to an engine that knows that an operator is due.
        token, before = self.tokens[place], self.tokens[place - 1]
        suspect = token.kind == "iri" and before.kind in _OPERANDS
        return suspect and re.search(r"[()&,!]|^<[?$]", token.text) is not None

    def _read_prologue(self) -> int:
        place = 0
        while True:
            token = self.tokens[place]
            if _is(token, "BASE") or _is(token, "VERSION"):
                place += 2
            elif _is(token, "PREFIX"):
                name, iri = self.tokens[place + 1], self.tokens[min(place + 2, len(self.tokens) - 1)]
                if name.kind != "name" or not name.text.endswith(":") or iri.kind != "iri":
                    raise Doubt("a PREFIX that is none")
                self._prefixes[name.text[:-1]] = iri.text[1:-1]
                place += 3
            else:
                return min(place, len(self.tokens) - 1)
            if place >= len(self.tokens):
                raise Doubt("nothing is asked")

    def _first_group(self, span: Span) -> Span:
        """Return the inside of the first braces of a SELECT, ASK, CONSTRUCT or DESCRIBE that are a group."""
        place = span.start
        while place < span.end:
            token = self.tokens[place]
            if token.kind == "{":
                if not _is(self.tokens[place - 1], "CONSTRUCT"):
                    return Span(place + 1, self._closing[place])
                place = self._closing[place]
            elif token.kind in _OPENING:
                place = self._closing[place]
            place += 1
        return Span(0, 0)

    def _selected(self, span: Span) -> frozenset[str] | None:
        """Return the variables a subquery selects as they are; None for all."""
        names = set()
        place = span.start
        while place < span.end:
            if self.tokens[place].kind == "*":
                return None
            if self.tokens[place].kind == "variable":
                names.add(self.tokens[place].text[1:])
            place = self._closing.get(place, place) + 1
        return frozenset(names)

    def _read_group(self, span: Span, group: Group) -> list[tuple[Span, bool]]:
        """Sort what stands directly in a group into it, and return the groups inside."""
        inner: list[tuple[Span, bool]] = []
        place = span.start
        while place < span.end:
            token = self.tokens[place]
            word = token.text.upper() if token.kind == "word" else ""
            if token.kind == "{":
                end = self._closing[place]
                if self.tokens[place + 1].kind == "|":
                    raise Doubt("triples about triples")
                inner.append((Span(place + 1, end), group.correlated))
            elif word == "FILTER":
                end = self._end_of_constraint(place + 1)
                group.filters.append(Span(place + 1, end + 1))
                inner.extend((exists, True) for exists in self._exists(Span(place + 1, end + 1)))
            elif word == "BIND":
                end = self._closed(place + 1, "(")
                inside = self.tokens_of(Span(place + 2, end))
                if len(inside) < 3 or not _is(inside[-2], "AS") or inside[-1].kind != "variable":
                    raise Doubt("a BIND that is none")
                group.bindings[inside[-1].text[1:]] = Span(place + 2, end - 2)
                inner.extend((exists, True) for exists in self._exists(Span(place + 2, end - 2)))
            elif word in ("OPTIONAL", "MINUS"):
                end = self._closed(place + 1, "{")
                inner.append((Span(place + 2, end), True))
            elif word == "GRAPH":
                end = self._closed(place + 2, "{")
                inner.append((Span(place + 3, end), group.correlated))
            elif word == "UNION":
                end = place
            elif word == "VALUES":
                brace = place + 1
                if self.tokens[brace].kind == "(":
                    brace = self._closing[brace]
                end = self._closed(brace + 1, "{")
            elif word and word not in _TERMS:
                raise Doubt(f"{word} is not known")
            else:
                end = self._end_of_triples(place, span.end)
                # The full stop after a filter or a group starts no triple.
                first = next((p for p in range(place, end + 1) if self.tokens[p].kind != "."), end + 1)
                if first <= end:
                    group.triples.append(Span(first, end + 1))
            place = end + 1
        return inner

    def _end_of_constraint(self, place: int) -> int:
        """Return the place where the constraint of a FILTER ends: brackets, a call, or [NOT] EXISTS and a group."""
        if self.tokens[place].kind == "(":
            return self._closing[place]
        if _is(self.tokens[place], "NOT"):
            place += 1
        if _is(self.tokens[place], "EXISTS"):
            return self._closed(place + 1, "{")
        return self._closed(place + 1, "(")

    def _exists(self, span: Span) -> Iterator[Span]:
        """Iterate over the groups of EXISTS in an expression."""
        place = span.start
        while place < span.end:
            if self.tokens[place].kind == "{":
                yield Span(place + 1, self._closing[place])
                place = self._closing[place]
            place += 1

    def _end_of_triples(self, place: int, end: int) -> int:
        while place < end:
            token = self.tokens[place]
            if token.kind in ("<", ">"):
                raise Doubt("triples about triples")
            if token.kind == "{" or (token.kind == "word" and token.text.upper() not in _TERMS):
                break
            place = self._closing.get(place, place) + 1
        return place - 1

    def _closed(self, place: int, bracket: str) -> int:
        """Return the place of the bracket that closes the one that has to be at a place."""
        if place >= len(self.tokens) or self.tokens[place].kind != bracket:
            raise Doubt(f"no {bracket} where one is due")
        return self._closing[place]

    # -- expressions ------------------------------------------------------------------------------------------

    def unwrapped(self, span: Span) -> Span:
        """Return an expression without the brackets round all of it."""
        while span and self.tokens[span.start].kind == "(" and self._closing[span.start] == span.end - 1:
            span = Span(span.start + 1, span.end - 1)
        return span

    def conjuncts(self, span: Span) -> Iterator[Span]:
        """Iterate over the expressions that all have to be true for an expression to be."""
        waiting = [span]
        while waiting:
            whole = self.unwrapped(waiting.pop())
            if len(list(self.split(whole, "||"))) > 1:
                continue
            parts = list(self.split(whole, "&&"))
            if len(parts) > 1:
                waiting.extend(parts)
            elif whole:
                yield whole

    def split(self, span: Span, mark: str) -> Iterator[Span]:
        """Iterate over the parts of a span between marks that stand in no brackets."""
        start = place = span.start
        while place < span.end:
            if self.tokens[place].kind == mark:
                yield Span(start, place)
                start = place + 1
            place = self._closing.get(place, place) + 1
        yield Span(start, span.end)

    def call(self, span: Span) -> tuple[str, list[Span]] | None:
        """Return the IRI and the arguments of an expression that is the call of a named function, else None."""
        if span.end - span.start < 3:
            return None
        iri = self.iri(self.tokens[span.start])
        opening = span.start + 1
        if iri is None or self.tokens[opening].kind != "(" or self._closing[opening] != span.end - 1:
            return None
        return iri, list(self.split(Span(opening + 1, span.end - 1), ","))


def _is(token: Token, word: str) -> bool:
    return token.kind == "word" and token.text.upper() == word
