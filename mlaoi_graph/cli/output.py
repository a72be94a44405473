"""Print tables for people and data for programs: stdout is data, stderr is talk."""

from __future__ import annotations

import csv
import json
import logging
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

Row = Sequence[object]


def clean(value: object) -> str:
    """Return a value as one line of text that cannot steer a terminal.

    >>> clean("a\\x1b[31m\\nb\\u202e")
    'a[31m b'
    """
    text = "" if value is None else str(value)
    return "".join(c for c in text.replace("\n", " ").replace("\t", " ") if c.isprintable())


def say(text: str) -> None:
    """Print a line of talk to stderr."""
    print(clean(text), file=sys.stderr)


def write_files(answer: Any, map_to: str | None, geoparquet: str | None) -> None:
    """Write an answer that has a place to the files that were named."""
    if map_to is not None:
        answer.to_map(map_to)
        say(f"drawn to {map_to}")
    if geoparquet is not None:
        answer.to_geoparquet(geoparquet)
        say(f"written to {geoparquet}")


@contextmanager
def saying(name: str) -> Iterator[None]:
    """Print what a part of the package logs, at its INFO level, to stderr."""
    logger, talk = logging.getLogger(name), _Talk()
    level = logger.level
    logger.addHandler(talk)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(talk)
        logger.setLevel(level)


class _Talk(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        say(record.getMessage())


def print_json(value: Any) -> None:
    """Print a value as JSON to stdout."""
    json.dump(value, sys.stdout, indent=2, ensure_ascii=False, default=str)
    sys.stdout.write("\n")


def print_rows(columns: Sequence[str], rows: Iterable[Row], *, as_json: bool, as_csv: bool) -> None:
    """Print rows to stdout: a table, or JSON objects in a list, or CSV with a header."""
    if as_json:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
    elif as_csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(["" if value is None else value for value in row] for row in rows)
    else:
        print_table(columns, rows)


def print_table(columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Print an aligned table to stdout; numbers to the right, nothing cut."""
    texts = [[clean(value) for value in row] for row in rows]
    numeric = [bool(texts) and all(row[i].replace(".", "", 1).isdigit() for row in texts) for i in range(len(columns))]
    widths = [max([len(name), *(len(row[i]) for row in texts)]) for i, name in enumerate(columns)]
    for row in [list(columns), *texts]:
        cells = (
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, numeric, strict=True)
        )
        print("  ".join(cells).rstrip())


@contextmanager
def counting(label: str) -> Iterator[Any]:
    """Yield a function to call with how many are done; shows a live count on stderr if that is a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TextColumn("{task.completed} documents"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(clean(label), total=None)
        yield lambda done: progress.update(task, completed=done)
