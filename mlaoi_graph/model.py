"""What a catalog is made of, as plain frozen values.

A reader turns a document into these, :mod:`mlaoi_graph.rdf` turns them into triples and back.
Nothing here knows a file format, a store or a library. Every ``iri`` is absolute; text that has
to survive byte for byte (dates, versions, numbers) is ``str``.

Direction is the same everywhere: from the newer thing to what it came from or was measured on.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

__all__ = [
    "AreaOfInterest",
    "Association",
    "AssociationKind",
    "Confidence",
    "DataUse",
    "Dataset",
    "Derivation",
    "DerivationKind",
    "Disclosure",
    "Evidence",
    "Finding",
    "Model",
    "ModelFamily",
    "Node",
    "Precision",
    "QualifiedEdge",
    "Rule",
    "Severity",
    "SourceDocument",
    "SplitPolicy",
    "Stage",
    "Statement",
    "Unknown",
]


class Stage(Enum):
    """How a model used a dataset. The value is the word of ``lineage:stage``.

    ``TRAINING`` and ``EVALUATION`` are for sources that say no more than that.
    Not a split: a split is how a publisher cut a dataset.
    """

    PRETRAINING = "pretraining"
    FINETUNING = "finetuning"
    INSTRUCTION_TUNING = "instruction-tuning"
    TRAINING = "training"
    VALIDATION = "validation"
    TEST = "test"
    EVALUATION = "evaluation"

    @property
    def teaches(self) -> bool:
        """Whether a model learned from data used in this stage (the three kinds and plain training)."""
        return self in _TEACHING


_TEACHING = frozenset({Stage.PRETRAINING, Stage.FINETUNING, Stage.INSTRUCTION_TUNING, Stage.TRAINING})


class DerivationKind(Enum):
    """How one thing was made from another. The value is the word of ``lineage:derivation``.

    The first seven relate a model to a model; ``DERIVED`` dataset to dataset, ``DRAWN`` dataset to
    source archive, ``LABELLED`` dataset to the model whose output its labels are; ``UNKNOWN`` is for
    a target of which it is not known whether it is a model or a dataset.
    """

    FINETUNED = "finetuned"
    INITIALIZED = "initialized"
    DISTILLED = "distilled"
    MERGED = "merged"
    QUANTIZED = "quantized"
    COMPONENT = "component"
    UNSTATED = "unstated"
    DERIVED = "derived"
    DRAWN = "drawn"
    LABELLED = "labelled"
    UNKNOWN = "unknown"


class AssociationKind(Enum):
    """Relations that are no derivation and by themselves pass nothing on."""

    PART_OF = "part-of"
    SUCCEEDS = "succeeds"


class Rule(Enum):
    """What in the source made an edge; the strongest applicable one is used."""

    STATED = "stated"
    """The source states the stage or the kind (our link fields, a record)."""
    ML_MODEL_RELATION = "ml-model-relation"
    """``ml-model:train-data`` or ``ml-model:test-data``."""
    SPLIT_LINK = "split-link"
    """``derived_from`` with ``ml-aoi:split``, mapped by the catalog's split policy."""
    MODEL_LINK = "model-link"
    """``derived_from`` to a model."""
    BARE_DERIVED_FROM = "bare-derived-from"
    """``derived_from`` to a dataset, and nothing else said."""
    UNRESOLVED_DERIVED_FROM = "unresolved-derived-from"
    """``derived_from`` to something of which nothing is known, or with a stage or split that cannot be used."""
    PRETRAINED_SOURCE = "pretrained-source"
    """``mlm:pretrained_source``."""
    UNREAD_LINKS = "unread-links"
    """Stated by nobody: links that cannot be read may say it."""


class Reasoner(Enum):
    """What makes the inferred graph of a catalog."""

    TARGETED = "targeted"
    """The rules of :mod:`mlaoi_graph.reasoning`, for what a change touches."""
    OWLRL = "owlrl"
    """OWL RL over the ontology and the whole catalog: the reference, some 20 s for 160 models at every change."""
    NONE = "none"
    """Nothing is inferred."""


class SplitPolicy(Enum):
    """What ``ml-aoi:split`` words mean as a stage.

    ML-AOI's decision record 0003 gives *test* and *validation* each other's common meaning:
    there "test" monitors training and "validation" judges the final model.
    """

    COMMON = "common"
    ML_AOI_ADR = "ml-aoi-adr"

    def stage(self, split: str) -> Stage | None:
        """Return the stage for a split word, None for a word that is not ML-AOI's.

        >>> SplitPolicy.COMMON.stage("test"), SplitPolicy.ML_AOI_ADR.stage("test")
        (<Stage.TEST: 'test'>, <Stage.VALIDATION: 'validation'>)
        """
        return _POLICIES[self].get(split)


