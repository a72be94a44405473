"""What is written as STAC is valid, opens in pystac, and gives the same graph when it is read."""

import itertools
import json
import re
from collections import Counter
from dataclasses import fields, replace
from pathlib import Path
from urllib.parse import urljoin

import pystac
import pytest
import shapely
from conftest import SHARED, collection, link, model
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pystac.validation import JsonSchemaSTACValidator, set_validator
from test_stac_extension import stac_validator

from mlaoi_graph import rdf
from mlaoi_graph.catalog import Catalog
from mlaoi_graph.errors import StoreError
from mlaoi_graph.lineage_fields import SCHEMA
from mlaoi_graph.model import (
    AreaOfInterest,
    Association,
    AssociationKind,
    Confidence,
    Dataset,
    DataUse,
    Derivation,
    DerivationKind,
    Disclosure,
    Evidence,
    Model,
    ModelFamily,
    Precision,
    QualifiedEdge,
    Rule,
    Severity,
    SourceDocument,
    SplitPolicy,
    Stage,
    Unknown,
)
from mlaoi_graph.ontology_files import ontology_file
from mlaoi_graph.validation import validate_source
from mlaoi_graph.writers import stac

ROOT = Path(__file__).parents[1]
SCHEMAS = SHARED / "stac/schemas"
FAMILIES = "https://w3id.org/mlaoi/families/"
X = "https://example.com/x/"
DOC = "https://example.com/doc"
EXTENSIONS = [f"stac-extensions.github.io/{name}/schema.json" for name in ("scientific/v1.0.0", "version/v1.2.0")]


def lost():
    """Return what the one table in the docs says does not come back."""
    table = (ROOT / "docs/stac-export.md").read_text().partition("## What does not come back")[2]
    return {word for row in re.findall(r"^\| (.*?) \|", table, re.M) for word in re.findall(r"`(\w+)`", row)}


def graph(catalog):
    """Return nodes by class and IRI, and how often each edge is stated, without what the docs say is lost."""
    said, edges = {}, Counter()
    gone = lost()
    for name in sorted(catalog.store.graphs()):
        if name in (rdf.LOG_GRAPH, rdf.INFERRED_GRAPH):
            continue
        for statement in rdf.decode(catalog.store.match(graph=name)):
            if isinstance(statement, QualifiedEdge):
                edges[replace(statement, **dict.fromkeys(gone & {f.name for f in fields(statement)}, ""))] += 1
            elif type(statement).__name__ not in gone:
                said.setdefault((type(statement), statement.iri), []).append(statement)
    nodes = {key: rdf.merge(found) for key, found in said.items()}
    for key, node in nodes.items():
        if isinstance(node, AreaOfInterest) and node.wkt is not None and "wkt" in gone:
            nodes[key] = replace(node, wkt=shapely.to_wkb(shapely.from_wkt(node.wkt), hex=True))
    return nodes, edges


def read(folder):
    """Return the graph of a folder, read into a catalog whose base has nothing to do with it."""
    with Catalog.create(base="https://elsewhere.example/") as again:
        report = again.ingest(folder)
        assert [str(finding) for finding in report.findings.kept] == []
        return graph(again)


@pytest.fixture(scope="module")
def families():
    with Catalog.create(base=FAMILIES) as catalog:
        catalog.ingest(ROOT / "mlaoi_graph/families")
        yield catalog


@pytest.fixture(scope="module")
def exported(families, tmp_path_factory):
    folder = tmp_path_factory.mktemp("families") / "stac"
    stac.write(families.store, folder)
    return folder


def load(path):
    return json.loads(path.read_text())


def test_the_families_come_back_as_they_were(families, exported):
    nodes, edges = graph(families)
    assert len(nodes) > 900
    assert edges.total() > 800
    assert read(exported) == (nodes, edges)


def test_the_table_of_what_is_lost_is_this_short():
    assert lost() == {"document", "pointer", "iri", "as_published", "SourceDocument", "wkt"}


@pytest.mark.skipif(not SCHEMAS.is_dir(), reason="needs the collected schemas in ../shared/stac")
def test_what_is_written_breaks_no_schema(exported):
    assert [str(finding) for finding in validate_source(str(exported / "catalog.json"), schemas=SCHEMAS)] == []
    declared = {e for path in exported.rglob("*.json") for e in load(path).get("stac_extensions", ())}
    assert declared == {f"https://{name}" for name in EXTENSIONS} | {SCHEMA}


