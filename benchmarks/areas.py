"""Time questions about places against a SPARQL filter without an index and against shapely's STRtree, in one run.

    python benchmarks/areas.py
    python benchmarks/areas.py --areas 1000000 --models 100000 --catalog DIR --json figures.json

The data are those of generate.py, put into the store directly. What is measured is told in benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import shapely
from generate import SPLITS, chips, datasets, families, shares

from mlaoi_graph import rdf
from mlaoi_graph.catalog import Catalog, _Writer
from mlaoi_graph.footprint_arrays import updated
from mlaoi_graph.footprints import Footprints
from mlaoi_graph.geo.index import Index
from mlaoi_graph.geo.mapped import Mapped, write
from mlaoi_graph.model import AreaOfInterest, Dataset, DataUse, Model, ModelFamily, Precision, Rule, Stage
from mlaoi_graph.queries.coverage import coverage
from mlaoi_graph.vocab import GEO

BASE = "https://example.com/stac/"
STAGES = {"train": Stage.TRAINING, "validate": Stage.VALIDATION, "test": Stage.TEST}


def statements(areas: int, models: int, seed: int) -> Iterator[dict[str, str]]:
    """Yield the graph in chunks: a document for each dataset, one for each family."""
    random = Random(seed)
    made = datasets(areas)
    for dataset, count in zip(made, shares(areas, len(made), 0.6), strict=True):
        document = f"{BASE}documents/{dataset.name}"
        whole = f"{BASE}{dataset.name}"
        found: list[Any] = [Dataset(iri=whole, label=dataset.name, resolved=True)]
        found += [
            Dataset(
                iri=f"{whole}/{split}", label=f"{dataset.name} {split}", split=split, part_of=(whole,), resolved=True
            )
            for split in SPLITS
        ]
        for number, (_, split, box) in enumerate(chips(dataset, count, random)):
            w, e = (box.west - 360, box.east - 360) if box.west >= 180 else (box.west, min(box.east, 180.0))
            iri = f"{whole}/items/{number}#area"
            wkt = f"POLYGON (({w} {box.south}, {e} {box.south}, {e} {box.north}, {w} {box.north}, {w} {box.south}))"
            moment = f"20{17 + number % 8}-06-01T10:00:00Z"
            found.append(
                AreaOfInterest(iri=iri, precision=Precision.SAMPLES, wkt=wkt, start=moment, end=moment, split=split)
            )
            found.append(Dataset(iri=f"{whole}/{split}", footprints=(iri,)))
        yield {document: rdf.encode(found)}
    for family in families(models):
        document = f"{BASE}documents/{family.name}"
        iri = f"{BASE}{family.name}"
        found = [ModelFamily(iri=iri, label=family.name)]
        for number in range(family.size):
            name = family.model(number)
            found.append(Model(iri=f"{BASE}{name}", label=name, family=iri, resolved=True))
            for _ in range(random.choice((1, 1, 2))):
                dataset = made[int(len(made) * random.random() ** 2)]
                found += [
                    DataUse(
                        iri=f"{BASE}{name}#{dataset.name}-{split}", model=f"{BASE}{name}",
                        dataset=f"{BASE}{dataset.name}/{split}", stage=stage, rule=Rule.SPLIT_LINK, document=document,
                    )
                    for split, stage in STAGES.items()
                ]  # fmt: skip
        yield {document: rdf.encode(found)}


def grouped(chunks: Iterator[dict[str, str]], size: int = 20_000_000) -> Iterator[dict[str, str]]:
    group: dict[str, str] = {}
    length = 0
    for chunk in chunks:
        group |= chunk
        length += sum(map(len, chunk.values()))
        if length >= size:
            yield group
            group, length = {}, 0
    yield group


def timed(what: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    found = what()
    return time.perf_counter() - start, found


def asked_about(index: Index, count: int, random: Random) -> list[Any]:
    """Return boxes and circles of very different size around places where there is something."""
    found = []
    while len(found) < count:
        w, s, e, n = index.bounds(np.array([random.randrange(len(index))]))[0].tolist()
        half = 10 ** random.uniform(-2.3, 0.3)
        x, y = (w + e) / 2, (s + n) / 2
        if abs(x) + half < 180 and abs(y) + half < 85:
            found.append(
                shapely.box(x - half, y - half, x + half, y + half)
                if len(found) % 2
                else shapely.Point(x, y).buffer(half)
            )
    return found


def followed(catalog: Catalog, directory: Path) -> tuple[float, float]:
    """Return what it takes to bring the index to a state in which three documents, of a dataset each, are gone.

    In the graph they stay: all their areas are looked up again, and found as they were.
    """
    documents = [document for document in catalog.store.graphs() if "/documents/" in document][:3]
    (path,) = (directory / "snapshots").glob("*.footprints")
    old = Mapped(path)
    cpu = time.process_time()
    seconds, arrays = timed(partial(updated, old, catalog.store, catalog.store, None, documents))
    seconds += timed(partial(write, directory / "again.footprints", arrays))[0]
    cpu = time.process_time() - cpu
    (directory / "again.footprints").unlink()
    assert all(np.array_equal(array, old.whole(name)) for name, array in arrays.items())
    return seconds, cpu


FIRST = """
import sys, time
start = time.perf_counter()
from mlaoi_graph import Catalog
catalog = Catalog.open(sys.argv[1])
before = time.perf_counter()
footprints = catalog.footprints
opened = time.perf_counter()
hits = catalog.models(tested_in=sys.argv[2])
found = len(hits)
print(time.perf_counter() - start, opened - before, time.perf_counter() - opened, time.process_time())
"""


def run(directory: Path, areas: int, models: int, questions: int, seed: int, keep_index: bool) -> dict[str, Any]:
    figures: dict[str, Any] = {"areas": areas, "models": models}
    if not (directory / "manifest.json").exists():
        with Catalog.create(directory, base=BASE) as catalog, _Writer(catalog) as writer:
            seconds, _ = timed(lambda: writer.store.fill(grouped(statements(areas, models, seed))))
            writer.publish(None)
        figures["fill the store, s"] = seconds
    if not keep_index:
        for path in (directory / "snapshots").glob("*.footprints"):
            path.unlink()
    with Catalog.open(directory) as catalog:
        cpu = time.process_time()
        figures["make the index, s"], footprints = timed(lambda: catalog.footprints)
        figures["make the index, CPU s"] = time.process_time() - cpu
        (path,) = (directory / "snapshots").glob("*.footprints")
        figures["index, MB"] = path.stat().st_size / 1e6
        index = footprints.index
        random = Random(seed)
        places = asked_about(index, questions, random)

        first = []
        # An installed package has its byte code; what forbids writing it here would have it compiled each time.
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        for place in places[:7]:
            box = ",".join(map(str, place.bounds))
            out = subprocess.run(
                [sys.executable, "-c", FIRST, str(directory), box], capture_output=True, text=True, check=True,
                env=environment,
            )  # fmt: skip
            first.append([float(number) for number in out.stdout.split()])
        total, opened, answer, cpu = np.median(np.array(first), axis=0)
        figures["import to first answer, s"] = total
        figures["start of the process to first answer, CPU s"] = cpu
        figures["open the index with what that imports, ms"] = opened * 1e3
        figures["open the index, ms"] = 1e3 * min(timed(lambda: Footprints(Mapped(path)))[0] for _ in range(5))
        figures["first answer after that, ms"] = answer * 1e3

        everything = np.arange(len(index))
        shapes = index.geometries(everything)
        figures["STRtree, built, s"], tree = timed(lambda: shapely.STRtree(shapes))
        tree.query(shapes[0])
        rows: dict[str, list[float]] = {
            name: [] for name in ("search", "STRtree", "models", "models, CPU", "rows", "found", "hits")
        }
        for place in places:
            seconds, found = timed(partial(index.search, place))
            rows["search"].append(seconds)
            seconds, other = timed(partial(tree.query, place, "intersects"))
            rows["STRtree"].append(seconds)
            cpu = time.process_time()
            seconds, hits = timed(partial(catalog.models, tested_in=place))
            rows["models"].append(seconds)
            rows["models, CPU"].append(time.process_time() - cpu)
            rows["rows"].append(seconds + timed(partial(list, hits))[0])
            rows["found"].append(len(found))
            rows["hits"].append(len(hits))
            assert len(found) <= len(other)
        table = {name: np.array(values) for name, values in rows.items()}
        for label, chosen in {
            "up to 1,000 areas found": table["found"] <= 1000,
            "up to 1,000 hits": table["hits"] <= 1000,
            "all": table["found"] >= 0,
        }.items():
            figures[label] = {
                "questions": int(chosen.sum()),
                "areas found, median": float(np.median(table["found"][chosen])),
                "hits, median": float(np.median(table["hits"][chosen])),
                **{
                    f"{name}, ms, p50 and p95": (np.percentile(table[name][chosen], [50, 95]) * 1e3).round(3).tolist()
                    for name in ("search", "STRtree", "models", "models, CPU", "rows")
                },
            }

        for name, box in {"small": "5,45,10,48", "large": "-10,35,30,60"}.items():
            seconds, covered = timed(partial(coverage, catalog.places, "trained", box))
            seconds += timed(lambda covered=covered: (covered.models(), covered.countries(), covered.by_precision()))[0]
            figures[f"coverage of a {name} area, s"], figures[f"uses in it, {name}"] = seconds, len(covered.here)

        query = f"""PREFIX geof: <http://www.opengis.net/def/function/geosparql/>
            SELECT (COUNT(*) AS ?n) {{ ?g <{GEO.asWKT}> ?w
                FILTER(geof:sfIntersects(?w, "{places[1].wkt}"^^<{GEO.wktLiteral}>)) }}"""
        seconds, answer = timed(lambda: [row["n"].value for row in catalog.store.query(query)])
        figures["SPARQL filter without index, s"] = seconds
        figures["SPARQL filter found"] = int(answer[0])
        figures["the same by models(), ms"] = 1e3 * min(
            timed(lambda: catalog.models(tested_in=places[1]))[0] for _ in range(5)
        )
        figures["ratio"] = seconds * 1e3 / figures["the same by models(), ms"]

        figures["follow a change of three documents, s"], figures["the same, CPU s"] = followed(catalog, directory)

        half = everything[: len(everything) // 2]
        some = shapely.transform(shapes[half], lambda lonlat: lonlat + 0.003)
        other_index = Index.of(some)
        figures["join, candidates, s"], pairs = timed(lambda: index.join_candidates(other_index))
        figures["join, pairs, s"], pairs = timed(lambda: index.join(other_index))
        figures["pairs"] = len(pairs[0])
        figures["km2 of all pairs, s"], _ = timed(lambda: index.overlap_km2(pairs[0], other_index, pairs[1]))
        figures["join, bare STRtree, s"], _ = timed(lambda: tree.query(some))
        figures["join, STRtree with intersects, s"], _ = timed(lambda: tree.query(some, "intersects"))
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--areas", type=int, default=1_000_000)
    parser.add_argument("--models", type=int, default=100_000)
    parser.add_argument("--questions", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep-index", action="store_true", help="Do not make the index of --catalog again.")
    parser.add_argument("--catalog", type=Path, help="Directory to keep the catalog in, or to take it from.")
    parser.add_argument("--json", type=Path, help="Write the figures to a file as well.")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        directory = arguments.catalog or Path(temporary) / "catalog"
        figures = run(
            directory, arguments.areas, arguments.models, arguments.questions, arguments.seed, arguments.keep_index
        )
    text = json.dumps(figures, indent=2)
    print(text)
    if arguments.json:
        arguments.json.write_text(text + "\n")


if __name__ == "__main__":
    main()
