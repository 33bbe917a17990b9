"""The clock of a recording: it counts the time during a sleep, so that a sleep becomes a gap."""

from __future__ import annotations

import sys
import time

#: The clock that counts a sleep, by system. Windows' performance counter, the default, counts it too.
COUNTS_SLEEP = {"linux": "CLOCK_BOOTTIME", "darwin": "CLOCK_MONOTONIC"}
_CLOCK_ID: int | None = getattr(time, COUNTS_SLEEP[sys.platform]) if sys.platform in COUNTS_SLEEP else None


def steady_seconds() -> float:
    """Return the time in seconds; only differences are meaningful."""
    if sys.platform == "win32" or _CLOCK_ID is None:
        return time.perf_counter()
    return time.clock_gettime(_CLOCK_ID)
