"""Places in the library belong to one recording each."""

from __future__ import annotations

from collections.abc import Callable

from shared.store.store import Store
from shared.store.transitions import COMPLETED, FAILED
from tests.integration.records.operations import Clock, at_once, bring_to
from tests.tables import Record


def test_a_place_in_the_library_stays_the_same_and_is_nobody_elses(store: Store, add: Callable[..., Record]):
    first, second = add(), add()

    assert store.places.reserve_stem(first.id, iter(["a", "b"])) == "a"
    assert store.places.reserve_stem(second.id, iter(["a", "b"])) == "b"
    assert store.places.reserve_stem(first.id, iter(["c"])) == "a"


def test_many_who_reserve_the_same_place_at_once_get_one_each(store: Store, add: Callable[..., Record]):
    ids = [add().id for _ in range(8)]
    jobs = [
        lambda record_id=record_id: store.places.reserve_stem(record_id, map(str, range(8)))  # type: ignore[misc]
        for record_id in ids
        for _ in range(2)
    ]

    stems = at_once(store, jobs)

    assert stems[::2] == stems[1::2]
    assert sorted(stems[::2]) == [str(number) for number in range(8)]


def test_only_a_completed_recording_is_to_be_archived_and_only_once(
    store: Store, add: Callable[..., Record], clock: Clock
):
    held = bring_to(store, COMPLETED, add())
    bring_to(store, FAILED, add())
    waiting = add()
    assert [r.id for r in store.places.unarchived()] == [held.record.id]

    store.places.mark_archived(store.records.get(held.record.id), recording_path="/library/1.wav")
    store.places.mark_archived(waiting, recording_path="/where it is now.wav")

    assert store.places.unarchived() == []
    assert store.records.get(held.record.id).recording_path == "/library/1.wav"
    assert store.records.get(waiting.id).archived_at is None
