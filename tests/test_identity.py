"""One thing that two documents describe under two IRIs: what makes it one node, what keeps two apart, and back again."""

import itertools
import json

import pytest
from conftest import BASE, collection, model
from hypothesis import given, settings
from hypothesis import strategies as st

from mlaoi_graph import identity, rdf
from mlaoi_graph.catalog import Catalog
from mlaoi_graph.vocab import MLAOI

DOI = "10.5281/zenodo.4242"
WEIGHTS = "1220" + "ab" * 32
HOME = "https://home.example.org/clay.json"
COPY = "https://copy.example.com/models/clay.json"


def at(address, document, **fields):
    """Return a document with a self link, and more fields of its own."""
    return document | {"links": [*document["links"], {"rel": "self", "href": address}]} | fields


def doi(document, name=DOI):
    if document["type"] == "Feature":
        return document | {"properties": document["properties"] | {"sci:doi": name}}
    return document | {"sci:doi": name}


def weights(document, *checksums):
    assets = {
        f"a{i}": {"href": f"./{i}.pt", "roles": ["mlm:model"], "file:checksum": c} for i, c in enumerate(checksums)
    }
    return document | {"assets": assets}


def canonical(href, **fields):
    return {"rel": "canonical", "href": href} | fields


def build(tmp_path, *sources, into=None):
    """Return a catalog of sources that are each a folder with the documents given."""
    made = into or Catalog.create()
    for name, documents in sources:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        for number, document in enumerate(documents):
            (folder / f"{document['id']}-{number}.json").write_text(json.dumps(document))
        made.ingest(folder)
    return made


def models(catalog):
    return {m.iri for m in catalog.models() if m.resolved}


def datasets(catalog):
    return {d.iri for d in catalog.datasets() if d.resolved}


def documents(catalog):
    """Return what stands in the graphs of documents, and what was inferred."""
    return {
        tuple(map(str, (q.graph_name, q.subject, q.predicate, q.object)))
        for q in catalog.store.match()
        if q.graph_name.value != rdf.LOG_GRAPH
    }


@pytest.fixture(params=["memory", "disk"])
def empty(request, tmp_path):
    numbers = itertools.count()

    def make():
        return Catalog.create() if request.param == "memory" else Catalog.create(tmp_path / f"cat{next(numbers)}")

    return make


# -- what makes two one ------------------------------------------------------------------------------------------------


def test_a_canonical_link_makes_one_node_under_the_canonical_address(tmp_path):
    copy = at(COPY, model("clay-copy", canonical(HOME)))
    with build(tmp_path, ("home", [at(HOME, model("clay"))]), ("copies", [copy])) as catalog:
        assert models(catalog) == {HOME}
        assert COPY in catalog.node(HOME).aliases
        assert catalog.find(COPY) == HOME


def test_copies_that_name_one_canonical_address_are_one_though_nobody_has_read_it(tmp_path):
    home = canonical(HOME, type="application/json")
    sources = [(name, [at(f"https://{name}.com/m", model("clay", home))]) for name in ("a", "b")]
    with build(tmp_path, *sources) as catalog:
        assert models(catalog) == {"https://a.com/m"}
        assert {HOME, "https://b.com/m"} <= set(catalog.node("https://a.com/m").aliases)


def test_an_address_that_nobody_has_read_may_be_that_of_several(tmp_path):
    """One page of a paper, or of a repository with two checkpoints."""
    sources = [(name, [at(f"https://{name}.com/m", model(name, canonical(HOME)))]) for name in ("small", "large")]
    with build(tmp_path, *sources) as catalog:
        assert len(models(catalog)) == 2


def test_an_address_that_nobody_has_read_and_that_names_no_json_may_be_a_page(tmp_path):
    page = canonical("https://x.org/paper")
    with build(tmp_path, *((n, [at(f"https://{n}.com/m", model("clay", page))]) for n in "ab")) as catalog:
        assert len(models(catalog)) == 2


