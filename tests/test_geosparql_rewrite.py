"""The footprint index narrows a query down and never changes its answer; where that is not sure it is left alone."""

from unittest import mock

import numpy as np
import pyoxigraph as ox
import pytest
import shapely
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from mlaoi_graph.errors import QueryError
from mlaoi_graph.footprints import Footprints
from mlaoi_graph.geosparql.answering import query
from mlaoi_graph.geosparql.functions import FUNCTIONS
from mlaoi_graph.geosparql.rewrite import insert, places_for_values
from mlaoi_graph.geosparql.syntax import Query
from mlaoi_graph.results import Graph
from mlaoi_graph.stores.oxigraph import OxigraphStore
from mlaoi_graph.vocab import PREFIXES

GEO = "http://www.opengis.net/ont/geosparql#"
C = '"POLYGON ((1.5 0.5, 3.5 0.5, 3.5 1.5, 1.5 1.5, 1.5 0.5))"^^geo:wktLiteral'
R = f"geof:sfIntersects(?w, {C})"


class Boxes:
    """The plainest index: boxes of what is stored, one after the other."""

    def __init__(self, store):
        self.stored = sorted({quad.object.value for quad in store.match(None, GEO + "asWKT")})
        self.asked = 0

    def __len__(self):
        return len(self.stored)

    def near(self, geometry):
        self.asked += 1
        box = shapely.box(*geometry.bounds)
        shapes = [shapely.box(*shapely.from_wkt(wkt).bounds) for wkt in self.stored]
        return np.flatnonzero(shapely.intersects(shapes, box))

    def wkts(self, rows):
        return [self.stored[row] for row in rows]


def cell(x, y, size=1.0):
    return f"POLYGON (({x} {y}, {x + size} {y}, {x + size} {y + size}, {x} {y + size}, {x} {y}))"


def graph(cells, more=""):
    """Write N-Triples: features with a geometry, a label, a neighbour, and some geometries that two features share."""
    lines = []
    for i, wkt in enumerate(cells):
        lines += [
            f"<urn:f{i}> <{GEO}hasGeometry> <urn:g{i}> .",
            f"<urn:f{i}> <{GEO}hasDefaultGeometry> <urn:g{i}> .",
            f'<urn:g{i}> <{GEO}asWKT> "{wkt}"^^<{GEO}wktLiteral> .',
            f'<urn:f{i}> <urn:label> "{"even" if i % 2 == 0 else "odd }"}" .',
            f"<urn:f{i}> <urn:next> <urn:f{(i + 1) % len(cells)}> .",
        ]
        if i % 3 == 0:
            lines.append(f'<urn:f{i}> <urn:other> "{cells[(i + 1) % len(cells)]}"^^<{GEO}wktLiteral> .')
    return "\n".join(lines) + "\n" + more


@pytest.fixture(scope="module")
def store():
    store = OxigraphStore()
    half = graph([cell(x, y) for x in range(5) for y in range(3)])
    lines = half.splitlines(keepends=True)
    store.replace({"urn:doc1": "".join(lines[::2]), "urn:doc2": "".join(lines[1::2]), "urn:doc3": half})
    return store


def rows(answer):
    if isinstance(answer, bool):
        return answer
    if isinstance(answer, Graph):
        return sorted(answer)
    return sorted(tuple(sorted((k, str(v)) for k, v in row.items())) for row in answer)


def same(store, sparql, index=None, **values):
    """Ask with and without an index, hold the two answers equal, and say whether the index was used."""
    index = index or Boxes(store)
    with_index = query(store, sparql, values, lambda: index)
    expected = rows(query(store, sparql, values, lambda: None))
    assert rows(with_index) == expected
    return index.asked > 0 if isinstance(with_index, bool) else with_index.index.used


