"""Stores: the shared suite on the built-in ones, opening by name, and what only a disk can get wrong."""

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import pyoxigraph as ox
import pytest

from mlaoi_graph.errors import CatalogLocked, StoreError, UnknownFormat
from mlaoi_graph.stores import Store, open_store, store_names
from mlaoi_graph.stores.oxigraph import OxigraphStore
from mlaoi_graph.testing import StoreSuite

DOC = "https://example.org/doc/"
TRIPLE = "<urn:s> <urn:p> <urn:o> .\n"


class TestMemory(StoreSuite):
    @pytest.fixture
    def store(self) -> Iterator[Store]:
        with contextlib.closing(open_store("memory")) as store:
            yield store


class TestOxigraph(StoreSuite):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Store]:
        with contextlib.closing(open_store("oxigraph", tmp_path / "store")) as store:
            yield store
        # Whatever a test did, no fill is left marked as running.
        assert [path.name for path in tmp_path.iterdir()] == ["store"]


class _Longest:
    """The longest of some texts."""

    def __init__(self) -> None:
        self.longest = ""

    def accumulate(self, element: ox.Literal) -> None:
        self.longest = max(self.longest, element.value, key=len)

    def finish(self) -> ox.Literal:
        return ox.Literal(self.longest)


def test_functions_and_aggregates_of_ours_are_called():
    """Not in the suite: a store that is not local leaves them out."""
    with contextlib.closing(open_store("memory")) as store:
        store.replace({f"{DOC}a": '<urn:s> <urn:p> "a", "bcd" .\n'.replace(', "', ' .\n<urn:s> <urn:p> "')})
        given = {
            "functions": {"urn:twice": lambda term: ox.Literal(term.value * 2)},
            "aggregates": {"urn:longest": _Longest},
        }
        (row,) = store.query("SELECT (<urn:twice>(<urn:longest>(?o)) AS ?long) { ?s ?p ?o }", **given)
        assert row["long"].value == "bcdbcd"
        (row,) = store.query("SELECT (<urn:none>(1) AS ?x) {}", functions={"urn:none": lambda _: None})
        assert row["x"] is None


# By name


def test_stores_are_known_by_name():
    assert store_names() == ["memory", "oxigraph", "sparql"]


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(UnknownFormat, match=r"no store called 'oxygraph'\. Known: memory, oxigraph, sparql"):
        open_store("oxygraph")


def test_stores_of_other_packages_are_found_by_entry_point_and_cannot_take_a_built_in_name(monkeypatch):
    here = "mlaoi_graph.stores.oxigraph:open_memory"
    group = "mlaoi_graph.stores"
    plugins = EntryPoints([EntryPoint("mine", here, group), EntryPoint("oxigraph", here, group)])
    monkeypatch.setattr("importlib.metadata.entry_points", lambda *, group: plugins.select(group=group))
    assert store_names() == ["memory", "mine", "oxigraph", "sparql"]
    assert isinstance(open_store("mine", "anywhere"), OxigraphStore)
    with pytest.raises(StoreError, match="needs a directory"):
        open_store("oxigraph")


def test_a_memory_store_cannot_be_read_only():
    with pytest.raises(StoreError, match="nothing to read"):
        open_store("memory", read_only=True)


# On disk


def test_reopening_keeps_everything(tmp_path):
    with contextlib.closing(OxigraphStore(tmp_path / "store")) as store:
        store.fill([{f"{DOC}{i}": "<urn:s> <urn:p> <urn:o> .\n"} for i in range(3)])
        store.replace({DOC + "0": "", DOC + "3": '<urn:s> <urn:p> "3" .\n'}, append={DOC + "log": TRIPLE})
        before = set(store.match())
    with contextlib.closing(open_store("oxigraph", str(tmp_path / "store"))) as store:
        assert set(store.match()) == before
        assert set(store.graphs()) == {DOC + name for name in ("1", "2", "3", "log")}
        assert [row["n"].value for row in store.query("SELECT (COUNT(*) AS ?n) { ?s ?p ?o }")] == ["2"]


def test_one_writer(tmp_path):
    path = tmp_path / "store"
    with contextlib.closing(OxigraphStore(path)) as store:
        with pytest.raises(CatalogLocked) as locked:
            OxigraphStore(path)
        assert locked.value.path == str(path)
        with contextlib.chdir(tmp_path), pytest.raises(CatalogLocked):  # by another name of it
            OxigraphStore(Path("store"))
        other = _python("try: OxigraphStore(path)\nexcept CatalogLocked as error: print(error.path)", path)
        assert other.communicate() == (f"{path}\n", "")
        store.replace({DOC: TRIPLE})
    OxigraphStore(path).close()


def test_what_is_no_store_is_a_store_error(tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "CURRENT").write_text("x")
    for path in ("file", "damaged", "no/parent"):
        with pytest.raises(StoreError, match=path):
            OxigraphStore(tmp_path / path)
    with pytest.raises(StoreError, match="missing"):
        OxigraphStore(tmp_path / "missing", read_only=True)


