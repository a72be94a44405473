"""The STAC API: what unmodified clients find is what the catalog says, and what is wrong is told with a reason."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import cql2
import geopandas
import jsonschema_rs
import numpy as np
import pystac
import pytest
import requests
import shapely
from conftest import BASE, box, collection, link, model, sample
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from pystac.validation import JsonSchemaSTACValidator
from pystac_client import Client
from serving import ROOT, serve, until

from mlaoi_graph.catalog import Catalog
from mlaoi_graph.geo.index import Index
from mlaoi_graph.items import Kept
from mlaoi_graph.lineage_fields import REPEATED, SCHEMA
from mlaoi_graph.model import Dataset
from mlaoi_graph.queries.areas import STAGES_OF
from mlaoi_graph.rdf import INFERRED_GRAPH
from mlaoi_graph.server.stac import tasks
from mlaoi_graph.server.stac.filter import _form
from mlaoi_graph.server.stac.graph import StoredGraph
from mlaoi_graph.server.stac.outline import Cover, outline
from mlaoi_graph.server.stac.parts import put_together
from mlaoi_graph.server.stac.shelves import Holdings
from mlaoi_graph.server.worker import Bounds, Context

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

ROLES = ["pretrained", "finetuned", "instruction_tuned", "trained", "validated", "tested", "exposed", "declared"]
BOLIVIA = (-69.6, -22.9, -57.5, -9.7)
ALPS = (7.0, 46.0, 8.0, 47.0)


@pytest.fixture(scope="module")
def families(families_catalog):
    with Catalog.open(families_catalog) as catalog:
        yield catalog


@pytest.fixture(scope="module")
def client(served):
    return Client.open(f"{served.url}stac")


def used(target, stage, **fields):
    rel = "derived_from" if "t" in stage and stage not in ("test", "validation") else "lineage:evaluated_on"
    return link(rel, target, **{"lineage:stage": stage}, **fields)


@pytest.fixture(scope="module")
def small_documents():
    """Return four models around two places: ``west`` (0..1 E, 2020) and ``east`` (10..11 E, 2022)."""
    west = collection("west", bbox=(0, 0, 1, 1))
    east = collection("east", bbox=(10, 0, 11, 1))
    east["extent"]["temporal"]["interval"] = [["2022-01-01T00:00:00Z", "2022-12-31T00:00:00Z"]]
    return {
        "west": west,
        "east": east,
        "nowhere": collection("nowhere") | {"extent": {"spatial": {"bbox": [[-180, -90, 180, 90]]}, "temporal": {"interval": [[None, None]]}}},
        "a": model("a", used("west.json", "pretraining"), used("east.json", "test"), **{"mlm:tasks": ["detection"]}),
        "b": model("b", used("west.json", "test"), link("derived_from", "a.json", **{"lineage:derivation": "finetuned"}), **{"mlm:tasks": ["segmentation"]}),
        "c": model("c", used("nowhere.json", "pretraining"), used("west.json", "validation")),
        "d": model("d/e", **{"mlm:tasks": ["segmentation", "detection"], "title": "Été", "mlm:input": [{"bands": ["B02", {"name": "B08"}]}]}),
        "s1": sample("s1", "east", datetime="2022-06-01T00:00:00Z") | {"geometry": box(10.2, 0.2, 10.3, 0.3)},
        "s2": sample("s2", "east", datetime="2022-06-01T00:00:00Z") | {"geometry": box(10.3, 0.3, 10.4, 0.4)},
    }  # fmt: skip


@pytest.fixture(scope="module")
def small(small_documents, tmp_path_factory):
    folder = tmp_path_factory.mktemp("small")
    (folder / "source").mkdir()
    for name, document in small_documents.items():
        (folder / "source" / f"{name}.json").write_text(json.dumps(document))
    with Catalog.create(folder / "catalog", base=BASE) as catalog:
        report = catalog.ingest(folder / "source")
        assert not report.failed
    with serve(folder / "catalog", folder / "served", body_kb=2000) as server:
        server.catalog = folder / "catalog"
        yield server


def search(server, **parameters):
    """Return the answer to a search by GET, which has to be the same by POST."""
    flat = {k: ",".join(map(str, v)) if isinstance(v, list) else json.dumps(v) if isinstance(v, dict) else v for k, v in parameters.items()}  # fmt: skip
    got = server.get("stac/search", params={k.replace("_", "-"): v for k, v in flat.items()})
    assert got.status_code == 200, got.text
    assert got.headers["content-type"] == "application/geo+json"
    body = {k.replace("_", "-"): v for k, v in parameters.items()}
    if isinstance(body.get("filter"), str):
        body.setdefault("filter-lang", "cql2-text")
    posted = requests.post(f"{server.url}stac/search", json=body, timeout=60)
    assert posted.status_code == 200, posted.text
    assert posted.json()["features"] == got.json()["features"]
    return got.json()


def ids(server, **parameters):
    return [feature["id"] for feature in search(server, **parameters)["features"]]


# -- the shape of it ------------------------------------------------------------------------------------------------


def test_landing_page_and_what_it_links_to(served):
    found = served.get("stac").json()
    assert pystac.Catalog.from_dict(found).id == "lineage"
    assert served.get("stac/").json() == found
    by_rel = {entry["rel"]: entry for entry in found["links"]}
    assert {"root", "self", "conformance", "service-desc", "data", "search", "child", "describedby"} <= set(by_rel)
    for entry in found["links"]:
        answer = requests.get(entry["href"], timeout=60)
        assert answer.status_code == 200, entry
        assert answer.headers["content-type"] == entry["type"]
    assert served.get("stac/conformance").json()["conformsTo"] == found["conformsTo"]


def test_pystac_client_knows_what_the_api_can_do(client):
    for name in ("CORE", "COLLECTIONS", "FEATURES", "ITEM_SEARCH", "FILTER", "SORT", "FIELDS", "COLLECTION_SEARCH", "COLLECTION_SEARCH_FREE_TEXT"):  # fmt: skip
        assert client.conforms_to(name), name


def test_the_schema_of_our_extension_is_served(served):
    found = served.get("stac/lineage/schema.json").json()
    assert found["$id"] == SCHEMA
    Draft7Validator.check_schema(found)
    assert served.get(urlsplit(SCHEMA).path.lstrip("/")).json() == found


def test_queryables_hold_every_lineage_field_and_what_people_filter_models_by(client):
    found = client.get_merged_queryables(["models-tested"])
    assert {*REPEATED, "lineage:exposed_to", "mlm:tasks", "mlm:architecture", "mlm:framework", "mlm:bands"} <= set(found["properties"])  # fmt: skip
    assert found["additionalProperties"] is False


def test_every_collection_and_many_items_are_valid_stac(client, served):
    schemas = JsonSchemaSTACValidator()
    schemas.schema_cache[SCHEMA] = served.get("stac/lineage/schema.json").json()
    listed = list(client.get_collections())
    assert len(listed) > 100
    assert len({c.id for c in listed}) == len(listed)
    documents = [c.to_dict(transform_hrefs=False) for c in listed]
    for name in (None, *(f"models-{role.replace('_', '-')}" for role in (*ROLES, "unknown"))):
        found = client.search(collections=None if name is None else [name], max_items=20)
        documents.extend(item.to_dict(transform_hrefs=False) for item in found.items())
    assert len(documents) > 250
    # pystac's schemas by a faster engine: what it does itself takes half a minute for these documents.
    kinds = {"Feature": pystac.STACObjectType.ITEM, "Collection": pystac.STACObjectType.COLLECTION}
    core = {name: schemas.schema_uri_map.get_object_schema_uri(kind, "1.1.0") for name, kind in kinds.items()}
    registry = jsonschema_rs.Registry([*schemas.schema_cache.items()])
    validators = {
        uri: jsonschema_rs.Draft7Validator(schemas.schema_cache[uri], registry=registry)
        for uri in (*core.values(), SCHEMA)
    }
    for validator in validators.values():
        assert list(validator.iter_errors({"type": "Feature", "links": {}}))
    for document in documents:
        for uri in (core[document["type"]], *({SCHEMA} & {*document.get("stac_extensions", ())})):
            assert list(validators[uri].iter_errors(document)) == [], document["id"]
    items = (one for one in documents if one["type"] == "Feature")
    assert list(validators[core["Feature"]].iter_errors(next(items) | {"geometry": {"type": "Point"}}))


def test_an_end_that_is_open_is_one_for_filters_too(client):
    """Its stand-in, the end of 9999, is past what the engine of filters can compare."""

    def found(**asked):
        return {item.id for item in client.search(collections=["models-trained"], **asked).items()}

    during = found(datetime="2019-01-01T00:00:00Z/2019-12-31T23:59:59Z")
    assert len(during) > 10
    year = "INTERVAL('2019-01-01T00:00:00Z','2019-12-31T23:59:59Z')"
    assert found(filter=f"T_INTERSECTS(datetime,{year})") == during
    assert found(filter=f"NOT T_INTERSECTS(datetime,{year})") == found() - during
    assert during <= found(filter="end_datetime >= TIMESTAMP('2019-01-01T00:00:00Z')") < found()


@pytest.mark.parametrize(
    "last", ["9999-12-31T23:59:59Z", "9999-12-31", "9999-12-30", "9999-12-30T22:00:00Z", "9999-12-31T23:59:59.999Z", "9998-12-31", ".."]
)  # fmt: skip
def test_an_end_in_the_last_hours_there_are_is_one(client, last):
    def found(**asked):
        return {item.id for item in client.search(collections=["models-trained"], **asked).items()}

    later = found(datetime="2022-01-01T00:00:00Z/9999-12-31T23:59:59Z")
    assert len(later) > 10
    start = "2022-01-01" if len(last) == 10 else "2022-01-01T00:00:00Z"
    text = f"T_INTERSECTS(datetime,INTERVAL('{start}','{last}'))"
    tree = {"op": "t_intersects", "args": [{"property": "datetime"}, {"interval": [start, last]}]}
    assert found(filter=text) == found(filter=tree) == later
    assert found(filter=f"NOT {text}") == found(filter={"op": "not", "args": [tree]}) == found() - later
    if last.startswith("9999"):
        open_end = found(datetime="9999-12-31T23:59:59Z")
        assert open_end
        word = "DATE" if len(last) == 10 else "TIMESTAMP"
        end = f"{word}('{last}')"
        for operator, expected in (("=", open_end), (">=", open_end), ("<", found() - open_end), ("<=", found())):
            assert found(filter=f"end_datetime {operator} {end}") == expected, operator
        assert found(filter=f"T_INTERSECTS(datetime,{end})") == open_end
        assert found(filter=f"end_datetime = '{last}'") == open_end


def test_documents_are_those_of_the_export(families, served, tmp_path):
    families.export_stac(tmp_path / "stac")
    exported = {}
    for path in (tmp_path / "stac").rglob("*.json"):
        document = json.loads(path.read_text())
        fields = document.get("properties", document)
        if document["type"] != "Catalog" and fields["lineage:kind"] in ("model", "dataset", "archive", "family"):
            exported[fields["lineage:iri"]] = document
    seen = 0
    client = Client.open(f"{served.url}stac")
    documents = [i.to_dict(transform_hrefs=False) for i in client.search(collections=["models", "families"]).items()]
    documents += [c.to_dict(transform_hrefs=False) for c in client.get_collections() if "lineage:iri" in c.extra_fields]
    plain = ("root", "self", "parent", "child", "item", "items", "collection", "alternate", about_queryables())
    for document in documents:
        fields = document.get("properties", document)
        expected = exported[fields["lineage:iri"]]
        assert document["id"] == expected["id"]
        for key in ("properties", "geometry", "bbox", "extent", "description", "lineage:evidence", "assets"):
            assert document.get(key) == expected.get(key), (document["id"], key)

        def edges(of):
            return sorted(json.dumps({k: v for k, v in entry.items() if k not in ("href", "title")}, sort_keys=True) for entry in of["links"] if entry["rel"] not in plain)  # fmt: skip

        assert edges(document) == edges(expected), document["id"]
        seen += 1
    counts = families.counts()
    assert seen == counts.models + counts.families + counts.datasets


def about_queryables():
    return "http://www.opengis.net/def/rel/ogc/1.0/queryables"


def test_an_item_links_to_its_lineage_page_turtle_parents_and_data(served):
    found = served.get("stac/collections/models/items/geochat-7b").json()
    page, turtle = [entry for entry in found["links"] if entry["rel"] == "alternate"]
    assert "<h1>" in requests.get(page["href"], headers={"Accept": "text/html"}, timeout=60).text
    assert "mlaoi:" in requests.get(turtle["href"], timeout=60).text
    made_from = [entry for entry in found["links"] if entry["rel"] == "derived_from"]
    kinds = {entry["lineage:kind"] for entry in made_from}
    assert {"model", "dataset"} <= kinds
    for entry in made_from:
        target = requests.get(entry["href"], timeout=60)
        fields = target.json().get("properties", target.json())
        assert fields["lineage:iri"] == entry["lineage:iri"]


# -- by stage and place ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("area", [BOLIVIA, ALPS, (-180, -90, 180, 90)], ids=["bolivia", "alps", "world"])
def test_role_collections_answer_what_the_catalog_answers(client, families, role, area):
    expected = {row.model for row in families.models(**{f"{role}_in": list(area)})}
    found = client.search(collections=[f"models-{role.replace('_', '-')}"], bbox=list(area))
    items = list(found.items())
    assert {item.properties["lineage:iri"] for item in items} == expected
    assert len(items) == len(expected) == found.matched()
    for item in items:
        assert item.collection_id == f"models-{role.replace('_', '-')}"
        assert shapely.intersects(shapely.geometry.shape(item.geometry), shapely.box(*area))


def test_the_geometry_and_dates_of_a_role_are_those_of_the_data(small):
    (tested,) = search(small, collections=["models-tested"], ids=["a"])["features"]
    assert tested["bbox"] == [10, 0, 11, 1]
    assert shapely.geometry.shape(tested["geometry"]).equals(shapely.box(10, 0, 11, 1))
    assert tested["properties"]["start_datetime"] == "2022-01-01T00:00:00Z"
    assert tested["properties"]["end_datetime"] == "2022-12-31T00:00:00Z"
    (trained,) = search(small, collections=["models-pretrained"], ids=["a"])["features"]
    assert trained["bbox"] == [0, 0, 1, 1]
    (declared,) = search(small, collections=["models-declared"], ids=["a"])["features"]
    assert declared["bbox"] == [7, 46, 8, 47]  # of the item itself
    assert "lineage:declared_area" in declared["properties"]
    assert "lineage:declared_area" not in tested["properties"]  # it would be read as what the publisher declares


def test_each_role_answers_by_hand(small):
    west, east = [0.2, 0.2, 0.4, 0.4], [10.2, 0.2, 10.4, 0.4]
    assert ids(small, collections=["models-tested"], bbox=east) == ["a"]
    assert ids(small, collections=["models-tested"], bbox=west) == ["b"]
    assert ids(small, collections=["models-pretrained"], bbox=west) == ["a"]
    assert ids(small, collections=["models-exposed"], bbox=west) == ["a", "b"]  # b was made from a
    assert ids(small, collections=["models-validated"], bbox=west) == ["c"]
    assert ids(small, collections=["models-finetuned"]) == []
    assert ids(small, collections=["models-unknown"]) == [
        "c",
        "d/e",
    ]  # trained on something without a place; on what nobody says
    assert ids(small, collections=["models-tested"], datetime="2022-06-01T00:00:00Z/..") == ["a"]
    assert ids(small, collections=["models-tested"], datetime="../2020-06-01T00:00:00Z") == ["b"]
    triangle = {"type": "Polygon", "coordinates": [[[9, -1], [12, -1], [10.5, 3], [9, -1]]]}
    assert ids(small, collections=["models-tested"], intersects=triangle) == ["a"]


def test_a_search_without_collections_returns_each_model_once(small):
    found = search(small, limit=1000)["features"]
    models = [feature["id"] for feature in found if feature["collection"] == "models"]
    assert sorted(models) == ["a", "b", "c", "d/e"]
    assert {feature["collection"] for feature in found} == {"models", "west", "east", "nowhere"}
    assert {"s1", "s2"} <= {feature["id"] for feature in found if feature["collection"] == "east"}


def test_every_answer_links_to_the_models_of_which_the_place_is_unknown(small):
    for parameters in ({}, {"collections": ["models-tested"], "bbox": [50, 50, 51, 51]}):
        (related,) = [entry for entry in search(small, **parameters)["links"] if entry["rel"] == "related"]
        assert related["title"].startswith("2 models whose footprint for some stage is unknown")
        found = requests.get(related["href"], timeout=60).json()["features"]
        assert [feature["id"] for feature in found] == ["c", "d/e"]  # of the second nothing is recorded
        assert found[0]["geometry"] is None


def test_models_unknown_are_those_the_catalog_does_not_know_the_place_of(client, families):
    stages = [*STAGES_OF, "exposed"]
    rows = [row for stage in stages for row in families.models(**{f"{stage}_in": [0, 0, 1, 1]}).unknown]
    models = {one.iri for one in families.models()}
    found = {item.properties["lineage:iri"] for item in client.search(collections=["models-unknown"]).items()}
    assert found == {row.model for row in rows} & models


def test_what_was_made_from_a_model_of_which_the_place_is_unknown_is_unknown_too(catalog, write):
    base = model("base") | {"links": []}
    tuned = model("tuned", link("derived_from", "base.json", **{"lineage:derivation": "finetuned"}), used("ds.json", "finetuning"))  # fmt: skip
    far = model("far", link("derived_from", "tuned.json", **{"lineage:derivation": "finetuned"}))
    known = model("known", used("ds.json", "training"))
    data = collection("ds", bbox=(5, 45, 8, 47))
    assert not catalog.ingest(write(base=base, tuned=tuned, far=far, known=known, ds=data)).failed
    rows = catalog.models(exposed_in=[100, 0, 101, 1]).unknown
    expected = {row.model for row in rows}
    assert len(expected) == 3
    holdings = Holdings(catalog)
    assert {holdings.models.iris[at] for at in holdings.places.models_of("unknown", None)} == expected


def test_what_was_made_from_a_thing_of_unknown_kind_may_have_learned_anywhere(catalog, write):
    """For areas, the STAC API and leakage alike; through models, and through data and what these are part of."""
    complete, gone = {"lineage:disclosure": "complete"}, link("derived_from", "gone.json")
    made = link("derived_from", "m.json", **{"lineage:derivation": "finetuned"})
    told = {
        "m": model("m", used("ds.json", "training"), **complete),
        "child": model("child", made, used("ds.json", "training"), **complete),
        "taught": model("taught", used("made.json", "training") | {"lineage:split": "train"}, **complete),
        "heir": model("heir", link("derived_from", "taught.json", **{"lineage:derivation": "finetuned"}), **complete),
        "clean": model("clean", used("ds.json", "training"), **complete),
        "tested": model("tested", used("ds.json", "training"), used("made.json", "test"), **complete),
        "ds": collection("ds", bbox=(5, 45, 8, 47)),
        "made": collection("made", gone, bbox=(15, 45, 18, 47)),
    }
    told["m"]["properties"]["mlm:pretrained"] = True
    assert not catalog.ingest(write(**told)).failed
    graph, edges = catalog.lineage, catalog.lineage.edges
    names = {one.iri: one.label for one in catalog.models()}
    expected = {
        name
        for iri, name in names.items()
        if any(gap.what == "unknown-kind" for gap in graph.knowledge(edges.at(iri)).gaps)
    }
    assert expected == {"m", "child", "taught", "heir"}
    rows = catalog.models(exposed_in=[100, 0, 101, 1]).unknown
    assert {row.label for row in rows} == expected
    reasons = {row.label: row.reason for row in rows}
    assert "made from not said by" in reasons["m"]
    assert reasons["child"].startswith("made from m, ")
    assert reasons["heir"] == reasons["taught"]
    assert reasons["taught"].startswith("learned from made: made from ")
    assert {row.label for row in catalog.models(trained_in=[100, 0, 101, 1]).unknown} == {"m"}
    holdings = Holdings(catalog)
    assert {names[holdings.models.iris[at]] for at in holdings.places.models_of("unknown", None)} == expected


def test_ids_with_slashes_and_items_by_path(small):
    found = small.get("stac/collections/models/items/d%2Fe").json()
    assert found["id"] == "d/e"
    (self_link,) = [entry["href"] for entry in found["links"] if entry["rel"] == "self"]
    assert requests.get(self_link, timeout=60).json() == found
    assert ids(small, ids=["d/e"]) == ["d/e"]
    assert ids(small, ids=["s1"]) == ["s1"]
    item = small.get("stac/collections/east/items/s1").json()
    assert item["collection"] == "east"
    assert item["geometry"]["type"] == "Polygon"


# -- filters --------------------------------------------------------------------------------------------------------

FILTERS = {
    "a_contains(\"mlm:tasks\", ('detection'))": ["a", "d/e"],
    "a_contains(\"mlm:tasks\", ('detection', 'segmentation'))": ["d/e"],
    "a_overlaps(\"mlm:tasks\", ('segmentation', 'x'))": ["b", "d/e"],
    "a_containedBy(\"mlm:tasks\", ('segmentation', 'x'))": ["b"],
    "a_equals(\"mlm:tasks\", ('segmentation'))": ["b"],
    "a_contains(\"mlm:bands\", ('B08'))": ["d/e"],
    "\"mlm:architecture\" = 'ViT'": ["a", "b", "c", "d/e"],
    "\"mlm:architecture\" LIKE 'V%' AND id <> 'a'": ["b", "c", "d/e"],
    "id IN ('a', 'b') AND NOT id = 'a'": ["b"],
    "casei(\"mlm:architecture\") = casei('vit')": ["a", "b", "c", "d/e"],
    "accenti(title) = accenti('Ete')": ["d/e"],
    "version IS NULL AND NOT id = 'c'": ["a", "b", "d/e"],
    "NOT a_contains(\"mlm:tasks\", ('detection'))": ["b"],  # of c no task is known: that is not a no
    "collection = 'models' AND id >= 'b' AND id BETWEEN 'a' AND 'c'": None,
    "s_intersects(geometry, BBOX(7.5, 46.5, 7.6, 46.6))": ["a", "b", "c", "d/e"],
    "s_within(geometry, POLYGON((0 40, 20 40, 20 50, 0 50, 0 40)))": ["a", "b", "c", "d/e"],
    "s_disjoint(geometry, BBOX(7.5, 46.5, 7.6, 46.6))": [],
    "t_intersects(datetime, INTERVAL('2023-12-31T00:00:00Z', '2024-02-01T00:00:00Z'))": ["a", "b", "c", "d/e"],
    "t_after(datetime, TIMESTAMP('2025-01-01T00:00:00Z'))": [],
    "true": ["a", "b", "c", "d/e"],
    "false": [],
    "id = 'a' AND true": ["a"],
    "true AND a_contains(\"mlm:tasks\", ('detection'))": ["a", "d/e"],
    "a_contains(\"mlm:tasks\", ('detection')) AND false": [],
    "id = 'a' OR false": ["a"],
    "NOT false AND (id = 'b' OR id = 'a' AND true)": ["a", "b"],
}


@pytest.mark.parametrize("text", [t for t, expected in FILTERS.items() if expected is not None])
def test_filters_find_what_they_say(small, text):
    assert ids(small, collections=["models"], filter=text, filter_lang="cql2-text") == FILTERS[text]


def test_true_and_false_are_filters(small):
    everything = ids(small)
    for tree, expected in (
        (True, everything),
        ({"op": "and", "args": [True, True]}, everything),
        ({"op": "or", "args": [False, True]}, everything),
        (False, []),
        ({"op": "and", "args": [True, False]}, []),
    ):
        found = requests.post(f"{small.url}stac/search", json={"filter": tree}, timeout=60)
        assert [feature["id"] for feature in found.json()["features"]] == expected, tree
    collections = small.get("stac/collections", params={"filter": "true"}).json()["collections"]
    assert collections == small.get("stac/collections").json()["collections"]
    assert small.get("stac/collections", params={"filter": "false"}).json()["collections"] == []


@pytest.mark.parametrize("name", [*REPEATED, "lineage:exposed_to"])
def test_lineage_fields_are_filtered_by_array_functions(client, families, name):
    every = {item.id: item.properties.get(name, []) for item in client.search(collections=["models"]).items()}
    targets = sorted({iri for values in every.values() for iri in values})
    for target in targets[:: max(1, len(targets) // 4)] or ["https://example.com/none"]:
        expected = sorted(identifier for identifier, values in every.items() if target in values)
        text = f"a_contains(\"{name}\", ('{target}'))"
        found = client.search(collections=["models"], filter=text, filter_lang="cql2-text")
        assert sorted(item.id for item in found.items()) == expected
        tree = {"op": "a_overlaps", "args": [{"property": name}, [target, "urn:x"]]}
        found = client.search(collections=["models"], filter=tree, filter_lang="cql2-json")
        assert sorted(item.id for item in found.items()) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a_contains(\"mlm:tasks\", ('detection')) OR \"mlm:framework\" = 'x'", ["a", "d/e"]),
        ("\"mlm:framework\" = 'x' OR \"mlm:architecture\" IN ('ViT', 'y')", ["a", "b", "c", "d/e"]),
        (
            "(a_contains(\"mlm:tasks\", ('detection')) OR a_contains(\"mlm:tasks\", ('segmentation'))) "
            "AND (\"mlm:architecture\" = 'y' OR a_contains(\"mlm:tasks\", ('detection', 'segmentation')))",
            ["d/e"],
        ),
    ],
)
def test_alternatives_are_found_without_looking_into_documents(small, text, expected):
    found = search(small, collections=["models"], filter=text)
    assert [feature["id"] for feature in found["features"]] == expected
    assert found["numberMatched"] == len(expected)
    looked = search(small, collections=["models"], filter=f"({text}) OR id = 'none'")  # of ids no array knows
    assert looked["features"] == found["features"]
    assert "numberMatched" not in looked


@pytest.mark.parametrize(
    "text",
    [
        "NOT a_contains(\"mlm:tasks\", ('backbone'))",
        "NOT a_overlaps(\"mlm:tasks\", ('backbone', 'retrieval'))",
        "NOT \"mlm:framework\" = 'pytorch'",
        "NOT \"lineage:family\" IN ('https://w3id.org/mlaoi/families/families/mtp', 'https://w3id.org/mlaoi/families/families/ssl4eo-s12-models')",
        "NOT a_contains(\"lineage:trained_on\", ('https://w3id.org/mlaoi/families/datasets/sa-1b'))",
        "NOT a_contains(\"lineage:exposed_to\", ('https://w3id.org/mlaoi/families/datasets/sa-1b'))",
        "NOT a_contains(\"lineage:tested_on\", ('https://example.com/none'))",
        "NOT NOT a_contains(\"mlm:tasks\", ('backbone'))",
        "NOT (a_contains(\"mlm:tasks\", ('backbone')) OR \"mlm:architecture\" = 'ViT-L')",
        "NOT (a_contains(\"mlm:tasks\", ('backbone')) AND \"mlm:architecture\" = 'ViT-L')",
        "NOT a_contains(\"mlm:tasks\", ('backbone')) OR \"mlm:framework\" = 'x'",
        "a_contains(\"mlm:tasks\", ('backbone')) AND NOT \"mlm:architecture\" = 'ViT-L'",
    ],
)
def test_what_not_finds_is_known_without_looking_into_documents(served, text):
    def found(asked):
        answer = search(served, collections=["models"], limit=1000, filter=asked)
        return [item["id"] for item in answer["features"]], answer.get("numberMatched")

    names, matched = found(text)
    assert matched == len(names)
    assert found(f"({text}) OR id = 'none'") == (names, None)  # of ids no array knows
    if "framework" not in text:
        assert names, text


def test_a_filter_reads_role_items_by_their_own_geometry(small):
    text = "s_intersects(geometry, BBOX(10.2, 0.2, 10.4, 0.4)) AND a_contains(\"mlm:tasks\", ('detection'))"
    assert ids(small, collections=["models-tested"], filter=text) == ["a"]
    assert ids(small, collections=["models-pretrained"], filter=text) == []


OUTSIDE = [
    {"type": "Point", "coordinates": [200, 0]},
    {"type": "Point", "coordinates": [0, 100]},
    {"type": "Polygon", "coordinates": [[[170, 0], [190, 0], [190, 10], [170, 10], [170, 0]]]},
    {"bbox": [-190, 0, 1, 1]},
    {"bbox": [0, 0, 1, 91]},
]


@pytest.mark.parametrize("place", OUTSIDE, ids=range(len(OUTSIDE)))
def test_a_place_beyond_the_world_is_refused_however_it_is_given(small, place):
    condition = {"op": "s_intersects", "args": [{"property": "geometry"}, place]}
    for body in (place if "bbox" in place else {"intersects": place}, {"filter": condition}):
        found = requests.post(f"{small.url}stac/search", json=body, timeout=60)
        assert found.status_code == 400, body
        assert "within 180" in found.json()["reason"]
    text = f"s_intersects(geometry, {cql2.parse_json(json.dumps(condition)).to_text().split(', ', 1)[1]}"
    assert small.get("stac/search", params={"filter": text}).status_code == 400


def test_rings_that_cross_or_are_open_are_mended_and_that_is_said(small):
    bow = [[9.5, -0.5], [11.5, 1.5], [11.5, -0.5], [9.5, 1.5]]  # crosses itself at 10.5, 0.5: east is in both halves
    halves = {"type": "Polygon", "coordinates": [[[0.5, 0.5], [1, 1], [1, 0], [0.5, 0.5]]]}
    expected = ids(small, collections=["models-tested"], bbox=[9.5, -0.5, 11.5, 1.5])
    assert expected == ["a"]
    for ring, rule in (([*bow, bow[0]], "self-crossing"), ([[9, -1], [12, -1], [10.5, 3]], "ring-not-closed")):
        shape = {"type": "Polygon", "coordinates": [ring]}
        condition = {"op": "s_intersects", "args": [{"property": "geometry"}, shape]}
        for asked in ({"intersects": shape}, {"filter": condition, "filter_lang": "cql2-json"}):
            found = search(small, collections=["models-tested"], **asked)
            assert [feature["id"] for feature in found["features"]] == expected
            assert [note.partition(":")[0] for note in found["notes"]] == [rule]
    assert "notes" not in search(small, intersects=halves)
    collections = small.get("stac/collections", params={"intersects": json.dumps(shape)}).json()
    assert [note.partition(":")[0] for note in collections["notes"]] == ["ring-not-closed"]


def test_a_box_across_the_antimeridian_is_the_same_in_a_filter(small):
    box = [100, -10, 5, 60]  # from Asia by the Pacific to 5 E: west is in it, the Alps are not
    condition = {"op": "s_intersects", "args": [{"property": "geometry"}, {"bbox": box}]}
    for stage in ("models", "models-tested", "models-pretrained"):
        found = ids(small, collections=[stage], bbox=box)
        assert ids(small, collections=[stage], filter=condition, filter_lang="cql2-json") == found
    assert ids(small, collections=["models-tested"], bbox=box) == ["b"]
    assert ids(small, collections=["models"], bbox=box) == []


# -- sorting, fields, free text, collections ----------------------------------------------------------------------------


def test_sorting_runs_through_pages(small):
    for sortby, expected in (("-id", ["d/e", "c", "b", "a"]), ("mlm:architecture,-id", ["d/e", "c", "b", "a"]), ("-title", ["d/e", "c", "b", "a"]), ("+properties.lineage:iri", ["a", "b", "c", "d/e"])):  # fmt: skip
        found, url = [], f"{small.url}stac/search"
        parameters = {"collections": "models", "sortby": sortby, "limit": 1}
        while url:
            page = requests.get(url, params=parameters, timeout=60).json()
            found += [feature["id"] for feature in page["features"]]
            url, parameters = next((e["href"] for e in page["links"] if e["rel"] == "next"), None), None
        assert found == expected, sortby


def test_fields_leave_out_and_keep(small):
    (found,) = small.get("stac/search", params={"ids": "a", "fields": "id,properties.mlm:tasks"}).json()["features"]  # fmt: skip
    assert set(found) == {"type", "stac_version", "id", "collection", "properties"}
    assert found["properties"] == {"mlm:tasks": ["detection"]}
    (found,) = small.get("stac/search", params={"ids": "a", "fields": "-links,-properties.mlm:tasks"}).json()["features"]  # fmt: skip
    assert "links" not in found
    assert "geometry" in found
    assert "mlm:tasks" not in found["properties"]
    assert "mlm:name" in found["properties"]
    body = {"ids": ["a"], "fields": {"include": ["geometry"], "exclude": ["bbox"]}}
    (found,) = requests.post(f"{small.url}stac/search", json=body, timeout=60).json()["features"]
    assert set(found) == {"type", "stac_version", "id", "collection", "geometry"}


def test_free_text(small, client):
    assert ids(small, q=["detection"], collections=["models"]) == ["a", "d/e"]
    assert ids(small, q=["ÉTÉ", "nothing"], collections=["models"]) == ["d/e"]
    by_term = {
        "DETECT": ["a", "d/e"],  # the beginning of a word
        "ETECTION": [],
        '"detect"': [],
        '"detection"': ["a", "d/e"],
        "segmentation detection": [],  # two tasks, no phrase
        '"d/e"': ["d/e"],
        "d e": ["d/e"],
        '"nothing, at all","E\u0301te\u0301"': ["d/e"],  # a comma in a phrase parts nothing
    }
    for text, expected in by_term.items():
        found = small.get("stac/search", params={"q": text, "collections": "models"})
        assert [feature["id"] for feature in found.json()["features"]] == expected, text
    found = {
        item.id
        for item in client.search(filter="title LIKE 'GeoChat%'", filter_lang="cql2-text").items()
        if item.collection_id == "models"
    }
    assert "geochat-7b" in found


def test_collection_search(small, client, families):
    names = [c["id"] for c in small.get("stac/collections", params={"bbox": "10.2,0.2,10.4,0.4"}).json()["collections"]]
    assert "east" in names
    assert "nowhere" in names  # it may be there
    assert "west" not in names
    found = list(client.collection_search(q="bigearthnet").collections())
    assert found
    assert all("bigearthnet" in json.dumps(c.to_dict(transform_hrefs=False)).casefold() for c in found)
    found = list(client.collection_search(filter="\"lineage:kind\" = 'archive'", filter_lang="cql2-text").collections())
    assert {c.extra_fields["lineage:iri"] for c in found} == {d.iri for d in families.datasets() if d.archive}


@pytest.mark.parametrize("asked", ["2030-01-01T00:00:00Z/2031-01-01T00:00:00Z", "../2001-06-30T00:00:00Z", "2018-06-01T00:00:00Z"])  # fmt: skip
@pytest.mark.parametrize("place", [None, [-180, -90, 180, 90]])
def test_collections_of_another_time_are_not_found_wherever_they_are(client, asked, place):
    first, _, last = asked.partition("/")
    first, last = ("" if first == ".." else first), (last or first)
    matching = set()
    every = list(client.get_collections())
    for one in every:
        spans = [[side.isoformat().replace("+00:00", "Z") if side else None for side in span] for span in one.extent.temporal.intervals]  # fmt: skip
        if any((end or "9") >= first and (start or "0") <= last for start, end in spans):
            matching.add(one.id)
    found = {one.id for one in client.collection_search(datetime=asked, bbox=place).collections()}
    # That searches go by areas, and not by the span of all: no flood of these was in that month.
    assert found == matching - {"sen1floods11"}
    assert len(found) < len(every)


@pytest.mark.parametrize("sortby", ["-id", "id", "title", "-lineage:iri,id"])
def test_collections_are_sorted_through_all_pages_alike(client, small, sortby):
    """A page used to show the API's own collections before those of datasets."""
    every = [one.to_dict(transform_hrefs=False) for one in client.get_collections()]
    assert {"models-tested", "eurosat"} <= {one["id"] for one in every}
    for field in reversed(sortby.split(",")):
        name = field.lstrip("-")
        some = sorted((one for one in every if one.get(name)), key=lambda one: one[name], reverse=field[0] == "-")
        every = [*some, *(one for one in every if not one.get(name))]
    for limit in (5, 17, 1000):
        found = list(client.collection_search(sortby=sortby, limit=limit).collections())
        assert [one.id for one in found] == [one["id"] for one in every], limit


