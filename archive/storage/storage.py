"""The interface of a storage, and the one that the settings name.

Keys are those of `archive/storage/keys.py`. Every method raises BadKey for another one, and StorageError
(StorageAway, StorageFull, StorageRefused) if the storage cannot be used; no recording is at fault then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

from shared.errors import SettingsError
from shared.settings import Settings

S3 = "s3://"


def nothing() -> None:
    """Keep no claim while a recording is read."""


class Source(Protocol):
    """Whatever recordings can be read from."""

    def open(self, key: str) -> BinaryIO:
        """Open a recording to be read once, from the beginning. Raises OffhookError."""


class Storage(Source, Protocol):
    """Recordings by key. Any number of processes on any number of machines may use it at once."""

    def open(self, key: str) -> BinaryIO:
        """Open a recording to be read once, from the beginning. Raises RecordingMissing, StorageError."""

    def put(self, key: str, path: Path, sha256: str, keep: Callable[[], None] = nothing) -> None:
        """Store a file under a key, completely or not at all; it can be repeated.

        It returns once the storage has it safely, with this hash. What was there under this key is replaced.
        `keep` is called after each block, and may raise to stop. Raises RecordingChanged if the file has
        another hash, OSError if it cannot be read, StorageError.
        """

    def move(self, old: str, new: str) -> None:
        """Give a recording another key; it can be repeated. Raises RecordingMissing, StorageError."""

    def delete(self, key: str) -> None:
        """Delete a recording with all its versions, if it is there. Raises StorageError.

        It returns once the storage has it no longer.
        """

    def exists(self, key: str) -> bool:
        """Whether there is a recording with this key. Raises StorageError."""

    def size(self, key: str) -> int:
        """Return the size of a recording in bytes. Raises RecordingMissing, StorageError."""

    def list(self, prefix: str = "") -> Iterator[str]:
        """Yield the keys that begin with a prefix: whole names, each with its `/`. Raises StorageError."""

    def local_path(self, key: str) -> Path | None:
        """Return the file of a recording, None if the storage has no files. Raises RecordingMissing."""

    def clear_up(self, older_than: float) -> int:
        """Remove what puts that died before this time have left; return how many. Raises StorageError."""


def storage_of(settings: Settings) -> Storage:
    """Return the storage that the settings name; without one, a folder in the home.

    Nothing is opened or reached yet. Raises SettingsError, ExtraMissing.
    """
    given = settings.storage.strip()
    if given.startswith(S3):
        from archive.storage.s3 import S3Storage

        return S3Storage.of_url(given)
    from archive.storage.folder import FolderStorage

    if not given:
        return FolderStorage(settings.stored, is_own=True)
    if "://" in given:
        raise SettingsError("storage must be a folder or s3://BUCKET/PREFIX, and no other address.")
    folder = Path(given).expanduser()
    if not folder.is_absolute():
        raise SettingsError(f"storage must be a whole path, and {given} is not one.")
    return FolderStorage(folder)
