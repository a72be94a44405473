"""What validation says: of real documents against counts made by others, of small ones against the eye."""

import json
import logging
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rdflib import Dataset, Graph, URIRef

from mlaoi_graph.catalog import Catalog
from mlaoi_graph.errors import SourceNotFound
from mlaoi_graph.model import Severity
from mlaoi_graph.rdf import INFERRED_GRAPH
from mlaoi_graph.validation import schema_folder, validate_graph, validate_source

STAC = Path(__file__).parents[2] / "shared" / "stac"
EXAMPLES, SCHEMAS = STAC / "examples", STAC / "schemas"
real = pytest.mark.skipif(not SCHEMAS.is_dir(), reason="needs the real documents and schemas in ../shared/stac")

EXT = "https://example.org/ext/v1.0.0/schema.json"
CORE = "https://schemas.stacspec.org/v1.1.0/item-spec/json-schema/item.json"


def by_rule(findings):
    return Counter(finding.rule for finding in findings)


def check(source, schemas=None):
    return list(validate_source(str(source), schemas=schemas))


# --- real documents -------------------------------------------------------------------------------

# Documents, and those that validate against core and every declared extension, as counted by a script of
# somebody else (README of ../shared/stac); then those that declare a schema nobody can be held to, and why.
COUNTS = [
    ("stac-extensions-mlm", 56, 56, 0),
    ("stac-extensions-ml-model", 4, 4, 0),
    ("hotosm-fAIr-models/2026-04-24", 6, 6, 0),
    # label:properties and label:description are missing in one, bands in another.
    ("hotosm-fAIr-models/stac_catalog-58cf09ee", 7, 5, 0),
    # A fourth file is the GeoJSON labels themselves.
    ("stac-extensions-label", 3, 3, 0),
    ("ogcincubator-bblocks-stac", 10, 10, 0),
    # 103 declare ml-aoi v0.1.0, which as published wants v1.0.0 to be declared. The root catalog does not. In
    # nothing that can be checked is any of them wrong: we find no error where the plain script counts 103.
    ("ai-extensions-stac-data-loader", 104, 1, 103),
    # raster:bands with two numbers for a resolution in four, a summary that is text in the fifth.
    ("earthpulse-eotdl", 11, 6, 0),
    # Four declare mlm v1.0.0 at stac-extensions.github.io, which as published wants https://stac-extensions/mlm.
    ("crim-ca-dlm-extension", 5, 1, 4),
    # A collection, and no link to it.
    ("Open-EO-openeo-geopyspark-driver", 1, 0, 0),
    # assets is a list; its dl-model schema was never published at that address.
    ("sentinel-hub-stac-ml-example", 1, 0, 1),
    # Two stubs declare the extension template.
    ("stac-extensions-ml-aoi", 4, 2, 2),
    # ml-aoi v1.0.1 was never released. The collection is not JSON.
    ("TrainingDML-trainingdml-ai-extension", 2, 0, 2),
]


@real
@pytest.mark.parametrize(("folder", "documents", "valid", "unchecked"), COUNTS, ids=[row[0] for row in COUNTS])
def test_counts_of_real_documents_are_those_of_others(folder, documents, valid, unchecked):
    found = check(EXAMPLES / folder, SCHEMAS)
    unusable = {f.document for f in found if f.rule in ("schema-missing", "schema-broken")}
    wrong = {f.document for f in found if f.rule == "schema"}
    not_stac = {f.document for f in found if f.rule in ("not-stac", "not-json")}
    files = {str(p) for p in (EXAMPLES / folder).rglob("*") if p.suffix in (".json", ".geojson")} - not_stac
    declaring = {p for p in files if unusable & set(json.loads(Path(p).read_text()).get("stac_extensions", []))}
    assert (len(files), len(files - wrong - declaring), len(declaring)) == (documents, valid, unchecked)


@real
def test_a_broken_schema_is_said_once_and_with_the_reason():
    (finding,) = check(EXAMPLES / "ai-extensions-stac-data-loader", SCHEMAS)
    assert finding.document == "https://stac-extensions.github.io/ml-aoi/v0.1.0/schema.json"
    assert (finding.rule, finding.severity) == ("schema-broken", Severity.WARNING)
    assert "demands https://stac-extensions.github.io/ml-aoi/v1.0.0/schema.json; 103 documents" in finding.message


