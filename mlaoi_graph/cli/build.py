"""The commands that change what is in a catalog: build, remove."""

from __future__ import annotations

import shlex
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from mlaoi_graph.cli.arguments import CATALOG_VARIABLE, AsJson, VerifiedOnly, arguments_of, split_directory
from mlaoi_graph.cli.output import clean, counting, print_json, print_rows, print_table, say
from mlaoi_graph.model import Reasoner
from mlaoi_graph.plural import many

if TYPE_CHECKING:
    from mlaoi_graph.catalog import Catalog
    from mlaoi_graph.ingest import IngestReport

__all__ = ["register"]


class Policy(StrEnum):
    """Split policies of ``build``."""

    common = "common"
    ml_aoi_adr = "ml-aoi-adr"


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command(epilog="Example: mlaoi-graph build catalog.json models/ --to lineage")(build)
    app.command(epilog="Example: mlaoi-graph remove lineage https://example.com/models/clay.json")(remove)


def build(
    sources: Annotated[
        list[str],
        typer.Argument(metavar="SOURCE...", help="Catalogs, items, NDJSON, folders of these; paths or addresses."),
    ],
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="DIR",
            envvar=CATALOG_VARIABLE,
            help="Catalog directory, made if it is not there; or a SPARQL server.",
        ),
    ],
    base: Annotated[
        str | None,
        typer.Option(help="Start of IRIs for what has no address of its own (new catalogs only)."),
    ] = None,
    split_policy: Annotated[
        Policy | None,
        typer.Option(
            help="What ml-aoi:split words mean (new catalogs only): common usage, or ML-AOI's decision record."
        ),
    ] = None,
    name: Annotated[str | None, typer.Option(help="What the source goes by; its folder's name unless given.")] = None,
    reader: Annotated[str | None, typer.Option(help="Reader to use; found out unless given.")] = None,
    allow_network: Annotated[
        bool,
        typer.Option("--allow-network", help="Follow addresses; never to private machines that a document names."),
    ] = False,
    collection: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ID", help="Of a STAC API: a collection whose items are read; may be given more than once."
        ),
    ] = None,
    verified_only: VerifiedOnly = False,
    reasoner: Annotated[
        Reasoner | None,
        typer.Option(
            help="What infers exposure (new catalogs only): targeted rules; owlrl, the reference, which takes minutes "
            "for a thousand models at every change; or nothing."
        ),
    ] = None,
    as_json: AsJson = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the findings as CSV.")] = False,
) -> None:
    """Read published documents into a lineage graph on disk.

    Reading again replaces what changed and costs little for what did not. A bad document stops nothing: it is
    reported, and what the catalog held of it stays. Exit code 1 if a document could not be read.
    """
    from mlaoi_graph.catalog import Catalog
    from mlaoi_graph.errors import CatalogNotFound, MlaoiError
    from mlaoi_graph.iri import DEFAULT_BASE
    from mlaoi_graph.model import SplitPolicy

    if name is not None and len(sources) > 1:
        raise typer.BadParameter("--name goes with one source")
    try:
        catalog = Catalog.open(to)
        is_new = False
    except CatalogNotFound:
        is_new = True
    if is_new:
        try:
            catalog = Catalog.create(
                to,
                base=base or DEFAULT_BASE,
                split_policy=SplitPolicy(split_policy.value if split_policy else "common"),
                verified_only=verified_only,
                reasoner=reasoner or Reasoner.TARGETED,
            )
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None
    else:
        if base is not None and base.rstrip("/") != catalog.base.rstrip("/"):
            raise typer.BadParameter(
                f"{to} was built with --base {catalog.base}; its IRIs stay. Build a new catalog for another base"
            )
        if split_policy is not None and split_policy.value != catalog.split_policy.value:
            raise typer.BadParameter(
                f"{to} was built with --split-policy {catalog.split_policy.value}. Build a new one for another"
            )
        if reasoner is not None and reasoner is not catalog.reasoner:
            raise typer.BadParameter(
                f"{to} was built with --reasoner {catalog.reasoner.value}. Build a new one for another"
            )
        if verified_only and not catalog.verified_only:
            raise typer.BadParameter(f"{to} holds unverified edges too. Build a new catalog with --verified-only")
    if catalog.reasoner is Reasoner.OWLRL:
        say("owlrl reasons over all of the catalog after every change; --reasoner targeted gives the same at once")
    reports: list[IngestReport] = []
    problems: list[str] = []
    with catalog:
        for source in sources:
            try:
                with counting(source) as progress:
                    reports.append(
                        catalog.ingest(
                            source,
                            name=name,
                            reader=reader,
                            allow_network=allow_network,
                            collections=collection or (),
                            progress=progress,
                        )
                    )
            except MlaoiError as error:
                if len(sources) == 1:
                    if is_new:
                        catalog.discard()
                    raise
                problems.append(str(error))
        if as_json:
            print_json(_build_summary(catalog, reports, problems))
        elif as_csv:
            columns = ("document", "pointer", "rule", "severity", "message")
            found = [f for report in reports for f in report.findings.kept]
            rows = [(f.document, f.pointer, f.rule, f.severity.value, f.message) for f in found]
            print_rows(columns, rows, as_json=False, as_csv=True)
        else:
            _print_build(catalog, to, reports, problems)
        if is_new and not any(report.read for report in reports):
            catalog.discard()
            say(f"{to}: nothing was read, so no catalog was made")
    if problems:
        raise typer.Exit(2)
    if any(report.failed for report in reports):
        raise typer.Exit(1)


