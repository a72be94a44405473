"""The framework's part of the server: everything but the usual queries. To import it takes longer than all the rest."""

from __future__ import annotations

from typing import Final

from fastapi import Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import State
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

import mlaoi_graph
from mlaoi_graph.server import nodes, sparql
from mlaoi_graph.server.api import graph, place_routes, routes
from mlaoi_graph.server.api.shapes import known_only
from mlaoi_graph.server.pages import routes as pages
from mlaoi_graph.server.reply import UNREADABLE, Refusal, problem
from mlaoi_graph.server.stac import routes as stac
from mlaoi_graph.server.web import Sent, site_of

__all__ = ["framework"]


def framework(state: State) -> FastAPI:
    """Return what answers every request that none of the short ways takes."""
    app = FastAPI(
        title="mlaoi-graph",
        version=mlaoi_graph.__version__,
        description="Lineage of Earth-observation models.",
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
    app.state = state
    for router in (routes.router, place_routes.router, graph.router):
        app.include_router(router, dependencies=[Depends(known_only)])
    app.router.routes.append(nodes.below_base)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Refusal, _refused)
    app.add_exception_handler(RequestValidationError, _not_valid)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=list(state.settings.cors_origins),
        allow_methods=["GET", "HEAD", "POST", "OPTIONS"],
        allow_headers=["Accept", "Authorization", "Content-Type"],
        expose_headers=["Content-Length", "Link", "Retry-After"],
    )
    return app


async def _health(request: Request) -> Response:
    """Say whether requests can be answered: SPARQL at once, the rest when what it is answered from is loaded.

    Not where the newest state of the catalog cannot be read: SPARQL has no answer then, the rest an older one.
    """
    state = request.app.state
    if state.behind:
        return Sent(problem(503, "catalog", UNREADABLE))
    alive = {pool.name: pool.alive for pool in (state.queries, state.answers)}
    status = "starting" if not state.queries.alive else "ok" if state.answers.alive else "loading"
    return JSONResponse(
        {"status": status, "workers": alive, "making": state.made, "version": mlaoi_graph.__version__},
        status_code=503 if status == "starting" else 200,
    )


async def _metrics(request: Request) -> Response:
    return PlainTextResponse(request.app.state.metrics.text(), media_type="text/plain; version=0.0.4")


_PLACES: Final = {
    "sparql": "SPARQL 1.1 Protocol",
    "api/openapi.json": "the JSON API, described in OpenAPI",
    "api/models": "the models",
    "api/datasets": "the datasets",
    "stac": "the STAC API",
    "health": "whether requests are answered",
    "metrics": "figures for Prometheus",
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
    assert isinstance(refusal, Refusal)
    return Sent(refusal.reply())


async def _not_valid(_: Request, error: Exception) -> Response:
    """Say which parameters cannot be used, and why."""
    assert isinstance(error, RequestValidationError)
    problems = [f"{'.'.join(map(str, e['loc'][1:]))}: {e['msg']}" for e in error.errors()]
    return Sent(problem(422, "parameters", "; ".join(problems)))


async def _http_error(_: Request, error: Exception) -> Response:
    """Give what the router refuses (404, 405) the shape of every other error."""
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    word = {404: "not-found", 405: "method"}.get(error.status_code, "http")
    reason = f"this address takes {headers['Allow']} only" if "Allow" in headers else str(error.detail)
    return Sent(problem(error.status_code, word, reason), **headers)
