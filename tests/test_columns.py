"""The edges of a catalog as arrays: what a file gives back, what an update leaves, and what happens without one."""

import json

import pytest
from conftest import collection, link, model, sample
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_lineage import DATA, EDGES, GROUPS, MODELS, NODES, iri, stored
from typer.testing import CliRunner

from mlaoi_graph import rdf
from mlaoi_graph.catalog import Catalog
from mlaoi_graph.cli.app import app
from mlaoi_graph.errors import NodeNotFound
from mlaoi_graph.model import Dataset, Model, ModelFamily, Unknown
from mlaoi_graph.queries import reading
from mlaoi_graph.queries.collect import Collector
from mlaoi_graph.queries.columns import Columns
from mlaoi_graph.snapshots import lineage_file
from mlaoi_graph.stores.oxigraph import OxigraphStore


def contents(columns):
    return {name: bytes(array) for name, array in columns._arrays.items()}


def kept(directory):
    number = json.loads((directory / "manifest.json").read_text())["snapshot"]
    return lineage_file(directory, number)


FIELDS = ("identifier", "label", "version", "architecture", "framework", "family", "released")
IDENTIFIERS = st.sampled_from([None, "a", "b", "c"])
FAMILY = {"family": st.sampled_from([None, *map(iri, GROUPS)])}
NAMED = st.lists(
    st.builds(lambda name, resolved, tasks, said: Model(iri=iri(name), resolved=resolved, tasks=tuple(tasks), **said),
              st.sampled_from(MODELS), st.booleans(), st.sets(st.sampled_from("xyz")),
              st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, IDENTIFIERS) | FAMILY))
    | st.builds(lambda name, said, resolved: Dataset(iri=iri(name), identifier=said, resolved=resolved),
                st.sampled_from(DATA[:2]), IDENTIFIERS, st.booleans()),
    max_size=4, unique_by=lambda statement: statement.iri,
)  # fmt: skip
SAID = st.builds(lambda edges, named: [*edges, *named], EDGES, NAMED)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(SAID, min_size=1, max_size=4), st.dictionaries(st.integers(0, 3), SAID))
def test_an_update_is_what_reading_it_all_gives(documents, changes):
    """Whatever documents say of edges and nodes, before and after some of them changed."""

    def described(statements):
        return {s.iri for s in statements if isinstance(s, Model | Dataset | ModelFamily | Unknown)}

    store = stored(*NODES)
    for number, statements in enumerate(documents):
        store.replace({f"urn:doc-{number}": rdf.encode(statements)})
    before = reading.from_store(store)
    nodes = set()
    for number, statements in changes.items():
        old = documents[number] if number < len(documents) else []
        nodes |= described(old) | described(statements)
        store.replace({f"urn:doc-{number}": rdf.encode(statements)})
    after = reading.updated(before, store, [f"urn:doc-{number}" for number in changes], nodes)
    assert contents(after) == contents(reading.from_store(store))


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(SAID, min_size=1, max_size=4))
def test_what_is_collected_while_documents_are_read_is_what_reading_the_store_gives(documents):
    store, made = OxigraphStore(), Collector()
    for number, found in enumerate([NODES, *documents]):
        statements = list({statement.iri: statement for statement in found}.values())  # an IRI is of one statement
        store.replace({f"urn:doc-{number}": rdf.encode(statements)})
        made.take(f"urn:doc-{number}", statements)
    assert contents(made.columns()) == contents(reading.from_store(store))


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(NAMED, min_size=1, max_size=4))
def test_facts_are_those_of_the_merged_node(documents):
    store = stored(*NODES)
    for number, found in enumerate(documents):
        statements = list({statement.iri: statement for statement in found}.values())
        store.replace({f"urn:doc-{number}": rdf.encode(statements)})
    columns = reading.from_store(store)
    for at, node in enumerate(columns.iris):
        said = [s for graph in sorted(store.graphs()) for s in rdf.decode(store.match(node, graph=graph))]
        merged = rdf.merge(said) if said else None
        for name, field in zip(columns.facts, FIELDS, strict=True):
            assert columns.facts[name][at] == (getattr(merged, field, None) or "")
        assert json.loads(columns.tasks[at] or "[]") == sorted(getattr(merged, "tasks", ()))


