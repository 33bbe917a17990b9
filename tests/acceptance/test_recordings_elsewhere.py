"""Recordings that a person has queued where they lie, and that stay there."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.stage import Stage
from tests.voices import Call, word_error_rate


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
