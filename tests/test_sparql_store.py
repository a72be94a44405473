"""Any SPARQL server as the store: the shared suite on two real ones, and everything a network can do to it."""

import contextlib
import itertools
import os
import random
import signal
import socket
import subprocess
import sys
import textwrap
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import urlsplit

import pyoxigraph as ox
import pytest
import servers
from proxy import Proxy
from typer.testing import CliRunner

from mlaoi_graph.catalog import Catalog
from mlaoi_graph.cli.app import app
from mlaoi_graph.errors import CatalogExists, CatalogLocked, CatalogNotFound, MissingExtra, QueryError, StoreError
from mlaoi_graph.rdf import LOG_GRAPH
from mlaoi_graph.stores import endpoint, open_store
from mlaoi_graph.stores.rewriting import repeats_within, rewritten
from mlaoi_graph.stores.sparql import SparqlStore
from mlaoi_graph.testing import StoreSuite

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
DOC = "https://example.org/doc/"
LOG = "https://example.org/log"
TRIPLE = "<urn:s> <urn:p> <urn:o> .\n"


@pytest.fixture(params=["oxigraph", "virtuoso"])
def server(request):
    """Each server in turn, emptied."""
    found = request.getfixturevalue(f"{request.param}_server")
    found.wipe()
    return found


def opened(server, port=None, **more):
    """Open the store on a server, or on what stands before it at another port."""
    addresses = [server.query, server.update]
    if port is not None:
        addresses = [address.replace(f":{urlsplit(address).port}/", f":{port}/") for address in addresses]
    return SparqlStore(addresses[0], update=addresses[1], auth=server.auth, **more)


@pytest.fixture
def store(server):
    with contextlib.closing(opened(server)) as store:
        yield store


def held(store):
    """Return every graph with its triples, and see that the merge is what they say."""
    graphs = {}
    for quad in store.match():
        graphs.setdefault(quad.graph_name.value, set()).add(quad.triple)
    merge = list(store.query("SELECT ?s ?p ?o { ?s ?p ?o }"))
    assert len(merge) == len(set().union(*graphs.values()))
    assert {ox.Triple(*row) for row in merge} == set().union(*graphs.values())
    return graphs


def parsed(text):
    return {quad.triple for quad in ox.parse(text, ox.RdfFormat.N_TRIPLES)}


class ServerSuite(StoreSuite):
    """The shared suite; what takes a thousand requests has its short form below, with connections that are cut."""

    @pytest.mark.slow
    def test_any_run_of_writes_is_a_dictionary_of_sets(self, store):
        super().test_any_run_of_writes_is_a_dictionary_of_sets(store=store)


class TestOxigraphServer(ServerSuite):
    @pytest.fixture
    def store(self, oxigraph_server):
        oxigraph_server.wipe()
        with contextlib.closing(opened(oxigraph_server)) as store:
            yield store


class TestOxigraphServerWithUnion(ServerSuite):
    """Its default graph gives a triple once for each graph that says it; the store tells, and keeps a merge apart."""

    @pytest.fixture
    def store(self, union_server):
        union_server.wipe()
        with contextlib.closing(opened(union_server)) as store:
            yield store


def test_a_default_graph_that_is_the_union_is_told_apart(union_server, oxigraph_server):
    for server, apart in ((union_server, True), (oxigraph_server, False)):
        server.wipe()
        for _ in range(2):  # empty, when only the first write can tell, and with something in it
            with contextlib.closing(opened(server)) as store:
                store.replace({DOC + "1": TRIPLE, DOC + "2": TRIPLE})
                assert (store._server.merge is not None) is apart
                for query in (
                    "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }",
                    "SELECT ?n { { SELECT (COUNT(*) AS ?n) WHERE { ?s ?p ?o } } FILTER(?n > 0) } ORDER BY ?n",
                ):
                    assert [row["n"].value for row in store.query(query)] == ["1"]
                assert len(list(store.query("SELECT ?g { ?s ?p ?o GRAPH ?g { ?s ?p ?o } }"))) == 2
                assert len(list(store.query("CONSTRUCT { ?s ?p ?o } WHERE { ?s ?p ?o }"))) == 1
                assert bool(store.query(f"ASK {{ GRAPH <{DOC}1> {{ ?s ?p ?o }} }}"))
                assert len(list(store.query(f"SELECT ?s FROM <{DOC}1> {{ ?s ?p ?o }}"))) == 1


