"""One recording, from its first sample to its place in the queue."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from capture_worker.capture import DualStreamCapture
from capture_worker.handover.notes import Notes
from capture_worker.handover.unfinished import UnfinishedRecordings
from capture_worker.notices import Warn, notice
from shared.errors import StoreError, in_words
from shared.logs import discreet
from shared.store.captures import ENDED, WAITING
from shared.store.claims import Failure
from shared.store.store import Store
from shared.store.values import Capture, Record

log = logging.getLogger(__name__)

#: States of a recording that has ended: `outcome["state"]`.
QUEUED, WAITS, LATE, DISCARDED = "queued", "waiting", "late", "discarded"
#: How often the keeper looks for trouble, and how many looks there are from one note to the next.
LOOK_SECONDS, LOOKS_A_NOTE = 0.5, 4
#: How long a stop waits for a busy database; the notes are written later then.
PATIENCE_SECONDS = 1.0


class ActiveRecording:
    """A running recording, with a thread that writes its notes and hands it over at its end."""

    def __init__(
        self,
        capture: DualStreamCapture,
        *,
        store: Store,
        unfinished: UnfinishedRecordings,
        notes: Notes,
        waits: bool,
        warn: Warn,
        on_end: Callable[[ActiveRecording], None],
    ) -> None:
        self.capture = capture
        self.waits = waits  # at its end, for a person to attach or discard it
        self.outcome: dict[str, Any] = {}
        self.late = False  # it has ended and could not be handed over yet
        self._store, self._unfinished, self._notes = store, unfinished, notes
        self._warn, self._on_end = warn, on_end
        self._discarded = False
        self._queue_error: str | None = None  # why it is late, and the remedy
        self._keeper = threading.Thread(target=self._keep, name="keeper", daemon=True)

    @property
    def call(self) -> Capture:
        """The call that is recorded."""
        return self._notes.call

    def attach(self, candidate_id: str | None, project_id: str | None) -> None:
        """Set the candidate and the project, where they are given."""
        self._notes.attach(candidate_id, project_id)

    def start(self) -> None:
        """Record. The first sample does not wait for the database. Raises like DualStreamCapture.start."""
        self.capture.start()
        try:
            with self._store.busy_timeout(PATIENCE_SECONDS):
                self._notes.begin()
        except StoreError as error:
            log.warning("the notes of a recording are written later: %s", discreet(error))
        except BaseException:
            self.capture.stop()
            self.capture.path.unlink(missing_ok=True)
            raise
        self._keeper.start()

    def stop(self) -> None:
        """End it, and wait until its outcome is known."""
        self.capture.stop()
        self._keeper.join()

    def discard(self) -> None:
        """End and delete it."""
        self._discarded, self.waits = True, False
        self.stop()

    def _keep(self) -> None:
        try:
            with self._store.busy_timeout(PATIENCE_SECONDS):
                looks = 0
                while not self.capture.ended.wait(LOOK_SECONDS):
                    looks += 1
                    self._notes.note_strain(self.capture)
                    if looks % LOOKS_A_NOTE == 0:
                        self._notes.try_to_write(self.capture)
                self._end()
        finally:
            self._on_end(self)  # always: the next recording must not wait for this one
            self._store.disconnect()

    def _end(self) -> None:
        record = None
        if self.capture.error:
            self._warn(self.capture.error.code, str(self.capture.error))
        try:
            record = self.finish()
        except Exception as error:  # the file is safe; `hand_over_leftovers` tries again
            self.late, self._queue_error = True, Failure.of(error).message
            log.warning("a recording cannot be finished yet: %s", discreet(error))
            if not self._discarded:
                notice(self._warn, "queued_later", error=in_words(error))
        self.outcome = self._described(record)

    def finish(self) -> Record | None:
        """Queue it, let it wait, or delete it; can be repeated. Raises OSError, StoreError."""
        session_id = self.call.session_id
        if self._discarded:
            self._unfinished.delete(session_id)
            return None
        self._notes.begin()  # without a row the file belongs to no call
        self._notes.try_to_write(self.capture)
        self._store.captures.change(session_id, state=WAITING if self.waits else ENDED, strain=None)
        return None if self.waits else self._unfinished.hand_over(session_id)

    def _described(self, record: Record | None) -> dict[str, Any]:
        verdict = self.capture.verdict
        return {
            "session_id": self.call.session_id,
            "record_id": record.id if record else None,
            "title": self.call.title,
            "recording_path": record.recording_path if record else None,
            "duration_seconds": verdict.duration_seconds,
            "reason": verdict.reason,
            "state": self._state(record),
            "error": str(self.capture.error) if self.capture.error else None,
            "queue_error": self._queue_error,
            "verdict": verdict.as_dict(),
        }

    def _state(self, record: Record | None) -> str:
        """Return its state: a late one is saved and will be queued automatically."""
        if record:
            return QUEUED
        if self._discarded:
            return DISCARDED
        return LATE if self.late else WAITS
