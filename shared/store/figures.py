"""Figures of the whole queue for monitoring: counts and ages that indexes answer, never a title or a name."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from peewee import SQL, fn

from shared.store.database import Database
from shared.store.outbox_states import UNSENT
from shared.store.tables import IncomingCallRow, MachineRow, OutboxRow, RecordRow, WorkerRow
from shared.store.transitions import FAILED, QUEUED, STATES


@dataclass(frozen=True)
class Seen:
    """A machine, and what runs on it: processes by kind, and the latest sign of life in seconds ago."""

    host: str
    name: str
    seen_seconds_ago: float
    draining: bool
    processes: dict[str, int]


@dataclass(frozen=True)
class Unsent:
    """What a workstation has not handed over yet."""

    recordings: int
    bytes: int
    oldest_seconds: float


class Figures:
    """The figures of one database."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database, self._clock = database, clock

    def states(self) -> dict[str, int]:
        """Return the number of recordings in each state."""
        found = self._counts(RecordRow.transcription_status)
        return {name: found.get(name, 0) for name in STATES}

    def oldest_queued_seconds(self) -> float:
        """Return for how long the first of the queued recordings has been waiting; 0 if none waits."""
        first = RecordRow.select(fn.MIN(RecordRow.id)).where(RecordRow.transcription_status == QUEUED)
        return self._age(RecordRow.select(RecordRow.created_at).where(RecordRow.id == first))

    def failed_by_code(self) -> dict[str, int]:
        """Return the number of recordings that are failed now by the code of their error."""
        return self._counts(RecordRow.error_code, RecordRow.transcription_status == FAILED)

    def machines(self) -> list[Seen]:
        """Return the machines that are known, those with a process and those without."""
        now, kinds = self._clock(), self._processes()
        rows = {row["host"]: row for row in self._database.all(MachineRow.select())}
        last = {host: row["last_seen_at"] for host, row in rows.items()}
        for host, (_, seen_at) in kinds.items():
            last[host] = max(last.get(host, 0.0), seen_at)
        return [
            Seen(
                host,
                rows[host]["name"] if host in rows else "",
                max(0.0, now - seen_at),
                bool(host in rows and rows[host]["draining"]),
                kinds[host][0] if host in kinds else {},
            )
            for host, seen_at in sorted(last.items())
        ]

    def unsent(self) -> Unsent:
        """Return what this workstation's outbox holds."""
        is_unsent = OutboxRow.state.in_(UNSENT)
        columns = {
            "recordings": fn.COUNT(RecordRow.id),
            "bytes": fn.SUM(RecordRow.size_bytes),
            "oldest": fn.MIN(RecordRow.created_at),
        }
        sums = RecordRow.select(*(column.alias(name) for name, column in columns.items()))
        joined = sums.join(OutboxRow, on=OutboxRow.record == RecordRow.id)
        row = self._database.first(joined.where(is_unsent)) or {}
        oldest = row.get("oldest")
        age = max(0.0, self._clock() - oldest) if oldest is not None else 0.0
        return Unsent(int(row.get("recordings") or 0), int(row.get("bytes") or 0), age)

    def arriving(self) -> int:
        """Return the number of calls that workstations are sending to this server."""
        return int(self._database.scalar(IncomingCallRow.select(fn.COUNT(SQL("*")))))

    def has_stored(self) -> bool:
        """Return whether any recording is in a team's storage."""
        stored = RecordRow.select(RecordRow.id).where(RecordRow.storage_key.is_null(False))
        return self._database.first(stored.limit(1)) is not None

    def _processes(self) -> dict[str, tuple[dict[str, int], float]]:
        columns = (WorkerRow.host, WorkerRow.kind, WorkerRow.last_seen_at)
        found: dict[str, tuple[dict[str, int], float]] = {}
        for row in self._database.all(WorkerRow.select(*columns)):
            kinds, seen_at = found.get(row["host"] or "", ({}, 0.0))
            kinds[row["kind"]] = kinds.get(row["kind"], 0) + 1
            found[row["host"] or ""] = kinds, max(seen_at, row["last_seen_at"])
        return found

    def _counts(self, column: Any, where: Any = None) -> dict[str, int]:
        """Return the number of records for each value of a column."""
        query = RecordRow.select(column.alias("name"), fn.COUNT(SQL("*")).alias("count"))
        rows = self._database.all((query if where is None else query.where(where)).group_by(column))
        return {str(row["name"] or ""): int(row["count"]) for row in rows}

    def _age(self, query: Any) -> float:
        at = self._database.scalar(query)
        return 0.0 if at is None else max(0.0, self._clock() - float(at))
