"""Write a large made-up STAC catalog of training data and models; the same numbers and seed, the same bytes.

    python benchmarks/generate.py OUT --items 10000
    python benchmarks/generate.py OUT --items 1000000 --models 100000 --form ndjson

What is in it, and why, is told in benchmarks/README.md. Nobody's data or models are described.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, BinaryIO

import orjson

Json = dict[str, Any]

ADDRESS = "https://example.com/stac/"
FILES = "https://example.com/storage/observations/machine-learning/released/2025/"
ARCHIVE = "https://earth-search.aws.element84.com/v1/collections/"

SPLITS = ("train", "validate", "test")
_TO_TRAIN, _TO_VALIDATE = 0.7, 0.85
_ITEMS_A_DATASET = 500
_DEEPEST = 8
"""Steps from a model to its oldest ancestor, at most."""

# --- what datasets are made of --------------------------------------------------------------------


def _bands(table: str) -> list[Json]:
    """Return ``eo:bands`` from lines of: name, common name, centre and width in micrometres."""
    rows = [line.split() for line in table.strip().splitlines()]
    return [
        {
            "name": name,
            "common_name": common,
            "center_wavelength": float(at),
            "full_width_half_max": float(width),
        }
        for name, common, at, width in rows
    ]


SENTINEL_2 = _bands("""
B01 coastal 0.443 0.021
B02 blue 0.492 0.066
B03 green 0.56 0.036
B04 red 0.665 0.031
B05 rededge 0.704 0.016
B06 rededge 0.741 0.015
B07 rededge 0.783 0.02
B08 nir 0.833 0.106
B8A nir08 0.865 0.022
B09 nir09 0.945 0.021
B10 cirrus 1.374 0.03
B11 swir16 1.614 0.094
B12 swir22 2.202 0.185
""")
LANDSAT_8 = _bands("""
B1 coastal 0.443 0.016
B2 blue 0.482 0.06
B3 green 0.561 0.057
B4 red 0.655 0.037
B5 nir 0.865 0.028
B6 swir16 1.609 0.085
B7 swir22 2.201 0.187
B8 pan 0.59 0.172
B9 cirrus 1.373 0.02
B10 lwir11 10.895 0.588
B11 lwir12 12.005 1.011
""")
SENTINEL_1: list[Json] = [
    {"name": "VV", "description": "Backscatter, sent and received vertically"},
    {"name": "VH", "description": "Backscatter, sent vertically and received horizontally"},
]
AERIAL = _bands("R red 0.64 0.06\nG green 0.55 0.07\nB blue 0.46 0.06\nN nir 0.83 0.09")


@dataclass(frozen=True)
class Kind:
    """One kind of dataset: what is labelled, on what imagery."""

    name: str
    constellation: str
    archive: str
    bands: list[Json]
    pixel_m: float
    pixels: int
    classes: tuple[str, ...]
    task: str
    tilt_degrees: float = 0.0
    """Chips cut in a projection are not aligned with the meridians."""
    season: bool = False
    """Made from a season's images and not from one."""


KINDS = (
    Kind("landcover", "sentinel-2", "sentinel-2-l2a", SENTINEL_2, 10, 64,
         ("cropland", "forest", "grassland", "built-up", "open-water", "bare-ground"), "classification"),
    Kind("buildings", "aerial-survey", "naip", AERIAL, 0.6, 512,
         ("building", "background"), "segmentation"),
    Kind("crop-types", "sentinel-2", "sentinel-2-l2a", SENTINEL_2, 10, 128,
         ("maize", "wheat", "rapeseed", "barley", "fallow"), "segmentation", season=True),
    Kind("surface-water", "sentinel-1", "sentinel-1-grd", SENTINEL_1, 10, 256,
         ("permanent", "seasonal", "dry"), "segmentation"),
    Kind("burnt-area", "landsat-8", "landsat-c2-l2", LANDSAT_8, 30, 256,
         ("burnt", "unburnt", "not-seen"), "segmentation", tilt_degrees=2.5),
    Kind("clouds", "sentinel-2", "sentinel-2-l1c", SENTINEL_2, 10, 256,
         ("thick", "thin", "shadow", "clear"), "segmentation"),
    Kind("plantations", "landsat-8", "landsat-c2-l2", LANDSAT_8, 30, 64,
         ("oil-palm", "rubber", "forest"), "classification", season=True),
)  # fmt: skip

