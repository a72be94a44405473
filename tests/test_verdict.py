"""Yes, may contain, no and unknown: by hand, and against the rules read again in the plainest way there is."""

import networkx as nx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from test_lineage import DERIVED, DRAWN, LABELLED, dataset, graph_of, iri, made, member, model, use

from mlaoi_graph.model import (
    AreaOfInterest,
    Association,
    AssociationKind,
    Confidence,
    DerivationKind,
    Disclosure,
    Model,
    ModelFamily,
    Precision,
    Stage,
    Unknown,
)
from mlaoi_graph.queries import LineageGraph, Verdict

UNKNOWN_KIND, SUCCEEDS = DerivationKind.UNKNOWN, AssociationKind.SUCCEEDS
KENYA = AreaOfInterest(iri="urn:kenya", precision=Precision.COUNTRY_LIST, wkt="POLYGON((34 0, 36 0, 36 2, 34 2, 34 0))")
WORLD = AreaOfInterest(iri="urn:world-wide", precision=Precision.GLOBAL)


def placed(*shorts, **facts):
    """Return datasets that are known to be somewhere; ``w/train`` is a split of ``w``."""
    found = [KENYA]
    for short in shorts:
        whole, _, split = short.partition("/")
        part = {"part_of": [whole], "split": split} if split else {}
        found.append(dataset(short, **{"footprints": (KENYA.iri,)} | part | facts))
    return found


def asked(data, *statements, of="m"):
    return graph_of(*statements).is_exposed(iri(of), iri(data))


# --- one model, a catalog in which everything is known -------------------------------------------------------

