"""Turn checked files of records into model objects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, Final
from urllib.parse import unquote

import orjson

from mlaoi_graph import iri as iris
from mlaoi_graph.model import (
    AreaOfInterest,
    Association,
    AssociationKind,
    Confidence,
    Dataset,
    DataUse,
    Derivation,
    DerivationKind,
    Disclosure,
    Evidence,
    Model,
    ModelFamily,
    Rule,
    Severity,
    SourceDocument,
    Stage,
    Statement,
)
from mlaoi_graph.readers.records.footprints import areas
from mlaoi_graph.readers.records.ids import A_DATASET, A_MODEL, File, Ids, Thing, refs
from mlaoi_graph.readers.records.tree import Tree

__all__ = ["Edge", "statements"]

_FROM_MODEL: Final = (A_MODEL, A_MODEL)
_ENDS: Final = {
    DerivationKind.DERIVED: (A_DATASET, A_DATASET),
    DerivationKind.DRAWN: (A_DATASET, A_DATASET),
    DerivationKind.LABELLED: (A_DATASET, A_MODEL),
}
_QUALIFIERS: Final = {
    "zero_shot": "zero-shot",
    "declared": "declared only: no result was read",
    "optional": "one of several alternatives",
    "edition": "edition: {}",
    "fraction": "fraction: {}",
}


@dataclass(frozen=True, slots=True)
class Edge:
    """One thing pointing at another, for the search for cycles."""

    newer: str
    older: str
    file: File
    row: Tree


def statements(file: File, ids: Ids) -> tuple[list[Statement], list[Edge]]:
    """Return what one file says, and its edges between models or between datasets.

    What is wrong becomes a finding of the file.
    """
    reader = _Reader(file, ids)
    found: list[Statement] = [SourceDocument(iri=file.iri, content_hash=file.hash)]
    for name, tree in file.section("families"):
        found.extend(reader.family(name, tree))
    for name, tree in file.section("models"):
        found.extend(reader.model(name, tree))
    for name, tree in file.section("datasets"):
        found.extend(reader.dataset(name, tree))
    for name, tree in file.section("sources"):
        found.append(reader.evidence(name, tree))
    for pointer, row in file.rows("uses"):
        found.extend(reader.use(pointer, row))
    for pointer, row in file.rows("derivations"):
        found.extend(reader.derivation(pointer, row))
    for pointer, row in file.rows("members"):
        found.extend(reader.association(pointer, row, AssociationKind.PART_OF, "member", "whole"))
    for pointer, row in file.rows("successions"):
        found.extend(reader.association(pointer, row, AssociationKind.SUCCEEDS, "newer", "older"))
    # What a file describes it need not mention, and one paper may be about many models.
    unique = reader.mentioned | {statement.iri: statement for statement in found}
    return list(unique.values()), reader.edges


class _Reader:
    def __init__(self, file: File, ids: Ids) -> None:
        self._file = file
        self._ids = ids
        self._said: dict[str, int] = {}
        self.mentioned: dict[str, Statement] = {}
        self._footprints: dict[str, Any] = {}
        self.edges: list[Edge] = []

    # -- nodes -------------------------------------------------------------------------------------

    def family(self, name: str, tree: Tree) -> Iterator[Statement]:
        thing = self._own(tree, name, "families")
        paper = _paper(tree)
        yield from paper
        yield ModelFamily(
            iri=thing, identifier=name, label=_text(tree, "name"), description=_text(tree, "description"),
            publisher=_text(tree, "publisher"), homepage=_text(tree, "url"), aliases=_texts(tree, "aliases"),
            sources=self._sources(tree, paper),
        )  # fmt: skip

    def model(self, name: str, tree: Tree) -> Iterator[Statement]:
        family = self._thing(tree.get("family"), ("family",))
        disclosure = _text(tree, "disclosure")
        paper = _paper(tree)
        yield from paper
        yield Model(
            iri=self._own(tree, name, "models"), identifier=name, label=_text(tree, "name"),
            description=_description(tree), family=family.iri if family is not None else None,
            version=_text(tree, "version"), architecture=_text(tree, "architecture"),
            parameters=_text(tree, "parameters"), tasks=_texts(tree, "tasks"),
            modalities=_texts(tree, "modalities"), framework=_text(tree, "framework"),
            license=_text(tree, "license"), publisher=_text(tree, "publisher"), released=_text(tree, "released"),
            homepage=_text(tree, "url"), doi=_doi(tree), aliases=_texts(tree, "aliases"),
            disclosure=Disclosure(disclosure) if disclosure is not None else None, resolved=True,
            sources=self._sources(tree, paper),
        )  # fmt: skip

    def dataset(self, name: str, tree: Tree) -> Iterator[Statement]:
        iri = self._own(tree, name, "datasets")
        places = areas(iri, tree.get("footprint"), self._file)
        paper = _paper(tree)
        yield from paper
        yield Dataset(
            iri=iri, identifier=name, label=_text(tree, "name"), description=_description(tree),
            archive=tree.get("archive") is not None, footprints=tuple(sorted(place.iri for place in places)),
            sensors=_texts(tree, "sensors"), size=_text(tree, "size"), version=_text(tree, "version"),
            license=_text(tree, "license"), publisher=_text(tree, "publisher"), released=_text(tree, "released"),
            homepage=_text(tree, "url"), doi=_doi(tree), aliases=_texts(tree, "aliases"), resolved=True,
            sources=self._sources(tree, paper),
        )  # fmt: skip
        yield from places
        splits = tree.get("splits")
        if splits is not None:
            sizes = splits.entries or {}
            for split in sizes or [item.text or "" for item in splits.items or ()]:
                part = _part(iri, _text(tree, "name") or name, split, split=split)
                size = sizes.get(split)
                yield replace(part, size=size.text if size is not None and not size.is_null else None)

    def evidence(self, name: str, tree: Tree) -> Evidence:
        doi = _text(tree, "doi")
        return Evidence(
            iri=self._own(tree, name, "sources"), label=_text(tree, "title") or name,
            url=_text(tree, "url") or f"https://doi.org/{doi}", doi=doi, commit=_text(tree, "commit"),
            tier=_text(tree, "tier") or "primary", read_on=_text(tree, "read_on"),
        )  # fmt: skip

    # -- edges -------------------------------------------------------------------------------------

    def use(self, pointer: str, row: Tree) -> Iterator[Statement]:
        models = [self._thing(ref, A_MODEL) for ref in refs(row.get("model"))]
        datasets = [self._thing(ref, A_DATASET) for ref in refs(row.get("dataset"))]
        stage, split = Stage(_text(row, "stage")), _text(row, "split")
        evidence, confidence = self._grounds(row)
        self._advise_use(row, stage, split, datasets)
        metrics = row.get("metrics")
        for model, dataset in product(models, datasets):
            if model is None or dataset is None:
                continue
            used = self._used(dataset, split, _text(row, "part"))
            yield from self._placed(used, row.get("footprint"))
            yield DataUse(
                iri=self._edge_iri(row, "uses", model, stage.value, used, _text(row, "edition")), model=model.iri,
                dataset=used, stage=stage, rule=Rule.STATED, document=self._file.iri, pointer=pointer, split=split,
                metrics=_metrics(metrics) if metrics is not None else None, evidence=evidence,
                confidence=confidence, note=_note(row),
            )  # fmt: skip

    def derivation(self, pointer: str, row: Tree) -> Iterator[Statement]:
        kind = DerivationKind(_text(row, "kind"))
        newer_kinds, older_kinds = _ENDS.get(kind, _FROM_MODEL)
        evidence, confidence = self._grounds(row)
        self._advise_derivation(row, kind)
        split, of_split = _text(row, "split"), _text(row, "of_split")
        for newer_ref, older_ref in product(refs(row.get("of")), refs(row.get("from"))):
            newer, older = self._pair(newer_ref, older_ref, newer_kinds, older_kinds, row)
            if newer is None or older is None:
                continue
            if older.kind in A_DATASET and older.archive is not (kind is DerivationKind.DRAWN):
                wanted = (
                    "an archive: what is taken from it is drawn"
                    if older.archive
                    else "no archive: what is made from it is derived"
                )
                self._file.say(older_ref.at, "archive", f"{older.label} is {wanted}")
                continue
            derived, source = self._used(newer, of_split), self._used(older, split)
            yield Derivation(
                iri=self._edge_iri(row, "derivations", newer, kind.value, source, _text(row, "edition")),
                derived=derived, source=source, kind=kind, rule=Rule.STATED, document=self._file.iri,
                pointer=pointer, derived_split=of_split, source_split=split, evidence=evidence,
                confidence=confidence, note=_note(row),
            )  # fmt: skip

    def association(
        self, pointer: str, row: Tree, kind: AssociationKind, newer_key: str, older_key: str
    ) -> Iterator[Statement]:
        evidence, confidence = self._grounds(row)
        kinds = A_DATASET if kind is AssociationKind.PART_OF else (*A_MODEL, *A_DATASET)
        for newer_ref, older_ref in product(refs(row.get(newer_key)), refs(row.get(older_key))):
            newer, older = self._pair(newer_ref, older_ref, kinds, kinds, row)
            if newer is None or older is None:
                continue
            if newer.kind != older.kind:
                self._file.say(
                    older_ref.at,
                    "wrong-kind",
                    f"a {newer.kind} succeeds a {newer.kind}, and {older.label} is a {older.kind}",
                )
                continue
            section = "members" if kind is AssociationKind.PART_OF else "successions"
            yield Association(
                iri=self._edge_iri(row, section, newer, kind.value, older.iri, None), subject=newer.iri,
                object=older.iri, kind=kind, rule=Rule.STATED, document=self._file.iri, pointer=pointer,
                evidence=evidence, confidence=confidence, note=_note(row),
            )  # fmt: skip

    def _pair(
        self, newer_ref: Tree, older_ref: Tree, newer_kinds: tuple[str, ...], older_kinds: tuple[str, ...], row: Tree
    ) -> tuple[Thing | None, Thing | None]:  # fmt: skip
        newer, older = self._thing(newer_ref, newer_kinds), self._thing(older_ref, older_kinds)
        if newer is not None and older is not None:
            if newer.iri == older.iri:
                self._file.say(older_ref.at, "self-reference", f"{newer.label} cannot come from itself")
                return None, None
            self.edges.append(Edge(newer.iri, older.iri, self._file, row))
        return newer, older

    # -- what they share ---------------------------------------------------------------------------

    def _own(self, tree: Tree, name: str, section: str) -> str:
        return f"{self._ids.base}{section}/{iris.segment(name)}"

    def _thing(self, ref: Tree | None, kinds: tuple[str, ...]) -> Thing | None:
        thing = self._ids.thing(self._file, ref, kinds) if ref is not None else None
        if thing is not None:
            self.mentioned.setdefault(thing.iri, thing.mention())
        return thing

    def _sources(self, tree: Tree, papers: Sequence[Evidence]) -> tuple[str, ...]:
        found = [self._ids.source(self._file, ref) for ref in refs(tree.get("sources"))]
        return tuple(sorted({*(source.iri for source in found if source is not None), *(p.iri for p in papers)}))

    def _grounds(self, row: Tree) -> tuple[tuple[str, ...], Confidence]:
        """Return the sources of an edge and how sure it is: what rests on secondary accounts alone is unverified."""
        found = [s for ref in refs(row.get("source")) if (s := self._ids.source(self._file, ref)) is not None]
        unverified = _text(row, "confidence") == Confidence.UNVERIFIED.value or all(s.secondary for s in found)
        confidence = Confidence.UNVERIFIED if unverified else Confidence.VERIFIED
        return tuple(sorted({source.iri for source in found})), confidence

    def _used(self, thing: Thing, split: str | None, part: str | None = None) -> str:
        """Return the IRI of a thing, or of the part of it that a split and a set of samples stand for."""
        iri, label = thing.iri, thing.label
        for name in (split, part):
            if name is not None:
                node = _part(iri, label, name, split=split)  # samples of a split are of that split
                self.mentioned.setdefault(node.iri, node)
                iri, label = node.iri, node.label or label
        return iri

    def _placed(self, part: str, footprint: Tree | None) -> list[AreaOfInterest]:
        """Return where a part is, as a use of it says; another use that puts it elsewhere is a finding."""
        node = self.mentioned.get(part)
        if footprint is None or not isinstance(node, Dataset):
            return []
        if self._footprints.setdefault(part, footprint.json()) != footprint.json():
            self._file.say(
                footprint.at, "part-elsewhere", f"{node.label} is put elsewhere by a use above; left as it was"
            )
            return []
        places = areas(part, footprint, self._file)
        self.mentioned[part] = replace(node, footprints=tuple(sorted(area.iri for area in places)))
        return places

    def _edge_iri(self, row: Tree, section: str, thing: Thing, word: str, other: str, edition: str | None) -> str:
        # From what it joins, not from its place in the file: a row put in between changes no other row's IRI.
        path = [
            section,
            iris.tail(thing.iri),
            word,
            unquote(other.removeprefix(self._ids.base).partition("/")[2]),
        ]
        iri = iris.pointer_iri(self._file.iri, "/" + "/".join([*path, *([edition] if edition else [])]))
        if iri in self._said:
            self._file.say(
                row.at,
                "said-twice",
                f"the row in line {self._said[iri]} says this already; give both sources there",
            )
        self._said.setdefault(iri, row.at[0])
        return iri

    def _advise_use(self, row: Tree, stage: Stage, split: str | None, datasets: Sequence[Thing | None]) -> None:
        at = (row.get("split") or row).at
        for dataset in datasets:
            if split is not None and dataset is not None and dataset.splits and split not in dataset.splits:
                listed = ", ".join(dataset.splits)
                self._file.say(
                    at,
                    "unlisted-split",
                    f"{dataset.label} has {listed}; {split!r} becomes a part of it all the same",
                    Severity.WARNING,
                )
        if stage is Stage.TEST and (split or "").lower() in ("val", "valid", "validation", "validate"):
            self._file.say(
                at,
                "test-on-validation",
                "a test on the part published for validation; see that the source calls it a test",
                Severity.INFO,
            )

    def _advise_derivation(self, row: Tree, kind: DerivationKind) -> None:
        if kind in (DerivationKind.FINETUNED, DerivationKind.INITIALIZED) and "frozen" in (
            _text(row, "evidence") or ""
        ):
            self._file.say(
                row.at,
                "frozen-not-finetuned",
                "frozen weights under a new head are a component, not fine-tuned",
                Severity.WARNING,
            )


def _doi(tree: Tree) -> str | None:
    said = _text(tree, "doi")
    return None if said is None else iris.doi(said) or said


def _text(tree: Tree, key: str) -> str | None:
    found = tree.get(key)
    return found.text.strip() if found is not None and found.text is not None else None


def _texts(tree: Tree, key: str) -> tuple[str, ...]:
    found = tree.get(key)
    return tuple(sorted({item.text or "" for item in (found.items if found is not None else None) or ()}))


def _description(tree: Tree) -> str | None:
    """Return the description, and what is only supposed to be so, marked as that."""
    said = [text for text in [_text(tree, "description")] if text is not None]
    guessed = tree.get("unverified")
    if guessed is not None:
        said.append("Unverified: " + "; ".join(f"{key} {value.text}" for key, value in guessed.walk()) + ".")
    return " ".join(said) or None


def _paper(tree: Tree) -> list[Evidence]:
    doi = _text(tree, "paper")
    if doi is None:
        return []
    url = f"https://doi.org/{doi}"
    return [Evidence(iri=iris.safe_iri(url) or url, label=f"doi:{doi}", url=url, doi=doi, tier="primary")]


def _part(whole: str, label: str, name: str, *, split: str | None = None) -> Dataset:
    return Dataset(iri=iris.part(whole, name), label=f"{label} ({name})", split=split, part_of=(whole,), resolved=True)


def _metrics(tree: Tree) -> str:
    return orjson.dumps({name: value.text for name, value in tree.walk()}).decode()


def _note(row: Tree) -> str:
    said = [_text(row, "evidence") or ""]
    for key, words in _QUALIFIERS.items():
        value = _text(row, key)
        if value is not None:
            said.append(words.format(value))
    return "; ".join(said)
