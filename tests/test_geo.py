"""Footprints against numbers by hand, PROJ's geodesics and the antimeridian library."""

import json
import math
from collections import OrderedDict
from itertools import pairwise
from pathlib import Path

import antimeridian
import numpy as np
import pytest
import shapely
from hypothesis import assume, given
from hypothesis import strategies as st
from pyproj import Geod

from mlaoi_graph.errors import GeometryError
from mlaoi_graph.geo import (
    Footprint,
    area_km2,
    areas_km2,
    from_bbox,
    from_extent,
    from_geojson,
    overlap_km2,
)

WGS84 = Geod(ellps="WGS84")
EARTH_KM2 = 510065621.724  # WGS 84, NIMA TR8350.2
EXAMPLES = Path(__file__).parents[2] / "shared/stac/examples"


def polygon(*rings):
    return {"type": "Polygon", "coordinates": [[list(position) for position in ring] for ring in rings]}


def box(w, s, e, n):
    return [(w, s), (e, s), (e, n), (w, n), (w, s)]


def rules(footprint):
    return [problem.rule for problem in footprint.problems]


def shape(footprint):
    found = shapely.from_wkt(footprint.wkt)
    assert found.is_valid
    return found


def same_place(footprint, expected):
    """Equal but for 1e-9 square degrees, whatever the order of positions."""
    return shapely.symmetric_difference(shape(footprint), expected).area < 1e-9


# --- area -----------------------------------------------------------------------------------------


def geod_km2(corners, per_edge):
    """PROJ's geodesic polygon through points along straight longitude latitude edges."""
    share = np.arange(per_edge)[:, None] / per_edge
    dense = np.concatenate([np.array(a) + share * (np.array(b) - np.array(a)) for a, b in pairwise(corners)])
    return abs(WGS84.polygon_area_perimeter(*dense.T)[0]) / 1e6


@pytest.mark.parametrize(
    "corners",
    [
        box(0, 0, 1, 1),
        box(7, 46, 8, 47),
        box(-20, 70, 60, 85),
        box(178, -18, 180, -16),
        [(7, 46), (9, 46.5), (8, 49), (7, 46)],
        [(-100, -60), (40, 10), (-30, 70), (-100, -60)],
        [(0, -90), (30, 90), (-10, 40), (0, -90)],
    ],
)
def test_area_equals_a_geodesic_polygon_that_follows_the_same_edges(corners):
    assert area_km2(shapely.Polygon(corners)) == pytest.approx(geod_km2(corners, 5000), rel=1e-6)


def test_the_cell_is_bounded_by_a_parallel_and_not_by_a_geodesic():
    # PROJ gives 12308.778 for the four corners alone: its northern edge bulges 4.2 m over the parallel.
    assert geod_km2(box(0, 0, 1, 1), 1) == pytest.approx(12308.778, abs=5e-4)
    # By hand, a^2 q(1 degree) / 2 * pi / 180, Snyder 3-12.
    assert area_km2(shapely.box(0, 0, 1, 1)) == pytest.approx(12308.464, abs=5e-4)


def test_small_chips_have_their_geodesic_area():
    chip = box(2.4985361608415744, 48.703692437637415, 2.507286518111776, 48.70949761401809)
    assert area_km2(shapely.Polygon(chip)) == pytest.approx(geod_km2(chip, 1), rel=1e-6)
    ten_metres = box(7.0001, 46.0001, 7.0002, 46.0002)
    assert area_km2(shapely.Polygon(ten_metres)) == pytest.approx(geod_km2(ten_metres, 1), rel=1e-6)


@pytest.mark.parametrize(
    ("wkt", "share"),
    [
        ("POLYGON ((-180 -90, 180 -90, 180 90, -180 90, -180 -90))", 1),
        ("POLYGON ((-180 0, 180 0, 180 90, -180 90, -180 0))", 1 / 2),
        ("POLYGON ((0 0, 90 0, 90 90, 0 90, 0 0))", 1 / 8),
        ("POLYGON ((0 0, 0 90, 90 90, 90 0, 0 0))", 1 / 8),
        ("POLYGON ((0 0, 90 0, 90 90, 0 90, 0 0), (30 0, 60 0, 60 90, 30 90, 30 0))", 1 / 12),
        ("POLYGON ((0 0, 90 0, 90 90, 0 90, 0 0), (30 0, 30 90, 60 90, 60 0, 30 0))", 1 / 12),
        ("MULTIPOLYGON (((0 0, 90 0, 90 90, 0 90, 0 0)), ((0 0, 0 -90, -90 -90, -90 0, 0 0)))", 1 / 4),
        ("GEOMETRYCOLLECTION (POINT (1 1), MULTIPOLYGON (((0 0, 90 0, 90 90, 0 90, 0 0))))", 1 / 8),
        ("GEOMETRYCOLLECTION (GEOMETRYCOLLECTION (POLYGON ((0 0, 90 0, 90 90, 0 90, 0 0))))", 1 / 8),
        ("POLYGON Z ((0 0 5, 90 0 5, 90 90 5, 0 90 5, 0 0 5))", 1 / 8),
        ("LINESTRING (0 0, 90 0)", 0),
        ("POINT (0 0)", 0),
        ("POLYGON EMPTY", 0),
    ],
)
def test_shares_of_the_globe(wkt, share):
    assert area_km2(wkt) == pytest.approx(EARTH_KM2 * share, rel=1e-9)


