"""GeoSPARQL: what Oxigraph lacks of its functions, other coordinate systems, and the footprint index.

:func:`mlaoi_graph.geosparql.answering.query` runs a query that speaks of geometry; :func:`concerns` tells which do,
by a look at the text, so that no other query is read twice or loads any of this.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["concerns"]

_CONCERNS: Final = re.compile(r"geof:|geo:(?:sf|eh|rcc8)|opengis\.net/|\\[uU]")

_USUAL: Final = re.compile(
    r"PREFIX\s+(?:geo:\s*<http://www\.opengis\.net/ont/geosparql#>|geof:\s*<http://www\.opengis\.net/def/function/geosparql/>)",
    re.IGNORECASE,
)
"""The declarations that many clients put before every query, whatever it asks."""


def concerns(sparql: str) -> bool:
    """Return whether a query may speak of geometry.

    >>> concerns("SELECT ?m { ?m mlaoi:trainedOn ?d }"), concerns("ASK { FILTER(geof:isEmpty(?w)) }")
    (False, True)
    >>> concerns("PREFIX geof: <http://www.opengis.net/def/function/geosparql/> ASK {}")
    False
    """
    return _CONCERNS.search(sparql) is not None and _CONCERNS.search(_USUAL.sub("", sparql)) is not None
