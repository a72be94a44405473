"""What a document was made of: noted while it is made, so that it can be told whether it is still right."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final, Literal, TypeAlias

import numpy as np

from mlaoi_graph.items import Kept, key_of
from mlaoi_graph.model import AreaOfInterest, Evidence, QualifiedEdge
from mlaoi_graph.server.stac.graph import StoredGraph
from mlaoi_graph.writers.stac import Place

__all__ = ["Witness"]

_Way: TypeAlias = Literal["node", "wholes", "source", "area"]


class Witness:
    """A graph, and where documents are, for :class:`~mlaoi_graph.writers.stac.Documents`, that notes what is asked.

    There are two kinds of input. What documents say of a node can only change with a document that has it in a triple.
    How a node stands is what follows from everything: the names its kind goes by, and what it is exposed to. Edges
    and what stood in a node's own document are not noted: they change only with a document that says so of the node.
    """

    def __init__(
        self, graph: StoredGraph, get: Callable[[str], Place | None], standing_of: Callable[[str], Any]
    ) -> None:
        """``standing_of`` gives names and exposure of any node."""
        self._graph = graph
        self._get = get
        self._ways: Final[dict[_Way, Callable[[str], Any]]] = {
            "node": graph.briefly, "wholes": graph.wholes_of, "source": graph.source, "area": graph.area
        }  # fmt: skip
        self._met: set[tuple[_Way, str]] = set()
        self.saying = lru_cache(20_000)(lambda way, iri: _digest(self._ways[way](iri)))
        self.standing = lru_cache(20_000)(lambda iri: _digest(standing_of(iri)))

    # -- what documents ask ---------------------------------------------------------------------------------------

    def get(self, iri: str) -> Place | None:
        """Return where a document is, and the node."""
        self._met.add(("node", iri))
        return self._get(iri)

    def area(self, iri: str) -> AreaOfInterest | None:
        """Return an area."""
        self._met.add(("area", iri))
        return self._graph.area(iri)

    def edges_of(self, iri: str) -> Sequence[QualifiedEdge]:
        """Return the edges of which a thing is the newer end."""
        return self._graph.edges_of(iri)

    def source(self, iri: str) -> Evidence | None:
        """Return a source that is cited."""
        self._met.add(("source", iri))
        return self._graph.source(iri)

    def published_of(self, model: str) -> str | None:
        """Return what else stood in the first document that describes a model, as JSON."""
        return self._graph.published_of(model)

    def exposure_of(self, iri: str) -> list[str]:
        """Return the IRIs of what a thing learned from at any depth, sorted."""
        self._met.add(("node", iri))
        return self._graph.exposure_of(iri)

    def wholes_of(self, iri: str) -> Sequence[str]:
        """Return what a dataset is a split of."""
        self._met.add(("wholes", iri))
        return self._graph.wholes_of(iri)

    # -- what they were made of -----------------------------------------------------------------------------------

    def inputs(self) -> tuple[bytes, dict[str, dict[int, bytes]]]:
        """Return the keys of the inputs of what was made since this was asked, and the inputs, by table."""
        met, self._met = self._met, set()
        sayings = {_saying_key(way, iri): self.saying(way, iri) for way, iri in met}
        standings = {_standing_key(iri): self.standing(iri) for way, iri in met if way == "node"}
        keys = np.array([*sayings, *standings], dtype=np.int64)
        return keys.tobytes(), {"sayings": sayings, "standings": standings}

    def settle(
        self,
        kept: Kept,
        mentioned: Mapping[str, bool],
        nodes: Sequence[str],
        keys_of: Callable[[str], Sequence[int]],
    ) -> None:
        """Throw out what was made of inputs that are others now; ``mentioned`` is what documents speak of that changed.

        ``nodes`` are all that have a name, ``keys_of`` gives what a node's own document is kept under. Raises what is
        in :data:`~mlaoi_graph.items.UNREADABLE`.
        """
        was = dict(kept.all("sayings"))
        asked = ((way, iri, _saying_key(way, iri)) for iri in mentioned for way in self._ways)
        sayings = {key: self.saying(way, iri) for way, iri, key in asked if key in was}
        changed = [key for key, now in sayings.items() if now != was[key]]
        was = dict(kept.all("standings"))
        there = ((iri, _standing_key(iri)) for iri in nodes)
        standings = dict.fromkeys(was, self.standing("")) | {k: self.standing(iri) for iri, k in there if k in was}
        changed += [key for key, now in standings.items() if now != was[key]]
        stale = {key for iri, is_owner in mentioned.items() if is_owner for key in keys_of(iri)}
        of_each = list(kept.all("made_of"))
        begins = np.cumsum([0, *(len(keys) // 8 for _, keys in of_each)])
        hits = np.isin(np.frombuffer(b"".join(keys for _, keys in of_each), dtype=np.int64), changed)
        which = np.searchsorted(begins, np.flatnonzero(hits), side="right") - 1
        stale |= {of_each[at][0] for at in np.unique(which).tolist()}
        kept.settle(stale, {"sayings": sayings, "standings": standings})


def _digest(value: Any) -> bytes:
    return blake2b(repr(value).encode(), digest_size=16).digest()


def _saying_key(way: _Way, iri: str) -> int:
    return key_of(f"{way} {iri}")


def _standing_key(iri: str) -> int:
    return key_of(f"stands {iri}")
