"""What differs between two catalogs: known differences by hand, the mirror, and a comparison the plain way."""

import json
import shutil
import tempfile
from pathlib import Path

import pytest
import typer
from conftest import BASE, collection, link, model
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from mlaoi_graph.catalog import Catalog
from mlaoi_graph.cli.diff import _COLUMNS, register
from mlaoi_graph.errors import CatalogError
from mlaoi_graph.queries.diff import WORDS, FieldChange, diff
from mlaoi_graph.rdf import LOG_GRAPH
from mlaoi_graph.vocab import MLAOI

M, BASE_MODEL, C = f"{BASE}items/m", f"{BASE}items/base", f"{BASE}collections/c"
TRAIN, TEST = {"ml-aoi:split": "train"}, {"ml-aoi:split": "test"}


def document(name):
    return f"{BASE}documents/source/{name}.json"


def fill(folder, documents):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, content in documents.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    return folder


@pytest.fixture
def made(tmp_path):
    """Make a catalog of documents; every source has the same name, so documents keep their IRIs."""
    open_ones = []

    def make(**documents):
        catalog = Catalog.create()
        open_ones.append(catalog)
        catalog.ingest(fill(tmp_path / str(len(open_ones)) / "source", documents))
        return catalog

    yield make
    for catalog in open_ones:
        catalog.close()


def only(found, *words):
    """Assert that nothing but this differs, documents apart."""
    assert {word for word in WORDS if found[word] and "documents" not in word} == set(words)


def edges(states):
    return [(e.subject, e.predicate, e.object) for e in states]


def test_nothing_differs_from_itself(made):
    catalog = made(
        c=collection("c"), m=model("m", link("derived_from", "./c.json", **TRAIN), link("derived_from", "gone"))
    )
    found = diff(catalog, catalog)
    assert not found
    only(found)
    assert all(rows == [] for groups in found.to_dict().values() for rows in groups.values())


def test_a_new_use_brings_an_edge_a_part_and_an_exposure(made):
    base = model("base", link("derived_from", "./c.json", **TRAIN))
    before = made(c=collection("c"), base=base, m=model("m"))
    after = made(c=collection("c"), base=base, m=model("m", link("derived_from", "./base.json")))
    found = diff(before, after)
    only(found, "new-edges", "new-exposure")
    (edge,) = found.new_edges
    assert (edge.subject, edge.predicate, edge.object) == (M, "derivedFromModel", BASE_MODEL)
    (said,) = edge.said
    assert (said.document, said.rule, said.confidence) == (document("m"), "model-link", "verified")
    assert [(e.model, e.dataset) for e in found.new_exposure] == [(M, f"{C}/train")]
    assert [d.document for d in found.changed_documents] == [document("m")]
    back = diff(after, before)
    only(back, "removed-edges", "removed-exposure")
    assert back.removed_edges == found.new_edges
    assert back.removed_exposure == found.new_exposure


def test_parts_are_edges_and_no_field(made):
    found = diff(
        made(c=collection("c"), m=model("m")),
        made(c=collection("c"), m=model("m", link("derived_from", "./c.json", **TEST))),
    )
    only(found, "new-nodes", "new-edges")  # measured on it: no exposure
    assert [(n.node, n.kind, n.label) for n in found.new_nodes] == [(f"{C}/test", "dataset", "c (test)")]
    assert edges(found.new_edges) == [(f"{C}/test", "partOf", C), (M, "testedOn", f"{C}/test")]
    part, _ = found.new_edges
    assert [(said.document, said.rule, said.confidence) for said in part.said] == [(document("m"), None, None)]


def test_a_changed_node_says_which_fields(made):
    before = made(c=collection("c", title="Fields", license="CC-BY-4.0"))
    after = made(c=collection("c", title="Fields 2", license="CC-BY-4.0", keywords=["x"]))
    found = diff(before, after)
    only(found, "changed-nodes")
    (node,) = found.changed_nodes
    assert (node.node, node.kind) == (C, "dataset")
    assert node.fields == (FieldChange(name="label", before="Fields", after="Fields 2"),)


