"""Get the bytes behind a path or an address, or say why not.

The only way into the file system and the network for readers. Paths stay inside the source's own tree;
addresses need ``allow_network``, and an address that a *document* names is never followed to loopback,
private or link-local machines: the name is looked up first and the connection made to what was checked.
"""

from __future__ import annotations

import http.client
import ipaddress
import os
import socket
import ssl
import stat
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final
from urllib.parse import urljoin, urlsplit

from mlaoi_graph.errors import NetworkNotAllowed, SourceError, SourceNotFound

MAX_DOCUMENT_BYTES: Final = 64 * 1024 * 1024
"""Largest single JSON document read; NDJSON has this limit for each line, not for the file."""
_MAX_REDIRECTS = 5
_TIMEOUT_S = 30.0
_TOTAL_S = 300.0
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def check_source(source: str) -> None:
    """Raise SourceNotFound for a path that is not there and an address that is none."""
    try:
        if source.startswith(("http://", "https://")):
            if not urlsplit(source).hostname:
                raise SourceNotFound(source, "not an address")
        elif not source:
            raise SourceNotFound("''", "no source given")
        else:
            os.stat(source)
    except FileNotFoundError:
        raise SourceNotFound(source) from None
    except (OSError, ValueError) as error:  # a name too long, a null byte, "http://["
        raise SourceNotFound(source[:200], getattr(error, "strerror", None) or str(error)) from error


class DocumentTooLarge(SourceError):
    """A document is larger than what is read into memory at once."""

    def __init__(self, href: str, size: int) -> None:
        self.size = size
        super().__init__(
            f"{href}: {size:,} bytes, and one document may have {MAX_DOCUMENT_BYTES:,}. "
            "Publish large collections as NDJSON, one item a line"
        )


class OutsideTree(SourceError):
    """A document points at a file outside of its source's own folder."""

    def __init__(self, href: str) -> None:
        super().__init__(f"{href}: outside of the source's folder, not opened. Give that folder as a source too")


class NotAnApi(SourceError):
    """Collections were named of what is no STAC API."""

    def __init__(self, source: str) -> None:
        super().__init__(f"{source}: not a STAC API, so no collections can be chosen from it. Leave out --collection")


@dataclass(frozen=True, slots=True)
class Response:
    """What an address answered."""

    url: str
    """After redirects."""
    status: int
    body: bytes
    location: str | None = None
    retry_after: str | None = None


