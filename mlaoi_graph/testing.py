"""The tests every store has to pass, for authors of stores to import.

::

    from mlaoi_graph.testing import StoreSuite

    class TestMyStore(StoreSuite):
        @pytest.fixture
        def store(self, tmp_path):
            with contextlib.closing(MyStore(tmp_path / "store")) as store:  # empty, open for writing
                yield store

Needs ``pip install 'mlaoi-graph[test]'``.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyoxigraph import (
    Literal,
    NamedNode,
    Quad,
    QueryBoolean,
    QuerySolutions,
    QueryTriples,
    RdfFormat,
    Triple,
    parse,
)

from mlaoi_graph.errors import QueryError, StoreError
from mlaoi_graph.stores import Store

__all__ = ["StoreSuite"]

_A, _B, _LOG = "https://example.org/doc/a", "https://example.org/doc/b", "urn:example:log"
_S, _P, _O = "https://example.org/s", "https://example.org/p", "https://example.org/o"
_T1 = f'<{_S}> <{_P}> "one" .\n'
_T2 = f"<{_S}> <{_P}> <{_O}> .\n"
_T3 = f'<{_O}> <{_P}> "three" .\n'

_NOT_N_TRIPLES = {
    "breaks out of the block": f"<{_S}> <{_P}> <{_O}> . }} }} ; DROP ALL ; INSERT DATA {{ GRAPH <{_B}> {{ ",
    "breaks out of a literal": f'<{_S}> <{_P}> "x" }} }} ; DROP ALL ; INSERT DATA {{ GRAPH <{_B}> {{ <{_S}> '
    f'<{_P}> "y" .\n',
    "escaped > in an IRI": f"<{_S}\\u003E> <{_P}> <{_O}> .\n",
    "Turtle abbreviation": f"<{_S}> <{_P}> <{_O}>, <{_S}> .\n",
    "Turtle long string": f'<{_S}> <{_P}> """x""" .\n',
    "prefixed name": f"<{_S}> a <{_O}> .\n",
    "relative IRI": f"<s> <{_P}> <{_O}> .\n",
    "a quad": f"<{_S}> <{_P}> <{_O}> <{_B}> .\n",
    "blank subject": f"_:b <{_P}> <{_O}> .\n",
    "blank object": f"<{_S}> <{_P}> _:b .\n",
    "cut short": f"<{_S}> <{_P}> ",
    "raw newline in a literal": f'<{_S}> <{_P}> "a\nb" .\n',
    "lone surrogate": f'<{_S}> <{_P}> "\ud800" .\n',
    "SPARQL": "DROP ALL",
}
# N-Triples text of a literal, and what it means (W3C N-Triples, section 4 and RDF 1.1 Concepts, 3.3).
_LITERALS = {
    "quotes": (r'"say \"yes\""', Literal('say "yes"')),
    "backslash": (r'"C:\\new\\u0022"', Literal(r"C:\new\u0022")),
    "newlines": (r'"a\nb\r\nc\td"', Literal("a\nb\r\nc\td")),
    "four and eight digit escapes": (r'"\u00E9 \U0001F6F0 \u007D"', Literal("é \U0001f6f0 }")),
    "unicode as it is": ('"Clay é 卫星 \U0001f6f0 \u202e"', Literal("Clay é 卫星 \U0001f6f0 \u202e")),
    "line separators": ('"a\u0085b\u2028c"', Literal("a\u0085b\u2028c")),
    "not composed": ('"e\u0301"', Literal("e\u0301")),
    "control characters": (r'"\u0001\b\f\u001F\u007F"', Literal("\x01\b\f\x1f\x7f")),
    "spaces": ('"  two  "', Literal("  two  ")),
    "empty": ('""', Literal("")),
    "language": ('"Vorhersage"@de', Literal("Vorhersage", language="de")),
    "typed": (
        '"POINT(7 46)"^^<http://www.opengis.net/ont/geosparql#wktLiteral>',
        Literal("POINT(7 46)", datatype=NamedNode("http://www.opengis.net/ont/geosparql#wktLiteral")),
    ),
    # What numbers and dates are written as, because stores normalise their own types.
    "number as string": ('"01.10"', Literal("01.10")),
    "date as string": (
        '"2024-01-01T00:00:00.000Z"^^<http://www.w3.org/2001/XMLSchema#string>',
        Literal("2024-01-01T00:00:00.000Z"),
    ),
    "update in escapes": (
        r'"\u0022 . } } ; DROP ALL ; INSERT DATA { <a:b> <a:b> \u0022"',
        Literal('" . } } ; DROP ALL ; INSERT DATA { <a:b> <a:b> "'),
    ),
    "update after a backslash": (r'"\\\" . } } ; DROP ALL #"', Literal('\\" . } } ; DROP ALL #')),
    "update after a newline": (r'"x\n} } ; DROP ALL ; #"', Literal("x\n} } ; DROP ALL ; #")),
    "looks like a comment": ('"# <a:b> ."', Literal("# <a:b> .")),
}
_BAD_IRIS = [
    "",
    "relative",
    "https://example.org/a b",
    "urn:a> { } } ; DROP ALL ; #",
    r"urn:a\u003E",
    "urn:\ud800",
]

_SUBJECTS = [_S, _O]
_PREDICATES = [_P, "https://example.org/q"]
_OBJECTS: list[NamedNode | Literal] = [
    NamedNode(_O),
    Literal("x"),
    Literal("x", language="en"),
    Literal('"\n\\'),
]
_GRAPHS = [_A, _B, _LOG]
_PATTERNS = list(itertools.product([None, *_SUBJECTS], [None, *_PREDICATES], [None, _O, *_OBJECTS], [None, *_GRAPHS]))
_triples = st.frozensets(
    st.builds(
        Triple,
        st.sampled_from(_SUBJECTS).map(NamedNode),
        st.sampled_from(_PREDICATES).map(NamedNode),
        st.sampled_from(_OBJECTS),
    ),
    max_size=5,
)
_writes = st.tuples(
    st.dictionaries(st.sampled_from(_GRAPHS), _triples), st.dictionaries(st.sampled_from(_GRAPHS), _triples)
)


class StoreSuite:
    """What :class:`mlaoi_graph.stores.Store` promises; a subclass has an empty ``store`` as fixture."""

    # One graph at a time

    def test_a_new_store_is_empty(self, store: Store) -> None:
        _check(store, {})
        assert not store.has_graph(_A)

    def test_replace_touches_the_named_graph_only(self, store: Store) -> None:
        store.replace({_A: _T1 + _T2, _B: _T3})
        _check(store, {_A: _T1 + _T2, _B: _T3})
        store.replace({_A: _T3})
        _check(store, {_A: _T3, _B: _T3})

    def test_nothing_to_replace_is_no_change(self, store: Store) -> None:
        store.replace({_A: _T1})
        store.replace({})
        store.replace({_A: _T1})
        store.replace({_A: _T1 + _T1})
        _check(store, {_A: _T1})

    def test_an_empty_text_removes_the_graph(self, store: Store) -> None:
        store.replace({_A: _T1, _B: _T2})
        store.replace({_A: "", _LOG: "# only a comment\n\n"})
        _check(store, {_B: _T2})
        assert not store.has_graph(_A)

    def test_append_leaves_what_is_there(self, store: Store) -> None:
        store.replace({_A: _T1}, append={_LOG: _T1})
        store.replace({}, append={_LOG: _T2 + _T1})
        _check(store, {_A: _T1, _LOG: _T1 + _T2})

    def test_append_to_a_graph_that_is_replaced_comes_on_top(self, store: Store) -> None:
        store.replace({_A: _T1})
        store.replace({_A: _T2}, append={_A: _T3})
        _check(store, {_A: _T2 + _T3})

    # All or nothing

    @pytest.mark.parametrize("bad", _NOT_N_TRIPLES.values(), ids=_NOT_N_TRIPLES)
    def test_a_bad_text_leaves_everything_as_it_was(self, store: Store, bad: str) -> None:
        store.replace({_A: _T1, _B: _T2})
        with pytest.raises(StoreError):
            store.replace({_A: _T3, _LOG: bad, _B: ""})
        with pytest.raises(StoreError):
            store.replace({_A: _T3}, append={_LOG: bad})
        with pytest.raises(StoreError):
            store.replace({_A: _T3, _B: _T2 + bad})
        _check(store, {_A: _T1, _B: _T2})

    @pytest.mark.parametrize("bad", _BAD_IRIS)
    def test_a_bad_graph_name_leaves_everything_as_it_was(self, store: Store, bad: str) -> None:
        store.replace({_A: _T1})
        for write in ({_A: "", bad: _T2}, {_A: "", bad: ""}):
            with pytest.raises(StoreError):
                store.replace(write)
        with pytest.raises(StoreError):
            store.replace({_A: ""}, append={bad: _T2})
        with pytest.raises(StoreError):
            store.has_graph(bad)
        for position in ("subject", "predicate", "object", "graph"):
            with pytest.raises(StoreError):
                store.match(**{position: bad})
        _check(store, {_A: _T1})

    # Text

    @pytest.mark.parametrize(("written", "meant"), _LITERALS.values(), ids=_LITERALS)
    def test_literals_come_back_as_they_were_meant(self, store: Store, written: str, meant: Literal) -> None:
        line = f"<{_S}> <{_P}> {written} .\n"
        store.replace({_B: _T3})
        store.replace({_A: line})
        _same({quad.object for quad in store.match(graph=_A)}, {meant})
        _same({quad.graph_name for quad in store.match(object=meant)}, {NamedNode(_A)})
        rows = _rows(store, "SELECT ?o { ?s ?p ?o }", substitutions={"o": meant})
        assert rows == [(meant,)]
        _check(store, {_A: line, _B: _T3})
        store.replace({_A: ""})
        _check(store, {_B: _T3})

    @pytest.mark.parametrize(("written", "meant"), _LITERALS.values(), ids=_LITERALS)
    def test_literals_of_a_fill_come_back_as_they_were_meant(self, store: Store, written: str, meant: Literal) -> None:
        store.fill([{_A: f"<{_S}> <{_P}> {written} .\n"}])
        _same({quad.object for quad in store.match()}, {meant})
        _check(store, {_A: f"<{_S}> <{_P}> {written} .\n"})

    @settings(
        deadline=None,
        max_examples=50,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
    )
    @given(text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
    def test_any_text_comes_back(self, store: Store, text: str) -> None:
        store.replace({_A: f"{Triple(NamedNode(_S), NamedNode(_P), Literal(text))} .\n"})
        _same([quad.object for quad in store.match()], [Literal(text)])

    def test_a_number_written_in_another_way_is_neither_lost_nor_doubled(self, store: Store) -> None:
        # Stores may keep "01" as 1, so what is taken out can be what is put in.
        for written in ("1", "01", "+1", "1"):
            number = f'"{written}"^^<http://www.w3.org/2001/XMLSchema#integer>'
            store.replace({_A: f"<{_S}> <{_P}> {number} .\n"}, append={_LOG: _T2})
            assert len(store) == 2
            assert _count(store, "?s ?p ?o FILTER(?o = 1)") == 1

    def test_comments_and_other_line_ends_are_n_triples_too(self, store: Store) -> None:
        store.replace({_A: f"# }} ; DROP ALL ;\r\n\n  {_T1[:-1]}# }} ; DROP ALL\r{_T2[:-1]}"})
        _check(store, {_A: _T1 + _T2})

    def test_iris_are_not_normalised(self, store: Store) -> None:
        iris = ["HTTP://EXAMPLE.org:80/a/../b/%7euser", "https://example.org/é?q=1&r=%20#x", "urn:a:b"]
        store.replace({iri: f"<{iri}> <{_P}> <{iri}> .\n" for iri in iris})
        _same(set(store.graphs()), set(iris))
        _same({quad.subject for quad in store.match()}, set(map(NamedNode, iris)))

    # Queries

    def test_the_default_graph_is_the_merge_of_all(self, store: Store) -> None:
        store.replace({_A: _T1 + _T2, _B: _T1 + _T3})
        assert _count(store, "?s ?p ?o") == 3
        assert _count(store, "GRAPH ?g { ?s ?p ?o }") == 4
        # A join across documents, through a triple both of them say.
        assert _rows(store, "SELECT ?v { ?s ?p ?o . ?o ?p ?v FILTER(?s = <https://example.org/s>) }") == [
            (Literal("three"),)
        ]
        store.replace({_A: _T2})
        assert _count(store, "?s ?p ?o") == 3
        store.replace({_B: _T3})
        assert _count(store, "?s ?p ?o") == 2

    def test_a_triple_moves_between_graphs_in_one_step(self, store: Store) -> None:
        store.replace({_A: _T1, _B: _T2})
        store.replace({_A: _T2, _B: _T1})
        _check(store, {_A: _T2, _B: _T1})
        store.replace({_A: ""}, append={_LOG: _T2})
        _check(store, {_B: _T1, _LOG: _T2})

    def test_from_and_graph_choose(self, store: Store) -> None:
        store.replace({_A: _T1 + _T2, _B: _T1 + _T3})
        assert _rows(store, "SELECT (COUNT(*) AS ?n) FROM g:b { ?s ?p ?o }") == [(Literal(2),)]
        assert _rows(store, "SELECT ?g { GRAPH ?g { ?s ?p 'three' } }") == [(NamedNode(_B),)]

    def test_every_form_of_query(self, store: Store) -> None:
        store.replace({_A: _T1 + _T2})
        assert _ask(store, "ASK { ?s ?p 'one' }") is True
        assert _ask(store, "ASK { ?s ?p 'two' }") is False
        triples = store.query("CONSTRUCT { ?s ?p ?o } WHERE { ?s ?p ?o FILTER(isIRI(?o)) }")
        assert isinstance(triples, QueryTriples)
        assert list(triples) == [Triple(NamedNode(_S), NamedNode(_P), NamedNode(_O))]
        solutions = store.query("SELECT ?o ?none { ?s ?p ?o FILTER(isLiteral(?o)) }")
        assert isinstance(solutions, QuerySolutions)
        assert [variable.value for variable in solutions.variables] == ["o", "none"]
        assert [(row["o"], row["none"]) for row in solutions] == [(Literal("one"), None)]

    def test_values_are_substituted_and_never_parsed(self, store: Store) -> None:
        store.replace({_A: _T1 + _T2})
        query = "SELECT ?s ?o { ?s ?p ?o }"
        assert _rows(store, query, substitutions={"o": _O}) == [(NamedNode(_S), NamedNode(_O))]
        assert _rows(store, query, substitutions={"s": _S, "o": Literal("one")}) == [(NamedNode(_S), Literal("one"))]
        assert _rows(store, query, substitutions={"o": Literal('" } SELECT * { ?s ?p ?o } #')}) == []

    @pytest.mark.parametrize(
        "query",
        [
            "SELECT ?s { ?s ?p ?o",
            "SELECT ?s { ?s unknown:p ?o }",
            "SELECT ?s (COUNT(*) AS ?n) { ?s ?p ?o }",
            "INSERT DATA { <urn:a> <urn:a> <urn:a> }",
            "DROP ALL",
            "",
            "\ud800",
        ],
    )
    def test_a_bad_query_is_a_query_error(self, store: Store, query: str) -> None:
        store.replace({_A: _T1})
        with pytest.raises(QueryError):
            store.query(query)
        _check(store, {_A: _T1})

    def test_bad_substitutions_and_prefixes_are_query_errors(self, store: Store) -> None:
        query = "SELECT ?s { ?s ?p ?o }"
        with pytest.raises(QueryError):
            store.query(query, substitutions={"s": "not an IRI"})
        with pytest.raises(QueryError):
            store.query(query, substitutions={"s } #": _S})
        with pytest.raises(QueryError):
            store.query(query, prefixes={"x": "not an IRI"})

    def test_reading_goes_on_from_the_state_it_began_with(self, store: Store) -> None:
        store.replace({_A: _T1 + _T2})
        quads = store.match()
        first = next(quads)
        store.replace({_A: _T3})
        _same({first.triple, *(quad.triple for quad in quads)}, _parsed(_T1 + _T2))

    # Against a model of it

    @settings(
        deadline=None,
        max_examples=60,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
    )
    @given(steps=st.lists(_writes, max_size=5), patterns=st.lists(st.sampled_from(_PATTERNS), max_size=40))
    def test_any_run_of_writes_is_a_dictionary_of_sets(
        self,
        store: Store,
        steps: list[tuple[dict[str, frozenset[Triple]], dict[str, frozenset[Triple]]]],
        patterns: list[tuple[str | None, str | None, str | NamedNode | Literal | None, str | None]],
    ) -> None:
        store.replace(dict.fromkeys(list(store.graphs()), ""))
        model: dict[str, set[Triple]] = {}
        for graphs, append in steps:
            store.replace(_texts(graphs), append=_texts(append))
            model |= {graph: set(triples) for graph, triples in graphs.items()}
            for graph, triples in append.items():
                model.setdefault(graph, set()).update(triples)
            model = {graph: triples for graph, triples in model.items() if triples}
            _check(store, _texts(model))

        for s, p, o, g in patterns:
            found = list(store.match(s, p, o, g))
            expected = {
                Quad(triple.subject, triple.predicate, triple.object, NamedNode(graph))
                for graph, triples in model.items()
                for triple in triples
                if (s is None or triple.subject == NamedNode(s))
                and (p is None or triple.predicate == NamedNode(p))
                and (o is None or triple.object == (NamedNode(o) if isinstance(o, str) else o))
                and (g is None or graph == g)
            }
            _same(set(found), expected)
            assert len(found) == len(expected)

    # Filling

    def test_a_graph_is_amended(self, store: Store) -> None:
        store.replace({_A: _T1 + _T2, _B: _T1})
        store.amend(_A, remove=_T1 + _T3, add=_T2)
        _check(store, {_A: _T2, _B: _T1})
        store.amend(_A, remove=_T2, add=_T3)
        _check(store, {_A: _T3, _B: _T1})
        store.amend(_B, remove=_T1, add=_T1)
        _check(store, {_A: _T3, _B: _T1})
        store.amend(_LOG, add=_T1)
        store.replace({_B: ""})
        _check(store, {_A: _T3, _LOG: _T1})
        with pytest.raises(StoreError):
            store.amend(_A, remove=_T3, add="not N-Triples")
        _check(store, {_A: _T3, _LOG: _T1})

    def test_fill_loads_an_empty_store(self, store: Store) -> None:
        store.fill([{_A: _T1 + _T2}, {}, {_B: _T1 + _T3, _A: _T3}])
        _check(store, {_A: _T1 + _T2 + _T3, _B: _T1 + _T3})
        store.replace({_A: ""})
        _check(store, {_B: _T1 + _T3})

    def test_nothing_may_be_filled_in(self, store: Store) -> None:
        store.fill([])
        store.fill([{}, {_A: ""}])
        _check(store, {})

    def test_a_store_that_holds_something_is_not_filled(self, store: Store) -> None:
        store.replace({_A: _T1})
        with pytest.raises(StoreError):
            store.fill([{_B: _T2}])
        _check(store, {_A: _T1})

    def test_a_fill_can_be_read_between_chunks(self, store: Store) -> None:
        seen = []

        def chunks() -> Iterator[Mapping[str, str]]:
            for graph in (_A, _B):
                seen.append((len(store), _count(store, "?s ?p ?o"), store.has_graph(_A)))
                yield {graph: _T1}
                yield {}

        store.fill(chunks())
        assert seen == [(0, 0, False), (1, 1, True)]

    @pytest.mark.parametrize(
        "bad",
        [
            f"<{_S}> <{_P}> <{_O}> <{_A}> .\n",
            f"_:b <{_P}> <{_O}> .\n",
            f"<{_S}> <{_P}> _:b .\n",
            f"<{_S}> <{_P}> <not absolute> .\n",
            f"<{_S}> <{_P}> <{_O}> .",
            f'<{_S}> <{_P}> "\\q" .\n',
            "not N-Triples .\n",
        ],
    )
    def test_a_fill_with_a_bad_chunk_leaves_the_store_empty_and_usable(self, store: Store, bad: str) -> None:
        with pytest.raises(StoreError):
            store.fill([{_A: _T1}, {_B: _T2 + bad}])
        _check(store, {})
        store.fill([{_A: _T1}])
        store.replace({_B: _T2})
        _check(store, {_A: _T1, _B: _T2})

    @pytest.mark.parametrize("error", [ZeroDivisionError, StopAsyncIteration, KeyboardInterrupt])
    def test_a_fill_whose_source_fails_leaves_the_store_empty(self, store: Store, error: type[BaseException]) -> None:
        def chunks() -> Iterator[Mapping[str, str]]:
            yield {_A: _T1}
            raise error

        with pytest.raises(error):
            store.fill(chunks())
        _check(store, {})
        store.fill([{_A: _T1}])
        _check(store, {_A: _T1})

    # The end

    def test_a_closed_store_refuses(self, store: Store) -> None:
        store.replace({_A: _T1})
        store.close()
        store.close()
        uses: list[Callable[[], object]] = [
            lambda: store.replace({_A: _T2}),
            lambda: store.replace({}),
            lambda: store.fill([]),
            lambda: store.match(),
            lambda: store.query("ASK {}"),
            lambda: store.graphs(),
            lambda: store.has_graph(_A),
            lambda: len(store),
        ]
        for use in uses:
            with pytest.raises(StoreError):
                use()


def _same(found: object, expected: object) -> None:
    # Said in full: pytest explains asserts in test files, not in this one.
    assert found == expected, f"\nfound    {found}\nexpected {expected}"


def _check(store: Store, expected: Mapping[str, str]) -> None:
    """Look at everything in the store, by every door."""
    graphs = {graph: _parsed(text) for graph, text in expected.items()}
    quads = list(store.match())
    found = {graph.value: {q.triple for q in quads if q.graph_name == graph} for graph in _named(quads)}
    _same(found, graphs)
    names = list(store.graphs())
    _same(sorted(names), sorted(graphs))
    assert all(map(store.has_graph, names))
    _same(len(store), sum(map(len, graphs.values())))
    _same(len(quads), len(store))
    everything = set[Triple]().union(*graphs.values())
    triples = store.query("CONSTRUCT { ?s ?p ?o } WHERE { ?s ?p ?o }")
    assert isinstance(triples, QueryTriples)
    _same(set(triples), everything)
    _same(_count(store, "?s ?p ?o"), len(everything))


def _named(quads: Iterable[Quad]) -> set[NamedNode]:
    names = {quad.graph_name for quad in quads}
    return {name for name in names if isinstance(name, NamedNode)}


def _parsed(text: str) -> set[Triple]:
    return {quad.triple for quad in parse(text, RdfFormat.N_TRIPLES)}


def _texts(graphs: Mapping[str, Iterable[Triple]]) -> dict[str, str]:
    return {graph: "".join(f"{triple} .\n" for triple in triples) for graph, triples in graphs.items()}


def _rows(
    store: Store, query: str, substitutions: Mapping[str, str | Literal] | None = None
) -> list[tuple[object, ...]]:
    solutions = store.query(query, substitutions=substitutions, prefixes={"g": "https://example.org/doc/"})
    assert isinstance(solutions, QuerySolutions)
    return [tuple(row) for row in solutions]


def _count(store: Store, pattern: str) -> int:
    ((count,),) = _rows(store, f"SELECT (COUNT(*) AS ?n) {{ {pattern} }}")
    assert isinstance(count, Literal)
    return int(count.value)


def _ask(store: Store, query: str) -> bool:
    answer = store.query(query)
    assert isinstance(answer, QueryBoolean)
    return bool(answer)
