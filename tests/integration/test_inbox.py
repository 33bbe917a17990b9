"""The inbox: real files that come, grow, move and go, over a clock that goes when it is told to."""

from __future__ import annotations

import io
import os
import sqlite3
import statistics
import subprocess
import sys
import threading
import time
import wave
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from peewee import SqliteDatabase

from shared.files import Fingerprint, sha256_of
from shared.settings import Settings
from shared.store.captures import Captures
from shared.store.claims import Failure
from shared.store.models import InboxFile, Record
from shared.store.records import Records
from shared.store.sqlite import open_database
from transcribe_worker.inbox.sweep import CUT_SHORT_PATIENCE, SWEEP_EVERY_SECONDS, Inbox, watch
from transcribe_worker.jobs.hints import HintQueue

ROOT = Path(__file__).parents[2]
SETTLE_SECONDS = 2.0

SWEEPER = """
import os, sys, time
from pathlib import Path
from shared.store.sqlite import open_database
from shared.store.records import Records
from shared.settings import Settings
from transcribe_worker.inbox.sweep import Inbox
from transcribe_worker.jobs.hints import HintQueue

settings = Settings(home=Path(sys.argv[1]))
database = open_database(settings.database)
inbox = Inbox(settings, database, Records(database), HintQueue(settings.queue))
print("ready", flush=True)
sys.stdin.readline()
for _ in range(3):
    inbox.sweep()
"""


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def hints(settings: Settings) -> Iterator[HintQueue]:
    with closing(HintQueue(settings.queue)) as hints:
        yield hints


@pytest.fixture
def inbox(
    settings: Settings, database: SqliteDatabase, records: Records, hints: HintQueue, clock: Clock
) -> Inbox:
    return Inbox(settings, database, records, hints, monotonic=clock)


def recording(seed: int = 0, seconds: float = 0.1) -> bytes:
    """A WAV, another one for each seed."""
    samples = np.random.default_rng(seed).integers(-9_000, 9_000, round(seconds * 16_000), dtype=np.int16)
    file = io.BytesIO()
    with wave.open(file, "wb") as output:
        output.setnchannels(1)
        output.setsampwidth(2)
        output.setframerate(16_000)
        output.writeframes(samples.tobytes())
    return file.getvalue()


def put(folder: Path, name: str = "call.wav", content: bytes | None = None) -> Path:
    path = folder / name
    path.write_bytes(recording() if content is None else content)
    return path


def taken(records: Records) -> list[str]:
    """The recordings that have been taken, by name."""
    return sorted(Path(record.recording_path).name for record in records.select())


def outcomes() -> dict[str, str]:
    return {Path(row.path).name: row.outcome for row in InboxFile.select()}


def complete(records: Records, record: Record) -> None:
    claim = records.claim(record.id, worker_id="worker-1", model="tiny.en", lease_seconds=60)
    assert claim
    records.complete(claim, [])


OPENED: list[str] | None = None


def _note_opened(event: str, arguments: tuple[object, ...]) -> None:
    if event == "open" and OPENED is not None:
        OPENED.append(str(arguments[0]))


sys.addaudithook(_note_opened)  # it cannot be taken away again


@contextmanager
def opened_under(folder: Path) -> Iterator[list[str]]:
    """Collect what this process opens in a folder."""
    global OPENED
    OPENED, found = [], []
    try:
        yield found
    finally:
        found += [path for path in OPENED if Path(path).parent == folder]
        OPENED = None


# Whole or not


def test_a_wav_that_is_whole_by_its_own_header_is_taken_at_once(
    inbox: Inbox, records: Records, hints: HintQueue, settings: Settings
):
    path = put(settings.inbox, "Call with Zoë.wav")

    assert inbox.sweep() == SWEEP_EVERY_SECONDS

    (record,) = records.select()
    assert (record.source, record.title, record.recording_path) == ("inbox", "Call with Zoë", str(path))
    assert (record.transcription_status, record.sha256) == ("queued", sha256_of(path))
    assert Fingerprint(record.size_bytes, record.modified_ns) == Fingerprint.of(path)
    assert outcomes() == {"Call with Zoë.wav": "adopted"}
    assert not hints.is_empty()


