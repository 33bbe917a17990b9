"""Who claims a recording, when, and how often."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable

import pytest

from shared.errors import EngineCrashed
from shared.settings import Settings
from shared.store.claims import Failure
from shared.store.records import LONGEST_WAIT_SECONDS
from shared.store.store import Store
from shared.store.transitions import PROCESSING
from tests.databases import place_of
from tests.integration.records.operations import FAILURE, Clock, at_once, claim
from tests.stage import ROOT
from tests.tables import Record

DAY_SECONDS = 86_400.0


CLAIMS = """
import json, sys
from pathlib import Path
from shared.store.store import Store
store = Store.open(sys.argv[1])
print("up", flush=True)
sys.stdin.readline()
taken = []
while due := store.records.due(limit=10):
    for record in due:
        if store.claims.claim(record.id, worker_id=sys.argv[2], model="tiny.en", lease_seconds=60):
            taken.append(record.id)
print(json.dumps(taken))
"""


def test_a_claim_counts_the_attempt_and_notes_whose_it_is(
    store: Store, add: Callable[..., Record], clock: Clock
):
    held = claim(store, add(), "worker-7", model="small")

    found = store.records.get(held.record.id)
    assert (found.transcription_status, found.attempts, found.claim_token) == (PROCESSING, 1, held.token)
    assert (found.worker_id, found.model, found.started_at) == ("worker-7", "small", clock.now)
    assert found.lease_expires_at == clock.now + 60
    assert held.record.attempts == 1


def test_attempts_count_at_each_claim_even_if_nobody_reports_back(store: Store, add: Callable[..., Record]):
    record = add()
    for attempt in (1, 2, 3):
        held = claim(store, record)
        assert store.records.get(record.id).attempts == attempt
        store.claims.retry_later(held, Failure.of(EngineCrashed()), wait_seconds=0, crashed=True)

    found = store.records.get(record.id)
    assert (found.attempts, found.crashes, found.error_code) == (3, 3, "engine_crashed")


def test_each_claim_has_a_token_of_its_own(store: Store, add: Callable[..., Record]):
    record = add()
    first = claim(store, record)
    store.claims.hand_back(first)

    assert claim(store, record).token != first.token


def test_eight_threads_claim_each_recording_exactly_once(store: Store, add: Callable[..., Record]):
    with store.transaction():
        wanted = [add().id for _ in range(300)]

    def take_all() -> list[int]:
        taken = []
        while due := store.records.due(limit=10):
            for record in due:
                held = store.claims.claim(record.id, worker_id="w", model="tiny.en", lease_seconds=60)
                taken += [held.record.id] if held else []
        return taken

    taken = at_once(store, [take_all] * 8)

    assert sorted(itertools.chain(*taken)) == wanted
    assert {record.attempts for record in store.records.processing()} == {1}
    assert len({record.claim_token for record in store.records.processing()}) == 300


def test_four_processes_claim_each_recording_exactly_once(
    store: Store, settings: Settings, add: Callable[..., Record]
):
    with store.transaction():
        wanted = [add().id for _ in range(300)]
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", CLAIMS, place_of(settings), f"worker-{number}"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(4)
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "up\n"
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    taken = {f"worker-{n}": json.loads(worker.communicate(timeout=30)[0]) for n, worker in enumerate(workers)}

    assert sorted(itertools.chain(*taken.values())) == wanted
    held = store.records.processing()
    assert {record.attempts for record in held} == {1}
    assert Counter(record.worker_id for record in held) == {w: len(ids) for w, ids in taken.items() if ids}


def test_a_recording_rests_until_its_time_has_come(store: Store, add: Callable[..., Record], clock: Clock):
    record = add()
    store.claims.retry_later(claim(store, record), FAILURE, wait_seconds=20)

    for seconds, is_due in ((0.0, False), (19.9, False), (0.1, True)):
        clock.now += seconds
        assert [r.id for r in store.records.due(limit=9)] == ([record.id] if is_due else [])
        held = store.claims.claim(record.id, worker_id="w", model="tiny.en", lease_seconds=60)
        assert (held is not None) is is_due


@pytest.mark.parametrize("seconds", [-DAY_SECONDS, -365 * DAY_SECONDS, DAY_SECONDS])
def test_a_clock_that_is_set_leaves_no_resting_recording_stuck(
    store: Store, add: Callable[..., Record], clock: Clock, seconds: float
):
    record = add()
    store.claims.retry_later(claim(store, record), FAILURE, wait_seconds=600)

    clock.now += seconds

    assert [r.id for r in store.records.due(limit=9)] == [record.id]
    claim(store, record)


def test_a_clock_that_is_set_back_a_little_only_makes_the_wait_longer(
    store: Store, add: Callable[..., Record], clock: Clock
):
    record = add()
    store.claims.retry_later(claim(store, record), FAILURE, wait_seconds=600)

    clock.now -= LONGEST_WAIT_SECONDS - 600

    assert store.records.due(limit=9) == []
    clock.now += LONGEST_WAIT_SECONDS
    assert store.records.due(limit=9) != []


def test_a_clock_that_is_set_gives_no_recording_to_a_second_worker(
    store: Store, add: Callable[..., Record], clock: Clock
):
    record = add()
    held = claim(store, record)

    for seconds in (DAY_SECONDS, -2 * DAY_SECONDS):
        clock.now += seconds
        assert store.claims.claim(record.id, worker_id="w", model="tiny.en", lease_seconds=60) is None
    store.claims.complete(held, [])


def test_the_most_urgent_is_due_first_and_then_the_oldest(store: Store, add: Callable[..., Record]):
    ids = [add(priority=priority).id for priority in (0, 5, 0, 5)]

    assert [r.id for r in store.records.due(limit=3)] == [ids[1], ids[3], ids[0]]
