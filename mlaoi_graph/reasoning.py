"""Infer the edge hierarchy and exposure by the rules the ontology needs, and no others.

The rules are those ``ontology/mlaoi.ttl`` states as OWL 2 RL axioms; owlrl over that file is the reference, and gives
the same instance triples (a test). It can take the rules' place (``Reasoner.OWLRL``), at some 1,000 times the cost.

=====================  =============================================================================================
subclass               an archive is a dataset; a use, derivation or association is a qualified edge
subproperty            ``pretrainedOn`` is ``trainedOn`` is ``madeFrom`` and ``exposedTo``; ``testedOn`` is
                       ``evaluatedOn``; ``finetunedFrom`` is ``derivedFromModel`` is ``madeFrom``; ``splitOf`` is
                       ``partOf``; and so on
inverse                ``hasPart`` is ``partOf`` the other way round
parts inherit          ``partOf`` then ``derivedFrom`` is ``derivedFrom``
ancestors pass on      ``derivedFromModel`` then ``exposedTo`` is ``exposedTo``
sources count          ``exposedTo`` then ``derivedFrom`` is ``exposedTo``
wholes have parts      ``exposedTo`` then ``hasPart`` is ``exposedTo``
=====================  =============================================================================================

``drawnFrom``, ``labelledBy``, ``succeeds`` and evaluation pass nothing on.
"""

from __future__ import annotations

import itertools
import re
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, TypeAlias, cast

from mlaoi_graph.model import Reasoner
from mlaoi_graph.ontology_files import ontology_file
from mlaoi_graph.rdf import INFERRED_GRAPH
from mlaoi_graph.stores import Store
from mlaoi_graph.vocab import MLAOI, MLAOI_NS, RDF

__all__ = [
    "PREDICATES",
    "OwlRl",
    "RuleBase",
    "asserted_edges",
    "ends",
    "everything",
    "infer",
    "inferable",
    "refresh",
    "refresh_touched",
    "touched_by",
]

Edge: TypeAlias = tuple[str, str, str]
_Graph: TypeAlias = dict[str, set[str]]

_SUPER_CLASSES: Final = {
    MLAOI.SourceArchive: MLAOI.Dataset,
    MLAOI.DataUse: MLAOI.QualifiedEdge,
    MLAOI.Derivation: MLAOI.QualifiedEdge,
    MLAOI.Association: MLAOI.QualifiedEdge,
}
_SUPER_PROPERTIES: Final[dict[str, tuple[str, ...]]] = {
    MLAOI.pretrainedOn: (MLAOI.trainedOn, MLAOI.exposedTo, MLAOI.madeFrom),
    MLAOI.finetunedOn: (MLAOI.trainedOn, MLAOI.exposedTo, MLAOI.madeFrom),
    MLAOI.instructionTunedOn: (MLAOI.trainedOn, MLAOI.exposedTo, MLAOI.madeFrom),
    MLAOI.trainedOn: (MLAOI.exposedTo, MLAOI.madeFrom),
    MLAOI.validatedOn: (MLAOI.evaluatedOn,),
    MLAOI.testedOn: (MLAOI.evaluatedOn,),
    MLAOI.finetunedFrom: (MLAOI.derivedFromModel, MLAOI.madeFrom),
    MLAOI.initializedFrom: (MLAOI.derivedFromModel, MLAOI.madeFrom),
    MLAOI.distilledFrom: (MLAOI.derivedFromModel, MLAOI.madeFrom),
    MLAOI.mergedFrom: (MLAOI.derivedFromModel, MLAOI.madeFrom),
    MLAOI.quantizedFrom: (MLAOI.derivedFromModel, MLAOI.madeFrom),
    MLAOI.usesComponent: (MLAOI.derivedFromModel, MLAOI.madeFrom),
    MLAOI.derivedFromModel: (MLAOI.madeFrom,),
    MLAOI.derivedFrom: (MLAOI.madeFrom,),
    MLAOI.drawnFrom: (MLAOI.madeFrom,),
    MLAOI.splitOf: (MLAOI.partOf,),
}
"""Every property above a property, at any height."""

_BATCH: Final = 1_000
"""Nodes a transaction of :func:`refresh`."""

_RELATIONS: Final = (
    MLAOI.derivedFromModel,
    MLAOI.derivedFrom,
    MLAOI.partOf,
    MLAOI.trainedOn,
    MLAOI.exposedTo,
)
PREDICATES: Final = frozenset({*_SUPER_PROPERTIES, MLAOI.exposedTo, MLAOI.partOf, MLAOI.hasPart}).union(
    *_SUPER_PROPERTIES.values()
)
"""The properties the rules read, and those they infer, as what is said is not inferred once more; triples of others
(``rdf:type`` apart) change nothing."""