@pytest.mark.parametrize("name", ["oxigraph", "union", "virtuoso"])
def test_from_is_a_graph_only_where_it_chooses_one(request, name):
    server = request.getfixturevalue(f"{name}_server")
    server.wipe()
    other = "https://example.org/other"
    with contextlib.closing(opened(server)) as store:
        store.note("base", "x")  # by which a union is told
    with contextlib.closing(opened(server)) as store:
        store.replace({DOC: TRIPLE, other: TRIPLE + "<urn:s> <urn:p> <urn:from> .\n"})
        for query in (
            "SELECT ?o { ?s ?p ?o } # learned from",
            "# From\nSELECT ?o { ?s ?p ?o FILTER(STR(?s) != 'from') }",
            "SELECT ?o { ?from ?p ?o }",
        ):
            assert sorted(row["o"].value for row in store.query(query)) == ["urn:from", "urn:o"], query
        assert [row["o"].value for row in store.query(f"SELECT ?o FROM <{DOC}> {{ ?s ?p ?o }}")] == ["urn:o"]


def test_a_path_that_repeats_what_repeats_is_walked_in_a_copy_of_what_virtuoso_holds(server, monkeypatch):
    """It gives other rows of these; of other graphs the same path ends it."""
    nodes = [*"dcba"]
    chain = "".join(f"<urn:{part}> <urn:part> <urn:{whole}> .\n" for part, whole in itertools.pairwise(nodes))
    said = chain + "<urn:a> <urn:made> <urn:source> .\n<urn:x> <urn:holds> <urn:d> .\n"
    query = "SELECT ?n ?of { ?n (<urn:made>|<urn:holds>|(<urn:part>+/<urn:made>))* ?of FILTER(?n != ?of) }"
    with contextlib.closing(opened(server)) as store:
        store.replace({DOC: said, DOC + "again": said})
        copies = []
        copied = store.copied
        monkeypatch.setattr(store, "copied", lambda: copies.append(1) or copied())
        rows = store.query(query, substitutions={"of": "urn:source"})
        assert sorted(row["n"].value[4:] for row in rows) == ["a", "b", "c", "d", "x"]
        assert len(copies) == (server.name == "virtuoso")
        rows = store.query("SELECT ?n { ?n (<urn:part>|<urn:holds>)* <urn:c> }")
        assert sorted(row["n"].value[4:] for row in rows) == ["c", "d", "x"]
        assert len(copies) == (server.name == "virtuoso")


