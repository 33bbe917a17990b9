"""The outcome of the last recording, which the state shows until that recording is deleted."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from typing import Any

from capture_worker.active_recording import LATE, QUEUED
from capture_worker.handover.unfinished import RECOVERED, Recovered
from shared.errors import StoreError
from shared.logs import discreet
from shared.store.store import Store

log = logging.getLogger(__name__)

Outcome = dict[str, Any]
_QUEUED: Outcome = {"state": QUEUED, "queue_error": None}


class LastRecording:
    """The outcome of the last recording."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._outcome: Outcome | None = None
        self._lock = threading.Lock()

    @property
    def outcome(self) -> Outcome | None:
        """The outcome, None if there is none or the recording was deleted."""
        return self._outcome

    @property
    def session_id(self) -> str | None:
        """The session id of the last recording, None if there is none."""
        last = self._outcome
        return last["session_id"] if last else None

    def replace(self, outcome: Outcome | None) -> None:
        """Set the outcome of a recording that has just ended; None removes the last one."""
        with self._lock:
            self._outcome = outcome

    def recover(self, recovered: Sequence[Recovered]) -> bool:
        """Without a last recording, take the newest that a killed recorder left; return whether it did."""
        if self._outcome or not recovered:
            return False
        capture, record = max(recovered, key=lambda each: each[0].started_at)
        self.replace(
            {
                "session_id": capture.session_id,
                "record_id": record.id,
                "title": capture.title,
                "recording_path": record.recording_path,
                "duration_seconds": capture.duration_seconds,
                "reason": capture.verdict.get("reason", RECOVERED),
                "state": QUEUED,
                "error": None,
                "queue_error": None,
                "verdict": {"layout": capture.layout, **capture.verdict},
            }
        )
        return True

    def refresh(self) -> bool:
        """Update the outcome if its recording was queued or deleted; return whether it changed.

        Raises StoreError.
        """
        last = self._outcome
        found = self._looked_up(last) if last else None
        with self._lock:
            if self._outcome is not last or found == last:
                return False
            self._outcome = found
            return True

    def try_to_refresh(self) -> bool:
        """Update the outcome, if the database can be read now; return whether it changed."""
        try:
            return self.refresh()
        except StoreError as error:
            log.debug("the last recording cannot be looked up now: %s", discreet(error))
            return False

    def unplanned_end(self) -> str | None:
        """Return why the last recording ended, None if a person stopped it."""
        last = self._outcome or {}
        if last.get("reason") in (None, "asked"):
            return None
        if last["reason"] == RECOVERED:
            found = f"It is recording {last['record_id']}."
            return f"No recording is running. The last one was interrupted: its recorder was killed. {found}"
        why = (last["error"] or last["reason"]).rstrip(".")
        return f"No recording is running. The last one ended by itself: {why}."

    def _looked_up(self, last: Outcome) -> Outcome | None:
        record = self._store.records.of_session(last["session_id"])
        if record is None:
            return last if self._may_be_queued(last) else None
        if last["record_id"] is not None:
            return last
        return {**last, "record_id": record.id, "recording_path": record.recording_path, **_QUEUED}

    def _may_be_queued(self, last: Outcome) -> bool:
        """Whether it may still be queued; a late recording may have no row yet, as after a busy database."""
        if last["record_id"] is not None:
            return False
        return last["state"] == LATE or self._store.captures.find(last["session_id"]) is not None