_POLICIES = {
    SplitPolicy.COMMON: {
        "train": Stage.TRAINING,
        "validate": Stage.VALIDATION,
        "test": Stage.TEST,
    },
    SplitPolicy.ML_AOI_ADR: {
        "train": Stage.TRAINING,
        "validate": Stage.TEST,
        "test": Stage.VALIDATION,
    },
}


class Precision(Enum):
    """How near a footprint is to where the data really are."""

    SAMPLES = "samples"
    """The outline of one sample, or of all of them one by one."""
    DECLARED_BOX = "declared-box"
    """The box or outline the publisher declares for the whole."""
    REGION = "region"
    """A named region, city or event, outlined by us."""
    COUNTRY_LIST = "country-list"
    """The countries named: an upper bound, not sampled area."""
    GLOBAL = "global"
    """Unbounded; has no geometry. Never counts as overlap, nor as its absence."""


class Disclosure(Enum):
    """How much of a model's training data its publisher says it names."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    UNDISCLOSED = "undisclosed"


class Confidence(Enum):
    """Whether the cited source was read and says so, or the fact rests on less."""

    VERIFIED = "verified"
    UNVERIFIED = "unverified"


class Severity(Enum):
    """How bad a finding is: the document was not read, something in it was not used, or a remark."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One released set of weights ("Clay v1.5"), not an architecture."""

    iri: str
    label: str | None = None
    """None in a document that only mentions it."""
    identifier: str | None = None
    """The id its source gives it; unique within that source's collection only."""
    description: str | None = None
    family: str | None = None
    """IRI of the ModelFamily."""
    version: str | None = None
    architecture: str | None = None
    parameters: str | None = None
    """Number of parameters, as published."""
    tasks: tuple[str, ...] = ()
    modalities: tuple[str, ...] = ()
    framework: str | None = None
    license: str | None = None
    publisher: str | None = None
    released: str | None = None
    """ISO 8601 date, month or year."""
    homepage: str | None = None
    doi: str | None = None
    checksums: tuple[str, ...] = ()
    """Multihashes of the weights."""
    aliases: tuple[str, ...] = ()
    disclosure: Disclosure | None = None
    declared_area: str | None = None
    """IRI of the AreaOfInterest where its publisher says it may be used; not where it was trained."""
    resolved: bool | None = None
    """True in the document that describes it, False where a reference led nowhere, None where it is only mentioned."""
    unresolved_name: str | None = None
    """The literal name or address that resolved to nothing, kept as it stood."""
    sources: tuple[str, ...] = ()
    """IRIs of the Evidence the facts on this node rest on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFamily:
    """Models that share a name and a design ("Clay"). A source that names no size points here."""

    iri: str
    label: str | None = None
    identifier: str | None = None
    description: str | None = None
    publisher: str | None = None
    homepage: str | None = None
    aliases: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """A body of data that can be used; may be part of another or made from others."""

    iri: str
    label: str | None = None
    """None in a document that only mentions it."""
    identifier: str | None = None
    description: str | None = None
    archive: bool = False
    """A source archive: open-ended (all of Sentinel-2, LAION). Sharing one is not sharing data."""
    latent: bool = False
    """What an item of a collection says of itself: it is no dataset unless a document says so of the same IRI."""
    split: str | None = None
    """The split this dataset *is*, in the publisher's word."""
    part_of: tuple[str, ...] = ()
    """Wholes it is a part of by construction (a split of them). Membership a source asserts is an Association."""
    footprints: tuple[str, ...] = ()
    """IRIs of AreasOfInterest."""
    sensors: tuple[str, ...] = ()
    size: str | None = None
    version: str | None = None
    license: str | None = None
    publisher: str | None = None
    released: str | None = None
    homepage: str | None = None
    doi: str | None = None
    checksums: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    resolved: bool | None = None
    """True in the document that describes it, False where a reference led nowhere, None where it is only mentioned."""
    unresolved_name: str | None = None
    """The literal name or address that resolved to nothing, kept as it stood."""
    source_images: tuple[str, ...] = ()
    """IRIs or addresses of the images it was cut from or drawn on."""
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaOfInterest:
    """A place and a time span: the footprint of a dataset, a split, or one ML-AOI item."""

    iri: str
    precision: Precision
    wkt: str | None = None
    """OGC:CRS84 longitude latitude; None if unknown or unbounded."""
    label: str | None = None
    identifier: str | None = None
    start: str | None = None
    """First acquisition, as published (RFC 3339); None is open."""
    end: str | None = None
    split: str | None = None
    """Raw ``ml-aoi:split`` of the item."""
    countries: tuple[str, ...] = ()
    """ISO 3166-1 alpha-3."""
    source_images: tuple[str, ...] = ()
    label_sources: tuple[str, ...] = ()
    sensors: tuple[str, ...] = ()
    """Of the item itself, whatever its collection says."""
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DataUse:
    """That a model used a dataset in a stage, and everything known about that statement."""

    iri: str
    model: str
    dataset: str
    """The part, if a split is stated."""
    stage: Stage
    rule: Rule
    document: str
    """IRI of the document (and named graph) that says so."""
    pointer: str | None = None
    """JSON pointer (or record path) to the place in the document."""
    split: str | None = None
    """The raw split word, as published."""
    policy: SplitPolicy | None = None
    """The split policy that mapped it, where one did."""
    area: str | None = None
    """IRI of an AreaOfInterest, where the source limits the use to one."""
    metrics: str | None = None
    """Reported metrics, JSON text."""
    evidence: tuple[str, ...] = ()
    confidence: Confidence = Confidence.VERIFIED
    note: str | None = None
    as_published: str | None = None
    """The link or field as it stood, JSON text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Derivation:
    """That one thing was made from another, and everything known about that statement."""

    iri: str
    derived: str
    """The newer thing."""
    source: str
    kind: DerivationKind
    rule: Rule
    document: str
    pointer: str | None = None
    derived_split: str | None = None
    source_split: str | None = None
    evidence: tuple[str, ...] = ()
    confidence: Confidence = Confidence.VERIFIED
    note: str | None = None
    as_published: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Association:
    """A relation that is no derivation (part of, succeeds), and everything known about it."""

    iri: str
    subject: str
    object: str
    kind: AssociationKind
    rule: Rule
    document: str
    pointer: str | None = None
    evidence: tuple[str, ...] = ()
    confidence: Confidence = Confidence.VERIFIED
    note: str | None = None
    as_published: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A source that can be read again: a paper, a card, a file at a commit."""

    iri: str
    label: str
    url: str | None = None
    doi: str | None = None
    commit: str | None = None
    tier: str | None = None
    """``primary`` (project, card, paper) or ``secondary``."""
    read_on: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceDocument:
    """The document a named graph holds the statements of; its IRI is the graph's."""

    iri: str
    describes: str | None = None
    """IRI of the node the document is about."""
    stated_at: str | None = None
    """When the source says it made or changed its statement."""
    content_hash: str | None = None
    """``sha256:`` and the hexadecimal digest of the bytes that were read."""
    links_hash: str | None = None
    """The same of what its links by path led to then; None if it has none."""
    as_published: str | None = None
    """Of a model's item: what stands there besides place, time and lineage, JSON text."""
    elsewhere: tuple[str, ...] = ()
    """Addresses in other sources of samples and parts that the document beside it speaks of."""
    as_read: str | None = None
    """N-Triples of what it said before things it names were found to be one with others, or names led to something;
    None if neither is so."""
    by_name: tuple[str, ...] = ()
    """Names that lead to what they stand for now, where nothing else keeps it from saying what it was read to say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something a person should know about a document; never stops the rest from being read."""

    document: str
    """The file or address, as given."""
    pointer: str
    """JSON pointer into it, or ``line:column``; empty for the whole."""
    rule: str
    """A stable slug, listed in the docs."""
    message: str
    severity: Severity = Severity.WARNING

    def __str__(self) -> str:
        where = f"{self.document}#{self.pointer}" if self.pointer else self.document
        return f"{where}  {self.rule}  {self.message}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """A thing something was made from, of which it is not known whether it is a model or a dataset."""

    iri: str
    label: str | None = None
    unresolved_name: str | None = None


Node: TypeAlias = Model | ModelFamily | Dataset | AreaOfInterest | Evidence | SourceDocument | Unknown
QualifiedEdge: TypeAlias = DataUse | Derivation | Association
Statement: TypeAlias = Node | QualifiedEdge
