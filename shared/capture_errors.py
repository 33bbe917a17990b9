"""What can go wrong with a call that is recorded, its devices, and the capture worker."""

from __future__ import annotations

from shared.errors import OffhookError


class AudioUnavailable(OffhookError):
    """The audio system of this machine cannot be reached. `offhook doctor` looks closer."""

    code = "audio_unavailable"


class NoDevice(OffhookError):
    """There is neither a microphone nor a loopback to record from. `offhook devices` lists what is there."""

    code = "no_device"


class DeviceLost(OffhookError):
    """The audio device is gone or cannot be opened."""

    code = "device_lost"


class DeviceUnknown(OffhookError):
    """The audio device was plugged in after the audio system was opened."""

    code = "device_unknown"


class AlreadyRecording(OffhookError):
    """A recording is running. Stop it before the next one."""

    code = "already_recording"


class NotRecording(OffhookError):
    """No recording is running."""

    code = "not_recording"


class RecordingWaits(OffhookError):
    """A stopped recording waits: `offhook record state` names it; attach or discard it first."""

    code = "recording_waits"


class UnknownSession(OffhookError):
    """There is no recording with this session id."""

    code = "unknown_session"


class BadOutputPath(OffhookError):
    """A recording cannot go there: it is inside offhook's own folder. Choose a place outside it."""

    code = "bad_output_path"


class BadRequest(OffhookError):
    """The request is not one of the capture protocol."""

    code = "bad_request"


class CaptureNotRunning(OffhookError):
    """No capture worker runs. Start one: python start.py"""

    code = "capture_not_running"


class CaptureSilent(OffhookError):
    """The capture worker runs but does not answer. Try again in a moment, then start it again."""

    code = "capture_silent"
