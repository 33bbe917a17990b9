"""The records of a fresh home, over a clock that is set by the test."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from peewee import SqliteDatabase

from shared.store.models import Record
from shared.store.records import Records
from tests.integration.records.operations import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def records(database: SqliteDatabase, clock: Clock) -> Records:
    """The records of the fresh home, by a clock that stands still."""
    return Records(database, clock)


@pytest.fixture
def add(records: Records) -> Callable[..., Record]:
    """Queue a recording of its own."""
    numbers = itertools.count(1)

    def add(**columns: Any) -> Record:
        number = next(numbers)
        given = {"title": f"call {number}", "recording_path": f"/calls/{number}.wav", **columns}
        return records.add(source="added", **given)

    return add
