"""The far side is removed from the microphone, and own speech is not."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from transcribe_worker.media.echo import BLOCK, without_echo

RATE_HZ = 16_000
Samples = NDArray[np.float32]


def talk(seconds: float, seed: int, *, share: float = 0.6) -> Samples:
    """Noise with the spectrum of speech about, in turns of half a second to two, the rest silent."""
    chance = np.random.default_rng(seed)
    frames = round(seconds * RATE_HZ)
    spectrum = np.fft.rfft(chance.standard_normal(frames))
    hz = np.fft.rfftfreq(frames, 1 / RATE_HZ)
    speech = np.fft.irfft(spectrum / (1 + (hz / 500) ** 2), frames)
    turns = np.repeat(chance.random(frames // 12_000 + 1) < share, 12_000)[:frames]
    return (speech / np.abs(speech).max() * turns).astype(np.float32)


def heard_again(far: Samples, *, gain_db: float, lag_ms: int, seed: int = 7) -> Samples:
    """The far side as a microphone hears it: late, fainter, in a room that rings for 0.25 s."""
    times = np.arange(RATE_HZ // 4)
    room = np.random.default_rng(seed).standard_normal(len(times)) * 10 ** (-12 * times / RATE_HZ)
    room[0] = 3
    room = np.concatenate([np.zeros(lag_ms * RATE_HZ // 1000), room / np.sqrt(np.square(room).sum())])
    size = 2 * len(far)
    echo = np.fft.irfft(np.fft.rfft(far, size) * np.fft.rfft(room, size))[: len(far)]
    return (echo * 10 ** (gain_db / 20)).astype(np.float32)


def cleaned(microphone: Samples, far: Samples, block: int = 8_000) -> Samples:
    pairs = np.stack([microphone, far])
    blocks = [pairs[:, at : at + block] for at in range(0, len(far), block)]
    found = np.concatenate([np.zeros((2, 0), np.float32), *without_echo(blocks)], axis=1)
    assert np.array_equal(found[1], far)
    cleaned: Samples = found[0]
    return cleaned


def decibels(wanted: Samples, rest: Samples) -> float:
    return float(10 * np.log10(np.square(wanted).mean() / np.square(rest).mean()))


@pytest.mark.parametrize(
    ("gain_db", "lag_ms", "quieter_db"), [(-3, 5, 20), (-6, 40, 20), (-12, 200, 14), (-20, 40, 6)]
)
def test_an_echo_becomes_much_quieter_and_own_speech_stays(gain_db: int, lag_ms: int, quieter_db: int):
    own, far = talk(60, 1), talk(60, 2)
    echo = heard_again(far, gain_db=gain_db, lag_ms=lag_ms)

    found = cleaned(own + echo, far)

    assert decibels(echo, found - own) > quieter_db
    assert decibels(own, found - own) > 20


def test_who_talks_over_the_far_side_is_kept():
    own, far = talk(60, 1, share=1.0), talk(60, 2, share=1.0)

    found = cleaned(own + heard_again(far, gain_db=-6, lag_ms=40), far)

    assert decibels(own, found - own) > 15


def test_a_microphone_that_hears_no_echo_is_not_changed():
    own, far = talk(30, 1), talk(30, 2)

    assert np.array_equal(cleaned(own, far), own)


def test_who_repeats_a_sentence_of_the_far_side_a_second_later_is_kept():
    far = talk(40, 2)
    own = np.roll(far, RATE_HZ)
    own[:RATE_HZ] = 0

    assert np.array_equal(cleaned(own, far), own)


@pytest.mark.parametrize("frames", [0, 1, 4_000, BLOCK, BLOCK + 1])
def test_recordings_of_any_length_have_as_many_frames_as_before(frames: int):
    own, far = talk(10, 1)[:frames], np.zeros(frames, np.float32)

    assert np.array_equal(cleaned(own, far), own)


def test_the_length_of_blocks_changes_nothing():
    far = talk(20, 2)
    microphone = talk(20, 1) + heard_again(far, gain_db=-6, lag_ms=40)

    assert np.array_equal(cleaned(microphone, far, block=8_000), cleaned(microphone, far, block=3_001))
