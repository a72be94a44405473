"""What the ids of a set of files stand for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from mlaoi_graph import iri as iris
from mlaoi_graph.model import Dataset, Finding, Model, ModelFamily, Severity
from mlaoi_graph.readers import Context, Kind
from mlaoi_graph.readers.records.tree import At, Tree

__all__ = ["File", "Ids", "Thing", "refs"]

FAMILY: Final = "family"
MODEL: Final = "model"
DATASET: Final = "dataset"
SOURCE: Final = "source"
_SECTIONS: Final = {"families": FAMILY, "models": MODEL, "datasets": DATASET, "sources": SOURCE}
A_MODEL: Final = (MODEL, FAMILY)
A_DATASET: Final = (DATASET,)


@dataclass(slots=True)
class File:
    """One file: what it is called, what it holds, and what is wrong with it."""

    iri: str
    shown: str
    hash: str | None = None
    tree: Tree | None = None
    findings: list[Finding] = field(default_factory=list)

    def say(self, at: At, rule: str, message: str, severity: Severity = Severity.ERROR) -> None:
        """Add a finding about a place in this file."""
        self.findings.append(
            Finding(document=self.shown, pointer=f"{at[0]}:{at[1]}", rule=rule, message=message, severity=severity)
        )

    @property
    def failed(self) -> bool:
        """Whether anything in it is an error."""
        return any(finding.severity is Severity.ERROR for finding in self.findings)

    def section(self, name: str) -> Iterator[tuple[str, Tree]]:
        """Yield the entries of one of the sections that map ids to things."""
        found = self.tree.get(name) if self.tree is not None else None
        if found is not None:
            yield from found.walk()

    def rows(self, name: str) -> Iterator[tuple[str, Tree]]:
        """Yield the rows of one of the sections that are lists, each with its record path."""
        found = self.tree.get(name) if self.tree is not None else None
        for index, row in enumerate((found.items if found is not None else None) or ()):
            yield f"/{name}/{index}", row


@dataclass(frozen=True, slots=True)
class Thing:
    """What one id stands for."""

    iri: str
    kind: str
    label: str
    archive: bool = False
    splits: tuple[str, ...] = ()
    secondary: bool = False
    """For a source, that it is somebody's account of another."""

    def mention(self) -> Model | ModelFamily | Dataset:
        """Return the node for a document that says something of it and does not describe it."""
        if self.kind == DATASET:
            return Dataset(iri=self.iri, archive=self.archive)
        return Model(iri=self.iri) if self.kind == MODEL else ModelFamily(iri=self.iri)


