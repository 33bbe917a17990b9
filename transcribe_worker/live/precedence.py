"""Whether queued recordings wait, because a call is transcribed live on this machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from shared.errors import StoreError
from shared.settings import Settings
from shared.store.store import Store

#: An answer is good for this long.
GOOD_SECONDS = 1.0


@dataclass
class Precedence:
    """Answers that for all threads of a worker."""

    settings: Settings
    store: Store
    monotonic: Callable[[], float] = time.monotonic
    _answer: bool = False
    _until: float = field(default=0.0)

    def __call__(self) -> bool:
        """Return whether a queued recording has to wait now."""
        now = self.monotonic()
        if now >= self._until:
            self._until = now + GOOD_SECONDS
            with suppress(StoreError):  # the last answer stands
                self._answer = self._is_live()
        return self._answer

    def _is_live(self) -> bool:
        if self.settings.live_queue != "wait":
            return False
        return any(call.host == self.store.host for call in self.store.live.held())
