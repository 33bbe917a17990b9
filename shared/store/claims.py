"""A worker's statements on a record: claim it, renew the claim, commit decoded windows, and release it.

A claim is good as long as its token stands in the record. Every write of a worker names the token, so a
worker that has lost its record cannot write to it.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from peewee import Case, Expression, fn

from shared.errors import ClaimLost, OffhookError, in_words
from shared.speakers import Label, VoiceTurn
from shared.store.carrying import Carrying
from shared.store.database import Database, Row
from shared.store.overlays import Overlays
from shared.store.records import is_due
from shared.store.statements import Statement, given
from shared.store.tables import RecordRow
from shared.store.tallies import FAILED, RETRIED, Tallies
from shared.store.transcripts import Transcripts, Window
from shared.store.transitions import QUEUED, move, moved, update
from shared.store.values import Record, columns_of
from shared.store.voice_numbers import renumbered, same_voices
from shared.words import Segment


@dataclass(frozen=True)
class Claim:
    """A worker's right to one record.

    The sweeper acts on another worker's claim. It names the lease by which it has judged, so that a worker
    that has just renewed keeps its record.
    """

    record: Record
    token: str
    lease_expires_at: float | None = None


@dataclass(frozen=True)
class Failure:
    """The cause of an attempt's end: a code for programs, a message for people."""

    code: str
    message: str

    @classmethod
    def of(cls, error: BaseException) -> Failure:
        """Describe an error without its traceback."""
        code = error.code if isinstance(error, OffhookError) else type(error).__name__
        return cls(code, in_words(error))