# What the index is used for. `ex:` has odd characters on purpose.
P = "PREFIX ex: <urn:> PREFIX q: <http://www.opengis.net/def/function/geosparql/> PREFIX w: <http://www.opengis.net/ont/geosparql#>\n"
USED = {
    "the plain query": f"SELECT ?g {{ ?g geo:asWKT ?w FILTER({R}) }}",
    "filter first": f"SELECT ?g {{ FILTER({R}) ?g geo:asWKT ?w }}",
    "no brackets": f"SELECT ?g {{ ?g geo:asWKT ?w . FILTER {R} }}",
    "brackets in brackets": f"SELECT ?g {{ ?g geo:asWKT ?w FILTER((({R}))) }}",
    "constant first": f"SELECT ?g {{ ?g geo:asWKT ?w FILTER(geof:sfContains({C}, ?w)) }}",
    "path": f"SELECT ?f {{ ?f geo:hasGeometry/geo:asWKT ?w FILTER({R}) }}",
    "long path": f"SELECT ?f {{ ?f ex:next+/^ex:next/geo:hasGeometry/geo:asWKT ?w FILTER({R}) }}",
    "predicate list": f'SELECT ?f {{ ?f ex:label "even" ; geo:hasGeometry/geo:asWKT ?w ; ex:next ?n FILTER({R}) }}',
    "object list": f"SELECT ?f {{ ?f geo:hasGeometry/geo:asWKT ?w, ?v FILTER({R}) }}",
    "property list": f"SELECT ?f {{ ?f geo:hasGeometry [ geo:asWKT ?w ] FILTER({R}) }}",
    "conjunction": f"SELECT ?g {{ ?f ex:label ?l ; geo:hasGeometry ?g . ?g geo:asWKT ?w FILTER(?l != 'odd }}' && {R} && bound(?f)) }}",
    "nested conjunction": f"SELECT ?g {{ ?g geo:asWKT ?w FILTER((true && ({R} && (true || false)))) }}",
    "conjunction with an alternative in brackets": f"SELECT ?g {{ ?g geo:asWKT ?w FILTER({R} && (false || bound(?g))) }}",
    "conjunction with EXISTS": f"SELECT ?f {{ ?f geo:hasGeometry/geo:asWKT ?w FILTER({R} && EXISTS {{ ?f ex:label 'even' }}) }}",
    "two filters": f"SELECT ?g {{ ?g geo:asWKT ?w FILTER({R}) FILTER(geof:sfOverlaps(?w, {C})) }}",
    "two variables": f"SELECT ?g {{ ?g geo:asWKT ?w . ?h geo:asWKT ?v FILTER({R}) FILTER(geof:sfTouches(?v, {C})) }}",
    "bound twice": f"SELECT ?g ?h {{ ?g geo:asWKT ?w . ?h geo:asWKT ?w FILTER({R}) }}",
    "constant in a BIND": f"SELECT ?g {{ BIND({C} AS ?c) ?g geo:asWKT ?w FILTER(geof:sfIntersects(?w, ?c)) }}",
    "computed constant": f"SELECT ?g {{ ?g geo:asWKT ?w FILTER(geof:sfIntersects(?w, geof:envelope({C}))) }}",
    "another CRS": 'SELECT ?g { ?g geo:asWKT ?w FILTER(geof:sfIntersects(?w, "<http://www.opengis.net/def/crs/EPSG/0/4326> POINT(1.5 2.5)"^^geo:wktLiteral)) }',
    "with OPTIONAL": f"SELECT ?f ?l {{ ?f geo:hasGeometry/geo:asWKT ?w OPTIONAL {{ ?f ex:other ?l }} FILTER({R}) }}",
    "with OPTIONAL before": f"SELECT ?f ?l {{ OPTIONAL {{ ?f ex:other ?w }} ?f geo:hasGeometry/geo:asWKT ?w FILTER({R}) }}",
    "with MINUS": f"SELECT ?f {{ ?f geo:hasGeometry/geo:asWKT ?w MINUS {{ ?f ex:label 'even' }} FILTER({R}) }}",
    "with MINUS of the variable": f"SELECT ?f {{ ?f geo:hasGeometry/geo:asWKT ?w MINUS {{ ?x ex:other ?w }} FILTER({R}) }}",
    "with UNION": f"SELECT ?f ?x {{ ?f geo:hasGeometry/geo:asWKT ?w {{ ?f ex:label ?x }} UNION {{ ?f ex:other ?x }} FILTER({R}) }}",
    "with BIND": f"SELECT ?f ?x {{ ?f geo:hasGeometry/geo:asWKT ?w BIND(str(?w) AS ?x) FILTER({R}) }}",
    "with VALUES": f"SELECT ?f {{ VALUES ?f {{ ex:f3 ex:f4 ex:f5 }} ?f geo:hasGeometry/geo:asWKT ?w FILTER({R}) }}",
    "with VALUES after": f"SELECT ?f ?w {{ ?f geo:hasGeometry/geo:asWKT ?w FILTER({R}) }} VALUES ?f {{ ex:f3 ex:f4 ex:f5 }}",
    "with a subquery": f"SELECT ?f {{ ?f geo:hasGeometry/geo:asWKT ?w {{ SELECT ?f (COUNT(*) AS ?n) {{ ?f ex:other ?x }} GROUP BY ?f }} FILTER({R}) }}",
    "in a subquery": f"SELECT ?f ?n {{ {{ SELECT ?f (COUNT(?w) AS ?n) {{ ?f geo:hasGeometry/geo:asWKT ?w FILTER({R}) }} GROUP BY ?f }} ?f ex:label ?l }}",
    "in both branches": f"SELECT ?f {{ {{ ?f geo:hasGeometry/geo:asWKT ?w FILTER({R}) }} UNION {{ ?f ex:other ?w }} }}",
    "in a group": f"SELECT ?f {{ {{ ?f geo:hasGeometry/geo:asWKT ?w FILTER({R}) }} ?f ex:label ?l }}",
    "in GRAPH": f"SELECT ?g ?d {{ GRAPH ?d {{ ?g geo:asWKT ?w FILTER({R}) }} }}",
    "in GRAPH of a name": f"SELECT ?g {{ GRAPH ex:doc1 {{ ?g geo:asWKT ?w FILTER({R}) }} }}",
    "with FROM": f"SELECT ?g FROM ex:doc2 {{ ?g geo:asWKT ?w FILTER({R}) }}",
    "triples after the filter": f"SELECT ?f {{ ?f geo:hasGeometry ?g . ?g geo:asWKT ?w . FILTER({R}) . ?f ex:label 'even' }}",
    "count": f"SELECT (COUNT(*) AS ?n) {{ ?g geo:asWKT ?w FILTER({R}) }}",
    "group, having, order, limit": f"SELECT ?l (COUNT(*) AS ?n) {{ ?f geo:hasGeometry/geo:asWKT ?w ; ex:label ?l FILTER({R}) }} GROUP BY ?l HAVING(COUNT(*) > 1) ORDER BY ?l LIMIT 5",
    "ASK": f"ASK {{ ?g geo:asWKT ?w FILTER({R}) }}",
    "ASK no": 'ASK { ?g geo:asWKT ?w FILTER(geof:sfWithin(?w, "POLYGON ((50 50, 51 50, 51 51, 50 50))"^^geo:wktLiteral)) }',
    "CONSTRUCT": f"CONSTRUCT {{ ?g a geo:Geometry ; geo:asWKT ?w }} WHERE {{ ?g geo:asWKT ?w FILTER({R}) }}",
    "DESCRIBE": f"DESCRIBE ?g {{ ?g geo:asWKT ?w FILTER({R}) }}",
    "SELECT *": f"SELECT * WHERE {{ ?g geo:asWKT ?w FILTER({R}) }}",
    "other prefixes": f"SELECT ?g {{ ?g w:asWKT $w FILTER(q:sfIntersects($w, {C.replace('geo:', 'w:')})) }}",
    "full IRIs": f"SELECT ?g {{ ?g <{GEO}asWKT> ?w FILTER(<{FUNCTIONS}sfIntersects>(?w, {C.replace('geo:wktLiteral', f'<{GEO}wktLiteral>')})) }}",
    "long strings": f"SELECT ?g {{ ?g geo:asWKT ?w ; ex:none* ?g FILTER({R} && '''}} FILTER(''' != \"\"\"' {{ \\\" \"\"\") }}",
    "an escape in a text": f"SELECT ?g {{ ?g geo:asWKT ?w FILTER({R} && '\\u007D' != 'x') }}",
    "comments": f"SELECT ?g {{ # {{ OPTIONAL {{\n ?g geo:asWKT ?w # || \n . # }}\n FILTER( # )\n {R}) }} # }}",
    "odd names": f"SELECT ?g {{ ?g geo:asWKT ?w FILTER({R}) OPTIONAL {{ ?g ex:a\\,b.c\\(%20:-d ?x }} FILTER(?g != ex:f\\)1.x) }}",
    "comparisons": f"SELECT ?g {{ ?g geo:asWKT ?w FILTER(1<2 && {R} && 3 > 2 && strlen(str(?g))<100) }}",
    "lower case": f"select distinct ?g where {{ ?g geo:asWKT ?w filter({R}) }} order by ?g",
    "variables with odd letters": f"SELECT ?g {{ ?g geo:asWKT ?été FILTER(geof:sfIntersects(?été, {C})) }}",
    "nothing there": 'SELECT ?g { ?g geo:asWKT ?w FILTER(geof:sfIntersects(?w, "POINT(100 80)"^^geo:wktLiteral)) }',
    "GeoJSON": """SELECT ?g { ?g geo:asWKT ?w FILTER(geof:sfIntersects(?w, '{"type": "Point", "coordinates": [1.5, 0.5]}'^^geo:geoJSONLiteral)) }""",
}  # fmt: skip
NOT_USED = {
    "negated": f"SELECT ?g {{ ?g geo:asWKT ?w FILTER(!{R}) }}",
    "negated conjunction": f"SELECT ?g {{ ?g geo:asWKT ?w FILTER(!({R} && bound(?g))) }}",
    "alternative": f"SELECT ?g {{ ?g geo:asWKT ?w FILTER({R} || ?g = ex:g0) }}",
    "alternative after a conjunction": f"SELECT ?g {{ ?g geo:asWKT ?w FILTER({R} && true || ?g = ex:g0) }}",
    "compared": f"SELECT ?g {{ ?g geo:asWKT ?w FILTER({R} = false) }}",
    "in IF": f"SELECT ?g {{ ?g geo:asWKT ?w FILTER(IF({R}, false, true)) }}",
    "in COALESCE": f"SELECT ?g {{ ?g geo:asWKT ?w FILTER(COALESCE({R}, true)) }}",
    "disjoint": f"SELECT ?g {{ ?g geo:asWKT ?w FILTER(geof:sfDisjoint(?w, {C})) }}",
    "disconnected": f"SELECT ?g {{ ?g geo:asWKT ?w FILTER(geof:rcc8dc(?w, {C})) }}",
    "BIND of the relation": f"SELECT ?g ?r {{ ?g geo:asWKT ?w BIND({R} AS ?r) }}",
    "projected relation": f"SELECT ?g ({R} AS ?r) {{ ?g geo:asWKT ?w }}",
    "variable from OPTIONAL": f"SELECT ?f {{ ?f ex:label ?l OPTIONAL {{ ?f geo:hasGeometry/geo:asWKT ?w }} FILTER({R}) }}",
    "all in OPTIONAL": f"SELECT ?f ?w {{ ?f ex:label ?l OPTIONAL {{ ?f geo:hasGeometry/geo:asWKT ?w FILTER({R}) }} }}",
    "variable from UNION": f"SELECT ?f ?w {{ {{ ?f geo:hasGeometry/geo:asWKT ?w }} UNION {{ ?f ex:other ?w }} FILTER({R}) }}",
    "variable from MINUS": f"SELECT ?f {{ ?f ex:other ?w MINUS {{ ?g geo:asWKT ?w FILTER({R}) }} }}",
    "in EXISTS": f"SELECT ?f {{ ?f ex:label ?l FILTER EXISTS {{ ?f geo:hasGeometry/geo:asWKT ?w FILTER({R}) }} }}",
    "in NOT EXISTS": f"SELECT ?f {{ ?f ex:label ?l FILTER NOT EXISTS {{ ?f geo:hasGeometry/geo:asWKT ?w FILTER({R}) }} }}",
    "filter outside": f"SELECT ?f {{ {{ ?f geo:hasGeometry/geo:asWKT ?w }} FILTER({R}) }}",
    "filter inside": f"SELECT ?f {{ ?f geo:hasGeometry/geo:asWKT ?w {{ FILTER({R}) }} }}",
    "variable from a subquery": f"SELECT ?f {{ {{ SELECT ?f ?w {{ ?f geo:hasGeometry/geo:asWKT ?w }} }} FILTER({R}) }}",
    "variable from GRAPH": f"SELECT ?f {{ GRAPH ?d {{ ?f geo:asWKT ?w }} FILTER({R}) }}",
    "variable from BIND": f"SELECT ?f {{ ?f geo:hasGeometry/geo:asWKT ?v BIND(?v AS ?w) FILTER({R}) }}",
    "variable from VALUES": f"SELECT ?w {{ VALUES ?w {{ {C} }} FILTER({R}) }}",
    "another predicate": f"SELECT ?f {{ ?f ex:other ?w FILTER({R}) }}",
    "variable predicate": f"SELECT ?f ?p {{ ?f ?p ?w FILTER({R}) }}",
    "asWKT as subject": f"SELECT ?o {{ geo:asWKT ?w ?o FILTER({R}) }}",
    "alternative path": f"SELECT ?f {{ ?f ex:other|geo:hasGeometry/geo:asWKT ?w FILTER({R}) }}",
    "alternative last step": f"SELECT ?f {{ ?f geo:hasGeometry?/(ex:other|geo:asWKT) ?w FILTER({R}) }}",
    "optional last step": f"SELECT ?f {{ ?f ex:other/geo:asWKT? ?w FILTER({R}) }}",
    "inverse path": f"SELECT ?f {{ ?w ^geo:asWKT ?f FILTER({R}) }}",
    "inverse last step": f"SELECT ?f {{ ?f ex:other/^geo:asWKT ?w FILTER({R}) }}",
    "negated path": f"SELECT ?f {{ ?f !geo:asWKT ?w FILTER({R}) }}",
    "blank-node labels": f"SELECT ?g {{ _:f geo:hasGeometry ?g . ?g geo:asWKT ?w FILTER({R}) _:f ex:label 'even' }}",
    "two variables in the relation": "SELECT ?g ?h { ?g geo:asWKT ?w . ?h geo:asWKT ?v FILTER(geof:sfOverlaps(?w, ?v)) }",
    "a constant that changes": f"SELECT ?g {{ ?g geo:asWKT ?w FILTER(geof:sfIntersects(?w, IF(RAND() < 2, {C}, {C}))) }}",
    "two BINDs in a row": "SELECT ?g { ?x geo:asWKT ?v BIND(?v AS ?c) ?g geo:asWKT ?w FILTER(geof:sfEquals(?w, ?c)) }",
    "wrong number of arguments": f"SELECT ?g {{ ?g geo:asWKT ?w FILTER(geof:sfIntersects(?w, {C}, {C})) }}",
    "what may be a comparison": f"SELECT ?g {{ ?g geo:asWKT ?w BIND(1 AS ?a) BIND(2 AS ?b) FILTER({R} && ?a<?b&&(?b)>?a) }}",
    "no filter": "SELECT ?g (geof:dimension(?w) AS ?d) { ?g geo:asWKT ?w }",
    "HAVING": f"SELECT ?w {{ ?g geo:asWKT ?w }} GROUP BY ?w HAVING({R})",
}  # fmt: skip


