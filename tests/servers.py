"""Real SPARQL servers on loopback, started for the tests and ended by their process id."""

import contextlib
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

VIRTUOSO = shutil.which("virtuoso-t")
_INI = """
[Database]
DatabaseFile = {folder}/virtuoso.db
ErrorLogFile = {folder}/virtuoso.log
LockFile = {folder}/virtuoso.lck
TransactionFile = {folder}/virtuoso.trx
xa_persistent_file = {folder}/virtuoso.pxa
FileExtend = 200

[TempDatabase]
DatabaseFile = {folder}/virtuoso-temp.db
TransactionFile = {folder}/virtuoso-temp.trx

[Parameters]
ServerPort = 127.0.0.1:{sql_port}
ServerThreads = 12
CheckpointInterval = 0
NumberOfBuffers = 10000
MaxDirtyBuffers = 6000
ThreadsPerQuery = 1
AsyncQueueMaxThreads = 1

[HTTPServer]
ServerPort = 127.0.0.1:{port}
ServerThreads = 8
MaxClientConnections = 8

[SPARQL]
{sparql}
"""


@dataclass
class Server:
    """A server, where it answers, and how to empty it."""

    name: str
    folder: Path
    process: subprocess.Popen
    query: str
    update: str
    auth: tuple[str, str] | None = None

    def wipe(self):
        """Take everything away, the store's own graphs too."""
        with httpx.Client(auth=httpx.DigestAuth(*self.auth) if self.auth else None, timeout=60) as client:

            def update(text):
                client.post(
                    self.update, content=text, headers={"Content-Type": "application/sparql-update"}
                ).raise_for_status()

            if self.name == "oxigraph":
                return update("DROP ALL")
            its_own = "<http://www.openlinksw.com/schemas/virtrdf#>, <http://www.w3.org/ns/ldp#>, <http://localuriqaserver/sparql>"
            return update(
                f"DELETE {{ GRAPH ?g {{ ?s ?p ?o }} }} WHERE {{ GRAPH ?g {{ ?s ?p ?o }} FILTER(?g NOT IN ({its_own})) }}"
            )

    def use(self, environment):
        """Have the environment say how it is written to, and return the address of the catalog there."""
        environment.setenv("MLAOI_SPARQL_UPDATE", self.update)
        for name, value in zip(("USER", "PASSWORD"), self.auth or (), strict=False):
            environment.setenv(f"MLAOI_SPARQL_{name}", value)
        return self.query

    def kill(self):
        """End it at once, as SIGKILL does."""
        self.process.kill()
        self.process.wait()


def free_port():
    """Return a port nobody listens at now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def start_oxigraph(folder, port=None, *flags):
    """Return a running ``oxigraph serve``."""
    port = port or free_port()
    program = Path(sys.executable).with_name("oxigraph")
    process = _run([program, "serve", "--location", folder / "db", "--bind", f"127.0.0.1:{port}", *flags], folder)
    address = f"http://127.0.0.1:{port}"
    _wait(process, f"{address}/query", folder)
    return Server("oxigraph", folder, process, f"{address}/query", f"{address}/update")


def start_virtuoso(folder, port=None, sparql=""):
    """Return a running Virtuoso that lets its administrator, and nobody else, write."""
    port, sql_port = port or free_port(), free_port()
    (folder / "virtuoso.ini").write_text(_INI.format(folder=folder, port=port, sql_port=sql_port, sparql=sparql))
    (folder / "virtuoso.lck").unlink(missing_ok=True)
    process = _run([VIRTUOSO, "+foreground", "+configfile", folder / "virtuoso.ini"], folder)
    address = f"http://127.0.0.1:{port}"
    _wait(process, f"{address}/sparql", folder)
    return Server("virtuoso", folder, process, f"{address}/sparql", f"{address}/sparql-auth", ("dba", "dba"))


def _run(command, folder):
    with (folder / "output").open("ab") as output:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=folder)


def _wait(process, url, folder):
    for _ in range(600):
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(url, params={"query": "ASK {}"}).status_code == 200:
                return
        if process.poll() is not None:
            break
        time.sleep(0.1)
    process.kill()
    pytest.fail(f"the server did not start: {(folder / 'output').read_text()[-2000:]}")
