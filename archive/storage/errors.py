"""What can go wrong with a storage: one class for each thing that a caller treats differently."""

from __future__ import annotations

from shared.errors import BadRecording, OffhookError


class StorageError(OffhookError):
    """The storage cannot be used now. No recording is at fault, so what needs it waits."""

    code = "storage_away"


class StorageAway(StorageError):
    """The storage cannot be reached."""

    code = "storage_away"
    remedy = "It is tried again; `offhook doctor` looks closer."


class StorageFull(StorageError):
    """The storage is full, or over its quota."""

    code = "storage_full"
    remedy = "Make room there; it is tried again."


class StorageRefused(StorageError):
    """The storage refuses this machine."""

    code = "storage_refused"
    remedy = "Check the credentials and their permissions; it is tried again."


class RecordingDamaged(BadRecording):
    """The recording in the storage is not the one that was put there: its hash differs."""

    code = "recording_damaged"
    remedy = "Add the original again, or restore it from a backup of the storage and `offhook retry` it."


class BadKey(OffhookError):
    """A key of the storage is not one of offhook's."""

    code = "bad_key"
