"""Bad input: a finding with file, place and rule, or one clear error; the rest is read, the store unharmed."""

from __future__ import annotations

import contextlib
import functools
import http.server
import json
import math
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import rdflib
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyoxigraph import NamedNode

from mlaoi_graph import rdf
from mlaoi_graph.catalog import Catalog
from mlaoi_graph.errors import CatalogLocked, MlaoiError, NetworkNotAllowed, SourceNameTaken, SourceNotFound
from mlaoi_graph.ingest import IngestReport
from mlaoi_graph.model import Finding, Severity
from mlaoi_graph.readers.fetch import MAX_DOCUMENT_BYTES, Fetcher
from mlaoi_graph.validation import validate_source
from mlaoi_graph.vocab import DCTERMS, GEO, MLAOI, RDFS
from mlaoi_graph.writers import FORMATS

RING = [[7, 46], [8, 46], [8, 47], [7, 47], [7, 46]]
POLYGON = {"type": "Polygon", "coordinates": [RING]}
ML_AOI = "https://stac-extensions.github.io/ml-aoi/v0.2.0/schema.json"
MLM = "https://stac-extensions.github.io/mlm/v1.4.0/schema.json"
GOOD = {
    "type": "Feature",
    "stac_version": "1.1.0",
    "id": "good",
    "geometry": POLYGON,
    "properties": {"datetime": "2020-01-01T00:00:00Z", "title": "a good item"},
    "links": [],
    "assets": {},
}
SAMPLE = {
    **GOOD,
    "id": "sample",
    "bbox": [7, 46, 8, 47],
    "stac_extensions": [ML_AOI],
    "collection": "chips",
    "properties": {"datetime": None, "start_datetime": "2020-01-01T00:00:00Z", "ml-aoi:split": "train"},
    "links": [
        {"rel": "collection", "href": "./chips.json"},
        {"rel": "source", "href": "./s2.tif", "type": "image/tiff"},
        {"rel": "derived_from", "href": "./labels.json", "ml-aoi:role": "label"},
        {"rel": "derived_from", "href": "./model.json", "mlm:name": "m"},
    ],
    "assets": {"labels": {"href": "./l.json", "roles": ["label"], "ml-aoi:role": "label"}},
}
MODEL = {
    **GOOD,
    "id": "model",
    "bbox": [7, 46, 8, 47],
    "stac_extensions": [MLM],
    "properties": {
        "datetime": "2020-01-01T00:00:00Z",
        "title": "A model",
        "license": "MIT",
        "providers": [{"name": "P", "roles": ["producer"]}],
        "mlm:name": "m",
        "mlm:architecture": "U-Net",
        "mlm:tasks": ["semantic-segmentation"],
        "mlm:total_parameters": 42,
        "mlm:pretrained": True,
        "mlm:pretrained_source": "ImageNet",
    },
    "links": [
        {"rel": "self", "href": "https://example.org/stac/model.json"},
        {"rel": "derived_from", "href": "./chips.json", "ml-aoi:split": "train"},
        {
            "rel": "derived_from",
            "href": "base-model",
            "mlm:name": "base",
            "lineage:derivation": "finetuned",
            "lineage:evidence": "https://example.org/paper",
            "lineage:confidence": "unverified",
        },
        {"rel": "lineage:evaluated_on", "href": "chips", "lineage:stage": "test", "lineage:split": "test"},
        {"rel": "ml-model:train-data", "href": "https://example.org/data"},
        {"rel": "predecessor-version", "href": "./old.json"},
    ],
    "assets": {"weights": {"href": "./w.pt", "roles": ["mlm:model"], "file:checksum": "1220ab"}},
}
COLLECTION = {
    "type": "Collection",
    "stac_version": "1.0.0",
    "id": "chips",
    "title": "Chips",
    "description": "d",
    "license": "MIT",
    "stac_extensions": [ML_AOI],
    "providers": [{"name": "P", "roles": ["producer"]}],
    "extent": {
        "spatial": {"bbox": [[7, 46, 8, 47]]},
        "temporal": {"interval": [["2020-01-01T00:00:00Z", None]]},
    },
    "summaries": {"ml-aoi:split": ["train"], "platform": ["S2"]},
    "item_assets": {"a": {"roles": ["label"]}},
    "links": [
        {"rel": "item", "href": "./sample.json"},
        {"rel": "derived_from", "href": "https://example.org/v1/collections/sentinel-2-l2a"},
        {"rel": "successor-version", "href": "./next.json"},
    ],
}
CATALOG = {
    "type": "Catalog",
    "stac_version": "1.0.0",
    "id": "root",
    "description": "d",
    "links": [{"rel": "child", "href": "./chips.json"}, {"rel": "item", "href": "./good.json"}],
}
FEATURES = {"type": "FeatureCollection", "features": [SAMPLE, {**MODEL, "id": "m2"}]}
TRAINING_DML = {
    "type": "AI_EOTrainingDataset",
    "id": "dml",
    "name": "DML",
    "license": "x",
    "providers": ["p"],
    "extent": [7, 46, 8, 47],
    "data": [{"trainingType": "training"}],
}


def put(folder: Path, name: str, content: Any) -> Path:
    """Write a document: bytes and text as they are, anything else as JSON."""
    folder.mkdir(parents=True, exist_ok=True)
    if not isinstance(content, str | bytes):
        content = json.dumps(content)
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    return path


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """Return a JSON value with what is at a path replaced."""
    if not path:
        return new
    key, *rest = path
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[key] = replaced(value[key], tuple(rest), new)
    return copy


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Iterate over the paths to everything in a JSON value."""
    yield path
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, entry in entries:
        yield from paths(entry, (*path, key))


def said(catalog: Catalog) -> dict[str, set[Any]]:
    """Return what each document says; not when it was read."""
    store = catalog.store
    return {graph: set(store.match(graph=graph)) for graph in store.graphs() if graph != rdf.LOG_GRAPH}


def of(catalog: Catalog, name: str) -> set[Any]:
    """Return what one file's documents say, members included."""
    graphs = said(catalog)
    return {quad for g, quads in graphs.items() if g.partition("#")[0].endswith(f"/{name}") for quad in quads}


def texts(catalog: Catalog, predicate: str) -> set[str]:
    return {quad.object.value for quad in catalog.store.match(None, predicate)}


def finding(report: IngestReport, rule: str, name: str, pointer: str | None = None) -> Finding:
    """Return the finding of that rule about that file, and at that place if one is given."""
    found = [f for f in report.findings.kept if f.rule == rule and re.search(rf"\b{name}(?![\w.])", f.document)]
    if pointer is not None:
        found = [f for f in found if f.pointer == pointer]
    assert found, [str(f) for f in report.findings.kept]
    assert found[0].message
    return found[0]


def read_by_rdflib(path: Path, format: str) -> rdflib.Dataset:
    parsed = rdflib.Dataset()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # its parsers call what it has deprecated itself
        parsed.parse(path, format=format)
    return parsed


def check_graph(catalog: Catalog, folder: Path) -> None:
    """Check that what is stored can be used: geometries are valid, and another engine reads the export."""
    for quad in catalog.store.match(None, GEO.asWKT):
        shape = shapely.from_wkt(quad.object.value)
        assert shapely.is_valid(shape), quad.object.value
        west, south, east, north = shape.bounds
        assert -180 <= west <= east <= 180, quad.object.value
        assert -90 <= south <= north <= 90, quad.object.value
    for quad in catalog.store.match():
        for term in (quad.subject, quad.predicate, quad.object, quad.graph_name):
            if isinstance(term, NamedNode):
                # RFC 3987 ucschar aside, these may stand in no IRI.
                assert not re.search(r'[\x00-\x20<>"{}|\\^`]', term.value), term
                assert re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", term.value), term
    export = folder / "export.nq"
    catalog.export("nquads", export)
    parsed = read_by_rdflib(export, "nquads")
    assert sum(1 for _ in parsed.quads()) == len(set(catalog.store.match()))


