"""The call records: queries, and changes by people, the inbox and capture.

The record says what is to be done; a message in the queue is a hint. `transitions.py` changes the state of a
record, `claims.py` does what a worker does.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from peewee import SQL, Expression, fn

from shared.errors import RecordNotFound, StateConflict
from shared.setting_values import usable_options
from shared.store.carrying import Carrying
from shared.store.database import LARGEST_ID, Database
from shared.store.tables import CaptureRow, RecordRow
from shared.store.transcripts import Transcripts
from shared.store.transitions import (
    CANCELLED,
    COMPLETED,
    FAILED,
    NO_ERROR,
    PROCESSING,
    QUEUED,
    STATES,
    UNATTEMPTED,
    move,
)
from shared.store.values import Record, columns_of, value_of
from shared.store.view import EVERYBODY, View, seen
from shared.store.waiting import has_come

LONGEST_WAIT_SECONDS = 3600.0
FINISHED = (COMPLETED, FAILED, CANCELLED)
PAGE = 500


class Records:
    """The call records of one database that `view` has; for it there are no others."""

    def __init__(
        self,
        database: Database,
        transcripts: Transcripts,
        carrying: Carrying,
        clock: Callable[[], float] = time.time,
        view: View = EVERYBODY,
    ) -> None:
        self._database, self._clock, self._view = database, clock, view
        self._transcripts, self._carrying = transcripts, carrying

    # Queries

    def get(self, record_id: int) -> Record:
        """Return a record. Raises RecordNotFound."""
        record = self.find(record_id)
        if record is None:
            raise RecordNotFound(f"There is no recording {record_id}. `offhook list` shows them all.")
        return record

    def find(self, record_id: int) -> Record | None:
        """Return a record, None if there is none with this number."""
        return self._first(RecordRow.id == record_id) if abs(record_id) <= LARGEST_ID else None

    def some(self, record_ids: Collection[int]) -> list[Record]:
        """Return the records with these numbers, those that there are."""
        return self._all(RecordRow.id.in_(record_ids), RecordRow.id)

    def of_session(self, session_id: str) -> Record | None:
        """Return the record of a capture."""
        return self._first(RecordRow.session_id == session_id)

    def of_candidate(self, candidate_id: str) -> list[Record]:
        """Return the records of a person, the oldest first."""
        return self._all(RecordRow.candidate_id == candidate_id, RecordRow.id)

    def with_content(self, sha256: str) -> Record | None:
        """Return the oldest record of a recording with this content."""
        return self._first(RecordRow.sha256 == sha256)

    def newest(self, limit: int, status: str | None = None, before_id: int | None = None) -> list[Record]:
        """Return a page of records, the newest first; the next page is the one before its last id."""
        where = _in_state(status)
        if before_id is not None:
            where &= RecordRow.id < before_id
        return self._all(where, RecordRow.id.desc(), limit=limit)

    def every(self, status: str | None = None) -> Iterator[Record]:
        """Yield all records, the oldest first, page by page: nothing is locked meanwhile."""
        after_id = 0
        while True:
            where = _in_state(status) & (RecordRow.id > after_id)
            page = self._all(where, RecordRow.id, limit=PAGE)
            yield from page
            if len(page) < PAGE:
                return
            after_id = page[-1].id

    def counts(self) -> dict[str, int]:
        """Return the number of records in each state."""
        everything: Any = SQL("TRUE")  # a condition on a column would be looked at for each record
        return count_by_state(self._database, seen(self._view, everything))

    def due(self, limit: int, *, begun_only: bool = False) -> list[Record]:
        """Return queued records whose time has come, the most urgent first."""
        where = (RecordRow.transcription_status == QUEUED) & is_due(self._clock())
        if begun_only:
            where &= RecordRow.started_at.is_null(False)
        return self._all(where, RecordRow.priority.desc(), RecordRow.id, limit=limit)

    def oldest_waiting(self) -> Record | None:
        """Return the queued record that was added first."""
        waits = seen(self._view, _in_state(QUEUED))
        first = self._database.scalar(RecordRow.select(fn.MIN(RecordRow.id)).where(waits))
        return self._first(RecordRow.id == first)

    def awaited_models(self) -> dict[str | None, int]:
        """Count the queued records by the model they ask for; None is the default one."""
        query = RecordRow.select(RecordRow.model, fn.COUNT(SQL("*")).alias("count"))
        query = query.where(seen(self._view, _in_state(QUEUED))).group_by(RecordRow.model)
        return {row["model"]: row["count"] for row in self._database.all(query)}

    def processing(self) -> list[Record]:
        """Return the records that workers have claimed."""
        return self._all(RecordRow.transcription_status == PROCESSING, RecordRow.id)

    def with_errors(self, limit: int) -> list[Record]:
        """Return what waits for another attempt after an error, then the last failures; `limit` of each at
        most.
        """
        waits = RecordRow.transcription_status.in_((QUEUED, PROCESSING)) & (RecordRow.error_code > "")
        failed = RecordRow.transcription_status == FAILED
        return [
            *self._all(waits, RecordRow.id.desc(), limit=limit),
            *self._all(failed, RecordRow.completed_at.desc(), limit=limit),
        ]

    def finished_before(self, moment: float, states: Collection[str] = FINISHED) -> list[Record]:
        """Return the records that were finished by `moment`, the oldest first."""
        finished_at = fn.COALESCE(RecordRow.completed_at, RecordRow.created_at)
        where = RecordRow.transcription_status.in_(states) & (finished_at <= moment)
        return self._all(where, finished_at, RecordRow.id)

    # Changes by people, the inbox and capture

    def add(self, *, source: str, title: str, recording_path: str, **columns: Any) -> Record:
        """Insert a queued record; the caller sends the hint after the commit. Raises StoreConflict."""
        options: Mapping[str, Any] = columns.pop("options", {})
        columns.setdefault("owner_id", self._view.person_id)
        query = RecordRow.insert(
            session_id=columns.pop("session_id", None) or str(uuid.uuid4()),
            source=source,
            title=title,
            recording_path=recording_path,
            **_chosen(options),
            transcription_status=QUEUED,
            created_at=columns.pop("created_at", self._clock()),
            **columns_of(columns),
        ).returning(RecordRow)
        with self._database.transaction():
            row = self._database.first(query)
        assert row
        return value_of(Record, row)

    def replace_content(self, recording_path: str, content: Mapping[str, Any]) -> Record | None:
        """Give the unfinished record of an overwritten recording its new content.

        Returns None if there is no such record. One that is being processed is left to its worker, who looks
        at the file again when it is done and starts over.
        """
        with self._database.transaction():
            unfinished = RecordRow.transcription_status != COMPLETED
            found = self._all(
                (RecordRow.recording_path == recording_path) & unfinished, RecordRow.id.desc(), limit=1
            )
            if not found or found[0].transcription_status == PROCESSING:
                return found[0] if found else None
            record_id = found[0].id
            self._carrying.lift(record_id)
            self._transcripts.forget(record_id)
            move(self._database, "requeue", RecordRow.id == record_id)
            self._write(record_id, **{**UNATTEMPTED, **content})
            return self.get(record_id)

    def continue_with(self, record_id: int, content: Mapping[str, Any]) -> Record:
        """Queue a completed record again, because its recording has changed; its transcript stays until then.

        Raises RecordNotFound, StateConflict.
        """
        with self._database.transaction():
            self.requeue(record_id)
            self._write(record_id, **content)
            return self.get(record_id)

    def bring_back(self, record_id: int, recording_path: str, content: Mapping[str, Any]) -> Record:
        """Queue a missing recording again that has come back, under any name."""
        with self._database.transaction():
            move(self._database, "requeue", RecordRow.id == record_id)
            self._write(record_id, recording_path=recording_path, **content)
            return self.get(record_id)

    def requeue(self, record_id: int, options: Mapping[str, Any] | None = None) -> Record:
        """Queue a finished record again, from the start; its transcript stays until there is another.

        Raises RecordNotFound, StateConflict.
        """
        with self._database.transaction():
            chosen = usable_options(self.get(record_id).options) | dict(options or {})
            columns = {**_chosen(chosen), "model": chosen.get("model")}
            if move(self._database, "requeue", RecordRow.id == record_id, **columns) is None:
                raise self._conflict(record_id, "It is in the queue already")
            self._transcripts.forget_windows(record_id)
            return self.get(record_id)

    def revise(self, record_id: int, options: Mapping[str, Any], **columns: Any) -> Record:
        """Change what was chosen for a queued record, and let it be due now. Raises StateConflict."""
        with self._database.transaction():
            chosen = usable_options(self.get(record_id).options) | dict(options)
            changed = {**columns, **_chosen(chosen), **NO_ERROR, "next_attempt_at": 0.0}
            waiting = (RecordRow.id == record_id) & (RecordRow.transcription_status == QUEUED)
            if not self._database.run(RecordRow.update(**changed).where(waiting)):
                raise self._conflict(record_id, "Its options cannot be changed now")
            if options:  # a transcript comes from one set of options
                self._transcripts.forget_windows(record_id)
            return self.get(record_id)

    def note_move(self, record_id: int, recording_path: str, content: Mapping[str, Any]) -> None:
        """Set the new path of a recording that a person has moved."""
        with self._database.transaction():
            self._write(record_id, recording_path=recording_path, **content)

    def cancel(self, record_id: int) -> Record:
        """Take a record out of the queue; a worker that has claimed it stops. Raises as requeue."""
        with self._database.transaction():
            self.get(record_id)
            where = RecordRow.id == record_id
            record = move(self._database, "cancel", where, completed_at=self._clock())
            if record is None:
                raise self._conflict(record_id, "There is nothing to cancel")
            return record

    def delete(self, record_id: int) -> None:
        """Remove a record with all that depends on it; files are the caller's. Raises RecordNotFound."""
        with self._database.transaction():
            self.get(record_id)
            self._transcripts.forget(record_id)
            session_id = RecordRow.select(RecordRow.session_id).where(RecordRow.id == record_id)
            self._database.run(CaptureRow.delete().where(CaptureRow.session_id.in_(session_id)))
            self._database.run(RecordRow.delete().where(RecordRow.id == record_id))

    # Helpers

    def _first(self, where: Expression) -> Record | None:
        found = self._all(where, RecordRow.id, limit=1)
        return found[0] if found else None

    def _all(self, where: Expression, *order: Any, limit: int | None = None) -> list[Record]:
        return matching(self._database, seen(self._view, where), *order, limit=limit)

    def _write(self, record_id: int, **columns: Any) -> None:
        self._database.run(RecordRow.update(**columns).where(RecordRow.id == record_id))

    def _conflict(self, record_id: int, why: str) -> StateConflict:
        status = self.get(record_id).transcription_status
        return StateConflict(f"Recording {record_id} is {status}. {why}.")


