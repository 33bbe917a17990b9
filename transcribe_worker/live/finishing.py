"""Hands the text of a call that is decoded to its end to the record of the call, and completes it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from archive.library import Library
from shared.errors import ClaimLost, OffhookError, StoreError
from shared.logs import discreet
from shared.settings import Settings
from shared.store.captures import WAITING
from shared.store.claims import Claim
from shared.store.live import LiveClaim
from shared.store.store import Store
from shared.store.values import Record
from shared.words import FLAGS_OF_WORDS
from transcribe_worker.jobs.completion import complete
from transcribe_worker.jobs.findings import Findings
from transcribe_worker.jobs.progress import RENEWALS_PER_LEASE
from transcribe_worker.jobs.recipe import options_of, recipe
from transcribe_worker.jobs.transcriber import unchanged
from transcribe_worker.live.growth import seconds_in

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.05
#: The recorder hashes and moves a finished recording; after this time something else is wrong with it.
PATIENCE_SECONDS = 60.0
#: Wait before an outcome is written again.
AGAIN_SECONDS = 0.5
#: Lengths are rounded to the millisecond.
SAME_SECONDS = 0.002


@dataclass(frozen=True)
class Finisher:
    """Completes the records of followed calls. Whatever it leaves, the queue does."""

    settings: Settings
    store: Store
    library: Library
    worker_id: str
    stopping: threading.Event
    archive: Callable[[Record], None]  # moves a completed recording into the library
    monotonic: Callable[[], float] = time.monotonic

    def finish(self, live: LiveClaim, findings: Findings) -> None:
        """Complete the record of a call whose windows are all committed. Raises ClaimLost."""
        record = self._record(live)
        is_to_finish = record and not self.store.controls.paused() and self._is_same(record, live)
        claim = self._claim(record) if record and is_to_finish else None
        if claim is None:
            self.store.live.end(live)
            return
        try:
            completed = self._completed(claim, live, findings)
        except ClaimLost:
            log.info("recording %d: no longer ours", claim.record.id)
            self._leave(lambda: self.store.live.end(live))
        except (OSError, OffhookError) as error:
            log.warning("recording %d: left to the queue: %s", claim.record.id, discreet(error))
            self._leave(lambda: self.store.claims.hand_back(claim), lambda: self.store.live.end(live))
        else:
            log.info("recording %d: completed at the end of its call", completed.id)
            self.archive(completed)

    def _record(self, live: LiveClaim) -> Record | None:
        """Wait for the record of a call; None if a person decides about it first, or it does not come."""
        begun = renewed = self.monotonic()
        while (now := self.monotonic()) < begun + PATIENCE_SECONDS:
            if record := self.store.records.of_session(live.session_id):
                return record
            call = self.store.captures.find(live.session_id)
            if call is None or call.state == WAITING or self.stopping.wait(LOOK_SECONDS):
                return None
            if now - renewed > self.settings.lease_seconds / RENEWALS_PER_LEASE:
                self.store.live.renew(live, lease_seconds=self.settings.lease_seconds)
                renewed = now
        return None

    def _is_same(self, record: Record, live: LiveClaim) -> bool:
        """Whether the record is to be decoded as the call was: a candidate with other terms may be set."""
        return recipe(options_of(self.settings, self.store, record)) == live.call.recipe

    def _claim(self, record: Record) -> Claim | None:
        return self.store.claims.claim(
            record.id,
            worker_id=self.worker_id,
            model=record.requested_model or self.settings.model,
            lease_seconds=self.settings.lease_seconds,
        )

    def _completed(self, claim: Claim, live: LiveClaim, findings: Findings) -> Record:
        """Complete a claimed record. Raises ClaimLost, OSError, OffhookError."""
        self._confirm(live)
        self._check_file(claim.record, findings)
        windows = self.store.live.count_windows(live.session_id)
        if self.store.live.take_over(claim, live.call.recipe) != windows:
            raise OffhookError("The text of the call could not be taken over.")
        taken = replace(claim, record=self.store.records.get(claim.record.id))
        noticed = tuple(flag for flag in taken.record.flags if flag in FLAGS_OF_WORDS)
        return complete(self.store, taken, findings, noticed)

    def _confirm(self, live: LiveClaim) -> None:
        """Raise unless the call is still ours: another worker may have decoded a part of it otherwise."""
        try:
            self.store.live.renew(live, lease_seconds=self.settings.lease_seconds)
        except ClaimLost:
            raise OffhookError("The call was given to another worker.") from None

    def _leave(self, *writes: Callable[[], object]) -> None:
        """Give the record and the call to the queue, as soon as the database can be written."""
        for write in writes:
            while not _is_written(write):
                if self.stopping.wait(AGAIN_SECONDS):
                    return  # the sweeper finds it

    def _check_file(self, record: Record, findings: Findings) -> None:
        """Raise unless the file is what was queued, and as long as what was decoded."""
        now = unchanged(record, self.library.find(record), self.settings.inbox)
        layout = self.store.captures.get(record.session_id).layout
        if abs(seconds_in(now.size_bytes, layout) - (findings.duration_seconds or 0.0)) > SAME_SECONDS:
            raise OffhookError("The recording has another length than what was decoded.")


def _is_written(write: Callable[[], object]) -> bool:
    """Write an outcome; False if it cannot be written now."""
    try:
        write()
    except ClaimLost:  # somebody else decides about it
        return True
    except StoreError as error:
        log.warning("an outcome is not stored yet: %s", discreet(error))
        return False
    return True
