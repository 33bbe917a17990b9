"""Hints in PostgreSQL, in tables of Huey's beside those of the records; LISTEN wakes those who wait."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import psycopg
from huey.storage import PostgresStorage
from psycopg.conninfo import conninfo_to_dict

from transcribe_worker.jobs.hint_storage import sql

PREFIX = "hints"
#: A thread that waits looks so often whether it should stop; a notification that was lost costs no more.
READ_SECONDS = 1.0
#: Several processes make the tables at once when a team starts.
MAKE_ONE_AFTER_ANOTHER = "SELECT pg_advisory_xact_lock(hashtext('offhook.hints'))"
#: A server that is gone without a word is noticed after about 20 s.
CONNECTION: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "tcp_user_timeout": 20_000,
    "application_name": "offhook hints",
}


class PostgresHints(PostgresStorage):  # type: ignore[misc]
    """Tables that are made when they are first used: a server that is away keeps nobody from starting.

    Commits are not synced, so that they hold up no others: a crash of the server may lose hints.
    """

    errors = (psycopg.Error,)
    trouble = "cannot be reached, and is tried again"
    is_on_a_server = True

    def __init__(self, name: str, url: str) -> None:
        self._has_tables = False
        self._conn: psycopg.Connection[Any] | None = None
        super().__init__(
            name,
            connection=partial(_connected, url),
            read_timeout=READ_SECONDS,
            table_prefix=PREFIX,
            create_tables=False,
        )

    def is_empty(self) -> bool:
        """Whether no hint waits."""
        first = f"SELECT 1 FROM {self.table_task} WHERE queue = %s LIMIT 1"
        return not self.sql(first, (self.name,), results=True)

    def move(self, priorities: Mapping[int, float]) -> set[int]:
        """Give the hints of some records other priorities; return the records that have one."""
        return sql.move(self, self.table_task, "%s", priorities)

    def repair(self) -> None:
        """Let the next use connect again, and make the tables if they are gone."""
        with self.lock:
            self._has_tables = False
            if self._conn is not None:
                self._close_quiet(self._conn)
                self._conn = None

    def leave(self) -> None:
        """Close what the calling thread has of its own, before it ends."""
        if (connection := getattr(self._listen_local, "conn", None)) is not None:
            self._close_quiet(connection)
            self._listen_local.conn = None

    def _create_connection(self) -> psycopg.Connection[Any]:
        """Connect for all threads together; each one that waits has its own connection besides."""
        connection: psycopg.Connection[Any] = self._connect()
        if not self._has_tables:
            with connection.transaction():
                for statement in (MAKE_ONE_AFTER_ANOTHER, *self.ddl):
                    connection.execute(statement)
            self._has_tables = True
        return connection


def _connected(url: str) -> psycopg.Connection[Any]:
    """Connect; what the URL says itself stands."""
    given = conninfo_to_dict(url)
    more = {name: value for name, value in CONNECTION.items() if name not in given}
    connection = psycopg.connect(url, autocommit=True, **more)
    connection.execute("SET synchronous_commit = off")
    connection.execute("SET client_min_messages = warning")  # not that a table is there already
    return connection
