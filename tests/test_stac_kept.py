"""STAC documents that are carried over to the next state are those made from scratch, whatever changed."""

import json
import sqlite3
from contextlib import closing

import pytest
from conftest import BASE, collection, link, model, sample
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlaoi_graph import items
from mlaoi_graph.catalog import Catalog
from mlaoi_graph.items import Kept
from mlaoi_graph.server.stac.shelves import Holdings

SITE = "http://here/"


def kept_of(catalog):
    with closing(Kept(catalog.items_file)._database) as database:
        return {at for (at,) in database.execute("SELECT at FROM items")}


def told(holdings):
    """Return the documents of all nodes that have any beside datasets, by IRI."""
    found = {}
    for name, listed in holdings._nodes.items():
        texts = holdings.documents(listed, range(len(listed.iris)))
        found |= {(name, iri): holdings.kept.told(text, SITE) for iri, text in zip(listed.iris, texts, strict=True)}
    words = holdings.kept.get("spoken", [holdings.models.key(at) for at in range(len(holdings.models.iris))])
    return found, words


class Nothing(Catalog):
    """A catalog beside which nothing is kept."""

    items_file = None


def check(directory):
    """Settle what is there, and compare; return the nodes whose documents were there already."""
    with Catalog.open(directory) as catalog, Nothing.open(directory) as bare:
        holdings = Holdings(catalog)
        holdings.settle()
        assert not holdings.kept.mentioned
        there = kept_of(catalog)
        kept = {
            iri.removeprefix(f"{BASE}source/").rpartition("/")[2]
            for listed in holdings._nodes.values()
            for at, iri in enumerate(listed.iris)
            if listed.key(at) in there
        }
        fresh = Holdings(bare)
        assert told(holdings) == told(fresh)
        holdings.kept._database.close()
    return kept


def used(target, stage="training", **fields):
    rel = "derived_from" if stage == "training" else "lineage:evaluated_on"
    return link(rel, target, **{"lineage:stage": stage}, **fields)


def made(target, **fields):
    return link("derived_from", target, **{"lineage:derivation": "finetuned"}, **fields)


def start():
    return {
        "d": collection("d"),
        "e": collection("e"),
        "base": model("base", used("d.json")),
        "tuned": model("tuned", made("base.json")),
        "other": model("other", used("e.json")),
        "tested": model("tested", used("d.json", "test")),
    }


@pytest.fixture
def directory(tmp_path):
    return tmp_path / "catalog"


def put(directory, write, **documents):
    folder = write(**documents)
    with Catalog.open(directory) if directory.exists() else Catalog.create(directory, base=BASE) as catalog:
        report = catalog.ingest(folder)
        assert not report.failed


def begin(directory, write):
    put(directory, write, **start())
    assert check(directory) == set()
    assert check(directory) == {"base", "tuned", "other", "tested"}


@pytest.mark.parametrize(
    ("changed", "kept"),
    [
        ({"new": model("new", used("d.json"), made("tuned.json"))}, {"base", "tuned", "other", "tested"}),
        ({"other": model("other", used("e.json"), title="O")}, {"base", "tuned", "tested"}),
        ({"d": collection("d", title="Data")}, {"tuned", "other"}),
        ({"base": model("base", used("e.json"))}, {"other", "tested"}),
        ({"base": model("base", used("d.json"), title="B")}, {"other", "tested"}),
        # The second of a name is called otherwise.
        ({"a": model("tuned", used("e.json"))}, {"base", "other", "tested"}),
        ({"f": collection("f")}, {"base", "tuned", "other", "tested"}),
        ({}, {"base", "tuned", "other", "tested"}),
    ],
    ids=["one more", "a title", "data's title", "exposure", "a parent's title", "a name", "data", "nothing"],
)
def test_after_a_change_everything_is_kept_that_does_not_speak_of_it(directory, write, changed, kept):
    begin(directory, write)
    put(directory, write, **changed)
    assert check(directory) == kept
    assert kept < check(directory) | {"none"}


