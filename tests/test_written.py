"""Geometries of answers in GeoJSON: outer rings counter-clockwise, holes clockwise (RFC 7946, 3.1.6)."""

import itertools
import json

import orjson
import pytest
import shapely
from conftest import collection, link, model, sample

from mlaoi_graph import geo
from mlaoi_graph.catalog import Catalog
from mlaoi_graph.geo.written import geojson_of, geojson_texts
from mlaoi_graph.queries.coverage import coverage, gap

RING = [[0, 0], [0, 4], [4, 4], [4, 0], [0, 0]]
"""Clockwise, as shapely makes its boxes."""
HOLE = [[1, 1], [2, 1], [2, 2], [1, 2], [1, 1]]
GIVEN = {
    "polygon": {"type": "Polygon", "coordinates": [RING, HOLE]},
    "turned": {"type": "Polygon", "coordinates": [RING[::-1], HOLE[::-1]]},
    "several": {"type": "MultiPolygon", "coordinates": [[RING, HOLE], [[[x + 9, y] for x, y in RING]]]},
}


def rings(value):
    """Yield every ring in JSON, and whether it is a hole."""
    if isinstance(value, dict):
        if value.get("type") in ("Polygon", "MultiPolygon") and "coordinates" in value:
            polygons = [value["coordinates"]] if value["type"] == "Polygon" else value["coordinates"]
            for polygon in polygons:
                yield from ((ring, place > 0) for place, ring in enumerate(polygon))
        for inner in value.values():
            yield from rings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from rings(inner)


def check(value, *, holes=True):
    found = list(rings(value))
    assert found
    assert any(is_hole for _, is_hole in found) or not holes
    for ring, is_hole in found:
        signed = sum((b[0] - a[0]) * (b[1] + a[1]) for a, b in itertools.pairwise(ring))
        assert (signed > 0) is is_hole, ring


@pytest.fixture(params=GIVEN)
def known(request, write):
    samples = {"s": sample("s", "train"), "t": sample("t", "test")}
    for one in samples.values():
        one |= {"geometry": GIVEN[request.param], "bbox": [0, 0, 13 if request.param == "several" else 4, 4]}
    stages = [link("derived_from", "./train.json", **{"lineage:stage": "finetuning"}),
              link("lineage:evaluated_on", "./test.json", **{"lineage:stage": "test"})]  # fmt: skip
    folder = write(
        **samples, m=model("m", *stages), train=collection("train", link("item", "./s.json"), bbox=(0, 0, 4, 4)),
        test=collection("test", link("item", "./t.json"), bbox=(0, 0, 4, 4)),
    )  # fmt: skip
    with Catalog.create() as catalog:
        catalog.ingest(folder)
        yield catalog


def test_answers(known):
    check(known.models(tested_in="0,0,4,4").to_geojson())
    check(known.leakage().to_geojson())
    answer = coverage(known.places, "tested", "0,0,4,4")
    check(answer.to_dict())
    check(answer.to_geojson())
    check(gap(known.places, "0,0,4,4", has="trained", lacks="validated").to_dict())


def test_sparql(known):
    query = "SELECT (geof:asGeoJSON(?wkt) AS ?json) { ?area dcterms:identifier ?id ; geo:hasGeometry/geo:asWKT ?wkt }"
    texts = [row["json"] for row in known.query(query)]
    assert len(texts) == 2
    for text in texts:
        check(json.loads(text))


@pytest.mark.parametrize("given", GIVEN.values(), ids=list(GIVEN))
def test_one_geometry(given):
    wkt = geo.from_geojson(given).wkt
    shape = shapely.from_wkt(wkt)
    for written in (geojson_of(shape), *map(json.loads, geojson_texts([shape]))):
        check(written)
        assert shapely.from_geojson(json.dumps(written)).equals(shape)


def test_what_has_no_rings_stays_as_it_is():
    for wkt in ("POINT (1 2)", "LINESTRING (0 0, 1 1)", "MULTIPOINT ((1 2), (3 4))"):
        assert shapely.from_geojson(json.dumps(geojson_of(shapely.from_wkt(wkt)))).equals(shapely.from_wkt(wkt))


def test_the_page(known):
    from mlaoi_graph.server.pages import countries as base_map
    from mlaoi_graph.server.pages.places import features_of

    check(json.loads(base_map.geojson()))
    features, _ = features_of(known, [known.find("train")])
    check(orjson.loads(orjson.dumps(features)))
