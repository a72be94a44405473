"""The pages that are no node's: start, search, compare, questions in SPARQL, about the data."""

from __future__ import annotations

import dataclasses
import re
from itertools import islice
from typing import Any, Final

from mlaoi_graph.catalog import Catalog
from mlaoi_graph.errors import NodeNotFound
from mlaoi_graph.findings import Finding, findings, label_of
from mlaoi_graph.iri import is_iri, tail
from mlaoi_graph.queries import NotOfKind
from mlaoi_graph.queries.neighbours import neighbours
from mlaoi_graph.queries.parameters import question, questions
from mlaoi_graph.queries.results import Rows, plain
from mlaoi_graph.rdf import ASSOCIATION_PROPERTY, DERIVATION_PROPERTY, INDIVIDUALS, PRECISION_OF, STAGE_PROPERTY
from mlaoi_graph.results import Solutions
from mlaoi_graph.server.pages.document import evidence, said_by
from mlaoi_graph.server.pages.search import KINDS, Hit, told, used_by
from mlaoi_graph.server.pages.search import search as found_by
from mlaoi_graph.server.pages.tasks import Page
from mlaoi_graph.server.reply import Refusal
from mlaoi_graph.server.worker import Context
from mlaoi_graph.vocab import PREFIXES

__all__ = ["about", "compare", "query", "search", "start"]

_HITS: Final = 100
_EDGE_OF: Final = {
    INDIVIDUALS[sort]: tail(edge)
    for edges in (STAGE_PROPERTY, DERIVATION_PROPERTY, ASSOCIATION_PROPERTY)
    for sort, edge in edges.items()
}
"""The edge that stages and kinds of qualified edges stand beside."""
_MEASURED: Final = 500
"""Datasets of one stage that a comparison names."""
_PAIRS: Final = 8
"""Families of which two models are suggested for a comparison."""
_ABOUT: Final = 4
"""Names that tell what a document is about."""
_ROWS: Final = 200
"""Rows of a table that are on a page; JSON has as many, the JSON API all."""


def start(context: Context, given: dict[str, str]) -> Page:
    """What is in the catalog, and what it shows."""
    values = {"counts": _counts(context), **context.once("start", _start)}
    return Page("Lineage of Earth-observation models", "start.html", values, [f["node"] for f in values["families"]])


def _counts(context: Context) -> dict[str, int]:
    """Return how much there is: it takes longer than what else these pages need, and is made once for them."""
    found: dict[str, int] = context.once("counts", lambda catalog: dataclasses.asdict(catalog.counts()))
    return found


def _start(catalog: Catalog) -> dict[str, Any]:
    families = [
        {"node": row.family, "label": row.label, "models": len(row.models)} for row in catalog.lineage.families()
    ]
    return {
        "families": sorted(families, key=lambda f: (-f["models"], f["label"].casefold())),
        "findings": [_finding(catalog, finding) for finding in findings(catalog)],
    }


def _finding(catalog: Catalog, finding: Finding) -> dict[str, Any]:
    pieces = [{"text": text} | ({"node": node} if node else {}) for text, node in finding.pieces]
    chain = [
        {
            "subject": edge.subject,
            "subject_label": label_of(catalog, edge.subject),
            "edge": edge.predicate,
            "object": edge.object,
            "object_label": label_of(catalog, edge.object),
            "note": edge.twin.note or "stated",
            "evidence": evidence(catalog, edge.twin.evidence),
            "confidence": edge.twin.confidence.value,
            "document": edge.twin.document,
        }
        for edge in finding.proof
    ]
    return {"headline": pieces, "chain": chain, "more": finding.more, "query": finding.query}


def search(context: Context, given: dict[str, str]) -> Page:
    """What goes by a name."""
    words = given.get("q", "").strip()[:200]
    most, start = (_whole(given, name) for name in ("limit", "start"))
    kind = given.get("kind", "")
    if kind and kind not in KINDS:
        raise Refusal(400, "parameters", f"kind is one of {', '.join(KINDS)}, not {kind!r:.40}")
    hits, kinds = found_by(context, words, min(most or _HITS, _HITS), start, kind or None)
    rows = [{**dataclasses.asdict(hit), **told(context.catalog, hit)} for hit in hits]
    title = f"{words}: search" if words else "Search"
    total = kinds[kind] if kind else sum(kinds.values())
    values = {"words": words, "kind": kind, "kinds": kinds, "total": total, "start": start, "rows": rows}
    columns = [*(one.name for one in dataclasses.fields(Hit)), "of", "released", "models", "stages"]
    table = [
        {
            **row,
            "of": row["of"]["node"] if row["of"] else None,
            "stages": [f"{one['edge']} {one['number']}" for one in row["stages"]],
        }
        for row in rows
    ]
    return Page(title, "search.html", values, [h.node for h in hits], table, columns)


