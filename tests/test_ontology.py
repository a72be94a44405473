"""The ontology files: form, meaning under a reasoner, shapes, JSON-LD context, packaging."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from enum import Enum
from pathlib import Path

import owlrl
import pyshacl
import pytest
from rdflib import OWL, RDF, RDFS, SKOS, Graph, Literal, Namespace, URIRef
from rdflib.compare import isomorphic, to_isomorphic
from rdflib.namespace import DCTERMS, PROV

from mlaoi_graph import model
from mlaoi_graph.ontology_files import ontology_file
from mlaoi_graph.vocab import MLAOI, MLAOI_NS, PREFIXES

ROOT = Path(__file__).parent.parent
PUBLISHED = ROOT.parent / "shared" / "vocab"
SH = Namespace("http://www.w3.org/ns/shacl#")
GEO = Namespace("http://www.opengis.net/ont/geosparql#")
EX = Namespace("https://example.org/")
M = Namespace(MLAOI_NS)
TURTLE_FILES = ["mlaoi.ttl", "alignments.ttl", "shapes.ttl"]
# rdflib 7.6 reads JSON-LD with a class it has itself deprecated; nothing of ours calls it.
pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")
PROLOGUE = f"@prefix mlaoi: <{MLAOI_NS}> . @prefix ex: <{EX}> . @prefix geo: <{GEO}> . @prefix rdfs: <{RDFS}> .\n"


def turtle(text: str) -> Graph:
    return Graph().parse(data=PROLOGUE + text, format="turtle")


@pytest.fixture(scope="module")
def terms() -> Graph:
    return Graph().parse(ontology_file("mlaoi.ttl"))


@pytest.fixture(scope="module")
def alignments() -> Graph:
    return Graph().parse(ontology_file("alignments.ttl"))


def ours(graph: Graph) -> set[URIRef]:
    return {s for s in graph.subjects() if isinstance(s, URIRef) and s.startswith(MLAOI_NS)}


# --- form ---


@pytest.mark.parametrize("name", TURTLE_FILES)
def test_a_file_parses_and_says_which_version_it_is(name: str) -> None:
    graph = Graph().parse(ontology_file(name))
    (ontology,) = graph.subjects(RDF.type, OWL.Ontology)
    for predicate in (OWL.versionIRI, OWL.versionInfo, DCTERMS.license, DCTERMS.modified):
        assert len(list(graph.objects(ontology, predicate))) == 1, predicate


def test_every_term_has_label_comment_definition_and_source(terms: Graph) -> None:
    for term in ours(terms):
        assert len(list(terms.objects(term, RDFS.label))) == 1, term
        assert len(list(terms.objects(term, RDFS.comment))) == 1, term
        assert list(terms.objects(term, RDFS.isDefinedBy)) == [URIRef("https://w3id.org/mlaoi")], term
        sources = list(terms.objects(term, DCTERMS.source))
        assert sources, term
        assert all(isinstance(s, URIRef) for s in sources), term


def test_every_term_is_of_one_kind(terms: Graph) -> None:
    kinds = {OWL.Class, OWL.ObjectProperty, OWL.DatatypeProperty, OWL.NamedIndividual}
    for term in ours(terms):
        assert len(kinds & set(terms.objects(term, RDF.type))) == 1, term


def test_sections_are_in_alphabetical_order() -> None:
    sections: list[list[str]] = [[]]
    for line in ontology_file("mlaoi.ttl").read_text(encoding="utf-8").splitlines():
        if line.startswith("# ---"):
            sections.append([])
        elif line.startswith("mlaoi:"):
            sections[-1].append(line)
    assert sum(map(len, sections)) == len(ours(Graph().parse(ontology_file("mlaoi.ttl"))))
    for section in sections:
        assert section == sorted(section)


def test_nothing_is_typed_by_inference(terms: Graph, alignments: Graph) -> None:
    for graph in (terms, alignments):
        assert (None, RDFS.domain, None) not in graph
        assert (None, RDFS.range, None) not in graph
        assert (None, OWL.imports, None) not in graph


def test_terms_mentioned_exist(terms: Graph, alignments: Graph) -> None:
    known = ours(terms)
    shapes = Graph().parse(ontology_file("shapes.ttl"))
    for graph in (terms, alignments, shapes):
        mentioned = {t for triple in graph for t in triple if isinstance(t, URIRef) and t.startswith(MLAOI_NS)}
        assert mentioned <= known


@pytest.mark.parametrize(
    ("enum", "kind"),
    [
        (model.Stage, M.Stage),
        (model.DerivationKind, M.DerivationKind),
        (model.AssociationKind, M.AssociationKind),
        (model.Rule, M.Rule),
        (model.Precision, M.Precision),
        (model.Disclosure, M.Disclosure),
        (model.Confidence, M.Confidence),
        (model.SplitPolicy, M.SplitPolicy),
    ],
)
def test_closed_lists_are_those_of_the_model(terms: Graph, enum: type[Enum], kind: URIRef) -> None:
    individuals = list(terms.subjects(RDF.type, kind))
    notations = [str(terms.value(i, SKOS.notation)) for i in individuals]
    assert sorted(notations) == sorted(member.value for member in enum)


# --- vocab.py ---


def test_vocab_has_not_drifted() -> None:
    run = subprocess.run(
        [sys.executable, ROOT / "ontology" / "generate_vocab.py", "--check"], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_check_reports_drift_and_writes_nothing(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "ontology", tmp_path / "ontology")
    vocab = tmp_path / "mlaoi_graph" / "vocab.py"
    vocab.parent.mkdir()
    vocab.write_text("stale = 1\n", encoding="utf-8")
    run = subprocess.run(
        [sys.executable, tmp_path / "ontology" / "generate_vocab.py", "--check"],
        capture_output=True,
        text=True,
    )
    assert run.returncode == 1
    assert "-stale = 1" in run.stdout
    assert vocab.read_text(encoding="utf-8") == "stale = 1\n"


def test_vocab_holds_exactly_the_terms(terms: Graph) -> None:
    constants = {n: v for n, v in vars(MLAOI).items() if not n.startswith("__")}
    assert {URIRef(v) for v in constants.values()} == ours(terms)
    assert all(v == MLAOI_NS + n for n, v in constants.items())


def test_vocab_imports_nothing_but_the_standard_library() -> None:
    code = "import sys; before = set(sys.modules); import mlaoi_graph.vocab; print(*(set(sys.modules) - before))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    tops = {name.partition(".")[0] for name in out.split()}
    assert tops - {"mlaoi_graph"} <= sys.stdlib_module_names


def test_prefixes_are_those_the_files_use() -> None:
    for name in TURTLE_FILES:
        graph = Graph(bind_namespaces="none").parse(ontology_file(name))
        for prefix, namespace in graph.namespaces():
            assert PREFIXES.get(prefix, str(namespace)) == str(namespace)


# --- alignments ---

# Vocabularies whose published file is not at hand here, so every IRI taken from them is listed and was read elsewhere.
BY_HAND = {
    # DCMI Metadata Terms, https://www.dublincore.org/specifications/dublin-core/dcmi-terms/
    *(
        DCTERMS[t]
        for t in ("Location", "hasPart", "isPartOf", "issued", "license", "modified", "publisher", "replaces")
    ),
    *(DCTERMS[t] for t in ("source", "spatial")),
    # GeoSPARQL 1.1, opengeospatial/ogc-geosparql 1.1/geo.ttl
    GEO.Feature,
    # SPDX 3.0.1, spdx/spdx-3-model model/AI, model/Dataset, model/Core/Vocabularies/RelationshipType.md
    *(
        URIRef("https://spdx.org/rdf/3.0.1/terms/" + t)
        for t in (
            "AI/AIPackage",
            "Dataset/DatasetPackage",
            "Core/RelationshipType/descendantOf",
            "Core/RelationshipType/testedOn",
            "Core/RelationshipType/trainedOn",
        )
    ),
    # SPDX 3.1, release candidate: IRIs follow the pattern of 3.0.1
    *(
        URIRef("https://spdx.org/rdf/3.1/terms/Core/RelationshipType/" + t)
        for t in ("evaluatedOn", "finetunedOn", "pretrainedOn", "testedOn", "trainedOn", "validatedOn")
    ),
    # schema.org: one release of the whole vocabulary is 1.5 MB; these have been in it since before 2020
    *(
        URIRef("http://schema.org/" + t)
        for t in (
            "CreativeWork",
            "Dataset",
            "Place",
            "about",
            "dateModified",
            "datePublished",
            "hasPart",
            "isBasedOn",
            "isPartOf",
            "license",
            "publisher",
            "spatialCoverage",
            "temporalCoverage",
            "version",
        )
    ),
}


def aligned(graph: Graph) -> set[URIRef]:
    return {o for s, o in graph.subject_objects() if s in ours(graph) and isinstance(o, URIRef)}


@pytest.mark.skipif(not PUBLISHED.is_dir(), reason="the published vocabularies are not beside this checkout")
def test_every_aligned_term_is_published(alignments: Graph) -> None:
    published: set[URIRef] = set()
    for path in PUBLISHED.iterdir():
        if path.suffix == ".ttl":
            graph = Graph().parse(path)
            published |= {t for t in graph.subjects() if isinstance(t, URIRef)}
            # MLDCAT-AP is published as shapes: its terms are what the shapes speak of.
            published |= {o for p in (SH.path, SH.targetClass) for o in graph.objects(None, p)}
        elif path.name.startswith("fair4ml"):
            published |= {t for t in Graph().parse(path, format="json-ld").subjects() if isinstance(t, URIRef)}
    missing = aligned(alignments) - published - BY_HAND
    assert not missing
    assert len(aligned(alignments) & published) > 20  # the files were really read


def test_listed_terms_are_used(alignments: Graph) -> None:
    assert aligned(alignments) >= BY_HAND


def test_no_alignment_that_must_not_be(alignments: Graph) -> None:
    fair4ml, it6 = Namespace("https://w3id.org/fair4ml#"), Namespace("http://data.europa.eu/it6/")
    for ours_, theirs in [
        (M.finetunedOn, fair4ml.fineTunedFrom),  # model to model
        (M.finetunedFrom, it6.fineTunedFrom),  # at most one a model
        (M.exposedTo, fair4ml.trainedOn),  # inferred is not asserted
        (M.succeeds, URIRef("http://www.w3.org/ns/dcat#previousVersion")),  # a prov:wasDerivedFrom
    ]:
        assert (ours_, RDFS.subPropertyOf, theirs) not in alignments
    assert (M.instructionTunedOn, SKOS.exactMatch, None) not in alignments
    assert (PROV.wasDerivedFrom, None, None) not in alignments


# --- what follows under OWL RL ---


def closure(*graphs: Graph) -> Graph:
    graph = Graph()
    for part in graphs:
        graph += part
    owlrl.DeductiveClosure(owlrl.OWLRL_Semantics).expand(graph)
    return graph


# Edges among a model m and others, and what m is exposed to, found by hand.
EXPOSURE = [
    ("ex:m mlaoi:trainedOn ex:d .", {"d"}),
    (
        "ex:m mlaoi:pretrainedOn ex:a ; mlaoi:finetunedOn ex:b ; mlaoi:instructionTunedOn ex:c .",
        {"a", "b", "c"},
    ),
    # an ancestor passes on what it learned from, at any depth and by every kind of derivation
    ("ex:m mlaoi:finetunedFrom ex:n . ex:n mlaoi:quantizedFrom ex:o . ex:o mlaoi:pretrainedOn ex:d .", {"d"}),
    ("ex:m mlaoi:initializedFrom ex:n . ex:n mlaoi:distilledFrom ex:o . ex:o mlaoi:trainedOn ex:d .", {"d"}),
    ("ex:m mlaoi:mergedFrom ex:n . ex:n mlaoi:usesComponent ex:o . ex:o mlaoi:trainedOn ex:d .", {"d"}),
    # what a dataset was made from counts, at any depth
    (
        "ex:m mlaoi:trainedOn ex:d . ex:d mlaoi:derivedFrom ex:e . ex:e mlaoi:derivedFrom ex:f .",
        {"d", "e", "f"},
    ),
    # a whole includes its parts, and theirs
    ("ex:m mlaoi:trainedOn ex:d . ex:t mlaoi:partOf ex:d . ex:u mlaoi:partOf ex:t .", {"d", "t", "u"}),
    # a part does not stand for its whole, nor for its siblings
    ("ex:m mlaoi:trainedOn ex:t . ex:t mlaoi:partOf ex:d . ex:u mlaoi:partOf ex:d .", {"t"}),
    # a part inherits what its whole was made from, and that whole's parts
    ("ex:m mlaoi:trainedOn ex:t . ex:t mlaoi:partOf ex:d . ex:d mlaoi:derivedFrom ex:e .", {"t", "e"}),
    (
        "ex:m mlaoi:trainedOn ex:t . ex:t mlaoi:partOf ex:d . ex:d mlaoi:derivedFrom ex:e . ex:f mlaoi:partOf ex:e .",
        {"t", "e", "f"},
    ),
    # archives, labels, succession, evaluation and family do not carry it
    ("ex:m mlaoi:trainedOn ex:d . ex:d mlaoi:drawnFrom ex:archive .", {"d"}),
    ("ex:m mlaoi:trainedOn ex:d . ex:d mlaoi:labelledBy ex:n . ex:n mlaoi:trainedOn ex:e .", {"d"}),
    ("ex:m mlaoi:succeeds ex:n . ex:n mlaoi:trainedOn ex:d .", set()),
    ("ex:m mlaoi:trainedOn ex:d . ex:d mlaoi:succeeds ex:e .", {"d"}),
    ("ex:m mlaoi:testedOn ex:a ; mlaoi:validatedOn ex:b ; mlaoi:evaluatedOn ex:c .", set()),
    ("ex:m mlaoi:family ex:f . ex:n mlaoi:family ex:f ; mlaoi:trainedOn ex:d .", set()),
    # a source whose kind is not known passes nothing on
    ("ex:m mlaoi:madeFrom ex:n . ex:n mlaoi:trainedOn ex:d .", set()),
    # not upwards: what a descendant learned from is not its ancestor's
    ("ex:n mlaoi:finetunedFrom ex:m ; mlaoi:finetunedOn ex:d .", set()),
    # a cycle of models, of datasets and of parts comes to an end
    (
        """ex:m mlaoi:finetunedFrom ex:n . ex:n mlaoi:finetunedFrom ex:m . ex:n mlaoi:trainedOn ex:d .
        ex:d mlaoi:derivedFrom ex:e . ex:e mlaoi:derivedFrom ex:d . ex:e mlaoi:partOf ex:d . ex:d mlaoi:partOf ex:e .""",
        {"d", "e"},
    ),
]


@pytest.fixture(scope="module")
def exposure(terms: Graph) -> dict[int, set[str]]:
    """What m is exposed to, by case; the cases share no node, so one closure serves them all."""
    graph = Graph()
    for number, (edges, _) in enumerate(EXPOSURE):
        graph.parse(data=f"@prefix mlaoi: <{MLAOI_NS}> . @prefix ex: <{EX}{number}/> .\n{edges}", format="turtle")
    graph = closure(graph, terms)
    return {
        number: {str(o).removeprefix(f"{EX}{number}/") for o in graph.objects(EX[f"{number}/m"], M.exposedTo)}
        for number in range(len(EXPOSURE))
    }


@pytest.mark.parametrize("number", range(len(EXPOSURE)), ids=[edges for edges, _ in EXPOSURE])
def test_exposure(exposure: dict[int, set[str]], number: int) -> None:
    assert exposure[number] == EXPOSURE[number][1]


NO_DERIVATION = ["testedOn", "validatedOn", "evaluatedOn", "labelledBy", "succeeds", "partOf", "footprint"]
DERIVATION = [
    "trainedOn",
    "pretrainedOn",
    "finetunedOn",
    "instructionTunedOn",
    "derivedFrom",
    "drawnFrom",
    "madeFrom",
    "derivedFromModel",
    "finetunedFrom",
    "initializedFrom",
    "distilledFrom",
    "mergedFrom",
    "quantizedFrom",
    "usesComponent",
]


@pytest.fixture(scope="module")
def entailed(terms: Graph, alignments: Graph) -> Graph:
    """What follows from one edge of each kind, from ex:EDGE-1 to ex:EDGE-2, and from a fine-tuned model."""
    edges = [f"ex:{edge}-1 mlaoi:{edge} ex:{edge}-2 ." for edge in NO_DERIVATION + DERIVATION]
    edges.append("ex:m mlaoi:finetunedFrom ex:n . ex:n mlaoi:trainedOn ex:d .")
    return closure(turtle("\n".join(edges)), terms, alignments)


@pytest.mark.parametrize("edge", NO_DERIVATION)
def test_what_is_no_derivation_entails_none(entailed: Graph, edge: str) -> None:
    newer, older = EX[edge + "-1"], EX[edge + "-2"]
    assert (newer, M[edge], older) in entailed
    for predicate in (PROV.wasDerivedFrom, PROV.wasInfluencedBy, M.madeFrom, M.exposedTo):
        assert (newer, predicate, older) not in entailed


@pytest.mark.parametrize("edge", DERIVATION)
def test_derivations_entail_prov(entailed: Graph, edge: str) -> None:
    assert (EX[edge + "-1"], PROV.wasDerivedFrom, EX[edge + "-2"]) in entailed


def test_stages_entail_the_wider_edge_in_other_vocabularies(entailed: Graph) -> None:
    fair4ml = Namespace("https://w3id.org/fair4ml#")
    assert (EX["pretrainedOn-1"], fair4ml.trainedOn, EX["pretrainedOn-2"]) in entailed
    assert (EX["testedOn-1"], fair4ml.testedOn, EX["testedOn-2"]) in entailed
    assert (EX["testedOn-1"], fair4ml.trainedOn, EX["testedOn-2"]) not in entailed
    assert (EX["partOf-1"], DCTERMS.isPartOf, EX["partOf-2"]) in entailed


def test_exposure_is_no_derivation(entailed: Graph) -> None:
    assert (EX.m, M.exposedTo, EX.d) in entailed
    assert (EX.m, PROV.wasDerivedFrom, EX.d) not in entailed
    assert (EX.m, URIRef("https://w3id.org/fair4ml#trainedOn"), EX.d) not in entailed


def test_an_edge_types_neither_end(entailed: Graph) -> None:
    for edge in NO_DERIVATION + DERIVATION:
        for end in ("-1", "-2"):
            assert set(entailed.objects(EX[edge + end], RDF.type)) <= {OWL.Thing, RDFS.Resource}


# --- shapes ---

GOOD = """
ex:clay a mlaoi:ModelFamily ; rdfs:label "Clay" .
ex:m a mlaoi:Model ; rdfs:label "Clay v1.5" ; mlaoi:family ex:clay ; mlaoi:trainingDisclosure mlaoi:PartialDisclosure ;
    mlaoi:resolved true ; mlaoi:declaredArea ex:everywhere ; mlaoi:pretrainedOn ex:d ; mlaoi:testedOn ex:e-test ;
    mlaoi:finetunedFrom ex:n ; mlaoi:succeeds ex:n .