@real
def test_exactly_the_schemas_known_to_be_broken_are_found_so(write):
    # By hand, from what is served: notes on each in the README of ../shared/stac.
    broken = {
        f"https://stac-extensions.github.io/mlm/v{version}/schema.json"
        for version in ("1.0.0", "1.1.0", "1.2.0", "1.3.0")
    }
    broken |= {
        "https://stac-extensions.github.io/ml-aoi/v0.1.0/schema.json",
        "https://crim-ca.github.io/dlm-extension/v1.0.0/schema.json",
    }
    addresses = ["https://" + path.relative_to(SCHEMAS).as_posix() for path in SCHEMAS.rglob("schema.json")]
    assert len(addresses) > 80
    folder = write(**{
        f"d{number}": {"type": "Catalog", "stac_version": "1.0.0", "stac_extensions": [address]}
        for number, address in enumerate(addresses)
    })  # fmt: skip
    assert {f.document for f in check(folder, SCHEMAS) if f.rule == "schema-broken"} == broken


@real
def test_a_schema_that_wants_another_address_is_applied_where_that_is_declared_too(write):
    # mlm v1.3.0 of either home wants crim-ca's address; who declares both can be held to both.
    both = [
        f"https://{home}/v1.3.0/schema.json"
        for home in ("stac-extensions.github.io/mlm", "crim-ca.github.io/mlm-extension")
    ]
    item = {
        "type": "Feature",
        "stac_version": "1.0.0",
        "stac_extensions": both,
        "properties": {"mlm:name": 1},
        "assets": {},
        "links": [],
    }
    found = check(write(d=item), SCHEMAS)
    assert "schema-broken" not in by_rule(found)
    assert {f.message.partition(":")[0] for f in found if f.pointer == "/properties/mlm:name"} == {
        "mlm/v1.3.0",
        "mlm-extension/v1.3.0",
    }


@real
def test_a_wrong_word_deep_inside_a_model_is_named_with_what_is_allowed(write):
    source = EXAMPLES / "stac-extensions-mlm/v1.5.2/item_basic.json"
    item = json.loads(source.read_text())
    assert check(write(good=item), SCHEMAS) == []
    item["properties"]["mlm:output"][0]["result"]["data_type"] = "float33"
    (finding,) = check(write(good=item), SCHEMAS)
    assert finding.pointer == "/properties/mlm:output/0/result/data_type"
    assert finding.message.startswith("mlm/v1.5.2: found 'float33'; allowed: 'int8', 'int16', ")
    assert len(finding.message) < 300


@real
def test_an_item_with_a_broken_polygon_is_told_about_polygons_only(write):
    item = {
        "type": "Feature", "stac_version": "1.1.0", "id": "a", "bbox": [0, 0, 1, 1], "assets": {}, "links": [],
        "properties": {"datetime": "2020-01-01T00:00:00Z"},
        "geometry": {"type": "Polygon", "coordinates": [[[0, 0], [0, 1], [1, "1"], [0, 0]]]},
    }  # fmt: skip
    found = check(write(d=item), SCHEMAS)
    assert [(f.pointer, f.message) for f in found] == [
        ("/geometry/coordinates/0/2/1", "STAC 1.1.0 item: found '1'; allowed: number")
    ]


# --- small documents ------------------------------------------------------------------------------


@pytest.fixture
def schemas(tmp_path):
    """A folder with a core schema for items and one extension, built as STAC's are."""

    def save(address, schema):
        path = tmp_path / "schemas" / address.removeprefix("https://")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(schema if isinstance(schema, str) else json.dumps(schema))
        return path

    save(
        CORE,
        {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}, "links": {"type": "array"}}},
    )
    fields = {
        "properties": {
            "x:use": {"properties": {"kind": {"enum": ["train", "test"]}}},
            "x:n": {"type": "integer", "minimum": 1},
        }
    }
    save(EXT, {
        "$id": EXT + "#",
        "oneOf": [
            {"properties": {"type": {"const": "Feature"}, "properties": {"$ref": "#/definitions/fields"}}},
            {"properties": {"type": {"const": "Collection"}, "summaries": {"type": "object"}}},
        ],
        "properties": {"stac_extensions": {"contains": {"const": EXT}}},
        "definitions": {"fields": fields},
    })  # fmt: skip
    save.folder = tmp_path / "schemas"
    return save


def item(*extensions, **fields):
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "id": "a",
        "stac_extensions": list(extensions or [EXT]),
        "properties": {},
    } | fields


