"""The commands."""

from __future__ import annotations

import os
import sys
import warnings
from collections import Counter
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from mlaoi_graph.cli.output import clean, counting, print_json, print_rows, print_table, say, saying
from mlaoi_graph.model import Reasoner

if TYPE_CHECKING:
    from mlaoi_graph.catalog import Catalog
    from mlaoi_graph.ingest import IngestReport

app = typer.Typer(
    help="Lineage of Earth-observation models: what they learned from, where they were tested, and who says so.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    epilog="Exit codes: 0 done and clean, 1 something was found (bad documents, violations), 2 it could not be done.",
)

CATALOG_VARIABLE = "MLAOI_CATALOG"
_SHOWN = 50
"""Rows of a listing for people; programs get all."""


class Format(StrEnum):
    """Formats of ``export``."""

    turtle = "turtle"
    ntriples = "ntriples"
    rdfxml = "rdfxml"
    jsonld = "jsonld"
    trig = "trig"
    nquads = "nquads"
    stac = "stac"


class Policy(StrEnum):
    """Split policies of ``build``."""

    common = "common"
    ml_aoi_adr = "ml-aoi-adr"


_SUFFIXES = {
    ".ttl": Format.turtle,
    ".nt": Format.ntriples,
    ".rdf": Format.rdfxml,
    ".xml": Format.rdfxml,
    ".jsonld": Format.jsonld,
    ".trig": Format.trig,
    ".nq": Format.nquads,
}

# typer reads these at run time, so they are spelled without the postponed `X | None`.
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print CSV (of build: the findings).")]
Arguments = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[DIR] [NODE]", help="Catalog directory or server (or set MLAOI_CATALOG), and what to show."
    ),
]


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True)] = False,
) -> None:
    if version:
        from mlaoi_graph import __version__

        print(f"mlaoi-graph {__version__}")
        raise typer.Exit


def _split_directory(arguments: list[str] | None, most: int) -> tuple[str, list[str]]:
    """Return the catalog directory and the remaining arguments: it comes first, or from MLAOI_CATALOG."""
    rest = list(arguments or ())
    variable = os.environ.get(CATALOG_VARIABLE)
    # With the variable set, an address is a node's unless it is one argument more than there can be.
    if rest and (not variable or _is_directory(rest[0]) or (_is_address(rest[0]) and len(rest) > most)):
        return rest[0], _at_most(rest[1:], most)
    if variable:
        return variable, _at_most(rest, most)
    raise typer.BadParameter(f"give a catalog directory first, or set {CATALOG_VARIABLE}")


def _is_directory(place: str) -> bool:
    return os.path.exists(os.path.join(place, "manifest.json"))  # of a name that is too long too: it is none


def _is_address(place: str) -> bool:
    return place.startswith(("http://", "https://"))


def _at_most(rest: list[str], most: int) -> list[str]:
    if len(rest) > most:
        raise typer.BadParameter(f"{len(rest) - most} arguments too many: {' '.join(rest[most:])}")
    return rest


@app.command(epilog="Example: mlaoi-graph build catalog.json models/ --to lineage")
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
    reader: Annotated[Optional[str], typer.Option(help="Reader to use; found out unless given.")] = None,  # noqa: UP045
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
    verified_only: Annotated[
        bool, typer.Option("--verified-only", help="Leave out edges marked unverified (new catalogs only).")
    ] = False,
    reasoner: Annotated[
        Optional[Reasoner],  # noqa: UP045
        typer.Option(
            help="What infers exposure (new catalogs only): targeted rules; owlrl, the reference, which takes minutes "
            "for a thousand models at every change; or nothing."
        ),
    ] = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
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
            parts.append(f"{report.removed} members gone")
        if report.relinked:
            parts.append(f"{report.relinked} linked to what is known now")
        say(f"{report.source}: {report.documents} documents ({', '.join(parts)})")
        shown = [f for f in report.findings.kept if f.severity is not Severity.INFO]
        for finding in sorted(shown, key=lambda f: f.severity is not Severity.ERROR)[:10]:
            say(f"  {finding}")
        rest = report.findings.count(Severity.ERROR) + report.findings.count(Severity.WARNING) - min(len(shown), 10)
        remarks = report.findings.count(Severity.INFO)
        more = [f"{number} {word}" for number, word in ((rest, "more findings"), (remarks, "remarks")) if number > 0]
        if more:
            say(f"  and {', '.join(more)}: listed by --json and --csv, when documents are read")
        if report.gone:
            say(f"  {len(report.gone)} documents are not there any more; drop one: mlaoi-graph remove {to} DOCUMENT")
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
        print(f"\n{len(unresolved)} references lead nowhere known:")
        for node in unresolved[:10]:
            print(f"  {clean(node.unresolved_name or node.label or node.iri)}")
        if len(unresolved) > 10:
            print(f"  ... and {len(unresolved) - 10} more: mlaoi-graph show {to} --unresolved")
    print(f"\nNext: mlaoi-graph show {to}")


