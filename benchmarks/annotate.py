"""How long `annotate` takes, against the time to copy and parse the same folder.

``python benchmarks/annotate.py [--items 10000] [--models 500]`` generates a catalog of files, builds it, annotates it,
and annotates the result again, which adds nothing.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from mlaoi_graph.catalog import Catalog


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--models", type=int, default=500)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "stac"
        size = ["--items", str(given.items), "--models", str(given.models)]
        subprocess.run([sys.executable, Path(__file__).with_name("generate.py"), source, *size], check=True)
        begun = time.perf_counter(), time.process_time()
        shutil.copytree(source, Path(folder) / "copy")
        for path in source.rglob("*.json"):
            json.loads(path.read_bytes())
        shown("copy and json.loads", begun)
        with Catalog.create(Path(folder) / "catalog") as catalog:
            begun = time.perf_counter(), time.process_time()
            catalog.ingest(source)
            shown("build", begun)
            begun = time.perf_counter(), time.process_time()
            found = catalog.annotate_stac(source, Path(folder) / "out")
            shown(f"annotate: {found.documents} of {found.documents + found.as_they_were} documents added to", begun)


def shown(what: str, begun: tuple[float, float]) -> None:
    print(f"{what:60} {time.perf_counter() - begun[0]:7.1f} s  CPU {time.process_time() - begun[1]:7.1f} s", flush=True)


if __name__ == "__main__":
    main()
