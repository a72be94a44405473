"""The collections of one snapshot: what is in each, in an order that stays, and the document of each thing there.

A shelf is what a search goes through: things with a number, which is theirs in this snapshot, and a key, by which a
later page finds its place again whatever was written meanwhile.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from hashlib import blake2b
from itertools import chain
from typing import Any, Final, Protocol
from urllib.parse import quote

import numpy as np
import orjson
from pyoxigraph import Literal

from mlaoi_graph import iri as iris
from mlaoi_graph.catalog import Catalog
from mlaoi_graph.footprints import Footprints
from mlaoi_graph.geo.mapped import Array, distinct
from mlaoi_graph.geo.written import geojson_text
from mlaoi_graph.items import UNREADABLE, Kept, key_of
from mlaoi_graph.lineage_fields import EXPOSED_TO, FOOTPRINT_OF, HOLDS, REPEATED, SCHEMA
from mlaoi_graph.model import AreaOfInterest, Dataset
from mlaoi_graph.queries.graph import FAMILY, IS_DATASET, IS_FAMILY, IS_MODEL, IS_UNKNOWN, PART, PREDICATES
from mlaoi_graph.rdf import DERIVATION_PROPERTY, STAGE_PROPERTY
from mlaoi_graph.results import texts
from mlaoi_graph.server.addresses import address
from mlaoi_graph.server.reply import Refusal
from mlaoi_graph.server.stac.graph import StoredGraph
from mlaoi_graph.server.stac.parts import place_of, put_together, take_apart
from mlaoi_graph.server.stac.places import ModelPlaces
from mlaoi_graph.server.stac.query import Query
from mlaoi_graph.server.stac.seen import BANDS, Spoken
from mlaoi_graph.server.stac.witness import Witness
from mlaoi_graph.stores import Store
from mlaoi_graph.vocab import DCTERMS, MLAOI
from mlaoi_graph.writers.stac import Documents, Extent, Names, Place, around, boxes_of, dataset_names, when_of

__all__ = ["DATA", "ROLES", "UNKNOWN", "Collections", "Column", "Holdings", "Served", "Shelf"]

ROLES: Final[Mapping[str, tuple[str, str]]] = {
    "models-pretrained": ("pretrained", "pretrained"),
    "models-finetuned": ("finetuned", "fine-tuned"),
    "models-instruction-tuned": ("instruction_tuned", "instruction-tuned"),
    "models-trained": ("trained", "trained, in whatever stage,"),
    "models-validated": ("validated", "validated"),
    "models-tested": ("tested", "tested"),
    "models-exposed": ("exposed", "trained, or made from what was trained,"),
    "models-declared": ("declared", "said to be usable by their publishers"),
}
"""Role collections: the word of :data:`~mlaoi_graph.queries.areas.STAGES_OF`, and how it is called."""
UNKNOWN: Final = "models-unknown"
DATA: Final = "data"
"""Name of the shelf of all areas."""
_AREAS_OF_NONE: Final = "areas"
_NONE: Final = "~"
"""In place of the dataset of an area that is no dataset's: it comes after all IRIs."""
_NODES: Final[Mapping[str, tuple[int, str]]] = {
    "models": (IS_MODEL, "All models; the geometry is what their publisher declares, no evidence of any use there"),
    "families": (IS_FAMILY, "Model families: what is said of all their members"),
    "unresolved": (IS_UNKNOWN, "Things that are referred to, and nothing says what they are"),
}
_FIXED: Final = ("models", *ROLES, UNKNOWN, "families", "unresolved", _AREAS_OF_NONE)
"""Collections that are no dataset's."""
_TASKS: Final = "mlm:tasks"
_FACTS: Final = {
    "title": "title",
    "version": "version",
    "mlm:architecture": "architecture",
    "mlm:framework": "framework",
    "lineage:family": "family",
    "lineage:released": "released",
}
"""Fields of models that stand in their documents as in the graph, and what they are among the edges."""
_WORDS: Final = frozenset({_TASKS, "mlm:architecture", "mlm:framework"})
_PROPERTY_OF: Final[Mapping[Any, str]] = {**STAGE_PROPERTY, **DERIVATION_PROPERTY}
_CODES: Final = {name: [PREDICATES.index(_PROPERTY_OF[kind]) for kind in kinds] for name, kinds in REPEATED.items()}
_AT_A_TIME: Final = 64
_ROW_SHIFT: Final = 2**32
_KEPT: Final = 4096
"""Nodes that links lead to, that are held."""
_Json = dict[str, Any]


class Column:
    """What all things of a shelf have in a field, by number, and the order of that."""

    def __init__(self, values: Sequence[str | None]) -> None:
        self.values: Final = values
        place = {value: at for at, value in enumerate(sorted({value for value in values if value is not None}))}
        self.ranks: Final = np.array([-1 if value is None else place[value] for value in values], dtype=np.int32)
        """Places in the order of values; -1 for none."""


