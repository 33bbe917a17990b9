"""The content of a recording as it is now: where it is, its hash, and its bytes, chunk by chunk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

from archive.library import Library
from shared.errors import EmptyRecording, NotARecording, RecordingChanged, RecordingMissing, TooLarge
from shared.files import Fingerprint, LargerThanAllowed, NotRegular, open_regular, sha256_of
from shared.settings import Settings
from shared.store.outbox import OutboxItem
from shared.store.store import Store
from shared.store.values import Record


@dataclass(frozen=True)
class Content:
    """A recording's hash and size; `found` is the file as it was hashed, None where it is here no more."""

    sha256: str
    size_bytes: int
    found: Fingerprint | None


@dataclass(frozen=True)
class Chunk:
    """Some bytes of a recording, and their hash."""

    data: bytes
    sha256: str


class Contents:
    """Reads the recordings of one home, which may be moved, replaced or deleted meanwhile.

    `keep` is called while a long one is read, and raises WorkerStopping if the process should stop.
    """

    def __init__(self, settings: Settings, store: Store, keep: Callable[[], None]) -> None:
        self._settings, self._store, self._keep = settings, store, keep
        self._library = Library(settings, store)

    async def of(self, record: Record, item: OutboxItem) -> Content:
        """Return what a recording's content is now; a changed one is written down.

        Raises RecordingMissing, NotARecording, TooLarge, RecordingChanged, OSError.
        """
        path = self._library.find(record)
        try:
            if not (now := self._fingerprint(path)).size_bytes:
                raise EmptyRecording
        except RecordingMissing:
            if item.sha256:  # the server may have it still
                return Content(item.sha256, record.size_bytes or 0, None)
            raise
        if record.sha256 and (record.size_bytes, record.modified_ns) == (now.size_bytes, now.modified_ns):
            return Content(record.sha256, now.size_bytes, now)
        found = await asyncio.to_thread(self._hashed, path)
        if self._fingerprint(path) != now:
            raise RecordingChanged
        self._store.records.note_move(record.id, record.recording_path, {"sha256": found, **asdict(now)})
        return Content(found, now.size_bytes, now)

    async def chunk(self, record_id: int, content: Content, offset: int, most_bytes: int) -> Chunk:
        """Read a chunk of a recording, wherever it is by now. Raises RecordingChanged, RecordingMissing."""
        path = self._library.find(self._store.records.get(record_id))
        if content.found is None:
            raise RecordingMissing
        data = await asyncio.to_thread(self._read, path, offset, most_bytes)
        if self._fingerprint(path) != content.found:
            raise RecordingChanged
        return Chunk(data, sha256(data).hexdigest())

    def _fingerprint(self, path: Path) -> Fingerprint:
        if path.parent == self._settings.inbox and path.is_symlink():
            raise NotARecording(f"{path} is a link. Copy the recording itself into the inbox.")
        try:
            return Fingerprint.of(path)
        except (FileNotFoundError, NotADirectoryError):
            message = f"The recording {path} is gone: it was moved or deleted before it was sent."
            raise RecordingMissing(message) from None

    def _hashed(self, path: Path) -> str:
        try:
            return sha256_of(path, self._keep, most_bytes=self._settings.largest_file_bytes)
        except LargerThanAllowed as error:
            raise TooLarge(str(error.strerror)) from error
        except NotRegular as error:
            raise NotARecording(f"{path} is not a regular file.") from error

    def _read(self, path: Path, offset: int, most_bytes: int) -> bytes:
        try:
            with open_regular(path, keep_movable=True) as file:
                file.seek(offset)
                return file.read(most_bytes)
        except FileNotFoundError:  # just being moved into the library
            raise RecordingChanged from None
