"""Leakage against truth by hand, on small catalogs and on the families."""

import contextlib
import itertools
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyproj
import pytest
import shapely
import yaml
from conftest import quads
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import mlaoi_graph
from mlaoi_graph import geo, rdf
from mlaoi_graph.catalog import Catalog
from mlaoi_graph.cli.app import app
from mlaoi_graph.errors import BadQuestion, GeometryError, NetworkNotAllowed, NodeNotFound
from mlaoi_graph.geo.near import grown
from mlaoi_graph.kinds import LeakageKind
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
    Model,
    ModelFamily,
    Precision,
    Rule,
    SourceDocument,
    SplitPolicy,
    Stage,
)
from mlaoi_graph.queries.coverage import coverage
from mlaoi_graph.queries.kinship import Kin, Kinship
from mlaoi_graph.queries.results import Verdict

ROOT = Path(__file__).parents[1]
FAMILIES = Path(mlaoi_graph.__file__).parent / "families"
BASE = "https://w3id.org/mlaoi/families/"
EXAMPLES = Path(__file__).parents[2] / "shared" / "stac" / "examples"


# --- small catalogs by hand -----------------------------------------------------------------------


def iri(short):
    return f"urn:x:{short}"


def model(short, disclosure=Disclosure.COMPLETE, **facts):
    return Model(iri=iri(short), label=short, resolved=True, disclosure=disclosure, **facts)


def dataset(short, *, of=(), split=None, areas=(), **facts):
    return Dataset(iri=iri(short), label=short, part_of=tuple(map(iri, of)), split=split,
                   footprints=tuple(map(iri, areas)), **({"resolved": True} | facts))  # fmt: skip


def area(short, w, s, e, n, start=None, end=None, precision=Precision.SAMPLES, **facts):
    wkt = shapely.box(w, s, e, n).wkt if w <= e else shapely.MultiPolygon(
        [shapely.box(w, s, 180, n), shapely.box(-180, s, e, n)]
    ).wkt  # fmt: skip
    return AreaOfInterest(iri=iri(short), precision=precision, wkt=wkt, start=start, end=end or start, **facts)


_numbers = itertools.count()


def use(short, data, stage=Stage.PRETRAINING, **facts):
    number = next(_numbers)
    return DataUse(iri=iri(f"doc#{number}"), model=iri(short), dataset=iri(data), stage=stage, rule=Rule.STATED,
                   document=iri("doc"), pointer=f"/uses/{number}", **facts)  # fmt: skip


def made(short, source, kind=DerivationKind.FINETUNED, **facts):
    number = next(_numbers)
    return Derivation(iri=iri(f"doc#{number}"), derived=iri(short), source=iri(source), kind=kind, rule=Rule.STATED,
                      document=iri("doc"), **facts)  # fmt: skip


def member(short, whole):
    number = next(_numbers)
    return Association(iri=iri(f"doc#{number}"), subject=iri(short), object=iri(whole), kind=AssociationKind.PART_OF,
                       rule=Rule.STATED, document=iri("doc"))  # fmt: skip


@pytest.fixture
def catalog_of():
    opened = []

    def make(*statements, **settings):
        catalog = Catalog.create(**settings)
        opened.append(catalog)
        catalog.store.replace({iri("doc"): rdf.encode(statements)})
        return catalog

    yield make
    for catalog in opened:
        catalog.close()


def short(full):
    return None if full is None else full.removeprefix("urn:x:")


def found(report):
    return [(row.kind, row.verdict.value, short(row.test), short(row.train)) for row in report]


def unchecked(report):
    return {(row.what, short(row.test), short(row.train)) for row in report.unchecked}


SPLIT = [dataset("d"), dataset("d/train", of="d", split="train"), dataset("d/test", of="d", split="test")]


# By lineage ------------------------------------------------------------------------------------------


def test_the_same_split_on_both_sides(catalog_of):
    report = catalog_of(*SPLIT, model("m"), use("m", "d/test"), use("m", "d/test", Stage.TEST)).leakage("urn:x:m")
    assert ("same-dataset", "yes", "d/test", "d/test") in found(report)
    # The test that was learned from, and learning from what was declared test.
    assert report.totals() == {"yes": 2, "may contain": 0, "no": 0, "unknown": 0}


def test_the_same_split_through_an_ancestor_with_the_chain(catalog_of):
    report = catalog_of(
        *SPLIT,
        model("base"),
        model("m"),
        made("m", "base"),
        use("base", "d/test"),
        use("m", "d/train", Stage.FINETUNING),
        use("m", "d/test", Stage.TEST),
    ).leakage("urn:x:m")
    row, declared = report
    assert (row.kind, row.learner, row.train_stage, row.depth) == ("same-dataset", iri("base"), "pretraining", 2)
    # So is learning from what was declared test, by the same chain.
    assert (declared.kind, declared.learner, declared.depth) == ("split-against-use", iri("base"), 2)
    assert str(declared.explain()) == str(row.explain())
    assert (declared.chains(), row.chains()) == ([declared.explain()], [row.explain(), row.explain_test()])
    assert [(short(s.subject), s.edge, short(s.object)) for s in row.explain().steps] == [
        ("m", "finetunedFrom", "base"),
        ("base", "pretrainedOn", "d/test"),
    ]
    assert [(short(s.subject), s.edge, short(s.object)) for s in row.explain_test().steps] == [
        ("m", "testedOn", "d/test")
    ]
    # The model's own training on another split of the same dataset is not known to be apart from it: no footprints.
    assert ("no-footprint", "d/test", "d/train") in unchecked(report)


@pytest.mark.parametrize(("trained", "tested"), [("d", "d"), ("d", "d/test"), ("d/train", "d")])
def test_no_split_stated_is_unknown(catalog_of, trained, tested):
    report = catalog_of(*SPLIT, model("m"), use("m", trained), use("m", tested, Stage.TEST)).leakage("urn:x:m")
    assert found(report) == []
    assert unchecked(report) == {("splits-not-stated", tested, trained)}
    assert report.totals()["unknown"] == 1


def test_a_split_inside_a_split(catalog_of):
    nested = [*SPLIT, dataset("d/train/val", of=["d/train"], split="val")]
    report = catalog_of(*nested, model("m"), use("m", "d/train"), use("m", "d/train/val", Stage.VALIDATION)).leakage()
    assert found(report)[0] == ("same-dataset", "yes", "d/train/val", "d/train")


def test_made_from_the_test_and_the_test_made_from_what_was_learned(catalog_of):
    report = catalog_of(
        *SPLIT,
        model("m"),
        dataset("mix"),
        dataset("relabelled"),
        made("mix", "d/test", DerivationKind.DERIVED),
        made("relabelled", "mix", DerivationKind.DERIVED),
        use("m", "mix"),
        use("m", "d/test", Stage.TEST),
        use("m", "relabelled", Stage.VALIDATION),
    ).leakage("urn:x:m")
    assert found(report) == [
        ("derived-dataset", "may contain", "d/test", "mix"),
        ("derived-dataset", "may contain", "relabelled", "mix"),
    ]
    first, second = report
    assert "what was learned from was made from d/test" in first.reason
    assert "the test was made from mix" in second.reason


def test_what_a_split_was_made_from_another_way(catalog_of):
    """RS5M holds the test part of Million-AID: trained on the one, tested on the whole other, no split stated."""
    report = catalog_of(
        *SPLIT,
        model("m"),
        dataset("rs5m"),
        made("rs5m", "d/test", DerivationKind.DERIVED, source_split="test"),
        use("m", "rs5m"),
        use("m", "d", Stage.TEST),
        use("m", "d/train", Stage.VALIDATION),
    ).leakage("urn:x:m")
    assert found(report) == [("derived-dataset", "may contain", "d", "rs5m")]


def test_a_common_source_and_no_common_archive(catalog_of):
    report = catalog_of(
        model("m"),
        dataset("source"),
        dataset("archive", archive=True),
        dataset("a"),
        dataset("b"),
        dataset("c"),
        made("a", "source", DerivationKind.DERIVED),
        made("b", "source", DerivationKind.DERIVED),
        made("c", "archive", DerivationKind.DRAWN),
        made("a", "archive", DerivationKind.DRAWN),
        use("m", "a"),
        use("m", "b", Stage.TEST),
        use("m", "c", Stage.TEST),
    ).leakage("urn:x:m")
    assert found(report) == [("common-source", "may contain", "b", "a")]
    assert report[0].meets == iri("source")


def test_splits_of_what_was_made_from_something_do_not_meet_in_it(catalog_of):
    """Every train and test split of a derived dataset would be a common source otherwise."""
    report = catalog_of(
        *SPLIT, dataset("source"), made("d", "source", DerivationKind.DERIVED),
        model("m"), use("m", "d/train"), use("m", "d/test", Stage.TEST),
    ).leakage("urn:x:m")  # fmt: skip
    assert found(report) == []


def test_learning_from_an_archive_is_unknown(catalog_of):
    statements = [model("m"), dataset("all", archive=True), dataset("t", areas=["t1"]), area("t1", 0, 0, 1, 1)]
    report = catalog_of(*statements, use("m", "all"), use("m", "t", Stage.TEST)).leakage("urn:x:m")
    assert (found(report), unchecked(report)) == ([], {("archive", "t", "all")})


def test_another_model_s_learning(catalog_of):
    catalog = catalog_of(*SPLIT, model("a"), model("b"), use("a", "d/test", Stage.TEST), use("b", "d/test"))
    assert found(catalog.leakage("urn:x:a")) == []
    assert found(catalog.leakage("urn:x:a", against="urn:x:b")) == [("same-dataset", "yes", "d/test", "d/test")]
    assert found(catalog.leakage("urn:x:d/test", against="urn:x:b")) == [("same-dataset", "yes", "d/test", "d/test")]
    assert found(catalog.leakage("urn:x:d/test", against="urn:x:d/train")) == []


def test_a_family_is_its_members_and_what_is_said_of_it_alone(catalog_of):
    catalog = catalog_of(
        *SPLIT,
        ModelFamily(iri=iri("f"), label="f"),
        model("m", family=iri("f")),
        use("m", "d/test"),
        use("f", "d/test", Stage.TEST),
    )
    report = catalog.leakage("urn:x:f")
    assert ("family-only", None, None) in unchecked(report)
    assert (
        "evaluations are said of its family" in {row.reason for row in report.unchecked if row.model == iri("m")}.pop()
    )


def test_the_whole_catalog_has_the_splits_of_every_dataset_also_those_nobody_can_place(catalog_of):
    """As if each dataset were asked about: what cannot be compared is there with its reason."""
    words = {"plain": "train test", "boxed": "train validate", "named": "train test", "alone": "test"}
    statements = [
        dataset("plain"), dataset("boxed", areas=("box",)), area("box", 0, 0, 1, 1), dataset("named", resolved=False),
        dataset("alone"),
        *(
            dataset(f"{whole}/{word}", of=(whole,), split=word, resolved=None)
            for whole, splits in words.items()
            for word in splits.split()
        ),
    ]  # fmt: skip
    catalog = catalog_of(*statements)
    report = catalog.leakage()
    assert unchecked(report) == {
        ("no-footprint", "plain/test", "plain/train"),
        ("footprint-inherited", "boxed/validate", "boxed/train"),
        ("unresolved", "named/test", "named/train"),
    }
    assert report.totals() == {"yes": 0, "may contain": 0, "no": 0, "unknown": 3}
    for whole in words:
        alone = catalog.leakage(iri(whole))
        assert unchecked(alone) == {row for row in unchecked(report) if row[1].startswith(whole)}
    assert len(catalog.leakage(iri("alone")).tests) == 0  # nothing to hold it against


def test_an_unverified_edge_makes_the_row_unverified(catalog_of):
    report = catalog_of(
        *SPLIT, model("m"), use("m", "d/test", confidence=Confidence.UNVERIFIED), use("m", "d/test", Stage.TEST)
    ).leakage()
    assert {row.confidence for row in report if row.kind == "same-dataset"} == {"unverified"}


@pytest.mark.parametrize("unverified", ["training", "test", "ancestry", None])
def test_a_test_that_is_clean_by_an_unverified_edge_says_so(catalog_of, unverified):
    doubt = {"confidence": Confidence.UNVERIFIED}
    report = catalog_of(
        dataset("train", areas=["a"]), dataset("test", areas=["b"]), area("a", 0, 0, 1, 1), area("b", 5, 5, 6, 6),
        model("base"), model("m"), made("m", "base", **(doubt if unverified == "ancestry" else {})),
        use("base", "train", **(doubt if unverified == "training" else {})),
        use("m", "test", Stage.TEST, **(doubt if unverified == "test" else {})),
    ).leakage("urn:x:m")  # fmt: skip
    (row,) = report.tests
    assert (row.verdict, row.confidence) == (Verdict.NO, "unverified" if unverified else "verified")


# Declared splits ------------------------------------------------------------------------------------


def test_learning_from_what_was_declared_test(catalog_of):
    statements = [*SPLIT, model("m"), use("m", "d/test", Stage.FINETUNING)]
    (row,) = catalog_of(*statements).leakage()
    assert (row.kind, row.verdict, row.model, row.train) == (
        "split-against-use", Verdict.YES, iri("m"), iri("d/test"),
    )  # fmt: skip
    # ML-AOI's decision record 0003 means by "test" what is looked at during training.
    assert found(catalog_of(*statements, split_policy=SplitPolicy.ML_AOI_ADR).leakage()) == []


@pytest.mark.parametrize("declares", [True, False])
@pytest.mark.parametrize("stage", ["training", "validation"])
def test_a_test_split_that_only_its_user_speaks_of_is_not_certainly_one(stac, stage, declares):
    """Nor where the items are all of another split; where one of them is of it, its publisher declared it."""
    items = [
        stac_item("a", (0, 0, 1, 1), **{"ml-aoi:split": "train"}),
        *([stac_item("b", (2, 0, 3, 1), **{"ml-aoi:split": "test"})] if declares else []),
    ]
    folder = stac(d=stac_collection("d", (0, 0, 3, 1), *(item["id"] for item in items)),
                  **{item["id"]: item | {"collection": "d"} for item in items},
                  far=stac_collection("far", (50, 0, 51, 1)), m=stac_model((stage, "d", "test"), ("test", "far", None)))  # fmt: skip
    with Catalog.create() as catalog:
        catalog.ingest(folder)
        rows = [row for row in catalog.leakage(catalog.find("m")) if "split" in row.reason]
    kind = "split-against-use" if stage == "training" else "selection-on-test"
    assert [(row.kind, row.verdict.value) for row in rows] == [(kind, "yes" if declares else "may contain")]
    assert ("its publisher declared" in rows[0].reason) is declares
    assert ("its user calls" in rows[0].reason) is not declares


@pytest.mark.parametrize("split", [None, "train"])
@pytest.mark.parametrize("stage", [Stage.TRAINING, Stage.VALIDATION])
@pytest.mark.parametrize("older", [False, True])
def test_a_whole_with_a_declared_test_that_was_used_may_have_been_that(catalog_of, stage, split, older):
    """What lies elsewhere is no clean test of it, where nothing says that the declared test was left out."""
    data = "d" if split is None else f"d/{split}"
    report = catalog_of(
        *SPLIT, *(dataset(name, areas=[f"{name}-area"]) for name in ("far", "other")), area("far-area", 50, 0, 51, 1),
        area("other-area", 20, 0, 21, 1), dataset("d/train", of="d", split="train", areas=["a"]), area("a", 0, 0, 1, 1),
        dataset("d/test", of="d", split="test", areas=["b"]), area("b", 5, 0, 6, 1), model("m"), model("older"),
        use("m", "other"), use("older", "other"), use("older" if older and stage is Stage.TRAINING else "m", data, stage),
        made("m", "older"), use("m", "far", Stage.TEST),
    ).leakage(iri("m"))  # fmt: skip
    told = {(row.what, row.reason) for row in report.unchecked}
    who = "validated on" if stage is Stage.VALIDATION else "older learned from" if older else "learned from"
    reason = f"{who} d, and no split is stated: d/test is declared a test split"
    assert told == ({("splits-not-stated", reason)} if split is None else set())
    assert (len(report), report.totals()["unknown"]) == (0, int(split is None))


def test_what_was_made_from_a_model_that_learned_from_a_declared_test(catalog_of):
    """At any depth, with the chain, though nothing it was measured on is recorded."""
    statements = [
        *SPLIT, ModelFamily(iri=iri("f"), label="f"), *(model(name) for name in ("base", "mid", "m", "n", "other")),
        use("base", "d/test", Stage.PRETRAINING), made("mid", "base"), made("m", "mid", DerivationKind.QUANTIZED),
        use("n", "d/test"), made("n", "base"), use("f", "d/test"), made("other", "f"),
    ]  # fmt: skip
    catalog = catalog_of(*statements)
    report = catalog.leakage()
    rows = {short(row.model): row for row in report}
    assert {(name, row.kind, row.verdict.value, short(row.learner), row.depth) for name, row in rows.items()} == {
        ("base", "split-against-use", "yes", "base", 1), ("mid", "split-against-use", "yes", "base", 2),
        ("m", "split-against-use", "yes", "base", 3), ("n", "split-against-use", "yes", "n", 1),
        ("f", "split-against-use", "yes", "f", 1), ("other", "split-against-use", "may contain", "f", 2),
    }  # fmt: skip
    assert len(report) == len(rows)
    for proof in (rows["m"].explain(), rows["m"].explain_test()):
        assert [(short(s.subject), short(s.object)) for s in proof.steps] == [
            ("m", "mid"), ("mid", "base"), ("base", "d/test"),
        ]  # fmt: skip
    assert (rows["m"].stage, rows["m"].train_stage) == ("pretraining", "pretraining")
    assert rows["m"].reason == "base learned from it, and its publisher declared d/test a test split"
    assert found(catalog.leakage(iri("m"))) == [("split-against-use", "yes", "d/test", "d/test")]


def test_a_checkpoint_chosen_on_the_test(catalog_of):
    validated = use("m", "d/test", Stage.VALIDATION)
    assert [r.reason for r in catalog_of(*SPLIT, model("m"), validated).leakage()] == [
        "validated on what its publisher declared a test split"
    ]
    reported = catalog_of(*SPLIT, model("m"), validated, use("m", "d/test", Stage.TEST)).leakage()
    assert [(r.kind, r.reason) for r in reported] == [
        ("selection-on-test", "validated on what is reported as its test")
    ]
    clean = catalog_of(*SPLIT, model("m"), use("m", "d/train", Stage.VALIDATION), use("m", "d/test", Stage.TEST))
    assert found(clean.leakage()) == []
    unsure = catalog_of(*SPLIT, model("m"), use("m", "d", Stage.VALIDATION), use("m", "d", Stage.TEST)).leakage(
        "urn:x:m"
    )
    assert (found(unsure), unchecked(unsure)) == (
        [],
        {("splits-not-stated", "d", "d"), ("nothing-recorded", None, "m")},
    )


def test_an_ancestor_s_checkpoint_chosen_on_the_test(catalog_of):
    """Where both sides state the split; that it was tested there says nothing."""
    for stage, dataset, word in (
        (Stage.VALIDATION, "d/test", "may contain"), (Stage.VALIDATION, "d/train", "no"), (Stage.TEST, "d/test", "no"),
    ):  # fmt: skip
        catalog = catalog_of(
            *SPLIT, *(model(name) for name in ("base", "mid", "m")), use("base", dataset, stage), made("mid", "base"),
            made("m", "mid"), use("m", "d/test", Stage.TEST), use("base", "d/train"),
        )  # fmt: skip
        rows = [row for row in catalog.leakage(iri("m")) if row.kind == "selection-on-test"]
        assert [row.verdict.value for row in rows] == ([word] if word != "no" else [])
        for row in rows:
            assert row.reason == "base, which it was made from, was validated on what is its test"
            assert [(short(s.subject), short(s.object)) for s in row.explain().steps] == [
                ("m", "mid"), ("mid", "base"), ("base", "d/test"),
            ]  # fmt: skip
            assert (short(row.learner), row.train_stage, row.stage) == ("base", "validation", "test")


# By place and time ------------------------------------------------------------------------------------


def placed(catalog_of, *areas, train="train-area", test="test-area", **options):
    data = [dataset("train", areas=[train]), dataset("test", areas=[test])]
    uses = [model("m"), use("m", "train"), use("m", "test", Stage.TEST)]
    return catalog_of(*data, *areas, *uses).leakage("urn:x:m", **options)


def geodesic_km2(w, s, e, n):
    """Return the area of a box bounded by parallels, by PROJ, its parallels drawn by 2,000 short geodesics."""
    lon = np.concatenate([np.linspace(w, e, 2000), np.linspace(e, w, 2000)])
    lat = np.concatenate([np.full(2000, s), np.full(2000, n)])
    return abs(pyproj.Geod(ellps="WGS84").polygon_area_perimeter(lon, lat)[0]) / 1e6


