"""Numbered, finished states of a catalog directory: what readers open, and the writer never changes again."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from mlaoi_graph.errors import CatalogDamaged, CatalogError
from mlaoi_graph.manifest import NAME, Manifest
from mlaoi_graph.stores import Store
from mlaoi_graph.stores.oxigraph import OxigraphStore

if TYPE_CHECKING:
    from mlaoi_graph.queries.columns import Columns

if sys.platform != "win32":
    import fcntl

__all__ = [
    "Hold",
    "footprints_of",
    "hold_newest",
    "items_of",
    "lineage_file",
    "open_newest",
    "open_snapshot",
    "prune",
    "publish",
    "snapshot_at",
]


class Hold:
    """Keeps a snapshot from being removed while it is read; ends with the process at the latest."""

    def __init__(self, snapshot: Path) -> None:
        self.snapshot = snapshot
        # RocksDB opens its files when it needs them, so a snapshot has to stay as long as somebody reads it.
        self._file: int | None = None
        if sys.platform != "win32" and _lock_of(snapshot).exists():
            self._file = os.open(_lock_of(snapshot), os.O_RDONLY)
            fcntl.flock(self._file, fcntl.LOCK_SH)

    def release(self) -> None:
        """Let go; releasing twice does nothing."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def open_newest(directory: Path) -> tuple[Manifest, Store, Hold | None]:
    """Return a directory's manifest, its newest snapshot and the hold on it; an empty store before the first ingest.

    Raises CatalogNotFound, CatalogDamaged.
    """
    manifest, hold = hold_newest(directory)
    return manifest, OxigraphStore() if hold is None else OxigraphStore(hold.snapshot, read_only=True), hold


def hold_newest(directory: Path) -> tuple[Manifest, Hold | None]:
    """Return a directory's manifest and a hold on its newest snapshot, without opening that; None before the first.

    Raises CatalogNotFound, CatalogDamaged.
    """
    manifest = Manifest.read(directory)
    while manifest.snapshot:
        snapshot = directory / "snapshots" / str(manifest.snapshot)
        hold = Hold(snapshot) if snapshot.parent.is_dir() else None
        if snapshot.is_dir():
            return manifest, hold
        if hold is not None:
            hold.release()
        # The writer may have published a newer one, and removed this one, since the manifest was read.
        newer = Manifest.read(directory)
        if newer.snapshot == manifest.snapshot:
            raise CatalogDamaged(str(directory), f"snapshots/{manifest.snapshot} is missing", "Build the catalog again")
        manifest = newer
    return manifest, None


def snapshot_at(path: Path) -> tuple[Path, int] | None:
    """Return the catalog directory and the number of a snapshot's own folder; None for any other path."""
    whole = path.resolve()
    if not whole.name.isdigit() or whole.parent.name != "snapshots":
        return None
    directory = whole.parent.parent
    return (directory, int(whole.name)) if (directory / NAME).exists() else None


def open_snapshot(directory: Path, number: int) -> tuple[Manifest, Store, Hold]:
    """Return what :func:`open_newest` does, of a snapshot that need not be the newest. Raises CatalogError."""
    manifest = Manifest.read(directory).with_(snapshot=number)
    snapshot = directory / "snapshots" / str(number)
    hold = Hold(snapshot)
    if not snapshot.is_dir():
        hold.release()
        there = ", ".join(map(str, sorted(_numbers(directory)))) or "none"
        raise CatalogError(
            str(snapshot), "no such snapshot", f"There are: {there}. Only the newest is kept, and what is being read"
        )
    return manifest, OxigraphStore(snapshot, read_only=True), hold


def publish(
    store: OxigraphStore,
    directory: Path,
    manifest: Manifest,
    columns: Columns,
    documents: Collection[str] | None = None,
) -> None:
    """Make the store as it is now the newest snapshot.

    ``columns`` are its edges; ``documents`` those it differs by from the last one, None for all.
    """
    if documents is None:
        store.compact()
    number = max([manifest.snapshot, *_numbers(directory)]) + 1
    _lock_of(directory / "snapshots" / str(number)).touch()
    store.snapshot(directory / "snapshots" / str(number))
    columns.save(lineage_file(directory, number))
    if documents is not None:
        _follow(store, directory, manifest.snapshot, number, documents)
    manifest.with_(snapshot=number).write(directory)


def _follow(store: OxigraphStore, directory: Path, old: int, number: int, documents: Collection[str]) -> None:
    """Bring what was made of the last snapshot to the state of the next; what nobody asked for stays unmade."""
    has_items, has_footprints = ((directory / "snapshots" / f"{old}.{of}").is_file() for of in ("items", "footprints"))
    if not has_items and not has_footprints:
        return
    before = OxigraphStore(directory / "snapshots" / str(old), read_only=True)
    if has_items:
        from mlaoi_graph.items import carry_over

        carry_over(items_of(directory, old), items_of(directory, number), (before, store), documents)
    if has_footprints:
        from mlaoi_graph.footprints import Footprints

        files = footprints_of(directory, old), footprints_of(directory, number)
        Footprints.follow(files[0], before, files[1], store, directory / "samples", documents)


def footprints_of(directory: Path, number: int) -> tuple[Path, str]:
    """Return where the footprints of a snapshot are kept, and the state of it they have to be of.

    A snapshot's files never change; their names and sizes tell it from one of the same number in a directory that was
    built again.
    """
    snapshot = directory / "snapshots" / str(number)
    files = sorted((f.name, f.stat().st_size) for f in snapshot.iterdir() if f.suffix in (".sst", ".log"))
    digest = hashlib.sha256(repr(files).encode()).hexdigest()[:16]
    return snapshot.with_name(f"{number}.footprints"), f"{number} {digest}"


def items_of(directory: Path, number: int) -> tuple[Path, str]:
    """Return where STAC documents made of a snapshot are kept, and the state of it they have to be of."""
    footprints, version = footprints_of(directory, number)
    return footprints.with_suffix(".items"), version


def prune(directory: Path) -> bool:
    """Remove the snapshots that are not the newest and that nobody reads; return whether no other is left."""
    newest = Manifest.read(directory).snapshot
    for number in _numbers(directory):
        if number != newest:
            _remove_if_unread(directory / "snapshots" / str(number))
    return all(number == newest for number in _numbers(directory))


def _numbers(directory: Path) -> list[int]:
    snapshots = directory / "snapshots"
    snapshots.mkdir(exist_ok=True)
    return [int(entry.name) for entry in snapshots.iterdir() if entry.name.isdigit()]


def lineage_file(directory: Path, number: int) -> Path:
    """Return where the edges of a snapshot are kept as arrays."""
    return directory / "snapshots" / f"{number}.lineage"


def _remove_if_unread(snapshot: Path) -> None:
    if sys.platform == "win32":
        _remove(snapshot)
        return
    lock = os.open(_lock_of(snapshot), os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    else:
        _remove(snapshot)
        _lock_of(snapshot).unlink(missing_ok=True)
    finally:
        os.close(lock)


def _remove(snapshot: Path) -> None:
    shutil.rmtree(snapshot, ignore_errors=True)
    for suffix in ("footprints", "lineage", "items", "items-wal", "items-shm"):
        with suppress(OSError):  # Windows removes no file that is open
            snapshot.with_name(f"{snapshot.name}.{suffix}").unlink(missing_ok=True)


def _lock_of(snapshot: Path) -> Path:
    return snapshot.with_name(f"{snapshot.name}.lock")
