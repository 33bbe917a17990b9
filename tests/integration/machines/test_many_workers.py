"""Several real workers with homes of their own, on one PostgreSQL database."""

from __future__ import annotations

import time

from shared.store.store import Store
from stress.stand_in import STAND_IN
from tests.integration.machines.conftest import Team
from tests.postgres import PostgresServer
from tests.waiting import until

OTHER = "0f" * 16


def test_a_recording_of_a_machine_that_is_killed_is_completed_by_another_soon(team: Team):
    first = team.start("first", seconds=600.0)
    record_id = team.queue("call")
    claimed = team.begun(record_id)
    assert claimed.worker_host == first.host
    team.start("second")

    first.process.kill()

    done = team.done(record_id, 40.0)
    assert (done.crashes, done.attempts) == (1, 2)
    assert team.store.machines.claimed() == {}


def test_a_drained_machine_finishes_what_it_has_and_leaves_the_rest_to_others(team: Team):
    first = team.start("first", seconds=3.0)
    own = team.queue("own")
    team.begun(own)
    team.store.machines.drain(first.host)
    later = team.queue("later")

    assert team.done(own).attempts == 1
    until(lambda: _state(team, first.host) == "drained", "the worker to say so")
    assert team.store.records.get(later).transcription_status == "queued"
    team.start("second")
    team.done(later)
    assert team.store.records.get(later).attempts == 1


def test_a_machine_without_the_model_leaves_a_recording_to_one_that_has_it(team: Team):
    lacking = team.start("lacking", has_model=False, workers=2)
    having = team.start("having")
    ids = [team.queue(f"call {number}") for number in range(5)]

    for record_id in ids:
        record = team.done(record_id, 30.0)
        assert (record.attempts, record.error_code) == (1, None)
    engines = {it.host: it.state for it in team.store.workers.every()}
    assert set(engines) >= {lacking.host, having.host}
    assert f"recording {ids[0]}" not in lacking.log


def test_a_machine_without_a_gpu_waits_for_one_with_until_that_one_is_drained(team: Team):
    there = Store(team.store.database, OTHER, lambda: team.store.clock() + 3600)
    there.machines.beat(name="gpu", version="1", device="cuda", models=[STAND_IN], workers=1)
    team.start("cpu")
    record_id = team.queue("call")
    time.sleep(4.0)  # it would be done ten times over
    assert team.store.records.get(record_id).attempts == 0

    team.store.machines.drain(OTHER)

    team.done(record_id)


def test_a_worker_outlasts_a_database_that_is_killed_and_loses_nothing(
    mortal_team: Team, mortal_server: PostgresServer
):
    worker = mortal_team.start("first", seconds=4.0)
    record_id = mortal_team.queue("call")
    mortal_team.begun(record_id)
    mortal_server.kill()
    try:
        time.sleep(8.0)
    finally:
        mortal_server.start()

    done = mortal_team.done(record_id)

    assert worker.process.poll() is None
    assert (done.attempts, done.crashes) == (1, 0)
    assert len([line for line in worker.log.splitlines() if "cannot" in line]) <= 4, worker.log
    again = mortal_team.queue("again")
    assert mortal_team.done(again).attempts == 1


def test_a_worker_that_starts_waits_for_its_database(mortal_team: Team, mortal_server: PostgresServer):
    first = mortal_team.start("first")
    first.process.kill()
    first.process.wait()
    record_id = mortal_team.queue("call")
    mortal_server.kill()
    try:
        waiting = mortal_team.start_only("second")
        until(lambda: "waits for the database" in waiting.log, "it to say so")
    finally:
        mortal_server.start()
    mortal_team.done(record_id)


def _state(team: Team, host: str) -> str:
    return next((it.state for it in team.store.workers.every("worker") if it.host == host), "")