def test_a_canonical_page_for_people_is_no_name(tmp_path):
    links = [canonical(HOME, type="text/html")]
    with build(tmp_path, *((name, [at(f"https://{name}.com/m", model("m", *links))]) for name in "ab")) as catalog:
        assert len(models(catalog)) == 2


def test_a_listed_alias_makes_one_node_under_the_address_that_is_listed(tmp_path):
    record = model("clay", **{"mlm:name": [HOME]})
    record["properties"]["mlm:name"] = HOME
    with build(tmp_path, ("ours", [record]), ("home", [at(HOME, model("clay-v1"))])) as catalog:
        assert models(catalog) == {HOME}
        assert f"{BASE}items/clay" in catalog.node(HOME).aliases


def test_a_name_as_alias_makes_nothing_one(tmp_path):
    with build(
        tmp_path,
        ("a", [model("vit-b")]),
        ("b", [at(HOME, model("clay", **{"mlm:name": "vit-b"}))]),
    ) as catalog:
        assert len(models(catalog)) == 2


def test_the_same_weights_make_one_model_whatever_it_is_called(tmp_path):
    one, other = weights(at(HOME, model("clay")), WEIGHTS), weights(at(COPY, model("mirror-7")), WEIGHTS)
    with build(tmp_path, ("home", [one]), ("mirror", [other])) as catalog:
        assert models(catalog) == {COPY}  # the first in order: nobody says which is the first published
        assert HOME in catalog.node(COPY).aliases


def test_some_of_the_weights_make_nothing_one(tmp_path):
    encoder, whole = model("encoder"), model("segmenter")
    with build(
        tmp_path,
        ("a", [weights(at(HOME, encoder), WEIGHTS)]),
        ("b", [weights(at(COPY, whole), WEIGHTS, "1220" + "cd" * 32)]),
    ) as catalog:
        assert len(models(catalog)) == 2


def test_a_doi_and_a_name_make_one_dataset_with_all_that_is_said_of_it(tmp_path):
    user = model(
        "user", {"rel": "derived_from", "href": "https://b.org/fields", "lineage:stage": "test", "ml-aoi:split": "test"}
    )
    home = at("https://a.org/fields", collection("Swiss-Fields", bbox=(7, 46, 8, 47)))
    copy = at("https://b.org/fields", collection("x", title="swiss fields", bbox=(8, 46, 9, 47)))
    with build(tmp_path, ("a", [doi(home)]), ("b", [doi(copy, DOI.upper())]), ("c", [user])) as catalog:
        assert datasets(catalog) == {"https://a.org/fields", "https://a.org/fields/test"}
        node = catalog.node("https://a.org/fields")
        assert set(node.footprints) == {"https://a.org/fields#extent", "https://b.org/fields#extent"}
        (use,) = catalog.uses()
        assert use.dataset == "https://a.org/fields/test"
        (part,) = (d for d in catalog.datasets() if d.split == "test")
        assert part.part_of == ("https://a.org/fields",)
        assert catalog.find("https://b.org/fields") == "https://a.org/fields"
        answer = catalog.query("SELECT ?m ?d { ?m mlaoi:testedOn ?d }", d="https://a.org/fields/test")
        assert [row["m"] for row in answer] == [f"{BASE}items/user"]
        assert {n for n in catalog.to_networkx() if "b.org" in n} == set()


