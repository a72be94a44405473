"""Areas of interest from the footprint of a record."""

from __future__ import annotations

import re
from dataclasses import replace

from mlaoi_graph import countries, geo
from mlaoi_graph import iri as iris
from mlaoi_graph.model import AreaOfInterest, Precision, Severity
from mlaoi_graph.readers.records.ids import File
from mlaoi_graph.readers.records.tree import Tree

__all__ = ["areas"]


def areas(dataset: str, footprint: Tree | None, file: File) -> list[AreaOfInterest]:
    """Return the areas of a dataset: one for each box, else one; none where nothing is known, or there is no place.

    Country codes without an outline and boxes that are none are findings of the file.
    """
    if footprint is None or footprint.get("none") is not None:
        return []
    whole = AreaOfInterest(
        iri=iris.sub(dataset, "area"), precision=Precision.GLOBAL, start=_text(footprint, "start"),
        end=_text(footprint, "end"), note=_text(footprint, "note"),
    )  # fmt: skip
    named, boxes, region, grid = (footprint.get(key) for key in ("countries", "boxes", "region", "grid"))
    if named is not None:
        codes = [item.text or "" for item in named.items or () if _known_country(item, file)]
        wkt = countries.outline(codes) if codes else None
        return [replace(whole, precision=Precision.COUNTRY_LIST, wkt=wkt, countries=tuple(sorted(codes)))]
    if boxes is not None:
        precision = Precision(_text(footprint, "precision") or Precision.DECLARED_BOX.value)
        found = [_box(whole, precision, box, file) for box in boxes.items or ()]
        return [replace(area, iri=f"{area.iri}-{n}") for n, area in enumerate(found, 1)] if len(found) > 1 else found
    if region is not None:
        bbox = footprint.get("bbox")
        return [replace(whole, precision=Precision.REGION, label=region.text, wkt=_wkt(bbox, file) if bbox else None)]
    if grid is not None:
        note = "; ".join(text for text in (grid.text, whole.note) if text)
        return [replace(whole, precision=Precision.SAMPLES, note=f"sample places published, not read: {note}")]
    return [whole]


def _box(whole: AreaOfInterest, precision: Precision, box: Tree, file: File) -> AreaOfInterest:
    name, country, bbox = _text(box, "name"), box.get("country"), box.get("bbox")
    assert bbox is not None
    return replace(
        whole,
        precision=precision,
        label=name,
        wkt=_wkt(bbox, file),
        start=_text(box, "start") or whole.start,
        end=_text(box, "end") or whole.end,
        countries=(country.text or "",) if country is not None and _known_country(country, file) else (),
    )


def _wkt(bbox: Tree, file: File) -> str | None:
    footprint = geo.from_bbox([float(number.text or "") for number in bbox.items or ()])
    for problem in footprint.problems:
        file.say(
            bbox.at,
            problem.rule,
            problem.message,
            Severity.ERROR if footprint.wkt is None else Severity.WARNING,
        )
    return footprint.wkt


def _known_country(code: Tree, file: File) -> bool:
    if code.text in countries.codes():
        return True
    file.say(code.at, "unknown-country", f"no outline for {code.text!r}; ISO 3166-1 alpha-3 codes are wanted: KEN")
    return False


def _text(tree: Tree, key: str) -> str | None:
    found = tree.get(key)
    return re.sub(r"\s+", " ", found.text).strip() if found is not None and found.text is not None else None
