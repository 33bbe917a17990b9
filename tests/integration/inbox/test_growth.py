"""A recording that grows after it was transcribed is transcribed again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.stage import Stage
from tests.unit.test_completeness import encode


@pytest.mark.skipif(os.name == "nt", reason="Windows does not move a file that a program writes to")
def test_a_recording_that_grows_in_the_library_is_transcribed_again(tmp_path: Path):
    stage = Stage(tmp_path / "home", (("OFFHOOK_SETTLE_SECONDS", "0.3"),))
    whole = encode(tmp_path / "call.mp3", seconds=6)
    content = without_length(whole.read_bytes())
    with stage.process("transcribe_worker"), stage.process("transcribe_worker.inbox"):
        stage.wait_for(lambda: {"worker", "inbox"} <= set(stage.running()), "worker and inbox")
        with (stage.inbox / "call.mp3").open("wb") as writer:
            writer.write(content[: len(content) // 2])
            writer.flush()
            first = stage.finished("call")
            stage.wait_for(lambda: not (stage.inbox / "call.mp3").exists(), "the move")
            writer.write(content[len(content) // 2 :])

        def is_whole() -> bool:
            record = stage.record("call")
            return record is not None and record["status"] == "completed" and record["duration_seconds"] > 5

        stage.wait_for(is_whole, "the rest to be transcribed")
        (record,) = stage.records()

    assert first["duration_seconds"] == pytest.approx(3, abs=0.2)
    assert record["duration_seconds"] == pytest.approx(6, abs=0.2)
    assert Path(record["recording_path"]).read_bytes() == content


def without_length(mp3: bytes) -> bytes:
    """Take the Xing header away, as a recorder writes an MP3 whose length it does not know yet."""
    return mp3.replace(b"Xing", bytes(4)).replace(b"Info", bytes(4))