@pytest.mark.parametrize("written", ["https://doi.org/{}", "http://dx.doi.org/{}", "doi:{}", "DOI: {}"])
@pytest.mark.parametrize("name", ["10.5281/zenodo.4242", "10.1/y"])
def test_a_doi_is_one_however_it_is_written(tmp_path, written, name):
    one, other = doi(at(HOME, model("clay")), name), doi(at(COPY, model("clay")), written.format(name.upper()))
    with build(tmp_path, ("a", [one]), ("b", [other])) as catalog:
        assert models(catalog) == {COPY}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        # Two sizes of one paper, whose mlm:name is the architecture.
        (
            model("satmae-b", title="SatMAE base", **{"mlm:name": "ViT"}),
            model("satmae-l", title="SatMAE large", **{"mlm:name": "ViT"}),
        ),
        (model("satmae-b", title="SatMAE"), model("satmae-l", title="SatMAE")),
        (collection("levir-labels", title="Labels"), collection("whu-labels", title="labels")),
        (collection("labels"), collection("labels")),
        (collection("eurosat", title="EuroSAT"), collection("eurosat-ms", title="EuroSAT")),
        (model("vit"), model("ViT")),
        (model("clay-1", **{"mlm:architecture": "ClayMAE"}), model("clay-2", title="clay mae")),
        (
            model("claymae", **{"mlm:architecture": "ClayMAE"}),
            model("claymae", **{"mlm:architecture": "ClayMAE"}),
        ),
    ],
)
def test_a_doi_and_what_many_are_called_make_nothing_one(tmp_path, one, other):
    with build(tmp_path, ("a", [doi(at(HOME, one))]), ("b", [doi(at(COPY, other))])) as catalog:
        assert len(models(catalog) | datasets(catalog)) == 2


@pytest.mark.parametrize("sources", [("a", "a"), ("a", "b")])
def test_models_that_share_their_weights_and_are_two_are_told(tmp_path, sources):
    one, other = (
        weights(at(HOME, model("m", version="1")), WEIGHTS),
        weights(at(COPY, model("o", version="2")), WEIGHTS),
    )
    told = []
    for name, document in zip(sources, (one, other), strict=True):
        (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / name / f"{document['id']}.json").write_text(json.dumps(document))
    with Catalog.create() as catalog:
        for name in dict.fromkeys(sources):
            told += [f for f in catalog.ingest(tmp_path / name).findings.kept if f.rule == "kept-apart"]
        assert len(told) == 1
        assert models(catalog) == {HOME, COPY}
        for node, shared in ((HOME, COPY), (COPY, HOME)):
            reasons = [gap.reason for gap in catalog.lineage.unknowns(node) if gap.what == "same-weights"]
            assert len(reasons) == 1
            assert shared in reasons[0]


@pytest.mark.parametrize("role", ["mlm:model", "data"])
def test_weights_of_which_one_file_states_no_checksum_make_nothing_one(tmp_path, role):
    """A backbone that both have, and a head of each."""
    sources = []
    for name, address in (("a", HOME), ("b", COPY)):
        segmenter = weights(at(address, model(f"{name}-segmenter")), WEIGHTS)
        segmenter["assets"]["head"] = {"href": "./head.pt", "roles": [role]}
        sources.append((name, [segmenter]))
    with build(tmp_path, *sources) as catalog:
        assert len(models(catalog)) == 2
        told = catalog.ingest(tmp_path / "a").findings.kept
        assert [(f.rule, f.pointer) for f in told] == [("some-checksums", "/assets")]


def test_many_that_one_source_tells_apart_under_one_doi_are_told_apart_at_once():
    """Pairs of 20 000 would be 200 million."""
    things = [
        identity._Thing(
            f"https://a.org/{n}",
            True,
            False,
            *[frozenset()] * 2,
            *[frozenset({"m"})] * 2,
            frozenset(),
            frozenset({"a"}),
        )
        for n in range(20_000)
    ]
    with Catalog.create() as catalog:
        assert identity._Things(catalog.store, BASE).differ(things) == "a tells them apart"


def test_a_reference_by_doi_finds_what_is_one(tmp_path):
    user = model("user", **{"mlm:pretrained_source": DOI})
    sources = [(n, [doi(at(f"https://{n}.org/f", collection("fields")))]) for n in "ab"]
    with build(tmp_path, *sources, ("c", [user])) as catalog:
        (use,) = catalog.uses()
        assert use.dataset == "https://a.org/f"
        assert not list(catalog.unresolved())


