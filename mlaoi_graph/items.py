"""STAC documents that were made once for a snapshot, in a file beside it that all workers read and fill.

A document is read from the graph in some 5 ms, a hundred of a page in half a second. The file is derived: one that is
damaged, or of another state, is made again, and where none can be written it is in memory.

After a change of a few documents, the next snapshot's file begins with what the last one's has, and with the nodes that
those documents speak of. Who opens it first throws out what was made of what is no longer so (:meth:`Kept.settle`).
"""

from __future__ import annotations

import contextlib
import itertools
import secrets
import sqlite3
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

import orjson
from pyoxigraph import NamedNode

from mlaoi_graph import __version__
from mlaoi_graph.rdf import INFERRED_GRAPH
from mlaoi_graph.stores import Store
from mlaoi_graph.vocab import MLAOI

__all__ = ["UNREADABLE", "Kept", "carry_over", "key_of"]

UNREADABLE: Final = (sqlite3.Error, zlib.error)
"""What reading a file that is damaged, or locked for long, raises."""

_OF_NODES: Final = ("items", "spoken", "made_of", "sayings", "standings", "called")
"""Tables that are carried over: documents and their words by node, the inputs each was made of, those inputs, and the
identifiers of all nodes of a kind."""
_TABLES: Final = (*_OF_NODES, "areas", "places", "lists")
_LAYOUT: Final = f"4 {__version__}"
"""Documents are as this version makes them."""
_MOST: Final = 500
"""Keys in one statement."""
_BUSY: Final = 2.0
"""Seconds another worker may take to write."""
_FEW: Final = 2000
"""Documents in a change that is looked into; after a larger one all is made again."""
_OWNERS: Final = frozenset({MLAOI.describes, MLAOI.ofModel, MLAOI.ofDerived, MLAOI.ofSubject})
"""Lead to a node whose own document says something else when what says this changes."""


def key_of(text: str) -> int:
    """Return what something is kept under."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big", signed=True)


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
                _remove(path)
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
            database.execute("CREATE TABLE IF NOT EXISTS mentioned (iri TEXT PRIMARY KEY, is_owner INTEGER)")
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
        with contextlib.suppress(*UNREADABLE):
            for at, body in self._rows(f"SELECT at, body FROM {table}", keys):
                found[at] = zlib.decompress(body)
        return found

    def put(self, tables: Mapping[str, Mapping[int, bytes]]) -> None:
        """Keep texts, by table and number: all or none."""
        with contextlib.suppress(sqlite3.Error), self._change():
            self._write("IGNORE", tables)

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

    # -- after a change -------------------------------------------------------------------------------------------

    @property
    def mentioned(self) -> dict[str, bool]:
        """What changed documents speak of, and whether they say something of it; nothing once that is settled.

        Raises what is in :data:`UNREADABLE`, as :meth:`all` and :meth:`settle`.
        """
        return {iri: bool(is_owner) for iri, is_owner in self._database.execute("SELECT iri, is_owner FROM mentioned")}

    def all(self, table: str) -> Iterator[tuple[int, bytes]]:
        """Iterate over all texts of a table, by number."""
        return ((at, zlib.decompress(body)) for at, body in self._database.execute(f"SELECT at, body FROM {table}"))

    def settle(self, stale: Iterable[int], tables: Mapping[str, Mapping[int, bytes]]) -> None:
        """Throw out documents, and note what their inputs are now. If that fails nothing here is usable.

        Several workers may do it at once, with the same outcome.
        """
        with self._change():
            for table in ("items", "spoken", "made_of"):
                self._database.executemany(f"DELETE FROM {table} WHERE at = ?", [(at,) for at in stale])
            self._write("REPLACE", tables)
            self._database.execute("DELETE FROM mentioned")

    @contextlib.contextmanager
    def _change(self) -> Iterator[None]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    def _write(self, otherwise: str, tables: Mapping[str, Mapping[int, bytes]]) -> None:
        for table, made in tables.items():
            rows = [(at, zlib.compress(text, 1)) for at, text in made.items()]
            self._database.executemany(f"INSERT OR {otherwise} INTO {table} VALUES (?, ?)", rows)


def carry_over(
    old: tuple[Path, str], new: tuple[Path, str], stores: tuple[Store, Store], documents: Collection[str]
) -> None:
    """Begin a snapshot's file with what the last one's has of nodes, and what has to be looked at again.

    ``stores`` are the two states, ``documents`` those that may differ; after a change of many nothing is carried over.
    """
    path, state = new
    if len(documents) > _FEW or not old[0].is_file():
        return
    mentioned = {INFERRED_GRAPH: False}  # something to settle, whatever the documents say
    for document in documents:
        was, now = (set(store.match(graph=document)) for store in stores)
        if was == now:
            continue
        described = (quad for store in stores for quad in store.match(document, MLAOI.describes))
        for quad in itertools.chain(was, now, described):
            for term in (quad.subject, quad.object):
                if isinstance(term, NamedNode):
                    mentioned.setdefault(term.value, False)
            if quad.predicate.value in _OWNERS and isinstance(quad.object, NamedNode):
                mentioned[quad.object.value] = True
    _remove(path)
    try:
        _copy(old, path, state, mentioned)
    except sqlite3.Error:
        _remove(path)


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _copy(old: tuple[Path, str], path: Path, state: str, mentioned: Mapping[str, bool]) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=NORMAL")
        database.execute("ATTACH ? AS old", (str(old[0]),))
        database.execute("BEGIN IMMEDIATE")
        said = database.execute("SELECT site, state FROM old.about").fetchall()
        if [row[1] for row in said] != [f"{_LAYOUT} {old[1]}"]:
            raise sqlite3.DatabaseError("of another state")
        for table in _OF_NODES:
            database.execute(f"CREATE TABLE {table} (at INTEGER PRIMARY KEY, body BLOB)")
            # What nobody noted the inputs of, as a dataset's collection, is made again.
            known = " WHERE at IN (SELECT at FROM old.made_of)" if table in ("items", "spoken") else ""
            database.execute(f"INSERT INTO {table} SELECT at, body FROM old.{table}{known}")
        database.execute("CREATE TABLE mentioned (iri TEXT PRIMARY KEY, is_owner INTEGER)")
        database.execute("INSERT INTO mentioned SELECT iri, is_owner FROM old.mentioned")
        last = "ON CONFLICT (iri) DO UPDATE SET is_owner = max(is_owner, excluded.is_owner)"
        database.executemany(f"INSERT INTO mentioned VALUES (?, ?) {last}", list(mentioned.items()))
        database.execute("CREATE TABLE about (site TEXT, state TEXT)")
        database.execute("INSERT INTO about VALUES (?, ?)", (said[0][0], f"{_LAYOUT} {state}"))
        database.execute("COMMIT")
