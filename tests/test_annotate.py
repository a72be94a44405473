"""Annotating adds to a published catalog and changes nothing in it, and what is added reads back as the same graph."""

import json
import os
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pystac
import pytest
from conftest import SHARED, collection, link, model, sample
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_stac_extension import SCHEMAS, collected, stac_validator
from test_write_stac import graph
from typer.testing import CliRunner

from mlaoi_graph.annotate import Annotated
from mlaoi_graph.catalog import Catalog
from mlaoi_graph.cli.app import app
from mlaoi_graph.errors import SourceNotFound, StoreError
from mlaoi_graph.lineage_fields import LINK_FIELDS, NODE_FIELDS, SCHEMA
from mlaoi_graph.model import Confidence, Rule, Stage
from mlaoi_graph.validation import validate_source
from mlaoi_graph.writers.splice import Splice

EXAMPLES = SHARED / "stac/examples"
REAL = sorted(EXAMPLES.iterdir()) if EXAMPLES.is_dir() else []
HOST = "https://example.com/"


def annotated(source, folder):
    """Annotate what a folder says itself."""
    with Catalog.create() as catalog:
        catalog.ingest(source)
        return catalog.annotate_stac(source, folder)


def of_folder(folder, base="https://w3id.org/mlaoi/local/"):
    with Catalog.create(base=base) as catalog:
        report = catalog.ingest(folder, name="one")
        return graph(catalog), sorted(str(f).partition("#")[2] for f in report.findings.kept)


def spelled(text):
    """Return JSON with members in their order and numbers as they are spelled."""
    return json.loads(text, object_pairs_hook=lambda pairs: ["{", *pairs], parse_float=str, parse_int=str)


def without(value, links=False):
    """Return what :func:`spelled` gave without what is ours, and without links that are ours."""
    if not isinstance(value, list):
        return value
    if value[:1] == ["{"]:
        kept = [(k, v) for k, v in value[1:] if k not in NODE_FIELDS | LINK_FIELDS]
        kept = [(k, [e for e in v if e != SCHEMA]) if k == "stac_extensions" else (k, v) for k, v in kept]
        return ["{", *((k, without(v)) for k, v in kept if not (k == "stac_extensions" and v == []))]
    return [without(entry) for entry in value]


def is_within(part, whole):
    """Return whether bytes are there in their order, with others between them."""
    rest = iter(whole)
    return all(byte in rest for byte in part)


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """Annotate each real catalog once."""

    @cache
    def of(source):
        folder = tmp_path_factory.mktemp("real") / "out"
        return folder, annotated(source, folder)

    return of


# -- real catalogs ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", REAL, ids=lambda path: path.name)
def test_nothing_but_our_fields_is_new_in_real_catalogs(source, done):
    out, found = done(source)
    assert found.left == []
    changed = 0
    for path in source.rglob("*"):
        there = out / path.relative_to(source)
        if path.is_file() and path.read_bytes() != there.read_bytes():
            changed += 1
            before, after = path.read_bytes(), there.read_bytes()
            assert without(spelled(after)) == without(spelled(before))
            assert is_within(before, after)
            assert before.endswith(b"\n") == after.endswith(b"\n")
    assert {p.relative_to(source) for p in source.rglob("*")} == {p.relative_to(out) for p in (out).rglob("*")}
    assert changed == found.documents


@pytest.mark.parametrize("source", REAL, ids=lambda path: path.name)
def test_annotated_real_catalogs_give_the_same_graph(source, done):
    out, _ = done(source)
    assert of_folder(out) == of_folder(source)
    # Read by somebody else, names that were made up differ; what is said does not.
    (_, here), _ = of_folder(source)
    (_, there), _ = of_folder(out, base="https://elsewhere.example/")
    kinds = [
        Counter((type(e), getattr(e, "stage", getattr(e, "kind", None)), e.rule) for e in edges.elements())
        for edges in (here, there)
    ]
    assert kinds[0] == kinds[1]