@pytest.mark.skipif(not SCHEMAS.is_dir(), reason="needs the collected schemas in ../shared/stac")
def test_pystac_opens_and_validates_it(exported, families):
    catalog = pystac.Catalog.from_file(str(exported / "catalog.json"))
    assert {child.id for child in catalog.get_children()} == {"models", "datasets"}
    counts = families.counts()
    items = Counter(item.properties["lineage:kind"] for item in catalog.get_items(recursive=True))
    assert items == {"model": counts.models, "family": counts.families, "area": counts.areas}
    assert sum(isinstance(found, pystac.Collection) for found, _, _ in catalog.walk()) == counts.datasets
    validator = JsonSchemaSTACValidator()
    for name in EXTENSIONS:  # STAC's own come with pystac
        validator.schema_cache[f"https://{name}"] = load(SCHEMAS / name)
    validator.schema_cache[SCHEMA] = load(ontology_file("stac-extension/json-schema/schema.json"))
    set_validator(validator)
    try:
        # The whole of it, which takes pystac a while, is held against the same schemas above.
        catalog.validate()
        assert catalog.get_child("models").get_child("clay").validate_all() == 9
        assert catalog.get_child("datasets").get_child("bigearthnet").validate_all() == 1
    finally:
        set_validator(JsonSchemaSTACValidator())


@pytest.mark.skipif(not SCHEMAS.is_dir(), reason="needs the collected schemas in ../shared/stac")
@pytest.mark.parametrize("start", ["models/clay/catalog.json", "datasets/bigearthnet/collection.json"])
def test_stac_validator_takes_it(exported, start):
    found = stac_validator(exported / start, recursive=True, max_depth=4)
    assert found.valid, found.message
    assert len(found.message) > 2
    assert all(entry["valid_stac"] for entry in found.message)


def test_a_document_says_what_the_record_says(exported):
    """Clay v1.5, by hand from families/clay.yaml."""
    clay = load(exported / "models/clay/clay-v1.5.json")
    said = clay["properties"]
    assert said["lineage:iri"] == f"{FAMILIES}models/clay-v1.5"
    assert said["lineage:family"] == f"{FAMILIES}families/clay"
    assert (clay["geometry"], said["datetime"]) == (None, None)
    assert "bbox" not in clay
    assert (said["start_datetime"], said["end_datetime"]) == ("1900-01-01T00:00:00Z", "9999-12-31T23:59:59Z")
    assert not any("mlm" in extension for extension in clay["stac_extensions"])
    by_target = {}
    for found in clay["links"]:
        by_target.setdefault(
            (found["rel"], found["lineage:iri"].removeprefix(FAMILIES) if "lineage:iri" in found else None), found
        )
    use = by_target["derived_from", "datasets/clay-v1-pretraining"]
    assert use["href"] == "../../datasets/clay-v1-pretraining/collection.json"
    assert use["lineage:stage"] == "pretraining"
    assert use["lineage:evidence"] == f"{FAMILIES}sources/clay-spec15"
    validated = by_target["lineage:evaluated_on", "datasets/clay-v1-pretraining/validation"]
    assert (validated["lineage:stage"], validated["lineage:split"]) == ("validation", "validation")
    assert by_target["derived_from", "models/dinov2-vitl14-reg"]["lineage:derivation"] in ("distilled", "component")
    assert by_target["predecessor-version", "models/clay-v1.0"]["lineage:confidence"] == "unverified"
    cited = {entry["iri"]: entry for entry in said["lineage:evidence"]}
    assert cited[f"{FAMILIES}sources/clay-spec15"]["commit"] == "a5790cef6265c479c7d35bd00b92934462811f61"


def test_nothing_is_made_up_to_please_a_schema(exported):
    archive, nowhere, usa = (
        load(exported / f"datasets/{d}/collection.json") for d in ("sentinel-2-l2a", "whu-building", "naip")
    )
    assert (archive["lineage:kind"], archive["lineage:footprint"]) == ("archive", "global")
    assert nowhere["lineage:footprint"] == "unknown"
    assert nowhere["extent"] == {"spatial": {"bbox": [[-180, -90, 180, 90]]}, "temporal": {"interval": [[None, None]]}}
    assert (nowhere["license"], nowhere["lineage:license"]) == ("other", None)
    assert "lineage:footprint" not in usa
    # From the Aleutian islands, which lie on both sides of the antimeridian, to Maine; from Hawaii to Alaska.
    assert [round(degrees) for degrees in usa["extent"]["spatial"]["bbox"][0]] == [172, 19, -67, 71]


