"""Deletes finished recordings after `retention_days`, once a day."""

from __future__ import annotations

import logging
from collections.abc import Callable

from archive.erasing import Eraser
from shared.store.store import Store

log = logging.getLogger(__name__)

DAY_SECONDS = 86_400.0
#: After a longer gap the clock may be wrong, so recordings are deleted a day later.
LONG_GAP_SECONDS = 7 * DAY_SECONDS


class Retention:
    """The retention of one home; any number of workers may apply it."""

    def __init__(
        self,
        store: Store,
        eraser: Eraser,
        days: int,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._store, self._eraser = store, eraser
        self._days, self._clock = days, clock or store.clock

    def apply(self) -> None:
        """Mark old recordings for deletion, if the last run was a day ago; the eraser deletes them."""
        if not self._days or not is_due(self._last_run(), self._clock()):
            return
        with self._store.transaction():  # of two workers, the second finds nothing due
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
    """Whether the last run was a day ago, or after `now`, as when the clock was set back."""
    return last is None or not 0 <= now - last < DAY_SECONDS


def is_after_a_long_gap(last: float | None, now: float) -> bool:
    """Whether the last run is too long ago to trust the clock yet."""
    return last is not None and now - last > LONG_GAP_SECONDS
