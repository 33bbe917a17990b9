"""Finds out who speaks in each tick of a captured call, from the loudness of both sides."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import accumulate

from shared.loudness import QUIETEST_BYTE, SideLevels
from transcribe_worker.speakers.echo_path import echo
from transcribe_worker.speakers.noise_floor import noise_floor

#: A side that is 3 dB above its background may speak, one that is 12 dB above it does. In half decibels.
SILENT, SPEAKING = 6, 24
#: The echo is louder than expected now and then: the near side must be this much louder. In half decibels.
ECHO_MARGIN = 10
#: Where both speak, the model hears the one that is this much louder in the mix. In half decibels.
LOUDER = 20


@dataclass(frozen=True)
class Activity:
    """Sums over the ticks before each tick.

    `speakers` adds 1 where the near side speaks and -1 where the far side does, `speech` 1 where any does.
    """

    ticks_per_second: int
    speakers: list[float]
    speech: list[float]

    def between(self, start_ms: int, end_ms: int) -> tuple[float, float]:
        """Return both in seconds, for at least one tick."""
        rate, last = self.ticks_per_second, len(self.speech) - 1
        start = min(last, max(0, start_ms * rate // 1000))
        end = min(last, max(start + 1, -(-end_ms * rate // 1000)))
        return (
            (self.speakers[end] - self.speakers[start]) / rate,
            (self.speech[end] - self.speech[start]) / rate,
        )


def activity(levels: SideLevels) -> Activity:
    """Return who speaks in each tick, as sums."""
    levels = _as_long(levels)
    microphone_floor = noise_floor(levels.microphone, levels.ticks_per_second)
    loopback_floor = noise_floor(levels.loopback, levels.ticks_per_second)
    expected = echo(levels, loopback_floor)
    ramp = [min(1.0, max(0.0, (above - SILENT) / (SPEAKING - SILENT))) for above in range(-300, 300)]
    louder = [min(1.0, max(-1.0, above / LOUDER)) for above in range(-300, 300)]
    speakers, speech = [], []
    for near, far, near_floor, far_floor, heard in zip(
        levels.microphone, levels.loopback, microphone_floor, loopback_floor, expected, strict=True
    ):
        background = heard - ECHO_MARGIN
        own = ramp[300 + (background if background < near_floor else near_floor) - near]
        others = ramp[300 + far_floor - far]
        both = own * others
        speakers.append(own - others + both * louder[300 + (far if far < heard else heard) - near])
        speech.append(own + others - both)
    return Activity(
        levels.ticks_per_second,
        list(accumulate(speakers, initial=0.0)),
        list(accumulate(speech, initial=0.0)),
    )


def _as_long(levels: SideLevels) -> SideLevels:
    """Return both sides at the length of the longer one."""
    ticks = max(len(levels.microphone), len(levels.loopback))
    silence = bytes([QUIETEST_BYTE])
    return replace(
        levels,
        microphone=levels.microphone.ljust(ticks, silence),
        loopback=levels.loopback.ljust(ticks, silence),
    )
