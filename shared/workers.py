"""The living processes: each one holds a locked file for as long as it lives.

The kernel frees the lock when a process ends, however it ends. So whether a worker still lives
depends neither on a clock nor on a process number that may have been given to somebody else.
"""

from __future__ import annotations

import contextlib
import os
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from peewee import DatabaseError, SqliteDatabase

from shared.locks import FileLock, is_free
from shared.store.models import Worker

ID_DIGITS = 12
#: A lock file is locked just after it is made, and its row written just after that.
BIRTH_SECONDS = 10.0


class Presence:
    """This process among the living, from `enter` to `leave`."""

    def __init__(
        self, database: SqliteDatabase, locks: Path, kind: str, clock: Callable[[], float] = time.time
    ) -> None:
        self.worker_id = f"{kind}-{uuid.uuid4().hex[:ID_DIGITS]}"
        self._database, self._kind, self._clock = database, kind, clock
        self._lock = FileLock(_lock_path(locks, self.worker_id))

    def enter(self) -> Presence:
        """Take the lock, then the row: a row without a held lock is a dead process."""
        self._lock.acquire()
        now = self._clock()
        with self._database.atomic():
            Worker.create(
                id=self.worker_id,
                kind=self._kind,
                pid=os.getpid(),
                state="starting",
                started_at=now,
                last_seen_at=now,
            )
        return self

    def beat(self, state: str, engines: str = "[]") -> None:
        """Give a sign of life, and say what this process is doing, and its engines (JSON)."""
        with self._database.atomic():
            Worker.update(state=state, engines=engines, last_seen_at=self._clock()).where(
                Worker.id == self.worker_id
            ).execute()

    def leave(self) -> None:
        """Go in good order; if the database has no time for that, `remove_dead` removes the row later."""
        try:
            with contextlib.suppress(DatabaseError), self._database.atomic():
                Worker.delete().where(Worker.id == self.worker_id).execute()
        finally:
            self._lock.release()
            _remove(self._lock.path)


def lives(locks: Path, worker_id: str) -> bool:
    """Whether the process behind a worker id still lives."""
    return not is_free(_lock_path(locks, worker_id))


def remove_dead(database: SqliteDatabase, locks: Path) -> list[str]:
    """Remove the rows and lock files of processes that ended without leaving; return the ids of the rows."""
    dead = [worker.id for worker in Worker.select() if not lives(locks, worker.id)]
    if dead:
        with database.atomic():
            Worker.delete().where(Worker.id.in_(dead)).execute()
        for worker_id in dead:
            _remove(_lock_path(locks, worker_id))
    remove_orphaned_locks(locks)
    return dead


def remove_orphaned_locks(locks: Path) -> None:
    """Remove the lock files of processes that died before they had a row."""
    known = {worker.id for worker in Worker.select(Worker.id)}
    for path in locks.glob(_lock_path(locks, f"*-{'[0-9a-f]' * ID_DIGITS}").name):
        with contextlib.suppress(OSError):  # another sweeper was faster
            age_seconds = time.time() - path.stat().st_mtime
            if path.stem not in known and age_seconds > BIRTH_SECONDS and is_free(path):
                path.unlink()


def _remove(path: Path) -> None:
    """Remove a lock file; on Windows it stays if somebody is just looking whether it is free."""
    with contextlib.suppress(OSError):
        path.unlink()


def _lock_path(locks: Path, worker_id: str) -> Path:
    return locks / f"{worker_id}.lock"
