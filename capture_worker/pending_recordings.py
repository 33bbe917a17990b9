"""Recordings that have ended and are not in the queue yet.

One may wait for a person to attach or discard it; others for a database that somebody holds or a disk that is
full, or for their recorder, which is dead. Nothing here is thread-safe; the session holds its lock.
"""

from __future__ import annotations

import logging

from capture_worker.active_recording import ActiveRecording
from capture_worker.handover.notes import Call
from capture_worker.handover.unfinished import UnfinishedRecordings
from shared.errors import OffhookError
from shared.logs import discreet
from shared.store.captures import ENDED, Captures
from shared.store.values import Capture

log = logging.getLogger(__name__)


class PendingRecordings:
    """The ended recordings of one process, and those of processes that are gone."""

    def __init__(self, captures: Captures, filing: UnfinishedRecordings, worker_id: str) -> None:
        self.stopped: Capture | None = None  # it waits for a person
        self._late: dict[str, ActiveRecording] = {}
        self._captures, self._filing, self._worker_id = captures, filing, worker_id

    def put(self, take: ActiveRecording) -> None:
        """Take in a recording that has just ended, if it is not away already."""
        session_id = take.call.session_id
        if take.late:
            self._late[session_id] = take
        if take.waits:
            self.stopped = self._captures.find(session_id)

    def unnoted(self, session_id: str) -> Call | None:
        """What is known of a late recording: the database may not know of it yet."""
        take = self._late.get(session_id)
        return take.call if take else None

    def release(self) -> None:
        """Hand over the recording that waits. Raises OSError, StoreError; then `settle` does it."""
        assert self.stopped
        session_id, self.stopped = self.stopped.session_id, None
        self._late.pop(session_id, None)
        self._captures.change(session_id, state=ENDED)
        self._filing.hand_over(session_id)

    def drop(self) -> None:
        """Delete the recording that waits."""
        assert self.stopped
        session_id, self.stopped = self.stopped.session_id, None
        self._late.pop(session_id, None)
        self._filing.drop(session_id)

    def settle(self, running: str | None, manual: bool) -> None:
        """Hand over what can be handed over now, and find again what waits."""
        self._finish_late()
        waits = self.stopped.session_id if self.stopped else None
        self._filing.recover({running, waits, *self._late})
        waiting = self._filing.waiting() if running is None else []
        for found in waiting:
            self._wait_with(found, stays=manual and found is waiting[-1])

    def _finish_late(self) -> None:
        for session_id, take in list(self._late.items()):
            try:
                take.finish()
            except (OSError, OffhookError) as error:
                log.warning("a recording cannot be finished yet: %s", discreet(error))
            else:
                del self._late[session_id]

    def _wait_with(self, found: Capture, stays: bool) -> None:
        """Go on waiting with a stopped recording, perhaps another process's; only the newest one stays."""
        if stays and self.stopped and self.stopped.session_id == found.session_id:
            return
        if self._captures.take_over(found, self._worker_id):
            self.stopped = found
            if not stays:
                self.release()
