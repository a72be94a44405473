"""The short way of most queries: the same answers, headers and limits as on the usual one."""

import json
import socket
from types import SimpleNamespace
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from serving import run_apart, serve, until

from mlaoi_graph.server.kept import Kept
from mlaoi_graph.server.quick import Quick
from mlaoi_graph.server.reply import Reply
from mlaoi_graph.server.web import parameters

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

MODELS = "SELECT ?m { ?m a mlaoi:Model } ORDER BY ?m LIMIT 3"
NUMBERS = "VALUES ?{0} {{" + " ".join(map(str, range(1000))) + "}}"
ENDLESS = f"SELECT (COUNT(*) AS ?n) {{ {' '.join(NUMBERS.format(name) for name in 'abcd')} }}"


@pytest.fixture(scope="module")
def server(families_catalog, tmp_path_factory):
    with serve(families_catalog, tmp_path_factory.mktemp("quick"), "--timeout", 120, "--rows", 60_000) as server:
        yield server


FORMS = st.lists(
    st.sampled_from([b"query", b"a", b"=", b"&", b"+", b" ", b"%", b"%2", b"%3D", b"%3d", b"%0A", b"\n", b"\r\n", b"\xff", b"_"])
    | st.binary(max_size=3)
).map(b"".join)  # fmt: skip


@given(FORMS)
@example(b"query=ASK%7B%7D%")
@example(b"a=%\nB")
def test_a_form_is_read_as_urllib_reads_it(form):
    found = {}
    for name, value in parse_qsl(form.decode("latin-1"), keep_blank_values=True, encoding="latin-1"):
        found.setdefault(name, []).append(value.encode("latin-1"))
    assert parameters(form) == found


def asked(server, target, **headers):
    return server.get(target, headers=headers)


@pytest.mark.parametrize(
    "target",
    [
        f"sparql?query={quote(MODELS)}",
        f"sparql?query={quote(MODELS)}&reasoning=off",
        f"sparql?reasoning=maybe&query={quote(MODELS)}",
        f"sparql?query={quote('SELECT * { ?s ?p ?o } ORDER BY ?s ?p ?o LIMIT 9000')}",
        f"sparql?query={quote('CONSTRUCT { ?s ?p ?o } WHERE { ?s ?p ?o } ORDER BY ?s LIMIT 5')}",
        f"sparql?query={quote('ASK { ?s ?p')}",
        f"sparql?query={quote('SELECT * { SERVICE <http://127.0.0.1:1/> { ?s ?p ?o } }')}",
        "sparql?query=ASK%7B%7D&query=ASK%7B%7D",
        "sparql?query=%FF",
        "sparql?query=ASK%7B%7D&default-graph-uri=nothing",
        "sparql?query=ASK%7B%7D&default-graph-uri=%FF",
        "sparql?query=",
        "sparql?xquery=ASK%7B%7D",
        "sparql?query=ASK%7B%7D&update=CLEAR%20ALL",
        "sparql?" + "&".join(["query=1"] * 1100),
    ],
    ids=lambda target: target[:40],
)
@pytest.mark.parametrize("accept", ["application/sparql-results+json", "text/csv", "text/turtle, */*;q=0.1", "no/such"])
def test_both_ways_answer_alike(server, target, accept):
    """A request of a proxy's takes the usual way."""
    short = asked(server, target, Accept=accept)
    usual = asked(server, target, Accept=accept, **{"X-Forwarded-For": "192.0.2.1"})
    assert (short.status_code, short.content) == (usual.status_code, usual.content)
    dropped = {"date"}
    assert {k: v for k, v in short.headers.items() if k not in dropped} == {
        k: v for k, v in usual.headers.items() if k not in dropped
    }


def test_both_ways_stop_a_query_that_takes_too_long(families_catalog, tmp_path):
    with serve(families_catalog, tmp_path, "--timeout", 2) as server:
        test_both_ways_answer_alike(server, f"sparql?query={quote(ENDLESS)}", "*/*")
        assert asked(server, f"sparql?query={quote(ENDLESS)}").json()["error"] == "timeout"