class RuleBase:
    """Asserted edges, arranged for the rules."""

    def __init__(self, asserted: Iterable[Edge]) -> None:
        self._said: dict[str, set[tuple[str, str]]] = defaultdict(set)
        self._types: _Graph = defaultdict(set)
        self._parts: _Graph = defaultdict(set)
        self._into: _Graph = defaultdict(set)
        relations: dict[str, _Graph] = {relation: defaultdict(set) for relation in _RELATIONS}
        for subject, predicate, object_ in asserted:
            if predicate == RDF.type:
                self._types[subject].add(object_)
                continue
            if predicate not in PREDICATES:
                continue
            self._said[subject].add((predicate, object_))
            self._into[object_].add(subject)
            if predicate == MLAOI.hasPart:
                subject, predicate, object_ = object_, MLAOI.partOf, subject
            if predicate in (MLAOI.partOf, MLAOI.splitOf):
                self._parts[object_].add(subject)
                # Exposure runs from a whole to its parts, inheritance from a part to its whole.
                self._into[subject].add(object_)
                self._into[object_].add(subject)
            for relation in (predicate, *_SUPER_PROPERTIES.get(predicate, ())):
                if relation in relations:
                    relations[relation][subject].add(object_)
        self._parents = relations[MLAOI.derivedFromModel]
        self._made_from = relations[MLAOI.derivedFrom]
        self._wholes = relations[MLAOI.partOf]
        self._learned = relations[MLAOI.trainedOn]
        for subject, objects in relations[MLAOI.exposedTo].items():
            self._learned[subject] |= objects
        self._sources: dict[str, frozenset[str]] = {}
        self._contents: dict[str, frozenset[str]] = {}

    def subjects(self) -> Iterator[str]:
        """Iterate over every node something may be inferred of."""
        yield from {*self._said, *self._types, *self._parts, *self._wholes}

    def classify(self, types: Iterable[tuple[str, str]]) -> None:
        """Add asserted classes: pairs of a node and its class."""
        for subject, class_iri in types:
            self._types[subject].add(class_iri)

    def affected(self, touched: Iterable[str]) -> set[str]:
        """Return the nodes of which something else may follow once edges at ``touched`` have changed."""
        return set(_closure(touched, self._into))

    def inferred(self, subject: str) -> set[tuple[str, str]]:
        """Return what follows of one node and is not asserted: pairs of predicate (or ``rdf:type``) and object."""
        found: set[tuple[str, str]] = set()
        types = self._types.get(subject, ())
        for class_iri in types:
            above = _SUPER_CLASSES.get(class_iri)
            if above is not None and above not in types:
                found.add((RDF.type, above))
        said = self._said.get(subject, set())
        for predicate, object_ in said:
            for above in _SUPER_PROPERTIES.get(predicate, ()):
                found.add((above, object_))
        for part in self._parts.get(subject, ()):
            found.add((MLAOI.hasPart, part))
        for whole in self._wholes.get(subject, ()):
            found.add((MLAOI.partOf, whole))
        for source in self._sources_of(subject):
            found.add((MLAOI.derivedFrom, source))
            found.add((MLAOI.madeFrom, source))
        for dataset in self.exposure(subject):
            found.add((MLAOI.exposedTo, dataset))
        return found - said

    def exposure(self, model: str) -> set[str]:
        """Return every dataset a model is exposed to, through ancestors, sources and parts."""
        found: set[str] = set()
        for ancestor in _closure((model,), self._parents):
            for dataset in self._learned.get(ancestor, ()):
                found |= self._contents_of(dataset)
        return found

    def _sources_of(self, dataset: str) -> frozenset[str]:
        """Return what a dataset, or a whole it is part of, was made from."""
        known = self._sources.get(dataset)
        if known is None:
            wholes = _closure((dataset,), self._wholes)
            known = frozenset(source for whole in wholes for source in self._made_from.get(whole, ()))
            self._sources[dataset] = known
        return known

    def _contents_of(self, dataset: str) -> frozenset[str]:
        """Return what having seen a dataset exposes to: it, its parts, what they were made from, and so on."""
        known = self._contents.get(dataset)
        if known is None:
            known = frozenset(_closure((dataset,), self._next_contents))
            self._contents[dataset] = known
        return known

    def _next_contents(self, dataset: str) -> Iterable[str]:
        return {*self._sources_of(dataset), *self._parts.get(dataset, ())}


