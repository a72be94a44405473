"""What a catalog promises: idempotent, atomic by document, readers apart from the writer, exports that hold everything."""

import contextlib
import json
import os
import re
import shutil
from pathlib import Path
from unittest.mock import Mock

import networkx as nx
import pyoxigraph as ox
import pytest
import rdflib
from conftest import BASE, collection, link, model, quads, sample

from mlaoi_graph import ingest, writers
from mlaoi_graph.catalog import Catalog
from mlaoi_graph.errors import (
    CatalogDamaged,
    CatalogError,
    CatalogExists,
    CatalogLocked,
    CatalogNotFound,
    NetworkNotAllowed,
    NodeNotFound,
    QueryError,
    SourceNameTaken,
    SourceNotFound,
    StoreError,
    UnknownFormat,
)  # fmt: skip
from mlaoi_graph.model import Precision, Reasoner, SplitPolicy
from mlaoi_graph.rdf import INFERRED_GRAPH, LOG_GRAPH
from mlaoi_graph.stores.oxigraph import OxigraphStore
from mlaoi_graph.vocab import MLAOI

DOC = f"{BASE}documents/source/"


@pytest.fixture
def folder(write):
    return write(
        c=collection("c", split="train"),
        m=model("m", link("derived_from", "./c.json", **{"ml-aoi:split": "train"}), link("derived_from", "./base.json"), title="Model M"),
        base=model("base", link("derived_from", "https://example.com/gone.json")),
        s=sample("s", "c", split="train"),
    )  # fmt: skip


@pytest.fixture(params=["memory", "disk"])
def filled(request, tmp_path, folder):
    with Catalog.create(tmp_path / "catalog" if request.param == "disk" else None) as catalog:
        catalog.ingest(folder)
        yield catalog


def test_reading_again_changes_nothing(filled, folder):
    before = set(filled.store.match())
    report = filled.ingest(folder)
    assert (report.read, report.unchanged) == (0, 4)
    assert set(filled.store.match()) == before


def test_a_changed_document_is_replaced_and_no_other(filled, folder):
    before = quads(filled)
    (folder / "m.json").write_text(json.dumps(model("m", link("derived_from", "./c.json"))))
    report = filled.ingest(folder)
    assert (report.read, report.unchanged) == (1, 3)
    after = quads(filled)
    changed = {q.graph_name.value for q in before ^ after}
    assert changed == {f"{DOC}m.json"}
    assert [u.dataset for u in filled.uses()] == [f"{BASE}collections/c"]
    assert [u.split for u in filled.uses()] == [None]


def test_removing_a_document_removes_exactly_its_statements(filled):
    before = quads(filled)
    filled.remove(f"{DOC}m.json")
    assert before - quads(filled) == {q for q in before if q.graph_name.value == f"{DOC}m.json"}
    assert quads(filled) < before
    with pytest.raises(NodeNotFound):
        filled.remove(f"{DOC}m.json")


def test_a_removed_document_comes_back_when_read_again(filled, folder):
    before = quads(filled)
    filled.remove(f"{DOC}m.json")
    filled.ingest(folder)
    assert quads(filled) == before


def test_the_log_only_grows(filled, folder):
    log = set(filled.store.match(graph=LOG_GRAPH))
    assert len({q.object.value for q in log if q.predicate.value == MLAOI.ofDocument}) == 4
    (folder / "m.json").write_text(json.dumps(model("m")))
    filled.ingest(folder)
    filled.remove(f"{DOC}m.json")
    (folder / "m.json").write_text(json.dumps(model("m", title="again")))
    filled.ingest(folder)
    again = set(filled.store.match(graph=LOG_GRAPH))
    assert log < again
    assert sum(q.predicate.value == MLAOI.ofDocument and q.object.value == f"{DOC}m.json" for q in again) == 3


def test_a_document_that_is_gone_is_said_and_kept(filled, folder):
    (folder / "s.json").unlink()
    before = quads(filled)
    assert filled.ingest(folder).gone == (f"{DOC}s.json",)
    assert quads(filled) == before


def test_a_broken_document_leaves_what_was_there(filled, folder):
    before = quads(filled)
    (folder / "m.json").write_text('{"type": "Feature",')
    report = filled.ingest(folder)
    assert (report.failed, report.unchanged) == (1, 3)
    assert [(f.document, f.rule) for f in report.findings.kept] == [(f"{folder}/m.json", "not-json")]
    assert quads(filled) == before


