"""What the recorder answers."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct


class CaptureWorker(Struct):
    """Whether a capture worker answers; `message` says why not and what to do."""

    runs: bool | None
    message: str | None


class Notice(Struct):
    """What to mind of a recording: what a person can do, how often it was said, and whether it is over."""

    code: str
    message: str
    remedy: str
    times: int
    is_over: bool


class UnfinishedCall(Struct):
    """A call that is not in the queue yet."""

    session_id: str
    title: str
    candidate_id: str | None
    project_id: str | None
    state: Literal["recording", "stopped", "late", "interrupted"]
    started_at: str
    duration_seconds: float


class RecordingOutcome(Struct):
    """What became of a recording; `error` ended it, `queue_error` keeps it out of the queue for now."""

    session_id: str
    record_id: int | None
    title: str
    recording_path: str | None
    duration_seconds: float
    reason: str
    state: Literal["queued", "waiting", "late", "discarded"]
    error: str | None
    queue_error: str | None
    verdict: dict[str, Any]


class LastOutcome(RecordingOutcome):
    """The outcome of the last recording; `why` says in words why it ended, if no person ended it."""

    why: str | None


class Recorder(Struct):
    """The recording that runs or waits, its devices, what to mind, and the calls that wait."""

    state: Literal["idle", "recording", "stopped", "unknown"]
    session_id: str | None
    title: str | None
    candidate_id: str | None
    project_id: str | None
    started_at: str | None
    duration_seconds: float
    microphone: str | None
    loopback: str | None
    worker: CaptureWorker
    notices: list[Notice]
    consent: str | None
    last: LastOutcome | None
    calls: list[UnfinishedCall]


class Device(Struct):
    """A microphone, or the sound of an output."""

    side: Literal["microphone", "loopback"]
    name: str
    key: str
    rate_hz: int
    channels: int
    is_default: bool


class Devices(Struct):
    """What can be recorded, and what would be; `reason` says why nothing can."""

    microphone: Device | None
    loopback: Device | None
    devices: list[Device]
    reason: str | None


class Discarded(Struct):
    """The recording that was deleted."""

    session_id: str
    discarded: bool


class Attached(Struct):
    """The call, and its record if it is in the queue."""

    session_id: str
    record_id: int | None
