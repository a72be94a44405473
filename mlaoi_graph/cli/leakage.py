"""The commands that look for tests that are no tests: leakage, audit."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from mlaoi_graph.cli.arguments import AsCsv, Directory, GeoParquet, Map, arguments_of, split_directory
from mlaoi_graph.cli.output import clean, print_json, print_rows, print_table, say, write_files
from mlaoi_graph.kinds import LeakageKind
from mlaoi_graph.plural import many

if TYPE_CHECKING:
    from mlaoi_graph.queries.leakage import LeakageReport

__all__ = ["register"]

_SHOWN: Final = 40
_CODES: Final = "Exit codes: 0 clean, 1 found, 2 could not tell."


class Form(StrEnum):
    """What an audit prints."""

    text = "text"
    json = "json"
    sarif = "sarif"


Buffer = Annotated[
    float, typer.Option("--buffer-km", min=0, help="Count what is nearer than this as the same place (data are alike).")
]
Window = Annotated[float, typer.Option("--window-days", min=0, help="Count this many days apart as the same time.")]
Sensors = Annotated[
    list[str] | None,
    typer.Option("--sensor", help="Leave out what is known to be learned from other sensors; may be given again."),
]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command(epilog=f'Example: mlaoi-graph leakage catalog "Clay v1.5 BioMassters" --explain. {_CODES}')(leakage)
    app.command(
        epilog=f"Example: mlaoi-graph audit catalog --fail-on place-and-time --form sarif > leakage.sarif. {_CODES}"
    )(audit)


def leakage(
    arguments: Annotated[
        list[str] | None, arguments_of("[NODE]", "a model, family or dataset; everything without")
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(
            metavar="NODE", help="What another model learned from, or a dataset, in place of the model's own."
        ),
    ] = None,
    buffer_km: Buffer = 0,
    window_days: Window = 0,
    sensor: Sensors = None,
    explain: Annotated[bool, typer.Option("--explain", help="Print the chains behind each row.")] = False,
    pairs: Annotated[int, typer.Option(min=0, help="Print as many pairs of areas of each row.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, with what was not checked.")] = False,
    as_csv: AsCsv = False,
    as_geojson: Annotated[
        bool, typer.Option("--geojson", help="Print the ground both sides cover as GeoJSON.")
    ] = False,
    geoparquet: GeoParquet = None,
    map_to: Map = None,
) -> None:
    """Say whether what models were measured on overlaps what they, or their ancestors, learned from.

    Of a dataset, whether its splits overlap each other. What could not be checked is said beside what was found.
    """
    from mlaoi_graph.catalog import Catalog

    directory, names = split_directory(arguments, 1)
    with Catalog.open(directory) as catalog:
        report = catalog.leakage(
            *names, against=against, buffer_km=buffer_km, window_days=window_days, sensors=sensor or ()
        )
        if as_json:
            print_json(_as_json(report, explain=explain, pairs=pairs))
        elif as_geojson:
            print_json(report.to_geojson())
        elif as_csv:
            print_rows(report.columns, [list(row.values()) for row in report.to_dicts()], as_json=False, as_csv=True)
        else:
            _print(report, explain=explain, pairs=pairs)
        write_files(report, map_to, geoparquet)
    raise typer.Exit(_code(len(report), 0, report))


def _as_json(report: LeakageReport, *, explain: bool, pairs: int) -> dict[str, Any]:
    found = report.to_dict()
    for row, shown in zip(report, found["rows"], strict=True):
        if explain:
            shown["explanation"] = row.explain().to_dict()
            shown["test_explanation"] = row.explain_test().to_dict()
        if pairs:
            shown["pairs"] = [pair._asdict() for pair in row.pairs(pairs)]
    return found


def _code(found: int, undecided: int, report: LeakageReport) -> int:
    """Return the exit code: clean is only where every test was checked for what was asked."""
    if found:
        return 1
    return 2 if undecided or len(report.unchecked) or not len(report.tests) else 0


def _print(report: LeakageReport, *, explain: bool, pairs: int) -> None:
    rows = report[:_SHOWN]
    if rows:
        columns = ("kind", "verdict", "model", "stage", "test", "learned", "by", "overlap_km2", "share_of_test", "why")
        print_table(columns, [_cells(row) for row in rows])
    if len(report) > len(rows):
        print(f"{len(rows)} of {len(report)} rows shown; all of them with --json or --csv")
    for number, row in enumerate(rows, 1):
        if explain:
            print(f"\n{number}. {row.kind}: {clean(row.model_label or row.test_label)}")
            for chain in row.chains():
                for step in chain.steps:
                    print(f"  {clean(step)}")
        for pair in row.pairs(pairs) if pairs else ():
            areas = f"{clean(pair.test_area)}  {clean(pair.train_area)}"
            print(f"  {areas}  {pair.overlap_km2:.6g} km2  same time: {pair.in_time}")
    print()
    totals = report.totals()
    verdicts = ", ".join(f"{word} {number}" for word, number in totals.items() if number) or "none recorded"
    print(f"Does a test overlap what was learned? {verdicts[0].upper() + verdicts[1:]}.")
    for note in report.notes:
        print(f"{clean(note[0].upper() + note[1:])}.")
    if report.unchecked:
        if len(report.unchecked) <= _SHOWN:
            shown = [(row.what, row.test_label or "", row.train_label or "", row.reason) for row in report.unchecked]
            print_table(("what", "test", "learned", "why"), shown)
        else:
            print("Each with its reason: --json")


def _cells(row: Any) -> tuple[object, ...]:
    by = "" if row.learner in (None, row.model) else row.learner_label
    return (
        row.kind,
        row.verdict.value,
        row.model_label,
        row.stage,
        row.test_label,
        row.train_label,
        by,
        "" if row.overlap_km2 is None else f"{row.overlap_km2:.1f}",
        "" if row.share_of_test is None else f"{row.share_of_test:.2%}",
        row.reason,
    )


def audit(
    arguments: Directory = None,
    fail_on: Annotated[
        LeakageKind, typer.Option(help="Exit with 1 if anything of this kind, or a stronger one, is found.")
    ] = LeakageKind.PLACE_AND_TIME,
    certain: Annotated[
        bool, typer.Option("--certain", help="Count what certainly overlaps only, not what may.")
    ] = False,
    buffer_km: Buffer = 0,
    window_days: Window = 0,
    sensor: Sensors = None,
    form: Annotated[Form, typer.Option("--form", help="What to print; sarif is for code scanning.")] = Form.text,
) -> None:
    """Check every evaluation in a catalog, for continuous integration.

    --fail-on lists the kinds, the strongest first.
    """
    from mlaoi_graph.catalog import Catalog

    directory, _ = split_directory(arguments, 0)
    with Catalog.open(directory) as catalog:
        report = catalog.leakage(buffer_km=buffer_km, window_days=window_days, sensors=sensor or ())
        rows = report.at_least(fail_on, certain=certain)
        undecided = report.undecided(fail_on, certain=certain)
        if form is Form.json:
            counts = {"failed": len(rows), "undecided": undecided}
            print_json({"fail_on": fail_on.value, **counts, **_as_json(report, explain=True, pairs=0)})
        elif form is Form.sarif:
            from mlaoi_graph.cli.sarif import sarif

            print_json(sarif(catalog, report, rows))
        else:
            _print(report, explain=False, pairs=0)
    if rows:
        say(f"found: {len(rows)} of kind {fail_on.value} or stronger")
    elif undecided:
        rows_leave = many(undecided, "row leaves", "rows leave")
        say(f"{rows_leave} open whether anything of kind {fail_on.value} or stronger is there")
    raise typer.Exit(_code(len(rows), undecided, report))
