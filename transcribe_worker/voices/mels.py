"""Samples to mel frames, as the voice network takes them: librosa's `melspectrogram`, without a logarithm.

16 kHz, window of 25 ms (periodic Hann), hop of 10 ms, power, 40 bands on Slaney's scale with Slaney's norm.
Frame number n is centred at sample 160 n; before the first sample and after the last there is silence.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE_HZ = 16_000
WINDOW, HOP = 400, 160
BANDS = 40
#: Slaney's scale: linear up to 1 kHz, then 27 mels for each factor of 6.4.
LINEAR_HZ_PER_MEL, BREAK_HZ, MELS_PER_LOG = 200 / 3, 1000.0, 27 / np.log(6.4)
#: Frames transformed at once, to bound the memory.
FRAMES_AT_ONCE = 1000

Floats = NDArray[np.float32]


def mel_frames(samples: Floats) -> Floats:
    """Return the power in each band of each frame of samples, float32 of shape (frames, 40)."""
    padded = np.pad(samples, WINDOW // 2)
    views = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    parts = [_bands(views[first : first + FRAMES_AT_ONCE]) for first in range(0, len(views), FRAMES_AT_ONCE)]
    return np.concatenate(parts)


def _bands(frames: Floats) -> Floats:
    """Transform frames of shape (n, 400): two matrix products are faster than an FFT of 400 samples."""
    cosines, sines, bands = _matrices()
    power: Floats = (np.square(frames @ cosines) + np.square(frames @ sines)) @ bands
    return power


@cache
def _matrices() -> tuple[Floats, Floats, Floats]:
    """Return the windowed Fourier transform, each part of shape (400, 201), and the filters, (201, 40)."""
    n, k = np.arange(WINDOW)[:, None], np.arange(WINDOW // 2 + 1)[None]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * n / WINDOW)
    angles = 2 * np.pi * (n * k % WINDOW) / WINDOW
    parts = (window * np.cos(angles), window * np.sin(angles), filters())
    cosines, sines, bands = (part.astype(np.float32) for part in parts)
    return cosines, sines, bands


def filters() -> NDArray[np.float64]:
    """Return the triangular filters, shape (201, 40), each of the same area."""
    top = _mel(np.array([SAMPLE_RATE_HZ / 2]))[0]
    edges = _hz(np.linspace(0, top, BANDS + 2))
    bins = np.linspace(0, SAMPLE_RATE_HZ / 2, WINDOW // 2 + 1)[:, None]
    low, middle, high = edges[:-2], edges[1:-1], edges[2:]
    triangles = np.minimum((bins - low) / (middle - low), (high - bins) / (high - middle))
    found: NDArray[np.float64] = np.maximum(0, triangles) * 2 / (high - low)
    return found


def _mel(hz: NDArray[np.float64]) -> NDArray[np.float64]:
    logs = np.log(np.maximum(hz, BREAK_HZ) / BREAK_HZ) * MELS_PER_LOG
    mels: NDArray[np.float64] = np.minimum(hz, BREAK_HZ) / LINEAR_HZ_PER_MEL + logs
    return mels


def _hz(mels: NDArray[np.float64]) -> NDArray[np.float64]:
    at_break = BREAK_HZ / LINEAR_HZ_PER_MEL
    found: NDArray[np.float64] = (
        np.minimum(mels, at_break) * LINEAR_HZ_PER_MEL * np.exp(np.maximum(0, mels - at_break) / MELS_PER_LOG)
    )
    return found
