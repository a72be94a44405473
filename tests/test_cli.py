"""The command line: data on stdout, talk on stderr, exit codes as documented."""

import csv
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pyoxigraph as ox
import pytest
from conftest import BASE, collection, link, model, sample
from typer.testing import CliRunner

from mlaoi_graph.cli import main
from mlaoi_graph.cli.app import app
from mlaoi_graph.errors import NodeNotFound

ROOT = Path(__file__).parents[1]


@pytest.fixture
def call(monkeypatch):
    monkeypatch.delenv("MLAOI_CATALOG", raising=False)
    runner = CliRunner()
    return lambda *arguments, **kw: runner.invoke(app, [str(a) for a in arguments], **kw)


@pytest.fixture
def built(tmp_path, write, call):
    source = write(
        m=model("m", link("derived_from", "./c.json", **{"ml-aoi:split": "train"}), link("derived_from", "gone"), title="Model M"),
        c=collection("c", title="Fields"), s=sample("s", "c", split="train"),
    )  # fmt: skip
    done = call("build", source, "--to", tmp_path / "lineage")
    assert done.exit_code == 0, done.output
    return tmp_path / "lineage"


def test_build_ends_with_counts_what_is_unresolved_and_what_to_try(tmp_path, write, call):
    source = write(m=model("m", link("derived_from", "gone")), bad="{")
    done = call("build", source, "--to", tmp_path / "x")
    assert done.exit_code == 1  # a document could not be read
    assert re.search(r"models +datasets.*\n +1 +0 ", done.stdout)
    assert "1 reference leads nowhere known:\n  gone\n" in done.stdout
    assert f"Next: mlaoi-graph show {tmp_path / 'x'}" in done.stdout
    assert f"{source}: 2 documents (1 read, 1 failed)" in done.stderr
    assert re.search(r"bad\.json#1:\d+ +not-json", done.stderr)


@pytest.mark.parametrize("again", [False, True])
def test_counts_of_one_are_in_the_singular_and_told_by_each_build(tmp_path, write, call, again):
    one = write(m=model("m", **{"mlm:pretrained": True}))
    done = call("build", one, "--to", tmp_path / "x")
    if again:
        done = call("build", one, "--to", tmp_path / "x")
    assert f"{one}: 1 document ({'0 read, 1 unchanged' if again else '1 read'})\n" in done.stderr
    assert "  and 1 remark: listed by --json and --csv\n" in done.stderr
    two = write(n=model("n", link("derived_from", "gone"), link("derived_from", "lost"), **{"mlm:pretrained": True}))
    done = call("build", two, "--to", tmp_path / "x")
    assert f"{two}: 2 documents (1 read, 1 unchanged)\n" in done.stderr
    assert "  and 2 remarks: " in done.stderr
    assert "\n3 references lead nowhere known:\n" in done.stdout  # m's and those of n, which says where it is from
    (two / "m.json").unlink()
    remove = f"    mlaoi-graph remove {tmp_path / 'x'} {BASE}documents/source/"
    told = f"  1 document is not there any more; drop it:\n{remove}m.json\n"
    assert told in call("build", two, "--to", tmp_path / "x").stderr
    (two / "n.json").unlink()
    told = f"  2 documents are not there any more; drop one:\n{remove}m.json\n{remove}n.json\n"
    assert told in call("build", two, "--to", tmp_path / "x").stderr
    shown = call("show", tmp_path / "x", "m").stdout
    assert "1 area: 1 declared-box" in shown
    assert "Said in 1 document: " in shown
    assert call("query", tmp_path / "x", "SELECT ?m { ?m a mlaoi:Model } LIMIT 1").stderr == "1 row\n"


def test_build_json_has_everything(tmp_path, write, call):
    done = call("build", write(m=model("m", link("derived_from", 7))), "--to", tmp_path / "x", "--json")
    found = json.loads(done.stdout)
    assert found["catalog"]["models"] == 1
    assert found["sources"][0]["findings"] == [
        {"document": f"{tmp_path}/source/m.json", "pointer": "/links/0", "rule": "broken-link", "severity": "warning",
         "message": "a link needs an href that is text; it is not known what it leads to"}
    ]  # fmt: skip


