"""A process that answers requests one at a time from the newest snapshot, and may be killed at any instant.

The server never parses or runs what a client sent: it gives a function of this package and its arguments to a worker,
and gets a whole answer or none. A worker has a memory ceiling; time is kept by the server, which kills it.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import pickle
import re
import select
import signal
import socket
import struct
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

import orjson

from mlaoi_graph.catalog import Catalog
from mlaoi_graph.errors import (
    CatalogError,
    CatalogLocked,
    CatalogNotFound,
    MissingExtra,
    MlaoiError,
    NodeNotFound,
    NotOfKind,
    QueryError,
    StoreError,
)
from mlaoi_graph.items import Kept
from mlaoi_graph.server.reply import UNREADABLE, Refusal, Reply, mistake, problem

__all__ = ["Bounds", "Context", "Task", "main", "read_frame", "write_frame"]

_LENGTH: Final = struct.Struct("!Q")
_TOLD: Final = 4000
"""Characters of a traceback that are logged, its last ones."""
_INLINE: Final = 1 << 20
"""Bytes of an answer that are kept in memory; a longer one goes through a file."""
_LOOK_MS: Final = 1000
"""Time after which a worker that has nothing to do looks for a newer snapshot, and lets the one before go."""
_PIECE: Final = 1 << 16
"""Bytes read at a time: more would be memory asked of the system, and given back, for each request."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits a worker keeps by itself."""

    memory_mb: int
    rows: int
    result_mb: int
    nesting: int


class Context:
    """What a task works on: the catalog, the limits, and where a long answer goes.

    ``stays`` with the snapshot it opened, ``snapshot`` or the newest; otherwise each look at the catalog is one at the
    newest.
    """

    def __init__(
        self, directory: Path, bounds: Bounds, spool: Path, *, stays: bool = False, snapshot: Path | None = None
    ) -> None:
        self._stays = stays
        self._place = snapshot or directory
        self.bounds = bounds
        self._directory = directory
        self._manifest = str(directory / "manifest.json")
        self._spool = spool
        self._catalog: Catalog | None = None
        self._opened: tuple[int, int] | None = None
        self._kept: dict[str, Any] = {}

    def staying(self) -> Context:
        """Return one that stays with the newest snapshot."""
        return Context(self._directory, self.bounds, self._spool, stays=True)

    def apart(self) -> Catalog:
        """Return the catalog opened once more, to write to; whoever asks closes it."""
        return Catalog.open(self._directory)

    @property
    def catalog(self) -> Catalog:
        """The catalog as of the last finished ingest, or of the one it stays with."""
        if self._stays and self._catalog is not None:
            return self._catalog
        try:
            stat = os.stat(self._manifest)
        except OSError:
            raise CatalogNotFound(str(self._directory)) from None
        found = stat.st_mtime_ns, stat.st_ino
        if self._catalog is None or found != self._opened:
            if self._catalog is not None:
                self._catalog.close()
                self._catalog = None
            self._kept.clear()
            self._catalog = Catalog.open(self._place)
            # A query of limited time does not wait for it; those who warm up make it.
            self._catalog.makes_index = self._stays
            self._opened = found
        return self._catalog

    @property
    def state(self) -> tuple[int, int] | None:
        """What tells the state of the catalog that is open from all others."""
        return self._opened

    def kept(self, name: str, make: Callable[[Catalog], Any]) -> Any:
        """Return what ``make`` gives for this snapshot, made once."""
        catalog = self.catalog
        if name not in self._kept:
            self._kept[name] = make(catalog)
        return self._kept[name]

    @property
    def beside(self) -> Kept:
        """What is kept beside this snapshot, in the file that all workers read."""
        found: Kept = self.kept("beside", lambda catalog: Kept(catalog.items_file))
        return found

    def once(self, name: str, make: Callable[[Catalog], Any]) -> Any:
        """Return a value of JSON that ``make`` gives for this snapshot, made once for all workers."""
        return self.kept(name, lambda catalog: self.beside.once(name, lambda: make(catalog)))

    def spooled(self) -> Spool:
        """Return a file an answer is written to before its status is sent."""
        return Spool(self._spool, self.bounds.result_mb << 20)


