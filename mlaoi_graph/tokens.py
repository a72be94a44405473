"""A SPARQL text as tokens, with the place of each: for all who read a query or an update before the engine does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

__all__ = ["Doubt", "Token", "asks_another", "resolved", "tokens"]


class Doubt(Exception):
    """The text is not understood well enough to be changed; says why."""


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the text; ``kind`` is one of the names in the grammar below, or the punctuation itself."""

    kind: str
    text: str
    start: int
    end: int

    @property
    def word(self) -> str:
        """A keyword in upper case; "" for whatever is none."""
        return self.text.upper() if self.kind == "word" else ""


_CHARACTER: Final = r"[\w\u00b7\u0300-\u036f\u203f\u2040]"
"""PN_CHARS, but for the hyphen: Python's ``\\w`` is a little narrower."""
_IN_NAME: Final = r"[\w\u00b7\u0300-\u036f\u203f\u2040\-]"
_ESCAPE: Final = r"%[0-9A-Fa-f]{2}|\\[_~.\-!$&'()*+,;=/?#@%]"
# SPARQL 1.1, section 19.8, longest first.
_GRAMMAR: Final = re.compile(
    rf"""
    (?P<space>(?:[ \t\r\n]+|\#[^\r\n]*)+)
  | (?P<iri><[^<>"{{}}|^`\\\x00-\x20]*>)
  | (?P<string>\"{{3}}(?:"{{0,2}}(?:[^"\\]++|\\.))*+\"{{3}}|'{{3}}(?:'{{0,2}}(?:[^'\\]++|\\.))*+'{{3}}
      |"(?:[^"\\\r\n]++|\\.)*+"|'(?:[^'\\\r\n]++|\\.)*+')
  | (?P<variable>[?$]{_CHARACTER}+)
  | (?P<blank>_:\w(?:(?:{_IN_NAME}|\.)*{_IN_NAME})?)
  | (?P<name>(?:[^\W\d_](?:(?:{_IN_NAME}|\.)*{_IN_NAME})?)?:
      (?:(?:[\w:]|{_ESCAPE})(?:(?:{_IN_NAME}|[.:]|{_ESCAPE})*(?:{_IN_NAME}|:|{_ESCAPE}))?)?)
  | (?P<number>\d+\.\d*[eE][+-]?\d+|(?:\d*\.\d+|\d+)(?:[eE][+-]?\d+)?)
  | (?P<tag>@[A-Za-z]+(?:-[A-Za-z0-9]+)*)
  | (?P<word>[A-Za-z_]\w*)
  | (?P<mark>\^\^|&&|\|\||!=|<=|>=|[{{}}()\[\].,;=<>!*+\-/|?^])
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPED: Final = re.compile(r"\\(?:(u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8})|(.))", re.DOTALL)
_CODE: Final = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8}))")
_HIDES: Final = re.compile("['#)]")
"""What would begin a text or a comment, or end an expression, were a ``<`` before it no IRI's but an operator."""
_OPERANDS: Final = frozenset({"variable", "string", "tag", "number", "iri", "name", "word", ")"})
_STRUCTURE: Final = frozenset(map(ord, "\"'\\\r\n"))
"""What ends a text, or begins an escape in it."""


def tokens(text: str) -> Iterator[Token]:
    """Iterate over the tokens of a text, without what is between them: space and comments.

    Raises Doubt where something stands that is none. Escapes of characters (``\\u0041``) are understood in texts only.

    >>> [token.text for token in tokens("ASK { ?s a <urn:a> } # ?t")]
    ['ASK', '{', '?s', 'a', '<urn:a>', '}']
    """
    for escape in _ESCAPED.finditer(text):
        if escape[2] in ("u", "U") or (escape[1] and int(escape[1][1:], 16) in _STRUCTURE):
            raise Doubt("an escape, which is resolved before anything else, may hide what is meant")
    place = 0
    while place < len(text):
        found = _GRAMMAR.match(text, place)
        if found is None:
            raise Doubt(f"what stands at character {place} is not known")
        kind = str(found.lastgroup)
        if kind != "space":
            yield Token(found[0] if kind == "mark" else kind, found[0], place, found.end())
        place = found.end()


def resolved(text: str) -> str:
    """Return a text with the characters that its escapes (``\\u0041``) stand for: SPARQL resolves them first."""
    return _CODE.sub(_character, text) if "\\" in text else text


def _character(found: re.Match[str]) -> str:
    code = int(found[1] or found[2], 16)
    return chr(code) if code < 0x110000 else found[0]


def asks_another(text: str) -> bool:
    """Return whether a query or update asks another machine by ``SERVICE``, or may be read so.

    Oxigraph's parser takes a keyword from whatever begins with it: ``1SERVICE<urn:a>{}``, ``trueSERVICE?s{}`` and, with
    a prefix ``e:``, ``SERVICEe:a{}`` ask. Raises Doubt, as :func:`tokens`, where the word is in the text at all.

    >>> asks_another("ASK { SERVICEe:a { ?s ?p ?o } }"), asks_another("ASK { ?s ?p 'a'@service, e:service }")
    (True, False)
    """
    if "SERVICE" not in resolved(text).upper():
        return False
    every = [*tokens(text)]
    depth = 0
    for at, token in enumerate(every):
        said = token.text.upper()
        depth += (token.kind == "(") - (token.kind == ")")
        if token.kind == "word" and "SERVICE" in said:
            return True
        if (
            token.kind == "name"
            and "SERVICE" in said.partition(":")[0]
            and [t.kind for t in every[at + 1 : at + 2]] == ["{"]
        ):
            return True
        # In an expression it may be an operator, after which everything reads otherwise.
        if token.kind == "iri" and depth > 0 and every[at - 1].kind in _OPERANDS and _HIDES.search(said):
            return True
    return False