WRONG = [
    (item(), []),
    (item(id=7), [("/id", "STAC 1.1.0 item: found 7; allowed: string")]),
    ({k: v for k, v in item().items() if k != "id"}, [("", "STAC 1.1.0 item: 'id' missing")]),
    (
        item(properties={"x:use": {"kind": "val"}}),
        [("/properties/x:use/kind", "ext/v1.0.0: found 'val'; allowed: 'train', 'test'")],
    ),
    # Both of what is wrong, not only the nearest.
    (
        item(properties={"x:use": {"kind": None}, "x:n": 0}),
        [
            ("/properties/x:n", "ext/v1.0.0: found 0; the schema wants minimum 1"),
            ("/properties/x:use/kind", "ext/v1.0.0: found null; allowed: 'train', 'test'"),
        ],
    ),
    (item(links={"~/": 1}), [("/links", "STAC 1.1.0 item: found an object; allowed: array")]),
    ({k: v for k, v in item(assets={}, links=[]).items() if k != "stac_version"},
     [("/stac_version",
       "missing or no text, so which STAC Item schema applies is unknown; write for example '1.1.0'")]),
]  # fmt: skip


@pytest.mark.parametrize(("document", "expected"), WRONG)
def test_what_is_wrong_is_said_with_place_found_and_allowed(write, schemas, document, expected):
    found = check(write(d=document), schemas.folder)
    assert sorted((f.pointer, f.message) for f in found) == expected
    assert all((f.rule, f.severity) == ("schema", Severity.ERROR) for f in found)
    assert all(f.document.endswith("d.json") for f in found)


def test_a_long_value_is_cut(write, schemas):
    (finding,) = check(write(d=item(properties={"x:use": {"kind": "v" * 10_000}})), schemas.folder)
    assert len(finding.message) < 200
    assert finding.message.endswith("…; allowed: 'train', 'test'")


def test_alternatives_as_near_as_each_other_are_all_named(write, schemas):
    schemas(EXT, {"properties": {"properties": {"anyOf": [{"required": ["a"]}, {"required": ["b"]}]}}})
    (finding,) = check(write(d=item()), schemas.folder)
    assert finding.message == "ext/v1.0.0: none of the alternatives fits: 'a' missing; or 'b' missing"


def test_a_pointer_escapes_names(write, schemas):
    schemas(
        EXT,
        {"properties": {"properties": {"additionalProperties": False, "patternProperties": {"^a": {"type": "null"}}}}},
    )
    (finding,) = check(write(d=item(properties={"a~/": 1})), schemas.folder)
    assert finding.pointer == "/properties/a~0~1"


def test_a_schema_missing_for_a_hundred_documents_is_one_finding(write, schemas):
    missing = "https://example.org/other/v1.0.0/schema.json"
    folder = write(**{f"d{number:03}": item(EXT, missing, id=number) for number in range(100)})
    *wrong, finding = check(folder, schemas.folder)
    assert (finding.document, finding.rule, finding.severity) == (missing, "schema-missing", Severity.WARNING)
    assert f"save it as {schemas.folder / 'example.org/other/v1.0.0/schema.json'}" in finding.message
    assert "100 documents need it" in finding.message
    assert finding.message.endswith("d000.json")
    # The rest is checked all the same.
    assert by_rule(wrong) == {"schema": 100}


def test_without_schemas_each_is_missing_once_and_nothing_is_fetched(write, tmp_path, monkeypatch):
    # The network is blocked here: fetching would raise.
    monkeypatch.delenv("MLAOI_SCHEMAS", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    found = check(write(a=item(), b=item()))
    assert [(f.rule, f.document) for f in found] == [("schema-missing", EXT), ("schema-missing", CORE)]
    assert str(tmp_path / "cache/mlaoi-graph/schemas/example.org/ext/v1.0.0/schema.json") in found[0].message


def test_where_schemas_are_looked_for(tmp_path, monkeypatch, write, schemas):
    monkeypatch.delenv("MLAOI_SCHEMAS", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert schema_folder() == tmp_path / ".cache/mlaoi-graph/schemas"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "x"))
    assert schema_folder() == tmp_path / "x/mlaoi-graph/schemas"
    monkeypatch.setenv("MLAOI_SCHEMAS", str(schemas.folder))
    assert schema_folder() == schemas.folder
    assert check(write(d=item())) == []


def test_a_named_folder_or_source_that_is_not_there_is_an_error_at_once(tmp_path):
    with pytest.raises(SourceNotFound, match="no such folder of schemas"):
        validate_source(str(tmp_path), schemas=tmp_path / "nowhere")
    with pytest.raises(SourceNotFound):
        validate_source(str(tmp_path / "nowhere"))


