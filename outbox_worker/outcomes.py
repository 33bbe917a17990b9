"""Writes what became of a call at the server into this home, as a worker here would have done.

Each outcome is one transaction: an ordinary claim, what it ends with, and the row of the outbox. So the
library, hooks, the desk and search see what they always see.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from archive import bundle
from archive.library import Library
from shared.errors import ClaimLost, OffhookError
from shared.store.claims import Claim, Failure
from shared.store.outbox_states import RECEIVED
from shared.store.store import Store
from shared.store.transitions import CANCELLED, COMPLETED, FAILED, QUEUED
from shared.store.values import Record

log = logging.getLogger(__name__)

LEASE_SECONDS = 60.0
DELETED = "deleted"


@dataclass
class Outcomes:
    """The outcomes of one home's calls."""

    store: Store
    library: Library
    worker_id: str

    def transcript(self, record_id: int, found: bundle.Bundle) -> None:
        """Take a transcript over, also one that replaces another; overlays of persons are carried over.

        One that is here already, as both parts of the outbox may have asked for it, changes nothing.
        """
        with self.store.transaction():
            item = self.store.outbox.find(record_id)
            if item and item.state == RECEIVED and found.words_seq <= item.words_seq:
                return
            claim = self._claimed(record_id, found.model or "")
            if claim:
                bundle.receive(self.store, claim, found)
            self.store.outbox.receive(
                record_id, words_seq=found.words_seq, server_status=COMPLETED, server_error=None
            )
        if claim:
            log.info("recording %d: its transcript has come", record_id)
            self._archive(record_id)

    def failed(self, record_id: int, failure: Failure) -> None:
        """Let a call fail as it did at the server."""
        with self.store.transaction():
            self._fail(record_id, failure)
            self.store.outbox.receive(record_id, error_code=failure.code, error=failure.message)
        log.warning("recording %d: failed at the server: %s", record_id, failure.code)

    def refused(self, record_id: int, failure: Failure) -> None:
        """Let a recording fail that the server will never take."""
        with self.store.transaction():
            self._fail(record_id, failure)
            self.store.outbox.step("refuse", record_id, error_code=failure.code, error=failure.message)

    def cancelled(self, record_id: int) -> None:
        """Cancel a call that somebody has cancelled at the server."""
        with self.store.transaction():
            record = self.store.records.find(record_id)
            if record and record.transcription_status == QUEUED:
                self.store.records.cancel(record_id)
            self.store.outbox.receive(record_id, server_status=CANCELLED)

    def _fail(self, record_id: int, failure: Failure) -> None:
        record = self.store.records.find(record_id)
        if record is None or record.transcription_status != QUEUED:
            return  # a transcript that is here stays
        if claim := self._claimed(record_id, record.model or ""):
            self.store.claims.fail(claim, failure)

    def _claimed(self, record_id: int, model: str) -> Claim | None:
        """Claim a call, in whichever state it is; None for one that a person has cancelled or deleted."""
        record = self.store.records.find(record_id)
        if record is None or record_id in self.store.erasures.marked():
            return None
        begin = _BEGINNINGS.get(record.transcription_status)
        if begin is None:
            return None
        begin(self.store, record)
        claim = self.store.claims.claim(
            record_id, worker_id=self.worker_id, model=model, lease_seconds=LEASE_SECONDS
        )
        if claim is None:
            raise ClaimLost
        return claim

    def _archive(self, record_id: int) -> None:
        """Write a call's files into the library; after an error the sweeper of a worker does it."""
        try:
            self.library.archive(self.store.records.get(record_id))
        except (OSError, OffhookError) as error:  # the transcript is safe
            log.warning("recording %d: cannot be archived yet: %s", record_id, Failure.of(error).code)


def _is_due_now(store: Store, record: Record) -> None:
    store.records.revise(record.id, {})


def _again(store: Store, record: Record) -> None:
    store.records.requeue(record.id)


#: How a call becomes one that can be claimed, by its state; one that a worker here has is left to it.
_BEGINNINGS: dict[str, Callable[[Store, Record], None]] = {
    QUEUED: _is_due_now,
    COMPLETED: _again,
    FAILED: _again,
}