def test_what_a_server_cannot_compute_is_computed_of_a_copy(server, monkeypatch):
    from mlaoi_graph.geosparql import answering
    from mlaoi_graph.stores import sparql

    wkt = '"POLYGON ((0 0, 2 0, 2 1, 0 1, 0 0))"^^<http://www.opengis.net/ont/geosparql#wktLiteral>'
    said = f"<urn:g> <http://www.opengis.net/ont/geosparql#asWKT> {wkt} .\n"
    shared = 'geof:area(geof:intersection(?w, "POLYGON ((1 0, 3 0, 3 1, 1 1, 1 0))"^^geo:wktLiteral), ?unit)'
    query = f"SELECT ?g (({shared}) AS ?m2) {{ ?g geo:asWKT ?w BIND(<http://qudt.org/vocab/unit/M2> AS ?unit) }}"
    meets = 'SELECT ?g { ?g geo:asWKT ?w FILTER(geof:sfIntersects(?w, "POINT (%s 0.5)"^^geo:wktLiteral)) }'
    with contextlib.closing(opened(server)) as store:
        store.replace({DOC: said})
        copies = []
        copied = store.copied
        monkeypatch.setattr(store, "copied", lambda: copies.append(1) or copied())
        assert [row["g"] for row in answering.query(store, meets % 1.5, {})] == ["urn:g"]
        assert not list(answering.query(store, meets % 9, {}))
        assert len(copies) == (2 if server.name == "virtuoso" else 0)
        (row,) = answering.query(store, query, {})
        assert float(row["m2"]) == pytest.approx(1.2309e10, rel=1e-3)  # a degree by a degree at the equator
        store.replace({DOC: said.replace("urn:g", "urn:h")})  # the copy is of what is there now
        (row,) = answering.query(store, query, {})
        assert row["g"] == "urn:h"
        monkeypatch.setattr(sparql, "_COPIED", 0)
        store.replace({DOC: said})
        with pytest.raises(StoreError, match=r"0 quads .* Catalog\.places"):
            answering.query(store, query, {})


def test_without_httpx_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "httpx", None)
    with pytest.raises(MissingExtra, match=r"pip install 'mlaoi-graph\[sparql\]'"):
        open_store("sparql", "http://127.0.0.1:1/sparql")


class TestVirtuoso(ServerSuite):
    @pytest.fixture
    def store(self, virtuoso_server):
        virtuoso_server.wipe()
        with contextlib.closing(opened(virtuoso_server)) as store:
            yield store


# What a network does


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(endpoint, "_WAITS", (0.01,) * 12)


@pytest.mark.parametrize("seed", range(3))
def test_connections_that_are_cut_anywhere_lose_and_double_nothing(server, impatient, seed):
    choose = random.Random(seed)
    proxy = Proxy(urlsplit(server.query).port, seed)
    model = {}
    with contextlib.closing(proxy), contextlib.closing(opened(server, proxy.port)) as store:
        store.fill({f"{DOC}{i}": f'<urn:s{i}> <urn:p> "first" .\n{TRIPLE}'} for i in range(3))
        for i in range(3):
            model[f"{DOC}{i}"] = parsed(f'<urn:s{i}> <urn:p> "first" .\n{TRIPLE}')
        for step in range(12):
            graph = f"{DOC}{choose.randrange(5)}"
            size = choose.choice([0, 1, 20])
            text = "".join(f'<urn:s{step}> <urn:p{n % 7}> "{n}" .\n' for n in range(size)) + (TRIPLE if size else "")
            store.replace({graph: text}, append={LOG: f'<urn:log> <urn:read> "{step}" .\n'})
            model[graph] = parsed(text)
            model.setdefault(LOG, set()).update(parsed(f'<urn:log> <urn:read> "{step}" .\n'))
            assert {name for name, triples in model.items() if triples} == set(store.graphs())
    assert all(proxy.cuts.values()), f"the test cut too little: {proxy.cuts}"
    with contextlib.closing(opened(server)) as store:
        assert held(store) == {graph: triples for graph, triples in model.items() if triples}


def test_an_update_that_arrives_late_changes_nothing(server, impatient, monkeypatch):
    sent = []
    send = endpoint.Endpoint.update

    def noted(self, sparql):
        sent.append(sparql)
        send(self, sparql)

    monkeypatch.setattr(endpoint.Endpoint, "update", noted)
    with contextlib.closing(opened(server)) as store:
        store.replace({DOC: TRIPLE})
        store.replace({DOC: ""})
        for update in sent:
            send(store._endpoint, update)
        assert held(store) == {}
        store.replace({DOC: TRIPLE})
        assert held(store) == {DOC: parsed(TRIPLE)}