def _whole(given: dict[str, str], name: str) -> int:
    text = given.get(name) or "0"
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise Refusal(400, "parameters", f"{name} is a whole number, not {text!r:.40}")
    return int(text)


def compare(context: Context, given: dict[str, str]) -> Page:
    """What two models share, and what sets them apart."""
    a, b = given.get("a", "").strip(), given.get("b", "").strip()
    if not (a and b):
        values = {"a": a, "b": b, "common": None, "differences": None, "pairs": context.once("pairs", _pairs)}
        return Page("Compare two models", "compare.html", values)
    catalog = context.catalog
    one, two = catalog.find(a), catalog.find(b)
    common = catalog.lineage.common_exposure(one, two)
    apart = catalog.lineage.differences(one, two)
    names = [catalog.lineage.label(one), catalog.lineage.label(two)]
    differences = part_of(apart)
    for row in differences["rows"]:  # how much more is not known differs from row to row, and is no reason of its own
        row["because"] = row["reason"].partition("; and ")[0]
    values = {
        "a": a,
        "b": b,
        "models": [{"node": one, "label": names[0]}, {"node": two, "label": names[1]}],
        "common": part_of(common),
        "differences": differences,
        "only": {iri: sum(row.only == iri for row in apart) for iri in (one, two)},
        "facts": _facts(catalog, one, two),
        "stages": _stages(catalog, one, two),
        "measured": _measured(catalog, one, two),
        "licences": _licences(catalog, one, two),
    }
    rows = [{"in": "both", "dataset": r.dataset, "label": r.label} for r in common]
    rows += [{"in": "one", "dataset": r.dataset, "label": r.label, "only": r.only} for r in apart]
    return Page(
        f"{names[0]} and {names[1]} compared",
        "compare.html",
        values,
        [one, two],
        rows,
        ("in", "dataset", "label", "only"),
    )


def _pairs(catalog: Catalog) -> list[list[dict[str, str]]]:
    """Return models worth a look beside each other: two that learned from much, two of each large family."""
    about = _asked_about(catalog)
    families = sorted(catalog.lineage.families(), key=lambda row: (-len(row.models), row.label.casefold()))[:_PAIRS]
    pairs = [(row.models[0], row.models[-1]) for row in families if len(row.models) > 1]
    if is_iri(about["a"][1:-1]) and about["a"] != about["b"] and about["a"] != "<urn:none>":
        pairs.insert(0, (about["a"][1:-1], about["b"][1:-1]))
    return [[{"node": iri, "label": label_of(catalog, iri)} for iri in pair] for pair in pairs]


_FACTS: Final = ("family", "version", "released", "architecture", "parameters", "license", "publisher", "disclosure")


def _facts(catalog: Catalog, *models: str) -> list[dict[str, Any]]:
    """Return what is said of models themselves, a row a fact; a fact that is known of none is no row."""
    nodes = [catalog.node(model) for model in models]
    rows = []
    for name in _FACTS:
        said = [plain(getattr(node, name, None)) for node in nodes]
        if any(said):
            is_node = name == "family"
            shown = [catalog.lineage.label(value) if is_node and value else value for value in said]
            rows.append({"name": name, "said": shown, "nodes": said if is_node else [None] * len(said)})
    return rows


def _stages(catalog: Catalog, *models: str) -> list[dict[str, Any]]:
    """Return how many datasets each of the models used in each stage itself."""
    by_model = [{row["edge"]: row["number"] for row in used_by(catalog, model)} for model in models]
    return [
        {"edge": edge, "numbers": [numbers.get(edge, 0) for numbers in by_model]}
        for edge in map(tail, STAGE_PROPERTY.values())
        if any(edge in numbers for numbers in by_model)
    ]


def _measured(catalog: Catalog, *models: str) -> list[dict[str, Any]]:
    """Return what models were measured on: first what all were, then what only one was."""
    measures = [tail(edge) for stage, edge in STAGE_PROPERTY.items() if not stage.teaches]
    found: dict[str, dict[str, Any]] = {}
    for at, model in enumerate(models):
        for group in neighbours(catalog.lineage, model, up=True, most=_MEASURED):
            if group.edge in measures:
                for row in group.rows:
                    one = found.setdefault(row.node, {"dataset": row.node, "label": row.label, "by": [[], []]})
                    one["by"][at].append(group.edge)
    return sorted(found.values(), key=lambda one: (*(not edges for edges in one["by"]), one["label"].casefold()))