def test_half_of_the_test_at_the_same_time(catalog_of):
    report = placed(
        catalog_of,
        area("train-area", 7, 46, 8, 47, "2020-01-01", "2020-12-31"),
        area("test-area", 7.5, 46, 8.5, 47, "2020-06-01"),
    )
    (row,) = report
    assert (row.kind, row.verdict, row.in_time, row.precision) == ("place-and-time", Verdict.YES, "yes", "samples")
    assert row.overlap_km2 == pytest.approx(geodesic_km2(7.5, 46, 8, 47), rel=1e-6)
    assert row.share_of_test == pytest.approx(0.5, abs=1e-9)
    assert row.pairs() == [(iri("test-area"), iri("train-area"), pytest.approx(row.overlap_km2), "yes")]
    assert report.totals()["yes"] == 1


@pytest.mark.parametrize(
    ("train", "test", "days", "kind", "in_time"),
    [
        ("2020", "2021", 0, "place", "no"),
        ("2020-12-31", "2021-01-01", 0, "place", "no"),
        ("2020-12-31", "2021-01-01", 1, "place-and-time", "yes"),
        ("2020-12-31T23:59:59Z", "2020-12-31", 0, "place-and-time", "yes"),
        (None, "2021", 0, "place", "unknown"),
        (("2022", "2020"), "2021", 0, "place", "unknown"),
        ("2021", None, 5, "place", "unknown"),
    ],
)
def test_when(catalog_of, train, test, days, kind, in_time):
    span = train if isinstance(train, tuple) else (train,)
    areas = [area("train-area", 0, 0, 1, 1, *span), area("test-area", 0, 0, 1, 1, test)]
    (row,) = placed(catalog_of, *areas, window_days=days)
    assert (row.kind, row.in_time) == (kind, in_time)


def test_what_only_touches_is_clean(catalog_of):
    report = placed(catalog_of, area("train-area", 0, 0, 1, 1), area("test-area", 1, 0, 2, 1))
    assert found(report) == []
    (told,) = report.tests
    assert (told.verdict, told.clean, told.unchecked) == (Verdict.NO, 1, 0)


def sourced():
    """A model that learned from data made from others, and is tested where those are."""
    data = [dataset("train", areas=["a"]), dataset("source", areas=["b"]), dataset("test", areas=["t"])]
    areas = [area("a", 0, 0, 1, 1), area("b", 5, 5, 7, 7), area("t", 5, 5, 6, 6)]
    lineage = [made("train", "source", DerivationKind.DERIVED), model("m"), use("m", "train")]
    return [use("m", "test", Stage.TEST), *data, *areas, *lineage]


def test_the_place_of_what_the_data_were_made_from_counts(catalog_of):
    (row,) = catalog_of(*sourced()).leakage("urn:x:m")
    assert (row.kind, row.verdict, row.train, row.meets) == (
        "place", Verdict.MAY_CONTAIN, iri("train"), iri("source"),
    )  # fmt: skip
    assert "it is not known what was taken" in row.reason
    assert [(s.edge, short(s.object)) for s in row.explain().steps] == [
        ("pretrainedOn", "train"), ("derivedFrom", "source"),
    ]  # fmt: skip
    assert [(s.edge, short(s.object)) for s in row.explain_test().steps] == [("testedOn", "test")]


def test_a_source_that_nobody_can_place_leaves_a_test_unknown(catalog_of):
    data = [one for one in sourced() if one.iri not in (iri("source"), iri("b"))]
    report = catalog_of(*data, dataset("source")).leakage("urn:x:m")
    assert (found(report), unchecked(report)) == ([], {("no-footprint", "test", "train")})
    archive = catalog_of(*data, dataset("source", archive=True)).leakage("urn:x:m")
    assert archive.totals()["no"] == 1


@pytest.mark.parametrize(("shared", "kinds"), [(1e-12, []), (1e-10, ["place"])])
def test_a_sliver_is_no_overlap(catalog_of, shared, kinds):
    """A strip as high as a degree, 110,574 m, and 0.11 or 11 micrometres wide: 0.012 or 1.2 m2. And as triangles."""
    boxes = [area("train-area", 0, 0, 1, 1), area("test-area", 1 - shared, 0, 2, 1)]
    assert [row.kind for row in placed(catalog_of, *boxes)] == kinds
    rings = {"train-area": [(0, 0), (1, 0), (1, 1)], "test-area": [(0, 0), (1, 1 - 2 * shared), (0, 1)]}
    triangles = [
        AreaOfInterest(iri=iri(name), precision=Precision.SAMPLES, wkt=shapely.Polygon(ring).wkt)
        for name, ring in rings.items()
    ]
    assert [row.kind for row in placed(catalog_of, *triangles)] == kinds


@pytest.mark.parametrize(("km", "kinds"), [(0, []), (100, []), (112, ["place"])])
def test_a_buffer_reaches_what_is_near(catalog_of, km, kinds):
    """One degree of longitude between them: 110.9 km along the parallel of 5 degrees."""
    areas = [area("train-area", 0, 4, 1, 5), area("test-area", 2, 4, 3, 5)]
    assert [row.kind for row in placed(catalog_of, *areas, buffer_km=km)] == kinds


def test_across_the_antimeridian(catalog_of):
    areas = [area("train-area", 178, -17, -178, -16), area("test-area", -179, -17, -177, -16)]
    (row,) = placed(catalog_of, *areas)
    assert row.overlap_km2 == pytest.approx(geodesic_km2(-179, -17, -178, -16), rel=1e-6)
    assert row.share_of_test == pytest.approx(0.5, abs=1e-9)
    near = [area("train-area", 179.5, 0, 180, 1), area("test-area", -180, 0, -179.5, 1)]
    assert found(placed(catalog_of, *near)) == []
    assert [r.kind for r in placed(catalog_of, *near, buffer_km=1)] == ["place"]


def test_ground_counts_once(catalog_of):
    data = [dataset("train", areas=["a", "b"]), dataset("test", areas=["t"])]
    boxes = [area("a", 0, 0, 1, 1), area("b", 0.5, 0, 1.5, 1), area("t", 0, 0, 2, 1)]
    (row,) = catalog_of(*data, *boxes, model("m"), use("m", "train"), use("m", "test", Stage.TEST)).leakage()
    assert row.overlap_km2 == pytest.approx(geodesic_km2(0, 0, 1.5, 1), rel=1e-6)
    assert (row.areas, row.share_of_test) == (1, pytest.approx(0.75, abs=1e-9))
    assert [short(pair.train_area) for pair in row.pairs()] == ["a", "b"]


def test_coarse_footprints_only_may(catalog_of):
    areas = [area("train-area", 0, 0, 9, 9, precision=Precision.COUNTRY_LIST), area("test-area", 1, 1, 2, 2)]
    (row,) = placed(catalog_of, *areas)
    assert (row.verdict, row.precision) == (Verdict.MAY_CONTAIN, "country-list")
    # But what lies beyond an upper bound is not in it.
    apart = placed(catalog_of, areas[0], area("test-area", 20, 1, 21, 2))
    assert apart.totals()["no"] == 1


def test_samples_speak_for_a_dataset_and_not_its_box(catalog_of):
    data = [dataset("train", areas=["box", "chip"]), dataset("test", areas=["test-area"])]
    areas = [
        area("box", 0, 0, 9, 9, precision=Precision.DECLARED_BOX),
        area("chip", 0, 0, 1, 1),
        area("test-area", 5, 5, 6, 6),
    ]
    report = catalog_of(*data, *areas, model("m"), use("m", "train"), use("m", "test", Stage.TEST)).leakage()
    assert report.totals()["no"] == 1


AWAY = [area("chip", 0, 0, 1, 1), area("t", 5, 5, 6, 6), dataset("test", areas=["t"])]
BOX = area("box", 0, 0, 9, 9, precision=Precision.DECLARED_BOX)
NOWHERE = AreaOfInterest(iri=iri("nowhere"), precision=Precision.SAMPLES)


def learned_from(catalog_of, name, *data):
    """Return the report on a model that learned from a dataset and is tested away from the one known sample."""
    return catalog_of(*AWAY, *data, model("m"), use("m", name), use("m", "test", Stage.TEST)).leakage("urn:x:m")


def test_samples_of_one_dataset_do_not_speak_for_another(catalog_of):
    """An aggregate of which one member has samples and the other a box."""
    members = [dataset("all"), member("a", "all"), member("b", "all"), dataset("a", areas=["chip"])]
    report = learned_from(catalog_of, "all", *members, dataset("b", areas=["box"]), BOX)
    assert [(row.kind, row.verdict) for row in report] == [("place", Verdict.MAY_CONTAIN)]
    # Neither do those of a split for the box of the whole.
    whole = [dataset("d", areas=["box"]), BOX, dataset("d/train", of="d", split="train", areas=["chip"])]
    assert [row.verdict for row in learned_from(catalog_of, "d", *whole)] == [Verdict.MAY_CONTAIN]


def test_a_sample_of_the_whole_does_not_say_where_a_member_is(catalog_of):
    data = [dataset("all", areas=["chip"]), dataset("b"), member("b", "all")]
    report = learned_from(catalog_of, "all", *data)
    assert (found(report), unchecked(report)) == ([], {("some-parts", "test", "all")})


def test_what_is_inherited_is_the_box_and_not_the_samples(catalog_of):
    split = dataset("d/train", of="d", split="train")
    (row,) = learned_from(catalog_of, "d/train", dataset("d", areas=["chip", "box"]), BOX, split)
    assert (row.kind, row.precision, row.verdict) == ("place", "declared-box", Verdict.MAY_CONTAIN)
    report = learned_from(catalog_of, "d/train", dataset("d", areas=["chip"]), split)
    assert (found(report), unchecked(report)) == ([], {("no-footprint", "test", "d/train")})


def test_what_is_inherited_is_where_members_are_as_well(catalog_of):
    small = area("box", 0, 0, 1, 1, precision=Precision.DECLARED_BOX)
    data = [dataset("all", areas=["box"]), small, dataset("b", areas=["t"]), member("b", "all")]
    (row,) = learned_from(catalog_of, "all/train", *data, dataset("all/train", of=["all"], split="train"))
    assert (row.kind, row.verdict) == ("place", Verdict.MAY_CONTAIN)


@pytest.mark.parametrize("owner", ["d", "d/train"])
def test_a_sample_without_a_place_may_be_anywhere(catalog_of, owner):
    """Of the dataset itself, or of the whole it is a split of."""
    areas = {"d": [], "d/train": ["chip"]}
    areas[owner].append("nowhere")
    train = dataset("d/train", of="d", split="train", areas=areas["d/train"])
    report = learned_from(catalog_of, "d/train", dataset("d", areas=areas["d"]), train, NOWHERE)
    assert (found(report), unchecked(report)) == ([], {("some-samples", "test", "d/train")})
    assert report.totals()["unknown"] == 1


MADE_OF = Derivation(iri=iri("doc#made"), derived=iri("made"), source=iri("d"), kind=DerivationKind.DERIVED, rule=Rule.STATED,
                     document=iri("doc"))  # fmt: skip
LACKING = {
    "the whole of a split": ("d", {"d/train": ["chip", "nowhere"]}),
    "the whole of a split of nothing else": ("d", {"d/train": ["nowhere"]}),
    "a split of nothing else": ("d/train", {"d/train": ["nowhere"]}),
    "the whole of a split, without a box": ("d", {"d": [], "d/train": ["nowhere"]}),
    "the whole of a member": ("all", {"d": ["chip", "nowhere"]}),
    "the whole of a member that has splits": ("all", {"d/train": ["chip", "nowhere"]}),
    "what was made from the whole": ("made", {"d/train": ["chip", "nowhere"]}),
}


@pytest.mark.parametrize("is_test", [False, True])
@pytest.mark.parametrize(("asked", "owners"), LACKING.values(), ids=LACKING)
def test_what_a_part_lacks_its_whole_lacks(catalog_of, asked, owners, is_test):
    """On either side, by the model or an ancestor, and where areas, coverage and the whole catalog are asked about."""
    # A test is where its own samples are, whatever it was made from.
    lacks = ("no", set()) if is_test and asked == "made" else ("unknown", {"some-samples"})
    data = [
        dataset(name, of=["d"] if "/" in name else [], split=name.partition("/")[2] or None, areas=owners.get(name, ["box"]))
        for name in ("d", "all", "made", "d/train", "d/validate")
    ]  # fmt: skip
    data += [member("d", "all"), *([MADE_OF] if asked == "made" else [])]
    learned, tested = ("test", asked) if is_test else (asked, "test")

    def verdict(*more):
        uses = [use("base", learned), use("m", tested, Stage.TEST)]
        catalog = catalog_of(*AWAY, *data, *more, model("m"), model("base"), made("m", "base"), *uses)
        report = catalog.leakage(iri("m"))
        assert [test.verdict.value for test in catalog.leakage().tests if test.model == iri("m")] == [
            report.tests[0].verdict.value
        ]
        if not is_test and asked != "made":
            hits = catalog.models(trained_in="50,0,51,1")
            assert coverage(catalog.places, "trained", "50,0,51,1").unknown.to_dicts() == hits.unknown.to_dicts()
            assert [row.label for row in hits.unknown] == (["base"] if report.unchecked else [])
            exposed = [row.label for row in catalog.models(exposed_in="50,0,51,1").unknown]
            assert exposed == (["base", "m"] if report.unchecked else [])
        return report.tests[0].verdict.value, {row.what for row in report.unchecked}

    small = area("box", 0, 0, 1, 1, precision=Precision.DECLARED_BOX)
    assert verdict(small, NOWHERE) == lacks
    assert verdict(small, area("nowhere", 0, 0, 1, 1)) == ("no", set())


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 7), st.booleans()), min_size=1, max_size=7), st.integers(0, 7))
def test_who_lacks_a_sample_in_a_tree_of_parts(catalog_of, below, lacking):
    """What it is of, all above that, and the splits of what it is of itself, or as a member: not those beside its own."""
    parents = {place: (parent % place, is_split) for place, (parent, is_split) in enumerate(below, 1)}
    lacking %= len(parents) + 1
    up, loose = [lacking], {lacking}
    while up[-1] in parents:
        parent, is_split = parents[up[-1]]
        if not is_split:
            loose.add(parent)
        up.append(parent)
    for place, (parent, is_split) in parents.items():
        if is_split and parent in loose:
            loose.add(place)
    names = range(len(parents) + 1)
    data = [
        dataset(f"d{n}", of=[f"d{parents[n][0]}"] if n in parents and parents[n][1] else [],
                areas=["box", *(["nowhere"] if n == lacking else [])])
        for n in names
    ]  # fmt: skip
    data += [member(f"d{n}", f"d{parent}") for n, (parent, is_split) in parents.items() if not is_split]
    users = [fact for n in names for fact in (model(f"m{n}"), use(f"m{n}", f"d{n}"))]
    hits = catalog_of(BOX, NOWHERE, *data, *users).models(trained_in="50,0,51,1")
    assert {row.model for row in hits.unknown} == {iri(f"m{n}") for n in {*up, *loose}}


@pytest.mark.parametrize(
    ("asked", "areas", "expected"),
    [
        ("d", ["chip", "box"], ([], {("some-parts", "test", "d")})),
        ("d", ["box"], ([("place", "may contain", "test", "d")], set())),
        ("d", ["chip"], ([], {("some-parts", "test", "d")})),
        ("part", ["chip", "box"], ([("place", "may contain", "test", "part")], set())),
        ("part", ["box"], ([("place", "may contain", "test", "part")], set())),
        ("part", ["chip"], ([], {("no-footprint", "test", "part")})),
    ],
)
def test_a_part_that_states_no_place_is_in_the_box_of_its_whole_and_samples_of_that_say_nothing(
    catalog_of, asked, areas, expected
):
    """A split says nothing more than its whole: that one is stated leaves the samples what they are."""
    data = [dataset("d", areas=areas), *([BOX] if "box" in areas else []), dataset("d/train", of=["d"], split="train")]
    alone = learned_from(catalog_of, "d", *data)
    assert [row.verdict.value for row in alone] == ([] if "chip" in areas else ["may contain"])
    assert not ("box" in areas and alone.unchecked)
    report = learned_from(catalog_of, asked, *data, dataset("part"), member("part", "d"))
    assert (found(report), unchecked(report)) == expected


def test_a_sample_without_a_place_is_in_the_box(catalog_of):
    (row,) = learned_from(catalog_of, "d", dataset("d", areas=["chip", "nowhere", "box"]), BOX, NOWHERE)
    assert (row.kind, row.verdict, row.precision) == ("place", Verdict.MAY_CONTAIN, "declared-box")


def test_a_test_with_a_sample_without_a_place_is_not_clean(catalog_of):
    data = [dataset("train", areas=["chip"]), dataset("some", areas=["t", "nowhere"]), NOWHERE, *AWAY[:2]]
    report = catalog_of(*data, model("m"), use("m", "train"), use("m", "some", Stage.TEST)).leakage("urn:x:m")
    assert (found(report), unchecked(report)) == ([], {("some-samples", "some", "train")})


@pytest.mark.parametrize(
    ("own", "others", "more", "shared"),
    [
        (("1",), ("1",), [], True),
        (("1", "2"), ("1", "3"), [], True),
        (("1",), ("2",), [], False),
        # Weights that both have of what both were made from tell nothing of what the other learned.
        (
            ("1", "2"),
            ("1", "3"),
            [model("b", checksums=("1",)), made("m", "b"), made("o", "b"), use("b", "far")],
            False,
        ),
        (("1",), ("1",), [model("b", checksums=("1",)), made("m", "b"), made("o", "b"), use("b", "far")], True),
        # What an ancestor learned is held against the test as it is.
        (("1",), ("1",), [made("m", "o")], False),
    ],
)
def test_a_model_may_have_learned_what_others_learned_that_have_its_weights(catalog_of, own, others, more, shared):
    report = catalog_of(
        model("m", checksums=own),
        model("o", checksums=others),
        dataset("d", areas=["a1"]),
        dataset("far", areas=["a2"]),
        dataset("test", areas=["a3"]),
        area("a1", 0, 0, 1, 1),
        area("a2", 10, 0, 11, 1),
        area("a3", 20, 0, 21, 1),
        use("m", "far"),
        use("o", "d"),
        use("m", "test", Stage.TEST),
        *more,
    ).leakage("urn:x:m")
    assert {row.what for row in report.unchecked} == ({"same-weights"} if shared else set())
    assert report.totals()["unknown" if shared else "no"] == 1
    assert all("o (urn:x:o)" in row.reason or "b (urn:x:b)" in row.reason for row in report.unchecked)


@pytest.mark.parametrize("undisclosed", [Disclosure.PARTIAL, Disclosure.UNDISCLOSED, None])
def test_nothing_is_clean_of_what_is_not_disclosed(catalog_of, undisclosed):
    areas = [area("train-area", 0, 0, 1, 1), area("test-area", 5, 5, 6, 6)]
    data = [dataset("train", areas=["train-area"]), dataset("test", areas=["test-area"])]
    uses = [model("m", undisclosed), use("m", "train"), use("m", "test", Stage.TEST)]
    report = catalog_of(*data, *areas, *uses).leakage()
    assert (report.totals()["unknown"], unchecked(report)) == (1, {("disclosure", None, "m")})


@pytest.mark.parametrize(
    ("train", "reason"),
    [
        (dataset("train"), "no-footprint"),
        (dataset("train", areas=["world"]), "unbounded"),
        (dataset("train", resolved=False, unresolved_name="train"), "unresolved"),
    ],
)
def test_what_has_no_place_is_unknown(catalog_of, train, reason):
    world = AreaOfInterest(iri=iri("world"), precision=Precision.GLOBAL)
    data = [train, world, dataset("test", areas=["t"]), area("t", 0, 0, 1, 1)]
    report = catalog_of(*data, model("m"), use("m", "train"), use("m", "test", Stage.TEST)).leakage()
    assert found(report) == []
    assert (reason, "test", "train") in unchecked(report)


def test_an_inherited_footprint_proves_nothing_of_splits(catalog_of):
    whole = [dataset("d", areas=["box"]), *SPLIT[1:], area("box", 0, 0, 9, 9, precision=Precision.DECLARED_BOX)]
    report = catalog_of(*whole, model("m"), use("m", "d/train"), use("m", "d/test", Stage.TEST)).leakage()
    assert (found(report), unchecked(report)) == ([], {("footprint-inherited", "d/test", "d/train")})


def splits_with(*areas):
    train = [a for a in areas if "train" in a.iri]
    return [
        dataset("d"),
        dataset("d/train", of="d", split="train", areas=[short(a.iri) for a in train]),
        dataset("d/test", of="d", split="test", areas=[short(a.iri) for a in areas if a not in train]),
        *areas,
    ]


