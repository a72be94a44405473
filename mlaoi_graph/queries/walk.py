"""Walk edges level by level, from one node, remembering the shortest chain to everything met.

What is walked are *states*: a node, the phase of the walk it was met in, and how much the chain so far says. So one
search gives the answer, its proof and its strength. Nothing recurses: a chain may be 100,000 long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, TypeAlias

from mlaoi_graph.queries.graph import (
    DERIVED,
    FAMILY,
    FROM_MODEL,
    IS_FAMILY,
    PART,
    PARTS,
    TEACHES,
    Edges,
)

__all__ = [
    "Allow",
    "Found",
    "Moves",
    "chain",
    "learned",
    "newer",
    "node_of",
    "older",
    "phase_of",
    "search",
    "search_within",
    "start_of",
    "state",
    "strength_of",
    "strongest",
    "taught",
]

# Phases. THING is where models, and everything in a plain walk, are; the others are for exposure.
THING, DATA, WHOLE, SIDE, ASKED = range(5)
"""SIDE is a family met as somebody's family, not named itself; ASKED the dataset asked about, and its parts."""

_OF_DATA: Final = (DATA, WHOLE)
_MET: Final = (DATA, ASKED)

# Strengths: nothing is lost on the way; it may be; a source names a family where it could have named a size.
CERTAIN, POSSIBLE, OF_FAMILY = range(3)

UNVERIFIED, USE, ANCESTOR, SOURCE, A_PART, A_FAMILY, MADE = 1, 2, 4, 8, 16, 32, 64
"""Marks a chain collects."""

Move: TypeAlias = tuple[int, int, int]
"""State that is reached, edge, mark."""
Moves: TypeAlias = Callable[[int], list[Move]]


Reached: TypeAlias = tuple[int, int, int, int, int]
"""How a state was first reached: the state before (-1 at the start), edge, marks, hops, and the edge of the chain
that is a use (-1 before there is one). A bare tuple: there may be 100,000 of them in an answer."""

Found: TypeAlias = dict[int, Reached]


def state(node: int, phase: int = THING, strength: int = CERTAIN) -> int:
    """Return a state as one number."""
    return node << 5 | phase << 2 | strength


# The moves below and the walk in bulk spell these out: a call for each step of a search is half its cost.


def node_of(at: int) -> int:
    """Return the node of a state."""
    return at >> 5


def phase_of(at: int) -> int:
    """Return the phase of a state."""
    return at >> 2 & 7


def strength_of(at: int) -> int:
    """Return the strength of a state."""
    return at & 3


def search(starts: Iterable[int], moves: Moves, edges: Edges, depth: int | None = None) -> Found:
    """Return every state in reach with the shortest chain to it; among equally short ones a verified one.

    A state is not followed where the same node was met as early or earlier with a stronger chain.
    """
    found = search_within(starts, moves, edges, depth, None)
    assert found is not None
    return found


def search_within(
    starts: Iterable[int], moves: Moves, edges: Edges, depth: int | None, limit: int | None
) -> Found | None:
    """Return the same, or None once a level has more than ``limit`` moves back."""
    if depth is not None and depth < 0:
        raise ValueError(f"depth is {depth}: it is a number of hops, 0 or more, or None for all")
    unverified = edges.unverified
    found: Found = dict.fromkeys(starts, (-1, -1, 0, 0, -1))
    level = list(found)
    hops = 0
    while level and (depth is None or hops < depth):
        if limit is not None and sum(len(edges.into[at >> 5]) for at in level) > limit:
            return None
        hops += 1
        fresh: Found = {}
        for at in level:
            _, _, marks, _, use = found[at]
            for to, edge, mark in moves(at):
                if to in found:
                    continue
                strength = to & 3
                if strength and (to - strength in found or (strength == 2 and to - 1 in found)):
                    continue
                collected = marks | mark | unverified[edge]
                known = fresh.get(to)
                if known is None or preference(known[2]) > preference(collected):
                    fresh[to] = (at, edge, collected, hops, edge if mark == USE else use)
        found.update(fresh)
        level = list(fresh)
    return found


def preference(marks: Any) -> Any:
    """Return which of two equally short chains is shown, the lower: verified ones, then those that only contain."""
    return (marks & UNVERIFIED) << 1 | (marks & MADE) >> 6


def start_of(edges: Edges, node: int) -> int:
    """Return the state a walk from a node begins in.

    What is said of a family's members is not said of the family, so one that is asked about itself stands aside.
    """
    return state(node, SIDE if edges.kinds[node] & IS_FAMILY else THING)


