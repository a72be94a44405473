"""What real published documents must give, written down by hand from the documents and the reading rules.

The documents are those of ``../shared/stac/examples``, eighteen folders of other people's STAC (their README names
origin and licence), read from there and never copied. No expectation was taken from our own output: each block below
was written from the JSON. A graph is compared as lines of text, so a failing test shows the missing and surplus edges.

Lines of an expected graph::

    model M "label"                         dataset D [archive] [split=S]
    label D "label"                         unresolved X
    part D WHOLE                            footprint D A
    declares M A                            area A PRECISION [split=S] W S E N | none
    use M STAGE D RULE [split=S] DOC#POINTER
    derivation X KIND Y RULE DOC#POINTER
    succeeds NEW OLD DOC#POINTER

A thing of which only a name is known goes by that name; ``split`` on a ``use`` is the word on the link.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest
import rdflib
import rdflib.compare
import shapely

from mlaoi_graph.catalog import Catalog
from mlaoi_graph.ingest import IngestReport
from mlaoi_graph.model import AssociationKind, Severity, Stage

ROOT = Path(__file__).resolve().parents[2] / "shared" / "stac" / "examples"
pytestmark = pytest.mark.skipif(
    not ROOT.is_dir(), reason="the example documents (../shared/stac/examples) are not on this machine"
)

LOCAL = "https://w3id.org/mlaoi/local/"
EUROSAT = "https://raw.githubusercontent.com/ai-extensions/stac-data-loader/0.5.0/data/EuroSAT/stac/subset/"
LOG = "https://w3id.org/mlaoi/graph/log"
INFERRED = "https://w3id.org/mlaoi/graph/inferred"
MLAOI = "https://w3id.org/mlaoi#"

SHORT = {
    LOCAL + "documents/": "",
    LOCAL + "collections/ml-model-examples/items/": "mlm:",
    LOCAL + "collections/": "col:",
    LOCAL + "items/": "item:",
    LOCAL + "files/": "file:",
    "https://earth-search.aws.element84.com/v1/collections/": "earth-search:",
    EUROSAT: "eurosat:",
    "https://esa-earthcode.github.io/open-science-catalog-metadata/": "osc:",
    "https://datadryad.org/resource/doi:10.5061/dryad.s2v81/": "dryad:",
}


def short(iri: str) -> str:
    for long, prefix in SHORT.items():
        if iri.startswith(long):
            return prefix + iri.removeprefix(long)
    return iri


def lines(catalog: Catalog) -> list[str]:
    """Return a catalog as the lines described above, through the public API only."""
    models, datasets = list(catalog.models()), list(catalog.datasets())
    names = {
        node.iri: node.unresolved_name
        for node in catalog.unresolved()
        if node.unresolved_name is not None and node.iri.startswith(LOCAL + "unresolved/")
    }

    def key(iri: str) -> str:
        return names.get(iri) or short(iri)

    found: list[str] = []
    for model in models:
        found.append(f'model {key(model.iri)} "{model.label}"')
        if model.declared_area is not None:
            found.append(f"declares {key(model.iri)} {short(model.declared_area)}")
    for dataset in datasets:
        marks = [" archive"] * dataset.archive + [f" split={dataset.split}"] * (dataset.split is not None)
        found.append(f"dataset {key(dataset.iri)}{''.join(marks)}")
        if dataset.resolved:
            found.append(f'label {key(dataset.iri)} "{dataset.label}"')
        found += [f"footprint {key(dataset.iri)} {short(area)}" for area in dataset.footprints]
        found += [f"part {key(dataset.iri)} {key(whole)}" for whole in dataset.part_of]
    found += [f"unresolved {key(node.iri)}" for node in catalog.unresolved()]
    for area in catalog.areas():
        split = f" split={area.split}" if area.split else ""
        where = "none"
        if area.wkt is not None:
            where = " ".join(f"{v:.6f}" for v in shapely.from_wkt(area.wkt).bounds)
        found.append(f"area {short(area.iri)} {area.precision.value}{split} {where}")
    for use in catalog.uses():
        split = f" split={use.split}" if use.split else ""
        found.append(
            f"use {key(use.model)} {use.stage.value} {key(use.dataset)} {use.rule.value}{split}"
            f" {short(use.document)}#{use.pointer}"
        )
    for d in catalog.derivations():
        found.append(
            f"derivation {key(d.derived)} {d.kind.value} {key(d.source)} {d.rule.value} {short(d.document)}#{d.pointer}"
        )
    for a in catalog.associations():
        if a.kind is AssociationKind.PART_OF:
            found.append(f"part {key(a.subject)} {key(a.object)}")
        else:
            found.append(f"succeeds {key(a.subject)} {key(a.object)} {short(a.document)}#{a.pointer}")
    # part-of may be stated twice, by construction and by a document; uses and derivations are one a statement.
    return sorted(set(found))


def expected(block: str) -> list[str]:
    return sorted({line.strip() for line in block.splitlines() if line.strip()})


def check(catalog: Catalog, block: str) -> None:
    """Compare both ways, so that a failure shows the edges and not two long lists."""
    found, wanted = set(lines(catalog)), set(expected(block))
    assert (sorted(wanted - found), sorted(found - wanted)) == ([], []), "(missing, surplus)"


def read(tmp_path: Path, source: str) -> tuple[Catalog, IngestReport]:
    catalog = Catalog.create(tmp_path / "catalog")
    return catalog, catalog.ingest(ROOT / source)


def findings(report: IngestReport, end: str, rule: str | None = None) -> list[tuple[str, str, Severity]]:
    """Return pointer, rule and severity of the findings about a document."""
    return [
        (f.pointer, f.rule, f.severity)
        for f in report.findings.kept
        if f.document.endswith(end) and (rule is None or rule in f.rule)
    ]


def tally(report: IngestReport) -> tuple[int, int, int]:
    return report.read, report.skipped, report.failed


def load(path: str) -> Any:
    return json.loads((ROOT / path).read_bytes())


# -- the stac-extensions/mlm examples, every version ---------------------------------------------------------

# Box of the EuroSAT train collection, which the examples give as the models' own geometry.
BOX = "declared-box -7.882190 37.137392 27.911652 58.217981"
RESNET = "resnet-18_sentinel-2_all_moco_classification"

# Document -> id of the model it describes, for those that say what it was trained on: all of them have
# {"rel": "derived_from", "href": ".../sentinel-2-l2a", "ml-aoi:split": "train"} as links/2 and
# "mlm:pretrained_source": "EuroSat Sentinel-2". In 1.0.0 item_multi_io has the id of the others.
TRAINED = {
    "v1.0.0": {"item_eo_bands": RESNET, "item_multi_io": RESNET, "item_raster_bands": RESNET},
    "v1.1.0": {
        "item_eo_and_raster_bands": RESNET,
        "item_eo_bands": RESNET,
        "item_eo_bands_summarized": RESNET,
        "item_multi_io": "model-multi-input",
        "item_raster_bands": RESNET,
    },
}
for _version in ("v1.2.0", "v1.3.0", "v1.4.0", "v1.5.0", "v1.5.2"):
    TRAINED[_version] = {"item_bands_expression": RESNET, **TRAINED["v1.1.0"]}

MLM_DOCUMENTS = {
    "v1.0.0": 5,
    "v1.1.0": 7,
    "v1.2.0": 8,
    "v1.3.0": 8,
    "v1.4.0": 8,
    "v1.5.0": 10,
    "v1.5.2": 10,
}


def mlm_nodes(version: str) -> str:
    """The collection holds models, so it is a container and no node; its extent is nobody's area.

    The part of the archive is minted, and named after its whole.
    """
    block = f"""
        model mlm:example-model "example-model"
        declares mlm:example-model mlm:example-model#declared-area
        area mlm:example-model#declared-area {BOX}
        model mlm:{RESNET} "{RESNET}"
        declares mlm:{RESNET} mlm:{RESNET}#declared-area
        area mlm:{RESNET}#declared-area {BOX}
        dataset earth-search:sentinel-2-l2a archive
        unresolved earth-search:sentinel-2-l2a
        dataset earth-search:sentinel-2-l2a/train archive split=train
        part earth-search:sentinel-2-l2a/train earth-search:sentinel-2-l2a
        dataset EuroSat Sentinel-2
        unresolved EuroSat Sentinel-2
    """
    if version != "v1.0.0":
        block += f"""
        model mlm:model-multi-input "model-multi-input"
        declares mlm:model-multi-input mlm:model-multi-input#declared-area
        area mlm:model-multi-input#declared-area {BOX}
    """
    if version >= "v1.5.0":
        # item_datacube_variables gives longitudes 233.6 to 297.5, degrees east: 126.4 W to 62.5 W.
        # item_pytorch_geo_unet says "mlm:pretrained": true and no source: no edge.
        unet = "UNet_ClimateDiffuse_ERA5_Downscaling"
        block += f"""
        model mlm:{unet} "{unet}"
        declares mlm:{unet} mlm:{unet}#declared-area
        area mlm:{unet}#declared-area declared-box -126.400000 22.600000 -62.500000 54.200000
        model mlm:pytorch_geo_unet "pytorch_geo_unet"
        declares mlm:pytorch_geo_unet mlm:pytorch_geo_unet#declared-area
        area mlm:pytorch_geo_unet#declared-area declared-box -7.880000 37.130000 27.910000 58.210000
    """
    return block


def mlm_uses(documents: dict[str, str]) -> str:
    """``documents``: path of the document, as in its IRI, to the id of its model."""
    return "\n".join(
        f"use mlm:{model} training earth-search:sentinel-2-l2a/train split-link split=train {document}#/links/2\n"
        f"use mlm:{model} pretraining EuroSat Sentinel-2 pretrained-source {document}#/properties/mlm:pretrained_source"
        for document, model in documents.items()
    )


def pretrained(*documents: str) -> str:
    """``mlm:pretrained`` is true there, and nothing says on what: it was made from something that is not named."""
    model, pointer = "mlm:pytorch_geo_unet", "#/properties/mlm:pretrained"
    return "".join(
        f"\nderivation {model} unknown {document}{pointer}-unsaid pretrained-source {document}{pointer}"
        f"\nunresolved {document}{pointer}-unsaid"
        for document in documents
    )


@pytest.mark.parametrize("version", sorted(TRAINED))
def test_mlm(tmp_path: Path, version: str) -> None:
    catalog, report = read(tmp_path, f"stac-extensions-mlm/{version}")
    uses = mlm_uses({f"{version}/{name}.json": model for name, model in TRAINED[version].items()})
    unnamed = [f"{version}/item_pytorch_geo_unet.json"] if version in ("v1.5.0", "v1.5.2") else []
    check(catalog, mlm_nodes(version) + uses + pretrained(*unnamed))
    assert tally(report) == (MLM_DOCUMENTS[version], 0, 0)
    assert catalog.counts().unresolved == 2 + len(unnamed)
    models = {m.identifier: m for m in catalog.models()}
    assert "Resnet-18 Sentinel-2 ALL MOCO" in models[RESNET].aliases
    assert models[RESNET].architecture == "ResNet"
    assert models[RESNET].parameters == "11700000"
    assert models[RESNET].tasks == ("classification",)
    assert models[RESNET].resolved
    # An archive is unbounded: neither it nor its part has a footprint, whatever box the model has.
    assert [d for d in catalog.datasets() if d.footprints] == []
    # The documents that share one id say so, whichever of them came first.
    sharing = [name for name, model in TRAINED[version].items() if model == RESNET]
    told = [name for name in sharing if findings(report, f"/{name}.json", "duplicate")]
    assert len(told) >= len(sharing) - 1


def test_mlm_longitudes_past_180_are_reported(tmp_path: Path) -> None:
    _, report = read(tmp_path, "stac-extensions-mlm/v1.5.2")
    found = findings(report, "item_datacube_variables.json")
    assert any(pointer.startswith(("/geometry", "/bbox")) for pointer, _, _ in found), found


def test_mlm_all_versions_at_once(tmp_path: Path) -> None:
    """Ids repeat from version to version, so there are five models, and each document keeps its own statements."""
    catalog, report = read(tmp_path, "stac-extensions-mlm")
    uses = mlm_uses(
        {
            f"stac-extensions-mlm/{version}/{name}.json": model
            for version, documents in TRAINED.items()
            for name, model in documents.items()
        }
    )
    unnamed = [f"stac-extensions-mlm/{version}/item_pytorch_geo_unet.json" for version in ("v1.5.0", "v1.5.2")]
    check(catalog, mlm_nodes("v1.5.2") + uses + pretrained(*unnamed))
    assert tally(report) == (56, 0, 0)
    assert catalog.counts().uses == 2 * (3 + 5 + 5 * 6)


def test_dlm(tmp_path: Path) -> None:
    """The predecessor's examples declare mlm/v1.0.0; same content."""
    catalog, report = read(tmp_path, "crim-ca-dlm-extension")
    uses = mlm_uses({f"crim-ca-dlm-extension/{name}.json": m for name, m in TRAINED["v1.0.0"].items()})
    check(catalog, mlm_nodes("v1.0.0") + uses)
    assert tally(report) == (5, 0, 0)


