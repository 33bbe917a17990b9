"""A call that is recorded into one channel, to who said which words, with everything running."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from shared.speakers import ME, THEM
from shared.store.store import Store
from tests.stage import Stage
from tests.voices import SAMPLE_RATE_HZ, SHORT_CALL, speak, word_error_rate, write_wav

NEAR, FAR = "laura", "joe"
ECHO_LAG_MS = 70


def written(folder: Path, *, echo_db: float | None) -> tuple[tuple[str, str], ...]:
    """Write both sides of the short call as devices; the microphone hears the far side again."""
    call = speak(SHORT_CALL)
    ends = [*call.starts_seconds[1:], call.duration_seconds]
    sides = {NEAR: np.zeros_like(call.samples), FAR: np.zeros_like(call.samples)}
    for turn, *edges in zip(call.turns, call.starts_seconds, ends, strict=True):
        start, end = (round(edge * SAMPLE_RATE_HZ) for edge in edges)
        sides[turn.speaker][start:end] = call.samples[start:end] / 2
    if echo_db is not None:
        late = ECHO_LAG_MS * SAMPLE_RATE_HZ // 1000
        sides[NEAR][late:] += sides[FAR][:-late] * np.float32(10 ** (echo_db / 20))
    for name, speaker in (("microphone", NEAR), ("loopback", FAR)):
        write_wav(folder / f"{name}.wav", sides[speaker])
    return tuple(
        (f"OFFHOOK_{name.upper()}", f"replay:{folder / name}.wav") for name in ("microphone", "loopback")
    )


def said_by(stage: Stage, record_id: int) -> dict[str, str]:
    """The words of each speaker."""
    with Store.open(stage.database) as store:
        words = [word for segment in store.transcripts.segments(record_id) for word in segment.words]
        labels = store.overlays.labels(record_id)
    said: dict[str, str] = {}
    for label in labels:
        text = "".join(word.text for word in words[label.first_word : label.last_word + 1])
        said[label.speaker] = said.get(label.speaker, "") + text
    return said


@pytest.mark.parametrize("echo_db", [None, -6.0])
def test_the_words_of_a_recorded_call_have_the_side_that_said_them(
    tmp_path: Path, echo_db: float | None
) -> None:
    stage = Stage(tmp_path / "home", written(tmp_path, echo_db=echo_db))
    with stage.process("capture_worker"), stage.process("transcribe_worker"):
        stage.wait_for((stage.home / "control.json").exists, "the capture worker")
        assert stage.offhook("record", "start", "--title", "Interview").returncode == 0
        time.sleep(speak(SHORT_CALL).duration_seconds + 0.5)
        assert stage.offhook("record", "stop").returncode == 0
        record = stage.finished("Interview")
    said = said_by(stage, record["id"])
    for side, speaker in ((ME, NEAR), (THEM, FAR)):
        expected = " ".join(turn.text for turn in SHORT_CALL if turn.speaker == speaker)
        assert word_error_rate(expected, said[side]) < 0.15, said
