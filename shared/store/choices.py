"""What a person chooses for a record besides its options: what it is called, whom it is about, how urgent
it is.
"""

from __future__ import annotations

from typing import Any

from peewee import fn

from shared.errors import StateConflict
from shared.store.database import Database
from shared.store.records import Records
from shared.store.tables import RecordRow
from shared.store.transitions import QUEUED
from shared.store.values import Record


class Choices:
    """The choices for the records of one database."""

    def __init__(self, database: Database, records: Records) -> None:
        self._database, self._records = database, records

    def describe(self, record_id: int, **columns: str | None) -> Record:
        """Set title, candidate_id or project_id; the record's files are out of date then, and written again.

        Raises RecordNotFound.
        """
        with self._database.transaction():
            self._records.get(record_id)
            self._write(record_id, archived_at=None, **columns)
            return self._records.get(record_id)

    def set_priority(self, record_id: int, priority: int) -> Record:
        """Set how urgent a queued record is; a higher one is sooner. Raises RecordNotFound, StateConflict."""
        with self._database.transaction():
            record = self._records.get(record_id)
            if record.transcription_status != QUEUED:
                state = record.transcription_status
                raise StateConflict(f"Recording {record_id} is {state}, so it waits for nothing.")
            self._write(record_id, priority=priority)
            return self._records.get(record_id)

    def highest_priority(self) -> int | None:
        """Return the priority of the most urgent queued record, None if none is queued."""
        waiting = RecordRow.transcription_status == QUEUED
        found = self._database.scalar(RecordRow.select(fn.MAX(RecordRow.priority)).where(waiting))
        return None if found is None else int(found)

    def _write(self, record_id: int, **columns: Any) -> None:
        self._database.run(RecordRow.update(**columns).where(RecordRow.id == record_id))
