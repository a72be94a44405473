"""Which link gives which edge, by the rules of the reader's table; one line a case."""

import json
from pathlib import Path

import pytest
from conftest import BASE, collection, link, model, quads, sample
from hypothesis import given, settings
from hypothesis import strategies as st

from mlaoi_graph.catalog import Catalog
from mlaoi_graph.errors import NodeNotFound
from mlaoi_graph.model import Confidence, DerivationKind, Rule, SplitPolicy, Stage
from mlaoi_graph.writers.stac import write as write_stac

C = f"{BASE}collections/c"
PARENT = f"{BASE}items/parent"
S2 = "https://earth-search.aws.element84.com/v1/collections/sentinel-2-l2a"


def edges(catalog, subject="m"):
    """Return what is said of a model: (stage or kind, target, rule, split)."""
    iri = catalog.find(subject)
    uses = [(u.stage, u.dataset, u.rule, u.split) for u in catalog.uses() if u.model == iri]
    made = [(d.kind, d.source, d.rule, d.source_split) for d in catalog.derivations() if d.derived == iri]
    return uses + made


USES = {
    # 1. our own fields
    "stage": (
        link("derived_from", "./c.json", **{"lineage:stage": "pretraining"}),
        (Stage.PRETRAINING, C, Rule.STATED, None),
    ),
    "stage and split": (
        link("derived_from", "./c.json", **{"lineage:stage": "finetuning", "ml-aoi:split": "train"}),
        (Stage.FINETUNING, f"{C}/train", Rule.STATED, "train"),
    ),
    "stage with our split": (
        link("derived_from", "./c.json", **{"lineage:stage": "instruction-tuning", "lineage:split": "v2"}),
        (Stage.INSTRUCTION_TUNING, f"{C}/v2", Rule.STATED, "v2"),
    ),
    "stated test on the train split": (
        link("lineage:evaluated_on", "./c.json", **{"lineage:stage": "test", "lineage:split": "train"}),
        (Stage.TEST, f"{C}/train", Rule.STATED, "train"),
    ),
    "evaluated, no more said": (link("lineage:evaluated_on", "./c.json"), (Stage.EVALUATION, C, Rule.STATED, None)),
    "evaluated on a split": (
        link("lineage:evaluated_on", "./c.json", **{"ml-aoi:split": "validate"}),
        (Stage.VALIDATION, f"{C}/validate", Rule.SPLIT_LINK, "validate"),
    ),
    "derivation": (
        link("derived_from", "./parent.json", **{"lineage:derivation": "distilled"}),
        (DerivationKind.DISTILLED, PARENT, Rule.STATED, None),
    ),
    # 2. ml-model
    "train-data": (link("ml-model:train-data", "./c.json"), (Stage.TRAINING, C, Rule.ML_MODEL_RELATION, None)),
    "test-data": (link("ml-model:test-data", "./c.json"), (Stage.TEST, C, Rule.ML_MODEL_RELATION, None)),
    "mlhub": (link("mlhub:training-dataset", "./c.json"), (Stage.TRAINING, C, Rule.ML_MODEL_RELATION, None)),
    # 3. split
    "train": (
        link("derived_from", "./c.json", **{"ml-aoi:split": "train"}),
        (Stage.TRAINING, f"{C}/train", Rule.SPLIT_LINK, "train"),
    ),
    "validate": (
        link("derived_from", "./c.json", **{"ml-aoi:split": "validate"}),
        (Stage.VALIDATION, f"{C}/validate", Rule.SPLIT_LINK, "validate"),
    ),
    "test": (
        link("derived_from", "./c.json", **{"ml-aoi:split": "test"}),
        (Stage.TEST, f"{C}/test", Rule.SPLIT_LINK, "test"),
    ),
    "no split word": (
        link("derived_from", "./c.json", **{"ml-aoi:split": "val"}),
        (DerivationKind.UNKNOWN, C, Rule.SPLIT_LINK, "val"),
    ),
    "archive": (
        link("derived_from", S2, **{"ml-aoi:split": "train"}),
        (Stage.TRAINING, f"{S2}/train", Rule.SPLIT_LINK, "train"),
    ),
    # 4. to a model
    "parent": (link("derived_from", "./parent.json"), (DerivationKind.UNSTATED, PARENT, Rule.MODEL_LINK, None)),
    "parent by id": (link("derived_from", "parent"), (DerivationKind.UNSTATED, PARENT, Rule.MODEL_LINK, None)),
    "a split to a model is no split": (
        link("derived_from", "./parent.json", **{"ml-aoi:split": "train"}),
        (DerivationKind.UNSTATED, PARENT, Rule.MODEL_LINK, None),
    ),
    "unknown, named as a model": (
        link("derived_from", "https://example.com/base.json", **{"mlm:name": "base"}),
        (DerivationKind.UNSTATED, "https://example.com/base.json", Rule.MODEL_LINK, None),
    ),
    "weights": (
        link("derived_from", "https://example.com/weights.pt"),
        (DerivationKind.UNSTATED, "https://example.com/weights.pt", Rule.MODEL_LINK, None),
    ),
    # 5. bare, to data
    "data": (link("derived_from", "./c.json"), (Stage.TRAINING, C, Rule.BARE_DERIVED_FROM, None)),
    "data by id": (link("derived_from", "c"), (Stage.TRAINING, C, Rule.BARE_DERIVED_FROM, None)),
    "one sample": (link("derived_from", "./s.json"), (Stage.TRAINING, f"{C}/items/s", Rule.BARE_DERIVED_FROM, None)),
    "a raster": (
        link("derived_from", "https://example.com/chips.tif"),
        (Stage.TRAINING, "https://example.com/chips.tif", Rule.BARE_DERIVED_FROM, None),
    ),
    "named as a model, and data all the same": (
        link("derived_from", "./c.json", **{"mlm:name": "c"}),
        (Stage.TRAINING, C, Rule.BARE_DERIVED_FROM, None),
    ),
    # 6. unknown
    "unknown": (
        link("derived_from", "https://example.com/what.json"),
        (DerivationKind.UNKNOWN, "https://example.com/what.json", Rule.UNRESOLVED_DERIVED_FROM, None),
    ),
    "unknown id": (
        link("derived_from", "what"),
        (DerivationKind.UNKNOWN, f"{BASE}unresolved/what", Rule.UNRESOLVED_DERIVED_FROM, None),
    ),
}


