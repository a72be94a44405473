"""The commands that ask about lineage: lineage, exposure, impact, explain, compare, licences, unknowns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from mlaoi_graph.cli.arguments import AsCsv, AsJson, arguments_of, split_directory
from mlaoi_graph.cli.output import clean, print_json, print_rows, print_table, say
from mlaoi_graph.model import DerivationKind, Stage
from mlaoi_graph.plural import many
from mlaoi_graph.times import instants

if TYPE_CHECKING:
    from mlaoi_graph.queries import Explanation, Filters, LineageGraph, NodeRow, Rows

__all__ = ["register"]

_LINES: Final = 500
_LEVELS: Final = 40
"""How much of a tree is drawn; the rest is counted, and --json has it all."""
_STEP: Final = (
    "subject", "edge", "object", "stage", "kind", "split", "confidence", "rule", "document", "pointer",
    "stated_at", "read_at",
)  # fmt: skip
"""What CSV has of an edge of a chain; --json has its sources too."""
_PAIR: Final = (
    "dataset", "label", "of", "depth_a", "depth_b", "holds_a", "holds_b", "part_a", "part_b", "archive", "confidence",
    "other", "reason",
)  # fmt: skip
"""What CSV has of a comparison; ``of`` is a, b or both, ``other`` what is known of the other one."""

_VERDICT: Final = ("model", "dataset", "verdict", "reason", "checked")
"""What CSV has of whether a model learned from a dataset."""

Depth = Annotated[
    int | None,
    typer.Option(min=0, help="Most hops over asserted edges; edges from a part to its whole count."),
]
Stages = Annotated[
    list[Stage] | None,
    typer.Option("--stage", help="Uses in this stage only; may be given again."),
]
Kinds = Annotated[
    list[DerivationKind] | None,
    typer.Option("--kind", help="Derivations of this kind only; may be given again."),
]
VerifiedOnly = Annotated[bool, typer.Option("--verified-only", help="Leave unverified edges out.")]
Sources = Annotated[
    list[str] | None,
    typer.Option("--source", metavar="IRI", help="Edges of this document or evidence only; may be given again."),
]
Before = Annotated[
    str | None,
    typer.Option(
        metavar="DATE",
        help="Edges asserted before this year, month, day or instant (UTC) only. Those of unknown date are left out, "
        "and the answer says how many.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command(epilog='Example: mlaoi-graph lineage catalog "clay 1.5" --up --depth 2')(lineage)
    app.command(epilog="Example: mlaoi-graph exposure catalog geochat-7b dota")(exposure)
    app.command(epilog="Example: mlaoi-graph impact catalog sa-1b")(impact)
    app.command(epilog="Example: mlaoi-graph explain catalog geochat-7b dota")(explain)
    app.command(epilog="Example: mlaoi-graph compare catalog geochat-7b teochat")(compare)
    app.command(epilog="Example: mlaoi-graph licences catalog geochat-7b")(licences)
    app.command(epilog="Example: mlaoi-graph unknowns catalog geochat-7b")(unknowns)


@contextmanager
def _asking(
    arguments: list[str] | None, least: int, most: int, wanted: str
) -> Iterator[tuple[LineageGraph, list[str]]]:
    """Yield the lineage of the catalog that was named, and the IRIs of the nodes that were."""
    from mlaoi_graph.catalog import Catalog

    directory, names = split_directory(arguments, most)
    if len(names) < least:
        raise typer.BadParameter(f"give {wanted}")
    with Catalog.open(directory) as catalog:
        nodes = [catalog.find(name) for name in names]
        yield catalog.lineage, nodes


def _filters(
    stages: list[Stage] | None,
    kinds: list[DerivationKind] | None,
    verified_only: bool,
    sources: list[str] | None,
    before: str | None,
) -> Filters:
    only: Filters = {}
    if stages:
        only["stages"] = stages
    if kinds:
        only["kinds"] = kinds
    if verified_only:
        only["verified_only"] = True
    if sources:
        only["sources"] = sources
    if before is not None:
        try:
            instants(before)
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--before") from None
        only["before"] = before
    return only


def lineage(
    arguments: Annotated[list[str] | None, arguments_of("NODE", "a model or dataset")] = None,
    down: Annotated[
        bool, typer.Option("--down/--up", help="What came from it, or what it came from.", show_default="up")
    ] = False,
    depth: Depth = None,
    stage: Stages = None,
    kind: Kinds = None,
    verified_only: VerifiedOnly = False,
    source: Sources = None,
    before: Before = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Show what a model or dataset came from, or what came from it, as a tree.

    Each thing is shown once, at its least distance. Evaluation is no lineage: name its stages to see it.
    """
    only = _filters(stage, kind, verified_only, source, before)
    with _asking(arguments, 1, 1, "a model or dataset") as (graph, (node,)):
        rows = graph.downstream(node, depth, **only) if down else graph.upstream(node, depth, **only)
        columns = ("label", "kind", "depth", "edge")
        if as_json or as_csv:
            _print(rows, columns, as_json=as_json, as_csv=as_csv)
            return
        _print_tree(graph, node, rows, down=down)
        _print_rest(rows, columns)