def test_areas_of_many_equal_areas_of_each():
    many = [shapely.box(x, x, x + 2, x + 1).difference(shapely.Point(x + 1, x + 0.5).buffer(0.1)) for x in range(50)]
    many[7] = shapely.Point(0, 0)
    many[8] = shapely.MultiPolygon([many[9], many[20]])
    assert areas_km2(many) == pytest.approx([area_km2(one) for one in many], rel=1e-12)
    assert areas_km2([]).tolist() == []


@given(
    st.floats(-179, 178),
    st.floats(-89, 88),
    st.floats(0.001, 1),
    st.floats(0.001, 1),
    st.floats(0.1, 0.9),
)
def test_parts_add_up_to_the_whole(w, s, width, height, cut):
    e, n, middle = w + width, s + height, w + cut * width
    whole = area_km2(shapely.box(w, s, e, n))
    parts = area_km2(shapely.box(w, s, middle, n)) + area_km2(shapely.box(middle, s, e, n))
    assert parts == pytest.approx(whole, rel=1e-9)


# --- overlap --------------------------------------------------------------------------------------


def test_overlap():
    alps = "POLYGON ((7 46, 8 46, 8 47, 7 47, 7 46))"
    half = "POLYGON ((7.5 46, 9 46, 9 47, 7.5 47, 7.5 46))"
    assert overlap_km2(alps, half) == pytest.approx(area_km2(alps) / 2, rel=1e-9)
    assert overlap_km2(alps, shapely.from_wkt(alps)) == area_km2(alps)
    assert overlap_km2(alps, "POINT (7.5 46.5)") == 0
    assert overlap_km2(alps, "POLYGON ((20 46, 21 46, 21 47, 20 47, 20 46))") == 0


def test_touching_is_no_overlap_even_along_a_slanted_edge():
    # The same edge with different positions on it: GEOS finds slivers of 1e-15 square degrees.
    a, b = np.array([7.1, 46.3]), np.array([8.7, 47.9])
    upper = shapely.Polygon([a, *(a + t * (b - a) for t in (0.31, 0.57, 0.83)), b, (7, 48)])
    lower = shapely.Polygon([a, *(a + t * (b - a) for t in (0.2, 0.4, 0.7)), b, (9, 46)])
    assert overlap_km2(upper, lower) == 0


def test_wkt_that_cannot_be_used_is_our_error():
    with pytest.raises(GeometryError, match="no WKT"):
        area_km2("POLYGON ((7 46")
    with pytest.raises(GeometryError, match="too many collections"):
        area_km2("GeometryCollection(" * 200_000 + "POINT (0 0)" + ")" * 200_000)
    bow_tie = "POLYGON ((0 0, 2 2, 2 0, 0 2, 0 0))"
    with pytest.raises(GeometryError, match="make_valid"):
        overlap_km2(bow_tie, "POLYGON ((0 0, 1 0.1, 1 1.5, 0 1, 0 0))")


# --- plain geometries -----------------------------------------------------------------------------


def test_numbers_come_back_as_the_same_floats():
    corners = [(0.1, 1e-7), (2.507286518111776, 48.70949761401809), (-1e-300, 1 / 3), (0.1, 1e-7)]
    for geometry in (
        polygon(corners),
        {"type": "MultiPolygon", "coordinates": [polygon(corners)["coordinates"]]},
    ):
        footprint = from_geojson(geometry)
        assert footprint.problems == ()
        assert shapely.get_coordinates(shape(footprint)).tolist() == [list(p) for p in corners]
    assert from_bbox([0.1, 1e-7, 1 / 3, 1]).wkt.startswith("POLYGON ((0.1 1e-07, 0.3333333333333333 1e-07,")


def test_holes_elevations_and_parts_are_kept_or_dropped():
    with_hole = from_geojson(polygon(box(0, 0, 9, 9), box(1, 1, 2, 2)))
    assert with_hole.problems == ()
    assert shape(with_hole).area == 80
    high = {"type": "Polygon", "coordinates": [[[0, 0, 5], [1, 0, 5], [1, 1, 5], [0, 1, 5], [0, 0, 5]]]}
    assert from_geojson(high) == from_geojson(polygon(box(0, 0, 1, 1)))
    two = {"type": "MultiPolygon", "coordinates": [[box(0, 0, 1, 1)], [box(2, 2, 3, 3)]]}
    assert shape(from_geojson(two)).geom_type == "MultiPolygon"


@pytest.mark.parametrize(
    ("kind", "coordinates", "wkt"),
    [
        ("Point", [7, 46], "POINT (7.0 46.0)"),
        ("Point", [7, 46, 400], "POINT (7.0 46.0)"),
        ("MultiPoint", [[7, 46], [8, 47]], "MULTIPOINT ((7.0 46.0), (8.0 47.0))"),
        ("LineString", [[7, 46], [8, 47]], "LINESTRING (7.0 46.0, 8.0 47.0)"),
        (
            "MultiLineString",
            [[[7, 46], [8, 47]], [[1, 1], [2, 2]]],
            "MULTILINESTRING ((7.0 46.0, 8.0 47.0), (1.0 1.0, 2.0 2.0))",
        ),
    ],
)
def test_points_and_lines_are_places_too(kind, coordinates, wkt):
    assert from_geojson({"type": kind, "coordinates": coordinates}) == Footprint(wkt, False, ())