def test_what_is_in_it(filled):
    counts = filled.counts()
    assert (counts.documents, counts.models, counts.datasets, counts.areas, counts.uses, counts.derivations, counts.unresolved) == (
        4, 2, 1, 4, 1, 2, 1,
    )  # fmt: skip
    areas = {a.iri: a for a in filled.areas()}
    assert areas[f"{BASE}collections/c/items/s#area"].precision is Precision.SAMPLES
    assert areas[f"{BASE}collections/c#extent"].wkt is not None
    assert [n.iri for n in filled.unresolved()] == ["https://example.com/gone.json"]
    (dataset,) = filled.datasets()
    assert dataset.footprints == (f"{BASE}collections/c#extent", f"{BASE}collections/c/items/s#area")


def test_queries_see_the_union_and_each_triple_once(filled):
    rows = list(filled.query("SELECT (COUNT(*) AS ?n) { ?d a mlaoi:Dataset }"))
    assert rows == [{"n": "1"}]  # three documents say so
    assert filled.query("ASK { ?m mlaoi:derivedFromModel/rdfs:label ?l }") is True


def test_values_are_given_to_queries_not_formatted_in(filled):
    found = filled.query("SELECT ?model ?data { ?model mlaoi:trainedOn ?data }", model=f"{BASE}items/m")
    assert [row["data"] for row in found] == [f"{BASE}collections/c"]
    with pytest.raises(QueryError):
        filled.query("SELECT ?model { ?model mlaoi:trainedOn ?data }", model="x> } ; DROP ALL ; #")


def test_a_query_that_cannot_be_parsed_says_where(filled):
    with pytest.raises(QueryError, match=r"Prefixes .*geo, geof, mlaoi.* are set for you"):
        filled.query("SELECT nonsense")
    with pytest.raises(QueryError, match=r"1:\d+"):
        filled.query("SELECT WHERE {")


@pytest.mark.parametrize("name", ["m", "Model M", "model m", "MODEL-M", f"{BASE}items/m"])
def test_things_are_found_by_any_of_their_names(filled, name):
    assert filled.find(name) == f"{BASE}items/m"


def test_near_names_are_suggested(filled):
    with pytest.raises(NodeNotFound, match="Did you mean") as caught:
        filled.find("Modell M")
    assert caught.value.candidates == (f"{BASE}items/m",)


def test_describe_has_every_edge_and_who_says_so(filled):
    found = filled.describe("base")
    assert found.documents == (f"{DOC}base.json", f"{DOC}m.json")
    assert {(d.derived, d.source) for d in found.derivations} == {
        (f"{BASE}items/m", f"{BASE}items/base"), (f"{BASE}items/base", "https://example.com/gone.json"),
    }  # fmt: skip
    assert [a.precision for a in found.areas] == [Precision.DECLARED_BOX]


def test_networkx_edges_point_to_what_a_thing_came_from(filled):
    graph = filled.to_networkx()
    assert isinstance(graph, nx.MultiDiGraph)
    m, c, base = f"{BASE}items/m", f"{BASE}collections/c", f"{BASE}items/base"
    assert {(a, b, d["predicate"]) for a, b, d in graph.edges(data=True)} == {
        (m, c, "trainedOn"), (m, base, "derivedFromModel"), (base, "https://example.com/gone.json", "madeFrom"),
    }  # fmt: skip
    assert graph.nodes[m] == {"kind": "model", "label": "Model M", "resolved": True, "disclosure": "", "license": ""}
    assert graph.nodes[c]["kind"] == "dataset"
    assert graph.edges[m, c, f"{DOC}m.json#/links/0"]["split"] == "train"
    assert nx.parse_graphml("\n".join(nx.generate_graphml(graph))).number_of_edges() == 3


def test_rdflib_sees_the_same_union(filled):
    graph = filled.rdflib_graph()
    rows = graph.query("SELECT (COUNT(*) AS ?n) { ?s ?p ?o }")
    expected = next(iter(filled.query("SELECT (COUNT(*) AS ?n) { ?s ?p ?o }")))["n"]
    assert [str(row.n) for row in rows] == [expected]
    assert (rdflib.URIRef(f"{BASE}items/m"), rdflib.RDF.type, rdflib.URIRef(MLAOI.Model)) in graph
    # Isomorphic to what rdflib's own parser makes of the union: every term is the same, plain text too.
    union = rdflib.Graph()
    for quad in filled.store.match():
        union.parse(data=f"{quad.triple} .", format="nt")
    assert len(graph) == len(union)
    assert set(graph) == set(union)
    label = rdflib.URIRef(f"{BASE}items/m"), rdflib.RDFS.label, rdflib.Literal("Model M")
    assert graph.value(*label[:2]) == label[2]
    assert [*graph.triples(label)] == [label]
    select, construct = (
        graph.query("SELECT ?l ?no { ?m rdfs:label ?l }"),
        graph.query("CONSTRUCT WHERE { ?m a ?c ; rdfs:label ?l }"),
    )
    assert label[2] in {row.l for row in select}
    assert {row.no for row in select} == {None}
    assert label in construct.graph
    assert graph.query("ASK { ?m rdfs:label 'Model M' }").askAnswer is True
    assert graph.query("ASK { ?m rdfs:label 'No such' }").askAnswer is False