def test_a_snapshot_is_read_by_another_process_while_the_writer_goes_on(tmp_path):
    with contextlib.closing(OxigraphStore(tmp_path / "store")) as store:
        store.replace({f"{DOC}{i}": TRIPLE for i in range(100)})
        store.snapshot(tmp_path / "snapshot")
        reader = _python(
            """
            store = OxigraphStore(path, read_only=True)
            for line in sys.stdin:
                print(len(store), set(store.graphs()) == {f"{DOC}{i}" for i in range(100)}, flush=True)
            """,
            tmp_path / "snapshot",
        )
        for i in range(50):
            store.replace({f"{DOC}{i}": "", f"{DOC}new{i}": TRIPLE, f"{DOC}99": f'<urn:s> <urn:p> "{i}" .\n'})
            reader.stdin.write("\n")
            reader.stdin.flush()
            assert reader.stdout.readline() == "100 True\n"
        assert reader.communicate() == ("", "")

        with pytest.raises(StoreError, match="snapshot"):
            store.snapshot(tmp_path / "snapshot")
        store.snapshot(tmp_path / "second")
        with contextlib.closing(OxigraphStore(tmp_path / "second", read_only=True)) as second:
            assert set(second.match()) == set(store.match())


def test_a_store_open_to_read_only_refuses_to_write(tmp_path):
    with contextlib.closing(OxigraphStore(tmp_path / "store")) as store:
        store.snapshot(tmp_path / "snapshot")
    with contextlib.closing(OxigraphStore(tmp_path / "snapshot", read_only=True)) as store:
        for write in (
            lambda: store.replace({DOC: TRIPLE}),
            lambda: store.replace({}),
            lambda: store.fill([]),
        ):
            with pytest.raises(StoreError, match="read only"):
                write()


def test_a_store_in_memory_has_no_snapshot(tmp_path):
    with pytest.raises(StoreError, match="in-memory"):
        OxigraphStore().snapshot(tmp_path / "snapshot")


@pytest.mark.parametrize("acknowledged", [1, 20, 150])
def test_sigkill_while_replacing_loses_and_halves_nothing(tmp_path, acknowledged):
    writer = _python(
        """
        store = OxigraphStore(path)
        for i in itertools.count():
            text = "".join(f'<urn:s{i}> <urn:p{j}> "{i}" .\\n' for j in range(200))
            log = {f"{DOC}log": f'<urn:log> <urn:read> "{i}" .\\n'}
            store.replace({f"{DOC}{i}": text, f"{DOC}{i - 10}": ""}, append=log)
            print(i, flush=True)
        """,
        tmp_path / "store",
    )
    for _ in range(acknowledged):
        writer.stdout.readline()
    os.kill(writer.pid, signal.SIGKILL)
    rest, stderr = writer.communicate()
    assert stderr == ""
    last = acknowledged - 1 + len(rest.splitlines())

    with contextlib.closing(OxigraphStore(tmp_path / "store")) as store:
        logged = {int(quad.object.value) for quad in store.match(graph=f"{DOC}log")}
        # The step after the last acknowledged one may have happened, whole.
        assert logged in (set(range(last + 1)), set(range(last + 2)))
        kept = range(max(0, max(logged) - 9), max(logged) + 1)
        assert set(store.graphs()) == {f"{DOC}log", *(f"{DOC}{i}" for i in kept)}
        for i in kept:
            assert {quad.object.value for quad in store.match(graph=f"{DOC}{i}")} == {str(i)}
            assert len(list(store.match(graph=f"{DOC}{i}"))) == 200
        merged = store.query("SELECT (COUNT(*) AS ?n) { ?s ?p ?o }")
        assert [row["n"].value for row in merged] == [str(len(store))]
        store.replace({DOC: TRIPLE})
        assert store.has_graph(DOC)


@pytest.mark.parametrize("chunks", [0, 1, 5])
def test_sigkill_while_filling_leaves_an_empty_usable_store(tmp_path, chunks):
    path = tmp_path / "store"
    filler = _python(
        """
        def chunks():
            for i in itertools.count():
                print(i, flush=True)
                yield {f"{DOC}{i}": "".join(f'<urn:s{j}> <urn:p> "{i}" .\\n' for j in range(20_000))}
        OxigraphStore(path).fill(chunks())
        """,
        path,
    )
    for _ in range(chunks + 1):
        filler.stdout.readline()
    # Another writer must not take a fill that is running for one that was cut short.
    with pytest.raises(CatalogLocked):
        OxigraphStore(path)
    os.kill(filler.pid, signal.SIGKILL)
    assert filler.communicate()[1] == ""
    assert (tmp_path / "store.filling").exists()

    with contextlib.closing(OxigraphStore(path)) as store:
        assert not (tmp_path / "store.filling").exists()
        assert len(store) == 0
        assert list(store.graphs()) == []
        assert not store.query("ASK { ?s ?p ?o }")
        store.fill([{DOC: "<urn:s> <urn:p> <urn:o> .\n"}])
    with contextlib.closing(OxigraphStore(path)) as store:
        assert list(store.graphs()) == [DOC]
        assert len(store) == 1


def _python(code: str, path: Path) -> subprocess.Popen:
    """Start another process on a store; ``code`` has ``path``, ``DOC`` and the package."""
    head = (
        "import itertools, sys\nfrom pathlib import Path\n"
        "from mlaoi_graph.errors import CatalogLocked\n"
        "from mlaoi_graph.stores.oxigraph import OxigraphStore\n"
        f"path, DOC = Path(sys.argv[1]), {DOC!r}\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", head + textwrap.dedent(code), str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