# Of ogcincubator-bblocks-stac the JSON documents are read; the same again as .jsonld and .ttl is left alone.
BBLOCKS = "ogcincubator-bblocks-stac/build/tests/contrib/stac/extensions/mlm"


def test_bblocks(tmp_path: Path) -> None:
    """The examples of MLM 1.5.2 under other file names: no link between them leads anywhere."""
    catalog, report = read(tmp_path, "ogcincubator-bblocks-stac")
    uses = mlm_uses(
        {
            f"{BBLOCKS}/example_{number}_1.json": "model-multi-input" if number == 8 else RESNET
            for number in (3, 5, 6, 7, 8, 10)
        }
    )
    check(catalog, mlm_nodes("v1.5.2") + uses + pretrained(f"{BBLOCKS}/example_9_1.json"))
    assert tally(report) == (10, 1, 0)
    assert findings(report, "coreplus.json", "not-stac")


def test_pystac(tmp_path: Path) -> None:
    """One model with an absolute self link, and a plain item of a collection that is only linked to."""
    cs3 = "https://raw.githubusercontent.com/radiantearth/stac-spec/v0.8.1/collection-spec/examples/sentinel2.json"
    catalog, report = read(tmp_path, "stac-utils-pystac-mlm")
    check(
        catalog,
        f"""
        model https://example.com/item_basic.json "example-model"
        declares https://example.com/item_basic.json https://example.com/item_basic.json#declared-area
        area https://example.com/item_basic.json#declared-area {BOX}
        dataset {cs3}
        unresolved {cs3}
        footprint {cs3} col:CS3/items/CS3-20160503_132131_05#area
        area col:CS3/items/CS3-20160503_132131_05#area samples -122.597502 37.488036 -122.288049 37.613537
        """,
    )
    assert tally(report) == (3, 0, 0)


