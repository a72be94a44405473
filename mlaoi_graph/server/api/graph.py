"""The JSON API of the graph and the map: what stands next to a node, and where data are."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import Field, create_model
from starlette.responses import Response

from mlaoi_graph.queries.neighbours import Group, neighbours
from mlaoi_graph.server.api.routes import Direction
from mlaoi_graph.server.api.shapes import ERRORS, NAME, many, shape
from mlaoi_graph.server.api.tasks import answer_json
from mlaoi_graph.server.pages.places import footprints
from mlaoi_graph.server.reply import Reply
from mlaoi_graph.server.web import ask
from mlaoi_graph.server.worker import Context

__all__ = ["router"]

router = APIRouter(prefix="/api", responses=ERRORS)


def _neighbours(
    context: Context, *, node: str, up: bool, most: int, start: int, of: tuple[str, str] | None, words: str
) -> Reply:
    """Return what stands next to a node, one way."""
    catalog = context.catalog
    iri = catalog.find(node)
    lineage = catalog.lineage
    groups = neighbours(lineage, iri, up=up, most=most, start=start, of=of, words=words)
    return answer_json(
        {
            "node": iri,
            "label": lineage.label(iri),
            "groups": [group.to_dict() for group in groups],
            "total": sum(group.total for group in groups),
            "snapshot": catalog.snapshot,
        }
    )


_Neighbours = create_model(
    "Neighbours",
    node=(str, ...),
    label=(str, ...),
    groups=(many(shape(Group)), ...),
    total=(int, Field(description="How many there are of all sorts together.")),
    snapshot=(int, Field(description="The state of the catalog this is of.")),
)
_About = create_model(
    "WhereAbout",
    areas=(int, Field(description="How many areas its footprint has.")),
    left=(int, Field(description="How many of them are not in this answer.")),
    reason=(str, Field(description="Why some or all of its data are not on a map; known if they are.")),
)
_Footprints = create_model(
    "Footprints",
    type=(str, Field(description="FeatureCollection")),
    features=(list[dict[str, Any]], Field(description="Properties: dataset, area, look (precision), start, end.")),
    datasets=(dict[str, _About], Field(description="What is said of each dataset, by IRI.")),  # type: ignore[valid-type]
)


@router.get("/neighbours", response_model=_Neighbours)
async def next_to(
    request: Request,
    node: Annotated[str, NAME],
    direction: Direction = Direction.up,
    most: Annotated[int, Query(ge=1, le=500, description="Most rows of each sort of edge.")] = 8,
    start: Annotated[int, Query(ge=0, le=10_000_000, description="Rows left out at the beginning.")] = 0,
    edge: Annotated[str | None, Query(max_length=100, description="Only this sort of edge, with kind.")] = None,
    kind: Annotated[str | None, Query(max_length=100)] = None,
    words: Annotated[str, Query(max_length=200, description="Only what has all of these in its label or IRI.")] = "",
) -> Response:
    """List every asserted edge at a node, one way, by sort; evaluation and succession included."""
    of = (edge, kind) if edge and kind else None
    arguments: dict[str, Any] = {"node": node, "up": direction is Direction.up, "most": most, "start": start, "of": of}
    return await ask(request, request.app.state.answers, _neighbours, **arguments, words=words)


@router.get("/footprints", response_model=_Footprints)
async def where(
    request: Request,
    dataset: Annotated[list[str] | None, Query(max_length=100, description="Datasets, by any name.")] = None,
    area: Annotated[str | None, Query(max_length=2000, description="Or one area, by its IRI.")] = None,
) -> Response:
    """Give the footprints of datasets as GeoJSON, with why some have none."""
    return await ask(request, request.app.state.answers, footprints, datasets=dataset or [], area=area)