KNOWN = (
    model("m"), model("a"), made("m", "a"),
    *placed("mine", "mine/train", "mine/test", "source", "base", "free", "suite", "cut", "sibling", "of-world"),
    dataset("world", archive=True), dataset("other-world", archive=True),
    use("m", "mine/train", split="train"), use("a", "base"), made("mine", "source", DERIVED),
    made("cut", "mine", DERIVED), made("sibling", "source", DERIVED),
    made("of-world", "world", DRAWN), made("base", "world", DRAWN), member("mine", "suite"), member("free", "suite"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("data", "verdict", "reason"),
    [
        ("mine/train", Verdict.YES, "a chain of stated edges"),
        ("mine", Verdict.YES, "to a part of it, mine/train"),
        ("base", Verdict.YES, "a chain of stated edges"),
        ("source", Verdict.MAY_CONTAIN, "made from it"),
        ("mine/test", Verdict.UNKNOWN, "both come from mine"),
        ("cut", Verdict.UNKNOWN, "both come from mine"),
        ("sibling", Verdict.UNKNOWN, "both come from source"),
        ("world", Verdict.UNKNOWN, "base comes from it; sharing an archive is not sharing data"),
        ("other-world", Verdict.UNKNOWN, "archives are open-ended"),
        # A member of the same aggregate, and data drawn from the same archive, are bodies of their own.
        ("free", Verdict.NO, "all that was learned from is disclosed"),
        ("of-world", Verdict.NO, "all that was learned from is disclosed"),
    ],
)
def test_is_exposed(data, verdict, reason):
    answer = asked(data, *KNOWN)
    assert answer.verdict is verdict
    assert reason in answer.reason
    assert (answer.explain() is not None) == (verdict in (Verdict.YES, Verdict.MAY_CONTAIN))


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ((Model(iri="urn:a", disclosure=Disclosure.PARTIAL),), "disclosure"),
        ((Model(iri="urn:m", disclosure=Disclosure.UNDISCLOSED),), "disclosure"),
        ((made("m", "untold"), Model(iri="urn:untold", label="untold", resolved=True)), "disclosure"),
        ((made("m", "gone"), Model(iri="urn:gone", resolved=False, disclosure=Disclosure.COMPLETE)), "unresolved"),
        ((model("hollow"), made("m", "hollow")), "nothing-recorded"),
        ((ModelFamily(iri="urn:f"), made("a", "f")), "family-only"),
        ((ModelFamily(iri="urn:f"), Model(iri="urn:a", family="urn:f"), use("f", "cut")), "family-only"),
        ((ModelFamily(iri="urn:f"), Model(iri="urn:a", family="urn:f"), made("f", "thing", UNKNOWN_KIND)), "family-only"),
        # What was learned from, what that was made from, drawn from and is part of.
        ((use("a", "lost"), dataset("lost", resolved=False)), "unresolved"),
        ((made("source", "lost", DERIVED), dataset("lost", resolved=False)), "unresolved"),
        ((made("base", "lost", DRAWN), dataset("lost", resolved=False, archive=True)), "unresolved"),
        ((member("base", "lost"), dataset("lost", resolved=False)), "unresolved"),
        ((made("a", "thing", UNKNOWN_KIND), Unknown(iri="urn:thing")), "unknown-kind"),
        ((made("mine/train", "thing", UNKNOWN_KIND), Unknown(iri="urn:thing")), "unknown-kind"),
        ((made("mine", "thing", UNKNOWN_KIND), Unknown(iri="urn:thing")), "unknown-kind"),
        ((made("suite", "thing", UNKNOWN_KIND), Unknown(iri="urn:thing")), "unknown-kind"),
        ((made("world", "thing", UNKNOWN_KIND), Unknown(iri="urn:thing")), "unknown-kind"),
        ((use("a", "street"), dataset("street", archive=True)), "archive"),
        ((made("mine", "street", DERIVED), dataset("street", archive=True)), "archive"),
        ((use("a", "world/2020"), *placed("world/2020")), "archive"),
        # A node of two kinds: what it learned from as a model is not what data are exposed to.
        ((model("base"), use("base", "free", Stage.FINETUNING)), "two-kinds"),
        ((dataset("a"), made("a", "free", DERIVED)), "two-kinds"),
        # Where things are.
        ((use("a", "nowhere"), dataset("nowhere")), "no-footprint"),
        ((use("a", "wide"), dataset("wide", footprints=(WORLD.iri,)), WORLD), "unbounded"),
        # The dataset asked about.
        ((made("free", "lost", DERIVED), dataset("lost", resolved=False)), "unresolved"),
        ((made("free", "lost", DRAWN), dataset("lost", resolved=False)), "unresolved"),
        ((made("free", "thing", UNKNOWN_KIND), Unknown(iri="urn:thing")), "unknown-kind"),
        ((member("inner", "free"), *placed("inner"), made("inner", "thing", UNKNOWN_KIND)), "unknown-kind"),
        ((model("free"),), "two-kinds"),
        ((member("inner", "free"), dataset("inner", archive=True)), "related"),
    ],
)  # fmt: skip
def test_one_thing_that_is_not_known_keeps_from_saying_no(more, what):
    assert asked("free", *KNOWN).verdict is Verdict.NO
    answer = asked("free", *KNOWN, *more)
    assert answer.verdict is Verdict.UNKNOWN
    assert what in [gap.what for gap in answer.missing]
    assert answer.explain() is None
    assert all(gap.explain() is not None for gap in answer.missing)


@pytest.mark.parametrize("data", ["nowhere", "wide"])
def test_where_the_dataset_asked_about_lies_has_to_be_known(data):
    more = (dataset("nowhere"), dataset("wide", footprints=(WORLD.iri,)), WORLD)
    answer = asked(data, *KNOWN, *more)
    assert answer.verdict is Verdict.UNKNOWN
    assert [gap.what for gap in answer.missing] == [{"nowhere": "no-footprint", "wide": "unbounded"}[data]]
    assert answer.reason in ("no source says where its data are", "its footprint is the whole world")