@pytest.mark.parametrize("order", ["abc", "cba", "bac"])
def test_a_reference_to_a_canonical_address_that_nobody_has_read_leads_to_what_gives_it(tmp_path, empty, order):
    known_as = "https://x.org/{}.json"
    m = at(HOME, model("m", canonical(known_as.format("m"), type="application/json")))
    d = at("https://b.org/d", collection("d", canonical(known_as.format("d"))))
    fine = model(
        "fine",
        {"rel": "derived_from", "href": known_as.format("m")},
        {"rel": "derived_from", "href": known_as.format("d"), "ml-aoi:split": "train"},
    )
    sources = {"a": [m], "b": [d], "c": [fine]}
    with build(tmp_path, *((name, sources[name]) for name in order), into=empty()) as catalog:
        edges = {(e.predicate, e.object) for e in catalog.edges() if e.subject == f"{BASE}items/fine"}
        assert edges == {("derivedFromModel", HOME), ("trainedOn", "https://b.org/d/train")}
        assert not list(catalog.unresolved())
        (use,) = catalog.uses()
        assert use.dataset == "https://b.org/d/train"
        # As it was, when that is gone; and back again.
        one = documents(catalog)
        catalog.remove(f"{BASE}documents/a/m-0.json")
        assert [row.iri for row in catalog.unresolved()] == [known_as.format("m")]
        catalog.ingest(tmp_path / "a")
        assert documents(catalog) == one
        # What is read there is what was meant.
        build(tmp_path, ("z", [at(known_as.format("m"), model("other", version="2"))]), into=catalog)
        assert known_as.format("m") in models(catalog)
        assert known_as.format("m") in {e.object for e in catalog.edges() if e.subject == f"{BASE}items/fine"}


def test_what_refers_to_the_address_it_is_known_by_does_not_come_from_itself(tmp_path):
    copy = at(COPY, model("copy", canonical(HOME), {"rel": "derived_from", "href": HOME}))
    with build(tmp_path, ("a", [copy])) as catalog:
        assert {(e.subject, e.object) for e in catalog.edges()} == {(COPY, HOME)}


def test_an_address_that_two_things_give_as_theirs_leads_to_neither(tmp_path):
    sources = [(n, [at(f"https://{n}.org/m", model(n, canonical(HOME)))]) for n in ("small", "large")]
    fine = model("fine", {"rel": "derived_from", "href": HOME})
    with build(tmp_path, *sources, ("c", [fine])) as catalog:
        assert {e.object for e in catalog.edges() if e.subject == f"{BASE}items/fine"} == {HOME}


