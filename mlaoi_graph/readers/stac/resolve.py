"""Find out what an href or a name points at, one by one, and never from the link's rel alone."""

from __future__ import annotations

import re
from collections import OrderedDict
from typing import Final
from urllib.parse import urljoin

from mlaoi_graph import iri as iris
from mlaoi_graph.errors import SourceError
from mlaoi_graph.lineage_fields import PART_OF
from mlaoi_graph.model import Severity
from mlaoi_graph.readers import Context, Kind, Target
from mlaoi_graph.readers.stac import content, links
from mlaoi_graph.readers.stac.content import Form, Json, NotJson
from mlaoi_graph.readers.stac.walk import DOCUMENTS, Place, Raw, Walk

_CACHE_SIZE: Final = 4096
_BARE_ID = re.compile(r"[^/\\?#]+")
# "clay:v1" is an id, "urn:isbn:1" and "s3://bucket" are addresses.
_NAME_WITH_COLON = re.compile(
    r"(?!(?:urn|doi|tag|info|hdl|ark|file|data|javascript):)[A-Za-z][\w.+-]*:(?!//)[^/]+$", re.I
)
_LEADING: Final = frozenset({*links.USE_RELS, *links.VERSION_RELS, PART_OF, "source"})
_TREE: Final = frozenset({"collection", "parent", "root"})
_LOOKED_AT: Final = _TREE | _LEADING
"""Links of which it matters what they lead to."""
_OUTSIDE: Final = "{} leads out of the source's folder; not opened. Give that folder as a source too"
_PRIVATE: Final = "{} is a private or local machine: nobody else can tell what is there; not opened"
_PUBLICATION = re.compile(
    r"^(?:https?://)?(?:dx\.)?(?:doi\.org/|arxiv\.org/(?:abs|pdf)/|openreview\.net/|papers\.nips\.cc/)|^10\.\d{4,9}/",
    re.I,
)


