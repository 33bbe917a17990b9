"""Finds out who speaks when in a captured call, from the loudness of both sides."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import replace
from itertools import accumulate
from operator import mul, sub
from typing import NamedTuple

from shared.loudness import QUIETEST_BYTE, SideLevels
from transcribe_worker.speakers.expected_echo import echo
from transcribe_worker.speakers.noise_floor import noise_floor

#: Between syllables a voice is quiet for a tick: so a tick is as loud as the loudest within 20 ms of it.
HELD_MS = 20
#: A side that is 2 dB above its background may speak, one that is 9 dB above it does. In half decibels.
SILENT, SPEAKING = 4, 18
#: An echo is louder than expected now and then: the near side must be this much louder. In half decibels.
ECHO_MARGIN = 4
#: Where both speak, the model hears the one that is this much louder in the mix. In half decibels.
LOUDER = 20
#: A side that speaks for less in a whole call has not spoken: a device clicks when it is opened.
LEAST_SPEECH_SECONDS = 0.3


def _table(of: Callable[[int], float]) -> list[float]:
    """Return the values for all differences of two bytes; an index below 0 counts from the end of a list."""
    return [of(difference) for difference in (*range(QUIETEST_BYTE + 1), *range(-QUIETEST_BYTE, 0))]


_SPEECH = _table(lambda above: min(1.0, max(0.0, (above - SILENT) / (SPEAKING - SILENT))))
_LOUDER = _table(lambda above: min(1.0, max(-1.0, above / LOUDER)))


class Heard(NamedTuple):
    """What is heard in a stretch of a call, in seconds: each side, both at once, and any.

    `louder` is positive where the near side is the louder one while both speak.
    """

    near: float
    far: float
    both: float
    louder: float

    @property
    def speech(self) -> float:
        """For how long anybody speaks."""
        return self.near + self.far - self.both


class Activity:
    """Who speaks when in a call."""

    def __init__(self, levels: SideLevels) -> None:
        levels = _held(_as_long(levels))
        rate, microphone, loopback = levels.ticks_per_second, levels.microphone, levels.loopback
        loopback_floor = noise_floor(loopback, rate)
        background = _background(noise_floor(microphone, rate), echo(levels, loopback_floor))
        near, far = _speech(microphone, background), _speech(loopback, loopback_floor)
        both = array("d", map(mul, near, far))
        differences = map(_LOUDER.__getitem__, map(sub, loopback, microphone))
        ticks = (near, far, both, map(mul, both, differences))
        self._rate = rate
        #: Whether the far side speaks at any time of the call.
        self.far_speaks = far.count(1.0) >= LEAST_SPEECH_SECONDS * rate
        self._sums = [array("d", accumulate(values, initial=0.0)) for values in ticks]

    def between(self, start_ms: int, end_ms: int) -> Heard:
        """Return what is heard in a stretch, of at least one tick."""
        last = len(self._sums[0]) - 1
        start = min(last, max(0, start_ms * self._rate // 1000))
        end = min(last, max(start + 1, -(-end_ms * self._rate // 1000)))
        near, far, both, louder = self._sums
        return Heard(
            (near[end] - near[start]) / self._rate,
            (far[end] - far[start]) / self._rate,
            (both[end] - both[start]) / self._rate,
            (louder[end] - louder[start]) / self._rate,
        )


def _background(floor: bytes, echo: bytes) -> bytes:
    """Return how loud the microphone is while the near side is silent: its noise, or the echo if louder."""
    margin = bytes(max(0, tick - ECHO_MARGIN) for tick in range(QUIETEST_BYTE + 1))
    return bytes(map(min, floor, echo.translate(margin)))


def _speech(ticks: bytes, background: bytes) -> array[float]:
    """Return from 0 to 1 how surely each tick is speech; an array takes a quarter of the memory of a list."""
    return array("d", map(_SPEECH.__getitem__, map(sub, background, ticks)))


def _as_long(levels: SideLevels) -> SideLevels:
    """Return both sides at the length of the longer one."""
    ticks = max(len(levels.microphone), len(levels.loopback))
    microphone, loopback = (
        side.ljust(ticks, bytes([QUIETEST_BYTE])) for side in (levels.microphone, levels.loopback)
    )
    return replace(levels, microphone=microphone, loopback=loopback)


def _held(levels: SideLevels) -> SideLevels:
    """Return each tick as loud as the loudest near it."""
    ticks = HELD_MS * levels.ticks_per_second // 1000
    microphone, loopback = (_loudest(side, ticks) for side in (levels.microphone, levels.loopback))
    return replace(levels, microphone=microphone, loopback=loopback)


def _loudest(side: bytes, around: int) -> bytes:
    quiet = bytes([QUIETEST_BYTE]) * around
    padded = quiet + side + quiet
    shifted = [padded[by : by + len(side)] for by in range(2 * around + 1)]
    return bytes(map(min, *shifted)) if around else side
