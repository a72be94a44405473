"""The asserted edges of a catalog as arrays, and as a file that is opened without reading it.

Decoding a quad costs the engine 15 µs, so a catalog of 100,000 models would take each command 20 s to read. The arrays
are therefore made once for each state of a catalog and kept beside it. They are derived: the graph is the truth, and a
file that is missing, damaged or of another layout is made again.
"""

from __future__ import annotations

import difflib
import json
import mmap
import os
import re
import zlib
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast, overload

import orjson

from mlaoi_graph.errors import StoreError
from mlaoi_graph.queries.graph import PREDICATES
from mlaoi_graph.vocab import DCTERMS, MLAOI, RDFS

__all__ = ["FACTS", "Adjacency", "Cited", "Columns", "Saying", "Texts"]

_LAYOUT: Final = 4
"""Raised whenever the arrays mean something else. The order of properties is in the file itself."""
FACTS: Final[Mapping[str, str]] = {
    "identifier": DCTERMS.identifier,
    "title": RDFS.label,
    "version": MLAOI.version,
    "architecture": MLAOI.architecture,
    "framework": MLAOI.framework,
    "family": MLAOI.family,
    "released": MLAOI.released,
}
"""What is kept of nodes beside their edges, by predicate."""
_MAGIC: Final = b"mlaoi-lineage\n"

_NEIGHBOURS: Final = 5_000
"""Names on either side of one, in their order, that are looked at for near ones: comparing it with one of them takes
microseconds, and with each of a million names seconds. What is near starts alike, mostly."""
_NEAR: Final = 5
"""Near names that are shown, with all that go by them."""


def squeeze(name: str) -> str:
    """Return a name as people half remember it: no case, no punctuation, no spaces, no v before a version.

    >>> squeeze("Clay v1.5") == squeeze("clay 1.5")
    True
    """
    return "".join(c for c in re.sub(r"\bv(?=\d)", "", name.casefold()) if c.isalnum())


@dataclass(frozen=True, slots=True)
class Saying:
    """What a statement says of an edge beyond its ends and kind."""

    rule: str
    pointer: str | None
    split: str | None
    note: str | None
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cited:
    """A source a statement rests on."""

    label: str
    url: str | None = None
    doi: str | None = None
    commit: str | None = None
    read_on: str | None = None
    """When whoever wrote the record read it."""


class Texts(Sequence[str]):
    """Texts that lie end to end."""

    def __init__(self, at: memoryview, text: memoryview) -> None:
        self._at = at
        self._text = text

    def __len__(self) -> int:
        return len(self._at) - 1

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        return str(self._text[self._at[index] : self._at[index + 1]], "utf-8", "surrogatepass")

    def __iter__(self) -> Iterator[str]:
        return (self[place] for place in range(len(self)))

    def place(self, text: str) -> int:
        """Return where a text is, or would be, among texts in the order of their bytes."""
        wanted = in_bytes(text)

        def key(place: int) -> bytes:
            return bytes(self._text[self._at[place] : self._at[place + 1]])

        return bisect_left(range(len(self)), wanted, key=key)

    def find(self, text: str) -> int:
        """Return the first place of a text among texts in the order of their bytes, -1 if it is none of them."""
        place = self.place(text)
        return place if place < len(self) and self[place] == text else -1


class Adjacency:
    """The edges at each node, as numbers; ``edges`` are all of them."""

    def __init__(self, first: memoryview, edges: memoryview) -> None:
        self._first = first
        self.edges = edges

    def __getitem__(self, node: int) -> Sequence[int]:
        first = self._first
        return cast("Sequence[int]", self.edges[first[node] : first[node + 1]])


