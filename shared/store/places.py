"""The places of recordings in the library: reserved ones, and archived records."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from peewee import Case, fn

from shared.store.database import Database
from shared.store.records import Records, matching
from shared.store.tables import LibraryFileRow, RecordRow
from shared.store.transitions import COMPLETED
from shared.store.values import Record


class LibraryFile(NamedTuple):
    """The content of a transcript: the suffix of its file, its size and its hash."""

    suffix: str
    size_bytes: int
    sha256: str


class Places:
    """The places in the library of one database's records."""

    def __init__(self, database: Database, records: Records, clock: Callable[[], float] = time.time) -> None:
        self._database, self._records, self._clock = database, records, clock

    def reserve_stem(self, record_id: int, candidates: Iterator[str]) -> str:
        """Reserve a record's place in the library; return the same one each time."""
        with self._database.transaction():
            if stem := self._records.get(record_id).library_stem:
                return stem
            stem = next(
                c for c in candidates if not matching(self._database, RecordRow.library_stem == c, limit=1)
            )
            self._write(record_id, library_stem=stem)
            return stem

    def stems(self) -> list[str]:
        """Return every place in the library that is reserved."""
        query = RecordRow.select(RecordRow.library_stem).where(RecordRow.library_stem.is_null(False))
        return [row["library_stem"] for row in self._database.all(query)]

    def files(self, record_id: int) -> list[LibraryFile]:
        """Return what was written of a record's transcripts and may still be in the library."""
        query = LibraryFileRow.select().where(LibraryFileRow.record == record_id)
        rows = self._database.all(query)
        return [LibraryFile(row["suffix"], row["size_bytes"], row["sha256"]) for row in rows]

    def add_files(self, record_id: int, files: Iterable[LibraryFile]) -> None:
        """Store what is about to be written of a record's transcripts."""
        with self._database.transaction():
            for file in files:
                row = LibraryFileRow.insert(record=record_id, **file._asdict())
                self._database.run(row.on_conflict_ignore())

    def forget_files(self, record_id: int, files: Iterable[LibraryFile]) -> None:
        """Forget contents that are in the library no more."""
        with self._database.transaction():
            for file in files:
                mine = (LibraryFileRow.record == record_id) & (LibraryFileRow.suffix == file.suffix)
                self._database.run(
                    LibraryFileRow.delete().where(mine & (LibraryFileRow.sha256 == file.sha256))
                )

    def mark_archived(self, record: Record, recording_path: str, *, is_current: bool = True) -> None:
        """Set the path of a recording, and that its present transcript is archived if it `is_current`."""
        completed = RecordRow.transcription_status == COMPLETED
        is_archived = completed & (RecordRow.completed_at == record.completed_at)
        archived_at = Case(None, [(is_archived, self._clock())], RecordRow.archived_at)
        columns = {"archived_at": archived_at} if is_current else {}
        with self._database.transaction():
            self._write(record.id, recording_path=recording_path, **columns)

    def unarchived(self, limit: int = 100) -> list[Record]:
        """Return completed records that are not archived, different ones each time."""
        where = (RecordRow.transcription_status == COMPLETED) & RecordRow.archived_at.is_null()
        return matching(self._database, where, fn.RANDOM(), limit=limit)

    def archived_since(self, moment: float, limit: int) -> list[Record]:
        """Return completed records that reached the library since `moment`, the newest first."""
        where = (RecordRow.transcription_status == COMPLETED) & (RecordRow.completed_at >= moment)
        where &= RecordRow.archived_at.is_null(False)
        return matching(self._database, where, RecordRow.completed_at.desc(), limit=limit)

    def _write(self, record_id: int, **columns: Any) -> None:
        self._database.run(RecordRow.update(**columns).where(RecordRow.id == record_id))