# West, south, east, north, in degrees: boxes well inside land, and two where land lies across the antimeridian.
LANDS = (
    (-3, 43, 6, 48), (7, 48, 20, 53), (24, 46, 40, 55), (-8, 38, -2, 42), (13, 56, 16, 63), (28, 38, 42, 40),
    (-8, 8, 2, 13), (5, 7, 14, 12), (30, -3, 36, 2), (26, -18, 33, -10), (18, -32, 29, -25), (36, 6, 44, 11),
    (-9, 31, 0, 34), (38, 20, 48, 28), (62, 42, 78, 50), (74, 14, 80, 28), (102, 13, 106, 18), (101, 0, 104, 3),
    (110, -2, 116, 2), (106, 24, 118, 34), (116, 38, 128, 47), (90, 52, 110, 60), (137, 35, 140, 37),
    (141, -37, 149, -25), (117, -34, 121, -30), (170, -45, 172, -43), (-122, 37, -106, 48), (-104, 30, -82, 45),
    (-118, 51, -100, 56), (-104, 18, -98, 24), (-76, -2, -70, 6), (-62, -12, -48, -3), (-54, -25, -44, -14),
    (-66, -38, -60, -26), (-72, -42, -70, -34), (47, -22, 49, -15), (179.6, -16.9, 180.2, -16.5), (178, 66, 184, 68),
)  # fmt: skip


@dataclass(frozen=True)
class Dataset:
    """One dataset, and under which collections its items are published."""

    index: int
    name: str
    kind: Kind
    parted: bool
    """One collection for each split; otherwise one for all, and only items say their split."""
    made_from: str | None
    """Address of an older dataset's collection, where it is not cut from an archive directly."""

    def collection(self, split: str) -> str:
        """Return the id of the collection a split is published in."""
        return f"{self.name}-{split}" if self.parted else self.name


