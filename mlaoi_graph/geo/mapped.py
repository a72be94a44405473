"""Named arrays in one file that opens by memory map; every block is checked before it is first read."""

from __future__ import annotations

import json
import mmap
import os
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mlaoi_graph.errors import IndexDamaged

__all__ = ["Array", "Mapped", "distinct", "ragged", "runs", "write"]

Array: TypeAlias = NDArray[Any]

_MAGIC: Final = b"MLAOI-1\n"
_BLOCK: Final = 1 << 16
"""Bytes a checksum stands for: what a first look at one row costs, against a table of 4 bytes a block."""
_ALIGN: Final = 64
_START: Final = len(_MAGIC) + 12


def distinct(values: Array) -> Array:
    """Return the values in order, each once; ``numpy.unique`` hashes them, which takes several times as long.

    >>> distinct(np.array([3, 1, 3])).tolist()
    [1, 3]
    """
    ordered = np.sort(values)
    kept = np.ones(len(ordered), dtype=bool)
    kept[1:] = ordered[1:] != ordered[:-1]
    found: Array = ordered[kept]
    return found


def write(path: Path, arrays: Mapping[str, Array], *, note: str = "") -> None:
    """Write arrays to a file, which appears only when it is complete; ``note`` says what it is of.

    Two processes that write the same file do not disturb each other: the last one stays.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            _write(file, arrays, note)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _write(file: BinaryIO, arrays: Mapping[str, Array], note: str) -> None:
    described = []
    sums: list[int] = []
    end = 0
    for name, array in arrays.items():
        described.append([name, array.dtype.str, list(array.shape), end])
        raw = _bytes(array)
        sums.extend(zlib.crc32(raw[at : at + _BLOCK]) for at in range(0, len(raw), _BLOCK))
        end += len(raw) + -len(raw) % _ALIGN
    table = np.array(sums, dtype="<u4").tobytes()
    head = json.dumps({"note": note, "bytes": end, "arrays": described}).encode()
    head += b" " * (-(_START + len(head) + len(table)) % _ALIGN)
    start = np.array([len(head), len(table), zlib.crc32(head + table)], dtype="<u4").tobytes()
    for piece in (_MAGIC, start, head, table):
        file.write(piece)
    for array in arrays.values():
        raw = _bytes(array)
        file.write(raw)
        file.write(bytes(-len(raw) % _ALIGN))


def _bytes(array: Array) -> memoryview:
    flat: Any = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    return memoryview(flat)


class Mapped:
    """Arrays that were written by :func:`write`, read only as far as they are looked at.

    Raises IndexDamaged, when opened or later, where the bytes are not those that were written. What was opened stays
    readable when the file is replaced.
    """

    def __init__(self, path: Path) -> None:
        self._name = str(path)
        try:
            with path.open("rb") as file:
                raw = np.frombuffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), dtype=np.uint8)
        except (OSError, ValueError) as error:  # mmap's word for an empty file is ValueError
            raise IndexDamaged(self._name, str(error)) from error
        if len(raw) < _START or raw[: len(_MAGIC)].tobytes() != _MAGIC:
            raise IndexDamaged(self._name, "not an index of this version")
        size, sums, check = (int(number) for number in raw[len(_MAGIC) : _START].view("<u4"))
        head = raw[_START : _START + size + sums].tobytes()
        if zlib.crc32(head) != check:
            raise IndexDamaged(self._name, "its first bytes are not those that were written")
        described = json.loads(head[:size])
        body = raw[_START + size + sums :]
        if len(body) != described["bytes"]:
            raise IndexDamaged(self._name, f"{len(body)} bytes of data instead of {described['bytes']}")
        self.note: str = described["note"]
        self._arrays: dict[str, Array] = {}
        self._sums: dict[str, list[int]] = {}
        self._unchecked: dict[str, Array] = {}
        table = np.frombuffer(head[size:], dtype="<u4").tolist()
        for name, dtype, shape, at in described["arrays"]:
            length = int(np.prod(shape)) * np.dtype(dtype).itemsize
            blocks = -(-length // _BLOCK)
            self._arrays[name] = body[at : at + length].view(dtype).reshape(shape)
            self._sums[name], table = table[:blocks], table[blocks:]
            if blocks:
                self._unchecked[name] = np.ones(blocks, dtype=bool)

    @classmethod
    def in_memory(cls, arrays: Mapping[str, Array], *, note: str = "") -> Mapped:
        """Return arrays as if they had been written and opened."""
        made = cls.__new__(cls)
        made._name = "in memory"
        made.note = note
        made._arrays = dict(arrays)
        made._sums = {}
        made._unchecked = {}
        return made

    def _check(self, name: str, blocks: Array) -> None:
        unchecked = self._unchecked[name]
        raw = _bytes(self._arrays[name])
        for block in distinct(blocks[unchecked[blocks]]).tolist():
            if zlib.crc32(raw[block * _BLOCK : (block + 1) * _BLOCK]) != self._sums[name][block]:
                raise IndexDamaged(self._name, f"{name} is not what was written, from byte {block * _BLOCK} on")
            unchecked[block] = False
        if not unchecked.any():
            del self._unchecked[name]

    def _check_between(self, name: str, first: Array, last: Array) -> None:
        """Check all blocks from those of the first bytes to those of the last."""
        unchecked = self._unchecked.get(name)
        if unchecked is None:
            return
        first, last = first // _BLOCK, last // _BLOCK
        if unchecked[first].any() or unchecked[last].any():
            self._check(name, np.concatenate((first, last)))
        long = last > first + 1
        if long.any() and name in self._unchecked:
            runs = zip(first[long].tolist(), last[long].tolist(), strict=True)
            self._check(name, np.concatenate([np.arange(a, b) for a, b in runs]))

    def __contains__(self, name: str) -> bool:
        """Return whether there is such an array."""
        return name in self._arrays

    def length(self, name: str) -> int:
        """Return how many rows an array has."""
        return len(self._arrays[name])

    def whole(self, name: str) -> Array:
        """Return an array, as it lies in the file."""
        if name in self._unchecked:
            self._check(name, np.arange(len(self._sums[name])))
        return self._arrays[name]

    def take(self, name: str, rows: Array) -> Array:
        """Return some rows of an array."""
        array = self._arrays[name]
        if len(rows):
            width = array.nbytes // len(array)
            first = rows.astype(np.int64) * width
            self._check_between(name, first, first + width - 1)
        taken: Array = array[rows]
        return taken

    def pieces(self, name: str, rows: Array) -> list[bytes]:
        """Return some rows of what :func:`ragged` made of byte strings."""
        starts, stops = self._ends(name, rows)
        filled = stops > starts
        self._check_between(f"{name}.data", starts[filled], stops[filled] - 1)
        view = _bytes(self._arrays[f"{name}.data"])
        return [view[a:b].tobytes() for a, b in zip(starts.tolist(), stops.tolist(), strict=True)]

    def runs(self, name: str, rows: Array) -> tuple[Array, Array]:
        """Return the numbers of some rows of what :func:`runs` made.

        First, for each number, the place of its row in ``rows``; then the numbers.
        """
        starts, stops = self._ends(name, rows)
        count = stops - starts
        place = np.repeat(np.arange(len(rows)), count)
        within = np.arange(len(place)) - np.repeat(np.cumsum(count) - count, count)
        return place, self.take(f"{name}.data", np.repeat(starts, count) + within)

    def _ends(self, name: str, rows: Array) -> tuple[Array, Array]:
        rows = rows.astype(np.int64)
        return self.take(f"{name}.starts", rows), self.take(f"{name}.starts", rows + 1)


def ragged(name: str, pieces: list[bytes]) -> dict[str, Array]:
    """Return byte strings as two arrays to write, to be read by :meth:`Mapped.pieces`."""
    lengths = np.fromiter(map(len, pieces), dtype=np.int64, count=len(pieces))
    starts = np.concatenate(([0], np.cumsum(lengths)))
    return {f"{name}.starts": starts, f"{name}.data": np.frombuffer(b"".join(pieces), dtype=np.uint8)}


def runs(name: str, rows: int, row: Array, numbers: Array) -> dict[str, Array]:
    """Return numbers and the row each belongs to as two arrays to write, to be read by :meth:`Mapped.runs`."""
    order = np.argsort(row, kind="stable")
    starts = np.concatenate(([0], np.cumsum(np.bincount(row, minlength=rows))))
    return {f"{name}.starts": starts, f"{name}.data": numbers[order]}