@pytest.mark.parametrize("case", USES)
def test_a_link_gives_one_edge(case, catalog, write):
    given, expected = USES[case]
    catalog.ingest(
        write(m=model("m", given), parent=model("parent"), c=collection("c"), s=sample("s", "c", split="test"))
    )
    assert edges(catalog) == [expected]


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        (link("derived_from", "./c.json", **{"lineage:stage": "training-ish"}), "unknown-stage"),
        (link("derived_from", "./parent.json", **{"lineage:derivation": "copied"}), "unknown-derivation"),
        (link("derived_from", "./parent.json", **{"lineage:stage": "test"}), "stage-of-model"),
        (link("derived_from", "./c.json", **{"lineage:derivation": "merged"}), "derivation-of-data"),
        (link("derived_from", "./c.json", **{"ml-aoi:split": "val"}), "unknown-split"),
        (link("derived_from", "./c.json", **{"ml-aoi:split": ["train", "test"]}), "wrong-type"),
        (link("derived_from", "./c.json", **{"lineage:split": 1}), "wrong-type"),
        (link("derived_from", "./t.json", **{"ml-aoi:split": "train"}), "split-against-declared"),
        (link("derived_from", "./m.json"), "self-reference"),
        (link("derived_from", "./gone.json"), "broken-link"),
        (link("derived_from", "../../gone.json"), "outside-tree"),
        (link("derived_from", "javascript:alert(1)"), "refused-link"),
        (link("derived_from", 7), "broken-link"),
        (link("latest-version", "m"), "version-cycle"),
        (link("predecessor-version", "./m.json"), "version-cycle"),
    ],
)  # fmt: skip
def test_what_is_odd_about_a_link_is_a_finding_at_the_link(given, rule, catalog, write):
    folder = write(m=model("m", given), parent=model("parent"), c=collection("c"), t=collection("t", split="test"))
    found = [f for f in catalog.ingest(folder).findings.kept if f.rule == rule]
    assert [(f.document, f.pointer) for f in found] == [(f"{folder}/m.json", "/links/0")]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (link("derived-from", "./c.json"), (Stage.TRAINING, C, Rule.BARE_DERIVED_FROM, None)),
        (link(" derived_from", "./c.json"), (Stage.TRAINING, C, Rule.BARE_DERIVED_FROM, None)),
        (link("derivedFrom", "./parent.json"), (DerivationKind.UNSTATED, PARENT, Rule.MODEL_LINK, None)),
        (link("prov:wasDerivedFrom", "./c.json"), (Stage.TRAINING, C, Rule.BARE_DERIVED_FROM, None)),
        (link("http://www.w3.org/ns/prov#wasDerivedFrom", "./c.json"), (Stage.TRAINING, C, Rule.BARE_DERIVED_FROM, None)),
        (link("lineage:trained_on", "./c.json"), (Stage.TRAINING, C, Rule.BARE_DERIVED_FROM, None)),
        (link("lineage:tested_on", "./c.json", **{"lineage:stage": "test"}), (Stage.TEST, C, Rule.STATED, None)),
        (link("related", "./c.json", **{"lineage:stage": "finetuning"}), (Stage.FINETUNING, C, Rule.STATED, None)),
        (link("via", "./parent.json", **{"lineage:derivation": "merged"}), (DerivationKind.MERGED, PARENT, Rule.STATED, None)),
        (link("about", "./c.json", **{"lineage:stage": "train"}), (DerivationKind.UNKNOWN, C, Rule.UNRESOLVED_DERIVED_FROM, None)),
    ],
)  # fmt: skip
def test_lineage_by_another_rel_is_read_and_told(given, expected, catalog, write):
    report = catalog.ingest(write(m=model("m", given), parent=model("parent"), c=collection("c")))
    assert edges(catalog) == [expected]
    assert [(f.rule, f.pointer) for f in report.findings.kept if f.rule == "rel-words"] == [
        ("rel-words", "/links/0/rel")
    ]


def test_other_rels_state_no_lineage(catalog, write):
    links = [link(rel, "./c.json") for rel in ("related", "via", "about", "describedby", "example", "training")]
    report = catalog.ingest(write(m=model("m", *links), c=collection("c")))
    assert edges(catalog) == []
    assert not [f for f in report.findings.kept if f.rule == "rel-words"]


@pytest.mark.parametrize("through", ["", "linked"], ids=["as it is", "by a symbolic link"])
def test_a_path_of_the_file_system_that_lies_in_the_folder_leads_there(through, tmp_path, write):
    """As pystac writes links that it cannot make relative."""

    def read(place):
        links = [link("derived_from", f"{place}data/c.json"), link("derived_from", f"{place}parent.json")]
        item = link("item", f"{place}data/s.json")
        gone = link("item", f"{place}data/gone.json")
        documents = {"m": model("m", *links), "parent": model("parent"), "data__s": sample("s", "c", split="test")}
        folder = write(**documents, data__c=collection("c", item, gone))
        with Catalog.create() as catalog:
            report = catalog.ingest(tmp_path / through if through else folder, name="src")
            return edges(catalog), [(f.rule, f.pointer) for f in report.findings.kept], len(list(catalog.areas()))

    (tmp_path / "linked").symlink_to(tmp_path / "source")
    relative = read(f"{tmp_path}/source/")
    assert relative == read(f"{tmp_path}/linked/") if through else True
    assert ("broken-link", "/links/1/href") in relative[1]
    assert "outside-tree" not in dict(relative[1])
    assert {target for _, target, *_ in relative[0]} == {C, PARENT}
    assert {rule for rule, _ in read(f"{tmp_path}/elsewhere/")[1]} >= {"outside-tree"}


def test_a_split_beside_a_misspelt_stage_tells_no_stage(catalog, write):
    """Who writes "train" beside the test split has said the opposite of a test."""
    given = link("derived_from", "./c.json", **{"lineage:stage": "train", "ml-aoi:split": "test"})
    found = catalog.ingest(write(m=model("m", given), c=collection("c"))).findings.kept
    assert [f.rule for f in found if f.pointer.startswith("/links")] == ["unknown-stage"]
    assert not list(catalog.uses())
    assert [(d.kind.value, d.source, d.source_split) for d in catalog.derivations()] == [
        ("unknown", f"{BASE}collections/c", "test")
    ]


@pytest.mark.parametrize(
    ("fields", "rule", "split", "by"),
    [
        ({"lineage:stage": "testing"}, "unknown-stage", None, Rule.UNRESOLVED_DERIVED_FROM),
        ({"lineage:stage": 5}, "unknown-stage", None, Rule.UNRESOLVED_DERIVED_FROM),
        ({"ml-aoi:split": ["train", "test"]}, "wrong-type", None, Rule.UNRESOLVED_DERIVED_FROM),
        ({"ml-aoi:split": 1}, "wrong-type", None, Rule.UNRESOLVED_DERIVED_FROM),
        ({"ml-aoi:split": "train", "lineage:split": []}, "wrong-type", None, Rule.UNRESOLVED_DERIVED_FROM),
        ({"lineage:stage": "testing", "ml-aoi:split": "test"}, "unknown-stage", "test", Rule.SPLIT_LINK),
        ({"ml-aoi:split": "Train"}, "unknown-split", "Train", Rule.SPLIT_LINK),
        ({"rel": "lineage:evaluated_on", "lineage:stage": "training"}, "stage-against-rel", None, Rule.STATED),
        ({"rel": "lineage:evaluated_on", "lineage:stage": "finetuning", "ml-aoi:split": "test"}, "stage-against-rel", "test", Rule.STATED),
        ({"rel": "ml-model:train-data", "lineage:stage": "test"}, "stage-against-rel", None, Rule.STATED),
        ({"rel": "ml-model:test-data", "lineage:stage": "pretraining"}, "stage-against-rel", None, Rule.STATED),
    ],
)  # fmt: skip
def test_a_stage_that_cannot_be_used_is_none(fields, rule, split, by, catalog, write):
    """Not even the one a link without it would give; the link still leads to what the model was made from.

    Which rule says so is told by the first of the table in docs/reading-stac.md that applies.
    """
    given = {**link("derived_from", "./c.json"), **fields}
    found = catalog.ingest(write(m=model("m", given), c=collection("c"))).findings.kept
    assert [(f.rule, f.pointer) for f in found if f.pointer.startswith("/links")] == [(rule, "/links/0")]
    assert not list(catalog.uses())
    assert edges(catalog) == [(DerivationKind.UNKNOWN, C, by, split)]


