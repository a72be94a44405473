"""Questions about places, against areas from PROJ, answers by hand, and a plain reading of the statements."""

import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyproj
import pytest
import shapely
from conftest import SHARED, collection, model, sample
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import mlaoi_graph
from mlaoi_graph import countries, geo, rdf
from mlaoi_graph.catalog import Catalog
from mlaoi_graph.errors import GeometryError, MlaoiError, NodeNotFound, SourceNotFound, StoreError, UnknownFormat
from mlaoi_graph.model import (
    AreaOfInterest,
    Association,
    AssociationKind,
    Dataset,
    DataUse,
    Derivation,
    DerivationKind,
    Disclosure,
    Model,
    ModelFamily,
    Precision,
    Rule,
    Stage,
)
from mlaoi_graph.queries import maps
from mlaoi_graph.queries.aoi import area_of
from mlaoi_graph.queries.areas import STAGES_OF
from mlaoi_graph.queries.coverage import coverage, gap

X = "https://example.com/"
FAMILIES = Path(mlaoi_graph.__file__).parent / "families"
EQUAL_AREA = pyproj.Transformer.from_crs("OGC:CRS84", "+proj=cea +ellps=WGS84", always_xy=True)


def proj_km2(w, s, e, n):
    """The area of a box by PROJ: in an equal-area cylindrical projection a box is a rectangle."""
    (x0, x1), (y0, y1) = EQUAL_AREA.transform([w, e], [s, n])
    return (x1 - x0) * (y1 - y0) / 1e6


def test_the_measure_is_right():
    assert proj_km2(-180, -90, 180, 90) == pytest.approx(510_065_621.724, rel=1e-6)


def box(w, s, e, n):
    return f"POLYGON (({w} {s}, {e} {s}, {e} {n}, {w} {n}, {w} {s}))"


def use(model, dataset, stage=Stage.TEST, **more):
    return DataUse(
        iri=f"{X}use/{model}-{dataset}-{stage.value}".replace(" ", ""), model=X + model, dataset=X + dataset,
        stage=stage, rule=Rule.STATED, document=X + "doc", **more,
    )  # fmt: skip


def placed(dataset, *wkts, precision=Precision.SAMPLES, **more):
    """A dataset with a footprint for each WKT."""
    areas = [
        AreaOfInterest(iri=f"{X}{dataset}#area-{precision.value}-{i}", precision=precision, wkt=wkt, **more)
        for i, wkt in enumerate(wkts)
    ]
    return [Dataset(iri=X + dataset, label=dataset, resolved=True, footprints=tuple(a.iri for a in areas)), *areas]


def holding(*statements):
    catalog = Catalog.create()
    catalog.store.replace({X + "doc": rdf.encode(statements)})
    return catalog


def short(hits):
    return [(row.model.removeprefix(X), row.dataset.removeprefix(X)) for row in hits]


# -- overlap ----------------------------------------------------------------------------------------------------------

# Footprint, area asked about, km2 shared.
OVERLAPS = {
    "half": (box(0, 0, 2, 1), "1,0,3,1", proj_km2(1, 0, 2, 1)),
    "the area holds it": (box(1, 1, 2, 2), "0,0,9,9", proj_km2(1, 1, 2, 2)),
    "it holds the area": (box(0, 0, 9, 9), "4,4,5,5", proj_km2(4, 4, 5, 5)),
    "the same": (box(7, 46, 8, 47), "7,46,8,47", proj_km2(7, 46, 8, 47)),
    "across the antimeridian": (geo.from_bbox([178, -20, -178, -15]).wkt, "179,-18,-179,-16", 2 * proj_km2(179, -18, 180, -16)),
    "on its far side": (geo.from_bbox([178, -20, -178, -15]).wkt, "-180,-20,-178,-15", proj_km2(178, -20, 180, -15)),
    "round the pole": (box(-180, 85, 180, 90), "0,80,90,90", proj_km2(0, 85, 90, 90)),
    "a hole": ("POLYGON ((0 0, 9 0, 9 9, 0 9, 0 0), (1 1, 1 8, 8 8, 8 1, 1 1))", "0,0,5,9", proj_km2(0, 0, 5, 9) - proj_km2(1, 1, 5, 8)),
}  # fmt: skip
APART = {
    "a side in common": (box(0, 0, 1, 1), "1,0,2,1"),
    "a corner in common": (box(0, 0, 1, 1), "1,1,2,2"),
    "a ring that touches from inside": ("POLYGON ((0 0, 9 0, 9 9, 0 9, 0 0), (1 1, 1 8, 8 8, 8 1, 1 1))", "1,1,8,8"),
    "a sliver of rounding": (box(0, 0, 1.000000000001, 1), "1,0,2,1"),
    "the other side of the world": (geo.from_bbox([178, -20, -178, -15]).wkt, "-10,-20,10,-15"),
    "a point on the border": ("POINT (1 1)", "1,0,2,2"),
}


@pytest.mark.parametrize("case", OVERLAPS)
def test_what_lies_in_an_area_says_how_much(case):
    wkt, asked, km2 = OVERLAPS[case]
    with holding(*placed("d", wkt), use("m", "d")) as catalog:
        (hit,) = catalog.models(tested_in=asked)
        whole = geo.area_km2(wkt)
        assert hit.overlap_km2 == pytest.approx(km2, rel=1e-6)
        assert hit.share_of_footprint == pytest.approx(km2 / whole, rel=1e-6)
        assert hit.share_of_aoi == pytest.approx(km2 / area_of(asked).km2, rel=1e-6)
        assert (hit.model, hit.dataset, hit.stage, hit.precision, hit.how) == (
            X + "m",
            X + "d",
            "test",
            "samples",
            "own",
        )
        assert (hit.document, hit.use, hit.area) == (X + "doc", use("m", "d").iri, X + "d#area-samples-0")


@pytest.mark.parametrize("case", APART)
def test_what_only_touches_is_not_there(case):
    wkt, asked = APART[case]
    with holding(*placed("d", wkt), use("m", "d")) as catalog:
        hits = catalog.models(tested_in=asked)
        assert (len(hits), len(hits.unknown)) == (0, 0)


def test_samples_that_overlap_count_the_ground_once_and_the_footprint_as_often_as_it_is_there():
    chips = [box(0, 0, 2, 1), box(1, 0, 3, 1), box(5, 0, 6, 1)]
    with holding(*placed("d", *chips), use("m", "d")) as catalog:
        (hit,) = catalog.models(tested_in="0,0,4,1")
        assert hit.areas == 2
        assert hit.overlap_km2 == pytest.approx(proj_km2(0, 0, 3, 1))
        assert hit.share_of_footprint == pytest.approx(4 / 5)


def test_points_are_found_and_counted():
    with holding(*placed("d", "POINT (1 1)", "POINT (2 2)", "POINT (8 8)"), use("m", "d")) as catalog:
        (hit,) = catalog.models(tested_in="0,0,4,4")
        assert (hit.areas, hit.overlap_km2, hit.share_of_aoi) == (2, 0, 0)
        assert hit.share_of_footprint == pytest.approx(2 / 3)


def test_heights_and_null_geometries_from_documents(write):
    solid = sample("solid", split="test")
    solid["geometry"]["coordinates"] = [[[*xy, 300.0] for xy in ring] for ring in solid["geometry"]["coordinates"]]
    nowhere = sample("nowhere", split="test") | {"geometry": None, "bbox": None}
    link = {"rel": "derived_from", "href": "c.json", "ml-aoi:split": "test"}
    with Catalog.create() as catalog:
        catalog.ingest(write(c=collection("c"), solid=solid, nowhere=nowhere, m=model("m", link)))
        (hit,) = catalog.models(tested_in=[-180, -89, 180, 89])
        assert hit.areas == 1
        assert catalog.models(tested_in=[-180, -89, 180, 89]).geometries()[0].has_z is False


# -- whose footprint --------------------------------------------------------------------------------------------------


def test_a_dataset_is_where_its_parts_are():
    whole = Dataset(iri=X + "d", label="d", resolved=True)
    part = [Dataset(iri=X + "d/test", part_of=(X + "d",)), *placed("d/test", box(0, 0, 1, 1))]
    with holding(whole, *part, use("m", "d")) as catalog:
        (hit,) = catalog.models(tested_in="0,0,2,2")
        assert (hit.how, hit.dataset, hit.footprint_of) == ("part", X + "d", X + "d/test")