class Spool:
    """A file in memory, and on disk once it is long; refuses what is past the limit of an answer's size."""

    def __init__(self, path: Path, limit: int) -> None:
        self._path = path
        self._limit = limit
        self._size = 0
        self._parts: list[bytes] = []
        self._file: IO[bytes] | None = None

    def write(self, data: bytes) -> int:
        """Take more of the answer."""
        self._size += len(data)
        if self._size > self._limit:
            self.drop()
            raise Refusal(413, "result-size", f"the answer is larger than {self._limit >> 20} MB. Ask for less")
        if self._file is None and self._size > _INLINE:
            self._file = self._path.open("wb")
            self._file.writelines(self._parts)
            self._parts = []
        if self._file is not None:
            self._file.write(data)
        else:
            self._parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing: serialisers call it."""

    def drop(self) -> None:
        """Remove the file if there is one."""
        if self._file is not None:
            self._file.close()
            self._path.unlink(missing_ok=True)
            self._file = None

    def reply(self, media_type: str, rows: int | None = None) -> Reply:
        """Return what was written as the answer."""
        if self._file is None:
            return Reply(200, media_type, b"".join(self._parts), rows=rows)
        self._file.close()
        return Reply(200, media_type, file=self._path, rows=rows)


Task = Callable[..., Reply]
"""A function of this package: takes a Context and plain arguments, returns a reply or raises."""


def answer(context: Context, task: Task, arguments: dict[str, Any]) -> Reply:
    """Return what a task answers, errors as JSON with the status they have over HTTP. Nothing is raised."""
    try:
        return _answer(context, task, arguments)
    except Exception as error:  # noqa: BLE001 - whatever it is, the next request has nothing to do with it
        return mistake(f"{type(error).__name__}: {error}\n{traceback.format_exc()[-_TOLD:]}")


def _answer(context: Context, task: Task, arguments: dict[str, Any]) -> Reply:
    try:
        return task(context, **arguments)
    except (MlaoiError, Refusal) as error:
        return told(error)
    except MemoryError:
        return out_of_memory(context.bounds.memory_mb)


def told(error: MlaoiError | Refusal) -> Reply:
    """Return an error as JSON, with the status it has over HTTP."""
    match error:
        case Refusal():
            return error.reply()
        case QueryError():
            return problem(400, "query", error.reason, **_position(error.reason))
        case NodeNotFound():
            # Over HTTP neither a command helps nor where the catalog is.
            listed = "List what is there: /api/models, /api/datasets"
            reason = NodeNotFound(
                error.name, error.candidates, ambiguous=error.ambiguous, shown=error.shown, next_step=listed
            )
            status, word = (400, "ambiguous") if error.ambiguous else (404, "not-found")
            return problem(status, word, str(reason), candidates=list(error.candidates))
        case CatalogLocked():
            return problem(503, "locked", str(error))
        case MissingExtra():
            return problem(501, "missing-extra", f"this server has not all that is asked for: {error}")
        case CatalogError() | StoreError():
            reply = problem(500, "catalog", UNREADABLE)
            reply.mistake = str(error)
            return reply
        case _:
            return problem(400, "wrong-kind" if isinstance(error, NotOfKind) else "request", str(error))


def out_of_memory(limit_mb: int) -> Reply:
    """Return that a request needed more memory than it may have."""
    reason = f"the request needed more than the {limit_mb} MB of memory it may have. Ask for less at a time"
    return problem(503, "memory", reason)


def _position(reason: str) -> dict[str, int]:
    found = re.search(r"\bat (\d+):(\d+)", reason)
    return {"line": int(found[1]), "column": int(found[2])} if found else {}


def main(
    sock: socket.socket, stderr: str, directory: Path, bounds: Bounds, spool: Path, warm: Task | None, at: Path | None
) -> None:
    """Answer requests from a socket until it closes; the target of a worker process.

    One that warms up stays with the snapshot ``at``.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the server's business
    _leave_network()
    _watch_parent(sock)
    log = os.open(stderr, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(log, 2)
    os.close(log)
    context = Context(directory, bounds, spool, stays=warm is not None, snapshot=at)
    with contextlib.suppress(MlaoiError):  # whoever asks is told
        _ = context.catalog
    ready = Reply(200, "text/plain") if warm is None else answer(context, warm, {})
    gc.freeze()  # what is there now stays: no collection looks through it again
    _hold_memory(bounds.memory_mb)
    write_frame(sock, _packed(ready))
    while (frame := _next_frame(sock, context)) is not None:
        task, arguments = pickle.loads(frame)  # from the server, and nothing in it is a client's but plain values
        reply = answer(context, task, arguments)
        write_frame(sock, _packed(reply))


def _next_frame(sock: socket.socket, context: Context) -> bytes | None:
    """Return the next frame, None at the end; while there is none, no older snapshot than the newest is held."""
    poll = select.poll()
    poll.register(sock.fileno(), select.POLLIN)
    while not poll.poll(_LOOK_MS):
        with contextlib.suppress(MlaoiError):  # whoever asks is told
            _ = context.catalog
    return read_frame(sock)


def _packed(reply: Reply) -> bytes:
    head = orjson.dumps(
        {
            "status": reply.status,
            "media_type": reply.media_type,
            "file": None if reply.file is None else str(reply.file),
            "rows": reply.rows,
            "headers": reply.headers,
            "state": reply.state,
            "error": reply.error,
            "mistake": reply.mistake.encode("utf-8", "replace").decode(),
        }
    )
    return _LENGTH.pack(len(head)) + head + reply.body


def unpacked(frame: bytes) -> Reply:
    """Return the reply in a frame. It is data, never code: a worker that a query got hold of stays harmless."""
    (length,) = _LENGTH.unpack_from(frame)
    head = orjson.loads(frame[_LENGTH.size : _LENGTH.size + length])
    file = head["file"]
    return Reply(
        status=int(head["status"]),
        media_type=str(head["media_type"]),
        body=frame[_LENGTH.size + length :],
        file=None if file is None else Path(file),
        rows=head["rows"],
        headers=dict(head["headers"]),
        state=None if head["state"] is None else (int(head["state"][0]), int(head["state"][1])),
        error=str(head["error"]),
        mistake=str(head["mistake"]),
    )


def read_frame(sock: socket.socket) -> bytes | None:
    """Return the next frame, None at the end."""
    data = bytearray()
    while len(data) < _LENGTH.size or len(data) < _LENGTH.size + _LENGTH.unpack_from(data)[0]:
        part = sock.recv(_PIECE)
        if not part:
            return None
        data += part
    return bytes(memoryview(data)[_LENGTH.size :])


def write_frame(sock: socket.socket, frame: bytes) -> None:
    """Send a frame."""
    sock.sendall(_LENGTH.pack(len(frame)) + frame)


def _hold_memory(limit_mb: int) -> None:
    """Bound what this process may still take: an allocation beyond it fails, which ends the engine and so the process.

    Private memory (RLIMIT_DATA), not address space: maps of files and reserved space cost nothing. Linux only.
    """
    if not sys.platform.startswith("linux"):
        return
    import resource

    found = re.search(r"^VmData:\s+(\d+) kB", Path("/proc/self/status").read_text("ascii"), re.M)
    assert found is not None
    limit = (int(found[1]) << 10) + (limit_mb << 20)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _leave_network() -> None:
    """Leave the network where that is allowed: a second wall behind the refusal of ``SERVICE`` and ``LOAD``."""
    if not sys.platform.startswith("linux"):
        return
    unshare = ctypes.CDLL(None).unshare
    new_user, new_net = 0x10000000, 0x40000000
    if unshare(new_net):  # needs a privilege, which a user namespace gives where those are on
        unshare(new_user | new_net)


def _watch_parent(sock: socket.socket) -> None:
    """End this process when the server's end of the socket closes, even in the middle of a query."""

    def watch() -> None:
        poll = select.poll()
        poll.register(sock.fileno(), select.POLLHUP | getattr(select, "POLLRDHUP", 0))
        poll.poll()
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()
    if sys.platform.startswith("linux"):  # and with the process that started it, should that be killed first
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
