"""What was found in a document is told as long as the catalog holds what was read from it."""

import json

import pytest
from conftest import BASE, collection, model

from mlaoi_graph.catalog import Catalog


@pytest.fixture(params=["memory", "disk"])
def catalog(request, tmp_path):
    with Catalog.create(None if request.param == "memory" else tmp_path / "catalog") as made:
        yield made


def told(report):
    return sorted((f.document, f.pointer, f.rule, f.severity.value, f.message) for f in report.findings.kept)


def odd(identifier="odd"):
    """A model with a link that leads nowhere, and weights of unknown origin."""
    return model(identifier, {"rel": "derived_from", "href": "./gone.json"}, **{"mlm:pretrained": True})


def test_a_build_of_unchanged_documents_tells_again_what_was_found(write, catalog):
    folder = write(odd=odd(), fine=model("fine"), deep__broken="{", records__note='{"type": "Feature"}')
    first = catalog.ingest(folder)
    assert {rule for _, _, rule, _, _ in told(first)} == {"broken-link", "pretrained-on-what", "not-json", "not-stac"}
    again = catalog.ingest(folder)
    assert (again.read, again.unchanged) == (0, 2)
    assert told(again) == told(first)


@pytest.mark.parametrize(("source", "broken"), [("catalog.json", 1), ("fields/collection.json", 1), (".", 2)])
def test_what_the_links_of_an_unchanged_catalog_lead_to_is_told_once_a_build(write, catalog, source, broken):
    links = [{"rel": "child", "href": "./gone.json"}, {"rel": "item", "href": "./there.json"}]
    root = {"type": "Catalog", "stac_version": "1.1.0", "id": "root", "description": "", "links": links[:1]}
    folder = write(catalog=root, fields__collection=collection("fields", *links), fields__there=model("there"))
    first = told(catalog.ingest(folder / source))
    assert [rule for _, _, rule, _, _ in first] == ["broken-link"] * broken
    for _ in range(2):
        assert told(catalog.ingest(folder / source)) == first


def test_what_was_mended_is_told_no_more_and_what_stays_is(write, catalog):
    catalog.ingest(write(a=odd("a"), b=odd("b")))
    folder = write(a=model("a"))
    for _ in range(2):
        report = catalog.ingest(folder)
        assert {document.rpartition("/")[2] for document, *_ in told(report)} == {"b.json"}


def test_what_is_odd_anew_replaces_what_was(write, catalog):
    catalog.ingest(write(a=odd("a")))
    folder = write(a=model("a", **{"mlm:pretrained": True}))
    for _ in range(2):
        assert [rule for _, _, rule, _, _ in told(catalog.ingest(folder))] == ["pretrained-on-what"]


def test_a_document_that_was_removed_or_is_gone_says_nothing(write, catalog):
    folder = write(a=odd("a"), b=odd("b"))
    name = catalog.ingest(folder).name
    catalog.remove(f"{BASE}documents/{name}/a.json")
    (folder / "a.json").unlink()
    (folder / "b.json").unlink()
    assert told(catalog.ingest(folder)) == []


def test_of_other_sources_nothing_is_told(write, catalog, tmp_path):
    catalog.ingest(write(a=odd("a")))
    other = tmp_path / "other"
    other.mkdir()
    (other / "m.json").write_text(json.dumps(model("m")))
    assert told(catalog.ingest(other)) == []


def test_members_of_files_keep_theirs(write, catalog):
    many = {"type": "FeatureCollection", "features": [odd("one"), model("two")]}
    lines = "\n".join(json.dumps(document) for document in (model("three"), odd("four")))
    folder = write(many=many, **{"lines.ndjson": lines})
    first = catalog.ingest(folder)
    assert len(first.findings) == 4
    again = catalog.ingest(folder)
    assert again.read == 0
    assert [finding[1:] for finding in told(again)] == [finding[1:] for finding in told(first)]


def test_a_shared_id_and_a_circle_are_told_again(write, catalog):
    folder = write(
        a=collection("a", {"rel": "derived_from", "href": "./b.json"}),
        b=collection("b", {"rel": "derived_from", "href": "./a.json"}),
        again=collection("a", {"rel": "derived_from", "href": "./b.json"}),
    )
    first = catalog.ingest(folder)
    assert {rule for _, _, rule, _, _ in told(first)} == {"duplicate-id", "cycle"}
    assert told(catalog.ingest(folder)) == told(first)


def test_no_path_of_this_machine_gets_into_the_graph(write, catalog):
    folder = write(odd=odd())
    catalog.ingest(folder)
    assert not [quad for quad in catalog.store.match() if str(folder) in str(quad)]
