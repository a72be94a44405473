"""The commands that ask about places: areas, coverage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlaoi_graph.cli.arguments import (
    AsCsv,
    AsGeoJson,
    AsJson,
    Directory,
    GeoParquet,
    Map,
    split_directory,
)
from mlaoi_graph.cli.output import clean, print_json, print_rows, print_table, say, write_files
from mlaoi_graph.plural import many

if TYPE_CHECKING:
    from mlaoi_graph.catalog import Catalog
    from mlaoi_graph.queries.aoi import Aoi
    from mlaoi_graph.queries.areas import AreaHits

__all__ = ["register"]


class Use(StrEnum):
    """How data of an area were used."""

    pretrained = "pretrained"
    finetuned = "finetuned"
    instruction_tuned = "instruction-tuned"
    trained = "trained"
    validated = "validated"
    tested = "tested"
    evaluated = "evaluated"
    exposed = "exposed"
    declared = "declared"


class Stage(StrEnum):
    """What coverage is of: the uses but "declared", which is no use of data."""

    pretrained = "pretrained"
    finetuned = "finetuned"
    instruction_tuned = "instruction-tuned"
    trained = "trained"
    validated = "validated"
    tested = "tested"
    evaluated = "evaluated"
    exposed = "exposed"


Bbox = Annotated[
    str | None,
    typer.Option(metavar="W,S,E,N", help="The area as a box, in degrees; west beyond east is across 180."),
]
AoiOption = Annotated[
    str | None,
    typer.Option("--aoi", metavar="FILE|WKT", help="The area as WKT, GeoJSON, or a file geopandas can read."),
]
Country = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME", help="The area as a country, in English or by ISO 3166-1 alpha-3 code; may be given again."
    ),
]
Place = Annotated[
    str | None,
    typer.Option(metavar="NODE", help="The area as a dataset or area of the catalog, by name or IRI."),
]
During = Annotated[
    str | None,
    typer.Option(metavar="A/B", help="When the data were acquired, as 2018/2019; .. is open."),
]
Task = Annotated[str | None, typer.Option(metavar="WORD", help="Models of this task only, as published.")]
Family = Annotated[str | None, typer.Option(metavar="NAME", help="Models of this family only.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    codes = "Exit codes: 0 answered, also if nothing is found; 2 the question could not be asked."
    example = "mlaoi-graph areas catalog --stage tested --country BOL --map bolivia.html"
    app.command(epilog=f"Example: {example}. {codes}")(areas)
    example = "mlaoi-graph coverage catalog --stage trained --but-not tested --bbox 5,45,10,48"
    app.command(epilog=f"Example: {example}. {codes}")(coverage)
    app.command(epilog="Example: mlaoi-graph samples catalog eurosat chips.parquet")(samples)


def samples(
    arguments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[DIR] DATASET FILE", help="Catalog directory (or set MLAOI_CATALOG), a dataset, and GeoParquet."
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(help="What the file goes by, its own name unless given; one of the same name is replaced."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Add a GeoParquet file of a dataset's samples, which stay beside the graph; the graph holds each split's outline.

    The catalog keeps a copy. Removing the document that is printed removes the samples.
    """
    from mlaoi_graph.catalog import Catalog

    directory, rest = split_directory(arguments, 2)
    if len(rest) != 2:
        raise typer.BadParameter("give a dataset and a GeoParquet file")
    with Catalog.open(directory) as catalog:
        report = catalog.add_samples(rest[0], rest[1], name=name)
    if as_json:
        print_json(asdict(report))
    else:
        splits = ", ".join(f"{number} {split or 'of no split'}" for split, number in report.splits.items())
        print(f"{report.document}: {many(report.samples, 'sample')} ({clean(splits)})")
        if told := report.said():
            say(f"of its rows {told}")


@contextmanager
def _asking(
    arguments: list[str] | None, bbox: str | None, aoi: str | None, country: list[str] | None, place: str | None
) -> Iterator[tuple[Catalog, Aoi]]:
    """Yield the catalog and the area that were named."""
    from mlaoi_graph import countries
    from mlaoi_graph.catalog import Catalog

    directory, _ = split_directory(arguments, 0)
    given = [value for value in (bbox, aoi, "+".join(country or ()), place) if value]
    if len(given) != 1:
        raise typer.BadParameter("say where, in one way: --bbox, --aoi, --country or --place")
    if country:
        unknown = [one for one in country if not countries.code_of(one)]
        if unknown:
            raise typer.BadParameter("; ".join(map(_no_outline, unknown)), param_hint="--country")
    with Catalog.open(directory) as catalog:
        asked = catalog.places.area_of(_numbers(bbox) if bbox else given[0])
        for note in asked.notes:
            say(f"area: {clean(note)}")
        yield catalog, asked


