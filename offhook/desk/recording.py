"""What a person does with the recorder: commands and pages do it alike, through the capture worker."""

from __future__ import annotations

from typing import Any

from offhook.desk.calls import interrupted_calls
from offhook.desk.desk import Desk
from offhook.desk.lengths import length
from offhook.desk.recorder import CaptureClient
from shared.capture_errors import CaptureNotRunning


def connect(desk: Desk) -> CaptureClient:
    """Connect to the capture worker. Raises CaptureNotRunning, naming the calls that were interrupted."""
    try:
        return CaptureClient(desk.settings.control)
    except CaptureNotRunning as error:
        kept = [_kept(call) for call in interrupted_calls(desk)]
        raise CaptureNotRunning(" ".join([*kept, str(error)])) from error


def start(desk: Desk, **given: str | bool | None) -> dict[str, Any]:
    """Start to record; return the state. `given` has the parameters of `start_recording`.

    Raises CaptureNotRunning, CaptureSilent, Refused, as all of these.
    """
    return _asked(desk, "start_recording", **given)


def stop(desk: Desk, session_id: str | None = None) -> dict[str, Any]:
    """Stop the running recording, or only the named one; return its outcome."""
    return _asked(desk, "stop_recording", session_id=session_id)


def state(desk: Desk) -> dict[str, Any]:
    """Return what is recorded, or waits, and how the last recording ended."""
    return _asked(desk, "get_recording_state")


def discard(desk: Desk, session_id: str | None = None) -> dict[str, Any]:
    """Delete the recording that runs or waits, or only the named one."""
    return _asked(desk, "discard_recording", session_id=session_id)


def devices(desk: Desk) -> dict[str, Any]:
    """List the devices that the capture worker sees, and those that the settings choose."""
    return _asked(desk, "check_audio_devices")


def attach(
    desk: Desk, session_id: str, candidate_id: str | None = None, project_id: str | None = None
) -> dict[str, Any]:
    """Say whose a call is; one that waits for this is queued, by the next capture worker if none runs."""
    given = {"candidate_id": candidate_id, "project_id": project_id}
    try:
        with CaptureClient(desk.settings.control) as capture:
            return capture.request("attach_recording", session_id=session_id, **given)
    except CaptureNotRunning:
        desk.store.captures.attach(session_id, **given)
        desk.store.captures.release(session_id)
        return {"session_id": session_id, "record_id": None}


def _asked(desk: Desk, action: str, **params: Any) -> dict[str, Any]:
    with connect(desk) as capture:
        return capture.request(action, **{name: value for name, value in params.items() if value is not None})


def _kept(call: dict[str, Any]) -> str:
    after = length(call["duration_seconds"])
    return f'"{call["title"]}" was interrupted after {after}; what was recorded is kept.'
