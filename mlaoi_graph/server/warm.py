"""What workers that answer everything but SPARQL do before their first request."""

from __future__ import annotations

from itertools import chain

from mlaoi_graph.server.reply import Reply
from mlaoi_graph.server.worker import Context

__all__ = ["warm"]


def warm(context: Context) -> Reply:
    """Load the lineage and the tables of the STAC API, so that no request waits for them; then what pages keep."""
    # Here, and not above: the server names this function and has no use for what it imports.
    from mlaoi_graph.server.api import tasks
    from mlaoi_graph.server.pages import views
    from mlaoi_graph.server.stac import tasks as stac

    stac.warm(context)
    done = tasks.warm(context)
    context.idle = chain(views.prepare(context), context.idle or ())
    return done
