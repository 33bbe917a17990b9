"""The facts of the call that is recorded or waits for a person, as the state of a session has them."""

from __future__ import annotations

from typing import Any

from capture_worker.audio.source import SIDES
from capture_worker.capture import DualStreamCapture
from shared.store.values import Capture
from shared.times import iso


def facts_of(call: Capture | None, capture: DualStreamCapture | None) -> dict[str, Any]:
    """Describe a call, which `capture` records; without a call all is None."""
    length = capture.seconds if capture else call.duration_seconds if call else 0.0
    return {
        "session_id": call.session_id if call else None,
        "title": call.title if call else None,
        "candidate_id": call.candidate_id if call else None,
        "project_id": call.project_id if call else None,
        "started_at": iso(call.started_at) if call else None,
        "duration_seconds": round(length, 2),
        **(capture.device_names() if capture else dict.fromkeys(SIDES)),
    }