def test_a_half_copied_wav_is_untouched_until_it_is_whole(
    inbox: Inbox, records: Records, settings: Settings, clock: Clock
):
    content = recording(seconds=1)
    with (settings.inbox / "call.wav").open("wb") as file:
        for start in range(0, len(content), 4_000):
            assert inbox.sweep() in (SWEEP_EVERY_SECONDS, SETTLE_SECONDS)
            assert taken(records) == []
            file.write(content[start : start + 4_000])
            file.flush()
            clock.now += SETTLE_SECONDS - 0.1

        inbox.sweep()
    assert taken(records) == ["call.wav"]


def test_a_wav_that_is_closed_twice_is_untouched_until_it_is_whole(
    inbox: Inbox, records: Records, settings: Settings, clock: Clock
):
    content = recording()
    path = put(settings.inbox, content=content[:1_000])
    inbox.sweep()
    clock.now += 1
    with path.open("ab") as file:
        file.write(content[1_000:2_000])
    inbox.sweep()
    assert taken(records) == []

    with path.open("ab") as file:
        file.write(content[2_000:])
    inbox.sweep()
    assert taken(records) == ["call.wav"]


@pytest.mark.parametrize("name", ["call.mp3", "call.M4A", "no header.wav"])
def test_what_cannot_say_that_it_is_whole_is_taken_when_it_has_kept_still(
    inbox: Inbox, records: Records, settings: Settings, clock: Clock, name: str
):
    put(settings.inbox, name, b"it is not a WAV")
    assert inbox.sweep() == SETTLE_SECONDS
    clock.now += SETTLE_SECONDS - 0.5
    assert inbox.sweep() == pytest.approx(0.5)
    assert taken(records) == []
    clock.now += 0.5
    assert inbox.sweep() == SWEEP_EVERY_SECONDS

    assert taken(records) == [name]


def test_a_wav_shorter_than_its_header_says_must_keep_still_for_longer(
    inbox: Inbox, records: Records, settings: Settings, clock: Clock
):
    put(settings.inbox, "cut short.wav", recording()[:-100])
    inbox.sweep()
    clock.now += (CUT_SHORT_PATIENCE - 1) * SETTLE_SECONDS
    assert inbox.sweep() < SWEEP_EVERY_SECONDS
    assert taken(records) == []
    clock.now += SETTLE_SECONDS
    assert inbox.sweep() == SWEEP_EVERY_SECONDS

    assert taken(records) == ["cut short.wav"]


def test_a_file_that_grows_must_keep_still_anew(
    inbox: Inbox, records: Records, settings: Settings, clock: Clock
):
    path = put(settings.inbox, "call.mp3", b"x")
    for _ in range(5):
        inbox.sweep()
        clock.now += SETTLE_SECONDS - 0.1
        with path.open("ab") as file:
            file.write(b"more")
    inbox.sweep()
    assert taken(records) == []
    clock.now += SETTLE_SECONDS
    inbox.sweep()

    assert taken(records) == ["call.mp3"]


def test_a_file_that_is_touched_must_keep_still_anew(
    inbox: Inbox, records: Records, settings: Settings, clock: Clock
):
    path = put(settings.inbox, "call.mp3", b"x")
    inbox.sweep()
    clock.now += SETTLE_SECONDS
    os.utime(path, ns=(1, 1))
    inbox.sweep()

    assert taken(records) == []


def test_a_file_that_goes_before_it_was_whole_is_forgotten(
    inbox: Inbox, records: Records, settings: Settings, clock: Clock
):
    path = put(settings.inbox, "call.mp3", b"x")
    inbox.sweep()
    path.unlink()
    clock.now += SETTLE_SECONDS

    assert inbox.sweep() == SWEEP_EVERY_SECONDS
    assert (taken(records), outcomes()) == ([], {})
    path.write_bytes(b"x")
    assert inbox.sweep() == SETTLE_SECONDS


