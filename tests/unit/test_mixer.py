"""Two sides into what is written, sample by sample."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture_worker.audio.source import LOOPBACK, MICROPHONE, SIDES
from capture_worker.mixer import LAYOUTS, clipped_frames, mix, split
from capture_worker.samples import Pair

LOUDEST = 32767
levels = st.floats(-1, 1, width=32)
wild_levels = st.floats(-8, 8, width=32)


def pair(microphone: list[float], loopback: list[float]) -> Pair:
    return Pair(np.array(microphone, np.float32), np.array(loopback, np.float32))


@given(st.lists(st.tuples(levels, levels), max_size=50))
def test_both_voices_are_heard_at_half_their_loudness(frames: list[tuple[float, float]]):
    both = pair([microphone for microphone, _ in frames], [loopback for _, loopback in frames])

    mixed = mix(both, SIDES)

    assert mixed.dtype == np.dtype("<i2")
    assert mixed.shape == (len(frames),)
    exact = (both.microphone.astype(np.float64) + both.loopback) / 2 * LOUDEST
    assert np.abs(mixed - exact).max(initial=0) <= 0.51


@pytest.mark.parametrize("side", SIDES)
def test_one_voice_alone_is_as_loud_as_it_was(side: str):
    voice, nothing = [0.5, -0.25, 1.0, -1.0], [0.0] * 4
    alone = pair(voice, nothing) if side == MICROPHONE else pair(nothing, voice)

    assert mix(alone, [side]).tolist() == [16384, -8192, LOUDEST, -LOUDEST]


def test_a_side_that_was_heard_and_is_silent_now_does_not_make_the_other_one_louder():
    assert mix(pair([0.5], [0.0]), [LOOPBACK, MICROPHONE]).tolist() == [8192]


def test_full_scale_on_both_sides_is_full_scale():
    assert mix(pair([1.0, -1.0, 1.0], [1.0, -1.0, -1.0]), SIDES).tolist() == [LOUDEST, -LOUDEST, 0]


@pytest.mark.parametrize("layout", ["mono", "split"])
@pytest.mark.parametrize("sides", [[], [MICROPHONE], [LOOPBACK], list(SIDES)])
@given(st.lists(st.tuples(wild_levels, wild_levels), min_size=1, max_size=20))
def test_what_is_too_loud_is_cut_off_and_never_turns_over(
    layout: str, sides: list[str], frames: list[tuple[float, float]]
):
    both = pair([microphone for microphone, _ in frames], [loopback for _, loopback in frames])
    channels, mixer = LAYOUTS[layout]

    written = mixer(both, sides).reshape(len(frames), channels)

    gain = 0.5 if len(sides) == 2 else 1.0
    exact = np.stack(both, axis=1) if layout == "split" else gain * (both.microphone + both.loopback)[:, None]
    assert np.abs(written - np.clip(exact * LOUDEST, -LOUDEST - 1, LOUDEST)).max() <= 0.51


def test_a_channel_each_has_the_microphone_left_and_the_loopback_right_whoever_was_heard():
    both = pair([0.5, 0.25], [-1.0, 0.0])

    for sides in (SIDES, [MICROPHONE], [LOOPBACK], []):
        assert split(both, sides).tolist() == [[16384, -LOUDEST], [8192, 0]]


@pytest.mark.parametrize("layout", ["mono", "split"])
def test_a_layout_makes_as_many_channels_as_it_says(layout: str):
    channels, mixer = LAYOUTS[layout]

    assert len(mixer(pair([0.0] * 160, [0.0] * 160), SIDES).tobytes()) == 160 * channels * 2
    assert mixer(pair([], []), SIDES).tobytes() == b""


def test_the_bytes_are_little_endian_whatever_the_machine():
    assert mix(pair([0.5], [0.0]), [MICROPHONE]).tobytes() == b"\x00\x40"


def test_frames_at_full_scale_are_counted_as_clipped():
    assert clipped_frames(np.array([1.0, -1.0, 0.9999, -1.3, 0.99, 0.0], np.float32)) == 4
    assert clipped_frames(np.zeros(0, np.float32)) == 0


def test_a_sine_that_just_fits_is_not_clipped_and_one_that_does_not_is():
    sine = np.sin(np.linspace(0, 200, 16_000)).astype(np.float32)

    assert clipped_frames(sine * np.float32(0.99)) == 0
    assert clipped_frames(np.clip(sine * 2, -1, 1)) == pytest.approx(16_000 * 2 / 3, rel=0.02)
