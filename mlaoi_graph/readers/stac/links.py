"""Type the edges a STAC document's links stand for. The rules, strongest first, for a model's link:

1. our own fields: ``lineage:stage``, ``lineage:derivation`` (on ``derived_from`` or ``lineage:evaluated_on``)
2. ``ml-model:train-data``, ``ml-model:test-data`` (and MLHub's ``mlhub:training-dataset``)
3. ``derived_from`` with ``ml-aoi:split``, by the catalog's split policy
4. ``derived_from`` to a model, known as one or named by ``mlm:name`` on the link
5. bare ``derived_from`` to a dataset: trained on, stage unstated
6. ``derived_from`` to something unknown: made from it, and no more is said

What a link points at decides between 3, 4, 5 and 6, never its rel alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Final

from mlaoi_graph import iri as iris
from mlaoi_graph.lineage_fields import EVALUATED_ON, PART_OF
from mlaoi_graph.model import (
    Association,
    AssociationKind,
    Confidence,
    Dataset,
    DataUse,
    Derivation,
    DerivationKind,
    Evidence,
    Finding,
    Model,
    ModelFamily,
    QualifiedEdge,
    Rule,
    Severity,
    SplitPolicy,
    Stage,
    Statement,
    Unknown,
)
from mlaoi_graph.readers import Kind, Target
from mlaoi_graph.readers.stac.content import Json, dumps, lineage_iri, one_text, text, texts

DERIVED_FROM: Final = "derived_from"
_ML_MODEL: Final = {
    "ml-model:train-data": Stage.TRAINING,
    "ml-model:test-data": Stage.TEST,
    "mlhub:training-dataset": Stage.TRAINING,
}
_TEACHES: Final = {EVALUATED_ON: False, **{rel: stage.teaches for rel, stage in _ML_MODEL.items()}}
"""Whether a model learned from what a rel leads to, of rels that say so by themselves."""
USE_RELS: Final = frozenset({DERIVED_FROM, EVALUATED_ON, *_ML_MODEL})
VERSION_RELS: Final = frozenset({"predecessor-version", "successor-version", "latest-version"})
_KNOWN_RELS: Final = (
    USE_RELS | VERSION_RELS | {PART_OF, "self", "root", "parent", "collection", "item", "items", "child"}
)
_TRAINED: Final = "derivedfrom wasderivedfrom trainedon pretrainedon finetunedon trainingdata trainingdataset traindata"
_EVALUATED: Final = "evaluatedon testedon validatedon testdata testdataset validationdata"
_MEANT: Final = {
    word: rel for words, rel in ((_TRAINED, DERIVED_FROM), (_EVALUATED, EVALUATED_ON)) for word in words.split()
}
"""What rels of nobody mean, by their letters."""

RULES: Final = frozenset(
    {"self-reference", "stage-of-model", "wrong-type", "split-against-declared", "unknown-derivation", "unknown-stage"}
    | {"version-cycle", "other-kind", "stage-against-rel", "derivation-of-data", "unknown-split", "role-on-data"}
    | {"drawn-from-data", "pretrained-on-what"}
)
"""What is found when a reference is typed, and may be found otherwise when more is known of what it leads to."""
LINKS: Final = "/links"
PRETRAINED: Final = "/properties/mlm:pretrained"
SPLIT_OF_ITEM: Final = "/properties/ml-aoi:split"

_Note = Callable[[str, str], None]

STAGES: Final = {stage.value: stage for stage in Stage}
MODEL_DERIVATIONS: Final = {
    kind.value: kind
    for kind in DerivationKind
    if kind not in (DerivationKind.DERIVED, DerivationKind.DRAWN, DerivationKind.LABELLED, DerivationKind.UNKNOWN)
}
DATA_DERIVATIONS: Final = {
    kind.value: kind for kind in (DerivationKind.DERIVED, DerivationKind.DRAWN, DerivationKind.LABELLED)
}
_UNKNOWN: Final = {DerivationKind.UNKNOWN.value: DerivationKind.UNKNOWN}
_KINDS: Final = {
    "model": Kind.MODEL,
    "family": Kind.MODEL,
    "dataset": Kind.DATASET,
    "archive": Kind.ARCHIVE,
}


@dataclass(frozen=True, slots=True)
class Reference:
    """One link (or field) of a document that points at what its subject came from or was measured on."""

    document: str
    """IRI of the document."""
    shown: str
    """The document as a person would look for it."""
    subject: str
    """IRI of the model or dataset the document is about."""
    of_model: bool
    pointer: str
    link: Json


def reference_of(edge: QualifiedEdge, subject: str, *, of_model: bool) -> Reference | None:
    """Return the reference an edge was made from, to be typed again; None if it was not a link or field of STAC."""
    if edge.as_published is None or edge.pointer is None:
        return None
    return Reference(edge.document, edge.document, subject, of_model, edge.pointer, json.loads(edge.as_published))


def meant_rel(rel: str, link: Json) -> str:
    """Return the rel that a link means which states lineage, by its own fields or in other words than any rel has.

    >>> meant_rel("derived-from", {}), meant_rel("related", {"lineage:stage": "finetuning"}), meant_rel("related", {})
    ('derived_from', 'derived_from', 'related')
    """
    if rel in _KNOWN_RELS:
        return rel
    states = any(link.get(field) is not None for field in ("lineage:stage", "lineage:derivation"))
    letters = re.sub(r"[^a-z]", "", re.split("[:/#]", rel.lower())[-1])
    return _MEANT.get(letters, DERIVED_FROM if states else rel)


def stated_target(link: Json) -> Target | None:
    """Return what a link says itself that it points at (``lineage:iri``); None if it does not say."""
    iri = lineage_iri(link)
    if iri is None:
        return None
    kind = _KINDS.get(text(link.get("lineage:kind")) or "", Kind.UNKNOWN)
    # The IRI is that of the part itself, so nothing is to be added to it for the split.
    split = text(link.get("lineage:split"))
    whole = text(link.get("lineage:part_of")) if split is not None else None
    whole = iris.safe_iri(whole) if whole is not None else None
    if "lineage:unresolved_name" not in link:
        return Target(iri, kind, split=split, whole=whole)
    name = text(link["lineage:unresolved_name"])
    return Target(iri, kind, text(link.get("title")), split, whole, described=False, name=name)


def repeats(link: Json, stated: Collection[object]) -> bool:
    """Return whether a link says again, in MLM's way, what others state whose ``lineage:iri`` is among those given."""
    if link.get("rel") != DERIVED_FROM or "ml-aoi:split" not in link:
        return False
    ours = "lineage:stage" in link or "lineage:derivation" in link
    iri = lineage_iri(link)
    return not ours and iri is not None and iri in stated


