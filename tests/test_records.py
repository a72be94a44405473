"""The reader of records: what a small file means, and what a wrong one is told."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pyoxigraph import RdfFormat, parse

import mlaoi_graph
from mlaoi_graph import countries, geo, rdf
from mlaoi_graph.errors import SourceNotFound
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
    Finding,
    Model,
    ModelFamily,
    Precision,
    Rule,
    Severity,
    SourceDocument,
    SplitPolicy,
    Stage,
    Statement,
)
from mlaoi_graph.readers import Context, Kind, Outcome, ReadDocument, Target, records
from mlaoi_graph.readers.records import form, tree

BASE = "https://example.com/c/"

T = TypeVar("T", bound=Statement)


class Catalog:
    """What a reader may ask, answered from what a test says."""

    def __init__(
        self, named: dict[str, list[Target]] | None = None, unchanged: set[tuple[str, str]] | None = None
    ) -> None:
        self._named = named or {}
        self._unchanged = unchanged or set()

    def holds(self, document: str) -> bool:
        return False

    def is_unchanged(self, document: str, content_hash: str, links_hash: str | None = None) -> bool:
        return (document, content_hash) in self._unchanged

    def target(self, iri: str) -> Target | None:
        return None

    def named(self, name: str) -> Sequence[Target]:
        return self._named.get(name, [])


def read(source: Path, known: Catalog | None = None) -> list[ReadDocument]:
    return list(records.read(str(source), Context(BASE, SplitPolicy.COMMON, known or Catalog(), "mine")))


def write(folder: Path, text: str, name: str = "a.yaml") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return path


def read_one(folder: Path, text: str, known: Catalog | None = None) -> ReadDocument:
    (document,) = read(write(folder, text), known)
    return document


def said(document: ReadDocument) -> list[Statement]:
    assert document.outcome is Outcome.READ, [str(finding) for finding in document.findings]
    return document.statements


def errors(documents: Sequence[ReadDocument]) -> list[Finding]:
    return [f for document in documents for f in document.findings if f.severity is Severity.ERROR]


SMALL = """
    families:
      hawk: { name: Hawk, publisher: Nest, sources: card }
    models:
      hawk-s:
        name: Hawk S
        family: hawk
        version: 1.10
        released: 2024-05
        disclosure: partial
        paper: 10.1234/shared
        sources: [card]
        unverified: { parameters: 12M }
      hawk-l: { name: Hawk L, family: hawk }
    datasets:
      fields:
        name: Fields
        archive:
        splits: { train: 800, val: , test: 100 }
        aliases: [Crop fields, F]
      sky: { name: Sky, archive: true }
    uses:
    - model: [hawk-s, hawk-l]
      stage: pretraining
      dataset: [fields, sky]
      source: card
      evidence: both were trained on both
    - model: hawk
      stage: test
      dataset: fields
      split: test
      part: Kenya
      edition: 1.10
      zero_shot: true
      declared: true
      metrics: { IoU: 0.70 }
      source: [blog, card]
      evidence: a script
    derivations:
    - { of: fields, kind: drawn, from: sky, source: blog, evidence: says so }
    - { of: hawk-l, kind: distilled, from: hawk-s, optional: true, source: card, evidence: a teacher }
    - { of: fields, kind: labelled, from: hawk-s, source: card, confidence: unverified, evidence: guessed }
    successions:
    - { newer: hawk-l, older: hawk-s, source: card, evidence: came after }
    sources:
      card: { title: Hawk's card, url: "https://example.com/card", read_on: 2026-01-02 }
      blog: { title: Blog, doi: 10.1234/x, tier: secondary }
"""


def find(statements: Sequence[Statement], cls: type[T]) -> dict[str, T]:
    return {s.iri.removeprefix(BASE): s for s in statements if isinstance(s, cls)}


@pytest.fixture
def small(tmp_path: Path) -> list[Statement]:
    return said(read_one(tmp_path, SMALL))


def test_nodes_carry_what_the_record_says(small: list[Statement]) -> None:
    assert find(small, ModelFamily)["families/hawk"] == ModelFamily(
        iri=BASE + "families/hawk",
        label="Hawk",
        identifier="hawk",
        publisher="Nest",
        sources=(BASE + "sources/card",),
    )
    assert find(small, Model)["models/hawk-s"] == Model(
        iri=BASE + "models/hawk-s", label="Hawk S", identifier="hawk-s", description="Unverified: parameters 12M.",
        family=BASE + "families/hawk", version="1.10", released="2024-05", disclosure=Disclosure.PARTIAL,
        resolved=True, sources=("https://doi.org/10.1234/shared", BASE + "sources/card"),
    )  # fmt: skip
    datasets = find(small, Dataset)
    assert datasets["datasets/fields"] == Dataset(
        iri=BASE + "datasets/fields",
        label="Fields",
        identifier="fields",
        aliases=("Crop fields", "F"),
        resolved=True,
    )
    assert datasets["datasets/sky"].archive
    assert datasets["datasets/fields/train"] == Dataset(
        iri=BASE + "datasets/fields/train", label="Fields (train)", split="train", size="800",
        part_of=(BASE + "datasets/fields",), resolved=True,
    )  # fmt: skip
    assert datasets["datasets/fields/val"].size is None
    evidence = find(small, Evidence)
    assert evidence["sources/card"].tier == "primary"
    assert evidence["sources/card"].read_on == "2026-01-02"
    assert evidence["sources/blog"].url == "https://doi.org/10.1234/x"
    assert evidence["https://doi.org/10.1234/shared"].doi == "10.1234/shared"


def test_lists_stand_for_every_pair(small: list[Statement]) -> None:
    uses = [s for s in small if isinstance(s, DataUse) and s.stage is Stage.PRETRAINING]
    pairs = {(s.model.removeprefix(BASE), s.dataset.removeprefix(BASE)) for s in uses}
    assert pairs == {(f"models/hawk-{m}", f"datasets/{d}") for m in "sl" for d in ("fields", "sky")}
    assert {s.pointer for s in uses} == {"/uses/0"}
    assert len({s.iri for s in uses}) == 4


def test_a_use_points_at_the_part_and_keeps_every_qualifier(small: list[Statement]) -> None:
    (use,) = [s for s in small if isinstance(s, DataUse) and s.stage is Stage.TEST]
    assert use == DataUse(
        iri=BASE + "documents/mine/a.yaml#/uses/hawk/test/fields/test/Kenya/1.10", model=BASE + "families/hawk",
        dataset=BASE + "datasets/fields/test/Kenya", stage=Stage.TEST, rule=Rule.STATED,
        document=BASE + "documents/mine/a.yaml", pointer="/uses/1", split="test", metrics='{"IoU":"0.70"}',
        evidence=(BASE + "sources/blog", BASE + "sources/card"), confidence=Confidence.VERIFIED,
        note="a script; zero-shot; declared only: no result was read; edition: 1.10",
    )  # fmt: skip
    part = find(small, Dataset)["datasets/fields/test/Kenya"]
    assert part.part_of == (BASE + "datasets/fields/test",)
    assert part.split == "test"


def test_what_rests_on_secondary_accounts_alone_is_unverified(small: list[Statement]) -> None:
    drawn, distilled, labelled = (s for s in small if isinstance(s, Derivation))
    assert (drawn.kind, drawn.confidence) == (DerivationKind.DRAWN, Confidence.UNVERIFIED)
    assert (distilled.kind, distilled.confidence) == (DerivationKind.DISTILLED, Confidence.VERIFIED)
    assert distilled.note == "a teacher; one of several alternatives"
    assert (labelled.kind, labelled.confidence) == (DerivationKind.LABELLED, Confidence.UNVERIFIED)
    (after,) = (s for s in small if isinstance(s, Association))
    assert (after.kind, after.subject, after.object) == (
        AssociationKind.SUCCEEDS, BASE + "models/hawk-l", BASE + "models/hawk-s",
    )  # fmt: skip


def test_a_row_put_in_between_changes_no_other_edge(tmp_path: Path, small: list[Statement]) -> None:
    more = SMALL.replace(
        "    uses:\n",
        "    uses:\n"
        "    - { model: hawk-l, stage: validation, dataset: fields, split: val, source: card, evidence: x }\n",
    )
    after = said(read_one(tmp_path / "b", more))
    before = {s.iri for s in small if isinstance(s, DataUse)}
    assert before < {s.iri for s in after if isinstance(s, DataUse)}


def test_graph_of_a_record_reads_back_the_same(small: list[Statement]) -> None:
    graph = parse(rdf.encode(small), RdfFormat.N_TRIPLES)
    assert sorted(rdf.decode(graph), key=lambda s: s.iri) == sorted(small, key=lambda s: s.iri)


def test_ids_hold_across_the_files_of_a_folder(tmp_path: Path) -> None:
    write(tmp_path, "models: { m: { name: M } }\nsources: { s: { title: S, url: 'https://e.com' } }", "m.yaml")
    write(tmp_path, "datasets: { d: { name: D, archive: true } }", "data/d.yml")
    write(
        tmp_path,
        "uses:\n- { model: m, stage: training, dataset: d, split: x y, source: s, evidence: e }",
        "u.yaml",
    )
    documents = read(tmp_path)
    assert [d.iri.removeprefix(BASE + "documents/mine/") for d in documents] == [
        "m.yaml",
        "u.yaml",
        "data/d.yml",
    ]
    statements = said(documents[1])
    assert find(statements, Dataset) == {
        "datasets/d": Dataset(iri=BASE + "datasets/d", archive=True),
        "datasets/d/x%20y": Dataset(
            iri=BASE + "datasets/d/x%20y",
            label="D (x y)",
            split="x y",
            part_of=(BASE + "datasets/d",),
            resolved=True,
        ),
    }
    assert find(statements, Model) == {"models/m": Model(iri=BASE + "models/m")}


ELSEWHERE = """
    uses:
    - { model: other, stage: test, dataset: fields, source: s, evidence: e }
    sources: { s: { title: S, url: "https://e.com" } }
"""


def test_an_id_of_no_file_is_looked_for_in_the_catalog(tmp_path: Path) -> None:
    known = Catalog(
        {
            "other": [Target("https://e.com/other", Kind.MODEL, "Other")],
            "fields": [Target("https://e.com/fields", Kind.ARCHIVE, "Fields")],
        }
    )
    statements = said(read_one(tmp_path, ELSEWHERE, known))
    (use,) = (s for s in statements if isinstance(s, DataUse))
    assert (use.model, use.dataset) == ("https://e.com/other", "https://e.com/fields")
    assert Dataset(iri="https://e.com/fields", archive=True) in statements


def test_an_id_that_stands_for_two_things_of_the_catalog_is_an_error(tmp_path: Path) -> None:
    twice = [Target("https://e.com/1", Kind.MODEL), Target("https://e.com/2", Kind.MODEL)]
    document = read_one(
        tmp_path, ELSEWHERE, Catalog({"other": twice, "fields": [Target("https://e.com/f", Kind.DATASET)]})
    )
    assert [(f.rule, f.pointer) for f in document.findings] == [("ambiguous-id", "3:12")]


def test_unchanged_only_if_every_file_is(tmp_path: Path) -> None:
    write(tmp_path, "models: { m: { name: M } }", "m.yaml")
    write(tmp_path, "datasets: { d: { name: D } }", "d.yaml")
    first = read(tmp_path)
    hashes = {(d.iri, d.content_hash or "") for d in first}
    assert {d.outcome for d in read(tmp_path, Catalog(unchanged=hashes))} == {Outcome.UNCHANGED}
    one = {next(iter(sorted(hashes)))}
    assert {d.outcome for d in read(tmp_path, Catalog(unchanged=one))} == {Outcome.READ}
    documents = [s for s in first[0].statements if isinstance(s, SourceDocument)]
    assert [(d.iri, d.content_hash) for d in documents] == [(first[0].iri, first[0].content_hash)]


# --- footprints -----------------------------------------------------------------------------------


def areas(folder: Path, footprint: str) -> list[AreaOfInterest]:
    document = read_one(folder, f"datasets:\n  d:\n    name: D\n    footprint: {footprint}\n")
    found = [s for s in said(document) if isinstance(s, AreaOfInterest)]
    (dataset,) = (s for s in document.statements if isinstance(s, Dataset))
    assert set(dataset.footprints) == {area.iri for area in found}
    return found


PARTS = """
models: { m: { name: M }, n: { name: N } }
datasets: { d: { name: D, footprint: { countries: [AUT, KEN] } } }
sources: { s: { title: S, url: "https://example.org/s" } }
uses:
- { model: m, stage: training, dataset: d, split: train, part: Austria, footprint: { countries: [AUT] }, source: s, evidence: e }
- { model: n, stage: test, dataset: d, split: train, part: Austria, footprint: { countries: [XYZ] }, source: s, evidence: e }
"""


def test_a_part_lies_where_a_use_says(tmp_path: Path) -> None:
    document = read_one(tmp_path, PARTS.replace("XYZ", "AUT"))
    assert not errors([document])
    (part,) = (d for d in find(said(document), Dataset).values() if d.label == "D (train) (Austria)")
    (footprint,) = part.footprints
    (area,) = (one for one in said(document) if one.iri == footprint)
    assert isinstance(area, AreaOfInterest)
    assert area.countries == ("AUT",)
    elsewhere = read_one(tmp_path, PARTS.replace("XYZ", "KEN"))
    assert "part-elsewhere" in {finding.rule for finding in elsewhere.findings}
    refused = read_one(tmp_path, PARTS.replace("XYZ", "AUT").replace("split: train, part: Austria", "split: train", 1))
    assert any("'part' is a dependency of 'footprint'" in finding.message for finding in refused.findings)


def test_countries_are_their_outlines_together(tmp_path: Path) -> None:
    (area,) = areas(tmp_path, "{ countries: [NOR, KEN], start: 2018, end: 2020-06, note: some }")
    assert (area.precision, area.countries) == (Precision.COUNTRY_LIST, ("KEN", "NOR"))
    assert (area.start, area.end, area.note) == ("2018", "2020-06", "some")
    shape = shapely.from_wkt(area.wkt)
    nairobi, oslo, lagos, cayenne = (
        shapely.Point(36.8, -1.3), shapely.Point(10.75, 59.95), shapely.Point(3.4, 6.5), shapely.Point(-52.3, 4.9),
    )  # fmt: skip
    assert shape.contains(nairobi)
    assert shape.contains(oslo)
    assert not shape.contains(lagos)
    assert not shape.contains(cayenne)
    # Kenya 580,367 km2 and mainland Norway 323,802 km2 by their statistical offices; Natural Earth gives Kenya the
    # Ilemi Triangle, and the outline loses skerries and fjords.
    assert geo.area_km2(area.wkt or "") == pytest.approx(580_367 + 323_802, rel=0.03)


@pytest.mark.parametrize(
    ("code", "area_km2"),
    # By the countries' statistical offices, in whole; Rwanda's lakes and Fiji's islets are beyond 1:50m.
    [("LUX", 2_586), ("BEN", 114_763), ("FIN", 338_478), ("RWA", 26_338), ("FJI", 18_272), ("NZL", 268_021)],
)
def test_outlines_have_the_size_of_their_country(code: str, area_km2: int) -> None:
    assert geo.area_km2(countries.outline([code])) == pytest.approx(area_km2, rel=0.05)


@pytest.mark.parametrize(
    ("written", "code"),
    # ISO 3166-1, and what people write.
    [
        ("France", "FRA"), ("FRANCE", "FRA"), ("fra", "FRA"), ("Türkiye", "TUR"), ("turkey", "TUR"), ("Czechia", "CZE"),
        ("czech republic", "CZE"), ("Côte d’Ivoire", "CIV"), ("Ivory Coast", "CIV"), ("the Gambia", "GMB"), ("UK", "GBR"),
        ("United States", "USA"), ("Korea, Republic of", "KOR"), ("north  korea", "PRK"), ("São Tomé and Principe", "STP"),
        ("Dem. Rep. Congo", "COD"), ("Congo", None), ("Frankreich", None), ("", None), ("FR", None),
    ],
)  # fmt: skip
def test_countries_go_by_their_english_names(written: str, code: str | None) -> None:
    assert countries.code_of(written) == code


def test_every_country_is_found_by_its_name() -> None:
    assert {countries.code_of(countries.name(code)) for code in countries.codes()} == countries.codes()


def test_outlines_are_valid_and_neighbours_share_their_border() -> None:
    shapes = {code: shapely.from_wkt(countries.outline([code])) for code in countries.codes()}
    assert len(shapes) > 230
    assert [code for code, shape in shapes.items() if not shape.is_valid or shape.is_empty] == []
    for here, there in [("AUT", "DEU"), ("KEN", "TZA"), ("USA", "CAN"), ("FRA", "ESP"), ("NOR", "RUS")]:
        # Rounding to two decimals leaves slivers.
        assert geo.overlap_km2(shapes[here], shapes[there]) < 0.1
        assert shapes[here].intersects(shapes[there])


def test_boxes_are_areas_of_their_own(tmp_path: Path) -> None:
    first, second = areas(
        tmp_path,
        "{ precision: region, end: 2021, boxes: ["
        "{ name: Fiji, country: FJI, bbox: [178, -18, -178, -16], start: 2020 }, { bbox: [7, 46, 8, 47] }] }",
    )
    assert (first.label, first.countries, first.start, first.end) == ("Fiji", ("FJI",), "2020", "2021")
    assert first.precision is second.precision is Precision.REGION
    assert shapely.from_wkt(first.wkt).bounds == (-180, -18, 180, -16)
    assert second.wkt == "POLYGON ((7.0 46.0, 8.0 46.0, 8.0 47.0, 7.0 47.0, 7.0 46.0))"


@pytest.mark.parametrize(
    ("footprint", "precision", "wkt", "note"),
    [
        ("{ global: true }", Precision.GLOBAL, None, None),
        ("{ boxes: [{ bbox: [0, 0, 1, 1] }] }", Precision.DECLARED_BOX, "POLYGON", None),
        ("{ region: Alps }", Precision.REGION, None, None),
        ("{ region: Alps, bbox: [5, 43, 17, 49] }", Precision.REGION, "POLYGON", None),
        ("{ grid: index.csv }", Precision.SAMPLES, None, "sample places published, not read: index.csv"),
    ],
)
def test_precision_says_how_near_a_footprint_is(
    tmp_path: Path, footprint: str, precision: Precision, wkt: str | None, note: str | None
) -> None:
    (area,) = areas(tmp_path, footprint)
    assert (area.precision, area.wkt and area.wkt.partition(" ")[0], area.note) == (precision, wkt, note)


def test_what_has_no_place_has_no_area(tmp_path: Path) -> None:
    assert areas(tmp_path, "{ none: true }") == []
    assert areas(tmp_path, "") == []


# --- what is wrong --------------------------------------------------------------------------------

# Columns count from 1, as editors do.
_SOURCES = "sources:\n  s: { title: S, url: 'https://e.com' }\n"
_TWO = "models:\n  a: { name: A }\n  b: { name: B }\ndatasets:\n  d: { name: D }\n"


def _row(section: str, row: str) -> str:
    return f"{_TWO}{_SOURCES}{section}:\n- {{ {row}, source: s, evidence: e }}\n"


@pytest.mark.parametrize(
    ("text", "rule", "pointer", "words"),
    [
        (_row("uses", "model: a, stage: pretrainedOn, dataset: d"), "unknown-word", "9:22", "pretraining"),
        (_row("derivations", "of: a, kind: madeOf, from: b"), "unknown-word", "9:18", "finetuned"),
        (_row("uses", "model: a, stage: test, dataset: nowhere"), "unknown-id", "9:37", "'nowhere'"),
        (_row("uses", "model: d, stage: test, dataset: d"), "wrong-kind", "9:12", "'d' is a dataset"),
        (_row("derivations", "of: a, kind: finetuned, from: d"), "wrong-kind", "9:35", "a model is wanted"),
        (_row("successions", "newer: a, older: d"), "wrong-kind", "9:22", "D is a dataset"),
        (_row("derivations", "of: a, kind: merged, from: a"), "self-reference", "9:32", "from itself"),
        (_row("derivations", "of: [a, b], kind: merged, from: b"), "self-reference", "9:37", "from itself"),
        (
            _row("derivations", "of: d, kind: drawn, from: d2").replace("D }\n", "D }\n  d2: { name: D2 }\n"),
            "archive", "10:31", "is derived",
        ),
        (_row("uses", "model: a, stage: test, dataset: d, sauce: hot"), "unknown-key", "9:40", "known are model"),
        (_row("uses", "model: a, stage: test"), "missing-key", "9:3", "dataset"),
        ("models: { a: { name: A, sources: who } }", "unknown-id", "1:34", "no source 'who'"),
        ("models: { a: { name: A, family: x } }", "unknown-id", "1:33", "'x'"),
        ("models:\n  a: { name: A }\n  a: { name: B }\n", "duplicate-key", "3:3", "line 2"),
        ("models:\n  a: { name: A }\ndatasets:\n  a: { name: B }\n", "duplicate-id", "4:6", "line 2"),
        ("models:\n  a: { name: A }\n  b: { name: a }\n", "same-name", "3:14", "model 'a' goes by, in line 2"),
        ("datasets:\n  d: { name: D }\n  e: { name: E, aliases: [Q, ' D '] }\n", "same-name", "3:30", "dataset 'd'"),
        ("datasets:\n  d: { name: D, aliases: [two  words] }\n  e:\n    name: Two Words\n", "same-name", "4:11", "in line 2"),
        ("datasets:\n  d: { name: D, aliases: [e] }\n  e: { name: E }\n", "same-name", "3:6", "'e' is what dataset 'd'"),
        ("datasets:\n  d: { name: D, doi: 10.1234/Q }\n  e: { name: E, doi: 10.1234/q }\n", "same-name", "3:22", "paper:"),
        (
            "datasets:\n  d: { name: D, version: 1, doi: 10.1234/q }\n"
            "  e: { name: E, version: 2, aliases: ['https://doi.org/10.1234/q'] }\n",
            "same-name", "3:39", "paper:",
        ),
        ("models:\n  a: { name: A, version: 1 }\n  b: { name: A }\n", "same-name", "3:14", "states its own"),
        ("models:\n  a: { name: A }\n  b: { name: A, version: 2 }\n", "same-name", "3:14", "states its own"),
        ("models:\n  a: { name: A, version: 1.0 }\n  b: { name: A, version: 1.0 }\n", "same-name", "3:14", "in line 2"),
        ("models:\n\ta: { name: A }\n", "tab-indentation", "2:1", "spaces"),
        ("models:\n  a: { name: !!python/object:os.system x }\n", "tag", "2:14", "leave it out"),
        ("models:\n  a: &x { name: A }\n  b: *x\n", "anchor", "2:6", "write it out"),
        ("models: { <<: *x }\n", "anchor", "1:15", "write it out"),
        ("models: [\n", "not-yaml", "2:1", "not YAML"),
        ("models: { a: { name: A } }\n---\nmodels: {}\n", "not-yaml", "2:1", "second document"),
        ("? [a]\n: b\n", "not-yaml", "1:3", "a key is text"),
        ("", "wrong-form", "1:1", "a mapping"),
        ("- a\n", "wrong-form", "1:1", "a mapping"),
        ("models:\n  'a b': { name: A }\n", "wrong-form", "2:3", "an id is letters"),
        ("models:\n  a: { name: [] }\n", "wrong-form", "2:14", "text is wanted"),
        ("models:\n  a: { name: A, url: ftp://e.com }\n", "wrong-form", "2:22", "http://"),
        ("models:\n  a: { name: A, doi: 'https://doi.org/10.1/x' }\n", "wrong-form", "2:22", "bare DOI"),
        ("datasets:\n  d: { name: D, archive: false }\n", "wrong-form", "2:26", "leave it out"),
        ("datasets:\n  d: { name: D, footprint: { countries: [Kenya] } }\n", "wrong-form", "2:42", "alpha-3"),
        ("datasets:\n  d: { name: D, footprint: { countries: [ZZZ] } }\n", "unknown-country", "2:42", "ZZZ"),
        ("datasets:\n  d: { name: D, footprint: { global: true, none: true } }\n", "wrong-form", "2:28", "exactly one"),
        ("datasets:\n  d: { name: D, footprint: { boxes: [{ bbox: [1] }] } }\n", "wrong-form", "2:46", "four numbers"),
        (
            "datasets:\n  d: { name: D, footprint: { boxes: [{ bbox: [500000, 1, 600000, 2] }] } }\n",
            "out-of-range", "2:46", "degrees",
        ),
        (_SOURCES.replace("https://e.com", "nowhere"), "wrong-form", "2:23", "http://"),
        ("sources:\n  s: { title: S }\n", "wrong-form", "2:6", "a url or a doi"),
        (
            "datasets:\n  d: { name: D }\n  x: { name: X, archive: true }\n" + _SOURCES
            + "derivations:\n- { of: d, kind: derived, from: x, source: s, evidence: e }\n",
            "archive", "7:33", "is drawn",
        ),
    ],
)  # fmt: skip
def test_one_clear_error_with_its_place_and_nothing_read(
    tmp_path: Path, text: str, rule: str, pointer: str, words: str
) -> None:
    document = read_one(tmp_path, text)
    (finding,) = errors([document])
    assert (finding.rule, finding.pointer) == (rule, pointer)
    assert words in finding.message
    assert finding.document == str(tmp_path / "a.yaml")
    assert (document.outcome, document.statements) == (Outcome.FAILED, [])


def test_one_name_in_two_files_of_a_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("datasets:\n  d: { name: D, aliases: [The data] }\n", encoding="utf-8")
    (tmp_path / "b.yaml").write_text("datasets:\n  e:\n    name: E\n    aliases:\n    - the data\n", encoding="utf-8")
    documents = read(tmp_path)
    (finding,) = errors(documents)
    assert (finding.document, finding.pointer, finding.rule) == (str(tmp_path / "b.yaml"), "5:7", "same-name")
    assert f"'d' goes by, in {tmp_path / 'a.yaml'}, line 2" in finding.message
    assert {d.outcome for d in documents} == {Outcome.FAILED}


@pytest.mark.parametrize(
    "text",
    [
        "models:\n  a: { name: A, version: 1 }\n  a2: { name: A, version: 1.0 }\n  a3: { name: A, version: '2' }\n",
        "models:\n  a: { name: Hawk }\ndatasets:\n  d: { name: Hawk }\n",
        "families:\n  f: { name: Hawk }\nmodels:\n  a: { name: Hawk }\n",
        "datasets:\n  d: { name: D, paper: 10.1234/q }\n  e: { name: E, paper: 10.1234/q }\n",
        "datasets:\n  d: { name: d, aliases: [D, d] }\n",
    ],
)
def test_what_may_share_a_name(tmp_path: Path, text: str) -> None:
    assert read_one(tmp_path, text).outcome is Outcome.READ


def test_one_name_in_two_sources_is_no_error(tmp_path: Path, catalog) -> None:
    for name in ("d", "e"):
        (tmp_path / f"{name}.yaml").write_text(f"datasets:\n  {name}: {{ name: Fields }}\n", encoding="utf-8")
        assert catalog.ingest(str(tmp_path / f"{name}.yaml"), name=name).read == 1
    assert len(list(catalog.datasets())) == 2


def test_a_row_said_twice_is_an_error(tmp_path: Path) -> None:
    row = "- { model: a, stage: test, dataset: d, split: test, source: s, evidence: e }\n"
    (finding,) = errors([read_one(tmp_path, f"{_TWO}{_SOURCES}uses:\n{row}{row}")])
    assert (finding.rule, finding.pointer) == ("said-twice", "10:3")


_MERGED = "- {{ of: {}, kind: merged, from: {}, source: s, evidence: e }}\n"
_THINGS = "models: { a: { name: A }, b: { name: B }, c: { name: C }, d: { name: D } }\n"


@pytest.mark.parametrize(
    "rows",
    [
        "derivations:\n" + _MERGED.format("a", "b") + _MERGED.format("b", "c")
        + "successions:\n- { newer: c, older: a, source: s, evidence: e }\n",
        "datasets: { x: { name: X }, y: { name: Y } }\n"
        "derivations:\n- { of: x, kind: derived, from: y, source: s, evidence: e }\n"
        "members:\n- { member: y, whole: x, source: s, evidence: e }\n",
    ],
)  # fmt: skip
def test_nothing_comes_from_itself(tmp_path: Path, rows: str) -> None:
    (finding,) = errors([read_one(tmp_path, _THINGS + _SOURCES + rows)])
    assert finding.rule == "cycle"
    assert finding.message.count(" from ") >= 3


def test_sharing_an_ancestor_is_no_cycle(tmp_path: Path) -> None:
    rows = "derivations:\n" + _MERGED.format("a", "[b, c]") + _MERGED.format("[b, c]", "d")
    assert errors([read_one(tmp_path, _THINGS + _SOURCES + rows)]) == []


@pytest.mark.parametrize(
    ("data", "rule", "pointer"),
    [
        (b"models:\n  a: { name: Caf\xe9 }\n", "not-utf8", "2:17"),
        (b"\xff\xfem\x00", "not-utf8", "1:1"),
        (b"models: \x00\n", "not-yaml", None),
        (b"a: " + b"[ " * 20 + b"]" * 20, "too-deep", "1:34"),
        (b"a: " + b"[" * 1_000_000, "not-yaml", None),
        (b"a: [" + b"x," * 600_000 + b"]", "too-deep", None),
        (b"#" * (tree.MAX_BYTES + 1), "too-large", "1:1"),
    ],
)
def test_bytes_that_are_no_record(tmp_path: Path, data: bytes, rule: str, pointer: str | None) -> None:
    (tmp_path / "a.yaml").write_bytes(data)
    (finding,) = errors(read(tmp_path / "a.yaml"))
    assert finding.rule == rule
    assert pointer in (None, finding.pointer)


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes("\ufeffmodels: { a: { name: A } }".encode())
    assert read(tmp_path)[0].outcome is Outcome.READ


def test_an_error_in_one_file_stops_the_whole_folder(tmp_path: Path) -> None:
    write(tmp_path, "models: { a: { name: A } }", "a.yaml")
    write(tmp_path, "models: { a: { name: A } }", "b.yaml")
    first, second = read(tmp_path)
    assert {first.outcome, second.outcome} == {Outcome.FAILED}
    assert [f.rule for f in first.findings] == ["not-read"]
    assert [f.rule for f in second.findings] == ["duplicate-id"]
    assert "a.yaml, line 1" in second.findings[0].message


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    write(tmp_path, "models: { a: { name: A } }", "outside.yaml")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.yaml").symlink_to(tmp_path / "outside.yaml")
    (finding,) = errors(read(tmp_path / "in"))
    assert finding.rule == "unreadable"


def test_advice_that_stops_nothing(tmp_path: Path) -> None:
    text = f"""
datasets:
  d: {{ name: D, splits: [train, test] }}
models: {{ a: {{ name: A }}, b: {{ name: B }} }}
uses:
- {{ model: a, stage: test, dataset: d, split: val, source: s, evidence: e }}
derivations:
- {{ of: a, kind: finetuned, from: b, source: s, evidence: the encoder is frozen }}
{_SOURCES}  t: {{ title: T, url: 'https://e.com/t' }}
"""
    document = read_one(tmp_path, text)
    assert document.outcome is Outcome.READ
    assert [(f.rule, f.severity, f.pointer) for f in document.findings] == [
        ("unlisted-split", Severity.WARNING, "6:47"),
        ("test-on-validation", Severity.INFO, "6:47"),
        ("frozen-not-finetuned", Severity.WARNING, "8:3"),
        ("unused-source", Severity.WARNING, "11:6"),
    ]


def test_no_such_source(tmp_path: Path) -> None:
    with pytest.raises(SourceNotFound, match="no such file"):
        read(tmp_path / "nowhere.yaml")


def test_accepts_yaml_and_folders_that_hold_records(tmp_path: Path) -> None:
    path = write(tmp_path, "models: { a: { name: A } }", "deep/a.YML")
    write(tmp_path, "version: 2\n", "ci/build.yaml")
    assert records.accepts(str(path))
    assert records.accepts(str(tmp_path))
    assert not records.accepts(str(tmp_path / "ci"))
    assert not records.accepts(str(tmp_path / "nowhere"))
    assert not records.accepts("https://example.com/a.yaml")


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(form.schema())


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(lambda t: t.encode("utf-8", "surrogatepass"))))
def test_no_bytes_break_the_parser(data: bytes) -> None:
    with suppress(tree.NotRecords):
        tree.parse(data).json()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    start=st.integers(0, 2000),
    length=st.integers(1, 60),
    instead=st.sampled_from(["", "x", "[", "- ", "\n", ": ", "{"]),
)
def test_a_damaged_file_is_read_or_refused_and_no_more(tmp_path: Path, start: int, length: int, instead: str) -> None:
    text = textwrap.dedent(SMALL)
    (document,) = read(write(tmp_path, text[:start] + instead + text[start + length :]))
    assert (document.outcome is Outcome.READ) is not bool(errors([document]))
    assert document.outcome is Outcome.READ or document.statements == []


@pytest.mark.parametrize("date", ["2022-13", "2022-00-01", "2022-01-45", "22", "soon"])
def test_a_date_that_is_none_is_refused(tmp_path, date):
    path = tmp_path / "my.yaml"
    path.write_text(
        f"datasets:\n  d:\n    name: D\n    footprint: {{ countries: [FRA], start: '{date}' }}\n    sources: c\n"
        "sources:\n  c: { title: C, url: https://example.com }\n"
    )
    with mlaoi_graph.Catalog.create() as catalog:
        report = catalog.ingest(path)
        assert report.failed == 1
        assert [f.pointer.split(":")[0] for f in report.findings.kept] == ["4"]
