"""Clients people have, for real, each as docs/serve.md shows it."""

import io
import json
import re
import shutil
import socket
import subprocess
import time
import urllib.request

import pytest
import requests
from conftest import model
from serving import ROOT, serve, until
from typer.testing import CliRunner

from mlaoi_graph.catalog import Catalog
from mlaoi_graph.cli.app import app
from mlaoi_graph.errors import CatalogError, CatalogExists, CatalogNotFound, StoreError

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

QUERY = "SELECT ?model ?data WHERE { ?model mlaoi:testedOn ?data }"
FULL = f"PREFIX mlaoi: <https://w3id.org/mlaoi#> {QUERY}"
"""Clients that parse the query themselves know only the prefixes it declares."""


@pytest.fixture(scope="module")
def expected(families_catalog):
    with Catalog.open(families_catalog) as catalog:
        return sorted((row["model"], row["data"]) for row in catalog.query(QUERY))


def test_curl(served, expected):
    assert shutil.which("curl"), "install the Debian package curl"
    command = [
        "curl",
        "-sS",
        "--fail",
        f"{served.url}sparql",
        "-H",
        "Accept: text/csv",
        "--data-urlencode",
        f"query={QUERY}",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    import csv

    assert sorted(map(tuple, list(csv.reader(io.StringIO(done.stdout)))[1:])) == expected
    command = ["curl", "-sS", "-G", f"{served.url}sparql", "--data-urlencode", f"query={QUERY}"]
    found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert len(found["results"]["bindings"]) == len(expected)
    command = ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "--data-binary", f"{QUERY} oops",
               "-H", "Content-Type: application/sparql-query", f"{served.url}sparql"]  # fmt: skip
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "400"


@pytest.mark.parametrize("method", ["GET", "POST", "POST_FORM"])
@pytest.mark.parametrize("returns", ["json", "xml", "csv"])
def test_rdflib(served, expected, method, returns):
    import rdflib
    from rdflib.plugins.stores.sparqlstore import SPARQLStore

    graph = rdflib.Graph(SPARQLStore(f"{served.url}sparql", method=method, returnFormat=returns))
    found = sorted((str(row.model), str(row.data)) for row in graph.query(FULL))
    assert found == expected
    assert bool(graph.query("ASK { ?s ?p ?o }")) if returns != "csv" else True
    first = rdflib.URIRef(expected[0][0])
    tested = rdflib.URIRef("https://w3id.org/mlaoi#testedOn")
    assert sorted(map(str, graph.objects(first, tested))) == [d for m, d in expected if m == expected[0][0]]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of what it imports
@pytest.mark.filterwarnings("ignore::SyntaxWarning")
def test_sparqlwrapper(served, expected):
    import SPARQLWrapper

    client = SPARQLWrapper.SPARQLWrapper(f"{served.url}sparql")
    for format in (SPARQLWrapper.JSON, SPARQLWrapper.XML):
        client.setQuery(FULL)
        client.setReturnFormat(format)
        found = client.queryAndConvert()
        if format == SPARQLWrapper.JSON:
            rows = found["results"]["bindings"]
            assert sorted((r["model"]["value"], r["data"]["value"]) for r in rows) == expected
        else:
            assert len(found.getElementsByTagName("result")) == len(expected)
    client.setMethod(SPARQLWrapper.POST)
    client.setQuery(
        "PREFIX mlaoi: <https://w3id.org/mlaoi#> CONSTRUCT { ?m mlaoi:testedOn ?d } WHERE { ?m mlaoi:testedOn ?d }"
    )
    client.setReturnFormat(SPARQLWrapper.TURTLE)
    assert b"testedOn" in client.query().convert()
    client.setReturnFormat(SPARQLWrapper.JSON)
    client.setQuery("SELECT * WHERE { oops }")
    with pytest.raises(SPARQLWrapper.SPARQLExceptions.QueryBadFormed):
        client.query()


