"""What is known of places, against the graph it is made from, however that came to be."""

import numpy as np
import pytest
import shapely
from conftest import collection, model, sample
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mlaoi_graph import footprint_arrays, rdf
from mlaoi_graph.catalog import Catalog
from mlaoi_graph.errors import IndexDamaged
from mlaoi_graph.footprints import Footprints
from mlaoi_graph.geo import mapped
from mlaoi_graph.geo.mapped import Mapped
from mlaoi_graph.model import (
    AreaOfInterest,
    Association,
    AssociationKind,
    Dataset,
    DataUse,
    Model,
    ModelFamily,
    Precision,
    Rule,
    Stage,
)
from mlaoi_graph.samples import Samples
from mlaoi_graph.stores import open_store
from mlaoi_graph.times import earliest, instants
from mlaoi_graph.vocab import GEO, MLAOI

X = "https://example.com/"
BOXES = ["POLYGON ((0 0, 1 0, 1 1, 0 1, 0 0))", "POLYGON ((1 0, 2 0, 2 1, 1 1, 1 0))", "POINT (0.5 0.5)", None]


def said(footprints):
    """Everything the footprints say, row by row."""
    everything = np.arange(len(footprints))
    return footprints.areas(everything), shapely.to_wkt(footprints.geometries(everything)).tolist()


areas = st.builds(
    AreaOfInterest,
    iri=st.sampled_from([f"{X}a{n}" for n in range(4)]),
    precision=st.sampled_from(Precision),
    wkt=st.sampled_from(BOXES),
    start=st.sampled_from([None, "2019", "2020-06-01T00:00:00Z"]),
    end=st.sampled_from([None, "2019", "2021-01-01"]),
    split=st.sampled_from([None, "train"]),
)
datasets = st.builds(
    Dataset, iri=st.sampled_from([f"{X}d1", f"{X}d2"]), footprints=st.lists(st.sampled_from([f"{X}a{n}" for n in range(4)]), unique=True).map(tuple)
)  # fmt: skip
models = st.builds(Model, iri=st.just(f"{X}m"), declared_area=st.sampled_from([f"{X}a0", f"{X}a1"]))
documents = st.lists(areas | datasets | models, max_size=5)
changes = st.lists(st.tuples(st.sampled_from(["one", "two", "three"]), documents), max_size=8)


@settings(max_examples=100, deadline=None)
@given(changes)
def test_after_any_history_the_footprints_are_those_of_a_new_graph(history):
    store, last = open_store("memory"), {}
    for name, statements in history:  # an empty list removes the document
        store.replace({X + name: rdf.encode(statements)})
        last[X + name] = rdf.encode(statements)
    anew = open_store("memory")
    anew.replace({name: text for name, text in sorted(last.items()) if text})
    assert said(Footprints.of(store)) == said(Footprints.of(anew))


