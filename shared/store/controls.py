"""The state of the whole queue: whether it is paused, and when retention was applied last."""

from __future__ import annotations

from typing import Any

from shared.store.database import Database
from shared.store.tables import QueueStateRow

ONLY_ROW = 1


class Controls:
    """The controls of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def paused(self) -> bool:
        """Return whether the queue is paused."""
        return bool(self._read(QueueStateRow.paused))

    def set_paused(self, paused: bool) -> None:
        """Pause the queue, or end the pause."""
        self._write(paused=paused)

    def retention_applied_at(self) -> float | None:
        """Return when finished records were last deleted for their age, None for never."""
        found = self._read(QueueStateRow.retention_applied_at)
        return None if found is None else float(found)

    def note_retention(self, now: float) -> None:
        """Record that retention is applied now."""
        self._write(retention_applied_at=now)

    def _read(self, column: Any) -> Any:
        return self._database.scalar(QueueStateRow.select(column).where(QueueStateRow.id == ONLY_ROW))

    def _write(self, **columns: Any) -> None:
        query = QueueStateRow.insert(id=ONLY_ROW, **columns)
        with self._database.transaction():
            self._database.run(query.on_conflict(conflict_target=[QueueStateRow.id], update=columns))