@pytest.mark.parametrize("source", REAL, ids=lambda path: path.name)
def test_annotating_twice_changes_nothing(source, done, tmp_path):
    out, _ = done(source)
    again = annotated(out, tmp_path / "again")
    assert again.documents == 0
    for path in (out).rglob("*.json"):
        assert path.read_bytes() == (tmp_path / "again" / path.relative_to(out)).read_bytes()


@collected
@pytest.mark.parametrize("source", REAL, ids=lambda path: path.name)
def test_annotated_real_catalogs_break_no_schema_more(source, done):
    out, _ = done(source)

    def broken(folder):
        found = validate_source(str(folder), schemas=SCHEMAS)
        return sorted((f.rule, f.pointer, f.document.replace(str(folder), "")) for f in found)

    assert broken(out) == broken(source)


@collected
@pytest.mark.skipif(not REAL, reason="needs the real documents in ../shared/stac")
def test_stac_validator_takes_what_it_took_before(tmp_path):
    source = EXAMPLES / "stac-extensions-mlm/v1.5.2"
    annotated(source, tmp_path / "out")
    changed = [p for p in sorted(source.glob("*.json")) if p.read_bytes() != (tmp_path / "out" / p.name).read_bytes()]
    assert len(changed) >= 5
    for path in changed:
        found = stac_validator(tmp_path / "out" / path.name)
        assert found.valid, found.message
        assert stac_validator(path).valid


@collected
def test_pystac_and_stac_validator_take_a_whole_annotated_catalog(tmp_path):
    annotated(Path(__file__).parents[1] / "docs/example-stac", tmp_path / "out")
    found = stac_validator(tmp_path / "out/catalog.json", recursive=True)
    assert found.valid, found.message
    assert [entry["valid_stac"] for entry in found.message] == [True] * 10
    opened = pystac.Catalog.from_file(str(tmp_path / "out/catalog.json"))
    items = {item.id: item for item in opened.get_items(recursive=True)}
    assert len(items) == 8
    assert items["field-finder"].properties["lineage:finetuned_on"]


@pytest.mark.skipif(not REAL, reason="needs the real documents in ../shared/stac")
def test_a_real_chain_says_what_it_is(tmp_path):
    """hotosm's fine-tuned model points at its base model and its data by bare ids; by hand."""
    annotated(EXAMPLES / "hotosm-fAIr-models", tmp_path / "out")
    name = "example-unet-finetuned-banepa-v9"
    item = json.loads(
        (tmp_path / f"out/stac_catalog-58cf09ee/stac_catalog/local-models/{name}/{name}.json").read_text()
    )
    base = "https://w3id.org/mlaoi/local/collections"
    assert item["properties"]["lineage:derived_from"] == [f"{base}/base-models/items/example-unet"]
    assert item["properties"]["lineage:trained_on"] == [f"{base}/datasets/items/buildings-banepa"]
    said = {entry["href"]: entry for entry in item["links"] if entry["rel"] == "derived_from"}
    assert said["example-unet"]["lineage:derivation"] == "unstated"
    assert said["buildings-banepa"]["lineage:stage"] == "training"
    assert said["buildings-banepa"]["lineage:rule"] == "bare-derived-from"