def test_both_ways_are_told_alike_in_the_log(server):
    target = f"sparql?query={quote('SELECT ?x { VALUES ?x { 4711 4712 } }')}"
    asked(server, target)
    asked(server, target, **{"X-Forwarded-For": "192.0.2.1"})
    until(lambda: server.log.count("4712") == 2)
    short, usual = [json.loads(line) for line in server.log.splitlines() if "4712" in line]
    assert (short["client"], usual["client"]) == ("127.0.0.1", "192.0.2.1")
    for line in (short, usual):
        del line["client"], line["ms"], line["time"]
    assert short == usual
    assert (short["status"], short["rows"], short["path"]) == (200, 2, "/sparql")


def test_a_long_answer_is_whole_each_time_it_is_asked_for(served):
    target = f"sparql?query={quote('SELECT * { ?s ?p ?o }')}"
    first, again = asked(served, target), asked(served, target)
    assert first.status_code == again.status_code == 200
    assert int(first.headers["content-length"]) == len(first.content) > 1 << 20
    assert len(again.json()["results"]["bindings"]) == len(first.json()["results"]["bindings"])


def raw(server, data):
    """Send bytes at once and return everything that comes back until the server closes."""
    address = urlsplit(server.url)
    with socket.create_connection((address.hostname, address.port), timeout=20) as connection:
        connection.sendall(data)
        found = b""
        while part := connection.recv(1 << 16):
            found += part
    return found


def test_requests_sent_ahead_are_answered_in_order(server):
    def request(word, last=False):
        query = quote(f"SELECT ?x {{ VALUES ?x {{ '{word}' }} }}")
        closing = "Connection: close\r\n" if last else ""
        return f"GET /sparql?query={query} HTTP/1.1\r\nHost: x\r\nAccept: text/csv\r\n{closing}\r\n".encode()

    found = raw(server, request("first") + b"GET /api HTTP/1.1\r\nHost: x\r\n\r\n" + request("third", last=True))
    assert found.count(b"HTTP/1.1 200 OK\r\n") == 3
    places = [found.index(word) for word in (b"first", b"places", b"third")]
    assert places == sorted(places)


def test_a_client_of_http_1_0_gets_its_answer_and_the_end(server):
    found = raw(server, b"GET /sparql?query=ASK%7B%7D HTTP/1.0\r\n\r\n")
    assert b"200 OK" in found  # it need not say which: RFC 9112, 3.2
    found = raw(server, b"GET /sparql?query=ASK%7B%7D HTTP/1.0\r\nHost: x\r\n\r\n")
    assert found.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"connection: close" in found
    assert found.endswith(b'"boolean":true}')


def test_a_client_that_takes_nothing_holds_no_worker_and_is_heard_of_no_more(served):
    address = urlsplit(served.url)
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect((address.hostname, address.port))
        connection.sendall(f"GET /sparql?query={quote('SELECT * { ?s ?p ?o }')} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert connection.recv(15) == b"HTTP/1.1 200 OK"
        assert served.metric('mlaoi_workers{pool="queries",state="busy"}') == 0
        assert asked(served, "sparql?query=ASK%7B%7D").json()["boolean"] is True


def test_an_answer_whose_file_is_gone_is_told_as_our_mistake(tmp_path):
    """Whoever tidies up the folder for temporary files may take it away."""
    written, completed = [], []
    (tmp_path / "manifest.json").write_text("{}")

    async def answered(*_, **__):
        return Reply(200, "text/csv", file=tmp_path / "gone")

    connection = SimpleNamespace(
        parser=SimpleNamespace(get_http_version=lambda: "1.1", should_keep_alive=lambda: True),
        transport=SimpleNamespace(write=written.append),
        server_state=SimpleNamespace(default_headers=[]),
        on_response_complete=lambda: completed.append(True),
        scheme="http",
        client=("127.0.0.1", 1),
    )
    state = SimpleNamespace(
        settings=SimpleNamespace(public_url=None),
        kept=Kept(tmp_path, 0),
        queries=SimpleNamespace(run=answered),
        metrics=SimpleNamespace(count=lambda *_: None),
        log=None,
    )
    run_apart(Quick(connection, state, b"query=ASK%7B%7D", {b"host": b"x"}).run())
    head, _, body = b"".join(written).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 500 ")
    assert f"content-length: {len(body)}\r\n".encode() in head
    assert json.loads(body)["error"] == "internal"
    assert completed == [True]
