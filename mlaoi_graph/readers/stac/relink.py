"""Type references again once it is known what they point at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from mlaoi_graph import iri as iris
from mlaoi_graph.model import (
    AreaOfInterest,
    Association,
    Dataset,
    DataUse,
    Derivation,
    Finding,
    Model,
    SplitPolicy,
    Statement,
    Unknown,
)
from mlaoi_graph.readers import Target
from mlaoi_graph.readers.stac import links

__all__ = ["relink"]


def relink(
    statements: Sequence[Statement], targets: Mapping[str, Target], policy: SplitPolicy
) -> tuple[list[Statement], list[Finding]]:
    """Return one document's statements as they would be had the targets been known when it was read.

    ``targets`` maps the IRIs of nodes that led nowhere to what they turned out to be.
    """
    # An item that a name stands for may be of a collection that is known only now.
    targets = {
        iri: replace(target, whole=_holder(target.whole, target.split, targets)) if target.whole is not None else target
        for iri, target in targets.items()
    }
    models = {s.iri for s in statements if isinstance(s, Model) and s.resolved}
    splits = {s.iri: s.split for s in statements if isinstance(s, AreaOfInterest)}
    held = {whole for s in statements if isinstance(s, Dataset) for whole in s.part_of if s.split is None}
    again: list[Statement] = []
    findings: list[Finding] = []
    for statement in statements:
        if isinstance(statement, DataUse | Derivation | Association):
            edges, remarks = _edge(statement, targets, models, policy)
            again.extend(edges)
            findings.extend(remarks)
            continue
        if isinstance(statement, Dataset):
            whole = _whole(statement, targets)
            if whole is None:
                wholes = tuple(
                    _holder(iri, statement.split or splits.get(iris.sub(statement.iri, "area")), targets)
                    for iri in statement.part_of
                )
                again.append(replace(statement, part_of=wholes))
                continue
            # The area of an item is all there is to keep: which dataset it belongs to was the open question.
            for area in statement.footprints:
                again.extend(links.membership(area, splits.get(area), targets[whole]))
            if not statement.footprints and statement.iri in held:
                again.extend(links.membership(None, statement.split, targets[whole]))
        elif not isinstance(statement, Unknown | Model) or statement.iri not in targets:
            again.append(statement)
    return again, findings


def _edge(
    edge: DataUse | Derivation | Association, targets: Mapping[str, Target], models: set[str], policy: SplitPolicy
) -> tuple[Sequence[Statement], Sequence[Finding]]:
    if isinstance(edge, Association):
        return _association(edge, targets, models), ()
    subject, target = (edge.model, edge.dataset) if isinstance(edge, DataUse) else (edge.derived, edge.source)
    split = edge.split if isinstance(edge, DataUse) else edge.source_split
    found = next((t for iri, t in targets.items() if target in links.names_of(iri, split)), None)
    reference = links.reference_of(edge, subject, of_model=subject in models)
    if found is None or reference is None:
        return [edge], ()
    return links.type_reference(reference, found, policy)


def _association(edge: Association, targets: Mapping[str, Target], models: set[str]) -> Sequence[Statement]:
    ends = (edge.subject, edge.object)
    for other, subject in (ends, ends[::-1]):
        if other in targets:
            reference = links.reference_of(edge, subject, of_model=subject in models)
            if reference is None:
                return [replace(edge, subject=_of(edge.subject, targets), object=_of(edge.object, targets))]
            again = links.association(reference, targets[other])
            mentioned = links.mention(targets[other], reference.link, is_model=reference.of_model)
            return [] if again is None else [again, mentioned]
    return [edge]


def _of(iri: str, targets: Mapping[str, Target]) -> str:
    return targets[iri].iri if iri in targets else iri


def _holder(part_of: str, split: str | None, targets: Mapping[str, Target]) -> str:
    """Return what an item is part of now: one of the targets, or the item's split of it; else what it was."""
    found = next((target for iri, target in targets.items() if part_of in links.names_of(iri, split)), None)
    return part_of if found is None else links.holder(found, split)


def _whole(statement: Dataset, targets: Mapping[str, Target]) -> str | None:
    """Return which of the targets a dataset node stands for, or is a split of."""
    split = statement.split
    return next((iri for iri in targets if statement.iri in links.names_of(iri, split)), None)
