"""The commands that give what is in a catalog: show, query, export."""

from __future__ import annotations

import sys
import warnings
from collections import Counter
from enum import StrEnum
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Final

import typer

from mlaoi_graph.cli.arguments import (
    AsCsv,
    AsJson,
    Directory,
    arguments_of,
    quoted,
    split_directory,
)
from mlaoi_graph.cli.output import clean, print_json, print_rows, print_table, say, saying
from mlaoi_graph.plural import many

if TYPE_CHECKING:
    from mlaoi_graph.catalog import Catalog

__all__ = ["register"]

_SHOWN: Final = 50
"""Rows of a listing for people; programs get all."""
_PLURALS: Final = {"family": "families", "unknown": "unknown"}


class Format(StrEnum):
    """Formats of ``export``."""

    turtle = "turtle"
    ntriples = "ntriples"
    rdfxml = "rdfxml"
    jsonld = "jsonld"
    trig = "trig"
    nquads = "nquads"
    stac = "stac"


_SUFFIXES: Final = {
    ".ttl": Format.turtle,
    ".nt": Format.ntriples,
    ".rdf": Format.rdfxml,
    ".xml": Format.rdfxml,
    ".jsonld": Format.jsonld,
    ".trig": Format.trig,
    ".nq": Format.nquads,
}


_LOST_SHOWN = 10


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command(epilog="Example: mlaoi-graph show lineage example-unet")(show)
    app.command(
        epilog='Example: mlaoi-graph query lineage "SELECT ?model ?data WHERE { ?model mlaoi:testedOn ?data }"'
    )(query)
    app.command(epilog="Example: mlaoi-graph export lineage --format turtle --output lineage.ttl")(export)


def show(
    arguments: Annotated[list[str] | None, arguments_of("[NODE]", "what to show")] = None,
    unresolved: Annotated[
        bool, typer.Option("--unresolved", help="List what is referred to and described nowhere.")
    ] = False,
    documents: Annotated[
        bool, typer.Option("--documents", help="List the documents, each with what it describes.")
    ] = False,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Show what is in a catalog, or one node with every edge at it and who says so."""
    from mlaoi_graph.catalog import Catalog
    from mlaoi_graph.iri import is_beside

    directory, rest = split_directory(arguments, 1)
    with Catalog.open(directory) as catalog:
        if rest:
            _show_node(catalog, rest[0], as_json=as_json, as_csv=as_csv)
        elif unresolved:
            rows = sorted(
                (n.unresolved_name or n.label or "", n.iri, type(n).__name__.lower()) for n in catalog.unresolved()
            )
            print_rows(("name", "iri", "kind"), rows, as_json=as_json, as_csv=as_csv)
        elif documents:
            read = [(d.iri, d.describes) for d in catalog.documents() if not is_beside(d.iri)]
            print_rows(("document", "describes"), sorted(read), as_json=as_json, as_csv=as_csv)
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
        told = ", ".join(many(number, kind, _PLURALS.get(kind)) for kind, number in counts.items())
        print(f"{_SHOWN} of {len(rows)} shown ({told}); see --csv")
    models = [row for row in rows if row[0] == "model"]
    if models:
        print(f"\nNext: mlaoi-graph show {directory} {quoted(max(models, key=lambda row: row[2])[1])}")
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
        print(f"\n{many(len(found.areas), 'area')}: {precisions}")
    print(
        f"\nSaid in {many(len(found.documents), 'document')}: {', '.join(map(clean, found.documents[:3]))}"
        + (" ..." if len(found.documents) > 3 else "")
    )


def query(
    arguments: Annotated[list[str] | None, arguments_of("SPARQL|FILE.rq", "the query or a file with it")] = None,
    question: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="A shipped question instead, by name or number: 03-exposure, 3."),
    ] = None,
    param: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="A parameter: a model or dataset by name, or as the query declares."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="SPARQL results JSON; triples as JSON-LD.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="SPARQL results CSV.")] = False,
    as_geojson: Annotated[bool, typer.Option("--geojson", help="GeoJSON, by the first column of geometries.")] = False,
    geoparquet: Annotated[
        str | None,
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

    directory, rest = split_directory(arguments, 1)
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
        if as_csv and isinstance(answer, Graph):
            raise typer.BadParameter("--csv goes with a SELECT; triples are Turtle, or JSON-LD by --json")
        if isinstance(answer, bool):
            print_json({"head": {}, "boolean": answer}) if as_json else print("true" if answer else "false")
        elif isinstance(answer, Graph):
            sys.stdout.flush()
            answer.write(sys.stdout.buffer, "jsonld" if as_json else "turtle")
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
            say(many(len(rows), "row"))


def export(
    arguments: Directory = None,
    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="File to write (a folder for stac), which appears when complete; - is standard output.",
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

    directory, _ = split_directory(arguments, 0)
    if not output:
        raise typer.BadParameter("give --output FILE")
    chosen = format or _SUFFIXES.get(Path(output).suffix.lower())
    if chosen is None:
        raise typer.BadParameter(f"{output}: no format has that suffix; give --format")
    if output == "-" and chosen is Format.stac:
        raise typer.BadParameter("a STAC catalog is many files; give --output FOLDER")
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
            say(f"{output}: {many(sum(1 for _ in Path(output).rglob('*.json')), 'STAC document')}")
            return
        if output == "-":
            with TemporaryDirectory() as folder:
                lost = catalog.export(chosen.value, Path(folder, "graph"))
                with Path(folder, "graph").open("rb") as file:
                    copyfileobj(file, sys.stdout.buffer)
        else:
            lost = catalog.export(chosen.value, output)
    for finding in lost[:_LOST_SHOWN]:
        say(clean(finding.message))
    if len(lost) > _LOST_SHOWN:
        say(f"and {many(len(lost) - _LOST_SHOWN, 'more such text')}")
    if output != "-":
        say(f"{output}: {Path(output).stat().st_size:,} bytes of {chosen.value}")
