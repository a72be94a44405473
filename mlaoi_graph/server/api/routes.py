"""The routes of the JSON API: models, datasets, and the questions about lineage."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import AfterValidator, Field, create_model
from starlette.responses import Response

from mlaoi_graph.model import Dataset, DerivationKind, Model, Stage
from mlaoi_graph.queries import (
    Explanation,
    ExposedRow,
    ExposureRow,
    ImpactRow,
    LicenceRow,
    NodeRow,
    UnknownRow,
)
from mlaoi_graph.queries.results import Verdict
from mlaoi_graph.server.api import tasks
from mlaoi_graph.server.api.shapes import ERRORS, NAME, Paging, answer_of, many, or_none, page_of, shape
from mlaoi_graph.server.web import ask
from mlaoi_graph.times import instants

__all__ = ["router"]

router = APIRouter(prefix="/api", responses=ERRORS)

Part = Annotated[tasks.Part, Depends(Paging)]
Name = Annotated[str, NAME]
FamilyLevel = Annotated[
    bool, Query(description="The rows said of families only, which are no fact about a member, instead of the others.")
]


class Direction(StrEnum):
    """Which way lineage is followed."""

    up = "up"
    down = "down"


_SNAPSHOT = (int, Field(description="The state of the catalog this is of."))
_Chains = create_model(
    "Chains",
    __doc__="Chains of asserted edges between two nodes, shortest first.",
    chains=(many(shape(Explanation)), ...),
    complete=(bool, Field(description="False if a bound was hit: there may be more.")),
    note=(str, ...),
    snapshot=_SNAPSHOT,
)
_Exposed = create_model(
    "Exposed",
    __doc__="Whether a model learned from a dataset, with the proof or what is missing.",
    model=(str, ...),
    dataset=(str, ...),
    verdict=(Verdict, ...),
    reason=(str, ...),
    checked=(str, ...),
    missing=(many(shape(UnknownRow)), ...),
    explanation=(or_none(shape(Explanation)), ...),
    snapshot=_SNAPSHOT,
)


def _time(text: str | None) -> str | None:
    if text is not None:
        instants(text)
    return text


def _filters(
    depth: Annotated[
        int | None, Query(ge=0, le=1_000_000, description="Most hops over asserted edges; to a whole is a hop.")
    ] = None,
    stage: Annotated[list[Stage] | None, Query(description="Uses in these stages only.")] = None,
    kind: Annotated[list[DerivationKind] | None, Query(description="Derivations of these kinds only.")] = None,
    verified_only: Annotated[bool, Query(description="Leave unverified edges out.")] = False,
    source: Annotated[list[str] | None, Query(description="Edges of these documents or evidence only; IRIs.")] = None,
    before: Annotated[
        str | None,
        AfterValidator(_time),
        Query(max_length=100, description="Edges asserted before this year, month, day or instant (UTC) only."),
    ] = None,
) -> dict[str, Any]:
    given = {
        "depth": depth,
        "stages": stage,
        "kinds": kind,
        "verified_only": verified_only or None,
        "sources": source,
        "before": before,
    }
    return {name: value for name, value in given.items() if value is not None}


Filters = Annotated[dict[str, Any], Depends(_filters)]


async def _ask(
    request: Request, name: str, about: str, only: dict[str, Any], family_level: bool, part: tasks.Part
) -> Response:
    answers = request.app.state.answers
    return await ask(
        request, answers, tasks.question, name=name, about=about, only=only, family_level=family_level, part=part
    )


@router.get("/models", response_model=page_of(Model))
async def models(request: Request, part: Part) -> Response:
    """List the models, those only referred to included, by IRI."""
    return await ask(request, request.app.state.answers, tasks.nodes, kind="models", part=part)


@router.get("/datasets", response_model=page_of(Dataset))
async def datasets(request: Request, part: Part) -> Response:
    """List the datasets, splits and archives included, by IRI."""
    return await ask(request, request.app.state.answers, tasks.nodes, kind="datasets", part=part)


@router.get("/lineage", response_model=answer_of(NodeRow))
async def lineage(
    request: Request,
    node: Name,
    only: Filters,
    part: Part,
    direction: Direction = Direction.up,
    family_level: FamilyLevel = False,
) -> Response:
    """List what a model or dataset came from (up), or what came from it (down)."""
    name = "upstream" if direction is Direction.up else "downstream"
    return await _ask(request, name, node, only, family_level, part)


@router.get("/exposure", response_model=answer_of(ExposureRow))
async def exposure(
    request: Request, model: Name, only: Filters, part: Part, family_level: FamilyLevel = False
) -> Response:
    """List what a model learned from, directly or through what it was made from."""
    return await _ask(request, "exposure", model, only, family_level, part)


@router.get("/exposure/verdict", response_model=_Exposed)
async def is_exposed(request: Request, model: Name, dataset: Name) -> Response:
    """Say whether a model learned from a dataset: yes, may contain, no, or unknown, with why."""
    return await ask(request, request.app.state.answers, tasks.verdict, model=model, dataset=dataset)


@router.get("/exposed", response_model=answer_of(ExposedRow))
async def exposed(
    request: Request, dataset: Name, only: Filters, part: Part, family_level: FamilyLevel = False
) -> Response:
    """List the models exposed to a dataset or to a part of it."""
    return await _ask(request, "exposed_models", dataset, only, family_level, part)


@router.get("/impact", response_model=answer_of(ImpactRow))
async def impact(request: Request, node: Name, part: Part, family_level: FamilyLevel = False) -> Response:
    """List what a change of a dataset or model touches."""
    return await _ask(request, "impact", node, {}, family_level, part)


@router.get("/licences", response_model=answer_of(LicenceRow))
async def licences(request: Request, model: Name, part: Part, family_level: FamilyLevel = False) -> Response:
    """List the licences stated along a model's lineage, and what has none stated."""
    return await _ask(request, "licences", model, {}, family_level, part)


@router.get("/unknowns", response_model=answer_of(UnknownRow))
async def unknowns(request: Request, model: Name, part: Part, family_level: FamilyLevel = False) -> Response:
    """List what is not known about what a model learned from."""
    return await _ask(request, "unknowns", model, {}, family_level, part)


@router.get("/explain", response_model=_Chains)
async def explain(
    request: Request,
    newer: Name,
    older: Name,
    most: Annotated[int, Query(ge=1, le=100, description="Most chains; one gives the shortest.")] = 1,
) -> Response:
    """Give chains of asserted edges from one node to what it came from, with who says so."""
    return await ask(request, request.app.state.answers, tasks.explain, newer=newer, older=older, most=most)
