"""Labels of words of a captured call with one channel, from the loudness of both sides."""

from __future__ import annotations

import time
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.loudness import SideLevels, as_byte, echo_bytes
from shared.speakers import LOUDNESS, ME, THEM, UNSURE, Label
from shared.words import Segment, Word, numbered
from transcribe_worker.speakers.by_loudness import labels
from transcribe_worker.speakers.labelling import Evidence
from transcribe_worker.speakers.labelling import labels as labels_from_evidence

#: A side, from a second to a second.
Said = tuple[str, float, float]
ALTERNATING = [
    (ME, 1.0, 4.0),
    (THEM, 4.5, 8.0),
    (ME, 8.3, 9.0),
    (THEM, 9.4, 16.0),
    (ME, 16.5, 22.0),
    (THEM, 22.5, 27.0),
]
SYLLABLES_DB = (0.0, 1.0, -2.0, -9.0, -20.0)


def power(dbfs: float) -> float:
    return 10.0 ** (dbfs / 10)


def levels(
    said: Iterable[Said],
    seconds: float = 30.0,
    *,
    me_dbfs: float = -25.0,
    them_dbfs: float = -25.0,
    noise_dbfs: tuple[float, float] = (-70.0, -90.0),
    echo_db: float | None = None,
    lag_ms: int = 60,
    rate: int = 50,
    measured: bool = True,
) -> SideLevels:
    """The levels of a call: syllables of four or five ticks at 50 a second, noise, and the far side again."""
    fine = 50
    near, far = ([power(noise)] * round(seconds * fine) for noise in noise_dbfs)
    for speaker, start, end in said:
        side, loud = (near, me_dbfs) if speaker == ME else (far, them_dbfs)
        for tick in range(round(start * fine), round(end * fine)):
            side[tick] += power(loud + SYLLABLES_DB[tick * (3 if speaker == ME else 2) // 2 % 5])
    late = lag_ms * fine // 1000
    if echo_db is not None:
        near = [own + power(echo_db) * far[max(0, tick - late)] for tick, own in enumerate(near)]
    echo = b"".join(_echo(near, far, second * fine, late, lag_ms) for second in range(int(seconds)))
    return SideLevels(
        rate,
        _bytes(near, fine // rate),
        _bytes(far, fine // rate),
        echo if measured and rate == fine else b"",
    )


def _echo(near: list[float], far: list[float], start: int, late: int, lag_ms: int) -> bytes:
    """Take the share of the microphone's power that the far side explains for the square of a correlation."""
    heard, again = sum(near[start : start + 50]), sum(far[max(0, start - late) : start - late + 50])
    is_loud = again > 50 * power(-60)
    both = zip(near[start : start + 50], far[max(0, start - late) : start - late + 50], strict=False)
    scale = min((own / other for own, other in both if other > power(-50)), default=0.0)
    return echo_bytes(min(1.0, (scale * again / heard) ** 0.5) if is_loud else 0.1, lag_ms if is_loud else 17)


def _bytes(powers: list[float], together: int) -> bytes:
    means = [sum(powers[at : at + together]) / together for at in range(0, len(powers), together)]
    return bytes(as_byte(mean**0.5) for mean in means)


def spoken(said: Iterable[Said], *, off_ms: int = 0) -> tuple[Segment, ...]:
    """A segment for each stretch, of words of 0.3 s, the last with a full stop; their times may be off."""
    return numbered(_segment(start, end, off_ms) for _, start, end in said)


def _segment(start: float, end: float, off_ms: int) -> Segment:
    count = max(1, round((end - start) / 0.3))
    edges = [round(1000 * (start + (end - start) * n / count)) + off_ms for n in range(count + 1)]
    words = tuple(
        Word(edges[n], edges[n + 1], f" word{'.' if n == count - 1 else ''}", 0.9) for n in range(count)
    )
    return Segment(edges[0], edges[-1], "".join(word.text for word in words).strip(), words)


def who(found: Iterable[Label]) -> list[str]:
    """The speaker of each word."""
    return [label.speaker for label in found for _ in range(label.first_word, label.last_word + 1)]


def truth(said: Iterable[Said]) -> list[str]:
    said = list(said)
    return [
        speaker for (speaker, _, _), segment in zip(said, spoken(said), strict=True) for _ in segment.words
    ]


def labelled(said: list[Said], **given: object) -> list[str]:
    return who(labels(spoken(said), levels(said, **given)))  # type: ignore[arg-type]


def test_words_belong_to_the_side_that_speaks_and_say_how_this_is_known():
    found = labels(spoken(ALTERNATING), levels(ALTERNATING))

    assert who(found) == truth(ALTERNATING)
    assert {label.source for label in found} == {LOUDNESS}
    assert all(label.probability and label.probability >= 0.9 for label in found)


@pytest.mark.parametrize(("me_dbfs", "them_dbfs"), [(-20, -40), (-40, -20), (-45, -45)])
def test_the_sides_may_be_twenty_decibels_apart_or_both_quiet(me_dbfs: float, them_dbfs: float):
    assert labelled(ALTERNATING, me_dbfs=me_dbfs, them_dbfs=them_dbfs) == truth(ALTERNATING)


@pytest.mark.parametrize("noise_dbfs", [(-45.0, -127.0), (-127.0, -45.0), (-45.0, -45.0)])
def test_noise_is_nobody(noise_dbfs: tuple[float, float]):
    assert labelled(ALTERNATING, noise_dbfs=noise_dbfs) == truth(ALTERNATING)


@pytest.mark.parametrize("echo_db", [-3.0, -6.0, -12.0, -30.0])
@pytest.mark.parametrize("lag_ms", [0, 90, 200])
def test_the_far_side_in_the_microphone_is_not_the_near_side(echo_db: float, lag_ms: int):
    assert labelled(ALTERNATING, echo_db=echo_db, lag_ms=lag_ms) == truth(ALTERNATING)


def test_an_echo_louder_than_the_near_side_is_not_the_near_side():
    assert labelled(ALTERNATING, me_dbfs=-32, them_dbfs=-20, echo_db=-3) == truth(ALTERNATING)


@pytest.mark.parametrize("echo_db", [None, -3.0, -6.0])
def test_an_older_call_with_ten_ticks_a_second_and_no_measured_echo_is_labelled_too(echo_db: float | None):
    assert labelled(ALTERNATING, echo_db=echo_db, rate=10) == truth(ALTERNATING)


def test_a_word_said_meanwhile_belongs_to_who_said_it():
    said = [(THEM, 1.0, 5.0), (ME, 5.1, 5.4), (THEM, 5.5, 12.0), (ME, 12.5, 13.0), (THEM, 13.5, 20.0)]

    assert labelled(said) == truth(said)


@pytest.mark.parametrize("off_ms", [-250, 250])
def test_word_times_that_are_a_quarter_of_a_second_off_do_not_move_a_turn(off_ms: int):
    found = labels(spoken(ALTERNATING, off_ms=off_ms), levels(ALTERNATING))

    assert who(found) == truth(ALTERNATING)


def test_minutes_of_silence_of_one_side_change_nothing():
    said = [(ME, float(at), at + 4.0) for at in range(1, 300, 5)]
    said += [(THEM, 301.0, 306.0), (ME, 307.0, 309.0)]

    assert labelled(said, seconds=310) == truth(said)


def test_a_sentence_that_is_said_into_a_long_turn_belongs_to_the_side_that_stops_after_it():
    said = [(THEM, 1.0, 6.0), (ME, 6.0, 7.2), (THEM, 7.2, 12.0)]
    at_once = levels([(THEM, 1.0, 12.0), (ME, 6.0, 7.2)], me_dbfs=-22)

    assert who(labels(spoken(said), at_once)) == truth(said)


@pytest.mark.parametrize("noise_dbfs", [(-70.0, -127.0), (-60.0, -70.0), (-60.0, -60.0)])
def test_with_a_far_side_that_never_speaks_the_near_side_is_doubtful(noise_dbfs: tuple[float, float]):
    """The loopback may be another device's, and the microphone may hear everybody."""
    said = [(ME, 1.0, 4.0), (ME, 5.0, 9.0)]

    found = labels(spoken(said), levels(said, 10, noise_dbfs=noise_dbfs))

    assert {(label.speaker, label.probability) for label in found} == {(ME, 0.6)}


def test_with_a_near_side_that_never_speaks_the_far_side_is_sure():
    said = [(THEM, 1.0, 4.0), (THEM, 5.0, 9.0)]

    assert {(label.speaker, label.probability) for label in labels(spoken(said), levels(said, 10))} == {
        (THEM, 0.99)
    }


def test_where_nobody_is_heard_the_speaker_is_unsure():
    (label,) = labels(spoken([(ME, 1.0, 4.0)]), levels([], 10))

    assert (label.speaker, label.first_word, label.last_word) == (UNSURE, 0, 9)
    assert label.probability is not None
    assert label.probability < 0.7


def test_words_after_the_last_level_are_not_sure():
    said = [(ME, 1.0, 4.0), (THEM, 5.0, 9.0), (ME, 30.0, 33.0), (THEM, 40.0, 50.0)]

    found = labels(spoken(said), levels(said[:2], 10))

    assert all(label.probability and label.probability < 0.9 for label in found if label.first_word > 23)


def test_a_call_without_words_has_no_labels():
    assert labels((), levels(ALTERNATING)) == []
    assert labels((Segment(0, 1000, "no times", first_word=0),), levels(ALTERNATING)) == []
    assert who(labels(spoken(ALTERNATING), SideLevels(50, b"", b""))) == [UNSURE] * len(truth(ALTERNATING))


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-5_000, 40_000), st.integers(-200, 3_000)), max_size=30),
    st.binary(max_size=2_000),
    st.binary(max_size=2_000),
    st.binary(max_size=80),
    st.sampled_from([1, 10, 50, 100]),
)
def test_any_levels_and_times_give_each_word_one_speaker(
    times: list[tuple[int, int]], microphone: bytes, loopback: bytes, echo: bytes, rate: int
):
    words = tuple(Word(start, start + length, " word", 0.5) for start, length in times)
    segments = numbered([Segment(0, 1, "", words[:7]), Segment(1, 2, "", words[7:])])

    found = labels(segments, SideLevels(rate, microphone, loopback, echo))

    covered = [word for label in found for word in range(label.first_word, label.last_word + 1)]
    assert covered == list(range(len(words)))
    assert all(0.5 <= label.probability <= 1 for label in found if label.probability is not None)
    assert {label.speaker for label in found} <= {ME, THEM, UNSURE}


def test_a_captured_call_of_one_channel_is_labelled_from_its_levels():
    evidence = Evidence(is_capture=True, levels=levels(ALTERNATING))

    assert who(labels_from_evidence(spoken(ALTERNATING), evidence)) == truth(ALTERNATING)


def test_nine_thousand_words_of_an_hour_are_labelled_in_about_a_second():
    said = [(speaker, at, at + 3.0) for at in range(0, 3600, 4) for speaker in (ME, THEM)[at // 4 % 2 :][:1]]
    hour, segments = levels(said, 3600, echo_db=-6), spoken(said)
    began = time.thread_time()

    found = labels(segments, hour)

    assert len(who(found)) == 9_000
    assert time.thread_time() - began < 3
