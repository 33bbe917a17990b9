"""Processes that are killed, stand still or are there twice: each recording is transcribed, and once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
import wave
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shared.locks import FileLock
from tests import looks
from tests.pulse import PulseServer, noise
from tests.stage import Stage, engine_of
from tests.standstill import claimed, cpu_seconds, held, kill, peek, rests, stop, under_way
from tests.voices import SAMPLE_RATE_HZ, Call, write_wav

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="sends signals, finds processes in /proc")
KILLS = 3
DROPS = 12


def running(stage: Stage, *kinds: str) -> None:
    stage.wait_for(lambda: sorted(stage.running()) == sorted(kinds), f"{kinds} to run")


def windows(stage: Stage, record: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = stage.read("show", str(record["id"]))["transcript"]
    return found


def counts(record: dict[str, Any]) -> tuple[str, int, int]:
    """How a recording stands, and what it took."""
    return record["status"], record["attempts"], record["crashes"]


# The worker


def test_a_worker_killed_before_it_has_claimed_a_recording_takes_the_hint_along_and_no_more(
    stage: Stage, short_wav: Path
) -> None:
    """It has taken the hint and waits for a database that somebody holds."""
    database, queue = stage.home / "offhook.db", stage.home / "queue.db"
    with stage.process("transcribe_worker") as worker:
        running(stage, "worker")
        with held(database, queue):
            stop(worker)
        stage.offhook("add", short_wav)
        hints = peek(queue, "SELECT data FROM task")
        assert len(hints) == 1
        with held(database):
            worker.send_signal(signal.SIGCONT)
            stage.wait_for(lambda: hints != peek(queue, "SELECT data FROM task"), "the hint to be taken")
            kill(worker)
    (record,) = stage.records()
    assert counts(record) == ("queued", 0, 0)
    for path in stage.home.glob("queue.db*"):  # its sweeper may have had the time to send another
        path.unlink()
    with stage.process("transcribe_worker"):
        record = stage.finished(short_wav.stem)
    assert counts(record) == ("completed", 1, 0)


def test_a_killed_worker_resumes_behind_the_last_window(stage: Stage, call: Call, undisturbed: str) -> None:
    path = stage.drop_call(call, "call.wav")
    with stage.process("transcribe_worker") as worker:
        stage.offhook("add", path)
        under_way(stage, "call")
        engine = engine_of(worker)
        kill(worker)
        stage.wait_for(lambda: not Path(f"/proc/{engine}").exists(), "the engine to follow its worker")
    (record,) = stage.records()
    assert counts(record) == ("processing", 1, 0)
    before = windows(stage, record)
    with stage.process("transcribe_worker"):
        record = stage.finished("call")
    assert counts(record) == ("completed", 2, 1)
    assert before
    assert windows(stage, record)[: len(before)] == before
    assert stage.text(record) == undisturbed


def test_a_worker_killed_between_inference_and_commit_leaves_one_transcript(
    stage: Stage, short_wav: Path, short_text: str
) -> None:
    """Its engine is done with all of it, and nothing can be committed: somebody holds the database."""
    with stage.process("transcribe_worker") as worker:
        running(stage, "worker")
        stage.offhook("add", short_wav)
        claimed(stage, attempt=1)
        with held(stage.home / "offhook.db"):
            decoded(stage, worker)
            kill(worker)
    (record,) = stage.records()
    assert counts(record) == ("processing", 1, 0)
    with stage.process("transcribe_worker"):
        record = stage.finished(short_wav.stem)
    assert counts(record) == ("completed", 2, 1)
    assert stage.text(record) == short_text


def decoded(stage: Stage, worker: subprocess.Popen[str]) -> None:
    """Wait until a worker's engine has nothing to do any more."""
    engine = engine_of(worker)
    began = cpu_seconds(engine)
    stage.wait_for(lambda: rests(engine), "the engine to be done")
    assert cpu_seconds(engine) > began + 0.2, "it has decoded nothing"


def test_a_worker_killed_after_the_commit_repeats_nothing(stage: Stage, short_wav: Path) -> None:
    """It waits for its turn to write into the library."""
    path = stage.drop(short_wav)
    with stage.process("transcribe_worker") as worker:
        running(stage, "worker")
        library = FileLock(stage.home / "locks" / "library.lock")
        assert library.acquire()
        stage.offhook("add", path)
        before = stage.finished(path.stem)
        said = windows(stage, before)
        kill(worker)
    library.release()
    assert path.exists()
    with stage.process("transcribe_worker"):
        stage.wait_for(lambda: not path.exists(), "the library")
    (after,) = stage.records()
    assert counts(after) == ("completed", 1, 0)
    assert (after["completed_at"], windows(stage, after)) == (before["completed_at"], said)
    archived = sorted(path.suffix for path in (stage.home / "library").rglob("*.*"))
    assert archived == [".json", ".srt", ".txt", ".vtt", ".wav"]


# The engine