def test_splits_with_identical_outlines_are_caught(catalog_of):
    """An ML-AOI collection whose train and test polygons are the same; no model needed."""
    boxes = [area(f"{split}-{x}", x, 0, x + 1, 1, "2020") for split in ("train", "test") for x in range(3)]
    catalog = catalog_of(*splits_with(*boxes))
    for report in (catalog.leakage("urn:x:d"), catalog.leakage()):
        (row,) = report
        assert (row.kind, row.verdict, row.test, row.train) == (
            "place-and-time", Verdict.YES, iri("d/test"), iri("d/train"),
        )  # fmt: skip
        assert row.share_of_test == pytest.approx(1, abs=1e-9)
        assert (row.areas, row.model, len(row.pairs())) == (3, None, 3)


def test_splits_apart_are_clean_and_a_sample_in_both_is_the_same(catalog_of):
    apart = catalog_of(*splits_with(area("train-1", 0, 0, 1, 1), area("test-1", 1, 0, 2, 1))).leakage("urn:x:d")
    assert (found(apart), apart.totals()["no"]) == ([], 1)
    data = [dataset("d"), *(dataset(f"d/{s}", of="d", split=s, areas=["chip"]) for s in ("train", "test"))]
    (row,) = catalog_of(*data, area("chip", 0, 0, 1, 1)).leakage("urn:x:d")
    assert (row.kind, row.verdict, row.reason) == ("same-samples", Verdict.YES, "one sample is in both")


def side_by_side(*names, box=(0, 0, 1, 1), folder="x"):
    """Collections of one folder, each of which is a split."""
    for name in names:
        word = name.split("-")[-1]
        data = dataset(name, split=word, areas=[f"{name}-area"])
        where = area(f"{name}-area", *box)
        yield data, where, SourceDocument(iri=iri(f"{folder}/{name}/collection.json"), describes=iri(name))


def placed_beside(catalog_of, *collections):
    clean = [dataset("a", areas=["a1"]), dataset("b", areas=["b1"]), area("a1", 30, 0, 31, 1), area("b1", 40, 0, 41, 1)]
    clean += [model("m"), use("m", "a"), use("m", "b", Stage.TEST)]
    return catalog_of(*clean, *itertools.chain.from_iterable(collections))


def test_train_and_test_collections_side_by_side_are_compared(catalog_of):
    """The layout of EuroSAT: no whole, a collection for each split. One clean model does not make it clean."""
    catalog = placed_beside(catalog_of, *side_by_side("city-train", "city-test"))
    for report in (catalog.leakage(), catalog.leakage(iri("city-test"))):
        (row,) = report
        assert (row.kind, row.test, row.train) == ("place", iri("city-test"), iri("city-train"))
    assert catalog.leakage().totals() == {"yes": 1, "may contain": 0, "no": 1, "unknown": 0}


def test_what_only_shares_a_folder_or_a_name_is_not_compared(catalog_of):
    other = side_by_side("road-test", "road-train", box=(5, 0, 6, 1))
    elsewhere = side_by_side("city-test", folder="y")
    report = placed_beside(catalog_of, *side_by_side("city-train"), *other, *elsewhere).leakage()
    assert [(short(row.test), row.verdict.value) for row in report.tests] == [("b", "no"), ("road-test", "yes")]
    # Names without a split's word tell nothing of what belongs together.
    unnamed = [(dataset("tr", split="train", areas=["tr-area"]), area("tr-area", 0, 0, 1, 1),
                SourceDocument(iri=iri("x/tr.json"), describes=iri("tr")))]  # fmt: skip
    unnamed += [(dataset("te", split="test", areas=["te-area"]), area("te-area", 0, 0, 1, 1),
                 SourceDocument(iri=iri("x/te.json"), describes=iri("te")))]  # fmt: skip
    assert [row.test for row in placed_beside(catalog_of, *unnamed).leakage()] == [iri("te")]


def test_too_many_splits_side_by_side_are_unknown(catalog_of):
    many = side_by_side(*(f"city-{word}" for word in ("train", "test")), *(f"city-{n}" for n in range(200)))
    report = catalog_of(*itertools.chain.from_iterable(many)).leakage()
    assert unchecked(report) == {("too-many-splits", None, "city-0")}


def test_a_common_scene(catalog_of):
    image = "https://example.com/S2A_32TLS"
    report = placed(
        catalog_of,
        area("train-area", 0, 0, 1, 1, source_images=(image,)),
        area("test-area", 2, 0, 3, 1, source_images=(image, "https://example.com/other")),
    )
    assert [(r.kind, r.verdict) for r in report] == [("same-scene", Verdict.YES)]
    assert image in report[0].reason


# What was drawn on what, and what that is found as; of the samples ``train#area`` and ``test#area``, in other places.
DRAWN = {
    "labels of the test's sample": ({"train": {"label_sources": "test"}}, Verdict.YES),
    "cut from the test's sample": ({"train": {"source_images": "test"}}, Verdict.YES),
    "test cut from what was learned": ({"test": {"source_images": "train"}}, Verdict.YES),
    "cut from the tested data": ({"train": {"source_images": "T"}}, Verdict.YES),
    "cut from what the tested data are a part of": ({"train": {"source_images": "W"}}, Verdict.MAY_CONTAIN),
    "cut from what was cut from the test's sample": (
        {"train": {"source_images": "between"}, "between": {"source_images": "test"}}, Verdict.YES,
    ),
    "both cut from one scene, one of them by way of a sample": (
        {"train": {"source_images": "between"}, "between": {"source_images": "scene"}, "test": {"source_images": "scene"}},
        Verdict.YES,
    ),
    "made from what was cut from the test's scene": (
        {"of-D": {"source_images": "scene"}, "test": {"source_images": "scene"}}, Verdict.MAY_CONTAIN,
    ),
    "labels and image from another's sample": ({"train": {"source_images": "between", "label_sources": "between"}}, None),
    "labels from one file": ({"train": {"label_sources": "x"}, "test": {"label_sources": "x"}}, None),
    "nothing": ({}, None),
}  # fmt: skip


@pytest.mark.parametrize(("said", "verdict"), DRAWN.values(), ids=DRAWN)
def test_what_is_drawn_on_samples_of_the_other_side_is_of_its_scene(catalog_of, said, verdict):
    drawn = {who: {field: (iri(what),) for field, what in fields.items()} for who, fields in said.items()}
    samples = {"train": "L", "test": "T", "between": "B", "of-D": "D"}
    data = [dataset(whole, areas=[f"{name}#area"]) for name, whole in samples.items() if whole != "T"]
    data += [
        dataset("W"),
        dataset("T", of="W", split="test", areas=["test#area"]),
        made("L", "D", DerivationKind.DERIVED),
    ]
    areas = [area(f"{name}#area", 2 * n, 0, 2 * n + 1, 1, **drawn.get(name, {})) for n, name in enumerate(samples)]
    report = catalog_of(*data, *areas, model("m"), use("m", "L"), use("m", "T", Stage.TEST)).leakage("urn:x:m")
    assert [(row.kind, row.verdict) for row in report] == ([("same-scene", verdict)] if verdict else [])
    assert report.totals()["no"] == (verdict is None)


def test_labels_drawn_on_images_of_their_own_split_are_not_of_the_others_scene(catalog_of):
    splits = [dataset("d"), *(dataset(f"d/{s}", of="d", split=s, areas=[f"{s}-image#area", f"{s}-labels#area"])
                              for s in ("train", "test"))]  # fmt: skip
    where = [area(f"{s}-image#area", n, 0, n + 1, 1) for n, s in ((0, "train"), (5, "test"))]
    where += [area(f"{s}-labels#area", n, 0, n + 1, 1, source_images=(iri(f"{s}-image"),))
              for n, s in ((0, "train"), (5, "test"))]  # fmt: skip
    report = catalog_of(*splits, *where).leakage("urn:x:d")
    assert (found(report), report.totals()["no"]) == ([], 1)


def test_sensors(catalog_of):
    data = [
        dataset("radar", areas=["box"], sensors=("Sentinel-1",)),
        dataset("optical", areas=["box"], sensors=("Sentinel-2 MSI",)),
        dataset("unsaid", areas=["box"]),
        dataset("test", areas=["box"]),
        area("box", 0, 0, 1, 1, precision=Precision.DECLARED_BOX),
    ]
    uses = [model("m"), *(use("m", name) for name in ("radar", "optical", "unsaid")), use("m", "test", Stage.TEST)]
    catalog = catalog_of(*data, *uses)
    assert {short(r.train) for r in catalog.leakage()} == {"radar", "optical", "unsaid"}
    report = catalog.leakage(sensors=["sentinel-2"])
    assert {short(r.train) for r in report} == {"optical", "unsaid"}
    assert [row.left_out for row in report.tests] == [1]
    assert report.notes == (
        "1 dataset that was learned from is left out, as of other sensors: radar",
        "1 dataset that was learned from is compared, though it is not known of which sensors",
    )


def test_a_sensor_that_may_be_the_one_asked_about_is_not_left_out(catalog_of):
    """Names of missions are spelled in many ways; an instrument, or a kind, tells no mission from another."""
    box = area("box", 0, 0, 1, 1, precision=Precision.DECLARED_BOX)
    said = {
        "sentinel-2a": True, "Sentinel-1/2": True, "Sentinel": True, "msi": True, "VHR RGB": True, "11 sensors": True,
        "Sentinel-1 GRD": False, "Landsat 8": False, "NAIP": False,
    }  # fmt: skip
    names = {f"d{n}": word for n, word in enumerate(said)}
    data = [dataset(name, areas=["box"], sensors=(word,)) for name, word in names.items()]
    # All that is said counts, and what is said of a part or a whole.
    data += [
        dataset("both", areas=["box"], sensors=("NAIP", "msi")),
        dataset("whole", areas=["box"], sensors=("NAIP",)),
    ]
    data += [
        dataset("whole/train", split="train", of=("whole",)),
        dataset("mixed", areas=["box"], sensors=("NAIP",)),
    ]
    data += [dataset("mixed/train", split="train", of=("mixed",), sensors=("Sentinel-2",))]
    # And of what is a member, at any depth, or a source: what says nothing itself is as unknown as before.
    radar = {"areas": ["box"], "sensors": ("Sentinel-1",)}
    data += [dataset(name, **radar) for name in ("members", "deep", "source", "apart")]
    data += [dataset("optical", sensors=("Sentinel-2",)), dataset("between"), dataset("silent", areas=["box"])]
    data += [member("optical", "members"), member("members", "between"), member("between", "deep")]
    data += [made("source", "optical", DerivationKind.DERIVED), made("silent", "apart", DerivationKind.DERIVED)]
    kept = ["members", "deep", "source", "silent"]
    learned = [*names, "both", "whole/train", "mixed", *kept, "apart"]
    uses = [model("m"), *(use("m", name) for name in learned), use("m", "test", Stage.TEST)]
    catalog = catalog_of(*data, dataset("test", areas=["box"]), box, *uses)
    wanted = {name for name, word in names.items() if said[word]} | {"both", "mixed", *kept}
    for word in ("sentinel-2", "sentinel2", "Sentinel 2B"):
        assert {short(r.train) for r in catalog.leakage("urn:x:m", sensors=[word])} == wanted


def test_a_sensor_nothing_is_known_of_leaves_nothing_out_and_is_questioned(catalog_of):
    data = [dataset("far", areas=["a"], sensors=("Sentinel-2",)), dataset("near", areas=["b"], sensors=("NAIP",))]
    areas = [area("a", 0, 0, 1, 1), area("b", 5, 5, 6, 6)]
    uses = [model("m"), use("m", "far"), use("m", "near"), use("m", "test", Stage.TEST)]
    catalog = catalog_of(*data, dataset("test", areas=["b"]), *areas, *uses)
    assert catalog.leakage(sensors=["sentinel-2"]).totals()["no"] == 1
    report = catalog.leakage(sensors=["sentnel-2"])
    assert [short(row.train) for row in report] == ["near"]
    assert report.notes[0] == "no data here are of the sensor 'sentnel-2'; there are: Sentinel-2; NAIP"
    # A mission that is known leaves out what it is not, and is questioned all the same.
    report = catalog.leakage(sensors=["sentinel-1"])
    assert (len(report), report.notes[0].partition(";")[0]) == (0, "no data here are of the sensor 'sentinel-1'")


def test_a_use_limited_to_an_area_is_there_and_nowhere_else(catalog_of):
    data = [dataset("train", areas=["all"]), dataset("test", areas=["t"])]
    areas = [area("all", 0, 0, 9, 9), area("corner", 0, 0, 1, 1), area("t", 5, 5, 6, 6)]
    limited = use("m", "train", area=iri("corner"))
    report = catalog_of(*data, *areas, model("m"), limited, use("m", "test", Stage.TEST)).leakage()
    assert report.totals()["no"] == 1


LIMITED = [
    dataset("train", areas=["all"]), dataset("test", areas=["t"]),
    area("all", 0, 0, 9, 9), area("corner", 0, 0, 1, 1), area("here", 5, 5, 6, 6), area("t", 5, 5, 6, 6),
    model("m"), use("m", "test", Stage.TEST),
]  # fmt: skip
CORNER, HERE = ({"area": iri(name)} for name in ("corner", "here"))


@pytest.mark.parametrize("ways", list(itertools.permutations([CORNER, HERE])))
@pytest.mark.parametrize("stages", [(Stage.PRETRAINING,) * 2, (Stage.PRETRAINING, Stage.FINETUNING)])
def test_every_area_a_use_is_limited_to_counts(catalog_of, ways, stages):
    uses = [use("m", "train", stage, **way) for stage, way in zip(stages, ways, strict=True)]
    (row,) = catalog_of(*LIMITED, *uses).leakage("urn:x:m")
    assert (row.kind, [short(pair.train_area) for pair in row.pairs()]) == ("place", ["here"])


@pytest.mark.parametrize("first", [True, False])
def test_a_use_of_all_counts_beside_one_limited_to_an_area(catalog_of, first):
    uses = [use("m", "train", **CORNER), use("m", "train")]
    (row,) = catalog_of(*LIMITED, *(uses if first else uses[::-1])).leakage("urn:x:m")
    assert [short(pair.train_area) for pair in row.pairs()] == ["all"]


@pytest.mark.parametrize(("way", "area_of_it"), [(HERE, "here"), ({}, "all")])
def test_what_an_ancestor_learned_of_a_dataset_counts_beside_what_the_model_did(catalog_of, way, area_of_it):
    lineage = [model("base"), made("m", "base"), use("base", "train", **way), use("m", "train", **CORNER)]
    (row,) = catalog_of(*LIMITED, *lineage).leakage("urn:x:m")
    assert (short(row.learner), [short(pair.train_area) for pair in row.pairs()]) == ("base", [area_of_it])
    # And nowhere, if both learned from the corner alone.
    lineage[2] = use("base", "train", **CORNER)
    assert catalog_of(*LIMITED, *lineage).leakage("urn:x:m").totals()["no"] == 1


@pytest.mark.parametrize("ways", list(itertools.permutations([CORNER, HERE])))
def test_every_area_a_test_is_limited_to_counts(catalog_of, ways):
    data = [dataset("all", areas=["all"]), area("all", 0, 0, 9, 9), area("corner", 0, 0, 1, 1)]
    data += [area("here", 5, 5, 6, 6), dataset("train", areas=["here"]), model("m"), use("m", "train")]
    tests = [use("m", "all", Stage.TEST, **way) for way in ways]
    (row,) = catalog_of(*data, *tests).leakage("urn:x:m")
    assert (row.test, [short(pair.test_area) for pair in row.pairs()]) == (iri("all"), ["here"])


def test_a_use_limited_by_another_document_counts(catalog_of):
    catalog = catalog_of(*LIMITED, use("m", "train", **CORNER))
    other = DataUse(iri=iri("other#1"), model=iri("m"), dataset=iri("train"), stage=Stage.PRETRAINING,
                    rule=Rule.STATED, document=iri("other"), area=iri("here"))  # fmt: skip
    catalog.store.replace({iri("other"): rdf.encode([other])})
    assert [row.kind for row in catalog.leakage("urn:x:m")] == ["place"]


def test_a_model_measured_on_splits_that_overlap_each_other(catalog_of):
    """A row with a model and one without, of one kind: both have their place in the order."""
    boxes = [area(f"{split}-1", 0, 0, 1, 1, "2020") for split in ("train", "test")]
    uses = [model("m"), use("m", "d/train"), use("m", "d/test", Stage.TEST)]
    report = catalog_of(*splits_with(*boxes), *uses).leakage()
    assert [(row.kind, row.model) for row in report] == [("place-and-time", None), ("place-and-time", iri("m"))]


def test_a_dataset_that_is_asked_about_is_all_of_it(catalog_of):
    catalog = catalog_of(*SPLIT, model("m"), use("m", "d/test", Stage.TEST), use("m", "d"))
    assert found(catalog.leakage("urn:x:m", against="urn:x:d")) == [("same-dataset", "yes", "d/test", "d")]
    assert found(catalog.leakage("urn:x:d", against="urn:x:d/train")) == [("same-dataset", "yes", "d", "d/train")]
    assert unchecked(catalog.leakage("urn:x:m")) == {("splits-not-stated", "d/test", "d")}


def test_what_is_near_is_not_said_to_overlap(catalog_of):
    areas = [area("train-area", 0, 4, 1, 5), area("test-area", 1.001, 4, 2, 5)]
    (row,) = placed(catalog_of, *areas, buffer_km=1)
    assert (row.overlap_km2, row.share_of_test) == (0, 0)
    assert "near, within 1 km or a little more" in row.reason


def test_the_ground_as_geojson_and_as_a_map(catalog_of, tmp_path):
    report = placed(catalog_of, area("train-area", 7, 46, 8, 47), area("test-area", 7.5, 46, 8.5, 47))
    (feature,) = report.to_geojson()["features"]
    assert shapely.from_geojson(json.dumps(feature["geometry"])).equals(shapely.box(7.5, 46, 8, 47))
    assert feature["properties"]["kind"] == "place"
    report.to_map(tmp_path / "leak.svg")
    text = (tmp_path / "leak.svg").read_text(encoding="utf-8")
    assert "on the same ground" in text
    assert "tested on" in text
    # Of a clean model it shows where the tests are; the world, where nothing is known of that.
    clean = placed(catalog_of, area("train-area", 7, 46, 8, 47), area("test-area", 9.5, 46, 10.5, 47))
    for report, drawn, degrees in (clean, 1, "10°E"), (catalog_of(model("m")).leakage(), 0, "120°E"):
        report.to_map(tmp_path / "none.svg")
        text = (tmp_path / "none.svg").read_text(encoding="utf-8")
        assert "nothing is known to lie on the same ground" in text
        assert degrees in text
        assert text.count('stroke="#d0891d"') == drawn + 1  # in the legend too


def test_rows_and_their_ground_as_frames(catalog_of, tmp_path):
    geopandas = pytest.importorskip("geopandas", reason="GeoDataFrames need geopandas")
    report = placed(catalog_of, area("train-area", 7, 46, 8, 47), area("test-area", 7.5, 46, 8.5, 47))
    report.to_geoparquet(tmp_path / "leak.parquet")
    (row,) = geopandas.read_parquet(tmp_path / "leak.parquet").itertuples()
    assert row.geometry.equals(shapely.box(7.5, 46, 8, 47))
    assert (row.kind, row.verdict, list(row.also)) == ("place", "yes", [])
    # What lineage alone tells has no ground; nothing found is an empty table.
    lineage = catalog_of(*SPLIT, model("m"), use("m", "d/test", Stage.TEST), use("m", "d/test")).leakage("urn:x:m")
    lineage.to_geoparquet(tmp_path / "leak.parquet")
    frame = geopandas.read_parquet(tmp_path / "leak.parquet")
    assert (frame.kind.tolist(), frame.geometry.tolist()) == (["same-dataset", "split-against-use"], [None, None])
    catalog_of(model("m")).leakage().to_geoparquet(tmp_path / "none.parquet")
    assert len(geopandas.read_parquet(tmp_path / "none.parquet")) == 0


def test_bad_questions(catalog_of):
    catalog = catalog_of(*SPLIT, model("m"), use("m", "d/test", Stage.TEST))
    with pytest.raises(GeometryError, match="0 or more"):
        catalog.leakage(buffer_km=-1)
    with pytest.raises(GeometryError, match="0 or more"):
        catalog.leakage(buffer_km=float("nan"))
    for days in (-1, float("nan"), float("inf"), 1e300):
        with pytest.raises(BadQuestion, match="0 or more"):
            catalog.leakage(window_days=days)
    for window, buffer in ((3_650_000, 0), (0, 1e9)):
        assert catalog.leakage(window_days=window, buffer_km=buffer).totals()
    with pytest.raises(NodeNotFound):
        catalog.leakage("nothing of that name")
    with pytest.raises(BadQuestion, match="against what"):
        catalog.leakage(against="urn:x:m")
    assert unchecked(catalog_of(model("m")).leakage("urn:x:m")) == {("no-evaluation", None, None)}