@pytest.mark.parametrize("sparql", USED.values(), ids=USED)
def test_the_index_is_used_and_the_answer_is_the_same(store, sparql):
    assert same(store, P + sparql)


@pytest.mark.parametrize("sparql", NOT_USED.values(), ids=NOT_USED)
def test_the_index_is_left_out_where_it_might_change_the_answer(store, sparql):
    assert not same(store, P + sparql)


def test_a_variable_of_a_subquery_is_not_the_one_that_is_given(store):
    """Oxigraph gives values to variables that a subquery selects (SEP-0007), and to no others of that name."""
    aoi = ox.Literal("POINT (0.5 0.5)", datatype=ox.NamedNode(GEO + "wktLiteral"))
    outer = f"{P} SELECT ?g ?aoi {{ {{ SELECT DISTINCT %s {{ %s ?g geo:asWKT ?w FILTER(geof:sfIntersects(?w, ?aoi)) }} }} }}"
    for names, bound, found, used in (
        ("?g ?aoi", "", 1, True),
        ("*", "", 0, True),  # not selected: it stands in the filter alone
        ("?g", "", 0, False),
        ("?g", "?x geo:asWKT ?aoi .", 15, False),
    ):
        sparql = outer % (names, bound)
        assert same(store, sparql, aoi=aoi) == used
        assert len(rows(query(store, sparql, {"aoi": aoi}))) == found
    features = f"{P} SELECT ?f ?here {{ {{ SELECT DISTINCT ?f {{ ?f geo:sfEquals ?here }} }} }}"
    assert len(rows(query(store, features, {"here": "urn:f0"}))) == 15


