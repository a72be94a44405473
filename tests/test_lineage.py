"""Lineage answers against truth by hand, the inferred graph, and networkx."""

import itertools
import json
from dataclasses import replace
from pathlib import Path

import networkx as nx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import mlaoi_graph
from mlaoi_graph import rdf
from mlaoi_graph.catalog import Catalog
from mlaoi_graph.errors import NodeNotFound
from mlaoi_graph.model import (
    AreaOfInterest,
    Association,
    AssociationKind,
    Confidence,
    Dataset,
    DataUse,
    Derivation,
    DerivationKind,
    Disclosure,
    Evidence,
    Model,
    ModelFamily,
    Precision,
    Rule,
    SourceDocument,
    Stage,
    Unknown,
)
from mlaoi_graph.queries import BadGraph, DifferenceRow, LineageGraph, NotOfKind, Verdict, lineage
from mlaoi_graph.queries.collect import Collector
from mlaoi_graph.queries.parameters import question
from mlaoi_graph.reasoning import asserted_edges, infer
from mlaoi_graph.stores.oxigraph import OxigraphStore
from mlaoi_graph.vocab import MLAOI

FAMILIES = Path(mlaoi_graph.__file__).parent / "families"
BASE = "https://w3id.org/mlaoi/families/"


@pytest.fixture(scope="module")
def shipped():
    with Catalog.create(base=BASE) as catalog:
        catalog.ingest(FAMILIES)
        yield catalog


@pytest.fixture(scope="module")
def families(shipped):
    return LineageGraph.from_store(shipped.store, find=shipped.find)


def name(iri):
    return iri.removeprefix(BASE).partition("/")[2]


# --- small catalogs by hand -----------------------------------------------------------------------


def iri(short):
    return f"urn:{short}"


def model(short, disclosure=Disclosure.COMPLETE, **facts):
    facts = {key: iri(value) if key == "family" else value for key, value in facts.items()}
    return Model(iri=iri(short), label=short, resolved=True, disclosure=disclosure, **facts)


def dataset(short, part_of=(), **facts):
    return Dataset(iri=iri(short), label=short, part_of=tuple(map(iri, part_of)), **({"resolved": True} | facts))


def use(short, data, stage=Stage.PRETRAINING, document="doc", **facts):
    number = f"{document}#{short}-{stage.value}-{data}-{len(facts)}"
    return DataUse(iri=iri(number), model=iri(short), dataset=iri(data), stage=stage, rule=Rule.STATED,
                   document=iri(document), pointer="/uses/0", **facts)  # fmt: skip


def made(short, source, kind=DerivationKind.FINETUNED, document="doc", **facts):
    return Derivation(iri=iri(f"{document}#{short}-{kind.value}-{source}"), derived=iri(short), source=iri(source),
                      kind=kind, rule=Rule.STATED, document=iri(document), **facts)  # fmt: skip


def member(short, whole, kind=AssociationKind.PART_OF, document="doc"):
    return Association(iri=iri(f"{document}#{short}-{kind.value}-{whole}"), subject=iri(short), object=iri(whole),
                       kind=kind, rule=Rule.STATED, document=iri(document))  # fmt: skip


def stored(*statements):
    """Return a store with the statements, edges in their documents and nodes in one of their own."""
    documents = {}
    for statement in statements:
        own = statement.iri if isinstance(statement, SourceDocument) else "urn:nodes"
        documents.setdefault(getattr(statement, "document", own), []).append(statement)
    store = OxigraphStore()
    store.replace({document: rdf.encode(found) for document, found in documents.items()})
    return store


def graph_of(*statements):
    return LineageGraph.from_store(stored(*statements))


def short(iris):
    return [found.removeprefix("urn:") for found in iris]


DERIVED, DRAWN, LABELLED = DerivationKind.DERIVED, DerivationKind.DRAWN, DerivationKind.LABELLED

SMALL = (
    model("tuned"), model("base"), model("teacher"), model("next"),
    dataset("chips"), dataset("chips/train", ["chips"], split="train"), dataset("chips/test", ["chips"], split="test"),
    dataset("scenes"), dataset("world", archive=True), dataset("web", archive=True), dataset("suite"), dataset("other"),
    made("tuned", "base"), made("base", "teacher", DerivationKind.DISTILLED),
    use("tuned", "chips/train", Stage.FINETUNING, split="train"), use("tuned", "chips/test", Stage.TEST, split="test"),
    use("teacher", "web"), use("base", "suite", Stage.TRAINING, confidence=Confidence.UNVERIFIED),
    made("chips", "scenes", DERIVED), made("scenes", "world", DRAWN), made("chips", "base", LABELLED),
    member("other", "suite"), member("next", "tuned", AssociationKind.SUCCEEDS),
)  # fmt: skip


def test_exposure_by_hand():
    graph = graph_of(*SMALL)
    rows = graph.exposure("urn:tuned")
    assert [(r.label, r.holds, r.depth, r.through, r.stage, r.archive, r.confidence) for r in rows] == [
        ("chips/train", "contains", 1, "own use", "finetuning", False, "verified"),
        ("suite", "contains", 2, "ancestor", "training", False, "unverified"),
        ("other", "contains", 3, "ancestor, part", "training", False, "unverified"),
        # Up to the whole, and to what that was made from: two more hops.
        ("scenes", "may contain", 3, "source", "finetuning", False, "verified"),
        ("web", "contains", 3, "ancestor", "pretraining", True, "verified"),
    ]
    assert [(s.subject_label, s.edge, s.object_label) for s in rows[3].explain().steps] == [
        ("tuned", "finetunedOn", "chips/train"), ("chips/train", "partOf", "chips"), ("chips", "derivedFrom", "scenes"),
    ]  # fmt: skip
    assert [len(r.explain()) for r in rows] == [r.depth for r in rows]
    assert not graph.exposure("urn:next")


def test_exposed_models_by_hand():
    graph = graph_of(*SMALL)

    def found(data):
        return [(r.label, r.holds, r.depth, r.part) for r in graph.exposed_models(data)]

    assert found("urn:web") == [
        ("teacher", "contains", 1, None),
        ("base", "contains", 2, None),
        ("tuned", "contains", 3, None),
    ]
    assert found("urn:chips") == [("tuned", "contains", 2, "urn:chips/train")]
    assert found("urn:chips/test") == []
    assert found("urn:scenes") == [("tuned", "may contain", 3, None)]
    (row,) = graph.exposed_models("urn:chips")
    assert [(s.subject_label, s.object_label) for s in row.explain().steps] == [
        ("tuned", "chips/train"),
        ("chips/train", "chips"),
    ]


def test_a_split_that_no_use_states_may_have_been_used():
    graph = graph_of(model("m"), dataset("d"), dataset("d/test", ["d"], split="test"), use("m", "d"))
    assert [(r.label, r.holds) for r in graph.exposure("urn:m")] == [("d", "contains"), ("d/test", "may contain")]
    # That the whole has no place is said once, and not again of its split.
    assert [(u.label, u.what) for u in graph.unknowns("urn:m")] == [("d", "no-footprint"), ("d", "split-not-stated")]


def test_the_stronger_chain_is_shown_though_it_is_longer():
    graph = graph_of(
        model("m"), model("a"), model("b"), dataset("d"), dataset("e"),
        made("m", "a"), made("a", "b"), use("b", "d"), use("m", "e"), made("e", "d", DERIVED),
    )  # fmt: skip
    (row,) = [r for r in graph.exposure("urn:m") if r.label == "d"]
    assert (row.holds, row.depth, len(row.explain())) == ("contains", 3, 3)
    (near,) = [r for r in graph.exposure("urn:m", depth=2) if r.label == "d"]
    assert (near.holds, near.depth) == ("may contain", 2)


def test_of_equal_chains_a_verified_one_is_shown():
    doubt = {"confidence": Confidence.UNVERIFIED}
    graph = graph_of(
        model("m"),
        model("a"),
        model("b"),
        dataset("d"),
        made("m", "a", **doubt),
        made("m", "b"),
        use("a", "d"),
        use("b", "d"),
    )
    (row,) = graph.exposure("urn:m")
    assert (row.confidence, row.model) == ("verified", "urn:b")


