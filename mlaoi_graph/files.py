"""Files that are complete or not there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlaoi_graph.errors import StoreError

__all__ = ["whole"]


@contextmanager
def whole(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a path to write to, which becomes the file at the end. Raises StoreError if it cannot be written."""
    target = Path(path)
    temporary = target.with_name(f".part-{target.name}")  # its suffix stays, which may say what is written
    try:
        yield temporary
        temporary.replace(target)
    except OSError as error:
        raise StoreError(f"{target}: cannot be written ({error.strerror or error}). Check the folder") from error
    finally:
        temporary.unlink(missing_ok=True)
