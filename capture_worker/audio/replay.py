"""Plays WAV files instead of devices, for tests and demonstrations: once, in real time.

A side's device is chosen by `replay:PATH`. After its end a file gives no data, like the loopback of a machine
on which nothing plays.
"""

from __future__ import annotations

import wave
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from capture_worker.audio.source import SIDES, Block, Device
from capture_worker.clock import steady_seconds
from shared.capture_errors import AudioUnavailable, DeviceLost
from shared.errors import in_words

PREFIX = "replay:"


class Stream:
    """A 16-bit WAV that plays from the moment it is opened."""

    def __init__(self, device: Device, clock: Callable[[], float] = steady_seconds) -> None:
        self.device = device
        self._clock = clock
        try:
            self._file = wave.open(device.key.removeprefix(PREFIX), "rb")  # noqa: SIM115 (it stays open)
        except (OSError, EOFError, wave.Error) as error:
            raise DeviceLost(f"{device.name} cannot be played: {in_words(error)}.") from error
        self._since = clock()
        self._played = 0

    def read(self) -> Block | None:
        """Return the frames since the last call, None if there are none."""
        moment = self._clock()
        due = int((moment - self._since) * self.device.rate_hz) - self._played
        data = self._file.readframes(due) if due > 0 else b""
        if not data:
            return None
        frames = np.frombuffer(data, "<i2").reshape(-1, self.device.channels).astype(np.float32) / np.float32(
            2**15
        )
        self._played += len(frames)
        return Block(moment, frames)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class System:
    """The files asked for, by side. Raises AudioUnavailable."""

    def __init__(self, wanted: Mapping[str, str]) -> None:
        chosen = {side: wanted.get(side, "") for side in SIDES}
        self._devices = [_device(side, name) for side, name in chosen.items() if name.startswith(PREFIX)]

    def look(self) -> list[Device] | None:
        """Return a device for each file."""
        return self._devices

    def open(self, device: Device) -> Stream:
        """Play a file from its beginning. Raises DeviceLost."""
        return Stream(device)

    def renew(self) -> None:
        """Do nothing: files do not change."""

    def close(self) -> None:
        """Do nothing: each stream closes its own file."""


def _device(side: str, name: str) -> Device:
    path = Path(name.removeprefix(PREFIX))
    try:
        with wave.open(str(path), "rb") as file:
            if file.getsampwidth() != 2:
                raise AudioUnavailable(f"{path} cannot be replayed: it is not a 16-bit WAV.")
            return Device(side, name, name, file.getframerate(), file.getnchannels(), is_default=True)
    except (OSError, EOFError, wave.Error) as error:
        raise AudioUnavailable(f"{path} cannot be replayed: {in_words(error)}.") from error
