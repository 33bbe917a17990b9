"""How loud each side of a call was: the form in which capture keeps it, and who labels words reads it."""

from __future__ import annotations

import math
from dataclasses import dataclass

QUIETEST_BYTE = 255
#: A second of echo: the strongest correlation of the two sides times 255, then the lag of that in ms + 50.
ECHO_BYTES, FULL_CORRELATION, EARLIEST_LAG_MS = 2, 255, -50


@dataclass(frozen=True)
class SideLevels:
    """The loudness of both sides, a byte a tick, and their echo, ECHO_BYTES a second.

    `echo` is empty in recordings of before it was measured. The lag is positive where the microphone hears
    later than the loopback.
    """

    ticks_per_second: int
    microphone: bytes
    loopback: bytes
    echo: bytes = b""


def as_byte(rms: float) -> int:
    """Write a loudness as half decibels below full scale, from 0 to 255."""
    return QUIETEST_BYTE if rms <= 0 else min(QUIETEST_BYTE, max(0, round(-40 * math.log10(rms))))


def dbfs(loudness: int) -> float:
    """Read a loudness byte: decibels relative to full scale, from 0 down to -127.5."""
    return -loudness / 2


def echo_bytes(correlation: float, lag_ms: float) -> bytes:
    """Write the strongest correlation of a second, from 0 to 1, and its lag, from -50 to 205 ms."""
    written = (correlation * FULL_CORRELATION, lag_ms - EARLIEST_LAG_MS)
    return bytes(min(255, max(0, round(each))) for each in written)


def echo_of(levels: SideLevels, second: int) -> tuple[float, int] | None:
    """Read the correlation and the lag in ms of a second; None if they were not measured."""
    found = levels.echo[second * ECHO_BYTES : (second + 1) * ECHO_BYTES]
    if len(found) < ECHO_BYTES:
        return None
    return found[0] / FULL_CORRELATION, found[1] + EARLIEST_LAG_MS
