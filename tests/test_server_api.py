"""The JSON API gives what Python gives, page by page, and nothing that its OpenAPI description does not say."""

import dataclasses
import re
from enum import Enum

import pytest
import requests
import schemathesis
from conftest import model
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from serving import serve, until

from mlaoi_graph.catalog import Catalog
from mlaoi_graph.model import Stage

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


@pytest.fixture(scope="module")
def families(families_catalog):
    with Catalog.open(families_catalog) as catalog:
        yield catalog


def pages(server, path, limit=7, **parameters):
    """Yield the pages of an answer."""
    cursor = None
    while True:
        given = {k: v for k, v in parameters.items() if v is not None} | {"limit": limit}
        found = server.get(f"api/{path}", params=given | ({"cursor": cursor} if cursor else {}))
        assert found.status_code == 200, found.text
        yield found.json()
        cursor = found.json()["next"]
        if cursor is None:
            return


def rows(server, path, **parameters):
    found = list(pages(server, path, **parameters))
    assert all(len(page["rows"]) == 7 for page in found[:-1])
    every = [row for page in found for row in page["rows"]]
    assert {page["total"] for page in found} == {len(every)}
    return every


def as_json(value):
    if isinstance(value, Enum):
        return value.value
    return list(value) if isinstance(value, tuple) else value


@pytest.mark.parametrize("kind", ["models", "datasets"])
def test_nodes_are_those_of_the_catalog(served, families, kind):
    expected = sorted(getattr(families, kind)(), key=lambda node: node.iri)
    found = rows(served, kind)
    assert found == [{f.name: as_json(getattr(n, f.name)) for f in dataclasses.fields(n)} for n in expected]
    assert len(found) > 100


@pytest.mark.parametrize(
    ("path", "question", "parameters", "only"),
    [
        ("lineage", "upstream", {"node": "geochat-7b"}, {}),
        ("lineage", "downstream", {"node": "samrs-sota", "direction": "down"}, {}),
        (
            "lineage",
            "upstream",
            {"node": "geochat-7b", "depth": 1, "verified_only": "true"},
            {"depth": 1, "verified_only": True},
        ),
        (
            "lineage",
            "upstream",
            {"node": "geochat-7b", "stage": ["test", "validation"]},
            {"stages": [Stage.TEST, Stage.VALIDATION]},
        ),
        ("lineage", "upstream", {"node": "geochat-7b", "before": "2020-01-01"}, {"before": "2020-01-01"}),
        ("exposure", "exposure", {"model": "geochat-7b"}, {}),
        ("exposed", "exposed_models", {"dataset": "dota"}, {}),
        ("impact", "impact", {"node": "samrs-sota"}, {}),
        ("licences", "licences", {"model": "GeoChat-7B"}, {}),
        ("unknowns", "unknowns", {"model": "geochat-7b"}, {}),
    ],
)
def test_answers_are_those_of_python(served, families, path, question, parameters, only):
    (about,) = [v for k, v in parameters.items() if k in ("node", "model", "dataset")]
    expected = getattr(families.lineage, question)(about, **only)
    assert rows(served, path, **parameters) == expected.to_dicts()
    first = next(pages(served, path, **parameters))
    assert (first["title"], first["notes"]) == (expected.title, list(expected.notes))
    assert first["family_level_total"] == len(expected.family_level)
    assert rows(served, path, family_level="true", **parameters) == expected.family_level.to_dicts()


def test_a_verdict_is_that_of_python(served, families):
    for dataset in ("dota", "sa-1b", "levir-cd"):
        expected = families.lineage.is_exposed("geochat-7b", dataset)
        found = served.get("api/exposure/verdict", params={"model": "geochat-7b", "dataset": dataset}).json()
        assert (found["verdict"], found["reason"], found["checked"]) == (
            expected.verdict.value,
            expected.reason,
            expected.checked,
        )
        assert len(found["missing"]) == len(expected.missing)
        proof = expected.explain()
        assert (found["explanation"] is None) is (proof is None)


def test_chains_are_those_of_python(served, families):
    found = served.get("api/explain", params={"newer": "geochat-7b", "older": "dota"}).json()
    (chain,) = found["chains"]
    expected = families.lineage.explain("geochat-7b", "dota")
    assert [(s["subject"], s["edge"], s["object"], s["document"]) for s in chain["steps"]] == [
        (s.subject, s.edge, s.object, s.document) for s in expected.steps
    ]
    every = served.get("api/explain", params={"newer": "geochat-7b", "older": "dota", "most": 100}).json()
    assert len(every["chains"]) == len(families.lineage.paths("geochat-7b", "dota", 100))
    assert every["complete"] is True
    assert served.get("api/explain", params={"newer": "dota", "older": "geochat-7b"}).json()["chains"] == []


