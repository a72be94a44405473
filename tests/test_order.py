"""What is in a catalog follows from the documents in it: in whichever order, and in however many sources, they came."""

import json
import re

import pytest
from conftest import BASE, box, collection, link, model, sample
from hypothesis import given, settings
from hypothesis import strategies as st

from mlaoi_graph import rdf
from mlaoi_graph.catalog import Catalog
from mlaoi_graph.model import DerivationKind, Rule, Stage
from mlaoi_graph.queries.results import Verdict
from mlaoi_graph.stores.oxigraph import OxigraphStore
from mlaoi_graph.vocab import MLAOI

NAMES = ("c", "d", "m", "s")
URLS = {
    "model": ("https://x.org/1", "https://x.org/2"),
    "collection": ("https://x.org/2", "https://y.org/3"),
    "sample": ("https://z.org/4",),
}
ADDRESSES = tuple(dict.fromkeys(url for urls in URLS.values() for url in urls))
DOIS = ("10.1234/a", "10.1234/b")
_FILE = re.compile(r"documents/w\d/(?:w\d/)?\d+-(k\d+)\.json")
_PATH = re.compile(r"[^ ']*/\d+-(k\d+)\.json")


def build(folder, documents, layout, *, order=None):
    """Return a catalog of documents in sources, ``layout`` their keys in the order of their files' names."""
    for number, keys in enumerate(layout):
        (folder / f"w{number}").mkdir(parents=True)
        for place, key in enumerate(keys):
            (folder / f"w{number}" / f"{place}-{key}.json").write_text(json.dumps(documents[key]))
    catalog = Catalog.create()
    for number in order or range(len(layout)):
        catalog.ingest(folder / f"w{number}", name=f"w{number}")
    return catalog


def graph(catalog):
    """Return all that documents say and what is inferred, each document by its key.

    Not what is kept to be said again: an item may be told in it by the name of its collection, or by what that stands for.
    """
    return {
        tuple(_FILE.sub(r"documents/\1", str(term)) for term in (q.graph_name, q.subject, q.predicate, q.object))
        for q in catalog.store.match()
        if q.graph_name.value != rdf.LOG_GRAPH and q.predicate.value != MLAOI.asRead
    }


def found(catalog, folder, layout):
    """Return what reading every source again finds."""
    told = set()
    for number in range(len(layout)):
        report = catalog.ingest(folder / f"w{number}", name=f"w{number}")
        assert (report.read, report.relinked) == (0, 0)
        for f in report.findings.kept:
            # Of several documents that say the same, one is named: by the names of the files, which an order changes here.
            where = (
                "" if f.rule in ("duplicate-id", "cycle") else _PATH.sub(r"\1", _FILE.sub(r"documents/\1", f.document))
            )
            told.add((where.removeprefix(f"{BASE}documents/"), f.pointer, f.rule, f.message))
    return told


# -- cases -------------------------------------------------------------------------------------------------------------