hrefs = st.sampled_from(
    ["./a.json", "./b.json", "./c.json", "./d.json", "gone.json", "a", "c", "ImageNet", f"{HOST}x", f"{HOST}d.json", f"{HOST}w.pt",
     "https://earth-search.aws.element84.com/v1/collections/sentinel-2-l2a", "../out.json", "i.tif"]
)  # fmt: skip
some_links = st.builds(
    lambda rel, href, fields: link(rel, href, **{key: value for key, value in fields.items() if value is not None}),
    st.sampled_from(["derived_from", "derived_from", "derived_from", "lineage:evaluated_on", "ml-model:train-data", "ml-model:test-data", "predecessor-version", "source"]),
    hrefs,
    st.fixed_dictionaries(
        {
            "ml-aoi:split": st.sampled_from([None, None, "train", "test", "validate", "val"]),
            "mlm:name": st.sampled_from([None, None, "a"]),
            "lineage:stage": st.sampled_from([None, None, None, "finetuning", "test"]),
            "lineage:derivation": st.sampled_from([None, None, None, "finetuned", "drawn", "labelled", "unknown"]),
            "lineage:split": st.sampled_from([None, None, None, "fold-1"]),
        }
    ),
)  # fmt: skip
links_of_one = st.lists(some_links, max_size=4)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    links_of_one, links_of_one, links_of_one, links_of_one, st.sampled_from([None, "a", "c", "ImageNet", f"{HOST}w.pt"])
)
def test_any_links_read_the_same_when_annotated(tmp_path, of_a, of_b, of_c, of_s, pretrained):
    folder = tmp_path / str(len(list(tmp_path.iterdir())))
    source = folder / "source"
    source.mkdir(parents=True)
    documents = {
        "a": model("a", *of_a, **({"mlm:pretrained_source": pretrained} if pretrained else {})),
        "b": model("b", link("self", f"{HOST}b.json"), *of_b),
        "c": collection("c", *of_c),
        "d": collection("d", link("self", f"{HOST}d.json"), split="test"),
        "s": sample("s", "c", link("collection", "./c.json"), *of_s),
    }
    for name, document in documents.items():
        (source / f"{name}.json").write_text(json.dumps(document, indent=2))
    assert annotated(source, folder / "out").left == []
    before, after = of_folder(source), of_folder(folder / "out")
    assert after[0] == before[0]
    assert annotated(folder / "out", folder / "again").documents == 0
    # Whoever reads it under another base reads no more and no less.
    (_, here), _ = before
    (_, there), _ = of_folder(folder / "out", base="https://elsewhere.example/")
    assert Counter(edge.rule for edge in there.elements()) == Counter(edge.rule for edge in here.elements())


# -- what only other documents say ----------------------------------------------------------------------------------


@pytest.fixture
def known(tmp_path):
    """A published folder, and a catalog that knows more of what is in it."""
    published, more = tmp_path / "published", tmp_path / "more"
    published.mkdir(), more.mkdir()
    documents = {
        published / "m.json": model("m", link("derived_from", "./c.json", **{"ml-aoi:split": "train"})),
        published / "c.json": collection("c", link("self", f"{HOST}c")),
    }
    stated = {"lineage:evidence": f"{HOST}paper", "lineage:confidence": "unverified", "lineage:metrics": {"f1": 0.5}}
    documents[more / "m.json"] = model(
        "m",
        link("lineage:evaluated_on", f"{HOST}c", **{"lineage:stage": "test", "lineage:split": "test"}, **stated),
        link("derived_from", f"{HOST}base", **{"lineage:derivation": "finetuned"}),
        **{"lineage:evidence": [{"iri": f"{HOST}paper", "title": "A paper", "tier": "primary"}]},
    )
    for path, document in documents.items():
        path.write_text(json.dumps(document, indent=1))
    with Catalog.create() as catalog:
        catalog.ingest(published)
        catalog.ingest(more)
        yield catalog, published, tmp_path / "out"


def test_what_others_say_becomes_a_link_with_its_source(known):
    catalog, published, out = known
    found = catalog.annotate_stac(published, out)
    assert found == Annotated(documents=1, as_they_were=1, left=[])  # the collection has an address of its own
    item = json.loads((out / "m.json").read_text())
    assert item["properties"]["lineage:tested_on"] == [f"{HOST}c"]
    assert item["properties"]["lineage:evidence"] == [{"title": "A paper", "iri": f"{HOST}paper", "tier": "primary"}]
    tested = next(entry for entry in item["links"] if entry["rel"] == "lineage:evaluated_on")
    assert (tested["href"], tested["lineage:iri"], tested["lineage:part_of"]) == (
        "./c.json",
        f"{HOST}c/test",
        f"{HOST}c",
    )
    with Catalog.create() as alone:
        report = alone.ingest(out)
        assert len(report.findings) == 0
        uses = {use.stage: use for use in alone.uses()}
        assert uses[Stage.TEST].evidence == (f"{HOST}paper",)
        assert uses[Stage.TEST].confidence is Confidence.UNVERIFIED
        assert uses[Stage.TEST].metrics == '{"f1":0.5}'
        assert uses[Stage.TRAINING].rule is Rule.SPLIT_LINK
        # What was published, and what was annotated.
        assert {(e.predicate, e.object) for e in alone.edges()} == {(e.predicate, e.object) for e in catalog.edges()}
        whole = {d.iri: d.part_of for d in alone.datasets()}
        assert whole[f"{HOST}c/test"] == (f"{HOST}c",)