def test_several_sources_one_of_them_missing(tmp_path, write, call):
    done = call("build", write(m=model("m")), tmp_path / "nowhere", "--to", tmp_path / "x")
    assert done.exit_code == 2
    assert "not read" in done.stderr
    assert re.search(r"\n +1 +0 ", done.stdout)


@pytest.mark.parametrize(
    "option", [["--base", "https://other/"], ["--split-policy", "ml-aoi-adr"], ["--reasoner", "none"]]
)
def test_settings_of_a_catalog_stay(built, write, call, option):
    done = call("build", built.parent / "source", "--to", built, *option)
    assert done.exit_code == 2
    assert "was built with" in done.stderr


def test_a_catalog_without_a_reasoner_says_so_and_answers(tmp_path, write, call):
    source = write(
        m=model("m", link("derived_from", "./d.json", **{"lineage:stage": "pretraining"})), d=collection("d")
    )
    catalogs = [tmp_path / "none", tmp_path / "usual"]
    for catalog, reasoner in zip(catalogs, ("none", "targeted"), strict=True):
        assert call("build", source, "--to", catalog, "--base", BASE, "--reasoner", reasoner).exit_code == 0
    done = call("query", catalogs[0], "SELECT ?d { ?m mlaoi:exposedTo ?d }")
    assert "nothing is inferred in this catalog: of exposedTo" in done.stderr
    assert done.stdout == "d\n"
    assert call("exposure", catalogs[0], "m", "--json").stdout == call("exposure", catalogs[1], "m", "--json").stdout
    for pair in (catalogs, catalogs[::-1]):
        done = call("diff", *pair)
        assert done.stdout.startswith("exposure is not compared: nothing is inferred in one of the two")
        assert "exposure" not in done.stdout.partition("\n")[2]
        found = json.loads(call("diff", *pair, "--json").stdout)
        assert found["exposure"] == {"new": [], "removed": []}
        assert found["notes"] == done.stdout.splitlines()[:1]
    done = call("diff", *catalogs, "--fail-on", "new-exposure")
    assert (done.exit_code, "nothing is inferred" in done.stderr) == (2, True)


def test_show_lists_and_counts(built, call):
    rows = list(csv.DictReader(io.StringIO(call("show", built, "--csv").stdout)))
    assert [(r["kind"], r["label"]) for r in rows] == [
        ("model", "Model M"), ("dataset", "Fields"), ("dataset", "Fields (train)"), ("unknown", "gone"),
    ]  # fmt: skip
    assert json.loads(call("show", built, "--json").stdout)[0]["iri"] == f"{BASE}items/m"


def test_show_a_node_says_who_says_so(built, call):
    text = call("show", built, "model m").stdout
    assert re.search(r"this +trainedOn +Fields \(train\) +split-link +\S+/m\.json#/links/0\n", text)
    found = json.loads(call("show", built, "m", "--json").stdout)
    assert [e["edge"] for e in found["edges"]] == ["trainedOn", "madeFrom"]


def test_show_unresolved(built, call):
    assert json.loads(call("show", built, "--unresolved", "--json").stdout) == [
        {"name": "gone", "iri": f"{BASE}unresolved/gone", "kind": "unknown"}
    ]


def test_the_catalog_may_come_from_the_environment(built, call, monkeypatch):
    monkeypatch.setenv("MLAOI_CATALOG", str(built))
    assert call("show", "m").stdout.startswith("Model M")
    assert call("query", "ASK { ?m a mlaoi:Model }").stdout == "true\n"


@pytest.mark.parametrize(
    ("query", "options", "expected"),
    [
        ("SELECT ?l { ?m a mlaoi:Model ; rdfs:label ?l }", [], "l\nModel M\n"),
        ("SELECT ?l { ?m a mlaoi:Model ; rdfs:label ?l }", ["--csv"], "l\nModel M\n"),
        ("ASK { ?m mlaoi:testedOn ?d }", [], "false\n"),
        ("ASK { ?m mlaoi:testedOn ?d }", ["--json"], '{\n  "head": {},\n  "boolean": false\n}\n'),
    ],
)
def test_query(built, call, query, options, expected):
    assert call("query", built, query, *options).stdout == expected


