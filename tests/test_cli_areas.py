"""The commands about places say what the Python answers say."""

import csv
import io
import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

import mlaoi_graph
from mlaoi_graph.catalog import Catalog
from mlaoi_graph.cli.areas import register
from mlaoi_graph.errors import GeometryError, NodeNotFound, SourceNotFound
from mlaoi_graph.queries.coverage import coverage, gap

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
register(app)


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    where = tmp_path_factory.mktemp("families") / "catalog"
    with Catalog.create(where, base="https://w3id.org/mlaoi/families/") as catalog:
        catalog.ingest(Path(mlaoi_graph.__file__).parent / "families")
    return str(where)


@pytest.fixture(scope="module")
def catalog(directory):
    with Catalog.open(directory) as opened:
        yield opened


@pytest.fixture
def run(directory):
    def call(*arguments, code=0):
        command, *rest = arguments
        result = CliRunner().invoke(app, [command, directory, *rest], catch_exceptions=False)
        assert result.exit_code == code, result.output
        return result

    return call


def test_a_table_for_people(run):
    lines = run("areas", "--country", "BOL").stdout.splitlines()
    assert lines[0].split() == [
        "label",
        "stage",
        "dataset_label",
        "how",
        "precision",
        "areas",
        "overlap_km2",
        "share_of_aoi",
    ]
    assert "Sen1Floods11" in lines[2]
    assert lines[2].split()[-2:] == ["62567.8", "5.75%"]
    assert any(line.startswith("not known where, of ") for line in lines)
    assert any(line.endswith("unbounded: an archive, or data from anywhere") for line in lines)


def test_nothing_found_is_an_answer(run):
    assert run("areas", "--bbox=-40,-60,-39,-59").stdout.startswith(
        "no model is known to be tested in -40,-60,-39,-59\n"
    )


def test_a_task_nobody_has_is_said_with_those_there_are(run, catalog):
    result = run("areas", "--country", "BOL", "--task", "segmentatoin", "--family", "galileo").stdout
    assert result.startswith("no model is known to be tested in BOL, family galileo, task segmentatoin\n")
    (note,) = [line for line in result.splitlines() if "has the task" in line]
    known = {task for model in catalog.models() for task in model.tasks}
    *listed, more = note.partition("; there are: ")[2].split("; ")
    assert set(listed) < known
    assert more == f"and {len(known) - len(listed)} more"
    assert listed[0] == "segment anything"
    assert "has the task" not in run("areas", "--country", "BOL", "--task", listed[0]).stdout
    # A part of a task's name is no task, and finds the whole name.
    assert (
        "there are: 7-class land-cover segmentation; "
        in run("areas", "--country", "BOL", "--task", "Segmentation").stdout
    )
    for stage in ("exposed", "declared"):
        assert "; there are: " in run("areas", "--country", "BOL", "--stage", stage, "--task", "zzz").stdout


def test_a_geoparquet_file_has_the_rows(run, catalog, tmp_path):
    geopandas = pytest.importorskip("geopandas", reason="GeoParquet needs geopandas")
    file = str(tmp_path / "x.parquet")
    assert "Sen1Floods11" in run("areas", "--country", "BOL", "--geoparquet", file).stdout
    rows = [(row.label, row.dataset_label) for row in catalog.models(tested_in="BOL")]
    frame = geopandas.read_parquet(file)
    assert list(zip(frame.label, frame.dataset_label, strict=True)) == rows
    where = ("--stage", "trained", "--bbox", "-77,38,-75,40")
    for more, wanted in (((), ["covered", "uncovered"]), (("--but-not", "tested"), ["gap"])):
        run("coverage", *where, *more, "--geoparquet", file)
        assert geopandas.read_parquet(file).what.tolist() == wanted


def test_a_code_without_an_outline_gets_the_next_step(run):
    assert "Did you mean Bolivia?" in " ".join(run("areas", "--country", "Bolivien", code=2).output.split())
    assert "give --bbox" in " ".join(run("areas", "--country", "TUV", code=2).output.split())


def test_json_csv_and_geojson_are_the_rows(run, catalog):
    hits = catalog.models(tested_in="BOL")
    printed = json.loads(run("areas", "--country", "BOL", "--json").stdout)
    assert printed["rows"] == json.loads(json.dumps(hits.to_dicts()))
    assert printed["unknown"] == hits.unknown.to_dicts()
    assert printed["aoi"]["km2"] == hits.aoi.km2
    rows = list(csv.DictReader(io.StringIO(run("areas", "--country", "BOL", "--csv").stdout)))
    assert [row["use"] for row in rows] == [row.use for row in hits]
    features = json.loads(run("areas", "--country", "BOL", "--geojson").stdout)["features"]
    assert [f["properties"]["use"] for f in features] == [row.use for row in hits]


@pytest.mark.parametrize(
    ("option", "value", "same"),
    [
        ("--bbox", "-70,-20,-60,-10", "-70,-20,-60,-10"),
        ("--aoi", "POLYGON ((-70 -20, -60 -20, -60 -10, -70 -10, -70 -20))", "-70,-20,-60,-10"),
        ("--place", "sen1floods11", "sen1floods11"),
        ("--country", "BOL", "BOL"),
        ("--country", "bolivia", "BOL"),
    ],
)
def test_each_way_to_say_where(run, catalog, option, value, same):
    printed = json.loads(run("areas", option, value, "--json").stdout)["rows"]
    assert [row["use"] for row in printed] == [row.use for row in catalog.models(tested_in=same)] != []


