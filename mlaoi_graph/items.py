"""What was made once for a snapshot, STAC documents first of all, in a file beside it that all processes read and fill.

A document is read from the graph in some 5 ms, a hundred of a page in half a second. The file is derived: one that is
damaged, or of another state, is made again, and where none can be written it is in memory.

After a change of a few documents, the next snapshot's file begins with what the last one's has, and with the nodes that
those documents speak of. It is not read until somebody has thrown out what was made of what is no longer so
(:meth:`Kept.settle`).
"""

from __future__ import annotations

import contextlib
import itertools
import secrets
import sqlite3
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

import orjson
from pyoxigraph import NamedNode

from mlaoi_graph import __version__
from mlaoi_graph.rdf import EDGE_PROPERTIES, INFERRED_GRAPH
from mlaoi_graph.stores import Store
from mlaoi_graph.vocab import MLAOI

__all__ = ["UNREADABLE", "Kept", "carry_over", "key_of"]

UNREADABLE: Final = (sqlite3.Error, zlib.error)
"""What reading a file that is damaged, or locked for long, raises."""

_OF_NODES: Final = ("items", "spoken", "made_of", "sayings", "standings")
"""Tables that are carried over: documents and their words by node, the inputs each was made of, and those inputs."""
_TABLES: Final = (*_OF_NODES, "areas", "places", "lists")
_LAYOUT: Final = f"6 {__version__}"
"""Documents are as this version makes them."""
_MOST: Final = 500
"""Keys in one statement."""
_PATIENT: Final = 2.0
"""Seconds that another process may take to begin the file, or to write for who has time."""
_BUSY_MS: Final = 50
"""Milliseconds a process may take to write; what cannot be kept in that time is not kept, as somebody waits for it."""
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
        self._settled = False
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
        database = sqlite3.connect(path, timeout=_PATIENT, isolation_level=None)
        wanted = f"{_LAYOUT} {state}"
        try:
            database.execute("PRAGMA journal_mode=WAL")
            database.execute("PRAGMA synchronous=NORMAL")
            if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'about'").fetchone():
                database.execute("BEGIN IMMEDIATE")
                _lay_out(database)
                if not database.execute("SELECT 1 FROM about").fetchone():  # another was faster
                    database.execute("INSERT INTO about VALUES (?, ?)", (secrets.token_hex(12), wanted))
                database.execute("COMMIT")
            found = database.execute("SELECT site, state FROM about").fetchone()
            if found is None or found[1] != wanted:
                raise sqlite3.DatabaseError("of another state")
            database.execute(f"PRAGMA busy_timeout={_BUSY_MS}")
        except sqlite3.Error:
            database.close()
            raise
        return found[0], database

    @property
    def is_shared(self) -> bool:
        """Whether other processes see what is kept here."""
        return bool(self._database.execute("PRAGMA database_list").fetchone()[2])

    def patient(self) -> None:
        """Wait from now on for others that write: for who keeps more than it is asked for."""
        self._database.execute(f"PRAGMA busy_timeout={int(_PATIENT * 1000)}")

    def told(self, text: bytes, site: str) -> bytes:
        """Return a text with the address it is told at."""
        return text.replace(self.site.encode(), orjson.dumps(site)[1:-1])

    def get(self, table: str, keys: Sequence[int]) -> dict[int, bytes]:
        """Return those of some texts that are there."""
        found: dict[int, bytes] = {}
        with contextlib.suppress(*UNREADABLE):
            if not self._is_settled():
                return found
            for at, body in self._rows(f"SELECT at, body FROM {table}", keys):
                found[at] = zlib.decompress(body)
        return found

    def put(self, tables: Mapping[str, Mapping[int, bytes]]) -> None:
        """Keep texts, by table and number: all or none."""
        with contextlib.suppress(sqlite3.Error):
            if self._is_settled():
                rows = _packed(tables)
                with self._change():
                    self._write("IGNORE", rows)

    def once(self, name: str, make: Callable[[], Any]) -> Any:
        """Return a value of JSON that is made once, and kept."""
        key = key_of(name)
        found = self.get("lists", [key])
        if not found:
            found = {key: orjson.dumps(make())}
            self.put({"lists": found})
        return orjson.loads(found[key])

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

    def _is_settled(self) -> bool:
        if not self._settled:
            self._settled = self._database.execute("SELECT 1 FROM mentioned LIMIT 1").fetchone() is None
        return self._settled

    @property
    def mentioned(self) -> dict[str, bool]:
        """What changed documents speak of, and whether they say something of it; nothing once that is settled.

        Raises what is in :data:`UNREADABLE`, as :meth:`all` and :meth:`settle`.
        """
        return {iri: bool(is_owner) for iri, is_owner in self._database.execute("SELECT iri, is_owner FROM mentioned")}

    def all(self, table: str) -> Iterator[tuple[int, bytes]]:
        """Iterate over all texts of a table, by number."""
        return ((at, zlib.decompress(body)) for at, body in self._database.execute(f"SELECT at, body FROM {table}"))

    def empty(self) -> None:
        """Throw out everything."""
        with self._change():
            for table in (*_TABLES, "mentioned"):
                self._database.execute(f"DELETE FROM {table}")

    def settle(self, stale: Iterable[int], tables: Mapping[str, Mapping[int, bytes]]) -> None:
        """Throw out documents, and note what their inputs are now. Until that is done nothing is read or kept.

        Several processes may do it at once, with the same outcome.
        """
        rows = _packed(tables)
        with self._change():
            for table in ("items", "spoken", "made_of"):
                self._database.executemany(f"DELETE FROM {table} WHERE at = ?", [(at,) for at in stale])
            self._write("REPLACE", rows)
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

    def _write(self, otherwise: str, tables: Mapping[str, Sequence[tuple[int, bytes]]]) -> None:
        for table, rows in tables.items():
            self._database.executemany(f"INSERT OR {otherwise} INTO {table} VALUES (?, ?)", rows)


