"""A compressed recording that is copied in two halves is transcribed whole and once."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from shared.files import sha256_of
from tests.stage import Stage
from tests.unit.test_completeness import encode

NAMES = ("first.flac", "second.m4a", "third.ogg")
PAUSE_SECONDS = 4.0


def test_a_copy_that_stalls_between_its_halves_is_transcribed_whole_and_once(tmp_path: Path):
    stage = Stage(tmp_path / "home")
    whole = {name: encode(tmp_path / name, seconds=3 + at).read_bytes() for at, name in enumerate(NAMES)}
    with stage.process("transcribe_worker"), stage.process("transcribe_worker.inbox"):
        stage.wait_for(lambda: {"worker", "inbox"} <= set(stage.running()), "worker and inbox")
        for name, content in whole.items():
            (stage.inbox / name).write_bytes(content[: len(content) // 2])
        time.sleep(PAUSE_SECONDS)
        assert stage.records() == []
        for name, content in whole.items():
            with (stage.inbox / name).open("ab") as file:
                file.write(content[len(content) // 2 :])

        records = [stage.finished(Path(name).stem) for name in NAMES]

    assert len(stage.records()) == len(NAMES)
    for at, (name, record) in enumerate(zip(NAMES, records, strict=True)):
        assert (record["status"], record["attempts"]) == ("completed", 1)
        assert record["duration_seconds"] == pytest.approx(3 + at, abs=0.1)
        assert sha256_of(Path(record["recording_path"])) == sha256_of(tmp_path / name)
