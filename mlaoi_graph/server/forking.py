"""The process that workers are forked from: it has everything imported, so a worker is there in milliseconds."""

from __future__ import annotations

import multiprocessing
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext

__all__ = ["context", "start"]


def context() -> ForkServerContext:
    """Return what makes worker processes."""
    found = multiprocessing.get_context("forkserver")
    modules = ("api.place_tasks", "node_tasks", "warm")
    found.set_forkserver_preload([f"mlaoi_graph.server.{module}" for module in modules])
    return found


def start() -> None:
    """Start it now: it imports while its server does."""
    context()
    forkserver.ensure_running()