@pytest.mark.parametrize("rel", ["lineage:evaluated_on", "ml-model:test-data"])
def test_a_misspelt_stage_leaves_what_the_rel_says_and_no_more(rel, catalog, write):
    given = link(rel, "./c.json", **{"lineage:stage": "tests", "ml-aoi:split": "validate"})
    catalog.ingest(write(m=model("m", given), c=collection("c")))
    stage = Stage.EVALUATION if rel == "lineage:evaluated_on" else Stage.TEST
    assert [(u.stage, u.split) for u in catalog.uses()] == [(stage, "validate")]


def test_a_list_of_one_split_is_that_split(catalog, write):
    """As it is of an item."""
    given = link("derived_from", "./c.json", **{"ml-aoi:split": ["test"]})
    of_data = link("derived_from", "./c.json", **{"lineage:split": ["train"]})
    found = catalog.ingest(write(m=model("m", given), c=collection("c"), d=collection("d", of_data))).findings.kept
    assert [f.rule for f in found if f.pointer.startswith("/links")] == ["wrong-type"] * 2
    assert edges(catalog) == [(Stage.TEST, f"{C}/test", Rule.SPLIT_LINK, "test")]
    assert edges(catalog, "d") == [(DerivationKind.DERIVED, f"{C}/train", Rule.BARE_DERIVED_FROM, "train")]


@pytest.mark.parametrize("teacher", ["a", "z"])
def test_being_measured_on_a_model_makes_no_ancestor_of_it(teacher, catalog, write):
    """Whichever of the two is read first; nor does it make a test."""
    given = link("lineage:evaluated_on", f"./{teacher}.json", **{"lineage:stage": "test"})
    plain = link("lineage:evaluated_on", f"./{teacher}.json")
    folder = write(
        **{teacher: model(teacher, link("derived_from", "./c.json"))}, m=model("m", given, plain), c=collection("c")
    )
    found = [f.rule for f in catalog.ingest(folder).findings.kept]
    assert found.count("stage-of-model") == 2
    assert not list(catalog.derivations())
    assert [use.model for use in catalog.uses()] == [f"{BASE}items/{teacher}"]


def test_the_split_policy_decides_and_is_kept(tmp_path, write):
    given = [link("derived_from", "./c.json", **{"ml-aoi:split": split}) for split in ("test", "validate")]
    folder = write(m=model("m", *given), c=collection("c"))
    with Catalog.create(split_policy=SplitPolicy.ML_AOI_ADR) as catalog:
        catalog.ingest(folder)
        found = {(u.split, u.stage, u.policy) for u in catalog.uses()}
    assert found == {
        ("test", Stage.VALIDATION, SplitPolicy.ML_AOI_ADR),
        ("validate", Stage.TEST, SplitPolicy.ML_AOI_ADR),
    }


def test_a_use_of_a_collection_that_is_the_split_points_at_it(catalog, write):
    catalog.ingest(
        write(
            m=model("m", link("derived_from", "./t.json", **{"ml-aoi:split": "train"})),
            t=collection("t", split="train"),
        )
    )
    assert edges(catalog) == [(Stage.TRAINING, f"{BASE}collections/t", Rule.SPLIT_LINK, "train")]


def test_what_a_link_says_beside_the_edge_is_kept(catalog, write):
    evidence = {"lineage:evidence": "https://example.com/paper", "lineage:confidence": "unverified"}
    catalog.ingest(write(m=model("m", link("derived_from", "./c.json", **evidence)), c=collection("c")))
    (use,) = catalog.uses()
    assert use.evidence == ("https://example.com/paper",)
    assert use.confidence is Confidence.UNVERIFIED
    assert use.document == f"{BASE}documents/source/m.json"
    assert use.pointer == "/links/0"
    assert use.iri == f"{use.document}#/links/0"
    assert '"rel":"derived_from"' in use.as_published


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("ImageNet", (Stage.PRETRAINING, f"{BASE}unresolved/imagenet", Rule.PRETRAINED_SOURCE, None)),
        ("c", (Stage.PRETRAINING, C, Rule.PRETRAINED_SOURCE, None)),
        ("Fields of Nepal", (Stage.PRETRAINING, C, Rule.PRETRAINED_SOURCE, None)),
        ("10.5281/zenodo.1", (Stage.PRETRAINING, C, Rule.PRETRAINED_SOURCE, None)),
        ("https://doi.org/10.5281/zenodo.1", (Stage.PRETRAINING, C, Rule.PRETRAINED_SOURCE, None)),
        ("parent", (DerivationKind.UNSTATED, PARENT, Rule.PRETRAINED_SOURCE, None)),
        ("https://example.com/w.pth", (DerivationKind.UNSTATED, "https://example.com/w.pth", Rule.PRETRAINED_SOURCE, None)),
        ("https://example.com/data", (Stage.PRETRAINING, "https://example.com/data", Rule.PRETRAINED_SOURCE, None)),
        (
            "https://arxiv.org/abs/2407.11743",
            (DerivationKind.UNKNOWN, f"{BASE}unresolved/https:%2F%2Farxiv.org%2Fabs%2F2407.11743", Rule.PRETRAINED_SOURCE, None),
        ),
        ("10.1234/Paper", (DerivationKind.UNKNOWN, "https://doi.org/10.1234/paper", Rule.PRETRAINED_SOURCE, None)),
    ],
)  # fmt: skip
def test_pretrained_source_goes_through_one_resolver(source, expected, catalog, write):
    fields = {"title": "Fields of Nepal", "sci:doi": "10.5281/zenodo.1"}
    catalog.ingest(
        write(m=model("m", **{"mlm:pretrained_source": source}), parent=model("parent"), c=collection("c", **fields))
    )
    assert edges(catalog) == [expected]


CATALOG = {"type": "Catalog", "stac_version": "1.1.0", "id": "k", "description": "", "links": []}


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("./parent.json", DerivationKind.UNSTATED),
        ("parent.json", DerivationKind.UNSTATED),
        ("./c.json", Stage.PRETRAINING),
        ("t.json", Stage.PRETRAINING),
        ("s.json", Stage.PRETRAINING),
        ("sub/w.pt", DerivationKind.UNSTATED),
        ("./k.json", DerivationKind.UNKNOWN),
        ("./gone.json", DerivationKind.UNKNOWN),
        ("gone.json", DerivationKind.UNKNOWN),
        ("../../gone.json", DerivationKind.UNKNOWN),
    ],
)
def test_a_path_as_pretrained_source_leads_where_that_of_a_link_does(path, kind, catalog, write):
    """And what goes wrong on the way is told as of the link."""
    folder = write(
        m=model("m", **{"mlm:pretrained_source": path}), by_link=model("by_link", link("derived_from", path)),
        parent=model("parent"), c=collection("c"), t=collection("t", split="test"), s=sample("s", "c"), k=CATALOG,
    )  # fmt: skip
    (folder / "sub").mkdir()
    (folder / "sub" / "w.pt").write_bytes(b"")
    found = catalog.ingest(folder).findings.kept
    ((_, linked, *_),) = edges(catalog, "by_link")
    assert edges(catalog) == [(kind, linked, Rule.PRETRAINED_SOURCE, None)]
    of_link = {(f.rule, f.message) for f in found if f.pointer == "/links/0"}
    assert {(f.rule, f.message) for f in found if f.pointer == "/properties/mlm:pretrained_source"} == of_link


