"""The audit log: who read, changed or deleted what, and who signed in. Rows are added, and never changed.

It is kept in a team's home alone: a home without people has nobody to tell apart.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from shared.store.database import LARGEST_ID, Database
from shared.store.tables import AuditRow
from shared.store.values import sound
from shared.store.view import View

LONGEST_DETAIL = 500
#: Rows of one INSERT.
AT_ONCE = 500


@dataclass(frozen=True)
class Note:
    """What is to be noted: an action, its record if it has one, and what else tells it apart."""

    action: str
    record_id: int | None = None
    detail: str = ""


@dataclass(frozen=True)
class Entry:
    """A row of the log. It names person and record as they were, and outlives both."""

    id: int
    at: float
    action: str
    person: str
    person_id: int | None = None
    record_id: int | None = None
    detail: str = ""
    address: str = ""


class Audit:
    """The audit log of one database."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database, self._clock = database, clock

    def note(self, view: View, notes: Sequence[Note], at: float | None = None) -> None:
        """Add what somebody has done, in the transaction that is open, if one is."""
        moment = self._clock() if at is None else at
        who = {"at": moment, "person_id": view.person_id, "person": view.person, "address": view.address}
        rows = [
            {**who, "action": it.action, "record_id": it.record_id, "detail": it.detail[:LONGEST_DETAIL]}
            for it in notes
        ]
        with self._database.transaction():
            for start in range(0, len(rows), AT_ONCE):
                self._database.run(AuditRow.insert_many(rows[start : start + AT_ONCE]))

    def entries(
        self,
        limit: int,
        *,
        person: str | None = None,
        record_id: int | None = None,
        action: str | None = None,
        since: float | None = None,
        before_id: int = LARGEST_ID,
    ) -> list[Entry]:
        """Return a page of the log, the newest first; the next page is the one before its last id."""
        where = AuditRow.id < before_id
        for column, value in (
            (AuditRow.person, person),
            (AuditRow.record_id, record_id),
            (AuditRow.action, action),
        ):
            if value is not None:
                where &= column == value
        if since is not None:
            where &= AuditRow.at >= since
        query = AuditRow.select().where(where).order_by(AuditRow.id.desc()).limit(limit)
        return list(sound(Entry, self._database.all(query)))


class AuditedDatabase:
    """A database as it is used for one thing that a person does: the first transaction also notes that.

    So the change and its note are stored together, or neither is. What needs no transaction is noted by
    `finish`.
    """

    def __init__(self, database: Any, audit: Audit, view: View, notes: Sequence[Note]) -> None:
        self._database, self._audit, self._view, self._notes = database, audit, view, notes
        self._depth = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    @contextmanager
    def transaction(self, record_id: int | None = None) -> Iterator[None]:
        """Make what is done inside succeed or fail together, with its note."""
        with self._database.transaction(record_id):
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
            if self._depth == 0:
                self._write()

    def finish(self) -> None:
        """Note what was done without a transaction."""
        if self._notes:
            with self._database.transaction():
                self._write()

    def _write(self) -> None:
        notes, self._notes = self._notes, ()
        if notes:
            self._audit.note(self._view, notes)