def test_query_from_a_file_and_results_json(built, call, tmp_path):
    (tmp_path / "q.rq").write_text("CONSTRUCT { ?m rdfs:label ?l } WHERE { ?m a mlaoi:Model ; rdfs:label ?l }")
    assert "Model M" in call("query", built, tmp_path / "q.rq").stdout
    found = json.loads(call("query", built, "SELECT ?m { ?m a mlaoi:Model }", "--json").stdout)
    assert found["results"]["bindings"] == [{"m": {"type": "uri", "value": f"{BASE}items/m"}}]


def test_rows_with_geometries_as_geojson_and_geoparquet(built, call, tmp_path):
    sparql = "SELECT ?g ?w { ?g geo:asWKT ?w } ORDER BY ?w"
    features = json.loads(call("query", built, sparql, "--geojson").stdout)["features"]
    assert {feature["geometry"]["type"] for feature in features} == {"Polygon"}
    geopandas = pytest.importorskip("geopandas", reason="GeoParquet needs geopandas")
    assert call("query", built, sparql, "--geoparquet", tmp_path / "x.parquet").stdout == ""
    assert len(geopandas.read_parquet(tmp_path / "x.parquet")) == len(features) > 0
    assert call("query", built, "ASK { ?s ?p ?o }", "--geojson").exit_code == 2


@pytest.mark.parametrize("options", [(), ("--json",), ("--csv",)])
def test_query_says_on_stderr_whether_the_index_was_used(built, call, options):
    relation = 'geof:sfIntersects(?w, "POINT (7.5 46.5)"^^geo:wktLiteral)'
    found = call("query", built, f"SELECT ?g {{ ?g geo:asWKT ?w FILTER({relation}) }}", *options)
    assert re.match(r"footprint index used: \d+ candidates for \?w\n", found.stderr)
    assert "footprint" not in found.stdout
    asked = call("query", built, f"ASK {{ ?g geo:asWKT ?w FILTER(!{relation}) }}", *options)
    assert asked.stderr.startswith("footprint index not used: ")
    assert call("query", built, "SELECT ?m { ?m a mlaoi:Model }", "--csv").stderr == ""


def test_a_query_with_an_unknown_crs_prints_no_half_an_answer(built, call):
    relation = 'geof:sfIntersects(?w, STRDT(CONCAT("<urn:x>", " POINT (7 46)"), geo:wktLiteral))'
    found = call("query", built, f"SELECT ?g {{ ?g geo:asWKT ?w FILTER(!{relation}) }}", "--json")
    assert "<urn:x> is not a CRS that is known" in str(found.exception)
    assert found.stdout == ""


@pytest.mark.parametrize("suffix", ["ttl", "nt", "rdf", "jsonld", "trig", "nq"])
def test_export_is_told_by_the_suffix(built, call, tmp_path, suffix):
    target = tmp_path / f"out.{suffix}"
    assert call("export", built, "--output", target).exit_code == 0
    formats = {"ttl": ox.RdfFormat.TURTLE, "nt": ox.RdfFormat.N_TRIPLES, "rdf": ox.RdfFormat.RDF_XML,
               "jsonld": None, "trig": ox.RdfFormat.TRIG, "nq": ox.RdfFormat.N_QUADS}  # fmt: skip
    if formats[suffix] is not None:
        assert any(q.object.value == "Model M" for q in ox.parse(path=str(target), format=formats[suffix]))
    else:
        assert "Model M" in target.read_text()


