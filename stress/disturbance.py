"""Kills processes at random moments, or just when a critical step begins.

While a long call is recorded, kills are rarer and mostly spare its recorder, so that some of it is decoded.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable

from stress.supervisor import CAPTURE, ENGINE, INBOX, TARGETS, WORKER, Supervisor
from stress.watch import Watch

#: The critical steps that are announced, and the process to kill at each.
AIMS = {
    "dropped": INBOX,
    "recording": CAPTURE,
    "stopping": CAPTURE,
    "claimed": ENGINE,
    "let go": WORKER,
    "final": CAPTURE,  # a part of a running call
    "hung up": WORKER,
}
AIMED = 0.4
AIM_SECONDS = 0.15
#: How long to wait for a critical step.
PATIENCE_SECONDS = 2.0
#: So many times as long are the pauses between kills while a long call is recorded.
CALMER = 8


class Moments:
    """Critical steps: some threads announce them, another waits for them."""

    def __init__(self) -> None:
        self._came = {name: threading.Event() for name in AIMS}

    def announce(self, name: str) -> None:
        """Announce a step."""
        self._came[name].set()

    def wait_for(self, name: str) -> bool:
        """Wait for the next announcement of a step, for 2 s at most; return whether it came."""
        self._came[name].clear()
        return self._came[name].wait(PATIENCE_SECONDS)


def disturb(
    processes: Supervisor,
    watch: Watch,
    moments: Moments,
    *,
    kills: int,
    every: float,
    chance: random.Random,
    is_calm: Callable[[], bool],
) -> Counter[str]:
    """Kill processes at random intervals; return how many of each were killed."""
    killed: Counter[str] = Counter()
    for _ in range(kills):
        pause_seconds = min(chance.expovariate(1 / every), 4 * every)
        time.sleep(pause_seconds * (CALMER if is_calm() else 1))
        target = _aim(moments, chance) if chance.random() < AIMED else None
        others = [name for name in TARGETS if name != CAPTURE] if is_calm() else TARGETS
        target = processes.kill(target or chance.choice(others), chance)
        killed[target] += 1
        if target == WORKER:
            watch.note_death(processes.deaths[-1].moment)
    return killed


def _aim(moments: Moments, chance: random.Random) -> str | None:
    """Return whom to kill at the moment that has come, None if it has not."""
    moment, target = chance.choice(list(AIMS.items()))
    if not moments.wait_for(moment):
        return None
    time.sleep(chance.uniform(0, AIM_SECONDS))
    return target