def strongest(found: Found, *phases: int) -> dict[int, int]:
    """Return the strongest state of every node met in one of the phases, start included; then the nearest."""
    best: dict[int, int] = {}
    for at in found:
        if (at >> 2) & 7 in phases:
            known = best.get(at >> 5)
            if known is None or (at & 3, found[at][3]) < (known & 3, found[known][3]):
                best[at >> 5] = at
    return best


def chain(found: Found, at: int) -> list[int]:
    """Return the edges from the start to a state."""
    steps: list[int] = []
    while True:
        before, edge, *_ = found[at]
        if before < 0:
            return steps[::-1]
        steps.append(edge)
        at = before


Allow: TypeAlias = Callable[[int], int] | None
"""Which of the edges that say the same as one counts, -1 if none does; without it, the one that is walked."""


def older(edges: Edges, codes: frozenset[int], allow: Allow, *, inside: bool = False) -> Moves:
    """Return the moves to what a thing came from, along edges of these codes.

    What is said of a family is met with OF_FAMILY from its members, and of its members where the family is named.
    ``inside`` looks into the parts of what was used, but not of what something is only a part of (WHOLE): a use that
    states no split may have been of any.
    """
    out, code, subject, object_, parts, members = (
        edges.out, edges.code, edges.subject, edges.object, edges.parts, edges.members,
    )  # fmt: skip

    def moves(at: int) -> list[Move]:
        node, phase, strength = at >> 5, (at >> 2) & 7, at & 3
        found: list[Move] = []
        for edge in out[node]:
            said = code[edge]
            if said == FAMILY:
                found.append((object_[edge] << 5 | SIDE << 2 | OF_FAMILY, edge, A_FAMILY))
            elif said in codes and (allow is None or (edge := allow(edge)) >= 0):
                met = WHOLE if inside and said in PARTS else THING
                found.append((object_[edge] << 5 | met << 2 | strength, edge, 0))
        if inside and phase == THING:
            for edge in parts[node]:
                if allow is None or (edge := allow(edge)) >= 0:
                    weak = strength or POSSIBLE if code[edge] == PART else strength
                    found.append((subject[edge] << 5 | THING << 2 | weak, edge, A_PART))
        if phase == THING:
            found += [(subject[edge] << 5 | THING << 2 | OF_FAMILY, edge, A_FAMILY) for edge in members[node]]
        return found

    return moves


def newer(edges: Edges, codes: frozenset[int], allow: Allow, *, inside: bool = False) -> Moves:
    """Return the moves to what came from a thing: :func:`older` the other way round.

    With ``inside``, WHOLE is what has a part that came from it; the other parts of that did not.
    """
    out, into, code, subject, object_, kinds, parts, members = (
        edges.out, edges.into, edges.code, edges.subject, edges.object, edges.kinds, edges.parts, edges.members,
    )  # fmt: skip

    def moves(at: int) -> list[Move]:
        node, phase, strength = at >> 5, (at >> 2) & 7, at & 3
        found = [
            (subject[kept] << 5 | THING << 2 | strength, kept, MADE)
            for edge in (into[node] if phase == WHOLE else (*into[node], *parts[node]))
            if code[edge] in codes and (kept := edge if allow is None else allow(edge)) >= 0
        ]
        if inside:
            for edge in out[node]:
                if code[edge] in PARTS and (allow is None or (edge := allow(edge)) >= 0):
                    weak = strength or POSSIBLE if code[edge] == PART else strength
                    found.append((object_[edge] << 5 | WHOLE << 2 | weak, edge, A_PART))
        if phase == THING:
            found += [(subject[edge] << 5 | THING << 2 | OF_FAMILY, edge, A_FAMILY) for edge in members[node]]
        if phase == THING and not kinds[node] & IS_FAMILY:
            found += [
                (object_[edge] << 5 | SIDE << 2 | OF_FAMILY, edge, A_FAMILY)
                for edge in out[node]
                if code[edge] == FAMILY
            ]
        return found

    return moves


