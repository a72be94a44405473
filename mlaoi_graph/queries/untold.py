"""Models of which it is not known what all they learned from, of a whole catalog at once.

For answers that list who may be anywhere. Of what :attr:`~mlaoi_graph.queries.verdict.Knowledge.gaps` tells of one
model these are the gaps that leave no place out: not what is disclosed in part, nor weights that others have too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np

from mlaoi_graph.model import Disclosure
from mlaoi_graph.queries.graph import (
    DISCLOSURES,
    FROM_MODEL,
    IS_DATASET,
    IS_FAMILY,
    IS_MODEL,
    LINEAGE,
    TEACHES,
    UNKNOWN_KIND,
    Edges,
)
from mlaoi_graph.queries.verdict import of_unknown_kind
from mlaoi_graph.queries.walk import (
    ASKED,
    OF_FAMILY,
    THING,
    Moves,
    newer,
    node_of,
    search,
    start_of,
    state,
    strength_of,
    strongest,
    taught,
)

__all__ = ["heirs", "silent", "taught_unknown"]

_UNDISCLOSED: Final = "its training data are not disclosed"
_NOTHING: Final = "nothing is recorded of what it learned from"


def silent(edges: Edges) -> dict[int, str]:
    """Return the models of which it is not known what all they learned from themselves, and why."""
    code, subject, kinds = (np.asarray(column) for column in (edges.code, edges.subject, edges.kinds))
    told = np.zeros(len(edges.iris), dtype=bool)
    told[subject[np.isin(code, list(TEACHES | FROM_MODEL))]] = True
    said = np.asarray(edges.columns.disclosure)
    undisclosed, complete = map(DISCLOSURES.index, (Disclosure.UNDISCLOSED, Disclosure.COMPLETE))
    is_model = kinds & IS_MODEL != 0
    return {
        **dict.fromkeys(np.flatnonzero(is_model & ~told & (said != complete)).tolist(), _NOTHING),
        **dict(_of_unknown_kind(edges, IS_MODEL | IS_FAMILY)),
        **dict.fromkeys(np.flatnonzero(is_model & (said == undisclosed)).tolist(), _UNDISCLOSED),
    }


def taught_unknown(edges: Edges) -> dict[int, str]:
    """Return the models that learned, at any remove, from data made from what may be a model or data, and why."""
    unsure = dict(_of_unknown_kind(edges, IS_DATASET))
    found = _reached(edges, [state(node, ASKED) for node in unsure], taught(edges, LINEAGE, None))
    return {node: f"learned from {edges.label(of)}: {unsure[of]}" for node, of in found}


def heirs(edges: Edges, models: Iterable[int]) -> dict[int, int]:
    """Return what was made from any of these models, at any depth, and the nearest of them it was made from."""
    starts = {node: start_of(edges, node) for node in sorted(models)}
    found = _reached(edges, starts.values(), newer(edges, FROM_MODEL, None))
    return {node: of for node, of in found if node not in starts}


def _of_unknown_kind(edges: Edges, kinds: int) -> Iterator[tuple[int, str]]:
    made = np.asarray(edges.subject)[np.asarray(edges.code) == UNKNOWN_KIND]
    for node in np.unique(made).tolist():
        if edges.kinds[node] & kinds:
            yield from ((node, why) for why in of_unknown_kind(edges, node))


def _reached(edges: Edges, starts: Iterable[int], moves: Moves) -> Iterator[tuple[int, int]]:
    """Yield what a search meets, less what is said of families only, and the start it comes from."""
    found = search(starts, moves, edges)
    for node, at in strongest(found, THING).items():
        if strength_of(at) != OF_FAMILY:
            while found[at][0] >= 0:
                at = found[at][0]
            yield node, node_of(at)
