"""Answers to SPARQL queries that are asked again: those of a finished state of the catalog never change."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Hashable
from pathlib import Path
from typing import Final

from mlaoi_graph.server.reply import Reply

__all__ = ["Kept"]

_SHARE: Final = 16
"""The part of the room that one answer may take."""
_AROUND: Final = 1_000
"""Bytes that an answer takes beside its text and its question, about."""


class Kept:
    """The answers given last from the newest state of a catalog, in so many bytes; a newer state empties it.

    Only what a worker marked with the state it is of is kept (:attr:`Reply.state`): whole, within all limits, and
    without what differs from one time to the next.
    """

    def __init__(self, catalog: Path, limit: int) -> None:
        self._manifest = str(catalog / "manifest.json")
        self._limit = limit
        self._state: tuple[int, int] | None = None
        self._replies: OrderedDict[Hashable, tuple[Reply, int]] = OrderedDict()
        self.size = 0
        """Bytes that are taken."""
        self.found = 0
        """How often an answer was here, ever."""

    def find(self, question: Hashable) -> Reply | None:
        """Return the answer to a question from the state that is the newest now."""
        if not self._limit:
            return None
        try:
            stat = os.stat(self._manifest)
        except OSError:  # a worker tells what is wrong
            return None
        state = stat.st_mtime_ns, stat.st_ino
        if state != self._state:
            self._replies.clear()
            self._state, self.size = state, 0
        if question not in self._replies:
            return None
        self._replies.move_to_end(question)
        self.found += 1
        return self._replies[question][0]

    def keep(self, question: Hashable, length: int, reply: Reply) -> None:
        """Keep an answer, of a question of so many bytes, if it may be kept."""
        size = len(reply.body) + length + _AROUND
        if reply.state is None or reply.state != self._state or size > self._limit // _SHARE or reply.file is not None:
            return
        if question in self._replies:
            return
        self._replies[question] = reply, size
        self.size += size
        while self.size > self._limit:
            self.size -= self._replies.popitem(last=False)[1][1]
