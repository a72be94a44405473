"""Write shapes as WKT."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import shapely
from shapely.geometry.base import BaseGeometry

__all__ = ["ring_text", "wkt_of"]


def wkt_of(shape: BaseGeometry) -> str:
    """Return WKT whose numbers read back as the same floats; not every GEOS writes such."""
    parts = [_part_text(part) for part in shapely.get_parts(shape)]
    name = shape.geom_type.upper()
    return f"{name} ({', '.join(parts)})" if name.startswith("MULTI") else f"{name} {parts[0]}"


def _part_text(part: BaseGeometry) -> str:
    if isinstance(part, shapely.Polygon):
        rings = [ring_text(shapely.get_coordinates(ring).tolist()) for ring in shapely.get_rings(part)]
        return f"({', '.join(rings)})"
    return ring_text(shapely.get_coordinates(part).tolist())


def ring_text(positions: Iterable[Sequence[float]]) -> str:
    return f"({', '.join([f'{x!r} {y!r}' for x, y in positions])})"