names = [f"{X}d1", f"{X}d2", f"{X}d3", f"{X}d4"]
areas_named = [f"{X}a{n}" for n in range(5)]
more_areas = st.builds(
    AreaOfInterest,
    iri=st.sampled_from(areas_named),
    precision=st.sampled_from(Precision),
    wkt=st.sampled_from([*BOXES, "MULTIPOLYGON (((0 0, 1 0, 1 1, 0 0)), ((5 5, 6 5, 6 6, 5 5)))", "no geometry"]),
    start=st.sampled_from([None, "2019", "2019-01-01", "soon"]),
    end=st.sampled_from([None, "2019", "2021-01-01"]),
    split=st.sampled_from([None, "train", "test"]),
)
more_datasets = st.builds(
    Dataset,
    iri=st.sampled_from(names),
    label=st.sampled_from([None, "Zebra", "ant", "Ant"]),
    part_of=st.lists(st.sampled_from(names), max_size=2, unique=True).map(tuple),
    footprints=st.lists(st.sampled_from(areas_named), max_size=3, unique=True).map(tuple),
    split=st.sampled_from([None, "train"]),
    archive=st.booleans(),
    resolved=st.sampled_from([None, True, False]),
)
more_models = st.builds(
    Model,
    iri=st.sampled_from([f"{X}m1", f"{X}m2", f"{X}d1"]),
    label=st.sampled_from([None, "Zebra", "ant"]),
    declared_area=st.sampled_from([None, *areas_named]),
)
members = st.builds(
    Association,
    iri=st.sampled_from([f"{X}w1", f"{X}w2"]),
    subject=st.sampled_from(names),
    object=st.sampled_from(names),
    kind=st.sampled_from(AssociationKind),
    rule=st.just(Rule.STATED),
    document=st.just(X + "one"),
)
uses = st.builds(
    DataUse,
    iri=st.sampled_from([f"{X}u{n}" for n in range(4)]),
    model=st.sampled_from([f"{X}m1", f"{X}m2", f"{X}f"]),
    dataset=st.sampled_from(names),
    stage=st.sampled_from([Stage.TEST, Stage.TRAINING]),
    rule=st.just(Rule.STATED),
    document=st.just(X + "one"),
    area=st.sampled_from([None, *areas_named]),
)
loose = st.sampled_from(
    [
        f'<{X}{g}> <{GEO.asWKT}> "{wkt}"^^<{GEO.wktLiteral}> .\n'
        for g in ("g1", "g2", "a1#geometry")
        for wkt in BOXES[:3]
    ]
    + [f"<{X}a{n}> <{GEO.hasGeometry}> <{X}g{m}> .\n" for n in (1, 2) for m in (1, 2)]
    + [f"<{X}d1> <{MLAOI.footprint}> <{X}a{n}> .\n" for n in (1, 2)]
    # What an update may write: an edge without a statement of it, a statement without an edge, an edge to no thing.
    + [f"<{X}m1> <{said}> <{X}d{n}> .\n" for said in (MLAOI.trainedOn, MLAOI.testedOn) for n in (1, 2)]
    + [
        f"<{X}u4> <{MLAOI.stage}> <{MLAOI.Test}> .\n<{X}u4> <{MLAOI.ofModel}> <{X}m1> .\n<{X}u4> <{MLAOI.ofDataset}> <{X}d1> .\n"
    ]
    + [f'<{X}m1> <{MLAOI.trainedOn}> "d1" .\n']
    + [f'<{X}d1> <{MLAOI.footprint}> <{X}one#s{n}> .\n<{X}one#s1> <{MLAOI.endDate}> "2020" .\n' for n in (1, 2)]
)
files = st.sampled_from([f"<{X}one> <{MLAOI.describes}> <{X}d{n}> .\n<{X}one> <{MLAOI.contentHash}> \"sha256:{h}\" .\n"
                         for n in (1, 2) for h in ("aa", "bb", "cc")])  # fmt: skip
statements = st.one_of(
    more_areas, more_areas, more_datasets, more_datasets, more_models, members, uses, st.builds(ModelFamily, iri=st.just(X + "f"), label=st.just("Bee"))
)  # fmt: skip
texts = st.tuples(st.lists(statements, max_size=6), st.lists(loose, max_size=3)).map(
    lambda both: rdf.encode(both[0]) + "".join(both[1])
)
one = st.tuples(texts, st.just("") | files).map("".join)
states = st.fixed_dictionaries({X + "one": one}, optional={X + name: texts for name in ("two", "three", "four")})


DRAWN = rdf.encode([AreaOfInterest(iri=X + "a1", precision=Precision.SAMPLES, wkt=BOXES[0])])
LOOSE = f'<{X}g1> <{GEO.asWKT}> "{BOXES[0]}"^^<{GEO.wktLiteral}> .\n'
FILED = f'<{X}one> <{MLAOI.describes}> <{X}d1> .\n<{X}one> <{MLAOI.contentHash}> "sha256:aa" .\n'


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    """Files of samples as a catalog keeps them, under their hashes."""
    folder = tmp_path_factory.mktemp("samples")
    for digest, west in (("aa", 0.0), ("bb", 5.0)):
        # The first is in two splits.
        shapes = shapely.box([west, west + 1, west], 0, [west + 1, west + 2, west + 1], 1)
        names, splits, times = ["s1", "s2", "s1"], ["train", "", "test"], ["2019", "", "2019"]
        made = Samples(digest, shapes, names, splits, times, times, repaired=0, left_out=0, id_again=0)
        mapped.write(folder / digest, made.arrays())
    return folder


