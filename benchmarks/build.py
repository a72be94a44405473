"""Time STAC to lineage graph against bare JSON parsing and against the plain way, in one run.

    python benchmarks/build.py
    python benchmarks/build.py --items 10000 --large 100000 --rounds 3 --json figures.json

What is measured, and how to read it, is told in benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any, Final

import orjson
import pyoxigraph as ox

HERE: Final = Path(__file__).resolve()
ROOT: Final = HERE.parent.parent
COMMAND: Final = [sys.executable, "-m", "mlaoi_graph"]

# --- what runs in a process of its own, so that its memory is its own -----------------------------


def _files(folder: Path) -> Iterator[Path]:
    for here, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            yield Path(here, name)


def loads(folder: Path) -> dict[str, float]:
    """Parse every document and let it go; time the parser alone, and the reading of the files beside it."""
    parsing = reading = 0.0
    documents = 0
    clock = time.perf_counter
    for path in _files(folder):
        start = clock()
        data = path.read_bytes()
        read = clock()
        orjson.loads(data)
        parsing += clock() - read
        reading += read - start
        documents += 1
    return {"documents": documents, "seconds": parsing, "reading": reading}


def plain(folder: Path, out: Path) -> dict[str, float]:
    """Do what one would write in an afternoon: pystac objects, one rdflib graph in memory, an N-Triples file.

    It makes nearly the triples ``mlaoi-graph build`` makes of these documents, and nothing else of what that does:
    no named graphs, nothing resolved, no findings, no store.
    """
    import hashlib

    import pystac
    import shapely.geometry
    from rdflib import DCTERMS, RDF, RDFS, Graph, Literal, Namespace, URIRef
    from rdflib.namespace import GEO

    mlaoi = Namespace("https://w3id.org/mlaoi#")
    # Not by attribute: a Namespace is a str, and its `split` is a method.
    term = mlaoi.__getitem__
    graph = Graph()
    documents = 0

    def say(subject: URIRef, name: str, value: object) -> None:
        if value is not None:
            graph.add((subject, term(name), value if isinstance(value, URIRef) else Literal(str(value))))

    def area(iri: URIRef, geometry: Any, precision: str) -> None:
        graph.add((iri, RDF.type, term("AreaOfInterest")))
        say(iri, "precision", term(precision))
        shape = URIRef(f"{iri}-geometry")
        graph.add((iri, GEO.hasGeometry, shape))
        graph.add((iri, GEO.hasDefaultGeometry, shape))
        graph.add((shape, RDF.type, GEO.Geometry))
        graph.add((shape, GEO.asWKT, Literal(geometry.wkt, datatype=GEO.wktLiteral)))

    def name(iri: URIRef, kind: str, label: str | None, identifier: str) -> None:
        graph.add((iri, RDF.type, term(kind)))
        graph.add((iri, RDFS.label, Literal(label or identifier)))
        graph.add((iri, DCTERMS.identifier, Literal(identifier)))

    def twin(document: str, place: int, link: pystac.Link, facts: Mapping[str, Any], direct: str, kind: str) -> None:
        iri = URIRef(f"{document}#/links/{place}")
        graph.add((iri, RDF.type, term(kind)))
        about = {"statedIn": URIRef(document), "pointer": f"/links/{place}", "confidence": term("Verified")}
        published = {
            "rel": link.rel,
            "href": link.get_target_str(),
            "type": link.media_type,
            **link.extra_fields,
        }
        for key, value in {**about, **facts, "asPublished": json.dumps(published)}.items():
            say(iri, key, value)
        newer, older = list(facts.values())[:2]
        graph.add((newer, term(direct), older))

    stages = {
        "pretraining": "pretrainedOn",
        "finetuning": "finetunedOn",
        "validation": "validatedOn",
        "test": "testedOn",
    }
    splits = {"train": "trainedOn", "validate": "validatedOn", "test": "testedOn"}

    def sample(item: pystac.Item, iri: URIRef) -> None:
        place = URIRef(f"{iri}#area")
        area(place, shapely.geometry.shape(item.geometry or {}), "Samples")
        split = item.properties["ml-aoi:split"]
        name(place, "AreaOfInterest", item.extra_fields.get("title"), item.id)
        say(place, "startDate", item.properties.get("start_datetime", item.properties.get("datetime")))
        say(place, "endDate", item.properties.get("end_datetime", item.properties.get("datetime")))
        say(place, "split", split)
        for link in item.get_links("source"):
            say(place, "sourceImage", URIRef(str(link.get_target_str())))
        whole = URIRef(str(item.get_single_link("collection").get_target_str()))  # type: ignore[union-attr]
        if str(item.collection_id).endswith(split):
            say(whole, "footprint", place)
            return
        part = URIRef(f"{whole}/{split}")
        graph.add((part, RDF.type, term("Dataset")))
        graph.add((part, RDFS.label, Literal(f"{item.collection_id} ({split})")))
        say(part, "partOf", whole)
        say(part, "split", split)
        say(part, "footprint", place)

    def model(item: pystac.Item, iri: URIRef, document: str) -> None:
        fields = item.properties
        name(iri, "Model", fields["title"], item.id)
        graph.add((iri, DCTERMS.description, Literal(fields["description"])))
        for key in ("version", "license"):
            say(iri, key, fields[key])
        for key, field_name in (
            ("architecture", "mlm:architecture"),
            ("framework", "mlm:framework"),
            ("parameters", "mlm:total_parameters"),
        ):
            say(iri, key, fields[field_name])
        for task in fields["mlm:tasks"]:
            say(iri, "task", task)
        say(iri, "publisherName", fields["providers"][0]["name"])
        say(iri, "resolved", "true")
        for asset in item.assets.values():
            say(iri, "checksum", asset.extra_fields.get("file:checksum"))
        declared = URIRef(f"{iri}#declared-area")
        say(iri, "declaredArea", declared)
        area(declared, shapely.geometry.shape(item.geometry or {}), "DeclaredBox")
        for place, link in enumerate(item.links):
            if link.rel not in ("derived_from", "lineage:evaluated_on"):
                continue
            target = URIRef(str(link.get_target_str()))
            more = link.extra_fields
            facts: dict[str, Any]
            if "mlm:name" in more:
                kind = more.get("lineage:derivation", "derivedFromModel")
                facts = {
                    "ofDerived": iri,
                    "ofSource": target,
                    "derivationKind": term(kind),
                    "rule": term("Stated"),
                }
                direct = f"{kind}From" if kind != "derivedFromModel" else kind
                twin(document, place, link, facts, direct, "Derivation")
                continue
            split, stage = more.get("ml-aoi:split"), more.get("lineage:stage")
            direct = stages.get(str(stage), splits.get(str(split), "trainedOn"))
            facts = {
                "ofModel": iri,
                "ofDataset": target,
                "stage": term(direct),
                "rule": term("Stated"),
                "split": split,
            }
            twin(document, place, link, facts, direct, "DataUse")

    def collection(found: pystac.Collection, iri: URIRef, document: str) -> None:
        name(iri, "Dataset", found.title, found.id)
        graph.add((iri, DCTERMS.description, Literal(found.description)))
        say(iri, "license", found.license)
        say(iri, "resolved", "true")
        boxes = found.extent.spatial.bboxes
        extent = URIRef(f"{iri}#extent")
        say(iri, "footprint", extent)
        area(
            extent,
            shapely.MultiPolygon([shapely.box(w, s, e, n) for w, s, e, n in boxes[1:] or boxes]),
            "DeclaredBox",
        )
        for place, link in enumerate(found.links):
            if link.rel == "derived_from":
                target = URIRef(str(link.get_target_str()))
                facts = {
                    "ofDerived": iri,
                    "ofSource": target,
                    "derivationKind": term("Derived"),
                    "rule": term("Stated"),
                }
                twin(document, place, link, facts, "derivedFrom", "Derivation")

    for path in _files(folder):
        found = pystac.read_file(str(path))
        documents += 1
        # read_file makes the file's own path the self link, so the published one is asked for in another way.
        iri = URIRef(f"https://example.com/stac/{path.relative_to(folder).as_posix()}")
        document = f"https://w3id.org/mlaoi/local/documents/{path.relative_to(folder).as_posix()}"
        if isinstance(found, pystac.Item):
            if "mlm:name" in found.properties:
                model(found, iri, document)
            else:
                sample(found, iri)
        elif isinstance(found, pystac.Collection) and "ml-aoi:split" in found.summaries.to_dict():
            collection(found, iri, document)
        else:
            continue
        source = URIRef(document)
        graph.add((source, RDF.type, term("SourceDocument")))
        say(source, "describes", iri)
        say(source, "contentHash", "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest())
    graph.serialize(out, format="nt", encoding="utf-8")
    return {"documents": documents, "triples": len(graph)}


def record(folder: Path, store: Path, out: Path) -> dict[str, float]:
    """Ingest as ``build`` does, and write down the text that goes into the store, a chunk a line."""
    from mlaoi_graph.ingest import Ingest
    from mlaoi_graph.iri import DEFAULT_BASE
    from mlaoi_graph.model import SplitPolicy
    from mlaoi_graph.readers import find_reader
    from mlaoi_graph.stores.oxigraph import OxigraphStore

    class Recorder(OxigraphStore):
        def fill(self, chunks: Iterable[Mapping[str, str]]) -> None:
            with out.open("wb") as file:

                def recorded() -> Iterator[Mapping[str, str]]:
                    for chunk in chunks:
                        file.write(orjson.dumps(chunk, option=orjson.OPT_APPEND_NEWLINE))
                        yield chunk

                super().fill(recorded())

    ingest = Ingest(Recorder(store), DEFAULT_BASE, SplitPolicy.COMMON)
    report = ingest.run(str(folder), folder.name, find_reader(str(folder)))
    return {"documents": report.documents}


def fill(recorded: Path, store: Path) -> dict[str, float]:
    """Put recorded text into a new store, with no reader in the process."""
    from mlaoi_graph.stores.oxigraph import OxigraphStore

    def chunks() -> Iterator[Mapping[str, str]]:
        with recorded.open("rb") as file:
            for line in file:
                chunk = orjson.loads(line)
                del line  # as long as the chunk, and no part of what a store needs
                yield chunk

    start = time.perf_counter()
    OxigraphStore(store).fill(chunks())
    return {"seconds": time.perf_counter() - start}


@contextmanager
def _own_memory() -> Iterator[dict[str, float]]:
    """Yield what will hold the most memory, in MB, that was the process's own meanwhile, files' pages left out."""
    peak: dict[str, float] = {}
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
                if line.startswith("RssAnon:"):
                    peak["own_mb"] = max(peak.get("own_mb", 0.0), int(line.split()[1]) / 1e3)

    watching = threading.Thread(target=watch)
    if sys.platform == "linux":
        watching.start()
    try:
        yield peak
    finally:
        done.set()
        if sys.platform == "linux":
            watching.join()


def export(catalog: Path, out: Path) -> dict[str, float]:
    """Write the Turtle of a catalog, and have Oxigraph dump its default graph: seconds of processor time."""
    from mlaoi_graph import Catalog
    from mlaoi_graph.stores.oxigraph import OxigraphStore
    from mlaoi_graph.vocab import PREFIXES

    with Catalog.open(catalog) as opened:
        clock, cpu = time.perf_counter(), time.process_time()
        with _own_memory() as own:
            opened.export("turtle", out)
        written = own | {"seconds": time.perf_counter() - clock, "cpu_s": time.process_time() - cpu}
        assert isinstance(opened.store, OxigraphStore)
        clock, cpu = time.perf_counter(), time.process_time()
        dumped = out.with_name("dumped")
        opened.store.engine.dump(dumped, ox.RdfFormat.TURTLE, from_graph=ox.DefaultGraph(), prefixes=PREFIXES)
        engine = {"dump_seconds": time.perf_counter() - clock, "dump_cpu_s": time.process_time() - cpu}
    for name, path in (("triples", out), ("dump_triples", dumped)):
        engine[name] = sum(1 for _ in ox.parse(path=str(path), format=ox.RdfFormat.TURTLE))
    return written | engine


_PARTS: Final[Mapping[str, Callable[..., dict[str, float]]]] = {
    "loads": loads,
    "plain": plain,
    "record": record,
    "fill": fill,
    "export": export,
}

# --- the run --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Used:
    """What a process took."""

    seconds: float
    cpu_s: float
    """Of all its threads: what a busy machine makes longest, it changes least."""
    peak_mb: float


@dataclass
class Row:
    """One contestant's figures, a list entry a round."""

    name: str
    documents: int = 0
    used: list[Used] = field(default_factory=list)
    more: dict[str, float] = field(default_factory=dict)

    def median(self, figure: str) -> float:
        """Return the median of one figure of the rounds."""
        return median([float(getattr(used, figure)) for used in self.used])

    @property
    def rate(self) -> float:
        """Documents a second, median."""
        return self.documents / self.median("seconds")


