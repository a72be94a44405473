"""Hostile clients: an error status, a line in the log, and the server answering in its normal time."""

import contextlib
import json
import socket
import threading
import time
from urllib.parse import quote

import pytest
import requests
from serving import serve, until

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

JSON = "application/sparql-results+json"
BIG = "VALUES ?{0} {{" + " ".join(map(str, range(3000))) + "}}"


@pytest.fixture(scope="module")
def server(families_catalog, tmp_path_factory):
    with serve(
        families_catalog, tmp_path_factory.mktemp("hostile"), "--timeout", 2, "--memory-mb", 300, "--rows", 10_000,
        result_mb=8, header_timeout=1, connections=1500,
    ) as server:  # fmt: skip
        yield server


@pytest.fixture(autouse=True)
def answers_as_usual_afterwards(server):
    yield
    answers_as_usual(server)


def answers_as_usual(server):
    for _ in range(3):
        found = server.sparql("SELECT ?m { ?m a mlaoi:Model } LIMIT 3")
        assert found.status_code == 200
        assert len(found.json()["results"]["bindings"]) == 3
        assert found.elapsed.total_seconds() < 3
    assert not [line for line in server.log.splitlines() if "Traceback" in line]


def is_told(response, *statuses):
    assert response.status_code in statuses, response.text[:300]
    assert set(response.json()) >= {"error", "reason"}


MALFORMED = [
    "", " ", "\x00", "SELECT", "SELECT * {", "}" * 100, "SELECT * { ?s ?p }", "ASK { ?s ?p 'unclosed }", "ASK { '''''' ''' }",
 "\ufeffASK {}", "ASK {} ASK {}", "\\u", "\\uD800", "\\U0011FFFF ASK", "#" * 10_000,
    "PREFIX : <:> PREFIX", "SELECT (1/0 AS ?x) (?x AS ?x) {}", "ASK { ?s \u202e?p ?o }", "АSK {}", "ASK { ?\ud83d ?p ?o }",
    "BASE <" + "x" * 5000 + ">" * 3, "ASK { <a\\u0020b> ?p ?o }", "DESCRIBE", "CONSTRUCT WHERE", "EXPLAIN SELECT",
]  # fmt: skip


@pytest.mark.parametrize("query", MALFORMED)
def test_malformed_queries(server, query):
    body = query.encode("utf-8", "surrogatepass")
    found = requests.post(
        f"{server.url}sparql", data=body, headers={"Content-Type": "application/sparql-query"}, timeout=30
    )
    is_told(found, 400)


EXPENSIVE = {
    "cartesian product": "SELECT * { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }",
    "product that is counted": "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }",
    "product that is kept": "SELECT DISTINCT ?a ?d ?g { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }",
    "sorted at random": "SELECT * { ?a ?b ?c . ?d ?e ?f } ORDER BY RAND()",
    "values": f"SELECT (COUNT(*) AS ?n) {{ {BIG.format('a')} {BIG.format('b')} {BIG.format('c')} }}",
    "values, grouped": f"SELECT ?a ?b (COUNT(*) AS ?n) {{ {BIG.format('a')} {BIG.format('b')} {BIG.format('c')} }} GROUP BY ?a ?b",
    "path explosion": "SELECT (COUNT(*) AS ?n) { ?a (!<urn:x>|^!<urn:x>)* ?b . ?b (!<urn:x>|^!<urn:x>)* ?c }",
    "nested path": "SELECT (COUNT(*) AS ?n) { ?a ((((!<urn:x>)*)*)*/((!<urn:y>|^!<urn:x>)*)*)* ?b }",
    "string that doubles": "SELECT (STRLEN(?z) AS ?n) { BIND('aaaaaaaaaaaaaaaa' AS ?a) "
    + " ".join(f"BIND(CONCAT({', '.join(['?' + chr(97 + i)] * 16)}) AS ?{chr(98 + i)})" for i in range(8))
    + " BIND(?i AS ?z) }",
    "group_concat": "SELECT (GROUP_CONCAT(?c) AS ?all) { ?a ?b ?c . ?d ?e ?f }",
    "construct": "CONSTRUCT { ?a ?b ?f } { ?a ?b ?c . ?d ?e ?f }",
    "exists in exists": "SELECT (COUNT(*) AS ?n) { ?a ?b ?c FILTER NOT EXISTS { ?d ?e ?f FILTER NOT EXISTS { ?g ?h ?i FILTER(?a = ?g && ?c = ?f) } FILTER(?f = ?c && ?a != ?d) } }",
}