def test_a_part_without_a_footprint_is_somewhere_in_the_whole_and_not_where_its_siblings_are():
    statements = [
        *placed("d", box(0, 0, 9, 9), precision=Precision.DECLARED_BOX),
        Dataset(iri=X + "d/test", part_of=(X + "d",)),
        Dataset(iri=X + "d/train", part_of=(X + "d",)),
        *placed("d/train", box(20, 0, 29, 9)),
        use("m", "d/test"),
    ]
    with holding(*statements) as catalog:
        (hit,) = catalog.models(tested_in="1,1,2,2")
        assert (hit.how, hit.footprint_of, hit.precision) == ("inherited", X + "d", "declared-box")
        assert len(catalog.models(tested_in="21,1,22,2")) == 0


def test_a_member_is_not_where_the_other_members_are():
    statements = [
        Dataset(iri=X + "all", label="all", resolved=True),
        *placed("a", box(0, 0, 1, 1)),
        Dataset(iri=X + "b", label="b", resolved=True),
        *(
            Association(iri=f"{X}in-{x}", subject=X + x, object=X + "all", kind=AssociationKind.PART_OF, rule=Rule.STATED, document=X + "doc")
            for x in "ab"
        ),
        use("one", "b"), use("two", "all"),
    ]  # fmt: skip
    with holding(*statements) as catalog:
        hits = catalog.models(tested_in="0,0,1,1")
        assert short(hits) == [("two", "all")]
        assert {(row.model, row.reason) for row in hits.unknown} == {
            (X + "one", "no footprint is known"), (X + "two", "some of its parts have no known footprint"),
        }  # fmt: skip


def test_a_box_whose_samples_are_known_to_lie_elsewhere_says_so():
    statements = [
        *placed("d", box(0, 0, 9, 9), precision=Precision.DECLARED_BOX), *placed("d", box(0, 0, 1, 1)), use("m", "d"),
    ]  # fmt: skip
    with holding(*statements) as catalog:
        (here,) = catalog.models(tested_in="0,0,2,2")
        assert (here.precision, here.samples_elsewhere) == ("samples", False)
        (box_only,) = catalog.models(tested_in="5,5,6,6")
        assert (box_only.precision, box_only.samples_elsewhere) == ("declared-box", True)


def test_a_use_that_is_limited_to_an_area_is_there_and_nowhere_else():
    area = AreaOfInterest(iri=X + "a", precision=Precision.REGION, wkt=box(0, 0, 1, 1))
    with holding(*placed("d", box(0, 0, 9, 9)), area, use("m", "d", area=X + "a"), use("n", "d")) as catalog:
        (hit,) = catalog.models(tested_in="0.5,0.5,0.6,0.6").to_dicts()[:1]
        assert (hit["how"], hit["footprint_of"]) == ("use", use("m", "d").iri)
        assert short(catalog.models(tested_in="5,5,6,6")) == [("n", "d")]


def test_archives_and_the_unknown_are_told_apart_and_never_found():
    statements = [
        Dataset(iri=X + "archive", label="archive", archive=True, resolved=True, footprints=(X + "world",)),
        AreaOfInterest(iri=X + "world", precision=Precision.GLOBAL),
        Dataset(iri=X + "nowhere", label="nowhere", resolved=True),
        Dataset(iri=X + "nothing", resolved=False),
        Model(iri=X + "silent", label="silent", resolved=True, disclosure=Disclosure.UNDISCLOSED),
        *(use("m", name, Stage.PRETRAINING) for name in ("archive", "nowhere", "nothing")),
    ]
    with holding(*statements) as catalog:
        hits = catalog.models(pretrained_in=[-180, -90, 180, 90])
        assert len(hits) == 0
        assert [(row.label, row.dataset and row.dataset.removeprefix(X), row.reason.partition(":")[0]) for row in hits.unknown] == [
            ("m", "archive", "unbounded"),
            ("m", "nothing", "nothing describes the dataset"),
            ("m", "nowhere", "no footprint is known"),
            ("silent", None, "its training data are not disclosed"),
        ]  # fmt: skip
        assert len(catalog.models(tested_in="0,0,1,1").unknown) == 0


def test_each_word_means_its_stages_and_a_source_that_says_less_is_not_upgraded():
    statements = [*placed("d", box(0, 0, 1, 1)), *(use(stage.value, "d", stage) for stage in Stage)]
    with holding(*statements) as catalog:
        found = {word: {row.stage for row in catalog.models(**{f"{word}_in": "0,0,1,1"})} for word in STAGES_OF}
        notes = catalog.models(pretrained_in="0,0,1,1").notes
    assert found == {
        "pretrained": {"pretraining"},
        "finetuned": {"finetuning"},
        "instruction_tuned": {"instruction-tuning"},
        "trained": {"pretraining", "finetuning", "instruction-tuning", "training"},
        "validated": {"validation"},
        "tested": {"test"},
        "evaluated": {"validation", "test", "evaluation"},
    }
    assert notes == ("of 1 user of data there it is not said in which stage: ask for trained",)


def test_what_is_said_of_a_family_is_no_fact_about_a_model():
    family = ModelFamily(iri=X + "f", label="f")
    with holding(*placed("d", box(0, 0, 1, 1)), family, use("f", "d"), use("m", "d")) as catalog:
        hits = catalog.models(tested_in="0,0,1,1")
        assert short(hits) == [("m", "d")]
        assert short(hits.family_level) == [("f", "d")]


def test_only_a_task_or_a_family():
    statements = [
        *placed("d", box(0, 0, 1, 1)), ModelFamily(iri=X + "f", label="f"),
        Model(iri=X + "a", label="a", tasks=("segmentation",), family=X + "f", resolved=True),
        Model(iri=X + "b", label="b", tasks=("detection",), resolved=True),
        use("a", "d"), use("b", "d"), Dataset(iri=X + "n", resolved=True), use("a", "n"), use("b", "n"),
    ]  # fmt: skip
    with holding(*statements) as catalog:
        assert short(catalog.models(tested_in="0,0,1,1", task="detection")) == [("b", "d")]
        some = catalog.models(tested_in="0,0,1,1", family="f")
        assert short(some) == [("a", "d")]
        assert [row.model for row in some.unknown] == [X + "a"]
        with pytest.raises(NodeNotFound):
            catalog.models(tested_in="0,0,1,1", family="nobody")


def test_what_is_not_known_of_a_task_or_family_is_of_these_models_only():
    statements = [
        *placed("d", box(0, 0, 1, 1)), ModelFamily(iri=X + "f", label="f"),
        Model(iri=X + "a", label="a", tasks=("segmentation",), family=X + "f", resolved=True),
        Model(iri=X + "b", label="b", tasks=("detection",), resolved=True),
        Model(iri=X + "parent", label="parent", resolved=True), Dataset(iri=X + "n", resolved=True),
        Derivation(
            iri=X + "made", derived=X + "a", source=X + "parent", kind=DerivationKind.FINETUNED,
            rule=Rule.MODEL_LINK, document=X + "doc",
        ),
        use("f", "d", Stage.TRAINING),
        *(use(name, "n", Stage.TRAINING) for name in ("a", "b", "parent")),
        *(use(name, "d", Stage.EVALUATION) for name in ("b", "parent")),
    ]  # fmt: skip
    with holding(*statements) as catalog:
        everybody = catalog.models(exposed_in="0,0,1,1")
        assert {row.label for row in everybody.unknown} == {"a", "b", "parent"}
        assert {row.label for row in everybody.family_level} == {"a"}
        for only in ({"family": "f"}, {"task": "segmentation"}):
            # What its parent learned from, the child has seen as well.
            assert {row.label for row in catalog.models(exposed_in="0,0,1,1", **only).unknown} == {"a", "parent"}
        other = catalog.models(exposed_in="0,0,1,1", task="detection")
        assert {row.label for row in other.unknown} == {"b"}
        assert list(other.family_level) == []
        said = [
            catalog.models(tested_in="0,0,1,1", **only).notes for only in ({}, {"task": "detection"}, {"family": "f"})
        ]
        assert [[note[: note.index(" of data")] for note in notes] for notes in said] == [
            ["of 2 users"],
            ["of 1 user"],
            [],
        ]


