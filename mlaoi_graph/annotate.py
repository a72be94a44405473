"""Write what is known of a published STAC catalog's lineage into a copy of it, and touch nothing else there.

What is added, all of it of the Lineage extension (``ontology/stac-extension``):

- to links: the stage or derivation they were read as, with the rule that concluded it
- to models and data: the fields that searches filter on, and what they are called if their own address does not say it
- what only other documents say of them: links, with their sources

Nothing is taken away or changed, and what says it already is left alone, so doing it twice adds nothing.
"""

from __future__ import annotations

import json
import os
import posixpath
import re
import shutil
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mlaoi_graph import iri as iris
from mlaoi_graph import rdf
from mlaoi_graph.errors import NodeNotFound, SourceNotFound, StoreError
from mlaoi_graph.lineage_fields import EXPOSED_TO, SCHEMA, encode_evidence, repeated, wholes_of_split, with_wholes
from mlaoi_graph.model import (
    Dataset,
    DataUse,
    Derivation,
    DerivationKind,
    Evidence,
    SourceDocument,
)
from mlaoi_graph.readers import Context, NothingKnown
from mlaoi_graph.readers.stac import content
from mlaoi_graph.readers.stac.content import Form, Json
from mlaoi_graph.readers.stac.walk import Raw, Walk
from mlaoi_graph.vocab import MLAOI
from mlaoi_graph.writers import splice
from mlaoi_graph.writers.splice import Splice
from mlaoi_graph.writers.stac import edge_link, stated

if TYPE_CHECKING:
    from mlaoi_graph.catalog import Catalog

__all__ = ["Annotated", "annotate"]

_LINES: Final = (".ndjson", ".jsonl", ".geojsonl")


@dataclass(slots=True)
class Annotated:
    """What became of the documents."""

    documents: int = 0
    """Documents something was added to."""
    as_they_were: int = 0
    """STAC documents there was nothing to add to."""
    left: list[str] = field(default_factory=list)
    """What could not be added to, and why."""


def annotate(catalog: Catalog, name: str, source: Path, folder: Path) -> Annotated:
    """Write the copy into a folder that is empty or not there; it is complete or not there.

    ``name`` is what the source goes by in the catalog. Raises SourceNotFound if the source is no folder, StoreError if
    a document has changed since it was read, or the copy cannot be written.
    """
    if not source.is_dir():
        raise SourceNotFound(str(source), "not a folder; a catalog is annotated with all that is in its folder")
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise StoreError(f"{folder}: there is something already. Choose a folder that is empty or not there")
    if Path(os.path.realpath(folder)).is_relative_to(os.path.realpath(source)):
        raise StoreError(f"{folder}: inside of {source}. Choose a folder outside of what is copied")
    found = Annotated()
    temporary = folder.with_name(f".{folder.name}.part")
    try:
        shutil.rmtree(temporary, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, temporary, symlinks=True)
        for path, text in _Annotator(catalog, name, source, found).texts():
            (temporary / path).write_bytes(text.encode("utf-8", "surrogateescape"))
        if folder.exists():
            folder.rmdir()
        temporary.rename(folder)
    except (OSError, shutil.Error) as error:
        raise StoreError(f"{folder}: cannot be written ({error}). Check the folder") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return found


