"""Rows of a file of arrays, less some, and new ones between them: what a change leaves of what was written before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from mlaoi_graph.geo.mapped import Array, Mapped, ragged

__all__ = ["Merge", "places"]


@dataclass(frozen=True, slots=True)
class Merge:
    """Which old rows stay, and the old row each new one comes before; the new ones are in their order."""

    kept: Array
    before: Array
    old: Array = field(init=False)
    """Of each old row its new place; -1 if it is gone."""
    new: Array = field(init=False)
    """Of each new row its place."""
    _order: Array = field(init=False)
    """Of each place, the old row, or, behind the last of those, the new one."""

    def __post_init__(self) -> None:
        kept = np.flatnonzero(self.kept)
        staying = np.concatenate(([0], np.cumsum(self.kept)))
        new = staying[self.before] + np.arange(len(self.before))
        old = np.full(len(self.kept), -1, dtype=np.int64)
        old[kept] = np.arange(len(kept)) + np.searchsorted(self.before, kept, side="right")
        order = np.empty(len(kept) + len(new), dtype=np.int64)
        order[old[kept]] = kept
        order[new] = len(self.kept) + np.arange(len(new))
        for name, value in (("old", old), ("new", new), ("_order", order)):
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._order)

    def column(self, old: Array, new: Array) -> Array:
        """Return a column of both."""
        taken: Array = np.concatenate((old, new))[self._order]
        return taken

    def ragged(self, name: str, mapped: Mapped, pieces: Sequence[bytes]) -> Mapping[str, Array]:
        """Return byte strings of both, as :func:`mlaoi_graph.geo.mapped.ragged` does: runs of rows are copied whole."""
        added = ragged(name, list(pieces))
        starts, data = mapped.whole(f"{name}.starts"), mapped.whole(f"{name}.data")
        more = added[f"{name}.starts"]
        lengths = self.column(np.diff(starts), np.diff(more))
        first = np.concatenate((starts[:-1], more[:-1] + starts[-1]))
        last = np.concatenate((starts[1:], more[1:] + starts[-1]))
        breaks = np.flatnonzero(np.diff(self._order) != 1) + 1
        ends = np.concatenate((breaks, [len(self._order)])) if len(self._order) else breaks
        runs = [np.empty(0, dtype=np.uint8)]
        for at, end in zip([0, *breaks.tolist()], ends.tolist(), strict=False):
            low, high = int(self._order[at]), int(self._order[end - 1]) + 1
            # A run of old rows may go on with new ones where the numbers happen to do so.
            middle = min(max(low, len(self.kept)), high)
            if low < middle:
                runs.append(data[first[low] : last[middle - 1]])
            if middle < high:
                runs.append(added[f"{name}.data"][first[middle] - starts[-1] : last[high - 1] - starts[-1]])
        return {f"{name}.starts": np.concatenate(([0], np.cumsum(lengths))), f"{name}.data": np.concatenate(runs)}


def places(mapped: Mapped, name: str, wanted: Sequence[bytes], rows: int) -> tuple[Array, Array]:
    """Return where byte strings are, or would be, among the first rows of a column in order: first row, and past it."""
    found = []
    keys = np.array(wanted, dtype=object)
    for side in (False, True):
        low, high = np.zeros(len(keys), dtype=np.int64), np.full(len(keys), rows, dtype=np.int64)
        while len(open := np.flatnonzero(low < high)):
            middle = (low[open] + high[open]) // 2
            pieces = mapped.pieces(name, middle)
            below = np.fromiter(
                (a <= b if side else a < b for a, b in zip(pieces, keys[open], strict=True)),
                dtype=bool,
                count=len(open),
            )
            low[open[below]] = middle[below] + 1
            high[open[~below]] = middle[~below]
        found.append(low)
    return found[0], found[1]
