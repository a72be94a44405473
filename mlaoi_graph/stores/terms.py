"""N-Triples text to pyoxigraph's terms and back, with errors of ours: what stores share."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import pyoxigraph as ox

from mlaoi_graph.errors import MlaoiError, StoreError

__all__ = ["engine_errors", "lines", "node", "triples"]


@contextmanager
def engine_errors(ours: Callable[[str], MlaoiError]) -> Iterator[None]:
    """Turn what pyoxigraph raises (it has no errors of its own) into one of ours."""
    try:
        yield
    except SyntaxError as error:
        raise ours(_readable(error.msg)) from error
    except (OSError, RuntimeError, ValueError) as error:
        raise ours(str(error)) from error


_CHARACTERS = re.compile(r"""\[(?:_|'[^"\]]*')\]""")


def _readable(message: str) -> str:
    """Return what the parser says without the characters of its grammar.

    >>> _readable("error at 1:9: expected one of Prefix not found, ['%'], ['0' ..= '9' | 'A'..='Z']")
    'error at 1:9: Prefix not found'
    """
    place, _, wanted = message.partition(": expected ")
    words = [word for word in _CHARACTERS.sub("", wanted.removeprefix("one of ")).split(", ") if word.strip()]
    reason = next((word for word in words if " " in word), None)
    if not wanted or reason is not None:
        return f"{place}: {reason}" if reason is not None else message
    if not words:
        return f"{place}: what is there cannot stand there"
    return f"{place}: expected {'one of ' if len(words) > 1 else ''}{', '.join(words)}"


def node(iri: str) -> ox.NamedNode:
    """Return an IRI as a term. Raises StoreError if it is not an absolute one."""
    try:  # plainly: this runs a few times for every look-up
        return ox.NamedNode(iri)
    except ValueError as error:
        raise StoreError(f"{iri!r} is not an absolute IRI: {error}. Give one") from error


def triples(graph: str, text: str) -> set[ox.Triple]:
    """Return the triples of an N-Triples text. Raises StoreError, naming the graph, for anything else."""

    def not_n_triples(reason: str) -> StoreError:
        return StoreError(f"{graph}: not N-Triples: {reason}. Nothing was written")

    with engine_errors(not_n_triples):
        found = {quad.triple for quad in ox.parse(text.encode(), ox.RdfFormat.N_TRIPLES)}
    for triple in found:
        if not (isinstance(triple.subject, ox.NamedNode) and isinstance(triple.object, ox.NamedNode | ox.Literal)):
            raise not_n_triples(f"{triple} is not made of IRIs and literals")
    return found


def lines(found: Iterable[ox.Triple]) -> str:
    """Return triples as N-Triples text, which is how SPARQL writes them too."""
    return "".join(f"{triple} .\n" for triple in found)
