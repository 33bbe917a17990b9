"""The voices are steady, and what they say can be measured."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from tests import voices
from tests.voices import LONG_CALL, SAMPLE_RATE_HZ, SHORT_CALL, Turn, speak, word_error_rate, write_wav

SAMPLE = Path(__file__).parents[2] / "offhook" / "sample" / "sample-call.wav"


def test_the_same_call_twice_gives_the_same_samples():
    for speaker, text in (("laura", "Are you there?"), ("joe", "Yes, I can hear you.")):
        assert np.array_equal(voices._speech(speaker, text), voices._synthesised(speaker, text))


def test_a_call_is_16_khz_mono_float32_within_full_scale():
    call = speak(SHORT_CALL)

    assert call.samples.dtype == np.float32
    assert call.samples.ndim == 1
    assert 0.5 < np.abs(call.samples).max() <= 1.0
    assert 15 <= call.duration_seconds <= 20


def test_each_turn_starts_where_the_call_says_behind_a_silent_pause():
    call = speak(SHORT_CALL, pause_seconds=(0.5, 0.6))

    assert len(call.starts_seconds) == len(SHORT_CALL)
    for start_seconds in call.starts_seconds:
        start = round(start_seconds * SAMPLE_RATE_HZ)
        assert not call.samples[start - SAMPLE_RATE_HZ // 2 : start].any()
        assert call.samples[start : start + SAMPLE_RATE_HZ].any()


def test_another_seed_gives_other_pauses_and_the_same_words():
    one, other = speak(SHORT_CALL, seed=1), speak(SHORT_CALL, seed=2)

    assert one.starts_seconds != other.starts_seconds
    assert one.words == other.words


def test_the_words_of_a_call_are_those_of_its_turns_in_order():
    call = speak((Turn("laura", "Hello."), Turn("joe", "Good morning.")))

    assert call.words == "Hello. Good morning."


def test_a_call_without_turns_is_empty():
    assert speak(()).samples.shape == (0,)


def test_the_long_call_lasts_longer_than_three_minutes_and_ten_seconds():
    assert speak(LONG_CALL).duration_seconds > 190


def test_the_calls_have_both_speakers_and_no_digits():
    for turns in (SHORT_CALL, LONG_CALL):
        assert {turn.speaker for turn in turns} == {"laura", "joe"}
        assert not any(character.isdigit() for turn in turns for character in turn.text)


def test_a_written_wav_holds_the_samples_and_clips_what_is_too_loud(tmp_path: Path):
    write_wav(tmp_path / "a.wav", np.array([0.0, 0.5, -2.0, 2.0], dtype=np.float32), rate_hz=8000)

    with wave.open(str(tmp_path / "a.wav")) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 8000)
        assert np.frombuffer(file.readframes(4), dtype="<i2").tolist() == [0, 16384, -32767, 32767]


def test_the_sample_that_ships_lasts_as_long_as_the_short_call():
    with wave.open(str(SAMPLE)) as file:
        duration_seconds = file.getnframes() / file.getframerate()

    assert duration_seconds == pytest.approx(speak(SHORT_CALL).duration_seconds, abs=0.5)
    assert SAMPLE.stat().st_size < 700_000


def test_case_punctuation_and_spaces_are_no_word_errors():
    assert word_error_rate("It's a well-known fact.", "its a  WELL known fact") == 0.0


def test_wrong_missing_and_added_words_count_against_the_reference():
    assert word_error_rate("one two three four", "one too three") == 0.5
    assert word_error_rate("one two", "one two three") == 0.5