C = "https://a.org/c"


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)])
def test_an_id_that_two_sources_have_leads_to_neither_whichever_came_first(tmp_path, order):
    documents = {
        "k0": collection("c", link("self", C)),
        "k1": collection("c", link("self", "https://b.org/c")),
        "k2": model("m", link("derived_from", "c")),
        "k3": sample("s", "c"),
    }
    with build(tmp_path, documents, [["k0"], ["k1"], ["k2", "k3"]], order=order) as catalog:
        assert {n.unresolved_name for n in catalog.unresolved()} == {"c"}
        assert not {d.iri for d in catalog.datasets() if any(f.endswith("#area") for f in d.footprints)} & {C}
        # With one of the two gone it leads to the other, from the next build on, and back.
        catalog.remove(f"{BASE}documents/w1/0-k1.json")
        (tmp_path / "w1" / "0-k1.json").unlink()
        catalog.ingest(tmp_path / "w2", name="w2")
        assert [(u.stage, u.dataset, u.rule) for u in catalog.uses()] == [(Stage.TRAINING, C, Rule.BARE_DERIVED_FROM)]
        assert f"{BASE}collections/c/items/s#area" in catalog.node(C).footprints
        (tmp_path / "w1" / "0-k1.json").write_text(json.dumps(documents["k1"]))
        catalog.ingest(tmp_path / "w1", name="w1")
        assert {n.unresolved_name for n in catalog.unresolved()} == {"c"}
        assert not list(catalog.uses())


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)])
@pytest.mark.parametrize(
    ("other", "several"),
    [(model("c"), DerivationKind.UNKNOWN), (collection("c", link("self", "https://b.org/c")), Stage.PRETRAINING)],
    ids=["a model", "data"],
)
def test_a_name_of_several_things_is_said_to_be_data_only_if_all_are(tmp_path, other, several, order):
    """By ``mlm:pretrained_source``, which is defined as the name of data and in the wild names models too."""
    documents = {
        "k0": collection("c", link("self", C)),
        "k1": other,
        "k2": model("m", **{"mlm:pretrained_source": "c"}),
    }
    told = {("k2", "/properties/mlm:pretrained_source", "ambiguous-id")}

    def said():
        return [(u.stage, u.dataset) for u in catalog.uses()] + [(d.kind, d.source) for d in catalog.derivations()]

    with build(tmp_path, documents, [["k0"], ["k1"], ["k2"]], order=order) as catalog:
        for _ in range(2):
            assert said() == [(several, f"{BASE}unresolved/c")]
            assert {where[:3] for where in found(catalog, tmp_path, [["k0"], ["k1"], ["k2"]])} == told
        catalog.remove(f"{BASE}documents/w1/0-k1.json")
        (tmp_path / "w1" / "0-k1.json").unlink()
        catalog.ingest(tmp_path / "w2", name="w2")
        assert said() == [(Stage.PRETRAINING, C)]
        (tmp_path / "w1" / "0-k1.json").write_text(json.dumps(other))
        catalog.ingest(tmp_path / "w1", name="w1")
        assert said() == [(several, f"{BASE}unresolved/c")]


def test_a_name_that_means_another_thing_now_is_looked_up_again(tmp_path):
    """An id goes before a title, and the address minted of a collection's id before both."""
    documents = {
        "k0": sample("s", "fields"),
        "k1": collection("x", link("self", C), title="fields"),
        "k2": collection("fields", link("self", "https://b.org/fields")),
        "k3": collection("fields"),
    }
    with Catalog.create() as catalog:
        for number, whole in enumerate(
            (f"{BASE}collections/fields", C, "https://b.org/fields", f"{BASE}collections/fields")
        ):
            (tmp_path / f"w{number}").mkdir()
            (tmp_path / f"w{number}" / f"0-k{number}.json").write_text(json.dumps(documents[f"k{number}"]))
            catalog.ingest(tmp_path / f"w{number}", name=f"w{number}")
            assert [d.iri for d in catalog.datasets() if f"{BASE}collections/fields/items/s#area" in d.footprints] == [
                whole
            ]


def test_what_others_call_a_thing_is_no_name_of_it(tmp_path):
    documents = {
        "k0": sample("s", "fields", link("collection", C)),  # calls it by an id that is not its own
        "k1": collection("x", link("self", C)),
        "k2": model("m", link("derived_from", "fields")),
    }
    for number, order in enumerate(((0, 1, 2), (2, 1, 0))):
        with build(tmp_path / str(number), documents, [["k0"], ["k1"], ["k2"]], order=order) as catalog:
            assert [n.unresolved_name for n in catalog.unresolved()] == ["fields"]


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 2, 0), (2, 1, 0)])
def test_what_a_second_document_says_of_a_thing_counts_for_those_who_refer_to_it(tmp_path, order):
    """Another source says that it is one split: what refers to it by address in a third is typed again."""
    documents = {
        "k0": model("m", link("derived_from", C, **{"ml-aoi:split": "train"})),
        "k1": collection("c", link("self", C)),
        "k2": collection("c", link("self", C), split="train"),
    }
    with build(tmp_path, documents, [["k0"], ["k1"], ["k2"]], order=order) as catalog:
        assert [u.dataset for u in catalog.uses()] == [C]