def test_time_is_that_of_the_data_and_not_knowing_it_is_said():
    statements = [
        *placed("old", box(0, 0, 1, 1), start="2015", end="2016"),
        *placed("new", box(0, 0, 1, 1), start="2020-01-01T00:00:00Z", end="2020-12-31T23:59:59Z"),
        *placed("open", box(0, 0, 1, 1), start="2019"),
        *placed("any", box(0, 0, 1, 1)),
        *(use("m", name) for name in ("old", "new", "open", "any")),
    ]
    with holding(*statements) as catalog:
        found = catalog.models(tested_in="0,0,1,1", during=("2020", "2021"))
        assert [(row.dataset.removeprefix(X), row.in_time) for row in found] == [
            ("any", "unknown"), ("new", "yes"), ("open", "unknown"),
        ]  # fmt: skip
        assert {row.in_time for row in catalog.models(tested_in="0,0,1,1")} == {None}
        with pytest.raises(ValueError, match="earlier time first"):
            catalog.models(tested_in="0,0,1,1", during=("2021", "2020"))

        def during(time):
            return [row.dataset.removeprefix(X) for row in catalog.models(tested_in="0,0,1,1", during=time)]

        assert during("2020/2021") == during("2020") == ["any", "new", "open"]
        assert during(("2017", None)) == during("2017/..") == ["any", "new", "open"]
        assert during((None, "2018")) == during("../2018") == ["any", "old"]
        for wrong in ("", "/", ("", ""), 2020, ("2020",), ("2020", 2021), ("2020", "2021", "2022")):
            with pytest.raises(ValueError, match=r"is no time\. Give a start and an end"):
                during(wrong)


def test_exposed_counts_ancestors_sources_and_parts_and_can_prove_it():
    made = Derivation(
        iri=X + "made",
        derived=X + "child",
        source=X + "parent",
        kind=DerivationKind.FINETUNED,
        rule=Rule.MODEL_LINK,
        document=X + "doc",
    )
    cut = Derivation(
        iri=X + "cut",
        derived=X + "chips",
        source=X + "scenes",
        kind=DerivationKind.DERIVED,
        rule=Rule.STATED,
        document=X + "doc",
    )
    statements = [
        *(Model(iri=X + name, label=name, resolved=True) for name in ("child", "parent", "part", "other")),
        made, cut, *placed("scenes", box(0, 0, 1, 1), precision=Precision.REGION), *placed("chips", box(20, 20, 21, 21)),
        use("parent", "chips", Stage.PRETRAINING),
        Dataset(iri=X + "scenes/part", part_of=(X + "scenes",)), *placed("scenes/part", box(40, 40, 41, 41)),
        use("part", "scenes/part", Stage.FINETUNING), use("other", "scenes"),
    ]  # fmt: skip
    with holding(*statements) as catalog:
        hits = catalog.models(exposed_in="0,0,1,1")
        assert [(row.label, row.dataset.removeprefix(X), row.holds, row.through) for row in hits] == [
            ("child", "scenes", "may contain", "ancestor, source"), ("parent", "scenes", "may contain", "source"),
        ]  # fmt: skip
        assert [step.edge for step in hits[0].explain().steps] == ["finetunedFrom", "pretrainedOn", "derivedFrom"]
        # The part lies elsewhere, and who learned from it has not learned from the rest.
        assert {row.label for row in catalog.models(exposed_in="40,40,41,41")} == {"child", "parent", "part"}


def test_samples_of_a_whole_that_state_no_split_may_be_of_each_of_its_splits():
    """Also of one that says where others of its samples are."""
    statements = [
        *(Model(iri=X + name, label=name, resolved=True) for name in "mo"), *placed("d", box(0, 0, 1, 1)),
        Dataset(iri=X + "d/train", split="train", part_of=(X + "d",)), *placed("d/train", box(40, 40, 41, 41)),
        use("o", "d", Stage.TRAINING), use("m", "d/train", Stage.TRAINING),
    ]  # fmt: skip
    with holding(*statements) as catalog:
        for ask in ("trained_in", "exposed_in"):
            hits = catalog.models(**{ask: "0,0,1,1"})
            assert {(row.label, row.dataset.removeprefix(X), row.how, row.precision) for row in hits} == {
                ("m", "d/train", "inherited", "samples"), ("o", "d", "own", "samples"),
            }  # fmt: skip
            assert [(row.model, row.reason) for row in hits.unknown] == [
                (X + "m", "samples of its whole state no split that is known, and may be of it")
            ]
            there = [row for row in catalog.models(**{ask: "40,40,41,41"}) if row.label == "m"]
            assert [(row.how, row.precision) for row in there] == [("own", "samples")]


def test_the_box_of_a_part_counts_beside_samples_of_another():
    statements = [
        Dataset(iri=X + "d", resolved=True), *placed("d/a", box(0, 0, 1, 1)),
        *placed("d/b", box(0, 0, 9, 9), precision=Precision.DECLARED_BOX), use("m", "d"),
        *(Dataset(iri=X + f"d/{name}", part_of=(X + "d",)) for name in "ab"),
    ]  # fmt: skip
    with holding(*statements) as catalog:
        rows = {(hit.footprint_of.removeprefix(X), hit.precision): hit for hit in catalog.models(tested_in="0,0,2,1")}
        assert {key: row.samples_elsewhere for key, row in rows.items()} == {
            ("d/a", "samples"): False, ("d/b", "declared-box"): False,
        }  # fmt: skip
        found = coverage(catalog.places, "tested", "0,0,2,1")
        assert found.by_precision()["samples"] == pytest.approx(proj_km2(0, 0, 1, 1))
        assert found.covered_km2 == pytest.approx(proj_km2(0, 0, 2, 1))


def test_what_ancestors_and_sources_learned_from_is_covered_by_exposure():
    made = Derivation(iri=X + "d", derived=X + "tile", source=X + "source", kind=DerivationKind.DERIVED, rule=Rule.STATED, document=X + "doc")  # fmt: skip
    statements = [
        *placed("source", box(0, 0, 1, 1)), *placed("tile", box(4, 0, 5, 1)), *placed("own", box(8, 0, 9, 1)), made,
        use("parent", "tile", Stage.TRAINING), made_from("child", "parent"), use("child", "own", Stage.TRAINING),
        use("child", "tile"), Model(iri=X + "silent", label="silent", disclosure=Disclosure.UNDISCLOSED),
    ]  # fmt: skip
    with holding(*statements) as catalog:
        found = coverage(catalog.places, "exposed", "0,0,10,1")
        one = proj_km2(0, 0, 1, 1)
        assert found.covered_km2 == pytest.approx(3 * one)
        assert {row.label: row.covered_km2 for row in found.models()} == pytest.approx(
            {"child": 3 * one, "parent": 2 * one}
        )
        assert [row.label for row in found.unknown] == ["silent"]
        assert coverage(catalog.places, "trained", "0,0,10,1").covered_km2 == pytest.approx(2 * one)
        missing = gap(catalog.places, "0,0,10,1", has="exposed", lacks="tested")
        assert missing.km2 == pytest.approx(2 * one)
        assert missing.models == (X + "parent",)


def test_a_limited_use_exposes_what_descends_from_its_model():
    made = Derivation(
        iri=X + "made",
        derived=X + "child",
        source=X + "m",
        kind=DerivationKind.FINETUNED,
        rule=Rule.MODEL_LINK,
        document=X + "doc",
    )
    area = AreaOfInterest(iri=X + "a", precision=Precision.REGION, wkt=box(0, 0, 1, 1))
    statements = [
        Dataset(iri=X + "d", label="d", resolved=True), area, made, use("m", "d", Stage.TRAINING, area=X + "a"),
        *(Model(iri=X + name, label=name, resolved=True) for name in ("child", "m")),
    ]  # fmt: skip
    with holding(*statements) as catalog:
        assert [(row.label, row.how) for row in catalog.models(exposed_in="0,0,1,1")] == [
            ("child", "use"),
            ("m", "use"),
        ]


def made_from(child, parent):
    return Derivation(
        iri=f"{X}{child}-from-{parent}", derived=X + child, source=X + parent, kind=DerivationKind.FINETUNED,
        rule=Rule.MODEL_LINK, document=X + "doc",
    )  # fmt: skip