def test_a_server_that_hangs_up_is_told_in_whole_sentences(monkeypatch):
    monkeypatch.setattr(endpoint, "_WAITS", ())

    def hang_up(listening):
        with listening.accept()[0] as connection:
            connection.recv(65536)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=hang_up, args=(listening,), daemon=True).start()
        with pytest.raises(StoreError, match=r"no answer: [^.]*without sending a response\. Check"):
            Catalog.open(f"http://127.0.0.1:{listening.getsockname()[1]}/sparql")


def test_a_server_that_is_gone_is_a_store_error(server, monkeypatch):
    monkeypatch.setattr(endpoint, "_WAITS", (0.01,))
    with pytest.raises(StoreError, match="no answer"):
        opened(server, servers.free_port())


def test_two_writers_are_told_of_each_other(server):
    with contextlib.closing(opened(server)) as one, contextlib.closing(opened(server)) as other:
        one.replace({DOC + "1": TRIPLE})
        other.replace({DOC + "2": TRIPLE})
        with pytest.raises(CatalogLocked):
            one.replace({DOC + "1": ""})
        assert held(one) == {DOC + "1": parsed(TRIPLE), DOC + "2": parsed(TRIPLE)}
        one.renew()
        one.replace({DOC + "1": ""})
        assert held(one) == {DOC + "2": parsed(TRIPLE)}


def test_a_writer_that_is_killed_while_filling_is_cleaned_up_after(server):
    code = """
        import itertools, sys
        from mlaoi_graph.stores.sparql import SparqlStore
        query, update, *auth = sys.argv[1:]
        def chunks():
            for i in itertools.count():
                print(i, flush=True)
                yield {f"https://example.org/doc/{i}": f'<urn:s{j}> <urn:p> "{i}" .\\n' for j in range(300)}
        SparqlStore(query, update=update, auth=tuple(auth) or None).fill(chunks())
    """
    code = code.replace("""f'<urn:s{j}> <urn:p> "{i}" .\\n' for j in range(300)}""", """"".join(f'<urn:s{j}> <urn:p> "{i}" .\\n' for j in range(300))}""")  # fmt: skip
    filler = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), server.query, server.update, *(server.auth or ())],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    for _ in range(4):
        filler.stdout.readline()
    os.kill(filler.pid, signal.SIGKILL)
    assert filler.communicate()[1] == ""
    with contextlib.closing(opened(server)) as store:
        assert len(store) >= 600
        store.replace({DOC: TRIPLE})
        assert held(store) == {DOC: parsed(TRIPLE)}


