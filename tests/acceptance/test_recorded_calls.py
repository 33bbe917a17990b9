"""A call from two voices in two devices to its transcript, with everything running as a person runs it."""

from __future__ import annotations

import re
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


def by_speaker(text: str) -> dict[str, str]:
    """What each speaker says in a transcript with lines such as `[00:00:01] Me: Hello.`"""
    said: dict[str, str] = {}
    for speaker, words in re.findall(r"^\[[\d:]+\] ([^:]+): (.*)$", text, re.MULTILINE):
        said[speaker] = f"{said.get(speaker, '')} {words}"
    return said


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
    said = by_speaker(text)
    assert set(said) == {"Me", "C-17"}, text
    assert word_error_rate(near.words, said["Me"]) < 0.15, text
    assert word_error_rate(far.words, said["C-17"]) < 0.15, text
    shown = stage.offhook("show", str(record["id"])).stdout
    assert "Microphone: Remapped Monitor of Null Output (48 kHz); nothing missing" in shown
    assert "Loopback:   Null Output (48 kHz); nothing missing" in shown
