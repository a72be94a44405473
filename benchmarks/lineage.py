"""Time the questions about lineage against networkx, rdflib and property paths in Oxigraph, in one run.

    python benchmarks/lineage.py                      # 5,000 models: a few minutes
    python benchmarks/lineage.py --models 100000      # builds the catalog first, which takes most of the time
    python benchmarks/lineage.py --catalog DIR        # a catalog that is there already

What is measured, and how to read it, is told in benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from random import Random
from statistics import median
from typing import Any, Final

import networkx as nx
import rdflib
from rdflib.plugins.sparql import prepareQuery

HERE: Final = Path(__file__).resolve()
ROOT: Final = HERE.parent.parent
sys.path.insert(0, str(ROOT))  # the package beside this file, whatever else is installed

from mlaoi_graph import Catalog  # noqa: E402
from mlaoi_graph.queries.columns import Columns  # noqa: E402
from mlaoi_graph.rdf import INFERRED_GRAPH  # noqa: E402
from mlaoi_graph.reasoning import RuleBase, asserted_edges, everything  # noqa: E402
from mlaoi_graph.stores.oxigraph import OxigraphStore  # noqa: E402
from mlaoi_graph.vocab import MLAOI, PREFIXES, RDF  # noqa: E402

MODEL_TO_MODEL: Final = (
    MLAOI.finetunedFrom, MLAOI.initializedFrom, MLAOI.distilledFrom, MLAOI.mergedFrom, MLAOI.quantizedFrom,
    MLAOI.usesComponent, MLAOI.derivedFromModel,
)  # fmt: skip
TEACHING: Final = (MLAOI.pretrainedOn, MLAOI.finetunedOn, MLAOI.instructionTunedOn, MLAOI.trainedOn)
FROM_DATA: Final = (MLAOI.derivedFrom, MLAOI.drawnFrom, MLAOI.labelledBy, MLAOI.madeFrom)


def _either(properties: Iterable[str]) -> str:
    return "(" + "|".join(f"<{iri}>" for iri in properties) + ")"


_PARENT: Final = _either(MODEL_TO_MODEL)
_PART: Final = f"<{MLAOI.partOf}>"
QUESTIONS: Final = {
    "ancestors": f"SELECT DISTINCT ?asked ?found {{ ?asked {_PARENT}+ ?found FILTER(?found != ?asked) }}",
    "descendants": f"SELECT DISTINCT ?asked ?found {{ ?found {_PARENT}+ ?asked FILTER(?found != ?asked) }}",
    "exposure": f"""SELECT DISTINCT ?asked ?found {{
        ?asked {_PARENT}*/{_either(TEACHING)}/(({_PART}*/<{MLAOI.derivedFrom}>)|^{_PART})* ?found }}""",
}
"""The same in property paths, without anything that was inferred."""
LOOK_UP: Final = f"SELECT DISTINCT ?asked ?found {{ ?asked <{MLAOI.exposedTo}> ?found }}"


class Plain:
    """The same edges in networkx, and what one would write to ask them."""

    def __init__(self, edges: Iterable[tuple[str, str, str]]) -> None:
        self.whole: nx.MultiDiGraph[str] = nx.MultiDiGraph()
        self.parents: nx.MultiDiGraph[str] = nx.MultiDiGraph()
        self.uses: nx.MultiDiGraph[str] = nx.MultiDiGraph()
        self.contents: nx.MultiDiGraph[str] = nx.MultiDiGraph()
        wholes: nx.DiGraph[str] = nx.DiGraph()
        for newer, predicate, older in edges:
            if predicate in MODEL_TO_MODEL:
                self.parents.add_edge(newer, older)
            elif predicate in TEACHING:
                self.uses.add_edge(newer, older)
            elif predicate == MLAOI.partOf:
                wholes.add_edge(newer, older)
                self.contents.add_edge(older, newer)
            elif predicate == MLAOI.derivedFrom:
                self.contents.add_edge(newer, older)
            if predicate in (*MODEL_TO_MODEL, *TEACHING, *FROM_DATA, MLAOI.partOf):
                self.whole.add_edge(newer, older, key=predicate)
        for part in wholes:
            for whole in nx.descendants(wholes, part):
                found = [o for o in self.contents.successors(whole) if not wholes.has_edge(o, whole)]
                self.contents.add_edges_from((part, source) for source in found)

    def ancestors(self, model: str) -> set[str]:
        return nx.descendants(self.parents, model) if model in self.parents else set()

    def descendants(self, model: str) -> set[str]:
        return nx.ancestors(self.parents, model) if model in self.parents else set()

    def exposure(self, model: str) -> set[str]:
        line = [m for m in (model, *self.ancestors(model)) if m in self.uses]
        used = {dataset for m in line for dataset in self.uses.successors(m)}
        return used.union(*(nx.descendants(self.contents, d) for d in used if d in self.contents))


def timed(asked: Sequence[Any], ask: Callable[[Any], Any]) -> tuple[dict[str, float], list[Any]]:
    """Return milliseconds, median and 95th percentile, by the clock and of processor time; and the answers.

    What is too slow for all is asked for 20 seconds, and once at least.
    """
    enough = time.perf_counter() + 20
    clock, used, answers = [], [], []
    for one in asked:
        if time.perf_counter() > enough and answers:
            break
        start, busy = time.perf_counter(), time.thread_time()
        answers.append(ask(one))
        used.append((time.thread_time() - busy) * 1e3)
        clock.append((time.perf_counter() - start) * 1e3)
    at = int(len(clock) * 0.95)
    figures = {"p50_ms": median(clock), "p95_ms": sorted(clock)[at]}
    figures |= {"cpu_p50_ms": median(used), "cpu_p95_ms": sorted(used)[at], "asked": len(answers)}
    return figures, answers


def took(work: Callable[[], Any]) -> tuple[dict[str, float], Any]:
    """Return seconds by the clock and of processor time; and what was made."""
    start, busy = time.perf_counter(), time.process_time()
    made = work()
    return {"s": time.perf_counter() - start, "cpu_s": time.process_time() - busy}, made


_OPENED: Final = """
import json, re, sys, time
from pathlib import Path
sys.path.insert(0, {root!r})
start, busy = time.perf_counter(), time.process_time()
from mlaoi_graph import Catalog
catalog = Catalog.open({directory!r})
if {from_graph!r}:
    from mlaoi_graph.queries import LineageGraph
    lineage = LineageGraph.from_store(catalog.store, find=catalog.find)
