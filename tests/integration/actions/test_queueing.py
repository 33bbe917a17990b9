"""Several recordings are retried, cancelled and moved in the queue; each has its own outcome."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing

import pytest

from offhook.desk import queueing
from offhook.desk.bulk import AT_ONCE, Outcome
from offhook.desk.desk import Desk
from shared.errors import RecordNotFound, StateConflict
from shared.settings import Settings
from shared.store.store import Store
from tests.integration.commands.calling import one_in_each_state
from transcribe_worker.jobs.hints import HintQueue


def add(store: Store, title: str, **columns: int) -> int:
    return store.records.add(source="added", title=title, recording_path=f"/{title}.wav", **columns).id


def errors(outcomes: list[Outcome]) -> dict[int, type[Exception] | None]:
    return {it.record_id: type(it.error) if it.error else None for it in outcomes}


def hinted(settings: Settings) -> list[int]:
    """The records whose hints wait, in the order in which a worker takes them."""
    with closing(HintQueue(settings.queue)) as hints:
        taken = []
        while task := hints._huey.dequeue():
            taken.append(task.args[0])
        return taken


def test_one_failure_does_not_stop_the_others(desk: Desk, store: Store) -> None:
    ids = one_in_each_state(store)
    outcomes = queueing.cancel(desk, [ids["completed"], 4711, ids["queued"], ids["processing"]])

    assert errors(outcomes) == {
        ids["completed"]: StateConflict,
        4711: RecordNotFound,
        ids["queued"]: None,
        ids["processing"]: None,
    }
    assert store.records.get(ids["queued"]).transcription_status == "cancelled"
    assert store.records.get(ids["completed"]).transcription_status == "completed"


def test_a_retry_of_several_takes_options_for_each_and_sends_hints(
    desk: Desk, store: Store, settings: Settings
) -> None:
    ids = one_in_each_state(store)
    outcomes = queueing.retry(desk, [ids["failed"], ids["cancelled"], ids["queued"]], {"language": "de"})

    assert [bool(it.error) for it in outcomes] == [False, False, True]
    assert store.records.get(ids["failed"]).options == {"language": "de"}
    assert hinted(settings) == [ids["failed"], ids["cancelled"]]


def test_more_than_are_changed_at_once_are_all_changed(desk: Desk, store: Store) -> None:
    ids = [add(store, f"call {number}") for number in range(AT_ONCE + 5)]

    assert not any(it.error for it in queueing.cancel(desk, [*ids, ids[0]]))
    assert store.records.counts()["cancelled"] == AT_ONCE + 5


def test_what_is_made_first_is_taken_first_in_the_order_of_the_queue(
    desk: Desk, store: Store, settings: Settings
) -> None:
    ids = [add(store, f"call {number}", priority=number % 2) for number in range(5)]
    for record_id in ids:
        desk.hint(record_id, store.records.get(record_id).priority)

    queueing.move(desk, [ids[4], ids[2]], queueing.FIRST)

    assert [record.id for record in store.records.due(5)] == [ids[n] for n in (2, 4, 1, 3, 0)]
    assert hinted(settings) == [ids[n] for n in (2, 4, 1, 3, 0)]


def test_a_lowered_priority_is_no_longer_passed_by_its_old_hint(
    desk: Desk, store: Store, settings: Settings
) -> None:
    ids = [add(store, f"call {number}", priority=5) for number in range(2)]
    for record_id in ids:
        desk.hint(record_id, 5)

    queueing.move(desk, [ids[0]], queueing.DOWN)

    assert hinted(settings) == [ids[1], ids[0]]


def test_a_record_without_a_hint_gets_one(desk: Desk, store: Store, settings: Settings) -> None:
    record_id = add(store, "call")
    queueing.move(desk, [record_id], queueing.UP)

    assert hinted(settings) == [record_id]


def test_only_what_waits_has_a_place_in_the_queue(desk: Desk, store: Store) -> None:
    ids = one_in_each_state(store)
    outcomes = queueing.move(desk, ids.values(), queueing.UP)

    assert [it.record_id for it in outcomes if not it.error] == [ids["queued"]]
    assert all(isinstance(it.error, StateConflict) for it in outcomes if it.error)


def test_priorities_stay_within_their_limits(desk: Desk, store: Store) -> None:
    highest, lowest = add(store, "one", priority=1000), add(store, "other", priority=-1000)

    queueing.move(desk, [highest], queueing.UP)
    queueing.move(desk, [lowest], queueing.DOWN)

    assert [store.records.get(it).priority for it in (highest, lowest)] == [1000, -1000]


def test_what_is_deleted_just_now_is_not_retried_into_its_end(desk: Desk, store: Store) -> None:
    record_id = one_in_each_state(store)["failed"]
    store.deletions.add(record_id, time.time() + 30)

    (outcome,) = queueing.retry(desk, [record_id], {})

    assert isinstance(outcome.error, StateConflict)
    assert "Undo that first" in str(outcome.error)


def test_a_pause_and_its_end(desk: Desk, store: Store, settings: Settings) -> None:
    record_id = add(store, "call")
    queueing.pause(desk)
    assert store.controls.paused()
    queueing.resume(desk)
    assert not store.controls.paused()
    assert hinted(settings) == [record_id]


@pytest.mark.parametrize("where", queueing.MOVES)
def test_without_a_queue_of_hints_the_order_is_changed_all_the_same(
    desk: Desk, store: Store, settings: Settings, where: str
) -> None:
    record_id = add(store, "call")
    with closing(sqlite3.connect(settings.queue)) as damaged:
        damaged.execute("CREATE TABLE task (other)")

    assert not queueing.move(desk, [record_id], where)[0].error
