"""How long a search of the STAC API takes over HTTP: pages of 100 models by stage and place.

``python benchmarks/stac_api.py CATALOG [--requests 25]`` starts a server of the catalog on a free port of this machine,
one process answering, and asks by one connection. First the JSON API, at once when it is ready. Then everything is
asked for twice, in two rounds: in the first few documents may have been made yet. Free text waits for all of them, and
is asked only where they are (``--made`` waits). Last the cost of depth: the first page, and one behind many. With
``--processor`` the same is asked of the worker's function in this process, and the time is that of the processor.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import requests

from mlaoi_graph.catalog import Catalog
from mlaoi_graph.server.stac import tasks
from mlaoi_graph.server.stac.shelves import Holdings
from mlaoi_graph.server.worker import Bounds, Context

ROLES = ("pretrained", "finetuned", "trained", "validated", "tested", "exposed", "declared")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("catalog")
    parser.add_argument("--requests", type=int, default=25)
    parser.add_argument("--depth", type=int, default=50, help="pages")
    parser.add_argument("--processor", action="store_true", help="processor time of the worker's function, no HTTP")
    parser.add_argument("--made", action="store_true", help="make all that is kept, or wait until it is, before asking")
    parser.add_argument("--write", action="store_true", help="what a write costs that adds a model: CATALOG IS CHANGED")
    given = parser.parse_args()
    if given.write:
        written(Path(given.catalog))
        return
    if given.processor:
        with Worker(given.catalog, given.made) as worker:
            measure(worker, "http://127.0.0.1/stac", given.requests, given.depth)
        return
    with Catalog.open(given.catalog) as catalog:
        models = random.Random(2).sample(list(Holdings(catalog).models.iris), 200)
    command = [sys.executable, "-m", "mlaoi_graph", "serve", given.catalog, "--port", "0"]
    server = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=os.environ | {"MLAOI_ANSWERERS": "1"}
    )
    try:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        begun = time.perf_counter()
        with requests.Session() as session:
            while not session.get(f"{url}health", timeout=60).json()["workers"]["answers"]:
                time.sleep(0.1)
            print(f"first answer after {time.perf_counter() - begun:.1f} s of warming up")
            asked = [{"model": model, "limit": "10"} for model in models]
            times = [timed(session, f"{url}api/exposure", one)[0] for one in asked]
            shown(f"{len(times)} answers of the JSON API, at once", times, f"longest {max(times):.0f} ms")
            print("processes, MB resident:", resident_mb(server.pid))

            def is_made() -> bool:
                return session.get(f"{url}health", timeout=60).json()["making"] == "done"

            while given.made and not is_made():
                time.sleep(1)
            print(f"all is made: {'yes' if is_made() else 'no'}; {time.perf_counter() - begun:.0f} s after the start")
            measure(session, f"{url}stac", given.requests, given.depth)
            print("processes, MB resident:", resident_mb(server.pid))
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(60)


class Worker(requests.Session):
    """What a worker answers, asked as if it were a session; its time is processor time."""

    def __init__(self, catalog: str, made: bool) -> None:
        super().__init__()
        self._context = Context(Path(catalog), Bounds(1024, 1_000_000, 256, 200), Path("unused"), stays=True)
        begun = time.process_time()
        tasks.warm(self._context)
        print(f"warmed up with {time.process_time() - begun:.1f} s of processor time, {memory_mb():.0f} MB")
        if made:
            begun = time.process_time()
            tasks.holdings(self._context).settle()
            tasks.holdings(self._context).prepare()
            print(f"made all in {time.process_time() - begun:.0f} s of processor time, {memory_mb():.0f} MB")

    def get(self, url: str, params: dict[str, str] | None = None, **_: object) -> requests.Response:  # type: ignore[override]
        asked = urlsplit(requests.Request("GET", url, params=params).prepare().url or "").query
        begun = time.process_time()
        reply = tasks.search(self._context, site="http://127.0.0.1/", parameters=asked.encode(), is_body=False)
        response = requests.Response()
        response.elapsed = timedelta(seconds=time.process_time() - begun)
        response.status_code, response._content = reply.status, reply.body
        return response

    def close(self) -> None:
        print(f"{memory_mb():.0f} MB at most")


def written(directory: Path) -> None:
    """Make all items, add a model that was made from one there and trained on data there, and make all again."""
    with Catalog.open(directory) as catalog:
        newer, older = (np.asarray(side) for side in (catalog.lineage.edges.subject, catalog.lineage.edges.object))
        at = len(newer) // 2
        ends = [catalog.lineage.edges.iris[int(side[at])] for side in (newer, older)]
    made_again(directory, "before")
    links = [{"rel": "derived_from", "href": iri, "lineage:iri": iri} for iri in ends]
    model = {
        "type": "Feature", "stac_version": "1.1.0", "id": "one-more", "geometry": None, "links": links,
        "assets": {},
        "stac_extensions": ["https://stac-extensions.github.io/mlm/v1.5.0/schema.json"],
        "properties": {"datetime": "2025-01-01T00:00:00Z", "mlm:name": "x", "mlm:architecture": str(time.time())},
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder, Catalog.open(directory) as catalog:
        Path(folder, "one-more.json").write_text(json.dumps(model))
        begun = time.process_time()
        catalog.ingest(folder, name="one-more")
        print(f"written in {time.process_time() - begun:.1f} s of processor time")
    made_again(directory, "after")


def made_again(directory: Path, when: str) -> None:
    with Catalog.open(directory) as catalog:
        begun = time.process_time()
        holdings = Holdings(catalog)
        opened = time.process_time() - begun
        begun = time.process_time()
        holdings.settle()
        settled = time.process_time() - begun
        keys = [holdings.models.key(place) for place in range(len(holdings.models.iris))]
        missing = len(holdings.kept.missing("items", keys))
        begun = time.process_time()
        for begin in range(0, len(keys), 64):
            holdings.documents(holdings.models, range(begin, min(begin + 64, len(keys))))
        took = time.process_time() - begun
        size = catalog.items_file[0].stat().st_size / 1e6 if catalog.items_file else 0
    print(f"{when}: opened in {opened:.1f} s, settled in {settled:.1f} s of processor time, {size:.0f} MB")
    print(f"  {missing} of {len(keys)} models made in {took:.1f} s")


def memory_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def resident_mb(pid: int) -> dict[str, list[int]]:
    """Return the resident memory of a server's processes, by what they do."""
    found: dict[str, list[int]] = {}
    waiting = [pid]
    while waiting:
        one = waiting.pop()
        for task in Path(f"/proc/{one}/task").iterdir():
            waiting.extend(map(int, (task / "children").read_text().split()))
        told = os.readlink(f"/proc/{one}/fd/2").partition("/mlaoi-")[2].partition("-")[0] or "server"
        status = Path(f"/proc/{one}/status").read_text()
        size = next((line for line in status.splitlines() if line.startswith("VmRSS")), "VmRSS: 0 kB")
        found.setdefault(told, []).append(int(size.split()[1]) // 1000)
    return found


def measure(session: requests.Session, url: str, count: int, depth: int) -> None:
    search = f"{url}/search"
    data = sample(session, search)
    words = spoken(session, search)

    def box() -> str:
        west, south = random.uniform(-120, 120), random.uniform(-40, 55)
        return f"{west},{south},{west + 10},{south + 10}"

    def triangle() -> str:
        west, south = random.uniform(-120, 120), random.uniform(-40, 55)
        ring = [[west, south], [west + 12, south], [west + 6, south + 12], [west, south]]
        return json.dumps({"type": "Polygon", "coordinates": [ring]})

    def year() -> str:
        first = random.randint(2016, 2023)
        return f"{first}-01-01T00:00:00Z/{first + 1}-01-01T00:00:00Z"

    def filtered(name: str) -> Callable[[], dict[str, str]]:
        return lambda: {"filter": f"a_contains(\"{name}\", ('{random.choice(data[name])}'))"}

    def in_boxes(role: str) -> dict[str, str]:
        return {"collections": f"models-{role}", "bbox": box()}

    models = {"collections": "models"}
    no_tasks = {"filter": "NOT a_contains(\"mlm:tasks\", ('segmentation'))"}
    asked: dict[str, Callable[[], dict[str, str]]] = {
        "everything, in boxes": lambda: {"bbox": box()},
        "everything, by year": lambda: {"datetime": year()},
        **{f"models-{role}, in boxes": partial(in_boxes, role) for role in ROLES},
        "models-tested, triangles": lambda: {"collections": "models-tested", "intersects": triangle()},
        "models-tested, by year": lambda: {"collections": "models-tested", "datetime": year()},
        "models-exposed, by year": lambda: {"collections": "models-exposed", "datetime": year()},
        **{f"filter {name}": filtered(name) for name in data},
        "filter, one or the other": lambda: {"filter": " OR ".join(filtered(n)()["filter"] for n in list(data)[:2])},
        "filter, NOT": lambda: models | no_tasks,
        "models, filtered and sorted": lambda: filtered("lineage:tested_on")() | {"sortby": "title"} | models,
        "models, sorted by title": lambda: models | {"sortby": random.choice(("title", "-title"))},
        "models, newest data first": lambda: {"collections": "models-tested", "sortby": "-datetime"},
        "models-tested, three fields": lambda: in_boxes("tested") | {"fields": "id,geometry,bbox"},
        **({"free text": lambda: models | {"q": random.choice(words)}} if hears(session, search, words) else {}),
    }  # fmt: skip
    for name, ask in asked.items():
        for round_ in ("first", "again"):
            random.seed(2)
            times, items, size = [], 0, 0
            for _ in range(count):
                milliseconds, found = timed(session, search, {**ask(), "limit": "100"})
                times.append(milliseconds)
                items += found.json().get("numberReturned", 0)
                size += len(found.content)
            shown(f"{name}, {round_}", times, f"{items / count:.0f} items, {size / count / 1e3:.0f} kB a page")
    for collections in ("models", "models-exposed"):
        following, at = f"{search}?collections={collections}&limit=100", 1
        for page in (1, depth):
            while at < page:
                links = session.get(following, timeout=60).json()["links"]
                following, at = next((e["href"] for e in links if e["rel"] == "next"), following), at + 1
            session.get(following, timeout=60)
            shown(f"{collections}, page {page}", [timed(session, following, {})[0] for _ in range(count)], "")


def spoken(session: requests.Session, search: str) -> list[str]:
    """Return words that ids of models begin with."""
    items = session.get(search, params={"collections": "models", "limit": "200"}, timeout=60).json()["features"]
    return sorted({re.findall(r"[^\W_]+", item["id"])[0] for item in items})


def hears(session: requests.Session, search: str, words: list[str]) -> bool:
    """Return whether free text opens no document: then it is known how much is found."""
    asked = {"collections": "models", "limit": "1", "q": words[0]}
    return "numberMatched" in session.get(search, params=asked, timeout=60).json()


def sample(session: requests.Session, search: str) -> dict[str, list[str]]:
    """Return values of searchable fields that some models have."""
    names = ("lineage:tested_on", "lineage:trained_on", "lineage:exposed_to", "lineage:derived_from", "mlm:tasks")
    found: dict[str, set[str]] = {name: set() for name in names}
    items = session.get(search, params={"collections": "models", "limit": "200"}, timeout=60).json()["features"]
    for item in items:
        for name in names:
            found[name].update(item["properties"].get(name, ()))
    return {name: sorted(values) for name, values in found.items() if values}


def timed(session: requests.Session, url: str, asked: dict[str, str]) -> tuple[float, requests.Response]:
    begun = time.perf_counter()
    found = session.get(url, params=asked, timeout=60)
    milliseconds = (time.perf_counter() - begun) * 1e3
    if found.status_code not in (200, 503):  # 503: past the limit of time
        sys.exit(f"{found.status_code} after {milliseconds:.0f} ms: {found.text}")
    return found.elapsed.total_seconds() * 1e3 if isinstance(session, Worker) else milliseconds, found


def shown(name: str, times: list[float], more: str) -> None:
    times = sorted(times)
    print(f"{name:36} median {statistics.median(times):6.0f} ms  p95 {times[int(len(times) * 0.95)]:6.0f} ms  {more}")


if __name__ == "__main__":
    main()
