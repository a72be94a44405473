"""Worker processes: so many requests at a time, each with an end, a queue that is bounded, and the dead replaced."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import pickle
import shutil
import signal
import socket
import tempfile
import weakref
from collections import deque
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any, Final

from mlaoi_graph.server import forking, worker
from mlaoi_graph.server.link import Link
from mlaoi_graph.server.reply import Refusal, Reply, problem
from mlaoi_graph.snapshots import Hold, hold_newest

__all__ = ["Pool"]

_LOG: Final = logging.getLogger("mlaoi_graph.server")
_LONG: Final = 0.25
"""Seconds after which a request is one of the long ones, which give way to short ones."""
_PROCESSORS: Final = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
_SHORT_ONES: Final = max(2, _PROCESSORS) + 1
"""Short requests that run at a time. The one that is more than the processors runs while an answer is on its way and
its worker waits for the next request; with still more, each of them only takes longer."""
_ROOM: Final = 1.0
"""Seconds after which a long request may have to give way: on a busy machine a short one may take long, too."""
_RETRY: Final = 1.0
_SHOWN: Final = 300
"""Characters that are logged of what a worker said when it died, of the first ones and of the last."""
_START: Final = 60.0
_WARM: Final = 1800.0
_NO_MEMORY: Final = ("memory allocation of", "bad_alloc", "MemoryError", "capacity overflow")


@dataclass(slots=True, eq=False)
class _Worker:
    process: ForkServerProcess
    link: Link
    stderr: Path
    spool: Path
    pid: int
    answer: asyncio.Future[Reply] | None = None
    """What it is asked for."""
    begun: float = 0.0


@dataclass(slots=True)
class _Figures:
    """What is counted, for ``/metrics``."""

    started: int = 0
    killed: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(("timeout", "memory", "crash", "gone", "room"), 0)
    )


class _GaveWay(Exception):
    """A long request was stopped for a short one, and is to be asked again."""


class Pool:
    """A number of workers over one catalog directory.

    Short requests do not wait for long ones alone: where each of several workers has a long one and somebody waits, the
    last of these is stopped after a second, and asked again as soon as that leaves a worker to short ones. Workers that
    had to warm up, which others take the places of in :meth:`refresh`, are not stopped for that.

    ``warm`` is a task each worker runs before its first request. It may take long, so such workers stay with the
    snapshot that is the newest when the pool starts, until others have taken their places: see :meth:`refresh`.
    """

    def __init__(
        self,
        directory: Path,
        bounds: worker.Bounds,
        *,
        name: str,
        workers: int,
        queue: int,
        timeout: float,
        warm: worker.Task | None = None,
        niceness: int = 10,
    ) -> None:
        """``niceness`` is what long requests have on the processor."""
        self.name = name
        self.size = workers
        self.figures = _Figures()
        self._directory = directory
        self._bounds = bounds
        self._queue = queue
        self._timeout = timeout
        self._warm = warm
        self._niceness = niceness
        self._idle: list[_Worker] = []
        self._alive: set[_Worker] = set()
        self._waiting: deque[asyncio.Future[_Worker]] = deque()
        self._put_off: deque[asyncio.Future[_Worker]] = deque()
        """Those whose request is known to be long."""
        self._short = 0
        self._long: list[_Worker] = []
        """Workers with long requests, in the order in which these became long."""
        self._coming = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False
        # To be stopped between a folder and the note of it would leave it.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
        self._spool = Path(tempfile.mkdtemp(prefix=f"mlaoi-{name}-"))
        weakref.finalize(self, shutil.rmtree, self._spool, ignore_errors=True)  # should it never come to close
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        self._number = 0
        self._context = forking.start()
        self._starting = asyncio.Lock()
        self._held: Hold | None = None

    @property
    def alive(self) -> int:
        """How many workers there are now."""
        return len(self._alive)

    @property
    def busy(self) -> int:
        """How many of them answer something."""
        return len(self._alive) - len(self._idle)

    @property
    def waiting(self) -> int:
        """How many requests wait for one."""
        return len(self._waiting) + len(self._put_off)

    async def start(self) -> None:
        """Return when the first worker is ready, or at once if they have to warm up; the others follow."""
        if self._warm is None:
            await self._add()
        else:
            self._held = hold_newest(self._directory)[1]
        self.fill()

    def fill(self) -> None:
        """Start the workers there should be, without waiting for them."""
        for _ in range(self.size - len(self._alive)):
            self._later(self._replace())

    async def refresh(self) -> None:
        """Put workers of the newest snapshot in the places of those there are, all at once.

        So nobody is given an answer of an older state after one of a newer. What is under way is still answered.
        """
        held = None if self._warm is None else hold_newest(self._directory)[1]
        fresh: list[_Worker] = []
        try:
            while len(fresh) < self.size:
                fresh.append(await self._started(held))
        except BaseException:
            await asyncio.gather(*map(self._end, fresh))
            _release(held)
            raise
        for idle in self._idle:
            self._later(self._end(idle))
        self._idle.clear()
        self._alive = set(fresh)
        _release(self._held)
        self._held = held
        for one in fresh:
            self._offer(one)

    async def close(self) -> None:
        """End the workers, whatever they do."""
        self._closing = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(self._end(w) for w in list(self._alive)))
        _release(self._held)
        shutil.rmtree(self._spool, ignore_errors=True)

    async def run(self, task: worker.Task, /, **arguments: Any) -> Reply:
        """Return what a task answers, or the error of the limit it passed. Cancelled, the task is ended at once."""
        frame = pickle.dumps((task, arguments))
        try:
            one = self._free() if not self._waiting else None
            if one is None:
                one = await self._turn(self._waiting)
            while True:
                with contextlib.suppress(_GaveWay):
                    return await self._ask(one, frame)
                one = await self._turn(self._put_off)
        except Refusal as refusal:
            return refusal.reply()

    async def _ask(self, one: _Worker, frame: bytes) -> Reply:
        """Return what a worker answers. Raises _GaveWay."""
        loop = asyncio.get_running_loop()
        one.answer = answer = one.link.ask(frame)
        one.begun = loop.time()
        timers = [loop.call_later(self._timeout, _end_with, answer, TimeoutError())]
        if one in self._long:
            self._slow_down(one)
        else:
            timers += [loop.call_later(_LONG, self._is_long, one), loop.call_later(_ROOM, self._wake)]
        ended = ""
        try:
            reply = await answer
            if reply.mistake:
                _LOG.error("worker %d made a mistake: %s", one.pid, json.dumps(reply.mistake))
            return reply
        except TimeoutError:
            ended = "timeout"
            reason = f"it took longer than {self._timeout:g} s and was stopped. Ask for less, or use LIMIT"
            return problem(503, "timeout", reason)
        except OSError:
            ended, reply = await self._died(one)
            return reply
        except asyncio.CancelledError:
            ended = "gone"
            raise
        except _GaveWay:
            ended = "room"
            raise
        finally:
            for timer in timers:
                timer.cancel()
            if ended:
                self.figures.killed[ended] += 1
            if ended not in ("", "gone", "room"):  # who goes has a line of its own, and what gives way is no mistake
                _LOG.warning("worker %d ended: %s", one.pid, ended)
            self._give_back(one, ended=bool(ended))

    def _give_back(self, one: _Worker, *, ended: bool = False) -> None:
        """Have a worker free for the next, or another one in its place."""
        one.answer = None
        was_long = one in self._long
        if was_long:
            self._long.remove(one)
        else:
            self._short -= 1
        if not ended and one in self._alive and (not was_long or self._speed_up(one)):
            self._idle.append(one)
        else:
            self._alive.discard(one)
            self._later(self._end(one))
            self._later(self._replace())
        self._wake()

    async def _turn(self, line: deque[asyncio.Future[_Worker]]) -> _Worker:
        """Return a worker when it is one's turn. Raises Refusal if too many wait, or it takes too long."""
        if len(line) >= self._queue:
            raise Refusal(503, "busy", f"{len(line)} requests are waiting already. Try again in a while")
        place: asyncio.Future[_Worker] = asyncio.get_running_loop().create_future()
        line.append(place)
        self._wake()
        try:
            async with asyncio.timeout(self._timeout):
                return await place
        except (TimeoutError, asyncio.CancelledError) as error:
            if place in line:  # else the error would spell it out, which takes long
                line.remove(place)
            if place.done() and not place.cancelled():  # it came in the very moment
                self._give_back(place.result())
            if isinstance(error, TimeoutError):
                reason = f"no worker was free for {self._timeout:g} s. Try again in a while"
                raise Refusal(503, "busy", reason) from None
            raise

    def _free(self) -> _Worker | None:
        """Return a worker that may begin a short request now, if there is one."""
        one = self._unused() if self._short < _SHORT_ONES else None
        if one is not None:
            self._short += 1
        return one

    def _unused(self) -> _Worker | None:
        while self._idle:
            one = self._idle.pop()
            if not one.link.lost:
                return one
            self._alive.discard(one)  # it ended while it had nothing to do
            self._later(self._end(one))
            self._later(self._replace())
        return None

    def _offer(self, one: _Worker) -> None:
        self._idle.append(one)
        self._wake()

    def _wake(self) -> None:
        """Give free workers to those who have waited longest: first to long requests, as long as that leaves one."""
        for line in (self._put_off, self._waiting):
            while line:
                if line[0].done():
                    line.popleft()
                elif (one := self._free() if line is self._waiting else self._free_for_long()) is not None:
                    line.popleft().set_result(one)
                else:
                    break
        if self._waiting:
            self._make_room()

    def _free_for_long(self) -> _Worker | None:
        """Return a worker for a request that is known to be long, if there is one beside those for short ones."""
        one = self._unused() if len(self._long) < self.size - 1 else None
        if one is not None:
            self._long.append(one)
        return one

    def _make_room(self) -> None:
        """Stop the last of the long requests if there are no others."""
        if self._warm is not None or self.size < 2 or len(self._long) < self.size:
            return
        last = self._long[-1]
        # It has begun: those that are known to be long before they begin leave one worker to others.
        assert last.answer is not None
        if asyncio.get_running_loop().time() - last.begun >= _ROOM:
            _end_with(last.answer, _GaveWay())

    async def _died(self, one: _Worker) -> tuple[str, Reply]:
        """Return why a worker died under a request, and what to say."""
        await asyncio.to_thread(one.process.join, 5)
        said = one.stderr.read_text("utf-8", "replace").strip() if one.stderr.exists() else ""
        # The engine says what happened before its many stack frames, Python says it last.
        shown = said if len(said) <= 2 * _SHOWN else f"{said[:_SHOWN]} ... {said[-_SHOWN:]}"
        _LOG.warning("worker %d died (exit code %s): %s", one.pid, one.process.exitcode, json.dumps(shown))
        if any(word in said for word in _NO_MEMORY):
            return "memory", worker.out_of_memory(self._bounds.memory_mb)
        if "overflowed its stack" in said or one.process.exitcode == -signal.SIGSEGV:
            return "crash", problem(400, "nesting", "it is too large or nested too deeply for the engine. Ask for less")
        return "crash", problem(503, "crash", "the engine ended while answering, and was started again")

    # -- workers ----------------------------------------------------------------------------------------------

    async def _add(self) -> None:
        self._coming += 1
        held = self._held
        try:
            one = await self._started(held)
        finally:
            self._coming -= 1
        if held is not self._held:  # those there are now are of a newer snapshot
            await self._end(one)
            return
        self._alive.add(one)
        self._offer(one)

    async def _replace(self) -> None:
        while not self._closing and len(self._alive) + self._coming < self.size:
            try:
                await self._add()
            except Exception as error:  # noqa: BLE001 - whatever it is, the next try may work: it has to go on
                _LOG.error("no worker could be started: %s", error)
                await asyncio.sleep(_RETRY)

    async def _started(self, held: Hold | None) -> _Worker:
        async with self._starting:
            one = await self._begun(None if held is None else held.snapshot)
        self.figures.started += 1
        return one

    async def _begun(self, snapshot: Path | None) -> _Worker:
        self._number += 1
        ours, theirs = socket.socketpair()
        stderr, spool = self._spool / f"{self._number}.err", self._spool / f"{self._number}.out"
        process = self._context.Process(
            target=worker.main,
            args=(theirs, str(stderr), self._directory, self._bounds, spool, self._warm, snapshot),
            daemon=True,
        )
        with theirs:
            await asyncio.to_thread(process.start)
        link = Link()
        ready = link.expect()
        await asyncio.get_running_loop().create_unix_connection(lambda: link, sock=ours)
        assert process.pid is not None
        one = _Worker(process, link, stderr, spool, process.pid)
        try:
            async with asyncio.timeout(_START if self._warm is None else _WARM):
                reply = await ready
        except (TimeoutError, OSError):
            said = stderr.read_text("utf-8", "replace")[-2000:] if stderr.exists() else ""
            await self._end(one)
            raise RuntimeError(f"a worker ended at its start: {said}") from None
        if reply.status != 200:
            _LOG.error(
                "worker %d starts without having warmed up: %s",
                one.pid,
                json.dumps(reply.mistake or reply.body.decode()),
            )
        return one

    async def _end(self, one: _Worker) -> None:
        self._alive.discard(one)
        with contextlib.suppress(ProcessLookupError):
            one.process.kill()
        one.link.close()
        await asyncio.to_thread(one.process.join, 5)
        for path in (one.spool, one.stderr):
            path.unlink(missing_ok=True)

    def _later(self, work: Any) -> None:
        if self._closing:
            work.close()
            return
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _is_long(self, one: _Worker) -> None:
        """Let another request begin beside one that has become a long one."""
        self._short -= 1
        self._long.append(one)
        self._slow_down(one)
        self._wake()

    def _slow_down(self, one: _Worker) -> None:
        """Let short requests go first on the processor."""
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, one.pid, max(self._niceness, _niceness()))

    def _speed_up(self, one: _Worker) -> bool:
        """Return whether a worker could be made as fast as before: not everybody may do that."""
        try:
            os.setpriority(os.PRIO_PROCESS, one.pid, _niceness())
        except OSError:
            return False
        return True


def _release(held: Hold | None) -> None:
    if held is not None:
        held.release()


def _niceness() -> int:
    """Return what the server has on the processor, which whoever started it may have chosen."""
    return os.getpriority(os.PRIO_PROCESS, 0)


def _end_with(answer: asyncio.Future[Reply], error: Exception) -> None:
    if not answer.done():
        answer.set_exception(error)
