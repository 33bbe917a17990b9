"""Commits of a worker while the server of the database is away: they wait, and so does what follows them.

The engine goes on meanwhile, and what it has decoded stays in memory. A connection that is lost in a commit
leaves open whether it was made, so that a repeated one has to look first.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from shared.errors import StoreAway, WorkerStopping

Result = TypeVar("Result")

SHORTEST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.2, 5.0
LOOK_SECONDS = 0.1


def outlast(
    write: Callable[[bool], Result],
    is_to_stop: Callable[[], bool],
    sleep: Callable[[float], object] = time.sleep,
) -> Result:
    """Do a write, again and again while the database is away; it is told whether it is repeated.

    Raises WorkerStopping, and what else the write raises.
    """
    wait_seconds, is_repeated = SHORTEST_WAIT_SECONDS, False
    while True:
        try:
            return write(is_repeated)
        except StoreAway:
            is_repeated = True
        left = wait_seconds * random.uniform(0.5, 1.0)
        while left > 0:
            if is_to_stop():
                raise WorkerStopping
            sleep(LOOK_SECONDS)
            left -= LOOK_SECONDS
        wait_seconds = min(2 * wait_seconds, LONGEST_WAIT_SECONDS)
