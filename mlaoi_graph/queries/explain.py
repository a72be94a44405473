"""Why: chains of asserted edges, each with who says so."""

from __future__ import annotations

import heapq
import html
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any, Final

from mlaoi_graph.model import AssociationKind, Confidence, DataUse, Derivation, DerivationKind, QualifiedEdge, Stage
from mlaoi_graph.queries.columns import Cited
from mlaoi_graph.queries.details import ends_of, predicate_of
from mlaoi_graph.queries.graph import IS_FAMILY, PREDICATES, WORDS, Edges
from mlaoi_graph.queries.walk import THING, Found, Moves, chain, node_of, phase_of

if TYPE_CHECKING:
    import networkx
    import pandas as pd

__all__ = ["Cited", "Explanation", "Paths", "Proof", "Step"]

_WORK: Final = 5_000_000
"""Steps of unfinished chains before a search for all of them gives up, and says so: there can be exponentially many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One asserted edge, from the newer thing to the older, and who says so."""

    subject: str
    subject_label: str
    edge: str
    """Local name of the property."""
    object: str
    object_label: str
    document: str
    pointer: str | None = None
    rule: str | None = None
    """None for a part by construction and for the family of a model, which are facts of a node."""
    stage: str | None = None
    kind: str | None = None
    split: str | None = None
    confidence: str = "verified"
    evidence: tuple[Cited, ...] = ()
    note: str | None = None
    stated_at: str | None = None
    """When the document says it made its statement."""
    read_at: str | None = None
    """When the catalog first read the document with what it says now."""
    _also_in: Callable[[], tuple[str, ...]] = field(default=tuple, repr=False, compare=False)

    @property
    def also_in(self) -> tuple[str, ...]:
        """Other documents that say the same; looked up when asked for, there may be 100,000."""
        return self._also_in()

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values, for JSON."""
        found = {f.name: getattr(self, f.name) for f in fields(self) if not f.name.startswith("_")}
        return {**found, "evidence": [asdict(cited) for cited in self.evidence], "also_in": list(self.also_in)}

    def __str__(self) -> str:
        where = f"{self.document}#{self.pointer}" if self.pointer else self.document
        return f"{self.subject_label} {self.edge} {self.object_label}  ({where})"


_STEP_FIELDS: Final = (*(f.name for f in fields(Step) if not f.name.startswith("_")), "also_in")


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A chain from the node asked about to another; reading it needs nothing that was inferred."""

    start: str
    end: str
    says: str
    """``contains``, ``may contain``, ``said of a family``, ``came from``, an impact's relation, or ``no lineage``,
    which is an evaluation or a succession; ``the same thing`` where both are one."""
    steps: tuple[Step, ...]
    _draw: Callable[[networkx.MultiDiGraph[str]], None] = field(repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.steps)

    def to_dataframe(self) -> pd.DataFrame:
        """Return the steps as a pandas DataFrame."""
        import pandas as pd

        return pd.DataFrame([step.to_dict() for step in self.steps], columns=list(_STEP_FIELDS))

    def to_networkx(self) -> networkx.MultiDiGraph[str]:
        """Return the chain in the form of ``Catalog.to_networkx``."""
        return Paths(chains=(self,), complete=True, note="").to_networkx()

    def draw(self, graph: networkx.MultiDiGraph[str]) -> None:
        """Add the chain to a graph of that form."""
        self._draw(graph)

    def __str__(self) -> str:
        return "\n".join(map(str, self.steps)) or f"{self.start} is what was asked about"

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values, for JSON."""
        steps = [step.to_dict() for step in self.steps]
        return {"start": self.start, "end": self.end, "says": self.says, "steps": steps}

    def _repr_html_(self) -> str:
        items = "".join(f"<li>{html.escape(str(step))}</li>" for step in self.steps)
        return f"<p>{html.escape(self.says)}</p><ol>{items}</ol>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """All simple chains between two nodes, shortest first, as far as the bounds let.

    They are chains of lineage; where there is none, evaluations and successions; where there are none either, what
    sources say of families. ``says`` of each tells which.
    """

    chains: tuple[Explanation, ...]
    complete: bool
    """False if a bound was hit: there may be more."""
    note: str
    """Which bound, if one was hit."""

    def __len__(self) -> int:
        return len(self.chains)

    def to_dataframe(self) -> pd.DataFrame:
        """Return the steps of all chains as a pandas DataFrame; ``chain`` is the place of each, from 0."""
        import pandas as pd

        rows = [
            {"chain": number, "says": one.says, **step.to_dict()}
            for number, one in enumerate(self.chains)
            for step in one.steps
        ]
        return pd.DataFrame(rows, columns=["chain", "says", *_STEP_FIELDS])

    def to_networkx(self) -> networkx.MultiDiGraph[str]:
        """Return the edges of all chains in the form of ``Catalog.to_networkx``."""
        import networkx as nx

        graph: networkx.MultiDiGraph[str] = nx.MultiDiGraph()
        for one in self.chains:
            one.draw(graph)
        return graph

    def _repr_html_(self) -> str:
        if not self.chains and not self.note:
            return "<p>no chain of asserted edges</p>"
        note = f"<p>{html.escape(self.note)}; there may be more</p>" if self.note else ""
        return "".join(chain._repr_html_() for chain in self.chains) + note


@dataclass(frozen=True, slots=True)
class Proof:
    """How a search came to a state; costs nothing until it is looked at."""

    edges: Edges
    found: Found
    at: int
    says: str
    backwards: bool = False
    """Whether the search ran from the older end."""

    def explain(self) -> Explanation:
        steps = chain(self.found, self.at)
        start, end = node_of(_start(self.found, self.at)), node_of(self.at)
        if self.backwards:
            start, end, steps = end, start, steps[::-1]
        return explanation(self.edges, start, end, self.says, steps)

    def draw(self, graph: networkx.MultiDiGraph[str], seen: set[int]) -> None:
        """Add the chain's edges to a graph, and its nodes; states in ``seen`` are there already."""
        at = self.at
        while at >= 0 and at not in seen:
            seen.add(at)
            before, edge, *_ = self.found[at]
            draw_node(self.edges, graph, node_of(at))
            if before >= 0:
                draw_edge(self.edges, graph, edge)
            at = before


