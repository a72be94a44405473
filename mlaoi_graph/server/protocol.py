"""HTTP as uvicorn speaks it, with an end to a request's head (so long, so large), and a short way for most queries."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any, Final, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from mlaoi_graph.server.door import note
from mlaoi_graph.server.quick import Quick, quick

if TYPE_CHECKING:
    from starlette.datastructures import State
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

__all__ = ["protocol"]

_HEAD: Final = 64 * 1024
"""Bytes of a request's line and headers."""
_AHEAD: Final = 16
"""Requests that a client may send before the first of them is answered; more are read later."""
_UPGRADE: Final = re.compile(rb"\r\nupgrade:", re.IGNORECASE)


def protocol(state: State) -> type[asyncio.Protocol]:
    """Return the protocol class of connections to an application with this state."""
    return type("Protocol", (_Bounded,), {"state": state, "seconds": state.settings.header_timeout})


class _Bounded(HttpToolsProtocol):
    # uvicorn has an end for idle connections only; whoever sends a byte at a time could hold one for good
    # (Kludex/uvicorn#157).
    state: State
    seconds: float
    """Within which a request's head has to come."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._size = 0
        self._since = 0.0
        self.url = b""
        self._in_head = True
        self._ended = False
        self._late: asyncio.TimerHandle | None = None
        self._unanswered: list[RequestResponseCycle] = []

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._arrived()
        super().connection_lost(exc)
        for cycle in self._unanswered:  # several, of a client that sends ahead; uvicorn tells the last only
            cycle.disconnected = True
            cycle.message_event.set()
            if isinstance(cycle, Quick):
                cycle.lost()

    def data_received(self, data: bytes) -> None:
        if self._in_head:
            self._wait()
            if b"pgrade:" in data:
                data = _not_upgrading(data)
        self._ended = False
        super().data_received(data)
        if self._in_head and not self._ended:
            self._size += len(data)
            if self._size > _HEAD and not self.transport.is_closing():
                self._refuse(b"431 Request Header Fields Too Large", b"head-size")

    def _unsupported_upgrade_warning(self) -> None:
        """Say nothing: the request is answered as any other, and has its line in the log."""
        self.cycle.keep_alive = False  # what comes of its body was not read

    def send_400_response(self, msg: str) -> None:
        """Tell the client that what came is no HTTP: in JSON, as everything that is wrong."""
        self._refuse(b"400 Bad Request", b"http", b"this is no HTTP/1.1 request. Methods are in upper case, as GET")

    def on_headers_complete(self) -> None:
        self._arrived()
        # This one is among its connections.
        full = max(len(self.connections), len(self.tasks) + 1) > self.state.settings.connections
        if full:
            self.scope["state"]["full"] = True
        found = None if full else quick(self, self.state)
        if found is None:
            super().on_headers_complete()
        else:
            self.cycle = cast("RequestResponseCycle", found)
        self._in_head = False
        self._unanswered = [one for one in self._unanswered if not one.response_complete] + [self.cycle]
        if 1 < len(self._unanswered) <= _AHEAD:
            self.flow.resume_reading()  # else nobody would notice that the client goes
        if found is None:
            return
        task = self.loop.create_task(found.run())
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def on_message_complete(self) -> None:
        self._in_head = self._ended = True
        self._size = 0
        self.url = b""
        super().on_message_complete()

    def _wait(self) -> None:
        if self._late is None:
            self._since = self.loop.time()
            self._late = self.loop.call_later(self.seconds, self._too_late)

    def _arrived(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _too_late(self) -> None:
        if not self.transport.is_closing():
            self._refuse(b"408 Request Timeout", b"slow")

    def _refuse(self, status: bytes, error: bytes, reason: bytes | None = None) -> None:
        body = b'{"error":"' + error + b'","reason":"' + (reason or status[4:]) + b'"}'
        self.transport.write(
            b"HTTP/1.1 " + status + b"\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: "
            + str(len(body)).encode() + b"\r\n\r\n" + body
        )  # fmt: skip
        self.transport.close()
        if self._in_head:  # else the request has a line of its own
            path, _, query = self.url.partition(b"?")
            note(
                self.state,
                route="none",
                client=self.client,
                method=self.parser.get_method().decode("latin-1") if path else "",
                path=path.decode("latin-1"),
                query=query,
                status=int(status[:3]),
                seconds=self.loop.time() - self._since,
                size=len(body),
                error=error.decode(),
            )


def _not_upgrading(data: bytes) -> bytes:
    """Return the beginning of a request without the wish for another protocol, which a server may disregard.

    The parser reads no body of one that has it, and Java's client has it in every first request.
    """
    head, blank, rest = data.partition(b"\r\n\r\n")
    return _UPGRADE.sub(b"\r\nx-upgrade:", head) + blank + rest
