"""Sends the events of a session to its listener: those of the capture protocol."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from typing import Any

from capture_worker.levels import Levels

log = logging.getLogger(__name__)

MOST_WARNINGS = 100

Event = dict[str, Any]


class Announcer:
    """Sends events to one listener; an error that it raises is logged and ends no recording."""

    def __init__(self, listener: Callable[[Event], None]) -> None:
        self.warnings: deque[dict[str, str]] = deque(maxlen=MOST_WARNINGS)  # of the last recording
        self._listener = listener

    def state(self, found: dict[str, Any]) -> None:
        """Send a new state."""
        self.send({"type": "state", **found})

    def levels(self, levels: Levels) -> None:
        """Send the levels."""
        self.send(levels.as_event())

    def warn(self, code: str, message: str) -> None:
        """Send a warning, and keep it for the session's state."""
        self.warnings.append({"code": code, "message": message})
        self.send({"type": "warning", "code": code, "message": message})

    def send(self, event: Event) -> None:
        """Send an event."""
        try:
            self._listener(event)
        except Exception:
            log.exception("a listener has failed")
