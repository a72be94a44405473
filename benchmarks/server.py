"""Load the server, and `oxigraph serve-read-only` beside it on the same files, with the same queries.

    python benchmarks/server.py CATALOG
    python benchmarks/server.py CATALOG --seconds 10 --json figures.json

What is measured, and how, is told in benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from urllib.parse import quote, urlencode

from mlaoi_graph.catalog import Catalog
from mlaoi_graph.results import Solutions

PREFIXES = """PREFIX mlaoi: <https://w3id.org/mlaoi#> PREFIX geo: <http://www.opengis.net/ont/geosparql#>
PREFIX geof: <http://www.opengis.net/def/function/geosparql/> """
LINEAGE = (
    "SELECT ?ancestor { <MODEL> mlaoi:finetunedFrom+ ?ancestor }",
    "SELECT ?data { <MODEL> mlaoi:finetunedFrom*/mlaoi:pretrainedOn ?data }",
    "SELECT ?data { <MODEL> mlaoi:exposedTo ?data }",
    "SELECT ?model ?stage { ?use mlaoi:ofDataset <DATASET> ; mlaoi:ofModel ?model ; mlaoi:stage ?stage } LIMIT 100",
)
AREAS = (
    "SELECT ?area { <DATASET> mlaoi:footprint ?area . ?area geo:hasDefaultGeometry/geo:asWKT ?where "
    'FILTER(geof:sfIntersects(?where, "POLYGON((WSEN))"^^geo:wktLiteral)) } LIMIT 100',
)
SLOW = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"
API = ("api/lineage?node=MODEL", "api/exposure?model=MODEL", "api/impact?node=DATASET")
_AGAIN = 500
"""Queries that are asked again and again, to see what it is worth that answers are kept."""
JSON = "Accept: application/sparql-results+json"


# -- what is asked ---------------------------------------------------------------------------------------------


def requests_of(catalog: Path, number: int) -> tuple[list[str], list[str]]:
    """Return paths that ask both servers by SPARQL, and paths that ask the JSON API, in a fixed random order."""
    random = Random(7)
    with Catalog.open(catalog) as opened:
        models = _column(opened, "SELECT ?x { ?x mlaoi:finetunedFrom ?y ; mlaoi:resolved true } LIMIT 20000")
        datasets = _column(opened, "SELECT DISTINCT ?x { ?x mlaoi:footprint ?y } LIMIT 2000")
    random.shuffle(models)
    random.shuffle(datasets)

    def filled(text: str, n: int) -> str:
        west, south = random.uniform(-180, 160), random.uniform(-80, 60)
        e, top = west + 20, south + 20
        ring = ", ".join(
            f"{x:.3f} {y:.3f}" for x, y in [(west, south), (e, south), (e, top), (west, top), (west, south)]
        )
        text = text.replace("MODEL", models[n % len(models)]).replace("DATASET", datasets[n % len(datasets)])
        return text.replace("WSEN", ring)

    mixed = [*LINEAGE * 2, *AREAS]
    by_sparql = [
        "{endpoint}?" + urlencode({"query": PREFIXES + filled(mixed[n % len(mixed)], n)}) for n in range(number)
    ]
    by_api = [
        "/" + filled(path.replace("MODEL", "{}").replace("DATASET", "{}"), n).format(
            quote(datasets[n % len(datasets)] if "impact" in path else models[n % len(models)], safe="")
        )
        for n in range(number)
        for path in [API[n % len(API)]]
    ]  # fmt: skip
    random.shuffle(by_sparql)
    return by_sparql, by_api


def _column(catalog: Catalog, query: str) -> list[str]:
    found = catalog.query(query)
    assert isinstance(found, Solutions)
    return sorted(str(row["x"]) for row in found)


# -- who asks --------------------------------------------------------------------------------------------------


