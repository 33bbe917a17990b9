"""What is to be removed from the storage and from the copies of it: by workers and by the desk's server.

An object goes after its record: a row says so until the storage has confirmed it (`shared/store/objects.py`).
While the storage is away the row stays, and other processes and machines try it too.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from archive.storage.copies import remove_strays
from archive.storage.errors import BadKey, StorageError
from archive.storage.storage import storage_of
from shared.logs import discreet
from shared.settings import Settings
from shared.store.store import Store

log = logging.getLogger(__name__)

STRAYS_EVERY_SECONDS = 10.0
#: A put that takes longer than this was killed. It is looked for as often, first some time after the start.
UNFINISHED_SECONDS = 86_400.0
FIRST_LOOK_SECONDS = 600.0


class Upkeep:
    """The upkeep of the storage by one process; any number may do so at once."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        clock: Callable[[], float] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings, self._store = settings, store
        self._clock, self._monotonic = clock or store.clock, monotonic
        self._strays_at = 0.0
        self._unfinished_at = monotonic() + FIRST_LOOK_SECONDS

    def apply(self) -> None:
        """Do what is due; call it every few seconds. Where nothing is due it is one query."""
        self.remove_objects()
        if self._monotonic() >= self._strays_at:
            self._strays_at = self._monotonic() + STRAYS_EVERY_SECONDS
            remove_strays(self._settings, self._store)
        if self._monotonic() >= self._unfinished_at:
            self._unfinished_at = self._monotonic() + UNFINISHED_SECONDS
            self._remove_unfinished()

    def remove_objects(self) -> bool:
        """Delete the objects whose time has come; False if one of them could not be deleted."""
        while self._store.objects.is_due() and (deletion := self._store.objects.take()):
            try:
                storage_of(self._settings).delete(deletion.storage_key)
            except BadKey:  # of a forged database: no put has ever had it
                log.warning("a key to be deleted is not one of offhook's")
            except StorageError as error:
                log.warning("an object cannot be deleted yet: %s", discreet(error))
                self._store.objects.failed(deletion, error.code)
                return False
            self._store.objects.gone(deletion.storage_key)
        return True

    def _remove_unfinished(self) -> None:
        try:
            if removed := storage_of(self._settings).clear_up(self._clock() - UNFINISHED_SECONDS):
                log.info("unfinished puts removed from the storage: %d", removed)
        except StorageError as error:
            log.warning("the storage is not cleared up yet: %s", discreet(error))
