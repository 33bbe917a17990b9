"""Segments as subtitles: one after another, each of some length, with its words inside."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from shared.words import Segment, Word
from transcribe_worker.recognition.attempts import SHORTEST_SEGMENT_MS, in_order
from transcribe_worker.speech.stretches import SAMPLE_RATE_HZ, Window

START_SECONDS, SECONDS = 5, 30
WINDOW = Window(START_SECONDS * SAMPLE_RATE_HZ, np.zeros(SECONDS * SAMPLE_RATE_HZ, np.float32), ())


def segment(start_ms: int, end_ms: int, *words: tuple[int, int]) -> Segment:
    return Segment(
        start_ms, end_ms, "said", tuple(Word(*times, "said", 1.0) for times in words), -0.1, 0.0, 1.0
    )


times_ms = st.integers(START_SECONDS * 1000, (START_SECONDS + SECONDS) * 1000)
spans_ms = st.tuples(times_ms, times_ms).map(lambda both: (min(both), max(both)))
segments = st.builds(
    lambda span, words: segment(*span, *words), spans_ms, st.lists(spans_ms, max_size=4).map(sorted)
)


def test_a_sentence_that_reaches_into_the_next_one_ends_where_that_begins() -> None:
    first, second = segment(5_400, 27_360, (5_400, 27_360)), segment(12_000, 18_780, (12_000, 18_780))
    assert in_order([(0, first), (6, second)], WINDOW) == (segment(5_400, 12_000, (5_400, 12_000)), second)


def test_a_sentence_that_was_placed_behind_the_next_one_stands_before_it_and_has_a_length() -> None:
    late, next_one = segment(14_000, 14_500, (14_000, 14_500)), segment(12_000, 18_000)
    assert in_order([(0, late), (6, next_one)], WINDOW) == (
        segment(12_000 - SHORTEST_SEGMENT_MS, 12_000, (12_000, 12_000)),
        next_one,
    )


def test_sentences_in_order_stay_as_they_are() -> None:
    both = segment(5_400, 6_000, (5_500, 5_700), (5_700, 5_900)), segment(6_000, 8_000, (6_100, 8_000))
    assert in_order(list(enumerate(both)), WINDOW) == both


@given(st.lists(segments, max_size=20))
def test_wherever_the_model_places_them_none_overlaps_or_is_empty_or_has_words_outside(
    placed: list[Segment],
) -> None:
    found = in_order(list(enumerate(placed)), WINDOW)
    assert [it.text for it in found] == [it.text for it in placed]
    assert all(START_SECONDS * 1000 <= it.start_ms < it.end_ms for it in found)
    assert all(one.end_ms <= other.start_ms for one, other in pairwise(found))
    for it in found:
        edges = [
            it.start_ms,
            *(edge for word in it.words for edge in (word.start_ms, word.end_ms)),
            it.end_ms,
        ]
        assert edges == sorted(edges)