@dataclass(slots=True)
class Fetcher:
    """Opens what one source may open."""

    root: Path | None
    """Folder of a local source; None for a remote one."""
    allow_network: bool = False
    trusted: str | None = None
    """Host and port the user named himself, which may be private."""

    _inside: dict[str, bool] = field(default_factory=dict)
    """Of each folder met, whether it lies in the tree; a tree has few folders and many files."""

    def inside(self, path: str) -> bool:
        """Return whether a path below the root, links resolved, lies in the source's tree."""
        if self.root is None:
            return False
        if os.path.islink(path):
            return _is_below(os.path.realpath(path), os.path.realpath(self.root))
        folder = os.path.dirname(path)
        if folder not in self._inside:
            self._inside[folder] = _is_below(os.path.realpath(folder), os.path.realpath(self.root))
        return self._inside[folder]

    def open_path(self, path: str) -> BinaryIO:
        """Return a file of the source's tree (a path relative to its root), open to read.

        Raises OutsideTree, or SourceNotFound if it cannot be opened or is a pipe, a device or a folder.
        """
        return os.fdopen(self._opened(path)[0], "rb")

    def _opened(self, path: str) -> tuple[int, int]:
        """Return the descriptor of a file of the source's tree, and its size."""
        assert self.root is not None
        where = os.path.join(self.root, path)
        if not self.inside(where):
            raise OutsideTree(path)
        try:
            # Opening a pipe would wait for a writer; without blocking it can be looked at and let go.
            file = os.open(where, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
            found = os.fstat(file)
            if not stat.S_ISREG(found.st_mode):
                os.close(file)
                raise SourceNotFound(path, "a pipe, a device or a folder, and no file")
            return file, found.st_size
        except (OSError, ValueError) as error:  # a null byte is a ValueError
            raise SourceNotFound(path, getattr(error, "strerror", None) or str(error)) from error

    def read_path(self, path: str) -> bytes:
        """Return the bytes of a file of the source's tree.

        Raises OutsideTree, DocumentTooLarge, or SourceNotFound if it cannot be opened.
        """
        file, size = self._opened(path)
        try:
            if size > MAX_DOCUMENT_BYTES:
                raise DocumentTooLarge(path, size)
            # A file object for each would take as long again as reading.
            return b"".join(iter(lambda: os.read(file, size + 1), b""))
        finally:
            os.close(file)

    def read_url(self, url: str) -> tuple[str, bytes]:
        """Return the address after redirects and the bytes there.

        Raises NetworkNotAllowed for an address that may not be asked, SourceNotFound if it gives no answer.
        """
        answer = self.ask(url)
        if answer.status != 200:
            raise SourceNotFound(answer.url, f"the server answered {answer.status}")
        return answer.url, answer.body

    def ask(self, url: str, body: bytes | None = None) -> Response:
        """Return what an address answers, whatever its status, after redirects; JSON in ``body`` is posted to it.

        Raises NetworkNotAllowed for an address that may not be asked, SourceNotFound if it gives no answer.
        """
        for _ in range(_MAX_REDIRECTS):
            answer = self._ask(url, body)
            if answer.status not in (301, 302, 303, 307, 308) or not answer.location:
                return answer
            try:
                url = urljoin(url, answer.location)
            except ValueError as error:
                raise SourceNotFound(url, f"redirected to no address ({error})") from error
            if answer.status not in (307, 308):  # RFC 9110: only these have it posted again
                body = None
        raise SourceNotFound(url, f"more than {_MAX_REDIRECTS} redirects")

    def _ask(self, url: str, body: bytes | None) -> Response:
        if not self.allow_network:
            raise NetworkNotAllowed(url)
        try:
            parts = urlsplit(url)
            host = parts.hostname
        except ValueError as error:
            raise SourceNotFound(url, f"no address ({error})") from error
        if parts.scheme not in ("http", "https") or not host or parts.username is not None:
            reason = "only plain http and https addresses are read"
            raise NetworkNotAllowed(url, reason, "Give one without user and password, or a folder with a copy")
        headers = {"Accept": "application/geo+json, application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            port = parts.port or (443 if parts.scheme == "https" else 80)
            address = self._checked_address(url, parts.netloc, host, port)
            connection = _connection(parts.scheme, host, port, address)
            try:
                target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
                connection.request("GET" if body is None else "POST", target, body, headers)
                found = connection.getresponse()
                read = _read(found, url)
                return Response(url, found.status, read, found.getheader("Location"), found.getheader("Retry-After"))
            finally:
                connection.close()
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise SourceNotFound(url, f"no answer ({error})") from error

    def _checked_address(self, url: str, netloc: str, host: str, port: int) -> str:
        addresses = [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
        if netloc != self.trusted:
            for address in addresses:
                if not _is_public(address):
                    what = host if host == address else f"{host} ({address})"
                    raise NetworkNotAllowed(
                        url, f"{what} is a private or local machine", "Give it as the source itself to have it read"
                    )
        return addresses[0]


def _read(response: http.client.HTTPResponse, url: str) -> bytes:
    """Return the body, unless it is too large or comes so slowly that somebody means to keep us waiting."""
    deadline = time.monotonic() + _TOTAL_S
    body = bytearray()
    while chunk := response.read1(1 << 16):
        body += chunk
        if len(body) > MAX_DOCUMENT_BYTES:
            raise DocumentTooLarge(url, len(body))
        if time.monotonic() > deadline:
            raise SourceNotFound(url, f"not finished after {_TOTAL_S:.0f} seconds")
    return bytes(body)


def _is_below(path: str, root: str) -> bool:
    return path == root or path.startswith(root.rstrip(os.sep) + os.sep)


def _is_public(address: str) -> bool:
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return _is_public(str(inner))
    return ip.is_global and not ip.is_multicast


def is_private(netloc: str) -> bool:
    """Return whether an address says by itself that it leads to a private or local machine; no name is looked up.

    >>> is_private("127.0.0.1:8000"), is_private("nas.local"), is_private("[::1]"), is_private("example.com")
    (True, True, True, False)
    """
    host = (urlsplit(f"//{netloc}").hostname or "").rstrip(".")
    try:
        return not _is_public(host)
    except ValueError:  # a name
        return host == "localhost" or host.endswith((".localhost", ".local", ".internal", ".lan", ".home.arpa"))


def _connection(scheme: str, host: str, port: int, address: str) -> http.client.HTTPConnection:
    # Connecting to the checked address, not to the name again, closes the door to a second DNS answer.
    if scheme == "https":
        context = ssl.create_default_context()
        secure = http.client.HTTPSConnection(host, port, timeout=_TIMEOUT_S, context=context)
        raw = socket.create_connection((address, port), timeout=_TIMEOUT_S)
        secure.sock = context.wrap_socket(raw, server_hostname=host)
        return secure
    plain = http.client.HTTPConnection(host, port, timeout=_TIMEOUT_S)
    plain.sock = socket.create_connection((address, port), timeout=_TIMEOUT_S)
    return plain
