"""The index of geometries against shapely on each pair, and against files that are not what was written."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from mlaoi_graph import geo
from mlaoi_graph.errors import GeometryError, IndexDamaged
from mlaoi_graph.geo import index, mapped
from mlaoi_graph.geo.index import Index

# Whole and half degrees, so that edges and corners touch often.
numbers = st.integers(-20, 20).map(lambda n: n / 2)


@st.composite
def shapes(draw):
    kind = draw(st.sampled_from(["box", "triangle", "many", "point", "line", "none", "empty"]))
    if kind == "none":
        return None
    if kind == "empty":
        return shapely.Polygon()
    x, y = draw(numbers), draw(numbers)
    if kind == "point":
        return shapely.Point(x, y)
    w, h = draw(st.integers(1, 8)) / 2, draw(st.integers(1, 8)) / 2
    if kind == "line":
        return shapely.LineString([(x, y), (x + w, y + draw(st.sampled_from([0, h])))])
    if kind == "triangle":
        return shapely.Polygon([(x, y), (x + w, y), (x, y + h)])
    if kind == "many":
        return shapely.MultiPolygon([shapely.box(x, y, x + w, y + h), shapely.box(x + w + 1, y, x + w + 2, y + h)])
    return shapely.box(x, y, x + w, y + h)


def share(a, b):
    """Whether two geometries' insides share a point, by DE-9IM."""
    return a is not None and b is not None and shapely.relate(a, b)[0] != "F"


def ring(count):
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return shapely.Polygon(np.column_stack((3 * np.cos(angle), 4 * np.sin(angle) * (1 + 0.2 * np.cos(9 * angle)))))


@settings(max_examples=150, deadline=None)
@given(st.lists(shapes(), max_size=25), shapes().filter(lambda s: s is not None))
def test_a_search_finds_what_shapely_finds_one_by_one(rows, area):
    found = Index.of(rows).search(area)
    assert found.tolist() == [i for i, row in enumerate(rows) if share(row, area)]
    assert set(found) <= set(Index.of(rows).candidates(area.bounds)) if not area.is_empty else not len(found)


@settings(max_examples=60, deadline=None)
@given(st.lists(shapes(), max_size=25), st.sampled_from([300, 3000]))
def test_an_area_of_many_vertices_gives_the_same_in_tiles(rows, vertices):
    area = ring(vertices)
    found, km2 = Index.of(rows).overlaps(area)
    assert found.tolist() == [i for i, row in enumerate(rows) if share(row, area)]
    for row, shared in zip(found, km2, strict=True):
        assert shared == pytest.approx(geo.overlap_km2(rows[row], area), rel=1e-9, abs=1e-9)


@settings(max_examples=100, deadline=None)
@given(st.lists(shapes(), max_size=12), st.lists(shapes(), max_size=12))
def test_a_join_gives_the_pairs_and_their_areas(left, right):
    a, b = Index.of(left), Index.of(right)
    rows, others = a.join(b)
    assert list(zip(rows.tolist(), others.tolist(), strict=True)) == [
        (i, j) for i, x in enumerate(left) for j, y in enumerate(right) if share(x, y)
    ]
    shared = [geo.overlap_km2(left[i], right[j]) for i, j in zip(rows, others, strict=True)]
    assert a.overlap_km2(rows, b, others) == pytest.approx(shared, rel=1e-9, abs=1e-9)
    assert set(zip(*a.join(b), strict=True)) <= set(zip(*a.join_candidates(b), strict=True))


def test_a_footprint_cut_at_the_antimeridian_is_not_found_on_the_other_side_of_the_world():
    fiji = shapely.from_wkt(geo.from_bbox([178, -20, -178, -16]).wkt)
    found = Index.of([fiji])
    assert found.candidates((-10, -20, 10, -16)).tolist() == []
    assert found.candidates((179, -18, 180, -17)).tolist() == [0]
    rows, km2 = found.overlaps(shapely.box(-179, -20, -178, -16))
    # A quarter of it: one of four degrees of longitude.
    assert rows.tolist() == [0]
    assert km2[0] == pytest.approx(found.areas_km2(rows)[0] / 4)


def test_touching_is_not_found_and_slivers_of_rounding_share_nothing():
    found = Index.of([shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1), shapely.box(1 - 1e-12, 0, 2, 1)])
    assert found.search(shapely.box(0, 0, 1, 1)).tolist() == [0, 2]
    assert found.overlaps(shapely.box(0, 0, 1, 1))[0].tolist() == [0]


def test_a_box_that_holds_another_is_found_from_either_side():
    small, large = shapely.box(4, 4, 5, 5), shapely.box(0, 0, 9, 9)
    for asked, other in ((small, large), (large, small)):
        rows, km2 = Index.of([other]).overlaps(asked)
        assert rows.tolist() == [0]
        assert km2[0] == pytest.approx(geo.area_km2(small))


def test_points_and_lines_are_found_inside_and_share_no_area():
    rows = [
        shapely.Point(1, 1),
        shapely.Point(0, 1),
        shapely.LineString([(0, 0), (0, 2)]),
        shapely.LineString([(-1, 1), (9, 1)]),
    ]
    found, km2 = Index.of(rows).overlaps(shapely.box(0, 0, 2, 2))
    assert found.tolist() == [0, 3]
    assert km2.tolist() == [0, 0]


def test_heights_are_dropped():
    (shape,) = Index.of([shapely.from_wkt("POLYGON Z ((0 0 5, 1 0 5, 1 1 5, 0 0 5))")]).geometries(np.array([0]))
    assert not shape.has_z


def test_an_area_that_is_not_valid_is_refused():
    with pytest.raises(GeometryError, match="not valid"):
        Index.of([]).search(shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)]))


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    path = tmp_path_factory.mktemp("index") / "some.index"
    index.build(path, shapely.box(*np.random.default_rng(1).uniform([0, 0, 1, 1], [1, 1, 2, 2], (3000, 4)).T))
    return path


def read(path):
    opened = index.open(path)
    everything = np.arange(len(opened))
    return opened.search(shapely.box(0, 0, 1, 1)).tolist(), opened.geometries(everything), opened.bounds(everything)


def test_what_was_written_is_read(written):
    found, geometries, bounds = read(written)
    assert len(found) == len(geometries) == len(bounds) == 3000


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_changed_byte_is_an_error_and_never_another_answer(written, tmp_path_factory, data):
    good = written.read_bytes()
    place = data.draw(st.integers(0, len(good) - 1))
    bad = bytearray(good)
    bad[place] ^= data.draw(st.integers(1, 255))
    path = tmp_path_factory.mktemp("bad") / "bad.index"
    path.write_bytes(bad)
    try:
        answer = read(path)
    except IndexDamaged:
        return
    # A byte between two arrays, or of one that nothing asked for.
    assert all(np.array_equal(a, b) for a, b in zip(answer, read(written), strict=True))


@pytest.mark.parametrize("size", [0, 1, 19, 20, 500, 100_000])
def test_a_file_cut_short_is_an_error(written, tmp_path, size):
    path = tmp_path / "cut.index"
    path.write_bytes(written.read_bytes()[:size])
    with pytest.raises(IndexDamaged, match=r"cut\.index: damaged"):
        index.open(path)


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(IndexDamaged, match=r"none\.index"):
        index.open(tmp_path / "none.index")


def test_a_write_that_fails_leaves_what_was_there(written, tmp_path):
    path = tmp_path / "x.index"
    path.write_bytes(b"before")
    with pytest.raises(AttributeError):
        mapped.write(path, {"a": np.arange(3), "b": None})
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]
