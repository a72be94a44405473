"""What a SPARQL query gives back, in plain Python values."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeAlias

import pyoxigraph as ox

from mlaoi_graph.errors import QueryError, UnknownFormat

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Answer", "Graph", "Solutions", "answer"]

Row: TypeAlias = dict[str, str | None]


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
            "csv": ox.QueryResultsFormat.CSV,
            "tsv": ox.QueryResultsFormat.TSV,
        }
        if format not in formats:
            raise UnknownFormat("results format", format, list(formats))
        self._found.serialize(target, formats[format])

    def to_dataframe(self) -> pd.DataFrame:
        """Return the rows as a pandas DataFrame of text."""
        import pandas as pd

        return pd.DataFrame(list(self), columns=list(self.columns))


class Graph:
    """The triples of a CONSTRUCT or DESCRIBE; iterates once, as N-Triples terms."""

    def __init__(self, found: ox.QueryTriples) -> None:
        self._found = found

    def __iter__(self) -> Iterator[tuple[str, str, str]]:
        try:
            for triple in self._found:
                yield str(triple.subject), str(triple.predicate), str(triple.object)
        except (OSError, RuntimeError, ValueError) as error:
            raise QueryError(str(error)) from error

    def write(self, target: str | Path | IO[bytes], format: str = "turtle") -> None:
        """Write the triples as turtle, ntriples or rdfxml."""
        formats = {
            "turtle": ox.RdfFormat.TURTLE,
            "ntriples": ox.RdfFormat.N_TRIPLES,
            "rdfxml": ox.RdfFormat.RDF_XML,
        }
        if format not in formats:
            raise UnknownFormat("graph format", format, list(formats))
        self._found.serialize(target, formats[format])


Answer: TypeAlias = Solutions | Graph | bool


def answer(found: ox.QuerySolutions | ox.QueryTriples | ox.QueryBoolean) -> Answer:
    """Return a store's results as ours."""
    if isinstance(found, ox.QuerySolutions):
        return Solutions(found)
    if isinstance(found, ox.QueryTriples):
        return Graph(found)
    return bool(found)


def _text(term: object) -> str:
    return str(getattr(term, "value", term))
