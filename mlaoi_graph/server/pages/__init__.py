"""The pages people look at: lineage beside the map, and what else can be asked, rendered by the server.

A page is a function that workers run (``views``, ``node``) and that gives plain values; ``tasks`` makes of them HTML,
JSON or Turtle, and ``routes`` the addresses. What needs a hand (graph, map, editor) is in ``web/``, which
``hatch_build.py`` bundles into ``static/``.
"""
