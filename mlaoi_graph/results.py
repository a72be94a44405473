"""What a SPARQL query gives back, in plain Python values."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeAlias, cast

import pyoxigraph as ox

from mlaoi_graph.errors import MissingExtra, QueryError, UnknownFormat
from mlaoi_graph.vocab import PREFIXES

if TYPE_CHECKING:
    import pandas as pd

    from mlaoi_graph.stores import Store

__all__ = ["Answer", "Graph", "Solutions", "answer", "code_of", "refuse_what_is_no_reading", "texts"]

Row: TypeAlias = dict[str, str | None]


@contextmanager
def _query_errors() -> Iterator[None]:
    """Turn what the engine raises while rows are read; a file that cannot be written is the caller's."""
    try:
        yield
    except (RuntimeError, ValueError) as error:
        raise QueryError(str(error)) from error


class Solutions:
    """The rows of a SELECT; iterates once, in the query's order, without holding them all.

    A row maps each variable to its value's text (the IRI, or the literal's lexical form), None if unbound.
    """

    def __init__(self, found: ox.QuerySolutions) -> None:
        self._found = found
        self.columns: tuple[str, ...] = tuple(variable.value for variable in found.variables)

    def __iter__(self) -> Iterator[Row]:
        try:
            for solution in self._found:
                yield {name: None if (term := solution[name]) is None else _text(term) for name in self.columns}
        except (OSError, RuntimeError, ValueError) as error:
            raise QueryError(str(error)) from error

    def write(self, target: str | Path | IO[bytes], format: str = "json") -> None:
        """Write the rows in a SPARQL results format: json, xml, csv or tsv."""
        formats = {
            "json": ox.QueryResultsFormat.JSON,
            "xml": ox.QueryResultsFormat.XML,
            "tsv": ox.QueryResultsFormat.TSV,
        }
        if format == "csv":
            self._write_csv(target)
            return
        if format not in formats:
            raise UnknownFormat("results format", format, ["csv", *formats])
        with _query_errors():
            self._found.serialize(target, formats[format])

    def _write_csv(self, target: str | Path | IO[bytes]) -> None:
        # Oxigraph 0.5 does not quote an IRI with a comma in it.
        with nullcontext(target) if not isinstance(target, str | Path) else open(target, "wb") as file:
            text = io.TextIOWrapper(file, encoding="utf-8", newline="")
            writer = csv.writer(text, lineterminator="\r\n")
            writer.writerow(self.columns)
            writer.writerows([value or "" for value in row.values()] for row in self)
            text.flush()
            text.detach()

    def to_dataframe(self) -> pd.DataFrame:
        """Return the rows as a pandas DataFrame of text."""
        try:
            import pandas as pd
        except ImportError:
            raise MissingExtra("frames", needed_for="a pandas DataFrame") from None
        return pd.DataFrame(list(self), columns=list(self.columns))


class Graph:
    """The triples of a CONSTRUCT or DESCRIBE; iterates once, as N-Triples terms."""

    def __init__(self, found: ox.QueryTriples) -> None:
        self._found = found

    def __iter__(self) -> Iterator[tuple[str, str, str]]:
        with _query_errors():
            for triple in self._found:
                yield str(triple.subject), str(triple.predicate), str(triple.object)

    def write(self, target: str | Path | IO[bytes], format: str = "turtle") -> None:
        """Write the triples as turtle, ntriples or rdfxml."""
        formats = {
            "turtle": ox.RdfFormat.TURTLE,
            "ntriples": ox.RdfFormat.N_TRIPLES,
            "rdfxml": ox.RdfFormat.RDF_XML,
        }
        if format not in formats:
            raise UnknownFormat("graph format", format, list(formats))
        with _query_errors():
            self._found.serialize(target, formats[format])


Answer: TypeAlias = Solutions | Graph | bool


_NOT_CODE = re.compile(r"""<[^<>"{}|^`\\\s]*>|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|\#[^\n]*""")
_LONG_TEXT = re.compile(r"""'{3}(?:[^'\\]|\\.|'(?!''))*'{3}|"{3}(?:[^"\\]|\\.|"(?!""))*"{3}""")
_ELSEWHERE = re.compile(r"(?<![?$:\w])(SERVICE|LOAD)\b(?!:)", re.IGNORECASE)
_CHANGES = re.compile(
    r"^\s*(?:(?:PREFIX\s+\S*:|BASE)\s+)*(INSERT|DELETE|CLEAR|DROP|CREATE|ADD|MOVE|COPY|WITH)\b", re.IGNORECASE
)


def code_of(sparql: str) -> str:
    """Return a query without its IRIs, text and comments; the escapes SPARQL resolves first are resolved.

    >>> code_of("ASK { ?m <urn:p?q> 'a ?b' } # ?c").split()
    ['ASK', '{', '?m', '}']
    """
    plain = re.sub(r"\\[uU]([0-9A-Fa-f]{8}|[0-9A-Fa-f]{4})", _unescaped, sparql)
    return _NOT_CODE.sub(" ", _LONG_TEXT.sub(" ", plain))


def refuse_what_is_no_reading(sparql: str) -> None:
    """Raise QueryError for a query that would ask another machine, or change something.

    The engine has no switch against ``SERVICE``.
    """
    plain = code_of(sparql)
    found = _ELSEWHERE.search(plain)
    if found:
        raise QueryError(f"{found[1].upper()} asks another machine, and queries here stay in the catalog")
    found = _CHANGES.search(plain)
    if found:
        raise QueryError(f"{found[1].upper()} changes something, and queries only read; documents come in by build")


def _unescaped(found: re.Match[str]) -> str:
    code = int(found[1], 16)
    return chr(code) if code < 0x110000 else found[0]


def answer(found: ox.QuerySolutions | ox.QueryTriples | ox.QueryBoolean) -> Answer:
    """Return a store's results as ours."""
    if isinstance(found, ox.QuerySolutions):
        return Solutions(found)
    if isinstance(found, ox.QueryTriples):
        return Graph(found)
    return bool(found)


def texts(store: Store, sparql: str, **given: str) -> Iterator[Any]:
    """Iterate over a query's rows as tuples of text, "" where unbound, without the variables that were given."""
    solutions = cast("ox.QuerySolutions", store.query(sparql, substitutions=given, prefixes=PREFIXES))
    wanted = [variable.value for variable in solutions.variables if variable.value not in given]
    for solution in solutions:
        yield tuple(getattr(solution[name], "value", "") for name in wanted)


def _text(term: object) -> str:
    return str(getattr(term, "value", term))
