"""Finds unfinished work: ended leases, lost hints, files to move or delete, ended processes."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from archive.erasing import Eraser
from archive.incoming import LeftCalls
from archive.library import Library
from archive.retention import Retention
from archive.storage.upkeep import Upkeep
from archive.uploads import LeftUploads
from shared.errors import ClaimLost, OffhookError, StoreError, WorkerGone
from shared.logs import DatabaseTrouble
from shared.settings import Settings
from shared.store.claims import Claim, Failure
from shared.store.live import LiveCall
from shared.store.store import Store
from shared.store.values import Record
from shared.workers import Liveness
from transcribe_worker.jobs.hint_storage.outage import QueueAway
from transcribe_worker.jobs.hints import HintQueue
from transcribe_worker.jobs.retry import Limits, after_crash
from transcribe_worker.jobs.transcriber import conclude, never
from transcribe_worker.jobs.turn import Turn

log = logging.getLogger(__name__)

EVERY_SECONDS = 2.0
LONG_GAP_SECONDS = 10 * EVERY_SECONDS
#: A worker whose database was away renews its lease in this time.
RENEWING_SECONDS = 10.0
HINTS_AT_ONCE = 100
#: At equal priority, interrupted recordings come before new ones, and those of an ended worker first: they
#: are less likely to cause another crash than recordings whose engine crashed.
BEGUN_AHEAD, HELD_AHEAD = 0.5, 0.75
#: A worker archives a recording just after it has completed it; the sweeper waits this long.
ARCHIVING_SECONDS = 10.0
#: The files of a transcript that is being edited are written after this rest; a long call takes seconds.
REST_SECONDS = 10.0


class _Lease(NamedTuple):
    """Who has claimed a record or a live call, and until when."""

    token: str | None
    worker_id: str | None
    host: str | None
    expires_at: float | None

    @classmethod
    def of_record(cls, it: Record) -> _Lease:
        return cls(it.claim_token, it.worker_id, it.worker_host, it.lease_expires_at)

    @classmethod
    def of_call(cls, it: LiveCall) -> _Lease:
        return cls(it.token, it.worker_id, it.host, it.lease_expires_at)


@dataclass
class Sweeper:
    """Sweeps one home; any number of sweepers may run at once."""

    settings: Settings
    store: Store
    hints: HintQueue
    library: Library
    clock: Callable[[], float] | None = None  # None: the store's
    monotonic: Callable[[], float] = time.monotonic
    waits: Callable[[], bool] = never  # queued recordings, for the end of a live call
    turn: Turn | None = None  # of the worker: what this machine takes
    _last_sweep: float = 0.0
    _leases: dict[str | None, tuple[float | None, float]] = field(default_factory=dict)
    _hinted: set[tuple[int, int]] = field(default_factory=set)  # begun records, and the attempts they had
    _trouble: DatabaseTrouble = field(default_factory=lambda: DatabaseTrouble(log))
    _now: Callable[[], float] = field(init=False)
    _liveness: Liveness = field(init=False)
    _turn: Turn = field(init=False)
    _eraser: Eraser = field(init=False)
    _retention: Retention = field(init=False)
    _uploads: LeftUploads = field(init=False)
    _upkeep: Upkeep = field(init=False)
    _incoming: LeftCalls = field(init=False)

    def __post_init__(self) -> None:
        self._liveness = Liveness(self.store, self.settings.locks)
        self._now = self.clock or self.store.clock
        self._turn = self.turn or Turn(self.settings, self.store, "", monotonic=self.monotonic)
        self._eraser = Eraser(self.settings, self.store, self.library, self.clock, self.monotonic)
        self._retention = Retention(self.store, self._eraser, self.settings.retention_days, self.clock)
        self._uploads = LeftUploads(self.settings, self.store, self.clock, self.monotonic)
        self._incoming = LeftCalls(self.settings, self.store, self.clock, self.monotonic)
        self._upkeep = Upkeep(self.settings, self.store, self.clock, self.monotonic)

    def run(self, stopping: threading.Event) -> None:
        """Sweep at once and then every 2 s, until `stopping` is set."""
        try:
            self.sweep()
            while not stopping.wait(EVERY_SECONDS):
                self.sweep()
        finally:
            self.store.disconnect()

    def sweep(self) -> None:
        """Run every step once; a failed step does not stop the others."""
        steps = (
            *(self._reclaim, self._retention.apply, self._eraser.mark_due, self._eraser.resume),
            *(self._archive, self._hint, self._remove_dead, self._uploads.apply, self._upkeep.apply),
            self._incoming.apply,
        )
        failed = False
        for step in steps:
            try:
                step()
            except StoreError as error:
                failed = True
                self._trouble.note(error)
            except QueueAway as error:  # workers look for themselves meanwhile
                log.debug("no hints are sent: %s", error.code)
            except Exception:  # the cause may be gone at the next sweep
                log.exception("sweep failed")
        if not failed:
            self._trouble.is_over()

    def _reclaim(self) -> None:
        """Take recordings and live calls back from workers that have ended or are silent."""
        claimed, followed = self.store.records.processing(), self.store.live.held()
        self._forget_leases_after_a_sleep()
        for record in claimed:
            if reason := self._abandoned(_Lease.of_record(record)):
                self._give_back(record, reason)
        for call in followed:
            if reason := self._abandoned(_Lease.of_call(call)):
                log.warning("call %s: %s", call.session_id, reason)
                self.store.live.free(call.session_id, call.token or "")
        tokens = {it.claim_token for it in claimed} | {it.token for it in followed}
        self._leases = {token: seen for token, seen in self._leases.items() if token in tokens}

    def _abandoned(self, lease: _Lease) -> str | None:
        """Return why what is claimed is to be taken back, None if it is not.

        A lease is judged by this process's monotonic clock, from its last observed renewal: setting the wall
        clock neither ends nor extends a lease. One of another machine of a team is judged by the database's
        clock, which is the same for all; a moment more is for a database that was away.
        """
        if self._liveness.has_ended(lease.worker_id or "", lease.host):
            return "its worker is gone"
        now = self.monotonic()
        expires, since = self._leases.get(lease.token, (None, now))
        if expires != lease.expires_at:
            since = now
        self._leases[lease.token] = (lease.expires_at, since)
        patience = self.settings.lease_seconds
        if self.settings.database and not self.store.workers.is_here(lease.host):
            is_over = (lease.expires_at or 0.0) < self.store.clock()
            patience = RENEWING_SECONDS if is_over else math.inf
        return "its lease has run out" if now - since > patience else None

    def _forget_leases_after_a_sleep(self) -> None:
        """Give workers the time to renew after the machine slept."""
        now = self.monotonic()
        if now - self._last_sweep > LONG_GAP_SECONDS:
            self._leases.clear()
        self._last_sweep = now

    def _give_back(self, record: Record, reason: str) -> None:
        limits = Limits(self.settings.max_attempts, self.settings.max_crashes)
        decision = after_crash(
            attempts=record.attempts, crashes=record.crashes, limits=limits, wait_seconds=0.0
        )
        failure = Failure.of(WorkerGone(f"The transcription was interrupted: {reason}."))
        log.warning("recording %d: %s -> %s", record.id, reason, decision.action)
        try:
            claim = Claim(record, record.claim_token or "", record.lease_expires_at)
            conclude(self.store, claim, failure, decision)
        except ClaimLost:
            log.info("recording %d: another process was faster", record.id)

    def _archive(self) -> None:
        """Archive recordings whose archiving was interrupted."""
        for record in self.store.places.unarchived():
            if self._is_since(record.completed_at, ARCHIVING_SECONDS):
                continue
            if record.library_stem and self._is_since(self.store.edits.last_at(record.id), REST_SECONDS):
                continue
            try:
                self.library.archive(record)
            except (OSError, OffhookError) as error:
                log.warning("recording %d: cannot be archived: %s", record.id, Failure.of(error).code)

    def _is_since(self, moment: float | None, seconds: float) -> bool:
        """Whether something happened this recently; a clock that was set back says no."""
        return 0 <= self._now() - (moment or 0.0) < seconds

    def _hint(self) -> None:
        """Send hints for due records; while others are in the queue, only once for interrupted records.

        Otherwise an interrupted recording would wait for all that were dropped since.
        """
        if self.store.controls.paused() or self.store.outbox.is_joined() or self.waits():
            return
        busy = not self.hints.is_empty()
        due = self.store.turns.due(self._turn.refreshed(), HINTS_AT_ONCE, begun_only=busy)
        for record in due:
            if not busy or (record.id, record.attempts) not in self._hinted:
                self.hints.send(record.id, _urgency(record))
        self._hinted = {(record.id, record.attempts) for record in due if record.started_at is not None}

    def _remove_dead(self) -> None:
        self._liveness.remove_dead()


def _urgency(record: Record) -> float:
    if record.started_at is None:
        return float(record.priority)
    return record.priority + (HELD_AHEAD if record.error_code == WorkerGone.code else BEGUN_AHEAD)