def test_a_statement_said_verified_and_not_is_verified():
    graph = graph_of(
        model("m"), dataset("d"), use("m", "d", confidence=Confidence.UNVERIFIED), use("m", "d"),
        use("m", "d", document="other", confidence=Confidence.UNVERIFIED, note="hearsay"),
    )  # fmt: skip
    (row,) = graph.exposure("urn:m")
    assert row.confidence == "verified"
    (step,) = row.explain().steps
    assert (step.confidence, step.document, step.also_in) == ("verified", "urn:doc", ("urn:other",))


LABELS = (
    model("sam"), dataset("samrs"), dataset("samrs/sep", ["samrs"], split="sep"), dataset("samrs/fast", ["samrs"], split="fast"),
    dataset("atlas"), dataset("copy"), dataset("copy/test", ["copy"], split="test"),
    model("on-sep"), model("on-whole"), model("on-fast"), model("child"), model("on-atlas"), model("tested"), model("tested-fast"),
    made("samrs/sep", "sam", LABELLED), member("samrs", "atlas"), made("copy", "samrs", DERIVED),
    use("on-sep", "samrs/sep", split="sep"), use("on-whole", "samrs"), use("on-fast", "samrs/fast", split="fast"),
    made("child", "on-whole"), use("on-atlas", "atlas"), use("tested", "copy/test", Stage.TEST, split="test"),
    use("tested-fast", "samrs/fast", Stage.TEST, split="fast"),
)  # fmt: skip


def test_who_trained_on_a_whole_that_a_model_labelled_in_part():
    """SAM made the masks of one part; who used the whole without saying which part may have used that one."""
    graph = graph_of(*LABELS)
    assert {(r.label, r.relation, r.depth) for r in graph.impact("urn:sam")} == {
        ("samrs/sep", "made from it", 1), ("on-sep", "made with it", 2),
        ("samrs", "contains what was made from it", 2), ("atlas", "contains what was made from it", 3),
        ("on-whole", "may have been made with it", 3), ("child", "may have been made with it", 4),
        ("on-atlas", "may have been made with it", 4), ("copy", "may have been made from it", 3),
        ("copy/test", "may have been made from it", 4), ("tested", "may have been measured on it", 5),
    }  # fmt: skip
    (row,) = [r for r in graph.impact("urn:sam") if r.label == "child"]
    steps = [("child", "on-whole"), ("on-whole", "samrs"), ("samrs/sep", "samrs"), ("samrs/sep", "sam")]
    assert [(s.subject_label, s.object_label) for s in row.explain().steps] == steps
    proof = graph.explain("urn:child", "urn:sam")
    assert [(s.subject_label, s.object_label) for s in proof.steps] == steps
    assert proof.says == "may have come from"
    assert graph.explain("urn:on-fast", "urn:sam") is None
    assert len(graph.paths("urn:child", "urn:sam")) == 1
    # The other part is touched by what is wrong with itself only.
    assert {(r.label, r.relation) for r in graph.impact("urn:samrs/fast")} == {
        ("on-fast", "learned from it"), ("tested-fast", "measured on it"), ("samrs", "contains it"), ("atlas", "contains it"),
        ("on-whole", "may have learned from it"), ("child", "may have learned from it"), ("on-atlas", "may have learned from it"),
        ("copy", "may have been made from it"), ("copy/test", "may have been made from it"), ("tested", "may have been measured on it"),
    }  # fmt: skip
    # What was learned from all members of an aggregate was learned from each.
    whole = graph_of(
        model("sam"),
        model("m"),
        dataset("a"),
        dataset("b"),
        member("b", "a"),
        made("b", "sam", LABELLED),
        use("m", "a"),
    )
    assert {(r.label, r.relation) for r in whole.impact("urn:sam")} == {
        ("b", "made from it"), ("a", "contains what was made from it"), ("m", "made with it"),
    }  # fmt: skip
    assert whole.explain("urn:m", "urn:sam").says == "came from"


# --- families -------------------------------------------------------------------------------------


def family_graph():
    return graph_of(
        ModelFamily(iri="urn:fam", label="fam"), model("fam-s", family="fam"), model("fam-l", family="fam"),
        model("child"), model("grandchild"), dataset("said"), dataset("of-l"),
        use("fam", "said"), use("fam-l", "of-l"), made("child", "fam"), made("grandchild", "child"),
    )  # fmt: skip


def test_what_is_said_of_a_family_is_no_fact_of_a_member():
    graph = family_graph()
    rows = graph.exposure("urn:fam-s")
    assert list(rows) == []
    assert [(r.label, r.holds, r.depth) for r in rows.family_level] == [("said", "said of a family", 2)]
    assert [s.edge for s in rows.family_level[0].explain().steps] == ["family", "pretrainedOn"]
    answer = graph.is_exposed("urn:fam-s", "urn:said")
    assert (answer.verdict, answer.reason) == (
        Verdict.UNKNOWN, "the source names the family only: no fact about this model"
    )  # fmt: skip
    assert [(u.what, u.label) for u in graph.unknowns("urn:fam-s") if u.what == "family-only"] == [
        ("family-only", "fam")
    ]
    assert [r.label for r in graph.exposed_models("urn:said")] == ["fam", "child", "grandchild"]
    assert {r.label for r in graph.exposed_models("urn:said").family_level} == {"fam-s", "fam-l"}


def test_of_a_family_it_is_said_that_it_is_one_and_not_its_members(families):
    graph = family_graph()
    note = "fam is a family: here is what is said of it and of no member. Ask about a member: fam-l, fam-s"
    asked = (
        graph.exposure, graph.unknowns, graph.licences, graph.impact, graph.upstream, graph.downstream, graph.ancestors,
        graph.descendants, lambda node: graph.common_exposure(node, "urn:fam-s"),
        lambda node: graph.differences("urn:fam-s", node),
    )  # fmt: skip
    for ask in asked:
        assert note in ask("urn:fam").notes
    assert not graph.exposure("urn:fam-s").notes
    assert [r.label for r in graph.exposure("urn:fam")] == ["said"]  # and nothing of its members
    # What is described as a family is described.
    assert [u.what for u in graph.unknowns("urn:fam")].count("unresolved") == 0
    assert "unresolved" not in {u.what for u in families.unknowns("clay")}
    assert "Clay v1.5" in families.exposure("clay").notes[0]
    assert families.exposure("sam").notes[0].endswith(": SAM ViT-B, SAM ViT-H, SAM ViT-L")


def test_a_child_of_a_family_may_have_what_is_said_of_it_and_of_its_sizes():
    graph = family_graph()
    rows = graph.exposure("urn:grandchild")
    # The first is what the inferred graph says as well; the second is of one size, and which was built on is not known.
    assert [(r.label, r.holds, r.depth) for r in rows] == [("said", "may contain", 3)]
    assert [(r.label, r.depth) for r in rows.family_level] == [("of-l", 4)]
    assert graph.is_exposed("urn:grandchild", "urn:said").verdict is Verdict.MAY_CONTAIN
    assert graph.is_exposed("urn:grandchild", "urn:of-l").verdict is Verdict.UNKNOWN
    assert {r.label for r in graph.exposed_models("urn:of-l").family_level} == {"child", "grandchild"}
    assert [(r.label, r.kind) for r in graph.ancestors("urn:grandchild")] == [("child", "model"), ("fam", "family")]
    assert {r.label for r in graph.descendants("urn:fam-l").family_level} == {"child", "grandchild"}
    assert list(graph.descendants("urn:fam-l")) == []
    assert [f.models for f in graph.families()] == [("urn:fam-l", "urn:fam-s")]


# --- against other engines ------------------------------------------------------------------------

