"""Write a catalog's graph as a static STAC 1.1 catalog that gives the same graph when it is read.

::

    catalog.json
    models/<family>/catalog.json        below it the family and its models, an item each
    datasets/<dataset>/collection.json  below it its areas, an item each; collections of its splits
    areas/, unresolved/                 areas that are no dataset's, and things of which not even the kind is known

Documents are dictionaries written by orjson: the time pystac takes to save a catalog grows faster than the catalog, and
its links look up what they point at. pystac reads and validates the result; the tests have it do so.

What STAC cannot carry is in ``docs/stac-export.md``.
"""

from __future__ import annotations

import posixpath
import re
import shutil
from abc import ABC, abstractmethod
from calendar import monthrange
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol, TypeVar

import orjson
import shapely

from mlaoi_graph import iri as iris
from mlaoi_graph import rdf
from mlaoi_graph.errors import StoreError
from mlaoi_graph.lineage_fields import (
    EVALUATED_ON,
    EXPOSED_TO,
    OPEN_END,
    OPEN_START,
    PART_OF,
    SCHEMA,
    Described,
    decode,
    encode,
    encode_evidence,
    kind_of,
    repeated,
    wholes_of_split,
    with_wholes,
)
from mlaoi_graph.model import (
    AreaOfInterest,
    AssociationKind,
    Confidence,
    Dataset,
    DataUse,
    Derivation,
    Evidence,
    Model,
    ModelFamily,
    Precision,
    QualifiedEdge,
    Rule,
    SourceDocument,
    Stage,
    Unknown,
)
from mlaoi_graph.stores import Store
from mlaoi_graph.vocab import MLAOI

__all__ = [
    "Documents",
    "Extent",
    "Graph",
    "Names",
    "Place",
    "around",
    "boxes_of",
    "edge_link",
    "ends_of",
    "exposure_of",
    "geometry_of",
    "stated",
    "when_of",
    "write",
]

_EXTENSIONS: Final = "https://stac-extensions.github.io"
_DOI: Final = re.compile(r"10\.[0-9a-zA-Z]{4,}/\S+")
_WORLD: Final = [-180.0, -90.0, 180.0, 90.0]
_LONGEST_NAME: Final = 100
_Json = dict[str, Any]
_Box = tuple[float, float, float, float]
_N = TypeVar("_N", Model, ModelFamily, Dataset, AreaOfInterest, Evidence, Unknown)


def write(
    store: Store,
    folder: Path,
    *,
    root_href: str | None = None,
    relative_links: bool = False,
    mlm_links: bool = False,
) -> None:
    """Write what the documents of a store assert into a folder that is empty or not there.

    Links are relative, so the folder can be moved (self-contained). With ``root_href``, the address it will be served
    at, they are absolute and every document has a self link (absolute published); with ``relative_links`` too, only
    the root has one (relative published). ``mlm_links`` adds a link for every use in the way of MLM's best practices.
    The folder is complete or not there; meanwhile the graph is held in memory.

    Raises StoreError if the folder holds something or cannot be written, ValueError for an address that is none.
    """
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise StoreError(f"{folder}: there is something already. Choose a folder that is empty or not there")
    temporary = folder.with_name(f".{folder.name}.part")
    try:
        shutil.rmtree(temporary, ignore_errors=True)
        for path, document in _Files(_Whole(store), root_href, relative_links, mlm_links).all():
            place = temporary / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
        if folder.exists():
            folder.rmdir()
        temporary.rename(folder)
    except OSError as error:
        raise StoreError(f"{folder}: cannot be written ({error.strerror or error}). Check the folder") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


# -- the graph ----------------------------------------------------------------------------------------------------


