"""The targeted rules give exactly what owlrl gives over the ontology."""

import json
import warnings
from pathlib import Path

import owlrl
import pytest
import rdflib
from conftest import collection, link, model
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mlaoi_graph
from mlaoi_graph.catalog import Catalog
from mlaoi_graph.model import Reasoner
from mlaoi_graph.ontology_files import ontology_file
from mlaoi_graph.rdf import INFERRED_GRAPH, LOG_GRAPH
from mlaoi_graph.reasoning import PREDICATES, OwlRl, RuleBase, asserted_edges, infer, refresh, refresh_touched
from mlaoi_graph.stores.oxigraph import OxigraphStore
from mlaoi_graph.vocab import MLAOI, MLAOI_NS, RDF

FAMILIES = Path(mlaoi_graph.__file__).parent / "families"
MODELS = [f"urn:model:{i}" for i in range(10)]
DATA = [f"urn:data:{i}" for i in range(6)]
MODEL_MODEL = [MLAOI.finetunedFrom, MLAOI.initializedFrom, MLAOI.distilledFrom, MLAOI.mergedFrom, MLAOI.quantizedFrom,
               MLAOI.usesComponent, MLAOI.derivedFromModel, MLAOI.succeeds]  # fmt: skip
TWINS = [f"urn:twin:{i}" for i in range(3)]
MODEL_DATA = [MLAOI.pretrainedOn, MLAOI.finetunedOn, MLAOI.instructionTunedOn, MLAOI.trainedOn, MLAOI.validatedOn,
              MLAOI.testedOn, MLAOI.evaluatedOn, MLAOI.madeFrom, MLAOI.exposedTo]  # fmt: skip
DATA_DATA = [MLAOI.derivedFrom, MLAOI.drawnFrom, MLAOI.partOf, MLAOI.splitOf, MLAOI.succeeds, MLAOI.hasPart]
ONTOLOGY = rdflib.Graph().parse(ontology_file("mlaoi.ttl"))


def triples(subjects, predicates, objects):
    return st.tuples(st.sampled_from(subjects), st.sampled_from(predicates), st.sampled_from(objects))


CATALOGS = st.lists(
    triples(MODELS, MODEL_MODEL, MODELS)
    | triples(MODELS, MODEL_DATA, DATA)
    | triples(DATA, DATA_DATA, DATA)
    | triples(DATA, [MLAOI.labelledBy], MODELS)
    | triples(DATA, [RDF.type], [MLAOI.SourceArchive, MLAOI.Dataset])
    | triples(MODELS, [RDF.type], [MLAOI.Model])
    | triples(TWINS, [RDF.type], [MLAOI.DataUse, MLAOI.Derivation, MLAOI.Association, MLAOI.QualifiedEdge]),
    max_size=25,
)


