"""The clock of a recording: it goes on while the machine sleeps, so that a sleep is a gap and no seam."""

from __future__ import annotations

import sys
import time

#: What counts a sleep, by system. Windows' performance counter, which is the default, does so as well.
_COUNTS_SLEEP = {"linux": "CLOCK_BOOTTIME", "darwin": "CLOCK_MONOTONIC"}
_CLOCK_ID: int | None = getattr(time, _COUNTS_SLEEP.get(sys.platform, ""), None)


def steady_seconds() -> float:
    """Return the moment, in seconds; only differences mean anything."""
    return time.perf_counter() if _CLOCK_ID is None else time.clock_gettime(_CLOCK_ID)
