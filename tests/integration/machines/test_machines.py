"""The machines of a database: what they say of themselves, and what a person decides about them."""

from __future__ import annotations

from pathlib import Path

import pytest

from offhook.desk.desk import Desk
from offhook.desk.machines import machines
from offhook.desk.overview import missing_models
from shared.settings import Settings
from shared.store.machines import SEEN_SECONDS, MachineNotFound, MachineRuns
from shared.store.store import Store
from shared.workers import FORGOTTEN_SECONDS, Liveness, Presence
from transcribe_worker.jobs.this_machine import ThisMachine

OTHER = "0f" * 16


def seen(
    store: Store, host: str = OTHER, name: str = "gpu-1", *, ago_seconds: float = 0.0, **columns: object
) -> Store:
    """Have another machine give a sign of life, some time ago; return the store as it sees it."""
    there = Store(store.database, host, lambda: store.clock() - ago_seconds)
    what = {"version": "0.1.0", "device": "cuda", "models": ["large-v3"], "workers": 2, **columns}
    there.machines.beat(name=name, **what)  # type: ignore[arg-type]
    return there


def test_a_machine_says_what_it_has_and_is_silent_half_a_minute_later(store: Store):
    seen(store, ago_seconds=SEEN_SECONDS - 5)
    (machine,) = store.machines.every()
    assert (machine.name, machine.models, machine.device) == ("gpu-1", ("large-v3",), "cuda")
    assert machine.runs(store.clock())
    assert not machine.runs(store.clock() + 10)


def test_a_drained_machine_learns_it_with_its_next_sign_of_life_and_is_no_other_to_leave_something_to(
    store: Store, settings: Settings
):
    here = ThisMachine(settings, store, list)
    here.beat()
    there = seen(store)
    assert [it.host for it in store.machines.others()] == [OTHER]

    store.machines.drain(OTHER)
    store.machines.drain(store.host)

    here.monotonic = lambda: 1e9
    here.beat()
    assert here.is_draining
    assert there.machines.is_draining()
    assert store.machines.others() == []
    store.machines.undrain(OTHER)
    assert not there.machines.is_draining()


def test_a_machine_is_named_by_its_name_or_by_the_beginning_of_its_host(store: Store):
    seen(store)
    seen(store, "a" * 32, "twin")
    seen(store, "b" * 32, "twin")
    assert store.machines.named("gpu-1").host == store.machines.named("0f0f").host == OTHER
    for wanted in ("0f", "twin", "nobody"):
        with pytest.raises(MachineNotFound):
            store.machines.named(wanted)


def test_a_machine_that_does_not_come_back_is_forgotten_with_its_processes(store: Store):
    there = seen(store)
    there.workers.enter("worker-there", "worker", 77)
    with pytest.raises(MachineRuns):
        store.machines.forget(OTHER)
    seen(store, ago_seconds=SEEN_SECONDS + 5)

    store.machines.forget(OTHER)

    assert (store.machines.every(), store.workers.every()) == ([], [])
    with pytest.raises(MachineNotFound):
        store.machines.forget(OTHER)


def test_a_process_of_another_machine_lives_by_its_last_sign_of_life_and_its_row_goes_after_a_day(
    store: Store, settings: Settings
):
    liveness = Liveness(store, settings.locks)
    for name, ago in ("now", 0.0), ("silent", SEEN_SECONDS + 5), ("gone", FORGOTTEN_SECONDS + 5):
        Store(store.database, OTHER, lambda ago=ago: store.clock() - ago).workers.enter(name, "worker", 1)

    assert {it.id: liveness.is_alive(it) for it in store.workers.every()} == {
        "gone": False,
        "silent": False,
        "now": True,
    }
    assert liveness.remove_dead() == ["gone"]


def test_a_model_that_another_machine_has_is_not_missing(settings: Settings, store: Store, tmp_path: Path):
    store.records.add(source="added", title="call", recording_path="/call.wav", options={"model": "large-v3"})
    with Desk({"home": str(settings.home), "database": settings.database}) as desk:
        assert [it["model"] for it in missing_models(desk)] == ["large-v3"]
        seen(store)
        assert missing_models(desk) == []
        store.machines.drain(OTHER)
        assert [it["model"] for it in missing_models(desk)] == ["large-v3"]


def test_a_machine_is_draining_while_it_has_a_recording_and_drained_then(settings: Settings, store: Store):
    there = seen(store)
    record = store.records.add(source="added", title="call", recording_path="/call.wav")
    claim = there.claims.claim(record.id, worker_id="w", model="large-v3", lease_seconds=60)
    assert claim
    with Desk({"home": str(settings.home), "database": settings.database}) as desk:
        states = [machines(desk)[0]["state"]]
        store.machines.drain(OTHER)
        states.append(machines(desk)[0]["state"])
        there.claims.hand_back(claim)
        states.append(machines(desk)[0]["state"])
        store.machines.undrain(OTHER)
        seen(store, ago_seconds=SEEN_SECONDS + 5)
        states.append(machines(desk)[0]["state"])
    assert states == ["ready", "draining", "drained", "silent"]


def test_a_worker_whose_row_was_removed_has_one_again(settings: Settings, store: Store):
    presence = Presence(store, settings.locks, "worker").enter()
    store.workers.remove([presence.worker_id])

    presence.beat("ready")

    assert [it.id for it in store.workers.every()] == [presence.worker_id]
    presence.leave()