# --- any shape ------------------------------------------------------------------------------------

RELATIONS = ("sfIntersects", "sfWithin", "sfContains", "sfTouches", "sfOverlaps", "sfEquals", "sfDisjoint",
             "ehCovers", "ehMeet", "ehInside", "rcc8ec", "rcc8ntpp", "rcc8dc")  # fmt: skip
CONSTANTS = (
    C, '"POINT (1 1)"^^geo:wktLiteral', '"LINESTRING (0.5 0.5, 2.5 2.5)"^^geo:wktLiteral', f'"{cell(1, 1)}"^^geo:wktLiteral',
    f'"{cell(0, 0, 4)}"^^geo:wktLiteral', '"POINT (90 9)"^^geo:wktLiteral', f"geof:envelope({C})",
)  # fmt: skip
SPACE = (" ", "\n", " # } FILTER( {\n", "\t")


@st.composite
def expressions(draw, depth):
    """A filter: relations in every logical position, and what is no relation."""
    kind = draw(
        st.sampled_from(["relation"] * 5 + ["and"] * 3 + ["or", "not", "compared", "exists", "other", "brackets"])
    )
    if kind == "relation" or depth <= 0:
        one = draw(st.sampled_from(["?w"] * 6 + ["?v", "?x", "$w"]))
        other = draw(st.sampled_from([*CONSTANTS, "?v", "?c"]))
        first, second = draw(st.permutations([one, other]))
        return f"geof:{draw(st.sampled_from(RELATIONS))}({first}, {second})"
    if kind in ("and", "or"):
        joint = {"and": "&&", "or": "||"}[kind]
        return joint.join([draw(expressions(depth - 1)) for _ in range(draw(st.integers(2, 3)))])
    if kind == "exists":
        return f"{draw(st.sampled_from(['', 'NOT ']))}EXISTS {draw(groups(depth - 1))}"
    if kind == "other":
        return draw(
            st.sampled_from(["bound(?w)", "?l = 'odd }'", "true", "?f != ex:f1", "strlen(str(?f))<9", "?x > 1"])
        )
    return {"not": "!({})", "compared": "({}) = false", "brackets": "(({}))"}[kind].format(draw(expressions(depth - 1)))