MODELS, DATA, GROUPS = [f"m{i}" for i in range(6)], [f"d{i}" for i in range(5)], ["f0", "f1"]
FROM_MODEL = [kind for kind in DerivationKind if kind not in (DERIVED, DRAWN, LABELLED, DerivationKind.UNKNOWN)]
SURE = st.sampled_from([Confidence.VERIFIED, Confidence.VERIFIED, Confidence.UNVERIFIED])
EDGES = st.lists(
    st.builds(lambda m, d, s, c: use(m, d, s, confidence=c), st.sampled_from(MODELS + GROUPS), st.sampled_from(DATA),
              st.sampled_from(list(Stage)), SURE)
    | st.builds(lambda a, b, k, c: made(a, b, k, confidence=c), st.sampled_from(MODELS + GROUPS),
                st.sampled_from(MODELS + GROUPS), st.sampled_from(FROM_MODEL), SURE)
    | st.builds(made, st.sampled_from(DATA), st.sampled_from(DATA), st.sampled_from([DERIVED, DRAWN]))
    | st.builds(made, st.sampled_from(DATA), st.sampled_from(MODELS), st.just(LABELLED))
    | st.builds(made, st.sampled_from(MODELS), st.sampled_from(DATA), st.just(DerivationKind.UNKNOWN))
    | st.builds(member, st.sampled_from(DATA), st.sampled_from(DATA))
    | st.builds(member, st.sampled_from(MODELS), st.sampled_from(MODELS), st.just(AssociationKind.SUCCEEDS))
    | st.builds(lambda d, w: dataset(d, [w]), st.sampled_from(DATA), st.sampled_from(DATA)),
    max_size=25,
)  # fmt: skip
NODES = (
    *(model(m, family="f0" if m == "m5" else "f1") for m in MODELS[4:]), model("m0", version="v2"), *map(model, MODELS[1:4]),
    *map(dataset, DATA), *(ModelFamily(iri=iri(f), label=f) for f in GROUPS),
)  # fmt: skip
many = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize(
    "examples", [pytest.param(100, id="few"), pytest.param(1_000, id="many", marks=pytest.mark.slow)]
)
def test_exposure_is_the_inferred_exposure(examples):
    settings(many, max_examples=examples)(given(EDGES)(exposure_is_inferred))()


def exposure_is_inferred(statements):
    store = stored(*NODES, *statements)
    graph = LineageGraph.from_store(store)
    inferred = infer(asserted_edges(store)) | set(asserted_edges(store))
    for node in MODELS + GROUPS:
        rows = graph.exposure(iri(node))
        assert {r.dataset for r in rows} == {o for s, p, o in inferred if s == iri(node) and p == MLAOI.exposedTo}
        assert not {r.dataset for r in rows} & {r.dataset for r in rows.family_level}
        for row in (*rows, *rows.family_level):
            check(row.explain(), row)


def check(explanation, row):
    """The steps are a chain of that length, walked in either direction of an edge, and as sure as the row says."""
    assert len(explanation) == row.depth
    at = {explanation.start}
    for step in explanation.steps:
        assert at & {step.subject, step.object}
        at = {step.subject, step.object} - at or at
    assert not explanation.steps or explanation.end in at
    assert row.confidence == (
        "unverified" if any(s.confidence == "unverified" for s in explanation.steps) else "verified"
    )


@many
@given(EDGES)
def test_asked_from_the_other_end_it_is_the_same(statements):
    graph = graph_of(*NODES, *statements)
    parted = {s.iri for s in statements if isinstance(s, Dataset)} | {
        s.object for s in statements if isinstance(s, Association)
    }
    parted |= {whole for s in statements if isinstance(s, Dataset) for whole in s.part_of}
    forward = {node: graph.exposure(iri(node)) for node in MODELS + GROUPS}
    for data in DATA:
        backward = graph.exposed_models(iri(data))
        for side in ("rows", "family_level"):
            there = {
                (iri(node), r.holds, r.depth, r.confidence)
                for node, rows in forward.items()
                for r in (rows if side == "rows" else rows.family_level)
                if r.dataset == iri(data)
            }
            back = backward if side == "rows" else backward.family_level
            here = {(r.model, r.holds, r.depth, r.confidence) for r in back}
            if iri(data) not in parted:
                assert here == there
            else:
                assert {found[0] for found in there} <= {r.model for r in (*backward, *backward.family_level)}
        for row in (*backward, *backward.family_level):
            check(row.explain(), row)


@many
@given(EDGES)
@example([member("d0", "d3"), member("d1", "d2"), member("d1", "d3"), member("d2", "d0")])  # contained in two ways
def test_walking_in_bulk_is_walking(statements):
    graph = graph_of(*NODES, *statements)

    def everything():
        found = []
        for node in MODELS + GROUPS + DATA:
            answers = [graph.downstream(iri(node)), graph.impact(iri(node)), graph.downstream(iri(node), depth=2)]
            answers += [] if node in DATA else [graph.descendants(iri(node))]
            answers += (
                [graph.exposed_models(iri(node)), graph.exposed_models(iri(node), depth=2)] if node in DATA else []
            )
            for rows in answers:
                for side in (rows, rows.family_level):
                    facts = [(getattr(r, "node", None) or r.model, r.depth, r.confidence, getattr(r, "holds", None),
                              getattr(r, "relation", None)) for r in side]  # fmt: skip
                    found.append(facts)
                    for row in side:
                        check(row.explain(), row)
        return found

    plain = everything()
    before, lineage.LIMIT = lineage.LIMIT, -1
    try:
        assert everything() == plain
    finally:
        lineage.LIMIT = before


@many
@given(EDGES)
def test_what_a_change_touches_has_a_chain_to_it_and_nothing_else_has(statements):
    graph = graph_of(*NODES, *statements)
    nodes = [*map(iri, MODELS + DATA)]
    for asked in nodes:
        touched = {row.node for row in graph.impact(asked) if "measured" not in row.relation}
        chains = {node: graph.explain(node, asked) for node in nodes if node != asked}
        led = {node for node, found in chains.items() if found and found.says not in ("no lineage", "said of a family")}
        assert touched & set(nodes) == led


def referee(statements):
    """Return a networkx graph of what a thing came from."""
    graph = nx.MultiDiGraph()
    graph.add_nodes_from(map(iri, MODELS + GROUPS + DATA))
    for s in statements:
        if isinstance(s, DataUse) and s.stage.teaches:
            graph.add_edge(s.model, s.dataset, kind="use")
        elif isinstance(s, Derivation):
            graph.add_edge(s.derived, s.source, kind="model" if s.kind in FROM_MODEL else "other")
        elif isinstance(s, Association) and s.kind is AssociationKind.PART_OF:
            graph.add_edge(s.subject, s.object, kind="part")
        elif isinstance(s, Dataset):
            graph.add_edges_from((s.iri, whole, {"kind": "part"}) for whole in s.part_of)
    return graph


@many
@given(EDGES)
def test_walks_equal_networkx(statements):
    graph, judge = graph_of(*NODES, *statements), referee(statements)
    models = nx.MultiDiGraph()
    models.add_nodes_from(judge)
    models.add_edges_from((a, b) for a, b, kind in judge.edges(data="kind") if kind == "model")
    for node in map(iri, MODELS + DATA):
        assert {r.node: r.depth for r in graph.upstream(node)} == lengths(judge, node)
        assert {r.node: r.depth for r in graph.downstream(node)} == lengths(judge.reverse(), node)
        if node.removeprefix("urn:") in MODELS:
            assert {r.node: r.depth for r in graph.ancestors(node)} == lengths(models, node)
            assert {r.node for r in graph.descendants(node)} == nx.ancestors(models, node)
        assert {r.node for r in graph.upstream(node, depth=2)} == {
            n for n, far in lengths(judge, node).items() if far <= 2
        }


def lengths(graph, node):
    return {other: far for other, far in nx.single_source_shortest_path_length(graph, node).items() if other != node}


NODE_QUESTIONS = ("upstream", "downstream", "impact", "licences")
MODEL_QUESTIONS = ("ancestors", "descendants", "exposure", "unknowns")
NOT_IN_NETWORKX = frozenset({"evidence", "stated_at", "read_at"})
"""Fields of a step of a proof that a networkx graph does not hold."""
PLACES = frozenset({"no-footprint", "unbounded"})
"""What is not known about places; of a networkx graph one note says that these were not looked at."""


