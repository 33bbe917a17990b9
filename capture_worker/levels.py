"""Measures the loudness of each side: live for a meter, and per tick (20 ms) to assign speakers later."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from capture_worker.audio.source import LOOPBACK, MICROPHONE, SIDES
from capture_worker.echo import Echo
from capture_worker.samples import RATE_HZ, Mono, Pair
from shared.loudness import ECHO_BYTES, QUIETEST_BYTE, SideLevels, as_byte, dbfs

TICKS_PER_SECOND = 50
TICK_FRAMES = RATE_HZ // TICKS_PER_SECOND
TENTHS_PER_SECOND = 10
TENTH_FRAMES = RATE_HZ // TENTHS_PER_SECOND
TICKS_PER_TENTH = TICKS_PER_SECOND // TENTHS_PER_SECOND
#: A loopback that is silent for 15 s while the microphone hears speech may be the wrong device.
SUSPICIOUS_TENTHS = 15 * TENTHS_PER_SECOND
SPEECH_TENTHS = 2 * TENTHS_PER_SECOND
SPEECH_ABOVE_NOISE_DB = 10.0
#: Mean squares below this have the quietest byte.
QUIETEST_POWER = 1e-26


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
    """The loudness of each side, 50 ticks per second of the recording, one byte per tick; and their echo.

    One thread adds, others may read: `ticks` counts a tick after both sides have it, and the echo of its
    second is there. The checks of a running recording count tenths of a second: a shorter tick may be silent
    within a word.
    """

    def __init__(self, silence_dbfs: float) -> None:
        self._silent_from = as_byte(10 ** (silence_dbfs / 20))
        self._bytes = {side: bytearray() for side in SIDES}
        self._tenths = {side: bytearray() for side in SIDES}
        self._silent_tenths = dict.fromkeys(SIDES, 0)
        self._both_silent_tenths = 0  # consecutive, up to the last one
        self._echo = Echo()
        self._rest = np.zeros((len(SIDES), 0), np.float32)
        self.ticks = 0

    def add(self, pair: Pair) -> None:
        """Add a stretch of the recording."""
        self._echo.add(pair)
        joined = np.concatenate([self._rest, pair], axis=1)
        whole = joined.shape[1] // TENTH_FRAMES * TENTH_FRAMES
        if whole:
            self._add_tenths(joined[:, :whole].reshape(len(SIDES), -1, TICK_FRAMES))
        self._rest = joined[:, whole:]

    def _add_tenths(self, samples: NDArray[np.float32]) -> None:
        """Add whole tenths, shape (sides, ticks, frames)."""
        ticks = np.einsum("ijk,ijk->ij", samples, samples, dtype=np.float64) / TICK_FRAMES
        tenths = _as_bytes(ticks.reshape(len(SIDES), -1, TICKS_PER_TENTH).mean(axis=2))
        silent = tenths >= self._silent_from
        for side, its_ticks, its_tenths, its_silence in zip(
            SIDES, _as_bytes(ticks), tenths, silent, strict=True
        ):
            self._bytes[side] += its_ticks.tobytes()
            self._tenths[side] += its_tenths.tobytes()
            self._silent_tenths[side] += int(its_silence.sum())
        for both in np.logical_and(*silent):
            self._both_silent_tenths = self._both_silent_tenths + 1 if both else 0
        self.ticks += ticks.shape[1]

    @property
    def both_silent_seconds(self) -> float:
        """For how long both sides have been silent by now."""
        return self._both_silent_tenths / TENTHS_PER_SECOND

    def silence_share(self, side: str) -> float:
        """Return the share of a side that was silent, from 0 to 1."""
        return self._silent_tenths[side] / max(1, self.ticks // TICKS_PER_TENTH)

    def between(self, start: int, end: int) -> SideLevels:
        """Return the ticks from `start` up to `end`, with the echo of the whole seconds in them."""
        return SideLevels(
            TICKS_PER_SECOND,
            bytes(self._bytes[MICROPHONE][start:end]),
            bytes(self._bytes[LOOPBACK][start:end]),
            self._echo.measured()[_echo_bytes(start) : _echo_bytes(end)],
        )

    def loopback_is_suspicious(self) -> bool:
        """Whether the loopback was silent for 15 s while the microphone heard speech."""
        recent = {side: tenths[-SUSPICIOUS_TENTHS:] for side, tenths in self._tenths.items()}
        if len(recent[LOOPBACK]) < SUSPICIOUS_TENTHS or min(recent[LOOPBACK]) < self._silent_from:
            return False
        heard = np.array([dbfs(tenth) for tenth in recent[MICROPHONE]])
        floor = max(dbfs(self._silent_from), float(np.quantile(heard, 0.1)) + SPEECH_ABOVE_NOISE_DB)
        return int(np.count_nonzero(heard > floor)) >= SPEECH_TENTHS


def _echo_bytes(ticks: int) -> int:
    return ECHO_BYTES * (ticks // TICKS_PER_SECOND)


def _as_bytes(powers: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Write mean squares as `as_byte` writes a root mean square."""
    heard = np.maximum(powers, QUIETEST_POWER)
    found: NDArray[np.uint8] = np.rint(-20 * np.log10(heard)).clip(0, QUIETEST_BYTE).astype(np.uint8)
    return found