def test_a_pretrained_source_is_what_is_at_its_path_now(catalog, write):
    """Whether the file came, was described as something else, or went, since the model was read."""
    folder = write(m=model("m", **{"mlm:pretrained_source": "b.json"}))
    catalog.ingest(folder)
    assert [kind for kind, *_ in edges(catalog)] == [DerivationKind.UNKNOWN]
    for document, expected in (
        (model("parent"), (DerivationKind.UNSTATED, PARENT)),
        (collection("c"), (Stage.PRETRAINING, C)),
    ):
        catalog.ingest(write(b=document))
        assert [edge[:2] for edge in edges(catalog)] == [expected]
    (folder / "b.json").unlink()
    catalog.ingest(folder)
    assert [kind for kind, *_ in edges(catalog)] == [DerivationKind.UNKNOWN]


SPELLINGS = ["10.1234/Abc", "https://doi.org/10.1234/abc", "http://dx.doi.org/10.1234/ABC", "doi:10.1234/aBc"]


@pytest.mark.parametrize("is_named", [True, False])
def test_a_doi_is_one_thing_however_it_is_spelled(is_named, tmp_path, catalog, write):
    """Before anything is known to have it, with what has it, which is data or a model, and when that is gone."""
    models = [
        model(f"m{n}", **{"mlm:pretrained_source": doi}) if is_named else model(f"m{n}", link("derived_from", doi))
        for n, doi in enumerate(SPELLINGS)
    ]
    catalog.ingest(write(**{m["id"]: m for m in models}))
    unknown = {("https://doi.org/10.1234/abc", DerivationKind.UNKNOWN)}
    assert {(d.source, d.kind) for d in catalog.derivations()} == unknown
    assert len(list(catalog.unresolved())) == 1
    for owner in (collection("z", **{"sci:doi": SPELLINGS[0]}), model("z", **{"sci:doi": SPELLINGS[2]})):
        (tmp_path / "other").mkdir(exist_ok=True)
        (tmp_path / "other" / "z.json").write_text(json.dumps(owner))
        catalog.ingest(tmp_path / "other")
        if owner["type"] == "Collection":
            stage = Stage.PRETRAINING if is_named else Stage.TRAINING
            assert [(u.dataset, u.stage) for u in catalog.uses()] == [(f"{BASE}collections/z", stage)] * len(SPELLINGS)
        else:
            assert {(d.source, d.kind) for d in catalog.derivations()} == {(f"{BASE}items/z", DerivationKind.UNSTATED)}
        assert not list(catalog.unresolved())
    catalog.remove(f"{BASE}documents/other/z.json")
    catalog.ingest(tmp_path / "source")
    assert {(d.source, d.kind) for d in catalog.derivations()} == unknown


def test_pretrained_source_null_is_from_scratch(catalog, write):
    report = catalog.ingest(write(m=model("m", **{"mlm:pretrained": True, "mlm:pretrained_source": None})))
    assert edges(catalog) == []
    assert len(report.findings) == 0


@pytest.mark.parametrize("word", ["none", "None", "random", " from scratch "])
def test_a_word_for_nothing_is_no_dataset(word, catalog, write):
    report = catalog.ingest(write(m=model("m", **{"mlm:pretrained_source": word})))
    assert [f.rule for f in report.findings.kept] == ["from-scratch"]
    assert (list(catalog.uses()), list(catalog.datasets())) == ([], [])


def test_pretrained_without_a_source_is_said(catalog, write):
    report = catalog.ingest(write(m=model("m", **{"mlm:pretrained": True})))
    assert [f.rule for f in report.findings.kept] == ["pretrained-on-what"]
    ((kind, source, *_),) = edges(catalog)
    assert (kind, [n.iri for n in catalog.unresolved()]) == (DerivationKind.UNKNOWN, [source])


def test_whether_a_link_says_on_what_a_model_was_pretrained_is_told_as_it_is_known(catalog, write, tmp_path):
    """Of a link to data it is not: a model was trained on them, and not said to be pretrained; whenever they came."""
    address = "https://example.com/x"
    folder = write(m=model("m", link("derived_from", address), **{"mlm:pretrained": True}))
    (tmp_path / "other").mkdir()
    told = ("m.json", "/properties/mlm:pretrained", "pretrained-on-what")
    for there, expected in (
        (None, {told}), (collection("x", link("self", address)), {told}), (model("x", link("self", address)), set()),
        (collection("x", link("self", address)), {told}),
    ):  # fmt: skip
        if there is not None:
            (tmp_path / "other" / "x.json").write_text(json.dumps(there))
            catalog.ingest(tmp_path / "other")
        for made in (catalog, Catalog.create()):
            if made is not catalog and there is not None:
                made.ingest(tmp_path / "other")
            found = made.ingest(folder).findings.kept
            assert {(f.document.rpartition("/")[2], f.pointer, f.rule) for f in found} == expected
            assert sorted(map(str, edges(made))) == sorted(map(str, edges(catalog)))
            unsaid = [source for _, source, *_ in edges(made) if source.endswith("-unsaid")]
            assert len(unsaid) == (there is not None and there["type"] == "Collection")


def test_pretrained_on_something_and_not_pretrained_is_told(catalog, write):
    said = {"mlm:pretrained": False, "mlm:pretrained_source": "ImageNet"}
    report = catalog.ingest(write(m=model("m", **said), n=model("n", **said | {"mlm:pretrained_source": "none"})))
    assert [(f.document.rpartition("/")[2], f.pointer, f.rule) for f in report.findings.kept if f.rule != "from-scratch"] == [
        ("m.json", "/properties/mlm:pretrained", "pretrained-against-source")
    ]  # fmt: skip
    assert [stage for stage, *_ in edges(catalog)] == [Stage.PRETRAINING]


def test_what_gives_less_than_one_may_expect(catalog, write):
    """The exceptions that docs/reading-stac.md names."""
    boxed = {"geometry": None, "bbox": [-180, -90, 180, 90]}
    catalog.ingest(write(
        c=collection("c"), s=sample("s", "c", link("latest-version", "./t.json")) | boxed, t=sample("t", "c"),
        m=model("m", link("derived_from", "./gone.tif"), link("latest-version", "https://example.com/m2")),
        project=collection("project", link("item", "https://example.com/far.json"), **{"osc:type": "project"}),
    ))  # fmt: skip
    assert {d.iri for d in catalog.datasets() if d.resolved} == {C}
    assert {a.iri: a.precision.value for a in catalog.areas()}[f"{C}/items/s#area"] == "global"
    assert [(stage, rule) for stage, _, rule, _ in edges(catalog)] == [(Stage.TRAINING, Rule.BARE_DERIVED_FROM)]
    succeeds = catalog.query("SELECT ?new { ?new mlaoi:succeeds ?old }")
    assert [row["new"] for row in succeeds] == ["https://example.com/m2"]