def _print_tree(graph: LineageGraph, node: str, rows: Rows[NodeRow], *, down: bool) -> None:
    below: dict[str, list[NodeRow]] = {}
    for row in rows:
        below.setdefault(row.nearer or "", []).append(row)
    print(clean(graph.label(node)))
    todo: list[tuple[str, NodeRow, bool]] = []

    def push(parent: str, indent: str) -> None:
        children = below.get(parent, [])
        todo.extend((indent, row, row is children[-1]) for row in reversed(children))

    push(node, "")
    drawn = 0
    while todo and drawn < _LINES:
        indent, row, last = todo.pop()
        edge = f"{row.edge} " if not down else ""
        facts = [row.kind, *([row.confidence] if row.confidence != "verified" else [])]
        facts += ["not described anywhere"] * (not row.resolved) + [f"{row.edge} it"] * down
        print(f"{indent}{'└─' if last else '├─'} {edge}{clean(row.label)}  ({', '.join(facts)})")
        drawn += 1
        if row.depth < _LEVELS:
            push(row.node, indent + ("   " if last else "│  "))
    if drawn < len(rows):
        print(f"{drawn} of {len(rows)} shown; all of them with --csv or --json, or fewer with --depth")
    elif not rows and not rows.notes:
        print("nothing known")