# -- hotosm fAIr ---------------------------------------------------------------------------------------------

CHAIN = "stac_catalog-58cf09ee/stac_catalog"
BASE_MODEL = "col:base-models/items/example-unet"
FINETUNED = "col:local-models/items/example-unet-finetuned-banepa-v9"
PRETRAINED_SOURCE = "#/properties/mlm:pretrained_source"
BASE_DOCUMENT = f"{CHAIN}/base-models/example-unet/example-unet.json"
FINETUNED_DOCUMENT = f"{CHAIN}/local-models/example-unet-finetuned-banepa-v9/example-unet-finetuned-banepa-v9.json"
OAM_TCD = "OAM-TCD (NeurIPS 2024, arxiv.org/abs/2407.11743)"
# "example-unet" is the base model's id and also the fine-tuned model's own mlm:name: the id wins, and no model is
# its own parent. A training edge stays "training": the document never says fine-tuned.
CHAIN_GRAPH = f"""
    model {BASE_MODEL} "example-unet"
    declares {BASE_MODEL} {BASE_MODEL}#declared-area
    area {BASE_MODEL}#declared-area global none
    model {FINETUNED} "example-unet-finetuned-banepa-v9"
    declares {FINETUNED} {FINETUNED}#declared-area
    area {FINETUNED}#declared-area global none
    dataset col:datasets
    label col:datasets "datasets"
    footprint col:datasets col:datasets#extent
    area col:datasets#extent global none
    footprint col:datasets col:datasets/items/buildings-banepa#area
    dataset col:datasets/items/buildings-banepa
    label col:datasets/items/buildings-banepa "buildings-banepa"
    part col:datasets/items/buildings-banepa col:datasets
    footprint col:datasets/items/buildings-banepa col:datasets/items/buildings-banepa#area
    area col:datasets/items/buildings-banepa#area samples 85.518782 27.629193 85.523263 27.634351
    dataset {OAM_TCD}
    unresolved {OAM_TCD}
    use {BASE_MODEL} pretraining {OAM_TCD} pretrained-source {BASE_DOCUMENT}{PRETRAINED_SOURCE}
    use {FINETUNED} training col:datasets/items/buildings-banepa bare-derived-from {FINETUNED_DOCUMENT}#/links/1
    derivation {FINETUNED} unstated {BASE_MODEL} model-link {FINETUNED_DOCUMENT}#/links/0
    derivation {FINETUNED} unstated {BASE_MODEL} pretrained-source {FINETUNED_DOCUMENT}{PRETRAINED_SOURCE}
"""


@pytest.mark.parametrize("source", ["", "/stac_catalog/catalog.json"], ids=["folder", "catalog.json"])
def test_hotosm_chain(tmp_path: Path, source: str) -> None:
    catalog, report = read(tmp_path, f"hotosm-fAIr-models/stac_catalog-58cf09ee{source}")
    graph = CHAIN_GRAPH
    if source:
        graph = graph.replace(f"{CHAIN}/", "stac_catalog/")
    check(catalog, graph)
    assert tally(report) == (7, 0, 0)
    models = {m.identifier: m for m in catalog.models()}
    finetuned = models["example-unet-finetuned-banepa-v9"]
    assert (finetuned.version, finetuned.architecture) == ("10", "UNet")
    assert finetuned.aliases == ("example-unet",)
    assert models["example-unet"].version == "1"
    (unresolved,) = catalog.unresolved()
    assert unresolved.iri.startswith(LOCAL + "unresolved/")
    # Its latest version is itself: reported, and no edge.
    assert ("/links/2", "version-cycle") in {
        (pointer, rule) for pointer, rule, _ in findings(report, "example-unet-finetuned-banepa-v9.json")
    }


def test_hotosm_chain_has_the_direct_edges_and_no_other(tmp_path: Path) -> None:
    catalog, _ = read(tmp_path, "hotosm-fAIr-models/stac_catalog-58cf09ee")
    col = LOCAL + "collections/"
    edges = {
        "pretrainedOn", "finetunedOn", "instructionTunedOn", "trainedOn", "validatedOn", "testedOn", "evaluatedOn",
        "derivedFromModel", "finetunedFrom", "initializedFrom", "distilledFrom", "mergedFrom", "quantizedFrom",
        "usesComponent", "derivedFrom", "drawnFrom", "labelledBy", "partOf", "succeeds", "exposedTo",
    }  # fmt: skip
    found = {
        (str(q.subject.value), q.predicate.value.removeprefix(MLAOI), q.object.value)
        for q in catalog.store.match()
        if q.predicate.value.removeprefix(MLAOI) in edges and q.graph_name.value != INFERRED
    }
    (oam_tcd,) = (d.iri for d in catalog.datasets() if d.unresolved_name == OAM_TCD)
    finetuned = col + "local-models/items/example-unet-finetuned-banepa-v9"
    banepa = col + "datasets/items/buildings-banepa"
    assert found == {
        (finetuned, "derivedFromModel", col + "base-models/items/example-unet"),
        (finetuned, "trainedOn", banepa),
        (col + "base-models/items/example-unet", "pretrainedOn", oam_tcd),
        (banepa, "partOf", col + "datasets"),
    }


