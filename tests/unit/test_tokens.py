"""What Whisper has written, split at its time stamps."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from transcribe_worker.recognition.tokens import (
    SECONDS_PER_STAMP,
    Said,
    split,
    without_echoes,
    without_padding,
)

FIRST_STAMP = 1000


def stamp(seconds: float) -> int:
    return FIRST_STAMP + round(seconds / SECONDS_PER_STAMP)


def test_sentences_stand_between_their_stamps():
    tokens = [stamp(0), 1, 2, stamp(1.5), stamp(2), 3, stamp(4)]
    assert split(tokens, FIRST_STAMP, 5.0) == ([Said(0.0, 1.5, [1, 2]), Said(2.0, 4.0, [3])], None)


def test_a_sentence_that_was_cut_off_stands_apart():
    tokens = [stamp(0), 1, 2, stamp(1.5), stamp(1.5), 3, 4]
    assert split(tokens, FIRST_STAMP, 5.0) == ([Said(0.0, 1.5, [1, 2])], Said(1.5, 5.0, [3, 4]))
    assert split([stamp(0.5), 1, 2], FIRST_STAMP, 5.0) == ([], Said(0.5, 5.0, [1, 2]))


def test_nothing_written_is_nothing_said():
    assert split([], FIRST_STAMP, 5.0) == ([], None)
    assert split([stamp(0), stamp(0)], FIRST_STAMP, 5.0) == ([], None)


def test_no_stamp_is_behind_the_window():
    assert split([stamp(0), 1, stamp(9)], FIRST_STAMP, 5.0) == ([Said(0.0, 5.0, [1])], None)


@given(st.lists(st.integers(0, 9) | st.integers(FIRST_STAMP, FIRST_STAMP + 1500), max_size=60))
def test_whatever_is_written_sentences_are_in_the_window_and_none_ends_before_it_begins(tokens: list[int]):
    said, cut_off = split(tokens, FIRST_STAMP, 28.0)
    parts = [*said, cut_off] if cut_off else said
    assert all(0 <= part.start_seconds <= part.end_seconds <= 28.0 for part in parts)
    assert [token for part in parts for token in part.tokens] == [t for t in tokens if t < FIRST_STAMP]


def test_what_begins_after_the_sound_is_left_out():
    spoken, made_up = Said(1.0, 5.0, [1, 2]), Said(5.0, 5.0, [3, 4])
    assert without_padding([spoken, made_up], 5.0) == [spoken]


def test_a_sentence_that_is_written_again_in_no_time_is_left_out():
    said = Said(0.0, 7.0, [*range(22)])
    assert without_echoes([said, Said(7.0, 7.8, [*range(22)])]) == [said]


def test_a_sentence_that_is_said_again_stays():
    said = [Said(0.0, 0.4, [1, 2]), Said(0.4, 0.8, [1, 2]), Said(0.8, 3.0, [3])]
    assert without_echoes(said) == said
