"""Whether a model is exposed to a dataset: yes, may contain, no, or unknown, each with its reason."""

from __future__ import annotations

import html
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlaoi_graph.model import Disclosure
from mlaoi_graph.queries.explain import Explanation, Paths
from mlaoi_graph.queries.graph import (
    DERIVED,
    DRAWN,
    FROM_MODEL,
    IS_ARCHIVE,
    IS_FAMILY,
    PART,
    PARTS,
    TEACHES,
    UNKNOWN_KIND,
    Edges,
)
from mlaoi_graph.queries.results import DISCLOSURE_SAID, ExposureRow, UnknownRow, Verdict
from mlaoi_graph.queries.walk import A_PART, CERTAIN, DATA, OF_FAMILY, SIDE, SOURCE, THING, Allow, Found, strongest

if TYPE_CHECKING:
    import networkx
    import pandas as pd

__all__ = ["Exposed", "Knowledge"]


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
        """Return the chain behind yes or may contain; there is none for the other two."""
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


class Knowledge:
    """What one model learned from, and whether that is all: one search, asked about any number of datasets."""

    def __init__(self, edges: Edges, model: int, found: Found, allow: Allow = None) -> None:
        self.edges = edges
        self.model = model
        self.found = found
        self._allow = allow
        self.data = {node: at for node, at in strongest(found, DATA).items() if at & 3 != OF_FAMILY}
        self.of_family = {node: at for node, at in strongest(found, DATA).items() if at & 3 == OF_FAMILY}
        everyone = strongest(found, THING, SIDE)
        self.models = {node: at for node, at in everyone.items() if at & 3 != OF_FAMILY}
        self.families = {
            node: at for node, at in everyone.items() if at & 3 == OF_FAMILY and edges.kinds[node] & IS_FAMILY
        }
        self._kin: set[int] | None = None

    def hops(self, at: int) -> int:
        return self.found[at][3]

    def state_of(self, dataset: int) -> int | None:
        """Return the state that shows exposure to a dataset or a part of it: the strongest, then nearest, or None."""
        states = [self.data[part] for part in parts_of(self.edges, dataset, self._allow) if part in self.data]
        return min(states, key=lambda at: (at & 3, self.hops(at), self.edges.iris[at >> 5]), default=None)

    def of_family_only(self, dataset: int) -> int | None:
        """Return the same for what is said of a family only."""
        states = [self.of_family[part] for part in parts_of(self.edges, dataset) if part in self.of_family]
        return min(states, key=lambda at: (self.hops(at), self.edges.iris[at >> 5]), default=None)

    def gaps(self) -> list[tuple[str, int, str, int]]:
        """Return what keeps anybody from saying no: slug, node, reason, state."""
        edges = self.edges
        gaps: list[tuple[str, int, str, int]] = []
        for node, at in self.models.items():
            if edges.kinds[node] & IS_FAMILY:
                gaps.append(("family-only", node, "a family is named and no size: its members differ", at))
            elif not edges.resolved[node]:
                gaps.append(("unresolved", node, "nothing describes this model", at))
            said = edges.disclosed(node)
            if said is not Disclosure.COMPLETE:
                gaps.append(("disclosure", node, DISCLOSURE_SAID[said], at))
            elif not any(edges.code[edge] in TEACHES | FROM_MODEL for edge in edges.out[node]):
                gaps.append(("nothing-recorded", node, "said to be disclosed completely, and none of it is here", at))
        for node, at in self.data.items():
            if not edges.resolved[node] and not self._whole_is_resolved(node):
                gaps.append(("unresolved", node, "nothing describes this dataset", at))
        for node, at in (*self.models.items(), *self.data.items()):
            for edge in edges.out[node]:
                if edges.code[edge] == UNKNOWN_KIND:
                    other = edges.label(edges.object[edge])
                    gaps.append(("unknown-kind", node, f"made from {other}, and not known whether model or data", at))
        taught_by: dict[int, list[int]] = {}
        for at in self.of_family.values():
            use = self.found[at][4]
            taught_by.setdefault(edges.subject[use], []).append(at)
        for node, states in taught_by.items():
            nearest = min(states, key=self.hops)
            gaps.append(("family-only", node, _said_of_family(edges, node, states), nearest))
        for node, at in self.families.items():
            if node not in taught_by and any(edges.code[e] in FROM_MODEL for e in edges.out[node]):
                gaps.append(("family-only", node, "the source names the family only: what it was made from", at))
        return gaps

    def related(self, dataset: int) -> str | None:
        """Return why what was learned may still hold samples of a dataset that was not met; None if nothing relates."""
        edges = self.edges
        kin = _origins(edges, parts_of(edges, dataset))
        if self._kin is None:
            self._kin = _origins(edges, self.data)
        common = kin & self._kin
        if common:
            name = edges.label(min(common, key=edges.order))
            return f"what was learned from and it both come from {name}; their samples are not known apart"
        archives = {node for node in self.data if edges.kinds[node] & IS_ARCHIVE}
        drawn = {edges.object[e] for node in kin for e in edges.out[node] if edges.code[e] == DRAWN} & archives
        if drawn:
            name = edges.label(min(drawn, key=edges.order))
            return f"it is drawn from {name}, an archive that was learned from: which of it is not known"
        if edges.kinds[dataset] & IS_ARCHIVE:
            for node in sorted(self._kin, key=edges.order):
                if any(edges.code[e] == DRAWN and edges.object[e] == dataset for e in edges.out[node]):
                    return (
                        f"an archive, and {edges.label(node)} is drawn from it; sharing an archive is not sharing data"
                    )
        return None

    def _whole_is_resolved(self, node: int) -> bool:
        return any(self.edges.resolved[whole] for whole in self.edges.wholes(node, frozenset({PART})))


def _said_of_family(edges: Edges, node: int, states: Iterable[int]) -> str:
    names = sorted({edges.label(at >> 5) for at in states})
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


def _origins(edges: Edges, start: Iterable[int]) -> set[int]:
    """Return what datasets are, are splits of and were made from.

    An aggregate they are members of is not among it, since its members are bodies of their own; what the aggregate was
    made from is.
    """
    counted = dict.fromkeys((node, True) for node in start)
    todo = list(counted)
    while todo:
        node, counts = todo.pop()
        for edge in edges.out[node]:
            code = edges.code[edge]
            if code == DERIVED:
                after = edges.object[edge], True
            elif code in PARTS:
                after = edges.object[edge], counts and code == PART
            else:
                continue
            if after not in counted:
                counted[after] = None
                todo.append(after)
    return {node for node, counts in counted if counts}


def reason_for(edges: Edges, found: Found, at: int, asked: int) -> tuple[Verdict, str]:
    """Return the verdict a state of exposure stands for, and why."""
    met, marks = at >> 5, found[at][2]
    where = "" if met == asked else f"to a part of it, {edges.label(met)}"
    archive = "an archive: which of it is not known" if edges.kinds[met] & IS_ARCHIVE else ""
    if at & 3 == CERTAIN:
        return Verdict.YES, "; ".join(filter(None, ("a chain of stated edges leads to it", where, archive)))
    if marks & SOURCE:
        why = "something learned from was made from it, and which samples were taken is not known"
    elif marks & A_PART:
        why = "the whole was learned from, and no split is stated"
    else:
        why = "what was learned from is said of a family, and not of the size that was built on"
    return Verdict.MAY_CONTAIN, "; ".join(filter(None, (why, where, archive)))
