"""An answer of one word is heard, alone and between long pauses, and a number of few digits is no loop."""

from __future__ import annotations

import numpy as np
import pytest
from faster_whisper import WhisperModel

from tests.noises import NOISES
from tests.recognition import Samples, recognized, segments, tiny_model
from tests.voices import Turn, speak, trimmed
from transcribe_worker.speech.stretches import SAMPLE_RATE_HZ

ANSWERS = ("yes", "three", "two", "eight")
#: So much stays around a word: cut at its last sample, "two" and "eight" are at the edge of what is heard.
AROUND_SECONDS = 0.02
PAUSE_SECONDS = (6.0, 8.0)


@pytest.fixture(scope="module")
def model() -> WhisperModel:
    return tiny_model()


def answer(speaker: str, word: str) -> Samples:
    """A word without most of the silence around it: 0.2 to 0.6 s."""
    spoken = speak([Turn(speaker, f"{word.capitalize()}.")], pause_seconds=(0.0, 0.0)).samples
    return trimmed(spoken, AROUND_SECONDS) * np.float32(0.4)


def between_pauses(samples: Samples) -> Samples:
    before, after = (NOISES["pink"](round(seconds), -60, 1) for seconds in PAUSE_SECONDS)
    return np.concatenate([before, samples, after]).astype(np.float32)


def text(model: WhisperModel, samples: Samples, preset: str) -> str:
    return " ".join(said.text for said in segments(recognized(model, samples, preset=preset)))


@pytest.mark.parametrize(
    ("speaker", "preset"),
    [("joe", "careful"), ("laura", "fast")]
    + [pytest.param(*case, marks=pytest.mark.long) for case in (("joe", "fast"), ("laura", "careful"))],
)
def test_no_answer_of_one_word_is_without_words(model: WhisperModel, speaker: str, preset: str) -> None:
    answers = {word: answer(speaker, word) for word in ANSWERS}
    assert all(len(samples) < 0.7 * SAMPLE_RATE_HZ for samples in answers.values())
    alone = {word: text(model, samples, preset) for word, samples in answers.items()}
    between = {word: text(model, between_pauses(samples), preset) for word, samples in answers.items()}
    assert [word for word in ANSWERS if not alone[word]] == []
    assert [word for word in ANSWERS if not between[word]] == []