class Shelf(Protocol):
    """What a search goes through."""

    name: str

    def find(self, query: Query) -> Array:
        """Return the numbers of what may be found by everything but what documents say, sorted."""

    def key(self, number: int) -> str:
        """Return what a thing is found by again."""

    def after(self, key: str) -> int:
        """Return the first number beyond a key, whether or not that is there."""

    def documents(self, numbers: Sequence[int], site: str) -> list[bytes]:
        """Return the items or collections, as JSON."""

    def sifts(self, query: Query) -> bool:
        """Return whether :meth:`find` gives more than what is found, and each document has to be looked into."""

    def column(self, field: str) -> Column | None:
        """Return what all things have in a field; None if only their documents tell."""


class Served(Documents):
    """Documents as the API serves them: with absolute links, and others to the lineage page and its Turtle."""

    def __init__(self, holdings: Holdings, site: str) -> None:
        super().__init__(holdings.witness, holdings.witness)
        self._holdings = holdings
        self._site = site

    def href(self, source: Place, target: Place) -> str:
        """Return an address."""
        return f"{self._site}stac/{target.path}"

    def structure(self, place: Place) -> list[_Json]:
        """Return the links every document has."""
        assert place.node is not None
        root = {"rel": "root", "href": f"{self._site}stac", "type": "application/json"}
        links = [root, {"rel": "self", "href": self.href(place, place), "type": place.media_type}]
        if place.is_item and place.parent is not None:
            above = {"href": self.href(place, place.parent), "type": "application/json"}
            links += [{"rel": "parent", **above}, {"rel": "collection", **above}]
        else:
            links += [{**root, "rel": "parent"}, _items_link(self.href(place, place)), _queryables(self._site, place)]
        page = address(place.node.iri, self._holdings.catalog.base, self._site)
        return [
            *links,
            {"rel": "alternate", "href": page, "type": "text/html", "title": "Lineage"},
            {"rel": "alternate", "href": f"{page}.ttl", "type": "text/turtle", "title": "Lineage as Turtle"},
        ]

    def extent(self, dataset: Dataset) -> Extent:
        """Return where and when the data are, from the index."""
        footprints = self._holdings.catalog.footprints
        rows = footprints.rows_of(dataset.iri)
        everywhere = any(p is not None and p.value == "global" for p in set(footprints.precisions(rows)))
        times = {(start or None, end or None) for _, start, end in footprints.areas_named(rows)}
        bounds = footprints.index.bounds(rows)
        known = np.isfinite(bounds[:, 0])
        cut = known & (bounds[:, 2] - bounds[:, 0] > 180)  # at the antimeridian: its box is round the world
        boxes = [*map(tuple, bounds[known & ~cut].tolist()), *boxes_of(footprints.geometries(rows[cut]))]
        return Extent(everywhere, boxes, sorted(times, key=str))


