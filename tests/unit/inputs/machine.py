"""A machine whose devices do as the test says, and a recorder of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from capture_worker.audio.source import LOOPBACK, MICROPHONE, Block, Device
from capture_worker.inputs import Heard, Inputs
from shared.capture_errors import AudioUnavailable, DeviceLost, DeviceUnknown

POLL_SECONDS = 0.02


BUILT_IN = Device(MICROPHONE, "Built-in Microphone", "in:0", 48_000, 2, is_default=True)


HEADSET = Device(MICROPHONE, "USB Headset (Jabra)", "in:1", 16_000, 1)


SPEAKERS = Device(LOOPBACK, "Speakers", "out:0", 48_000, 2, is_default=True)


EARPHONES = Device(LOOPBACK, "USB Headset (Jabra)", "out:1", 44_100, 2)


LAPTOP = (BUILT_IN, HEADSET, SPEAKERS, EARPHONES)


class Stream:
    """An open device, which hears what it is given."""

    def __init__(self, machine: Machine, device: Device) -> None:
        self.device = device
        self._machine = machine

    def read(self) -> Block | None:
        there = [device.key for device in self._machine.devices]
        if self._machine.is_down or self.device.key not in there:
            raise DeviceLost(f"{self.device.name} is gone.")
        heard = self._machine.heard.pop(self.device.key, None)
        return None if heard is None else Block(self._machine.now, np.array(heard, np.float32))

    def close(self) -> None:
        assert self in self._machine.streams, "closed twice"
        self._machine.streams.remove(self)
        self._machine.done.append(f"close {self.device.key}")


@dataclass
class Machine:
    """The devices that are there, those that cannot be opened, and all that was done with them.

    One that `freezes` knows only the devices that were there when it began, as PortAudio does.
    """

    devices: list[Device] = field(default_factory=lambda: list(LAPTOP))
    freezes: bool = False
    is_down: bool = False
    does_not_know: bool = False
    failing_renewals: int = 0
    refused: set[str] = field(default_factory=set)
    heard: dict[str, list[list[float]]] = field(default_factory=dict)
    now: float = 1_000.0
    streams: list[Stream] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    asked: list[float] = field(default_factory=list)  # when it was asked what is there
    known: set[str] = field(default_factory=set)
    is_closed: bool = False

    def __call__(self, wanted: Mapping[str, str]) -> Machine:
        self.known = {device.key for device in self.devices}
        return self

    def look(self) -> list[Device] | None:
        self._be_asked()
        return None if self.does_not_know else list(self.devices)

    def open(self, device: Device) -> Stream:
        assert not self.is_closed
        if self.is_down:
            raise AudioUnavailable
        if self.freezes and device.key not in self.known:
            raise DeviceUnknown
        if device.key in self.refused or device not in self.devices:
            raise DeviceLost(f"{device.name} is held by another program.")
        assert device.key not in [stream.device.key for stream in self.streams], "opened twice"
        self.done.append(f"open {device.key}")
        self.streams.append(Stream(self, device))
        return self.streams[-1]

    def renew(self) -> None:
        assert not self.streams, "a stream is open"
        self._be_asked()
        if self.failing_renewals:
            self.failing_renewals -= 1
            raise AudioUnavailable
        self.known = {device.key for device in self.devices}
        self.done.append("renew")

    def close(self) -> None:
        self.is_closed = True

    def _be_asked(self) -> None:
        if self.asked[-1:] != [self.now]:
            self.asked.append(self.now)
        if self.is_down:
            raise AudioUnavailable

    def unplug(self, *gone: Device) -> None:
        keys = [device.key for device in gone]
        self.devices = [device for device in self.devices if device.key not in keys]

    def plug(self, *devices: Device) -> None:
        self.devices += devices

    def make_default(self, chosen: Device) -> None:
        self.devices = [
            replace(device, is_default=device.key == chosen.key) if device.side == chosen.side else device
            for device in self.devices
        ]


class Recorder:
    """Inputs that are polled, and what they say."""

    def __init__(self, machine: Machine, *, open_now: bool = True, **wanted: str) -> None:
        self.machine = machine
        self.warnings: list[tuple[str, str]] = []
        self.heard: list[Heard] = []
        self.inputs = Inputs(machine, wanted, lambda code, message: self.warnings.append((code, message)))
        if open_now:
            self.inputs.open(machine.now)

    def run(self, seconds: float) -> list[tuple[str, str]]:
        """Poll for a while; return the warnings that came meanwhile."""
        before = len(self.warnings)
        end = self.machine.now + seconds
        while self.machine.now < end:
            self.heard += self.inputs.read()
            self.inputs.look_after(self.machine.now)
            self.machine.now += POLL_SECONDS
        return self.warnings[before:]

    @property
    def open_keys(self) -> dict[str, str]:
        return {stream.device.side: stream.device.key for stream in self.machine.streams}

    def keys_used(self, side: str) -> list[str]:
        return [device.key for device in self.inputs.sides[side].devices]

    def close(self) -> None:
        self.inputs.close()


def codes(warnings: list[tuple[str, str]]) -> list[str]:
    return [code for code, _ in warnings]


def waits_after(machine: Machine, recorder: Recorder, seconds: float = 8.0) -> list[float]:
    """How long it takes from question to question."""
    before = len(machine.asked)
    recorder.run(seconds)
    return [later - earlier for earlier, later in pairwise(machine.asked[before:])]