ex:n a mlaoi:Model ; rdfs:label "Clay v1" ; mlaoi:madeFrom ex:thing .
ex:thing a mlaoi:UnknownThing .
ex:d a mlaoi:Dataset ; rdfs:label "chips" ; mlaoi:footprint ex:aoi ; mlaoi:drawnFrom ex:s2 ; mlaoi:labelledBy ex:n .
ex:e a mlaoi:Dataset ; rdfs:label "benchmark" ; mlaoi:derivedFrom ex:d .
ex:e-test a mlaoi:Dataset ; rdfs:label "benchmark, test" ; mlaoi:split "test" ; mlaoi:partOf ex:e .
ex:s2 a mlaoi:Dataset, mlaoi:SourceArchive ; rdfs:label "Sentinel-2" .
ex:aoi a mlaoi:AreaOfInterest ; mlaoi:precision mlaoi:CountryList ; mlaoi:country "KEN" ;
    geo:hasGeometry ex:geom ; geo:hasDefaultGeometry ex:geom .
ex:geom a geo:Geometry ; geo:asWKT "POLYGON ((0 0, 1 0, 1 1, 0 0))"^^geo:wktLiteral .
ex:everywhere a mlaoi:AreaOfInterest ; mlaoi:precision mlaoi:Global .
ex:paper a mlaoi:Evidence ; rdfs:label "a paper" ; mlaoi:tier "primary" .
ex:doc a mlaoi:SourceDocument ; mlaoi:describes ex:m .
ex:reading a mlaoi:Reading ; mlaoi:ofDocument ex:doc ; mlaoi:readAt "2026-11-25T10:00:00Z" ; mlaoi:contentHash "sha256:00" .
ex:use a mlaoi:DataUse ; mlaoi:ofModel ex:m ; mlaoi:ofDataset ex:d ; mlaoi:stage mlaoi:Pretraining ; mlaoi:rule mlaoi:Stated ;
    mlaoi:statedIn ex:doc ; mlaoi:evidence ex:paper ; mlaoi:confidence mlaoi:Verified .
