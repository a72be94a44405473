"""The small file that makes a directory a catalog: what it promises, and which snapshot is the newest."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from mlaoi_graph import iri as iris
from mlaoi_graph.errors import CatalogDamaged, CatalogNotFound
from mlaoi_graph.model import Reasoner, SplitPolicy

NAME: Final = "manifest.json"
FORMAT: Final = 1
"""Version of the directory's layout; a newer one is refused, not guessed at."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a catalog directory says of itself."""

    base: str
    """Start of minted IRIs; ends in ``/``."""
    policy: SplitPolicy = SplitPolicy.COMMON
    verified_only: bool = False
    """Whether edges that no source was read for are left out."""
    reasoner: Reasoner = Reasoner.TARGETED
    snapshot: int = 0
    """Number of the newest snapshot; 0 before the first ingest."""
    sources: dict[str, str] = field(default_factory=dict)
    """Name of each source and a digest of where it was, to tell a source from its namesake."""
    rules: dict[str, int] = field(default_factory=dict)
    """Name of each source and the readers' rules it was last read by."""
    not_read: dict[str, list[str]] = field(default_factory=dict)
    """Name of each source of which documents could not be read the last time, and their IRIs; or whose
    and, behind an arrow, what they link to."""
    removed: bool = False
    """Whether documents were removed since it was last found out what names in the others stand for."""

    def write(self, directory: Path) -> None:
        """Replace the directory's manifest in one step."""
        temporary = directory / f".{NAME}.new"
        with temporary.open("w", encoding="utf-8") as file:
            file.write(self.to_json())
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(directory / NAME)

    def to_json(self) -> str:
        """Return it as text."""
        from mlaoi_graph.vocab import ONTOLOGY_VERSION

        words = {"policy": self.policy.value, "reasoner": self.reasoner.value}
        values = {"format": FORMAT, "ontology": ONTOLOGY_VERSION, **asdict(self), **words}
        return json.dumps(values, indent=2) + "\n"

    def with_(self, **changes: Any) -> Manifest:
        """Return a copy with some values changed."""
        return replace(self, **changes)

    @staticmethod
    def read(directory: Path) -> Manifest:
        """Return a directory's manifest.

        Raises CatalogNotFound if there is none, CatalogDamaged if it is not one of ours or newer than this package.
        """
        try:
            text = (directory / NAME).read_text(encoding="utf-8")
        except FileNotFoundError:
            raise CatalogNotFound(str(directory)) from None
        except (OSError, ValueError) as error:
            raise _unreadable(str(directory), error) from error
        return Manifest.from_json(text, str(directory))

    @staticmethod
    def from_json(text: str, place: str) -> Manifest:
        """Return the manifest of a place (a directory, an address) from its text. Raises CatalogDamaged."""
        try:
            values = json.loads(text)
        except ValueError as error:
            raise _unreadable(place, error) from error
        try:
            if values["format"] > FORMAT:
                raise CatalogDamaged(
                    place,
                    f"written by a newer version (format {values['format']})",
                    "Upgrade with: pip install -U mlaoi-graph",
                )
            return Manifest(
                base=iris.check_base(values["base"]),
                policy=SplitPolicy(values["policy"]),
                verified_only=bool(values["verified_only"]),
                reasoner=Reasoner(values.get("reasoner", Reasoner.TARGETED.value)),
                snapshot=int(values["snapshot"]),
                sources=dict(values["sources"]),
                rules={name: int(rules) for name, rules in values["rules"].items()},
                not_read={name: [*map(str, documents)] for name, documents in values.get("not_read", {}).items()},
                removed=bool(values.get("removed", False)),
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise CatalogDamaged(
                place,
                f"{NAME} lacks or garbles {error}",
                "Restore it, or build the catalog again",
            ) from error


def _unreadable(place: str, error: Exception) -> CatalogDamaged:
    return CatalogDamaged(place, f"{NAME} cannot be read ({error})", "Restore it, or build the catalog again")
