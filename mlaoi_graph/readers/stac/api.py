"""Ask a STAC API for its collections and their items, page by page.

pystac-client knows how APIs page, by GET and by POST; every request it makes goes through our own
:class:`~mlaoi_graph.readers.fetch.Fetcher`, so an answer cannot lead it to a machine the user did not name.
"""

from __future__ import annotations

import difflib
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import quote, urlencode, urljoin

import orjson
from pystac import Link, STACError
from pystac.link import HREF

from mlaoi_graph.errors import MissingExtra, SourceNotFound
from mlaoi_graph.plural import many
from mlaoi_graph.readers.fetch import Fetcher
from mlaoi_graph.readers.stac import content
from mlaoi_graph.readers.stac.content import Json

try:
    from pystac_client import Client
    from pystac_client.exceptions import APIError
    from pystac_client.stac_api_io import StacApiIO
except ImportError:
    raise MissingExtra("api", needed_for="reading a STAC API") from None

__all__ = ["Api"]

_PAGE: Final = 100
"""Items asked for at a time: what most APIs give if not asked."""
_TRIES: Final = 5
_PASSING: Final = frozenset({429, 500, 502, 503, 504})
"""What a server answers that may do better in a moment."""
_LONGEST_WAIT_S: Final = 60.0


class Api:
    """One STAC API, given its landing page."""

    def __init__(self, url: str, landing: Json, fetcher: Fetcher) -> None:
        self._url = url
        self._io = _Requests(url, fetcher)
        self.odd = 0
        """How many of the collections listed are none."""
        with _understood(url):
            self._data = urljoin(url, content.link_href(landing, "data") or f"{url.rstrip('/')}/collections")
        searches = [link for _, link in content.links_of(landing) if link.get("rel") == "search"]
        self._method = "POST" if any(link.get("method") == "POST" for link in searches) else "GET"

    def address(self, collection: str, *more: str) -> str:
        """Return the address of a collection, or of something below it."""
        return "/".join([self._data.rstrip("/"), *(quote(piece, safe="") for piece in (collection, *more))])

    def collections(self, named: Sequence[str]) -> Iterator[tuple[str, Json]]:
        """Yield address and document of the collections named, of all if none is. Raises SourceError."""
        if named:
            # All are asked for before any is read: one that is not there is an error of who named it.
            yield from [(self.address(name), self._collection(name)) for name in named]
            return
        for page in self._pages(self._data):
            listed = page.get("collections") if isinstance(page, dict) else None
            for found in listed if isinstance(listed, list) else ():
                name = content.identifier_of(found) if isinstance(found, dict) else None
                if name is not None:
                    yield self.address(name), found
                else:
                    self.odd += 1

    def _collection(self, name: str) -> Json:
        try:
            with _understood(self.address(name)):
                found = self._io.read_json(self.address(name))
        except _Answered as error:
            if error.status != 404:
                raise
            listed = [content.identifier_of(found) or "" for _, found in self.collections(())]
            near = difflib.get_close_matches(name, listed, n=5)
            known = f"Near it are {', '.join(near)}" if near else f"Its collections are listed at {self._data}"
            raise SourceNotFound(self.address(name), f"the server answered 404. {known}") from None
        if not isinstance(found, dict):
            raise SourceNotFound(self.address(name), "not a collection")
        return found

    def items(self, collection: str, *, views: bool = False) -> Iterator[tuple[str, Json]]:
        """Yield address and document of a collection's items; for views of items the address of what they show.

        Raises SourceError, after what came before that: also where it is not all that the API says there is.
        """
        odd, others, matched, given = 0, 0, 0, set()
        for page in self._item_pages(collection):
            matched = max(matched, content.matched_of(page) or 0)
            for found in page["features"]:
                name = content.identifier_of(found) if isinstance(found, dict) else None
                if name is None or content.form_of(found) is not content.Form.ITEM:
                    odd += 1
                    continue
                given.add(hash(name))
                others += content.text(found.get("collection")) not in (None, collection)
                shown = content.link_href(found, "canonical") if views else None
                # What is shown here is here: nobody speaks for another's documents.
                is_here = shown is not None and shown.startswith(self.address(""))
                yield shown if is_here and shown else self.address(collection, "items", name), found
        # pystac-client takes an answer without features, whatever it is, for the end.
        odd += not isinstance(self._io.last.get("features"), list)
        if odd or others or matched > len(given):
            told = f"{odd} of what it answered is no item, " if odd else ""
            told += f"{others} of the items name another collection, " if others else ""
            told += f"{len(given)} items came" + (f" of the {matched} it speaks of" if matched else "")
            raise SourceNotFound(self.address(collection, "items"), told)

    def _item_pages(self, collection: str) -> Iterator[Any]:
        with _understood(self._url):
            client = Client.open(self._url, stac_io=self._io)
        if not client.conforms_to("ITEM_SEARCH"):
            yield from self._pages(self.address(collection, "items"), {"limit": _PAGE})
            return
        with _understood(self._url):
            search = client.search(method=self._method, collections=[collection], limit=_PAGE)
            pages = search.pages_as_dicts()
        yield from _each(pages, self._url)

    def _pages(self, url: str, parameters: dict[str, Any] | None = None) -> Iterator[Any]:
        return _each(self._io.get_pages(url, parameters=parameters), url)


