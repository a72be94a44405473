"""``demo``: the shipped families, and three things they show that no model card says."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from mlaoi_graph.cli.arguments import VerifiedOnly
from mlaoi_graph.cli.output import clean, counting

if TYPE_CHECKING:
    from mlaoi_graph.catalog import Catalog, Edge

__all__ = ["BASE", "families_folder", "register"]

BASE: Final = "https://w3id.org/mlaoi/families/"


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(epilog="Example: mlaoi-graph demo --open")(demo)


def demo(
    to: Annotated[str, typer.Option("--to", metavar="DIR", help="Where to build it.")] = "mlaoi-demo",
    verified_only: VerifiedOnly = False,
    show: Annotated[
        bool, typer.Option("--open", help="Then serve it and open its page in a browser, until Ctrl-C.")
    ] = False,
) -> None:
    """Build the shipped catalog of model families, and show three things it knows, with their proof."""
    from mlaoi_graph.catalog import Catalog
    from mlaoi_graph.errors import CatalogNotFound
    from mlaoi_graph.model import Confidence

    try:
        catalog = Catalog.open(to)
    except CatalogNotFound:
        catalog = Catalog.create(to, base=BASE, verified_only=verified_only)
    with catalog:
        with counting("families") as progress:
            catalog.ingest(families_folder(), name="families", progress=progress)
        counts = catalog.counts()
        print(
            f"{counts.families} families, {counts.models} models, {counts.datasets} datasets and their splits, "
            f"{counts.uses} uses, {counts.derivations} derivations, each with its source: {to}"
        )
        unverified = sum(1 for edge in catalog.edges() if edge.twin.confidence is Confidence.UNVERIFIED)
        print(f"{unverified} of the edges rest on second-hand sources or inference and are marked: see --verified-only")
        _print_findings(catalog)
    print(f"\nNext: mlaoi-graph show {to} 'Clay v1.5'")
    print(f"      mlaoi-graph explain {to} 'GeoChat-7B' 'DOTA'")
    print(f"      mlaoi-graph leakage {to} 'GeoChat-7B'")
    print(f"      mlaoi-graph query {to} 'SELECT ?model ?data WHERE {{ ?model mlaoi:exposedTo ?data }}'")
    print(f"      mlaoi-graph export {to} --output families.ttl")
    print(f"      mlaoi-graph serve {to}")
    if show:
        from mlaoi_graph.cli.serve import open_page

        sys.stdout.flush()
        open_page(Path(to))


def _print_findings(catalog: Catalog) -> None:
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