def _start(found: Found, at: int) -> int:
    while found[at][0] >= 0:
        at = found[at][0]
    return at


def explanation(edges: Edges, start: int, end: int, says: str, steps: Sequence[int]) -> Explanation:
    """Return a chain with everything known of its edges."""

    def draw(graph: networkx.MultiDiGraph[str]) -> None:
        for node in {start, end, *(edges.subject[edge] for edge in steps), *(edges.object[edge] for edge in steps)}:
            draw_node(edges, graph, node)
        for edge in steps:
            draw_edge(edges, graph, edge)

    said = tuple(step(edges, edge) for edge in steps)
    return Explanation(start=edges.iris[start], end=edges.iris[end], says=says, steps=said, _draw=draw)


def step(edges: Edges, edge: int) -> Step:
    """Return one edge with everything its statement says; the verified one if a document says it twice."""
    columns, number, word = edges.columns, edges.document[edge], WORDS[edges.code[edge]]
    subject, object_ = edges.subject[edge], edges.object[edge]
    saying = columns.saying(edge)
    said: dict[str, Any] = {}
    if saying is not None:
        cited = [columns.cited(iri) for iri in saying.evidence]
        said = {
            "pointer": saying.pointer,
            "rule": saying.rule,
            "stage": word.value if isinstance(word, Stage) else None,
            "kind": word.value if isinstance(word, DerivationKind | AssociationKind) else None,
            "split": saying.split,
            "confidence": (Confidence.UNVERIFIED if edges.unverified[edge] else Confidence.VERIFIED).value,
            "note": saying.note,
            "evidence": tuple(source for source in cited if source is not None),
        }
    return Step(
        subject=edges.iris[subject],
        subject_label=edges.label(subject),
        edge=edge_name(edges, edge),
        object=edges.iris[object_],
        object_label=edges.label(object_),
        document=edges.documents[number],
        stated_at=columns.stated[number] or None,
        read_at=columns.read[number] or None,
        _also_in=lambda: tuple(sorted(edges.documents[edges.document[e]] for e in edges.parallel(edge) if e != edge)),
        **said,
    )


def edge_name(edges: Edges, edge: int) -> str:
    """Return the local name of an edge's property."""
    return PREDICATES[edges.code[edge]].rpartition("#")[2]


def edge_word(edges: Edges, edge: int) -> str:
    """Return an edge's stage or kind, or the name of its property."""
    word = WORDS[edges.code[edge]]
    return edge_name(edges, edge) if word is None else word.value


def draw_node(edges: Edges, graph: networkx.MultiDiGraph[str], node: int) -> None:
    """Add a node to a graph with the attributes of ``Catalog.to_networkx``."""
    disclosure = edges.disclosed(node)
    graph.add_node(
        edges.iris[node],
        kind=edges.kind(node),
        label=edges.label(node),
        resolved=bool(edges.resolved[node] or edges.kinds[node] & IS_FAMILY),
        disclosure="" if disclosure is None else disclosure.value,
        license="\n".join(edges.details.licences(edges.iris[node])),
    )


