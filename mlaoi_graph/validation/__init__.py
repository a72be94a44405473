"""Say what is wrong with documents and with the graph; never stop anything from being read.

Most real ML-AOI documents break some schema, so this reports and does not gate. Documents are held against
the JSON schemas they declare, the graph against ``shapes.ttl``.
"""

from mlaoi_graph.validation.schemas import schema_folder, validate_source
from mlaoi_graph.validation.shapes import validate_graph

__all__ = ["schema_folder", "validate_graph", "validate_source"]
