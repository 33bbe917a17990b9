"""Takes recordings that are dropped into the inbox.

`Inbox.sweep` decides which files are whole and adds records of them. `watch.py` decides when to sweep.
"""

from __future__ import annotations

import logging
import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, astuple, dataclass, field
from pathlib import Path
from typing import Any

from archive.storage.errors import StorageError
from archive.storage.taking import LOST, Stored, Taking
from shared.errors import RecordingChanged
from shared.files import Fingerprint, sha256_of
from shared.home import tighten
from shared.inbox_names import may_be_recording
from shared.logs import DatabaseTrouble
from shared.settings import Settings
from shared.store.inbox_files import ADOPTED, COPY, UNREADABLE
from shared.store.store import Store
from shared.store.transitions import PROCESSING
from shared.store.values import Record
from transcribe_worker.inbox.growth import Growth
from transcribe_worker.jobs.hints import HintQueue
from transcribe_worker.media import riff
from transcribe_worker.media.completeness import CUT_SHORT_PATIENCE, is_cut_short

log = logging.getLogger(__name__)

SWEEP_EVERY_SECONDS = 60.0
#: Wait before files are put into the storage again, after it could not be used.
STORAGE_REST_SECONDS = 10.0
_HIDDEN = stat.FILE_ATTRIBUTE_HIDDEN


#: Size in bytes and time in ns: cheap to compare for tens of thousands of files.
Seen = tuple[int, int]


