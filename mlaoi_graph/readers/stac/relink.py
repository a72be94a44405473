"""Type references again once it is known what they point at."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from mlaoi_graph import iri as iris
from mlaoi_graph.model import (
    AreaOfInterest,
    Association,
    Dataset,
    DataUse,
    Derivation,
    Finding,
    Model,
    SourceDocument,
    SplitPolicy,
    Statement,
    Unknown,
)
from mlaoi_graph.readers import Target
from mlaoi_graph.readers.stac import links

__all__ = ["Relinked", "relink"]


@dataclass(slots=True)
class Relinked:
    """What a document says now, and what was found on the way."""

    statements: list[Statement] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    pointers: set[str] = field(default_factory=set)
    """Of what was typed again: what :data:`~.links.RULES` found there before is found no more."""


def relink(
    statements: Sequence[Statement],
    targets: Mapping[str, Target],
    policy: SplitPolicy,
    led: Mapping[str, Target] | None = None,
) -> Relinked:
    """Return one document's statements as they would be had the targets been known when it was read.

    ``targets`` maps the IRIs of nodes that led nowhere, or to something that is described otherwise now, to what they
    turned out to be; ``led`` are all that did, as the targets may be items of them.
    """
    # What it describes itself it does not refer to.
    splits = {s.iri: s.split for s in statements if isinstance(s, AreaOfInterest)}
    own = {s.describes for s in statements if isinstance(s, SourceDocument)}
    own |= {
        s.iri
        for s in statements
        if isinstance(s, Model | Dataset)
        and s.resolved
        and (isinstance(s, Model) or not s.footprints or not splits.keys().isdisjoint(s.footprints))
    }
    # An item may be of a collection that is known only now.
    wholes = {**(led or {}), **targets}
    targets = {
        iri: replace(target, whole=_holder(target.whole, target.split, wholes)) if target.whole is not None else target
        for iri, target in targets.items()
        if iri not in own
    }
    models = {s.iri for s in statements if isinstance(s, Model) and s.resolved}
    document = next((s.iri for s in statements if isinstance(s, SourceDocument)), "")
    held = {whole for s in statements if isinstance(s, Dataset) for whole in s.part_of if s.split is None}
    found = Relinked()
    for statement in statements:
        if isinstance(statement, DataUse | Derivation | Association):
            found.statements.extend(_edge(statement, targets, models, policy, found))
        elif isinstance(statement, Dataset):
            found.statements.extend(_dataset(statement, targets, splits, document, found))
            whole = _named(statement, targets)
            if whole is not None and not statement.footprints and statement.iri in held:
                found.statements.extend(links.membership(None, statement.split, targets[whole]))
        elif not isinstance(statement, Unknown | Model) or statement.iri not in targets:
            found.statements.append(statement)
    if any(_is_pretrained_only(s) for s in statements if isinstance(s, SourceDocument)):
        gone = {s.iri for s in links.pretrained_on_what(document, document, "", ())[0]}
        said = found.statements = [s for s in found.statements if s.iri not in gone]
        found.pointers.add(links.PRETRAINED)
        for subject in models:
            again, findings = links.pretrained_on_what(document, document, subject, said)
            found.statements = [*said, *again]
            found.findings.extend(findings)
    return found


def _is_pretrained_only(source: SourceDocument) -> bool:
    published = source.as_published or ""
    # The first test is for speed: most models say nothing of it.
    return '"mlm:pretrained":' in published and links.pretrained_only(json.loads(published).get("properties", {}))


def _dataset(
    dataset: Dataset, targets: Mapping[str, Target], splits: Mapping[str, str | None], document: str, found: Relinked
) -> Iterator[Statement]:
    whole = _named(dataset, targets)
    if whole is None:
        split = dataset.split or splits.get(iris.sub(dataset.iri, "area"))
        yield replace(dataset, part_of=tuple(_holder(iri, split, targets) for iri in dataset.part_of))
        return
    # The area of an item is all there is to keep: which dataset it belongs to was the open question.
    for area in dataset.footprints:
        if area in splits:
            yield from links.membership(area, splits[area], targets[whole])
            found.pointers.add(links.SPLIT_OF_ITEM)
            found.findings.extend(links.split_findings(splits[area], targets[whole], document))


def _named(dataset: Dataset, targets: Mapping[str, Target]) -> str | None:
    """Return which of the targets a dataset node stands for, or is a split of."""
    return next((iri for iri in targets if dataset.iri in links.names_of(iri, dataset.split)), None)


def _edge(
    edge: DataUse | Derivation | Association,
    targets: Mapping[str, Target],
    models: set[str],
    policy: SplitPolicy,
    found: Relinked,
) -> Sequence[Statement]:
    if isinstance(edge, Association):
        return _association(edge, targets, models, found)
    subject, target = (edge.model, edge.dataset) if isinstance(edge, DataUse) else (edge.derived, edge.source)
    split = edge.split if isinstance(edge, DataUse) else edge.source_split
    now = next((t for iri, t in targets.items() if target in links.names_of(iri, split)), None)
    reference = links.reference_of(edge, subject, of_model=subject in models)
    if now is None or reference is None:
        return [edge]
    stated = links.stated_target(reference.link)
    if stated is not None and stated.described:
        now = stated  # whatever is known of it
    statements, findings = links.type_reference(reference, now, policy)
    found.pointers.add(reference.pointer)
    found.findings.extend(findings)
    return statements


def _association(
    edge: Association, targets: Mapping[str, Target], models: set[str], found: Relinked
) -> Sequence[Statement]:
    ends = (edge.subject, edge.object)
    for other, subject in (ends, ends[::-1]):
        if other in targets:
            reference = links.reference_of(edge, subject, of_model=subject in models)
            if reference is None:
                return [replace(edge, subject=_of(edge.subject, targets), object=_of(edge.object, targets))]
            statements, findings = links.association(reference, targets[other])
            found.pointers.add(reference.pointer)
            found.findings.extend(findings)
            return statements
    return [edge]


def _of(iri: str, targets: Mapping[str, Target]) -> str:
    return targets[iri].iri if iri in targets else iri


def _holder(part_of: str, split: str | None, targets: Mapping[str, Target]) -> str:
    """Return what an item is part of now: one of the targets, or the item's split of it; else what it was."""
    found = next((target for iri, target in targets.items() if part_of in links.names_of(iri, split)), None)
    return part_of if found is None else links.holder(found, split)