@pytest.mark.parametrize("format", ["turtle", "ntriples", "rdfxml", "jsonld"])
@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")  # rdflib's own JSON-LD parser
def test_triple_formats_hold_the_union_of_what_is_asserted(filled, tmp_path, format):
    filled.export(format, tmp_path / "out")
    names = {"ntriples": "nt", "rdfxml": "xml", "jsonld": "json-ld"}
    found = rdflib.Graph().parse(tmp_path / "out", format=names.get(format, format))
    asserted = rdflib.Graph()
    for quad in quads(filled):
        asserted.parse(data=f"{quad.triple} .", format="nt")
    assert set(found) == set(asserted)


@pytest.mark.parametrize("format", ["turtle", "ntriples"])
def test_that_two_iris_were_taken_for_one_is_no_statement_of_a_document(filled, tmp_path, format):
    home = "https://home.example.org/x.json"
    (tmp_path / "two").mkdir()
    for name, rel, iri in (("home", "self", home), ("copy", "canonical", home)):
        (tmp_path / "two" / f"{name}.json").write_text(json.dumps(model(name, link(rel, iri))))
    filled.ingest(tmp_path / "two")
    assert next(filled.store.match(None, MLAOI.ofThing, home), None) is not None
    filled.export(format, tmp_path / "out")
    kinds = {"turtle": ox.RdfFormat.TURTLE, "ntriples": ox.RdfFormat.N_TRIPLES}
    written = {quad.triple for quad in ox.parse(path=str(tmp_path / "out"), format=kinds[format])}
    assert written == {quad.triple for quad in quads(filled)}


@pytest.mark.parametrize("format", ["turtle", "ntriples"])
def test_a_triple_of_two_documents_is_written_once(filled, tmp_path, format):
    filled.export(format, tmp_path / "out")
    kinds = {"turtle": ox.RdfFormat.TURTLE, "ntriples": ox.RdfFormat.N_TRIPLES}
    written = [quad.triple for quad in ox.parse(path=str(tmp_path / "out"), format=kinds[format])]
    assert len(written) == len(set(written))


def test_a_first_build_takes_chunks_by_the_length_of_what_is_written(tmp_path, folder, monkeypatch):
    taken = []

    class Watched(OxigraphStore):
        def fill(self, chunks):
            def watched():
                for chunk in chunks:
                    taken.append({graph: len(text) for graph, text in chunk.items() if graph.startswith(DOC)})
                    yield chunk

            super().fill(watched())

    monkeypatch.setattr(ingest, "_FILL_BATCH", 4_000)
    catalog = Catalog.create()
    catalog._store = Watched()
    catalog.ingest(folder)
    lengths = {graph: length for chunk in taken for graph, length in chunk.items()}
    assert len(lengths) == 4 == sum(map(len, taken))
    documents = [list(chunk.values()) for chunk in taken if chunk]
    assert 1 < len(documents) < 4
    assert all(sum(chunk[:-1]) < 4_000 for chunk in documents)
    assert all(sum(chunk) >= 4_000 for chunk in documents[:-1])


def test_what_readers_open_after_a_first_build_is_one_piece(tmp_path, folder):
    with Catalog.create(tmp_path / "catalog") as catalog:
        catalog.ingest(folder)
    # Oxigraph has twelve tables; with a file of each for every step it was written in there would be 23.
    assert 12 <= len(list((tmp_path / "catalog" / "snapshots" / "1").glob("*.sst"))) <= 15


AWKWARD = '\n\tmlaoi:readAt <urn:x> .\n@prefix a: \u2028 " ; , . \\n'


def test_turtle_is_told_apart_by_its_text_whatever_literals_hold(filled, tmp_path):
    said = (
        ox.Triple(ox.NamedNode("urn:awkward"), ox.NamedNode("urn:p"), ox.Literal(AWKWARD)),
        ox.Triple(ox.NamedNode("urn:awkward"), ox.NamedNode("urn:p"), ox.Literal("z", language="en")),
    )
    filled.update(f"INSERT DATA {{ GRAPH <urn:g> {{ {' . '.join(map(str, said))} }} }}")
    filled.export("turtle", tmp_path / "out")
    written = [quad.triple for quad in ox.parse(path=str(tmp_path / "out"), format=ox.RdfFormat.TURTLE)]
    assert sorted(map(str, written)) == sorted({str(quad.triple) for quad in quads(filled)})
    assert set(said) <= set(written)


