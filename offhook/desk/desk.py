"""What commands and pages work with: settings, database and queue, each opened when it is first needed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from shared import home
from shared.settings import Settings, load
from shared.store.store import Store

#: A person waits less patiently than a worker.
BUSY_TIMEOUT_SECONDS = 15.0


class Desk:
    """One home, as a command or a page works with it; a context manager."""

    def __init__(self, overrides: Mapping[str, Any]) -> None:
        self.overrides = overrides

    @cached_property
    def settings(self) -> Settings:
        """The settings. Raises SettingsError."""
        return load(os.environ, self.overrides)

    @cached_property
    def store(self) -> Store:
        """The store of the home, up to date. Raises SettingsError, NewerDatabase, StoreError."""
        home.prepare(self.settings)
        return Store.of_home(self.settings, busy_timeout_seconds=BUSY_TIMEOUT_SECONDS)

    def hint(self, record_id: int, priority: int = 0) -> None:
        """Tell a worker that a record may be due."""
        from transcribe_worker.jobs.hints import send_once

        send_once(self.settings.queue, record_id, priority)

    def __enter__(self) -> Desk:
        return self

    def __exit__(self, *_: object) -> None:
        if "store" in self.__dict__:
            self.store.disconnect()