def test_export_to_standard_output_is_what_a_file_would_hold(built, call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert call("export", built, "--output", "x.nt").exit_code == 0
    done = call("export", built, "--output", "-", "--format", "ntriples")
    assert sorted(done.stdout.splitlines()) == sorted((tmp_path / "x.nt").read_text().splitlines())
    assert not (tmp_path / "-").exists()
    for arguments in ([], ["--format", "stac"]):
        assert call("export", built, "--output", "-", *arguments).exit_code == 2


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("SELECT ?x WHERE { ?x foo:bar ?z }", "Prefix not found"),
        ("SELECT ?x WHERE { ?x a <bad iri> }", "IRI parsing failed"),
        ("SELECT ?x WHERE { ?x a", "expected one of "),
        ("", "the query is empty"),
    ],
)
def test_a_query_that_cannot_be_read_is_one_line_without_the_grammars_characters(built, call, query, reason):
    message = str(call("query", built, query).exception)
    assert reason in message
    assert not re.search(r"\n|\['|\[_\]|u\{", message)


def test_remove(built, call):
    assert call("remove", built, f"{BASE}documents/source/m.json").exit_code == 0
    assert json.loads(call("show", built, "--json").stdout)[0]["label"] == "Fields"


def test_validate_a_catalog_and_documents(built, call, tmp_path):
    assert call("validate", built).exit_code == 0
    done = call("validate", built.parent / "source", "--schemas", tmp_path)
    assert done.exit_code == 2  # no schema is there: it could not tell
    assert "schema-missing" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show", "nowhere"], "no catalog here"),
        (["build", "nowhere", "--to", "x"], "Check the path"),
        (["query", "{built}", "SELECT"], "SPARQL"),
        (["show", "{built}", "fieldss"], "Did you mean"),
        (["remove", "{built}", "https://example.com/no"], "is not in this catalog"),
    ],
)
def test_errors_are_one_line_with_the_next_step_and_exit_2(arguments, message, built, monkeypatch, capsys):
    monkeypatch.chdir(built.parent)
    monkeypatch.setattr(sys, "argv", ["mlaoi-graph", *(a.format(built=built) for a in arguments)])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_every_help_has_an_example(call):
    commands = re.findall(r"^  ([a-z]+) ", call("--help").stdout.partition("Commands:")[2], re.M)
    assert {"build", "show", "query", "export", "validate", "demo"} <= set(commands)
    for command in commands:
        assert f"Example: mlaoi-graph {command}" in call(command, "--help").stdout


def test_text_of_documents_cannot_steer_the_terminal(tmp_path, write, call):
    title = "\x1b[2J\u202eevil\nsecond line"
    done = call("build", write(m=model("m", title=title)), "--to", tmp_path / "x")
    shown = done.stdout + call("show", tmp_path / "x").stdout + call("show", tmp_path / "x", "m").stdout
    assert "[2Jevil second line" in shown
    assert not re.search("[\x1b\u202e]", shown)


def test_output_closed_early_is_no_error(built):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "mlaoi_graph", "query", str(built), "SELECT * { ?s ?p ?o . ?a ?b ?c }", "--csv"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""


def test_version(call):
    assert re.fullmatch(r"mlaoi-graph \d+\.\d+\.\d+\n", call("--version").stdout)


RECORDS = """
models:
  x: { name: X, sources: c }
uses:
  - { model: x, stage: pretraining, dataset: eurosat, source: c, evidence: table 1 }
  - { model: x, stage: test, dataset: sen1floods11, source: c, evidence: table 2, confidence: unverified }
sources:
  c: { title: Card, url: https://example.com/c }
"""


def test_check_finds_what_is_wrong_with_records(call, tmp_path):
    path = tmp_path / "my.yaml"
    path.write_text(RECORDS)
    done = call("check", path)
    assert done.exit_code == 0, done.output
    assert "1 models, 0 datasets, 2 uses, 0 derivations" in done.stdout
    path.write_text(RECORDS.replace("pretraining", "pretrainin"))
    done = call("check", path)
    assert done.exit_code == 1
    assert f"{path}#5:" in done.stdout