def test_a_box_across_the_antimeridian_is_not_the_whole_world(tmp_path):
    with holding(*EVERYTHING) as catalog:
        stac.write(catalog.store, tmp_path / "stac")
    item = load(tmp_path / "stac/models/m/m-2.json")  # the family came first
    assert item["properties"]["lineage:iri"] == f"{X}m"
    assert item["bbox"] == [178, -18, -178, -16]
    assert [len(part[0]) for part in item["geometry"]["coordinates"]] == [5, 5]


@pytest.mark.parametrize("start", ["", "catalog.json"])
def test_absolute_links_give_the_same_graph(families, tmp_path, start):
    stac.write(families.store, tmp_path / "stac", root_href="https://example.com/stac")
    clay = load(tmp_path / "stac/models/clay/clay.json")
    assert {found["rel"]: found["href"] for found in clay["links"]}[
        "self"
    ] == "https://example.com/stac/models/clay/clay.json"
    assert all(found["href"].startswith("https://example.com/stac/") for found in clay["links"])
    assert read(tmp_path / "stac" / start) == graph(families)


# -- a graph with everything in it -------------------------------------------------------------------------------

SQUARE = "POLYGON ((7 46, 8 46, 8 47, 7 47, 7 46))"
FIJI = (
    "MULTIPOLYGON (((178.0 -18.0, 180.0 -18.0, 180.0 -16.0, 178.0 -16.0, 178.0 -18.0)), "
    "((-180.0 -18.0, -178.0 -18.0, -178.0 -16.0, -180.0 -16.0, -180.0 -18.0)))"
)
STATED = {"rule": Rule.STATED, "document": DOC, "pointer": "/links/0"}
EVERYTHING = [
    SourceDocument(
        iri=DOC, stated_at="2020", content_hash="sha256:0", describes=f"{X}m",
        as_published='{"properties":{"title":"old","keywords":["a"],"license":"MIT","providers":[{"name":"Q"},{"name":"P","roles":["host"]}]},'
        '"assets":{"w":{"href":"w.pt"}},"links":[{"rel":"about","href":"x.html"}],"stac_extensions":[],"foreign":1}',
    ),
    Evidence(iri=f"{X}paper", label="A paper", url="https://example.com/p", doi="10.1/p", commit="abc", tier="secondary", read_on="2026-01"),
    Evidence(iri=f"{X}uncited", label="Nobody rests on this"),
    ModelFamily(
        iri=f"{X}f", label="F", identifier="m", description="Models", publisher="P", homepage="https://example.com/f",
        aliases=("f", "phi"), sources=(f"{X}paper",),
    ),
    Model(
        iri=f"{X}m", label="Ünï “m”", identifier="m", description="A model", family=f"{X}f", version="1", architecture="ViT",
        parameters="7B", tasks=("segmentation", "tasting"), modalities=("radar", "smell"), framework="pytorch",
        license="see the card", publisher="P", released="2024-05", homepage="https://example.com/m", doi="10.5281/zenodo.1",
        checksums=("1220aa",), aliases=("em",), disclosure=Disclosure.PARTIAL, declared_area=f"{X}declared", resolved=True,
        sources=(f"{X}paper",),
    ),
    Model(iri=f"{X}M2", label="M2", identifier="M", parameters="86000000", license="other", resolved=None, declared_area=f"{X}declared"),
    Model(iri=f"{X}m3", label="gone", resolved=False, unresolved_name="weights/gone.pt", declared_area=f"{X}nowhere"),
    Dataset(
        iri=f"{X}d", label="D", identifier="a/b c", description="Data", split="train", part_of=(f"{X}e", f"{X}s"),
        footprints=(f"{X}d#a1", f"{X}d#a2", f"{X}d#a3", f"{X}nowhere"), sensors=("Sentinel-2",), size="9 tiles", version="2",
        license="CC-BY-4.0", publisher="P", released="2019", homepage="https://example.com/d", doi="no doi", checksums=("1220bb",),
        aliases=("dee",), resolved=True, source_images=("https://example.com/scene.tif",), sources=(f"{X}paper",),
    ),
    Dataset(iri=f"{X}e", label="E", identifier="collection", part_of=(f"{X}d",), footprints=(f"{X}d#a1",)),
    Dataset(iri=f"{X}s", label="S", archive=True, resolved=True),
    Dataset(iri=f"{X}n", label="ImageNet", resolved=False, unresolved_name="Image Net"),
    Dataset(iri=f"{X}d/train", split="train", part_of=(f"{X}d",), resolved=True),
    Unknown(iri=f"{X}u", label="what", unresolved_name="what?"),
    AreaOfInterest(
        iri=f"{X}d#a1", precision=Precision.SAMPLES, wkt=SQUARE, label="A1", identifier="catalog", start="2016", end="2018-02",
        split="test", countries=("CHE", "ITA"), sensors=("Sentinel-2",), source_images=("https://example.com/i.tif",),
        label_sources=("https://example.com/l.json",), note="a note",
    ),
    AreaOfInterest(iri=f"{X}d#a2", precision=Precision.GLOBAL, start="1900-01-01T00:00:00Z", end="2020-01-01T00:00:00+02:00"),
    AreaOfInterest(iri=f"{X}d#a3", precision=Precision.REGION, wkt="POINT (7.5 46)", start="spring", end="2020-01-01T00:00:00Z", split="val"),
    AreaOfInterest(iri=f"{X}declared", precision=Precision.DECLARED_BOX, wkt=FIJI, start="2017-06-01", identifier="z", label="Fiji"),
    AreaOfInterest(iri=f"{X}only-used", precision=Precision.COUNTRY_LIST, wkt="MULTIPOINT ((7 46), (8.5 47))"),
    DataUse(
        iri=f"{DOC}#1", model=f"{X}m", dataset=f"{X}d", stage=Stage.TEST, split="validate", policy=SplitPolicy.ML_AOI_ADR,
        area=f"{X}only-used", metrics='{"mIoU":"51.20","n":3}', evidence=(f"{X}paper",), confidence=Confidence.UNVERIFIED,
        note="a remark", as_published="{}", **STATED,
    ),
    DataUse(iri=f"{DOC}#2", model=f"{X}f", dataset=f"{X}s", stage=Stage.TRAINING, metrics="0.5", **STATED | {"rule": Rule.BARE_DERIVED_FROM}),
    DataUse(iri=f"{DOC}#3", model=f"{X}m3", dataset=f"{X}n", stage=Stage.PRETRAINING, **STATED | {"rule": Rule.PRETRAINED_SOURCE}),
    DataUse(iri=f"{DOC}#4", model=f"{X}m", dataset=f"{X}d/train", stage=Stage.EVALUATION, split="train", **STATED),
    *(DataUse(iri=f"{DOC}#s{s.value}", model=f"{X}M2", dataset=f"{X}e", stage=s, **STATED) for s in Stage),
    Derivation(
        iri=f"{DOC}#5", derived=f"{X}d", source=f"{X}e", kind=DerivationKind.DERIVED, derived_split="train", source_split="x",
        evidence=(f"{X}paper", f"{X}uncited"), confidence=Confidence.UNVERIFIED, note="made", as_published="{}", **STATED,
    ),
    Derivation(iri=f"{DOC}#6", derived=f"{X}d", source=f"{X}s", kind=DerivationKind.DRAWN, **STATED | {"rule": Rule.BARE_DERIVED_FROM}),
    Derivation(iri=f"{DOC}#7", derived=f"{X}d", source=f"{X}f", kind=DerivationKind.LABELLED, **STATED),
    Derivation(iri=f"{DOC}#8", derived=f"{X}e", source=f"{X}u", kind=DerivationKind.UNKNOWN, **STATED | {"rule": Rule.UNRESOLVED_DERIVED_FROM}),
    Derivation(iri=f"{DOC}#9", derived=f"{X}m", source=f"{X}u", kind=DerivationKind.UNKNOWN, **STATED | {"rule": Rule.UNRESOLVED_DERIVED_FROM}),
    Derivation(iri=f"{DOC}#10", derived=f"{X}m", source=f"{X}d", kind=DerivationKind.UNKNOWN, source_split="val", **STATED | {"rule": Rule.SPLIT_LINK}),
    Derivation(iri=f"{DOC}#11", derived=f"{X}f", source=f"{X}m3", kind=DerivationKind.UNSTATED, **STATED | {"rule": Rule.MODEL_LINK}),
    *(
        Derivation(iri=f"{DOC}#k{k.value}", derived=f"{X}m", source=f"{X}f", kind=k, **STATED)
        for k in DerivationKind
        if k.value not in ("derived", "drawn", "labelled", "unknown")
    ),
    Association(
        iri=f"{DOC}#12", subject=f"{X}f", object=f"{X}g", kind=AssociationKind.SUCCEEDS, evidence=(f"{X}paper",),
        confidence=Confidence.UNVERIFIED, note="later", as_published="{}", **STATED,
    ),
    ModelFamily(iri=f"{X}g", label="G"),
    Association(iri=f"{DOC}#13", subject=f"{X}n", object=f"{X}s", kind=AssociationKind.PART_OF, **STATED),
    Association(iri=f"{DOC}#14", subject=f"{X}m", object=f"{X}M2", kind=AssociationKind.SUCCEEDS, **STATED),
    Association(iri=f"{DOC}#15", subject=f"{X}e", object=f"{X}n", kind=AssociationKind.SUCCEEDS, **STATED),
]  # fmt: skip


