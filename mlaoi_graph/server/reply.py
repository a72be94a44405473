"""What a worker sends back: an answer that is complete, or what is wrong."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson

__all__ = ["UNREADABLE", "Refusal", "Reply", "mistake", "problem"]

UNREADABLE: Final = "the catalog cannot be read at the moment; the server's log says why"
"""What clients are told: the rest is for who runs the server, and so is where it keeps the catalog."""


@dataclass(slots=True)
class Reply:
    """A whole answer, or an error as JSON; nothing is sent before it is complete."""

    status: int
    media_type: str
    body: bytes = b""
    file: Path | None = None
    """Where a large body is instead; whoever has the reply removes it."""
    rows: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    state: tuple[int, int] | None = None
    """State of the catalog in which the same question always has this answer; None if it may have another."""
    error: str = ""
    """The word of what is wrong, if it is an error."""
    mistake: str = ""
    """For the log: what nobody foresaw."""

    @property
    def size(self) -> int:
        return len(self.body) if self.file is None else os.path.getsize(self.file)


class Refusal(Exception):
    """A request that is answered by an error status: raised where it is found, turned into a reply at the top."""

    def __init__(self, status: int, error: str, reason: str, **more: Any) -> None:
        self.status = status
        self.error = error
        self.reason = reason
        self.more = more
        super().__init__(reason)

    def reply(self) -> Reply:
        return problem(self.status, self.error, self.reason, **self.more)


def problem(status: int, error: str, reason: str, **more: Any) -> Reply:
    """Return an error as JSON: ``error`` is a word programs may rely on, ``reason`` a sentence for people."""
    headers = {}
    if error in ("busy", "connections", "starting", "locked"):
        headers["Retry-After"] = "1"
    if error in ("body-size", "connections", "slow"):
        headers["Connection"] = "close"  # what comes of the body after this is nobody's
    body = orjson.dumps({"error": error, "reason": reason, **more})
    if error == "coding":
        headers["Accept-Encoding"] = "identity"
    return Reply(status, "application/json", body, headers=headers, error=error)


def mistake(what: str = "") -> Reply:
    """Return that the fault is the server's; ``what`` it was is for the log, which knows already if it is empty."""
    reply = problem(500, "internal", "the server made a mistake; its log says which")
    reply.mistake = what
    return reply