@dataclass
class Inbox:
    """The inbox folder of one home; any number of processes may watch it."""

    settings: Settings
    store: Store
    hints: HintQueue
    monotonic: Callable[[], float] = time.monotonic
    keep: Callable[[], None] = lambda: None  # called while a long file is read; may raise WorkerStopping
    _growth: Growth = field(init=False)
    _taking: Taking = field(init=False)
    _trouble: DatabaseTrouble = field(default_factory=lambda: DatabaseTrouble(log, "storage"))
    _known: dict[str, Seen] = field(default_factory=dict)
    _restless: dict[str, tuple[Fingerprint, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._taking = Taking(self.settings, self.store)
        self._growth = Growth(self.settings, self.store, self.hints, self.monotonic, keep=self.keep)

    def sweep(self) -> float:
        """Take the whole files; return the seconds after which another sweep may find more."""
        found = dict(self._candidates())
        self._forget(found)
        try:
            for path, listed in found.items():
                if self._known.get(path) != listed:
                    self._look_at(Path(path), Fingerprint(*listed))
        except StorageError as error:
            self._trouble.note(error)
            return STORAGE_REST_SECONDS
        self._trouble.is_over()
        return min(self._next_look(), self._growth.look())

    def _candidates(self) -> Iterator[tuple[str, Seen]]:
        """Yield the files that may be recordings: no folders, links, pipes, hidden or temporary files."""
        with os.scandir(self.settings.inbox) as entries:
            for entry in entries:
                if not may_be_recording(entry.name):
                    continue
                try:
                    found = entry.stat(follow_symlinks=False)
                except FileNotFoundError:  # removed after the listing
                    continue
                if stat.S_ISREG(found.st_mode) and not getattr(found, "st_file_attributes", 0) & _HIDDEN:
                    yield entry.path, (found.st_size, found.st_mtime_ns)

    def _look_at(self, path: Path, fingerprint: Fingerprint) -> None:
        """Take a new or changed file, if it is whole."""
        try:
            fingerprint = self._seen(path)  # a listing's times may be old on Windows
            if self._known.get(str(path)) == astuple(fingerprint) or not self._is_whole(path, fingerprint):
                return
            sha256 = self._sha256(path, fingerprint)
            if self._seen(path) != fingerprint:
                return
            stored = self._put(path, sha256)
        except (FileNotFoundError, RecordingChanged):
            return
        except OSError as error:
            self._note_unreadable(path, fingerprint, error)
            return
        if self._adopt(path, fingerprint, sha256, stored):
            self._restless.pop(str(path), None)
            self._known[str(path)] = astuple(fingerprint)
        else:
            self._restless[str(path)] = (fingerprint, self.monotonic())

    @staticmethod
    def _seen(path: Path) -> Fingerprint:
        return Fingerprint.of(path, follow_links=False)

    def _sha256(self, path: Path, fingerprint: Fingerprint) -> str | None:
        """Return the hash of a file; None if it is over the size limit, as hashing it would delay others."""
        most_bytes = self.settings.largest_file_bytes
        if fingerprint.size_bytes > most_bytes:
            if not self.store.captures.has_left(str(path)):
                return None
            most_bytes = fingerprint.size_bytes
        return sha256_of(path, self.keep, follow_links=False, most_bytes=most_bytes)

    def _is_whole(self, path: Path, fingerprint: Fingerprint) -> bool:
        """Whether a file is complete: by its own header, or because it has not changed for long enough."""
        seen, since = self._restless.get(str(path), (None, 0.0))
        if seen != fingerprint:
            since = self.monotonic()
            self._restless[str(path)] = (fingerprint, since)
        still = self.monotonic() - since
        if still >= CUT_SHORT_PATIENCE * self.settings.settle_seconds:
            return True
        if still >= self.settings.settle_seconds:
            return not (is_cut_short(path) or _has_holes(path))
        return riff.is_whole(path) and not _has_holes(path)

    def _put(self, path: Path, sha256: str | None) -> Stored | None:
        """Put a recording into the storage, if there is one, and no record has it. Raises StorageError."""
        known = self.store.records.with_content(sha256) if sha256 else None
        is_lost = known is not None and known.error_code in LOST
        is_new = known is None or is_lost or known.recording_path == str(path)
        return self._taking.put(path, sha256, keep=self.keep) if is_new else None

    def _adopt(self, path: Path, fingerprint: Fingerprint, sha256: str | None, stored: Stored | None) -> bool:
        """Add a record of a recording, in one transaction with the row of its file.

        Returns False if it has to wait, as a recording of its name is being transcribed.
        """
        with self.store.transaction():
            if self._noted(path, fingerprint):
                return True
            content = {"sha256": sha256, **asdict(fingerprint), "storage_key": None}
            left = self.store.captures.adopt(str(path), content) or self.store.uploads.adopt(
                str(path), content
            )
            existing = left or (self.store.records.with_content(sha256) if sha256 else None)
            if existing is not None and existing.error_code in LOST:
                self._taking.leave(existing)
                existing = self.store.records.bring_back(existing.id, str(path), content)
            is_copy = existing is not None and existing.recording_path != str(path)
            record = existing or self._record_of(path, content)
            if record.transcription_status == PROCESSING and record.sha256 != sha256:
                return False
            outcome = COPY if is_copy else ADOPTED
            self.store.inbox_files.note(path, fingerprint, outcome, record.id)
            if stored and not is_copy and record.transcription_status != PROCESSING:
                self._taking.give(record, stored)
        if is_copy:
            log.warning("a copy of recording %d is left in the inbox", record.id)
        else:
            tighten(path)
            self._remove_stored()
            self.hints.send(record.id)
            log.info("recording %d: taken from the inbox", record.id)
        return True

    def _remove_stored(self) -> None:
        """Remove the files whose recordings are in the storage, unless another file has their name by now."""
        if not self._taking.is_on or self.settings.keep_in_place:
            return
        for file in self.store.inbox_files.in_the_storage():
            path = Path(file.path)
            with suppress(OSError):  # on Windows a program has it open; the next sweep removes it
                if self._seen(path) == Fingerprint(file.size_bytes, file.modified_ns):
                    path.unlink()

    def _record_of(self, path: Path, content: dict[str, Any]) -> Record:
        """Return the unfinished record whose recording was replaced, or a new one."""
        replaced = self.store.records.replace_content(str(path), content)
        return replaced or self.store.records.add(
            source="inbox", title=path.stem, recording_path=str(path), **content
        )

    def _noted(self, path: Path, fingerprint: Fingerprint) -> bool:
        known = self.store.inbox_files.find(path)
        return (
            known is not None
            and known.outcome != UNREADABLE
            and Fingerprint(known.size_bytes, known.modified_ns) == fingerprint
        )

    def _note_unreadable(self, path: Path, fingerprint: Fingerprint, error: OSError) -> None:
        """Log a file once, and try it again later: on Windows a file that is being copied cannot be read."""
        self._restless[str(path)] = (fingerprint, self.monotonic())
        known = self.store.inbox_files.find(path)
        if known is None or known.outcome != UNREADABLE:
            log.warning("a file in the inbox cannot be read: %s", error.strerror)
            self.store.inbox_files.note(path, fingerprint, UNREADABLE, None)

    def _forget(self, found: dict[str, Seen]) -> None:
        """Drop files that are gone, and load those known before this process started."""
        self._remove_stored()
        if not self._known:
            self._known = self.store.inbox_files.known()
        self._restless = {path: seen for path, seen in self._restless.items() if path in found}
        gone = {*self._known, *self.store.inbox_files.unreadable()} - found.keys()
        if gone:
            self.store.inbox_files.forget(gone)
            self._known = {path: seen for path, seen in self._known.items() if path in found}

    def _next_look(self) -> float:
        if not self._restless:
            return SWEEP_EVERY_SECONDS
        settled = [
            since + self.settings.settle_seconds - self.monotonic() for _, since in self._restless.values()
        ]
        return min((wait for wait in settled if wait > 0), default=1.0)


def _has_holes(path: Path) -> bool:
    """Whether parts of a file were never written: some copies set the full length first."""
    found = path.stat()
    # Windows has no st_blocks, and a file that is being copied cannot be read there.
    blocks: int | None = getattr(found, "st_blocks", None)
    return blocks is not None and blocks * 512 < found.st_size
