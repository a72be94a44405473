"""Read records: lineage written by hand in YAML, one file a family, for what has no STAC.

The form is ``mlaoi_graph/families/schema.json``, explained in ``docs/add-a-family.md``. A source is one file or a
folder of them; ids hold across the folder, and what is in none of its files is looked for in the catalog.
Records are written by people who can mend them, so an error anywhere stops the whole source: nothing is read.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from mlaoi_graph import iri as iris
from mlaoi_graph.errors import SourceError, SourceNotFound
from mlaoi_graph.model import Finding, Severity, Statement
from mlaoi_graph.readers import Context, Outcome, ReadDocument
from mlaoi_graph.readers.fetch import Fetcher
from mlaoi_graph.readers.records import form, tree
from mlaoi_graph.readers.records.content import Edge, statements
from mlaoi_graph.readers.records.ids import File, Ids

__all__ = ["accepts", "read"]

_SUFFIXES: Final = (".yaml", ".yml")
_BEGINS: Final = re.compile(rb"(?m)^(families|models|datasets|uses|derivations|members|successions|sources)[ ]*:")


def accepts(source: str) -> bool:
    """Return True for a YAML file, and for a folder that holds records and no JSON: a STAC folder may hold YAML too."""
    path = Path(source)
    if path.is_file():
        return source.lower().endswith(_SUFFIXES)
    if not path.is_dir() or any(_is_json(path)):
        return False
    return any(_looks_like_records(path / name) for name in _paths(path))


def _is_json(folder: Path) -> Iterator[bool]:
    for _, _, files in os.walk(folder):
        for name in files:
            if name != "schema.json" and name.lower().endswith((".json", ".geojson", ".ndjson", ".jsonl")):
                yield True


def read(source: str, context: Context) -> Iterator[ReadDocument]:
    """Yield every file of the source: all as read, or all as failed.

    Raises SourceNotFound if the source itself is not there.
    """
    path = Path(source)
    if not path.exists():
        raise SourceNotFound(source)
    root, names = (path, _paths(path)) if path.is_dir() else (path.parent, [path.name])
    shown_root = source if path.is_dir() else os.path.dirname(source)
    files = [_file(name, os.path.join(shown_root, name), Fetcher(root), context) for name in names]
    said: list[list[Statement]] = [[] for _ in files]
    if not any(file.failed for file in files):
        ids = Ids(files, context)
        edges: list[Edge] = []
        for index, file in enumerate(files):
            said[index], of_file = statements(file, ids)
            edges.extend(of_file)
        _say_cycles(edges)
        for file, row, name in ids.unused_sources():
            file.say(row.at, "unused-source", f"nothing rests on {name!r}", Severity.WARNING)
    if any(file.failed for file in files):
        yield from _failures(files)
    elif files and all(context.known.is_unchanged(file.iri, file.hash or "") for file in files):
        yield from (_document(file, Outcome.UNCHANGED, []) for file in files)
    else:
        # One file's labels, archives and tiers are another's, so a change in any is a change in all.
        for file, found in zip(files, said, strict=True):
            yield _document(file, Outcome.READ, found)


def _document(file: File, outcome: Outcome, said: list[Statement]) -> ReadDocument:
    return ReadDocument(file.iri, outcome, said, file.findings, file.hash, shown=file.shown)


def _paths(root: Path) -> list[str]:
    found: list[str] = []
    for folder, folders, names in os.walk(root):
        folders.sort()
        below = Path(os.path.relpath(folder, root))
        found.extend((below / name).as_posix() for name in sorted(names) if name.lower().endswith(_SUFFIXES))
    return found


def _looks_like_records(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return bool(_BEGINS.search(file.read(65_536)))
    except OSError:
        return False


def _file(name: str, shown: str, fetcher: Fetcher, context: Context) -> File:
    """Read and check one file by itself."""
    place = "/".join(iris.segment(piece) for piece in name.split("/"))
    file = File(f"{context.base}documents/{iris.segment(context.name)}/{place}", shown)
    try:
        data = fetcher.read_path(name)
    except SourceError as error:
        file.say((1, 1), "unreadable", str(error))
        return file
    file.hash = "sha256:" + hashlib.sha256(data).hexdigest()
    try:
        file.tree = tree.parse(data)
    except tree.NotRecords as error:
        file.say(error.at, error.rule, str(error))
        return file
    for at, rule, message in form.problems(file.tree):
        file.say(at, rule, message)
    return file


def _failures(files: Sequence[File]) -> Iterator[ReadDocument]:
    broken = sum(file.failed for file in files)
    for file in files:
        if not file.failed:
            file.findings.append(
                Finding(document=file.shown, pointer="", rule="not-read", severity=Severity.INFO,
                        message=f"nothing of this source was read: {broken} of its files have errors")
            )  # fmt: skip
        yield _document(file, Outcome.FAILED, [])


def _say_cycles(edges: Sequence[Edge]) -> None:
    """Say where things come from themselves, at one of the rows that make it so."""
    leaving: dict[str, list[Edge]] = {}
    for edge in edges:
        leaving.setdefault(edge.newer, []).append(edge)
    done: set[str] = set()
    for start in leaving:
        if start in done:
            continue
        trail, stack = [start], [iter(leaving[start])]
        while stack:
            step = next(stack[-1], None)
            if step is None:
                stack.pop()
                done.add(trail.pop())
            elif step.older in trail:
                loop = [*trail[trail.index(step.older) :], step.older]
                names = " from ".join(iris.tail(iri) for iri in loop)
                step.file.say(step.row.at, "cycle", f"nothing can come from itself: {names}")
            elif step.older not in done:
                trail.append(step.older)
                stack.append(iter(leaving.get(step.older, ())))
