"""The ASGI application: what starts first, the processes behind it, and how it is served."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import math
import os
import socket
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any, Final

import orjson
import uvicorn
from starlette.datastructures import State
from starlette.types import ASGIApp, Receive, Scope, Send

from mlaoi_graph.catalog import Catalog
from mlaoi_graph.errors import MlaoiError, SettingsError
from mlaoi_graph.server import sparql
from mlaoi_graph.server.door import Door, time_of
from mlaoi_graph.server.kept import Kept
from mlaoi_graph.server.metrics import Metrics
from mlaoi_graph.server.pool import Pool
from mlaoi_graph.server.protocol import protocol
from mlaoi_graph.server.settings import Settings
from mlaoi_graph.server.warm import make, warm
from mlaoi_graph.server.worker import Bounds

__all__ = ["App", "create_app", "run"]

_LOG: Final = logging.getLogger("mlaoi_graph.server")
_LOOK: Final = 0.25
"""Seconds between two looks for a newer snapshot."""
_LONGEST_PAUSE: Final = 300.0
"""Seconds between two tries to make what is kept beside a snapshot; the first ones follow sooner."""


def create_app(settings: Settings, log: IO[bytes] | None = None) -> App:
    """Return the application that serves a catalog; ``log`` is given a JSON object, on a line, for each request.

    Its workers start with it (the lifespan protocol). ``state`` has ``queries`` and ``answers``, the pools that
    run SPARQL and everything else. Raises CatalogNotFound, CatalogDamaged, StoreError.
    """
    Catalog.open(settings.catalog).close()
    return App(settings, log)


class App:
    """The ASGI application: the processes behind it, and the door before the framework, which is imported last.

    A query needs none of it, so it is imported when the workers have started, or with the first request that needs it.
    """

    def __init__(self, settings: Settings, log: IO[bytes] | None) -> None:
        bounds = Bounds(
            memory_mb=settings.memory_mb, rows=settings.rows, result_mb=settings.result_mb, nesting=settings.nesting
        )

        def pool(name: str, workers: int, **more: Any) -> Pool:
            usual = {"queue": settings.queue, "timeout": settings.timeout}
            return Pool(settings.catalog, bounds, name=name, workers=workers, **usual | more)

        self._pools = [
            pool("queries", settings.workers),
            pool("answers", settings.answerers, warm=warm),
            pool("making", 1, queue=1, timeout=math.inf, niceness=19),
        ]
        self.state = State()
        self.state.settings = settings
        self.state.log = log
        self.state.queries, self.state.answers, self.state.making = self._pools
        self.state.made = "waiting"
        self.state.behind = False
        self.state.writing = asyncio.Lock()
        self.state.kept = Kept(settings.catalog, settings.cache_mb << 20)
        self.state.metrics = Metrics(self._pools, self.state.kept)
        self._door = Door(self._usual, self.state, {"/sparql": sparql.straight})
        self._loading = asyncio.Lock()
        self._framework: ASGIApp | None = None
        self._tasks: list[asyncio.Task[Any]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or begin and end with the server."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        scope["app"] = self
        await self._door(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            known = _seen(self.state.settings.catalog)
            try:
                await self.state.queries.start()
                await self.state.answers.start()
                self.state.making.fill()
            except Exception as error:
                await send({"type": "lifespan.startup.failed", "message": str(error)})
                raise
            self._tasks = [asyncio.create_task(_watch(self.state, known)), asyncio.create_task(self._loaded())]
            await send({"type": "lifespan.startup.complete"})
            await receive()
        finally:
            for task in self._tasks:
                task.cancel()
            for one in self._pools:
                await one.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _usual(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (await self._loaded())(scope, receive, send)

    async def _loaded(self) -> ASGIApp:
        async with self._loading:
            if self._framework is None:
                self._framework = await asyncio.to_thread(_framework, self.state)
        return self._framework


def _framework(state: State) -> ASGIApp:
    from mlaoi_graph.server.framework import framework

    return framework(state)


def _seen(catalog: Path) -> tuple[int, int]:
    """Return what tells the newest state of a catalog from all others."""
    stat = os.stat(catalog / "manifest.json")
    return stat.st_mtime_ns, stat.st_ino


async def _watch(state: State, known: tuple[int, int]) -> None:
    """Have what answers follow the newest snapshot from a known state on, and all made that is kept beside it.

    ``state.behind`` is whether it cannot be followed.
    """
    making = asyncio.create_task(_make(state))
    told = ""
    try:
        while True:
            await asyncio.sleep(_LOOK)
            try:
                found = _seen(state.settings.catalog)
                if found != known:
                    await state.answers.refresh()
                    known = found
                    making.cancel()
                    making = asyncio.create_task(_make(state))
                told, state.behind = "", False
            except Exception as error:  # noqa: BLE001 - it has to go on looking
                state.behind = isinstance(error, MlaoiError | OSError)  # and not where no worker could be started
                if str(error) != told:  # once, and not for each look
                    told = str(error)
                    _LOG.error("the newest snapshot is not followed: %s", told)
    finally:
        making.cancel()


async def _make(state: State) -> None:
    """Have all made that is kept beside the newest snapshot, once those are ready for whom it is.

    ``state.made`` is ``waiting``, ``running`` or ``done`` meanwhile.
    """
    state.made = "waiting"
    while state.answers.alive < state.answers.size:
        await asyncio.sleep(_LOOK)
    pause = _LOOK
    while True:
        state.made = "running"
        reply = await state.making.run(make)
        if reply.status == 200:
            break
        state.made = "waiting"
        _LOG.error("what is kept beside the snapshot is not made: %s", reply.body.decode())
        pause = min(2 * pause, _LONGEST_PAUSE)
        await asyncio.sleep(pause)
    with contextlib.suppress(RuntimeError):  # it is there as before, then
        await state.making.refresh()  # a process that has made it all holds much memory
    state.made = "done"


def run(settings: Settings, ready: Callable[[str], object] | None = None) -> None:
    """Serve a catalog until the process is told to stop (SIGINT, SIGTERM): requests under way are finished first.

    Prints the address to stdout once it listens, and gives it to ``ready``; the log goes to stderr, a JSON object on a
    line for each request, and for whatever else there is to tell. Raises KeyboardInterrupt when it has stopped,
    SettingsError if the address cannot be listened on, CatalogNotFound.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Line())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    app = create_app(settings, sys.stderr.buffer)
    listening = _listen(settings.host, settings.port)
    host, port = listening.getsockname()[:2]
    config = uvicorn.Config(
        app,
        log_config=None,
        log_level="error",  # what it warns of are requests, which have their lines
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=int(settings.timeout) + 1,
        backlog=settings.connections,
        lifespan="on",
        ws="none",
        http=protocol(app.state),
    )
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}/"
    server = _Server(config, address, ready)
    with listening:
        server.run(sockets=[listening])
    if not server.started:
        raise SystemExit(2)


class _Line(logging.Formatter):
    """What is told beside the requests, as they are: a JSON object on a line."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": time_of(record.created),
            "level": record.levelname,
            "logger": record.name,
            "message": super().format(record).encode("utf-8", "replace").decode(),
        }
        return orjson.dumps(line).decode()


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, address: str, ready: Callable[[str], object] | None) -> None:
        super().__init__(config)
        self._ready = ready
        self._address = address

    async def startup(self, sockets: Sequence[socket.socket] | None = None) -> None:
        await super().startup(sockets=list(sockets) if sockets else None)
        if self.started:
            gc.freeze()  # what is there now stays: no collection looks through it again
            print(self._address, flush=True)
            if self._ready is not None:
                self._ready(self._address)


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listening = socket.socket(family, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
    except OSError as error:
        raise SettingsError(
            f"{host}:{port}: cannot listen: {error}. Choose another --port; 0 takes a free one"
        ) from None
    return listening
