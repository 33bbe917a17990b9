"""A PostgreSQL database, which processes on many machines use at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import peewee

from shared.errors import StoreBusy
from shared.store.database import BUSY_TIMEOUT_SECONDS, LARGEST_ID, Found, Row
from shared.store.listed import Asked, Listed
from shared.store.narrowing import EVERYTHING, Narrowing
from shared.store.postgres import fulltext, inspection, locks, migrations
from shared.store.postgres.changes import PostgresChangeFeed, horizon
from shared.store.postgres.connections import Connections
from shared.store.postgres.lists import IndexedList
from shared.store.postgres.session import QUIETLY, Session
from shared.store.statements import Statement
from shared.store.words_index import Query

#: With lists in them there are any number of statements.
MOST_STATEMENTS = 1000
#: Half of the time after which the server looks whether transactions wait for each other.
MOMENT_SECONDS = 0.5
_WRITES = (peewee.Insert, peewee.Update, peewee.Delete)


class PostgresDatabase:
    """One PostgreSQL database. Each thread has a connection of its own, which `disconnect` closes."""

    def __init__(self, url: str, busy_timeout_seconds: float = BUSY_TIMEOUT_SECONDS) -> None:
        self._url, self._session = url, Session(url, busy_timeout_seconds)
        self._connections: Any = self._session.peewee
        self._names: dict[str, tuple[str, ...]] = {}

    @classmethod
    def open(cls, url: str, busy_timeout_seconds: float = BUSY_TIMEOUT_SECONDS) -> PostgresDatabase:
        """Open a database that is there, and bring its schema up to date.

        Raises NewerDatabase, SettingsError and StoreError; then nothing was changed.
        """
        database = cls(url, busy_timeout_seconds)
        try:
            migrations.migrate(database._session)
        except BaseException:
            database.disconnect()
            raise
        return database

    @property
    def name(self) -> str:
        """The database as it may be shown, without a password."""
        return self._session.name

    @property
    def connections(self) -> Connections:
        """Peewee's database, for tests and measurements that look past the store."""
        return self._session.peewee

    def clock(self) -> float:
        """Return the server's time, which is the same for all machines."""
        with self._session.errors():
            return self._session.clock()

    def transaction(self, record_id: int | None = None) -> AbstractContextManager[None]:
        """Keep others from writing: all of them, or those that write to one record."""
        return self._session.transaction(locks.ALONE if record_id is None else locks.of_record(record_id))

    def statement(self) -> AbstractContextManager[None]:
        """Write beside others; who wins is decided by the conditions of each statement."""
        return self._session.transaction(f"{QUIETLY}, {locks.WITH_OTHERS}")

    def all(self, query: Any) -> list[Row]:
        """Return every row of a query."""
        found: list[Row] = self._execute(query, lambda: self._read(query))
        return found

    def column(self, query: Any) -> list[Any]:
        """Return the first column of every row."""
        found: list[Any] = self._execute(query, lambda: [row[0] for row in self._connections.execute(query)])
        return found

    def first(self, query: Any) -> Row | None:
        """Return the first row of a query."""
        return next(iter(self.all(query)), None)

    def scalar(self, query: Any) -> Any:
        """Return the first column of the first row, None if there is no row."""
        return next(iter(self.column(query)), None)

    def run(self, query: Any) -> int:
        """Run a statement that writes, and return the number of rows it has changed."""
        changed: int = self._execute(query, lambda: self._connections.execute(query).rowcount)
        return changed

    def carry_out(self, statement: Statement, **values: Any) -> Row | None:
        """Run a statement whose text is kept; return the first row that it returns, if any.

        Outside of a transaction it is one message, whose one condition more is that it takes its turn. While
        it waits for that, no schema can be changed. So it soon becomes a transaction that waits first.
        """
        if self._session.own.depth:
            return self._carried_out(statement, values)
        patience = self._session.own.patience_seconds
        try:
            with self.busy_timeout(MOMENT_SECONDS if patience is None else min(patience, MOMENT_SECONDS)):
                turn = self._session.taken(f"{QUIETLY}, {locks.WITH_OTHERS}")
                return self._carried_out(statement, values, turn)
        except StoreBusy:  # the server has said so: nothing was written
            with self.statement():
                return self._carried_out(statement, values)

    def unlocked(self, query: Any) -> Any:
        """Return a query that locks its rows, without those that others have locked."""
        return query.for_update("FOR UPDATE SKIP LOCKED")

    @contextmanager
    def busy_timeout(self, seconds: float) -> Iterator[None]:
        """Wait for others for at most `seconds`, in this thread."""
        own = self._session.own
        before, own.patience_seconds = own.patience_seconds, seconds
        try:
            yield
        finally:
            own.patience_seconds = before

    @contextmanager
    def unsynced(self) -> Iterator[None]:
        """Commit without waiting for the server's disk, in this thread."""
        own = self._session.own
        before, own.is_synced = own.is_synced, False
        try:
            yield
        finally:
            own.is_synced = before

    def disconnect(self) -> None:
        """Close this thread's connection."""
        self._session.peewee.forget()

    def file_name(self, column: Any) -> Any:
        """Return an expression: the name of the file whose path a column has."""
        return peewee.fn.REGEXP_REPLACE(column, r"^.*[/\\]", "")

    def listed(self, asked: Asked) -> Listed | None:
        """Return the records that have some words."""
        return IndexedList(self._planned, asked)

    def changes_horizon(self) -> int:
        """Return the last change before which none is missing; transactions may hold earlier numbers."""
        return horizon(self._session)

    def find_text(
        self, query: Query, limit: int, narrowing: Narrowing = EVERYTHING, before_id: int = LARGEST_ID
    ) -> list[Found]:
        """Return the segments before `before_id` that match a full-text query, the newest first."""
        return [Found(*row) for row in fulltext.find(self._session.rows, query, limit, narrowing, before_id)]

    def records_with_text(self, query: Query) -> list[int]:
        """Return the numbers of the records that have a matching segment."""
        wanted = fulltext.expression(query)
        return [row[0] for row in self._session.rows(fulltext.RECORDS, (wanted,))] if wanted else []

    def index_text(self, record_id: int) -> None:
        """Add the segments of a record to the full-text index."""
        fulltext.add(self._session.rows, self._session.write, "record_id = %s", record_id)

    def remove_text(self, record_id: int) -> None:
        """Remove the segments of a record, which are still there, from the full-text index."""
        self._session.write(fulltext.REMOVE, (record_id,))

    def index_text_of(self, segment_ids: Sequence[int]) -> None:
        """Add some segments to the full-text index."""
        fulltext.add(self._session.rows, self._session.write, "id = ANY(%s)", list(segment_ids))

    def remove_text_of(self, segment_ids: Sequence[int]) -> None:
        """Remove some segments from the full-text index."""
        self._session.write(fulltext.REMOVE_SOME, (list(segment_ids),))

    def changes(self) -> PostgresChangeFeed:
        """Return a feed of the changes that are committed from now on. It closes its own connection."""
        with self._session.errors():
            return PostgresChangeFeed(self._url)

    def check(self) -> str | None:
        """Return what is wrong with the database: another schema than it should have."""
        different = inspection.schema_oddities(self._session)
        return f"is not as offhook made it: {different[0]}" if different else None

    def schema_names(self) -> list[str]:
        """Return the names of the migrations that were applied."""
        return [name for (name,) in self._session.rows("SELECT name FROM migrations ORDER BY name")]

    def scrub(self, rewritten: bool, on_rewritten: Callable[[], None], patience_seconds: float) -> bool:
        """Free the room of deleted rows. Log files, copies and backups are the server's own matter."""
        if not rewritten:
            with self._session.errors():
                self._session.execute(f"VACUUM (SKIP_LOCKED) {', '.join(fulltext.TABLES_WITH_WORDS)}")
            on_rewritten()
        return True

    def make_movable(self) -> None:
        """Do nothing: a server's database is moved by `pg_dump`."""

    def _carried_out(self, statement: Statement, values: dict[str, Any], condition: str = "") -> Row | None:
        with self._session.errors():
            text = statement.written(self._connections, values, condition)
            return statement.first_row(self._connections.execute_sql(*text))

    def _execute(self, query: Any, execute: Callable[[], Any]) -> Any:
        """Run a query. One that writes outside of a transaction takes its turn as a transaction does."""
        if not isinstance(query, _WRITES):
            return self._session.reading(execute)
        if self._session.own.depth:
            with self._session.errors():
                return execute()
        with self._session.transaction(locks.WITH_OTHERS):
            return execute()

    def _planned(self, query: Any) -> list[Any]:
        """Return the rows of a query that is planned by its values: how often a word occurs decides."""
        statement, values = self._connections.get_sql_context().sql(query).query()
        return self._session.rows(statement, tuple(values))

    def _read(self, query: Any) -> list[Row]:
        """Return rows by the names of their fields; their values have the right types already.

        To find the names takes peewee as long as the rest of a query, so those of a statement are kept.
        """
        statement, values = self._connections.get_sql_context().sql(query).query()
        cursor = self._connections.execute_sql(statement, values)
        if names := self._names.get(statement):
            return [dict(zip(names, row, strict=True)) for row in cursor]
        rows = query.dicts()._get_cursor_wrapper(cursor)
        found = [dict(row) for row in rows]
        if found and set(rows.columns) == found[0].keys():
            if len(self._names) >= MOST_STATEMENTS:
                self._names.clear()
            self._names[statement] = tuple(rows.columns)
        return found
