"""A disk that is full, locked, closed or without power, and a clock that is set: nothing is lost or stuck."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import wave
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import skip_or_fail
from tests.disks import MODES_COUNT, FragileDisk, fragile_disk, full, small_disk
from tests.stage import Stage, engine_of
from tests.terminal import terminal
from tests.voices import SHORT_CALL, Call, again_and_again, speak, word_error_rate, write_wav

posix_only = pytest.mark.skipif(os.name == "nt", reason="needs the modes of files")

LOCKED_SECONDS = 41.0  # longer than a worker waits for the database
DAY_SECONDS = 24 * 3600

#: Holds a database until a line comes in.
HOLDS = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.readline()
database.execute("ROLLBACK")
"""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk."""
    with small_disk(tmp_path / "disk") as disk:
        yield disk


@pytest.fixture
def several_minutes(short_call: Call) -> Call:
    """A call that takes some seconds to decode, in many stretches."""
    return again_and_again(short_call, 10)


@pytest.fixture
def minute(short_call: Call) -> Call:
    """A call of a minute, in several windows."""
    return again_and_again(short_call, 3)


@pytest.fixture
def with_microphone(minute: Call, tmp_path: Path) -> tuple[tuple[str, str], ...]:
    """The settings of a machine on which a call is heard from the microphone."""
    write_wav(tmp_path / "microphone.wav", minute.samples)
    return (("OFFHOOK_MICROPHONE", f"replay:{tmp_path}/microphone.wav"), ("OFFHOOK_LOOPBACK", "none"))


@contextmanager
def running(stage: Stage, *modules: str) -> Iterator[list[subprocess.Popen[str]]]:
    """Run offhook's processes until they are ready."""
    kinds = {"transcribe_worker": "worker", "transcribe_worker.inbox": "inbox", "capture_worker": "capture"}
    with ExitStack() as stack:
        processes = [stack.enter_context(stage.process(module)) for module in modules]
        stage.wait_for(lambda: {kinds[module] for module in modules} <= set(stage.running()), "the processes")
        if "capture_worker" in modules:
            stage.wait_for((stage.home / "control.json").exists, "the capture worker")
        yield processes


def done(stage: Stage, *arguments: str | Path) -> str:
    """Run a command that succeeds; return what it prints."""
    finished = stage.offhook(*arguments)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def seconds_of(path: Path | str) -> float:
    """The length of a WAV, all of which is there."""
    with wave.open(str(path)) as file:
        assert len(file.readframes(file.getnframes())) == 2 * file.getnframes()
        return file.getnframes() / file.getframerate()


def in_progress(stage: Stage, title: str) -> dict[str, Any]:
    """Wait until the first windows of a recording are decoded."""

    def look() -> dict[str, Any] | None:
        record = stage.record(title)
        return record if record and record["status"] == "processing" and windows_of(stage) else None

    found: dict[str, Any] = stage.wait_for(look, f"{title} to be under way")
    return found


def archived(stage: Stage, title: str) -> dict[str, Any]:
    """Wait until a recording and its transcript have reached the library."""

    def look() -> dict[str, Any] | None:
        record = stage.record(title)
        return record if record and record["transcript_stem"] else None

    found: dict[str, Any] = stage.wait_for(look, f"{title} to be in the library")
    return found


def windows_of(stage: Stage) -> int:
    """How many decoded windows are committed."""
    return ask(stage, "SELECT count(*) FROM decoded_windows")


def ask(stage: Stage, query: str) -> Any:
    """Ask the database for one value."""
    with closing(sqlite3.connect(stage.home / "offhook.db")) as database:
        ((value,),) = database.execute(query).fetchall()
    return value


# Full


