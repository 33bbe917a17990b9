"""MAIN PATH of the worker: claim, decode, commit each stretch, complete, archive.

The record has the state. After an interruption at any line the record says what is left to do, and this
worker, the next attempt or the sweeper does it.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from archive.library import Library
from archive.storage.errors import StorageError
from archive.storage.recordings import Recordings
from shared.errors import (
    ClaimLost,
    NotARecording,
    RecordingChanged,
    RecordingMissing,
    StoreError,
    WorkerStopping,
)
from shared.files import Fingerprint, NotRegular, sha256_of
from shared.logs import discreet
from shared.settings import RecordOptions, Settings
from shared.store.claims import Claim, Failure
from shared.store.store import Store
from shared.store.values import Record
from transcribe_worker.engine.messages import Done, Load, Opened
from transcribe_worker.engine.supervisor import Engine
from transcribe_worker.jobs.completion import complete
from transcribe_worker.jobs.loading import by_settings, loading
from transcribe_worker.jobs.outlasting import outlast
from transcribe_worker.jobs.progress import Heartbeat, Progress
from transcribe_worker.jobs.recipe import options_of, recipe
from transcribe_worker.jobs.retry import Action, Decision, Limits, decide
from transcribe_worker.jobs.stopwatch import Stopwatch
from transcribe_worker.jobs.turn import Turn

log = logging.getLogger(__name__)

#: Wait before an outcome is written again, as after a full disk or a locked database.
CONCLUDE_AGAIN_SECONDS, CONCLUDE_LATEST_SECONDS = 0.5, 5.0
#: While the storage is away, one recording finds that out for all.
STORAGE_REST_SECONDS = 10.0
#: A thread that has given a hint back takes none for this time.
GIVEN_BACK_REST_SECONDS = 1.0
#: Wait before a replaced recording that cannot be read is tried again.
UNREADABLE_WAIT_SECONDS = 10.0


def never() -> bool:
    """Whether recordings wait where no call is transcribed live."""
    return False


def ignored(_: Record) -> None:
    """Do nothing with a hint, where no others are to have it."""


@dataclass
class Transcriber:
    """Transcribes one recording at a time, with its own engine."""

    settings: Settings
    store: Store
    library: Library
    worker_id: str
    engine: Engine
    stopping: threading.Event
    report: Callable[[str], None]  # the worker's state, for `offhook status`
    archive: Callable[[Record], None]  # moves a completed recording into the library
    waits: Callable[[], bool] = never  # for the end of a call that is transcribed live
    turn: Turn | None = None  # of the whole worker
    give_back: Callable[[Record], object] = ignored  # a hint that others are to have
    monotonic: Callable[[], float] = time.monotonic
    _recordings: Recordings = field(init=False)
    _turn: Turn = field(init=False)
    _storage_rests_until: float = 0.0

    def __post_init__(self) -> None:
        self._recordings = Recordings(self.settings, self.store)
        self._turn = self.turn or Turn(self.settings, self.store, self.worker_id)

    def transcribe(self, record_id: int) -> None:
        """Transcribe this recording, and no other, if it can be claimed."""
        watch = Stopwatch()
        if self._takes() and (claim := self._turn.claim_only(record_id, self._may)):
            self._work(claim, watch)

    def look(self, hinted: int | None) -> None:
        """Transcribe the recording whose turn it is, after a hint at one or without.

        A hint that is for others is given back, and this thread rests, so that they get it.
        """
        watch, is_draining = Stopwatch(), self.store.machines.is_draining()
        if not is_draining and self._takes() and (claim := self._turn.claim(hinted, self._may)):
            self._work(claim, watch)
        elif hinted is not None and (record := self._turn.for_others(hinted, is_draining)):
            self.give_back(record)
            self.stopping.wait(GIVEN_BACK_REST_SECONDS)

    def _work(self, claim: Claim, watch: Stopwatch) -> None:
        watch.lap("claimed")
        record_id = claim.record.id
        log.info("recording %d: transcribing, attempt %d", record_id, claim.record.attempts)
        self.report("working")
        try:
            record = self._decode(claim, watch)
        except ClaimLost:
            log.info("recording %d: no longer ours", record_id)
        except Exception as error:
            if isinstance(error, StorageError):
                self._storage_rests_until = self.monotonic() + STORAGE_REST_SECONDS
            self._conclude(claim, error)
        else:
            log.info("recording %d: completed", record_id)
            self.archive(record)
            watch.lap("archived")
            log.debug("recording %d: %s", record_id, watch)
        finally:
            self.report("ready")

    def load_default_model(self) -> None:
        """Load the default model, unless a server transcribes for this home.

        Raises ModelMissing, EngineUnusable, WorkerStopping.
        """
        if self.store.outbox.is_joined():
            return
        self.engine.load(self._model(self.settings.model), self._stop_if_asked)

    def _stop_if_asked(self) -> None:
        if self.stopping.is_set():
            raise WorkerStopping

    def _is_to_stop(self) -> bool:
        return self.stopping.is_set() or self.waits()

    def _takes(self) -> bool:
        """Whether recordings are taken now; the server of a joined home takes them itself."""
        if self.stopping.is_set() or self.store.controls.paused() or self.waits():
            return False
        return not self.store.outbox.is_joined()

    def _may(self, record: Record) -> bool:
        return record.storage_key is None or self.monotonic() >= self._storage_rests_until

    def _decode(self, claim: Claim, watch: Stopwatch) -> Record:
        keep = Heartbeat(self.store, claim, self.settings.lease_seconds, self._is_to_stop)
        with self._recordings.in_use(claim.record, keep) as path:
            return self._decode_file(claim, path, keep, watch)

    def _decode_file(self, claim: Claim, path: Path, keep: Heartbeat, watch: Stopwatch) -> Record:
        before = unchanged(claim.record, path, self.settings.inbox)
        options = options_of(self.settings, self.store, claim.record)
        claim = self._with_live_text(claim, options)
        self.engine.load(self._model(options.model), keep)
        progress = Progress(self.store, claim, self.settings.lease_seconds, is_to_stop=self._is_to_stop)
        job = by_settings(progress.job(path, options), self.settings)
        with closing(self.engine.transcribe(job, keep)) as events:
            for event in events:
                progress.note(event)
                watch.lap("opened" if isinstance(event, Opened) else "decoded")
                if isinstance(event, Done):
                    watch.note(asdict(event.spent))
        now = self.store.records.get(claim.record.id)  # it may have been archived since
        if unchanged(claim.record, self._recordings.path(now, keep), self.settings.inbox) != before:
            raise RecordingChanged
        found = (progress.findings, progress.noticed)
        record = outlast(lambda _: complete(self.store, claim, *found), self._is_to_stop)
        watch.lap("stored")
        return record

    def _with_live_text(self, claim: Claim, options: RecordOptions) -> Claim:
        """Give a record what was decoded of it while it was recorded. Raises ClaimLost."""
        if not claim.record.is_capture or not self.store.live.find(claim.record.session_id):
            return claim
        if windows := self.store.live.take_over(claim, recipe(options)):
            log.info("recording %d: takes over %d windows of its call", claim.record.id, windows)
        return replace(claim, record=self.store.records.get(claim.record.id))

    def _model(self, name: str) -> Load:
        threads = self.settings.cpu_threads or _share_of_cores(self.settings.workers)
        return loading(self.settings, name, threads=threads, lanes=self.settings.lanes)

    def _conclude(self, claim: Claim, error: Exception) -> None:
        """Decide and write the outcome of an attempt that ended with an error."""
        limits = Limits(self.settings.max_attempts, self.settings.max_crashes)
        record = claim.record
        decision = decide(error, attempts=record.attempts, crashes=record.crashes, limits=limits)
        log.warning("recording %d: %s -> %s", record.id, Failure.of(error).code, decision.action)
        wait_seconds = CONCLUDE_AGAIN_SECONDS
        while not self._is_concluded(claim, Failure.of(error), decision):
            if self.stopping.wait(wait_seconds):
                return
            wait_seconds = min(2 * wait_seconds, CONCLUDE_LATEST_SECONDS)

    def _is_concluded(self, claim: Claim, failure: Failure, decision: Decision) -> bool:
        """Write the outcome; False if it cannot be written now."""
        keep = Heartbeat(self.store, claim, self.settings.lease_seconds, self.stopping.is_set)
        try:
            if decision.action == "start_over":
                start_over(self.store, self.settings, claim, decision.wait_seconds, keep)
            else:
                conclude(self.store, claim, failure, decision)
        except ClaimLost:
            log.info("recording %d: no longer ours", claim.record.id)
        except StoreError as error:  # when its lease ends, it would count as a crash
            log.warning("recording %d: outcome not stored yet: %s", claim.record.id, discreet(error))
            return False
        return True


def unchanged(record: Record, path: Path, inbox: Path) -> Fingerprint:
    """Check that a recording is still the queued one, and no link in the inbox.

    The hash of one in the storage is checked elsewhere. Raises NotARecording, RecordingMissing,
    RecordingChanged.
    """
    if path.parent == inbox and path.is_symlink():
        raise NotARecording(f"{path} is a link. Copy the recording itself into the inbox.")
    try:
        now = Fingerprint.of(path)
    except FileNotFoundError:
        raise RecordingMissing(f"The recording {path} is gone: it was moved or deleted.") from None
    queued = (record.size_bytes, record.modified_ns)
    if record.storage_key is None and queued != (None, None) and queued != (now.size_bytes, now.modified_ns):
        raise RecordingChanged
    return now


def conclude(store: Store, claim: Claim, failure: Failure, decision: Decision) -> None:
    """Carry out any decision except `start_over`. Raises ClaimLost."""
    _CONCLUSIONS[decision.action](store, claim, failure, decision)


def start_over(
    store: Store, settings: Settings, claim: Claim, wait_seconds: float, keep: Callable[[], None]
) -> None:
    """Queue a changed recording with its new content.

    `keep` renews the lease while it is hashed. Raises ClaimLost.
    """
    path = Path(claim.record.recording_path)
    if claim.record.storage_key is not None:  # its content has a hash for good
        store.claims.retry_later(claim, Failure.of(RecordingChanged()), wait_seconds=wait_seconds)
        return
    try:
        now = Fingerprint.of(path)
        content = {"sha256": _sha256(path, now, settings, keep), **asdict(now)}
    except FileNotFoundError:
        store.claims.fail(claim, Failure.of(RecordingMissing()))
    except NotRegular:
        store.claims.fail(claim, Failure.of(NotARecording(f"{path} is not a regular file.")))
    except WorkerStopping:
        store.claims.hand_back(claim)
    except OSError as error:  # on Windows another program may have it open
        store.claims.retry_later(claim, Failure.of(error), wait_seconds=UNREADABLE_WAIT_SECONDS)
    else:
        store.claims.start_over(claim, wait_seconds=wait_seconds, **content)


def _sha256(path: Path, found: Fingerprint, settings: Settings, keep: Callable[[], None]) -> str | None:
    """Hash a recording; None if it is over the limit, so that the next attempt fails at once."""
    most_bytes = settings.largest_file_bytes
    if found.size_bytes > most_bytes:
        return None
    return sha256_of(path, keep, most_bytes=most_bytes, follow_links=path.parent != settings.inbox)


_CONCLUSIONS: dict[Action, Callable[[Store, Claim, Failure, Decision], object]] = {
    "fail": lambda store, claim, failure, it: store.claims.fail(claim, failure, crashed=it.crashed),
    "retry": lambda store, claim, failure, it: store.claims.retry_later(
        claim, failure, wait_seconds=it.wait_seconds, crashed=it.crashed
    ),
    "hold": lambda store, claim, failure, it: store.claims.hold(claim, failure, wait_seconds=it.wait_seconds),
    "hand_back": lambda store, claim, failure, it: store.claims.hand_back(claim),
}


def _share_of_cores(workers: int) -> int:
    """Return the threads of each engine; 0, for a single engine, means all cores."""
    return max(1, (os.cpu_count() or 1) // workers) if workers > 1 else 0
