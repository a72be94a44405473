"""Which edges a question about lineage counts."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Final, TypeAlias, TypedDict

from mlaoi_graph.model import DerivationKind, Stage
from mlaoi_graph.plural import many
from mlaoi_graph.queries.graph import CODE, DERIVATIONS, EVALUATES, PARTS, TEACHES, Edges
from mlaoi_graph.queries.walk import Allow
from mlaoi_graph.times import OPEN_END, OPEN_START, earliest, instants

__all__ = ["Filters", "Notes", "allowed", "codes_of", "evaluations_of", "plain_codes_of"]

Notes: TypeAlias = Callable[[object], list[str]]
"""What there is to note of the filters once a search is over; it is told whether anything was found."""


class Filters(TypedDict, total=False):
    """Which edges count. Left out, an edge is as if nobody had asserted it.

    A word that is none raises ValueError; where nothing passes, the answer's ``notes`` say so.
    """

    stages: Collection[Stage | str]
    """Uses in these stages only, by their words. Naming an evaluation stage has a plain walk follow it too."""
    kinds: Collection[DerivationKind | str]
    """Derivations of these kinds only, by their words."""
    verified_only: bool
    sources: Collection[str]
    """Edges these documents say, or that cite this evidence; IRIs."""
    without: Collection[str]
    """Not these statements: an edge for which nothing else speaks is left out; IRIs of uses or derivations."""
    before: str
    """Edges asserted before this ISO 8601 year, month, day or instant, in UTC: by their document's own time, else by
    when their evidence, else when the document, was read. One whose time is not known, or not so exactly that it is
    before, is left out, and the answer says how many."""


_NAMES: Final = tuple(Filters.__annotations__)


def codes_of(only: Filters) -> frozenset[int]:
    """Return the codes a search for lineage follows; evaluation never is."""
    stages, kinds = only.get("stages"), only.get("kinds")
    uses = TEACHES if stages is None else TEACHES & _words(Stage, stages)
    derivations = DERIVATIONS if kinds is None else _words(DerivationKind, kinds)
    return uses | derivations | PARTS


def plain_codes_of(only: Filters) -> frozenset[int]:
    """Return the same for a plain walk, which follows evaluation where it is named."""
    return codes_of(only) | (EVALUATES & _words(Stage, only.get("stages") or ()))


def evaluations_of(only: Filters) -> frozenset[int]:
    """Return the codes of the evaluations that count, where a question is about these too."""
    stages = only.get("stages")
    return EVALUATES if stages is None else EVALUATES & _words(Stage, stages)


def _words(words: type[Stage | DerivationKind], given: Collection[Any]) -> frozenset[int]:
    """Return the codes of stages or kinds, each one or its word."""
    try:
        return frozenset(CODE[words(word)] for word in _several(given))
    except ValueError as error:
        raise ValueError(f"{error}. Known: {', '.join(word.value for word in words)}") from None


def _several(given: Collection[Any]) -> Collection[Any]:
    return (given,) if isinstance(given, str) else given


def allowed(edges: Edges, only: Filters) -> tuple[Allow, Notes]:
    """Return which edge of those that say the same counts, and what there is to note once the search is over.

    Raises TypeError for a filter there is not, ValueError for what is no time.
    """
    unknown = only.keys() - set(_NAMES)
    if unknown:
        raise TypeError(f"no filter is called {min(unknown)!r}. There are: {', '.join(_NAMES)}")
    tests: list[Callable[[int], bool]] = []
    undated: set[int] = set()
    left_out: set[int] = set()
    nowhere: list[str] = []
    if only.get("verified_only"):
        tests.append(lambda edge: not edges.unverified[edge])
    sources = only.get("sources")
    if sources is not None:
        wanted = frozenset(_several(sources))
        nowhere += sorted(iri for iri in wanted if not _is_source(edges, iri))
        tests.append(lambda edge: _said_by(edges, edge, wanted))
    without = frozenset(_several(only.get("without", ())))
    if without:
        tests.append(lambda edge: _says_more(edges, edge, without))
    before = only.get("before")
    if before is not None:
        limit = instants(before)[0]

        def in_time(edge: int) -> bool:
            first, last = _asserted(edges, edge)
            if first < limit <= last:
                undated.add(edge)
            return last < limit

        tests.append(in_time)

    def notes(something: object) -> list[str]:
        said = [f"no document and no evidence here is {iri}: sources are the IRIs of either" for iri in nowhere]
        said += ["nothing passes the filters"] if only and not something else []
        others = len(left_out - undated)
        said += [f"{many(others, 'edge')} met left out by the filters"] if others else []
        return said + ([f"{many(len(undated), 'edge')} of unknown date left out"] if undated else [])

    def passing(edge: int) -> int:
        found = next((same for same in edges.parallel(edge) if all(test(same) for test in tests)), -1)
        if found < 0:
            left_out.add(edge)
        return found

    return passing if tests else None, notes


def _is_source(edges: Edges, iri: str) -> bool:
    return edges.documents.find(iri) >= 0 or edges.details.evidence(iri) is not None


def _said_by(edges: Edges, edge: int, sources: frozenset[str]) -> bool:
    if edges.documents[edges.document[edge]] in sources:
        return True
    saying = edges.columns.saying(edge)
    if saying is None or not sources.isdisjoint(saying.evidence):
        return saying is not None
    # A document may state an edge more than once, and the columns have the one statement it is known by.
    return any(not sources.isdisjoint(twin.evidence) for twin in edges.twins(edge))


def _says_more(edges: Edges, edge: int, statements: frozenset[str]) -> bool:
    twins = edges.twins(edge)
    return not twins or any(twin.iri not in statements for twin in twins)


def _asserted(edges: Edges, edge: int) -> tuple[int, int]:
    """Return between which instants an edge is known to have been asserted first: any, if that is not known."""
    columns, number = edges.columns, edges.document[edge]
    when: str | None = columns.stated[number]
    if not when and columns.saying(edge) is not None:
        sources = {iri for twin in edges.twins(edge) for iri in twin.evidence}
        cited = [columns.cited(iri) or edges.details.evidence(iri) for iri in sources]
        when = earliest(source.read_on for source in cited if source is not None and source.read_on is not None)
    when = when or columns.read[number]
    try:
        return instants(when)
    except ValueError:  # published, and no time
        return OPEN_START, OPEN_END