def test_hotosm_base_models(tmp_path: Path) -> None:
    """Three models and three label items, none in a collection, nothing linking them.

    An item that is a dataset of its own holds many chips: its outline is declared for the whole, it is no sample.
    """
    name = "2026-04-24"
    catalog, report = read(tmp_path, f"hotosm-fAIr-models/{name}")
    torchvision = "https://pytorch.org/vision/main/models/generated/torchvision.models.resnet18.html"
    arxiv = "https://arxiv.org/abs/2407.11743"
    ultralytics = "https://docs.ultralytics.com/models/yolo11/"
    block = "".join(
        f"""
        dataset item:{dataset}
        label item:{dataset} "{dataset}"
        footprint item:{dataset} item:{dataset}#area
        area item:{dataset}#area declared-box 85.518782 27.629193 85.523263 27.634351
        """
        for dataset in (
            "buildings-banepa-classification",
            "buildings-banepa-detection",
            "buildings-banepa-segmentation",
        )
    ) + "".join(
        f"""
        model item:{model} "{label}"
        declares item:{model} item:{model}#declared-area
        area item:{model}#declared-area global none
        {node}
        unresolved {source}
        {edge} pretrained-source {name}/models/{folder}/stac-item.json{PRETRAINED_SOURCE}
        """
        for model, label, folder, source, node, edge in (
            (
                "resnet18-classification",
                "ResNet18 Building Classification",
                "resnet18_classification",
                torchvision,
                # Torchvision's and Ultralytics' pages are about models, whatever the field is defined as.
                f'model {torchvision} "torchvision.models.resnet18.html"',
                f"derivation item:resnet18-classification unstated {torchvision}",
            ),
            (
                "unet-segmentation",
                "UNet Building Segmentation",
                "unet_segmentation",
                arxiv,
                # A paper may be about data or a model, and is neither (notes on STAC, 2.1: "never assume dataset").
                "",
                f"derivation item:unet-segmentation unknown {arxiv}",
            ),
            (
                "yolo11n-detection",
                "YOLOv11n Building Detection",
                "yolo11n_detection",
                ultralytics,
                f'model {ultralytics} "yolo11"',
                f"derivation item:yolo11n-detection unstated {ultralytics}",
            ),
        )
    )
    check(catalog, block)
    assert tally(report) == (6, 0, 0)
    assert {m.license for m in catalog.models() if m.resolved} == {"AGPL-3.0-only"}
    assert "unet-segmentation" in {a for m in catalog.models() for a in (*m.aliases, m.identifier)}
    # Its address is a name for what nobody described, not the own IRI of that.
    (paper,) = (d for d in catalog.unresolved() if d.unresolved_name == arxiv)
    assert paper.iri.startswith(LOCAL + "unresolved/")
    described = [d for d in catalog.datasets() if d.resolved]
    assert {(d.license, d.version) for d in described} == {("CC-BY-4.0", "1")}
    # All three were drawn on one OpenAerialMap image, which is what a same-scene answer needs.
    images = {a.iri: {*a.source_images, *a.label_sources} for a in catalog.areas()}
    for dataset in described:
        seen = {*dataset.source_images, *(i for area in dataset.footprints for i in images[area])}
        assert any("62d85d11d8499800053796c1" in image for image in seen), dataset.iri


# -- EuroSAT-subset ------------------------------------------------------------------------------------------

EUROSAT_FOLDER = "ai-extensions-stac-data-loader/EuroSAT-subset"
SPLITS = {"train": 60, "validate": 20, "test": 20}
EXTENTS = {
    "train": "-7.882190 37.137392 27.911652 58.217981",
    "validate": "-7.882190 35.066570 32.853462 58.217981",
    "test": "-7.882190 35.066570 32.910449 58.217981",
}


@pytest.fixture(scope="module")
def eurosat_items() -> dict[str, list[Any]]:
    """Items by split, from the folder's JSON."""
    return {
        split: [load(f"{EUROSAT_FOLDER}/{split}/item-{number}.json") for number in range(count)]
        for split, count in SPLITS.items()
    }


def bounds(item: Any) -> str:
    return " ".join(f"{value:.6f}" for value in shapely.geometry.shape(item["geometry"]).bounds)


def eurosat_graph(items: dict[str, list[Any]]) -> str:
    block = ""
    for split in SPLITS:
        collection = f"eurosat:{split}/collection.json"
        block += f"""
            dataset {collection} split={split}
            label {collection} "EuroSAT subset {split}"
            footprint {collection} {collection}#extent
            area {collection}#extent declared-box {EXTENTS[split]}
        """
        for number, item in enumerate(items[split]):
            area = f"eurosat:{split}/item-{number}.json#area"
            block += f"""
            footprint {collection} {area}
            area {area} samples split={split} {bounds(item)}
            """
    return block


@pytest.mark.parametrize("source", ["", "/catalog.json"], ids=["folder", "catalog.json"])
def test_eurosat(tmp_path: Path, eurosat_items: dict[str, list[Any]], source: str) -> None:
    """Every link in it is an absolute address of the publisher; the documents are those of the local copy.

    The three collections share one DOI (of the paper) and must stay three.
    """
    catalog, report = read(tmp_path, EUROSAT_FOLDER + source)
    check(catalog, eurosat_graph(eurosat_items))
    assert tally(report) == (104, 0, 0)
    counts = catalog.counts()
    assert (counts.models, counts.datasets, counts.areas) == (0, 3, 103)
    assert (counts.uses, counts.derivations, counts.unresolved) == (0, 0, 0)
    datasets = {d.split: d for d in catalog.datasets()}
    assert {d.license for d in datasets.values()} == {"MIT"}
    assert {d.version for d in datasets.values()} == {"0.5.0"}
    areas = {a.iri: a for a in catalog.areas()}
    for split, items in eurosat_items.items():
        for item in items:
            self_link = next(link["href"] for link in item["links"] if link["rel"] == "self")
            area = areas[f"{self_link}#area"]
            assert area.wkt is not None
            assert shapely.from_wkt(area.wkt).equals(shapely.geometry.shape(item["geometry"]))
            assert area.iri in datasets[split].footprints
            # The feature link of each goes straight to a GeoTIFF: the sample's source image, and no node.
            tif = next(link["href"] for link in item["links"] if link["rel"] == "derived_from")
            assert tif in area.source_images
            assert area.start == area.end == item["properties"]["datetime"]
        interval = load(f"{EUROSAT_FOLDER}/{split}/collection.json")["extent"]["temporal"]["interval"][0]
        extent = areas[f"{EUROSAT}{split}/collection.json#extent"]
        assert [extent.start, extent.end] == interval


def test_eurosat_splits_share_no_ground(tmp_path: Path, eurosat_items: dict[str, list[Any]]) -> None:
    """What the publisher made disjoint is disjoint in the graph: compared pair by pair, JSON against JSON and graph."""
    catalog, _ = read(tmp_path, EUROSAT_FOLDER)
    from_graph: dict[str, list[Any]] = {split: [] for split in SPLITS}
    for area in catalog.areas():
        if area.split is not None:
            assert area.wkt is not None
            from_graph[area.split].append(shapely.from_wkt(area.wkt))
    from_json = {
        split: [shapely.geometry.shape(item["geometry"]) for item in items] for split, items in eurosat_items.items()
    }
    for shapes in (from_json, from_graph):
        assert {split: len(found) for split, found in shapes.items()} == SPLITS
        for one, other in (("train", "validate"), ("train", "test"), ("validate", "test")):
            shared = sum(a.intersection(b).area for a in shapes[one] for b in shapes[other])
            assert shared == 0.0, (one, other)


