"""The figures of the queue that monitoring asks for."""

from __future__ import annotations

from collections.abc import Callable

from shared.store.claims import Failure
from shared.store.figures import Unsent
from shared.store.store import Store
from shared.store.tables import MachineRow, OutboxRow
from tests.integration.records.operations import Clock, claim
from tests.tables import Record


def test_figures_of_an_empty_home_are_zero(store: Store):
    assert set(store.figures.states().values()) == {0}
    assert (store.figures.oldest_queued_seconds(), store.figures.arriving()) == (0.0, 0)
    assert (store.figures.failed_by_code(), store.figures.machines()) == ({}, [])
    assert store.figures.unsent() == Unsent(0, 0, 0.0)


def test_states_errors_and_the_oldest_that_waits_are_counted(
    store: Store, add: Callable[..., Record], clock: Clock
):
    store.claims.fail(claim(store, add()), Failure("empty_file", "The file is empty."))
    add()
    clock.now += 60
    add()

    assert store.figures.states()["queued"] == 2
    assert store.figures.failed_by_code() == {"empty_file": 1}
    assert store.figures.oldest_queued_seconds() == 60


def test_a_machine_is_known_by_its_processes_and_by_its_own_row(store: Store, clock: Clock):
    for worker in ("worker-1", "worker-2"):
        store.workers.enter(worker, "worker", 7)
    seen = {"first_seen_at": 0.0, "last_seen_at": clock.now - 90}
    row = MachineRow.insert(host="0f", name="gpu-1", version="1.0", device="cuda", draining=1, **seen)
    store.database.run(row)

    here, there = sorted(store.figures.machines(), key=lambda it: it.seen_seconds_ago)
    assert (here.processes, here.seen_seconds_ago) == ({"worker": 2}, 0.0)
    assert (there.name, there.draining, there.seen_seconds_ago) == ("gpu-1", True, 90.0)


def test_the_outbox_is_what_the_server_does_not_have(store: Store, add: Callable[..., Record], clock: Clock):
    for state in ("waiting", "sending", "sent"):
        record = add(size_bytes=1000)
        store.database.run(OutboxRow.insert(record=record.id, state=state))
    clock.now += 30

    assert store.figures.unsent() == Unsent(2, 2000, 30.0)
