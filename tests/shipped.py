"""The shipped catalog of model families as its reader gives it, and a few ways to look at it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import mlaoi_graph
from mlaoi_graph.model import (
    AreaOfInterest,
    Association,
    Dataset,
    DataUse,
    Derivation,
    Model,
    ModelFamily,
    SplitPolicy,
    Statement,
)
from mlaoi_graph.readers import Context, Target, records

BASE = "https://w3id.org/mlaoi/families/"
FAMILIES = Path(mlaoi_graph.__file__).parent / "families"


class Nothing:
    """A catalog that knows nothing."""

    def holds(self, document: str) -> bool:
        return False

    def is_unchanged(self, document: str, content_hash: str, links_hash: str | None = None) -> bool:
        return False

    def target(self, iri: str) -> Target | None:
        return None

    def named(self, name: str) -> Sequence[Target]:
        return []


class Shipped:
    """All that the shipped files say."""

    def __init__(self) -> None:
        self.documents = list(records.read(str(FAMILIES), Context(BASE, SplitPolicy.COMMON, Nothing(), "families")))
        self.all: list[Statement] = list(chain.from_iterable(d.statements for d in self.documents))
        self.uses = [s for s in self.all if isinstance(s, DataUse)]
        self.derivations = [s for s in self.all if isinstance(s, Derivation)]
        self.associations = [s for s in self.all if isinstance(s, Association)]
        self.models = {name(s.iri): s for s in self.all if isinstance(s, Model) and s.resolved}
        self.families = {name(s.iri): s for s in self.all if isinstance(s, ModelFamily) and s.label}
        # A part is mentioned by every file that speaks of it; the file of its whole has the size.
        data = sorted((s for s in self.all if isinstance(s, Dataset) and s.resolved), key=lambda s: s.size is not None)
        self.datasets = {name(s.iri): s for s in data}
        self.areas = {s.iri: s for s in self.all if isinstance(s, AreaOfInterest)}

    def used(self, model: str) -> set[tuple[str, str]]:
        """Return the stages and datasets of a model, or of a family where no size is named."""
        return {(u.stage.value, name(u.dataset)) for u in self.uses if name(u.model) == model}

    def made(self, thing: str) -> set[tuple[str, str]]:
        """Return the kinds and sources of what a model, family or dataset was made from."""
        return {(d.kind.value, name(d.source)) for d in self.derivations if name(d.derived) == thing}

    def use(self, model: str, stage: str, dataset: str) -> DataUse:
        """Return the one use of these three."""
        (found,) = (u for u in self.uses if (name(u.model), u.stage.value, name(u.dataset)) == (model, stage, dataset))
        return found

    def derivation(self, thing: str, kind: str, source: str) -> Derivation:
        """Return the one derivation of these three."""
        (found,) = (
            d for d in self.derivations if (name(d.derived), d.kind.value, name(d.source)) == (thing, kind, source)
        )
        return found

    def area(self, dataset: str) -> list[AreaOfInterest]:
        """Return the footprints of a dataset."""
        return [self.areas[iri] for iri in self.datasets[dataset].footprints]


def name(iri: str) -> str:
    """Return the id behind an IRI of the shipped catalog, with the part if it is one."""
    return iri.removeprefix(BASE).partition("/")[2]