# -- ML-AOI's own examples -----------------------------------------------------------------------------------


def test_ml_aoi_0_2_0(tmp_path: Path) -> None:
    """One collection of three and one of its items; links to the rest lead nowhere here, and make no nodes.

    59 of its 60 items are not here: a sample without a place stands for them.
    """
    catalog, report = read(tmp_path, "stac-extensions-ml-aoi/v0.2.0")
    item = load("stac-extensions-ml-aoi/v0.2.0/item_EuroSAT-subset-train-sample-42-class-Residential.geojson")
    missing = "v0.2.0/collection_EuroSAT-subset-train.json#/elsewhere-missing"
    check(
        catalog,
        f"""
        dataset eurosat:train/collection.json split=train
        label eurosat:train/collection.json "EuroSAT subset train"
        footprint eurosat:train/collection.json eurosat:train/collection.json#extent
        area eurosat:train/collection.json#extent declared-box {EXTENTS["train"]}
        footprint eurosat:train/collection.json eurosat:train/item-42.json#area
        area eurosat:train/item-42.json#area samples split=train {bounds(item)}
        footprint eurosat:train/collection.json {missing}
        area {missing} samples none
        """,
    )
    assert tally(report) == (2, 0, 0)


def test_ml_aoi_0_1_0_templates(tmp_path: Path) -> None:
    """Stubs of the extension template. The collection links to the item; the item names no collection,
    so it is a dataset of its own, and part of that one."""
    catalog, report = read(tmp_path, "stac-extensions-ml-aoi/v0.1.0")
    at = "https://example.com/examples"
    check(
        catalog,
        f"""
        dataset {at}/collection.json
        label {at}/collection.json "A title"
        footprint {at}/collection.json {at}/collection.json#extent
        area {at}/collection.json#extent declared-box 172.900000 1.300000 173.000000 1.400000
        dataset {at}/item.json
        part {at}/item.json {at}/collection.json
        label {at}/item.json "item"
        footprint {at}/item.json {at}/item.json#area
        area {at}/item.json#area declared-box 172.900000 1.300000 173.000000 1.400000
        """,
    )
    assert tally(report) == (2, 0, 0)


# -- the deprecated ml-model extension, and a back end that writes it ----------------------------------------


def test_ml_model_cyclone(tmp_path: Path) -> None:
    """A whole-world box written as +-179.999 and +-89.999 is global."""
    catalog, report = read(tmp_path, "stac-extensions-ml-model/cyclone-wind-speed")
    model = "col:model-cyclone-wind-estimation-torchgeo/items/model-cyclone-wind-estimation-torchgeo"
    data = "https://api.radiant.earth/mlhub/v1/collections/nasa_tropical_storm_competition_train_source"
    check(
        catalog,
        f"""
        model {model} "model-cyclone-wind-estimation-torchgeo"
        declares {model} {model}#declared-area
        area {model}#declared-area global none
        dataset {data}
        unresolved {data}
        use {model} training {data} ml-model-relation cyclone-wind-speed/item.json#/links/4
        """,
    )
    assert tally(report) == (2, 0, 0)
    (found,) = catalog.models()
    assert (found.doi, found.license) == ("10.5281/zenodo.5773331", "MIT")
    assert found.architecture == "resnet18"


def test_ml_model_dummy(tmp_path: Path) -> None:
    catalog, report = read(tmp_path, "stac-extensions-ml-model/dummy")
    model = "col:containing-collection/items/model-item"
    train = "https://some-domain.com/training-data/collection.json"
    test = "https://some-domain.com/test-data/collection.json"
    check(
        catalog,
        f"""
        model {model} "model-item"
        declares {model} {model}#declared-area
        area {model}#declared-area declared-box 34.180000 0.470000 34.370000 0.710000
        dataset {train}
        unresolved {train}
        dataset {test}
        unresolved {test}
        use {model} training {train} ml-model-relation dummy/item.json#/links/5
        use {model} test {test} ml-model-relation dummy/item.json#/links/6
        """,
    )
    assert tally(report) == (2, 0, 0)


def test_openeo(tmp_path: Path) -> None:
    catalog, report = read(tmp_path, "Open-EO-openeo-geopyspark-driver")
    model = "col:j-25101315033849049a4a67ea6d24b7ca/items/cb-25101315094547a0a9e42e73c8560e12"
    check(
        catalog,
        f"""
        model {model} "cb-25101315094547a0a9e42e73c8560e12"
        declares {model} {model}#declared-area
        area {model}#declared-area global none
        """,
    )
    assert tally(report) == (1, 0, 0)


def test_sentinel_hub(tmp_path: Path) -> None:
    """``assets`` is a list and coordinates are metres of EPSG:3035: a model without a usable area, and two findings."""
    catalog, report = read(tmp_path, "sentinel-hub-stac-ml-example")
    (model,) = catalog.models()
    assert model.iri == "https://github.com/sentinel-hub/stac-ml-example/stac/dl_sequential.json"
    assert (model.label, model.license) == ("sequential model", "MIT")
    assert [a for a in catalog.areas() if a.wkt is not None] == []
    counts = catalog.counts()
    assert (counts.models, counts.datasets, counts.uses, counts.derivations) == (1, 0, 0, 0)
    assert tally(report) == (1, 0, 0)
    pointers = {pointer for pointer, _, _ in findings(report, "dl_sequential.json")}
    assert any(pointer.startswith(("/geometry", "/bbox")) for pointer in pointers), pointers
    assert "/assets" in pointers, pointers


# -- labels --------------------------------------------------------------------------------------------------