def test_a_killed_engine_resumes_behind_the_last_window(stage: Stage, call: Call, undisturbed: str) -> None:
    path = stage.drop_call(call, "call.wav")
    with stage.process("transcribe_worker") as worker:
        stage.offhook("add", path)
        under_way(stage, "call")
        dead = engine_of(worker)
        os.kill(dead, signal.SIGSTOP)  # so that it ends here, however slow a command is
        (record,) = stage.records()
        assert counts(record) == ("processing", 1, 0)
        before = windows(stage, record)
        os.kill(dead, signal.SIGKILL)
        record = stage.finished("call")
        assert worker.poll() is None
        assert engine_of(worker) != dead
    assert counts(record) == ("completed", 2, 1)
    assert before
    assert windows(stage, record)[: len(before)] == before
    assert stage.text(record) == undisturbed


def test_a_recording_that_kills_its_engine_three_times_fails_and_the_next_goes_on(
    stage: Stage, long_call: Call, short_wav: Path
) -> None:
    """Killed, aborted and with a segmentation fault, each in another stretch; the worker goes on."""
    path = stage.drop_call(long_call, "deadly.wav")
    with stage.process("transcribe_worker") as worker:
        stage.offhook("add", path)
        for crashes, how in enumerate((signal.SIGKILL, signal.SIGABRT, signal.SIGSEGV), start=1):
            stage.wait_for(lambda: decoding(stage), "the next attempt to be under way")
            os.kill(engine_of(worker), how)
            stage.wait_for(partial(has_crashed, stage, crashes), "the crash to be counted")
        record = stage.finished("deadly")
        assert (record["status"], record["error_code"]) == ("failed", "engine_crashed")
        assert "SIGSEGV" in record["error"]
        stage.offhook("add", short_wav)
        assert stage.finished(short_wav.stem)["status"] == "completed"
        assert worker.poll() is None


def decoding(stage: Stage) -> bool:
    """Whether an attempt has committed a stretch, and is not finished."""
    query = "SELECT 1 FROM call_records WHERE transcription_status = 'processing' AND speed IS NOT NULL"
    return bool(peek(stage.database, query))


def has_crashed(stage: Stage, times: int) -> bool:
    """Whether the engine has crashed so many times with the only recording of a home."""
    return peek(stage.database, "SELECT crashes FROM call_records") == [(times,)]


def test_a_transcription_that_was_killed_goes_on_when_it_is_called_again(
    stage: Stage, short_wav: Path
) -> None:
    path = stage.drop(short_wav, "call.wav")
    command = [sys.executable, "-m", "offhook", "transcribe", str(path)]
    with subprocess.Popen(command, env=stage.environment, stdout=subprocess.DEVNULL) as killed:
        stage.wait_for(lambda: looks.newest(stage.database, "call"), "the record")
        claimed(stage, attempt=1)
        killed.kill()
    done = stage.offhook("transcribe", path)
    assert done.returncode == 0, done.stderr
    (record,) = stage.records()
    assert (record["status"], record["crashes"]) == ("completed", 1)


# The recorder


