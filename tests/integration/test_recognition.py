"""From samples to words with the real model: nothing is left out, whatever is decoded together."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer

from tests.recognition import Samples, recognized, segments, tiny_model
from tests.voices import LONG_CALL, Call, speak, word_error_rate
from transcribe_worker.engine.messages import Decoded
from transcribe_worker.recognition.presets import PRESETS
from transcribe_worker.speech.stretches import SAMPLE_RATE_HZ

SPEAKERS_DB_APART = 24
#: Between turns, so that each is a window, and several are of one length.
WIDE_PAUSES_SECONDS = (2.0, 3.0)


@pytest.fixture(scope="module")
def model() -> WhisperModel:
    return tiny_model()


def text(stretches: list[Decoded]) -> str:
    return " ".join(said.text for said in segments(stretches))


def uneven(call: Call) -> Samples:
    """A call with one voice far below the other, and a little noise."""
    samples = call.samples * 0.4
    edges = [*(round(at * SAMPLE_RATE_HZ) for at in call.starts_seconds), len(samples)]
    for turn, start, end in zip(call.turns, edges[:-1], edges[1:], strict=True):
        if turn.speaker == "laura":
            samples[start:end] *= 10 ** (-SPEAKERS_DB_APART / 20)
    noise = np.random.default_rng(2).standard_normal(len(samples)) * 0.0005
    return (samples + noise).astype(np.float32)


@pytest.fixture(scope="module")
def uneven_call() -> Samples:
    """Three stretches with four windows."""
    return uneven(speak(LONG_CALL[:14]))


@pytest.fixture(scope="module", params=["fast", pytest.param("careful", marks=pytest.mark.long)])
def preset(request: pytest.FixtureRequest) -> str:
    """The preset with which nothing may make a difference."""
    return str(request.param)


@pytest.fixture(scope="module")
def usual(model: WhisperModel, uneven_call: Samples, preset: str) -> list[Decoded]:
    return recognized(model, uneven_call, preset=preset)


@pytest.mark.parametrize("turns", [14, pytest.param(len(LONG_CALL), marks=pytest.mark.long)])
@pytest.mark.parametrize("preset", PRESETS)
def test_a_voice_far_below_the_other_loses_no_words(model: WhisperModel, preset: str, turns: int):
    call = speak(LONG_CALL[:turns])
    assert word_error_rate(call.words, text(recognized(model, uneven(call), preset=preset))) < 0.02


class Skipping:
    """The model's native part, which at first writes but the beginning and the end of what it hears."""

    def __init__(self, native: Any, tokens: list[int]) -> None:
        self._native, self._tokens = native, [tokens]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._native, name)

    def generate(self, encoded: Any, prompts: list[Any], **options: Any) -> Any:
        if not self._tokens:
            return self._native.generate(encoded, prompts, **options)
        return [SimpleNamespace(sequences_ids=[self._tokens.pop()], scores=[-0.2], no_speech_prob=0.01)]


def test_what_the_model_passes_over_in_the_midst_of_a_window_is_decoded_again(
    model: WhisperModel, short_call: Call, monkeypatch: pytest.MonkeyPatch
):
    tokenizer = Tokenizer(model.hf_tokenizer, multilingual=False)

    def written(start_seconds: float, words: str, end_seconds: float) -> list[int]:
        first, last = (tokenizer.timestamp_begin + round(at * 50) for at in (start_seconds, end_seconds))
        return [first, *tokenizer.encode(f" {words}"), last]

    first, *between, last = (turn.text for turn in short_call.turns)
    second_at, last_at = short_call.starts_seconds[1], short_call.starts_seconds[-1]
    end = short_call.duration_seconds
    tokens = written(0, first, second_at) + written(last_at, last, end - 0.5)
    monkeypatch.setattr(model, "model", Skipping(model.model, tokens))

    found = segments(recognized(model, short_call.samples, vad=False))

    assert (found[0].text, found[-1].text) == (first, last)
    assert word_error_rate(" ".join(between), " ".join(said.text for said in found[1:-1])) < 0.1
    assert [said.start_ms for said in found] == sorted(said.start_ms for said in found)


def test_it_makes_no_difference_how_much_is_decoded_at_once(
    model: WhisperModel, uneven_call: Samples, usual: list[Decoded], preset: str
):
    assert recognized(model, uneven_call, parallel=1, preset=preset) == usual


@pytest.mark.parametrize("batch_size", [1, *(pytest.param(size, marks=pytest.mark.long) for size in (3, 16))])
def test_it_makes_no_difference_to_the_words_how_many_windows_go_together(
    model: WhisperModel, batch_size: int, preset: str
):
    samples = uneven(speak(LONG_CALL[:8], pause_seconds=WIDE_PAUSES_SECONDS))
    apart, together = (recognized(model, samples, batch_size=size, preset=preset) for size in (batch_size, 8))
    assert len(together[0].windows) > 3
    assert text(apart) == text(together)


def test_an_attempt_that_goes_on_behind_any_stretch_says_the_same_from_there(
    model: WhisperModel, uneven_call: Samples, usual: list[Decoded], preset: str
):
    assert len(usual) > 2
    for number, stretch in enumerate(usual[:-1]):
        start = round(stretch.start_seconds * SAMPLE_RATE_HZ)
        done = round(stretch.windows[-1].end_seconds * SAMPLE_RATE_HZ)
        first, *others = recognized(model, uneven_call, start=start, done=done, preset=preset)
        assert first.windows == ()
        assert others == usual[number + 1 :]


def test_words_are_in_order_and_in_their_windows(usual: list[Decoded]):
    for window in (window for stretch in usual for window in stretch.windows):
        words = [word for said in window.segments for word in said.words]
        assert words
        starts = [word.start_ms for word in words]
        assert starts == sorted(starts)
        for word in words:
            assert window.start_seconds <= word.start_ms / 1000 <= word.end_ms / 1000 <= window.end_seconds
            assert 0 <= word.probability <= 1
        for said, following in pairwise(window.segments):
            assert said.start_ms < said.end_ms <= following.start_ms


def test_without_moments_of_words_the_text_is_the_same(
    model: WhisperModel, uneven_call: Samples, usual: list[Decoded], preset: str
):
    plain = recognized(model, uneven_call, word_timestamps=False, preset=preset)
    assert text(plain) == text(usual)
    assert all(said.words == () for said in segments(plain))


def test_without_speech_detection_everything_is_decoded(model: WhisperModel, long_call: Call):
    samples = long_call.samples[: 60 * SAMPLE_RATE_HZ]
    whole = recognized(model, samples, vad=False, preset="fast")
    windows = [window for stretch in whole for window in stretch.windows]
    assert sum(w.end_seconds - w.start_seconds for w in windows) == pytest.approx(60.0, abs=0.01)


def test_hotwords_and_prompt_reach_the_model(model: WhisperModel, short_call: Call):
    plain, told = (
        recognized(model, short_call.samples, **options)
        for options in ({}, {"initial_prompt": "GOOD MORNING, THANK YOU", "hotwords": "APPLICATION"})
    )
    assert text(plain) != text(told)