def told(rows):
    """Return everything an answer says but for its notes, with the proof of each row less what networkx leaves out."""

    def proof(row):
        found = row.explain().to_dict()
        for step in found["steps"]:
            for name in (*NOT_IN_NETWORKX, *(["also_in"] if step["rule"] is None else [])):
                del step[name]  # a part by construction is one edge there, however many documents say so
        return found

    def facts(row):
        # Of a difference, what is known of the other model is what is_exposed says, which is compared by itself.
        left_out = ("other", "reason") if isinstance(row, DifferenceRow) else ()
        return {name: getattr(row, name) for name in rows.columns if name not in left_out}, proof(row)

    return [
        [facts(row) for row in some if getattr(row, "what", None) not in PLACES] for some in (rows, rows.family_level)
    ]


def same_answers(ours, theirs, nodes, models, data, pairs):
    for ask, asked in (
        [(q, nodes) for q in NODE_QUESTIONS] + [(q, models) for q in MODEL_QUESTIONS] + [("exposed_models", data)]
    ):
        for node in asked:
            a, b = getattr(ours, ask)(node), getattr(theirs, ask)(node)
            assert told(a) == told(b), (ask, node)
            assert a.notes == tuple(note for note in b.notes if "this graph has none" not in note)
    for ask in ("roots", "families"):
        assert getattr(ours, ask)().to_dicts() == getattr(theirs, ask)().to_dicts()
    for a, b in pairs:
        if b in data:
            judged, other = ours.is_exposed(a, b), theirs.is_exposed(a, b)
            assert judged.row == other.row
            known, lost = ([gap for gap in one.missing if gap.what not in PLACES] for one in (judged, other))
            assert known == lost
            # A no may rest on places, of which a graph of networkx knows nothing.
            assert judged.verdict is other.verdict or (judged.verdict, known) == (Verdict.NO, [])
        else:
            for ask in ("common_exposure", "differences"):
                assert told(getattr(ours, ask)(a, b)) == told(getattr(theirs, ask)(a, b))
        for only in ({}, {"verified_only": True}, {"stages": ["test"]}):
            one, another = ours.explain(a, b, **only), theirs.explain(a, b, **only)
            assert (one and drawn(one)) == (another and drawn(another))
        assert [drawn(c) for c in ours.paths(a, b, 20).chains] == [drawn(c) for c in theirs.paths(a, b, 20).chains]


@many
@given(EDGES)
def test_a_networkx_graph_gives_the_same_answers(statements):
    store = stored(*NODES, *statements)
    with Catalog.create() as catalog:
        catalog.store.replace({g: rdf.encode([s for s in (*NODES, *statements) if getattr(s, "document", "urn:nodes") == g])
                               for g in store.graphs()})  # fmt: skip
        ours, theirs = LineageGraph.from_store(catalog.store), LineageGraph.from_networkx(catalog.to_networkx())
        models, data = [*map(iri, MODELS + GROUPS)], [*map(iri, DATA)]
        same_answers(
            ours, theirs, models[:3] + data[:3], models[:3], data[:3], [("urn:m0", models[1]), ("urn:m0", data[0])]
        )


def simple_chains(statements, start, end):
    """Iterate over the nodes of all simple chains: into a part of a whole too, but not of what one came up to as a whole.

    What one came up to as a whole may be come to once more, in a circle, as what it was made from itself.
    """
    graph = referee(statements)
    graph.add_edges_from([(b, a, {"kind": "into"}) for a, b, kind in graph.edges(data="kind") if kind == "part"])
    todo = [[(start, False)]]
    while todo:
        path = todo.pop()
        at, is_whole = path[-1]
        if at == end:
            yield tuple(node for node, _ in path[1:])
        if at != end or is_whole:
            for _, to, kind in graph.out_edges(at, data="kind"):
                if (to, kind == "part") not in path and not (is_whole and kind == "into"):
                    todo.append([*path, (to, kind == "part")])


@many
@given(EDGES)
@example(
    [use("m0", "d0"), use("m0", "d1"), made("d0", "d2", DERIVED), made("d1", "d2", DRAWN)]
)  # learned, and came from
@example([use("f1", "d0"), made("d0", "d1", DRAWN)])  # of a family only
@example(
    [use("m0", "d0"), member("d0", "d2"), made("d2", "d2", DERIVED)]
)  # a part inherits what its whole was made from
@example([use("m0", "d0"), member("d0", "d2"), made("d2", "d1", DERIVED), made("d1", "d2", DERIVED)])
def test_all_paths_are_those_of_another_walk(statements):
    graph = graph_of(*NODES, *statements)
    for newer, older in itertools.product(("urn:m0", "urn:m4", "urn:d1"), ("urn:m1", "urn:d0", "urn:d1", "urn:d2")):
        found, shortest = graph.paths(newer, older, limit=100_000), graph.explain(newer, older)
        assert found.complete
        if newer == older:
            continue
        said = {(chain.says, tuple(step.object for step in chain.steps)) for chain in found.chains}
        assert (shortest is None) == (not said)
        assert shortest is None or drawn(shortest) in map(drawn, found.chains)
        assert [len(c) for c in found.chains] == sorted(len(c) for c in found.chains)
        chains = {walked(newer, chain.steps) for chain in found.chains}
        expected = set(simple_chains(statements, newer, older))
        if expected:
            assert chains == expected
        else:
            assert {says for says, _ in said} <= {"no lineage", "said of a family"}
        learned = [row for row in graph.exposure(newer) if row.dataset == older] if newer != "urn:d1" else []
        assert {c.says for c in found.chains} & {"contains", "may contain"} >= {row.holds for row in learned}


def walked(start, steps):
    """Return the nodes a chain passes, whichever way it goes along an edge."""
    nodes = [start]
    for step in steps:
        nodes.append(step.object if step.subject == nodes[-1] else step.subject)
    return tuple(nodes[1:])


def test_chains_of_the_families_are_all_there(families):
    """Clay v1.5 learned from what v1 did, and from chips drawn from the same; both kinds of chain are shown."""
    found = families.paths("clay-v1.5", "clay-v1-pretraining")
    assert found.complete
    assert {chain.steps[0].edge for chain in found.chains} >= {"pretrainedOn"}
    assert any(step.edge == "partOf" for chain in found.chains for step in chain.steps)
    # A chain that passes a family is found by both.
    one, every = (ask("Copernicus-FM", "Dynamic World") for ask in (families.explain, families.paths))
    assert one.says == "said of a family"
    assert drawn(one) in map(drawn, every.chains)


# --- the shipped families -------------------------------------------------------------------------


def test_the_families_as_networkx_give_the_same_answers(shipped, families):
    """All questions of all nodes; what cannot be equal is named where it is left out."""
    theirs = LineageGraph.from_networkx(shipped.to_networkx())
    models = sorted(m.iri for m in (*shipped.models(), *shipped.families()))
    data = sorted(d.iri for d in shipped.datasets())
    pairs = [*itertools.pairwise(models), *zip(models, data, strict=False)]
    same_answers(families, theirs, models + data, models, data, pairs)
    silent = "7 of these have no licence stated by any source"
    for graph in (families, theirs):
        assert silent in graph.licences(f"{BASE}models/geochat-7b").notes


def node_link(graph, _):
    return nx.node_link_graph(json.loads(json.dumps(nx.node_link_data(graph, edges="edges"))), edges="edges")


def graphml(graph, path):
    nx.write_graphml(graph, path, named_key_ids=True)
    return nx.read_graphml(path, force_multigraph=True)


def gexf(graph, path):
    nx.write_gexf(graph, path)
    return nx.read_gexf(path)


@pytest.mark.parametrize("there_and_back", [node_link, graphml, gexf])
def test_a_file_of_networkx_gives_the_same_answers(shipped, families, there_and_back, tmp_path):
    whole = shipped.to_networkx()
    again = there_and_back(whole, tmp_path / "graph")
    assert {(n, d["kind"], d["license"]) for n, d in again.nodes(data=True)} == {
        (n, d["kind"], d["license"]) for n, d in whole.nodes(data=True)
    }
    theirs = LineageGraph.from_networkx(again)
    near = [f"{BASE}models/{name}" for name in ("geochat-7b", "clay-v1.5", "samgeo", "teochat")]
    data = [f"{BASE}datasets/{name}" for name in ("dota", "sa-1b")]
    same_answers(families, theirs, near + data, near, data, [*itertools.pairwise(near), *itertools.product(near, data)])