def names_of(dataset: str, split: str | None) -> tuple[str, ...]:
    """Return the IRIs an edge to a dataset may have: its own, and that of the split named."""
    return (dataset,) if split is None else (dataset, iris.part(dataset, split))


def type_reference(reference: Reference, target: Target, policy: SplitPolicy) -> tuple[list[Statement], list[Finding]]:
    """Return the edge a reference stands for, with the nodes it needs, and what is odd about it."""
    findings: list[Finding] = []

    def finding(rule: str, message: str) -> None:
        findings.append(Finding(document=reference.shown, pointer=reference.pointer, rule=rule, message=message))

    if target.iri == reference.subject:
        finding("self-reference", "points at itself; no edge is made of it")
        return [], findings
    link = reference.link
    is_evaluated = text(link.get("rel")) == EVALUATED_ON and link.get("lineage:derivation") is None
    if is_evaluated and target.kind is Kind.MODEL and target.described:
        finding("stage-of-model", f"{EVALUATED_ON} is about data, and this points at a model; no edge is made of it")
        return [], findings
    if "mlm:pretrained_source" in link or "mlm:pretrained" in link:
        edge = _pretrained(reference, target)
    elif reference.of_model:
        edge = _model_edge(reference, target, policy, finding)
    else:
        edge = _data_edge(reference, target, finding)
    if isinstance(edge, DataUse) and edge.area is None and link.get("lineage:area") is not None:
        finding("wrong-type", "lineage:area is the IRI of an area; not used, so it may be anywhere in the data")
    statements: list[Statement] = [edge]
    statements.extend(_nodes(edge, target, link))
    for evidence in texts(link.get("lineage:evidence")):
        iri = iris.safe_iri(evidence)
        if iri is not None:
            statements.append(Evidence(iri=iri, label=evidence, url=evidence))
    return statements, findings