def test_a_recorder_that_is_killed_in_a_call_loses_less_than_a_second(
    stage: Stage, server: PulseServer
) -> None:
    stage = replace(stage, settings=tuple(server.environment.items()))
    random_seconds = random.Random(5)
    server.play("call", noise(120))
    lengths = []  # the least and the most that a recording may have, in seconds
    for kills in range(1, KILLS + 1):  # each recorder recovers the recording of the one before
        with stage.process("capture_worker") as recorder:
            running(stage, "capture")
            stage.wait_for((stage.home / "control.json").exists, "the capture worker")
            asked = time.monotonic()
            started = stage.offhook(
                "record", "start", "--title", f"Killed {kills}", "--candidate", f"C-{kills}"
            )
            assert started.returncode == 0, started.stderr
            began = time.monotonic()
            time.sleep(random_seconds.uniform(1, 3))
            killed = time.monotonic()
            kill(recorder)
        lengths.append((killed - began - 1, killed - asked + 0.1))
        (stage.home / "control.json").unlink(missing_ok=True)
    with stage.process("capture_worker"), stage.process("transcribe_worker.inbox"):
        recovered = partial(peek, stage.database, "SELECT 1 FROM call_records")
        stage.wait_for(lambda: len(recovered()) == KILLS, "the recovered recordings")
        stage.wait_for(lambda: not list((stage.home / "recording").iterdir()), "the last of them")
    for kills, (least, most) in enumerate(lengths, start=1):
        record = stage.record(f"Killed {kills}")
        assert record is not None
        with wave.open(record["recording_path"]) as file:
            seconds = file.getnframes() / file.getframerate()
            audio = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        assert least < seconds < most
        assert np.abs(audio[-SAMPLE_RATE_HZ // 10 :]).max() > 100
        assert (record["status"], record["candidate_id"]) == ("queued", f"C-{kills}")
        assert stage.read("show", str(record["id"]))["capture"]["recovered"]
    assert list((stage.home / "recording").iterdir()) == []
    assert len(stage.records()) == KILLS


@pytest.mark.parametrize("who", ["inbox", "capture"])
def test_a_recording_whose_recorder_died_behind_the_move_is_queued_once_as_itself(
    desk: Stage, who: str
) -> None:
    """It has moved the file into the inbox, and waits to read it, for what it is to write down of it."""
    with desk.process("capture_worker") as recorder:
        desk.wait_for((desk.home / "control.json").exists, "the capture worker")
        started = desk.read("record", "start", "--title", "Ms. Okafor", "--candidate", "c-7")
        with ExitStack() as lease:
            with held(desk.home / "offhook.db"):
                assert desk.read("record", "stop")["state"] == "late"
                (part,) = (desk.home / "recording").iterdir()
                asked = lease.enter_context(leased(part))
            desk.wait_for(lambda: asked, "the file to be read where it has been moved to")
            kill(recorder)
    (path,) = desk.inbox.iterdir()
    assert desk.records() == list((desk.home / "recording").iterdir()) == []
    modules = {"inbox": "transcribe_worker.inbox", "capture": "capture_worker"}
    with desk.process(modules[who]):
        desk.wait_for(desk.records, "the recording")
    for kind, module in modules.items():
        with desk.process(module):
            running(desk, kind)
    (record,) = desk.records()
    known = ("session_id", "source", "title", "candidate_id", "recording_path", "status")
    is_itself = (started["session_id"], "capture", "Ms. Okafor", "c-7", str(path), "queued")
    assert tuple(record[name] for name in known) == is_itself
    assert list(desk.inbox.iterdir()) == [path]


@contextmanager
def leased(path: Path) -> Iterator[list[int]]:
    """Have whoever opens a file wait, under whatever name it has by then; the list tells that one does."""
    import fcntl  # there is none on Windows

    asked: list[int] = []
    before = signal.signal(signal.SIGIO, lambda number, _: asked.append(number))
    handle = os.open(path, os.O_RDWR)
    try:
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        yield asked
    finally:
        os.close(handle)
        signal.signal(signal.SIGIO, before)


# More than one of them


def test_a_stalled_worker_that_wakes_cannot_write_to_what_was_given_to_another(
    stage: Stage, short_wav: Path, short_text: str, call: Call
) -> None:
    """It is stopped in front of a commit, and wakes while the other one is at work."""
    stage = replace(stage, settings=(("OFFHOOK_LEASE_SECONDS", "5"),))
    with stage.process("transcribe_worker") as stalled:
        running(stage, "worker")
        stage.offhook("add", short_wav)
        claimed(stage, attempt=1)
        with held(stage.home / "offhook.db"):
            decoded(stage, stalled)
            stop(stalled)
        with stage.process("transcribe_worker") as other:
            claimed(stage, attempt=2)
            engine = engine_of(other)
            os.kill(engine, signal.SIGSTOP)
            stalled.send_signal(signal.SIGCONT)
            log = stage.home / "logs" / "worker.log"
            stage.wait_for(lambda: "recording 1: no longer ours" in log.read_text(), "the refusal")
            (record,) = stage.records()
            assert counts(record) == ("processing", 2, 1)
            os.kill(engine, signal.SIGCONT)
            record = stage.finished(short_wav.stem)
        assert counts(record) == ("completed", 2, 1)
        assert stage.text(record) == short_text
        stage.drop_call(part_of(call, 0), "next.wav")
        stage.offhook("add", stage.inbox / "next.wav")
        assert counts(stage.finished("next")) == ("completed", 1, 0)
        assert stalled.poll() is None


def part_of(call: Call, number: int) -> Call:
    """A call of six seconds unlike any other."""
    start = 6 * number * SAMPLE_RATE_HZ
    return Call(call.samples[start : start + 6 * SAMPLE_RATE_HZ], (), ())


def test_two_workers_and_two_inboxes_in_one_home_take_each_recording_once(stage: Stage, call: Call) -> None:
    stage.inbox.mkdir(mode=0o700, parents=True)
    names = [f"call {number:02}.wav" for number in range(DROPS)]
    for number, name in enumerate(names):
        write_wav(stage.inbox / f".{name}", part_of(call, number).samples)
    with ExitStack() as processes:
        for module in ("transcribe_worker", "transcribe_worker.inbox") * 2:
            processes.enter_context(stage.process(module))
        running(stage, *("worker", "inbox") * 2)
        for name in names:
            (stage.inbox / f".{name}").rename(stage.inbox / name)
        stage.wait_for(lambda: not any(stage.inbox.iterdir()), "the library")
    records = stage.records()
    assert sorted(record["title"] for record in records) == [Path(name).stem for name in names]
    assert {counts(record) for record in records} == {("completed", 1, 0)}
    assert sorted(path.name for path in (stage.home / "library").rglob("*.wav")) == names
    logs = "".join(path.read_text() for path in (stage.home / "logs").iterdir())
    for once in ("taken from the inbox", "transcribing, attempt 1", "completed"):
        assert [logs.count(f"recording {record['id']}: {once}") for record in records] == [1] * DROPS