def test_annotating_the_annotated_adds_nothing_though_others_say_it_too(known, tmp_path):
    catalog, published, out = known
    catalog.annotate_stac(published, out)
    catalog.ingest(out)
    assert catalog.annotate_stac(out, tmp_path / "again").documents == 0


@collected
def test_what_is_added_breaks_no_schema(known):
    catalog, published, out = known
    catalog.annotate_stac(published, out)
    ours = [f for f in validate_source(str(out), schemas=SCHEMAS) if "lineage" in f.message or "lineage" in f.pointer]
    assert ours == []


def test_a_document_changed_since_it_was_read_is_not_guessed_at(known):
    catalog, published, out = known
    (published / "m.json").write_text(json.dumps(model("m")))
    with pytest.raises(StoreError, match="build"):
        catalog.annotate_stac(published, out)
    assert not out.exists()


# -- files of many documents, and odd files -------------------------------------------------------------------------


def test_lines_and_item_collections_are_annotated_one_by_one(write, tmp_path):
    stated = link("derived_from", f"{HOST}d", **{"ml-aoi:split": "train"})
    lines = "\n".join(
        ["", json.dumps(model("a", stated)), json.dumps(sample("s", "c")), json.dumps(model("b", stated)), ""]
    )
    both = {"type": "FeatureCollection", "features": [sample("s2", "c"), model("x", stated)]}
    source = write(**{"items.ndjson": lines, "c": both})
    assert annotated(source, tmp_path / "out").documents == 3
    after = (tmp_path / "out/items.ndjson").read_text().split("\n")
    assert [json.loads(line)["id"] for line in after if line] == ["a", "s", "b"]
    assert after[2] == lines.split("\n")[2]
    for item in (json.loads(after[1]), json.loads((tmp_path / "out/c.json").read_text())["features"][1]):
        assert item["properties"]["lineage:trained_on"] == [f"{HOST}d"]
        assert (item["links"][0]["lineage:stage"], item["links"][0]["lineage:split"]) == ("training", "train")
    assert of_folder(tmp_path / "out") == of_folder(source)


@pytest.mark.parametrize(
    "style",
    [{"indent": 2}, {"indent": "\t"}, {"indent": 4}, {}, {"separators": (",", ":")}],
    ids=["two", "tab", "four", "line", "compact"],
)
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_style_is_kept(tmp_path, style, ends):
    (tmp_path / "source").mkdir()
    document = model("m", link("derived_from", f"{HOST}d", **{"ml-aoi:split": "train"}))
    text = json.dumps(document, **style).replace("\n", ends).replace("2024", "\\u0032024")
    (tmp_path / "source/m.json").write_bytes(text.encode())
    annotated(tmp_path / "source", tmp_path / "out")
    after = (tmp_path / "out/m.json").read_bytes().decode()
    # Written by the standard library in that style, with what was added, it would be the same text.
    again = json.dumps(json.loads(after), **style).replace("\n", ends).replace("2024", "\\u0032024")
    assert after == again
    assert after != text


