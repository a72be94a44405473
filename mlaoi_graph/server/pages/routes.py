"""The addresses of pages: ``/``, ``/search``, ... and the same with ``.json``, ``.csv`` or ``.ttl`` behind."""

from __future__ import annotations

from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from mlaoi_graph.server import sparql
from mlaoi_graph.server.pages import area, countries, leakage, tasks, views
from mlaoi_graph.server.pages.render import STATIC
from mlaoi_graph.server.web import ask, parameters, root_of

__all__ = ["routes"]

VIEWS: Final[dict[str, tasks.View]] = {
    "": views.start,
    "search": views.search,
    "area": area.area,
    "leakage": leakage.leakage,
    "compare": views.compare,
    "query": views.query,
    "about": views.about,
}
_FORMS: Final = ("json", "csv", "ttl")


def _page(view: tasks.View, form: str) -> Any:
    async def page(request: Request) -> Response:
        given = {name: values[-1].decode("utf-8", "replace") for name, values in _given(request).items()}
        return await ask(
            request, request.app.state.answers, tasks.answer, view=view, given=given, form=form, root=root_of(request)
        )

    page.__name__ = f"page_{view.__name__}"
    return page


def _given(request: Request) -> dict[str, list[bytes]]:
    return parameters(request.scope["query_string"])


async def _countries(request: Request) -> Response:
    """Outlines of countries, for maps."""
    found = await run_in_threadpool(countries.geojson)  # the first time it is made, and others do not wait for it
    return Response(found, media_type="application/geo+json", headers={"Cache-Control": "max-age=86400"})


async def _service(request: Request) -> Response:
    """What can be asked here: the page of queries, as triples."""
    return sparql.described(request, "text/turtle")


class _Bundle(StaticFiles):
    async def check_config(self) -> None:
        """Accept that there is no folder: in a checkout whose bundle is not built its files are not found."""


routes: list[BaseRoute] = [
    Route("/query.ttl", _service),
    *(
        Route(
            f"/{name or ('index' if form != 'html' else '')}{'' if form == 'html' else '.' + form}", _page(view, form)
        )
        for name, view in VIEWS.items()
        for form in ("html", *_FORMS)
    ),
    Route("/area.geojson", _page(area.area, "geojson")),
    Route("/leakage.geojson", _page(leakage.leakage, "geojson")),
    Route("/countries.json", _countries),
    Mount("/static", _Bundle(directory=STATIC, check_dir=False)),
]