def test_of_a_collection_the_polygons_are_kept():
    geometries = [{"type": "Point", "coordinates": [50, 50]}, polygon(box(0, 0, 1, 1))]
    nested = {"type": "GeometryCollection", "geometries": [polygon(box(5, 5, 6, 6))]}
    footprint = from_geojson({"type": "GeometryCollection", "geometries": [*geometries, nested]})
    assert [problem.rule for problem in footprint.problems] == ["mixed-kinds"]
    assert footprint.problems[0].message == "of a collection the polygons count; 1 other part is left out"
    assert same_place(footprint, shapely.box(0, 0, 1, 1).union(shapely.box(5, 5, 6, 6)))
    assert from_geojson({"type": "GeometryCollection", "geometries": [geometries[1], nested]}).problems == ()
    line = {"type": "LineString", "coordinates": [[0, 0], [1, 1]]}
    (told,) = from_geojson({"type": "GeometryCollection", "geometries": [line, geometries[0]]}).problems
    assert (told.rule, told.message[:25]) == ("mixed-kinds", "of a collection the lines")


# --- what is refused ------------------------------------------------------------------------------

NAN = float("nan")


@pytest.mark.parametrize(
    ("geometry", "rule"),
    [
        (None, "null-geometry"),
        ({}, "geometry-type"),
        ([], "geometry-type"),
        ("POINT (1 2)", "geometry-type"),
        ({"type": ["Polygon"]}, "geometry-type"),
        ({"type": "Feature", "geometry": None}, "geometry-type"),
        ({"type": "Polygon"}, "geometry-type"),
        ({"type": "Polygon", "coordinates": None}, "geometry-type"),
        ({"type": "Polygon", "coordinates": box(0, 0, 1, 1)}, "geometry-type"),
        ({"type": "Polygon", "coordinates": [["ab", "cd", "ef", "ab"]]}, "geometry-type"),
        ({"type": "Polygon", "coordinates": [[[0], [1], [2], [0]]]}, "geometry-type"),
        ({"type": "Point", "coordinates": ["7", "46"]}, "geometry-type"),
        ({"type": "Point", "coordinates": [True, 46]}, "geometry-type"),
        ({"type": "Point", "coordinates": [7]}, "geometry-type"),
        ({"type": "GeometryCollection", "geometries": 3}, "geometry-type"),
        ({"type": "Polygon", "coordinates": []}, "empty-geometry"),
        ({"type": "Polygon", "coordinates": [[]]}, "empty-geometry"),
        ({"type": "MultiPolygon", "coordinates": []}, "empty-geometry"),
        ({"type": "Point", "coordinates": []}, "empty-geometry"),
        ({"type": "LineString", "coordinates": []}, "empty-geometry"),
        ({"type": "GeometryCollection", "geometries": []}, "empty-geometry"),
        ({"type": "Point", "coordinates": [NAN, 46]}, "not-finite"),
        ({"type": "Point", "coordinates": ["NaN", 46]}, "not-finite"),
        ({"type": "Point", "coordinates": [7, "-Infinity"]}, "not-finite"),
        ({"type": "Point", "coordinates": [None, None]}, "not-finite"),
        (polygon([(0, 0), (1, 0), (1, NAN), (0, 1), (0, 0)]), "not-finite"),
        (polygon([(0, 0), (1, 0), (1, 1), (0, math.inf), (0, 0)]), "not-finite"),
        ({"type": "Point", "coordinates": [10**400, 46]}, "out-of-range"),
        ({"type": "Point", "coordinates": [700, 46]}, "out-of-range"),
        # sentinel-hub/stac-ml-example publishes EPSG:3035 metres, a TrainingDML-AI file Web Mercator's.
        (polygon(box(3855873.8, 3078475.5, 3865873.8, 3088475.5)), "out-of-range"),
        (polygon(box(1560160, 5176338, 1560170, 5176348)), "out-of-range"),
        (polygon([(0, 0), (1, 1), (0, 0)]), "ring-too-short"),
        (polygon([(5, 5), (5, 5), (5, 5), (5, 5), (5, 5)]), "ring-too-short"),
        (polygon([(0, 0), (1, 1), (2, 2), (0, 0)]), "ring-too-short"),
        ({"type": "LineString", "coordinates": [[1, 1], [1, 1]]}, "line-too-short"),
    ],
)
def test_no_footprint_and_why(geometry, rule):
    footprint = from_geojson(geometry)
    assert (footprint.wkt, footprint.unbounded, rules(footprint)) == (None, False, [rule])