class _Provenance(dict[str, object]):
    """Keyword arguments every qualified edge of a link shares."""

    def __init__(self, reference: Reference) -> None:
        link = reference.link
        evidence = {text: iris.safe_iri(text) for text in texts(link.get("lineage:evidence"))}
        said = [text for text, iri in evidence.items() if iri is None]
        unverified = link.get("lineage:confidence") == Confidence.UNVERIFIED.value
        super().__init__(
            iri=iris.pointer_iri(reference.document, reference.pointer),
            document=reference.document,
            pointer=reference.pointer,
            evidence=tuple(sorted({iri for iri in evidence.values() if iri is not None})),
            confidence=Confidence.UNVERIFIED if unverified else Confidence.VERIFIED,
            note="; ".join(filter(None, [text(link.get("lineage:note")), *said])) or None,
            as_published=dumps(link),
        )


def _use(
    reference: Reference,
    target: Target,
    stage: Stage,
    rule: Rule,
    split: str | None,
    policy: SplitPolicy | None = None,
) -> DataUse:
    dataset = target.iri if split in (None, target.split) else iris.part(target.iri, split)
    area = text(reference.link.get("lineage:area"))
    return DataUse(
        model=reference.subject,
        dataset=dataset,
        stage=stage,
        rule=rule,
        split=split,
        policy=policy,
        area=iris.safe_iri(area) if area is not None else None,
        metrics=_metrics(reference.link.get("lineage:metrics")),
        **_Provenance(reference),  # type: ignore[arg-type]
    )


def _derivation(
    reference: Reference, target: Target, kind: DerivationKind, rule: Rule, split: str | None = None
) -> Derivation:
    is_data = kind in (DerivationKind.DERIVED, DerivationKind.DRAWN)
    source = iris.part(target.iri, split) if is_data and split not in (None, target.split) else target.iri
    return Derivation(
        derived=reference.subject,
        source=source,
        kind=kind,
        rule=rule,
        source_split=None if kind is DerivationKind.LABELLED else split,  # what labelled it is a model
        derived_split=text(reference.link.get("lineage:derived_split")),
        **_Provenance(reference),  # type: ignore[arg-type]
    )


def _metrics(value: object) -> str | None:
    """Return ``lineage:metrics`` as JSON text: an object, or such text as it stands."""
    if isinstance(value, dict | list):
        return dumps(value)
    return text(value)


def _rule(link: Json) -> Rule:
    """Return what made an edge that a link states: the link itself, unless it says it repeats what was read so."""
    return _RULES.get(text(link.get("lineage:rule")) or "", Rule.STATED)


_RULES: Final = {rule.value: rule for rule in Rule}
_POLICIES: Final = {policy.value: policy for policy in SplitPolicy}


