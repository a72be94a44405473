"""What a model learned from, what came from it, who says so, and what is not known.

Depth is hops from the node asked about over asserted edges, everywhere; an edge from a part to its whole is a hop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final, Unpack

import numpy as np

from mlaoi_graph.errors import NotOfKind
from mlaoi_graph.plural import many
from mlaoi_graph.queries import reading, walk
from mlaoi_graph.queries.bulk import (
    LIMIT,
    Flood,
    Ints,
    OneBeyond,
    Tables,
    exposures,
    flood_newer,
    flood_taught,
    heirs,
    reach,
)
from mlaoi_graph.queries.columns import Columns
from mlaoi_graph.queries.details import NetworkxDetails, StoreDetails
from mlaoi_graph.queries.explain import Explanation, Paths, Proof, all_paths, edge_name, edge_word, explanation
from mlaoi_graph.queries.filters import Filters, Notes, allowed, codes_of, evaluations_of, plain_codes_of
from mlaoi_graph.queries.graph import (
    FROM_MODEL,
    IS_ARCHIVE,
    IS_DATASET,
    IS_FAMILY,
    IS_MODEL,
    IS_UNKNOWN,
    LINEAGE,
    PART,
    SUCCEEDS,
    TEACHES,
    Edges,
)
from mlaoi_graph.queries.results import (
    CommonRow,
    DifferenceRow,
    ExposedRow,
    ExposureRow,
    FamilyRow,
    ImpactRow,
    LicenceRow,
    NodeRow,
    Rows,
    UnknownRow,
    Verdict,
)
from mlaoi_graph.queries.verdict import Exposed, Gap, Knowledge, reason_for
from mlaoi_graph.queries.walk import (
    A_FAMILY,
    A_PART,
    ANCESTOR,
    ASKED,
    DATA,
    OF_FAMILY,
    SIDE,
    SOURCE,
    THING,
    UNVERIFIED,
    WHOLE,
    Allow,
    Found,
    node_of,
    phase_of,
    search,
    search_within,
    start_of,
    state,
    strength_of,
    strongest,
)
from mlaoi_graph.stores import Store

if TYPE_CHECKING:
    import networkx

__all__ = ["LineageGraph", "NotOfKind"]

_HOLDS: Final = ("contains", "may contain", "said of a family")
_CAME: Final = ("came from", "may have come from", "said of a family")
_NO_LINEAGE: Final = ("no lineage",) * 3
_MEMBERS: Final = 10
"""Of a family's members, how many a note names."""


