"""Notices recordings that grow after they have moved from the inbox into the library.

On POSIX systems a program that has a file open goes on writing to it after the file was moved.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from shared.errors import RecordNotFound, StateConflict
from shared.files import Fingerprint, open_regular, sha256_of
from shared.settings import Settings
from shared.store.store import Store
from shared.store.values import Record
from transcribe_worker.jobs.hints import HintQueue

log = logging.getLogger(__name__)

#: For this long after its transcription a recording is looked at.
WATCHED_SECONDS = 3_600.0
LOOK_EVERY_SECONDS = 10.0
MOST_WATCHED = 100
READ_BYTES = 1_048_576


@dataclass
class Growth:
    """The recordings in one library that may still grow."""

    settings: Settings
    store: Store
    hints: HintQueue
    monotonic: Callable[[], float] = time.monotonic
    clock: Callable[[], float] = time.time
    _next_look: float = float("-inf")
    _growing: dict[int, tuple[Fingerprint, float]] = field(default_factory=dict)

    def look(self) -> float:
        """Queue what has grown and keeps still; return the seconds to the next look.

        The seconds are infinite if no recording is watched.
        """
        now = self.monotonic()
        if now >= self._next_look:
            watched = self.store.records.archived_since(self.clock() - WATCHED_SECONDS, MOST_WATCHED)
            for record in watched:
                self._look_at(record)
            self._next_look = now + (LOOK_EVERY_SECONDS if watched else 0.0)
            if not watched:
                return float("inf")
        return max(0.0, self._next_look - now)

    def _look_at(self, record: Record) -> None:
        path = Path(record.recording_path)
        if self.settings.library not in path.parents:
            return
        try:
            found = Fingerprint.of(path)
            if record.size_bytes is None or found.size_bytes <= record.size_bytes:
                return
            if self._keeps_still(record.id, found) and _begins_with(path, record.size_bytes, record.sha256):
                self._queue(record, path, found)
        except OSError:  # moved, deleted or locked; the next look may read it
            return

    def _keeps_still(self, record_id: int, found: Fingerprint) -> bool:
        seen, since = self._growing.get(record_id, (None, 0.0))
        if seen != found:
            since = self.monotonic()
            self._growing[record_id] = (found, since)
        return self.monotonic() - since >= self.settings.settle_seconds

    def _queue(self, record: Record, path: Path, found: Fingerprint) -> None:
        content = {"sha256": sha256_of(path), **asdict(found)}
        if Fingerprint.of(path) != found:
            return
        try:
            self.store.records.continue_with(record.id, content)
        except (RecordNotFound, StateConflict):  # deleted or queued by another process meanwhile
            return
        self._growing.pop(record.id, None)
        self.hints.send(record.id)
        log.warning("recording %d: it has grown in the library and is transcribed again", record.id)


def _begins_with(path: Path, size_bytes: int, sha256: str | None) -> bool:
    """Whether the first bytes are what was transcribed: an edited file is not a grown one."""
    digest, left = hashlib.sha256(), size_bytes
    with open_regular(path) as file:
        while left and (block := file.read(min(left, READ_BYTES))):
            digest.update(block)
            left -= len(block)
    return digest.hexdigest() == sha256
