"""The connections to one SQLite file, one for each thread."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path
from typing import Any

import peewee

from shared.store.fields import as_text

_Identity = tuple[int, int]


class Connections(peewee.SqliteDatabase):
    """Connections that read a text with damaged bytes, where the driver would refuse the row."""

    def __init__(self, database: str, patience_seconds: float = 5.0, **options: Any) -> None:
        self._own, self._patience_seconds = threading.local(), patience_seconds
        super().__init__(database, timeout=patience_seconds, **options)
        self.register_function(file_name, "file_name", 1)

    @property
    def patience_seconds(self) -> float:
        """How long this thread waits for a busy database, also while it opens a connection."""
        seconds: float = vars(self._own).get("patience_seconds", self._patience_seconds)
        return seconds

    @patience_seconds.setter
    def patience_seconds(self, seconds: float) -> None:
        self._own.patience_seconds = seconds
        if not self.is_closed():
            pragma = f"PRAGMA busy_timeout = {round(seconds * 1000)}"
            self.execute_sql(pragma)  # type: ignore[no-untyped-call]

    def follow_file(self) -> None:
        """Close this thread's connection if its file was deleted or replaced, so that the next one is new.

        On POSIX systems SQLite goes on writing to the deleted file. A transaction is left to end.
        """
        if not (self.is_closed() or self.in_transaction()) and self._own.identity != self._identity():
            self.close()

    def _connect(self) -> sqlite3.Connection:
        self._own.identity = self._identity()
        if self._own.identity is None and not self._is_uri:  # SQLite would make an empty database
            raise sqlite3.OperationalError("the file is missing")
        connection = sqlite3.connect(
            self.database, timeout=self.patience_seconds, isolation_level=None, **self.connect_params
        )
        try:
            self._add_conn_hooks(connection)  # type: ignore[attr-defined]
        except BaseException:
            connection.close()
            raise
        connection.text_factory = as_text
        return connection

    @property
    def _is_uri(self) -> bool:
        return bool(self.connect_params.get("uri"))

    def _identity(self) -> _Identity | None:
        """Return what tells this file from another of its name; None without one, or for a URI."""
        if self._is_uri:
            return None
        try:
            found = Path(self.database).stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino


def file_name(path: bytes) -> bytes:
    """Return the name of a file, whichever system wrote its path. Bytes, as damaged text is not UTF-8."""
    return path[max(path.rfind(b"/"), path.rfind(b"\\")) + 1 :]
