"""A worker that has lost its claim changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from shared.errors import ClaimLost, StateConflict
from shared.store.claims import Claim, Failure
from shared.store.store import Store
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
from tests.tables import Record, Segment, said, windows


def lost_to_a_cancel(store: Store, held: Claim) -> None:
    store.records.cancel(held.record.id)


def lost_to_a_delete(store: Store, held: Claim) -> None:
    store.records.delete(held.record.id)


def lost_to_the_sweeper(store: Store, held: Claim) -> None:
    store.claims.retry_later(held, Failure("worker_gone", "gone"), wait_seconds=0, crashed=True)


def lost_to_another_worker(store: Store, held: Claim) -> None:
    lost_to_the_sweeper(store, held)
    claim(store, held.record, "worker-2")


def lost_to_another_attempt_that_completed(store: Store, held: Claim) -> None:
    lost_to_the_sweeper(store, held)
    store.claims.complete(claim(store, held.record, "worker-2"), said([segment("theirs")]))


def lost_to_a_person_who_queued_it_again(store: Store, held: Claim) -> None:
    store.records.cancel(held.record.id)
    store.records.requeue(held.record.id)


LOSSES = [
    lost_to_a_cancel,
    lost_to_a_delete,
    lost_to_the_sweeper,
    lost_to_another_worker,
    lost_to_another_attempt_that_completed,
    lost_to_a_person_who_queued_it_again,
]


HELD_OPERATIONS: dict[str, Callable[[Store, Claim], Any]] = {
    name: lambda store, held, name=name: operation(store, name, held)  # type: ignore[misc]
    for name in ("complete", "retry_later", "hand_back", "hold", "start_over", "fail")
} | {
    "renew": lambda store, held: store.claims.renew(held, lease_seconds=60, progress=0.9),
    "confirm": lambda store, held: store.claims.confirm(held),
    "save_windows": lambda store, held: store.claims.save_windows(held, windows([WINDOW]), progress=0.9),
}


def test_the_number_of_a_deleted_recording_is_given_to_no_other(store: Store, add: Callable[..., Record]):
    deleted = add()
    store.records.delete(deleted.id)

    assert add().id > deleted.id


@pytest.mark.parametrize("name", HELD_OPERATIONS)
def test_a_worker_that_has_lost_its_claim_changes_nothing(
    store: Store, add: Callable[..., Record], name: str
):
    for lose in LOSSES:
        held = claim(store, add())
        store.claims.save_windows(held, windows([WINDOW]), progress=0.5)
        lose(store, held)
        before = snapshot(store)

        with pytest.raises(ClaimLost):
            HELD_OPERATIONS[name](store, held)

        assert snapshot(store) == before, lose.__name__
    assert hits(store, "mistaken") == 0


def test_a_claim_that_stands_can_be_renewed_confirmed_and_added_to(
    store: Store, add: Callable[..., Record], clock: Clock
):
    held = claim(store, add())
    clock.now += 30

    store.claims.renew(held, lease_seconds=60, language="en")
    store.claims.save_windows(held, windows([WINDOW | {"start_seconds": 9.0}]), progress=0.7)
    store.claims.save_windows(held, windows([WINDOW]), progress=0.4)
    store.claims.confirm(held)

    found = store.records.get(held.record.id)
    assert (found.lease_expires_at, found.language) == (clock.now + 60, "en")
    assert found.progress == 0.4
    assert [window.start_seconds for window in store.transcripts.windows(found.id)] == [0.0, 9.0]


def test_a_window_can_be_saved_without_anything_else_to_note(store: Store, add: Callable[..., Record]):
    held = claim(store, add())

    store.claims.save_windows(held, windows([WINDOW]))

    assert len(store.transcripts.windows(held.record.id)) == 1


def test_of_a_worker_and_a_cancel_at_the_same_moment_exactly_one_wins(
    store: Store, add: Callable[..., Record]
):
    for _ in range(20):
        held = claim(store, add())

        completed, cancelled = at_once(
            store,
            [
                lambda held=held: store.claims.complete(held, said([segment("spoken")])),  # type: ignore[misc]
                lambda held=held: store.records.cancel(held.record.id),  # type: ignore[misc]
            ],
        )

        found = store.records.get(held.record.id)
        spoken = Segment.select().where(Segment.record == found.id).count()
        if isinstance(completed, ClaimLost):
            assert (found.transcription_status, spoken) == (CANCELLED, 0)
        else:  # a cancel that came second found a transcript: it was refused, or it was heeded
            assert spoken == 1
            refused = isinstance(cancelled, StateConflict)
            assert found.transcription_status == (COMPLETED if refused else CANCELLED)