def test_a_use_of_a_split_of_what_is_declared_another_is_a_use_of_a_part(tmp_path):
    """DESIGN: what states a split points at the part, and never at the whole."""
    documents = {
        "k0": model("m", link("derived_from", C, **{"ml-aoi:split": "train"})),
        "k1": collection("c", link("self", C), split="test"),
        "k2": sample("s", "c", link("collection", C), split="train"),
    }
    for number, order in enumerate(((0, 1), (1, 0))):
        with build(tmp_path / str(number), documents, [["k0"], ["k1", "k2"]], order=order) as catalog:
            (use,) = catalog.uses()
            assert (use.dataset, use.split) == (f"{C}/train", "train")
            (part,) = (d for d in catalog.datasets() if d.iri == use.dataset)
            assert part.part_of == (C,)
            assert part.footprints == (f"{BASE}collections/c/items/s#area",)
            told = {(rule, pointer) for _, pointer, rule, _ in found(catalog, tmp_path / str(number), [0, 1])}
            assert told == {
                ("split-against-declared", "/links/0"),
                ("split-against-declared", "/properties/ml-aoi:split"),
            }


def test_two_uses_of_one_item_alone_say_the_same_of_it(tmp_path):
    uses = {f"k{n}": model(f"m{n}", link("derived_from", "s")) for n in range(2)}
    with build(
        tmp_path, uses | {"k2": sample("s", "c"), "k3": collection("c")}, [["k2", "k3"], ["k0"], ["k1"]]
    ) as catalog:
        said = [
            catalog.said_of(f"{BASE}collections/c/items/s")[f"{BASE}documents/w{n + 1}/0-k{n}.json"] for n in range(2)
        ]
        assert said[0] == said[1]


def test_what_names_a_collection_by_id_alone_is_written_once(tmp_path, monkeypatch):
    """In a first build the collection is mostly read before its items; that the id means it is seen at the end."""
    written = []
    replace = OxigraphStore.replace
    monkeypatch.setattr(
        OxigraphStore, "replace", lambda store, graphs, **more: (written.extend(graphs), replace(store, graphs, **more))
    )
    documents = {"k0": collection("c", link("self", C), title="of all")}
    documents |= {f"k{n}": sample(f"s{n}", "c", split="train") for n in range(1, 4)}
    documents["k4"] = model("m", link("derived_from", "1-k1.json"))
    with build(tmp_path, documents, [list(documents)]) as catalog:
        assert written == [f"{BASE}documents/w0/4-k4.json"]
        (part,) = (d for d in catalog.datasets() if d.part_of == (C,) and d.split)
        assert (part.iri, part.label, len(part.footprints)) == (f"{C}/train", "of all (train)", 3)
        (use,) = catalog.uses()
        assert catalog.node(use.dataset).part_of == (part.iri,)
        assert not list(catalog.unresolved())


@pytest.mark.parametrize("number", [2, 3])
def test_an_item_leads_to_what_its_collection_s_id_means_when_all_is_read(tmp_path, number):
    """Taken for the one collection that was read before, it is put back when another has that id too, or its address."""
    documents = {
        "k0": collection("c", link("self", C)),
        "k1": sample("s", "c", split="train"),
        "k2": collection("c", link("self", "https://b.org/c")),
        "k3": collection("c"),
    }
    where = {2: "", 3: f"{BASE}collections/c"}[number]
    layout = [["k0", "k1", *list(documents)[2 : number + 1]]]
    with build(tmp_path, documents, layout) as catalog:
        holders = [d.part_of for d in catalog.datasets() if f"{BASE}collections/c/items/s#area" in d.footprints]
        assert holders == [(where or f"{BASE}collections/c",)]
        assert {n.unresolved_name for n in catalog.unresolved()} == ({"c"} if number == 2 else set())


