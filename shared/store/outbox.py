"""The outbox of a workstation: what its server is to get, what the server says of it, what it is to delete.

A row is made for each queued recording while a server is joined. Every step is one transaction, and the next
step is read from the rows, so a process that dies between two of them goes on where it was.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from peewee import JOIN, SQL, Expression, fn

from shared.store.database import Database
from shared.store.joining import JoinedServer, Joining
from shared.store.outbox_states import (
    OUTBOX_STATES,
    RECEIVED,
    REFUSED,
    SENT,
    STEPS,
    UNSENT,
    WAITING,
)
from shared.store.tables import ErasureRow, OutboxDeletionRow, OutboxRow, RecordRow
from shared.store.transitions import COMPLETED, QUEUED
from shared.store.values import value_of
from shared.store.waiting import has_come

LONGEST_WAIT_SECONDS = 3600.0
#: After this time without an outcome the server is asked whether it still has a recording.
DOUBT_SECONDS = 86_400.0
#: The states of a record whose recording is sent; a cancelled one waits.
SENDABLE = (QUEUED, COMPLETED)


@dataclass(frozen=True)
class OutboxItem:
    """A recording in the outbox; `record` is its number, `server_status` what the server last said of it.

    `sha256` is the content that the server has confirmed; None before that.
    """

    record: int
    state: str
    sha256: str | None = None
    sent_bytes: int = 0
    attempts: int = 0
    next_attempt_at: float = 0.0
    error_code: str | None = None
    error: str | None = None
    server_status: str | None = None
    server_progress: float = 0.0
    server_error: str | None = None
    words_seq: int = 0
    sent_at: float | None = None
    received_at: float | None = None
    audio_deleted_at: float | None = None

    @property
    def is_at_the_server(self) -> bool:
        """Whether the server has confirmed that it has the recording."""
        return self.sent_at is not None


class Outbox:
    """The outbox of one home's database."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database, self._clock = database, clock
        self.server = Joining(database, clock)

    # The server

    def joined(self) -> JoinedServer | None:
        """Return the server that this home has joined."""
        return self.server.joined()

    def is_joined(self) -> bool:
        """Whether recordings go to a server, so that local workers take none."""
        return self.server.is_joined()

    def join(self, server: JoinedServer, *, send_existing: bool = False) -> JoinedServer:
        """Join a server, with what is queued, and with what is finished if that is to be sent as well.

        Raises StateConflict if another server is joined.
        """
        with self._database.transaction():
            joined = self.server.enter(server)
            self.adopt()
            if send_existing:
                self._add(self._without_row(RecordRow.transcription_status == COMPLETED))
            return joined

    def leave(self) -> None:
        """Forget the server; what is queued belongs to local workers again.

        The rows of recordings that are at the server alone stay: they say where the recordings are.
        """
        with self._database.transaction():
            self._database.run(OutboxRow.delete().where(OutboxRow.audio_deleted_at.is_null()))
            self._database.run(OutboxDeletionRow.delete())
            self.server.end()

    # Queries

    def find(self, record_id: int) -> OutboxItem | None:
        """Return the row of a recording, None if it never was in the outbox."""
        found = self._items(OutboxRow.record == record_id, limit=1)
        return found[0] if found else None

    def some(self, record_ids: list[int]) -> dict[int, OutboxItem]:
        """Return the rows of recordings by their numbers, those that there are."""
        return {item.record: item for item in self._items(OutboxRow.record.in_(record_ids))}

    def newest(self, limit: int, *, with_received: bool = False) -> list[OutboxItem]:
        """Return rows, the newest recording first; by default those whose outcome is not here yet."""
        where = OutboxRow.record.is_null(False) if with_received else OutboxRow.state != RECEIVED
        query = OutboxRow.select().where(where).order_by(OutboxRow.record.desc()).limit(limit)
        return [value_of(OutboxItem, row) for row in self._database.all(query)]

    def counts(self) -> dict[str, int]:
        """Return the number of recordings in each state."""
        query = OutboxRow.select(OutboxRow.state, fn.COUNT(SQL("*")).alias("count")).group_by(OutboxRow.state)
        counted = {row["state"]: row["count"] for row in self._database.all(query)}
        return {state: counted.get(state, 0) for state in OUTBOX_STATES}

    def due(self) -> OutboxItem | None:
        """Return the recording to send next, the most urgent first; a cancelled one waits."""
        wanted = OutboxRow.state.in_(UNSENT) & has_come(
            OutboxRow.next_attempt_at, self._clock(), LONGEST_WAIT_SECONDS
        )
        wanted &= RecordRow.transcription_status.in_(SENDABLE)
        query = OutboxRow.select(OutboxRow).join(RecordRow, on=OutboxRow.record == RecordRow.id)
        order = (RecordRow.priority.desc(), RecordRow.id)
        row = self._database.first(query.where(wanted & ~_is_marked()).order_by(*order).limit(1))
        return value_of(OutboxItem, row) if row else None

    def with_audio(self) -> list[OutboxItem]:
        """Return what the server has and what was not deleted here yet."""
        return self._items(OutboxRow.state.in_((SENT, RECEIVED)) & OutboxRow.audio_deleted_at.is_null())

    def only_at_the_server(self) -> tuple[int, int]:
        """Count the recordings whose audio is at the server alone: all, and those without a transcript."""
        there = OutboxRow.audio_deleted_at.is_null(False)
        query = OutboxRow.select(fn.COUNT(SQL("*"))).join(RecordRow, on=OutboxRow.record == RecordRow.id)
        unfinished = there & (RecordRow.transcription_status != COMPLETED)
        return tuple(int(self._database.scalar(query.where(it))) for it in (there, unfinished))  # type: ignore[return-value]

    # Steps

    def adopt(self) -> int:
        """Put every queued recording into the outbox, also one whose outcome a person asks for again."""
        again = self._again()
        fresh = self._without_row(RecordRow.transcription_status == QUEUED)
        if not (again or fresh):
            return 0
        with self._database.transaction():
            self._add(fresh)
            for record_id in again:
                self.step("ask_again", record_id)
        return len(fresh) + len(again)

    def step(self, name: str, record_id: int, **columns: Any) -> bool:
        """Carry out a step of `STEPS` on a row; False if it is not where the step begins."""
        step = STEPS[name]
        where = (OutboxRow.record == record_id) & OutboxRow.state.in_(step.sources)
        query = OutboxRow.update(state=step.target, **{**step.writes, **columns}).where(where)
        with self._database.transaction():
            return bool(self._database.run(query))

    def put_off(self, record_id: int, code: str, message: str, wait_seconds: float) -> None:
        """Let a recording wait that cannot be sent now, for a reason of its own."""
        later, attempts = self._clock() + wait_seconds, OutboxRow.attempts + 1
        trouble = {"error_code": code, "error": message, "next_attempt_at": later, "attempts": attempts}
        self.step("put_off", record_id, **trouble)

    def take(self, record_id: int, sha256: str) -> bool:
        """Note that the server has a recording with this content."""
        return self.step("take", record_id, sha256=sha256, sent_at=self._clock())

    def receive(self, record_id: int, **columns: Any) -> bool:
        """Note that the outcome of a recording is here, in the transaction that writes the outcome."""
        return self.step("receive", record_id, received_at=self._clock(), **columns)

    def note(self, record_id: int, **columns: Any) -> None:
        """Write what the server says of a recording, if that is new."""
        item = self.find(record_id)
        if item and any(getattr(item, name) != value for name, value in columns.items()):
            with self._database.transaction():
                self._database.run(OutboxRow.update(**columns).where(OutboxRow.record == record_id))
                # A page that lists the recording is told of changed records alone.
                waits = (RecordRow.id == record_id) & (RecordRow.transcription_status == QUEUED)
                progress = columns.get("server_progress", item.server_progress)
                self._database.run(RecordRow.update(progress=progress).where(waits))

    def audio_deleted(self, record_id: int) -> None:
        """Note that the recording is at the server alone."""
        with self._database.transaction():
            row = OutboxRow.update(audio_deleted_at=self._clock()).where(OutboxRow.record == record_id)
            self._database.run(row)

    def begin_anew(self) -> None:
        """Offer everything again to a server that has lost changes, as one restored from a backup.

        Of what has come back from it, that is what is still here.
        """
        completed = RecordRow.select(RecordRow.id).where(RecordRow.transcription_status == COMPLETED)
        kept = (OutboxRow.state == RECEIVED) & OutboxRow.audio_deleted_at.is_null()
        kept &= OutboxRow.record.in_(completed)
        with self._database.transaction():
            for item in self._items((OutboxRow.state == SENT) | kept):
                self.step("forgotten", item.record)
            self._database.run(OutboxRow.update(words_seq=0))
            self.server.took_over(0)

    def doubt(self) -> None:
        """Offer again what the server took a day ago and has not finished.

        One that was restored from a backup without it, and has got other calls since, would never tell.
        """
        unfinished = RecordRow.select(RecordRow.id).where(RecordRow.transcription_status.in_(SENDABLE))
        is_old = OutboxRow.sent_at < self._clock() - DOUBT_SECONDS
        where = (OutboxRow.state == SENT) & is_old & OutboxRow.record.in_(unfinished)
        for item in self._items(where):
            self.step("forgotten", item.record)

    # Deletions

    def order_deletion(self, record_id: int, session_id: str) -> None:
        """Have the server delete a call; call it in the transaction that deletes the call here."""
        if self.find(record_id) is None or not self.is_joined():
            return  # the server cannot know it
        query = OutboxDeletionRow.insert(session_id=session_id, ordered_at=self._clock())
        self._database.run(query.on_conflict_ignore())

    def deletions(self) -> list[str]:
        """Return the session ids that the server is to delete, the oldest order first."""
        query = OutboxDeletionRow.select().order_by(OutboxDeletionRow.ordered_at)
        return [row["session_id"] for row in self._database.all(query)]

    def deletion_done(self, session_id: str) -> None:
        """Forget a deletion that the server has confirmed."""
        with self._database.transaction():
            query = OutboxDeletionRow.delete().where(OutboxDeletionRow.session_id == session_id)
            self._database.run(query)

    # Helpers

    def _items(self, where: Expression, limit: int | None = None) -> list[OutboxItem]:
        query = OutboxRow.select().where(where).order_by(OutboxRow.record).limit(limit)
        return [value_of(OutboxItem, row) for row in self._database.all(query)]

    def _again(self) -> list[int]:
        """Return the recordings that a person has queued again after their outcome was known."""
        query = OutboxRow.select(OutboxRow.record).join(RecordRow, on=OutboxRow.record == RecordRow.id)
        known = OutboxRow.state.in_((RECEIVED, REFUSED)) & (RecordRow.transcription_status == QUEUED)
        return self._database.column(query.where(known))

    def _without_row(self, where: Expression) -> list[int]:
        """Return the recordings of this machine that are not in the outbox."""
        query = RecordRow.select(RecordRow.id)
        query = query.join(OutboxRow, JOIN.LEFT_OUTER, on=OutboxRow.record == RecordRow.id)
        own = where & RecordRow.storage_key.is_null() & OutboxRow.record.is_null()
        return self._database.column(query.where(own & ~_is_marked()))

    def _add(self, record_ids: list[int]) -> None:
        for record_id in record_ids:
            row = OutboxRow.insert(record=record_id, state=WAITING)
            self._database.run(row.on_conflict_ignore())


def _is_marked() -> Any:  # an Expression, says peewee only at run time
    """Whether a record is being deleted."""
    return fn.EXISTS(ErasureRow.select().where(ErasureRow.record_id == RecordRow.id))
