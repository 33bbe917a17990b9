"""A worker that has lost its claim changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from peewee import SqliteDatabase

from shared.errors import ClaimLost, StateConflict
from shared.store.claims import Claim, Failure
from shared.store.models import Record, Segment
from shared.store.records import Records
from shared.store.transitions import CANCELLED, COMPLETED
from tests.integration.records.operations import (
    WINDOW,
    Clock,
    at_once,
    claim,
    hits,
    operation,
    segment,
    snapshot,
)


def lost_to_a_cancel(records: Records, held: Claim) -> None:
    records.cancel(held.record.id)


def lost_to_a_delete(records: Records, held: Claim) -> None:
    records.delete(held.record.id)


def lost_to_the_sweeper(records: Records, held: Claim) -> None:
    records.retry_later(held, Failure("worker_gone", "gone"), wait_seconds=0, crashed=True)


def lost_to_another_worker(records: Records, held: Claim) -> None:
    lost_to_the_sweeper(records, held)
    claim(records, held.record, "worker-2")


def lost_to_another_attempt_that_completed(records: Records, held: Claim) -> None:
    lost_to_the_sweeper(records, held)
    records.complete(claim(records, held.record, "worker-2"), [segment("theirs")])


def lost_to_a_person_who_queued_it_again(records: Records, held: Claim) -> None:
    records.cancel(held.record.id)
    records.requeue(held.record.id)


LOSSES = [
    lost_to_a_cancel,
    lost_to_a_delete,
    lost_to_the_sweeper,
    lost_to_another_worker,
    lost_to_another_attempt_that_completed,
    lost_to_a_person_who_queued_it_again,
]


HELD_OPERATIONS: dict[str, Callable[[Records, Claim], Any]] = {
    name: lambda records, held, name=name: operation(records, name, held)  # type: ignore[misc]
    for name in ("complete", "retry_later", "hand_back", "hold", "start_over", "fail")
} | {
    "renew": lambda records, held: records.renew(held, lease_seconds=60, progress=0.9),
    "confirm": lambda records, held: records.confirm(held),
    "save_windows": lambda records, held: records.save_windows(held, [WINDOW], progress=0.9),
}


def test_the_number_of_a_deleted_recording_is_given_to_no_other(records: Records, add: Callable[..., Record]):
    deleted = add()
    records.delete(deleted.id)

    assert add().id > deleted.id


@pytest.mark.parametrize("name", HELD_OPERATIONS)
def test_a_worker_that_has_lost_its_claim_changes_nothing(
    records: Records, database: SqliteDatabase, add: Callable[..., Record], name: str
):
    for lose in LOSSES:
        held = claim(records, add())
        records.save_windows(held, [WINDOW], progress=0.5)
        lose(records, held)
        before = snapshot(database)

        with pytest.raises(ClaimLost):
            HELD_OPERATIONS[name](records, held)

        assert snapshot(database) == before, lose.__name__
    assert hits(database, "mistaken") == 0


def test_a_claim_that_stands_can_be_renewed_confirmed_and_added_to(
    records: Records, add: Callable[..., Record], clock: Clock
):
    held = claim(records, add())
    clock.now += 30

    records.renew(held, lease_seconds=60, language="en")
    records.save_windows(held, [WINDOW | {"start_seconds": 9.0}], progress=0.7)
    records.save_windows(held, [WINDOW], progress=0.4)
    records.confirm(held)

    found = records.get(held.record.id)
    assert (found.lease_expires_at, found.language) == (clock.now + 60, "en")
    assert found.progress == 0.4
    assert [window.start_seconds for window in records.windows(found.id)] == [0.0, 9.0]


def test_a_window_can_be_saved_without_anything_else_to_note(records: Records, add: Callable[..., Record]):
    held = claim(records, add())

    records.save_windows(held, [WINDOW])

    assert len(records.windows(held.record.id)) == 1


def test_of_a_worker_and_a_cancel_at_the_same_moment_exactly_one_wins(
    records: Records, database: SqliteDatabase, add: Callable[..., Record]
):
    for _ in range(20):
        held = claim(records, add())

        completed, cancelled = at_once(
            database,
            [
                lambda held=held: records.complete(held, [segment("spoken")]),  # type: ignore[misc]
                lambda held=held: records.cancel(held.record.id),  # type: ignore[misc]
            ],
        )

        found = records.get(held.record.id)
        spoken = Segment.select().where(Segment.record == found.id).count()
        if isinstance(completed, ClaimLost):
            assert (found.transcription_status, spoken) == (CANCELLED, 0)
        else:  # a cancel that came second found a transcript: it was refused, or it was heeded
            assert spoken == 1
            refused = isinstance(cancelled, StateConflict)
            assert found.transcription_status == (COMPLETED if refused else CANCELLED)
