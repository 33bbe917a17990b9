"""Finds what has been left undone: dead leases, lost hints, files on their way, processes that are gone."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from peewee import SqliteDatabase

from shared.errors import ClaimLost
from shared.models import Record
from shared.records import Claim, Failure, Records
from shared.settings import Settings
from shared.workers import bury, lives
from transcribe_worker.library import Library
from transcribe_worker.queue import HintQueue
from transcribe_worker.retry import Limits, after_crash
from transcribe_worker.tasks import settle

log = logging.getLogger(__name__)

EVERY_SECONDS = 2.0
HINTS_AT_ONCE = 100
#: A worker files its recording just after it has completed it; the sweeper leaves it the time.
FILING_SECONDS = 10.0


@dataclass
class Sweeper:
    """Sweeps one home; any number may do so at once."""

    settings: Settings
    database: SqliteDatabase
    records: Records
    hints: HintQueue
    library: Library
    clock: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    _leases: dict[str | None, tuple[float | None, float]] = field(default_factory=dict)

    def run(self, stopping: threading.Event) -> None:
        """Sweep at once and then every few seconds, until told to stop."""
        while True:
            try:
                self.sweep()
            except Exception:  # whatever it was, the next sweep may find it gone
                log.exception("sweep failed")
            if stopping.wait(EVERY_SECONDS):
                return

    def sweep(self) -> None:
        """Do everything once."""
        self._reclaim()
        self._file()
        self._hint()
        bury(self.database, self.settings.locks)

    def _reclaim(self) -> None:
        """Take recordings back from workers that are gone or silent."""
        held = self.records.held()
        reasons = ((record, self._abandoned(record)) for record in held)
        for record, reason in reasons:
            if reason:
                self._give_back(record, reason)
        tokens = {record.claim_token for record in held}
        self._leases = {token: seen for token, seen in self._leases.items() if token in tokens}

    def _abandoned(self, record: Record) -> str | None:
        """Say why a held recording is to be taken back.

        A lease is judged by this process's own monotonic clock, from when it was last seen to be
        renewed: a clock that is set back or forward neither ends a lease nor keeps a dead one.
        """
        if not lives(self.settings.locks, record.worker_id or ""):
            return "its worker is gone"
        now = self.monotonic()
        expires, since = self._leases.get(record.claim_token, (None, now))
        if expires != record.lease_expires_at:
            since = now
        self._leases[record.claim_token] = (record.lease_expires_at, since)
        return "its lease has run out" if now - since > self.settings.lease_seconds else None

    def _give_back(self, record: Record, reason: str) -> None:
        limits = Limits(self.settings.max_attempts, self.settings.max_crashes)
        decision = after_crash(
            attempts=record.attempts, crashes=record.crashes, limits=limits, wait_seconds=0.0
        )
        failure = Failure("worker_gone", f"The transcription was interrupted: {reason}.")
        log.warning("recording %d: %s -> %s", record.id, reason, decision.action)
        try:
            claim = Claim(record, record.claim_token or "", record.lease_expires_at)
            settle(self.records, claim, failure, decision)
        except ClaimLost:
            log.info("recording %d: somebody else was faster", record.id)

    def _file(self) -> None:
        """Finish moves that were interrupted."""
        for record in self.records.unfiled():
            if 0 <= self.clock() - (record.completed_at or 0.0) < FILING_SECONDS:
                continue
            try:
                self.library.file(record)
            except OSError as error:
                log.warning("recording %d: cannot be filed: %s", record.id, error.strerror)

    def _hint(self) -> None:
        """Send hints for what is due, unless there are hints still to be taken."""
        if self.records.paused() or not self.hints.is_empty():
            return
        for record in self.records.due(HINTS_AT_ONCE):
            self.hints.send(record.id, record.priority)
