"""Speech to decoding windows, over any speech that hypothesis can think of."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from transcribe_worker.speech.windows import Span, is_speech, parts, plan

LONGEST, LARGEST_GAP = 60, 9


@st.composite
def speeches(draw: st.DrawFn) -> list[Span]:
    """Speech in order, without overlap; pieces may touch and may be far too long."""
    pieces = draw(
        st.lists(st.tuples(st.integers(0, 30), st.integers(1, 200) | st.integers(1, 20)), max_size=25)
    )
    spans, at = [], 0
    for gap, length in pieces:
        spans.append(Span(at + gap, at + gap + length))
        at = spans[-1].end
    return spans


class Quietest:
    """Says where to cut, anywhere in the range, and remembers what it was asked and what it said."""

    def __init__(self, salt: int) -> None:
        self.salt = salt
        self.asked: list[Span] = []
        self.cuts: list[int] = []

    def __call__(self, start: int, end: int) -> int:
        self.asked.append(Span(start, end))
        self.cuts.append(start + (self.salt * (1 + len(self.cuts))) % (end - start))
        return self.cuts[-1]


def planned(speech: list[Span], salt: int = 0) -> tuple[list[Span], Quietest]:
    quietest = Quietest(salt)
    return plan(speech, quietest, longest=LONGEST, largest_gap=LARGEST_GAP), quietest


def pieces_of(speech: list[Span], cuts: list[int]) -> list[Span]:
    """The speech as it is after the cuts."""
    pieces = []
    for span in speech:
        edges = [span.start, *(cut for cut in cuts if span.start < cut < span.end), span.end]
        pieces += [Span(start, end) for start, end in pairwise(edges)]
    return pieces


def inside(piece: Span, window: Span) -> bool:
    return window.start <= piece.start and piece.end <= window.end


@given(speeches(), st.integers(0, 1000))
def test_every_sample_of_speech_is_in_exactly_one_window(speech: list[Span], salt: int):
    windows, _ = planned(speech, salt)

    for span in speech:
        for sample in range(span.start, span.end):
            assert sum(window.start <= sample < window.end for window in windows) == 1


@given(speeches(), st.integers(0, 1000))
def test_windows_are_in_order_do_not_overlap_and_are_never_too_long(speech: list[Span], salt: int):
    windows, _ = planned(speech, salt)

    assert all(0 < window.end - window.start <= LONGEST for window in windows)
    assert all(earlier.end <= later.start for earlier, later in pairwise(windows))


@given(speeches(), st.integers(0, 1000))
def test_windows_begin_and_end_with_speech(speech: list[Span], salt: int):
    windows, quietest = planned(speech, salt)

    pieces = pieces_of(speech, quietest.cuts)
    assert {window.start for window in windows} <= {piece.start for piece in pieces}
    assert {window.end for window in windows} <= {piece.end for piece in pieces}


@given(speeches(), st.integers(0, 1000))
def test_speech_is_cut_only_where_quietest_says_and_only_when_it_is_too_long(speech: list[Span], salt: int):
    windows, quietest = planned(speech, salt)

    boundaries = {window.start for window in windows} | {window.end for window in windows}
    inside_speech = {at for at in boundaries if any(span.start < at < span.end for span in speech)}
    assert inside_speech == set(quietest.cuts)
    if all(span.end - span.start <= LONGEST for span in speech):
        assert not quietest.cuts


@given(speeches(), st.integers(0, 1000))
def test_the_last_third_of_what_fits_is_searched_for_the_cut(speech: list[Span], salt: int):
    _, quietest = planned(speech, salt)

    begins = {span.start for span in speech} | set(quietest.cuts)
    assert all(asked.end - LONGEST in begins for asked in quietest.asked)
    assert all(asked.end - asked.start == LONGEST - 2 * LONGEST // 3 for asked in quietest.asked)


@given(speeches(), st.integers(0, 1000))
def test_only_short_gaps_are_joined_over(speech: list[Span], salt: int):
    windows, quietest = planned(speech, salt)

    for window in windows:
        joined = [piece for piece in pieces_of(speech, quietest.cuts) if inside(piece, window)]
        assert all(later.start - earlier.end <= LARGEST_GAP for earlier, later in pairwise(joined))


@given(speeches(), st.integers(0, 1000))
def test_what_is_near_and_fits_is_joined(speech: list[Span], salt: int):
    windows, quietest = planned(speech, salt)

    pieces = pieces_of(speech, quietest.cuts)
    for earlier, later in pairwise(windows):
        following = next(piece for piece in pieces if inside(piece, later))
        assert following.start - earlier.end > LARGEST_GAP or following.end - earlier.start > LONGEST


@given(speeches(), st.integers(0, 1000))
def test_planning_from_the_start_of_any_window_finds_the_same_windows_from_there_on(
    speech: list[Span], salt: int
):
    windows, quietest = planned(speech, salt)

    for number, window in enumerate(windows):
        rest = [piece for piece in pieces_of(speech, quietest.cuts) if piece.start >= window.start]
        assert planned(rest)[0] == windows[number:]


def test_no_speech_makes_no_window():
    assert planned([])[0] == []


def test_a_gap_as_long_as_allowed_is_joined_and_one_sample_more_is_not():
    assert planned([Span(0, 10), Span(19, 30)])[0] == [Span(0, 30)]
    assert planned([Span(0, 10), Span(20, 30)])[0] == [Span(0, 10), Span(20, 30)]


def test_a_window_as_long_as_allowed_is_one_and_one_sample_more_is_two():
    assert planned([Span(5, 65)])[0] == [Span(5, 65)]
    assert planned([Span(5, 66)])[0] == [Span(5, 45), Span(45, 66)]


def test_a_window_with_speech_in_it_stays_whole():
    window, speech = Span(100, 1100), [Span(50, 200), Span(400, 480)]
    assert parts(window, speech) == [window]
    assert is_speech(window, speech)


def test_a_window_without_speech_stays_whole_and_is_none():
    window = Span(100, 1100)
    around = [Span(0, 100), Span(1100, 1200)]
    assert parts(window, around) == [window]
    assert not is_speech(window, around)


def test_a_word_in_something_loud_stands_alone():
    speech = [Span(300, 340), Span(1080, 1200)]
    alone = [Span(300, 340), Span(1080, 1100)]
    found = parts(Span(100, 1100), speech)
    assert found == [Span(100, 300), alone[0], Span(340, 1080), alone[1]]
    assert [part for part in found if is_speech(part, speech)] == alone


@given(speeches())
def test_what_is_kept_apart_is_all_of_the_window_once(speech: list[Span]):
    window = Span(0, 10_000)
    spans = parts(window, speech)
    assert [spans[0].start, *(span.end for span in spans)] == [*(span.start for span in spans), 10_000]
