"""Gone means gone: raw bytes, real kills at every step, open readers, and nothing else touched."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import stat
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from peewee import SqliteDatabase

from archive.erasing import Eraser, ErasureWaits
from archive.library import Library, LibraryBusy
from archive.receipts import candidate_hash
from capture_worker import RecordingSession
from capture_worker.wav import WavWriter
from offhook.commands.erase import Age
from shared import home as folders
from shared.errors import ClaimLost, RecordNotFound, StateConflict
from shared.files import Fingerprint, sha256_of
from shared.home import RESTORE_LOCK, RESTORE_PART
from shared.locks import FileLock
from shared.settings import Settings
from shared.store import scrubbing
from shared.store.captures import ENDED, QUEUED, RECORDING, WAITING, Captures
from shared.store.claims import Failure
from shared.store.models import Capture, Control, DecodedWindow, InboxFile, Loudness, Record, Segment
from shared.store.records import Records
from shared.store.sqlite import open_database
from shared.times import iso
from shared.workers import Presence
from tests.conftest import skip_or_fail
from tests.remains import remains
from tests.stage import ROOT, Stage
from tests.voices import Call
from transcribe_worker.inbox.sweep import ADOPTED, COPY, Inbox
from transcribe_worker.jobs.hints import HintQueue
from transcribe_worker.jobs.sweeper import Sweeper
from transcribe_worker.model_files import bundled_folder

DAY_SECONDS = 86_400.0
KILLED = 15 if os.name == "nt" else -9
DEAD = "capture-000000000000"
CANDIDATE = "K-7731-lindqvist"
#: No two begin alike: the search index writes down only in what a word differs from the one before.
SAID = ("quixotic", "bandoneon", "zymurgy", "vexillology", "jackdaw")
TITLE = "Hollingsworthy"
FORGOTTEN = (*SAID, TITLE, CANDIDATE)

#: Runs the command line and dies just before the step whose number comes first: a change to the file system,
#: or a statement that ends a transaction or scrubs.
MORTAL = """
import os, signal, sys
from peewee import SqliteDatabase
from offhook.cli import main

left = int(sys.argv[1])
plain = SqliteDatabase.execute_sql

def step(what):
    global left
    if left == 0:
        os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
    left -= 1

def notice(event, arguments):
    if event in ("os.remove", "os.rename"):
        step(event)

def execute_sql(self, sql, *arguments, **options):
    if sql.split()[0] in ("VACUUM", "DELETE") or "optimize" in sql or "TRUNCATE" in sql:
        step(sql)
    return plain(self, sql, *arguments, **options)

plain_commit = SqliteDatabase.commit

def commit(self):
    step("COMMIT")
    return plain_commit(self)

