"""Keeps a device open for each side of the call, whatever is unplugged, re-plugged or made the default.

All of it runs in the one audio thread. The timeline fills what is missing meanwhile.
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
from shared.errors import AudioUnavailable, DeviceLost, DeviceUnknown, NoDevice

log = logging.getLogger(__name__)

DEFAULT, NONE = "default", "none"
LOOK_EVERY_SECONDS = 1.0
#: After a loss the first looks follow each other sooner.
FIRST_WAIT_SECONDS = 0.1
#: How long a better device that refuses is left alone, while another one is heard: trying may take seconds.
REFUSED_SECONDS = 15.0
OpenSystem = Callable[[Mapping[str, str]], AudioSystem]


class Heard(NamedTuple):
    """Samples of a side, the mean of all channels, that had arrived by a moment."""

    side: str
    arrived_seconds: float
    samples: Mono
    rate_hz: int


@dataclass
class Input:
    """One side: what is wanted, what is open, and what happened to it."""

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
    """Both sides' devices. One thread makes, uses and closes it."""

    def __init__(self, open_system: OpenSystem, wanted: Mapping[str, str], warn: Warn) -> None:
        self.sides = {side: Input(side, _plain(wanted.get(side, DEFAULT))) for side in SIDES}
        self._now = 0.0
        self._warn = warn
        self._next_look = 0.0
        self._running = False
        self._system = open_system(wanted)

    def open(self, now_seconds: float) -> None:
        """Open what there is, the microphone first: a headset may change its rate. Raises NoDevice."""
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
        """The sides from which a device has been open."""
        return [side for side, input_ in self.sides.items() if input_.devices]

    def read(self) -> Iterator[Heard]:
        """Hand out what both sides have heard since the last time."""
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
        """Now and then look whether there is a better device, or one again that was lost."""
        if now_seconds >= self._next_look:
            try:
                self._look(now_seconds)
            except AudioUnavailable as error:
                self._lose_all(error, now_seconds)

    def close(self) -> None:
        """Let all devices go."""
        for input_ in self.sides.values():
            self._close(input_)
        self._system.close()

    def _look(self, now_seconds: float) -> None:
        self._now = now_seconds
        if self._running and not any(input_.stream for input_ in self.sides.values()):
            self._system.renew()  # nothing is open: the audio system itself may have been started again
        found = self._system.look()
        for side in SIDES if found is not None else ():
            self._follow(self.sides[side], found or [])
        self._next_look = now_seconds + (self._wait_seconds() if found is not None else FIRST_WAIT_SECONDS)

    def _wait_seconds(self) -> float:
        """Until the next look: ever longer while a side is lost."""
        lost = [input_ for input_ in self.sides.values() if input_.device and not input_.stream]
        for input_ in lost:
            input_.wait_seconds = min(2 * input_.wait_seconds, LOOK_EVERY_SECONDS)
        return min((input_.wait_seconds for input_ in lost), default=LOOK_EVERY_SECONDS)

    def _follow(self, input_: Input, found: list[Device]) -> None:
        """Have the device open that is best now."""
        best = self._best(input_, found)
        if best is None or (input_.stream and _same(input_.device, best)):
            return
        if input_.stream and not _is_among(input_.device, found):  # gone since the last read
            self._lose(input_, DeviceLost("it is not there any more"))
        if input_.wanted != DEFAULT and not _is_named(best, input_.wanted):
            self._say(input_, "device_missing", wanted=input_.wanted, device=best.name)
        self._switch(input_, best)

    def _best(self, input_: Input, found: list[Device]) -> Device | None:
        """The first choice that has not just refused; what was heard before is better than nothing."""
        choice = choose(found, input_.side, input_.wanted)
        before = [device for device in found if input_.device and device.key == input_.device.key]
        choices = [device for device in (choice, *before) if device]
        refused = input_.refused_key if self._now < input_.refused_until else None
        willing = [device for device in choices if device.key != refused]
        return next(iter([*willing, *([] if input_.stream else choices)]), None)

    def _switch(self, input_: Input, device: Device) -> None:
        """Open another device; until it is open, the one before is better than none."""
        if input_.device and input_.device.key == device.key:  # in another format
            self._close(input_)
        try:
            self._open(input_, device)
        except DeviceUnknown:
            self._open_all_anew(input_, device)
        except (DeviceLost, AudioUnavailable) as error:
            self._refuse(input_, device, error)

    def _refuse(self, input_: Input, device: Device, error: Exception) -> None:
        """Note that a device cannot be opened now."""
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

    def _open_all_anew(self, input_: Input, device: Device) -> None:
        """Open a device that the audio system does not know yet: it has to begin anew, with both sides."""
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
        """The audio system itself is gone: try again, ever more slowly."""
        for input_ in self.sides.values():
            if input_.stream:
                self._lose(input_, error)
        self._next_look = now_seconds + self._wait_seconds()

    def _close(self, input_: Input) -> None:
        if input_.stream:
            input_.stream.close()
            input_.stream = None

    def _say(self, input_: Input, code: str, **facts: object) -> None:
        """Say a thing once, however often it is tried again."""
        if input_.said.get(code) != facts:
            input_.said[code] = facts
            notice(self._warn, code, **facts)


def choose(found: list[Device], side: str, wanted: str) -> Device | None:
    """The device for a side: the named one if it is there, else the default one; None if there is none."""
    if wanted == NONE:
        return None
    mine = [device for device in found if device.side == side]
    named = [device for device in mine if wanted != DEFAULT and _is_named(device, wanted)]
    named.sort(key=lambda device: wanted not in (device.key, device.name))
    return next(iter([*named, *(device for device in mine if device.is_default)]), None)


def _is_named(device: Device, wanted: str) -> bool:
    return wanted == device.key or wanted.casefold() in device.name.casefold()


def _plain(wanted: str) -> str:
    """A name without a name in it is the default, and the two words count in capitals too."""
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
    """The mean of both channels; what is no number becomes one, for a NaN never leaves a resampler again.

    Of more than two, half of each: the mean would make a voice on the front of a surround device four times
    quieter.
    """
    channels = frames.shape[1]
    mono: Mono = frames @ np.full(channels, 1 / min(channels, 2), np.float32)
    if channels > 2:
        np.clip(mono, -1.0, 1.0, out=mono)
    return mono if np.isfinite(mono.sum()) else np.nan_to_num(mono, nan=0.0, posinf=1.0, neginf=-1.0)