@settings(max_examples=300, deadline=None)
@given(
    before=states,
    changed=st.fixed_dictionaries({X + "two": texts}, optional={X + "one": one, X + "three": texts, X + "five": texts}),
)
# What chance seldom brings together: a document that changes what another one describes.
@example(before={X + "one": DRAWN}, changed={X + "two": f'<{X}a1#geometry> <{GEO.asWKT}> "{BOXES[1]}"^^<{GEO.wktLiteral}> .\n'})  # fmt: skip
@example(before={X + "one": LOOSE}, changed={X + "two": f"<{X}a1> <{GEO.hasGeometry}> <{X}g1> .\n" + DRAWN})
@example(before={X + "one": LOOSE, X + "three": f"<{X}a1> <{GEO.hasGeometry}> <{X}g1> .\n", X + "two": DRAWN}, changed={X + "two": ""})  # fmt: skip
@example(before={X + "one": FILED}, changed={X + "two": f'<{X}one#s1> <{MLAOI.endDate}> "2020" .\n<{X}d1> <{MLAOI.footprint}> <{X}one#s1> .\n'})  # fmt: skip
@example(before={X + "one": DRAWN, X + "two": f"<{X}d1> <{MLAOI.footprint}> <{X}a1> .\n"}, changed={X + "two": ""})
def test_what_a_change_leaves_is_what_reading_it_all_gives(samples, before, changed):
    """Bytes and all, whatever documents say, before and after some of them came, changed or went."""
    old, new = open_store("memory"), open_store("memory")
    old.replace(before)
    new.replace(before)
    new.replace(changed)
    known = Mapped.in_memory(footprint_arrays.everything(old, samples))
    followed = footprint_arrays.updated(known, old, new, samples, set(changed))
    anew = footprint_arrays.everything(new, samples)
    assert {name: (a.dtype, a.shape) for name, a in followed.items()} == {n: (a.dtype, a.shape) for n, a in anew.items()}  # fmt: skip
    for name, array in anew.items():
        assert array.tobytes() == followed[name].tobytes(), name


@settings(max_examples=100, deadline=None)
@given(documents)
def test_footprints_say_what_the_statements_say(statements):
    store = open_store("memory")
    store.replace({X + "doc": rdf.encode(statements)})
    footprints = Footprints.of(store)
    stated = {s.iri for s in statements if isinstance(s, AreaOfInterest)}
    found = footprints.areas(np.arange(len(footprints)))
    assert {a.iri for a in found} == stated
    assert {(a.iri, a.wkt) for a in found if a.wkt} == {(s.iri, s.wkt) for s in statements if isinstance(s, AreaOfInterest) and s.wkt}  # fmt: skip
    for area in found:
        assert set(area.datasets) == {s.iri for s in statements if isinstance(s, Dataset) and area.iri in s.footprints}
        assert set(area.models) == {s.iri for s in statements if isinstance(s, Model) and area.iri == s.declared_area}
        assert area.documents == (X + "doc",)
    for iri in footprints.datasets:
        assert [a.iri for a in found if iri in a.datasets] == [a.iri for a in footprints.areas(footprints.rows_of(iri))]
    for iri in footprints.models:
        assert [a.iri for a in found if iri in a.models] == [
            a.iri for a in footprints.areas(footprints.declared_by(iri))
        ]


def test_a_use_that_is_limited_to_an_area_is_told():
    store = open_store("memory")
    use = DataUse(iri=X + "u", model=X + "m", dataset=X + "d", stage=Stage.TEST, rule=Rule.STATED, document=X + "doc", area=X + "a0")  # fmt: skip
    area = AreaOfInterest(iri=X + "a0", precision=Precision.REGION, wkt=BOXES[0])
    store.replace({X + "doc": rdf.encode([use, area])})
    footprints = Footprints.of(store)
    (row,) = footprints.areas(np.array([0]))
    assert row.uses == (X + "u",)
    assert row.datasets == ()


def test_a_geometry_that_belongs_to_no_area_has_a_row():
    store = open_store("memory")
    store.replace({X + "doc": f'<{X}g> <{GEO.asWKT}> "{BOXES[0]}"^^<{GEO.wktLiteral}> .\n'})
    footprints = Footprints.of(store)
    (row,) = footprints.areas(footprints.index.search(shapely.box(0, 0, 1, 1)))
    assert (row.iri, row.geometry, row.wkt, row.documents) == (None, X + "g", BOXES[0], ())


