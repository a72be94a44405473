"""What a SPARQL update may put into a catalog, and that one which is refused leaves everything as it was."""

import pyoxigraph as ox
import pytest
from conftest import collection, link, model

from mlaoi_graph.catalog import Catalog
from mlaoi_graph.errors import NodeNotFound, QueryError, StoreError
from mlaoi_graph.rdf import INFERRED_GRAPH, LOG_GRAPH
from mlaoi_graph.update import touched
from mlaoi_graph.vocab import MLAOI

OWN = "https://w3id.org/mlaoi/graph/"


@pytest.fixture(params=["memory", "directory"])
def used(request, write, tmp_path):
    """A catalog with a document in it, a log, and something inferred."""
    where = None if request.param == "memory" else tmp_path / "catalog"
    with Catalog.create(where) as catalog:
        catalog.ingest(write(c=collection("c"), m=model("m", link("derived_from", "./c.json"))), name="source")
        catalog.update("INSERT DATA { GRAPH <urn:w> { <urn:n> a mlaoi:Model ; mlaoi:pretrainedOn <urn:d> } }")
        yield catalog


REFUSED = {
    "text for a dataset": ("INSERT DATA { GRAPH <urn:w> { <urn:m> mlaoi:testedOn 'EuroSAT' } }", "<urn:m> .*EuroSAT"),
    "text for a model": ("INSERT DATA { GRAPH <urn:w> { <urn:u> mlaoi:ofModel 'm' } }", "<urn:u> .*ofModel"),
    "text for a class": ("INSERT DATA { GRAPH <urn:w> { <urn:u> a 'Model' } }", "<urn:u> .*Model"),
    "blank object": ("INSERT DATA { GRAPH <urn:w> { <urn:m> <urn:p> [] } }", "<urn:m> <urn:p> _:.*blank"),
    "blank subject": ("INSERT DATA { GRAPH <urn:w> { [] <urn:p> 1 } }", "_:.* <urn:p> .*blank"),
    "made by a function": (
        "INSERT { GRAPH <urn:w> { ?s <urn:p> ?b } } WHERE { GRAPH <urn:w> { ?s a ?c } BIND(BNODE() AS ?b) }", "blank",
    ),
    "quoted": ("INSERT DATA { GRAPH <urn:w> { <urn:a> <urn:p> <<( <urn:a> <urn:p> 1 )>> } }", "<urn:a> <urn:p>"),
    "good before bad": (
        "INSERT DATA { GRAPH <urn:w> { <urn:a> <urn:p> 1 } } ; INSERT DATA { GRAPH <urn:w> { <urn:a> <urn:p> [] } }",
        "blank",
    ),
    "every graph": (
        "INSERT { GRAPH ?g { <urn:a> <urn:p> 1 } } WHERE { GRAPH ?g { ?s ?p ?o } }", f"{OWN}(inferred|log)",
    ),
    "out of every graph": ("DELETE WHERE { GRAPH ?g { ?s ?p ?o } }", f"out of <{OWN}(inferred|log)"),
    "everything": ("DROP ALL", f"out of <{OWN}(inferred|log)"),
    "one out, one in": (
        f"DELETE {{ GRAPH <{LOG_GRAPH}> {{ ?s ?p ?o }} }} INSERT {{ GRAPH <{LOG_GRAPH}> {{ ?s ?p 1 }} }} "
        f"WHERE {{ GRAPH <{LOG_GRAPH}> {{ ?s ?p ?o }} }}", "log",
    ),
    "inferred": (f"INSERT DATA {{ GRAPH <{INFERRED_GRAPH}> {{ <urn:a> <urn:p> 1 }} }}", "inferred"),
    "inferred, prefixed": (
        f"PREFIX g: <{OWN}> WITH g:inferred INSERT {{ <urn:a> a <urn:b> }} WHERE {{ }}", "inferred",
    ),
    "log": (f"COPY <urn:w> TO <{LOG_GRAPH}>", "log"),
    "catalog": (f"INSERT DATA {{ GRAPH <{OWN}catalog> {{ <urn:a> <urn:p> 1 }} }}", "catalog"),
    "what checks it": (f"CREATE GRAPH <{OWN}refused>", "refused"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_no_catalog_can_hold_is_refused_and_nothing_is_kept(used, name):
    update, said = REFUSED[name]
    before = set(used.store.engine)
    with pytest.raises(QueryError, match=said):
        used.update(update)
    assert set(used.store.engine) == before
    used.update("INSERT DATA { GRAPH <urn:w> { <urn:n> mlaoi:testedOn <urn:e> } }")
    assert not any(graph.endswith("refused") for graph in used.store.graphs())
    added = set(used.store.engine) - before
    assert {str(q.object) for q in added if q.graph_name == ox.NamedNode("urn:w")} == {"<urn:e>"}
    used.remove("urn:w")
    assert not used.query("ASK { <urn:n> ?p ?o }")


@pytest.mark.parametrize(
    "update",
    [
        "INSERT DATA { GRAPH <urn:w> { <urn:n> rdfs:label 'text' ; <urn:p> 1 } }",
        f"INSERT {{ GRAPH ?g {{ ?s <urn:p> 1 }} }} WHERE {{ GRAPH ?g {{ ?s ?p ?o }} FILTER(!STRSTARTS(STR(?g), '{OWN}')) }}",
        "DELETE WHERE { GRAPH <urn:w> { ?s ?p ?o } }", "CREATE GRAPH <urn:x>", "",
    ],
)  # fmt: skip
def test_the_rest_is_done(used, update):
    reference = ox.Store()
    reference.extend(used.store.engine)
    reference.update(update, prefixes={"rdfs": "http://www.w3.org/2000/01/rdf-schema#"})
    used.update(update)

    def documents(quads):
        return {q for q in quads if isinstance(q.graph_name, ox.NamedNode) and not q.graph_name.value.startswith(OWN)}

    assert documents(used.store.engine) == documents(reference)


@pytest.mark.parametrize("junk", ["'Euro SAT'", "_:b"])
def test_what_is_in_a_catalog_already_jams_nothing(junk):
    """Versions before 0.1 let updates write what they refuse now."""
    with Catalog.create() as catalog:
        said = f"<urn:m> m:testedOn {junk}, <urn:d> . _:s a m:SourceArchive ; m:testedOn <urn:d> ."
        catalog.store.engine.update(
            f"PREFIX m: <https://w3id.org/mlaoi#> INSERT DATA {{ {said} GRAPH <urn:w> {{ {said} }} }}"
        )
        with pytest.raises(StoreError, match="DROP GRAPH <urn:w>"):
            catalog.remove("urn:w")
        catalog.update("INSERT DATA { GRAPH <urn:v> { <urn:v> a mlaoi:Model } }")
        evaluated = ox.Quad(
            ox.NamedNode("urn:m"), ox.NamedNode(MLAOI.evaluatedOn), ox.NamedNode("urn:d"), ox.NamedNode(INFERRED_GRAPH)
        )
        assert set(catalog.store.match(graph=INFERRED_GRAPH)) == {evaluated}
        catalog.update("DROP GRAPH <urn:w>")
        assert {q.subject.value for q in catalog.store.engine} == {"urn:v"}


def test_an_update_looks_at_what_it_touches_only(monkeypatch):
    """The rest of a large catalog costs nothing: it is neither checked nor compared with the union."""
    with Catalog.create() as catalog:
        store = catalog.store
        store.fill([{f"urn:d{n}": f"<urn:s{n}> <urn:p> <urn:o> .\n<urn:all> <urn:p> <urn:o> .\n"} for n in range(3)])
        sent = []
        update = type(store).update
        monkeypatch.setattr(
            type(store), "update", lambda self, text, **more: sent.append(text) or update(self, text, **more)
        )
        catalog.update("DELETE { GRAPH <urn:d0> { ?s ?p ?o } } WHERE { GRAPH <urn:d0> { ?s ?p ?o } }")
        assert "VALUES ?g { <urn:d0> }" in sent[-1]
        assert "(<urn:s0> <urn:p> <urn:o>)" in sent[-1]
        assert "urn:s1" not in sent[-1]
        union = {str(q.subject) for q in store.engine if q.graph_name == ox.DefaultGraph()}
        assert union == {"<urn:s1>", "<urn:s2>", "<urn:all>"}
        catalog.update("INSERT { GRAPH ?g { <urn:n> <urn:p> 1 } } WHERE { GRAPH ?g { <urn:all> ?p ?o } }")
        assert "VALUES" not in sent[-1]
        assert sum(q.subject.value == "urn:n" for q in store.engine) == 3  # in two graphs, and in the union once


@pytest.mark.parametrize(
    ("update", "graphs"),
    [
        ("PREFIX u: <urn:> INSERT DATA { GRAPH u:a { u:s u:p 1 } }", {"urn:a"}),
        ("WITH <urn:a> DELETE { ?s ?p ?o } WHERE { ?s ?p ?o }", {"urn:a"}),
        ("COPY SILENT GRAPH <urn:a> TO <urn:b>", {"urn:a", "urn:b"}),
        ("MOVE <urn:a> TO GRAPH <urn:b>", {"urn:a", "urn:b"}),
        ("DELETE { GRAPH <urn:a> { ?s ?p ?o } } INSERT { GRAPH <urn:b> { ?s ?p ?o } } WHERE { GRAPH ?x { ?s ?p ?o } }", {"urn:a", "urn:b"}),
        ("CREATE SILENT GRAPH <urn:a>", {"urn:a"}), ("", set()),
        ("CLEAR NAMED", None), ("DROP ALL", None), ("DROP SILENT NAMED", None),
        ("INSERT { GRAPH ?g { ?s ?p 1 } } WHERE { ?g ?p ?s }", None),
        ("DELETE WHERE { GRAPH ?g { ?s ?p 1 } }", None),
        ("PREFIX u: <urn:> INSERT DATA { GRAPH u:a { u:s u:p 1 } } ; PREFIX u: <urn:b> DROP GRAPH u:a", None),
        ("PREFIX u: <urn:> INSERT DATA { GRAPH u:a { u:s mlaoi: <urn:x> } } ; DROP SILENT GRAPH u:b", {"urn:a", "urn:b"}),
        ("BASE <urn:x> INSERT DATA { GRAPH <a> { <urn:s> <urn:p> 1 } }", None),
    ],
)  # fmt: skip
def test_what_an_update_may_write_to(update, graphs):
    assert touched(update) == graphs


def test_an_update_that_is_refused_leaves_no_mark(write, tmp_path):
    with Catalog.create(tmp_path / "catalog") as catalog:
        catalog.ingest(write(c=collection("c")), name="source")
        for wrong in ("INSERT DATA { GRAPH <urn:w> { [] <urn:p> 1 } }", "DROP ALL", "DROP GRAPH <urn:nobody>"):
            with pytest.raises(QueryError):
                catalog.update(wrong)
            assert not (tmp_path / "catalog/store.changing").exists()
        with pytest.raises(NodeNotFound):
            catalog.remove("urn:nobody")
        assert not (tmp_path / "catalog/store.changing").exists()
        # One that was cut short before stays one: what follows from it is made good by the next that is not refused.
        (tmp_path / "catalog/store.changing").touch()
        with pytest.raises(QueryError):
            catalog.update("DROP ALL")
        assert (tmp_path / "catalog/store.changing").exists()
        catalog.update("INSERT DATA { GRAPH <urn:w> { <urn:n> <urn:p> 1 } }")
        assert not (tmp_path / "catalog/store.changing").exists()