@app.command(epilog="Example: mlaoi-graph show lineage example-unet")
def show(
    arguments: Arguments = None,
    unresolved: Annotated[
        bool, typer.Option("--unresolved", help="List what is referred to and described nowhere.")
    ] = False,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Show what is in a catalog, or one node with every edge at it and who says so."""
    from mlaoi_graph.catalog import Catalog

    directory, rest = _split_directory(arguments, 1)
    with Catalog.open(directory) as catalog:
        if rest:
            _show_node(catalog, rest[0], as_json=as_json, as_csv=as_csv)
        elif unresolved:
            rows = sorted(
                (n.unresolved_name or n.label or "", n.iri, type(n).__name__.lower()) for n in catalog.unresolved()
            )
            print_rows(("name", "iri", "kind"), rows, as_json=as_json, as_csv=as_csv)
        else:
            _show_all(catalog, directory, as_json=as_json, as_csv=as_csv)


def _show_all(catalog: Catalog, directory: str, *, as_json: bool, as_csv: bool) -> None:
    graph = catalog.to_networkx()
    columns = ("kind", "label", "made_from_or_tested_on", "used_by", "iri")
    kinds = ("family", "model", "archive", "dataset", "unknown")
    apart = ("partOf", "succeeds", "family")  # not lineage
    rows = sorted(
        (
            (
                d["kind"],
                d["label"],
                len(
                    {(n, e["predicate"]) for _, n, e in graph.out_edges(node, data=True) if e["predicate"] not in apart}
                ),
                len(
                    {(n, e["predicate"]) for n, _, e in graph.in_edges(node, data=True) if e["predicate"] not in apart}
                ),
                node,
            )
            for node, d in graph.nodes(data=True)
            if d.get("kind") in kinds
        ),
        key=lambda row: (kinds.index(row[0]), row[1].casefold(), row[4]),
    )
    if as_json or as_csv:
        print_rows(columns, rows, as_json=as_json, as_csv=as_csv)
        return
    print_table(columns, rows[:_SHOWN])
    if len(rows) > _SHOWN:
        counts = Counter(row[0] for row in rows)
        print(f"{_SHOWN} of {len(rows)} shown ({', '.join(f'{n} {kind}' for kind, n in counts.items())}); see --csv")
    models = [row for row in rows if row[0] == "model"]
    if models:
        print(f"\nNext: mlaoi-graph show {directory} {_quoted(max(models, key=lambda row: row[2])[1])}")
    elif not rows:
        print(f"Nothing in it yet. Next: mlaoi-graph build SOURCE --to {directory}")


def _show_node(catalog: Catalog, name: str, *, as_json: bool, as_csv: bool) -> None:
    from dataclasses import fields

    from mlaoi_graph.catalog import Edge
    from mlaoi_graph.findings import label_of
    from mlaoi_graph.iri import tail

    found = catalog.describe(name)
    iri = found.node.iri
    columns = ("subject", "edge", "object", "rule", "confidence", "document", "pointer")
    edges = [
        (e.subject, e.predicate, e.object, e.twin.rule.value, e.twin.confidence.value, e.twin.document, e.twin.pointer)
        for e in [*map(Edge.of, found.uses), *map(Edge.of, found.derivations), *map(Edge.of, found.associations)]
    ]
    facts = {f.name: getattr(found.node, f.name) for f in fields(found.node)}
    facts = {key: value for key, value in facts.items() if value is not None and value != ()}
    if as_csv:
        print_rows(columns, edges, as_json=False, as_csv=True)
        return
    if as_json:
        print_json(
            {
                "kind": type(found.node).__name__,
                "node": {key: getattr(value, "value", value) for key, value in facts.items()},
                "edges": [dict(zip(columns, edge, strict=True)) for edge in edges],
                "areas": [
                    {
                        "iri": a.iri,
                        "precision": a.precision.value,
                        "wkt": a.wkt,
                        "start": a.start,
                        "end": a.end,
                    }
                    for a in found.areas[:1000]
                ],
                "areas_total": len(found.areas),
                "documents": list(found.documents[:1000]),
                "documents_total": len(found.documents),
            }
        )
        return
    print(f"{clean(facts.pop('label', None) or tail(iri))}  ({type(found.node).__name__})")
    for key, value in facts.items():
        if key in ("footprints",):
            continue
        text = ", ".join(map(str, value)) if isinstance(value, tuple) else getattr(value, "value", value)
        print(f"  {key:<14} {clean(text)}")
    if edges:
        print()
        short = [
            (
                "this" if s == iri else label_of(catalog, str(s)),
                e,
                "this" if o == iri else label_of(catalog, str(o)),
                rule if confidence == "verified" else f"{rule}, {confidence}",
                f"{d}#{p}" if p else d,
            )
            for s, e, o, rule, confidence, d, p in edges
        ]
        print_table(("subject", "edge", "object", "by rule", "said in"), short[:50])
        if len(short) > 50:
            print(f"50 of {len(short)} shown; all of them with --csv or --json")
    if found.areas:
        precisions = ", ".join(
            f"{sum(a.precision is p for a in found.areas)} {p.value}"
            for p in dict.fromkeys(a.precision for a in found.areas)
        )
        print(f"\n{len(found.areas)} areas: {precisions}")
    print(
        f"\nSaid in {len(found.documents)} documents: {', '.join(map(clean, found.documents[:3]))}"
        + (" ..." if len(found.documents) > 3 else "")
    )


def _quoted(text: str) -> str:
    import shlex

    return shlex.quote(clean(text))


@app.command(epilog='Example: mlaoi-graph query lineage "SELECT ?model ?data WHERE { ?model mlaoi:testedOn ?data }"')
def query(
    arguments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[DIR] SPARQL|FILE.rq",
            help="Catalog directory or server (or set MLAOI_CATALOG), and the query or a file with it.",
        ),
    ] = None,
    question: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(metavar="NAME", help="A shipped question instead, by name or number: 03-exposure, 3."),
    ] = None,
    param: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option(metavar="NAME=VALUE", help="A parameter: a model or dataset by name, or as the query declares."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="SPARQL results JSON.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="SPARQL results CSV.")] = False,
    as_geojson: Annotated[bool, typer.Option("--geojson", help="GeoJSON, by the first column of geometries.")] = False,
    geoparquet: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--geoparquet", metavar="FILE", help="Write the rows to a GeoParquet file, and print none."),
    ] = None,
) -> None:
    """Ask by SPARQL, over all documents as one graph; the usual prefixes are set.

    SELECT prints a table, ASK true or false, CONSTRUCT and DESCRIBE Turtle. A query with geof: functions says on stderr
    whether the footprint index was used. Parameters are bound, never put into the text. Another example:
    mlaoi-graph query lineage --question 3 --param model="clay 1.5"
    """
    from mlaoi_graph.catalog import Catalog
    from mlaoi_graph.queries import parameters
    from mlaoi_graph.results import Graph, Solutions

    directory, rest = _split_directory(arguments, 1)
    if (question is None) == (not rest):
        raise typer.BadParameter("give a catalog directory and one SPARQL query, a file that holds it, or --question")
    text = parameters.question(question) if question is not None else rest[0]
    if text.endswith((".rq", ".sparql")):
        try:
            text = Path(text).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise typer.BadParameter(f"{rest[0]}: {error}") from None
    given: dict[str, str] = {}
    for pair in param or ():
        name, equals, value = pair.partition("=")
        if not equals or name in given:
            raise typer.BadParameter(f"{pair}: give each parameter once, as NAME=VALUE", param_hint="--param")
        given[name] = value
    with Catalog.open(directory) as catalog, saying("mlaoi_graph.geosparql"):
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            answer = catalog.query(text, **parameters.bind(text, given, catalog.find))
        for warning in found:
            say(str(warning.message))
        if (as_geojson or geoparquet is not None) and not isinstance(answer, Solutions):
            raise typer.BadParameter("--geojson and --geoparquet go with a SELECT")
        if isinstance(answer, bool):
            print_json({"head": {}, "boolean": answer}) if as_json else print("true" if answer else "false")
        elif isinstance(answer, Graph):
            sys.stdout.flush()
            answer.write(sys.stdout.buffer)
        elif geoparquet is not None:
            answer.to_geoparquet(geoparquet)
            say(f"written to {geoparquet}")
        elif as_geojson:
            print_json(answer.to_geojson())
        elif as_json or as_csv:
            sys.stdout.flush()
            answer.write(sys.stdout.buffer, "json" if as_json else "csv")
        else:
            assert isinstance(answer, Solutions)
            rows = [tuple(row.values()) for row in answer]
            print_table(answer.columns, rows)
            say(f"{len(rows)} rows")


@app.command(epilog="Example: mlaoi-graph export lineage --format turtle --output lineage.ttl")
def export(
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="[DIR]", help="Catalog directory or server; or set MLAOI_CATALOG.")
    ] = None,
    output: Annotated[
        str,
        typer.Option(
            "--output", "-o", metavar="FILE", help="File to write (a folder for stac); it appears when complete."
        ),
    ] = "",
    format: Annotated[
        Format | None, typer.Option("--format", "-f", help="Told by the file's suffix unless given.")
    ] = None,
    root_href: Annotated[
        str | None,
        typer.Option(metavar="URL", help="For stac: the address it will be published at; links are absolute."),
    ] = None,
    relative_links: Annotated[
        bool, typer.Option("--relative-links", help="With --root-href: links are relative, only the root says where.")
    ] = False,
    mlm_links: Annotated[
        bool,
        typer.Option(
            "--mlm-links", help="For stac: also a derived_from with ml-aoi:split for every use, as MLM has it."
        ),
    ] = False,
) -> None:
    """Write the graph to a file, or as a static STAC catalog into a folder.

    turtle, ntriples, rdfxml and jsonld hold the union of what documents assert; trig and nquads everything, each
    document's graph by itself. stac is read back to the same graph.
    """
    from mlaoi_graph.catalog import Catalog

    directory, _ = _split_directory(arguments, 0)
    if not output:
        raise typer.BadParameter("give --output FILE")
    chosen = format or _SUFFIXES.get(Path(output).suffix.lower())
    if chosen is None:
        raise typer.BadParameter(f"{output}: no format has that suffix; give --format")
    if (root_href is not None or mlm_links) and chosen is not Format.stac:
        raise typer.BadParameter("--root-href and --mlm-links go with --format stac")
    if relative_links and root_href is None:
        raise typer.BadParameter("--relative-links goes with --root-href; without it links are relative anyway")
    with Catalog.open(directory) as catalog:
        if chosen is Format.stac:
            try:
                catalog.export_stac(output, root_href=root_href, relative_links=relative_links, mlm_links=mlm_links)
            except ValueError as error:
                raise typer.BadParameter(str(error)) from None
            say(f"{output}: {sum(1 for _ in Path(output).rglob('*.json')):,} STAC documents")
            return
        catalog.export(chosen.value, output)
    say(f"{output}: {Path(output).stat().st_size:,} bytes of {chosen.value}")


@app.command(epilog="Example: mlaoi-graph demo --open")
def demo(
    to: Annotated[str, typer.Option("--to", metavar="DIR", help="Where to build it.")] = "mlaoi-demo",
    verified_only: Annotated[
        bool, typer.Option("--verified-only", help="Leave out edges marked unverified (new catalogs only).")
    ] = False,
    show: Annotated[
        bool, typer.Option("--open", help="Then serve it and open its page in a browser, until Ctrl-C.")
    ] = False,
) -> None:
    """Build the shipped catalog of model families, and show three things it knows, with their proof."""
    from mlaoi_graph.catalog import Catalog
    from mlaoi_graph.cli.demo import BASE, families_folder, print_findings
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
        print_findings(catalog)
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


@app.command(epilog="Example: mlaoi-graph check my-models.yaml")
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
    print(f"      mlaoi-graph build {_quoted(source)} --to DIR")


@app.command(epilog="Example: mlaoi-graph validate catalog.json --schemas schemas/")
def validate(
    what: Annotated[
        str,
        typer.Argument(metavar="SOURCE|DIR", envvar=CATALOG_VARIABLE, help="Documents, or a catalog directory."),
    ],
    schemas: Annotated[
        Optional[Path],  # noqa: UP045
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

    if _is_directory(what) or _is_address(what):
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
    say(f"{len(wrong)} wrong, {warned} warnings, {len(unchecked)} not checked")
    if wrong:
        raise typer.Exit(1)
    if unchecked:
        raise typer.Exit(2)


@app.command(epilog="Example: mlaoi-graph remove lineage https://example.com/models/clay.json")
def remove(
    arguments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[DIR] DOCUMENT", help="Catalog directory or server (or set MLAOI_CATALOG), and the document's IRI."
        ),
    ] = None,
) -> None:
    """Remove one document, and exactly what it said, from a catalog."""
    from mlaoi_graph.catalog import Catalog

    directory, rest = _split_directory(arguments, 1)
    if not rest:
        raise typer.BadParameter("give the document's IRI; they are listed by: mlaoi-graph show DIR NODE")
    with Catalog.open(directory) as catalog:
        catalog.remove(rest[0])
    say(f"removed {rest[0]}")


def _register() -> None:
    from mlaoi_graph.cli import annotate, areas, diff, leakage, lineage, serve

    lineage.register(app)
    areas.register(app)
    leakage.register(app)
    annotate.register(app)
    diff.register(app)
    serve.register(app)


_register()