async def _client(port: int, paths: list[str], start: int, until: float, took: list[float], wrong: list[str]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    at = start
    while time.perf_counter() < until:
        path = paths[at % len(paths)]
        at += 37
        begun = time.perf_counter()
        writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{JSON}, application/json\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        lower = head.lower()
        if b"content-length:" in lower:
            body = await reader.readexactly(int(lower.split(b"content-length:")[1].split(b"\r\n")[0]))
        else:
            body = b""
            while size := int(await reader.readline(), 16):
                body += (await reader.readexactly(size + 2))[:-2]
            await reader.readline()
        took.append(time.perf_counter() - begun)
        if not head.startswith(b"HTTP/1.1 200") or not body.endswith(b"}"):
            wrong.append((head[:40] + body[:200]).decode("latin-1"))
    writer.close()


def _load(port: int, paths: list[str], clients: int, seconds: float, back: Connection) -> None:
    took: list[float] = []
    wrong: list[str] = []

    async def run() -> None:
        until = time.perf_counter() + seconds
        await asyncio.gather(*(_client(port, paths, n * 101, until, took, wrong) for n in range(clients)))

    asyncio.run(run())
    back.send((took, wrong))


class WrongAnswers(Exception):
    """Some of what a server answered was not right; says what."""


def load(port: int, paths: list[str], clients: int, seconds: float, server: int = 0) -> dict[str, float]:
    """Ask for so many seconds with so many clients at a time, from another process; return the figures.

    Raises WrongAnswers if not all of it is answered rightly.

    With the server's process id, CPU time a request too, of all its processes: it depends least on what else runs.
    """
    before = _cpu(server)
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_load, args=(port, paths, clients, seconds, theirs))
    process.start()
    theirs.close()
    try:
        took, wrong = ours.recv()
    except EOFError:
        raise WrongAnswers("a connection broke, see above") from None
    finally:
        process.join()
    if wrong or len(took) < 2:
        raise WrongAnswers(f"{len(wrong)} of {len(took)} answers were not right, the first: {(wrong or ['none'])[0]}")
    cuts = statistics.quantiles(took, n=100)
    return {
        "requests_s": len(took) / seconds,
        "p50_ms": cuts[49] * 1000,
        "p95_ms": cuts[94] * 1000,
        "p99_ms": cuts[98] * 1000,
        **({"cpu_ms": (_cpu(server) - before) / len(took) * 1000} if server else {}),
    }


def _cpu(pid: int) -> float:
    """Return the CPU seconds a process and those below it have used."""
    if not pid:
        return 0.0
    try:
        used = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        tasks = [(task / "children").read_text().split() for task in Path(f"/proc/{pid}/task").iterdir()]
    except FileNotFoundError:  # it has ended, and its time is its parent's
        return 0.0
    return (int(used[11]) + int(used[12])) / os.sysconf("SC_CLK_TCK") + sum(
        _cpu(int(p)) for task in tasks for p in task
    )


# -- who answers -----------------------------------------------------------------------------------------------


@contextmanager
def ours(catalog: Path, *flags: str, cache_mb: int = 0) -> Iterator[tuple[int, float, int]]:
    """Run our server; yield its port, the seconds from the command to its first answer, its process."""
    command = [sys.executable, "-m", "mlaoi_graph", "serve", str(catalog), "--port", "0", *flags]
    begun = time.perf_counter()
    environment = os.environ | {"MLAOI_CACHE_MB": str(cache_mb)}  # the engine is measured, and not the memory before it
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment)
    assert process.stdout is not None
    try:
        url = process.stdout.readline().strip()
        with urllib.request.urlopen(f"{url}sparql?query=ASK%7B%3Fs%20%3Fp%20%3Fo%7D") as answer:
            answer.read()
        yield int(url.rstrip("/").rpartition(":")[2]), time.perf_counter() - begun, process.pid
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


