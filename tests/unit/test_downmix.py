"""Channels become one, and nothing cancels out."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.recordings import tones
from transcribe_worker.media.downmix import downmixed
from transcribe_worker.media.flags import Flags
from transcribe_worker.media.samples import Chunk

RATE_HZ = 16_000
VOICE = tones(RATE_HZ, 4.0).astype(np.float32)
NOISE = np.random.default_rng(1).normal(0, 0.1, (2, len(VOICE))).astype(np.float32)


def mix(
    samples: NDArray[np.float32], chunk_frames: int = 8_000
) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    flags = Flags()

    def chunks() -> Iterator[Chunk]:
        for at in range(0, samples.shape[1], chunk_frames):
            yield Chunk(samples[:, at : at + chunk_frames], RATE_HZ)

    mixed = np.concatenate([block for block, _ in downmixed(chunks(), flags)])
    assert mixed.dtype == np.float32
    assert len(mixed) == samples.shape[1]
    return mixed, flags()


def level(samples: NDArray[np.float32]) -> float:
    return float(np.sqrt(np.square(samples).mean()))


def likeness(mixed: NDArray[np.float32], truth: NDArray[np.float32]) -> float:
    return abs(float(np.corrcoef(mixed, truth)[0, 1]))


@pytest.mark.parametrize(
    "samples",
    [
        np.stack([VOICE, VOICE]),
        np.stack([VOICE, np.zeros_like(VOICE)]),
        np.stack([VOICE, np.roll(VOICE, 7)]) + NOISE,
        np.stack([VOICE + NOISE[0], NOISE[1]]),
        np.stack([NOISE[0], -0.1 * NOISE[0]]),
    ],
    ids=["both alike", "one silent", "spaced microphones", "one noise", "faint inverse"],
)
def test_ordinary_channels_are_averaged_to_the_bit(samples: NDArray[np.float32]) -> None:
    mixed, flags = mix(samples)
    assert np.array_equal(mixed, samples.mean(axis=0, dtype=np.float32))
    assert flags == ()


@pytest.mark.parametrize("factor", [-1.0, -0.9, -0.5])
@pytest.mark.parametrize("chunk_frames", [8_000, 1_234])
def test_a_channel_and_its_inverse_do_not_cancel(factor: float, chunk_frames: int) -> None:
    mixed, flags = mix(np.stack([VOICE, factor * VOICE]), chunk_frames)
    assert flags == ("channels_opposed",)
    assert likeness(mixed, VOICE) > 0.999
    assert level(mixed) > 0.7 * level(VOICE)


@pytest.mark.parametrize("signs", [(1, -1, 1), (1, 1, -1, -1), (1, -1, 1, -1, 1, -1)])
def test_any_number_of_channels_does_not_cancel(signs: tuple[int, ...]) -> None:
    mixed, flags = mix(np.stack([sign * VOICE for sign in signs]))
    if sum(signs) == 0:
        assert flags == ("channels_opposed",)
    assert level(mixed) > level(VOICE) / (len(signs) + 0.1)
    assert likeness(mixed, VOICE) > 0.999


def test_of_two_voices_one_in_opposite_phase_both_are_heard() -> None:
    time = np.arange(len(VOICE)) / RATE_HZ
    far = (0.3 * np.sin(2 * np.pi * 1_500 * time)).astype(np.float32)
    near = VOICE.copy()
    far[: 2 * RATE_HZ] = 0  # first the near one alone, then both
    mixed, flags = mix(np.stack([far + near, far - near]))
    assert flags == ("channels_opposed",)
    spectrum = np.abs(np.fft.rfft(mixed[2 * RATE_HZ :]))
    for hz in (440, 997, 1_500):
        assert spectrum[hz * 2] > 0.6 * 0.3 * RATE_HZ


def test_sound_is_mixed_in_opposite_phase_from_where_it_begins() -> None:
    samples = np.stack([VOICE, VOICE])
    samples[1, 2 * RATE_HZ :] *= -1
    mixed, _ = mix(samples)
    assert np.array_equal(mixed[: 2 * RATE_HZ], VOICE[: 2 * RATE_HZ])
    assert likeness(mixed[2 * RATE_HZ + 600 :], VOICE[2 * RATE_HZ + 600 :]) > 0.999


def test_channels_that_change_on_the_way_lose_nothing() -> None:
    flags = Flags()
    chunks = [Chunk(np.stack([VOICE, -VOICE]), RATE_HZ), Chunk(VOICE[np.newaxis], RATE_HZ)]
    mixed = np.concatenate([block for block, _ in downmixed(chunks, flags)])
    assert len(mixed) == 2 * len(VOICE)
    assert np.array_equal(mixed[len(VOICE) :], VOICE)
