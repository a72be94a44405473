"""Read what documents say in our own ``lineage:`` fields; links are read like any others, by :mod:`.links`.

Which field is which is on one page, :mod:`mlaoi_graph.lineage_fields`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from mlaoi_graph import geo
from mlaoi_graph import iri as iris
from mlaoi_graph.lineage_fields import (
    EVALUATED_ON,
    FOOTPRINT_OF,
    OPEN_END,
    OPEN_START,
    REPEATED,
    decode,
    decode_evidence,
    node_class,
)
from mlaoi_graph.model import (
    AreaOfInterest,
    DataUse,
    Derivation,
    DerivationKind,
    Disclosure,
    Model,
    Precision,
    Severity,
    Stage,
    Statement,
)
from mlaoi_graph.readers import Kind, Target
from mlaoi_graph.readers.stac import content
from mlaoi_graph.readers.stac.content import Form, Json, text
from mlaoi_graph.readers.stac.walk import Raw

__all__ = ["bounded", "disclosure", "evidence", "family", "footprint_of", "nodes", "refuse_disclosure", "unlinked"]

_DISCLOSURE: Final = "lineage:disclosure"
_FAMILY: Final = "lineage:family"


def nodes(raw: Raw) -> tuple[list[Statement], str]:
    """Return the node a document is about, then its declared area, and the node's IRI.

    There is none, and a finding, where a field is missing that it cannot be without.
    """
    fields = content.lineage_fields_of(raw.data)
    iri, cls = content.lineage_iri(fields), node_class(fields.get("lineage:kind"))
    assert iri is not None
    assert cls is not None
    declared = fields.get("lineage:declared_area") if cls is Model else None
    wrong: list[str] = []
    own = {**fields, "id": content.identifier_of(raw.data), "lineage:declared_area": None}
    node = decode(cls, iri, own, wrong)
    found: list[Statement] = []
    if isinstance(node, AreaOfInterest):
        found.append(_placed(node, raw, fields))
    elif isinstance(node, Model) and isinstance(declared, dict):
        area_iri = content.lineage_iri(declared)
        found.append(replace(node, declared_area=area_iri))
        area = decode(AreaOfInterest, area_iri, declared, []) if area_iri is not None else None
        if isinstance(area, AreaOfInterest):
            found.append(_placed(area, raw, fields | declared))
    elif node is not None:
        found.append(node)
    prefix = "/properties" if raw.form is Form.ITEM else ""
    for name in wrong:
        raw.note(f"{prefix}/{name}", "wrong-type", f"{name} is not what it should be; not used")
    if not found:
        message = f"lineage:kind is {fields['lineage:kind']!r}, and a field that needs is missing; not read"
        raw.note(f"{prefix}/lineage:kind", "wrong-type", message)
        return [], iri
    return found, iri


def _placed(area: AreaOfInterest, raw: Raw, fields: Json) -> AreaOfInterest:
    """Return an area with the geometry and the time of the item it is read from."""
    geometry = raw.data.get("geometry")
    place = geo.from_geojson(geometry) if geometry is not None else None
    for problem in place.problems if place is not None else ():
        severity = Severity.INFO if problem.rule == "unbounded" else Severity.WARNING
        raw.note("/geometry", problem.rule, problem.message, severity)
    return replace(
        area,
        wkt=place.wkt if place is not None else None,
        precision=Precision.GLOBAL if place is not None and place.unbounded else area.precision,
        start=area.start or bounded(text(fields.get("start_datetime"))),
        end=area.end or bounded(text(fields.get("end_datetime"))),
    )


def footprint_of(raw: Raw) -> Iterator[str]:
    """Yield the datasets that an area says it is a footprint of."""
    said = content.lineage_fields_of(raw.data).get(FOOTPRINT_OF, [])
    found = [iris.safe_iri(entry) if isinstance(entry, str) else None for entry in said if isinstance(said, list)]
    yield from (iri for iri in found if iri is not None)
    if not isinstance(said, list) or None in found:
        raw.note(_pointer(raw, FOOTPRINT_OF), "wrong-type", "it is a list of IRIs; what is none is not used")


def disclosure(raw: Raw) -> Disclosure | None:
    """Return how much of its training data a model's publisher names; None, and a finding, for a word that is none."""
    said = content.lineage_fields_of(raw.data).get(_DISCLOSURE)
    found = next((word for word in Disclosure if word.value == said), None)
    if found is None and said is not None:
        words = ", ".join(word.value for word in Disclosure)
        raw.note(_pointer(raw, _DISCLOSURE), "wrong-type", f"{said!r} is none of {words}; not used")
    return found


def family(raw: Raw) -> str | None:
    """Return the family a model is said to be of; None, and a finding, for what is no IRI."""
    said = content.lineage_fields_of(raw.data).get(_FAMILY)
    found = iris.safe_iri(said) if isinstance(said, str) else None
    if found is None and said is not None:
        raw.note(_pointer(raw, _FAMILY), "wrong-type", f"{_FAMILY} is an IRI; not used")
    return found


def refuse_disclosure(raw: Raw) -> None:
    """Note that a document says it which is about no model."""
    if content.lineage_fields_of(raw.data).get(_DISCLOSURE) is not None:
        message = "it is said of a model, and this document is read as one of no model; not used"
        raw.note(_pointer(raw, _DISCLOSURE), "disclosure-of-data", message)


