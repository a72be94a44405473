"""Whether tests overlap what was learned: :class:`Leakage` asks, a :class:`LeakageReport` answers."""

from mlaoi_graph.kinds import LeakageKind
from mlaoi_graph.queries.leakage.asking import Leakage
from mlaoi_graph.queries.leakage.rows import Leak, LeakageReport, LeakageRow, TestRow, UncheckedRow

__all__ = ["Leak", "Leakage", "LeakageKind", "LeakageReport", "LeakageRow", "TestRow", "UncheckedRow"]
