"""Documents that were made once for a snapshot, in a file beside it that all workers read and fill.

A document is read from the graph in some 5 ms, a hundred of a page in half a second. The file is derived: one that is
damaged, or of another state, is made again, and where none can be written it is in memory.
"""

from __future__ import annotations

import contextlib
import secrets
import sqlite3
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import orjson

from mlaoi_graph import __version__

__all__ = ["Kept"]

_TABLES: Final = ("items", "areas", "places", "lists", "spoken")
_LAYOUT: Final = f"2 {__version__}"
"""Documents are as this version makes them."""
_MOST: Final = 500
"""Keys in one statement."""
_BUSY: Final = 2.0
"""Seconds another worker may take to write."""


class Kept:
    """Texts by table and number.

    The address of the server differs by request. ``site`` stands for it in what is kept: a word that nobody knows, and
    so nobody can have put into a document.
    """

    def __init__(self, file: tuple[Path, str] | None) -> None:
        path, state = file or (Path(":memory:"), "")
        try:
            self.site, self._database = self._opened(str(path), state)
        except sqlite3.Error:
            try:
                for suffix in ("", "-wal", "-shm"):
                    path.with_name(path.name + suffix).unlink(missing_ok=True)
                self.site, self._database = self._opened(str(path), state)
            except (sqlite3.Error, OSError):
                self.site, self._database = self._opened(":memory:", state)

    @staticmethod
    def _opened(path: str, state: str) -> tuple[str, sqlite3.Connection]:
        database = sqlite3.connect(path, timeout=_BUSY, isolation_level=None)
        try:
            database.execute("PRAGMA journal_mode=WAL")
            database.execute("PRAGMA synchronous=NORMAL")
            database.execute("BEGIN IMMEDIATE")
            for table in _TABLES:
                database.execute(f"CREATE TABLE IF NOT EXISTS {table} (at INTEGER PRIMARY KEY, body BLOB)")
            database.execute("CREATE TABLE IF NOT EXISTS about (site TEXT, state TEXT)")
            wanted = f"{_LAYOUT} {state}"
            found = database.execute("SELECT site, state FROM about").fetchone()
            if found is None:
                found = secrets.token_hex(12), wanted
                database.execute("INSERT INTO about VALUES (?, ?)", found)
            if found[1] != wanted:
                raise sqlite3.DatabaseError("of another state")
            database.execute("COMMIT")
        except sqlite3.Error:
            database.close()
            raise
        return found[0], database

    def told(self, text: bytes, site: str) -> bytes:
        """Return a text with the address it is told at."""
        return text.replace(self.site.encode(), orjson.dumps(site)[1:-1])

    def get(self, table: str, keys: Sequence[int]) -> dict[int, bytes]:
        """Return those of some texts that are there."""
        found: dict[int, bytes] = {}
        with contextlib.suppress(sqlite3.Error, zlib.error):
            for at, body in self._rows(f"SELECT at, body FROM {table}", keys):
                found[at] = zlib.decompress(body)
        return found

    def put(self, tables: Mapping[str, Mapping[int, bytes]]) -> None:
        """Keep texts, by table and number: all or none."""
        with contextlib.suppress(sqlite3.Error):
            self._database.execute("BEGIN IMMEDIATE")
            for table, made in tables.items():
                rows = [(at, zlib.compress(text, 1)) for at, text in made.items()]
                self._database.executemany(f"INSERT OR IGNORE INTO {table} VALUES (?, ?)", rows)
            self._database.execute("COMMIT")

    def missing(self, table: str, keys: Sequence[int]) -> list[int]:
        """Return those of some numbers that nothing is kept of."""
        there: set[int] = set()
        with contextlib.suppress(sqlite3.Error):
            there.update(at for (at,) in self._rows(f"SELECT at FROM {table}", keys))
        return [at for at in keys if at not in there]

    def _rows(self, select: str, keys: Sequence[int]) -> Iterable[tuple[Any, ...]]:
        for begin in range(0, len(keys), _MOST):
            some = ",".join(map(str, keys[begin : begin + _MOST]))
            yield from self._database.execute(f"{select} WHERE at IN ({some})")
