"""Floats beyond full scale are scaled down, and damage is not taken for loud sound."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.recordings import tones
from transcribe_worker.media.flags import Flags
from transcribe_worker.media.samples import Chunk, chunks, levelled

RATE_HZ = 16_000
SOUND = tones(RATE_HZ, 5.0).astype(np.float32)


def level(
    samples: NDArray[np.float32], overshoot: float = 1.0
) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    flags = Flags()
    joined = chunks((samples[np.newaxis, at : at + 500], RATE_HZ) for at in range(0, len(samples), 500))
    given = [chunk.samples[0] for chunk in levelled(joined, flags, overshoot)]
    levelled_sound = np.concatenate(given)
    assert np.abs(levelled_sound).max() <= 1
    return levelled_sound, flags()


def test_sound_within_full_scale_stays_as_it_is() -> None:
    given, flags = level(SOUND)
    assert np.array_equal(given, SOUND)
    assert flags == ()


@pytest.mark.parametrize("factor", [2.0, 100.0, 32_768.0, 2.0**31, 1e30])
def test_sound_beyond_full_scale_keeps_its_form(factor: float) -> None:
    given, flags = level(SOUND * np.float32(factor))
    assert flags == ("scaled_down",)
    assert np.corrcoef(given, SOUND)[0, 1] > 0.999999
    assert np.abs(given).max() == pytest.approx(1, abs=1e-3)


def test_noise_before_loud_sound_gets_no_louder() -> None:
    noise = np.random.default_rng(1).normal(0, 1, 3 * RATE_HZ).astype(np.float32)
    given, flags = level(np.concatenate([noise, SOUND * 8_000]))
    assert flags == ("scaled_down",)
    assert np.abs(given[: 3 * RATE_HZ]).max() < 0.01


def test_single_clicks_are_clipped_and_scale_nothing() -> None:
    clicked = SOUND.copy()
    clicked[[100, 20_000, 50_000]] = 1e6, np.nan, -np.inf
    given, flags = level(clicked)
    assert flags == ()
    assert given[[100, 20_000, 50_000]].tolist() == [1, 0, 0]
    assert np.array_equal(np.delete(given, [100, 20_000, 50_000]), np.delete(SOUND, [100, 20_000, 50_000]))


@pytest.mark.parametrize("frames", [100, 1_000, 4_000, 8_000])
def test_random_bits_do_not_silence_what_follows(frames: int) -> None:
    damaged = SOUND.copy()
    damaged[8_000 : 8_000 + frames] = np.frombuffer(np.random.default_rng(1).bytes(4 * frames), "<f4")
    given, flags = level(damaged)
    assert flags == ("damaged_audio",)
    assert np.array_equal(given[16_000:], SOUND[16_000:])


def test_what_a_lossy_decoder_overshoots_is_clipped_as_players_do() -> None:
    given, flags = level(SOUND * 3, overshoot=2.0)
    assert flags == ()
    assert np.array_equal(given, (SOUND * 3).clip(-1, 1))


def test_a_change_of_rate_or_channels_ends_a_chunk() -> None:
    mono, stereo = np.ones((1, 300), np.float32), np.ones((2, 300), np.float32)
    joined = list(chunks([(mono, 1_000), (mono, 1_000), (stereo, 1_000), (stereo, 2_000)]))
    assert [(chunk.samples.shape, chunk.rate_hz) for chunk in joined] == [
        ((1, 600), 1_000),
        ((2, 300), 1_000),
        ((2, 300), 2_000),
    ]
    assert list(chunks([])) == []
    assert list(levelled(iter([Chunk(mono[:, :0], 1_000)]), Flags()))