def python(code: str, *arguments: Any) -> subprocess.Popen[str]:
    """Start another process; ``code`` has its arguments as ``a``, and Catalog."""
    head = "import os, signal, sys\nfrom mlaoi_graph.catalog import Catalog\na = sys.argv[1:]\n"
    return subprocess.Popen(
        [sys.executable, "-c", head + textwrap.dedent(code), *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(code: str, *arguments: Any) -> str:
    """Return what another process prints, which must end well and in half a minute."""
    process = python(code, *arguments)
    try:
        stdout, stderr = process.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        pytest.fail("hangs")
    assert (process.returncode, stderr) == (0, "")
    return stdout


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make any way out a failure that no ``except Exception`` swallows."""

    def refuse(*arguments: Any, **_: Any) -> Any:
        pytest.fail(f"goes to the network: {arguments}")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "socket", refuse)


# Documents that cannot be read at all

DEEP = 100_000
_TEXT = json.dumps({**GOOD, "id": "bad", "geometry": "HERE", "properties": "THERE"})
UNREADABLE = {
    # text, place (a pattern), rule
    "cut short": ('{"type": "Feature",\n "id": ', r"2:\d+", "not-json"),
    "not JSON": ('{"type": "Feature",\n "id": oops}', "2:8", "not-json"),
    "two documents": ("{}\n{}", "2:1", "not-json"),
    "empty": ("", "1:1", "not-json"),
    "blank": (" \n\n", r"\d:1", "not-json"),
    "HTML": ("<!doctype html>", "1:1", "not-json"),
    "latin-1": (
        json.dumps({**GOOD, "title": "é"}, ensure_ascii=False).encode("latin-1"),
        r"\d+:\d+",
        "not-json",
    ),
    "binary": (bytes(range(256)), r"\d+:\d+", "not-json"),
    "number of 5,000 digits": ('{"a": NaN, "b": ' + "1" * 5000 + "}", r"1:\d+", "not-json"),
    "deep arrays": ("[" * DEEP + "]" * DEEP, r"1:\d+", "not-json"),
    "deep objects": ('{"a":' * DEEP + "1" + "}" * DEEP, r"1:\d+", "not-json"),
    "deep coordinates": (
        _TEXT.replace('"HERE"', '{"type":"Polygon","coordinates":' + "[" * DEEP + "]" * DEEP + "}"),
        r"1:\d+",
        "not-json",
    ),
    "deep properties": (_TEXT.replace('"THERE"', '{"a":' * DEEP + "1" + "}" * DEEP), r"1:\d+", "not-json"),
    "deep and never closed": ("[" * DEEP, r"1:\d+", "not-json"),
    "no id": ({k: v for k, v in GOOD.items() if k != "id"}, "/id", "missing-id"),
    "id null": ({**GOOD, "id": None}, "/id", "missing-id"),
    "id empty": ({**GOOD, "id": ""}, "/id", "missing-id"),
    "id true": ({**GOOD, "id": True}, "/id", "missing-id"),
    "id a list": ({**GOOD, "id": ["bad"]}, "/id", "missing-id"),
    "id an object": ({**GOOD, "id": {"bad": 1}}, "/id", "missing-id"),
    "collection without id": ({**COLLECTION, "id": None}, "/id", "missing-id"),
}


@pytest.mark.parametrize(("text", "place", "rule"), UNREADABLE.values(), ids=UNREADABLE)
def test_a_document_that_cannot_be_read_is_one_finding_and_changes_nothing(
    tmp_path: Path, text: Any, place: str, rule: str
) -> None:
    source = tmp_path / "source"
    put(source, "good.json", GOOD)
    put(source, "bad.json", {**GOOD, "id": "bad", "properties": {"title": "as it was"}})
    catalog = Catalog.create()
    assert catalog.ingest(source).read == 2
    before = said(catalog)

    put(source, "bad.json", text)
    report = catalog.ingest(source)
    assert (report.read, report.unchanged, report.failed) == (0, 1, 1)
    assert re.fullmatch(place, finding(report, rule, "bad.json").pointer)
    assert said(catalog) == before

    fresh = Catalog.create()
    report = fresh.ingest(source)
    assert (report.read, report.failed) == (1, 1)
    finding(report, rule, "bad.json")
    assert said(fresh) == {graph: quads for graph, quads in before.items() if graph.endswith("good.json")}


@pytest.mark.parametrize("depth", [200, 253, 300, 900, 1_000, 1_023, 1_100])
@pytest.mark.parametrize("kind", ["item", "ndjson", "features"])
def test_nesting_at_the_limits_of_the_parsers_is_read_or_refused_and_harms_nothing(
    tmp_path: Path, depth: int, kind: str
) -> None:
    # 254 is where orjson stops writing, 1,000 where Python stops, 1,024 where orjson stops reading.
    text = json.dumps(
        {
            **MODEL,
            "geometry": {"type": "Polygon", "coordinates": "DEEP"},
            "properties": {**MODEL["properties"], "x": "DEEP"},
            "links": [{"rel": "derived_from", "href": "./chips.json", "x": "DEEP"}],
        }
    ).replace('"DEEP"', "[" * depth + "]" * depth)
    put(tmp_path / "source", "good.json", GOOD)
    if kind == "item":
        put(tmp_path / "source", "bad.json", text)
    elif kind == "ndjson":
        put(tmp_path / "source", "bad.ndjson", text)
    else:
        put(tmp_path / "source", "bad.json", f'{{"type": "FeatureCollection", "features": [{text}]}}')
    catalog = Catalog.create()
    report = catalog.ingest(tmp_path / "source")
    assert of(catalog, "good.json")
    if not any(f.rule == "not-json" for f in report.findings.kept):
        assert "A model" in texts(catalog, RDFS.label)
    again = catalog.ingest(tmp_path / "source")
    assert again.read == 0
    check_graph(catalog, tmp_path)


@pytest.mark.parametrize(
    "version", ["0.4.0", "0.8.1", "0.9.0", "1.0.0-beta.2", "1.0.0-rc.1", "2.0.0", "x", "", None, 1, [], {}]
)
@pytest.mark.parametrize("depth", [1, 900])
def test_any_version_is_read_or_refused(tmp_path: Path, version: Any, depth: int) -> None:
    deep = "[" * depth + "]" * depth
    for name, document in {"item": SAMPLE, "model": MODEL, "chips": COLLECTION, "root": CATALOG}.items():
        text = json.dumps({**document, "stac_version": version, "x": "DEEP"}).replace('"DEEP"', deep)
        put(tmp_path / "source", f"{name}.json", text)
    for extensions in (None, {}, [None], [[]], ["label", "eo", "ml-aoi", "checksum"], "x"):
        odd = {
            **MODEL,
            "stac_version": version,
            "stac_extensions": extensions,
            "assets": {"a": None, "b": []},
        }
        put(tmp_path / "source", f"extensions-{str(extensions)[:3]}.json", odd)
    catalog = Catalog.create()
    report = catalog.ingest(tmp_path / "source")
    assert report.read + report.failed == len(list((tmp_path / "source").iterdir()))
    if version is not None and not str(version).startswith("1.0.0"):
        found = [f for f in report.findings.kept if f.document.endswith("item.json") and "version" in f.rule]
        assert [f.pointer for f in found] == ["/stac_version"]
        assert not found[0].message.endswith(f"migrates it to {version}")
    assert list(report.findings) == report.findings.kept
    check_graph(catalog, tmp_path)


# Documents that are read, with something odd in them

NAN, INFINITY = math.nan, math.inf
ODD: dict[str, tuple[dict[str, Any], str, str]] = {
    # what is odd, pointer, rule
    "properties a list": ({**GOOD, "properties": [1]}, "/properties", "wrong-type"),
    "properties text": ({**GOOD, "properties": "x"}, "/properties", "wrong-type"),
    "properties null": ({**GOOD, "properties": None}, "/properties", "wrong-type"),
    "links an object": ({**GOOD, "links": {"rel": "derived_from", "href": "x"}}, "/links", "wrong-type"),
    "links text": ({**GOOD, "links": "x"}, "/links", "wrong-type"),
    "a link is text": ({**GOOD, "links": [{"rel": "x", "href": "y"}, "x"]}, "/links/1", "wrong-type"),
    "assets a list": ({**GOOD, "assets": [{"href": "x"}]}, "/assets", "wrong-type"),
    "an extension is a number": (
        {**GOOD, "stac_extensions": [ML_AOI, 3]},
        "/stac_extensions/1",
        "wrong-type",
    ),
    "extensions an object": ({**GOOD, "stac_extensions": {"a": 1}}, "/stac_extensions", "wrong-type"),
    "split a list": (
        {**GOOD, "properties": {"ml-aoi:split": ["train"]}},
        "/properties/ml-aoi:split",
        "wrong-type",
    ),
    "split of no kind": (
        {**GOOD, "properties": {"ml-aoi:split": "val"}},
        "/properties/ml-aoi:split",
        "unknown-split",
    ),
    "version of the future": ({**GOOD, "stac_version": "9.9.9"}, "/stac_version", "unknown-version"),
    "version a number": ({**GOOD, "stac_version": 1.0}, "/stac_version", "unknown-version"),
    "href a number": ({**GOOD, "links": [{"rel": "derived_from", "href": 7}]}, "/links/0", "broken-link"),
    "href an object": ({**GOOD, "links": [{"rel": "derived_from", "href": {}}]}, "/links/0", "broken-link"),
    "href null": ({**MODEL, "links": [{"rel": "derived_from", "href": None}]}, "/links/0", "broken-link"),
    "href blank": ({**MODEL, "links": [{"rel": "derived_from", "href": "  "}]}, "/links/0", "broken-link"),
    "no href": ({**MODEL, "links": [{"rel": "derived_from"}]}, "/links/0", "broken-link"),
    "href no address": (
        {**MODEL, "links": [{"rel": "derived_from", "href": "http://["}]},
        "/links/0",
        "refused-link",
    ),
    "javascript:": (
        {**MODEL, "links": [{"rel": "derived_from", "href": "javascript:alert(1)"}]},
        "/links/0",
        "refused-link",
    ),
    "data:": ({**GOOD, "links": [{"rel": "derived_from", "href": "data:,x"}]}, "/links/0", "refused-link"),
    "file:": (
        {**GOOD, "links": [{"rel": "derived_from", "href": "file:///etc/passwd"}]},
        "/links/0",
        "refused-link",
    ),
    "stage a list": (
        {**MODEL, "links": [{"rel": "derived_from", "href": "x", "lineage:stage": ["test"]}]},
        "/links/0",
        "unknown-stage",
    ),
    "derivation an object": (
        {**MODEL, "links": [{"rel": "derived_from", "href": "x", "lineage:derivation": {}}]},
        "/links/0",
        "unknown-derivation",
    ),
    "made from itself": (
        {**MODEL, "links": [{"rel": "derived_from", "href": "model"}]},
        "",
        "self-reference",
    ),
    "title a number": ({**GOOD, "properties": {"title": 7}}, "/properties/title", "wrong-type"),
    "description a list": ({**COLLECTION, "description": ["a"]}, "/description", "wrong-type"),
    "license an object": ({**COLLECTION, "license": {}}, "/license", "wrong-type"),
    "version of a model a number": (
        {**MODEL, "properties": {**MODEL["properties"], "version": 1.5}},
        "/properties/version",
        "wrong-type",
    ),
    "datetime a number": ({**GOOD, "properties": {"datetime": 1577836800}}, "/properties/datetime", "wrong-type"),
    "keywords text": ({**COLLECTION, "keywords": "eo"}, "/keywords", "wrong-type"),
    "a keyword a number": ({**COLLECTION, "keywords": ["eo", 1]}, "/keywords/1", "wrong-type"),
    "providers an object": ({**COLLECTION, "providers": {"name": "ESA"}}, "/providers", "wrong-type"),
    "a provider text": ({**COLLECTION, "providers": ["ESA"]}, "/providers/0", "wrong-type"),
    "a provider without a name": ({**COLLECTION, "providers": [{}]}, "/providers/0/name", "wrong-type"),
    "id a number": ({**GOOD, "id": 5}, "/id", "wrong-type"),
    "id of blanks": ({**GOOD, "id": "  "}, "/id", "wrong-type"),
    "collection a number": ({**GOOD, "collection": 5}, "/collection", "wrong-type"),
    "collection a list": ({**GOOD, "collection": ["chips"]}, "/collection", "wrong-type"),
    "links null": ({**GOOD, "links": None}, "/links", "wrong-type"),
    "links of a collection null": ({**COLLECTION, "links": None}, "/links", "wrong-type"),
    "a time that is none": ({**GOOD, "properties": {"datetime": "last summer"}}, "/properties/datetime", "wrong-type"),
    "a start that is none": (
        {**SAMPLE, "properties": {"datetime": None, "start_datetime": "2020-13-01"}}, "/properties/start_datetime", "wrong-type",
    ),
    "a footprint of another word": ({**COLLECTION, "lineage:footprint": "Unknown"}, "/lineage:footprint", "wrong-type"),
    "an area that is no IRI": (
        {**MODEL, "links": [{"rel": "derived_from", "href": "./chips.json", "lineage:stage": "training", "lineage:area": 7}]},
        "/links/0", "wrong-type",
    ),
    **{
        f"{rel} without href of {name}": (
            {**document, "links": [{"rel": rel, "ml-aoi:role": "label"}]}, "/links/0", "broken-link",
        ) for rel in ("source", "derived_from") for name, document in (("an item", GOOD), ("a sample", SAMPLE), ("a collection", COLLECTION))
    },
    "a rel in capitals": ({**GOOD, "links": [{"rel": "Derived_From", "href": "x"}]}, "/links/0/rel", "rel-case"),
    **{
        f"pretrained {value!r}": (
            {**MODEL, "properties": {"mlm:name": "m", "mlm:pretrained": value}}, "/properties/mlm:pretrained", "wrong-type",
        ) for value in ("true", 1, {"on": "x"}, 0)
    },
    "an asset a number": ({**GOOD, "assets": {"a/b": 5}}, "/assets/a~1b", "wrong-type"),
    "an href of an asset a number": ({**GOOD, "assets": {"b": {"href": 5}}}, "/assets/b", "wrong-type"),
    "roles of an asset text": ({**GOOD, "assets": {"b": {"href": "x", "roles": "data"}}}, "/assets/b/roles", "wrong-type"),
    "interval of nothing": (
        replaced(COLLECTION, ("extent", "temporal", "interval"), [None]), "/extent/temporal/interval/0", "wrong-type",
    ),
    "interval text": (replaced(COLLECTION, ("extent", "temporal", "interval"), "x"), "/extent/temporal/interval", "wrong-type"),
    "a start that is no time": (
        replaced(COLLECTION, ("extent", "temporal", "interval"), [["notadate", None]]), "/extent/temporal/interval/0/0", "wrong-type",
    ),
    "an end that is no time": (
        replaced(COLLECTION, ("extent", "temporal", "interval"), [[None, 5]]), "/extent/temporal/interval/0/1", "wrong-type",
    ),
    "summaries a list": ({**COLLECTION, "summaries": [1]}, "/summaries", "wrong-type"),
    **{
        f"{name} {value!r}": ({**MODEL, "properties": {**MODEL["properties"], name: value}}, f"/properties/{name}", "wrong-type")
        for name, value in (("mlm:name", 5), ("mlm:architecture", ["x"]), ("mlm:framework", {}), ("mlm:tasks", 1),
                            ("mlm:total_parameters", "many"), ("mlm:total_parameters", True))
    },
    "no version of an item": ({k: v for k, v in GOOD.items() if k != "stac_version"}, "/stac_version", "unknown-version"),
    "no version of a collection": (
        {k: v for k, v in COLLECTION.items() if k != "stac_version"}, "/stac_version", "unknown-version",
    ),
    **{
        f"{rel} of {name}": ({**document, "links": [{"rel": rel, "href": "x"}]}, "/links/0", "role-on-data")
        for rel in ("lineage:evaluated_on", "ml-model:train-data", "ml-model:test-data")
        for name, document in (("an item", GOOD), ("a sample", SAMPLE), ("a collection", COLLECTION))
    },
    **{
        f"no role of {name}": (
            {**document, "links": [{"rel": "derived_from", "href": "x.tif", "ml-aoi:role": "banana"}]},
            "/links/0/ml-aoi:role", "unknown-role",
        ) for name, document in (("an item", GOOD), ("a sample", SAMPLE), ("a collection", COLLECTION))
    },
    "made from what is on this machine": (
        {**MODEL, "links": [{"rel": "derived_from", "href": "http://127.0.0.1:8000/m.json"}]},
        "/links/0",
        "refused-link",
    ),
    "made from what is in this house": (
        {**MODEL, "links": [{"rel": "derived_from", "href": "https://nas.local/data"}]},
        "/links/0",
        "refused-link",
    ),
    "NaN token": (replaced(GOOD, ("geometry", "coordinates", 0, 1, 0), NAN), "/geometry", "not-finite"),
    "Infinity token": (
        replaced(GOOD, ("geometry", "coordinates", 0, 1, 0), -INFINITY),
        "/geometry",
        "not-finite",
    ),
    "NaN as text": (replaced(GOOD, ("geometry", "coordinates", 0, 1, 0), "NaN"), "/geometry", "not-finite"),
    "inf as text": (replaced(GOOD, ("geometry", "coordinates", 0, 1, 1), "-inf"), "/geometry", "not-finite"),
    "unclosed ring": (
        {**GOOD, "geometry": {"type": "Polygon", "coordinates": [RING[:-1]]}},
        "/geometry",
        "ring-not-closed",
    ),
    "self-crossing ring": (
        {**GOOD, "geometry": {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}},
        "/geometry",
        "self-crossing",
    ),
    "no such geometry": (
        {**GOOD, "geometry": {"type": "Blob", "coordinates": []}},
        "/geometry",
        "geometry-type",
    ),
    "geometry text": ({**GOOD, "geometry": "POINT (1 2)"}, "/geometry", "geometry-type"),
}  # fmt: skip


@pytest.mark.parametrize(("document", "pointer", "rule"), ODD.values(), ids=ODD)
def test_an_odd_document_is_read_and_says_where_it_is_odd(
    tmp_path: Path, no_network: None, document: dict[str, Any], pointer: str, rule: str
) -> None:
    source = tmp_path / "source"
    put(source, "odd.json", document)
    put(source, "z.json", {**GOOD, "id": "z", "properties": {"title": "the rest"}})
    catalog = Catalog.create()
    report = catalog.ingest(source)
    assert (report.read, report.failed) == (2, 0)
    assert "the rest" in texts(catalog, RDFS.label)
    finding(report, rule, "odd.json", pointer or None)
    check_graph(catalog, tmp_path)


WITHOUT = "no type at all"


MISTYPED = {
    f"{name} of type {kind!r}": (document, kind)
    for name, document in {"item": GOOD, "model": MODEL, "sample": SAMPLE, "coll": COLLECTION, "cat": CATALOG,
                           "features": FEATURES}.items()
    for kind in (WITHOUT, None, 5, ["Feature"], "", "Item", "feature", "Catalog")
    if kind != "Catalog" or document["type"] == "Feature"
}  # fmt: skip


@pytest.mark.parametrize(("document", "kind"), MISTYPED.values(), ids=MISTYPED)
def test_a_document_of_no_or_a_wrong_type_is_read_as_what_it_looks_like(
    tmp_path: Path, document: dict[str, Any], kind: Any
) -> None:
    """And so does it fail in ``validate``."""
    odd = {**document, "type": kind} if kind is not WITHOUT else {k: v for k, v in document.items() if k != "type"}
    right, wrong = Catalog.create(), Catalog.create()
    right.ingest(put(tmp_path / "right" / "source", "x.json", document).parent)
    report = wrong.ingest(put(tmp_path / "wrong" / "source", "x.json", odd).parent)
    assert (report.read, report.failed, report.skipped) == (1, 0, 0) if document is not FEATURES else (2, 0, 0)
    hashed = NamedNode(MLAOI.contentHash)
    one, two = ({q for said_by in said(c).values() for q in said_by if q.predicate != hashed} for c in (right, wrong))
    assert one == two
    rule = "no-type" if kind in (WITHOUT, None) else "wrong-type"
    found = finding(report, rule, "x.json", "/type")
    assert repr(kind) in found.message or rule == "no-type"
    told = [f for f in validate_source(str(tmp_path / "wrong" / "source")) if f.pointer == "/type"]
    assert [(f.rule, f.severity) for f in told] == [(rule, Severity.ERROR)]


@pytest.mark.parametrize("kind", [{}, {"type": "feature"}, {"type": 5}], ids=repr)
def test_what_looks_like_nothing_is_not_read_and_says_so(tmp_path: Path, kind: dict[str, Any]) -> None:
    put(tmp_path, "x.json", {"stac_version": "1.1.0", "id": "x", "properties": {"mlm:name": "x"}} | kind)
    report = Catalog.create().ingest(tmp_path)
    assert (report.read, report.skipped) == (0, 1)
    finding(report, "wrong-type" if kind else "no-type", "x.json", "/type")
    finding(report, "not-stac", "x.json")


def test_a_time_that_is_none_is_not_stored(tmp_path: Path) -> None:
    put(
        tmp_path,
        "c.json",
        replaced(COLLECTION, ("extent", "temporal", "interval"), [["notadate", "2020-01-01T00:00:00Z"]]),
    )
    catalog = Catalog.create()
    catalog.ingest(tmp_path)
    assert [(a.start, a.end) for a in catalog.areas() if a.wkt] == [(None, "2020-01-01T00:00:00Z")]


def test_what_careless_writers_produce_is_read_as_what_they_meant(tmp_path: Path) -> None:
    document = json.dumps({**GOOD, "properties": {"title": "Zürich 卫星"}}, ensure_ascii=False)
    for name, encoding in {"bom": "utf-8-sig", "utf16": "utf-16", "utf16be": "utf-16-be"}.items():
        put(tmp_path / name, "item.json", document.encode(encoding))
        catalog = Catalog.create()
        report = catalog.ingest(tmp_path / name)
        finding(report, "not-strict-json", "item.json")
        assert texts(catalog, RDFS.label) == {"Zürich 卫星"}
        assert catalog.ingest(tmp_path / name).unchanged == 1


def test_what_is_not_strictly_json_says_where(tmp_path: Path) -> None:
    odd = json.dumps({**GOOD, "properties": {"title": "x", "n": NAN}}, indent=1)
    put(tmp_path, "item.json", odd)
    put(tmp_path, "items.ndjson", f"{json.dumps({**GOOD, 'id': 'y'})}\n{json.dumps(json.loads(odd) | {'id': 'z'})}\n")
    report = Catalog.create().ingest(tmp_path)
    line = next(number for number, line in enumerate(odd.splitlines(), 1) if "NaN" in line)
    assert finding(report, "not-strict-json", "item.json").pointer.startswith(f"{line}:")
    assert finding(report, "not-strict-json", "items.ndjson").pointer.startswith("2:")


@pytest.mark.parametrize("kind", ["json", "ndjson", "features"])
@pytest.mark.parametrize("bad", ["\ud800", "x\ud800y", "a\0b", "\udc00\ud800"])
def test_lone_surrogates_and_nul_anywhere_are_replaced_and_the_rest_is_read(
    tmp_path: Path, kind: str, bad: str
) -> None:
    # Legal in JSON text, in no RDF literal: U+FFFD takes their place (or "?" where only IRIs are made of them).
    model = {
        **MODEL,
        "id": bad,
        "collection": bad,
        "properties": {
            **MODEL["properties"],
            "title": f"title {bad}",
            "mlm:pretrained_source": bad,
            bad: bad,
        },
        "links": [
            {"rel": "derived_from", "href": bad, "ml-aoi:split": bad},
            {
                "rel": "derived_from",
                "href": f"https://example.org/{bad}",
                "lineage:evidence": bad,
                "title": bad,
            },
            {"rel": "derived_from", "href": f"./{bad}.json", bad: [bad, 10**30, NAN]},
        ],
    }
    source = tmp_path / "source"
    good = {**GOOD, "id": "z", "properties": {"title": "the rest"}}
    if kind == "json":
        put(source, "bad.json", model)
        put(source, "z.json", good)
    elif kind == "ndjson":
        put(source, "bad.ndjson", f"{json.dumps(model)}\n{json.dumps(good)}\n")
    else:
        put(source, "bad.json", {"type": "FeatureCollection", "features": [model, good]})
    catalog = Catalog.create()
    report = catalog.ingest(source)
    assert (report.read, report.failed) == (2, 0)
    labels = texts(catalog, RDFS.label)
    assert "the rest" in labels
    assert any(re.fullmatch(r"title [xyab?\ufffd]+", label) for label in labels), labels
    check_graph(catalog, tmp_path)
    before = said(catalog)
    assert catalog.ingest(source).read == 0
    assert said(catalog) == before


IDS = {
    "a number": (7, "7"),
    "very long": ("x" * 10_000, "x" * 10_000),
    "spaces": ("  two  words ", "  two  words "),
    "slashes": ("a/b//c", "a/b//c"),
    "parent folder": ("..", ".."),
    "path": ("../../etc/passwd", "../../etc/passwd"),
    "unicode": ("Zürich 卫星 \U0001f6f0 \u202e\u2028", "Zürich 卫星 \U0001f6f0 \u202e\u2028"),
    "not composed": ("e\u0301", "e\u0301"),
    "control characters": ("a\x01\x1f\x7f\n\r\tb", "a\x01\x1f\x7f\n\r\tb"),
    "C1 control characters": ("a\x80\x85\x9fb", "a\x80\x85\x9fb"),
    "non-characters": ("a\ufffe\uffffb", "a\ufffe\uffffb"),
    "quotes": ('"""\'\\', '"""\'\\'),
    "injected triple": ("> . <x> <y> <z> . <", "> . <x> <y> <z> . <"),
    "injected literal": ('" . <urn:x> <urn:y> <urn:z> . #', '" . <urn:x> <urn:y> <urn:z> . #'),
    "injected update": ("> } } ; DROP ALL ; #", "> } } ; DROP ALL ; #"),
    "escapes": ("\\u003E \\u0022 %3E %zz", "\\u003E \\u0022 %3E %zz"),
    "an address": ("https://example.org/a?b=c#d", "https://example.org/a?b=c#d"),
}


