"""Removes what is left of calls that workstations send here, where no worker may run."""

from __future__ import annotations

import logging
import threading

from archive.incoming import LeftCalls
from offhook.desk.desk import Desk
from shared.errors import StoreError
from shared.logs import discreet

log = logging.getLogger(__name__)

LOOK_SECONDS = 60.0


def remove_left_calls(desk: Desk, stopping: threading.Event, look_seconds: float = LOOK_SECONDS) -> None:
    """Look every hour until `stopping` is set."""
    left = LeftCalls(desk.settings, desk.store)
    while not stopping.wait(look_seconds):
        try:
            left.apply()
        except (StoreError, OSError) as error:
            log.warning("what is left of calls cannot be removed now: %s", discreet(error))
