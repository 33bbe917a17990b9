"""Recordings that have ended and are not in the queue yet.

One may wait for a person to attach or discard it. Others could not be queued: the database was busy, the disk
was full, or their process was killed. Not thread-safe: the session calls it under its lock.
"""

from __future__ import annotations

import contextlib
import logging

from capture_worker.active_recording import ActiveRecording
from capture_worker.handover.unfinished import Recovered, UnfinishedRecordings
from shared.errors import OffhookError, StoreError
from shared.logs import discreet
from shared.store.captures import ENDED, Captures
from shared.store.values import Capture

log = logging.getLogger(__name__)


class PendingRecordings:
    """The ended recordings of this process, and those of processes that have ended."""

    def __init__(self, captures: Captures, unfinished: UnfinishedRecordings, worker_id: str) -> None:
        self.waiting: Capture | None = None  # for a person to attach or discard it
        self._late: dict[str, ActiveRecording] = {}
        self._captures, self._unfinished, self._worker_id = captures, unfinished, worker_id

    def add(self, ended: ActiveRecording) -> None:
        """Add a recording that has just ended, unless it is queued or discarded."""
        session_id = ended.call.session_id
        if ended.late:
            self._late[session_id] = ended
        if ended.waits:
            with contextlib.suppress(StoreError):  # it is late, and found by `hand_over_leftovers`
                self.waiting = self._captures.find(session_id)

    def late(self, session_id: str) -> ActiveRecording | None:
        """Return a late recording, which may have no row in the database yet."""
        return self._late.get(session_id)

    def hand_over_waiting(self) -> None:
        """Hand over the waiting recording. Raises OSError, StoreError; it is tried again later then."""
        session_id = self._no_longer_waiting()
        self._captures.change(session_id, state=ENDED)
        self._unfinished.hand_over(session_id)

    def delete_waiting(self) -> None:
        """Delete the waiting recording."""
        self._unfinished.delete(self._no_longer_waiting())

    def hand_over_leftovers(self, running: str | None, manual: bool) -> list[Recovered]:
        """Hand over every recording that can be handed over now, and find the waiting one.

        Returns what was queued of processes that have ended. `running` is the session id of the active
        recording. With `manual` the newest stopped one waits.
        """
        self._finish_late()
        waits = self.waiting.session_id if self.waiting else None
        recovered = self._unfinished.hand_over_all({running, waits, *self._late})
        stopped = self._unfinished.waiting() if running is None else []
        for found in stopped:
            self._take_over(found, keep=manual and found is stopped[-1])
        return recovered

    def _finish_late(self) -> None:
        for session_id, late in list(self._late.items()):
            try:
                late.finish()
            except (OSError, OffhookError) as error:
                log.warning("a recording cannot be finished yet: %s", discreet(error))
            else:
                del self._late[session_id]

    def _no_longer_waiting(self) -> str:
        assert self.waiting
        session_id, self.waiting = self.waiting.session_id, None
        self._late.pop(session_id, None)
        return session_id

    def _take_over(self, found: Capture, keep: bool) -> None:
        """Let a stopped recording, perhaps of another process, wait here, or hand it over."""
        if keep and self.waiting and self.waiting.session_id == found.session_id:
            return
        if self._captures.take_over(found, self._worker_id):
            self.waiting = found
            if not keep:
                self.hand_over_waiting()