def test_a_moved_footprint_is_a_changed_area(made):
    (area,) = diff(made(c=collection("c")), made(c=collection("c", bbox=(8, 46, 9, 47)))).changed_nodes
    assert (area.node, area.kind, [f.name for f in area.fields]) == (f"{C}#extent", "area", ["wkt"])


def test_what_a_twin_says_is_a_changed_edge(made):
    def said(confidence, **more):
        return model("m", link("derived_from", "./c.json", **{"lineage:confidence": confidence}, **more))

    found = diff(made(c=collection("c"), m=said("unverified")), made(c=collection("c"), m=said("verified")))
    only(found, "changed-edges", "removed-unknowns")
    (edge,) = found.changed_edges
    assert (edge.subject, edge.predicate, edge.object) == (M, "trainedOn", C)
    assert [(g.what, g.node) for g in found.removed_unknowns] == [("unverified", M)]
    assert edge.changes() == (FieldChange(name="confidence", before=("unverified",), after=("verified",)),)


def test_a_second_document_that_says_it_too_changes_the_edge(made):
    first = model("m", link("derived_from", "./c.json"))
    before = made(c=collection("c"), m=first)
    after = made(c=collection("c"), m=first, n=first)
    found = diff(before, after)
    only(found, "changed-edges")  # one more document describes the same model, and says nothing else
    assert found.changed_edges[0].changes() == (
        FieldChange(name="document", before=(document("m"),), after=(document("m"), document("n"))),
    )
    assert [d.document for d in found.new_documents] == [document("n")]
    # And taking one of the two away takes no edge and no node with it.
    only(diff(after, before), "changed-edges")


def test_confidences_that_trade_documents_are_a_change(made):
    def said(confidence):
        return model("m", link("derived_from", "./c.json", **{"lineage:confidence": confidence}))

    before = made(c=collection("c"), m=said("verified"), n=said("unverified"))
    after = made(c=collection("c"), m=said("unverified"), n=said("verified"))
    (edge,) = diff(before, after).changed_edges
    assert [change.name for change in edge.changes()] == ["confidence"]


def test_documents_read_again_with_other_content_or_understood_otherwise(made, tmp_path):
    m = model("m", link("derived_from", "./c.json"))
    before = made(m=m)
    after = made(m=m, c=collection("c"))
    found = diff(before, after)
    (changed,) = found.changed_documents  # its link leads somewhere now
    assert (changed.document, changed.other_content) == (document("m"), False)
    assert [d.document for d in found.new_documents] == [document("c")]
    assert edges(found.new_edges) == [(M, "trainedOn", C)]
    assert [e[1] for e in edges(found.removed_edges)] == ["madeFrom"]
    assert [(g.what, g.before, g.after) for g in found.removed_unknowns] == [
        ("unresolved", "./c.json", None), ("unknown-kind", "made from c.json, and not known whether model or data", None),
    ]  # fmt: skip
    other = diff(before, made(m=m | {"links": [*m["links"], link("about", "https://example.com")]}))
    assert [d.other_content for d in other.changed_documents] == [True]


def test_evaluated_on_what_it_is_exposed_to(made):
    base = model("base", link("derived_from", "./c.json", **TRAIN))

    def tested(**fields):
        links = link("derived_from", "./base.json"), link("derived_from", "./c.json", **fields)
        return made(c=collection("c"), base=base, m=model("m", *links))

    clean = tested(**TEST)
    on_train, on_whole = tested(**TRAIN, **{"lineage:stage": "test"}), tested(**{"lineage:stage": "test"})
    assert not diff(
        made(c=collection("c"), base=base, m=model("m", link("derived_from", "./base.json"))), clean
    ).new_leakage
    (leak,) = diff(clean, on_train).new_leakage
    assert (leak.kind, leak.verdict, leak.model, leak.stage, leak.test, leak.train) == (
        "same-dataset", "yes", M, "test", f"{C}/train", f"{C}/train",
    )  # fmt: skip
    (leak,) = diff(clean, on_whole).new_leakage
    assert (leak.kind, leak.verdict, leak.model, leak.test, leak.train) == (
        "splits-not-stated", "unknown", M, C, f"{C}/train",
    )  # fmt: skip
    assert [leak.kind for leak in diff(on_whole, clean).removed_leakage] == ["splits-not-stated"]
    assert not diff(on_whole, clean).new_leakage


