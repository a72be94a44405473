"""GeoParquet files of samples that a STAC document of a dataset links to: each is a document beside it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from io import BytesIO
from typing import BinaryIO, Final

from mlaoi_graph import iri as iris
from mlaoi_graph.errors import GeometryError, MissingExtra, SourceError, SourceNotFound
from mlaoi_graph.model import Severity
from mlaoi_graph.readers import Context, Kind, Outcome, ReadDocument, Target
from mlaoi_graph.readers.fetch import OutsideTree
from mlaoi_graph.readers.stac import content
from mlaoi_graph.readers.stac.content import Json, text
from mlaoi_graph.readers.stac.resolve import Resolver
from mlaoi_graph.readers.stac.walk import Place, Raw, Walk

__all__ = ["documents"]

_RELS: Final = ("samples", "items", "data")
_MOST_BYTES: Final = 1 << 30


def documents(raw: Raw, walk: Walk, resolver: Resolver, context: Context) -> Iterator[ReadDocument]:
    """Yield a document for each file of samples that can be read; what cannot be is a finding of the STAC document.

    A file that cannot be looked at this time leaves what the catalog holds of it as it was.
    """
    files = list(_files(raw.data))
    if not files:
        return
    target = resolver.describe(raw)
    if target is None or target.kind is not Kind.DATASET:
        return
    for pointer, key, href in files:
        if href is None:
            raw.note(pointer, "samples-not-read", "it speaks of samples in no file that can be read")
            raw.missing.append(f"what is at {pointer}")
            continue
        iri = iris.sub(raw.iri, f"samples-{iris.segment(key)}")
        place = walk.place_of(href, raw)
        if place is None:
            is_web = href.startswith(("http://", "https://"))
            rule, why = walk.why_not(href) if is_web else ("samples-not-read", f"{href} cannot be opened here")
            raw.note(pointer, rule, why, Severity.INFO)
            raw.missing.append(href)
            yield ReadDocument(iri, Outcome.SKIPPED)
            continue
        try:
            with _opened(place, walk) as file:
                walk.beside.add(place.name)
                document = _document(iri, file, walk.shown(place), target, context)
        except MissingExtra as error:
            raw.note(pointer, "samples-not-read", str(error), Severity.INFO)
            raw.missing.append(href)
            yield ReadDocument(iri, Outcome.SKIPPED)
        except (SourceError, GeometryError) as error:
            raw.note(pointer, "samples-not-read", str(error))
            raw.missing.append(href)
            yield ReadDocument(iri, Outcome.FAILED)
        else:
            if document is None:
                raw.note(pointer, "samples-not-read", f"{href} is a table without geometries", Severity.INFO)
                continue
            told = "" if document.samples is None else document.samples.report(iri).said()
            if told:
                raw.note(pointer, "samples-doubtful", f"of the rows of {href} {told}")
            yield document


def _document(iri: str, file: BinaryIO, shown: str, dataset: Target, context: Context) -> ReadDocument | None:
    """Return the samples of a file as a document; None if it is no GeoParquet."""
    from mlaoi_graph import samples

    digest = samples.digest_of(file)
    content_hash = f"sha256:{digest}"
    if context.known.is_unchanged(iri, content_hash):
        return ReadDocument(iri, Outcome.UNCHANGED, content_hash=content_hash, shown=shown)
    if not samples.is_geoparquet(file, shown):
        return None
    found = samples.read_file(file, shown, digest)
    return ReadDocument(
        iri,
        Outcome.READ,
        list(found.statements(iri, dataset.iri, dataset.label)),
        content_hash=content_hash,
        shown=shown,
        samples=found,
    )


def _files(data: Json) -> Iterator[tuple[str, str, str | None]]:
    """Yield pointer, key and href of files of samples: Parquet in assets, and links to samples, items or data.

    Without an href is what speaks of such a file and is none that can be read.
    """
    assets = data.get("assets")
    entries = assets.items() if isinstance(assets, dict) else [("", assets)] if assets else ()
    for key, asset in entries:
        pointer = f"/assets/{key}" if key else "/assets"
        if isinstance(asset, dict):
            if content.is_parquet(asset):
                yield pointer, key, text(asset.get("href"))
        elif asset is not None and "parquet" in (content.dumps(asset) or "").lower():
            yield pointer, key, None
    for index, link in content.links_of(data):
        rel = link.get("rel")
        if rel in _RELS and content.is_parquet(link):
            href = text(link.get("href"))
            yield f"/links/{index}", f"link-{iris.tail(href or '')}", href
        elif rel == "samples":
            yield f"/links/{index}", "", None


def _opened(place: Place, walk: Walk) -> BinaryIO:
    if place.path is None:
        return BytesIO(walk.read(place))
    if walk.leads_out(place):
        raise OutsideTree(place.path)
    if not walk.exists(place.path):
        raise SourceNotFound(place.path, "no such file")
    file = walk.fetcher.open_path(place.path)
    size = os.fstat(file.fileno()).st_size
    if size > _MOST_BYTES:
        file.close()
        raise SourceError(f"{place.path}: {size:,} bytes. Add it by hand: mlaoi-graph samples DIR DATASET FILE")
    return file
