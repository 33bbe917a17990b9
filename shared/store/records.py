"""The call records and the only code that writes `transcription_status`.

The record says what is to be done; a message in the queue is a hint. Every change of state is one row
of `transitions.py`, made by one UPDATE inside BEGIN IMMEDIATE, whose WHERE clause decides who wins.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

from peewee import Case, Expression, ModelSelect, SqliteDatabase, fn

from shared.errors import ClaimLost, RecordNotFound, StateConflict
from shared.store.claims import Claim, Failure
from shared.store.models import Capture, Control, DecodedWindow, Record, Segment
from shared.store.transitions import AFRESH, COMPLETED, NO_ERROR, PROCESSING, QUEUED, TRANSITIONS

#: A wait longer than this can only mean that the clock was set back, so it is over.
LONGEST_WAIT_SECONDS = 3600.0
#: SQLite's integers are not Python's.
LARGEST_ID = 2**63 - 1


class Records:
    """The call records of one database."""

    def __init__(self, database: SqliteDatabase, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    # What a person or the inbox does

    def add(self, *, source: str, title: str, recording_path: str, **columns: Any) -> Record:
        """Insert a queued record; the caller sends the hint after this has committed."""
        options: dict[str, Any] = columns.pop("options", {})
        with self._database.atomic():
            return Record.create(
                session_id=columns.pop("session_id", None) or str(uuid.uuid4()),
                source=source,
                title=title,
                recording_path=recording_path,
                options=json.dumps(options),
                model=options.get("model"),
                transcription_status=QUEUED,
                created_at=self._clock(),
                **columns,
            )

    def get(self, record_id: int) -> Record:
        """Return a record. Raises RecordNotFound."""
        record = Record.get_or_none(Record.id == record_id) if record_id <= LARGEST_ID else None
        if record is None:
            raise RecordNotFound(f"There is no recording {record_id}. `offhook list` shows them all.")
        return record

    def select(self) -> ModelSelect[Record]:
        """Return all records, as a query to narrow down."""
        return Record.select()

    def with_content(self, sha256: str) -> Record | None:
        """Return the record of a recording with this content, if there is one."""
        query = Record.select().where(Record.sha256 == sha256).order_by(Record.id)
        return next(iter(query.limit(1)), None)

    def replace_content(self, recording_path: str, content: Mapping[str, Any]) -> Record | None:
        """Give the unfinished record of a recording that has been overwritten its new content.

        Returns None if there is no such record. One that is being processed is left to its worker,
        who looks at the file again when it is done and starts over.
        """
        with self._database.atomic():
            mine = (Record.recording_path == recording_path) & (Record.transcription_status != COMPLETED)
            record = next(iter(Record.select().where(mine).order_by(Record.id.desc()).limit(1)), None)
            if record is None or record.transcription_status == PROCESSING:
                return record
            self._forget_transcript(record.id)
            self._move("requeue", Record.id == record.id)
            Record.update(**{**AFRESH, **content}).where(Record.id == record.id).execute()
            return self.get(record.id)

    def bring_back(self, record_id: int, recording_path: str, content: Mapping[str, Any]) -> Record:
        """Queue a recording again that had gone missing and has come back, under whatever name."""
        with self._database.atomic():
            self._move("requeue", Record.id == record_id)
            Record.update(recording_path=recording_path, **content).where(Record.id == record_id).execute()
            return self.get(record_id)

    def requeue(self, record_id: int, options: Mapping[str, Any] | None = None) -> Record:
        """Queue a finished recording again, from the start; its transcript stays until there is another.

        Raises RecordNotFound, StateConflict.
        """
        with self._database.atomic():
            chosen = json.loads(self.get(record_id).options) | dict(options or {})
            columns = {"options": json.dumps(chosen), "model": chosen.get("model")}
            record = self._move("requeue", Record.id == record_id, **columns)
            if record is None:
                raise self._conflict(record_id, "It is in the queue already")
            self._forget_windows(record_id)
            return self.get(record_id)

    def revise(self, record_id: int, options: Mapping[str, Any], **columns: Any) -> Record:
        """Change what was chosen for a queued recording, and let it be due now. Raises StateConflict."""
        with self._database.atomic():
            record = self.get(record_id)
            chosen = json.loads(record.options) | dict(options)
            changed = {**columns, "options": json.dumps(chosen), "model": chosen.get("model")}
            waiting = (Record.id == record_id) & (Record.transcription_status == QUEUED)
            if not Record.update(**changed, **NO_ERROR, next_attempt_at=0.0).where(waiting).execute():
                raise self._conflict(record_id, "Its options cannot be changed now")
            if options:  # a transcript is not made half by one model and half by another
                self._forget_windows(record_id)
            return self.get(record_id)

    def note_move(self, record_id: int, recording_path: str, content: Mapping[str, Any]) -> None:
        """Note that somebody has moved a recording."""
        with self._database.atomic():
            Record.update(recording_path=recording_path, **content).where(Record.id == record_id).execute()

    def cancel(self, record_id: int) -> Record:
        """Take a recording out of the queue; a worker that holds it stops. Raises as requeue."""
        with self._database.atomic():
            mine = Record.id == self.get(record_id).id
            record = self._move("cancel", mine, completed_at=self._clock())
            if record is None:
                raise self._conflict(record_id, "There is nothing to cancel")
            return record

    def delete(self, record_id: int) -> None:
        """Remove a record with all that hangs on it; files are the caller's. Raises RecordNotFound."""
        with self._database.atomic():
            session_id = self.get(record_id).session_id
            self._forget_transcript(record_id)
            Capture.delete().where(Capture.session_id == session_id).execute()
            Record.delete().where(Record.id == record_id).execute()

    def set_paused(self, paused: bool) -> None:
        """Ask all workers to take no further recording, or to go on."""
        with self._database.atomic():
            Control.insert(name="paused", value=json.dumps(paused)).on_conflict_replace().execute()

    def paused(self) -> bool:
        """Whether workers are asked to take no further recording."""
        row = Control.get_or_none(Control.name == "paused")
        return row is not None and bool(json.loads(row.value))

    # What a worker does

    def claim(self, record_id: int, *, worker_id: str, model: str, lease_seconds: float) -> Claim | None:
        """Take a due recording for this worker, or return None if another one was faster."""
        now, token = self._clock(), uuid.uuid4().hex
        with self._database.atomic():
            record = self._move(
                "claim",
                (Record.id == record_id) & self._due(now),
                claim_token=token,
                worker_id=worker_id,
                lease_expires_at=now + lease_seconds,
                started_at=now,
                model=model,
            )
        return Claim(record, token) if record else None

    def renew(self, claim: Claim, *, lease_seconds: float, **columns: Any) -> None:
        """Keep a claim alive and note what has been learnt. Raises ClaimLost."""
        with self._database.atomic():
            self._hold(claim, lease_expires_at=self._clock() + lease_seconds, **columns)

    def confirm(self, claim: Claim) -> None:
        """Make sure that a claim still stands, without writing. Raises ClaimLost."""
        if not Record.select().where(self._is_mine(claim)).exists():
            raise ClaimLost

    def save_windows(self, claim: Claim, windows: Iterable[Mapping[str, Any]], **columns: Any) -> None:
        """Commit decoded windows together, with the record's progress. Raises ClaimLost."""
        with self._database.atomic():
            self._hold(claim, **columns)
            for window in windows:
                DecodedWindow.create(record=claim.record.id, **window)

    def windows(self, record_id: int) -> list[DecodedWindow]:
        """Return the windows decoded so far, in the order of the recording."""
        query = DecodedWindow.select().where(DecodedWindow.record == record_id)
        return list(query.order_by(DecodedWindow.start_seconds))

    def complete(self, claim: Claim, segments: Iterable[Mapping[str, Any]], **columns: Any) -> Record:
        """Commit transcript, search index and status together. Raises ClaimLost; then nothing is written."""
        with self._database.atomic():
            record = self._move_held("complete", claim, completed_at=self._clock(), **columns)
            self._forget_transcript(record.id)
            rows = [{"record": record.id, **segment} for segment in segments]
            for start in range(0, len(rows), 100):
                Segment.insert_many(rows[start : start + 100]).execute()
            return record

    def retry_later(
        self, claim: Claim, failure: Failure, *, wait_seconds: float, crashed: bool = False
    ) -> Record:
        """Give a recording back for another attempt after a while. Raises ClaimLost."""
        with self._database.atomic():
            return self._move_held(
                "retry_later", claim, next_attempt_at=self._clock() + wait_seconds, **_why(failure, crashed)
            )

    def fail(self, claim: Claim, failure: Failure, *, crashed: bool = False) -> Record:
        """Give a recording up. Raises ClaimLost."""
        with self._database.atomic():
            return self._move_held("fail", claim, completed_at=self._clock(), **_why(failure, crashed))

    def hand_back(self, claim: Claim) -> Record:
        """Give a recording back as if it had not been taken. Raises ClaimLost."""
        with self._database.atomic():
            return self._move_held("hand_back", claim)

    def hold(self, claim: Claim, failure: Failure, *, wait_seconds: float) -> Record:
        """Give a recording back until something that is missing is there. Raises ClaimLost."""
        with self._database.atomic():
            return self._move_held(
                "hold", claim, next_attempt_at=self._clock() + wait_seconds, **_why(failure, crashed=False)
            )

    def start_over(self, claim: Claim, *, wait_seconds: float, **content: Any) -> Record:
        """Queue a recording again whose content has changed, without what was decoded. Raises ClaimLost."""
        with self._database.atomic():
            self._forget_transcript(claim.record.id)
            return self._move_held(
                "start_over", claim, next_attempt_at=self._clock() + wait_seconds, **content
            )

    # What the sweeper does

    def due(
        self, limit: int, *, without_models: Collection[str | None] = (), begun_only: bool = False
    ) -> list[Record]:
        """Return queued recordings whose time has come, the most urgent first."""
        query = Record.select().where((Record.transcription_status == QUEUED) & self._due(self._clock()))
        asked_for = fn.COALESCE(Record.model, "")
        query = query.where(asked_for.not_in([model or "" for model in without_models]))
        if begun_only:
            query = query.where(Record.started_at.is_null(False))
        return list(query.order_by(Record.priority.desc(), Record.id).limit(limit))

    def awaited_models(self) -> dict[str | None, int]:
        """Count the queued recordings by the model they ask for; None is the default one."""
        query = Record.select(Record.model, fn.COUNT()).where(Record.transcription_status == QUEUED)
        rows: Iterable[Any] = query.group_by(Record.model).tuples()
        return dict(rows)

    def held(self) -> list[Record]:
        """Return the recordings that workers hold."""
        return list(Record.select().where(Record.transcription_status == PROCESSING))

    def unfiled(self, limit: int = 100) -> list[Record]:
        """Return finished recordings whose files have not reached the library, some other ones each time."""
        query = Record.select().where((Record.transcription_status == COMPLETED) & Record.filed_at.is_null())
        return list(query.order_by(fn.RANDOM()).limit(limit))

    def mark_filed(self, record: Record, recording_path: str) -> None:
        """Note where a recording is now, and that this very transcript is beside it."""
        is_filed = (Record.transcription_status == COMPLETED) & (Record.completed_at == record.completed_at)
        filed_at = Case(None, [(is_filed, self._clock())], Record.filed_at)
        with self._database.atomic():
            Record.update(recording_path=recording_path, filed_at=filed_at).where(
                Record.id == record.id
            ).execute()

    def reserve_stem(self, record_id: int, candidates: Iterator[str]) -> str:
        """Give a record its own place in the library, the same one each time it is asked."""
        with self._database.atomic():
            if stem := self.get(record_id).library_stem:
                return str(stem)
            stem = next(c for c in candidates if not Record.select().where(Record.library_stem == c).exists())
            Record.update(library_stem=stem).where(Record.id == record_id).execute()
            return stem

    # How it is done

    def _move(self, name: str, where: Expression, **columns: Any) -> Record | None:
        transition = TRANSITIONS[name]
        query = (
            Record.update(transcription_status=transition.target, **{**transition.writes, **columns})
            .where(where & Record.transcription_status.in_(transition.sources))
            .returning(Record)
        )
        return next(iter(query.execute()), None)

    def _move_held(self, name: str, claim: Claim, **columns: Any) -> Record:
        record = self._move(name, self._is_mine(claim), **columns)
        if record is None:
            raise ClaimLost
        return record

    def _hold(self, claim: Claim, **columns: Any) -> None:
        if not Record.update(claim_token=claim.token, **columns).where(self._is_mine(claim)).execute():
            raise ClaimLost

    def _is_mine(self, claim: Claim) -> Expression:
        mine = (Record.id == claim.record.id) & (Record.claim_token == claim.token)
        if claim.lease_expires_at is None:
            return mine
        return mine & (Record.lease_expires_at == claim.lease_expires_at)

    def _due(self, now: float) -> Expression:
        waited = Record.next_attempt_at <= now
        return waited | (Record.next_attempt_at > now + LONGEST_WAIT_SECONDS)

    def _forget_windows(self, record_id: int) -> None:
        DecodedWindow.delete().where(DecodedWindow.record == record_id).execute()

    def _forget_transcript(self, record_id: int) -> None:
        self._forget_windows(record_id)
        Segment.delete().where(Segment.record == record_id).execute()

    def _conflict(self, record_id: int, why: str) -> StateConflict:
        status = self.get(record_id).transcription_status
        return StateConflict(f"Recording {record_id} is {status}. {why}.")


def _why(failure: Failure, crashed: bool) -> dict[str, Any]:
    crashes = {"crashes": Record.crashes + 1} if crashed else {}
    return {"transcription_error": failure.message, "error_code": failure.code} | crashes
