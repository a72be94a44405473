"""The Lineage extension of STAC: its schema, its README, its examples and the code say the same."""

import ast
import json
import re
import warnings
from dataclasses import fields
from pathlib import Path

import pystac
import pytest
from conftest import SHARED, collection, link, model, sample
from jsonschema import Draft7Validator
from pystac.validation import JsonSchemaSTACValidator, set_validator

import mlaoi_graph
from mlaoi_graph import lineage_fields
from mlaoi_graph.model import (
    Confidence,
    DerivationKind,
    Disclosure,
    Evidence,
    Precision,
    Rule,
    SplitPolicy,
    Stage,
)
from mlaoi_graph.ontology_files import ontology_file
from mlaoi_graph.readers.stac import links
from mlaoi_graph.validation import validate_source

ROOT = Path(__file__).parents[1] / "ontology/stac-extension"
SCHEMAS = SHARED / "stac/schemas"
collected = pytest.mark.skipif(not SCHEMAS.is_dir(), reason="needs the collected schemas in ../shared/stac")
SCHEMA = json.loads((ROOT / "json-schema/schema.json").read_text())
EXAMPLES = sorted((ROOT / "examples").glob("*.json"))
HOST = "https://example.com/stac/"


def load(name):
    return json.loads((ROOT / f"examples/{name}.json").read_text())


def defined(name):
    return SCHEMA["definitions"][name]


# -- one truth --------------------------------------------------------------------------------------------------------


def table(start, end):
    """Return the names in the first column of the tables between two headings of the README."""
    text = (ROOT / "README.md").read_text()
    part = text[text.index(start) : text.index(end)]
    return [name for row in re.findall(r"^\| (\S.*?) +\|", part, re.M) for name in row.split(", ")]


def test_fields_of_code_schema_and_readme_are_the_same():
    assert set(defined("fields")["properties"]) == lineage_fields.NODE_FIELDS
    assert set(defined("link")["properties"]) == lineage_fields.LINK_FIELDS
    for start, end, names in (
        ("## Link Fields", "## Relation types", lineage_fields.LINK_FIELDS),
        ("### For searches", "### For a graph", {*lineage_fields.REPEATED, lineage_fields.EXPOSED_TO}),
        ("### For searches", "### Evidence Object", lineage_fields.NODE_FIELDS),
    ):
        listed = [name for name in table(start, end) if name.startswith("lineage:")]
        if end == "### For a graph":
            listed = [name for name in table(start, "### For what is described") if name.startswith("lineage:")]
        assert set(listed) == set(names)
        assert len(listed) == len(set(listed))


def test_what_has_to_name_a_field_names_all_of_them():
    for part, of in (("require_any_field", "fields"), ("require_any_link_field", "link")):
        named = {name for branch in defined(part)["anyOf"] for name in branch["required"]} - {"rel"}
        assert named == set(defined(of)["properties"])