class Holdings:
    """Everything the API has of one snapshot. As a mapping, where each node's own document is."""

    def __init__(self, catalog: Catalog, kept: Kept | None = None) -> None:
        """``kept`` is what is beside the snapshot, if somebody opened that already."""
        self.catalog = catalog
        self.edges = catalog.lineage.edges
        self._iri = lru_cache(_KEPT)(self.edges.iris.__getitem__)
        self.graph = StoredGraph(catalog, self._exposed_to)
        self.kept = kept or Kept(catalog.items_file)
        self._nodes = {name: _Listed(self, place, bits) for place, (name, (bits, _)) in enumerate(_NODES.items())}
        self.models = self._nodes["models"]
        self.datasets = _Listed(self, len(_NODES), IS_DATASET, taken=(DATA, *_FIXED))
        self.places = ModelPlaces(catalog, self.models.iris, self._exposures_of_models)
        self.get = lru_cache(_KEPT)(self._get)
        self.witness = Witness(self.graph, self.get, self._standing_of)
        self.made: Final = Served(self, self.kept.site)
        """Makes documents, as they are kept."""
        self.column = lru_cache(64)(self._column)
        self.area_ids = lru_cache(64)(self._area_ids)
        self._known = lru_cache(64)(self._having)
        self.words = lru_cache(None)(self._words)
        self._spoken: Spoken | None = None
        self._shelves: dict[str, Shelf] = {
            "models": _Models(self, "models"),
            **{name: _Role(self, name) for name in (*ROLES, UNKNOWN)},
            **{name: _Nodes(self, name) for name in ("families", "unresolved")},
            _AREAS_OF_NONE: _Areas(self, _AREAS_OF_NONE, [_NONE]),
            DATA: _Areas(self, DATA, None),
        }
        self.collections = Collections(self)

    def shelf(self, name: str) -> Shelf | None:
        """Return what holds the items of a collection; None if there is none of that name."""
        if name in self._shelves:
            return self._shelves[name]
        at = self.datasets.at(name)
        return None if at is None else _Areas(self, DATA, [self.datasets.iris[at]])

    def shelves(self, query: Query) -> list[Shelf]:
        """Return where to look, in order: each model once and all data, unless collections are named."""
        names = ("models", DATA) if query.collections is None else query.collections
        codes = sorted(at for name in names if (at := self.datasets.at(name)) is not None)
        found = [shelf for name, shelf in self._shelves.items() if name in names]
        return [*found, _Areas(self, DATA, [self.datasets.iris[at] for at in codes])] if codes else found

    def listed(self, name: str) -> _Listed | None:
        """Return the nodes in a collection that is no dataset's."""
        return self._nodes.get(name) or (self.models if name in ROLES or name == UNKNOWN else None)

    def documents(self, listed: _Listed, places: Sequence[int]) -> list[bytes]:
        """Return the documents of nodes as they are kept; models in parts (:mod:`~.parts`)."""
        keys = [listed.key(place) for place in places]
        found = self.kept.get("items", keys)
        found |= self._make(listed, {key: place for key, place in zip(keys, places, strict=True) if key not in found})
        return [found[key] for key in keys]

    def _make(self, listed: _Listed, places: Mapping[int, int]) -> dict[int, bytes]:
        """Return the documents of places by the numbers they are kept under, and keep them."""
        tables: dict[str, dict[int, bytes]] = defaultdict(dict)
        for key, place in places.items():
            self.witness.inputs()
            document = self._document(listed.iris[place])
            tables["items"][key] = take_apart(document) if listed is self.models else orjson.dumps(document)
            if listed is self.models:
                tables["spoken"][key] = Spoken.row(document)
            if listed is not self.datasets:  # where data are is not noted
                tables["made_of"][key], inputs = self.witness.inputs()
                for table, some in inputs.items():
                    tables[table] |= some
        self.kept.put(tables)
        return tables["items"]

    def settle(self) -> None:
        """Throw out what is kept of the last state and is not so in this one; nothing is read or kept before that."""
        listed = (*self._nodes.values(), self.datasets)
        nodes = [iri for some in listed for iri in some.iris]
        try:
            mentioned = self.kept.mentioned
            if mentioned:
                self.witness.settle(self.kept, mentioned, nodes, lambda iri: [some.key_of(iri) for some in listed])
        except UNREADABLE:
            self.kept.empty()

    def _standing_of(self, iri: str) -> tuple[list[str | None], list[str]]:
        """Return what a node goes by in each list, and what it is exposed to."""
        listed = (*self._nodes.values(), self.datasets)
        places = [some.place(iri) for some in listed]
        names = [None if at is None else some.ids[at] for some, at in zip(listed, places, strict=True)]
        return names, self._exposed_to(iri)

    def prepare(self) -> None:
        """Make and keep all that searches would have to wait for: models first, and what they are searched by."""
        self._prepare(self.models)
        self._listen()
        for listed in (self.datasets, self._nodes["families"], self._nodes["unresolved"]):
            self._prepare(listed)
        for some in _batches(len(self.models.iris)):
            for name in ROLES:
                shelf = self._shelves[name]
                assert isinstance(shelf, _Role)
                shelf.prepare(some)
        for owner in self.owners:
            self._area_ids(owner)

    def _prepare(self, listed: _Listed) -> None:
        for some in _batches(len(listed.iris)):
            keys = {listed.key(place): place for place in some}
            self._make(listed, {key: keys[key] for key in self.kept.missing("items", list(keys))})

    def _listen(self) -> None:
        """Keep words and bands of all models as one, if they are all there."""
        rows: dict[int, bytes] = {}
        for some in _batches(len(self.models.iris)):
            rows |= self.kept.get("spoken", [self.models.key(place) for place in some])
        if len(rows) == len(self.models.iris):
            self.kept.put({"lists": {_SPOKEN: b"\n".join(rows[self.models.key(at)] for at in range(len(rows)))}})

    @property
    def spoken(self) -> Spoken | None:
        """Words and bands of all models; None until they are known."""
        if self._spoken is None:
            found = self.kept.get("lists", [_SPOKEN])
            if found:
                self._spoken = Spoken(found[_SPOKEN].split(b"\n"))
        return self._spoken

    @cached_property
    def owners(self) -> list[str]:
        """The datasets that have areas, sorted, and what stands for none."""
        return [*self.catalog.footprints.datasets, _NONE]

    @cached_property
    def areas(self) -> tuple[Array, Array]:
        """All areas but those that models declare as numbers of :class:`_Areas`, sorted, and the row of each."""
        footprints = self.catalog.footprints
        rows = np.arange(len(footprints))
        at, code = footprints.datasets_of(rows)
        free = np.setdiff1d(rows, np.concatenate((at, footprints.models_of(rows)[0])))
        free = free[np.array([iri != "" for iri, _, _ in footprints.areas_named(free)], dtype=bool)]
        of_none = self.owners.index(_NONE) * _ROW_SHIFT + free
        found = np.sort(np.concatenate((code.astype(np.int64) * _ROW_SHIFT + at, of_none)))
        return found, (found % _ROW_SHIFT).astype(np.uint32)

    def areas_of(self, owner: str) -> Array:
        """Return those of one dataset, or of none."""
        everything, owners = self.areas[0], self.owners
        place = bisect_left(owners, owner)
        here = place + (place < len(owners) and owners[place] == owner)
        return everything[slice(*np.searchsorted(everything, (place * _ROW_SHIFT, here * _ROW_SHIFT)))]

    # -- who has what ---------------------------------------------------------------------------------------------

    def having(self, name: str, value: str | None) -> Array:
        """Return the numbers of the nodes that have a value in a list that is searched, or may have it.

        For None those that have any.
        """
        if name == BANDS:
            return self.models.nodes if self.spoken is None else self.models.nodes[self.spoken.with_band(value)]
        return self._known(name, value)

    def _having(self, name: str, value: str | None) -> Array:
        if name in _WORDS:
            words = self.words(name)
            some = [words.get(value, ())] if value is not None else words.values()
            return self.models.nodes[distinct(np.fromiter(chain.from_iterable(some), dtype=np.int64))]
        if value is None:
            return self._having_any(name)
        node = self.edges.iris.find(value)
        found = [self._having_node(name, one) for one in ([] if node < 0 else self._with_splits(node))]
        return distinct(np.concatenate([np.empty(0, dtype=np.int64), *found]))

    def _having_any(self, name: str) -> Array:
        if name == EXPOSED_TO:
            return distinct(self._by_data[0])
        codes = [FAMILY] if name == "lineage:family" else _CODES[name]
        return distinct(np.asarray(self.edges.subject)[np.isin(self._codes, codes)].astype(np.int64))

    def _having_node(self, name: str, node: int) -> Array:
        if name == EXPOSED_TO:
            learning, data = self._by_data
            return learning[slice(*np.searchsorted(data, (node, node + 1)))]
        if name == "lineage:family":
            chosen = np.asarray(self.edges.members[node], dtype=np.int64)
        else:
            edges = np.asarray(self.edges.into[node], dtype=np.int64)
            chosen = edges[np.isin(self._codes[edges], _CODES[name])]
        return np.asarray(self.edges.subject)[chosen].astype(np.int64)

    def _with_splits(self, node: int) -> list[int]:
        found = [node]
        for one in found:  # grows while it is gone through
            parts = (self.edges.subject[edge] for edge in self.edges.parts[one] if self.edges.code[edge] == PART)
            found.extend(part for part in parts if (part, one) in self._splits and part not in found)
        return found

    @cached_property
    def _splits(self) -> frozenset[tuple[int, int]]:
        """Splits whose IRI was made from that of what they are one of, and that."""

        def make() -> list[tuple[int, int]]:
            rows = set(texts(self.catalog.store, _SPLITS))
            find = self.edges.iris.find
            return sorted((find(part), find(whole)) for part, split, whole in rows if iris.part(whole, split) == part)

        return frozenset((part, whole) for part, whole in self.kept.once("splits", make))

    def _column(self, name: str, field: str) -> Column | None:
        """Return a field of the items of a collection of nodes."""
        listed = self.listed(name)
        assert listed is not None
        if field == "id":
            return Column(listed.ids)
        if field == "collection":
            return Column([name] * len(listed.ids))
        if listed is self.models and field in _FACTS:
            return Column(self._facts(field))
        if name == UNKNOWN and field in _DATES:
            return Column([when_of(None, None)[0][_DATES[field]]] * len(listed.ids))
        if name in ROLES and field in _DATES:
            when = lru_cache(None)(lambda both: when_of(*both)[0][_DATES[field]] if both else None)
            return Column([when(both) for both in self.places.dates(ROLES[name][0])])
        return None

    def _facts(self, field: str) -> list[str | None]:
        texts = self.edges.columns.facts[_FACTS[field]]
        return [texts[node] or None for node in self.models.nodes.tolist()]

    def _words(self, name: str) -> dict[str, list[int]]:
        """Return the places of the models that have each word."""
        found: dict[str, list[int]] = {}
        if name == _TASKS:
            said = (self.edges.columns.tasks[node] for node in self.models.nodes.tolist())
            words = [orjson.loads(text) if text else () for text in said]
        else:
            words = [(word,) if word else () for word in self._facts(name)]
        for place, some in enumerate(words):
            for word in some:
                found.setdefault(word, []).append(place)
        return found

    @cached_property
    def _codes(self) -> Array:
        return np.asarray(self.edges.code)

    @cached_property
    def _exposures(self) -> tuple[Array, Array]:
        return self.catalog.lineage.exposures()

    @cached_property
    def _by_data(self) -> tuple[Array, Array]:
        learning, data = self._exposures
        order = np.argsort(data, kind="stable")
        return learning[order], data[order]

    def _exposures_of_models(self) -> tuple[Array, Array]:
        learning, data = self._exposures
        place = np.full(len(self.edges.iris), -1)
        place[self.models.nodes] = np.arange(len(self.models.nodes))
        models = place[learning]
        return models[models >= 0], data[models >= 0]

    def _exposed_to(self, iri: str) -> list[str]:
        node = self.edges.iris.find(iri)
        learning, data = self._exposures
        return [self._iri(n) for n in data[slice(*np.searchsorted(learning, (node, node + 1)))].tolist()]

    # -- documents ------------------------------------------------------------------------------------------------

    def _get(self, iri: str) -> Place | None:
        """Return where a model, family, dataset or unknown thing is."""
        node = self.graph.briefly(iri)  # links need no list of the thousand areas of a dataset
        if node is None or isinstance(node, AreaOfInterest):
            return None
        at = self.datasets.place(iri)
        if at is not None and isinstance(node, Dataset):
            name = self.datasets.ids[at]
            return Place(_path(name), name, node.label or name, None, node)
        for collection, listed in self._nodes.items():
            at = listed.place(iri)
            if at is not None:
                name = listed.ids[at]
                return Place(_path(collection, name), name, node.label or name, _top(collection), node)
        return None

    def _document(self, iri: str) -> _Json:
        place = self.get(iri)
        if place is None or place.node is None:
            raise Refusal(404, "not-found", f"nothing is known of {iri}")
        if isinstance(place.node, Dataset):
            return self.made.collection(place, place.node)
        assert place.parent is not None
        return self.made.item(place, place.node) | {"collection": place.parent.identifier}

    def _area_ids(self, owner: str) -> list[str]:
        """Return the names of a dataset's areas in its collection, as :meth:`areas_of` has them."""

        def make() -> list[str]:
            store = self.catalog.store
            said = texts(store, _USED_AREAS) if owner == _NONE else texts(store, _AREAS, dataset=owner)
            called = _identifiers(store, said)
            areas = [area for area, _, _ in self.catalog.footprints.areas_named(self.areas_of(owner) % _ROW_SHIFT)]
            names, taken = Names(), dict[str, str]()
            for area in areas:
                if area not in taken:  # one that is drawn twice is one
                    taken[area] = names.take(called.get(area) or iris.tail(area))
            return [taken[area] for area in areas]

        found: list[str] = self.kept.once(f"areas {owner}", make)
        return found


