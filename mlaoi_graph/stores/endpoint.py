"""The HTTP side of a SPARQL server: requests, answers that are whole, and who we are."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING, Final, TypeAlias, cast

from mlaoi_graph.errors import MissingExtra, QueryError, StoreError

if TYPE_CHECKING:
    import httpx

__all__ = ["Auth", "Endpoint", "Unsure"]

Auth: TypeAlias = str | tuple[str, str]
"""A bearer token, or user and password."""

JSON: Final = "application/sparql-results+json"
N_TRIPLES: Final = "application/n-triples"

_WAITS: Final = (0.05, 0.2, 0.8, 2.4)
"""Seconds between one attempt and the next; after the last of them it is given up."""
_BUSY: Final = frozenset({408, 429, 502, 503, 504})
_IN_MEMORY: Final = 1 << 22
_SECONDS: Final = 600.0
"""How long a server may be silent."""


class Unsure(Exception):
    """An update was sent, or may have been, and no answer came: it may have happened or not."""


class _Answer:
    """A file in memory, or on disk if it is large, that is gone when nobody reads it any more."""

    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115
        self.write = self._file.write
        self.seek = self._file.seek
        self.read = self._file.read

    def __del__(self) -> None:
        self._file.close()


class Endpoint:
    """A server's addresses for queries and updates, with one pool of connections."""

    def __init__(self, query: str, update: str, auth: Auth | None = None) -> None:
        try:
            import httpx
        except ImportError:
            raise MissingExtra("sparql", needed_for="a SPARQL server as the store") from None
        self._httpx = httpx
        self.query_url = query
        self.update_url = update
        try:
            for url in (query, update):
                if not httpx.URL(url).host:
                    raise httpx.InvalidURL("it names no machine")
            # Certificates are checked; where nothing is https they are not loaded, which takes longer than a request.
            secure = query.startswith("https:") or update.startswith("https:")
            self._client = httpx.Client(auth=_auth(auth), timeout=httpx.Timeout(_SECONDS, connect=10), verify=secure)
        except httpx.InvalidURL as error:
            raise StoreError(f"{query}: not an address: {error}. Give one like https://host/sparql") from error

    def close(self) -> None:
        """End the connections."""
        self._client.close()

    def ask(self, sparql: str, accept: str, change: Callable[[bytes], bytes], **parameters: list[str]) -> IO[bytes]:
        """Return the whole answer to a query, as a file; asked again where a connection breaks.

        ``change`` is applied to the answer, any number of whole lines at a time. Raises QueryError for a query the
        server refuses, StoreError if no whole answer can be had.
        """
        problem = ""
        for wait in (*_WAITS, None):
            try:
                with self._client.stream(
                    "POST", self.query_url, data={"query": sparql, **parameters}, headers={"Accept": accept}
                ) as response:
                    if response.status_code == 200:
                        if response.headers.get("Content-Type", "").startswith("text/html"):
                            problem = "it answers a page for people, and no SPARQL results"
                            raise StoreError(f"{self.query_url}: {problem}. {_next_step(response)}")
                        found = _whole(response, accept, change)
                        if found is not None:
                            return found
                        problem = "the answer was cut short"
                    else:
                        response.read()
                        problem = f"{response.status_code}: {_said(response)}"
                        if response.status_code in (400, 500) and not _is_passing(response):
                            raise QueryError(f"{self.query_url}: {_said(response)}")
                        if response.status_code not in _BUSY and not _is_passing(response):
                            raise StoreError(f"{self.query_url}: {problem}. {_next_step(response)}")
            except self._httpx.TransportError as error:
                problem = str(error).rstrip(".") or type(error).__name__
            if wait is not None:
                time.sleep(wait)
        raise StoreError(f"{self.query_url}: no answer: {problem}. Check the address, and that the server runs")

    def update(self, sparql: str) -> None:
        """Send an update once. Raises Unsure if it may or may not have happened, StoreError if it was refused."""
        try:
            response = self._client.post(
                self.update_url, content=sparql.encode(), headers={"Content-Type": "application/sparql-update"}
            )
        except self._httpx.TransportError as error:
            raise Unsure(str(error) or type(error).__name__) from error
        if response.status_code in _BUSY or _is_passing(response):
            raise Unsure(f"{response.status_code}: {_said(response)}")
        if not response.is_success:
            step = _next_step(response, alone=self.update_url == self.query_url)
            raise StoreError(f"{self.update_url}: {response.status_code}: {_said(response)}. {step}")

    @staticmethod
    def waits() -> Iterator[float]:
        """Iterate over how long to wait before each further attempt."""
        return iter(_WAITS)