@pytest.mark.parametrize(("identifier", "kept"), IDS.values(), ids=IDS)
@pytest.mark.parametrize("document", [GOOD, MODEL, COLLECTION, TRAINING_DML], ids=["item", "model", "coll", "dml"])
def test_any_id_is_kept_as_it_stands_and_injects_nothing(
    tmp_path: Path, document: dict[str, Any], identifier: Any, kept: str
) -> None:
    put(tmp_path / "source", "bad.json", {**document, "id": identifier, "links": []})
    put(tmp_path / "source", "ordinary.json", {**document, "id": "ordinary", "links": []})
    catalog = Catalog.create()
    assert catalog.ingest(tmp_path / "source").read == 2
    assert texts(catalog, DCTERMS.identifier) == {kept, "ordinary"}
    # As many statements as with any other id, about as many things.
    assert len(of(catalog, "bad.json")) == len(of(catalog, "ordinary.json"))
    check_graph(catalog, tmp_path)
    assert catalog.describe(kept).node.identifier == kept


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("identifier", [kept for _, kept in IDS.values()], ids=IDS)
def test_any_id_survives_export(tmp_path: Path, format: str, identifier: str) -> None:
    put(tmp_path / "source", "bad.json", {**MODEL, "id": identifier})
    catalog = Catalog.create()
    catalog.ingest(tmp_path / "source")
    lost = catalog.export(format, tmp_path / "out")
    names = {"ntriples": "nt", "rdfxml": "xml", "jsonld": "json-ld"}
    parsed = read_by_rdflib(tmp_path / "out", names.get(format, format))
    kept = {str(o) for _, p, o, _ in parsed.quads() if str(p) == DCTERMS.identifier}
    if format == "rdfxml":
        # XML 1.0 has no way to write most control characters, so there they are replaced, and it is said where.
        pattern = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
        assert pattern.sub("\ufffd", identifier) in kept
        told = [f.message for f in lost if f.rule == "not-in-xml" and "identifier of <" in f.message]
        assert bool(told) is bool(pattern.search(identifier))
    else:
        assert identifier in kept
        assert lost == []