def test_nesting_deeper_than_the_interpreter_is_only_a_wrong_type():
    lists = []
    collections = {"type": "Point", "coordinates": [7, 46]}
    for _ in range(100_000):
        lists = [lists]
        collections = {"type": "GeometryCollection", "geometries": [collections]}
    for kind in ("Point", "LineString", "Polygon", "MultiPolygon"):
        assert rules(from_geojson({"type": kind, "coordinates": lists})) == ["geometry-type"]
    assert rules(from_bbox(lists)) == ["bbox-type"]
    assert rules(from_extent(lists)) == ["bbox-type"]
    assert from_geojson(collections).wkt == "POINT (7.0 46.0)"


# --- what is repaired -----------------------------------------------------------------------------


def test_an_open_ring_is_closed():
    footprint = from_geojson(polygon(box(0, 0, 1, 1)[:-1]))
    assert rules(footprint) == ["ring-not-closed"]
    assert same_place(footprint, shapely.box(0, 0, 1, 1))


def test_a_short_hole_or_part_is_left_out():
    hole = from_geojson(polygon(box(0, 0, 9, 9), [(1, 1), (2, 2), (1, 1)]))
    assert rules(hole) == ["hole-too-short"]
    assert same_place(hole, shapely.box(0, 0, 9, 9))
    part = from_geojson({"type": "MultiPolygon", "coordinates": [[[[1, 1], [1, 1]]], [box(0, 0, 9, 9)]]})
    assert rules(part) == ["ring-too-short"]
    assert same_place(part, shapely.box(0, 0, 9, 9))


def test_crossing_rings_are_repaired():
    bow_tie = from_geojson(polygon([(0, 0), (2, 2), (2, 0), (0, 2), (0, 0)]))
    assert rules(bow_tie) == ["self-crossing"]
    assert shape(bow_tie).area == 2  # two triangles of base 2 and height 1
    spike = from_geojson(polygon([(0, 0), (4, 0), (4, 4), (2, 4), (2, 6), (2, 4), (0, 4), (0, 0)]))
    assert rules(spike) == ["self-crossing"]
    assert same_place(spike, shapely.box(0, 0, 4, 4))
    overlapping = from_geojson({"type": "MultiPolygon", "coordinates": [[box(0, 0, 2, 1)], [box(1, 0, 3, 1)]]})
    assert rules(overlapping) == ["self-crossing"]
    assert same_place(overlapping, shapely.box(0, 0, 3, 1))


def test_a_star_of_ten_thousand_crossings_is_repaired():
    turn = np.arange(202) * 2 * np.pi * 100 / 201
    star = from_geojson(polygon(np.column_stack((10 + np.cos(turn), 40 + np.sin(turn))).tolist()))
    assert "self-crossing" in rules(star)
    assert shape(star).bounds == pytest.approx((9, 39, 11, 41), abs=1e-3)


def test_a_tangle_is_refused_at_once():
    tangle = np.random.default_rng(1).uniform(-80, 80, (20_000, 2)).tolist()
    footprint = from_geojson(polygon([*tangle, tangle[0]]))
    assert (footprint.wkt, rules(footprint)) == (None, ["self-crossing"])
    strips = [[box(x / 50, -80, x / 50 + 0.01, 80)] for x in range(2000)]
    strips += [[box(-80, y / 50, 80, y / 50 + 0.01)] for y in range(2000)]
    footprint = from_geojson({"type": "MultiPolygon", "coordinates": strips})
    assert (footprint.wkt, rules(footprint)) == (None, ["self-crossing"])


def test_a_ring_of_a_million_positions():
    turn = np.linspace(0, 2 * np.pi, 1_000_000)
    ring = np.column_stack((10 + np.cos(turn), 40 + np.sin(turn)))
    ring[-1] = ring[0]
    footprint = from_geojson({"type": "Polygon", "coordinates": [ring.tolist()]})
    assert footprint.problems == ()
    assert shapely.from_wkt(footprint.wkt).area == pytest.approx(math.pi)


@pytest.mark.parametrize("geometry", [polygon(box(45, 100, 46, 101)), {"type": "Point", "coordinates": [45, 100]}])
def test_latitude_longitude_is_turned(geometry):
    footprint = from_geojson(geometry)
    assert rules(footprint) == ["swapped-axes"]
    assert shape(footprint).bounds[:2] == (100, 45)


def test_reprojection_noise_is_no_problem():
    footprint = from_geojson(polygon(box(179, 89, 180.00000000000003, 90.00000000000001)))
    assert footprint.problems == ()
    assert shape(footprint).bounds == (179, 89, 180, 90)
    assert from_bbox([-180.0000001, -90.0000001, -179, -89]) == Footprint(
        "POLYGON ((-180.0 -90.0, -179.0 -90.0, -179.0 -89.0, -180.0 -89.0, -180.0 -90.0))", False, ()
    )


# --- the world ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "world",
    [
        [-180, -90, 180, 90],
        [-179.999, -89.999, 179.999, 89.999],
        [-179.9, -89.9, 179.9, 89.9],
        [-180, -90, 0, 180, 90, 8000],
        [0, -90, 360, 90],
    ],
)
def test_the_world_is_unbounded(world):
    half = len(world) // 2
    corners = box(*world[:2], *world[half : half + 2])
    with_more_corners = [*corners[:1], (0, corners[0][1]), *corners[1:]]
    for footprint in (
        from_bbox(world),
        from_extent([world]),
        from_geojson(polygon(corners)),
        from_geojson(polygon(corners[::-1])),
        from_geojson(polygon(with_more_corners)),
    ):
        assert footprint.wkt is None
        assert footprint.unbounded
        assert rules(footprint)[-1] == "unbounded"


