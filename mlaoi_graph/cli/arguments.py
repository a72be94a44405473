"""What commands have in common: where the catalog is, and options that several of them take."""

from __future__ import annotations

import os
import shlex
from typing import Annotated, Any, Final

import typer

from mlaoi_graph.cli.output import clean

__all__ = [
    "CATALOG_VARIABLE",
    "AsCsv",
    "AsGeoJson",
    "AsJson",
    "Directory",
    "GeoParquet",
    "Map",
    "VerifiedOnly",
    "arguments_of",
    "is_address",
    "is_directory",
    "quoted",
    "split_directory",
]

CATALOG_VARIABLE: Final = "MLAOI_CATALOG"
_WHERE: Final = f"Catalog directory or server (or set {CATALOG_VARIABLE})"

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print CSV.")]
AsGeoJson = Annotated[bool, typer.Option("--geojson", help="Print GeoJSON.")]
GeoParquet = Annotated[
    str | None, typer.Option("--geoparquet", metavar="FILE", help="Write the answer to a GeoParquet file as well.")
]
Map = Annotated[
    str | None, typer.Option("--map", metavar="FILE", help="Draw the answer to a .html, .svg or .png file as well.")
]
Directory = Annotated[list[str] | None, typer.Argument(metavar="[DIR]", help=f"{_WHERE}.")]
VerifiedOnly = Annotated[
    bool, typer.Option("--verified-only", help="Leave out edges marked unverified (new catalogs only).")
]


def arguments_of(metavar: str, help: str) -> Any:
    """Return the argument of a command that takes a catalog and more; :func:`split_directory` tells them apart."""
    return typer.Argument(metavar=f"[DIR] {metavar}", help=f"{_WHERE}, and {help}.")


def split_directory(arguments: list[str] | None, most: int) -> tuple[str, list[str]]:
    """Return the catalog directory and the remaining arguments: it comes first, or from MLAOI_CATALOG."""
    rest = list(arguments or ())
    variable = os.environ.get(CATALOG_VARIABLE)
    # With the variable set, an address is a node's unless it is one argument more than there can be.
    if rest and (not variable or is_directory(rest[0]) or (is_address(rest[0]) and len(rest) > most)):
        return rest[0], _at_most(rest[1:], most)
    if variable:
        return variable, _at_most(rest, most)
    raise typer.BadParameter(f"give a catalog directory first, or set {CATALOG_VARIABLE}")


def is_directory(place: str) -> bool:
    """Return whether a place is a catalog's directory."""
    return os.path.exists(os.path.join(place, "manifest.json"))  # of a name that is too long too: it is none


def is_address(place: str) -> bool:
    """Return whether a place is an address, and no path."""
    return place.startswith(("http://", "https://"))


def _at_most(rest: list[str], most: int) -> list[str]:
    if len(rest) > most:
        raise typer.BadParameter(f"{len(rest) - most} arguments too many: {' '.join(rest[most:])}")
    return rest


def quoted(text: str) -> str:
    """Return a text as one word of a command line."""
    return shlex.quote(clean(text))