DOCUMENTS = {
    "c": collection("c", split="train"),
    "c2": collection("c", link("derived_from", "./d.json"), title="Renamed"),
    "d": collection("d", title="Source"),
    "m": model("m", link("derived_from", "./c.json", **{"ml-aoi:split": "train"}), link("derived_from", "gone"), title="Model M"),
    "m2": model("m", link("derived_from", "./c.json", **{"lineage:stage": "test", "lineage:confidence": "unverified"})),
    "n": model("n", link("derived_from", "./m.json", **{"lineage:derivation": "finetuned"})),
    "s": sample("s", "c", split="train"),
    "gone": model("gone"),
}  # fmt: skip


def test_the_file_follows_every_change_of_a_catalog(tmp_path):
    folder, directory = tmp_path / "source", tmp_path / "catalog"
    folder.mkdir()
    with Catalog.create(directory) as catalog:

        def check():
            found = Columns.open(kept(directory))
            assert contents(found) == contents(reading.from_store(catalog.store))
            # The snapshots of before are gone, and their files with them.
            assert [file.name for file in (directory / "snapshots").glob("*.lineage")] == [kept(directory).name]

        for name, document in [("m", "m"), ("c", "c"), ("s", "s"), ("d", "d"), ("c", "c2"), ("n", "n"), ("gone", "gone"),
                               ("m", "m2"), ("m", "m2"), ("m", "m")]:  # fmt: skip
            (folder / f"{name}.json").write_text(json.dumps(DOCUMENTS[document]))
            catalog.ingest(folder)
            check()
        for document in sorted(d.iri for d in catalog.documents()):
            catalog.remove(document)
            check()
        assert len(reading.from_store(catalog.store).iris) == 0


@pytest.fixture
def built(tmp_path):
    folder = tmp_path / "source"
    folder.mkdir()
    for name in ("c", "d", "m", "n"):
        (folder / f"{name}.json").write_text(json.dumps(DOCUMENTS[name]))
    with Catalog.create(tmp_path / "catalog") as catalog:
        catalog.ingest(folder)
    return tmp_path / "catalog"


def asked(directory):
    return CliRunner().invoke(app, ["exposure", str(directory), "n", "--json"], catch_exceptions=False).stdout


def test_questions_read_the_file_and_not_the_edges(built, monkeypatch):
    expected = asked(built)
    assert json.loads(expected)["rows"]
    monkeypatch.setattr(reading, "from_store", None)
    assert asked(built) == expected


@pytest.mark.parametrize(
    "spoil",
    [
        lambda file: file.unlink(),
        lambda file: file.write_bytes(b""),
        lambda file: file.write_bytes(file.read_bytes()[:-9]),
        lambda file: file.write_bytes(file.read_bytes()[:60]),
        lambda file: file.write_bytes(b"other" + file.read_bytes()),
        lambda file: file.write_bytes(file.read_bytes().replace(b'"layout": ', b'"layout": 9')),
        lambda file: file.write_bytes(file.read_bytes().replace(b"trainedOn", b"trainedUp", 1)),
        lambda file: file.write_bytes(file.read_bytes()[:-40] + bytes(40)),
        lambda file: file.write_bytes(file.read_bytes().replace(b'"arrays": [[', b'"arrays": [[[', 1)),
    ],
)
def test_without_a_whole_file_the_graph_is_read(built, spoil):
    expected, whole = asked(built), contents(Columns.open(kept(built)))
    spoil(kept(built))
    assert Columns.open(kept(built)) is None
    assert asked(built) == expected
    assert contents(Columns.open(kept(built))) == whole  # whoever could write has made it again
    spoil(kept(built))
    with Catalog.open(built) as catalog:  # and so does the next change
        catalog.ingest(built.parent / "source")
    assert Columns.open(kept(built)) is not None


