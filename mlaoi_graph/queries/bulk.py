"""The same walk as :mod:`~.walk`, from a thing that very much came from, a level at a time in numpy.

What came from the most used dataset may be most of a catalog; a Python loop over it takes a second, this some
milliseconds. For a few hundred states it would be slower, so a plain search is tried first.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from mlaoi_graph.queries.graph import DERIVED, FAMILY, FROM_MODEL, IS_FAMILY, PART, PARTS, TEACHES, Edges
from mlaoi_graph.queries.walk import (
    A_FAMILY,
    A_PART,
    ANCESTOR,
    ASKED,
    DATA,
    MADE,
    OF_FAMILY,
    SIDE,
    THING,
    USE,
    WHOLE,
    Found,
    preference,
    strongest,
)

__all__ = [
    "LIMIT",
    "Flood",
    "Ints",
    "OneBeyond",
    "Tables",
    "exposures",
    "flood_newer",
    "flood_taught",
    "heirs",
    "reach",
]

LIMIT: Final = 2_000
"""Moves in one level of a plain search before it is given up for this one."""

_NEVER: Final = np.iinfo(np.int64).max

Ints: TypeAlias = npt.NDArray[np.int64]


class Table:
    """Edges by the node at one of their ends."""

    def __init__(self, ends: Ints, chosen: Ints, nodes: int) -> None:
        keys = ends[chosen]
        self._edges = chosen[np.argsort(keys, kind="stable")]
        self._first = np.concatenate(([0], np.cumsum(np.bincount(keys, minlength=nodes))))

    def at(self, nodes: Ints) -> tuple[Ints, Ints]:
        """Return the edges at nodes, and for each of them the place of its node in ``nodes``."""
        first = self._first[nodes]
        count = self._first[nodes + 1] - first
        place = np.repeat(np.arange(len(nodes)), count)
        within = np.arange(len(place)) - np.repeat(np.cumsum(count) - count, count)
        return place, self._edges[np.repeat(first, count) + within]


class Tables:
    """The edges of a graph as numpy arrays, made when first needed."""

    def __init__(self, edges: Edges) -> None:
        self.subject = np.asarray(edges.subject).astype(np.int64)
        self.object = np.asarray(edges.object).astype(np.int64)
        self.code = np.asarray(edges.code)
        self.unverified = np.asarray(edges.unverified).astype(np.int64)
        self.kinds = np.asarray(edges.kinds)
        self.is_family = self.kinds & IS_FAMILY != 0
        self.nodes = len(edges.iris)
        self._walked = np.concatenate([np.asarray(side.edges) for side in (edges.into, edges.parts, edges.members)])
        self.families = Table(self.subject, self.chosen({FAMILY}), self.nodes)
        self.members = Table(self.object, self.chosen({FAMILY}), self.nodes)
        self.wholes = Table(self.subject, self.chosen(PARTS), self.nodes)
        self.rank = np.asarray(edges.columns.rank)
        self._into: dict[frozenset[int], Table] = {}

    def chosen(self, codes: Iterable[int]) -> Ints:
        """Return the edges of these codes, one of those that say the same."""
        return self._walked[np.isin(self.code[self._walked], list(codes))]

    def into(self, codes: frozenset[int]) -> Table:
        """Return the edges of these codes by their older end."""
        if codes not in self._into:
            self._into[codes] = Table(self.object, self.chosen(codes), self.nodes)
        return self._into[codes]


class Flood(dict[int, tuple[int, int, int, int, int]]):
    """What a walk has met: THING, SIDE and its own WHOLE states in arrays, the others as the dictionary it is.

    Looked up like the result of :func:`mlaoi_graph.queries.walk.search`; iterating gives the others only.
    """

    def __init__(self, others: Found, nodes: int) -> None:
        super().__init__(others)
        size = 9 * nodes
        self.before = np.empty(size, dtype=np.int64)
        self.edge = np.empty(size, dtype=np.int64)
        self.marks = np.empty(size, dtype=np.int64)
        self.hops = np.full(size, -1, dtype=np.int64)
        self.use = np.empty(size, dtype=np.int64)

    def __missing__(self, at: int) -> tuple[int, int, int, int, int]:
        place = int(_places(np.array([at]))[0])
        if self.hops[place] < 0:
            raise KeyError(at)
        return (
            int(self.before[place]),
            int(self.edge[place]),
            int(self.marks[place]),
            int(self.hops[place]),
            int(self.use[place]),
        )

    def things(self, *, wholes: bool = False) -> tuple[Ints, Ints]:
        """Return the strongest THING state of every node and its hops; the WHOLE one where as strong and nearer."""
        hops = np.where(self.hops < 0, _NEVER, self.hops).reshape(-1, 3, 3)
        thing, whole = hops[:, 0, :], hops[:, 2, :]
        nearest = np.minimum(thing, whole) if wholes else thing
        met = nearest < _NEVER
        nodes = np.flatnonzero(met.any(axis=1))
        strength = met[nodes].argmax(axis=1)
        phase = np.where(nearest[nodes, strength] < thing[nodes, strength], WHOLE, THING)
        return nodes << 5 | phase << 2 | strength, nearest[nodes, strength]


class OneBeyond(dict[int, tuple[int, int, int, int, int]]):
    """A search, and one more hop to each of some models: SIDE states, which the search itself has of families only."""

    def __init__(self, found: Found, models: Ints, before: Ints, edge: Ints, hops: Ints, unverified: Ints) -> None:
        super().__init__()
        self._found = found
        self._models = models
        self._columns = before, edge, hops
        self._unverified = unverified
        self.states = models << 5 | SIDE << 2 | before & 3

    def __missing__(self, at: int) -> tuple[int, int, int, int, int]:
        place = int(np.searchsorted(self._models, at >> 5))
        if (at >> 2) & 7 != SIDE or place == len(self._models) or self._models[place] != at >> 5:
            return self._found[at]
        before, edge, hops = (int(column[place]) for column in self._columns)
        _, _, marks, _, use = self._found[before]
        return before, edge, marks | int(self._unverified[edge]), hops, use


def reach(found: Found, *, wholes: bool = False) -> tuple[Ints, Ints]:
    """Return the same of any search."""
    if isinstance(found, Flood):
        return found.things(wholes=wholes)
    best = strongest(found, THING)
    for node, at in strongest(found, WHOLE).items() if wholes else ():
        known = best.get(node)
        if known is None or (at & 3, found[at][3]) < (known & 3, found[known][3]):
            best[node] = at
    states = list(best.values())
    return np.array(states, dtype=np.int64), np.array([found[at][3] for at in states], dtype=np.int64)


_COLUMN: Final = np.zeros(8, dtype=np.int64)
"""Where the phases of a flood are kept."""
_COLUMN[[THING, SIDE, WHOLE]] = range(3)


def _places(states: Ints) -> Ints:
    places: Ints = (states >> 5) * 9 + _COLUMN[(states >> 2) & 7] * 3 + (states & 3)
    return places


class _Level:
    """States that may be met next, and how."""

    def __init__(self) -> None:
        self.columns: list[tuple[Ints, Ints, Ints, Ints, Ints]] = []

    def add(self, to: Ints, before: Ints, edge: Ints, marks: Ints, use: Ints) -> None:
        self.columns.append((to, before, edge, marks, use))

    def best(self, flood: Flood) -> tuple[Ints, Ints, Ints, Ints, Ints]:
        """Return each new state once, verified if it can be, without those met as strong before."""
        to, before, edge, marks, use = (np.concatenate(column) for column in zip(*self.columns, strict=True))
        places = _places(to)
        strength = to & 3
        known = flood.hops[places] >= 0
        known |= (strength >= 1) & (flood.hops[places - strength] >= 0)
        known |= (strength == 2) & (flood.hops[places - 1] >= 0)
        kept = np.flatnonzero(~known)
        kept = kept[np.argsort(to[kept] * 4 + preference(marks[kept]), kind="stable")]
        ordered = to[kept]
        kept = kept[np.concatenate(([True], ordered[1:] != ordered[:-1]))] if len(kept) else kept
        return to[kept], before[kept], edge[kept], marks[kept], use[kept]


def _flood(
    tables: Tables,
    flood: Flood,
    seeds: dict[int, _Level],
    codes: frozenset[int],
    depth: int | None,
    *,
    inside: bool = False,
) -> Flood:
    """Walk on from states to come, by the hops they are met at."""
    hops = min(seeds, default=0)
    front = np.empty(0, dtype=np.int64)
    while (len(front) or any(later >= hops for later in seeds)) and (depth is None or hops <= depth):
        level = seeds.get(hops, _Level())
        if len(front):
            _expand(tables, flood, front, codes, level, inside=inside)
        front = np.empty(0, dtype=np.int64)
        if level.columns:
            to, before, edge, marks, use = level.best(flood)
            places = _places(to)
            flood.before[places] = before
            flood.edge[places] = edge
            flood.marks[places] = marks
            flood.hops[places] = hops
            flood.use[places] = use
            front = to
        hops += 1
    return flood


def _expand(tables: Tables, flood: Flood, front: Ints, codes: frozenset[int], level: _Level, *, inside: bool) -> None:
    nodes, phase, strength = front >> 5, (front >> 2) & 7, front & 3
    places = _places(front)
    marks, use = flood.marks[places], flood.use[places]
    is_family = tables.is_family[nodes]
    exposure = codes <= FROM_MODEL
    passed = np.where(is_family & (strength == 0), 1, strength) if exposure else strength

    def move(table: Table, chosen: Ints, ends: Ints, to: int, strengths: Ints, mark: int) -> None:
        """Add what lies beyond the chosen places of the front; to a phase, with a strength for each place of it."""
        found, edge = table.at(nodes[chosen])
        origin = chosen[found]
        collected = marks[origin] | mark | tables.unverified[edge]
        reached = strengths[origin]
        if to == WHOLE:
            reached = np.where((tables.code[edge] == PART) & (reached == 0), 1, reached)
        level.add(ends[edge] << 5 | to << 2 | reached, front[origin], edge, collected, use[origin])

    everywhere, things = np.arange(len(front)), phase == THING
    mark = ANCESTOR if exposure else MADE
    move(tables.into(codes - PARTS), everywhere, tables.subject, THING, passed, mark)
    if codes & PARTS:
        move(tables.into(codes & PARTS), np.flatnonzero(phase != WHOLE), tables.subject, THING, strength, mark)
    if inside:
        move(tables.wholes, everywhere, tables.object, WHOLE, strength, A_PART)
    loose = np.full(len(front), OF_FAMILY)
    move(tables.members, np.flatnonzero(things), tables.subject, THING, loose, A_FAMILY)
    move(tables.families, np.flatnonzero(things & ~is_family), tables.object, SIDE, loose, A_FAMILY)


def flood_newer(tables: Tables, start: int, codes: frozenset[int], depth: int | None, *, inside: bool = False) -> Flood:
    """Return what :func:`mlaoi_graph.queries.walk.newer` leads to."""
    level = _Level()
    nothing = np.array([-1])
    level.add(np.array([start]), nothing, nothing, np.array([0]), nothing)
    return _flood(tables, Flood({}, tables.nodes), {0: level}, codes, depth, inside=inside)


def flood_taught(tables: Tables, data: Found, codes: frozenset[int], depth: int | None) -> Flood:
    """Return what :func:`mlaoi_graph.queries.walk.taught` leads to, from the datasets it came past."""
    at = [key for key in data if (key >> 2) & 7 in (DATA, ASKED)]
    states = np.array(at, dtype=np.int64)
    marks = np.array([data[key][2] for key in at], dtype=np.int64)
    hops = np.array([data[key][3] for key in at], dtype=np.int64)
    place, edge = tables.into(TEACHES & codes).at(states >> 5)
    to = tables.subject[edge] << 5 | THING << 2 | (states & 3)[place]
    collected = marks[place] | USE | tables.unverified[edge]
    seeds: dict[int, _Level] = {}
    for met in np.unique(hops):
        chosen = hops[place] == met
        seeds.setdefault(int(met) + 1, _Level()).add(
            to[chosen], states[place][chosen], edge[chosen], collected[chosen], edge[chosen]
        )
    return _flood(tables, Flood(data, tables.nodes), seeds, FROM_MODEL & codes, depth)


def heirs(tables: Tables, nodes: Ints) -> Ints:
    """Return these models and families and all that was made from them, at any depth: not what families only have."""
    made = tables.into(FROM_MODEL)
    met = np.zeros(tables.nodes, dtype=bool)
    front = nodes
    while len(front):
        met[front] = True
        front = np.unique(tables.subject[made.at(front)[1]])
        front = front[~met[front]]
    return np.flatnonzero(met)


def exposures(tables: Tables) -> tuple[Ints, Ints]:
    """Return pairs of nodes, ordered: what learned, and everything it is exposed to at any depth.

    The same pairs as the inferred ``mlaoi:exposedTo`` (:mod:`mlaoi_graph.reasoning`), for a whole catalog at once.
    """
    wholes = _closure(tables, _pairs(tables, PARTS))
    made = _pairs(tables, {DERIVED})
    contents = _union(made, _joined(tables, wholes, made), _pairs(tables, PARTS)[::-1])
    contents = _closure(tables, contents)
    parents = _pairs(tables, FROM_MODEL)
    learned = front = _union(_pairs(tables, TEACHES))
    while len(front[0]):
        known = learned
        learned = _union(known, _joined(tables, parents, front))
        front = _less(learned, known)
    return _union(learned, _joined(tables, learned, contents))


_Pairs: TypeAlias = tuple[Ints, Ints]


def _pairs(tables: Tables, codes: Iterable[int]) -> _Pairs:
    edges = tables.chosen(codes)
    return tables.subject[edges], tables.object[edges]


def _joined(tables: Tables, first: _Pairs, then: _Pairs) -> _Pairs:
    """Return what two steps lead to, each pair as often as there are ways."""
    place, row = Table(then[0], np.arange(len(then[0])), tables.nodes).at(first[1])
    return first[0][place], then[1][row]


def _union(*several: _Pairs) -> _Pairs:
    left, right = (np.concatenate(side) for side in zip(*several, strict=True))
    both = np.sort(left << 32 | right)  # not np.unique: that hashes, which takes many times as long
    once = both[np.concatenate(([True], both[1:] != both[:-1]))] if len(both) else both
    return once >> 32, once & 0xFFFFFFFF


def _less(some: _Pairs, others: _Pairs) -> _Pairs:
    """Return ordered pairs without those that are among others, also ordered."""
    these, those = some[0] << 32 | some[1], others[0] << 32 | others[1]
    place = np.searchsorted(those, these)
    rest = these[(place == len(those)) | (those[np.minimum(place, len(those) - 1)] != these)] if len(those) else these
    return rest >> 32, rest & 0xFFFFFFFF


def _closure(tables: Tables, step: _Pairs) -> _Pairs:
    """Return what one or more steps lead to."""
    found = front = _union(step)
    while len(front[0]):
        known = found
        found = _union(known, _joined(tables, front, step))
        front = _less(found, known)
    return found
