"""Whether a model is exposed to a dataset: yes, may contain, no, or unknown, each with its reason."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from mlaoi_graph.model import Disclosure, Precision
from mlaoi_graph.queries.explain import Explanation, Paths
from mlaoi_graph.queries.graph import (
    DERIVED,
    DRAWN,
    FROM_MODEL,
    IS_ARCHIVE,
    IS_DATASET,
    IS_FAMILY,
    IS_MODEL,
    MEMBER,
    PART,
    PARTS,
    SUCCEEDS,
    TEACHES,
    UNKNOWN_KIND,
    Edges,
)
from mlaoi_graph.queries.results import DISCLOSURE_SAID, ExposureRow, UnknownRow, Verdict
from mlaoi_graph.queries.walk import (
    A_PART,
    CERTAIN,
    DATA,
    OF_FAMILY,
    SIDE,
    SOURCE,
    THING,
    UNVERIFIED,
    Allow,
    Found,
    node_of,
    strength_of,
    strongest,
)

if TYPE_CHECKING:
    import networkx
    import pandas as pd

__all__ = ["Exposed", "Gap", "Knowledge", "of_unknown_kind", "untold_of"]

_WORLD: Final = frozenset({Precision.GLOBAL})
_SPLIT: Final = frozenset({PART})

# What of a body of data another may hold: any of it; only a member, which is a body of its own; or what was drawn from
# an archive, and sharing an archive is not sharing data.
_ANY, _A_MEMBER, _DRAWN = 1, 2, 4
_FROM_DATA: Final = PARTS | {DERIVED, DRAWN}


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposed:
    """The answer to whether a model is exposed to a dataset."""

    model: str
    dataset: str
    verdict: Verdict
    reason: str
    row: ExposureRow | None
    """What proves yes or may contain, or is said of a family only."""
    missing: tuple[UnknownRow, ...]
    """What would have to be known for a no, where the verdict is unknown."""
    checked: str
    """What was looked at."""

    def explain(self) -> Explanation | None:
        """Return the chain behind yes or may contain, or behind what is said of a family only; None without one."""
        return None if self.row is None else self.row.explain()

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values, for JSON, with the chain."""
        proof = self.explain()
        return {
            **self._plain(),
            "missing": [
                {"what": gap.what, "node": gap.node, "label": gap.label, "reason": gap.reason, "depth": gap.depth}
                for gap in self.missing
            ],
            "explanation": None if proof is None else proof.to_dict(),
        }

    def _plain(self) -> dict[str, str]:
        return {
            "model": self.model,
            "dataset": self.dataset,
            "verdict": self.verdict.value,
            "reason": self.reason,
            "checked": self.checked,
        }

    def to_dataframe(self) -> pd.DataFrame:
        """Return a pandas DataFrame of one row: the answer, and how many things are ``missing``."""
        import pandas as pd

        return pd.DataFrame([{**self._plain(), "missing": len(self.missing)}])

    def to_networkx(self) -> networkx.MultiDiGraph[str]:
        """Return the chain behind the answer in the form of ``Catalog.to_networkx``; nothing where there is none."""
        proof = self.explain()
        return Paths(chains=() if proof is None else (proof,), complete=True, note="").to_networkx()

    def _repr_html_(self) -> str:
        proof = self.explain()
        said = f"<p><b>{html.escape(self.verdict.value)}</b>: {html.escape(self.reason)}</p>"
        return said + ("" if proof is None else proof._repr_html_())


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that is not known."""

    what: str
    """A slug of ``docs/lineage.md``."""
    node: int
    reason: str
    at: int = -1
    """The state by whose chain the model comes to it; -1 where it is about the dataset asked about."""


class Knowledge:
    """What one model learned from, and whether that is all: one search, asked about any number of datasets."""

    def __init__(self, edges: Edges, model: int, found: Found, allow: Allow = None) -> None:
        self.edges = edges
        self.model = model
        self.found = found
        self._allow = allow
        taught = strongest(found, DATA)
        self.data = {node: at for node, at in taught.items() if strength_of(at) != OF_FAMILY}
        self.of_family = {node: at for node, at in taught.items() if strength_of(at) == OF_FAMILY}
        everyone = strongest(found, THING, SIDE)
        self.models = {node: at for node, at in everyone.items() if strength_of(at) != OF_FAMILY}
        self.families = {
            node: at for node, at in everyone.items() if strength_of(at) == OF_FAMILY and edges.kinds[node] & IS_FAMILY
        }

    def hops(self, at: int) -> int:
        return self.found[at][3]

    def state_of(self, dataset: int) -> int | None:
        """Return the state that shows exposure to a dataset or a part of it: the strongest, then nearest, or None."""
        states = [self.data[part] for part in parts_of(self.edges, dataset, self._allow) if part in self.data]
        return min(states, key=lambda at: (strength_of(at), self.hops(at), self.edges.iris[node_of(at)]), default=None)

    def of_family_only(self, dataset: int) -> int | None:
        """Return the same for what is said of a family only."""
        states = [self.of_family[part] for part in parts_of(self.edges, dataset) if part in self.of_family]
        return min(states, key=lambda at: (self.hops(at), self.edges.iris[node_of(at)]), default=None)

    # -- what is not known of the model -----------------------------------------------------------------------

    @cached_property
    def gaps(self) -> tuple[Gap, ...]:
        """What is not known of all the model learned from; where its data lie is :attr:`places`."""
        edges = self.edges
        gaps: list[Gap] = []
        for node, at in self.models.items():
            if edges.kinds[node] & IS_FAMILY:
                gaps.append(Gap("family-only", node, "a family is named and no size: its members differ", at))
            elif not edges.resolved[node]:
                gaps.append(Gap("unresolved", node, "nothing describes this model", at))
            said = edges.disclosed(node)
            if said is not Disclosure.COMPLETE:
                gaps.append(Gap("disclosure", node, DISCLOSURE_SAID[said], at))
            elif not any(edges.code[edge] in TEACHES | FROM_MODEL for edge in edges.out[node]):
                gaps.append(
                    Gap("nothing-recorded", node, "said to be disclosed completely, and none of it is here", at)
                )
            if _is_data(edges, node):
                gaps.append(Gap("two-kinds", node, "met as a model, and described as data as well", at))
            gaps += (Gap("unknown-kind", node, why, at) for why in of_unknown_kind(edges, node))
            gaps += (Gap("same-weights", node, why, at) for why in self._of_same_weights(node))
        gaps += (Gap(what, node, why, at) for node, at in self.data.items() for what, why in untold_of(edges, node))
        for node, at in self._wholes.items():
            gaps += (Gap("unknown-kind", node, why, at) for why in of_unknown_kind(edges, node))
        return (*gaps, *self._gaps_of_families())

    def _of_same_weights(self, model: int) -> Iterator[str]:
        """Iterate over why a model may have learned what others learned, whose weights it has or has some of."""
        edges = self.edges
        for iri, are_all in edges.details.sharing_weights(edges.iris[model]).items():
            other = edges.iris.find(iri)
            if other < 0 or other in self.models:
                continue
            # Some may be those of what both were made from.
            if are_all or not any(
                edges.code[e] in FROM_MODEL and edges.object[e] in self.models for e in edges.out[other]
            ):
                some = "its weights are" if are_all else "some of its weights are"
                yield f"{some} those of {edges.label(other)} ({iri}): what that learned from is not counted"

    def _gaps_of_families(self) -> Iterator[Gap]:
        edges = self.edges
        taught_by: dict[int, list[int]] = {}
        for at in self.of_family.values():
            use = self.found[at][4]
            taught_by.setdefault(edges.subject[use], []).append(at)
        for node, states in taught_by.items():
            yield Gap("family-only", node, _said_of_family(edges, node, states), min(states, key=self.hops))
        for node, at in self.families.items():
            if node not in taught_by and any(edges.code[e] in FROM_MODEL | {UNKNOWN_KIND} for e in edges.out[node]):
                yield Gap("family-only", node, "the source names the family only: what it was made from", at)

    @cached_property
    def _wholes(self) -> dict[int, int]:
        """What the data are part of, at any height, beyond the data: a part has what its whole was made from."""
        found: dict[int, int] = {}
        todo = list(self.data.items())
        for node, at in todo:
            for whole in self.edges.wholes(node):
                if whole not in self.data and whole not in found:
                    found[whole] = at
                    todo.append((whole, at))
        return found

    @cached_property
    def places(self) -> tuple[Gap, ...]:
        """What was learned from and lies nobody knows where: archives, data without a footprint or all over the world.

        Of a split whose whole was learned from as well, the whole tells, unless the split is said to be from anywhere.
        """
        edges = self.edges
        gaps: list[Gap] = []
        for node, at in self.data.items():
            is_told = any(whole != node and whole in self.data for whole in edges.wholes(node, _SPLIT))
            if edges.kinds[node] & IS_ARCHIVE or (not is_told and _is_archive(edges, node)):
                gaps.append(Gap("archive", node, "an open-ended body of data: which of it is not known", at))
            elif not is_told or edges.details.precisions(edges.iris[node]) == _WORLD:
                gaps += (Gap(what, node, why, at) for what, why in _nowhere(edges, node))
        return tuple(gaps)

    # -- what is not known of a dataset that was not met ------------------------------------------------------

    def gaps_about(self, dataset: int) -> list[Gap]:
        """Return all that keeps anybody from saying that a dataset which was not met was not learned from."""
        edges = self.edges
        held = parts_of(edges, dataset)
        origins = _origins(edges, held)
        gaps: list[Gap] = []
        if not edges.resolved[dataset] and not any(edges.resolved[whole] for whole in edges.wholes(dataset)):
            gaps.append(Gap("unresolved", dataset, "nothing describes the dataset asked about"))
        gaps += (Gap("related", dataset, why) for why in self._related(dataset, held, origins))
        gaps += (*self.gaps, *self._gaps_of_origins, *self.places)
        gaps += (Gap(what, node, why) for node in origins for what, why in untold_of(edges, node))
        if not _is_archive(edges, dataset):
            gaps += (Gap(what, dataset, why) for what, why in _nowhere(edges, dataset))
        first: dict[tuple[str, int], Gap] = {}
        for gap in gaps:
            first.setdefault((gap.what, gap.node), gap)
        return list(first.values())

    def _related(self, dataset: int, held: Iterable[int], origins: dict[int, tuple[int, int]]) -> Iterator[str]:
        """Return why what was learned may still hold samples of a dataset that was not met."""
        edges = self.edges
        ours = self._origins
        both = {node: how | ours[node][0] for node, (how, _) in origins.items() if node in ours}
        common = [node for node, how in both.items() if how not in (_A_MEMBER, _DRAWN)]
        archive = next((part for part in held if _is_archive(edges, part)), None)
        if archive in ours:
            learned = edges.label(ours[archive][1])
            yield f"an archive, and {learned} comes from it; sharing an archive is not sharing data"
        elif archive is not None:
            what = "an archive" if archive == dataset else f"a part of it, {edges.label(archive)}, is an archive"
            yield f"{what}, and archives are open-ended: whether it has what was learned from is not known"
        elif dataset in common:
            learned = edges.label(ours[dataset][1])
            yield f"{learned} was learned from, and comes from it or is another version of it"
        elif common:
            nearest = min(common, key=edges.order)
            name = edges.label(nearest)
            if nearest in self.data and _is_archive(edges, nearest):
                yield f"it comes from {name}, an archive that was learned from: which of it is not known"
            else:
                yield f"what was learned from and it both come from {name}; their samples are not known apart"

    @cached_property
    def _origins(self) -> dict[int, tuple[int, int]]:
        return _origins(self.edges, self.data)

    @cached_property
    def _gaps_of_origins(self) -> tuple[Gap, ...]:
        """What is not known of what the data came from, were drawn from, are part of or are versions of."""
        return tuple(
            Gap(what, node, why, self.data[of])
            for node, (_, of) in self._origins.items()
            for what, why in untold_of(self.edges, node)
        )


def untold_of(edges: Edges, node: int) -> Iterator[tuple[str, str]]:
    """Iterate over what is not known of something met as data: slug and reason."""
    if not edges.resolved[node] and not any(edges.resolved[whole] for whole in edges.wholes(node, _SPLIT)):
        yield "unresolved", "nothing describes this dataset"
    if edges.kinds[node] & (IS_MODEL | IS_FAMILY) or any(
        edges.code[e] in TEACHES | FROM_MODEL for e in edges.out[node]
    ):
        yield "two-kinds", "met as data, and described as a model as well: what that learned from is not counted"
    yield from (("unknown-kind", why) for why in of_unknown_kind(edges, node))


def of_unknown_kind(edges: Edges, node: int) -> Iterator[str]:
    """Iterate over why something was made from what may be a model or data."""
    names = sorted({edges.label(edges.object[e]) for e in edges.out[node] if edges.code[e] == UNKNOWN_KIND})
    if names:
        yield f"made from {', '.join(names)}, and not known whether model or data"


def _is_data(edges: Edges, node: int) -> bool:
    """Return whether something met as a model is described as data as well."""
    return edges.kinds[node] & IS_DATASET != 0 or any(edges.code[edge] in _FROM_DATA for edge in edges.out[node])


def _is_archive(edges: Edges, node: int) -> bool:
    """Return whether data are an archive, or a split of one."""
    seen = {node}
    todo = [node]
    for one in todo:
        if edges.kinds[one] & IS_ARCHIVE:
            return True
        fresh = [whole for whole in edges.wholes(one, _SPLIT) if whole not in seen]
        seen.update(fresh)
        todo += fresh
    return False


def _nowhere(edges: Edges, node: int) -> Iterator[tuple[str, str]]:
    """Iterate over what is not known of where data are: a split is where its whole is."""
    found: set[Precision] = set()
    seen = {node}
    todo = [node]
    for place in todo:
        precisions = edges.details.precisions(edges.iris[place])
        if precisions is None:
            yield "no-footprint", "this graph has no footprints"
            return
        found |= precisions
        if found:
            break
        fresh = [whole for whole in edges.wholes(place, _SPLIT) if whole not in seen]
        seen.update(fresh)
        todo += fresh
    if not found:
        yield "no-footprint", "no source says where its data are"
    elif found == {Precision.GLOBAL}:
        yield "unbounded", "its footprint is the whole world"


def _said_of_family(edges: Edges, node: int, states: Iterable[int]) -> str:
    names = sorted({edges.label(node_of(at)) for at in states})
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    if edges.kinds[node] & IS_FAMILY:
        return f"the source names the family only: learned from {shown}"
    return f"the source names the family only; this member of it learned from {shown}"


def parts_of(edges: Edges, dataset: int, allow: Allow = None) -> list[int]:
    """Return a dataset and everything that is part of it by edges that count, nearest first."""
    found = {dataset: None}
    todo = [dataset]
    for node in todo:
        for edge in edges.parts[node]:
            part = edges.subject[edge]
            if part not in found and (allow is None or allow(edge) >= 0):
                found[part] = None
                todo.append(part)
    return list(found)


def _origins(edges: Edges, start: Iterable[int]) -> dict[int, tuple[int, int]]:
    """Return of what other data some may hold samples, how, and which of them: going up only, so two sides meet in what
    both come from.

    Up are what a dataset was made or drawn from, its whole, and, either way, its other versions.
    """
    found: dict[int, tuple[int, int]] = {}
    todo = [(node, _ANY, node) for node in start]
    for node, how, of in todo:
        known, first = found.get(node, (0, of))
        if known & how:
            continue
        found[node] = known | how, first
        for edge in edges.out[node]:
            code, to = edges.code[edge], edges.object[edge]
            if code in (DERIVED, DRAWN):
                todo.append((to, _DRAWN if _is_archive(edges, to) else _ANY, of))
            elif code == MEMBER:
                todo.append((to, _A_MEMBER if how == _ANY else how, of))
            elif code in (PART, SUCCEEDS):
                todo.append((to, how, of))
        todo += ((newer, how, of) for newer in edges.successors.get(node, ()))
    return found


def reason_for(edges: Edges, found: Found, at: int, asked: int) -> tuple[Verdict, str]:
    """Return the verdict a state of exposure stands for, and why."""
    met, marks = node_of(at), found[at][2]
    where = "" if met == asked else f"to a part of it, {edges.label(met)}"
    archive = "an archive: which of it is not known" if edges.kinds[met] & IS_ARCHIVE else ""
    doubt = "an edge of the chain is unverified" if marks & UNVERIFIED else ""
    if strength_of(at) == CERTAIN:
        verdict, why = Verdict.YES, "a chain of stated edges leads to it"
    elif marks & SOURCE:
        verdict, why = Verdict.MAY_CONTAIN, "something learned from was made from it, and which samples is not known"
    elif marks & A_PART:
        verdict, why = Verdict.MAY_CONTAIN, "the whole was learned from, and no split is stated"
    else:
        verdict, why = (
            Verdict.MAY_CONTAIN,
            "what was learned from is said of a family, and not of the size that was built on",
        )
    return verdict, "; ".join(filter(None, (why, where, archive, doubt)))
