"""Read the edges of a whole store, of what has changed in one, or of a networkx graph."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any, Final, cast

from mlaoi_graph import rdf
from mlaoi_graph.errors import MlaoiError
from mlaoi_graph.model import Confidence, Disclosure, Evidence, Rule
from mlaoi_graph.queries.collect import BARE, Collector, Edge, KnownBy
from mlaoi_graph.queries.columns import FACTS, Columns
from mlaoi_graph.queries.details import StoreDetails
from mlaoi_graph.queries.graph import (
    IS_ARCHIVE,
    IS_DATASET,
    IS_FAMILY,
    IS_MODEL,
    IS_UNKNOWN,
    MEMBER,
    PART,
    PREDICATES,
    WORDS,
)
from mlaoi_graph.rdf import INFERRED_GRAPH, LOG_GRAPH
from mlaoi_graph.results import texts
from mlaoi_graph.stores import Store
from mlaoi_graph.times import earliest
from mlaoi_graph.vocab import DCTERMS, MLAOI, PREFIXES, RDF, RDFS

if TYPE_CHECKING:
    import networkx
    from pyoxigraph import QueryTriples

__all__ = ["BadGraph", "from_networkx", "from_store", "multidigraph", "updated"]


def from_store(store: Store) -> Columns:
    """Return what the documents of a store assert; what was inferred is not looked at."""
    made = Collector()
    for class_iri, bits in _CLASSES.items():
        for iri, described in texts(store, _NODES, type=class_iri):
            made.describe(made.node(iri), bits, described == "true")
    for iri, said in texts(store, "SELECT ?s ?said { ?s mlaoi:trainingDisclosure ?said }"):
        if said in _DISCLOSED:
            made.disclose(made.node(iri), _DISCLOSED[said])
    edges: dict[str, dict[Edge, KnownBy]] = {}
    for code, predicate in enumerate(PREDICATES):
        if code != MEMBER:
            for newer, older, document in texts(store, _EDGES, predicate=predicate):
                edges.setdefault(document, {})[made.node(newer), code, made.node(older)] = BARE
    _say(made, store, edges)
    for iri, predicate, name in texts(store, _NAMES):
        if iri in made.nodes:
            _name(made, made.nodes[iri], predicate, name)
    rows = itertools.chain(
        texts(store, _FIELDS_ALL), ((n, g, p, v) for p in _OF_FEW for n, g, v in texts(store, _FIELD, predicate=p))
    )
    _tell(made, (row for row in rows if row[0] in made.nodes))
    # Of all documents at once: to a server each question is a request.
    stated, read = _earliest(texts(store, _STATED)), _earliest(texts(store, _READ))
    for document, found in edges.items():
        made.add(document, found, stated.get(document), read.get(document))
    triples = cast("QueryTriples", store.query(_SOURCES, prefixes=PREFIXES))
    for statement in rdf.decode(triples):
        if isinstance(statement, Evidence):
            made.cite(statement)
    made.name_the_rest(StoreDetails(store))
    return made.columns()


def _earliest(rows: Iterable[tuple[str, ...]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for document, time in rows:
        known = found.get(document)
        found[document] = time if known is None else earliest((known, time)) or time
    return found


def _say(made: Collector, store: Store, edges: dict[str, dict[Edge, KnownBy]]) -> None:
    """Add to the edges of each document what its statements say of them."""
    evidence: dict[tuple[str, str], list[str]] = {}
    for twin, document, cited in texts(store, _EVIDENCE):
        evidence.setdefault((twin, document), []).append(cited)
    # Few have a note or are in doubt: asked for apart, the others do not wait for it.
    notes: dict[tuple[str, str], str] = {}
    for twin, document, note in texts(store, _NOTES):
        notes[twin, document] = min(note, notes.get((twin, document), note))
    doubtful = set(texts(store, _DOUBTFUL))
    for newer_end, word_of, older_end, split_of in _ENDS:
        twins: dict[tuple[str, str], tuple[str, ...]] = {}
        query = _TWINS.format(newer=newer_end, word=word_of, older=older_end, split=split_of)
        for twin, document, *row in texts(store, query):
            if row[1] in _CODE_OF and row[3] in _RULES:
                # Said twice, a field is what is first by its text: so do all who read statements.
                known = twins.get((twin, document), row)
                twins[twin, document] = tuple(map(min, known, row))
        for at, (newer, word, older, rule, pointer, split) in twins.items():
            twin, document = at
            code, found = _CODE_OF[word], edges.get(document, {})
            edge = made.node(newer), code, made.node(older)
            if code == MEMBER and found.pop((edge[0], PART, edge[2]), None) is not None:
                found[edge] = BARE
            if edge not in found:
                continue
            known_said, unverified = found[edge], at in doubtful
            if not known_said.twin or (unverified, twin) < (known_said.doubt, known_said.twin):
                cited_in = sorted(set(evidence.get(at, ())))
                number = made.saying(_RULES[rule], pointer or None, split or None, notes.get(at), cited_in)
                found[edge] = KnownBy(unverified, twin, number)


def _name(made: Collector, node: int, predicate: str, name: str) -> None:
    if predicate == MLAOI.version:
        made.version(node, name)
    else:
        made.name(node, name, is_label=predicate == RDFS.label)


def _tell(made: Collector, rows: Iterable[tuple[str, ...]]) -> None:
    """Add what documents say in fields of nodes."""
    said: dict[tuple[str, str], dict[str, str]] = {}
    described = set()
    for node, document, predicate, value in rows:
        if predicate == MLAOI.task:
            made.task(made.nodes[node], value)
        elif predicate == MLAOI.resolved:
            if value == "true":
                described.add((node, document))
        else:
            found = said.setdefault((node, document), {})
            found[predicate] = min(value, found.get(predicate, value))
    for (node, document), found in said.items():
        facts = tuple(map(found.get, FACTS.values()))
        made.tell(made.nodes[node], document, facts, described=(node, document) in described)


def updated(columns: Columns, store: Store, documents: Collection[str], nodes: Collection[str]) -> Columns:
    """Return what :func:`from_store` would, of a store that differs by these documents.

    ``nodes`` are what the documents describe, or did before: models, datasets, and sources that are cited.
    """
    made, details = Collector(), StoreDetails(store)
    for document in documents:
        statements = rdf.decode(store.match(graph=document))
        made.take(document, statements, details.read_at(document))
    for iri in nodes:
        node = made.forget(iri)
        for predicate, value in texts(store, _FACTS, node=iri):
            if predicate == RDF.type:
                made.describe(node, _CLASSES.get(value, 0), False)
            elif predicate == MLAOI.resolved:
                made.describe(node, 0, value == "true")
            elif predicate != MLAOI.trainingDisclosure:
                _name(made, node, predicate, value)
            elif value in _DISCLOSED:
                made.disclose(node, _DISCLOSED[value])
        _tell(made, ((iri, *row) for row in texts(store, _FIELDS, node=iri)))
    made.name_the_rest(details)
    made.cite_the_rest(details, frozenset(columns.evidence).difference(nodes))
    return made.columns(columns, documents, nodes)


# By query and not by ``match``: the engine leaves the inferred graph out before it looks up a single string, which is
# what reading costs.
_CLASSES: Final = {
    MLAOI.Model: IS_MODEL,
    MLAOI.ModelFamily: IS_FAMILY,
    MLAOI.Dataset: IS_DATASET,
    MLAOI.SourceArchive: IS_DATASET | IS_ARCHIVE,
    MLAOI.UnknownThing: IS_UNKNOWN,
}
_DISCLOSED: Final = {iri: of for of, iri in rdf.INDIVIDUALS.items() if isinstance(of, Disclosure)}
_RULES: Final = {iri: of.value for of, iri in rdf.INDIVIDUALS.items() if isinstance(of, Rule)}
_CODE_OF: Final = {rdf.INDIVIDUALS[word]: code for code, word in enumerate(WORDS) if word is not None and code != PART}
_NODES: Final = "SELECT ?type ?node ?described { ?node a ?type OPTIONAL { ?node mlaoi:resolved ?described } }"
_EDGES: Final = f"""SELECT ?predicate ?newer ?older ?g {{
    GRAPH ?g {{ ?newer ?predicate ?older }} FILTER(?g NOT IN (<{INFERRED_GRAPH}>, <{LOG_GRAPH}>))
    FILTER(isIRI(?newer) && isIRI(?older)) }}"""  # earlier versions took updates that write anything
_ENDS: Final = (
    ("ofModel", "stage", "ofDataset", "split"),
    ("ofDerived", "derivationKind", "ofSource", "sourceSplit"),
    ("ofSubject", "associationKind", "ofObject", "split"),
)
_TWINS: Final = """SELECT ?twin ?g ?newer ?word ?older ?rule ?pointer ?split {{ GRAPH ?g {{
    ?twin mlaoi:{newer} ?newer ; mlaoi:{older} ?older ; mlaoi:{word} ?word ; mlaoi:rule ?rule
    FILTER EXISTS {{ ?twin mlaoi:statedIn ?document }}
    OPTIONAL {{ ?twin mlaoi:pointer ?pointer }} OPTIONAL {{ ?twin mlaoi:{split} ?split }} }} }}"""
_NOTES: Final = "SELECT ?twin ?g ?note { GRAPH ?g { ?twin mlaoi:note ?note ; mlaoi:rule ?rule } }"
_DOUBTFUL: Final = "SELECT ?twin ?g { GRAPH ?g { ?twin mlaoi:confidence mlaoi:Unverified } }"
_EVIDENCE: Final = "SELECT ?twin ?g ?cited { GRAPH ?g { ?twin mlaoi:evidence ?cited ; mlaoi:rule ?rule } }"
_STATED: Final = "SELECT ?document ?time { GRAPH ?document { ?document mlaoi:statedAt ?time } }"
_READ: Final = f"""SELECT ?document ?time {{
    GRAPH <{LOG_GRAPH}> {{ ?reading mlaoi:ofDocument ?document ; mlaoi:readAt ?time ; mlaoi:contentHash ?hash }}
    GRAPH ?document {{ ?document mlaoi:contentHash ?hash }} }}"""
_SOURCES: Final = "CONSTRUCT { ?source ?predicate ?value } { ?source a mlaoi:Evidence ; ?predicate ?value }"
_FACTS: Final = """SELECT ?node ?predicate ?value {
    VALUES ?predicate {
        rdf:type mlaoi:resolved mlaoi:trainingDisclosure rdfs:label dcterms:identifier skos:altLabel mlaoi:version }
    ?node ?predicate ?value }"""
_OF_MANY: Final = (DCTERMS.identifier, RDFS.label)
"""Fields that a million areas have too."""
_OF_FEW: Final = (*(predicate for predicate in FACTS.values() if predicate not in _OF_MANY), MLAOI.task, MLAOI.resolved)
_FIELD: Final = "SELECT ?node ?g ?value ?predicate { GRAPH ?g { ?node ?predicate ?value } }"
_FIELDS: Final = f"""SELECT ?node ?g ?predicate ?value {{
    VALUES ?predicate {{ {" ".join(f"<{predicate}>" for predicate in (*_OF_MANY, *_OF_FEW))} }}
    GRAPH ?g {{ ?node ?predicate ?value }} }}"""
_FIELDS_ALL: Final = """SELECT ?node ?g ?predicate ?value {
    VALUES ?class { mlaoi:Model mlaoi:ModelFamily mlaoi:Dataset mlaoi:UnknownThing }
    VALUES ?predicate { dcterms:identifier rdfs:label } ?node a ?class . GRAPH ?g { ?node ?predicate ?value } }"""
_NAMES: Final = """SELECT ?node ?predicate ?name {
    VALUES ?class { mlaoi:Model mlaoi:ModelFamily mlaoi:Dataset mlaoi:UnknownThing } ?node a ?class .
    VALUES ?predicate { rdfs:label dcterms:identifier skos:altLabel mlaoi:version } ?node ?predicate ?name }"""


# -- from networkx ----------------------------------------------------------------------------------------------------

_WORD_KINDS: Final = {
    "model": IS_MODEL,
    "family": IS_FAMILY,
    "dataset": IS_DATASET,
    "archive": IS_DATASET | IS_ARCHIVE,
    "unknown": IS_UNKNOWN,
}
_PREDICATE_CODES: Final = {
    predicate.rpartition("#")[2]: code for code, predicate in enumerate(PREDICATES) if code != MEMBER
}


class BadGraph(MlaoiError):
    """A networkx graph cannot be read as lineage; the message names the node or edge, and what it may have."""

    def __init__(self, where: str, problem: str, next_step: str) -> None:
        super().__init__(f"{where}: {problem}. {next_step}")


def multidigraph(graph: networkx.Graph[Any]) -> networkx.MultiDiGraph[str]:
    """Return a directed graph with the keys edges have, or their places if it has none; raises BadGraph."""
    import networkx as nx

    if not isinstance(graph, nx.Graph):
        raise BadGraph(type(graph).__name__, "no networkx graph", "Give a MultiDiGraph, as Catalog.to_networkx does")
    if not graph.is_directed():
        problem = "its edges have no direction, so what is newer is not known"
        raise BadGraph(type(graph).__name__, problem, "Give a DiGraph or MultiDiGraph, edges from the newer thing")
    for node in graph:
        if not isinstance(node, str) or not node:
            raise BadGraph(f"node {node!r}", "not the text of an IRI", "See networkx.relabel_nodes")
    if graph.is_multigraph():
        return cast("networkx.MultiDiGraph[str]", graph)
    return nx.MultiDiGraph(graph)


def from_networkx(graph: networkx.MultiDiGraph[str]) -> Columns:
    """Return what :func:`multidigraph` gives as columns. Raises BadGraph for a word that is none, or no text."""
    made = Collector()
    for iri, facts in graph.nodes(data=True):
        where = f"node {iri}"
        node = made.node(iri)
        kind = _word(where, facts, "kind", _WORD_KINDS) or "unknown"
        resolved = facts.get("resolved", False)
        if not isinstance(resolved, bool):
            raise BadGraph(where, f"resolved is {resolved!r}", "Known: True, False")
        made.describe(node, _WORD_KINDS[kind], resolved)
        disclosure = _word(where, facts, "disclosure", _words(Disclosure))
        if disclosure:
            made.disclose(node, Disclosure(disclosure))
        label = _word(where, facts, "label")
        _word(where, facts, "license")
        if label:
            made.name(node, label, is_label=True)
    edges: dict[str, dict[Edge, KnownBy]] = {}
    for newer, older, key, facts in graph.edges(keys=True, data=True):
        where = f"edge {newer} -> {older}, key {key!r}"
        predicate = _word(where, facts, "predicate", _PREDICATE_CODES)
        if not predicate:
            raise BadGraph(where, "no predicate", f"Known: {', '.join(_PREDICATE_CODES)}")
        code = _PREDICATE_CODES[predicate]
        rule = _word(where, facts, "rule", _words(Rule))
        confidence = _word(where, facts, "confidence", _words(Confidence))
        document, pointer, split, note = (
            _word(where, facts, name) for name in ("document", "pointer", "split", "note")
        )
        # A part by construction has no twin, and so no rule.
        edge = made.node(newer), MEMBER if code == PART and rule else code, made.node(older)
        found = edges.setdefault(document or "", {})
        known = found.setdefault(edge, BARE)
        doubt = confidence == Confidence.UNVERIFIED.value
        if rule and (not known.twin or (doubt, str(key)) < (known.doubt, known.twin)):
            found[edge] = KnownBy(doubt, str(key), made.saying(rule, pointer, split, note, ()))
    for document, found in edges.items():
        made.add(document, found)
    return made.columns()


def _words(words: type[Disclosure | Rule | Confidence]) -> tuple[str, ...]:
    return tuple(word.value for word in words)


def _word(where: str, facts: dict[str, Any], name: str, known: Collection[str] = ()) -> str | None:
    """Return an attribute, if it is there and not ""; it has to be text, and one of the words if these are given."""
    value = facts.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, str) and (not known or value in known):
        return value
    raise BadGraph(where, f"{name} is {value!r}", f"Known: {', '.join(known)}" if known else "Text is wanted")