def test_a_report_holds_only_what_stands_when_all_is_read(tmp_path):
    """An item is found to be of another split than its collection, and that is said to be two by a later document."""
    documents = {
        "k0": collection("c", link("self", C), split="train"),
        "k1": sample("s", "c", link("collection", C), split="test"),
        "k2": collection("c", link("self", C), split="test"),
    }
    folder = tmp_path / "w"
    folder.mkdir()
    for key in documents:
        (folder / f"{key}.json").write_text(json.dumps(documents[key]))
    for catalog in (Catalog.create(), Catalog.create()):
        with catalog:
            said = [catalog.ingest(folder).findings for _ in range(2)]
            assert [sorted(f.rule for f in one.kept) for one in said] == [["duplicate-id"]] * 2
            assert [len(one) for one in said] == [1, 1]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_an_item_that_is_named_by_id_is_of_its_collection_as_that_is_described_now(tmp_path, order):
    """Its collection, told by address, turns out to be the one split the item states, and so not to have it as a part."""
    documents = {
        "k0": sample("s", "c", link("collection", C), split="train"),
        "k1": model("m", link("derived_from", "s")),
        "k2": collection("c", link("self", C), split="train"),
    }
    with build(tmp_path, documents, [["k0", "k1"], ["k2"]], order=order) as catalog:
        (use,) = catalog.uses()
        assert catalog.node(use.dataset).part_of == (C,)


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1), (2, 0, 1), (1, 2, 0)])
def test_what_was_found_while_two_things_were_one_is_found_no_more(tmp_path, order):
    """A name leads to what bears it itself, until a dataset of the same DOI tells that the DOI is a paper's."""
    documents = {
        "k0": model("m", **{"sci:doi": DOIS[0]}),
        "k1": collection("c", **{"sci:doi": DOIS[0]}),
        "k2": model("m", link("self", C), **{"sci:doi": DOIS[0], "mlm:pretrained_source": "m"}),
    }
    layout = [["k0"], ["k1"], ["k2"]]
    with build(tmp_path, documents, layout, order=order) as catalog:
        assert {rule for _, _, rule, _ in found(catalog, tmp_path, layout)} == {"ambiguous-id", "kept-apart"}


@pytest.mark.parametrize("collections", [True, False], ids=["links", "ids"])
def test_of_an_item_that_two_documents_have_in_two_collections_the_last_counts_with_its_split(tmp_path, collections):
    links = [[link("collection", f"https://{host}.org/c")] if collections else [] for host in "ab"]
    documents = {
        "k0": sample("s", "c", link("self", URLS["sample"][0]), *links[0], split="train"),
        "k1": sample("s", "d", link("self", URLS["sample"][0]), *links[1], split="test"),
        "k2": model("m", link("derived_from", URLS["sample"][0])),
        "k3": collection("c", link("self", "https://a.org/c")),
        "k4": collection("d", link("self", "https://b.org/c")),
    }
    for number, order in enumerate((range(5), (0, 2, 4, 1, 3), (4, 3, 2, 1, 0), (3, 1, 0, 4, 2))):
        with build(tmp_path / str(number), documents, [[key] for key in documents], order=list(order)) as catalog:
            (said,) = (s for s in catalog.said_of(URLS["sample"][0])[f"{BASE}documents/w2/0-k2.json"])
            assert (said.part_of, said.split) == (("https://b.org/c/test",), "test")


@pytest.mark.parametrize(("other", "unsaid"), [(collection, True), (model, False)])
def test_what_a_model_was_pretrained_on_is_said_by_what_its_links_turn_out_to_be(tmp_path, other, unsaid):
    """A bare link to data is no pretraining that anybody states; one to a model is to what it was made from."""
    documents = {
        "k0": model("m", link("derived_from", C), **{"mlm:pretrained": True}),
        "k1": other("c", link("self", C)),
    }
    for number, order in enumerate(([0, 1], [1, 0])):
        with build(tmp_path / str(number), documents, [["k0"], ["k1"]], order=order) as catalog:
            pointers = {edge.pointer for edge in (*catalog.uses(), *catalog.derivations())}
            assert pointers == ({"/links/0", "/properties/mlm:pretrained"} if unsaid else {"/links/0"})


