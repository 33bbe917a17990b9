"""The library and the eraser of a fresh home."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from peewee import SqliteDatabase

from archive.erasing import Eraser
from archive.library import Library
from shared.settings import Settings
from shared.store.records import Records
from tests.stage import Stage
from transcribe_worker.jobs.hints import HintQueue


@pytest.fixture
def library(settings: Settings, records: Records) -> Library:
    return Library(settings, records)


@pytest.fixture
def eraser(settings: Settings, database: SqliteDatabase, records: Records, library: Library) -> Eraser:
    return Eraser(settings, database, records, library)


@pytest.fixture
def stage(settings: Settings) -> Stage:
    return Stage(settings.home)


@pytest.fixture
def hints(settings: Settings) -> Iterator[HintQueue]:
    with closing(HintQueue(settings.queue)) as hints:
        yield hints
