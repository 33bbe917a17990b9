"""Processes killed, stopped, paused and cancelled in the middle of their work."""

from __future__ import annotations

import os
import signal
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.stage import Stage, engine_of
from tests.voices import SAMPLE_RATE_HZ, Call, word_error_rate

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")


def windows(stage: Stage, record: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = stage.read("show", str(record["id"]))["transcript"]
    return found


def half_done(stage: Stage, title: str) -> dict[str, Any]:
    """Wait until some of a recording is decoded, but not all of it."""

    def look() -> dict[str, Any] | None:
        record = stage.record(title)
        assert record is None or record["status"] in ("queued", "processing")
        return record if record and record["progress"] > 0.2 else None

    found: dict[str, Any] = stage.wait_for(look, "the first windows")
    return found


def text(stage: Stage, record: dict[str, Any]) -> str:
    return stage.offhook("show", str(record["id"]), "--format", "txt").stdout


@pytest.fixture(scope="module")
def call(long_call: Call) -> Call:
    """A call of several windows, enough to be interrupted in."""
    return Call(long_call.samples[: 120 * SAMPLE_RATE_HZ], long_call.turns, long_call.starts_seconds)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, call: Call) -> str:
    """The transcript of the call when nothing happens to it."""
    stage = Stage(tmp_path_factory.mktemp("undisturbed") / "home")
    path = stage.drop_call(call, "call.wav")
    done = stage.offhook("transcribe", path)
    assert done.returncode == 0, done.stderr
    return done.stdout


@on_linux
def test_a_killed_engine_resumes_behind_the_last_window(stage: Stage, call: Call, undisturbed: str) -> None:
    path = stage.drop_call(call, "call.wav")
    with stage.process("transcribe_worker") as worker:
        stage.offhook("add", path)
        before = windows(stage, half_done(stage, "call"))
        os.kill(engine_of(worker), signal.SIGKILL)
        record = stage.finished("call")
        assert worker.poll() is None
    assert (record["status"], record["attempts"], record["crashes"]) == ("completed", 2, 1)
    assert windows(stage, record)[: len(before)] == before
    assert text(stage, record) == undisturbed


@on_linux
def test_a_killed_worker_resumes_behind_the_last_window(stage: Stage, call: Call, undisturbed: str) -> None:
    path = stage.drop_call(call, "call.wav")
    with stage.process("transcribe_worker") as worker:
        stage.offhook("add", path)
        before = windows(stage, half_done(stage, "call"))
        engine = engine_of(worker)
        worker.kill()
        worker.wait()
        stage.wait_for(lambda: not Path(f"/proc/{engine}").exists(), "the engine to follow its worker")
    with stage.process("transcribe_worker"):
        record = stage.finished("call")
    assert (record["status"], record["attempts"], record["crashes"]) == ("completed", 2, 1)
    assert windows(stage, record)[: len(before)] == before
    assert text(stage, record) == undisturbed


def test_a_stopped_worker_hands_its_recording_back_without_counting_an_attempt(
    stage: Stage, call: Call, undisturbed: str
) -> None:
    path = stage.drop_call(call, "call.wav")
    with stage.process("transcribe_worker") as worker:
        stage.offhook("add", path)
        half_done(stage, "call")
        started = time.monotonic()
        worker.send_signal(signal.SIGTERM)
        worker.wait(15)
        assert time.monotonic() - started < 5, "honcho kills a worker that takes longer"
        assert worker.returncode == 0
    record = stage.record("call")
    assert record is not None
    assert (record["status"], record["attempts"], record["crashes"]) == ("queued", 0, 0)
    assert stage.running() == []
    with stage.process("transcribe_worker"):
        record = stage.finished("call")
    assert (record["attempts"], record["crashes"]) == (1, 0)
    assert text(stage, record) == undisturbed


@on_linux
def test_a_recording_that_kills_its_engine_three_times_fails_and_the_next_goes_on(
    stage: Stage, call: Call, short_wav: Path
) -> None:
    path = stage.drop_call(call, "deadly.wav")
    with stage.process("transcribe_worker") as worker:
        stage.offhook("add", path)
        for crashes in (1, 2, 3):
            stage.wait_for(lambda: decoding(stage), "the next attempt to be under way")
            os.kill(engine_of(worker), signal.SIGKILL)
            counted = partial(has_crashed, stage, "deadly", crashes)
            stage.wait_for(counted, "the crash to be counted")
        record = stage.finished("deadly")
        assert (record["status"], record["error_code"]) == ("failed", "engine_crashed")
        assert "SIGKILL" in record["error"]
        stage.offhook("add", short_wav)
        assert stage.finished(short_wav.stem)["status"] == "completed"


def decoding(stage: Stage) -> bool:
    """Whether an attempt has got beyond loading the model."""
    return any(running["speed"] is not None for running in stage.read("status")["running"])


def has_crashed(stage: Stage, title: str, times: int) -> bool:
    record = stage.record(title)
    return record is not None and record["crashes"] == times


