"""The one place where model objects and triples meet.

``encode`` writes statements as N-Triples text (or N-Quads, for one named graph): text is what every store
takes fastest, an embedded one and a server alike. ``decode`` reads them back; the two are inverse.

Which property carries which field is the table below and nowhere else.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from enum import Enum
from operator import attrgetter
from typing import Any, Final, TypeVar

import orjson
from pyoxigraph import NamedNode, Quad, Triple

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
    Precision,
    Rule,
    SourceDocument,
    SplitPolicy,
    Stage,
    Statement,
    Unknown,
)
from mlaoi_graph.vocab import DCTERMS, GEO, MLAOI, RDF, RDFS, SKOS, XSD

__all__ = [
    "ASSOCIATION_PROPERTY",
    "DERIVATION_PROPERTY",
    "EDGE_PROPERTIES",
    "INDIVIDUALS",
    "INFERRED_GRAPH",
    "IRI_PROPERTIES",
    "LOG_GRAPH",
    "PRECISION_OF",
    "STAGE_OF",
    "STAGE_PROPERTY",
    "decode",
    "encode",
    "literal",
    "merge",
    "storable",
    "united",
]

INFERRED_GRAPH: Final = "https://w3id.org/mlaoi/graph/inferred"
"""Named graph of what was inferred, never asserted."""
LOG_GRAPH: Final = "https://w3id.org/mlaoi/graph/log"
"""Named graph of when which document was read with which content; only ever added to."""

STAGE_PROPERTY: Final[Mapping[Stage, str]] = {
    Stage.PRETRAINING: MLAOI.pretrainedOn,
    Stage.FINETUNING: MLAOI.finetunedOn,
    Stage.INSTRUCTION_TUNING: MLAOI.instructionTunedOn,
    Stage.TRAINING: MLAOI.trainedOn,
    Stage.VALIDATION: MLAOI.validatedOn,
    Stage.TEST: MLAOI.testedOn,
    Stage.EVALUATION: MLAOI.evaluatedOn,
}
"""The direct edge a :class:`DataUse` is the twin of."""

DERIVATION_PROPERTY: Final[Mapping[DerivationKind, str]] = {
    DerivationKind.FINETUNED: MLAOI.finetunedFrom,
    DerivationKind.INITIALIZED: MLAOI.initializedFrom,
    DerivationKind.DISTILLED: MLAOI.distilledFrom,
    DerivationKind.MERGED: MLAOI.mergedFrom,
    DerivationKind.QUANTIZED: MLAOI.quantizedFrom,
    DerivationKind.COMPONENT: MLAOI.usesComponent,
    DerivationKind.UNSTATED: MLAOI.derivedFromModel,
    DerivationKind.DERIVED: MLAOI.derivedFrom,
    DerivationKind.DRAWN: MLAOI.drawnFrom,
    DerivationKind.LABELLED: MLAOI.labelledBy,
    DerivationKind.UNKNOWN: MLAOI.madeFrom,
}
"""The direct edge a :class:`Derivation` is the twin of."""

ASSOCIATION_PROPERTY: Final[Mapping[AssociationKind, str]] = {
    AssociationKind.PART_OF: MLAOI.partOf,
    AssociationKind.SUCCEEDS: MLAOI.succeeds,
}
"""The direct edge an :class:`Association` is the twin of."""

EDGE_PROPERTIES: Final = frozenset(
    {
        *STAGE_PROPERTY.values(),
        *DERIVATION_PROPERTY.values(),
        *ASSOCIATION_PROPERTY.values(),
        MLAOI.exposedTo,
        MLAOI.hasPart,
    }
)
"""Direct edges, asserted or inferred."""

INDIVIDUALS: Final[Mapping[Enum, str]] = {
    Stage.PRETRAINING: MLAOI.Pretraining,
    Stage.FINETUNING: MLAOI.Finetuning,
    Stage.INSTRUCTION_TUNING: MLAOI.InstructionTuning,
    Stage.TRAINING: MLAOI.Training,
    Stage.VALIDATION: MLAOI.Validation,
    Stage.TEST: MLAOI.Test,
    Stage.EVALUATION: MLAOI.Evaluation,
    DerivationKind.FINETUNED: MLAOI.Finetuned,
    DerivationKind.INITIALIZED: MLAOI.Initialized,
    DerivationKind.DISTILLED: MLAOI.Distilled,
    DerivationKind.MERGED: MLAOI.Merged,
    DerivationKind.QUANTIZED: MLAOI.Quantized,
    DerivationKind.COMPONENT: MLAOI.Component,
    DerivationKind.UNSTATED: MLAOI.Unstated,
    DerivationKind.DERIVED: MLAOI.Derived,
    DerivationKind.DRAWN: MLAOI.Drawn,
    DerivationKind.LABELLED: MLAOI.Labelled,
    DerivationKind.UNKNOWN: MLAOI.UnknownKind,
    AssociationKind.PART_OF: MLAOI.PartOf,
    AssociationKind.SUCCEEDS: MLAOI.Succeeds,
    Rule.STATED: MLAOI.Stated,
    Rule.ML_MODEL_RELATION: MLAOI.MlModelRelation,
    Rule.SPLIT_LINK: MLAOI.SplitLink,
    Rule.MODEL_LINK: MLAOI.ModelLink,
    Rule.BARE_DERIVED_FROM: MLAOI.BareDerivedFrom,
    Rule.UNRESOLVED_DERIVED_FROM: MLAOI.UnresolvedDerivedFrom,
    Rule.PRETRAINED_SOURCE: MLAOI.PretrainedSource,
    Rule.UNREAD_LINKS: MLAOI.UnreadLinks,
    Precision.SAMPLES: MLAOI.Samples,
    Precision.DECLARED_BOX: MLAOI.DeclaredBox,
    Precision.REGION: MLAOI.Region,
    Precision.COUNTRY_LIST: MLAOI.CountryList,
    Precision.GLOBAL: MLAOI.Global,
    Disclosure.COMPLETE: MLAOI.CompleteDisclosure,
    Disclosure.PARTIAL: MLAOI.PartialDisclosure,
    Disclosure.UNDISCLOSED: MLAOI.Undisclosed,
    Confidence.VERIFIED: MLAOI.Verified,
    Confidence.UNVERIFIED: MLAOI.Unverified,
    SplitPolicy.COMMON: MLAOI.CommonSplitPolicy,
    SplitPolicy.ML_AOI_ADR: MLAOI.MlAoiAdrSplitPolicy,
}
"""What stands for a member of an enumeration."""

PRECISION_OF: Final = {iri: member for member, iri in INDIVIDUALS.items() if isinstance(member, Precision)}
"""What each individual of ``mlaoi:Precision`` stands for."""
STAGE_OF: Final = {iri: member for member, iri in INDIVIDUALS.items() if isinstance(member, Stage)}
"""What each individual of ``mlaoi:Stage`` stands for."""

# How a field is written: an IRI, text, an individual standing for an enum member, a boolean, or the WKT
# of a geometry node. Tuple fields are the same, once per member.
_IRI, _TEXT, _ENUM, _FLAG, _WKT = range(5)

_PROVENANCE = {
    "rule": (MLAOI.rule, _ENUM),
    "document": (MLAOI.statedIn, _IRI),
    "pointer": (MLAOI.pointer, _TEXT),
    "evidence": (MLAOI.evidence, _IRI),
    "confidence": (MLAOI.confidence, _ENUM),
    "note": (MLAOI.note, _TEXT),
    "as_published": (MLAOI.asPublished, _TEXT),
}
_NAMING = {
    "label": (RDFS.label, _TEXT),
    "identifier": (DCTERMS.identifier, _TEXT),
    "description": (DCTERMS.description, _TEXT),
    "publisher": (MLAOI.publisherName, _TEXT),
    "homepage": (MLAOI.homepage, _TEXT),
    "aliases": (SKOS.altLabel, _TEXT),
    "sources": (MLAOI.evidence, _IRI),
}
_THING = {
    "version": (MLAOI.version, _TEXT),
    "license": (MLAOI.license, _TEXT),
    "released": (MLAOI.released, _TEXT),
    "doi": (MLAOI.doi, _TEXT),
    "checksums": (MLAOI.checksum, _TEXT),
    "resolved": (MLAOI.resolved, _FLAG),
    "unresolved_name": (MLAOI.unresolvedName, _TEXT),
}

_TABLE: Final[Mapping[type, tuple[str, Mapping[str, tuple[str, int]]]]] = {
    Model: (
        MLAOI.Model,
        _NAMING
        | _THING
        | {
            "family": (MLAOI.family, _IRI),
            "architecture": (MLAOI.architecture, _TEXT),
            "parameters": (MLAOI.parameters, _TEXT),
            "tasks": (MLAOI.task, _TEXT),
            "modalities": (MLAOI.modality, _TEXT),
            "framework": (MLAOI.framework, _TEXT),
            "disclosure": (MLAOI.trainingDisclosure, _ENUM),
            "declared_area": (MLAOI.declaredArea, _IRI),
        },
    ),
    ModelFamily: (MLAOI.ModelFamily, _NAMING),
    Dataset: (
        MLAOI.Dataset,
        _NAMING
        | _THING
        | {
            "split": (MLAOI.split, _TEXT),
            "part_of": (MLAOI.splitOf, _IRI),
            "footprints": (MLAOI.footprint, _IRI),
            "sensors": (MLAOI.sensor, _TEXT),
            "size": (MLAOI.size, _TEXT),
            "source_images": (MLAOI.sourceImage, _IRI),
        },
    ),
    AreaOfInterest: (
        MLAOI.AreaOfInterest,
        {
            "label": (RDFS.label, _TEXT),
            "identifier": (DCTERMS.identifier, _TEXT),
            "precision": (MLAOI.precision, _ENUM),
            "wkt": (GEO.asWKT, _WKT),
            "start": (MLAOI.startDate, _TEXT),
            "end": (MLAOI.endDate, _TEXT),
            "split": (MLAOI.split, _TEXT),
            "countries": (MLAOI.country, _TEXT),
            "source_images": (MLAOI.sourceImage, _IRI),
            "label_sources": (MLAOI.labelSource, _IRI),
            "sensors": (MLAOI.sensor, _TEXT),
            "note": (MLAOI.note, _TEXT),
        },
    ),
    DataUse: (
        MLAOI.DataUse,
        _PROVENANCE
        | {
            "model": (MLAOI.ofModel, _IRI),
            "dataset": (MLAOI.ofDataset, _IRI),
            "stage": (MLAOI.stage, _ENUM),
            "split": (MLAOI.split, _TEXT),
            "policy": (MLAOI.splitPolicy, _ENUM),
            "area": (MLAOI.area, _IRI),
            "metrics": (MLAOI.metrics, _TEXT),
        },
    ),
    Derivation: (
        MLAOI.Derivation,
        _PROVENANCE
        | {
            "derived": (MLAOI.ofDerived, _IRI),
            "source": (MLAOI.ofSource, _IRI),
            "kind": (MLAOI.derivationKind, _ENUM),
            "derived_split": (MLAOI.derivedSplit, _TEXT),
            "source_split": (MLAOI.sourceSplit, _TEXT),
        },
    ),
    Association: (
        MLAOI.Association,
        _PROVENANCE
        | {
            "subject": (MLAOI.ofSubject, _IRI),
            "object": (MLAOI.ofObject, _IRI),
            "kind": (MLAOI.associationKind, _ENUM),
        },
    ),
    Evidence: (
        MLAOI.Evidence,
        {
            "label": (RDFS.label, _TEXT),
            "url": (MLAOI.url, _TEXT),
            "doi": (MLAOI.doi, _TEXT),
            "commit": (MLAOI.commit, _TEXT),
            "tier": (MLAOI.tier, _TEXT),
            "read_on": (MLAOI.readOn, _TEXT),
        },
    ),
    SourceDocument: (
        MLAOI.SourceDocument,
        {
            "describes": (MLAOI.describes, _IRI),
            "stated_at": (MLAOI.statedAt, _TEXT),
            "content_hash": (MLAOI.contentHash, _TEXT),
            "links_hash": (MLAOI.linksHash, _TEXT),
            "as_published": (MLAOI.asPublished, _TEXT),
            "elsewhere": (MLAOI.elsewhere, _TEXT),
            "as_read": (MLAOI.asRead, _TEXT),
            "by_name": (MLAOI.byName, _TEXT),
        },
    ),
    Unknown: (
        MLAOI.UnknownThing,
        {
            "label": (RDFS.label, _TEXT),
            "unresolved_name": (MLAOI.unresolvedName, _TEXT),
        },
    ),
}

IRI_PROPERTIES: Final = EDGE_PROPERTIES.union(
    {RDF.type, GEO.hasDefaultGeometry, GEO.hasGeometry},
    *({iri for iri, kind in table.values() if kind in (_IRI, _ENUM)} for _, table in _TABLE.values()),
)
"""The properties whose objects are IRIs."""

_TYPE = f"<{RDF.type}>"
_TRUE = f'"true"^^<{XSD.boolean}>'
_FALSE = f'"false"^^<{XSD.boolean}>'

_NEEDS_ESCAPE = re.compile(r'["\\\x00-\x1f\x7f\ud800-\udfff]')
# NUL and lone surrogates are legal in JSON text and in no RDF literal.
_NOT_STORABLE = re.compile(r"[\0\ud800-\udfff]")


def literal(text: str) -> str:
    r"""Return ``text`` as an N-Triples string literal.

    >>> print(literal('a "b"\n'))
    "a \"b\"\n"
    """
    if not _NEEDS_ESCAPE.search(text):
        return f'"{text}"'
    # What JSON escapes, and how, N-Triples takes too; str.translate takes some hundred times as long.
    return orjson.dumps(storable(text)).decode()


def storable(text: str) -> str:
    """Return a text as a store gives it back: U+FFFD stands for what no literal holds."""
    return _NOT_STORABLE.sub("\ufffd", text)


def encode(statements: Iterable[Statement], *, graph: str | None = None) -> str:
    """Return the statements as N-Triples text, one line a triple; as N-Quads if a named graph's IRI is given.

    Qualified edges bring their direct edge, areas their geometry node. IRIs are written as they are:
    they come from :mod:`mlaoi_graph.iri`, which makes valid ones.
    """
    end = " .\n" if graph is None else f" <{graph}> .\n"
    lines: list[str] = []
    add = lines.append
    for statement in statements:
        cls = statement.__class__
        subject = f"<{statement.iri}>"
        if not (cls is Dataset and statement.latent):  # type: ignore[union-attr]
            add(f"{subject} {_TYPE} {_CLASS_TERM[cls]}{end}")
        values, plan = _PLAN[cls]
        for value, (predicate, kind) in zip(values(statement), plan, strict=True):
            if value is None or value == ():  # not said
                continue
            if kind == _TEXT:
                for text in (value,) if value.__class__ is str else value:
                    add(f"{subject} {predicate} {literal(text)}{end}")
            elif kind == _IRI:
                for iri in (value,) if value.__class__ is str else value:
                    add(f"{subject} {predicate} <{iri}>{end}")
            elif kind == _ENUM:
                add(f"{subject} {predicate} <{INDIVIDUALS[value]}>{end}")
            elif kind == _FLAG:
                add(f"{subject} {predicate} {_TRUE if value else _FALSE}{end}")
            else:
                geometry = f"<{iris.sub(statement.iri, 'geometry')}>"
                add(f"{subject} <{GEO.hasGeometry}> {geometry}{end}")
                add(f"{subject} <{GEO.hasDefaultGeometry}> {geometry}{end}")
                add(f"{geometry} {_TYPE} <{GEO.Geometry}>{end}")
                add(f'{geometry} <{GEO.asWKT}> "{value}"^^<{GEO.wktLiteral}>{end}')
        if isinstance(statement, DataUse):
            add(f"<{statement.model}> <{STAGE_PROPERTY[statement.stage]}> <{statement.dataset}>{end}")
        elif isinstance(statement, Derivation):
            add(f"<{statement.derived}> <{DERIVATION_PROPERTY[statement.kind]}> <{statement.source}>{end}")
        elif isinstance(statement, Association):
            add(f"<{statement.subject}> <{ASSOCIATION_PROPERTY[statement.kind]}> <{statement.object}>{end}")
        elif isinstance(statement, Dataset):
            for whole in statement.part_of:
                add(f"{subject} <{MLAOI.partOf}> <{whole}>{end}")
            if statement.archive:
                add(f"{subject} {_TYPE} <{MLAOI.SourceArchive}>{end}")
    return "".join(lines)


_CLASS_TERM = {cls: f"<{iri}>" for cls, (iri, _) in _TABLE.items()}
_PLAN = {
    cls: (attrgetter(*table), tuple((f"<{predicate}>", kind) for predicate, kind in table.values()))
    for cls, (_, table) in _TABLE.items()
}


def decode(triples: Iterable[Triple | Quad]) -> list[Statement]:
    """Return the statements that one graph's triples stand for, in the order of their IRIs.

    A subject with none of our classes is left out, unless it is :attr:`~.model.Dataset.latent`; a required field that
    is missing too, with its subject.
    """
    by_subject: dict[str, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for triple in triples:
        subject = triple.subject
        if isinstance(subject, NamedNode):
            by_subject[subject.value][triple.predicate.value].append(triple.object)
    statements: list[Statement] = []
    for subject_iri in sorted(by_subject):
        found = by_subject[subject_iri]
        types = {term.value for term in found.get(RDF.type, ())}
        if not types and not _SAID_OF_ITEMS.isdisjoint(found):
            types = {MLAOI.Dataset}
        for cls, (class_iri, _) in _TABLE.items():
            if class_iri in types:
                statement = _build(cls, subject_iri, found, by_subject)
                if statement is not None:
                    statements.append(statement)
    return statements


def _value(found: Mapping[str, Sequence[Any]], predicate: str) -> str | None:
    values = found.get(predicate)
    return min(term.value for term in values) if values else None


_SAID_OF_ITEMS: Final = {DCTERMS.description, MLAOI.publisherName, MLAOI.version, MLAOI.license, MLAOI.doi}
_MEMBERS = {individual: member for member, individual in INDIVIDUALS.items()}
_REQUIRED = {cls: frozenset(f.name for f in fields(cls) if f.default is f.default_factory) for cls in _TABLE}
_MANY = {cls: frozenset(f.name for f in fields(cls) if f.default == ()) for cls in _TABLE}


def _build(
    cls: type,
    subject: str,
    found: Mapping[str, list[Any]],
    graph: Mapping[str, Mapping[str, list[Any]]],
) -> Statement | None:
    values: dict[str, Any] = {"iri": subject}
    for name, (predicate, kind) in _TABLE[cls][1].items():
        if kind == _WKT:
            for geometry in found.get(GEO.hasDefaultGeometry, ()):
                wkt = _value(graph.get(geometry.value, {}), GEO.asWKT)
                if wkt is not None:
                    values[name] = wkt
            continue
        terms = found.get(predicate)
        if not terms:
            continue
        texts = sorted({term.value for term in terms})
        if kind == _ENUM:
            members = [_MEMBERS[text] for text in texts if text in _MEMBERS]
            if members:
                values[name] = members[0]
        elif kind == _FLAG:
            values[name] = "true" in texts
        elif name in _MANY[cls]:
            values[name] = tuple(texts)
        else:
            values[name] = texts[0]
    if cls is Dataset:
        types = found.get(RDF.type, ())
        values |= {"archive": any(term.value == MLAOI.SourceArchive for term in types), "latent": not types}
    if not _REQUIRED[cls] <= values.keys():
        return None
    made: Statement = cls(**values)
    return made


T = TypeVar("T", Model, ModelFamily, Dataset, AreaOfInterest, Evidence, SourceDocument, Unknown)


def united(iri: str, said: Iterable[tuple[NamedNode, Any]]) -> list[Statement] | None:
    """Return a node from predicates and objects of all documents, each pair once; None if documents contradict.

    The same as :func:`merge` gives, without reading what thousands of documents repeat: who describes a node
    only matters where they differ.
    """
    by_predicate: dict[str, list[Any]] = defaultdict(list)
    for predicate, term in said:
        by_predicate[predicate.value].append(term)
    if len(by_predicate[MLAOI.resolved]) > 1:
        by_predicate[MLAOI.resolved] = [term for term in by_predicate[MLAOI.resolved] if term.value == "true"]
    types = {term.value for term in by_predicate[RDF.type]}
    for cls, (class_iri, table) in _TABLE.items():
        if class_iri in types:
            once = (predicate for name, (predicate, _) in table.items() if name not in _MANY[cls])
            if any(len(by_predicate.get(predicate, ())) > 1 for predicate in once):
                return None
    subject = NamedNode(iri)
    return decode(Triple(subject, NamedNode(p), term) for p, terms in by_predicate.items() for term in terms)


def merge(nodes: Sequence[T]) -> T:
    """Return one node from what several documents say of it.

    The document that describes it wins over those that only mention it, field by field; among equals the first.
    Fields that hold several values are united.
    """
    if len(nodes) == 1:
        return nodes[0]
    ranked: list[T] = sorted(nodes, key=lambda node: getattr(node, "resolved", None) is not True)
    cls = type(ranked[0])
    values: dict[str, Any] = {}
    for field in fields(cls):
        found = [getattr(node, field.name) for node in ranked]
        if field.name in _MANY[cls]:
            values[field.name] = tuple(sorted({value for many in found for value in many}))
        elif field.name == "resolved":
            values["resolved"] = True if True in found else (False if False in found else None)
        elif field.name == "archive":
            values["archive"] = any(found)
        elif field.name == "latent":
            values["latent"] = all(found)
        else:
            values[field.name] = next((value for value in found if value is not None), None)
    made: T = cls(**values)
    return made
