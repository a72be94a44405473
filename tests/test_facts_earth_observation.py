"""Facts of the Earth-observation families, each read in its source before the catalog was looked at.

A row is subject, claim, object. The claim is a stage, a kind of derivation, or a word of ``_said``; ``no`` before it makes
the row a near-miss: something that is easily said of the subject, and that the source rules out or does not say. A near-miss
covers the parts of what it names, unless ``whole`` follows. A stage or a kind that holds must be verified, or ``unverified``
where the row says so. The comment names the file, by the section, table or line, that a row was read in; ``@`` is the commit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from shipped import BASE, FAMILIES, Shipped, name

from mlaoi_graph.catalog import Catalog
from mlaoi_graph.model import AssociationKind, Confidence, DerivationKind, Stage
from mlaoi_graph.queries import LineageGraph

Row = tuple[str, str, str]

# Clay-foundation/model @a5790ce, and @85e821c (tag v1.0) where said so.
CLAY: list[Row] = [
    # docs/clay-v0/specification-v0.md: summary, model size, license, data card
    ("clay-v0", "pretraining", "clay-v0-pretraining"),
    ("clay-v0", "parameters", "127M"),
    ("clay-v0", "released", "2024-01-12"),
    ("clay-v0", "license", "OpenRAIL-M"),
    ("clay-v0-pretraining", "drawn", "sentinel-2-l2a"),
    ("clay-v0-pretraining", "drawn", "sentinel-1-rtc"),
    ("clay-v0-pretraining", "drawn", "cop-dem"),
    ("clay-v0-pretraining", "size", "3609"),
    ("clay-v0", "no back to", "naip"),
    ("clay-v0", "no back to", "linz"),
    ("clay-v0", "no back to", "landsat-c2l1"),
    ("clay-v0", "no back to", "modis-09a1"),
    ("clay-v0", "no distilled", "dino-vitb16"),  # the loss is reconstruction alone
    # docs/clay-v0/data_labels.md and model_finetuning.md
    ("clay-v0-c2s-floods", "finetuning", "c2s-ms-floods"),
    # docs/release-notes/data_sampling.md: older versions; table of v1 samples
    ("clay-v0.1-mgrs-sample", "size", "1517"),
    ("clay-v1-mgrs-sample", "size", "2728"),
    # @85e821c configs/config.yaml: platforms, teacher; specification.md: model size, license, summary
    ("clay-v1.0", "pretraining", "clay-v1-chips-naip"),
    ("clay-v1.0", "pretraining", "clay-v1-chips-linz"),
    ("clay-v1.0", "no pretraining", "clay-v1-chips-modis"),
    ("clay-v1.0", "no back to", "modis-09a1"),
    ("clay-v1.0", "distilled", "dino-vitb16"),
    ("clay-v1.0", "no distilled", "dinov2-vitl14-reg"),
    ("clay-v1.0", "parameters", "201M"),
    ("clay-v1.0", "released", "2024-05-12"),
    ("clay-v1.0", "license", "OpenRAIL-M"),
    # configs/config.yaml: platforms, teacher; docs/release-notes/specification.md: model size, license
    ("clay-v1.5", "pretraining", "clay-v1-chips-modis"),
    ("clay-v1.5", "distilled", "dinov2-vitl14-reg"),
    ("clay-v1.5", "no distilled", "dino-vitb16"),
    ("clay-v1.5", "parameters", "632M"),
    ("clay-v1.5", "released", "2024-11-19"),
    ("clay-v1.5", "license", "Apache-2.0"),
    ("clay-v1.5", "newer than", "clay-v1.0"),
    ("clay-v1.5", "no finetuned", "clay-v1.0"),
    ("clay-v1.5", "no initialized", "clay-v1.0"),
    # specification.md: acknowledged inspirations, no weights of theirs
    ("clay-v1.5", "no back to", "satmae-fmow-rgb"),
    ("clay-v1.5", "no back to", "dofa-base"),
    ("clay-v1.5", "no back to", "scalemae-vitl"),
    # docs/release-notes/data_sampling.md: data sources, dataset size
    ("clay-v1-chips-naip", "size", "20,984,171"),
    ("clay-v1-chips-linz", "size", "3,299,006"),
    ("clay-v1-chips-s2", "size", "18,683,945"),
    ("clay-v1-chips-l1", "size", "5,827,333"),
    ("clay-v1-chips-l2", "size", "5,790,651"),
    ("clay-v1-chips-s1", "size", "16,133,394"),
    ("clay-v1-chips-modis", "size", "1,350,864"),
    ("clay-v1-chips-s2", "drawn", "sentinel-2-l2a"),
    ("clay-v1-chips-s2", "no drawn", "sentinel-2-l1c"),
    ("clay-v1-chips-s1", "drawn", "sentinel-1-rtc"),
    ("clay-v1-chips-s1", "no drawn", "sentinel-1-grd"),
    ("clay-v1-chips-modis", "drawn", "modis-09a1"),
    ("clay-v1-chips-naip", "countries", "USA"),
    ("clay-v1-chips-linz", "countries", "NZL"),
    # claymodel/finetune/classify/eurosat_datamodule.py: setup; docs/finetune/classify.md: the encoder is frozen
    ("clay-v1.5-eurosat", "finetuning", "eurosat/train"),
    ("clay-v1.5-eurosat", "validation", "eurosat/val"),
    ("clay-v1.5-eurosat", "no test", "eurosat"),
    ("clay-v1.5-eurosat", "component", "clay-v1.5"),
    ("clay-v1.5-eurosat", "no finetuned", "clay-v1.5"),
    # docs/finetune/segment.md: the New York tiles, train and val; the encoder is frozen
    ("clay-v1.5-chesapeake", "finetuning", "chesapeake-cvpr/ny-train"),
    ("clay-v1.5-chesapeake", "validation", "chesapeake-cvpr/ny-val"),
    ("clay-v1.5-chesapeake", "no test", "chesapeake-cvpr"),
    ("clay-v1.5-chesapeake", "component", "clay-v1.5"),
    # configs/regression_biomasters.yaml: val_chip_dir is the test cube; regression/factory.py freezes the encoder
    ("clay-v1.5-biomassters", "finetuning", "biomassters/train"),
    ("clay-v1.5-biomassters", "validation", "biomassters/test"),
    ("clay-v1.5-biomassters", "component", "clay-v1.5"),
]

# nasaharvest/galileo @0f0b5b9
GALILEO: list[Row] = [
    ("galileo-base", "pretraining", "galileo-pretraining"),  # README.md
    ("galileo-base", "license", "MIT"),  # LICENSE; card on Hugging Face
    # src/data/earthengine/*.py, image_collection; eo.py puts all of them into one file
    ("galileo-pretraining", "drawn", "sentinel-1-grd"),  # COPERNICUS/S1_GRD
    ("galileo-pretraining", "drawn", "sentinel-2-l1c"),  # COPERNICUS/S2_HARMONIZED
    ("galileo-pretraining", "drawn", "era5-land"),  # ECMWF/ERA5_LAND/MONTHLY_AGGR
    ("galileo-pretraining", "drawn", "srtm"),
    ("galileo-pretraining", "drawn", "dynamic-world"),
    ("galileo-pretraining", "drawn", "worldcereal"),
    ("galileo-pretraining", "drawn", "terraclimate"),
    ("galileo-pretraining", "drawn", "viirs-dnb"),
    ("galileo-pretraining", "drawn", "landscan"),
    ("galileo-pretraining", "no drawn", "era5"),  # ERA5-Land is another product
    ("galileo-pretraining", "no drawn", "sentinel-2-l2a"),
    ("galileo-pretraining", "no drawn", "sentinel-1-rtc"),
    ("galileo-pretraining", "years", "2022-2023"),  # src/data/config.py, START_YEAR and END_YEAR
    ("galileo-nano", "pretraining", "galileo-pretraining"),  # config/models/nano.json, train.py
    ("galileo-tiny", "pretraining", "galileo-pretraining"),
    # eval.py, BENCHMARKS: any model may be run, so a size rests on the record of another project
    ("galileo-base", "unverified test", "eurosat/m-eurosat"),
    ("galileo-base", "unverified test", "so2sat/m-so2sat"),
    ("galileo-base", "unverified test", "bigearthnet/m-bigearthnet"),
    ("galileo-base", "unverified test", "breizhcrops"),
    ("galileo-base", "no test whole", "eurosat"),
    ("galileo-nano", "no test", "eurosat"),
    ("galileo-base", "no pretraining", "cropharvest"),
    ("galileo-base", "no pretraining", "pastis"),
    ("galileo-base", "no back to", "presto"),  # src/eval/baseline_models holds what it was compared with
    ("galileo-base", "no back to", "croma-base"),
    ("galileo-base", "no back to", "landsat-8-9"),
]

# allenai/olmoearth_pretrain @0a8852e
OLMOEARTH: list[Row] = [
    # README.md: model summary, data summary
    ("olmoearth-v1-nano", "parameters", "encoder 1.4M"),
    ("olmoearth-v1-tiny", "parameters", "encoder 6.2M"),
    ("olmoearth-v1-base", "parameters", "encoder 89M"),
    ("olmoearth-v1-large", "parameters", "encoder 308M"),
    ("olmoearth-v1.1-nano", "parameters", "encoder 1.7M"),
    ("olmoearth-v1.1-tiny", "parameters", "encoder 12.5M"),
    ("olmoearth-v1.1-base", "parameters", "encoder 114M"),
    ("olmoearth-pretrain", "size", "285,288"),
    ("olmoearth-v1-base", "pretraining", "olmoearth-pretrain"),
    ("olmoearth-v1-base", "license", "OlmoEarth Artifact License"),  # LICENSE covers model, data and code
    # docs/Pretraining-Dataset.md: modalities
    ("olmoearth-pretrain", "drawn", "sentinel-2-l2a"),
    ("olmoearth-pretrain", "drawn", "sentinel-1-grd"),
    ("olmoearth-pretrain", "drawn", "landsat-c2l1"),
    ("olmoearth-pretrain", "drawn", "cdl"),
    ("olmoearth-pretrain", "drawn", "osm"),
    ("olmoearth-pretrain", "drawn", "srtm"),
    ("olmoearth-pretrain", "drawn", "worldcover"),
    ("olmoearth-pretrain", "drawn", "worldcereal"),
    ("olmoearth-pretrain", "drawn", "wri-canopy"),
    ("olmoearth-pretrain", "drawn", "era5"),
    ("olmoearth-pretrain", "no drawn", "sentinel-2-l1c"),
    ("olmoearth-pretrain", "no drawn", "sentinel-1-rtc"),
    ("olmoearth-pretrain", "no drawn", "landsat-c2l2-sr"),
    ("olmoearth-pretrain", "years", "2016-2024"),
    # ibid., spatial and temporal distribution: NAIP dates chose the periods, its images were not used
    ("olmoearth-v1-base", "no back to", "naip"),
    # scripts/official/v1/script.py, EVAL_TASKS; the callback looks at the validation part unless told to test
    ("olmoearth-v1-base", "validation", "eurosat/m-eurosat"),
    ("olmoearth-v1-base", "validation", "so2sat/m-so2sat"),
    ("olmoearth-v1-base", "validation", "mados"),
    ("olmoearth-v1-base", "validation", "pastis"),
    ("olmoearth-v1-base", "no validation", "bigearthnet"),
    ("olmoearth-v1-base", "no test", "eurosat"),
    # internal/all_evals.py is a registry of what can be run
    ("olmoearth-v1-base", "no test", "sen1floods11"),
    ("olmoearth-v1-large", "validation", "eurosat/m-eurosat"),
    ("olmoearth-v1.1-nano", "validation", "pastis"),  # scripts/official/v1_1/nano.py takes the trainer of base.py
    ("olmoearth-v1.1-base", "no initialized", "olmoearth-v1-base"),  # scripts/official/v1_1/base.py restores nothing
    ("olmoearth-v1.1-base", "no back to", "galileo-base"),  # code of that name, no weights
]

# gastruc/AnySat @e03e72e README.md, and the paper (arXiv 2412.14123v3) with its supplement
ANYSAT: list[Row] = [
    ("anysat-base", "pretraining", "geoplex"),
    ("anysat-base", "parameters", "125M"),  # supplement C; table 1
    ("anysat-base", "license", "MIT"),
    # paper, section 4.1: training sets, and all of PASTIS-HD for want of a fixed split
    ("geoplex", "derived", "treesatai-ts/train"),
    ("geoplex", "derived", "flair/train"),
    ("geoplex", "derived", "planted/train"),
    ("geoplex", "derived", "pastis-hd"),
    ("geoplex", "no derived", "pastis-hd/train"),
    ("geoplex", "no derived", "sickle"),
    ("geoplex", "no derived", "sen1floods11"),
    ("geoplex", "no derived", "so2sat"),
    # paper, section 4.1, figure 5, tables A and B
    ("anysat-base", "test", "treesatai-ts/test"),
    ("anysat-base", "test", "flair/test"),
    ("anysat-base", "test", "planted/test"),
    ("anysat-base", "test", "pastis-hd"),
    ("anysat-base", "test", "bradd-s1ts"),
    ("anysat-base", "test", "timesen2crop"),
    ("anysat-base", "test", "sen1floods11"),
    ("anysat-base", "test", "so2sat"),
    ("anysat-base", "test", "spacenet7"),  # table 1
    ("anysat-base", "test", "hls-burn-scars"),
    ("anysat-base", "validation", "sickle/val"),
    ("anysat-base", "pretraining", "treesatai-ts/train"),
    ("anysat-base", "no pretraining", "treesatai-ts/test"),
    ("anysat-base", "no pretraining whole", "flair"),
    ("anysat-base", "no test", "s2naip-urban"),  # no labels
    ("anysat-base", "no test", "biomassters"),  # a configuration exists, no result
    ("anysat-base", "no test", "sickle/test"),  # not released: the validation part was used
    ("anysat-base", "no back to", "omnisat"),  # its code base, not its weights
    # supplement D; README, GeoPlex datasets
    ("treesatai-ts", "size", "50,381"),
    ("pastis-hd", "size", "2,433"),
    ("flair", "size", "77,762"),
    ("planted", "size", "1,346,662"),
    ("s2naip-urban", "size", "515,270"),
    ("treesatai-ts", "countries", "DEU"),
    ("flair", "countries", "FRA"),
    ("pastis-hd", "countries", "FRA"),
    ("s2naip-urban", "countries", "USA"),
    ("sickle", "countries", "IND"),
    # The paper says Slovenia; the data's own article (10.1109/JSTARS.2021.3073965) has the Austrian crop map
    ("timesen2crop", "countries", "AUT"),
]

# allenai/satlas @c8b9aa5 and allenai/satlaspretrain_models @7b5cd45
SATLAS: list[Row] = [
    # SatlasPretrain.md: summary, download, images
    ("satlaspretrain", "size", "302M"),
    ("satlaspretrain", "drawn", "sentinel-2-l1c"),  # the scenes are named MSIL1C
    ("satlaspretrain", "drawn", "naip"),
    ("satlaspretrain", "drawn", "osm"),
    ("satlaspretrain", "drawn", "worldcover"),
    ("satlaspretrain", "derived", "c2s-ms-floods"),
    ("satlaspretrain", "drawn", "ms-us-buildings"),
    ("satlaspretrain", "drawn", "landsat-8-9"),
    ("satlaspretrain", "drawn", "sentinel-1-grd"),  # Normalization.md, Sentinel-1
    ("satlaspretrain", "no drawn", "sentinel-2-l2a"),
    ("satlaspretrain", "no derived", "sen1floods11"),  # another set of floods
    # satlaspretrain_models README.md: available models
    ("satlas-s2-swinb-si-rgb", "license", "ODC-BY"),
    ("satlas-aerial-swinb-si", "license", "ODC-BY"),
    ("satlas-landsat-swinb-si", "license", "ODC-BY"),
    # configs/sentinel2, sentinel1, landsat and aerial: TrainSplit of every task
    ("satlas-s2-swinb-si-rgb", "pretraining", "satlaspretrain/train_lowres/Sentinel-2"),
    ("satlas-s1-swinb-si", "pretraining", "satlaspretrain/train_lowres/Sentinel-1"),
    ("satlas-landsat-swinb-si", "pretraining", "satlaspretrain/train_lowres/Landsat"),
    ("satlas-aerial-swinb-si", "pretraining", "satlaspretrain/train_highres"),
    ("satlas-s2-swinb-si-rgb", "no pretraining", "satlaspretrain/train_highres"),
    ("satlas-aerial-swinb-si", "no pretraining", "satlaspretrain/train_lowres"),
    ("satlas-s2-swinb-si-rgb", "no pretraining", "satlaspretrain/test_lowres"),
    ("satlas-s2-swinb-si-rgb", "no pretraining whole", "satlaspretrain"),
    # SatlasPretrain.md: two tutorials tune a copy
    ("satlas-s2-swinb-si-rgb", "no finetuning", "eurosat"),
    ("satlas-s2-swinb-si-rgb", "no finetuning", "ucmerced"),
    # README.md, training data and models; configs/satlas_explorer_*.txt: RestorePath, Unfreeze
    ("satlas-marine", "finetuning", "satlas-marine-labels"),
    ("satlas-solar", "finetuning", "satlas-solar-labels"),
    ("satlas-marine", "no finetuning", "satlas-solar-labels"),
    ("satlas-marine", "finetuned", "satlaspretrain-models"),
    ("satlas-solar", "finetuned", "satlaspretrain-models"),
    ("satlas-marine", "no component", "satlaspretrain-models"),  # frozen at first only
    ("satlas-marine", "validation", "satlas-marine-labels/val"),
    ("satlas-marine", "back to", "satlaspretrain"),
    ("satlas-marine", "no pretraining", "fmow-rgb"),
    ("satlas-marine-labels", "license", "Apache-2.0"),  # marine_infrastructure_dataset.md, last line
]

# fieldsoftheworld/ftw-baselines @0bc7a85
FTW: list[Row] = [
    # configs/release/3_class/full-ftw.yaml: 25 countries for each part
    ("ftw-v1-3c-full", "training", "ftw/train"),
    ("ftw-v1-3c-full", "validation", "ftw/val"),
    ("ftw-v1-3c-full", "no training", "ftw/test"),
    ("ftw-v1-3c-full", "no training", "ftw-ccby"),
    # configs/release/3_class/cc-by-ftw.yaml: 15 countries, Kenya among them
    ("ftw-v1-3c-ccby", "training", "ftw-ccby/train"),
    ("ftw-v1-3c-ccby", "validation", "ftw-ccby/val"),
    ("ftw-v1-3c-ccby", "no training", "ftw"),
    ("ftw-ccby", "member of", "ftw"),
    ("ftw", "no member of", "ftw-ccby"),
    (
        "ftw-ccby",
        "countries",
        "AUT BRA DNK ESP EST FIN FRA IND KEN LUX NLD RWA SVK VNM",  # Corsica is French
    ),
    (
        "ftw",
        "countries",
        "AUT BEL BRA DEU DNK ESP EST FIN FRA HRV IND KEN KHM LTU LUX LVA NLD PRT RWA SVK SVN SWE VNM ZAF",
    ),
    # configs/release/prue/prue_efnet5.yaml: trained on 25, watched on Austria alone
    ("ftw-prue-b5-full", "training", "ftw/train"),
    ("ftw-prue-b5-full", "validation", "ftw/val/Austria"),
    ("ftw-prue-b5-full", "no validation whole", "ftw/val"),
    ("ftw-prue-b5-full", "test", "ftw/test"),
    # configs/release/prue/prue_efnet5-ccby.yaml: 14 countries, Kenya not among them, tested on all 25
    ("ftw-prue-b5-ccby", "no training whole", "ftw-ccby/train"),
    ("ftw-prue-b5-ccby", "training", "ftw-ccby/train/without%20Kenya"),
    ("ftw-prue-b5-ccby", "validation", "ftw/val/Austria"),
    ("ftw-prue-b5-ccby", "test", "ftw/test"),
    # ftw_tools/inference/model_registry.py: license, description
    ("ftw-v1-3c-ccby", "license", "CC-BY-4.0"),
    ("ftw-prue-b5-ccby", "license", "CC-BY-4.0"),
    ("ftw-v1-3c-full", "license", "Mixed open licences"),
    ("ftw-prue-b5-full", "license", "Mixed open licences"),
    ("delineate-anything", "no training", "ftw"),  # FBIS-22M
    ("ftw-v1-3c-full", "no training", "fbis-22m"),
]

# ViTAE-Transformer/MTP @13cc2b7: Readme.md unless a configuration is named
MTP: list[Row] = [
    # pretrained models: MAE on Million-AID, then MTP
    ("mtp-vitl-rvsa", "pretraining", "millionaid"),
    ("mtp-vitl-rvsa", "pretraining", "samrs-sior"),
    ("mtp-vitl-rvsa", "pretraining", "samrs-fast"),
    # pretraining dataset: SOTA-RBB in the place of SAMRS SOTA
    ("mtp-vitl-rvsa", "pretraining", "sota-rbb"),
    ("mtp-vitl-rvsa", "no pretraining", "samrs-sota"),
    ("mtp-vitl-rvsa", "no pretraining whole", "samrs"),
    ("sota-rbb", "derived", "dota"),
    ("sota-rbb", "labelled", "sam"),
    ("mtp-vitl-rvsa", "back to", "dota"),
    ("mtp-vitl-rvsa", "no back to", "rvsa-vitb-mae"),  # that one is a ViT-B
    # finetuned models, ViT-L
    ("mtp-vitl-eurosat", "finetuning", "eurosat"),
    ("mtp-vitl-eurosat", "no test", "eurosat/test"),  # its configuration measures on a val folder of its own
    ("mtp-vitl-resisc45", "finetuning", "resisc45"),
    ("mtp-vitl-spacenet1", "finetuning", "spacenet1"),
    # RS_Tasks_Finetune/*/configs/mtp, ViT-L: paths of the loaders
    ("mtp-vitl-dior", "finetuning", "dior/trainval"),
    ("mtp-vitl-dior", "test", "dior/test"),
    ("mtp-vitl-dior-r", "finetuning", "dior-r/trainval"),
    ("mtp-vitl-dior-r", "test", "dior-r/test"),
    ("mtp-vitl-fair1m-2", "finetuning", "fair1m/train"),
    ("mtp-vitl-fair1m-2", "finetuning", "fair1m/val"),
    ("mtp-vitl-fair1m-2", "test", "fair1m/test"),
    ("mtp-vitl-loveda", "finetuning", "loveda/train"),
    ("mtp-vitl-loveda", "finetuning", "loveda/val"),
    ("mtp-vitl-loveda", "test", "loveda/test"),
    ("mtp-vitl-loveda", "no finetuning", "loveda/test"),
    ("mtp-vitl-oscd", "finetuning", "oscd/train"),
    ("mtp-vitl-oscd", "validation", "oscd/test"),  # val_dataloader reads test, CheckpointHook saves the best on it
    ("mtp-vitl-oscd", "test", "oscd/test"),
    ("mtp-vitl-oscd", "metrics", "55.92"),
    ("mtp-vitl-levir-cd", "finetuning", "levir-cd/train"),
    ("mtp-vitl-levir-cd", "validation", "levir-cd/val"),
    ("mtp-vitl-levir-cd", "no validation", "levir-cd/test"),
    ("mtp-vitl-levir-cd", "test", "levir-cd/test"),
    ("mtp-vitl-rvsa", "no test", "oscd"),  # the scores are those of models tuned from it
    ("mtp-vitl-spacenet1", "no finetuning", "spacenet7"),
    ("mtp-vitl-xview", "finetuning", "xview"),
    ("mtp-vitl-eurosat", "finetuned", "mtp-vitl-rvsa"),
    ("mtp-vitl-dior", "no finetuned", "mtp-vitl-eurosat"),
    ("mtp-vitl-dior", "no finetuning", "dior-r"),
]

# sustainlab-group/SatMAE @e31c11f: README.md
SATMAE: list[Row] = [
    ("satmae-fmow-rgb", "pretraining", "fmow-rgb"),  # model weights, non-temporal
    ("satmae-fmow-rgb-ft", "finetuned", "satmae-fmow-rgb"),
    ("satmae-fmow-temporal", "pretraining", "fmow-rgb/train"),  # temporal pretraining, --train_path
    ("satmae-fmow-temporal", "no pretraining", "fmow-sentinel"),
    ("satmae-fmow-sentinel", "pretraining", "fmow-sentinel/train"),  # multi-spectral pretraining, --train_path
    ("satmae-fmow-sentinel", "no pretraining", "fmow-sentinel/val"),
    ("satmae-fmow-sentinel", "no pretraining", "fmow-rgb"),
    ("satmae-fmow-sentinel-ft", "finetuning", "fmow-sentinel/train"),
    ("satmae-fmow-sentinel-ft", "validation", "fmow-sentinel/val"),  # top-1 is measured on the validation set
    ("satmae-fmow-sentinel-ft", "no test", "fmow-sentinel"),
    ("satmae-fmow-sentinel-ft", "finetuned", "satmae-fmow-sentinel"),
    ("satmae-fmow-sentinel-ft", "no finetuned", "satmae-fmow-rgb"),
    ("satmae-fmow-sentinel-ft", "metrics", "63.84"),
    ("satmae-fmow-rgb-ft", "metrics", "77.78"),
    ("satmae-fmow-rgb", "license", "CC-BY-NC-4.0"),  # LICENSE
    ("satmae-fmow-sentinel", "license", "CC-BY-NC-4.0"),
    ("satmae-fmow-rgb", "no back to", "naip"),  # util/naip_loader.py exists; no released weights use it
    ("satmae-fmow-rgb", "no back to", "imagenet-1k"),
]

# techmn/satmae_pp @ee173bf: README.md
SATMAEPP: list[Row] = [
    ("satmaepp-fmow-rgb", "pretraining", "fmow-rgb/train"),
    ("satmaepp-fmow-sentinel", "pretraining", "fmow-sentinel/train"),
    ("satmaepp-fmow-rgb-ft", "finetuning", "fmow-rgb/train"),
    ("satmaepp-fmow-rgb-ft", "validation", "fmow-rgb/val"),
    ("satmaepp-fmow-sentinel-ft", "finetuning", "fmow-sentinel/train"),
    ("satmaepp-fmow-sentinel-ft", "validation", "fmow-sentinel/val"),
    ("satmaepp-fmow-sentinel-ft", "finetuned", "satmaepp-fmow-sentinel"),
    ("satmaepp-fmow-sentinel-ft", "metrics", "63.23"),
    ("satmaepp-fmow-rgb-ft", "metrics", "78.14"),
    ("satmaepp-fmow-rgb", "license", "Apache-2.0"),  # LICENSE
    ("satmaepp-fmow-rgb", "no back to", "satmae-fmow-rgb"),  # its code, not its weights
    ("satmaepp-fmow-sentinel", "no pretraining", "fmow-rgb"),
    ("satmaepp-fmow-rgb-ft", "no test", "eurosat"),  # splits are pointed at, no score is given
]

# zhu-xlab/DOFA @2ba9d35 pretraining/, @0293753 README.md; torchgeo/torchgeo @65507dc
DOFA: list[Row] = [
    # pretraining/datasets/ofall_dataset.py: SatlasS1, SatlasS2, SatlasNAIP, Hyper11k, FiveBillion
    ("dofa-base", "pretraining", "satlaspretrain/Sentinel-1,%20Sentinel-2%20and%20NAIP"),
    ("dofa-base", "pretraining", "five-billion-pixels"),
    ("dofa-base", "pretraining", "hyspecnet-11k"),
    ("dofa-base", "no pretraining whole", "satlaspretrain"),
    ("dofa-base", "no pretraining", "spectralearth"),
    ("dofa-base", "no pretraining", "ssl4eo-s12"),
    ("dofa-base", "no pretraining", "fmow-rgb"),
    # pretraining/models_base_ofa_mae.py, initialize_weights: the teacher, and the start of the encoder
    ("dofa-base", "initialized", "vit-b16-augreg2-in21k-in1k"),
    ("dofa-base", "distilled", "vit-b16-augreg2-in21k-in1k"),
    ("dofa-base", "no distilled", "dinov2-vitl14-reg"),
    ("dofa-base", "back to", "imagenet-1k"),
    ("dofa-large", "no initialized", "vit-b16-augreg2-in21k-in1k"),  # that file is the base model's
    # torchgeo/models/dofa.py, meta of both sizes; docs/api/weights/agnostic.csv: license, GEO-Bench scores
    ("dofa-large", "pretraining", "five-billion-pixels"),
    ("dofa-large", "pretraining", "hyspecnet-11k"),
    ("dofa-large", "pretraining", "satlaspretrain"),
    ("dofa-base", "license", "CC-BY-4.0"),
    ("dofa-large", "license", "CC-BY-4.0"),
    ("dofa-base", "test", "geo-bench"),
    ("dofa-large", "test", "geo-bench"),
    ("dofa-base", "no pretraining", "geo-bench"),
    ("hyspecnet-11k", "license", "CC0-1.0"),  # docs/api/datasets/non_geo_datasets.csv
]

# nasaharvest/presto @13173d0, and the paper (arXiv 2304.14065)
PRESTO: list[Row] = [
    ("presto", "license", "MIT"),  # LICENSE
    # presto/dataops/pipelines/s1_s2_era5_srtm.py: bands, B10 among those read; dynamicworld.py
    ("presto-pretraining", "drawn", "sentinel-1-grd"),
    ("presto-pretraining", "drawn", "sentinel-2-l1c"),
    ("presto-pretraining", "drawn", "era5"),
    ("presto-pretraining", "drawn", "srtm"),
    ("presto-pretraining", "drawn", "dynamic-world"),
    ("presto-pretraining", "no drawn", "era5-land"),
    ("presto-pretraining", "no drawn", "sentinel-2-l2a"),
    ("presto-pretraining", "no drawn", "landsat-8-9"),
    # paper, section 3.1
    ("presto", "pretraining", "presto-pretraining"),
    ("presto-pretraining", "size", "21.5M"),
    ("presto-pretraining", "years", "2020-2021"),
    # paper, section 4: a task watched while pretraining, without the points of evaluation
    ("presto", "validation", "cropharvest/all%20points%20but%20those%20of%20the%20evaluation%20tasks"),
    ("presto", "no validation whole", "cropharvest"),
    # paper, section 5, tables 1 to 6; presto/eval/__init__.py has the same six
    ("presto", "test", "cropharvest/Togo,%20Kenya%20and%20Brazil%20tasks"),
    ("presto", "test", "eurosat/test"),
    ("presto", "test", "treesatai/test"),
    ("presto", "test", "lfm-western-us"),
    ("presto", "test", "tick-tick-bloom"),
    ("presto", "test", "s2-agri100/test"),
    ("presto", "metrics", "0.835"),
    ("presto", "metrics", "68.89"),
    ("presto", "no test", "breizhcrops"),
    ("presto", "no test", "pastis"),
    ("presto", "no pretraining", "cropharvest"),
    ("presto", "no finetuning", "cropharvest"),
    ("presto", "no back to", "naip"),
]

# zhu-xlab/Copernicus-FM @da95635
COPERNICUS_FM: list[Row] = [
    ("copernicus-fm", "pretraining", "copernicus-pretrain"),  # README.md
    ("copernicus-fm", "license", "CC-BY-4.0"),
    ("copernicus-pretrain", "license", "CC-BY-4.0"),
    # Copernicus-FM/src/models_mae_cfm.py, initialize_weights and forward_zt; engine_pretrain.py, line 210
    ("copernicus-fm", "distilled", "dinov2-vitb14"),
    ("copernicus-fm", "unverified distilled", "softcon"),  # a second teacher, by a record; the code has one
    ("copernicus-fm", "no distilled", "dinov2-vitl14-reg"),
    ("copernicus-fm", "no back to", "dofa-base"),  # both start from the same generator, DOFA before its own training
    # Copernicus-Pretrain/README.md: table of modalities; data_collection/*.sh, --collection
    ("copernicus-pretrain", "size", "18,713,054"),
    ("copernicus-pretrain", "drawn", "sentinel-1-grd"),
    ("copernicus-pretrain", "drawn", "sentinel-2-l1c"),
    ("copernicus-pretrain", "drawn", "cop-dem"),
    ("copernicus-pretrain", "drawn", "sentinel-3-olci"),
    ("copernicus-pretrain", "drawn", "sentinel-5p"),
    ("copernicus-pretrain", "no drawn", "sentinel-2-l2a"),
    ("copernicus-pretrain", "no drawn", "era5"),  # its grid only
    # README.md, table of Copernicus-Bench
    ("copernicus-bench", "derived", "eurosat"),
    ("copernicus-bench", "derived", "eurosat-sar"),
    ("copernicus-bench", "derived", "bigearthnet-v2"),
    ("copernicus-bench", "no derived", "bigearthnet"),
    ("copernicus-bench", "derived", "dfc2020"),
    ("copernicus-bench", "derived", "so2sat"),
    ("copernicus-bench", "derived", "cloudsen12"),
    ("copernicus-bench", "derived", "kuro-siwo"),
    ("copernicus-bench", "no derived", "sen1floods11"),
    ("copernicus-fm", "test", "copernicus-bench"),  # Copernicus-Bench/results/README.md
    ("copernicus-fm", "no pretraining", "copernicus-bench"),
]

# torchgeo/torchgeo @65507dc; antofuller/CROMA @59505a6 names no data
CROMA: list[Row] = [
    ("croma-base", "pretraining", "ssl4eo-s12"),  # torchgeo/models/croma.py, meta
    ("croma-large", "pretraining", "ssl4eo-s12"),
    ("croma-base", "license", "CC-BY-4.0"),  # docs/api/weights/agnostic.csv
    ("croma-base", "no pretraining", "ssl4eo-l"),
    ("croma-base", "no pretraining", "bigearthnet"),
    ("croma-base", "no back to", "satmae-fmow-sentinel"),  # README.md: a normalisation is taken from it
]

# bair-climate-initiative/scale-mae @89280d8
SCALE_MAE: list[Row] = [
    ("scalemae-vitl", "pretraining", "fmow-rgb"),  # README.md, data preparation
    ("scalemae-vitl", "license", "CC-BY-NC-4.0"),  # LICENSE
    ("scalemae-vitl", "no pretraining", "fmow-sentinel"),
    ("scalemae-vitl", "no pretraining", "naip"),  # mae/config/naip.yaml exists; the released weights are of fMoW
    ("scalemae-vitl", "no pretraining", "imagenet-1k"),
    ("scalemae-vitl", "no test", "resisc45"),  # README.md, KNN evaluation: supported, no score
    ("scalemae-vitl", "evaluation", "resisc45"),
]

# microsoft/satclip @1ead106
SATCLIP: list[Row] = [
    ("satclip-rn50-l40", "pretraining", "s2-100k"),  # README.md, training
    ("satclip-vit16-l40", "pretraining", "s2-100k"),
    ("s2-100k", "size", "100,000"),
    ("s2-100k", "drawn", "sentinel-2-l2a"),  # scripts/download_s2.py, the collection
    ("s2-100k", "no drawn", "sentinel-2-l1c"),
    ("s2-100k", "years", "2021-2023"),
    # satclip/model.py, lines 286-311: weights loaded, requires_grad off
    ("satclip-rn18-l10", "component", "ssl4eo-s12-moco-rn18"),
    ("satclip-rn50-l40", "component", "ssl4eo-s12-moco-rn50"),
    ("satclip-vit16-l40", "component", "ssl4eo-s12-moco-vits16"),
    ("satclip-rn50-l40", "no finetuned", "ssl4eo-s12-moco-rn50"),
    ("satclip-rn50-l40", "no component", "ssl4eo-s12-dino-rn50"),
    ("satclip-vit16-l40", "no component", "ssl4eo-s12-mae-vits16"),
    ("satclip-rn50-l40", "no back to", "clip-rn50"),  # the way of training, not the weights
    ("satclip-rn50-l40", "license", "MIT"),  # MODELCARD.md
    ("satclip-rn50-l40", "no pretraining", "inat2018"),  # README.md, downstream data
]

# VicenteVivan/geo-clip @7a1a23b
GEOCLIP: list[Row] = [
    ("geoclip", "training", "mp-16"),  # README.md, method: trained
    ("geoclip", "no pretraining", "mp-16"),
    ("mp-16", "size", "4.7M"),
    ("geoclip", "test", "im2gps3k"),  # README.md, description
    ("geoclip", "test", "yfcc26k"),
    ("geoclip", "test", "gws15k"),
    ("geoclip", "component", "clip-vitl14"),  # geoclip/model/image_encoder.py: frozen
    ("geoclip", "no finetuned", "clip-vitl14"),
    ("geoclip", "no component", "clip-vitl14-336"),
    ("geoclip", "license", "MIT"),  # LICENSE
    ("geoclip", "no back to", "s2-100k"),
    ("geoclip", "no back to", "sentinel-2"),
]

# Panopticon-FM/panopticon @5ad7f82
PANOPTICON: list[Row] = [
    # README.md, training datasets; dinov2/configs/stage1.yaml and stage2.yaml
    ("panopticon", "pretraining", "fmow-full"),
    ("panopticon", "pretraining", "fmow-sentinel"),
    ("panopticon", "pretraining", "mmearth"),
    ("panopticon", "pretraining", "spectralearth"),
    ("panopticon", "pretraining", "satlaspretrain/Sentinel-1,%20Sentinel-2%20and%20Landsat"),
    ("panopticon", "no pretraining whole", "satlaspretrain"),
    ("panopticon", "no pretraining", "naip"),
    ("panopticon", "no pretraining", "fmow-rgb"),  # the README asks for fmow-full and warns off fmow-rgb
    ("panopticon", "no pretraining", "hyspecnet-11k"),  # a band list exists, no stage loads it
    ("panopticon", "initialized", "dinov2-vitb14"),  # stage1.yaml, pretrained_weights
    ("panopticon", "no initialized", "dinov2-vitl14-reg"),
    ("panopticon", "no back to", "dofa-base"),
    ("panopticon", "license", "CC-BY-4.0"),  # README.md, license: Apache-2.0 is the code's
]

# zhu-xlab/SSL4EO-S12 @2156913: README.md
SSL4EO_S12: list[Row] = [
    ("ssl4eo-s12", "size", "251,079"),
    ("ssl4eo-s12", "drawn", "sentinel-1-grd"),  # torchgeo/datasets/ssl4eo.py
    ("ssl4eo-s12", "drawn", "sentinel-2-l1c"),
    ("ssl4eo-s12", "drawn", "sentinel-2-l2a"),
    ("ssl4eo-s12-moco-rn50", "pretraining", "ssl4eo-s12/s2c"),
    ("ssl4eo-s12-moco-rn50", "no pretraining", "ssl4eo-s12/s2a"),
    ("ssl4eo-s12-moco-rn50", "no pretraining", "ssl4eo-s12/s1"),
    ("ssl4eo-s12-moco-rn50-s1", "pretraining", "ssl4eo-s12/s1"),
    ("ssl4eo-s12-moco-rn50-s1", "no pretraining", "ssl4eo-s12/s2c"),
    ("ssl4eo-s12-mae-vitl16", "pretraining", "ssl4eo-s12/s2c"),
    ("ssl4eo-s12-dino-vits16", "pretraining", "ssl4eo-s12/s2c"),
    ("ssl4eo-s12-moco-rn50", "test", "eurosat"),
    ("ssl4eo-s12-moco-rn50", "test", "so2sat"),
    ("ssl4eo-s12-moco-rn50", "validation", "bigearthnet/val"),  # the note: a train/val split
    ("ssl4eo-s12-mae-vitl16", "no test", "eurosat"),  # in the second table, without scores
    ("ssl4eo-s12-moco-rn50", "license", "CC-BY-4.0"),
    ("ssl4eo-s12", "license", "CC-BY-4.0"),
    ("ssl4eo-s12-moco-rn50", "no back to", "seco"),  # the split of BigEarthNet follows it
]

# torchgeo/torchgeo @65507dc
SSL4EO_L: list[Row] = [
    ("ssl4eo-l-oli-sr-moco-rn50", "pretraining", "ssl4eo-l/oli_sr"),  # models/resnet.py; datasets/ssl4eo.py, table
    ("ssl4eo-l-tm-toa-moco-vits16", "pretraining", "ssl4eo-l/tm_toa"),
    ("ssl4eo-l-oli-sr-moco-rn50", "no pretraining", "ssl4eo-l/oli_tirs_toa"),
    ("ssl4eo-l-tm-toa-moco-vits16", "no pretraining", "ssl4eo-l/etm_toa"),
    ("ssl4eo-l-oli-sr-moco-rn50", "no pretraining", "ssl4eo-l-bench-cdl"),
    ("ssl4eo-l-oli-sr-moco-rn50", "license", "CC0-1.0"),  # docs/api/weights/landsat.csv
    ("ssl4eo-l", "license", "CC0-1.0"),
    ("ssl4eo-l-oli-sr-moco-rn50", "test", "ssl4eo-l-bench-nlcd"),
    ("ssl4eo-l-oli-sr-moco-rn50", "test", "ssl4eo-l-bench-cdl"),
    ("ssl4eo-l-bench-cdl", "size", "25,000"),  # datasets/ssl4eo_benchmark.py
    ("ssl4eo-l-bench-nlcd", "size", "25,000"),
    ("ssl4eo-l", "no drawn", "sentinel-2"),
]

ALL = [
    *CLAY, *GALILEO, *OLMOEARTH, *ANYSAT, *SATLAS, *FTW, *MTP, *SATMAE, *SATMAEPP, *DOFA, *PRESTO, *COPERNICUS_FM,
    *CROMA, *SCALE_MAE, *SATCLIP, *GEOCLIP, *PANOPTICON, *SSL4EO_S12, *SSL4EO_L,
]  # fmt: skip


_STAGES = {s.value for s in Stage}
_KINDS = {k.value for k in DerivationKind}
_FIELDS = {"parameters", "license", "released", "size"}


@pytest.fixture(scope="module")
def lineage() -> Iterator[LineageGraph]:
    """Return the lineage of the shipped families, made as a user makes it."""
    with Catalog.create(base=BASE) as catalog:
        catalog.ingest(FAMILIES)
        yield LineageGraph.from_store(catalog.store, find=catalog.find)


def _edges(shipped: Shipped, subject: str, claim: str) -> list[tuple[str, Confidence]]:
    """Return the far ends of a subject's uses of a stage, or of its derivations of a kind, with how sure they are."""
    if claim in _STAGES:
        uses = [u for u in shipped.uses if (name(u.model), u.stage.value) == (subject, claim)]
        return [(name(u.dataset), u.confidence) for u in uses]
    made = [d for d in shipped.derivations if (name(d.derived), d.kind.value) == (subject, claim)]
    return [(name(d.source), d.confidence) for d in made]


