"""Rows of answers, and answers as sequences of rows that go where people want them."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar, cast, overload

from mlaoi_graph.model import Disclosure
from mlaoi_graph.plural import many
from mlaoi_graph.queries.explain import Explanation, Proof

if TYPE_CHECKING:
    import networkx
    import pandas as pd

__all__ = [
    "CommonRow",
    "DifferenceRow",
    "ExposedRow",
    "ExposureRow",
    "FamilyRow",
    "ImpactRow",
    "LicenceRow",
    "NodeRow",
    "Rows",
    "UnknownRow",
    "Verdict",
]

_SHOWN: Final = 100
"""Rows a notebook shows; it says how many more there are."""


class Verdict(Enum):
    """An honest answer. The value is the word shown."""

    YES = "yes"
    MAY_CONTAIN = "may contain"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """A row that can prove itself."""

    _proof: Proof | None = field(default=None, repr=False, compare=False)

    def explain(self) -> Explanation:
        """Return the chain of asserted edges behind this row: as long as its depth says."""
        assert self._proof is not None
        return self._proof.explain()


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRow(_Row):
    """Something met upstream or downstream."""

    node: str
    label: str
    kind: str
    """model, family, dataset, archive or unknown."""
    depth: int
    """Hops from the node asked about, over asserted edges; edges to a whole count."""
    edge: str | None
    """Local name of the chain's last edge; None for the node asked about."""
    nearer: str | None
    """The other end of that edge."""
    confidence: str
    """unverified if any edge of the chain is."""
    resolved: bool
    """Whether some document describes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExposureRow(_Row):
    """A dataset a model learned from, directly or through derivations."""

    dataset: str
    label: str
    holds: str
    """``contains``, or ``may contain`` where the chain passes what a dataset was made from, a split of a dataset
    whose use states none, or a family that stands for one of its members."""
    depth: int
    through: str
    """``own use``, or what the chain passes: ancestor, source, part, family."""
    stage: str
    """Stage of the use that taught it."""
    model: str
    """The model that used it: the one asked about or an ancestor."""
    used: str
    """The dataset that was used."""
    archive: bool
    """An open-ended body of data: which of it is not known, and sharing it is not sharing data."""
    confidence: str
    resolved: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ExposedRow(_Row):
    """A model exposed to the dataset asked about, or to a part of it."""

    model: str
    label: str
    kind: str
    holds: str
    depth: int
    through: str
    stage: str
    part: str | None
    """The part it was exposed to; None for the whole."""
    confidence: str
    resolved: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ImpactRow(_Row):
    """Something a change of the node asked about touches."""

    node: str
    label: str
    kind: str
    relation: str
    """learned from it, descends from it, made from it, made with it, contains it, contains what was made from it, or
    measured on it; may have learned from it, may have been made from it, may have been made with it, may contain what
    was made from it, or may have been measured on it; may be touched, where a source names a family and no size."""
    depth: int
    confidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CommonRow(_Row):
    """A dataset two models are exposed to, one of them maybe to a part of it only."""

    dataset: str
    label: str
    archive: bool
    depth_a: int
    depth_b: int
    holds_a: str
    holds_b: str
    part_a: str | None
    """The part the first was exposed to; None for the whole."""
    part_b: str | None
    confidence: str
    _other: Proof | None = field(default=None, repr=False, compare=False)

    def explain_both(self) -> tuple[Explanation, Explanation]:
        """Return the chain from the first model and the chain from the second; ``explain`` gives the first."""
        assert self._other is not None
        return self.explain(), self._other.explain()


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferenceRow(_Row):
    """A dataset one of two models is exposed to and the other is not known to be."""

    dataset: str
    label: str
    only: str
    """The model that is exposed."""
    depth: int
    holds: str
    archive: bool
    confidence: str
    other: Verdict
    """What is known of the other model: ``no`` or ``unknown``; with filters, which it is judged without, any."""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LicenceRow(_Row):
    """A licence met along the lineage, or that none is stated."""

    node: str
    label: str
    kind: str
    license: str | None
    """As published; None if no source states one."""
    depth: int
    confidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownRow(_Row):
    """One thing that is not known about a model's lineage."""

    what: str
    """A slug; ``docs/lineage.md`` lists them."""
    node: str
    label: str
    reason: str
    depth: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyRow:
    """A family and the models in it."""

    family: str
    label: str
    models: tuple[str, ...]
    _explain: Callable[[], Explanation] = field(repr=False, compare=False)

    def explain(self) -> Explanation:
        """Return the edges from its members to it, and who says so: no chain, for each is one."""
        return self._explain()


