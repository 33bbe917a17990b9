"""Places in the library belong to one recording each."""

from __future__ import annotations

from collections.abc import Callable

from peewee import SqliteDatabase

from shared.store.models import Record
from shared.store.records import Records
from shared.store.transitions import COMPLETED, FAILED
from tests.integration.records.operations import Clock, at_once, bring_to


def test_a_place_in_the_library_stays_the_same_and_is_nobody_elses(
    records: Records, add: Callable[..., Record]
):
    first, second = add(), add()

    assert records.reserve_stem(first.id, iter(["a", "b"])) == "a"
    assert records.reserve_stem(second.id, iter(["a", "b"])) == "b"
    assert records.reserve_stem(first.id, iter(["c"])) == "a"


def test_many_who_reserve_the_same_place_at_once_get_one_each(
    records: Records, database: SqliteDatabase, add: Callable[..., Record]
):
    ids = [add().id for _ in range(8)]
    jobs = [
        lambda record_id=record_id: records.reserve_stem(record_id, map(str, range(8)))  # type: ignore[misc]
        for record_id in ids
        for _ in range(2)
    ]

    stems = at_once(database, jobs)

    assert stems[::2] == stems[1::2]
    assert sorted(stems[::2]) == [str(number) for number in range(8)]


def test_only_a_completed_recording_is_to_be_filed_and_only_once(
    records: Records, add: Callable[..., Record], clock: Clock
):
    held = bring_to(records, COMPLETED, add())
    bring_to(records, FAILED, add())
    waiting = add()
    assert [r.id for r in records.unfiled()] == [held.record.id]

    records.mark_filed(records.get(held.record.id), recording_path="/library/1.wav")
    records.mark_filed(waiting, recording_path="/where it is now.wav")

    assert records.unfiled() == []
    assert records.get(held.record.id).recording_path == "/library/1.wav"
    assert records.get(waiting.id).filed_at is None