@contextmanager
def oxigraph(catalog: Path) -> Iterator[tuple[int, float, int]]:
    """Run Oxigraph's server on a copy (hard links) of the files ours reads."""
    snapshot = max((p for p in (catalog / "snapshots").iterdir() if p.is_dir()), key=lambda p: int(p.name))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    program = shutil.which("oxigraph") or str(Path(sys.executable).with_name("oxigraph"))
    command = [program, "serve-read-only", "--location", str(snapshot), "--bind", f"127.0.0.1:{port}"]
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/query?query=ASK%7B%3Fs%20%3Fp%20%3Fo%7D").read()
                break
            except OSError:
                time.sleep(0.01)
        yield port, time.perf_counter() - begun, process.pid
    finally:
        process.terminate()
        process.wait()


def _wait_for_api(port: int) -> float:
    """Wait until every process that answers the JSON API has the lineage; return the seconds."""
    begun = time.perf_counter()
    while True:
        with contextlib.suppress(OSError):
            found = json.load(urllib.request.urlopen(f"http://127.0.0.1:{port}/health"))
            if found["workers"]["answers"] >= 2:
                return time.perf_counter() - begun
        time.sleep(0.2)


@contextmanager
def _sparql_only(pid: int) -> Iterator[None]:
    """Stop what makes documents behind all others, once for each state of a catalog."""
    children = [int(p) for task in Path(f"/proc/{pid}/task").iterdir() for p in (task / "children").read_text().split()]
    below = [
        int(p)
        for child in children
        for task in Path(f"/proc/{child}/task").iterdir()
        for p in (task / "children").read_text().split()
    ]
    still = [p for p in below if "mlaoi-making-" in os.readlink(f"/proc/{p}/fd/2")]
    for p in still:
        os.kill(p, signal.SIGSTOP)
    try:
        yield
    finally:
        for p in still:
            os.kill(p, signal.SIGCONT)


def same_answers(catalog: Path, paths: list[str]) -> int:
    """Return how many of the queries both servers were asked gave the same rows; stop at one that did not."""

    def rows(port: int, path: str) -> list[str]:
        request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Accept": JSON.partition(": ")[2]})
        found = json.load(urllib.request.urlopen(request))
        return sorted(json.dumps(row, sort_keys=True) for row in found["results"]["bindings"])

    checked = paths[:60]
    with ours(catalog) as (a, *_), oxigraph(catalog) as (b, *_):
        for path in checked:
            one, other = rows(a, path.format(endpoint="/sparql")), rows(b, path.format(endpoint="/query"))
            # LIMIT without an order leaves open which rows.
            if len(one) != len(other) or (len(one) < 100 and one != other):
                raise SystemExit(f"the servers disagree on {path}")
    return len(checked)


def _in_turn(
    figures: dict[str, dict[str, float]],
    name: str,
    paths: list[str],
    clients: int,
    seconds: float,
    servers: dict[str, tuple[int, int]],
    slow: bool = False,
) -> None:
    """Load one server after the other: what else runs is much the same for both."""
    for who, (port, pid) in servers.items():
        endpoint = "/sparql" if who == "ours" else "/query"
        asked = [path.replace("{endpoint}", endpoint) for path in paths]
        with contextlib.ExitStack() as beside:
            if slow:
                asking = subprocess.Popen(
                    [sys.executable, "-c", _ASK_SLOWLY, f"http://127.0.0.1:{port}{endpoint}", SLOW],
                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                )  # fmt: skip
                beside.callback(asking.wait)
                beside.callback(asking.kill)
                time.sleep(1)
            _row(figures, f"{who}, {name}", port, asked, clients, seconds, pid)