def holding(*statements):
    catalog = Catalog.create()
    catalog.store.replace({DOC: rdf.encode(statements)})
    return catalog


def test_the_graph_with_everything_in_it_has_every_field_set():
    # What a document said before its things were one with others, and what another source has to tell, is about the catalog it was read into.
    for cls, name in {(type(s), f.name) for s in EVERYTHING for f in fields(s)} - {
        (SourceDocument, "as_read"),
        (SourceDocument, "by_name"),
        (SourceDocument, "elsewhere"),
        (SourceDocument, "links_hash"),
        (Dataset, "latent"),  # no dataset: the export has the item's area, and no other field of it
    }:
        values = {getattr(s, name) for s in EVERYTHING if type(s) is cls}
        default = next(f.default for f in fields(cls) if f.name == name)
        assert values - {default, None, ()}, f"no {cls.__name__} has {name}"


def test_everything_comes_back(tmp_path):
    with holding(*EVERYTHING) as catalog:
        stac.write(catalog.store, tmp_path / "stac")
        # "catalog" and "collection" are ids here, "m" and "M" in one folder would be one file on some systems.
        nodes, edges = graph(catalog)
        with Catalog.create(base="https://elsewhere.example/") as again:
            report = again.ingest(tmp_path / "stac")
            assert {f.rule for f in report.findings.kept} <= {"cycle", "split-against-declared"}
            found_nodes, found_edges = graph(again)
    assert found_nodes == nodes
    assert found_edges == edges