R = TypeVar("R")


class Rows(Sequence[R], Generic[R]):
    """An answer: rows in a stable order (depth, then label, then IRI), made when they are looked at.

    ``notes`` say what a reader has to know: what was left out, what was not checked. ``family_level`` holds what
    sources say of a family without naming a size; it is no fact about a member, and never among the rows themselves.
    """

    def __init__(
        self,
        title: str,
        row_type: type[R],
        keys: Sequence[Any],
        make: Callable[[Any], R],
        *,
        notes: Sequence[str] = (),
        family_level: Rows[R] | None = None,
    ) -> None:
        self.title = title
        self.notes = tuple(notes)
        self._row_type = row_type
        self._keys = keys
        self._make = make
        self._family_level = family_level

    @property
    def family_level(self) -> Rows[R]:
        """What is said of families only."""
        if self._family_level is None:
            return Rows(f"{self.title}: said of families only", self._row_type, (), self._make)
        return self._family_level

    def __len__(self) -> int:
        return len(self._keys)

    @overload
    def __getitem__(self, index: int) -> R: ...
    @overload
    def __getitem__(self, index: slice) -> list[R]: ...
    def __getitem__(self, index: int | slice) -> R | list[R]:
        if isinstance(index, slice):
            return [self._make(key) for key in self._keys[index]]
        return self._make(self._keys[index])

    def __iter__(self) -> Iterator[R]:
        return map(self._make, self._keys)

    def __repr__(self) -> str:
        extra = f", {len(self.family_level)} of families only" if self.family_level else ""
        return f"<{self.title}: {many(len(self), 'row')}{extra}>"

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the fields of a row."""
        return tuple(f.name for f in fields(cast(Any, self._row_type)) if not f.name.startswith("_"))

    def to_dicts(self) -> list[dict[str, Any]]:
        """Return the rows as dictionaries of plain values, for JSON."""
        return [{name: plain(getattr(row, name)) for name in self.columns} for row in self]

    def to_dataframe(self) -> pd.DataFrame:
        """Return the rows as a pandas DataFrame, in their order."""
        import pandas as pd

        return pd.DataFrame(self.to_dicts(), columns=list(self.columns))

    def to_networkx(self) -> networkx.MultiDiGraph[str]:
        """Return every edge of the rows' chains, in the form of ``Catalog.to_networkx``."""
        import networkx as nx

        graph: networkx.MultiDiGraph[str] = nx.MultiDiGraph()
        seen: dict[int, set[int]] = {}
        for row in self:
            for proof in (getattr(row, "_proof", None), getattr(row, "_other", None)):
                if proof is not None:
                    proof.draw(graph, seen.setdefault(id(proof.found), set()))
            if isinstance(row, FamilyRow):
                row.explain().draw(graph)
        return graph

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{html.escape(name)}</th>" for name in self.columns)
        body = "".join(
            "<tr>" + "".join(f"<td>{html.escape(_shown(getattr(row, name)))}</td>" for name in self.columns) + "</tr>"
            for row in self[:_SHOWN]
        )
        notes = [*self.notes]
        if len(self) > _SHOWN:
            notes.insert(0, f"{_SHOWN} of {len(self)} rows shown")
        if self.family_level:
            notes.append(f"{len(self.family_level)} more are said of families only: see family_level")
        said = "".join(f"<p>{html.escape(note)}</p>" for note in notes)
        return (
            f"<table><caption>{html.escape(self.title)}</caption><thead><tr>{head}</tr></thead>"
            f"<tbody>{body}</tbody></table>{said}"
        )


def plain(value: Any) -> Any:
    """Return a value as JSON has it."""
    if isinstance(value, Enum):
        return value.value
    return list(value) if isinstance(value, tuple) else value


def _shown(value: object) -> str:
    value = plain(value)
    return "" if value is None else ", ".join(map(str, value)) if isinstance(value, list) else str(value)


DISCLOSURE_SAID: Final = {
    None: "no source states how much of its training data is disclosed",
    Disclosure.PARTIAL: "its training data are disclosed in part",
    Disclosure.UNDISCLOSED: "its training data are not disclosed",
}
