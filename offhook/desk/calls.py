"""The calls that are not in the queue yet: one that is being recorded, and what waits or was interrupted.

All of it is read from the database and from the locks of processes, so it is right whichever program started
the recording, and also where no capture worker runs.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

from offhook.desk.desk import Desk
from shared.errors import OffhookError
from shared.store.captures import ENDED, RECORDING, WAITING
from shared.store.values import Capture
from shared.times import iso
from shared.workers import Liveness

INTERRUPTED, STOPPED, LATE = "interrupted", "stopped", "late"
_ABOUT = ("session_id", "title", "started_at")
#: The state of a recorder that is not in use, or not for whoever asks.
IDLE: dict[str, Any] = {"state": "idle", **dict.fromkeys(_ABOUT)}
#: How a call is called that is not in the queue and is not being recorded.
NOT_RUNNING = {RECORDING: INTERRUPTED, WAITING: STOPPED, ENDED: LATE}


def unfinished_calls(desk: Desk) -> list[dict[str, Any]]:
    """Describe the calls that run, wait for a person, were interrupted or are late; the oldest first."""
    liveness = Liveness(desk.store, desk.settings.locks)
    return [described(capture, liveness) for capture in desk.store.captures.unfinished()]


def interrupted_calls(desk: Desk) -> list[dict[str, Any]]:
    """Describe the calls whose capture worker was killed; none if the database cannot be read."""
    with suppress(OffhookError, OSError):
        return [call for call in unfinished_calls(desk) if call["state"] == INTERRUPTED]
    return []


def recorder_state(desk: Desk) -> dict[str, Any]:
    """Say whether a recording runs, for what shows it all the time. It changes only when the state does.

    `state` is `recording`, `stopped` (a call waits for a person), `interrupted` or `idle`; the other keys
    describe that call and are None while idle.
    """
    calls = {call["state"]: call for call in unfinished_calls(desk)}
    state = next((state for state in (RECORDING, STOPPED, INTERRUPTED) if state in calls), "idle")
    call = calls.get(state, {})
    return {"state": state, **{name: call.get(name) for name in _ABOUT}}


def described(capture: Capture, liveness: Liveness) -> dict[str, Any]:
    """Describe a call that is not in the queue yet."""
    runs = capture.state == RECORDING and liveness.runs(capture.worker_id, capture.host)
    length = time.time() - capture.started_at if runs else capture.duration_seconds
    return {
        "session_id": capture.session_id,
        "title": capture.title,
        "candidate_id": capture.candidate_id,
        "project_id": capture.project_id,
        "state": RECORDING if runs else NOT_RUNNING.get(capture.state, INTERRUPTED),
        "started_at": iso(capture.started_at),
        "duration_seconds": round(length, 1),
    }
