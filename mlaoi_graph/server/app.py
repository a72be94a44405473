"""The ASGI application: routers, the processes behind them, and how it is served."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import uvicorn
from fastapi import Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

import mlaoi_graph
from mlaoi_graph.catalog import Catalog
from mlaoi_graph.errors import SettingsError
from mlaoi_graph.server import nodes, sparql
from mlaoi_graph.server.api import graph, place_routes, routes
from mlaoi_graph.server.api.shapes import known_only
from mlaoi_graph.server.door import Door
from mlaoi_graph.server.kept import Kept
from mlaoi_graph.server.metrics import Metrics
from mlaoi_graph.server.pages import routes as pages
from mlaoi_graph.server.pool import Pool
from mlaoi_graph.server.protocol import protocol
from mlaoi_graph.server.reply import Refusal
from mlaoi_graph.server.settings import Settings
from mlaoi_graph.server.stac import routes as stac
from mlaoi_graph.server.warm import warm
from mlaoi_graph.server.web import site_of
from mlaoi_graph.server.worker import Bounds

__all__ = ["create_app", "run"]

_LOG: Final = logging.getLogger("mlaoi_graph.server")
_LOOK: Final = 0.25
"""Seconds between two looks for a newer snapshot."""


def create_app(settings: Settings) -> FastAPI:
    """Return the application that serves a catalog.

    Its workers start with it (the lifespan protocol). ``app.state`` has ``queries`` and ``answers``, the pools that
    run SPARQL and everything else. Raises CatalogNotFound, CatalogDamaged, StoreError.
    """
    Catalog.open(settings.catalog).close()
    bounds = Bounds(
        memory_mb=settings.memory_mb, rows=settings.rows, result_mb=settings.result_mb, nesting=settings.nesting
    )

    def pool(name: str, workers: int, **more: Any) -> Pool:
        return Pool(
            settings.catalog,
            bounds,
            name=name,
            workers=workers,
            queue=settings.queue,
            timeout=settings.timeout,
            **more,
        )

    pools = [pool("queries", settings.workers), pool("answers", settings.answerers, warm=warm)]

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        try:
            for one in pools:
                await one.start()
            watching = asyncio.create_task(_watch(settings.catalog, pools[1]))
            yield
            watching.cancel()
        finally:
            for one in pools:
                await one.close()

    app = _App(
        title="mlaoi-graph",
        version=mlaoi_graph.__version__,
        description="Lineage of Earth-observation models.",
        lifespan=lifespan,
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        routes=[
            *sparql.routes,
            *pages.routes,
            *nodes.routes,
            *stac.routes,
            Route("/health", _health),
            Route("/metrics", _metrics),
            *_INDEX,
        ],
    )
    app.state.settings = settings
    app.state.queries, app.state.answers = pools
    app.state.writing = asyncio.Lock()
    app.state.kept = Kept(settings.catalog, settings.cache_mb << 20)
    app.state.metrics = Metrics(pools, app.state.kept)
    for router in (routes.router, place_routes.router, graph.router):
        app.include_router(router, dependencies=[Depends(known_only)])
    app.router.routes.append(nodes.below_base)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Refusal, _refused)
    app.add_exception_handler(RequestValidationError, _not_valid)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=list(settings.cors_origins),
        allow_methods=["GET", "HEAD", "POST", "OPTIONS"],
        allow_headers=["Accept", "Authorization", "Content-Type"],
        expose_headers=["Content-Length", "Link", "Retry-After"],
    )
    return app


class _App(FastAPI):
    def build_middleware_stack(self) -> ASGIApp:
        """Return what a request passes: our door first, so that it sees everything the framework makes of it too."""
        return Door(super().build_middleware_stack(), self.state.metrics, {"/sparql": sparql.straight})


async def _watch(catalog: Path, pool: Pool) -> None:
    """Have a pool follow the newest snapshot."""

    def seen() -> tuple[int, int]:
        stat = os.stat(catalog / "manifest.json")
        return stat.st_mtime_ns, stat.st_ino

    known = seen()
    while True:
        await asyncio.sleep(_LOOK)
        try:
            found = seen()
            if found != known:
                await pool.refresh()
                known = found
        except Exception as error:  # noqa: BLE001 - it has to go on looking
            _LOG.error("the newest snapshot is not followed: %s", error)


async def _health(request: Request) -> Response:
    """Say whether requests can be answered: SPARQL at once, the rest when what it is answered from is loaded."""
    state = request.app.state
    alive = {pool.name: pool.alive for pool in (state.queries, state.answers)}
    status = "starting" if not state.queries.alive else "ok" if state.answers.alive else "loading"
    return JSONResponse(
        {"status": status, "workers": alive, "version": mlaoi_graph.__version__},
        status_code=503 if status == "starting" else 200,
    )


async def _metrics(request: Request) -> Response:
    return PlainTextResponse(request.app.state.metrics.text(), media_type="text/plain; version=0.0.4")


_PLACES: Final = {
    "sparql": "SPARQL 1.1 Protocol",
    "api/openapi.json": "the JSON API, described in OpenAPI",
    "api/models": "the models",
    "api/datasets": "the datasets",
    "health": "whether requests are answered",
}


async def _index(request: Request) -> Response:
    """Say where everything is: a page for browsers, JSON for everybody else."""
    site = site_of(request)
    if "text/html" not in request.headers.get("accept", ""):
        return JSONResponse({"places": {f"{site}{path}": what for path, what in _PLACES.items()}})
    links = "".join(f'<li><a href="{site}{path}">/{path}</a>: {what}</li>' for path, what in _PLACES.items())
    return HTMLResponse(
        f'<!doctype html><html lang="en"><title>mlaoi-graph</title><h1>mlaoi-graph</h1><ul>{links}</ul>'
    )


_INDEX: Final = [Route(path, _index) for path in ("/api", "/api/")]


async def _refused(_: Request, refusal: Exception) -> Response:
    from mlaoi_graph.server.web import Sent

    assert isinstance(refusal, Refusal)
    return Sent(refusal.reply())


async def _not_valid(_: Request, error: Exception) -> Response:
    """Say which parameters cannot be used, and why."""
    assert isinstance(error, RequestValidationError)
    problems = [f"{'.'.join(map(str, e['loc'][1:]))}: {e['msg']}" for e in error.errors()]
    return JSONResponse({"error": "parameters", "reason": "; ".join(problems)}, 422)


async def _http_error(_: Request, error: Exception) -> Response:
    """Give what the router refuses (404, 405) the shape of every other error."""
    assert isinstance(error, HTTPException)
    word = {404: "not-found", 405: "method"}.get(error.status_code, "http")
    return JSONResponse({"error": word, "reason": str(error.detail)}, error.status_code, dict(error.headers or {}))


def run(settings: Settings, ready: Callable[[str], object] | None = None) -> None:
    """Serve a catalog until the process is told to stop (SIGINT, SIGTERM): requests under way are finished first.

    Prints the address to stdout once it listens, and gives it to ``ready``; the log goes to stderr, a JSON object for
    each request. Raises SettingsError if the address cannot be listened on, CatalogNotFound.
    """
    app = create_app(settings)
    _log_to_stderr()
    listening = _listen(settings.host, settings.port)
    host, port = listening.getsockname()[:2]
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=int(settings.timeout) + 1,
        limit_concurrency=settings.connections,
        backlog=settings.connections,
        lifespan="on",
        ws="none",
        http=protocol(settings.header_timeout),
    )
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}/"
    server = _Server(config, address, ready)
    try:
        with contextlib.suppress(KeyboardInterrupt):  # what Ctrl-C stopped has stopped well
            server.run(sockets=[listening])
    finally:
        listening.close()
    if not server.started:
        raise SystemExit(2)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, address: str, ready: Callable[[str], object] | None) -> None:
        super().__init__(config)
        self._ready = ready
        self._address = address

    async def startup(self, sockets: Sequence[socket.socket] | None = None) -> None:
        await super().startup(sockets=list(sockets) if sockets else None)
        if self.started:
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


def _log_to_stderr() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    access = logging.getLogger("mlaoi_graph.access")
    access.setLevel(logging.INFO)
    access.addHandler(handler)
    access.propagate = False
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