TRIPLES = (
    ["?f geo:hasGeometry ?g .", "?g geo:asWKT ?w ."] * 4
    + ["?f geo:hasGeometry/geo:asWKT ?w ."] * 4
    + ["?h geo:asWKT ?v .", "?f ex:label ?l .", "?f ex:label 'odd }' ; geo:hasGeometry [ geo:asWKT $w ] ; ex:next ?h .",
       "?f ex:other ?w .", "?f ex:other|geo:hasGeometry/geo:asWKT ?w .", "?f ?p ?w .", "_:b geo:asWKT ?w .", "_:b ex:next ?f .",
       "?f ex:next/geo:hasGeometry/geo:asWKT ?w ; ex:other ?x .", "geo:asWKT ?w ?o .", "?f geo:hasGeometry?/geo:asWKT? ?w ."]
)  # fmt: skip


@st.composite
def groups(draw, depth):
    """A group graph pattern, braces included."""
    parts = []
    if draw(st.booleans()):  # what the index is for, somewhere among all else
        parts += [draw(st.sampled_from(TRIPLES[1::2][:6])), f"FILTER({draw(expressions(1))})"]
    for _ in range(draw(st.integers(0 if parts else 1, 3))):
        kind = draw(
            st.sampled_from(
                ["triples"] * 4
                + ["filter"] * 3
                + ["optional", "minus", "union", "group", "graph", "bind", "values", "select"]
            )
        )
        if kind == "triples" or (depth <= 0 and kind != "filter"):
            parts.append(draw(st.sampled_from(TRIPLES)))
        elif kind == "filter":
            parts.append(f"FILTER({draw(expressions(depth - 1))})" + draw(st.sampled_from(["", " ."])))
        elif kind == "bind":
            value = draw(st.sampled_from([*CONSTANTS[:4], "?w", "str(?f)", R]))
            parts.append(f"BIND({value} AS {draw(st.sampled_from(['?c', '?x', '?w', '?y']))})")
        elif kind == "values":
            parts.append(
                draw(
                    st.sampled_from(
                        [
                            "VALUES ?f { ex:f0 ex:f2 UNDEF }",
                            "VALUES (?l ?w) { ('odd }' UNDEF) }",
                            f"VALUES ?w {{ {CONSTANTS[3]} }}",
                        ]
                    )
                )
            )
        elif kind == "union":
            parts.append(f"{draw(groups(depth - 1))} UNION {draw(groups(depth - 1))}")
        elif kind == "select":
            names = draw(st.sampled_from(["?f", "?f ?w", "DISTINCT ?w", "(COUNT(?w) AS ?n) (SAMPLE(?f) AS ?s)", "*"]))
            parts.append(f"{{ SELECT {names} WHERE {draw(groups(depth - 1))} }}")
        else:
            word = {
                "optional": "OPTIONAL",
                "minus": "MINUS",
                "group": "",
                "graph": draw(st.sampled_from(["GRAPH ?d", "GRAPH ex:doc1"])),
            }[kind]
            parts.append(f"{word} {draw(groups(depth - 1))}")
    parts = draw(st.permutations(parts))
    return "{ " + draw(st.sampled_from(SPACE)).join(parts) + draw(st.sampled_from(SPACE)) + "}"


