"""What every audio system looks like from above: devices, and streams that are polled.

One thread owns an audio system from its making to its end: it lists, opens, reads and closes (on Windows
COM belongs to a thread). Nothing here waits for audio: a stream hands out what has come since the last time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

MICROPHONE, LOOPBACK = "microphone", "loopback"
SIDES = (MICROPHONE, LOOPBACK)


@dataclass(frozen=True)
class Device:
    """A device that one side of a call can be heard from, at its own rate and number of channels.

    `name` is for people; `key` is the system's own and stays the same while the device is plugged in.
    """

    side: str
    name: str
    key: str
    rate_hz: int
    channels: int
    is_default: bool = False


class Block(NamedTuple):
    """Frames that had arrived by a moment (capture_worker.clock): float32, (frames, channels), in [-1, 1]."""

    arrived_seconds: float
    frames: NDArray[np.float32]


class Stream(Protocol):
    """An open device."""

    device: Device

    def read(self) -> Block | None:
        """Return all that has come since the last time, None if nothing has. Raises DeviceLost."""

    def close(self) -> None:
        """Let the device go; never raises."""


class AudioSystem(Protocol):
    """The audio devices of a machine."""

    def look(self) -> list[Device] | None:
        """Return what is there now; None while that is not known. Raises AudioUnavailable."""

    def open(self, device: Device) -> Stream:
        """Start to listen. Raises DeviceLost if it cannot be opened, DeviceUnknown before `renew`."""

    def renew(self) -> None:
        """Begin anew, so that devices can be opened that were not there before; no stream may be open."""

    def close(self) -> None:
        """Let the audio system go, with all its streams; never raises."""