def _model_edge(reference: Reference, target: Target, policy: SplitPolicy, finding: _Note) -> DataUse | Derivation:
    link = reference.link
    rel = text(link.get("rel"))
    split, is_unclear = _split(link, finding)
    stage_word, kind_word = (_word(link.get(field)) for field in ("lineage:stage", "lineage:derivation"))
    if split is not None and target.split is not None and split != target.split:
        finding(
            "split-against-declared",
            f"the link says {split!r}, what it points at is declared {target.split!r}; both are kept",
        )

    kinds = MODEL_DERIVATIONS | _UNKNOWN
    if kind_word is not None and text(kind_word) not in kinds:
        finding(
            "unknown-derivation",
            f"lineage:derivation is one of {', '.join(kinds)}; {kind_word!r} is not used",
        )
        kind_word = None
    if stage_word is not None and text(stage_word) not in STAGES:
        told = "is not used" if split is None else "is not used, and its split tells no stage"
        finding("unknown-stage", f"lineage:stage is one of {', '.join(STAGES)}; {stage_word!r} {told}")
        stage_word, is_unclear = None, True
    is_data = target.kind in (Kind.DATASET, Kind.ARCHIVE, Kind.SAMPLE)
    if kind_word is not None and kind_word not in _UNKNOWN and is_data and target.described:
        finding("derivation-of-data", "lineage:derivation is between models, and this points at data; not used")
        kind_word = None
    if stage_word is not None and target.kind is Kind.MODEL and target.described:
        finding("stage-of-model", "lineage:stage is about data, and this points at a model; not used")
        stage_word = None
    if kind_word is not None:
        of_data = split if kind_word in _UNKNOWN else None
        return _derivation(reference, target, kinds[kind_word], _rule(link), of_data)
    if stage_word is not None and rel in _TEACHES and STAGES[stage_word].teaches is not _TEACHES[rel]:
        message = f"the rel {rel} and lineage:stage {stage_word!r} contradict each other; edge kept, stage unknown"
        finding("stage-against-rel", message)
        return _derivation(reference, target, DerivationKind.UNKNOWN, _rule(link), split)
    if stage_word is not None:
        mapped_by = _POLICIES.get(text(link.get("lineage:split_policy")) or "")
        return _use(reference, target, STAGES[stage_word], _rule(link), split, mapped_by)

    if rel in _ML_MODEL and target.kind is Kind.MODEL and target.described:
        finding("stage-of-model", f"{rel} is about data, and this points at a model; taken as what it was made from")
        return _derivation(reference, target, DerivationKind.UNSTATED, Rule.MODEL_LINK)
    if rel in _ML_MODEL:
        return _use(reference, target, _ML_MODEL[rel], Rule.ML_MODEL_RELATION, split)

    if rel == EVALUATED_ON:
        by_split = policy.stage(split) if split is not None and not is_unclear else None
        if by_split in (Stage.VALIDATION, Stage.TEST):
            return _use(reference, target, by_split, Rule.SPLIT_LINK, split, policy)
        return _use(reference, target, Stage.EVALUATION, Rule.STATED, split)

    if split is not None and target.kind is not Kind.MODEL:
        # Who misspells a stage has said another than the split's, as likely as not.
        stage = None if is_unclear else policy.stage(split)
        if stage is not None:
            return _use(reference, target, stage, Rule.SPLIT_LINK, split, policy)
        if not is_unclear:
            finding("unknown-split", f"ml-aoi:split {split!r} is not train|test|validate; edge kept, stage unknown")
        return _derivation(reference, target, DerivationKind.UNKNOWN, Rule.SPLIT_LINK, split)
    named_as_model = target.kind is Kind.UNKNOWN and text(link.get("mlm:name")) is not None
    if target.kind is Kind.MODEL or named_as_model:
        return _derivation(reference, target, DerivationKind.UNSTATED, Rule.MODEL_LINK)
    if target.kind in (Kind.DATASET, Kind.ARCHIVE, Kind.SAMPLE) and not is_unclear:
        return _use(reference, target, Stage.TRAINING, Rule.BARE_DERIVED_FROM, None)
    return _derivation(reference, target, DerivationKind.UNKNOWN, Rule.UNRESOLVED_DERIVED_FROM)


