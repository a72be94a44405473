"""The command ``annotate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mlaoi_graph.cli.output import say
from mlaoi_graph.plural import many

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command(epilog="Example: mlaoi-graph annotate published annotated --base https://example.com/stac/")(annotate)


def annotate(
    source: Annotated[str, typer.Argument(metavar="IN", help="Folder of STAC documents.")],
    output: Annotated[str, typer.Argument(metavar="OUT", help="Folder for the copy; it appears when complete.")],
    catalog: Annotated[
        str | None,
        typer.Option(
            "--catalog", metavar="DIR", help="A catalog built from IN, and from what else is known of what is in it."
        ),
    ] = None,
    base: Annotated[
        str | None,
        typer.Option(help="Start of IRIs for what has no address of its own; that of the catalog with --catalog."),
    ] = None,
) -> None:
    """Copy a folder of STAC documents and say its lineage in them, in the Lineage extension.

    Links say how a model used data, properties repeat that as IRIs for searches, and all else stays byte for byte.
    Without --catalog, only what the documents say themselves is written. Exit code 1 if one could not be added to.
    """
    from mlaoi_graph.catalog import Catalog
    from mlaoi_graph.iri import DEFAULT_BASE

    if catalog is not None and base is not None:
        raise typer.BadParameter("--base is that of the catalog; give one of --catalog and --base")
    if catalog is not None:
        opened = Catalog.open(catalog)
    else:
        try:
            opened = Catalog.create(base=base or DEFAULT_BASE)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None
    with opened:
        if catalog is None:
            opened.ingest(Path(source))
        found = opened.annotate_stac(source, output)
    for problem in found.left:
        say(f"nothing added to {problem}")
    added, left = many(found.documents, "document"), many(found.as_they_were, "has", "have")
    say(f"{output}: added to {added}, {left} nothing to add")
    if found.left:
        raise typer.Exit(1)
