"""Voices of ticks become turns, and words get the voice of the turn they are in."""

from __future__ import annotations

import numpy as np
import pytest

from shared.speakers import UNSURE, VOICES, Label, VoiceTurn
from shared.words import Segment, Word, numbered
from transcribe_worker.speakers.by_voices import labels
from transcribe_worker.speakers.labelling import Evidence
from transcribe_worker.speakers.labelling import labels as all_labels
from transcribe_worker.voices.clusters import Found
from transcribe_worker.voices.turns import turns


def found(voices: list[int], margins: list[float], count: int = 2, pieces: int = 20) -> Found:
    return Found(np.array(voices), np.array(margins, np.float32), count, pieces)


def said(*times_ms: tuple[int, int]) -> tuple[Segment, ...]:
    """A segment with a word at each of some times."""
    words = tuple(Word(start, end, f" w{number}", 0.9) for number, (start, end) in enumerate(times_ms))
    return numbered([Segment(times_ms[0][0], times_ms[-1][1], "words", words)])


def test_voices_are_numbered_in_the_order_in_which_they_speak():
    made = turns(found([1, 1, 0, 0], [0.3] * 4), [(0, 400)])
    assert made == (VoiceTurn(0, 200, 1, 0.99), VoiceTurn(200, 400, 2, 0.99))


def test_a_turn_is_as_long_as_the_speech_and_ends_with_it():
    made = turns(found([0] * 10 + [1] * 10, [0.3] * 20), [(50, 480), (730, 1_990)])
    assert [(it.start_ms, it.end_ms, it.voice) for it in made] == [
        (50, 480, 1),
        (730, 1_000, 1),
        (1_000, 1_990, 2),
    ]


def test_a_turn_is_as_probable_as_its_voice_differs_from_the_next():
    made = turns(found([0] * 6, [0.25, 0.15, 0.1, 0.06, 0.03, 0.0]), [(0, 600)])
    assert [it.probability for it in made] == [0.99, 0.95, 0.85, 0.75, 0.6, 0.5]


@pytest.mark.parametrize(
    ("pieces", "alike", "probability"), [(2, 0.5, 0.8), (30, 0.02, 0.8), (30, 0.2, 0.95), (30, 1.0, 0.95)]
)
def test_one_voice_alone_is_less_sure_in_a_short_recording_and_where_it_was_nearly_two(
    pieces: int, alike: float, probability: float
):
    alone = Found(np.zeros(5, np.int64), np.ones(5, np.float32), 1, pieces, alike)
    assert turns(alone, [(0, 500)]) == (VoiceTurn(0, 500, 1, probability),)


def test_speech_after_the_last_piece_is_said_by_the_last_voice():
    made = turns(found([0] * 5, [0.3] * 5), [(0, 480), (600, 700)])
    assert all(it.voice == 1 for it in made)


TURNS = (VoiceTurn(0, 1_000, 1, 0.99), VoiceTurn(1_000, 2_000, 2, 0.95), VoiceTurn(2_000, 2_300, 2, 0.6))


def test_a_word_belongs_to_the_voice_that_speaks_for_the_most_of_it():
    made = labels(said((100, 300), (300, 900), (900, 1_300), (1_400, 1_400)), TURNS)
    assert made == [
        Label(0, 1, "voice 1", VOICES, 0.99),
        Label(2, 2, "voice 2", VOICES, 0.71),
        Label(3, 3, "voice 2", VOICES, 0.95),
    ]


def test_a_word_over_a_change_of_voices_is_less_probable_than_its_turns():
    (label,) = labels(said((800, 1_300)), TURNS)
    assert (label.speaker, label.probability) == ("voice 2", 0.57)


def test_a_word_near_a_turn_is_of_its_voice_and_one_far_from_all_is_unsure():
    made = labels(said((2_400, 2_600), (3_100, 3_300)), TURNS)
    assert made == [Label(0, 0, "voice 2", VOICES, 0.6), Label(1, 1, UNSURE, VOICES, 0.0)]


def test_one_voice_alone_says_every_word():
    made = labels(said((0, 200), (90_000, 90_200)), (VoiceTurn(0, 1_000, 1, 0.95),))
    assert made == [Label(0, 1, "voice 1", VOICES, 0.95)]


def test_without_turns_nobody_is_named():
    assert labels(said((0, 200)), ()) == []


def test_words_of_one_channel_are_labelled_by_voices_and_those_of_channels_by_their_channel():
    segments = said((100, 300), (1_100, 1_300))
    assert [it.speaker for it in all_labels(segments, Evidence(turns=TURNS))] == ["voice 1", "voice 2"]
    apart = numbered([Segment(0, 300, "w", segments[0].words, channel=1)])
    assert [it.source for it in all_labels(apart, Evidence(turns=TURNS))] == ["channels"]
