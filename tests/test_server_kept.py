"""Answers that are given again from memory: the same as the first time, of the newest state, and never of what varies."""

import json
import os
import tracemalloc

import pyoxigraph as ox
import pytest
from conftest import model
from hypothesis import given, settings
from hypothesis import strategies as st
from serving import serve

from mlaoi_graph.catalog import Catalog
from mlaoi_graph.server.kept import Kept
from mlaoi_graph.server.reply import Reply
from mlaoi_graph.server.rows import RowCounter, rows_of
from mlaoi_graph.server.sparql import Question

LOOPBACK = pytest.mark.allow_hosts(["127.0.0.1"])
LABELS = "SELECT ?l { ?m a mlaoi:Model ; dcterms:identifier ?l } ORDER BY ?l"


def kept(server):
    return server.metric("mlaoi_answers_kept_total")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    where = tmp_path_factory.mktemp("kept")
    Catalog.create(where / "catalog").close()
    with serve(where / "catalog", where / "server", "--workers", 1, "--rows", 10, answerers=1) as server:
        server.directory = where / "catalog"
        yield server


@LOOPBACK
def test_an_answer_is_given_again_and_each_by_itself(server):
    before = kept(server)
    ask = "SELECT ?x { VALUES ?x { 1 2 } } ORDER BY ?x"
    first, again = server.sparql(ask), server.sparql(ask)
    assert kept(server) == before + 1
    assert (first.content, dict(first.headers).keys()) == (again.content, dict(again.headers).keys())
    got = server.get("sparql", params={"query": ask}, headers={"Accept": "application/sparql-results+json"})
    assert (got.content, kept(server)) == (first.content, before + 2)
    # Another format, another scope, another query: another answer.
    assert server.sparql(ask, "text/csv").text.split() == ["x", "1", "2"]
    server.sparql(ask, reasoning="off")
    server.sparql(ask.replace("2", "3"))
    assert kept(server) == before + 2
    last = [json.loads(line) for line in server.log.splitlines() if '"rows":2' in line][-1]
    assert (last["status"], last["rows"]) == (200, 2)


@LOOPBACK
@pytest.mark.parametrize("value", ["RAND()", "NOW()", "UUID()", "STRUUID()", "rand ( )", "STR(NOW())", "BNODE()"])
def test_what_varies_is_never_kept(server, value):
    before = kept(server)
    answers = {server.sparql(f"SELECT ({value} AS ?x) {{}}").content for _ in range(3)}
    assert len(answers) == 3
    assert kept(server) == before


@LOOPBACK
def test_what_is_past_a_limit_or_wrong_stays_so(server):
    before = kept(server)
    for _ in range(2):
        assert server.sparql(f"SELECT * {{ VALUES ?x {{ {' '.join(map(str, range(11)))} }} }}").status_code == 413
        assert server.sparql("SELECT * {").status_code == 400
        assert server.sparql("ASK {}", "image/png").status_code == 406
    assert kept(server) == before


@LOOPBACK
def test_a_newer_state_is_answered_from_at_once(server, write):
    assert server.sparql(LABELS, "text/csv").text.split() == ["l"]
    for number in (1, 2):
        with Catalog.open(server.directory) as catalog:
            catalog.ingest(write(**{f"m{number}": model(f"m{number}")}), name="source")
        for _ in range(2):
            assert server.sparql(LABELS, "text/csv").text.split() == ["l", "m1", "m2"][: number + 1]


@pytest.fixture
def manifest(tmp_path):
    path = tmp_path / "manifest.json"
    path.write_text("{}")
    return path


def reply(manifest, size):
    stat = os.stat(manifest)
    return Reply(200, "text/csv", b"x" * size, state=(stat.st_mtime_ns, stat.st_ino))


def test_room_is_bounded_and_what_was_asked_last_stays(manifest):
    memory = Kept(manifest.parent, 100_000)
    for number in range(100):
        assert memory.find(number) is None
        memory.keep(number, 10, reply(manifest, 4000))
        assert memory.find(0) is not None
        assert memory.size <= 100_000
    assert [n for n in range(100) if memory.find(n) is not None] == [0, *range(82, 100)]
    memory.find("large")
    memory.keep("large", 10, reply(manifest, 50_000))
    assert memory.find("large") is None


@pytest.mark.parametrize("name", ["default-graph-uri", "named-graph-uri", "query", "base", "accept"])
def test_all_of_a_question_takes_room(manifest, name):
    """What a client may make long is counted, in bytes as Python holds it."""

    def asked(number):
        long = "\U0001f30d" + "a" * 5_000 + str(number)  # one wide character makes all of them wide
        given = {"query": [b"ASK {}"]} | ({} if name in ("base", "accept") else {name: [long.encode()]})
        site = f"http://x/{long}/" if name == "base" else "http://x/"
        return Question.of(given, long if name == "accept" else "", site)

    memory = Kept(manifest.parent, 1_000_000)
    tracemalloc.start()
    try:
        for number in range(300):
            question = asked(number)
            assert memory.find(question) is None
            memory.keep(question, question.size, reply(manifest, 10))
        taken = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert memory.find(asked(299)) is not None
    assert memory.size <= 1_000_000
    assert taken < 1_200_000


def test_of_another_state_nothing_is_kept_and_nothing_found(manifest):
    memory = Kept(manifest.parent, 100_000)
    memory.find("a")
    memory.keep("a", 1, reply(manifest, 1))
    old = reply(manifest, 1)
    os.utime(manifest, ns=(1, 1))
    assert memory.find("a") is None
    memory.keep("a", 1, old)
    assert (memory.find("a"), memory.size) == (None, 0)
    memory.keep("b", 1, Reply(200, "text/csv", b""))
    assert memory.find("b") is None
    assert Kept(manifest.parent, 0).find("a") is None


TEXT = st.text(alphabet=st.sampled_from('},{"\\[]x: \n\r\t<>&é\u202e,'), max_size=12)
CELL = st.none() | st.integers(-2, 2).map(ox.Literal) | TEXT.map(ox.Literal)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(CELL, CELL), max_size=6), st.integers(1, 50))
def test_rows_are_counted_as_the_engine_wrote_them(rows, cut):
    values = " ".join("(" + " ".join("UNDEF" if cell is None else str(cell) for cell in row) + ")" for row in rows)
    found = ox.Store().query(f"SELECT ?a ?b {{ VALUES (?a ?b) {{ {values} }} }}")
    formats = ox.QueryResultsFormat
    written = {"json": formats.JSON, "xml": formats.XML, "tsv": formats.TSV}
    solutions = list(found)
    assert len(solutions) == len(rows)
    for name, format in written.items():
        whole = ox.Store().query(f"SELECT ?a ?b {{ VALUES (?a ?b) {{ {values} }} }}").serialize(format=format)
        assert rows_of(whole, name) == len(rows), (name, whole)
        counter = RowCounter(name)
        for start in range(0, len(whole), cut):
            counter.feed(whole[start : start + cut])
        assert counter.rows == len(rows), (name, whole)