def _said(shipped: Shipped, lineage: LineageGraph, subject: str, claim: str) -> set[str]:
    """Return what the catalog says of a subject for the claims that are neither a stage nor a kind."""
    thing = shipped.models.get(subject) or shipped.datasets.get(subject) or shipped.families[subject]
    if claim in _FIELDS:
        return {str(getattr(thing, claim))}
    if claim == "back to":
        return {name(row.node) for row in lineage.upstream(thing.iri)}
    if claim == "metrics":
        return {u.metrics or "" for u in shipped.uses if u.model == thing.iri}
    if claim == "countries":
        return {" ".join(sorted({c for area in shipped.area(subject) for c in area.countries}))}
    if claim == "years":
        days = [(area.start or "", area.end or "") for area in shipped.area(subject)]
        return {f"{start[:4]}-{end[:4]}" for start, end in days}
    kind = {"newer than": AssociationKind.SUCCEEDS, "member of": AssociationKind.PART_OF}[claim]
    return {name(a.object) for a in shipped.associations if (a.subject, a.kind) == (thing.iri, kind)}


@pytest.mark.parametrize(("subject", "claim", "wanted"), ALL)
def test_facts(shipped: Shipped, lineage: LineageGraph, subject: str, claim: str, wanted: str) -> None:
    known = {*shipped.models, *shipped.families, *shipped.datasets}
    assert subject in known
    word = claim.removeprefix("no ").removeprefix("unverified ").removesuffix(" whole")
    if word in _STAGES | _KINDS:
        # A slip in a name, or a thing that cannot stand there, would let a near-miss pass.
        of_data = word in _STAGES | {"drawn", "derived"}
        assert wanted.partition("/")[0] in (shipped.datasets if of_data else {*shipped.models, *shipped.families})
        edges = _edges(shipped, subject, word)
        if not claim.startswith("no "):
            assert (wanted, Confidence.UNVERIFIED if claim.startswith("unverified ") else Confidence.VERIFIED) in edges
        elif claim.endswith(" whole"):
            assert wanted not in {far for far, _ in edges}
        else:
            assert [far for far, _ in edges if far == wanted or far.startswith(wanted + "/")] == []
    elif word == "license":  # of the weights; that of the code may follow
        assert [text for text in _said(shipped, lineage, subject, word) if text.startswith(wanted)] != []
    elif word in {"metrics", "parameters", "size"}:
        number = re.compile(rf"(?<![\w.]){re.escape(wanted.replace(',', ''))}(?![\w.])")
        said = _said(shipped, lineage, subject, word)
        assert [text for text in said if number.search(text.replace(",", ""))] != []
    elif claim.startswith("no "):
        said = _said(shipped, lineage, subject, word)
        assert wanted in known
        assert wanted not in said
        assert said or word != "back to"
    else:
        assert wanted in _said(shipped, lineage, subject, word)


def test_every_row_is_said_once() -> None:
    assert len(ALL) == len(set(ALL))
