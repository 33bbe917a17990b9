"""What can go wrong: one class for each thing a caller would treat differently.

The docstring of a class is its default message, written for the person who reads it; its remedy follows
every message.
"""

from __future__ import annotations

import inspect
import os


class OffhookError(Exception):
    """Something went wrong in offhook."""

    code: str = "error"
    remedy: str = ""
    #: What a program can go on with, as JSON has it.
    details: object = None

    def __init__(self, message: str | None = None) -> None:
        what = message or inspect.cleandoc(type(self).__doc__ or "")
        super().__init__(f"{what} {self.remedy}".rstrip())


def in_words(error: BaseException) -> str:
    """Return an error for a person: the files and the system's reason, without Python's notation."""
    if isinstance(error, OSError) and error.strerror:
        names = (error.filename, error.filename2)
        files = [os.fspath(name) for name in names if isinstance(name, str | os.PathLike)]
        return f"{' -> '.join(files)}: {error.strerror}" if files else error.strerror
    if isinstance(error, KeyError):
        return f"{error.args[0]} is missing" if error.args else "KeyError"
    return str(error) or type(error).__name__


class SettingsError(OffhookError):
    """A setting is wrong. `offhook config` lists every setting and where its value comes from."""

    code = "settings"


class BadRecording(OffhookError):
    """The recording itself is at fault, so another attempt would end the same way."""

    code = "bad_recording"


class EmptyRecording(BadRecording):
    """The file is empty (0 bytes)."""

    code = "empty_file"
    remedy = "Look for the original: the copy went wrong."


class NoAudio(BadRecording):
    """The file has a header, but no audio after it."""

    code = "no_audio"
    remedy = "Look for the original."


class DamagedHeader(BadRecording):
    """The header of the file is cut off or damaged, so its audio cannot be found."""

    code = "damaged_header"
    remedy = "Look for the original; a sound editor may import this one as raw audio."


class NotARecording(BadRecording):
    """The file is not a recording that offhook can read."""

    code = "not_a_recording"


class RecordingMissing(BadRecording):
    """The recording is gone: it was moved or deleted after it was queued."""

    code = "recording_missing"


class TooLarge(BadRecording):
    """The file is larger than `largest_file_gb` allows."""

    code = "largest_file_gb"


class TooLong(BadRecording):
    """The recording is longer than `longest_hours` allows."""

    code = "longest_hours"


class TooSlow(BadRecording):
    """Decoding the recording takes longer than `slowest_decoding` allows."""

    code = "slowest_decoding"


class OutOfMemory(BadRecording):
    """The recording needs more memory than `engine_memory_gb` allows. Raise it, or take a smaller model."""

    code = "engine_memory_gb"


class BadOptions(BadRecording):
    """The options of the recording are damaged."""

    code = "bad_options"

    def __init__(self, message: str, record_id: int) -> None:
        super().__init__(
            f"{message} `offhook retry {record_id}` queues it without them; give it new ones there."
        )


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


class WorkerGone(OffhookError):
    """The worker ended during the recording, or was silent for too long."""

    code = "worker_gone"


class WorkerStopping(OffhookError):
    """The worker was asked to stop; it hands its recording back."""

    code = "worker_stopping"


class RecordNotFound(OffhookError):
    """There is no such recording. `offhook list` shows them all."""

    code = "record_not_found"


class StateConflict(OffhookError):
    """The recording's state does not allow that."""

    code = "state_conflict"


class HookNotFound(OffhookError):
    """There is no such hook."""

    code = "hook_not_found"
    remedy = "`offhook hooks list` shows them all."


class HookStopped(OffhookError):
    """The hook is stopped. `offhook hooks start` starts it again."""

    code = "hook_stopped"


class DeliveryNotFound(OffhookError):
    """There is no such delivery."""

    code = "delivery_not_found"
    remedy = "`offhook hooks show` lists those of a hook."


class StoreError(OffhookError):
    """The database cannot be used. `is_sound`: what is in it is not in danger."""

    code = "database_unusable"
    is_sound = False


class StoreUnavailable(StoreError):
    """The database cannot be opened or used. `offhook doctor` looks closer."""


class StoreBusy(StoreError):
    """The database is in use by another program; try again in a moment."""

    code = "database_busy"
    is_sound = True


class StoreFull(StoreError):
    """The database cannot be written: the disk is full. Make room and try again."""

    code = "database_full"
    is_sound = True


class StoreReadOnly(StoreError):
    """The database cannot be opened for writing. Make the file and its folder writable."""

    code = "database_read_only"
    is_sound = True


class StoreDamaged(StoreError):
    """The database is damaged. `offhook doctor` says what brings it back."""

    code = "database_damaged"


class StoreAway(StoreUnavailable):
    """The server of the database cannot be reached. It is tried again with the next use."""

    code = "database_away"
    is_sound = True


class StoreConflict(StoreError):
    """The database refuses a row that contradicts another one."""

    code = "database_conflict"


class NewerDatabase(OffhookError):
    """The database was written by a newer offhook. Nothing was changed; update offhook and try again."""

    code = "newer_database"


class DiskFull(OffhookError):
    """The disk is full."""

    code = "disk_full"


class ExtraMissing(OffhookError):
    """What is asked for needs a package that is not installed."""

    code = "extra_missing"
