"""Find the documents of a STAC source: a folder, a catalog to follow, one file, or an address.

Collections come before items wherever the order can be told, so that an item's collection is usually
known when the item is read.
"""

from __future__ import annotations

import os
import posixpath
import stat
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, Final
from urllib.parse import unquote, urljoin, urlsplit

from mlaoi_graph import iri as iris
from mlaoi_graph.errors import NetworkNotAllowed, SourceError
from mlaoi_graph.model import Finding, Severity, SplitPolicy
from mlaoi_graph.plural import many
from mlaoi_graph.readers import Context, NothingKnown
from mlaoi_graph.readers.fetch import (
    MAX_DOCUMENT_BYTES,
    DocumentTooLarge,
    Fetcher,
    NotAnApi,
    OutsideTree,
    check_source,
    is_private,
)
from mlaoi_graph.readers.stac import content
from mlaoi_graph.readers.stac.content import Form, Json, NotJson
from mlaoi_graph.readers.stac.links import meant_rel

_SUFFIXES: Final = (".json", ".geojson")
_RULES: Final[dict[type[SourceError], str]] = {
    DocumentTooLarge: "too-large",
    OutsideTree: "outside-tree",
    NetworkNotAllowed: "refused-link",
}
NO_COLLECTION: Final = "names no collection; taken as a sample of what links to it, or that it lies below"
_LINES: Final = (".ndjson", ".jsonl", ".geojsonl")
DOCUMENTS: Final = (*_SUFFIXES, *_LINES)
"""How names of files end that are read."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a document is: a path below the source's folder, or an address."""

    path: str | None = None
    """Relative, with ``/``."""
    url: str | None = None

    @property
    def name(self) -> str:
        """The place as text, for messages."""
        return self.path if self.path is not None else self.url or ""


@dataclass(slots=True)
class Raw:
    """One document as found: its bytes are parsed, or a finding says why not."""

    iri: str
    place: Place
    shown: str
    """The place as a person would look for it."""
    hash: str | None = None
    links_hash: str | None = None
    """Of what its links by path lead to."""
    form: Form = Form.OTHER
    data: Json = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    failed: bool = False
    unchanged: bool = False
    container: str | None = None
    pointer: str = ""
    """Of a member: where in its file it is, a JSON pointer or a line number."""
    linked: array[int] = field(default_factory=lambda: array("q"))
    """Hashes of the places its items and children are at."""
    linked_by: array[int] = field(default_factory=lambda: array("l"))
    """Of each the number of the link; below zero, counted from -1, for children."""
    missing: list[str] = field(default_factory=list)
    """Items, children, pages and files of samples it speaks of that cannot be opened, as it names them."""
    away: list[str] = field(default_factory=list)
    """Addresses of items and children that are not opened: other documents may describe what is there."""
    closes: bool = False
    """True for the container itself, after its members."""

    def take(self, data: Json) -> None:
        """Take parsed JSON as what the document says, brought up to date if it is of an older STAC."""
        self.form = content.form_of(data)
        self.data, remark = content.migrated(data)
        if remark is not None:
            self.note("/stac_version", "unknown-version", remark, Severity.INFO)
        wanted, declared = content.TYPES.get(self.form), self.data.get("type")
        if declared != wanted if wanted is not None else self.form is Form.OTHER and "stac_version" in self.data:
            said = "it has no type" if declared is None else f"its type is {repr(declared)[:40]}"
            told = "nothing else tells what it is" if wanted is None else f"read as what it looks like, a {wanted}"
            self.note("/type", "no-type" if declared is None else "wrong-type", f"{said}; {told}")
            self.data = {**self.data, "type": wanted}
        if self.data.get("stac_version") is None and self.form in (Form.ITEM, Form.COLLECTION):
            message = "no stac_version; read as if it were 1.0 or 1.1"
            self.note("/stac_version", "unknown-version", message, Severity.INFO)
        self._read_rels()
        if content.lost_links(self.data):
            for index, link in content.links_of(self.data):
                if content.text(link.get("rel")) is None:
                    message = "a link has a rel that is text; what it says of what it leads to is not known"
                    self.note(f"/links/{index}/rel", "wrong-type", message)

    def _read_rels(self) -> None:
        """Have rels in small letters (RFC 8288, section 2.1: case has no meaning), and lineage by the rels for it."""
        for index, link in content.links_of(self.data):
            rel = link.get("rel")
            if isinstance(rel, str) and rel != rel.lower() and "/" not in rel:
                link["rel"] = rel.lower()
                self.note(
                    f"/links/{index}/rel", "rel-case", f"{rel[:40]!r} is read as {rel.lower()[:40]!r}", Severity.INFO
                )
            rel = link.get("rel")
            if isinstance(rel, str) and (meant := meant_rel(rel, link)) != rel:
                link["rel"] = meant
                self.note(f"/links/{index}/rel", "rel-words", f"{rel[:40]!r} is no rel for lineage; read as {meant!r}")

    def note(self, pointer: str, rule: str, message: str, severity: Severity = Severity.WARNING) -> None:
        """Add a finding about this document."""
        self.findings.append(
            Finding(document=self.shown, pointer=pointer, rule=rule, message=message, severity=severity)
        )


