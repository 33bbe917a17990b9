"""Speech detection in a stream: the real detector over real calls, and a fake one over days of them."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.noises import NOISES
from tests.voices import LONG_CALL, Call, Turn, speak, trimmed
from transcribe_worker.recognition.presets import PRESETS, Preset
from transcribe_worker.speech import detection
from transcribe_worker.speech.detection import FRAMES_AT_ONCE, Heard, all_of_it, detect_speech, evened
from transcribe_worker.speech.energy import union
from transcribe_worker.speech.stretches import (
    FRAME,
    LONGEST_STRETCH,
    SHORTEST_STRETCH,
    SHORTEST_WINDOW,
    Detect,
    Stretch,
    Window,
    quietest,
    stretches,
)
from transcribe_worker.speech.windows import LARGEST_GAP, LONGEST, SAMPLE_RATE_HZ, Span, parts, plan

Samples = NDArray[np.float32]
Place = tuple[int, int, int]  # start, end, stretch

HALF_A_SECOND = SAMPLE_RATE_HZ // 2
SPEAKERS_DB_APART = 24
LOUD = np.random.default_rng(0).uniform(0.1, 0.9, 7 * SAMPLE_RATE_HZ + 123).astype(np.float32)


def in_blocks(samples: Samples, *sizes: int) -> Iterator[Samples]:
    """The samples in blocks of these sizes, again and again."""
    at, number = 0, 0
    while at < len(samples):
        size = sizes[number % len(sizes)]
        yield samples[at : at + size]
        at, number = at + size, number + 1


def behind(blocks: Iterable[Samples], frames: int) -> Iterator[Samples]:
    """The blocks of a stream whose first frames are left out: how an attempt that goes on reads a file."""
    for block in blocks:
        if frames < len(block):
            yield block[frames:]
        frames = max(0, frames - len(block))


def found(
    blocks: Iterable[Samples], detect: Detect, start: int = 0, largest_gap: int = LARGEST_GAP
) -> list[Stretch]:
    return list(stretches(blocks, detect, start=start, largest_gap=largest_gap))


def windows(found: Iterable[Stretch]) -> list[Window]:
    return [window for stretch in found for window in stretch.windows]


def places(found: Iterable[Stretch]) -> list[Place]:
    return [(window.start, window.end, stretch.start) for stretch in found for window in stretch.windows]


def not_silent(samples: Samples) -> Heard:
    """A detector that depends on nothing but the sample itself: whatever is not 0 is speech."""
    edges = np.flatnonzero(np.diff(samples != 0, prepend=False, append=False))
    return Heard([Span(int(start), int(end)) for start, end in edges.reshape(-1, 2)], [])


def made_of(lengths_seconds: Iterable[tuple[float, float]]) -> Samples:
    """Pauses and noise, each of the given length."""
    pieces = []
    for pause, loud in lengths_seconds:
        pieces.append(np.zeros(round(pause * SAMPLE_RATE_HZ), np.float32))
        pieces.append(np.resize(LOUD, round(loud * SAMPLE_RATE_HZ)))
    return np.concatenate(pieces)


def told_apart(samples: Samples) -> Heard:
    """Another: whatever is over a half is speech, the rest of what is not 0 is loud."""
    loud = np.where(samples > 0.5, 0, samples).astype(np.float32)
    return Heard(not_silent(samples - loud).speech, not_silent(loud).speech)


def noise(dbfs: float, seconds: float) -> Samples:
    samples = np.random.default_rng(1).standard_normal(round(seconds * SAMPLE_RATE_HZ))
    return (samples * 10 ** (dbfs / 20)).astype(np.float32)


def turns_of(call: Call, speaker: str) -> list[slice]:
    """Where in a call a speaker speaks; the pause behind a turn counts to it."""
    edges = [*(round(at * SAMPLE_RATE_HZ) for at in call.starts_seconds), len(call.samples)]
    turns = zip(call.turns, pairwise(edges), strict=True)
    return [slice(*bounds) for turn, bounds in turns if turn.speaker == speaker]


def dbfs(samples: Samples) -> float:
    return float(10 * np.log10(np.mean(np.square(samples, dtype=np.float64))))


@pytest.fixture(scope="module")
def longer_call(long_call: Call) -> Samples:
    """More than six minutes, so that the stream is looked at in several stretches."""
    pause = np.zeros(9 * SAMPLE_RATE_HZ, np.float32)
    return np.concatenate([long_call.samples, pause, long_call.samples[: 150 * SAMPLE_RATE_HZ]])


@pytest.fixture(scope="module")
def usual(longer_call: Samples) -> list[Stretch]:
    """The windows as the engine finds them, from blocks of half a second."""
    return found(in_blocks(longer_call, HALF_A_SECOND), detect_speech)


# Windows with the real detector


def test_nearly_all_that_is_said_is_in_a_window(long_call: Call, usual: list[Stretch]):
    said = np.abs(long_call.samples) > 0.02
    covered = np.zeros(len(said), bool)
    for window in windows(usual):
        covered[window.start : window.end] = True

    assert said[covered].sum() / said.sum() > 0.999


def test_windows_are_in_order_and_hold_the_samples_they_stand_for(longer_call: Samples, usual: list[Stretch]):
    ends = [0, *(window.end for window in windows(usual))]
    for window, last_end in zip(windows(usual), ends, strict=False):
        assert last_end <= window.start < window.end <= min(window.start + LONGEST, len(longer_call))
        assert np.array_equal(window.samples, longer_call[window.start : window.end])
    for stretch, behind in pairwise(usual):
        assert stretch.end == behind.start
    assert all(stretch.start <= window.start for stretch in usual for window in stretch.windows)
    assert len(usual) >= 3


@pytest.mark.parametrize("size", [10_007, 100_000_000])
def test_windows_do_not_depend_on_how_the_stream_is_cut_into_blocks(
    longer_call: Samples, usual: list[Stretch], size: int
):
    assert places(found(in_blocks(longer_call, size), detect_speech)) == places(usual)


def test_an_attempt_that_goes_on_from_any_window_finds_the_same_windows_from_there(
    longer_call: Samples, usual: list[Stretch]
):
    for stretch in (stretch.start for stretch in usual):
        blocks = behind(in_blocks(longer_call, HALF_A_SECOND), stretch)
        again = found(blocks, detect_speech, stretch)

        assert places(again) == [place for place in places(usual) if place[2] >= stretch]


def test_silence_has_no_speech_in_it():
    silence = np.zeros(3 * 60 * SAMPLE_RATE_HZ, np.float32)

    assert windows(found(in_blocks(silence, HALF_A_SECOND), detect_speech)) == []


@pytest.mark.parametrize("level", [-50, -30])
def test_white_noise_has_almost_no_speech_in_it(level: float):
    speech = detect_speech(noise(level, seconds=60)).speech

    assert sum(span.end - span.start for span in speech) < 0.02 * 60 * SAMPLE_RATE_HZ


@pytest.mark.parametrize("detect", [detect_speech, all_of_it, not_silent])
def test_an_empty_stream_has_no_windows(detect: Detect):
    assert found([], detect) == [Stretch(0, 0, [])]


@pytest.mark.parametrize("frames", [1, 511, 1_600])
def test_a_call_shorter_than_the_detector_looks_at_is_no_error(frames: int):
    assert windows(found([noise(-20, seconds=1)[:frames]], detect_speech)) == []


# Levels


@pytest.mark.parametrize("earlier_seconds", [0, 0.25, 0.5, 0.75])
def test_a_speaker_far_below_the_other_is_brought_up_to_about_the_same_loudness(
    short_call: Call, earlier_seconds: float
):
    samples = short_call.samples.copy()
    for turn in turns_of(short_call, "joe"):
        samples[turn] *= 10 ** (-SPEAKERS_DB_APART / 20)
    pause = np.zeros(round(earlier_seconds * SAMPLE_RATE_HZ), np.float32)
    raised = evened(np.concatenate([pause, samples]))[len(pause) :]
    laura, joe = (
        [dbfs(raised[turn]) for turn in turns_of(short_call, speaker)] for speaker in ("laura", "joe")
    )

    assert abs(np.mean(laura) - np.mean(joe)) < 9


def test_a_speaker_far_below_the_other_is_found_as_well_as_the_other(short_call: Call):
    samples = short_call.samples.copy()
    turns = turns_of(short_call, "joe")
    for turn in turns:
        samples[turn] *= 10 ** (-SPEAKERS_DB_APART / 20)
    covered = np.zeros(len(samples), bool)
    for span in detect_speech(samples).speech:
        covered[span.start : span.end] = True

    said = np.abs(short_call.samples) > 0.05
    assert all(covered[turn][said[turn]].mean() > 0.98 for turn in turns)


def test_the_same_speech_is_found_however_many_frames_the_detector_gets_at_once(
    short_call: Call, monkeypatch: pytest.MonkeyPatch
):
    frames = len(short_call.samples) // 512
    usual = detect_speech(short_call.samples).speech

    for at_once in (7, FRAMES_AT_ONCE // 10, 2 * frames):
        monkeypatch.setattr(detection, "FRAMES_AT_ONCE", at_once)
        assert detect_speech(short_call.samples).speech == usual


@given(st.floats(-80, 0), st.integers(0, 25 * SAMPLE_RATE_HZ), st.integers(0, 100))
@settings(max_examples=30, deadline=None)
def test_evening_out_never_clips_beyond_full_scale_or_makes_anything_quieter(
    level: float, length: int, seed: int
):
    samples = np.random.default_rng(seed).standard_normal(length) * 10 ** (level / 20)
    samples = samples.clip(-1, 1).astype(np.float32)

    raised = evened(samples)

    assert raised.shape == samples.shape
    assert raised.dtype == np.float32
    assert np.all(np.abs(raised) <= 1)
    assert np.all(np.abs(raised) >= np.abs(samples) * 0.999999)
    assert np.all(np.sign(raised) == np.sign(samples))


def test_the_gain_has_a_limit():
    raised = evened(noise(-80, seconds=5))

    assert dbfs(raised) == pytest.approx(-80 + 20 * np.log10(30), abs=0.1)


@given(st.integers(1, 12), st.integers(0, 12 * SAMPLE_RATE_HZ), st.integers(0, 100))
@settings(max_examples=30, deadline=None)
def test_what_follows_whole_seconds_changes_the_gain_of_their_last_half_second_only(
    seconds: int, following: int, seed: int
):
    chance = np.random.default_rng(seed)
    length = seconds * SAMPLE_RATE_HZ + following
    levels = np.repeat(10 ** chance.uniform(-4, 0, 25), SAMPLE_RATE_HZ)[:length]
    samples = (chance.uniform(-1, 1, length) * levels).astype(np.float32)
    beginning = samples[: seconds * SAMPLE_RATE_HZ]
    known = len(beginning) - HALF_A_SECOND

    assert np.array_equal(evened(beginning)[:known], evened(samples)[:known])


@pytest.mark.parametrize("left", [1, HALF_A_SECOND])
def test_a_silent_part_of_a_second_at_the_end_makes_nothing_before_it_louder(left: int):
    loud = noise(-20, seconds=3)
    with_end = np.concatenate([loud, np.zeros(left, np.float32)])

    assert dbfs(evened(with_end)[: len(loud)]) == pytest.approx(dbfs(evened(loud)), abs=1.0)


# Cutting


@given(st.integers(0, 50_000), st.integers(FRAME, 60_000), st.integers(0, 100))
@settings(max_examples=50, deadline=None)
def test_a_cut_is_within_what_was_asked_for(start: int, length: int, seed: int):
    samples = np.random.default_rng(seed).uniform(-1, 1, start + length).astype(np.float32)

    assert start <= quietest(samples, start, start + length) < start + length


def test_a_cut_is_in_the_middle_of_the_quietest_tenth_of_a_second():
    samples = noise(-20, seconds=10)
    middle = 7 * SAMPLE_RATE_HZ
    samples[middle - 800 : middle + 800] *= 0.01

    assert abs(quietest(samples, 4 * SAMPLE_RATE_HZ, len(samples)) - middle) <= FRAME


def test_a_long_pause_is_cut_in_rather_than_a_short_one_that_is_a_little_quieter():
    samples = noise(-20, seconds=10)
    for middle, length, gain in ((5, 0.1, 0.0099), (8, 0.3, 0.01)):
        pause = slice(*(round((middle + side * length / 2) * SAMPLE_RATE_HZ) for side in (-1, 1)))
        samples[pause] *= gain

    assert abs(quietest(samples, 4 * SAMPLE_RATE_HZ, len(samples)) - 8 * SAMPLE_RATE_HZ) <= FRAME


@pytest.fixture(scope="module")
def monologue() -> tuple[Samples, NDArray[np.bool_]]:
    """Two minutes of words without a pause that speech detection would end at, and where the words are."""
    words = dict.fromkeys(word for turn in LONG_CALL[1:6:2] for word in turn.text.split())
    spoken = [trimmed(speak([Turn("joe", word)], pause_seconds=(0, 0)).samples) * 0.4 for word in words]
    chance = np.random.default_rng(1)
    pieces, inside = [], []
    for number in range(4 * 60):
        between = (0.25, 0.4) if number % 10 == 9 else (0.03, 0.12)
        pause, word = made_of([(chance.uniform(*between), 0)]), spoken[chance.integers(len(spoken))]
        pieces += [pause, word]
        inside += [np.zeros(len(pause), bool), np.ones(len(word), bool)]
    return np.concatenate(pieces), np.concatenate(inside)


@pytest.mark.parametrize(
    ("around", "below_db"), [("silence", 0), ("room", 20), ("room", 10), ("pink", 20), ("white", 30)]
)
def test_no_cut_falls_into_a_word(monologue: tuple[Samples, NDArray[np.bool_]], around: str, below_db: float):
    words, inside = monologue
    heard = words + NOISES[around](len(words) / SAMPLE_RATE_HZ, dbfs(words) - below_db, 1)
    searched = LONGEST // 3

    assert len(detect_speech(heard).speech) == 1
    cuts = [
        quietest(heard, start, start + searched)
        for start in range(0, len(heard) - searched, 2 * SAMPLE_RATE_HZ)
    ]
    assert len(cuts) > 40
    assert not inside[cuts].any()


# The stream, with a detector that is always right

lengths_seconds = st.lists(
    st.tuples(
        st.floats(0.1, 2) | st.floats(2.9, 3.1) | st.floats(4, 200),
        st.floats(0.1, 15) | st.floats(27, 29) | st.floats(30, 150),
    ),
    min_size=1,
    max_size=6,
)
block_sizes = st.lists(st.integers(1_000, 100_000) | st.just(5_000_000), min_size=1, max_size=3)


@given(lengths_seconds, block_sizes)
@settings(max_examples=20, deadline=None)
def test_stretches_leave_no_seam_in_the_windows(lengths: list[tuple[float, float]], sizes: list[int]):
    samples = made_of(lengths)

    in_stretches = windows(found(in_blocks(samples, *sizes), not_silent))

    speech = not_silent(samples).speech
    covered = np.zeros(len(samples), np.int8)
    for window in in_stretches:
        covered[window.start : window.end] += 1
        assert len(window.samples) <= LONGEST
    assert covered.max() == 1
    assert all(covered[span.start : span.end].all() for span in speech)
    assert joined_too_far(in_stretches, speech) == []


def joined_too_far(found: list[Window], speech: list[Span]) -> list[tuple[Span, Span]]:
    """Pieces of speech that share a window though the gap between them is too large."""
    return [
        (earlier, later)
        for window in found
        for earlier, later in pairwise(speech)
        if window.start < earlier.end and later.start < window.end and later.start - earlier.end > LARGEST_GAP
    ]


@pytest.mark.parametrize("sizes", [(1_600,), (10_007, 999), (100_000,), (5_000_000,)])
@pytest.mark.parametrize("lengths", [[(300, 1)], [(1, 300)], [(1, 27), (1, 94)], [(4, 11)] * 20], ids=len)
def test_windows_and_their_stretches_follow_from_the_audio_alone(
    lengths: list[tuple[float, float]], sizes: tuple[int, ...]
):
    samples = made_of(lengths)

    assert places(found(in_blocks(samples, *sizes), not_silent)) == places(
        found(in_blocks(samples, HALF_A_SECOND), not_silent)
    )


@given(lengths_seconds, st.sampled_from([1_600, HALF_A_SECOND, 10_007]))
@settings(max_examples=15, deadline=None)
def test_going_on_from_any_stretch_finds_the_same_windows(lengths: list[tuple[float, float]], size: int):
    samples = made_of(lengths)
    whole = found(in_blocks(samples, size), not_silent)

    for stretch in (stretch.start for stretch in whole):
        again = found(behind(in_blocks(samples, size), stretch), not_silent, stretch)
        assert places(again) == [place for place in places(whole) if place[2] >= stretch]


pieces_seconds = st.lists(
    st.tuples(
        st.just(0.0) | st.floats(0.01, 2) | st.floats(0, 12) | st.floats(30, 150),
        st.floats(0.01, 2) | st.floats(0.1, 30) | st.floats(27, 29) | st.floats(30, 150),
        st.booleans(),
    ),
    max_size=10,
)
#: A gap that is joined over may be as large as leaves room for a window in the shortest stretch.
gaps = st.integers(0, SHORTEST_STRETCH - LONGEST - SAMPLE_RATE_HZ) | st.sampled_from([0, 1, LARGEST_GAP])
any_blocks = st.lists(st.integers(0, 100_000), max_size=3).map(lambda sizes: [*sizes, 7_001])


def of_speech_and_noise(pieces: Iterable[tuple[float, float, bool]]) -> Samples:
    """Pauses, each with speech or with something loud behind it."""
    samples = [np.zeros(0, np.float32)]
    for pause, seconds, is_speech in pieces:
        samples += [made_of([(pause, 0)]), made_of([(0, seconds)]) * 0.5 + (0.5 if is_speech else 0)]
    return np.concatenate(samples)


@given(pieces_seconds, any_blocks, gaps)
@settings(max_examples=30, deadline=None)
def test_a_stream_has_the_windows_that_the_recording_has_as_a_whole(
    pieces: list[tuple[float, float, bool]], sizes: list[int], gap: int
):
    samples = of_speech_and_noise(pieces)

    streamed = found(in_blocks(samples, *sizes), told_apart, largest_gap=gap)

    heard = told_apart(samples)
    whole = plan(union(heard.speech + heard.loud), partial(quietest, samples), largest_gap=gap)
    kept_apart = [
        span
        for window in whole
        for span in parts(window, heard.speech)
        if span.end - span.start >= SHORTEST_WINDOW
    ]
    assert [Span(window.start, window.end) for window in windows(streamed)] == kept_apart
    for window in windows(streamed):
        assert list(window.speech) == told_apart(window.samples).speech
        assert np.array_equal(window.samples, samples[window.start : window.end])


@given(pieces_seconds, any_blocks, gaps)
@settings(max_examples=15, deadline=None)
def test_whatever_is_heard_and_joined_going_on_from_any_stretch_finds_the_same(
    pieces: list[tuple[float, float, bool]], sizes: list[int], gap: int
):
    samples = of_speech_and_noise(pieces)
    whole = found(in_blocks(samples, *sizes), told_apart, largest_gap=gap)

    for stretch in (stretch.start for stretch in whole):
        again = found(behind(in_blocks(samples, *sizes), stretch), told_apart, stretch, gap)
        assert places(again) == [place for place in places(whole) if place[2] >= stretch]


@given(pieces_seconds, gaps)
@settings(max_examples=15, deadline=None)
def test_every_stretch_but_the_last_gets_on(pieces: list[tuple[float, float, bool]], gap: int):
    samples = of_speech_and_noise(pieces)
    whole = []
    for stretch in stretches(in_blocks(samples, HALF_A_SECOND), told_apart, largest_gap=gap):
        whole.append(stretch)
        assert len(whole) <= 2 + len(samples) // SAMPLE_RATE_HZ
    assert all(stretch.end > stretch.start for stretch in whole[:-1])


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
def test_a_window_and_a_gap_of_every_preset_end_within_the_shortest_stretch(preset: Preset):
    """Otherwise a stretch could be all unfinished, and the next one would start where it did."""
    assert preset.longest_seconds * SAMPLE_RATE_HZ <= LONGEST
    assert LONGEST + preset.largest_gap_seconds * SAMPLE_RATE_HZ < SHORTEST_STRETCH


def test_without_detection_every_sample_is_in_exactly_one_window():
    samples = noise(-20, seconds=400)

    whole = windows(found(in_blocks(samples, HALF_A_SECOND), all_of_it))

    assert np.array_equal(np.concatenate([window.samples for window in whole]), samples)
    assert max(len(window.samples) for window in whole) <= LONGEST


def test_all_of_it_is_one_span():
    assert all_of_it(noise(-20, seconds=1)) == Heard([Span(0, SAMPLE_RATE_HZ)], [])
    assert all_of_it(np.empty(0, np.float32)) == Heard([], [])


def test_stretches_are_short_at_first_join_without_a_gap_and_end_with_the_recording():
    samples = made_of([(1, 100), (200, 3), (1, 130)])

    whole = found(in_blocks(samples, HALF_A_SECOND), not_silent)

    assert whole[0].start == 0
    assert whole[0].end <= SHORTEST_STRETCH
    assert all(stretch.end == behind.start for stretch, behind in pairwise(whole))
    assert whole[-1].end == len(samples)
    assert len(whole) >= 4


@pytest.mark.parametrize(
    "lengths", [[(1200, 1)], [(0, 1200)], [(1, 10)] * 109], ids=["silence", "speech", "a call"]
)
def test_a_long_recording_is_never_held_for_much_more_than_a_stretch(lengths: list[tuple[float, float]]):
    held: list[int] = []

    def detect(samples: Samples) -> Heard:
        held.append(len(samples))
        return not_silent(samples)

    for _ in stretches(in_blocks(made_of(lengths), HALF_A_SECOND), detect):
        pass

    assert len(held) >= 10
    assert max(held) <= LONGEST_STRETCH + HALF_A_SECOND


def test_memory_does_not_grow_with_the_recording():
    """Two hours, made as they are read: 460 MB as float32."""
    block = noise(-20, seconds=0.5)
    tracemalloc.start()
    try:
        for _ in stretches((block for _ in range(2 * 3600 * 2)), all_of_it):
            pass
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak_bytes < 4 * 4 * (LONGEST_STRETCH + LONGEST)