# --- kinship, against sets ---------------------------------------------------------------------------

NAMES = ["a", "b", "c", "d", "e", "f"]
PAIRS = st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES))


def holds(name, splits, members, derived, *, inherits):
    """Return what a dataset holds as parts, and what it holds because something was made from it."""
    under = {part for part, whole in splits | members if whole == name}
    parts, todo = {name}, [name]
    while todo:
        now = todo.pop()
        for part, whole in splits | members:
            if whole == now and part not in parts:
                parts.add(part)
                todo.append(part)
    everything, todo = set(parts), list(parts)
    while todo:
        now = todo.pop()
        above, rest = {now}, [now]
        while rest and inherits:
            here = rest.pop()
            for part, whole in splits | members:
                if part == here and whole not in above:
                    above.add(whole)
                    rest.append(whole)
        following = {source for made, source in derived if made in above}
        following |= {part for part, whole in splits | members if whole == now}
        for node in following - everything:
            everything.add(node)
            todo.append(node)
    assert under <= parts
    return parts, everything


def wholes_of(name, splits):
    above, todo = set(), [name]
    while todo:
        here = todo.pop()
        for part, whole in splits:
            if part == here and whole not in above:
                above.add(whole)
                todo.append(whole)
    return above


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sets(PAIRS, max_size=4), st.sets(PAIRS, max_size=3), st.sets(PAIRS, max_size=4))
def test_kinship_is_what_the_sets_say(splits, members, derived):
    members -= splits
    statements = [
        Dataset(iri=iri(n), label=n, resolved=True, part_of=tuple(sorted(iri(w) for p, w in splits if p == n)))
        for n in NAMES
    ]
    statements += [member(part, whole) for part, whole in sorted(members)]
    statements += [made(a, b, DerivationKind.DERIVED) for a, b in sorted(derived)]
    with Catalog.create() as catalog:
        catalog.store.replace({iri("doc"): rdf.encode(statements)})
        edges = catalog.lineage.edges
        kinship = Kinship(edges)
        for test, train in itertools.product(NAMES, NAMES):
            above, other = wholes_of(test, splits), wholes_of(train, splits)
            apart = test != train and bool(above & other) and test not in other and train not in above
            parts, everything = holds(test, splits, members, derived, inherits=not apart)
            taught_parts, taught = holds(train, splits, members, derived, inherits=not apart)
            stated = any(p == test for p, _ in splits) and any(p == train for p, _ in splits)
            if parts & taught_parts:
                expected = Kin.SAME if stated else Kin.NOT_STATED
            elif (parts & taught) | (everything & taught_parts):
                expected = Kin.DERIVED
            elif everything & taught:
                expected = Kin.COMMON
            else:
                expected = Kin.APART if apart else Kin.NONE
            meeting = kinship.between(edges.at(iri(test)), edges.at(iri(train)))
            assert meeting.kin is expected, (test, train)


# --- room around geometries -----------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    st.floats(-179, 178),
    st.floats(-88, 87),
    st.floats(0.001, 1),
    st.floats(0.001, 1),
    st.floats(0.1, 300),
    st.floats(0, 360),
)
def test_room_is_never_less_than_asked_for(west, south, width, height, km, azimuth):
    box = shapely.box(west, south, west + width, south + height)
    (room,) = grown([box], km)
    assert room.is_valid
    lon, lat = shapely.get_coordinates(box)[:, 0], shapely.get_coordinates(box)[:, 1]
    to_lon, to_lat, _ = pyproj.Geod(ellps="WGS84").fwd(
        lon, lat, np.full(len(lon), azimuth), np.full(len(lon), km * 999)
    )
    assert shapely.distance(shapely.points(to_lon, to_lat), room).max() < 1e-9


# --- the families ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def families():
    with Catalog.create(base=BASE) as catalog:
        catalog.ingest(FAMILIES)
        yield catalog


def of_families(report):
    def name(full):
        return full.removeprefix(BASE).partition("/")[2]

    return {(r.kind, r.verdict.value, name(r.test), name(r.train)) for r in report}


@pytest.mark.parametrize(
    ("node", "row"),
    [
        # The verdicts the facts' own notes give (issue on the catalogue, 5).
        ("clay-v1.5-biomassters-regressor", ("selection-on-test", "yes", "biomassters/test", "biomassters/test")),
        ("ttp", ("selection-on-test", "yes", "levir-cd/test", "levir-cd/test")),
        ("clay-v1.5-chesapeake", ("place", "may contain", "chesapeake-cvpr/ny-val", "clay-v1-chips-naip")),
    ],
)
def test_known_verdicts(families, node, row):
    assert row in of_families(families.leakage(families.find(node)))


def test_isaid_and_samrs_have_a_common_source(families):
    report = families.leakage(families.find("isaid"), against=families.find("samrs-sota"))
    assert [(r.kind, r.meets_label) for r in report] == [("common-source", "DOTA (v1.0/v1.5/v2.0) (trainval)")]


def test_rs5m_and_million_aid(families):
    """RS5M was made from the test part; a model trained on it and tested on Million-AID may have seen the test."""
    report = families.leakage(families.find("million-aid"), against=families.find("rs5m"))
    assert [(r.kind, r.verdict) for r in report] == [("derived-dataset", Verdict.MAY_CONTAIN)]
    test = families.find("million-aid") + "/test"
    assert [r.kind for r in families.leakage(test, against=families.find("rs5m"))] == ["derived-dataset"]


@pytest.mark.parametrize(
    ("node", "dataset"),
    [
        ("grounding-dino-b", "coco"),
        ("skyeyegpt", "rsvqa-lr"),
        ("lhrs-bot", "rsvqa-lr"),
        ("omnisat", "pastis-hd"),
        ("spectralgpt", "bigearthnet-mm"),
    ],
)
def test_splits_that_are_not_stated_are_unknown(families, node, dataset):
    report = families.leakage(families.find(node))
    end = families.find(dataset)
    assert {(r.test, r.train) for r in report.unchecked if r.what == "splits-not-stated"} >= {(end, end)}
    assert not any(r.test == end and r.train == end for r in report)


def test_every_row_proves_itself(families):
    """Each chain starts with the model, ends where it says, and joins up."""
    report = families.leakage()
    assert len(report) > 20
    for row in report:
        for proof in (row.explain(), row.explain_test()):
            assert proof.steps
            at = {proof.start}
            for step in proof.steps:
                assert {step.subject, step.object} & at, (row, str(proof))
                at |= {step.subject, step.object}
            assert proof.end in at
        assert row.explain().start == row.model


# --- STAC of which something is missing ----------------------------------------------------------------------


def stac_item(name, box, **properties):
    shape = None if box is None else shapely.geometry.mapping(shapely.box(*box))
    return {
        "type": "Feature", "stac_version": "1.1.0", "id": name, "collection": "train", "geometry": shape,
        "stac_extensions": ["https://stac-extensions.github.io/ml-aoi/v0.2.0/schema.json"], "links": [], "assets": {},
        "properties": {"datetime": "2020-06-01T00:00:00Z"} | properties,
    }  # fmt: skip


def stac_collection(name, box, *items, interval=(("2020-01-01T00:00:00Z", "2020-12-31T00:00:00Z"),), **more):
    return {
        "type": "Collection", "stac_version": "1.1.0", "id": name, "title": name, "description": name,
        "license": "CC0-1.0", "links": [{"rel": "item", "href": f"./{item}.json"} for item in items],
        "extent": {"spatial": {"bbox": [box]} if box else {}, "temporal": {"interval": [*map(list, interval)]}},
    } | more  # fmt: skip


def stac_model(*links):
    return {
        "type": "Feature", "stac_version": "1.1.0", "id": "m", "geometry": None, "assets": {},
        "stac_extensions": ["https://w3id.org/mlaoi/stac/lineage/v0.1.0/schema.json"],
        "links": [
            {"rel": "derived_from" if stage == "training" else "lineage:evaluated_on", "href": f"./{href}.json",
             "lineage:stage": stage} | ({"ml-aoi:split": split} if split else {})
            for stage, href, split in links
        ],
        "properties": {"datetime": "2024-01-01T00:00:00Z", "lineage:kind": "model", "lineage:label": "m",
                       "lineage:iri": iri("m"), "lineage:disclosure": "complete"},
    }  # fmt: skip


A, B, FAR = (0, 0, 1, 1), (10, 0, 11, 1), (50, 0, 51, 1)
TRAIN_AND_TEST = stac_model(("training", "train", None), ("test", "test", None))


@pytest.fixture
def stac(tmp_path):
    folder = tmp_path / "stac"
    folder.mkdir()

    def put(**documents):
        for name, document in documents.items():
            path = folder / f"{name}.json"
            path.unlink() if document is None else path.write_text(json.dumps(document))
        return folder

    return put


def test_an_item_that_cannot_be_found_may_lie_on_the_test(stac):
    """While it is away: it and its collection may go and come without any other change."""
    documents = {
        "train": stac_collection("train", None, "one", "two"), "one": stac_item("one", A),
        "two": stac_item("two", A), "test": stac_collection("test", B), "m": TRAIN_AND_TEST,
    }  # fmt: skip
    with Catalog.create() as catalog:
        for two, verdict in ((documents["two"], "no"), (None, "unknown"), (documents["two"], "no")):
            catalog.ingest(stac(**(documents | {"two": two}) if two or verdict == "no" else {"two": None}))
            report = catalog.leakage(iri("m"))
            assert report.totals()[verdict] == 1
            kinds = {row.what for row in report.unchecked}
            assert kinds == ({"some-samples"} if verdict == "unknown" else set())
            unknown = {use.reason for use in catalog.models(trained_in="10,0,11,1").unknown}
            assert unknown == ({"some of its samples have no known footprint"} if verdict == "unknown" else set())


def test_an_item_of_another_source_may_lie_on_the_test_until_it_is_read_and_when_it_is_missing_again(stac, tmp_path):
    """In any order, and as a build in another one has it."""
    address = "https://e.org/{}.json"
    train = stac_collection("train", A, "zero")
    train["links"] += [{"rel": "item", "href": address.format(name)} for name in ("one", "two")]
    here = stac(train=train, zero=stac_item("zero", A), test=stac_collection("test", B), m=TRAIN_AND_TEST)
    there = tmp_path / "there"
    there.mkdir()

    def put(name):
        item = with_link(stac_item(name, A), rel="self", href=address.format(name))
        (there / f"{name}.json").write_text(json.dumps(item))
        return there

    def said(catalog):
        report = catalog.leakage(iri("m"))
        return next(word for word, number in report.totals().items() if number), {row.what for row in report.unchecked}

    with Catalog.create() as catalog:
        catalog.ingest(here)
        assert said(catalog) == ("unknown", {"some-samples"})
        catalog.ingest(put("one"))
        assert said(catalog) == ("unknown", {"some-samples"})
        (missing,) = [f.message for f in catalog.ingest(here).findings.kept if f.rule == "samples-missing"]
        assert missing.startswith("samples it speaks of cannot be read: https://e.org/two.json;")
        catalog.ingest(put("two"))
        assert said(catalog) == ("no", set())
        assert [f.rule for f in catalog.ingest(here).findings.kept] == []
        with Catalog.create() as other:
            other.ingest(there)
            other.ingest(here)
            assert said(other) == ("no", set())
            assert quads(other) == quads(catalog)
        catalog.remove("https://w3id.org/mlaoi/local/documents/there/two.json")
        assert said(catalog) == ("unknown", {"some-samples"})


def with_link(document, **link):
    return document | {"links": [*document["links"], link]}


@pytest.mark.parametrize(
    ("name", "document"),
    [
        # What a model learned from, or was measured on, is named by nothing.
        *(("m", with_link(TRAIN_AND_TEST, **link)) for link in (
            {"rel": "derived_from"}, {"rel": "derived_from", "href": 5},
            {"rel": "derived_from", "lineage:stage": "training"},
            {"rel": "derived_from", "lineage:derivation": "finetuned", "href": ""},
            {"rel": "lineage:evaluated_on"}, {"rel": "ml-model:test-data"}, {"rel": "ml-model:train-data", "href": {}},
        )),
        ("m", TRAIN_AND_TEST | {"properties": TRAIN_AND_TEST["properties"] | {"lineage:trained_on": [iri("a"), 5, 6]}}),
        ("m", TRAIN_AND_TEST | {"properties": TRAIN_AND_TEST["properties"] | {"lineage:derived_from": [5]}}),
        ("m", TRAIN_AND_TEST | {"links": [*TRAIN_AND_TEST["links"], "derived_from ./test.json"]}),
        ("m", with_link(TRAIN_AND_TEST, href="./test.json")),
        ("m", with_link(TRAIN_AND_TEST, rel=["derived_from"], href="./test.json")),
        # So is what its data were made from.
        ("train", with_link(stac_collection("train", A), rel="derived_from")),
        ("one", with_link(stac_item("one", A), rel="derived_from")),
        ("one", with_link(stac_item("one", A), rel="derived_from", href="./nowhere.json")),
        ("one", stac_item("one", A) | {"links": {"rel": "derived_from", "href": "./test.json"}}),
        ("one", stac_item("one", A) | {"links": ["derived_from ./test.json"]}),
        ("one", with_link(stac_item("one", A), rel=None, href="./test.json")),
    ],
)  # fmt: skip
def test_what_is_stated_and_named_by_nothing_is_not_clean(stac, name, document):
    documents = {"train": stac_collection("train", A), "one": stac_item("one", A), "test": stac_collection("test", B),
                 "m": TRAIN_AND_TEST}  # fmt: skip
    with Catalog.create() as catalog:
        catalog.ingest(stac(**documents))
        assert catalog.leakage(iri("m")).totals()["no"] == 1
        catalog.ingest(stac(**{name: document}))
        report = catalog.leakage(iri("m"))
        # Where all links are in doubt, there may have been another test too.
        in_doubt = any(isinstance(link, str) or not isinstance(link.get("rel"), str) for link in document["links"])
        assert (report.totals()["unknown"], found(report)) == (2 if name == "m" and in_doubt else 1, [])
        with Catalog.create() as fresh:
            fresh.ingest(stac())
            assert quads(fresh) == quads(catalog)


def test_an_item_made_from_a_test_item_is_found(stac):
    """Which lies elsewhere: only the link tells."""
    made = with_link(stac_item("one", A), rel="derived_from", href="./two.json")
    folder = stac(train=stac_collection("train", A), one=made, test=stac_collection("test", B),
                  two=stac_item("two", B) | {"collection": "test"}, m=TRAIN_AND_TEST)  # fmt: skip
    with Catalog.create() as catalog:
        catalog.ingest(folder)
        assert [(row.kind, row.verdict.value) for row in catalog.leakage(iri("m"))] == [
            ("derived-dataset", "may contain")
        ]


BROKEN = ["{", "[]", '{"type": "Feature"}', '{"type": "Feature", "stac_version": "1.1.0", "geometry": null}']


@pytest.mark.parametrize("broken", BROKEN, ids=["cut", "list", "feature", "no-id"])
@pytest.mark.parametrize("followed", [False, True])
@pytest.mark.parametrize("fresh", [False, True])
def test_an_item_that_cannot_be_read_may_lie_on_the_test(stac, tmp_path, broken, followed, fresh):
    """While it is broken, whether its file is met by itself or by its collection's link."""
    links = [{"rel": "child", "href": f"./{name}.json"} for name in ("train", "test")] + [
        {"rel": "item", "href": "./m.json"}
    ]
    root = {"type": "Catalog", "stac_version": "1.1.0", "id": "root", "description": "root", "links": links}
    folder = stac(
        root=root, train=stac_collection("train", None, "one", "two"), one=stac_item("one", A),
        test=stac_collection("test", B), m=TRAIN_AND_TEST,
    )  # fmt: skip
    good = json.dumps(stac_item("two", A))
    catalog = Catalog.create(tmp_path / "catalog")
    for text, verdict in ((good, "no"), (broken, "unknown"), (broken, "unknown"), (good, "no")):
        (folder / "two.json").write_text(text)
        if fresh:
            catalog.close()
            shutil.rmtree(tmp_path / "catalog")
            catalog = Catalog.create(tmp_path / "catalog")
        report = catalog.ingest(folder / "root.json" if followed else folder)
        assert (report.failed + report.skipped > 0) is (verdict == "unknown")
        assert report.read + report.unchanged + report.failed + report.skipped == 6
        found = catalog.leakage(iri("m"))
        assert found.totals()[verdict] == 1
        assert {row.what for row in found.unchecked} == ({"some-samples"} if verdict == "unknown" else set())
    catalog.close()


def test_reading_what_cannot_be_read_again_changes_nothing(stac):
    folder = stac(train=stac_collection("train", None, "one", "two"), one=stac_item("one", A))
    with Catalog.create() as catalog:
        catalog.ingest(folder)
        before = set(catalog.store.match())
        assert any(quad.predicate.value.endswith("#footprint") and "missing" in str(quad.object) for quad in before)
        catalog.ingest(folder)
        assert set(catalog.store.match()) == before


@pytest.mark.parametrize(
    ("own", "two", "verdict"),
    [
        ("https://e.org/data/train.json", "https://e.org/data/two.json", "no"),  # beside it
        ("https://e.org/data/train.json", "https://e.org/other/two.json", "unknown"),  # not in this folder
        ("https://e.org/data/train.json", "https://e.org/data/self-two", "no"),  # under its own address
        (None, "https://e.org/data/two.json", "unknown"),  # nothing tells
    ],
)
def test_an_item_at_an_address_is_looked_for_in_the_folder(stac, own, two, verdict):
    train = stac_collection("train", None, "one")
    train["links"] += [{"rel": "item", "href": two}] + ([{"rel": "self", "href": own}] if own else [])
    item = stac_item("two", A)
    item["links"] = [{"rel": "self", "href": "https://e.org/data/self-two"}] if own else []
    model = TRAIN_AND_TEST
    if own:  # the collection's IRI is its own address then
        model = stac_model(("training", "x", None), ("test", "test", None))
        model["links"][0]["href"] = own
    folder = stac(train=train, one=stac_item("one", A), two=item, test=stac_collection("test", B), m=model)
    with Catalog.create() as catalog:
        catalog.ingest(folder)
        report = catalog.leakage(iri("m"))
        assert report.totals()[verdict] == 1


@pytest.mark.parametrize("line", ["{", '{"type": "Feature", "stac_version": "1.1.0", "geometry": null}'])
def test_a_line_that_is_no_item_may_be_a_sample_of_what_the_others_are_of(stac, line):
    folder = stac(train=stac_collection("train", None), test=stac_collection("test", B), m=TRAIN_AND_TEST)
    good = [json.dumps(stac_item(name, A)) for name in ("one", "two")]
    with Catalog.create() as catalog:
        for lines, verdict in ((good, "no"), ([good[0], line], "unknown"), (good, "no")):
            (folder / "items.ndjson").write_text("\n".join(lines))
            catalog.ingest(folder)
            assert catalog.leakage(iri("m")).totals()[verdict] == 1


def test_a_part_that_cannot_be_read_may_lie_on_the_test(stac):
    """A collection whose data are in a collection below it."""
    train = stac_collection("train", None, "one")
    train["links"].append({"rel": "child", "href": "./part.json"})
    folder = stac(train=train, one=stac_item("one", A), test=stac_collection("test", B), m=TRAIN_AND_TEST)
    with Catalog.create() as catalog:
        for part, verdict in (
            (stac_collection("part", A), "no"),
            (None, "unknown"),
            (stac_collection("part", A), "no"),
        ):
            if part or (folder / "part.json").exists():
                stac(part=part)
            catalog.ingest(folder)
            assert catalog.leakage(iri("m")).totals()[verdict] == 1


def tree(name, kind="Catalog", parent=None, **below):
    """A catalog with links to what is below it: names of documents by rel."""
    links = [{"rel": rel, "href": f"./{one}.json"} for rel, ones in below.items() for one in ones]
    links += [{"rel": "parent", "href": f"./{parent}.json"}] if parent else []
    if kind == "Collection":
        return stac_collection(name, None, links=links)
    return {"type": kind, "stac_version": "1.1.0", "id": name, "description": name, "links": links}


def verdicts(catalog, folder):
    """Return what is said of the model, by a build of what has changed and by one of everything."""
    said = []
    for document in catalog.ingest(folder).gone:
        catalog.remove(document)
    with Catalog.create() as fresh:
        fresh.ingest(folder)
        assert quads(fresh) == quads(catalog)
        for one in (catalog, fresh):
            report = one.leakage(iri("m"))
            said.append((report.totals(), {row.what for row in report.unchecked}, {row.kind for row in report}))
        assert said[0] == said[1]
    totals, what, kinds = said[0]
    return next(word for word, number in totals.items() if number), what | kinds


