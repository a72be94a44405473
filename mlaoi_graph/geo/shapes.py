"""What footprints and areas both need of shapely."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

__all__ = ["Floats", "Shapes", "flat"]

Floats: TypeAlias = NDArray[np.float64]
Shapes: TypeAlias = NDArray[Any]
"""shapely geometries."""


def flat(shapes: Sequence[BaseGeometry] | Shapes) -> tuple[Shapes, NDArray[np.intp]]:
    """Return the points, lines and polygons shapes are made of, and for each the place of its shape."""
    parts, owner = shapely.get_parts(np.asarray(shapes, dtype=object), return_index=True)
    while (shapely.get_type_id(parts) > shapely.GeometryType.POLYGON).any():
        parts, part = shapely.get_parts(parts, return_index=True)
        owner = owner[part]
    return parts, owner
