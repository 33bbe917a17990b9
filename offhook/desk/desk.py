"""What commands and pages work with: settings, database and queue, each opened when it is first needed."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping
from contextlib import closing, suppress
from functools import cached_property
from typing import Any

from peewee import SqliteDatabase

from shared import home
from shared.settings import Settings, load
from shared.store.records import Records
from shared.store.sqlite import open_database

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
    def database(self) -> SqliteDatabase:
        """The database, up to date."""
        home.prepare(self.settings)
        return open_database(self.settings.database, busy_timeout_seconds=BUSY_TIMEOUT_SECONDS)

    @cached_property
    def records(self) -> Records:
        """The call records."""
        return Records(self.database)

    def hint(self, record_id: int, priority: int = 0) -> None:
        """Tell a worker that a record may be due."""
        from transcribe_worker.jobs.hints import HintQueue

        with (
            suppress(sqlite3.Error),
            closing(HintQueue(self.settings.queue)) as hints,
        ):  # the sweeper hints too
            hints.send(record_id, priority)

    def __enter__(self) -> Desk:
        return self

    def __exit__(self, *_: object) -> None:
        if "database" in self.__dict__:
            self.database.close()
