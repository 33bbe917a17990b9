"""How one channel of a call is heard on the other, from the levels and the echo of each second.

A loudspeaker is heard by the microphone, a line by its neighbour. Then a second is alike on both channels
(its correlation), the copy is later by a lag and quieter by a gain.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import log10
from statistics import median

from shared.loudness import QUIETEST_BYTE, SideLevels, echo_of

#: Power by the byte of a level, in half decibels below full scale.
POWERS = tuple(10 ** (-byte / 20) for byte in range(QUIETEST_BYTE + 1))
#: A second is a copy if it correlates at least so well: in a room with long reverberation 0.3 to 0.6. Seconds
#: of two people were seen to reach 0.13.
ALIKE = 0.25
#: A path is known from so many seconds that agree within so many ms; in a recording of a few words from one.
AGREEING_SECONDS, AGREEING_MS, SHORT_SECONDS = 2, 12, 20
#: Crosstalk goes both ways, at once; where both talk, a second correlates less than this share of the best.
AT_ONCE_MS, NEARLY_AS_WELL = 5, 0.75
#: Gain and lag of a moment are those of the seconds so near, or of so many of the nearest.
AROUND_SECONDS, ENOUGH_SECONDS = 30, 4
#: The lag of a second is compared with that of so many before it and after it: clocks drift.
NEIGHBOURS = 5
#: Sound fades in a room by this much a tick, in bytes of a level: 60 dB in 0.8 s.
FADES = 3
#: Where the levels differ by less, the later channel is the copy.
EQUAL_DB = 1.5
#: Levels this far up are noise, as a share of all ticks; it varies by this factor.
NOISE_SHARE, NOISE_VARIES = 0.1, 2.0


@dataclass(frozen=True)
class Heard:
    """A second of one channel that is a copy of the other."""

    second: int
    correlation: float
    lag_ms: int
    gain_db: float


class Path:
    """How `source` is heard on `copy`, both a byte a tick.

    `heard` are the seconds in which nobody speaks on the copy itself, one at least; `all_heard` has others.
    """

    def __init__(
        self,
        source: bytes,
        copy: bytes,
        ticks_per_second: int,
        heard: Sequence[Heard],
        all_heard: Sequence[Heard],
    ) -> None:
        self._source, self._copy, self._ticks_per_second = source, copy, ticks_per_second
        self._heard = heard
        self._seconds = [it.second for it in heard]
        self._by_second = {it.second: it.correlation for it in all_heard}
        self.correlation = median(it.correlation for it in heard)  # where nobody else speaks

    def excess_db(self, start_ms: int, end_ms: int) -> float:
        """Return how much louder the copy is than what it hears of the source explains; 0 or less: not."""
        lag_ms, gain_db = self.around(start_ms)
        first = start_ms * self._ticks_per_second // 1000
        last = max(first + 1, -(-end_ms * self._ticks_per_second // 1000))
        ticks = range(max(0, first), min(last, len(self._copy)))
        if not ticks:
            return 0.0
        lag = round(lag_ms * self._ticks_per_second / 1000)
        gain = 10 ** (gain_db / 10)
        heard = sum(POWERS[self._copy[tick]] for tick in ticks)
        explained = sum(gain * self._power(tick - lag) + self._noise for tick in ticks)
        return 10 * log10(heard / explained)

    def around(self, ms: int) -> tuple[int, float]:
        """Return lag in ms and gain in dB of a moment."""
        second = ms // 1000
        first = bisect_left(self._seconds, second - AROUND_SECONDS)
        last = bisect_left(self._seconds, second + AROUND_SECONDS + 1)
        if last - first < ENOUGH_SECONDS:
            first = max(0, min(bisect_left(self._seconds, second), len(self._heard)) - ENOUGH_SECONDS // 2)
            last = first + ENOUGH_SECONDS
        near = self._heard[first:last] or self._heard
        return round(median(it.lag_ms for it in near)), median(it.gain_db for it in near)

    def correlation_of(self, start_ms: int, end_ms: int) -> float:
        """Return the best correlation of the seconds of a time, 0 where they are no copies."""
        seconds = range(start_ms // 1000, end_ms // 1000 + 1)
        return max((self._by_second.get(second, 0.0) for second in seconds), default=0.0)

    def _power(self, tick: int) -> float:
        """Return the power of the source at a tick, the loudest of three, with what fades in the room."""
        around = self._fading[max(0, tick - 1) : max(0, tick + 2)]
        return POWERS[min(around)] if around else 0.0

    @cached_property
    def _fading(self) -> bytes:
        faded, byte = bytearray(), QUIETEST_BYTE
        for level in self._source:
            byte = min(level, byte + FADES, QUIETEST_BYTE)
            faded.append(byte)
        return bytes(faded)

    @cached_property
    def _noise(self) -> float:
        return NOISE_VARIES * POWERS[sorted(self._copy)[-max(1, round(NOISE_SHARE * len(self._copy)))]]


def paths(levels: SideLevels) -> dict[int, Path]:
    """Return the paths by the channel that hears the other: 0 the microphone or left, 1 the other."""
    sides = (levels.microphone, levels.loopback)
    is_short = len(levels.microphone) <= SHORT_SECONDS * levels.ticks_per_second
    least = 1 if is_short else AGREEING_SECONDS
    copies = _copies(levels)
    found = [_agreeing(seconds) for seconds in _alone(copies)]
    if all(len(seconds) >= least for seconds in found) and _is_one_path(*found):
        found[len(found[0]) >= len(found[1])] = []
    return {
        copy: Path(sides[1 - copy], sides[copy], levels.ticks_per_second, seconds, copies[copy])
        for copy, seconds in enumerate(found)
        if len(seconds) >= least
    }


def _alone(copies: tuple[list[Heard], list[Heard]]) -> list[list[Heard]]:
    """Return the seconds in which nobody else speaks: they correlate nearly as well as the best."""
    correlations = sorted(it.correlation for seconds in copies for it in seconds)
    least = NEARLY_AS_WELL * correlations[len(correlations) * 9 // 10] if correlations else 0.0
    return [[it for it in seconds if it.correlation >= least] for seconds in copies]


def _is_one_path(one: Sequence[Heard], other: Sequence[Heard]) -> bool:
    """Whether both directions have the lag of one path: somebody spoke over the echo."""
    lag_ms, opposite_ms = (median(it.lag_ms for it in seconds) for seconds in (one, other))
    return abs(lag_ms) > AT_ONCE_MS and abs(lag_ms + opposite_ms) <= AGREEING_MS


def _copies(levels: SideLevels) -> tuple[list[Heard], list[Heard]]:
    """Return the seconds in which each channel is a copy of the other."""
    found: tuple[list[Heard], list[Heard]] = ([], [])
    ticks = levels.ticks_per_second
    for second in range(len(levels.microphone) // ticks):
        echo = echo_of(levels, second)
        if echo is None or echo[0] < ALIKE:
            continue
        correlation, lag_ms = echo
        lag = round(lag_ms * ticks / 1000)
        microphone = _mean_power(levels.microphone, second * ticks, ticks)
        loopback = _mean_power(levels.loopback, second * ticks - lag, ticks)
        gain_db = 10 * log10(microphone / loopback)
        is_microphone = _is_microphone(lag_ms, gain_db)
        sign = 1 if is_microphone else -1
        copy = Heard(second, correlation, sign * lag_ms, sign * gain_db)
        found[0 if is_microphone else 1].append(copy)
    return found


def _is_microphone(lag_ms: int, gain_db: float) -> bool:
    """Return whether the microphone is the copy: the later channel is, also if a loudspeaker makes it louder.

    A microphone may seem earlier where the two sides of a capture are not quite aligned.
    """
    if lag_ms > AT_ONCE_MS:
        return True
    return gain_db < 0 if abs(gain_db) > EQUAL_DB else lag_ms >= 0


def _agreeing(seconds: Sequence[Heard]) -> list[Heard]:
    """Return the seconds whose lags agree with those of the seconds around them."""
    lags_ms = [it.lag_ms for it in seconds]
    return [
        it
        for at, it in enumerate(seconds)
        if abs(it.lag_ms - median(lags_ms[max(0, at - NEIGHBOURS) : at + NEIGHBOURS + 1])) <= AGREEING_MS
    ]


def _mean_power(levels: bytes, first: int, ticks: int) -> float:
    part = levels[max(0, first) : max(0, first + ticks)]
    return max(sum(POWERS[byte] for byte in part) / ticks, POWERS[QUIETEST_BYTE])
