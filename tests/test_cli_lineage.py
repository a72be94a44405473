"""The lineage commands say what the Python answers say."""

import csv
import io
import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

import mlaoi_graph
from mlaoi_graph.catalog import Catalog
from mlaoi_graph.cli.lineage import register
from mlaoi_graph.errors import CatalogError, NodeNotFound
from mlaoi_graph.queries import LineageGraph

FAMILIES = Path(mlaoi_graph.__file__).parent / "families"
app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
register(app)


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    where = tmp_path_factory.mktemp("families") / "catalog"
    with Catalog.create(where, base="https://w3id.org/mlaoi/families/") as catalog:
        catalog.ingest(FAMILIES)
    return str(where)


@pytest.fixture(scope="module")
def graph(directory):
    with Catalog.open(directory) as catalog:
        yield LineageGraph.from_store(catalog.store, find=catalog.find)


@pytest.fixture
def run(directory):
    def call(command, *arguments, code=0):
        result = CliRunner().invoke(app, [command, directory, *arguments], catch_exceptions=False)
        assert result.exit_code == code, result.output
        return result.stdout

    return call


def test_a_tree_of_what_it_came_from(run):
    lines = run("lineage", "clay 1.5", "--depth", "2").splitlines()
    assert lines[0] == "Clay v1.5"
    # Children of one thing in the order of their labels, the last with a corner; its own below it.
    at = lines.index("├─ distilledFrom DINOv2 ViT-L/14 with registers  (model)".replace("├", "└"))
    assert lines[at + 1] == "   ├─ distilledFrom DINOv2 ViT-g/14 with registers  (model)"
    assert "├─ pretrainedOn Clay v1 LINZ chips  (dataset)" in lines[:at]


def test_a_tree_the_other_way(run):
    text = run("lineage", "sa-1b", "--down", "--depth", "1")
    assert "SAM ViT-H  (model, trainedOn it)" in text
    assert "SamGeo" not in text


def test_a_tree_that_is_cut_says_so(run, monkeypatch):
    monkeypatch.setattr("mlaoi_graph.cli.lineage._LINES", 3)
    lines = run("lineage", "geochat-7b").splitlines()
    assert lines[4].startswith("3 of ")
    monkeypatch.setattr("mlaoi_graph.cli.lineage._LEVELS", 1)
    monkeypatch.setattr("mlaoi_graph.cli.lineage._LINES", 500)
    assert " shown; all of them with --csv or --json" in run("lineage", "geochat-7b")


@pytest.mark.parametrize(
    ("command", "ask"),
    [
        ("lineage", lambda graph: graph.upstream("geochat-7b")),
        ("exposure", lambda graph: graph.exposure("geochat-7b")),
        ("impact", lambda graph: graph.impact("geochat-7b")),
        ("licences", lambda graph: graph.licences("geochat-7b")),
        ("unknowns", lambda graph: graph.unknowns("geochat-7b")),
    ],
)
def test_json_and_csv_are_the_rows(run, graph, command, ask):
    rows = ask(graph)
    found = json.loads(run(command, "geochat-7b", "--json"))
    assert found == {
        "title": rows.title, "rows": rows.to_dicts(), "family_level": rows.family_level.to_dicts(), "notes": list(rows.notes)
    }  # fmt: skip
    table = list(csv.DictReader(io.StringIO(run(command, "geochat-7b", "--csv"))))
    assert [tuple(row) for row in table[:1]] == [rows.columns][: len(table)]
    assert len(table) == len(rows)
    people = run(command, "geochat-7b")
    assert all(row.label in people for row in rows)


def test_filters_reach_the_question(run):
    found = json.loads(run("exposure", "geochat-7b", "--stage", "pretraining", "--stage", "finetuning", "--json"))
    assert {row["stage"] for row in found["rows"]} == {"pretraining"}
    found = json.loads(run("exposure", "geochat-7b", "--verified-only", "--depth", "3", "--json"))
    assert {row["confidence"] for row in found["rows"]} == {"verified"}
    assert max(row["depth"] for row in found["rows"]) == 3
    found = json.loads(run("lineage", "geochat-7b", "--kind", "finetuned", "--json"))
    assert {row["edge"] for row in found["rows"] if row["kind"] == "model"} == {"finetunedFrom"}
    assert json.loads(run("lineage", "geochat-7b", "--before", "2020-01-01", "--json"))["rows"] == []
    run("lineage", "geochat-7b", "--before", "yesterday", code=2)


