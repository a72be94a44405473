"""``demo``: the shipped families, and three things they show that no model card says."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mlaoi_graph.cli.output import clean

if TYPE_CHECKING:
    from mlaoi_graph.catalog import Catalog

BASE: Final = "https://w3id.org/mlaoi/families/"


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


def print_cases(catalog: Catalog) -> None:
    """Print the first row of each case with its proof, and how many rows there are."""
    from mlaoi_graph.results import Solutions

    for number, case in enumerate(CASES, 1):
        answer = catalog.query(case.query)
        assert isinstance(answer, Solutions)
        rows = list(answer)
        if not rows:
            continue
        names = {key: label_of(catalog, iri) for key, iri in rows[0].items() if iri and not key.startswith("proof")}
        print(f"\n{number}. {clean(case.headline.format(**names))}")
        for key, iri in rows[0].items():
            if key.startswith("proof") and iri:
                print(f"   {clean(statement_of(catalog, iri))}")
        if len(rows) > 1:
            print(f"   and {len(rows) - 1} more like it")


def statement_of(catalog: Catalog, twin: str) -> str:
    """Return an edge in words, with the source that says it."""
    from mlaoi_graph.vocab import MLAOI

    edge = catalog.edge(twin)
    said = f"{label_of(catalog, edge.subject)} {edge.predicate} {label_of(catalog, edge.object)}"
    urls = [q.object.value for e in edge.twin.evidence for q in catalog.store.match(e, MLAOI.url)]  # type: ignore[union-attr]
    return f"{said}: {edge.twin.note or 'stated'} ({', '.join(urls) or edge.twin.document})"


def label_of(catalog: Catalog, iri: str) -> str:
    """Return a node's label, or the end of its IRI."""
    from mlaoi_graph.iri import tail
    from mlaoi_graph.vocab import RDFS

    labels = sorted(str(getattr(q.object, "value", "")) for q in catalog.store.match(iri, RDFS.label))
    return labels[0] if labels else tail(iri)


def families_folder() -> Path:
    """Return the folder of the shipped families."""
    return Path(__file__).parent.parent / "families"
