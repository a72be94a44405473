"""The process that workers are forked from: it has everything imported, so a worker is there in milliseconds."""

from __future__ import annotations

import multiprocessing
import os
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext
from typing import Final

__all__ = ["start"]

_TUNABLES: Final = "glibc.malloc.tcache_max=32768:glibc.malloc.tcache_count=128"
"""RocksDB takes and frees a block of some kilobytes for each look into a file, and glibc keeps only pieces up to one
kilobyte at hand: with larger ones too a query takes a sixth less processor time. Other libraries take no notice."""


def start() -> ForkServerContext:
    """Start it, if it does not run yet, and return what makes worker processes; it imports while its server does."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["mlaoi_graph.server.ready"])
    before = os.environ.get("GLIBC_TUNABLES")
    os.environ["GLIBC_TUNABLES"] = f"{before}:{_TUNABLES}" if before else _TUNABLES  # read when a program begins
    try:
        forkserver.ensure_running()
    finally:
        if before is None:
            del os.environ["GLIBC_TUNABLES"]
        else:
            os.environ["GLIBC_TUNABLES"] = before
    return context
