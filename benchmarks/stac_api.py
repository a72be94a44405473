"""How long a search of the STAC API takes over HTTP: pages of 100 models by stage and place.

``python benchmarks/stac_api.py CATALOG [--requests 25]`` starts a server of the catalog on a free port of this machine,
one process answering, and asks by one connection. Every area is asked for twice, in two rounds: in the first no
document has been made yet. Last the cost of depth: the first page of everything, and one behind many.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import statistics
import subprocess
import sys
import time

import requests

STAGES = ("models-tested", "models-trained", "models-exposed", "models-declared")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("catalog")
    parser.add_argument("--requests", type=int, default=25)
    parser.add_argument("--depth", type=int, default=50, help="pages")
    given = parser.parse_args()
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
            measure(session, f"{url}stac", given.requests, given.depth)
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(60)


def measure(session: requests.Session, url: str, count: int, depth: int) -> None:
    for stage in STAGES:
        for round_ in ("first", "again"):
            random.seed(2)
            times, items, size = [], 0, 0
            for _ in range(count):
                west, south = random.uniform(-120, 120), random.uniform(-40, 55)
                asked = {"collections": stage, "bbox": f"{west},{south},{west + 10},{south + 10}", "limit": "100"}
                milliseconds, found = timed(session, f"{url}/search", asked)
                times.append(milliseconds)
                items += found.json()["numberReturned"]
                size += len(found.content)
            shown(f"{stage}, {round_}", times, f"{items / count:.0f} items, {size / count / 1e3:.0f} kB a page")
    for name, limit in (("page 1", "100"), (f"page {depth}", "100")):
        following, times = f"{url}/search?limit={limit}", []
        if name != "page 1":
            for _ in range(depth - 1):
                page = session.get(following, timeout=60).json()
                following = next((e["href"] for e in page["links"] if e["rel"] == "next"), following)
        session.get(following, timeout=60)
        for _ in range(count):
            times.append(timed(session, following, {})[0])
        shown(f"everything, {name}, again", times, "")


def timed(session: requests.Session, url: str, asked: dict[str, str]) -> tuple[float, requests.Response]:
    begun = time.perf_counter()
    found = session.get(url, params=asked, timeout=60)
    milliseconds = (time.perf_counter() - begun) * 1e3
    if not found.ok:
        sys.exit(f"{found.status_code} after {milliseconds:.0f} ms: {found.text}")
    return milliseconds, found


def shown(name: str, times: list[float], more: str) -> None:
    times = sorted(times)
    print(f"{name:28} median {statistics.median(times):6.0f} ms  p95 {times[int(len(times) * 0.95)]:6.0f} ms  {more}")


if __name__ == "__main__":
    main()
