"""Audio in memory between the devices and the disk: 16 kHz float32 in [-1, 1]."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 16_000

#: Samples of one side, shape (frames,).
Mono = NDArray[np.float32]


class Pair(NamedTuple):
    """The same stretch of both sides, each of shape (frames,)."""

    microphone: Mono
    loopback: Mono