def test_different_ids_never_share_an_iri(tmp_path: Path) -> None:
    ids = [
        "a/b",
        "a%2Fb",
        "a%252Fb",
        "a b",
        "a%20b",
        "A/b",
        "..",
        "%2E%2E",
        ".",
        "e\u0301",
        "\u00e9",
        "a#b",
        "a?b",
    ]
    for number, identifier in enumerate(ids):
        put(tmp_path / "source", f"{number}.json", {**GOOD, "id": identifier})
    catalog = Catalog.create()
    report = catalog.ingest(tmp_path / "source")
    assert not [f for f in report.findings.kept if f.rule == "duplicate-id"]
    assert {d.identifier for d in catalog.datasets()} == set(ids)


def test_duplicate_ids_are_reported_and_both_are_kept(tmp_path: Path) -> None:
    for name in ("a.json", "b.json"):
        put(tmp_path / "source", name, {**GOOD, "properties": {"title": name}})
    lines = [json.dumps({**GOOD, "id": "twice", "properties": {"title": title}}) for title in ("one", "two")]
    put(tmp_path / "source", "c.ndjson", "\n".join(lines))
    catalog = Catalog.create()
    report = catalog.ingest(tmp_path / "source")
    finding(report, "duplicate-id", "b.json", "/id")
    finding(report, "duplicate-id", "c.ndjson")
    assert {"a.json", "b.json", "one", "two"} <= texts(catalog, RDFS.label)
    before = said(catalog)
    assert catalog.ingest(tmp_path / "source").read == 0
    assert said(catalog) == before


