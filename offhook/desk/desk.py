"""What commands and pages work with: settings, database and queue, each opened when it is first needed."""

from __future__ import annotations

import copy
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from shared import home
from shared.errors import SettingsError, StoreFull, StoreReadOnly
from shared.reserve import Reserve
from shared.settings import Settings
from shared.settings_sources import load
from shared.store.audit import Note
from shared.store.store import Store, damaged_values
from shared.store.view import EVERYBODY, View
from shared.workers import Liveness

if TYPE_CHECKING:
    from archive.storage.recordings import Recordings
    from offhook.desk.preparing import Preparing

#: A person waits less patiently than a worker.
BUSY_TIMEOUT_SECONDS = 15.0
#: Of each thread's connection: the system keeps the file in memory anyway.
CACHE_KIB = 512


class Desk:
    """One home, as a command or a page works with it; a context manager."""

    def __init__(self, overrides: Mapping[str, Any]) -> None:
        self.overrides = overrides
        self._base = self
        self._preparing: Preparing | None = None
        self._lock = threading.Lock()
        #: Why the database is only read; None if it is written too.
        self.read_only: Exception | None = None

    @cached_property
    def settings(self) -> Settings:
        """The settings. Raises SettingsError."""
        return load(os.environ, self.overrides)

    @cached_property
    def store(self) -> Store:
        """The store of the home, up to date; where it cannot be written, it is only read.

        Raises SettingsError, NewerDatabase, StoreError.
        """
        try:
            home.prepare(self.settings)
            store = Store.of_home(
                self.settings, busy_timeout_seconds=BUSY_TIMEOUT_SECONDS, cache_kib=CACHE_KIB
            )
        except (StoreFull, StoreReadOnly, SettingsError, OSError) as error:
            if self.settings.database or not self.settings.database_file.is_file():
                raise
            self.read_only = error
            return Store.for_reading(self.settings)
        Reserve(self.settings.locks).keep()
        return store

    def damaged_values(self) -> list[str]:
        """Name the values in the home's database file that no version of offhook writes, with their rows."""
        return [] if self.settings.database else damaged_values(self.settings.database_file)

    @cached_property
    def recordings(self) -> Recordings:
        """The files of recordings, wherever they are."""
        from archive.storage.recordings import Recordings
        from offhook.desk.at_the_server import elsewhere

        if self is not self._base:
            return self._base.recordings
        return Recordings(self.settings, self.store, lambda it: elsewhere(self.settings, self.store, it))

    @property
    def preparing(self) -> Preparing:
        """What reads recordings for the browser."""
        from offhook.desk.preparing import Preparing

        base = self._base
        with base._lock:  # several threads serve pages
            if base._preparing is None:
                base._preparing = Preparing(base.settings, base.store, base.recordings)
            return base._preparing

    def seen_by(self, view: View) -> Desk:
        """Return the desk as a person sees it: what is not that person's is not there."""
        return self if view == EVERYBODY else self._with(self.store.seen_by(view))

    @contextmanager
    def noting(self, *notes: Note) -> Iterator[Desk]:
        """Yield the desk; what is done with it is noted in the audit log, if it is seen by a person.

        The note is stored with the first change, in one transaction.
        """
        if not self.store.view.person or not notes:
            yield self
            return
        with self.store.noting(self.store.view, *notes) as store:
            yield self._with(store)

    def _with(self, store: Store) -> Desk:
        other = copy.copy(self)
        other.__dict__["store"] = store
        return other

    def runs(self, kind: str) -> bool:
        """Whether a process of a kind runs for this home."""
        liveness = Liveness(self.store, self.settings.locks)
        return any(liveness.is_alive(it) for it in self.store.workers.every(kind))

    def make_room(self) -> None:
        """Release the room that is kept in reserve, if the disk is full, so that something can be deleted."""
        Reserve(self.settings.locks).release_if_full()

    def hint(self, record_id: int, priority: int = 0) -> None:
        """Tell a worker that a record may be due."""
        from transcribe_worker.jobs.hints import send_once

        send_once(self.settings, record_id, priority)

    def move_hints(self, priorities: Mapping[int, int]) -> None:
        """Tell workers that queued records are more or less urgent now."""
        from transcribe_worker.jobs.hints import move_at_once

        move_at_once(self.settings, priorities)

    def __enter__(self) -> Desk:
        return self

    def __exit__(self, *_: object) -> None:
        if self._preparing:
            self._preparing.close()
        if "store" in self.__dict__:
            self.store.disconnect()