def _each(pages: Iterator[Any], url: str) -> Iterator[Any]:
    while True:
        with _understood(url):
            page = next(pages, None)
        if page is None:
            return
        yield page


@contextmanager
def _understood(url: str) -> Iterator[None]:
    """Turn what pystac and pystac-client raise for an answer that is not as it should be."""
    try:
        yield
    except (APIError, STACError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise SourceNotFound(url, f"not what a STAC API answers ({type(error).__name__}: {error})") from error


class _Answered(SourceNotFound):
    """The server answered, and not with a document."""

    def __init__(self, url: str, status: int, times: int) -> None:
        self.status = status
        super().__init__(url, f"the server answered {status}, asked {many(times, 'time', 'times')}")


class _Requests(StacApiIO):
    """pystac-client's requests, made by our fetcher: its rules hold, and what may pass is tried again."""

    def __init__(self, url: str, fetcher: Fetcher) -> None:
        super().__init__()
        self._at = url
        self._fetcher = fetcher
        self._asked: set[tuple[str, bytes | None]] = set()
        self.last: Json = {}
        """The last page it was answered."""

    def read_json(self, source: HREF, *args: Any, **kwargs: Any) -> Json:
        """Return the JSON object at an address."""
        self.last = super().read_json(source, *args, **kwargs)
        return self.last

    def read_text(self, source: HREF, *args: Any, **kwargs: Any) -> str:
        """Return the text at an address; what is none is no file of this machine, as pystac-client would have it."""
        if isinstance(source, Link):
            return super().read_text(source, *args, **kwargs)
        return self.request(str(source), *args, **kwargs)

    def request(
        self,
        href: str,
        method: str | None = None,
        headers: dict[str, str] | None = None,
        parameters: dict[str, Any] | None = None,
    ) -> str:
        """Return the text an address answers. Raises SourceError."""
        url = urljoin(self._at, href)  # a ValueError for what is no address is told by who asked
        body = None
        if (method or "GET").upper() == "POST":
            body = orjson.dumps(parameters or {})
        elif parameters:
            url += ("&" if "?" in url else "?") + urlencode(parameters)
        if (url, body) in self._asked and url != self._at:
            raise SourceNotFound(url, "its pages lead round in a circle")
        self._asked.add((url, body))
        return self._answer(url, body).decode("utf-8", "replace")

    def _answer(self, url: str, body: bytes | None) -> bytes:
        for attempt in range(1, _TRIES + 1):
            try:
                answer = self._fetcher.ask(url, body)
            except SourceNotFound as error:
                if attempt == _TRIES:
                    raise SourceNotFound(url, f"no answer, asked {_TRIES} times ({error})") from error
                time.sleep(_wait(attempt, None))
                continue
            if answer.status == 200:
                return answer.body
            if answer.status not in _PASSING or attempt == _TRIES:
                raise _Answered(url, answer.status, attempt)
            time.sleep(_wait(attempt, answer.retry_after))
        raise AssertionError


def _wait(attempt: int, retry_after: str | None) -> float:
    """Return how many seconds to wait before asking again: what the server wants, else longer each time.

    >>> _wait(1, None), _wait(4, None), _wait(1, "7"), _wait(1, "86400"), _wait(2, "Wed, 21 Oct 2015 07:28:00 GMT")
    (0.5, 4.0, 7.0, 60.0, 1.0)
    """
    wanted = float(retry_after) if retry_after is not None and retry_after.isdecimal() else 0.25 * 2**attempt
    return min(wanted, _LONGEST_WAIT_S)