def _build_summary(catalog: Catalog, reports: list[IngestReport], problems: list[str]) -> dict[str, object]:
    from dataclasses import asdict

    return {
        "sources": [
            {
                "source": r.source,
                "name": r.name,
                "read": r.read,
                "unchanged": r.unchanged,
                "skipped": r.skipped,
                "failed": r.failed,
                "removed": r.removed,
                "relinked": r.relinked,
                "gone": list(r.gone),
                "findings": [
                    {
                        "document": f.document,
                        "pointer": f.pointer,
                        "rule": f.rule,
                        "severity": f.severity.value,
                        "message": f.message,
                    }
                    for f in r.findings.kept
                ],
                "findings_not_listed": r.findings.not_kept,
            }
            for r in reports
        ],
        "problems": problems,
        "catalog": asdict(catalog.counts()),
        "unresolved": [{"iri": n.iri, "name": n.unresolved_name or n.label} for n in catalog.unresolved()],
    }


def _print_build(catalog: Catalog, to: str, reports: list[IngestReport], problems: list[str]) -> None:
    from mlaoi_graph.model import Severity

    for report in reports:
        parts = [f"{report.read} read"]
        parts += [
            f"{number} {word}"
            for number, word in (
                (report.unchanged, "unchanged"),
                (report.skipped, "not STAC"),
                (report.failed, "failed"),
            )
            if number
        ]
        if report.removed:
            parts.append(f"{many(report.removed, 'member')} gone")
        if report.relinked:
            parts.append(f"{report.relinked} linked to what is known now")
        say(f"{report.source}: {many(report.documents, 'document')} ({', '.join(parts)})")
        shown = [f for f in report.findings.kept if f.severity is not Severity.INFO]
        for finding in sorted(shown, key=lambda f: f.severity is not Severity.ERROR)[:10]:
            say(f"  {finding}")
        rest = report.findings.count(Severity.ERROR) + report.findings.count(Severity.WARNING) - min(len(shown), 10)
        remarks = report.findings.count(Severity.INFO)
        more = [many(number, noun) for number, noun in ((rest, "more finding"), (remarks, "remark")) if number > 0]
        if more:
            say(f"  and {', '.join(more)}: listed by --json and --csv")
        if report.gone:
            gone = many(len(report.gone), "document is", "documents are")
            say(f"  {gone} not there any more; drop {'it' if len(report.gone) == 1 else 'one'}:")
            for document in report.gone[:10]:
                say(f"    {shlex.join(('mlaoi-graph', 'remove', str(to), document))}")
            if len(report.gone) > 10:
                say(f"    and {len(report.gone) - 10} more: listed by --json")
    for problem in problems:
        say(f"not read: {problem}")
    counts = catalog.counts()
    print_table(
        ("models", "datasets", "areas", "uses", "derivations", "documents", "triples"),
        [
            (
                counts.models,
                counts.datasets,
                counts.areas,
                counts.uses,
                counts.derivations,
                counts.documents,
                counts.triples,
            )
        ],
    )
    unresolved = sorted(catalog.unresolved(), key=lambda node: node.iri)
    if unresolved:
        print(f"\n{many(len(unresolved), 'reference leads', 'references lead')} nowhere known:")
        for node in unresolved[:10]:
            print(f"  {clean(node.unresolved_name or node.label or node.iri)}")
        if len(unresolved) > 10:
            print(f"  ... and {len(unresolved) - 10} more: mlaoi-graph show {to} --unresolved")
    print(f"\nNext: mlaoi-graph show {to}")


def remove(
    arguments: Annotated[list[str] | None, arguments_of("DOCUMENT", "the document's IRI")] = None,
) -> None:
    """Remove one document, and exactly what it said, from a catalog."""
    from mlaoi_graph.catalog import Catalog

    directory, rest = split_directory(arguments, 1)
    if not rest:
        raise typer.BadParameter("give the document's IRI; they are listed by: mlaoi-graph show DIR --documents")
    with Catalog.open(directory) as catalog:
        catalog.remove(rest[0])
    say(f"removed {rest[0]}; the next build looks up again what referred to it")
