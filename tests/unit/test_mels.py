"""Mel frames are librosa's: `melspectrogram(sr=16000, n_fft=400, hop_length=160, n_mels=40)`."""

from __future__ import annotations

import numpy as np
import pytest

from transcribe_worker.voices.mels import filters, mel_frames

#: Bands, bins and weights of `librosa.filters.mel(sr=16000, n_fft=400, n_mels=40)` in librosa 0.10.1.
LIBROSA = (
    (8, 18, 0.00290093),
    (17, 35, 0.0091774),
    (21, 44, 0.0002914),
    (32, 115, 0.00091104),
    (38, 163, 0.0005666),
)


@pytest.mark.parametrize(("band", "bin_", "weight"), LIBROSA)
def test_the_filters_are_those_of_librosa(band: int, bin_: int, weight: float):
    assert filters()[bin_, band] == pytest.approx(weight, abs=1e-7)


def test_a_frame_is_the_power_of_25_ms_around_its_middle():
    samples = np.random.default_rng(0).normal(0, 0.1, 16_000).astype(np.float32)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
    around = np.pad(samples, 200)[5 * 160 : 5 * 160 + 400]
    power = np.abs(np.fft.fft(around * window)[:201]) ** 2

    frames = mel_frames(samples)

    assert (frames.shape, frames.dtype) == ((101, 40), np.float32)
    assert frames[5] == pytest.approx(power @ filters(), rel=1e-4)


def test_a_tone_is_in_the_bands_around_its_pitch():
    tone = np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000).astype(np.float32)
    frames = mel_frames(tone)[10:-10]
    assert set(frames.argmax(axis=1)) == {5}
    assert frames.max(axis=1) == pytest.approx(frames.max(), rel=0.02)


@pytest.mark.parametrize("length", [0, 1, 159, 160, 401])
def test_the_shortest_samples_have_a_frame_for_each_hop_that_begins(length: int):
    assert len(mel_frames(np.zeros(length, np.float32))) == 1 + length // 160
