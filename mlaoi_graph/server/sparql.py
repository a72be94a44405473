"""The SPARQL 1.1 Protocol at ``/sparql``, and the reading half of the Graph Store Protocol at ``/graphs``."""

from __future__ import annotations

import hmac
import sys
from typing import Final, NamedTuple

import pyoxigraph as ox
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Send
from starlette.types import Scope as Connection

from mlaoi_graph.server import tasks
from mlaoi_graph.server.formats import GRAPHS, negotiate
from mlaoi_graph.server.kept import Kept
from mlaoi_graph.server.reply import Refusal, Reply
from mlaoi_graph.server.web import Sent, ask, parameters, read_body, settings_of, site_of
from mlaoi_graph.stores import Scope
from mlaoi_graph.vocab import PREFIXES, RDF

__all__ = ["Question", "routes", "straight"]

_FORM: Final = "application/x-www-form-urlencoded"
_QUERY: Final = "application/sparql-query"
_UPDATE: Final = "application/sparql-update"
_SD: Final = "http://www.w3.org/ns/sparql-service-description#"
_LOGGED: Final = 200
"""Bytes of a query that are logged."""
_FORMATS: Final = "http://www.w3.org/ns/formats/"
_WRITES: Final = (
    "SPARQL_Results_JSON", "SPARQL_Results_XML", "SPARQL_Results_CSV", "SPARQL_Results_TSV",
    "Turtle", "JSON-LD", "N-Triples", "RDF_XML", "TriG", "N-Quads",
)  # fmt: skip


async def straight(scope: Connection, receive: Receive, send: Send) -> None:
    """Answer a GET, HEAD or POST at ``/sparql``: the ASGI application that most requests go to, past the framework."""
    scope["endpoint"] = _sparql
    response: Response
    try:
        response = await _sparql(Request(scope, receive, send))
    except Refusal as refusal:
        response = Sent(refusal.reply())
    response.raw_headers.append((b"vary", b"Origin"))
    await response(scope, receive, send)


async def _sparql(request: Request) -> Response:
    if request.method == "OPTIONS":
        return Response(status_code=204, headers={"allow": "GET, HEAD, POST, OPTIONS"})
    given = parameters(request.scope["query_string"])
    if request.method != "POST":
        if "query" not in given and "update" not in given:
            return described(request, negotiate(_accept(request), GRAPHS))
        return await _query(request, given)
    media_type, body = await read_body(request, (_QUERY, _FORM, _UPDATE))
    if media_type == _FORM:
        for name, values in parameters(body).items():
            given.setdefault(name, []).extend(values)
    elif media_type == _QUERY:
        given["query"] = [*given.get("query", []), body]
    else:
        given["update"] = [*given.get("update", []), body]
    # For the log: a query sent by POST is not in the address.
    asked = next((given[name][0] for name in ("update", "query") if given.get(name)), b"")
    request.scope.setdefault("state", {})["asked"] = asked[:_LOGGED].decode("utf-8", "replace")
    if "update" in given:
        return await _update(request, given)
    return await _query(request, given)


async def _query(request: Request, given: dict[str, list[bytes]]) -> Response:
    question = Question.of(given, _accept(request), site_of(request))
    kept: Kept = request.app.state.kept
    if (known := kept.find(question)) is not None:
        return Sent(known)
    response = await ask(request, request.app.state.queries, tasks.query, **question._asdict())
    if isinstance(response, Sent):
        kept.keep(question, question.size, response.reply)
    return response


class Question(NamedTuple):
    """A query as a worker is asked it."""

    sparql: bytes
    accept: str
    scope: Scope

    @property
    def size(self) -> int:
        """Bytes in memory of what a client may choose the length of."""
        default, named, base = self.scope.default_graphs, self.scope.named_graphs, self.scope.base
        return sum(map(sys.getsizeof, (self.sparql, self.accept, base, default, named, *default, *named)))

    @classmethod
    def of(cls, given: dict[str, list[bytes]], accept: str, site: str) -> Question:
        """Return what parameters ask. Raises Refusal if it is not one query, or of graphs that have no names."""
        if "update" in given:
            raise Refusal(400, "method", "an update is sent by POST, never by GET")
        found = given.get("query", [])
        if len(found) != 1:
            raise Refusal(400, "parameters", f"{len(found)} queries were sent. Send one, as query=")
        scope = Scope(
            default_graphs=_iris(given, "default-graph-uri"),
            named_graphs=_iris(given, "named-graph-uri"),
            base=f"{site}sparql",
            inferred=_inferred(given),
        )
        return cls(found[0], accept, scope)