def test_the_world_with_latitude_first():
    for footprint in (from_bbox([-90, -180, 90, 180]), from_geojson(polygon(box(-90, -180, 90, 180)))):
        assert footprint.unbounded
        assert rules(footprint) == ["swapped-axes", "unbounded"]


@pytest.mark.parametrize(
    ("w", "s", "e", "n"),
    [(-180, -60, 180, 85), (-179.8, -90, 180, 90), (-170, -60, 175, 80), (-100, 0, 100, 1)],
)
def test_less_than_the_world_is_a_footprint_in_one_piece(w, s, e, n):
    for footprint in (from_bbox([w, s, e, n]), from_geojson(polygon(box(w, s, e, n)))):
        assert footprint.problems == ()
        assert same_place(footprint, shapely.box(w, s, e, n))


def test_a_clockwise_box_of_nearly_the_world_is_no_sliver():
    footprint = from_geojson(polygon(box(-175, -60, 175, 80)[::-1]))
    assert same_place(footprint, shapely.box(-175, -60, 175, 80))
    hull = [(-170, -60), (0, -70), (170, -60), (170, 80), (-170, 80), (-170, -60)]
    footprint = from_geojson(polygon(hull))
    assert rules(footprint) == ["antimeridian"]
    assert same_place(footprint, shapely.Polygon(hull))


def test_spots_all_over_the_world_are_not_the_world():
    corners = [[box(-180, -90, -179, -89)], [box(179, 89, 180, 90)]]
    assert from_geojson({"type": "MultiPolygon", "coordinates": corners}).problems == ()


# --- antimeridian and poles -----------------------------------------------------------------------

FIJI = [(178, -18), (-178, -18), (-178, -16), (178, -16), (178, -18)]
# Positions on the antimeridian, written on either side of it.
FIJI_TWICE_ON_180 = [
    *[(178, -18), (180, -18), (-180, -18), (-178, -18)],
    *[(-178, -16), (-180, -16), (180, -16), (178, -16), (178, -18)],
]
FIJI_PARTS = shapely.box(178, -18, 180, -16).union(shapely.box(-180, -18, -178, -16))


@pytest.mark.parametrize(
    ("footprint", "expected"),
    [
        (from_bbox([178, -18, -178, -16]), []),
        (from_bbox([178, -18, 0, -178, -16, 9]), []),
        (from_bbox([178, -18, 182, -16]), ["longitude-wrapped"]),
        (from_bbox([-182, -18, -178, -16]), ["longitude-wrapped"]),
        (
            from_geojson(
                {
                    "type": "MultiPolygon",
                    "coordinates": [[box(178, -18, 180, -16)], [box(-180, -18, -178, -16)]],
                }
            ),
            [],
        ),
        (from_geojson(polygon(FIJI)), ["antimeridian"]),
        (from_geojson(polygon(box(178, -18, 182, -16))), ["longitude-wrapped"]),
        (from_geojson(polygon(box(-182, -18, -178, -16)[::-1])), ["longitude-wrapped"]),
        (from_geojson(polygon(FIJI_TWICE_ON_180)), ["antimeridian"]),
    ],
)
def test_across_the_antimeridian(footprint, expected):
    assert rules(footprint) == expected
    assert same_place(footprint, FIJI_PARTS)
    assert area_km2(footprint.wkt) == pytest.approx(area_km2(shapely.box(0, 16, 4, 18)), rel=1e-9)


def test_positions_keep_their_numbers_when_a_ring_is_cut():
    ring = [
        (179.9000000000001, 1.1),
        (-179.7000000000003, 1.2),
        (-179.8000000000007, 2.3),
        (179.9000000000001, 1.1),
    ]
    cut = shapely.get_coordinates(shape(from_geojson(polygon(ring)))).tolist()
    assert all(list(position) in cut for position in ring)


def test_a_hole_across_the_antimeridian():
    hole = [(179, -17.5), (179, -16.5), (-179, -16.5), (-179, -17.5), (179, -17.5)]
    footprint = from_geojson(polygon(FIJI, hole))
    hole_parts = shapely.box(179, -17.5, 180, -16.5).union(shapely.box(-180, -17.5, -179, -16.5))
    assert same_place(footprint, FIJI_PARTS.difference(hole_parts))
    in_a_band = from_geojson(polygon(box(-180, -60, 180, 85), hole))
    assert same_place(in_a_band, shapely.box(-180, -60, 180, 85).difference(hole_parts))


def test_longitudes_to_360():
    assert from_geojson({"type": "Point", "coordinates": [190, 5]}).wkt == "POINT (-170.0 5.0)"
    greenwich = from_geojson(polygon([(359, 0), (1, 0), (1, 1), (359, 1), (359, 0)]))
    assert "longitude-wrapped" in rules(greenwich)
    assert same_place(greenwich, shapely.box(-1, 0, 1, 1))
    band = from_geojson(polygon(box(0, -60, 360, 85)))
    assert rules(band) == ["longitude-wrapped"]
    assert same_place(band, shapely.box(-180, -60, 180, 85))
    three_worlds = from_geojson(polygon(box(-540, -60, 540, 85)))
    assert same_place(three_worlds, shapely.box(-180, -60, 180, 85))


