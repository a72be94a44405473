"""What the JSON API says of itself in OpenAPI: our dataclasses as schemas, pages of them, and its errors."""

from __future__ import annotations

import dataclasses
import hashlib
import sys
from functools import cache
from typing import Annotated, Any, Final, Union

from fastapi import Query, Request
from pydantic import BaseModel, ConfigDict, Field, create_model

from mlaoi_graph.server.api.tasks import Part
from mlaoi_graph.server.reply import Refusal

__all__ = [
    "ERRORS",
    "NAME",
    "Paging",
    "Problem",
    "answer_of",
    "known_only",
    "many",
    "or_none",
    "page_of",
    "page_of_any",
    "shape",
]


class Problem(BaseModel):
    """Why a request was not answered."""

    model_config = ConfigDict(extra="allow")

    error: str
    """A word programs may rely on."""
    reason: str
    """A sentence for people."""


ERRORS: Final[dict[int | str, dict[str, Any]]] = {
    400: {"model": Problem, "description": "The request cannot be answered as it is"},
    404: {"model": Problem, "description": "Nothing goes by that name"},
    410: {"model": Problem, "description": "The catalog has changed since the cursor was given"},
    413: {"model": Problem, "description": "The answer is past a limit of this server"},
    422: {"model": Problem, "description": "A parameter is missing or not of its type"},
    431: {"model": Problem, "description": "The address and the headers are longer than this server reads"},
    501: {"model": Problem, "description": "The answer needs an extra that this server was installed without"},
    503: {"model": Problem, "description": "Too busy, or the answer took too long or too much memory"},
}
NAME: Final = Query(
    min_length=1, max_length=2000, description="An IRI, an id, a label, an alias, or the end of an IRI."
)


_CURSOR: Final = Query(
    max_length=100,
    description="next of the page before.",
    json_schema_extra={"pattern": "^[A-Za-z0-9_-]+={0,2}$"},  # what is another is told as a cursor that is none
)


def many(model: type[BaseModel]) -> Any:
    """Return the type of a list of a model."""
    return list[model]  # type: ignore[valid-type]


def or_none(model: type[BaseModel]) -> Any:
    """Return the type of a model that may be null."""
    return model | None


@cache
def shape(cls: type) -> type[BaseModel]:
    """Return a dataclass as a schema: its public fields with their types."""
    names = vars(sys.modules[cls.__module__])
    fields: dict[str, Any] = {}
    for one in dataclasses.fields(cls):
        if one.name.startswith("_"):
            continue
        # Not typing.get_type_hints: private fields may be of types that are there for the type checker only.
        hint = eval(one.type, dict(names)) if isinstance(one.type, str) else one.type
        inner = [t for t in getattr(hint, "__args__", ()) if isinstance(t, type) and dataclasses.is_dataclass(t)]
        if isinstance(hint, type) and dataclasses.is_dataclass(hint):
            hint = shape(hint)
        fields[one.name] = (many(shape(inner[0])) if inner else hint, ...)
    return create_model(cls.__name__, __doc__=(cls.__doc__ or "").partition("\n")[0], **fields)


@cache
def page_of(cls: type) -> type[BaseModel]:
    """Return a page of a list: so many rows, and the cursor of the next page."""
    return page_of_any(f"{cls.__name__}List", cls)


def page_of_any(name: str, *classes: type) -> type[BaseModel]:
    """Return a page of rows that are of one of several kinds."""
    rows: Any = list[Union[tuple(map(shape, classes))]]  # type: ignore[misc]  # noqa: UP007
    return create_model(
        name,
        total=(int, Field(description="How many there are on all pages.")),
        rows=(rows, ...),
        next=(str | None, Field(description="Give it as cursor for the next page; null on the last.")),
        snapshot=(int, Field(description="The state of the catalog this is of.")),
    )


@cache
def answer_of(cls: type) -> type[BaseModel]:
    """Return a page of an answer: a list with what a reader has to know."""
    return create_model(
        f"{cls.__name__}Answer",
        __base__=page_of(cls),
        title=(str, ...),
        notes=(list[str], Field(description="What was left out, what was not checked.")),
        family_level_total=(int, Field(description="Rows said of families only: see family_level.")),
    )


async def known_only(request: Request) -> None:
    """Raise Refusal for a parameter the route does not have, or has once: a filter that is not taken would be none."""
    described = request.app.openapi()["paths"][request.scope["route"].path]["get"]
    known = {one["name"]: one["schema"] for one in described.get("parameters", ()) if one["in"] == "query"}
    for name in request.query_params:
        if name not in known:
            raise Refusal(
                400, "parameters", f"there is no parameter {name!r} here. There are: {', '.join(known) or 'none'}"
            )
        times = len(request.query_params.getlist(name))
        if times > 1 and not any(one.get("type") == "array" for one in (known[name], *known[name].get("anyOf", ()))):
            raise Refusal(400, "parameters", f"{name} was sent {times} times. Send one")


def _part(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=1000, description="Rows a page.")] = 100,
    cursor: Annotated[str | None, _CURSOR] = None,
) -> Part:
    given = sorted(pair for pair in request.query_params.multi_items() if pair[0] not in ("limit", "cursor"))
    return Part(limit, cursor, hashlib.sha256(repr((request.url.path, given)).encode()).hexdigest()[:12])


Paging = _part
