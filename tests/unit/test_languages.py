"""Which language a recording is in, by what is heard at several places of it, and what counts as a change."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from transcribe_worker.recognition import languages
from transcribe_worker.recognition.languages import Language, Vote, heard_in, places
from transcribe_worker.speech.detection import Samples
from transcribe_worker.speech.windows import SAMPLE_RATE_HZ, Span

GERMAN, ENGLISH = {"de": 0.95, "en": 0.05}, {"en": 0.98, "de": 0.02}


def test_a_short_greeting_in_another_language_is_outvoted_by_what_is_said_for_longer() -> None:
    vote = Vote()
    for heard, seconds in ((ENGLISH, 4.0), (GERMAN, 25.0), (GERMAN, 20.0)):
        vote.add(heard, seconds)
    assert vote.language == Language("de", round((4 * 0.02 + 45 * 0.95) / 49, 3))


def test_listening_ends_once_three_places_agree_well() -> None:
    vote = Vote()
    for _ in range(2):
        vote.add(ENGLISH, 20.0)
        assert not vote.is_sure
    vote.add(ENGLISH, 20.0)
    assert vote.is_sure


def test_listening_goes_on_while_places_differ() -> None:
    vote = Vote()
    for heard in (ENGLISH, GERMAN, GERMAN, GERMAN):
        vote.add(heard, 20.0)
        assert not vote.is_sure


def test_nothing_heard_is_no_language() -> None:
    assert Vote().language is None


def half_minutes(minutes: float) -> Iterator[Samples]:
    """A recording whose samples say in which half minute they are, in blocks of an odd length."""
    numbers = np.arange(round(minutes * 60 * SAMPLE_RATE_HZ), dtype=np.int64) // (30 * SAMPLE_RATE_HZ)
    samples = numbers.astype(np.float32)
    return (samples[at : at + 7_001] for at in range(0, len(samples), 7_001))


@pytest.fixture
def only_seconds(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Speech is detected in the first seconds of a place only: so many as are in this list."""
    lengths = [3.0]

    def detect(samples: Samples) -> list[Span]:
        return [Span(0, min(len(samples), round(lengths[0] * SAMPLE_RATE_HZ)))]

    monkeypatch.setattr(languages, "speech_spans", detect)
    return lengths


def test_places_are_further_and_further_apart_and_have_speech_alone(only_seconds: list[float]) -> None:
    found = list(places(half_minutes(20)))
    assert [int(speech[0]) for speech in found] == [0, 1, 2, 4, 8, 16, 32]
    assert {len(speech) for speech in found} == {3 * SAMPLE_RATE_HZ}


def test_a_short_recording_has_the_places_that_are_in_it(only_seconds: list[float]) -> None:
    assert [int(speech[0]) for speech in places(half_minutes(1.6))] == [0, 1, 2]
    assert list(places(iter(()))) == []


def test_a_cough_is_no_speech_to_tell_a_language_by(only_seconds: list[float]) -> None:
    only_seconds[0] = 0.6
    assert list(places(half_minutes(3))) == []


@pytest.mark.parametrize(
    ("heard", "seconds", "changes"),
    [
        ({"de": 0.95, "en": 0.05}, 20.0, True),
        ({"de": 0.95, "en": 0.05}, 3.0, False),
        ({"de": 0.6, "en": 0.4}, 20.0, False),
        ({"en": 0.99, "de": 0.01}, 20.0, False),
    ],
    ids=["sure", "too short", "unsure", "the same"],
)
def test_a_window_is_a_change_if_it_is_long_and_surely_another_language(
    heard: dict[str, float], seconds: float, changes: bool
) -> None:
    assert Language("en", 0.9).changes(heard, seconds) is changes


def test_languages_are_written_without_the_marks_of_the_model() -> None:
    assert heard_in([("<|en|>", 0.75), ("<|haw|>", 0.25)]) == {"en": 0.75, "haw": 0.25}