def test_lines_are_cut_too():
    track = from_geojson({"type": "LineString", "coordinates": [[170, 0], [-170, 10]]})
    assert rules(track) == ["antimeridian"]
    expected = shapely.from_wkt("MULTILINESTRING ((170 0, 180 5), (-180 5, -170 10))")
    assert shape(track).equals(expected)
    day = [[((x + 180) % 360) - 180, 80 * math.sin(math.radians(x * 16 / 15))] for x in range(0, 15 * 360, 10)]
    assert shape(from_geojson({"type": "LineString", "coordinates": day})).bounds[0] == -180
    nonsense = [[x % 360 - 180, x % 90] for x in range(0, 170 * 1000, 170)]
    assert rules(from_geojson({"type": "LineString", "coordinates": nonsense})) == ["antimeridian"]


@pytest.mark.parametrize("pole", [90, -90])
def test_a_box_may_touch_a_pole(pole):
    south, north = sorted((pole, pole * 0.8))
    for footprint in (from_bbox([-180, south, 180, north]), from_geojson(polygon(box(0, south, 90, north)))):
        assert footprint.problems == ()
        assert pole in shape(footprint).bounds


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("direction", [1, -1])
def test_a_ring_round_a_pole_holds_it(sign, direction):
    ring = [(-150, 75), (-90, 70), (-30, 75), (30, 70), (90, 75), (150, 70), (-150, 75)]
    ring = [(lon, sign * lat) for lon, lat in ring][::direction]
    footprint = from_geojson(polygon(ring))
    assert rules(footprint) == ["antimeridian"]
    # The library wants RFC 7946's winding: eastwards round the north pole.
    eastwards = ring if direction * sign > 0 else ring[::-1]
    expected = antimeridian.fix_polygon(shapely.Polygon(eastwards), great_circle=False)
    assert same_place(footprint, expected)
    assert shape(footprint).contains(shapely.Point(0, sign * 89))


def test_a_ring_round_a_pole_with_the_pole_cut_out():
    outer = [(lon, 70) for lon in (-150, -90, -30, 30, 90, 150, -150)]
    inner = [(lon, 80) for lon in (-150, -90, -30, 30, 90, 150, -150)]
    footprint = from_geojson(polygon(outer, inner))
    assert same_place(footprint, shapely.box(-180, 70, 180, 80))


@given(
    st.floats(170, 190),
    st.floats(-80, 80),
    st.lists(
        st.tuples(st.floats(0, 2 * math.pi), st.floats(1, 8)),
        min_size=3,
        max_size=9,
        unique_by=lambda p: p[0],
    ),
)
def test_cut_as_the_antimeridian_library_cuts(lon, lat, rays):
    rays = sorted(rays)
    angles = [angle for angle, _ in rays]
    turns = [b - a for a, b in zip(angles, [*angles[1:], angles[0] + 2 * math.pi], strict=True)]
    assume(all(0.01 < turn < 3 for turn in turns))
    ring = [(lon + r * math.cos(angle), lat + r * math.sin(angle)) for angle, r in rays]
    ring = [((x + 180) % 360 - 180, y) for x, y in ring]
    ring.append(ring[0])
    crosses = any(abs(b[0] - a[0]) > 180 for a, b in pairwise(ring))
    footprint = from_geojson(polygon(ring))
    assert rules(footprint) == ["antimeridian"] * crosses
    expected = antimeridian.fix_polygon(shapely.Polygon(ring), great_circle=False)
    # The library rounds the latitude of a crossing to 1e-7 degrees.
    assert shapely.symmetric_difference(shape(footprint), expected).area < 1e-5


@given(st.floats(-180, 180), st.floats(-90, 89), st.floats(0.001, 300), st.floats(0.001, 1))
def test_a_box_keeps_its_area_when_cut(w, s, width, height):
    e = w + width
    footprint = from_bbox([w, s, e if e <= 180 else e - 360, s + height])
    expected = area_km2(shapely.box(0, s, width, s + height))
    assert area_km2(footprint.wkt) == pytest.approx(expected, rel=1e-6)


# --- boxes and extents ----------------------------------------------------------------------------


def test_boxes():
    assert from_bbox([1, 2, 3, 4]).wkt == "POLYGON ((1 2, 3 2, 3 4, 1 4, 1 2))"
    assert shape(from_bbox((1, 2, 3, 4))).bounds == (1, 2, 3, 4)
    assert shape(from_bbox([1, 2, 100, 3, 4, 900])).bounds == (1, 2, 3, 4)
    assert from_bbox([1, 2, 1, 2]).wkt == "POINT (1.0 2.0)"
    assert from_bbox([1, 2, 3, 2]).wkt == "LINESTRING (1.0 2.0, 3.0 2.0)"
    back_to_front = from_bbox([10, 48, 5, 45])
    assert shape(back_to_front).bounds == (5, 45, 10, 48)
    assert [(p.rule, p.message.partition("; ")[2]) for p in back_to_front.problems] == [
        ("bbox-order", "read as 5,45,10,48")
    ]
    # Across 180 it is the narrower: only south and north are the wrong way round.
    across = from_bbox([178, -16, -178, -18])
    assert rules(across) == ["bbox-order"]
    assert shape(across).area == pytest.approx(8)
    wide = from_bbox([10, 45, 5, 48])
    assert rules(wide) == ["antimeridian"]
    assert "355 degrees wide" in wide.problems[0].message
    assert shape(wide).area == pytest.approx(3 * 355)
    upside_down = from_bbox([1, 4, 3, 2])
    assert rules(upside_down) == ["bbox-order"]
    assert same_place(upside_down, shapely.box(1, 2, 3, 4))