def _auth(auth: Auth | None) -> httpx.Auth | None:
    import httpx

    class Bearer(httpx.Auth):
        def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
            request.headers["Authorization"] = f"Bearer {auth}"
            yield request

    class Password(httpx.Auth):
        """Digest if the server asks for it (Virtuoso does), Basic if not; never Basic before it is asked for."""

        def __init__(self, user: str, password: str) -> None:
            self._ways = {"digest": httpx.DigestAuth(user, password), "basic": httpx.BasicAuth(user, password)}
            self._way: httpx.Auth | None = None

        def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
            if self._way is None:
                response = yield request
                if response.status_code != 401:
                    return
                asked = response.headers.get("WWW-Authenticate", "").lower()
                self._way = self._ways["digest" if "digest" in asked else "basic"]
            yield from self._way.auth_flow(request)

    if isinstance(auth, str):
        return Bearer()
    return None if auth is None else Password(*auth)


def _whole(response: httpx.Response, accept: str, change: Callable[[bytes], bytes]) -> IO[bytes] | None:
    """Return what a server answered, None if it is not the whole answer. Raises StoreError if the server says so."""
    most = response.headers.get("X-SPARQL-MaxRows")
    if response.headers.get("X-SQL-State"):
        raise StoreError(f"{response.url}: the server ran out of time and answers in part only. Raise its limits")
    file = _Answer()
    rest = last = b""
    rows = 0
    for piece in response.iter_bytes(1 << 16):
        whole, newline, rest = (rest + piece).rpartition(b"\n")
        file.write(change(whole + newline))
        if most is not None:
            rows += sum(line.startswith(b"    {") for line in whole.split(b"\n"))  # as Virtuoso writes a row
        last = whole.rstrip()[-1:] or last
    file.write(change(rest))
    rows += rest.startswith(b"    {")
    last = rest.rstrip()[-1:] or last
    # A server that gives up in the middle of its answer has said 200 already (Oxigraph's does when time is over).
    if accept == JSON and last != b"}":
        return None
    if most is not None and most.isdigit() and rows >= int(most):
        raise StoreError(f"{response.url}: the server cuts answers at {most} rows. Raise its ResultSetMaxRows")
    file.seek(0)
    return cast("IO[bytes]", file)


def _is_passing(response: httpx.Response) -> bool:
    """Return whether Virtuoso says that transactions got in each other's way: it goes away by itself."""
    return response.status_code >= 500 and "40001" in response.text[:500]


def _said(response: httpx.Response) -> str:
    """Return the first lines of what a server says of an error; what follows is the text it was sent."""
    lines = response.text.split("\n\n")[0].split()
    said = " ".join(lines)[:500]
    return said or response.reason_phrase


def _next_step(response: httpx.Response, *, alone: bool = False) -> str:
    """Return what to do about a refusal; ``alone`` of an update that went where queries go, as none was told apart."""
    if response.status_code in (401, 403):
        return "Give a user or token that may do this: MLAOI_SPARQL_TOKEN, or MLAOI_SPARQL_USER and _PASSWORD"
    if response.status_code in (301, 302, 303, 307, 308):
        return f"Use the address it moved to: {response.headers.get('Location', '')}"
    if response.status_code == 413:
        return "Raise the server's limits for what it is sent and for what it answers"
    if alone:
        return (
            "It takes queries; say where updates go by MLAOI_SPARQL_UPDATE: /update of oxigraph serve, /sparql-auth of "
            "Virtuoso with MLAOI_SPARQL_USER and _PASSWORD"
        )
    endpoint = response.url.copy_with(path="/sparql", query=None, fragment=None)
    return f"Check the addresses for queries and updates: those of mlaoi-graph serve end in /sparql, as {endpoint}"
