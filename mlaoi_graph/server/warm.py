"""What workers that answer everything but SPARQL do before their first request, and what is made for them behind it."""

from __future__ import annotations

from mlaoi_graph.server.reply import Reply
from mlaoi_graph.server.worker import Context

__all__ = ["make", "warm"]


def warm(context: Context) -> Reply:
    """Load the lineage and the tables of the STAC API, so that no request waits for them."""
    # Here, and not above: the server names these functions and has no use for what they import.
    from mlaoi_graph.server.api import tasks
    from mlaoi_graph.server.stac import tasks as stac

    stac.warm(context)
    return tasks.warm(context)


def make(context: Context) -> Reply:
    """Make all that is kept beside the snapshot: first what pages tell, then what the STAC API has."""
    from mlaoi_graph.server.pages import leakage, views
    from mlaoi_graph.server.stac import tasks as stac

    context = context.staying()
    if context.beside.is_shared:  # else nobody would see it
        context.beside.patient()
        holdings = stac.holdings(context)
        holdings.settle()
        try:
            for page in (views.start, views.about, views.compare, views.query, leakage.leakage):
                page(context, {})
            views.search(context, {"q": "a", "limit": "1"})
        finally:  # a mistake about pages is told, and does not keep the rest from being made
            holdings.prepare()
    return Reply(200, "text/plain")