def test_label_spacenet(tmp_path: Path) -> None:
    """Rings are not closed; a plain GeoJSON FeatureCollection lies beside the STAC."""
    catalog, report = read(tmp_path, "stac-extensions-label")
    paris = "2.233796 49.017871 2.237306 49.021381"
    image = "item:SN3_roads_train_AOI_3_Paris_PS-RGB_img101"
    sample = "col:spacenet-roads-sample/items/AOI_3_Paris_img101#area"
    check(
        catalog,
        f"""
        dataset col:spacenet-roads-sample
        label col:spacenet-roads-sample "spacenet-roads-sample"
        footprint col:spacenet-roads-sample col:spacenet-roads-sample#extent
        area col:spacenet-roads-sample#extent declared-box {paris}
        footprint col:spacenet-roads-sample {sample}
        area {sample} samples {paris}
        dataset {image}
        label {image} "SN3_roads_train_AOI_3_Paris_PS-RGB_img101"
        footprint {image} {image}#area
        area {image}#area declared-box {paris}
        """,
    )
    assert tally(report) == (3, 1, 0)
    assert findings(report, "spacenetroads_AOI_3_Paris_img101.geojson", "not-stac")
    for document in ("roads_item.json", "roads_source.json"):
        pointers = {pointer for pointer, _, _ in findings(report, document)}
        assert any(pointer.startswith("/geometry") for pointer in pointers), document
    (area,) = (a for a in catalog.areas() if short(a.iri) == sample)
    assert LOCAL + "items/SN3_roads_train_AOI_3_Paris_PS-RGB_img101" in area.source_images
    (collection,) = (d for d in catalog.datasets() if short(d.iri) == "col:spacenet-roads-sample")
    assert collection.license == "CC-BY-SA-4.0"


def test_eotdl(tmp_path: Path) -> None:
    """Labels and images in two collections, with the same item ids in both; the images are no archive."""
    catalog, report = read(tmp_path, "earthpulse-eotdl")
    jaca = "-0.557034 42.569409 -0.547706 42.575710"
    block = ""
    for collection in ("labels", "sentinel-2-l2a"):
        block += f"""
        dataset col:{collection}
        label col:{collection} "{collection}"
        footprint col:{collection} col:{collection}#extent
        area col:{collection}#extent declared-box {jaca}
        """
        for number in (1, 2, 3, 4):
            area = f"col:{collection}/items/Jaca_{number}#area"
            block += f"""
            footprint col:{collection} {area}
            area {area} samples {jaca}
            """
    check(catalog, block)
    assert tally(report) == (11, 0, 0)
    areas = {short(a.iri): a for a in catalog.areas()}
    for number in (1, 2, 3, 4):
        image = f"{LOCAL}collections/sentinel-2-l2a/items/Jaca_{number}"
        assert image in areas[f"col:labels/items/Jaca_{number}#area"].source_images
    assert [f for f in report.findings.kept if "duplicate" in f.rule] == []


# -- TrainingDML ---------------------------------------------------------------------------------------------


def test_trainingdml_dota(tmp_path: Path) -> None:
    """The collection is no JSON (a list closed as an object), so the items belong to one that is not described.

    Each item links to it by another address, and both say ``train``: two wholes, each with a part. Geometries are
    null; the boxes are the world.
    """
    catalog, report = read(tmp_path, "TrainingDML-trainingdml-ai-extension")
    folder = "file:TrainingDML-trainingdml-ai-extension/DOTA-1.5_Dataset/"
    block = "".join(
        f"""
        dataset {folder}{whole}
        unresolved {folder}{whole}
        dataset {folder}{whole}/train split=train
        part {folder}{whole}/train {folder}{whole}
        footprint {folder}{whole}/train item:{item}#area
        area item:{item}#area global split=train none
        """
        for whole, item in (
            ("collection.json", "dota_v1.5_trainingdata_0000"),
            (
                "examples/DOTA-1.5%20Dataset/collection.json",
                "dota_v1.5_trainingdata_1228",
            ),
        )
    )
    assert tally(report) == (2, 0, 1)
    assert findings(report, "collection.json", "not-json") == [("215:24", "not-json", Severity.ERROR)]
    check(catalog, block)


def test_trainingdml_swg(tmp_path: Path) -> None:
    """OGC TrainingDML-AI datasets are no STAC, but datasets (notes on STAC, section 7, rule 1).

    WHU-building gives its extent in metres; UiT gives none. The third document is no JSON (a comma too many at the
    end of line 203).
    """
    catalog, report = read(tmp_path, "opengeospatial-TrainingDML-AI_SWG")
    check(
        catalog,
        """
        dataset col:uit_hcd_california_2017
        label col:uit_hcd_california_2017 "UiT HCD California 2017"
        dataset col:whu-building
        label col:whu-building "WHU-Building Dataset-Building Change Detection Dataset"
        footprint col:whu-building col:whu-building#extent
        area col:whu-building#extent declared-box none
        """,
    )
    assert {(d.license, d.version) for d in catalog.datasets()} == {("CC BY-SA 4.0", "1.0")}
    assert tally(report) == (2, 0, 1)
    ((pointer, _, severity),) = findings(report, "UPerNet_LULC.json", "not-json")
    # Some parsers point at the comma, some at the bracket on the line after it.
    assert pointer.split(":")[0] in ("203", "204")
    assert severity is Severity.ERROR
    assert "/extent" in {pointer for pointer, _, _ in findings(report, "WHU-building.json")}


# -- records, and the examples of other extensions -----------------------------------------------------------


def test_earthcode_records(tmp_path: Path) -> None:
    """Three catalogs whose members are OGC Records, which look like items and are none."""
    catalog, report = read(tmp_path, "ESA-EarthCODE-open-science-catalog")
    assert lines(catalog) == []
    assert tally(report) == (3, 18, 0)
    told = Counter(f.document for f in report.findings.kept if f.rule == "not-stac")
    assert len(told) == 18
    assert all(document.endswith("record.json") for document in told)


@pytest.mark.parametrize("source", ["", "/catalog.json"], ids=["folder", "catalog.json"])
def test_earthcode_says_which_members_are_not_there(tmp_path: Path, source: str) -> None:
    """The copy is a part of the catalog: thirteen children and items are not in it, however it is read."""
    _, report = read(tmp_path, "ESA-EarthCODE-open-science-catalog" + source)
    told = {
        (f.document.partition("ESA-EarthCODE-open-science-catalog/")[2], f.pointer.removesuffix("/href"))
        for f in report.findings.kept
        if f.rule == "broken-link"
    }
    members = {
        ("catalog.json", 1),  # projects
        ("catalog.json", 2),  # themes
        ("catalog.json", 3),  # variables
        ("catalog.json", 4),  # eo-missions
        ("catalog.json", 5),  # products
        ("experiments/catalog.json", 7),  # downscaling-land-surface-temperature-over-kinshasa
        ("experiments/catalog.json", 10),  # esa-world-cereal-extent-experiment
        ("workflows/catalog.json", 7),  # pca-on-ocean-data-cube
        ("workflows/catalog.json", 10),  # polar-lakes-workflow
        ("workflows/catalog.json", 14),  # downscaling-land-surface-temperature-over-kinshasa
        ("workflows/catalog.json", 16),  # arceme-datacube-workflow
        ("workflows/catalog.json", 17),  # esa-world-cereal-extent-workflow
        ("workflows/catalog.json", 18),  # mesoscale-structure
    }
    assert told == {(document, f"/links/{number}") for document, number in members}