def _no_outline(name: str) -> str:
    from mlaoi_graph import countries

    if near := countries.near(name):
        return f"{name}: no country. Did you mean {' or '.join(near)}?"
    return f"{name}: no outline. Name a country as Bolivia or BOL; small islands are left out: give --bbox"


def _numbers(bbox: str) -> list[float]:
    try:
        return [float(number) for number in bbox.split(",")]
    except ValueError:
        raise typer.BadParameter(f"{bbox} is not W,S,E,N, in degrees", param_hint="--bbox") from None


def _window(during: str | None) -> str | None:
    from mlaoi_graph.footprints import span

    if during is not None:
        try:
            span(during)
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--during") from None
    return during


def areas(
    arguments: Directory = None,
    stage: Annotated[Use, typer.Option(help="How the data were used there.")] = Use.tested,
    bbox: Bbox = None,
    aoi: AoiOption = None,
    country: Country = None,
    place: Place = None,
    during: During = None,
    task: Task = None,
    family: Family = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    as_geojson: AsGeoJson = False,
    geoparquet: GeoParquet = None,
    map_to: Map = None,
) -> None:
    """List the models that were trained, tested... on data of an area, with the data and how much they share with it.

    What is not known where is counted apart, and listed by --json. "exposed" counts what ancestors and sources learned
    from; "declared" is only where a publisher says a model may be used.
    """
    window = _window(during)
    if window is not None and stage is Use.declared:
        raise typer.BadParameter("a declared area has no time of acquisition: leave --during out")
    with _asking(arguments, bbox, aoi, country, place) as (catalog, asked):
        key = f"{stage.value.replace('-', '_')}_in"
        where: dict[str, Any] = {key: asked}
        hits = catalog.models(during=window, task=task, family=family, **where)
        write_files(hits, map_to, geoparquet)
        if as_geojson:
            print_json(hits.to_geojson())
        elif as_json:
            print_json(_whole(hits))
        elif as_csv:
            print_rows(hits.columns, ([*row.values()] for row in hits.to_dicts()), as_json=False, as_csv=True)
        else:
            _print_hits(hits)


def _whole(hits: AreaHits) -> dict[str, Any]:
    return {
        "title": hits.title,
        "aoi": {"label": hits.aoi.label, "km2": hits.aoi.km2, "bbox": list(hits.aoi.geometry.bounds)},
        "rows": hits.to_dicts(),
        "family_level": hits.family_level.to_dicts(),
        "unknown": hits.unknown.to_dicts(),
        "notes": list(hits.notes),
    }


def _print_hits(hits: AreaHits) -> None:
    if hits:
        _print_table(hits)
    else:
        print(f"no model is known to be {clean(hits.title)}")
    if hits.family_level:
        print("\nsaid of families only, not of a size:")
        _print_table(hits.family_level)
    reasons = Counter(("use" if row.dataset else "model", row.reason) for row in hits.unknown)
    if reasons:
        models = len({row.model for row in hits.unknown})
        print(f"\nnot known where, of {many(models, 'model')} (all of them with --json):")
        for (what, reason), number in reasons.most_common():
            print(f"  {many(number, what)}: {clean(reason)}")
    for note in hits.notes[len(hits.aoi.notes) :]:
        print(clean(note))


def _print_table(hits: Any) -> None:
    with_time = any(row.in_time for row in hits)
    columns = [name for name in ("label", "stage", "dataset_label", "how", "precision") if name in hits.columns]
    print_table(
        [*columns, "areas", "overlap_km2", "share_of_aoi", *(["in_time"] if with_time else [])],
        (
            [
                *(_cell(row, name) for name in columns),
                row.areas,
                f"{row.overlap_km2:.1f}",
                "" if row.share_of_aoi is None else f"{row.share_of_aoi:.2%}",
                *([row.in_time] if with_time else []),
            ]
            for row in hits
        ),
    )


def _cell(row: Any, name: str) -> str:
    text = str(getattr(row, name))
    return f"{text}, samples elsewhere" if name == "precision" and getattr(row, "samples_elsewhere", False) else text


