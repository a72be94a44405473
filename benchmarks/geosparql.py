"""GeoSPARQL with and without the footprint index, on one store of made-up areas.

::

    python benchmarks/geosparql.py                    # 1,000,000 areas: about two minutes
    python benchmarks/geosparql.py --areas 100000
    python benchmarks/geosparql.py --areas 100000 --parts   # what of a query with many candidates takes how long
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from statistics import median
from typing import cast

import pyoxigraph as ox

from mlaoi_graph.footprints import Footprints
from mlaoi_graph.geo.literals import WKT, geometry
from mlaoi_graph.geosparql.answering import query
from mlaoi_graph.results import Solutions
from mlaoi_graph.stores.oxigraph import OxigraphStore
from mlaoi_graph.vocab import GEO, MLAOI, PREFIXES, RDF

_AOIS_DEG = (0.05, 0.5, 2.0, 10.0, 30.0)
_ROWS_ALONE = "SELECT ?area {{ ?area geo:hasGeometry/geo:asWKT ?wkt }} LIMIT {rows}"
"""What so many rows cost without any filter."""
_COMPARED_DEG = 2.0
"""Without the index every geometry is looked at, whatever the area of interest: once is enough."""
_QUERIES = {
    "features": "SELECT ?area {{ ?area geo:hasGeometry/geo:asWKT ?wkt FILTER(geof:sfIntersects(?wkt, {aoi})) }}",
    "datasets": """SELECT ?data ?area {{ ?data mlaoi:footprint ?area . ?area geo:hasDefaultGeometry ?g .
        ?g geo:asWKT ?wkt FILTER(geof:sfWithin(?wkt, {aoi}) && ?data != <urn:none>) }}""",
}


def chunks(areas: int, seed: int) -> Iterator[Mapping[str, str]]:
    """Yield the triples of areas: chips of 0.01 to 0.1 degrees in clusters, a hundred to a dataset."""
    dice = random.Random(seed)
    lines: list[str] = []
    west, south = 0.0, 0.0
    for n in range(areas):
        if n % 100 == 0:
            west, south = dice.uniform(-170, 170), dice.uniform(-60, 75)
            if n % 50_000 == 0 and lines:
                yield {"urn:areas": "".join(lines)}
                lines = []
        w, s = round(west + dice.uniform(0, 3), 5), round(south + dice.uniform(0, 3), 5)
        e, n_ = round(w + dice.uniform(0.01, 0.1), 5), round(s + dice.uniform(0.01, 0.1), 5)
        wkt = f"POLYGON (({w} {s}, {e} {s}, {e} {n_}, {w} {n_}, {w} {s}))"
        area, geometry = f"<urn:area:{n}>", f"<urn:geometry:{n}>"
        lines += [
            f"<urn:data:{n // 100}> <{MLAOI.footprint}> {area} .\n",
            f"{area} <{RDF.type}> <{MLAOI.AreaOfInterest}> .\n",
            f"{area} <{GEO.hasGeometry}> {geometry} .\n",
            f"{area} <{GEO.hasDefaultGeometry}> {geometry} .\n",
            f'{geometry} <{GEO.asWKT}> "{wkt}"^^<{GEO.wktLiteral}> .\n',
        ]
    yield {"urn:areas": "".join(lines)}


def parts(store: OxigraphStore, footprints: Footprints, aoi: str, extra: int) -> None:
    """Print what a candidate costs, in the engine and in all, by ways to hand the candidates over."""
    rows = footprints.near(geometry(ox.Literal(aoi.split('"')[1], datatype=WKT)))
    names = {
        name: sorted({piece.decode() for piece in footprints._mapped.pieces(name, rows)})
        for name in ("area", "geometry")
    }
    literals = [str(ox.Literal(wkt, datatype=WKT)) for wkt in sorted({*footprints.wkts(rows)})]
    wkts = f"VALUES ?wkt {{ {' '.join(literals)} }}"
    short = wkts.replace(f"<{GEO.wktLiteral}>", "geo:wktLiteral")
    areas, geometries = (f"VALUES ?{n[0]} {{ {' '.join(f'<{iri}>' for iri in iris)} }}" for n, iris in names.items())
    triples, where = "?area geo:hasGeometry/geo:asWKT ?wkt", f"FILTER(geof:sfIntersects(?wkt, {aoi}))"
    steps = "?a geo:hasGeometry ?g . ?g geo:asWKT ?wkt"
    ways = {
        "rows alone": f"SELECT ?area {{ {triples} }} LIMIT {len(rows)}",
        "the list alone": f"SELECT ?wkt {{ {wkts} }}",
        "and what has it": f"SELECT ?g {{ ?g geo:asWKT ?wkt {wkts} }}",
        "without the filter": f"SELECT ?area {{ {triples} {wkts} }}",
        "as it is": f"SELECT ?area {{ {triples} {wkts} {where} }}",
        "types in short": f"SELECT ?area {{ {triples} {short} {where} }}",
        "the list first": f"SELECT ?area {{ {wkts} {triples} {where} }}",
        "geometries": f"SELECT ?a {{ {steps} {geometries} {where} }}",
        "areas": f"SELECT ?a {{ {steps} {areas} {where} }}",
    }
    print(f"{len(rows):,} candidates; us a candidate:")
    runs = {name: lambda text=text: sum(1 for _ in store.query(text, prefixes=PREFIXES)) for name, text in ways.items()}
    runs["all of it"] = lambda: sum(
        1 for _ in query(store, f"SELECT ?area {{ {triples} {where} }}", {}, lambda: footprints)
    )
    for name, run in runs.items():
        print(f"  {name:20}{timed(run, extra)[0] / len(rows) * 1e6:6.1f}", flush=True)


def box(lon: float, lat: float, degrees: float) -> str:
    """Return a square around a position, as a literal."""
    w, s = round(lon - degrees / 2, 3), round(max(lat - degrees / 2, -90), 3)
    e, n = round(lon + degrees / 2, 3), round(min(lat + degrees / 2, 90), 3)
    return f'"POLYGON (({w} {s}, {e} {s}, {e} {n}, {w} {n}, {w} {s}))"^^geo:wktLiteral'


def timed(run: Callable[[], int], least: int, seconds: float = 2.0) -> tuple[float, int]:
    """Return the median processor time of some runs, and what they gave."""
    times: list[float] = []
    while len(times) < least or (sum(times) < seconds and len(times) < 50):
        start = time.process_time()
        given = run()
        times.append(time.process_time() - start)
    return median(times), given


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--areas", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--parts", action="store_true", help="what of a query takes how long, and nothing else")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there too")
    options = parser.parse_args()
    figures = []
    with tempfile.TemporaryDirectory(prefix="mlaoi-bench-") as work:
        store = OxigraphStore(Path(work) / "store")
        start = time.perf_counter()
        store.fill(chunks(options.areas, options.seed))
        print(f"{options.areas:,} areas stored in {time.perf_counter() - start:.0f} s", file=sys.stderr)
        start = time.perf_counter()
        footprints = Footprints.of(store, Path(work) / "footprints", "bench")
        print(f"index made in {time.perf_counter() - start:.0f} s", file=sys.stderr)

        def ask(sparql: str, *, index: bool) -> int:
            answer = query(store, sparql, {}, lambda: footprints if index else None)
            assert isinstance(answer, Solutions)
            rows = sum(1 for _ in answer)
            assert answer.index is not None
            assert answer.index.used == index, answer.index.reason
            return rows

        def plain(rows: int) -> int:
            return sum(1 for _ in cast("Solutions", query(store, _ROWS_ALONE.format(rows=rows), {})))

        # In the middle of the first data set.
        dice = random.Random(options.seed)
        lon, lat = dice.uniform(-170, 170) + 1.5, dice.uniform(-60, 75) + 1.5
        if options.parts:
            parts(store, footprints, box(lon, lat, 2 * _AOIS_DEG[-1]), 7)
            return
        print(
            f"{'query':10}{'AOI, degrees':>13}{'rows':>9}{'index ms':>10}{'rows ms':>9}{'without ms':>12}{'times':>9}"
        )
        for name, template in _QUERIES.items():
            sparql = {degrees: template.format(aoi=box(lon, lat, degrees)) for degrees in _AOIS_DEG}
            slow, same = timed(lambda text=sparql[_COMPARED_DEG]: ask(text, index=False), 2, 0)
            for degrees, text in sparql.items():
                fast, rows = timed(lambda text=text: ask(text, index=True), 5)
                assert degrees != _COMPARED_DEG or rows == same, "the answers differ"
                alone, _ = timed(lambda rows=rows: plain(rows), 5)
                figures.append(
                    {
                        "query": name,
                        "degrees": degrees,
                        "rows": rows,
                        "index_s": fast,
                        "rows_s": alone,
                        "without_s": slow,
                    }
                )
                print(
                    f"{name:10}{degrees:13}{rows:9,}{fast * 1e3:10.2f}{alone * 1e3:9.2f}"
                    f"{slow * 1e3:12,.0f}{slow / fast:9,.0f}",
                    flush=True,
                )
    if options.json:
        options.json.write_text(
            json.dumps({"areas": options.areas, "rows": figures}, indent=2) + "\n", encoding="utf-8"
        )


if __name__ == "__main__":
    main()