# Anything anywhere

_LONG = "x" * 5_000
# fmt: off
NASTY: list[Any] = [
    None, True, 0, -1, 1.5, 10**30, -(10**30), 1e308, NAN, INFINITY, -INFINITY, "", " ", "\ud800", "a\0b",
    "..", "../../etc/passwd", "/etc/passwd", "//host/x", "C:\\x", "%00", "%2e%2e/x", "#", "?", _LONG, "a/" * 3_000,
    "http://", "http:///", "http://[", "http://[::1", "https://example.org:99999999/", "http://ex ample/",
    "https://example.org/%zz", "https://example.org/]", "https://exam[ple].org/", "https://example.org/#a#b",
    "https://\ud800.org/", "file:///etc/passwd", "javascript:alert(1)", "data:,x", "urn:x", "x:\ud800", "s3://b/k",
    '"> . <x> <y> <z> . <', "\x01\x1f\x7f", "NaN", "train", "mlm:", "10.1234/x", "2020-01-01T00:00:00Z",
    [], {}, [[]], [{}], [None], {"\ud800": 1}, {"a": {"b": []}}, [[["\ud800"]]], ["x", 1, None], [7, 46, 8, 47],
    functools.reduce(lambda value, _: [value], range(300), 1),
    functools.reduce(lambda value, _: {"type": "GeometryCollection", "geometries": [value]}, range(300), POLYGON),
    {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, 1], [1, 0], [0, 0]]]},
    {"type": "MultiPolygon", "coordinates": [[RING], [RING], []]},
    {"type": "Polygon", "coordinates": [[[170, 0], [-170, 0], [-170, 1e300], [170, 0]]]},
]
# fmt: on
_numbers = st.integers() | st.floats() | st.floats(-200, 200)
_json = st.recursive(
    st.none() | st.booleans() | _numbers | st.text(st.characters(exclude_categories=[])),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)
_rings = st.lists(st.lists(st.floats(-400, 400) | st.integers(-200, 200), min_size=2, max_size=2), max_size=7)
_anything = st.sampled_from(NASTY) | _json | _rings | _rings.map(lambda ring: [ring])


@settings(deadline=None, max_examples=100)
@given(data=st.data())
def test_any_value_anywhere_harms_nothing(data: st.DataObject) -> None:
    originals = [
        MODEL,
        SAMPLE,
        COLLECTION,
        CATALOG,
        FEATURES,
        TRAINING_DML,
        {**GOOD, "links": SAMPLE["links"]},
    ]
    original = data.draw(st.sampled_from(originals))
    path = data.draw(st.sampled_from(list(paths(original))))
    mutated = replaced(original, path, data.draw(_anything))
    with tempfile.TemporaryDirectory() as temporary:
        source = Path(temporary) / "source"
        put(source, "good.json", GOOD)
        put(source, "bad.json", original)
        catalog, fresh = Catalog.create(), Catalog.create()
        catalog.ingest(source)
        good, bad = of(catalog, "good.json"), of(catalog, "bad.json")

        put(source, "bad.json", mutated)
        for one in (catalog, fresh):
            report = one.ingest(source)
            assert of(one, "good.json") == good
            for found in report.findings.kept:
                assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", found.rule)
                assert found.document
                assert found.message
            if report.failed and original is not FEATURES:
                assert of(one, "bad.json") == (bad if one is catalog else set())
            check_graph(one, Path(temporary))
            before = said(one)
            assert one.ingest(source).read == 0
            assert said(one) == before


# Links in circles


def test_a_catalog_that_links_itself_is_read_once(tmp_path: Path) -> None:
    links = [{"rel": rel, "href": href} for rel in ("child", "item") for href in ("./catalog.json", "sub/catalog.json")]
    put(
        tmp_path / "source",
        "catalog.json",
        {**CATALOG, "links": [*links, {"rel": "item", "href": "good.json"}]},
    )
    back = [{"rel": "child", "href": "../catalog.json"}, {"rel": "item", "href": "../sub/../good.json"}]
    put(tmp_path / "source" / "sub", "catalog.json", {**CATALOG, "id": "sub", "links": back})
    put(tmp_path / "source", "good.json", GOOD)
    catalog = Catalog.create()
    report = catalog.ingest(tmp_path / "source" / "catalog.json")
    assert (report.read, report.failed) == (3, 0)
    assert [d.identifier for d in catalog.datasets()] == ["good"]
    # To itself: as child and as item, of the one; the other only links back.
    told = [(Path(f.document).name, f.pointer) for f in report.findings.kept if f.rule == "self-reference"]
    assert told == [("catalog.json", "/links/0/href"), ("catalog.json", "/links/2/href")]


def test_models_made_from_each_other_end_and_are_reported(tmp_path: Path) -> None:
    for name, parent in {"a": "b", "b": "c", "c": "a"}.items():
        link = {"rel": "derived_from", "href": f"./{parent}.json"}
        put(tmp_path / "source", f"{name}.json", {**MODEL, "id": name, "links": [link]})
    catalog = Catalog.create()
    report = catalog.ingest(tmp_path / "source")
    assert report.read == 3
    (found,) = [f for f in report.findings.kept if f.rule == "cycle"]
    assert all(f"/items/{name}" in found.message for name in "abc")
    edges = {(d.derived[-1], d.source[-1]) for d in catalog.derivations()}
    assert edges == {("a", "b"), ("b", "c"), ("c", "a")}


def test_versions_that_succeed_each_other_or_themselves_end_and_are_reported(tmp_path: Path) -> None:
    def versions(*hrefs: str) -> list[dict[str, str]]:
        return [{"rel": "predecessor-version", "href": href} for href in hrefs]

    put(tmp_path / "source", "a.json", {**MODEL, "id": "a", "links": versions("./b.json")})
    put(tmp_path / "source", "b.json", {**MODEL, "id": "b", "links": versions("./a.json")})
    put(tmp_path / "source", "c.json", {**MODEL, "id": "c", "links": versions("./c.json")})
    catalog = Catalog.create()
    report = catalog.ingest(tmp_path / "source")
    assert report.read == 3
    finding(report, "version-cycle", "c.json", "/links/0")
    (found,) = [f for f in report.findings.kept if f.rule == "cycle"]
    assert "/items/a" in found.message
    assert "/items/b" in found.message
    assert {(x.subject[-1], x.object[-1]) for x in catalog.associations()} == {("a", "b"), ("b", "a")}


def test_collections_and_items_that_name_each_other_end(tmp_path: Path) -> None:
    link = [{"rel": "collection", "href": "./chips.json"}, {"rel": "item", "href": "./chips.json"}]
    put(tmp_path / "source", "chips.json", {**COLLECTION, "links": link})
    put(
        tmp_path / "source",
        "sample.json",
        {**SAMPLE, "links": [{"rel": "collection", "href": "./sample.json"}]},
    )
    assert Catalog.create().ingest(tmp_path / "source").failed == 0


# Ways out of the source's folder

SECRET = {**GOOD, "id": "secret-id", "properties": {"title": "secret-title"}}


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    return put(tmp_path / "outside", "secret.json", SECRET)


def _escapes(outside: Path) -> dict[str, str]:
    return {
        "parent": "../outside/secret.json",
        "parents": "../" * 30 + str(outside).lstrip("/"),
        "down and up": "./sub/../../outside/secret.json",
        "absolute": str(outside),
        "percent-encoded": "%2e%2e/outside/secret.json",
        "percent-encoded absolute": str(outside).replace("/", "%2F"),
        "query": "../outside/secret.json?x",
        "file:": outside.as_uri(),
        "file: without host": f"file:{outside}",
        "FILE:": outside.as_uri().replace("file", "FILE"),
        "below its own address": "https://example.org/stac/../outside/secret.json",
        "absolute below its own address": f"https://example.org/stac/{outside}",
        "encoded below its own address": "https://example.org/stac/%2e%2e/outside/secret.json",
    }


@pytest.mark.parametrize("escape", _escapes(Path("/x/y")))
@pytest.mark.parametrize("rel", ["child", "item", "derived_from", "collection", "predecessor-version"])
def test_no_href_leads_out_of_the_folder(
    tmp_path: Path, outside: Path, no_network: None, rel: str, escape: str
) -> None:
    href = _escapes(outside)[escape]
    source = tmp_path / "source"
    self_link = {"rel": "self", "href": "https://example.org/stac/catalog.json"}
    bad = {"rel": rel, "href": href}
    links = [self_link, {"rel": "item", "href": "./model.json"}]
    if rel in ("child", "item"):
        put(source, "catalog.json", {**CATALOG, "links": [*links, bad]})
        put(source, "model.json", {**MODEL, "links": []})
    else:
        put(source, "catalog.json", {**CATALOG, "links": links})
        put(source, "model.json", {**MODEL, "links": [bad]})
    catalog = Catalog.create()
    report = catalog.ingest(source / "catalog.json")
    assert report.read == 2
    assert report.failed == 0  # the document that names it is fine, and the other is none of ours
    everything = " ".join(map(str, catalog.store.match()))
    assert "secret-id" not in everything
    assert "secret-title" not in everything
    if rel != "collection":  # an item may name a collection elsewhere
        rules = {f.rule for f in report.findings.kept if f.pointer.startswith("/links/")}
        if not href.startswith("https:"):
            assert rules & {"outside-tree", "refused-link"}, report.findings.kept
        elif rel in ("child", "item"):
            assert rules & {"outside-tree", "network-off"}
    check_graph(catalog, tmp_path)