def by_owlrl(asserted):
    """Return the instance triples of our classes and properties that owlrl adds."""
    graph = rdflib.Graph()
    for triple in ONTOLOGY:
        graph.add(triple)
    for triple in asserted:
        graph.add(tuple(map(rdflib.URIRef, triple)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        owlrl.DeductiveClosure(owlrl.OWLRL_Semantics).expand(graph)
    found = set()
    for s, p, o in graph:
        ours = str(p).startswith(MLAOI_NS) or (str(p) == RDF.type and str(o).startswith(MLAOI_NS))
        if ours and str(s).startswith("urn:"):
            found.add((str(s), str(p), str(o)))
    return found - set(asserted)


def same(asserted):
    assert infer(asserted) == by_owlrl(asserted)


@pytest.mark.parametrize("examples", [pytest.param(25, id="few"), pytest.param(400, id="many", marks=pytest.mark.slow)])
def test_the_rules_equal_owlrl(examples):
    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(CATALOGS)
    def equal(asserted):
        same(asserted)

    equal()


def test_the_shapes_that_matter_equal_owlrl():
    """A diamond, a merge of two, a cycle, parts of what was made from parts, an archive."""
    m, d = MODELS, DATA
    same([
        (m[0], MLAOI.finetunedFrom, m[1]), (m[0], MLAOI.mergedFrom, m[2]), (m[1], MLAOI.initializedFrom, m[3]),
        (m[2], MLAOI.distilledFrom, m[3]), (m[3], MLAOI.pretrainedOn, d[0]), (m[4], MLAOI.finetunedFrom, m[5]),
        (m[5], MLAOI.finetunedFrom, m[4]), (m[5], MLAOI.trainedOn, d[1]), (d[2], MLAOI.partOf, d[0]),
        (d[0], MLAOI.derivedFrom, d[3]), (d[4], MLAOI.partOf, d[3]), (d[1], MLAOI.drawnFrom, d[5]),
        (d[5], RDF.type, MLAOI.SourceArchive), (d[1], MLAOI.labelledBy, m[0]), (m[0], MLAOI.testedOn, d[2]),
    ])  # fmt: skip


@pytest.mark.parametrize("use", [MLAOI.instructionTunedOn, MLAOI.testedOn])
def test_what_is_said_in_a_word_that_also_follows_is_not_inferred_once_more(use):
    m, d = MODELS[0], DATA[0]
    for word in (MLAOI.madeFrom, MLAOI.evaluatedOn, MLAOI.trainedOn, MLAOI.exposedTo):
        same([(m, use, d), (m, word, d)])


def test_exposure_by_hand():
    """SAM made the masks of SAMRS, whose images are DOTA's; a model tuned on a split of a set made from SAMRS."""
    found = infer([
        ("tuned", MLAOI.finetunedFrom, "base"), ("tuned", MLAOI.instructionTunedOn, "instruct/train"),
        ("instruct/train", MLAOI.partOf, "instruct"), ("instruct", MLAOI.derivedFrom, "samrs"),
        ("samrs", MLAOI.derivedFrom, "dota"), ("samrs", MLAOI.labelledBy, "sam"), ("sam", MLAOI.pretrainedOn, "sa-1b"),
        ("samrs", MLAOI.drawnFrom, "google-earth"), ("base", MLAOI.pretrainedOn, "laion"), ("tuned", MLAOI.testedOn, "instruct/test"),
        ("instruct/test", MLAOI.partOf, "instruct"), ("next", MLAOI.succeeds, "tuned"),
    ])  # fmt: skip
    exposed = {o for s, p, o in found if s == "tuned" and p == MLAOI.exposedTo}
    assert exposed == {"instruct/train", "samrs", "dota", "laion"}
    assert {o for s, p, o in found if s == "next"} == set()


def test_each_kind_of_statement_and_what_only_an_update_says_equal_owlrl():
    """Every edge and class the strategy may draw, once at least."""
    m, d = MODELS, DATA
    asserted = [
        (m[0], MLAOI.exposedTo, d[0]), (m[1], MLAOI.finetunedFrom, m[0]), (d[0], MLAOI.hasPart, d[1]),
        (d[2], MLAOI.splitOf, d[0]), (d[0], MLAOI.derivedFrom, d[3]), (d[4], MLAOI.splitOf, d[3]),
        *((twin, RDF.type, kind) for twin, kind in zip(TWINS, (MLAOI.DataUse, MLAOI.Derivation, MLAOI.Association), strict=True)),
    ]  # fmt: skip
    same(asserted)
    found = infer(asserted)
    assert {o for s, p, o in found if (s, p) == (m[1], MLAOI.exposedTo)} == {d[0], d[1], d[2], d[3], d[4]}
    assert {s for s, p, o in found if (p, o) == (RDF.type, MLAOI.QualifiedEdge)} == set(TWINS)


@settings(max_examples=200, deadline=None)
@given(CATALOGS, CATALOGS)
def test_only_what_is_affected_changes(before, after):
    """Nodes outside of ``affected`` have the same inferred triples before and after a change."""
    changed = set(before) ^ set(after)
    touched = {node for s, p, o in changed for node in ((s,) if p == RDF.type else (s, o))}
    old, new = RuleBase(before), RuleBase(after)
    again = old.affected(touched) | new.affected(touched)
    for node in {*MODELS, *DATA, *TWINS} - again:
        assert old.inferred(node) == new.inferred(node)


def test_every_property_of_the_axioms_is_read():
    axioms = {str(s) for s, p, _ in ONTOLOGY if str(p).endswith(("subPropertyOf", "propertyChainAxiom", "inverseOf"))}
    assert axioms - {str(MLAOI.exposedTo)} <= PREDICATES
    for chain in ONTOLOGY.objects(None, rdflib.OWL.propertyChainAxiom):
        assert {str(p) for p in rdflib.collection.Collection(ONTOLOGY, chain)} <= PREDICATES


DOCUMENTS = {
    "base": model("base", link("derived_from", "./c.json", **{"lineage:stage": "pretraining"})),
    "base2": model("base", link("derived_from", "./d.json")),
    "tuned": model("tuned", link("derived_from", "./base.json", **{"lineage:derivation": "finetuned"})),
    "c": collection("c", link("derived_from", "./d.json")),
    "d": collection("d", split="train"),
    "p": model("p", link("derived_from", "./d.json", **{"ml-aoi:split": "test"}), link("derived_from", "tuned")),
}


def inferred(catalog):
    return {(q.subject.value, q.predicate.value, q.object.value) for q in catalog.store.match(graph=INFERRED_GRAPH)}


@pytest.mark.parametrize("location", ["memory", "disk"])
def test_the_inferred_graph_follows_every_change(location, tmp_path):
    """Documents come, change and go in any order: what is inferred is always what the rules give for what is left."""
    folder = tmp_path / "source"
    folder.mkdir()
    with Catalog.create(tmp_path / "catalog" if location == "disk" else None) as catalog:

        def check():
            assert inferred(catalog) == infer(set(asserted_edges(catalog.store)))

        def put(name, document):
            (folder / f"{name}.json").write_text(json.dumps(DOCUMENTS[document]))
            catalog.ingest(folder)
            check()

        for name in ("c", "base", "d", "p", "tuned"):
            put(name, name)
        tuned = catalog.find("tuned")
        exposed = [q.object.value for q in catalog.store.match(tuned, MLAOI.exposedTo)]
        # What p says of d, declared train, makes a test part of it, which who learned from all of d may know.
        assert sorted(exposed) == [catalog.find("c"), catalog.find("d"), f"{catalog.find('d')}/test"]
        put("base", "base2")
        put("base", "base")
        for document in sorted(d.iri for d in catalog.documents()):
            catalog.remove(document)
            check()
        assert not catalog.store.has_graph(INFERRED_GRAPH)


NAMED = ["urn:doc:a", "urn:doc:b"]


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(CATALOGS, min_size=2, max_size=2), st.sampled_from([Reasoner.TARGETED, Reasoner.NONE]))
def test_reasoning_leaves_what_documents_assert_as_it_was(documents, reasoner):
    """Also where it infers what one of them says, and where it takes back what it inferred of what is gone."""
    store = OxigraphStore()

    def put(graph, edges):
        store.replace({graph: "".join(f"<{s}> <{p}> <{o}> .\n" for s, p, o in edges)})

    def asserted():
        return {graph: {str(q) for q in store.match(graph=graph)} for graph in NAMED}

    for graph, edges in zip(NAMED, documents, strict=True):
        put(graph, edges)
    before = asserted()
    refresh(store, reasoner)
    assert asserted() == before
    first = {(q.subject.value, q.predicate.value, q.object.value) for q in store.match(graph=INFERRED_GRAPH)}
    assert first == (infer({*documents[0], *documents[1]}) if reasoner is Reasoner.TARGETED else set())
    put(NAMED[1], [])
    before = asserted()
    refresh_touched(store, asserted_edges(store), {*MODELS, *DATA, *TWINS}, reasoner)
    assert asserted() == before
    left = {(q.subject.value, q.predicate.value, q.object.value) for q in store.match(graph=INFERRED_GRAPH)}
    assert left == (infer(documents[0]) if reasoner is Reasoner.TARGETED else set())


@pytest.mark.parametrize("reasoner", list(Reasoner))
def test_an_ingest_leaves_the_graphs_of_other_documents_as_they_were(tmp_path, reasoner):
    folder = tmp_path / "source"
    folder.mkdir()

    def graphs(catalog):
        return {
            graph: {str(q) for q in catalog.store.match(graph=graph)}
            for graph in catalog.store.graphs()
            if graph not in (INFERRED_GRAPH, LOG_GRAPH)
        }

    with Catalog.create(reasoner=reasoner) as catalog, Catalog.create(reasoner=Reasoner.NONE) as plain:
        for name in ("base", "c", "d", "tuned"):
            (folder / f"{name}.json").write_text(json.dumps(DOCUMENTS[name]))
            for one in (catalog, plain):
                one.ingest(folder)
            assert graphs(catalog) == graphs(plain) != {}


def test_any_reasoner_stays_with_its_catalog(tmp_path):
    """owlrl infers what the rules do, and none nothing, at the first ingest, the next and a removal."""
    folder = tmp_path / "source"
    folder.mkdir()
    for reasoner in Reasoner:
        Catalog.create(tmp_path / reasoner.value, reasoner=reasoner).close()

    def check(change):
        found = {}
        for reasoner in Reasoner:
            with Catalog.open(tmp_path / reasoner.value) as catalog:
                assert catalog.reasoner is reasoner
                change(catalog)
                found[reasoner] = inferred(catalog)
                assert found[reasoner] or reasoner is Reasoner.NONE
        assert found[Reasoner.OWLRL] == found[Reasoner.TARGETED]
        assert found[Reasoner.NONE] == set()
        return found[Reasoner.OWLRL]

    sizes = []
    for names in (("c", "base", "d"), ("p", "tuned")):
        for name in names:
            (folder / f"{name}.json").write_text(json.dumps(DOCUMENTS[name]))
        sizes.append(len(check(lambda catalog: catalog.ingest(folder))))
    gone = next(d.iri for d in catalog_documents(tmp_path / "owlrl") if d.iri.endswith("/c.json"))
    sizes.append(len(check(lambda catalog: catalog.remove(gone))))
    assert sizes[0] < sizes[1] > sizes[2]


def catalog_documents(directory):
    with Catalog.open(directory) as catalog:
        return list(catalog.documents())


@pytest.mark.parametrize(
    "start", [pytest.param("geochat-7b", id="what one came from"), pytest.param(None, id="all", marks=pytest.mark.slow)]
)
def test_the_families_by_owlrl(start):
    """Real records: parts, archives, merges and labels that a model made."""
    with Catalog.create() as catalog:
        catalog.ingest(FAMILIES)
        edges = set(asserted_edges(catalog.store))
        if start is not None:
            start = catalog.find(start)
            near = {start, *(row.node for row in catalog.lineage.upstream(start))}
            edges = {edge for edge in edges if edge[0] in near}
    reference = OwlRl(edges)
    assert (
        {(node, *pair) for node in reference.subjects() for pair in reference.inferred(node)} == infer(edges) != set()
    )


def test_where_nothing_is_inferred_it_is_said_and_lineage_answers_all_the_same(tmp_path):
    for name, document in DOCUMENTS.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(document))
    question = "SELECT ?model ?data { ?model mlaoi:exposedTo ?data }"
    with Catalog.create(reasoner=Reasoner.NONE) as catalog, Catalog.create() as usual:
        catalog.ingest(tmp_path, name="x")
        usual.ingest(tmp_path, name="x")
        with pytest.warns(UserWarning, match="nothing is inferred in this catalog: of exposedTo"):
            assert list(catalog.query(question)) == []
        assert list(catalog.query("SELECT ?m { ?m mlaoi:finetunedFrom ?base }"))
        tuned = usual.find("tuned")
        rows = usual.lineage.exposure(tuned).to_dicts()
        assert catalog.lineage.exposure(tuned).to_dicts() == rows
        assert (
            {(r["model"], r["data"]) for r in usual.query(question)}
            >= {(tuned, row["dataset"]) for row in rows}
            != set()
        )