def test_a_limited_use_exposes_nobody_to_the_rest_of_the_dataset():
    """A dataset from 0 to 30 degrees, of which an ancestor used a west and an east, and a child a west."""
    statements = [
        *placed("d", box(0, 0, 30, 1)), Model(iri=X + "anc", label="anc"), Model(iri=X + "m", label="m"),
        *(AreaOfInterest(iri=X + f"a{west}", precision=Precision.REGION, wkt=box(west, 0, west + 1, 1)) for west in (0, 10)),
        made_from("m", "anc"), use("m", "d", Stage.TRAINING, area=X + "a0"),
        use("anc", "d", Stage.TRAINING, area=X + "a10"),
    ]  # fmt: skip
    whole = [
        made_from("n", "all"),
        use("all", "d", Stage.TRAINING),
        replace(use("all", "d", Stage.TRAINING), iri=X + "again", area=X + "a0"),
    ]

    def exposed(catalog, west):
        return sorted({row.label for row in catalog.models(exposed_in=f"{west},0,{west + 1},1")})

    with holding(*statements) as catalog:
        assert [exposed(catalog, west) for west in (0, 10, 20)] == [["m"], ["anc", "m"], []]
        assert len(catalog.models(trained_in="20,0,21,1")) == 0
    with holding(*statements, *whole) as catalog:
        # Who used all of it as well, and what was made from that, learned from it anywhere.
        assert [exposed(catalog, west) for west in (0, 10, 20)] == [["all", "m", "n"], ["all", "anc", "m", "n"], ["all", "n"]]  # fmt: skip


def test_what_descends_from_a_model_of_unknown_data_is_unknown_too():
    statements = [
        *placed("d", box(0, 0, 1, 1)), made_from("child", "parent"), made_from("grandchild", "child"),
        made_from("other", "known"), use("known", "d", Stage.TRAINING), use("grandchild", "d", Stage.TRAINING),
        *(Model(iri=X + name, label=name, tasks=("t",) if name == "child" else ()) for name in ("child", "grandchild", "other", "known")),
    ]  # fmt: skip
    silent = Model(iri=X + "parent", label="parent", disclosure=Disclosure.UNDISCLOSED)
    unplaced = [Model(iri=X + "parent", label="parent"), use("parent", "nowhere", Stage.TRAINING)]
    for parent in ([silent], unplaced):
        with holding(*statements, *parent) as catalog:
            hits = catalog.models(exposed_in="40,40,41,41")
            assert [row.label for row in hits] == []
            assert [row.label for row in hits.unknown] == ["parent", "child", "grandchild"]
            assert hits.unknown[1].reason.startswith("made from parent, ")
            assert [row.label for row in catalog.models(exposed_in="40,40,41,41", task="t").unknown] == [
                "parent",
                "child",
            ]
            assert [row.label for row in catalog.models(trained_in="40,40,41,41").unknown] == ["parent"]


def test_declared_is_another_question():
    area = AreaOfInterest(iri=X + "a", precision=Precision.DECLARED_BOX, wkt=box(0, 0, 4, 4))
    with holding(Model(iri=X + "m", label="m", declared_area=X + "a"), area) as catalog:
        hits = catalog.models(declared_in="0,0,2,2")
        assert [(row.model, row.footprint_of) for row in hits] == [(X + "m", X + "m")]
        assert hits.notes == ("declared by the publisher: no evidence of training or testing there",)
        assert all(not len(catalog.models(**{f"{word}_in": "0,0,2,2"})) for word in STAGES_OF)
        assert len(hits.unknown) == 0


def test_who_is_declared_for_the_whole_world_is_unknown_there_and_nowhere_missing():
    world = AreaOfInterest(iri=X + "world", precision=Precision.GLOBAL, wkt=box(-180, -90, 180, 90))
    here = AreaOfInterest(iri=X + "a", precision=Precision.DECLARED_BOX, wkt=box(0, 0, 4, 4))
    statements = [
        *(Model(iri=X + name, label=name, declared_area=X + "world", tasks=(name,)) for name in ("b", "c")),
        Model(iri=X + "m", label="m", declared_area=X + "a"), Model(iri=X + "says-nothing", label="says nothing"),
    ]  # fmt: skip
    with holding(*statements, world, here) as catalog:
        for area, found in (("0,0,2,2", ["m"]), ("40,40,41,41", []), ("-180,-90,180,90", ["m"])):
            hits = catalog.models(declared_in=area)
            assert [row.label for row in hits] == found
            assert [(row.label, row.reason.partition(":")[0]) for row in hits.unknown] == [
                ("b", "unbounded"),
                ("c", "unbounded"),
            ]
        assert [row.label for row in catalog.models(declared_in="0,0,2,2", task="c").unknown] == ["c"]
        assert not len(catalog.models(trained_in="0,0,2,2", task="c"))
        with pytest.raises(TypeError, match="no time"):
            catalog.models(declared_in="0,0,2,2", during=("2020", "2020"))


def test_datasets_in_an_area():
    with holding(*placed("d", box(0, 0, 4, 4)), *placed("e", box(8, 8, 9, 9))) as catalog:
        (hit,) = catalog.places.datasets("0,0,2,2")
        assert (hit.dataset, hit.share_of_footprint) == (
            X + "d",
            pytest.approx(proj_km2(0, 0, 2, 2) / proj_km2(0, 0, 4, 4)),
        )


def test_models_without_an_area_are_all_models_and_wrong_words_are_refused():
    with holding(Model(iri=X + "m", label="m")) as catalog:
        assert [found.iri for found in catalog.models()] == [X + "m"]
        for wrong in (
            {"task": "x"},
            {"used_in": "0,0,1,1"},
            {"tested": "0,0,1,1"},
            {"tested_in": "BOL", "trained_in": "BOL"},
        ):
            with pytest.raises(TypeError):
                catalog.models(**wrong)


# -- any catalog, against a plain reading of its statements ----------------------------------------------------------

DATA = ["d0", "d1", "d2", "d3"]
degrees = st.integers(0, 5)


@st.composite
def statements(draw):
    found = []
    for number in range(draw(st.integers(0, 6))):
        w, s = draw(degrees), draw(degrees)
        wkt = draw(st.sampled_from([box(w, s, w + 1, s + 1), box(w, s, w + 3, s + 2), None]))
        precision = draw(st.sampled_from(Precision))
        found.append(
            AreaOfInterest(iri=f"{X}a{number}", precision=precision, wkt=None if precision is Precision.GLOBAL else wkt)
        )
        found.append(Dataset(iri=X + draw(st.sampled_from(DATA)), footprints=(f"{X}a{number}",)))
    for number in range(draw(st.integers(0, 4))):
        part, whole = draw(st.sampled_from(DATA)), draw(st.sampled_from(DATA))
        if draw(st.booleans()):
            found.append(Dataset(iri=X + part, part_of=(X + whole,)))
        elif part != whole:
            found.append(
                Association(
                    iri=f"{X}in{number}",
                    subject=X + part,
                    object=X + whole,
                    kind=AssociationKind.PART_OF,
                    rule=Rule.STATED,
                    document=X + "doc",
                )
            )
    for _ in range(draw(st.integers(1, 5))):
        stage = draw(st.sampled_from([Stage.TEST, Stage.TRAINING, Stage.PRETRAINING]))
        found.append(use(draw(st.sampled_from("mno")), draw(st.sampled_from(DATA)), stage))
    return found


def plain_places(statements):
    """Where each dataset is, by the words of the documentation: pairs of whose area and how."""
    areas = {s.iri: s for s in statements if isinstance(s, AreaOfInterest)}
    own, parts, splits = {}, {}, {}
    for s in statements:
        if isinstance(s, Dataset):
            own.setdefault(s.iri, []).extend(areas[a] for a in s.footprints)
            for whole in s.part_of:
                parts.setdefault(whole, set()).add(s.iri)
                splits.setdefault(whole, set()).add(s.iri)
        elif isinstance(s, Association):
            parts.setdefault(s.object, set()).add(s.subject)
    tells = {d for d, found in own.items() if any(a.wkt or a.precision is Precision.GLOBAL for a in found)}

    def below(dataset, seen):
        for part in parts.get(dataset, ()):
            if part not in seen:
                seen.add(part)
                below(part, seen)
        return seen

    def above(dataset, seen):
        nearest = set()
        for whole in (w for w, ps in parts.items() if dataset in ps and w not in seen):
            nearest |= {whole} if whole in tells else above(whole, seen | {whole})
        return nearest

    places = {}
    for dataset in {X + d for d in DATA}:
        found = {(dataset, "own")} & {(d, "own") for d in tells}
        found |= {(part, "part") for part in below(dataset, {dataset}) - {dataset} if part in tells}
        wholes = above(dataset, {dataset})
        # Members of a whole may lie outside of what is drawn of it.
        members = {m for whole in wholes for m in parts.get(whole, set()) - splits.get(whole, set())}
        within = members.union(*(below(m, set()) for m in members)) & tells
        places[dataset] = found or {(iri, "inherited") for iri in wholes | within}
    return own, places, lambda dataset: {dataset} | below(dataset, {dataset})


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(statements(), st.tuples(degrees, degrees))
def test_any_catalog_answers_as_a_plain_reading_of_its_statements(found, corner):
    own, places, inside = plain_places(found)
    asked = shapely.box(*corner, corner[0] + 2, corner[1] + 2)
    with holding(*found) as catalog:
        for word, stages in STAGES_OF.items():
            expected = {}
            for s in found:
                if not isinstance(s, DataUse) or s.stage not in stages:
                    continue
                hits = {}
                for source, how in places[s.dataset]:
                    for area in own[source]:
                        if area.wkt and geo.overlap_km2(area.wkt, asked) > 0:
                            hits.setdefault((area.precision.value, source, how), set()).add(area.iri)
                sampled = {source for precision, source, _ in hits if precision == "samples"}
                # The box around them is left out; that of a part of which none is known is not.
                hits = {
                    (precision, source, how): areas
                    for (precision, source, how), areas in hits.items()
                    if precision == "samples" or not (sampled & inside(source) if how == "part" else sampled)
                }
                expected |= {(s.model, s.stage.value, s.dataset, *key): len(areas) for key, areas in hits.items()}
            answer = catalog.models(**{f"{word}_in": asked})
            assert {
                (r.model, r.stage, r.dataset, r.precision, r.footprint_of, r.how): r.areas for r in answer
            } == expected
            for row in answer:
                drawn = [a.wkt for a in own[row.footprint_of] if a.wkt and a.precision.value == row.precision]
                together = shapely.union_all(shapely.from_wkt(drawn))
                assert row.overlap_km2 == pytest.approx(geo.overlap_km2(together, asked), rel=1e-9)


