"""Samples in a file beside the graph answer as the same samples in it."""

import datetime
import json

import numpy as np
import pytest
import shapely
from conftest import collection, link, model, sample
from typer.testing import CliRunner

from mlaoi_graph.catalog import Catalog
from mlaoi_graph.cli.app import app
from mlaoi_graph.errors import GeometryError, NodeNotFound, SourceNotFound, StoreError

pa = pytest.importorskip("pyarrow", reason="GeoParquet needs pyarrow")
pq = pytest.importorskip("pyarrow.parquet", reason="GeoParquet needs pyarrow")
CHIPS = {
    "a": ("train", 7.0, "2020"),
    "b": ("train", 7.5, "2020"),
    "c": ("test", 7.2, "2021"),
    "d": ("test", 9.0, "2021"),
}


def square(west):
    return shapely.box(west, 46.0, west + 0.3, 46.3)


def parquet(path, rows, crs=None, **columns):
    """Write rows of id, split, geometry and year as stac-geoparquet has them."""
    ids, splits, shapes, years = zip(*rows, strict=True)
    table = pa.table(
        {
            "id": list(ids),
            "ml-aoi:split": list(splits),
            "datetime": [datetime.datetime(int(year), 6, 1, tzinfo=datetime.UTC) for year in years],
            "geometry": shapely.to_wkb(np.array(shapes, dtype=object)).tolist(),
        }
        | columns
    )
    details = {"encoding": "WKB", "geometry_types": []} | ({} if crs is None else {"crs": crs})
    about = {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": details}}
    pq.write_table(table.replace_schema_metadata({b"geo": json.dumps(about).encode()}), path)
    return path


@pytest.fixture
def file(tmp_path):
    return parquet(
        tmp_path / "chips.parquet", [(name, split, square(w), year) for name, (split, w, year) in CHIPS.items()]
    )


LINKS = [{"rel": "derived_from", "href": "c.json", "ml-aoi:split": split} for split in ("train", "test")]


@pytest.fixture
def directory(write, tmp_path):
    with Catalog.create(tmp_path / "catalog") as catalog:
        catalog.ingest(write(c=collection("c", bbox=(5, 40, 12, 50)), m=model("m", *LINKS)))
    return tmp_path / "catalog"


def answers(catalog):
    return [
        (word, asked, row.dataset, row.how, row.precision, row.areas, row.overlap_km2, row.in_time)
        for word in ("trained_in", "tested_in", "exposed_in")
        for asked in ("7,46,7.4,47", "8.9,45,9.5,47", "11,41,11.5,42")
        for row in catalog.models(**{word: asked}, during=("2021", "2021"))
    ]


def test_samples_in_a_file_answer_as_those_in_the_graph(directory, file, write, tmp_path):
    with Catalog.open(directory) as catalog:
        report = catalog.add_samples("c", file)
        assert (report.samples, report.splits, report.left_out) == (4, {"test": 2, "train": 2}, 0)
        beside = answers(catalog)
        areas = catalog.counts().areas
    items = {}
    for name, (split, west, year) in CHIPS.items():
        items[f"i-{name}"] = sample(name, "c", split=split, datetime=f"{year}-06-01T00:00:00Z")
        items[f"i-{name}"] |= {"geometry": shapely.geometry.mapping(square(west)), "bbox": list(square(west).bounds)}
    with Catalog.create(tmp_path / "other") as catalog:
        catalog.ingest(write(c=collection("c", bbox=(5, 40, 12, 50)), m=model("m", *LINKS), **items))
        inside = answers(catalog)
        # The graph has an outline for each split, and not the samples.
        assert areas == catalog.counts().areas - len(CHIPS) + 2
    strip = [row for row in beside if row[4] == "samples"]
    assert strip == [row for row in inside if row[4] == "samples"] != []


def test_an_outline_that_lies_there_without_a_sample_says_so(directory, file):
    with Catalog.open(directory) as catalog:
        catalog.add_samples("c", file)
        (hit,) = catalog.models(tested_in="8,46.1,8.1,46.2")
        assert (hit.precision, hit.samples_elsewhere) == ("declared-box", True)


def test_the_file_may_go_and_the_samples_stay_until_their_document_is_removed(directory, file):
    with Catalog.open(directory) as catalog:
        report = catalog.add_samples("c", file)
    file.unlink()
    for path in (directory / "snapshots").glob("*.footprints"):
        path.unlink()
    with Catalog.open(directory) as catalog:
        assert [row.precision for row in catalog.models(tested_in="8.9,45,9.5,47")] == ["samples"]
        catalog.remove(report.document)
        assert [row.precision for row in catalog.models(tested_in="8.9,45,9.5,47")] == ["declared-box"]


def test_a_file_of_the_same_name_replaces_it(directory, file):
    with Catalog.open(directory) as catalog:
        catalog.add_samples("c", file)
        parquet(file, [("z", "test", square(11.0), "2021")])
        catalog.add_samples("c", file)
        assert [row.areas for row in catalog.models(tested_in="10.9,45,11.5,47") if row.precision == "samples"] == [1]
        assert not [row for row in catalog.models(tested_in="8.9,45,9.5,47") if row.precision == "samples"]


def test_what_is_no_place_is_left_out_and_said(directory, tmp_path):
    bow = shapely.Polygon([(7, 46), (7.3, 46.3), (7.3, 46), (7, 46.3)])
    rows = [
        ("good", None, square(7.0), "2020"), ("null", None, None, "2020"), ("bow", None, bow, "2020"),
        ("metres", None, shapely.box(500_000, 0, 600_000, 9), "2020"), ("uncut", None, shapely.box(-179, 0, 179, 1), "2020"),
    ]  # fmt: skip
    with Catalog.open(directory) as catalog:
        report = catalog.add_samples("c", parquet(tmp_path / "x.parquet", rows))
        assert (report.samples, report.repaired, report.left_out) == (2, 1, 3)


@pytest.mark.parametrize(
    "shapes",
    [
        [shapely.Polygon([(7, 0), (7, 1), (8, 1), (8, 0), (7, 0)])] * 2,
        [shapely.force_3d(square(west), 0.0) for west in (7.0, 9.0)],
        [shapely.force_3d(square(7.0), 0.0), square(9.0)],
        [shapely.Point(7, 0), shapely.Point(0, 0)],
    ],
    ids=["on the equator", "flat", "some with a height", "points"],
)
def test_a_geometry_that_ends_in_zeros_is_read(directory, tmp_path, shapes):
    # Their WKB ends in zero bytes, and no row is without a geometry.
    rows = [(f"{n}", "train", shape, "2020") for n, shape in enumerate(shapes)]
    with Catalog.open(directory) as catalog:
        report = catalog.add_samples("c", parquet(tmp_path / "x.parquet", rows))
        assert (report.samples, report.left_out) == (2, 0)
        rows = [catalog.footprints.rows_of_area(f"{report.document}#{n}")[0] for n in range(2)]
        assert shapely.equals(catalog.footprints.geometries(np.array(rows)), shapely.force_2d(shapes)).all()


def kinds(catalog):
    return [(row.kind, row.verdict.value) for row in catalog.leakage("m") if row.precision == "samples"]


def test_an_id_that_is_in_two_splits_is_one_sample_of_both(directory, tmp_path):
    rows = [("a", "train", square(7.0), "2020"), ("a", "test", square(7.0), "2020"), ("z", "test", square(9), "2020")]
    with Catalog.open(directory) as catalog:
        report = catalog.add_samples("c", parquet(tmp_path / "x.parquet", rows))
        assert (report.samples, report.in_several_splits, report.id_again) == (2, 1, 0)
        assert report.splits == {"train": 1, "test": 2}
        assert kinds(catalog) == [("same-samples", "yes")]


def test_an_id_that_is_used_again_for_another_sample_loses_none(directory, tmp_path):
    rows = [("a", "train", square(7.0), "2020"), ("a", "train", square(9), "2020"), ("a", "train", square(9), "2021"),
            ("a~2", "train", square(11.0), "2020"), ("t", "test", square(7.0), "2020")]  # fmt: skip
    with Catalog.open(directory) as catalog:
        report = catalog.add_samples("c", parquet(tmp_path / "x.parquet", rows))
        assert (report.samples, report.in_several_splits, report.id_again) == (5, 0, 3)
        assert kinds(catalog) == [("place-and-time", "yes")]
        found = [catalog.places.datasets(f"{west},45,{west + 0.1},47") for west in (7.1, 9.1, 11.1)]
        assert [[row.areas for row in hits if row.precision == "samples"] for hits in found] == [[1, 1], [2], [1]]


def test_a_row_that_is_there_twice_counts_once(directory, tmp_path):
    rows = [("a", "train", square(7.0), "2020")] * 2 + [("outline-train", "train", square(9.0), "2020")]
    with Catalog.open(directory) as catalog:
        report = catalog.add_samples("c", parquet(tmp_path / "x.parquet", rows))
        assert (report.samples, report.in_several_splits, report.id_again) == (2, 0, 1)
        assert [row.areas for row in catalog.models(trained_in="6,45,12,47") if row.precision == "samples"] == [2]


@pytest.mark.parametrize("rows", [[], [("null", "train", None, "2020")]])
def test_a_file_without_a_sample_is_no_place(directory, tmp_path, rows):
    names = pa.array([name for name, *_ in rows], pa.string())
    table = pa.table({"id": names, "geometry": pa.array([None] * len(rows), pa.binary())})
    pq.write_table(table.replace_schema_metadata({b"geo": b'{"primary_column": "geometry", "columns": {}}'}), tmp_path / "x.parquet")  # fmt: skip
    with Catalog.open(directory) as catalog:
        before = len(catalog.footprints)
        # A row without a place is somewhere all the same: an area without one stands for it.
        expected = (0, before + bool(rows))
        assert (catalog.add_samples("c", tmp_path / "x.parquet").samples, len(catalog.footprints)) == expected


def test_an_outline_across_the_antimeridian_does_not_go_round_the_world(directory, tmp_path):
    rows = [("east", None, shapely.box(179, 0, 180, 1), "2020"), ("west", None, shapely.box(-180, 0, -179, 1), "2020")]
    with Catalog.open(directory) as catalog:
        catalog.add_samples("c", parquet(tmp_path / "x.parquet", rows))
        assert not len(catalog.places.datasets("-10,0,4,1"))


def test_what_cannot_be_added(directory, file, tmp_path):
    with Catalog.create() as catalog, pytest.raises(StoreError, match="directory"):
        catalog.add_samples("c", file)
    (tmp_path / "no.parquet").write_text("no")
    other = parquet(
        tmp_path / "utm.parquet", [("a", None, square(7.0), "2020")], crs={"id": {"authority": "EPSG", "code": 32632}}
    )
    with Catalog.open(directory) as catalog:
        for dataset, path, error in (
            ("nobody", file, NodeNotFound), ("m", file, NodeNotFound), ("c", tmp_path / "none.parquet", SourceNotFound),
            ("c", tmp_path / "no.parquet", GeometryError), ("c", other, GeometryError),
        ):  # fmt: skip
            with pytest.raises(error):
                catalog.add_samples(dataset, path)
        assert len(catalog.footprints) == 2


# -- files that documents link to --------------------------------------------------------------------------------------


def linking(*hrefs, **fields):
    """Return a collection of data with assets that say that they are Parquet."""
    assets = {f"chips{n}": {"href": href, "type": "application/vnd.apache.parquet"} for n, href in enumerate(hrefs)}
    return collection("c", bbox=(5, 40, 12, 50), assets=assets, **fields)


def found_in(catalog, west, east):
    return [row.areas for row in catalog.models(tested_in=f"{west},45,{east},47") if row.precision == "samples"]


def rules(report):
    return {finding.rule for finding in report.findings.kept if finding.rule not in ("other-files", "schema")}


@pytest.fixture
def source(write, file, tmp_path):
    folder = write(c=linking("./chips.parquet"), m=model("m", *LINKS))
    file.rename(folder / "chips.parquet")
    return folder


def test_a_file_a_collection_links_to_is_read_with_it(source, tmp_path, file):
    with Catalog.create(tmp_path / "linked") as catalog:
        report = catalog.ingest(source)
        assert (report.read, report.failed, rules(report)) == (3, 0, set())
        linked = answers(catalog)
        assert catalog.ingest(source).unchanged == 3
    with Catalog.create(tmp_path / "added") as catalog:
        catalog.ingest(source)
        catalog.remove(next(d.iri for d in catalog.documents() if "#samples-" in d.iri))
        assert found_in(catalog, 8.9, 9.5) == []
        catalog.add_samples("c", source / "chips.parquet")
        assert linked == answers(catalog) != []


TYPES = [
    {"type": "application/x-parquet; profile=geo"}, {"type": "application/x-geoparquet"}, {},
    {"type": ["application/vnd.apache.parquet"]}, {"type": "application/octet-stream"},
]  # fmt: skip


@pytest.mark.parametrize("said", TYPES, ids=str)
@pytest.mark.parametrize("rel", ["samples", "items", "data", None])
def test_what_says_so_by_its_type_or_its_name_is_read(source, write, rel, said, tmp_path):
    by = {"href": "chips.parquet"} | said
    write(c=collection("c", {"rel": rel} | by) if rel else collection("c", assets={"a": by}))
    with Catalog.create(tmp_path / "linked") as catalog:
        report = catalog.ingest(source)
        assert found_in(catalog, 8.9, 9.5) == [1]
        assert "other-files" not in {finding.rule for finding in report.findings.kept}


NOT_READ = {
    "no href": {"assets": {"a": {"type": "application/x-parquet"}}},
    "an href that is null": {"assets": {"a": {"href": None, "type": "application/x-parquet"}}},
    "an asset that is text": {"assets": {"a": "chips.parquet"}},
    "assets in a list": {"assets": [{"href": "chips.parquet"}]},
    "a file of samples that is GeoJSON": {"links": [link("samples", "s.geojson", type="application/geo+json")]},
    "a file of samples that is not there": {"links": [link("samples", "gone")]},
}


@pytest.mark.parametrize("how", NOT_READ.values(), ids=NOT_READ)
def test_samples_spoken_of_in_no_file_that_can_be_read_are_told_and_may_be_anywhere(write, catalog, how):
    used = [link("derived_from", "c.json"), link("lineage:evaluated_on", "far.json")]
    far = collection("far", bbox=(50, 0, 51, 1))
    documents = {"m": model("m", *used, **{"lineage:disclosure": "complete"}), "far": far}
    catalog.ingest(write(**documents, c=collection("c")))
    assert catalog.leakage("m").totals()["no"] == 1
    report = catalog.ingest(write(c=collection("c") | how))
    assert rules(report) == {"samples-not-read"}
    assert [row.what for row in catalog.leakage("m").unchecked] == ["some-samples"]


def test_an_asset_that_is_none_and_names_no_parquet_loses_no_sample(write, catalog):
    assert rules(catalog.ingest(write(c=collection("c", assets={"a": None, "b": "x.png"})))) == set()


def test_a_file_that_changed_or_went_is_followed_and_the_old_one_is_not_kept(source, write, tmp_path):
    with Catalog.create(tmp_path / "linked") as catalog:
        catalog.ingest(source)
        (before,) = (tmp_path / "linked/samples").iterdir()
        parquet(source / "chips.parquet", [("z", "test", square(11.0), "2021")])
        report = catalog.ingest(source)
        assert (report.read, report.unchanged) == (1, 2)
        assert (found_in(catalog, 8.9, 9.5), found_in(catalog, 10.9, 11.5)) == ([], [1])
        (after,) = (tmp_path / "linked/samples").iterdir()
        assert before != after
        catalog.ingest(write(c=collection("c", bbox=(5, 40, 12, 50))))
        assert found_in(catalog, 10.9, 11.5) == []
        assert list((tmp_path / "linked/samples").iterdir()) == []


def test_a_file_somebody_still_reads_stays(source, tmp_path):
    with Catalog.create(tmp_path / "linked") as catalog:
        catalog.ingest(source)
        with Catalog.open(tmp_path / "linked") as reader:
            parquet(source / "chips.parquet", [("z", "test", square(11.0), "2021")])
            catalog.ingest(source)
            assert len(list((tmp_path / "linked/samples").iterdir())) == 2
            assert found_in(reader, 8.9, 9.5) == [1]
        catalog.remove(next(d.iri for d in catalog.documents() if d.iri.endswith("m.json")))
        assert len(list((tmp_path / "linked/samples").iterdir())) == 1


def test_a_file_that_is_broken_now_leaves_what_was_there(source, write, tmp_path):
    with Catalog.create(tmp_path / "linked") as catalog:
        catalog.ingest(source)
        (source / "chips.parquet").write_text("no")
        for title in (None, "changed"):
            write(c=linking("./chips.parquet", title=title) if title else linking("./chips.parquet"))
            report = catalog.ingest(source)
            assert (report.failed, rules(report)) == (1, {"samples-not-read"})
            assert found_in(catalog, 8.9, 9.5) == [1]


def test_what_is_linked_to_and_cannot_be_read_is_a_finding(source, write, tmp_path):
    pq.write_table(pa.table({"a": [1]}), source / "table.parquet")
    (source / "broken.parquet").write_text("no")
    parquet(tmp_path / "outside.parquet", [("a", None, square(7.0), "2020")])
    hrefs = {
        "table.parquet": "a table without geometries", "broken.parquet": "no Parquet file", "none.parquet": "no such file",
        "../outside.parquet": "outside of the source's folder", "https://example.com/far.parquet": "the network is off",
        "s3://bucket/chips.parquet": "cannot be opened", "nul\0.parquet": "no such file",
    }  # fmt: skip
    write(c=linking(*hrefs))
    with Catalog.create(tmp_path / "linked") as catalog:
        report = catalog.ingest(source)
        told = {f.pointer: f.message for f in report.findings.kept if f.pointer.startswith("/assets")}
        assert len(told) == len(hrefs)
        for message, words in zip(told.values(), hrefs.values(), strict=True):
            assert words in message
        # Of the two files, and of what is missing.
        assert sum(document.iri.endswith("#/unread") for document in catalog.documents()) == 1
        assert len(list(catalog.documents())) == 3


def test_doubtful_rows_of_a_file_that_is_linked_to_are_a_finding(source, tmp_path):
    rows = [("a", split, square(west), "2020") for split, west in (("train", 7.0), ("test", 7.0), ("test", 9.0))]
    parquet(source / "chips.parquet", rows)
    with Catalog.create(tmp_path / "linked") as catalog:
        told = [f.message for f in catalog.ingest(source).findings.kept if f.rule == "samples-doubtful"]
        assert told == ["of the rows of ./chips.parquet 1 with the id of another sample, kept apart; 1 in more than one split"]  # fmt: skip
        assert kinds(catalog) == [("same-samples", "yes")]


def test_a_row_with_a_time_that_is_none_is_told(source, tmp_path):
    parquet(source / "chips.parquet", [("a", "train", square(7.0), "2020")], datetime=pa.array(["last summer"]))
    with Catalog.create(tmp_path / "linked") as catalog:
        (told,) = (f.message for f in catalog.ingest(source).findings.kept if f.rule == "samples-doubtful")
        assert told == "of the rows of ./chips.parquet 1 with a time that is none, taken as not known"


def test_a_file_too_large_to_be_read_unasked_is_left_alone(source, tmp_path, monkeypatch):
    monkeypatch.setattr("mlaoi_graph.readers.stac.samples._MOST_BYTES", 10)
    with Catalog.create(tmp_path / "linked") as catalog:
        report = catalog.ingest(source)
        assert ["mlaoi-graph samples" in f.message for f in report.findings.kept if f.rule == "samples-not-read"] == [True]  # fmt: skip


def test_a_catalog_in_memory_keeps_the_outlines_and_says_so(source):
    with Catalog.create() as catalog:
        assert rules(catalog.ingest(source)) == {"samples-not-kept"}
        assert [row.samples_elsewhere for row in catalog.models(tested_in="8.9,45,9.5,47")] == [False]


def test_on_the_command_line(directory, file):
    result = CliRunner().invoke(app, ["samples", str(directory), "c", str(file)], catch_exceptions=False)
    assert (
        result.stdout == "https://w3id.org/mlaoi/local/documents/samples/chips.parquet: 4 samples (2 test, 2 train)\n"
    )
    result = CliRunner().invoke(
        app, ["areas", str(directory), "--bbox", "8.9,45,9.5,47", "--json"], catch_exceptions=False
    )
    assert [row["precision"] for row in json.loads(result.stdout)["rows"]] == ["samples"]
    result = CliRunner().invoke(app, ["areas", str(directory), "--bbox", "8,46.1,8.1,46.2"], catch_exceptions=False)
    assert "declared-box, samples elsewhere" in result.stdout