def test_an_archive_both_trained_and_measured_on_is_no_leakage(made):
    def both(**fields):
        links = link("derived_from", "./c.json"), link("derived_from", "./c.json", **{"lineage:stage": "test"})
        return made(c=collection("c", **fields), m=model("m", *links))

    archive = {"lineage:kind": "archive", "lineage:iri": C}
    empty = made(c=collection("c"))
    assert len(diff(empty, both()).new_leakage) == 1
    found = diff(empty, both(**archive))
    assert found.new_exposure
    assert not found.new_leakage


def test_new_unknowns(made):
    def disclosing(word):
        said = {"lineage:kind": "model", "lineage:iri": M} | ({"lineage:disclosure": word} if word else {})
        return model("m", link("derived_from", "./c.json", **TRAIN), **said)

    states = {
        word: made(m=disclosing(word), c=collection("c")) for word in ("complete", "partial", "undisclosed", None)
    }
    for word, other, new, gone in [
        ("complete", "partial", 1, 0), ("partial", "undisclosed", 1, 0), ("partial", None, 1, 0),
        (None, "complete", 0, 1), ("undisclosed", None, 0, 0), ("complete", "complete", 0, 0),
    ]:  # fmt: skip
        found = diff(states[word], states[other])
        assert (len(found.new_unknowns), len(found.removed_unknowns)) == (new, gone), (word, other)
        for gap in (*found.new_unknowns, *found.removed_unknowns):
            assert (gap.what, gap.node, gap.before, gap.after) == ("disclosure", M, word, other)
    found = diff(made(m=model("m")), made(m=model("m", link("derived_from", "gone", **TRAIN))))
    assert [(g.what, g.after) for g in found.new_unknowns if g.what != "no-footprint"] == [
        ("unresolved", "gone")  # and not its split as well
    ]


def test_what_is_not_known_of_a_new_model_is_new(made):
    """Also where it is known already that nobody knows: the step is to stop what brings a model of which this is so."""
    known = {"lineage:disclosure": "complete", "lineage:kind": "model"}
    nowhere = collection("c", **{"lineage:kind": "archive", "lineage:iri": C})
    one = model("m", link("derived_from", "./c.json", **TRAIN), **known, **{"lineage:iri": M})
    other = model("n", link("derived_from", "./c.json", **TRAIN), **{"lineage:kind": "model", "lineage:iri": f"{M}-n"})
    before, after = made(c=nowhere, m=one), made(c=nowhere, m=one, n=other)
    found = diff(before, after)
    said = {(g.what, g.node): g.before for g in found.new_unknowns}
    assert said.keys() == {(u.what, u.node) for u in after.lineage.unknowns(f"{M}-n")}
    assert {what for what, _ in said} == {"archive", "disclosure"}
    assert set(said.values()) == {None}
    assert not found.removed_unknowns
    back = diff(after, before)
    assert {(g.what, g.node) for g in back.removed_unknowns} == said.keys()
    assert not back.new_unknowns
    nowhere_too = {"lineage:kind": "archive", "lineage:iri": f"{BASE}collections/d"}
    # A model of both that learns from something else of which nobody knows enough.
    more = model("m", link("derived_from", "./d.json", **TRAIN), **known, **{"lineage:iri": M})
    found = diff(made(m=more, d=collection("d")), made(m=more, d=collection("d", **nowhere_too)))
    assert "archive" in {g.what for g in found.new_unknowns}


