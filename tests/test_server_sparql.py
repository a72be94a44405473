"""What /sparql and /graphs answer: formats, datasets, errors, CORS, updates."""

import csv
import io
import xml.etree.ElementTree as ElementTree

import pyoxigraph as ox
import pytest
import requests
from conftest import model
from serving import serve

from mlaoi_graph.catalog import Catalog
from mlaoi_graph.errors import QueryError
from mlaoi_graph.rdf import INFERRED_GRAPH
from mlaoi_graph.stores import Scope

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

ROWS = "SELECT ?m ?d { ?m mlaoi:testedOn ?d } ORDER BY ?m ?d"
JSON, XML = "application/sparql-results+json", "application/sparql-results+xml"
CSV, TSV = "text/csv", "text/tab-separated-values"


@pytest.fixture(scope="module")
def expected(families_catalog):
    with Catalog.open(families_catalog) as catalog:
        return [(row["m"], row["d"]) for row in catalog.query(ROWS)]


def test_the_formats_of_rows_agree_with_the_catalog(served, expected):
    as_json = served.sparql(ROWS, JSON).json()["results"]["bindings"]
    assert [(row["m"]["value"], row["d"]["value"]) for row in as_json] == expected
    as_csv = list(csv.reader(io.StringIO(served.sparql(ROWS, CSV).text)))
    assert [tuple(row) for row in as_csv[1:]] == expected
    as_tsv = [line.split("\t") for line in served.sparql(ROWS, TSV).text.splitlines()]
    assert [(m[1:-1], d[1:-1]) for m, d in as_tsv[1:]] == expected
    root = ElementTree.fromstring(served.sparql(ROWS, XML).content)
    space = "{http://www.w3.org/2005/sparql-results#}"
    assert [tuple(b[0].text for b in result) for result in root.iter(f"{space}result")] == expected
    assert len(expected) > 100


@pytest.mark.parametrize(
    ("media_type", "format"),
    [
        ("text/turtle", ox.RdfFormat.TURTLE), ("application/n-triples", ox.RdfFormat.N_TRIPLES),
        ("application/rdf+xml", ox.RdfFormat.RDF_XML), ("application/ld+json", ox.RdfFormat.JSON_LD),
        ("application/trig", ox.RdfFormat.TRIG), ("application/n-quads", ox.RdfFormat.N_QUADS),
    ],
)  # fmt: skip
def test_the_formats_of_graphs_agree_with_the_catalog(served, expected, media_type, format):
    found = served.sparql("CONSTRUCT { ?m mlaoi:testedOn ?d } WHERE { ?m mlaoi:testedOn ?d }", media_type)
    assert found.headers["content-type"].partition(";")[0] == media_type
    triples = {(q.subject.value, q.object.value) for q in ox.parse(found.content, format=format)}
    assert triples == set(expected)
    described = served.sparql(f"DESCRIBE <{expected[0][0]}>", media_type)
    assert any(q.subject.value == expected[0][0] for q in ox.parse(described.content, format=format))


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        (None, JSON), ("", JSON), ("*/*", JSON), ("text/*", CSV), ("application/*;q=0.1, text/csv;q=0.2", CSV),
        ("text/csv;q=0.5, application/sparql-results+xml;q=0.51", XML), ("application/json", "application/json"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "application/xml"),
        ("application/sparql-results+json;q=0, */*", XML), ("TEXT/CSV", CSV), ("text/csv;charset=utf-8", CSV),
    ],
)  # fmt: skip
def test_the_client_chooses_the_format(served, accept, chosen):
    headers = {"Accept": accept}
    found = requests.get(f"{served.url}sparql", params={"query": "SELECT * {}"}, headers=headers, timeout=30)
    assert (found.status_code, found.headers["content-type"].partition(";")[0]) == (200, chosen)
    assert "Accept" in found.headers["vary"]


@pytest.mark.parametrize(
    "accept",
    [
        "image/png",
        "text/turtle",
        "text/csv;q=0",
        "*/*;q=0",
        "/",
        "a/b/c",
        ",;q=",
        "x" * 5000,
        "*/*," * 3000,
        "text/html;level=\xff",
    ],
)
def test_what_cannot_be_given_is_refused(served, accept):
    headers = {"Accept": accept.encode("latin-1")}
    found = requests.get(f"{served.url}sparql", params={"query": "SELECT * {}"}, headers=headers, timeout=30)
    assert (found.status_code, found.json()["error"]) == (406, "not-acceptable")
    assert JSON in found.json()["offered"]