def test_a_graph_without_places_never_says_no():
    graph = graph_of(*KNOWN)
    drawing = nx.MultiDiGraph()
    for node, kind in (("m", "model"), ("base", "dataset"), ("free", "dataset")):
        drawing.add_node(iri(node), kind=kind, resolved=True, disclosure="complete")
    drawing.add_edge("urn:m", "urn:base", key="use", predicate="pretrainedOn", rule="stated", confidence="verified")
    answer = LineageGraph.from_networkx(drawing).is_exposed("urn:m", "urn:free")
    assert (answer.verdict, {gap.what for gap in answer.missing}) == (Verdict.UNKNOWN, {"no-footprint"})
    assert graph.is_exposed("urn:m", "urn:free").verdict is Verdict.NO


def test_of_a_dataset_nobody_describes_nothing_is_denied():
    answer = asked("hearsay", *KNOWN, *placed("hearsay", resolved=False))
    assert answer.reason == "nothing describes the dataset asked about"


# --- what relates two datasets of which neither was made from the other --------------------------------------

AGG = placed("agg", "agg/train", "agg/test", "one", "two", "three")
MEMBERS = (*AGG, member("one", "agg"), member("two", "agg"))


@pytest.mark.parametrize(
    ("learned", "data", "verdict", "statements"),
    [
        ("one", "two", Verdict.NO, MEMBERS),
        ("agg/train", "two", Verdict.UNKNOWN, MEMBERS),  # the split is of the members
        ("one", "agg/test", Verdict.UNKNOWN, MEMBERS),
        ("agg/train", "three", Verdict.UNKNOWN, (*MEMBERS, made("three", "two", DERIVED))),
        ("one", "three", Verdict.UNKNOWN, (*MEMBERS, made("three", "agg", DERIVED))),
        ("one", "three", Verdict.NO, (*MEMBERS, made("three", "two", DERIVED))),
        ("one", "two", Verdict.UNKNOWN, (*MEMBERS, made("agg", "three", DERIVED))),  # both are of three
        # The members of a split of what the other is a member of.
        ("one", "two", Verdict.NO, (*AGG, member("one", "agg/train"), member("two", "agg"))),
        # Drawn from what is no archive is made from it.
        ("one", "two", Verdict.UNKNOWN, (*AGG, made("one", "two", DRAWN))),
        ("two", "one", Verdict.UNKNOWN, (*AGG, made("one", "two", DRAWN))),
        ("one", "two", Verdict.UNKNOWN, (*AGG, made("one", "three", DRAWN), made("two", "three", DRAWN))),
        # The next version: nothing tells how much of it is the same.
        ("one", "two", Verdict.UNKNOWN, (*AGG, member("two", "one", SUCCEEDS))),
        ("two", "one", Verdict.UNKNOWN, (*AGG, member("two", "one", SUCCEEDS))),
        ("one", "three", Verdict.UNKNOWN, (*AGG, member("two", "one", SUCCEEDS), made("three", "two", DERIVED))),
        ("one", "three", Verdict.UNKNOWN, (*AGG, member("two", "one", SUCCEEDS), member("three", "two", SUCCEEDS))),
        ("one", "agg/test", Verdict.UNKNOWN, (*AGG, member("agg", "one", SUCCEEDS))),
        # Labels and measurements carry nothing.
        ("one", "two", Verdict.NO, (*AGG, model("x"), use("x", "two"), made("one", "x", LABELLED))),
        ("one", "two", Verdict.NO, (*AGG, use("m", "two", Stage.TEST))),
    ],
)  # fmt: skip
def test_what_relates_two_datasets(learned, data, verdict, statements):
    assert asked(data, model("m"), use("m", learned), *statements).verdict is verdict


