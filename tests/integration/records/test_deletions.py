"""Deletions that can be undone, until they are due."""

from __future__ import annotations

from shared.store.store import Store

NOW = 1_800_000_000.0


def add(store: Store) -> int:
    return store.records.add(source="added", title="call", recording_path="/call.wav").id


def test_a_deletion_is_due_at_its_time_and_not_before(store: Store) -> None:
    record_id = add(store)
    store.deletions.add(record_id, NOW + 30)

    assert store.deletions.due(NOW + 29.9) == []
    assert store.deletions.due(NOW + 30) == [record_id]
    assert store.deletions.next_due_at() == NOW + 30


def test_a_second_deletion_does_not_put_off_the_first(store: Store) -> None:
    record_id = add(store)
    store.deletions.add(record_id, NOW + 30)
    store.deletions.add(record_id, NOW + 50)

    assert store.deletions.due_at([record_id, 4711]) == {record_id: NOW + 30}


def test_a_deletion_far_in_the_future_is_due_because_the_clock_was_set_back(store: Store) -> None:
    record_id = add(store)
    store.deletions.add(record_id, NOW + 30)

    assert store.deletions.due(NOW - 7 * 86_400) == [record_id]


def test_what_is_undone_is_never_due(store: Store) -> None:
    record_id = add(store)
    store.deletions.add(record_id, NOW + 30)

    assert store.deletions.remove([record_id]) == [record_id]
    assert store.deletions.remove([record_id]) == []
    assert store.deletions.due(NOW + 60) == []
    assert store.deletions.next_due_at() is None