@pytest.mark.parametrize("name", EXPENSIVE)
def test_expensive_queries_are_stopped(server, name):
    begun = time.monotonic()
    is_told(server.sparql(EXPENSIVE[name], "*/*"), 503, 413)
    assert time.monotonic() - begun < 8


REGEXES = [
    r"^(a+)+$", r"(a|aa)+$", r"(.*a){25}", r"([a-zA-Z]+)*$", r"((a{1,1000}){1,1000}){1,1000}", "(" * 150 + ")" * 150, r"\p{L}{1000}{1000}", "[", r"(?=a)",
]  # fmt: skip


@pytest.mark.parametrize("pattern", REGEXES)
def test_regex_bombs(server, pattern):
    pattern = pattern.replace("\\", "\\\\")
    query = f"SELECT (COUNT(*) AS ?n) {{ ?s ?p ?o FILTER(REGEX(CONCAT(STR(?o), '{'a' * 5000}!'), '{pattern}')) }}"
    found = server.sparql(query)
    # The engine's expressions are automata: linear. One that is too large, or none, is an error in its row.
    assert found.status_code in (200, 400, 503)


@pytest.mark.parametrize(
    "unit", ["!", "-", "1+", "?a/", "^", "(", "{", "[", "<<", "OPTIONAL{", "NOT EXISTS{", "IF(1,1,", "COALESCE("]
)
def test_deep_nesting_of_every_kind(server, unit):
    """Brackets are bounded; what nests without any ends its process at worst, and that is replaced."""
    for depth in (300, 3_000, 30_000):
        prefix = (
            "ASK { ?s "
            if unit in ("?a/", "^")
            else "ASK { FILTER "
            if unit not in ("{", "[", "<<", "OPTIONAL{")
            else "ASK { "
        )
        units = ("<urn:p>/" if unit == "?a/" else unit) * depth
        found = server.sparql(f"{prefix}{units}1 }}")
        assert found.status_code in (200, 400, 413, 503)
    until(lambda: server.metric('mlaoi_workers{pool="queries",state="idle"}') == 4, 20)


@pytest.mark.parametrize("join", [" UNION ", " . ", " OPTIONAL ", " MINUS "])
def test_long_chains(server, join):
    for number in (500, 5_000):
        groups = join.join(f"{{ ?s ?p ?o{n} }}" for n in range(number))
        found = server.sparql(f"SELECT (COUNT(*) AS ?n) {{ {groups} }}")
        assert found.status_code in (200, 400, 413, 503)
    until(lambda: server.metric('mlaoi_workers{pool="queries",state="idle"}') == 4, 20)


def test_a_query_of_ten_megabytes(server):
    direct = {"Content-Type": "application/sparql-query"}
    body = b"SELECT * { ?s ?p ?o } #" + b"x" * 10_000_000
    is_told(requests.post(f"{server.url}sparql", data=body, headers=direct, timeout=60), 413)
    is_told(server.sparql(body.decode()), 413)
    # What the server takes is in its log: here a client makes ten megabytes as well.
    until(lambda: server.log.count('"status":413') >= 2)
    took = [json.loads(line)["ms"] for line in server.log.splitlines() if '"status":413' in line]
    assert max(took[-2:]) < 5000