@pytest.mark.parametrize("when", ["2027", "2027-06", "2027-06-30", "2027-06-30T12:00:00+02:00", "2027-06-30 12:00"])
def test_a_date_is_what_python_takes_for_one(run, graph, when):
    rows = graph.exposure("geochat-7b", before=when)
    assert rows
    assert json.loads(run("exposure", "geochat-7b", "--before", when, "--json"))["rows"] == rows.to_dicts()


@pytest.mark.parametrize(
    "when",
    ["20270630", "2027-W26-3", "2027-13-45", "27", "", "2027-06-30T25:00:00Z", pytest.param("x" * 100_000, id="long")],
)
def test_what_is_no_date_is_refused_with_what_to_give(directory, graph, when):
    advice = "Give a year, month, day or instant, as 2024, 2024-06, 2024-06-30 or 2024-06-30T12:00:00Z"
    with pytest.raises(ValueError, match=advice):
        graph.exposure("geochat-7b", before=when)
    result = CliRunner().invoke(app, ["exposure", directory, "geochat-7b", "--before", when])
    assert result.exit_code == 2
    assert isinstance(result.exception, SystemExit)
    assert "Give a year, month, day or instant" in " ".join(result.output.split())


def test_a_name_longer_than_a_path_can_be_is_a_name(directory):
    with pytest.raises(NodeNotFound):
        CliRunner().invoke(app, ["lineage", "x" * 100_000], env={"MLAOI_CATALOG": directory}, catch_exceptions=False)
    with pytest.raises(CatalogError):
        CliRunner().invoke(app, ["lineage", "x" * 100_000, "clay"], catch_exceptions=False)


def test_that_nothing_passes_the_filters_is_said(run):
    text = run("lineage", "clay 1.5", "--before", "1999-01-01")
    assert "nothing passes the filters" in text
    assert "edges met left out by the filters" in text
    assert "nothing known" not in text
    assert "no document and no evidence here is http://nope" in run("exposure", "clay 1.5", "--source", "http://nope")


def test_filters_of_the_other_questions(run, graph):
    for command, ask in (("impact", graph.impact), ("licences", graph.licences)):
        rows = json.loads(run(command, "vicuna-7b-v1.5", "--verified-only", "--json"))["rows"]
        assert rows == ask("vicuna-7b-v1.5", verified_only=True).to_dicts()
    found = json.loads(run("compare", "geochat-7b", "teochat", "--kind", "finetuned", "--json"))
    assert found["common"] == graph.common_exposure("geochat-7b", "teochat", kinds=["finetuned"]).to_dicts()
    assert found["only"] == graph.differences("geochat-7b", "teochat", kinds=["finetuned"]).to_dicts()
    text = run("explain", "geochat-7b", "dota", "--kind", "finetuned")
    assert "there is one that the filters leave out" in text
    assert json.loads(run("explain", "geochat-7b", "dota", "--all", "--kind", "finetuned", "--json"))["chains"] == []


def test_chains_and_pairs_as_csv(run, graph):
    lines = list(csv.DictReader(io.StringIO(run("explain", "geochat-7b", "dota", "--csv"))))
    chain = graph.explain("geochat-7b", "dota")
    assert [(r["subject"], r["edge"], r["object"], r["document"]) for r in lines] == [
        (s.subject, s.edge, s.object, s.document) for s in chain.steps
    ]
    assert {(r["chain"], r["says"]) for r in lines} == {("1", chain.says)}
    every = list(csv.DictReader(io.StringIO(run("explain", "geochat-7b", "dota", "--all", "--csv"))))
    assert len(every) == sum(map(len, graph.paths("geochat-7b", "dota", 20).chains))

    lines = list(csv.DictReader(io.StringIO(run("compare", "geochat-7b", "teochat", "--csv"))))
    common, apart = graph.common_exposure("geochat-7b", "teochat"), graph.differences("geochat-7b", "teochat")
    assert [r["dataset"] for r in lines if r["of"] == "both"] == [r.dataset for r in common]
    for side, model in (("a", "geochat-7b"), ("b", "teochat")):
        told = [(r["dataset"], int(r[f"depth_{side}"]), r["other"]) for r in lines if r["of"] == side]
        assert told == [(r.dataset, r.depth, r.other.value) for r in apart if r.only.endswith(f"/{model}")]
        assert told


