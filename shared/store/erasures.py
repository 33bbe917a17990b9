"""What is marked for deletion, the receipts that wait for it, and whether the database's files are to be
scrubbed.

Each of these is written in the transaction that makes it necessary and removed when it is done, so that a
deletion resumes after a crash.
"""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass

from shared.errors import StoreError
from shared.logs import discreet
from shared.store.database import Database
from shared.store.tables import ErasureRow, ExpectedReceiptRow, ScrubRow

log = logging.getLogger(__name__)

ONLY_ROW = 1


@dataclass(frozen=True)
class ScrubOrder:
    """An order to scrub deleted rows from the files. `rewritten`: the database file was rewritten already."""

    token: str
    rewritten: bool


class Erasures:
    """The deletions that are under way in one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def mark(self, record_id: int) -> None:
        """Mark a record for deletion."""
        query = ErasureRow.insert(record_id=record_id)
        self._database.run(query.on_conflict(conflict_target=[ErasureRow.record_id], action="IGNORE"))

    def unmark(self, record_id: int) -> None:
        """Remove the mark of a record that is deleted."""
        with self._database.transaction():
            self._database.run(ErasureRow.delete().where(ErasureRow.record_id == record_id))

    def marked(self) -> list[int]:
        """Return the numbers of the records that are marked for deletion."""
        rows = self._database.all(ErasureRow.select().order_by(ErasureRow.record_id))
        return [row["record_id"] for row in rows]

    def expect_receipt(self, name: str) -> None:
        """Expect a receipt to be finished; call in the transaction that marks the records."""
        query = ExpectedReceiptRow.insert(name=name)
        self._database.run(query.on_conflict(conflict_target=[ExpectedReceiptRow.name], action="IGNORE"))

    def expected_receipts(self) -> list[str]:
        """Return the names of the receipts that are to be finished."""
        return [row["name"] for row in self._database.all(ExpectedReceiptRow.select())]

    def receipt_finished(self, name: str) -> None:
        """Expect a receipt no longer."""
        with self._database.transaction():
            self._database.run(ExpectedReceiptRow.delete().where(ExpectedReceiptRow.name == name))

    def order_scrub(self) -> None:
        """Order a scrub; call in the transaction that deletes rows."""
        ordered = {"token": uuid.uuid4().hex, "rewritten": False}
        query = ScrubRow.insert(id=ONLY_ROW, **ordered)
        self._database.run(query.on_conflict(conflict_target=[ScrubRow.id], update=ordered))

    def scrub_order(self) -> ScrubOrder | None:
        """Return the order to scrub, None if there is none."""
        row = self._database.first(ScrubRow.select().where(ScrubRow.id == ONLY_ROW))
        return ScrubOrder(row["token"], row["rewritten"]) if row else None

    def scrub(self, order: ScrubOrder, patience_seconds: float) -> bool:
        """Scrub the files; False if other processes prevent it for too long, or the disk is full.

        The first step is written down, so that another try has only the rest to do.
        """
        try:
            return self._database.scrub(
                order.rewritten, lambda: self._note_rewritten(order), patience_seconds
            )
        except StoreError as error:
            log.warning("the database cannot be scrubbed yet: %s", discreet(error))
            return False

    def scrubbed(self, order: ScrubOrder) -> None:
        """Remove an order that is done, unless more was deleted since."""
        done = (ScrubRow.id == ONLY_ROW) & (ScrubRow.token == order.token)
        with self._database.transaction():
            self._database.run(ScrubRow.delete().where(done))

    def _note_rewritten(self, order: ScrubOrder) -> None:
        same = (ScrubRow.id == ONLY_ROW) & (ScrubRow.token == order.token)
        with self._database.transaction():
            self._database.run(ScrubRow.update(rewritten=True).where(same))
