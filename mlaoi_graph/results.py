"""What a SPARQL query gives back, in plain Python values."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeAlias, cast

import pyoxigraph as ox

from mlaoi_graph.errors import MissingExtra, QueryError, UnknownFormat
from mlaoi_graph.features import Features, HasFeatures
from mlaoi_graph.tokens import Doubt, asks_another, resolved
from mlaoi_graph.vocab import PREFIXES

if TYPE_CHECKING:
    import pandas as pd

    from mlaoi_graph.stores import Store

__all__ = ["Answer", "Graph", "IndexUse", "Solutions", "answer", "bare", "refuse_what_is_no_reading", "texts"]

Row: TypeAlias = dict[str, str | None]


@contextmanager
def _query_errors() -> Iterator[None]:
    """Turn what the engine raises while rows are read; a file that cannot be written is the caller's."""
    try:
        yield
    except (RuntimeError, ValueError) as error:
        raise QueryError(str(error)) from error


@dataclass(frozen=True, slots=True)
class IndexUse:
    """Whether the footprint index narrowed a query down, and what speaks for or against it."""

    used: bool
    reason: str


def _nothing() -> None:
    """Find nothing wrong."""


class Solutions(HasFeatures):
    """The rows of a SELECT; iterates once, in the query's order, without holding them all.

    A row maps each variable to its value's text (the IRI, or the literal's lexical form), None if unbound.
    """

    index: IndexUse | None
    """None if the query does not speak of geometry."""

    def __init__(
        self, found: ox.QuerySolutions, check: Callable[[], None] = _nothing, index: IndexUse | None = None
    ) -> None:
        self._found = found
        self._check = check
        self.index = index
        self.columns: tuple[str, ...] = tuple(variable.value for variable in found.variables)

    def __iter__(self) -> Iterator[Row]:
        try:
            for solution in self._found:
                self._check()
                yield {name: None if (term := solution[name]) is None else _text(term) for name in self.columns}
            self._check()
        except (OSError, RuntimeError, ValueError) as error:
            raise QueryError(str(error)) from error

    def features(self) -> Features:
        """Return the rows, and as their geometry that of the first column of geometry literals, moved to OGC:CRS84.

        Raises QueryError if there is no such column, GeometryError for a literal that cannot be read.
        """
        import shapely

        from mlaoi_graph.geo.literals import geometry, is_geometry

        found = []
        with _query_errors():
            for solution in self._found:
                self._check()
                found.append([solution[name] for name in self.columns])
            self._check()
        wanted = [at for at in range(len(self.columns)) if any(is_geometry(row[at]) for row in found)]
        if not wanted and found:
            raise QueryError(f"no geometry among {', '.join(self.columns)}. Select what geo:asWKT leads to")
        place = wanted[0] if wanted else len(self.columns) - 1
        others = [name for name in self.columns if name != self.columns[place]]
        rows = [
            {name: None if term is None else _text(term) for name, term in zip(self.columns, row, strict=True)}
            for row in found
        ]
        shapes = [shapely.force_2d(geometry(row[place])) for row in found]
        return Features(others, [{name: row[name] for name in others} for row in rows], shapes, self.columns[place])

    def write(self, target: str | Path | IO[bytes], format: str = "json") -> None:
        """Write the rows in a SPARQL results format: json, xml, csv or tsv."""
        formats = {
            "json": ox.QueryResultsFormat.JSON,
            "xml": ox.QueryResultsFormat.XML,
            "tsv": ox.QueryResultsFormat.TSV,
        }
        if format not in ("csv", *formats):
            raise UnknownFormat("results format", format, ["csv", *formats])
        if format == "csv":
            _write_checked(self._write_csv, target, self._check)
        else:
            _write_checked(lambda file: self._found.serialize(file, formats[format]), target, self._check)

    def _write_csv(self, target: IO[bytes]) -> None:
        """Write CSV by Python: Oxigraph 0.5.13 quotes literals and no IRIs, and an IRI may hold a comma."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\r\n")
        writer.writerow(self.columns)
        with _query_errors():
            for number, row in enumerate(self._found):
                writer.writerow(["" if term is None else getattr(term, "value", str(term)) for term in row])
                if number % 500 == 499:
                    target.write(text.getvalue().encode())
                    text.seek(0)
                    text.truncate()
        target.write(text.getvalue().encode())

    def to_dataframe(self) -> pd.DataFrame:
        """Return the rows as a pandas DataFrame of text."""
        try:
            import pandas as pd
        except ImportError:
            raise MissingExtra("frames", needed_for="a pandas DataFrame") from None
        return pd.DataFrame(list(self), columns=list(self.columns))


class Graph:
    """The triples of a CONSTRUCT or DESCRIBE; iterates once, as N-Triples terms."""

    index: IndexUse | None
    """None if the query does not speak of geometry."""

    def __init__(
        self, found: ox.QueryTriples, check: Callable[[], None] = _nothing, index: IndexUse | None = None
    ) -> None:
        self._found = found
        self._check = check
        self.index = index

    def __iter__(self) -> Iterator[tuple[str, str, str]]:
        with _query_errors():
            for triple in self._found:
                self._check()
                yield str(triple.subject), str(triple.predicate), str(triple.object)
            self._check()

    def write(
        self, target: str | Path | IO[bytes], format: str = "turtle", *, meet: Callable[[], None] = lambda: None
    ) -> None:
        """Write the triples as turtle, ntriples, rdfxml, jsonld, trig or nquads.

        ``meet`` is called for each triple, and what it raises ends the writing.
        """
        formats = {
            "turtle": ox.RdfFormat.TURTLE,
            "ntriples": ox.RdfFormat.N_TRIPLES,
            "rdfxml": ox.RdfFormat.RDF_XML,
            "jsonld": ox.RdfFormat.JSON_LD,
            "trig": ox.RdfFormat.TRIG,
            "nquads": ox.RdfFormat.N_QUADS,
        }
        if format not in formats:
            raise UnknownFormat("graph format", format, list(formats))

        def met() -> Iterator[ox.Triple]:
            for triple in self._found:
                meet()
                yield triple

        chosen = formats[format]
        prefixes = PREFIXES if chosen in _HAS_PREFIXES else None
        _write_checked(lambda file: ox.serialize(met(), file, chosen, prefixes=prefixes), target, self._check)


def _write_checked(
    write: Callable[[IO[bytes]], object], target: str | Path | IO[bytes], check: Callable[[], None]
) -> None:
    if check is not _nothing:
        # What a function refuses is known at the end only, and then nothing may have been written.
        whole = io.BytesIO()
        with _query_errors():
            write(whole)
        check()
        text = whole.getvalue()
        _write_checked(lambda file: file.write(text), target, _nothing)
    elif isinstance(target, str | Path):
        with open(target, "wb") as file:
            _write_checked(write, file, check)
    else:
        with _query_errors():
            write(target)


_HAS_PREFIXES = (ox.RdfFormat.TURTLE, ox.RdfFormat.TRIG, ox.RdfFormat.RDF_XML)
Answer: TypeAlias = Solutions | Graph | bool


_NOT_CODE = re.compile(
    r"""
      \\. | '{3} (?: [^'\\] | \\. | '(?!'') )*+ '{3} | "{3} (?: [^"\\] | \\. | "(?!"") )*+ "{3}
    | '(?: [^'\\\n\r] | \\. )*+' | "(?: [^"\\\n\r] | \\. )*+" | <[^<>"{}|^`\\\s]*+> | \#[^\n\r]*+
    """,
    re.VERBOSE | re.DOTALL,
)
"""Text, IRIs, comments and escaped characters, in one pass: a quote in a comment opens no text, and so on."""
_CHANGES = re.compile(
    r"^\s*(?:(?:PREFIX\s+\S*:|BASE)\s+)*(INSERT|DELETE|LOAD|CLEAR|DROP|CREATE|ADD|MOVE|COPY|WITH)\b", re.IGNORECASE
)


@lru_cache(maxsize=8)
def bare(sparql: str) -> str:
    """Return a query without its IRIs, texts and comments: what is left is structure.

    The escapes that SPARQL resolves before anything else are resolved first.

    >>> bare("SELECT * { ?s <urn:p> '}' } # {")
    'SELECT * { ?s     }  '
    """
    return _NOT_CODE.sub(" ", resolved(sparql))


def refuse_what_is_no_reading(sparql: str) -> None:
    """Raise QueryError for a query that would ask another machine, or change something, and for none at all.

    The engine has no switch against ``SERVICE``.
    """
    try:
        asks = asks_another(sparql)
    except Doubt as doubt:
        raise QueryError(f"the query cannot be told from one that asks another machine by SERVICE: {doubt}") from None
    if asks:
        raise QueryError("SERVICE asks another machine, and queries stay in the catalog. Build its documents into it")
    plain = bare(sparql)
    if not plain.strip():
        raise QueryError("the query is empty. It begins with SELECT, ASK, CONSTRUCT or DESCRIBE")
    found = _CHANGES.search(plain)
    if found:
        raise QueryError(f"{found[1].upper()} changes something, and queries only read. Documents come in by build")


def answer(
    found: ox.QuerySolutions | ox.QueryTriples | ox.QueryBoolean,
    check: Callable[[], None] = _nothing,
    index: IndexUse | None = None,
) -> Answer:
    """Return a store's results as ours; ``check`` raises what went wrong unseen by the engine while it worked."""
    if isinstance(found, ox.QuerySolutions):
        return Solutions(found, check, index)
    if isinstance(found, ox.QueryTriples):
        return Graph(found, check, index)
    check()
    return bool(found)


def texts(store: Store, sparql: str, **given: str) -> Iterator[Any]:
    """Iterate over a query's rows as tuples of text, "" where unbound, without the variables that were given."""
    solutions = cast("ox.QuerySolutions", store.query(sparql, substitutions=given, prefixes=PREFIXES))
    wanted = [variable.value for variable in solutions.variables if variable.value not in given]
    for solution in solutions:
        yield tuple(getattr(solution[name], "value", "") for name in wanted)


def _text(term: object) -> str:
    return str(getattr(term, "value", term))
