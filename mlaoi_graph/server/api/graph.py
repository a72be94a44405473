"""The JSON API of the graph and the map: what stands next to a node, and where data are."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from mlaoi_graph.queries.neighbours import neighbours
from mlaoi_graph.server.api.routes import Direction
from mlaoi_graph.server.api.shapes import ERRORS, NAME
from mlaoi_graph.server.api.tasks import answer_json
from mlaoi_graph.server.pages.places import footprints
from mlaoi_graph.server.reply import Reply
from mlaoi_graph.server.web import ask
from mlaoi_graph.server.worker import Context

__all__ = ["router"]

router = APIRouter(prefix="/api", responses=ERRORS)


def _neighbours(context: Context, *, node: str, up: bool, most: int, start: int, of: tuple[str, str] | None) -> Reply:
    """Return what stands next to a node, one way."""
    catalog = context.catalog
    iri = catalog.find(node)
    lineage = catalog.lineage
    groups = neighbours(lineage, iri, up=up, most=most, start=start, of=of)
    return answer_json(
        {
            "node": iri,
            "label": lineage.label(iri),
            "groups": [dataclasses.asdict(group) for group in groups],
            "total": sum(group.total for group in groups),
            "snapshot": catalog.snapshot,
        }
    )


@router.get("/neighbours")
async def next_to(
    request: Request,
    node: Annotated[str, NAME],
    direction: Direction = Direction.up,
    most: Annotated[int, Query(ge=1, le=500, description="Most rows of each sort of edge.")] = 8,
    start: Annotated[int, Query(ge=0, le=10_000_000, description="Rows left out at the beginning.")] = 0,
    edge: Annotated[str | None, Query(max_length=100, description="Only this sort of edge, with kind.")] = None,
    kind: Annotated[str | None, Query(max_length=100)] = None,
) -> Response:
    """List every asserted edge at a node, one way, by sort; evaluation and succession included."""
    of = (edge, kind) if edge and kind else None
    arguments: dict[str, Any] = {"node": node, "up": direction is Direction.up, "most": most, "start": start, "of": of}
    return await ask(request, request.app.state.answers, _neighbours, **arguments)


@router.get("/footprints")
async def where(
    request: Request,
    dataset: Annotated[list[str] | None, Query(max_length=100, description="Datasets, by any name.")] = None,
    area: Annotated[str | None, Query(max_length=2000, description="Or one area, by its IRI.")] = None,
) -> Response:
    """Give the footprints of datasets as GeoJSON, with why some have none."""
    return await ask(request, request.app.state.answers, footprints, datasets=dataset or [], area=area)
