"""What a catalog shows that no model card says: a few questions whose rows are findings, each with its proof."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from string import Formatter
from typing import TYPE_CHECKING, Final

from mlaoi_graph.iri import tail
from mlaoi_graph.results import Solutions
from mlaoi_graph.vocab import RDFS

if TYPE_CHECKING:
    from mlaoi_graph.catalog import Catalog, Edge

__all__ = ["CASES", "Case", "Finding", "findings", "label_of"]


@dataclass(frozen=True, slots=True)
class Case:
    """A question whose rows are findings; columns named ``proof*`` hold the statements that prove them."""

    headline: str
    """What a row says, with the labels of its columns filled in."""
    query: str


CASES: Final = (
    Case(
        "{model} learned from data that {labeller} labelled: {source}",
        """
        SELECT ?model ?labeller ?source ?proof1 ?proof2 ?proof3 WHERE {
          ?proof1 mlaoi:ofModel ?model ; mlaoi:ofDataset ?data ; mlaoi:stage mlaoi:InstructionTuning .
          ?proof2 mlaoi:ofDerived ?data ; mlaoi:ofSource ?source ; mlaoi:derivationKind mlaoi:Derived .
          ?proof3 mlaoi:ofDerived ?source ; mlaoi:ofSource ?labeller ; mlaoi:derivationKind mlaoi:Labelled .
        } ORDER BY ?model ?source
        """,
    ),
    Case(
        "{model} was validated on {data}, the part published as test",
        """
        SELECT ?model ?data ?proof1 WHERE {
          ?proof1 mlaoi:ofModel ?model ; mlaoi:ofDataset ?data ; mlaoi:stage mlaoi:Validation .
          ?data mlaoi:split "test" .
        } ORDER BY DESC(?model) ?data
        """,
    ),
    Case(
        "{model} was trained on {data}, which was made from a test set: {part}",
        """
        SELECT ?model ?data ?part ?proof1 ?proof2 WHERE {
          ?part mlaoi:split "test" .
          ?proof2 mlaoi:ofDerived ?made ; mlaoi:ofSource ?part ; mlaoi:derivationKind mlaoi:Derived .
          ?data mlaoi:partOf? ?made .
          ?proof1 mlaoi:ofModel ?model ; mlaoi:ofDataset ?data ; mlaoi:stage ?stage .
          FILTER(?stage IN (mlaoi:Pretraining, mlaoi:Finetuning, mlaoi:InstructionTuning, mlaoi:Training))
        } ORDER BY ?model ?data
        """,
    ),
)


@dataclass(frozen=True, slots=True)
class Finding:
    """The first row of a case."""

    pieces: tuple[tuple[str, str | None], ...]
    """The headline in pieces: text, and for a label the node it is of."""
    proof: tuple[Edge, ...]
    more: int
    """How many other rows there are."""
    query: str
    """The question whose rows they are."""

    @property
    def headline(self) -> str:
        return "".join(text for text, _ in self.pieces)


def findings(catalog: Catalog) -> Iterator[Finding]:
    """Yield the first row of each case that has one."""
    for case in CASES:
        answer = catalog.query(case.query)
        assert isinstance(answer, Solutions)
        rows = list(answer)
        if not rows:
            continue
        row = rows[0]
        pieces: list[tuple[str, str | None]] = []
        for text, column, _, _ in Formatter().parse(case.headline):
            if text:
                pieces.append((text, None))
            if column is not None and (node := row[column]) is not None:
                pieces.append((label_of(catalog, node), node))
        twins = [twin for column, twin in row.items() if column.startswith("proof") and twin]
        yield Finding(tuple(pieces), tuple(catalog.edge(twin) for twin in twins), len(rows) - 1, case.query)


def label_of(catalog: Catalog, iri: str) -> str:
    """Return a node's label, or the end of its IRI."""
    labels = sorted(str(getattr(q.object, "value", "")) for q in catalog.store.match(iri, RDFS.label))
    return labels[0] if labels else tail(iri)
