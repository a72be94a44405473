"""Which datasets are splits, by what was declared: a test, training, and which lie side by side."""

from __future__ import annotations

import re
from functools import cached_property
from typing import Final

from mlaoi_graph.model import SplitPolicy
from mlaoi_graph.queries.graph import PART, Edges
from mlaoi_graph.results import texts
from mlaoi_graph.stores import Store

__all__ = ["Splits"]

_TEST_WORDS: Final = {
    SplitPolicy.COMMON: frozenset({"test", "testing"}),
    # ML-AOI's decision record 0003: what is "validate" there is what others report as test.
    SplitPolicy.ML_AOI_ADR: frozenset({"validate", "validation", "val"}),
}
_TRAIN_WORDS: Final = frozenset({"train", "training", "trainval"})
_SPLIT_WORDS: Final = _TRAIN_WORDS.union(*_TEST_WORDS.values(), {"dev", "holdout", "eval", "evaluation"})
_DESCRIBED_SPLITS: Final = (
    "SELECT ?dataset ?document { ?document mlaoi:describes ?dataset . ?dataset mlaoi:split ?split }"
)

_SAYS: Final = (
    "SELECT DISTINCT ?dataset ?document {{ GRAPH ?document {{ ?dataset a mlaoi:Dataset ; mlaoi:split ?word . {} }} }}"
)
_USED: Final = (
    "?document mlaoi:describes ?user . ?use mlaoi:ofDataset ?dataset ; mlaoi:split ?word",
    "?document mlaoi:describes ?user . ?made mlaoi:ofSource ?dataset ; mlaoi:sourceSplit ?word",
)
"""How a document of one thing speaks of a split that this only uses; records speak of many, and of data as well."""
_DESCRIBED: Final = (
    "?document mlaoi:describes ?dataset",
    "?dataset mlaoi:splitOf ?whole . ?document mlaoi:describes ?whole",
)


class Splits:
    """Declared splits of one state of a catalog."""

    def __init__(self, store: Store, edges: Edges, policy: SplitPolicy) -> None:
        self._store = store
        self._edges = edges
        self._test_words = _TEST_WORDS[policy]

    @cached_property
    def _words(self) -> dict[int, str]:
        """Return the split each dataset is declared to be, as it stands."""
        found = self._edges.iris.find
        said = texts(self._store, "SELECT ?dataset ?split { ?dataset a mlaoi:Dataset ; mlaoi:split ?split }")
        return {node: word for iri, word in said for node in [found(iri)] if node >= 0}

    @cached_property
    def said(self) -> dict[int, str]:
        """Return the split each dataset is declared to be, in lower case."""
        return {node: word.strip().casefold() for node, word in self._words.items()}

    def doubt(self, *datasets: int) -> str:
        """Return why it is not certain which splits some datasets are; "" if their words are those of ML-AOI."""
        words = {word for word in map(self._words.get, datasets) if word and SplitPolicy.COMMON.stage(word) is None}
        return f"a split by the word {' or '.join(map(repr, sorted(words)))} may be any" if words else ""

    def is_test(self, dataset: int) -> bool:
        """Return whether it is called a test split, by its publisher or by who used it."""
        return self.said.get(dataset) in self._test_words

    @cached_property
    def _declared(self) -> set[int]:
        """Splits that anybody speaks of but who only uses them."""

        def said(*how: str) -> set[tuple[str, ...]]:
            return {tuple(row) for one in how for row in texts(self._store, _SAYS.format(one))}

        says = said("") - (said(*_USED) - said(*_DESCRIBED))
        return {self._edges.iris.find(dataset) for dataset, _ in says}

    def who_says(self, dataset: int) -> str:
        """Return who calls a dataset a test split."""
        return "its publisher declared" if dataset in self._declared else "its user calls"

    def doubt_of_test(self, dataset: int) -> str:
        """Return why it is not certain that its publisher declared it a test split; "" if it is."""
        if dataset not in self._declared:
            return "no publisher is known to declare it"
        return self.doubt(dataset)

    def tests_of(self, whole: int) -> list[int]:
        """Return the splits of a dataset that its publisher declared to be tests, in order."""
        return sorted(filter(self._declared.__contains__, filter(self.is_test, self.of(whole))), key=self._edges.order)

    def is_training(self, dataset: int) -> bool:
        """Return whether its publisher declared it a split for training."""
        return self.said.get(dataset) in _TRAIN_WORDS

    def of(self, whole: int) -> set[int]:
        """Return the declared splits that a dataset has."""
        edges, said = self._edges, self.said
        return {edges.subject[e] for e in edges.parts[whole] if edges.code[e] == PART and edges.subject[e] in said}

    @cached_property
    def siblings(self) -> list[set[int]]:
        """Splits that are part of nothing, published side by side: train and test collections in one folder.

        Where all of a folder are named for their split, those of one name without it.
        """
        edges = self._edges
        folders: dict[str, dict[str | None, set[int]]] = {}
        for iri, document in texts(self._store, _DESCRIBED_SPLITS):
            node = edges.iris.find(iri)
            if node >= 0 and node in self.said and not edges.is_part(node):
                folder, _, file = document.partition("#")[0].rpartition("/")
                folder = folder.rpartition("/")[0] if file.partition(".")[0] == "collection" else folder
                words = re.findall(r"[^\W_]+", edges.label(node).casefold())
                name = " ".join(word for word in words if word not in _SPLIT_WORDS)
                is_named = any(word in _SPLIT_WORDS for word in words)
                folders.setdefault(folder, {}).setdefault(name if is_named else None, set()).add(node)
        groups = (
            [set().union(*named.values())] if None in named else list(named.values()) for named in folders.values()
        )
        found = [group for some in groups for group in some if len(group) > 1]
        return sorted(found, key=lambda group: min(map(edges.order, group)))