def test_cancelling_stops_the_work_within_two_seconds_and_the_engine_goes_on(
    stage: Stage, call: Call, short_wav: Path
) -> None:
    path = stage.drop_call(call, "call.wav")
    with stage.process("transcribe_worker"):
        stage.offhook("add", path)
        record = half_done(stage, "call")
        assert stage.offhook("cancel", str(record["id"])).returncode == 0
        cancelled = time.monotonic()
        stage.wait_for(
            lambda: all(w["state"] == "ready" for w in stage.read("status")["workers"]),
            "the worker to let go",
        )
        assert time.monotonic() - cancelled < 4  # of which the commands that look take their part
        stage.offhook("add", short_wav)
        assert stage.finished(short_wav.stem)["status"] == "completed"
        record = stage.record("call")
        assert record is not None
        assert record["status"] == "cancelled"
        stage.offhook("retry", str(record["id"]))
        assert stage.finished("call")["status"] == "completed"


def test_a_paused_queue_takes_nothing_until_it_is_resumed(stage: Stage, short_wav: Path) -> None:
    with stage.process("transcribe_worker"):
        paused = stage.offhook("pause")
        assert paused.returncode == 0, paused.stderr
        stage.offhook("add", short_wav)
        assert stage.read("status")["paused"]
        time.sleep(3)
        record = stage.record(short_wav.stem)
        assert record is not None
        assert record["status"] == "queued"
        assert "paused" in stage.offhook("transcribe", short_wav).stderr
        stage.offhook("resume")
        assert stage.finished(short_wav.stem)["status"] == "completed"


def test_a_missing_model_holds_its_recordings_and_no_others(
    stage: Stage, short_wav: Path, short_call: Call, tmp_path: Path
) -> None:
    with stage.process("transcribe_worker"):
        stage.offhook("add", short_wav, "--model", "small")
        path = tmp_path / "other.wav"
        path.write_bytes(short_wav.read_bytes() + b"LIST\4\0\0\0junk")
        stage.offhook("add", path)
        assert stage.finished("other")["status"] == "completed"
        record = stage.record(short_wav.stem)
        assert record is not None
        assert (record["status"], record["attempts"]) == ("queued", 0)
        (missing,) = stage.read("status")["missing_models"]
        assert (missing["model"], missing["records"]) == ("small", 1)
        assert "offhook models pull small" in stage.offhook("status").stdout
        give_model(stage, "small")
        assert stage.finished(short_wav.stem)["status"] == "completed"
    assert word_error_rate(short_call.words, text(stage, record)) < 0.15


def give_model(stage: Stage, name: str) -> None:
    """Put the bundled model where a download of another would be."""
    from transcribe_worker.model_files import bundled_folder

    folder = bundled_folder()
    assert folder
    partial = stage.home / "models" / f"{name}.part"
    partial.symlink_to(folder)
    partial.rename(stage.home / "models" / name)


def test_a_model_that_cannot_be_loaded_holds_the_queue_and_fails_nothing(
    stage: Stage, short_wav: Path
) -> None:
    broken = stage.home / "models" / "broken"
    broken.mkdir(parents=True)
    (broken / "model.bin").write_bytes(b"no model")
    with stage.process("transcribe_worker"):
        stage.offhook("add", short_wav, "--model", "broken")
        record = stage.wait_for(
            lambda: (r := stage.record(short_wav.stem)) and r["error_code"] == "engine_unusable" and r,
            "the model to be found unusable",
        )
        assert (record["status"], record["attempts"]) == ("queued", 0)
        assert "broken" in stage.offhook("status").stdout


def test_files_are_transcribed_without_a_worker_and_stay_where_they_are(
    stage: Stage, short_wav: Path, short_call: Call
) -> None:
    done = stage.offhook("transcribe", short_wav)
    assert done.returncode == 0, done.stderr
    assert word_error_rate(short_call.words, done.stdout) < 0.15
    assert short_wav.exists()
    again = stage.offhook("transcribe", short_wav)
    assert again.stdout == done.stdout
    assert len(stage.records()) == 1
    assert stage.running() == []


def test_a_recording_that_changes_while_it_is_read_is_read_again(
    stage: Stage, call: Call, short_call: Call
) -> None:
    path = stage.drop_call(call, "call.wav")
    with stage.process("transcribe_worker"):
        stage.offhook("add", path)
        half_done(stage, "call")
        stage.drop_call(short_call, "call.wav")
        record = stage.finished("call")
        assert record["status"] == "completed"
        assert word_error_rate(short_call.words, text(stage, record)) < 0.15


def test_deleting_a_recording_leaves_nothing_of_it(stage: Stage, short_call: Call) -> None:
    path = stage.drop_call(short_call, "call.wav")
    with stage.process("transcribe_worker"), stage.process("transcribe_worker.inbox"):
        record = stage.finished("call")
        stage.wait_for(lambda: not path.exists(), "the library")
        stage.wait_for(lambda: stage.read("show", str(record["id"]))["transcript_stem"], "the library")
        assert stage.offhook("delete", str(record["id"])).returncode == 1
        assert stage.offhook("delete", "--yes", str(record["id"])).returncode == 0
        assert stage.records() == []
        assert [p for p in (stage.home / "library").rglob("*") if p.is_file()] == []
        assert stage.read("search", "morning")["hits"] == []