def matching(database: Database, where: Expression, *order: Any, limit: int | None = None) -> list[Record]:
    """Return the records for which an expression is true, in an order."""
    query = RecordRow.select().where(where).order_by(*order)
    return _values(database.all(query if limit is None else query.limit(limit)))


def count_by_state(database: Database, where: Expression) -> dict[str, int]:
    """Return the number of records in each state for which an expression is true."""
    state = RecordRow.transcription_status
    query = RecordRow.select(state, fn.COUNT(SQL("*")).alias("count")).where(where).group_by(state)
    counted = {row["transcription_status"]: row["count"] for row in database.all(query)}
    return {name: counted.get(name, 0) for name in STATES}


def is_due(now: float) -> Expression:
    """Whether a record's wait is over."""
    return has_come(RecordRow.next_attempt_at, now, LONGEST_WAIT_SECONDS)


def _in_state(status: str | None) -> Expression:
    return RecordRow.transcription_status == status if status else RecordRow.id.is_null(False)


def _chosen(options: Mapping[str, Any]) -> dict[str, Any]:
    asked_for = options.get("model")
    return {"options": json.dumps(dict(options)), "model": asked_for, "requested_model": asked_for}


def _values(rows: list[dict[str, Any]]) -> list[Record]:
    return [value_of(Record, row) for row in rows]