# -- real catalogs ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def families():
    with Catalog.create(base="https://w3id.org/mlaoi/families/") as catalog:
        catalog.ingest(FAMILIES)
        yield catalog


def test_the_flood_in_bolivia_is_found_by_its_country(families):
    hits = [row for row in families.models(tested_in="BOL") if row.dataset == families.find("sen1floods11")]
    assert {row.label for row in hits} == {"AnySat base", "Galileo base"}
    assert {(row.precision, row.start) for row in hits} == {("region", "2018-02-15")}
    assert not [
        row
        for row in families.models(tested_in="BOL", during=("2019", "2020"))
        if row.dataset == families.find("sen1floods11")
    ]


def test_an_area_of_the_families_answers_itself(families):
    hits = families.models(tested_in="sen1floods11")
    assert max(row.share_of_aoi for row in hits if row.dataset == families.find("sen1floods11")) == pytest.approx(1)


def test_archives_of_the_families_are_never_wholly_covered(families):
    for word in STAGES_OF:
        hits = families.models(**{f"{word}_in": [-180, -90, 180, 90]})
        assert all(row.share_of_aoi < 1 for row in hits)
        assert "global" not in {row.precision for row in hits}


EUROSAT = SHARED / "stac/examples/ai-extensions-stac-data-loader/EuroSAT-subset"


@pytest.mark.skipif(not EUROSAT.exists(), reason="the EuroSAT-subset example is not here")
def test_no_two_splits_of_the_eurosat_subset_share_ground():
    with Catalog.create() as catalog:
        catalog.ingest(EUROSAT)
        footprints = catalog.footprints
        areas = footprints.areas(np.arange(len(footprints)))
        by_split = {
            s: np.array([a.row for a in areas if a.split == s and a.precision is Precision.SAMPLES])
            for s in ("train", "validate", "test")
        }
        assert all(len(rows) for rows in by_split.values())
        for one, other in (("train", "test"), ("train", "validate"), ("validate", "test")):
            pairs = geo.index.Index.of(footprints.geometries(by_split[one])).join(
                geo.index.Index.of(footprints.geometries(by_split[other]))
            )
            assert len(pairs[0]) == 0


# -- the area asked about ---------------------------------------------------------------------------------------------

POLYGON = {"type": "Polygon", "coordinates": [[[7, 46], [8, 46], [8, 47], [7, 47], [7, 46]]]}


@pytest.mark.parametrize(
    "what",
    [
        "7,46,8,47",
        " 7, 46, 8, 47 ",
        [7, 46, 8, 47],
        (7, 46, 0, 8, 47, 100),
        box(7, 46, 8, 47),
        "<http://www.opengis.net/def/crs/OGC/1.3/CRS84> " + box(7, 46, 8, 47),
        "SRID=4326;" + box(7, 46, 8, 47),
        "POLYGON Z ((7 46 1, 8 46 1, 8 47 1, 7 47 1, 7 46 1))",
        shapely.box(7, 46, 8, 47),
        POLYGON,
        json.dumps(POLYGON),
        {"type": "Feature", "geometry": POLYGON, "properties": {}},
        {"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": POLYGON}, {"type": "Feature", "geometry": None}]},
    ],
    ids=str,
)  # fmt: skip
def test_an_area_may_be_given_in_many_ways(what):
    assert area_of(what).km2 == pytest.approx(proj_km2(7, 46, 8, 47))


@pytest.mark.parametrize("name", ["a.geojson", "a.gpkg", "a.parquet", "utm.gpkg"])
def test_an_area_may_be_a_file(tmp_path, name):
    geopandas = pytest.importorskip("geopandas", reason="reading files other than GeoJSON needs geopandas")
    frame = geopandas.GeoDataFrame({"n": [1]}, geometry=[shapely.box(7, 46, 8, 47)], crs="OGC:CRS84")
    path = tmp_path / name
    if name.startswith("utm"):
        frame = frame.to_crs("EPSG:32632")
    if name.endswith(".parquet"):
        frame.to_parquet(path)
    elif name.endswith(".geojson"):
        path.write_text(frame.to_json())
    else:
        frame.to_file(path)
    for given_as in (path, str(path)):
        assert area_of(given_as).km2 == pytest.approx(proj_km2(7, 46, 8, 47), rel=1e-6)


@pytest.mark.parametrize("crs", ["EPSG:3035", "urn:ogc:def:crs:EPSG::32632"])
def test_a_file_of_geojson_in_another_system_is_transformed(tmp_path, crs):
    pytest.importorskip("geopandas", reason="GeoJSON of 2008 in another system needs geopandas")
    there = pyproj.Transformer.from_crs("OGC:CRS84", crs, always_xy=True)
    corners = shapely.segmentize(shapely.box(7, 46, 8, 47), 0.01)
    shape = shapely.geometry.mapping(shapely.transform(corners, there.transform, interleaved=False))
    features = [{"type": "Feature", "properties": {}, "geometry": shape}]
    collection = {
        "type": "FeatureCollection",
        "features": features,
        "crs": {"type": "name", "properties": {"name": crs}},
    }
    file = tmp_path / "a.geojson"
    file.write_text(json.dumps(collection))
    assert area_of(file).km2 == area_of(str(file)).km2 == pytest.approx(proj_km2(7, 46, 8, 47), rel=1e-5)
    for unknown in ("EPSG:99999", "somewhere", 4):
        collection["crs"]["properties"]["name"] = unknown
        file.write_text(json.dumps(collection))
        with pytest.raises(GeometryError):
            area_of(file)


@pytest.mark.parametrize("text", ["{}\n", "SRID=4326;{}", "<http://www.opengis.net/def/crs/OGC/1.3/CRS84> {}"])
def test_a_file_of_wkt_is_an_area(tmp_path, text):
    (tmp_path / "a.WKT").write_text(text.format(box(7, 46, 8, 47)))
    found = area_of(tmp_path / "a.WKT")
    assert (found.label, found.km2) == ("a.WKT", pytest.approx(proj_km2(7, 46, 8, 47)))
    for wrong in ("", "BOL", "SRID=3035;POINT (1 1)", "POLYGON ((0 0", "{}"):
        (tmp_path / "a.WKT").write_text(wrong)
        with pytest.raises(GeometryError):
            area_of(tmp_path / "a.WKT")


def test_what_is_from_anywhere_is_no_area_and_is_told_to_be_unbounded():
    world = AreaOfInterest(iri=X + "world", precision=Precision.GLOBAL)
    data = [Dataset(iri=X + "d", resolved=True, footprints=(X + "world",)), Dataset(iri=X + "a", archive=True)]
    with holding(*data, world, Model(iri=X + "m", declared_area=X + "world"), use("m", "a")) as catalog:
        for name in ("d", "a", "m", "world"):
            with pytest.raises(GeometryError, match="unbounded"):
                catalog.places.area_of(X + name)


