"""Kills processes at random moments, or just when a critical step begins."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter

from stress.supervisor import CAPTURE, ENGINE, INBOX, TARGETS, WORKER, Supervisor
from stress.watch import Watch

#: The critical steps that are announced, and the process to kill at each.
AIMS = {"dropped": INBOX, "recording": CAPTURE, "stopping": CAPTURE, "claimed": ENGINE, "let go": WORKER}
AIMED = 0.4
AIM_SECONDS = 0.15
#: How long to wait for a critical step.
PATIENCE_SECONDS = 2.0


class Moments:
    """Critical steps: some threads announce them, another waits for them."""

    def __init__(self) -> None:
        self._came = {name: threading.Event() for name in AIMS}

    def announce(self, name: str) -> None:
        """Announce a step."""
        self._came[name].set()

    def wait_for(self, name: str) -> None:
        """Wait for the next announcement of a step, for 2 s at most."""
        self._came[name].clear()
        self._came[name].wait(PATIENCE_SECONDS)


def disturb(
    processes: Supervisor, watch: Watch, moments: Moments, *, kills: int, every: float, chance: random.Random
) -> Counter[str]:
    """Kill processes at random intervals; return how many of each were killed."""
    killed: Counter[str] = Counter()
    for _ in range(kills):
        time.sleep(min(chance.expovariate(1 / every), 4 * every))
        target = _aim(moments, chance) if chance.random() < AIMED else chance.choice(TARGETS)
        target = processes.kill(target, chance)
        killed[target] += 1
        if target == WORKER:
            watch.note_death(processes.deaths[-1].moment)
    return killed


def _aim(moments: Moments, chance: random.Random) -> str:
    moment, target = chance.choice(list(AIMS.items()))
    moments.wait_for(moment)
    time.sleep(chance.uniform(0, AIM_SECONDS))
    return target