def test_documents_and_places_that_were_made_are_kept_beside_the_snapshot(small):
    whole = small.get("stac/search", params={"collections": "models-exposed,models", "limit": 1000}).json()
    path, state = Catalog.open(small.catalog).items_file
    assert path.exists()
    kept = Kept((path, state))
    items = dict(kept.all("items"))
    assert len(items) >= 4
    (parts,) = (text for text in items.values() if text.startswith(b"a\n"))
    elsewhere = json.loads(
        kept.told(put_together(parts, "models", f"{kept.site}stac"), 'https://elsewhere.example/"x"/')
    )
    (self_link,) = [entry["href"] for entry in elsewhere["links"] if entry["rel"] == "self"]
    assert self_link == 'https://elsewhere.example/"x"/stac/collections/models/items/a'
    again = small.get("stac/search", params={"collections": "models-exposed,models", "limit": 1000}).json()
    assert again["features"] == whole["features"]


def test_what_is_kept_is_of_one_state_and_damage_is_made_good(tmp_path):
    path = tmp_path / "1.items"
    first = Kept((path, "a"))
    first.put({"items": {1: f"{first.site}x".encode()}, "spoken": {1: b"x"}})
    again = Kept((path, "a"))
    assert again.get("items", [1, 2]) == {1: f"{first.site}x".encode()}
    assert again.told(again.get("items", [1])[1], "http://here/") == b"http://here/x"
    assert Kept((path, "b")).get("items", [1]) == {}
    path.write_bytes(b"no database" * 1000)
    again = Kept((path, "b"))
    again.put({"items": {2: b"x"}})
    assert again.get("items", [2]) == {2: b"x"}
    nowhere = Kept((tmp_path / "none" / "1.items", "a"))
    nowhere.put({"items": {3: b"y"}})
    assert nowhere.get("items", [3]) == {3: b"y"}


