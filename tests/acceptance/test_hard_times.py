"""A busy database, a full disk, a worker that is gone, settings that are wrong: nothing is lost or stuck."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import skip_or_fail
from tests.stage import ROOT, Stage
from tests.voices import SAMPLE_RATE_HZ, Call, word_error_rate

LOCKED_SECONDS = 41.0  # longer than a worker waits for the database
posix_only = pytest.mark.skipif(os.name == "nt", reason="needs signals")


@pytest.mark.timeout(300)
def test_a_database_that_is_locked_for_longer_than_a_worker_waits_costs_nothing(
    stage: Stage, short_wav: Path
) -> None:
    with stage.process("transcribe_worker") as worker:
        stage.wait_for(lambda: "worker" in stage.running(), "the worker")
        with closing(sqlite3.connect(stage.home / "offhook.db", isolation_level=None)) as neighbour:
            neighbour.execute("BEGIN IMMEDIATE")
            time.sleep(LOCKED_SECONDS)
            neighbour.execute("ROLLBACK")
        assert worker.poll() is None
        stage.offhook("add", short_wav)
        record = stage.finished(short_wav.stem)
        assert (record["status"], record["attempts"], record["crashes"]) == ("completed", 1, 0)
        assert "worker" in stage.running()
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(15) == 0


@posix_only
def test_a_transcription_that_was_killed_goes_on_when_it_is_called_again(
    stage: Stage, long_call: Call
) -> None:
    call = Call(long_call.samples[: 60 * SAMPLE_RATE_HZ], long_call.turns, long_call.starts_seconds)
    path = stage.drop_call(call, "call.wav")
    command = [sys.executable, "-m", "offhook", "transcribe", str(path)]
    with subprocess.Popen(command, env=stage.environment, stdout=subprocess.DEVNULL) as killed:
        stage.wait_for(
            lambda: (record := stage.record("call")) and record["status"] == "processing", "the work to begin"
        )
        killed.kill()
    done = stage.offhook("transcribe", path)
    assert done.returncode == 0, done.stderr
    record = stage.record("call")
    assert record is not None
    assert (record["status"], record["crashes"]) == ("completed", 1)


@posix_only
def test_an_interrupted_transcription_stays_in_the_queue(stage: Stage, long_call: Call) -> None:
    path = stage.drop_call(long_call, "call.wav")
    command = [sys.executable, "-m", "offhook", "transcribe", str(path)]
    with subprocess.Popen(
        command, env=stage.environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as interrupted:
        stage.wait_for(
            lambda: (record := stage.record("call")) and record["status"] == "processing", "the work to begin"
        )
        interrupted.send_signal(signal.SIGTERM)
        _, said = interrupted.communicate(timeout=30)
    assert interrupted.returncode == 130
    assert "It stays in the queue" in said
    record = stage.record("call")
    assert record is not None
    assert (record["status"], record["attempts"]) == ("queued", 0)
    assert stage.read("status")["workers"] == []


def test_a_transcript_survives_that_its_recording_moves(
    stage: Stage, short_wav: Path, short_call: Call
) -> None:
    assert stage.offhook("transcribe", short_wav).returncode == 0
    moved = short_wav.rename(short_wav.with_name("moved.wav"))
    again = stage.offhook("transcribe", moved, "--beam-size", "1")
    assert again.returncode == 0, again.stderr
    assert word_error_rate(short_call.words, again.stdout) < 0.15
    (record,) = stage.records()
    assert record["recording_path"] == str(moved)


def test_a_file_that_was_only_added_is_never_deleted(stage: Stage, short_wav: Path) -> None:
    calls = stage.home / "calls"
    calls.mkdir(parents=True)
    mine = Path(shutil.copy(short_wav, calls / "mine.wav"))
    stage.offhook("add", mine)
    assert stage.offhook("delete", "--yes", "1").returncode == 0
    assert mine.exists()


@pytest.mark.parametrize("module", ["transcribe_worker", "transcribe_worker.inbox"])
def test_a_process_that_cannot_start_says_why_in_one_line(stage: Stage, module: str) -> None:
    stage.home.mkdir(parents=True)
    (stage.home / "config.toml").write_text("modle = 'small'\n")
    done = subprocess.run(
        [sys.executable, "-m", module], env=stage.environment, cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "has an unknown setting: modle" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_damaged_queue_is_made_anew(stage: Stage, short_wav: Path) -> None:
    stage.home.mkdir(parents=True)
    (stage.home / "queue.db").write_bytes(b"this is no database at all, and never was")
    with stage.process("transcribe_worker"):
        stage.offhook("add", short_wav)
        assert stage.finished(short_wav.stem)["status"] == "completed"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 24 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)]
    if sys.platform != "linux" or subprocess.run(command, capture_output=True).returncode != 0:
        skip_or_fail("needs the right to mount a small file system")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_costs_no_transcript_and_no_worker(
    stage: Stage, small_disk: Path, short_wav: Path, short_call: Call
) -> None:
    stage = replace(stage, home=small_disk / "home")
    with stage.process("transcribe_worker") as worker, stage.process("transcribe_worker.inbox") as inbox:
        stage.wait_for(lambda: set(stage.running()) == {"worker", "inbox"}, "worker and inbox")
        stage.offhook("add", short_wav)
        fill(small_disk)
        time.sleep(8)
        assert (worker.poll(), inbox.poll()) == (None, None)
        (small_disk / "filler").unlink()
        record = stage.finished(short_wav.stem)
        assert record["status"] == "completed"
        shown = stage.offhook("show", str(record["id"]), "--format", "txt").stdout
        assert word_error_rate(short_call.words, shown) < 0.15


def fill(disk: Path) -> None:
    """Leave not a byte."""
    with (disk / "filler").open("wb", buffering=0) as filler:
        try:
            while True:
                filler.write(bytes(4096))
        except OSError:
            return
