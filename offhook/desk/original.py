"""A recording as it was taken, byte for byte, for the workstation that it is from."""

from __future__ import annotations

from offhook.desk.desk import Desk
from offhook.desk.playing import opened
from shared.errors import RecordingMissing
from shared.store.values import Record


class Original:
    """The file of a record's recording, wherever it is kept. Raises RecordingMissing, StorageError."""

    mime = "application/octet-stream"

    def __init__(self, desk: Desk, record: Record) -> None:
        self._desk, self._record = desk, record
        self.size_bytes = desk.recordings.path(record).stat().st_size
        self.name = f"{record.session_id}.bin"
        self.tag = f'"{record.sha256}"'

    def block(self, offset: int, most_bytes: int) -> bytes:
        """Read a block."""
        with opened(self._desk.recordings.path(self._record)) as file:
            if file.seek(0, 2) != self.size_bytes:
                raise RecordingMissing
            file.seek(offset)
            return file.read(most_bytes)