def _run(command: list[str]) -> tuple[Used, str]:
    """Run a command and return what it took, and its stdout. Raises CalledProcessError."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as talk:
        start = time.perf_counter()
        # The package beside this file, whatever else is installed or lies where this was called.
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        process = subprocess.Popen(command, stdout=out, stderr=talk, cwd=ROOT, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        talk.seek(0)
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, command, stderr=talk.read().decode())
        unit = 1e6 if sys.platform == "darwin" else 1e3  # bytes there, kB here
        used = Used(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / unit)
        return used, out.read().decode()


def _part(name: str, *arguments: Path) -> tuple[Used, dict[str, float]]:
    used, out = _run([sys.executable, str(HERE), "--part", name, *map(str, arguments)])
    figures = json.loads(out)
    # Where a part times itself, start-up and reading are not its own.
    return replace(used, seconds=figures.get("seconds", used.seconds)), figures


_TRIPLES = "SELECT (COUNT(*) AS ?n) { ?s ?p ?o FILTER NOT EXISTS { ?s a <https://w3id.org/mlaoi#Reading> } }"


class Bench:
    """All contestants at one size."""

    def __init__(self, work: Path, items: int, models: int, seed: int, *, with_plain: bool) -> None:
        self.items, self.models = items, models
        self._work = work / str(items)
        self._folder = self._work / "made-up"
        self._with_plain = with_plain
        self._round = 0
        self.rows = {name: Row(name) for name in ("loads", "build", "again", "fill", "plain", "export", "dump")}
        if not with_plain:
            del self.rows["plain"]
        say(f"writing {items:,} items and {models:,} models")
        sizes = ["--items", str(items), "--models", str(models), "--seed", str(seed)]
        _run([sys.executable, str(HERE.with_name("generate.py")), str(self._folder), *sizes])
        self._recorded = self._work / "recorded"
        _part("record", self._folder, self._work / "recording", self._recorded)

    def round(self) -> None:
        """Run every contestant once."""
        self._round += 1
        catalog, stored = self._work / f"catalog-{self._round}", self._work / f"store-{self._round}"
        say(f"{self.items:,} items, round {self._round}")
        rows = self.rows
        used, figures = _part("loads", self._folder)
        rows["loads"].used.append(used)
        rows["loads"].more["reading_s"] = figures["reading"]
        for row in rows.values():
            row.documents = int(figures["documents"])
        for name in ("build", "again"):
            used, _ = _run([*COMMAND, "build", str(self._folder), "--to", str(catalog)])
            rows[name].used.append(used)
        used, figures = _part("export", catalog, self._work / "exported.ttl")
        rows["export"].used.append(replace(used, cpu_s=figures["cpu_s"]))
        rows["export"].more["own_mb"] = figures.get("own_mb", float("nan"))
        rows["dump"].used.append(Used(figures["dump_seconds"], figures["dump_cpu_s"], used.peak_mb))
        rows["export"].more["triples"], rows["dump"].more["triples"] = figures["triples"], figures["dump_triples"]
        used, _ = _part("fill", self._recorded, stored)
        rows["fill"].used.append(used)
        if self._with_plain:
            used, figures = _part("plain", self._folder, self._work / "plain.nt")
            rows["plain"].used.append(used)
            rows["plain"].more["triples"] = figures["triples"]
        if self._round == 1:
            _, out = _run([*COMMAND, "query", str(catalog), _TRIPLES, "--json"])
            rows["build"].more["triples"] = int(json.loads(out)["results"]["bindings"][0]["n"]["value"])
            rows["build"].more["disk_mb"] = sum(p.stat().st_size for p in _files(catalog / "store")) / 1e6
        shutil.rmtree(catalog)
        shutil.rmtree(stored)

    def ratio(self, faster: str, slower: str, figure: str = "seconds") -> float:
        """Return how many times as much one takes as the other: the median of the rounds' own ratios."""
        pairs = zip(self.rows[slower].used, self.rows[faster].used, strict=True)
        return median([float(getattr(slow, figure) / getattr(fast, figure)) for slow, fast in pairs])

    def figures(self) -> dict[str, Any]:
        """Return everything measured."""
        ratios = {"orjson.loads_to_build": 1 / self.ratio("loads", "build")}
        if self._with_plain:
            ratios["plain_to_build"] = self.ratio("build", "plain")
            ratios["plain_to_build_cpu"] = self.ratio("build", "plain", "cpu_s")
        return {
            "items": self.items,
            "models": self.models,
            "rows": {
                name: {
                    "documents": row.documents,
                    "documents_per_s": round(row.rate, 1),
                    "rounds": [{key: round(value, 3) for key, value in asdict(u).items()} for u in row.used],
                    **{key: round(value, 3) for key, value in row.more.items()},
                }
                for name, row in self.rows.items()
            },
            "ratios": {name: round(value, 3) for name, value in ratios.items()},
        }