def test_several_changes_nobody_looked_at_count_together(directory, write):
    begin(directory, write)
    put(directory, write, d=collection("d", title="Data"))
    put(directory, write, other=model("other", used("e.json"), title="O"))
    assert check(directory) == {"tuned"}
    put(directory, write, d=collection("d", title="Again"))
    put(directory, write, d=collection("d", title="Data"))  # as it was
    assert check(directory) == {"base", "tuned", "other", "tested"}


def test_nothing_is_kept_after_what_is_not_known_or_much(directory, write, monkeypatch):
    begin(directory, write)
    with Catalog.open(directory) as catalog:
        catalog.update("INSERT DATA { GRAPH <https://example.com/g> { <https://example.com/s> a mlaoi:Model } }")
    assert check(directory) == set()
    monkeypatch.setattr(items, "_FEW", 0)
    put(directory, write, f=collection("f"))
    assert check(directory) == set()
    monkeypatch.undo()
    put(directory, write, f=collection("f", title="F"))
    monkeypatch.setattr(items, "_LAYOUT", "another")
    assert check(directory) == set()


def test_items_filters_and_stages_follow_the_store_alike(directory, write):
    """An update may write an edge without a statement of it, or take away either of the two; and is removed again."""
    begin(directory, write)
    found = {}

    def answers():
        assert check(directory) is not None  # kept or made anew, it is the same
        with Catalog.open(directory) as catalog:
            holdings = Holdings(catalog)
            texts = holdings.documents(holdings.models, range(len(holdings.models.iris)))
            for name, stage in (("lineage:trained_on", "trained"), ("lineage:tested_on", "tested")):
                said = {at for at, text in enumerate(texts) if b'"%b"' % name.encode() in text}
                nodes = holdings.models.nodes
                assert {at for at, node in enumerate(nodes) if node in holdings.having(name, None)} == said
                assert set(holdings.places.models_of(stage, None).tolist()) == said
                found[stage] = {holdings.models.iris[at].rpartition("/")[2] for at in said}
                hits = catalog.models(**{f"{stage}_in": "-180,-90,180,90"})
                assert {hit.model.rpartition("/")[2] for hit in hits} == found[stage]
            unknown = holdings.places.models_of("unknown", None).tolist()
            return found | {"unknown": {holdings.models.iris[at].rpartition("/")[2] for at in unknown}}

    def update(text):
        with Catalog.open(directory) as catalog:
            catalog.update(text)

    usual = {"trained": {"base", "other"}, "tested": {"tested"}, "unknown": {"tested"}}
    assert answers() == usual
    item, data = f"<{BASE}items/tested>", f"<{BASE}collections/e>"
    update(f"INSERT DATA {{ GRAPH <urn:g> {{ {item} mlaoi:trainedOn {data} }} }}")
    assert answers() == {"trained": {"base", "other", "tested"}, "tested": {"tested"}, "unknown": set()}
    with Catalog.open(directory) as catalog:
        catalog.remove("urn:g")
    assert answers() == usual
    update("DELETE { GRAPH ?g { ?m mlaoi:testedOn ?d } } WHERE { GRAPH ?g { ?m mlaoi:testedOn ?d } }")
    assert answers() == usual | {"tested": set()}
    update("DELETE { GRAPH ?g { ?u mlaoi:ofModel ?m } } WHERE { GRAPH ?g { ?u mlaoi:ofModel ?m } }")
    assert answers() == usual | {"tested": set()}


def test_what_cannot_be_settled_is_not_read(directory, write, monkeypatch):
    begin(directory, write)
    put(directory, write, d=collection("d", title="Data"))

    def locked(*_):
        raise sqlite3.OperationalError("database is locked")

    monkeypatch.setattr(Kept, "settle", locked)
    monkeypatch.setattr(Kept, "empty", locked)
    with Catalog.open(directory) as catalog:
        holdings = Holdings(catalog)
        with pytest.raises(sqlite3.OperationalError):
            holdings.settle()
        assert told(holdings)[0]["models", f"{BASE}items/base"].count(b'"Data"') == 1
        assert kept_of(catalog)  # as it was
    monkeypatch.undo()
    assert check(directory) == {"tuned", "other"}


