"""Queries past a limit are stopped and say so; the others are answered as if nothing had been."""

import asyncio
import glob
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from conftest import box, model
from serving import ROOT, run_apart, serve, until

from mlaoi_graph.catalog import Catalog
from mlaoi_graph.server.pool import Pool
from mlaoi_graph.server.stac import tasks
from mlaoi_graph.server.tasks import query
from mlaoi_graph.server.worker import Bounds
from mlaoi_graph.stores import Scope

GAVE_WAY = 'mlaoi_workers_ended_total{pool="queries",why="room"}'
COUNT = itertools.count()
pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

NUMBERS = "VALUES ?{0} {{" + " ".join(map(str, range(1000))) + "}}"
PRODUCT = " ".join(NUMBERS.format(name) for name in "abc")  # a thousand million rows
HOLDS = f"SELECT (COUNT(*) AS ?n) {{ SELECT DISTINCT ?a ?b ?c {{ {PRODUCT} }} }}"
ENDLESS = f"SELECT (COUNT(*) AS ?n) {{ {PRODUCT} {NUMBERS.format('d')} }}"


@pytest.fixture(scope="module")
def tight(families_catalog, tmp_path_factory):
    with serve(
        families_catalog, tmp_path_factory.mktemp("tight"), "--timeout", 1.5, "--memory-mb", 200, "--rows", 500,
        "--workers", 2, body_kb=64, result_mb=1, queue=4, header_timeout=1,
    ) as server:  # fmt: skip
        yield server


@pytest.fixture(scope="module")
def patient(families_catalog, tmp_path_factory):
    """Return a server that lets a query run as long as a test needs it to."""
    with serve(
        families_catalog, tmp_path_factory.mktemp("patient"), "--timeout", 300, "--workers", 2, queue=4,
    ) as server:  # fmt: skip
        until(lambda: queries(server, "idle") == 2)
        yield server


def queries(server, state):
    return server.metric(f'mlaoi_workers{{pool="queries",state="{state}"}}')


def answers(server):
    # Each time another query: one that was asked before is answered from memory.
    found = server.sparql(f"SELECT (?m AS ?m{next(COUNT)}) {{ ?m a mlaoi:Model }} LIMIT 3")
    assert found.status_code == 200
    assert len(found.json()["results"]["bindings"]) == 3
    return found.elapsed.total_seconds()


def answers_as_usual(server):
    assert answers(server) < 3


def refused(response, status, error):
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    found = response.json()
    assert found["error"] == error
    assert found["reason"]
    return found["reason"]


def test_a_query_that_takes_too_long_is_stopped(tight):
    before = tight.metric('mlaoi_workers_ended_total{pool="queries",why="timeout"}')
    reason = refused(tight.sparql(ENDLESS), 503, "timeout")
    until(lambda: '"status":503' in tight.log)
    (took,) = [json.loads(line)["ms"] for line in tight.log.splitlines() if '"status":503' in line]
    assert 1500 <= took < 4000  # as the server has it: a client may be slow itself
    assert "1.5 s" in reason
    assert tight.metric('mlaoi_workers_ended_total{pool="queries",why="timeout"}') == before + 1
    answers_as_usual(tight)
    until(lambda: tight.metric('mlaoi_workers{pool="queries",state="idle"}') == 2)


def test_a_worker_that_cannot_warm_up_says_so_once_and_answers(families_catalog, caplog):
    async def asked():
        # json.loads stands for whatever may raise: it takes no Context.
        bounds = Bounds(memory_mb=500, rows=100, result_mb=1, nesting=10)
        pool = Pool(families_catalog, bounds, name="cold", workers=1, queue=9, timeout=60, warm=json.loads)
        try:
            await pool.start()
            return [await pool.run(tasks.conformance) for _ in range(3)], pool.figures.started
        finally:
            await pool.close()

    replies, started = run_apart(asked())
    assert [reply.status for reply in replies] == [200] * 3
    assert started == 1
    (said,) = [record.getMessage() for record in caplog.records if "warm" in record.getMessage()]
    assert "TypeError: the JSON object must be str" in said


