"""The command ``mlaoi-graph``. Translates arguments and prints; decides nothing."""

from __future__ import annotations

import io
import os
import sys
import traceback
from typing import Any


class _Output(io.FileIO):
    """Standard output; once nobody reads it any more (``mlaoi-graph show DIR | head``), what is written goes nowhere.

    So the exit code says what was found, whoever reads how much of it; click would end with 1 then.
    """

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())
            return len(data)


def main() -> None:
    """Run the command line; the entry point of ``mlaoi-graph``."""
    from mlaoi_graph.cli.app import app
    from mlaoi_graph.errors import MlaoiError

    if sys.stdout is sys.__stdout__ and isinstance(sys.stdout, io.TextIOWrapper):
        old, raw = sys.stdout, _Output(sys.stdout.fileno(), "wb", closefd=False)
        sys.stdout = io.TextIOWrapper(io.BufferedWriter(raw), old.encoding, line_buffering=old.line_buffering)
    for stream in (sys.stdout, sys.stderr):  # file names may hold what no encoding has
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except MlaoiError as error:
        print(f"mlaoi-graph: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except Exception:  # noqa: BLE001 - whatever it is: Python's own exit code, 1, would say that something was found
        traceback.print_exc()
        print("mlaoi-graph: this is a fault of the program. Please report it with the lines above", file=sys.stderr)
        raise SystemExit(2) from None