else:
    lineage = catalog.lineage
list(lineage.exposure(catalog.find({name!r})))
found = {{"s": time.perf_counter() - start, "cpu_s": time.process_time() - busy}}
status = Path("/proc/self/status")  # Linux; rusage would have the parent's memory in it
if status.exists():
    found["peak_mb"] = int(re.search(r"VmHWM:\\s*(\\d+)", status.read_text())[1]) / 1e3
print(json.dumps(found))
"""


def open_once(directory: Path, name: str, from_graph: bool) -> dict[str, float]:
    """Return seconds from before the first import to the first answer, in a process of its own."""
    code = _OPENED.format(root=str(ROOT), directory=str(directory), from_graph=from_graph, name=name)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True, cwd=ROOT)
    found: dict[str, float] = json.loads(done.stdout)
    return found


class Bench:
    """All questions on one catalog."""

    def __init__(self, directory: Path, sample: int, seed: int) -> None:
        self.catalog = Catalog.open(directory)
        self.directory = directory
        self.lineage = self.catalog.lineage
        self.random = Random(seed)
        self.models = sorted({q.subject.value for q in self.catalog.store.match(None, RDF.type, MLAOI.Model)})
        self.asked = self.random.sample(self.models, min(sample, len(self.models)))
        self.figures: dict[str, dict[str, float]] = {}

    def note(self, name: str, figures: dict[str, float]) -> None:
        """Keep figures, and show them."""
        self.figures[name] = figures
        print(f"{name:58}" + "".join(f"  {key} {value:,.3f}" for key, value in figures.items()), flush=True)

    def opening(self, rounds: int) -> None:
        name = self.lineage.label(self.asked[0])
        found = [open_once(self.directory, name, False) for _ in range(rounds)]
        self.note("open to first answer", {key: median(f[key] for f in found) for key in found[0]})
        self.note("open to first answer, without the file of edges", open_once(self.directory, name, True))

    def questions(self) -> None:
        edges = list(asserted_edges(self.catalog.store))
        plain_took, plain = took(lambda: Plain(edges))
        self.note("networkx: making the graph of edges read before", plain_took)
        graph = rdflib.Graph()
        rdflib_took, _ = took(lambda: [graph.add(tuple(map(rdflib.URIRef, e))) for e in edges if e[1] != RDF.type])
        self.note("rdflib: the same", rdflib_took)
        gc.collect()
        gc.freeze()  # millions of objects that stay would be gone through again while anybody answers
        ours: dict[str, Callable[[str], Any]] = {
            "ancestors": lambda m: {row.node for row in self.lineage.ancestors(m)},
            "descendants": lambda m: {row.node for row in self.lineage.descendants(m)},
            "exposure": lambda m: {row.dataset for row in self.lineage.exposure(m)},
        }
        for name, path in QUESTIONS.items():
            self.note(f"{name}: found", timed(self.asked, getattr(self.lineage, name))[0])
            figures, expected = timed(self.asked, ours[name])
            self.note(f"{name}: with every row made", figures)
            figures, found = timed(self.asked, getattr(plain, name))
            self.note(f"{name}: networkx", figures)
            _same(name, "networkx", expected, found)
            few = self.asked[:100]
            figures, found = timed(few, lambda m, path=path: self._oxigraph(path, m))
            self.note(f"{name}: Oxigraph, property path", figures)
            _same(name, "Oxigraph", expected, found)
            if name == "exposure":
                figures, found = timed(few, lambda m: self._oxigraph(LOOK_UP, m))
                self.note(f"{name}: Oxigraph, looked up in the inferred graph", figures)
                _same(name, "the inferred graph", expected, found)
            prepared = prepareQuery(path)
            few = self.asked[:20]
            figures, found = timed(few, lambda m, query=prepared: _rdflib(graph, query, m))
            self.note(f"{name}: rdflib, property path", figures)
            _same(name, "rdflib", expected, found)
        self._impact(plain)

    def _oxigraph(self, query: str, model: str) -> set[str]:
        rows: Any = self.catalog.store.query(query, substitutions={"asked": model}, prefixes=PREFIXES)
        return {row["found"].value for row in rows}

    def _impact(self, plain: Plain) -> None:
        used = Counter(dataset for _, dataset in plain.uses.edges())
        asked = max((d for d, _ in used.most_common(20)), key=lambda d: len(self.lineage.impact(d)))
        # Of answers this long only the length is kept: twenty of them would slow the next.
        figures, rows = timed([asked] * 20, lambda d: len(self.lineage.impact(d)))
        self.note(f"impact of the most used dataset: found ({rows[0]} rows)", figures)
        figures, _ = timed([asked] * 3, lambda d: len(list(self.lineage.impact(d))))
        self.note("impact: with every row made", figures)
        figures, nodes = timed([asked] * 20, lambda d: len(nx.ancestors(plain.whole, d)))
        self.note(f"impact: networkx, nx.ancestors alone ({nodes[0]} nodes)", figures)

    def explaining(self) -> None:
        found = [rows[-1] for rows in map(self.lineage.exposure, self.asked) if rows]
        figures, proofs = timed(found, lambda row: row.explain())
        self.note("explanation, the first time", {**figures, "steps": sum(map(len, proofs)) / len(proofs)})
        figures, _ = timed(found, lambda row: row.explain())
        self.note("explanation, again", figures)
        answers, _ = timed([row.model for row in found], lambda model: self.lineage.exposure(model)[-1])
        both = {"proof_by_answer": figures["cpu_p50_ms"] / answers["cpu_p50_ms"]}
        self.note("the answer it explains, and what the proof costs of that", {**answers, **both})

    def whole(self, work: Path) -> None:
        snapshot = self.directory / "snapshots" / str(self.catalog.snapshot)

        def infer() -> int:
            columns = Columns.open(snapshot.with_name(f"{snapshot.name}.lineage"))
            assert columns is not None
            base = RuleBase(columns.triples())
            return sum(len(base.exposure(model)) for model in self.models)

        figures, count = took(infer)
        self.note(f"exposure of the whole catalog, computed ({count} pairs)", figures)
        store = OxigraphStore(work / "inferred")

        def write() -> None:
            columns = Columns.open(snapshot.with_name(f"{snapshot.name}.lineage"))
            assert columns is not None
            texts = everything(self.catalog.store, columns.triples())
            store.fill({INFERRED_GRAPH: "".join(chunk)} for chunk in _chunks(texts, 4_000))

        figures, _ = took(write)
        self.note("all that is inferred, computed and on disk", {**figures, "triples": float(len(store))})
        store.close()


def _chunks(texts: Iterable[str], size: int) -> Iterable[list[str]]:
    chunk: list[str] = []
    for text in texts:
        chunk.append(text)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _rdflib(graph: rdflib.Graph, query: Any, model: str) -> set[str]:
    rows: Any = graph.query(query, initBindings={"asked": rdflib.URIRef(model)})
    return {str(row.found) for row in rows}


def _same(name: str, who: str, expected: Sequence[set[str]], found: Sequence[set[str]]) -> None:
    """Raise AssertionError unless the answers are the same: a time for another question says nothing."""
    for ours, theirs in zip(expected, found, strict=False):
        if ours != theirs:
            raise AssertionError(f"{name}: {who} differs: {sorted(ours ^ theirs)[:3]}")


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--models", type=int, default=5_000)
    parser.add_argument("--catalog", type=Path, metavar="DIR", help="ask this one and build none")
    parser.add_argument("--sample", type=int, default=1_000, help="models to ask about")
    parser.add_argument("--rounds", type=int, default=5, help="times the catalog is opened")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mlaoi-bench-") as folder:
        work = Path(folder)
        directory = options.catalog
        if directory is None:
            directory = work / "catalog"
            size = ["--items", str(options.models), "--models", str(options.models), "--form", "ndjson"]
            environment = {**os.environ, "PYTHONPATH": str(ROOT)}
            for command in (
                [str(HERE.with_name("generate.py")), str(work / "stac"), *size, "--seed", str(options.seed)],
                ["-m", "mlaoi_graph", "build", str(work / "stac"), "--to", str(directory)],
            ):
                subprocess.run([sys.executable, *command], check=True, stdout=sys.stderr, cwd=ROOT, env=environment)
        bench = Bench(directory, options.sample, options.seed)
        print(f"{bench.lineage!r}, {len(bench.models)} models, on {os.cpu_count()} processors")
        bench.opening(options.rounds)
        bench.explaining()
        bench.questions()
        bench.whole(work)
        unit = 1e6 if sys.platform == "darwin" else 1e3
        print(f"peak memory of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit:,.0f} MB")
        if options.json:
            options.json.write_text(json.dumps(bench.figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