async def _update(request: Request, given: dict[str, list[bytes]]) -> Response:
    settings = settings_of(request)
    if not settings.writable or settings.token is None:
        raise Refusal(403, "read-only", "this server takes no updates. It would with --writable and a token")
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    expected = settings.token.get_secret_value().encode()
    if scheme.lower() != "bearer" or not hmac.compare_digest(token.strip().encode("utf-8", "replace"), expected):
        reply = Refusal(401, "token", "an update needs the server's token: Authorization: Bearer ...").reply()
        reply.headers["WWW-Authenticate"] = "Bearer"
        return Sent(reply)
    if "query" in given or len(given["update"]) != 1:
        raise Refusal(400, "parameters", "send one update, and no query with it")
    async with request.app.state.writing:
        return await ask(
            request,
            request.app.state.answers,
            tasks.update,
            sparql=given["update"][0],
            scope=Scope(
                default_graphs=_iris(given, "using-graph-uri"),
                named_graphs=_iris(given, "using-named-graph-uri"),
                base=f"{site_of(request)}sparql",
            ),
        )


def described(request: Request, media_type: str) -> Response:
    """Return the service description in a format of :data:`~mlaoi_graph.server.formats.GRAPHS`."""
    endpoint = ox.NamedNode(f"{site_of(request)}sparql")
    service, dataset, graph = (ox.NamedNode(f"{endpoint.value}#{part}") for part in ("service", "dataset", "default"))

    def about(subject: ox.NamedNode, term: str, value: str | ox.NamedNode) -> ox.Triple:
        return ox.Triple(subject, ox.NamedNode(term), ox.NamedNode(value) if isinstance(value, str) else value)

    triples = [
        about(service, RDF.type, f"{_SD}Service"),
        about(service, f"{_SD}endpoint", endpoint),
        about(service, f"{_SD}supportedLanguage", f"{_SD}SPARQL11Query"),
        *(about(service, f"{_SD}resultFormat", f"{_FORMATS}{name}") for name in _WRITES),
        about(service, f"{_SD}defaultEntailmentRegime", "http://www.w3.org/ns/entailment/RDF"),
        about(service, f"{_SD}defaultDataset", dataset),
        about(dataset, RDF.type, f"{_SD}Dataset"),
        about(dataset, f"{_SD}defaultGraph", graph),
        about(graph, RDF.type, f"{_SD}Graph"),
    ]
    if settings_of(request).writable:
        triples.append(about(service, f"{_SD}supportedLanguage", f"{_SD}SPARQL11Update"))
    formats = {
        "turtle": ox.RdfFormat.TURTLE,
        "jsonld": ox.RdfFormat.JSON_LD,
        "ntriples": ox.RdfFormat.N_TRIPLES,
        "rdfxml": ox.RdfFormat.RDF_XML,
        "trig": ox.RdfFormat.TRIG,
        "nquads": ox.RdfFormat.N_QUADS,
    }
    body = ox.serialize(triples, format=formats[GRAPHS[media_type]], prefixes={"sd": _SD, "rdf": PREFIXES["rdf"]})
    assert body is not None
    return Sent(Reply(200, media_type, body))


async def _graph(request: Request) -> Response:
    """Answer the Graph Store Protocol: ``?default``, or ``?graph=`` with an IRI."""
    if request.method == "OPTIONS":
        return Response(status_code=204, headers={"allow": "GET, HEAD, OPTIONS"})
    given = parameters(request.scope["query_string"])
    graphs = _iris(given, "graph")
    if len(graphs) + ("default" in given) != 1:
        raise Refusal(400, "parameters", "name one graph: ?default, or ?graph= with its IRI")
    return await ask(
        request,
        request.app.state.queries,
        tasks.named_graph,
        iri=graphs[0] if graphs else None,
        accept=_accept(request),
        inferred=_inferred(given),
    )


def _accept(request: Request) -> str:
    return ",".join(request.headers.getlist("accept"))


def _iris(given: dict[str, list[bytes]], name: str) -> tuple[str, ...]:
    try:
        return tuple(value.decode("utf-8") for value in given.get(name, ()))
    except UnicodeDecodeError:
        raise Refusal(400, "encoding", f"{name} is not UTF-8") from None


def _inferred(given: dict[str, list[bytes]]) -> bool:
    words = given.get("reasoning", [b"on"])
    if words not in ([b"on"], [b"off"]):
        raise Refusal(400, "parameters", "reasoning is on or off, and sent once")
    return words == [b"on"]


_READS: Final = ["GET", "HEAD", "OPTIONS"]
routes = [
    *(Route(path, _sparql, methods=[*_READS, "POST"]) for path in ("/sparql", "/sparql/")),
    Route("/graphs", _graph, methods=_READS),
]
