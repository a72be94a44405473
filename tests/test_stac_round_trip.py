"""A catalog that is served and read again through its STAC API is the same catalog: nodes, edges, and every answer."""

import json
from collections import Counter
from dataclasses import fields, replace
from pathlib import Path

import pytest
from conftest import box, collection, link, model, sample
from hypothesis import HealthCheck, given, settings
from serving import serve
from test_write_stac import EVERYTHING, any_words, graph, holding

from mlaoi_graph.catalog import Catalog
from mlaoi_graph.model import AreaOfInterest, Dataset, Evidence
from mlaoi_graph.readers.stac import api
from mlaoi_graph.writers import stac

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
DOCS = Path(__file__).parents[1] / "docs"
WORLD, ALPS = "-180,-90,180,90", "6,45,11,48"
STAGES = ("pretrained", "finetuned", "trained", "validated", "tested", "evaluated", "exposed", "declared")


def read(server, *collections):
    """Return what is read from the API, into a catalog whose base has nothing to do with it."""
    again = Catalog.create(base="https://elsewhere.example/")
    report = again.ingest(f"{server.url}stac", allow_network=True, collections=collections)
    assert {f.rule for f in report.findings.kept} <= {"cycle", "split-against-declared", "duplicate-id"}
    return again


def said(catalog):
    """Return nodes and edges but for what no document shows: sources nothing cites, footprints nothing describes."""
    nodes, edges = graph(catalog)
    cited = {iri for edge in edges for iri in edge.evidence} | {
        iri for n in nodes.values() for iri in getattr(n, "sources", ())
    }
    there = {iri for cls, iri in nodes if cls is AreaOfInterest}
    return {
        key: replace(node, footprints=tuple(sorted(there.intersection(node.footprints)))) if key[0] is Dataset else node
        for key, node in nodes.items()
        if key[0] is not Evidence or key[1] in cited
    }, edges


def rows(found):
    """Return rows but for what is about the documents they were read from; a use's IRI is one of those."""
    about = {"document", "documents", "use", "pointer"}
    return Counter(
        tuple(
            (f.name, str(getattr(row, f.name)))
            for f in fields(row)
            if not (
                f.name in about or f.name[0] == "_" or (f.name == "footprint_of" and getattr(row, "how", "") == "use")
            )
        )
        for row in found
    )


def answers(catalog):
    """Return what the catalog answers: exposure, areas, leakage."""
    exposed = catalog.query("SELECT ?model ?data { ?model mlaoi:exposedTo ?data }")
    hits = {
        (stage, where): rows(catalog.models(**{f"{stage}_in": where})) for stage in STAGES for where in (WORLD, ALPS)
    }
    report = catalog.leakage()
    return Counter(map(str, exposed)), hits, rows(report.tests), rows(report.unchecked), Counter(report.leaks())


def stac_source(tmp_path):
    used = {"lineage:stage": "test"}
    documents = {
        "west": collection("west", bbox=(0, 0, 1, 1)),
        "east": collection("east", link("derived_from", "west.json")),
        "part": collection("part", link("parent", "east.json")),
        "s1": sample("s1", "east", split="train") | {"geometry": box(7.2, 46.2, 7.3, 46.3)},
        "s2": sample("s2", "east", split="test") | {"geometry": box(7.25, 46.25, 7.4, 46.4)},
        "s3": sample("s3", "east") | {"geometry": box(7.3, 46.3, 7.4, 46.4)},
        "a": model("a", link("derived_from", "east.json", **{"ml-aoi:split": "train"}), link("lineage:evaluated_on", "east.json", **used, **{"lineage:split": "test"})),
        "b": model("b", link("derived_from", "a.json"), link("derived_from", "https://example.com/nowhere"), **{"mlm:pretrained_source": "ImageNet"}),
    }  # fmt: skip
    source = tmp_path / "source"
    source.mkdir()
    for name, document in documents.items():
        (source / f"{name}.json").write_text(json.dumps(document))
    return source


@pytest.fixture(scope="module", params=["families", "example", "fixtures", "everything"])
def origin(request, tmp_path_factory, families_catalog):
    """Return a catalog's directory, served."""
    folder = tmp_path_factory.mktemp(request.param)
    where = folder / "catalog"
    if request.param == "families":
        where = families_catalog
    else:
        with Catalog.create(where) as catalog:
            if request.param == "example":
                catalog.ingest(DOCS / "example-stac")
            elif request.param == "fixtures":
                catalog.ingest(stac_source(folder))
            else:
                with holding(*EVERYTHING) as everything:
                    stac.write(everything.store, folder / "written")
                catalog.ingest(folder / "written")
    with serve(where, folder / "served") as server, Catalog.open(where) as catalog:
        yield server, catalog


def test_what_is_served_is_read_as_it_was(origin):
    server, catalog = origin
    with read(server) as again:
        nodes, edges = said(catalog)
        found_nodes, found_edges = said(again)
        assert found_nodes == nodes
        assert found_edges == edges
        assert answers(again) == answers(catalog)


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(any_words())
def test_any_words_are_served_and_read_as_they_were(tmp_path, statements):
    folder = tmp_path / str(len(list(tmp_path.iterdir())))
    with Catalog.create(folder / "catalog") as catalog, holding(*statements) as written:
        stac.write(written.store, folder / "written")
        catalog.ingest(folder / "written")
        with serve(folder / "catalog", folder / "served") as server, read(server) as again:
            assert said(again) == said(catalog)
            assert answers(again) == answers(catalog)


def test_what_is_named_is_read_and_no_more(tmp_path):
    """By hand: ``a`` was tested on the test split of ``east``, ``b`` was made from ``a`` and tested on nothing."""
    with Catalog.create(tmp_path / "catalog") as catalog:
        catalog.ingest(stac_source(tmp_path))
        named = {node.identifier: node for node in (*catalog.models(), *catalog.datasets()) if node.identifier}
    east = named["east"]
    with serve(tmp_path / "catalog", tmp_path / "served") as server:
        with read(server, "models-tested") as tested:
            assert {m.identifier for m in tested.models()} == {"a"}
            assert {(u.dataset, u.stage.value) for u in tested.uses()} == {
                (f"{east.iri}/train", "training"),
                (f"{east.iri}/test", "test"),
            }
        with read(server, "models-tested", "models-exposed", "models") as twice, read(server, "models") as once:
            # Whoever shows a model, it is the one in the collection of models, whose own place is its declared area.
            assert said(twice) == said(once)
            assert {(m.identifier, m.declared_area) for m in once.models() if m.identifier} == {
                (name, named[name].declared_area) for name in "ab"
            }
            assert sorted(d.iri for d in twice.documents() if "/items/" in d.iri and "/models" in d.iri) == [
                f"{server.url}stac/collections/models/items/{name}" for name in "ab"
            ]
        with read(server, "east") as data:
            (found,) = [d for d in data.datasets() if d.iri == east.iri]
            assert found.footprints == east.footprints
            assert not list(data.models())


def test_nobody_speaks_for_the_documents_of_another(monkeypatch):
    """A view may show what is in the same API, and nothing else."""
    item = model("m", link("canonical", "https://example.com/models/m"))
    shown = api.Api("http://127.0.0.1:1/stac", {"links": []}, None)
    monkeypatch.setattr(shown, "_item_pages", lambda _: iter([{"features": [item | {"collection": "v"}]}]))
    shown._io.last = {"features": []}
    assert [url for url, _ in shown.items("v", views=True)] == ["http://127.0.0.1:1/stac/collections/v/items/m"]
