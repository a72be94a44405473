"""What of a catalog questions are asked of: it is the catalog's own, and no question sees more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from mlaoi_graph.footprints import Footprints
    from mlaoi_graph.model import SplitPolicy
    from mlaoi_graph.queries.lineage import LineageGraph
    from mlaoi_graph.stores import Store

__all__ = ["Asked"]


class Asked(Protocol):
    """One state of a catalog."""

    @property
    def store(self) -> Store: ...
    @property
    def footprints(self) -> Footprints: ...
    @property
    def lineage(self) -> LineageGraph: ...
    @property
    def not_read(self) -> list[str]: ...
    @property
    def split_policy(self) -> SplitPolicy: ...
    def find(self, name: str) -> str: ...
