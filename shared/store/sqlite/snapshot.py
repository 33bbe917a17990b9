"""A database as it is at one moment, table by table; others may write meanwhile, and that is noticed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from shared.errors import StoreUnavailable
from shared.store.sqlite.reading import reading_uri


class Snapshot:
    """One SQLite file; a context manager. Every method raises StoreUnavailable."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._found = self._connected()
        self._watch = self._connected()
        self._version = self._data_version()
        self._rows("BEGIN")
        self._rows("SELECT 1 FROM sqlite_master")  # from here on it stays as it is

    def __enter__(self) -> Snapshot:
        return self

    def __exit__(self, *_: object) -> None:
        self._found.close()
        self._watch.close()

    def count(self, table: str) -> int:
        """Return the number of rows of a table."""
        ((count,),) = self._rows(f'SELECT count(*) FROM "{table}"')
        return int(count)

    def batches(self, table: str, columns: tuple[str, ...], rows: int) -> Iterator[list[tuple[Any, ...]]]:
        """Yield all rows of a table, some at a time."""
        names = ", ".join(f'"{name}"' for name in columns)
        query = f'SELECT rowid, {names} FROM "{table}" WHERE rowid > ? ORDER BY rowid LIMIT ?'
        last = -(2**63)
        while found := self._rows(query, (last, rows)):
            last = found[-1][0]
            yield [row[1:] for row in found]

    def last_number(self, table: str) -> int:
        """Return the highest number that a row of a table has had, also of one that was deleted."""
        found = self._rows("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,))
        return int(found[0][0]) if found else 0

    def has_changed(self) -> bool:
        """Return whether anybody has written to the database since this snapshot."""
        return self._data_version() != self._version

    def _data_version(self) -> int:
        with self._errors():
            ((version,),) = self._watch.execute("PRAGMA data_version").fetchall()
        return int(version)

    def _rows(self, statement: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        with self._errors():
            return self._found.execute(statement, values).fetchall()

    def _connected(self) -> sqlite3.Connection:
        with self._errors():
            return sqlite3.connect(reading_uri(self._path), uri=True, isolation_level=None)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StoreUnavailable(f"{self._path} cannot be read: {error}.") from error