def test_a_query_that_cannot_be_parsed_says_where(served):
    found = served.sparql("SELECT * {\n ?s ?p ?o \n FILTRE }")
    assert found.status_code == 400
    error = found.json()
    assert (error["error"], error["line"], error["column"]) == ("query", 3, 10)
    with pytest.raises(SyntaxError, match="3:10"):  # the engine itself counts the same
        ox.Store().query("SELECT * {\n ?s ?p ?o \n FILTRE }")


@pytest.mark.parametrize(
    ("method", "path", "more", "status"),
    [
        ("PUT", "sparql?query=ASK{}", {}, 405), ("DELETE", "sparql", {}, 405), ("PATCH", "graphs?default", {}, 405),
        ("POST", "graphs?default", {}, 405), ("POST", "health", {}, 405),
        ("POST", "sparql", {"data": b"ASK {}", "headers": {"Content-Type": "text/plain"}}, 415),
        ("POST", "sparql", {"data": b"ASK {}"}, 415),
        ("POST", "sparql", {"data": b"<q/>", "headers": {"Content-Type": "application/xml"}}, 415),
        ("POST", "sparql", {"data": b"ASK {}", "headers": {"Content-Type": "application/sparql-query; charset=latin-1"}}, 415),
        ("POST", "sparql", {"data": b"ASK { \xff }", "headers": {"Content-Type": "application/sparql-query"}}, 400),
        ("GET", "sparql?query=ASK%20%7B%20%ff%20%7D", {}, 400), ("GET", "sparql?query=", {}, 400),
        ("GET", "sparql?query=ASK{}&reasoning=maybe", {}, 400), ("GET", "sparql?query=ASK{}&default-graph-uri=not+an+iri", {}, 400),
        ("GET", "sparql?query=ASK{}&named-graph-uri=urn:a%3E%20%7B", {}, 400), ("GET", "sparql?" + "a=b&" * 1001, {}, 400),
        ("POST", "sparql", {"data": {"update": "CLEAR ALL"}}, 403), ("GET", "graphs", {}, 400),
        ("GET", "graphs?default&graph=urn:a", {}, 400), ("GET", "graphs?graph=urn:nothing", {}, 404), ("GET", "graphs?graph=x", {}, 400),
    ],
)  # fmt: skip
def test_requests_that_are_wrong_are_told_how(served, method, path, more, status):
    found = requests.request(method, f"{served.url}{path}", timeout=30, **more)
    assert found.status_code == status
    assert found.headers["content-type"] == "application/json"
    assert set(found.json()) >= {"error", "reason"}
    if status == 405:
        assert "GET" in found.headers["allow"]


def test_a_head_has_no_body(served):
    found = requests.head(f"{served.url}sparql", params={"query": ROWS}, timeout=30)
    assert (found.status_code, found.content) == (200, b"")
    assert int(found.headers["content-length"]) == len(served.sparql(ROWS).content)