@pytest.mark.parametrize("area", ["BOL", "-10,35,30,60", "POLYGON ((0 40, 20 40, 20 55, 0 55, 0 40))"])
@pytest.mark.parametrize("stage", ["trained", "tested", "exposed", "declared"])
def test_areas_are_those_of_python(served, families, area, stage):
    expected = families.models(**{f"{stage}_in": area})
    assert rows(served, "areas", area=area, stage=stage) == expected.to_dicts()
    first = next(pages(served, "areas", area=area, stage=stage))
    assert (first["area_km2"], first["unknown_total"]) == (expected.aoi.km2, len(expected.unknown))
    assert rows(served, "areas", area=area, stage=stage, which="unknown") == expected.unknown.to_dicts()


@pytest.mark.parametrize("during", ["2018", "2018-06-01T00:00:00Z", "../2018", "2018/..", "/2018", "2018/2019"])
def test_a_time_may_be_an_instant_or_open(served, families, during):
    assert rows(served, "areas", area="BOL", stage="tested", during=during) == families.models(tested_in="BOL", during=during).to_dicts()  # fmt: skip


@pytest.mark.parametrize("node", ["geochat-7b", "dota", None])
def test_leakage_is_that_of_python(served, families, node):
    expected = families.leakage(node)
    assert rows(served, "leakage", node=node) == expected.to_dicts()
    assert rows(served, "leakage", node=node, which="unchecked") == expected.unchecked.to_dicts()
    assert rows(served, "leakage", node=node, which="tests") == expected.tests.to_dicts()
    assert next(pages(served, "leakage", node=node))["totals"] == expected.totals()


def test_an_area_is_never_a_file_of_the_server(served, tmp_path):
    (tmp_path / "secret.geojson").write_text('{"type": "Point", "coordinates": [7, 46]}')
    for area in (tmp_path / "secret.geojson", "/etc/passwd", f"file://{tmp_path}/secret.geojson"):
        found = served.get("api/areas", params={"area": str(area)})
        assert (found.status_code, found.json()["error"]) == (404, "not-found")


@pytest.mark.parametrize(
    ("path", "status", "error"),
    [
        ("lineage?node=no+such+thing", 404, "not-found"), ("exposure?model=dota", 400, "wrong-kind"), ("lineage", 422, "parameters"),
        ("lineage?node=", 422, "parameters"), ("models?limit=0", 422, "parameters"), ("models?limit=1001", 422, "parameters"),
        ("models?cursor=x", 400, "cursor"), ("models?cursor=%ff", 400, "cursor"), ("lineage?node=dota&depth=-1", 422, "parameters"),
        ("lineage?node=dota&before=yesterday", 422, "parameters"), ("lineage?node=dota&before=20240630", 422, "parameters"), ("lineage?node=dota&stage=cooking", 422, "parameters"),
        ("areas?area=POLYGON((", 400, "request"), ("areas?area=%7B", 400, "area"), ("areas?area=BOL&during=never", 400, "parameters"),
        ("areas?area=BOL&during=2020/2019", 400, "parameters"), ("areas?area=BOL&during=2018/2019/2020", 400, "parameters"),
        ("areas?area=1,2,3", 400, "request"), ("leakage?buffer_km=-1", 422, "parameters"), ("leakage?against=dota", 400, "parameters"), ("leakage?node=no+such", 404, "not-found"),
        ("exposure?model=geochat-7b&source=foo", 404, "not-found"), ("lineage?node=dota&source=https://example.org/no", 404, "not-found"),
        ("models?limits=3", 400, "parameters"), ("leakage?node=geochat-7b&family_level=true", 400, "parameters"),
        ("nothing", 404, "not-found"), ("explain?newer=geochat-7b", 422, "parameters"),
    ],
)  # fmt: skip
def test_what_cannot_be_answered_says_why(served, path, status, error):
    found = served.get(f"api/{path}")
    assert (found.status_code, found.json()["error"]) == (status, error)
    assert found.json()["reason"]
    assert served.process.args[4] not in found.text  # where the catalog is, is nobody's business


def test_a_name_that_is_none_leads_to_what_is_there(served):
    reason = served.get("api/lineage?node=nothing").json()["reason"]
    assert reason == "'nothing' is not in this catalog. List what is there: /api/models, /api/datasets"


def test_an_unknown_parameter_is_told_the_known_ones(served):
    found = served.get("api/models?page=2").json()
    assert "'page'" in found["reason"]
    assert "limit, cursor" in found["reason"]


def test_a_source_that_is_there_filters(served, families):
    said = families.lineage.exposure("geochat-7b")
    document = next(families.uses()).document
    assert said
    only = families.lineage.exposure("geochat-7b", sources=[document])
    assert rows(served, "exposure", model="geochat-7b", source=document) == only.to_dicts()
    evidence = next(e for use in families.uses() for e in use.evidence)
    only = families.lineage.exposure("geochat-7b", sources=[evidence])
    assert rows(served, "exposure", model="geochat-7b", source=evidence) == only.to_dicts()


