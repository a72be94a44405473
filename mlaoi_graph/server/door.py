"""What every request passes: a log line, a count, safe headers, and errors as JSON."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Final

import orjson
from starlette.datastructures import State
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mlaoi_graph.server.reply import Refusal, mistake
from mlaoi_graph.server.web import Sent

__all__ = ["HEADERS", "Door", "note", "time_of"]

_LOG: Final = logging.getLogger("mlaoi_graph.server")
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})
_STRAIGHT: Final = frozenset({"GET", "HEAD", "POST"})
HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)


class Door:
    """ASGI middleware around the whole application.

    What ``straight`` has for a path gets its requests directly, but for those of other origins: the framework's
    way there takes as long as a short query.
    """

    def __init__(self, app: ASGIApp, state: State, straight: Mapping[str, ASGIApp]) -> None:
        self._app = app
        self._state = state
        self._straight = straight

    def _way(self, scope: Scope) -> ASGIApp:
        found = self._straight.get(scope["path"])
        if found is None or scope["method"] not in _STRAIGHT or any(name == b"origin" for name, _ in scope["headers"]):
            return self._app
        return found

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()
        status, size = 0, 0

        async def watched(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *HEADERS]
            else:
                size += len(message.get("body", b""))
            await send(message)

        try:
            if scope.get("state", {}).get("full"):
                reason = f"there are {self._state.settings.connections} connections already. Try again in a while"
                raise Refusal(503, "connections", reason)
            await self._way(scope)(scope, receive, watched)
        except Refusal as refusal:
            await Sent(refusal.reply())(scope, receive, watched)
        except Exception:
            _LOG.exception("%s %s", scope["method"], scope["path"])
            if status:
                raise  # the connection is closed: an answer that was begun is not ended as if it were whole
            await Sent(mistake())(scope, receive, watched)
        finally:
            self._note(scope, status, size, time.perf_counter() - begun)

    def _note(self, scope: Scope, status: int, size: int, seconds: float) -> None:
        state = scope.get("state", {})
        note(
            self._state,
            route=getattr(scope.get("endpoint"), "__name__", "none").strip("_"),
            client=scope.get("client"),
            method=scope["method"],
            path=scope["path"],
            query=scope["query_string"],
            asked=state.get("asked"),
            status=status,
            seconds=seconds,
            size=size,
            rows=state.get("rows"),
            error=state.get("error", ""),
        )


def note(
    server: State,
    *,
    route: str,
    client: tuple[str, int] | None,
    method: str,
    path: str,
    query: bytes,
    asked: str | None = None,
    status: int,
    seconds: float,
    size: int,
    rows: int | None = None,
    error: str = "",
) -> None:
    """Count a request that has been answered, and write its line into the log of the server.

    Past ``logging``, which takes longer for a line than all else that is done for a short request.
    """
    server.metrics.count(route, method if method in _METHODS else "other", status, seconds)
    if server.log is None:
        return
    line = {
        "time": time_of(time.time()),
        "client": (client or ("",))[0],
        "method": method[:20],
        "path": path[:500],
        "query": " ".join(filter(None, (query[:500].decode("latin-1"), asked))),
        "status": status,
        "ms": round(seconds * 1000, 1),
        "bytes": size,
        "rows": rows,
    }
    if error:
        line["error"] = error
    with suppress(OSError, ValueError):  # where nobody reads it any more the answers go on
        server.log.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
        server.log.flush()


def time_of(seconds: float) -> str:
    """Return a time as the log has it."""
    return _second(int(seconds))


@lru_cache(maxsize=1)
def _second(second: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(second))