def test_nothing_and_the_same_thing_are_said_in_words(run):
    assert run("impact", "geochat-7b") == "nothing known is touched by it\n"
    assert json.loads(run("impact", "geochat-7b", "--json"))["rows"] == []
    for more in ((), ("--all",)):
        assert run("explain", "geochat-7b", "geochat-7b", *more) == "the same thing\n\n"


def test_near_names_are_labels_the_nearest_first(run, directory):
    with Catalog.open(directory) as catalog, pytest.raises(NodeNotFound) as caught:
        catalog.find("geochat")
    assert "Did you mean: GeoChat-7B (geochat-7b); GeoChat-Bench (geochat-bench); " in str(caught.value)
    assert caught.value.candidates[0].endswith("/geochat-7b")  # programs get IRIs


def test_what_families_only_say_and_what_is_unknown_is_said(run):
    text = run("exposure", "samgeo")
    assert "said of families only, not of a size:" in text
    assert "things are not known about it" in text


def test_whether_a_model_learned_from_a_dataset(run):
    text = run("exposure", "geochat-7b", "dota", code=1)
    assert text.startswith("may contain: ")
    assert "GeoChat_Instruct derivedFrom SAMRS SOTA" in text
    assert "source: SAMRS dataset generation https://github.com/" in text
    text = run("exposure", "geochat-7b", "eurosat", code=2)
    assert text.startswith("unknown: ")
    assert "Vicuna 7B v1.5" in text
    found = json.loads(run("exposure", "geochat-7b", "geochat-instruct", "--json", code=1))
    assert (found["verdict"], found["missing"]) == ("yes", [])
    assert [step["edge"] for step in found["explanation"]["steps"]] == ["instructionTunedOn"]
    run("exposure", "geochat-7b", "dota", "--verified-only", code=2)


@pytest.mark.parametrize(("dataset", "code"), [("dota", 1), ("geochat-instruct", 1), ("eurosat", 2)])
def test_a_verdict_as_csv_and_json(directory, graph, dataset, code):
    answer = graph.is_exposed("geochat-7b", dataset)
    result = CliRunner().invoke(app, ["exposure", directory, "geochat-7b", dataset, "--csv"])
    assert result.exit_code == code
    said = {name: getattr(answer, name) for name in ("model", "dataset", "reason", "checked")}
    assert list(csv.DictReader(io.StringIO(result.stdout))) == [said | {"verdict": answer.verdict.value}]
    missing = f"{len(answer.missing)} things are not known: --json lists them\n"
    assert result.stderr == (missing if answer.missing else "")
    result = CliRunner().invoke(app, ["exposure", directory, "geochat-7b", dataset, "--json"])
    assert json.loads(result.stdout) == json.loads(json.dumps(answer.to_dict()))


def test_why(run, graph):
    text = run("explain", "clay 1.5", "lvd-142m")
    assert "1. Clay v1.5 distilledFrom DINOv2 ViT-L/14 with registers" in text
    found = json.loads(run("explain", "geochat-7b", "dota", "--all", "--json"))
    assert found["complete"]
    assert found["chains"] == json.loads(
        json.dumps([c.to_dict() for c in graph.paths("geochat-7b", "dota", 20).chains])
    )
    assert "the other way round" in run("explain", "lvd-142m", "clay 1.5")
    assert "contains, 1 hop\n" in run("explain", "geochat-7b", "geochat_instruct")
    assert json.loads(run("explain", "lvd-142m", "clay 1.5", "--json"))["chains"] == []


def test_two_models_side_by_side(run, graph):
    text = run("compare", "geochat-7b", "teochat")
    assert "learned from by both GeoChat-7B and TEOChat:" in text
    assert "only GeoChat-7B, as far as known:" in text
    found = json.loads(run("compare", "geochat-7b", "teochat", "--json"))
    assert found["common"] == graph.common_exposure("geochat-7b", "teochat").to_dicts()
    assert found["only"] == graph.differences("geochat-7b", "teochat").to_dicts()


def test_names_as_people_type_them(directory):
    with pytest.raises(NodeNotFound, match=r"geochat-7b"):
        CliRunner().invoke(app, ["exposure", directory, "geochat 7bb"], catch_exceptions=False)
    result = CliRunner().invoke(app, ["explain", directory, "geochat-7b"])
    assert result.exit_code == 2
    result = CliRunner().invoke(app, ["exposure", "geochat-7b"], env={"MLAOI_CATALOG": directory})
    assert "GeoChat_Instruct" in result.stdout
