"""How lineage stands in STAC documents: what our Lineage extension has, and what of it is in plain fields.

The names here, the JSON schema and the tables of ``ontology/stac-extension/`` are the same; a test holds that.

A field of a node is the STAC field of :data:`PLAIN` if it has one there, else ``lineage:`` and its own name. Where
STAC wants another value than the graph holds (an id where there is none, a license that is a word), or wants one and
there is none, the STAC field has what STAC wants, and the ``lineage:`` field of that name, null if need be, has what
the graph holds. So a ``lineage:`` field always overrules the plain one.

Geometry, ``start_datetime`` and ``end_datetime`` are left to who writes and reads: an item has one place for them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, fields
from enum import Enum
from typing import Any, Final, TypeAlias

from mlaoi_graph import iri as iris
from mlaoi_graph.model import (
    AreaOfInterest,
    Dataset,
    DataUse,
    Derivation,
    DerivationKind,
    Disclosure,
    Evidence,
    Model,
    ModelFamily,
    Precision,
    QualifiedEdge,
    Stage,
    Unknown,
)

__all__ = [
    "EVALUATED_ON",
    "EXPOSED_TO",
    "FOOTPRINT_OF",
    "HOLDS",
    "LINK_FIELDS",
    "NODE_FIELDS",
    "OPEN_END",
    "OPEN_START",
    "PART_OF",
    "PLAIN",
    "REPEATED",
    "SCHEMA",
    "Described",
    "decode",
    "decode_evidence",
    "encode",
    "encode_evidence",
    "kind_of",
    "node_class",
    "repeated",
    "wholes_of_split",
    "with_wholes",
]

Described: TypeAlias = Model | ModelFamily | Dataset | AreaOfInterest | Unknown
"""What has an item or a collection of its own."""
WholesOf: TypeAlias = Callable[[str], Iterable[str]]
"""Gives what a dataset is a split of."""
_Fields: TypeAlias = Mapping[str, Any]

SCHEMA: Final = "https://w3id.org/mlaoi/stac/lineage/v0.1.0/schema.json"
"""Identifier of the extension, and the address of its JSON schema."""
EVALUATED_ON: Final = "lineage:evaluated_on"
"""Relation to what a model was measured on: it was not made from that."""
PART_OF: Final = "lineage:part_of"
"""Relation to what data are said to be a part of."""
EXPOSED_TO: Final = "lineage:exposed_to"
"""What a model learned from at any depth: computed, written for searches, and never read as a statement."""
FOOTPRINT_OF: Final = "lineage:footprint_of"
"""Of an area, the datasets it is a footprint of: where these do not list a million of them."""
HOLDS: Final = "lineage:holds"
"""Of a collection that is about nothing itself: ``things``, each described by its item, or ``views`` of such items."""

_TRAINING: Final = frozenset(stage for stage in Stage if stage.teaches)
REPEATED: Final[Mapping[str, frozenset[Stage | DerivationKind]]] = {
    "lineage:pretrained_on": frozenset({Stage.PRETRAINING}),
    "lineage:finetuned_on": frozenset({Stage.FINETUNING}),
    "lineage:instruction_tuned_on": frozenset({Stage.INSTRUCTION_TUNING}),
    "lineage:trained_on": _TRAINING,
    "lineage:validated_on": frozenset({Stage.VALIDATION}),
    "lineage:tested_on": frozenset({Stage.TEST}),
    "lineage:evaluated_on": frozenset(Stage) - _TRAINING,
    "lineage:derived_from": frozenset(DerivationKind) - {DerivationKind.LABELLED, DerivationKind.UNKNOWN},
}
"""Which edges each of the fields that searches use repeats; narrower ones before those that take them in."""

LINK_FIELDS: Final = frozenset(
    f"lineage:{name}"
    for name in (
        "iri", "kind", "part_of", "unresolved_name", "stage", "derivation", "split", "split_policy", "derived_split",
        "area", "metrics", "rule", "evidence", "confidence", "note",
    )
)  # fmt: skip
"""Fields of a link."""

OPEN_START: Final = "1900-01-01T00:00:00Z"
OPEN_END: Final = "9999-12-31T23:59:59Z"
"""What an item says of a start or end that is open or not known (MLM's best practices): STAC wants both or neither."""

_CLASSES: Final[Mapping[str, type[Described]]] = {
    "model": Model,
    "family": ModelFamily,
    "dataset": Dataset,
    "archive": Dataset,
    "area": AreaOfInterest,
    "unknown": Unknown,
}
_NAMING: Final = {"identifier": "id", "label": "title", "description": "description"}
_THING: Final = _NAMING | {"version": "version", "license": "license", "doi": "sci:doi"}
_MODEL: Final = _THING | {"architecture": "mlm:architecture", "tasks": "mlm:tasks", "framework": "mlm:framework"}
PLAIN: Final[Mapping[type, Mapping[str, str]]] = {
    Model: _MODEL,
    ModelFamily: _NAMING,
    Dataset: _THING,
    AreaOfInterest: {"identifier": "id", "label": "title", "split": "ml-aoi:split"},
    Unknown: {"label": "title"},
}
"""The STAC field that holds a field of a node; besides, ``publisher`` is the producer among ``providers``, and
``parameters`` is ``mlm:total_parameters`` where it is a whole number."""

_ENUMS: Final[Mapping[str, type[Enum]]] = {"disclosure": Disclosure, "precision": Precision}
_IRIS: Final = frozenset(
    {"declared_area", "family", "footprints", "label_sources", "part_of", "source_images", "sources"}
)
_NOT_FIELDS: Final = frozenset({"iri", "wkt", "archive", "latent"})
NODE_FIELDS: Final = frozenset(
    {
        "lineage:kind", "lineage:iri", "lineage:evidence", "lineage:footprint", FOOTPRINT_OF, HOLDS, EXPOSED_TO,
        *REPEATED,
        *(f"lineage:{f.name}" for cls in _CLASSES.values() for f in fields(cls) if f.name not in _NOT_FIELDS),
    }
)  # fmt: skip
"""Fields of an item's properties, of a collection, or of a catalog."""
_LICENSE: Final = re.compile(r"[\w.+-]+", re.ASCII)
_WHOLE: Final = re.compile(r"[1-9]\d{0,17}")


def node_class(kind: object) -> type[Described] | None:
    """Return what a ``lineage:kind`` stands for; None for what is no such word."""
    return _CLASSES.get(kind) if isinstance(kind, str) else None


def kind_of(node: Described) -> str:
    """Return the ``lineage:kind`` of a node: an archive is a kind of its own."""
    if isinstance(node, Dataset) and node.archive:
        return "archive"
    return next(kind for kind, cls in _CLASSES.items() if isinstance(node, cls))


def repeated(edges: Iterable[QualifiedEdge], wholes_of: WholesOf = lambda _: ()) -> dict[str, list[str]]:
    """Return the fields that repeat a thing's own edges, so that an API can filter on them; IRIs in order.

    A split's IRI may be nobody's but ours: what it is a split of, by ``wholes_of``, is there too.

    >>> from mlaoi_graph.model import Rule
    >>> used = {"urn:b": Stage.TRAINING, "urn:a/train": Stage.PRETRAINING}
    >>> edges = [DataUse(iri="", model="", dataset=d, stage=s, rule=Rule.STATED, document="") for d, s in used.items()]
    >>> repeated(edges, {"urn:a/train": ["urn:a"], "urn:b": [], "urn:a": []}.__getitem__)["lineage:trained_on"]
    ['urn:a', 'urn:a/train', 'urn:b']
    """
    found: dict[str, set[str]] = {name: set() for name in REPEATED}
    for edge in edges:
        if isinstance(edge, DataUse | Derivation):
            kind, target = (edge.stage, edge.dataset) if isinstance(edge, DataUse) else (edge.kind, edge.source)
            for name, kinds in REPEATED.items():
                if kind in kinds:
                    found[name].add(target)
    return {name: with_wholes(targets, wholes_of) for name, targets in found.items() if targets}


def wholes_of_split(dataset: Dataset) -> tuple[str, ...]:
    """Return what a dataset is a split of if its IRI was made from that: nobody publishes it by itself."""
    split = dataset.split
    return tuple(w for w in dataset.part_of if split is not None and iris.part(w, split) == dataset.iri)


def with_wholes(targets: Iterable[str], wholes_of: WholesOf) -> list[str]:
    """Return IRIs with those of all they are splits of, in order: who asks for a whole is to find its parts."""
    found: set[str] = set()
    waiting = list(targets)
    while waiting:
        iri = waiting.pop()
        if iri not in found:
            found.add(iri)
            waiting.extend(wholes_of(iri))
    return sorted(found)


def encode(node: Described) -> dict[str, Any]:
    """Return the STAC fields of a node, all but its place and time; what is not known has no field.

    >>> encode(Dataset(iri="https://example.com/d", label="D", license="see terms", resolved=True))
    {'lineage:kind': 'dataset', 'lineage:iri': 'https://example.com/d', 'title': 'D', 'lineage:license': 'see terms'}
    """
    found: dict[str, Any] = {"lineage:kind": kind_of(node), "lineage:iri": node.iri}
    for field in fields(node):
        name, value = field.name, getattr(node, field.name)
        if name in _NOT_FIELDS or (isinstance(node, AreaOfInterest) and name in ("start", "end")):
            continue
        if name == "resolved":
            if value is not True:
                found["lineage:resolved"] = value
        elif name == "publisher" and value is not None:
            found["providers"] = [{"name": value, "roles": ["producer"]}]
        elif name == "parameters" and value is not None and _WHOLE.fullmatch(value):
            found["mlm:total_parameters"] = int(value)
        elif value is not None and value != ():
            bent = name == "license" and (value == "other" or not _LICENSE.fullmatch(value))
            key = None if bent else PLAIN[type(node)].get(name)
            found[key or f"lineage:{name}"] = _json(value)
    return found


def _json(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    return list(value) if isinstance(value, tuple) else value


def decode(cls: type[Described], iri: str, found: _Fields, wrong: list[str]) -> Described | None:
    """Return the node that fields stand for; None if one it cannot be without is missing.

    Names of fields that are not what they should be are added to ``wrong``; those are read as if they were not there.
    A node is described by the document it is read from (``resolved``) unless that says otherwise.
    """
    values: dict[str, Any] = {"iri": iri}
    required = False
    for field in fields(cls):
        name = field.name
        if name in _NOT_FIELDS:
            continue
        key = f"lineage:{name}"
        if key not in found:
            key = PLAIN[cls].get(name, key)
        value = found.get(key)
        if name == "resolved":
            values[name] = value if key in found else True
            if not isinstance(values[name], bool | None):
                wrong.append(key)
                values[name] = True
            continue
        if value is None or (key == "license" and value == "other"):
            value = _elsewhere(name, found) if key not in found else None
        if value is not None:
            value = _value(name, value, many=field.default == ())
            if value is None:
                wrong.append(key)
            else:
                values[name] = value
        required = required or (field.default is MISSING and name not in values)
    if cls is Dataset:
        values["archive"] = found.get("lineage:kind") == "archive"
    return None if required else cls(**values)


def _elsewhere(name: str, found: _Fields) -> Any:
    if name == "publisher":
        providers = found.get("providers")
        for provider in providers if isinstance(providers, list) else ():
            if isinstance(provider, dict) and provider.get("roles") == ["producer"]:
                return provider.get("name")
    elif name == "parameters":
        number = found.get("mlm:total_parameters")
        return str(number) if type(number) is int else number
    return None


def _value(name: str, value: Any, *, many: bool) -> Any:
    """Return a value as a node holds it; None if it cannot be one."""
    if name in _ENUMS:
        return next((member for member in _ENUMS[name] if member.value == value), None)
    if many:
        if not isinstance(value, list) or not all(isinstance(entry, str) and entry for entry in value):
            return None
        texts = [iris.safe_iri(entry) for entry in value] if name in _IRIS else value
        return None if None in texts else tuple(sorted(set(texts)))
    if not isinstance(value, str) or not value:
        return None
    if name == "doi":
        return iris.doi(value) or value
    return iris.safe_iri(value) if name in _IRIS else value


_EVIDENCE: Final = {
    "label": "title",
    **{name: name for name in ("iri", "url", "doi", "commit", "tier", "read_on")},
}


def encode_evidence(evidence: Evidence) -> dict[str, str]:
    """Return a source as an entry of ``lineage:evidence``.

    >>> encode_evidence(Evidence(iri="https://example.com/paper", label="The paper", tier="primary"))
    {'title': 'The paper', 'iri': 'https://example.com/paper', 'tier': 'primary'}
    """
    return {key: value for name, key in _EVIDENCE.items() if (value := getattr(evidence, name)) is not None}


def decode_evidence(entry: object) -> Evidence | None:
    """Return the source an entry of ``lineage:evidence`` is; None if it lacks iri or title or holds other than text."""
    if not isinstance(entry, dict):
        return None
    values = {name: entry[key] for name, key in _EVIDENCE.items() if entry.get(key) is not None}
    if not all(isinstance(value, str) and value for value in values.values()):
        return None
    iri = iris.safe_iri(values.get("iri", ""))
    return Evidence(**values | {"iri": iri}) if iri is not None and "label" in values else None
