"""Deletes recordings so that it can be undone for half a minute, and carries that out when it is due.

Until then only a row says when. What looks first when it is due carries it out: the server that showed the
page, or the sweeper of a worker. So a killed server deletes nothing too early, and
nothing is forgotten.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping

from archive.erasing import Eraser
from archive.library import Library
from archive.storage.upkeep import Upkeep
from offhook.desk.bulk import Outcome, by_parts
from offhook.desk.desk import Desk
from shared.errors import OffhookError, RecordNotFound, StateConflict, StoreError
from shared.logs import DatabaseTrouble, discreet
from shared.store.values import Record

log = logging.getLogger(__name__)

UNDO_SECONDS = 30.0
#: Time before the server tries again what it could not finish, such as a file that is open elsewhere.
AGAIN_SECONDS = 30.0
LOOK_SECONDS = 1.0


def delete(desk: Desk, record_ids: Iterable[int], clock: Callable[[], float] | None = None) -> list[Outcome]:
    """Let recordings be deleted in UNDO_SECONDS, with all that was made of them."""
    desk.make_room()
    due_at = (clock or desk.store.clock)() + UNDO_SECONDS

    def deleted(part: list[int]) -> list[Outcome]:
        found = _found(desk, part)
        desk.store.deletions.add_all(list(found), due_at)
        return [_outcome(it, found, waits=True) for it in part]

    return by_parts(desk, record_ids, deleted)


def undo(desk: Desk, record_ids: Iterable[int]) -> list[Outcome]:
    """Let recordings not be deleted after all."""

    def kept(part: list[int]) -> list[Outcome]:
        found = _found(desk, part)
        waited = desk.store.deletions.remove(list(found))
        return [_outcome(it, found, waits=it in waited) for it in part]

    return by_parts(desk, record_ids, kept)


def _found(desk: Desk, record_ids: list[int]) -> dict[int, Record]:
    return {record.id: record for record in desk.store.records.some(record_ids)}


def _outcome(record_id: int, found: Mapping[int, Record], *, waits: bool) -> Outcome:
    if record_id not in found:
        return Outcome(record_id, error=RecordNotFound(f"There is no recording {record_id}."))
    if not waits:
        error = StateConflict(f"Recording {record_id} does not wait to be deleted.")
        return Outcome(record_id, error=error)
    return Outcome(record_id, found[record_id])


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

    def __init__(self, desk: Desk, clock: Callable[[], float] | None = None) -> None:
        self._desk = desk
        library = Library(desk.settings, desk.store)
        self._eraser = Eraser(desk.settings, desk.store, library, clock)
        self._upkeep = Upkeep(desk.settings, desk.store, clock)
        self._again_at = 0.0

    def remove_due(self) -> None:
        """Delete what is due, and now and then what could not be deleted before; call it about once a second.

        Without a due deletion it is one query.
        """
        if self._eraser.mark_due() or time.monotonic() >= self._again_at:
            self._again_at = time.monotonic() + AGAIN_SECONDS
            self._eraser.resume()
            self._upkeep.apply()