def test_who_and_since_when(tmp_path):
    folder = fill(tmp_path / "source", {"c": collection("c"), "m": model("m", updated="2024-05-01T00:00:00Z")})
    with Catalog.create(tmp_path / "old") as before, Catalog.create(tmp_path / "new") as after:
        before.ingest(folder)
        after.ingest(folder)
        changed = model("m", link("derived_from", "./c.json"), updated="2024-06-01T00:00:00Z")
        (folder / "m.json").write_text(json.dumps(changed))
        after.ingest(folder)
        times = sorted(
            q.object.value
            for reading in after.store.match(None, MLAOI.ofDocument, document("m"), LOG_GRAPH)
            for q in after.store.match(reading.subject.value, MLAOI.readAt)
        )
        assert len(times) == 2
        ((said,),) = (edge.said for edge in diff(before, after).new_edges)
        assert said.document == document("m")
        assert said.stated_at == "2024-06-01T00:00:00Z"
        assert said.read_at == times[1]  # since it says this, not since it was known


# -- against the plain way, on random catalogs ----------------------------------------------------------------


NAMES = ["m0", "m1", "m2", "c0", "c1", "gone"]
links = st.builds(
    lambda name, fields, known: link("derived_from", f"./{name}.json" if known else name, **fields),
    st.sampled_from(NAMES),
    st.fixed_dictionaries(
        {},
        optional={
            "ml-aoi:split": st.sampled_from(["train", "test", "validate"]),
            "lineage:stage": st.sampled_from(["pretraining", "test", "evaluation"]),
            "lineage:confidence": st.just("unverified"),
        },
    ),
    st.booleans(),
)
models = st.builds(
    lambda links, title: lambda name: model(name, *links, title=title),
    st.lists(links, max_size=3),
    st.sampled_from("AB"),
)
collections = st.builds(
    lambda links, title, split: lambda name: collection(name, *links, title=title, split=split),
    st.lists(links, max_size=2),
    st.sampled_from("AB"),
    st.sampled_from([None, "train"]),
)
catalogs = st.fixed_dictionaries(
    {}, optional={name: models if name.startswith("m") else collections for name in NAMES if name != "gone"}
)


def mirrored(value):
    """Return a difference as it is the other way round."""
    if isinstance(value, list):
        return [mirrored(member) for member in value]
    if not isinstance(value, dict):
        return value
    names = {"new": "removed", "removed": "new", "before": "after", "after": "before"}
    return {names.get(key, key): mirrored(member) for key, member in value.items()}


def pairs(catalog):
    return {(row["m"], row["d"]) for row in catalog.query("SELECT DISTINCT ?m ?d { ?m mlaoi:exposedTo ?d }")}


def all_edges(catalog):
    """Return who says each edge, through the catalog's own methods."""
    found = {}
    for edge in catalog.edges():
        key = edge.subject, edge.predicate, edge.object
        found.setdefault(key, set()).add((edge.twin.document, edge.twin.rule.value, edge.twin.confidence.value))
    rows = catalog.query("SELECT ?s ?o ?g { GRAPH ?g { ?s mlaoi:partOf ?o . ?s a mlaoi:Dataset } }")
    for row in rows:
        key = row["s"], "partOf", row["o"]
        if not any(said[0] == row["g"] for said in found.get(key, ())):
            found.setdefault(key, set()).add((row["g"], None, None))
    return found