class Walk:
    """The documents of one source, one by one."""

    def __init__(self, source: str, context: Context) -> None:
        check_source(source)
        self.context = context
        self.remote = source.startswith(("http://", "https://"))
        self.not_read = 0
        """Files passed over because of what they are named."""
        self.beside: set[str] = set()
        """Files that are read all the same, as a document links to them."""
        self.mirrored: str | None = None
        """Address of the folder that the source's folder is a copy of."""
        self.wanted: dict[Place, bytes] = {}
        """Documents that lineage links lead to, with their bytes; read after the rest if nobody else did."""
        self.links_hash: Callable[[Raw], str | None] = lambda raw: None
        """Of what the links of a document by path lead to; set by who resolves them."""
        self._visited: set[int] = set()
        self._pages = False
        """Whether an API is asked for the items of its collections, page by page."""
        if self.remote:
            self.start: Place | None = Place(url=source)
            self.fetcher = Fetcher(None, context.allow_network, urlsplit(source).netloc)
            self.shown_root = ""
            return
        path = Path(source)
        folder = path if path.is_dir() else path.parent
        self.start = None if path.is_dir() else Place(path=path.name)
        self.fetcher = Fetcher(folder, context.allow_network)
        self.shown_root = source if path.is_dir() else os.path.dirname(source)

    def __iter__(self) -> Iterator[Raw]:
        if self.start is None:
            yield from self._folder()
        elif self.start.name.lower().endswith(_LINES):
            if self.context.collections:
                raise NotAnApi(self.start.name)
            yield from self._lines(self.start)
        else:
            yield from self._follow(self.start)
        while self.wanted:
            place, data = self.wanted.popitem()
            if self._first_visit(place):
                yield from self._parsed(place, data)

    def document_iri(self, place: Place) -> str:
        """Return the IRI of a document: its address, or minted from the source's name and the path in it."""
        if place.path is not None:
            path = "/".join(iris.segment(piece) for piece in place.path.split("/"))
            return f"{self.context.base}documents/{iris.segment(self.context.name)}/{path}"
        assert place.url is not None
        return iris.safe_iri(place.url.partition("#")[0]) or iris.unresolved(self.context.base, place.url)

    def shown(self, place: Place) -> str:
        """Return the place as a person would look for it."""
        return os.path.join(self.shown_root, place.path) if place.path is not None else place.name

    def read(self, place: Place) -> bytes:
        """Return the bytes at a place. Raises SourceError."""
        if place.path is not None:
            return self.fetcher.read_path(place.path)
        assert place.url is not None
        return self.fetcher.read_url(place.url)[1]

    def place_of(self, href: str, origin: Raw) -> Place | None:
        """Return where an href of a document leads, if that can be opened at all; None otherwise.

        Absolute addresses under the address that this source is a copy of lead to the copy.
        """
        try:
            if iris.is_absolute(href):
                return self._place_of_address(href)
            if origin.place.path is not None:
                path = unquote(href.partition("#")[0].partition("?")[0])
                return Place(path=self._below_root(os.path.join(os.path.dirname(origin.place.path), path)))
            assert origin.place.url is not None
            url = urljoin(origin.place.url, href).partition("#")[0]
        except ValueError:  # no address, "http://[" for one
            return None
        return Place(url=url) if self.context.allow_network else None

    def _below_root(self, path: str) -> str:
        """Return a path as one from the source's folder: also a path of the file system that lies in it."""
        path = os.path.normpath(path)
        if self.fetcher.root is None or not os.path.isabs(path):
            return path
        roots = (os.path.abspath(self.fetcher.root), os.path.realpath(self.fetcher.root))
        found = (os.path.relpath(path, root) for root in roots)
        return next((below for below in found if not _is_written_outside(below)), path)

    def _place_of_address(self, href: str) -> Place | None:
        if not href.startswith(("https://", "http://")) and urlsplit(href).scheme not in ("http", "https"):
            return None
        address = href.partition("#")[0]
        if self.mirrored is not None and address.startswith(self.mirrored) and "?" not in address:
            path = os.path.normpath(unquote(address[len(self.mirrored) :]))
            if self.exists(path):
                return Place(path=path)
        return Place(url=address) if self.context.allow_network else None

    def leads_out(self, place: Place) -> bool:
        """Return whether a path leaves the source's folder, as written or through symbolic links."""
        if place.path is None or self.fetcher.root is None:
            return False
        if _is_written_outside(place.path):
            return True
        path = os.path.join(self.fetcher.root, place.path)
        return "\0" not in path and os.path.islink(path) and not self.fetcher.inside(path)

    def is_private(self, address: str) -> bool:
        """Return whether an address leads to a private or local machine, and to none that the user named."""
        iri = iris.safe_iri(address)
        if iri is None or not _is_web(iri):
            return False
        netloc = urlsplit(iri).netloc
        return netloc != self.fetcher.trusted and is_private(netloc)

    def why_not(self, address: str) -> tuple[str, str]:
        """Return the rule by which an address is not asked, and what to say of it."""
        if iris.safe_iri(address) is None or not _is_web(address):
            return "refused-link", f"{address[:100]} is no address a catalog can point at"
        if self.is_private(address):
            return "refused-link", f"{address[:100]} is an address of a private or local machine; not opened"
        return "network-off", f"{address} is an address, and the network is off; see --allow-network"

    def want(self, place: Place, data: bytes) -> None:
        """Have a document read that was looked into, unless all of the folder is read anyway."""
        if self.start is not None and hash(place) not in self._visited:
            self.wanted[place] = data

    def exists(self, path: str) -> bool:
        """Return whether a file of the source's tree has that path."""
        root = self.fetcher.root
        if root is None or _is_written_outside(path):
            return False
        where = os.path.join(root, path)
        try:
            mode = os.lstat(where).st_mode
        except (OSError, ValueError):  # a null byte is a ValueError
            return False
        return stat.S_ISREG(mode) or (stat.S_ISLNK(mode) and self.fetcher.inside(where) and os.path.isfile(where))

    def _first_visit(self, place: Place) -> bool:
        # A hash instead of the place itself: 10^6 documents then cost tens of MB, not hundreds.
        key = hash(place)
        if key in self._visited:
            return False
        self._visited.add(key)
        self.wanted.pop(place, None)
        return True

    def _folder(self) -> Iterator[Raw]:
        root = self.fetcher.root
        assert root is not None
        unlisted: list[OSError] = []
        for collections_pass in (True, False):
            for folder, folders, files in os.walk(root, onerror=unlisted.append if collections_pass else None):
                yield from self._unlisted(unlisted)
                folders.sort()
                below = os.path.relpath(folder, root)
                for name in folders if collections_pass else ():
                    linked = Place(path=os.path.normpath(os.path.join(below, name)))
                    if self.leads_out(linked):
                        yield self._failure(linked, "outside-tree", "a link out of the source's folder; not followed")
                for file in sorted(files):
                    lower = file.lower()
                    if not lower.endswith(DOCUMENTS):
                        self.not_read += not collections_pass
                        continue
                    stem = lower.rpartition(".")[0]
                    if ("collection" in stem or "catalog" in stem) is not collections_pass:
                        continue
                    place = Place(path=file if below == "." else f"{below}/{file}".replace(os.sep, "/"))
                    if not self._first_visit(place):
                        continue
                    if lower.endswith(_LINES):
                        yield from self._lines(place)
                        continue
                    for raw in self._open(place):
                        if raw.form in (Form.CATALOG, Form.COLLECTION):
                            self._children(raw)  # not followed, all files are read; but a broken one is said
                        yield raw

    def _unlisted(self, errors: list[OSError]) -> Iterator[Raw]:
        while errors:
            error = errors.pop()
            assert self.fetcher.root is not None
            path = os.path.relpath(str(error.filename), self.fetcher.root).replace(os.sep, "/")
            yield self._failure(Place(path=path), "unreadable", f"the folder cannot be listed: {error.strerror}")

    def _open(self, place: Place, link: tuple[str, str] | None = None) -> Iterator[Raw]:
        try:
            data = self.read(place)
        except SourceError as error:
            # Of what may not be asked, the link is what is wrong.
            at = link if isinstance(error, NetworkNotAllowed) else None
            yield self._failure(place, _RULES.get(type(error), "unreadable"), str(error), at)
            return
        yield from self._parsed(place, data)

    def _parsed(self, place: Place, data: bytes) -> Iterator[Raw]:
        digest = content.content_hash(data)
        raw = Raw(self.document_iri(place), place, self.shown(place), digest)
        # What is unchanged is looked into all the same: what it links to may have changed, or gone, and the collection
        # that an item names counts for what links to it.
        parsed = self._json(raw, data)
        if isinstance(parsed, dict):
            raw.take(parsed)
        self._compare(raw)
        if raw.form is Form.ITEM_COLLECTION:
            # What the links of members lead to is of each of them.
            raw.unchanged = raw.unchanged and not any(self._links_by_path(raw, f) for f in raw.data["features"])
            yield from self._members(raw, raw.data["features"])
        else:
            yield raw

    def _compare(self, raw: Raw) -> None:
        """Tell whether a document, and what its links lead to, is as the catalog holds it."""
        raw.links_hash = self.links_hash(raw)
        raw.unchanged = self.context.known.is_unchanged(raw.iri, raw.hash or "", raw.links_hash)

    def _links_by_path(self, container: Raw, feature: Any) -> bool:
        member = Raw(container.iri, container.place, container.shown)
        if isinstance(feature, dict):
            member.take(feature)
        return self.links_hash(member) is not None

    def _json(self, raw: Raw, data: bytes) -> Any:
        try:
            parsed, remark = content.parse(data)
        except NotJson as error:
            raw.note(error.place, "not-json", str(error), Severity.ERROR)
            raw.failed = True
            return None
        if remark is not None:
            raw.note(remark.place, "not-strict-json", str(remark))
        return parsed

    def _failure(self, place: Place, rule: str, message: str, at: tuple[str, str] | None = None) -> Raw:
        shown = self.shown(place)
        document, pointer = at or (shown, "")
        finding = Finding(document=document, pointer=pointer, rule=rule, message=message, severity=Severity.ERROR)
        return Raw(self.document_iri(place), place, shown, findings=[finding], failed=True)

    def _members(self, container: Raw, features: list[Any]) -> Iterator[Raw]:
        if container.unchanged:
            yield container
            return
        taken: set[str] = set()
        more = content.pages_after(container.data, len(features))
        if more is not None:
            container.note("", "samples-missing", f"{more}: it is not known where those are that are not in it")
            container.missing.append("the pages after it")
        for index, feature in enumerate(features):
            pointer = f"/features/{index}"
            if not isinstance(feature, dict):
                container.note(pointer, "wrong-type", "a feature is an object; left out", Severity.ERROR)
                continue
            text = content.dumps(feature)
            if text is None:
                container.note(pointer, "not-json", "nested too deep; left out", Severity.ERROR)
                continue
            yield self._member(container, feature, pointer, taken, text.encode("utf-8", "replace"))
        container.closes = True
        container.data = {}
        yield container

    def _member(self, container: Raw, data: Json, pointer: str, taken: set[str], text: bytes) -> Raw:
        name = content.identifier_of(data)
        collection = content.text(data.get("collection"))
        key = "/".join(iris.segment(piece) for piece in (collection, name or pointer) if piece is not None)
        unique, count = key, 1
        while unique in taken:
            count += 1
            unique = f"{key}~{count}"
        taken.add(unique)
        raw = Raw(
            f"{container.iri}#{unique}",
            container.place,
            f"{container.shown}{'#' if pointer.startswith('/') else ':'}{pointer}",
            content.content_hash(text),
            container=container.iri,
            pointer=pointer,
        )
        raw.take(data)
        if unique != key:
            raw.note("/id", "duplicate-id", f"the id {name!r} occurs before in this file; both are kept")
        self._compare(raw)
        return raw

    def _lines(self, place: Place) -> Iterator[Raw]:
        container = Raw(self.document_iri(place), place, self.shown(place), form=Form.ITEM_COLLECTION)
        taken: set[str] = set()
        try:
            with self._binary(place) as file:
                for number, line in enumerate(_bounded_lines(file), 1):
                    if not line.strip():
                        continue
                    if len(line) > MAX_DOCUMENT_BYTES:
                        container.note(
                            f"{number}:1", "too-large", str(DocumentTooLarge("line", len(line))), Severity.ERROR
                        )
                        continue
                    try:
                        data, remark = content.parse(line)
                    except NotJson as error:
                        container.note(_in_line(number, error), "not-json", str(error), Severity.ERROR)
                        continue
                    if not isinstance(data, dict):
                        container.note(
                            f"{number}:1", "wrong-type", "a line holds one JSON object; left out", Severity.ERROR
                        )
                        continue
                    member = self._member(container, data, f"{number}", taken, line)
                    if remark is not None:
                        member.note(_in_line(number, remark), "not-strict-json", str(remark))
                    yield member
        except SourceError as error:
            if self.remote:
                raise
            yield self._failure(place, _RULES.get(type(error), "unreadable"), str(error))
            return
        except OSError as error:
            yield self._failure(place, "unreadable", error.strerror or str(error))
            return
        container.closes = True
        yield container

    def _binary(self, place: Place) -> BinaryIO:
        return BytesIO(self.read(place)) if place.path is None else self.fetcher.open_path(place.path)

    def _follow(self, start: Place) -> Iterator[Raw]:
        stack: list[tuple[Place, tuple[str, str] | None]] = [(start, None)]
        """Each with the document and the pointer of the link that leads there."""
        while stack:
            place, link = stack.pop()
            if not self._first_visit(place):
                continue
            # What the user named himself is not there or may not be asked: that is an error, and no finding.
            first = self._parsed(place, self.read(place)) if place == start and self.remote else self._open(place, link)
            for raw in first:
                if place == start and self.remote and content.is_api(raw.data):
                    yield from self._api(raw)
                    continue
                if place == start and self.context.collections:
                    raise NotAnApi(place.name)
                if place == start and not self.remote:
                    address = content.self_iri(raw.data)
                    if address is not None and address.rpartition("/")[2] == place.name:
                        self.mirrored = address.rpartition("/")[0] + "/"
                # Links are looked up before the document is handed on: a broken one is this document's finding.
                if raw.form in (Form.CATALOG, Form.COLLECTION):
                    stack.extend((child, (raw.shown, pointer)) for child, pointer in reversed(self._children(raw)))
                yield raw

    def _api(self, landing: Raw) -> Iterator[Raw]:
        """Yield the landing page of a STAC API, its collections, and the items of those that are wanted."""
        from mlaoi_graph.readers.stac import api

        source = api.Api(landing.place.name, landing.data, self.fetcher)
        wanted = self.context.collections
        asked: list[tuple[bool, str]] = []
        """Collections of which the items come last, and whether these show others again."""
        others: list[str] = []
        for url, data in source.collections(wanted):
            name, holds = content.identifier_of(data) or "", content.held_by(data)
            # Where our own fields say what is in it, it is lineage, and no archive of millions of scenes.
            ours = holds == "things" or content.lineage_kind(data) is not None
            is_asked = bool(wanted) or ours
            others += [name] if not is_asked and holds is None else []
            self._pages = is_asked or holds is not None
            for raw in self._answered(url, data):
                self._children(raw)
                if is_asked:
                    raw.linked.append(hash(Place(url=source.address(name, "items"))))  # an answer may fail
                    raw.linked_by.append(0)
                    asked.append((holds == "views", name))
                yield raw
        if others:
            message = f"the items of {many(len(others), 'collection', 'collections')} are not read"
            landing.note("", "items-not-read", f"{message}; name those that are wanted: --collection {others[0]}")
        if source.odd:
            landing.note("", "wrong-type", f"{many(source.odd, 'collection', 'collections')} without an id; left out")
        yield landing
        for is_views, collection in sorted(asked, key=lambda one: one[0]):
            try:
                for url, data in source.items(collection, views=is_views):
                    is_named = content.text(data.get("collection")) is not None
                    for raw in self._answered(url, data if is_named else data | {"collection": collection}):
                        if not is_named:
                            raw.note("/collection", "no-collection", NO_COLLECTION, Severity.INFO)
                        yield raw
            except SourceError as error:
                place = Place(url=source.address(collection, "items"))
                yield self._failure(place, _RULES.get(type(error), "unreadable"), str(error))

    def _answered(self, url: str, data: Json) -> Iterator[Raw]:
        """Yield a document that came within the answer of an API."""
        place = Place(url=url)
        text = content.dumps(data)
        if text is None:
            yield self._failure(place, "not-json", "nested too deep")
        elif self._first_visit(place):
            yield from self._parsed(place, text.encode("utf-8", "replace"))

    def _children(self, raw: Raw) -> list[tuple[Place, str]]:
        """Return where a catalog's or collection's items and children are, each with the pointer of the link.

        What cannot be opened is noted of it.
        """
        found: list[tuple[Place, str]] = []
        written = raw.data.get("links", [])
        if not isinstance(written, list) or not all(isinstance(link, dict) for link in written):
            raw.note("/links", "wrong-type", "links are a list of objects; what others may have led to is not known")
            raw.missing.append("what is at /links")
        for index, link in content.links_of(raw.data):
            rel = link.get("rel")
            if content.text(rel) is None:  # it may be one
                raw.missing.append(f"what is at /links/{index}")
                continue
            if rel not in ("child", "item") and (rel != "items" or self._pages or content.is_parquet(link)):
                continue
            href = link.get("href")
            pointer = f"/links/{index}/href"
            if rel == "items" and isinstance(href, str) and self._is_elsewhere(href, raw):
                message = f"the items at {href[:100]} are not read: it is not known where all samples are"
                raw.note(pointer, "items-not-read", message, Severity.INFO)
                raw.missing.append(href)
                continue
            place = self._child(raw, pointer, href)
            if place == raw.place:
                raw.note(pointer, "self-reference", f"{rel} of a {raw.form.value} is itself; passed over")
                if rel == "item":  # another was meant
                    raw.missing.append(f"{href}, itself")
            elif place is not None:
                found.append((place, pointer))
                raw.linked.append(hash(place))
                raw.linked_by.append(-1 - index if rel == "child" else index)
            elif isinstance(href, str) and _is_web(href) and not (self.start and self.context.allow_network):
                raw.away.append(href)
            else:
                raw.missing.append(href if isinstance(href, str) and href else f"a link without href at {pointer}")
        if (
            self.start is None and raw.form is Form.CATALOG and raw.away
        ):  # those of a collection are told with its samples
            these = (
                f"{raw.away[0][:100]} is"
                if len(raw.away) == 1
                else f"{raw.away[0][:100]} and {len(raw.away) - 1} more are"
            )
            message = (
                f"{these} not followed: of a folder its files are read. Give the catalog's file or address instead"
            )
            raw.note("/links", "network-off", message, Severity.INFO)
        self._compare(raw)
        return found

    def _is_elsewhere(self, href: str, raw: Raw) -> bool:
        """Return whether an href leads to an address, and to no file of the source."""
        place = self.tree_place(href, raw)
        return place.path is None if place is not None else _is_web(href)

    def _child(self, raw: Raw, pointer: str, href: Any) -> Place | None:
        """Return where a link to a child or item leads; what cannot be opened is a finding."""
        if not isinstance(href, str) or not href:
            raw.note(pointer, "broken-link", "a link needs an href that is text")
            return None
        place = self.tree_place(href, raw)
        if place is None or (place.url is not None and self.is_private(place.url)):
            if self.start is not None or not _is_web(href):
                raw.note(pointer, *self.why_not(href if place is None or place.url is None else place.url))
            return None
        if place.path is not None and not self.exists(place.path):
            if self.leads_out(place):
                raw.note(
                    pointer,
                    "outside-tree",
                    f"{href} leads out of the source's folder; not opened. Give that folder as a source too",
                )
            else:
                raw.note(pointer, "broken-link", f"{href} does not exist")
            return None
        if self.start is None and not place.name.lower().endswith(DOCUMENTS):
            raw.note(pointer, "broken-link", f"{href} is passed over in a folder: it is no .json, .geojson or .ndjson")
            return None
        return place

    def tree_place(self, href: str, raw: Raw) -> Place | None:
        """Return where a link of a catalog's tree leads; in a folder, an address leads to a file or to nothing."""
        return self._beside(href, raw) if self.start is None and _is_web(href) else self.place_of(href, raw)

    def _beside(self, href: str, raw: Raw) -> Place | None:
        """Return the file of the folder an address leads to, told by the document's own; None if none is."""
        own = content.self_iri(raw.data)
        if own is None or raw.place.path is None:
            return None
        try:
            here, there = urlsplit(own), urlsplit(href)
        except ValueError:
            return None
        if (here.scheme, here.netloc) != (there.scheme, there.netloc) or there.query:
            return None
        below = posixpath.relpath(unquote(there.path) or "/", posixpath.dirname(here.path) or "/")
        path = posixpath.normpath(posixpath.join(posixpath.dirname(raw.place.path), below))
        return Place(path=path) if self.exists(path) else None


def members(path: str) -> Iterator[tuple[str, str]]:
    """Yield what each member of a file of many is called in its IRI, and where a person would look for it."""
    for raw in Walk(path, Context("urn:x/", SplitPolicy.COMMON, NothingKnown(), "")):
        if raw.container is None:
            return
        yield raw.iri.partition("#")[2], raw.shown


def _is_written_outside(path: str) -> bool:
    return os.path.isabs(path) or path.split(os.sep)[0] == ".."


def _is_web(href: Any) -> bool:
    return isinstance(href, str) and href.startswith(("http://", "https://"))


def _in_line(number: int, error: NotJson) -> str:
    """Return the place in a file of what is wrong in a line of it."""
    return f"{number}:{error.place.partition(':')[2]}"


def _bounded_lines(file: BinaryIO) -> Iterator[bytes]:
    while line := file.readline(MAX_DOCUMENT_BYTES + 1):
        yield line
        while len(line) > MAX_DOCUMENT_BYTES and not line.endswith(b"\n"):  # pass over the rest of a line too long
            line = file.readline(MAX_DOCUMENT_BYTES + 1)
            if not line:
                break
