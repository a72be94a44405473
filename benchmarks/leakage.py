"""Time leakage: one model's test chips against its training chips, and the audit of a whole catalog.

    python benchmarks/leakage.py                         # 500,000 test chips, 1,000,000 training chips, 10,000 models
    python benchmarks/leakage.py --chips 100000 --models 1000

What is measured, and how to read it, is told in benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from pathlib import Path
from statistics import median

import numpy as np
import shapely

from mlaoi_graph import rdf
from mlaoi_graph.catalog import Catalog
from mlaoi_graph.geo.index import Index
from mlaoi_graph.model import (
    AreaOfInterest,
    Dataset,
    DataUse,
    Derivation,
    DerivationKind,
    Model,
    Precision,
    Rule,
    Stage,
)
from mlaoi_graph.queries.leakage import Leakage


def say(text: str) -> None:
    """Print talk."""
    print(text, file=sys.stderr, flush=True)


def chips(number: int, rng: np.random.Generator) -> np.ndarray:
    """Return boxes of 0.02 degrees in grids around 200 places on land, as people cut them."""
    centre = np.column_stack((rng.uniform(-120, 140, 200), rng.uniform(-35, 60, 200)))
    at = centre[rng.integers(0, 200, number)] + np.round(rng.uniform(-2, 2, (number, 2)) / 0.02) * 0.02
    return np.column_stack((at, at + 0.02))


def pairs(number: int, rounds: int) -> dict[str, object]:
    """Time the pairs of ``number`` test chips and twice as many training chips against a bare STRtree join."""
    rng = np.random.default_rng(0)
    # One generator for both sides: they lie around the same places.
    boxes = chips(number * 3, rng)
    test, train = boxes[:number], boxes[number:]
    left, right = shapely.box(*test.T), shapely.box(*train.T)
    say(f"indexing {len(boxes):,} chips")
    index = Index.of(np.concatenate((left, right)))
    rows, other = np.arange(number, dtype=np.uint32), np.arange(number, len(boxes), dtype=np.uint32)
    ours, bare, exact = [], [], []
    found = 0
    for _ in range(rounds):
        start = time.perf_counter()
        a, b = index.join_rows(rows, index, other)
        ours.append(time.perf_counter() - start)
        found = len(a)
        start = time.perf_counter()
        shapely.STRtree(right).query(left)
        bare.append(time.perf_counter() - start)
        start = time.perf_counter()
        index.overlap_km2(a[:100_000], index, b[:100_000])
        exact.append(time.perf_counter() - start)
    return {
        "test chips": number,
        "training chips": len(other),
        "pairs": found,
        "join, s": round(median(ours), 2),
        "bare STRtree join (its box pairs include those that touch), s": round(median(bare), 2),
        "ratio": round(median(o / b for o, b in zip(ours, bare, strict=True)), 2),
        "exact areas of 100,000 pairs, s": round(median(exact), 3),
    }


def catalog_of(models: int) -> Catalog:
    """Return a catalog in memory: families of models, each with two trainings and two tests on split datasets."""
    rng, places = random.Random(0), np.random.default_rng(1)
    datasets = max(20, models // 20)
    statements: list[object] = []
    for d in range(datasets):
        whole = f"urn:d{d}"
        statements.append(Dataset(iri=whole, label=f"d{d}", resolved=True))
        at = places.uniform(-60, 60, 2)
        for split in ("train", "test"):
            areas = []
            for x in range(50):
                w, s = at + np.round(places.uniform(-1, 1, 2) / 0.05) * 0.05
                iri = f"{whole}/{split}/{x}"
                areas.append(iri)
                wkt = shapely.box(w, s, w + 0.05, s + 0.05).wkt
                statements.append(
                    AreaOfInterest(iri=iri, precision=Precision.SAMPLES, wkt=wkt, start="2020-01-01", end="2021-01-01")
                )
            statements.append(
                Dataset(
                    iri=f"{whole}/{split}", label=f"d{d} {split}", split=split, part_of=(whole,), resolved=True,
                    footprints=tuple(areas),
                )
            )  # fmt: skip
        if d and rng.random() < 0.2:
            statements.append(_made(f"d{d}", f"d{rng.randrange(d)}", DerivationKind.DERIVED))
    for m in range(models):
        statements.append(Model(iri=f"urn:m{m}", label=f"m{m}", resolved=True))
        if m > 20 and rng.random() < 0.9:
            statements.append(_made(f"m{m}", f"m{rng.randrange(m // 5 + 1)}", DerivationKind.FINETUNED))
        for stage, split in ((Stage.FINETUNING, "train"), (Stage.PRETRAINING, "train"), (Stage.TEST, "test")) * 1:
            data = f"urn:d{min(int(rng.paretovariate(0.8)), datasets - 1)}/{split}"
            statements.append(
                DataUse(
                    iri=f"urn:doc#{m}-{stage.value}", model=f"urn:m{m}", dataset=data, stage=stage, rule=Rule.STATED,
                    document="urn:doc",
                )
            )  # fmt: skip
    catalog = Catalog.create()
    catalog.store.fill([{"urn:doc": rdf.encode(statements)}, {}])  # type: ignore[arg-type]
    return catalog


def _made(derived: str, source: str, kind: DerivationKind) -> Derivation:
    return Derivation(
        iri=f"urn:doc#{derived}-{source}", derived=f"urn:{derived}", source=f"urn:{source}", kind=kind,
        rule=Rule.STATED, document="urn:doc",
    )  # fmt: skip


def audit(models: int) -> dict[str, object]:
    """Time the audit of a whole catalog."""
    say(f"writing {models:,} models")
    with catalog_of(models) as catalog:
        start = time.perf_counter()
        lineage, footprints = catalog.lineage, catalog.footprints
        loading = time.perf_counter() - start
        start = time.perf_counter()
        leakage = Leakage(catalog)
        report = leakage.report()
        found = time.perf_counter() - start
        start = time.perf_counter()
        for _ in report:
            pass
        rows = time.perf_counter() - start
        return {
            "models": models,
            "areas": len(footprints),
            "graph": repr(lineage),
            "loading graph and footprints, s": round(loading, 2),
            "audit, s": round(found, 2),
            "rows with their areas and shares, s": round(rows, 2),
            "rows": len(report),
            "not checked": len(report.unchecked),
            "tests": report.totals(),
        }


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--chips", type=int, default=500_000, help="test chips; there are twice as many to train on")
    parser.add_argument("--models", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there too")
    options = parser.parse_args()
    figures = {"pairs": pairs(options.chips, options.rounds), "audit": audit(options.models)}
    for part in figures.values():
        for name, value in part.items():
            print(f"{name:70}{value!s:>30}")
        print()
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