class _Annotator:
    """Finds out what is to be added to the documents of one source."""

    def __init__(self, catalog: Catalog, name: str, source: Path, found: Annotated) -> None:
        self._catalog = catalog
        self._source = source
        self._found = found
        self._context = Context(catalog.base, catalog.split_policy, NothingKnown(), name)
        self._own = f"{catalog.base}documents/{iris.segment(name)}/"
        """What the IRIs of this source's documents start with."""
        self._from_elsewhere: defaultdict[str, list[DataUse | Derivation]] = defaultdict(list)
        """Of each thing, the edges that documents of other sources state."""
        self._ends: set[str] = set()
        """What edges point from or to: what needs a name that does not depend on who reads it."""
        self._wholes: dict[str, tuple[str, ...]] = {}
        """Of each split that nobody publishes by itself, what it is one of."""
        self._places: dict[str, Raw] = {}
        """The document of each thing that one of this source describes."""

    def texts(self) -> Iterator[tuple[str, str]]:
        """Yield the path and new text of each file something is added to."""
        edges: Iterator[DataUse | Derivation]
        for edges in (self._catalog.uses(), self._catalog.derivations()):
            for edge in edges:
                newer, older = (edge.model, edge.dataset) if isinstance(edge, DataUse) else (edge.derived, edge.source)
                self._ends |= {newer, older}
                if not edge.document.startswith(self._own):
                    self._from_elsewhere[newer].append(edge)
        for dataset in self._catalog.datasets():
            if wholes := wholes_of_split(dataset):
                self._wholes[dataset.iri] = wholes
            if dataset.iri in self._ends:
                self._ends.update(dataset.part_of)
        by_file: defaultdict[str, list[tuple[Raw, str]]] = defaultdict(list)
        for raw in Walk(str(self._source), self._context):
            if raw.failed or raw.closes or raw.form not in (Form.ITEM, Form.COLLECTION):
                continue
            said = self._said(raw)
            if not said:
                self._found.left.append(
                    f"{raw.shown}: it could not be read, or was not there, when the catalog was built"
                )
                continue
            about = next((s.describes for s in said if isinstance(s, SourceDocument)), None)
            if about is None:
                continue
            assert raw.place.path is not None
            if about in self._ends or any(isinstance(s, DataUse | Derivation) for s in said):
                raw.data = {}  # read again when its turn comes: a catalog may be larger than memory
                self._places.setdefault(about, raw)
                by_file[raw.place.path].append((raw, about))
            else:
                self._found.as_they_were += 1
        for path, documents in by_file.items():
            text = self._file(path, documents)
            if text is not None:
                yield path, text

    def _said(self, raw: Raw) -> list[Any]:
        """Return what a document says, nothing if it was not read. Raises StoreError if it has changed since."""
        said = rdf.decode(self._catalog.store.match(graph=raw.iri))
        hashes = {s.content_hash or "" for s in said if isinstance(s, SourceDocument)}
        # Behind a plus stands what it links to that was missing, which is none of its own bytes.
        if said and raw.hash not in {text.partition("+")[0] for text in hashes}:
            raise StoreError(f"{raw.shown}: not as this catalog has read it. Read it again first: mlaoi-graph build")
        return said

    def _file(self, path: str, documents: list[tuple[Raw, str]]) -> str | None:
        """Return the new text of a file; None if it stays as it is."""
        place = self._source / path
        if place.is_symlink():
            return None  # what it leads to is annotated where it is
        text = place.read_bytes().decode("utf-8", "surrogateescape")
        if not path.lower().endswith(_LINES):
            return self._annotated(text, documents)
        lines = text.split("\n")
        for raw, about in documents:
            number = int(raw.pointer) - 1
            lines[number] = self._annotated(lines[number], [(replace(raw, pointer=""), about)]) or lines[number]
        return "\n".join(lines) if lines != text.split("\n") else None

    def _annotated(self, text: str, documents: list[tuple[Raw, str]]) -> str | None:
        parsed, _ = content.parse(text.encode("utf-8", "surrogateescape"))
        whole = Splice(text)
        changed = False
        for raw, about in documents:
            path = _path(raw.pointer)
            additions = _Additions(_at(parsed, path), path, raw.form is Form.ITEM)
            self._say(raw, about, additions)
            additions.finish()
            if additions.problem is not None:
                self._found.left.append(f"{raw.shown}: {additions.problem}")
            elif additions.any:
                additions.write(whole)
                self._found.documents += 1
                changed = True
            else:
                self._found.as_they_were += 1
        return whole.result() if changed else None

    def _say(self, raw: Raw, about: str, additions: _Additions) -> None:
        own = [edge for edge in self._said(raw) if isinstance(edge, DataUse | Derivation)]
        known = set(map(_key, own))
        others: list[DataUse | Derivation] = []
        for edge in self._from_elsewhere[about]:
            if _key(edge) not in known:
                known.add(_key(edge))
                others.append(edge)
        own = [edge for edge in own if additions.kind(edge)]
        for edge in others:
            additions.link(self._link(edge, raw))
        sources = sorted({iri for edge in others for iri in edge.evidence})
        additions.entries(
            "lineage:evidence",
            [encode_evidence(found) for iri in sources if (found := self._evidence(iri)) is not None],
        )
        edges = [edge for edge in (*own, *others) if _newer(edge) == about]
        for name, targets in repeated(edges, self._wholes_of).items():
            additions.entries(name, self._named(targets))
        if edges:
            match = self._catalog.store.match(about, MLAOI.exposedTo, None, rdf.INFERRED_GRAPH)
            exposed = sorted(quad.object.value for quad in match)  # type: ignore[union-attr]
            additions.entries(EXPOSED_TO, self._named(with_wholes(exposed, self._wholes_of)))
        if about in self._ends:
            additions.name(about)

    def _named(self, targets: list[str]) -> list[str]:
        """Return those that have a name outside of this catalog.

        What led nowhere has none, and its link says so. Nor has a split that nobody describes: the IRI of its whole is
        among the targets, and the link says which split.
        """
        nowhere = (f"{self._catalog.base}unresolved/", f"{self._catalog.base}files/")
        return [iri for iri in targets if not iri.startswith(nowhere) and iri not in self._wholes]

    def _wholes_of(self, iri: str) -> tuple[str, ...]:
        return self._wholes.get(iri, ())

    def _link(self, edge: DataUse | Derivation, raw: Raw) -> Json:
        """Return a link for what only a document of another source says."""
        iri = edge.dataset if isinstance(edge, DataUse) else edge.source
        try:
            target = self._catalog.node(iri)
        except NodeNotFound:  # nothing says what it is
            target = None
        whole = target.part_of[0] if isinstance(target, Dataset) and target.part_of else iri
        there = self._places.get(iri) or self._places.get(whole)
        if there is None or there.container is not None:
            return edge_link(edge, target)
        assert there.place.path is not None
        assert raw.place.path is not None
        href = posixpath.relpath(there.place.path, posixpath.dirname(raw.place.path) or ".")
        media = "application/geo+json" if there.form is Form.ITEM else "application/json"
        return edge_link(edge, target, href=href if href.startswith(".") else f"./{href}", type=media)

    def _evidence(self, iri: str) -> Evidence | None:
        by_graph: defaultdict[str, list[Any]] = defaultdict(list)
        for quad in self._catalog.store.match(iri):
            by_graph[str(getattr(quad.graph_name, "value", ""))].append(quad)
        said = [s for quads in by_graph.values() for s in rdf.decode(quads) if isinstance(s, Evidence)]
        return rdf.merge(said) if said else None


