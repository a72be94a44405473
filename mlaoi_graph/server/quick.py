"""The way most requests take: a query by GET at ``/sparql``, answered by its connection without a framework's help.

What those do for a request takes as long as a short query does. A connection (``protocol.py``) sends everything unusual
their way; the answers are the same.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable
from functools import lru_cache
from typing import IO, TYPE_CHECKING, Any, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from mlaoi_graph.server import tasks
from mlaoi_graph.server.door import HEADERS, note
from mlaoi_graph.server.reply import Refusal, Reply, mistake
from mlaoi_graph.server.sparql import Question
from mlaoi_graph.server.web import CHUNK, STALLED, Sent, parameters, site_at

if TYPE_CHECKING:
    from starlette.datastructures import State
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

__all__ = ["Quick", "quick"]

_LOG: Final = logging.getLogger("mlaoi_graph.server")
_START: Final = b"/sparql?"
_UNUSUAL: Final = frozenset(
    {b"origin", b"expect", b"content-length", b"transfer-encoding", b"upgrade", b"forwarded"}
    | {b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-prefix"}
)
"""Headers that somebody else is to understand."""


def quick(connection: HttpToolsProtocol, state: State) -> Quick | None:
    """Return what answers the request whose head a connection has read; None if it has to go the usual way."""
    if not connection.url.startswith(_START) or connection.parser.get_method() != b"GET" or b"#" in connection.url:
        return None
    headers = dict(connection.headers)
    if len(headers) != len(connection.headers) or not _UNUSUAL.isdisjoint(headers) or connection.root_path:
        return None
    if b"host" not in headers:
        return None
    if connection.cycle is not None and not connection.cycle.response_complete:
        return None
    given = connection.url[len(_START) :]
    asks = given.startswith(b"query=") or b"&query=" in given
    return Quick(connection, state, given, headers) if asks else None


class Quick:
    """One request, and its answer.

    It stands where uvicorn has its own object for that, and has the attributes uvicorn looks at.
    """

    def __init__(self, connection: HttpToolsProtocol, state: State, given: bytes, headers: dict[bytes, bytes]) -> None:
        self.keep_alive = connection.parser.get_http_version() != "1.0" and connection.parser.should_keep_alive()
        self.response_complete = False
        self.disconnected = False
        self.more_body = True
        self.message_event = asyncio.Event()
        self._connection = connection
        self._state = state
        self._given = given
        self._headers = headers
        self._asking: asyncio.Task[Any] | None = None

    def lost(self) -> None:
        """End the query: nobody waits for its answer any more."""
        if self._asking is not None:
            self._asking.cancel()

    async def run(self) -> None:
        """Answer."""
        begun = time.perf_counter()
        size, rows, status, word = 0, None, 499, ""  # a status that nobody reads: the client has gone
        file: IO[bytes] | None = None
        try:
            try:
                reply = await self._reply()
                length = reply.size
                file = _opened(reply)
            except Exception as error:  # noqa: BLE001 - as at the door: the client is told, and the log what it was
                if not isinstance(error, Refusal):
                    _LOG.exception("GET /sparql")
                reply = error.reply() if isinstance(error, Refusal) else mistake()
                length = reply.size
            if not self.disconnected:
                size, rows, status, word = length, reply.rows, reply.status, reply.error
            await self._send(reply, length, file)
        except asyncio.CancelledError:
            if not self.disconnected:
                raise
        finally:
            note(
                self._state,
                route="sparql",
                client=self._connection.client,
                method="GET",
                path="/sparql",
                query=self._given,
                status=status,
                seconds=time.perf_counter() - begun,
                size=size,
                rows=rows,
                error=word,
            )

    async def _reply(self) -> Reply:
        state = self._state
        host = self._headers.get(b"host", b"").decode("latin-1")
        site = state.settings.public_url or site_at(self._connection.scheme or "http", host)
        accept = self._headers.get(b"accept", b"").decode("latin-1")
        question = Question.of(parameters(self._given), accept, site)
        if (known := state.kept.find(question)) is not None:
            return known  # type: ignore[no-any-return]
        self._asking = asyncio.current_task()
        try:
            reply: Reply = await state.queries.run(tasks.query, **question._asdict())
        finally:
            self._asking = None
        state.kept.keep(question, question.size, reply)
        return reply

    async def _send(self, reply: Reply, size: int, file: IO[bytes] | None) -> None:
        """Write the whole answer, as fast as the client takes it."""
        connection = self._connection
        try:
            if self.disconnected:
                return
            head = (
                STATUS_LINE[reply.status],
                _lines(connection.server_state.default_headers),
                b"content-length: %d\r\n" % size,
                _lines_of(reply) if reply.headers else _usual_lines(reply.status, reply.media_type),
                b"\r\n" if self.keep_alive else b"connection: close\r\n\r\n",
                reply.body,
            )
            connection.transport.write(b"".join(head))
            while file is not None and not self.disconnected and (chunk := file.read(CHUNK)):
                async with asyncio.timeout(STALLED):
                    await connection.flow.drain()
                connection.transport.write(chunk)
        except TimeoutError:
            connection.transport.abort()
            return
        finally:
            if file is not None:
                file.close()
        self.response_complete = True
        if not self.keep_alive:
            connection.transport.close()
        connection.on_response_complete()


def _opened(reply: Reply) -> IO[bytes] | None:
    """Return the file a long answer is in, which has no name any more."""
    if reply.file is None:
        return None
    file = reply.file.open("rb")
    reply.file.unlink()
    return file


def _lines(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    return b"".join(b"%b: %b\r\n" % header for header in headers)


def _lines_of(reply: Reply) -> bytes:
    """Return the lines of a reply's headers, but for its length: those it has on the usual way."""
    named = (header for header in Sent(reply).raw_headers if header[0] != b"content-length")
    return _lines([*named, (b"vary", b"Origin"), *HEADERS])


@lru_cache(maxsize=64)
def _usual_lines(status: int, media_type: str) -> bytes:
    return _lines_of(Reply(status, media_type))