class Graph(Protocol):
    """What documents are made from: nodes, each as all documents together have it."""

    def edges_of(self, iri: str) -> Sequence[QualifiedEdge]:
        """Return the edges of which a thing is the newer end."""

    def area(self, iri: str) -> AreaOfInterest | None:
        """Return an area."""

    def source(self, iri: str) -> Evidence | None:
        """Return a source that is cited."""

    def published_of(self, model: str) -> str | None:
        """Return what else stood in the first document that describes a model, as JSON."""

    def exposure_of(self, iri: str) -> list[str]:
        """Return the IRIs of what a thing learned from at any depth, sorted."""

    def wholes_of(self, iri: str) -> Sequence[str]:
        """Return what a dataset is a split of."""


class _Whole:
    """What the documents of a store say, in memory: each node once, each edge at its newer end."""

    def __init__(self, store: Store) -> None:
        self._store = store
        said: defaultdict[type, defaultdict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
        self.edges: defaultdict[str, list[QualifiedEdge]] = defaultdict(list)
        self.published: dict[str, str] = {}
        """Of models, what else stood in the first document that describes them."""
        for graph in sorted(store.graphs()):
            if graph in (rdf.LOG_GRAPH, rdf.INFERRED_GRAPH):
                continue
            for statement in rdf.decode(store.match(graph=graph)):
                if isinstance(statement, QualifiedEdge):
                    self.edges[ends_of(statement)[0]].append(statement)
                elif isinstance(statement, SourceDocument):
                    if statement.as_published is not None and statement.describes is not None:
                        self.published.setdefault(statement.describes, statement.as_published)
                else:
                    said[type(statement)][statement.iri].append(statement)
        self.models: dict[str, Model] = _merged(said[Model])
        self.families: dict[str, ModelFamily] = _merged(said[ModelFamily])
        self.datasets = {iri: d for iri, d in _merged(said[Dataset]).items() if not d.latent}
        self.areas: dict[str, AreaOfInterest] = _merged(said[AreaOfInterest])
        self.unknown: dict[str, Unknown] = _merged(said[Unknown])
        self.evidence: dict[str, Evidence] = _merged(said[Evidence])

    def edges_of(self, iri: str) -> Sequence[QualifiedEdge]:
        return self.edges[iri]

    def area(self, iri: str) -> AreaOfInterest | None:
        return self.areas.get(iri)

    def source(self, iri: str) -> Evidence | None:
        return self.evidence.get(iri)

    def published_of(self, model: str) -> str | None:
        return self.published.get(model)

    def exposure_of(self, iri: str) -> list[str]:
        return exposure_of(self._store, iri)

    def wholes_of(self, iri: str) -> Sequence[str]:
        dataset = self.datasets.get(iri)
        return () if dataset is None else wholes_of_split(dataset)


def exposure_of(store: Store, iri: str) -> list[str]:
    """Return the IRIs of what a thing learned from at any depth, as inferred, sorted."""
    return sorted(
        quad.object.value  # type: ignore[union-attr]
        for quad in store.match(iri, MLAOI.exposedTo, None, rdf.INFERRED_GRAPH)
    )


def _merged(said: Mapping[str, Sequence[_N]]) -> dict[str, _N]:
    return {iri: rdf.merge(said[iri]) for iri in sorted(said)}


def ends_of(edge: QualifiedEdge) -> tuple[str, str]:
    """Return the newer and the older end."""
    if isinstance(edge, DataUse):
        return edge.model, edge.dataset
    if isinstance(edge, Derivation):
        return edge.derived, edge.source
    return edge.subject, edge.object


# -- where everything goes ------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Place:
    """Where a document goes, what it is about (nothing, for a catalog), and what is below it."""

    path: str
    identifier: str
    title: str
    parent: Place | None
    node: Described | None = None
    children: list[Place] = field(default_factory=list)

    @property
    def is_item(self) -> bool:
        return self.node is not None and not isinstance(self.node, Dataset)

    @property
    def media_type(self) -> str:
        return "application/geo+json" if self.is_item else "application/json"


class Names:
    """Gives each thing a name of its own, as a file system that ignores case sees names."""

    def __init__(self, *taken: str) -> None:
        self._met = dict.fromkeys(taken, 1)
        """How often a name was asked for."""

    def take(self, name: str) -> str:
        """Return the name, with a number after it if it is taken."""
        unique = name
        while (key := unique.casefold()) in self._met:
            self._met[name.casefold()] += 1
            unique = f"{name}-{self._met[name.casefold()]}"
        self._met[key] = 1
        return unique


class _Tree:
    """A place for every node of a graph."""

    def __init__(self, graph: _Whole) -> None:
        self._graph = graph
        self._ids: defaultdict[str, Names] = defaultdict(Names)
        self._files: defaultdict[str, Names] = defaultdict(lambda: Names("catalog", "collection"))
        self.of: dict[str, Place] = {}
        """The place of each model, family, dataset and unknown thing; the first, for what is said to be two of them."""
        self.root = Place("catalog.json", "lineage", "Lineage", None)
        tops = [self._catalog(self.root, name.casefold(), name) for name in ("Models", "Datasets", "Areas")]
        unresolved = self._catalog(self.root, "unresolved", "Unresolved")
        self._models(tops[0])
        self._datasets(tops[1])
        self._areas(tops[2])
        for thing in graph.unknown.values():
            self._item(unresolved, thing)
        self.root.children = [top for top in self.root.children if top.children]

    def __iter__(self) -> Iterator[Place]:
        """Iterate over all places, the root last."""
        waiting = [*self.root.children]
        while waiting:
            place = waiting.pop()
            waiting.extend(place.children)
            yield place
        yield self.root

    def _models(self, top: Place) -> None:
        catalogs = {}
        for iri, family in self._graph.families.items():
            name = self._ids[top.path].take(family.identifier or iris.tail(iri))
            catalogs[iri] = self._catalog(top, name, family.label or name)
            self._item(catalogs[iri], family)
        for model in self._graph.models.values():
            self._item(catalogs.get(model.family or "", top), model)

    def _datasets(self, top: Place) -> None:
        datasets = self._graph.datasets
        known = {iri: (dataset.identifier, next(iter(dataset.part_of), "")) for iri, dataset in datasets.items()}
        for iri, name, whole in dataset_names(known, self._ids[""]):
            self._collection(top, self.of.get(whole, top), name, datasets[iri])

    def _areas(self, top: Place) -> None:
        areas = self._graph.areas
        free = dict.fromkeys(areas)
        for iri, dataset in self._graph.datasets.items():
            for area in dataset.footprints:
                if area in free:
                    del free[area]
                    self._item(self.of[iri], areas[area])
        declared = {model.declared_area for model in self._graph.models.values()}
        for area in free:
            if area not in declared:  # that is in the model's own item
                self._item(top, areas[area])

    def _catalog(self, parent: Place, name: str, title: str) -> Place:
        folder = posixpath.join(posixpath.dirname(parent.path), self._files[parent.path].take(_file_name(name)))
        return self._put(Place(f"{folder}/catalog.json", name, title, parent))

    def _collection(self, top: Place, parent: Place, identifier: str, dataset: Dataset) -> None:
        # Not in the folder of the whole: a path has an end, being a part of a part has none.
        folder = f"{posixpath.dirname(top.path)}/{self._files[top.path].take(_file_name(identifier))}"
        self._put(Place(f"{folder}/collection.json", identifier, dataset.label or identifier, parent, dataset))

    def _item(self, parent: Place, node: Described) -> None:
        wanted = None if isinstance(node, Unknown) else node.identifier
        identifier = self._ids[parent.path].take(wanted or iris.tail(node.iri))
        folder = posixpath.dirname(parent.path)
        path = f"{folder}/{self._files[folder].take(_file_name(identifier))}.json"
        self._put(Place(path, identifier, node.label or identifier, parent, node))

    def _put(self, place: Place) -> Place:
        if place.node is not None and not isinstance(place.node, AreaOfInterest):
            self.of.setdefault(place.node.iri, place)
        if place.parent is not None:
            place.parent.children.append(place)
        return place


def dataset_names(known: Mapping[str, tuple[str | None, str]], names: Names) -> Iterator[tuple[str, str, str]]:
    """Yield each dataset, what its collection is called, and the whole it is a part of, "" for none.

    ``known`` has identifier and whole of each; wholes come before their parts.
    """
    called: dict[str, str] = {}
    for iri in known:
        # What it is a part of comes first, up to what is a part of nothing, or of itself.
        chain: list[str] = []
        while iri in known and iri not in called and iri not in chain:
            chain.append(iri)
            iri = known[iri][1]
        whole = iri if iri in called else ""
        for part in reversed(chain):
            identifier, name = known[part][0], iris.tail(part)
            if identifier is None and whole:
                name = f"{called[whole]}-{name}"  # of a split: many datasets have one of that name
            called[part] = names.take(identifier or name)
            yield part, called[part], whole
            whole = part


def _file_name(identifier: str) -> str:
    return re.sub(r"[^A-Za-z0-9._~-]+", "-", identifier).strip(".-")[:_LONGEST_NAME] or "x"


# -- the documents --------------------------------------------------------------------------------------------------


class Places(Protocol):
    """Where the document of each model, family, dataset and unknown thing is."""

    def get(self, iri: str, /) -> Place | None:
        """Return it; None if there is none."""


class Extent(NamedTuple):
    """Where and when data are."""

    everywhere: bool
    boxes: Sequence[_Box]
    times: Sequence[tuple[str | None, str | None]]
    """Start and end of each area, as published."""


class Documents(ABC):
    """Makes the item or collection of a node; where documents are and what holds them together is for who inherits."""

    def __init__(self, graph: Graph, of: Places, mlm_links: bool = False) -> None:
        self._graph = graph
        self._of = of
        self._mlm_links = mlm_links

    @abstractmethod
    def structure(self, place: Place) -> list[_Json]:
        """Return the links that hold the documents together."""

    @abstractmethod
    def href(self, source: Place, target: Place) -> str:
        """Return how a document refers to another."""

    def extent(self, dataset: Dataset) -> Extent:
        """Return where and when the data are."""
        areas = [area for iri in dataset.footprints if (area := self._graph.area(iri)) is not None]
        boxes = [box for area in areas if area.wkt is not None for box in boxes_of(shapely.from_wkt(area.wkt))]
        everywhere = any(area.precision is Precision.GLOBAL for area in areas)
        return Extent(everywhere, boxes, [(area.start, area.end) for area in areas])

    def collection(self, place: Place, dataset: Dataset) -> _Json:
        """Return the collection of a dataset."""
        fields, links = self._said(place, dataset)
        for name, stand_in in (("description", place.title), ("license", "other")):
            if name not in fields:
                fields[name] = stand_in
                fields.setdefault(f"lineage:{name}", None)
        everywhere, boxes, times = self.extent(dataset)
        if everywhere or not boxes:
            fields["lineage:footprint"] = "global" if everywhere else "unknown"
        bbox = _WORLD if everywhere or not boxes else around(boxes)
        return {
            "type": "Collection", "stac_version": "1.1.0", "stac_extensions": _extensions(fields, links),
            "id": place.identifier, **fields,
            "extent": {"spatial": {"bbox": [bbox]}, "temporal": {"interval": [_interval(times)]}},
            "links": links,
        }  # fmt: skip

    def item(self, place: Place, node: Described) -> _Json:
        """Return the item of any other node."""
        fields, links = self._said(place, node)
        area = node if isinstance(node, AreaOfInterest) else None
        when, bent = _area_when(area)
        if area is not None:
            fields |= bent
        elif isinstance(node, Model) and node.declared_area is not None:
            area = self._graph.area(node.declared_area)
            when, bent = _area_when(area)
            said = encode(area) if area is not None else {"lineage:iri": node.declared_area}
            fields["lineage:declared_area"] = said | bent
        published = self._published(place, node)
        if published and isinstance(node, Model):
            fields = _with_published(node, fields, published["properties"])
            links += published["links"]
        extensions = dict.fromkeys([*published.get("stac_extensions", ()), *_extensions(fields, links)])
        document: _Json = {
            "type": "Feature", "stac_version": "1.1.0", "stac_extensions": list(extensions),
            "id": place.identifier, "geometry": None,
        }  # fmt: skip
        if area is not None and area.wkt is not None:
            document |= {"geometry": geometry_of(area.wkt), "bbox": around(boxes_of(shapely.from_wkt(area.wkt)))}
        if place.parent is not None and isinstance(place.parent.node, Dataset):
            document["collection"] = place.parent.identifier
        more = {key: value for key, value in published.items() if key not in ("properties", "links", "stac_extensions")}
        return document | {"properties": {**fields, **when}, "links": links, "assets": {}} | more

    def _published(self, place: Place, node: Described) -> _Json:
        """Return what stood in a model's document that the graph has no terms for."""
        is_first = isinstance(node, Model) and self._of.get(node.iri) is place
        text = self._graph.published_of(node.iri) if is_first else None
        found: _Json = orjson.loads(text) if text is not None else {}
        return found

    def _said(self, place: Place, node: Described) -> tuple[_Json, list[_Json]]:
        """Return the fields of a node and all links of its document."""
        fields = encode(node)
        identifier = fields.pop("id", None)
        if identifier != place.identifier and not isinstance(node, Unknown):
            fields["lineage:identifier"] = identifier
        # An area is the end of no edge, and there may be a million of them.
        is_first = not isinstance(node, AreaOfInterest) and self._of.get(node.iri) is place
        edges = self._graph.edges_of(node.iri) if is_first else []
        sources = () if isinstance(node, AreaOfInterest | Unknown) else node.sources
        named = sorted({*sources, *(iri for edge in edges for iri in edge.evidence)})
        cited = [source for iri in named if (source := self._graph.source(iri)) is not None]
        if edges:
            wholes_of = self._graph.wholes_of
            exposed = with_wholes(self._graph.exposure_of(node.iri), wholes_of)
            fields |= repeated(edges, wholes_of) | ({EXPOSED_TO: exposed} if exposed else {})
        if cited:
            fields["lineage:evidence"] = [encode_evidence(source) for source in cited]
        links = self.structure(place)
        links.extend(sorted((link for edge in edges for link in self._links(place, edge)), key=orjson.dumps))
        return fields, links

    def _links(self, place: Place, edge: QualifiedEdge) -> Iterator[_Json]:
        """Yield the links for an edge: ours, and that of MLM's best practices if that is wanted."""
        target = self._of.get(ends_of(edge)[1])
        where = {}
        if target is not None:
            where = {"href": self.href(place, target), "type": target.media_type, "title": target.title}
        yield edge_link(edge, target.node if target is not None else None, **where)
        word = _mlm_split(edge)
        if self._mlm_links and word is not None:
            iri = ends_of(edge)[1]
            yield {"rel": "derived_from", "href": iri, **where, "ml-aoi:split": word, "lineage:iri": iri}


class _Files(Documents):
    """All documents of a graph, as files."""

    def __init__(self, graph: _Whole, root_href: str | None, relative_links: bool, mlm_links: bool) -> None:
        self._tree = _Tree(graph)
        super().__init__(graph, self._tree.of, mlm_links)
        self._whole = graph
        self._address = iris.check_base(root_href) if root_href is not None else None
        self._relative = relative_links or root_href is None

    def all(self) -> Iterator[tuple[str, _Json]]:
        """Yield each document with its path."""
        cited: set[str] = set()
        for place in self._tree:
            if place.node is None:
                found = self._catalog(place)
                uncited = [source for iri, source in self._whole.evidence.items() if iri not in cited]
                if place is self._tree.root and uncited:  # the root is the last
                    found["stac_extensions"] = [SCHEMA]
                    found["lineage:evidence"] = [encode_evidence(source) for source in uncited]
            elif isinstance(place.node, Dataset):
                found = self.collection(place, place.node)
                cited |= {entry["iri"] for entry in found.get("lineage:evidence", ())}
            else:
                found = self.item(place, place.node)
                cited |= {entry["iri"] for entry in found["properties"].get("lineage:evidence", ())}
            yield place.path, found

    def _catalog(self, place: Place) -> _Json:
        root = place is self._tree.root
        about = "Models of Earth observation, and what they were made from and measured on" if root else place.title
        document = {"type": "Catalog", "stac_version": "1.1.0", "id": place.identifier, "title": place.title}
        return {**document, "description": about, "links": self.structure(place)}

    def href(self, source: Place, target: Place) -> str:
        """Return an address, or a path from one file to the other."""
        if self._address is not None and not self._relative:
            return self._address + target.path
        return posixpath.relpath(target.path, posixpath.dirname(source.path) or ".")

    def structure(self, place: Place) -> list[_Json]:
        """Return the links that hold the tree together."""

        def link(rel: str, to: Place) -> _Json:
            return {"rel": rel, "href": self.href(place, to), "type": to.media_type, "title": to.title}

        links = [link("root", self._tree.root)]
        if self._address is not None and (place is self._tree.root or not self._relative):
            links.append(link("self", place) | {"href": self._address + place.path})
        if place.parent is not None:
            links.append(link("parent", place.parent))
            if place.is_item and isinstance(place.parent.node, Dataset):
                links.append(link("collection", place.parent))
        return links + [link("item" if child.is_item else "child", child) for child in place.children]


def _with_published(node: Model, fields: _Json, published: _Json) -> _Json:
    """Return the fields of a model with those that stood in its item and the graph has no terms for.

    Where the two together would be read as something else than the node, a ``lineage:`` field says what it is.
    """
    found = {**published, **fields}
    if "providers" in published and "providers" in fields:
        found["providers"] = published["providers"]  # the graph knows one name of them
    again = decode(Model, node.iri, {**found, "id": node.identifier, "lineage:declared_area": None}, [])
    own = encode(node)
    for name in (
        "label",
        "description",
        "version",
        "license",
        "publisher",
        "doi",
        "architecture",
        "tasks",
        "framework",
        "parameters",
    ):
        value = getattr(node, name)
        if f"lineage:{name}" not in own and (again is None or getattr(again, name) != value):
            found[f"lineage:{name}"] = list(value) if isinstance(value, tuple) else value
    return found


_MLM_SPLITS: Final = {Stage.VALIDATION: "validate", Stage.TEST: "test"}


def _mlm_split(edge: QualifiedEdge) -> str | None:
    """Return the split word of a use in MLM's best practices: as published, else of its stage; None for none."""
    if not isinstance(edge, DataUse):
        return None
    if edge.split in ("train", "validate", "test"):
        return edge.split
    return "train" if edge.stage.teaches else _MLM_SPLITS.get(edge.stage)


def edge_link(edge: QualifiedEdge, target: Described | None, **where: str) -> _Json:
    """Return an edge as a link that says by itself what it points at and how.

    ``target`` is what is known of that, ``where`` gives the link's href, type and title; else it leads to the IRI.
    """
    iri = ends_of(edge)[1]
    link: _Json = {"rel": _rel(edge), "href": iri, **where}
    if target is not None:
        link |= _stated(target)
    link |= {"lineage:iri": iri}
    split = edge.split if isinstance(edge, DataUse) else edge.source_split if isinstance(edge, Derivation) else None
    if split is not None and isinstance(target, Dataset) and target.split == split and target.part_of:
        link[PART_OF] = target.part_of[0]
    link |= stated(edge)
    if isinstance(edge, DataUse):
        link |= _known(split=edge.split, area=edge.area, metrics=_metrics(edge.metrics))
    elif isinstance(edge, Derivation):
        link |= _known(split=edge.source_split, derived_split=edge.derived_split)
    return (
        _foreign(edge)
        | link
        | _known(
            evidence=edge.evidence[0] if len(edge.evidence) == 1 else list(edge.evidence) or None,
            confidence=edge.confidence.value if edge.confidence is not Confidence.VERIFIED else None,
            note=edge.note,
        )
    )


def _foreign(edge: QualifiedEdge) -> _Json:
    """Return the fields of other extensions on the link an edge was read from."""
    link = orjson.loads(edge.as_published) if edge.as_published is not None else {}
    ours = ("rel", "href", "type", "title", "mlm:pretrained_source", "ml-aoi:split")
    return {key: value for key, value in link.items() if key not in ours and not key.startswith("lineage:")}


def stated(edge: QualifiedEdge) -> _Json:
    """Return the link fields that say of which kind an edge is, and by which rule if nobody stated that."""
    if isinstance(edge, DataUse):
        policy = edge.policy.value if edge.policy is not None else None
        found = _known(stage=edge.stage.value, split_policy=policy)
    else:
        found = _known(derivation=edge.kind.value) if isinstance(edge, Derivation) else {}
    # Who reads it again must not take for stated what was only concluded.
    return found | _known(rule=edge.rule.value if edge.rule is not Rule.STATED else None)


def _known(**values: Any) -> _Json:
    return {f"lineage:{name}": value for name, value in values.items() if value is not None}


def _rel(edge: QualifiedEdge) -> str:
    if isinstance(edge, DataUse):
        # What a model is measured on it was not made from.
        return "derived_from" if edge.stage.teaches else EVALUATED_ON
    if isinstance(edge, Derivation):
        return "derived_from"
    return PART_OF if edge.kind is AssociationKind.PART_OF else "predecessor-version"


def _stated(node: Described) -> _Json:
    """Return what a link says of its target, so that it can be read without opening that."""
    found: _Json = {"lineage:kind": kind_of(node)}
    if isinstance(node, Unknown) or (isinstance(node, Model | Dataset) and node.resolved is False):
        found |= {"title": node.label, "lineage:unresolved_name": node.unresolved_name}
    return {key: value for key, value in found.items() if key != "title" or value is not None}


def _metrics(text: str | None) -> Any:
    """Return reported metrics as JSON; as text where that would not give the same text again."""
    if text is None:
        return None
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    return value if isinstance(value, dict | list) and orjson.dumps(value).decode() == text else text


def _extensions(fields: _Json, links: Iterable[_Json]) -> list[str]:
    """Return the extensions whose fields are used as they ask; not MLM's, which asks for more than is known here."""
    found = []
    if _DOI.fullmatch(fields.get("sci:doi", "")):
        found.append("scientific/v1.0.0")
    if "version" in fields or any(link["rel"] == "predecessor-version" for link in links):
        found.append("version/v1.2.0")
    if fields.get("ml-aoi:split") in ("train", "test", "validate"):
        found.append("ml-aoi/v0.2.0")
    return [SCHEMA, *(f"{_EXTENSIONS}/{name}/schema.json" for name in found)]


# -- place and time -------------------------------------------------------------------------------------------------


def geometry_of(wkt: str) -> _Json:
    """Return WKT as a GeoJSON geometry, its numbers as they stand: ``7`` is not made ``7.0``.

    Rings are as they were published too: read again it is the same area to the last digit.

    >>> geometry_of("POLYGON ((7 46, 8.5 46, 8.5 47, 7 46))")
    {'type': 'Polygon', 'coordinates': [[[7, 46], [8.5, 46], [8.5, 47], [7, 46]]]}
    """
    name = shapely.from_wkt(wkt).geom_type
    positions = re.sub(r"([^\s(),]+) ([^\s(),]+)", r"[\1,\2]", wkt[wkt.index("(") :])
    coordinates = orjson.loads(positions.replace("(", "[").replace(")", "]"))
    if name == "Point":
        coordinates = coordinates[0]
    elif name == "MultiPoint":
        coordinates = [point[0] for point in coordinates]
    return {"type": name, "coordinates": coordinates}


def boxes_of(shape: Any) -> list[_Box]:
    """Return west, south, east, north of each part of a geometry, or of several."""
    return [(w, s, e, n) for w, s, e, n in shapely.bounds(shapely.get_parts(shape)).tolist()]


def around(boxes: Iterable[_Box]) -> list[float]:
    """Return the narrowest box around all boxes; west is beyond east where it crosses the antimeridian (RFC 7946, 5.2).

    >>> around([(177, -19, 180, -16), (-180, -18, -178, -15)])
    [177, -19, -178, -15]
    """
    wests, souths, easts, norths = zip(*sorted(boxes), strict=True)
    west, east = wests[0], max(easts)
    widest = west + 360 - east
    reach = west
    for w, e in zip(wests, easts, strict=True):
        if w - reach > widest:
            widest, west, east = w - reach, w, reach
        reach = max(reach, e)
    return [west, min(souths), east, max(norths)]


def _area_when(area: AreaOfInterest | None) -> tuple[_Json, _Json]:
    return when_of(*((area.start, area.end) if area is not None else (None, None)))


def when_of(start: str | None, end: str | None) -> tuple[_Json, _Json]:
    """Return the dates of an item, and our own fields for those that do not read back from them as published."""
    first = _instant(start, last=False) or OPEN_START
    last = _instant(end, last=True) or OPEN_END
    bent = _known(start=start if start != _read(first) else None, end=end if end != _read(last) else None)
    return {"datetime": None, "start_datetime": first, "end_datetime": last}, bent


def _read(when: str) -> str | None:
    return None if when in (OPEN_START, OPEN_END) else when


def _interval(times: Sequence[tuple[str | None, str | None]]) -> list[str | None]:
    """Return the first and last instant of all areas; null where one is open or not known."""
    starts = [_instant(start, last=False) for start, _ in times]
    ends = [_instant(end, last=True) for _, end in times]
    return [_extreme(starts, first=True), _extreme(ends, first=False)]


def _extreme(instants: Sequence[str | None], *, first: bool) -> str | None:
    known = sorted((datetime.fromisoformat(text), text) for text in instants if text is not None)
    if not known or len(known) < len(instants):
        return None
    return known[0 if first else -1][1]


_DATE: Final = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?")
_UTC: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|\+00:00)")


def _instant(text: str | None, *, last: bool) -> str | None:
    """Return the first or last second of a date, month or year, or a time, in UTC (RFC 3339); None for anything else.

    >>> _instant("2016-02", last=True), _instant("2016-02-03T04:05:06+02:00", last=True), _instant("spring", last=True)
    ('2016-02-29T23:59:59Z', '2016-02-03T02:05:06Z', None)
    """
    date = _DATE.fullmatch(text or "")
    try:
        if date is not None:
            year, month = int(date[1]), int(date[2] or (12 if last else 1))
            day = int(date[3] or (monthrange(year, month)[1] if last else 1))
            time = datetime(year, month, day, *((23, 59, 59) if last else (0, 0, 0)), tzinfo=UTC)
        else:
            time = datetime.fromisoformat(text or "")
        if text is not None and _UTC.fullmatch(text):
            return text
        time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return time.isoformat().replace("+00:00", "Z")