def test_who_says_when_something_was_read_is_no_entry_of_the_log(filled, tmp_path):
    model = next(filled.models()).iri  # of which something is inferred
    said = [f'<{iri}> <{MLAOI.readAt}> "2020"' for iri in ("urn:x", model)]
    filled.update(f"INSERT DATA {{ GRAPH <urn:g> {{ {' . '.join(said)} }} }}")
    for name, format in (("turtle", ox.RdfFormat.TURTLE), ("ntriples", ox.RdfFormat.N_TRIPLES)):
        filled.export(name, tmp_path / name)
        written = {str(quad.triple) for quad in ox.parse(path=str(tmp_path / name), format=format)}
        assert set(said) <= written
        assert not any("#reading-" in triple for triple in written)


def test_turtle_has_what_a_document_says_though_it_is_inferred_as_well(tmp_path):
    both, one = "<urn:m> <urn:p> <urn:both> .\n", "<urn:m> <urn:p> <urn:inferred> .\n"
    store = OxigraphStore(tmp_path / "store")
    store.replace({"urn:doc": both + "<urn:m> <urn:p> <urn:said> .\n", INFERRED_GRAPH: both + one})
    writers.write(store, "turtle", tmp_path / "out")
    found = {q.object.value for q in ox.parse(path=str(tmp_path / "out"), format=ox.RdfFormat.TURTLE)}
    assert found == {"urn:both", "urn:said"}


def test_a_node_of_which_everything_is_inferred_is_not_in_turtle(tmp_path):
    nodes = "".join(f"<urn:{n}> <urn:p> <urn:o> .\n" for n in range(2_500))
    store = OxigraphStore(tmp_path / "store")
    store.replace({"urn:doc": "<urn:m> <urn:p> <urn:said> .\n", INFERRED_GRAPH: nodes})
    writers.write(store, "turtle", tmp_path / "out")
    assert [str(q.triple) for q in ox.parse(path=str(tmp_path / "out"), format=ox.RdfFormat.TURTLE)] == [
        "<urn:m> <urn:p> <urn:said>"
    ]


def test_an_empty_store_is_an_empty_turtle_file(tmp_path):
    writers.write(OxigraphStore(tmp_path / "store"), "turtle", tmp_path / "out")
    assert not list(ox.parse(path=str(tmp_path / "out"), format=ox.RdfFormat.TURTLE))


def test_turtle_of_a_store_that_is_no_merge_is_refused(tmp_path):
    store = OxigraphStore(tmp_path / "store")
    store.replace({INFERRED_GRAPH: "<urn:m> <urn:p> <urn:o> .\n"})
    store.engine.remove(ox.Quad(ox.NamedNode("urn:m"), ox.NamedNode("urn:p"), ox.NamedNode("urn:o")))
    with pytest.raises(StoreError, match="not in order"):
        writers.write(store, "turtle", tmp_path / "out")
    assert not (tmp_path / "out").exists()


# rdflib uses its own deprecated names in its parsers.
@pytest.mark.filterwarnings("ignore:Dataset.default_context is deprecated:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")
@pytest.mark.parametrize(("format", "name"), [("trig", "trig"), ("nquads", "nquads")])
def test_quad_formats_hold_everything(filled, tmp_path, format, name):
    filled.export(format, tmp_path / "out")
    found = rdflib.Dataset()
    found.parse(data=(tmp_path / "out").read_text(), format=name)
    assert len(list(found.quads())) == len(filled.store)
    kinds = {"trig": ox.RdfFormat.TRIG, "nquads": ox.RdfFormat.N_QUADS}
    assert set(ox.parse(path=str(tmp_path / "out"), format=kinds[format])) == set(filled.store.match())


