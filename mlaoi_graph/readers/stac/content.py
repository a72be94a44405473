"""Tell what a parsed JSON document is, from what it contains and never from what it claims alone."""

from __future__ import annotations

import hashlib
import json
import re
from enum import Enum
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlsplit

import orjson
from pystac import STACError, STACTypeError
from pystac.serialization import identify_stac_object, migrate_to_latest

from mlaoi_graph import iri as iris
from mlaoi_graph.lineage_fields import HOLDS, node_class
from mlaoi_graph.readers import Kind

Json = dict[str, Any]


class Form(Enum):
    """What kind of JSON document it is."""

    CATALOG = "STAC Catalog"
    COLLECTION = "STAC Collection"
    ITEM = "STAC Item"
    ITEM_COLLECTION = "STAC ItemCollection"
    TRAINING_DML = "OGC TrainingDML-AI dataset"
    OGC_RECORD = "OGC API record"
    GEOJSON = "GeoJSON without STAC"
    OTHER = "other JSON"


class NotJson(ValueError):
    """Text that is no JSON, or not strictly; ``place`` is ``line:column``."""

    def __init__(self, reason: str, place: str) -> None:
        self.place = place
        super().__init__(reason)


def content_hash(data: bytes) -> str:
    """Return ``sha256:`` and the digest of the bytes."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def parse(data: bytes) -> tuple[Any, NotJson | None]:
    """Return the JSON value, and a remark if it was not strictly JSON (NaN, lone surrogates, a byte order mark).

    Of a key that is there twice, the last counts. Raises NotJson; nesting beyond what the parsers take (about 1,000
    levels) is NotJson too.
    """
    try:
        return orjson.loads(data), None
    except orjson.JSONDecodeError as error:
        strict = error
    place = f"{strict.lineno}:{strict.colno}"
    try:
        # The standard parser takes what careless writers produce: NaN, Infinity, "\ud800". A lone surrogate is in no
        # encoding, so it goes at once; NaN stays for those who look at numbers.
        loose = json.dumps(json.loads(data), ensure_ascii=False).encode("utf-8", "replace")
        return json.loads(loose), NotJson(f"not strict JSON ({strict.msg}); read all the same", place)
    except (ValueError, RecursionError):
        raise NotJson(f"not JSON: {strict.msg}", place) from None


def dumps(value: Any) -> str | None:
    """Return a parsed JSON value as JSON text, its own order of keys kept; None if it is nested too deep for that."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # an integer of more than 64 bits, or more than 254 levels
        pass
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except RecursionError:
        return None


TYPES: Final = {
    Form.ITEM: "Feature",
    Form.ITEM_COLLECTION: "FeatureCollection",
    Form.COLLECTION: "Collection",
    Form.CATALOG: "Catalog",
}
"""What the ``type`` of a document is."""


def form_of(data: Any) -> Form:
    """Return what a parsed document is: by its type, or by its shape where that is missing or wrong.

    >>> form_of({"type": "feature", "stac_version": "1.1.0", "geometry": None, "properties": {}})
    <Form.ITEM: 'STAC Item'>
    """
    if not isinstance(data, dict):
        return Form.OTHER
    declared = data.get("type")
    if isinstance(declared, str) and declared.startswith("AI_") and declared.endswith("TrainingDataset"):
        return Form.TRAINING_DML
    if declared != "Feature" and declared != "FeatureCollection":
        shape = _shape(data)
        declared = shape if shape == "Feature" or declared not in ("Collection", "Catalog") else declared
    if declared == "Feature":
        if "stac_version" in data:
            return Form.ITEM
        if "conformsTo" in data:
            return Form.OGC_RECORD
        # Early and careless writers leave the version out; assets and links are what makes an item.
        return Form.ITEM if "assets" in data and "links" in data else Form.GEOJSON
    if declared == "FeatureCollection":
        features = data.get("features")
        if isinstance(features, list) and any(form_of(feature) is Form.ITEM for feature in features[:20]):
            return Form.ITEM_COLLECTION
        return Form.GEOJSON
    if declared == "Collection":
        return Form.COLLECTION
    return Form.CATALOG if declared == "Catalog" else Form.OTHER


def _shape(data: Json) -> str | None:
    """Return the type of what has such fields; None if they do not tell. Before STAC 1.0 collections had no type."""
    is_stac = "stac_version" in data
    if "extent" in data and (is_stac or ("license" in data and "links" in data)):
        return "Collection"
    if "geometry" in data and isinstance(data.get("properties"), dict):
        return "Feature"
    if isinstance(data.get("features"), list):
        return "FeatureCollection"
    if not is_stac:
        return None
    return "Collection" if "license" in data else "Catalog" if isinstance(data.get("links"), list) else None