def one_worker(directory, caplog, *asks):
    """Return what one worker replies to these tasks, how many were started, and the log."""

    async def asked():
        bounds = Bounds(memory_mb=500, rows=100, result_mb=1, nesting=10)
        pool = Pool(directory, bounds, name="one", workers=1, queue=9, timeout=60)
        try:
            await pool.start()
            return [await pool.run(task, **more) for task, more in asks], pool.figures.started
        finally:
            await pool.close()

    return *run_apart(asked()), [record.getMessage() for record in caplog.records]


def test_a_mistake_of_ours_is_told_and_logged_and_ends_no_worker(families_catalog, caplog):
    # json.loads stands for whatever may raise: it takes no Context. The other's reason cannot be written as JSON.
    wrong = [(json.loads, {}), (tasks.collection, {"site": "http://x/", "name": "\ud800"}), (tasks.conformance, {})]
    replies, started, log = one_worker(families_catalog, caplog, *wrong)
    assert [reply.status for reply in replies[::2]] == [500, 200]
    assert json.loads(replies[0].body) == {
        "error": "internal",
        "reason": "the server made a mistake; its log says which",
    }
    assert started == 1
    (said,) = [json.loads(line.partition("mistake: ")[2]) for line in log if "loads" in line]
    assert said.startswith("TypeError: the JSON object must be str")
    assert "Traceback" in said
    assert said.rstrip().splitlines()[-1].startswith("TypeError: the JSON object")


def test_the_log_has_the_last_words_of_a_worker_that_died(families_catalog, caplog):
    (reply,), _, log = one_worker(families_catalog, caplog, (worker_says_much_and_ends, {}))
    assert (reply.status, json.loads(reply.body)["error"]) == (503, "crash")
    (died,) = [json.loads(line.partition("): ")[2]) for line in log if " died " in line]
    assert died.startswith("first words")
    assert died.endswith("last words")
    assert len(died) < 700


@pytest.mark.parametrize(
    "text",
    [
        "SELECT (geof:metricBuffer(?w, 1000) AS ?x) { ?a geo:hasGeometry/geo:asWKT ?w } LIMIT 3",
        "ASK { FILTER(geof:sfIntersects('<http://www.opengis.net/def/crs/EPSG/0/2056> POINT (2600000 1200000)'^^geo:wktLiteral, "
        "'POINT (7.4 46.9)'^^geo:wktLiteral)) }",
    ],
    ids=["function", "CRS"],
)
def test_what_needs_an_extra_that_is_not_installed_says_which(families_catalog, caplog, text):
    (reply,), _, log = one_worker(families_catalog, caplog, (without_pyproj, {"sparql": text.encode()}))
    said = json.loads(reply.body)
    assert (reply.status, said["error"]) == (501, "missing-extra"), said
    assert "pip install 'mlaoi-graph[crs]'" in said["reason"]
    assert not log


def without_pyproj(context, sparql):
    sys.modules["pyproj"] = None  # its import raises, as where it is not installed
    return query(context, sparql=sparql, accept="*/*", scope=Scope())