class OwlRl:
    """What owlrl infers from the ontology and the same asserted edges: the reference."""

    def __init__(self, asserted: Iterable[Edge]) -> None:
        # Loaded for who asks for it: these take longer than reading a small catalog.
        import owlrl  # type: ignore[import-untyped]
        import rdflib

        said = set(asserted)
        graph = rdflib.Graph().parse(ontology_file("mlaoi.ttl"))
        vocabulary = set(graph.subjects())
        for triple in said:
            graph.add((rdflib.URIRef(triple[0]), rdflib.URIRef(triple[1]), rdflib.URIRef(triple[2])))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # rdflib's, of literals in the ontology
            owlrl.DeductiveClosure(owlrl.OWLRL_Semantics).expand(graph)
        self._inferred: dict[str, set[tuple[str, str]]] = defaultdict(set)
        for subject, predicate, object_ in graph:
            found = str(subject), str(predicate), str(object_)
            is_ours = (found[2] if found[1] == RDF.type else found[1]).startswith(MLAOI_NS)
            if is_ours and subject not in vocabulary and found not in said:
                self._inferred[found[0]].add(found[1:])

    def subjects(self) -> Iterator[str]:
        """Iterate over every node something was inferred of."""
        return iter(self._inferred)

    def inferred(self, subject: str) -> set[tuple[str, str]]:
        """Return what follows of one node and is not asserted: pairs of predicate (or ``rdf:type``) and object."""
        return self._inferred.get(subject, set())


_INFERABLE: Final = frozenset({MLAOI.exposedTo, MLAOI.derivedFrom, MLAOI.hasPart}.union(*_SUPER_PROPERTIES.values()))
_NAMES: Final = re.compile(rf"\b({'|'.join(sorted(iri.removeprefix(MLAOI_NS) for iri in _INFERABLE))})\b")


def inferable(sparql: str) -> list[str]:
    """Return the properties a query names that rules add to: without a reasoner it may find less.

    >>> inferable("SELECT ?d { ?m mlaoi:testedOn|mlaoi:exposedTo ?d }")
    ['exposedTo']
    """
    return sorted(set(_NAMES.findall(sparql)))


_ASSERTED: Final = f"""SELECT DISTINCT ?predicate ?subject ?object {{
    GRAPH ?document {{ ?subject ?predicate ?object }}
    FILTER(?document != <{INFERRED_GRAPH}> && isIRI(?subject) && isIRI(?object)) }}"""
_GIVEN: Final = "SELECT ?class ?subject { ?subject a ?class FILTER(isIRI(?subject)) }"
"""For a store in which nothing is inferred yet: its default graph has a triple once, however many documents say it."""
_TYPED: Final = f"""SELECT DISTINCT ?class ?subject {{
    GRAPH ?document {{ ?subject a ?class }} FILTER(?document != <{INFERRED_GRAPH}> && isIRI(?subject)) }}"""


def asserted_edges(store: Store) -> Iterator[Edge]:
    """Iterate over the triples of a store's documents that the rules read, each once.

    Blank nodes and literals are left out: nothing follows from what is no thing with a name.
    """
    # By query: the engine leaves out what is inferred, and what was said before, without looking up a string.
    for predicate in PREDICATES:
        yield from _said(store, _ASSERTED, predicate)
    for class_iri in {*_SUPER_CLASSES, *_SUPER_CLASSES.values()}:
        for row in _solutions(store, _TYPED, **{"class": class_iri}):
            yield row["subject"].value, RDF.type, class_iri


def _said(store: Store, sparql: str, predicate: str) -> Iterator[Edge]:
    for row in _solutions(store, sparql, predicate=predicate):
        yield row["subject"].value, predicate, row["object"].value


def _solutions(store: Store, sparql: str, **given: str) -> Iterator[Any]:
    return cast("Iterator[Any]", store.query(sparql, substitutions=given))


_LINE = re.compile(r"^<([^>]*)> <([^>]*)> <([^>]*)> \.$", re.MULTILINE)


def ends(subject: str, predicate: str, object_: str) -> tuple[str, ...]:
    """Return the nodes of which something else may follow if this triple comes or goes."""
    if predicate in (MLAOI.partOf, MLAOI.splitOf, MLAOI.hasPart):
        return (subject, object_)
    if predicate in PREDICATES:
        return (subject,)  # what is known of the object does not depend on who uses it
    return (subject,) if predicate == RDF.type and object_ in _SUPER_CLASSES else ()


def touched_by(lines: str) -> set[str]:
    """Return the same for all triples of a text that ``rdf.encode`` made."""
    return {node for triple in _LINE.findall(lines) for node in ends(*triple)}


def everything(store: Store, edges: Iterable[Edge], reasoner: Reasoner = Reasoner.TARGETED) -> Iterator[str]:
    """Iterate over what follows from a store's documents, none of which it holds yet, as N-Triples text, a node or more
    at a time.

    ``edges`` are those between its models and datasets, which whoever put them there knows without reading them back.
    """
    if reasoner is Reasoner.NONE:
        return
    if reasoner is Reasoner.OWLRL:
        base: OwlRl | RuleBase = OwlRl(asserted_edges(store))
    else:
        base = RuleBase(itertools.chain(edges, _by_hand(store)))
        yield from _classes(store)
    for subject in base.subjects():
        text = _lines(subject, base.inferred(subject))
        if text:
            yield text


