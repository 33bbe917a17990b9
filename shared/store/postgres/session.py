"""Transactions on one PostgreSQL database, one at a time in each thread, and the errors of its driver."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import peewee
import psycopg
from psycopg.conninfo import conninfo_to_dict

from shared.errors import SettingsError, StoreAway, StoreConflict
from shared.store.postgres import failures
from shared.store.postgres.connections import Connections, milliseconds
from shared.store.postgres.server_clock import ServerClock
from shared.urls import masked

NOW = "extract(epoch FROM clock_timestamp())::float8"
#: What the store's own change feed is not woken by; it looks itself from time to time.
QUIETLY = "set_config('offhook.quiet', 'on', true)"


@dataclass
class _Own:
    """What one thread does."""

    depth: int = 0
    is_lost: bool = False  # the connection of its transaction
    patience_seconds: float | None = None
    is_synced: bool = True


@dataclass(frozen=True)
class _Steps:
    """How a transaction begins, and how it ends in the one way or the other."""

    begin: Callable[[], None]
    end: Callable[[], None]
    undo: Callable[[], None]


class Session:
    """The connections of all threads, and the transaction of each."""

    def __init__(self, url: str, busy_timeout_seconds: float) -> None:
        self.name = masked(url)
        _check(url)
        self.peewee = Connections(url, busy_timeout_seconds)
        self.clock = ServerClock(self._ask_time)
        self._threads = threading.local()

    @property
    def own(self) -> _Own:
        """What the calling thread does."""
        found: _Own | None = getattr(self._threads, "own", None)
        if found is None:
            found = self._threads.own = _Own()
        return found

    @contextmanager
    def transaction(self, locks: str) -> Iterator[None]:
        """Make all statements inside succeed or fail together; inside of another one, undo them alone."""
        own = self.own
        steps = self._inner() if own.depth else self._outer(locks)
        with self.errors():
            steps.begin()
            own.depth += 1
            try:
                yield
                steps.end()
            except BaseException:
                steps.undo()
                raise
            finally:
                own.depth -= 1
                own.is_lost = own.is_lost and own.depth > 0

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Turn what the driver raises into the store's errors; let go of a connection that was lost."""
        try:
            if self.own.is_lost:
                raise StoreAway(f"{self.name}: the connection was lost in the middle of a transaction.")
            yield
        except (peewee.PeeweeException, psycopg.Error) as error:
            self._let_go_if_lost()
            raise failures.translated(error, self.name) from error

    def execute(self, statement: str, values: tuple[Any, ...] | None = None) -> psycopg.Cursor[Any]:
        """Run statements, several only without values. Raises the driver's errors."""
        return self.peewee.opened().cursor().execute(statement, values, prepare=False)

    def rows(self, statement: str, values: tuple[Any, ...] = ()) -> list[Any]:
        """Return the rows that a statement reads."""
        found: list[Any] = self.reading(lambda: self.execute(statement, values).fetchall())
        return found

    def write(self, statement: str, values: tuple[Any, ...] = ()) -> None:
        """Run a statement that writes, in the present transaction."""
        with self.errors():
            self.execute(statement, values)

    def reading(self, read: Callable[[], Any]) -> Any:
        """Return what is read. A connection that was lost since its last use is made again, once."""
        with self.errors():
            try:
                return read()
            except (peewee.PeeweeException, psycopg.Error) as error:
                if self.own.depth or not self._let_go_if_lost():
                    raise error
            return read()

    def _outer(self, locks: str) -> _Steps:
        return _Steps(lambda: self._begin(locks), self._commit, self._roll_back)

    def _inner(self) -> _Steps:
        name = f"s{self.own.depth}"
        return _Steps(
            lambda: self.write(f"SAVEPOINT {name}"),
            lambda: self.write(f"RELEASE {name}"),
            lambda: self._undo(name),
        )

    def taken(self, locks: str) -> str:
        """Return a condition that takes locks and is true, for a statement that is a transaction by itself.

        What it reads was committed before it waited for a lock. It looks again at a row changed since.
        A connection that was lost since its last use is let go of. A statement that is lost under way is not
        repeated: it may have been committed.
        """
        if not self.peewee.is_closed() and self.peewee.was_left():
            self.peewee.forget()
        return f"(SELECT concat({', '.join((*self._chosen(), locks))})) IS NOT NULL"

    def _begin(self, locks: str) -> None:
        """Begin, take locks and note the server's time, all in one message."""
        statement = f"BEGIN; SELECT {', '.join((*self._chosen(), locks, NOW))}"
        try:
            cursor = self._first(statement)
        except BaseException:
            self._roll_back()
            raise
        while cursor.nextset():
            pass
        self.clock.note(cursor.fetchall()[0][-1])

    def _first(self, statement: str) -> psycopg.Cursor[Any]:
        """Run the first statement of a transaction; nothing is lost if that takes another connection."""
        try:
            return self.execute(statement)
        except (peewee.PeeweeException, psycopg.Error):
            if not self._let_go_if_lost():
                raise
        return self.execute(statement)

    def _chosen(self) -> Iterator[str]:
        """Yield what this thread has chosen for its transactions; it holds for what follows."""
        own = self.own
        if own.patience_seconds is not None:
            yield f"set_config('lock_timeout', '{milliseconds(own.patience_seconds)}', true)"
        if not own.is_synced:
            yield "set_config('synchronous_commit', 'off', true)"

    def _commit(self) -> None:
        if self.own.is_lost:
            raise StoreAway(f"{self.name}: the connection was lost in the middle of a transaction.")
        answer = self.execute("COMMIT").statusmessage
        if answer != "COMMIT":  # a statement had failed
            raise StoreConflict(f"{self.name} has undone a transaction: one of its statements had failed.")

    def _roll_back(self) -> None:
        """Undo everything; a connection that cannot is let go of, and the server does it."""
        if self.peewee.is_closed():
            return
        try:
            self.execute("ROLLBACK")
        except (peewee.PeeweeException, psycopg.Error):
            self.peewee.forget()

    def _undo(self, name: str) -> None:
        """Undo to a savepoint; if that fails, the outer transaction fails as well."""
        with suppress(peewee.PeeweeException, psycopg.Error):
            if not self.own.is_lost:
                self.execute(f"ROLLBACK TO {name}; RELEASE {name}")

    def _let_go_if_lost(self) -> bool:
        """Let go of a connection that was lost; return whether it was."""
        if not self.peewee.is_broken():
            return False
        self.own.is_lost = self.own.depth > 0
        self.peewee.forget()
        return True

    def _ask_time(self) -> float:
        ((now,),) = self.rows(f"SELECT {NOW}")
        return float(now)


def _check(url: str) -> None:
    """Raise SettingsError for what is no URL, without a word of it: it may have a password."""
    try:
        for host in str(conninfo_to_dict(url).get("host", "")).split(","):
            host.encode("idna" if not host.startswith(("/", "@")) else "utf-8")  # a folder has a socket
    except (psycopg.Error, UnicodeError):
        raise SettingsError("database is not a URL of PostgreSQL.") from None
