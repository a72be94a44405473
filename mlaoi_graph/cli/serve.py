"""The command that serves a catalog over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from mlaoi_graph.server.settings import Settings

__all__ = ["open_page", "register"]


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(epilog="Example: mlaoi-graph serve lineage --port 8765 --timeout 10")(serve)


def serve(
    catalog: Annotated[
        str | None,
        typer.Argument(metavar="[DIR]", help="Catalog directory; or set MLAOI_CATALOG, or catalog in the file."),
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on (127.0.0.1).")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on (8765); 0 takes a free one.")] = None,
    public_url: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Address clients know it by, behind a proxy."),
    ] = None,
    workers: Annotated[int | None, typer.Option(help="SPARQL queries at a time (4).")] = None,
    timeout: Annotated[float | None, typer.Option(help="Seconds a request may run (30).")] = None,
    memory_mb: Annotated[int | None, typer.Option(help="Memory a request may take (1024).")] = None,
    rows: Annotated[int | None, typer.Option(help="Rows an answer may have (1000000).")] = None,
    writable: Annotated[
        bool | None,
        typer.Option("--writable", help="Take SPARQL Update with the bearer token MLAOI_TOKEN."),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Settings in TOML; or set MLAOI_CONFIG."),
    ] = None,
    show_config: Annotated[bool, typer.Option("--show-config", help="Print the settings in force, and stop.")] = False,
) -> None:
    """Serve a catalog: pages at the address printed, SPARQL at /sparql, JSON at /api, every node at its own address.

    Needs the extra server.

    A flag stands before MLAOI_* in the environment (MLAOI_PORT, MLAOI_MEMORY_MB ...), and that before the file. More
    can be set there than by flags; --show-config has all names. Stops on Ctrl-C, when what is under way is answered.
    """
    from mlaoi_graph.errors import MissingExtra

    try:
        from mlaoi_graph.server.settings import load, shown
    except ImportError as error:
        raise MissingExtra("server", needed_for="serving a catalog") from error
    settings = load(
        config,
        catalog=catalog,
        host=host,
        port=port,
        public_url=public_url,
        workers=workers,
        timeout=timeout,
        memory_mb=memory_mb,
        rows=rows,
        writable=writable,
    )
    if show_config:
        print(shown(settings))
        return
    _run(settings, None)


def open_page(catalog: Path) -> None:
    """Serve a catalog on a free port of this machine, and open its page in a browser."""
    import webbrowser

    from mlaoi_graph.errors import MissingExtra

    try:
        from mlaoi_graph.server.settings import load
    except ImportError as error:
        raise MissingExtra("server", needed_for="the page") from error
    _run(load(catalog=catalog, host="127.0.0.1", port=0), webbrowser.open)


def _run(settings: Settings, ready: Callable[[str], object] | None) -> None:
    import signal
    from contextlib import suppress
    from importlib.util import find_spec

    from mlaoi_graph.errors import MissingExtra
    from mlaoi_graph.server import forking

    # They are imported when the server answers already: that is too late to say what to install.
    if not all(map(find_spec, ("cql2", "fastapi", "jinja2"))):
        raise MissingExtra("server", needed_for="serving a catalog")
    # From the first moment on: SIGTERM would end the process at once, and leave what it has made for the time it runs.
    # SIGINT, too: a shell that runs a command in the background has it disregarded, until the server listens to it.
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, signal.default_int_handler)
    with suppress(KeyboardInterrupt):  # what was told to stop has stopped well
        forking.start()
        try:
            from mlaoi_graph.server.app import run
        except ImportError as error:
            raise MissingExtra("server", needed_for="serving a catalog") from error
        run(settings, ready)
