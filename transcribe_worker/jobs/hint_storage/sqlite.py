"""Hints in a SQLite file of the home, which is polled."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing, suppress
from pathlib import Path

from huey.storage import SqliteStorage

from transcribe_worker.jobs.hint_storage import sql
from transcribe_worker.jobs.hint_storage.outage import QueueAway


class SqliteHints(SqliteStorage):  # type: ignore[misc]
    """A file without synced commits: a power cut may lose hints, and damages nothing."""

    errors = (sqlite3.Error,)
    trouble = "cannot be read, and is repaired"
    is_on_a_server = False

    def __init__(self, name: str, path: Path) -> None:
        """Open the file; a damaged one is begun again. Raises QueueAway."""
        _discard_if_damaged(path)
        super().__init__(name, filename=str(path), create_tables=False)
        self._path = path
        try:
            self.initialize_schema()
        except sqlite3.Error as error:
            self.close()
            raise QueueAway(f"{path} cannot be used: {error}.") from error

    def is_empty(self) -> bool:
        """Whether no hint waits."""
        return not self.sql("SELECT 1 FROM task WHERE queue = ? LIMIT 1", (self.name,), results=True)

    def move(self, priorities: Mapping[int, float]) -> set[int]:
        """Give the hints of some records other priorities; return the records that have one."""
        return sql.move(self, "task", "?", priorities)

    def leave(self) -> None:
        """Do nothing: a thread has nothing of its own."""

    def repair(self) -> None:
        """Begin a file again that is damaged: its hints can be sent again."""
        with suppress(sqlite3.Error):
            self.close()
            _discard_if_damaged(self._path)
            self.initialize_schema()

    def _create_connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection = super()._create_connection()
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection


def _discard_if_damaged(path: Path) -> None:
    """Remove a damaged queue file."""
    if not path.exists() or _is_sound(path):
        return
    for file in path.parent.glob(f"{path.name}*"):
        with suppress(OSError):  # Windows keeps a file that is open
            file.unlink()


def _is_sound(path: Path) -> bool:
    try:
        with closing(sqlite3.connect(path)) as connection:
            (answer,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            return str(answer) == "ok"
    except sqlite3.OperationalError:  # it is in use, or cannot be read
        return True
    except sqlite3.DatabaseError:
        return False
