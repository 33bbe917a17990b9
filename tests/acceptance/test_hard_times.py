"""A worker that is gone, settings that are wrong, a damaged queue: nothing is lost or stuck."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stage import ROOT, Stage
from tests.voices import SAMPLE_RATE_HZ, Call

posix_only = pytest.mark.skipif(os.name == "nt", reason="needs signals")


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