def test_a_format_nobody_knows(filled, tmp_path):
    with pytest.raises(UnknownFormat, match="turtle"):
        filled.export("excel", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_create_takes_words_and_refuses_others_at_once(tmp_path):
    with Catalog.create(split_policy="ml-aoi-adr", reasoner="none") as catalog:
        assert (catalog.split_policy, catalog.reasoner) == (SplitPolicy.ML_AOI_ADR, Reasoner.NONE)
    with pytest.raises(ValueError, match=r"no split policy 'adr'\. Known: common, ml-aoi-adr"):
        Catalog.create(tmp_path / "x", split_policy="adr")
    assert not (tmp_path / "x").exists()


def test_create_wants_an_empty_directory(tmp_path):
    (tmp_path / "x").mkdir()
    with Catalog.create(tmp_path / "x"):
        pass
    with pytest.raises(CatalogExists):
        Catalog.create(tmp_path / "x")


def test_open_says_what_is_wrong_with_a_directory(tmp_path):
    with pytest.raises(CatalogNotFound, match="mlaoi-graph build"):
        Catalog.open(tmp_path)
    Catalog.create(tmp_path / "c").close()
    manifest = tmp_path / "c" / "manifest.json"
    written = json.loads(manifest.read_text())
    for broken in ("{", "[]", json.dumps(written | {"format": 99}), json.dumps(written | {"policy": "?"})):
        manifest.write_text(broken)
        with pytest.raises(CatalogDamaged):
            Catalog.open(tmp_path / "c")
    manifest.write_text(json.dumps(written | {"snapshot": 7}))
    with pytest.raises(CatalogDamaged, match="snapshots/7"):
        Catalog.open(tmp_path / "c")


def test_settings_are_kept(tmp_path):
    with Catalog.create(tmp_path / "c", base="https://host/stac", split_policy=SplitPolicy.ML_AOI_ADR):
        pass
    with Catalog.open(tmp_path / "c") as catalog:
        assert catalog.base == "https://host/stac/"
        assert catalog.split_policy is SplitPolicy.ML_AOI_ADR
    for base in ("stac", "urn:x", "https://host/?q=", "https://host/a b", "file:///tmp/"):
        with pytest.raises(ValueError, match="cannot start IRIs"):
            Catalog.create(base=base)


def test_readers_keep_what_they_opened_until_they_open_again(tmp_path, folder):
    with Catalog.create(tmp_path / "c") as writer:
        writer.ingest(folder)
        with Catalog.open(tmp_path / "c") as reader:
            (folder / "new.json").write_text(json.dumps(model("new")))
            writer.ingest(folder)
            (folder / "newer.json").write_text(json.dumps(model("newer")))
            writer.ingest(folder)
            assert reader.counts().models == 2
            assert writer.counts().models == 4
            with Catalog.open(tmp_path / "c") as late:
                assert late.counts().models == 4
        kept = [name for name in os.listdir(tmp_path / "c" / "snapshots") if name.isdigit()]
        assert len(kept) == 2  # the newest, and the one this reader holds


@pytest.mark.parametrize("place", ["c", "new/c", "empty"])
def test_what_is_discarded_is_gone_also_while_the_error_is_at_hand(tmp_path, place):
    (tmp_path / "empty").mkdir()
    for _ in range(5):
        catalog = Catalog.create(tmp_path / place)
        try:
            catalog.ingest("https://example.invalid/x.json")
        except NetworkNotAllowed:
            catalog.discard()
            assert list(tmp_path.rglob("*")) == [tmp_path / "empty"]
        else:
            pytest.fail("the network is off")


def test_only_what_is_the_catalogs_is_discarded(tmp_path, folder, monkeypatch):
    with Catalog.create(tmp_path / "made" / "c") as catalog:
        catalog.ingest(folder)
        with contextlib.closing(OxigraphStore(tmp_path / "made" / "c" / "store")), pytest.raises(CatalogLocked):
            catalog.discard()
        with Catalog.open(tmp_path / "made" / "c") as other:
            assert other.counts().models == 2  # nothing was removed
    (tmp_path / "made" / "c" / "notes").touch()
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", Mock(side_effect=OSError("busy")))
        with pytest.raises(CatalogError, match="not all of it could be removed: busy"):
            catalog.discard()
    catalog.discard()
    assert [entry.name for entry in (tmp_path / "made").rglob("*")] == ["c", "notes"]


def test_each_iri_that_is_minted_is_in_the_docs(tmp_path):
    documents = {
        "catalog.json": {"type": "Catalog", "stac_version": "1.1.0", "id": "k", "description": "", "links": []},
        "c.json": collection("c", link("item", "gone.json"), link("item", "https://far.org/i.json"), link("child", "d.json")),
        "d.json": collection("d"),
        "m.json": model("m", *(link("derived_from", href) for href in ("x/y.tif", "a name", "catalog.json")), {"rel": "derived_from"}),
        "n.json": model("n", link("derived_from", "c.json", **{"ml-aoi:split": "train"})),
        "s.json": sample("s", "c", link("source", "image.tif")),
    }  # fmt: skip
    for name, document in documents.items():
        (tmp_path / name).write_text(json.dumps(document))
    page = (Path(__file__).parents[1] / "docs/catalog.md").read_text()
    table = page.partition("## IRIs")[2].partition("`--base`")[0]
    shapes = {
        "base": re.escape(BASE),
        "JSON pointer": r"/\w+(/\w+)*",
        "path": ".+",
        "document": f"{BASE}documents/[^#]+",
        "hash": r"\w{16}",
    }
    patterns = {
        written: "".join(
            shapes.get(piece, r"[^/#]+") if number % 2 else re.escape(piece)
            for number, piece in enumerate(re.split("<(.+?)>", written))
        )
        for written in re.findall("`(<.+?>.*?)`", table)
    }
    # What belongs to a node has the node's IRI before it.
    nodes = "|".join(pattern for written, pattern in patterns.items() if written.startswith("<base>"))
    for kind in ("item", "collection", "model", "dataset"):
        patterns |= {
            written: p.replace("[^/#]+", f"({nodes})", 1)
            for written, p in patterns.items()
            if written.startswith(f"<{kind}>")
        }
    with Catalog.create() as catalog:
        catalog.ingest(tmp_path, name="here")
        terms = {
            term.value
            for quad in catalog.store.match()
            for term in (quad.graph_name, *quad.triple)
            if isinstance(term, ox.NamedNode)
        }
    minted = {term.removesuffix("-geometry") for term in terms if term.startswith(BASE)}
    assert len(minted) > 30
    met = {iri: {written for written, pattern in patterns.items() if re.fullmatch(pattern, iri)} for iri in minted}
    assert [iri for iri, rows in met.items() if not rows] == []
    assert set().union(*met.values()) >= {
        written for written in patterns if "#/" in written or "catalogs" in written or "files" in written
    }


def test_what_failed_does_not_keep_the_next_change_waiting(tmp_path, folder):
    with Catalog.create(tmp_path / "c") as catalog:
        try:
            catalog.ingest("https://example.invalid/x.json")
        except NetworkNotAllowed:
            catalog.ingest(folder)
        assert catalog.counts().models == 2


def test_one_writer(tmp_path, folder):
    with Catalog.create(tmp_path / "c") as catalog:
        catalog.ingest(folder)
        held = OxigraphStore(tmp_path / "c" / "store")
        with pytest.raises(CatalogLocked, match="reading needs no lock"):
            catalog.ingest(folder)
        assert catalog.counts().models == 2
        held.close()
        catalog.ingest(folder)


def test_namesakes_are_told_apart(tmp_path, folder):
    other = tmp_path / "elsewhere" / "source"
    shutil.copytree(folder, other)
    with Catalog.create() as catalog:
        catalog.ingest(folder)
        with pytest.raises(SourceNameTaken, match="--name"):
            catalog.ingest(other)
        before = catalog.counts()
        report = catalog.ingest(other, name="source")  # the same source, moved
        assert report.unchanged == 4
        assert catalog.counts() == before
        catalog.ingest(folder / "c.json", name="second")
        assert f"{BASE}documents/second/c.json" in {d.iri for d in catalog.documents()}


def test_a_source_that_is_not_there(catalog, tmp_path):
    with pytest.raises(SourceNotFound):
        catalog.ingest(tmp_path / "nowhere")
    assert catalog.counts().documents == 0


def test_members_of_a_file_come_and_go(catalog, tmp_path):
    path = tmp_path / "items.ndjson"
    items = [sample(f"s{i}", "c") for i in range(3)]
    path.write_text("\n".join(map(json.dumps, items)))
    assert catalog.ingest(path).read == 3
    assert {d.iri for d in catalog.documents()} > {
        f"{BASE}documents/{tmp_path.name}/items.ndjson#c/s{i}" for i in range(3)
    }
    path.write_text("\n".join(map(json.dumps, [items[0], sample("s2", "c", title="new")])))
    report = catalog.ingest(path)
    assert (report.read, report.unchanged, report.removed) == (1, 1, 1)
    assert sorted(a.identifier for a in catalog.areas()) == ["s0", "s2"]


def test_a_bad_line_takes_no_member_away(catalog, tmp_path):
    path = tmp_path / "items.ndjson"
    items = [json.dumps(sample(f"s{i}", "c")) for i in range(3)]
    path.write_text("\n".join(items))
    catalog.ingest(path)
    path.write_text("\n".join([items[0], items[1][:-5], items[2]]))
    report = catalog.ingest(path)
    assert report.removed == 0
    assert [(f.document, f.pointer.split(":")[0], f.rule) for f in report.findings.kept] == [
        (str(path), "2", "not-json")
    ]
    # And one without a place stands for what the line may say now.
    assert {a.identifier: a.wkt is not None for a in catalog.areas()} == {
        "s0": True,
        "s1": True,
        "s2": True,
        None: False,
    }


def test_item_collections_are_files_of_members(catalog, tmp_path):
    path = tmp_path / "items.geojson"
    items = [sample("s0", "c", split="train"), sample("s1", "c", split="test"), model("m")]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": items}))
    assert catalog.ingest(path).read == 3
    assert {d.iri for d in catalog.datasets()} == {f"{BASE}collections/c{split}" for split in ("", "/train", "/test")}
    before = quads(catalog)
    assert catalog.ingest(path).unchanged >= 1
    assert quads(catalog) == before
    path.write_text(json.dumps({"type": "FeatureCollection", "features": items[:2]}))
    assert catalog.ingest(path).removed == 1
    assert list(catalog.models()) == []


def test_a_copy_of_a_published_catalog_is_followed_by_its_own_addresses(catalog, write):
    """Links to the addresses a catalog was published at lead to the files beside it."""
    site = "https://example.com/stac/"
    folder = write(
        catalog={"type": "Catalog", "stac_version": "1.0.0", "id": "root", "description": "", "links": [
            link("self", site + "catalog.json"), link("child", site + "c/collection.json"), link("item", "./m.json")]},
        c__collection=collection("c", link("self", site + "c/collection.json"), link("item", site + "c/s.json"), split="train"),
        c__s=sample("s", "c", link("self", site + "c/s.json"), link("collection", site + "c/collection.json"), split="train"),
        m=model("m", link("derived_from", site + "c/collection.json"), link("derived_from", "https://elsewhere.org/x.json")),
    )  # fmt: skip
    report = catalog.ingest(folder / "catalog.json")
    assert (report.read, report.failed) == (4, 0)
    assert [d.iri for d in catalog.datasets()] == [site + "c/collection.json"]
    assert [u.dataset for u in catalog.uses()] == [site + "c/collection.json"]


def test_lineage_targets_beside_a_lone_item_are_read_too(catalog, write):
    folder = write(
        m=model("m", link("derived_from", "./data/c.json")), data__c=collection("c"), data__unrelated=model("u")
    )
    assert catalog.ingest(folder / "m.json").read == 2
    assert [d.resolved for d in catalog.datasets()] == [True]


def test_collections_of_models_are_no_datasets(catalog, write):
    models = collection("zoo", link("item", "./m.json"))
    catalog.ingest(write(collection=models, m=model("m") | {"collection": "zoo"}))
    assert list(catalog.datasets()) == []
    assert [m.iri for m in catalog.models()] == [f"{BASE}collections/zoo/items/m"]


def test_two_documents_about_one_thing_are_united_and_reported(catalog, write):
    report = catalog.ingest(write(a__m=model("m", title="One"), b__m=model("m", link("derived_from", "x"))))
    assert [f.rule for f in report.findings.kept] == ["duplicate-id"]
    (found,) = catalog.models()
    assert found.label in ("One", "m")


def test_many_findings_are_counted_and_the_first_hundred_of_a_rule_kept(catalog, write):
    given = [link("derived_from", 7)] * 150
    report = catalog.ingest(write(m=model("m", *given)))
    assert (len(report.findings), len(report.findings.kept), report.findings.not_kept) == (150, 100, 50)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * { SERVICE <http://127.0.0.1:9/sparql> { ?s ?p ?o } }",
        "SELECT * { service SILENT <http://127.0.0.1:9/> { ?s ?p ?o } }",
        "SELECT * { \\u0053ERVICE <http://127.0.0.1:9/> { ?s ?p ?o } }",
        "SELECT * { # ' \n SERVICE <http://127.0.0.1:9/#> { ?s ?p ?o } }",
        "SELECT * { ?s ?p '\\'' . SERVICE <http://127.0.0.1:9/> { ?s ?p ?o } }",
        "INSERT DATA { <urn:a> <urn:b> <urn:c> }",
        "PREFIX x: <urn:x> DELETE WHERE { ?s ?p ?o }",
    ],
)
def test_queries_stay_in_the_catalog_and_only_read(filled, query):
    before = set(filled.store.match())
    with pytest.raises(QueryError, match=r"another machine|only read"):
        list(filled.query(query))
    assert set(filled.store.match()) == before


