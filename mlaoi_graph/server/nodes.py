"""Linked data: every node of the catalog has an address here, as a page, Turtle or JSON-LD."""

from __future__ import annotations

from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mlaoi_graph.server import node_tasks
from mlaoi_graph.server.web import ask, root_of, site_of

__all__ = ["below_base", "routes"]


async def _node(request: Request) -> Response:
    """Answer ``/nodes/`` and an IRI, percent-encoded or as it stands."""
    given = _raw_path(request).partition("/nodes/")[2]
    return await _answered(request, [unquote(given), given])


async def _below_base(request: Request) -> Response:
    """Answer any other path: the node whose IRI is the catalog's base and that path."""
    return await _answered(request, [_raw_path(request).removeprefix("/")])


async def _answered(request: Request, names: list[str]) -> Response:
    accept = ",".join(request.headers.getlist("accept"))
    return await ask(
        request,
        request.app.state.answers,
        node_tasks.node,
        names=names,
        accept=accept,
        site=site_of(request),
        root=root_of(request),
    )


def _raw_path(request: Request) -> str:
    raw: bytes = request.scope["raw_path"]
    return raw.decode("ascii", "replace").removeprefix(request.scope.get("root_path", ""))


routes = [Route("/nodes/{iri:path}", _node, methods=["GET", "HEAD"])]
below_base = Route("/{path:path}", _below_base, methods=["GET", "HEAD"])
"""Comes after everything else."""