def test_every_exposure_of_the_families_is_the_inferred_one(shipped, families):
    inferred = {}
    for quad in shipped.store.match(None, MLAOI.exposedTo):
        inferred.setdefault(quad.subject.value, set()).add(quad.object.value)
    named = [*shipped.models(), *shipped.families()]
    assert {m.iri for m in named if families.exposure(m.iri)} == inferred.keys()
    for one in named:
        assert {r.dataset for r in families.exposure(one.iri)} == inferred.get(one.iri, set())


def test_geochat_by_hand(families):
    """LLaVA-1.5 tuned with LoRA on GeoChat_Instruct; CLIP and Vicuna inside; SAM made the masks of SAMRS."""
    rows = {name(r.dataset): r for r in families.exposure("geochat-7b")}
    assert {n for n, r in rows.items() if r.holds == "contains"} == {
        "geochat-instruct", "wit-clip", "llava-mix665k", "lcs-558k"
    }  # fmt: skip
    assert (rows["wit-clip"].depth, rows["wit-clip"].through, name(rows["wit-clip"].model)) == (
        2,
        "ancestor",
        "clip-vitl14-336",
    )
    assert rows["samrs-sota"].holds == "may contain"
    assert [s.edge for s in rows["dota/trainval"].explain().steps] == [
        "instructionTunedOn",
        "derivedFrom",
        "derivedFrom",
    ]
    assert rows["nwpu-resisc45" if "nwpu-resisc45" in rows else "resisc45"].confidence == "unverified"
    # Its masks are SAM's output; what SAM learned from is not what GeoChat learned from.
    assert "sa-1b" not in rows
    upstream = {name(r.node): r for r in families.upstream("geochat-7b")}
    assert [s.edge for s in upstream["sa-1b"].explain().steps] == [
        "instructionTunedOn", "derivedFrom", "labelledBy", "trainedOn"
    ]  # fmt: skip
    assert families.explain("geochat-7b", "sa-1b").says == "came from"
    assert {name(r.node) for r in families.ancestors("geochat-7b")} == {
        "llava-1.5-7b",
        "clip-vitl14-336",
        "vicuna-7b-v1.5",
    }
    assert families.is_exposed("geochat-7b", "dota").verdict is Verdict.MAY_CONTAIN
    assert families.is_exposed("geochat-7b", "eurosat").verdict is Verdict.UNKNOWN


def test_clay_learned_from_what_its_teacher_did(families):
    rows = {name(r.dataset): r for r in families.exposure("clay 1.5")}
    assert [(s.edge, s.kind or s.stage) for s in rows["lvd-142m"].explain().steps] == [
        ("distilledFrom", "distilled"), ("pretrainedOn", "pretraining")
    ]  # fmt: skip
    step = rows["lvd-142m"].explain().steps[0]
    assert step.document == f"{BASE}documents/families/clay.yaml"
    assert step.pointer.startswith("/derivations/")
    assert step.rule == "stated"
    assert all(cited.label and cited.read_on for cited in step.evidence)
    assert step.read_at


def test_million_aid_reaches_who_learned_from_rs5m(families):
    rows = {name(r.node): r for r in families.impact("millionaid")}
    assert (rows["rs5m"].relation, rows["rs5m"].kind) == ("made from it", "dataset")
    assert rows["georsclip-vitb32"].relation == "may have learned from it"
    edges = [(s.edge, name(s.object)) for s in rows["georsclip-vitb32"].explain().steps]
    # RS5M took Million-AID's test images: the chain passes that part, and ends at the whole that was asked about.
    assert ("derivedFrom", "millionaid/test") in edges
    assert edges[-1] == ("partOf", "millionaid")


def test_what_two_models_share_and_what_not(families):
    common = {name(r.dataset) for r in families.common_exposure("geochat-7b", "teochat")}
    ours = {name(r.dataset) for r in families.exposure("geochat-7b")}
    theirs = {name(r.dataset) for r in families.exposure("teochat")}
    # In full, or one of them a part of it: that has no row of its own among what the other learned from.
    assert ours & theirs <= common <= ours | theirs
    assert "geochat-instruct" in common
    apart = list(families.differences("geochat-7b", "teochat"))
    assert {name(r.dataset) for r in apart if name(r.only) == "geochat-7b"} == {"wit-clip"}
    assert {r.other for r in apart} == {Verdict.UNKNOWN}
    assert families.common_exposure("geochat-7b", "teochat").notes
    one, other = families.common_exposure("geochat-7b", "teochat")[0].explain_both()
    assert (name(one.start), name(other.start), one.end) == ("geochat-7b", "teochat", other.end)


def test_of_two_models_one_may_have_learned_from_a_part_only():
    parts = dataset("D"), dataset("D/tr", ["D"], split="tr"), dataset("D/te", ["D"], split="te")
    graph = graph_of(model("m"), model("n"), *parts, use("m", "D"), use("n", "D/tr", split="tr"))
    rows = {r.label: (r.holds_a, r.part_a, r.holds_b, r.part_b) for r in graph.common_exposure("urn:m", "urn:n")}
    assert rows == {
        "D": ("contains", None, "contains", "urn:D/tr"),
        "D/tr": ("may contain", None, "contains", None),
    }
    assert [(r.label, r.only) for r in graph.differences("urn:m", "urn:n")] == [("D/te", "urn:m")]
    swapped = {r.label: (r.holds_a, r.part_a, r.holds_b, r.part_b) for r in graph.common_exposure("urn:n", "urn:m")}
    assert swapped == {label: (*row[2:], *row[:2]) for label, row in rows.items()}
    one, other = graph.common_exposure("urn:m", "urn:n")[0].explain_both()
    assert (one.end, other.end) == ("urn:D", "urn:D/tr")


@many
@given(EDGES)
def test_what_either_of_two_models_learned_from_is_common_or_apart(statements):
    graph = graph_of(*NODES, *statements)
    common = {r.dataset for r in graph.common_exposure("urn:m0", "urn:m1")}
    apart = {r.dataset for r in graph.differences("urn:m0", "urn:m1")}
    every = {r.dataset for node in ("urn:m0", "urn:m1") for r in graph.exposure(node)}
    assert common | apart == every
    assert not common & apart


def test_licences_by_hand(families):
    rows = {name(r.node): r.license for r in families.licences("geochat-7b")}
    assert rows["geochat-7b"] == "Apache-2.0"
    assert rows["sa-1b"] == "SA-1B Dataset Research License"
    assert rows["samrs-sota"] == "research use"
    assert rows["vicuna-7b-v1.5"] is None
    assert "dota/trainval" not in rows  # its whole's is there
    assert rows["dota"] == "non-commercial"
    assert families.licences("geochat-7b")[0].depth == 0


# --- filters --------------------------------------------------------------------------------------


def test_filters_by_hand():
    graph = graph_of(*SMALL)

    def found(**only):
        return short(r.dataset for r in graph.exposure("urn:tuned", **only))

    assert found(stages=[Stage.PRETRAINING]) == ["web"]
    assert found(stages=[Stage.TEST]) == []
    assert found(kinds=[DerivationKind.FINETUNED]) == ["chips/train", "suite", "other"]
    assert found(verified_only=True) == ["chips/train", "scenes", "web"]
    assert found(depth=1) == ["chips/train"]
    assert short(r.node for r in graph.upstream("urn:tuned", depth=1, stages=[Stage.TEST])) == ["base", "chips/test"]
    assert short(r.model for r in graph.exposed_models("urn:web", depth=2)) == ["teacher", "base"]
    assert short(r.model for r in graph.exposed_models("urn:web", kinds=[DerivationKind.DISTILLED])) == [
        "teacher",
        "base",
    ]