SqliteDatabase.execute_sql, SqliteDatabase.commit = execute_sql, commit
sys.addaudithook(notice)
main(sys.argv[2:])
"""


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def library(settings: Settings, records: Records) -> Library:
    return Library(settings, records)


@pytest.fixture
def eraser(settings: Settings, database: SqliteDatabase, records: Records, library: Library) -> Eraser:
    return Eraser(settings, database, records, library)


@pytest.fixture
def stage(settings: Settings) -> Stage:
    return Stage(settings.home)


@pytest.fixture
def hints(settings: Settings) -> Iterator[HintQueue]:
    with closing(HintQueue(settings.queue)) as hints:
        yield hints


def make_call(settings: Settings, records: Records, title: str, *words: str, **columns: Any) -> Record:
    """A call that was recorded, failed once with its name in the error, and is transcribed and filed."""
    path = settings.inbox / f"{title}.wav"
    path.write_bytes(f"{title} {words}".encode() * 50)
    content = {"sha256": sha256_of(path), **fingerprint(path)}
    session_id = str(uuid.uuid4())
    captures = Captures(records._database)
    captures.begin(session_id, path, title=title, layout="mono", started_at=1.0, worker_id=DEAD, **columns)
    captures.note(
        session_id, {"duration_seconds": 8.0}, {0: {"microphone": b"m" * 80, "loopback": b"l" * 80}}
    )
    record = captures.queue(session_id, content)
    InboxFile.create(path=str(path), outcome=ADOPTED, record=record.id, **fingerprint(path))
    first = records.claim(record.id, worker_id="worker-1", model="tiny.en", lease_seconds=60)
    assert first
    records.retry_later(first, Failure("OSError", f"{path} cannot be read."), wait_seconds=-1)
    claim = records.claim(record.id, worker_id="worker-1", model="tiny.en", lease_seconds=60)
    assert claim
    said = [segment(number, word) for number, word in enumerate(words)]
    window = {"start_seconds": 0.0, "end_seconds": 8.0, "stretch_seconds": 0.0, "segments": json.dumps(said)}
    records.save_windows(claim, [window])
    rows = [row | {"words": json.dumps(row["words"])} for row in said]
    done = records.complete(claim, rows, duration_seconds=8.0, language="en")
    Library(settings, records).file(done)
    return records.get(done.id)


def segment(number: int, word: str) -> dict[str, Any]:
    return {
        "start_seconds": float(number),
        "end_seconds": number + 1.0,
        "text": f"They spoke of {word} and of the weather.",
        "words": [[float(number), number + 0.5, f" {word}", 0.9]],
    }


def fingerprint(path: Path) -> dict[str, int]:
    found = Fingerprint.of(path)
    return {"size_bytes": found.size_bytes, "modified_ns": found.modified_ns}


def the_call(settings: Settings, records: Records, others: int = 12) -> Record:
    """The call that is to be forgotten, with a copy in the inbox, between others that are to stay."""
    for number in range(others):
        make_call(settings, records, f"Before {number}", *(f"harbour{number}x{n}" for n in range(20)))
    record = make_call(settings, records, TITLE, *SAID, candidate_id=CANDIDATE)
    copy = settings.inbox / f"{TITLE} again.wav"
    shutil.copyfile(record.recording_path, copy)
    InboxFile.create(path=str(copy), outcome=COPY, record=record.id, **fingerprint(copy))
    for number in range(others):
        make_call(settings, records, f"After {number}", *(f"meadow{number}x{n}" for n in range(20)))
    return record


def dead_capture(settings: Settings, captures: Captures, state: str, **columns: Any) -> Path:
    """A recording whose recorder has died in the middle of it."""
    session_id = str(uuid.uuid4())
    part = settings.recording / f"{session_id}.part"
    with closing(WavWriter(part, 1)) as writer:
        writer.write(b"\1\0" * 16_000)
    place = settings.inbox / f"Call {session_id[:8]}.wav"
    given = {
        "title": TITLE,
        "layout": "mono",
        "started_at": 1.0,
        "worker_id": DEAD,
        "candidate_id": CANDIDATE,
    }
    captures.begin(session_id, place, **{**given, **columns})
    captures.change(session_id, state=state)
    return part


def counts() -> dict[str, int]:
    """How many rows there are of each kind."""
    kinds = (Record, Segment, DecodedWindow, Capture, Loudness, InboxFile)
    return {kind.__name__: kind.select().count() for kind in kinds}


def notes() -> list[str]:
    """What is still to be done."""
    return [row.name for row in Control.select() if row.name != "retention"]


# Every trace


@pytest.mark.parametrize(
    "command",
    [
        ["delete", "13", "--yes"],
        ["delete", "--candidate", CANDIDATE, "--yes"],
        ["prune", "--older-than", "30d", "--yes"],
    ],
    ids=["delete", "candidate", "prune"],
)
def test_no_byte_of_a_deleted_call_stands_in_any_file_though_others_have_the_database_open(
    settings: Settings, records: Records, stage: Stage, command: list[str]
) -> None:
    record = the_call(settings, records)
    Record.update(completed_at=time.time() - 31 * DAY_SECONDS).where(Record.id == record.id).execute()
    with closing(HintQueue(settings.queue)) as hints:
        hints.send(record.id)
    before = remains(settings.home, FORGOTTEN)
    assert {"offhook.db", "offhook.db-wal"} & {name for name, _ in before}
    assert {word for _, word in before} == set(FORGOTTEN)

    done = stage.offhook(*command)

    assert (done.returncode, done.stderr) == (0, "")
    assert f"Recording {record.id}: deleted\n" in done.stdout
    assert remains(settings.home, FORGOTTEN) == set()
    assert counts() == {
        "Record": 24,
        "Segment": 480,
        "DecodedWindow": 0,
        "Capture": 24,
        "Loudness": 24,
        "InboxFile": 24,
    }
    assert notes() == []
    assert len(list(settings.library.rglob("Before *.txt"))) == 12
    assert stage.read("search", "meadow7x3")["hits"]
    assert stage.offhook("doctor").stdout.count("is sound") == 1


def test_nothing_of_a_call_remains_that_a_real_worker_has_transcribed_and_logged(
    settings: Settings, short_call: Call
) -> None:
    """The workers run on, with their connections, logs at their most talkative and a queue of their own."""
    if bundled_folder() is None:
        skip_or_fail("the model tiny.en is not installed")
    stage = Stage(settings.home, (("OFFHOOK_LOG_LEVEL", "DEBUG"),))
    with stage.process("transcribe_worker.inbox"), stage.process("transcribe_worker"):
        stage.drop_call(short_call, f"{TITLE}.wav")
        record = stage.finished(TITLE)
        stage.wait_for(lambda: stage.record(TITLE)["transcript_stem"], "the library")  # type: ignore[index]
        text = " ".join(row["text"] for row in stage.read("show", str(record["id"]))["transcript"])
        words = {word.strip(".,?!").lower() for word in text.split() if len(word) > 7} | {TITLE}
        assert len(words) > 3
        assert {word for _, word in remains(settings.home, words)} == words

        done = stage.offhook("delete", str(record["id"]), "--yes")

        assert (done.returncode, done.stderr) == (0, "")
        assert remains(settings.home, words) == set()
        log = (settings.logs / "worker.log").read_text()
        assert "completed" in log
        assert re.search(
            r"recording \d+: [\d.]+ s: claimed [\d.]+, .*; of it speech [\d.]+, model [\d.]+$", log, re.M
        )
    assert remains(settings.home, words) == set()


def test_half_written_files_of_a_dead_worker_go_with_the_recording(
    settings: Settings, records: Records, stage: Stage
) -> None:
    record = make_call(settings, records, TITLE, *SAID)
    folder = Path(record.recording_path).parent
    (folder / f".{uuid.uuid4().hex[:16]}.{uuid.uuid4().hex}.part").write_text(" ".join(SAID))
    (folder / ".my own.part").write_text("notes")

    assert stage.offhook("delete", "1", "--yes").returncode == 0

    assert remains(settings.home, FORGOTTEN) == set()
    assert [path.name for path in folder.iterdir()] == [".my own.part"]


def test_what_a_killed_restore_has_left_goes_but_not_what_a_running_one_makes_ready(
    settings: Settings, records: Records, stage: Stage
) -> None:
    record, other = the_call(settings, records), records.add(source="added", title="o", recording_path="/o")
    left = settings.home / RESTORE_PART / "library" / "call.txt"
    left.parent.mkdir(parents=True)
    left.write_text(" ".join(SAID))
    running = FileLock(settings.locks / RESTORE_LOCK)
    assert running.acquire()
    assert stage.offhook("delete", record.id, "--yes").returncode == 0
    assert left.exists()
    running.release()
    assert stage.offhook("delete", other.id, "--yes").returncode == 0
    assert remains(settings.home, FORGOTTEN) == set()


def test_a_copy_that_a_cut_off_move_has_left_in_the_library_goes_too(
    settings: Settings, records: Records, stage: Stage
) -> None:
    record = make_call(settings, records, TITLE, *SAID)
    there = Path(record.recording_path)
    inbox = settings.inbox / there.name
    shutil.copyfile(there, inbox)
    records.note_move(record.id, str(inbox), {})

    assert stage.offhook("delete", "1", "--yes").returncode == 0

    assert not there.exists()
    assert not inbox.exists()


def test_a_foreign_file_that_has_taken_the_place_in_the_library_stays(
    settings: Settings, records: Records, stage: Stage
) -> None:
    record = make_call(settings, records, TITLE, *SAID)
    there = Path(record.recording_path)
    there.replace(settings.inbox / there.name)
    there.write_bytes(b"another call")
    records.note_move(record.id, str(settings.inbox / there.name), {})

    assert stage.offhook("delete", "1", "--yes").returncode == 0

    assert there.read_bytes() == b"another call"


def test_a_log_at_its_most_talkative_has_no_word_of_what_is_written(settings: Settings) -> None:
    code = (
        "from shared.process import running\nfrom shared.settings import load\nimport os\n"
        "from shared.records import Records\n"
        "with running('worker', load(os.environ), None) as process:\n"
        f"    Records(process.database).add(source='added', title={TITLE!r}, recording_path='/x.wav')\n"
    )
    environment = Stage(settings.home, (("OFFHOOK_LOG_LEVEL", "DEBUG"),)).environment
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert TITLE not in done.stderr
    assert "worker started" in (settings.logs / "worker.log").read_text()
    assert TITLE not in (settings.logs / "worker.log").read_text()


# Readers in the way


def test_what_a_reader_keeps_from_going_is_finished_by_the_sweeper(
    settings: Settings, database: SqliteDatabase, records: Records, hints: HintQueue, stage: Stage
) -> None:
    the_call(settings, records)
    monotonic = Clock(1_000.0)
    library = Library(settings, records)
    sweeper = Sweeper(settings, database, records, hints, library, monotonic=monotonic)
    with closing(sqlite3.connect(settings.database)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM segments").fetchone()

        done = stage.offhook("delete", "13", "--yes")

        assert done.returncode == 0
        assert done.stdout == "Recording 13: deleted\n"
        assert "A worker removes what is left" in done.stderr
        assert stage.offhook("show", "13").returncode == 1
        assert notes() == ["scrub"]
        sweeper.sweep()
        assert notes() == ["scrub"]
        assert remains(settings.home, FORGOTTEN) != set()
    sweeper.sweep()
    assert notes() == ["scrub"], "it rests after it has been in vain"
    monotonic.now += 31.0
    sweeper.sweep()
    assert notes() == []
    assert remains(settings.home, FORGOTTEN) == set()


def test_what_is_deleted_while_another_is_scrubbed_is_scrubbed_as_well(
    settings: Settings, records: Records, eraser: Eraser, library: Library
) -> None:
    for title in ("first", TITLE):
        make_call(settings, records, title, *SAID)
    with library.alone():
        eraser.mark([1])
        eraser.erase(1)
        note = scrubbing.ordered()
        assert note
        scrubbed = scrubbing.scrub(records._database, note, 1.0)
        assert scrubbed
        eraser.mark([2])
        eraser.erase(2)
        scrubbing.settle(records._database, scrubbed)
        assert scrubbing.ordered()
        assert eraser.scrub(1.0)
    assert remains(settings.home, FORGOTTEN) == set()


# Deaths


@pytest.fixture(scope="module")
def doomed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a call in the library, one that a dead recorder has left, and others."""
    settings = Settings(home=tmp_path_factory.mktemp("doomed") / "home")
    folders.prepare(settings)
    with closing(open_database(settings.database)) as database:
        records = Records(database)
        the_call(settings, records, others=2)
        dead_capture(settings, Captures(database), RECORDING)
        paths = [
            (Record, Record.recording_path),
            (InboxFile, InboxFile.path),
            (Capture, Capture.recording_path),
        ]
        assert all(model.select().where(path.contains(str(settings.home))).exists() for model, path in paths)
    return settings.home