@st.composite
def queries(draw):
    """A whole query."""
    head = draw(
        st.sampled_from(
            [
                "SELECT ?f ?g ?w",
                "SELECT DISTINCT ?f",
                "SELECT *",
                "SELECT (COUNT(*) AS ?n)",
                "ASK",
                "CONSTRUCT { ?f geo:asWKT ?w }",
                "SELECT ?w FROM ex:doc1",
            ]
        )
    )
    return f"{head} WHERE {draw(groups(2))}"


@pytest.fixture(scope="module")
def small():
    store = OxigraphStore()
    text = graph([cell(0, 0), cell(1, 0), cell(1, 1), cell(0.5, 0.5, 2)])
    lines = text.splitlines(keepends=True)
    store.replace({"urn:doc1": text, "urn:doc2": "".join(lines[::2])})
    return store


def check_any(store, sparql, **values):
    try:
        return same(store, P + sparql, **values)
    except QueryError as error:  # no query at all: a variable bound twice, a label in two places
        assume("SPARQL: error at" not in str(error))
        raise


ANY = {"deadline": None, "suppress_health_check": list(HealthCheck)}


@settings(max_examples=300, **ANY)
@given(sparql=queries())
def test_any_query_has_the_same_answer_with_the_index(small, sparql):
    check_any(small, sparql)