def is_api(data: Json) -> bool:
    """Return whether a catalog is the landing page of a STAC API."""
    conforms = data.get("conformsTo")
    return isinstance(conforms, list) and any(isinstance(c, str) and "api.stacspec.org" in c for c in conforms)


def one_text(value: Any) -> str | None:
    """Return a text, or the one text in a list, as summaries have it; None for anything else."""
    return text(value[0] if isinstance(value, list) and len(value) == 1 else value)


def split_of(properties: Json) -> str | None:
    """Return an item's split."""
    return one_text(properties.get("ml-aoi:split"))


def pages_after(page: Json, given: int) -> str | None:
    """Return what says that a page of items is not all there are; None if nothing does.

    >>> pages_after({"numberMatched": 7}, 5), pages_after({"numberMatched": 5, "links": [{"rel": "next"}]}, 5)
    ('7 items in all are spoken of, and 5 are here', None)
    """
    matched = matched_of(page)
    if matched is not None:
        return f"{matched} items in all are spoken of, and {given} are here" if matched > given else None
    return "a next page is spoken of" if any(link.get("rel") == "next" for _, link in links_of(page)) else None


def matched_of(page: Json) -> int | None:
    """Return how many items a page says there are in all; None if it does not say."""
    context = page.get("context")
    for fields, name in ((page, "numberMatched"), (context if isinstance(context, dict) else {}, "matched")):
        matched = fields.get(name)
        if isinstance(matched, int) and not isinstance(matched, bool):
            return matched
    return None


_PARQUET: Final = re.compile(r"\.(?:geo)?parquet(?:[?#]|$)", re.I)
_SAYS_NOTHING: Final = (None, "application/octet-stream")


def is_parquet(what: Json) -> bool:
    """Return whether an asset or link says that it leads to Parquet: by its type, or by its href if it has none.

    >>> is_parquet({"type": "application/x-geoparquet"}), is_parquet({"href": "a.parquet", "type": "text/html"})
    (True, False)
    """
    said, href = one_text(what.get("type")), what.get("href")
    # The first tests are for speed: every asset and link of every item comes by here.
    if said in _SAYS_NOTHING:
        return isinstance(href, str) and "arquet" in href.lower() and bool(_PARQUET.search(href))
    return "arquet" in said.lower() and said.partition(";")[0].strip().lower().endswith("parquet")


_CURRENT = re.compile(r"1\.0\.\d+|1\.1\.\d+")


