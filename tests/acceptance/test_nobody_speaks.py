"""Where nobody speaks nothing is written: minutes of each noise, all the way from samples to words."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer

from shared.words import Segment
from tests.noises import NOISES, Samples
from tests.recognition import recognized, segments, tiny_model
from tests.voices import SHORT_CALL, speak, word_error_rate
from transcribe_worker.recognition.presets import PRESETS
from transcribe_worker.speech.stretches import SAMPLE_RATE_HZ

MINUTES = [0.5, pytest.param(10, marks=pytest.mark.long)]
#: One level and one seed of each.
LEVEL_DBFS, SEED = -30, 1


@pytest.fixture(scope="module")
def model() -> WhisperModel:
    return tiny_model()


def sentences(model: WhisperModel, samples: Samples, **options: Any) -> list[dict[str, Any]]:
    return segments(recognized(model, samples, **options))


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("name", NOISES)
@pytest.mark.parametrize("minutes", MINUTES)
def test_minutes_of_a_noise_are_no_words(model: WhisperModel, minutes: float, name: str, preset: str):
    noise = NOISES[name](round(minutes * 60), LEVEL_DBFS, SEED)

    assert [said.text for said in sentences(model, noise, preset=preset)] == []


@pytest.mark.timeout(600)
@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("name", ["ring", "music"])
@pytest.mark.parametrize("minutes", [0.5, pytest.param(5, marks=pytest.mark.long)])
def test_between_two_sentences_minutes_on_hold_are_no_words(
    model: WhisperModel, minutes: float, name: str, preset: str
):
    before, after = (speak([turn], pause_seconds=(1.0, 1.0)) for turn in SHORT_CALL[:2])
    pause = np.zeros(SAMPLE_RATE_HZ, np.float32)
    hold = NOISES[name](round(minutes * 60), LEVEL_DBFS, SEED)
    call = np.concatenate([before.samples, pause, hold, pause, after.samples])

    said = sentences(model, call, preset=preset)

    hold_ends = (len(before.samples) + len(hold) + len(pause)) / SAMPLE_RATE_HZ
    first = [it.text for it in said if it.end_ms / 1000 < before.duration_seconds + 2]
    last = [it.text for it in said if it.start_ms / 1000 > hold_ends]
    assert len(first) + len(last) == len(said)
    assert word_error_rate(before.words, " ".join(first)) == 0
    assert word_error_rate(after.words, " ".join(last)) == 0


class Stuck:
    """The model's native part, which writes one phrase over and over, whatever it is tried with."""

    def __init__(self, native: Any, tokens: list[int]) -> None:
        self._native, self._tokens = native, tokens

    def __getattr__(self, name: str) -> Any:
        return getattr(self._native, name)

    def generate(self, encoded: Any, prompts: list[Any], **options: Any) -> list[SimpleNamespace]:
        result = SimpleNamespace(sequences_ids=[self._tokens], scores=[-0.2], no_speech_prob=0.01)
        return [result for _ in prompts]


def written(
    model: WhisperModel, monkeypatch: pytest.MonkeyPatch, preset: str, phrase: str, times: int, seconds: float
) -> Segment:
    """The only segment of a sentence, while the model writes a phrase over and over, up to some second."""
    tokens = model.hf_tokenizer.encode(phrase, add_special_tokens=False).ids
    first_stamp = Tokenizer(model.hf_tokenizer, multilingual=False).timestamp_begin
    stuck = Stuck(model.model, [first_stamp, *tokens * times, first_stamp + round(seconds * 50)])
    monkeypatch.setattr(model, "model", stuck)
    (said,) = segments(recognized(model, speak(SHORT_CALL[:1]).samples, preset=preset))
    return said


@pytest.mark.parametrize("preset", PRESETS)
def test_a_phrase_that_two_tries_write_three_times_stays_with_a_doubt(
    model: WhisperModel, monkeypatch: pytest.MonkeyPatch, preset: str
):
    said = written(model, monkeypatch, preset, " No.", times=3, seconds=4.0)
    assert said.text == "No. No. No."
    assert said.doubts == ("repeats_itself",)


@pytest.mark.parametrize("preset", PRESETS)
def test_a_phrase_that_the_model_writes_over_and_over_is_written_once(
    model: WhisperModel, monkeypatch: pytest.MonkeyPatch, preset: str
):
    said = written(model, monkeypatch, preset, " Thank you.", times=60, seconds=30.0)
    assert said.text == "Thank you."
    assert "repeats_itself" in said.doubts
