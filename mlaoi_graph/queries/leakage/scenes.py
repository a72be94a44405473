"""Whether two datasets were cut from, or drawn on, one image; or one of them on samples of the other."""

from __future__ import annotations

from functools import cached_property
from typing import Final

from mlaoi_graph.queries.graph import IS_ARCHIVE, IS_DATASET, Edges
from mlaoi_graph.queries.kinship import Kinship
from mlaoi_graph.results import texts
from mlaoi_graph.stores import Store

__all__ = ["Scenes"]

_IMAGE: Final = "mlaoi:sourceImage"
_LABELS: Final = "mlaoi:labelSource"
_ANY: Final = f"({_IMAGE}|{_LABELS})"
_OF_DATASET: Final = """SELECT DISTINCT ?dataset ?image {{
    ?part mlaoi:partOf* ?dataset .
    {{ ?part {0} ?image }} UNION {{ ?part mlaoi:footprint/{0} ?image }} }}"""
# An image may be an item, the area of which is named after it.
_AREA: Final = 'BIND(IRI(CONCAT(STR(?image), IF(CONTAINS(STR(?image), "#"), "-area", "#area"))) AS ?area)'
_EACH: Final = f"{{ SELECT DISTINCT ?image {{ ?any {_ANY} ?image }} }}"
_HOLDERS: Final = f"SELECT DISTINCT ?image ?dataset {{ {_EACH} {_AREA} ?dataset mlaoi:footprint ?area }}"
_DATA: Final = f"SELECT DISTINCT ?image {{ {_EACH} ?image a ?class }}"
_OLDER: Final = (
    f"SELECT DISTINCT ?image ?older {{ {_EACH} {_AREA} ?area {_IMAGE} ?older }}",
    f"SELECT DISTINCT ?image ?older {{ {_EACH} ?image {_IMAGE} ?older }}",
)


class Scenes:
    """Compares datasets of one state of a catalog, and remembers what it has looked up."""

    def __init__(self, store: Store, edges: Edges, kinship: Kinship) -> None:
        self._store = store
        self._edges = edges
        self._kinship = kinship
        self._found: dict[tuple[int, str], frozenset[str]] = {}
        self._drawn: dict[int, list[str]] = {}

    def shared(self, test: int, train: int) -> tuple[str, bool] | None:
        """Return what two datasets share, in words, and whether it is certain; None for nothing."""
        if not self._are_any:
            return None
        images = self._images(test) & self._images(train)
        if images:
            several = f"{len(images)} source images are" if len(images) > 1 else "a source image is"
            return f"{several} common to both: {min(images)}", True
        label = self._edges.label
        on_test, on_train = self._drawn_on(train, test), self._drawn_on(test, train)
        for (image, certain), words in (
            (on_test, f"what was learned was drawn on what is in {label(test)}"),
            (on_train, f"the test was drawn on what is in {label(train)}, which was learned from"),
        ):
            if image:
                return f"{words}: {image}", certain
        for one, other in ((test, train), (train, test)):
            both = self._whole_and_part(one, other)
            if both:
                return f"{label(one)} was drawn on {both[0]}, and {label(other)} on a part of that: {both[1]}", False
        for one, other in ((test, train), (train, test)):
            for source, _ in self._kinship.sources(one, other):
                images = self._images(one) & self._images(source)
                if images:
                    made = f"{label(other)} was made from {label(source)}, of which it is not known what was taken"
                    return f"{made}: a source image is common to both: {min(images)}", False
        return None

    def _drawn_on(self, drawn: int, other: int) -> tuple[str, bool]:
        """Return an image of one dataset that is in the other, or is all of it, "" for none; and if that is certain."""
        holds, maybe = self._kinship.holds, ""
        may_be_more = not self._kinship.are_apart(drawn, other)
        for image in self._known(drawn):
            for node in self._things[image]:
                if holds(other, node):
                    return image, True
                if may_be_more and holds(node, other) and not self._edges.kinds[node] & IS_ARCHIVE:
                    maybe = maybe or image
        return maybe, False

    def _whole_and_part(self, one: int, other: int) -> tuple[str, str] | None:
        """Return data that one dataset was drawn on, and an image in these that the other was drawn on."""
        edges, things = self._edges, self._things
        parts = sorted(self._images(other) & things.keys())
        for image in sorted(self._images(one) & things.keys()) if parts else ():
            whole = edges.iris.find(image)
            if whole < 0 or edges.kinds[whole] & IS_ARCHIVE:
                continue
            for part in parts:
                if any(self._kinship.holds(whole, node) for node in things[part]):
                    return image, part
        return None

    def _known(self, dataset: int) -> list[str]:
        """Return what a dataset was cut from or drawn on that is a sample or data here."""
        if dataset not in self._drawn:
            every = self._images(dataset) | self._of(dataset, _LABELS)
            self._drawn[dataset] = sorted(every & self._things.keys())
        return self._drawn[dataset]

    def _images(self, dataset: int) -> frozenset[str]:
        """Return the images a dataset, its parts, or samples were cut from, and those that these were cut from."""
        found = self._of(dataset, _IMAGE)
        todo = list(found & self._older.keys())
        if not todo:
            return found
        every = set(found)
        while todo:
            new = self._older.get(todo.pop(), set()) - every
            every |= new
            todo += new
        return frozenset(every)

    def _of(self, dataset: int, by: str) -> frozenset[str]:
        key = dataset, by
        if key not in self._found:
            rows = texts(self._store, _OF_DATASET.format(by), dataset=self._edges.iris[dataset])
            self._found[key] = frozenset(image for (image,) in rows)
        return self._found[key]

    @cached_property
    def _are_any(self) -> bool:
        return next(texts(self._store, f"SELECT ?image {{ ?any {_ANY} ?image }} LIMIT 1"), None) is not None

    @cached_property
    def _things(self) -> dict[str, set[int]]:
        """Images that are samples or data here: the data they are, or are in, and what those were made from."""
        edges, found = self._edges, dict[str, set[int]]()
        rows = [*texts(self._store, _HOLDERS), *((image, image) for (image,) in texts(self._store, _DATA))]
        for image, dataset in rows:
            node = edges.iris.find(dataset)
            if node >= 0 and edges.kinds[node] & IS_DATASET:
                held = found.setdefault(image, set())
                held.add(node)
                if image == dataset:
                    held.update(source for source, _ in self._kinship.sources(node, node))
        return found

    @cached_property
    def _older(self) -> dict[str, set[str]]:
        """Images that are samples or data here: what those were cut from."""
        found: dict[str, set[str]] = {}
        for query in _OLDER:
            for image, older in texts(self._store, query):
                found.setdefault(image, set()).add(older)
        return found
