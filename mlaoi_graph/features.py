"""Answers whose rows have a place, as GeoJSON, as a GeoDataFrame and as GeoParquet."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlaoi_graph.errors import MissingExtra
from mlaoi_graph.files import whole

if TYPE_CHECKING:
    import geopandas
    from shapely.geometry.base import BaseGeometry

__all__ = ["Features", "HasFeatures"]


@dataclass(frozen=True, slots=True)
class Features:
    """Rows of plain values and the geometry of each, OGC:CRS84; None for a row that has none."""

    columns: Sequence[str]
    rows: Sequence[dict[str, Any]]
    shapes: Sequence[BaseGeometry | None]
    name: str = "geometry"
    """Of the column of geometries."""


class HasFeatures(ABC):
    """What any answer with geometry can be written as."""

    __slots__ = ()

    @abstractmethod
    def features(self) -> Features:
        """Return the rows with the geometry of each."""

    def to_geojson(self) -> dict[str, Any]:
        """Return the rows as a GeoJSON FeatureCollection."""
        from mlaoi_graph.geo.written import geojson_of

        found = self.features()
        return {
            "type": "FeatureCollection",
            "features": [
                {
                    "type": "Feature",
                    "geometry": None if shape is None or shape.is_empty else geojson_of(shape),
                    "properties": row,
                }
                for row, shape in zip(found.rows, found.shapes, strict=True)
            ],
        }

    def to_geodataframe(self) -> geopandas.GeoDataFrame:
        """Return the rows as a GeoDataFrame in OGC:CRS84. Needs the extra ``maps``."""
        try:
            import geopandas
        except ImportError:
            raise MissingExtra("maps", needed_for="a GeoDataFrame") from None
        found = self.features()
        shapes: list[Any] = list(found.shapes)
        columns: dict[str, Any] = {name: [row[name] for row in found.rows] for name in found.columns}
        columns[found.name] = geopandas.GeoSeries(shapes, crs="OGC:CRS84")
        return geopandas.GeoDataFrame(columns, geometry=found.name)

    def to_geoparquet(self, path: Path | str) -> None:
        """Write the rows to a GeoParquet file. Needs the extra ``maps``. Raises StoreError."""
        frame = self.to_geodataframe()
        with whole(path) as file:
            frame.to_parquet(file, write_covering_bbox=True, schema_version="1.1.0")
