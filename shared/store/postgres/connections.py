"""The connections to one PostgreSQL database, one for each thread."""

from __future__ import annotations

import math
from typing import Any

import peewee
import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg.types.numeric import FloatDumper
from psycopg.types.string import StrDumperUnknown

#: A server or a network that is gone is noticed in about this time, on both sides.
KEEPALIVE_SECONDS = 20
#: A process that stops in the middle of a transaction loses it after this time: its locks hold up others.
IDLE_SECONDS = 60
CONNECT_SECONDS = 10
#: Text as SQLite compares and sorts it: by its code points, whatever the server's language.
TEXT = 'TEXT COLLATE "C"'


class WithoutZeros(StrDumperUnknown):
    """Writes texts; PostgreSQL knows no zero in them, so that U+FFFD takes its place."""

    def dump(self, obj: str) -> Buffer | None:
        """Return a text in UTF-8."""
        return super().dump(obj.replace("\0", "\ufffd"))


class WithoutNan(FloatDumper):
    """Writes numbers; what is no number is NULL, as in SQLite, so that a column may refuse it."""

    def dump(self, obj: float) -> Buffer | None:
        """Return a number as text."""
        return None if math.isnan(obj) else super().dump(obj)


class Number(Loader):
    """Reads a sum of integers, which PostgreSQL makes a decimal number of any length."""

    def load(self, data: Buffer) -> int | float:
        """Return a whole number as an int, another one as a float."""
        text = bytes(data).decode()
        return int(text) if text.lstrip("-").isdigit() else float(text)


class Connections(peewee.PostgresqlDatabase):
    """Connections that commit each statement, with integers of 64 bits as in SQLite."""

    def __init__(self, url: str, busy_timeout_seconds: float) -> None:
        self._busy_timeout_seconds = busy_timeout_seconds
        types = {"AUTO": "BIGSERIAL", "INT": "BIGINT", "TEXT": TEXT}
        super().__init__(url, field_types=types, prefer_psycopg3=True)

    def opened(self) -> psycopg.Connection[Any]:
        """Return this thread's connection; it is made if there is none."""
        found: psycopg.Connection[Any] = self.connection()  # type: ignore[no-untyped-call]
        return found

    def is_broken(self) -> bool:
        """Whether this thread's connection was lost."""
        return not self.is_closed() and self.opened().closed

    def was_left(self) -> bool:
        """Whether the server has left this thread's connection, as far as can be seen without asking it."""
        try:
            self.opened().pgconn.consume_input()  # what the server said last
            self.opened().pgconn.consume_input()  # that it has left
        except psycopg.Error:
            return True
        return self.is_broken()

    def forget(self) -> None:
        """Let go of this thread's connection, whatever state it is in; the next use makes another."""
        connection = None if self.is_closed() else self.opened()
        self.dispose()
        if connection is not None:
            connection.close()

    def _connect(self) -> psycopg.Connection[Any]:
        return connect(self.database, self._busy_timeout_seconds)


def connect(url: str, busy_timeout_seconds: float) -> psycopg.Connection[Any]:
    """Connect to a database. Raises psycopg.Error."""
    connection = psycopg.connect(
        url,
        autocommit=True,
        client_encoding="utf-8",
        connect_timeout=CONNECT_SECONDS,
        keepalives_idle=KEEPALIVE_SECONDS // 2,
        keepalives_interval=KEEPALIVE_SECONDS // 4,
        keepalives_count=2,
        tcp_user_timeout=KEEPALIVE_SECONDS * 1000,  # for what was sent and has not arrived; on Linux
        fallback_application_name="offhook",
    )
    connection.adapters.register_dumper(str, WithoutZeros)
    connection.adapters.register_dumper(float, WithoutNan)
    connection.adapters.register_loader("numeric", Number)
    options = {
        "idle_in_transaction_session_timeout": f"{IDLE_SECONDS}s",
        "lock_timeout": milliseconds(busy_timeout_seconds),
        "tcp_keepalives_idle": f"{KEEPALIVE_SECONDS // 2}",
        "tcp_keepalives_interval": f"{KEEPALIVE_SECONDS // 4}",
        "tcp_keepalives_count": "2",
        "tcp_user_timeout": f"{KEEPALIVE_SECONDS}s",
        "TimeZone": "UTC",
    }
    try:
        connection.execute("; ".join(f"SET {name} = '{value}'" for name, value in options.items()))
    except psycopg.Error:
        connection.close()
        raise
    return connection


def milliseconds(seconds: float) -> str:
    """Return a timeout as PostgreSQL reads it; 0 would mean to wait for ever."""
    return f"{max(1, round(seconds * 1000))}ms"