def test_nothing_is_read_or_kept_before_it_is_settled_by_another(directory, write):
    begin(directory, write)
    put(directory, write, d=collection("d", title="Data"))
    with Catalog.open(directory) as catalog:
        worker, maker = Holdings(catalog), Holdings(catalog)
        before = kept_of(catalog)
        models = range(len(worker.models.iris))
        first = worker.documents(worker.models, models)
        assert kept_of(catalog) == before
        assert not worker.kept.get("items", [worker.models.key(at) for at in models])
        maker.settle()
        assert 0 < len(worker.kept.get("items", [worker.models.key(at) for at in models])) < len(models)
        assert worker.documents(worker.models, models) == first == maker.documents(maker.models, models)
        assert kept_of(catalog) == before


def test_a_file_with_damage_behind_its_beginning_is_emptied(directory, write):
    begin(directory, write)
    put(directory, write, d=collection("d", title="Data"))
    with Catalog.open(directory) as catalog:
        with closing(Kept(catalog.items_file)._database) as database:
            database.execute("UPDATE made_of SET body = x'00'")
        holdings = Holdings(catalog)
        holdings.settle()
        assert not kept_of(catalog)
        assert told(holdings)[0]["models", f"{BASE}items/base"].count(b'"Data"') == 1


# -- any change -----------------------------------------------------------------------------------------------------

STAGES = st.sampled_from(["pretraining", "training", "test"])
TARGETS = st.sampled_from(["d.json", "d.json", "e.json", "a.json", "nowhere.json", "https://example.com/x", "s.json"])
PAPER = "https://example.com/paper"
TITLES = st.sampled_from([{}, {"title": "A"}, {"title": "B"}])
LINK = st.one_of(
    st.builds(used, TARGETS, STAGES),
    st.builds(lambda stage: used("d.json", stage, **{"lineage:split": "train"}), STAGES),
    st.builds(made, st.sampled_from(["a.json", "b.json"])),
    st.builds(lambda target: used(target, **{"lineage:evidence": PAPER}), TARGETS),
)
MORE = st.sampled_from(
    [
        {},
        {"mlm:tasks": ["detection"]},
        {"lineage:family": "https://example.com/family"},
        {"lineage:evidence": [{"iri": PAPER, "title": "Paper"}]},
        {"lineage:evidence": [{"iri": PAPER, "title": "Preprint"}]},
    ]
)
MODELS = st.builds(
    lambda name, links, title, more: model(name, *links, **title, **more),
    st.sampled_from(["m", "M", "m-2"]), st.lists(LINK, min_size=1, max_size=2), TITLES, MORE,
)  # fmt: skip
DATA = st.builds(
    lambda name, title, split, links: collection(name, *links, split=split, **title),
    st.sampled_from(["d", "e"]), TITLES, st.sampled_from([None, "train"]),
    st.sampled_from([[], [link("derived_from", "e.json")], [link("lineage:part_of", "e.json")]]),
)  # fmt: skip
SAMPLES = st.builds(lambda name, split: sample("s", name, split=split), st.sampled_from(["d", "e"]), st.sampled_from([None, "train"]))  # fmt: skip
ANY = {"d": DATA, "e": DATA, "s": SAMPLES, "a": MODELS, "b": MODELS, "c": MODELS}


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_what_is_kept_after_any_change_is_what_is_made_from_scratch(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("any")
    source, directory = folder / "source", folder / "catalog"
    source.mkdir()
    Catalog.create(directory, base=BASE).close()
    with Catalog.open(directory) as catalog:
        for step in range(6):
            for name in [data.draw(st.sampled_from(sorted(ANY)))] if step else ANY:
                document = data.draw(ANY[name] if not step else st.one_of(st.none(), ANY[name], ANY[name], ANY[name]))
                path = source / f"{name}.json"
                if document is not None:
                    path.write_text(json.dumps(document))
                elif path.exists():
                    path.unlink()
                    catalog.remove(f"{BASE}documents/source/{name}.json")
            catalog.ingest(source)
            if not step or data.draw(st.integers(0, 3)):
                check(directory)
    check(directory)
