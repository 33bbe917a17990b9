"""What can go wrong: one class for each thing a caller would treat differently.

The docstring of a class is its default message, written for the person who reads it.
"""

from __future__ import annotations

import inspect


class OffhookError(Exception):
    """Something went wrong in offhook."""

    code: str = "error"

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or inspect.cleandoc(type(self).__doc__ or ""))


class SettingsError(OffhookError):
    """A setting is wrong. `offhook config` lists every setting and where its value comes from."""

    code = "settings"


class BadRecording(OffhookError):
    """The recording itself is at fault, so another attempt would end the same way."""

    code = "bad_recording"


class EmptyRecording(BadRecording):
    """The file is empty (0 bytes)."""

    code = "empty_file"


class NoAudio(BadRecording):
    """The file has a header, but no audio behind it."""

    code = "no_audio"


class DamagedHeader(BadRecording):
    """The header of the file is cut off or damaged, so its audio cannot be found."""

    code = "damaged_header"


class NotARecording(BadRecording):
    """The file is not a recording that offhook can read."""

    code = "not_a_recording"


class RecordingMissing(BadRecording):
    """The recording is gone: it was moved or deleted after it was queued."""

    code = "recording_missing"


class RecordingChanged(OffhookError):
    """The recording changed while it was being read; it is read again from the start."""

    code = "recording_changed"


class ModelMissing(OffhookError):
    """The model is not on this machine."""

    code = "model_missing"


class EngineUnusable(OffhookError):
    """The engine cannot load its model, so no recording can be decoded now."""

    code = "engine_unusable"


class EngineCrashed(OffhookError):
    """The engine process died while decoding."""

    code = "engine_crashed"


class EngineFailed(OffhookError):
    """The engine reported an error while decoding."""

    code = "engine_failed"


class ClaimLost(OffhookError):
    """The recording is no longer this worker's: it was cancelled, deleted or given to another one."""

    code = "claim_lost"


class WorkerStopping(OffhookError):
    """The worker was asked to stop; it hands its recording back."""

    code = "worker_stopping"


class RecordNotFound(OffhookError):
    """There is no such recording. `offhook list` shows them all."""

    code = "record_not_found"


class StateConflict(OffhookError):
    """The recording's state does not allow that."""

    code = "state_conflict"


class NewerDatabase(OffhookError):
    """The database was written by a newer offhook. Nothing was changed; update offhook and try again."""

    code = "newer_database"
