"""How an attempt to deliver ended, and when the next one is: pure functions."""

from __future__ import annotations

import random
from dataclasses import dataclass

from shared.store.hooks import PROGRAM, URL

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
#: The waits after each failed attempt, by the kind of hook; then the delivery has failed.
WAITS_SECONDS = {
    URL: (30.0, 2 * MINUTE, 10 * MINUTE, HOUR, 4 * HOUR, 12 * HOUR, DAY, DAY),
    PROGRAM: (30.0, 2 * MINUTE, 10 * MINUTE),
}
#: A receiver may ask for a longer wait, up to this.
LONGEST_ASKED_SECONDS = DAY
#: The waits vary by this share, so that messages that failed together are not sent again together.
JITTER = 0.2


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended: `error` is None if the message was received.

    `status` is HTTP's, or the exit code of a program. `is_gone`: the receiver wants no more messages.
    """

    status: int | None = None
    error: str | None = None
    retry_after_seconds: float | None = None
    is_gone: bool = False


def wait_seconds(kind: str, attempts: int, outcome: Outcome, jitter: float | None = None) -> float | None:
    """Return the wait before the next attempt, None if there is none; `jitter` is in [0, 1)."""
    waits = WAITS_SECONDS.get(kind, ())
    if outcome.is_gone or attempts > len(waits):
        return None
    spread = random.random() if jitter is None else jitter
    planned = waits[attempts - 1] * (1 + JITTER * (2 * spread - 1))
    return max(planned, min(outcome.retry_after_seconds or 0.0, LONGEST_ASKED_SECONDS))