def test_osc(tmp_path: Path) -> None:
    """A product, which is data, read from its collection; an item links to it and names another."""
    catalog, report = read(tmp_path, "stac-extensions-osc")
    product = "osc:products/absolute-sea-level-heights-baltics-sar-hsu/collection.json"
    found = lines(catalog)
    assert set(found) >= set(
        expected(
            f"""
            dataset {product}
            label {product} "SL-ABS: Absolute Sea Level Heights_Baltics_Multimission"
            footprint {product} {product}#extent
            area {product}#extent declared-box 9.040592 53.866655 31.337126 66.153507
            """
        )
    )
    assert not [line for line in found if line.startswith(("model", "use", "derivation", "succeeds"))]
    assert tally(report) == (3, 0, 0)


def test_processing(tmp_path: Path) -> None:
    catalog, report = read(tmp_path, "stac-extensions-processing")
    sentinel_2 = "https://processing-corp.com/catalog/COPERNICUS_S2.json"
    sentinel_1 = "item:S1A_IW_GRDH_1SDV_20160822T182823_20160822T182848_012717_013FFE_90AF"
    assert tally(report) == (2, 0, 0)
    datasets = {short(d.iri): d for d in catalog.datasets()}
    assert datasets.keys() == {sentinel_2, sentinel_1}
    assert datasets[sentinel_2].label == "Sentinel-2 MSI: MultiSpectral Instrument, Level-2A"
    assert datasets[sentinel_2].footprints == (sentinel_2 + "#extent",)
    areas = {short(a.iri): a for a in catalog.areas()}
    assert areas.keys() == {sentinel_2 + "#extent", sentinel_1 + "#area"}
    area = areas[sentinel_1 + "#area"]
    assert area.wkt is not None
    assert shapely.from_wkt(area.wkt).bounds == (-5.730959, 13.441674, -3.136116, 15.388663)
    assert (area.start, area.end) == ("2016-08-22T18:28:23.368922Z", "2016-08-22T18:28:48.368201Z")
    assert (areas[sentinel_2 + "#extent"].start, areas[sentinel_2 + "#extent"].end) == (
        "2015-06-23T00:00:00Z",
        None,
    )


def test_version(tmp_path: Path) -> None:
    """``latest-version``: v2 succeeds v1. An item of a collection is a sample, no node that could have a version."""
    catalog, report = read(tmp_path, "stac-extensions-version")
    check(
        catalog,
        """
        dataset dryad:v1/collection.json
        label dryad:v1/collection.json "MERRAclim"
        footprint dryad:v1/collection.json dryad:v1/collection.json#extent
        area dryad:v1/collection.json#extent global none
        footprint dryad:v1/collection.json dryad:v1/item.json#area
        area dryad:v1/item.json#area global none
        dataset dryad:v2/collection.json
        unresolved dryad:v2/collection.json
        succeeds dryad:v2/collection.json dryad:v1/collection.json stac-extensions-version/collection.json#/links/3
        """,
    )
    assert tally(report) == (2, 0, 0)
    (found,) = (d for d in catalog.datasets() if d.resolved)
    assert (found.version, found.license) == ("1", "CC0-1.0")


# -- all of it -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Catalog, IngestReport]]:
    with Catalog.create(tmp_path_factory.mktemp("everything") / "catalog") as catalog:
        yield catalog, catalog.ingest(ROOT)


def test_everything_is_counted(everything: tuple[Catalog, IngestReport]) -> None:
    """249 .json and 2 .geojson files: 2 are no JSON; 18 records, a fragment of assets and a FeatureCollection have no
    ``stac_version``; the rest is STAC, and 2 are TrainingDML datasets."""
    found = Counter[str]()
    for path in ROOT.rglob("*"):
        if path.suffix in (".json", ".geojson"):
            try:
                document = json.loads(path.read_bytes())
            except ValueError:
                found["failed"] += 1
            else:
                known = "stac_version" in document or document.get("type") == "AI_EOTrainingDataset"
                found["read" if known else "skipped"] += 1
    assert found == {"read": 229, "skipped": 20, "failed": 2}
    _, report = everything
    assert tally(report) == (229, 20, 2)
    assert report.documents == 251
    assert report.findings.counts["not-json", Severity.ERROR] == 2
    assert sum(number for (rule, _), number in report.findings.counts.items() if rule == "not-stac") == 20


def test_everything_has_the_models_of_its_folders(everything: tuple[Catalog, IngestReport]) -> None:
    catalog, _ = everything
    assert {short(m.iri) for m in catalog.models()} == {
        BASE_MODEL,
        FINETUNED,
        "item:resnet18-classification",
        "item:unet-segmentation",
        "item:yolo11n-detection",
        "mlm:example-model",
        f"mlm:{RESNET}",
        "mlm:model-multi-input",
        "mlm:UNet_ClimateDiffuse_ERA5_Downscaling",
        "mlm:pytorch_geo_unet",
        "https://example.com/item_basic.json",
        "col:model-cyclone-wind-estimation-torchgeo/items/model-cyclone-wind-estimation-torchgeo",
        "col:containing-collection/items/model-item",
        "col:j-25101315033849049a4a67ea6d24b7ca/items/cb-25101315094547a0a9e42e73c8560e12",
        "https://github.com/sentinel-hub/stac-ml-example/stac/dl_sequential.json",
        "https://docs.ultralytics.com/models/yolo11/",
        "https://pytorch.org/vision/main/models/generated/torchvision.models.resnet18.html",
    }
    # mlm 3 + 5 + 5 x 6, dlm 3, bblocks 6, each twice (train split, pretrained source); hotosm 1 + 1; ml-model 3.
    assert Counter(use.stage for use in catalog.uses()) == {
        Stage.TRAINING: 47 + 1 + 2,
        Stage.PRETRAINING: 47 + 1,
        Stage.TEST: 1,
    }
    # hotosm: the chain twice over; two pages about models, a paper; three documents that say pretrained, not on what
    assert catalog.counts().derivations == 2 + 2 + 1 + 3


def test_one_folder_does_not_answer_for_another(everything: tuple[Catalog, IngestReport]) -> None:
    """earthpulse-eotdl has a collection *called* sentinel-2-l2a: four small images, not the archive."""
    catalog, _ = everything
    datasets = {short(d.iri): d for d in catalog.datasets()}
    assert datasets["earth-search:sentinel-2-l2a"].archive
    assert not datasets["earth-search:sentinel-2-l2a"].resolved
    assert datasets["earth-search:sentinel-2-l2a"].footprints == ()
    assert not datasets["col:sentinel-2-l2a"].archive
    assert datasets["col:sentinel-2-l2a"].resolved
    trained = {short(use.dataset) for use in catalog.uses() if use.model.endswith(RESNET)}
    assert "earth-search:sentinel-2-l2a/train" in trained
    assert "col:sentinel-2-l2a" not in trained
    # EuroSAT's train collection is in two folders; its areas are the union.
    samples = [a for a in datasets["eurosat:train/collection.json"].footprints if a.endswith("#area")]
    assert len(samples) == 60


