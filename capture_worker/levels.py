"""Measures the loudness of each side: live for a meter, and per tick (0.1 s) to assign speakers later."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from capture_worker.audio.source import LOOPBACK, MICROPHONE, SIDES
from capture_worker.samples import RATE_HZ, Mono, Pair
from shared.loudness import as_byte, dbfs
from shared.store.captures import TICKS_PER_SECOND

TICK_FRAMES = RATE_HZ // TICKS_PER_SECOND
#: A loopback that is silent for 15 s while the microphone hears speech may be the wrong device.
SUSPICIOUS_TICKS = 15 * TICKS_PER_SECOND
SPEECH_TICKS = 2 * TICKS_PER_SECOND
SPEECH_ABOVE_NOISE_DB = 10.0


@dataclass(frozen=True)
class Level:
    """Root mean square and peak of 0.1 s, from 0 to 1."""

    rms: float = 0.0
    peak: float = 0.0


@dataclass(frozen=True)
class Levels:
    """The levels of both sides, and the length of the recording so far."""

    microphone: Level
    loopback: Level
    seconds: float

    def as_event(self) -> dict[str, Any]:
        """Return the event of the capture protocol."""
        return {
            "type": "level",
            "mic": round(self.microphone.rms, 4),
            "loopback": round(self.loopback.rms, 4),
            "mic_peak": round(self.microphone.peak, 4),
            "loopback_peak": round(self.loopback.peak, 4),
            "seconds": round(self.seconds, 2),
        }


class Meter:
    """The levels since the last read, of samples as they come from the devices."""

    def __init__(self) -> None:
        self._heard: dict[str, list[Mono]] = {side: [] for side in SIDES}

    def add(self, side: str, samples: Mono) -> None:
        """Add samples of a side."""
        self._heard[side].append(samples)

    def read(self, seconds: float) -> Levels:
        """Return the levels and reset."""
        levels = {side: _level(pieces) for side, pieces in self._heard.items()}
        self._heard = {side: [] for side in SIDES}
        return Levels(levels[MICROPHONE], levels[LOOPBACK], seconds)


def _level(pieces: list[Mono]) -> Level:
    if not pieces:
        return Level()
    samples = np.concatenate(pieces)
    return Level(_rms(samples), float(np.abs(samples).max(initial=0.0)))


def _rms(samples: Mono) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) if len(samples) else 0.0


class Loudness:
    """The loudness of each side: ten ticks per second of the recording, one byte per tick.

    One thread adds, others may read: `ticks` counts a tick after both sides have it.
    """

    def __init__(self, silence_dbfs: float) -> None:
        self._silent_from = as_byte(10 ** (silence_dbfs / 20))
        self._bytes = {side: bytearray() for side in SIDES}
        self._rest: Pair = Pair(np.zeros(0, np.float32), np.zeros(0, np.float32))
        self.ticks = 0
        self.silent_ticks = dict.fromkeys(SIDES, 0)
        self.both_silent_ticks = 0  # consecutive, up to the last tick

    def add(self, pair: Pair) -> None:
        """Add a stretch of the recording."""
        joined = [np.concatenate(both) for both in zip(self._rest, pair, strict=True)]
        whole = len(joined[0]) // TICK_FRAMES * TICK_FRAMES
        for start in range(0, whole, TICK_FRAMES):
            self._add_tick([side[start : start + TICK_FRAMES] for side in joined])
        self._rest = Pair(*(side[whole:] for side in joined))

    def _add_tick(self, tick: list[Mono]) -> None:
        silent = []
        for side, samples in zip(SIDES, tick, strict=True):
            loudness = as_byte(_rms(samples))
            self._bytes[side].append(loudness)
            silent.append(loudness >= self._silent_from)
            self.silent_ticks[side] += silent[-1]
        self.both_silent_ticks = self.both_silent_ticks + 1 if all(silent) else 0
        self.ticks += 1

    def between(self, start: int, end: int) -> dict[str, bytes]:
        """Return the ticks of each side from `start` up to `end`."""
        return {side: bytes(found[start:end]) for side, found in self._bytes.items()}

    def loopback_is_suspicious(self) -> bool:
        """Whether the loopback was silent for 15 s while the microphone heard speech."""
        recent = (
            self.between(self.ticks - SUSPICIOUS_TICKS, self.ticks) if self.ticks >= SUSPICIOUS_TICKS else {}
        )
        if not recent or min(recent[LOOPBACK]) < self._silent_from:
            return False
        heard = np.array([dbfs(tick) for tick in recent[MICROPHONE]])
        floor = max(dbfs(self._silent_from), float(np.quantile(heard, 0.1)) + SPEECH_ABOVE_NOISE_DB)
        return int(np.count_nonzero(heard > floor)) >= SPEECH_TICKS
