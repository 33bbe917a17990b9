"""Fills the tables of a new database with rows as they are in another one, in one transaction.

The triggers are switched off: changes of records keep their numbers. The words of segments are indexed from
what is there then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from psycopg.sql import SQL, Identifier

from shared.store.database import BUSY_TIMEOUT_SECONDS
from shared.store.postgres import fulltext, list_words, locks
from shared.store.postgres.session import QUIETLY, Session

#: Numbers of segments that are indexed together.
INDEXED_AT_ONCE = 20_000
ROWS_AT_ONCE = 5_000

Row = tuple[Any, ...]


class Filling:
    """A database that is being filled. Every method raises StoreError."""

    def __init__(self, url: str) -> None:
        self._session = Session(url, BUSY_TIMEOUT_SECONDS)
        self.name = self._session.name

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Let all that is done inside be there at its end, or nothing; others wait meanwhile."""
        with self._session.transaction(f"{QUIETLY}, {locks.ALONE}"):
            yield

    def count(self, table: str) -> int:
        """Return the number of rows of a table."""
        ((count,),) = self._session.rows(f'SELECT count(*) FROM "{table}"')
        return int(count)

    def switch_triggers(self, table: str, *, on: bool) -> None:
        """Let changes of a table be noted, or not."""
        self._session.write(f'ALTER TABLE "{table}" {"ENABLE" if on else "DISABLE"} TRIGGER USER')

    def empty(self, table: str) -> None:
        """Remove the rows of a table."""
        self._session.write(f'DELETE FROM "{table}"')

    def add(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Add rows to a table."""
        names = SQL(", ").join(map(Identifier, columns))
        statement = SQL("COPY {} ({}) FROM STDIN").format(Identifier(table), names)
        with self._session.errors():
            with self._session.peewee.opened().cursor().copy(statement) as copy:
                for row in rows:
                    copy.write_row(row)

    def rows(self, table: str, columns: Sequence[str]) -> Iterator[list[Row]]:
        """Yield all rows of a table, some at a time; call it in a transaction."""
        names = SQL(", ").join(map(Identifier, columns))
        query = SQL("SELECT {} FROM {}").format(names, Identifier(table))
        with self._session.errors(), self._session.peewee.opened().cursor("rows") as cursor:
            cursor.itersize = ROWS_AT_ONCE
            cursor.execute(query)
            while found := cursor.fetchmany(ROWS_AT_ONCE):
                yield found

    def set_last_number(self, table: str, number: int) -> None:
        """Let the next row of a table get a higher number than this, and than all that are there."""
        self._session.rows(
            f"""SELECT setval(pg_get_serial_sequence('{table}', 'id'), greatest(
                %s, (SELECT coalesce(max(id), 0) FROM "{table}"), 1))""",
            (number,),
        )

    def set_last_change(self) -> None:
        """Let the next change of a record get a higher number than all that are there."""
        self._session.rows("SELECT setval('change_seq', (SELECT coalesce(max(seq), 0) FROM record_changes))")

    def index_text(self, report: Callable[[int, int], None]) -> None:
        """Index the words of all segments; `report` gets how far this is, and of how much."""
        ((last,),) = self._session.rows("SELECT coalesce(max(id), 0) FROM segments")
        for start in range(0, last, INDEXED_AT_ONCE):
            end = min(start + INDEXED_AT_ONCE, last)
            condition = f"id > {start} AND id <= {end} AND %s"
            fulltext.add(self._session.rows, self._session.write, condition, True)
            report(end, last)

    def index_lists(self) -> None:
        """Index the words by which lists of records are searched."""
        for statement in list_words.FILLING:
            self._session.write(statement)

    def gather_statistics(self) -> None:
        """Let the server learn what is in the tables, so that it plans queries well."""
        self._session.write("ANALYZE")

    def close(self) -> None:
        """Close the connection."""
        self._session.peewee.forget()