class Ids:
    """All ids of a set of files; what is in none of them is looked for in the catalog."""

    def __init__(self, files: Iterable[File], context: Context) -> None:
        self._context = context
        self.base = context.base
        self._own: dict[str, tuple[Thing, File, Tree]] = {}
        self._sources: dict[str, tuple[Thing, File, Tree]] = {}
        self._elsewhere: dict[str, Thing | None] = {}
        self.cited: set[str] = set()
        for file in files:
            for section, kind in _SECTIONS.items():
                for name, tree in file.section(section):
                    self._add(file, section, kind, name, tree)
        self._say_same_names()

    def _add(self, file: File, section: str, kind: str, name: str, tree: Tree) -> None:
        # Sources have names of their own: a README is often called as the model it describes.
        ids = self._sources if kind == SOURCE else self._own
        if name in ids:
            _, other, first = ids[name]
            where = _where(other, first, file)
            file.say(tree.at, "duplicate-id", f"{name!r} is defined already, {where}; an id stands for one thing")
            return
        label = tree.get("title" if kind == SOURCE else "name")
        tier = tree.get("tier")
        iri = f"{self._context.base}{section}/{iris.segment(name)}"
        thing = Thing(
            iri, kind, label.text or name if label is not None else name, tree.get("archive") is not None,
            tuple(_split_names(tree)), tier is not None and tier.text == "secondary",
        )  # fmt: skip
        ids[name] = (thing, file, tree)

    def _say_same_names(self) -> None:
        """Say where two models, or two datasets, go by one id, name, alias or DOI.

        Versions of a thing may share a name if each states its own; a DOI is of one thing in any case.
        """
        owners: dict[tuple[str, str], dict[str | None, tuple[str, File, Tree]]] = {}
        for name, (thing, file, tree) in self._own.items():
            for called in _names(name, tree) if thing.kind != FAMILY else ():
                text = called.text or ""
                doi = iris.doi(text)
                stated = tree.get("version") if doi is None else None
                version = stated.text if stated is not None else None
                known = owners.setdefault((thing.kind, " ".join((doi or text).split()).casefold()), {})
                same = known.get(version) or known.get(None)
                if same is None and version is None and known:
                    # Without a version it may be any of those that state one.
                    same = next(iter(known.values()))
                if same is None:
                    known[version] = (name, file, tree)
                elif same[0] != name:
                    other, elsewhere, first = same
                    mend = (
                        "put a DOI that several share under paper:"
                        if doi is not None
                        else "versions may share a name if each states its own"
                    )
                    file.say(
                        called.at,
                        "same-name",
                        f"{text!r} is what {thing.kind} {other!r} goes by, {_where(elsewhere, first, file)}; "
                        f"a thing stands here once, with its aliases; {mend}",
                    )
                    break

    def source(self, file: File, ref: Tree) -> Thing | None:
        """Return the source of that id; None, and a finding, if there is none."""
        name = ref.text or ""
        if name not in self._sources:
            file.say(ref.at, "unknown-id", f"no source {name!r} in these files; add it under sources:")
            return None
        self.cited.add(name)
        return self._sources[name][0]

    def thing(self, file: File, ref: Tree, kinds: tuple[str, ...]) -> Thing | None:
        """Return what an id stands for; None, and a finding, if that is nothing or of another kind."""
        name = ref.text or ""
        found = self._own[name][0] if name in self._own else self._known(file, ref, name)
        if found is not None and found.kind not in kinds:
            file.say(ref.at, "wrong-kind", f"{name!r} is a {found.kind}, and a {kinds[0]} is wanted here")
            return None
        return found

    def _known(self, file: File, ref: Tree, name: str) -> Thing | None:
        named = self._context.known.named(name)
        if len(named) > 1:
            some = ", ".join(target.iri for target in named[:3])
            file.say(ref.at, "ambiguous-id", f"{name!r} stands for more than one thing in the catalog: {some}")
            return None
        kind = {Kind.MODEL: MODEL, Kind.DATASET: DATASET, Kind.ARCHIVE: DATASET}.get(named[0].kind) if named else None
        if kind is None:
            file.say(
                ref.at,
                "unknown-id",
                f"{name!r} is neither in these files nor a model or dataset of the catalog",
            )
            return None
        target = named[0]
        return Thing(target.iri, kind, target.label or name, archive=target.kind is Kind.ARCHIVE)

    def unused_sources(self) -> Iterator[tuple[File, Tree, str]]:
        """Yield the sources nothing rests on."""
        for name, (_, file, tree) in self._sources.items():
            if name not in self.cited:
                yield file, tree, name


def _names(name: str, tree: Tree) -> list[Tree]:
    """Return all that a model or dataset goes by, its id first."""
    return [Tree(tree.at, name), *filter(None, map(tree.get, ("name", "doi"))), *refs(tree.get("aliases"))]


def _where(file: File, tree: Tree, seen_from: File) -> str:
    line = f"line {tree.at[0]}"
    return f"in {line}" if file is seen_from else f"in {file.shown}, {line}"


def refs(tree: Tree | None) -> list[Tree]:
    """Return one id, or the ids of a list."""
    if tree is None:
        return []
    return tree.items if tree.items is not None else [tree]


def _split_names(tree: Tree) -> list[str]:
    splits = tree.get("splits")
    if splits is None:
        return []
    if splits.entries is not None:
        return list(splits.entries)
    return [item.text or "" for item in splits.items or ()]