def test_filters_by_source_and_date():
    read = Evidence(iri="urn:card", label="card", read_on="2024-05-01")
    late = Evidence(iri="urn:paper", label="paper", read_on="2025-05-01")
    graph = graph_of(
        model("m"), dataset("a"), dataset("b"), dataset("c"), dataset("d"), read, late,
        use("m", "a", evidence=("urn:card",)), use("m", "b", evidence=("urn:paper",)), use("m", "c"),
        use("m", "d", document="dated", evidence=("urn:paper",)),
        SourceDocument(iri="urn:dated", stated_at="2023-01-01T00:00:00Z"),
    )  # fmt: skip

    def found(**only):
        return short(r.dataset for r in graph.exposure("urn:m", **only))

    assert found(sources=["urn:card"]) == ["a"]
    assert found(sources=["urn:dated"]) == ["d"]
    assert found(before="2025-01-01") == ["a", "d"]
    assert found(before="2024") == ["d"]
    assert graph.exposure("urn:m", before="2026-01-01").notes == ("1 edge of unknown date left out",)
    with pytest.raises(ValueError, match="'last week' is no time"):
        graph.exposure("urn:m", before="last week")


def test_an_edge_that_one_document_says_twice_has_the_sources_of_both():
    graph = graph_of(
        model("m"), dataset("a"), Evidence(iri="urn:card", label="card", read_on="2024-05-01"),
        Evidence(iri="urn:paper", label="paper", read_on="2023-05-01"), use("m", "a", evidence=("urn:card",)),
        replace(use("m", "a", evidence=("urn:paper",)), iri="urn:zz-second"),
    )  # fmt: skip
    for source in ("urn:card", "urn:paper"):
        assert len(graph.exposure("urn:m", sources=source)) == 1
    assert graph.exposure("urn:m", sources="urn:else").notes[0].startswith("no document and no evidence here")
    assert len(graph.exposure("urn:m", before="2024")) == 1


def test_before_compares_instants_and_not_text():
    """23:30 of 30 June in New York is July in UTC; of a month nobody knows whether it is before a day in it."""
    stated = {
        "york": "2024-06-30T23:30:00-05:00", "kiel": "2024-07-01T01:00:00+02:00", "june": "2024-06", "day": "2024-06-30",
        "never": "some day",
    }  # fmt: skip
    graph = graph_of(
        model("m"), *map(dataset, stated), *(use("m", name, document=f"doc-{name}") for name in stated),
        *(SourceDocument(iri=f"urn:doc-{name}", stated_at=when) for name, when in stated.items()),
    )  # fmt: skip

    def found(before):
        rows = graph.exposure("urn:m", before=before)
        return sorted(short(r.dataset for r in rows)), rows.notes

    unknown = "1 edge of unknown date left out"
    assert found("2024-07-01") == (["day", "june", "kiel"], ("1 edge met left out by the filters", unknown))
    assert found("2024-06-30T19:00:00-05:00") == found("2024-07")
    assert found("2024-07-01T04:30:00.000001Z") == (["day", "june", "kiel", "york"], (unknown,))
    assert found("2024-06-30") == (
        [],
        ("nothing passes the filters", "3 edges met left out by the filters", "2 edges of unknown date left out"),
    )
    assert found("2024")[0] == []


def test_the_first_of_two_times_a_document_states_is_that_of_instants():
    """In Python from statements and from a store, and in SPARQL."""
    times = "2024-06-30T23:30:00-05:00", "2024-07-01T04:00:00Z", "2024-07-02", "some day"
    said = (model("m"), dataset("a"), use("m", "a"), *(SourceDocument(iri="urn:doc", stated_at=time) for time in times))
    made = Collector()
    made.take("urn:doc", said)
    with Catalog.create() as catalog:
        catalog.store.replace({"urn:doc": rdf.encode(said)})
        (row,) = catalog.query(question("10"))
        (step,) = LineageGraph.from_store(catalog.store).explain("urn:m", "urn:a").steps
    assert [*made.columns().stated] == [step.stated_at] == [row["since"]] == [times[1]]


def test_what_filters_leave_out_is_said():
    graph = graph_of(
        model("m"), dataset("a"), dataset("b"), use("m", "a", document="one"), use("m", "b", document="one"),
        SourceDocument(iri="urn:one", stated_at="2023-01-01T00:00:00Z"),
    )  # fmt: skip
    left_out = "2 edges met left out by the filters"
    for ask in (graph.exposure, graph.upstream):
        assert ask("urn:m", before="1999-01-01").notes == ("nothing passes the filters", left_out)
        assert ask("urn:m", sources="urn:none").notes == (
            "no document and no evidence here is urn:none: sources are the IRIs of either",
            "nothing passes the filters",
            left_out,
        )
        assert ask("urn:m", stages=["finetuning"]).notes == ("nothing passes the filters",)
        assert ask("urn:m", sources="urn:one").notes == ask("urn:m").notes == ()
    assert graph.exposed_models("urn:a", before="1999-01-01").notes[0] == "nothing passes the filters"


def test_filters_take_words_and_refuse_what_is_none():
    graph = graph_of(*SMALL)
    for words in ("pretraining", ["pretraining"], [Stage.PRETRAINING]):
        assert short(r.dataset for r in graph.exposure("urn:tuned", stages=words)) == ["web"]
    assert short(r.dataset for r in graph.exposure("urn:tuned", kinds="finetuned")) == ["chips/train", "suite", "other"]
    assert short(r.node for r in graph.upstream("urn:tuned", 1, stages="test")) == ["base", "chips/test"]
    for ask in (graph.exposure, graph.upstream):
        with pytest.raises(ValueError, match=r"'pretrained' is not a valid Stage\. Known: pretraining, finetuning"):
            ask("urn:tuned", stages=["pretrained"])
        with pytest.raises(ValueError, match="Known: finetuned"):
            ask("urn:tuned", kinds=["tuned"])
        with pytest.raises(ValueError, match="depth is -1"):
            ask("urn:tuned", -1)
        with pytest.raises(TypeError, match="no filter is called 'stage'"):
            ask("urn:tuned", stage=["pretraining"])


def kept(statement, only):
    """Return whether a statement is one the filters let pass, or asserts no edge with a twin."""
    if isinstance(statement, DataUse) and "stages" in only and statement.stage not in only["stages"]:
        return False
    if isinstance(statement, Derivation) and "kinds" in only and statement.kind not in only["kinds"]:
        return False
    if "sources" in only and getattr(statement, "document", "urn:nodes") not in only["sources"]:
        return False
    return not (only.get("verified_only") and getattr(statement, "confidence", None) is Confidence.UNVERIFIED)


FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "stages": st.lists(st.sampled_from(list(Stage)), max_size=5),
        "kinds": st.lists(st.sampled_from(list(DerivationKind)), min_size=3),
        "verified_only": st.just(True),
        "sources": st.just(["urn:nodes", "urn:one"]),
    },
)


@many
@given(EDGES, FILTERS)
def test_filtering_is_deleting_the_edges(statements, only):
    # Every other statement is made by another document, under a twin of its own.
    statements = [
        replace(s, document=f"urn:{document}", iri=f"{s.iri}/{document}") if hasattr(s, "document") else s
        for s, document in zip(statements, itertools.cycle(["one", "two"]))
    ]
    graph = graph_of(*NODES, *statements)
    left = graph_of(*NODES, *(s for s in statements if kept(s, only)))

    def same(ask):
        found, wanted = ask(graph, only), ask(left, {})
        assert list(found) == list(wanted)
        assert list(found.family_level) == list(wanted.family_level)

    same(lambda g, f: g.roots(**f))
    for node in map(iri, MODELS + GROUPS + DATA):
        same(lambda g, f, node=node: g.impact(node, **f))
        same(lambda g, f, node=node: g.licences(node, **f))
    for a, b in itertools.product(map(iri, ["m0", "m4", "f0"]), map(iri, MODELS + GROUPS + DATA)):
        one, other = graph.explain(a, b, **only), left.explain(a, b)
        assert (one and (one.says, len(one))) == (other and (other.says, len(other)))
        assert {drawn(c) for c in graph.paths(a, b, **only).chains} == {drawn(c) for c in left.paths(a, b).chains}
        if b not in map(iri, DATA):
            same(lambda g, f, a=a, b=b: g.common_exposure(a, b, **f))
            found, wanted = graph.differences(a, b, **only), left.differences(a, b)
            assert [(r.only, r.dataset, r.depth, r.holds) for r in found] == [
                (r.only, r.dataset, r.depth, r.holds) for r in wanted
            ]