def test_whether_a_file_outside_exists_cannot_be_told(tmp_path: Path, outside: Path) -> None:
    def rules(target: Path) -> list[tuple[str, str]]:
        links = [{"rel": "item", "href": str(target)}, {"rel": "child", "href": f"../outside/{target.name}"}]
        put(tmp_path / "source", "catalog.json", {**CATALOG, "links": links})
        report = Catalog.create().ingest(tmp_path / "source" / "catalog.json")
        return [(f.pointer, f.rule) for f in report.findings.kept]

    assert rules(outside) == rules(outside.with_name("nothing.json"))


def test_links_of_the_file_system_out_of_the_folder_are_not_followed(tmp_path: Path, outside: Path) -> None:
    source = tmp_path / "source"
    put(source, "good.json", GOOD)
    put(outside.parent, "secret.ndjson", json.dumps(SECRET))
    (source / "file.json").symlink_to(outside)
    (source / "lines.ndjson").symlink_to(outside.with_name("secret.ndjson"))
    (source / "folder").symlink_to(outside.parent)
    (source / "loop.json").symlink_to(source / "loop.json")
    (source / "nowhere.json").symlink_to(source / "missing.json")
    (source / "here").symlink_to(source)
    links = [{"rel": "item", "href": href} for href in ("file.json", "folder/secret.json", "good.json")]
    put(source, "catalog.json", {**CATALOG, "links": links})
    for start in (source, source / "catalog.json"):
        catalog = Catalog.create()
        report = catalog.ingest(start)
        everything = " ".join(map(str, catalog.store.match()))
        assert "secret" not in everything
        assert report.read == 2
        # Followed by link, it is the link that leads out; read file by file, the file.
        finding(report, "outside-tree", "file.json" if start == source else "catalog.json")
    report = Catalog.create().ingest(source)
    finding(report, "outside-tree", "lines.ndjson")
    finding(report, "outside-tree", "folder")


def test_links_of_the_file_system_within_the_folder_are_followed(tmp_path: Path) -> None:
    put(tmp_path / "source", "good.json", GOOD)
    (tmp_path / "source" / "same.json").symlink_to("good.json")
    assert Catalog.create().ingest(tmp_path / "source").read == 2


# What is no ordinary file


def test_pipes_and_folders_named_like_documents_do_not_block(tmp_path: Path) -> None:
    source = tmp_path / "source"
    put(source, "good.json", GOOD)
    put(source / "folder.json", "inner.json", {**GOOD, "id": "inner"})
    (source / "folder.ndjson").mkdir()
    os.mkfifo(source / "pipe.json")
    os.mkfifo(source / "pipe.ndjson")
    links = [{"rel": "item", "href": href} for href in ("pipe.json", "folder.json", "good.json")]
    put(source, "catalog.json", {**CATALOG, "links": links})
    code = """
        r = Catalog.create().ingest(a[0])
        print(r.read, r.failed, *sorted({f"{os.path.basename(f.document)} {f.rule} {f.message}" for f in r.findings.kept}))
    """
    told = run(code, source)
    assert told.startswith("3 2 ")
    assert "pipe.json unreadable" in told
    assert "pipe.ndjson unreadable" in told
    assert told.count("a pipe, a device or a folder, and no file") == 2  # it is there
    assert "catalog.json broken-link" in run(code, source / "catalog.json")
    for pipe in ("pipe.json", "pipe.ndjson"):
        assert run(code, source / pipe).startswith("0 1 ")


def test_what_may_not_be_read_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Refused by hand: root, which tests may run as, may read everything.
    source = tmp_path / "source"
    put(source, "good.json", GOOD)
    put(source, "secret.json", SECRET)
    put(source, "secret.ndjson", json.dumps(SECRET))
    opened = os.open

    def refuse(path: Any, *flags: Any, **how: Any) -> Any:
        if Path(path).stem == "secret":
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *flags, **how)

    monkeypatch.setattr(os, "open", refuse)
    report = Catalog.create().ingest(source)
    assert (report.read, report.failed) == (1, 2)
    for name in ("secret.json", "secret.ndjson"):
        finding(report, "unreadable", name)


def test_a_folder_that_cannot_be_listed_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "source", "good.json", GOOD)
    put(tmp_path / "source" / "closed", "item.json", GOOD)
    scandir = os.scandir

    def refuse(path: Any) -> Any:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    report = Catalog.create().ingest(tmp_path / "source")
    assert report.read == 1
    finding(report, "unreadable", "closed")