def learned(edges: Edges, codes: frozenset[int], allow: Allow) -> Moves:
    """Return the moves from a model to what it is exposed to: the rules of :mod:`mlaoi_graph.reasoning`.

    A dataset that another was made from, or a split where a use states none, is POSSIBLE.
    """
    out, code, subject, object_, kinds, parts, members = (
        edges.out, edges.code, edges.subject, edges.object, edges.kinds, edges.parts, edges.members,
    )  # fmt: skip

    def moves(at: int) -> list[Move]:
        node, phase, strength = at >> 5, (at >> 2) & 7, at & 3
        possible = strength or POSSIBLE
        found: list[Move] = []
        if phase in _OF_DATA:
            for edge in out[node]:
                said = code[edge]
                if said == DERIVED:
                    if said in codes and (allow is None or (edge := allow(edge)) >= 0):
                        found.append((object_[edge] << 5 | DATA << 2 | possible, edge, SOURCE))
                elif said in PARTS and (allow is None or (edge := allow(edge)) >= 0):
                    found.append((object_[edge] << 5 | WHOLE << 2 | strength, edge, 0))
            if phase == DATA:
                for edge in parts[node]:
                    if allow is None or (edge := allow(edge)) >= 0:
                        weak = possible if code[edge] == PART else strength
                        found.append((subject[edge] << 5 | DATA << 2 | weak, edge, A_PART))
            return found
        for edge in out[node]:
            said = code[edge]
            if said == FAMILY:
                found.append((object_[edge] << 5 | SIDE << 2 | OF_FAMILY, edge, A_FAMILY))
            elif said not in codes or (allow is not None and (edge := allow(edge)) < 0):
                continue
            elif said in TEACHES:
                found.append((object_[edge] << 5 | DATA << 2 | strength, edge, USE))
            elif said in FROM_MODEL:
                parent = object_[edge]
                weak = possible if kinds[parent] & IS_FAMILY else strength
                found.append((parent << 5 | THING << 2 | weak, edge, ANCESTOR))
        if phase == THING:
            found += [(subject[edge] << 5 | THING << 2 | OF_FAMILY, edge, A_FAMILY) for edge in members[node]]
        return found

    return moves


def taught(edges: Edges, codes: frozenset[int], allow: Allow) -> Moves:
    """Return the moves from a dataset (ASKED) to the models exposed to it or a part: :func:`learned` backwards."""
    out, into, code, subject, object_, kinds, parts, members = (
        edges.out, edges.into, edges.code, edges.subject, edges.object, edges.kinds, edges.parts, edges.members,
    )  # fmt: skip

    def moves(at: int) -> list[Move]:
        node, phase, strength = at >> 5, (at >> 2) & 7, at & 3
        possible = strength or POSSIBLE
        found: list[Move] = []
        if phase in _MET:
            if phase == ASKED:
                found += [
                    (subject[kept] << 5 | ASKED << 2 | strength, kept, A_PART)
                    for edge in parts[node]
                    if (kept := edge if allow is None else allow(edge)) >= 0
                ]
            for edge in into[node]:
                said = code[edge]
                if said not in codes or (allow is not None and (edge := allow(edge)) < 0):
                    continue
                elif said == DERIVED:
                    made = subject[edge] << 5
                    found.append((made | DATA << 2 | possible, edge, SOURCE))
                    found.append((made | WHOLE << 2 | possible, edge, SOURCE))
                elif said in TEACHES:
                    found.append((subject[edge] << 5 | THING << 2 | strength, edge, USE))
            for edge in out[node]:
                said = code[edge]
                if said in PARTS and (allow is None or (edge := allow(edge)) >= 0):
                    weak = possible if said == PART else strength
                    found.append((object_[edge] << 5 | DATA << 2 | weak, edge, A_PART))
            return found
        if phase == WHOLE:
            for edge in parts[node]:
                if allow is None or (edge := allow(edge)) >= 0:
                    part = subject[edge] << 5
                    found.append((part | DATA << 2 | strength, edge, 0))
                    found.append((part | WHOLE << 2 | strength, edge, 0))
            return found
        is_family = kinds[node] & IS_FAMILY
        for edge in into[node]:
            said = code[edge]
            if said in FROM_MODEL and said in codes and (allow is None or (edge := allow(edge)) >= 0):
                weak = possible if is_family else strength
                found.append((subject[edge] << 5 | THING << 2 | weak, edge, ANCESTOR))
        if phase == THING:
            found += [(subject[edge] << 5 | THING << 2 | OF_FAMILY, edge, A_FAMILY) for edge in members[node]]
        if phase == THING and not is_family:
            found += [
                (object_[edge] << 5 | SIDE << 2 | OF_FAMILY, edge, A_FAMILY)
                for edge in out[node]
                if code[edge] == FAMILY
            ]
        return found

    return moves
