"""What the STAC API says of itself: landing page, conformance, queryables, OpenAPI, and our extension's schema."""

from __future__ import annotations

from functools import cache
from typing import Any, Final
from urllib.parse import quote

from mlaoi_graph.lineage_fields import EXPOSED_TO, REPEATED, SCHEMA
from mlaoi_graph.ontology_files import ontology_file
from mlaoi_graph.server.stac.filter import Queryables
from mlaoi_graph.server.stac.seen import BANDS
from mlaoi_graph.server.stac.shelves import ROLES, UNKNOWN

__all__ = ["COLLECTION_NAMES", "CONFORMS_TO", "NAMES", "landing", "openapi", "queryables", "quoted", "schema"]

_API: Final = "https://api.stacspec.org"
_OGC: Final = "http://www.opengis.net/spec"
CONFORMS_TO: Final = (
    *(
        f"{_API}/v1.0.0/{part}"
        for part in (
            "core", "collections", "ogcapi-features", "item-search", "item-search#filter", "item-search#sort",
            "item-search#fields", "ogcapi-features#sort", "ogcapi-features#fields",
        )
    ),
    *(
        f"{_API}/v1.0.0-rc.1/{part}"
        for part in (
            "item-search#free-text", "ogcapi-features#free-text", "collection-search", "collection-search#free-text",
            "collection-search#filter", "collection-search#sort", "collection-search#fields",
        )
    ),
    f"{_OGC}/ogcapi-common-2/1.0/conf/simple-query",
    *(f"{_OGC}/ogcapi-features-1/1.0/conf/{part}" for part in ("core", "oas30", "geojson")),
    *(f"{_OGC}/ogcapi-features-3/1.0/conf/{part}" for part in ("filter", "features-filter", "queryables")),
    *(
        f"{_OGC}/cql2/1.0/conf/{part}"
        for part in (
            "cql2-text", "cql2-json", "basic-cql2", "advanced-comparison-operators", "case-insensitive-comparison",
            "accent-insensitive-comparison", "basic-spatial-functions", "spatial-functions", "temporal-functions",
            "array-functions", "property-property", "arithmetic",
        )
    ),
)  # fmt: skip


_TEXT: Final = {"type": "string"}
_IRI: Final = {"type": "string", "format": "iri"}
_TIME: Final = {"type": "string", "format": "date-time"}
_LISTS: Final = {"type": "array", "items": _TEXT}
_IRIS: Final = {"type": "array", "items": _IRI}
COLLECTION_NAMES: Final[Queryables] = {
    "id": {"title": "Id", **_TEXT},
    "title": {"title": "Title", **_TEXT},
    "description": {"title": "Description", **_TEXT},
    "version": {"title": "Version", **_TEXT},
    "license": {"title": "License", **_TEXT},
    "sci:doi": {"title": "DOI", **_TEXT},
    "lineage:kind": {
        "title": "Kind", "type": "string", "enum": ["model", "family", "dataset", "archive", "area", "unknown"],
    },
    "lineage:iri": {"title": "IRI", **_IRI},
    "lineage:derived_from": {"title": "Made from", **_IRIS},
    "lineage:part_of": {"title": "Part of", **_IRIS},
    "lineage:resolved": {"title": "Whether something describes it", "type": "boolean"},
    "lineage:released": {"title": "Released", **_TEXT},
}  # fmt: skip
"""What filters and sorting of collections may name."""
NAMES: Final[Queryables] = {
    **COLLECTION_NAMES,
    "collection": {"title": "Collection", **_TEXT},
    "geometry": {"title": "Geometry", "$ref": "https://geojson.org/schema/Geometry.json"},
    "datetime": {"title": "Acquired", "description": "The span from start_datetime to end_datetime", **_TIME},
    "start_datetime": {"title": "First acquired", **_TIME},
    "end_datetime": {"title": "Last acquired", **_TIME},
    **{name: {"title": name.removeprefix("lineage:").replace("_", " ").capitalize(), **_IRIS} for name in REPEATED},
    EXPOSED_TO: {"title": "Learned from at any depth", **_IRIS},
    "lineage:family": {"title": "Family", **_IRI},
    "lineage:disclosure": {
        "title": "Training data disclosed", "type": "string", "enum": ["complete", "partial", "undisclosed"],
    },
    "lineage:modalities": {"title": "Modalities", **_LISTS},
    "lineage:aliases": {"title": "Other names", **_LISTS},
    "lineage:precision": {"title": "Precision of the area", **_TEXT},
    "mlm:name": {"title": "Model name", **_TEXT},
    "mlm:tasks": {"title": "Tasks", **_LISTS},
    "mlm:architecture": {"title": "Architecture", **_TEXT},
    "mlm:framework": {"title": "Framework", **_TEXT},
    "mlm:framework_version": {"title": "Framework version", **_TEXT},
    "mlm:total_parameters": {"title": "Parameters", "type": "integer"},
    "mlm:pretrained": {"title": "Pretrained", "type": "boolean"},
    "mlm:pretrained_source": {"title": "Pretrained source", **_TEXT},
    "mlm:accelerator": {"title": "Accelerator", **_TEXT},
    "mlm:memory_size": {"title": "Memory", "type": "integer"},
    "mlm:batch_size_suggestion": {"title": "Batch size", "type": "integer"},
    BANDS: {"title": "Bands", "description": "The names of the bands of all of mlm:input", **_LISTS},
    "ml-aoi:split": {"title": "Split", **_TEXT},
    **{
        name: {"title": name, "description": "Taken because clients ask it of any API; nothing here has it", **kind}
        for name, kind in (("eo:cloud_cover", {"type": "number"}), ("mission", _TEXT), ("platform", _TEXT))
    },
}  # fmt: skip
"""The same of items."""


