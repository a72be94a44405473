"""What is made beside a snapshot is made by one process behind all others: it follows, and its end is nobody's loss."""

import asyncio
import itertools
import json
import os
import shutil
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from time import monotonic

import pytest
from conftest import model
from serving import run_apart, serve, until
from starlette.datastructures import State

from mlaoi_graph.catalog import Catalog
from mlaoi_graph.items import Kept
from mlaoi_graph.server import app
from mlaoi_graph.server.pool import Pool
from mlaoi_graph.server.warm import make
from mlaoi_graph.server.worker import Bounds, Context

pytestmark = pytest.mark.enable_socket


def makers(server):
    """Return the processes of a server that make."""
    found, waiting = [], [server.process.pid]
    while waiting:
        one = waiting.pop()
        try:
            for task in Path(f"/proc/{one}/task").iterdir():
                waiting.extend(map(int, (task / "children").read_text().split()))
            if "mlaoi-making-" in os.readlink(f"/proc/{one}/fd/2"):
                found.append(one)
        except OSError:  # it has ended
            pass
    return found


def made(directory):
    """Return how many documents of nodes are kept beside the newest snapshot."""
    snapshot = json.loads((directory / "manifest.json").read_text())["snapshot"]
    path = directory / "snapshots" / f"{snapshot}.items"
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        return database.execute("SELECT count(*) FROM items").fetchone()[0]


@pytest.fixture
def directory(families_catalog, tmp_path):
    found = tmp_path / "catalog"
    shutil.copytree(families_catalog, found)
    for path in (found / "snapshots").glob("*.items*"):
        path.unlink()
    return found


def is_made(server):
    health = server.get("health").json()
    return health["status"] == "ok" and health["workers"]["answers"] == 2 and health["making"] == "done"


def matched(server, words):
    return server.get(f"stac/search?collections=models&q={words}").json().get("numberMatched")


def test_all_is_made_once_and_again_after_a_write_and_its_process_ends_with_the_server(directory, write, tmp_path):
    with serve(directory, tmp_path / "server") as server:
        until(lambda: is_made(server), 120)  # and not before it has begun
        with Catalog.open(directory) as catalog:
            nodes = catalog.counts()
        assert made(directory) >= nodes.models + nodes.families + nodes.datasets
        until(lambda: server.metric('mlaoi_workers_started_total{pool="making"') == 2)  # the second is fresh
        before = matched(server, "sam")
        assert before > 0
        with Catalog.open(directory) as catalog:
            catalog.ingest(write(one=model("one", title="SAM, another one")))
        until(lambda: matched(server, "sam") == before + 1, 120)
        until(lambda: is_made(server), 120)
        until(lambda: len(makers(server)) == 1, 60)
        (maker,) = makers(server)
        assert "error" not in server.log.lower(), server.log
    until(lambda: not Path(f"/proc/{maker}").exists())


def test_a_maker_that_is_killed_is_told_and_started_again(directory, tmp_path):
    with serve(directory, tmp_path / "server") as server:
        until(lambda: server.metric('mlaoi_workers{pool="making",state="busy"}') == 1, 60)
        (maker,) = makers(server)
        os.kill(maker, signal.SIGKILL)
        assert server.get("stac/search?collections=models&limit=1").status_code == 200
        until(lambda: server.metric('mlaoi_workers_ended_total{pool="making",why="crash"}') == 1)
        until(lambda: is_made(server) and matched(server, "sam"), 120)
        assert "what is kept beside the snapshot is not made" in server.log


def test_no_request_waits_for_it(directory, tmp_path):
    with serve(directory, tmp_path / "server", answerers=1) as server:
        until(lambda: server.metric('mlaoi_workers{pool="making",state="busy"}') == 1, 60)
        (maker,) = makers(server)
        os.kill(maker, signal.SIGSTOP)  # it stands still in the middle of its work
        try:
            assert server.get("health").json()["making"] == "running"
            begun = monotonic()
            for path in (
                "api/models?limit=5",
                "stac/search?collections=models&limit=20",
                "stac/collections?limit=5",
                "search?q=sam",
            ):
                assert server.get(path).status_code == 200
            assert monotonic() - begun < 15
        finally:
            os.kill(maker, signal.SIGCONT)


def test_what_fails_is_told_and_tried_again_after_ever_longer_pauses(families_catalog, caplog, monkeypatch):
    # json.loads stands for whatever may raise: it takes no Context.
    tried, told = [], []

    async def asked():
        bounds = Bounds(memory_mb=500, rows=100, result_mb=1, nesting=10)
        pool = Pool(families_catalog, bounds, name="making", workers=1, queue=1, timeout=60)
        run = pool.run

        async def counted(task, /, **more):
            tried.append(asyncio.get_running_loop().time())
            told.append(state.made)
            return await run(task, **more)

        state = State({"making": pool, "answers": pool, "made": ""})
        pool.run = counted
        pool.fill()
        making = asyncio.create_task(app._make(state))
        try:
            while len(tried) < 4:
                await asyncio.sleep(0.01)
                told.append(state.made)
        finally:
            making.cancel()
            await pool.close()

    monkeypatch.setattr(app, "make", json.loads)
    monkeypatch.setattr(app, "_LOOK", 0.05)
    run_apart(asked())
    first, second, third = (b - a for a, b in itertools.pairwise(tried))
    assert first < second < third
    assert {*told} - {""} == {"waiting", "running"}  # never "done"
    assert sum("is not made" in record.getMessage() for record in caplog.records) >= 3


def test_where_nothing_can_be_kept_nothing_is_made(families_catalog, tmp_path):
    class Nothing(Context):
        @property
        def beside(self):
            return Kept(None)

        def staying(self):
            return self

        def kept(self, name, make):
            raise AssertionError(name)

    assert make(Nothing(families_catalog, Bounds(500, 100, 1, 10), tmp_path)).status == 200