class Resolver:
    """Resolves references of one source's documents."""

    def __init__(self, walk: Walk, context: Context) -> None:
        self._walk = walk
        self._context = context
        walk.links_hash = self.links_hash
        self._peeked: OrderedDict[Place, tuple[Target | None, str | None]] = OrderedDict()
        """What is at a place, and why nothing can be read there."""
        self._collections: dict[tuple[str | None, str | None], Target] = {}
        self._parents: dict[Place, Target | None] = {}
        self._answers: dict[tuple[str, str, str], list[object]] = {}
        """What relative links lead to, by folder, href and rel."""
        self._own: tuple[Raw | None, str | None] = (None, None)
        """The document last asked about and its own address: looked up once, not once for each of its links."""

    def link(self, href: str, raw: Raw, pointer: str) -> Target:
        """Return what a link's href points at; what goes wrong on the way is added to the document's findings."""
        place = self._walk.place_of(href, raw)
        if _NAME_WITH_COLON.match(href):
            return self._nowhere(href, raw)
        if iris.is_absolute(href):
            return self._absolute(href, place, raw, pointer)
        if place is not None and self._walk.leads_out(place):
            raw.note(pointer, "outside-tree", _OUTSIDE.format(href))
            return self._nowhere(href, raw)
        if place is not None and place.path is not None and self._walk.exists(place.path):
            target = self._peek(place, raw, pointer)
            is_document = place.path.lower().endswith(DOCUMENTS)
            if (target is None and is_document and self._peeked.get(place, (None, None))[1] is None) or (
                target is not None and target.kind is Kind.CONTAINER
            ):
                what = "a file of items, or no STAC" if target is None else "a catalog, or a collection of models"
                message = f"{href} is {what}: neither a model nor data; kept as something unknown"
                raw.note(pointer, "neither-kind", message)
            if target is not None:
                return target
            kind = content.kind_by_suffix(href) or Kind.UNKNOWN
            return Target(
                self._minted(href, raw), kind, label=place.path.rpartition("/")[2], described=False, name=href
            )
        if iris.doi(href) is not None:
            return self._paper(href)
        bare = _BARE_ID.fullmatch(href) is not None
        if bare:
            # What goes by an id is known when all documents are read, and not by who came first.
            if href == content.identifier_of(raw.data):
                own = content.node_iri(raw.data, raw.form, self._context.base, self._collection_id(raw))
                if own is not None:
                    return Target(own, Kind.UNKNOWN, href)
            if "." not in href.strip("."):
                return self._nowhere(href, raw)
        resolved = self.against_self(href, raw)
        if resolved is not None and not bare:
            return self._absolute(resolved, self._walk.place_of(resolved, raw), raw, pointer)
        if not bare or "." in href.strip("."):
            raw.note(pointer, "broken-link", f"{href} does not exist; kept unresolved")
        return self._nowhere(href, raw)

    def _absolute(self, href: str, place: Place | None, raw: Raw, pointer: str) -> Target:
        iri = iris.safe_iri(href)
        if iri is None or href.lower().startswith(("file:", "javascript:", "data:")):
            raw.note(pointer, "refused-link", f"{href[:100]} is no address a catalog can point at; kept as a name")
            return self._nowhere(href, raw)
        if place is not None and place.path is not None:
            target = self._peek(place, raw, pointer)
            if target is not None:
                return target
        known = self._context.known.target(iri)
        if known is not None and known.described:
            return known
        if iris.doi(href) is not None:
            return self._paper(href)
        kind = content.kind_by_suffix(href)
        if self._walk.is_private(iri):
            raw.note(pointer, "refused-link", _PRIVATE.format(href[:100]))
            place = None
        if kind is None and place is not None:
            target = self._peek(place, raw, pointer)
            if target is not None:
                return target
        if kind is None and content.is_archive_address(iri):
            kind = Kind.ARCHIVE
        return Target(iri, kind or Kind.UNKNOWN, label=iris.tail(iri), described=False, name=href)

    def _paper(self, name: str) -> Target:
        """Return what a DOI, or the address of a paper, stands for: what has it may be data or a model.

        One node for a DOI, however it is spelled.
        """
        doi = iris.doi(name)
        address = iris.safe_iri(f"https://doi.org/{doi}") if doi is not None else None
        known = self._context.known.target(address) if address is not None else None
        if known is not None and known.described:
            return known
        iri = address or iris.unresolved(self._context.base, name)
        return Target(iri, Kind.UNKNOWN, name, described=False, name=name)

    def _nowhere(self, href: str, raw: Raw) -> Target:
        # A relative path means something only beside its document; a bare id or an odd address, anywhere.
        relative = not iris.is_absolute(href) and not _BARE_ID.fullmatch(href)
        iri = self._minted(href, raw) if relative else iris.unresolved(self._context.base, href)
        label = iris.tail(iri) if relative else href
        return Target(iri, content.kind_by_suffix(href) or Kind.UNKNOWN, label=label, described=False, name=href)

    def against_self(self, href: str, raw: Raw) -> str | None:
        """Return a relative href as an address, if the document's own address is known."""
        if self._own[0] is not raw:
            self._own = (raw, content.self_iri(raw.data))
        base = self._own[1] or raw.place.url
        if base is None:
            return None
        try:
            return iris.safe_iri(urljoin(base, href))
        except ValueError:
            return None

    def address(self, href: str, raw: Raw, pointer: str | None = None) -> str:
        """Return an IRI for what is only pointed at (an image, a label): a STAC document's own, else the file's.

        What goes wrong on the way is noted, unless there is no pointer.
        """
        place = self._walk.place_of(href, raw)
        if place is not None and place.path is not None and self._walk.exists(place.path):
            target = self._peek(place, raw, pointer)
            if target is not None:
                return target.iri
        elif pointer is not None:
            self._note_unopened(href, place, raw, pointer)
        return self._minted(href, raw)

    def _note_unopened(self, href: str, place: Place | None, raw: Raw, pointer: str) -> None:
        if self._walk.is_private(href):
            raw.note(pointer, "refused-link", _PRIVATE.format(href[:100]))
        elif place is not None and self._walk.leads_out(place):
            raw.note(pointer, "outside-tree", _OUTSIDE.format(href))
        elif place is not None and place.path is not None and self.against_self(href, raw) is None:
            raw.note(pointer, "broken-link", f"{href} does not exist")

    def note_tree(self, raw: Raw) -> None:
        """Note what is not there of what a document says it lies below; it may be copied out of a larger tree."""
        for index, link in content.links_of(raw.data):
            href = link.get("href")
            # An address leads to a file of the source that is there, or to none.
            if content.text(link.get("rel")) not in _TREE or not isinstance(href, str) or iris.is_absolute(href):
                continue
            place = self._walk.place_of(href, raw)
            if place is None or place.path is None or self._walk.exists(place.path) or self._walk.leads_out(place):
                continue
            if self.against_self(href, raw) is None:
                raw.note(f"/links/{index}", "broken-link", f"{href} does not exist", Severity.INFO)

    def _minted(self, href: str, raw: Raw) -> str:
        """Return an IRI for what nothing is known of but where it is."""
        place = self._walk.place_of(href, raw)
        found = iris.safe_iri(href) if iris.is_absolute(href) else self.against_self(href, raw)
        if found is not None:
            return found
        if place is not None and place.path is not None and not self._walk.leads_out(place):
            pieces = (self._context.name, *place.path.split("/"))
            return f"{self._context.base}files/{'/'.join(iris.segment(piece) for piece in pieces)}"
        return iris.unresolved(self._context.base, href)

    def _peek(self, place: Place, raw: Raw, pointer: str | None) -> Target | None:
        if place.path is not None and not place.path.lower().endswith((".json", ".geojson")):
            return None
        if place in self._peeked:
            self._peeked.move_to_end(place)
        else:
            self._peeked[place] = self._look(place)
            if len(self._peeked) > _CACHE_SIZE:
                self._peeked.popitem(last=False)
        target, problem = self._peeked[place]
        if problem is not None and pointer is not None:
            raw.note(pointer, "broken-link", problem)
        return target

    def _look(self, place: Place) -> tuple[Target | None, str | None]:
        try:
            found, data = self._open(place)
        except SourceError as error:
            return None, str(error)
        except NotJson as error:
            return None, f"{place.name}: {error} at {error.place}"
        target = self.describe(found)
        if target is not None:
            self._walk.want(place, data)
        return target, None

    def links_hash(self, raw: Raw) -> str | None:
        """Return a hash of what the links of a document by path lead to; None if it has none.

        What a document is read to say depends on its bytes and on this. Of what the targets are the IRI and the kind
        are enough: what else there is to know of them follows when they are described otherwise.
        """
        if raw.place.path is None:
            return None
        found: list[object] = [*raw.missing]
        folder = raw.place.path.rpartition("/")[0]
        for _, link in content.links_of(raw.data):
            href, rel = link.get("href"), content.text(link.get("rel"))
            if not isinstance(href, str) or rel not in _LOOKED_AT:
                continue
            if iris.is_absolute(href):
                found += self._led(href, rel, raw)
                continue
            key = (folder, href, rel)  # the items of a folder mostly link to the same
            if key not in self._answers:
                if len(self._answers) >= _CACHE_SIZE:
                    self._answers.clear()
                self._answers[key] = self._led(href, rel, raw)
            found += self._answers[key]
        source = content.lineage_fields_of(raw.data).get("mlm:pretrained_source")
        if isinstance(source, str) and self._is_there(source, raw):
            found += ["mlm:pretrained_source", *self._led(source, links.DERIVED_FROM, raw)]
        if raw.form is Form.COLLECTION and content.collection_kind(raw.data) is None:
            kind = self._kind_by_items(raw)
            found += [kind.value] if kind is not Kind.DATASET else []
        return content.content_hash(repr(found).encode("utf-8", "replace")) if found else None

    def _led(self, href: str, rel: str, raw: Raw) -> list[object]:
        """Return what tells whether a link leads where it led before; nothing if that is no path."""
        if rel == "parent" and iris.is_absolute(href) and raw.data.get("collection") is None:
            place = self._walk.tree_place(href, raw)
        else:
            place = self._walk.place_of(href, raw)
        if place is None or place.path is None:
            return []
        if rel == "root" or not self._walk.exists(place.path):
            return [self._walk.exists(place.path)]
        target = self._peek(place, raw, None)
        return [True if target is None else (target.iri, target.kind.value, target.split)]

    def _open(self, place: Place) -> tuple[Raw, bytes]:
        """Return the document at a place, and its bytes. Raises SourceError, NotJson."""
        data = self._walk.read(place)
        parsed, _ = content.parse(data)
        raw = Raw(self._walk.document_iri(place), place, self._walk.shown(place))
        if isinstance(parsed, dict):
            raw.take(parsed)
        return raw, data

    def describe(self, raw: Raw) -> Target | None:
        """Return what a document, already parsed, is; None if it is nothing we know or has no id."""
        data = raw.data
        if raw.form not in (Form.ITEM, Form.COLLECTION, Form.CATALOG, Form.TRAINING_DML):
            return None
        if raw.form is Form.ITEM:
            collection = self.collection_of(raw)
            iri = self.item_iri(raw)
            if iri is None:
                return None
            properties = data.get("properties")
            title = content.text(properties.get("title")) if isinstance(properties, dict) else None
            label = title or content.identifier_of(data)
            if content.is_model_item(data):
                return Target(iri, Kind.MODEL, label)
            split = content.split_of(properties) if isinstance(properties, dict) else None
            if collection is None:
                return Target(iri, Kind.DATASET, label, split)
            identifier = content.identifier_of(data)
            whole = links.holder(collection, split)
            return Target(iri, Kind.SAMPLE, label, split, whole=whole, identifier=identifier)
        iri = content.node_iri(data, raw.form, self._context.base)
        if iri is None:
            return None
        identifier = content.identifier_of(data)
        label = content.text(data.get("title")) or content.text(data.get("name")) or identifier
        if raw.form is Form.CATALOG:
            return Target(iri, Kind.CONTAINER, label, identifier=identifier)
        kind = content.collection_kind(data) or self._kind_by_items(raw)
        return Target(iri, kind, label, content.declared_split(data), identifier=identifier)

    def _kind_by_items(self, raw: Raw) -> Kind:
        """Return what a collection is by the first of its items that can be opened: of models, or of data."""
        for _, link in content.links_of(raw.data):
            href = link.get("href")
            if link.get("rel") != "item" or not isinstance(href, str):
                continue
            place = self._walk.place_of(href, raw)
            if place is None or (place.path is not None and not self._walk.exists(place.path)):
                continue
            try:
                found, _ = self._open(place)
            except (SourceError, NotJson):
                continue  # that item gives its own finding when it is read
            if found.form is Form.ITEM:
                return Kind.CONTAINER if content.is_model_item(found.data) else Kind.DATASET
        return Kind.DATASET

    def parent_place(self, raw: Raw) -> Place | None:
        """Return where the catalog or collection is that a document says it lies below."""
        href = content.link_href(raw.data, "parent")
        return None if href is None else self._walk.tree_place(href, raw)

    def collection_of(self, raw: Raw) -> Target | None:
        """Return the collection an item says it belongs to; None if it names none."""
        identifier = content.text(raw.data.get("collection"))
        href = content.link_href(raw.data, "collection")
        if identifier is None and href is None:
            return self._parent(raw)
        where = href
        if href is not None and not iris.is_absolute(href):
            place = self._walk.place_of(href, raw)
            where = place.name if place is not None else href
        key = (identifier, where)
        found = self._collections.get(key)
        if found is None:
            found = self._find_collection(identifier, href, raw)
            # A collection that is still to come may turn out to be more than is known now.
            if found.described and len(self._collections) < _CACHE_SIZE:
                self._collections[key] = found
        return None if found.iri == content.self_iri(raw.data) else found

    def _parent(self, raw: Raw) -> Target | None:
        """Return the collection of data that an item only says it lies below; None if it says none."""
        place = self.parent_place(raw)
        if place is None or place.path is None or not self._walk.exists(place.path):
            return None
        if place not in self._parents:
            if len(self._parents) >= _CACHE_SIZE:
                self._parents.clear()
            self._parents[place] = self._peek_collection(place, None, raw)
        found = self._parents[place]
        return found if found is not None and found.kind in (Kind.DATASET, Kind.ARCHIVE) else None

    def _find_collection(self, identifier: str | None, href: str | None, raw: Raw) -> Target:
        if href is not None:
            place = self._walk.place_of(href, raw)
            if place is not None and place.path is not None and self._walk.exists(place.path):
                target = self._peek_collection(place, identifier, raw)
                if target is not None:
                    return target
            iri = iris.safe_iri(href) if iris.is_absolute(href) else None
            if iri is not None and iri.startswith(("http://", "https://")):
                known = self._context.known.target(iri)
                if known is not None and known.described:
                    return known
                return Target(iri, Kind.DATASET, identifier or iris.tail(iri), described=False, name=href)
        if identifier is None:
            assert href is not None
            return Target(self.address(href, raw), Kind.DATASET, href, described=False, name=href)
        iri = iris.collection(self._context.base, identifier)
        known = self._context.known.target(iri)
        if known is not None and known.described:
            return known
        # What else goes by its id is known when all documents are read.
        return Target(iri, Kind.DATASET, identifier, described=False, name=identifier)

    def _peek_collection(self, place: Place, identifier: str | None, raw: Raw) -> Target | None:
        """Return the collection at a place without asking for its items' collection in turn."""
        try:
            found, data = self._open(place)
        except (SourceError, NotJson):
            return None  # the collection gives its own finding when it is read
        if found.form not in (Form.COLLECTION, Form.CATALOG):
            return None
        there = content.identifier_of(found.data)
        if identifier is not None and there != identifier:
            raw.note(
                "/collection",
                "collection-mismatch",
                f"names {identifier!r}, its link leads to {there!r}; the name counts",
            )
            return None
        self._walk.want(place, data)
        return self.describe(found)

    def _is_there(self, href: str, raw: Raw) -> bool:
        """Return whether an href leads to a file of the source that is there."""
        place = self._walk.place_of(href, raw)
        return place is not None and place.path is not None and self._walk.exists(place.path)

    def item_iri(self, raw: Raw) -> str | None:
        """Return the IRI of the item a document is; None without an id."""
        return content.node_iri(raw.data, Form.ITEM, self._context.base, self._collection_id(raw))

    def _collection_id(self, raw: Raw) -> str | None:
        """Return the id of the collection an item names, or only links to."""
        named = content.text(raw.data.get("collection"))
        if named is not None or raw.form is not Form.ITEM or content.link_href(raw.data, "collection") is None:
            return named
        collection = self.collection_of(raw)
        return None if collection is None else collection.identifier

    def name(self, name: str, raw: Raw, pointer: str) -> Target:
        """Return what a name, path or address in ``mlm:pretrained_source`` stands for; findings as of a link.

        The field is defined as the name or address of a *dataset*; in the wild it also holds a parent model's id, a
        paper, weights, a page about a model. An address tells by its path; one that does not is of unknown kind, and
        so is a paper, which may be about data or a model. A name that leads nowhere stays a dataset marked unresolved,
        with the literal kept. What goes by the name here is found when all documents are read.
        """
        if _PUBLICATION.match(name) or iris.doi(name) is not None:
            return self._paper(name)
        is_path = not iris.is_absolute(name) and (name.startswith(("./", "../")) or name.lower().endswith(DOCUMENTS))
        if is_path or self._is_there(name, raw):
            return self.link(name, raw, pointer)
        if name.startswith(("http://", "https://")):
            iri = iris.safe_iri(name)
            known = self._context.known.target(iri) if iri is not None else None
            if known is not None and known.described:
                return known
            if iri is not None:
                kind = content.kind_by_suffix(iri) or content.kind_by_path(iri)
                return Target(iri, kind, iris.tail(iri), described=False, name=name)
        return Target(iris.unresolved(self._context.base, name), Kind.DATASET, name, described=False, name=name)


def is_object(value: object) -> Json | None:
    """Return a JSON object, or None for anything else."""
    return value if isinstance(value, dict) else None