def coverage(
    arguments: Directory = None,
    stage: Annotated[Stage, typer.Option(help="How the data were used.")] = Stage.tested,
    but_not: Annotated[
        Stage | None,
        typer.Option(help="Only what is covered in the one stage and not in this one."),
    ] = None,
    bbox: Bbox = None,
    aoi: AoiOption = None,
    country: Country = None,
    place: Place = None,
    during: During = None,
    task: Task = None,
    family: Family = None,
    as_json: AsJson = False,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="Print the table of countries, or of a gap the models.")
    ] = False,
    as_geojson: AsGeoJson = False,
    geoparquet: GeoParquet = None,
    map_to: Map = None,
) -> None:
    """Show what of an area is covered by data of a stage, by which models, and what by nobody; or a gap between stages.

    Data of which only a box or a country is known cover all of that, so this is an upper bound: the table by
    precision says how good it is. Data that are not known where cover nothing. "exposed" counts what ancestors and
    sources learned from.
    """
    from mlaoi_graph.queries import coverage as queries

    window = _window(during)
    words = [use.value.replace("-", "_") for use in (stage, but_not) if use is not None]
    with _asking(arguments, bbox, aoi, country, place) as (catalog, asked):
        only = {"during": window, "task": task, "family": family}
        found: Any
        if but_not is None:
            found = queries.coverage(catalog.places, words[0], asked, **only)
        else:
            found = queries.gap(catalog.places, asked, has=words[0], lacks=words[1], **only)
        write_files(found, map_to, geoparquet)
        if as_geojson:
            print_json(found.to_geojson())
        elif as_json:
            print_json(found.to_dict())
        elif as_csv and but_not is not None:
            labels = {row.model: row.label for row in found.has.models()}
            which = [(model, "no") for model in found.models] + [(model, "unknown") for model in found.undecided]
            columns = ("model", "label", f"{but_not.value}_here")
            print_rows(columns, [(model, labels[model], said) for model, said in which], as_json=False, as_csv=True)
        elif as_csv:
            rows = found.countries()
            print_rows(rows.columns, ([*row.values()] for row in rows.to_dicts()), as_json=False, as_csv=True)
        elif but_not is not None:
            _print_gap(found, stage.value, but_not.value)
        else:
            _print_coverage(found)


def _print_coverage(found: Any) -> None:
    share = found.covered_km2 / found.aoi.km2
    print(f"{clean(found.title)}: {found.covered_km2:.1f} of {found.aoi.km2:.1f} km2 ({share:.2%})")
    print("\nby footprints no coarser than:")
    print_table(("precision", "covered_km2"), [(word, f"{km2:.1f}") for word, km2 in found.by_precision().items()])
    models, countries = found.models(), found.countries()
    if models:
        print()
        print_table(
            ("model", "covered_km2", "share_of_aoi", "precision", "datasets"),
            [(r.label, f"{r.covered_km2:.1f}", f"{r.share_of_aoi:.2%}", r.precision, len(r.datasets)) for r in models],
        )
    print()
    print_table(
        ("country", "km2", "covered_km2", "share", "models"),
        [(r.country, f"{r.km2:.1f}", f"{r.covered_km2:.1f}", f"{r.share:.2%}", r.models) for r in countries],
    )
    _print_rest(found)


def _print_gap(found: Any, has: str, lacks: str) -> None:
    print(f"{clean(found.title)}: {found.km2:.1f} km2 of {found.has.covered_km2:.1f} km2")
    print(f"The km2 are ground where one model or another was {has} and none was {lacks}.")
    labels = {row.model: row.label for row in found.has.models()}
    learned, lacking = ("exposed to" if word == Stage.exposed else f"{word} on" for word in (has, lacks))
    for models, which in (
        (found.models, f"{lacking} none here, whatever others were"),
        (found.undecided, f"{lacking} data of which it is not known where they are"),
    ):
        if models:
            print(f"\nEach of these models was {learned} data here and {which}:")
            for model in models:
                print(f"  {clean(labels[model])}")
    _print_rest(found.lacks)


def _print_rest(found: Any) -> None:
    if found.unknown:
        uses = many(len(found.unknown), "use is", "uses are")
        print(f"\n{uses} not known where, and may fill it: see --json")
    for note in found.notes[len(found.aoi.notes) :]:
        print(clean(note))