def test_names_however_they_are_spelled():
    store = stored(
        Model(iri="urn:a/clay-v1.5", label="Clay v1.5", identifier="clay-15", aliases=("Clay Model",), resolved=True),
        Model(iri="urn:b/clay-v1.5", label="Other", resolved=True),
        Dataset(iri="urn:data/é", label="Forêt", resolved=True),
    )
    columns = reading.from_store(store)
    assert columns.called("CLAY 15") == ["urn:a/clay-v1.5", "urn:b/clay-v1.5"]  # the ends of both IRIs
    assert columns.called("clay model") == ["urn:a/clay-v1.5"]
    assert columns.called("forêt") == columns.called("É") == ["urn:data/é"]
    assert columns.called("") == columns.called("cla") == []
    assert columns.near("clay modle") == ["urn:a/clay-v1.5"]
    assert columns.near("oth") == ["urn:b/clay-v1.5"]
    assert columns.iris.find("urn:data/é") == 2
    assert columns.iris.find("urn:data/z") == columns.iris.find("") == -1


def test_what_is_only_mentioned_has_no_name():
    with Catalog.create() as catalog:
        catalog.store.replace({"urn:doc": f"<{iri('m')}> <https://w3id.org/mlaoi#trainedOn> <{iri('mentioned')}> .\n"})
        assert len(catalog.lineage.upstream(iri("m"))) == 1
        with pytest.raises(NodeNotFound):
            catalog.find("mentioned")


X = "https://example.com/"


@pytest.fixture
def hawks():
    """Versions that share a name, as the docs allow, and one that has it in its name."""
    made = [("a-1", "Hawk", "1.0"), ("a-2", "Hawk", "v2.0"), ("b", "Owl 2.0", "2.0"), ("c", "Owl", None)]
    with Catalog.create() as catalog:
        said = [Model(iri=f"{X}{end}", label=label, version=version, resolved=True) for end, label, version in made]
        catalog.store.replace({"urn:doc": rdf.encode(said)})
        yield catalog


@pytest.mark.parametrize(
    ("name", "iri"),
    [
        ("hawk 2.0", f"{X}a-2"),
        ("Hawk v2.0", f"{X}a-2"),
        ("hawk-1.0", f"{X}a-1"),
        ("owl 2.0", f"{X}b"),
        ("a-2 2.0", f"{X}a-2"),
    ],
)
def test_a_name_and_a_version_find_the_model_of_that_version(hawks, name, iri):
    assert hawks.find(name) == iri


def test_what_a_name_may_stand_for_is_listed_with_label_version_and_iri(hawks):
    for name in ("Hawk", "hawk"):
        with pytest.raises(NodeNotFound) as caught:
            hawks.find(name)
        assert str(caught.value) == (
            f"'{name}' stands for more than one node. Did you mean: Hawk 1.0 ({X}a-1); Hawk v2.0 ({X}a-2)?"
        )
        assert caught.value.candidates == (f"{X}a-1", f"{X}a-2")


def test_all_that_share_a_near_name_are_shown(hawks):
    with pytest.raises(NodeNotFound) as caught:
        hawks.find("hawkk")
    assert str(caught.value) == "'hawkk' is not in this catalog. Did you mean: Hawk 1.0 (a-1); Hawk v2.0 (a-2)?"
    with pytest.raises(NodeNotFound) as caught:
        hawks.find("owl 2.1")
    assert caught.value.candidates[0] == f"{X}b"


def test_where_nothing_is_near_the_place_to_look_is_named(tmp_path):
    with Catalog.create() as catalog, pytest.raises(NodeNotFound) as caught:
        catalog.find("zebra")
    assert str(caught.value).endswith("List what is there: Catalog.models() and datasets()")
    with Catalog.create(tmp_path / "x") as catalog, pytest.raises(NodeNotFound) as caught:
        catalog.find("zebra")
    assert str(caught.value).endswith(f"List what is there: mlaoi-graph show {tmp_path / 'x'}")


def test_a_message_lists_no_thousand_names_and_says_how_many_there_are():
    with Catalog.create() as catalog:
        said = [Model(iri=f"urn:{n:03}", label="Gull", resolved=True) for n in range(100)]
        catalog.store.replace({"urn:doc": rdf.encode(said)})
        with pytest.raises(NodeNotFound, match=r"Gull \(urn:019\); and 80 more\?") as caught:
            catalog.find("gull")
        assert len(caught.value.candidates) == 100
