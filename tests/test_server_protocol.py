"""The W3C's tests of the SPARQL 1.1 Protocol, the Graph Store Protocol (reading) and the service description."""

import re
from pathlib import Path
from urllib.parse import unquote

import pyoxigraph
import pytest
import rdflib
import requests
from conftest import SHARED
from rdflib.collection import Collection
from rdflib.compare import isomorphic
from rdflib.namespace import RDF, Namespace
from serving import serve, until

from mlaoi_graph.catalog import Catalog

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

SUITES = SHARED / "w3c/sparql/sparql11"
MF = Namespace("http://www.w3.org/2001/sw/DataAccess/tests/test-manifest#")
HT = Namespace("http://www.w3.org/2011/http#")
CNT = Namespace("http://www.w3.org/2011/content#")
UT = Namespace("http://www.w3.org/2009/sparql/tests/test-update#")
SD = Namespace("http://www.w3.org/ns/sparql-service-description#")
TOKEN = "a token for the W3C tests"
FORMATS = {
    "boolean": {"application/sparql-results+json", "application/sparql-results+xml"},
    "tabular": {
        "application/sparql-results+json",
        "application/sparql-results+xml",
        "text/csv",
        "text/tab-separated-values",
    },
    "RDF": {"text/turtle", "application/rdf+xml", "application/n-triples"},
}


def manifest(name):
    graph = rdflib.Graph()
    if (SUITES / name).exists():
        graph.parse(SUITES / name, format="turtle")
    return graph


def entries(graph, kind):
    return sorted(graph.subjects(RDF.type, kind))


PROTOCOL = manifest("protocol/manifest.ttl")
TESTS = entries(PROTOCOL, MF.ProtocolTest)
DESCRIPTION = entries(manifest("service-description/manifest.ttl"), MF.ServiceDescriptionTest)
needs_suites = pytest.mark.skipif(not SUITES.exists(), reason="the W3C's manifests are not beside the repository")


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    where = tmp_path_factory.mktemp("w3c") / "catalog"
    Catalog.create(where, base=BASE).close()
    return where


@pytest.fixture(scope="module")
def server(directory, tmp_path_factory):
    with serve(directory, tmp_path_factory.mktemp("w3c"), "--writable", token=TOKEN) as server:
        yield server


def pyoxigraph_nt(json_ld):
    """Return JSON-LD as N-Triples, by another reader than rdflib's."""
    quads = pyoxigraph.parse(json_ld, pyoxigraph.RdfFormat.JSON_LD)
    return pyoxigraph.serialize((q.triple for q in quads), format=pyoxigraph.RdfFormat.N_TRIPLES)


def load(directory, graphs):
    """Make the catalog hold exactly these graphs."""
    data = "".join(f"GRAPH <{name}> {{ {text} }}\n" for name, text in graphs.items())
    with Catalog.open(directory) as catalog:
        catalog.update(f"DROP ALL ; INSERT DATA {{ {data} }}")


def send(server, graph, request, token=True):
    def value(node, predicate, default=None):
        found = graph.value(node, predicate)
        return default if found is None else str(found)

    headers = {
        value(h, HT.fieldName).lower(): value(h, HT.fieldValue)
        for h in Collection(graph, graph.value(request, HT.headers))
    } if graph.value(request, HT.headers) else {}  # fmt: skip
    body = graph.value(request, HT.body)
    if body is not None:
        body = value(body, CNT.chars).encode(value(body, CNT.characterEncoding))
    return requests.request(
        value(request, HT.methodName),
        server.url.rstrip("/") + value(request, HT.absolutePath),
        data=body,
        headers=headers | ({"Authorization": f"Bearer {TOKEN}"} if token else {}),
        timeout=30,
    )


@needs_suites
@pytest.mark.parametrize("test", TESTS, ids=lambda test: test.fragment)
def test_protocol(test, server, directory):
    graphs = {"urn:other": '<urn:s> <urn:p> "something to clear" .'}
    for data in PROTOCOL.objects(test, UT.graphData):
        file = Path(str(PROTOCOL.value(data, UT.graph)).removeprefix("file://"))
        graphs[str(PROTOCOL.value(data, rdflib.RDFS.label))] = file.read_text()
    load(directory, graphs)
    for action in PROTOCOL.objects(test, MF.action):
        for request in Collection(PROTOCOL, PROTOCOL.value(action, HT.requests)):
            found = send(server, PROTOCOL, request)
            expected = PROTOCOL.value(request, HT.resp)
            statuses = {str(s).rpartition("StatusCode")[2][0] for s in PROTOCOL.objects(expected, MF.expectedStatus)}
            assert str(found.status_code)[0] in statuses, found.text
            media_type = found.headers.get("content-type", "").partition(";")[0]
            kind = PROTOCOL.value(expected, MF.expectedFormat)
            if kind is not None:
                assert media_type in FORMATS[str(kind)]
            boolean = PROTOCOL.value(expected, MF.expectedBoolean)
            if boolean is not None:
                assert found.json()["boolean"] is boolean.toPython()


