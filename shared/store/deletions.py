"""The records that persons have deleted and may still bring back, each until it is due."""

from __future__ import annotations

from collections.abc import Collection

from peewee import Expression

from shared.store.database import Database
from shared.store.tables import DeletionRow
from shared.store.waiting import has_come

LONGEST_WAIT_SECONDS = 3600.0


class Deletions:
    """The deletions of one database that can still be undone. The rows of a record go with it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, record_id: int, due_at: float) -> None:
        """Let a record be deleted at a time; a second deletion does not put off the first."""
        self.add_all([record_id], due_at)

    def add_all(self, record_ids: Collection[int], due_at: float) -> None:
        """Let several records be deleted at a time."""
        rows = [{"record": record_id, "due_at": due_at} for record_id in record_ids]
        if rows:
            with self._database.transaction():
                query = DeletionRow.insert_many(rows)
                self._database.run(query.on_conflict(conflict_target=[DeletionRow.record], action="IGNORE"))

    def remove(self, record_ids: Collection[int]) -> list[int]:
        """Let records not be deleted after all; return those that waited for it."""
        with self._database.transaction():
            waiting = sorted(set(self.due_at(record_ids)))
            self._database.run(DeletionRow.delete().where(DeletionRow.record.in_(waiting)))
            return waiting

    def due_at(self, record_ids: Collection[int]) -> dict[int, float]:
        """Return when records are deleted, those of them that wait for it."""
        query = DeletionRow.select().where(DeletionRow.record.in_(list(record_ids)))
        return {row["record"]: row["due_at"] for row in self._database.all(query)}

    def due(self, now: float) -> list[int]:
        """Return the numbers of the records whose time has come."""
        query = DeletionRow.select().where(_is_due(now)).order_by(DeletionRow.record)
        return [row["record"] for row in self._database.all(query)]

    def next_due_at(self) -> float | None:
        """Return when the next record is deleted, None if none waits."""
        row = self._database.first(DeletionRow.select().order_by(DeletionRow.due_at).limit(1))
        return float(row["due_at"]) if row else None


def _is_due(now: float) -> Expression:
    return has_come(DeletionRow.due_at, now, LONGEST_WAIT_SECONDS)
