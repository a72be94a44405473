"""The command line: all commands, in the order in which ``--help`` lists them."""

from __future__ import annotations

from typing import Annotated

import typer

from mlaoi_graph.cli import annotate, areas, build, demo, diff, leakage, lineage, serve, show, validate

app = typer.Typer(
    help="Lineage of Earth-observation models: what they learned from, where they were tested, and who says so.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    epilog="Exit codes: 0 done, 1 something was found (unreadable documents, violations), 2 it could not be done.",
)


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True)] = False,
) -> None:
    if version:
        from mlaoi_graph import __version__

        print(f"mlaoi-graph {__version__}")
        raise typer.Exit


for commands in (build, show, validate, demo, lineage, areas, leakage, annotate, diff, serve):
    commands.register(app)