def test_the_extra_of_the_server_has_what_its_queries_need(served):
    """All that SPARQL promises by ``pip install 'mlaoi-graph[server]'``: buffers and other CRSs need pyproj."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    assert "mlaoi-graph[crs]" in extras["server"]
    assert extras["crs"] == ["pyproj>=3.6"]
    assert served.sparql("ASK { FILTER(BOUND(?x) || STRLEN(STR(geof:metricBuffer('POINT (7 46)'^^geo:wktLiteral, 10))) > 9) }").json()["boolean"]  # fmt: skip


def worker_says_much_and_ends(context):
    os.write(2, b"first words" + b" and" * 1000 + b" last words\n")
    os._exit(3)


def test_a_query_that_takes_too_much_memory_is_stopped(families_catalog, tmp_path):
    with serve(families_catalog, tmp_path, "--memory-mb", 200, "--timeout", 60, "--workers", 1) as server:
        reason = refused(server.sparql(HOLDS), 503, "memory")
        assert "200 MB" in reason
        answers_as_usual(server)


@pytest.mark.parametrize(
    "accept",
    ["application/sparql-results+json", "application/sparql-results+xml", "text/csv", "text/tab-separated-values"],
)
def test_an_answer_of_too_many_rows_is_refused_whole(tight, accept):
    at_the_limit = "SELECT * { VALUES ?x {" + " ".join(f'"{n} }},{{<result>"' for n in range(500)) + "} }"
    one_more = at_the_limit.replace('"0 }', '"-1" "0 }')
    assert tight.sparql(at_the_limit, accept).status_code == 200
    assert "500" in refused(tight.sparql(one_more, accept), 413, "rows")


def test_a_graph_of_too_many_triples_is_refused_whole(tight):
    for accept in ("text/turtle", "application/ld+json"):
        assert tight.sparql("CONSTRUCT { ?s ?p ?o } { ?s ?p ?o } LIMIT 500", accept).status_code == 200
        refused(tight.sparql("CONSTRUCT { ?s ?p ?o } { ?s ?p ?o } LIMIT 501", accept), 413, "rows")
    answers_as_usual(tight)


def test_an_answer_that_is_too_large_is_refused_whole(tight):
    wide = (
        f'SELECT * {{ VALUES ?x {{ "{"a" * 5000}" }} {NUMBERS.format("y").replace("1000", "400")} FILTER(?y < 400) }}'
    )
    assert "1 MB" in refused(tight.sparql(wide), 413, "result-size")
    answers_as_usual(tight)


def test_a_body_that_is_too_long_is_refused_unread(tight):
    refused(tight.sparql("SELECT * { ?s ?p ?o } # " + "x" * 70_000), 413, "body-size")

    def in_pieces():
        for _ in range(100):
            yield b"x" * 1000

    sent = requests.post(
        f"{tight.url}sparql", data=in_pieces(), headers={"Content-Type": "application/sparql-query"}, timeout=10
    )
    refused(sent, 413, "body-size")


@pytest.mark.parametrize(("opens", "closes"), ["{}", "()"])
def test_nesting_is_bounded_before_anything_is_parsed(tight, opens, closes):
    def nested(depth):
        if opens == "{":
            return "ASK " + "{" * depth + " ?s ?p ?o " + "}" * depth
        return "ASK { FILTER " + "(" * (depth - 1) + "1 = 1" + ")" * (depth - 1) + " }"

    before = tight.metric('mlaoi_workers_started_total{pool="queries"}')
    assert tight.sparql(nested(200)).status_code == 200
    for depth in (201, 2_000, 10_000):
        refused(tight.sparql(nested(depth)), 400, "nesting")
    in_text = f"ASK {{ FILTER('{'(' * 1000}' != \"{'{' * 1000}\") }} # {'[' * 1000}"
    assert tight.sparql(in_text).json() == {"head": {}, "boolean": True}
    assert tight.metric('mlaoi_workers_started_total{pool="queries"}') == before


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * { SERVICE <http://127.0.0.1:PORT/> { ?s ?p ?o } }",
        "SELECT * { SERVICE SILENT ?where { ?s ?p ?o } VALUES ?where { <http://127.0.0.1:PORT/> } }",
        "SELECT * { \\u0053ERVICE <http://127.0.0.1:PORT/> { ?s ?p ?o } }",
        "# '''\nSELECT * { SERVICE <http://127.0.0.1:PORT/> { ?s ?p ?o } }\n# '''",
        "PREFIX e: <urn:e:> SELECT * { e:a\\#b e:p ?o . SERVICE <http://127.0.0.1:PORT/> { ?s ?p ?o } }",
        "PREFIX e: <urn:e:> SELECT * { e:a\\'b e:p ?o . SERVICE <http://127.0.0.1:PORT/> { ?s e:it\\'s ?o } }",
        "SELECT ('a'@service AS ?o) { SERVICE <http://127.0.0.1:PORT/> { ?s ?p ?o } }",
        "SELECT * { ?s ?p 'a'@en.SERVICE <http://127.0.0.1:PORT/> { ?s ?p ?o } }",
        "SELECT * { <urn:a> <urn:b> rdf:.SERVICE <http://127.0.0.1:PORT/> { ?s ?p ?o } }",
        "SELECT * { ?s ?p 1.SERVICE <http://127.0.0.1:PORT/> { ?s ?p ?o } }",
        "SELECT * { ?s ?p trueSERVICE <http://127.0.0.1:PORT/> { ?s ?p ?o } }",
        "SELECT * { ?s ?p 1SERVICESILENT<http://127.0.0.1:PORT/> { ?s ?p ?o } }",
        "PREFIX e: <http://127.0.0.1:PORT/> SELECT * { SERVICEe:a { ?s ?p ?o } }",
        "PREFIX : <http://127.0.0.1:PORT/> PREFIX service: <urn:s> SELECT * { service:a # \n { ?s ?p ?o } }",
        "PREFIX e: <http://127.0.0.1:PORT/> SELECT * { FILTER(1<?b)SERVICEe:a#>\n{ ?b ?p ?o } }",
        "PREFIX e: <http://127.0.0.1:PORT/> SELECT * { FILTER('a'<'>')SERVICE e:a { ?b ?p ?o } #'\n }",
        "PREFIX e: <http://127.0.0.1:PORT/> SELECT * { FILTER(1<2#>'''\n)SERVICE e:a { ?b ?p ?o } #'''\n }",
        "PREFIX abcd: <http://127.0.0.1:PORT/> SELECT * { SERVIC\\u0045abcd:a { ?b ?p ?o } }",
        "LOAD <http://127.0.0.1:PORT/>",
    ],
)
def test_nobody_else_is_asked(served, query):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.3)
        found = served.sparql(query.replace("PORT", str(listening.getsockname()[1])))
        refused(found, 400, "query")
        with pytest.raises(TimeoutError):
            listening.accept()


@pytest.mark.parametrize(
    "query",
    [
        "SELECT ('a'@service AS ?o) {}",
        "SELECT ('a'@en-LOAD AS ?service) {}",
        "SELECT * { ?s rdf:type-service ?o . ?s rdf:a.load rdf:service }",
        "SELECT ('SERVICE <urn:x>' AS ?LOAD) {} # SERVICE <urn:x>",
    ],
)
def test_a_tag_or_name_that_looks_like_a_keyword_is_none(served, query):
    assert served.sparql(query).status_code == 200


def test_the_queue_is_bounded_and_the_rest_is_told_at_once(families_catalog):
    async def asked():
        bounds = Bounds(memory_mb=500, rows=100, result_mb=1, nesting=10)
        pool = Pool(families_catalog, bounds, name="one", workers=1, queue=2, timeout=60)
        try:
            await pool.start()
            return await asyncio.gather(*(pool.run(tasks.conformance) for _ in range(5)))
        finally:
            await pool.close()

    replies = run_apart(asked())
    assert [reply.status for reply in replies] == [200, 200, 200, 503, 503]
    assert {json.loads(reply.body)["error"] for reply in replies[3:]} == {"busy"}
    assert replies[4].headers["Retry-After"] == "1"


def test_slow_queries_on_all_workers_leave_one_to_the_others(patient):
    before = patient.metric(GAVE_WAY)
    with patient.asking(ENDLESS, times=2):
        until(lambda: queries(patient, "busy") == 2)
        for _ in range(5):
            answers_as_usual(patient)
        assert queries(patient, "busy") == 1  # the other waits until one of them is done
        assert patient.metric(GAVE_WAY) == before + 1
    until(lambda: queries(patient, "idle") == 2)


def test_more_slow_queries_than_may_wait_are_told_and_short_ones_are_answered(patient):
    told, before = patient.log.count('"status":503'), patient.metric(GAVE_WAY)
    with patient.asking(ENDLESS, times=6):
        until(lambda: patient.metric(GAVE_WAY) == before + 4, seconds=60)  # all have begun, and are known to be long
        assert patient.log.count('"status":503') == told
        for _ in range(5):
            answers_as_usual(patient)
        until(lambda: patient.log.count('"status":503') == told + 1)
    until(lambda: queries(patient, "idle") == 2)


def test_slow_queries_that_give_way_are_answered_in_the_end(patient):
    a, b, c = (NUMBERS.format(name) for name in "abc")
    slow = f"SELECT (COUNT(*) AS ?n) {{ {a} {b} {c} FILTER(?c < 15 && ?a * ?b >= 0) }}"
    before = patient.metric(GAVE_WAY)
    with ThreadPoolExecutor(4) as clients:
        # Each is another query, so that none is answered from memory.
        asked = [clients.submit(patient.sparql, slow.replace("?n)", f"?n{i})")) for i in range(4)]
        while not all(one.done() for one in asked):
            answers(patient)
        for i, one in enumerate(asked):
            (row,) = one.result().json()["results"]["bindings"]
            assert row[f"n{i}"]["value"] == "15000000"
    assert patient.metric(GAVE_WAY) > before


def test_a_slow_query_does_not_keep_others_waiting(patient):
    with patient.asking(ENDLESS):
        until(lambda: queries(patient, "busy") == 1)
        for _ in range(10):
            answers_as_usual(patient)
        assert queries(patient, "busy") == 1
    until(lambda: queries(patient, "idle") == 2)


@pytest.mark.parametrize("way", ["get", "post"])
def test_a_client_that_goes_away_takes_its_query_with_it(patient, way):
    ended = 'mlaoi_workers_ended_total{pool="queries",why="gone"}'
    before = patient.metric(ended)
    if way == "get":
        with patient.asking(ENDLESS):
            until(lambda: queries(patient, "busy") == 1)
    else:
        with pytest.raises(requests.exceptions.ReadTimeout):
            requests.post(f"{patient.url}sparql", data={"query": ENDLESS}, timeout=3)
    until(lambda: patient.metric(ended) == before + 1)
    until(lambda: queries(patient, "busy") == 0 and queries(patient, "idle") == 2)
    until(lambda: '"status":499' in patient.log)


def test_a_long_answer_goes_through_a_file_and_none_is_left(served, tmp_path_factory):
    whole = served.sparql("SELECT * { ?s ?p ?o }", "text/csv")
    assert whole.status_code == 200
    assert int(whole.headers["content-length"]) == len(whole.content) > 1 << 20
    with Catalog.open(served.process.args[4]) as catalog:
        assert whole.text.count("\r\n") - 1 >= sum(1 for _ in catalog.query("SELECT ?s ?p ?o { ?s ?p ?o }"))
    # Other servers that tests have started may be answering at the moment.
    until(lambda: not [name for name in spools() if name.endswith(".out")])


def spools():
    """Return the files of servers' spool folders."""
    return glob.glob(f"{tempfile.gettempdir()}/mlaoi-*/*")  # pathlib's raises where a folder goes meanwhile