def _split(link: Json, finding: _Note) -> tuple[str | None, bool]:
    """Return the split a link names, and whether it has one that cannot be used; a list of one is that one."""
    said = link.get("ml-aoi:split") if link.get("lineage:split") is None else link["lineage:split"]
    split = one_text(said)
    if said is not None and split is None:
        finding("wrong-type", "a split is text, one on each link; not used, so which split is meant is not known")
    elif said != split:
        finding("wrong-type", f"a split is text; taken as {split!r}")
    return split, said is not None and split is None


def _word(value: object) -> str | None:
    """Return a field's word; anything else that is there as text, to be told."""
    return None if value is None else value if isinstance(value, str) else repr(value)[:40]


def _data_edge(reference: Reference, target: Target, finding: _Note) -> Derivation:
    link = reference.link
    split, _ = _split(link, finding)
    kinds = DATA_DERIVATIONS | _UNKNOWN
    kind_word = link.get("lineage:derivation")
    fits = (kind_word == DerivationKind.LABELLED.value) is (target.kind is Kind.MODEL) or not target.described
    if link.get("lineage:stage") is not None:
        finding("role-on-data", "lineage:stage belongs on a model's links; not used")
    if text(kind_word) in kinds and fits:
        # ml-aoi:split is of data, and a model has none.
        of_source = text(link.get("lineage:split")) if kind_word == DerivationKind.LABELLED.value else split
        if kind_word == DerivationKind.DRAWN.value and target.kind in (Kind.DATASET, Kind.SAMPLE) and target.described:
            finding("drawn-from-data", "it is drawn from an archive, and this is none; taken as derived from it")
            kind_word = DerivationKind.DERIVED.value
        return _derivation(reference, target, kinds[kind_word], _rule(link), of_source)
    if kind_word is not None:
        finding(
            "role-on-data",
            f"lineage:derivation of data is {', '.join(DATA_DERIVATIONS)}, the last from a model; "
            f"{kind_word!r} is not used",
        )
    if target.kind is Kind.MODEL or (target.kind is Kind.UNKNOWN and text(link.get("mlm:name")) is not None):
        return _derivation(reference, target, DerivationKind.LABELLED, Rule.MODEL_LINK)
    if target.kind is Kind.ARCHIVE:
        return _derivation(reference, target, DerivationKind.DRAWN, Rule.BARE_DERIVED_FROM, split)
    if target.kind in (Kind.DATASET, Kind.SAMPLE):
        return _derivation(reference, target, DerivationKind.DERIVED, Rule.BARE_DERIVED_FROM, split)
    return _derivation(reference, target, DerivationKind.UNKNOWN, Rule.UNRESOLVED_DERIVED_FROM)


def _pretrained(reference: Reference, target: Target) -> QualifiedEdge:
    if target.kind is Kind.MODEL:
        return _derivation(reference, target, DerivationKind.UNSTATED, Rule.PRETRAINED_SOURCE)
    if target.kind in (Kind.UNKNOWN, Kind.CONTAINER):
        return _derivation(reference, target, DerivationKind.UNKNOWN, Rule.PRETRAINED_SOURCE)
    return _use(reference, target, Stage.PRETRAINING, Rule.PRETRAINED_SOURCE, None)


def pretrained_on_what(
    document: str, shown: str, subject: str, said: Collection[Statement]
) -> tuple[list[Statement], list[Finding]]:
    """Return what a model that only says ``mlm:pretrained`` was pretrained on: that it is not said; nothing if that is.

    A link says it that is read as pretraining, or as one to what the model was made from. Where that is not known to be
    a model, and the link does not state that itself, it is still to be told that nothing else says it. What a link is
    read as may depend on what is known of its target, so this is asked again whenever links are.
    """
    made = [s for s in said if isinstance(s, Derivation)]
    stated = [
        s for s in made if s.kind is not DerivationKind.UNKNOWN or '"lineage:derivation"' in (s.as_published or "")
    ]
    if stated or any(isinstance(s, DataUse) and s.stage is Stage.PRETRAINING for s in said):
        return [], []
    message = "pretrained, and mlm:pretrained_source does not say on what"
    found = [
        Finding(document=shown, pointer=PRETRAINED, rule="pretrained-on-what", message=message, severity=Severity.INFO)
    ]
    if made:
        return [], found
    link = {"mlm:pretrained": True}
    edge = _pretrained(Reference(document, shown, subject, True, PRETRAINED, link), unsaid(document, PRETRAINED))
    return [edge, *_nodes(edge, unsaid(document, PRETRAINED), link)], found