def test_a_full_disk_ends_a_recording_says_so_at_once_and_keeps_what_there_was_room_for(
    stage: Stage, disk: Path, with_microphone: tuple[tuple[str, str], ...]
) -> None:
    stage = replace(stage, home=disk / "home", settings=with_microphone)
    with running(stage, "capture_worker") as (capture,):
        done(stage, "record", "start", "--title", "too long")
        with terminal(stage, "record", "watch") as watch:
            watch.wait_for("0:03")
            with full(disk):
                filled = time.monotonic()
                assert watch.ends() == 1
                assert time.monotonic() - filled < 5
                assert "The disk is full, so the recording has stopped" in watch.shown
                state = stage.read("record", "state")
                assert (state["state"], state["last"]["reason"]) == ("idle", "disk_full")
                assert "disk_full" in [warning["code"] for warning in state["warnings"]]
                stopped = stage.offhook("record", "stop")
                assert stopped.returncode == 1
                assert "The last one ended by itself: The disk is full" in stopped.stderr
                (kept,) = [*stage.home.glob("recording/*.part"), *stage.home.glob("inbox/*.wav")]
                seconds = seconds_of(kept)
                assert seconds > 1.5
                assert "too long" in done(stage, "status")
        record = stage.wait_for(lambda: stage.record("too long"), "the recording")
        assert seconds_of(record["recording_path"]) == pytest.approx(record["duration_seconds"], abs=0.001)
        assert record["duration_seconds"] == pytest.approx(seconds, abs=0.001)
        assert (record["status"], record["source"]) == ("queued", "capture")
        done(stage, "record", "start", "--title", "another")
        assert capture.poll() is None
        assert list((stage.home / "recording").glob("*.part")) != []
        done(stage, "record", "stop")


def test_a_disk_that_is_full_at_the_commit_of_a_transcript_only_delays_it(
    stage: Stage, disk: Path, tmp_path: Path
) -> None:
    stage = replace(stage, home=disk / "home", settings=(("OFFHOOK_LEASE_SECONDS", "5"),))
    stage.home.mkdir()
    (tmp_path / "logs").mkdir()
    (stage.home / "logs").symlink_to(tmp_path / "logs")  # there is room for what the worker says
    with running(stage, "transcribe_worker") as (worker,):
        with closing(
            sqlite3.connect(stage.home / "offhook.db", isolation_level=None, timeout=0)
        ) as neighbour:
            title, call = hold_before_a_commit(stage, neighbour, worker, tmp_path)
            with full(disk):
                neighbour.execute("ROLLBACK")
                log = tmp_path / "logs" / "worker.log"
                stage.wait_for(lambda: "full" in log.read_text(), "the commit to fail")
                assert_nothing_half_written(stage, title)
                assert worker.poll() is None
        record = archived(stage, title)
        assert record["status"] == "completed"
        assert word_error_rate(call.words, stage.text(record)) < 0.15
        assert ask(stage, "PRAGMA integrity_check") == "ok"


def hold_before_a_commit(
    stage: Stage, neighbour: sqlite3.Connection, worker: subprocess.Popen[str], folder: Path
) -> tuple[str, Call]:
    """Hold the database where a recording's only window is decoded and its transcript is not committed yet.

    That lasts for a millisecond, so the worker goes in steps; on a busy machine it may slip through.
    """
    for number in range(8):
        title, call = f"call {number}", speak(SHORT_CALL[:2], seed=40 + number)
        write_wav(folder / f"{title}.wav", call.samples)
        done(stage, "add", folder / f"{title}.wav")
        while (state := look_and_hold(neighbour, worker)) in ("queued", "processing"):
            time.sleep(0.0002)
        if state == "held":
            return title, call
    raise AssertionError("the worker was faster each time")


