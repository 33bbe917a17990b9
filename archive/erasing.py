"""Deletes recordings and everything made from them; an interrupted deletion is resumed.

One transaction marks a record for deletion and cancels it, so that its worker writes nothing more. Then its
files are deleted, then its rows and the mark, then the database's files are scrubbed. A sweeper or the
command line can repeat every step. A record's rows outlive its files, so that no file is left without a
record. A recording in the storage goes after its rows: another row says so until the storage confirms it.
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
from archive.incoming import part_of_call
from archive.library import Library, LibraryBusy
from archive.removing import ErasureWaits, remove_all, size_of
from archive.renamed import Content
from archive.storage.upkeep import Upkeep
from shared.errors import RecordNotFound, StateConflict
from shared.files import Fingerprint, is_file, sync_folder
from shared.home import RESTORE_LOCK, RESTORE_PART, part_of
from shared.locks import FileLock
from shared.settings import Settings
from shared.store.inbox_files import MARKED
from shared.store.incoming import IncomingCall
from shared.store.records import FINISHED
from shared.store.store import Store
from shared.store.values import Capture, Record, Upload
from shared.workers import Liveness

log = logging.getLogger(__name__)

#: Time before scrubbing is tried again after another process prevented it: scrubbing is expensive.
REST_SECONDS = 30.0
SWEEP_PATIENCE_SECONDS = 1.0
#: Why a call that is not in the queue yet cannot be deleted while its recorder runs.
_REFUSALS = {
    "recording": "is being recorded. `offhook record stop` or `offhook record discard` ends that",
    "waiting": "waits for a decision. `offhook record discard` deletes it",
}
#: The state of a recording that is being sent to the desk.
SENDING = "being sent"
_ON_ITS_WAY = "is on its way into the queue. Try again in a moment"


@dataclass(frozen=True)
class ErasurePlan:
    """What a deletion removes. A call that is not in the queue has no record, and another state."""

    record_id: int | None
    session_id: str
    title: str
    status: str
    files: tuple[Path, ...]
    size_bytes: int
    stay: tuple[Path, ...]  # a person's own files, outside the home
    objects: tuple[Content, ...] = ()  # in the storage


class Eraser:
    """Deletes recordings of one home; any number of processes may do so at once."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        library: Library,
        clock: Callable[[], float] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings, self._store, self._library = settings, store, library
        self._clock, self._monotonic = clock or store.clock, monotonic
        self._upkeep = Upkeep(settings, store, clock, monotonic)
        self._liveness = Liveness(store, settings.locks)
        self._rests_until = 0.0
        self._named: set[int] = set()

    # Plans

    def of_record(self, record: Record) -> ErasurePlan:
        """Plan the deletion of a recording."""
        files = tuple(self._library.files_of(record))
        own = self._library.find(record)
        is_there = record.storage_key is None and is_file(own)
        stay = (own,) if is_there and own not in files else ()
        stored = Content(record.size_bytes or 0, record.sha256 or "")
        objects = () if record.storage_key is None else (stored,)
        size_bytes = size_of(files) + sum(it.size_bytes for it in objects)
        about = (record.id, record.session_id, record.title, record.transcription_status)
        return ErasurePlan(*about, files, size_bytes, stay, objects)

    def of_candidate(self, candidate_id: str) -> list[ErasurePlan]:
        """Plan the deletion of a person's calls, queued or not. Raises StateConflict if one is recorded."""
        found = self._store.records.of_candidate(candidate_id)
        captures = self._store.captures.unqueued_of_candidate(candidate_id)
        for capture in captures:
            self._require_dead(capture)
        uploads = self._store.uploads.of_candidate(candidate_id)
        incoming = self._store.incoming.of_candidate(candidate_id)
        return [
            *map(self.of_record, found),
            *map(self._of_capture, captures),
            *map(self._of_upload, uploads),
            *map(self._of_incoming, incoming),
        ]

    def older_than(self, seconds: float, states: Collection[str] = FINISHED) -> list[Record]:
        """Return the records that were finished this many seconds ago or earlier, the oldest first."""
        return self._store.records.finished_before(self._clock() - seconds, states)

    # Deletion

    def mark(
        self,
        record_ids: Iterable[int],
        sessions: Iterable[str] = (),
        *,
        receipt: Path | None = None,
    ) -> None:
        """Mark records, and calls without a record, for deletion; deletion resumes after a crash.

        Nothing is marked if it raises RecordNotFound or StateConflict.
        """
        with self._store.transaction():
            for record_id in [*record_ids, *map(self._record_of, sessions)]:
                self._store.records.get(record_id)
                self._fence(record_id)
                self._store.erasures.mark(record_id)
            if receipt:
                self._store.erasures.expect_receipt(receipt.name)

    def mark_due(self) -> list[int]:
        """Mark the records whose deletion can be undone no longer, and return their numbers."""
        if not self._store.deletions.due(self._clock()):
            return []
        with self._store.transaction():
            due = self._store.deletions.due(self._clock())
            self.mark(due)
            self._store.deletions.remove(due)
        return due

    def marked(self) -> list[int]:
        """Return the numbers of the records marked for deletion."""
        return self._store.erasures.marked()

    def erase(self, record_id: int, patience_seconds: float = 0.0) -> None:
        """Delete a marked recording: files, then rows. Call under `Library.alone`. Raises ErasureWaits."""
        while record := self._store.records.find(record_id):
            self._fence(record_id)  # it may have been queued again
            files = [*self._library.files_of(record), *self._library.leftovers(record)]
            remove_all(files, patience_seconds)
            for folder in {path.parent for path in files}:
                sync_folder(folder)
            if self._forget(record_id):
                return
        self._store.erasures.unmark(record_id)

    def scrub(self, patience_seconds: float) -> bool:
        """Overwrite deleted data in the database's files; False if another process prevents it."""
        self._remove_killed_restore()
        while order := self._store.erasures.scrub_order():
            if not self._store.erasures.scrub(order, patience_seconds):
                self._rests_until = self._monotonic() + REST_SECONDS
                return False
            self._store.erasures.scrubbed(order)
        self._finish_receipts()
        return True

    def remove_objects(self) -> bool:
        """Delete what deleted records had in the storage; False if a worker has to go on with it."""
        return self._upkeep.remove_objects()

    def _finish_receipts(self) -> None:
        """Finish the receipts once nothing is left of any record that was marked."""
        erasures = self._store.erasures
        if erasures.expected_receipts() and not (
            self.marked() or erasures.scrub_order() or self._store.objects.ordered()
        ):
            receipts.finish(self._settings, self._store, self._clock())

    def resume(self) -> None:
        """Finish interrupted deletions, unless another process is doing so."""
        if not (self.marked() or self._store.erasures.scrub_order()):
            self._finish_receipts()
            return
        with suppress(LibraryBusy), self._library.alone(patience_seconds=0.0):
            for record_id in self.marked():
                self._erase_or_say_why_not(record_id)
            if self._monotonic() >= self._rests_until:
                self.scrub(SWEEP_PATIENCE_SECONDS)

    # Steps

    def _fence(self, record_id: int) -> None:
        """Cancel a record, so that its worker writes nothing more."""
        with suppress(StateConflict):  # completed or cancelled
            self._store.records.cancel(record_id)

    def _forget(self, record_id: int) -> bool:
        """Delete the rows; False if a new file has appeared, which would be left without a record."""
        with self._store.transaction():
            with suppress(RecordNotFound):
                record = self._store.records.get(record_id)
                if self._library.files_of(record):
                    return False
                self._store.outbox.order_deletion(record_id, record.session_id)
                self._store.records.delete(record_id)
                if record.storage_key is not None:
                    self._store.objects.order(record.storage_key)
            self._store.erasures.order_scrub()
            self._store.erasures.unmark(record_id)
        return True

    def _remove_killed_restore(self) -> None:
        """Remove the partial copy of a killed restore: it has transcripts, and the backup still has them."""
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
        return ErasurePlan(None, capture.session_id, title, state, ours, size_of(ours), stay)

    def _paths(self, capture: Capture) -> tuple[Path, Path]:
        """Return where a recording is while it runs, and where it goes."""
        return part_of(self._settings.recording, capture.session_id), Path(capture.recording_path)

    def _record_of(self, session_id: str) -> int:
        """Add a record for a call that has none, so that it can be marked; return its number.

        Its capture no longer names a recorder, so no recorder hands it over. Its file is noted as marked, so
        the inbox does not adopt it. Raises StateConflict.
        """
        if upload := self._store.uploads.find(session_id):
            return self._record_of_upload(upload)
        if call := self._store.incoming.find(session_id):
            return self._store.incoming.give_up(call, str(part_of_call(self._settings, call))).id
        capture = self._store.captures.get(session_id)
        self._require_dead(capture)
        part, place = self._paths(capture)
        path = part if part.is_file() else place
        self._store.captures.change(capture.session_id, worker_id="", recording_path=str(path))
        record = self._store.captures.queue(capture.session_id, {})
        if place.parent == self._settings.inbox and place.is_file():
            self._store.inbox_files.note(place, Fingerprint.of(place), MARKED, record.id)
        return record.id

    def _of_upload(self, upload: Upload) -> ErasurePlan:
        files = tuple(path for path in self._places_of(upload) if path.is_file())
        title = Path(upload.name).stem
        return ErasurePlan(None, upload.id, title, SENDING, files, size_of(files), ())

    def _places_of(self, upload: Upload) -> tuple[Path, Path]:
        """Return where a recording is while it is sent, and where it goes."""
        return part_of(self._settings.uploads, upload.id), Path(upload.recording_path)

    def _record_of_upload(self, upload: Upload) -> int:
        """Add a record for an unfinished upload, so that it can be marked; its sender finds it no more."""
        part, place = self._places_of(upload)
        path = part if part.is_file() else place
        record = self._store.uploads.become(upload, str(path), {})
        if place.is_file():
            self._store.inbox_files.note(place, Fingerprint.of(place), MARKED, record.id)
        return record.id

    def _of_incoming(self, call: IncomingCall) -> ErasurePlan:
        part = part_of_call(self._settings, call)
        files = (part,) if part.is_file() else ()
        return ErasurePlan(None, call.session_id, call.text("title"), SENDING, files, size_of(files), ())

    def _require_dead(self, capture: Capture) -> None:
        if self._liveness.runs(capture.worker_id, capture.host):
            why = _REFUSALS.get(capture.state, _ON_ITS_WAY)
            raise StateConflict(f'The call "{capture.title}" {why}. Nothing was deleted.')