AOI = ox.Literal(cell(1.5, 0.5, 2), datatype=ox.NamedNode(GEO + "wktLiteral"))


@settings(max_examples=150, **ANY)
@given(group=groups(2))
def test_any_query_that_is_given_the_constant_has_the_same_answer_with_the_index(small, group):
    """In a subquery that does not select it, a variable by the same name is another one."""
    for constant in CONSTANTS[:2]:
        check_any(small, f"SELECT ?f ?w ?aoi WHERE {group.replace(constant, '?aoi')}", aoi=AOI)


@pytest.mark.slow
@settings(max_examples=20_000, **ANY)
@given(sparql=queries())
def test_any_query_has_the_same_answer_with_the_index_at_length(small, sparql):
    check_any(small, sparql)


def test_what_narrows_stands_right_after_the_triples_that_bind():
    """At the end of the group the engine would look at everything first."""
    text = f"SELECT ?f {{ ?f geo:asWKT ?w . OPTIONAL {{ ?f ex:other ?o }} ?f ex:label ?l FILTER(geof:sfIntersects(?w, {C})) }}"
    parsed = Query(P + text, PREFIXES)
    places = places_for_values(parsed, {})
    assert insert(parsed, [(place, ["<urn:x>"]) for place in places]) == P + text.replace(
        "?f geo:asWKT ?w .", "?f geo:asWKT ?w . VALUES ?w { <urn:x> } "
    )


@settings(max_examples=150, **ANY)
@given(
    cells=st.lists(st.tuples(st.integers(-4, 4), st.integers(-4, 4), st.sampled_from([0.5, 1, 3])), min_size=1, max_size=12),
    constant=st.tuples(st.integers(-4, 4), st.integers(-4, 4), st.sampled_from([0.5, 1, 2])),
    cut=st.booleans(),
    relation=st.sampled_from(RELATIONS),
)  # fmt: skip
def test_any_data_has_the_same_answer_with_the_index(cells, constant, cut, relation):
    store = OxigraphStore()
    store.replace({"urn:doc1": graph([cell(*one) for one in cells])})
    index = Footprints.of(store)
    shape = shapely.from_wkt(cell(*constant))
    if cut:
        x, y, size = constant
        shape -= shapely.Polygon([(x, y), (x + size, y), (x + size, y + size)])
    aoi = f'"{shape.wkt}"^^geo:wktLiteral'
    for sparql in (
        f"SELECT ?f {{ ?f geo:hasGeometry/geo:asWKT ?w ; ex:label ?l FILTER(geof:{relation}(?w, {aoi})) }}",
        f"SELECT ?f {{ ?f geo:hasGeometry/geo:asWKT ?w OPTIONAL {{ ?f ex:other ?o }} FILTER(geof:{relation}({aoi}, ?w) && bound(?o)) }}",
    ):
        assert same(store, P + sparql, index) == (relation not in ("sfDisjoint", "rcc8dc"))