def test_the_code_uses_no_field_or_relation_besides():
    """Every text of the package that begins like a field is one."""
    known = lineage_fields.NODE_FIELDS | lineage_fields.LINK_FIELDS | {lineage_fields.EVALUATED_ON}
    for path in Path(mlaoi_graph.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found = set(re.findall(r"^lineage:\w+$", node.value))
                assert found <= known, path


def test_words_of_code_and_schema_are_the_same():
    link_fields, node_fields = defined("link")["properties"], defined("fields")["properties"]
    for words, found in (
        (Stage, link_fields["lineage:stage"]),
        (DerivationKind, link_fields["lineage:derivation"]),
        (SplitPolicy, link_fields["lineage:split_policy"]),
        (Rule, link_fields["lineage:rule"]),
        (Confidence, link_fields["lineage:confidence"]),
        (Disclosure, node_fields["lineage:disclosure"]),
        (Precision, node_fields["lineage:precision"]),
    ):
        assert set(found["enum"]) == {word.value for word in words}
    assert all(lineage_fields.node_class(kind) is not None for kind in defined("kind")["enum"])
    assert len(defined("kind")["enum"]) == len(lineage_fields._CLASSES)
    evaluated = defined("link")["allOf"][-1]["then"]["properties"]["lineage:stage"]["enum"]
    assert set(evaluated) == {stage.value for stage in Stage if not stage.teaches}
    assert set(defined("evidence")["properties"]) == set(lineage_fields._EVIDENCE.values())
    assert set(lineage_fields._EVIDENCE) == {f.name for f in fields(Evidence)}


def test_words_of_the_readme_are_those_of_the_schema():
    words = set(re.findall(r"`([a-z-]+)`", (ROOT / "README.md").read_text().partition("## Words")[2]))
    for name in ("lineage:stage", "lineage:derivation", "lineage:rule"):
        assert set(defined("link")["properties"][name]["enum"]) <= words
    assert set(defined("kind")["enum"]) <= words


def test_relations_of_code_schema_and_readme_are_the_same():
    named = set(defined("link")["allOf"][0]["then"]["properties"]["rel"]["enum"])
    assert named == {lineage_fields.EVALUATED_ON, lineage_fields.PART_OF}
    assert set(table("## Relation types", "## Item Properties")) - {"Type", "----"} == named | {links.DERIVED_FROM}


def test_the_identifier_is_the_same_everywhere():
    wanted = defined("stac_extensions")["properties"]["stac_extensions"]["contains"]["const"]
    assert SCHEMA["$id"] == wanted == lineage_fields.SCHEMA
    assert f"<{lineage_fields.SCHEMA}>" in (ROOT / "README.md").read_text()
    version = re.search(r"/(v[\d.]+)/", lineage_fields.SCHEMA)[1]
    assert f"## [{version}]" in (ROOT / "CHANGELOG.md").read_text()


def test_it_is_laid_out_as_the_community_does():
    head = (ROOT / "README.md").read_text().partition("\n## ")[0]
    for item in ("Title", "Identifier", "Field Name Prefix", "Scope", "Owner"):
        assert f"- **{item}:**" in head or f"- **{item}**:" in head
    for name in re.findall(r"\]\((?:\./)?([\w./-]+)\)", head):
        assert (ROOT / name).is_file(), name
    assert {path.name for path in EXAMPLES} == set(re.findall(r"\(examples/([\w.-]+)\)", head))
    assert ontology_file("stac-extension/json-schema/schema.json").samefile(ROOT / "json-schema/schema.json")


# -- examples -----------------------------------------------------------------------------------------------------


@collected
def test_examples_are_valid_by_our_own_command():
    assert [str(f) for f in validate_source(str(ROOT / "examples/catalog.json"), schemas=SCHEMAS)] == []


def test_our_own_schema_needs_no_folder(tmp_path, write):
    found = list(validate_source(str(ROOT / "examples"), schemas=tmp_path))
    assert {f.rule for f in found} == {"schema-missing"}
    assert not [f for f in found if f.document == lineage_fields.SCHEMA]


@collected
def test_examples_are_valid_by_pystac():
    validator = JsonSchemaSTACValidator()
    for path in SCHEMAS.rglob("*/*.json"):
        validator.schema_cache[f"https://{path.relative_to(SCHEMAS)}"] = json.loads(path.read_text())
    validator.schema_cache[lineage_fields.SCHEMA] = SCHEMA
    set_validator(validator)
    try:
        assert pystac.Catalog.from_file(str(ROOT / "examples/catalog.json")).validate_all() == 2
    finally:
        set_validator(JsonSchemaSTACValidator())


@collected
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_are_valid_by_stac_validator(path):
    found = stac_validator(path)
    assert found.valid, found.message
    assert len(found.message[0]["schema"]) == 1 + len(json.loads(path.read_text()).get("stac_extensions", ()))


def stac_validator(path, **options):
    """Return the verdict of stac-validator, with every schema mapped to a file."""
    with warnings.catch_warnings():
        # stac_valid is its new name; where the package of the old name is installed too, that one says so.
        warnings.filterwarnings("ignore", ".*stac_validator.*deprecated", DeprecationWarning)
        from stac_validator.validate import StacValidate
    files = {f"https://{path.relative_to(SCHEMAS)}": str(path) for path in SCHEMAS.rglob("*.json")}
    files[lineage_fields.SCHEMA] = str(ROOT / "json-schema/schema.json")
    found = StacValidate(str(path), schema_map=files, **options)
    found.run()
    return found


def test_examples_say_what_a_reader_reads(catalog):
    """By hand, from the documents."""
    report = catalog.ingest(ROOT / "examples")
    assert [str(f) for f in report.findings.kept] == []
    edges = {(e.subject.removeprefix(HOST), e.predicate, e.object.removeprefix(HOST)) for e in catalog.edges()}
    assert edges == {
        ("models/field-finder-2", "finetunedFrom", "models/alpine-base"),
        ("models/field-finder-2", "finetunedOn", "collections/swiss-fields/train"),
        ("models/field-finder-2", "testedOn", "collections/swiss-fields/test"),
        ("models/alpine-base", "pretrainedOn", "collections/alpine-mosaic"),
        (
            "collections/swiss-fields",
            "drawnFrom",
            "https://earth-search.aws.element84.com/v1/collections/sentinel-2-l2a",
        ),
    }
    test = next(use for use in catalog.uses() if use.stage is Stage.TEST)
    assert (test.confidence, test.metrics) == (Confidence.UNVERIFIED, '{"mIoU":0.71}')
    wholes = {d.iri.removeprefix(HOST): d.part_of for d in catalog.datasets() if d.part_of}
    whole = (f"{HOST}collections/swiss-fields",)
    assert wholes == {"collections/swiss-fields/train": whole, "collections/swiss-fields/test": whole}


def test_what_the_example_says_of_exposure_is_what_follows(catalog):
    catalog.ingest(ROOT / "examples")
    said = load("item")["properties"][lineage_fields.EXPOSED_TO]
    found = catalog.query("SELECT ?data ?m { ?m mlaoi:exposedTo ?data }", m=f"{HOST}models/field-finder-2")
    # Of a split that nobody publishes by itself the whole is listed.
    wholes = {d.iri: d.part_of[0] for d in catalog.datasets() if d.part_of}
    assert sorted(wholes.get(row["data"], row["data"]) for row in found) == said


# -- what it refuses ------------------------------------------------------------------------------------------------

REFUSED = [
    ("an unknown field", "item", ["properties"], {"lineage:tested": []}),
    ("a field's value that is no list", "item", ["properties"], {"lineage:tested_on": f"{HOST}c"}),
    ("an id where an IRI is wanted", "item", ["properties"], {"lineage:tested_on": ["swiss-fields"]}),
    ("an IRI twice", "item", ["properties"], {"lineage:tested_on": [f"{HOST}c", f"{HOST}c"]}),
    ("a disclosure that is no such word", "item", ["properties"], {"lineage:disclosure": "full"}),
    ("evidence without a title", "item", ["properties"], {"lineage:evidence": [{"iri": f"{HOST}e"}]}),
    ("evidence of an unknown field", "item", ["properties"], {"lineage:evidence": [{"iri": f"{HOST}e", "title": "t", "page": "3"}]}),
    ("a kind without an IRI", "item-fields-only", ["properties"], {"lineage:kind": "model", "lineage:iri": None}),
    ("a declared area without an IRI", "item", ["properties"], {"lineage:declared_area": {}}),
    ("an unknown field of a link", "item", ["links", 2], {"lineage:role": "x"}),
    ("a stage that is no such word", "item", ["links", 3], {"lineage:stage": "train"}),
    ("a stage and a derivation", "item", ["links", 3], {"lineage:derivation": "finetuned"}),
    ("training on what it was evaluated on", "item", ["links", 4], {"lineage:stage": "finetuning"}),
    ("a derivation from what it was evaluated on", "item", ["links", 4], {"lineage:stage": None, "lineage:derivation": "derived"}),
    ("an unknown relation", "item", ["links", 4], {"rel": "lineage:tested_on"}),
    ("a part of something, which part not said", "item", ["links", 3], {"lineage:split": None}),
    ("a kind of link's target without an IRI", "item", ["links", 2], {"lineage:iri": None}),
    ("a confidence that is a number", "item", ["links", 4], {"lineage:confidence": 0.5}),
    ("a collection's field", "collection", [], {"lineage:derived_from": [1]}),
    ("a footprint that is no such word", "collection", [], {"lineage:footprint": "world"}),
    ("a summary that is no list", "collection", [], {"summaries": {"lineage:tested_on": "x"}}),
    ("evidence of a link that is no IRI", "item", ["links", 2], {"lineage:evidence": "the paper"}),
    ("evidence of a link, one of which is no IRI", "item", ["links", 2], {"lineage:evidence": [f"{HOST}e", "page 3"]}),
    ("evidence of a link that is none", "item", ["links", 2], {"lineage:evidence": []}),
    ("a stage on a link of another relation", "item", ["links", 3], {"rel": "license"}),
    ("a metric of what it succeeds", "item", ["links", 4], {"rel": "predecessor-version", "lineage:stage": None}),
    ("a note on a link of another relation", "item", ["links", 0], {"lineage:note": "x"}),
    ("a note that says nothing", "item", ["links", 2], {"lineage:note": ""}),
    ("a date that is none", "item", ["properties"], {"lineage:evidence": [{"iri": f"{HOST}e", "title": "t", "read_on": "yesterday"}]}),
    ("a month that is none", "item", ["properties"], {"lineage:evidence": [{"iri": f"{HOST}e", "title": "t", "read_on": "2026-13"}]}),
    ("a DOI with its resolver", "item", ["properties"], {"lineage:evidence": [{"iri": f"{HOST}e", "title": "t", "doi": "https://doi.org/10.1000/182"}]}),
    ("a page that is no address", "item", ["properties"], {"lineage:evidence": [{"iri": f"{HOST}e", "title": "t", "url": "page 3"}]}),
    ("a tier that is no such word", "item", ["properties"], {"lineage:evidence": [{"iri": f"{HOST}e", "title": "t", "tier": "best"}]}),
    ("a stage, and not that it is training", "item-fields-only", ["properties"], {"lineage:trained_on": None}),
    ("a test, and not that it is evaluation", "item", ["properties"], {"lineage:evaluated_on": None}),
    ("not declared", "item", [], {"stac_extensions": []}),
    ("declared and not used", "catalog", [], {"stac_extensions": [lineage_fields.SCHEMA]}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "place", "change"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_what_is_wrong_is_refused(name, place, change):
    document = load(name)
    validator = Draft7Validator(SCHEMA)
    if "stac_extensions" not in change:
        assert validator.is_valid(document)
    spot = document
    for step in place:
        spot = spot[step]
    for key, value in change.items():
        if value is None:
            del spot[key]
        else:
            spot[key] = value
    assert not validator.is_valid(document)


def test_mlms_own_way_of_linking_a_test_set_may_say_what_was_meant():
    document = load("item")
    document["links"].append(link("derived_from", "./c.json", **{"ml-aoi:split": "test", "lineage:stage": "test"}))
    assert Draft7Validator(SCHEMA).is_valid(document)


# -- fields without links --------------------------------------------------------------------------------------------


def edges_of(catalog):
    return sorted((e.predicate, e.object.removeprefix(HOST), e.twin.pointer) for e in catalog.edges())


def test_fields_say_what_no_link_says(catalog, write):
    said = {
        "lineage:pretrained_on": [f"{HOST}a"], "lineage:trained_on": [f"{HOST}a", f"{HOST}b"],
        "lineage:evaluated_on": [f"{HOST}a", f"{HOST}t"], "lineage:tested_on": [f"{HOST}t"],
        "lineage:derived_from": [f"{HOST}m0"], "lineage:exposed_to": [f"{HOST}x"],
    }  # fmt: skip
    report = catalog.ingest(write(m=model("m", **said)))
    assert len(report.findings) == 0
    assert edges_of(catalog) == [
        ("derivedFromModel", "m0", "/properties/lineage:derived_from/0"),
        ("evaluatedOn", "a", "/properties/lineage:evaluated_on/0"),
        ("pretrainedOn", "a", "/properties/lineage:pretrained_on/0"),
        ("testedOn", "t", "/properties/lineage:tested_on/0"),
        ("trainedOn", "b", "/properties/lineage:trained_on/1"),
    ]
    assert {use.rule for use in catalog.uses()} == {Rule.STATED}


def test_links_come_before_the_fields_that_repeat_them(catalog, write):
    stage = {"lineage:stage": "finetuning"}
    said = {"lineage:finetuned_on": [f"{HOST}d"], "lineage:trained_on": [f"{HOST}d"], "lineage:tested_on": [f"{HOST}t"]}
    report = catalog.ingest(write(m=model("m", link("derived_from", f"{HOST}d", **stage), **said)))
    assert len(report.findings) == 0
    assert edges_of(catalog) == [("finetunedOn", "d", "/links/0"), ("testedOn", "t", "/properties/lineage:tested_on/0")]


@pytest.mark.parametrize(
    ("listed", "findings", "read"),
    [
        (["d"], [], []),
        (["d", "e"], ["not-linked"], ["e"]),
        (["e"], ["not-linked", "not-listed"], ["e"]),
        (["e", "f"], ["not-linked", "not-listed"], ["e", "f"]),
        ([], [], []),
        (["d/train", "d"], ["not-linked"], ["d/train"]),
        ("d", ["wrong-type"], []),
        ("e", ["wrong-type", "not-linked", "not-listed"], ["e"]),
        ([7], ["wrong-type", "not-listed"], [None]),
        (["d", 7], ["wrong-type"], [None]),
        (["d.json"], [], []),  # by its address, of another IRI
    ],
)
def test_what_fields_say_beyond_the_links_is_read_and_told(catalog, write, listed, findings, read):
    entries = listed if isinstance(listed, str) else [e if e == 7 else f"{HOST}{e}" for e in listed]
    said = {"lineage:trained_on": f"{HOST}{entries}" if isinstance(listed, str) else entries}
    where = {
        "rel": "derived_from",
        "href": "./c.json" if listed == ["d.json"] else f"{HOST}d",
        "lineage:stage": "training",
    }
    data = (
        {**collection("d"), "links": [link("self", f"{HOST}d.json")]} if listed == ["d.json"] else collection("other")
    )
    report = catalog.ingest(write(m=model("m", where, **said), c=data))
    told = [f for f in report.findings.kept if f.document.endswith("m.json")]
    assert [f.rule for f in told] == findings
    for finding in told:
        assert finding.pointer == "/properties/lineage:trained_on"
        for one in read if finding.rule == "not-linked" else ["d"] if finding.rule == "not-listed" else []:
            assert f"{HOST}{one}" in finding.message
    fields = [e for e in edges_of(catalog) if e[2] != "/links/0"]
    assert len(fields) == len(read)
    assert {predicate for predicate, _, _ in fields} <= {"trainedOn"}
    assert {e[1] for e in fields if "m.json" not in e[1]} == {one for one in read if one}


def test_a_model_s_field_on_data_is_told(catalog, write):
    data = {**collection("c"), "lineage:trained_on": [f"{HOST}d"]}
    assert [f.rule for f in catalog.ingest(write(c=data)).findings.kept] == ["role-on-data"]
    assert edges_of(catalog) == []


def test_the_pretrained_source_counts_as_a_link(catalog, write):
    said = {
        "mlm:pretrained_source": "ImageNet",
        "lineage:pretrained_on": [f"{HOST}imagenet"],
        "lineage:derived_from": [f"{HOST}m"],
    }
    report = catalog.ingest(write(m=model("m", **said)))
    assert len(report.findings) == 0
    assert [predicate for predicate, _, _ in edges_of(catalog)] == ["pretrainedOn"]


@pytest.mark.parametrize("odd", [7, "https://example.com/x", None, {}, ["no iri"], [7], [["x"]]])
def test_a_field_that_is_no_list_of_iris_is_told(catalog, write, odd):
    report = catalog.ingest(write(m=model("m", **{"lineage:tested_on": odd})))
    assert [f.rule for f in report.findings.kept] == ["wrong-type"]
    # That it was tested on something stays said, unless the field says nothing.
    assert [predicate for predicate, _, _ in edges_of(catalog)] == (["testedOn"] if odd else [])


def test_a_thing_named_by_a_field_is_found_when_it_is_described(catalog, write):
    named = model("a", link("self", f"{HOST}a.json"), **{"lineage:derived_from": [f"{HOST}z.json"]})
    catalog.ingest(write(a=named, z=model("z", link("self", f"{HOST}z.json"))))
    assert list(catalog.unresolved()) == []


def test_evidence_of_anybodys_document_is_read(catalog, write):
    source = {"iri": f"{HOST}p", "title": "A paper", "tier": "primary"}
    stated = link("derived_from", f"{HOST}d", **{"lineage:stage": "training", "lineage:evidence": f"{HOST}p"})
    catalog.ingest(write(m=model("m", stated, **{"lineage:evidence": [source]})))
    rows = catalog.query("SELECT ?label { ?e a mlaoi:Evidence ; rdfs:label ?label }")
    assert [row["label"] for row in rows] == ["A paper"]


@pytest.mark.parametrize("word", list(Disclosure))
def test_what_a_plain_model_document_says_of_its_disclosure_is_read(catalog, write, word):
    """Item and collection, without lineage:kind and lineage:iri: as the README has it."""
    said = {"lineage:disclosure": word.value}
    as_collection = collection("n", **said, **{"mlm:name": "n", "mlm:architecture": "ViT"})
    report = catalog.ingest(write(m=model("m", **said), n=as_collection))
    assert {m.identifier: m.disclosure for m in catalog.models()} == {"m": word, "n": word}
    assert "disclosure" not in {f.rule for f in report.findings.kept}
    gaps = {row.what for row in catalog.lineage.unknowns("m")}
    assert ("disclosure" in gaps) == (word is not Disclosure.COMPLETE)


def test_the_example_keeps_its_disclosure(catalog):
    catalog.ingest(ROOT / "examples/item.json")
    said = {m.iri: m.disclosure for m in catalog.models()}
    assert Disclosure.PARTIAL in said.values()


@pytest.mark.parametrize(
    ("document", "pointer", "rule"),
    [
        (model("x", **{"lineage:disclosure": "full"}), "/properties/lineage:disclosure", "wrong-type"),
        (model("x", **{"lineage:disclosure": ["complete"]}), "/properties/lineage:disclosure", "wrong-type"),
        (collection("x", **{"lineage:disclosure": "complete"}), "/lineage:disclosure", "disclosure-of-data"),
        (
            sample("x", "c", **{"lineage:disclosure": "complete"}),
            "/properties/lineage:disclosure",
            "disclosure-of-data",
        ),
    ],
)
def test_a_disclosure_that_is_not_used_is_told(catalog, write, document, pointer, rule):
    report = catalog.ingest(write(x=document, c=collection("c")))
    assert [(f.pointer, f.rule) for f in report.findings.kept if "disclosure" in f.pointer] == [(pointer, rule)]
    assert {m.disclosure for m in catalog.models()} <= {None}
