"""A queue that cannot be used for a while: it is said once, and tried again less and less often."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable

from shared.errors import OffhookError

SHORTEST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.1, 5.0
#: The next attempt comes after this share of the time that has gone by.
SHARE = 0.5


class QueueAway(OffhookError):
    """The queue of hints cannot be used now."""

    code = "queue_away"


class Outage:
    """What all threads of a process know about it."""

    def __init__(self, log: logging.Logger, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._log, self._monotonic = log, monotonic
        self._lock = threading.Lock()
        self._since: float | None = None

    def note(self, trouble: str, error: BaseException) -> None:
        """Note that the queue cannot be used; log it for the first time alone."""
        with self._lock:
            is_new, self._since = self._since is None, self._since or self._monotonic()
        if is_new:
            self._log.warning("the queue of hints %s: %s", trouble, _kind(error))

    def is_over(self) -> None:
        """Note that the queue can be used."""
        if self._since is not None:
            with self._lock:
                was_on, self._since = self._since is not None, None
            if was_on:
                self._log.info("the queue of hints can be used again")

    def wait_seconds(self) -> float:
        """Return how long to wait before the next attempt; threads and machines do not come all at once."""
        lasted = 0.0 if (since := self._since) is None else self._monotonic() - since
        longest = max(SHORTEST_WAIT_SECONDS, min(LONGEST_WAIT_SECONDS, lasted * SHARE))
        return longest * random.uniform(0.5, 1.0)


def _kind(error: BaseException) -> str:
    """Name an error without its message, which may have parts of a URL."""
    return type(error).__name__
