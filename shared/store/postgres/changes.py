"""Notices changes by LISTEN, and says which changes of records can be passed on without a gap."""

from __future__ import annotations

import time
from typing import Any

import psycopg

from shared.store.postgres.connections import connect
from shared.store.postgres.locks import CHANGES
from shared.store.postgres.session import Session

CHANNEL = "offhook"
#: Changes that come without a notice (claims, progress) are looked for this often.
LOOK_SECONDS = 1.0
#: A server that is away is tried again this often.
RETRY_SECONDS = 1.0
BUSY_SECONDS = 10.0

_DRAWN = "SELECT last_value FROM change_seq"
#: The lowest change before those that transactions have drawn and not committed yet: see `triggers.py`.
_UNSEEN = f"""
    SELECT min(((classid::bigint & 65535) << 32) | objid::bigint) FROM pg_locks
    WHERE locktype = 'advisory' AND objsubid = 1 AND classid::bigint >> 16 = {CHANGES}
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""


def horizon(session: Session) -> int:
    """Return the last change before which all are committed, or will never be.

    What was drawn is read first. A transaction that draws later gets a later change; one that drew earlier
    and has not ended is in the locks.
    """

    def read() -> int:
        cursor = session.execute(f"{_DRAWN}; {_UNSEEN}")
        (drawn,) = cursor.fetchone() or (0,)
        cursor.nextset()
        (unseen,) = cursor.fetchone() or (None,)
        return int(drawn if unseen is None else min(drawn, unseen))

    return int(session.reading(read))


class PostgresChangeFeed:
    """A feed of committed changes; a context manager. It lives through a restart of the server."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: psycopg.Connection[Any] | None = None
        self._drawn = self._connect()

    def __enter__(self) -> PostgresChangeFeed:
        return self

    def __exit__(self, *_: object) -> None:
        self._let_go()

    def wait(self, timeout_seconds: float) -> bool:
        """Return True as soon as something has changed since the last call, False after the timeout.

        While the server is away nothing changes; when it is back, something may have.
        """
        deadline = time.monotonic() + timeout_seconds
        while True:
            left = deadline - time.monotonic()
            try:
                if self._connection is None:
                    self._drawn = self._connect()
                    return True
                if self._is_notified(max(0.0, min(left, LOOK_SECONDS))):
                    return True
            except psycopg.Error:
                self._let_go()
                time.sleep(max(0.0, min(left, RETRY_SECONDS)))
            if left <= 0:
                return False

    def _is_notified(self, timeout_seconds: float) -> bool:
        assert self._connection
        found = any(True for _ in self._connection.notifies(timeout=timeout_seconds, stop_after=1))
        before, self._drawn = self._drawn, self._look(self._connection)
        return found or before != self._drawn

    def _connect(self) -> int:
        self._connection = connect(self._url, BUSY_SECONDS)
        self._connection.execute(f"LISTEN {CHANNEL}")
        return self._look(self._connection)

    def _look(self, connection: psycopg.Connection[Any]) -> int:
        (drawn,) = connection.execute(_DRAWN).fetchone() or (0,)
        return int(drawn)

    def _let_go(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None