@pytest.mark.parametrize(
    "literal",
    [
        "<http://www.opengis.net/def/crs/EPSG/0/4326> POLYGON ((0 0, 1 0, 1 1, 0 0))",
        "POLYGON ((0 0, 1000 0, 1000 1000, 0 0))",
        "no geometry",
        "POLYGON EMPTY",
        "GEOMETRYCOLLECTION (" * 200_000,
    ],
)
def test_a_literal_that_is_no_place_in_crs84_keeps_its_row_and_is_not_found(literal):
    store = open_store("memory")
    store.replace({X + "doc": f'<{X}g> <{GEO.asWKT}> "{literal}"^^<{GEO.wktLiteral}> .\n'})
    footprints = Footprints.of(store)
    assert footprints.wkts(np.array([0])) == [literal]
    assert not footprints.has_geometry(np.array([0])).any()


def test_crs84_may_be_written_out():
    store = open_store("memory")
    literal = f"<http://www.opengis.net/def/crs/OGC/1.3/CRS84> {BOXES[0]}"
    store.replace({X + "doc": f'<{X}g> <{GEO.asWKT}> "{literal}"^^<{GEO.wktLiteral}> .\n'})
    footprints = Footprints.of(store)
    assert footprints.wkts(footprints.index.search(shapely.box(0, 0, 1, 1))) == [literal]


# -- beside a catalog -------------------------------------------------------------------------------------------------


@pytest.fixture
def source(write):
    return write(c=collection("c"), s=sample("s", split="train"), m=model("m"))


@pytest.fixture
def directory(source, tmp_path):
    with Catalog.create(tmp_path / "catalog") as catalog:
        catalog.ingest(source)
    return tmp_path / "catalog"


def kept(directory):
    return sorted(path.name for path in (directory / "snapshots").glob("*.footprints"))


def test_the_file_is_made_when_asked_for_and_opened_from_then_on(directory, monkeypatch):
    assert kept(directory) == []
    with Catalog.open(directory) as catalog:
        first = said(catalog.footprints)
    assert kept(directory) == ["1.footprints"]
    monkeypatch.setattr("mlaoi_graph.footprint_arrays.everything", None)
    with Catalog.open(directory) as catalog:
        assert said(catalog.footprints) == first


def test_an_ingest_and_a_removal_are_seen(directory, source, write):
    with Catalog.open(directory) as catalog:
        before = len(catalog.footprints)
        write(t=sample("t", split="test"))
        catalog.ingest(source)
        assert len(catalog.footprints) == before + 1
        assert kept(directory) == ["2.footprints"]
        catalog.remove(next(d.iri for d in catalog.documents() if d.iri.endswith("t.json")))
        assert len(catalog.footprints) == before


def test_the_file_follows_every_change_of_a_catalog(directory, source, write, monkeypatch):
    with Catalog.open(directory) as catalog:
        assert len(catalog.footprints) == 3
    monkeypatch.setattr("mlaoi_graph.footprint_arrays.everything", None)
    with Catalog.open(directory) as catalog:
        for change in ({"t": sample("t", split="test")}, {"s": sample("s", split="validate")}, {"c": collection("c", bbox=(0, 0, 1, 1))},
                       {"m": model("m", {"rel": "derived_from", "href": "c.json", "ml-aoi:split": "test"})}):  # fmt: skip
            catalog.ingest(write(**change))
            assert {a.iri for a in catalog.footprints.areas(np.arange(len(catalog.footprints)))} == {a.iri for a in catalog.areas()}  # fmt: skip
        assert [hit.how for hit in catalog.models(tested_in="7,46,7.05,46.05")] == ["own"]
        for document in sorted(d.iri for d in catalog.documents()):
            catalog.remove(document)
            assert len(catalog.footprints) == len(list(catalog.areas()))
        assert len(kept(directory)) == 1


def test_a_damaged_file_is_made_again(directory):
    with Catalog.open(directory) as catalog:
        first = said(catalog.footprints)
    path = directory / "snapshots/1.footprints"
    path.write_bytes(path.read_bytes()[:100])
    with Catalog.open(directory) as catalog:
        assert said(catalog.footprints) == first
    assert path.stat().st_size > 100


