"""Between HTTP and the workers: reading a request within limits, sending a reply that is complete."""

from __future__ import annotations

import asyncio
import re
from binascii import a2b_qp
from typing import Any, Final
from urllib.parse import unquote_to_bytes, urlsplit

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from mlaoi_graph.server import worker
from mlaoi_graph.server.pool import Pool
from mlaoi_graph.server.reply import Refusal, Reply
from mlaoi_graph.server.settings import Settings

__all__ = ["CHUNK", "STALLED", "Sent", "ask", "parameters", "read_body", "root_of", "settings_of", "site_at", "site_of"]

CHUNK: Final = 256 * 1024
"""Bytes of a long answer that are written at a time."""
_SHORT: Final = 0.2
"""Seconds within which most requests are answered."""
STALLED: Final = 60.0
"""Seconds a client may take none of an answer before it is given up."""
_FIELDS: Final = 1_000
_BROKEN: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})")
"""What begins an escape, and is none."""
_HOST: Final = re.compile(r"[A-Za-z0-9._-]{1,253}(:\d{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:\d{1,5})?")


class Sent(Response):
    """A worker's reply as a response; removes the file a long one is in."""

    def __init__(self, reply: Reply, **headers: str) -> None:
        self.reply = reply
        self.status_code = reply.status
        self.media_type = reply.media_type
        self.background = None
        self.body = b""
        length = {} if reply.status == 204 else {"content-length": str(reply.size)}
        self.init_headers({**length, "vary": "Accept", **reply.headers, **headers})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        reply = self.reply
        scope.setdefault("state", {}).update(rows=reply.rows, error=reply.error)
        file = None
        if reply.file is not None:
            file = reply.file.open("rb")
            reply.file.unlink()
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            if scope["method"] == "HEAD":
                await send({"type": "http.response.body", "body": b""})
                return
            while file is not None and (chunk := file.read(CHUNK)):
                async with asyncio.timeout(STALLED):
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": reply.body})
        finally:
            if file is not None:
                file.close()


async def ask(request: Request, pool: Pool, task: worker.Task, /, **arguments: Any) -> Response:
    """Return a task's reply; a client that goes away ends the task."""
    loop = asyncio.get_running_loop()
    asking = asyncio.current_task()
    watching: asyncio.Task[None] | None = None
    gone = False

    async def watch() -> None:
        nonlocal gone
        while (await request.receive())["type"] != "http.disconnect":
            pass
        gone = True
        assert asking is not None
        asking.cancel()

    def begin() -> None:
        nonlocal watching
        watching = loop.create_task(watch())

    begins = loop.call_later(_SHORT, begin)  # most are answered by then, and need nobody to look out for their client
    try:
        return Sent(await pool.run(task, **arguments))
    except asyncio.CancelledError:
        if not gone or asking is None:
            raise
        asking.uncancel()
        return Response(status_code=499)  # nobody is there to read it; the log says so
    finally:
        begins.cancel()
        if watching is not None:
            watching.cancel()


async def read_body(request: Request, media_types: tuple[str, ...]) -> tuple[str, bytes]:
    """Return a body's media type, which has to be one of these, and its bytes.

    Raises Refusal: 415 for another type, a charset that is not UTF-8 or anything packed, 413 for one too long, 408 for
    one too slow, 499 if it never comes.
    """
    media_type, _, rest = request.headers.get("content-type", "").partition(";")
    media_type = media_type.strip().lower()
    if media_type not in media_types:
        raise Refusal(415, "media-type", f"{media_type or 'no media type'}: send one of {', '.join(media_types)}")
    charset = [p.partition("=")[2].strip(" \"'").lower() for p in rest.split(";") if "charset=" in p.lower()]
    if charset and charset[0] not in ("utf-8", "utf8"):
        raise Refusal(415, "media-type", f"charset {charset[0]}: send UTF-8")
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    if coding != "identity":
        raise Refusal(415, "coding", f"Content-Encoding {coding}: send the body as it is")
    settings = settings_of(request)
    limit = settings.body_kb << 10
    too_long = Refusal(413, "body-size", f"the body is longer than {settings.body_kb} kB. Send less")
    length = request.headers.get("content-length", "0")
    if not length.isdigit() or int(length) > limit:
        raise too_long
    body = bytearray()
    try:
        async with asyncio.timeout(settings.header_timeout):
            async for part in request.stream():
                body += part
                if len(body) > limit:
                    raise too_long
    except ClientDisconnect:  # or what it sent was no HTTP any more, which it has been told
        raise Refusal(499, "gone", "the client went away before its request was whole") from None
    except TimeoutError:
        raise Refusal(408, "slow", f"the body took longer than {settings.header_timeout:g} s") from None
    return media_type, bytes(body)


def parameters(query_string: bytes) -> dict[str, list[bytes]]:
    """Return the values of each parameter, as bytes: what they are in is for a worker to find out.

    Raises Refusal for more than a thousand.
    """
    pairs = [pair.partition(b"=") for pair in query_string.split(b"&") if pair]
    if len(pairs) > _FIELDS:
        raise Refusal(400, "parameters", f"{len(pairs)} parameters were sent. Send {_FIELDS} at most")
    found: dict[str, list[bytes]] = {}
    for name, _, value in pairs:
        found.setdefault(_decoded(name).decode("latin-1"), []).append(_decoded(value))
    return found


def _decoded(text: bytes) -> bytes:
    """Return the bytes that a part of a form stands for.

    >>> _decoded(b"ASK+%7B%7D%"), _decoded(b"%3d=%00")
    (b'ASK {}%', b'==\\x00')
    """
    text = text.replace(b"+", b" ")
    if b"%" not in text:
        return text
    if _BROKEN.search(text):
        return unquote_to_bytes(text)
    # By the decoder of mail, which writes = where addresses write %: a query has some hundred of them, and
    # urllib takes longer for those than the engine for a short query.
    return a2b_qp(text.replace(b"=", b"=3D").replace(b"%", b"="))


def settings_of(request: Request) -> Settings:
    """Return the settings of the server that was asked."""
    settings = request.app.state.settings
    assert isinstance(settings, Settings)
    return settings


def site_of(request: Request) -> str:
    """Return the address clients know the server by; ends in a slash."""
    public = settings_of(request).public_url
    if public is not None:
        return public
    scope, hosts = request.scope, request.headers.getlist("host")
    if not hosts and scope["http_version"] == "1.0" and scope["server"]:  # which need not name it (RFC 9112, 3.2)
        name, port = scope["server"]
        hosts = [f"[{name}]:{port}" if ":" in name else f"{name}:{port}"]
    return site_at(scope["scheme"], hosts[0] if len(hosts) == 1 else "", scope.get("root_path", ""))


def site_at(scheme: str, host: str, root: str = "") -> str:
    """Return the address of a server that a client asks by the name of ``host``; ends in a slash."""
    if not _HOST.fullmatch(host):
        raise Refusal(400, "host", "the Host header is not the name of one machine")
    return f"{scheme}://{host}{root}/"


def root_of(request: Request) -> str:
    """Return the path clients know the server by; ends in a slash."""
    public = settings_of(request).public_url
    return urlsplit(public).path if public else f"{request.scope.get('root_path', '')}/"