# -- what becomes of a folder ------------------------------------------------------------------------------------------


def lived(folder, steps):
    """Return a catalog of a folder whose documents came, changed and, with None, went, built after each step."""
    folder.mkdir()
    catalog = Catalog.create()
    for step in steps:
        for file, document in step.items():
            (folder / file).parent.mkdir(exist_ok=True)
            if document is not None:
                (folder / file).write_text(json.dumps(document))
            else:
                (folder / file).unlink(missing_ok=True)
        report = catalog.ingest(folder, name="w0")
        for document in report.gone:
            catalog.remove(document)
        if report.gone:
            catalog.ingest(folder, name="w0")
    return catalog


def as_from_scratch(folder, steps):
    """Check that what became of a folder is what its documents say, and return the findings."""
    with lived(folder / "w0", steps) as catalog, Catalog.create() as scratch:
        scratch.ingest(folder / "w0", name="w0")
        assert graph(catalog) == graph(scratch)
        told = found(catalog, folder, [0])
        assert told == found(scratch, folder, [0])
        return {(rule, pointer) for _, pointer, rule, _ in told}


P = "https://h.org/p.json"
_SPLIT = {"ml-aoi:split": "train"}
_SELF = link("self", P)


@pytest.mark.parametrize(
    "referring",
    [
        model("m", link("derived_from", "p.json")),
        model("m", link("derived_from", "./p.json", **_SPLIT)),
        model("m", link("predecessor-version", "p.json")),
        model("m", link("lineage:evaluated_on", "p.json")),
        model("m", link("derived_from", "p")),
        model("m", link("derived_from", P)),
        model("m", **{"mlm:pretrained_source": "p"}),
        sample("i", None, link("source", "p.json")),
        sample("i", "c", link("source", "./p.json")),
        sample("i", "c", link("derived_from", "p.json")),
        sample("i", "p", link("collection", "p.json")),
        sample("i", None, link("collection", "./p.json"), link("self", "https://h.org/i.json")),
        sample("i", "p"),
        collection("i", link("item", "p.json")),
        collection("i", link("derived_from", "p.json"), link("source", "p.json")),
    ],
    ids=lambda document: "-".join(one["rel"] + "_" + one["href"].rpartition("/")[2] for one in document["links"]) or None,
)  # fmt: skip
@pytest.mark.parametrize(
    "steps",
    [
        [None, sample("p", None)],
        [None, collection("p")],
        [None, model("p")],
        [sample("p", None), sample("q", None)],
        [sample("p", None), collection("p")],
        [model("p"), sample("p", "c")],
        [model("p"), None],
        [collection("p", split="train"), None],
        [sample("p", "c", _SELF), sample("p", "c")],
        [sample("p", "c", _SELF), sample("p", "c", link("self", "https://h.org/q.json"))],
        [collection("p", _SELF), None],
        [collection("p"), {"type": "Feature"}],
    ],
    ids=lambda steps: "-".join("none" if one is None else one.get("id", "other") + one["type"][:1] for one in steps),
)
def test_what_a_link_leads_to_came_changed_or_went(tmp_path, referring, steps):
    """Whatever was read before, a folder says what it says from scratch; so it does for who is read with the change."""
    first, second = steps
    for number, late in enumerate((False, True)):
        at = tmp_path / str(number)
        at.mkdir()
        before = {"p.json": first} if late else {"p.json": first, "r.json": referring}
        told = as_from_scratch(at, [before, {"p.json": second, "r.json": referring}])
        (one,) = referring["links"][:1] or ({},)
        if second is None and one.get("href") in ("p.json", "./p.json") and len(referring["links"]) == 1:
            assert {("broken-link", "/links/0"), ("broken-link", "/links/0/href")} & told