def test_two_countries_are_one_area(run, catalog):
    printed = json.loads(run("areas", "--country", "BOL", "--country", "PER", "--json").stdout)
    assert printed["aoi"]["km2"] == pytest.approx(sum(catalog.places.area_of(code).km2 for code in ("BOL", "PER")))


@pytest.mark.parametrize("stage", ["pretrained", "instruction-tuned", "exposed", "declared", "evaluated"])
def test_each_stage(run, catalog, stage):
    printed = json.loads(run("areas", "--stage", stage, "--country", "DEU", "--json").stdout)["rows"]
    hits = catalog.models(**{f"{stage.replace('-', '_')}_in": "DEU"})
    assert [row["model"] for row in printed] == [row.model for row in hits]


@pytest.mark.parametrize(
    ("during", "found"), [("2018", True), ("2018/..", True), ("../2018-02-15", True), ("2019/2020", False)]
)
def test_time(run, during, found):
    printed = json.loads(run("areas", "--country", "BOL", "--during", during, "--json").stdout)["rows"]
    assert ("Sen1Floods11" in {row["dataset_label"] for row in printed}) is found
    assert "in_time" in run("areas", "--country", "BOL", "--during", during).stdout.splitlines()[0]


def test_coverage(run, catalog):
    found = coverage(catalog.places, "trained", "5,45,10,48")
    printed = json.loads(run("coverage", "--stage", "trained", "--bbox", "5,45,10,48", "--json").stdout)
    assert printed["covered_km2"] == found.covered_km2
    assert printed["models"] == json.loads(json.dumps(found.models().to_dicts()))
    assert "CHE" in run("coverage", "--stage", "trained", "--bbox", "5,45,10,48").stdout
    rows = list(
        csv.DictReader(io.StringIO(run("coverage", "--stage", "trained", "--bbox", "5,45,10,48", "--csv").stdout))
    )
    assert [row["country"] for row in rows] == [row.country for row in found.countries()]


def test_a_gap(run, catalog):
    found = gap(catalog.places, "-77,38,-75,40")
    result = run("coverage", "--stage", "trained", "--but-not", "tested", "--bbox", "-77,38,-75,40")
    assert result.stdout.splitlines()[0].startswith("trained and never tested in -77,38,-75,40: ")
    lines = result.stdout.splitlines()
    assert lines[1] == "The km2 are ground where one model or another was trained and none was tested."
    labels = sorted(model.label for model in catalog.models() if model.iri in found.models)
    assert labels
    after = lines.index("Each of these models was trained on data here and tested on none here, whatever others were:")
    assert sorted(line.strip() for line in lines[after + 1 : after + 1 + len(labels)]) == labels
    (feature,) = json.loads(
        run("coverage", "--stage", "trained", "--but-not", "tested", "--bbox", "-77,38,-75,40", "--geojson").stdout
    )["features"]
    assert feature["properties"]["km2"] == found.km2
    table = run("coverage", "--stage", "trained", "--but-not", "tested", "--bbox", "-77,38,-75,40", "--csv").stdout
    rows = list(csv.DictReader(io.StringIO(table)))
    assert {row["model"] for row in rows if row["tested_here"] == "no"} == {*found.models}
    assert {row["model"] for row in rows if row["tested_here"] == "unknown"} == {*found.undecided}
    assert {row["label"] for row in rows} >= {*labels}
    assert len(rows) == len(found.models) + len(found.undecided)


@pytest.mark.parametrize("command", ["areas", "coverage"])
def test_a_map(run, tmp_path, command):
    result = run(command, "--country", "BOL", "--map", str(tmp_path / "x.svg"))
    assert ET.parse(tmp_path / "x.svg").getroot().tag.endswith("svg")
    assert result.stderr == f"drawn to {tmp_path / 'x.svg'}\n"


def test_what_was_guessed_about_the_area_is_said(run):
    assert run("areas", "--aoi", "POLYGON ((46 170, 47 170, 47 171, 46 170))").stderr.startswith("area: swapped-axes: ")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--country", "BOL", "--bbox", "0,0,1,1"],
        ["--country", "bolivien"],
        ["--bbox", "here"],
        ["--country", "BOL", "--during", "yesterday"],
        ["--country", "BOL", "--during", "2020/2019"],
        ["--country", "BOL", "--during", ""],
        ["--country", "BOL", "--during", "/"],
        ["--country", "BOL", "--stage", "declared", "--during", "2020"],
        ["--country", "BOL", "--stage", "test"],
    ],
)
def test_what_cannot_be_asked_ends_with_2(run, arguments):
    run("areas", *arguments, code=2)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--bbox", "1,2,3"], GeometryError),
        (["--bbox", "0,0,nan,1"], GeometryError),
        (["--aoi", "POLYGON EMPTY"], GeometryError),
        (["--aoi", "nowhere.geojson"], SourceNotFound),
        (["--place", "nobody knows"], NodeNotFound),
    ],
)
def test_errors_are_ours(directory, arguments, error):
    with pytest.raises(error):
        CliRunner().invoke(app, ["areas", directory, *arguments], catch_exceptions=False)


def test_coverage_is_of_a_stage_or_of_exposure(run):
    refused = run("coverage", "--stage", "declared", "--country", "BOL", code=2).stderr
    assert "'pretrained', 'finetuned', 'instruction-tuned', 'trained'" in " ".join(refused.split())
    shown = run("coverage", "--help").stdout
    assert "evaluated" in shown
    assert "exposed" in shown
    assert "declared" not in shown
    learned = run("coverage", "--stage", "exposed", "--but-not", "tested", "--bbox", "5,45,10,48").stdout
    assert "Each of these models was exposed to data here and tested on none here" in learned