@pytest.mark.parametrize(("start", "size", "kills"), [(servers.start_oxigraph, 2000, 3), (servers.start_virtuoso, 390, 1)], ids=["oxigraph", "virtuoso"])  # fmt: skip
def test_a_server_that_is_killed_has_each_document_whole(tmp_path, start, size, kills, monkeypatch, request):
    if start is servers.start_virtuoso and servers.VIRTUOSO is None:
        pytest.skip("no Virtuoso: apt-get install virtuoso-opensource-7-bin")
    monkeypatch.setattr(endpoint, "_WAITS", ())
    port = None
    done = []
    send = endpoint.Endpoint.update
    for kill in range(kills):
        server = start(tmp_path, port=port)
        request.addfinalizer(server.kill)
        port = urlsplit(server.query).port
        before, timers = len(done), []

        def killed(self, update, *, before=before, timers=timers, server=server, later=kill * 0.003):
            # It comes while an update is under way: where it meets it is chance, that it does is not.
            if len(done) >= before + 3 and not timers:
                timers.append(threading.Timer(later, server.kill))
                timers[0].start()
            return send(self, update)

        with contextlib.closing(opened(server)) as store:
            if kill:
                _check_whole(store, done, size)
            monkeypatch.setattr(endpoint.Endpoint, "update", killed)
            # The one that was under way may have happened or not.
            with contextlib.suppress(StoreError, QueryError):
                for step in range(len(done), 10_000):
                    text = "".join(f'<urn:s{step}> <urn:p{n}> "{step}" .\n' for n in range(size // 2))
                    log = {LOG: f'<urn:log> <urn:read> "{step}" .\n'}
                    store.replace({f"{DOC}{step % 3}": text}, append=log)
                    done.append(step)
            monkeypatch.setattr(endpoint.Endpoint, "update", send)
            timers[0].join()
        assert len(done) >= before + 3
    server = start(tmp_path, port=port)
    request.addfinalizer(server.kill)
    with contextlib.closing(opened(server)) as store:
        _check_whole(store, done, size)


def _check_whole(store, done, size):
    graphs = held(store)
    logged = sorted(int(triple.object.value) for triple in graphs.pop(LOG))
    assert logged[: len(done)] == done
    assert len(logged) <= len(done) + 1
    done[:] = logged
    for graph, triples in graphs.items():
        steps = {int(triple.object.value) for triple in triples}
        assert len(steps) == 1, graph
        assert len(triples) == size // 2
        assert steps == {max(step for step in logged if f"{DOC}{step % 3}" == graph)}


# What servers limit


def test_a_document_larger_than_a_request_may_be_is_replaced_whole(store):
    text = "".join(f'<urn:s{n}> <urn:p> "{n}" .\n' for n in range(1000))
    store.replace({DOC + "a": text, DOC + "b": TRIPLE})
    assert held(store) == {DOC + "a": parsed(text), DOC + "b": parsed(TRIPLE)}
    other = "".join(f'<urn:s{n}> <urn:p> "{n % 2 or n}" .\n' for n in range(100, 1000)) + TRIPLE
    store.replace({DOC + "a": other, DOC + "b": ""}, append={LOG: TRIPLE})
    assert held(store) == {DOC + "a": parsed(other), LOG: parsed(TRIPLE)}
    store.replace({DOC + "a": ""})
    assert held(store) == {LOG: parsed(TRIPLE)}


def test_more_documents_than_a_request_may_hold_are_replaced(store):
    graphs = {f"{DOC}{n}": "".join(f'<urn:s{n}> <urn:p> "{n} {m}" .\n' for m in range(20)) + TRIPLE for n in range(60)}
    store.replace(graphs, append={LOG: "".join(f'<urn:log> <urn:p> "{n}" .\n' for n in range(500))})
    found = held(store)
    assert len(found.pop(LOG)) == 500
    assert found == {graph: parsed(text) for graph, text in graphs.items()}


def test_long_texts_are_kept(store):
    text = "".join(f'<urn:s> <urn:p{n}> "{"line é 卫星 " * n}" .\n' for n in (1_000, 20_000))
    store.replace({DOC: text})
    assert held(store) == {DOC: parsed(text)}


def test_answers_that_virtuoso_cuts_are_errors(virtuoso_server):
    virtuoso_server.wipe()
    with contextlib.closing(opened(virtuoso_server)) as store:
        store.replace({DOC: "".join(f'<urn:s> <urn:p> "{n}" .\n' for n in range(175))})
        assert sum(1 for _ in store.query("SELECT ?a ?b { ?s ?p ?a . ?s ?p ?b } LIMIT 25000")) == 25_000
        with pytest.raises(StoreError, match="30000 rows"):
            store.query("SELECT ?a ?b { ?s ?p ?a . ?s ?p ?b }")


def test_a_datatype_that_virtuoso_would_not_give_back_is_refused(virtuoso_server):
    virtuoso_server.wipe()
    with contextlib.closing(opened(virtuoso_server)) as store:
        store.replace({DOC: TRIPLE})
        with pytest.raises(StoreError, match="datatype"):
            store.replace({DOC: '<urn:s> <urn:p> "x"^^<urn:mine> .\n'})
        with pytest.raises(StoreError, match="datatype"):
            store.amend(DOC, add='<urn:s> <urn:p> "P1D"^^<http://www.w3.org/2001/XMLSchema#duration> .\n')
        assert held(store) == {DOC: parsed(TRIPLE)}


# What is sent


QUERIES = [
    "SELECT ?s ?o { ?s ?p ?o }",
    "SELECT * { ?s ?p ?o }",
    "SELECT ?s (COUNT(*) AS ?n) { ?s ?p ?o } GROUP BY ?s",
    "SELECT ?s ?n { { SELECT ?s (COUNT(?o) AS ?n) { ?s ?p ?o } GROUP BY ?s HAVING(COUNT(?o) > 0) } } ORDER BY ?s",
    "SELECT ?s ?x { ?x ?p ?s OPTIONAL { ?s ?q ?x } FILTER(?s != ?x) }",
    "SELECT ?s (EXISTS { ?s ?p ?o } AS ?e) { ?s ?q ?z } ORDER BY ?s",
    "SELECT ?s ?o { VALUES (?s ?o) { (<urn:a> 'x') (<urn:b> 'x') } ?s ?p ?o }",
    "SELECT $s ?o { $s ?p ?o . # ?s and $s }\n FILTER(STR(?o) != '?s') FILTER(STR(?o) != \"\"\"a \"?s\" { \"\"\") }",
    "SELECT ?s ?g { GRAPH ?g { ?s <urn:p>*/^<urn:q>? ?o FILTER NOT EXISTS { ?s <urn:none> ?s } } }",
    "SELECT ?s ?x { { ?s <urn:p> ?x } UNION { ?x <urn:p> ?s } MINUS { ?s <urn:q> ?x } }",
    "SELECT DISTINCT ?s { GRAPH <urn:g> { ?s ?p ?o } FILTER(?s IN (<urn:a>, <urn:b>)) }",
    "ASK { ?s ?p 'y' }",
]  # fmt: skip


@pytest.mark.parametrize("query", QUERIES)
def test_a_value_in_the_text_is_a_value_given_to_the_engine(query):
    engine = ox.Store()
    terms = [ox.NamedNode(f"urn:{name}") for name in "abpq"] + [ox.Literal("x"), ox.Literal("?s")]
    for number, (s, p, o) in enumerate((s, p, o) for s in terms[:2] for p in terms[2:4] for o in terms):
        if number % 3:
            engine.add(ox.Quad(s, p, o, ox.NamedNode("urn:g")))
            engine.add(ox.Quad(s, p, o))

    def rows(found):
        if isinstance(found, ox.QueryBoolean):
            return bool(found)
        names = sorted(variable.value for variable in found.variables)
        return sorted(str([row[name] for name in names]) for row in found)

    for value in terms[:3]:
        expected = rows(engine.query(query, substitutions={ox.Variable("s"): value}))
        assert rows(engine.query(rewritten(query, {"s": str(value)}, ["urn:hidden"]))) == expected
        assert (
            rows(engine.query(rewritten(query, {"s": str(value)}, ["urn:h"], graphs_by_filter=True))) == expected
            or "*" in query
        )


@pytest.mark.parametrize(
    ("path", "is_so"),
    [
        ("(a:b*)*", True), ("((a:b*))+", True), ("(a:b?/a:c)*", True), ("(^(a:b+)|a:c)?", True), ("(!(a|^a:b)*/a)*", True),
        ("a:b*", False), ("(a:b*)", False), ("(a:b*)/(a:c)*", False), ("(a:b|^a:c)*/(a:d/a:e)+", False),
    ],
)  # fmt: skip
def test_a_path_that_repeats_what_repeats_is_known(path, is_so):
    for query in (
        "ASK { ?s %s ?o }",
        "SELECT (COUNT(*)*(2+1)*3 AS ?n) { ?s a:b ?o ; %s ?q . FILTER((?o*?q+1)*2 > 3) }",
    ):
        assert repeats_within("PREFIX a: <urn:> " + query % path) is is_so
    assert not repeats_within(f"ASK {{ ?s ?p '{path}' }} # {path}")


def test_graphs_that_are_no_documents_are_hidden():
    engine = ox.Store()
    engine.extend(ox.Quad(*[ox.NamedNode("urn:x")] * 3, ox.NamedNode(graph)) for graph in ("urn:g", "urn:hidden"))
    for query in (
        "SELECT ?g { GRAPH ?g { ?s ?p ?o } }",
        "SELECT ?g { GRAPH?g{?s ?p ?o} }",
        "SELECT ?g { graph $g { ?s ?p ?o { ?s ?q ?o } } }",
        "SELECT ?g { OPTIONAL { GRAPH ?g { ?s ?p ?o } } }",
    ):
        found = list(engine.query(rewritten(query, {}, ["urn:hidden"])))
        assert [row["g"].value for row in found] == ["urn:g"], query


@pytest.mark.parametrize("query", ["SELECT ?s { ?x ?y ?z BIND(<urn:a> AS ?s) }", "SELECT ?s { \\u003Fs ?p ?o }"])
def test_what_cannot_be_given_a_value_is_refused(query):
    with pytest.raises(QueryError):
        rewritten(query, {"s": "<urn:a>"})


class _Fake(BaseHTTPRequestHandler):
    """Answers every request alike, and remembers who asked."""

    status, answer, headers_sent, seen = 200, b'{"head":{},"boolean":false}', {}, []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.seen.append((self.headers.get("Authorization"), body))
        self.send_response(self.status)
        for name, value in {**self.headers_sent, "Content-Length": str(len(self.answer))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(self.answer)

    def log_message(self, *_):
        pass


@pytest.fixture
def fake(monkeypatch):
    monkeypatch.setattr(endpoint, "_WAITS", (0.01,))
    handler = type("Fake", (_Fake,), {"seen": []})
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    handler.url = f"http://127.0.0.1:{server.server_port}/sparql"
    yield handler
    server.shutdown()
    thread.join()
    server.server_close()


def test_who_we_are_comes_from_the_call_or_the_environment(fake, monkeypatch):
    open_store("sparql", fake.url).close()
    SparqlStore(fake.url, auth="secret").close()
    monkeypatch.setenv("MLAOI_SPARQL_TOKEN", "from outside")
    open_store("sparql", fake.url).close()
    monkeypatch.delenv("MLAOI_SPARQL_TOKEN")
    monkeypatch.setenv("MLAOI_SPARQL_USER", "me")
    monkeypatch.setenv("MLAOI_SPARQL_PASSWORD", "pass")
    open_store("sparql", fake.url).close()
    # A password is not told before it is asked for.
    # Each asks twice what kind of server it is.
    assert [who for who, _ in fake.seen[::2]] == [None, "Bearer secret", "Bearer from outside", None]
    fake.status, fake.headers_sent = 401, {"WWW-Authenticate": 'Basic realm="x"'}
    with pytest.raises(StoreError, match="MLAOI_SPARQL_TOKEN"):
        open_store("sparql", fake.url)
    assert fake.seen[-1][0] == "Basic bWU6cGFzcw=="


@pytest.mark.parametrize(
    ("status", "answer", "headers", "said"),
    [
        (200, b'{"head":{"vars":["s"]},"results":{"bindings":[The SPARQL operation has been cancelled', {}, "cut short"),
        (200, b'{"head":{},"boolean":false}', {"X-SQL-State": "S1TAT"}, "in part"),
        (200, b"<html>not {JSON}", {}, "cut short|JSON"),
        (200, b"<html>{}", {}, "JSON"),
        (503, b"busy", {}, "503: busy"),
        (404, b"nobody here", {}, "Check the addresses"),
        (200, b"<html></html>", {"Content-Type": "text/html; charset=utf-8"}, "page for people.* Check the addresses"),
        (301, b"", {"Location": "https://other.example/"}, "https://other.example/"),
        (413, b"", {}, "limit"),
    ],
)  # fmt: skip
def test_an_answer_that_is_not_whole_is_a_store_error(fake, status, answer, headers, said):
    fake.status, fake.answer, fake.headers_sent = status, answer, headers
    with pytest.raises(StoreError, match=said):
        open_store("sparql", fake.url)


def test_an_update_that_goes_where_queries_go_is_told_what_to_set(server, monkeypatch):
    monkeypatch.delenv("MLAOI_SPARQL_UPDATE", raising=False)
    with pytest.raises(StoreError, match=r"queries.* MLAOI_SPARQL_UPDATE: /update .* /sparql-auth"):
        CliRunner().invoke(app, ["build", "docs/example-stac", "--to", server.query], catch_exceptions=False)


@pytest.mark.parametrize("url", ["http://", "http://host:port/"])
def test_what_is_no_address_is_a_store_error(url):
    with pytest.raises(StoreError, match="address"):
        open_store("sparql", url)


def test_a_store_open_to_read_only_refuses_to_write(store, server):
    store.replace({DOC: TRIPLE})
    with contextlib.closing(opened(server, read_only=True)) as reader:
        assert held(reader) == {DOC: parsed(TRIPLE)}
        for write in (lambda: reader.replace({}), lambda: reader.fill([]), lambda: reader.note("x", "y")):
            with pytest.raises(StoreError, match="read only"):
                write()


# The catalog


@pytest.fixture
def place(server, monkeypatch):
    """The address of a catalog, with what the environment says about it."""
    return server.use(monkeypatch)


def said(catalog):
    """Return what documents say and what follows, without when they were read."""
    return {quad for quad in catalog.store.match() if quad.graph_name.value != LOG_GRAPH}


def test_a_catalog_on_a_server_is_the_catalog_in_a_directory(place, write, tmp_path):
    from conftest import collection, link, model, sample

    folder = write(
        m=model("m", link("derived_from", "c.json", **{"mlm:split": "train"})),
        c=collection("c"),
        s1=sample("s1", split="train"),
        s2=sample("s2", split="test"),
    )
    with pytest.raises(CatalogNotFound):
        Catalog.open(place)
    with Catalog.create(tmp_path / "local", base="https://example.org/") as local, Catalog.create(place, base="https://example.org/") as remote:  # fmt: skip
        with pytest.raises(CatalogExists):
            Catalog.create(place)
        for _ in range(2):
            for catalog in (local, remote):
                catalog.ingest(folder)
            assert said(remote) == said(local)
            assert remote.counts() == local.counts()
        write(s1=sample("s1", split="validate"), m=model("m", link("derived_from", "c.json")), c2=collection("c2"))
        for catalog in (local, remote):
            report = catalog.ingest(folder)
            assert (report.read, report.unchanged) == (3, 2)
        assert said(remote) == said(local)
        document = next(d.iri for d in local.documents() if "s1" in d.iri)
        for catalog in (local, remote):
            catalog.remove(document)
        assert said(remote) == said(local)
        with Catalog.open(place) as again:
            assert again.base == "https://example.org/"
            assert len(again.rdflib_graph()) == len({quad.triple for quad in again.store.match()})
            assert again.ingest(folder).unchanged == 4


def test_the_command_line_takes_an_address(place, tmp_path):
    def run(*arguments, code=0):
        result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
        assert result.exit_code == code, result.output
        return result.stdout

    built = run("build", "docs/example-stac", "--to", place, "--base", "https://example.org/")
    assert built == run("build", "docs/example-stac", "--to", str(tmp_path / "local"), "--base", "https://example.org/").replace(str(tmp_path / "local"), place)  # fmt: skip
    for command in (["show"], ["show", "field finder"], ["exposure", "field finder"]):
        there, here = (run(command[0], where, *command[1:], "--json") for where in (place, str(tmp_path / "local")))
        assert there == here
    assert "no difference" in run("diff", place, str(tmp_path / "local"))
    run("validate", place, code=0)
    run("export", place, "--output", str(tmp_path / "out.ttl"))
    assert (tmp_path / "out.ttl").read_text()