def _row(
    figures: dict[str, dict[str, float]], name: str, port: int, paths: list[str], clients: int, seconds: float, pid: int
) -> None:
    """Load a server and print the figures; what was not answered has none, and the others keep theirs."""
    try:
        figures[name] = load(port, paths, clients, seconds, pid)
    except WrongAnswers as error:
        figures.pop(name, None)
        print(f"{name:42} FAILED: {error}", flush=True)
        return
    print(f"{name:42}", "  ".join(f"{k} {v:9.1f}" for k, v in figures[name].items()), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("catalog", type=Path)
    parser.add_argument("--seconds", type=float, default=8.0, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    by_sparql, by_api = requests_of(arguments.catalog, 20_000)
    figures: dict[str, object] = {"same_answers": same_answers(arguments.catalog, by_sparql)}
    print(f"{figures['same_answers']} queries: both servers give the same rows", flush=True)

    rounds: list[dict[str, dict[str, float]]] = []
    starts: list[float] = []
    loaded: list[float] = []
    for _ in range(arguments.rounds):
        one: dict[str, dict[str, float]] = {}

        with (
            ours(arguments.catalog) as (port, start, pid),
            ours(arguments.catalog, cache_mb=64) as (kept_port, _, kept_pid),
            oxigraph(arguments.catalog) as (their_port, _, their_pid),
        ):
            starts.append(start)
            loaded.append(_wait_for_api(port))  # it loads on the processors that answer
            _wait_for_api(kept_port)
            both = {"ours": (port, pid), "oxigraph": (their_port, their_pid)}
            again = both | {"ours": (kept_port, kept_pid)}
            seconds = arguments.seconds
            with _sparql_only(kept_pid):
                with _sparql_only(pid):
                    _in_turn(one, "8 clients", by_sparql, 8, seconds, both)  # files into memory; the next counts
                    for clients in (1, 8, 32):
                        _in_turn(one, f"{clients} clients", by_sparql, clients, seconds, both)
                    for _again in range(2):  # the second counts
                        _in_turn(one, "asked again, 8 clients", by_sparql[:_AGAIN], 8, seconds, again)
                _row(one, "ours, JSON API, 8 clients", port, by_api, 8, arguments.seconds, pid)
                with _sparql_only(pid):  # last: Oxigraph goes on with a query whose client has gone
                    _in_turn(one, "8 clients beside a slow query", by_sparql, 8, seconds, both, slow=True)
        rounds.append(one)
    figures["start_s"] = statistics.median(starts)
    figures["api_loaded_s"] = statistics.median(loaded)
    figures["rounds"] = rounds

    def ratio(name: str, a: str, b: str, what: str) -> None:
        """Keep and print the ratios of the rounds that have both, the smallest first, and their median."""
        found = sorted(one[a][what] / one[b][what] for one in rounds if a in one and b in one)
        if found:
            figures[name] = {"rounds": found, "median": statistics.median(found)}
            print(f"{name}: {', '.join(f'{each:.2f}' for each in found)} (median {statistics.median(found):.2f})")

    for clients in (1, 8, 32):
        rows = f"ours, {clients} clients", f"oxigraph, {clients} clients"
        ratio(f"requests/s, ours to oxigraph, {clients} clients", *rows, "requests_s")
        ratio(f"CPU time a request, ours to oxigraph, {clients} clients", *rows, "cpu_ms")
    again = "ours, asked again, 8 clients", "oxigraph, asked again, 8 clients"
    ratio(f"requests/s of {_AGAIN} queries asked again, ours (kept in memory) to oxigraph", *again, "requests_s")
    for who in ("ours", "oxigraph"):
        beside = f"{who}, 8 clients beside a slow query", f"{who}, 8 clients"
        ratio(f"p95 beside a slow query to p95 without, {who}", *beside, "p95_ms")
    print(f"from the command to the first answer: {figures['start_s']:.2f} s")
    print(f"from then until the JSON API answers: {figures['api_loaded_s']:.1f} s")
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2))


_ASK_SLOWLY = """
import sys, urllib.request, urllib.parse
while True:
    try:
        urllib.request.urlopen(sys.argv[1] + "?" + urllib.parse.urlencode({"query": sys.argv[2]})).read()
    except OSError:
        pass
"""

if __name__ == "__main__":
    main()