def _by_hand(store: Store) -> Iterator[Edge]:
    """Iterate over what the rules read and the edges of models and datasets do not have, as no reader makes it.

    An update may have said any of it: ``exposedTo`` and ``hasPart``, which are otherwise inferred only; and ``splitOf``
    without the ``partOf`` that readers write beside it, by which the split is an edge already.
    """
    for predicate in (MLAOI.exposedTo, MLAOI.hasPart):
        yield from _said(store, _ASSERTED, predicate)
    # Never inferred, and in the default graph once, however many documents say so.
    yield from _said(store, "SELECT ?predicate ?subject ?object { ?subject ?predicate ?object }", MLAOI.splitOf)


def _classes(store: Store) -> Iterator[str]:
    """Iterate over the classes above those documents give: of every statement, so not kept in memory."""
    for class_iri, above in _SUPER_CLASSES.items():
        # Few are given the class above as well; asked of each one, that would take most of the time.
        given = {row["subject"].value for row in _solutions(store, _GIVEN, **{"class": above})}
        for row in _solutions(store, _GIVEN, **{"class": class_iri}):
            if row["subject"].value not in given:
                yield _lines(row["subject"].value, [(RDF.type, above)])


def refresh(store: Store, reasoner: Reasoner = Reasoner.TARGETED) -> None:
    """Bring the inferred graph up to date with all the documents; asserted graphs are not touched."""
    if reasoner is not Reasoner.NONE:
        base = (OwlRl if reasoner is Reasoner.OWLRL else RuleBase)(asserted_edges(store))
        held = {quad.subject.value for quad in store.match(graph=INFERRED_GRAPH)}  # type: ignore[union-attr]
        _amend(store, base, held.union(base.subjects()))


def refresh_touched(
    store: Store, edges: Iterable[Edge], touched: Iterable[str], reasoner: Reasoner = Reasoner.TARGETED
) -> None:
    """Do what :func:`refresh` does, where only the asserted edges at ``touched`` have changed since it last was.

    ``edges`` are those between models and datasets as they are now. OWL RL reads everything all the same.
    """
    if reasoner is not Reasoner.TARGETED:
        refresh(store, reasoner)
        return
    base = RuleBase(itertools.chain(edges, _by_hand(store)))
    subjects = base.affected(touched)
    base.classify((subject, class_iri) for subject in subjects for class_iri in _types_of(store, subject))
    _amend(store, base, subjects)


def _types_of(store: Store, subject: str) -> set[str]:
    quads = store.match(subject, RDF.type)
    return {q.object.value for q in quads if q.graph_name.value != INFERRED_GRAPH}  # type: ignore[union-attr]


def _amend(store: Store, base: OwlRl | RuleBase, subjects: Iterable[str]) -> None:
    remove: list[str] = []
    add: list[str] = []
    for subject in subjects:
        old = {(q.predicate.value, q.object.value) for q in store.match(subject, graph=INFERRED_GRAPH)}  # type: ignore[union-attr]
        new = base.inferred(subject)
        remove.append(_lines(subject, old - new))
        add.append(_lines(subject, new - old))
        if len(add) >= _BATCH:
            store.amend(INFERRED_GRAPH, remove="".join(remove), add="".join(add))
            remove, add = [], []
    store.amend(INFERRED_GRAPH, remove="".join(remove), add="".join(add))


def _lines(subject: str, pairs: Iterable[tuple[str, str]]) -> str:
    return "".join(f"<{subject}> <{predicate}> <{object_}> .\n" for predicate, object_ in pairs)


def infer(asserted: Iterable[Edge]) -> set[Edge]:
    """Return everything that follows from the edges and is not among them.

    >>> found = infer([("m", MLAOI.pretrainedOn, "d"), ("d", MLAOI.derivedFrom, "source")])
    >>> ("m", MLAOI.exposedTo, "source") in found
    True
    """
    base = RuleBase(asserted)
    return {
        (subject, predicate, object_) for subject in base.subjects() for predicate, object_ in base.inferred(subject)
    }


def _closure(start: Iterable[str], step: _Graph | Callable[[str], Iterable[str]]) -> Iterator[str]:
    """Iterate over the start and what can be reached from it, each once, in cycles too."""
    follow: Callable[[str], Iterable[str]] = step if callable(step) else lambda node: step.get(node, ())
    todo = list(start)
    seen = set(todo)
    yield from seen
    while todo:
        for node in follow(todo.pop()):
            if node not in seen:
                seen.add(node)
                todo.append(node)
                yield node
