"""Read the nodes of documents that say everything of them in our own ``lineage:`` fields.

Which field is which is on one page, :mod:`mlaoi_graph.lineage_fields`; their links are links like any other.
"""

from __future__ import annotations

from dataclasses import replace

from mlaoi_graph import geo
from mlaoi_graph.lineage_fields import OPEN_END, OPEN_START, decode, decode_evidence, node_class
from mlaoi_graph.model import AreaOfInterest, Model, Precision, Severity, Statement
from mlaoi_graph.readers.stac import content
from mlaoi_graph.readers.stac.content import Form, Json, text
from mlaoi_graph.readers.stac.walk import Raw

__all__ = ["bounded", "evidence", "nodes"]


def nodes(raw: Raw) -> tuple[list[Statement], str]:
    """Return the node a document is about, then its declared area and its sources, and the node's IRI.

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
    return [*found, *evidence(raw)], iri


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


def bounded(when: str | None) -> str | None:
    """Return None for the dates MLM's best practices write for an open range."""
    return None if when in (OPEN_START, OPEN_END) else when
