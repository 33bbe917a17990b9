"""Tells whoever listens what happens in a session: levels, states and warnings, as the protocol has them."""

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
    """Speaks to one listener; what that raises is its own fault, and ends no recording."""

    def __init__(self, listener: Callable[[Event], None]) -> None:
        self.warnings: deque[dict[str, str]] = deque(maxlen=MOST_WARNINGS)  # of the last recording
        self._listener = listener

    def state(self, found: dict[str, Any]) -> None:
        """Tell that the state has changed."""
        self._tell({"type": "state", **found})

    def levels(self, levels: Levels) -> None:
        """Tell how loud it is."""
        self._tell(levels.as_event())

    def warn(self, code: str, message: str) -> None:
        """Tell what there is to mind, and keep it for whoever asks."""
        self.warnings.append({"code": code, "message": message})
        self._tell({"type": "warning", "code": code, "message": message})

    def _tell(self, event: Event) -> None:
        try:
            self._listener(event)
        except Exception:
            log.exception("a listener has failed")
