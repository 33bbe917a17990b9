"""Attempts that end before a model is needed: damaged options, and recordings that were replaced."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import NoReturn

import pytest

from archive.library import Library
from shared.errors import ClaimLost
from shared.files import Fingerprint, sha256_of
from shared.settings import Settings
from shared.store.store import Store
from shared.store.values import Record
from tests.tables import by_clock, execute
from transcribe_worker.engine.supervisor import Engine
from transcribe_worker.jobs.progress import Heartbeat
from transcribe_worker.jobs.transcriber import UNREADABLE_WAIT_SECONDS, Transcriber, start_over

PATIENCE_SECONDS = 30.0
MEBIBYTE = 1 << 20
#: More than can be hashed while a test runs; it takes no room on the disk.
ENDLESS_BYTES = 1 << 40


@dataclass
class Worker:
    """A worker whose engine has no process, and the states it has reported."""

    settings: Settings
    store: Store
    stopping: threading.Event = field(default_factory=threading.Event)
    states: list[str] = field(default_factory=list)
    engine: Engine = field(default_factory=Engine)

    def transcribe(self, record: Record) -> Record:
        """Make an attempt, and return the record as it is afterwards."""
        with closing(self.engine) as engine:
            Transcriber(
                settings=self.settings,
                store=self.store,
                library=Library(self.settings, self.store),
                worker_id="worker-1",
                engine=engine,
                stopping=self.stopping,
                report=self.states.append,
                archive=lambda record: None,
            ).transcribe(record.id)
            assert engine.pid is None
        return self.store.records.get(record.id)

    @contextmanager
    def transcribing(self, record: Record) -> Iterator[None]:
        """Make an attempt in a thread, while something else happens; the attempt has to end."""

        def attempt() -> None:
            self.transcribe(record)
            self.store.disconnect()

        thread = threading.Thread(target=attempt)
        thread.start()
        try:
            while self.store.records.get(record.id).transcription_status != "processing":
                assert thread.is_alive()
            yield
        finally:
            self.stopping_after(thread)

    def stopping_after(self, thread: threading.Thread) -> None:
        thread.join(PATIENCE_SECONDS)
        ended = not thread.is_alive()
        self.stopping.set()
        thread.join()
        assert ended


@pytest.fixture
def worker(settings: Settings, store: Store) -> Worker:
    return Worker(replace(settings, largest_file_gb=10_000), store)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "calls" / "call.wav"
    path.parent.mkdir()
    path.write_bytes(b"as it was queued")
    return path


@pytest.fixture
def record(store: Store, recording: Path) -> Record:
    """A recording, queued with the content that it has."""
    content = {"sha256": sha256_of(recording), **asdict(Fingerprint.of(recording))}
    return store.records.add(source="added", title="call", recording_path=str(recording), **content)


def lengthen(recording: Path) -> None:
    if os.name == "nt":
        pytest.skip("Windows gives room on the disk to what is never written")
    os.truncate(recording, ENDLESS_BYTES)


def test_a_worker_is_ready_again_whatever_ends_an_attempt(worker: Worker, record: Record) -> None:
    def interrupted(*_: object, **__: object) -> NoReturn:
        raise KeyboardInterrupt

    (worker.settings.models / "tiny.en").mkdir()
    (worker.settings.models / "tiny.en" / "model.bin").touch()
    worker.engine = Engine(popen=interrupted)
    with pytest.raises(KeyboardInterrupt):
        worker.transcribe(record)
    assert worker.states == ["working", "ready"]


# Damaged options


@pytest.mark.parametrize(
    "options",
    [
        "[1]",
        "null",
        "3",
        "{]",
        "[" * 500 + "]" * 500,
        '{"model": [1]}',
        '{"beam_size": {}}',
        '{"vad": "perhaps"}',
    ],
)
def test_damaged_options_fail_a_recording_with_the_remedy_which_works(
    worker: Worker, record: Record, options: str
) -> None:
    execute("UPDATE call_records SET options = ?", (options,))
    failed = worker.transcribe(record)
    assert (failed.transcription_status, failed.error_code, failed.crashes) == ("failed", "bad_options", 0)
    assert f"The options of recording {record.id} are damaged" in str(failed.transcription_error)
    assert f"`offhook retry {record.id}`" in str(failed.transcription_error)
    assert worker.states == ["working", "ready"]
    again = worker.store.records.requeue(record.id, {"language": "de"})
    assert (again.transcription_status, again.options, again.damaged) == ("queued", {"language": "de"}, ())


# Replaced recordings


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


def a_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.timeout(30)
@pytest.mark.parametrize("put", [a_pipe, a_device, Path.mkdir])
def test_something_else_in_the_place_of_a_recording_fails_it(
    worker: Worker, record: Record, recording: Path, put: Callable[[Path], None]
) -> None:
    if os.name == "nt" and put is not Path.mkdir:
        pytest.skip("Windows has no named pipes or devices in folders")
    recording.unlink()
    put(recording)
    failed = worker.transcribe(record)
    assert (failed.transcription_status, failed.error_code) == ("failed", "not_a_recording")
    assert f"{recording} is not a regular file." in str(failed.transcription_error)
    assert worker.states == ["working", "ready"]


def test_a_replaced_recording_is_queued_with_its_new_content(
    worker: Worker, record: Record, recording: Path
) -> None:
    recording.write_bytes(b"other content")
    changed = worker.transcribe(record)
    assert (changed.transcription_status, changed.attempts) == ("queued", 0)
    assert (changed.sha256, changed.size_bytes) == (sha256_of(recording), len(b"other content"))
    assert worker.states == ["working", "ready"]


def test_a_replaced_recording_that_cannot_be_read_is_tried_again_later(
    store: Store, settings: Settings, record: Record, recording: Path
) -> None:
    if os.name == "nt":
        pytest.skip("Windows reports a path through a file as missing")
    store = by_clock(store, lambda: record.created_at)
    recording.unlink()
    recording.parent.rmdir()
    recording.parent.touch()
    claim = store.claims.claim(record.id, worker_id="w", model="tiny.en", lease_seconds=60)
    assert claim
    start_over(store, settings, claim, 5.0, lambda: None)
    waiting = store.records.get(record.id)
    assert (waiting.transcription_status, waiting.crashes, waiting.claim_token) == ("queued", 0, None)
    assert waiting.next_attempt_at == record.created_at + UNREADABLE_WAIT_SECONDS
    assert waiting.error_code == "NotADirectoryError"


def test_the_lease_is_renewed_while_a_replaced_recording_is_hashed(
    store: Store, settings: Settings, record: Record, recording: Path
) -> None:
    now = [record.created_at]
    store = by_clock(store, lambda: now[0])
    os.truncate(recording, 40 * MEBIBYTE)
    claim = store.claims.claim(record.id, worker_id="w", model="tiny.en", lease_seconds=60)
    assert claim
    beat = Heartbeat(store, claim, 60, lambda: False, lambda: now[0])
    left_seconds = []

    def keep() -> None:
        now[0] += 10.0  # a slow disk: 400 s for all of it
        beat()
        left_seconds.append((store.records.get(record.id).lease_expires_at or 0.0) - now[0])

    start_over(store, settings, claim, 5.0, keep)
    assert len(left_seconds) == 40
    assert min(left_seconds) > 30
    assert store.records.get(record.id).sha256 == sha256_of(recording)


@pytest.mark.timeout(120)
def test_a_worker_that_is_stopped_while_it_hashes_hands_the_recording_back(
    worker: Worker, record: Record, recording: Path
) -> None:
    lengthen(recording)
    with worker.transcribing(record):
        worker.stopping.set()
    back = worker.store.records.get(record.id)
    assert (back.transcription_status, back.attempts, back.crashes) == ("queued", 0, 0)
    assert worker.states == ["working", "ready"]


@pytest.mark.timeout(120)
def test_hashing_ends_when_a_person_cancels_the_recording(
    worker: Worker, record: Record, recording: Path
) -> None:
    lengthen(recording)
    with worker.transcribing(record):
        worker.store.records.cancel(record.id)
    assert worker.store.records.get(record.id).transcription_status == "cancelled"
    assert worker.states == ["working", "ready"]


def test_a_claim_that_is_lost_before_the_conclusion_changes_nothing(
    store: Store, settings: Settings, record: Record
) -> None:
    claim = store.claims.claim(record.id, worker_id="w", model="tiny.en", lease_seconds=60)
    assert claim
    store.records.cancel(record.id)
    with pytest.raises(ClaimLost):
        start_over(store, settings, claim, 5.0, lambda: None)
    assert store.records.get(record.id).transcription_status == "cancelled"
