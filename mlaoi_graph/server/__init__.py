"""A catalog over HTTP: SPARQL, linked data, JSON. Translates, decides nothing.

``create_app(settings)`` gives the ASGI application and ``run(settings)`` serves it. What clients send is parsed and run
by worker processes (:mod:`mlaoi_graph.server.worker`), never by the one that answers. Needs the extra ``server``.
"""

from __future__ import annotations
