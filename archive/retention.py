"""Deletes finished recordings when they have been kept for long enough, once a day."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from archive.erasing import Eraser
from shared.store.store import Store

log = logging.getLogger(__name__)

DAY_SECONDS = 86_400.0
#: After a gap this long the clock may have been set wrong: what it calls old is deleted a day later.
LONG_GAP_SECONDS = 7 * DAY_SECONDS


class Retention:
    """The retention of one home; any number of workers may apply it."""

    def __init__(
        self,
        store: Store,
        eraser: Eraser,
        days: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store, self._eraser = store, eraser
        self._days, self._clock = days, clock

    def apply(self) -> None:
        """Mark what is old for deletion, if that was not done today; the eraser does the rest."""
        if not self._days or not is_due(self._last_run(), self._clock()):
            return
        with self._store.transaction():  # of two workers, one comes too late
            last, now = self._last_run(), self._clock()
            if not is_due(last, now):
                return
            self._store.controls.note_retention(now)
            if is_after_a_long_gap(last, now):
                return
            old = self._eraser.older_than(self._days * DAY_SECONDS)
            self._eraser.mark(record.id for record in old)
        if old:
            log.info("recordings kept for %d days are deleted: %d", self._days, len(old))

    def _last_run(self) -> float | None:
        return self._store.controls.retention_applied_at()


def is_due(last: float | None, now: float) -> bool:
    """Whether a day has gone by; if the clock was set back, nobody knows, and less is old than before."""
    return last is None or not 0 <= now - last < DAY_SECONDS


def is_after_a_long_gap(last: float | None, now: float) -> bool:
    """Whether the last run is so long ago that the clock is not to be trusted yet."""
    return last is not None and now - last > LONG_GAP_SECONDS