def test_a_reference_to_a_missing_schema_is_that_schema_missing_and_no_verdict(write, schemas):
    # Were the unknown half taken to hold, "not" would make an error of it.
    schemas(EXT, {"properties": {"properties": {"not": {"$ref": "part.json#/x"}}}, "$id": EXT})
    found = check(write(a=item(), b=item()), schemas.folder)
    assert [(f.rule, f.document) for f in found] == [("schema-missing", "https://example.org/ext/v1.0.0/part.json")]
    assert "2 documents need it" in found[0].message
    schemas("https://example.org/ext/v1.0.0/part.json", {"x": {"required": ["y"]}})
    assert check(write(a=item(), b=item()), schemas.folder) == []
    (finding, *_) = check(write(a=item(properties={"y": 1}), b=item()), schemas.folder)
    assert finding.rule == "schema"


def test_a_reference_into_nowhere_is_reported_once(write, schemas):
    schemas(EXT, {"properties": {"properties": {"$ref": "#/definitions/none"}}})
    (finding,) = check(write(a=item(), b=item()), schemas.folder)
    assert (finding.rule, finding.document) == ("schema-missing", EXT)
    assert "leads nowhere" in finding.message


@pytest.mark.parametrize("text", ["{", '{"type": 3}', '{"pattern": "("}', "[]"])
def test_a_file_that_is_no_schema_is_broken(write, schemas, text):
    path = schemas(EXT, text)
    (finding,) = check(write(a=item(), b=item()), schemas.folder)
    assert (finding.rule, finding.document) == ("schema-broken", EXT)
    assert str(path) in finding.message


@pytest.mark.parametrize(
    "address",
    [
        "eo",
        "file:///etc/passwd",
        "https://../secret.json",
        "https://example.org/../../secret.json",
        "https://[",
        "https:///secret.json",
        "https://a.b/\0",
    ],
)
def test_what_is_no_address_of_a_schema_is_missing_and_never_read(write, schemas, address):
    (schemas.folder.parent / "secret.json").write_text("{")  # read, it would be broken and not missing
    (finding,) = check(write(d=item(address)), schemas.folder)
    assert (finding.rule, finding.document) == ("schema-missing", address)


def test_what_is_not_stac_is_a_remark_and_what_is_not_json_an_error(write, schemas):
    folder = write(a="[1, 2]", b='"x"', c={"type": "Point"}, d="{", e=item())
    (folder / "notes.txt").write_text("")
    found = check(folder, schemas.folder)
    assert [(f.rule, f.severity) for f in found] == [
        ("not-stac", Severity.INFO), ("not-stac", Severity.INFO), ("not-stac", Severity.INFO),
        ("not-json", Severity.ERROR), ("other-files", Severity.INFO),
    ]  # fmt: skip
    assert found[3].pointer == "1:2"


def test_members_of_lines_and_item_collections_are_checked_one_by_one(write, schemas):
    lines = "\n".join(json.dumps(item(id=identifier)) for identifier in ("a", 2, "c"))
    folder = write(
        **{"lines.ndjson": lines, "many": {"type": "FeatureCollection", "features": [item(id="d"), item(id=5)]}}
    )
    found = check(folder, schemas.folder)
    assert [(Path(f.document).name.removeprefix("source"), f.pointer) for f in found if f.rule == "schema"] == [
        ("lines.ndjson:2", "/id"), ("1", "/id"),
    ]  # fmt: skip
    assert found[1].document.endswith("many.json#/features/1")


def test_a_catalog_is_followed_and_its_broken_links_told(write, schemas):
    catalog = {
        "type": "Catalog",
        "stac_version": "1.1.0",
        "id": "c",
        "links": [{"rel": "item", "href": name} for name in ("./a.json", "./b.json")],
    }
    folder = write(catalog=catalog, a=item(id=1))
    assert by_rule(check(folder / "catalog.json", schemas.folder)) == {
        "broken-link": 1,
        "schema": 1,
        "schema-missing": 1,
    }


def test_nesting_without_end_is_a_finding(write, schemas):
    schemas(
        EXT, {"$ref": "#/definitions/a", "definitions": {"a": {"additionalProperties": {"$ref": "#/definitions/a"}}}}
    )
    deep = '{"a":' * 900 + "1" + "}" * 900
    text = json.dumps(item(deep="DEEP")).replace('"DEEP"', deep)
    (finding,) = check(write(d=text), schemas.folder)
    assert (finding.rule, finding.severity) == ("schema", Severity.ERROR)
    assert "nest too deeply" in finding.message


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=()), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@real
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_document_stops_the_rest(write, data):
    item = json.loads((EXAMPLES / "stac-extensions-mlm/v1.5.2/item_basic.json").read_text())
    holder = data.draw(
        st.sampled_from([item, item["properties"], item["properties"]["mlm:input"][0], item["geometry"]])
    )
    holder[data.draw(st.sampled_from(sorted(holder)))] = data.draw(json_values)
    for finding in check(write(d=item), SCHEMAS):
        assert len(finding.message) < 1000