def _newer(edge: DataUse | Derivation) -> str:
    return edge.model if isinstance(edge, DataUse) else edge.derived


def _key(edge: DataUse | Derivation) -> tuple[object, str, str]:
    if isinstance(edge, DataUse):
        return edge.stage, edge.model, edge.dataset
    return edge.kind, edge.derived, edge.source


def _path(pointer: str) -> splice.Path:
    """Return the JSON pointer of a member of an item collection as keys and indices."""
    return tuple(int(piece) if piece.isdigit() else piece for piece in pointer.split("/")[1:])


def _at(parsed: Any, path: splice.Path) -> Any:
    for piece in path:
        parsed = parsed[piece]
    return parsed


class _Additions:
    """What is added to one document."""

    def __init__(self, data: Json, path: splice.Path, is_item: bool) -> None:
        self._data = data
        self._path = path
        self._fields_path = (*path, "properties") if is_item else path
        fields = data.get("properties") if is_item else data
        self._fields: Json = fields if isinstance(fields, dict) else {}
        self._members: list[tuple[splice.Path, str, Any]] = []
        self._elements: list[tuple[splice.Path, Any]] = []
        self._links: list[Json] = []
        self.problem: str | None = None
        """Why nothing can be added."""
        if not isinstance(fields, dict):
            self.problem = "properties are no object"

    @property
    def any(self) -> bool:
        """Whether there is anything to add."""
        return bool(self._members or self._elements)

    def finish(self) -> None:
        """Add the links, and our extension to those declared if anything of it is added."""
        if self._links:
            self._extend("links", self._links, self._data, self._path)
        if self.any and SCHEMA not in content.extensions_of(self._data):
            self._extend("stac_extensions", [SCHEMA], self._data, self._path)

    def write(self, text: Splice) -> None:
        """Add all of it to the text."""
        for path, key, value in self._members:
            text.add(path, key, value)
        for path, value in self._elements:
            text.append(path, value)

    def _extend(self, name: str, values: list[Any], fields: Json, path: splice.Path) -> None:
        """Add to a list, or the list itself if there is none."""
        if name not in fields:
            self._members.append((path, name, values))
        elif isinstance(fields[name], list):
            self._elements.extend(((*path, name), value) for value in values)
        else:
            self.problem = f"{name} is no list"

    def kind(self, edge: DataUse | Derivation) -> bool:
        """Have the link an edge was read from say what kind of edge that is; return whether the document then says it.

        It does not where nothing is known, or the link says something else that could not be used: what such a link
        stands for depends on what else is known when it is read.
        """
        pointer = re.fullmatch(r"/links/(\d+)", edge.pointer or "")
        if pointer is None:
            return True  # a field of ours, or mlm:pretrained_source
        index = int(pointer[1])
        link = dict(content.links_of(self._data)).get(index, {})
        if edge.as_published is None or json.loads(edge.as_published) != link:
            return False  # brought up to date from an older STAC, where it stood elsewhere
        said = stated(edge)
        word = "lineage:stage" if isinstance(edge, DataUse) else "lineage:derivation"
        if isinstance(edge, Derivation) and edge.kind is DerivationKind.UNKNOWN:
            return False
        split = edge.split if isinstance(edge, DataUse) else edge.source_split
        if "lineage:stage" not in link and "lineage:derivation" not in link:
            said |= {"lineage:split": split} if split is not None else {}
            path = (*self._path, "links", index)
            self._members.extend((path, name, value) for name, value in said.items() if name not in link)
            return True
        return link.get(word) == said[word] and not ("lineage:stage" in link and "lineage:derivation" in link)

    def link(self, link: Json) -> None:
        """Add a link."""
        if link not in (link for _, link in content.links_of(self._data)):
            self._links.append(link)

    def entries(self, name: str, values: Sequence[Any]) -> None:
        """Add to a field those entries it does not have."""
        there = self._fields.get(name)
        known = there if isinstance(there, list) else []
        iris_known = {entry.get("iri") if isinstance(entry, dict) else entry for entry in known}
        missing = [v for v in values if (v["iri"] if isinstance(v, dict) else v) not in iris_known]
        if missing:
            self._extend(name, missing, self._fields, self._fields_path)

    def name(self, iri: str) -> None:
        """Add the IRI of what the document is about, unless that is its address."""
        if "lineage:iri" not in self._fields and content.self_iri(self._data) != iri:
            self._members.append((self._fields_path, "lineage:iri", iri))