def exposure(
    arguments: Annotated[
        list[str] | None,
        arguments_of("MODEL [DATASET]", "a model; a dataset too, to ask whether the model learned from it"),
    ] = None,
    depth: Depth = None,
    stage: Stages = None,
    kind: Kinds = None,
    verified_only: VerifiedOnly = False,
    source: Sources = None,
    before: Before = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """List what a model learned from, directly or through what it was made from; or ask about one dataset.

    With a dataset the answer is yes, may contain, no or unknown, with the proof or what is missing; exit code 0 for no,
    1 for yes and may contain, 2 for unknown. Filters are for the list.
    """
    only = _filters(stage, kind, verified_only, source, before)
    with _asking(arguments, 1, 2, "a model, and a dataset if you like") as (graph, nodes):
        if len(nodes) == 2:
            if only or depth is not None:
                raise typer.BadParameter("depth and filters are for the list; whether it learned from it is one answer")
            _print_verdict(graph, *nodes, as_json=as_json, as_csv=as_csv)
            return
        rows = graph.exposure(nodes[0], depth, **only)
        columns = ("depth", "label", "holds", "through", "stage", "archive", "confidence")
        _print(rows, columns, as_json=as_json, as_csv=as_csv)
        if as_json or as_csv:
            return
        gaps = len(graph.unknowns(nodes[0]))
        things = many(gaps, "thing is", "things are")
        print(f"{things} not known about it: mlaoi-graph unknowns" if gaps else "nothing unknown about it")


def _print_verdict(graph: LineageGraph, model: str, dataset: str, *, as_json: bool, as_csv: bool) -> None:
    from mlaoi_graph.queries import Verdict

    found = graph.is_exposed(model, dataset)
    proof = found.explain()
    if as_json:
        print_json(found.to_dict())
    elif as_csv:
        said = found.to_dict()
        print_rows(_VERDICT, [[said[name] for name in _VERDICT]], as_json=False, as_csv=True)
        if found.missing:
            say(f"{many(len(found.missing), 'thing is', 'things are')} not known: --json lists them")
    else:
        print(f"{found.verdict.value}: {clean(found.reason)}")
        print(f"looked at {found.checked}")
        if proof is not None:
            print()
            _print_steps(proof)
        if found.missing:
            print()
            print_table(("not known", "of", "why"), [(gap.what, gap.label, gap.reason) for gap in found.missing])
    code = {Verdict.NO: 0, Verdict.UNKNOWN: 2}.get(found.verdict, 1)
    if code:
        raise typer.Exit(code)


def impact(
    arguments: Annotated[list[str] | None, arguments_of("NODE", "a dataset or model")] = None,
    stage: Stages = None,
    kind: Kinds = None,
    verified_only: VerifiedOnly = False,
    source: Sources = None,
    before: Before = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """List what a change of a dataset or model touches: were it retracted, wrong or relicensed."""
    only = _filters(stage, kind, verified_only, source, before)
    with _asking(arguments, 1, 1, "a dataset or model") as (graph, (node,)):
        rows = graph.impact(node, **only)
        columns = ("depth", "label", "kind", "relation", "confidence")
        _print(rows, columns, as_json=as_json, as_csv=as_csv, nothing="nothing known is touched by it")


def explain(
    arguments: Annotated[
        list[str] | None,
        arguments_of("A B", "the newer thing and the older"),
    ] = None,
    all_chains: Annotated[bool, typer.Option("--all", help="Every simple chain, shortest first.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="Most chains to show with --all.")] = 20,
    stage: Stages = None,
    kind: Kinds = None,
    verified_only: VerifiedOnly = False,
    source: Sources = None,
    before: Before = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Show the chain of asserted edges from one thing to what it came from, with who says so."""
    only = _filters(stage, kind, verified_only, source, before)
    with _asking(arguments, 2, 2, "two nodes, the newer first") as (graph, (newer, older)):
        found = graph.paths(newer, older, limit, **only) if all_chains else None
        one = None if all_chains else graph.explain(newer, older, **only)
        chains = list(found.chains) if found is not None else ([] if one is None else [one])
        note = "" if found is None else found.note
        if as_json:
            print_json({"chains": [c.to_dict() for c in chains], "complete": not note, "note": note})
            return
        if as_csv:
            steps = [(number, chain.says, step) for number, chain in enumerate(chains, 1) for step in chain.steps]
            lines = [(number, says, *(getattr(step, name) for name in _STEP)) for number, says, step in steps]
            print_rows(("chain", "says", *_STEP), lines, as_json=False, as_csv=True)
            if note:
                say(f"{note}; there may be more")
            return
        for chain in chains:
            _print_steps(chain)
            print()
        if not chains:
            print(f"no chain of asserted edges from {clean(graph.label(newer))} to {clean(graph.label(older))}")
            if only and graph.explain(newer, older) is not None:
                print("there is one that the filters leave out")
            elif graph.explain(older, newer, **only) is not None:
                print("there is one the other way round")
        if note:
            print(f"{note}; there may be more")


def _print_steps(chain: Explanation) -> None:
    print(f"{chain.says}, {many(len(chain), 'hop')}" if chain.steps else chain.says)
    for number, step in enumerate(chain.steps, 1):
        print(f"{number}. {clean(step.subject_label)} {step.edge} {clean(step.object_label)}")
        facts = [step.stage, step.kind, step.split and f"split {step.split}", step.rule and f"rule {step.rule}"]
        facts += [
            step.confidence,
            step.stated_at and f"stated {step.stated_at}",
            step.read_at and f"read {step.read_at}",
        ]
        print(f"   {', '.join(clean(fact) for fact in facts if fact)}")
        print(f"   said in {clean(step.document)}{'#' + clean(step.pointer) if step.pointer else ''}")
        for cited in step.evidence:
            where = cited.url or (cited.doi and f"doi:{cited.doi}") or ""
            read = f", read {cited.read_on}" if cited.read_on else ""
            print(f"   source: {clean(cited.label)} {clean(where)}{clean(read)}".rstrip())
        also = step.also_in
        if also:
            more = f" and {len(also) - 3} more" if len(also) > 3 else ""
            print(f"   also said in {clean(', '.join(also[:3]))}{more}")


def compare(
    arguments: Annotated[list[str] | None, arguments_of("A B", "two models")] = None,
    stage: Stages = None,
    kind: Kinds = None,
    verified_only: VerifiedOnly = False,
    source: Sources = None,
    before: Before = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Show what two models both learned from, and what only one of them is known to have.

    With filters the last column may say yes: it is about all edges.
    """
    only = _filters(stage, kind, verified_only, source, before)
    with _asking(arguments, 2, 2, "two models") as (graph, (a, b)):
        common, apart = graph.common_exposure(a, b, **only), graph.differences(a, b, **only)
        if as_csv:
            lines = [{**row, "of": "both"} for row in common.to_dicts()]
            for row in apart.to_dicts():
                side = "a" if row["only"] == a else "b"
                lines.append({**row, "of": side, f"depth_{side}": row["depth"], f"holds_{side}": row["holds"]})
            print_rows(_PAIR, ([line.get(c) for c in _PAIR] for line in lines), as_json=False, as_csv=True)
            for note in common.notes:
                say(note)
            return
        if as_json:
            print_json({"a": a, "b": b, "common": common.to_dicts(), "only": apart.to_dicts(), "notes": common.notes})
            return
        print(f"{clean(common.title)}:")
        print_table(
            ("label", "depth_a", "depth_b", "holds_a", "holds_b", "archive", "confidence"),
            [
                (r.label, r.depth_a, r.depth_b, _held(r.holds_a, r.part_a), _held(r.holds_b, r.part_b),
                 _word(r.archive), r.confidence)
                for r in common
            ],
        )  # fmt: skip
        for model in (a, b):
            rows = [row for row in apart if row.only == model]
            print(f"\nonly {clean(graph.label(model))}, as far as known:")
            columns = ("label", "depth", "holds", "archive", "confidence", "the other")
            print_table(
                columns,
                [(r.label, r.depth, r.holds, _word(r.archive), r.confidence, r.other.value) for r in rows],
            )
        for note in common.notes:
            print(f"\n{clean(note)}")


def licences(
    arguments: Annotated[list[str] | None, arguments_of("MODEL", "a model")] = None,
    stage: Stages = None,
    kind: Kinds = None,
    verified_only: VerifiedOnly = False,
    source: Sources = None,
    before: Before = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """List the licences stated along a model's lineage, and what has none stated."""
    only = _filters(stage, kind, verified_only, source, before)
    with _asking(arguments, 1, 1, "a model") as (graph, (node,)):
        rows = graph.licences(node, **only)
        _print(rows, ("depth", "label", "kind", "license", "confidence"), as_json=as_json, as_csv=as_csv)


def unknowns(
    arguments: Annotated[list[str] | None, arguments_of("MODEL", "a model")] = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """List what is not known about what a model learned from."""
    with _asking(arguments, 1, 1, "a model") as (graph, (node,)):
        rows = graph.unknowns(node)
        columns = ("depth", "what", "label", "reason")
        _print(rows, columns, as_json=as_json, as_csv=as_csv, nothing="nothing unknown about it")


def _print(
    rows: Rows[Any], columns: Sequence[str], *, as_json: bool, as_csv: bool, nothing: str = "nothing known"
) -> None:
    """Print an answer: all of it as JSON, every column of its rows as CSV, or these columns for a reader."""
    if as_json:
        family_level = rows.family_level.to_dicts()
        print_json(
            {"title": rows.title, "rows": rows.to_dicts(), "family_level": family_level, "notes": list(rows.notes)}
        )
    elif as_csv:
        print_rows(
            rows.columns, ([row[c] for c in rows.columns] for row in rows.to_dicts()), as_json=False, as_csv=True
        )
        for note in rows.notes:
            say(note)
    else:
        if rows:
            _print_table(rows, columns)
        else:
            print(nothing)
        _print_rest(rows, columns)


def _print_table(rows: Rows[Any], columns: Sequence[str]) -> None:
    print_table(columns, ([_word(getattr(row, column)) for column in columns] for row in rows))


def _print_rest(rows: Rows[Any], columns: Sequence[str]) -> None:
    """Print what belongs to an answer beside its rows."""
    if rows.family_level:
        print("\nsaid of families only, not of a size:")
        _print_table(rows.family_level, columns)
    if rows.notes:
        print()
    for note in rows.notes:
        print(clean(note))


def _held(holds: str, part: str | None) -> str:
    return holds if part is None else f"{holds} a part"


def _word(value: object) -> object:
    return {True: "yes", False: ""}[value] if isinstance(value, bool) else "not stated" if value is None else value