def test_a_worker_that_is_killed_is_replaced(served):
    (worker, *_) = children(served.process.pid)
    os.kill(worker, signal.SIGKILL)
    for _ in range(8):
        assert served.sparql("ASK {}").status_code in (200, 503)
    until(lambda: worker not in children(served.process.pid))
    for _ in range(8):
        answers_as_usual(served)


def children(pid):
    """Return the worker processes of a server: children of its child that forks them."""
    return [grandchild for child in _children(pid) for grandchild in _children(child)]


def _children(pid):
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += map(int, (task / "children").read_text().split())
    return found


def test_workers_end_with_their_server(families_catalog, tmp_path):
    with serve(families_catalog, tmp_path, "--workers", 1) as server:
        workers = children(server.process.pid)
        assert workers
        with server.asking(ENDLESS):
            until(lambda: queries(server, "busy") == 1)
            server.process.kill()
            server.process.wait()
            until(lambda: not any(alive(worker) for worker in workers))


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_the_newest_finished_ingest_is_seen_within_a_second_and_the_writer_does_not_wait(write, tmp_path):
    where = tmp_path / "catalog"
    with Catalog.create(where) as catalog:
        catalog.ingest(write(one=model("one")), name="source")
    with serve(where, tmp_path / "server", "--timeout", 300) as server:
        assert models(server) == {"one"}
        with server.asking(ENDLESS), Catalog.open(where) as catalog:
            until(lambda: queries(server, "busy") == 1)
            catalog.ingest(write(two=model("two", geometry=box(1, 1, 2, 2))), name="source")
            assert queries(server, "busy") == 1  # the writer has not waited for it
            assert models(server) == {"one", "two"}  # at once: each query looks for the newest snapshot