@pytest.mark.parametrize("catalogs", [0, 1, 2])
@pytest.mark.parametrize("said_by", ["child", "parent"])
def test_a_collection_below_another_is_part_of_it(stac, catalogs, said_by):
    """Through catalogs between them, whichever of the two says so."""
    chain = ["train", *(f"c{n}" for n in range(catalogs)), "part"]
    documents = {"test": stac_collection("test", B), "m": TRAIN_AND_TEST, "one": stac_item("one", A)}
    for place, name in enumerate(chain[:-1]):
        below = {"child": [chain[place + 1]]} if said_by == "child" else {}
        below |= {"item": ["one"]} if name == "train" else {}
        parent = chain[place - 1] if place and said_by == "parent" else None
        documents[name] = tree(name, "Catalog" if place else "Collection", parent, **below)
    part = stac_collection("part", B)
    part["links"] = [{"rel": "parent", "href": f"./{chain[-2]}.json"}] if said_by == "parent" else []
    with Catalog.create() as catalog:
        assert verdicts(catalog, stac(**documents, part=part)) == ("may contain", {"place-and-time"})
        parts = [(e.subject, e.object) for e in catalog.edges() if e.predicate == "partOf"]
        assert parts == [(catalog.find("part"), catalog.find("train"))]
        part["extent"]["spatial"]["bbox"] = [FAR]
        assert verdicts(catalog, stac(part=part)) == ("no", set())
        if said_by == "child":
            assert verdicts(catalog, stac(part=None)) == ("unknown", {"some-samples"})


def test_training_on_a_collection_and_testing_on_one_below_it_may_be_on_the_same_data(stac):
    folder = stac(train=tree("train", "Collection", child=["test"], item=["one"]), one=stac_item("one", A),
                  test=stac_collection("test", B), m=TRAIN_AND_TEST)  # fmt: skip
    with Catalog.create() as catalog:
        assert verdicts(catalog, folder) == ("unknown", {"splits-not-stated"})


@pytest.mark.parametrize(
    ("where", "used"),
    [*itertools.product(["beside one more", "alone", "as a part"], [None, "train"]), ("below", None)],
)
def test_a_sample_of_a_split_that_lies_nowhere_is_missing_where_its_whole_is_used(stac, used, where):
    """As a build in another order has it, while it is there; whatever lies at the box of the collection."""
    two = stac_item("two", A, **{"ml-aoi:split": "train"})
    lost = two | {"geometry": None}
    if where == "as a part":
        shapes = [shapely.geometry.mapping(shapely.box(*A)), {"type": "Point", "coordinates": [0.5, 0.5]}]
        lost = two | {"geometry": {"type": "GeometryCollection", "geometries": shapes}}
    if where == "below":
        lost, two = lost | {"collection": "kid"}, two | {"collection": "kid"}
    documents = {
        "train": tree("train", "Collection", child=["kid"] if where == "below" else [],
                      item=["one"] if where == "below" else ["one", "two"]),
        "one": stac_item("one", A, **{"ml-aoi:split": "validate" if where == "alone" else "train"}),
        "kid": stac_collection("kid", None, "two") if where == "below" else None,
        "test": stac_collection("test", B), "m": stac_model(("training", "train", used), ("test", "test", None)),
    }  # fmt: skip
    documents["train"]["extent"]["spatial"] = {"bbox": [A]}
    with Catalog.create() as catalog:
        for item, verdict in ((two, ("no", set())), (lost, ("unknown", {"some-samples"})), (two, ("no", set()))):
            folder = stac(**{name: one for name, one in documents.items() if one}, two=item)
            assert verdicts(catalog, folder) == verdict


@pytest.mark.parametrize("kind", ["models", "archive"])
@pytest.mark.parametrize("catalogs", [0, 1])
def test_a_collection_below_one_that_is_no_body_of_data_is_told(stac, kind, catalogs):
    """One of models is no part of it; an archive is, and has no bounds."""
    part = stac_collection("part", [-180, -90, 180, 90], interval=(("2015-01-01T00:00:00Z", None),))
    part["summaries"] = {"constellation": ["sentinel-2"]} if kind == "archive" else {"mlm:framework": ["pytorch"]}
    documents = {
        "train": tree("train", "Collection", child=["c" if catalogs else "part"], item=["one"]), "one": stac_item("one", A),
        "c": tree("c", child=["part"]), "test": stac_collection("test", B), "m": TRAIN_AND_TEST,
    }  # fmt: skip
    with Catalog.create() as catalog:
        expected = {"unbounded"} if kind == "archive" else {"some-samples"}
        assert verdicts(catalog, stac(**documents, part=part)) == ("unknown", expected)
        told = [f for f in catalog.ingest(stac()).findings.kept if f.rule == "not-a-sample"]
        assert ["as one of models" in f.message for f in told] == ([True] if kind == "models" else [])


def test_what_cannot_be_read_below_a_catalog_is_missing_from_the_collection_above(stac):
    """Below the root only, it is nobody's."""
    documents = {
        "root": tree("root", child=["train", "test"], item=["m", "gone"]),
        "train": tree("train", "Collection", child=["c"], item=["one"]), "one": stac_item("one", A),
        "c": tree("c", item=["two"]), "two": stac_item("two", A), "test": stac_collection("test", B), "m": TRAIN_AND_TEST,
    }  # fmt: skip
    with Catalog.create() as catalog:
        assert verdicts(catalog, stac(**documents)) == ("no", set())
        assert verdicts(catalog, stac(two=None)) == ("unknown", {"some-samples"})
        assert verdicts(catalog, stac(two={"type": "Feature"})) == ("unknown", {"some-samples"})
        assert verdicts(catalog, stac(two=stac_item("two", A))) == ("no", set())


LOST_LINKS = {
    "an object": {"rel": "item", "href": "./two.json"},
    "a text": ["./two.json"],
    "null": [None],
    "without a rel": [{"href": "./two.json"}],
    "a list as rel": [{"rel": ["item"], "href": "./two.json"}],
    "items elsewhere": [{"rel": "items", "href": "https://e.org/train/items", "type": "application/geo+json"}],
    "items that are not there": [{"rel": "items", "href": "./items.json"}],
}


@pytest.mark.parametrize("links", LOST_LINKS.values(), ids=LOST_LINKS)
def test_links_of_a_collection_that_are_none_or_are_not_followed(stac, links):
    """What they lead to may be samples."""
    train = stac_collection("train", None, "one")
    documents = {"one": stac_item("one", A), "test": stac_collection("test", B), "m": TRAIN_AND_TEST}
    with Catalog.create() as catalog:
        assert verdicts(catalog, stac(train=train, **documents)) == ("no", set())
        lost = train | {"links": [*train["links"], *links] if isinstance(links, list) else links}
        folder = stac(train=lost)
        word, what = verdicts(catalog, folder)
        assert (word, "some-samples" in what) == ("unknown", True)
        with Catalog.create() as again:
            rules = {f.rule for f in again.ingest(folder).findings.kept}
        assert rules & {"wrong-type", "items-not-read", "broken-link"}
        assert verdicts(catalog, stac(train=train)) == ("no", set())


@pytest.mark.parametrize("more", [{"links": [{"rel": "next", "href": "https://e.org/2"}]}, {"numberMatched": 10}])
def test_a_saved_page_is_not_all_of_the_items(stac, more):
    page = {"type": "FeatureCollection", "features": [stac_item("one", A), stac_item("two", A)]}
    folder = stac(train=stac_collection("train", None), items=page, test=stac_collection("test", B), m=TRAIN_AND_TEST)
    with Catalog.create() as catalog:
        assert verdicts(catalog, folder) == ("no", set())
        assert verdicts(catalog, stac(items=page | more)) == ("unknown", {"some-samples"})
        assert verdicts(catalog, stac(items=page | more | {"numberMatched": 2})) == ("no", set())


@pytest.mark.parametrize("said_by", ["parent", "item"])
@pytest.mark.parametrize("split", [None, "train"])
def test_an_item_that_names_no_collection_is_a_sample_of_what_links_to_it(stac, said_by, split):
    two = stac_item("two", B, **({"ml-aoi:split": split} if split else {}))
    del two["collection"]
    two["links"] = [{"rel": "parent", "href": "./train.json"}] if said_by == "parent" else []
    train = stac_collection("train", None, "one", *(["two"] if said_by == "item" else []))
    m = stac_model(("training", "train", split), ("test", "test", None))
    folder = stac(train=train, one=stac_item("one", A), two=two, test=stac_collection("test", B), m=m)
    with Catalog.create() as catalog:
        assert verdicts(catalog, folder)[1] >= {"place-and-time"}


def sample_of(name, box, collection, **more):
    found = stac_item(name, box) | {"collection": collection} | more
    return {key: value for key, value in found.items() if value is not None}