_TOLD = {
    "loads": "orjson.loads, nothing else",
    "build": "mlaoi-graph build",
    "again": "  the same again, unchanged",
    "fill": "  the store alone, same text",
    "plain": "pystac, rdflib, N-Triples",
    "export": "export of Turtle",
    "dump": "  Oxigraph's own, all triples",
}


def say(text: str) -> None:
    """Print talk."""
    print(text, file=sys.stderr, flush=True)


def table(benches: list[Bench]) -> str:
    """Return the figures for people."""
    lines = [f"{'':30}{'items':>9}{'s':>9}{'CPU s':>9}{'documents/s':>13}{'peak MB':>9}{'triples':>11}"]
    for bench in benches:
        for name, row in bench.rows.items():
            triples = f"{row.more['triples']:,.0f}" if "triples" in row.more else ""
            lines.append(
                f"{_TOLD[name]:30}{bench.items:9,}{row.median('seconds'):9.2f}{row.median('cpu_s'):9.2f}"
                f"{row.rate:13,.0f}{row.median('peak_mb'):9.0f}{triples:>11}"
            )
    for bench in benches:
        lines.append("")
        if "plain" in bench.rows:
            times, cpu = bench.ratio("build", "plain"), bench.ratio("build", "plain", "cpu_s")
            lines.append(f"{bench.items:,} items: {times:.1f} times the plain way, {cpu:.1f} by CPU time (goal 10)")
        share = 1 / bench.ratio("loads", "build")
        lines.append(f"{bench.items:,} items: {share:.2f} of the rate of orjson.loads (goal: towards 0.5)")
        beyond = bench.rows["build"].median("peak_mb") - bench.rows["fill"].median("peak_mb")
        lines.append(f"{bench.items:,} items: {beyond:.0f} MB beyond the store's own (goal: the same at any size)")
        ours, engine = (row.more["triples"] / row.median("cpu_s") for row in (bench.rows["export"], bench.rows["dump"]))
        lines.append(f"{bench.items:,} items: {ours:,.0f} triples of Turtle a CPU second (goal 300,000)")
        lines.append(f"{bench.items:,} items: Oxigraph's own dump writes {engine:,.0f}")
        own = bench.rows["export"].more["own_mb"]
        lines.append(
            f"{bench.items:,} items: of the memory of an export {own:.0f} MB are its own, the rest pages of files"
        )
    return "\n".join(lines)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--items", type=int, default=10_000, help="size at which the plain way runs too")
    parser.add_argument("--large", type=int, metavar="ITEMS", help="a second size, without the plain way (minutes)")
    parser.add_argument("--models", type=int, help="models at each size; a twentieth of the items unless given")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there too")
    parser.add_argument("--part", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        name, *arguments = options.part
        print(json.dumps(_PARTS[name](*map(Path, arguments))))
        return
    with tempfile.TemporaryDirectory(prefix="mlaoi-bench-") as work:
        benches = [
            Bench(
                Path(work),
                items,
                items // 20 if options.models is None else options.models,
                options.seed,
                with_plain=items == options.items,
            )
            for items in (options.items, options.large)
            if items
        ]
        for _ in range(options.rounds):
            for bench in benches:
                bench.round()
        print(table(benches))
        if options.json:
            figures = {
                "processors": os.cpu_count(),
                "python": sys.version,
                "sizes": [b.figures() for b in benches],
            }
            options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
