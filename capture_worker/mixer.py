"""Both sides into what is written: one channel that holds both voices, or a channel each."""

from __future__ import annotations

from collections.abc import Callable, Collection

import numpy as np
from numpy.typing import NDArray

from capture_worker.audio.source import LOOPBACK, MICROPHONE
from capture_worker.samples import Mono, Pair

FULL_SCALE = 32767
#: A sample this loud was cut off by its device.
CLIPPED = 0.999


def mix(pair: Pair, sides: Collection[str]) -> NDArray[np.int16]:
    """The mean of both sides, (frames,); a side that is missing does not make the other one quieter.

    `sides` are those that have been heard so far. The mean cannot clip what the devices have not.
    """
    gain = 0.5 if {MICROPHONE, LOOPBACK} <= set(sides) else 1.0
    return _as_int16(gain * (pair.microphone + pair.loopback))


def split(pair: Pair, sides: Collection[str]) -> NDArray[np.int16]:
    """The microphone left and the loopback right, (frames, 2)."""
    return _as_int16(np.stack(pair, axis=1))


Mixer = Callable[[Pair, Collection[str]], NDArray[np.int16]]
#: Layout -> number of channels, and what makes them.
LAYOUTS: dict[str, tuple[int, Mixer]] = {"mono": (1, mix), "split": (2, split)}


def clipped_frames(samples: Mono) -> int:
    """Count the frames that were cut off at full scale."""
    return int(np.count_nonzero(np.abs(samples) >= CLIPPED))


def _as_int16(samples: NDArray[np.float32]) -> NDArray[np.int16]:
    scaled = np.rint(samples * np.float32(FULL_SCALE)).clip(-FULL_SCALE - 1, FULL_SCALE)
    pcm: NDArray[np.int16] = scaled.astype("<i2")
    return pcm