def test_pandas(served, expected):
    import pandas

    frame = pandas.read_csv(
        f"{served.url}sparql?query={urllib.request.quote(QUERY)}", storage_options={"Accept": "text/csv"}
    )
    assert sorted(map(tuple, frame[["model", "data"]].itertuples(index=False))) == expected


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """Run another SPARQL server, with a statement of its own about one of our models."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    oxigraph = shutil.which("oxigraph") or str(
        __import__("pathlib").Path(__import__("sys").executable).with_name("oxigraph")
    )
    where = tmp_path_factory.mktemp("oxigraph")
    with (where / "log").open("wb") as log:
        process = subprocess.Popen(
            [oxigraph, "serve", "--location", str(where / "store"), "--bind", f"127.0.0.1:{port}"], stderr=log
        )
    try:
        until(lambda: _answers(f"http://127.0.0.1:{port}/"), 30)
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.terminate()
        process.wait()


def _answers(url):
    try:
        return requests.get(url, timeout=5).ok
    except requests.exceptions.ConnectionError:
        time.sleep(0.05)
        return False


def test_another_server_asks_ours(served, other, expected):
    """A federated query: rows of the other server joined with ours, over SERVICE."""
    ours = expected[0][0]
    update = f"INSERT DATA {{ <{ours}> <https://example.org/rating> 5 }}"
    assert requests.post(f"{other}update", data={"update": update}, timeout=30).ok
    page = (ROOT / "docs/serve.md").read_text("utf-8")
    (line,) = re.findall(r"another SPARQL server \| `(.*?)`", page)
    federated = line.replace("http://127.0.0.1:8765/", served.url)
    found = requests.post(
        f"{other}query", data={"query": federated}, headers={"Accept": "application/json"}, timeout=30
    )
    rows = found.json()["results"]["bindings"]
    assert sorted((r["m"]["value"], r["d"]["value"]) for r in rows) == [pair for pair in expected if pair[0] == ours]


def test_a_read_of_ours_by_the_other_is_a_copy_of_the_graph(served, other, families_catalog):
    with Catalog.open(families_catalog) as catalog:
        graph = next(g for g in catalog.store.graphs() if g.endswith("geochat.yaml"))
        said = sum(1 for _ in catalog.store.match(graph=graph))
    update = f"LOAD <{served.url}graphs?graph={urllib.request.quote(graph, safe='')}> INTO GRAPH <urn:copy>"
    assert requests.post(f"{other}update", data={"update": update}, timeout=30).ok
    count = "SELECT (COUNT(*) AS ?n) { GRAPH <urn:copy> { ?s ?p ?o } }"
    found = requests.post(f"{other}query", data={"query": count}, headers={"Accept": "application/json"}, timeout=30)
    assert found.json()["results"]["bindings"][0]["n"]["value"] == str(said)


def test_rdflib_writes_with_the_token(write, tmp_path):
    import rdflib
    from rdflib.plugins.stores.sparqlstore import SPARQLUpdateStore

    with Catalog.create(tmp_path / "catalog") as catalog:
        catalog.ingest(write(one=model("one")), name="source")
    with serve(tmp_path / "catalog", tmp_path / "server", "--writable", token="0123456789abcdef") as server:
        headers = {"Authorization": "Bearer 0123456789abcdef"}
        store = SPARQLUpdateStore(f"{server.url}sparql", f"{server.url}sparql", headers=headers)
        store.update(
            "INSERT DATA { GRAPH <urn:notes> { <urn:m> <http://www.w3.org/2000/01/rdf-schema#label> 'noted' } }"
        )
        graph = rdflib.Graph(store)
        assert [str(label) for label in graph.objects(rdflib.URIRef("urn:m"), rdflib.RDFS.label)] == ["noted"]


def test_our_own_reads_what_is_served_as_the_catalog_it_is(families_catalog, served):
    with Catalog.open(families_catalog) as here, Catalog.open(f"{served.url}sparql") as there:
        assert there.counts() == here.counts()
        assert {*there.store.match()} == {*here.store.match()}
        assert [*there.lineage.exposure("geochat-7b")] == [*here.lineage.exposure("geochat-7b")] != []
        assert {area.iri for area in there.areas()} == {area.iri for area in here.areas()}


@pytest.mark.parametrize(
    "command",
    [
        ["exposure", "geochat-7b", "--csv"],
        ["lineage", "clay 1.5", "--json"],
        ["show"],
        ["query", QUERY + " ORDER BY ?model ?data"],
        ["leakage", "geochat-7b", "--json"],
        ["areas", "--country", "BEL", "--stage", "trained", "--csv"],
    ],
    ids=lambda command: command[0],
)
def test_our_commands_take_the_address_of_what_is_served(families_catalog, served, command):
    name, *rest = command
    here, there = (
        CliRunner().invoke(app, [name, place, *rest]) for place in (str(families_catalog), f"{served.url}sparql")
    )
    assert (there.exit_code, there.stdout.replace(f"{served.url}sparql", str(families_catalog))) == (
        here.exit_code,
        here.stdout,
    )
    assert here.stdout


@pytest.mark.parametrize("path", ["", "stac", "stac/search?limit=1", "api", "nothing"])
def test_the_address_of_something_else_served_leads_to_the_one_for_sparql(served, path):
    with pytest.raises(StoreError, match=f"those of mlaoi-graph serve end in /sparql, as {served.url}sparql$"):
        Catalog.open(f"{served.url}{path}")


def test_our_own_writes_nothing_to_what_is_served(served, write):
    folder = write(m=model())
    address = f"{served.url}sparql"
    with Catalog.open(address) as there:
        document = next(there.documents()).iri
        refused = (lambda: there.ingest(folder), lambda: there.remove(document), there.discard)
        for change in refused:
            with pytest.raises(CatalogError, match="Write to the catalog that the server has it from"):
                change()
        with pytest.raises(StoreError, match="Send it to the server"):
            there.update("INSERT DATA { GRAPH <urn:a> { <urn:a> <urn:b> <urn:c> } }")
    with pytest.raises(CatalogExists):
        Catalog.create(address)
    built = CliRunner().invoke(app, ["build", str(folder), "--to", address])
    assert isinstance(built.exception, CatalogError), built.output
    assert served.sparql("ASK { ?m dcterms:identifier 'm' }").json()["boolean"] is False


def test_our_own_finds_no_catalog_on_a_server_of_other_things(oxigraph_server):
    oxigraph_server.wipe()
    with pytest.raises(CatalogNotFound, match="no catalog here"):
        Catalog.open(oxigraph_server.query)
