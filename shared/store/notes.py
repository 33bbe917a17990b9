"""Notes of persons at moments of a record. Each change leaves the record's files out of date."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from peewee import Expression

from shared.store.database import Database
from shared.store.tables import NoteRow, RecordRow
from shared.store.values import sound


@dataclass(frozen=True)
class Note:
    """A person's note at a moment of a recording."""

    id: int
    at_ms: int
    text: str
    made_at: float


class Notes:
    """The notes of one database."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database, self._clock = database, clock

    def of_record(self, record_id: int) -> tuple[Note, ...]:
        """Return the notes of a record by their moments."""
        query = NoteRow.select().where(NoteRow.record == record_id).order_by(NoteRow.at_ms, NoteRow.id)
        return sound(Note, self._database.all(query))

    def add(self, record_id: int, at_ms: int, text: str, made_at: float | None = None) -> int:
        """Add a note and return its number."""
        made = self._clock() if made_at is None else made_at
        query = NoteRow.insert(record=record_id, at_ms=at_ms, text=text, made_at=made)
        with self._database.transaction():
            self._write_files_again(record_id)
            return int(self._database.scalar(query.returning(NoteRow.id)))

    def change(self, record_id: int, note_id: int, at_ms: int, text: str) -> bool:
        """Give a note another moment and text; return whether the record has it."""
        return self._changed(record_id, NoteRow.update(at_ms=at_ms, text=text).where(_is(record_id, note_id)))

    def delete(self, record_id: int, note_id: int) -> bool:
        """Delete a note; return whether the record had it."""
        return self._changed(record_id, NoteRow.delete().where(_is(record_id, note_id)))

    def _changed(self, record_id: int, query: Any) -> bool:
        with self._database.transaction():
            is_changed = bool(self._database.run(query))
            if is_changed:
                self._write_files_again(record_id)
            return is_changed

    def _write_files_again(self, record_id: int) -> None:
        self._database.run(RecordRow.update(archived_at=None).where(RecordRow.id == record_id))


def _is(record_id: int, note_id: int) -> Expression:
    return (NoteRow.record == record_id) & (NoteRow.id == note_id)
