"""The recorder as a page shows it: the capture worker's state, in words, and the calls that wait."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from offhook.desk import recording
from offhook.desk.calls import unfinished_calls
from offhook.desk.capture_quality import REASONS
from offhook.desk.desk import Desk
from offhook.desk.recorder_notices import consent, notices
from shared.capture_errors import CaptureNotRunning, CaptureSilent
from shared.errors import OffhookError


def recorder_view(desk: Desk) -> dict[str, Any]:
    """Describe the recorder now, also where no capture worker runs."""
    try:
        return view_of(desk, recording.state(desk))
    except (CaptureNotRunning, CaptureSilent) as error:
        return view_without_worker(desk, error)


def first_view(desk: Desk) -> dict[str, Any]:
    """Describe the recorder from the database alone, for a page that must not wait for the capture worker."""
    calls = unfinished_calls(desk)
    running = next((call for call in calls if call["state"] == "recording"), {"state": "idle"})
    return {
        **_state_of(running),
        "worker": {"runs": None, "message": None},
        "notices": [],
        "consent": None,
        "last": None,
        "calls": [call for call in calls if call is not running],
    }


def view_of(desk: Desk, state: Mapping[str, Any]) -> dict[str, Any]:
    """Describe a recorder whose capture worker has this state."""
    last = state["last"]
    ended = {**last, "why": last["error"] or REASONS.get(last["reason"])} if last else None
    return {
        **_state_of(state),
        "worker": {"runs": True, "message": None},
        "notices": notices(state),
        "consent": consent(state),
        "last": ended,
        "calls": _other_calls(desk, state["session_id"] if state["state"] == "recording" else None),
    }


def view_without_worker(desk: Desk, error: OffhookError) -> dict[str, Any]:
    """Describe the recorder of a home in which no capture worker answers, and why."""
    nothing = {"state": "unknown" if isinstance(error, CaptureSilent) else "idle", "duration_seconds": 0.0}
    return {
        **_state_of(nothing),
        "worker": {"runs": False, "message": str(error)},
        "notices": [],
        "consent": None,
        "last": None,
        "calls": _other_calls(desk, None),
    }


def choices(desk: Desk) -> dict[str, Any]:
    """Return what the settings choose for a recording."""
    settings = desk.settings
    return {name: getattr(settings, name) for name in ("microphone", "loopback", "layout", "live")}


def _state_of(state: Mapping[str, Any]) -> dict[str, Any]:
    names = ("state", "session_id", "title", "candidate_id", "project_id", "started_at", "duration_seconds")
    return {name: state.get(name) for name in (*names, "microphone", "loopback")}


def _other_calls(desk: Desk, running: str | None) -> list[dict[str, Any]]:
    """Return the calls that wait; none if the database cannot be read, which must not hide a recording."""
    with suppress(OffhookError, OSError):
        return [call for call in unfinished_calls(desk) if call["session_id"] != running]
    return []