@pytest.mark.parametrize(
    ("fields", "tasks"),
    [
        ({"mlm:tasks": "x"}, ["x"]),
        ({"mlm:tasks": ["x", 5]}, ["x"]),
        ({"mlm:tasks": {"x": 1}}, []),
        ({"mlm:name": ["a"]}, []),
        ({"mlm:tasks": ["x", "y"]}, ["x", "y"]),
    ],
)
def test_a_field_of_a_model_that_is_no_such_type_is_told(fields, tasks, catalog, write):
    report = catalog.ingest(write(m=model("m", **fields)))
    told = [] if tasks == ["x", "y"] else [("wrong-type", f"/properties/{next(iter(fields))}")]
    assert [(f.rule, f.pointer) for f in report.findings.kept] == told
    assert list(catalog.node(catalog.find("m")).tasks) == tasks


@pytest.mark.parametrize(
    "own", [{}, {"lineage:kind": "model", "lineage:iri": "https://example.com/o"}], ids=["mlm", "ours"]
)
def test_a_family_that_is_only_named_is_one(own, catalog, write):
    family = "https://example.com/family"
    uses = link("derived_from", "c.json"), link("lineage:evaluated_on", "c.json", **{"lineage:stage": "test"})
    report = catalog.ingest(write(o=model("o", *uses, **{"lineage:family": family, **own}), c=collection("c")))
    assert len(report.findings) == 0
    assert len(list(catalog.models(tested_in="7,46,8,47", family=family))) == 1
    # Of the family itself no evaluation is recorded, of its member one is.
    assert {row.what for row in catalog.leakage(family).unchecked} == {
        "disclosure", "no-evaluation", "splits-not-stated",
    }  # fmt: skip


def test_a_family_that_is_no_iri_is_told(catalog, write):
    report = catalog.ingest(write(o=model("o", **{"lineage:family": 7})))
    assert [(f.rule, f.pointer) for f in report.findings.kept] == [("wrong-type", "/properties/lineage:family")]


@pytest.mark.parametrize("said", ["true", "Yes", 1, {"on": "x"}], ids=repr)
def test_pretrained_in_other_words_may_be_pretrained(said, catalog, write):
    """Until a source says on what; and so when what its links lead to is read later."""
    folder = write(m=model("m", link("derived_from", "./c.json"), **{"mlm:pretrained": said}))
    report = catalog.ingest(folder)
    assert "wrong-type" in {f.rule for f in report.findings.kept}
    write(c=collection("c"))
    for document in (None, sample("z")):
        catalog.ingest(folder if document is None else write(z=document))
        assert {kind for kind, *_ in edges(catalog)} == {Stage.TRAINING, DerivationKind.UNKNOWN}
    catalog.ingest(write(m=model("m", **{"mlm:pretrained": said, "mlm:pretrained_source": None})))
    assert edges(catalog) == []


def test_a_rel_in_capitals_is_that_rel(catalog, write):
    report = catalog.ingest(
        write(m=model("m", link("Derived_From", "c.json")), c=collection("c", link("ITEM", "s.json")), s=sample())
    )
    assert sorted(f.rule for f in report.findings.kept) == ["rel-case", "rel-case"]
    assert [use.stage for use in catalog.uses()] == [Stage.TRAINING]


@pytest.mark.parametrize("links", [None, "", {}, 0, ["junk"], [{"rel": 5, "href": "c.json"}]], ids=repr)
def test_links_that_cannot_be_read_may_have_led_anywhere(links, catalog, write, tmp_path):
    """That is stated by nobody, and says so; in what is exported too."""

    def said(catalog):
        twins = [*catalog.uses(), *catalog.derivations()]
        assert len({twin.iri for twin in twins}) == len(twins) == 3
        assert {twin.rule for twin in twins} == {Rule.UNREAD_LINKS}
        return {(getattr(twin, "stage", None) or twin.kind) for twin in twins}

    folder = write(m=model("m") | {"links": links}, c=collection("c") | {"links": links})
    found = catalog.ingest(folder).findings.kept
    assert {f.document.rpartition("/")[2] for f in found if f.pointer.startswith("/links")} == {"m.json", "c.json"}
    assert len(list(catalog.unresolved())) == 3
    assert said(catalog) == {DerivationKind.UNKNOWN, Stage.EVALUATION}
    assert {twin.pointer for twin in (*catalog.uses(), *catalog.derivations())} == {"/links"}
    write_stac(catalog.store, tmp_path / "stac")
    with Catalog.create() as again:
        again.ingest(tmp_path / "stac")
        assert said(again) == said(catalog)


def test_what_is_drawn_from_data_with_bounds_is_derived_from_it(catalog, write):
    """Whichever of the two is read first."""
    drawn = link("derived_from", "./c.json", **{"lineage:derivation": "drawn"})
    folder = write(d=collection("d", drawn))
    catalog.ingest(folder)
    assert {d.kind for d in catalog.derivations()} == {DerivationKind.DRAWN}
    report = catalog.ingest(
        write(c=collection("c", bbox=(20, 0, 21, 1)), m=model("m", link("derived_from", "d.json"), TESTED))
    )
    assert [f.rule for f in report.findings.kept] == ["drawn-from-data"]
    assert {d.kind for d in catalog.derivations()} == {DerivationKind.DERIVED}
    assert [row.kind for row in catalog.leakage("m")] == ["derived-dataset"]
    catalog.ingest(write(c=collection("sentinel-2-l2a", bbox=(-180, -90, 180, 90)) | {"extent": EVERYWHERE}))
    assert {d.kind for d in catalog.derivations()} == {DerivationKind.DRAWN}


TESTED = link("lineage:evaluated_on", "c.json")
EVERYWHERE = {"spatial": {"bbox": [[-180, -90, 180, 90]]}, "temporal": {"interval": [["2015-06-27T00:00:00Z", None]]}}
DATA = {
    "from data": (
        link("derived_from", "./t.json"),
        (DerivationKind.DERIVED, f"{BASE}collections/t", Rule.BARE_DERIVED_FROM, None),
    ),
    "from a split": (
        link("derived_from", "./t.json", **{"lineage:split": "train"}),
        (DerivationKind.DERIVED, f"{BASE}collections/t/train", Rule.BARE_DERIVED_FROM, "train"),
    ),
    "from an archive": (link("derived_from", S2), (DerivationKind.DRAWN, S2, Rule.BARE_DERIVED_FROM, None)),
    "by a model": (link("derived_from", "./parent.json"), (DerivationKind.LABELLED, PARENT, Rule.MODEL_LINK, None)),
    "from what": (
        link("derived_from", "https://example.com/x.json"),
        (DerivationKind.UNKNOWN, "https://example.com/x.json", Rule.UNRESOLVED_DERIVED_FROM, None),
    ),
}


@pytest.mark.parametrize("case", DATA)
def test_data_are_made_from_data_or_labelled_by_models(case, catalog, write):
    given, expected = DATA[case]
    catalog.ingest(write(c=collection("c", given), t=collection("t"), parent=model("parent")))
    assert edges(catalog, "c") == [expected]


