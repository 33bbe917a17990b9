"""Deletes recordings with all that was made of them, whoever dies in between.

First a record is marked for erasure, in one transaction with the fence that stops its worker. Then its files
go, then its rows together with the mark, then what these leave in the database's files. Every step can be
done again by whoever comes by, a sweeper or the command line; as long as a file is there, its record knows
of it.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from archive import receipts
from archive.library import Library, LibraryBusy
from shared.errors import OffhookError, RecordNotFound, StateConflict
from shared.files import Fingerprint, sync_folder
from shared.home import RESTORE_LOCK, RESTORE_PART, part_of
from shared.locks import FileLock
from shared.settings import Settings
from shared.store.inbox_files import MARKED
from shared.store.records import FINISHED
from shared.store.store import Store
from shared.store.values import Capture, Record
from shared.workers import Liveness

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.1
#: After others were in the way of scrubbing, it rests: it is a lot of work, and every sweep asks for it.
REST_SECONDS = 30.0
SWEEP_PATIENCE_SECONDS = 1.0
#: Why a call that is not in the queue yet cannot be erased while its recorder lives.
_HELD = {
    "recording": "is being recorded. `offhook record stop` or `offhook record discard` ends that",
    "waiting": "waits for a decision. `offhook record discard` deletes it",
}
_ON_ITS_WAY = "is on its way into the queue. Try again in a moment"


class ErasureWaits(OffhookError):
    """A file cannot be deleted yet. The rest goes as soon as it can be; a worker sees to it."""

    code = "erasure_waits"


@dataclass(frozen=True)
class ErasurePlan:
    """What there is of a call. One that is not in the queue has no record, and the state of its capture."""

    record_id: int | None
    session_id: str
    title: str
    status: str
    files: tuple[Path, ...]
    size_bytes: int
    stay: tuple[Path, ...]  # a person's own, outside the home


class Eraser:
    """Erases recordings of one home; any number of processes may do so at once."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        library: Library,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings, self._store, self._library = settings, store, library
        self._clock, self._monotonic = clock, monotonic
        self._liveness = Liveness(store, settings.locks)
        self._rests_until = 0.0
        self._named: set[int] = set()

    # What there is to erase

    def of_record(self, record: Record) -> ErasurePlan:
        """Look for all there is of a recording."""
        files = tuple(self._library.files_of(record))
        own = self._library.find(record)
        stay = (own,) if own.is_file() and own not in files else ()
        state = record.transcription_status
        return ErasurePlan(record.id, record.session_id, record.title, state, files, _size_bytes(files), stay)

    def of_candidate(self, candidate_id: str) -> list[ErasurePlan]:
        """Look for all there is of a person, in the queue or not yet there. Raises StateConflict."""
        found = self._store.records.of_candidate(candidate_id)
        captures = self._store.captures.unqueued_of_candidate(candidate_id)
        for capture in captures:
            self._require_dead(capture)
        return [self.of_record(record) for record in found] + [self._of_capture(row) for row in captures]

    def older_than(self, seconds: float, states: Collection[str] = FINISHED) -> list[Record]:
        """Return the finished recordings of a certain age, the oldest first."""
        return self._store.records.finished_before(self._clock() - seconds, states)

    # What is done to it

    def mark(
        self,
        record_ids: Iterable[int],
        sessions: Iterable[str] = (),
        *,
        receipt: Path | None = None,
    ) -> None:
        """Mark records for deletion, and calls that have no record; deletion resumes after a crash.

        Raises RecordNotFound, StateConflict, and then nothing is marked.
        """
        with self._store.transaction():
            for record_id in [*record_ids, *map(self._record_of, sessions)]:
                self._store.records.get(record_id)
                self._fence(record_id)
                self._store.erasures.mark(record_id)
            if receipt:
                self._store.erasures.expect_receipt(receipt.name)

    def marked(self) -> list[int]:
        """Return the numbers of the recordings that are to go."""
        return self._store.erasures.marked()

    def erase(self, record_id: int, patience_seconds: float = 0.0) -> None:
        """Delete a marked recording: files, then rows. Belongs under `Library.alone`. Raises ErasureWaits."""
        while record := self._store.records.find(record_id):
            self._fence(record_id)  # somebody may have queued it again
            files = [*self._library.files_of(record), *self._library.leftovers(record)]
            _remove_all(files, patience_seconds)
            for folder in {path.parent for path in files}:
                sync_folder(folder)
            if self._forget(record_id):
                return
        self._store.erasures.unmark(record_id)

    def scrub(self, patience_seconds: float) -> bool:
        """Leave no byte of what was deleted in the database's files; False if others are in the way."""
        self._remove_killed_restore()
        while order := self._store.erasures.scrub_order():
            if not self._store.erasures.scrub(order, patience_seconds):
                self._rests_until = self._monotonic() + REST_SECONDS
                return False
            if not self.marked():
                receipts.finish(self._store, self._settings.receipts, self._clock())
            self._store.erasures.scrubbed(order)
        return True

    def resume(self) -> None:
        """Finish what others have begun, unless somebody is at it."""
        if not (self.marked() or self._store.erasures.scrub_order()):
            return
        with suppress(LibraryBusy), self._library.alone(patience_seconds=0.0):
            for record_id in self.marked():
                self._erase_or_say_why_not(record_id)
            if self._monotonic() >= self._rests_until:
                self.scrub(SWEEP_PATIENCE_SECONDS)

    # How it is done

    def _fence(self, record_id: int) -> None:
        """Take a recording from its worker, so that it writes nothing any more."""
        with suppress(StateConflict):  # nobody's
            self._store.records.cancel(record_id)

    def _forget(self, record_id: int) -> bool:
        """Delete the rows; False if a file has come since, which nobody would know of then."""
        with self._store.transaction():
            with suppress(RecordNotFound):
                if self._library.files_of(self._store.records.get(record_id)):
                    return False
                self._store.records.delete(record_id)
            self._store.erasures.order_scrub()
            self._store.erasures.unmark(record_id)
        return True

    def _remove_killed_restore(self) -> None:
        """Remove what a restore that was killed has left: its words are nobody's here, and in the backup."""
        part, lock = self._settings.home / RESTORE_PART, FileLock(self._settings.locks / RESTORE_LOCK)
        if part.exists() and lock.acquire():
            shutil.rmtree(part, ignore_errors=True)
            lock.release()

    def _erase_or_say_why_not(self, record_id: int) -> None:
        try:
            self.erase(record_id)
        except (ErasureWaits, OSError) as error:
            if record_id not in self._named:
                log.warning("recording %d: cannot be erased yet: %s", record_id, type(error).__name__)
            self._named.add(record_id)
        else:
            log.info("recording %d: erased", record_id)

    # Calls that are not in the queue

    def _of_capture(self, capture: Capture) -> ErasurePlan:
        there = [path for path in self._paths(capture) if path.is_file()]
        ours = tuple(path for path in there if self._library.is_ours(path))
        stay = tuple(path for path in there if path not in ours)
        title, state = capture.title, capture.state
        return ErasurePlan(None, capture.session_id, title, state, ours, _size_bytes(ours), stay)

    def _paths(self, capture: Capture) -> tuple[Path, Path]:
        """Where a recording is while it is made, and where it goes."""
        return part_of(self._settings.recording, capture.session_id), Path(capture.recording_path)

    def _record_of(self, session_id: str) -> int:
        """Make a record of a call that has none, so that it goes like every other; return its number.

        Its capture changes hands: a recorder that wants to hand it over comes too late, and so does the
        inbox, for the file is noted there. Raises StateConflict.
        """
        capture = self._store.captures.get(session_id)
        self._require_dead(capture)
        part, place = self._paths(capture)
        path = part if part.is_file() else place
        self._store.captures.change(capture.session_id, worker_id="", recording_path=str(path))
        record = self._store.captures.queue(capture.session_id, {})
        if place.parent == self._settings.inbox and place.is_file():
            self._store.inbox_files.note(place, Fingerprint.of(place), MARKED, record.id)
        return record.id

    def _require_dead(self, capture: Capture) -> None:
        if self._liveness.runs(capture.worker_id, capture.host):
            raise StateConflict(
                f'The call "{capture.title}" {_HELD.get(capture.state, _ON_ITS_WAY)}. Nothing was deleted.'
            )


def _size_bytes(files: Iterable[Path]) -> int:
    return sum(path.stat().st_size for path in files if path.exists())


def _remove_all(files: Iterable[Path], patience_seconds: float) -> None:
    """Delete as many files as can be. Raises ErasureWaits for the first that cannot."""
    stuck = []
    for path in files:
        try:
            _remove(path, patience_seconds)
        except ErasureWaits as error:
            stuck.append(error)
    if stuck:
        raise stuck[0]


def _remove(path: Path, patience_seconds: float) -> None:
    """Delete a file; on Windows it has to be let go of first. Raises ErasureWaits."""
    deadline = time.monotonic() + patience_seconds
    while True:
        try:
            path.unlink(missing_ok=True)
            return
        except OSError as error:
            if not isinstance(error, PermissionError) or time.monotonic() >= deadline:
                raise ErasureWaits(
                    f"{path} cannot be deleted: {error.strerror}. "
                    "It goes as soon as it can; a worker sees to that."
                ) from error
            time.sleep(LOOK_SECONDS)
