"""Opens the database so that nothing committed is lost and a busy neighbour only means waiting."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from peewee import DatabaseError, OperationalError, SqliteDatabase

from shared.store.migrations import migrate, missing
from shared.store.models import MODELS

BUSY_TIMEOUT_SECONDS = 35.0


def open_database(path: Path, *, busy_timeout_seconds: float = BUSY_TIMEOUT_SECONDS) -> SqliteDatabase:
    """Open the database at `path`, bring it up to date and bind the models to it.

    The busy timeout is set (by the driver) before anything else.
    Every transaction begins IMMEDIATE: one that reads first and writes later would fail at once
    with "database is locked", whatever the timeout. Raises NewerDatabase.
    """
    if not path.exists():  # one of a newer offhook keeps its time, too
        path.touch(mode=0o600)  # SQLite gives its other files the same mode
    database = SqliteDatabase(
        str(path),
        pragmas=(
            ("synchronous", "full"),
            ("foreign_keys", 1),
            ("secure_delete", 1),
        ),
        timeout=busy_timeout_seconds,
        lock_type="IMMEDIATE",
        returning_clause=True,
    )
    try:
        missing(database)  # refuses a newer database before anything is changed
        switch_to_wal(database, busy_timeout_seconds)
        migrate(database)
    except BaseException:
        database.close()
        raise
    database.bind(MODELS)
    return database


def switch_to_wal(database: SqliteDatabase, patience_seconds: float) -> None:
    """Switch to WAL, trying again: SQLite turns away all but one that do so at once, without waiting."""
    deadline = time.monotonic() + patience_seconds
    while True:
        try:
            database.execute_sql("PRAGMA journal_mode = wal")
            return
        except OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
        time.sleep(0.01)


@contextmanager
def busy_timeout(database: SqliteDatabase, patience_seconds: float) -> Iterator[None]:
    """Wait for a busy database only so long, in this thread: for what can be done later as well."""
    ((before,),) = database.execute_sql("PRAGMA busy_timeout").fetchall()
    database.execute_sql(f"PRAGMA busy_timeout = {round(patience_seconds * 1000)}")
    try:
        yield
    finally:
        database.execute_sql(f"PRAGMA busy_timeout = {before}")


def first_cause(error: BaseException) -> BaseException:
    """Return what went wrong first: on a full disk the rollback fails as well, and hides it."""
    known = DatabaseError | sqlite3.Error
    while isinstance(error, known) and isinstance(error.__context__, known):
        error = error.__context__
    return error
