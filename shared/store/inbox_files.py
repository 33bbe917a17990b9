"""The files that the inbox has handled, with their size and time then."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from shared.files import Fingerprint
from shared.store.database import Database
from shared.store.tables import InboxFileRow, RecordRow
from shared.store.values import InboxFile, value_of

#: It became a record; another record has its content; it cannot be read; its record is marked for deletion.
ADOPTED, COPY, UNREADABLE, MARKED = "adopted", "copy", "unreadable", "marked"
#: Outcomes that a person should know, as the files stay in the inbox.
TROUBLES = (COPY, UNREADABLE)


class InboxFiles:
    """The inbox files of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, path: Path) -> InboxFile | None:
        """Return the row of a file, None if there is none."""
        row = self._database.first(InboxFileRow.select().where(InboxFileRow.path == str(path)))
        return value_of(InboxFile, row) if row else None

    def note(self, path: Path, fingerprint: Fingerprint, outcome: str, record_id: int | None) -> None:
        """Write the outcome of a file with its present size and time."""
        known = {
            "size_bytes": fingerprint.size_bytes,
            "modified_ns": fingerprint.modified_ns,
            "outcome": outcome,
            "record": record_id,
        }
        query = InboxFileRow.insert(path=str(path), **known)
        with self._database.transaction():
            self._database.run(query.on_conflict(conflict_target=[InboxFileRow.path], update=known))

    def known(self) -> dict[str, tuple[int, int]]:
        """Return size and time, in nanoseconds, of every file that was read, by its path."""
        columns = (InboxFileRow.path, InboxFileRow.size_bytes, InboxFileRow.modified_ns)
        query = InboxFileRow.select(*columns).where(InboxFileRow.outcome != UNREADABLE)
        rows = self._database.all(query)
        return {row["path"]: (row["size_bytes"], row["modified_ns"]) for row in rows}

    def of_record(self, record_id: int) -> list[Path]:
        """Return the paths of the files that became a record or are copies of it."""
        query = InboxFileRow.select(InboxFileRow.path).where(InboxFileRow.record == record_id)
        return [Path(row["path"]) for row in self._database.all(query)]

    def in_the_storage(self) -> list[InboxFile]:
        """Return the files whose recordings were put into the storage, and that may still be there."""
        stored = RecordRow.select(RecordRow.id).where(RecordRow.storage_key.is_null(False))
        where = (InboxFileRow.outcome == ADOPTED) & InboxFileRow.record.in_(stored)
        return [value_of(InboxFile, row) for row in self._database.all(InboxFileRow.select().where(where))]

    def in_trouble(self, limit: int, outcomes: Iterable[str] = TROUBLES) -> list[InboxFile]:
        """Return files that were not taken, with the reason as their outcome."""
        query = InboxFileRow.select().where(InboxFileRow.outcome.in_(list(outcomes))).limit(limit)
        return [value_of(InboxFile, row) for row in self._database.all(query)]

    def unreadable(self) -> list[str]:
        """Return the paths of the files that could not be read."""
        query = InboxFileRow.select(InboxFileRow.path).where(InboxFileRow.outcome == UNREADABLE)
        return [row["path"] for row in self._database.all(query)]

    def forget(self, paths: Iterable[str]) -> None:
        """Remove the rows of files that are gone."""
        with self._database.transaction():
            for path in paths:
                self._database.run(InboxFileRow.delete().where(InboxFileRow.path == path))
