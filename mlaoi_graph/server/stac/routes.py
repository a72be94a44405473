"""The STAC API over HTTP: paths, and who answers them."""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote, urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mlaoi_graph.lineage_fields import SCHEMA
from mlaoi_graph.server.reply import Refusal
from mlaoi_graph.server.stac import tasks
from mlaoi_graph.server.web import ask, read_body, site_of

__all__ = ["routes"]

_BODIES: Final = ("application/json", "application/geo+json")


async def _stac(request: Request) -> Response:
    """Answer everything below ``/stac`` but searches: names are split before they are decoded, and may hold slashes."""
    raw: bytes = request.scope["raw_path"]
    below = raw.decode("ascii", "replace").partition("/stac")[2].strip("/")
    path = [unquote(piece) for piece in below.split("/")] if below else []
    answers, site = request.app.state.answers, site_of(request)
    given: bytes = request.scope["query_string"]
    match path:
        case []:
            return await ask(request, answers, tasks.landing, site=site)
        case ["conformance"]:
            return await ask(request, answers, tasks.conformance)
        case ["api"]:
            return await ask(request, answers, tasks.openapi, site=site)
        case ["lineage", "schema.json"]:
            return await ask(request, answers, tasks.schema)
        case ["queryables"]:
            return await ask(request, answers, tasks.queryables, site=site, collection=None)
        case ["collections"]:
            return await ask(request, answers, tasks.collections, site=site, parameters=given)
        case ["collections", name]:
            return await ask(request, answers, tasks.collection, site=site, name=name)
        case ["collections", name, "queryables"]:
            return await ask(request, answers, tasks.queryables, site=site, collection=name)
        case ["collections", name, "items"]:
            return await ask(
                request, answers, tasks.search, site=site, parameters=given, is_body=False, collection=name
            )
        case ["collections", collection, "items", name]:
            return await ask(request, answers, tasks.item, site=site, collection=collection, name=name)
    raise Refusal(404, "not-found", f"the STAC API has no such path. It begins at {site}stac")


async def _search(request: Request) -> Response:
    """Answer a search."""
    answers, site = request.app.state.answers, site_of(request)
    is_body = request.method == "POST"
    given: bytes = (await read_body(request, _BODIES))[1] if is_body else request.scope["query_string"]
    return await ask(request, answers, tasks.search, site=site, parameters=given, is_body=is_body)


async def _schema(request: Request) -> Response:
    """Answer the path of our extension's identifier, so that a proxy may map its host to this server."""
    return await ask(request, request.app.state.answers, tasks.schema)


routes = [
    Route(urlsplit(SCHEMA).path, _schema, methods=["GET", "HEAD"]),
    Route("/stac/search", _search, methods=["GET", "HEAD", "POST"]),
    Route("/stac", _stac, methods=["GET", "HEAD"]),
    Route("/stac/{path:path}", _stac, methods=["GET", "HEAD"]),
]
