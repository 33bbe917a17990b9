"""What was completed and failed is counted once and for ever, whatever becomes of it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress

from shared.errors import EngineCrashed, OffhookError
from shared.settings import Settings
from shared.store.claims import Failure
from shared.store.store import Store
from shared.store.tallies import COMPLETED, FAILED, RETRIED, Tally
from shared.words import Segment
from tests.databases import place_of
from tests.integration.records.operations import Clock, claim
from tests.stage import ROOT
from tests.tables import Record, execute

DIES = """
import os, sys
from contextlib import suppress
from pathlib import Path
from shared.store.claims import Failure
from shared.store.store import Store
store = Store.open(sys.argv[1], "0f")
store.workers.enter("worker-9", "worker", os.getpid())
claim = store.claims.claim(int(sys.argv[2]), worker_id="worker-9", model="tiny.en", lease_seconds=60)
store.claims.fail(claim, Failure("empty_file", "The file is empty."))
os._exit(1)
"""


def counted(store: Store) -> dict[tuple[str, str, str], int]:
    return {(it.event, it.model, it.error_code): it.count for it in store.tallies.every()}


def test_a_completed_recording_counts_its_audio_and_the_time_it_took(
    store: Store, add: Callable[..., Record], clock: Clock
):
    held = claim(store, add(), "worker-7", model="small")
    clock.now += 12.5
    store.claims.complete(held, [Segment(0.0, 1.0, "words")], duration_seconds=100.0)

    tallies = {it.event: it for it in store.tallies.every()}
    host = tallies[COMPLETED].host
    assert tallies[COMPLETED] == Tally(host, COMPLETED, 1, "small", "", 100.0, 12.5)


def test_an_attempt_that_ends_with_an_error_counts_by_its_code(store: Store, add: Callable[..., Record]):
    record = add()
    store.claims.retry_later(claim(store, record), Failure.of(EngineCrashed()), wait_seconds=0)
    store.claims.fail(claim(store, record), Failure("empty_file", "The file is empty."))

    assert counted(store) == {
        (RETRIED, "", EngineCrashed.code): 1,
        (FAILED, "", "empty_file"): 1,
    }


def test_what_could_name_a_person_is_counted_without_its_name(store: Store, add: Callable[..., Record]):
    held = claim(store, add(), model="/home/ada/models/mine")
    store.claims.complete(held, [])
    store.claims.fail(claim(store, add()), Failure("no such file: Ada.wav", "The file is gone."))

    assert counted(store).keys() >= {(COMPLETED, "other", ""), (FAILED, "", "other")}


def test_deleting_and_repeating_recordings_takes_nothing_from_the_count(
    store: Store, add: Callable[..., Record]
):
    record = add()
    store.claims.complete(claim(store, record), [])
    store.records.requeue(record.id)
    store.claims.complete(claim(store, record), [])
    store.records.delete(record.id)

    assert counted(store)[COMPLETED, "tiny.en", ""] == 2


def test_a_killed_worker_loses_no_count_and_leaves_no_row_of_its_own(
    store: Store, settings: Settings, add: Callable[..., Record]
):
    database = place_of(settings)
    for _ in range(2):
        subprocess.run(
            [sys.executable, "-c", DIES, database, str(add().id)], cwd=ROOT, timeout=30, check=False
        )
        store.workers.remove(["worker-9"])

    assert store.tallies.every() == [Tally("0f", FAILED, 2, "", "empty_file")]
    assert [owner for (owner,) in execute("SELECT worker_id FROM tallies")] == [""]


def test_counts_of_one_host_are_those_of_its_processes_together(store: Store, add: Callable[..., Record]):
    for worker in ("worker-1", "worker-2"):
        store.claims.complete(claim(store, add(), worker), [])

    assert [it.count for it in store.tallies.every()] == [2]


def test_an_undone_transaction_counts_nothing(store: Store, add: Callable[..., Record]):
    record = add()
    with suppress(OffhookError), store.transaction():
        store.claims.complete(claim(store, record), [])
        raise OffhookError

    assert store.tallies.every() == []