def _pointer(raw: Raw, name: str) -> str:
    return f"/properties/{name}" if raw.form is Form.ITEM else f"/{name}"


def evidence(raw: Raw) -> list[Statement]:
    """Return the sources a document lists in ``lineage:evidence``."""
    fields = content.lineage_fields_of(raw.data)
    listed = fields.get("lineage:evidence")
    found: list[Statement] = []
    for index, entry in enumerate(listed if isinstance(listed, list) else ()):
        source = decode_evidence(entry)
        if source is None:
            pointer = f"{'/properties' if fields is not raw.data else ''}/lineage:evidence/{index}"
            raw.note(pointer, "wrong-type", "an entry has iri and title, and holds text; not used")
        else:
            found.append(source)
    return found


def unlinked(
    raw: Raw,
    said: Sequence[Statement],
    address: Callable[[str, str], Target],
    nowhere: tuple[str, ...],
    *,
    of_model: bool,
) -> Iterator[tuple[str, Json, Target | None]]:
    """Yield what a document's searchable fields (``lineage:tested_on`` and others) say and none of its links does.

    Each as a JSON pointer, the link that would say it, and what that leads to by ``address``: None where it is not
    known. Links say it in full and these fields repeat them, or the wholes of what they lead to: what a field names
    beside them is read, and told. What links name whose IRIs start with one of ``nowhere`` may turn out later to be
    any of that: of as many entries it is not said that they are others. So it is of ``mlm:pretrained_source``, which
    may be data or a model.
    """
    fields = content.lineage_fields_of(raw.data)
    prefix = "/properties" if raw.form is Form.ITEM else ""
    edges = [
        (s.stage, s.dataset) if isinstance(s, DataUse) else (s.kind, s.source)
        for s in said
        if isinstance(s, DataUse | Derivation)
    ]
    is_pretrained = text(fields.get("mlm:pretrained_source")) is not None
    taken: set[tuple[str, str]] = set()
    for name, repeats in REPEATED.items():
        if name not in fields:
            continue
        pointer, listed = f"{prefix}/{name}", fields[name]
        if not of_model and name != "lineage:derived_from":
            raw.note(pointer, "role-on-data", f"{name} is said of a model, and this document is about none; not used")
            continue
        entries = listed if isinstance(listed, list) else [listed] if listed else []
        addresses = [iris.safe_iri(entry) if isinstance(entry, str) else None for entry in entries]
        if entries != listed or None in addresses:
            raw.note(pointer, "wrong-type", f"{name} is a list of IRIs; what is none leads nowhere")
        link = _link_for(name, of_model=of_model)
        linked = {target for kind, target in edges if kind in repeats}
        known = linked | {target for kind, target in edges if kind is DerivationKind.UNKNOWN}
        known |= {iri for rel, iri in taken if rel == link["rel"]}
        at = [pointer if entries != listed else f"{pointer}/{index}" for index in range(len(entries))]
        targets = {
            where: Target(iri, Kind.UNKNOWN) if _is_among(iri, known) else address(iri, where)
            for where, iri in zip(at, addresses, strict=True)
            if iri is not None
        }
        others = {where: target.iri for where, target in targets.items() if not _is_among(target.iri, known)}
        loose = sum(target.startswith(nowhere) for target in known)
        loose += is_pretrained and bool(repeats & {Stage.PRETRAINING, DerivationKind.UNSTATED})
        if len(others) <= loose:
            others = {}
        if others and linked:
            raw.note(pointer, "not-linked", f"lists what no link says, and it is read: {', '.join(others.values())}")
        beside = [
            target
            for target in sorted(linked)
            if not target.startswith(nowhere) and not any(_is_among(t.iri, [target]) for t in targets.values())
        ]
        if beside and listed:
            raw.note(pointer, "not-listed", f"links say it of {', '.join(beside)} too, which {name} does not list")
        for where, iri in zip(at, addresses, strict=True):
            target = targets.get(where)
            if iri is None or target is None:
                yield where, link, None
            elif where in others and (link["rel"], target.iri) not in taken:
                taken.add((link["rel"], target.iri))
                yield where, {**link, "href": iri}, target


def _is_among(iri: str, known: Iterable[str]) -> bool:
    """Return whether an IRI is one of others, or of what they are splits of by theirs."""
    return any(one == iri or one.startswith(iris.part(iri, "")) for one in known)


def _link_for(name: str, *, of_model: bool) -> Json:
    """Return the link that says what an entry of a field of :data:`REPEATED` says, but for what it points at."""
    if name == "lineage:derived_from":
        return {"rel": "derived_from"} | ({"lineage:derivation": DerivationKind.UNSTATED.value} if of_model else {})
    stages = REPEATED[name]
    stage = next(s for s in (Stage.TRAINING, Stage.EVALUATION, *Stage) if s in stages)  # the plain word if it is one
    return {"rel": "derived_from" if stage.teaches else EVALUATED_ON, "lineage:stage": stage.value}


def bounded(when: str | None) -> str | None:
    """Return None for the dates MLM's best practices write for an open range."""
    return None if when in (OPEN_START, OPEN_END) else when
