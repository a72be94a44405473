"""Hold a graph against the shapes that ship with the ontology."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rdflib import SH, XSD, Dataset, Graph, Literal, URIRef
from rdflib.term import Node

from mlaoi_graph.model import Finding, Severity
from mlaoi_graph.ontology_files import ontology_file
from mlaoi_graph.rdf import INFERRED_GRAPH
from mlaoi_graph.vocab import MLAOI

__all__ = ["validate_graph"]

_SEVERITIES: Final = {SH.Violation: Severity.ERROR, SH.Warning: Severity.WARNING, SH.Info: Severity.INFO}
_LONGEST = 100


def validate_graph(graph: Graph | Dataset) -> Iterator[Finding]:
    """Return what ``shapes.ttl`` finds wrong with a graph: rule ``shacl``, ordered by document and node.

    SHACL Core, without inference. Of a Dataset the union of its named graphs is checked, except what was
    inferred, which may point at anything. ``document`` is the source document that states or describes the
    node, else a named graph that speaks of it, else the node; ``pointer`` is the node's IRI.
    A violation is an error: the graph contradicts the model. A warning says that answers will be weaker.

    The graph is copied into memory and left as it was; pyshacl takes about 3,000 triples a second.
    """
    # Takes longer to import than everything else here, and documents are checked without it.
    import pyshacl

    union, named = _union(graph)
    # A graph of our own each time: pyshacl writes into it, and given the path warns of what rdflib deprecates.
    shapes = Graph().parse(ontology_file("shapes.ttl"))
    _, report, _ = pyshacl.validate(union, shacl_graph=shapes, inference="none", inplace=True)
    assert isinstance(report, Graph)
    findings = [_finding(report, result, union, named) for result in report.objects(None, SH.result)]
    yield from sorted(findings, key=lambda f: (f.document, f.pointer, f.severity.value, f.message))


def _union(graph: Graph) -> tuple[Graph, dict[Node, set[str]]]:
    """Return all asserted triples as one plain graph, and which named graphs speak of a node."""
    union = Graph()
    named: dict[Node, set[str]] = {}
    if not isinstance(graph, Dataset):
        for triple in graph:
            union.add(_plain(triple))
        return union, named
    inferred = Graph(graph.store, URIRef(INFERRED_GRAPH))
    for subject, predicate, value, name in graph.quads((None, None, None, None)):
        if name == inferred.identifier:
            continue
        # The default graph of a catalog repeats what is in its named ones, the inferred one too.
        unnamed = name is None or name == graph.default_graph.identifier
        if unnamed and (subject, predicate, value) in inferred:
            continue
        union.add(_plain((subject, predicate, value)))
        if not unnamed:
            named.setdefault(subject, set()).add(str(name))
    return union, named


def _plain(triple: tuple[Node, Node, Node]) -> tuple[Node, Node, Node]:
    """Return a triple with plain text: ``"a"`` and ``"a"^^xsd:string`` are one in RDF 1.1, and two to rdflib."""
    subject, predicate, value = triple
    if isinstance(value, Literal) and value.datatype == XSD.string:
        value = Literal(str(value))
    return subject, predicate, value


def _finding(report: Graph, result: Node, union: Graph, named: dict[Node, set[str]]) -> Finding:
    focus, value = report.value(result, SH.focusNode), report.value(result, SH.value)
    assert focus is not None
    message = str(report.value(result, SH.resultMessage))
    if value is not None and value != focus:
        text = value.n3()
        message += f" Found: {text if len(text) <= _LONGEST else text[:_LONGEST] + '…'}"
    severity = report.value(result, SH.resultSeverity)
    assert isinstance(severity, URIRef)
    return Finding(
        document=_document(focus, union, named),
        pointer=str(focus),
        rule="shacl",
        message=message,
        severity=_SEVERITIES.get(severity, Severity.ERROR),
    )


def _document(focus: Node, union: Graph, named: dict[Node, set[str]]) -> str:
    stated = sorted(map(str, union.objects(focus, URIRef(MLAOI.statedIn))))
    described = sorted(map(str, union.subjects(URIRef(MLAOI.describes), focus)))
    speaking = sorted(named.get(focus, ()))
    return next(iter(stated or described or speaking), str(focus))