class Claims:
    """The claims on the records of one database, as a worker on `host` makes them."""

    def __init__(
        self,
        database: Database,
        transcripts: Transcripts,
        overlays: Overlays,
        carrying: Carrying,
        host: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database, self._host, self._clock = database, host, clock
        self._transcripts, self._overlays, self._carrying = transcripts, overlays, carrying
        self._tallies = Tallies(database)
        self._first_of: dict[int, Statement] = {}  # by the number of records

    def claim(self, record_id: int, *, worker_id: str, model: str, lease_seconds: float) -> Claim | None:
        """Claim a due record for a worker, or return None if another one was faster."""
        claiming = self._claiming(worker_id, model, lease_seconds)
        return self._claimed(self._database.carry_out(_CLAIM, record_id=record_id, **claiming))

    def claim_first(
        self, record_ids: Sequence[int], *, worker_id: str, model: str, lease_seconds: float
    ) -> Claim | None:
        """Claim the first of several records that is due and that nobody else is claiming; None if none is.

        `model` is the one of records that ask for none.
        """
        if (statement := self._first_of.get(len(record_ids))) is None:
            statement = _claim_first(len(record_ids), self._database.unlocked)
            self._first_of[len(record_ids)] = statement
        wanted = {_place(number): record_id for number, record_id in enumerate(record_ids)}
        claiming = self._claiming(worker_id, model, lease_seconds)
        return self._claimed(self._database.carry_out(statement, **wanted, **claiming))

    def _claiming(self, worker_id: str, model: str, lease_seconds: float) -> dict[str, Any]:
        """Return what a claim writes into a record."""
        now = self._clock()
        return {
            "claim_token": uuid.uuid4().hex,
            "worker_id": worker_id,
            "worker_host": self._host,
            "lease_expires_at": now + lease_seconds,
            "started_at": now,
            "model": model,
        }

    def _claimed(self, row: Row | None) -> Claim | None:
        return None if row is None else Claim(moved(self._database, row), row["claim_token"])

    def renew(self, claim: Claim, *, lease_seconds: float, **columns: Any) -> None:
        """Renew a claim's lease, and update columns. Raises ClaimLost."""
        with self._database.statement():
            self._write(claim, lease_expires_at=self._clock() + lease_seconds, **columns)

    def confirm(self, claim: Claim) -> None:
        """Check that a claim is still valid, without writing. Raises ClaimLost."""
        if self._database.first(RecordRow.select(RecordRow.id).where(is_mine(claim))) is None:
            raise ClaimLost

    def save_windows(self, claim: Claim, windows: Iterable[Window], **columns: Any) -> None:
        """Commit decoded windows together, with the record's progress. Raises ClaimLost."""
        with self._database.transaction(claim.record.id):
            self._write(claim, **columns)
            self._transcripts.add_windows(claim.record.id, windows)

    def complete(
        self,
        claim: Claim,
        segments: Iterable[Segment],
        labels: Iterable[Label] = (),
        voice_turns: Iterable[VoiceTurn] = (),
        **columns: Any,
    ) -> Record:
        """Commit transcript, speakers, index and status together, or nothing. Raises ClaimLost.

        What persons have laid over an earlier transcript is carried over.
        """
        with self._database.transaction(claim.record.id):
            record = self._move("complete", claim, completed_at=self._clock(), **columns)
            self._carrying.lift(record.id)
            self._transcripts.replace(record.id, segments)
            numbers = same_voices(self._overlays.voice_turns(record.id), turns := tuple(voice_turns))
            self._overlays.replace(record.id, *renumbered(labels, turns, numbers))
            self._carrying.place(record.id)
            self._tallies.completed(claim.record, record)
            return record

    def retry_later(
        self, claim: Claim, failure: Failure, *, wait_seconds: float, crashed: bool = False
    ) -> Record:
        """Give a record back for another attempt after a while. Raises ClaimLost."""
        later = self._clock() + wait_seconds
        with self._database.transaction(claim.record.id):
            record = self._move("retry_later", claim, next_attempt_at=later, **_why(failure, crashed))
            self._tallies.ended(claim.record, RETRIED, failure.code)
            return record

    def fail(self, claim: Claim, failure: Failure, *, crashed: bool = False) -> Record:
        """Set a record to failed. Raises ClaimLost."""
        with self._database.transaction(claim.record.id):
            record = self._move("fail", claim, completed_at=self._clock(), **_why(failure, crashed))
            self._tallies.ended(claim.record, FAILED, failure.code)
            return record

    def hand_back(self, claim: Claim) -> Record:
        """Give a record back as if it had not been claimed. Raises ClaimLost."""
        with self._database.transaction(claim.record.id):
            return self._move("hand_back", claim)

    def hold(self, claim: Claim, failure: Failure, *, wait_seconds: float) -> Record:
        """Give a record back until something that is missing is there. Raises ClaimLost."""
        later = self._clock() + wait_seconds
        with self._database.transaction(claim.record.id):
            return self._move("hold", claim, next_attempt_at=later, **_why(failure, crashed=False))

    def start_over(self, claim: Claim, *, wait_seconds: float, **content: Any) -> Record:
        """Queue a record again whose content has changed, without what was decoded. Raises ClaimLost."""
        later = self._clock() + wait_seconds
        with self._database.transaction(claim.record.id):
            self._carrying.lift(claim.record.id)
            self._transcripts.forget(claim.record.id)
            return self._move("start_over", claim, next_attempt_at=later, **content)

    def _move(self, name: str, claim: Claim, **columns: Any) -> Record:
        record = move(self._database, name, is_mine(claim), **columns_of(columns))
        if record is None:
            raise ClaimLost
        return record

    def _write(self, claim: Claim, **columns: Any) -> None:
        changed = {"claim_token": claim.token, **columns_of(columns)}
        if not self._database.run(RecordRow.update(**changed).where(is_mine(claim))):
            raise ClaimLost


def _claim(where: Expression, claiming: Mapping[str, Any]) -> Any:
    """Return the statement that claims a due record; `claiming` is what it writes."""
    return update("claim", where & is_due(claiming["started_at"]), **claiming)


#: What a claim writes, which comes with each run (`Claims._claiming`).
_GIVEN = {
    name: given(name)
    for name in ("claim_token", "worker_id", "worker_host", "lease_expires_at", "started_at", "model")
}
_CLAIM = Statement(_claim(RecordRow.id == given("record_id"), _GIVEN))


def _claim_first(count: int, unlocked: Callable[[Any], Any]) -> Statement:
    """Return the statement that claims the first of so many records; `unlocked` is the database's own."""
    ids = [given(_place(number)) for number in range(count)]
    free = (RecordRow.transcription_status == QUEUED) & is_due(_GIVEN["started_at"])
    first = RecordRow.select(RecordRow.id).where(RecordRow.id.in_(ids) & free)
    order = Case(RecordRow.id, [(record_id, number) for number, record_id in enumerate(ids)])
    chosen = unlocked(first.order_by(order).limit(1)) if count > 1 else ids[0]
    asked_for = fn.COALESCE(RecordRow.requested_model, _GIVEN["model"])
    return Statement(_claim(RecordRow.id == chosen, _GIVEN | {"model": asked_for}))


def _place(number: int) -> str:
    """Name the place of a record's number in that statement."""
    return f"record_{number}"


def is_mine(claim: Claim) -> Expression:
    """Whether a record is the one that a claim is on, and the claim still stands."""
    mine = (RecordRow.id == claim.record.id) & (RecordRow.claim_token == claim.token)
    if claim.lease_expires_at is None:
        return mine
    return mine & (RecordRow.lease_expires_at == claim.lease_expires_at)


def _why(failure: Failure, crashed: bool) -> dict[str, Any]:
    crashes = {"crashes": RecordRow.crashes + 1} if crashed else {}
    return {"transcription_error": failure.message, "error_code": failure.code} | crashes