class _Listed:
    """The nodes of a kind, by IRI, with a name for each that no other has."""

    def __init__(self, holdings: Holdings, code: int, bits: int, taken: Sequence[str] = ()) -> None:
        self._code = code
        self.nodes: Final = np.flatnonzero(np.asarray(holdings.edges.kinds) & bits)
        """Their numbers in the lineage."""
        self.iris: Final = [holdings.edges.iris[node] for node in self.nodes.tolist()]
        self.ids: Final = self._names(holdings, bits, taken)
        self._at = {name: place for place, name in enumerate(self.ids)}

    def _names(self, holdings: Holdings, bits: int, taken: Sequence[str]) -> list[str]:
        called = [holdings.edges.columns.facts["identifier"][node] for node in self.nodes.tolist()]
        names = Names(*taken)
        if bits != IS_DATASET:
            return [names.take(name or iris.tail(iri)) for iri, name in zip(self.iris, called, strict=True)]
        wholes: dict[str, str] = {}
        for part, whole in texts(holdings.catalog.store, _WHOLES):
            wholes[part] = min(whole, wholes.get(part, whole))
        known = {iri: (name or None, wholes.get(iri, "")) for iri, name in zip(self.iris, called, strict=True)}
        named = {iri: name for iri, name, _ in dataset_names(known, names)}
        return [named[iri] for iri in self.iris]

    def at(self, identifier: str) -> int | None:
        """Return the place of what goes by a name."""
        return self._at.get(identifier)

    def place(self, iri: str) -> int | None:
        """Return the place of an IRI."""
        at = bisect_left(self.iris, iri)
        return at if at < len(self.iris) and self.iris[at] == iri else None

    def key(self, place: int) -> int:
        """Return what the document of a place is kept under."""
        return self.key_of(self.iris[place])

    def key_of(self, iri: str) -> int:
        """Return what the document of a node would be kept under."""
        return key_of(f"{self._code} {iri}")