def test_a_country_and_several():
    assert area_of("BOL").km2 == pytest.approx(1_098_581, rel=0.02)  # its official area
    assert area_of("LUX+BEL").km2 == pytest.approx(area_of("LUX").km2 + area_of("BEL").km2, rel=1e-6)


def test_a_dataset_a_split_and_an_area_of_a_catalog():
    part = Dataset(iri=X + "d/test", label="test part", part_of=(X + "d",))
    with holding(*placed("d", box(0, 0, 1, 1)), part, Dataset(iri=X + "none", label="none", resolved=True)) as catalog:
        km2 = proj_km2(0, 0, 1, 1)
        assert catalog.places.area_of("d").km2 == pytest.approx(km2)
        assert catalog.places.area_of(X + "d#area-samples-0").km2 == pytest.approx(km2)
        inherited = catalog.places.area_of("test part")
        assert inherited.km2 == pytest.approx(km2)
        assert inherited.notes[0].startswith("inherited")
        with pytest.raises(GeometryError, match="no footprint"):
            catalog.places.area_of("none")


@pytest.mark.parametrize(
    ("what", "note"),
    [
        ("POLYGON ((46 170, 47 170, 47 171, 46 170))", "swapped-axes"),
        ("46,170,47,171", "swapped-axes"),
        ("POLYGON ((0 0, 1 1, 1 0, 0 1, 0 0))", "self-crossing"),
        ("0,2,1,1", "bbox-order"),
        ("1,1,0,0", "bbox-order"),
        ("1,0,0,1", "antimeridian"),
        ("178,-20,182,-15", "longitude-wrapped"),
        ("-180,-90,180,90", "unbounded"),
        ("POINT (1 1)", "zero-area"),
        ("1,1,1,1", "zero-area"),
        ("LINESTRING (0 0, 1 1)", "zero-area"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1]]]}, "ring-not-closed"),
        ("POLYGON ((0 0, 1 0, 1 1))", "ring-not-closed"),
        ("MULTIPOLYGON (((0 0, 1 0, 1 1)), ((2 2, 3 2, 3 3, 2 2)))", "ring-not-closed"),
    ],
)
def test_what_is_mended_or_guessed_is_said(what, note):
    with holding(*placed("d", box(-5, -5, 5, 5)), use("m", "d")) as catalog:
        hits = catalog.models(tested_in=what)
        assert [said.partition(":")[0] for said in hits.notes][:1] == [note]


@pytest.mark.parametrize(
    ("what", "error"),
    [
        ("POLYGON EMPTY", GeometryError),
        ("POLYGON ((0 0", GeometryError),
        ("GEOMETRYCOLLECTION EMPTY", GeometryError),
        ('{"type": "Polygon"}', GeometryError),
        ('{"type": "FeatureCollection", "features": 3}', GeometryError),
        ("{", GeometryError),
        ("[" * 100_000, MlaoiError),
        ('{"a":' * 100_000, GeometryError),
        ("nan,0,1,1", GeometryError),
        ("500000,4000000,600000,5000000", GeometryError),
        ([1, 2, 3], GeometryError),
        ("POLYGON ((0 0, 1 0, 1 x, 0 0))", GeometryError),
        ("POLYGON ((0 0, 1 0))", GeometryError),
        ("1,2,3", SourceNotFound),
        ("nowhere.geojson", SourceNotFound),
        ("ZZZ", SourceNotFound),
        ({}, GeometryError),
    ],
)
def test_what_is_no_area_is_a_clear_error(what, error):
    with pytest.raises(error):
        area_of(what)


def test_what_is_no_area_is_told_what_forms_an_area_has():
    with holding(*placed("d", box(0, 0, 1, 1))) as catalog:
        with pytest.raises(
            NodeNotFound, match="An area is WKT, GeoJSON, west,south,east,north, a file, a country as Bolivia or BOL"
        ):
            catalog.models(tested_in="hello")
        for wrong in (None, 42, ["a", "b", "c", "d"], object()):
            with pytest.raises(GeometryError, match=r"is no area\. An area is WKT"):
                catalog.models(tested_in=wrong)
        with pytest.raises(GeometryError, match=r"SRID 3857.*Transform it to 4326"):
            catalog.models(tested_in="SRID=3857;POINT (1 1)")
        with pytest.raises(GeometryError, match=r"no WKT: Expected number.*Write it as POLYGON"):
            catalog.models(tested_in="POLYGON ((0 0, 1 0, 1 x, 0 0))")
        (mended,) = catalog.places.area_of("POLYGON ((0 0, 1 0, 1 1))").notes
        assert mended == "ring-not-closed: a ring's last position is not its first; closed"


def test_the_whole_world_is_an_area():
    with holding(*placed("d", box(0, 0, 1, 1)), use("m", "d")) as catalog:
        (hit,) = catalog.models(tested_in="-180,-90,180,90")
        assert hit.share_of_footprint == 1
        assert hit.share_of_aoi == pytest.approx(proj_km2(0, 0, 1, 1) / 510_065_621.724)


def test_a_million_vertices_are_answered():
    angle = np.linspace(0, 2 * np.pi, 1_000_000, endpoint=False)
    star = shapely.Polygon(0.99 * np.column_stack((np.cos(angle), np.sin(angle) * (1 + 0.1 * np.cos(1000 * angle)))))
    chips = [box(x / 10, y / 10, x / 10 + 0.05, y / 10 + 0.05) for x in range(-12, 12) for y in range(-12, 12)]
    with holding(*placed("d", *chips), use("m", "d")) as catalog:
        (hit,) = catalog.models(tested_in=star)
    shapely.prepare(star)
    assert hit.areas == shapely.intersects(star, shapely.from_wkt(chips)).sum()


# -- coverage ---------------------------------------------------------------------------------------------------------


def test_coverage_is_what_somebody_covers_and_the_rest():
    statements = [
        *placed("a", box(0, 0, 2, 1)), *placed("b", box(1, 0, 3, 1), precision=Precision.COUNTRY_LIST),
        Dataset(iri=X + "none", resolved=True),
        use("m", "a"), use("n", "a"), use("n", "b"), use("o", "none"),
    ]  # fmt: skip
    with holding(*statements) as catalog:
        found = coverage(catalog.places, "tested", "0,0,4,1")
        assert found.covered_km2 == pytest.approx(proj_km2(0, 0, 3, 1))
        assert found.uncovered_km2 == pytest.approx(proj_km2(3, 0, 4, 1))
        assert shapely.equals(found.uncovered, shapely.box(3, 0, 4, 1))
        assert [(r.model.removeprefix(X), r.covered_km2, r.precision, len(r.datasets)) for r in found.models()] == [
            ("n", pytest.approx(proj_km2(0, 0, 3, 1)), "country-list", 2),
            ("m", pytest.approx(proj_km2(0, 0, 2, 1)), "samples", 1),
        ]
        assert found.by_precision() == {
            "samples": pytest.approx(proj_km2(0, 0, 2, 1)),
            "declared-box": pytest.approx(proj_km2(0, 0, 2, 1)),
            "region": pytest.approx(proj_km2(0, 0, 2, 1)),
            "country-list": pytest.approx(proj_km2(0, 0, 3, 1)),
        }
        assert [row.model for row in found.unknown] == [X + "o"]


def test_coverage_by_country_adds_up_to_the_area():
    with holding(*placed("d", box(5, 45, 8, 48)), use("m", "d")) as catalog:
        found = coverage(catalog.places, "tested", "4,44,9,49")
        rows = {row.country: row for row in found.countries()}
        assert {"FRA", "CHE", "DEU", "ITA"} <= set(rows)
        assert sum(row.km2 for row in rows.values()) == pytest.approx(found.aoi.km2)
        assert sum(row.covered_km2 for row in rows.values()) == pytest.approx(found.covered_km2)
        assert {row.models for row in rows.values() if row.covered_km2} == {1}


COVERED = [
    *placed("far", box(-170, -60, -160, -50)),
    *placed("here", box(5, 45, 20, 48.5)),
    use("m", "far"),
    use("m", "here"),
]
OUTLINES = {code: shapely.from_wkt(countries.outline([code])) for code in sorted(countries.codes())}


@pytest.fixture(scope="module")
def somewhere_covered():
    with holding(*COVERED) as catalog:
        yield catalog.places


def flat_km2(shape):
    """The area of a shape by PROJ, in an equal-area projection; sides are straight in degrees."""
    flat = shapely.transform(shapely.segmentize(shape, 0.02), EQUAL_AREA.transform, interleaved=False)
    return shapely.area(flat) / 1e6