ex:test a mlaoi:DataUse ; mlaoi:ofModel ex:m ; mlaoi:ofDataset ex:e-test ; mlaoi:stage mlaoi:Test ; mlaoi:split "test" ;
    mlaoi:splitPolicy mlaoi:CommonSplitPolicy ; mlaoi:rule mlaoi:SplitLink ; mlaoi:statedIn ex:doc ; mlaoi:area ex:aoi .
ex:ft a mlaoi:Derivation ; mlaoi:ofDerived ex:m ; mlaoi:ofSource ex:n ; mlaoi:derivationKind mlaoi:Finetuned ;
    mlaoi:rule mlaoi:Stated ; mlaoi:statedIn ex:doc .
ex:drawn a mlaoi:Derivation ; mlaoi:ofDerived ex:d ; mlaoi:ofSource ex:s2 ; mlaoi:derivationKind mlaoi:Drawn ;
    mlaoi:rule mlaoi:Stated ; mlaoi:statedIn ex:doc .
ex:labelled a mlaoi:Derivation ; mlaoi:ofDerived ex:d ; mlaoi:ofSource ex:n ; mlaoi:derivationKind mlaoi:Labelled ;
    mlaoi:rule mlaoi:Stated ; mlaoi:statedIn ex:doc .
ex:derived a mlaoi:Derivation ; mlaoi:ofDerived ex:e ; mlaoi:ofSource ex:d ; mlaoi:derivationKind mlaoi:Derived ;
    mlaoi:rule mlaoi:Stated ; mlaoi:statedIn ex:doc .