def test_exposure_of_all_at_once_is_what_was_inferred(families):
    found = families.query(f"SELECT ?m ?d {{ GRAPH <{INFERRED_GRAPH}> {{ ?m mlaoi:exposedTo ?d }} }}")
    iris = families.lineage.edges.iris
    pairs = list(zip(*families.lineage.exposures(), strict=True))
    assert {(iris[m], iris[d]) for m, d in pairs} == {(row["m"], row["d"]) for row in found}
    assert len(pairs) > 900
    assert pairs == sorted(pairs)


# -- pages ----------------------------------------------------------------------------------------------------------


def test_pages_hold_everything_once_in_the_same_order(client):
    whole = [(i.collection_id, i.id) for i in client.search(limit=1000).items()]
    assert len(whole) == len(set(whole)) > 250
    assert [(i.collection_id, i.id) for i in client.search(limit=7).items()] == whole
    assert [(i.collection_id, i.id) for i in client.search(limit=7, method="GET").items()] == whole
    assert client.search(limit=1).matched() == len(whole)
    several = client.search(collections=["models-trained", "models-tested"], limit=3)
    pairs = [(i.collection_id, i.id) for i in several.items()]
    assert len(pairs) == len(set(pairs)) == several.matched()


def test_pages_stay_in_place_while_the_catalog_is_written(small_documents, tmp_path):
    (tmp_path / "source").mkdir()

    def put(name, document):
        (tmp_path / "source" / f"{name}.json").write_text(json.dumps(document))

    for name in ("b", "d", "f", "h"):
        put(name, model(name))
    with Catalog.create(tmp_path / "catalog", base=BASE) as catalog:
        catalog.ingest(tmp_path / "source")
    with serve(tmp_path / "catalog", tmp_path / "served") as server:
        first = server.get("stac/collections/models/items", params={"limit": 2}).json()
        assert [feature["id"] for feature in first["features"]] == ["b", "d"]
        put("a", model("a"))
        put("e", model("e"))
        with Catalog.open(tmp_path / "catalog") as catalog:
            catalog.ingest(tmp_path / "source")
            catalog.remove(f"{BASE}documents/source/d.json")  # the item the page ended with
        until(lambda: server.get("stac/collections/models/items").json()["numberMatched"] == 5)
        (following,) = [entry["href"] for entry in first["links"] if entry["rel"] == "next"]
        rest = requests.get(following, timeout=60).json()
        assert [feature["id"] for feature in rest["features"]] == ["e", "f"]