def drawn(chain):
    return chain.says, tuple((s.subject, s.edge, s.object) for s in chain.steps)


def test_the_other_of_two_models_is_judged_by_all_edges():
    graph = graph_of(
        model("a"), model("b"), dataset("d"), use("a", "d"), use("b", "d", confidence=Confidence.UNVERIFIED)
    )
    assert list(graph.differences("urn:a", "urn:b")) == []
    (row,) = graph.differences("urn:a", "urn:b", verified_only=True)
    assert (row.only, row.other) == ("urn:a", Verdict.YES)


# --- shapes answers take --------------------------------------------------------------------------


def test_answers_go_where_people_want_them():
    graph = graph_of(*SMALL)
    rows = graph.exposure("urn:tuned")
    frame = rows.to_dataframe()
    assert list(frame.columns) == list(rows.columns) == list(rows.to_dicts()[0])
    assert list(frame["label"]) == [r.label for r in rows]
    drawn = rows.to_networkx()
    assert set(drawn.nodes) == {
        iri(n) for n in ("tuned", "base", "teacher", "chips", "chips/train", "scenes", "suite", "other", "web")
    }
    again = LineageGraph.from_networkx(drawn)
    assert [(r.dataset, r.holds, r.depth) for r in again.exposure("urn:tuned")] == [
        (r.dataset, r.holds, r.depth) for r in rows
    ]
    assert rows[1:3] == [rows[1], rows[2]]
    assert repr(rows) == "<exposure of tuned: 5 rows>"


def test_every_row_of_every_answer_has_its_proof(families):
    """As long as its depth says; and every answer goes to pandas, networkx and a notebook."""
    model, dataset = f"{BASE}models/clay-v1.5", f"{BASE}datasets/sa-1b"
    asked = {
        "upstream": (model,), "downstream": (dataset,), "ancestors": (model,), "descendants": (f"{BASE}models/clip-vitl14-336",),
        "exposure": (model,), "exposed_models": (dataset,), "impact": (dataset,), "licences": (model,), "unknowns": (model,),
        "common_exposure": (f"{BASE}models/geochat-7b", f"{BASE}models/teochat"), "roots": (), "families": (),
        "differences": (f"{BASE}models/geochat-7b", f"{BASE}models/teochat"),
    }  # fmt: skip
    assert {name for name in vars(LineageGraph) if not name.startswith("_")} == {
        *asked, "from_store", "from_networkx", "label", "edges", "exposures", "knowledge", "is_exposed", "explain", "paths", "heirs"
    }  # fmt: skip
    for ask, names in asked.items():
        rows = getattr(families, ask)(*names)
        assert rows, ask
        drawn_ones = rows.to_networkx()
        for row in rows:
            proof = row.explain()
            depth = getattr(row, "depth", getattr(row, "depth_a", None))
            assert len(proof) == (len(row.models) if depth is None else depth), ask
            assert {proof.start, proof.end} <= set(drawn_ones)
            for step in proof.steps:
                assert step.document
                assert step.edge in {
                    d["predicate"] for d in drawn_ones.get_edge_data(step.subject, step.object).values()
                }
        assert len(rows.to_dataframe()) == len(rows)
        assert rows._repr_html_().count("<tr>") == min(len(rows), 100) + 1


def test_a_family_in_networkx_has_its_members(families):
    drawn = families.families().to_networkx()
    (row,) = (row for row in families.families() if row.label == "Clay")
    assert set(drawn.predecessors(row.family)) == set(row.models) != set()
    assert {d["kind"] for _, d in drawn.nodes(data=True)} == {"family", "model"}


def test_one_chain_all_chains_and_a_verdict_go_where_rows_do(families):
    model, dataset = f"{BASE}models/geochat-7b", f"{BASE}datasets/dota"
    judged, chain, paths = (
        families.is_exposed(model, dataset),
        families.explain(model, dataset),
        families.paths(model, dataset),
    )
    frame = chain.to_dataframe()
    assert list(frame["object"]) == [step.object for step in chain.steps]
    assert list(paths.to_dataframe()["chain"].unique()) == list(range(len(paths)))
    assert len(paths.to_dataframe()) == sum(map(len, paths.chains))
    assert [(judged.verdict.value, len(judged.missing))] == list(
        judged.to_dataframe()[["verdict", "missing"]].itertuples(index=False, name=None)
    )
    for found, one in ((judged, judged.explain()), (chain, chain)):
        edges = {(s.subject, s.object, s.edge) for s in one.steps}
        assert {(a, b, d["predicate"]) for a, b, d in found.to_networkx().edges(data=True)} == edges
    every = paths.to_networkx()
    assert {(s.subject, s.object, s.edge) for one in paths.chains for s in one.steps} == {
        (a, b, d["predicate"]) for a, b, d in every.edges(data=True)
    }
    assert LineageGraph.from_networkx(every).is_exposed(model, dataset).verdict is judged.verdict
    for found, steps in ((judged, len(judged.explain())), (chain, len(chain)), (paths, sum(map(len, paths.chains)))):
        assert found._repr_html_().count("<li>") == steps
    assert judged.verdict.value in judged._repr_html_()
    nothing = families.paths(dataset, model)
    assert nothing._repr_html_() == "<p>no chain of asserted edges</p>"
    assert (len(nothing.to_dataframe()), len(nothing.to_networkx())) == (0, 0)
    unknown = families.is_exposed(model, f"{BASE}datasets/eurosat")
    assert (len(unknown.to_networkx()), len(unknown.to_dataframe())) == (0, 1)


def test_html_escapes_everything():
    wild = "<script>alert(1)</script>"
    graph = graph_of(model("m").__class__(iri="urn:m", label=wild, resolved=True), dataset("d"), use("m", "d"), made("m", "m2"),
                     Model(iri="urn:m2", label=wild))  # fmt: skip
    for shown in (
        graph.ancestors("urn:m"),
        graph.unknowns("urn:m"),
        graph.exposure("urn:m"),
        graph.explain("urn:m", "urn:m2"),
    ):
        text = shown._repr_html_()
        assert "<script>" not in text
        assert "&lt;script&gt;" in text


def test_a_long_answer_in_a_notebook_says_how_long_it_is():
    many_uses = [use("m", f"d{i}") for i in range(150)]
    graph = graph_of(model("m"), *(dataset(f"d{i}") for i in range(150)), *many_uses)
    text = graph.exposure("urn:m")._repr_html_()
    assert text.count("<tr>") == 101
    assert "100 of 150 rows shown" in text


def test_unknowns_by_hand():
    graph = graph_of(
        model("m", Disclosure.PARTIAL), model("a", None), dataset("d"), dataset("w", archive=True), dataset("g", footprints=("urn:g#area",)),
        AreaOfInterest(iri="urn:g#area", precision=Precision.GLOBAL), Unknown(iri="urn:x", label="x"),
        dataset("s", footprints=("urn:s#area",)), AreaOfInterest(iri="urn:s#area", precision=Precision.SAMPLES, wkt="POINT(1 2)"),
        dataset("s/train", ["s"], split="train"),
        made("m", "a"), use("m", "d", confidence=Confidence.UNVERIFIED), use("a", "w"), use("a", "g"), use("m", "s/train", split="train"),
        made("a", "x", DerivationKind.UNKNOWN),
    )  # fmt: skip
    assert [(u.depth, u.label, u.what) for u in graph.unknowns("urn:m")] == [
        (0, "m", "disclosure"), (0, "m", "unverified"), (1, "a", "disclosure"), (1, "a", "unknown-kind"),
        (1, "d", "no-footprint"), (2, "g", "unbounded"), (2, "w", "archive"),
    ]  # fmt: skip


