"""Questions to a catalog, answered with proof."""

from mlaoi_graph.queries.explain import Cited, Explanation, Paths, Step
from mlaoi_graph.queries.filters import Filters
from mlaoi_graph.queries.lineage import LineageGraph, NotOfKind
from mlaoi_graph.queries.reading import BadGraph
from mlaoi_graph.queries.results import (
    CommonRow,
    DifferenceRow,
    ExposedRow,
    ExposureRow,
    FamilyRow,
    ImpactRow,
    LicenceRow,
    NodeRow,
    Rows,
    UnknownRow,
    Verdict,
)
from mlaoi_graph.queries.verdict import Exposed

__all__ = [
    "BadGraph",
    "Cited",
    "CommonRow",
    "DifferenceRow",
    "Explanation",
    "Exposed",
    "ExposedRow",
    "ExposureRow",
    "FamilyRow",
    "Filters",
    "ImpactRow",
    "LicenceRow",
    "LineageGraph",
    "NodeRow",
    "NotOfKind",
    "Paths",
    "Rows",
    "Step",
    "UnknownRow",
    "Verdict",
]
