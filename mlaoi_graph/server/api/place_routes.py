"""The routes of the JSON API about places: areas, leakage."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import Field, create_model
from starlette.responses import Response

from mlaoi_graph.queries.areas import DeclaredHit, ExposureHit, UnplacedUse, UseHit
from mlaoi_graph.queries.leakage import LeakageRow, TestRow, UncheckedRow
from mlaoi_graph.server.api import place_tasks
from mlaoi_graph.server.api.routes import Part
from mlaoi_graph.server.api.shapes import ERRORS, NAME, page_of_any
from mlaoi_graph.server.web import ask

__all__ = ["router"]

router = APIRouter(prefix="/api", responses=ERRORS)

_AreaAnswer = create_model(
    "AreaAnswer",
    __base__=page_of_any("AreaRows", UseHit, ExposureHit, DeclaredHit, UnplacedUse),
    title=(str, ...),
    notes=(list[str], ...),
    area_km2=(float, ...),
    unknown_total=(int, Field(description="Uses of which it is not known where all data are.")),
    family_level_total=(int, ...),
)
_LeakageAnswer = create_model(
    "LeakageAnswer",
    __base__=page_of_any("LeakageRows", LeakageRow, UncheckedRow, TestRow),
    title=(str, ...),
    notes=(list[str], ...),
    totals=(dict[str, int], Field(description="How many tests are leaking, may be, are clean, and cannot be told.")),
)


class Used(StrEnum):
    """How data of an area were used."""

    pretrained = "pretrained"
    finetuned = "finetuned"
    instruction_tuned = "instruction-tuned"
    trained = "trained"
    validated = "validated"
    tested = "tested"
    evaluated = "evaluated"
    exposed = "exposed"
    declared = "declared"


class Which(StrEnum):
    """Which rows of an answer about an area."""

    rows = "rows"
    unknown = "unknown"
    family_level = "family_level"


class Found(StrEnum):
    """Which rows of an answer about leakage."""

    rows = "rows"
    unchecked = "unchecked"
    tests = "tests"


@router.get("/areas", response_model=_AreaAnswer)
async def areas(
    request: Request,
    area: Annotated[
        str,
        Query(
            min_length=1,
            max_length=60_000,
            description="WKT or GeoJSON in longitude and latitude; west,south,east,north; ISO 3166-1 alpha-3 codes "
            "joined by +; or a dataset or area of the catalog.",
        ),
    ],
    part: Part,
    stage: Used = Used.trained,
    during: Annotated[
        str | None,
        Query(
            max_length=100,
            description="When data were acquired: an instant, day, month or year, or two of them as start/end, "
            "of which one may be open: ../2020, 2018/..",
        ),
    ] = None,
    task: Annotated[str | None, Query(max_length=200)] = None,
    family: Annotated[str | None, NAME] = None,
    which: Which = Which.rows,
) -> Response:
    """List the models that used data in an area, with the ground shared, and what is not known."""
    return await ask(
        request, request.app.state.answers, place_tasks.areas,
        area=area, stage=stage.value, during=during, task=task, family=family, which=which.value, part=part,
    )  # fmt: skip


@router.get("/leakage", response_model=_LeakageAnswer)
async def leakage(
    request: Request,
    part: Part,
    node: Annotated[str | None, NAME] = None,
    against: Annotated[str | None, NAME] = None,
    buffer_km: Annotated[float, Query(ge=0, le=1000)] = 0,
    window_days: Annotated[float, Query(ge=0, le=100_000)] = 0,
    sensor: Annotated[list[str] | None, Query(description="Leave out what is known to be of others.")] = None,
    which: Found = Found.rows,
) -> Response:
    """List where what models were measured on overlaps what they or an ancestor learned from.

    Of a model, a family, or the splits of a dataset; without a node, of every evaluation in the catalog.
    """
    return await ask(
        request, request.app.state.answers, place_tasks.leakage,
        node=node, against=against, buffer_km=buffer_km, window_days=window_days, sensors=sensor or [],
        which=which.value, part=part,
    )  # fmt: skip
