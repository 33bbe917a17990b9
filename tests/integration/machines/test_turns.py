"""Who takes which of the queued recordings."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import replace

from shared.settings import Settings
from shared.store.claims import Claim, Failure
from shared.store.machines import GPU
from shared.store.store import Store
from shared.store.turns import Taker
from shared.store.values import Record
from tests.integration.machines.test_machines import OTHER, seen
from transcribe_worker.jobs.turn import Turn

ADA, BOB = 1, 2
MINUTES = 60.0
ENOUGH = Failure("error", "enough")


def queued(store: Store, owner_id: int | None = None, model: str = "", **columns: object) -> Record:
    options = {"model": model} if model else {}
    return store.records.add(
        source="added",
        title="call",
        recording_path="/call.wav",
        owner_id=owner_id,
        options=options,
        **columns,
    )


def turn_of(settings: Settings, store: Store, device: str = "cpu") -> Turn:
    return Turn(settings, store, "worker-1", lambda: device)


def taken(turn: Turn, hints: Iterable[int | None]) -> list[int | None]:
    """What is claimed after each hint, one after another; nothing is finished meanwhile."""
    claims = [turn.claim(hint) for hint in hints]
    return [claim.record.id if claim else None for claim in claims]


def with_models(settings: Settings, *names: str) -> Settings:
    """Put models into a home, as far as a look can tell."""
    for name in names:
        folder = settings.models / name
        folder.mkdir(parents=True)
        (folder / "model.bin").touch()
    return settings


def test_people_take_turns_whatever_one_of_them_has_queued_before(settings: Settings, store: Store):
    many = [queued(store, ADA).id for _ in range(5)]
    few = [queued(store, BOB).id for _ in range(2)]

    order = taken(turn_of(settings, store), [*many, *few])

    assert order[:4] == [many[0], few[0], many[1], few[1]]
    assert set(order[4:]) == set(many[2:])


def test_a_more_urgent_recording_comes_before_anybodys_turn(settings: Settings, store: Store):
    first, _, urgent = queued(store, ADA), queued(store, BOB), queued(store, ADA, priority=5)
    assert taken(turn_of(settings, store), [first.id, urgent.id]) == [urgent.id, 2]


def test_in_a_home_of_one_person_the_hinted_recording_is_taken(settings: Settings, store: Store):
    ids = [queued(store).id for _ in range(3)]
    assert taken(turn_of(settings, store), [ids[2], ids[0], ids[1]]) == [ids[2], ids[0], ids[1]]


def test_a_look_without_a_hint_or_after_a_late_one_takes_what_is_due(settings: Settings, store: Store):
    ids = [queued(store).id for _ in range(3)]
    assert taken(turn_of(settings, store), [None, ids[0], 999, None]) == [*ids, None]


def test_a_recording_whose_model_is_missing_here_waits_for_a_machine_that_has_it(
    settings: Settings, store: Store
):
    large = queued(store, model="large-v3")
    turn = turn_of(settings, store)
    assert turn.claim(large.id) is None
    assert turn.for_others(large.id, is_draining=False) is None  # nobody has it

    seen(store)
    turn.refreshed()
    found = turn.for_others(large.id, is_draining=False)

    assert found is not None
    assert found.id == large.id
    untouched = store.records.get(large.id)
    assert (untouched.attempts, untouched.next_attempt_at, untouched.error_code) == (0, 0.0, None)
    there = turn_of(with_models(settings, "large-v3"), store, GPU)
    claim = there.claim(None)
    assert claim is not None
    assert (claim.record.id, claim.record.model) == (large.id, "large-v3")


def test_a_machine_without_a_gpu_leaves_new_recordings_to_one_with_for_some_minutes(
    settings: Settings, store: Store
):
    seen(store, models=["stand-in"])
    cpu = replace(with_models(settings, "stand-in"), model="stand-in")
    record = queued(store)
    assert turn_of(cpu, store).claim(record.id) is None
    assert turn_of(cpu, store).for_others(record.id, is_draining=False)
    later = Store(store.database, store.host, lambda: store.clock() + 10 * MINUTES + 1)
    seen(later, models=["stand-in"])
    claim = turn_of(cpu, later).claim(record.id)
    assert claim is not None
    later.claims.hand_back(claim)
    assert turn_of(cpu, store, GPU).claim(record.id) is not None


def test_nothing_is_left_to_a_machine_with_a_gpu_that_is_drained_or_silent_or_lacks_the_model(
    settings: Settings, store: Store
):
    cpu = replace(with_models(settings, "stand-in"), model="stand-in")

    def takes() -> bool:
        record = queued(store)
        claim = turn_of(cpu, store).claim(record.id)
        return bool(claim and store.claims.fail(claim, ENOUGH))

    seen(store, models=["another"])
    assert takes()
    seen(store, models=["stand-in"], ago_seconds=31)
    assert takes()
    seen(store, models=["stand-in"])
    store.machines.drain(OTHER)
    assert takes()
    store.machines.undrain(OTHER)
    assert not takes()


def test_a_machine_that_is_drained_gives_its_hint_to_others(settings: Settings, store: Store):
    cpu = replace(with_models(settings, "stand-in"), model="stand-in")
    record = queued(store)
    seen(store, models=["stand-in"], device="cpu")
    assert turn_of(cpu, store).for_others(record.id, is_draining=False) is None
    assert turn_of(cpu, store).for_others(record.id, is_draining=True)


def test_several_at_once_claim_each_recording_once(store: Store):
    ids = [queued(store).id for _ in range(40)]
    claims: list[Claim] = []

    def claim() -> None:
        while found := store.claims.claim_first(ids, worker_id="w", model="m", lease_seconds=60):
            claims.append(found)
        store.disconnect()

    threads = [threading.Thread(target=claim) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    left = [it.id for it in store.turns.due(Taker(), 99)]
    assert sorted([claim.record.id for claim in claims] + left) == ids
    assert left == []