def test_paths_say_when_a_bound_cut_them():
    """Ten diamonds in a row: 1,024 chains."""
    statements = []
    for i in range(10):
        statements += [made(f"n{i}", f"n{i}{side}") for side in "ab"] + [
            made(f"n{i}{side}", f"n{i + 1}") for side in "ab"
        ]
    graph = graph_of(*statements)
    found = graph.paths("urn:n0", "urn:n10", limit=50)
    assert (len(found), found.complete, found.note) == (50, False, "stopped at 50 chains")
    whole = graph.paths("urn:n0", "urn:n10", limit=2_000)
    assert (len(whole), whole.complete) == (1_024, True)
    assert {len(c) for c in whole.chains} == {20}


def test_what_is_no_lineage_is_explained_as_such():
    graph = graph_of(*SMALL)
    assert graph.explain("urn:tuned", "urn:chips/test").says == "no lineage"
    assert graph.explain("urn:next", "urn:tuned").says == "no lineage"
    assert graph.explain("urn:base", "urn:tuned") is None
    assert graph.explain("urn:tuned", "urn:world").says == "came from"
    fam = family_graph()
    assert fam.explain("urn:fam-s", "urn:said").says == "said of a family"


# --- bad input ------------------------------------------------------------------------------------


def test_cycles_self_loops_and_a_node_of_two_kinds():
    graph = graph_of(
        model("a"), model("b"), dataset("d"), dataset("both"), model("both"), made("a", "b"), made("b", "a"), made("a", "a"),
        use("b", "d"), made("d", "d", DERIVED), member("d", "d"), use("a", "both"), use("both", "d"), made("both", "d", DERIVED),
    )  # fmt: skip
    assert short(r.dataset for r in graph.exposure("urn:a")) == ["both", "d"]
    assert short(r.node for r in graph.ancestors("urn:a")) == ["b"]
    assert short(r.dataset for r in graph.exposure("urn:both")) == ["d"]
    assert short(r.model for r in graph.exposed_models("urn:both")) == ["a", "b"]
    assert graph.paths("urn:a", "urn:d").complete
    assert graph.is_exposed("urn:both", "urn:both").verdict is Verdict.UNKNOWN
    assert len(graph.impact("urn:d")) == 3
    # What was fine-tuned from the model that is data as well descends from it; who trained on it learned from it.
    two = graph_of(model("b"), dataset("b"), model("c"), model("t"), made("c", "b"), use("t", "b"))
    assert {r.label: r.relation for r in two.impact("urn:b")} == {"c": "descends from it", "t": "learned from it"}
    assert "two-kinds" in {u.what for u in two.unknowns("urn:c")} & {u.what for u in two.unknowns("urn:t")}
    for node in ("urn:a", "urn:d", "urn:both"):
        assert graph.licences(node)


def test_names_that_are_none(families):
    with pytest.raises(NodeNotFound, match="geochat"):
        families.exposure("geochat-77b")
    with pytest.raises(NodeNotFound):
        families.exposure('x" } ; DROP ALL ; #')
    with pytest.raises(NodeNotFound, match="urn:tuned"):
        graph_of(*SMALL).upstream("urn:tunedd")
    with pytest.raises(NotOfKind, match="is a dataset, and the question is about a model"):
        families.exposure("eurosat")
    for ask in (families.ancestors, families.descendants):
        with pytest.raises(NotOfKind, match="is a dataset, and the question is about a model"):
            ask("eurosat")
    with pytest.raises(NotOfKind, match="about a dataset"):
        families.is_exposed("geochat-7b", "clip-vitl14-336")


def small_graph(kind=nx.MultiDiGraph, node=(), **edge):
    graph = kind()
    graph.add_node("urn:m", kind="model", **dict(node))
    graph.add_edge("urn:m", "urn:d", **({"predicate": "trainedOn"} | edge))
    return graph


def test_any_directed_networkx_graph_is_taken():
    for kind in (nx.MultiDiGraph, nx.DiGraph):
        graph = LineageGraph.from_networkx(small_graph(kind, rule="stated", document="urn:doc", note="as told"))
        (row,) = graph.exposure("urn:m")
        assert (row.dataset, row.confidence) == ("urn:d", "verified")
        (step,) = row.explain().steps
        assert (step.rule, step.document, step.note) == ("stated", "urn:doc", "as told")


@pytest.mark.parametrize(
    ("graph", "says"),
    [
        (small_graph(nx.Graph), "Graph: its edges have no direction, so what is newer is not known. Give a DiGraph or MultiDiGraph"),
        (small_graph(nx.MultiGraph), "MultiGraph: its edges have no direction"),
        ({"urn:m": []}, "dict: no networkx graph. Give a MultiDiGraph, as Catalog.to_networkx does"),
        (nx.path_graph(2, nx.DiGraph), "node 0: not the text of an IRI. See networkx.relabel_nodes"),
        (small_graph(rule="wild"), "edge urn:m -> urn:d, key 0: rule is 'wild'. Known: stated, "),
        (small_graph(confidence="sure"), "edge urn:m -> urn:d, key 0: confidence is 'sure'. Known: verified, unverified"),
        (small_graph(predicate="ateAt"), "edge urn:m -> urn:d, key 0: predicate is 'ateAt'. Known: pretrainedOn, "),
        (small_graph(predicate=None), "edge urn:m -> urn:d, key 0: no predicate. Known: pretrainedOn, "),
        (small_graph(document=7), "edge urn:m -> urn:d, key 0: document is 7. Text is wanted"),
        (small_graph(node={"disclosure": "some"}), "node urn:m: disclosure is 'some'. Known: complete, partial, undisclosed"),
        (small_graph(node={"resolved": "false"}), "node urn:m: resolved is 'false'. Known: True, False"),
        (small_graph(node={"license": ["MIT"]}), "node urn:m: license is ['MIT']. Text is wanted"),
        (nx.relabel_nodes(small_graph(nx.DiGraph, node={}), {"urn:m": ""}), "node '': not the text of an IRI"),
    ],
)  # fmt: skip
def test_a_networkx_graph_that_cannot_be_read_says_where_and_what_it_may_have(graph, says):
    with pytest.raises(BadGraph) as caught:
        LineageGraph.from_networkx(graph)
    assert str(caught.value).startswith(says)


def test_a_kind_that_is_none_is_named():
    graph = nx.DiGraph()
    graph.add_node("urn:m", kind="modle")
    with pytest.raises(
        BadGraph, match=r"node urn:m: kind is 'modle'\. Known: model, family, dataset, archive, unknown"
    ):
        LineageGraph.from_networkx(graph)


def test_of_a_graph_without_a_directory_none_is_advised():
    with pytest.raises(NodeNotFound, match=r"'urn:zebra' is not in this graph\. Its nodes go by their IRIs"):
        LineageGraph.from_networkx(small_graph()).exposure("urn:zebra")


def test_an_area_is_there_and_has_no_lineage(shipped, families):
    area = next(shipped.store.match(None, MLAOI.precision)).subject.value
    for ask in (families.upstream, families.impact, families.exposure, lambda iri: families.explain("sam-vit-h", iri)):
        with pytest.raises(NotOfKind, match="without lineage"):
            ask(area)


@pytest.mark.parametrize("depth", [20_000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_a_chain_very_long(depth):
    chain = nx.MultiDiGraph()
    chain.add_nodes_from((f"urn:{i}", {"kind": "model", "label": str(i)}) for i in range(depth + 1))
    chain.add_node("urn:data", kind="dataset", label="data")
    for i in range(depth):
        chain.add_edge(
            f"urn:{i}", f"urn:{i + 1}", key=str(i), predicate="finetunedFrom", rule="stated", confidence="verified"
        )
    chain.add_edge(
        f"urn:{depth}", "urn:data", key="use", predicate="pretrainedOn", rule="stated", confidence="verified"
    )
    graph = LineageGraph.from_networkx(chain)
    (row,) = graph.exposure("urn:0")
    assert row.depth == len(row.explain()) == depth + 1
    rows = graph.exposed_models("urn:data")
    assert [r.depth for r in rows] == list(range(1, depth + 2))
    assert len(graph.ancestors("urn:0")) == len(graph.descendants(f"urn:{depth}")) == depth
    assert len(graph.paths("urn:0", "urn:data")) == 1
