"""SQLite databases as files: copies during writes, and the content of a file of any version."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from shared.errors import NewerDatabase, StoreDamaged, StoreUnavailable
from shared.store.sqlite.migrations import unknown_names

PAGES_AT_ONCE = 1000
PATIENCE_SECONDS = 60.0


def copy_database(source: Path, target: Path, report: Callable[[int, int], None]) -> None:
    """Copy a database; `report` gets the bytes that are done, and of how many.

    Raises StoreDamaged, and StoreUnavailable if the database is in use for too long or there is no room for
    the copy.
    """
    try:
        answer = _copied(source, target, report)
    except sqlite3.Error as error:
        raise StoreUnavailable(f"{source} cannot be copied to {target.parent}: {error}.") from error
    if answer != "ok":
        raise StoreDamaged(f"{source} is damaged: {answer}. `offhook doctor` looks closer.")


def _copied(source: Path, target: Path, report: Callable[[int, int], None]) -> str:
    """Copy a database; return what SQLite finds in the copy."""
    with (
        closing(sqlite3.connect(source, timeout=PATIENCE_SECONDS, isolation_level=None)) as live,
        closing(sqlite3.connect(target, isolation_level=None)) as copy,
    ):
        (page_bytes,) = live.execute("PRAGMA page_size").fetchone()
        live.execute("BEGIN")
        live.execute("SELECT 1 FROM sqlite_master").fetchone()  # otherwise a write would restart the copy
        live.backup(
            copy,
            pages=PAGES_AT_ONCE,
            progress=lambda _, left, total: report((total - left) * page_bytes, total * page_bytes),
        )
        live.execute("ROLLBACK")
        copy.execute("PRAGMA journal_mode = delete")  # one file, readable where nothing can be written
        (answer,) = copy.execute("PRAGMA quick_check(1)").fetchone()
    return str(answer)


def has_calls(path: Path) -> bool:
    """Return whether a database of any version has a record or a capture. Raises NewerDatabase,
    StoreUnavailable.
    """
    if not path.exists():
        return False
    try:
        with closing(sqlite3.connect(path)) as connection:
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
            names = connection.execute("SELECT name FROM migrations") if "migrations" in tables else ()
            refuse_newer(str(path), {name for (name,) in names})
            mine = tables & {"call_records", "captures"}
            return any(connection.execute(f"SELECT 1 FROM {name} LIMIT 1").fetchone() for name in mine)
    except sqlite3.Error as error:
        raise StoreUnavailable(f"{path} cannot be used: {error}.") from error


def refuse_newer(what: str, schema: set[str]) -> None:
    """Make sure that this version knows a schema by the names of its migrations. Raises NewerDatabase."""
    if unknown := unknown_names(schema):
        raise NewerDatabase(
            f"{what} was made by a newer offhook (it has {', '.join(unknown)}). "
            "Nothing was changed; update offhook and try again."
        )