def _licences(catalog: Catalog, *models: str) -> list[dict[str, Any]]:
    """Return the licences models inherit along their lineage, with how many things bring each."""
    found: dict[str, list[int]] = {}
    for at, model in enumerate(models):
        for row in catalog.lineage.licences(model):
            found.setdefault(row.license or "", [0] * len(models))[at] += 1
    return [
        {"license": license, "numbers": numbers}
        for license, numbers in sorted(found.items(), key=lambda item: (item[0] == "", -sum(item[1]), item[0]))
    ]


def query(context: Context, given: dict[str, str]) -> Page:
    """An editor for SPARQL, with the questions a lineage catalog answers, about something of this catalog."""
    about = context.once("asked about", _asked_about)
    node = given.get("node", "").strip()
    if node:
        iri = context.catalog.find(node)
        about = {**about, **dict.fromkeys(("model", "dataset", "start", "asked", "newer", "a"), f"<{iri}>")}
        about |= _proven(context.catalog, iri)
    examples = []
    for name, title in questions().items():
        examples.append({"name": name, "title": title, "query": filled(question(name), about)})
    examples.append(
        {"name": "on-the-map", "title": _ON_THE_MAP.partition("\n")[0][2:], "query": filled(_ON_THE_MAP, about)}
    )
    text = given.get("query", "")
    values = {"examples": examples, "prefixes": dict(PREFIXES), "query_text": text}
    asked = next((line for line in map(str.strip, text.splitlines()) if line and not _PROLOGUE.match(line)), "")
    title = f"{asked.lstrip('# ')[:80]}: SPARQL" if asked else "SPARQL"
    return Page(title, "query.html", values, [context.catalog.find(node)] if node else [])


_MUCH_EXPOSED: Final = """SELECT ?model (COUNT(?dataset) AS ?number) (MAX(?dataset) AS ?data) {
  { SELECT ?model ?dataset { ?model mlaoi:exposedTo ?dataset } LIMIT 20000 }
} GROUP BY ?model ORDER BY DESC(?number) ?model LIMIT 2"""


_PROLOGUE: Final = re.compile(r"(?:PREFIX|BASE)\b", re.IGNORECASE)
_ON_THE_MAP: Final = """# On the map: where the data that models were tested on in this area lie
# Parameter ?aoi: geometry
SELECT ?label ?area ?wkt {
  { SELECT DISTINCT ?label ?area ?wkt {
    ?model mlaoi:testedOn ?dataset .
    ?dataset rdfs:label ?label ; mlaoi:footprint ?area .
    ?area geo:hasGeometry/geo:asWKT ?wkt
    FILTER NOT EXISTS { ?area mlaoi:precision mlaoi:Global }
  } }
  FILTER(geof:sfIntersects(?wkt, ?aoi))
}
LIMIT 200"""
"""The example whose rows have geometries: none of the shipped questions gives any."""


def _proven(catalog: Catalog, iri: str) -> dict[str, str]:
    """Return a pair that a chain of statements joins, the longest there is; none of what has no chain.

    A part of what was learned from may be in there, and no statement leads down to it.
    """
    try:
        rows = [row for row in catalog.lineage.exposure(iri) if "part" not in row.through]
    except (NodeNotFound, NotOfKind):
        return {}
    return {"newer": f"<{iri}>", "older": f"<{max(rows, key=lambda row: row.depth).dataset}>"} if rows else {}


def _asked_about(catalog: Catalog) -> dict[str, str]:
    """Return what the questions' parameters are in the examples, as SPARQL has it."""
    found = catalog.query(_MUCH_EXPOSED)
    assert isinstance(found, Solutions)
    rows = [row for row in found if is_iri(row["model"] or "") and is_iri(row["data"] or "")]
    rows = rows or [{"model": "urn:none", "data": "urn:none"}]
    model, other, data = (f"<{iri}>" for iri in (rows[0]["model"], rows[-1]["model"], rows[0]["data"]))
    box = '"POLYGON((-10 35,30 35,30 60,-10 60,-10 35))"^^geo:wktLiteral'
    return {
        **dict.fromkeys(("model", "start", "newer", "a"), model),
        **dict.fromkeys(("dataset", "asked", "older"), data),
        "b": other,
        "used": "mlaoi:trainedOn",
        "aoi": box,
        **_proven(catalog, rows[0]["model"] or ""),
    }


