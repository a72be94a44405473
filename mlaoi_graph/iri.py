"""Make IRIs that every RDF engine accepts, from what documents call things.

Minted IRIs follow the paths of a STAC API, so a catalog built with ``--base https://host/stac/`` and
the API served there agree: ``<base>collections/<collection>/items/<id>``. Local paths never get in.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote, urlsplit

from pyoxigraph import NamedNode

DEFAULT_BASE: Final = "https://w3id.org/mlaoi/local/"
"""Base of minted IRIs unless a catalog names its own; nothing is served there."""

# What RFC 3987 allows bare, minus everything an N-Triples or SPARQL parser could trip over.
_PLAIN = re.compile(r"https?://[A-Za-z0-9.-]+(?::\d{1,5})?(?:[/?#][A-Za-z0-9._~!$&'()*+,;=:@/?-]*)?")
_KEEP = "/:?#@!$&'()*+,;=-._~%[]"
_UNREAD: Final = "#/unread"
_ELSEWHERE: Final = "#/elsewhere"
_PLAIN_SEGMENT = re.compile(r"[A-Za-z0-9._~!$'()*+,;=@:-]*")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?=[^\s])")
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
_BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


def is_absolute(href: str) -> bool:
    """Return whether ``href`` begins with a scheme (``https:``, ``s3:``, ``urn:``).

    A Windows path is not taken for one.

    >>> is_absolute("s3://bucket/key"), is_absolute("./item.json"), is_absolute("C:/data")
    (True, False, False)
    """
    return href.startswith(("https://", "http://")) or (bool(_SCHEME.match(href)) and not _DRIVE.match(href))


def is_iri(text: str) -> bool:
    """Return whether a text is an absolute IRI as it stands.

    >>> is_iri("urn:a"), is_iri("a"), is_iri("urn:a b"), is_iri("urn:\ufffd")
    (True, False, False, False)
    """
    try:
        NamedNode(text)
    except ValueError:
        return False
    return True


def safe_iri(href: str) -> str | None:
    """Return ``href`` as a valid absolute IRI, percent-encoding what RFC 3987 forbids; None if it cannot be one.

    >>> safe_iri("https://example.com/a b.json")
    'https://example.com/a%20b.json'
    >>> safe_iri("docker.io/image:1") is None
    True
    """
    if _PLAIN.fullmatch(href):
        return href
    href = href.strip()
    if not is_absolute(href):
        return None
    cleaned = _BAD_PERCENT.sub("%25", quote(href.encode("utf-8", "replace"), safe=_KEEP))
    if "[" in cleaned or "]" in cleaned:
        try:
            netloc = urlsplit(cleaned).netloc
        except ValueError:
            return None
        head, found, tail = cleaned.partition(netloc) if netloc else ("", "", cleaned)
        cleaned = head + found + tail.replace("[", "%5B").replace("]", "%5D")
    # Only the first "#" starts a fragment; a second one is not allowed in it.
    path, mark, fragment = cleaned.partition("#")
    cleaned = path + mark + fragment.replace("#", "%23")
    try:
        NamedNode(cleaned)
    except ValueError:
        return None
    return cleaned


def segment(text: str) -> str:
    """Return ``text`` as one path segment.

    >>> segment("a/b c"), segment("..")
    ('a%2Fb%20c', '%2E%2E')
    """
    if text in (".", ".."):
        return text.replace(".", "%2E")
    if _PLAIN_SEGMENT.fullmatch(text):
        return text
    # Bytes of a file name that are no text come as lone surrogates, and stay apart.
    return quote(text.encode("utf-8", "surrogatepass"), safe="-._~!$'()*+,;=@:")


_DOI = re.compile(r"(?:https?://(?:dx\.|www\.)?doi\.org/|doi:\s*)?(10\.\d[\d.]*/\S+)", re.IGNORECASE)


def doi(text: str) -> str | None:
    """Return the bare DOI in a DOI, a ``doi:`` name or an address of doi.org; None for anything else.

    In lower case: the case of a DOI has no meaning (DOI Handbook, 2.4).

    >>> doi("https://doi.org/10.1109/JSTARS.2019.2918242")
    '10.1109/jstars.2019.2918242'
    """
    found = _DOI.fullmatch(text.strip())
    return found.group(1).lower() if found else None


def sub(iri: str, name: str) -> str:
    """Return an IRI for something that belongs to ``iri`` (its area, its geometry, one link of it).

    >>> sub("https://example.com/x.json", "area"), sub("https://example.com/x.json#area", "geometry")
    ('https://example.com/x.json#area', 'https://example.com/x.json#area-geometry')
    """
    return f"{iri}-{name}" if "#" in iri else f"{iri}#{name}"


def unread(document: str) -> str:
    """Return the IRI of what is noted of samples that a document speaks of and that cannot be read.

    No member of a file has it: a slash at the start of an id is escaped.

    >>> unread("https://example.com/x.json")
    'https://example.com/x.json#/unread'
    """
    return f"{document}{_UNREAD}"


def elsewhere(document: str) -> str:
    """Return the IRI of what is noted of samples and parts that a document speaks of and that are in another source.

    >>> elsewhere("https://example.com/x.json")
    'https://example.com/x.json#/elsewhere'
    """
    return f"{document}{_ELSEWHERE}"


def is_beside(iri: str) -> bool:
    """Return whether :func:`unread` or :func:`elsewhere` made that IRI."""
    return iri.endswith((_UNREAD, _ELSEWHERE))


def beside(iri: str) -> str:
    """Return the document that one is beside; of any other document, itself.

    >>> beside(unread("https://example.com/x.json")), beside("https://example.com/x.json#/features/1")
    ('https://example.com/x.json', 'https://example.com/x.json#/features/1')
    """
    return iri.removesuffix(_UNREAD).removesuffix(_ELSEWHERE)


def owner(iri: str, name: str) -> str:
    """Return the IRI that :func:`sub` made ``iri`` of with that name; ``iri`` itself if it did not.

    >>> owner(sub("https://example.com/x#s", "area"), "area")
    'https://example.com/x#s'
    """
    return iri.removesuffix(f"#{name}") if iri.endswith(f"#{name}") else iri.removesuffix(f"-{name}")


def part(dataset: str, split: str) -> str:
    """Return the IRI of one split of a dataset.

    >>> part("https://example.com/eurosat", "train")
    'https://example.com/eurosat/train'
    """
    if "#" in dataset:
        return f"{dataset}-{segment(split)}"
    return f"{dataset.rstrip('/')}/{segment(split)}"


def is_part(iri: str, dataset: str) -> bool:
    """Return whether :func:`part` may have made an IRI of that dataset's.

    >>> is_part("https://example.com/eurosat/train", "https://example.com/eurosat")
    True
    >>> is_part("https://example.com/eurosat/items/1", "https://example.com/eurosat")
    False
    """
    start = part(dataset, "")
    return iri.startswith(start) and "/" not in iri[len(start) :]


def pointer_iri(document: str, pointer: str) -> str:
    """Return the IRI of a place in a document, from its JSON pointer.

    >>> pointer_iri("https://example.com/m.json", "/links/3")
    'https://example.com/m.json#/links/3'
    """
    encoded = quote(pointer.encode("utf-8", "replace"), safe="/:~-._")
    return f"{document}{encoded}" if "#" in document else f"{document}#{encoded}"


def tail(iri: str) -> str:
    """Return the last readable piece of an IRI, for showing where there is no label.

    >>> tail("https://example.com/v1/collections/sentinel-2-l2a")
    'sentinel-2-l2a'
    """
    return iri.rstrip("/#").replace("#", "/").rsplit("/", 1)[-1] or iri


def item(base: str, collection: str | None, identifier: str) -> str:
    """Return the minted IRI of a STAC item."""
    if collection is None:
        return f"{base}items/{segment(identifier)}"
    return f"{base}collections/{segment(collection)}/items/{segment(identifier)}"


def collection(base: str, identifier: str) -> str:
    """Return the minted IRI of a STAC collection."""
    return f"{base}collections/{segment(identifier)}"


def catalog(base: str, identifier: str) -> str:
    """Return the minted IRI of a STAC catalog."""
    return f"{base}catalogs/{segment(identifier)}"


def unresolved(base: str, name: str) -> str:
    """Return the minted IRI of something of which only a name is known; case and spacing do not matter.

    >>> unresolved("https://example.com/", "EuroSat  Sentinel-2")
    'https://example.com/unresolved/eurosat%20sentinel-2'
    """
    return f"{base}unresolved/{segment(' '.join(name.split()).casefold())}"


def check_base(base: str) -> str:
    """Return ``base`` ending in ``/``; raise ValueError if IRIs cannot start with it."""
    base = base if base.endswith("/") else base + "/"
    if safe_iri(base) != base or not base.startswith(("http://", "https://")) or "#" in base or "?" in base:
        raise ValueError(f"{base!r} cannot start IRIs: give an http(s) address without ? and #")
    return base
