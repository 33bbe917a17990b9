"""Deletes recordings so that it can be undone for half a minute, and carries that out when it is due.

Until then nothing is changed but a row that says when. Whoever looks first when it is due carries it out: the
server that showed the page, or the sweeper of a worker. So a killed server deletes nothing too early, and
nothing is forgotten.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable

from archive.erasing import Eraser
from archive.library import Library
from offhook.desk.desk import Desk
from offhook.desk.several import Outcome, each
from shared.errors import OffhookError, StateConflict, StoreError
from shared.logs import DatabaseTrouble, discreet
from shared.store.values import Record

log = logging.getLogger(__name__)

UNDO_SECONDS = 30.0
#: Time before the server tries again what it could not finish, such as a file that is open elsewhere.
AGAIN_SECONDS = 30.0
LOOK_SECONDS = 1.0


def delete(desk: Desk, record_ids: Iterable[int], clock: Callable[[], float] = time.time) -> list[Outcome]:
    """Let recordings be deleted in UNDO_SECONDS, with all that was made of them."""
    desk.make_room()
    due_at = clock() + UNDO_SECONDS

    def deleted(record_id: int) -> Record:
        record = desk.store.records.get(record_id)
        desk.store.deletions.add(record_id, due_at)
        return record

    return each(desk, record_ids, deleted)


def undo(desk: Desk, record_ids: Iterable[int]) -> list[Outcome]:
    """Let recordings not be deleted after all."""

    def kept(record_id: int) -> Record:
        record = desk.store.records.get(record_id)
        if not desk.store.deletions.remove([record_id]):
            raise StateConflict(f"Recording {record_id} does not wait to be deleted.")
        return record

    return each(desk, record_ids, kept)


def remove_due(desk: Desk, stopping: threading.Event) -> None:
    """Carry deletions out when they are due, until `stopping` is set."""
    remover, trouble = Remover(desk), DatabaseTrouble(log)
    while not stopping.wait(LOOK_SECONDS):
        try:
            remover.remove_due()
            trouble.is_over()
        except StoreError as error:
            trouble.note(error)
        except (OffhookError, OSError) as error:  # the cause may be gone later
            log.warning("a deletion cannot be carried out yet: %s", discreet(error))


class Remover:
    """Carries deletions out when they are due; for one thread of a server."""

    def __init__(self, desk: Desk, clock: Callable[[], float] = time.time) -> None:
        self._desk, self._clock = desk, clock
        library = Library(desk.settings, desk.store)
        self._eraser = Eraser(desk.settings, desk.store, library, clock)
        self._again_at = 0.0

    def remove_due(self) -> None:
        """Delete what is due, and now and then what could not be deleted before; call it about once a second.

        Without a due deletion it is one query.
        """
        if self._eraser.mark_due() or time.monotonic() >= self._again_at:
            self._again_at = time.monotonic() + AGAIN_SECONDS
            self._eraser.resume()