_AREAS: Final = "SELECT ?node ?name ?dataset { ?dataset mlaoi:footprint ?node . ?node dcterms:identifier ?name }"
_USED_AREAS: Final = "SELECT ?node ?name ?use { ?use mlaoi:area ?node . ?node dcterms:identifier ?name }"
_WHOLES: Final = "SELECT ?part ?whole { ?part mlaoi:splitOf ?whole }"
_SPLITS: Final = "SELECT ?node ?split ?whole { ?node a mlaoi:Dataset ; mlaoi:split ?split ; mlaoi:splitOf ?whole }"


_SPOKEN: Final = key_of("spoken")


def _batches(count: int) -> Iterator[range]:
    return (range(begin, min(begin + _AT_A_TIME, count)) for begin in range(0, count, _AT_A_TIME))


def _identifiers(store: Store, said: Iterable[tuple[str, ...]]) -> dict[str, str]:
    """Return areas with the identifier they have when what all documents say is merged (:func:`rdf.merge`)."""
    found: dict[str, str] = {}
    several = set()
    for iri, name in said:
        if found.setdefault(iri, name) != name:
            several.add(iri)
    for iri in several:
        said = [(quad.graph_name.value, quad.object.value) for quad in store.match(iri, DCTERMS.identifier)]  # type: ignore[union-attr]
        described = {q.graph_name.value for q in store.match(iri, MLAOI.resolved, _TRUE)}  # type: ignore[union-attr]
        found[iri] = min(said, key=lambda one: (one[0] not in described, one))[1]
    return found


_TRUE: Final = Literal(True)


