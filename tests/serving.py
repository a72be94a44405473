"""Servers for tests: the real command in a process of its own, on a free port of this machine."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlencode

import requests

ROOT = Path(__file__).parents[1]


class Served:
    """A running server: its address, and what it logged."""

    def __init__(self, process, url, log):
        self.process = process
        self.url = url
        self._log = log

    @property
    def log(self):
        return self._log.read_text("utf-8", "replace")

    @property
    def lines(self):
        """What it logged; every line is a JSON object."""
        return [json.loads(line) for line in self.log.split("\n") if line]

    def requests(self):
        """Return the lines of requests."""
        return [line for line in self.lines if "status" in line]

    def sparql(self, query, accept="application/sparql-results+json", **more):
        """POST a query and return the response."""
        body = {"query": query, **more}
        return requests.post(f"{self.url}sparql", data=body, headers={"Accept": accept}, timeout=60)

    def get(self, path, **more):
        return requests.get(f"{self.url}{path}", timeout=60, **more)

    @contextmanager
    def asking(self, query, times=1):
        """Have clients ask for something and wait for nothing, until the block ends and they go away."""
        host, port = self.url.removeprefix("http://").rstrip("/").split(":")
        head = f"GET /sparql?{urlencode({'query': query})} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
        with ExitStack() as clients:
            for _ in range(times):
                clients.enter_context(socket.create_connection((host, int(port)), timeout=60)).sendall(head)
            yield

    def metric(self, line):
        """Return the value of the line of /metrics that starts so."""
        (found,) = [v for v in self.get("metrics").text.splitlines() if v.startswith(line)]
        return float(found.rpartition(" ")[2])


@contextmanager
def serve(directory, folder, *flags, **environment):
    """Run ``mlaoi-graph serve`` until the block ends, then stop it as Ctrl-C does."""
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "log"
    command = [sys.executable, "-m", "mlaoi_graph", "serve", str(directory), "--port", "0", *map(str, flags)]
    clean = {k: v for k, v in os.environ.items() if not k.startswith("MLAOI_")}
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=stderr, text=True, cwd=folder,
            env=clean | {"PYTHONPATH": str(ROOT)} | {f"MLAOI_{k.upper()}": str(v) for k, v in environment.items()},
        )  # fmt: skip
    try:
        url = process.stdout.readline().strip()
        assert url.startswith("http://127.0.0.1:"), log.read_text()
        yield Served(process, url, log)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        try:
            process.wait(40)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        finally:
            process.stdout.close()


def run_apart(coroutine):
    """Run it in a thread of its own: in this one the browser of other tests may have a loop running."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


def until(condition, seconds=10):
    """Return the first true value of a condition; fail if there is none in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds} s")