def test_unverified_edges_are_marked_and_can_be_left_out(call, tmp_path, write):
    source = write(
        m=model("m", link("derived_from", "./c.json", **{"lineage:confidence": "unverified"}), link("derived_from", "./d.json")),
        c=collection("c", title="Fields"), d=collection("d", title="Roads"),
    )  # fmt: skip
    call("build", source, "--to", tmp_path / "all")
    assert re.search(r"Fields +bare-derived-from, unverified ", call("show", tmp_path / "all", "m").stdout)
    call("build", source, "--to", tmp_path / "verified", "--verified-only")
    found = json.loads(call("show", tmp_path / "verified", "m", "--json").stdout)
    assert [e["object"] for e in found["edges"]] == [f"{BASE}collections/d"]
    call("build", source, "--to", tmp_path / "verified")  # and it stays so
    assert json.loads(call("show", tmp_path / "verified", "m", "--json").stdout) == found
    assert call("build", source, "--to", tmp_path / "all", "--verified-only").exit_code == 2


def test_a_build_that_reads_nothing_leaves_nothing(call, tmp_path):
    (tmp_path / "bad.yaml").write_text("models: [")
    done = call("build", tmp_path / "bad.yaml", "--to", tmp_path / "x")
    assert done.exit_code == 1
    assert "no catalog was made" in done.stderr
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("sources", [1, 2])
def test_a_first_build_that_fails_leaves_the_directory_as_it_found_it(call, tmp_path, write, sources):
    there = tmp_path / "there"
    there.mkdir()
    for _ in range(5):  # what an engine writes beside its removal is there sometimes only
        for target in (tmp_path / "new" / "lineage", there):
            done = call("build", *["https://example.invalid/x.json"] * sources, "--to", target)
            assert done.exit_code != 0
            assert list(tmp_path.rglob("*")) == [there]
    assert call("build", write(m=model("m")), "--to", there).exit_code == 0


def test_a_reader_that_has_seen_enough_is_no_fault(families_catalog):
    """``mlaoi-graph ... | head``: the pipe is closed while rows are still written."""
    query = "SELECT ?s ?p ?o { ?s ?p ?o }"
    command = [sys.executable, "-m", "mlaoi_graph", "query", str(families_catalog), query, "--csv"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 0


@pytest.mark.parametrize(("arguments", "code"), [(["show"], 0), (["show", "--csv"], 0), (["audit"], 1)])
def test_the_exit_code_does_not_depend_on_whether_all_was_read(families_catalog, arguments, code):
    command = [sys.executable, "-m", "mlaoi_graph", arguments[0], str(families_catalog), *arguments[1:]]
    whole = subprocess.run(command, capture_output=True, check=False, text=True)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.close()  # long before the first line is written
        assert process.stderr.read() == whole.stderr
    assert process.returncode == whole.returncode == code


def test_triples_are_turtle_or_json_ld_and_no_csv(built, call):
    asked = ("query", built, "CONSTRUCT WHERE { ?m mlaoi:trainedOn ?d }")
    found = {str(quad.triple) for quad in ox.parse(call(*asked).stdout.encode(), ox.RdfFormat.TURTLE)}
    assert len(found) == 1
    as_json = call(*asked, "--json").stdout
    assert json.loads(as_json)
    assert {str(quad.triple) for quad in ox.parse(as_json.encode(), ox.RdfFormat.JSON_LD)} == found
    refused = call(*asked, "--csv")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "--csv goes with a SELECT" in " ".join(refused.stderr.split())


def test_what_can_be_removed_is_listed(built, call):
    with pytest.raises(NodeNotFound, match=re.escape(f"List what is there: mlaoi-graph show {built} --documents")):
        call("remove", built, "nothing", catch_exceptions=False)
    rows = list(csv.DictReader(io.StringIO(call("show", built, "--documents", "--csv").stdout)))
    assert [row["document"].rpartition("/")[2] for row in rows] == ["c.json", "m.json", "s.json"]
    assert [row["describes"] for row in rows][:2] == [f"{BASE}collections/c", f"{BASE}items/m"]
    for row in rows:
        assert call("remove", built, row["document"]).exit_code == 0
    assert call("show", built, "--documents", "--csv").stdout == "document,describes\n"


def test_a_fault_of_the_program_is_not_said_to_be_a_finding(monkeypatch, capsys):
    """Exit code 1 means that something was found."""
    monkeypatch.setattr("mlaoi_graph.cli.app.app", lambda: 1 / 0)
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2
    assert "ZeroDivisionError" in capsys.readouterr().err
