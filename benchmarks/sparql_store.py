"""What a catalog costs on a SPARQL server, beside the same catalog in a directory.

    python benchmarks/sparql_store.py /tmp/lineage http://127.0.0.1:7878/query http://127.0.0.1:8890/sparql

Each place has to be empty, and is left with the shipped families in it. Who may write where comes from the environment:
MLAOI_SPARQL_UPDATE_1 for the first address, MLAOI_SPARQL_USER_1 and so on (docs/sparql-store.md). Medians.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import mlaoi_graph
from mlaoi_graph.catalog import Catalog

PACKAGE = Path(mlaoi_graph.__file__).parent
BASE = "https://w3id.org/mlaoi/families/"
NAMES = ("UPDATE", "TOKEN", "USER", "PASSWORD")
# What keeping the merge saves: the same join over the documents' graphs, each triple once.
MERGE = "SELECT ?m ?d ?l { ?m mlaoi:trainedOn ?d . ?d rdfs:label ?l }"
GRAPHS = "SELECT DISTINCT ?m ?d ?l { GRAPH ?a { ?m mlaoi:trainedOn ?d } GRAPH ?b { ?d rdfs:label ?l } }"


def main(places: list[str]) -> None:
    given = dict(os.environ)
    addresses = 0
    for place in places:
        if place.startswith("http"):
            addresses += 1
            for name in NAMES:
                value = given.get(f"MLAOI_SPARQL_{name}_{addresses}")
                os.environ.pop(f"MLAOI_SPARQL_{name}", None)
                if value is not None:
                    os.environ[f"MLAOI_SPARQL_{name}"] = value
        print(place)
        measure(place)


def measure(place: str) -> None:
    with Catalog.create(place, base=BASE) as catalog:
        timed("first build", lambda: catalog.ingest(PACKAGE / "families"), 1)
        timed("build again, nothing new", lambda: catalog.ingest(PACKAGE / "families"), 3)
        model = catalog.find("geochat-7b")
        for question, variable in (("03-exposure", "model"), ("03-lineage", "start"), ("08-licences", "model")):
            text = next((PACKAGE / "queries/questions").glob(f"{question}*.rq")).read_text(encoding="utf-8")
            timed(question, lambda text=text, variable=variable: list(catalog.query(text, **{variable: model})), 20)
        timed("describe", lambda: catalog.describe(model), 5)
        timed("load the lineage", lambda: (setattr(catalog, "_lineage", None), catalog.lineage.exposure(model)), 3)
        timed("a join over the merge", lambda: list(catalog.query(MERGE)), 5)
        timed("the same over the graphs", lambda: list(catalog.query(GRAPHS)), 5)


def timed(what: str, run: Callable[[], object], times: int) -> None:
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    print(f"  {what:<26} {statistics.median(seconds) * 1000:10.1f} ms", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
