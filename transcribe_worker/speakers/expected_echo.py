"""Estimates how loud the microphone hears the far side again: how much later, and how much fainter."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from shared.loudness import QUIETEST_BYTE, SideLevels, echo_of

#: Devices and volumes may change during a call: so each part of it has its own echo, from its neighbours too.
PART_SECONDS = 20
PARTS_AROUND = 1
#: Two voices that say different things correlate less than this in a second.
CORRELATED = 0.45
#: Lags of one echo differ by less: clocks drift, and a room has more than one way.
SAME_LAG_MS = 3
#: The far side speaks: its loudness is this much above its noise floor, in half decibels.
SPEAKS = 30
#: The loss of the echo is that of the tick which this share of ticks exceeds: while the near side speaks, the
#: microphone is louder than the echo. In a second that is not correlated, it may speak for most of the time.
SHARE_CORRELATED, SHARE_ANY = 0.4, 0.3
LEAST_SECONDS = 2
#: A room rings for 0.3 s: the echo of a sound fades by 150 dB a second. In half decibels.
FADES = 300


def echo(levels: SideLevels, loopback_floor: bytes) -> bytes:
    """Return how loud the echo in each tick of the microphone is expected to be, a byte each."""
    return Echo(levels, loopback_floor).loudness()


class Echo:
    """The echo of one call."""

    def __init__(self, levels: SideLevels, loopback_floor: bytes) -> None:
        self._rate = levels.ticks_per_second
        self._levels = levels
        self._fading = _fading(levels.loopback, FADES // self._rate)
        self._speaks = bytes(
            tick + SPEAKS < floor for tick, floor in zip(levels.loopback, loopback_floor, strict=True)
        )
        self._correlated = _correlated(levels)
        everything = range(0, len(levels.microphone) // self._rate + 1)
        self._usual_lag = self._lag(everything, 0)
        self._usual_loss = self._loss(everything, self._usual_lag, QUIETEST_BYTE)

    def loudness(self) -> bytes:
        """Return the loudness of the echo that is expected in each tick."""
        found = bytearray()
        seconds = len(self._levels.microphone) // self._rate + 1
        for start in range(0, seconds, PART_SECONDS):
            around = range(
                max(0, start - PARTS_AROUND * PART_SECONDS),
                min(seconds, start + (1 + PARTS_AROUND) * PART_SECONDS),
            )
            lag = self._lag(around, self._usual_lag)
            loss = self._loss(around, lag, self._usual_loss)
            found += self._echo(start * self._rate, (start + PART_SECONDS) * self._rate, lag, loss)
        return bytes(found[: len(self._levels.microphone)])

    def _lag(self, seconds: range, otherwise: int) -> int:
        """Return the lag in ms that the most correlated seconds have."""
        lags: dict[int, float] = defaultdict(float)
        for second in seconds:
            if second in self._correlated:
                correlation, lag = self._correlated[second]
                for near in range(lag - SAME_LAG_MS, lag + SAME_LAG_MS + 1):
                    lags[near] += correlation
        if not lags:
            return otherwise
        return max(lags, key=lambda lag: (lags[lag], -lag))

    def _loss(self, seconds: range, lag: int, otherwise: int) -> int:
        """Return by how many half decibels the echo is fainter than the loopback."""
        sure = [
            it
            for it in seconds
            if it in self._correlated and abs(self._correlated[it][1] - lag) <= 2 * SAME_LAG_MS
        ]
        for chosen, share in ((sure, SHARE_CORRELATED), (seconds, SHARE_ANY)):
            losses = self._losses(chosen, lag)
            if len(losses) >= LEAST_SECONDS * self._rate:
                return sorted(losses)[round((1 - share) * (len(losses) - 1))]
        return otherwise

    def _losses(self, seconds: Sequence[int], lag: int) -> list[int]:
        late = round(lag * self._rate / 1000)
        microphone, fading, speaks = self._levels.microphone, self._fading, self._speaks
        found = []
        for second in seconds:
            start = max(second * self._rate, late, 0)
            end = min((second + 1) * self._rate, len(microphone), len(microphone) + late)
            found += [
                microphone[tick] - fading[tick - late] for tick in range(start, end) if speaks[tick - late]
            ]
        return found

    def _echo(self, start: int, end: int, lag: int, loss: int) -> bytes:
        late = lag * self._rate / 1000
        early, later = int(late // 1), int(-(-late // 1))
        table = bytes(min(QUIETEST_BYTE, max(0, tick + loss)) for tick in range(256))
        one, other = (_moved(self._fading, start - by, end - by) for by in (early, later))
        return bytes(map(min, one, other)).translate(table)


def _moved(ticks: bytes, start: int, end: int) -> bytes:
    """Return ticks of a stretch that may begin before the first one or end after the last one."""
    before, after = max(0, -start), max(0, end - len(ticks))
    return b"\xff" * before + ticks[max(0, start) : max(0, end)] + b"\xff" * after


def _fading(ticks: bytes, step: int) -> bytes:
    """Return each tick as loud as a room still is by then, which fades by `step` half decibels a tick."""
    found = bytearray()
    now = QUIETEST_BYTE
    for tick in ticks:
        now = min(tick, now + step)
        found.append(now)
    return bytes(found)


def _correlated(levels: SideLevels) -> dict[int, tuple[float, int]]:
    """Return correlation and lag of each second in which the sides are alike."""
    found = ((second, echo_of(levels, second)) for second in range(len(levels.echo) // 2))
    return {second: it for second, it in found if it and it[0] >= CORRELATED}