class _Nodes:
    """One document a node."""

    def __init__(self, holdings: Holdings, name: str) -> None:
        self.name = name
        self._holdings = holdings
        listed = holdings.listed(name)
        assert listed is not None
        self._listed = listed

    def find(self, query: Query) -> Array:
        found = self._placed(query)
        if query.ids is not None:
            wanted = sorted(at for name in query.ids if (at := self._listed.at(name)) is not None)
            found = np.intersect1d(found, np.array(wanted, dtype=np.int64))
        if query.filter is not None:
            some = query.filter.candidates(self._holdings.having)
            if some is not None:
                found = np.intersect1d(found, np.flatnonzero(np.isin(self._listed.nodes, some)), assume_unique=True)
        if query.words and self._is_heard:
            spoken = self._holdings.spoken
            assert spoken is not None
            found = np.intersect1d(found, np.concatenate([spoken.speaking(word) for word in query.words]))
        return found

    def sifts(self, query: Query) -> bool:
        return query.sifts or (query.speaks and not self._is_heard)

    @property
    def _is_heard(self) -> bool:
        """Whether it is known of all these nodes what free text finds."""
        return self._listed is self._holdings.models and self._holdings.spoken is not None

    def key(self, number: int) -> str:
        return self._listed.iris[number]

    def after(self, key: str) -> int:
        return bisect_right(self._listed.iris, key)

    def documents(self, numbers: Sequence[int], site: str) -> list[bytes]:
        kept = self._holdings.kept
        return [kept.told(text, site) for text in self._holdings.documents(self._listed, numbers)]

    def column(self, field: str) -> Column | None:
        return self._holdings.column(self.name, field)

    def _placed(self, query: Query) -> Array:
        return np.arange(0 if query.place is not None else len(self._listed.iris))


class _Models(_Nodes):
    """Every model, where its publisher declares it to be for."""

    def _placed(self, query: Query) -> Array:
        rows = self._holdings.places.rows(query)
        if rows is None:
            return np.arange(len(self._listed.iris))
        places = self._holdings.places
        found = np.zeros(len(self._listed.iris), dtype=bool)
        if query.place is None:  # of those that declare nothing the time is not known
            found[:] = True
            found[places.models_of("declared", None)] = False
        found[places.models_of("declared", rows)] = True
        return np.flatnonzero(found)

    def documents(self, numbers: Sequence[int], site: str) -> list[bytes]:
        api = f"{self._holdings.kept.site}stac"
        parts = self._holdings.documents(self._listed, numbers)
        return [self._holdings.kept.told(put_together(part, self.name, api), site) for part in parts]


_NOWHERE: Final = place_of({"geometry": None}, when_of(None, None)[0])
_DATES: Final = {"datetime": "start_datetime", "start_datetime": "start_datetime", "end_datetime": "end_datetime"}


class _Role(_Nodes):
    """The same models, where they were used in a stage."""

    def find(self, query: Query) -> Array:
        if self.name == UNKNOWN and query.place is not None:
            return np.empty(0, dtype=np.int64)
        return super().find(query)

    def _placed(self, query: Query) -> Array:
        places = self._holdings.places
        if self.name == UNKNOWN:
            return places.models_of("unknown", None)
        return places.models_of(ROLES[self.name][0], places.rows(query))

    def documents(self, numbers: Sequence[int], site: str) -> list[bytes]:
        where = self._where(numbers)
        api = f"{self._holdings.kept.site}stac"
        declared = self.name == "models-declared"
        return [
            self._holdings.kept.told(put_together(parts, self.name, api, where[number], declared=declared), site)
            for number, parts in zip(numbers, self._holdings.documents(self._listed, numbers), strict=True)
        ]

    def _where(self, numbers: Sequence[int]) -> dict[int, bytes]:
        """Return geometry with box, and dates, of each model."""
        if self.name == UNKNOWN:
            return dict.fromkeys(numbers, _NOWHERE)
        keys = {number: self._key(number) for number in numbers}
        found = self._holdings.kept.get("places", list(set(keys.values())))
        made = {}
        for number, key in keys.items():
            if key not in found:
                found[key] = made[key] = self._made(number)
        if made:
            self._holdings.kept.put({"places": made})
        return {number: found[key] for number, key in keys.items()}

    def prepare(self, numbers: Sequence[int]) -> None:
        """Make what is not there yet of where models are."""
        keys = {self._key(number): number for number in numbers}
        missing = self._holdings.kept.missing("places", list(keys))
        self._holdings.kept.put({"places": {key: self._made(keys[key]) for key in missing}})

    def _key(self, number: int) -> int:
        """Return what tells the sources of a footprint, and so where it is, from others."""
        role = ROLES[self.name][0]
        text = (b"declared" if role == "declared" else b"") + self._holdings.places.sources(role, number)
        return int.from_bytes(blake2b(text, digest_size=8).digest(), "big", signed=True)

    def _made(self, number: int) -> bytes:
        found = self._holdings.places.where(ROLES[self.name][0], number)
        if found is None:
            return _NOWHERE
        box = around(boxes_of(found.shape))
        place = {"geometry": orjson.Fragment(geojson_text(found.shape)), "bbox": box}
        return place_of(place, when_of(found.start, found.end)[0])