@pytest.mark.parametrize("order", [("i", "m"), ("m", "i")])
def test_an_id_that_only_items_name_is_that_of_their_collection(tmp_path, order):
    """So one trained on its train split is exposed to the samples, until they are gone or the collection comes."""
    documents = {"i": sample("i", "nd", split="train"), "m": model("m", link("derived_from", "nd", **_SPLIT))}
    steps = [{f"{name}.json": documents[name]} for name in order]
    as_from_scratch(tmp_path, steps)
    for number, last in enumerate(({}, {"i.json": None}, {"nd.json": collection("nd", link("self", C))})):
        folder = tmp_path / str(number)
        folder.mkdir()
        as_from_scratch(folder, [*steps, last])
        with lived(folder / "w1", [*steps, last]) as catalog:
            (use,) = catalog.uses()
            whole = (f"{BASE}collections/nd", f"{BASE}unresolved/nd", C)[number]
            assert use.dataset == f"{whole}/train"
            (part,) = (one for one in catalog.datasets() if one.iri == use.dataset)
            assert bool(part.footprints) is (number != 1)
            assert len(list(catalog.unresolved())) == (0 if number == 2 else 1)


def test_a_proven_leak_does_not_hang_on_when_the_scene_was_read(tmp_path):
    train = sample("a", "A", link("collection", "A.json"), link("source", "img/i.json"))
    test = sample("b", "B", link("collection", "B.json"), link("source", "img/i.json"))
    uses = [link("derived_from", "A.json", **{"lineage:stage": "training"}), link("lineage:evaluated_on", "B")]
    first = {"A.json": collection("A", link("item", "a.json")), "a.json": train, "m.json": model("m", *uses)}
    test |= {"geometry": box(7.8, 46.8, 7.9, 46.9), "bbox": [7.8, 46.8, 7.9, 46.9]}
    second = {"B.json": collection("B", link("item", "b.json")), "b.json": test, "img/i.json": sample("i", "scenes")}
    with lived(tmp_path / "w0", [first, second]) as catalog:
        assert ("same-scene", Verdict.YES) in {(row.kind, row.verdict) for row in catalog.leakage("m")}


# -- any ---------------------------------------------------------------------------------------------------------------


@st.composite
def published(draw, *, shared):
    """Return some documents with ids, titles and addresses that others have too; DOIs, if they may be ``shared``."""
    pick = lambda *options: draw(st.sampled_from(options))  # noqa: E731
    documents = {}
    for number in range(draw(st.integers(3, 6))):
        kind = pick("model", "collection", "collection", "sample", "sample")
        links = [
            link(
                pick("derived_from", "derived_from", "lineage:evaluated_on", "predecessor-version"),
                pick(*NAMES, *ADDRESSES),
                **pick({}, {}, {"ml-aoi:split": "train"}, {"ml-aoi:split": "test"}),
            )
            for _ in range(draw(st.integers(0, 2)))
        ]
        links += pick([], [link("self", pick(*URLS[kind]))])
        more = pick({}, {"title": pick(*NAMES)}) | (pick({}, {"sci:doi": pick(*DOIS)}) if shared else {})
        if kind == "model":
            more |= pick({}, {"mlm:name": pick(*NAMES)}) | pick({}, {"mlm:pretrained_source": pick(*NAMES, *DOIS)})
            more |= pick({}, {"mlm:pretrained": True})
            documents[f"k{number}"] = model(pick("m", "n"), *links, **more)
        elif kind == "collection":
            documents[f"k{number}"] = collection(pick("c", "d", "m"), *links, split=pick(None, None, "train"), **more)
        else:
            links += pick([], [], [link("collection", pick(*ADDRESSES))])
            documents[f"k{number}"] = sample(
                pick("s", "t"), pick("c", "d", "e"), *links, split=pick(None, "train", "test")
            )
    return documents


