"""What is left to decode of a window, and what room it is given."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from transcribe_worker.recognition.pieces import LENGTHS, Piece, holes, rest
from transcribe_worker.recognition.tokens import Said
from transcribe_worker.speech.stretches import SAMPLE_RATE_HZ, Window
from transcribe_worker.speech.windows import Span


def window(seconds: float, spoken_seconds: float | None = None) -> Window:
    """A window that begins with speech, or is nothing else."""
    samples, spoken = (
        round(length * SAMPLE_RATE_HZ)
        for length in (seconds, seconds if spoken_seconds is None else spoken_seconds)
    )
    return Window(5 * SAMPLE_RATE_HZ, np.zeros(samples, np.float32), (Span(0, spoken),))


def segment(stamps: tuple[float, float], words: tuple[float, float] | None = None) -> dict[str, Any]:
    start, end = words or stamps
    return {"stamps": stamps, "start": start, "end": end}


def seconds(piece: Piece) -> tuple[float, float]:
    return piece.offset / SAMPLE_RATE_HZ, piece.end / SAMPLE_RATE_HZ


@pytest.mark.parametrize(
    ("length", "padding", "given"),
    [(0.5, 2, 12), (9, 3, 12), (9.1, 3, 16), (10, 2, 12), (29, 3, 30)],
)
def test_a_window_is_given_the_next_length_with_room_for_its_padding(
    length: float, padding: float, given: int
) -> None:
    assert Piece.whole(window(length)).frames(padding) == given * 100


def test_no_window_is_given_more_than_the_model_knows() -> None:
    assert max(LENGTHS) == 3_000
    assert Piece.whole(window(60)).frames(3) == 3_000


def test_a_rest_is_given_more_room_than_a_window_of_its_length() -> None:
    (left,) = rest(Piece.whole(window(14)), [Said(0.0, 6.0, [1])])
    assert seconds(left) == (6.0, 14.0)
    assert left.frames(2) == 1_600
    assert Piece.whole(window(8)).frames(2) == 1_200


def test_a_rest_in_which_no_speech_was_detected_is_not_speech_because_its_window_is() -> None:
    whole = Piece.whole(window(28, spoken_seconds=6))
    (left,) = rest(whole, [Said(0.0, 5.7, [1])])
    assert whole.has_speech
    assert not left.has_speech


@pytest.mark.parametrize("end", [0.5, 9.5])
def test_a_rest_of_half_a_word_and_one_that_is_nearly_all_of_it_are_left_alone(end: float) -> None:
    assert rest(Piece.whole(window(10)), [Said(0.0, end, [1])]) == []


def test_nothing_is_left_of_a_window_of_which_nothing_was_written() -> None:
    assert rest(Piece.whole(window(10)), []) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (segment((0, 4)), segment((8, 12))),
        (segment((0, 4), (0, 5.5)), segment((8, 12), (6, 12))),
        (segment((0, 6), (0, 4)), segment((6, 12), (8, 12))),
    ],
    ids=["by both", "by stamps alone", "by words alone"],
)
def test_what_was_passed_over_between_two_sentences_is_found(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    (hole,) = holes(Piece.whole(window(12)), [before, after], 2.5)
    assert seconds(hole) == (4, 8)


def test_a_hole_in_a_rest_lies_behind_where_the_rest_begins() -> None:
    (hole,) = holes(
        Piece(window(20), 6 * SAMPLE_RATE_HZ, 18 * SAMPLE_RATE_HZ), [segment((0, 1)), segment((5, 9))], 2.5
    )
    assert seconds(hole) == (7, 11)


def test_a_pause_is_no_hole() -> None:
    assert holes(Piece.whole(window(12)), [segment((0, 4)), segment((6.5, 12))], 2.5) == []


def test_a_hole_as_long_as_its_piece_is_not_decoded_again_and_again() -> None:
    whole = Piece.whole(window(12))
    assert holes(whole, [segment((0, 0)), segment((12, 12))], 2.5) == []
    (hole,) = holes(whole, [segment((0, 0.02)), segment((12, 12))], 2.5)
    assert seconds(hole) == (0.02, 12)
