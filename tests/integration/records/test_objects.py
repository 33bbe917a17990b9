"""The objects of the storage that are to be deleted, on both databases."""

from __future__ import annotations

from collections.abc import Callable

from shared.store.objects import LONGEST_WAIT_SECONDS, UNCLAIMED_SECONDS
from shared.store.store import Store
from tests.integration.records.operations import Clock
from tests.tables import Record

KEY = "calls/2026/11/call.wav"
HOUR = 3_600.0


def test_an_ordered_deletion_is_taken_by_one_and_tried_again_later(store: Store, clock: Clock) -> None:
    store.objects.order(KEY)
    assert store.objects.is_due()
    taken = store.objects.take()
    assert taken
    assert taken.storage_key == KEY
    assert store.objects.take() is None
    store.objects.failed(taken, "storage_away")
    assert not store.objects.is_due()
    assert [(it.storage_key, it.error) for it in store.objects.ordered()] == [(KEY, "storage_away")]
    clock.now += LONGEST_WAIT_SECONDS
    assert store.objects.take()
    store.objects.gone(KEY)
    assert store.objects.ordered() == []


def test_a_deletion_that_a_dead_process_has_taken_is_taken_again(store: Store, clock: Clock) -> None:
    store.objects.order(KEY)
    assert store.objects.take()
    clock.now += LONGEST_WAIT_SECONDS
    assert store.objects.take()


def test_an_expected_object_is_deleted_a_day_later_by_any_clock_but_not_one_that_was_claimed(
    store: Store, clock: Clock
) -> None:
    store.objects.expect(KEY)
    store.objects.expect("calls/claimed.wav")
    store.objects.claim("calls/claimed.wav")
    for hours in (-1, 1, 1):
        clock.now += hours * HOUR
        assert store.objects.take() is None
        assert store.objects.ordered() == []
    clock.now += UNCLAIMED_SECONDS
    taken = store.objects.take()
    assert taken
    assert taken.storage_key == KEY
    assert store.objects.take() is None


def test_an_object_with_a_record_is_never_taken(store: Store, add: Callable[..., Record]) -> None:
    record = add(storage_key=KEY, recording_path=KEY)
    store.objects.order(KEY)
    assert store.objects.take() is None
    assert store.objects.ordered() == []
    assert store.objects.records_among({record.id, record.id + 1}) == {record.id}
