"""Measures echo: how alike the two sides are each second, and how much later the microphone is."""

from __future__ import annotations

import threading
from collections import deque

import numpy as np
from numpy.typing import NDArray

from capture_worker.samples import RATE_HZ, Mono, Pair
from shared.loudness import EARLIEST_LAG_MS, echo_bytes

#: Speech has most of its power below 2 kHz, and a quarter of the samples costs a quarter of the time.
DECIMATION = 4
_RATE_HZ = RATE_HZ // DECIMATION
_PER_MS = _RATE_HZ // 1000
#: The largest lag that a byte can hold.
LATEST_LAG_MS = EARLIEST_LAG_MS + 255
_AHEAD, _BEHIND = -EARLIEST_LAG_MS * _PER_MS, LATEST_LAG_MS * _PER_MS
_SPANNED = _AHEAD + _BEHIND  # by how many samples the lags differ
#: At least as long as the loopback under comparison, so that nothing wraps around; a quick length for an FFT.
_FFT_FRAMES = 5_120
#: A side whose samples are smaller than this (-80 dBFS) echoes nothing that is heard.
FAINT = 1e-4


class Echo:
    """The echo of a recording: the strongest correlation of its sides in each whole second, and its lag.

    A second is compared when it is complete. So the microphone's 50 ms before it stand for its last 50 ms.
    The audio thread adds, and does not wait for the comparisons: they are made in the thread that reads.
    """

    def __init__(self) -> None:
        self._added: list[Pair] = []
        self._frames = 0  # of what was added
        self._microphone = np.zeros(_AHEAD, np.float32)  # before the next second, decimated
        self._loopback = np.zeros(_SPANNED, np.float32)
        self._seconds: deque[tuple[Mono, Mono]] = deque()  # that wait to be compared
        self._bytes = bytearray()
        self._reading = threading.Lock()

    def add(self, pair: Pair) -> None:
        """Add a stretch of the recording."""
        self._added.append(pair)
        self._frames += len(pair.microphone)
        if self._frames >= RATE_HZ:
            self._add_seconds(*(np.concatenate(side) for side in zip(*self._added, strict=True)))

    def measured(self) -> bytes:
        """Return the echo of the seconds that are complete, as `shared.loudness` writes it."""
        with self._reading:
            while self._seconds:
                self._bytes += echo_bytes(*strongest(*self._seconds.popleft()))
            return bytes(self._bytes)

    def _add_seconds(self, microphone: Mono, loopback: Mono) -> None:
        whole = self._frames // RATE_HZ * RATE_HZ
        for start in range(0, whole, RATE_HZ):
            second = slice(start, start + RATE_HZ)
            self._add_second(_decimated(microphone[second]), _decimated(loopback[second]))
        self._added = [Pair(microphone[whole:], loopback[whole:])]
        self._frames -= whole

    def _add_second(self, microphone: Mono, loopback: Mono) -> None:
        near = np.concatenate([self._microphone, microphone])
        far = np.concatenate([self._loopback, loopback])
        self._microphone, self._loopback = near[-_AHEAD:], far[-_SPANNED:]
        self._seconds.append((near[:_RATE_HZ], far))


def strongest(microphone: Mono, loopback: Mono) -> tuple[float, int]:
    """Return the strongest normalised cross-correlation, 0 to 1, and its lag in ms; a faint side has (0, 0).

    `microphone` has a second at 4 kHz; `loopback` begins 205 ms before it and ends 50 ms after it. Both are
    differentiated first: the low tones of two voices are alike by chance.
    """
    near, far = np.diff(microphone, append=microphone[-1:]), np.diff(loopback, append=loopback[-1:])
    power = float(near @ near)
    powers = _powers(far, len(near))
    faint = len(near) * FAINT**2
    if power < faint or powers.max() < faint:
        return 0.0, 0
    product = np.fft.rfft(far, _FFT_FRAMES) * np.conj(np.fft.rfft(near, _FFT_FRAMES))
    likeness = np.abs(np.fft.irfft(product, _FFT_FRAMES)[: _SPANNED + 1])
    likeness /= np.sqrt(power * np.maximum(powers, faint))
    best = int(likeness.argmax())
    return min(1.0, float(likeness[best])), round((_BEHIND - best) / _PER_MS)


def _powers(samples: Mono, frames: int) -> NDArray[np.float64]:
    """Return the sum of squares of each stretch of so many frames."""
    sums = np.concatenate([[0.0], np.cumsum(np.square(samples, dtype=np.float64))])
    found: NDArray[np.float64] = sums[frames:] - sums[:-frames]
    return found


def _decimated(samples: Mono) -> Mono:
    """Return the mean of each 4 samples; a mean along the short axis would take 20 times as long."""
    parts = [samples[number::DECIMATION] for number in range(DECIMATION)]
    found: Mono = np.add.reduce(parts) / DECIMATION
    return found
