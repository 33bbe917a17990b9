"""Looks into a home without a command: tests wait for a state without a Python process for each look."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from shared.locks import is_free

PATIENCE_SECONDS = 5.0  # another process may be migrating or scrubbing the database


def newest(database: Path, title: str) -> tuple[str, float] | None:
    """The status and the progress of the newest recording with a title, or None if there is none yet."""
    query = "SELECT transcription_status, progress FROM call_records WHERE title = ? ORDER BY id DESC LIMIT 1"
    found = _rows(database, query, title)
    return (found[0][0], found[0][1] or 0.0) if found else None


def titles(database: Path) -> list[str]:
    """The titles of all recordings, the oldest first."""
    return [title for (title,) in _rows(database, "SELECT title FROM call_records ORDER BY id")]


def running(database: Path, locks: Path) -> list[str]:
    """The kinds of offhook's processes that run."""
    found = _rows(database, "SELECT id, kind FROM workers")
    return [kind for worker_id, kind in found if not is_free(locks / f"{worker_id}.lock")]


def states(database: Path) -> list[str]:
    """What each process says that it does; those that ended are among them until somebody removes them."""
    return [state for (state,) in _rows(database, "SELECT state FROM workers ORDER BY id")]


def signature(database: Path) -> tuple[tuple[int, int, int] | None, ...]:
    """Changes with every write to a database."""
    return tuple(_stat(path) for path in (database, database.with_name(f"{database.name}-wal")))


def _stat(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _rows(database: Path, query: str, *parameters: object) -> list[Any]:
    """What a read-only query finds; nothing while the database is not there or not yet made."""
    try:
        with closing(
            sqlite3.connect(f"{database.as_uri()}?mode=ro", timeout=PATIENCE_SECONDS, uri=True)
        ) as opened:
            return opened.execute(query, parameters).fetchall()
    except sqlite3.Error:
        return []