@pytest.mark.parametrize(
    ("bbox", "rule"),
    [
        (None, "null-geometry"),
        ({}, "bbox-type"),
        ("1,2,3,4", "bbox-type"),
        ([], "bbox-type"),
        ([1, 2, 3], "bbox-type"),
        ([1, 2, 3, 4, 5], "bbox-type"),
        ([[1, 2], [3, 4]], "bbox-type"),
        ([[1, 2, 3, 4]] * 4, "bbox-type"),
        (["1", "2", "3", "4"], "bbox-type"),
        ([True, 0, 1, 1], "bbox-type"),
        ([0, 0, NAN, 1], "not-finite"),
        ([0, 0, "Infinity", 1], "not-finite"),
        ([0, 0, None, 1], "not-finite"),
        ([1560160, 5176338, 1560170, 5176348], "out-of-range"),
        ([10**400, 0, 1, 1], "out-of-range"),
        ([180, -90, -180, 90], "empty-geometry"),
    ],
)
def test_no_box_and_why(bbox, rule):
    for footprint in (from_bbox(bbox), from_extent([bbox])):
        assert (footprint.wkt, footprint.unbounded, rules(footprint)) == (None, False, [rule])


@pytest.mark.parametrize(
    ("bboxes", "expected", "found"),
    [
        ([[0, 0, 1, 1]], shapely.box(0, 0, 1, 1), []),
        ([[0, 0, 9, 9], [0, 0, 1, 1], [8, 8, 9, 9]], shapely.box(0, 0, 1, 1) | shapely.box(8, 8, 9, 9), []),
        ([[0, 0, 9, 9], [0, 0, 5, 9], [4, 0, 9, 9]], shapely.box(0, 0, 9, 9), []),
        ([[0, 0, 9, 9], [0, 0, 1, 1], [5, 5, 5, 5]], shapely.box(0, 0, 1, 1), []),
        ([[-180, -90, 180, 90], [0, 0, 1, 1]], shapely.box(0, 0, 1, 1), []),
        # Before STAC 1.0 the first box was one of them.
        ([[0, 0, 1, 1], [8, 8, 9, 9]], shapely.box(0, 0, 1, 1) | shapely.box(8, 8, 9, 9), ["bbox-mismatch"]),
        ([[0, 0, 9, 9], [0, 0, 1, 1], [7]], shapely.box(0, 0, 9, 9), ["bbox-type"]),
        ([[7], [0, 0, 1, 1]], shapely.box(0, 0, 1, 1), ["bbox-type"]),
        ([0, 0, 1, 1], shapely.box(0, 0, 1, 1), ["bbox-type"]),
    ],
)
def test_extents(bboxes, expected, found):
    footprint = from_extent(bboxes)
    assert rules(footprint) == found
    assert same_place(footprint, expected)


def test_an_extent_whose_parts_are_the_world_is_unbounded():
    halves = [[-180, -90, 180, 90], [-180, -90, 0, 90], [0, -90, 180, 90]]
    assert from_extent(halves).unbounded


@pytest.mark.parametrize(
    ("bboxes", "rule"), [(None, "null-geometry"), ([], "bbox-type"), ({}, "bbox-type"), (7, "bbox-type")]
)
def test_no_extent_and_why(bboxes, rule):
    footprint = from_extent(bboxes)
    assert (footprint.wkt, rules(footprint)) == (None, [rule])


@pytest.mark.parametrize(
    ("geometry", "bbox", "expected"),
    [
        (polygon(box(0, 0, 1, 1)), [0, 0, 1, 1], []),
        (polygon(box(0, 0, 1, 1)), [-180, -90, 180, 90], []),
        (polygon(box(0, 0, 1, 1)), [0.0004, 0, 0.9996, 1], []),
        (polygon(box(0, 0, 1, 1)), [0, 0, 1, 0.99], ["bbox-mismatch"]),
        (polygon(box(0, 0, 1, 1)), [46, 7, 47, 8], ["bbox-mismatch"]),
        (polygon([(0, 0), (2, 0), (1, 1), (0, 0)]), [0, 0, 1, 1], ["bbox-mismatch"]),
        ({"type": "Point", "coordinates": [7, 46]}, [7, 46, 7, 46], []),
        (polygon(FIJI), [178, -18, -178, -16], ["antimeridian"]),
        (polygon(FIJI), [178, -18, -179, -16], ["antimeridian", "bbox-mismatch"]),
        (polygon(box(0, 0, 1, 1)), "0,0,1,1", ["bbox-type"]),
        (polygon(box(0, 0, 1, 1)), [0, 0, NAN, 1], ["not-finite"]),
        (polygon(box(-180, -90, 180, 90)), [0, 0, 1, 1], ["bbox-mismatch", "unbounded"]),
        (None, [0, 0, 1, 1], ["null-geometry"]),
    ],
)
def test_geometry_against_its_bbox(geometry, bbox, expected):
    footprint = from_geojson(geometry, bbox=bbox)
    assert rules(footprint) == expected
    without = from_geojson(geometry)
    assert footprint.unbounded == without.unbounded
    assert (footprint.wkt and shape(footprint)) == (without.wkt and shape(without))


