"""The interface of every audio system: devices, and streams that are polled.

One thread creates an audio system, lists, opens and reads its devices, and closes it: on Windows COM belongs
to a thread. Nothing here waits for audio: a stream returns the frames that have arrived since the last call.
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
    """A device that records one side of a call, at its own rate and number of channels.

    `name` is for people; `key` is the system's own and does not change while the device is plugged in.
    """

    side: str
    name: str
    key: str
    rate_hz: int
    channels: int
    is_default: bool = False


class Block(NamedTuple):
    """Frames, float32 (frames, channels) in [-1, 1], and when they had arrived, by capture_worker.clock."""

    arrived_seconds: float
    frames: NDArray[np.float32]


class Stream(Protocol):
    """An open device."""

    device: Device

    def read(self) -> Block | None:
        """Return the frames since the last call, None if there are none. Raises DeviceLost."""

    def close(self) -> None:
        """Close the device; never raises."""


class AudioSystem(Protocol):
    """The audio devices of a machine."""

    def look(self) -> list[Device] | None:
        """Return the devices that are there now; None while that is not known. Raises AudioUnavailable."""

    def open(self, device: Device) -> Stream:
        """Start to record. Raises DeviceLost if it cannot be opened, DeviceUnknown if it needs `renew`."""

    def renew(self) -> None:
        """Open the audio system again, so that new devices can be opened; no stream may be open."""

    def close(self) -> None:
        """Close the audio system and all its streams; never raises."""