def look_and_hold(neighbour: sqlite3.Connection, worker: subprocess.Popen[str]) -> str:
    """Stop a worker, and say where its last recording is; hold the database if this is the moment."""
    moment = """
        SELECT transcription_status, (SELECT count(*) FROM decoded_windows WHERE record_id = call_records.id)
        FROM call_records ORDER BY id DESC LIMIT 1
    """
    worker.send_signal(signal.SIGSTOP)
    try:
        state, windows = neighbour.execute(moment).fetchone()
        if (state, windows) != ("processing", 1):
            return str(state)
        neighbour.execute("BEGIN IMMEDIATE")
        if neighbour.execute(moment).fetchone() == ("processing", 1):
            return "held"
        neighbour.execute("ROLLBACK")
    except sqlite3.OperationalError:  # the worker is in the middle of a commit
        pass
    finally:
        worker.send_signal(signal.SIGCONT)
    return "processing"


def assert_nothing_half_written(stage: Stage, title: str) -> None:
    """What was decoded is kept, and there is no transcript of it."""
    record = stage.record(title)
    assert record is not None
    assert (record["status"], record["transcript_stem"]) == ("processing", None)
    assert ask(stage, f"SELECT count(*) FROM segments WHERE record_id = {record['id']}") == 0
    assert not [hit for hit in stage.read("search", "morning")["hits"] if hit["record_id"] == record["id"]]
    assert ask(stage, "PRAGMA integrity_check") == "ok"
    assert not list((stage.home / "library").rglob(f"{title}*"))


# Locked


def test_a_database_that_another_process_locks_for_longer_than_anybody_waits_costs_nothing(
    stage: Stage, minute: Call, several_minutes: Call, with_microphone: tuple[tuple[str, str], ...]
) -> None:
    """Meanwhile one recording is transcribed, others are dropped, and a call is recorded."""
    stage = replace(stage, settings=with_microphone)
    dropped = {f"dropped {number}": speak(SHORT_CALL[2:3], seed=50 + number) for number in range(3)}
    with running(stage, "transcribe_worker", "transcribe_worker.inbox", "capture_worker") as processes:
        stage.drop_call(several_minutes, "under way.wav")
        in_progress(stage, "under way")
        done(stage, "record", "start", "--title", "recorded")
        with locked(stage.home / "offhook.db"):
            for name, call in dropped.items():
                stage.drop_call(call, f"{name}.wav")
            time.sleep(3)
            assert stage.record("under way")
            stopped = stage.read("record", "stop")
            assert stopped["state"] == "late"
            time.sleep(LOCKED_SECONDS - 3)
            assert [process.poll() for process in processes] == [None] * 3
        for name, call in {"under way": several_minutes, **dropped, "recorded": minute}.items():
            record = stage.finished(name)
            assert (name, record["status"], record["crashes"]) == (name, "completed", 0)
            if name != "recorded":  # it ends where it was stopped
                assert word_error_rate(call.words, stage.text(record)) < 0.15
        assert len(stage.records()) == 5
        assert [process.poll() for process in processes] == [None] * 3
        recorded = stage.record("recorded")
        assert recorded is not None
        assert recorded["duration_seconds"] == pytest.approx(stopped["duration_seconds"], abs=0.01)
        assert recorded["duration_seconds"] > 3


