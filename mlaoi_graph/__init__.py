"""Lineage of Earth-observation models: what they learned from, where they were tested, and who says so.

>>> from mlaoi_graph import Catalog
>>> with Catalog.create() as catalog:
...     catalog.counts().models
0
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlaoi_graph.catalog import Catalog as Catalog
    from mlaoi_graph.model import SplitPolicy as SplitPolicy

__all__ = ["Catalog", "SplitPolicy", "__version__"]
__version__ = "0.1.0"

_HOMES = {"Catalog": "mlaoi_graph.catalog", "SplitPolicy": "mlaoi_graph.model"}


def __getattr__(name: str) -> Any:
    # Loaded when asked for: `mlaoi-graph --help` needs neither a store nor a geometry library.
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
