"""The server's end of the socket to a worker: one request at a time, one whole answer back."""

from __future__ import annotations

import asyncio
import struct
from typing import Final, cast

from mlaoi_graph.server import worker
from mlaoi_graph.server.reply import Reply

__all__ = ["Link"]

_LENGTH: Final = struct.Struct("!Q")


class Link(asyncio.Protocol):
    """A connection to a worker.

    A protocol and not a stream: a stream costs as much time a request as everything else the server does.
    """

    def __init__(self) -> None:
        self._transport: asyncio.WriteTransport | None = None
        self._parts: list[bytes] = []
        self._held = 0
        self._answer: asyncio.Future[Reply] | None = None
        self.lost = False
        """Whether the worker has closed its end."""

    def ask(self, frame: bytes) -> asyncio.Future[Reply]:
        """Send a request and return its answer to be; ConnectionResetError if the worker ends before it is whole."""
        answer = self.expect()
        if self._transport is not None and not answer.done():
            self._transport.write(_LENGTH.pack(len(frame)) + frame)
        return answer

    def expect(self) -> asyncio.Future[Reply]:
        """Return the next answer to be, without asking for it."""
        self._answer = asyncio.get_running_loop().create_future()
        if self.lost:
            self._answer.set_exception(ConnectionResetError("the worker has ended"))
        return self._answer

    def close(self) -> None:
        """End the connection."""
        if self._transport is not None:
            self._transport.close()

    # -- what the event loop calls ----------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)

    def data_received(self, data: bytes) -> None:
        self._parts.append(data)
        self._held += len(data)
        if len(self._parts) > 1 and len(self._parts[0]) < _LENGTH.size:
            self._parts = [b"".join(self._parts)]
        if self._held < _LENGTH.size:
            return
        (length,) = _LENGTH.unpack_from(self._parts[0])
        if self._held >= _LENGTH.size + length:
            whole = b"".join(self._parts)
            self._parts, self._held = [], 0
            if self._answer is not None and not self._answer.done():
                self._answer.set_result(worker.unpacked(whole[_LENGTH.size :]))

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionResetError("the worker has ended"))