def raw(server, data, wait=5.0, half_close=False):
    """Send bytes and return what comes back until the server closes."""
    host, port = server.url.removeprefix("http://").rstrip("/").split(":")
    with socket.create_connection((host, int(port)), timeout=wait) as connection:
        try:
            connection.sendall(data)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
            found = b""
            while part := connection.recv(65536):
                found += part
        except (ConnectionResetError, BrokenPipeError):
            pass
        except TimeoutError:
            return found + b" [still open]"
        return found


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 200_000, b"431"),
        (b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"4"),
        (b"".join([b"GET / HTTP/1.1\r\nHost: x\r\n", b"a: b\r\n" * 50_000]), b"431"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"400"),
        (b"GET / HTTP/9.9\r\n\r\n", b"400"),
        (b"POST /sparql HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"4"),
        (b"POST /sparql HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n", b"400"),
        (
            b"POST /sparql HTTP/1.1\r\nHost: x\r\nContent-Type: application/sparql-query\r\nContent-Length: 99999999999999\r\n\r\n",
            b"413",
        ),
        (b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n", b"4"),
        (b"GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"404"),
        (b"GET /sparql HTTP/1.1\r\nHost: x\r\nHost: y\r\nConnection: close\r\n\r\n", b"400"),
    ],
    ids=[
        "long header",
        "long path",
        "many headers",
        "TLS",
        "version",
        "smuggling",
        "negative",
        "huge",
        "bytes",
        "traversal",
        "two hosts",
    ],
)
def test_requests_that_are_no_http(server, data, status):
    found = raw(server, data)
    assert found.startswith(b"HTTP/1.1 " + status), found[:200]
    assert b"root:" not in found


@pytest.mark.parametrize("line", [b"FOO /sparql", b"get /sparql", b"GET", b"\x00", b"GET /stac HTTP/1.1\r\nno colon"])
def test_what_cannot_be_parsed_is_told_in_json(server, line):
    found = raw(server, line + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    head, _, body = found.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"content-type: application/json" in head
    assert b"connection: close" in head
    assert json.loads(body)["error"] == "http"
    assert "upper case" in json.loads(body)["reason"]


@pytest.mark.parametrize("wish", ["websocket", "h2c"])
def test_a_wish_for_another_protocol_is_disregarded(server, wish):
    """The answer is the usual one, with its line in the log and nothing else; a body counts, too."""
    log = len(server.lines)
    head = f"Host: x\r\nConnection: Upgrade, close\r\nUpgrade: {wish}\r\n"
    query = "ASK { ?s ?p 'UPGRADE' }"
    posted = f"POST /sparql HTTP/1.1\r\n{head}Content-Type: application/sparql-query\r\nContent-Length: {len(query)}\r\n\r\n{query}"
    for request in (
        f"GET /sparql?query=ASK%7B%7D HTTP/1.1\r\n{head}\r\n",
        f"GET /health HTTP/1.1\r\n{head}\r\n",
        posted,
    ):
        found = raw(server, request.encode(), wait=30)
        assert found.startswith(b"HTTP/1.1 200"), found
    begun, name, rest = posted.partition(
        "pgrade: "
    )  # within the line of that header: the body is not read, and never the next request
    host, port = server.url.removeprefix("http://").rstrip("/").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        for half in (begun, name + rest):
            connection.sendall(half.encode())
            time.sleep(0.3)
        found = b""
        while part := connection.recv(65536):
            found += part
    assert found.startswith(b"HTTP/1.1 400")
    # The line of what was asked before this test may have come after its answer.
    lines = [line for line in server.lines[log:] if "mlaoi:Model" not in line.get("query", "")]
    assert [line["status"] for line in lines] == [200, 200, 200, 400]


def test_a_method_that_is_not_allowed_is_told_in_json(server):
    for method in ("DELETE", "PATCH", "TRACE", "PROPFIND"):
        found = requests.request(method, f"{server.url}sparql", timeout=30)
        is_told(found, 405)
        assert set(found.headers["allow"].split(", ")) == {"GET", "HEAD", "OPTIONS", "POST"}
        assert found.headers["allow"] in found.json()["reason"]


OUT = [
    "%2e%2e/%2e%2e/%2e%2e/etc/passwd", "..%2f..%2f..%2fetc%2fpasswd", "....//....//etc/passwd", "..%5c..%5cetc%5cpasswd",
    "%252e%252e%252fetc%252fpasswd", "%c0%ae%c0%ae/etc/passwd", "static/../../../settings.py", "static//etc/passwd",
    "static/..%2f..%2f__init__.py", "static/%00", "nodes/file:///etc/passwd", "nodes/../../etc/passwd", "manifest.json",
    "store/CURRENT", "graphs?graph=file:///etc/passwd", "sparql?query=ASK%7B%7D&default-graph-uri=../../etc/passwd",
    "stac/collections/..%2f..%2fmanifest.json", "api/areas?area=/etc/passwd", "api/areas?area=file:///etc/passwd",
]  # fmt: skip


@pytest.mark.parametrize("path", OUT)
def test_no_path_leads_to_a_file(server, path):
    found = raw(server, f"GET /{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    assert found.startswith((b"HTTP/1.1 4", b"HTTP/1.1 200")), found[:100]
    if path.startswith("sparql"):
        assert found.startswith(b"HTTP/1.1 400")
    for inside in (b"root:", b'"snapshot"', b"MANIFEST-", b"__all__"):
        assert inside not in found
    assert found.startswith(b"HTTP/1.1 4")


TRICKS = {
    "composed is not decomposed": ("ASK { FILTER('e\u0301' = '\u00e9') }", False),
    "characters, not bytes": ("ASK { FILTER(STRLEN('\U0001f469\u200d\U0001f52c') = 3) }", True),
    "letters that look alike": ("ASK { FILTER('\u0430' = 'a') }", False),
    "the other way round": ("ASK { FILTER(STRLEN('\u202e}{\u202c') = 4) }", True),
    "a byte order mark in a text": ("ASK { FILTER(STRLEN('\ufeff') = 1) }", True),
    "no space at all": ("ASK { FILTER(STRLEN('\u200b') = 1) }", True),
    "upper case that grows": ("ASK { FILTER(STRLEN(UCASE('\u00df')) >= 1) }", True),
    "a comment that ends at a line only": ("ASK { FILTER(1 = 2) # \u2028 } ASK {}\n}", False),
}


@pytest.mark.parametrize("name", TRICKS)
def test_tricks_with_unicode_mean_what_they_say(server, name):
    query, true = TRICKS[name]
    found = server.sparql(query)
    assert (found.status_code, found.json()["boolean"]) == (200, true), found.text


@pytest.mark.parametrize("space", ["\u00a0", "\u2003", "\u200b", "\u2028", "\u3000"])
def test_what_looks_like_a_space_is_none(server, space):
    is_told(server.sparql(f"ASK{space}{{}}"), 400)
    # Nor does it hide a word that is refused.
    is_told(server.sparql(f"SELECT * {{ SERVICE{space}<http://127.0.0.1:1/> {{ ?s ?p ?o }} }}"), 400)


def test_a_head_that_never_ends_is_given_up(server):
    for data in (b"", b"GET /sparql HTTP/1.1\r\nHost: x\r\n", b"G"):
        begun = time.monotonic()
        assert b"408" in raw(server, data)
        assert time.monotonic() - begun < 4


def test_what_is_refused_before_it_is_read_is_in_the_log_and_counted(server):
    """Each with the word its client is told, and what could be read of it."""

    def metric(method, status):
        line = f'mlaoi_requests_total{{method="{method}",route="none",status="{status}"}} '
        found = [v for v in server.get("metrics").text.splitlines() if v.startswith(line)]
        return float(found[0].rpartition(" ")[2]) if found else 0

    cases = [
        (b"", ("", "", "", 408, "slow")),
        (b"GET /sparql?query=told", ("GET", "/sparql", "query=told", 408, "slow")),
        (b"GET /told HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 200_000, ("GET", "/told", "", 431, "head-size")),
        (b"GET /health HTTP/1.1\r\nHost: x\r\n\r\ntold is no HTTP\r\n\r\n", ("", "", "", 400, "http")),
    ]  # fmt: skip
    for data, expected in cases:
        method, *_, status, word = expected
        before, begun = metric(method or "other", status), len(server.lines)
        told = raw(server, data)
        assert not told or f'"error":"{word}"'.encode() in told  # the connection may be reset before all is read
        assert metric(method or "other", status) == before + 1
        others = ("/metrics", "/health", "/sparql")  # which were asked before it
        (line,) = [line for line in server.lines[begun:] if line.get("path") not in others or line["status"] != 200]
        assert (line["method"], line["path"], line["query"], line["status"], line["error"]) == expected
        assert line["client"] == "127.0.0.1"


@pytest.mark.parametrize("end", [b"", b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"], ids=["goes", "no chunk"])
def test_a_client_that_goes_while_it_sends_is_no_mistake_of_ours(server, end):
    begun = len(server.lines)
    host, port = server.url.removeprefix("http://").rstrip("/").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        head = b"POST /sparql HTTP/1.1\r\nHost: x\r\nContent-Type: application/sparql-query\r\n"
        connection.sendall(head + (end or b"Content-Length: 100\r\n\r\nASK"))
        time.sleep(0.3)
    (line,) = until(lambda: [line for line in server.lines[begun:] if line.get("status") != 200])
    assert (line["status"], line["error"], line["path"]) == (499, "gone", "/sparql")


@pytest.mark.parametrize("path", ["health", "sparql?query=ASK%7B%7D", "sparql", "stac", "models/geochat-7b.json"])
def test_a_client_of_http_1_0_need_not_say_whom_it_asks(server, path):
    """RFC 9112, 3.2: one of HTTP/1.1 has to, and nobody names two."""
    found = raw(server, f"GET /{path} HTTP/1.0\r\n\r\n".encode(), wait=30)
    assert found.startswith(b"HTTP/1.1 200"), found[:300]
    if path in ("sparql", "stac"):
        assert server.url.encode() in found
    if path.startswith("sparql"):
        for head in ("HTTP/1.1\r\nConnection: close", "HTTP/1.0\r\nHost: x\r\nHost: y"):
            refused = raw(server, f"GET /{path} {head}\r\n\r\n".encode())
            assert refused.startswith(b"HTTP/1.1 400"), refused[:300]
            assert b'"host"' in refused


@pytest.mark.parametrize("coding", ["gzip", "br", "GZIP, identity"])
@pytest.mark.parametrize("path", ["sparql", "stac/search"])
def test_a_packed_body_is_refused(server, coding, path):
    media_type = "application/json" if path == "stac/search" else "application/sparql-query"
    body = b"{}" if path == "stac/search" else b"ASK {}"
    headers = {"Content-Type": media_type, "Content-Encoding": coding}
    found = requests.post(f"{server.url}{path}", data=body, headers=headers, timeout=30)
    assert (found.status_code, found.json()["error"], found.headers["accept-encoding"]) == (415, "coding", "identity")
    headers["Content-Encoding"] = "Identity"
    assert requests.post(f"{server.url}{path}", data=body, headers=headers, timeout=30).status_code == 200


@pytest.mark.parametrize("query", ["", " ", "# only a comment"])
def test_an_empty_query_is_said_to_be_empty(server, query):
    for found in (server.sparql(query), server.get("sparql", params={"query": query})):
        is_told(found, 400)
        assert "the query is empty" in found.json()["reason"]


def test_a_byte_now_and_then_does_not_hold_a_connection(server):
    host, port = server.url.removeprefix("http://").rstrip("/").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        begun = time.monotonic()
        sent = 0
        try:
            for byte in b"GET /sparql?query=ASK{} HTTP/1.1\r\nHost: x\r\nX-Slow: " + b"a" * 200:
                connection.sendall(bytes([byte]))
                sent += 1
                time.sleep(0.1)
        except (ConnectionResetError, BrokenPipeError):
            pass
        assert sent < 40
        assert time.monotonic() - begun < 6


def test_a_body_that_never_ends_is_given_up(server):
    head = (
        b"POST /sparql HTTP/1.1\r\nHost: x\r\nContent-Type: application/sparql-query\r\nContent-Length: 100\r\n\r\nASK"
    )
    begun = time.monotonic()
    found = raw(server, head)
    assert b"408" in found
    assert b'"slow"' in found
    assert time.monotonic() - begun < 4


def test_half_open_connections(server):
    host, port = server.url.removeprefix("http://").rstrip("/").split(":")
    held = [socket.create_connection((host, int(port)), timeout=5) for _ in range(200)]
    for connection in held[::2]:
        connection.shutdown(socket.SHUT_WR)
    try:
        begun = time.monotonic()
        assert server.sparql("ASK {}").status_code == 200
        assert time.monotonic() - begun < 3
    finally:
        for connection in held:
            connection.close()


@pytest.mark.parametrize("origin", ["", "Origin: https://example.org\r\n"], ids=["short way", "usual way"])
def test_a_client_that_sends_ahead_and_goes_takes_all_its_queries_with_it(server, origin):
    gone, late = (f'mlaoi_workers_ended_total{{pool="queries",why="{why}"}}' for why in ("gone", "timeout"))
    before = server.metric(gone), server.metric(late)
    query = quote(EXPENSIVE["values"])
    host, port = server.url.removeprefix("http://").rstrip("/").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(f"GET /sparql?query={query} HTTP/1.1\r\nHost: x\r\n{origin}\r\n".encode() * 3)
        until(lambda: server.metric('mlaoi_workers{pool="queries",state="busy"}') == 1)
    until(lambda: server.metric(gone) == before[0] + 1)
    time.sleep(3)  # longer than any query may take
    assert (server.metric(gone), server.metric(late)) == (before[0] + 1, before[1])


def test_a_client_that_takes_nothing_holds_no_worker(server):
    host, port = server.url.removeprefix("http://").rstrip("/").split(":")
    query = b"SELECT%20*%20%7B?s%20?p%20?o%7D%20LIMIT%2010000"
    held = []
    for _ in range(8):
        connection = socket.create_connection((host, int(port)), timeout=5)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(b"GET /sparql?query=" + query + b" HTTP/1.1\r\nHost: x\r\n\r\n")
        held.append(connection)
    try:
        until(lambda: server.metric('mlaoi_workers{pool="queries",state="busy"}') == 0, 20)
        assert server.sparql("ASK {}").status_code == 200
    finally:
        for connection in held:
            connection.close()


def test_a_thousand_connections_at_once(families_catalog, tmp_path):
    # How long the threads of this process take to send what they ask is not what is looked at.
    with serve(families_catalog, tmp_path, "--timeout", 120, connections=1500, header_timeout=120) as server:
        statuses = []
        ready = threading.Barrier(1000)

        def ask():
            ready.wait()
            try:
                found = requests.get(f"{server.url}sparql", params={"query": "ASK { ?s ?p ?o }"}, timeout=120)
                statuses.append(found.status_code)
            except requests.exceptions.RequestException as error:
                statuses.append(type(error).__name__)

        threading.stack_size(256 * 1024)
        try:
            threads = [threading.Thread(target=ask) for _ in range(1000)]
            for one in threads:
                one.start()
        finally:
            threading.stack_size(0)
        for one in threads:
            one.join()
        assert len(statuses) == 1000
        assert set(statuses) <= {200, 503}
        assert statuses.count(200) >= 100
        answers_as_usual(server)


def test_one_connection_too_many_is_told(families_catalog, tmp_path):
    with serve(families_catalog, tmp_path, connections=3) as server:
        server.get("health")
        host, port = server.url.removeprefix("http://").rstrip("/").split(":")
        with contextlib.ExitStack() as others:
            for number in range(3):
                assert server.get("health").status_code == 200, f"{number} others"
                others.enter_context(socket.create_connection((host, int(port)))).sendall(b"GET / HTTP/1.1\r\n")
            for path in ("sparql?query=ASK%7B%7D", "health"):
                [found] = until(lambda path=path: [got for got in [server.get(path)] if got.status_code == 503])
                assert found.json()["error"] == "connections"
                assert found.headers["connection"] == "close"
                until(lambda: server.requests()[-1]["status"] == 503)  # written once the answer is sent
        until(lambda: server.get("health").status_code == 200)
        assert "concurrency" not in server.log


@pytest.mark.parametrize(
    "header", ["Accept", "Content-Type", "Authorization", "Origin", "Host", "X-Forwarded-For", "Accept-Encoding"]
)
@pytest.mark.parametrize(
    "value",
    [
        "\xff\xfe",
        "a" * 30_000,
        "*/*;q=" + "9" * 1000,
        ",,,;;;==",
        "text/csv;q=nan",
        "'\"<script>",
        "%00%0d%0a",
        "*/*," * 5_000,
    ],
)
def test_hostile_headers(server, header, value):
    begun = time.monotonic()
    found = requests.get(f"{server.url}sparql?query=ASK{{}}", headers={header: value.encode("latin-1")}, timeout=30)
    assert found.status_code in (200, 400, 406, 431)
    assert "<script>" not in str(found.headers)
    assert time.monotonic() - begun < 3
    assert requests.get(
        f"{server.url}models/geochat-7b", headers={header: value.encode("latin-1")}, timeout=30
    ).status_code in (200, 406, 400, 431)


def test_what_was_asked_is_in_the_log_on_one_line(server):
    server.get("x%0aINFO forged\x1b[2J?\u202e")
    until(lambda: "forged" in server.log)
    assert not [line for line in server.log.splitlines() if line.startswith("INFO forged")]
    assert "\x1b" not in server.log