class LineageGraph:
    """The asserted lineage of one state of a catalog, in memory.

    Nodes are named by IRI, or by whatever ``find`` understands. Made once, it answers many questions; a catalog that
    has changed needs a new one. What statements say of edges is in memory too. Licences, footprints and, for filters,
    statements beside the one an edge is known by are read from the store when asked for, so that has to be open still.
    Unknown names raise NodeNotFound.
    """

    def __init__(self, edges: Edges) -> None:
        self._edges = edges

    @classmethod
    def from_store(
        cls, store: Store, *, find: Callable[[str], str] | None = None, columns: Columns | None = None
    ) -> LineageGraph:
        """Return the lineage of what a store's documents assert; ``find`` turns a name into an IRI.

        ``columns`` are the same edges, where they have been read before.
        """
        return cls(Edges(columns or reading.from_store(store), StoreDetails(store), find))

    @classmethod
    def from_networkx(cls, graph: networkx.DiGraph[str]) -> LineageGraph:
        """Return the lineage in a graph of the form ``Catalog.to_networkx`` gives; edges need a ``predicate`` only.

        Evidence, footprints and dates are not in such a graph, and nodes go by their IRIs. Raises BadGraph, which
        names the node or edge, for one without directions, and for a word where another is wanted.
        """
        directed = reading.multidigraph(graph)
        return cls(Edges(reading.from_networkx(directed), NetworkxDetails(directed)))

    def __repr__(self) -> str:
        return f"<LineageGraph: {len(self._edges.iris)} nodes, {len(self._edges.code)} edges>"

    def exposures(self) -> tuple[Ints, Ints]:
        """Return everything anything is exposed to: pairs of numbers of nodes, in order."""
        return exposures(self._tables)

    def heirs(self, nodes: Ints) -> Ints:
        """Return numbers of nodes and of all that was made from these models, at any depth, in order."""
        return heirs(self._tables, nodes)

    def label(self, node: str) -> str:
        """Return a node's label, or the end of its IRI."""
        return self._edges.label(self._edges.at(node))

    # -- walking ----------------------------------------------------------------------------------------------

    def upstream(self, node: str, depth: int | None = None, **only: Unpack[Filters]) -> Rows[NodeRow]:
        """Return everything a node came from: datasets and models, what those came from, and wholes they are part of.

        Evaluation is no lineage and is followed only where ``stages`` names it.
        """
        return self._walk("upstream", node, False, plain_codes_of(only), depth, only)

    def downstream(self, node: str, depth: int | None = None, **only: Unpack[Filters]) -> Rows[NodeRow]:
        """Return everything that came from a node: :meth:`upstream` the other way round.

        Who learned from a whole is not downstream of its part; see :meth:`exposed_models` and :meth:`impact`.
        """
        return self._walk("downstream", node, True, plain_codes_of(only), depth, only)

    def ancestors(self, model: str, depth: int | None = None, **only: Unpack[Filters]) -> Rows[NodeRow]:
        """Return the models a model was made from, at any depth; families where a source names no size."""
        self._asked(model, IS_MODEL | IS_FAMILY, "model")
        return self._walk("ancestors", model, False, codes_of(only) & FROM_MODEL, depth, only)

    def descendants(self, model: str, depth: int | None = None, **only: Unpack[Filters]) -> Rows[NodeRow]:
        """Return the models that were made from a model, at any depth."""
        self._asked(model, IS_MODEL | IS_FAMILY, "model")
        return self._walk("descendants", model, True, codes_of(only) & FROM_MODEL, depth, only)

    def _walk(
        self,
        title: str,
        name: str,
        backwards: bool,
        codes: frozenset[int],
        depth: int | None,
        only: Filters,
    ) -> Rows[NodeRow]:
        node = self._edges.at(name)
        allow, notes = self._allow(only)
        start = start_of(self._edges, node)
        if backwards:
            found = self._newer(node, codes, allow, depth)
        else:
            found = search([start], walk.older(self._edges, codes, allow), self._edges, depth)
        return self._node_rows(f"{title} of {self._edges.label(node)}", found, node, backwards, notes)

    @cached_property
    def _tables(self) -> Tables:
        return Tables(self._edges)

    def _newer(
        self,
        node: int,
        codes: frozenset[int],
        allow: Allow = None,
        depth: int | None = None,
        *,
        inside: bool = False,
    ) -> Found:
        """Return what came from a node, by whichever of the two ways suits how much that is."""
        start = start_of(self._edges, node)
        moves = walk.newer(self._edges, codes, allow, inside=inside)
        found = search_within([start], moves, self._edges, depth, None if allow else LIMIT)
        return flood_newer(self._tables, start, codes, depth, inside=inside) if found is None else found

    def _taught(self, node: int, codes: frozenset[int], allow: Allow = None, depth: int | None = None) -> Found:
        """Return the models exposed to a dataset or its parts, likewise."""
        start = state(node, ASKED)
        moves = walk.taught(self._edges, codes, allow)
        found = search_within([start], moves, self._edges, depth, None if allow else LIMIT)
        if found is not None:
            return found
        data = search([start], walk.taught(self._edges, codes - TEACHES, allow), self._edges, depth)
        return flood_taught(self._tables, data, codes, depth)

    def _node_rows(self, title: str, found: Found, asked: int, backwards: bool, notes: Notes) -> Rows[NodeRow]:
        edges = self._edges

        def make(at: int) -> NodeRow:
            before, edge, marks, hops, _ = found[at]
            node = node_of(at)
            return NodeRow(
                node=edges.iris[node],
                label=edges.label(node),
                kind=edges.kind(node),
                depth=hops,
                edge=edge_name(edges, edge),
                nearer=edges.iris[node_of(before)],
                confidence=_confidence(marks),
                resolved=bool(edges.resolved[node] or edges.kinds[node] & IS_FAMILY),
                _proof=Proof(
                    edges, found, at, "said of a family" if strength_of(at) == OF_FAMILY else "came from", backwards
                ),
            )

        sure, loose = self._things(found, asked)
        family_level = Rows(f"{title}: said of families only", NodeRow, loose, make)
        said = self._family_notes(asked) + notes(sure or loose)
        return Rows(title, NodeRow, sure, make, notes=said, family_level=family_level)

    def _things(self, found: Found, asked: int = -1) -> tuple[list[int], list[int]]:
        """Return the THING states a search has met, without the node asked about, split and in order."""
        if not isinstance(found, Flood):
            return self._split(found, [at for node, at in strongest(found, THING).items() if node != asked])
        states, hops = found.things()
        order = np.lexsort((self._tables.rank[states >> 5], hops))
        states = states[order][(states >> 5 != asked)[order]]
        loose = states & 3 == OF_FAMILY
        return states[~loose].tolist(), states[loose].tolist()

    def _split(self, found: Found, states: Iterable[int]) -> tuple[list[int], list[int]]:
        """Return states in the order of rows, those that are said of families only apart."""
        sure: list[int] = []
        loose: list[int] = []
        for at in states:
            (loose if strength_of(at) == OF_FAMILY else sure).append(at)
        order = self._edges.order

        def key(at: int) -> tuple[int, int]:
            return found[at][3], order(node_of(at))

        return sorted(sure, key=key), sorted(loose, key=key)

    # -- exposure ---------------------------------------------------------------------------------------------

    def exposure(self, model: str, depth: int | None = None, **only: Unpack[Filters]) -> Rows[ExposureRow]:
        """Return the datasets a model learned from: its own, its ancestors', what those were made from, their parts.

        The rows are those of the inferred ``mlaoi:exposedTo``. What is not known is no row: see :meth:`unknowns`.
        """
        node = self._asked(model, IS_MODEL | IS_FAMILY, "model")
        allow, notes = self._allow(only)
        found = self._learned(node, depth, codes_of(only), allow)
        title = f"exposure of {self._edges.label(node)}"
        sure, loose = self._split(found, strongest(found, DATA).values())

        def make(at: int) -> ExposureRow:
            return self._exposure_row(found, at)

        family_level = Rows(f"{title}: said of families only", ExposureRow, loose, make)
        said = self._family_notes(node) + notes(sure or loose)
        return Rows(title, ExposureRow, sure, make, notes=said, family_level=family_level)

    def _learned(
        self, node: int, depth: int | None = None, codes: frozenset[int] = LINEAGE, allow: Allow = None
    ) -> Found:
        return search([start_of(self._edges, node)], walk.learned(self._edges, codes, allow), self._edges, depth)

    def _exposure_row(self, found: Found, at: int) -> ExposureRow:
        edges = self._edges
        _, _, marks, hops, use = found[at]
        node = node_of(at)
        return ExposureRow(
            dataset=edges.iris[node],
            label=edges.label(node),
            holds=_HOLDS[strength_of(at)],
            depth=hops,
            through=_through(marks),
            stage=edge_word(edges, use),
            model=edges.iris[edges.subject[use]],
            used=edges.iris[edges.object[use]],
            archive=edges.kinds[node] & IS_ARCHIVE != 0,
            confidence=_confidence(marks),
            resolved=bool(edges.resolved[node]),
            _proof=Proof(edges, found, at, _HOLDS[strength_of(at)]),
        )

    def exposed_models(self, dataset: str, depth: int | None = None, **only: Unpack[Filters]) -> Rows[ExposedRow]:
        """Return the models exposed to a dataset or to any part of it: :meth:`exposure` asked from the other end."""
        node = self._asked(dataset, IS_DATASET, "dataset")
        allow, notes = self._allow(only)
        found = self._taught(node, codes_of(only), allow, depth)
        title = f"models exposed to {self._edges.label(node)}"
        sure, loose = self._things(found)

        parts: dict[int, int] = {}

        def make(at: int) -> ExposedRow:
            return self._exposed_row(found, at, parts)

        family_level = Rows(f"{title}: said of families only", ExposedRow, loose, make)
        return Rows(title, ExposedRow, sure, make, notes=notes(sure or loose), family_level=family_level)

    def _exposed_row(self, found: Found, at: int, parts: dict[int, int]) -> ExposedRow:
        edges = self._edges
        _, _, marks, hops, use = found[at]
        node = node_of(at)
        part = _last_asked(found, at, parts)
        return ExposedRow(
            model=edges.iris[node],
            label=edges.label(node),
            kind=edges.kind(node),
            holds=_HOLDS[strength_of(at)],
            depth=hops,
            through=_through(marks),
            stage=edge_word(edges, use),
            part=edges.iris[node_of(part)] if found[part][0] >= 0 else None,
            confidence=_confidence(marks),
            resolved=bool(edges.resolved[node] or edges.kinds[node] & IS_FAMILY),
            _proof=Proof(edges, found, at, _HOLDS[strength_of(at)], backwards=True),
        )

    def is_exposed(self, model: str, dataset: str) -> Exposed:
        """Return whether a model learned from a dataset, with the reason: yes, may contain, no, or unknown.

        No needs a complete disclosure by the model and every ancestor, nothing unresolved and no archive on either
        side, footprints on both, and a dataset that nothing relates to what was learned from. The rule is a table in
        ``docs/lineage.md``. It takes no filters: no is about everything that is asserted. Raises NotOfKind.
        """
        node = self._asked(model, IS_MODEL | IS_FAMILY, "model")
        asked = self._asked(dataset, IS_DATASET, "dataset")
        return self._judge(Knowledge(self._edges, node, self._learned(node)), asked)

    def _judge(self, known: Knowledge, asked: int) -> Exposed:
        edges = self._edges
        at = known.state_of(asked)
        row = None
        missing: list[UnknownRow] = []
        if at is not None:
            verdict, reason = reason_for(edges, known.found, at, asked)
            row = self._exposure_row(known.found, at)
        else:
            loose = known.of_family_only(asked)
            missing = [self._unknown(known.found, gap) for gap in known.gaps_about(asked)]
            verdict = Verdict.UNKNOWN
            if loose is not None:
                row = self._exposure_row(known.found, loose)
                reason = "the source names the family only: no fact about this model"
            elif missing:
                first = missing[0]
                is_asked = first.node in (edges.iris[asked], edges.iris[known.model])
                reason = first.reason if is_asked else f"{first.label}: {first.reason}"
                reason += f"; and {len(missing) - 1} more things are not known" if len(missing) > 1 else ""
            else:
                verdict = Verdict.NO
                reason = "all that was learned from is disclosed, and nothing of it relates to this dataset"
        return Exposed(
            model=edges.iris[known.model],
            dataset=edges.iris[asked],
            verdict=verdict,
            reason=reason,
            row=row,
            missing=tuple(missing),
            checked=f"{many(len(known.models) - 1, 'ancestor')}, {many(len(known.data), 'dataset')} learned from",
        )

    def common_exposure(self, a: str, b: str, **only: Unpack[Filters]) -> Rows[CommonRow]:
        """Return the datasets both models learned from, of which one may have learned from a part only.

        Not to find any does not mean there are none.
        """
        (first, second), notes = self._pair(a, b, only)
        edges = self._edges
        both: dict[int, tuple[int, int]] = {}
        for node in first.data | second.data:
            one, two = first.state_of(node), second.state_of(node)
            if one is not None and two is not None:
                both[node] = first.data.get(node, one), second.data.get(node, two)

        def key(node: int) -> tuple[int, int]:
            one, two = both[node]
            return max(first.hops(one), second.hops(two)), edges.order(node)

        def part(node: int, at: int) -> str | None:
            return None if node_of(at) == node else edges.iris[node_of(at)]

        def make(node: int) -> CommonRow:
            one, two = both[node]
            marks = first.found[one][2] | second.found[two][2]
            return CommonRow(
                dataset=edges.iris[node],
                label=edges.label(node),
                archive=edges.kinds[node] & IS_ARCHIVE != 0,
                depth_a=first.hops(one),
                depth_b=second.hops(two),
                holds_a=_HOLDS[strength_of(one)],
                holds_b=_HOLDS[strength_of(two)],
                part_a=part(node, one),
                part_b=part(node, two),
                confidence=_confidence(marks),
                _proof=Proof(edges, first.found, one, _HOLDS[strength_of(one)]),
                _other=Proof(edges, second.found, two, _HOLDS[strength_of(two)]),
            )

        title = f"learned from by both {edges.label(first.model)} and {edges.label(second.model)}"
        return Rows(title, CommonRow, sorted(both, key=key), make, notes=notes(both))

    def differences(self, a: str, b: str, **only: Unpack[Filters]) -> Rows[DifferenceRow]:
        """Return the datasets one of two models learned from and the other is not known to have, each with why.

        What is known of the other is judged by all edges, as :meth:`is_exposed` does: with filters it may be yes.
        """
        (first, second), notes = self._pair(a, b, only)
        judged_by = {known.model: self.knowledge(known.model) if only else known for known in (first, second)}
        edges = self._edges
        pairs = [(node, True) for node in first.data if second.state_of(node) is None]
        pairs += [(node, False) for node in second.data if first.state_of(node) is None]

        def key(pair: tuple[int, bool]) -> tuple[bool, int, int]:
            node, is_first = pair
            known = first if is_first else second
            return not is_first, known.hops(known.data[node]), edges.order(node)

        def make(pair: tuple[int, bool]) -> DifferenceRow:
            node, is_first = pair
            known, other = (first, second) if is_first else (second, first)
            at = known.data[node]
            judged = self._judge(judged_by[other.model], node)
            return DifferenceRow(
                dataset=edges.iris[node],
                label=edges.label(node),
                only=edges.iris[known.model],
                depth=known.hops(at),
                holds=_HOLDS[strength_of(at)],
                archive=edges.kinds[node] & IS_ARCHIVE != 0,
                confidence=_confidence(known.found[at][2]),
                other=judged.verdict,
                reason=judged.reason,
                _proof=Proof(edges, known.found, at, _HOLDS[strength_of(at)]),
            )

        title = f"what sets {edges.label(first.model)} and {edges.label(second.model)} apart"
        return Rows(title, DifferenceRow, sorted(pairs, key=key), make, notes=notes(pairs))

    @property
    def edges(self) -> Edges:
        """Nodes and edges as numbers, for other questions of this package."""
        return self._edges

    def knowledge(self, node: int) -> Knowledge:
        """Return what is known of all a model learned from, by its number."""
        return Knowledge(self._edges, node, self._learned(node))

    def _known(self, name: str) -> Knowledge:
        return self.knowledge(self._asked(name, IS_MODEL | IS_FAMILY, "model"))

    def _pair(self, a: str, b: str, only: Filters) -> tuple[tuple[Knowledge, Knowledge], Notes]:
        """Return what two models learned from by the edges that count, and what there is to note."""
        allow, notes = self._allow(only)
        whole = self._known(a), self._known(b)
        first, second = (
            Knowledge(self._edges, k.model, self._learned(k.model, None, codes_of(only), allow), allow) if only else k
            for k in whole
        )

        def said(something: object) -> list[str]:
            label = self._edges.label
            found = [note for k in whole for note in self._family_notes(k.model)] + notes(something)
            gaps = ((label(k.model), len(k.gaps)) for k in whole)
            return found + [f"{name}: {many} things are not known: see unknowns" for name, many in gaps if many]

        return (first, second), said

    def _family_notes(self, node: int) -> list[str]:
        """Return what has to be known of an answer about a family: it is not about the models in it."""
        edges = self._edges
        if not edges.kinds[node] & IS_FAMILY:
            return []
        members = sorted({edges.subject[edge] for edge in edges.members[node]}, key=edges.order)
        names = ", ".join(edges.label(member) for member in members[:_MEMBERS])
        names += f" and {len(members) - _MEMBERS} more" if len(members) > _MEMBERS else ""
        said = f"{edges.label(node)} is a family: here is what is said of it and of no member."
        return [f"{said} Ask about a member: {names}" if members else f"{said} It has no members"]

    # -- consequences -----------------------------------------------------------------------------------------

    def impact(self, node: str, **only: Unpack[Filters]) -> Rows[ImpactRow]:
        """Return what a change of a dataset or model touches: were it retracted, wrong or relicensed.

        That is who learned from it, what descends from it or was made with it, wholes that have a part that is or was
        and what may have been made of that part, and what was measured on any of these. ``relation`` says which; each
        node comes once, with the first that holds.
        """
        edges, rank = self._edges, self._tables.rank
        asked = edges.at(node)
        codes = codes_of(only)
        allow, notes = self._allow(only)
        made = self._newer(asked, codes, allow, inside=True)
        groups: list[_Group] = []
        if edges.kinds[asked] & IS_DATASET:
            taught = self._taught(asked, codes, allow)
            groups.append(_Group(taught, *reach(taught), _said_learned))
        if edges.kinds[asked] & (IS_MODEL | IS_FAMILY) or not groups:
            born = self._newer(asked, codes & FROM_MODEL, allow)
            groups.append(_Group(born, *reach(born), _said_descends))
        groups.append(_Group(made, *reach(made, wholes=True), _said_made))
        groups.append(self._measured(made, groups[-1], evaluations_of(only), allow))
        # Each node once: as a fact before as what a source may have meant, then by the first group that has it.
        states = np.concatenate([group.states for group in groups])
        hops = np.concatenate([group.hops for group in groups])
        origin = np.repeat(np.arange(len(groups)), [len(group.states) for group in groups])
        nodes, loose = states >> 5, states & 3 == OF_FAMILY
        order = np.lexsort((origin, loose, nodes))
        once = order[np.concatenate(([True], nodes[order][1:] != nodes[order][:-1]))] if len(order) else order
        once = once[nodes[once] != asked]
        once = once[np.lexsort((rank[nodes[once]], hops[once]))]

        def make(key: tuple[int, int]) -> ImpactRow:
            group, at = groups[key[0]], key[1]
            _, _, marks, hops, _ = group.found[at]
            met = node_of(at)
            relation = group.said(edges, group.found, at)
            return ImpactRow(
                node=edges.iris[met],
                label=edges.label(met),
                kind=edges.kind(met),
                relation=relation,
                depth=hops,
                confidence=_confidence(marks),
                _proof=Proof(edges, group.found, at, relation, backwards=True),
            )

        def keys(chosen: Ints) -> list[tuple[int, int]]:
            return list(zip(origin[chosen].tolist(), states[chosen].tolist(), strict=True))

        title = f"impact of {edges.label(asked)}"
        extra = Rows(f"{title}: said of families only", ImpactRow, keys(once[loose[once]]), make)
        told = self._family_notes(asked) + notes(once.size)
        return Rows(title, ImpactRow, keys(once[~loose[once]]), make, notes=told, family_level=extra)

    def _measured(self, made: Found, group: _Group, codes: frozenset[int], allow: Allow) -> _Group:
        """Return the models measured on a dataset, a part of it or something made from it, one hop beyond."""
        tables = self._tables
        data = (group.states & 3 != OF_FAMILY) & (tables.kinds[group.states >> 5] & IS_DATASET != 0)
        place, edge = tables.into(codes).at(group.states[data] >> 5)
        if allow is not None:
            kept = np.fromiter(map(allow, edge.tolist()), dtype=edge.dtype, count=len(edge))
            place, edge = place[kept >= 0], kept[kept >= 0]
        before, hops = group.states[data][place], group.hops[data][place] + 1
        models = tables.subject[edge]
        order = np.lexsort((tables.unverified[edge], hops, before & 3, models))
        once = order[np.concatenate(([True], models[order][1:] != models[order][:-1]))] if len(order) else order
        found = OneBeyond(made, models[once], before[once], edge[once], hops[once], tables.unverified)
        return _Group(found, found.states, hops[once], _said_measured)

    def licences(self, model: str, **only: Unpack[Filters]) -> Rows[LicenceRow]:
        """Return the licences stated along a model's lineage, its own first, and where none is stated.

        Of everything upstream: ancestors, components, datasets, archives, the models that made their labels.
        """
        edges = self._edges
        asked = edges.at(model)
        allow, filtered = self._allow(only)
        found = search([start_of(self._edges, asked)], walk.older(edges, codes_of(only), allow), edges)
        sure, loose = self._split(found, strongest(found, THING, SIDE).values())
        loose = [at for at in loose if phase_of(at) == THING]

        def keys(states: Iterable[int]) -> Iterator[tuple[int, str | None]]:
            for at in states:
                node = node_of(at)
                stated = edges.details.licences(edges.iris[node])
                if stated:
                    yield from ((at, text) for text in stated)
                elif not edges.is_part(node, allow) and not edges.kinds[node] & IS_FAMILY:
                    yield at, None  # a split has its whole's, which is upstream as well

        def make(key: tuple[int, str | None]) -> LicenceRow:
            at, text = key
            return LicenceRow(
                node=edges.iris[node_of(at)],
                label=edges.label(node_of(at)),
                kind=edges.kind(node_of(at)),
                license=text,
                depth=found[at][3],
                confidence=_confidence(found[at][2]),
                _proof=Proof(edges, found, at, "came from"),
            )

        title = f"licences along the lineage of {edges.label(asked)}"
        rows = list(keys(sure))
        silent = sum(text is None for _, text in rows)
        notes = self._family_notes(asked) + filtered(len(found) > 1)
        notes += [f"{silent} of these have no licence stated by any source"] if silent else []
        extra = Rows(f"{title}: said of families only", LicenceRow, list(keys(loose)), make)
        return Rows(title, LicenceRow, rows, make, notes=notes, family_level=extra)

    def unknowns(self, model: str) -> Rows[UnknownRow]:
        """Return what is not known about what a model learned from; ``what`` is a slug of ``docs/lineage.md``.

        It takes no filters: an edge that is left out is no gap in what is known.
        """
        known = self._known(model)
        edges = self._edges
        gaps = {*known.gaps, *known.places}
        for node, at in known.data.items():
            edge = known.found[at][1]
            if edges.code[edge] in TEACHES and any(edges.code[e] == PART for e in edges.parts[node]):
                gaps.add(Gap("split-not-stated", node, "it has splits, and the use names none", at))
        facts = {at: reached for at, reached in known.found.items() if strength_of(at) != OF_FAMILY}
        best = strongest(facts, THING, SIDE, DATA)
        for edge in sorted({edge for _, edge, *_ in facts.values() if edge >= 0 and edges.unverified[edge]}):
            newer, older = edges.subject[edge], edges.object[edge]
            at = best.get(newer, best.get(older, next(iter(known.found))))
            reason = f"{edge_name(edges, edge)} {edges.label(older)} is unverified"
            gaps.add(Gap("unverified", newer, reason, at))

        def key(gap: Gap) -> tuple[int, int, str, str]:
            return known.hops(gap.at), edges.order(gap.node), gap.what, gap.reason

        def make(gap: Gap) -> UnknownRow:
            return self._unknown(known.found, gap)

        title = f"not known about {edges.label(known.model)}"
        return Rows(title, UnknownRow, sorted(gaps, key=key), make, notes=self._family_notes(known.model))

    def _unknown(self, found: Found, gap: Gap) -> UnknownRow:
        edges = self._edges
        at = gap.at if gap.at >= 0 else next(iter(found))
        return UnknownRow(
            what=gap.what,
            node=edges.iris[gap.node],
            label=edges.label(gap.node),
            reason=gap.reason,
            depth=found[at][3],
            _proof=Proof(edges, found, at, "came from"),
        )

    # -- the whole catalog ------------------------------------------------------------------------------------

    def roots(self, **only: Unpack[Filters]) -> Rows[NodeRow]:
        """Return the models that others were made from and that were made from no other themselves, as far as known."""
        edges, codes = self._edges, codes_of(only) & FROM_MODEL
        allow, notes = self._allow(only)
        found: list[int] = []
        for node, bits in enumerate(edges.kinds):
            if bits & (IS_MODEL | IS_FAMILY):
                made_from, made_of_it = (
                    any(edges.code[e] in codes and (allow is None or allow(e) >= 0) for e in side[node])
                    for side in (edges.out, edges.into)
                )
                if made_of_it and not made_from:
                    found.append(node)

        def make(node: int) -> NodeRow:
            start = state(node)
            return NodeRow(
                node=edges.iris[node],
                label=edges.label(node),
                kind=edges.kind(node),
                depth=0,
                edge=None,
                nearer=None,
                confidence="verified",
                resolved=bool(edges.resolved[node] or edges.kinds[node] & IS_FAMILY),
                _proof=Proof(edges, {start: (-1, -1, 0, 0, -1)}, start, "came from"),
            )

        return Rows("roots", NodeRow, sorted(found, key=edges.order), make, notes=tuple(notes(found)))

    def families(self) -> Rows[FamilyRow]:
        """Return the families and their members: facts of nodes, so it takes no filters."""
        edges = self._edges
        found = sorted((n for n, bits in enumerate(edges.kinds) if bits & IS_FAMILY), key=edges.order)

        def make(node: int) -> FamilyRow:
            members = sorted(edges.members[node], key=lambda edge: edges.order(edges.subject[edge]))
            return FamilyRow(
                family=edges.iris[node],
                label=edges.label(node),
                models=tuple(edges.iris[edges.subject[edge]] for edge in members),
                _explain=lambda: explanation(edges, node, node, "has these members", members),
            )

        return Rows("families", FamilyRow, found, make)

    # -- why --------------------------------------------------------------------------------------------------

    def explain(self, start: str, end: str, **only: Unpack[Filters]) -> Explanation | None:
        """Return the shortest chain of asserted edges from one node to what it came from; None if there is none.

        For a model and a dataset it is the chain of exposure. Where there is no lineage, an evaluation or a succession
        is shown, and ``says`` is ``no lineage``; where a source names a family only, ``said of a family``.
        """
        edges = self._edges
        newer, older = edges.at(start), edges.at(end)
        allow, _ = self._allow(only)
        if newer == older:
            return self._itself(newer)
        inside = walk.older(edges, codes_of(only), allow, inside=True)
        ways: list[tuple[walk.Moves, tuple[int, ...], tuple[str, ...]]] = [
            (walk.older(edges, codes_of(only), allow), (THING,), _CAME),
            (inside, (THING, WHOLE), _CAME),
            (self._no_lineage(only, allow), (THING,), _NO_LINEAGE),
        ]
        if self._may_learn(newer, older):
            ways.insert(0, (walk.learned(edges, codes_of(only), allow), (DATA,), _HOLDS))
        for moves, phases, says in ways:
            found = search([start_of(edges, newer)], moves, edges)
            at = strongest(found, *phases).get(older)
            if at is not None and strength_of(at) != OF_FAMILY:
                return Proof(edges, found, at, says[strength_of(at)]).explain()
        found = search([start_of(edges, newer)], inside, edges)
        at = strongest(found, THING, WHOLE, SIDE).get(older)
        return None if at is None else Proof(edges, found, at, _CAME[OF_FAMILY]).explain()

    def paths(self, start: str, end: str, limit: int = 100, **only: Unpack[Filters]) -> Paths:
        """Return all simple chains between two nodes, shortest first; it says so if a bound cut them.

        The chain of :meth:`explain` is among them.
        """
        edges = self._edges
        newer, older = edges.at(start), edges.at(end)
        allow, _ = self._allow(only)
        if newer == older:
            return Paths(chains=(self._itself(newer),), complete=True, note="")
        # What is learned is learned along some of the ways something comes from, and so is what it is called.
        inside = walk.older(edges, codes_of(only), allow, inside=True)
        learned = walk.learned(edges, codes_of(only), allow) if self._may_learn(newer, older) else None

        def what_it_says(at: int, steps: Sequence[int]) -> str:
            end = None if learned is None else _follow(learned, start_of(edges, newer), steps)
            return _CAME[strength_of(at)] if end is None or phase_of(end) != DATA else _HOLDS[strength_of(end)]

        found = Paths(chains=(), complete=True, note="")
        for moves, says in (
            (_facts(inside), what_it_says),
            (_facts(self._no_lineage(only, allow)), lambda at, _: _NO_LINEAGE[strength_of(at)]),
            (inside, what_it_says),
        ):
            found = all_paths(edges, moves, start_of(edges, newer), lambda at: node_of(at) == older, says, limit)
            if found.chains or not found.complete:
                break
        return found

    def _itself(self, node: int) -> Explanation:
        return explanation(self._edges, node, node, "the same thing", ())

    def _may_learn(self, newer: int, older: int) -> bool:
        kinds = self._edges.kinds
        return kinds[older] & IS_DATASET != 0 and kinds[newer] & (IS_MODEL | IS_FAMILY) != 0

    def _no_lineage(self, only: Filters, allow: Allow) -> walk.Moves:
        return walk.older(self._edges, codes_of(only) | evaluations_of(only) | {SUCCEEDS}, allow)

    # -- filters ----------------------------------------------------------------------------------------------

    def _asked(self, name: str, bits: int, wanted: str) -> int:
        node = self._edges.at(name)
        kinds = self._edges.kinds[node]
        # Of a node without a class nobody knows what it is, and its edges are asked all the same.
        if kinds and not kinds & bits and not kinds & IS_UNKNOWN:
            raise NotOfKind(self._edges.iris[node], self._edges.kind(node), wanted)
        return node

    def _allow(self, only: Filters) -> tuple[Allow, Notes]:
        return allowed(self._edges, only)


