"""The JSON API: what Python answers, typed alike, for programs that do not speak SPARQL.

A question is a function that workers run (``tasks``, which import no web framework) and a route that says in OpenAPI
what it takes and gives (``routes``). More of both go into modules of their own; ``app.py`` includes the routers.
"""
