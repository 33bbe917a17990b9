"""The hooks of a fresh home, over a clock that is set by the test."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from shared.store.claims import Claim, Failure
from shared.store.store import Store
from shared.store.values import Record
from shared.words import Segment, Word
from tests.integration.records.operations import Clock
from tests.tables import by_clock

FAILURE = Failure("no_audio", "The file has a header, but no audio after it.")
WORDS = (Segment(0, 900, "Hello there.", (Word(0, 400, " Hello", 0.9), Word(400, 900, " there.", 0.9))),)
Finish = Callable[..., Record]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(store: Store, clock: Clock) -> Store:
    """The store of the fresh home, by a clock that stands still."""
    return by_clock(store, clock)


@pytest.fixture
def finish(store: Store) -> Finish:
    """Queue a recording and finish it, completed or failed."""
    numbers = itertools.count(1)

    def finish(*, failed: bool = False, **columns: str) -> Record:
        number = next(numbers)
        given = {"title": f"call {number}", "recording_path": f"/calls/{number}.wav", **columns}
        claim = claimed(store, store.records.add(source="added", **given))
        if failed:
            return store.claims.fail(claim, FAILURE)
        return store.claims.complete(claim, WORDS, duration_seconds=0.9, language="en")

    return finish


def claimed(store: Store, record: Record) -> Claim:
    """Claim a record for a worker."""
    claim = store.claims.claim(record.id, worker_id="w", model="tiny.en", lease_seconds=60)
    assert claim
    return claim
