"""How long to wait before a server is asked again: longer each time, never together with everybody else."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import suppress
from email.utils import parsedate_to_datetime

FIRST_SECONDS, LONGEST_SECONDS = 1.0, 60.0
#: The most that a server may ask for.
LONGEST_ASKED_SECONDS = 3600.0


class Backoff:
    """The waits after failures in a row: they double, up to a minute, and jitter spreads them."""

    def __init__(self, jitter: Callable[[], float] = random.random) -> None:
        self._jitter, self._failures = jitter, 0

    def after(self, asked_seconds: float | None = None) -> float:
        """Return the seconds to wait after another failure; at least those that the server asked for."""
        wait = wait_seconds(self._failures, self._jitter())
        self._failures += 1
        return max(wait, min(asked_seconds or 0.0, LONGEST_ASKED_SECONDS))

    def reset(self) -> None:
        """Begin again, after a success."""
        self._failures = 0


def wait_seconds(failures: int, jitter: float) -> float:
    """Return the wait after so many failures before the last one; `jitter` is in [0, 1)."""
    longest = min(LONGEST_SECONDS, FIRST_SECONDS * 2.0 ** min(failures, 10))
    return longest * (0.5 + jitter / 2)


def asked_seconds(retry_after: str | None, now: Callable[[], float] = time.time) -> float | None:
    """Read a Retry-After header: seconds, or a date; None for anything else."""
    if not retry_after:
        return None
    with suppress(ValueError, TypeError, OverflowError):
        if retry_after.strip().isdecimal():
            return float(retry_after)
        return max(0.0, parsedate_to_datetime(retry_after).timestamp() - now())
    return None
