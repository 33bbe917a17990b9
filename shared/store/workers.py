"""The rows of offhook's processes: their state, and when they were last seen."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import Any

from shared.store.database import Database
from shared.store.tables import WorkerRow
from shared.store.tallies import Tallies
from shared.store.values import Worker, value_of


class Workers:
    """The processes of one database, as a process on `host` sees them."""

    def __init__(self, database: Database, host: str, clock: Callable[[], float] = time.time) -> None:
        self._database, self._host, self._clock = database, host, clock
        self._tallies = Tallies(database)

    def enter(self, worker_id: str, kind: str, pid: int) -> None:
        """Add the row of a process that starts."""
        now = self._clock()
        query = WorkerRow.insert(
            id=worker_id,
            kind=kind,
            pid=pid,
            state="starting",
            started_at=now,
            last_seen_at=now,
            host=self._host,
        )
        with self._database.transaction():
            self._database.run(query)

    def beat(self, worker_id: str, state: str, engines: str) -> bool:
        """Update the state of a process, and how its engines (JSON) use the machine.

        Returns False if it has no row.
        """
        columns = {"state": state, "engines": engines, "last_seen_at": self._clock()}
        with self._database.statement():
            return bool(self._database.run(WorkerRow.update(**columns).where(WorkerRow.id == worker_id)))

    def remove(self, worker_ids: Collection[str]) -> None:
        """Remove the rows of processes that have ended."""
        with self._database.transaction():
            self._database.run(WorkerRow.delete().where(WorkerRow.id.in_(list(worker_ids))))
            self._tallies.fold()

    def every(self, kind: str | None = None) -> list[Worker]:
        """Return the processes, the oldest first."""
        query: Any = WorkerRow.select().order_by(WorkerRow.started_at)
        rows = self._database.all(query.where(WorkerRow.kind == kind) if kind else query)
        return [value_of(Worker, row) for row in rows]

    def is_here(self, host: str | None) -> bool:
        """Return whether a process is one of this host; a row without a host is."""
        return not host or host == self._host
