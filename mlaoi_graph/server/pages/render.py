"""Templates: how plain values become HTML. Everything is escaped; only addresses of the web become links."""

from __future__ import annotations

import unicodedata
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import jinja2

from mlaoi_graph.server.addresses import address

__all__ = ["CSP", "EDITOR_CSP", "STATIC", "compiled", "html"]

STATIC: Final = Path(__file__).parent / "static"
CSP: Final = (
    "default-src 'self'; img-src 'self' data:; font-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'self'"
)
"""Nothing runs, loads or is sent but from and to this server; small pictures in style sheets are ``data:``."""
EDITOR_CSP: Final = f"{CSP}; style-src 'self' 'sha256-zCK2EVMoPc04mRF/g5CotUvxbJPWS+8V0b+s9ptqQIk='"
"""The same for the page of the SPARQL editor, whose table brings one style sheet of its own."""

STAGE_WORDS: Final = {
    "pretrainedOn": "pretrained on",
    "finetunedOn": "fine-tuned on",
    "instructionTunedOn": "instruction-tuned on",
    "trainedOn": "trained on (stage not stated)",
    "validatedOn": "validated on",
    "testedOn": "tested on",
    "evaluatedOn": "evaluated on (stage not stated)",
    "finetunedFrom": "fine-tuned from",
    "initializedFrom": "initialised from",
    "distilledFrom": "distilled from",
    "mergedFrom": "merged from",
    "quantizedFrom": "quantised from",
    "usesComponent": "uses component",
    "derivedFromModel": "derived from (kind not stated)",
    "derivedFrom": "made from",
    "drawnFrom": "drawn from",
    "labelledBy": "labelled by",
    "madeFrom": "made from (kind not stated)",
    "partOf": "part of",
    "succeeds": "succeeds",
    "family": "member of",
}
"""What edges are called on pages."""


LEAK_WORDS: Final = {
    "same-samples": "the same samples",
    "same-dataset": "the same data",
    "split-against-use": "learned from a published test split",
    "selection-on-test": "chosen on its test data",
    "derived-dataset": "one made from the other",
    "common-source": "both made from one dataset",
    "same-scene": "cut from one image",
    "place-and-time": "same ground, same time",
    "place": "same ground",
}
"""What kinds of leakage are called on pages."""
REASON_WORDS: Final = {
    "splits-not-stated": "same data, splits not stated",
    "footprint-inherited": "splits of one whole, whose place is all that is known",
    "no-footprint": "nobody says where the data are",
    "some-parts": "where some parts are is not known",
    "some-samples": "where some samples are is not known",
    "no-split": "samples that may be of any split",
    "unbounded": "data from anywhere",
    "archive": "an open-ended body of data",
    "too-many-splits": "too many splits side by side",
    "unresolved": "described by no source",
    "disclosure": "training data not disclosed completely",
    "nothing-recorded": "nothing is recorded",
    "unknown-kind": "made from it in a way nobody states",
    "family-only": "said of a family, of no size",
    "no-evaluation": "no evaluation is recorded",
    "unverified": "rests on a second-hand source",
}
"""What keeps an answer from being known, as pages call it."""
COVER_WORDS: Final = {
    "pretrained": "pretrained",
    "finetuned": "fine-tuned",
    "instruction_tuned": "instruction-tuned",
    "trained": "trained in any stage",
    "validated": "validated",
    "tested": "tested",
    "evaluated": "measured in any stage",
}
"""What the words of questions about places are called on pages."""
_TURNING: Final = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])


PLACE_WORDS: Final = {
    "samples": "samples, one by one",
    "declared-box": "box the publisher declares",
    "region": "region, outlined by us",
    "country-list": "countries named, an upper bound",
    "global": "the whole world",
    "part": "of a part of it",
    "use": "where the source limits the use to",
    "inherited": "of the whole it is somewhere in",
}
"""What precisions of footprints are called on pages, and whose they are."""


def html(template: str, values: dict[str, Any], *, root: str, status: int = 200) -> bytes:
    """Return a page; ``root`` is the path the server is at, ending in a slash."""
    return _environment().get_template(template).render(**values, root=root, status=status).encode("utf-8", "replace")


def compiled() -> None:
    """Have all templates ready."""
    for name in _environment().list_templates():
        _environment().get_template(name)


@cache
def _environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    made.filters |= {
        "web": _web,
        "edge": lambda name: STAGE_WORDS.get(name, name),
        "number": _number,
        "moment": _moment,
        "short": _short,
        "apart": _apart,
        "place": lambda name: PLACE_WORDS.get(name, name),
        "leak": lambda name: LEAK_WORDS.get(name, name),
        "because": lambda name: REASON_WORDS.get(name, name),
        "cover": lambda name: COVER_WORDS.get(name, name),
    }
    made.globals |= {"query": _query, "at": _at, "again": _again}
    return made


def _web(address: object) -> str | None:
    """Return an address if it is one of the web: ``javascript:`` and its like never become a link."""
    text = str(address or "").strip()
    return text if text.lower().startswith(("http://", "https://")) else None


def _number(value: float | int | None, digits: int = 0) -> str:
    return "" if value is None else f"{value:,.{digits}f}".replace(",", "\u202f")


def _moment(text: str) -> str:
    """Return an instant to the minute, as people read it.

    >>> _moment("2026-11-26T00:13:01.5Z"), _moment("2026")
    ('2026-11-26 00:13 UTC', '2026')
    """
    day, _, time = text.partition("T")
    return f"{day} {time[:5]} UTC" if time.endswith("Z") else text


def _short(text: object, most: int = 200) -> str:
    """Return a text that may be of any length, cut where a page would drown in it."""
    said = str(text)
    return said if len(said) <= most else f"{said[:most]}\u2026"


def _apart(text: str) -> str:
    """Return a text that leaves what stands beside it in its direction, where there is no markup to say so."""
    plain = text.translate(_TURNING)
    turns = plain != text or any(unicodedata.bidirectional(c) in ("R", "AL", "AN") for c in plain)
    return f"\u2068{plain}\u2069" if turns else text


def _query(**values: Any) -> str:
    return urlencode({name: value for name, value in values.items() if value not in (None, "", False)})


@jinja2.pass_context
def _again(page: jinja2.runtime.Context, field: str, value: str) -> str:
    """Return the query of this page with another value for a field."""
    return _query(**{**page["given"], field: value})


@jinja2.pass_context
def _at(page: jinja2.runtime.Context, iri: str) -> str:
    """Return the path of a node's page."""
    return address(iri, page["base"], page["root"])