def models(server):
    rows = server.sparql("SELECT ?id { ?m a mlaoi:Model ; dcterms:identifier ?id }").json()["results"]["bindings"]
    return {row["id"]["value"] for row in rows}


def test_every_request_has_a_line_in_the_log(tight):
    tight.sparql("ASK { 'not this' }")
    tight.sparql("ASK {} # nothing wrong")
    tight.get("no/such\x1b[31mpage?a=\x1b[0m")
    until(lambda: "no/such" in tight.log)
    lines = tight.requests()
    assert {"time", "client", "method", "path", "query", "status", "ms", "bytes", "rows", "error"} == set(lines[-1])
    assert (lines[-1]["status"], lines[-1]["path"]) == (404, "/no/such\x1b[31mpage")
    assert lines[-1]["error"] == "not-found"
    (answered,) = [line for line in lines if "nothing wrong" in line["query"]]
    assert (answered["status"], "error" in answered) == (200, False)
    assert "\x1b" not in tight.log


def test_a_string_that_takes_too_much_memory_is_told_as_memory(families_catalog, tmp_path):
    """The engine says so before some hundred stack frames, which were taken for a crash and filled the log."""
    doubled = " ".join(f"BIND(CONCAT(?a{n}, ?a{n}, ?a{n}, ?a{n}) AS ?a{n + 1})" for n in range(12))
    with serve(families_catalog, tmp_path, "--memory-mb", 300, "--workers", 1) as server:
        refused(server.sparql(f"SELECT ?a12 {{ BIND('{'x' * 1000}' AS ?a0) {doubled} }}"), 503, "memory")
        (died,) = [line["message"] for line in server.lines if " died " in line.get("message", "")]
        said = json.loads(died.partition("): ")[2])
        assert "memory allocation of" in said
        assert len(said) <= 605