@pytest.mark.skipif(not SCHEMAS.is_dir(), reason="needs the collected schemas in ../shared/stac")
def test_everything_breaks_no_schema(tmp_path):
    with holding(*EVERYTHING) as catalog:
        stac.write(catalog.store, tmp_path / "stac")
    assert [str(f) for f in validate_source(str(tmp_path / "stac/catalog.json"), schemas=SCHEMAS)] == []


words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=12)
names = st.none() | words | st.sampled_from(["a", "A", "catalog", "collection", ".", "..", "a/b", "con", "x" * 300])
dates = (
    st.none()
    | words
    | st.sampled_from(["2016", "2016-02", "2016-02-30", "2016-02-03T00:00:00.5Z", "0001", "9999-12-31T23:59:59Z"])
)


@st.composite
def named(draw, cls, iri, **more):
    made = {
        f.name: draw(names)
        for f in fields(cls)
        if f.name in ("identifier", "label", "description", "version", "publisher")
    }
    return cls(iri=f"{X}{iri}", **made | {name: draw(values) for name, values in more.items()})


@st.composite
def any_words(draw):
    """Return a small graph with any words in it."""
    known = {"license": names | st.sampled_from(["MIT", "other"]), "released": dates, "homepage": names, "doi": names}
    return [
        draw(named(ModelFamily, "f")),
        *(
            draw(named(Model, i, parameters=names | st.sampled_from(["0", "007", "7", str(10**30)]), resolved=st.sampled_from([True, False, None]), **known))
            for i in "mn"
        ),
        *(draw(named(Dataset, i, part_of=st.sampled_from([(), (f"{X}d",), (f"{X}e",)]), footprints=st.just((f"{X}a",)), **known)) for i in "de"),
        AreaOfInterest(iri=f"{X}a", precision=Precision.REGION, label=draw(names), identifier=draw(names),
                       start=draw(dates), end=draw(dates), split=draw(names)),
        DataUse(iri=f"{DOC}#1", model=f"{X}m", dataset=f"{X}d", stage=Stage.TEST, split=draw(names), note=draw(names),
                metrics=draw(st.none() | words | st.sampled_from(["[1.0]", '{"a": 1}', '"x"', "1e400", "{"])), **STATED),
    ]  # fmt: skip


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(any_words())
def test_any_words_come_back(tmp_path, statements):
    folder = tmp_path / f"stac{len(list(tmp_path.iterdir()))}"
    with holding(*statements) as catalog, Catalog.create(base="https://elsewhere.example/") as again:
        stac.write(catalog.store, folder)
        again.ingest(folder)
        assert graph(again) == graph(catalog)


