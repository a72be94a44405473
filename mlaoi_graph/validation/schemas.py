"""Hold STAC documents against the JSON schemas of their STAC version and of the extensions they declare.

Schemas come from a folder: ``https://HOST/PATH`` is the file ``FOLDER/HOST/PATH``. That of our own extension is shipped
with the package. One that is not there is reported, never fetched.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from jsonschema import Draft7Validator, SchemaError, ValidationError
from referencing import Registry, Resource
from referencing.exceptions import NoSuchResource, Unresolvable
from referencing.jsonschema import DRAFT7

from mlaoi_graph.errors import SourceNotFound
from mlaoi_graph.lineage_fields import SCHEMA
from mlaoi_graph.model import Finding, Severity, SplitPolicy
from mlaoi_graph.ontology_files import ontology_file
from mlaoi_graph.readers import Context, NothingKnown
from mlaoi_graph.readers.stac.content import Form, Json, NotJson, extensions_of, parse
from mlaoi_graph.readers.stac.walk import Walk

__all__ = ["schema_folder", "validate_source"]

_CORE: Final = {Form.ITEM: "item", Form.COLLECTION: "collection", Form.CATALOG: "catalog"}
_LONGEST = 100
"""Characters of a value that a message quotes."""


def schema_folder() -> Path:
    """Return the folder schemas are taken from when none is named; it need not exist.

    ``MLAOI_SCHEMAS`` if it is set, else ``mlaoi-graph/schemas`` in the user's cache directory
    (``XDG_CACHE_HOME``, else ``~/.cache``).
    """
    named = os.environ.get("MLAOI_SCHEMAS")
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "mlaoi-graph", "schemas")


def validate_source(source: str, *, schemas: Path | None = None) -> Iterator[Finding]:
    """Return what is wrong with the STAC documents of a source, in the order they are found.

    Each is held against the core schema of its ``stac_version`` and kind, and against every extension it
    declares: rule ``schema``, an error with the place in the document. ``format`` (dates, addresses) is not
    checked, as Draft 7 leaves it to each program. What could not be checked comes last, once for each
    schema and not for each document: ``schema-missing`` (not in the folder, or refers to one that is not) and
    ``schema-broken`` (nothing can satisfy it as it is published, or it is no schema). What is not STAC is
    ``not-stac``; what reading it finds (``not-json``, ``broken-link``, ...) is passed on.

    ``schemas`` is the folder of schemas, :func:`schema_folder` if not given. Nothing is fetched, and links
    to addresses are not followed.

    Raises SourceNotFound if the source, or the folder of schemas that was named, is not there.
    """
    if schemas is not None and not schemas.is_dir():
        raise SourceNotFound(str(schemas), "no such folder of schemas")
    context = Context(base="", policy=SplitPolicy.COMMON, known=NothingKnown(), name="validate")
    walk = Walk(source, context)
    return _findings(source, walk, _Schemas(schemas if schemas is not None else schema_folder()))


@dataclass(frozen=True, slots=True)
class _Problem:
    """Why nothing can be checked against a schema."""

    rule: str
    schema: str
    reason: str


@dataclass(slots=True)
class _Met:
    """How many documents a problem kept from being checked."""

    first: str
    documents: int = 0


def _findings(source: str, walk: Walk, schemas: _Schemas) -> Iterator[Finding]:
    problems: dict[_Problem, _Met] = {}
    for raw in walk:
        # What has another type than it is read as breaks every schema; that it has no version is told below.
        found = (f for f in raw.findings if f.pointer != "/stac_version" or raw.data.get("stac_version") is not None)
        yield from (replace(f, severity=Severity.ERROR) if f.pointer == "/type" else f for f in found)
        if raw.failed or raw.closes:
            continue
        if raw.form not in _CORE:
            message = f"{raw.form.value}; only STAC catalogs, collections and items have schemas to check"
            yield _finding(raw.shown, "", "not-stac", message, Severity.INFO)
            continue
        met: set[_Problem] = set()
        for uri, label in _declared(raw.data, raw.form):
            outcome = schemas.check(uri, raw.data)
            if isinstance(outcome, _Problem):
                met.add(outcome)
                continue
            for pointer, message in outcome:
                yield _finding(raw.shown, pointer, "schema", f"{label}: {message}", Severity.ERROR)
        if not isinstance(raw.data.get("stac_version"), str):
            message = (
                f"missing or no text, so which {raw.form.value} schema applies is unknown; write for example '1.1.0'"
            )
            yield _finding(raw.shown, "/stac_version", "schema", message, Severity.ERROR)
        for problem in met:
            problems.setdefault(problem, _Met(raw.shown)).documents += 1
    for problem, count in sorted(problems.items(), key=lambda entry: (entry[0].rule, entry[0].schema)):
        documents = "1 document needs" if count.documents == 1 else f"{count.documents} documents need"
        needed = f"{documents} it and could not be checked in full, first {count.first}"
        yield _finding(problem.schema, "", problem.rule, f"{problem.reason}; {needed}", Severity.WARNING)
    if walk.not_read:
        message = f"{walk.not_read} files are neither .json, .geojson nor .ndjson and were passed over"
        yield _finding(source, "", "other-files", message, Severity.INFO)


def _finding(document: str, pointer: str, rule: str, message: str, severity: Severity) -> Finding:
    return Finding(document=document, pointer=pointer, rule=rule, message=message, severity=severity)


def _declared(data: Json, form: Form) -> Iterator[tuple[str, str]]:
    """Yield address and short name of each schema a document says it follows."""
    version = data.get("stac_version")
    if isinstance(version, str):
        kind = _CORE[form]
        core = f"https://schemas.stacspec.org/v{version}/{kind}-spec/json-schema/{kind}.json"
        yield core, f"STAC {_clip(version)} {kind}"
    for uri in dict.fromkeys(extensions_of(data)):
        yield uri, _label(uri)


def _label(uri: str) -> str:
    """Return what to call an extension schema.

    >>> _label("https://stac-extensions.github.io/mlm/v1.5.2/schema.json")
    'mlm/v1.5.2'
    """
    found = re.fullmatch(r"https?://[^/]+/(.+?)(?:/schema)?\.json#?", uri)
    return _clip(found[1] if found else uri)


class _Schemas:
    """The schemas of one folder, each read and compiled once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._loaded: dict[str, Any] = {}
        self._compiled: dict[str, tuple[Draft7Validator, set[str]]] = {}
        self._targets: dict[str, Resource[Any]] = {}
        self._registry: Registry[Any] = Registry(retrieve=self._retrieve)  # type: ignore[call-arg]
        self._fresh = False
        """Whether something was retrieved that the registry does not hold."""
        self._unmet: _Problem | None = None
        """What the last retrieval that failed was told."""

    def check(self, uri: str, data: Json) -> list[tuple[str, str]] | _Problem:
        """Return what in a document breaks a schema, as pointers and messages, or why that cannot be told."""
        schema = self._load(uri)
        if isinstance(schema, _Problem):
            return schema
        if self._fresh:
            # A registry forgets what it retrieved. Told in advance, it neither retrieves nor searches it again.
            self._registry = self._registry.with_resources(self._targets.items()).crawl()
            self._compiled.clear()
            self._fresh = False
        if uri not in self._compiled:
            self._compiled[uri] = Draft7Validator(schema, registry=self._registry), _demanded(schema)
        validator, demanded = self._compiled[uri]
        if demanded and uri.rstrip("#") not in demanded and demanded.isdisjoint(extensions_of(data)):
            other = " or ".join(sorted(demanded))
            reason = f"a document that declares this address cannot pass: as published, the schema demands {other}"
            return _Problem("schema-broken", uri, reason)
        self._unmet = None
        try:
            errors = list(validator.iter_errors(data))
            # Several rules of a schema often trip over the same thing.
            found = list(
                dict.fromkeys((_pointer(e.absolute_path), _message(e)) for error in errors for e in _causes(error))
            )
        except Unresolvable as error:
            # What one missing part would have said can turn "not" and "oneOf" around, so the rest is not reported.
            return self._unmet or _Problem("schema-missing", uri, f"its reference {_clip(error.ref)} leads nowhere")
        except RecursionError:
            return [("", "not checked: the document, or references of the schema, nest too deeply")]
        return found

    def _retrieve(self, uri: str) -> Resource[Any]:
        schema = self._load(uri)
        if isinstance(schema, _Problem):
            self._unmet = schema
            raise NoSuchResource(ref=uri)  # type: ignore[call-arg]
        self._fresh = True
        return self._targets.setdefault(uri, DRAFT7.create_resource(schema))

    def _load(self, uri: str) -> Any:
        if uri not in self._loaded:
            self._loaded[uri] = self._read(uri)
        return self._loaded[uri]

    def _read(self, uri: str) -> Any:
        path = self._path(uri)
        if path is None:
            return _Problem(
                "schema-missing",
                uri,
                "not the address of a schema; declare an extension by the http(s) address of its schema",
            )
        try:
            data = path.read_bytes()
        except (OSError, ValueError):  # ValueError: a NUL in the name
            return _Problem(
                "schema-missing",
                uri,
                f"not in the folder of schemas; save it as {path}, or name another folder",
            )
        try:
            schema, _ = parse(data)
            Draft7Validator.check_schema(schema)
        except NotJson as error:
            return _Problem("schema-broken", uri, f"{path} is {error} at {error.place}")
        except SchemaError as error:
            return _Problem("schema-broken", uri, f"{path} is no JSON schema: {_clip(error.message)}")
        return schema

    def _path(self, uri: str) -> Path | None:
        """Return where a schema's file belongs; None for what is no http(s) address, or leads out of the folder."""
        if uri == SCHEMA:
            return ontology_file("stac-extension/json-schema/schema.json")
        try:
            parts = urlsplit(uri)
        except ValueError:
            return None
        pieces = [parts.netloc, *parts.path.strip("/").split("/")]
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or ".." in pieces:
            return None
        return self._folder.joinpath(*pieces)


