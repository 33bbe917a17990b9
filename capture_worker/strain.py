"""What a running recording has trouble with now, so that others on the machine can step back.

The audio thread and the disk thread note trouble, a third thread asks. There is no lock: each value is
written whole, and an old one is right again a moment later.
"""

from __future__ import annotations

import math
from collections.abc import Callable

CAPTURE_LATE, DISK_LATE = "capture_late", "disk_late"
#: The audio thread runs every 20 ms. The smallest buffer of a device has 1 s (`audio/portable.py`). Other
#: programs that use all cores make it late by 0.3 s at times.
LATE_SECONDS = 0.5
#: Trouble is over when there was none for this long.
CALM_SECONDS = 5.0


class Strain:
    """The trouble of one recording."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._beat_seconds = math.inf  # when the audio thread ran last
        self._noted_seconds = dict.fromkeys((CAPTURE_LATE, DISK_LATE), -math.inf)
        self._gaps = self._losses = 0

    def beat(self, now_seconds: float) -> None:
        """Note that the audio thread runs."""
        if now_seconds - self._beat_seconds > LATE_SECONDS:
            self._noted_seconds[CAPTURE_LATE] = now_seconds
        self._beat_seconds = now_seconds

    def count_gaps(self, gaps: int, losses: int) -> None:
        """Note that audio is missing if a side has more gaps than before, unless its device was lost."""
        if gaps > self._gaps and losses == self._losses:
            self.note(CAPTURE_LATE)
        if gaps > self._gaps:
            self._gaps, self._losses = gaps, losses

    def note(self, code: str) -> None:
        """Note trouble that is there at this moment."""
        self._noted_seconds[code] = self._clock()

    def now(self) -> str | None:
        """Return the trouble of the last 5 s, None if there was none."""
        now_seconds = self._clock()
        if now_seconds - self._beat_seconds > LATE_SECONDS:
            return CAPTURE_LATE
        recent = (code for code, at in self._noted_seconds.items() if now_seconds - at < CALM_SECONDS)
        return next(recent, None)