class Columns:
    """Nodes and documents in the order of their IRIs' bytes; edges that say the same one after the other."""

    def __init__(self, arrays: dict[str, memoryview]) -> None:
        self._arrays = arrays
        self.iris = self._texts("iri")
        self.labels = self._texts("label")
        """A node's label, or the end of its IRI."""
        self.facts = {name: self._texts(name) for name in FACTS}
        """Of each node what documents say in a field, merged as :func:`rdf.merge` does; "" for nothing."""
        self.tasks = self._texts("tasks")
        """Of each node a list, as JSON; "" for none."""
        self.documents = self._texts("document")
        self.names = self._texts("name")
        """What nodes go by, squeezed, in order; ``named`` has the node of each."""
        self.named = arrays["named"]
        self.rank = arrays["rank"]
        """Places of nodes in the order of label, then IRI."""
        self.kinds = arrays["kinds"]
        self.resolved = arrays["resolved"]
        self.disclosure = arrays["disclosure"]
        self.subject = arrays["subject"]
        self.object = arrays["object"]
        self.code = arrays["code"]
        self.document = arrays["document"]
        self.unverified = arrays["unverified"]
        self.said = arrays["said"]
        """Of each edge, what its statement says beyond its ends: a place in ``sayings``."""
        self.sayings = self._texts("saying")
        self.stated = self._texts("stated")
        """When each document says it made its statement; "" is not said."""
        self.read = self._texts("read")
        """When each document was first read with what it says now."""
        self.evidence = self._texts("evidence")
        self.evidence_facts = self._texts("evidence_facts")
        self.out = self._adjacency("out")
        self.into = self._adjacency("into")
        self.parts = self._adjacency("parts")
        self.members = self._adjacency("members")

    def _texts(self, name: str) -> Texts:
        return Texts(self._arrays[f"{name}_at"], self._arrays[f"{name}_text"])

    def _adjacency(self, name: str) -> Adjacency:
        return Adjacency(self._arrays[name], self._arrays[f"{name}_edges"])

    def triples(self) -> Iterator[tuple[str, str, str]]:
        """Iterate over the edges, from the newer thing to the older; each once, however many documents say it."""
        known = list(self.iris)
        for edge in self.out.edges:
            yield known[self.subject[edge]], PREDICATES[self.code[edge]], known[self.object[edge]]

    # -- what is said of edges ------------------------------------------------------------------------------------

    def saying(self, edge: int) -> Saying | None:
        """Return what the statement of an edge says; None for a part by construction, or a family."""
        text = self.sayings[self.said[edge]]
        if not text:
            return None
        rule, pointer, split, note, *evidence = orjson.loads(text)
        return Saying(rule, pointer, split, note, tuple(evidence))

    def cited(self, iri: str) -> Cited | None:
        """Return a source that was cited; None if no document describes it."""
        place = self.evidence.find(iri)
        return None if place < 0 else Cited(*orjson.loads(self.evidence_facts[place]))

    # -- names ------------------------------------------------------------------------------------------------

    def called(self, name: str) -> list[str]:
        """Return the IRIs of what goes by a name, however it is spelled: label, identifier, alias, end of the IRI."""
        wanted = squeeze(name)
        place = self.names.place(wanted)
        found: set[int] = set()
        while place < len(self.names) and self.names[place] == wanted:
            found.add(self.named[place])
            place += 1
        return sorted(self.iris[node] for node in found if self.kinds[node])

    def near(self, name: str) -> list[str]:
        """Return the IRIs of a few things whose names are like one or have it in them: first what starts so."""
        wanted = squeeze(name)
        place = self.names.place(wanted)
        first, last = max(0, place - _NEIGHBOURS), min(len(self.names), place + _NEIGHBOURS)
        by_name: dict[str, list[int]] = {}
        for at in range(first, last):
            if self.kinds[self.named[at]]:
                by_name.setdefault(self.names[at], []).append(self.named[at])
        close = set(difflib.get_close_matches(wanted, by_name, n=_NEAR, cutoff=0.6))
        close |= {known for known in by_name if wanted and wanted in known}

        def key(known: str) -> tuple[bool, float, str]:
            return not known.startswith(wanted), -difflib.SequenceMatcher(None, wanted, known).ratio(), known

        nearest: dict[int, None] = {}
        for known in sorted(close, key=key):
            if len(nearest) >= _NEAR:
                break
            nearest.update(dict.fromkeys(by_name[known]))
        return [self.iris[node] for node in nearest]

    # -- keeping ----------------------------------------------------------------------------------------------

    def save(self, path: Path) -> None:
        """Write the file; it appears only when it is complete. Raises StoreError."""
        content = b"".join(bytes(array).ljust(-(-array.nbytes // 8) * 8, b"\0") for array in self._arrays.values())
        header = {
            "layout": _LAYOUT,
            "properties": PREDICATES,
            "checksum": zlib.crc32(content),
            "arrays": [[name, array.format, array.nbytes] for name, array in self._arrays.items()],
        }
        start = _MAGIC + json.dumps(header).encode() + b"\n"
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            with temporary.open("wb") as file:
                file.write(start.ljust(-(-len(start) // 8) * 8, b"\n"))
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except OSError as error:
            raise StoreError(f"{path}: cannot be written: {error.strerror}. Make room, and build again") from error
        finally:
            temporary.unlink(missing_ok=True)

    @classmethod
    def open(cls, path: Path) -> Columns | None:
        """Return the columns in a file; None if it is missing, damaged or not as this version makes it."""
        try:
            with path.open("rb") as file:
                whole = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
                if file.readline() != _MAGIC:
                    return None
                header = json.loads(file.readline())
                at = -(-file.tell() // 8) * 8
            if header["layout"] != _LAYOUT or header["properties"] != list(PREDICATES):
                return None
            if zlib.crc32(whole[at:]) != header["checksum"]:
                return None
            arrays: dict[str, memoryview] = {}
            for name, format, size in header["arrays"]:
                arrays[name] = whole[at : at + size].cast(format)
                at += -(-size // 8) * 8
            return cls(arrays)
        except (OSError, ValueError, KeyError, TypeError):
            return None


def in_bytes(text: str) -> bytes:
    """Return a text as it is kept; STAC ids may have lone surrogates."""
    return text.encode("utf-8", "surrogatepass")
