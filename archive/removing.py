"""Deletes files; on Windows it waits for programs that have one open."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

from shared.errors import OffhookError

LOOK_SECONDS = 0.1


class ErasureWaits(OffhookError):
    """A file cannot be deleted yet. A worker will delete it as soon as possible."""

    code = "erasure_waits"


def size_of(files: Iterable[Path]) -> int:
    """Return how many bytes some files have, those that are there."""
    return sum(path.stat().st_size for path in files if path.exists())


def remove_all(files: Iterable[Path], patience_seconds: float) -> None:
    """Delete every file that can be deleted. Raises ErasureWaits for the first that cannot."""
    stuck = []
    for path in files:
        try:
            _remove(path, patience_seconds)
        except ErasureWaits as error:
            stuck.append(error)
    if stuck:
        raise stuck[0]


def _remove(path: Path, patience_seconds: float) -> None:
    """Delete a file. Raises ErasureWaits."""
    deadline = time.monotonic() + patience_seconds
    while True:
        try:
            path.unlink(missing_ok=True)
            return
        except OSError as error:
            if not isinstance(error, PermissionError) or time.monotonic() >= deadline:
                raise ErasureWaits(
                    f"{path} cannot be deleted: {error.strerror}. "
                    "A worker will delete it as soon as possible."
                ) from error
            time.sleep(LOOK_SECONDS)