def test_pages_of_other_origins_may_read(served):
    asked = {
        "Origin": "https://example.org",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    found = requests.options(f"{served.url}sparql", headers=asked, timeout=30)
    assert found.status_code == 200
    assert found.headers["access-control-allow-origin"] == "*"
    assert "POST" in found.headers["access-control-allow-methods"]
    assert "access-control-allow-credentials" not in found.headers
    found = requests.get(f"{served.url}sparql?query=ASK{{}}", headers={"Origin": "https://example.org"}, timeout=30)
    assert found.headers["access-control-allow-origin"] == "*"
    plain = requests.options(f"{served.url}sparql", timeout=30)
    assert (plain.status_code, "POST" in plain.headers["allow"]) == (204, True)


COUNT = "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }"


def count(server, query=COUNT, **more):
    found = server.sparql(query, **more)
    assert found.status_code == 200, found.text
    return int(found.json()["results"]["bindings"][0]["n"]["value"])


def test_what_was_inferred_can_be_left_out(served, families_catalog):
    exposed = "SELECT (COUNT(*) AS ?n) { ?s mlaoi:exposedTo ?o }"
    with Catalog.open(families_catalog) as catalog:
        every = {q.triple for q in catalog.store.match()}
        inferred = {q.triple for q in catalog.store.match(graph=INFERRED_GRAPH)}
        asserted = {q.triple for q in catalog.store.match() if q.graph_name.value != INFERRED_GRAPH}
    assert count(served) == len(every)
    assert count(served, reasoning="off") == len(asserted)
    assert (
        count(served, f"SELECT (COUNT(*) AS ?n) {{ GRAPH <{INFERRED_GRAPH}> {{ ?s ?p ?o }} }}") == len(inferred) > 100
    )
    assert count(served, exposed) > 100
    assert count(served, exposed, reasoning="off") == 0
    assert count(served, exposed, reasoning="on") == count(served, exposed)


def test_graphs_of_the_request_are_merged(served, families_catalog):
    with Catalog.open(families_catalog) as catalog:
        graphs = sorted(g for g in catalog.store.graphs() if "mlaoi/graph/" not in g)[:3]
        merged = {q.triple for graph in graphs for q in catalog.store.match(graph=graph)}
        quads = sum(1 for graph in graphs for _ in catalog.store.match(graph=graph))
        assert len(merged) < quads  # several documents say the same: it counts once
        assert [int(r["n"]) for r in catalog.query(COUNT, Scope(default_graphs=tuple(graphs)))] == [len(merged)]
    sent = [("query", COUNT), *(("default-graph-uri", graph) for graph in graphs)]
    found = requests.post(f"{served.url}sparql", data=sent, timeout=30).json()
    assert int(found["results"]["bindings"][0]["n"]["value"]) == len(merged)
    assert count(served, **{"named-graph-uri": graphs[0]}) == 0
    one = "SELECT (COUNT(DISTINCT ?g) AS ?n) { GRAPH ?g { ?s ?p ?o } }"
    assert count(served, one, **{"named-graph-uri": graphs[0]}) == 1


def test_a_document_is_read_as_a_graph(served, families_catalog):
    with Catalog.open(families_catalog) as catalog:
        graph = next(g for g in catalog.store.graphs() if g.endswith("geochat.yaml"))
        said = {q.triple for q in catalog.store.match(graph=graph)}
    found = served.get("graphs", params={"graph": graph}, headers={"Accept": "application/n-triples"})
    assert {q.triple for q in ox.parse(found.content, format=ox.RdfFormat.N_TRIPLES)} == said


# -- updates ------------------------------------------------------------------------------------------------------

TOKEN = "0123456789abcdef"


@pytest.fixture
def writable(write, tmp_path):
    where = tmp_path / "catalog"
    with Catalog.create(where) as catalog:
        catalog.ingest(write(one=model("one")), name="source")
    with serve(where, tmp_path / "server", "--writable", "--workers", 1, token=TOKEN) as server:
        yield server, where


def send(server, update, token=TOKEN, **more):
    headers = {"Content-Type": "application/sparql-update", "Authorization": f"Bearer {token}"}
    return requests.post(f"{server.url}sparql", data=update, params=more, headers=headers, timeout=30)


def test_an_update_needs_the_token(writable):
    server, _ = writable
    before = count(server)
    for token in ("", "0123456789abcdeg", TOKEN + "x", TOKEN[:-1], "\xfftoken"):
        found = send(server, "CLEAR ALL", token.encode("latin-1").decode("latin-1"))
        assert (found.status_code, found.headers["www-authenticate"]) == (401, "Bearer")
    assert requests.post(f"{server.url}sparql", data={"update": "CLEAR ALL"}, timeout=30).status_code == 401
    assert requests.get(f"{server.url}sparql?update=CLEAR+ALL", timeout=30).status_code == 400
    assert count(server) == before


def test_an_update_is_seen_by_readers_and_what_follows_is_inferred(writable):
    server, _ = writable
    text = """PREFIX e: <https://example.org/>
        INSERT DATA { GRAPH e:graph { e:m a mlaoi:Model ; mlaoi:pretrainedOn e:d . e:d a mlaoi:Dataset } }"""
    assert send(server, text).status_code == 204
    assert server.sparql("ASK { <https://example.org/m> mlaoi:exposedTo <https://example.org/d> }").json()["boolean"]
    assert send(server, "DROP GRAPH <https://example.org/graph>").status_code == 204
    assert not server.sparql("ASK { ?m ?p <https://example.org/d> }").json()["boolean"]
    assert server.sparql("ASK { ?m dcterms:identifier 'one' }").json()["boolean"]


@pytest.mark.parametrize(
    "update",
    [
        "INSERT DATA { <urn:s> <urn:p> 1 }", "INSERT DATA { GRAPH <urn:g> { <urn:s> <urn:p> 1 } <urn:s> <urn:p> 2 }",
        "DELETE DATA { <urn:s> <urn:p> 1 }", "DELETE WHERE { ?s ?p ?o }", "CLEAR DEFAULT", "DROP SILENT DEFAULT",
        "DELETE { ?s ?p ?o } WHERE { GRAPH ?g { ?s ?p ?o } }", "COPY <urn:g> TO DEFAULT", "MOVE DEFAULT TO <urn:g>",
        "INSERT { GRAPH ?g { ?s ?p 1 } ?s ?p 2 } WHERE { GRAPH ?g { ?s ?p ?o } }", "LOAD <http://127.0.0.1:1/>",
        "CREATE GRAPH <urn:x> ; INSERT DATA { <urn:GRAPH> <urn:p> 'GRAPH <urn:g> { }' }", "CLEAR XYZ",
        "INSERT { GRAPH <urn:g> { ?s ?p ?o } } WHERE { SERVICE <http://127.0.0.1:1/> { ?s ?p ?o } }",
    ],
)  # fmt: skip
def test_an_update_that_is_refused_changes_nothing(write, catalog, update):
    catalog.ingest(write(one=model("one")))
    before = set(catalog.store.engine)
    with pytest.raises(QueryError):
        catalog.update(update)
    assert set(catalog.store.engine) == before


@pytest.mark.parametrize(
    "update",
    [
        "INSERT DATA { GRAPH <urn:g> { <urn:s> <urn:p> 1 . <urn:s> <urn:p> 2 } GRAPH <urn:h> { <urn:s> <urn:p> 1 } }",
        "DELETE DATA { GRAPH <urn:a> { <urn:s> <urn:p> 0 } } ; # } ; {\n", "DROP GRAPH <urn:a> ;", "CLEAR NAMED",
        "WITH <urn:a> DELETE { ?s ?p 0 } INSERT { ?s ?p 'a } ; {' } WHERE { ?s ?p 0 }", "MOVE <urn:a> TO <urn:c>",
        "DELETE WHERE { GRAPH <urn:b> { ?s ?p ?o } }", "COPY DEFAULT TO <urn:c>", "", "CREATE GRAPH <urn:x>",
        "INSERT { GRAPH ?g { ?s <urn:q> ?o } } WHERE { GRAPH ?g { ?s <urn:p> ?o } } ; DROP GRAPH <urn:b>", "CLEAR ALL",
    ],
)  # fmt: skip
def test_the_default_graph_stays_the_union(catalog, update):
    catalog.update("INSERT DATA { GRAPH <urn:a> { <urn:s> <urn:p> 0 } GRAPH <urn:b> { <urn:s> <urn:p> 0, 1 } }")
    reference = ox.Store()
    reference.extend(catalog.store.engine)
    reference.update(update)
    catalog.update(update)
    named = {q for q in catalog.store.engine if q.graph_name != ox.DefaultGraph()}
    assert {q for q in reference if q.graph_name != ox.DefaultGraph()} == named
    assert {q.triple for q in catalog.store.engine if q.graph_name == ox.DefaultGraph()} == {q.triple for q in named}


def test_without_a_token_nothing_is_served_writable(families_catalog, tmp_path):
    import subprocess
    import sys

    command = [sys.executable, "-m", "mlaoi_graph", "serve", str(families_catalog), "--writable", "--port", "0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert done.returncode == 2
    assert "MLAOI_TOKEN" in done.stderr


@pytest.mark.parametrize(
    "query",
    [
        "SELECT ?w (geof:metricArea(?w) AS ?m2) { ?g geo:asWKT ?w } ORDER BY ?w LIMIT 5",
        "SELECT ?w (geof:area(?w, <http://qudt.org/vocab/unit/M2>) AS ?m2) { ?g geo:asWKT ?w } ORDER BY ?w LIMIT 5",
        "SELECT (geof:aggBoundingBox(?w) AS ?all) { ?g geo:asWKT ?w }",
        'SELECT DISTINCT ?w { ?g geo:asWKT ?w FILTER(geof:sfIntersects(?w, "POINT(7 46)"^^geo:wktLiteral)) }',
    ],
)
def test_the_functions_and_the_index_of_places_answer_as_in_python(served, families_catalog, query):
    with Catalog.open(families_catalog) as catalog:
        expected = sorted(tuple(row.values()) for row in catalog.query(query))
    found = served.sparql(query).json()
    names = found["head"]["vars"]
    rows = sorted(tuple(row[name]["value"] if name in row else None for name in names) for row in found["results"]["bindings"])  # fmt: skip
    assert rows == expected
    assert rows
    assert None not in rows[0]