class _Areas:
    """The areas of datasets, one after the other. A number is the owner's place times 2^32, plus the row."""

    def __init__(self, holdings: Holdings, name: str, owners: Sequence[str] | None) -> None:
        self.name = name
        self._holdings = holdings
        self._footprints: Footprints = holdings.catalog.footprints
        self._owners = owners
        self._ids = holdings.area_ids

    def find(self, query: Query) -> Array:
        rows = self._holdings.places.rows(query)
        if query.ids is not None:
            rows = self._called(query.ids, rows)
        if query.filter is not None and query.filter.candidates(self._holdings.having) is not None:
            return np.empty(0, dtype=np.int64)  # areas have nothing of what is searched
        everything, its_rows = self._holdings.areas
        found = everything
        if self._owners is not None:
            found = np.concatenate([everything[:0], *(self._holdings.areas_of(iri) for iri in self._owners)])
            its_rows = found % _ROW_SHIFT
        return self._once(found if rows is None else found[rows[its_rows]], query)

    def key(self, number: int) -> str:
        code, row = divmod(number, _ROW_SHIFT)
        return f"{self._holdings.owners[code]} {self._area(row)}"

    def after(self, key: str) -> int:
        owner, _, area = key.partition(" ")
        code = bisect_left(self._holdings.owners, owner)
        if code == len(self._holdings.owners) or self._holdings.owners[code] != owner:
            return code * _ROW_SHIFT
        mine = self._holdings.areas_of(owner)
        beyond = bisect_right(range(len(mine)), area, key=lambda at: self._area(int(mine[at] % _ROW_SHIFT)))
        return int(mine[beyond]) if beyond < len(mine) else (code + 1) * _ROW_SHIFT

    def column(self, field: str) -> Column | None:
        return None

    def sifts(self, query: Query) -> bool:
        return query.sifts or query.speaks

    def documents(self, numbers: Sequence[int], site: str) -> list[bytes]:
        kept = self._holdings.kept
        found = kept.get("areas", numbers)
        made = {number: orjson.dumps(self._document(number)) for number in numbers if number not in found}
        if made:
            kept.put({"areas": made})
        found |= made
        return [kept.told(found[number], site) for number in numbers]

    def _document(self, number: int) -> _Json:
        code, row = divmod(number, _ROW_SHIFT)
        owner, iri = self._holdings.owners[code], self._area(row)
        parent = _top(_AREAS_OF_NONE) if owner == _NONE else self._holdings.get(owner)
        area = self._holdings.graph.area(iri)
        if parent is None or area is None:
            raise Refusal(404, "not-found", f"nothing is known of {iri}")
        identifier = self._id(number)
        path = _path(parent.identifier, identifier)
        place = Place(path, identifier, area.label or identifier, parent, area)
        item = self._holdings.made.item(place, area) | {"collection": parent.identifier}
        if owner != _NONE:
            item["properties"][FOOTPRINT_OF] = [owner]
        return item

    def _area(self, row: int) -> str:
        return self._footprints.areas_named(np.array([row]))[0][0]

    def _once(self, found: Array, query: Query) -> Array:
        """Leave out further drawings of an area, and what goes by another name than was asked for."""
        if query.ids is not None:
            wanted = set(query.ids)
            found = found[[self._id(int(number)) in wanted for number in found]] if len(found) else found
        again = self._holdings.catalog.footprints.drawn_again
        if not len(again):
            return found
        again = np.isin(found % _ROW_SHIFT, again)
        kept: Array = found[~(again & (np.diff(found, prepend=-2) == 1))]
        return kept

    def _id(self, number: int) -> str:
        code = number // _ROW_SHIFT
        mine = self._holdings.areas_of(self._holdings.owners[code])
        return self._ids(self._holdings.owners[code])[int(np.searchsorted(mine, number))]

    def _called(self, names: Sequence[str], rows: Array | None) -> Array:
        """Return which rows are of areas that may go by one of these names in a collection."""
        if self._owners is not None:
            wanted = set(names)
            numbers = [
                number
                for owner in self._owners
                for number, name in zip(self._holdings.areas_of(owner).tolist(), self._ids(owner), strict=True)
                if name in wanted
            ]
            found = {self._area(number % _ROW_SHIFT) for number in numbers}
        else:
            store = self._holdings.catalog.store
            match = (q for name in names for q in store.match(None, DCTERMS.identifier, Literal(name)))
            found = {quad.subject.value for quad in match}  # type: ignore[union-attr]
        called = np.zeros(len(self._footprints), dtype=bool)
        for iri in found:
            called[self._footprints.rows_of_area(iri)] = True
        return called if rows is None else called & rows