def test_a_query_of_very_many_patterns_is_told_to_be_too_large(tight):
    patterns = " . ".join(f"?s{n} ?p{n} ?o{n}" for n in range(10_000))
    found = tight.sparql(f"SELECT * {{ {patterns} }} LIMIT 1").json()
    # It may as well take too long.
    assert "too large or nested too deeply" in found["reason"] or found["error"] in ("timeout", "body-size")


def test_why_is_in_the_log_and_every_line_of_it_is_json(tight):
    """A worker that is stopped is told between the requests, in a line that has a level and no status."""
    refused(tight.sparql(ENDLESS.replace("?n)", "?told)")), 503, "timeout")
    refused(tight.get("sparql", params={"query": ENDLESS.replace("?n)", "?told_too)")}), 503, "timeout")
    refused(tight.sparql("ASK { told"), 400, "query")
    refused(tight.get("api/lineage?node=told"), 404, "not-found")
    refused(tight.get("api/lineage?told=1"), 400, "parameters")
    refused(tight.get("api/lineage?node="), 422, "parameters")
    tight.get("search?q=sam&kind=told", headers={"Accept": "text/html"})
    refused(requests.delete(f"{tight.url}health?told", timeout=30), 405, "method")

    def told():
        return [
            (line["status"], line["error"])
            for line in tight.requests()
            if "told" in line["query"] or line["query"] == "node="
        ]

    until(lambda: len(told()) >= 8)
    assert told() == [
        (503, "timeout"), (503, "timeout"), (400, "query"), (404, "not-found"), (400, "parameters"), (422, "parameters"),
        (400, "parameters"), (405, "method"),
    ]  # fmt: skip
    others = [line for line in tight.lines if "status" not in line]
    assert {frozenset(line) for line in others} == {frozenset(("time", "level", "logger", "message"))}
    assert any("ended: timeout" in line["message"] for line in others)


def test_the_log_has_what_was_asked_by_post(tight):
    tight.sparql("ASK { 'by form' }\n#" + "x" * 1000)
    requests.post(
        f"{tight.url}sparql",
        data=b"ASK { 'direct \xff' }",
        headers={"Content-Type": "application/sparql-query"},
        timeout=30,
    )
    until(lambda: "direct" in tight.log)
    lines = [line["query"] for line in tight.requests()]
    (form,) = [line for line in lines if "by form" in line]
    assert (form[:19], len(form)) == ("ASK { 'by form' }\n#", 200)
    assert "ASK { 'direct \ufffd' }" in lines


def test_workers_leave_the_network_where_that_is_allowed(served):
    """util-linux's unshare says whether it is."""
    tried = [subprocess.run(["unshare", flags, "true"], capture_output=True).returncode for flags in ("-n", "-rn")]
    # One that another test has ended may not have been replaced yet.
    workers = until(lambda: len(found := children(served.process.pid)) >= 4 and found, 60)
    ours = os.readlink(f"/proc/{served.process.pid}/ns/net")
    assert {os.readlink(f"/proc/{worker}/ns/net") != ours for worker in workers} == {0 in tried}
