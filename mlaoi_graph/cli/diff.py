"""``diff``: what two catalogs say differently, and what follows from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from mlaoi_graph.cli.output import Row, print_json, print_table, say
from mlaoi_graph.model import Reasoner

if TYPE_CHECKING:
    from mlaoi_graph.catalog import Catalog
    from mlaoi_graph.queries.diff import Diff

__all__ = ["register"]

_SHOWN: Final = 20
_LONGEST: Final = 60
_COLUMNS: Final = {
    "new-documents": ("document", "read_at"),
    "removed-documents": ("document", "read_at"),
    "changed-documents": ("document", "what"),
    "new-nodes": ("kind", "label", "iri"),
    "removed-nodes": ("kind", "label", "iri"),
    "changed-nodes": ("kind", "node", "field", "before", "after"),
    "new-edges": ("subject", "edge", "object", "says", "document", "since"),
    "removed-edges": ("subject", "edge", "object", "says", "document", "since"),
    "changed-edges": ("subject", "edge", "object", "field", "before", "after"),
    "new-exposure": ("model", "dataset"),
    "removed-exposure": ("model", "dataset"),
    "new-leakage": ("kind", "verdict", "model", "stage", "test", "learned"),
    "removed-leakage": ("kind", "verdict", "model", "stage", "test", "learned"),
    "new-unknowns": ("what", "node", "before", "after"),
    "removed-unknowns": ("what", "node", "before", "after"),
}

_Label = Callable[[str], str]


def register(app: typer.Typer) -> None:
    """Add the command to an application."""
    app.command(epilog="Example: mlaoi-graph diff before after --fail-on removed-edges,new-leakage,new-unknowns")(diff)


def diff(
    before: Annotated[
        str, typer.Argument(metavar="BEFORE", help="Catalog directory, or one of its snapshots: DIR/snapshots/1.")
    ],
    after: Annotated[str, typer.Argument(metavar="AFTER", help="Catalog directory, likewise.")],
    fail_on: Annotated[
        str,
        typer.Option(
            metavar="WORDS",
            help="What to exit with 1 for, with commas between: new-, removed- or changed- documents, nodes, edges; "
            "new- or removed- exposure, leakage, unknowns.",
        ),
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, with IRIs and everything.")] = False,
) -> None:
    """Say what differs between two catalogs: documents, nodes, edges, and the answers that follow from them.

    Exit code 0 unless --fail-on names something that was found: then 1. 2 if they cannot be compared.
    """
    from mlaoi_graph.catalog import Catalog
    from mlaoi_graph.queries.diff import WORDS
    from mlaoi_graph.queries.diff import diff as compare

    words = [word.strip() for word in fail_on.split(",") if word.strip()]
    for word in words:
        if word not in WORDS:
            raise typer.BadParameter(f"--fail-on knows no {word!r}. Known: {', '.join(WORDS)}")
    with Catalog.open(before) as old, Catalog.open(after) as new:
        for setting in ("base", "split_policy", "verified_only"):
            if getattr(old, setting) != getattr(new, setting):
                option = setting.replace("_", "-")
                say(f"the two were built with another --{option}: much may differ by that alone")
        if Reasoner.NONE in (old.reasoner, new.reasoner):
            asked = [word for word in words if word.endswith("-exposure")]
            if asked:
                raise typer.BadParameter(
                    f"--fail-on {asked[0]}: nothing is inferred in one of the two (--reasoner none)"
                )
        found = compare(old, new)
        if as_json:
            print_json({**found.to_dict(), "notes": list(found.notes)})
        else:
            _print(found, lambda iri: _label(iri, new, old))
    failed = [f"{len(found[word])} {word}" for word in words if found[word]]
    if failed:
        say(f"found: {', '.join(failed)}")
        raise typer.Exit(1)


def _print(found: Diff, label: _Label) -> None:
    for note in found.notes:
        print(note)
    if not found:
        print("no difference in what is compared" if found.notes else "no difference")
        return
    counts = [
        (what, *(len(groups.get(how, ())) for how in ("new", "removed", "changed")))
        for what, groups in found.to_dict().items()
        if not any(note.startswith(what) for note in found.notes)
    ]
    print_table(("", "new", "removed", "changed"), counts)
    for word, columns in _COLUMNS.items():
        rows = [[_short(value) for value in row] for thing in found[word] for row in _rows(word, thing, label)]
        if rows:
            print(f"\n{word}")
            print_table(columns, rows[:_SHOWN])
        if len(rows) > _SHOWN:
            print(f"{_SHOWN} of {len(rows)} rows shown; all of them, with IRIs, with --json")


def _rows(word: str, thing: Any, label: _Label) -> Iterator[Row]:
    how, _, what = word.partition("-")
    if what == "documents":
        if how != "changed":
            yield thing.document, thing.read_at
        else:
            yield thing.document, "other content" if thing.other_content else "same content, understood otherwise"
    elif what == "nodes":
        if how != "changed":
            yield thing.kind, thing.label, thing.node
        else:
            for change in thing.fields:
                yield thing.kind, label(thing.node), change.name, _joined(change.before), _joined(change.after)
    elif what == "edges":
        ends = label(thing.subject), thing.predicate, label(thing.object)
        if how != "changed":
            for said in thing.said:
                words = (said.rule, said.confidence, said.split and f"split {said.split}")
                yield *ends, ", ".join(filter(None, words)), said.document, said.stated_at or said.read_at
        else:
            for change in thing.changes():
                yield *ends, change.name, _joined(change.before), _joined(change.after)
    elif what == "exposure":
        yield label(thing.model), label(thing.dataset)
    elif what == "leakage":
        model = "" if thing.model is None else label(thing.model)
        yield thing.kind, thing.verdict, model, thing.stage, label(thing.test), label(thing.train)
    else:
        yield thing.what, label(thing.node), thing.before, thing.after


def _label(iri: str, *catalogs: Catalog) -> str:
    from mlaoi_graph.findings import label_of
    from mlaoi_graph.iri import tail

    end = tail(iri)
    return next((found for catalog in catalogs if (found := label_of(catalog, iri)) != end), end)


def _joined(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else "" if value is None else str(value)


def _short(value: object) -> str:
    """Return text that fits a cell; where it is cut it says how long it is. Addresses stay whole."""
    text = "" if value is None else str(value)
    if len(text) <= _LONGEST or " " not in text:
        return text
    return f"{text[:_LONGEST]}... ({len(text):,} characters)"