def migrated(data: Json) -> tuple[Json, str | None]:
    """Return a STAC document as of 1.0 or 1.1, and a remark if it was older and had to be brought up to date.

    pystac knows what changed between versions. A document it cannot make sense of is left as it is.
    """
    version = data.get("stac_version")
    if version is None or (isinstance(version, str) and _CURRENT.fullmatch(version)):
        return data, None
    try:
        migrated = migrate_to_latest(data, identify_stac_object(data))
    except (STACError, STACTypeError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        migrated = data
    if migrated.get("stac_version") == version:  # pystac leaves what is newer than it knows
        return data, f"STAC {version!r} is not 1.0 or 1.1; read as if it were"
    return migrated, f"STAC {version}; read as pystac migrates it to {migrated['stac_version']}"


_MODEL_EXTENSION = re.compile(
    r"stac-extensions(?:\.github\.io)?/(?:mlm|ml-model|dlm)/|crim-ca\.github\.io/(?:mlm|dlm)-extension/|/dl-model/"
)
_ML_AOI_EXTENSION = re.compile(r"stac-extensions\.github\.io/ml-aoi/|^ml-aoi$")
_MODEL_PREFIXES = ("mlm:", "ml-model:", "dlm:")
_MODEL_ROLES = re.compile(r"^(?:mlm:|ml-model:|dlm:|ml-model$)")


@lru_cache(maxsize=4096)
def _extension_marks(extensions: tuple[str, ...]) -> tuple[bool, bool]:
    return (
        any(_MODEL_EXTENSION.search(extension) for extension in extensions),
        any(_ML_AOI_EXTENSION.search(extension) for extension in extensions),
    )


def extensions_of(data: Json) -> tuple[str, ...]:
    """Return the declared extensions that are text."""
    found = data.get("stac_extensions")
    return tuple(e for e in found if isinstance(e, str)) if isinstance(found, list) else ()


def lineage_fields_of(data: Json) -> Json:
    """Return where a document has its ``lineage:`` fields: an item among its properties, others at the top."""
    if data.get("type") != "Feature":
        return data
    properties = data.get("properties")
    return properties if isinstance(properties, dict) else {}


def lineage_kind(data: Json) -> str | None:
    """Return the ``lineage:kind`` of a document that says all of a node in our own fields; None for any other."""
    fields = lineage_fields_of(data)
    kind = fields.get("lineage:kind")
    return kind if node_class(kind) is not None and lineage_iri(fields) is not None else None


def held_by(collection: Json) -> str | None:
    """Return what is in a collection that is about nothing itself: ``things`` or ``views``; None for any other."""
    found = collection.get(HOLDS)
    return found if found in ("things", "views") else None


def lineage_iri(fields: Json) -> str | None:
    """Return the ``lineage:iri`` of a document's fields, or of a link."""
    found = text(fields.get("lineage:iri"))
    return iris.safe_iri(found) if found is not None else None


def is_model_item(data: Json) -> bool:
    """Return whether an item describes a model: model properties, or a model extension and a model asset."""
    kind = lineage_kind(data)
    if kind is not None:
        return kind in ("model", "family")
    properties = data.get("properties")
    if isinstance(properties, dict):
        for key in properties:
            if key.startswith(_MODEL_PREFIXES):
                return True
    return _extension_marks(extensions_of(data))[0]


def is_ml_aoi(data: Json) -> bool:
    """Return whether an item or collection takes part in ML-AOI."""
    properties = data.get("properties")
    if isinstance(properties, dict) and "ml-aoi:split" in properties:
        return True
    return _extension_marks(extensions_of(data))[1]


def is_label_item(data: Json) -> bool:
    """Return whether an item carries label extension fields."""
    properties = data.get("properties")
    return isinstance(properties, dict) and any(key.startswith("label:") for key in properties)


def collection_kind(data: Json) -> Kind | None:
    """Return what a collection is by its own fields: model, container of models, archive; None if they do not tell."""
    kind = lineage_kind(data)
    if kind in ("dataset", "archive"):
        return Kind(kind)
    if held_by(data) is not None:
        return Kind.CONTAINER
    if any(key.startswith(_MODEL_PREFIXES) for key in data):
        return Kind.MODEL
    if data.get("osc:type") == "project":
        return Kind.CONTAINER
    summaries = data.get("summaries")
    if isinstance(summaries, dict) and any(key.startswith(_MODEL_PREFIXES) for key in summaries):
        return Kind.CONTAINER
    item_assets = data.get("item_assets")
    if isinstance(item_assets, dict):
        for asset in item_assets.values():
            roles = asset.get("roles") if isinstance(asset, dict) else None
            if isinstance(roles, list) and any(isinstance(r, str) and _MODEL_ROLES.match(r) for r in roles):
                return Kind.CONTAINER
    return Kind.ARCHIVE if _is_archive(data) else None


def _is_archive(data: Json) -> bool:
    """Return whether a collection is a sensor's open-ended archive: whole world, no end, a named sensor."""
    summaries = data.get("summaries")
    sensor = isinstance(summaries, dict) and any(
        key in summaries for key in ("constellation", "platform", "instruments")
    )
    sensor = sensor or is_archive_address(f"/collections/{data.get('id')}")
    extent = data.get("extent")
    if not sensor or not isinstance(extent, dict):
        return False
    try:
        west, south, *_, east, north = extent["spatial"]["bbox"][0]
        end = extent["temporal"]["interval"][0][1]
        return end is None and east - west >= 359 and north - south >= 130
    except (KeyError, IndexError, TypeError, ValueError):
        return False


_ARCHIVE_ID: Final = re.compile(
    r"/collections/(?:sentinel-?[1-6]|landsat|naip$|modis|hls|cop-dem|alos-|goes-|viirs|aster)[^/]*/?$",
    re.IGNORECASE,
)


def is_archive_address(address: str) -> bool:
    """Return whether an address is that of a well-known open-ended archive at some STAC API.

    >>> is_archive_address("https://earth-search.aws.element84.com/v1/collections/sentinel-2-l2a")
    True
    >>> is_archive_address("https://example.com/collections/my-fields")
    False
    """
    return bool(_ARCHIVE_ID.search(address))


_WEIGHTS = re.compile(
    r"\.(?:pt|pth|ckpt|safetensors|onnx|h5|keras|tflite|pt2|pte|cbm|gguf)(?:\.(?:zip|gz|tar\.gz))?$", re.I
)
_DATA_FILE = re.compile(
    r"\.(?:tiff?|vrt|jp2|png|jpe?g|csv|parquet|geoparquet|gpkg|shp|zarr|nc|hdf5?|npz?|tfrecords?|fgb)$", re.I
)


def kind_by_suffix(address: str) -> Kind | None:
    """Return what a file's name says it is: weights are a model, rasters and tables are data; None otherwise."""
    path = address.partition("?")[0].partition("#")[0]
    if _WEIGHTS.search(path):
        return Kind.MODEL
    return Kind.DATASET if _DATA_FILE.search(path) else None


_MODEL_PATH = re.compile(r"/models?(?:/|$)|/(?:[^/]*-)?weights?(?:/|$)|/torchvision\.models", re.I)
_DATA_PATH = re.compile(r"/(?:datasets?|data|collections?|records?)(?:/|$)", re.I)


def kind_by_path(address: str) -> Kind:
    """Return what an address says it leads to by the words of its path; unknown for most.

    >>> kind_by_path("https://docs.example.com/models/yolo/"), kind_by_path("https://example.com/about")
    (<Kind.MODEL: 'model'>, <Kind.UNKNOWN: 'unknown'>)
    """
    path = urlsplit(address).path
    if is_archive_address(address):
        return Kind.ARCHIVE
    if _MODEL_PATH.search(path):
        return Kind.MODEL
    return Kind.DATASET if _DATA_PATH.search(path) else Kind.UNKNOWN


def links_of(data: Json) -> list[tuple[int, Json]]:
    """Return the links that are objects, each with its index."""
    links = data.get("links")
    if not isinstance(links, list):
        return []
    return [(index, link) for index, link in enumerate(links) if isinstance(link, dict)]


def lost_links(data: Json) -> bool:
    """Return whether links are no list of objects, or one has no rel: then it is not known what all of them say."""
    links = data.get("links", [])
    return not isinstance(links, list) or any(not isinstance(link, dict) or not text(link.get("rel")) for link in links)


def link_href(data: Json, rel: str) -> str | None:
    """Return the href of the first link with that rel."""
    links = data.get("links")
    if isinstance(links, list):
        for link in links:
            if isinstance(link, dict) and link.get("rel") == rel:
                href = link.get("href")
                if isinstance(href, str):
                    return href
    return None


def self_iri(data: Json) -> str | None:
    """Return the absolute self link as an IRI."""
    href = link_href(data, "self")
    if href is None or not href.startswith(("http://", "https://")):
        return None
    return iris.safe_iri(href)


def text(value: Any) -> str | None:
    """Return a non-empty string, or None for anything else."""
    return value if isinstance(value, str) and value else None


def texts(value: Any) -> tuple[str, ...]:
    """Return the strings of a list (or the one string), each once, in order."""
    if isinstance(value, str):
        return (value,) if value else ()
    if isinstance(value, list):
        return tuple(dict.fromkeys(entry for entry in value if isinstance(entry, str) and entry))
    return ()


def identifier_of(data: Json) -> str | None:
    """Return the document's id; numbers are taken as their text."""
    found = data.get("id")
    if isinstance(found, int) and not isinstance(found, bool):
        return str(found)
    return text(found)


def node_iri(data: Json, form: Form, base: str, collection: str | None = None) -> str | None:
    """Return the IRI of what the document is about; None without an id.

    It is its ``lineage:iri``, else its absolute self link, else minted.
    """
    found = lineage_iri(lineage_fields_of(data)) or self_iri(data)
    if found is not None:
        return found
    identifier = identifier_of(data)
    if identifier is None:
        return None
    if form is Form.ITEM:
        return iris.item(base, collection or text(data.get("collection")), identifier)
    if form is Form.CATALOG:
        return iris.catalog(base, identifier)
    return iris.collection(base, identifier)


def declared_split(data: Json) -> str | None:
    """Return the one split a collection is, by its summaries, own field or self link; None if none or several."""
    own = text(data.get("lineage:split"))
    if own is not None:
        return own
    summaries = data.get("summaries")
    found: set[str] = set()
    if isinstance(summaries, dict):
        found.update(texts(summaries.get("ml-aoi:split")))
    found.update(texts(data.get("ml-aoi:split")))
    if not found:
        for _, link in links_of(data):
            if link.get("rel") == "self":
                found.update(texts(link.get("ml-aoi:split")))
    return found.pop() if len(found) == 1 else None