# --- graph ----------------------------------------------------------------------------------------

PREFIXES = """@prefix m: <https://w3id.org/mlaoi#> . @prefix e: <https://e.org/> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
"""
GOOD = """e:m a m:Model ; rdfs:label "m" ; m:trainedOn e:d . e:d a m:Dataset ; rdfs:label "d" .
e:doc a m:SourceDocument ; m:describes e:m .
e:u a m:DataUse ; m:ofModel e:m ; m:ofDataset e:d ; m:stage m:Training ; m:rule m:Stated ; m:statedIn e:doc ."""


def graph(text):
    return Graph().parse(data=PREFIXES + text)


def dataset(default="", **named):
    made = Dataset()
    made.default_graph.parse(data=PREFIXES + default)
    for name, text in named.items():
        made.graph(URIRef("https://e.org/" + name)).parse(data=PREFIXES + text)
    return made


def found_in(checked):
    return [
        (f.document.removeprefix("https://e.org/"), f.pointer.removeprefix("https://e.org/"), f.severity)
        for f in validate_graph(checked)
    ]


def test_a_good_graph_has_no_findings_says_nothing_and_is_left_alone(capfd):
    good = graph(GOOD)
    size = len(good)
    assert list(validate_graph(good)) == []
    assert len(good) == size
    assert capfd.readouterr() == ("", "")


def test_each_result_is_a_finding_with_node_value_and_document():
    bad = graph(
        GOOD.replace("m:Training ;", "m:Trayning ;")
        + ' e:a a m:AreaOfInterest ; m:precision m:Global ; m:country "Kenya" . e:m m:family e:f .'
    )
    found = list(validate_graph(bad))
    assert [(f.document, f.pointer, f.severity) for f in found] == [
        # No document says whose the area is.
        ("https://e.org/a", "https://e.org/a", Severity.WARNING),
        ("https://e.org/doc", "https://e.org/m", Severity.ERROR),
        ("https://e.org/doc", "https://e.org/u", Severity.ERROR),
    ]
    assert [f.rule for f in found] == ["shacl"] * 3
    assert found[0].message.endswith('for example KEN. Found: "Kenya"')
    assert found[1].message.endswith("Found: <https://e.org/f>")
    assert found[2].message.endswith("Found: <https://w3id.org/mlaoi#Trayning>")


def test_named_graphs_are_checked_as_one_and_name_the_document():
    # The use and what it points at stand in different documents; neither is complete by itself.
    split = dataset(
        doc=GOOD.replace('e:d a m:Dataset ; rdfs:label "d" .', ""), other='e:d a m:Dataset ; rdfs:label "d" .'
    )
    assert found_in(split) == []
    unlabelled = dataset(doc=GOOD.replace('e:d a m:Dataset ; rdfs:label "d" .', ""), other="e:d a m:Dataset .")
    assert found_in(unlabelled) == [("other", "d", Severity.ERROR)]


def test_what_is_inferred_is_not_checked():
    wrong = "e:m m:trainedOn e:nothing ."
    checked = dataset(doc=GOOD)
    checked.graph(URIRef(INFERRED_GRAPH)).parse(data=PREFIXES + wrong)
    # A catalog's default graph repeats all its named graphs.
    checked.default_graph.parse(data=PREFIXES + GOOD + wrong)
    assert found_in(checked) == []
    assert found_in(dataset(doc=GOOD + wrong)) == [("nothing", "nothing", Severity.ERROR)]


def test_a_dataset_that_names_no_graph_is_checked_too():
    assert found_in(dataset(default="e:d a m:Dataset .")) == [("d", "d", Severity.ERROR)]


@real
@pytest.mark.parametrize("folder", ["hotosm-fAIr-models/stac_catalog-58cf09ee", "ai-extensions-stac-data-loader"])
def test_what_we_make_of_real_documents_fits_our_shapes(tmp_path, folder, caplog):
    with Catalog.create(tmp_path / "catalog") as catalog, caplog.at_level(logging.INFO):
        catalog.ingest(EXAMPLES / folder)
        checked = catalog.rdflib_graph()
        assert len(checked) > 100
        assert [str(f) for f in validate_graph(checked) if f.severity is Severity.ERROR] == []