def test_an_inference_product_is_labelled_by_its_model(catalog, write):
    product = sample("p", "c", link("derived_from", "./parent.json", **{"mlm:name": "parent"}))
    catalog.ingest(write(p=product, c=collection("c"), parent=model("parent")))
    assert edges(catalog, f"{C}/items/p") == [(DerivationKind.LABELLED, PARENT, Rule.MODEL_LINK, None)]


def test_the_images_of_a_sample_are_kept_and_are_no_datasets(catalog, write):
    image, label = "https://example.com/scene.tif", "https://example.com/label.json"
    catalog.ingest(write(c=collection("c"), s=sample(
        "s", "c", link("source", image, **{"ml-aoi:role": "label"}), link("derived_from", image, **{"ml-aoi:role": "feature"}),
        link("derived_from", label, role="ml-aoi:label"), link("derived_from", "./scene2.tif"),
    )))  # fmt: skip
    (area,) = [a for a in catalog.areas() if a.identifier == "s"]
    assert area.source_images == (image, f"{BASE}files/source/scene2.tif")
    assert area.label_sources == (label,)
    assert list(catalog.derivations()) == []
    assert [d.iri for d in catalog.datasets()] == [C]


@pytest.mark.parametrize("rel", ["predecessor-version", "successor-version"])
def test_version_links_are_successions_and_no_derivations(rel, catalog, write):
    catalog.ingest(write(m=model("m", link(rel, "./parent.json")), parent=model("parent")))
    (edge,) = catalog.associations()
    m = f"{BASE}items/m"
    assert (edge.subject, edge.object) == ((m, PARENT) if rel == "predecessor-version" else (PARENT, m))
    assert edges(catalog) == []


@pytest.mark.parametrize("href", ["./z.json", "z", "https://example.com/z.json"])
@pytest.mark.parametrize("later", ["", "m", "z"])
def test_a_version_link_makes_nothing_a_model(href, later, catalog, write):
    """Nor of what is read later; the link is kept, and told."""
    own = [link("self", "https://example.com/z.json")] if href.startswith("https") else []
    documents = {
        "m": model("m", link("predecessor-version", href)),
        "z": collection("z", *own, license="MIT", title="Z"),
    }
    if later:
        catalog.ingest(write(**{name: document for name, document in documents.items() if name != later}))
    report = catalog.ingest(write(**documents))
    z = own[0]["href"] if own else f"{BASE}collections/z"
    assert [m.iri for m in catalog.models()] == [f"{BASE}items/m"]
    assert [(d.iri, d.license) for d in catalog.datasets()] == [(z, "MIT")]
    assert [(edge.subject, edge.object) for edge in catalog.associations()] == [(f"{BASE}items/m", z)]
    assert [f.pointer for f in report.findings.kept if f.rule == "other-kind"] == ["/links/0"]


def test_circles_end_and_are_reported(catalog, write):
    report = catalog.ingest(write(
        a=model("a", link("derived_from", "./b.json"), link("predecessor-version", "./b.json")),
        b=model("b", link("derived_from", "./a.json"), link("predecessor-version", "./a.json")),
    ))  # fmt: skip
    assert [f.rule for f in report.findings.kept] == ["cycle"]
    assert edges(catalog, "a") == [(DerivationKind.UNSTATED, f"{BASE}items/b", Rule.MODEL_LINK, None)]


def test_a_circle_is_found_behind_a_long_chain(catalog, write):
    chain = {f"m{n}": model(f"m{n}", link("derived_from", f"./m{n + 1}.json")) for n in range(60)}
    circle = model("m60", link("derived_from", "./m59.json"), link("derived_from", "./m61.json"))
    beyond = {f"m{n}": model(f"m{n}", link("derived_from", f"./m{n + 1}.json")) for n in range(61, 90)}
    report = catalog.ingest(write(**chain, m60=circle, **beyond))
    (found,) = [f for f in report.findings.kept if f.rule == "cycle"]
    assert found.message.startswith("2 things")
    assert found.message.endswith(f"{BASE}items/m59, {BASE}items/m60")


@pytest.mark.parametrize(
    "href",
    ["c", f"{BASE}collections/c", "https://example.com/c.json", "parent", "https://example.com/parent.json", "s"],
)
def test_the_order_of_reading_makes_no_difference(href, tmp_path, write):
    """A reference met before its target is typed again when the target comes, in a later ingest too."""
    target = {
        "c": collection("c"), f"{BASE}collections/c": collection("c"),
        "https://example.com/c.json": collection("c", link("self", "https://example.com/c.json")), "parent": model("parent"),
        "https://example.com/parent.json": model("parent", link("self", "https://example.com/parent.json")),
        "s": sample("s", "c2", split="train"),
    }[href]  # fmt: skip
    m = model("m", link("derived_from", href, **{"ml-aoi:split": "train"} if "c" in href else {}))
    folder = write(a__m=m, b__target=target)
    with Catalog.create() as first, Catalog.create() as second:
        first.ingest(folder / "a", name="a")
        report = first.ingest(folder / "b", name="b")
        assert report.relinked == 1
        second.ingest(folder / "b", name="b")
        second.ingest(folder / "a", name="a")
        assert quads(first) == quads(second)
        assert list(first.unresolved()) == [] or href == "s"
        before = quads(first)
        first.ingest(folder / "a", name="a")
        first.ingest(folder / "b", name="b")
        assert quads(first) == before


@pytest.mark.parametrize("split", [None, "train"])
def test_items_may_come_before_their_collection(split, write):
    """Whether a collection is the split, or holds it, is known only when the collection is read."""
    folder = write(a__s=sample("s", "c", split="train"), b__c=collection("c", split=split, title="Fields"))
    with Catalog.create() as first, Catalog.create() as second:
        for name in "ab":
            first.ingest(folder / name, name=name)
        for name in "ba":
            second.ingest(folder / name, name=name)
        assert quads(first) == quads(second)
        holder = C if split else f"{C}/train"
        (found,) = (d.footprints for d in second.datasets() if d.iri == holder)
        assert f"{C}/items/s#area" in found


D = "https://example.org/d/collection.json"
PIECES = {
    "d": collection("d", link("self", D), title="Fields"),
    "s": sample("s", "d"),
    "t": sample("t", "d", link("derived_from", "https://example.org/p.json"), split="train"),
    "p": model("p", link("self", "https://example.org/p.json")),
    "m": model("m", link("derived_from", "t"), link("lineage:evaluated_on", "d")),
}


