"""The database's clock, so that machines whose own clocks differ agree on leases and waits."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

#: How long a measured difference is used. Two clocks drift apart by less than 1 ms in this time.
FRESH_SECONDS = 5.0
#: If this machine's clocks moved apart by more since, it slept or its time was set: both are measured again.
MOST_APART_SECONDS = 0.5


@dataclass(frozen=True)
class _Measured:
    server: float
    monotonic: float
    wall: float


class ServerClock:
    """Tells the server's time by this machine's monotonic clock, from what the server last said."""

    def __init__(self, ask: Callable[[], float]) -> None:
        self._ask, self._lock = ask, threading.Lock()
        self._measured: _Measured | None = None

    def __call__(self) -> float:
        """Return the server's time, in seconds since 1970 in UTC. Raises StoreError."""
        found = self._measured
        if found is None or not _is_fresh(found):
            self.note(self._ask())
            found = self._measured
            assert found
        return found.server + time.monotonic() - found.monotonic

    def note(self, server: float) -> None:
        """Take over the time that the server has just said."""
        with self._lock:
            self._measured = _Measured(server, time.monotonic(), time.time())


def _is_fresh(found: _Measured) -> bool:
    age, by_wall = time.monotonic() - found.monotonic, time.time() - found.wall
    return age < FRESH_SECONDS and abs(age - by_wall) < MOST_APART_SECONDS