# -- clients --------------------------------------------------------------------------------------------------------


def test_geopandas_reads_a_search(client, families):
    found = client.search(collections=["models-tested"], bbox=BOLIVIA).item_collection_as_dict()
    frame = geopandas.GeoDataFrame.from_features(found, crs="OGC:CRS84")
    expected = {row.model for row in families.models(tested_in=list(BOLIVIA))}
    assert set(frame["lineage:iri"]) == expected
    assert frame.intersects(shapely.box(*BOLIVIA)).all()


def test_a_catalog_built_from_the_api_is_the_catalog(small, tmp_path):
    with Catalog.open(small.catalog) as ours, Catalog.create(base=BASE) as copy:
        names = ["models", "families", "unresolved", *(c.id for c in Client.open(f"{small.url}stac").get_collections() if "lineage:iri" in c.extra_fields)]  # fmt: skip
        copy.ingest(f"{small.url}stac", allow_network=True, collections=names)

        def said(catalog):
            return {(edge.subject, edge.predicate, edge.object) for edge in catalog.edges()}

        assert said(copy) == said(ours)
        assert {m.iri: m for m in copy.models()} == {m.iri: m for m in ours.models()}


ELSEWHERE = {"Origin": "https://browser.example"}


def test_pages_of_other_origins_may_search(small):
    """What STAC Browser sends from its own address: a preflight, then JSON; it reads links and, of an error, the reason."""
    asks = {**ELSEWHERE, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type,accept-language"}  # fmt: skip
    preflight = requests.options(f"{small.url}stac/search", headers=asks, timeout=60)
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert "POST" in preflight.headers["access-control-allow-methods"]
    allowed = preflight.headers["access-control-allow-headers"].lower()
    assert "content-type" in allowed
    assert "accept-language" in allowed
    for path in ("", "/collections", "/collections/models", "/collections/models/items/a", "/collections/x"):
        found = requests.get(f"{small.url}stac{path}", headers={**ELSEWHERE, "Accept-Language": "en"}, timeout=60)
        assert found.headers["access-control-allow-origin"] == "*", path
    asked = {"collections": ["models"], "limit": 3, "sortby": [{"field": "properties.title", "direction": "asc"}],
             "filter-lang": "cql2-json", "filter": {"op": "isNull", "args": [{"property": "version"}]}}  # fmt: skip
    seen = []
    while asked is not None:
        found = requests.post(f"{small.url}stac/search", json=asked, headers=ELSEWHERE, timeout=60)
        assert found.headers["access-control-allow-origin"] == "*"
        seen += [feature["id"] for feature in found.json()["features"]]
        asked = next((entry["body"] for entry in found.json()["links"] if entry["rel"] == "next"), None)
    assert sorted(seen) == ["a", "b", "c", "d/e"]
    assert len(seen) == len(set(seen))


def test_a_client_that_follows_links_by_get_and_knows_no_conformance(small):
    """QGIS: the landing page's links, collections page by page, and a search by GET whose next links are followed."""
    landing = small.get("stac", headers={"Accept": "application/json"}).json()
    by_rel = {entry["rel"]: entry for entry in landing["links"] if entry.get("method", "GET") == "GET"}
    assert by_rel["search"]["type"] == "application/geo+json"
    listed, following = [], f"{by_rel['data']['href']}?limit=5"
    while following:
        page = requests.get(following, headers={"Accept": "application/json"}, timeout=60).json()
        listed += [one["id"] for one in page["collections"]]
        following = next((entry["href"] for entry in page["links"] if entry["rel"] == "next"), None)
    assert {"models", "models-tested", "east"} <= set(listed)
    assert len(listed) == len(set(listed))
    world = "-180,-90,180,90"
    time = "2000-01-01T00:00:00Z/2030-01-01T00:00:00Z"
    query = f"limit=2&collections=models-tested,models-pretrained&bbox={world}&datetime={time}"
    found, following = [], f"{by_rel['search']['href']}?{query}"
    while following:
        page = requests.get(following, timeout=60).json()
        assert len(page["features"]) <= 2
        found += [(feature["collection"], feature["id"]) for feature in page["features"]]
        following = next((entry["href"] for entry in page["links"] if entry["rel"] == "next"), None)
    # c was pretrained on something without a place.
    assert found == [("models-pretrained", "a"), ("models-tested", "a"), ("models-tested", "b")]


@pytest.mark.skipif(
    importlib.util.find_spec("stac_api_validator") is None, reason="no validator: pip install stac-api-validator"
)
def test_stac_api_validator_finds_no_error(served):
    area = {"type": "Polygon", "coordinates": [[[-69, -22], [-58, -22], [-58, -10], [-69, -10], [-69, -22]]]}
    parts = ["core", "collections", "features", "item-search", "filter"]
    command = [
        sys.executable, Path(__file__).with_name("validate_stac_api.py"), "--root-url", f"{served.url}stac",
        "--collection", "models-tested", "--geometry", json.dumps(area), "--log-level", "INFO",
        *(word for part in parts for word in ("--conformance", part)),
    ]  # fmt: skip
    paths = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    found = subprocess.run(command, capture_output=True, text=True, timeout=600, env=os.environ | {"PYTHONPATH": paths})
    assert found.returncode == 0, found.stdout[-5000:] + found.stderr[-5000:]
    assert "Errors: none" in found.stdout + found.stderr


# -- bad input ------------------------------------------------------------------------------------------------------

WRONG = {
    "bbox": ["1,2,3", "1,2,3,4,5", "a,b,c,d", "0,10,1,9", "0,0,0,0,0,0,0", "-181,0,0,1", "0,-91,1,0", "46,7,47,190", "nan,0,1,1", "inf,0,1,1", "0,0,9,1,1,5"],
    "datetime": ["x", "2020", "2020-01-01", "2020-01-01T00:00:00", "..", "../..", "/", "2021-01-01T00:00:00Z/2020-01-01T00:00:00Z", "2020-13-01T00:00:00Z", "2024-02-30T00:00:00Z", "a/b/c", "2020-01-01T00:00:00Z/2021-01-01T00:00:00Z/.."],
    "limit": ["0", "-1", "x", "1.5", "1e3", "²"],
    "intersects": ["x", "{}", "[]", '{"type":"Point"}', '{"type":"Polygon","coordinates":[[0]]}', '{"type":"Point","coordinates":[1,1000]}', '{"type":"Feature","geometry":null}', "[" * 5_000],
    "filter": ["a ==", "x = 1", "id", "1", "(" * 5000 + "id = 'a'" + ")" * 5000, "id = 'a' AND", "foo(id) = 1", "NOT " * 5000 + "id = 'a'", "a_contains(links, ('x'))", "id = 'a' SERVICE", "\x00",
               "datetime > TIMESTAMP('2024-02-30T00:00:00Z')", "datetime < DATE('2023-02-29')", "start_datetime > '2024-13-01T00:00:00Z'",
               "T_AFTER(datetime, INTERVAL('..','2024-01-01T25:00:00Z'))", "a_contains(title, ('x'))", "\"mlm:tasks\" LIKE 'x%'", "\"mlm:tasks\" = 'x'",
               "id > 5", "title = 5", "5 = title", "title IN (1,2)", "title IN ('a',2)", "title BETWEEN 1 AND 2", "\"mlm:total_parameters\" = 'x'", "\"mlm:total_parameters\" > '3'",
               "\"lineage:resolved\" = 'true'", "\"lineage:resolved\" = 1", "a_contains(\"mlm:tasks\", (1))", "a_overlaps(\"mlm:tasks\", ('a', 1))",
               "\"lineage:kind\" = 'nope'", "\"lineage:kind\" <> 'nope'", "\"lineage:kind\" IN ('model','nope')", "id = \"mlm:total_parameters\"", "title + 1 > 3", "id = TRUE",
               "casei(id) = 5", "t_after(datetime, 5)", "t_after(datetime, '2020-01-01')", "title LIKE 5", "datetime = 5", "s_intersects(geometry, 'x')", "title > DATE('2020-02-30')",
               "T_INTERSECTS(datetime, INTERVAL('2020-01-01','2010-01-01'))", "T_INTERSECTS(datetime, INTERVAL('2020-01-01T00:00:00Z','2019-12-31T23:30:00-00:15'))",
               "casei(\"lineage:aliases\") = 'x'", "s_intersects(title, POINT(0 0))", "t_after(title, DATE('2020-01-01'))", "geometry = 'x'"],
    "filter-lang": ["sql"],
    "filter-crs": ["EPSG:3857"],
    "sortby": ["x", "-geometry", "+links"],
    "token": ["x", "AAAA", "eyJhIjoxfQ", "%%%", "é"],
    "q": ["?!", '"', "a,-"],
    "unknown-parameter": ["1"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"), [(n, v) for n, values in WRONG.items() for v in values], ids=lambda v: v[:30]
)
def test_what_is_wrong_is_refused_with_a_reason(small, name, value):
    given = {name: value} | ({"filter": "id = 'a'"} if name.startswith("filter-") else {})
    for path in ("search", "collections/models/items"):
        found = small.get(f"stac/{path}", params=given)
        assert found.status_code == 400, (path, found.text[:200])
        assert set(found.json()) >= {"error", "reason"}
    assert small.get("stac").status_code == 200


BODIES = [
    b"", b"x", b"[]", b"1", b'{"bbox": "0,0,1,1"}', b'{"bbox": [0, 0, null, 1]}', b'{"bbox": [true, 0, 1, 1]}', b'{"limit": "x"}',
    b'{"limit": true}', b'{"limit": 1.5}', b'{"limit": 0.0}', b'{"limit": -1e22}', b'{"collections": "a"}', b'{"ids": [1]}', b'{"bbox": [0,0,1,1], "intersects": {"type": "Point", "coordinates": [0, 0]}}',
    b'{"filter": {"op": "=", "args": []}}', b'{"filter": {"op": "x", "args": []}}', b'{"filter": "id = 1"}', b'{"fields": 1}', b'{"sortby": [1]}',
    b'{"datetime": 1}', b'{"token": 1}', b'{"query": {}}', b'{"filter": ' + b'{"op":"not","args":[' * 3000 + b"1" + b"]}" * 3000 + b"}",
    b"[" * 500_000, b'{"ids": ["\xff"]}',
]  # fmt: skip


def test_a_filter_that_can_be_true_of_nothing_says_why(small):
    for text, reason in (
        ("datetime > TIMESTAMP('2024-02-30T00:00:00Z')", "'2024-02-30T00:00:00Z' is no date"),
        ("a_contains(title, ('x'))", "a_contains is for what is of type array, and title is of type string"),
        ("\"mlm:tasks\" = 'x'", "use a_contains"),
        ("title IN ('a', 5)", "in compares what is of one type: title is of type string, and 5.0 is of type number"),
        ("\"lineage:kind\" = 'nope'", "lineage:kind is never 'nope', but one of: model, family,"),
        ("t_after(datetime, '2020-01-01')", "'2020-01-01' is of type string. Write TIMESTAMP('2020-06-30T00:00:00Z')"),
        ("T_INTERSECTS(datetime, INTERVAL('2020-01-01','2010-01-01'))", "Give the earlier first"),
    ):
        assert reason in small.get("stac/search", params={"filter": text}).json()["reason"]
    scalar = {"op": "a_contains", "args": [{"property": "lineage:tested_on"}, "https://example.com/data"]}
    found = requests.post(f"{small.url}stac/search", json={"filter": scalar}, timeout=60)
    assert (found.status_code, 'in JSON ["x"]' in found.json()["reason"]) == (400, True)
    leap = "datetime < TIMESTAMP('2016-12-31T23:59:60Z') OR start_datetime > '2019-02-28'"
    assert small.get("stac/search", params={"filter": leap}).status_code == 200


def test_what_is_described_is_told_from_what_is_only_referred_to(families_catalog, served):
    """Against the graph: the field stands in documents only where it is not true."""
    with Catalog.open(families_catalog) as catalog:
        said = {m.iri: m.resolved for m in catalog.models()}
    for word, value in (("= TRUE", True), ("= FALSE", False), ("IS NULL", None)):
        found = search(served, collections=["models"], filter=f'"lineage:resolved" {word}', limit=1000)["features"]
        assert {f["properties"]["lineage:iri"] for f in found} == {iri for iri, is_so in said.items() if is_so is value}
    some = search(served, collections=["models"], sortby="-lineage:resolved", limit=1)["features"][0]["properties"]
    assert "lineage:resolved" not in some
    assert ids(served, collections=["unresolved"], filter='"lineage:resolved" = TRUE') == []


def test_an_answer_says_what_was_asked(small):
    for path in (
        "search?collections=models&limit=1",
        "search",
        "collections/models/items?limit=1&q=%C3%A9t",
        "collections?limit=2",
    ):
        answer = small.get(f"stac/{path}").json()
        own = {entry["rel"]: entry for entry in answer["links"]}["self"]
        assert own["href"] == f"{small.url}stac/{path}"
        assert requests.get(own["href"], timeout=60).json() == answer
    body = {"collections": ["models"], "limit": 1}
    answer = requests.post(f"{small.url}stac/search", json=body, timeout=60).json()
    own = {entry["rel"]: entry for entry in answer["links"]}["self"]
    assert (own["href"], own["method"], own["body"]) == (f"{small.url}stac/search", "POST", body)
    following = {entry["rel"]: entry for entry in answer["links"]}["next"]
    again = requests.post(following["href"], json=following["body"], timeout=60).json()
    assert {entry["rel"]: entry for entry in again["links"]}["self"]["body"] == following["body"]


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
def test_bodies_that_are_wrong_are_refused(small, body):
    headers = {"Content-Type": "application/json"}
    found = requests.post(f"{small.url}stac/search", data=body, headers=headers, timeout=60)
    assert found.status_code == 400, found.text[:300]
    assert set(found.json()) >= {"error", "reason"}


@pytest.mark.parametrize("depth", [200, 250, 300, 1000])
@pytest.mark.parametrize(
    "name", ["filter", "filter-lang", "conf", "fields", "sortby", "bbox", "intersects", "token", "q"]
)
def test_what_is_nested_too_deeply_is_refused_and_ends_no_worker(small, name, depth):
    ended = 'mlaoi_workers_ended_total{pool="answers",why="crash"}'
    before = small.metric(ended)
    value = "[" * depth + "]" * depth
    if name == "intersects":
        value = f'{{"type": "GeometryCollection", "geometries": {value}}}'
    headers = {"Content-Type": "application/json"}
    found = requests.post(f"{small.url}stac/search", data=f'{{"{name}": {value}}}', headers=headers, timeout=60)
    assert found.status_code == 400, found.text[:300]
    assert "nested" in found.json()["reason"]
    assert small.metric(ended) == before


def test_brackets_in_text_do_not_nest(small):
    text = "([{" * 300
    assert ids(small, filter={"op": "=", "args": [{"property": "id"}, text]}, filter_lang="cql2-json") == []
    assert ids(small, filter=f"id = '{text}'", filter_lang="cql2-text") == []
    many = {"op": "and", "args": [{"op": "=", "args": [{"property": "id"}, "a"]}] * 300}  # wide, not deep
    assert ids(small, filter=many, filter_lang="cql2-json", collections=["models"]) == ["a"]


def test_as_deep_as_may_be_is_answered_and_followed(small):
    tree = {"op": "=", "args": [{"property": "id"}, "a"]}
    for _ in range(60):
        tree = {"op": "not", "args": [tree]}
    body = {"filter": {"op": "or", "args": [tree, True]}, "limit": 1}
    first = requests.post(f"{small.url}stac/search", json=body, timeout=60).json()
    (following,) = [entry["body"] for entry in first["links"] if entry["rel"] == "next"]
    again = requests.post(f"{small.url}stac/search", json=following, timeout=60)
    assert again.json()["numberReturned"] == 1


def test_what_is_not_there_is_404(small):
    for path in ("collections/x", "collections/x/items", "collections/x/queryables", "collections/models/items/x", "collections/x/items/a", "nothing", "collections/west/items/a"):  # fmt: skip
        found = small.get(f"stac/{path}")
        assert found.status_code == 404, path
        assert found.json()["reason"]
    assert search(small, collections=["x"])["features"] == []
    assert requests.put(f"{small.url}stac/search", timeout=60).status_code == 405


def test_a_page_is_never_larger_than_the_largest(small):
    everything = search(small)["features"]
    assert len(everything) > 5
    headers = {"Content-Type": "application/json"}
    for limit in ("1000", "1000000000", "1" + "0" * 22, "1" + "0" * 5000, "0001000"):
        got = small.get("stac/search", params={"limit": limit})
        assert got.json()["features"] == everything, limit[:30]
    for limit in ("1000", "1000000000", "1" + "0" * 22, "1" + "0" * 300, "1e3", "1000.0"):
        body = f'{{"limit": {limit}}}'
        posted = requests.post(f"{small.url}stac/search", data=body, headers=headers, timeout=60)
        assert posted.json()["features"] == everything, limit[:30]
    assert len(small.get("stac/search", params={"limit": "03"}).json()["features"]) == 3


def test_a_token_works_only_with_the_query_that_gave_it(small):
    first = small.get("stac/search", params={"limit": 1, "collections": "models"}).json()
    (href,) = [entry["href"] for entry in first["links"] if entry["rel"] == "next"]
    token = href.rpartition("token=")[2]
    assert small.get("stac/search", params={"limit": 3, "collections": "models", "token": token}).status_code == 200
    for wrong in ({"collections": "models-tested"}, {"collections": "models", "q": "a"}, {}):
        assert small.get("stac/search", params={"limit": 1, **wrong, "token": token}).status_code == 400
    changed = ("A" if token[3] != "A" else "B").join((token[:3], token[4:]))
    assert small.get("stac/search", params={"collections": "models", "token": changed}).status_code == 400


def test_very_many_vertices(small):
    ring = [[10 + i / 1e6, 0.5 + (i % 2) / 10] for i in range(40_000)]
    shape = {"type": "Polygon", "coordinates": [[*ring, [10.5, 2], ring[0]]]}
    found = requests.post(f"{small.url}stac/search", json={"intersects": shape, "collections": ["models-tested"]}, timeout=60)  # fmt: skip
    assert found.status_code == 200
    assert [feature["id"] for feature in found.json()["features"]] == ["a"]
    million = {"type": "LineString", "coordinates": [[i / 1e5, 0.5] for i in range(1_000_000)]}
    found = requests.post(f"{small.url}stac/search", json={"intersects": million}, timeout=60)
    assert found.status_code == 413
    assert found.json()["error"] == "body-size"


def test_nodes_read_at_once_are_those_merged_document_by_document(families):
    graph = StoredGraph(families, lambda iri: [])
    nodes = [*families.models(), *families.datasets(), *families.families()]
    assert len(nodes) > 300
    brief = [replace(node, footprints=()) if isinstance(node, Dataset) else node for node in nodes]
    assert [graph.briefly(node.iri) for node in nodes] == brief


def test_where_documents_contradict_the_one_that_describes_a_node_wins(catalog, write):
    target = "https://example.com/data"
    described = collection("data", link("self", target), title="Described")
    user = model(
        "m", link("derived_from", target, title="Aside", **{"lineage:kind": "dataset", "lineage:stage": "training"})
    )
    catalog.ingest(write(a=user, b=described))
    found = StoredGraph(catalog, lambda iri: []).briefly(target)
    assert found == replace(catalog.node(target), footprints=())
    assert found.label == "Described"


@given(st.lists(st.tuples(st.floats(-170, 169), st.floats(-80, 79), st.floats(0.001, 10)), min_size=65, max_size=200))
# Parts on two grids, and one of them a nanodegree beyond an edge of both.
@example([(-1e-9, 10, 1), *[(i / 10, 10, 0.05) for i in range(69)], *[(i * 2.0, -20, 0.5) for i in range(-60, 60)]])
@settings(max_examples=30, deadline=None)
def test_an_outline_covers_what_it_stands_for(places):
    shapes = shapely.box(*np.array([(x, y, x + size, y + size) for x, y, size in places]).T)
    index, rows = Index.of(shapes), np.arange(len(shapes))
    drawn = outline(index, [Cover(rows, (0, 0), (0, 0))])
    # As one dataset or as two that share some: the drawing is of the areas.
    again = outline(index, [Cover(rows[:70], (0, 0), (0, 0)), Cover(rows[50:], (0, 0), (0, 0))])
    assert again.symmetric_difference(drawn).area < 1e-12  # a union in another order is rounded otherwise
    assert drawn.is_valid
    assert shapely.covers(drawn.buffer(1e-6), shapes).all()
    assert shapely.get_num_coordinates(drawn) <= 256 * 5


@pytest.mark.parametrize(
    "text",
    [
        '"title" = \'a\' AND "mlm:total_parameters" > 5',
        "a_contains(\"mlm:tasks\", ('x', 'y')) OR NOT \"lineage:resolved\" = TRUE",
        "T_INTERSECTS(datetime, INTERVAL('2020-01-01T00:00:00Z', '..'))",
        "S_INTERSECTS(geometry, POLYGON((0 0, 1 0, 1 1, 0 0)))",
        "\"title\" LIKE 'a%' AND \"version\" IN ('1', '2') AND \"mlm:batch_size_suggestion\" BETWEEN 1 AND 9",
    ],
)
def test_a_form_is_as_valid_as_each_filter_that_has_it(text):
    # What is checked once for a form is what cql2 says of the whole filter.
    expression = cql2.parse_text(text)
    expression.validate()
    tree = expression.to_json()
    assert cql2.parse_json(json.dumps(_form(tree))).validate() is None
    wrong = {**tree, "args": [*tree["args"], 7, "more"], "op": "not"}
    with pytest.raises(cql2.ValidationError):
        cql2.parse_json(json.dumps(_form(wrong))).validate()


@pytest.mark.parametrize("role", ROLES)
def test_dates_of_all_models_are_those_of_each_ones_areas(families_catalog, role):
    with Catalog.open(families_catalog) as catalog:
        places = Holdings(catalog).places
        wheres = [places.where(role, model) for model in range(len(places.place))]
        assert places.dates(role) == [where and (where.start, where.end) for where in wheres]
        assert any(wheres) == (role != "declared")


def test_words_and_bands_find_the_same_before_and_after_all_items_are_made(families_catalog, tmp_path):
    copy = shutil.copytree(families_catalog, tmp_path / "copy", ignore=shutil.ignore_patterns("*.items*"))
    context = Context(copy, Bounds(500, 1000, 10, 50), tmp_path / "spool", stays=True)
    tasks.warm(context)
    searches = [
        {"collections": "models", "q": "segment"},
        {"collections": "models-trained,models-unknown", "q": "clay,VIT-B"},
        {"collections": "models", "q": "no such word"},
        {"collections": "models", "filter": "a_contains(\"mlm:bands\", ('red'))"},
        {"collections": "models", "filter": "NOT a_overlaps(\"mlm:bands\", ('red', 'B02'))"},
        {"collections": "models", "q": "sam", "sortby": "-title"},
        {"collections": "models", "q": '"sam 2"'},
        {"collections": "models", "q": "egment"},
    ]

    def found():
        for asked in searches:
            text = urlencode({**asked, "limit": "1000"}).encode()
            yield json.loads(tasks.search(context, site="http://here/", parameters=text, is_body=False).body)

    before = list(found())
    tasks.holdings(context).prepare()
    after = list(found())
    assert [page["features"] for page in after] == [page["features"] for page in before]
    assert [len(page["features"]) > 0 for page in after][:3] == [True, True, False]
    assert "numberMatched" not in before[0]
    assert after[0]["numberMatched"] == len(after[0]["features"])
