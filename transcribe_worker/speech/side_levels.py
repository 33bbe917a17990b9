"""Measures two channels while they are read: how loud each is, and how alike they are each second.

`shared.loudness` has the form; capture measures its calls alike. The words of an echo are found by it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from shared.loudness import EARLIEST_LAG_MS, SideLevels, as_byte, echo_bytes
from transcribe_worker.speech.energy import without_rumble
from transcribe_worker.speech.windows import SAMPLE_RATE_HZ

Pair = NDArray[np.float32]
Mono = NDArray[np.float32]

TICKS_PER_SECOND = 50
#: Echo is looked for below 2 kHz, where speech has most of its power.
DECIMATION = 4
RATE_HZ = SAMPLE_RATE_HZ // DECIMATION
PER_MS = RATE_HZ // 1000
LATEST_LAG_MS = EARLIEST_LAG_MS + 255
#: Samples of the loopback before and after a second of the microphone, decimated.
BEFORE, AFTER = LATEST_LAG_MS * PER_MS, -EARLIEST_LAG_MS * PER_MS
FFT_FRAMES = 5_120
#: A side whose samples are smaller than this has no sound: -80 dBFS.
FAINT = 1e-4


class SideMeter:
    """Measures blocks of two channels, of any length: shape (2, frames), 16 kHz."""

    def __init__(self) -> None:
        self._waiting = np.zeros((2, BEFORE * DECIMATION), np.float32)  # silence precedes the recording
        self._levels = (bytearray(), bytearray())
        self._echo = bytearray()

    def add(self, pair: Pair) -> None:
        """Measure a block; a second is measured when the 50 ms after it are there."""
        self._waiting = np.concatenate([self._waiting, pair], axis=1)
        while self._waiting.shape[1] >= (BEFORE + RATE_HZ + AFTER) * DECIMATION:
            self._measure(self._waiting[:, : (BEFORE + RATE_HZ + AFTER) * DECIMATION])
            self._waiting = self._waiting[:, SAMPLE_RATE_HZ:]

    def end(self) -> None:
        """Measure what is left, with silence after it."""
        left = self._waiting.shape[1] - BEFORE * DECIMATION
        self.add(np.zeros((2, -left % SAMPLE_RATE_HZ + AFTER * DECIMATION), np.float32))

    @property
    def seconds(self) -> int:
        """The seconds that `take` returns."""
        return len(self._levels[0]) // TICKS_PER_SECOND

    def take(self) -> SideLevels:
        """Return what was measured since the last call."""
        microphone, loopback = map(bytes, self._levels)
        found = SideLevels(TICKS_PER_SECOND, microphone, loopback, bytes(self._echo))
        self._levels, self._echo = (bytearray(), bytearray()), bytearray()
        return found

    def _measure(self, pair: Pair) -> None:
        """Measure a second; `pair` has what the lags need before and after it."""
        first = BEFORE * DECIMATION
        second = slice(first, first + SAMPLE_RATE_HZ)
        for levels, samples in zip(self._levels, pair, strict=True):
            ticks = without_rumble(samples[second]).reshape(TICKS_PER_SECOND, -1)
            levels.extend(map(as_byte, np.sqrt(np.square(ticks, dtype=np.float64).mean(axis=1)).tolist()))
        microphone, loopback = pair[:, ::DECIMATION] / DECIMATION
        for number in range(1, DECIMATION):
            microphone = microphone + pair[0, number::DECIMATION] / DECIMATION
            loopback = loopback + pair[1, number::DECIMATION] / DECIMATION
        self._echo += echo_bytes(*strongest(microphone[BEFORE : BEFORE + RATE_HZ], loopback))


def strongest(microphone: Mono, loopback: Mono) -> tuple[float, int]:
    """Return the strongest normalised cross-correlation, 0 to 1, and its lag in ms; (0, 0) for a faint side.

    `microphone` has a second at 4 kHz; `loopback` begins 205 ms before it and ends 50 ms after it. Both are
    differentiated first: the low tones of two voices are alike by chance.
    """
    near, far = np.diff(microphone, append=microphone[-1:]), np.diff(loopback, append=loopback[-1:])
    power, powers = float(near @ near), _powers(far, len(near))
    faint = len(near) * FAINT**2
    if power < faint or powers.max() < faint:
        return 0.0, 0
    product = np.fft.rfft(far, FFT_FRAMES) * np.conj(np.fft.rfft(near, FFT_FRAMES))
    alike = np.abs(np.fft.irfft(product, FFT_FRAMES)[: len(powers)])
    alike /= np.sqrt(power * np.maximum(powers, faint))
    best = int(alike.argmax())
    return min(1.0, float(alike[best])), round((BEFORE - best) / PER_MS)


def _powers(samples: Mono, frames: int) -> NDArray[np.float64]:
    """Return the sum of squares of each part of so many frames."""
    sums = np.concatenate([[0.0], np.cumsum(np.square(samples, dtype=np.float64))])
    found: NDArray[np.float64] = sums[frames:] - sums[:-frames]
    return found


def measured(pairs: Iterator[Pair], meter: SideMeter) -> Iterator[Pair]:
    """Pass blocks on, measured."""
    for pair in pairs:
        meter.add(pair)
        yield pair
    meter.end()