# -- beside the path ----------------------------------------------------------------------------------------------


def test_a_folder_that_holds_something_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with holding(*EVERYTHING) as catalog, pytest.raises(StoreError, match="empty or not there"):
        stac.write(catalog.store, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_folder_is_complete_or_not_there(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    (tmp_path / "stac").mkdir()
    with holding(*EVERYTHING) as catalog:
        with monkeypatch.context() as patched:
            patched.setattr(Path, "write_bytes", full)
            with pytest.raises(StoreError, match="No space left"):
                stac.write(catalog.store, tmp_path / "stac")
        assert [path.name for path in tmp_path.rglob("*")] == ["stac"]
        stac.write(catalog.store, tmp_path / "stac")
    assert (tmp_path / "stac/catalog.json").is_file()


def test_an_empty_graph_is_an_empty_catalog(tmp_path):
    with Catalog.create() as catalog:
        stac.write(catalog.store, tmp_path / "stac")
    assert [path.name for path in (tmp_path / "stac").rglob("*")] == ["catalog.json"]


def test_writing_twice_gives_the_same_bytes(families, exported, tmp_path):
    stac.write(families.store, tmp_path / "again")
    assert {p.relative_to(exported): p.read_bytes() for p in exported.rglob("*.json")} == {
        p.relative_to(tmp_path / "again"): p.read_bytes() for p in (tmp_path / "again").rglob("*.json")
    }


def test_our_link_fields_are_understood_in_anybodys_document(catalog, write):
    """What a link says of its target holds, whether that can be opened or not."""
    said = {"lineage:iri": f"{X}d/train", "lineage:kind": "dataset", "lineage:split": "train", "lineage:stage": "finetuning",
            "lineage:evidence": [f"{X}p1", f"{X}p2", "page 3"], "lineage:note": "a note", "lineage:metrics": {"f1": 0.5}}  # fmt: skip
    report = catalog.ingest(write(m=model("m", link("derived_from", "./gone.json", **said))))
    assert len(report.findings) == 0
    (use,) = catalog.uses()
    assert (use.dataset, use.stage, use.split) == (f"{X}d/train", Stage.FINETUNING, "train")
    assert (use.evidence, use.note, use.metrics) == ((f"{X}p1", f"{X}p2"), "a note; page 3", '{"f1":0.5}')


def test_data_may_say_how_they_were_made(catalog, write):
    drawn = {"lineage:iri": f"{X}s", "lineage:kind": "archive", "lineage:derivation": "drawn"}
    labelled = {"lineage:iri": f"{X}s", "lineage:kind": "archive", "lineage:derivation": "labelled"}
    report = catalog.ingest(
        write(
            c=collection("c", link("derived_from", "s", **drawn)),
            d=collection("d", link("derived_from", "s", **labelled)),
        )
    )
    assert [(f.rule, f.pointer) for f in report.findings.kept] == [("role-on-data", "/links/0")]
    assert {(d.kind, d.rule) for d in catalog.derivations()} == {
        (DerivationKind.DRAWN, Rule.STATED), (DerivationKind.DRAWN, Rule.BARE_DERIVED_FROM)
    }  # fmt: skip


def test_a_footprint_said_to_be_unknown_is_not_the_world(catalog, write):
    catalog.ingest(write(c=collection("c", bbox=(-180, -90, 180, 90)) | {"lineage:footprint": "unknown"}))
    assert list(catalog.areas()) == []


def test_nothing_in_our_fields_can_break_the_reader(tmp_path):
    """Every value of every field and link, replaced by each of these in turn; all of it in one ingest."""
    odd = [None, "", 7, [], {}, "no iri", [["x"]], {"lineage:iri": "y"}]
    with holding(*EVERYTHING) as catalog:
        stac.write(catalog.store, tmp_path / "stac")
    (tmp_path / "odd").mkdir()
    number = itertools.count()
    for path in sorted((tmp_path / "stac").rglob("*.json")):
        document = load(path)
        for value in odd:
            places = [document.get("properties", document), *document["links"]]
            for key, spot in [(key, place) for place in places for key in place if key.startswith("lineage:")]:
                kept, spot[key] = spot[key], value
                (tmp_path / f"odd/{next(number)}.json").write_text(json.dumps(document))
                spot[key] = kept
    with Catalog.create(base="https://elsewhere.example/") as again:
        report = again.ingest(tmp_path / "odd")
        assert report.documents == next(number)
        assert "wrong-type" in {rule for rule, _ in report.findings.counts}
        assert not {f.rule for f in report.findings.kept if f.severity is Severity.ERROR}


# -- what stood in a model's item besides ---------------------------------------------------------------------------

MLM = sorted((SHARED / "stac/examples/stac-extensions-mlm").glob("v1.*/item*.json"))
TREE = {"self", "root", "parent", "collection", "item", "child"}
READ = {"derived_from", "predecessor-version", "successor-version", "latest-version"}


@pytest.mark.parametrize("path", MLM, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_models_item_keeps_what_the_graph_has_no_terms_for(path, tmp_path):
    before = load(path)
    with Catalog.create() as catalog:
        catalog.ingest(path)
        stac.write(catalog.store, tmp_path / "stac")
        (item,) = [d for d in map(load, (tmp_path / "stac/models").rglob("*.json")) if d["type"] == "Feature"]
        assert read(tmp_path / "stac") == graph(catalog)
    dates = {"datetime", "start_datetime", "end_datetime"}
    kept = {key: value for key, value in before["properties"].items() if key not in dates}
    there = {key: sorted(value) if key == "mlm:tasks" else value for key, value in item["properties"].items()}
    assert {key: there.get(key) for key in kept} == {k: sorted(v) if k == "mlm:tasks" else v for k, v in kept.items()}
    if "datacube" not in path.stem:  # whose longitudes are beyond 180, and are brought back
        assert item["geometry"] == before["geometry"]
    assert set(before["stac_extensions"]) <= set(item["stac_extensions"])
    base = next((entry["href"] for entry in before["links"] if entry["rel"] == "self"), "")
    for name, asset in before["assets"].items():
        assert item["assets"][name] == {**asset, "href": urljoin(base, asset["href"])}
    rest = [entry for entry in before["links"] if entry["rel"] not in TREE | READ]
    assert [entry for entry in item["links"] if entry["rel"] not in TREE | READ | {"lineage:evaluated_on"}] == [
        {**entry, "href": urljoin(base, entry["href"])} for entry in rest
    ]


@pytest.mark.skipif(not SCHEMAS.is_dir(), reason="needs the collected schemas in ../shared/stac")
@pytest.mark.parametrize(
    "path", [path for path in MLM if "v1.5" in str(path)], ids=lambda path: f"{path.parent.name}/{path.stem}"
)
def test_a_valid_mlm_item_is_a_valid_mlm_item_again(path, tmp_path):
    with Catalog.create() as catalog:
        catalog.ingest(path)
        stac.write(catalog.store, tmp_path / "stac")
    assert any("/mlm/" in e for p in (tmp_path / "stac").rglob("*.json") for e in load(p).get("stac_extensions", ()))
    assert [str(f) for f in validate_source(str(tmp_path / "stac/catalog.json"), schemas=SCHEMAS)] == []


def test_fields_that_differ_from_the_graph_do_not_mislead(tmp_path):
    with holding(*EVERYTHING) as catalog:
        stac.write(catalog.store, tmp_path / "stac")
    item = load(tmp_path / "stac/models/m/m-2.json")
    said = item["properties"]
    assert (said["title"], said["keywords"], said["license"]) == ("Ünï “m”", ["a"], "MIT")
    assert said["lineage:license"] == "see the card"
    assert said["lineage:publisher"] == "P"
    assert [provider["name"] for provider in said["providers"]] == ["Q", "P"]
    assert (item["foreign"], item["assets"]) == (1, {"w": {"href": "w.pt"}})
    assert {"rel": "about", "href": "x.html"} in item["links"]


def test_what_others_put_on_a_link_stays_on_it(tmp_path, write):
    stated = {"lineage:stage": "training", "title": "C", "file:size": 7, "x:y": {"z": [1]}}
    with Catalog.create() as catalog:
        catalog.ingest(write(m=model("m", link("derived_from", "./c.json", **stated)), c=collection("c")))
        stac.write(catalog.store, tmp_path / "stac")
        assert read(tmp_path / "stac") == graph(catalog)
    (found,) = [entry for entry in load(tmp_path / "stac/models/m.json")["links"] if entry["rel"] == "derived_from"]
    assert (found["file:size"], found["x:y"], found["lineage:stage"]) == (7, {"z": [1]}, "training")


# -- kinds of catalogs, and MLM's links -----------------------------------------------------------------------------


def test_a_relative_published_catalog_says_at_its_root_where_it_is(families, tmp_path):
    stac.write(families.store, tmp_path / "stac", root_href="https://example.com/stac", relative_links=True)
    found = {
        path: [entry for entry in load(path)["links"] if entry["rel"] == "self"]
        for path in (tmp_path / "stac").rglob("*.json")
    }
    (root,) = found.pop(tmp_path / "stac/catalog.json")
    assert root["href"] == "https://example.com/stac/catalog.json"
    assert not any(found.values())
    clay = {entry["rel"]: entry["href"] for entry in load(tmp_path / "stac/models/clay/clay.json")["links"]}
    assert (clay["root"], clay["parent"]) == ("../../catalog.json", "catalog.json")
    assert read(tmp_path / "stac/catalog.json") == graph(families)
    assert len(list(pystac.Catalog.from_file(str(tmp_path / "stac/catalog.json")).get_children())) == 2


def test_mlms_links_are_there_for_who_knows_no_other_and_change_nothing(families, tmp_path):
    stac.write(families.store, tmp_path / "stac", mlm_links=True)
    assert read(tmp_path / "stac") == graph(families)
    clay = load(tmp_path / "stac/models/clay/clay-v1.5.json")["links"]
    mlm = sorted(
        (entry["ml-aoi:split"], entry["lineage:iri"].removeprefix(FAMILIES))
        for entry in clay
        if "ml-aoi:split" in entry
    )
    assert ("train", "datasets/clay-v1-pretraining") in mlm
    assert ("validate", "datasets/clay-v1-pretraining/validation") in mlm
    assert {entry["rel"] for entry in clay if "ml-aoi:split" in entry} == {"derived_from"}
    uses = sum(1 for entry in clay if "lineage:stage" in entry)
    assert len(mlm) == uses


def test_mlms_links_keep_the_word_that_was_published(tmp_path):
    with holding(*EVERYTHING) as catalog:
        stac.write(catalog.store, tmp_path / "stac", mlm_links=True)
        again = Catalog.create(base="https://elsewhere.example/")
        again.ingest(tmp_path / "stac")
        assert graph(again) == graph(catalog)
    item = load(tmp_path / "stac/models/m/m-2.json")
    words = {entry["lineage:iri"]: entry["ml-aoi:split"] for entry in item["links"] if "ml-aoi:split" in entry}
    # Tested on what ML-AOI's record calls "validate", evaluated on the train split.
    assert words == {f"{X}d": "validate", f"{X}d/train": "train"}


def test_searchable_fields_say_what_links_say(exported, families):
    """Of every model: the fields against the graph, asked by SPARQL; of a split with what it is one of."""
    wholes = {d.iri: [whole for whole in d.part_of if d.iri == f"{whole}/{d.split}"] for d in families.datasets()}
    for name, predicate in (
        ("lineage:pretrained_on", "pretrainedOn"), ("lineage:finetuned_on", "finetunedOn"), ("lineage:trained_on", "trainedOn"),
        ("lineage:instruction_tuned_on", "instructionTunedOn"), ("lineage:validated_on", "validatedOn"), ("lineage:tested_on", "testedOn"),
        ("lineage:evaluated_on", "evaluatedOn"), ("lineage:exposed_to", "exposedTo"),
    ):  # fmt: skip
        rows = families.query(f"SELECT DISTINCT ?s ?o {{ ?s mlaoi:{predicate} ?o }}")
        asked = {(row["s"], row["o"]) for row in rows}
        for _ in range(3):  # a split may be one of a split
            asked |= {(s, whole) for s, o in asked for whole in wholes.get(o, ())}
        written = {
            (item["properties"]["lineage:iri"], iri)
            for item in map(load, (exported / "models").rglob("*.json"))
            if item["type"] == "Feature"
            for iri in item["properties"].get(name, ())
        }
        assert written == asked, name
        assert asked or name == "lineage:pretrained_on"