@settings(deadline=None, max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(-180, 170), st.integers(-90, 80), st.integers(1, 10), st.integers(1, 10))
@example(34, 17, 10, 2)
@example(129, 23, 2, 10)
@example(35, 33, 10, 10)
@example(-7, 31, 2, 10)
@example(5, 45, 9, 3)
def test_each_country_in_any_box_is_told_with_what_of_it_is_covered(somewhere_covered, west, south, width, height):
    """As shapely and PROJ have it, also where nobody covers anything, and where the box touches a border."""
    aoi = shapely.box(west, south, west + width, south + height)
    covered = shapely.intersection(aoi, shapely.box(5, 45, 20, 48.5)).union(
        shapely.intersection(aoi, shapely.box(-170, -60, -160, -50))
    )
    found = coverage(somewhere_covered, "tested", ",".join(map(str, aoi.bounds)))
    rows = {row.country: row for row in found.countries()}
    inside = {code: shapely.intersection(line, aoi) for code, line in OUTLINES.items() if shapely.intersects(line, aoi)}
    inside["(no country)"] = shapely.difference(aoi, shapely.union_all([*inside.values()]))
    expected = {code: (flat_km2(shape), shape) for code, shape in inside.items()}
    for code, (km2, shape) in expected.items():
        mine = flat_km2(shapely.intersection(shapely.buffer(shape, 0), covered))
        if km2 > 0.01:
            assert rows[code].km2 == pytest.approx(km2, rel=1e-5, abs=1e-3)
            assert rows[code].covered_km2 == pytest.approx(mine, rel=1e-5, abs=1e-3)
            if mine == 0 or mine > 0.01:
                assert rows[code].models == (mine > 0)
    assert rows.keys() <= {code for code, (km2, _) in expected.items() if km2}
    json.dumps(found.to_dict())


def test_the_sea_is_no_country():
    with holding(*placed("d", box(-31, 30, -30, 31)), use("m", "d")) as catalog:
        (row,) = coverage(catalog.places, "tested", "-32,30,-30,31").countries()
        assert (row.country, row.share) == ("(no country)", pytest.approx(0.5))


def test_a_gap_is_trained_here_and_never_tested_here():
    statements = [
        *placed("train", box(0, 0, 4, 1)), *placed("test", box(0, 0, 1, 1)), ModelFamily(iri=X + "f", label="f"),
        Model(iri=X + "m", label="m", family=X + "f"), Model(iri=X + "n", label="n", family=X + "f"), Model(iri=X + "o", label="o"),
        use("m", "train", Stage.TRAINING), use("n", "train", Stage.FINETUNING), use("n", "test"), use("o", "train"),
    ]  # fmt: skip
    with holding(*statements) as catalog:
        found = gap(catalog.places, "0,0,2,1", family="f")
        assert shapely.equals(found.geometry, shapely.box(1, 0, 2, 1))
        assert found.km2 == pytest.approx(proj_km2(1, 0, 2, 1))
        assert found.models == (X + "m",)
        # Without the family, another's test fills it.
        assert gap(catalog.places, "0,0,2,1").km2 == 0


def test_nothing_covers_nothing():
    with holding() as catalog:
        found = coverage(catalog.places, "tested", "0,0,1,1")
        assert (found.covered_km2, found.uncovered_km2) == (0, pytest.approx(proj_km2(0, 0, 1, 1)))
        assert found.to_geojson()["features"][0]["geometry"] is None


# -- other shapes -----------------------------------------------------------------------------------------------------


@pytest.fixture
def hits():
    statements = [
        *placed("d", box(178.5, -18, 179.5, -17), "POINT (179.2 -16.5)"),
        *placed("e", geo.from_bbox([179, -19, -179, -16]).wkt, precision=Precision.DECLARED_BOX),
        use("<b>m</b>", "d"), use("<b>m</b>", "e"),
    ]  # fmt: skip
    with holding(
        *[s for s in statements if not isinstance(s, DataUse)],
        use("m", "d"),
        use("m", "e"),
        Model(iri=X + "m", label="<b>&m"),
    ) as catalog:
        yield catalog.models(tested_in="178,-20,-178,-15")


def test_rows_as_geojson_and_frames(hits, tmp_path):
    features = hits.to_geojson()["features"]
    assert [f["properties"]["dataset"] for f in features] == [X + "d", X + "e"]
    assert json.loads(json.dumps(features))[1]["geometry"]["type"] == "MultiPolygon"
    geopandas = pytest.importorskip("geopandas", reason="GeoDataFrames need geopandas")
    pyarrow = pytest.importorskip("pyarrow.parquet", reason="GeoParquet needs pyarrow")
    frame = hits.to_geodataframe()
    assert frame.crs.to_authority() == ("OGC", "CRS84")
    assert list(frame.columns) == [*hits.columns, "geometry"]
    hits.to_geoparquet(tmp_path / "x.parquet")
    read = geopandas.read_parquet(tmp_path / "x.parquet")
    assert read.geometry.to_wkt().tolist() == frame.geometry.to_wkt().tolist()
    assert read["overlap_km2"].tolist() == [row.overlap_km2 for row in hits]
    # What readers of other languages prune by.
    assert json.loads(pyarrow.read_schema(tmp_path / "x.parquet").metadata[b"geo"])["columns"]["geometry"]["covering"]


def test_a_map_is_a_picture_that_loads_nothing(hits, tmp_path):
    hits.to_map(tmp_path / "x.svg")
    root = ET.parse(tmp_path / "x.svg").getroot()
    assert root.tag.endswith("svg")
    texts = [e.text for e in root.iter() if e.tag.endswith("text")]
    assert {"180°", "179°E", "179°W"} <= set(texts)  # one map across the antimeridian
    assert {"samples, one by one", "box the publisher declares"} <= set(texts)
    assert {"d: <b>&m", "e: <b>&m"} <= set(texts)
    hits.to_map(tmp_path / "x.html")
    page = (tmp_path / "x.html").read_text()
    assert "<b>&m" not in page
    assert not [word for word in ("src=", "href=", "@import", "url(http", "<script") if word in page]
    with pytest.raises(UnknownFormat, match="html"):
        hits.to_map(tmp_path / "x.docx")


def test_a_map_names_what_it_shows_and_says_how_much_more_there_is(tmp_path):
    names = [f"d{i}" for i in range(11)]
    statements = [s for name in names for s in placed(name, box(0, 0, 1, 1))]
    uses = [*(use("m", name) for name in names), *(use(f"n{i}", "d0") for i in range(3))]
    with holding(*statements, *uses) as catalog:
        catalog.models(tested_in="0,0,2,2").to_map(tmp_path / "x.svg")
        coverage(catalog.places, "tested", "0,0,2,2").to_map(tmp_path / "c.svg")
    for name in ("x.svg", "c.svg"):
        texts = [e.text for e in ET.parse(tmp_path / name).getroot().iter() if e.tag.endswith("text")]
        (line,) = [text for text in texts if text.startswith("d0: ")]
        assert line.startswith("d0: m, n0, 2 more; d1: m; ")
        assert line.endswith("and 3 more")


def test_a_map_of_a_country_on_both_sides_of_180_is_of_that_country():
    for code in ("USA", "FJI", "RUS"):
        w, _, e, _ = maps.Picture("", [], area_of(code).geometry, []).view()
        assert w < 180 < e, code
        assert e - w < 250, code
    for code in ("FRA", "BOL", "CHL"):
        w, _, e, _ = maps.Picture("", [], area_of(code).geometry, []).view()
        assert -180 < w < e < 30, code