@settings(max_examples=15, deadline=None)
@given(order=st.permutations(sorted(PIECES)), sources=st.integers(1, 5))
def test_items_that_name_a_collection_by_its_id_belong_to_it_in_any_order(order, sources, tmp_path_factory):
    """Its IRI is its own address, which only its own document tells; in one folder or in several."""
    folder = tmp_path_factory.mktemp("any")
    for place, name in enumerate(order):
        below = folder / str(min(place, sources - 1))
        below.mkdir(exist_ok=True)
        # The order within a folder is that of the files' names; by its name none is a collection's.
        (below / f"{place}.json").write_text(json.dumps(PIECES[name]))
    with Catalog.create() as catalog:
        for source in range(sources):
            catalog.ingest(folder / str(source), name=str(source))
        held = {d.iri: (set(d.footprints), set(d.part_of)) for d in catalog.datasets()}
        areas = {name: f"{BASE}collections/d/items/{name}#area" for name in "st"}
        item = f"{BASE}collections/d/items/t"
        assert held == {
            D: ({f"{D}#extent", areas["s"]}, set()),
            f"{D}/train": ({areas["t"]}, {D}),
            item: ({areas["t"]}, {f"{D}/train"}),
        }
        assert list(catalog.unresolved()) == []
        assert sorted(edges(catalog), key=str) == [
            (Stage.EVALUATION, D, Rule.STATED, None),
            (Stage.TRAINING, item, Rule.BARE_DERIVED_FROM, None),
        ]
        before = quads(catalog)
        for source in range(sources):
            catalog.ingest(folder / str(source), name=str(source))
        assert quads(catalog) == before


def test_a_name_that_several_things_have_stays_unresolved(catalog, write):
    folder = write(
        x__m=model("m", link("derived_from", "twin")),
        y__twin=model("twin") | {"collection": "y"},
        z__twin=model("twin") | {"collection": "z"},
    )
    report = catalog.ingest(folder)
    assert [n.unresolved_name for n in catalog.unresolved()] == ["twin"]
    report = catalog.ingest(folder / "x", name="again")
    assert "ambiguous-id" in {f.rule for f in report.findings.kept}


def test_a_node_of_two_kinds_is_told_and_links_to_it_count_as_they_are_stated(catalog, write):
    own = {"rel": "self", "href": "https://ex.org/both"}
    stated = {"rel": "derived_from", "href": "https://ex.org/both"}
    source = write(
        both=model("both", own, link("derived_from", "./c.json", **{"lineage:stage": "pretraining"})),
        bothc=collection("both") | {"links": [own]},
        c=collection("c"),
        x=model("x", stated | {"lineage:derivation": "finetuned"}, **{"lineage:disclosure": "complete"}),
        y=model("y", stated | {"lineage:stage": "finetuning"}),
        z=model("z", stated),
    )
    report = catalog.ingest(source)
    told = {
        (f.document.rpartition("/")[2], f.message.partition(" is described")[0])
        for f in report.findings.kept
        if f.rule == "two-kinds"
    }
    assert told == {("both.json", "https://ex.org/both"), ("bothc.json", "https://ex.org/both")}
    assert not {f.rule for f in report.findings.kept} & {"derivation-of-data", "stage-of-model"}
    both = "https://ex.org/both"
    assert edges(catalog, "x") == [(DerivationKind.FINETUNED, both, Rule.STATED, None)]
    assert edges(catalog, "y") == [(Stage.FINETUNING, both, Rule.STATED, None)]
    assert [kind for kind, *_ in edges(catalog, "z")] == [DerivationKind.UNKNOWN]
    lineage = catalog.lineage
    assert [r.dataset for r in lineage.exposure(catalog.find("x"))] == [C]  # through what it was tuned from
    for short in ("x", "y"):
        answer = lineage.is_exposed(catalog.find(short), C)
        assert answer.verdict.value == {"x": "yes", "y": "unknown"}[short]
        assert short == "x" or "two-kinds" in {gap.what for gap in answer.missing}
    relations = {r.node: r.relation for r in lineage.impact(both)}
    assert relations[catalog.find("x")] == "descends from it"
    assert relations[catalog.find("y")] == "learned from it"


# -- links that lead to nothing, or to what is no model and no data ----------------------------------------------------


def _told(catalog, folder, documents):
    for path, document in documents.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(document if isinstance(document, str) else json.dumps(document))
    found = catalog.ingest(folder, name="here").findings.kept
    return {(f.document.removeprefix(f"{folder}/"), f.pointer, f.rule) for f in found if f.rule != "other-files"}


def test_each_link_to_an_image_or_up_the_tree_that_is_not_there_is_told(tmp_path):
    label = sample(
        "s", "c", *(link("source", href) for href in ("no.tif", "../../x.tif", "http://127.0.0.1/x.tif", "here.tif"))
    )
    label["links"] += [
        link("derived_from", "gone.tif", **{"ml-aoi:role": "label"}),
        link("root", "root.json"),
        link("parent", "up.json"),
    ]
    alone = sample("t", None, link("source", "no.json"), link("collection", "c.json"))
    copied = sample("u", "c", link("source", "no.tif"), link("root", "root.json"), link("self", "https://h.org/u.json"))
    documents = {
        "s.json": label,
        "t.json": alone,
        "here.tif": "",
        "u.json": copied,
        "d.json": collection("d", link("source", "no.tif")),
    }
    told = {
        ("s.json", "/links/0", "broken-link"), ("s.json", "/links/1", "outside-tree"), ("s.json", "/links/2", "refused-link"),
        ("s.json", "/links/4", "broken-link"), ("s.json", "/links/5", "broken-link"), ("s.json", "/links/6", "broken-link"),
        ("t.json", "/links/0", "broken-link"), ("t.json", "/links/1", "broken-link"), ("d.json", "/links/0", "broken-link"),
    }  # fmt: skip
    with Catalog.create() as catalog:
        assert _told(catalog, tmp_path / "a", documents) == told
        assert _told(catalog, tmp_path / "a", {}) == told
        came = {"no.tif": "", "no.json": sample("n", "n"), "root.json": "{}", "up.json": collection("c")}
        assert {one for one in _told(catalog, tmp_path / "a", came) if one[2] == "broken-link"} == {
            ("s.json", "/links/4", "broken-link"),
            ("t.json", "/links/1", "broken-link"),
        }


def test_lineage_that_leads_to_a_catalog_or_a_file_of_items_is_told(tmp_path):
    catalog_document = {"type": "Catalog", "stac_version": "1.1.0", "id": "k", "description": "", "links": []}
    documents = {
        "k.json": catalog_document | {"links": [link("child", "https://far.org/c.json"), link("item", "https://far.org/i.json")]},
        "f.json": {"type": "FeatureCollection", "features": [sample("s", "c")]},
        "lines.ndjson": json.dumps(sample("t", "c")),
        "m.json": model("m", *(link("derived_from", href) for href in ("k.json", "f.json", "./lines.ndjson"))),
    }  # fmt: skip
    with Catalog.create() as catalog:
        told = _told(catalog, tmp_path / "a", documents)
        assert told == {("k.json", "/links", "network-off")} | {
            ("m.json", f"/links/{n}", "neither-kind") for n in range(3)
        }
        assert _told(catalog, tmp_path / "a", {}) == told