def test_file_names_that_are_no_text_do_not_collide(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    for number, name in enumerate([b"\xfe.json", b"\xff.json", "é.json".encode(), b"?.json"]):
        path = os.path.join(os.fsencode(tmp_path / "source"), name)
        try:
            with open(path, "wb") as file:
                file.write(json.dumps({**GOOD, "id": f"id{number}"}).encode())
        except OSError:
            pytest.skip("this file system takes names in UTF-8 only")
    catalog = Catalog.create()
    assert catalog.ingest(tmp_path / "source").read == 4
    assert {d.identifier for d in catalog.datasets()} == {f"id{n}" for n in range(4)}
    check_graph(catalog, tmp_path)


@pytest.mark.parametrize("source", ["", "nope", "a\0b", "x" * 5_000, "\udcff", "file:///etc/passwd", "/dev/null/x"])
def test_a_source_that_is_not_there_is_one_clear_error(source: str) -> None:
    with pytest.raises(SourceNotFound, match="Check the path or address"):
        Catalog.create().ingest(source)


@pytest.mark.parametrize("source", ["http://[", "http://", "https://example.org:99999999/x.json"])
def test_a_source_that_is_no_address_is_one_clear_error(no_network: None, source: str) -> None:
    for allow_network in (False, True):
        if "example.org" in source and allow_network:
            continue  # judged when it is looked up
        with pytest.raises((SourceNotFound, NetworkNotAllowed)):
            Catalog.create().ingest(source, allow_network=allow_network)


@pytest.mark.parametrize("name", ["catalog.json", "items.ndjson", ""])
def test_an_address_without_network_is_one_clear_error(no_network: None, name: str) -> None:
    catalog = Catalog.create()
    with pytest.raises(NetworkNotAllowed, match="--allow-network"):
        catalog.ingest(f"https://example.org/{name}")
    assert said(catalog) == {}


# Large ones


def test_a_document_too_large_is_not_read(tmp_path: Path) -> None:
    source = tmp_path / "source"
    put(source, "good.json", GOOD)
    with (source / "large.json").open("wb") as file:
        file.truncate(2 * 1024**3)  # sparse: takes no room
    code = """
        import resource
        small, large = Catalog.create(), Catalog.create()
        small.ingest(a[1])
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        r = large.ingest(a[0])
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        print(r.read, r.failed, grown < 32 * 1024, *[(os.path.basename(f.document), f.rule) for f in r.findings.kept])
    """
    put(tmp_path / "small", "good.json", GOOD)
    assert run(code, source, tmp_path / "small") == "1 1 True ('large.json', 'too-large')\n"


def test_a_line_too_large_is_passed_over(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    with (source / "items.ndjson").open("wb") as file:
        file.write(json.dumps({**GOOD, "id": "first"}).encode() + b"\n")
        file.seek(MAX_DOCUMENT_BYTES + 36 * 1024**2, os.SEEK_CUR)
        file.write(b"\n" + json.dumps({**GOOD, "id": "last"}).encode())
    catalog = Catalog.create()
    report = catalog.ingest(source)
    finding(report, "too-large", "items.ndjson", "2:1")
    assert texts(catalog, DCTERMS.identifier) == {"first", "last"}


def test_time_grows_with_the_links_of_a_document_and_not_with_their_square(tmp_path: Path) -> None:
    # Seconds if linear, many minutes if not: the limit tells one from the other on any machine.
    links = [{"rel": "related", "href": f"./{i}.json"} for i in range(90_000)]
    links += [{"rel": "derived_from", "href": f"./{i}.json"} for i in range(5_000)]
    links += [{"rel": "source", "href": f"./{i}.tif"} for i in range(5_000)]
    put(tmp_path / "source", "model.json", {**MODEL, "links": links})
    put(tmp_path / "source", "sample.json", {**SAMPLE, "links": links})
    code = """
        import resource
        resource.setrlimit(resource.RLIMIT_CPU, (30, 30))
        c = Catalog.create()
        r = c.ingest(a[0])
        print(r.read, sum(1 for _ in c.derivations()))
    """
    read, derivations = map(int, run(code, tmp_path / "source").split())
    assert read == 2
    assert derivations == 10_000


# Many documents in one file


def _lines(*documents: Any) -> str:
    return "\n".join(d if isinstance(d, str) else json.dumps(d) for d in documents)


def _item(name: str, title: str = "as it was") -> dict[str, Any]:
    return {**GOOD, "id": name, "properties": {"title": f"{name} {title}"}}


BAD_LINES = {
    "not JSON": ("{oops", "not-json", "2:2"),
    "a number": ("5", "wrong-type", "2:1"),
    "null": ("null", "wrong-type", "2:1"),
    "a list": ("[{}]", "wrong-type", "2:1"),
    "too deep": ("[" * DEEP, "not-json", None),
    "latin-1": ('{"id": "\xe9"}'.encode("latin-1"), "not-json", None),
    "no id": ({**GOOD, "id": None}, "missing-id", "/id"),
}


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\n\n \n"])
@pytest.mark.parametrize(("line", "rule", "pointer"), BAD_LINES.values(), ids=BAD_LINES)
def test_a_bad_line_costs_nothing_but_itself(tmp_path: Path, line: Any, rule: str, pointer: str, end: str) -> None:
    source = tmp_path / "source"
    put(source, "items.ndjson", _lines(_item("a"), _item("b"), _item("c")))
    catalog = Catalog.create()
    catalog.ingest(source)
    before = {graph: quads for graph, quads in said(catalog).items() if "#" in graph}
    assert len(before) == 3

    text = line if isinstance(line, bytes) else _lines(line).encode()
    put(
        source,
        "items.ndjson",
        b"\n".join([_lines(_item("a")).encode(), text, _lines(_item("c", "now")).encode()]) + end.encode(),
    )
    report = catalog.ingest(source)
    finding(report, rule, "items.ndjson", pointer)
    after = {graph: quads for graph, quads in said(catalog).items() if "#" in graph}
    # a is as it was, c is new, and b, which the bad line may have been, is kept.
    assert after.keys() == before.keys()
    assert texts(catalog, RDFS.label) == {"a as it was", "b as it was", "c now"}
    assert report.removed == 0
    # Another reading of the same bytes says the same and changes nothing.
    again = catalog.ingest(source)
    finding(again, rule, "items.ndjson", pointer)
    assert (again.read, again.removed) == (0, 0)
    assert {graph: quads for graph, quads in said(catalog).items() if "#" in graph} == after

    put(source, "items.ndjson", _lines(_item("a"), _item("c", "now")))
    assert catalog.ingest(source).removed == 1
    assert texts(catalog, RDFS.label) == {"a as it was", "c now"}


@pytest.mark.parametrize("bad", [5, None, "x", [], {**GOOD, "id": []}], ids=str)
def test_a_bad_feature_costs_nothing_but_itself(tmp_path: Path, bad: Any) -> None:
    def features(*of: Any) -> dict[str, Any]:
        return {"type": "FeatureCollection", "features": of}

    source = tmp_path / "source"
    put(source, "items.json", features(_item("a"), _item("b"), _item("c")))
    catalog = Catalog.create()
    catalog.ingest(source)
    put(source, "items.json", features(_item("a"), bad, _item("c", "now")))
    report = catalog.ingest(source)
    found = [f for f in report.findings.kept if f.rule in ("wrong-type", "missing-id")]
    assert [f"{f.document}{f.pointer}" for f in found if "/features/1" in f.document + f.pointer]
    assert texts(catalog, RDFS.label) == {"a as it was", "b as it was", "c now"}
    put(source, "items.json", features(_item("c", "now")))
    assert catalog.ingest(source).removed == 2


def test_an_item_collection_that_breaks_keeps_its_members(tmp_path: Path) -> None:
    put(tmp_path / "source", "items.json", {"type": "FeatureCollection", "features": [_item("a"), _item("b")]})
    catalog = Catalog.create()
    catalog.ingest(tmp_path / "source")
    before = said(catalog)
    put(tmp_path / "source", "items.json", '{"type": "FeatureCollection", "features": [')
    assert catalog.ingest(tmp_path / "source").failed == 1
    assert said(catalog) == before


@pytest.mark.parametrize("order", [1, -1])
def test_a_file_that_turns_from_one_item_to_many_or_back_leaves_nothing_behind(tmp_path: Path, order: int) -> None:
    many = {"type": "FeatureCollection", "features": [_item("a"), _item("b")]}
    contents, labels = [many, _item("c")], [{"a as it was", "b as it was"}, {"c as it was"}]
    catalog = Catalog.create()
    for content, label in list(zip(contents, labels, strict=True))[::order]:
        put(tmp_path / "source", "items.json", content)
        catalog.ingest(tmp_path / "source")
        assert texts(catalog, RDFS.label) == label


# Addresses that documents name

LOCAL = [
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",  # where clouds keep credentials
    "100.64.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "fe80::1%eth0",
    "fd00::1",
    "ff02::1",
    "64:ff9b::7f00:1",  # NAT64 of 127.0.0.1 (RFC 6052)
    "2002:7f00:1::",  # 6to4 of 127.0.0.1 (RFC 3056)
]


def _resolves_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
    """Make every name stand for these addresses, and return the list of connections made."""
    connected: list[str] = []

    def getaddrinfo(host: str, port: Any, *_: Any, **__: Any) -> list[Any]:
        return [
            (socket.AF_INET6 if ":" in a else socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, port)) for a in addresses
        ]

    def connect(address: Any, *_: Any, **__: Any) -> Any:
        connected.append(address[0])
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(socket, "create_connection", connect)
    return connected


@pytest.mark.parametrize("address", LOCAL)
def test_a_name_that_is_a_private_machine_is_refused(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    for addresses in ([address], ["93.184.215.14", address], [address, "93.184.215.14"]):
        connected = _resolves_to(monkeypatch, *addresses)
        for scheme in ("http", "https"):
            with pytest.raises(NetworkNotAllowed, match=r"public\.example"):
                Fetcher(None, allow_network=True).read_url(f"{scheme}://public.example/x.json")
        assert connected == []


def test_a_public_machine_is_asked_at_the_address_that_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    connected = _resolves_to(monkeypatch, "93.184.215.14")
    with pytest.raises(SourceNotFound, match="no answer"):
        Fetcher(None, allow_network=True).read_url("http://public.example/x.json")
    assert connected == ["93.184.215.14"]


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://example.org/x",
        "gopher://example.org/",
        "http://user:password@example.org/",
        "http://user@example.org/",
        "http:///x",
        "http://[",
        "http://[::1",
        "//example.org/x",
        "",
    ],
)
def test_only_plain_web_addresses_are_asked(no_network: None, url: str) -> None:
    with pytest.raises(MlaoiError):
        Fetcher(None, allow_network=True).read_url(url)


def test_nothing_is_asked_unless_it_is_allowed(no_network: None) -> None:
    with pytest.raises(NetworkNotAllowed, match="--allow-network"):
        Fetcher(None).read_url("https://example.org/x.json")


class _Server:
    """A web server on 127.0.0.1; ``pages`` are bodies, or addresses to redirect to."""

    def __init__(self) -> None:
        self.pages: dict[str, bytes | str] = {}
        self.asked: list[str] = []
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                owner.asked.append(self.path)
                page = owner.pages.get(self.path)
                self.send_response(404 if page is None else 302 if isinstance(page, str) else 200)
                if isinstance(page, str):
                    self.send_header("Location", page)
                self.end_headers()
                if isinstance(page, bytes):
                    self.wfile.write(page)

            def log_message(self, *_: Any) -> None:
                pass

        self._http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._http.server_address[1]
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


@pytest.fixture
def server() -> Iterator[_Server]:
    with contextlib.closing(_Server()) as server:
        yield server


@pytest.fixture
def public(server: _Server, monkeypatch: pytest.MonkeyPatch) -> _Server:
    """The server, posing as http://public.example: what connects to its address reaches it."""
    resolve, connect = socket.getaddrinfo, socket.create_connection

    def getaddrinfo(host: str, port: Any, *rest: Any, **more: Any) -> Any:
        if host.endswith(".example"):
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.215.14", port))]
        return resolve(host, port, *rest, **more)

    def create_connection(address: Any, *rest: Any, **more: Any) -> Any:
        assert address[0] == "93.184.215.14", address
        return connect(("127.0.0.1", server.port), *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(socket, "create_connection", create_connection)
    return server


@pytest.mark.enable_socket
@pytest.mark.parametrize("name", ["catalog.json", "items.ndjson"])
def test_a_private_machine_that_the_user_names_is_read(server: _Server, name: str) -> None:
    server.pages = {
        "/catalog.json": json.dumps(CATALOG).encode(),
        "/good.json": json.dumps(GOOD).encode(),
        "/items.ndjson": _lines(GOOD, {**GOOD, "id": "second"}).encode(),
    }
    catalog = Catalog.create()
    catalog.ingest(f"http://127.0.0.1:{server.port}/{name}", allow_network=True)
    assert "good" in texts(catalog, DCTERMS.identifier)


@pytest.mark.enable_socket
@pytest.mark.parametrize("rel", ["item", "child", "derived_from", "collection"])
def test_a_document_of_a_public_machine_leads_to_no_private_one(public: _Server, rel: str) -> None:
    hosts = ["127.0.0.1", "localhost", "[::1]", "0.0.0.0", "2130706433", "0x7f.1", "127.1"]
    bad = [{"rel": rel, "href": f"http://{host}:{public.port}/secret.json"} for host in hosts]
    links = [{"rel": "item", "href": "model.json"}]
    public.pages = {
        "/catalog.json": json.dumps(
            {**CATALOG, "links": [*links, *(bad if rel in ("item", "child") else [])]}
        ).encode(),
        "/model.json": json.dumps({**MODEL, "links": bad if rel not in ("item", "child") else []}).encode(),
        "/secret.json": json.dumps(SECRET).encode(),
    }
    catalog = Catalog.create()
    report = catalog.ingest("http://public.example/catalog.json", allow_network=True)
    assert report.read == 2
    assert "/secret.json" not in public.asked
    assert "secret-id" not in texts(catalog, DCTERMS.identifier)
    if rel != "collection":
        found = [f for f in report.findings.kept if "private or local" in f.message]
        assert len(found) >= 4
        assert {f.rule for f in found} <= {"refused-link", "broken-link"}


@pytest.mark.enable_socket
@pytest.mark.parametrize("network", [False, True])
def test_a_link_that_is_refused_is_told_where_it_is(tmp_path: Path, public: _Server, network: bool) -> None:
    named, looked_up, gone = "http://localhost:1/x.json", "http://2130706433/x.json", "http://public.example/gone.json"
    links = [{"rel": rel, "href": href} for href in (named, looked_up, gone) for rel in ("item", "child")]
    (tmp_path / "catalog.json").write_text(json.dumps({**CATALOG, "links": links}))
    report = Catalog.create().ingest(tmp_path / "catalog.json", allow_network=network)
    found = {(Path(f.document).name, f.pointer, f.rule) for f in report.findings.kept}
    of = {"named": "refused-link", "looked up": "refused-link" if network else "network-off"}
    here = [("catalog.json", f"/links/{number}/href", of["named"]) for number in (0, 1)]
    here += [("catalog.json", f"/links/{number}/href", of["looked up"]) for number in ((2,) if network else (2, 3))]
    there = [("gone.json", "", "unreadable")]
    off = [("catalog.json", f"/links/{number}/href", "network-off") for number in (4, 5)]
    assert found == {*here, *(there if network else off)}
    # Only what was asked for and did not come is a document that failed.
    assert report.failed == (2 if network else 0)
    assert [named in lost for lost in report.not_read].count(True) == (2 if network else 0)


@pytest.mark.enable_socket
@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1/secret.json",
        "http://localhost/secret.json",
        "file:///etc/passwd",
        "http://[",
        "//[::1]/",
    ],
)
def test_a_redirect_leads_to_no_private_machine(public: _Server, target: str) -> None:
    public.pages = {
        "/catalog.json": json.dumps(
            {**CATALOG, "links": [{"rel": "item", "href": h} for h in ("moved.json", "good.json")]}
        ).encode(),
        "/moved.json": target,
        "/good.json": json.dumps(GOOD).encode(),
        "/secret.json": json.dumps(SECRET).encode(),
    }
    with pytest.raises(MlaoiError):
        Fetcher(None, allow_network=True).read_url("http://public.example/moved.json")
    catalog = Catalog.create()
    report = catalog.ingest("http://public.example/catalog.json", allow_network=True)
    assert (report.read, report.failed) == (2, 1)
    assert texts(catalog, DCTERMS.identifier) == {"good"}
    assert "/secret.json" not in public.asked


