"""Queries that take parameters, and the shipped questions: values are bound as terms, never put into the text.

A query says which parameters it takes in comments, and of which kind::

    # Parameter ?model: node
    # Parameter ?since: date, optional

A parameter is a variable; what it is given becomes a term by its kind:

========  =====================================================================================
node      a model, dataset or family, by any name ``Catalog.find`` takes; its IRI
stage     pretraining, finetuning, instruction-tuning, training, validation, test or evaluation
use       the same words, for the property of such uses: test is ``mlaoi:testedOn``
geometry  well-known text in longitude and latitude; a ``geo:wktLiteral``
date      an ISO 8601 year, month, day or time; text, as dates are in the graph
text      text
========  =====================================================================================

Any other variable of the query can be given a node, or a term as SPARQL writes it: ``<...>``, ``"..."``,
``"..."^^xsd:date``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias, cast

import pyoxigraph as ox

from mlaoi_graph.errors import MlaoiError
from mlaoi_graph.model import Stage
from mlaoi_graph.rdf import INDIVIDUALS, STAGE_PROPERTY
from mlaoi_graph.results import bare
from mlaoi_graph.times import instants
from mlaoi_graph.vocab import GEO, PREFIXES

if TYPE_CHECKING:
    from mlaoi_graph.stores import Term

__all__ = ["BadParameter", "bind", "question", "questions"]

Find: TypeAlias = Callable[[str], str]

_FOLDER: Final = Path(__file__).with_name("questions")
_DECLARED: Final = re.compile(r"^# Parameter \?(\w+): (\w+)(, optional)?$", re.MULTILINE)
_VARIABLE: Final = re.compile(r"[?$](\w+)")


class BadParameter(MlaoiError):
    """A parameter the query does not take, one it needs, or a value that is none."""


def questions() -> dict[str, str]:
    """Return the shipped questions by name, each with the line that says what it asks."""
    return {file.stem: file.read_text("utf-8").partition("\n")[0][2:] for file in sorted(_FOLDER.glob("*.rq"))}


def question(name: str) -> str:
    """Return the query of a shipped question: by name, as ``03-exposure``, or by number, the first of it.

    >>> print(question("8").partition("?")[0])
    # 8. Which licences does a model inherit along its lineage, and where is none stated
    """
    known = questions()
    number = name.zfill(2) if name.isdigit() else None
    found = next((file for file in known if file == name or file.partition("-")[0] == number), None)
    if found is None:
        listed = "".join(f"\n  {file:<29} {asks}" for file, asks in known.items())
        raise BadParameter(f"there is no question {name!r}. There are:{listed}")
    return (_FOLDER / f"{found}.rq").read_text("utf-8")


def bind(sparql: str, given: Mapping[str, str], find: Find) -> dict[str, str | Term]:
    """Return the terms that a query's variables stand for, from what a person gave as text.

    Raises BadParameter for a variable the query does not have, one it needs, and a value that is not of its kind;
    NodeNotFound from ``find``.

    >>> bind("ASK { ?m mlaoi:testedOn ?d }", {"m": "clay 1.5"}, lambda name: f"https://example.com/{name}")
    {'m': 'https://example.com/clay 1.5'}
    """
    declared = {name: (kind, bool(optional)) for name, kind, optional in _DECLARED.findall(sparql)}
    variables = dict.fromkeys([*declared, *_VARIABLE.findall(bare(sparql))])
    for name in given:
        if name not in variables:
            has = ", ".join(declared or variables) or "none"
            raise BadParameter(f"the query has no parameter {name!r}. It has: {has}")
    missing = [name for name, (_, optional) in declared.items() if name not in given and not optional]
    if missing:
        raise BadParameter(f"the query needs {', '.join(missing)}. Give it: --param {missing[0]}=VALUE")
    bound: dict[str, str | Term] = {}
    for name, value in given.items():
        kind, _ = declared.get(name, ("any", True))
        if kind not in _KINDS:
            raise BadParameter(f"{kind!r} is no kind of parameter. Known: {', '.join(_KINDS)}")
        try:
            bound[name] = _KINDS[kind](value, find)
        except ValueError as error:
            what = "term" if kind == "any" else kind
            raise BadParameter(f"{name}: {value!r} is no {what}: {error}") from None
    return bound


def _stage(value: str, _: Find) -> str:
    return INDIVIDUALS[Stage(value.casefold())]


def _use(value: str, _: Find) -> str:
    return STAGE_PROPERTY[Stage(value.casefold())]


def _geometry(value: str, _: Find) -> Term:
    import shapely

    try:
        shapely.from_wkt(value)
    except shapely.errors.ShapelyError as error:
        raise ValueError(str(error)) from None
    return ox.Literal(value, datatype=ox.NamedNode(GEO.wktLiteral))


def _date(value: str, _: Find) -> Term:
    instants(value)
    return ox.Literal(value)


def _any(value: str, find: Find) -> str | Term:
    """Return a term as SPARQL writes it, or the node of that name."""
    if not value.startswith(("<", '"')):
        return find(value)
    prefixes = "".join(f"PREFIX {prefix}: <{iri}>\n" for prefix, iri in PREFIXES.items())
    try:
        quads = list(ox.parse(f"{prefixes}<x:> <x:> {value} .", ox.RdfFormat.TURTLE))
    except SyntaxError as error:
        raise ValueError(error.msg) from None
    if len(quads) != 1:
        raise ValueError("one term is wanted")
    return cast("Term", quads[0].object)


_KINDS: Final[Mapping[str, Callable[[str, Find], str | Term]]] = {
    "node": lambda value, find: find(value),
    "stage": _stage,
    "use": _use,
    "geometry": _geometry,
    "date": _date,
    "text": lambda value, _: ox.Literal(value),
    "any": _any,
}
