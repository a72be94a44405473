"""What stands next to a node, either way: every asserted edge at it, evaluation and succession included."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from mlaoi_graph.queries.explain import Step, edge_name, edge_word, step
from mlaoi_graph.queries.graph import EVALUATES, FAMILY, IS_FAMILY, Edges
from mlaoi_graph.queries.lineage import LineageGraph

__all__ = ["Group", "Neighbour", "neighbours"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """A node one edge away."""

    node: str
    label: str
    kind: str
    """model, family, dataset, archive or unknown."""
    resolved: bool
    confidence: str
    """verified, if any document's statement of this edge is."""
    up: int
    """Edges from it to what it came from or was measured on."""
    down: int
    """Edges to it."""
    place: int
    """Where it stands among all of its group, from 0."""
    said: Step
    """The edge, and who says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Neighbours by one sort of edge."""

    edge: str
    """Local name of the property."""
    word: str
    """Its stage or kind."""
    kind: str
    total: int
    rows: tuple[Neighbour, ...]
    """As many as were asked for, by label."""

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values, for JSON."""
        return {**_plain(self), "rows": [{**_plain(row), "said": row.said.to_dict()} for row in self.rows]}


def neighbours(
    graph: LineageGraph,
    node: str,
    *,
    up: bool,
    most: int,
    start: int = 0,
    of: tuple[str, str] | None = None,
    words: str = "",
) -> list[Group]:
    """Return the nodes one edge away, grouped by edge and kind: what a node came from (``up``), or what came of it.

    Each group has up to ``most`` rows from ``start`` on; ``of`` asks for one group, by edge and kind; ``words`` for
    those whose label or IRI has them all, whatever the case. Raises NodeNotFound.
    """
    edges = graph._edges
    asked = edges.at(node)
    if up:
        met = [(edges.object[edge], edge) for edge in edges.out[asked]]
    else:
        near = (*edges.into[asked], *edges.parts[asked], *edges.members[asked])
        met = [(edges.subject[edge], edge) for edge in near]
    wanted = words.casefold().split()
    groups: dict[tuple[int, str], dict[int, int]] = {}
    for other, edge in met:
        # Documents that say the same are one edge, and a verified one speaks for them.
        same = groups.setdefault((edges.code[edge], edges.kind(other)), {})
        if other not in same or edges.unverified[same[other]] > edges.unverified[edge]:
            same[other] = edge
    found: list[Group] = []
    for (code, kind), same in sorted(groups.items(), key=lambda item: (item[0][0] in EVALUATES, item[0])):
        any_edge = next(iter(same.values()))
        name = edge_name(edges, any_edge)
        if of is not None and of != (name, kind):
            continue
        order = list(enumerate(sorted(same, key=edges.order)))
        if wanted:
            order = [(place, other) for place, other in order if _goes_by(edges, other, wanted)]
        found.append(
            Group(
                edge=name,
                word="family" if code == FAMILY else edge_word(edges, any_edge),
                kind=kind,
                total=len(order),
                rows=tuple(_row(edges, place, other, same[other]) for place, other in order[start : start + most]),
            )
        )
    return found


def _goes_by(edges: Edges, other: int, words: list[str]) -> bool:
    text = f"{edges.label(other)} {edges.iris[other]}".casefold()
    return all(word in text for word in words)


def _row(edges: Edges, place: int, other: int, edge: int) -> Neighbour:
    down = len(edges.into[other]) + len(edges.parts[other]) + len(edges.members[other])
    return Neighbour(
        node=edges.iris[other],
        label=edges.label(other),
        kind=edges.kind(other),
        resolved=bool(edges.resolved[other]) or edges.kinds[other] & IS_FAMILY != 0,
        confidence="unverified" if edges.unverified[edge] else "verified",
        up=len(edges.out[other]),
        down=down,
        place=place,
        said=step(edges, edge),
    )


def _plain(value: Group | Neighbour) -> dict[str, Any]:
    return {field.name: getattr(value, field.name) for field in fields(value)}