def test_a_cursor_is_of_one_question(served):
    first = served.get("api/exposure?model=geochat-7b&limit=1").json()
    same = served.get("api/exposure", params={"limit": 2, "cursor": first["next"], "model": "geochat-7b"})
    assert same.status_code == 200
    for other in (
        "models?",
        "exposure?model=sam-vit-h&",
        "exposure?model=geochat-7b&depth=1&",
        "unknowns?model=geochat-7b&",
    ):
        found = served.get(f"api/{other}cursor={first['next']}")
        assert (found.status_code, found.json()["error"]) == (400, "cursor"), other


def test_stages_are_those_of_the_command_line(served, families):
    from mlaoi_graph.cli.areas import Use

    for stage in Use:
        expected = families.models(**{f"{stage.value.replace('-', '_')}_in": "BEL"})
        assert rows(served, "areas", area="BEL", stage=stage.value) == expected.to_dicts(), stage
    assert served.get("api/areas?area=BEL&stage=instruction_tuned").status_code == 422
    assert "stage" in served.get("api/areas?area=BEL&use=trained").json()["reason"]


@pytest.mark.parametrize(
    "path", ["exposure?model=geochat-7b&model=sam-vit-h", "models?limit=1&limit=2", "lineage?node=dota&depth=1&depth=1"]
)
def test_what_is_sent_twice_is_refused_where_one_counts(served, path):
    found = served.get(f"api/{path}")
    assert (found.status_code, found.json()["error"]) == (400, "parameters")
    assert "2 times" in found.json()["reason"]
    assert served.get("api/lineage?node=dota&stage=test&stage=training").status_code == 200
    assert served.get("sparql?query=ASK%7B%7D&reasoning=on&reasoning=off").json()["error"] == "parameters"


def test_the_description_says_what_a_cursor_is(served):
    described = served.get("api/openapi.json").json()["paths"]["/api/models"]["get"]["parameters"]
    (cursor,) = [one["schema"] for one in described if one["name"] == "cursor"]
    following = served.get("api/models?limit=1").json()["next"]
    assert re.search(cursor["pattern"], following)
    assert not re.search(cursor["pattern"], "\xff")


def test_near_names_are_offered(served):
    found = served.get("api/exposure?model=geochatt-7b").json()
    assert any("geochat-7b" in name for name in found["candidates"])


def test_a_cursor_of_another_state_is_refused(write, tmp_path):
    with Catalog.create(tmp_path / "catalog") as catalog:
        catalog.ingest(write(a=model("a"), b=model("b")), name="source")
        with serve(tmp_path / "catalog", tmp_path / "server") as server:
            first = server.get("api/models?limit=1").json()
            assert (first["total"], len(first["rows"])) == (2, 1)
            catalog.ingest(write(c=model("c")), name="source")
            until(lambda: server.get("api/models").json()["total"] == 3, 1.5)
            found = server.get("api/models", params={"limit": 1, "cursor": first["next"]})
            assert (found.status_code, found.json()["error"]) == (410, "changed")
            assert server.get("api/models").json()["total"] == 3


OPERATIONS = ["models", "datasets", "lineage", "exposure", "exposure/verdict", "exposed", "impact", "licences", "unknowns", "explain",
              "areas", "leakage", "neighbours", "footprints"]  # fmt: skip
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=lambda mode: mode.value)
@pytest.mark.parametrize("path", OPERATIONS)
def test_nothing_is_answered_that_is_not_described(served, path, mode):
    """By schemathesis: parameters that fit the description, and such that do not."""
    api = schemathesis.openapi.from_url(f"{served.url}api/openapi.json")
    assert sorted(api) == sorted(f"/api/{name}" for name in OPERATIONS)

    @given(api[f"/api/{path}"]["GET"].as_strategy(generation_mode=mode))
    @settings(max_examples=15, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    def hold(case):
        case.call_and_validate(checks=CHECKS, timeout=60)

    hold()
    assert not [line for line in served.log.splitlines() if "Traceback" in line]


def test_the_schema_test_meets_real_answers(served):
    """Names in the schema test are made up; these go through the same description with names that are there."""
    description = requests.get(f"{served.url}api/openapi.json", timeout=30).json()
    api = schemathesis.openapi.from_dict(description)
    names = {
        "node": "geochat-7b",
        "model": "geochat-7b",
        "dataset": "dota",
        "newer": "geochat-7b",
        "older": "dota",
        "area": "-10,35,30,60",
    }
    asked = 0
    for path, methods in description["paths"].items():
        wanted = {p["name"]: names[p["name"]] for p in methods["get"]["parameters"] if p["name"] in names}
        has_level = any(p["name"] == "family_level" for p in methods["get"]["parameters"])
        for more in ({}, {"family_level": "true"}) if has_level else ({},):
            response = served.get(path.removeprefix("/"), params=wanted | more)
            assert response.status_code == 200
            api[path]["get"].validate_response(response)
            asked += 1
    assert asked >= 18 > len(description["paths"]) >= 12