@pytest.mark.parametrize(
    "text",
    [
        '\ufeff{"type": "Feature", "stac_version": "1.0.0", "id": "m", "geometry": null, "properties": {"datetime": null, "mlm:name": "\\ud83d\\ude00 é", "x": 1.50, "y": 1E+5, "z": -0, "x": 2}, "links": [{"rel": "derived_from", "href": "https://example.com/d", "ml-aoi:split": "test"}], "assets": {}}  \n\n',
        '{"links":[{"rel":"derived_from","href":"https://example.com/d","ml-aoi:split":"test"}],"properties":{"mlm:name":"a\\"b]}{","n":NaN},"type":"Feature","stac_version":"1.1.0","stac_extensions":[ ],"id":"m","assets":{}}',
    ],
)
def test_odd_spelling_is_kept(tmp_path, text):
    (tmp_path / "source").mkdir()
    (tmp_path / "source/m.json").write_bytes(text.encode())
    assert annotated(tmp_path / "source", tmp_path / "out").documents == 1
    after = (tmp_path / "out/m.json").read_bytes()
    assert is_within(text.encode(), after)
    assert json.loads(after.decode("utf-8-sig"))["properties"]["lineage:tested_on"] == ["https://example.com/d"]


@pytest.mark.parametrize(
    ("broken", "reason"),
    [({"stac_extensions": "x"}, "stac_extensions"), ({"stac_extensions": None}, "stac_extensions")],
)
def test_what_has_no_place_for_it_is_left_and_told(write, tmp_path, broken, reason):
    source = write(m=model("m", link("derived_from", f"{HOST}d", **{"ml-aoi:split": "train"})) | broken)
    done = CliRunner().invoke(app, ["annotate", str(source), str(tmp_path / "out")])
    assert done.exit_code == 1
    assert f"m.json: {reason} is no list" in done.output
    assert (tmp_path / "out/m.json").read_bytes() == (source / "m.json").read_bytes()


def test_what_could_not_be_read_is_left_and_told(write, tmp_path):
    nameless = {key: value for key, value in model("x").items() if key != "id"}
    stated = link("derived_from", f"{HOST}d", **{"ml-aoi:split": "train"})
    found = annotated(write(m=model("m", stated), x=nameless, y="{"), tmp_path / "out")
    assert found.documents == 1
    (told,) = found.left
    assert told.endswith("x.json: it could not be read, or was not there, when the catalog was built")
    assert (tmp_path / "out/y.json").read_text() == "{"


def test_fields_that_are_there_are_added_to_and_never_replaced(write, tmp_path):
    stated = link("derived_from", f"{HOST}d", **{"ml-aoi:split": "train"})
    source = write(m=model("m", stated, **{"lineage:trained_on": [f"{HOST}mine"], "lineage:tested_on": [f"{HOST}t"]}))
    annotated(source, tmp_path / "out")
    said = json.loads((tmp_path / "out/m.json").read_text())["properties"]
    assert said["lineage:trained_on"] == [f"{HOST}mine", f"{HOST}d"]
    assert said["lineage:tested_on"] == [f"{HOST}t"]


def test_what_led_nowhere_is_not_published_under_a_name_made_up_here(write, tmp_path):
    source = write(m=model("m", link("derived_from", "somebody-else"), **{"mlm:pretrained_source": "ImageNet"}))
    annotated(source, tmp_path / "out")
    item = json.loads((tmp_path / "out/m.json").read_text())
    assert set(item["properties"]) & NODE_FIELDS == {"lineage:iri"}
    assert set(item["links"][0]) == {"rel", "href"}


def test_symbolic_links_stay_links_and_are_not_written_through(write, tmp_path):
    outside = tmp_path / "outside.json"
    outside.write_text(json.dumps(model("o", link("derived_from", f"{HOST}d", **{"ml-aoi:split": "train"}))))
    source = write(m=model("m", link("derived_from", f"{HOST}d", **{"ml-aoi:split": "train"})))
    (source / "out.json").symlink_to(outside)
    (source / "same.json").symlink_to("m.json")
    before = outside.read_bytes()
    annotated(source, tmp_path / "out")
    assert outside.read_bytes() == before
    assert os.readlink(tmp_path / "out/same.json") == "m.json"
    assert b"lineage:" in (tmp_path / "out/m.json").read_bytes()