def test_a_file_that_changes_while_it_is_read_is_not_taken_as_it_was(
    inbox: Inbox, records: Records, settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    path = put(settings.inbox)

    def read_slowly(path: Path) -> str:
        found = sha256_of(path)
        path.write_bytes(recording(seed=2, seconds=0.2))
        monkeypatch.undo()
        return found

    monkeypatch.setattr("transcribe_worker.inbox.sweep.sha256_of", read_slowly)
    inbox.sweep()
    assert taken(records) == []
    inbox.sweep()

    (record,) = records.select()
    assert record.sha256 == sha256_of(path)


# What is a recording


def test_a_file_that_is_renamed_from_a_temporary_name_is_taken(
    inbox: Inbox, records: Records, settings: Settings
):
    path = put(settings.inbox, "call.wav.tmp")
    inbox.sweep()
    assert taken(records) == []
    path.rename(settings.inbox / "call.wav")
    inbox.sweep()

    assert taken(records) == ["call.wav"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names, links and pipes")
def test_what_is_no_recording_is_left_alone(
    inbox: Inbox, records: Records, settings: Settings, clock: Clock, tmp_path: Path
):
    outside = put(tmp_path, "outside.wav")
    put(settings.inbox, ".hidden.wav")
    put(settings.inbox, ".wav")
    for name in "a.wav.part", "a.part", "a.tmp", "notes.txt", "wav", "a.wav~", "a.crdownload", "desktop.ini":
        put(settings.inbox, name)
    (settings.inbox / "folder.wav").mkdir()
    put(settings.inbox / "folder.wav", "inside.wav")
    (settings.inbox / "link.wav").symlink_to(outside)
    (settings.inbox / "dangling.wav").symlink_to(tmp_path / "nowhere")
    os.mkfifo(settings.inbox / "pipe.wav")
    if sys.platform == "linux":
        put(settings.inbox, os.fsdecode(b"\xff\xfe.wav"))
    before = sorted(os.listdir(bytes(settings.inbox)))  # noqa: PTH208 (names that are no text)
    for _ in range(3):
        assert inbox.sweep() == SWEEP_EVERY_SECONDS
        clock.now += SETTLE_SECONDS

    assert (taken(records), outcomes()) == ([], {})
    assert sorted(os.listdir(bytes(settings.inbox))) == before  # noqa: PTH208


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names, links and pipes")
def test_names_of_every_kind_are_taken(inbox: Inbox, records: Records, settings: Settings):
    names = [
        "Zoë & Łukasz 李 😀.wav",
        "two\nlines.wav",
        "-rf.wav",
        "--help.WAV",
        "é" * 125 + "a.wav",
        "CON.wav",
        "nul.txt.wav",
        "a'b\"c;DROP TABLE.wav",
        "*?[a].wav",
        " spaces .wav",
    ]
    for seed, name in enumerate(names):
        put(settings.inbox, name, recording(seed))
    inbox.sweep()

    assert taken(records) == sorted(names)
    assert {record.title for record in records.select()} == {Path(name).stem for name in names}


# Copies and replacements


def test_the_same_content_twice_is_one_record_and_a_copy(
    inbox: Inbox, records: Records, settings: Settings, caplog: pytest.LogCaptureFixture
):
    first = put(settings.inbox, "first.wav")
    inbox.sweep()
    second = put(settings.inbox, "second.wav")
    for _ in range(3):
        inbox.sweep()

    (record,) = records.select()
    assert record.recording_path == str(first)
    assert outcomes() == {"first.wav": "adopted", "second.wav": "copy"}
    assert InboxFile.get_by_id(str(second)).record_id == record.id
    assert second.exists()
    assert caplog.text.count("a copy of recording") == 1


def test_two_files_with_the_same_content_at_once_are_one_record_and_a_copy(
    inbox: Inbox, records: Records, settings: Settings
):
    put(settings.inbox, "first.wav")
    put(settings.inbox, "second.wav")
    inbox.sweep()

    assert len(records.select()) == 1
    assert sorted(outcomes().values()) == ["adopted", "copy"]


def test_what_was_transcribed_before_is_a_copy_when_it_comes_again(
    inbox: Inbox, records: Records, settings: Settings, tmp_path: Path
):
    path = put(settings.inbox)
    inbox.sweep()
    (record,) = records.select()
    complete(records, record)
    records.mark_filed(record, recording_path=str(path.rename(tmp_path / "filed.wav")))
    inbox.sweep()
    put(settings.inbox)
    inbox.sweep()

    assert len(records.select()) == 1
    assert outcomes() == {"call.wav": "copy"}


def test_new_content_under_the_name_of_a_waiting_recording_is_the_same_record(
    inbox: Inbox, records: Records, settings: Settings
):
    put(settings.inbox)
    inbox.sweep()
    (before,) = records.select()
    path = put(settings.inbox, content=recording(seed=2, seconds=0.2))
    inbox.sweep()

    (after,) = records.select()
    assert (after.id, after.sha256, after.size_bytes) == (before.id, sha256_of(path), path.stat().st_size)
    assert after.transcription_status == "queued"


def test_new_content_under_the_name_of_a_completed_recording_is_a_new_record(
    inbox: Inbox, records: Records, settings: Settings
):
    put(settings.inbox)
    inbox.sweep()
    (first,) = records.select()
    complete(records, first)
    path = put(settings.inbox, content=recording(seed=2, seconds=0.2))
    inbox.sweep()

    second = records.select().order_by(Record.id.desc()).get()
    assert [record.transcription_status for record in records.select()] == ["completed", "queued"]
    assert (second.sha256, records.get(first.id).sha256) == (sha256_of(path), first.sha256)


def test_new_content_under_the_name_of_a_failed_recording_is_tried_afresh(
    inbox: Inbox, records: Records, settings: Settings
):
    put(settings.inbox, content=b"no recording at all".ljust(100))
    inbox.sweep()
    inbox.monotonic.now += SETTLE_SECONDS  # type: ignore[attr-defined]
    inbox.sweep()
    (record,) = records.select()
    claim = records.claim(record.id, worker_id="worker-1", model="tiny.en", lease_seconds=60)
    assert claim
    records.fail(claim, Failure("not_a_recording", "it seems to be text"))
    put(settings.inbox)
    inbox.sweep()

    (again,) = records.select()
    assert (again.id, again.transcription_status, again.attempts) == (record.id, "queued", 0)
    assert (again.error_code, again.transcription_error) == (None, None)


def test_content_that_came_while_the_old_was_read_is_not_forgotten_when_the_old_fails(
    inbox: Inbox, records: Records, settings: Settings
):
    put(settings.inbox)
    inbox.sweep()
    (record,) = records.select()
    claim = records.claim(record.id, worker_id="worker-1", model="tiny.en", lease_seconds=60)
    assert claim
    path = put(settings.inbox, content=recording(seed=2, seconds=0.2))
    inbox.sweep()
    assert records.get(record.id).transcription_status == "processing"
    records.fail(claim, Failure("damaged_header", "the old one was damaged"))
    for _ in range(3):
        inbox.monotonic.now += SETTLE_SECONDS  # type: ignore[attr-defined]
        inbox.sweep()

    waiting = [record for record in records.select() if record.transcription_status == "queued"]
    assert [record.sha256 for record in waiting] == [sha256_of(path)]


@pytest.mark.parametrize("name", ["call.wav", "another name.wav"])
def test_a_recording_that_failed_because_it_was_gone_is_tried_again_when_it_comes_back(
    inbox: Inbox, records: Records, settings: Settings, name: str
):
    path = put(settings.inbox)
    inbox.sweep()
    (record,) = records.select()
    path.unlink()
    claim = records.claim(record.id, worker_id="worker-1", model="tiny.en", lease_seconds=60)
    assert claim
    records.fail(claim, Failure("recording_missing", "it is gone"))
    inbox.sweep()
    put(settings.inbox, name)
    inbox.sweep()

    (waiting,) = [record for record in records.select() if record.transcription_status == "queued"]
    assert Path(waiting.recording_path) == settings.inbox / name


def test_a_recording_that_was_touched_and_holds_the_same_is_neither_new_nor_a_copy(
    inbox: Inbox, records: Records, settings: Settings
):
    path = put(settings.inbox)
    inbox.sweep()
    os.utime(path, ns=(10**18, 10**18))
    inbox.sweep()

    assert len(records.select()) == 1
    assert outcomes() == {"call.wav": "adopted"}


# What goes wrong


@pytest.fixture
def unreadable(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """A file that cannot be read, until the function that this gives is called."""
    path = put(settings.inbox)
    if getattr(os, "geteuid", lambda: 0)() != 0:
        path.chmod(0)
        yield lambda: path.chmod(0o600)
        return

    def refuse(path: Path) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("transcribe_worker.inbox.sweep.riff.is_whole", lambda _: False)
    monkeypatch.setattr("transcribe_worker.inbox.sweep.sha256_of", refuse)  # root may read anything
    yield monkeypatch.undo


def test_a_file_that_cannot_be_read_is_noted_once_and_tried_again(
    inbox: Inbox,
    records: Records,
    settings: Settings,
    clock: Clock,
    unreadable: Callable[[], None],
    caplog: pytest.LogCaptureFixture,
):
    put(settings.inbox, "other.mp3", b"x")
    for _ in range(5):
        inbox.sweep()
        clock.now += SETTLE_SECONDS
    assert outcomes()["call.wav"] == "unreadable"
    assert caplog.text.count("cannot be read") <= 2  # once for each file
    unreadable()
    inbox.sweep()

    assert taken(records) == ["call.wav", "other.mp3"]
    assert outcomes() == {"call.wav": "adopted", "other.mp3": "adopted"}


def test_a_file_that_could_not_be_read_and_is_gone_is_shown_no_longer(
    inbox: Inbox, settings: Settings, clock: Clock, unreadable: Callable[[], None]
):
    for _ in range(2):
        inbox.sweep()
        clock.now += SETTLE_SECONDS
    (settings.inbox / "call.wav").unlink()
    inbox.sweep()

    assert outcomes() == {}


def test_a_locked_database_delays_a_file_and_loses_none(settings: Settings, hints: HintQueue, clock: Clock):
    database = open_database(settings.database, busy_timeout_seconds=0.1)
    records = Records(database)
    inbox = Inbox(settings, database, records, hints, monotonic=clock)
    inbox.sweep()
    put(settings.inbox)
    with closing(sqlite3.connect(settings.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Exception, match="locked"):
            inbox.sweep()
        other.execute("ROLLBACK")
    inbox.sweep()

    assert taken(records) == ["call.wav"]
    database.close()


# Several watchers, and one that starts again


def test_two_processes_over_one_inbox_take_each_file_once(settings: Settings, records: Records):
    for seed in range(30):
        put(settings.inbox, f"{seed}.wav", recording(seed))
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", SWEEPER, str(settings.home)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes:
        process.communicate(timeout=60)
        assert process.returncode == 0

    assert taken(records) == sorted(f"{seed}.wav" for seed in range(30))
    assert set(outcomes().values()) == {"adopted"}


def test_a_watcher_that_starts_again_takes_nothing_twice(
    inbox: Inbox,
    records: Records,
    settings: Settings,
    database: SqliteDatabase,
    hints: HintQueue,
    clock: Clock,
):
    put(settings.inbox, "first.wav")
    put(settings.inbox, "copy.wav")
    inbox.sweep()
    (settings.inbox / "copy.wav").rename(settings.inbox / "moved copy.wav")
    Inbox(settings, database, records, hints, monotonic=clock).sweep()

    assert len(records.select()) == 1
    assert sorted(outcomes().values()) == ["adopted", "copy"]


def test_two_thousand_known_files_are_not_opened_again(
    inbox: Inbox,
    settings: Settings,
    database: SqliteDatabase,
    records: Records,
    hints: HintQueue,
    clock: Clock,
):
    rows = []
    for number in range(2_000):
        path = put(settings.inbox, f"{number}.wav", b"%d" % number)
        found = Fingerprint.of(path)
        rows.append((str(path), found.size_bytes, found.modified_ns, "adopted", None))
    columns = (
        InboxFile.path,
        InboxFile.size_bytes,
        InboxFile.modified_ns,
        InboxFile.outcome,
        InboxFile.record,
    )
    with database.atomic():
        for start in range(0, len(rows), 100):
            InboxFile.insert_many(rows[start : start + 100], columns).execute()

    with opened_under(settings.inbox) as opened:
        inbox.sweep()
        before = time.monotonic()
        inbox.sweep()
        second_sweep_seconds = time.monotonic() - before
    print(f"a sweep over 2,000 known files: {second_sweep_seconds * 1000:.0f} ms")
    assert opened == []

    put(settings.inbox, "7.wav", b"new")
    with opened_under(settings.inbox) as opened:
        inbox.sweep()
    assert {Path(path).name for path in opened} == {"7.wav"}


# Watching


@pytest.fixture
def watching(settings: Settings, database: SqliteDatabase, hints: HintQueue) -> Iterator[Inbox]:
    """A watcher in a thread, with the real events and the real clock."""
    inbox = Inbox(settings, database, Records(database), hints)
    stopping, beating = threading.Event(), threading.Event()

    def run() -> None:
        try:
            watch(inbox, stopping.is_set, beating.set)
        finally:
            database.close()

    thread = threading.Thread(target=run)
    thread.start()
    assert beating.wait(10)
    yield inbox
    stopping.set()
    thread.join(10)
    assert not thread.is_alive()


def wait_for(true: Callable[[], bool], within_seconds: float = 5) -> float:
    """Wait until something is so; return the seconds it took."""
    start = time.monotonic()
    while not true():
        assert time.monotonic() - start < within_seconds
        time.sleep(0.002)
    return time.monotonic() - start


def test_a_wav_that_is_renamed_into_a_watched_inbox_is_taken_in_a_moment(
    watching: Inbox, records: Records, settings: Settings, tmp_path: Path
):
    seconds = []
    for seed in range(20):
        path = put(tmp_path, f"{seed}.wav", recording(seed))
        path.rename(settings.inbox / path.name)
        seconds.append(wait_for(lambda count=seed + 1: records.select().count() == count))

    p50, p95 = statistics.median(seconds), sorted(seconds)[18]
    print(f"from the rename to the record: p50 {p50 * 1000:.0f} ms, p95 {p95 * 1000:.0f} ms")
    assert taken(records) == sorted(f"{seed}.wav" for seed in range(20))


def test_a_watcher_goes_on_behind_a_sweep_that_failed(
    watching: Inbox, records: Records, settings: Settings, caplog: pytest.LogCaptureFixture
):
    away = settings.inbox.rename(settings.home / "away")
    put(away, "call.wav")
    time.sleep(0.1)
    away.rename(settings.inbox)

    put(settings.inbox, "another.wav", recording(seed=1))
    wait_for(lambda: records.select().count() == 2)


def test_a_file_that_is_refused_for_its_size_is_taken_without_being_read(
    settings: Settings, database: SqliteDatabase, records: Records, hints: HintQueue, clock: Clock
) -> None:
    strict = replace(settings, largest_file_gb=0.001)
    inbox = Inbox(strict, database, records, hints, monotonic=clock)
    names, huge = ("huge.wav", "huge again.wav"), recording(seconds=60)
    for name in names:
        put(settings.inbox, name, huge)
    inbox.sweep()
    found = [(record.size_bytes, record.sha256) for record in records.select()]
    assert found == [(len(huge), None)] * 2  # nobody knows that they are the same
    assert outcomes() == dict.fromkeys(names, "adopted")
    put(settings.inbox, "huge.wav", recording())
    inbox.sweep()
    (replaced,) = records.select().where(Record.title == "huge")
    assert replaced.sha256 == sha256_of(settings.inbox / "huge.wav")


def test_a_captured_call_is_known_again_even_if_it_is_over_the_limit(
    settings: Settings, database: SqliteDatabase, records: Records, hints: HintQueue, clock: Clock
) -> None:
    strict = replace(settings, largest_file_gb=0.001)
    path = put(settings.inbox, content=recording(seconds=60))
    captures, content = Captures(database), {"sha256": sha256_of(path), **asdict(Fingerprint.of(path))}
    captures.begin("a", path, title="Call", layout="mono", started_at=1.0, worker_id="capture-1")
    captures.queue("a", content)
    Inbox(strict, database, records, hints, monotonic=clock).sweep()
    (record,) = records.select()
    assert (record.source, record.sha256) == ("capture", content["sha256"])
    assert outcomes() == {"call.wav": "adopted"}
