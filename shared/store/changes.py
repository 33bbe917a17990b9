"""The order in which records changed, whichever process changed them: what a page has not seen yet."""

from __future__ import annotations

from dataclasses import dataclass

from peewee import fn

from shared.store.database import Database, Row
from shared.store.tables import RecordChangeRow
from shared.store.view import EVERYBODY, View


@dataclass(frozen=True)
class RecordChange:
    """The last change of a record, and of its transcript, as numbers that only grow.

    `words_seq` is at most `seq`. A deleted record keeps its change, so that its deletion is seen too; it has
    the session id then.
    """

    record_id: int
    seq: int
    words_seq: int
    is_deleted: bool
    owner_id: int | None = None
    session_id: str | None = None


class RecordChanges:
    """The changes of the records that `view` has; triggers write them."""

    def __init__(self, database: Database, view: View = EVERYBODY) -> None:
        self._database, self._view = database, view

    def latest(self) -> int:
        """Return the number of the last change of any record; 0 if there was none."""
        horizon = self._database.changes_horizon()
        return min(self.newest(), horizon)

    def newest(self) -> int:
        """Return the highest number of a change; changes with lower numbers may be committed after it.

        Unlike `latest`, it never falls, as long as the database is the same.
        """
        return int(self._database.scalar(RecordChangeRow.select(fn.MAX(RecordChangeRow.seq))) or 0)

    def since(self, seq: int, limit: int) -> list[RecordChange]:
        """Return the records that changed after a change, each with its last one, in their order."""
        where = (RecordChangeRow.seq > seq) & (RecordChangeRow.seq <= self._database.changes_horizon())
        if self._view.owner_id is not None:
            where &= RecordChangeRow.owner_id == self._view.owner_id
        query = RecordChangeRow.select().where(where).order_by(RecordChangeRow.seq).limit(limit)
        rows = self._database.all(query)
        return [_change(row) for row in rows]

    def of_record(self, record_id: int) -> RecordChange | None:
        """Return the last change of a record; None if there never was such a record."""
        row = self._database.first(RecordChangeRow.select().where(RecordChangeRow.record_id == record_id))
        return _change(row) if row else None


def _change(row: Row) -> RecordChange:
    numbers = (row["record_id"], row["seq"], row["words_seq"])
    return RecordChange(*numbers, bool(row["is_deleted"]), row["owner_id"], row["session_id"])