def test_where_it_may_not_be_written(write, tmp_path):
    source = write(m=model("m"))
    (tmp_path / "full").mkdir()
    (tmp_path / "full/mine").write_text("mine")
    for out, match in ((tmp_path / "full", "empty or not there"), (source / "out", "outside")):
        with pytest.raises(StoreError, match=match):
            annotated(source, out)
    assert [p.name for p in (tmp_path / "full").iterdir()] == ["mine"]
    with Catalog.create() as catalog, pytest.raises(SourceNotFound, match="not a folder this catalog was built from"):
        catalog.annotate_stac(source, tmp_path / "x")
    with pytest.raises(SourceNotFound, match="not a folder"):
        annotated(source / "m.json", tmp_path / "x")


def test_the_copy_is_complete_or_not_there(write, tmp_path, monkeypatch):
    source = write(m=model("m", link("derived_from", f"{HOST}d", **{"ml-aoi:split": "train"})))

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", full)
        with pytest.raises(StoreError, match="No space left"):
            annotated(source, tmp_path / "out")
    assert {p.name for p in tmp_path.iterdir()} == {"source"}


def test_on_the_command_line(write, tmp_path):
    source = write(m=model("m", link("derived_from", "./c.json", **{"ml-aoi:split": "train"})), c=collection("c"))
    done = CliRunner().invoke(app, ["annotate", str(source), str(tmp_path / "a"), "--base", f"{HOST}stac"])
    assert done.exit_code == 0, done.output
    assert "added to 2 documents" in done.output
    item = json.loads((tmp_path / "a/m.json").read_text())
    assert item["properties"]["lineage:trained_on"] == [f"{HOST}stac/collections/c"]
    assert json.loads((tmp_path / "a/c.json").read_text())["lineage:iri"] == f"{HOST}stac/collections/c"
    CliRunner().invoke(app, ["build", str(source), "--to", str(tmp_path / "lineage")])
    done = CliRunner().invoke(
        app, ["annotate", str(source), str(tmp_path / "b"), "--catalog", str(tmp_path / "lineage")]
    )
    assert done.exit_code == 0, done.output
    both = CliRunner().invoke(app, ["annotate", "x", "y", "--catalog", "z", "--base", HOST])
    assert both.exit_code == 2


def test_the_page_prints_what_is_shown(tmp_path):
    root = Path(__file__).parents[1]
    command, shown = re.search(
        r"```console\n\$ (.*?)\n(.*?)```", (root / "docs/annotate.md").read_text(), re.S
    ).groups()
    _, name, source, out, *rest = command.split()
    done = CliRunner().invoke(app, [name, str(root / source), str(tmp_path / out), *rest])
    assert done.output.replace(f"{tmp_path}/", "") == shown


# -- splicing -------------------------------------------------------------------------------------------------------

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=20,
)


def containers(value, path=()):
    if isinstance(value, dict | list):
        yield path, value
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from containers(inner, (*path, key))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_additions_to_any_json_are_those_and_no_more(data):
    document = data.draw(st.dictionaries(st.text(max_size=4), values, max_size=5))
    style = data.draw(st.sampled_from([{}, {"indent": 1}, {"indent": "\t"}, {"separators": (",", ":")}, {"indent": 0}]))
    text = json.dumps(document, ensure_ascii=data.draw(st.booleans()), **style)
    text = data.draw(st.sampled_from([text, text.replace("\n", "\r\n"), f" \n{text}\n"]))
    spliced = Splice(text)
    places = list(containers(document))
    for number in range(data.draw(st.integers(0, 5))):
        path, spot = data.draw(st.sampled_from(places))
        value = data.draw(values)
        if isinstance(spot, dict):
            spliced.add(path, f"added {number}", value)
            spot[f"added {number}"] = value
        else:
            spliced.append(path, value)
            spot.append(value)
    result = spliced.result()
    assert json.dumps(json.loads(result)) == json.dumps(document)  # in the order they were added
    assert is_within(text, result)


def test_a_place_that_is_not_there_is_an_error():
    text = Splice('{"a": [1], "b": 2}')
    for path in (("c",), ("b",), ("a", 0), ("a", 7)):
        with pytest.raises(KeyError):
            text.append(path, 1)
    with pytest.raises(KeyError):
        text.add(("a",), "x", 1)
    assert text.result() == '{"a": [1], "b": 2}'