def all_nodes(catalog):
    unknown = catalog.query("SELECT ?u { ?u a mlaoi:UnknownThing }")
    return {
        *((n.iri, "model") for n in catalog.models()), *((n.iri, "dataset") for n in catalog.datasets()),
        *((n.iri, "area") for n in catalog.areas()), *((row["u"], "unknown") for row in unknown),
    }  # fmt: skip


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(catalogs, catalogs)
def test_it_is_what_the_plain_way_finds_and_the_mirror_of_the_way_back(one, other):
    with tempfile.TemporaryDirectory() as folder, Catalog.create() as before, Catalog.create() as after:
        for catalog, documents in ((before, one), (after, other)):
            catalog.ingest(fill(Path(folder, "source"), {name: make(name) for name, make in documents.items()}))
        assert not diff(before, before)
        found, back = diff(before, after), diff(after, before)
        assert mirrored(found.to_dict()) == back.to_dict()
        assert json.loads(json.dumps(found.to_dict())) == found.to_dict()
        for word in WORDS:
            assert len(set(found[word])) == len(found[word]), word

        was, now = all_nodes(before), all_nodes(after)
        assert {(n.node, n.kind) for n in found.new_nodes} == now - was
        assert {(n.node, n.kind) for n in found.removed_nodes} == was - now
        labels = [{n.iri: n.label for n in (*c.models(), *c.datasets())} for c in (before, after)]
        assert {n.node for n in found.changed_nodes for f in n.fields if f.name == "label" and n.kind != "area"} == {
            iri for iri in labels[0].keys() & labels[1].keys() if labels[0][iri] != labels[1][iri]
        }

        was, now = all_edges(before), all_edges(after)
        assert set(edges(found.new_edges)) == now.keys() - was.keys()
        assert set(edges(found.removed_edges)) == was.keys() - now.keys()
        differ = {key for key in was.keys() & now.keys() if was[key] != now[key]}
        assert differ <= set(edges(found.changed_edges)) <= was.keys() & now.keys()
        for edge in found.new_edges:
            said = {(s.document, s.rule, s.confidence) for s in edge.said}
            assert said == now[edge.subject, edge.predicate, edge.object]

        was, now = pairs(before), pairs(after)
        assert {(e.model, e.dataset) for e in found.new_exposure} == now - was
        assert {(e.model, e.dataset) for e in found.removed_exposure} == was - now
        was, now = (set(catalog.leakage().leaks()) for catalog in (before, after))
        assert set(found.new_leakage) == now - was
        assert set(found.removed_leakage) == was - now

        was, now = ({n.iri for n in catalog.unresolved()} for catalog in (before, after))
        # And what new models point at, or those that are gone did, though others do so in both.
        assert now - was <= {g.node for g in found.new_unknowns if g.what == "unresolved"} <= now
        assert was - now <= {g.node for g in found.removed_unknowns if g.what == "unresolved"} <= was


# -- the command ----------------------------------------------------------------------------------------------


@pytest.fixture
def call():
    app = typer.Typer(rich_markup_mode=None)
    app.callback()(lambda: None)  # with one command only, typer would take its name for an argument
    register(app)
    runner = CliRunner()
    return lambda *arguments: runner.invoke(app, ["diff", *map(str, arguments)])


@pytest.fixture
def two(tmp_path):
    def build(name, **documents):
        with Catalog.create(tmp_path / name) as catalog:
            catalog.ingest(fill(tmp_path / "source", documents))
        return tmp_path / name

    train = link("derived_from", "./c.json", **TRAIN)
    test = link("derived_from", "./c.json", **{"lineage:stage": "test"})
    before = build("before", c=collection("c", title="Fields"), m=model("m", train, title="Model M"))
    after = build("after", c=collection("c", title="Roads"), m=model("m", train, test, title="Model M"))
    return before, after


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("", 0), ("removed-edges", 0), ("new-leakage", 1), ("removed-edges, new-edges", 1), ("new-unknowns", 0),
        ("changed-nodes", 1), ("new-overlaps", 2),
    ],
)  # fmt: skip
def test_exit_codes(two, call, words, code):
    done = call(*two, "--fail-on", words)
    assert done.exit_code == code, done.output
    if code == 1:
        assert "found: 1 new-" in done.stderr or "found: 2 changed-nodes" in done.stderr
    if code == 2:
        assert "new-leakage" in done.stderr  # it says what is known


