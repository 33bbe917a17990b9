"""The running processes: each one holds a locked file on its host until it ends.

The kernel frees the lock when a process ends, however it ends. So whether a process still runs depends
neither on a clock nor on a process number that may have been given to another one. A lock is asked on its own
host only. What belongs to another host is judged by its lease, its last sign of life and the store's clock.
"""

from __future__ import annotations

import contextlib
import os
import time
import uuid
from pathlib import Path

from shared.errors import StoreError
from shared.locks import FileLock, is_free
from shared.store.machines import SEEN_SECONDS
from shared.store.store import Store
from shared.store.values import Worker

ID_DIGITS = 12
#: A lock file is locked just after it is made, and its row written just after that.
STARTING_SECONDS = 10.0
#: After this time without a sign of life, a process of another host does not come back.
FORGOTTEN_SECONDS = 86_400.0


class Presence:
    """This process among the running ones, from `enter` to `leave`."""

    def __init__(self, store: Store, locks: Path, kind: str) -> None:
        self.worker_id = f"{kind}-{uuid.uuid4().hex[:ID_DIGITS]}"
        self._store, self._kind = store, kind
        self._lock = FileLock(_lock_path(locks, self.worker_id))

    def enter(self) -> Presence:
        """Take the lock, then add the row: a row without a held lock is that of a process that has ended."""
        self._lock.acquire()
        self._store.workers.enter(self.worker_id, self._kind, os.getpid())
        return self

    def beat(self, state: str, engines: str = "[]") -> None:
        """Update this process's row: its state, and its engines (JSON); make it again if it was removed."""
        if not self._store.workers.beat(self.worker_id, state, engines):
            self._store.workers.enter(self.worker_id, self._kind, os.getpid())

    def leave(self) -> None:
        """Leave in good order; if the database is busy, `remove_dead` removes the row later."""
        try:
            with contextlib.suppress(StoreError):
                self._store.workers.remove([self.worker_id])
        finally:
            self._lock.release()
            _remove(self._lock.path)


class Liveness:
    """This host's knowledge of processes."""

    def __init__(self, store: Store, locks: Path) -> None:
        self._store, self._locks = store, locks

    def has_ended(self, worker_id: str, host: str | None) -> bool:
        """Return whether a process has certainly ended; of another host's process nothing is certain."""
        return self._store.workers.is_here(host) and is_free(_lock_path(self._locks, worker_id))

    def runs(self, worker_id: str, host: str | None) -> bool:
        """Return whether a process of this host still runs; another host's counts as running."""
        return not self.has_ended(worker_id, host)

    def is_alive(self, worker: Worker) -> bool:
        """Return whether a process runs: one of this host by its lock, another by its last sign of life."""
        if self._store.workers.is_here(worker.host):
            return not self.has_ended(worker.id, worker.host)
        return self._store.clock() - worker.last_seen_at <= SEEN_SECONDS

    def remove_dead(self) -> list[str]:
        """Remove the rows and locks of this host's ended processes; return their ids.

        The rows of other hosts go after a day without a sign of life.
        """
        long_ago = self._store.clock() - FORGOTTEN_SECONDS
        ended = [
            it.id
            for it in self._store.workers.every()
            if self.has_ended(it.id, it.host)
            or (it.last_seen_at < long_ago and not self._store.workers.is_here(it.host))
        ]
        if ended:
            self._store.workers.remove(ended)
            for worker_id in ended:
                _remove(_lock_path(self._locks, worker_id))
        self._remove_orphaned_locks()
        return ended

    def _remove_orphaned_locks(self) -> None:
        """Remove the lock files of processes that ended before they had a row."""
        known = {worker.id for worker in self._store.workers.every()}
        for path in self._locks.glob(_lock_path(self._locks, f"*-{'[0-9a-f]' * ID_DIGITS}").name):
            with contextlib.suppress(OSError):  # another sweeper was faster
                age_seconds = time.time() - path.stat().st_mtime
                if path.stem not in known and age_seconds > STARTING_SECONDS and is_free(path):
                    path.unlink()


def _remove(path: Path) -> None:
    """Remove a lock file; on Windows it stays while another process looks whether it is free."""
    with contextlib.suppress(OSError):
        path.unlink()


def _lock_path(locks: Path, worker_id: str) -> Path:
    return locks / f"{worker_id}.lock"
