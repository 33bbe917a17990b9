"""Notices recordings that change after they have moved from the inbox into the library.

On POSIX systems a program that has a file open can write to it after the file was moved. It may append, and
many programs write the length into the header when they close the file.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from shared.errors import RecordNotFound, StateConflict
from shared.files import Fingerprint, sha256_of
from shared.settings import Settings
from shared.store.store import Store
from shared.store.values import Record
from transcribe_worker.jobs.hints import HintQueue
from transcribe_worker.media.completeness import CUT_SHORT_PATIENCE, is_cut_short

log = logging.getLogger(__name__)

#: A recording is watched for this long after its transcription.
WATCHED_SECONDS = 3_600.0
LOOK_EVERY_SECONDS = 10.0
MOST_WATCHED = 100


@dataclass
class Growth:
    """The recordings in one library that may still change."""

    settings: Settings
    store: Store
    hints: HintQueue
    monotonic: Callable[[], float] = time.monotonic
    clock: Callable[[], float] | None = None  # None: the store's
    keep: Callable[[], None] = lambda: None  # called while a long file is read; may raise WorkerStopping
    _next_look: float = float("-inf")
    _changing: dict[int, tuple[Fingerprint, float]] = field(default_factory=dict)
    _compared: dict[int, Fingerprint] = field(default_factory=dict)

    def look(self) -> float:
        """Queue recordings that have changed and are stable again; return the seconds to the next look.

        The seconds are infinite if no recording is watched.
        """
        now = self.monotonic()
        if now >= self._next_look:
            now_there = (self.clock or self.store.clock)()
            watched = self.store.places.archived_since(now_there - WATCHED_SECONDS, MOST_WATCHED)
            self._forget_all_but({record.id for record in watched})
            for record in watched:
                self._look_at(record)
            self._next_look = now + (LOOK_EVERY_SECONDS if watched else 0.0)
            if not watched:
                return float("inf")
        return max(0.0, self._next_look - now)

    def _look_at(self, record: Record) -> None:
        path = Path(record.recording_path)
        if record.sha256 is None or self.settings.library not in path.parents:
            return
        try:
            found = Fingerprint.of(path)
            is_known = found == Fingerprint(record.size_bytes or 0, record.modified_ns or 0)
            if is_known or found == self._compared.get(record.id):
                return
            if self._keeps_still(record.id, path, found):
                self._compare(record, path, found)
        except OSError:  # moved, deleted or locked; the next look may read it
            return

    def _keeps_still(self, record_id: int, path: Path, found: Fingerprint) -> bool:
        seen, since = self._changing.get(record_id, (None, 0.0))
        if seen != found:
            since = self.monotonic()
            self._changing[record_id] = (found, since)
        patience = CUT_SHORT_PATIENCE if is_cut_short(path) else 1
        return self.monotonic() - since >= patience * self.settings.settle_seconds

    def _compare(self, record: Record, path: Path, found: Fingerprint) -> None:
        """Queue a recording whose content, not only its time, differs from the transcribed one."""
        sha256 = sha256_of(path, self.keep, most_bytes=self.settings.largest_file_bytes)
        if Fingerprint.of(path) != found:
            return
        self._compared[record.id] = found
        if sha256 != record.sha256:
            self._queue(record, {"sha256": sha256, **asdict(found)})

    def _queue(self, record: Record, content: dict[str, str | int]) -> None:
        try:
            self.store.records.continue_with(record.id, content)
        except (RecordNotFound, StateConflict):  # deleted or queued by another process meanwhile
            return
        self.hints.send(record.id)
        log.warning("recording %d: changed in the library, is transcribed again", record.id)

    def _forget_all_but(self, watched: set[int]) -> None:
        self._changing = {number: seen for number, seen in self._changing.items() if number in watched}
        self._compared = {number: seen for number, seen in self._compared.items() if number in watched}