ARCHIVES = (
    *placed("one", "two"), dataset("a", archive=True), dataset("b", archive=True), dataset("a/2020", ["a"], split="2020"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("learned", "data", "verdict", "statements"),
    [
        ("one", "a", Verdict.UNKNOWN, ()),
        ("a", "one", Verdict.UNKNOWN, ()),
        ("a/2020", "one", Verdict.UNKNOWN, ()),
        ("one", "a/2020", Verdict.UNKNOWN, ()),
        ("one", "a", Verdict.UNKNOWN, (made("one", "b", DRAWN), made("b", "a", DRAWN))),
        ("one", "a", Verdict.UNKNOWN, (made("one", "b", DRAWN), member("b", "a"))),
        ("a", "one", Verdict.UNKNOWN, (made("one", "b", DRAWN), made("b", "a", DRAWN))),
        ("a/2020", "one", Verdict.UNKNOWN, (made("one", "a", DRAWN),)),
        # Both drawn from one archive, or from two of which one was drawn from the other: sharing it is not sharing data.
        ("one", "two", Verdict.NO, (made("one", "a", DRAWN), made("two", "a", DRAWN))),
        ("one", "two", Verdict.NO, (made("one", "a", DRAWN), made("two", "b", DRAWN), made("b", "a", DRAWN))),
        ("one", "two", Verdict.NO, (made("one", "a/2020", DRAWN), made("two", "a", DRAWN))),
        # One is inside the archive, and which of it the other was drawn from is not known.
        ("one", "two", Verdict.UNKNOWN, (member("one", "a"), made("two", "a", DRAWN))),
    ],
)  # fmt: skip
def test_archives_are_never_no(learned, data, verdict, statements):
    assert asked(data, model("m"), use("m", learned), *ARCHIVES, *statements).verdict is verdict


def test_a_yes_says_when_a_source_of_it_was_not_read():
    answer = asked("one", model("m"), *placed("one"), use("m", "one", confidence=Confidence.UNVERIFIED))
    assert answer.verdict is Verdict.YES
    assert answer.reason == "a chain of stated edges leads to it; an edge of the chain is unverified"
    answer = asked("two", model("m"), *placed("one", "two"), use("m", "one"),
                   made("one", "two", DERIVED, confidence=Confidence.UNVERIFIED))  # fmt: skip
    assert answer.reason.endswith("; an edge of the chain is unverified")


# --- any catalog, against another reading of the rules -------------------------------------------------------

MODELS = ("m", "n", "o")
WHOLES = ("w", "x", "y", "z")
SPLITS = ("w/train", "w/test", "x/train", "a/2020")
ARCHIVE = ("a", "b")
DATA = (*WHOLES, *SPLITS, *ARCHIVE)
one_of = st.sampled_from
EDGES = st.lists(
    st.builds(use, one_of(MODELS), one_of(DATA), one_of([Stage.PRETRAINING, Stage.FINETUNING, Stage.TEST]))
    | st.builds(made, one_of(MODELS), one_of(MODELS), one_of([DerivationKind.FINETUNED, DerivationKind.DISTILLED]))
    | st.builds(made, one_of(DATA), one_of(DATA), one_of([DERIVED, DRAWN]))
    | st.builds(made, one_of(WHOLES), one_of(ARCHIVE), st.just(DRAWN))
    | st.builds(member, one_of(DATA), one_of(DATA))
    | st.builds(member, one_of(DATA), one_of(DATA), st.just(SUCCEEDS))
    | st.builds(made, one_of(DATA), one_of(MODELS), st.just(LABELLED)),
    max_size=7,
)  # fmt: skip
FLAWS = st.lists(
    st.tuples(st.just("partial"), one_of(MODELS))
    | st.tuples(one_of(["unresolved", "of unknown kind"]), one_of((*MODELS, *DATA)))
    | st.tuples(one_of(["nowhere", "global", "a model too"]), one_of((*WHOLES, *SPLITS))),
    max_size=2,
)  # fmt: skip


def catalog_of(edges, flaws):
    """Return a catalog in which all is known but what is flawed."""
    flawed = set(flaws)
    found = [KENYA, WORLD, *edges]
    for short in MODELS:
        said = Disclosure.PARTIAL if ("partial", short) in flawed else Disclosure.COMPLETE
        found.append(Model(iri=iri(short), label=short, disclosure=said, resolved=("unresolved", short) not in flawed))
        found.append(use(short, "w/train", document="own"))
    for short in DATA:
        whole, _, split = short.partition("/")
        places = () if ("nowhere", short) in flawed or short in ARCHIVE else (KENYA.iri,)
        places = (WORLD.iri,) if ("global", short) in flawed else places
        part = {"part_of": [whole], "split": split} if split else {}
        found.append(
            dataset(
                short, archive=short in ARCHIVE, footprints=places, resolved=("unresolved", short) not in flawed, **part
            )
        )
        if ("a model too", short) in flawed:
            found.append(model(short))
    for what, short in flawed:
        if what == "of unknown kind":
            found += [Unknown(iri="urn:thing", label="thing"), made(short, "thing", UNKNOWN_KIND)]
    return found


class Reading:
    """DESIGN, sections 3 and 4, by sets and paths of networkx; nothing here is shared with what is tested."""

    def __init__(self, edges, flaws):
        self.edges, self.flaws = edges, set(flaws)
        self.models = nx.DiGraph()
        self.models.add_nodes_from(MODELS)
        self.parts = nx.DiGraph()
        self.parts.add_nodes_from(DATA)
        self.parts.add_edges_from((split, split[0]) for split in SPLITS)
        self.members, self.made, self.versions = set(), set(), nx.Graph()
        self.versions.add_nodes_from(DATA)
        self.uses = {(m, "w/train") for m in MODELS}
        for edge in edges:
            if isinstance(edge, Association):
                pair = edge.subject[4:], edge.object[4:]
                if edge.kind is SUCCEEDS:
                    self.versions.add_edge(*pair)
                else:
                    self.parts.add_edge(*pair)
                    self.members.add(pair)
            elif hasattr(edge, "stage"):
                if edge.stage.teaches:
                    self.uses.add((edge.model[4:], edge.dataset[4:]))
            elif edge.kind in (DERIVED, DRAWN):
                self.made.add((edge.derived[4:], edge.source[4:], edge.kind))
            elif edge.kind is not LABELLED:
                self.models.add_edge(edge.derived[4:], edge.source[4:])

    def line(self, model):
        return {model} | nx.descendants(self.models, model)

    def inside(self, data):
        return {data} | nx.ancestors(self.parts, data)

    def around(self, data):
        return {data} | nx.descendants(self.parts, data)

    def certain(self, model):
        """Used by the model or an ancestor, or a member, at any height, of an aggregate that was."""
        by_members = nx.DiGraph(self.members)
        by_members.add_nodes_from(DATA)
        used = {data for one, data in self.uses if one in self.line(model)}
        return used.union(*(nx.ancestors(by_members, data) for data in used))

    def learned(self, model):
        """The axioms of section 3, until nothing is new."""
        found = {data for one, data in self.uses if one in self.line(model)}
        while True:
            more = {source for data in found for of, source, kind in self.made
                    if kind is DERIVED and of in self.around(data)}  # fmt: skip
            more |= {part for data in found for part in self.inside(data)}
            if more <= found:
                return found
            found |= more

    def is_archive(self, data):
        """An archive, or a split of one."""
        return data in ARCHIVE or (data in SPLITS and data[0] in ARCHIVE)

    def above(self, sides):
        """Everything whose samples some data may have: by which sort of step each is come to."""
        group = {data: min(versions) for versions in nx.connected_components(self.versions) for data in versions}
        graph = nx.MultiDiGraph()
        graph.add_nodes_from(group.values())
        for split in SPLITS:
            graph.add_edge(group[split], group[split[0]], how="split")
        for a, b in self.members:
            graph.add_edge(group[a], group[b], how="member")
        for a, b, _ in self.made:
            graph.add_edge(group[a], group[b], how="from archive" if self.is_archive(b) else "made")
        self.is_plain = nx.is_directed_acyclic_graph(graph)
        found = set()
        for start in {group[side] for side in sides}:
            found.add((start, "any"))
            for end in set(graph) - {start}:
                for path in nx.all_simple_edge_paths(graph, start, end):
                    steps = [graph.edges[step]["how"] for step in path]
                    found.add((end, self.manner(steps)))
        return found

    @staticmethod
    def manner(steps):
        """As what the end of a way up may share samples: any of it, one member of it, or what was drawn from it."""
        came = max((i for i, step in enumerate(steps) if step in ("made", "from archive")), default=-1)
        if came >= 0 and steps[came] == "from archive":
            return "drawn"
        return "member" if "member" in steps[came + 1 :] else "any"

    def origins(self, data):
        graph = nx.DiGraph([*self.parts.edges, *((a, b) for a, b, _ in self.made)])
        graph.add_nodes_from(DATA)
        graph.add_edges_from([*self.versions.edges, *((b, a) for a, b in self.versions.edges)])
        return set(data).union(*(nx.descendants(graph, one) for one in data))

    def is_nowhere(self, data):
        return any((flaw, data) in self.flaws for flaw in ("nowhere", "global"))

    def is_known(self, model, data):
        """Whether everything is known that a *no* needs."""
        line, learned, held = self.line(model), self.learned(model), self.inside(data)
        both_origins = self.origins(learned) | self.origins(held)
        if any(flaw in ("partial", "unresolved", "of unknown kind") and node in line for flaw, node in self.flaws):
            return False
        for flaw, node in self.flaws:
            if node in both_origins and flaw in ("of unknown kind", "a model too"):
                return False
            # A split is described where its whole is.
            is_described = flaw != "unresolved" or (node in SPLITS and ("unresolved", node[0]) not in self.flaws)
            if node in both_origins and not is_described:
                return False
        if any(self.is_archive(one) for one in learned | held):
            return False
        for one in (*learned, data):
            # Nothing says where it is; a split of something that is somewhere is there too.
            own_is_known = not self.is_nowhere(one)
            whole_is_known = one in SPLITS and ("nowhere", one) in self.flaws and not self.is_nowhere(one[0])
            if not own_is_known and not whole_is_known:
                return False
        ours, theirs = self.above(learned), self.above(held)
        return not any(
            a == b and not (how == as_well and how in ("member", "drawn")) for a, how in ours for b, as_well in theirs
        )

    def verdict(self, model, data):
        if self.certain(model) & self.inside(data):
            return Verdict.YES
        if self.learned(model) & self.inside(data):
            return Verdict.MAY_CONTAIN
        return Verdict.NO if self.is_known(model, data) else Verdict.UNKNOWN


@pytest.mark.parametrize(
    "examples", [pytest.param(150, id="few"), pytest.param(3_000, id="many", marks=pytest.mark.slow)]
)
def test_verdicts_are_those_of_another_reading(examples):
    seen = set()

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(EDGES, FLAWS)
    @example([member("x", "z"), member("y", "z"), use("m", "x")], [])
    @example([made("x", "a", DRAWN), made("y", "a", DRAWN), use("m", "x")], [])
    @example([use("m", "w")], [("global", "w/train")])
    def check(edges, flaws):
        graph, reading = graph_of(*catalog_of(edges, flaws)), Reading(edges, flaws)
        for data in DATA:
            ours, theirs = graph.is_exposed("urn:m", iri(data)).verdict, reading.verdict("m", data)
            seen.add(ours)
            if theirs is Verdict.NO and not reading.is_plain:
                assert ours in (Verdict.NO, Verdict.UNKNOWN)  # a circle is read with more caution
            else:
                assert ours is theirs, data

    check()
    assert seen == set(Verdict)
