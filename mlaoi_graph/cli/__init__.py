"""The command ``mlaoi-graph``. Translates arguments and prints; decides nothing."""

from __future__ import annotations

import io
import sys
import traceback


def main() -> None:
    """Run the command line; the entry point of ``mlaoi-graph``."""
    from mlaoi_graph.cli.app import app
    from mlaoi_graph.errors import MlaoiError

    for stream in (sys.stdout, sys.stderr):  # file names may hold what no encoding has
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except MlaoiError as error:
        print(f"mlaoi-graph: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except BrokenPipeError:  # `mlaoi-graph show DIR | head`
        sys.stderr.close()
        raise SystemExit(0) from None
    except Exception:  # noqa: BLE001 - whatever it is: Python's own exit code, 1, would say that something was found
        traceback.print_exc()
        print("mlaoi-graph: this is a fault of the program. Please report it with the lines above", file=sys.stderr)
        raise SystemExit(2) from None