@dataclass(frozen=True, slots=True)
class _Group:
    """Nodes an impact reaches one way."""

    found: Found
    states: Ints
    hops: Ints
    said: Callable[[Edges, Found, int], str]
    """What the relation is called, of a state."""


def _said_learned(_: Edges, __: Found, at: int) -> str:
    return ("learned from it", "may have learned from it", "may be touched")[strength_of(at)]


def _said_descends(_: Edges, __: Found, at: int) -> str:
    return "may be touched" if strength_of(at) == OF_FAMILY else "descends from it"


def _said_made(edges: Edges, found: Found, at: int) -> str:
    if strength_of(at) == OF_FAMILY:
        return "may be touched"
    if phase_of(at) == WHOLE:
        while phase_of(at) == WHOLE:
            at = found[at][0]
        if found[at][0] < 0:
            return "contains it"
        return ("contains", "may contain")[strength_of(at)] + " what was made from it"
    return ("made ", "may have been made ")[strength_of(at)] + (
        "from it" if edges.kinds[node_of(at)] & IS_DATASET else "with it"
    )


def _said_measured(_: Edges, __: Found, at: int) -> str:
    return ("measured on it", "may have been measured on it")[strength_of(at)]


def _facts(moves: walk.Moves) -> walk.Moves:
    """Return the moves without what is said of families only."""
    return lambda at: [move for move in moves(at) if strength_of(move[0]) != OF_FAMILY]


def _follow(moves: walk.Moves, at: int, steps: Sequence[int]) -> int | None:
    """Return the state some edges lead to; None if the moves do not go along them."""
    for step in steps:
        after = next((to for to, edge, _ in moves(at) if edge == step), None)
        if after is None:
            return None
        at = after
    return at


def _last_asked(found: Found, at: int, known: dict[int, int]) -> int:
    """Return the last ASKED state of a chain; ``known`` keeps that no chain is gone down twice."""
    passed: list[int] = []
    while at not in known and phase_of(at) != ASKED:
        passed.append(at)
        at = found[at][0]
    at = known.get(at, at)
    known.update(dict.fromkeys(passed, at))
    return at


def _confidence(marks: int) -> str:
    return "unverified" if marks & UNVERIFIED else "verified"


def _through(marks: int) -> str:
    passed = [
        word
        for mark, word in ((ANCESTOR, "ancestor"), (A_FAMILY, "family"), (SOURCE, "source"), (A_PART, "part"))
        if marks & mark
    ]
    return ", ".join(passed) or "own use"