# --- anything at all ------------------------------------------------------------------------------

coordinate = st.one_of(
    st.integers(-200, 400),
    st.floats(-200, 400),
    st.floats(),
    st.integers(),
    st.sampled_from([-180, 180, -90, 90, 0, 360, 180.0000001, None, True, "NaN", "7", 10**400]),
)
sane_coordinate = st.one_of(st.integers(-8, 8), st.sampled_from([-180, -179, 179, 180, -90, 90, 190, 360]))
position = st.one_of(
    st.tuples(sane_coordinate, sane_coordinate).map(list), st.lists(coordinate, min_size=1, max_size=3)
)
sane_ring = st.lists(st.tuples(sane_coordinate, sane_coordinate).map(list), min_size=3, max_size=8).map(
    lambda positions: [*positions, positions[0]]
)
ring = st.one_of(sane_ring, st.lists(position, max_size=8))
anything = st.recursive(
    st.one_of(st.none(), st.booleans(), coordinate, st.text(max_size=3)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=3), inner, max_size=3)),
    max_leaves=12,
)
geometries = st.recursive(
    st.one_of(
        st.fixed_dictionaries({"type": st.just("Polygon"), "coordinates": st.lists(sane_ring, max_size=3)}),
        st.fixed_dictionaries({"type": st.just("Polygon"), "coordinates": st.lists(ring, max_size=3)}),
        st.fixed_dictionaries(
            {
                "type": st.just("MultiPolygon"),
                "coordinates": st.lists(st.lists(sane_ring, max_size=2), max_size=3),
            }
        ),
        st.fixed_dictionaries({"type": st.sampled_from(["LineString", "MultiPoint"]), "coordinates": ring}),
        st.fixed_dictionaries({"type": st.just("Point"), "coordinates": position}),
        st.fixed_dictionaries(
            {"type": st.sampled_from(["Point", "Polygon", "MultiLineString", "x"]), "coordinates": anything}
        ),
        anything,
    ),
    lambda inner: st.fixed_dictionaries(
        {"type": st.just("GeometryCollection"), "geometries": st.lists(inner, max_size=3)}
    ),
    max_leaves=4,
)
bboxes = st.one_of(
    st.none(), st.lists(sane_coordinate, min_size=4, max_size=4), st.lists(coordinate, max_size=6), anything
)


def check(footprint):
    assert (footprint.wkt is None) or not footprint.unbounded
    assert footprint.wkt or footprint.problems
    assert len(set(rules(footprint))) == len(footprint.problems)
    if footprint.wkt is not None:
        found = shapely.from_wkt(footprint.wkt)
        w, s, e, n = found.bounds
        assert found.is_valid
        assert not found.has_z
        assert -180 <= w <= e <= 180
        assert -90 <= s <= n <= 90


@given(geometries, bboxes)
def test_no_geometry_raises_or_gives_an_invalid_footprint(geometry, bbox):
    check(from_geojson(geometry, bbox=bbox))


@given(bboxes, st.lists(bboxes, max_size=4))
def test_no_box_raises_or_gives_an_invalid_footprint(bbox, several):
    check(from_bbox(bbox))
    check(from_extent(bbox))
    check(from_extent(several))


@given(st.one_of(sane_ring, ring), bboxes)
def test_the_quick_path_finds_what_the_long_one_finds(positions, bbox):
    geometry = {"type": "Polygon", "coordinates": [positions]}
    quick, slow = from_geojson(geometry, bbox=bbox), from_geojson(OrderedDict(geometry), bbox=bbox)
    assert (quick.problems, quick.unbounded) == (slow.problems, slow.unbounded)
    assert (quick.wkt is None) == (slow.wkt is None)
    if quick.wkt is not None:
        assert shapely.from_wkt(quick.wkt).normalize() == shapely.from_wkt(slow.wkt).normalize()


# --- real documents -------------------------------------------------------------------------------


def objects_in(value):
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            yield one
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the collected public documents lie beside the repository only")
def test_real_documents():
    seen = 0
    for path in sorted(EXAMPLES.rglob("*.*json*")):
        try:
            document = json.loads(path.read_bytes())
        except ValueError:
            continue  # some are published broken
        for one in objects_in(document):
            if "geometry" in one:
                check(from_geojson(one["geometry"], bbox=one.get("bbox")))
                seen += 1
            elif "coordinates" in one:
                check(from_geojson(one))
                seen += 1
            if "bbox" in one:
                check(from_bbox(one["bbox"]))
                check(from_extent(one["bbox"]))
    assert seen > 200
