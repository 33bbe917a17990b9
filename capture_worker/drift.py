"""Measures how fast a device's clock runs against the computer's, and corrects the rate.

A line is fitted to the lower envelope of the lateness. Each run of blocks has its own height; the slope is
that of the device, common to all runs. The remaining error is removed by steering the rate.
"""

from __future__ import annotations

import math

POINT_SECONDS = 1.0
STEER_SECONDS = 5.0
#: The time in which a remaining error is removed.
STEER_OVER_SECONDS = 20.0
LARGEST_SLOPE, LARGEST_STRETCH = 300e-6, 500e-6
#: Prior of the slope: points scatter by 0.5 ms, clocks differ by 50 ppm.
DOUBT = (0.5e-3 / 50e-6) ** 2
STRETCH_SECONDS, MEMORY_SECONDS = 120.0, 1200.0


class Drift:
    """The drift of one side's device, estimated from block to block."""

    def __init__(self) -> None:
        self.stretch = 0.0  # output frames per input frame, minus 1
        self._past = _Moments()
        self._now = _Moments()
        self._point = _Lowest()
        self._error = _Lowest()

    @property
    def ppm(self) -> float:
        """How much faster the device's clock runs than the computer's, in parts per million."""
        return -self._slope * 1e6

    def note(self, at_seconds: float, raw_late_seconds: float, late_seconds: float) -> float | None:
        """Note a block's lateness, before and after correction; every 5 s return a new stretch, else None."""
        lowest = self._point.note(at_seconds, raw_late_seconds, POINT_SECONDS)
        if lowest is not None:
            self._now.add(at_seconds, lowest)
            if self._now.span_seconds >= STRETCH_SECONDS:
                self._remember()
        error = self._error.note(at_seconds, late_seconds, STEER_SECONDS)
        if error is None:
            return None
        steer = self._slope + error / STEER_OVER_SECONDS
        self.stretch = min(max(steer, -LARGEST_STRETCH), LARGEST_STRETCH)
        return self.stretch

    def end_run(self) -> None:
        """Close the current run: the next one has its own height."""
        self._remember()
        self._point, self._error = _Lowest(), _Lowest()
        self.stretch = self._slope

    @property
    def _slope(self) -> float:
        spread = self._past.spread + self._now.spread
        slope = (self._past.product + self._now.product) / (spread + DOUBT)
        return min(max(slope, -LARGEST_SLOPE), LARGEST_SLOPE)

    def _remember(self) -> None:
        self._past.fade(math.exp(-self._now.span_seconds / MEMORY_SECONDS))
        self._past.spread += self._now.spread
        self._past.product += self._now.product
        self._now = _Moments()


class _Moments:
    """Sums of squares about the mean, updated point by point (Welford 1962)."""

    def __init__(self) -> None:
        self.spread = 0.0
        self.product = 0.0
        self._count = 0
        self._mean_x = self._mean_y = 0.0
        self._first = self._last = 0.0

    @property
    def span_seconds(self) -> float:
        return self._last - self._first

    def add(self, x: float, y: float) -> None:
        self._first = self._first if self._count else x
        self._last = x
        self._count += 1
        before = x - self._mean_x
        self._mean_x += before / self._count
        self._mean_y += (y - self._mean_y) / self._count
        self.spread += before * (x - self._mean_x)
        self.product += before * (y - self._mean_y)

    def fade(self, factor: float) -> None:
        self.spread *= factor
        self.product *= factor


class _Lowest:
    """The smallest value of each period."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._value = math.inf

    def note(self, at_seconds: float, value: float, every_seconds: float) -> float | None:
        if self._since is None:
            self._since = at_seconds
        self._value = min(self._value, value)
        if at_seconds - self._since < every_seconds:
            return None
        lowest, self._since, self._value = self._value, at_seconds, math.inf
        return lowest
