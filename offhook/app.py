"""What the commands share: settings, database and queue, each opened when it is first needed."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from functools import cached_property
from typing import Any, TypeVar

import click
from peewee import SqliteDatabase

from shared import home
from shared.db import open_database
from shared.errors import SettingsError
from shared.records import Records
from shared.settings import Settings, load

#: A person waits less patiently than a worker.
BUSY_TIMEOUT_SECONDS = 15.0


class App:
    """One call of the command line."""

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
        from transcribe_worker.queue import HintQueue

        with (
            suppress(sqlite3.Error),
            closing(HintQueue(self.settings.queue)) as hints,
        ):  # the sweeper hints too
            hints.send(record_id, priority)

    def __enter__(self) -> App:
        return self

    def __exit__(self, *_: object) -> None:
        if "database" in self.__dict__:
            self.database.close()


_Command = TypeVar("_Command", bound=Callable[..., Any])
pass_app = click.make_pass_decorator(App)


def limit_option(command: _Command) -> _Command:
    """Give a listing command its `--limit`."""
    kind = click.IntRange(1, 1_000_000)
    option = click.option("--limit", type=kind, default=20, show_default=True, help="How many at most.")
    return option(command)


def json_option(command: _Command) -> _Command:
    """Give a reading command its `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON for programs to read.")(command)


def confirm(command: str, question: str) -> None:
    """Ask a person before something is deleted. Raises SettingsError where nobody can answer, and Abort."""
    if sys.stdin is None or not sys.stdin.isatty():
        raise SettingsError(f"{command} asks before it deletes. Give --yes to delete without being asked.")
    click.confirm(question, abort=True, err=True)
