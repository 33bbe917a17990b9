"""Deletes finished recordings when they have been kept for long enough, once a day."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable

from peewee import SqliteDatabase

from archive.erasing import Eraser
from shared.store.models import Control

log = logging.getLogger(__name__)

NOTE = "retention"
DAY_SECONDS = 86_400.0
#: Behind a gap this long the clock may have been set wrong: what it calls old is deleted a day later.
LONG_GAP_SECONDS = 7 * DAY_SECONDS


class Retention:
    """The retention of one home; any number of workers may apply it."""

    def __init__(
        self,
        database: SqliteDatabase,
        eraser: Eraser,
        days: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database, self._eraser = database, eraser
        self._days, self._clock = days, clock

    def apply(self) -> None:
        """Doom what is old, if that was not done today; the eraser does the rest."""
        if not self._days or not is_due(self._last_run(), self._clock()):
            return
        with self._database.atomic():  # of two workers, one comes too late
            last, now = self._last_run(), self._clock()
            if not is_due(last, now):
                return
            Control.insert(name=NOTE, value=json.dumps(now)).on_conflict_replace().execute()
            if is_after_a_long_gap(last, now):
                return
            old = self._eraser.older_than(self._days * DAY_SECONDS)
            self._eraser.mark(record.id for record in old)
        if old:
            log.info("recordings kept for %d days are deleted: %d", self._days, len(old))

    def _last_run(self) -> float | None:
        row = Control.get_or_none(Control.name == NOTE)
        return float(json.loads(row.value)) if row else None


def is_due(last: float | None, now: float) -> bool:
    """Whether a day has gone by; if the clock was set back, nobody knows, and less is old than before."""
    return last is None or not 0 <= now - last < DAY_SECONDS


def is_after_a_long_gap(last: float | None, now: float) -> bool:
    """Whether the last run is so long ago that the clock is not to be trusted yet."""
    return last is not None and now - last > LONG_GAP_SECONDS
