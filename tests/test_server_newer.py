"""A newer state of the catalog takes the place of the one before for everybody at once, and that one goes."""

import asyncio
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import sleep

import pytest
from conftest import model
from serving import run_apart, serve, until

from mlaoi_graph.catalog import Catalog
from mlaoi_graph.server.api.tasks import Part, nodes
from mlaoi_graph.server.pages import render
from mlaoi_graph.server.pool import Pool
from mlaoi_graph.server.reply import Reply
from mlaoi_graph.server.warm import warm
from mlaoi_graph.server.worker import Bounds

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

WRITES = 8


@pytest.fixture
def directory(write, tmp_path):
    where = tmp_path / "catalog"
    with Catalog.create(where) as catalog:
        catalog.ingest(write(one=model("one"), two=model("two")), name="source")
    return where


def read(server):
    """Return what a client is told, one answer after the other: states, and the status of the page after a page."""
    page = server.get("api/models?limit=1").json()
    following = server.get("api/models", params={"limit": 1, "cursor": page["next"]})
    then = server.get("api/models?limit=1").json()
    matched = server.get("stac/search?collections=models&limit=1").json()["numberMatched"]
    return (page["snapshot"], page["total"]), following.status_code, (then["snapshot"], then["total"]), matched


def test_no_answer_is_older_than_one_before_it(directory, write, tmp_path):
    def writes():
        for number in range(WRITES):
            with Catalog.open(directory) as catalog:
                catalog.ingest(write(**{f"more{number}": model(f"more{number}")}), name="source")
            sleep(0.5)

    def reads(server, writing):
        answers = [read(server)]
        until(lambda: answers.append(read(server)) or (writing.done() and answers[-1][0][1] == WRITES + 2), 120)
        return answers

    with serve(directory, tmp_path / "server", answerers=3) as server, ThreadPoolExecutor(9) as beside:
        until(lambda: server.get("health").json()["workers"]["answers"] == 3, 60)
        writing = beside.submit(writes)
        clients = [beside.submit(reads, server, writing) for _ in range(8)]
        writing.result()
        told = [client.result() for client in clients]
    for answers in told:
        states = [state for first, _, second, _ in answers for state in (first, second)]
        assert states == sorted(states)
        assert len(set(states)) > 2, "nothing was seen in between"
        matched = [found for *_, found in answers]
        assert matched == sorted(matched)
        for (snapshot, _), following, (then, _), _ in answers:
            # A cursor is refused once its state is gone for everybody, and only then.
            assert following == 200 or (following == 410 and snapshot < then)


def test_a_worker_in_the_place_of_one_that_died_is_of_the_same_state(directory, write):
    async def asked():
        bounds = Bounds(memory_mb=500, rows=100, result_mb=1, nesting=10)
        pool = Pool(directory, bounds, name="answers", workers=2, queue=9, timeout=60, warm=warm)

        async def snapshots():
            """Return what both are of; one waits for the other."""
            while pool.alive < 2:
                await asyncio.sleep(0.01)
            replies = await asyncio.gather(*(pool.run(nodes, kind="models", part=Part(1)) for _ in range(2)))
            return [json.loads(reply.body).get("snapshot") for reply in replies]

        try:
            await pool.start()
            before = await snapshots()
            with Catalog.open(directory) as catalog:
                catalog.ingest(write(three=model("three")), name="source")
            await pool.run(ends)
            after = await snapshots()
            await pool.refresh()
            return before, after, await snapshots(), pool.figures.started
        finally:
            await pool.close()

    assert run_apart(asked()) == ([1, 1], [1, 1], [2, 2], 5)


def test_a_worker_has_no_template_left_to_compile(directory):
    async def asked():
        pool = Pool(directory, Bounds(500, 100, 1, 10), name="answers", workers=1, queue=9, timeout=60)
        try:
            await pool.start()
            return await pool.run(compiled)
        finally:
            await pool.close()

    there = [path.name for path in (Path(render.__file__).parent / "templates").iterdir()]
    assert json.loads(run_apart(asked()).body) == sorted(there) != []


def compiled(context):
    found = sorted(name for _, name in render._environment().cache)
    return Reply(200, "application/json", json.dumps(found).encode())


def ends(context):
    os._exit(3)


def test_a_snapshot_that_nobody_asks_about_any_more_goes(directory, write, tmp_path):
    with serve(directory, tmp_path / "server") as server:
        until(lambda: server.get("health").json()["workers"] == {"queries": 4, "answers": 2}, 60)
        for _ in range(8):
            assert server.sparql("ASK {}").status_code == 200
        with Catalog.open(directory) as catalog:
            catalog.ingest(write(three=model("three")), name="source")
            newest = catalog.snapshot
        until(lambda: opened(server.process.pid, directory) == {newest}, 30)
        with Catalog.open(directory) as catalog:  # a writer removes what nobody reads
            catalog.ingest(write(four=model("four")), name="source")
        assert {int(place.name) for place in (directory / "snapshots").iterdir() if place.is_dir()} == {
            newest,
            newest + 1,
        }


def test_a_catalog_that_is_away_for_a_while_is_told_once_and_answered_from_again(directory, write, tmp_path):
    def asked(server):
        return server.sparql("SELECT ?m { ?m a mlaoi:Model }")

    manifest, away = directory / "manifest.json", tmp_path / "away.json"
    with serve(directory, tmp_path / "server") as server:
        until(lambda: server.get("health").json()["workers"] == {"queries": 4, "answers": 2}, 60)
        for broken in (None, "{"):
            manifest.rename(away)
            if broken is not None:
                manifest.write_text(broken)
            sleep(2)  # all have looked, and some more than once
            found = asked(server)
            assert (found.status_code, found.json()["error"]) == (500, "catalog")
            assert str(directory) not in found.text
            health = server.get("health")
            assert (health.status_code, health.json()) == (503, found.json())
            assert server.get("api/models?limit=1").json()["total"] == 2  # as it was
            away.rename(manifest)
            until(lambda: asked(server).status_code == 200)
            until(lambda: server.get("health").status_code == 200)
            for _ in range(8):
                assert len(asked(server).json()["results"]["bindings"]) == 2
        said = [line for line in server.log.splitlines() if "is not followed" in line]
        assert len(said) == 2
        why = [line for line in server.log.splitlines() if "made a mistake" in line]
        assert "no catalog here. Make one" in why[0]
        assert "manifest.json cannot be read" in why[-1]
        assert "Traceback" not in server.log
        with Catalog.open(directory) as catalog:
            catalog.ingest(write(three=model("three")), name="source")
        until(lambda: server.get("api/models?limit=1").json()["total"] == 3, 30)


def opened(pid, directory):
    """Return the numbers of the snapshots that a server and its processes have files of open."""
    found, waiting = set(), [pid]
    while waiting:
        one = waiting.pop()
        try:
            for task in Path(f"/proc/{one}/task").iterdir():
                waiting.extend(map(int, (task / "children").read_text().split()))
            for descriptor in Path(f"/proc/{one}/fd").iterdir():
                place = Path(os.readlink(descriptor))
                if (directory / "snapshots") in place.parents:
                    found.add(int(place.relative_to(directory / "snapshots").parts[0].partition(".")[0]))
        except OSError:  # it has ended
            pass
    return found