def pretrained_only(properties: Json) -> bool:
    """Return whether a model says, in whatever words, that it is pretrained, and in no field on what."""
    said = properties.get("mlm:pretrained")
    return said is not None and said is not False and "mlm:pretrained_source" not in properties


def unread(document: str, subject: str, *, of_model: bool) -> list[Statement]:
    """Return what the links of a document may say if they cannot be read: what its subject was made from.

    And what a model was measured on: else a test that is lost would be none.
    """
    reference = Reference(document, document, subject, of_model, LINKS, {})
    source = unsaid(document, LINKS)
    edge = _derivation(reference, source, DerivationKind.UNKNOWN, Rule.UNREAD_LINKS)
    found = [edge, *_nodes(edge, source, {})]
    if of_model:
        iri = iris.sub(edge.iri, "evaluation")
        test = replace(source, iri=iris.sub(iri, "unsaid"))
        use = replace(_use(reference, test, Stage.EVALUATION, Rule.UNREAD_LINKS, None), iri=iri)
        found += [use, *_nodes(use, test, {})]
    return found


def unsaid(document: str, pointer: str, label: str | None = None) -> Target:
    """Return what a document speaks of without saying what it is: that there is something stays known."""
    iri = iris.sub(iris.pointer_iri(document, pointer), "unsaid")
    return Target(iri, Kind.UNKNOWN, label or f"not said by {pointer}", described=False)


def mention(target: Target, link: Json, *, is_model: bool) -> Statement:
    """Return what a document that points at something says of it: that it is there, and if it led nowhere."""
    resolved = None if target.described else False
    label = None if target.described else target.label
    name = None if target.described else target.name
    if not is_model:
        part = (
            {"split": target.split, "part_of": (target.whole,)}
            if target.whole and target.kind is not Kind.SAMPLE
            else {}
        )
        archive = target.kind is Kind.ARCHIVE
        return Dataset(
            iri=target.iri,
            label=label,
            archive=archive,
            resolved=resolved,
            unresolved_name=name,
            **part,  # type: ignore[arg-type]
        )
    if link.get("lineage:kind") == "family":
        return ModelFamily(iri=target.iri)
    return Model(iri=target.iri, label=label, resolved=resolved, unresolved_name=name)


def _nodes(edge: QualifiedEdge, target: Target, link: Json) -> list[Statement]:
    """Return what the edge's document has to say of the target: that it is there, and how much is known of it."""
    if (
        isinstance(edge, Derivation)
        and edge.kind is DerivationKind.UNKNOWN
        and target.kind in (Kind.UNKNOWN, Kind.CONTAINER)
    ):
        return [Unknown(iri=target.iri, label=target.label, unresolved_name=target.name or target.label)]
    is_model = isinstance(edge, Derivation) and (
        edge.kind.value in MODEL_DERIVATIONS or edge.kind is DerivationKind.LABELLED
    )
    if is_model:
        return [mention(target, link, is_model=True)]
    nodes: list[Statement] = []
    if target.kind is Kind.SAMPLE:
        whole = (target.whole,) if target.whole is not None else ()
        nodes.append(
            Dataset(
                iri=target.iri,
                label=target.label,
                identifier=target.identifier,
                split=target.split,
                part_of=whole,
                footprints=(iris.sub(target.iri, "area"),),
                resolved=target.described,
            )
        )
    else:
        nodes.append(mention(target, link, is_model=False))
    used = edge.dataset if isinstance(edge, DataUse) else edge.source if isinstance(edge, Derivation) else target.iri
    if used != target.iri:
        split = edge.split if isinstance(edge, DataUse) else edge.source_split if isinstance(edge, Derivation) else None
        nodes.append(split_part(target, split or ""))
    return nodes