@settings(max_examples=40, deadline=None)
@given(documents=published(shared=True), data=st.data())
def test_any_order_of_sources_and_files_gives_the_same_graph_and_findings(documents, data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("any")
    layout = [[], [], []]
    for key in documents:
        layout[data.draw(st.integers(0, 2))].append(key)
    order = data.draw(st.permutations(range(3)))
    with build(folder / "one", documents, layout) as one, build(folder / "two", documents, layout, order=order) as two:
        assert graph(one) == graph(two)
        before = graph(one)
        assert found(one, folder / "one", layout) == found(two, folder / "two", layout)
        assert graph(one) == graph(two) == before
    shuffled = data.draw(st.permutations(list(documents)))
    with (
        build(folder / "files", documents, [list(documents)]) as one,
        build(folder / "other", documents, [shuffled]) as two,
    ):
        assert graph(one) == graph(two)
        assert found(one, folder / "files", [0]) == found(two, folder / "other", [0])


@settings(max_examples=25, deadline=None)
@given(documents=published(shared=False), data=st.data())
def test_one_folder_with_all_of_them_gives_what_several_sources_give(documents, data, tmp_path_factory):
    """But for DOIs and addresses that two share: of what one source lists twice it is known that it is two."""
    folder = tmp_path_factory.mktemp("any")
    layout = [[], []]
    for key in documents:
        layout[data.draw(st.integers(0, 1))].append(key)
    with build(folder / "w9", documents, layout) as several, Catalog.create() as whole:
        whole.ingest(folder / "w9", name="w9")
        assert graph(several) == graph(whole)
        assert not list(several.store.match(None, MLAOI.otherIri))


@st.composite
def histories(draw):
    """Return what becomes of a folder: documents come, change and go, and refer to each other in every way."""
    names = ("p", "q", "r", "s")

    def pick(*options):
        return draw(st.sampled_from(options))

    def document(name):
        kind = pick("model", "item", "collection", "sample")
        links = [link("self", f"https://h.org/{name}.json")] if pick(True, False) else []
        for _ in range(draw(st.integers(0, 2))):
            other = pick(*(one for one in names if one != name))
            rel = pick(
                *("derived_from", "derived_from", "source", "predecessor-version"),
                *["lineage:evaluated_on"] * (kind == "model"),
            )
            href = pick(f"{other}.json", f"./{other}.json", other, f"https://h.org/{other}.json")
            links.append(
                link(rel, href, **(_SPLIT if kind == "model" and rel == "derived_from" and pick(True, False) else {}))
            )
        identifier = pick(name, name, name, name + "2")
        split = pick(None, None, "train")
        if kind == "model":
            return model(identifier, *links)
        if kind == "collection":
            return collection(identifier, *links, split=split)
        whole = None if kind == "item" else pick(*names)
        if whole is not None and pick(True, False):
            links.append(link("collection", pick(f"{whole}.json", f"./{whole}.json", f"https://h.org/{whole}.json")))
        return sample(identifier, whole, *links, split=split)

    return [
        {
            f"{name}.json": document(name) if pick(True, True, True, False) else None
            for name in names
            if pick(True, False)
        }
        for _ in range(3)
    ]


def test_a_sample_that_goes_as_a_model_comes_that_links_to_it_is_unknown(tmp_path):
    """It states a split and is none: of a split that is not described as much is known as of its whole."""
    own = link("self", "https://h.org/p.json")
    steps = [
        {"p.json": sample("p", "p", own, split="train")},
        {"p.json": None}
        | {f"{name}.json": model(name, link("self", f"https://h.org/{name}.json")) for name in "qr"}
        | {"s.json": model("s", link("self", "https://h.org/s.json"), link("derived_from", "./p.json", **_SPLIT))},
        {},
    ]
    as_from_scratch(tmp_path, steps)


@settings(max_examples=60, deadline=None)
@given(steps=histories())
def test_whatever_became_of_a_folder_it_says_what_its_documents_say(steps, tmp_path_factory):
    as_from_scratch(tmp_path_factory.mktemp("any"), steps)
