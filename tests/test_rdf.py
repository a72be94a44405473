"""Model objects and triples: the two are inverse, whatever the text."""

from dataclasses import fields, replace
from enum import Enum
from types import UnionType
from typing import get_args, get_origin, get_type_hints

import pyoxigraph as ox
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlaoi_graph import rdf
from mlaoi_graph.model import (
    AreaOfInterest,
    Association,
    AssociationKind,
    Confidence,
    Dataset,
    DataUse,
    Derivation,
    DerivationKind,
    Evidence,
    Model,
    ModelFamily,
    Precision,
    Rule,
    SourceDocument,
    Stage,
    Unknown,
)  # fmt: skip
from mlaoi_graph.vocab import GEO, MLAOI

IRIS = st.integers(0, 50).map(lambda n: f"https://example.org/{n}")
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20)
CLASSES = [
    Model,
    ModelFamily,
    Dataset,
    AreaOfInterest,
    DataUse,
    Derivation,
    Association,
    Evidence,
    SourceDocument,
    Unknown,
]
IRI_FIELDS = {
    "iri", "family", "declared_area", "sources", "part_of", "footprints", "source_images", "label_sources", "model",
    "dataset", "document", "area", "evidence", "derived", "source", "subject", "object", "describes",
}  # fmt: skip


def values(name, hint):
    if get_origin(hint) is UnionType:
        inner = next(a for a in get_args(hint) if a is not type(None))
        return st.none() | values(name, inner)
    if get_origin(hint) is tuple:
        return st.sets(values(name, get_args(hint)[0]), max_size=3).map(lambda found: tuple(sorted(found)))
    if hint is bool:
        return st.booleans()
    if isinstance(hint, type) and issubclass(hint, Enum):
        return st.sampled_from(hint)
    if name == "wkt":
        return st.just("POINT (7 46)")
    return IRIS if name in IRI_FIELDS else TEXT


def statements(cls):
    hints = get_type_hints(cls)
    found = st.builds(cls, **{f.name: values(f.name, hints[f.name]) for f in fields(cls)})
    return found.map(as_readers_make_it) if cls is Dataset else found


def as_readers_make_it(dataset):
    """What is only said of an item says something, and not that it is an archive."""
    is_latent = dataset.latent and dataset.license is not None
    return replace(dataset, latent=is_latent, archive=dataset.archive and not is_latent)


def there_and_back(found):
    text = rdf.encode(found)
    return rdf.decode(quad.triple for quad in ox.parse(text.encode(), ox.RdfFormat.N_TRIPLES))


@pytest.mark.parametrize("cls", CLASSES)
def test_every_kind_of_statement_survives(cls):
    @settings(max_examples=60, deadline=None)
    @given(statements(cls))
    def survives(statement):
        # An edge of a node to itself looks like any other triple of it; no reader makes one.
        assert there_and_back([statement]) == [statement]

    survives()


def test_a_document_survives_with_its_edges():
    model = Model(iri="https://example.org/m", label="M", resolved=True)
    part = Dataset(
        iri="https://example.org/d/train", label="D (train)", split="train", part_of=("https://example.org/d",)
    )
    use = DataUse(
        iri="https://example.org/doc#1", model=model.iri, dataset=part.iri, stage=Stage.PRETRAINING, rule=Rule.STATED,
        document="https://example.org/doc", split="train",
    )  # fmt: skip
    member = Association(
        iri="https://example.org/doc#2", subject=part.iri, object="https://example.org/benchmark",
        kind=AssociationKind.PART_OF, rule=Rule.STATED, document="https://example.org/doc",
    )  # fmt: skip
    found = there_and_back([model, part, use, member])
    assert sorted(found, key=lambda s: s.iri) == sorted([model, part, use, member], key=lambda s: s.iri)


@pytest.mark.parametrize("stage", Stage)
def test_a_use_writes_its_direct_edge(stage):
    use = DataUse(iri="urn:u", model="urn:m", dataset="urn:d", stage=stage, rule=Rule.STATED, document="urn:doc")
    assert f"<urn:m> <{rdf.STAGE_PROPERTY[stage]}> <urn:d> .\n" in rdf.encode([use])


@pytest.mark.parametrize("kind", DerivationKind)
def test_a_derivation_writes_its_direct_edge(kind):
    made = Derivation(iri="urn:u", derived="urn:a", source="urn:b", kind=kind, rule=Rule.STATED, document="urn:doc")
    assert f"<urn:a> <{rdf.DERIVATION_PROPERTY[kind]}> <urn:b> .\n" in rdf.encode([made])


def test_an_area_and_its_geometry_are_two_nodes():
    area = AreaOfInterest(iri="urn:x:item#area", precision=Precision.SAMPLES, wkt="POINT (7 46)")
    text = rdf.encode([area])
    assert f'<urn:x:item#area-geometry> <{GEO.asWKT}> "POINT (7 46)"^^<{GEO.wktLiteral}> .\n' in text
    assert f"<urn:x:item#area> <{GEO.hasGeometry}> <urn:x:item#area-geometry> .\n" in text
    assert f"<urn:x:item#area> <{GEO.hasDefaultGeometry}> <urn:x:item#area-geometry> .\n" in text


def test_quads_are_the_triples_with_a_graph():
    model = Model(iri="urn:m", label='a "b" .\nc')
    lines = [line.removesuffix(" .") for line in rdf.encode([model]).splitlines()]
    assert rdf.encode([model], graph="urn:g").splitlines() == [f"{line} <urn:g> ." for line in lines]


def test_no_field_is_left_out_of_the_table():
    for cls in CLASSES:
        filled = {f.name for f in fields(cls)} - {"iri", "archive", "latent"}
        assert set(rdf._TABLE[cls][1]) == filled, cls


def test_archives_are_datasets_too():
    text = rdf.encode([Dataset(iri="urn:s2", archive=True)])
    assert f"<{MLAOI.SourceArchive}>" in text
    assert f"<{MLAOI.Dataset}>" in text


def test_what_is_described_wins_over_what_is_mentioned():
    mentioned = Dataset(
        iri="urn:d", label="somewhere/d.json", resolved=False, unresolved_name="d.json", footprints=("urn:2",)
    )
    described = Dataset(iri="urn:d", label="D", resolved=True, footprints=("urn:1",))
    merged = rdf.merge([mentioned, described])
    assert (merged.label, merged.resolved, merged.footprints) == ("D", True, ("urn:1", "urn:2"))


def test_an_incomplete_statement_is_left_out():
    use = DataUse(iri="urn:u", model="urn:m", dataset="urn:d", stage=Stage.TEST, rule=Rule.STATED, document="urn:doc")
    lines = [line for line in rdf.encode([use]).splitlines() if "#stage>" not in line]
    assert rdf.decode(q.triple for q in ox.parse("\n".join(lines), ox.RdfFormat.N_TRIPLES)) == []
    assert replace(use, confidence=Confidence.UNVERIFIED) != use