def _packed(tables: Mapping[str, Mapping[int, bytes]]) -> dict[str, list[tuple[int, bytes]]]:
    return {table: [(at, zlib.compress(text, 1)) for at, text in made.items()] for table, made in tables.items()}


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
            elif quad.predicate.value in EDGE_PROPERTIES and isinstance(quad.subject, NamedNode):
                mentioned[quad.subject.value] = True  # an update may write an edge alone
    _remove(path)
    try:
        _copy(old, path, state, mentioned)
    except sqlite3.Error:
        _remove(path)


def _lay_out(database: sqlite3.Connection) -> None:
    for table in _TABLES:
        database.execute(f"CREATE TABLE IF NOT EXISTS {table} (at INTEGER PRIMARY KEY, body BLOB)")
    database.execute("CREATE TABLE IF NOT EXISTS mentioned (iri TEXT PRIMARY KEY, is_owner INTEGER)")
    database.execute("CREATE TABLE IF NOT EXISTS about (site TEXT, state TEXT)")


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
        _lay_out(database)
        for table in _OF_NODES:
            # What nobody noted the inputs of, as a dataset's collection, is made again.
            known = " WHERE at IN (SELECT at FROM old.made_of)" if table in ("items", "spoken") else ""
            database.execute(f"INSERT INTO {table} SELECT at, body FROM old.{table}{known}")
        database.execute("INSERT INTO mentioned SELECT iri, is_owner FROM old.mentioned")
        last = "ON CONFLICT (iri) DO UPDATE SET is_owner = max(is_owner, excluded.is_owner)"
        database.executemany(f"INSERT INTO mentioned VALUES (?, ?) {last}", list(mentioned.items()))
        database.execute("INSERT INTO about VALUES (?, ?)", (said[0][0], f"{_LAYOUT} {state}"))
        database.execute("COMMIT")
