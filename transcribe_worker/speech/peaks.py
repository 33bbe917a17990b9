"""Measures the peaks of a recording while it is read; `shared.store.waveforms` has their form."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from transcribe_worker.speech.windows import SAMPLE_RATE_HZ

TICKS_PER_SECOND = 20
TICK = SAMPLE_RATE_HZ // TICKS_PER_SECOND
#: Twice the decibels above -127.5 dBFS.
FULL_SCALE = 255
QUIETEST = 10 ** (-127.5 / 20)

Block = NDArray[np.float32]


class PeakMeter:
    """Measures blocks of any length: 16 kHz, shape (frames,), or (sides, frames)."""

    def __init__(self, sides: int) -> None:
        self._waiting = np.empty((sides, 0), np.float32)
        self._peaks = tuple(bytearray() for _ in range(sides))

    def add(self, block: Block) -> None:
        """Measure a block."""
        rows = np.concatenate([self._waiting, np.atleast_2d(block)], axis=1)
        ticks = rows.shape[1] // TICK
        self._waiting = rows[:, ticks * TICK :]
        self._measure(rows[:, : ticks * TICK].reshape(len(rows), ticks, TICK))

    def end(self) -> None:
        """Measure what is left, less than a tick."""
        if self._waiting.size:
            self._measure(self._waiting[:, np.newaxis])
            self._waiting = self._waiting[:, :0]

    @property
    def seconds(self) -> float:
        """The seconds that `take` returns."""
        return len(self._peaks[0]) / TICKS_PER_SECOND

    def take(self) -> tuple[bytes, ...]:
        """Return the peaks of each side since the last call."""
        found = tuple(map(bytes, self._peaks))
        for peaks in self._peaks:
            peaks.clear()
        return found

    def _measure(self, ticks: NDArray[np.float32]) -> None:
        """Measure ticks, shape (sides, ticks, frames)."""
        if ticks.size:
            for peaks, loudest in zip(self._peaks, np.abs(ticks).max(axis=2), strict=True):
                peaks += as_bytes(loudest)


def as_bytes(peaks: NDArray[np.float32]) -> bytes:
    """Write peaks from 0 to 1, a byte each."""
    decibels = 20 * np.log10(np.maximum(peaks, QUIETEST))
    return np.clip(np.round(FULL_SCALE + 2 * decibels), 0, FULL_SCALE).astype(np.uint8).tobytes()


def measured(blocks: Iterator[Block], meter: PeakMeter) -> Iterator[Block]:
    """Pass blocks on, measured."""
    for block in blocks:
        meter.add(block)
        yield block
    meter.end()