OTHER_ITEMS = {
    # What the link of the training data leads to, with a word of the finding.
    "names another collection": (sample_of("two", B, "other"), "collection-mismatch", "'other'"),
    "names none that is known": (sample_of("two", B, "nowhere"), "collection-mismatch", "'nowhere'"),
    "links to another": (
        sample_of("two", B, None, links=[{"rel": "collection", "href": "./other.json"}]), "collection-mismatch", "'other'",
    ),
    "lies below another": (
        sample_of("two", B, None, links=[{"rel": "parent", "href": "./other.json"}]), "collection-mismatch", "'other'",
    ),
    "looks like a model": (
        sample_of("two", B, "train", properties={"datetime": "2020-06-01T00:00:00Z", "mlm:name": "two"}), "not-a-sample",
        "no sample, as a model",
    ),
    "is a catalog": (tree("two"), "not-a-sample", "what is read as a catalog"),
    "looks like a catalog": (tree("two") | {"type": "feature"}, "not-a-sample", "what is read as a catalog"),
    "is a file of what names nothing": (
        {"type": "FeatureCollection", "features": [sample_of("a", A, "train"), sample_of("b", B, None)]}, "not-a-sample",
        "a file with an item that names no collection",
    ),
    "is a file of what is of another": (
        {"type": "FeatureCollection", "features": [sample_of("a", A, "train"), sample_of("b", B, "other")]},
        "collection-mismatch", "'other'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("two", OTHER_ITEMS.values(), ids=OTHER_ITEMS)
@pytest.mark.parametrize("through", ["its own link", "a catalog"])
def test_what_a_link_to_an_item_leads_to_may_not_be_what_is_meant(stac, two, through):
    """It belongs where it says; and it is told, each time, that it is not known where the sample is."""
    document, rule, word = two
    one, test = stac_item("one", A), stac_collection("test", B)
    links = {"train": tree("train", "Collection", item=["one", "two"])} if through == "its own link" else {
        "train": tree("train", "Collection", child=["c"]), "c": tree("c", item=["one", "two"])
    }  # fmt: skip
    folder = stac(**links, one=one, two=stac_item("two", A), other=stac_collection("other", FAR), test=test,
                  m=TRAIN_AND_TEST)  # fmt: skip
    with Catalog.create() as catalog:
        assert verdicts(catalog, folder) == ("no", set())
        stac(two=document)
        for is_new in (True, False):
            told = [f for f in catalog.ingest(folder).findings.kept if f.rule == rule]
            (finding,) = told
            assert (finding.pointer, word in finding.message) == ("/links/1/href", True)
            if through == "its own link" or is_new:
                assert finding.document == str(folder / f"{'train' if through == 'its own link' else 'c'}.json")
            assert verdicts(catalog, folder) == ("unknown", {"some-samples"})
        if rule == "collection-mismatch" and "nowhere" not in word:
            # It is a sample of the one it names.
            assert len(catalog.models(trained_in=shapely.box(*B))) == 0
            stac(m=stac_model(("training", "other", None), ("test", "test", None)))
            assert verdicts(catalog, folder)[1] == {"place-and-time"}
            stac(m=TRAIN_AND_TEST)
        assert verdicts(catalog, stac(two=stac_item("two", A))) == ("no", set())


@pytest.mark.parametrize("beside", [True, False])
@pytest.mark.parametrize(
    ("two", "rule", "word"), [*[one for one in OTHER_ITEMS.values() if one[0]["type"] == "Feature"],
                              (sample_of("two", B, None), "no-collection", "names no collection")],
)  # fmt: skip
def test_what_an_address_leads_to_is_judged_as_what_a_path_leads_to(stac, tmp_path, two, rule, word, beside):
    """Read with what links to it, or as another source, before or after."""
    links = [*two["links"], {"rel": "self", "href": "https://e.org/two.json"}]
    folder = stac(train=stac_collection("train", None, "one", "two"), one=stac_item("one", A), two=two | {"links": links},
                  other=stac_collection("other", FAR), test=stac_collection("test", B), m=TRAIN_AND_TEST)  # fmt: skip
    with Catalog.create() as catalog:
        expected = verdicts(catalog, folder)
    assert expected == (
        ("may contain", {"place-and-time"}) if rule == "no-collection" else ("unknown", {"some-samples"})
    )
    train = stac_collection("train", None, "one")
    train["links"].append({"rel": "item", "href": "https://e.org/two.json"})
    stac(train=train)
    sources = [folder]
    if not beside:
        (tmp_path / "there").mkdir()
        (folder / "two.json").rename(tmp_path / "there/two.json")
        sources.append(tmp_path / "there")
        if links[:-1]:  # to the other collection
            (folder / "other.json").rename(tmp_path / "there/other.json")
    for order in (sources, sources[::-1]):
        with Catalog.create() as catalog:
            told = [catalog.ingest(source).findings.kept for source in [*order, folder]][-1]
            report = catalog.leakage(iri("m"))
            assert report.totals()[expected[0]] == 1
            assert {row.what for row in report.unchecked} | {row.kind for row in report} == expected[1]
            (finding,) = [f for f in told if f.rule == rule and f.document == str(folder / "train.json")]
            assert "https://e.org/two.json leads to" in finding.message
            assert rule == "collection-mismatch" or word in finding.message


def test_an_item_of_a_collection_below_is_one_of_the_collection(stac):
    """At any depth, so a link to it says nothing new."""
    documents = {
        "train": tree("train", "Collection", child=["mid"], item=["one", "two"]), "one": stac_item("one", A),
        "mid": tree("mid", "Collection", child=["part"], item=["three"]), "part": stac_collection("part", None, "two"),
        "three": sample_of("three", A, "mid"), "two": sample_of("two", A, "part"), "test": stac_collection("test", B),
        "m": TRAIN_AND_TEST,
    }  # fmt: skip
    with Catalog.create() as catalog:
        assert verdicts(catalog, stac(**documents)) == ("no", set())
        assert {f.rule for f in catalog.ingest(stac()).findings.kept} <= {"null-geometry"}


@pytest.mark.parametrize("said_by", ["parent", "item"])
def test_an_item_that_names_no_collection_is_told(stac, said_by):
    two = sample_of("two", A, None, links=[{"rel": "parent", "href": "./train.json"}] if said_by == "parent" else [])
    train = stac_collection("train", None, "one", *(["two"] if said_by == "item" else []))
    folder = stac(train=train, one=stac_item("one", A), two=two, test=stac_collection("test", B), m=TRAIN_AND_TEST)
    where = ("train.json", "/links/1/href") if said_by == "item" else ("two.json", "/collection")
    with Catalog.create() as catalog:
        for _ in range(2):
            (told,) = [f for f in catalog.ingest(folder).findings.kept if f.rule == "no-collection"]
            assert (told.document, told.pointer) == (str(folder / where[0]), where[1])
            assert verdicts(catalog, folder) == ("no", set())


ON_B = [[list(point) for point in shapely.box(*B).exterior.coords]]
ON_A = [[list(point) for point in shapely.box(*A).exterior.coords]]
PARTS_LOST = {
    "ring": {"type": "MultiPolygon", "coordinates": [ON_A, [[[10, 0], [11, 1], [10, 0]]]]},
    "flat": {"type": "MultiPolygon", "coordinates": [ON_A, [[[10, 0], [11, 1], [10.5, 0.5], [10, 0]]]]},
    "point": {"type": "GeometryCollection", "geometries": [
        {"type": "Polygon", "coordinates": ON_A}, {"type": "Point", "coordinates": [10.5, 0.5]}]},
    "line": {"type": "GeometryCollection", "geometries": [
        {"type": "Polygon", "coordinates": ON_A}, {"type": "LineString", "coordinates": [[10, 0], [11, 1]]}]},
}  # fmt: skip


@pytest.mark.parametrize("geometry", PARTS_LOST.values(), ids=PARTS_LOST)
@pytest.mark.parametrize("alone", [False, True])
def test_parts_of_a_geometry_that_are_left_out_may_lie_on_the_test(stac, geometry, alone):
    """In a collection, and where a model's link leads to the item alone."""
    model = stac_model(("training", "one", None), ("test", "test", None)) if alone else TRAIN_AND_TEST
    documents = {"train": stac_collection("train", None, "one"), "test": stac_collection("test", B), "m": model}
    with Catalog.create() as catalog:
        assert verdicts(catalog, stac(**documents, one=stac_item("one", A))) == ("no", set())
        word, what = verdicts(catalog, stac(one=stac_item("one", A) | {"geometry": geometry}))
        assert (word, what) == ("unknown", {"some-samples"})


@pytest.mark.parametrize("name", ["point", "line", "ring"])
def test_parts_of_a_row_that_are_left_out_may_lie_on_the_test(stac, name):
    geopandas = pytest.importorskip("geopandas", reason="the extra maps is not installed")
    lost = {"point": shapely.Point(10.5, 0.5), "line": shapely.LineString([(10, 0), (11, 1)]),
            "ring": shapely.Polygon([(10, 0), (11, 1), (10.5, 0.5)])}[name]  # fmt: skip
    folder = stac(train=stac_collection("train", None), test=stac_collection("test", B), m=TRAIN_AND_TEST)
    row = shapely.GeometryCollection([shapely.box(*A), lost])
    for number, geometry in enumerate((shapely.box(*A), row)):
        path = folder.parent / f"{number}.parquet"
        geopandas.GeoDataFrame({"id": ["a"]}, geometry=[geometry], crs="OGC:CRS84").to_parquet(path)
        with Catalog.create(folder.parent / f"catalog{number}") as catalog:
            catalog.ingest(folder)
            assert catalog.add_samples("train", path).incomplete == number
            report = catalog.leakage(iri("m"))
            # The outline of the row counts again, and a point or line is in it.
            wanted = "no" if number == 0 else "unknown" if name == "ring" else "may contain"
            assert report.totals()[wanted] == 1


@pytest.mark.parametrize("split", [None, ["train"], ["train", "test"], 5, "train"])
@pytest.mark.parametrize("box", [B, FAR])
def test_a_sample_that_states_no_split_may_be_of_any(stac, split, box):
    items = [stac_item("one", A, **{"ml-aoi:split": "train"}), stac_item("two", B, **{"ml-aoi:split": "test"})]
    items.append(stac_item("three", box, **({"ml-aoi:split": split} if split else {})))
    folder = stac(
        train=stac_collection("train", (0, 0, 60, 1), "one", "two", "three"),
        m=stac_model(("training", "train", "train"), ("test", "train", "test")),
        **{item["id"]: item for item in items},
    )
    with Catalog.create() as catalog:
        word, _ = verdicts(catalog, folder)
        is_train = split in ("train", ["train"])
        assert word == (("yes" if box == B else "no") if is_train else "unknown")


@pytest.mark.parametrize("split", ["training", "trainval", "Train", "val", "fold-1", ["training"]])
@pytest.mark.parametrize("box", [A, B, FAR])
def test_a_split_by_a_word_that_is_not_known_may_be_any(stac, split, box):
    items = [stac_item("one", A, **{"ml-aoi:split": "train"}), stac_item("two", B, **{"ml-aoi:split": "test"})]
    documents = {item["id"]: item for item in items} | {
        "train": stac_collection("train", None, "one", "two", "three"),
        "m": stac_model(("training", "train", "train"), ("test", "train", "test")),
    }
    with Catalog.create() as catalog:
        three = stac_item("three", box, **{"ml-aoi:split": split})
        report = catalog.ingest(stac(**documents, three=three))
        (finding,) = [f for f in report.findings.kept if f.rule == "unknown-split"]
        assert "is not train|test|validate" in finding.message
        assert verdicts(catalog, stac()) == ("unknown", {"no-split"})
        # Who says that he trained on what goes by that word has learned from it, and it may be of the test as well.
        word = split if isinstance(split, str) else split[0]
        said, what = verdicts(catalog, stac(m=stac_model(("training", "train", word), ("test", "train", "test"))))
        # What else of the pair could not be checked is said beside what was found.
        found = {"place-and-time"} if box == B else set()
        assert (said, what) == ("yes" if box == B else "unknown", {"no-split"} | found)
        (area,) = [area for area in catalog.areas() if area.identifier == "three"]
        assert area.split == word
        assert verdicts(
            catalog, stac(three=None, m=documents["m"], train=stac_collection("train", None, "one", "two"))
        ) == ("no", set())


@pytest.mark.parametrize(("word", "test"), [("training", "test"), ("train", "TEST"), ("train", "test")])
def test_splits_by_words_that_are_not_known_leak_perhaps(stac, word, test):
    """The finding says of such a word that it may be any split; a row of the splits says so too."""
    items = [stac_item("one", A, **{"ml-aoi:split": word}), stac_item("two", A, **{"ml-aoi:split": test})]
    folder = stac(
        train=stac_collection("train", None, "one", "two"), m=stac_model(("training", "train", test)),
        **{item["id"]: item for item in items},
    )  # fmt: skip
    is_known = (word, test) == ("train", "test")
    with Catalog.create() as catalog:
        catalog.ingest(folder)
        rows = [*catalog.leakage(catalog.find("train")), *catalog.leakage(iri("m"))]
        by_kind = {row.kind: row for row in rows}
        assert by_kind["place-and-time"].verdict.value == ("yes" if is_known else "may contain")
        assert by_kind["split-against-use"].verdict.value == ("yes" if test == "test" else "may contain")
        odd = {"place-and-time": word if word == "training" else test, "split-against-use": test}
        for kind, one in odd.items():
            doubt = f"a split by the word {one!r} may be any"
            assert (doubt in by_kind[kind].reason) is (one not in ("train", "test"))


@pytest.mark.parametrize("in_memory", [False, True])
def test_rows_of_a_split_by_a_word_that_is_not_known_may_be_of_any(stac, in_memory):
    geopandas = pytest.importorskip("geopandas", reason="the extra maps is not installed")
    parquet = {"s": {"href": "./s.parquet", "type": "application/vnd.apache.parquet"}}
    folder = stac(
        train=stac_collection("train", None, assets=parquet),
        m=stac_model(("training", "train", "train"), ("test", "train", "test")),
    )
    for words in (["train", "test"], ["train", "test", "training"], ["train", "test", None]):
        boxes = [shapely.box(*one) for one in (A, B, FAR)[: len(words)]]
        frame = geopandas.GeoDataFrame({"id": list("abc")[: len(words)], "ml-aoi:split": words}, geometry=boxes)
        frame.set_crs("OGC:CRS84").to_parquet(folder / "s.parquet")
        with Catalog.create(None if in_memory else folder.parent / f"catalog-{words[-1]}") as catalog:
            told = [f.message for f in catalog.ingest(folder).findings.kept if f.rule == "samples-doubtful"]
            assert bool(told) is ("training" in words)
            if told:
                assert "1 of a split that is not train, test or validate" in told[0]
            splits = {d.label for d in catalog.datasets() if d.split}
            assert splits == {f"train ({word})" for word in words if word}
            report = catalog.leakage(iri("m"))
            assert report.totals()["no" if len(words) == 2 else "unknown"] == 1
            what = {row.what for row in report.unchecked}
            assert what == (set() if len(words) == 2 else {"some-samples"} if in_memory else {"no-split"})


@pytest.mark.parametrize(("box", "word", "what"), [(B, "may contain", {"place-and-time"}), (FAR, "unknown", set())])
def test_a_sample_that_states_no_split_on_the_ground_of_another_test(stac, box, word, what):
    """It may have been learned from: leakage, areas and coverage say so, and what is missing."""
    items = [stac_item("one", A, **{"ml-aoi:split": "train"}), stac_item("three", box)]
    folder = stac(
        train=stac_collection("train", (0, 0, 60, 1), "one", "three"), test=stac_collection("test", B),
        m=stac_model(("training", "train", "train"), ("test", "test", None)), **{item["id"]: item for item in items},
    )  # fmt: skip
    with Catalog.create() as catalog:
        said, also = verdicts(catalog, folder)
        assert (said, also) == (word, what or {"no-split"})
        report = catalog.leakage(iri("m"))
        assert [row.precision for row in report] == (["declared-box"] if what else [])
        hits = catalog.models(trained_in=shapely.box(*box))
        assert [(hit.how, hit.precision, hit.areas) for hit in hits] == [("inherited", "samples", 1)]
        reason = "samples of its whole state no split that is known, and may be of it"
        assert [use.reason for use in hits.unknown] == [reason]
        found = coverage(catalog.places, "trained", shapely.box(*box))
        km2 = pytest.approx(geodesic_km2(*box))
        assert (found.covered_km2, found.by_precision()["samples"], found.by_precision()["declared-box"]) == (
            km2,
            0,
            km2,
        )
        assert [row.precision for row in found.models()] == ["declared-box"]


@pytest.mark.parametrize("rel", ["child", "item"])
def test_a_collection_below_one_may_be_of_any_of_its_splits(stac, rel):
    """It states none, and a split is of the members."""
    documents = {
        "train": tree("train", "Collection", **({"item": ["one", "part"]} if rel == "item" else {"item": ["one"], "child": ["part"]})),
        "one": stac_item("one", A, **{"ml-aoi:split": "train"}), "part": stac_collection("part", B),
        "test": stac_collection("test", B), "m": stac_model(("training", "train", "train"), ("test", "test", None)),
    }  # fmt: skip
    with Catalog.create() as catalog:
        assert verdicts(catalog, stac(**documents)) == ("may contain", {"place-and-time"})
        (hit,) = catalog.models(trained_in=shapely.box(*B))
        assert (hit.how, hit.precision, hit.footprint_of) == ("inherited", "declared-box", catalog.find("part"))
        assert verdicts(catalog, stac(part=stac_collection("part", FAR))) == ("unknown", {"no-split"})
        told = [(f.rule, f.pointer) for f in catalog.ingest(stac()).findings.kept if "collection" in f.message]
        assert told == ([("not-a-sample", "/links/1/href")] if rel == "item" else [])


@pytest.mark.parametrize("said_by", ["child", "item", "parent"])
@pytest.mark.parametrize("own", [True, False])
def test_a_collection_below_one_that_is_a_split_is_of_that_split(stac, said_by, own):
    """Beside the items that state it; by a word that ML-AOI does not know it may be of any."""
    part = stac_collection("part", B, summaries={"ml-aoi:split": ["train"]})
    if said_by == "parent":
        part["links"] = [{"rel": "parent", "href": "./train.json"}]
    below = {} if said_by == "parent" else {said_by: ["part"]}
    items = {
        "one": stac_item("one", A, **{"ml-aoi:split": "train"}),
        "two": stac_item("two", B, **{"ml-aoi:split": "test"}),
    }
    train = tree("train", "Collection", **below)
    train["links"] += [{"rel": "item", "href": f"./{name}.json"} for name in items if own or name == "two"]
    documents = {name: item for name, item in items.items() if own or name == "two"}
    whole, test = ("training", "train", "train"), ("test", "train", "test")
    with Catalog.create() as catalog:
        for uses in ((whole, test), (("training", "part", None), test)):
            stac(train=train, part=part, m=stac_model(*uses), **documents)
            assert verdicts(catalog, stac())[1] == {"place-and-time"}
        # What was tested on a part is inside what was learned from.
        stac(m=stac_model(whole, ("test", "part", "train")))
        assert verdicts(catalog, stac()) == ("yes", {"same-dataset"})
        stac(part=part | {"summaries": {"ml-aoi:split": ["fold-1"]}}, m=stac_model(whole, test))
        assert verdicts(catalog, stac()) == ("unknown", {"no-split"} if own else {"no-footprint"})
        far = stac_collection("part", FAR, summaries={"ml-aoi:split": ["train"]}, links=part["links"])
        assert verdicts(catalog, stac(part=far)) == ("no", set())


def test_samples_of_both_splits_that_state_none_prove_nothing(stac):
    """What is missing is which split they are of."""
    items = [stac_item("one", A, **{"ml-aoi:split": "train"}), stac_item("two", B, **{"ml-aoi:split": "test"})]
    items.append(stac_item("three", B))
    folder = stac(
        train=stac_collection("train", (0, 0, 60, 1), "one", "two", "three"),
        m=stac_model(("training", "train", "train"), ("test", "train", "test")),
        **{item["id"]: item for item in items},
    )
    with Catalog.create() as catalog:
        assert verdicts(catalog, folder) == ("unknown", {"no-split"})
        (row,) = catalog.leakage(iri("m")).unchecked
        assert row.reason == "samples that state no split that is known lie on the same ground, and may be of either"
        items[2]["geometry"] = shapely.geometry.mapping(shapely.box(*FAR))
        assert verdicts(catalog, stac(three=items[2])) == ("unknown", {"no-split"})
        (row,) = catalog.leakage(iri("m")).unchecked
        assert row.reason == "samples that state no split that is known may be of either"
        items[2]["geometry"] = items[1]["geometry"]
        stac(three=items[2])
        # Of the whole it is known where it is, and what certainly overlaps still does.
        assert not catalog.footprints.used.unplaced(np.array([catalog.footprints.used.target(catalog.find("train"))]))[
            0
        ]
        items[0]["geometry"] = items[1]["geometry"]
        assert verdicts(catalog, stac(one=items[0]))[0] == "yes"


@pytest.mark.parametrize(
    ("again", "word", "kind"),
    [
        ((FAR, "train"), "may contain", "place-and-time"),  # where it is, and of which split, is said twice
        ((B, "train"), "yes", "same-samples"),  # of which split
        ((FAR, "test"), "no", None),
        ((A, "test"), "may contain", "place-and-time"),  # it may be where the training item is
    ],
)
def test_two_items_of_one_id_are_not_certainly_one_sample(stac, again, word, kind):
    """All the places that either states count, and none of them is certain."""
    box, split = again
    folder = stac(
        train=stac_collection("train", None, "one", "two", "more"), one=stac_item("one", A, **{"ml-aoi:split": "train"}),
        two=stac_item("two", B, **{"ml-aoi:split": "test"}), more=stac_item("two", box, **{"ml-aoi:split": split}),
        m=stac_model(("training", "train", "train"), ("test", "train", "test")),
    )  # fmt: skip
    with Catalog.create() as catalog:
        assert verdicts(catalog, folder) == (word, {kind} if kind else set())
        (told,) = [f for f in catalog.ingest(folder).findings.kept if f.rule == "duplicate-id"]
        assert "/items/two too" in told.message
        for row in catalog.leakage(iri("m")):
            assert ("several places" in row.reason) is (word == "may contain")


@pytest.mark.parametrize("side", ["train", "test"])
@pytest.mark.parametrize("split", [None, "train"])
def test_the_samples_of_one_of_two_collections_of_one_id_do_not_speak_for_the_other(stac, side, split):
    """Of both it counts what they say, and none of it is certain."""
    properties = {"ml-aoi:split": split} if split else {}
    near, far = (A, B) if side == "train" else (B, A)
    documents = {
        "one": stac_item("one", A, **properties), "two": stac_item("two", B, **properties) | {"collection": "test"},
        "train": stac_collection("train", A, "one"), "test": stac_collection("test", B, "two"),
        "m": stac_model(("training", "train", split), ("test", "test", split)),
    }  # fmt: skip
    with Catalog.create() as catalog:
        assert verdicts(catalog, stac(**documents)) == ("no", set())
        again = stac_collection(side, far)
        assert verdicts(catalog, stac(again=again)) == (("may contain", {"place-and-time"}))
        for row in catalog.leakage(iri("m")):
            assert "several places" in row.reason or split
        assert verdicts(catalog, stac(again=stac_collection(side, FAR))) == (
            ("unknown", {"no-split"}) if split else ("no", set())
        )
        assert verdicts(catalog, stac(again=stac_collection(side, near))) == ("no", set())


@pytest.mark.parametrize(
    ("places", "splits", "expected"),
    [
        ((A, B), ("train", "test"), ("unknown", {"no-split"})),
        ((A, A), ("train", "test"), ("yes", {"same-samples"})),
        ((A, FAR), ("train", "train"), ("no", set())),
        ((A, B, B), ("train", "test", "train"), ("yes", {"same-samples", "no-split"})),
    ],
)
def test_rows_of_one_id_at_several_places_may_be_of_each_others_split(stac, places, splits, expected):
    geopandas = pytest.importorskip("geopandas", reason="the extra maps is not installed")
    asset = {"assets": {"s": {"href": "rows.parquet", "type": "application/vnd.apache.parquet"}}}
    folder = stac(
        train=stac_collection("train", (0, 0, 60, 1)) | asset,
        m=stac_model(("training", "train", "train"), ("test", "train", "test")),
    )

    def write(ids):
        rows = {"id": [*ids, "b", "c"], "ml-aoi:split": [*splits, "train", "test"], "datetime": "2020-06-01T00:00:00Z"}
        shapes = [shapely.box(*at) for at in (*places, (20, 0, 21, 1), (40, 0, 41, 1))]
        geopandas.GeoDataFrame(rows, geometry=shapes, crs="OGC:CRS84").to_parquet(folder / "rows.parquet")

    def found(catalog, ids):
        write(ids)
        catalog.ingest(folder)
        report = catalog.leakage(iri("m"))
        (word,) = [word for word, number in report.totals().items() if number]
        return word, {row.kind for row in report} | {row.what for row in report.unchecked}

    again, apart = ["a"] * len(places), [f"a{number}" for number in range(len(places))]
    with Catalog.create(folder.parent / "catalog") as catalog:
        assert found(catalog, again) == expected
        clean = ("yes", {"place-and-time"}) if expected[0] == "yes" else ("no", set())
        assert found(catalog, apart) == clean
        assert found(catalog, again) == expected
        before = catalog.footprints.areas(np.arange(len(catalog.footprints)))
    for path in (folder.parent / "catalog" / "snapshots").glob("*.footprints"):
        path.unlink()
    with Catalog.open(folder.parent / "catalog") as catalog:  # made anew, and not from the one before
        assert catalog.footprints.areas(np.arange(len(catalog.footprints))) == before


def test_a_collection_that_is_its_own_item_lacks_one(stac):
    clean = {
        "train": stac_collection("train", None, "one"), "one": stac_item("one", A),
        "test": stac_collection("test", None, "two"), "two": stac_item("two", B) | {"collection": "test"},
        "m": stac_model(("training", "train", None), ("test", "test", None)),
    }  # fmt: skip
    with Catalog.create() as catalog:
        assert verdicts(catalog, stac(**clean)) == ("no", set())
        whole = clean["train"] | {"links": [*clean["train"]["links"], {"rel": "item", "href": "./train.json"}]}
        assert verdicts(catalog, stac(train=whole)) == ("unknown", {"some-samples"})


NO_GEOMETRY = {"geometry": None, "bbox": list(B)}


@pytest.mark.parametrize("split", [None, "train"])
@pytest.mark.parametrize("names", ["its collection", "none"])
def test_an_item_of_which_only_a_box_is_known_is_somewhere_in_there(stac, split, names):
    """Which STAC forbids; who writes one says where it is all the same, and no more."""
    properties = {"ml-aoi:split": split} if split else {}
    two = stac_item("two", None, **properties) | NO_GEOMETRY
    if names == "none":
        del two["collection"]
    documents = {
        "train": stac_collection("train", (0, 0, 60, 1), "one", "two"), "one": stac_item("one", A, **properties),
        "two": two, "test": stac_collection("test", None, "three"), "three": stac_item("three", B) | {"collection": "test"},
        "m": stac_model(("training", "train", split), ("test", "test", None)),
    }  # fmt: skip
    with Catalog.create() as catalog:
        assert verdicts(catalog, stac(**documents)) == ("may contain", {"place-and-time"})
        (row,) = catalog.leakage(iri("m"))
        assert (row.precision, row.verdict.value) == ("declared-box", "may contain")
        hits = [hit for hit in catalog.models(trained_in=shapely.box(*B)) if not hit.samples_elsewhere]
        assert [(hit.how, hit.precision) for hit in hits] == [("part", "declared-box")]
        found = coverage(catalog.places, "trained", shapely.box(*B))
        assert (found.by_precision()["samples"], found.covered_km2) == (0, pytest.approx(geodesic_km2(*B)))
        # Elsewhere it is not: the samples, and the box of the one, are all there are.
        assert verdicts(catalog, stac(three=stac_item("three", FAR) | {"collection": "test"})) == ("no", set())
        assert verdicts(catalog, stac(m=stac_model(("training", "two", None), ("test", "test", None)))) == ("no", set())
        assert verdicts(catalog, stac(three=documents["three"]))[0] == "may contain"


@pytest.mark.parametrize("names", ["its collection", "none"])
def test_an_item_of_which_only_a_box_is_known_and_no_split_may_be_of_any_split(stac, names):
    two = stac_item("two", None) | NO_GEOMETRY
    if names == "none":
        del two["collection"]
    folder = stac(
        train=stac_collection("train", (0, 0, 60, 1), "one", "two", "three"), two=two,
        one=stac_item("one", A, **{"ml-aoi:split": "train"}), three=stac_item("three", B, **{"ml-aoi:split": "test"}),
        m=stac_model(("training", "train", "train"), ("test", "train", "test")),
    )  # fmt: skip
    with Catalog.create() as catalog:
        assert verdicts(catalog, folder) == ("unknown", {"no-split"})
        assert [
            (hit.how, hit.precision)
            for hit in catalog.models(trained_in=shapely.box(*B))
            if hit.dataset.endswith("/train")
        ] == [("inherited", "declared-box")]
        assert verdicts(catalog, stac(two=two | {"bbox": list(FAR)}))[0] == "unknown"


def test_a_split_of_rows_by_any_word(stac):
    geopandas = pytest.importorskip("geopandas", reason="the extra maps is not installed")
    folder = stac(
        train=stac_collection("train", None),
        m=stac_model(("training", "train", "fold 1 >%"), ("test", "train", "test")),
    )
    path = folder.parent / "rows.parquet"
    rows = {"id": ["a", "b"], "ml-aoi:split": ["fold 1 >%", "test"]}
    geopandas.GeoDataFrame(rows, geometry=[shapely.box(*A), shapely.box(*B)], crs="OGC:CRS84").to_parquet(path)
    with Catalog.create(folder.parent / "catalog") as catalog:
        catalog.ingest(folder)
        catalog.add_samples("train", path)
        assert "own" in {hit.how for hit in catalog.models(trained_in=shapely.box(*A))}


def test_a_row_that_states_no_split_may_be_of_any(stac):
    geopandas = pytest.importorskip("geopandas", reason="the extra maps is not installed")
    folder = stac(
        train=stac_collection("train", None), m=stac_model(("training", "train", "train"), ("test", "train", "test"))
    )
    for number, splits in enumerate((["train", "test"], ["train", "test", None])):
        path = folder.parent / f"{number}.parquet"
        boxes = [shapely.box(*one) for one in (A, B, FAR)[: len(splits)]]
        rows = {"id": list("abc")[: len(splits)], "ml-aoi:split": splits}
        geopandas.GeoDataFrame(rows, geometry=boxes, crs="OGC:CRS84").to_parquet(path)
        with Catalog.create(folder.parent / f"catalog{number}") as catalog:
            catalog.ingest(folder)
            catalog.add_samples("train", path)
            assert catalog.leakage(iri("m")).totals()["unknown" if number else "no"] == 1


@pytest.mark.parametrize(("test", "kinds"), [(B, ["place"]), (FAR, [])])
def test_an_item_without_a_geometry_may_lie_anywhere_in_the_box(stac, test, kinds):
    folder = stac(
        train=stac_collection("train", (0, 0, 30, 1), "one", "two"), one=stac_item("one", A),
        two=stac_item("two", None), test=stac_collection("test", test, interval=((None, None),)), m=TRAIN_AND_TEST,
    )  # fmt: skip
    with Catalog.create() as catalog:
        catalog.ingest(folder)
        report = catalog.leakage(iri("m"))
        assert [row.kind for row in report] == kinds
        assert report.totals()["may contain" if kinds else "unknown"] == 1


def test_a_split_with_an_item_without_a_geometry_is_not_clean(stac):
    items = [stac_item("one", A, **{"ml-aoi:split": "train"})]
    items += [stac_item(name, box, **{"ml-aoi:split": "test"}) for name, box in (("two", B), ("three", None))]
    folder = stac(
        train=stac_collection("train", (0, 0, 30, 1), "one", "two", "three"),
        m=stac_model(("training", "train", "train"), ("test", "train", "test")),
        **{item["id"]: item for item in items},
    )
    with Catalog.create() as catalog:
        catalog.ingest(folder)
        report = catalog.leakage(iri("m"))
        assert (found(report), {row.what for row in report.unchecked}) == ([], {"some-samples"})
        hits = catalog.models(tested_in="20,0,21,1")
        assert (len(hits), [use.reason for use in hits.unknown]) == (0, ["some of its samples have no known footprint"])


def test_a_file_of_samples_that_cannot_be_found(stac):
    parquet = {"s": {"href": "./gone.parquet", "type": "application/vnd.apache.parquet"}}
    folder = stac(
        train=stac_collection("train", (0, 0, 30, 1), "one", assets=parquet),
        one=stac_item("one", A, **{"ml-aoi:split": "train"}),
        test=stac_collection("test", B), m=stac_model(("training", "train", "train"), ("test", "test", None)),
    )  # fmt: skip
    with Catalog.create() as catalog:
        catalog.ingest(folder)
        report = catalog.leakage(iri("m"))
        assert (found(report), {row.what for row in report.unchecked}) == ([], {"some-samples"})


@pytest.mark.parametrize("left_out", [None, shapely.box(-179, 0.1, 179, 1)])
def test_rows_of_a_file_that_are_left_out_may_lie_anywhere(stac, left_out):
    geopandas = pytest.importorskip("geopandas", reason="the extra maps is not installed")
    rows = [
        ("a", shapely.box(0, 0.1, 1, 1), "train"),
        ("b", left_out, "train"),
        ("c", shapely.box(10, 0.1, 11, 1), "test"),
    ]
    folder = stac(
        train=stac_collection("train", (0, 0, 30, 1)), test=stac_collection("test", FAR),
        m=stac_model(("training", "train", "train"), ("test", "train", "test"), ("test", "test", None)),
    )  # fmt: skip
    frame = geopandas.GeoDataFrame(
        {"id": [row[0] for row in rows], "ml-aoi:split": [row[2] for row in rows]},
        geometry=[row[1] for row in rows],
        crs="OGC:CRS84",
    )
    frame.to_parquet(folder.parent / "samples.parquet")
    with Catalog.create(folder.parent / "catalog") as catalog:
        catalog.ingest(folder)
        catalog.add_samples("train", folder.parent / "samples.parquet")
        report = catalog.leakage(iri("m"))
        assert (found(report), {row.what for row in report.unchecked}) == ([], {"some-samples"})
        assert report.totals()["unknown"] == 2
        unknown = catalog.models(trained_in="20,0,21,1").unknown
        assert [use.reason for use in unknown] == ["some of its samples have no known footprint"]


@pytest.mark.parametrize(
    ("interval", "in_time", "rule"),
    [
        ([("2018-01-01T00:00:00Z", "2018-12-31T00:00:00Z"), ("2020-01-01T00:00:00Z", "2020-12-31T00:00:00Z")], "yes",
         "interval-mismatch"),
        ([("2018-01-01T00:00:00Z", "2018-12-31T00:00:00Z"), ("2021-01-01T00:00:00Z", None)], "unknown",
         "interval-mismatch"),
        ([("2018-01-01T00:00:00Z", "2021-12-31T00:00:00Z"), ("2018-01-01T00:00:00Z", "2018-12-31T00:00:00Z")], "yes",
         None),
        ([("2021-01-01T00:00:00Z", "2018-01-01T00:00:00Z")], "unknown", "reversed-times"),
    ],
)  # fmt: skip
def test_intervals_of_a_collection(stac, interval, in_time, rule):
    folder = stac(
        train=stac_collection("train", A, interval=interval), test=stac_collection("test", A), m=TRAIN_AND_TEST
    )
    with Catalog.create() as catalog:
        report = catalog.ingest(folder)
        (row,) = catalog.leakage(iri("m"))
        assert row.in_time == in_time
        assert {f.rule for f in report.findings.kept} & {"interval-mismatch", "reversed-times"} == (
            {rule} if rule else set()
        )


# --- real documents, and the command line -----------------------------------------------------------------


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the folder of real documents is not here")
def test_eurosat_splits_do_not_overlap():
    folder = next(EXAMPLES.rglob("EuroSAT-subset*"), None)
    assert folder is not None
    with Catalog.create() as catalog:
        catalog.ingest(folder if folder.is_dir() else folder.parent)
        splits = {d.split: d.iri for d in catalog.datasets() if d.split and d.footprints}
        assert set(splits) == {"train", "test", "validate"}
        for report in (catalog.leakage(), catalog.leakage(splits["test"])):
            assert (found(report), len(report.unchecked)) == ([], 0)
            assert {(t.test, t.verdict) for t in report.tests} == {
                (splits[word], Verdict.NO) for word in ("test", "validate")
            }
        for one, other in itertools.permutations(splits.values(), 2):
            report = catalog.leakage(one, against=other)
            assert (found(report), [t.verdict for t in report.tests]) == ([], [Verdict.NO])


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    directory = tmp_path_factory.mktemp("families") / "catalog"
    with Catalog.create(directory, base=BASE) as catalog:
        catalog.ingest(FAMILIES)
    return str(directory)


def run(*arguments):
    return CliRunner().invoke(app, list(arguments))


def test_the_command_says_what_python_says(families, built):
    node = families.find("clay-v1.5-biomassters-regressor")
    result = run("leakage", built, node, "--json", "--explain")
    assert result.exit_code == 1
    printed = json.loads(result.stdout)
    expected = json.loads(json.dumps(families.leakage(node).to_dict()))
    for row in printed["rows"]:
        assert row.pop("explanation")["steps"]
        assert row.pop("test_explanation")["steps"]
    assert printed == expected
    assert "selection-on-test" in run("leakage", built, node).stdout
    assert run("leakage", built, node, "--explain").stdout.count(" validatedOn ") == len(printed["rows"])


def test_a_question_or_file_that_cannot_be_is_no_finding(built, tmp_path):
    """It ends with a line that says what to do, and with 2, as 1 would say that something was found."""
    for more, told in (
        (("--window-days", "inf"), "0 or more"), (("--window-days", "nan"), "equal to 0"),
        (("--buffer-km", "inf"), "0 or more"), (("--map", str(tmp_path / "no" / "x.html")), "Check the folder"),
        (("--geoparquet", str(tmp_path / "no" / "x.parquet")), "Check the folder"),
    ):  # fmt: skip
        arguments = [sys.executable, "-m", "mlaoi_graph", "leakage", built, "clay", *more]
        done = subprocess.run(arguments, capture_output=True, text=True)
        assert (done.returncode, "Traceback" in done.stderr, told in done.stderr) == (2, False, True), done.stderr


def test_exit_codes(tmp_path, built):
    assert run("leakage", built, "grounding-dino-b").exit_code == 2
    assert run("audit", built, "--fail-on", "same-dataset").exit_code == 2
    assert run("audit", built, "--fail-on", "selection-on-test").exit_code == 1
    assert run("audit", built, "--fail-on", "place", "--certain").exit_code == 1
    clean = tmp_path / "clean"
    with Catalog.create(clean) as catalog:
        areas = [area("train-area", 0, 0, 1, 1), area("test-area", 5, 5, 6, 6)]
        data = [dataset("train", areas=["train-area"]), dataset("test", areas=["test-area"])]
        write(catalog, [*data, *areas, model("m"), use("m", "train"), use("m", "test", Stage.TEST)], tmp_path)
    assert run("audit", str(clean)).exit_code == 0


PAIR = [dataset("train", areas=["train-area"]), dataset("test", areas=["test-area"])]
RELATED = [
    dataset("source"),
    *(made(name, "source", DerivationKind.DERIVED) for name in ("train", "test")),
]


def spans(train, test, precision=Precision.SAMPLES):
    return [
        area(f"{name}-area", 0, 0, 1, 1, when, precision=precision) for name, when in (("train", train), ("test", test))
    ]


COARSE = Precision.DECLARED_BOX
CERTAIN_AND_NOT = [
    *spans("2019", "2020"),
    *(dataset(f"{side}-part", areas=[f"{side}-box"]) for side in ("train", "test")),
    *(area(f"{side}-box", 5, 5, 6, 6, "2020", precision=COARSE) for side in ("train", "test")),
    *(member(f"{side}-part", side) for side in ("train", "test")),
]
"""Samples at other times, and boxes of two parts at one time."""


@pytest.mark.parametrize(
    ("statements", "options", "code"),
    [
        # Times that are not known.
        (spans(None, None, COARSE), [], 2),
        (spans(None, "2020"), [], 2),
        (spans(None, "2020"), ["--fail-on", "place"], 1),
        (spans(None, "2020"), ["--fail-on", "place", "--certain"], 1),
        (spans(None, "2020"), ["--fail-on", "common-source"], 0),
        (spans(None, "2020", COARSE), ["--fail-on", "place", "--certain"], 2),
        # Times that are, and differ: neither are the samples the same.
        (spans("2019", "2020"), [], 0),
        (spans("2019", "2020", COARSE), [], 0),
        (spans("2019", "2020", COARSE), ["--fail-on", "same-samples"], 0),
        (spans("2019", "2020", COARSE), ["--fail-on", "place"], 1),
        # At one time: boxes do not tell whether samples are the same, samples do.
        (spans("2020", "2020"), [], 1),
        (spans("2020", "2020", COARSE), ["--certain"], 2),
        (spans("2020", "2020", COARSE), ["--fail-on", "same-samples"], 2),
        (spans("2020", "2020"), ["--fail-on", "same-samples"], 0),
        # A span that ends before it begins.
        ([area("train-area", 0, 0, 1, 1, "2021", "2019"), area("test-area", 0, 0, 1, 1, "2020")], [], 2),
        # By lineage, the ground being that of no one else or not known.
        ([*spans("2019", "2020"), *RELATED], ["--fail-on", "derived-dataset"], 2),
        ([*spans("2019", "2020"), *RELATED], ["--fail-on", "same-samples"], 2),
        ([*spans("2019", "2020"), *RELATED], ["--fail-on", "common-source"], 1),
        ([*spans("2019", "2020"), *RELATED], ["--fail-on", "common-source", "--certain"], 2),
        # A box leaves a stronger kind open, and what is certain is enough.
        ([*CERTAIN_AND_NOT], ["--fail-on", "place", "--certain"], 1),
        ([*CERTAIN_AND_NOT], ["--fail-on", "place-and-time", "--certain"], 2),
        ([*spans("2019", "2020"), *RELATED], ["--fail-on", "place", "--certain"], 1),
        # One and the same image; where the samples of the one lie is not known.
        ([area("train-area", 0, 0, 1, 1, source_images=("urn:x:i",)),
          AreaOfInterest(iri=iri("test-area"), precision=COARSE, source_images=("urn:x:i",))],
         ["--fail-on", "same-samples"], 2),
        ([area("train-area", 0, 0, 1, 1, source_images=("urn:x:i",)),
          area("test-area", 2, 0, 3, 1, source_images=("urn:x:i",))], ["--fail-on", "same-samples"], 0),
    ],
)  # fmt: skip
def test_an_audit_is_clean_only_where_it_could_tell(tmp_path, statements, options, code):
    with Catalog.create(tmp_path / "catalog") as catalog:
        write(catalog, [*PAIR, *statements, model("m"), use("m", "train"), use("m", "test", Stage.TEST)], tmp_path)
    result = run("audit", str(tmp_path / "catalog"), *options)
    assert result.exit_code == code, result.output


SPANS = st.tuples(st.integers(0, 3), st.sampled_from(["2019", "2020", None]), st.booleans(), st.booleans())


@settings(max_examples=60, deadline=None)
@given(
    st.lists(SPANS, min_size=1, max_size=3), st.lists(SPANS, min_size=1, max_size=3),
    st.booleans(), st.sampled_from(["place", "place-and-time", "common-source"]),
)  # fmt: skip
def test_what_certainly_is_of_a_kind_counts_whatever_may_be_of_a_stronger_one(train, test, related, kind):
    """Against every pair of samples by hand; each part of a side is somewhere, at some time, by a sample or a box."""
    sides = {"train": train, "test": test}
    statements = list(RELATED) if related else []
    for side, parts in sides.items():
        for number, (x, when, is_sample, _) in enumerate(parts):
            name, how = f"{side}-{number}", Precision.SAMPLES if is_sample else COARSE
            statements += [dataset(name, areas=[f"{name}-area"]), member(name, side), dataset(side)]
            statements.append(area(f"{name}-area", 2 * x, 0, 2 * x + 1, 1, when, precision=how))
    pairs = [(a, b) for a in train for b in test if a[0] == b[0] and a[2] and b[2]]
    timed = [(a, b) for a, b in pairs if a[1] is not None and a[1] == b[1]]
    expected = {"place": bool(pairs), "place-and-time": bool(timed), "common-source": False}
    with Catalog.create() as catalog:
        statements += [model("m"), use("m", "train"), use("m", "test", Stage.TEST)]
        catalog.store.replace({iri("doc"): rdf.encode(statements)})
        report = catalog.leakage()
        rows = report.at_least(LeakageKind(kind), certain=True)
        assert bool(rows) is expected[kind]
        strongest = "place-and-time" if timed else "place" if pairs else None
        assert [row.kind for row in report if row.verdict is Verdict.YES] == ([strongest] if strongest else [])
        assert report.totals()["yes"] == bool(pairs)


KINDS = [kind.value for kind in LeakageKind]


def surest_of(report):
    """Return the strongest kind that is certain of each pair, as a number, and the tests that leak for certain."""
    pairs = {}
    for row in report:
        if row.verdict is Verdict.YES:
            key = row.model, row.stage, row.test, row.train
            pairs[key] = min(KINDS.index(row.kind), pairs.get(key, len(KINDS)))
    return pairs, {(row.model, row.stage, row.test) for row in report.tests if row.verdict is Verdict.YES}


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 1), st.sampled_from(["2019", "2020", None]), st.booleans()), min_size=4, max_size=6),
    st.lists(st.tuples(st.permutations("abcd"), st.sampled_from([
        "derived", "drawn", "unknown", "training", "validation", "finetuned", "scene", "box", "split",
    ])), min_size=2, max_size=6),
)  # fmt: skip
def test_what_is_certain_stays_so_whatever_more_is_known(samples, links):
    """Links are added one at a time: no pair and no test that leaks ever leaks less, nor by a weaker kind."""
    statements = [model("m"), model("older"), use("older", "c"), made("m", "older"), use("m", "a"),
                  use("m", "b", Stage.TEST), use("m", "d", Stage.VALIDATION)]  # fmt: skip
    parts = [*zip("abcdab", samples, strict=False), ("a", (2, "2019", True)), ("b", (2, "2020", True))]
    for number, (name, (x, when, is_sample)) in enumerate(parts):
        how = Precision.SAMPLES if is_sample else COARSE
        statements += [dataset(f"{name}-{number}", areas=[f"area-{number}"]), member(f"{name}-{number}", name)]
        statements.append(area(f"area-{number}", 2 * x, 0, 2 * x + 1, 1, when, precision=how))
    statements += [dataset(name) for name in "abcd"]
    before = {}, set()
    for at, ((a, b, *_), word) in enumerate([("ab", None), *links]):
        if word in ("derived", "drawn", "unknown"):
            statements.append(made(a, b, DerivationKind(word)))
        elif word in ("training", "validation"):
            statements.append(use("m", a, Stage(word)))
        elif word == "finetuned":
            statements += [model(f"new-{at}"), use(f"new-{at}", a), made("m", f"new-{at}")]
        elif word == "scene":
            statements += [area(f"scene-{at}-{n}", 50, 0, 51, 1, source_images=("urn:x:i",)) for n in (a, b)]
            for n in (a, b):
                statements += [dataset(f"{n}-{at}", areas=[f"scene-{at}-{n}"]), member(f"{n}-{at}", n)]
        elif word == "box":
            statements += [area(f"box-{at}", 0, 0, 9, 9, "2020", precision=COARSE)]
            statements += [dataset(f"{a}-{at}", areas=[f"box-{at}"]), member(f"{a}-{at}", a)]
        elif word == "split":
            statements.append(dataset(a, split="test"))
        with Catalog.create() as catalog:
            catalog.store.replace({iri("doc"): rdf.encode(statements)})
            after = surest_of(catalog.leakage())
        assert before[1] <= after[1], word
        assert all(after[0].get(pair, len(KINDS)) <= kind for pair, kind in before[0].items()), word
        before = after