def test_what_is_found_of_the_whole_catalog_says_where(tmp_path):
    bad = sample("s", "c") | {"properties": {"datetime": None, "title": 5}}
    documents = {
        "a.json": model("a", link("derived_from", "b.json")),
        "b.json": model("b", link("derived_from", "a.json")),
        "c.json": model("m", link("derived_from", "b"), link("derived_from", "same")),
        "d.json": collection("same", link("self", "https://h.org/1")),
        "e.json": collection("same", link("self", "https://h.org/2")),
        "f.json": model("f", link("self", "https://h.org/2")),
        "lines.ndjson": "\n".join(
            json.dumps(one)
            for one in (
                sample("t", "c"),
                bad,
                model("g", link("derived_from", "h")),
                model("h", link("derived_from", "g")),
                model("i", link("self", "https://h.org/2")),
            )
        ),
        "many.json": {
            "type": "FeatureCollection",
            "features": [
                sample("u", "c"),
                model("k", link("derived_from", "l")),
                model("l", link("derived_from", "k")),
            ],
        },
    }
    with Catalog.create() as catalog:
        told = _told(catalog, tmp_path / "a", documents)
        assert {
            ("a.json", "/links/0", "cycle"),
            ("c.json", "/links/1", "ambiguous-id"),
            ("e.json", "/id", "two-kinds"),
            ("f.json", "/id", "two-kinds"),
            ("lines.ndjson:2", "/properties/title", "wrong-type"),
            ("lines.ndjson:3", "/links/0", "cycle"),
            ("lines.ndjson:5", "/id", "two-kinds"),
            ("lines.ndjson:5", "/id", "duplicate-id"),
            ("many.json#/features/1", "/links/0", "cycle"),
        } <= told
        assert not any("ndjson#" in document for document, *_ in told)
        assert _told(catalog, tmp_path / "a", {}) == told


def test_each_circle_is_told_where_a_link_closes_it(tmp_path):
    def catalog_of(name, *links):
        return {"type": "Catalog", "stac_version": "1.1.0", "id": name, "description": "", "links": [*links]}

    trained = {"lineage:stage": "training"}
    documents = {
        # A model that learned from what it labelled, with a part between them too.
        "m.json": model("m", link("derived_from", "d.json", **trained)),
        "d.json": collection("d", link("derived_from", "m.json")),
        "n.json": model("n", link("derived_from", "e.json", **trained, **{"ml-aoi:split": "train"})),
        "e.json": collection("e", link("derived_from", "n.json")),
        # One that is tested on what it labelled is in no circle.
        "t.json": model("t", link("lineage:evaluated_on", "f.json", **{"lineage:stage": "testing"})),
        "f.json": collection("f", link("derived_from", "t.json")),
        "k/a.json": catalog_of("a", link("child", "b.json"), link("child", "c.json")),
        "k/b.json": catalog_of("b", link("parent", "a.json"), link("child", "c.json")),
        "k/c.json": catalog_of("c", link("child", "x.json"), link("child", "a.json")),
        "k/x.json": collection("x", link("child", "y.json")),
        "k/y.json": collection("y", link("child", "x.json")),
    }
    circles = {("d.json", "/links/0"), ("e.json", "/links/0"), ("k/c.json", "/links/1/href"), ("k/y.json", "/links")}
    with Catalog.create() as catalog:
        told = _told(catalog, tmp_path / "a", documents)
        assert {(document, pointer) for document, pointer, rule in told if rule == "cycle"} == circles
        assert _told(catalog, tmp_path / "a", {}) == told
    with Catalog.create() as catalog:
        found = catalog.ingest(tmp_path / "a" / "k" / "a.json").findings.kept
        told = {(Path(f.document).name, f.pointer) for f in found if f.rule == "cycle"}
        assert told == {("c.json", "/links/1/href"), ("y.json", "/links")}


PUBLISHED = {"license": "GPL-3.0-only", "version": "3", "sci:doi": "10.1234/X", "description": "All of it.",
             "providers": [{"name": "P", "roles": ["producer"]}]}  # fmt: skip


def plain(identifier="x", **properties):
    """Return an item of collection c that is no sample of ML-AOI."""
    return sample(identifier, "c", **properties) | {"stac_extensions": []}


@pytest.mark.parametrize("later", ["", "m", "x"])
@pytest.mark.parametrize(
    "used",
    [link("derived_from", "./x.json"), {"mlm:pretrained_source": "https://doi.org/10.1234/x"}],
    ids=["link", "doi"],
)
def test_what_an_item_of_a_collection_says_of_itself_is_said_of_the_data_it_is(used, later, catalog, write):
    """In its own document; nobody who uses the collection is told of it."""
    m = model("m", used) if "rel" in used else model("m", **used)
    documents = {
        "m": m,
        "c": collection("c"),
        "x": plain(**PUBLISHED),
        "whole": model("whole", link("derived_from", "c")),
    }
    catalog.ingest(write(**{name: document for name, document in documents.items() if name != later}))
    catalog.ingest(write(**documents))
    x = f"{C}/items/x"
    (data,) = (d for d in catalog.datasets() if d.iri == x)
    assert (data.license, data.version, data.doi, data.description, data.publisher, data.part_of) == (
        "GPL-3.0-only", "3", "10.1234/x", "All of it.", "P", (C,)
    )  # fmt: skip
    assert {(row.node, row.license) for row in catalog.lineage.licences(catalog.find("m"))} >= {(x, "GPL-3.0-only")}
    assert f"{BASE}documents/source/x.json" in {q.graph_name.value for q in catalog.store.match(x)}
    catalog.remove(f"{BASE}documents/source/m.json")
    assert [d.iri for d in catalog.datasets()] == [C]
    assert {n for n, d in catalog.to_networkx().nodes(data=True) if d["kind"] == "dataset"} == {C}
    with pytest.raises(NodeNotFound):
        catalog.node(x)


def test_an_item_that_says_nothing_of_itself_costs_nothing(write):
    """Nor does a chip of ML-AOI, which repeats what its collection says."""
    sizes = []
    for x in (sample("x", "c"), sample("x", "c", **PUBLISHED), plain("x"), plain("x", title="X", platform="S2")):
        with Catalog.create() as catalog:
            catalog.ingest(write(c=collection("c"), x=x))
            sizes.append(len(list(catalog.store.match(graph=f"{BASE}documents/source/x.json"))))
    assert sizes == [sizes[0], sizes[0], sizes[0], sizes[0] + 2]  # the area's title, and the item's own sensor


def test_items_that_repeat_the_doi_of_their_collection_leave_it_to_it(catalog, write):
    items = {name: plain(name, **PUBLISHED) for name in "xy"}
    source = "10.1234/x"
    catalog.ingest(
        write(c=collection("c", **{"sci:doi": source}), **items, m=model("m", **{"mlm:pretrained_source": source}))
    )
    assert edges(catalog) == [(Stage.PRETRAINING, C, Rule.PRETRAINED_SOURCE, None)]


@pytest.mark.parametrize("identifier", ["sentinel-2-l2a", "fields"])
@pytest.mark.parametrize("box", [(-180, -90, 180, 90), (7, 46, 8, 47)], ids=["world", "place"])
@pytest.mark.parametrize("end", [None, "2021-01-01T00:00:00Z"])
def test_a_described_archive_is_one_by_its_id_as_one_that_is_not_is_by_its_address(
    identifier, box, end, catalog, write
):
    c = collection(identifier, bbox=box)
    c["extent"]["temporal"]["interval"] = [["2015-06-27T10:25:31Z", end]]
    catalog.ingest(write(c=c))
    is_archive = identifier == "sentinel-2-l2a" and box[0] == -180 and end is None
    assert [d.archive for d in catalog.datasets()] == [is_archive]