@pytest.mark.enable_socket
def test_redirects_in_a_circle_and_bodies_without_end_are_given_up(public: _Server) -> None:
    public.pages = {"/a": "/b", "/b": "/a", "/large": b" " * (MAX_DOCUMENT_BYTES + 1)}
    with pytest.raises(MlaoiError, match="redirects"):
        Fetcher(None, allow_network=True).read_url("http://public.example/a")
    with pytest.raises(MlaoiError, match="bytes"):
        Fetcher(None, allow_network=True).read_url("http://public.example/large")


# Killed, and locked

_COUNT = 450  # more than two transactions


def _many(folder: Path, title: str, members: int = 5) -> Path:
    for number in range(_COUNT):
        put(folder, f"{number:03}.json", _item(f"i{number}", title))
    link = {"rel": "derived_from", "href": "zzz-late", "lineage:stage": "pretraining"}
    put(
        folder,
        "000-model.json",
        {**MODEL, "links": [link], "properties": {**MODEL["properties"], "title": title}},
    )
    put(folder, "zzz.json", _item("zzz-late", title))
    put(folder, "members.ndjson", _lines(*(_item(f"m{n}", title) for n in range(members))))
    return folder


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, set[Any]]]:
    """What a catalog holds after the old source, and then the new one, were read undisturbed."""
    source = _many(tmp_path_factory.mktemp("quiet") / "source", "old")
    with Catalog.create() as catalog:
        catalog.ingest(source)
        old = said(catalog)
        _many(source, "new", members=1)
        catalog.ingest(source)
        return {"old": old, "new": said(catalog)}


KILLED_AT = {
    "first document": "progress = lambda n: die() if n == 1 else None",
    "first transaction": "progress = lambda n: die() if n == 100 else None",
    "third transaction": "progress = lambda n: die() if n == 430 else None",
    "before the snapshot": "OxigraphStore.snapshot = die",
    "after the snapshot": "OxigraphStore.snapshot = then_die(OxigraphStore.snapshot)",
    "before the manifest": "Manifest.write = die",
    "before the manifest takes its place": "Path.replace = die",
    "after the source is named": "Manifest.write = then_die(Manifest.write)",
    "after the manifest": "Manifest.write = then_die(Manifest.write, lambda manifest: manifest.snapshot != published)",
    "while old snapshots are dropped": "shutil.rmtree = die",
}
_KILL = """
    import shutil
    from pathlib import Path
    from mlaoi_graph.manifest import Manifest
    from mlaoi_graph.stores.oxigraph import OxigraphStore
    def die(*_, **__):
        os.kill(os.getpid(), signal.SIGKILL)
    def then_die(function, when=lambda *_: True):
        def both(*arguments, **more):
            function(*arguments, **more)
            if when(arguments[0]):
                die()
        return both
    published = Manifest.read(Path(a[0])).snapshot
    progress = None
    catalog = Catalog.open(a[0])
    exec(a[2])
    catalog.ingest(a[1], progress=progress)
"""


def _killed(catalog: Path, source: Path, where: str) -> bool:
    process = python(_KILL, catalog, source, KILLED_AT[where])
    _, stderr = process.communicate(timeout=120)
    assert stderr == ""
    assert process.returncode in (0, -signal.SIGKILL)
    return process.returncode != 0


@pytest.mark.parametrize("where", KILLED_AT)
def test_an_ingest_that_is_killed_is_as_if_it_had_not_begun_or_had_ended(
    tmp_path: Path, quiet: dict[str, dict[str, set[Any]]], where: str
) -> None:
    source, home = _many(tmp_path / "source", "old"), tmp_path / "catalog"
    with Catalog.create(home) as catalog:
        # Three times, so that there are snapshots to drop.
        for _ in range(3):
            catalog.ingest(source)
    _many(source, "new", members=1)

    assert _killed(home, source, where)
    with Catalog.open(home) as catalog:
        # The source has its name already, so the first manifest written is the last.
        published = where.startswith("after the manifest") or where in (
            "after the source is named",
            "while old snapshots are dropped",
        )
        assert said(catalog) == quiet["new" if published else "old"]
        catalog.ingest(source)
        assert said(catalog) == quiet["new"]
        report = catalog.ingest(source)
        assert report.read == report.removed == 0
    with Catalog.open(home) as catalog:
        assert said(catalog) == quiet["new"]
    assert len([path for path in (home / "snapshots").iterdir() if path.is_dir()]) <= 2


@pytest.mark.parametrize("where", [where for where in KILLED_AT if not where.startswith("while")])
def test_a_first_ingest_that_is_killed_leaves_a_catalog_that_works(
    tmp_path: Path, quiet: dict[str, dict[str, set[Any]]], where: str
) -> None:
    source, home = _many(tmp_path / "source", "old"), tmp_path / "catalog"
    Catalog.create(home).close()
    assert _killed(home, source, where)
    with Catalog.open(home) as catalog:
        assert said(catalog) == (quiet["old"] if where == "after the manifest" else {})
        catalog.ingest(source)
        assert said(catalog) == quiet["old"]
    with Catalog.open(home) as catalog:
        assert said(catalog) == quiet["old"]


def test_a_second_writer_is_told_so_and_readers_go_on(tmp_path: Path) -> None:
    source, home = tmp_path / "source", tmp_path / "catalog"
    put(source, "good.json", GOOD)
    with Catalog.create(home) as catalog:
        catalog.ingest(source)
        before = said(catalog)
    put(source, "good.json", _item("good", "now"))
    put(tmp_path / "other", "other.json", _item("other"))
    writer = python(
        """
        def wait(n):
            print("writing", flush=True)
            sys.stdin.readline()
        with Catalog.open(a[0]) as catalog:
            catalog.ingest(a[1], progress=wait)
        """,
        home,
        source,
    )
    try:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "writing\n"
        with Catalog.open(home) as reader:
            assert said(reader) == before
            with pytest.raises(CatalogLocked, match="another process is writing") as locked:
                reader.ingest(tmp_path / "other")
            assert "run the command again" in str(locked.value)
            assert str(home) in locked.value.path
            assert said(reader) == before
            assert writer.communicate("\n", timeout=120) == ("", "")
            assert writer.returncode == 0
            assert said(reader) == before  # what was opened stays as it was
            reader.ingest(tmp_path / "other")
            assert texts(reader, RDFS.label) == {"good now", "other as it was"}
    finally:
        writer.kill()
        writer.communicate()


def test_a_source_read_by_another_catalog_object_keeps_its_name(tmp_path: Path) -> None:
    for folder in ("x/data", "y/other", "z/data"):
        put(tmp_path / folder, "item.json", _item(folder))
    with Catalog.create(tmp_path / "catalog") as first, Catalog.open(tmp_path / "catalog") as second:
        first.ingest(tmp_path / "x" / "data")
        second.ingest(tmp_path / "y" / "other")
        # Else z/data would replace what x/data said.
        with pytest.raises(SourceNameTaken):
            second.ingest(tmp_path / "z" / "data")
    with Catalog.open(tmp_path / "catalog") as third, pytest.raises(SourceNameTaken):
        third.ingest(tmp_path / "z" / "data")


# Exceptions of others


def test_no_error_of_a_library_leaks_when_the_store_is_gone(tmp_path: Path) -> None:
    put(tmp_path / "source", "good.json", GOOD)
    catalog = Catalog.create()
    catalog.close()
    with pytest.raises(MlaoiError):
        catalog.ingest(tmp_path / "source")
