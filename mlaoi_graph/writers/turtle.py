"""Write what documents assert as Turtle, from the text that Oxigraph dumps.

Terms are never made objects of, but those of the few nodes of which something is inferred. Oxigraph gives every graph
in the same order of subjects, so what is inferred runs beside the merge of all graphs.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, Final, cast

import pyoxigraph as ox

from mlaoi_graph.errors import StoreError
from mlaoi_graph.rdf import INFERRED_GRAPH
from mlaoi_graph.stores.oxigraph import OxigraphStore
from mlaoi_graph.vocab import PREFIXES

__all__ = ["write"]

_TURTLE: Final = ox.RdfFormat.TURTLE
_INFERRED: Final = ox.NamedNode(INFERRED_GRAPH)
_SAID_TOO: Final = f"""SELECT ?s ?p ?o {{
    GRAPH <{INFERRED_GRAPH}> {{ ?s ?p ?o }} FILTER EXISTS {{ GRAPH ?g {{ ?s ?p ?o }} FILTER(?g != <{INFERRED_GRAPH}>) }}
}}"""
_HEADER: Final = re.compile(rb"\A(?:@prefix [^\n]*\n)*")
_LOGGED: Final = re.compile(rb"(?:\A\S+ |\n\t)a mlaoi:(?:Reading|Linking|Identification|Separation) [;.,]")
"""An entry of the log: no document says anything of one."""
_PIPE: Final = 1 << 16
"""Bytes a pipe holds: each time it is full or empty, two threads wait for each other."""
_TOGETHER: Final = 1_000
"""Nodes parsed at once: a parser takes as long to begin as for some triples."""


def write(store: OxigraphStore, path: Path) -> None:
    """Write a store on disk to a file, without the log and what is only inferred. Raises StoreError."""
    rows = cast("ox.QuerySolutions", store.query(_SAID_TOO))
    said = {ox.Triple(row["s"], row["p"], row["o"]) for row in rows}  # nearly always none
    with ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(2))
        merged = _blocks(stack.enter_context(_dumped(store.engine, ox.DefaultGraph(), pool)))
        inferred = _blocks(stack.enter_context(_dumped(store.engine, _INFERRED, pool)))
        file = stack.enter_context(path.open("wb"))
        file.writelines(_asserted(merged, inferred, said))


def _asserted(merged: Iterator[bytes], inferred: Iterator[bytes], said: set[ox.Triple]) -> Iterator[bytes]:
    """Yield the text of every node, less what is inferred and not ``said``."""
    header = b""
    mixed: list[bytes] = []
    less: list[bytes] = []
    following = next((block for block in inferred if not block.startswith(b"@prefix ")), None)
    for block in merged:
        subject = block[: block.index(b" ") + 1]
        if subject == b"@prefix ":
            header += block
            yield block
        elif b"a mlaoi:" in block and _LOGGED.search(block):
            continue
        elif following is not None and following.startswith(subject):
            mixed.append(block)
            less.append(following)
            following = next(inferred, None)
            if len(mixed) == _TOGETHER:
                yield _without(header, mixed, less, said)
                mixed, less = [], []
        else:
            yield block
    if mixed:
        yield _without(header, mixed, less, said)
    if following is not None:
        raise StoreError("the store is not in order: what is inferred is not in its default graph. Build it again")


def _without(header: bytes, blocks: list[bytes], less: list[bytes], said: set[ox.Triple]) -> bytes:
    """Return the text of some nodes without those triples of others that are not ``said``."""
    left_out = {quad.triple for quad in ox.parse(header + b"".join(less), _TURTLE)} - said
    kept = [quad.triple for quad in ox.parse(header + b"".join(blocks), _TURTLE) if quad.triple not in left_out]
    return _HEADER.sub(b"", ox.serialize(kept, format=_TURTLE, prefixes=PREFIXES) or b"")


@contextmanager
def _dumped(engine: ox.Store, graph: ox.NamedNode | ox.DefaultGraph, pool: ThreadPoolExecutor) -> Iterator[BinaryIO]:
    """Yield what Oxigraph dumps of a graph, while it does."""
    source, sink = os.pipe()

    def dump() -> None:
        with open(sink, "wb", buffering=_PIPE) as file:
            engine.dump(file, _TURTLE, from_graph=graph, prefixes=PREFIXES)

    dumping = pool.submit(dump)
    with open(source, "rb", buffering=_PIPE) as file:  # closed before its time, it ends the dump
        yield file
    dumping.result()


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of one node after the other: those after its first begin with a tab, and no literal has one."""
    block: list[bytes] = []
    for line in file:
        if block and not line.startswith(b"\t"):
            yield b"".join(block)
            block = []
        block.append(line)
    if block:
        yield b"".join(block)
