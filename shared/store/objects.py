"""The objects of the storage that are to be deleted: one row each, until the storage has confirmed it.

A row is written in the transaction that deletes its record. It is also written before an object is put there,
due a day later, and removed in the transaction that adds its record: so an object whose put or record a dead
process has left behind goes, too.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from peewee import Expression

from shared.store.database import Database
from shared.store.tables import ObjectDeletionRow, RecordRow
from shared.store.values import value_of
from shared.store.waiting import has_come

#: An object gets its record within this time, or is deleted.
UNCLAIMED_SECONDS = 86_400.0
#: A wait that seems longer means that a clock was set back; clocks of machines differ by less.
LONGEST_EXPECTATION_SECONDS = 2 * UNCLAIMED_SECONDS
#: Of what is tried by one process, no other tries meanwhile.
TAKEN_SECONDS = 120.0
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 5.0, 600.0


@dataclass(frozen=True)
class ObjectDeletion:
    """An object that is to be deleted, and why that did not work the last time."""

    storage_key: str
    ordered_at: float
    attempts: int = 0
    next_attempt_at: float = 0.0
    error: str | None = None


class Objects:
    """The deletions of objects that are under way in one database."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database, self._clock = database, clock

    def order(self, storage_key: str) -> None:
        """Let an object be deleted now; call in the transaction that deletes its record."""
        self._insert(storage_key, self._clock())

    def expect(self, storage_key: str) -> bool:
        """Let an object be deleted in a day, unless it gets its record by then; call before its put.

        Returns False if an earlier object of this key is being deleted: then the put needs another key.
        """
        with self._database.transaction():
            going = _is(storage_key) & (ObjectDeletionRow.attempts > 0)
            if self._database.first(ObjectDeletionRow.select().where(going)):
                return False
            self._insert(storage_key, self._clock() + UNCLAIMED_SECONDS)
            return True

    def claim(self, storage_key: str) -> None:
        """Let an expected object stay; call in the transaction that adds its record."""
        with self._database.transaction():
            self._database.run(ObjectDeletionRow.delete().where(_is(storage_key)))

    def is_due(self) -> bool:
        """Whether there may be something to take."""
        return self._database.first(ObjectDeletionRow.select().where(self._due()).limit(1)) is not None

    def take(self) -> ObjectDeletion | None:
        """Take a deletion that is due, so that no other process tries it meanwhile; None if there is none.

        A row whose object has a record again is removed instead.
        """
        now, due = self._clock(), self._due()
        with self._database.transaction():
            kept = RecordRow.select(RecordRow.storage_key).where(RecordRow.storage_key.is_null(False))
            wanted = due & ObjectDeletionRow.storage_key.in_(kept)
            self._database.run(ObjectDeletionRow.delete().where(wanted))
            first = ObjectDeletionRow.select().where(due).order_by(ObjectDeletionRow.next_attempt_at).limit(1)
            row = self._database.first(first)
            if row is None:
                return None
            taken = {"attempts": row["attempts"] + 1, "next_attempt_at": now + TAKEN_SECONDS}
            self._change(row["storage_key"], **taken)
        return value_of(ObjectDeletion, row | taken)

    def failed(self, deletion: ObjectDeletion, error: str) -> None:
        """Try it again after a wait, which doubles each time."""
        wait = min(FIRST_WAIT_SECONDS * 2 ** min(deletion.attempts - 1, 10), LONGEST_WAIT_SECONDS)
        self._change(deletion.storage_key, next_attempt_at=self._clock() + wait, error=error)

    def gone(self, storage_key: str) -> None:
        """Remove the row of an object that the storage has no longer."""
        self.claim(storage_key)

    def ordered(self) -> list[ObjectDeletion]:
        """Return the objects whose record is deleted, and which are not yet; the oldest first."""
        is_due = ObjectDeletionRow.next_attempt_at <= ObjectDeletionRow.ordered_at
        query = ObjectDeletionRow.select().where(is_due | (ObjectDeletionRow.attempts > 0))
        rows = self._database.all(query.order_by(ObjectDeletionRow.ordered_at))
        return [value_of(ObjectDeletion, row) for row in rows]

    def expected(self) -> set[str]:
        """Return the objects that may get a record yet, or are to be deleted."""
        return set(self._database.column(ObjectDeletionRow.select(ObjectDeletionRow.storage_key)))

    def records_among(self, record_ids: Collection[int]) -> set[int]:
        """Return which of these numbers are of a record, whosever it is."""
        query = RecordRow.select(RecordRow.id).where(RecordRow.id.in_(list(record_ids)))
        return set(self._database.column(query))

    def _due(self) -> Any:
        return has_come(ObjectDeletionRow.next_attempt_at, self._clock(), LONGEST_EXPECTATION_SECONDS)

    def _insert(self, storage_key: str, due_at: float) -> None:
        row = {"ordered_at": self._clock(), "next_attempt_at": due_at}
        query = ObjectDeletionRow.insert(storage_key=storage_key, **row)
        conflict = {"conflict_target": [ObjectDeletionRow.storage_key], "update": row}
        with self._database.transaction():
            self._database.run(query.on_conflict(**conflict))

    def _change(self, storage_key: str, **columns: object) -> None:
        with self._database.transaction():
            self._database.run(ObjectDeletionRow.update(**columns).where(_is(storage_key)))


def _is(storage_key: str) -> Expression:
    return ObjectDeletionRow.storage_key == storage_key
