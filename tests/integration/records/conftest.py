"""The records of a fresh home, over a clock that is set by the test."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from shared.store.store import Store
from tests.integration.records.operations import Clock
from tests.tables import Record, by_clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(store: Store, clock: Clock) -> Store:
    """The store of the fresh home, by a clock that stands still."""
    return by_clock(store, clock)


@pytest.fixture
def add(store: Store) -> Callable[..., Record]:
    """Queue a recording of its own."""
    numbers = itertools.count(1)

    def add(**columns: Any) -> Record:
        number = next(numbers)
        given = {"title": f"call {number}", "recording_path": f"/calls/{number}.wav", **columns}
        return store.records.add(source="added", **given)

    return add