def holder(collection: Target, split: str | None) -> str:
    """Return the IRI of the dataset an item of a collection is a sample of: the collection, or a split of it."""
    return collection.iri if split is None or split == collection.split else iris.part(collection.iri, split)


def is_known(split: str | None) -> bool:
    """Return whether a split is one by ML-AOI's words."""
    return split is not None and SplitPolicy.COMMON.stage(split) is not None


def membership(area: str | None, split: str | None, collection: Target) -> list[Statement]:
    """Return the nodes that make an item's area a footprint of its collection, or of a split of it.

    A split by a word that ML-AOI does not know is one, and may be any other as well: the area is that of both. Without
    an area there are the nodes alone that are needed.
    """
    described = collection.described
    areas = () if area is None else (area,)
    is_split = split is not None and split != collection.split
    whole = Dataset(
        iri=collection.iri,
        label=None if described else collection.label,
        footprints=() if is_split and is_known(split) else areas,
        resolved=None if described else False,
        unresolved_name=None if described else collection.name,
    )
    nodes: list[Statement] = [] if area is None and described else [whole]
    return [*nodes, split_part(collection, split, areas)] if split is not None and is_split else nodes


def split_findings(split: str | None, collection: Target, shown: str) -> list[Finding]:
    """Return what is odd about the split an item of a collection states."""
    if split is None or collection.split is None or split == collection.split:
        return []
    message = f"the item says {split!r}, its collection is declared {collection.split!r}; the item's stays"
    return [Finding(document=shown, pointer=SPLIT_OF_ITEM, rule="split-against-declared", message=message)]


def split_part(whole: Target, split: str, footprints: tuple[str, ...] = ()) -> Dataset:
    """Return the dataset node for one split of a dataset: what it is and how much is known of it is as of the whole."""
    return Dataset(
        iri=iris.part(whole.iri, split),
        label=f"{whole.label or iris.tail(whole.iri)} ({split})",
        archive=whole.kind is Kind.ARCHIVE,
        split=split,
        part_of=(whole.iri,),
        footprints=footprints,
        resolved=True if whole.described else None,
    )


def association(reference: Reference, target: Target) -> tuple[list[Statement], list[Finding]]:
    """Return the edge of a version link, the newer succeeds the older, or of a part; none for a link to itself.

    With what it leads to, of the kind that is known of it: only of what nothing is known it is that of the subject.
    """
    rel = text(reference.link.get("rel"))

    def finding(rule: str, message: str, severity: Severity) -> Finding:
        return Finding(
            document=reference.shown, pointer=reference.pointer, rule=rule, message=message, severity=severity
        )

    if target.iri == reference.subject:
        message = f"{rel} of a thing is the thing itself; no edge is made of it"
        return [], [finding("version-cycle", message, Severity.INFO)]
    newer, older = reference.subject, target.iri
    if rel not in ("predecessor-version", PART_OF):
        newer, older = older, newer
    edge = Association(
        subject=newer,
        object=older,
        kind=AssociationKind.PART_OF if rel == PART_OF else AssociationKind.SUCCEEDS,
        rule=Rule.STATED,
        **_Provenance(reference),  # type: ignore[arg-type]
    )
    if target.kind is Kind.CONTAINER:
        return [edge, Unknown(iri=target.iri, label=target.label)], []
    is_model = reference.of_model if target.kind is Kind.UNKNOWN else target.kind is Kind.MODEL
    findings = []
    if is_model is not reference.of_model and target.described:
        there, here = ("a model", "data") if is_model else ("data", "a model")
        findings = [finding("other-kind", f"{rel} leads to {there}, and this is {here}; kept", Severity.WARNING)]
    return [edge, mention(target, reference.link, is_model=is_model)], findings