def test_every_edge_ends_in_a_node(everything: tuple[Catalog, IngestReport]) -> None:
    catalog, _ = everything
    nodes = {n.iri for n in (*catalog.models(), *catalog.datasets(), *catalog.unresolved())}
    areas = {a.iri for a in catalog.areas()}
    ends = {e for use in catalog.uses() for e in (use.model, use.dataset)}
    ends |= {e for d in catalog.derivations() for e in (d.derived, d.source)}
    ends |= {e for a in catalog.associations() for e in (a.subject, a.object)}
    assert ends <= nodes
    assert {a for d in catalog.datasets() for a in d.footprints} <= areas
    documents = {d.iri for d in catalog.documents()}
    assert {e.document for e in (*catalog.uses(), *catalog.derivations(), *catalog.associations())} <= documents


def test_no_local_path_gets_into_the_graph(everything: tuple[Catalog, IngestReport]) -> None:
    catalog, _ = everything
    # "file:/" and not "file:", which is the prefix of an extension: what stood in a model's item is kept as text.
    leaks = [str(quad) for quad in catalog.store.match() if str(ROOT) in str(quad) or "file:/" in str(quad)]
    assert leaks == []


def test_reading_twice_changes_nothing(tmp_path: Path) -> None:
    catalog, first = read(tmp_path, ".")
    before = set(catalog.store.match())
    second = catalog.ingest(ROOT)
    assert set(catalog.store.match()) == before
    assert (second.read, second.unchanged, second.failed) == (0, first.read, 2)
    assert second.relinked == 0
    assert second.removed == 0
    assert second.gone == ()


REMOVALS = [
    ("hotosm-fAIr-models/stac_catalog-58cf09ee", FINETUNED_DOCUMENT),
    ("hotosm-fAIr-models/stac_catalog-58cf09ee", f"{CHAIN}/datasets/buildings-banepa/buildings-banepa.json"),
    (EUROSAT_FOLDER, "EuroSAT-subset/train/item-7.json"),
    (EUROSAT_FOLDER, "EuroSAT-subset/test/collection.json"),
    ("stac-extensions-mlm/v1.5.2", "v1.5.2/item_eo_bands.json"),
]


@pytest.mark.parametrize(("source", "document"), REMOVALS, ids=[d.rsplit("/", 1)[-1] for _, d in REMOVALS])
def test_removing_a_document_removes_exactly_its_statements(tmp_path: Path, source: str, document: str) -> None:
    catalog, _ = read(tmp_path, source)
    before = asserted(catalog)
    graph = ox.NamedNode(f"{LOCAL}documents/{document}")
    said = {quad for quad in before if quad.graph_name == graph}
    assert said
    catalog.remove(graph.value)
    assert asserted(catalog) == before - said
    # Read again, all is as it was.
    catalog.ingest(ROOT / source)
    assert asserted(catalog) == before


def asserted(catalog: Catalog) -> set[ox.Quad]:
    """Return what documents say: not the log, and not what follows from what they say."""
    return {quad for quad in catalog.store.match() if quad.graph_name.value not in (LOG, INFERRED)}


def _parse(text: bytes, format: str) -> rdflib.Graph:
    return rdflib.Graph().parse(data=text, format=format)


def test_turtle_is_the_union_of_what_documents_say(tmp_path: Path, everything: tuple[Catalog, IngestReport]) -> None:
    catalog, _ = everything
    catalog.export("turtle", tmp_path / "all.ttl")
    said = {quad.triple for quad in asserted(catalog)}
    exported = _parse((tmp_path / "all.ttl").read_bytes(), "turtle")
    reference = _parse(ox.serialize(said, format=ox.RdfFormat.N_TRIPLES) or b"", "nt")
    assert not [term for triple in exported for term in triple if isinstance(term, rdflib.BNode)]
    assert len(exported) == len(said)
    assert rdflib.compare.isomorphic(exported, reference)


# rdflib warns about itself when it parses into a Dataset.
@pytest.mark.filterwarnings("ignore:(Dataset|ConjunctiveGraph):DeprecationWarning")
@pytest.mark.parametrize(("ours", "rdflibs"), [("trig", "trig"), ("nquads", "nquads")])
def test_trig_and_nquads_are_the_whole_store(
    tmp_path: Path, everything: tuple[Catalog, IngestReport], ours: str, rdflibs: str
) -> None:
    catalog, _ = everything
    catalog.export(ours, tmp_path / "all")
    found: dict[str, rdflib.Graph] = {}
    parsed = rdflib.Dataset()
    parsed.parse(data=(tmp_path / "all").read_bytes(), format=rdflibs)
    for subject, predicate, object, graph in parsed.quads():
        found.setdefault(str(graph), rdflib.Graph()).add((subject, predicate, object))
    graphs = {g: [q.triple for q in catalog.store.match(None, None, None, g)] for g in catalog.store.graphs()}
    assert found.keys() == graphs.keys()
    assert LOG in found
    for name, triples in graphs.items():
        reference = _parse(ox.serialize(triples, format=ox.RdfFormat.N_TRIPLES) or b"", "nt")
        assert set(found[name]) == set(reference), name


def test_only_what_is_described_counts_as_resolved(everything: tuple[Catalog, IngestReport]) -> None:
    """Each name or address that leads nowhere, once, over all folders."""
    catalog, _ = everything
    unresolved = [
        (short(n.iri) if n.iri.startswith(LOCAL + "files/") else n.unresolved_name) or n.iri
        for n in catalog.unresolved()
    ]
    assert sorted(unresolved) == sorted(
        [
            OAM_TCD,
            "EuroSat Sentinel-2",
            *["not said by /properties/mlm:pretrained"] * 3,  # MLM 1.5.0, 1.5.2, and the copy of bblocks
            "file:examples/TrainingDML-trainingdml-ai-extension/DOTA-1.5_Dataset/collection.json",
            "file:examples/TrainingDML-trainingdml-ai-extension/DOTA-1.5_Dataset/examples/DOTA-1.5%20Dataset/collection.json",
            "https://api.radiant.earth/mlhub/v1/collections/nasa_tropical_storm_competition_train_source",
            "https://arxiv.org/abs/2407.11743",
            "https://datadryad.org/resource/doi:10.5061/dryad.s2v81/v2/collection.json",
            "https://docs.ultralytics.com/models/yolo11/",
            "https://earth-search.aws.element84.com/v1/collections/sentinel-2-l2a",
            "https://pytorch.org/vision/main/models/generated/torchvision.models.resnet18.html",
            "https://raw.githubusercontent.com/radiantearth/stac-spec/v0.8.1/collection-spec/examples/sentinel2.json",
            "https://some-domain.com/test-data/collection.json",
            "https://some-domain.com/training-data/collection.json",
            "model-ionosphere-4dionosphere",  # named by an item whose collection link leads to another
        ]
    )