def test_a_map_may_be_a_bitmap(hits, tmp_path):
    pytest.importorskip("matplotlib", reason="PNG maps need matplotlib")
    hits.to_map(tmp_path / "x.png")
    assert (tmp_path / "x.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_coverage_and_gaps_can_be_drawn(tmp_path):
    with holding(*placed("d", box(0, 0, 1, 1)), use("m", "d", Stage.TRAINING)) as catalog:
        coverage(catalog.places, "trained", "0,0,2,2").to_map(tmp_path / "c.svg")
        gap(catalog.places, "0,0,2,2").to_map(tmp_path / "g.svg")
    for name in ("c.svg", "g.svg"):
        assert ET.parse(tmp_path / name).getroot().tag.endswith("svg")


def test_a_point_has_no_ground_to_cover():
    with holding(*placed("d", box(0, 0, 1, 1)), use("m", "d", Stage.TRAINING)) as catalog:
        assert len(catalog.models(trained_in="POINT (0.5 0.5)")) == 1
        for ask in (lambda aoi: coverage(catalog.places, "trained", aoi), lambda aoi: gap(catalog.places, aoi)):
            with pytest.raises(GeometryError, match="no ground to cover"):
                ask("POINT (0.5 0.5)")


def test_coverage_and_gaps_as_frames(tmp_path):
    geopandas = pytest.importorskip("geopandas", reason="GeoDataFrames need geopandas")
    with holding(*placed("d", box(0, 0, 1, 1)), use("m", "d", Stage.TRAINING)) as catalog:
        answers = {
            "covered": (coverage(catalog.places, "trained", "0,0,2,1"), [[0, 0, 1, 1], [1, 0, 2, 1]]),
            "all": (coverage(catalog.places, "trained", "0,0,1,1"), [[0, 0, 1, 1], None]),
            "gap": (gap(catalog.places, "0,0,2,1"), [[0, 0, 1, 1]]),
        }
        for name, (answer, wanted) in answers.items():
            answer.to_geoparquet(tmp_path / name)
            frame = geopandas.read_parquet(tmp_path / name)
            assert [None if np.isnan(bounds).any() else bounds.tolist() for bounds in frame.bounds.to_numpy()] == wanted
            assert [f["properties"]["km2"] for f in answer.to_geojson()["features"]] == frame.km2.tolist()


@pytest.mark.parametrize("name", ["x.html", "x.svg", "x.png", "x.parquet"])
def test_a_file_that_cannot_be_written_leaves_none_and_says_so(hits, tmp_path, name):
    pytest.importorskip("matplotlib", reason="PNG maps need matplotlib")
    pytest.importorskip("geopandas", reason="GeoParquet needs geopandas")
    write = hits.to_geoparquet if name.endswith("parquet") else hits.to_map
    with pytest.raises(StoreError, match=rf"{name}: cannot be written \(.*\)\. Check the folder"):
        write(tmp_path / "none" / name)
    (tmp_path / name).mkdir()  # a folder of that name
    with pytest.raises(StoreError, match="cannot be written"):
        write(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_the_map_of_a_gap_names_whose_data_lie_in_it(tmp_path):
    with holding(
        *placed("here", box(0, 0, 1, 1)), *placed("there", box(1, 0, 2, 1)),
        use("m", "here", Stage.TRAINING), use("m", "there", Stage.TRAINING), use("other", "there", Stage.TEST),
    ) as catalog:  # fmt: skip
        gap(catalog.places, "0,0,2,2").to_map(tmp_path / "g.svg")
    words = " ".join(text.strip() for text in ET.parse(tmp_path / "g.svg").getroot().itertext() if text.strip())
    only, both = words.index("trained and never tested in"), words.index("tested in 0,0,2,2", 1)
    assert "here: m" in words
    assert "there: other" in words
    assert "there: m" not in words, (only, both)


# -- what an answer must not lose ---------------------------------------------------------------------------------


@pytest.mark.parametrize("side", [1e-6, 1e-5])
def test_an_area_of_less_than_a_square_metre_is_covered_by_what_holds_it(side):
    """1e-5 degrees squared at the equator are 1.2 m2, 1e-6 a hundredth of that."""
    catalog = holding(*placed("d", box(0, 0, 1, 1)), use("m", "d"))
    asked = f"0.5,0.5,{0.5 + side},{0.5 + side}"
    assert short(catalog.models(tested_in=asked)) == [("m", "d")]
    assert coverage(catalog.places, "tested", asked).covered_km2 == pytest.approx(proj_km2(0.5, 0.5, 0.5 + side, 0.5 + side), rel=1e-4)  # fmt: skip


def test_points_beside_areas_are_said_to_be_left_out():
    shapes = [shapely.box(5, 45, 6, 46), shapely.Point(0.5, 40.5)]
    features = [{"type": "Feature", "properties": {}, "geometry": shapely.geometry.mapping(s)} for s in shapes]
    found = area_of({"type": "FeatureCollection", "features": features})
    assert found.notes == ("mixed-geometry: 1 of 2 are points or lines beside areas; left out",)


@pytest.mark.parametrize("name", ["urn:ogc:def:crs:OGC:1.3:CRS84", "EPSG:4326", "urn:ogc:def:crs:EPSG::4326"])
def test_a_crs_of_degrees_is_what_it_is_anyway(name):
    shape = shapely.geometry.mapping(shapely.box(5, 45, 6, 46))
    assert area_of({**shape, "crs": {"type": "name", "properties": {"name": name}}}).km2 == pytest.approx(proj_km2(5, 45, 6, 46))  # fmt: skip


@pytest.mark.parametrize("name", ["EPSG:3035", "urn:ogc:def:crs:EPSG::32632", 4])
def test_another_crs_is_refused(name):
    shape = shapely.geometry.mapping(shapely.box(5, 45, 6, 46))
    with pytest.raises(GeometryError, match="crs"):
        area_of({**shape, "crs": {"type": "name", "properties": {"name": name}}})


def test_a_box_whose_samples_lie_elsewhere_covers_nothing_here():
    hole = "POLYGON ((0 0, 9 0, 9 9, 0 9, 0 0), (1 1, 1 8, 8 8, 8 1, 1 1))"
    bound = AreaOfInterest(iri=X + "d#extent", precision=Precision.DECLARED_BOX, wkt=box(0, 0, 9, 9))
    data, *areas = placed("d", hole)
    catalog = holding(replace(data, footprints=(*data.footprints, bound.iri)), *areas, bound, use("m", "d"))
    found = coverage(catalog.places, "tested", "4,4,5,5")
    assert [row.samples_elsewhere for row in found.hits] == [True]
    assert found.covered_km2 == 0
    assert found.notes == ("1 use not counted: samples known of the data lie elsewhere",)


def test_who_may_have_been_tested_here_is_not_said_not_to_have_been():
    """n's test may be anywhere; k was tested elsewhere."""
    catalog = holding(
        *placed("here", box(0, 0, 1, 1)), *placed("there", box(50, 0, 51, 1)),
        Dataset(iri=X + "nowhere", label="nowhere", resolved=True),
        *(use(name, "here", Stage.TRAINING) for name in ("n", "k")), use("n", "nowhere"), use("k", "there"),
    )  # fmt: skip
    found = gap(catalog.places, "0,0,1,1")
    assert (found.models, found.undecided) == ((X + "k",), (X + "n",))
    assert found.to_dict()["undecided"] == [X + "n"]


@pytest.mark.parametrize("disclosure", [None, Disclosure.PARTIAL, Disclosure.UNDISCLOSED, Disclosure.COMPLETE])
def test_a_model_of_whose_learning_nothing_is_recorded_may_have_learned_anywhere(disclosure):
    catalog = holding(
        *placed("d", box(0, 0, 1, 1)),
        Model(iri=X + "m", label="m", resolved=True, disclosure=disclosure),
        use("m", "d"),
    )
    for ask in ("trained_in", "exposed_in"):
        unknown = [row.model for row in catalog.models(**{ask: "0,0,1,1"}).unknown]
        assert unknown == ([] if disclosure is Disclosure.COMPLETE else [X + "m"])
    assert not catalog.models(tested_in="50,0,51,1").unknown


def test_documents_that_describe_many_areas_are_told():
    with holding(*placed("a", *(box(at, 0, at + 1, 1) for at in range(3))), *placed("b", box(0, 5, 1, 6))) as catalog:
        assert catalog.footprints.documents_of_more(3) == [X + "doc"]
        assert catalog.footprints.documents_of_more(4) == []


def test_further_drawings_of_an_area_are_those_beside_one_of_its_name():
    names = ["a", "b", "area-1", "area-2", "area-11", "a-much-longer-name-1", "a-much-longer-name-2"]
    with Catalog.create() as catalog:
        for document, shift, drawn in (("one", 0, names), ("two", 0.5, names[1::2]), ("three", 0.2, names[3:4])):
            more = {"wkt": box(shift, 0, shift + 1, 1), "precision": Precision.SAMPLES}
            areas = [AreaOfInterest(iri=X + name, **more) for name in drawn]
            catalog.store.replace({X + document: rdf.encode(areas)})
        rows = [area for area, _, _ in catalog.footprints.areas_named(np.arange(len(catalog.footprints)))]
        expected = [at for at in range(1, len(rows)) if rows[at] == rows[at - 1]]
        assert len(expected) == 4
        assert catalog.footprints.drawn_again.tolist() == expected
