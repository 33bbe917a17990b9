"""Wakes those who wait for the database to change, in one thread, while there are any."""

from __future__ import annotations

import time

from offhook.desk.desk import Desk
from offhook.web.listeners import LOOK_SECONDS, Listeners

RETRY_SECONDS = 1.0


def commits(desk: Desk) -> Listeners:
    """Return listeners that are called when something was committed, at most five times a second."""

    def watch() -> None:
        with desk.store.feed() as feed:
            found.wake()  # what was committed before
            while found.are_there:
                if feed.wait(0.0):
                    found.wake()
                time.sleep(LOOK_SECONDS)

    found = Listeners("commits", watch, retry_seconds=RETRY_SECONDS)
    return found