ODD = [
    "POINT EMPTY",
    "POLYGON ((0 0, 1 1",
    "<http://www.opengis.net/def/crs/EPSG/0/4326> POINT (1 1)",
    "POINT (1 1 5)",
    "",
]


@settings(max_examples=100, **ANY)
@given(
    cells=st.lists(st.tuples(st.integers(-4, 4), st.integers(-4, 4), st.sampled_from([0.5, 1, 3])), max_size=6),
    odd=st.lists(st.sampled_from(ODD), max_size=2),
    constant=st.tuples(st.integers(-4, 4), st.integers(-4, 4), st.sampled_from([0.5, 1, 2])),
    relation=st.sampled_from(["sfIntersects", "sfTouches", "sfWithin", "sfContains"]),
)  # fmt: skip
def test_what_a_known_thing_has_few_of_is_compared_by_its_boxes(cells, odd, constant, relation):
    store = OxigraphStore()
    own = [*(cell(*one) for one in cells), *odd]
    others = [cell(*constant[:2], size) for size in range(1, 2 + len(own))]  # more candidates than the thing has shapes
    has = "".join(f"<urn:hub> <urn:has> <urn:f{i}> .\n" for i in range(len(own)))
    store.replace({"urn:doc1": graph([*own, *others], has)})
    sparql = "SELECT ?f {{ <urn:hub> ex:has ?f . ?f geo:hasGeometry/geo:asWKT ?w FILTER(geof:{}(?w, {})) }}"
    asked = P + sparql.format(relation, f'"{cell(*constant)}"^^geo:wktLiteral')
    with mock.patch("mlaoi_graph.geosparql.answering._FEW", 0):
        index = Footprints.of(store)
        assert same(store, asked, index)
        assert "has fewer values than" in query(store, asked, {}, lambda: index).index.reason


@settings(max_examples=60, **ANY)
@given(
    cells=st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 3), st.sampled_from([0.5, 1, 3])),
        min_size=1,
        max_size=6,
        unique=True,
    ),
    relation=st.sampled_from(["intersects", "within", "contains", "touches", "overlaps", "equals", "disjoint"]),
    one=st.integers(0, 5),
)
def test_any_features_are_related_as_their_shapes_are(cells, relation, one):
    shapes = [shapely.from_wkt(cell(*each)) for each in cells]
    store, one = OxigraphStore(), one % len(cells)
    store.replace({"urn:doc1": graph([shape.wkt for shape in shapes])})
    index = Footprints.of(store)
    name, related = f"geo:sf{relation.title()}", getattr(shapely, relation)
    expected = {(f"urn:f{i}", f"urn:f{j}") for i, a in enumerate(shapes) for j, b in enumerate(shapes) if related(a, b)}

    def asked(sparql, used):
        answer = query(store, P + sparql, {}, lambda: index)
        assert answer.index.used == used
        return [tuple(row.values()) for row in answer]

    uses = relation != "disjoint"
    assert sorted(asked(f"SELECT ?f ?g {{ ?f {name} ?g }}", False)) == sorted(expected)
    assert {(f, f"urn:f{one}") for (f,) in asked(f"SELECT ?f {{ ?f {name} ex:f{one} }}", uses)} == {
        pair for pair in expected if pair[1] == f"urn:f{one}"
    }
    assert {(f"urn:f{one}", g) for (g,) in asked(f"SELECT ?g {{ ex:f{one} {name} ?g ; ex:label ?l }}", uses)} == {
        pair for pair in expected if pair[0] == f"urn:f{one}"
    }
    assert {f for (f,) in asked(f"SELECT ?f {{ ?f ex:label ?l FILTER EXISTS {{ ?f {name} ex:f{one} }} }}", False)} == {
        f for f, g in expected if g == f"urn:f{one}"
    }