class Collections:
    """The collections themselves: first those of models, then the datasets'."""

    name = "collections"

    def __init__(self, holdings: Holdings) -> None:
        self._holdings = holdings
        self._fixed = _FIXED

    def find(self, query: Query) -> Array:
        datasets = self._holdings.datasets
        fixed = len(self._fixed)
        found = np.arange(fixed + len(datasets.iris))
        rows = self._holdings.places.rows(query)
        if rows is not None:
            during = None if query.place is None else self._holdings.places.rows(replace(query, place=None))
            footprints = self._holdings.catalog.footprints
            everything, its_rows = self._holdings.areas
            here = {self._holdings.owners[code] for code in np.unique(everything[rows[its_rows]] // _ROW_SHIFT)}
            elsewhere = set(footprints.datasets) - here
            kept = [
                fixed + at
                for at, iri in enumerate(datasets.iris)
                if iri not in elsewhere or (query.place is not None and self._is_anywhere(iri, during))
            ]
            found = np.array([*range(fixed), *kept], dtype=np.int64)
        if query.ids is not None:
            found = np.array([number for number in found if self._id(int(number)) in query.ids], dtype=np.int64)
        return found

    def key(self, number: int) -> str:
        fixed = len(self._fixed)
        return f"0{number:03}" if number < fixed else f"1{self._holdings.datasets.iris[number - fixed]}"

    def after(self, key: str) -> int:
        if key.startswith("0"):
            return int(key[1:]) + 1 if key[1:].isdecimal() else 0
        return len(self._fixed) + bisect_right(self._holdings.datasets.iris, key[1:])

    def column(self, field: str) -> Column | None:
        return None

    def sifts(self, query: Query) -> bool:
        return query.filter is not None or bool(query.words)

    def documents(self, numbers: Sequence[int], site: str) -> list[bytes]:
        fixed = len(self._fixed)
        places = [number - fixed for number in numbers if number >= fixed]
        found = dict(zip(places, self._holdings.documents(self._holdings.datasets, places), strict=True))
        return [
            orjson.dumps(_fixed_collection(self._fixed[number], site))
            if number < fixed
            else self._holdings.kept.told(found[number - fixed], site)
            for number in numbers
        ]

    def named(self, name: str, site: str) -> bytes:
        """Return a collection by its id. Raises Refusal with 404."""
        if name in self._fixed:
            return orjson.dumps(_fixed_collection(name, site))
        at = self._holdings.datasets.at(name)
        if at is None:
            raise Refusal(404, "not-found", f"there is no collection {name!r}. See {site}stac/collections")
        return self._holdings.kept.told(self._holdings.documents(self._holdings.datasets, [at])[0], site)

    def missing(self, names: Sequence[str]) -> Iterator[str]:
        """Yield those of these names that no collection has."""
        return (name for name in names if name not in self._fixed and self._holdings.datasets.at(name) is None)

    def _id(self, number: int) -> str:
        fixed = len(self._fixed)
        return self._fixed[number] if number < fixed else self._holdings.datasets.ids[number - fixed]

    def _is_anywhere(self, iri: str, during: Array | None) -> bool:
        """Return whether data of a time may be anywhere: of what is not known where it is, the extent is the world."""
        footprints = self._holdings.catalog.footprints
        rows = footprints.rows_of(iri)
        if footprints.has_geometry(rows).any():
            rows = rows[[p is not None and p.value == "global" for p in footprints.precisions(rows)]]
        return bool(len(rows)) and (during is None or bool(during[rows].any()))


def _fixed_collection(name: str, site: str) -> _Json:
    here = f"{site}stac/{_path(name)}"
    if name in ROLES:
        about = f"The models that were {ROLES[name][1]} here: their geometry and dates are those of the data they used"
        if name == "models-declared":
            about = "The models, where and when their publishers say they may be used: no evidence of any use there"
    elif name == _AREAS_OF_NONE:
        about = "Areas that are no dataset's, as those that uses are limited to"
    elif name == UNKNOWN:
        about = (
            "The models of which it is not known where all data are that they, or what they were made from, learned "
        )
        about += "from, or that they were measured on"
    else:
        about = _NODES[name][1]
    root = {"rel": "root", "href": f"{site}stac", "type": "application/json"}
    return {
        "type": "Collection", "stac_version": "1.1.0", "stac_extensions": [SCHEMA], "id": name,
        "title": name.replace("-", " ", 1).capitalize(), "description": f"{about}.", "license": "other",
        HOLDS: "views" if name in ROLES or name == UNKNOWN else "things",
        "extent": {"spatial": {"bbox": [[-180.0, -90.0, 180.0, 90.0]]}, "temporal": {"interval": [[None, None]]}},
        "links": [
            root, {**root, "rel": "parent"}, {"rel": "self", "href": here, "type": "application/json"},
            _items_link(here), _queryables(site, Place(_path(name), name, name, None)),
        ],
    }  # fmt: skip


def _items_link(here: str) -> _Json:
    return {"rel": "items", "href": f"{here}/items", "type": "application/geo+json"}


def _queryables(site: str, place: Place) -> _Json:
    rel = "http://www.opengis.net/def/rel/ogc/1.0/queryables"
    return {"rel": rel, "href": f"{site}stac/{place.path}/queryables", "type": "application/schema+json"}


def _top(collection: str) -> Place:
    return Place(_path(collection), collection, collection, None)


def _path(collection: str, item: str | None = None) -> str:
    """Return a path below the API's address.

    >>> _path("a/b", "c d")
    'collections/a%2Fb/items/c%20d'
    """
    found = f"collections/{quote(collection, safe='')}"
    return found if item is None else f"{found}/items/{quote(item, safe='')}"
