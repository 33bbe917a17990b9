"""Measures the steps of one recording, for its line in the log."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping


class Stopwatch:
    """Splits the seconds since its creation into named parts."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._last = monotonic()
        self._parts: dict[str, float] = {}
        self._within: dict[str, float] = {}

    def lap(self, part: str) -> None:
        """Add the time since the last lap to `part`."""
        now = self._monotonic()
        self._parts[part] = self._parts.get(part, 0.0) + now - self._last
        self._last = now

    def note(self, within: Mapping[str, float]) -> None:
        """Note times that were measured elsewhere within these laps, in seconds."""
        self._within |= within

    def __str__(self) -> str:
        """Return all parts in order, such as `0.131 s: claimed 0.003, decoded 0.128; of it model 0.104`."""
        within = f"; of it {_listed(self._within)}" if self._within else ""
        return f"{sum(self._parts.values()):.3f} s: {_listed(self._parts)}{within}"


def _listed(parts: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {seconds:.3f}" for name, seconds in parts.items())