def test_two_snapshots_of_one_catalog(tmp_path, call):
    where = tmp_path / "catalog"
    Catalog.create(where).close()
    train = link("derived_from", "./c.json", **TRAIN)
    with Catalog.open(where) as catalog:
        catalog.ingest(fill(tmp_path / "source", {"c": collection("c")}))
    with Catalog.open(where) as reader:  # keeps its snapshot
        with Catalog.open(where) as catalog:
            catalog.ingest(fill(tmp_path / "source", {"c": collection("c"), "m": model("m", train, title="Model M")}))
        done = call(where / "snapshots/1", where, "--json")
        assert done.exit_code == 0, done.output
        assert [row["label"] for row in json.loads(done.stdout)["nodes"]["new"] if row["kind"] == "model"] == [
            "Model M"
        ]
        assert call(where / "snapshots/2", where).stdout == "no difference\n"
        with Catalog.open(where / "snapshots/1") as old:
            assert (old.snapshot, old.counts().models) == (1, 0)
            assert old.lineage is not None
            for change in (lambda: old.ingest(tmp_path / "source"), old.discard, lambda: old.remove("urn:x")):
                with pytest.raises(CatalogError, match="a snapshot is for reading"):
                    change()
        assert reader.counts().models == 0
    with Catalog.open(where) as catalog:
        catalog.ingest(fill(tmp_path / "source", {"c": collection("c", title="Roads")}))
        assert catalog.snapshot == 3
    with pytest.raises(CatalogError, match="no such snapshot"):
        Catalog.open(where / "snapshots/1")


def test_the_table_and_json_say_the_same(two, call):
    text = call(*two).stdout
    assert "edges" in text.splitlines()[3]
    assert text.splitlines()[3].split() == ["edges", "1", "0", "0"]
    assert "\nnew-edges\n" in text
    assert "Model M  testedOn  Roads" in text
    assert "Fields (train)  Roads (train)" in text.replace("label", "")
    assert "splits-not-stated  unknown  Model M  test   Roads  Roads (train)" in text
    found = json.loads(call(*two, "--json").stdout)
    assert [len(found["edges"][how]) for how in ("new", "removed", "changed")] == [1, 0, 0]
    assert found["leakage"]["new"][0]["test"] == C


def test_the_docs_show_what_is_printed(tmp_path, call, monkeypatch):
    train = link("derived_from", "./c.json", **TRAIN)
    test = link("derived_from", "./c.json", **{"lineage:stage": "test"})
    for name, links in (("before", [train]), ("after", [train, test])):
        m = model("m", *links, title="Model M", updated="2026-03-02T08:15:00Z")
        with Catalog.create(tmp_path / name) as catalog:
            catalog.ingest(fill(tmp_path / "catalog", {"c": collection("c", title="Fields"), "m": m}))
    monkeypatch.chdir(tmp_path)
    _, _, shown = (
        (Path(__file__).parents[1] / "docs/diff.md").read_text().partition("$ mlaoi-graph diff before after\n")
    )
    assert call("before", "after").stdout == shown.partition("```")[0]


def test_the_same_twice_is_no_difference(two, call):
    done = call(two[0], two[0], "--fail-on", ",".join(WORDS))
    assert (done.exit_code, done.stdout) == (0, "no difference\n")


def test_what_is_not_shown_is_said(tmp_path, call):
    with Catalog.create(tmp_path / "a"), Catalog.create(tmp_path / "b") as catalog:
        catalog.ingest(
            fill(tmp_path / "source", {f"c{i}": collection(f"c{i}", description="x" * 61) for i in range(21)})
        )
    text = call(tmp_path / "a", tmp_path / "b").stdout
    assert "20 of 42 rows shown; all of them, with IRIs, with --json" in text  # datasets and their extents


def test_long_text_says_how_long_it_is(tmp_path, call):
    for name, word in (("a", "old"), ("b", "new")):
        with Catalog.create(tmp_path / name) as catalog:
            catalog.ingest(fill(tmp_path / "source", {"c": collection("c", description=f"{word} " * 20 + "end")}))
    assert "... (83 characters)" in call(tmp_path / "a", tmp_path / "b").stdout


def test_other_settings_are_said(tmp_path, call):
    with Catalog.create(tmp_path / "a"), Catalog.create(tmp_path / "b", base="https://example.com/"):
        pass
    assert "another --base" in call(tmp_path / "a", tmp_path / "b").stderr


def test_every_word_has_a_table_and_stands_in_the_docs(call):
    assert tuple(_COLUMNS) == WORDS
    page = (Path(__file__).parents[1] / "docs/diff.md").read_text()
    for word in WORDS:
        how, _, what = word.partition("-")
        row = next(line for line in page.splitlines() if line.startswith(f"| {what} |"))
        assert f"`{how}-`" in row, word
