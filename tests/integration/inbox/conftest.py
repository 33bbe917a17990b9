"""An inbox over a clock that is set by the test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from peewee import SqliteDatabase

from shared.settings import Settings
from shared.store.records import Records
from tests.integration.inbox.files import Clock
from transcribe_worker.inbox.sweep import Inbox
from transcribe_worker.jobs.hints import HintQueue


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def hints(settings: Settings) -> Iterator[HintQueue]:
    with closing(HintQueue(settings.queue)) as hints:
        yield hints


@pytest.fixture
def inbox(
    settings: Settings, database: SqliteDatabase, records: Records, hints: HintQueue, clock: Clock
) -> Inbox:
    return Inbox(settings, database, records, hints, monotonic=clock)
