"""Keeps a device open for each side of the call while devices are unplugged, plugged in or made the default.

All of it runs in the audio thread. The timeline fills the gaps.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from capture_worker.audio.source import SIDES, AudioSystem, Device, Stream
from capture_worker.notices import Warn, notice
from capture_worker.samples import Mono
from shared.capture_errors import AudioUnavailable, DeviceLost, DeviceUnknown, NoDevice

log = logging.getLogger(__name__)

DEFAULT, NONE = "default", "none"
LOOK_EVERY_SECONDS = 1.0
#: After a loss the devices are listed again after 0.1 s, then at growing intervals.
FIRST_WAIT_SECONDS = 0.1
#: While another device is open, one that failed to open is not tried for 15 s: a try may take seconds.
REFUSED_SECONDS = 15.0
OpenSystem = Callable[[Mapping[str, str]], AudioSystem]


class Heard(NamedTuple):
    """Samples of a side, mixed to one channel, and the time when they had arrived."""

    side: str
    arrived_seconds: float
    samples: Mono
    rate_hz: int


@dataclass
class Input:
    """One side: the wanted device, the open one, and what happened so far."""

    side: str
    wanted: str
    stream: Stream | None = None
    device: Device | None = None  # the last one that was open
    devices: list[Device] = field(default_factory=list)  # all that have been open, in order
    losses: int = 0
    wait_seconds: float = FIRST_WAIT_SECONDS
    refused_key: str = ""
    refused_until: float = 0.0
    said: dict[str, dict[str, object]] = field(default_factory=dict)  # since it was last open


class Inputs:
    """The devices of both sides. One thread creates, uses and closes this."""

    def __init__(self, open_system: OpenSystem, wanted: Mapping[str, str], warn: Warn) -> None:
        self.sides = {side: Input(side, plain_name(wanted.get(side, DEFAULT))) for side in SIDES}
        self._now = 0.0
        self._warn = warn
        self._next_look = 0.0
        self._running = False
        self._system = open_system(wanted)

    def open(self, now_seconds: float) -> None:
        """Open the devices, the microphone first: a headset may change its rate then. Raises NoDevice."""
        try:
            self._look(now_seconds)
            if not self.heard:
                raise NoDevice
        except BaseException:
            self.close()
            raise
        for input_ in self.sides.values():
            if not input_.devices and input_.wanted != NONE:
                notice(self._warn, f"{input_.side}_missing")
        self._running = True

    @property
    def heard(self) -> list[str]:
        """The sides that have had an open device."""
        return [side for side, input_ in self.sides.items() if input_.devices]

    def read(self) -> Iterator[Heard]:
        """Yield the samples of both sides since the last call."""
        for input_ in self.sides.values():
            try:
                block = input_.stream.read() if input_.stream else None
            except DeviceLost as error:
                self._lose(input_, error)
                continue
            if block and input_.device:
                mono = _mono(block.frames)
                yield Heard(input_.side, block.arrived_seconds, mono, input_.device.rate_hz)

    def look_after(self, now_seconds: float) -> None:
        """When due, list the devices and switch to a preferred or returned one."""
        if now_seconds >= self._next_look:
            try:
                self._look(now_seconds)
            except AudioUnavailable as error:
                self._lose_all(error, now_seconds)

    def close(self) -> None:
        """Close all devices."""
        for input_ in self.sides.values():
            self._close(input_)
        self._system.close()

    def _look(self, now_seconds: float) -> None:
        self._now = now_seconds
        if self._running and not any(input_.stream for input_ in self.sides.values()):
            self._system.renew()  # nothing is open: the audio system may have been restarted
        found = self._system.look()
        for side in SIDES if found is not None else ():
            self._follow(self.sides[side], found or [])
        self._next_look = now_seconds + (self._wait_seconds() if found is not None else FIRST_WAIT_SECONDS)

    def _wait_seconds(self) -> float:
        """Return the time to the next listing; it doubles while a side is lost."""
        lost = [input_ for input_ in self.sides.values() if input_.device and not input_.stream]
        for input_ in lost:
            input_.wait_seconds = min(2 * input_.wait_seconds, LOOK_EVERY_SECONDS)
        return min((input_.wait_seconds for input_ in lost), default=LOOK_EVERY_SECONDS)

    def _follow(self, input_: Input, found: list[Device]) -> None:
        """Open the best device of a side, if it is not open."""
        best = self._best(input_, found)
        if best is None or (input_.stream and _same(input_.device, best)):
            return
        if input_.stream and not _is_among(input_.device, found):  # removed since the last read
            self._lose(input_, DeviceLost("it was removed"))
        if input_.wanted != DEFAULT and not is_named(best, input_.wanted):
            self._say(input_, "device_missing", wanted=input_.wanted, device=best.name)
        self._switch(input_, best)

    def _best(self, input_: Input, found: list[Device]) -> Device | None:
        """Return the first choice that has not just failed; the previous device is better than none."""
        choice = choose(found, input_.side, input_.wanted)
        before = [device for device in found if input_.device and device.key == input_.device.key]
        choices = [device for device in (choice, *before) if device]
        refused = input_.refused_key if self._now < input_.refused_until else None
        willing = [device for device in choices if device.key != refused]
        return next(iter([*willing, *([] if input_.stream else choices)]), None)

    def _switch(self, input_: Input, device: Device) -> None:
        """Open another device; the previous one stays open until then."""
        if input_.device and input_.device.key == device.key:  # in another format
            self._close(input_)
        try:
            self._open(input_, device)
        except DeviceUnknown:
            self._reopen_all(input_, device)
        except (DeviceLost, AudioUnavailable) as error:
            self._refuse(input_, device, error)

    def _refuse(self, input_: Input, device: Device, error: Exception) -> None:
        """Note that a device cannot be opened at present."""
        log.warning("%s: %s", input_.side, error)
        self._say(input_, "device_unusable", side=input_.side, error=str(error))
        input_.device = input_.device or device
        input_.refused_key, input_.refused_until = device.key, self._now + REFUSED_SECONDS

    def _open(self, input_: Input, device: Device) -> None:
        stream = self._system.open(device)
        self._close(input_)
        input_.stream = stream
        input_.device, input_.wait_seconds, input_.said = device, FIRST_WAIT_SECONDS, {}
        log.info("%s: listening at %d Hz, %d channels", input_.side, device.rate_hz, device.channels)
        if self._running:
            notice(self._warn, "device_opened", side=input_.side, device=device.name)
        input_.devices.append(device)

    def _reopen_all(self, input_: Input, device: Device) -> None:
        """Open a device that the audio system does not know yet: reopen the system, with both sides."""
        chosen = {other.side: other.device for other in self.sides.values() if other.stream}
        chosen[input_.side] = device
        for other in self.sides.values():
            self._close(other)
        try:
            self._system.renew()
        except AudioUnavailable as error:
            for side in chosen:
                self._lose(self.sides[side], error)
            raise
        for side in SIDES:
            try:
                if wanted := chosen.get(side):
                    self._open(self.sides[side], wanted)
            except (DeviceLost, DeviceUnknown, AudioUnavailable) as error:
                self._refuse(self.sides[side], wanted or device, error)

    def _lose(self, input_: Input, error: Exception) -> None:
        log.warning("%s lost: %s", input_.side, error)
        self._close(input_)
        input_.losses += 1
        self._next_look = 0.0
        self._say(input_, "device_lost", side=input_.side)

    def _lose_all(self, error: Exception, now_seconds: float) -> None:
        """Note that the audio system has ended; it is tried again at growing intervals."""
        for input_ in self.sides.values():
            if input_.stream:
                self._lose(input_, error)
        self._next_look = now_seconds + self._wait_seconds()

    def _close(self, input_: Input) -> None:
        if input_.stream:
            input_.stream.close()
            input_.stream = None

    def _say(self, input_: Input, code: str, **facts: object) -> None:
        """Give a notice once for the same facts."""
        if input_.said.get(code) != facts:
            input_.said[code] = facts
            notice(self._warn, code, **facts)


def choose(found: list[Device], side: str, wanted: str) -> Device | None:
    """Return the device for a side: the named one, else the default one; None if there is none."""
    if wanted == NONE:
        return None
    mine = [device for device in found if device.side == side]
    named = [device for device in mine if wanted != DEFAULT and is_named(device, wanted)]
    named.sort(key=lambda device: wanted not in (device.key, device.name))
    return next(iter([*named, *(device for device in mine if device.is_default)]), None)


def is_named(device: Device, wanted: str) -> bool:
    """Return whether a wanted name is a part of the device's name, or its key."""
    return wanted == device.key or wanted.casefold() in device.name.casefold()


def plain_name(wanted: str) -> str:
    """Return the wanted name; an empty one is the default, and `default` and `none` may be in capitals."""
    name = wanted.strip() or DEFAULT
    return name.casefold() if name.casefold() in (DEFAULT, NONE) else name


def _is_among(one: Device | None, found: list[Device]) -> bool:
    return one is not None and one.key in [device.key for device in found]


def _same(one: Device | None, other: Device) -> bool:
    return one is not None and (one.key, one.rate_hz, one.channels) == (
        other.key,
        other.rate_hz,
        other.channels,
    )


def _mono(frames: NDArray[np.float32]) -> Mono:
    """Return the mean of two channels, with NaN as 0: the resampler would keep a NaN for ever.

    Of more than two channels it is half of each, clipped: the mean would make a voice on the front channels
    of a surround device four times quieter.
    """
    channels = frames.shape[1]
    mono: Mono = frames @ np.full(channels, 1 / min(channels, 2), np.float32)
    if channels > 2:
        np.clip(mono, -1.0, 1.0, out=mono)
    return mono if np.isfinite(mono.sum()) else np.nan_to_num(mono, nan=0.0, posinf=1.0, neginf=-1.0)