def draw_edge(edges: Edges, graph: networkx.MultiDiGraph[str], edge: int) -> None:
    """Add an edge to a graph with the attributes of ``Catalog.to_networkx``, once for each of its twins."""
    newer, older, name = edges.iris[edges.subject[edge]], edges.iris[edges.object[edge]], edge_name(edges, edge)
    twins = edges.twins(edge)
    if not twins and not graph.has_edge(newer, older, name):  # one of those that many documents say
        graph.add_edge(newer, older, key=name, predicate=name, document=edges.documents[edges.document[edge]])
    for twin in twins:
        draw_twin(graph, twin)


def draw_twin(graph: networkx.MultiDiGraph[str], twin: QualifiedEdge) -> None:
    """Add the edge a statement stands for, likewise."""
    newer, older = ends_of(twin)
    split = twin.split if isinstance(twin, DataUse) else twin.source_split if isinstance(twin, Derivation) else None
    graph.add_edge(
        newer,
        older,
        key=twin.iri,
        predicate=predicate_of(twin).rpartition("#")[2],
        rule=twin.rule.value,
        document=twin.document,
        pointer=twin.pointer or "",
        confidence=twin.confidence.value,
        split=split or "",
        note=twin.note or "",
    )


def all_paths(
    edges: Edges,
    moves: Moves,
    start: int,
    is_end: Callable[[int], bool],
    says: Callable[[int, Sequence[int]], str],
    limit: int,
) -> Paths:
    """Return the simple chains from a state to any that ``is_end``, shortest first; ``says`` names state and edges.

    Simple is what passes nothing twice in the same phase: in a circle, the whole of something may also be
    what it was made from. The search is guided by how far each state is from an end, so it looks at little
    beside what it finds.
    """
    arcs, ends = _explore(edges, moves, start, is_end)
    far = _distances(arcs, ends)
    found: list[Explanation] = []
    note = ""
    work = number = 0
    heap: list[tuple[int, int, int, list[int], set[int]]] = []
    if start in far:
        heap.append((far[start], 0, start, [], {start >> 2}))
    while heap:
        whole, _, at, steps, passed = heapq.heappop(heap)
        if work > _WORK:
            note = f"stopped after {_WORK} steps of unfinished chains"
            break
        while True:
            if at in ends:
                if len(found) == limit:
                    return Paths(chains=tuple(found), complete=False, note=f"stopped at {limit} chains")
                found.append(explanation(edges, node_of(start), node_of(at), says(at, steps), steps))
            fits = [(to, edge) for to, edge in arcs[at] if to in far and to >> 2 not in passed]
            if len(fits) != 1 or len(steps) + 1 + far[fits[0][0]] > whole:
                for to, edge in fits:
                    number += 1
                    work += len(steps) + 1
                    longer = len(steps) + 1 + far[to]
                    heapq.heappush(heap, (longer, number, to, [*steps, edge], passed | {to >> 2}))
                break
            # One way on, and no detour: gone at once, so a chain of 100,000 is not copied 100,000 times.
            at = fits[0][0]
            steps.append(fits[0][1])
            passed.add(at >> 2)
    return Paths(chains=tuple(found), complete=not note, note=note)


_Arcs = dict[int, list[tuple[int, int]]]


def _explore(edges: Edges, moves: Moves, start: int, is_end: Callable[[int], bool]) -> tuple[_Arcs, set[int]]:
    """Return the moves between all states in reach, one for edges that say the same, and the ends among them."""
    arcs: _Arcs = {}
    ends: set[int] = set()
    todo = [start]
    while todo:
        at = todo.pop()
        if at in arcs:
            continue
        arcs[at] = []
        if is_end(at):
            ends.add(at)
            if phase_of(at) == THING:
                continue
        same: dict[tuple[int, int], int] = {}
        for to, edge, _ in moves(at):
            key = to, edges.code[edge]
            if key not in same or edges.unverified[same[key]] > edges.unverified[edge]:
                same[key] = edge
        for (to, _), edge in same.items():
            arcs[at].append((to, edge))
            todo.append(to)
    return arcs, ends


def _distances(arcs: _Arcs, ends: set[int]) -> dict[int, int]:
    back: dict[int, list[int]] = {}
    for at, steps in arcs.items():
        for to, _ in steps:
            back.setdefault(to, []).append(at)
    far = dict.fromkeys(ends, 0)
    todo = deque(ends)
    while todo:
        at = todo.popleft()
        for before in back.get(at, ()):
            if before not in far:
                far[before] = far[at] + 1
                todo.append(before)
    return far