def test_damage_that_shows_later_is_an_error_that_says_what_to_do(directory):
    with Catalog.open(directory) as catalog:
        assert len(catalog.footprints)
    path = directory / "snapshots/1.footprints"
    good = path.read_bytes()
    at = good.index(b"POLYGON")
    path.write_bytes(good[:at] + b"X" + good[at + 1 :])
    with Catalog.open(directory) as catalog, pytest.raises(IndexDamaged, match="made again"):
        said(catalog.footprints)


def test_a_file_of_another_state_is_not_believed(directory, tmp_path, write):
    with Catalog.open(directory) as catalog:
        assert len(catalog.footprints)
    other = tmp_path / "other"
    with Catalog.create(other) as catalog:
        catalog.ingest(write(c=collection("c")))
    (other / "snapshots/1.footprints").write_bytes((directory / "snapshots/1.footprints").read_bytes())
    with Catalog.open(other) as catalog:
        found = catalog.footprints
        assert {a.iri for a in found.areas(np.arange(len(found)))} == {a.iri for a in catalog.areas()}


def test_a_directory_that_cannot_be_written_is_answered_from_memory(directory, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError("read-only")

    monkeypatch.setattr("mlaoi_graph.footprints.mapped.write", refuse)
    with Catalog.open(directory) as catalog:
        assert len(catalog.footprints)
    assert kept(directory) == []


# -- time -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("2020", 366 * 86400), ("2021-02", 28 * 86400), ("2021-12", 31 * 86400), ("2021-06-30", 86400), ("2021-06-30T12:00:00Z", 1e-6)],
)  # fmt: skip
def test_a_time_lasts_as_long_as_it_says(text, seconds):
    first, last = instants(text)
    assert last + 1 - first == seconds * 1e6


def test_an_instant_of_a_time_zone_is_that_of_utc():
    assert instants("2021-06-30T02:00:00+02:00") == instants("2021-06-30T00:00:00Z")


def test_the_earliest_is_of_instants_and_not_of_text():
    """23:30 in New York on the last of June is the first of July."""
    times = ["2024-06-30T23:30:00-05:00", "2024-07-01T00:00:00Z", "2024-07", "spring"]
    assert earliest(times) == "2024-07"
    assert earliest(times[:2]) == times[1]
    assert earliest(["spring"]) == "spring"
    assert earliest([]) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "2021-13",
        "2021-02-30",
        "20210",
        "yesterday",
        "2021-06-30T25:00:00Z",
        "2021-00",
        "21",
        "2021-1",
        "20210630",
        "2021-W26-7",
        "2021-06-31",
        pytest.param("x" * 10**6, id="long"),
    ],
)
def test_what_is_no_time_is_refused(text):
    with pytest.raises(ValueError, match="no time"):
        instants(text)


@pytest.mark.parametrize(
    ("start", "end", "during", "may", "unsure"),
    [
        ("2020", "2020", ("2020-12-31", "2021"), True, False),
        ("2020", "2020", ("2021", "2021"), False, False),
        ("2020", "2021-01-01T00:00:00Z", ("2021", "2021"), True, False),  # the instant is shared
        ("2020", None, ("2021", "2021"), True, True),
        ("2022", None, ("2021", "2021"), False, False),  # later, whenever it ends
        (None, None, ("2021", "2021"), True, True),
        (None, "2020", ("2021", "2021"), False, False),
    ],
)
def test_time_spans_are_closed_and_a_side_not_said_is_unsure(start, end, during, may, unsure):
    store = open_store("memory")
    area = AreaOfInterest(iri=X + "a", precision=Precision.SAMPLES, wkt=BOXES[0], start=start, end=end)
    store.replace({X + "doc": rdf.encode([area])})
    found = Footprints.of(store).in_time(np.array([0]), during)
    assert [bool(answer[0]) for answer in found] == [may, unsure]


def test_a_window_that_ends_before_it_begins_is_refused():
    with pytest.raises(ValueError, match="earlier time first"):
        Footprints.of(open_store("memory")).in_time(np.array([]), ("2021", "2020"))