def _demanded(schema: Any) -> set[str]:
    """Return the addresses of which a schema demands one or more in ``stac_extensions``, wherever it says so.

    Its own address has to be among them. The schemas published as ml-aoi v0.1.0, mlm v1.0.0 to v1.3.0 and
    crim-ca's dlm v1.0.0 carry another one.
    """
    found: set[str] = set()
    stack = [schema]
    while stack:
        part = stack.pop()
        if isinstance(part, dict):
            extensions = part.get("stac_extensions")
            contains = extensions.get("contains") if isinstance(extensions, dict) else None
            if isinstance(contains, dict):
                words = [contains.get("const"), *contains.get("enum", ())]
                found.update(word.rstrip("#") for word in words if isinstance(word, str))
            stack.extend(part.values())
        elif isinstance(part, list):
            stack.extend(part)
    return found


def _causes(error: ValidationError) -> Iterator[ValidationError]:
    """Yield what is really wrong: within the alternative of anyOf or oneOf that the document comes nearest to."""
    branches = _branches(error)
    if not branches:
        yield error
        return
    nearest = _nearest(branches)
    if len(nearest) > 1:
        yield error
        return
    for child in nearest[0]:
        yield from _causes(child)


def _branches(error: ValidationError) -> list[list[ValidationError]]:
    found: dict[Any, list[ValidationError]] = {}
    for child in error.context or ():
        found.setdefault(child.relative_schema_path[0], []).append(child)
    return list(found.values())