@pytest.mark.parametrize(
    "query",
    [
        "SELECT ?s { ?s rdfs:label 'SERVICE' }",
        'SELECT ?s { ?s rdfs:label """a "quoted" SERVICE""" } # SERVICE',
        "SELECT ?service { ?service <http://example.org/SERVICE> ?o }",
    ],
)
def test_words_that_only_look_like_it_are_no_reason(filled, query):
    assert list(filled.query(query)) == []


def test_two_sources_that_describe_one_thing_are_told(tmp_path, write):
    folder = write(a__c=collection("labels", title="One"), b__c=collection("labels", title="Other"))
    with Catalog.create() as catalog:
        assert catalog.ingest(folder / "a").findings.kept == []
        assert [f.rule for f in catalog.ingest(folder / "b").findings.kept] == ["duplicate-id"]


def test_one_file_of_a_folder_does_not_make_the_others_gone(catalog, folder):
    catalog.ingest(folder)
    assert catalog.ingest(folder / "m.json").gone == ()


def test_members_go_with_their_file(catalog, tmp_path):
    path = tmp_path / "items.ndjson"
    path.write_text("\n".join(json.dumps(sample(f"s{i}", "c")) for i in range(3)))
    catalog.ingest(path)
    catalog.remove(f"{BASE}documents/{tmp_path.name}/items.ndjson")
    assert quads(catalog) == set()