@needs_suites
def test_the_suite_is_whole():
    assert len(TESTS) == 34


@needs_suites
@pytest.mark.parametrize("test", DESCRIPTION, ids=lambda test: test.fragment)
def test_service_description(test, server):
    for accept in ("text/turtle", "application/rdf+xml", "application/n-triples", "application/ld+json"):
        found = server.get("sparql", headers={"Accept": accept})
        assert found.status_code == 200
        assert found.headers["content-type"].partition(";")[0] == accept
        if accept == "application/ld+json":  # rdflib's reader of it warns of its own deprecated parts
            graph = rdflib.Graph().parse(data=pyoxigraph_nt(found.content), format="nt")
        else:
            graph = rdflib.Graph().parse(data=found.content, format=accept)
        if test.fragment == "returns-rdf":
            assert len(graph)
        elif test.fragment == "has-endpoint-triple":
            assert set(graph.objects(None, SD.endpoint)) == {rdflib.URIRef(f"{server.url}sparql")}
        else:
            assert test.fragment == "conforms-to-schema"
            (service,) = graph.subjects(RDF.type, SD.Service)
            assert {SD.SPARQL11Query, SD.SPARQL11Update} == set(graph.objects(service, SD.supportedLanguage))
            (dataset,) = graph.objects(service, SD.defaultDataset)
            assert (dataset, RDF.type, SD.Dataset) in graph
            assert set(graph.objects(dataset, SD.defaultGraph)) == set(graph.subjects(RDF.type, SD.Graph))


BASE = "http://www.example/"
"""What the suite's addresses are on: a graph's name and its address here are the same below it."""
GRAPHS = manifest("graph-store-protocol/manifest-indirect.ttl") + manifest("graph-store-protocol/manifest-direct.ttl")
# The other test of the suite, post_get_new_graph, reads what the server itself named: there is no POST of graphs here.
READS = [test for test in entries(GRAPHS, MF.GraphStoreProtocolTest) if test.fragment != "post_get_new_graph"]


@needs_suites
@pytest.mark.parametrize("test", READS, ids=lambda test: test.fragment)
def test_graph_store_reads(test, server, directory):
    """What the suite PUTs, POSTs and DELETEs is done to the catalog; every GET and HEAD is answered by the server."""
    load(directory, {})
    read = 0
    direct = test.fragment.endswith("_direct")
    for action in GRAPHS.objects(test, MF.action):
        for request in Collection(GRAPHS, GRAPHS.value(action, HT.requests)):
            method = str(GRAPHS.value(request, HT.methodName))
            path = str(GRAPHS.value(request, HT.absolutePath)).removeprefix("/")
            query = f"graph={BASE}{path}" if direct else path.partition("?")[2]
            if method not in ("GET", "HEAD"):
                write(directory, method, query, GRAPHS.value(request, HT.body))
                continue
            read += 1
            headers = {"Accept": "text/turtle"}
            address = f"{server.url}{path}" if direct else f"{server.url}graphs?{query}"
            expected = GRAPHS.value(request, HT.resp)
            statuses = {str(s).rpartition("#")[2] for s in GRAPHS.objects(expected, MF.expectedStatus)}
            body = GRAPHS.value(expected, HT.body)
            wanted = body and rdflib.Graph().parse(data=str(GRAPHS.value(body, CNT.chars)), format="turtle")

            def answered(method=method, address=address, headers=headers, statuses=statuses, wanted=wanted):
                found = requests.request(method, address, headers=headers, timeout=30)
                assert (found.content == b"") is (method == "HEAD")
                if found.ok:
                    assert found.headers["content-type"] == "text/turtle; charset=utf-8"
                same = (
                    wanted is None
                    or not found.ok
                    or isomorphic(rdflib.Graph().parse(data=found.text, format="turtle").de_skolemize(), wanted)
                )
                return {200: "OK", 404: "NotFound"}[found.status_code] in statuses and same

            if direct:  # what answers for addresses follows the catalog within a second
                until(answered)
            else:
                assert answered()
    assert read


def write(directory, method, query, body):
    """Do to a catalog what a Graph Store that is written to would; blank nodes, which none has, get IRIs."""
    name = unquote(query.removeprefix("graph=")) if query != "default" else "urn:the-only-one"
    steps = [f"DROP SILENT GRAPH <{name}>"] if method in ("PUT", "DELETE") else []
    if body is not None:
        text = str(GRAPHS.value(body, CNT.chars)).strip().replace("\r\n", "\n")
        parts = re.split(r"^\s*--\S+$", text, flags=re.M) if text.startswith("--") else [f"\n\n{text}"]
        data = rdflib.Graph()
        for part in parts:
            turtle = re.split(r"\n\s*\n", part, maxsplit=1)[-1]
            data.parse(data=turtle, format="turtle")
        steps.append(f"INSERT DATA {{ GRAPH <{name}> {{ {data.skolemize().serialize(format='nt')} }} }}")
    with Catalog.open(directory) as catalog:
        catalog.update(" ; ".join(steps))


@needs_suites
def test_the_graph_store_suite_is_whole():
    assert len(READS) == 13
