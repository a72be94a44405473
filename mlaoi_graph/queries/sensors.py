"""What was learned from data of other sensors than those asked about, as far as that is known."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from functools import cached_property
from typing import Final

from mlaoi_graph.plural import many
from mlaoi_graph.queries.graph import PART, Edges
from mlaoi_graph.queries.kinship import Kinship
from mlaoi_graph.queries.words import no_such
from mlaoi_graph.results import texts
from mlaoi_graph.stores import Store

__all__ = ["Sensors", "missions"]

_SENTINEL: Final = re.compile(r"(?:sentinel|(?<![a-z\d.]))[\W_]*([1-6])")
# Instruments (MSI, MODIS) and kinds (RGB, SAR) are of several missions, or of any: none of them is here.
_OTHERS: Final = re.compile(
    r"\b(alos|cbers|cosmo|enmap|envisat|gaofen|geoeye|goes|himawari|iceye|ikonos|jilin|landsat|naip|planetscope"
    r"|pleiades|prisma|quickbird|radarsat|rapideye|skysat|smap|spot|terrasar|umbra|worldview)"
)
_MOST_LABELS: Final = 5


def missions(word: str) -> frozenset[str]:
    """Return the missions that a word for a sensor names, as far as they are known to be missions.

    The satellites of one mission are one, and so are all Landsats. An instrument names none.

    >>> sorted(missions("Sentinel-2 L2A")), sorted(missions("Sentinel-1/2")), sorted(missions("msi"))
    (['sentinel2'], ['sentinel1', 'sentinel2'], [])
    """
    text = word.casefold()
    sentinels = {f"sentinel{number}" for number in _SENTINEL.findall(text)} if "sentinel" in text else set()
    return frozenset(sentinels.union(_OTHERS.findall(text)))


class Sensors:
    """Keeps what may be of the sensors asked about, and leaves out what is known to be of other missions.

    A dataset is of other missions if every word its source has for its sensors names some, and none that is asked
    about, and so it is of each of its samples and parts and of what they were made from. A word that nothing in the
    catalog has, and that names no mission, may be a slip: then nothing is left out.
    """

    def __init__(self, store: Store, edges: Edges, kinship: Kinship, asked: Sequence[str]) -> None:
        self._store = store
        self._edges = edges
        self._kinship = kinship
        self._asked = tuple(asked)

    def keeps(self, dataset: int) -> bool:
        """Return whether a dataset, a part of it, or what these were made from may be of these sensors."""
        if not self._asked or self._unknown or self._may_be(self._said.get(dataset, frozenset())):
            return True
        held = self._kinship.made_up_of(dataset)
        if any(node in self._own and self._may_be(self._own[node]) for node in held):
            return True
        # Samples of no split are of a whole, and may be of any of its splits.
        samples = (word for node in self._kinship.origins(dataset) for word in self._of_samples.get(node, ()))
        return any(self._may_be((word,)) for word in samples)

    def _may_be(self, said: Collection[str]) -> bool:
        return not said or not all(map(missions, said)) or any(_meets(a, b) for a in self._asked for b in said)

    def notes(self, compared: Collection[int], left_out: Collection[int]) -> list[str]:
        """Return what was made of the filter, of datasets that were learned from."""
        question = "no data here are of the sensor"
        every = self._words if self._asked else frozenset[str]()
        notes = [no_such(question, word, every) for word in self._asked if not any(_meets(word, one) for one in every)]
        if self._unknown:
            return [*notes, "nothing is left out: what that sensor is, is not known"]
        if left_out:
            labels = [self._edges.label(one) for one in sorted(left_out, key=self._edges.order)]
            more = [f"{len(labels) - _MOST_LABELS} more"] if len(labels) > _MOST_LABELS else []
            told = ", ".join([*labels[:_MOST_LABELS], *more])
            learned = many(len(labels), "dataset that was learned from is", "datasets that were learned from are")
            notes.append(f"{learned} left out, as of other sensors: {told}")
        unsure = [
            one
            for one in compared
            if self._asked and not any(_meets(a, b) for a in self._asked for b in self._said.get(one, ()))
        ]
        if unsure:
            learned = many(len(unsure), "dataset that was learned from is", "datasets that were learned from are")
            notes.append(f"{learned} compared, though it is not known of which sensors")
        return notes

    @cached_property
    def _unknown(self) -> bool:
        return any(not missions(word) and not any(_meets(word, one) for one in self._words) for word in self._asked)

    @cached_property
    def _words(self) -> frozenset[str]:
        """Every word for a sensor there is."""
        return frozenset().union(*self._said.values(), *self._of_samples.values())

    @cached_property
    def _own(self) -> dict[int, frozenset[str]]:
        """Words for the sensors of datasets by what is said of them."""
        edges = self._edges
        own: dict[int, frozenset[str]] = {}
        for iri, sensor in texts(self._store, "SELECT ?dataset ?sensor { ?dataset mlaoi:sensor ?sensor }"):
            node = edges.iris.find(iri)
            if node >= 0:
                own[node] = own.get(node, frozenset()) | {sensor}
        return own

    @cached_property
    def _of_samples(self) -> dict[int, set[str]]:
        """Words of samples of datasets for their own sensors, which those of the dataset may contradict."""
        found: dict[int, set[str]] = {}
        query = "SELECT DISTINCT ?dataset ?sensor { ?area mlaoi:sensor ?sensor . ?dataset mlaoi:footprint ?area }"
        for iri, sensor in texts(self._store, query):
            found.setdefault(self._edges.iris.find(iri), set()).add(sensor)
        return found

    @cached_property
    def _said(self) -> dict[int, frozenset[str]]:
        """Words for the sensors of datasets: their own and their parts', or, where there are none, their wholes'."""
        edges, own = self._edges, self._own
        said = dict(own)
        parts = [(edges.subject[edge], edges.object[edge]) for edge in edges.parts.edges if edges.code[edge] == PART]
        for part, whole in parts:
            if part in own:
                said[whole] = said.get(whole, frozenset()) | own[part]
        for part, whole in parts:
            if part not in said and whole in own:
                said[part] = own[whole]
        return said


def _meets(asked: str, said: str) -> bool:
    """Return whether two words may mean one sensor: the same mission, or one word in the other.

    >>> _meets("sentinel2", "sentinel-2a"), _meets("sentinel-2", "Sentinel"), _meets("sentinel-2", "msi")
    (True, True, False)
    """
    a, b = _plain(asked), _plain(said)
    return bool(missions(asked) & missions(said)) or (bool(a and b) and (a in b or b in a))


def _plain(word: str) -> str:
    return "".join(letter for letter in word.casefold() if letter.isalnum())
