"""``demo``: the shipped families, and three things they show that no model card says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from mlaoi_graph.cli.output import clean

if TYPE_CHECKING:
    from mlaoi_graph.catalog import Catalog, Edge

BASE: Final = "https://w3id.org/mlaoi/families/"


def print_findings(catalog: Catalog) -> None:
    """Print each finding with its proof, and how many more there are."""
    from mlaoi_graph.findings import findings

    for number, finding in enumerate(findings(catalog), 1):
        print(f"\n{number}. {clean(finding.headline)}")
        for edge in finding.proof:
            print(f"   {clean(_statement(catalog, edge))}")
        if finding.more:
            print(f"   and {finding.more} more like it")


def _statement(catalog: Catalog, edge: Edge) -> str:
    """Return an edge in words, with the source that says it."""
    from mlaoi_graph.findings import label_of
    from mlaoi_graph.vocab import MLAOI

    said = f"{label_of(catalog, edge.subject)} {edge.predicate} {label_of(catalog, edge.object)}"
    urls = [q.object.value for e in edge.twin.evidence for q in catalog.store.match(e, MLAOI.url)]  # type: ignore[union-attr]
    return f"{said}: {edge.twin.note or 'stated'} ({', '.join(urls) or edge.twin.document})"


def families_folder() -> Path:
    """Return the folder of the shipped families."""
    return Path(__file__).parent.parent / "families"
