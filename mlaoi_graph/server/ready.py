"""What the process that workers are forked from has ready: all they import, and the pages' templates.

A template is compiled in some 15 ms: all of them would keep whoever follows a change a quarter of a second.
"""

from __future__ import annotations

from mlaoi_graph.server import node_tasks, warm
from mlaoi_graph.server.api import place_tasks
from mlaoi_graph.server.pages.render import compiled
from mlaoi_graph.server.stac import tasks

__all__ = ["node_tasks", "place_tasks", "tasks", "warm"]

compiled()