@pytest.mark.timeout(600)
@pytest.mark.parametrize("finisher", ["the sweeper", "another try"])
def test_a_command_that_is_killed_at_any_step_is_finished_or_has_not_begun(
    doomed: Path, finisher: str
) -> None:
    """Absolute paths stand in the database, so the home is put back where it was made."""
    kept = doomed.with_name("kept")
    if not kept.exists():
        shutil.copytree(doomed, kept)
    settings, command = Settings(home=doomed), ["delete", "--candidate", CANDIDATE, "--yes"]
    begun: list[bool] = []  # whether something was left to be done, death by death
    for step in range(200):
        shutil.rmtree(doomed)
        shutil.copytree(kept, doomed)
        died = subprocess.run(
            [sys.executable, "-c", MORTAL, str(step), *command],
            env=Stage(doomed).environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
        if died.returncode != KILLED:
            break
        with closing(open_database(settings.database)) as database:
            begun.append(bool(notes()))
            if finisher == "the sweeper":
                with closing(HintQueue(settings.queue)) as hints:
                    records = Records(database)
                    Sweeper(settings, database, records, hints, Library(settings, records)).sweep()
            else:
                done = Stage(doomed).offhook(*command)
                assert done.returncode == 0, (step, done.stderr)
            assert notes() == [], step
            left = Record.select().where(Record.candidate_id == CANDIDATE).count()
            captures = Capture.select().where(Capture.candidate_id == CANDIDATE).count()
            assert Record.select().count() == 4 + left
        parts = list((doomed / "recording").iterdir())
        if left:  # it died before it had begun: nothing is lost
            assert (left, captures, len(parts)) == (1, 2, 1), step
            assert finisher == "the sweeper"
            assert len(list(doomed.rglob(f"{TITLE}*"))) == 6
        else:
            assert (captures, parts, remains(doomed, FORGOTTEN)) == (0, [], set()), step
            assert_receipts_are_true(doomed, finished=begun[-1])
    assert died.returncode == 0, died.stderr
    assert begun.count(True) > 15
    assert begun.count(False) >= 1


def assert_receipts_are_true(home: Path, finished: bool) -> None:
    found = [json.loads(path.read_text()) for path in (home / "receipts").glob("erasure-*.json")]
    assert found
    assert any(receipt["finished_at"] for receipt in found)
    assert not finished or all(receipt["finished_at"] for receipt in found)


# What else writes


def test_a_recording_that_is_deleted_under_its_worker_is_lost_to_it(
    settings: Settings, records: Records, stage: Stage
) -> None:
    path = settings.inbox / f"{TITLE}.wav"
    path.write_bytes(b"RIFF")
    record = records.add(source="inbox", title=TITLE, recording_path=str(path))
    claim = records.claim(record.id, worker_id="worker-1", model="tiny.en", lease_seconds=60)
    assert claim
    window = {"start_seconds": 0.0, "end_seconds": 8.0, "stretch_seconds": 0.0, "segments": json.dumps(SAID)}
    records.save_windows(claim, [window])

    assert stage.offhook("delete", "1", "--yes").returncode == 0

    with pytest.raises(ClaimLost):
        records.save_windows(claim, [window])
    with pytest.raises(ClaimLost):
        records.complete(claim, [segment(0, SAID[0])])
    assert remains(settings.home, FORGOTTEN) == set()


def test_a_worker_that_is_about_to_file_a_deleted_recording_writes_nothing(
    settings: Settings, records: Records, library: Library, stage: Stage
) -> None:
    record = make_call(settings, records, TITLE, *SAID)
    assert stage.offhook("delete", "1", "--yes").returncode == 0
    with pytest.raises(RecordNotFound):
        library.file(record)
    assert remains(settings.home, FORGOTTEN) == set()


def test_filing_waits_for_a_deletion_and_a_deletion_for_filing(
    settings: Settings, records: Records, library: Library
) -> None:
    record = make_call(settings, records, TITLE, *SAID)
    filed = threading.Event()
    filing = threading.Thread(target=lambda: (library.file(record), filed.set()))
    with library.alone():
        filing.start()
        assert not filed.wait(0.3)
        with pytest.raises(LibraryBusy), library.alone(patience_seconds=0.1):
            pass
    assert filed.wait(10)
    filing.join()


def test_a_sweeper_leaves_an_erasure_to_who_is_at_it(
    settings: Settings, records: Records, library: Library, eraser: Eraser
) -> None:
    make_call(settings, records, TITLE, *SAID)
    with library.alone():
        eraser.mark([1])
        eraser.resume()
        assert records.get(1)
    eraser.resume()
    with pytest.raises(RecordNotFound):
        records.get(1)


def test_a_recording_that_was_queued_again_after_the_mark_goes_all_the_same(
    settings: Settings, records: Records, library: Library, eraser: Eraser
) -> None:
    make_call(settings, records, TITLE, *SAID)
    eraser.mark([1])
    records.requeue(1)
    claim = records.claim(1, worker_id="worker-1", model="tiny.en", lease_seconds=60)
    assert claim
    eraser.resume()
    with pytest.raises(ClaimLost):
        records.complete(claim, [])
    assert remains(settings.home, FORGOTTEN) == set()


def test_a_file_that_cannot_be_deleted_is_named_and_goes_as_soon_as_it_can(
    settings: Settings, records: Records, library: Library, eraser: Eraser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Windows while a program has it open."""
    record = make_call(settings, records, TITLE, *SAID)
    held, plain = Path(record.recording_path), Path.unlink

    def unlink(path: Path, missing_ok: bool = False) -> None:
        if path == held:
            raise PermissionError(13, "in use", str(path))
        plain(path, missing_ok)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", unlink)
        eraser.mark([1])
        with pytest.raises(ErasureWaits, match=f"{held.name} cannot be deleted: in use"), library.alone():
            eraser.erase(1, patience_seconds=0.2)
        assert list(held.parent.iterdir()) == [held], "what can go has gone"
        eraser.resume()
        assert records.get(1).transcription_status == "completed"
    eraser.resume()
    assert remains(settings.home, FORGOTTEN) == set()


# prune


@pytest.fixture
def aged(records: Records) -> dict[str, int]:
    """Recordings in every state, each with the moment that counts 90 days ago, or an hour less or more."""
    now, found = time.time(), {}
    for state in ("completed", "failed", "cancelled", "queued", "processing"):
        for name, days in (("older", 90.05), ("younger", 89.95)):
            record = records.add(source="added", title=f"{state} {name}", recording_path=f"/{state}.wav")
            moment = now - days * DAY_SECONDS
            other = {"completed_at": moment, "created_at": moment - 500 * DAY_SECONDS}
            columns = {"created_at": moment} if state in ("cancelled", "queued", "processing") else other
            Record.update(transcription_status=state, **columns).where(Record.id == record.id).execute()
            found[record.title] = record.id
    return found


@pytest.mark.parametrize("age", ["90d", "2160h", " 90D "])
def test_prune_deletes_what_is_finished_and_old_enough_and_nothing_that_waits_or_runs(
    records: Records, stage: Stage, aged: dict[str, int], age: str
) -> None:
    done = stage.offhook("prune", "--older-than", age, "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    left = {record.title for record in Record.select()}
    assert set(aged) - left == {"completed older", "failed older", "cancelled older"}


def test_an_old_recording_that_is_cancelled_today_is_not_old(
    records: Records, settings: Settings, library: Library
) -> None:
    """Somebody who queues a call of last year again, and thinks better of it, keeps its transcript."""
    record = the_call(settings, records)
    long_ago = time.time() - 400 * DAY_SECONDS
    Record.update(created_at=long_ago, completed_at=long_ago).where(Record.id == record.id).execute()
    eraser = Eraser(settings, records._database, records, library)
    assert [found.id for found in eraser.older_than(90 * DAY_SECONDS)] == [record.id]

    records.requeue(record.id)
    records.cancel(record.id)

    assert eraser.older_than(90 * DAY_SECONDS) == []
    assert record.id in [found.id for found in eraser.older_than(0)]


def test_prune_takes_a_state_when_it_is_told_to(records: Records, stage: Stage, aged: dict[str, int]) -> None:
    assert stage.offhook("prune", "--older-than", "1w", "--status", "failed", "--yes").returncode == 0
    assert set(aged) - {record.title for record in Record.select()} == {"failed older", "failed younger"}


@pytest.mark.parametrize(
    ("age", "seconds"),
    [("12h", 0.5), ("90d", 90), ("8w", 56), ("6m", 180), ("2y", 730), ("0d", 0)],
)
def test_the_units_of_an_age(age: str, seconds: float) -> None:
    assert Age().convert(age, None, None) == seconds * DAY_SECONDS


@pytest.mark.parametrize("age", ["", "90", "d", "-1d", "1.5d", "90days", "9999999d", "٣d"])
def test_an_age_that_is_none_is_refused(
    stage: Stage, records: Records, aged: dict[str, int], age: str
) -> None:
    assert stage.offhook("prune", "--older-than", age, "--yes").returncode == 2
    assert Record.select().count() == len(aged)


def test_an_age_counts_to_the_second(records: Records, settings: Settings, library: Library) -> None:
    record = records.add(source="added", title="call", recording_path="/call.wav")
    cancelled = records.cancel(record.id)
    for seconds, expected in ((10.0, 1), (10.001, 0)):
        clock = Clock(cancelled.completed_at + 10.0)
        eraser = Eraser(settings, records._database, records, library, clock)
        assert len(eraser.older_than(seconds)) == expected


def test_prune_refuses_where_nobody_can_be_asked(
    stage: Stage, records: Records, aged: dict[str, int]
) -> None:
    done = stage.offhook("prune", "--older-than", "90d", stdin=subprocess.DEVNULL)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "offhook: prune asks before it deletes. Give --yes to delete without being asked.\n"
    assert Record.select().count() == len(aged)


def test_prune_says_so_if_there_is_nothing_to_delete(stage: Stage, records: Records) -> None:
    done = stage.offhook("prune", "--older-than", "90d")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "No finished recording is that old.\n")


# Dry runs


@pytest.mark.parametrize(
    "command",
    [["delete", "13"], ["delete", "--candidate", CANDIDATE], ["prune", "--older-than", "0d"]],
    ids=["delete", "candidate", "prune"],
)
@pytest.mark.parametrize("form", [[], ["--json"]], ids=["people", "programs"])
def test_a_dry_run_changes_nothing_and_names_what_would_go(
    settings: Settings, records: Records, stage: Stage, command: list[str], form: list[str]
) -> None:
    record = the_call(settings, records)
    part = dead_capture(settings, Captures(records._database), RECORDING)
    before = state_of(settings)

    done = stage.offhook(*command, "--dry-run", *form)

    assert (done.returncode, done.stderr) == (0, "")
    assert state_of(settings) == before
    if form:
        found = {entry["id"]: entry for entry in json.loads(done.stdout)["recordings"]}
        assert found[13]["title"] == TITLE
        assert len(found[13]["files"]) == 6
        assert found[13]["size_bytes"] == sum(Path(path).stat().st_size for path in found[13]["files"])
        assert (None in found) is ("--candidate" in command)
    else:
        assert f'Recording 13 "{TITLE}", completed\n  {record.recording_path}\n' in done.stdout
        assert (str(part) in done.stdout) is ("--candidate" in command)
        assert "Nothing was deleted." in done.stdout


def state_of(settings: Settings) -> tuple[list[str], dict[str, bytes]]:
    """Every row of the database, and every byte of every other file."""
    with closing(sqlite3.connect(settings.database)) as connection:
        rows = list(connection.iterdump())
    files = (path for path in settings.home.rglob("*") if path.is_file())
    return rows, {str(p): p.read_bytes() for p in files if not p.name.startswith("offhook.db")}


# A person


def test_a_receipt_tells_how_much_was_erased_and_of_whom_to_those_who_know(
    settings: Settings, records: Records, stage: Stage, tmp_path: Path
) -> None:
    the_call(settings, records)
    dead_capture(settings, Captures(records._database), RECORDING)
    own = tmp_path / "own.wav"
    own.write_bytes(b"RIFF")
    assert stage.offhook("add", own, "--candidate", CANDIDATE, "--title", TITLE).returncode == 0
    hashes = {
        sha256_of(path)
        for path in (
            *settings.library.rglob(f"{TITLE}*"),
            *settings.inbox.glob(f"{TITLE}*"),
            *settings.recording.iterdir(),
        )
    }

    done = stage.offhook("delete", "--candidate", CANDIDATE, "--yes")

    assert done.returncode == 0
    assert "own.wav is your own file and stays." in done.stderr
    assert own.exists()
    (path,) = settings.receipts.iterdir()
    assert f"Receipt: {path}\n" in done.stdout
    receipt = json.loads(path.read_text())
    assert receipt["candidate_sha256"] == candidate_hash(receipt["salt"], CANDIDATE)
    assert receipt["begun_at"] <= receipt["finished_at"] <= str(iso(time.time()))
    assert (receipt["recordings"], receipt["files_that_stay"]) == (3, 1)
    assert {entry["sha256"] for entry in receipt["files"]} == hashes
    assert len(receipt["files"]) == 7
    assert remains(settings.home, FORGOTTEN) == set()
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_nothing_of_a_person_makes_no_receipt(settings: Settings, records: Records, stage: Stage) -> None:
    done = stage.offhook("delete", "--candidate", "nobody", "--yes")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "There is nothing of nobody.\n")
    assert not settings.receipts.exists()


@pytest.mark.parametrize("content", [None, "", "[]", "\x00" * 100])
def test_a_receipt_that_somebody_has_spoilt_holds_up_no_erasure(
    settings: Settings, records: Records, eraser: Eraser, library: Library, content: str | None
) -> None:
    record = the_call(settings, records)
    receipt = settings.receipts / "erasure-20261125T140203Z-5f0c91d2.json"
    eraser.mark([record.id], receipt=receipt)
    if content is not None:
        receipt.parent.mkdir()
        receipt.write_text(content)
    eraser.resume()
    assert remains(settings.home, FORGOTTEN) == set()
    assert not Control.select().exists()
    assert content is None or receipt.read_text() == content


@pytest.mark.parametrize("state", [RECORDING, WAITING, ENDED])
def test_an_unfinished_recording_of_a_dead_process_goes_and_does_not_come_back(
    settings: Settings, records: Records, database: SqliteDatabase, hints: HintQueue, stage: Stage, state: str
) -> None:
    part = dead_capture(settings, Captures(database), state)
    kept = dead_capture(settings, Captures(database), state, candidate_id="another", title="kept")

    assert stage.offhook("delete", "--candidate", CANDIDATE, "--yes").returncode == 0

    assert (part.exists(), kept.exists()) == (False, True)
    RecordingSession(replace(settings, microphone="none", loopback="none"), database=database).close()
    Inbox(settings, database, records, hints).sweep()
    assert [record.title for record in Record.select()] == ["kept"]
    assert remains(settings.home, FORGOTTEN) == set()


def test_a_recording_that_was_moved_into_the_inbox_and_never_queued_goes_too(
    settings: Settings, records: Records, database: SqliteDatabase, hints: HintQueue, stage: Stage
) -> None:
    part = dead_capture(settings, Captures(database), ENDED)
    place = Path(Capture.get().recording_path)
    part.replace(place)

    assert stage.offhook("delete", "--candidate", CANDIDATE, "--yes").returncode == 0

    assert not place.exists()
    Inbox(settings, database, records, hints).sweep()
    assert Record.select().count() == Capture.select().count() == 0


def test_the_inbox_leaves_a_doomed_recording_alone_that_was_never_queued(
    settings: Settings, records: Records, database: SqliteDatabase, hints: HintQueue, eraser: Eraser
) -> None:
    """It comes by between the mark and the deletion."""
    part = dead_capture(settings, Captures(database), ENDED)
    found = Capture.get()
    part.replace(found.recording_path)
    eraser.mark([], [found.session_id])
    Inbox(settings, database, records, hints).sweep()
    RecordingSession(replace(settings, microphone="none", loopback="none"), database=database).close()
    assert [record.transcription_status for record in Record.select()] == ["cancelled"]
    eraser.resume()
    assert Record.select().count() == Capture.select().count() == 0
    assert list(settings.inbox.iterdir()) == []


@pytest.mark.parametrize(
    ("state", "remedy"),
    [(RECORDING, "record stop"), (WAITING, "record discard"), (ENDED, "in a moment")],
)
def test_a_person_who_is_being_recorded_is_not_erased(
    settings: Settings, records: Records, database: SqliteDatabase, stage: Stage, state: str, remedy: str
) -> None:
    make_call(settings, records, "earlier", *SAID, candidate_id=CANDIDATE)
    presence = Presence(database, settings.locks, "capture").enter()
    part = dead_capture(settings, Captures(database), state, worker_id=presence.worker_id)
    before = state_of(settings)

    done = stage.offhook("delete", "--candidate", CANDIDATE, "--yes")

    assert (done.returncode, done.stdout) == (1, "")
    assert remedy in done.stderr
    assert "Nothing was deleted." in done.stderr
    assert part.exists()
    assert state_of(settings) == before
    presence.leave()


def test_a_recorder_that_comes_to_life_before_the_mark_keeps_its_recording(
    settings: Settings, records: Records, database: SqliteDatabase, eraser: Eraser
) -> None:
    dead_capture(settings, Captures(database), RECORDING)
    (found,) = eraser.of_candidate(CANDIDATE)
    presence = Presence(database, settings.locks, "capture").enter()
    assert Captures(database).take_over(Capture.get(), presence.worker_id)
    with pytest.raises(StateConflict):
        eraser.mark([], [found.session_id])
    assert (Record.select().count(), Capture.get().state) == (0, RECORDING)
    presence.leave()


def test_a_recorder_that_comes_to_life_behind_the_mark_is_too_late(
    settings: Settings, records: Records, database: SqliteDatabase, eraser: Eraser
) -> None:
    dead_capture(settings, Captures(database), RECORDING)
    seen = Capture.get()
    eraser.mark([], [seen.session_id])
    assert not Captures(database).take_over(seen, "capture-1")
    assert Capture.get().state == QUEUED


@pytest.mark.parametrize("arguments", [[], ["1", "--candidate", "C-17"]], ids=["nothing", "both"])
def test_delete_wants_recordings_or_a_person(stage: Stage, records: Records, arguments: list[str]) -> None:
    assert stage.offhook("delete", "--yes", *arguments).returncode == 2


# Retention


@pytest.fixture
def keep(settings: Settings, database: SqliteDatabase, hints: HintQueue) -> Callable[..., Sweeper]:
    """Make a sweeper of a worker that keeps recordings for 30 days."""

    def make(clock: Clock, days: int = 30) -> Sweeper:
        records = Records(database, clock)
        chosen = replace(settings, retention_days=days)
        return Sweeper(chosen, database, records, hints, Library(chosen, records), clock=clock)

    return make


def old(records: Records, title: str, finished_at: float) -> None:
    record = make_call(records_settings(records), records, title, *SAID)
    Record.update(completed_at=finished_at).where(Record.id == record.id).execute()


def records_settings(records: Records) -> Settings:
    return Settings(home=Path(records._database.database).parent)


def titles() -> set[str]:
    return {record.title for record in Record.select()}


def test_what_was_kept_for_long_enough_is_deleted_once_a_day(
    records: Records, settings: Settings, keep: Callable[..., Sweeper]
) -> None:
    clock = Clock(time.time())
    sweeper = keep(clock)
    old(records, "old", clock.now - 30 * DAY_SECONDS)
    old(records, "tomorrow", clock.now - 30 * DAY_SECONDS + 60)

    sweeper.sweep()
    assert titles() == {"tomorrow"}

    clock.now += DAY_SECONDS - 1
    sweeper.sweep()
    keep(clock).sweep()  # after a restart, or another worker
    assert titles() == {"tomorrow"}

    clock.now += 1
    sweeper.sweep()
    assert titles() == set()
    assert remains(settings.home, SAID) == set()


def test_nothing_is_deleted_by_age_unless_somebody_says_so(
    records: Records, keep: Callable[..., Sweeper]
) -> None:
    clock = Clock(time.time())
    old(records, "old", 0.0)
    keep(clock, days=0).sweep()
    assert titles() == {"old"}


def test_what_waits_or_runs_is_kept_however_old_it_is(
    records: Records, keep: Callable[..., Sweeper], settings: Settings, database: SqliteDatabase
) -> None:
    clock = Clock(time.time())
    presence = Presence(database, settings.locks, "worker").enter()
    for title in ("waits", "runs"):
        record = records.add(source="added", title=title, recording_path="/x.wav")
        Record.update(created_at=0.0, completed_at=0.0).where(Record.id == record.id).execute()
    assert records.claim(2, worker_id=presence.worker_id, model="tiny.en", lease_seconds=60)
    keep(clock).sweep()
    assert titles() == {"waits", "runs"}
    presence.leave()


def test_a_clock_that_was_set_back_neither_stops_retention_nor_hurries_it(
    records: Records, keep: Callable[..., Sweeper]
) -> None:
    clock = Clock(time.time())
    sweeper = keep(clock)
    sweeper.sweep()
    clock.now -= 300 * DAY_SECONDS
    old(records, "old", clock.now - 31 * DAY_SECONDS)
    old(records, "new", clock.now - 29 * DAY_SECONDS)
    sweeper.sweep()
    assert titles() == {"new"}


def test_a_clock_that_is_wrong_by_years_deletes_nothing_in_the_first_day(
    records: Records, keep: Callable[..., Sweeper]
) -> None:
    clock = Clock(time.time())
    sweeper = keep(clock)
    sweeper.sweep()
    old(records, "new", clock.now)
    clock.now += 3_000 * DAY_SECONDS
    sweeper.sweep()
    assert titles() == {"new"}
    clock.now -= 2_999 * DAY_SECONDS
    sweeper.sweep()
    assert titles() == {"new"}
    clock.now += 31 * DAY_SECONDS  # the machine was off for a month: a day later it goes
    sweeper.sweep()
    assert titles() == {"new"}
    clock.now += DAY_SECONDS
    sweeper.sweep()
    assert titles() == set()