def datasets(items: int) -> list[Dataset]:
    """Return the datasets of a catalog with that many items; a larger catalog begins with the same ones."""
    found: list[Dataset] = []
    for index in range(max(len(KINDS), items // _ITEMS_A_DATASET)):
        kind = KINDS[index % len(KINDS)]
        older = found[index // 3] if index % 9 == 8 else None
        found.append(
            Dataset(
                index,
                f"{kind.name}-{index:04d}",
                kind,
                parted=index % 5 not in (1, 3),
                made_from=None if older is None else collection_address("data", older.collection("train")),
            )
        )
    return found


def shares(total: int, count: int, steepness: float) -> list[int]:
    """Return how a total is divided into few large shares and a long tail (Zipf), largest first."""
    weights = [(rank + 1) ** -steepness for rank in range(count)]
    scale = total / sum(weights)
    found = [int(weight * scale) for weight in weights]
    for rank in range(total - sum(found)):
        found[rank % count] += 1
    return found


# --- where -----------------------------------------------------------------------------------------


@dataclass
class Box:
    """A bounding box in degrees; longitudes go on beyond 180 instead of starting again."""

    west: float
    south: float
    east: float
    north: float

    def grow(self, other: Box) -> None:
        """Take another box in."""
        self.west, self.south = min(self.west, other.west), min(self.south, other.south)
        self.east, self.north = max(self.east, other.east), max(self.north, other.north)

    def bbox(self) -> list[float]:
        """Return it as GeoJSON has it: west beyond east across the antimeridian (RFC 7946, 5.2)."""
        return [_wrapped(self.west), self.south, _wrapped(self.east), self.north]


def _wrapped(longitude: float) -> float:
    return longitude - 360 if longitude > 180 else longitude


def _ring(west: float, south: float, east: float, north: float) -> list[list[float]]:
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


def _geometry(chip: Box, tilt_degrees: float) -> Json:
    w, s, e, n = chip.west, chip.south, chip.east, chip.north
    if w < 180 < e:
        return {
            "type": "MultiPolygon",
            "coordinates": [[_ring(w, s, 180.0, n)], [_ring(-180.0, s, e - 360, n)]],
        }
    if w >= 180:
        w, e = w - 360, e - 360
    if tilt_degrees == 0:
        return {"type": "Polygon", "coordinates": [_ring(w, s, e, n)]}
    # Corners on the box's sides, so the box is the bounding box; as good as a rectangle for so small a tilt.
    share = math.tan(math.radians(tilt_degrees))
    dx, dy = (n - s) * share, (e - w) * share
    ring = [[w, s + dy], [e - dx, s], [e, n - dy], [w + dx, n], [w, s + dy]]
    return {"type": "Polygon", "coordinates": [ring]}


def chips(dataset: Dataset, count: int, random: Random) -> Iterator[tuple[int, str, Box]]:
    """Yield place (a number), split and outline of each sample.

    They lie side by side on grids around a few places. One dataset in five was cut by a sliding window, so its
    chips overlap by half; one in two is split at random and not by block.
    """
    places = min(count, 1 + int(12 * random.random()))
    size_m = dataset.kind.pixel_m * dataset.kind.pixels
    stride = 0.5 if dataset.index % 5 == 4 else 1.0
    scattered = dataset.index % 2 == 0
    for place in range(places):
        here = count // places + (place < count % places)
        west, south, east, north = LANDS[int(len(LANDS) * random.random())]
        x, y = west + (east - west) * random.random(), south + (north - south) * random.random()
        height = size_m / 111_320
        width = height / math.cos(math.radians(y))
        columns = math.ceil(math.sqrt(here))
        x -= columns * stride * width / 2
        y -= columns * stride * height / 2
        for number in range(here):
            lon = x + number % columns * stride * width
            lat = y + number // columns * stride * height
            at = random.random() if scattered else number / here
            split = "train" if at < _TO_TRAIN else "validate" if at < _TO_VALIDATE else "test"
            yield place, split, Box(lon, lat, lon + width, lat + height)


# --- documents --------------------------------------------------------------------------------------

_EXTENSIONS = [
    f"https://stac-extensions.github.io/{name}/schema.json"
    for name in (
        "eo/v1.1.0",
        "file/v2.1.0",
        "raster/v1.1.0",
        "label/v1.0.1",
        "ml-aoi/v0.2.0",
        "version/v1.2.0",
    )
]
_MLM = [
    "https://stac-extensions.github.io/mlm/v1.5.1/schema.json",
    _EXTENSIONS[1],
    _EXTENSIONS[4],
    _EXTENSIONS[5],
]


def collection_address(branch: str, collection: str) -> str:
    """Return a collection's self link."""
    return f"{ADDRESS}{branch}/{collection}/collection.json"


def _place_links(branch: str, collection: str, title: str, address: str) -> list[Json]:
    whole = collection_address(branch, collection)
    return [
        {"rel": "root", "href": f"{ADDRESS}catalog.json", "type": "application/json"},
        {"rel": "parent", "href": whole, "type": "application/json", "title": title},
        {"rel": "collection", "href": whole, "type": "application/json", "title": title},
        {"rel": "self", "href": address, "type": "application/geo+json"},
    ]


def _moment(random: Random) -> str:
    """Return a moment of 2016 to 2024."""
    day = int(9 * 336 * random.random())
    second = int(86_400 * random.random())
    return (
        f"{2016 + day // 336}-{day // 28 % 12 + 1:02d}-{day % 28 + 1:02d}"
        f"T{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}Z"
    )


class Samples:
    """Makes the items of one dataset; what they share is made once."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        kind = dataset.kind
        one = {"nodata": 0, "unit": "1", "spatial_resolution": kind.pixel_m, "data_type": "uint16"}
        # Products with few bands are published with their statistics, so all items are about as long.
        counts = {
            "count": 12,
            "min": 0,
            "max": 4000,
            "buckets": [9, 40, 211, 763, 1380, 940, 433, 207, 96, 14, 2, 1],
        }
        known = {
            "statistics": {"minimum": 0, "maximum": 4000, "mean": 1312.25, "stddev": 402.5},
            "histogram": counts,
        }
        few = len(kind.bands) < 6
        self._raster = [{**one, "scale": 0.0001, "offset": 0, **(known if few else {})} for _ in kind.bands]
        self._seen = kind.bands[1:4] if len(kind.bands) > 4 else kind.bands[:3]
        names = ", ".join(kind.classes)
        self._properties: Json = {
            "description": f"Chip of {kind.pixels} by {kind.pixels} pixels of the dataset {dataset.name}, with labels "
            f"drawn by interpreters on the image itself and checked by a second person: {names}.",
            "license": "CC-BY-4.0",
            "version": "1.2.0",
            "label:properties": ["class"],
            "label:tasks": [kind.task],
            "label:type": "vector",
            "label:methods": ["manual"],
            "label:description": f"{kind.name} drawn on {kind.constellation} imagery",
            "label:classes": [{"name": "class", "classes": list(kind.classes)}],
            "constellation": kind.constellation,
            "gsd": kind.pixel_m,
            "eo:bands": kind.bands,
            "providers": [
                {
                    "name": "Example Mapping Agency",
                    "roles": ["producer", "licensor"],
                    "url": "https://example.com/",
                }
            ],
        }

    def item(self, number: int, split: str, chip: Box, random: Random) -> Json:
        """Return one item."""
        dataset, kind = self._dataset, self._dataset.kind
        name = f"{dataset.name}-{number:07d}"
        collection = dataset.collection(split)
        labelled = kind.classes[int(len(kind.classes) * random.random())]
        folder = f"{FILES}{kind.constellation}/{dataset.name}/version-1.2.0/{split}/{labelled}/"
        image, labels = f"{folder}image/{name}.tif", f"{folder}label/{name}.geojson"
        when = _moment(random)
        time: Json = {"datetime": when}
        if kind.season:
            time = {"datetime": None, "start_datetime": f"{when[:4]}-03-01T00:00:00Z"}
            time["end_datetime"] = f"{when[:4]}-10-31T23:59:59Z"
        size = 100_000 + int(900_000 * random.random())
        return {
            "type": "Feature",
            "stac_version": "1.0.0",
            "stac_extensions": _EXTENSIONS,
            "id": name,
            "title": f"{dataset.name}, sample {number}",
            "collection": collection,
            "bbox": chip.bbox(),
            "geometry": _geometry(chip, kind.tilt_degrees),
            "properties": {
                **time,
                **self._properties,
                "label:overviews": [{"property_key": "class", "counts": [{"name": labelled, "count": size % 40 + 1}]}],
                "ml-aoi:split": split,
            },
            "assets": {
                "labels": {
                    "title": f"Labels of sample {number}, mostly {labelled}",
                    "href": labels,
                    "type": "application/geo+json",
                    "roles": ["data", "labels"],
                    "file:size": size // 300,
                    "ml-aoi:role": "label",
                },
                "raster": {
                    "title": f"Image of sample {number} as cut from {kind.archive}",
                    "href": image,
                    "type": "image/tiff; application=geotiff",
                    "roles": ["data"],
                    "raster:bands": self._raster,
                    "eo:bands": kind.bands,
                    "file:size": size,
                    "ml-aoi:role": "feature",
                    "ml-aoi:reference-grid": True,
                },
                "thumbnail": {
                    "title": f"Preview of sample {number}",
                    "href": f"{folder}preview/{name}.png",
                    "type": "image/png",
                    "roles": ["thumbnail", "visual"],
                    "eo:bands": self._seen,
                    "file:size": size // 12,
                },
            },
            "links": [
                *_place_links("data", collection, dataset.name, f"{ADDRESS}data/{collection}/{name}.json"),
                {
                    "rel": "source",
                    "href": image,
                    "type": "image/tiff; application=geotiff",
                    "label:assets": ["labels", "raster"],
                    "ml-aoi:role": "label",
                },
                {
                    "rel": "derived_from",
                    "href": image,
                    "type": "image/tiff; application=geotiff",
                    "ml-aoi:role": "feature",
                },
            ],
        }


def _dataset_collection(dataset: Dataset, split: str | None, boxes: Sequence[Box], links: list[Json]) -> Json:
    kind = dataset.kind
    name = dataset.name if split is None else dataset.collection(split)
    bboxes = [box.bbox() for box in boxes]
    if len(boxes) > 1:
        hull = Box(boxes[0].west, boxes[0].south, boxes[0].east, boxes[0].north)
        for box in boxes[1:]:
            hull.grow(box)
        beyond = hull.east > 180
        bboxes.insert(0, [-180.0, hull.south, 180.0, hull.north] if beyond else hull.bbox())
    origin = dataset.made_from or f"{ARCHIVE}{kind.archive}"
    return {
        "type": "Collection",
        "stac_version": "1.0.0",
        "stac_extensions": [_EXTENSIONS[0], *_EXTENSIONS[4:]],
        "id": name,
        "title": f"{dataset.name} ({split})" if split else dataset.name,
        "description": f"Labelled samples of {kind.name} from {kind.constellation}"
        + (f": the {split} split." if split else ": train, validate and test together."),
        "license": "CC-BY-4.0",
        "version": "1.2.0",
        "providers": [{"name": "Example Mapping Agency", "roles": ["producer"], "url": "https://example.com/"}],
        "extent": {
            "spatial": {"bbox": bboxes or [[-180.0, -90.0, 180.0, 90.0]]},
            "temporal": {"interval": [["2016-01-01T00:00:00Z", "2024-12-31T23:59:59Z"]]},
        },
        "summaries": {
            "ml-aoi:split": [split] if split else list(SPLITS),
            "constellation": [kind.constellation],
            "gsd": [kind.pixel_m],
            "eo:bands": kind.bands,
        },
        "links": [
            {"rel": "root", "href": f"{ADDRESS}catalog.json", "type": "application/json"},
            {"rel": "parent", "href": f"{ADDRESS}data/catalog.json", "type": "application/json"},
            {"rel": "self", "href": collection_address("data", name), "type": "application/json"},
            {"rel": "derived_from", "href": origin, "type": "application/json"},
            *links,
        ],
    }


# --- models ---------------------------------------------------------------------------------------

_FIRST = (
    "amber", "azure", "birch", "cedar", "coral", "delta", "ember", "fjord",
    "flint", "garnet", "heath", "indigo", "ivory", "jasper", "larch", "lunar",
)  # fmt: skip
_SECOND = (
    "albatross", "badger", "condor", "crane", "egret", "falcon", "gannet", "heron",
    "ibis", "kestrel", "lapwing", "lynx", "osprey", "otter",
)  # fmt: skip
_ARCHITECTURES = ("ViT-L/16", "ViT-B/16", "ResNet-50", "U-Net", "Swin-B", "ConvNeXt-T", "DeepLabV3+")
_DERIVATIONS = ("finetuned",) * 14 + ("initialized",) * 2 + ("quantized",) * 2 + ("distilled", "merged")


@dataclass
class Family:
    """Models released under one name; numbers grow with time."""

    rank: int
    size: int
    depths: bytearray = field(default_factory=bytearray)
    """How many ancestors deep each model stands, as far as they are made."""

    @property
    def name(self) -> str:
        """The name, which says nothing about the size: sorting by name mixes old and new."""
        scrambled = self.rank * 97  # 97 and the 224 pairs of words have no common factor
        first, second = _FIRST[scrambled % len(_FIRST)], _SECOND[scrambled // len(_FIRST) % len(_SECOND)]
        again = self.rank // (len(_FIRST) * len(_SECOND))
        return f"{first}-{second}" + (f"-{again}" if again else "")

    def model(self, number: int) -> str:
        """Return the id of one of its models."""
        return f"{self.name}-{number:06d}"

    def address(self, number: int) -> str:
        """Return the self link of one of its models."""
        return f"{ADDRESS}models/{self.name}/{self.model(number)}.json"


def families(models: int) -> list[Family]:
    """Return the families of a catalog with that many models: a fifth of 100,000 are in the largest."""
    count = max(1, math.ceil(models**0.55))
    return [Family(rank, size) for rank, size in enumerate(shares(models, count, 1.1)) if size]


def _parents(family: Family, number: int, older: Sequence[Family], random: Random) -> list[tuple[Family, int]]:
    """Return what a model was made from: mostly one of the first of its own family."""
    found = []
    if number and random.random() < 0.92:
        found.append((family, int(number * random.random() ** 3)))
    if older and random.random() < (0.03 if number else 0.3):
        other = older[int(len(older) * random.random() ** 2)]
        found.append((other, int(other.size * random.random() ** 3)))
    return [(parent, at) for parent, at in found if parent.depths[at] < _DEEPEST]


def _use_links(dataset: Dataset, stage: str, random: Random) -> list[Json]:
    """Return the links for one dataset's use; publishers differ in how much they say."""
    style = random.random()
    whole = dataset.collection("train")
    if style < 0.1:
        return [{"rel": "derived_from", "href": collection_address("data", whole), "type": "application/json"}]
    found = []
    for split in SPLITS if stage == "finetuning" else ("train",):
        link: Json = {
            "rel": "derived_from",
            "href": collection_address("data", dataset.collection(split)),
            "type": "application/json",
            "ml-aoi:split": split,
        }
        if style > 0.3:
            link["lineage:stage"] = stage if split == "train" else {"validate": "validation"}.get(split, split)
            if split != "train":
                link["rel"] = "lineage:evaluated_on"
        found.append(link)
    return found


def _model(family: Family, number: int, older: Sequence[Family], data: Sequence[Dataset], random: Random) -> Json:
    name = family.model(number)
    parents = _parents(family, number, older, random)
    family.depths.append(1 + max(p.depths[at] for p, at in parents) if parents else 0)
    links = _place_links("models", family.name, family.name, family.address(number))
    kind_word = _DERIVATIONS[int(len(_DERIVATIONS) * random.random())] if len(parents) == 1 else "merged"
    for parent, at in parents:
        link = {"rel": "derived_from", "href": parent.address(at), "type": "application/geo+json"}
        link["mlm:name"] = parent.model(at)
        if random.random() < 0.8:
            link["lineage:derivation"] = kind_word
        links.append(link)
    used = {int(len(data) * random.random() ** 3) for _ in range(1 + int((2 if parents else 5) * random.random()))}
    if kind_word != "quantized" or not parents:
        for index in sorted(used):
            links += _use_links(data[index], "finetuning" if parents else "pretraining", random)
    if number and random.random() < 0.1:
        links.append({"rel": "predecessor-version", "href": family.address(number - 1), "type": "application/geo+json"})
    kind = data[min(used)].kind
    architecture = _ARCHITECTURES[family.rank % len(_ARCHITECTURES)]
    pretrained: Json = {"mlm:pretrained": bool(parents)}
    if not parents and random.random() < 0.3:
        pretrained = {"mlm:pretrained": True, "mlm:pretrained_source": "Example Street Photographs"}
    world = random.random() < 0.5
    west, south, east, north = LANDS[family.rank % 36]
    chip = Box(-180, -90, 180, 90) if world else Box(west, south, east, north)
    size = 10_000_000 + int(90_000_000 * random.random())
    axes = [-1, len(kind.bands), kind.pixels, kind.pixels]
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": _MLM,
        "id": name,
        "collection": family.name,
        "bbox": chip.bbox(),
        "geometry": {"type": "Polygon", "coordinates": [_ring(chip.west, chip.south, chip.east, chip.north)]},
        "properties": {
            "title": f"{family.name} {number}",
            "description": f"A {architecture} for {kind.name} on {kind.constellation} imagery.",
            "datetime": None,
            "start_datetime": "1900-01-01T00:00:00Z",
            "end_datetime": "9999-12-31T23:59:59Z",
            "created": _moment(random),
            "license": "Apache-2.0",
            "version": f"{number // 10}.{number % 10}",
            "providers": [{"name": "Example Model Works", "roles": ["producer"], "url": "https://example.com/"}],
            "mlm:name": name,
            "mlm:architecture": architecture,
            "mlm:tasks": ["semantic-segmentation" if kind.task == "segmentation" else "classification"],
            "mlm:framework": "pytorch",
            "mlm:framework_version": "2.4.0",
            "mlm:total_parameters": size * 3,
            **pretrained,
            "mlm:accelerator": "cuda",
            "mlm:accelerator_constrained": False,
            "mlm:batch_size_suggestion": 32,
            "mlm:hyperparameters": {"learning_rate": 0.0001, "epochs": 40 + number % 60, "optimizer": "adamw"},
            "mlm:input": [
                {
                    "name": f"{kind.constellation} bands",
                    "bands": [band["name"] for band in kind.bands],
                    "input": {
                        "shape": axes,
                        "dim_order": ["batch", "bands", "height", "width"],
                        "data_type": "float32",
                    },
                    "value_scaling": [{"type": "z-score", "mean": 1312.25, "stddev": 402.5} for _ in kind.bands],
                    "resize_type": None,
                }
            ],
            "mlm:output": [
                {
                    "name": kind.name,
                    "tasks": ["semantic-segmentation" if kind.task == "segmentation" else "classification"],
                    "result": {
                        "shape": [-1, len(kind.classes)],
                        "dim_order": ["batch", "class"],
                        "data_type": "float32",
                    },
                    "classification:classes": [
                        {"value": value, "name": word} for value, word in enumerate(kind.classes)
                    ],
                }
            ],
        },
        "assets": {
            "weights": {
                "title": f"Weights of {name}",
                "href": f"{FILES}models/{family.name}/{name}.pt2",
                "type": "application/vnd.pytorch; framework=pytorch",
                "roles": ["mlm:model", "mlm:weights", "data"],
                "mlm:artifact_type": "torch.export.save",
                # A multihash (sha2-256, 32 bytes) of nothing in particular.
                "file:checksum": f"1220{int(random.random() * 2**53):064x}",
                "file:size": size,
            }
        },
        "links": links,
    }  # fmt: skip


def _family_collection(family: Family, links: list[Json]) -> Json:
    return {
        "type": "Collection",
        "stac_version": "1.1.0",
        "stac_extensions": _MLM[:1],
        "id": family.name,
        "title": family.name,
        "description": f"Models released as {family.name}.",
        "license": "Apache-2.0",
        "extent": {
            "spatial": {"bbox": [[-180.0, -90.0, 180.0, 90.0]]},
            "temporal": {"interval": [["2016-01-01T00:00:00Z", None]]},
        },
        "summaries": {"mlm:framework": ["pytorch"]},
        "links": [
            {"rel": "root", "href": f"{ADDRESS}catalog.json", "type": "application/json"},
            {"rel": "parent", "href": f"{ADDRESS}models/catalog.json", "type": "application/json"},
            {"rel": "self", "href": collection_address("models", family.name), "type": "application/json"},
            *links,
        ],
    }


# --- files ----------------------------------------------------------------------------------------


class Shelf:
    """One collection's folder: its items as files of their own, or all in one ``items.ndjson``."""

    def __init__(self, folder: Path, ndjson: bool) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.links: list[Json] = []
        self._lines: BinaryIO | None = (folder / "items.ndjson").open("wb") if ndjson else None
        if ndjson:
            self.links.append({"rel": "items", "href": "./items.ndjson", "type": "application/x-ndjson"})

    def put(self, item: Json) -> int:
        """Write an item and return its length in bytes."""
        data = orjson.dumps(item)
        if self._lines is not None:
            self._lines.write(data + b"\n")
        else:
            name = f"{item['id']}.json"
            (self.folder / name).write_bytes(data)
            self.links.append({"rel": "item", "href": f"./{name}", "type": "application/geo+json"})
        return len(data)

    def close(self, collection: Json) -> None:
        """Write the collection; nothing can be put after that."""
        if self._lines is not None:
            self._lines.close()
        (self.folder / "collection.json").write_bytes(orjson.dumps(collection))


def _write_dataset(out: Path, dataset: Dataset, count: int, ndjson: bool, seed: int) -> tuple[list[str], int]:
    random = Random(f"{seed}/{dataset.name}")
    samples = Samples(dataset)
    splits: tuple[str | None, ...] = SPLITS if dataset.parted else (None,)
    names = [dataset.name if split is None else dataset.collection(split) for split in splits]
    shelves = {name: Shelf(out / "data" / name, ndjson) for name in names}
    boxes: dict[str, dict[int, Box]] = {name: {} for name in names}
    written = 0
    for number, (place, word, chip) in enumerate(chips(dataset, count, random)):
        name = dataset.collection(word)
        written += shelves[name].put(samples.item(number, word, chip, random))
        known = boxes[name].setdefault(place, Box(chip.west, chip.south, chip.east, chip.north))
        known.grow(chip)
    for name, split in zip(names, splits, strict=True):
        shelf = shelves[name]
        shelf.close(_dataset_collection(dataset, split, list(boxes[name].values()), shelf.links))
    return names, written


def _write_family(
    out: Path, family: Family, older: Sequence[Family], data: Sequence[Dataset], ndjson: bool, seed: int
) -> int:
    random = Random(f"{seed}/{family.name}")
    shelf = Shelf(out / "models" / family.name, ndjson)
    written = sum(shelf.put(_model(family, number, older, data, random)) for number in range(family.size))
    shelf.close(_family_collection(family, shelf.links))
    return written


def _write_catalog(path: Path, name: str, title: str, address: str, children: Sequence[str]) -> None:
    links = [{"rel": "root", "href": f"{ADDRESS}catalog.json", "type": "application/json"}]
    links.append({"rel": "self", "href": address, "type": "application/json"})
    links += [{"rel": "child", "href": f"./{child}", "type": "application/json"} for child in children]
    document = {"type": "Catalog", "stac_version": "1.0.0", "id": name, "title": title, "description": title}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(orjson.dumps({**document, "links": links}))


def generate(out: Path, items: int, models: int, *, ndjson: bool = False, seed: int = 0) -> int:
    """Write the catalog into a folder that is empty or not there; return the bytes of all items and models.

    Raises FileExistsError if there is something in it already.
    """
    if out.exists() and any(out.iterdir()):
        raise FileExistsError(f"{out} is not empty")
    data = datasets(items)
    written = 0
    collections: list[str] = []
    for dataset, count in zip(data, shares(items, len(data), 0.8), strict=True):
        names, length = _write_dataset(out, dataset, count, ndjson, seed)
        collections += names
        written += length
    made = families(models)
    for rank, family in enumerate(made):
        written += _write_family(out, family, made[:rank], data, ndjson, seed)
    for branch, title, folders in (
        ("data", "Labelled samples", collections),
        ("models", "Released models", [family.name for family in made]),
    ):
        children = [f"{folder}/collection.json" for folder in sorted(folders)]
        _write_catalog(out / branch / "catalog.json", branch, title, f"{ADDRESS}{branch}/catalog.json", children)
    _write_catalog(
        out / "catalog.json",
        "made-up",
        "Made-up training data and models",
        f"{ADDRESS}catalog.json",
        ["data/catalog.json", "models/catalog.json"],
    )
    return written


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("out", type=Path, metavar="OUT", help="folder, empty or not there")
    parser.add_argument("--items", type=int, required=True, help="how many samples (areas)")
    parser.add_argument("--models", type=int, help="how many models; a twentieth of the items unless given")
    parser.add_argument(
        "--form", choices=("folder", "ndjson"), default="folder", help="a file an item, or a collection"
    )
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    models = options.items // 20 if options.models is None else options.models
    try:
        written = generate(options.out, options.items, models, ndjson=options.form == "ndjson", seed=options.seed)
    except FileExistsError as error:
        parser.error(str(error))
    print(
        f"{options.items:,} items, {models:,} models, {written / 1e6:,.1f} MB in {options.out}",
        file=sys.stderr,
    )


if __name__ == "__main__":
    main()
