"""A call from two voices in two devices to its transcript, with everything running as a person runs it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pulse import PulseServer
from tests.stage import Stage
from tests.voices import FAR, NEAR, speak, word_error_rate


@pytest.fixture
def stage(tmp_path: Path, server: PulseServer) -> Stage:
    return Stage(tmp_path / "home", tuple(server.environment.items()))


def ready(stage: Stage) -> None:
    stage.wait_for((stage.home / "control.json").exists, "the capture worker")


def test_a_recorded_call_becomes_a_transcript_of_both_sides(stage: Stage, server: PulseServer) -> None:
    near, far = speak(NEAR), speak(FAR)
    with (
        stage.process("capture_worker"),
        stage.process("transcribe_worker"),
        stage.process("transcribe_worker.inbox"),
    ):
        ready(stage)
        started = stage.offhook("record", "start", "--candidate", "C-17", "--title", "Interview")
        assert started.returncode == 0, started.stderr
        server.play("mic", near.samples)
        server.played()
        server.play("call", far.samples)
        server.played()
        stopped = stage.offhook("record", "stop")
        assert "queued" in stopped.stdout
        record = stage.finished("Interview")
    assert (record["status"], record["source"], record["candidate_id"]) == ("completed", "capture", "C-17")
    text = stage.offhook("show", str(record["id"]), "--format", "txt").stdout
    assert word_error_rate(f"{near.words} {far.words}", text) < 0.15, text
    shown = stage.offhook("show", str(record["id"])).stdout
    assert "Microphone: Remapped Monitor of Null Output (48 kHz); nothing missing" in shown
    assert "Loopback:   Null Output (48 kHz); nothing missing" in shown