def quoted(name: str) -> str:
    """Return a name as a segment of a path."""
    return quote(name, safe="")


@cache
def schema() -> bytes:
    """Return the JSON schema of the Lineage extension."""
    return ontology_file("stac-extension/json-schema/schema.json").read_bytes()


def queryables(url: str) -> dict[str, Any]:
    """Return the queryables as a JSON schema."""
    return {
        "$schema": "https://json-schema.org/draft/2019-09/schema",
        "$id": url,
        "type": "object",
        "title": "Queryables",
        "properties": dict(NAMES),
        "additionalProperties": False,
    }


def landing(site: str, version: str) -> dict[str, Any]:
    """Return the landing page."""
    here = f"{site}stac"

    def link(rel: str, path: str, media_type: str = "application/json", **more: str) -> dict[str, str]:
        return {"rel": rel, "href": f"{here}{path}", "type": media_type, **more}

    shown = ("models", *ROLES, UNKNOWN)
    return {
        "type": "Catalog",
        "stac_version": "1.1.0",
        "id": "lineage",
        "title": "Lineage",
        "description": "Models of Earth observation, what they were made from and measured on, and where. "
        "To ask by stage and place, name a collection: search models-tested with an area.",
        "conformsTo": list(CONFORMS_TO),
        "mlaoi-graph:version": version,
        "links": [
            link("root", ""),
            link("self", ""),
            link("conformance", "/conformance"),
            link("service-desc", "/api", "application/vnd.oai.openapi+json;version=3.0"),
            link("data", "/collections"),
            link("search", "/search", "application/geo+json", method="GET"),
            link("search", "/search", "application/geo+json", method="POST"),
            link(
                "http://www.opengis.net/def/rel/ogc/1.0/queryables", "/queryables", "application/schema+json",
                title="Queryables", method="GET",
            ),
            {
                "rel": "describedby", "href": f"{here}/lineage/schema.json", "type": "application/schema+json",
                "title": f"JSON schema of {SCHEMA}",
            },
            *(link("child", f"/collections/{name}", title=name) for name in shown),
        ],
    }  # fmt: skip


def openapi(site: str, version: str) -> dict[str, Any]:
    """Return the OpenAPI description."""

    def parameter(name: str, about: str, **schema: Any) -> dict[str, Any]:
        return {"name": name, "in": "query", "description": about, "schema": schema or _TEXT}

    def answers(media_type: str, *more: str) -> dict[str, Any]:
        content = {media_type: {"schema": {"type": "object"}}}
        reasons = {"400": "What was asked is not allowed; reason says why", "404": "Nothing goes by that name"}
        found: dict[str, Any] = {"200": {"description": "Found", "content": content}}
        return found | {status: {"description": reasons[status]} for status in more}

    def get(about: str, media_type: str = "application/json", *parameters: Any, more: tuple[str, ...] = ()) -> Any:
        return {"get": {"summary": about, "parameters": list(parameters), "responses": answers(media_type, *more)}}

    def in_path(name: str) -> dict[str, Any]:
        return {"name": name, "in": "path", "required": True, "schema": _TEXT}

    paging = [
        parameter("limit", "Most per page", type="integer", minimum=1, default=100),
        parameter("token", "Of the next page: given in its link"),
    ]
    narrow = [
        parameter("bbox", "West, south, east, north", type="array", items={"type": "number"}, minItems=4, maxItems=6),
        parameter("datetime", "An instant, or two with a slash between them"),
        parameter("q", "Beginnings of words, or phrases in quotation marks, one of which is enough", **_LISTS),
        parameter("filter", "CQL2"),
        parameter("filter-lang", "", type="string", enum=["cql2-text", "cql2-json"]),
        parameter("sortby", "Fields, - before a descending one"),
        parameter("fields", "Fields, - before one to leave out"),
        *paging,
    ]
    named = [
        parameter("ids", "Ids of items", **_LISTS),
        parameter("collections", "Ids of collections", **_LISTS),
        parameter("intersects", "A GeoJSON geometry"),
    ]
    geojson, json_schema = "application/geo+json", "application/schema+json"
    posted = {"content": {"application/json": {"schema": {"type": "object"}}}}
    post = {"summary": "Search", "requestBody": posted, "responses": answers(geojson, "400")}
    one, both = [in_path("collection")], [in_path("collection"), in_path("item")]
    return {
        "openapi": "3.0.3",
        "info": {"title": "Lineage", "version": version, "description": "STAC API of mlaoi-graph"},
        "servers": [{"url": f"{site}stac"}],
        "paths": {
            "/": get("Landing page"),
            "/conformance": get("What the API conforms to"),
            "/api": get("This description", "application/vnd.oai.openapi+json;version=3.0"),
            "/queryables": get("What filters may name", json_schema),
            "/lineage/schema.json": get("JSON schema of the Lineage extension", json_schema),
            "/collections": get("Collections", "application/json", *narrow, more=("400",)),
            "/collections/{collection}": get("A collection", "application/json", *one, more=("404",)),
            "/collections/{collection}/queryables": get("What filters may name", json_schema, *one, more=("404",)),
            "/collections/{collection}/items": get("Its items", geojson, *one, *narrow, more=("400", "404")),
            "/collections/{collection}/items/{item}": get("An item", geojson, *both, more=("404",)),
            "/search": get("Search", geojson, *narrow, *named, more=("400",)) | {"post": post},
        },
    }