ex:unknown a mlaoi:Derivation ; mlaoi:ofDerived ex:n ; mlaoi:ofSource ex:thing ; mlaoi:derivationKind mlaoi:UnknownKind ;
    mlaoi:rule mlaoi:UnresolvedDerivedFrom ; mlaoi:statedIn ex:doc .
ex:next a mlaoi:Association ; mlaoi:ofSubject ex:m ; mlaoi:ofObject ex:n ; mlaoi:associationKind mlaoi:Succeeds ;
    mlaoi:rule mlaoi:Stated ; mlaoi:statedIn ex:doc .
ex:part a mlaoi:Association ; mlaoi:ofSubject ex:e-test ; mlaoi:ofObject ex:e ; mlaoi:associationKind mlaoi:PartOf ;
    mlaoi:rule mlaoi:Stated ; mlaoi:statedIn ex:doc .
"""


@pytest.fixture(scope="module")
def shapes() -> Graph:
    return Graph().parse(ontology_file("shapes.ttl"))


def report(data: Graph, shapes: Graph) -> set[tuple[str, URIRef, str]]:
    """Return focus node, severity and message of every result."""
    # pyshacl writes into the shapes it is given.
    _, results, _ = pyshacl.validate(data, shacl_graph=shapes, inference="none")
    assert isinstance(results, Graph)
    return {
        (
            str(results.value(r, SH.focusNode)).removeprefix(str(EX)),
            URIRef(str(results.value(r, SH.resultSeverity))),
            str(results.value(r, SH.resultMessage)),
        )
        for r in results.subjects(RDF.type, SH.ValidationResult)
    }


def test_shapes_are_valid_shacl(shapes: Graph) -> None:
    pyshacl.validate(Graph(), shacl_graph=shapes, meta_shacl=True)  # raises on a bad shape


def test_shapes_accept_a_good_graph(shapes: Graph) -> None:
    assert report(turtle(GOOD), shapes) == set()


def test_shapes_accept_a_good_graph_with_the_ontology_beside_it(shapes: Graph, terms: Graph) -> None:
    assert report(turtle(GOOD) + terms, shapes) == set()


VIOLATION, WARNING = SH.Violation, SH.Warning


# One change to the good graph a line; the node, severity and words of the result it must give.
# fmt: off
BAD = [
    ('rdfs:label "Clay v1.5" ;', "", "m", VIOLATION, "no rdfs:label"),
    ('rdfs:label "chips" ;', "", "d", VIOLATION, "no rdfs:label"),
    ('rdfs:label "a paper" ;', "", "paper", VIOLATION, "no rdfs:label"),
    ('; rdfs:label "Clay" ', "", "clay", VIOLATION, "no rdfs:label"),
    ("ex:m a mlaoi:Model ;", "ex:m a mlaoi:Model, mlaoi:Dataset ;", "m", VIOLATION, "both a model and a dataset"),
    ("ex:n a mlaoi:Model ;", "ex:n a mlaoi:Model, mlaoi:SourceArchive ;", "n", VIOLATION, "both a model"),
    ("mlaoi:family ex:clay", "mlaoi:family ex:d", "m", VIOLATION, "not a mlaoi:ModelFamily"),
    ("mlaoi:PartialDisclosure", "mlaoi:PartialDisclosure, mlaoi:CompleteDisclosure", "m", VIOLATION, "at most one"),
    ("mlaoi:PartialDisclosure", '"partial"', "m", VIOLATION, "trainingDisclosure"),
    ("mlaoi:declaredArea ex:everywhere", "mlaoi:declaredArea ex:geom", "m", VIOLATION, "declared area"),
    ("mlaoi:pretrainedOn ex:d", "mlaoi:pretrainedOn ex:n", "n", VIOLATION, "no dataset"),
    ("mlaoi:testedOn ex:e-test", "mlaoi:testedOn ex:nowhere", "nowhere", VIOLATION, "no dataset"),
    ("mlaoi:finetunedFrom ex:n", "mlaoi:finetunedFrom ex:d", "d", VIOLATION, "that is no model"),
    ("mlaoi:labelledBy ex:n", "mlaoi:labelledBy ex:e", "e", VIOLATION, "that is no model"),
    ("mlaoi:succeeds ex:n", "mlaoi:succeeds ex:d", "m", VIOLATION, "another kind"),
    ("mlaoi:derivedFrom ex:d", "mlaoi:derivedFrom ex:s2", "e", WARNING, "mlaoi:drawnFrom"),
    ("mlaoi:footprint ex:aoi", "mlaoi:footprint ex:geom", "d", VIOLATION, "footprint"),
    ("mlaoi:partOf ex:e .", "mlaoi:partOf ex:m .", "e-test", VIOLATION, "part of something"),
    ('mlaoi:split "test" ; mlaoi:partOf', 'mlaoi:split "test", "val" ; mlaoi:partOf', "e-test", VIOLATION, "more than one"),
    ('mlaoi:split "test" ; mlaoi:partOf', 'mlaoi:split "train" ; mlaoi:partOf', "test", VIOLATION, "not the split"),
    ('mlaoi:split "test" ; mlaoi:partOf', "mlaoi:partOf", "test", VIOLATION, "not the split"),
    ("mlaoi:precision mlaoi:CountryList ;", "", "aoi", VIOLATION, "exactly one mlaoi:precision"),
    ("mlaoi:CountryList ;", "mlaoi:CountryList, mlaoi:Region ;", "aoi", VIOLATION, "exactly one mlaoi:precision"),
    ("mlaoi:CountryList ;", "mlaoi:Stated ;", "aoi", VIOLATION, "exactly one mlaoi:precision"),
    ("mlaoi:precision mlaoi:CountryList ;", "mlaoi:precision mlaoi:Global ;", "aoi", VIOLATION, "global area has"),
    ("mlaoi:precision mlaoi:Global .", "mlaoi:precision mlaoi:Region .", "everywhere", WARNING, "no geometry"),
    ('mlaoi:country "KEN"', 'mlaoi:country "Kenya"', "aoi", WARNING, "alpha-3"),
    ("POLYGON ((0 0, 1 0, 1 1, 0 0))", "<http://www.opengis.net/def/crs/EPSG/0/3035> POINT (1 1)", "geom", VIOLATION, "CRS84"),
    ('0 0))"^^geo:wktLiteral', '0 0))"', "geom", VIOLATION, "exactly one geo:asWKT"),
    ('mlaoi:tier "primary"', 'mlaoi:tier "best"', "paper", WARNING, "tier"),
    ("mlaoi:readAt", "mlaoi:readOn", "reading", VIOLATION, "readAt"),
    ("mlaoi:ofDocument ex:doc ;", "", "reading", VIOLATION, "ofDocument"),
    ("mlaoi:ofModel ex:m ; mlaoi:ofDataset ex:d", "mlaoi:ofDataset ex:d", "use", VIOLATION, "mlaoi:ofModel"),
    ("mlaoi:ofModel ex:m ; mlaoi:ofDataset ex:d", "mlaoi:ofModel ex:d ; mlaoi:ofDataset ex:d", "use", VIOLATION, "mlaoi:ofModel"),
    ("mlaoi:ofDataset ex:d", "mlaoi:ofDataset ex:d, ex:e", "use", VIOLATION, "mlaoi:ofDataset"),
    ("mlaoi:ofDataset ex:d", "mlaoi:ofDataset ex:n", "use", VIOLATION, "mlaoi:ofDataset"),
    ("mlaoi:stage mlaoi:Pretraining ;", "", "use", VIOLATION, "mlaoi:stage"),
    ("mlaoi:stage mlaoi:Pretraining", "mlaoi:stage mlaoi:Finetuned", "use", VIOLATION, "mlaoi:stage"),
    ("mlaoi:rule mlaoi:Stated ;\n    mlaoi:statedIn ex:doc ; mlaoi:evidence", "mlaoi:evidence", "use", VIOLATION, "mlaoi:rule"),
    ("mlaoi:statedIn ex:doc ; mlaoi:evidence", "mlaoi:evidence", "use", VIOLATION, "mlaoi:statedIn"),
    ("mlaoi:statedIn ex:doc ; mlaoi:evidence", "mlaoi:statedIn ex:m ; mlaoi:evidence", "use", VIOLATION, "mlaoi:statedIn"),
    ("mlaoi:evidence ex:paper", "mlaoi:evidence ex:doc", "use", VIOLATION, "mlaoi:Evidence"),
    ("mlaoi:confidence mlaoi:Verified", 'mlaoi:confidence "0.9"', "use", VIOLATION, "confidence"),
    ("mlaoi:splitPolicy mlaoi:CommonSplitPolicy ;", "", "test", WARNING, "policy"),
    ("mlaoi:area ex:aoi", "mlaoi:area ex:geom", "test", VIOLATION, "area"),
    ("mlaoi:ofSource ex:n ; mlaoi:derivationKind mlaoi:Finetuned", "mlaoi:ofSource ex:m ; mlaoi:derivationKind mlaoi:Finetuned", "ft", VIOLATION, "derived from itself"),
    ("mlaoi:ofSource ex:n ; mlaoi:derivationKind mlaoi:Finetuned", "mlaoi:derivationKind mlaoi:Finetuned", "ft", VIOLATION, "mlaoi:ofSource"),
    ("mlaoi:derivationKind mlaoi:Finetuned", "mlaoi:derivationKind mlaoi:Finetuning", "ft", VIOLATION, "mlaoi:derivationKind"),
    ("mlaoi:derivationKind mlaoi:Finetuned", "mlaoi:derivationKind mlaoi:Derived", "ft", VIOLATION, "do not fit"),
    ("mlaoi:derivationKind mlaoi:Drawn", "mlaoi:derivationKind mlaoi:Quantized", "drawn", VIOLATION, "do not fit"),
    ("mlaoi:ofSource ex:s2", "mlaoi:ofSource ex:e", "drawn", VIOLATION, "do not fit"),
    ("mlaoi:derivationKind mlaoi:Labelled", "mlaoi:derivationKind mlaoi:Derived", "labelled", VIOLATION, "do not fit"),
    ("mlaoi:ofSubject ex:m ; mlaoi:ofObject ex:n", "mlaoi:ofSubject ex:m ; mlaoi:ofObject ex:m", "next", VIOLATION, "to itself"),
    ("mlaoi:ofSubject ex:m ; mlaoi:ofObject ex:n", "mlaoi:ofSubject ex:m ; mlaoi:ofObject ex:d", "next", VIOLATION, "two kinds"),
    ("mlaoi:ofSubject ex:m ; mlaoi:ofObject ex:n", "mlaoi:ofObject ex:n", "next", VIOLATION, "mlaoi:ofSubject"),
    ("mlaoi:associationKind mlaoi:Succeeds ;", "", "next", VIOLATION, "mlaoi:associationKind"),
    ("mlaoi:ofSubject ex:e-test ; mlaoi:ofObject ex:e ", "mlaoi:ofSubject ex:e-test ; mlaoi:ofObject ex:m ", "part", VIOLATION, "part-of"),
    ("mlaoi:ofObject ex:n ;", "", "next", VIOLATION, "mlaoi:ofObject"),
    ("mlaoi:statedIn ex:doc ; mlaoi:evidence", 'mlaoi:statedIn ex:doc ; mlaoi:pointer "/links/0", "/links/1" ; mlaoi:evidence', "use", VIOLATION, "pointer"),
    ('mlaoi:stage mlaoi:Test ; mlaoi:split "test" ;', 'mlaoi:stage mlaoi:Test ; mlaoi:split "test", "train" ;', "test", VIOLATION, "more than one split"),
    ("mlaoi:splitPolicy mlaoi:CommonSplitPolicy", 'mlaoi:splitPolicy "common"', "test", VIOLATION, "split policy"),
    ("mlaoi:ofDerived ex:m ;", "", "ft", VIOLATION, "mlaoi:ofDerived"),
    ('mlaoi:contentHash "sha256:00"', 'mlaoi:contentHash "sha256:00", "sha256:01"', "reading", VIOLATION, "contentHash"),
]
# fmt: on


@pytest.fixture(scope="module")
def reports(shapes: Graph) -> list[set[tuple[str, URIRef, str]]]:
    return [report(turtle(GOOD.replace(old, new)), shapes) for old, new, *_ in BAD]


@pytest.mark.parametrize("number", range(len(BAD)), ids=[f"{old} -> {new}" for old, new, *_ in BAD])
def test_shapes_reject_a_bad_graph(reports: list[set[tuple[str, URIRef, str]]], number: int) -> None:
    old, _, focus, severity, message = BAD[number]
    assert GOOD.count(old) == 1, "the change must be one change"
    assert any(f == focus and s == severity and message in m for f, s, m in reports[number]), reports[number]


@pytest.mark.parametrize(
    "kind",
    [
        *(
            M[name]
            for name in [
                "Model",
                "ModelFamily",
                "Dataset",
                "AreaOfInterest",
                "Evidence",
                "SourceDocument",
                "Reading",
            ]
        ),
        *(M[name] for name in ["DataUse", "Derivation", "Association"]),
        GEO.Geometry,
    ],
)
def test_shapes_reject_a_blank_node(shapes: Graph, kind: URIRef) -> None:
    found = report(turtle(f"[] a <{kind}> ."), shapes)
    assert [m for _, _, m in found if "has no IRI" in m]


def test_every_message_is_given_by_some_bad_graph(shapes: Graph, reports: list[set[tuple[str, URIRef, str]]]) -> None:
    given = {message for found in reports for _, _, message in found}
    assert {str(m) for m in shapes.objects(None, SH.message) if "has no IRI" not in m} <= given


def test_a_family_stands_where_its_source_names_no_model(shapes: Graph) -> None:
    data = GOOD.replace("mlaoi:finetunedFrom ex:n", "mlaoi:finetunedFrom ex:clay").replace(
        "ex:ft a mlaoi:Derivation ; mlaoi:ofDerived ex:m ; mlaoi:ofSource ex:n",
        "ex:ft a mlaoi:Derivation ; mlaoi:ofDerived ex:m ; mlaoi:ofSource ex:clay",
    )
    assert report(turtle(data), shapes) == set()


def test_a_use_of_a_dataset_that_is_a_split_need_not_name_the_split(shapes: Graph) -> None:
    data = GOOD.replace('mlaoi:stage mlaoi:Test ; mlaoi:split "test" ;', "mlaoi:stage mlaoi:Test ;")
    assert data != GOOD
    assert report(turtle(data), shapes) == set()


def test_every_message_ends_with_a_next_step(shapes: Graph) -> None:
    messages = list(shapes.objects(None, SH.message))
    assert len(messages) > 40
    for message in messages:
        assert str(message).count(". ") >= 1, message  # what is wrong, then what to do
        assert str(message).endswith("."), message


def test_every_property_shape_has_a_message_or_is_part_of_one_that_has(shapes: Graph) -> None:
    for target in set(shapes.subjects(SH.targetClass, None)):
        for part in [target, *shapes.objects(target, SH.property)]:
            constrains = set(shapes.predicates(part)) - {RDF.type, SH.targetClass, SH.property, SH.severity}
            assert not constrains or (part, SH.message, None) in shapes, part


# --- JSON-LD context ---


def test_context_has_every_term(terms: Graph) -> None:
    context = json.loads(ontology_file("context.jsonld").read_text(encoding="utf-8"))["@context"]
    for term in ours(terms):
        name = str(term).removeprefix(MLAOI_NS)
        entry = context[name]
        assert (entry if isinstance(entry, str) else entry["@id"]) == f"mlaoi:{name}"
        if (term, RDF.type, OWL.ObjectProperty) in terms:
            assert entry["@type"] in {"@id", "@vocab"}
    extra = {name for name, entry in context.items() if str(entry).startswith(("mlaoi:", "{'@id': 'mlaoi:"))}
    assert extra == {str(t).removeprefix(MLAOI_NS) for t in ours(terms)}


def test_context_round_trip() -> None:
    graph = turtle(GOOD)
    graph.add((EX.m, DCTERMS.identifier, Literal("clay-v1.5")))
    graph.add((EX.m, SKOS.altLabel, Literal("Clay 1.5")))
    graph.add((EX.m, M.parameters, Literal("0632")))
    context = json.loads(ontology_file("context.jsonld").read_text(encoding="utf-8"))["@context"]
    text = graph.serialize(format="json-ld", context=context)
    again = Graph().parse(data=text, format="json-ld")
    assert isomorphic(graph, again), set(to_isomorphic(graph)) ^ set(to_isomorphic(again))
    nodes = {node["id"]: node for node in json.loads(text)["@graph"]}
    assert nodes[str(EX.m)]["pretrainedOn"] == str(EX.d)
    assert ":" not in "".join(key for node in nodes.values() for key in node)  # every property has its short name


def test_context_reads_what_a_person_writes() -> None:
    context = json.loads(ontology_file("context.jsonld").read_text(encoding="utf-8"))["@context"]
    written = {
        "@context": context,
        "id": "https://example.org/use",
        "type": "DataUse",
        "ofModel": "https://example.org/m",
        "stage": "Pretraining",
        "split": "train",
    }
    graph = Graph().parse(data=json.dumps(written), format="json-ld")
    assert set(graph) == set(
        turtle("ex:use a mlaoi:DataUse ; mlaoi:ofModel ex:m ; mlaoi:stage mlaoi:Pretraining ; mlaoi:split 'train' .")
    )


# --- packaging ---


def test_a_file_that_is_not_there_says_so() -> None:
    with pytest.raises(FileNotFoundError, match=r"no ontology file 'nothing\.ttl'"):
        ontology_file("nothing.ttl")


def test_wheel_holds_the_ontology_files(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path, ROOT]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    found = subprocess.run(
        [sys.executable, "-c", "from mlaoi_graph.ontology_files import *; print(ontology_file('mlaoi.ttl'))"],
        cwd=tmp_path / "installed",
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    assert Path(found) == tmp_path / "installed" / "mlaoi_graph" / "ontology" / "mlaoi.ttl"
    extension = [str(p.relative_to(ROOT / "ontology")) for p in (ROOT / "ontology/stac-extension").rglob("*.*")]
    assert "stac-extension/json-schema/schema.json" in extension
    for name in [*TURTLE_FILES, "context.jsonld", *extension]:
        shipped = tmp_path / "installed" / "mlaoi_graph" / "ontology" / name
        assert shipped.read_bytes() == (ROOT / "ontology" / name).read_bytes()
