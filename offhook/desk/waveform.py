"""The waveform of a recording, in as many columns as a page draws."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from offhook.desk.desk import Desk
from shared.loudness import QUIETEST_BYTE, SideLevels
from shared.store.values import Record
from shared.store.waveforms import Waveform

MICROPHONE, FAR_SIDE, WHOLE = "Microphone", "Far side", "Recording"
LEFT, RIGHT = "Left", "Right"
#: Neighbouring columns differ by less than this, mostly: 12 dB.
LOWER = 24
_BELOW = [bytes(range(tick)) for tick in range(256)]
#: Turns half decibels below full scale into half decibels above -127.5 dBFS.
_TURNED = bytes(QUIETEST_BYTE - loudness for loudness in range(QUIETEST_BYTE + 1))


@dataclass(frozen=True)
class Drawn:
    """What a page draws: `peaks` has a number from 0 (-127.5 dBFS) to 255 (0 dBFS) a column, for each side.

    While a recording is being read it is not `ready`, and has the peaks that are known so far. `why` says
    why there will be no more.
    """

    sides: list[str]
    peaks: list[list[int]]
    ready: bool
    progress: float
    why: str | None = None


@dataclass(frozen=True)
class _Known:
    waveform: Waveform
    ready: bool = True
    progress: float = 1.0
    why: str | None = None


def drawn(desk: Desk, record: Record, from_ms: int, to_ms: int | None, width: int) -> Drawn:
    """Return the waveform of a part of a recording; if it is not known, the recording is read from now on.

    `to_ms` of None is the end of the recording.
    """
    known = _known(desk, record)
    waveform = known.waveform
    end_ms = to_ms if to_ms is not None else _length_ms(record, waveform)
    peaks = [columns(side, waveform.ticks_per_second, from_ms, end_ms, width) for side in waveform.sides]
    return Drawn(_names(record, len(waveform.sides)), peaks, known.ready, known.progress, known.why)


def columns(ticks: bytes, ticks_per_second: int, from_ms: int, to_ms: int, width: int) -> list[int]:
    """Return the highest tick of each of `width` equal parts of a range; 0 where there are no ticks."""
    first, span = from_ms * ticks_per_second, max(0, to_ms - from_ms) * ticks_per_second
    edges = ((first + span * column // width) // 1000 for column in range(width + 1))
    found: list[int] = []
    highest = 0
    for start, end in pairwise(edges):
        if start < len(ticks):
            highest = _highest(ticks[start : max(end, start + 1)], max(0, highest - LOWER))
        else:
            highest = 0
        found.append(highest)
    return found


def _highest(ticks: bytes, guess: int) -> int:
    """Return the highest tick. To remove those below a guess first takes a third of the time."""
    return max(ticks.translate(None, _BELOW[guess]) or ticks)


def as_peaks(levels: SideLevels) -> Waveform:
    """Return the levels that capture has stored as a waveform."""
    sides = (levels.microphone, levels.loopback)
    return Waveform(levels.ticks_per_second, tuple(side.translate(_TURNED) for side in sides))


def _known(desk: Desk, record: Record) -> _Known:
    """Return the peaks that there are: those of capture, stored ones, or those read so far."""
    if record.is_capture and (levels := desk.store.captures.levels(record.session_id)):
        return _Known(as_peaks(levels))
    stored = desk.store.waveforms.find(record.id)
    if stored and stored.sha256 == record.sha256:
        return _Known(stored)
    task = desk.preparing.find("copy", record)  # which measures them, too
    if task is None or task.why:
        task = desk.preparing.start("peaks", record)
    so_far = Waveform(task.ticks_per_second, tuple(map(bytes, task.sides)) or (b"",))
    return _Known(so_far, False, task.progress, task.why or None)


def _names(record: Record, sides: int) -> list[str]:
    if sides == 1:
        return [WHOLE]
    return [MICROPHONE, FAR_SIDE] if record.is_capture else [LEFT, RIGHT]


def _length_ms(record: Record, waveform: Waveform) -> int:
    ticks = max(map(len, waveform.sides), default=0)
    return round(1000 * (record.duration_seconds or ticks / waveform.ticks_per_second))
