"""The commands that say what is wrong and change nothing: validate, check."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mlaoi_graph.cli.arguments import CATALOG_VARIABLE, AsCsv, AsJson, is_address, is_directory, quoted
from mlaoi_graph.cli.output import clean, print_rows, say
from mlaoi_graph.plural import many

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command(epilog="Example: mlaoi-graph validate catalog.json --schemas schemas/")(validate)
    app.command(epilog="Example: mlaoi-graph check my-models.yaml")(check)


def validate(
    what: Annotated[
        str,
        typer.Argument(metavar="SOURCE|DIR", envvar=CATALOG_VARIABLE, help="Documents, or a catalog directory."),
    ],
    schemas: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Folder of JSON schemas laid out as FOLDER/HOST/PATH; or set MLAOI_SCHEMAS."
        ),
    ] = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Say what is wrong with documents, or with a catalog's graph; nothing is changed and nothing is fetched.

    Documents are held against the JSON schemas of the STAC version and extensions they declare, a catalog against
    the SHACL shapes of the ontology. Exit code 0 clean, 1 something is wrong, 2 something could not be checked.
    """
    from dataclasses import replace

    from mlaoi_graph.model import Severity
    from mlaoi_graph.validation import validate_graph, validate_source

    if is_directory(what) or is_address(what):
        from mlaoi_graph.catalog import Catalog

        with Catalog.open(what) as catalog:
            findings = list(validate_graph(catalog.rdflib_graph()))
    else:
        findings = list(validate_source(what, schemas=schemas))
    columns = ("severity", "document", "pointer", "rule", "message")
    rows = [(f.severity.value, f.document, f.pointer, f.rule, f.message) for f in findings]
    if as_json or as_csv:
        print_rows(columns, rows, as_json=as_json, as_csv=as_csv)
    else:
        for finding in findings:
            shown = finding if finding.document != finding.pointer else replace(finding, pointer="")
            print(f"{finding.severity.value:<8} {clean(shown)}")
    unchecked = [f for f in findings if f.rule in ("schema-missing", "schema-broken", "not-json")]
    wrong = [f for f in findings if f.severity is Severity.ERROR and f not in unchecked]
    warned = sum(f.severity is Severity.WARNING for f in findings if f not in unchecked)
    say(f"{len(wrong)} wrong, {many(warned, 'warning')}, {len(unchecked)} not checked")
    if wrong:
        raise typer.Exit(1)
    if unchecked:
        raise typer.Exit(2)


def check(
    source: Annotated[str, typer.Argument(metavar="FILE|FOLDER", help="Records in YAML.")],
) -> None:
    """Check records before they are built; they may refer to the shipped families by id.

    Exit code 1 if they cannot be read, with file, line and column of what is wrong.
    """
    from mlaoi_graph.catalog import Catalog
    from mlaoi_graph.cli.demo import BASE, families_folder

    with Catalog.create(base=BASE) as catalog:
        if not Path(source).resolve().is_relative_to(families_folder().resolve()):
            catalog.ingest(families_folder(), name="families")
        before = catalog.counts()
        report = catalog.ingest(source, name="checked", reader="records")
        for finding in report.findings.kept:
            print(f"{finding.severity.value:<8} {clean(finding)}")
        if report.failed:
            raise typer.Exit(1)
        after = catalog.counts()
        print(
            f"{report.read} files: {after.models - before.models} models, {after.datasets - before.datasets} datasets, "
            f"{after.uses - before.uses} uses, {after.derivations - before.derivations} derivations"
        )
    print("\nNext: mlaoi-graph demo --to DIR  # the families it may refer to")
    print(f"      mlaoi-graph build {quoted(source)} --to DIR")
