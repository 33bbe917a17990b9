"""Notices changes of a SQLite file by other connections, by polling SQLite's counter of commits."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

LOOK_SECONDS = 0.02


class SqliteChangeFeed:
    """A feed of committed changes; a context manager. A look reads one counter and takes no lock."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=1.0)
        self._seen = self._version()

    def __enter__(self) -> SqliteChangeFeed:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def wait(self, timeout_seconds: float) -> bool:
        """Return True as soon as something has changed since the last call, False after the timeout."""
        deadline = time.monotonic() + timeout_seconds
        while (version := self._version()) == self._seen:
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            time.sleep(min(LOOK_SECONDS, left))
        self._seen = version
        return True

    def _version(self) -> int:
        """SQLite's counter of commits by other connections; a busy file counts as changed later."""
        try:
            ((version,),) = self._connection.execute("PRAGMA data_version").fetchall()
        except sqlite3.OperationalError:
            return self._seen
        return int(version)
