"""Mixes both sides into the channels of the file: one with both voices, or one for each side."""

from __future__ import annotations

from collections.abc import Callable, Collection

import numpy as np
from numpy.typing import NDArray

from capture_worker.audio.source import LOOPBACK, MICROPHONE
from capture_worker.samples import Mono, Pair

FULL_SCALE = 32767
#: A sample this loud was clipped by its device.
CLIPPED = 0.999


def mix(pair: Pair, sides: Collection[str]) -> NDArray[np.int16]:
    """Return the mean of both sides, (frames,); if only one of `sides` has been heard, that side unchanged.

    The mean does not clip unless a device has.
    """
    gain = 0.5 if {MICROPHONE, LOOPBACK} <= set(sides) else 1.0
    return _as_int16(gain * (pair.microphone + pair.loopback))


def split(pair: Pair, sides: Collection[str]) -> NDArray[np.int16]:
    """Return the microphone left and the loopback right, (frames, 2)."""
    return _as_int16(np.stack(pair, axis=1))


Mixer = Callable[[Pair, Collection[str]], NDArray[np.int16]]
#: Layout -> number of channels, and the function that makes them.
LAYOUTS: dict[str, tuple[int, Mixer]] = {"mono": (1, mix), "split": (2, split)}


def clipped_frames(samples: Mono) -> int:
    """Count the frames at full scale."""
    return int(np.count_nonzero(np.abs(samples) >= CLIPPED))


def _as_int16(samples: NDArray[np.float32]) -> NDArray[np.int16]:
    scaled = np.rint(samples * np.float32(FULL_SCALE)).clip(-FULL_SCALE - 1, FULL_SCALE)
    pcm: NDArray[np.int16] = scaled.astype("<i2")
    return pcm
