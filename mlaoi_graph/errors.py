"""Every error this package raises on purpose.

::

    MlaoiError
    ├── CatalogError            a catalog directory cannot be used
    │   ├── CatalogNotFound
    │   ├── CatalogExists
    │   ├── CatalogLocked       another process writes to it
    │   └── CatalogDamaged
    ├── SourceError             a source as a whole cannot be read
    │   ├── SourceNotFound
    │   ├── SourceNameTaken
    │   ├── NetworkNotAllowed
    │   └── UnknownFormat       no reader or writer of that name or for that content
    ├── NodeNotFound            nothing, or more than one thing, goes by that name
    ├── NotOfKind               a node is there, and is not what the question is about
    ├── BadQuestion             a question makes no sense as it is asked
    ├── QueryError              a SPARQL query cannot be parsed or run
    ├── GeometryError           a geometry cannot be used as a footprint
    ├── IndexDamaged            an index of footprints is not what was written
    ├── StoreError              the store refuses
    ├── SettingsError           a server's settings cannot be used
    └── MissingExtra            an optional part of the package is not installed

A bad *document* is no exception: it gives a :class:`mlaoi_graph.model.Finding` and the
rest is read. Errors of rdflib, pyoxigraph, pystac and shapely do not leak.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final

from mlaoi_graph.vocab import PREFIXES

_LONGEST: Final = 200
"""Of a name that leads nowhere, how much a message repeats."""
_MOST: Final = 20
"""Of what a name may stand for, how many a message lists; ``candidates`` are all."""


class MlaoiError(Exception):
    """Root of the tree; ``str()`` of any of them ends with what to do next."""


class CatalogError(MlaoiError):
    """A catalog directory cannot be used."""

    def __init__(self, path: str, problem: str, next_step: str) -> None:
        self.path = path
        super().__init__(f"{path}: {problem}. {next_step}")


class CatalogNotFound(CatalogError):
    """There is no catalog in that directory."""

    def __init__(self, path: str) -> None:
        super().__init__(path, "no catalog here", f"Make one: mlaoi-graph build SOURCE --to {path}")


class CatalogExists(CatalogError):
    """The directory holds something already."""

    def __init__(self, path: str) -> None:
        super().__init__(
            path, "not empty", "Choose an empty directory; a catalog that is there already is opened, not created"
        )


class CatalogLocked(CatalogError):
    """Another process has the catalog open for writing."""

    def __init__(self, path: str) -> None:
        super().__init__(
            path,
            "another process is writing to this catalog",
            "Wait for it to finish and run the command again; reading needs no lock",
        )


class CatalogDamaged(CatalogError):
    """The directory's files do not fit together."""


class SourceError(MlaoiError):
    """A source as a whole cannot be read."""


class SourceNotFound(SourceError):
    """The path or address given as a source does not exist."""

    def __init__(self, source: str, reason: str = "no such file or folder") -> None:
        self.source = source
        super().__init__(f"{source}: {reason}. Check the path or address")


class SourceNameTaken(SourceError):
    """Two different folders would be known under one source name."""

    def __init__(self, name: str, source: str) -> None:
        self.name = name
        self.source = source
        super().__init__(
            f"{source}: this catalog already has a source called {name!r}, read from another place. "
            f"Give --name {name} if this is the same source, moved; another --name if it is not"
        )


class NetworkNotAllowed(SourceError):
    """An address was asked for and the network is off, or the address is refused."""

    def __init__(
        self, href: str, reason: str = "network access is off", next_step: str = "Allow it with --allow-network"
    ) -> None:
        self.href = href
        self.reason = reason
        super().__init__(f"{href}: {reason}. {next_step}")


class UnknownFormat(SourceError):
    """No reader, writer or store goes by that name."""

    def __init__(self, kind: str, name: str, known: Sequence[str]) -> None:
        self.kind = kind
        self.name = name
        self.known = tuple(known)
        super().__init__(f"no {kind} called {name!r}. Known: {', '.join(known)}")


class NotOfKind(MlaoiError):
    """A node is there, and is not what the question is about."""

    def __init__(self, iri: str, kind: str, wanted: str, next_step: str = "Ask for its lineage or its impact") -> None:
        self.iri = iri
        self.kind = kind
        self.wanted = wanted
        super().__init__(f"{iri} is a {kind}, and the question is about a {wanted}. {next_step}")


class NodeNotFound(MlaoiError):
    """Nothing, or more than one thing, in the catalog goes by that name; ``candidates`` are IRIs."""

    def __init__(
        self,
        name: str,
        candidates: Sequence[str] = (),
        *,
        ambiguous: bool = False,
        or_else: str = "",
        shown: Iterable[str] = (),
        place: str = "catalog",
        next_step: str = "List what is there: mlaoi-graph show DIR",
    ) -> None:
        self.name = name
        self.candidates = tuple(candidates)
        self.ambiguous = ambiguous
        what = "stands for more than one node" if ambiguous else f"is not in this {place}"
        self.shown = tuple(islice(shown, _MOST)) or self.candidates[:_MOST]
        more = f"; and {len(candidates) - _MOST} more" if len(candidates) > _MOST else ""
        advice = f"Did you mean: {'; '.join(self.shown)}{more}?" if candidates else next_step
        super().__init__(f"{_short(name)!r} {what}. {advice}" + (f". {or_else}" if or_else else ""))


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[:_LONGEST]}..."


class BadQuestion(MlaoiError):
    """A question makes no sense as it is asked: a number below 0, a thing that is not named."""

    def __init__(self, problem: str, next_step: str) -> None:
        self.problem = problem
        super().__init__(f"{problem}{'' if problem.endswith('?') else '.'} {next_step}")


class QueryError(MlaoiError):
    """A SPARQL query cannot be parsed (the message is the engine's, with its position) or run."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        names = reason.startswith("error at") or "prefix" in reason.casefold()
        super().__init__(f"SPARQL: {reason}" + (f". Prefixes {', '.join(PREFIXES)} are set for you" if names else ""))


class GeometryError(MlaoiError):
    """A geometry cannot be used as a footprint."""

    def __init__(self, reason: str, next_step: str) -> None:
        self.reason = reason
        super().__init__(f"{reason}. {next_step}")


class IndexDamaged(MlaoiError):
    """An index file is cut short, changed, or no index; what it was made from is untouched."""

    def __init__(self, path: str, problem: str) -> None:
        self.path = path
        super().__init__(f"{path}: damaged index: {problem}. Remove the file: it is made again when it is needed")


class StoreError(MlaoiError):
    """The store refuses what it was asked for."""


class SettingsError(MlaoiError):
    """A server's settings cannot be used; which of them, and why, is in the message."""


class MissingExtra(MlaoiError):
    """An optional part of the package is not installed."""

    def __init__(self, extra: str, *, needed_for: str) -> None:
        self.extra = extra
        self.needed_for = needed_for
        super().__init__(f"{needed_for} needs: pip install 'mlaoi-graph[{extra}]'")