def filled(text: str, values: dict[str, str]) -> str:
    """Return a question with its parameters put in, as a query gets them from Python: they are no variables then.

    >>> filled("# Q?\\n# Parameter ?m: node\\nSELECT ?m ?d { ?m mlaoi:exposedTo ?d }", {"m": "<urn:m>"}).splitlines()[1]
    'SELECT ?d { <urn:m> mlaoi:exposedTo ?d }'
    """
    query = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    body, last, tail = query.rpartition("}")
    for name in re.findall(r"^# Parameter \?(\w+)", text, re.MULTILINE):
        variable = re.compile(rf"\s?\?{name}\b")
        body = re.sub(r"SELECT[^{]*", lambda clause, v=variable: v.sub("", clause[0]), body)  # type: ignore[misc]
        tail = variable.sub("", tail)
        if name in values:
            body = re.sub(rf"\?{name}\b", lambda _, value=values[name]: value, body)  # type: ignore[misc]
    return "\n".join([*text.splitlines()[:1], body + last + tail])


def about(context: Context, given: dict[str, str]) -> Page:
    """Where the data come from, and how sure they are."""
    values = {"counts": _counts(context), **context.once("about", _about)}
    return Page("About the data", "about.html", values, [one["node"] for one in values["documents"]])


_EDGES: Final = """SELECT (COUNT(DISTINCT ?twin) AS ?edges) (COUNT(DISTINCT ?unsure) AS ?unverified) {
  { ?twin mlaoi:stage ?a } UNION { ?twin mlaoi:derivationKind ?b } UNION { ?twin mlaoi:associationKind ?c }
  OPTIONAL { ?twin mlaoi:confidence mlaoi:Unverified BIND(?twin AS ?unsure) } }"""


_SORTS: Final = """SELECT ?sort (COUNT(DISTINCT ?twin) AS ?number) {
  { ?twin mlaoi:stage ?sort } UNION { ?twin mlaoi:derivationKind ?sort } UNION { ?twin mlaoi:associationKind ?sort }
} GROUP BY ?sort"""
_PRECISIONS: Final = (
    """SELECT ?sort (COUNT(DISTINCT ?area) AS ?number) { ?area mlaoi:precision ?sort } GROUP BY ?sort"""
)


def _about(catalog: Catalog) -> dict[str, Any]:
    answer = catalog.query(_EDGES)
    assert isinstance(answer, Solutions)
    (edges,) = answer
    documents = sorted(document.iri for document in islice(catalog.documents(), _HITS))
    return {
        "documents": [_document(catalog, iri) for iri in documents],
        "edges": int(edges["edges"] or 0),
        "sorts": _counted(catalog, _SORTS, "edge", _EDGE_OF),
        "precisions": _counted(catalog, _PRECISIONS, "precision", {iri: p.value for iri, p in PRECISION_OF.items()}),
        "unverified": int(edges["unverified"] or 0),
        "base": catalog.base,
        "split_policy": catalog.split_policy.value,
        "snapshot": catalog.snapshot,
    }


def _document(catalog: Catalog, iri: str) -> dict[str, Any]:
    """Return how much a document says, and about whom in the first place."""
    said = said_by(catalog, iri)
    first = said["families"] or said["models"] or said["datasets"]
    about = sorted((label_of(catalog, one) for one in first), key=str.casefold)
    return {"node": iri, "about": about[:_ABOUT], "others": len(about[_ABOUT:])} | {
        kind: len(some) for kind, some in said.items()
    }


def _counted(catalog: Catalog, query: str, name: str, words: dict[str, str]) -> list[dict[str, Any]]:
    """Return how many there are of each sort, in the order of ``words``."""
    answer = catalog.query(query)
    assert isinstance(answer, Solutions)
    counts = {row["sort"]: int(row["number"] or 0) for row in answer}
    return [{name: word, "number": counts[iri]} for iri, word in words.items() if counts.get(iri)]


def part_of(rows: Rows[Any], most: int = _ROWS) -> dict[str, Any]:
    """Return the beginning of an answer, with how long it is and what has to be known."""
    shown = rows.to_dicts() if len(rows) <= most else _dicts(rows, most)
    return {"title": rows.title, "rows": shown, "total": len(rows), "notes": list(rows.notes)}


def _dicts(rows: Rows[Any], most: int) -> list[dict[str, Any]]:
    return [{name: plain(getattr(row, name)) for name in rows.columns} for row in rows[:most]]