@contextmanager
def locked(database: Path) -> Iterator[None]:
    """Let another process hold a database."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(database)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdin
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        try:
            yield
            assert holder.poll() is None
        finally:
            holder.communicate("\n", timeout=30)


# A clock that is set


#: libfaketime 0.9.10 breaks the system call behind Python's sleep where it leaves the monotonic clock alone.
SLEEPS_OTHERWISE = "import select, time; time.sleep = lambda seconds: select.select([], [], [], seconds)"


@dataclass(frozen=True)
class Clock:
    """The wall clock of processes (libfaketime); their monotonic clock and the times of files stay true."""

    folder: Path
    library: str

    @property
    def settings(self) -> tuple[tuple[str, str], ...]:
        """What puts processes under this clock."""
        given = {
            "LD_PRELOAD": self.library,
            "FAKETIME_TIMESTAMP_FILE": str(self.folder / "offset"),
            "PYTHONPATH": os.pathsep.join((str(self.folder), os.environ.get("PYTHONPATH", ""))),
        }
        switches = ("FAKETIME_NO_CACHE", "DONT_FAKE_MONOTONIC", "NO_FAKE_STAT")
        return (*given.items(), *((switch, "1") for switch in switches))

    def set(self, offset: str) -> None:
        """Set the clock to an offset from the true time, such as +1d."""
        (self.folder / "new").write_text(offset)
        (self.folder / "new").replace(self.folder / "offset")


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    """A clock that can be set under running processes."""
    library = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
    if library is None:
        skip_or_fail("needs libfaketime")
    clock = Clock(tmp_path / "clock", str(library))
    clock.folder.mkdir()
    (clock.folder / "sitecustomize.py").write_text(SLEEPS_OTHERWISE)
    clock.set("+0")
    return clock


def test_a_clock_that_is_set_forward_by_a_day_runs_nothing_twice_and_leaves_nothing_stuck(
    stage: Stage, several_minutes: Call, with_microphone: tuple[tuple[str, str], ...], clock: Clock
) -> None:
    stage = replace(stage, settings=(*with_microphone, *clock.settings))
    with running(stage, "transcribe_worker", "transcribe_worker.inbox", "capture_worker"):
        started = datetime.now(UTC)
        stage.drop_call(several_minutes, "under way.wav")
        done(stage, "record", "start", "--title", "recorded")
        before = time.monotonic()
        in_progress(stage, "under way")
        clock.set("+1d")
        stage.drop_call(speak(SHORT_CALL[2:3], seed=60), "afterwards.wav")
        recorded = stage.read("record", "stop")
        assert abs(recorded["duration_seconds"] - (time.monotonic() - before)) < 2
        for name in ("under way", "afterwards", "recorded"):
            record = archived(stage, name)
            assert (name, record["status"], record["attempts"], record["crashes"]) == (
                name,
                "completed",
                1,
                0,
            )
            assert (datetime.fromisoformat(record["completed_at"]) - started).days == 1  # it was set indeed
        assert len(stage.records()) == 3


def test_a_clock_that_is_set_back_by_a_day_leaves_nothing_waiting_for_the_day_to_pass(
    stage: Stage, several_minutes: Call, clock: Clock
) -> None:
    """An engine is killed, so its recording rests until a time that is suddenly far."""
    stage = replace(stage, settings=clock.settings)
    with running(stage, "transcribe_worker", "transcribe_worker.inbox") as (worker, _):
        started = datetime.now(UTC)
        stage.drop_call(several_minutes, "resting.wav")
        in_progress(stage, "resting")
        os.kill(engine_of(worker), signal.SIGKILL)
        stage.wait_for(lambda: stage.records()[0]["crashes"] == 1, "the crash")
        clock.set("-1d")
        stage.drop_call(speak(SHORT_CALL[2:3], seed=61), "afterwards.wav")
        for name, attempts in (("resting", 2), ("afterwards", 1)):
            record = archived(stage, name)
            assert (name, record["status"], record["attempts"]) == (name, "completed", attempts)
            assert (
                started - datetime.fromisoformat(record["completed_at"])
            ).total_seconds() > DAY_SECONDS / 2
        assert word_error_rate(several_minutes.words, stage.text(stage.records()[0])) < 0.15


# A power cut


@pytest.fixture
def fragile(tmp_path: Path) -> Iterator[FragileDisk]:
    """A disk whose power can be cut."""
    with fragile_disk(tmp_path) as disk:
        yield disk


def test_a_power_cut_costs_two_seconds_of_a_call_at_most_and_no_record(
    stage: Stage,
    fragile: FragileDisk,
    several_minutes: Call,
    short_wav: Path,
    with_microphone: tuple[tuple[str, str], ...],
) -> None:
    """Only what was synced is left: the processes are stopped, and the disk is copied as it stands."""
    stage = replace(stage, home=fragile.folder / "home", settings=with_microphone)
    dropped = stage.drop_call(several_minutes, "under way.wav")
    fragile.sync()  # what comes before offhook is not its to keep
    modules = ("transcribe_worker", "transcribe_worker.inbox", "capture_worker")
    with running(stage, *modules) as processes:
        done(stage, "record", "start", "--title", "cut off", "--candidate", "c-1")
        in_progress(stage, "under way")
        stage.wait_for(lambda: stage.read("record", "state")["duration_seconds"] > 4, "some seconds")
        done(stage, "add", short_wav)
        heard_seconds, windows = stage.read("record", "state")["duration_seconds"], windows_of(stage)
        left = cut(fragile, processes)
    fragile.start_again(left)

    assert ask(stage, "PRAGMA integrity_check") == "ok"
    assert windows_of(stage) >= windows > 0
    assert dropped.exists()
    assert {record["title"] for record in stage.records()} == {"under way", short_wav.stem}
    with running(stage, *modules):
        under_way, cut_off, added = (
            archived(stage, name) for name in ("under way", "cut off", short_wav.stem)
        )
    assert (under_way["status"], under_way["attempts"], under_way["crashes"]) == ("completed", 2, 1)
    assert word_error_rate(several_minutes.words, stage.text(under_way)) < 0.15
    assert (added["status"], cut_off["status"], cut_off["candidate_id"]) == ("completed", "completed", "c-1")
    print(f"{heard_seconds - cut_off['duration_seconds']:.2f} s of {heard_seconds:.2f} s are missing")
    assert cut_off["duration_seconds"] > heard_seconds - 2
    assert seconds_of(cut_off["recording_path"]) == pytest.approx(cut_off["duration_seconds"], abs=0.001)
    assert stage.read("show", str(cut_off["id"]))["capture"]["recovered"]


def test_a_power_cut_leaves_what_is_in_the_library(
    stage: Stage, fragile: FragileDisk, with_microphone: tuple[tuple[str, str], ...]
) -> None:
    stage = replace(stage, home=fragile.folder / "home", settings=with_microphone)
    modules = ("transcribe_worker", "transcribe_worker.inbox", "capture_worker")
    with running(stage, *modules) as processes:
        done(stage, "record", "start", "--title", "finished")
        stage.wait_for(lambda: stage.read("record", "state")["duration_seconds"] > 2, "some seconds")
        stopped = stage.read("record", "stop")
        record = archived(stage, "finished")
        left = cut(fragile, processes)
    fragile.start_again(left)

    recording, stem = Path(record["recording_path"]), record["transcript_stem"]
    assert recording.parent == Path(stem).parent
    assert seconds_of(recording) == pytest.approx(stopped["duration_seconds"], abs=0.001)
    assert Path(f"{stem}.txt").read_text() == stage.text(record)
    assert stage.record("finished") == record


def cut(disk: FragileDisk, processes: list[subprocess.Popen[str]]) -> Path:
    """Stop a worker and the others, copy the disk as it stands, and let none of them go on."""
    alive = [engine_of(processes[0]), *(process.pid for process in processes)]
    for process_id in alive:
        os.kill(process_id, signal.SIGSTOP)
    left = disk.as_it_stands()
    for process_id in alive:
        os.kill(process_id, signal.SIGKILL)
    for process in processes:
        process.wait()
    return left


# Closed


@pytest.fixture
def closable(stage: Stage, with_microphone: tuple[tuple[str, str], ...]) -> Stage:
    """A home in which the modes of files count, whoever runs the test."""
    launcher = MODES_COUNT if os.geteuid() == 0 else ()
    if launcher and shutil.which(launcher[0]) is None:
        skip_or_fail("needs setpriv, for root may do everything")
    return replace(stage, settings=with_microphone, launcher=launcher)


@contextmanager
def closed(path: Path) -> Iterator[None]:
    """Take the right away to write to a folder, or to read a file."""
    mode = path.stat().st_mode
    path.chmod(0o500 if path.is_dir() else 0)
    try:
        yield
    finally:
        path.chmod(mode)


@posix_only
def test_a_folder_that_cannot_be_written_is_named_and_everything_else_goes_on(closable: Stage) -> None:
    stage, call = closable, speak(SHORT_CALL[:1], seed=70)
    with running(stage, "transcribe_worker", "transcribe_worker.inbox", "capture_worker") as processes:
        with closed(stage.home / "recording"):
            refused = stage.offhook("record", "start")
            assert refused.returncode == 1
            assert f"{stage.home / 'recording'}" in refused.stderr
            assert "Permission denied" in refused.stderr
            assert stage.read("record", "state")["state"] == "idle"
        with closed(stage.home / "library"):
            stage.drop_call(call, "transcribed.wav")
            record = stage.finished("transcribed")
            assert (record["status"], record["transcript_stem"]) == ("completed", None)
            assert word_error_rate(call.words, stage.text(record)) < 0.15
            assert "Library:    not there yet" in stage.offhook("show", str(record["id"])).stdout
            advice = stage.offhook("doctor")
            assert advice.returncode == 1
            assert f"{stage.home / 'library'} cannot be written: Permission denied" in advice.stdout
            assert (stage.inbox / "transcribed.wav").exists()
        assert Path(f"{archived(stage, 'transcribed')['transcript_stem']}.wav").exists()
        done(stage, "record", "start", "--title", "recorded")
        with closed(stage.inbox):
            assert stage.read("record", "stop")["state"] == "late"
            (warning,) = [
                said["message"]
                for said in stage.read("record", "state")["warnings"]
                if said["code"] == "queued_later"
            ]
            assert f"{stage.inbox}" in warning
            assert len(list((stage.home / "recording").glob("*.part"))) == 1
        assert archived(stage, "recorded")["status"] == "completed"
        assert [process.poll() for process in processes] == [None] * 3


@posix_only
def test_a_recording_that_cannot_be_read_is_named_and_everything_else_goes_on(
    closable: Stage, tmp_path: Path
) -> None:
    stage = closable
    calls = {
        name: speak(SHORT_CALL[:1], seed=seed) for seed, name in enumerate(("dropped", "added", "open"), 80)
    }
    for name, call in calls.items():
        write_wav(tmp_path / f"{name}.wav", call.samples)
    dropped, added = stage.inbox / "dropped.wav", tmp_path / "added.wav"
    with running(stage, "transcribe_worker", "transcribe_worker.inbox") as processes:
        done(stage, "pause")
        done(stage, "add", added)
        with closed(added):
            with closed(tmp_path / "dropped.wav"):
                (tmp_path / "dropped.wav").rename(dropped)
                stage.wait_for(
                    lambda: stage.read("status")["inbox"]["unreadable"] == [str(dropped)],
                    "the file to be named",
                )
                assert f"{dropped} cannot be read" in done(stage, "status")
                refused = stage.offhook("add", dropped)
                assert refused.returncode == 2
                assert f"'{dropped}' is not readable" in refused.stderr
                done(stage, "resume")
                stage.drop(tmp_path / "open.wav")
                assert stage.finished("open")["status"] == "completed"
                waiting = stage.wait_for(
                    lambda: (found := stage.record("added")) and found["error"] and found, "the reason"
                )
                assert (waiting["status"], str(added) in waiting["error"]) == ("queued", True)
                assert f"{added}: Permission denied" in done(stage, "status")
                assert stage.record("dropped") is None
                dropped.rename(tmp_path / "dropped.wav")
        stage.drop(tmp_path / "dropped.wav")
        for name in ("dropped", "added"):
            assert stage.finished(name)["status"] == "completed"
        assert [process.poll() for process in processes] == [None] * 2