def write(catalog, statements, tmp_path):
    """Bring statements into a catalog on disk, by its writer."""
    from mlaoi_graph.catalog import _Writer

    with _Writer(catalog) as writer:
        writer.store.replace({iri("doc"): rdf.encode(statements)})
        writer.publish(None)


def test_audit_as_json_is_the_report(built, families):
    result = run("audit", built, "--fail-on", "selection-on-test", "--form", "json")
    assert (result.exit_code, json.loads(result.stdout)["totals"]) == (1, families.leakage().totals())


def test_the_workflow_of_the_docs_runs(tmp_path, monkeypatch):
    """Its commands, one after the other, in a folder as the docs have it; and without the first the second fails."""
    text = (ROOT / "docs/leakage.md").read_text()
    (block,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    steps = yaml.safe_load(block)["jobs"]["leakage"]["steps"]
    commands = [step["run"] for step in steps if step.get("run", "").startswith("mlaoi-graph ")]
    assert [command.split()[1] for command in commands] == ["build", "audit"]
    shutil.copytree(ROOT / "docs/example-stac", tmp_path / "stac")
    monkeypatch.chdir(tmp_path)

    def passes(command):
        plain, _, otherwise = command.partition(" || ")
        arguments, _, target = plain.partition(" > ")
        result = run(*arguments.split()[1:])
        if target:
            Path(target).write_text(result.stdout)
        rest = f"(exit {result.exit_code}) || {otherwise or 'false'}"
        return subprocess.run(["sh", "-c", rest], check=False).returncode == 0

    assert [passes(command) for command in [commands[1], *commands]] == [False, True, True]
    assert json.loads(Path("leakage.sarif").read_text())["version"] == "2.1.0"


def test_sarif(built, families):
    result = run("audit", built, "--fail-on", "derived-dataset", "--form", "sarif")
    log = json.loads(result.stdout)
    (scan,) = log["runs"]
    rules = [rule["id"] for rule in scan["tool"]["driver"]["rules"]]
    assert (log["version"], rules) == ("2.1.0", [kind.value for kind in LeakageKind])
    report = families.leakage()
    assert len(scan["results"]) == len(report)
    strong = report.at_least(LeakageKind.DERIVED_DATASET)
    assert sum(r["level"] != "note" for r in scan["results"]) == len(strong)
    for shown in scan["results"]:
        assert rules[shown["ruleIndex"]] == shown["ruleId"]
        place = shown["locations"][0]["physicalLocation"]["artifactLocation"]
        # Paths in the repository the records are in, so that a service can show them beside the file.
        assert (FAMILIES.parent / place["uri"]).is_file()


def splits_in(folder, train, test):
    """A collection with a sample in each split, in a folder of documents."""
    stac_items = {"one": stac_item("one", train, **{"ml-aoi:split": "train"}),
                  "two": stac_item("two", test, **{"ml-aoi:split": "test"})}  # fmt: skip
    folder.mkdir()
    for name, document in {"train": stac_collection("train", None, *stac_items), **stac_items}.items():
        (folder / f"{name}.json").write_text(json.dumps(document))


def test_documents_that_could_not_be_read_are_told_and_change_no_verdict(stac, tmp_path):
    """Nothing links to them: they may be of anything, or of nothing."""
    folder = stac(train=stac_collection("train", None, "one"), one=stac_item("one", A), test=stac_collection("test", B),
                  m=TRAIN_AND_TEST)  # fmt: skip
    broken = [folder / f"{name}.json" for name in "abcd"]
    catalog = Catalog.create(tmp_path / "catalog")
    catalog.ingest(folder)
    notes, before = list(catalog.leakage().notes), quads(catalog)
    for number in (1, 4):
        for path in broken[:number]:
            path.write_text("{")
        assert catalog.ingest(folder).failed == number
        # As a first build has it; reading it again changes nothing.
        state = quads(catalog)
        with Catalog.create() as fresh:
            fresh.ingest(folder)
            assert quads(fresh) == state
        catalog.ingest(folder)
        assert quads(catalog) == state
        (note,) = set(catalog.leakage().notes) - set(notes)
        some = "stac/a.json" if number == 1 else "stac/a.json, stac/b.json, stac/c.json and others"
        assert note == (
            f"{number} document{'s' if number > 1 else ''} of this catalog could not be read, and may say more: {some}; to "
            "see why, build their sources again"
        )
        assert catalog.leakage(iri("m")).totals()["no"] == 1
        assert note in catalog.leakage(iri("m")).notes
        printed = run("audit", str(tmp_path / "catalog"))
        assert note in printed.stdout.replace("\n", " ") or note[0].upper() + note[1:] in printed.stdout
        assert note in json.loads(run("audit", str(tmp_path / "catalog"), "--form", "json").stdout)["notes"]
        (scan,) = json.loads(run("audit", str(tmp_path / "catalog"), "--form", "sarif").stdout)["runs"]
        told = scan["invocations"][0]["toolExecutionNotifications"]
        assert {"level": "note", "message": {"text": f"{note}."}} in told
    for path in broken:
        path.unlink()
    catalog.ingest(folder)
    assert (list(catalog.leakage().notes), quads(catalog)) == (notes, before)
    catalog.close()


def test_what_a_catalog_links_to_and_is_not_there_is_told(stac):
    """Below the root it may be a model or data: nobody's sample is missing."""
    folder = stac(
        root=tree("root", child=["train", "test", "lost"], item=["m", "gone"]), train=stac_collection("train", None, "one"),
        one=stac_item("one", A), test=stac_collection("test", B), m=TRAIN_AND_TEST,
    )  # fmt: skip
    with Catalog.create() as catalog:
        for _ in range(2):
            catalog.ingest(folder)
            (note,) = [note for note in catalog.leakage().notes if "could not be read" in note]
            assert "stac/root.json -> ./gone.json, stac/root.json -> ./lost.json;" in note
        assert verdicts(catalog, stac(root=tree("root", child=["train", "test"], item=["m"]))) == ("no", set())
        assert not any("could not be read" in note for note in catalog.leakage().notes)


@pytest.mark.parametrize("in_memory", [True, False])
def test_a_source_that_could_not_be_read_again_is_told(stac, tmp_path, in_memory):
    """What is held of it is from before. One that was never read is an error alone."""
    folder = stac(train=stac_collection("train", A), test=stac_collection("test", B), m=TRAIN_AND_TEST)
    with Catalog.create(None if in_memory else tmp_path / "catalog") as catalog:

        def told():
            with contextlib.nullcontext(catalog) if in_memory else Catalog.open(tmp_path / "catalog") as seen:
                report = seen.leakage()
                assert report.totals()["no"] == 1
                return [note for note in report.notes if "could not be read" in note]

        catalog.ingest(folder, name="s")
        for name, expected in (("other", 0), ("s", 1)):
            with pytest.raises(NetworkNotAllowed):
                catalog.ingest("https://e.org/catalog.json", name=name)
            assert len(told()) == expected
        assert told()[0].startswith("1 document of this catalog could not be read, and may say more: s/;")
        catalog.ingest(folder, name="s")
        assert told() == []


def test_what_is_noted_of_missing_samples_counts_as_no_document(stac):
    folder = stac(train=stac_collection("train", None, "one", "gone"), one=stac_item("one", A))
    with Catalog.create() as catalog:
        report = catalog.ingest(folder)
        assert (report.documents, catalog.counts().documents) == (2, 2)
        assert any(document.iri.endswith("#/unread") for document in catalog.documents())


def test_a_guessed_order_of_axes_proves_nothing(stac):
    """The item is in the place it is read at, perhaps."""
    turned = [[latitude, longitude] for longitude, latitude in shapely.box(120, 0, 121, 1).exterior.coords]
    box = (120, 0, 121, 1)
    one = stac_item("one", box) | {"geometry": {"type": "Polygon", "coordinates": [turned]}}
    folder = stac(train=stac_collection("train", None, "one"), one=one, m=TRAIN_AND_TEST,
                  test=stac_collection("test", None, "two"), two=stac_item("two", box) | {"collection": "test"})  # fmt: skip
    with Catalog.create() as catalog:
        assert verdicts(catalog, folder) == ("may contain", {"place-and-time"})
        (told,) = [f for f in catalog.ingest(folder).findings.kept if f.rule == "swapped-axes"]
        assert "which is a guess" in told.message
        assert verdicts(catalog, stac(one=stac_item("one", box)))[0] == "yes"


def test_each_message_of_sarif_is_a_sentence(tmp_path):
    """One of every kind, by hand; for two splits no model is the subject."""
    boxes = {"a": (0, 0, 1, 1), "b": (5, 0, 6, 1), "c": (9, 0, 10, 1), "e": (13, 0, 14, 1), "f": (17, 0, 18, 1)}
    data = [
        *SPLIT, model("m"), model("base"), made("m", "base"),
        *(dataset(name, areas=[f"{name}-area"]) for name in "abcef"),
        *(area(f"{name}-area", *box, "2020") for name, box in boxes.items()),
        dataset("cut", areas=["cut-area"]), area("cut-area", 0, 0, 1, 2, "2020", source_images=("urn:x:i",)),
        dataset("then", areas=["then-area"]), area("then-area", 5, 0, 6, 2, "2010"),
        dataset("drawn", areas=["drawn-area"]), area("drawn-area", 30, 0, 31, 1, source_images=("urn:x:i",)),
        dataset("again", areas=["c-area"]), made("f", "e", DerivationKind.DERIVED),
        dataset("cousin", areas=["cousin-area"]), area("cousin-area", 40, 0, 41, 1),
        dataset("source", areas=["source-area"]), area("source-area", 50, 0, 51, 1),
        made("a", "source", DerivationKind.DERIVED), made("cousin", "source", DerivationKind.DERIVED),
        use("base", "d/test"), use("m", "d/test", Stage.VALIDATION), use("m", "d/test", Stage.TEST),
        *(use("m", name) for name in ("a", "b", "c", "e", "cut")),
        *(use("m", name, Stage.TEST) for name in ("then", "drawn", "again", "f", "cousin", "a")),
    ]  # fmt: skip
    with Catalog.create(tmp_path / "catalog") as catalog:
        write(catalog, data, tmp_path)
    (scan,) = json.loads(run("audit", str(tmp_path / "catalog"), "--form", "sarif").stdout)["runs"]
    assert {result["ruleId"] for result in scan["results"]} == {kind.value for kind in LeakageKind}
    said = [result["message"]["text"] for result in scan["results"]]
    said += [note["message"]["text"] for call in scan["invocations"] for note in call["toolExecutionNotifications"]]
    said += [rule["shortDescription"]["text"] for rule in scan["tool"]["driver"]["rules"]]
    verb = re.compile(r" (overlaps?|learned|was|were|been|lie|could) ")
    for text in said:
        assert verb.search(text.partition(":")[0]), text
        assert text.endswith(".")
        assert not text.endswith("..")
    assert "then, the test of m, overlaps b, which m learned from: the same ground, at other times." in said
    assert any(text.startswith("m may have learned from a test split, d/test: base learned from it") or
               text.startswith("m learned from a test split, d/test: base learned from it") for text in said)  # fmt: skip
    assert any(text.startswith("m was chosen on its test, d/test: validated on ") for text in said)


def test_splits_held_against_each_other_are_located_in_sarif(tmp_path):
    """A service refuses a whole log if one of its results has no location."""
    splits_in(tmp_path / "source", A, A)
    with Catalog.create(tmp_path / "catalog") as catalog:
        catalog.ingest(tmp_path / "source")
    result = run("audit", str(tmp_path / "catalog"), "--form", "sarif")
    assert result.exit_code == 1
    (shown,) = json.loads(result.stdout)["runs"][0]["results"]
    assert re.fullmatch(r"train \(test\) overlaps train \(train\): the same ground, .*\.", shown["message"]["text"])
    (place,) = shown["locations"]
    assert (tmp_path / place["physicalLocation"]["artifactLocation"]["uri"]).is_file()


@pytest.mark.parametrize(("side", "verdict"), [(4e-6, "yes"), (2e-5, "yes")])
def test_one_chip_of_less_than_a_square_metre_is_in_both(tmp_path, side, verdict):
    """Of a drone: 0.2 and 5 m2."""
    splits_in(tmp_path / "source", (5, 50, 5 + side, 50 + side), (5, 50, 5 + side, 50 + side))
    with Catalog.create() as catalog:
        catalog.ingest(tmp_path / "source")
        (row,) = catalog.leakage()
        assert (row.verdict.value, row.share_of_test) == (verdict, pytest.approx(1, abs=1e-3))
        assert row.overlap_km2 == pytest.approx(geodesic_km2(5, 50, 5 + side, 50 + side), rel=1e-3)


def test_an_item_that_is_tested_on_alone_is_no_leak_of_its_split(stac):
    items = {name: stac_item(name, box, **{"ml-aoi:split": split})
             for name, box, split in (("one", A, "train"), ("two", B, "test"))}  # fmt: skip
    folder = stac(
        train=stac_collection("train", None, *items), **items,
        m=stac_model(("training", "train", "train"), ("test", "two", None)),
    )  # fmt: skip
    with Catalog.create() as catalog:
        catalog.ingest(folder)
        assert found(catalog.leakage()) == []


def test_what_is_only_near_may_be_alike(stac):
    """The room is never less than asked for, and more towards the equator for what is tall: no ground is shared."""
    folder = stac(
        train=stac_collection("train", None, "one"), one=stac_item("one", (1.2, 50, 1.3, 50.1)),
        test=stac_collection("test", None, "two"), two=stac_item("two", (0, 50, 1, 70)) | {"collection": "test"},
        m=TRAIN_AND_TEST,
    )  # fmt: skip
    with Catalog.create() as catalog:
        catalog.ingest(folder)
        (row,) = catalog.leakage(iri("m"), buffer_km=9)
        assert (row.verdict.value, row.overlap_km2) == ("may contain", 0)
        assert "near, within 9 km or a little more" in row.reason
        assert found(catalog.leakage(iri("m"))) == []


def test_the_areas_used_here_are_those_of_proj():
    assert geo.area_km2(shapely.box(7, 46, 8, 47)) == pytest.approx(geodesic_km2(7, 46, 8, 47), rel=1e-6)


# --- what a row does not hide ----------------------------------------------------------------------------------


@pytest.mark.parametrize("lost", ["null", "gone", "test", None])
def test_what_could_not_be_checked_is_said_beside_a_weaker_row(stac, lost):
    """A sample on the same ground at another time decides nothing of one that nobody can place."""
    documents = {
        "train": stac_collection("train", A, "one", "two"), "test": stac_collection("test", B, "three", "four"),
        "one": stac_item("one", B, datetime="2018-06-01T00:00:00Z"), "two": stac_item("two", A),
        "three": stac_item("three", B) | {"collection": "test"}, "four": stac_item("four", B) | {"collection": "test"},
        "m": TRAIN_AND_TEST,
    }  # fmt: skip
    if lost == "null":
        documents["two"]["geometry"] = None
    elif lost == "test":
        documents["four"]["geometry"] = None
    elif lost == "gone":
        del documents["two"]
    with Catalog.create() as catalog:
        catalog.ingest(stac(**documents))
        report = catalog.leakage(iri("m"))
        assert [(row.kind, row.verdict.value) for row in report] == [("place", "yes")]
        assert [row.what for row in report.unchecked] == ([] if lost is None else ["some-samples"])


@pytest.mark.parametrize("first", [True, False])
def test_a_second_item_of_one_id_that_has_no_place_may_be_anywhere(stac, first):
    """Until it has one, or is gone; where the other lies it only may be."""
    nowhere, placed = stac_item("one", None), stac_item("one", A)
    two, three = (nowhere, placed) if first else (placed, nowhere)
    documents = {
        "train": stac_collection("train", None, "two", "three"), "test": stac_collection("test", B),
        "m": TRAIN_AND_TEST,
    }  # fmt: skip
    with Catalog.create() as catalog:
        _ = catalog.footprints  # so that it is changed
        assert verdicts(catalog, stac(two=placed, three=placed, **documents))[0] == "no"
        assert verdicts(catalog, stac(two=two, three=three)) == ("unknown", {"some-samples"})
        assert verdicts(catalog, stac(two=placed, three=placed))[0] == "no"


@pytest.mark.parametrize(
    ("before", "stage", "now", "what"),
    [
        ("d", Stage.VALIDATION, "d", "splits-not-stated"),
        ("d/test", Stage.VALIDATION, "d", "splits-not-stated"),
        ("d", Stage.VALIDATION, "d/test", "splits-not-stated"),
        ("d", Stage.EVALUATION, "d/test", "splits-not-stated"),
        ("d/test", Stage.EVALUATION, "d/test", "stage-not-stated"),
        ("d/train", Stage.VALIDATION, "d/test", None),
        ("d/test", Stage.TEST, "d/test", None),
    ],
)
def test_an_ancestor_that_may_have_been_chosen_on_the_test(catalog_of, before, stage, now, what):
    catalog = catalog_of(
        *SPLIT, dataset("t", areas=["a"]), area("a", 0, 0, 1, 1), model("m"), model("q"), made("m", "q"),
        use("q", "t"), use("m", "t"), use("q", before, stage), use("m", now, Stage.TEST),
        dataset("d", areas=["b"]), area("b", 10, 0, 11, 1, precision=Precision.DECLARED_BOX),
    )  # fmt: skip
    report = catalog.leakage(iri("m"))
    assert found(report) == []
    assert [row.what for row in report.unchecked] == ([] if what is None else [what])
    assert report.totals()["no" if what is None else "unknown"] == 1


@pytest.mark.parametrize("side", ["d/test", "d", "t", "part"])
def test_a_test_that_was_made_from_something_unknown_may_share_samples(catalog_of, side):
    """As what was learned may, if it was; of a source that nothing describes, too."""
    derived = {"d/test": "d/test", "d": "d", "t": "t", "part": "d/test/1"}[side]
    for kind, what in ((DerivationKind.UNKNOWN, "unknown-kind"), (DerivationKind.DERIVED, "unresolved")):
        catalog = catalog_of(
            *SPLIT, dataset("t", areas=["a"]), area("a", 0, 0, 1, 1), model("m"), use("m", "t"),
            use("m", "d/test", Stage.TEST), dataset("d/test/1", of=["d/test"], areas=["b"]), area("b", 10, 0, 11, 1),
            made(derived, "gone", kind), dataset("gone", resolved=False),
        )  # fmt: skip
        report = catalog.leakage(iri("m"))
        assert report.totals()["unknown"] == 1
        assert what in {row.what for row in report.unchecked}


@pytest.mark.parametrize(("stated", "word"), [(False, "may contain"), (True, "yes")])
def test_data_whose_split_is_not_stated_certainly_lie_nowhere_that_only_one_split_does(catalog_of, stated, word):
    parts = [dataset("d"), dataset("d/train", of="d", split="train", areas=["a"]), area("a", 0, 0, 1, 1, "2020"),
             dataset("d/test", of="d", split="test", areas=["b"]), area("b", 10, 0, 11, 1, "2020")]  # fmt: skip
    for learned, tested in (("d", "t"), ("t", "d")):
        split = {"d": "d/test" if stated else "d"}
        catalog = catalog_of(
            *parts, dataset("t", areas=["c"]), area("c", 10, 0, 11, 1, "2020"), model("m"),
            use("m", split.get(learned, learned)), use("m", split.get(tested, tested), Stage.TEST),
        )  # fmt: skip
        places = [row for row in catalog.leakage(iri("m")) if row.kind == "place-and-time"]
        assert [row.verdict.value for row in places] == [word]


def test_what_samples_prove_is_told_apart_from_what_a_box_of_another_part_leaves_open(catalog_of):
    """A sample there at another time, and a box there at the time: that both are is not proven by either."""
    catalog = catalog_of(
        dataset("d"), dataset("d/1", of=["d"], areas=["a"]), area("a", 10, 0, 10.5, 1, "2018"),
        dataset("d/2", of=["d"], areas=["b"]), area("b", 10, 0, 11, 1, "2020", precision=Precision.DECLARED_BOX),
        dataset("t", areas=["c"]), area("c", 10, 0, 11, 1, "2020"),
        model("m"), use("m", "d"), use("m", "t", Stage.TEST),
    )  # fmt: skip
    (row,) = report = catalog.leakage(iri("m"))
    assert (row.kind, row.verdict.value, row.also) == ("place", "yes", ("place-and-time",))
    assert "; and maybe place-and-time: the same ground, at the same time, by footprints" in row.reason
    assert (row.in_time, report.tests[0].strongest, report.worst()) == ("no", "place", LeakageKind.PLACE_AND_TIME)


def test_the_outline_of_rows_proves_nothing_of_rows_without_a_place(stac, tmp_path):
    """The test lies between two samples, on one more of another time; a row without a place may be there at its time."""
    geopandas = pytest.importorskip("geopandas", reason="needs geopandas to write GeoParquet")

    def asked(time, shapes):
        frame = geopandas.GeoDataFrame(
            {"id": [*"abcde"], "ml-aoi:split": ["train"] * 4 + ["test"], "datetime": ["2020", "2020", time, "2020", "2020"]},
            geometry=[*shapes, shapely.box(5, 0, 6, 1)], crs="OGC:CRS84",
        )  # fmt: skip
        frame.to_parquet(tmp_path / "s.parquet")
        folder = stac(train=stac_collection("train", None), m=stac_model(("training", "train", "train"),
                                                                         ("test", "train", "test")))  # fmt: skip
        with Catalog.create(tmp_path / f"catalog{next(_numbers)}") as catalog:
            catalog.ingest(folder)
            catalog.add_samples("train", tmp_path / "s.parquet")
            report = catalog.leakage(iri("m"))
            return [(row.kind, row.verdict.value, row.also) for row in report], {row.what for row in report.unchecked}

    ends = shapely.box(0, 0, 1, 1), shapely.box(10, 0, 11, 1)
    assert asked("2018", [*ends, shapely.Point(5.5, 0.5), None]) == (
        [("place", "yes", ("place-and-time",))],
        {"some-samples"},
    )
    assert asked("2018", [*ends, shapely.Point(3, 0.5), None]) == (
        [("place-and-time", "may contain", ())], {"some-samples"})  # fmt: skip
    assert asked("2018", [*ends, shapely.Point(3, 0.5), shapely.Point(4, 0.5)]) == ([], set())


@pytest.mark.parametrize("used", [None, "train"])
@pytest.mark.parametrize("others", ["train", "validate"])
def test_a_row_of_a_split_without_a_place_is_missing_where_the_whole_is_used(stac, tmp_path, used, others):
    geopandas = pytest.importorskip("geopandas", reason="needs geopandas to write GeoParquet")
    folder = stac(train=stac_collection("train", A), test=stac_collection("test", B),
                  m=stac_model(("training", "train", used), ("test", "test", None)))  # fmt: skip
    with Catalog.create(tmp_path / "catalog") as catalog:
        catalog.ingest(folder)
        for shape, verdict in ((None, "unknown"), (shapely.box(*A), "no")):
            frame = geopandas.GeoDataFrame(
                {"id": ["a", "b"], "ml-aoi:split": [others, "train"], "datetime": ["2020", "2020"]},
                geometry=[shapely.box(*A), shape], crs="OGC:CRS84",
            )  # fmt: skip
            frame.to_parquet(tmp_path / "s.parquet")
            catalog.add_samples("train", tmp_path / "s.parquet")
            report = catalog.leakage(iri("m"))
            assert [test.verdict.value for test in report.tests] == [verdict]
            assert {row.what for row in report.unchecked} == ({"some-samples"} if verdict == "unknown" else set())


# What was drawn on a whole, and on a part of it -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("on_test", "on_train", "archive", "certain"),
    [("g", "g1", False, False), ("g1", "g", False, False), ("g1", "g1", False, True),
     ("g1", "g2", False, None), ("g", "g1", True, None), ("g", "far", False, None)],
)  # fmt: skip
def test_what_was_drawn_on_data_may_be_drawn_on_each_of_their_samples(catalog_of, on_test, on_train, archive, certain):
    report = catalog_of(
        dataset("g", areas=["g1#area", "g2#area"], archive=archive),
        area("g1#area", 30, 0, 31, 1), area("g2#area", 32, 0, 33, 1),
        dataset("test", areas=["test-area"]), dataset("train", areas=["train-area"]),
        area("test-area", 0, 0, 1, 1, source_images=(iri(on_test),)),
        area("train-area", 10, 0, 11, 1, source_images=(iri(on_train),)),
        model("m"), use("m", "train"), use("m", "test", Stage.TEST),
    ).leakage("urn:x:m")  # fmt: skip
    if certain is None:
        assert found(report) == []
    else:
        assert found(report) == [("same-scene", "yes" if certain else "may contain", "test", "train")]
        assert iri("g1") in report[0].reason


# Sensors of single samples --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("own", "kept"),
    [({"platform": "sentinel-2a"}, True), ({"instruments": ["msi"]}, True), ({"platform": "sentinel-1b"}, False),
     ({"platform": "sentinel-1b", "instruments": ["c-sar"]}, False), ({}, False)],
)  # fmt: skip
def test_a_sample_of_another_sensor_than_its_collection_says_is_not_left_out(stac, own, kept):
    one = stac_item("one", A)
    one["properties"] |= own
    train = stac_collection("train", None, "one") | {"summaries": {"platform": ["sentinel-1a"]}}
    with Catalog.create() as catalog:
        catalog.ingest(stac(train=train, one=one, test=stac_collection("test", B), model=TRAIN_AND_TEST))
        (test,) = catalog.leakage("m", sensors=["sentinel-2"]).tests
        assert test.left_out == (not kept)