# -- what keeps two apart ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "why"),
    [
        (model("m", version="1"), model("m", version="2"), "versions 1, 2"),
        (collection("m"), model("m"), "one is a model, the other is data"),
        (collection("m", split="train"), collection("m", split="test"), "they are other splits"),
        (collection("m", split="train"), collection("m"), "they are other splits"),
        (model("small"), model("large"), "they go by other names"),
        (model("m"), model("m", {"rel": "derived_from", "href": HOME}), "one came from, is a part of, or follows"),
        (
            model("m"),
            model("m", {"rel": "predecessor-version", "href": HOME}),
            "one came from, is a part of, or follows",
        ),
        (collection("m"), collection("m", {"rel": "derived_from", "href": HOME}), "one came from, is a part of, or"),
        (collection("m"), collection("m", {"rel": "lineage:part_of", "href": HOME}), "one came from, is a part of, or"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_one_doi_does_not_make_one_of_what_differs(tmp_path, one, other, why):
    with build(tmp_path, ("a", [doi(at(HOME, one))])) as catalog:
        build(tmp_path, ("b", [doi(at(COPY, other))]), into=catalog)
        report = catalog.ingest(tmp_path / "b", name="b2")  # the same files again, as another source would have them
        assert len(models(catalog) | datasets(catalog)) == 2
        assert not list(catalog.store.match(None, MLAOI.asRead))
        (finding,) = (f for f in report.findings.kept if f.rule == "kept-apart")
        assert why in finding.message
        assert {HOME, COPY} <= set(finding.message.replace(",", "").split())


def test_versions_written_in_two_ways_do_not_differ(tmp_path):
    sources = (("a", [doi(at(HOME, model("m", version="v1.5")))]), ("b", [doi(at(COPY, model("m", version="1.5")))]))
    with build(tmp_path, *sources) as catalog:
        assert len(models(catalog)) == 1


def test_one_doi_and_id_under_two_titles_are_one_and_both_titles_are_told(tmp_path):
    one, other = (
        doi(at(where, model("clay", title=title))) for where, title in ((HOME, "Clay, small"), (COPY, "Clay: large"))
    )
    with build(tmp_path, ("a", [one]), ("b", [other])) as catalog:
        assert len(models(catalog)) == 1
        for _ in range(2):
            report = catalog.ingest(tmp_path / "b")
            (told,) = (f.message for f in report.findings.kept if f.rule == "titles-differ")
            assert f"{COPY} 'Clay: large'" in told
        # A title that only is the id says nothing else.
    with build(tmp_path, ("c", [at(HOME, doi(model("clay")))]), ("d", [other])) as catalog:
        report = catalog.ingest(tmp_path / "d")
        assert [f for f in report.findings.kept if f.rule == "titles-differ"] == []


def test_what_comes_from_the_other_through_a_third_is_not_the_other(tmp_path):
    middle = at("https://c.org/m", model("between", {"rel": "derived_from", "href": HOME}))
    last = weights(at(COPY, model("m", {"rel": "derived_from", "href": "https://c.org/m"})), WEIGHTS)
    with build(tmp_path, ("a", [weights(at(HOME, model("m")), WEIGHTS)]), ("b", [last]), ("c", [middle])) as catalog:
        assert len(models(catalog)) == 3


def test_one_source_tells_its_own_things_apart(tmp_path):
    """Three splits, a paper's models: one DOI, one publisher, several things."""
    mine = [doi(at(f"https://a.org/{n}", model("m"))) for n in (1, 2)]
    with build(tmp_path, ("a", mine)) as catalog:
        assert len(models(catalog)) == 2
        build(tmp_path, ("b", [doi(at(HOME, model("m")))]), into=catalog)
        assert len(models(catalog)) == 3  # which of the two would it be?


def test_a_source_that_names_one_of_its_own_as_the_other_is_believed(tmp_path):
    with build(tmp_path, ("a", [at(HOME, model("m")), at(COPY, model("copy", canonical(HOME)))])) as catalog:
        assert models(catalog) == {HOME}


def test_two_versions_are_not_made_one_through_a_third_that_states_none(tmp_path):
    """A and B share weights, B and C a DOI, and A and C are two versions."""
    a = weights(at("https://a.org/m", model("m", version="1")), WEIGHTS)
    b = doi(weights(at("https://b.org/m", model("m")), WEIGHTS))
    c = doi(at("https://c.org/m", model("m", version="2")))
    with build(tmp_path, ("a", [a]), ("b", [b]), ("c", [c])) as catalog:
        assert len(models(catalog)) == 3


# -- recorded, and undone ----------------------------------------------------------------------------------------------


def pair():
    return (
        ("a", [doi(at("https://a.org/f", collection("fields")))]),
        ("b", [doi(at("https://b.org/f", collection("fields", {"rel": "derived_from", "href": "https://c.org/raw"})))]),
        ("c", [at("https://c.org/raw", collection("raw")), model("user", {"rel": "derived_from", "href": "https://b.org/f", "ml-aoi:split": "train"})]),
    )  # fmt: skip


def test_it_is_told_and_logged_once(tmp_path):
    sources = pair()
    with build(tmp_path, *sources[:1]) as catalog:
        folder = tmp_path / "b"
        folder.mkdir()
        (folder / "f.json").write_text(json.dumps(sources[1][1][0]))
        told = [str(f) for f in catalog.ingest(folder).findings.kept if f.rule == "same-thing"]
        assert told == [
            "catalog  same-thing  https://b.org/f is https://a.org/f: they share DOI 10.5281/zenodo.4242. "
            "It stands under the latter, and is an alias of it"
        ]
        (folder / "more.json").write_text(json.dumps(collection("more")))
        again = catalog.ingest(folder)
        assert again.read == 1
        assert [f.rule for f in again.findings.kept if f.rule == "same-thing"] == []
        rows = catalog.query(
            "SELECT ?stays ?other ?why { GRAPH <https://w3id.org/mlaoi/graph/log> { "
            "?entry a mlaoi:Identification ; mlaoi:ofThing ?stays ; mlaoi:otherIri ?other ; mlaoi:note ?why } }"
        )
        assert [tuple(row.values()) for row in rows] == [("https://a.org/f", "https://b.org/f", f"DOI {DOI}")]
        catalog.remove(f"{BASE}documents/a/fields-0.json")
        rows = catalog.query(
            "SELECT ?stays ?other { ?entry a mlaoi:Separation ; mlaoi:ofThing ?stays ; mlaoi:otherIri ?other }"
        )
        assert [tuple(row.values()) for row in rows] == [("https://a.org/f", "https://b.org/f")]


@pytest.mark.parametrize("gone", ["a/fields-0.json", "b/fields-0.json"])
def test_removing_a_document_leaves_what_a_fresh_build_without_it_has(tmp_path, empty, gone):
    with build(tmp_path, *pair(), into=empty()) as catalog:
        assert "https://b.org/f" not in datasets(catalog)
        catalog.remove(f"{BASE}documents/{gone}")
        (tmp_path / gone).unlink()
        with empty() as fresh:
            for name in "abc":
                fresh.ingest(tmp_path / name)
            if gone == "b/fields-0.json":
                # What refers to a document that is gone still points at it, and is read again with its source.
                catalog.ingest(tmp_path / "c")
            left, there = (
                {line for line in documents(which) if "graph/inferred" not in line[0]} for which in (catalog, fresh)
            )
            if gone != "a/fields-0.json":
                left, there = ({line for line in lines if "documents/c/" not in line[0]} for lines in (left, there))
            assert left == there


def test_reading_again_changes_nothing(tmp_path, empty):
    with build(tmp_path, *pair(), into=empty()) as catalog:
        before = documents(catalog)
        for name in "abc":
            assert catalog.ingest(tmp_path / name).read == 0
        assert documents(catalog) == before


def test_a_document_that_says_so_no_more_tells_them_apart_and_a_build_makes_them_one_again(tmp_path, empty):
    with build(tmp_path, *pair(), into=empty()) as catalog:
        one = documents(catalog)
        file = tmp_path / "b" / "fields-0.json"
        published = file.read_text()
        file.write_text(published.replace(DOI, "10.5281/zenodo.1"))
        report = catalog.ingest(tmp_path / "b")
        assert [f.rule for f in report.findings.kept if f.rule == "told-apart"] == ["told-apart"]
        assert {"https://a.org/f", "https://b.org/f"} <= datasets(catalog)
        (use,) = catalog.uses()
        assert use.dataset == "https://b.org/f/train"
        file.write_text(published)
        catalog.ingest(tmp_path / "b")
        assert documents(catalog) == one


def test_a_run_that_is_cut_short_is_mended_by_the_next(tmp_path, empty, monkeypatch):
    with build(tmp_path, *pair(), into=empty()) as catalog:
        one = documents(catalog)
        (tmp_path / "b" / "fields-0.json").touch()
        with monkeypatch.context() as patch:
            patch.setattr(identity, "unite", lambda *_: (_ for _ in ()).throw(RuntimeError("cut short")))
            with pytest.raises(RuntimeError, match="cut short"):
                catalog.remove(f"{BASE}documents/c/raw-0.json")
        catalog.ingest(tmp_path / "c")
        assert documents(catalog) == one


def test_an_update_of_a_document_stays_when_things_are_told_apart(tmp_path, empty):
    with build(tmp_path, *pair(), into=empty()) as catalog:
        document = f"{BASE}documents/b/fields-0.json"
        catalog.update(f'INSERT DATA {{ GRAPH <{document}> {{ <https://a.org/f> mlaoi:license "CC0-1.0" }} }}')
        assert "CC0-1.0" in str(catalog.said_of("https://a.org/f")[document])
        catalog.remove(f"{BASE}documents/a/fields-0.json")
        assert "CC0-1.0" in str(catalog.said_of("https://a.org/f")[document])
        # The others say again what they said before.
        (use,) = catalog.uses()
        assert use.dataset == "https://b.org/f/train"


# -- any order ---------------------------------------------------------------------------------------------------------

NODES = ("https://a.org/x", "https://b.org/x", "https://c.org/x", f"{BASE}items/d")


@st.composite
def published(draw):
    """Return four sources of one model or dataset each, which may share addresses, DOIs, weights, versions and edges."""
    found = []
    for number, iri in enumerate(NODES):
        links = [
            draw(
                st.sampled_from(
                    [
                        {"rel": "derived_from"},
                        {"rel": "derived_from", "ml-aoi:split": "train"},
                        {"rel": "predecessor-version"},
                        {"rel": "canonical"},
                    ]
                )
            )
            | {"href": other}
            for other in draw(st.lists(st.sampled_from(NODES[:3]), max_size=2, unique=True))
        ]
        name = "d" if number == 3 else draw(st.sampled_from(["m", "n"]))
        make = draw(st.sampled_from([model, model, collection]))
        document = make(name, *links)
        version = draw(st.sampled_from([None, None, None, "1", "2"]))
        if version:
            (document["properties"] if make is model else document)["version"] = version
        if draw(st.booleans()):
            document = doi(document)
        if draw(st.booleans()):
            document = weights(document, WEIGHTS)
        found.append((f"s{number}", document if number == 3 else at(iri, document)))
    return found


@settings(max_examples=20, deadline=None)
@given(sources=published(), order=st.permutations(range(4)), back=st.integers(0, 3))
def test_any_order_and_any_detour_give_the_same_graph(sources, order, back, tmp_path_factory):
    folder = tmp_path_factory.mktemp("any")
    for name, document in sources:
        (folder / name).mkdir()
        (folder / name / "m.json").write_text(json.dumps(document))
    graphs = []
    for way in (range(4), order):
        with Catalog.create() as catalog:
            for number in way:
                catalog.ingest(folder / f"s{number}")
            graphs.append(documents(catalog))
            if way is not order:
                continue
            # One goes and comes back.
            catalog.remove(f"{BASE}documents/s{back}/m.json")
            catalog.ingest(folder / f"s{back}")
            graphs.append(documents(catalog))
    assert graphs[0] == graphs[1] == graphs[2]


def test_what_is_one_is_exported_as_one_and_read_back(tmp_path):
    with build(tmp_path, *pair()) as catalog:
        catalog.export_stac(tmp_path / "out")
        with Catalog.create() as back:
            back.ingest(tmp_path / "out")
            assert datasets(back) == datasets(catalog)
            assert "https://b.org/f" in back.node("https://a.org/f").aliases
            edges = (
                {(e.subject, e.predicate, e.object) for e in which.edges() if e.predicate != "partOf"}
                for which in (catalog, back)
            )
            assert next(edges) == next(edges)
