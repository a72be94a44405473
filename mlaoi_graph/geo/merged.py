"""Rows of a file of arrays, less some, and new ones between them: what a change leaves of what was written before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mlaoi_graph.geo.mapped import Array, Mapped, ragged

__all__ = ["Merge", "merged", "places"]


@dataclass(frozen=True, slots=True)
class Merge:
    """Where old rows and new ones go; both stay in their order."""

    kept: Array
    """Of each old row whether it stays."""
    old: Array
    """Of each old row its new place; -1 if it is gone."""
    new: Array
    """Of each new row its place."""
    order: Array
    """Of each place, the old row, or, behind the last of those, the new one."""

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.order)

    def column(self, old: Array, new: Array) -> Array:
        """Return a column of both."""
        taken: Array = np.concatenate((old, new))[self.order]
        return taken

    def ragged(self, name: str, mapped: Mapped, pieces: Sequence[bytes]) -> Mapping[str, Array]:
        """Return byte strings of both, as :func:`mlaoi_graph.geo.mapped.ragged` does: runs of rows are copied whole."""
        added = ragged(name, list(pieces))
        starts, data = mapped.whole(f"{name}.starts"), mapped.whole(f"{name}.data")
        more = added[f"{name}.starts"]
        lengths = self.column(np.diff(starts), np.diff(more))
        first = np.concatenate((starts[:-1], more[:-1] + starts[-1]))
        last = np.concatenate((starts[1:], more[1:] + starts[-1]))
        breaks = np.flatnonzero(np.diff(self.order) != 1) + 1
        ends = np.concatenate((breaks, [len(self.order)])) if len(self.order) else breaks
        runs = [np.empty(0, dtype=np.uint8)]
        for at, end in zip([0, *breaks.tolist()], ends.tolist(), strict=False):
            low, high = int(self.order[at]), int(self.order[end - 1]) + 1
            # A run of old rows may go on with new ones where the numbers happen to do so.
            middle = min(max(low, len(self.kept)), high)
            if low < middle:
                runs.append(data[first[low] : last[middle - 1]])
            if middle < high:
                runs.append(added[f"{name}.data"][first[middle] - starts[-1] : last[high - 1] - starts[-1]])
        return {f"{name}.starts": np.concatenate(([0], np.cumsum(lengths))), f"{name}.data": np.concatenate(runs)}


def merged(kept: Array, before: Array) -> Merge:
    """Return how old rows, as far as they are kept, and new ones go together; each new one comes before an old row."""
    stay = np.flatnonzero(kept)
    new = np.concatenate(([0], np.cumsum(kept)))[before] + np.arange(len(before))
    old = np.full(len(kept), -1, dtype=np.int64)
    old[stay] = np.arange(len(stay)) + np.searchsorted(before, stay, side="right")
    order = np.empty(len(stay) + len(new), dtype=np.int64)
    order[old[stay]] = stay
    order[new] = len(kept) + np.arange(len(new))
    return Merge(kept, old, new, order)


def places(mapped: Mapped, name: str, wanted: Sequence[bytes], rows: int) -> tuple[Array, Array]:
    """Return where byte strings are, or would be, among the first rows of a column in order: first row, and past it."""
    found = []
    keys = np.array(wanted, dtype=object)
    for side in (False, True):
        low, high = np.zeros(len(keys), dtype=np.int64), np.full(len(keys), rows, dtype=np.int64)
        while len(left := np.flatnonzero(low < high)):
            middle = (low[left] + high[left]) // 2
            pieces = mapped.pieces(name, middle)
            below = np.fromiter(
                (a <= b if side else a < b for a, b in zip(pieces, keys[left], strict=True)),
                dtype=bool,
                count=len(left),
            )
            low[left[below]] = middle[below] + 1
            high[left[~below]] = middle[~below]
        found.append(low)
    return found[0], found[1]
