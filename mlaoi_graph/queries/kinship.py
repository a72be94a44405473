"""Whether two datasets hold the same data by what documents say of them: splits, parts and what they were made from.

Each side is a dataset and everything it holds: its parts, and what it and they were made from. The sides meet in the
datasets both hold. Archives are no body of data to meet in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

from mlaoi_graph.queries import walk
from mlaoi_graph.queries.graph import DERIVED, IS_ARCHIVE, LINEAGE, PART, PARTS, Edges
from mlaoi_graph.queries.walk import DATA, WHOLE, Found, Move, Moves, chain, state, strongest

__all__ = ["Kin", "Kinship", "Meeting"]


class Kin(Enum):
    """How two datasets are related, the strongest first."""

    SAME = "same"
    """The same split, or one inside the other; both sides state theirs."""
    NOT_STATED = "not stated"
    """The same dataset, and one side or both do not say which split."""
    DERIVED = "derived"
    """One was made from the other, or from a part of it."""
    COMMON = "common"
    """Both were made from one dataset."""
    APART = "apart"
    """Different splits of one dataset."""
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Meeting:
    """The nearest dataset in which two sides meet."""

    kin: Kin
    node: int
    """-1 if they do not."""
    test_steps: tuple[int, ...] = ()
    """Edges from the tested dataset to it."""
    train_steps: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class _Held:
    """Something a dataset holds: it, a part of it, or what these were made from."""

    found: Found
    at: int
    made: bool
    """The latter."""

    @property
    def hops(self) -> int:
        return self.found[self.at][3]

    def steps(self) -> tuple[int, ...]:
        return tuple(chain(self.found, self.at))


class Kinship:
    """Answers for any two datasets of a graph, and remembers."""

    def __init__(self, edges: Edges) -> None:
        self._edges = edges
        self._moves = walk.learned(edges, LINEAGE, None)
        self._moves_to_parts = walk.learned(edges, PARTS, None)
        self._contents: dict[tuple[int, bool], dict[int, _Held]] = {}
        self._known: dict[tuple[int, int], Meeting] = {}

    def between(self, test: int, train: int) -> Meeting:
        """Return how the two are related, and where they meet."""
        key = test, train
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._meet(test, train)
        return found

    def are_apart(self, test: int, train: int) -> bool:
        """Return whether the two are different splits of one dataset, neither inside the other."""
        if test == train or not (self._wholes(test) & self._wholes(train)):
            return False
        return test not in self._wholes(train) and train not in self._wholes(test)

    def made_up_of(self, dataset: int) -> Iterable[int]:
        """Return a dataset, its parts at any depth, and what it and they were made from."""
        return self._held(dataset, inherits=False).keys()

    def holds(self, whole: int, part: int) -> bool:
        """Return whether one is the other, or a part of it at any depth."""
        held = self._held(whole, inherits=True).get(part)
        return held is not None and not held.made

    def sources(self, test: int, train: int) -> list[tuple[int, tuple[int, ...]]]:
        """Return what the learned side was made from, with the edges to it, by IRI.

        Of two splits of one dataset, what they inherit from it is left out.
        """
        edges = self._edges
        held = self._held(train, inherits=not self.are_apart(test, train))
        found = [(node, one.steps()) for node, one in held.items() if one.made]
        # What these are made up of lies where they do.
        made = [(node, steps) for node, steps in found if edges.code[steps[-1]] == DERIVED]
        return sorted(made, key=lambda pair: edges.iris[pair[0]])

    def origins(self, dataset: int) -> dict[int, bool]:
        """Return all a dataset holds, and its wholes: whether it was made from that, and does not just contain it."""
        held = {node: one.made for node, one in self._held(dataset, inherits=True).items()}
        return dict.fromkeys(self._wholes(dataset), False) | held

    def _meet(self, test: int, train: int) -> Meeting:
        edges = self._edges
        apart = self.are_apart(test, train)
        # What two splits inherit from their whole says nothing of the one against the other.
        held = self._held(test, inherits=not apart)
        learned = self._held(train, inherits=not apart)
        stated = edges.is_part(test) and edges.is_part(train)
        best: tuple[int, int, int, Kin] | None = None
        for node in held.keys() & learned.keys():
            if edges.kinds[node] & IS_ARCHIVE:
                continue
            made = held[node].made + learned[node].made
            kin = (Kin.SAME if stated else Kin.NOT_STATED, Kin.DERIVED, Kin.COMMON)[made]
            rank = made, held[node].hops + learned[node].hops, node, kin
            best = rank if best is None else min(best, rank, key=lambda r: (r[0], r[1], edges.iris[r[2]]))
        if best is None:
            return Meeting(Kin.APART if apart else Kin.NONE, -1)
        _, _, node, kin = best
        return Meeting(kin, node, held[node].steps(), learned[node].steps())

    def _held(self, dataset: int, *, inherits: bool) -> dict[int, _Held]:
        key = dataset, inherits
        known = self._contents.get(key)
        if known is None:
            start = [state(dataset, DATA)]
            moves = self._moves if inherits else _without_wholes(self._moves)
            everything = walk.search(start, moves, self._edges)
            # What is a part is one, though something of it may have been made from that part as well.
            parts = walk.search(start, self._moves_to_parts, self._edges)
            known = {node: _Held(everything, at, True) for node, at in strongest(everything, DATA).items()}
            known |= {node: _Held(parts, at, False) for node, at in strongest(parts, DATA).items()}
            self._contents[key] = known
        return known

    def _wholes(self, dataset: int) -> set[int]:
        """Return what a dataset is a split of, at any height."""
        return set(self._above(dataset))

    def _above(self, dataset: int) -> Iterator[int]:
        todo, seen = [dataset], {dataset}
        while todo:
            for whole in self._edges.wholes(todo.pop(), frozenset({PART})):
                if whole not in seen:
                    seen.add(whole)
                    todo.append(whole)
                    yield whole


def _without_wholes(moves: Moves) -> Moves:
    def narrowed(at: int) -> list[Move]:
        return [move for move in moves(at) if (move[0] >> 2) & 7 != WHOLE]

    return narrowed