def test_a_member_that_failed_is_told_again(catalog, tmp_path):
    path = tmp_path / "items.geojson"
    broken = sample("s1", "c") | {"id": None}
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [sample("s0", "c"), broken]}))
    assert catalog.ingest(path).failed == 1
    assert catalog.ingest(path).failed == 1


@pytest.mark.parametrize("location", ["memory", "disk"])
def test_what_refers_to_a_thing_that_changed_is_read_again(location, tmp_path, write):
    """Reading again gives what a catalog built from the same documents gives."""
    m = model(
        "m",
        link("derived_from", "c"),
        link("derived_from", "./t.json", **{"ml-aoi:split": "train"}),
        link("derived_from", "./k.json"),
    )
    old = {
        "m": m,
        "c": collection("c"),
        "t": collection("t"),
        "k": collection("k"),
        "s": sample("s", "t", split="train"),
    }
    new = {"c": collection("c2"), "t": collection("t", split="train"), "k": model("k")}
    folder = write(**old)
    with Catalog.create(tmp_path / "x" if location == "disk" else None) as again, Catalog.create() as afresh:
        again.ingest(folder)
        write(**new)
        again.ingest(folder)
        afresh.ingest(folder)
        assert quads(again) == quads(afresh)


def test_every_source_is_read_again_when_the_rules_change(tmp_path, write, monkeypatch):
    folder = write(a__m=model("m"), b__n=model("n"))
    with Catalog.create(tmp_path / "x") as catalog:
        for name in "ab":
            catalog.ingest(folder / name)
        monkeypatch.setattr("mlaoi_graph.readers.READING_RULES", 99)
        assert [catalog.ingest(folder / name).read for name in "ab"] == [1, 1]
        assert [catalog.ingest(folder / name).read for name in "ab"] == [0, 0]


