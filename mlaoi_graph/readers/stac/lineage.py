"""Read what documents say in our own ``lineage:`` fields; links are read like any others, by :mod:`.links`.

Which field is which is on one page, :mod:`mlaoi_graph.lineage_fields`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from mlaoi_graph import geo
from mlaoi_graph import iri as iris
from mlaoi_graph.lineage_fields import (
    EVALUATED_ON,
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
from mlaoi_graph.readers.stac import content
from mlaoi_graph.readers.stac.content import Form, Json, text
from mlaoi_graph.readers.stac.walk import Raw

__all__ = ["bounded", "disclosure", "evidence", "nodes", "refuse_disclosure", "unlinked"]

_DISCLOSURE: Final = "lineage:disclosure"


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


def disclosure(raw: Raw) -> Disclosure | None:
    """Return how much of its training data a model's publisher names; None, and a finding, for a word that is none."""
    said = content.lineage_fields_of(raw.data).get(_DISCLOSURE)
    found = next((word for word in Disclosure if word.value == said), None)
    if found is None and said is not None:
        words = ", ".join(word.value for word in Disclosure)
        raw.note(_pointer(raw, _DISCLOSURE), "wrong-type", f"{said!r} is none of {words}; not used")
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


def unlinked(raw: Raw, said: Iterable[Statement], *, of_model: bool) -> Iterator[tuple[str, Json]]:
    """Yield what a document's searchable fields (``lineage:tested_on`` and others) say and none of its links does.

    Each as a JSON pointer and the link that would say it, without an href where it is not known what it leads to.
    Links say it in full and these fields repeat them, so of one kind of edge either is read. What
    ``mlm:pretrained_source`` leads to may turn out later to be data or a model: it counts as both.
    """
    fields = content.lineage_fields_of(raw.data)
    prefix = "/properties" if raw.form is Form.ITEM else ""
    kinds = [s.stage if isinstance(s, DataUse) else s.kind for s in said if isinstance(s, DataUse | Derivation)]
    if text(fields.get("mlm:pretrained_source")) is not None:
        kinds += [Stage.PRETRAINING, DerivationKind.UNSTATED]
    # Beside a split whose IRI was made from its whole's the whole is listed, for who searches by that.
    targets = [s.dataset if isinstance(s, DataUse) else s.source for s in said if isinstance(s, DataUse | Derivation)]
    taken: set[tuple[str, str]] = set()
    for name, repeats in REPEATED.items():
        if name not in fields or not (of_model or name == "lineage:derived_from"):
            continue
        listed = fields[name]
        entries = listed if isinstance(listed, list) else []
        addresses = [iris.safe_iri(entry) if isinstance(entry, str) else None for entry in entries]
        if entries != listed or None in addresses:
            raw.note(f"{prefix}/{name}", "wrong-type", f"{name} is a list of IRIs; what is none leads nowhere")
        linked = sum(kind in repeats for kind in kinds)
        link = _link_for(name, of_model=of_model)
        if linked:
            known = linked + sum(rel == link["rel"] for rel, _ in taken)
            own = sum(not any(t.startswith(f"{iri}/") for t in targets) for iri in addresses)
            if own > known:
                message = f"lists {own} and {known} are known otherwise; the rest needs links of its own to be read"
                raw.note(f"{prefix}/{name}", "not-linked", message)
                yield f"{prefix}/{name}", link
            continue
        if listed and not isinstance(listed, list):
            yield f"{prefix}/{name}", link
        for index, iri in enumerate(addresses):
            if iri is None:
                yield f"{prefix}/{name}/{index}", link
            elif (link["rel"], iri) not in taken:
                taken.add((link["rel"], iri))
                yield f"{prefix}/{name}/{index}", {**link, "href": iri}


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