def _nearest(branches: list[list[ValidationError]]) -> list[list[ValidationError]]:
    """Return the alternatives nearest to the document: of its kind if there is one, then with fewest errors."""

    def distance(branch: list[ValidationError]) -> tuple[bool, int]:
        return any(_is_another_kind(child) for child in branch), len(branch)

    least = min(map(distance, branches))
    return [branch for branch in branches if distance(branch) == least]


def _is_another_kind(error: ValidationError) -> bool:
    # {"type": {"const": "Feature"}} and the like, by which schemas tell items from collections.
    allowed: Any = error.validator_value
    single = error.validator == "const" or (error.validator == "enum" and len(allowed) == 1)
    return len(error.relative_path) <= 1 and (single or error.validator == "type")


def _message(error: ValidationError) -> str:
    instance: Any = error.instance
    keyword: Any = error.validator
    rule: Any = error.validator_value
    found = _found(instance)
    branches = _branches(error)
    if branches:
        # Alternatives as near as each other: say what each wants, as far as a line holds it.
        ways = dict.fromkeys(_way(child, error) for branch in _nearest(branches) for child in branch[:1])
        if len(ways) == 1:
            return next(iter(ways))
        rest = f"; or {len(ways) - 3} more" if len(ways) > 3 else ""
        return "none of the alternatives fits: " + "; or ".join(list(ways)[:3]) + rest
    match keyword:
        case "required":
            return f"{_list(name for name in rule if name not in instance)} missing"
        case "type":
            return f"found {found}; allowed: {' or '.join([rule] if isinstance(rule, str) else rule)}"
        case "enum":
            return f"found {found}; allowed: {_list(rule)}"
        case "const":
            return f"found {found}; allowed: {_found(rule)}"
        case "oneOf":
            return f"{found} fits more than one of the alternatives; exactly one is allowed"
        case "additionalProperties" | "dependencies":
            return _clip(error.message, 2 * _LONGEST)
        case "contains":
            return f"nothing in {found} fits {_clip(json.dumps(rule))}"
        case "not" if rule is True or rule == {}:
            return f"{found} is not allowed here"
        case None:  # the schema false
            return f"{found} is not allowed here"
        case _:
            return f"found {found}; the schema wants {keyword} {_clip(json.dumps(rule))}"


def _way(child: ValidationError, parent: ValidationError) -> str:
    place = _pointer(list(child.absolute_path)[len(parent.absolute_path) :])
    return f"{place} {_message(child)}" if place else _message(child)


def _found(value: Any) -> str:
    match value:
        case dict():
            return "an object"
        case list():
            return f"a list of {len(value)}"
        case str():  # repr escapes control characters and lone surrogates
            return _clip(repr(value))
        case _:
            return _clip(json.dumps(value))


def _list(values: Iterable[Any]) -> str:
    return _clip(", ".join(map(_found, values)), 2 * _LONGEST)


def _clip(text: str, length: int = _LONGEST) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _pointer(path: Iterable[str | int]) -> str:
    return "".join("/" + str(piece).replace("~", "~0").replace("/", "~1") for piece in path)