def test_a_configuration_in_yaml_does_not_make_a_stac_folder_records(catalog, folder):
    (folder / "config.yaml").write_text("models:\n  - unet\n")
    assert (report := catalog.ingest(folder)).read == 4
    assert report.failed == 0


def test_reading_needs_no_right_to_write(tmp_path, folder):
    with Catalog.create(tmp_path / "x") as catalog:
        catalog.ingest(folder)
    for path in [*(tmp_path / "x").rglob("*"), tmp_path / "x"]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        with Catalog.open(tmp_path / "x") as catalog:
            assert catalog.counts().models == 2
    finally:
        for path in [tmp_path / "x", *(tmp_path / "x").rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)


def test_memory_of_an_interruption(tmp_path, write, monkeypatch):
    """What follows is inferred by the next ingest, in memory as on disk."""
    folder = write(m=model("m", link("derived_from", "./c.json")), c=collection("c"))
    with Catalog.create() as catalog:
        catalog.ingest(write(other__d=collection("d")) / "other")
        with monkeypatch.context() as patch:
            patch.setattr("mlaoi_graph.reasoning.refresh_touched", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                catalog.ingest(folder, name="s")
        catalog.ingest(folder, name="s")
        assert catalog.query("ASK { ?m mlaoi:exposedTo ?d }") is True


@pytest.mark.parametrize("source", ["source", "source/c.json"])
def test_the_build_that_sees_an_item_missing_says_that_not_all_samples_are_known(source, catalog, write, tmp_path):
    items = [link("item", "./a.json"), link("item", "./b.json")]
    folder = write(c=collection("c", *items), a=sample("a", "c"), b=sample("b", "c"))
    missing = f"{BASE}documents/source/c.json#/unread"
    catalog.ingest(tmp_path / source, name="source")
    assert not catalog.store.has_graph(missing)
    (folder / "a.json").unlink()
    report = catalog.ingest(tmp_path / source, name="source")
    assert report.gone == (f"{BASE}documents/source/a.json",)
    assert [(f.rule, f.pointer) for f in report.findings.kept] == [("broken-link", "/links/0/href")]
    assert catalog.store.has_graph(missing)
    write(a=sample("a", "c"))
    catalog.ingest(tmp_path / source, name="source")
    assert not catalog.store.has_graph(missing)


def test_a_text_in_a_language_that_xml_cannot_hold_is_named(filled, tmp_path):
    filled.update('INSERT DATA { GRAPH <urn:g> { <urn:x> rdfs:label "bell\\u0007"@en } }')
    (lost,) = filled.export("rdfxml", tmp_path / "out.rdf")
    assert (lost.document, lost.rule) == (str(tmp_path / "out.rdf"), "not-in-xml")
    assert "U+0007" in lost.message
    assert "in the label of <urn:x>" in lost.message
    assert rdflib.Literal("bell\ufffd", lang="en") in rdflib.Graph().parse(tmp_path / "out.rdf", format="xml").objects()
