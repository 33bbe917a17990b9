"""The machines that transcribe for one database: what each can do, and whether it takes recordings.

A machine is known by its host. Its worker writes the row from time to time; a person drains it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from peewee import fn

from shared.errors import OffhookError
from shared.store.database import Database
from shared.store.tables import MachineRow, RecordRow, WorkerRow
from shared.store.transitions import PROCESSING
from shared.store.values import sound
from shared.store.workers import Workers

CPU, GPU = "cpu", "cuda"
#: A machine that was seen within this time counts as running.
SEEN_SECONDS = 30.0
SHORTEST_PREFIX = 4


class MachineNotFound(OffhookError):
    """There is no such machine. `offhook machines list` shows them all."""

    code = "machine_not_found"


class MachineRuns(OffhookError):
    """The machine runs, so it cannot be forgotten. Stop its workers first."""

    code = "machine_runs"


@dataclass(frozen=True)
class Machine:
    """A machine; `models` are the names of those it has, `workers` how many recordings it takes at once."""

    host: str
    name: str
    version: str
    device: str
    first_seen_at: float
    last_seen_at: float
    models: tuple[str, ...] = ()
    workers: int = 0
    draining: bool = False

    def runs(self, now: float) -> bool:
        """Whether it was seen lately; `now` is the store's time."""
        return now - self.last_seen_at <= SEEN_SECONDS

    @property
    def has_gpu(self) -> bool:
        """Whether its engines decode on a GPU."""
        return self.device == GPU


class Machines:
    """The machines of one database, as a process on `host` sees them."""

    def __init__(
        self, database: Database, workers: Workers, host: str, clock: Callable[[], float] = time.time
    ) -> None:
        self._database, self._workers, self._host, self._clock = database, workers, host, clock

    def beat(self, *, name: str, version: str, device: str, models: Iterable[str], workers: int) -> bool:
        """Say what this machine can do, and that it runs; return whether it is being drained."""
        now = self._clock()
        columns: dict[str, Any] = {
            "name": name,
            "version": version,
            "device": device,
            "models": json.dumps(list(models)),
        }
        columns |= {"workers": workers, "last_seen_at": now}
        query = MachineRow.insert(host=self._host, first_seen_at=now, **columns)
        query = query.on_conflict(conflict_target=[MachineRow.host], update=columns)
        with self._database.statement():
            self._database.run(query)
        return self.is_draining()

    def is_draining(self) -> bool:
        """Whether this machine is to take no further recordings."""
        here = MachineRow.host == self._host
        return bool(self._database.scalar(MachineRow.select(MachineRow.draining).where(here)))

    def every(self) -> list[Machine]:
        """Return the machines by their names."""
        query = MachineRow.select().order_by(MachineRow.name, MachineRow.host)
        return list(sound(Machine, self._database.all(query)))

    def others(self) -> list[Machine]:
        """Return the machines besides this one that run and take recordings."""
        now = self._clock()
        return [it for it in self.every() if it.host != self._host and it.runs(now) and not it.draining]

    def named(self, wanted: str) -> Machine:
        """Return the machine with a name, or with a host that begins so. Raises MachineNotFound."""
        every = self.every()
        by_name = [it for it in every if it.name == wanted]
        by_host = [it for it in every if len(wanted) >= SHORTEST_PREFIX and it.host.startswith(wanted)]
        found = by_name or by_host
        if not found:
            raise MachineNotFound(f"There is no machine {wanted}. `offhook machines list` shows them all.")
        if len(found) > 1:
            hosts = ", ".join(it.host[:12] for it in found)
            raise MachineNotFound(f"There are several machines {wanted}: {hosts}. Give the one of these.")
        return found[0]

    def claimed(self) -> dict[str, int]:
        """Return how many recordings each host transcribes now."""
        query = RecordRow.select(RecordRow.worker_host, fn.COUNT(RecordRow.id).alias("count"))
        query = query.where(RecordRow.transcription_status == PROCESSING).group_by(RecordRow.worker_host)
        return {row["worker_host"] or "": int(row["count"]) for row in self._database.all(query)}

    def drain(self, host: str) -> None:
        """Let a machine finish what it has, and take nothing more. Raises MachineNotFound."""
        self._set(host, draining=1)

    def undrain(self, host: str) -> None:
        """Let a machine take recordings again. Raises MachineNotFound."""
        self._set(host, draining=0)

    def forget(self, host: str) -> None:
        """Remove a machine that does not come back, and its processes. Raises MachineNotFound, MachineRuns.

        What it had claimed is taken back when its lease ends, as always.
        """
        with self._database.transaction():
            found = next((it for it in self.every() if it.host == host), None)
            if found is None:
                raise MachineNotFound
            if found.runs(self._clock()):
                raise MachineRuns(
                    f"{found.name} was seen just now. Stop its workers, and wait half a minute."
                )
            self._database.run(MachineRow.delete().where(MachineRow.host == host))
            self._workers.remove(
                self._database.column(WorkerRow.select(WorkerRow.id).where(WorkerRow.host == host))
            )

    def _set(self, host: str, **columns: Any) -> None:
        with self._database.transaction():
            if not self._database.run(MachineRow.update(**columns).where(MachineRow.host == host)):
                raise MachineNotFound
