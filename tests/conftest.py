"""Documents and catalogs the tests share."""

import json
import os
from pathlib import Path

import pytest
import servers
from shipped import Shipped

from mlaoi_graph.catalog import Catalog

SHARED = Path(__file__).parents[2] / "shared"
BASE = "https://w3id.org/mlaoi/local/"


@pytest.fixture
def write(tmp_path):
    """Write documents into a folder ``source`` and return it; dictionaries become JSON."""

    def into(**documents):
        folder = tmp_path / "source"
        for name, document in documents.items():
            path = folder / (name.replace("__", "/") + ("" if "." in name else ".json"))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
        return folder

    return into


@pytest.fixture
def catalog():
    with Catalog.create() as made:
        yield made


@pytest.fixture(scope="session")
def shipped():
    """Return what the shipped families say; read once a session, not to be changed."""
    return Shipped()


def model(identifier="m", *links, **properties):
    """Return an MLM item with the links given."""
    return {
        "type": "Feature", "stac_version": "1.1.0", "id": identifier,
        "stac_extensions": ["https://stac-extensions.github.io/mlm/v1.5.0/schema.json"],
        "geometry": box(7, 46, 8, 47), "bbox": [7, 46, 8, 47],
        "properties": {"datetime": "2024-01-01T00:00:00Z", "mlm:name": identifier, "mlm:architecture": "ViT"} | properties,
        "links": list(links), "assets": {},
    }  # fmt: skip


def collection(identifier="c", *links, split=None, bbox=(7, 46, 8, 47), **fields):
    """Return a collection of data."""
    return {
        "type": "Collection", "stac_version": "1.1.0", "id": identifier, "description": "", "license": "other",
        "extent": {"spatial": {"bbox": [list(bbox)]}, "temporal": {"interval": [["2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z"]]}},
        "summaries": {"ml-aoi:split": [split]} if split else {}, "links": list(links),
    } | fields  # fmt: skip


def sample(identifier="s", collection_id="c", *links, split=None, **properties):
    """Return an ML-AOI item of a collection."""
    return {
        "type": "Feature", "stac_version": "1.1.0", "id": identifier, "collection": collection_id,
        "stac_extensions": ["https://stac-extensions.github.io/ml-aoi/v0.2.0/schema.json"],
        "geometry": box(7, 46, 7.1, 46.1), "bbox": [7, 46, 7.1, 46.1],
        "properties": {"datetime": "2020-06-01T00:00:00Z"} | ({"ml-aoi:split": split} if split else {}) | properties,
        "links": list(links), "assets": {},
    }  # fmt: skip


def box(west, south, east, north):
    """Return a GeoJSON rectangle."""
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def link(rel, href, **fields):
    """Return a link."""
    return {"rel": rel, "href": href} | fields


def quads(catalog, graph=None):
    """Return what documents assert, as a set of quads."""
    return {q for q in catalog.store.match(graph=graph) if "mlaoi/graph/" not in q.graph_name.value}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Turn a skip into a failure where everything tests need is supposed to be there (``.ci/run``)."""
    report = yield
    if os.environ.get("MLAOI_NOTHING_SKIPPED") and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, where nothing may be: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def families_catalog(tmp_path_factory):
    """Return the directory of the shipped families, built."""
    import mlaoi_graph

    where = tmp_path_factory.mktemp("families") / "catalog"
    with Catalog.create(where, base="https://w3id.org/mlaoi/families/") as catalog:
        catalog.ingest(Path(mlaoi_graph.__file__).parent / "families")
    return where


@pytest.fixture(scope="session")
def served(families_catalog, tmp_path_factory):
    """Return a server of the shipped families with its usual limits."""
    from serving import serve

    with serve(families_catalog, tmp_path_factory.mktemp("served")) as server:
        yield server


@pytest.fixture(scope="session")
def oxigraph_server(tmp_path_factory):
    """Return a real ``oxigraph serve`` on loopback."""
    server = servers.start_oxigraph(tmp_path_factory.mktemp("oxigraph"))
    yield server
    server.kill()


@pytest.fixture(scope="session")
def union_server(tmp_path_factory):
    """Return an ``oxigraph serve`` whose default graph is the union of all graphs."""
    server = servers.start_oxigraph(tmp_path_factory.mktemp("union"), None, "--union-default-graph")
    yield server
    server.kill()


@pytest.fixture(scope="session")
def virtuoso_server(tmp_path_factory):
    """Return a real Virtuoso on loopback."""
    if servers.VIRTUOSO is None:
        pytest.skip("no Virtuoso: apt-get install virtuoso-opensource-7-bin")
    server = servers.start_virtuoso(tmp_path_factory.mktemp("virtuoso"), sparql="ResultSetMaxRows = 30000")
    yield server
    server.kill()
