"""A SQLite database in WAL mode: a commit is on the disk, and a busy neighbour only means waiting."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import peewee

from shared.errors import (
    StoreBusy,
    StoreConflict,
    StoreDamaged,
    StoreError,
    StoreFull,
    StoreReadOnly,
    StoreUnavailable,
)
from shared.store.database import BUSY_TIMEOUT_SECONDS, CACHE_KIB, LARGEST_ID, Found, Row
from shared.store.listed import Asked, Listed
from shared.store.narrowing import EVERYTHING, Narrowing
from shared.store.sqlite import fulltext, scrubbing
from shared.store.sqlite.changes import SqliteChangeFeed
from shared.store.sqlite.connections import Connections
from shared.store.sqlite.inspection import schema_oddities
from shared.store.sqlite.migrations import migrate, missing
from shared.store.sqlite.reading import reading_uri
from shared.store.statements import Statement
from shared.store.words_index import Query

#: Text in SQLite's message -> the error it becomes.
ERRORS: tuple[tuple[str, type[StoreError], str], ...] = (
    ("locked", StoreBusy, "is in use by another program; try again in a moment."),
    ("database or disk is full", StoreFull, "cannot be written: the disk is full. Make room and try again."),
    ("disk I/O error", StoreFull, "cannot be read or written: is the disk full? Make room and try again."),
    ("readonly", StoreReadOnly, "cannot be written: make the file and its folder writable, and try again."),
    (
        "unable to open",
        StoreReadOnly,
        "cannot be opened: make the file and its folder readable.",
    ),
    ("file is missing", StoreUnavailable, "is missing. Put it back, or restore a backup."),
    ("malformed", StoreDamaged, "is damaged. `offhook doctor` says what brings it back."),
    ("not a database", StoreDamaged, "is not a database. `offhook doctor` says what brings it back."),
)


class SqliteDatabase:
    """One SQLite file. Each thread has a connection of its own, which `disconnect` closes."""

    def __init__(
        self, path: Path, busy_timeout_seconds: float = BUSY_TIMEOUT_SECONDS, cache_kib: int = CACHE_KIB
    ) -> None:
        self.path = path
        self._peewee = _connected_later(path, busy_timeout_seconds, cache_kib)

    @classmethod
    def open(
        cls, path: Path, busy_timeout_seconds: float = BUSY_TIMEOUT_SECONDS, cache_kib: int = CACHE_KIB
    ) -> SqliteDatabase:
        """Open a database, create it if need be, and bring its schema up to date.

        Raises NewerDatabase and StoreError; then nothing was changed.
        """
        if not path.exists():
            _create_private(path)
        database = cls(path, busy_timeout_seconds, cache_kib)
        try:
            with database.errors():
                missing(database._peewee)  # refuses a newer database before anything is changed
                _switch_to_wal(database._peewee, busy_timeout_seconds)
                migrate(database._peewee)
        except BaseException:
            database.disconnect()
            raise
        return database

    @classmethod
    def for_reading(cls, path: Path) -> SqliteDatabase:
        """Open a database that cannot be written. Raises NewerDatabase and StoreError."""
        database = cls(path)
        with database.errors():
            database._peewee = Connections(
                reading_uri(path), uri=True, pragmas=(("trusted_schema", 0), ("query_only", 1))
            )
            if steps := missing(database._peewee):
                database.disconnect()
                raise StoreReadOnly(
                    f"{path} has to be brought up to date first ({', '.join(steps)}), and cannot be written."
                )
        return database

    @property
    def connections(self) -> Connections:
        """Peewee's database, for tests and measurements that look past the store."""
        return self._peewee

    @property
    def name(self) -> str:
        """The file, as it is shown."""
        return str(self.path)

    def clock(self) -> float:
        """Return this machine's time: all processes of a file are on it."""
        return time.time()

    @contextmanager
    def transaction(self, record_id: int | None = None) -> Iterator[None]:
        """Begin IMMEDIATE: a transaction that reads first and writes later would fail at once as "locked".

        One process writes at a time, whichever record it is about.
        """
        with self.errors(), self._peewee.atomic():
            yield

    def statement(self) -> AbstractContextManager[None]:
        """Begin a transaction like any other."""
        return self.transaction()

    def all(self, query: Any) -> list[Row]:
        """Return every row of a query."""
        with self.errors():
            return [dict(row) for row in query.dicts().execute(self._peewee)]

    def column(self, query: Any) -> list[Any]:
        """Return the first column of every row."""
        with self.errors():
            return [row[0] for row in query.tuples().execute(self._peewee)]

    def first(self, query: Any) -> Row | None:
        """Return the first row of a query."""
        with self.errors():
            return next((dict(row) for row in query.dicts().execute(self._peewee)), None)

    def scalar(self, query: Any) -> Any:
        """Return the first column of the first row, None if there is no row."""
        with self.errors():
            row = next(iter(query.tuples().execute(self._peewee)), None)
            return row[0] if row else None

    def run(self, query: Any) -> int:
        """Run a statement that writes, and return the number of rows it has changed."""
        with self.errors():
            changed = query.execute(self._peewee)
            return changed if isinstance(changed, int) else 1

    def carry_out(self, statement: Statement, **values: Any) -> Row | None:
        """Run a statement whose text is kept; return the first row that it returns, if any."""
        with nullcontext() if self._peewee.in_transaction() else self.statement(), self.errors():
            text = statement.written(self._peewee, values)
            return statement.first_row(self._peewee.execute_sql(*text))  # type: ignore[no-untyped-call]

    def unlocked(self, query: Any) -> Any:
        """Return the query: nobody changes a row while another statement writes."""
        return query

    @contextmanager
    def busy_timeout(self, seconds: float) -> Iterator[None]:
        """Lower this thread's busy timeout, for writes that may be deferred. It needs no database itself."""
        before = self._peewee.patience_seconds
        self._peewee.patience_seconds = seconds
        try:
            yield
        finally:
            self._peewee.patience_seconds = before

    @contextmanager
    def unsynced(self) -> Iterator[None]:
        """Commit without waiting for the disk, in this thread; commits before and after are safe as ever.

        In WAL mode `normal` syncs at checkpoints alone. A connection that cannot be set back is closed: the
        next one syncs.
        """
        self._sql("PRAGMA synchronous = normal")
        try:
            yield
        finally:
            try:
                self._sql("PRAGMA synchronous = full")
            except StoreError:
                self.disconnect()

    def disconnect(self) -> None:
        """Close this thread's connection."""
        with self.errors():
            self._peewee.close()

    def file_name(self, column: Any) -> Any:
        """Return an expression: the name of the file whose path a column has. It reads damaged text too."""
        return peewee.fn.file_name(column.cast("BLOB")).cast("TEXT")

    def listed(self, asked: Asked) -> Listed | None:
        """Return None: a file has few enough records to look at each."""
        return None

    def changes_horizon(self) -> int:
        """Return the largest number: changes are committed in their order."""
        return LARGEST_ID

    def find_text(
        self,
        query: Query,
        limit: int,
        narrowing: Narrowing = EVERYTHING,
        before_id: int = LARGEST_ID,
    ) -> list[Found]:
        """Return the segments before `before_id` that match a full-text query, the newest first."""
        return [Found(*row) for row in fulltext.find(self._sql, query, limit, narrowing, before_id)]

    def records_with_text(self, query: Query) -> list[int]:
        """Return the numbers of the records that have a matching segment."""
        wanted = fulltext.expression(query)
        return [row[0] for row in self._sql(fulltext.RECORDS, (wanted,))] if wanted else []

    def index_text(self, record_id: int) -> None:
        """Add the segments of a record to the full-text index."""
        self._sql(fulltext.ADD, (record_id,))

    def remove_text(self, record_id: int) -> None:
        """Remove the segments of a record, which are still there, from the full-text index."""
        self._sql(fulltext.REMOVE, (record_id,))

    def index_text_of(self, segment_ids: Sequence[int]) -> None:
        """Add some segments to the full-text index."""
        self._sql(fulltext.ADD_SOME, (json.dumps(segment_ids),))

    def remove_text_of(self, segment_ids: Sequence[int]) -> None:
        """Remove some segments, which are still as they were indexed, from the full-text index."""
        self._sql(fulltext.REMOVE_SOME, (json.dumps(segment_ids),))

    def changes(self) -> SqliteChangeFeed:
        """Return a feed of the changes that are committed from now on."""
        with self.errors():
            return SqliteChangeFeed(self.path)

    def check(self) -> str | None:
        """Return what is wrong with the database: damage, or another schema than it should have."""
        ((answer,),) = self._sql("PRAGMA quick_check(1)")
        if answer != "ok":
            return f"is damaged: {answer}"
        different = schema_oddities(self.path)
        return f"is not as offhook made it: {different[0]}" if different else None

    def schema_names(self) -> list[str]:
        """Return the names of the migrations that were applied."""
        return [name for (name,) in self._sql("SELECT name FROM migrations ORDER BY name")]

    def scrub(self, rewritten: bool, on_rewritten: Callable[[], None], patience_seconds: float) -> bool:
        """Remove the last traces of deleted rows from the files; False if others were in the way for too
        long.
        """
        if not rewritten:
            scrubbing.rewrite(self._sql)
            on_rewritten()
        with self.busy_timeout(scrubbing.LOOK_SECONDS):
            return scrubbing.truncate_log(self._sql, patience_seconds)

    def make_movable(self) -> None:
        """Leave one file without a write-ahead log, which can be moved once it is closed."""
        self._sql("PRAGMA journal_mode = delete")

    def _sql(self, statement: str, values: tuple[Any, ...] = ()) -> list[Any]:
        with self.errors():
            cursor = self._peewee.execute_sql(statement, values)  # type: ignore[no-untyped-call]
            return list(cursor.fetchall())

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Turn what the driver raises into the store's own errors."""
        try:
            self._peewee.follow_file()
            yield
        except (peewee.PeeweeException, sqlite3.Error) as error:
            raise self._translated(error) from error

    def _translated(self, error: BaseException) -> StoreError:
        """Return the error that came first: on a full disk the rollback fails as well, and hides it."""
        first = error
        while isinstance(first.__context__, (peewee.PeeweeException, sqlite3.Error, StoreError)):
            first = first.__context__
        if isinstance(first, StoreError):
            return first
        if isinstance(first, (peewee.IntegrityError, sqlite3.IntegrityError)):
            return StoreConflict(f"{self.path} refuses a row: {first}.")
        for text, kind, remedy in ERRORS:
            if text in str(first):
                return kind(f"{self.path} {remedy}")
        return StoreUnavailable(f"{self.path} cannot be used: {first}. `offhook doctor` looks closer.")


def _connected_later(path: Path, busy_timeout_seconds: float, cache_kib: int) -> Connections:
    """The driver sets the busy timeout first. No trigger or view of a foreign database can run code."""
    return Connections(
        str(path),
        pragmas=(
            *(("synchronous", "full"), ("foreign_keys", 1), ("secure_delete", 1), ("trusted_schema", 0)),
            ("cache_size", -cache_kib),  # negative: KiB, not pages
        ),
        patience_seconds=busy_timeout_seconds,
        lock_type="IMMEDIATE",
        returning_clause=True,
    )


def _create_private(path: Path) -> None:
    try:
        path.touch(mode=0o600)  # SQLite gives its other files the same mode
    except OSError as error:
        raise StoreUnavailable(f"{path} cannot be created: {error.strerror}.") from error


def _switch_to_wal(database: peewee.SqliteDatabase, patience_seconds: float) -> None:
    """Switch to WAL; of several that do so at once SQLite refuses all but one, without waiting."""
    deadline = time.monotonic() + patience_seconds
    while True:
        try:
            database.execute_sql("PRAGMA journal_mode = wal")
            return
        except peewee.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
        time.sleep(0.01)
