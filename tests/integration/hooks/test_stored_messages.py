"""What hooks are to be sent is stored with the change of state, and each message has one sender at a time."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from shared.errors import ClaimLost, DeliveryNotFound, HookNotFound, HookStopped
from shared.settings import Settings
from shared.store.claims import Claim
from shared.store.deliveries import DELIVERED, EVENTS, FAILED, LONGEST_WAIT_SECONDS, WAITING
from shared.store.hooks import URL
from shared.store.store import Store
from shared.store.values import Delivery, Hook
from tests.databases import place_of
from tests.integration.hooks.conftest import FAILURE, WORDS, Finish, claimed
from tests.integration.records.operations import Clock
from tests.stage import ROOT

ALL = tuple(EVENTS.values())
LEASE_SECONDS = 60.0


def hook_for(store: Store, *events: str) -> Hook:
    return store.hooks.add(URL, "https://receiver.test/", "whsec_x", events or ALL)


def claim(store: Store, hook: Hook) -> Delivery:
    found = store.deliveries.claim(hook.id, LEASE_SECONDS)
    assert found
    return found


def states(store: Store, hook: Hook) -> list[tuple[str, str]]:
    return [(found.event, found.state) for found in store.deliveries.newest(hook.id, 10)]


def test_a_completed_and_a_failed_record_each_leave_one_message_for_each_hook(
    store: Store, finish: Finish, clock: Clock
):
    hooks = [hook_for(store), hook_for(store)]
    completed, failed = finish(), finish(failed=True)

    for hook in hooks:
        newest, oldest = store.deliveries.newest(hook.id, 10)
        assert (oldest.record, oldest.event) == (completed.id, "record.completed")
        assert (newest.record, newest.event) == (failed.id, "record.failed")
        assert (oldest.state, oldest.attempts, oldest.created_at) == (WAITING, 0, clock.now)
    ids = [found.message_id for hook in hooks for found in store.deliveries.newest(hook.id, 10)]
    assert len(set(ids)) == 4


def test_a_hook_gets_the_events_that_it_asks_for_and_no_other(store: Store, finish: Finish):
    hook = hook_for(store, "record.failed")
    finish()
    finish(failed=True)

    assert states(store, hook) == [("record.failed", WAITING)]


def test_a_hook_gets_nothing_of_what_happened_before_it_was_added(store: Store, finish: Finish):
    finish()
    hook = hook_for(store)

    assert states(store, hook) == []


def test_a_record_that_is_retried_cancelled_or_queued_again_is_no_event(store: Store, finish: Finish):
    hook = hook_for(store)
    record = store.records.add(source="added", title="call", recording_path="/call.wav")
    store.claims.retry_later(claimed(store, record), FAILURE, wait_seconds=0)
    store.claims.hand_back(claimed(store, record))
    store.records.cancel(record.id)
    store.records.requeue(record.id)

    assert states(store, hook) == []


def test_a_completion_that_is_rolled_back_leaves_no_message(store: Store):
    hook = hook_for(store)
    record = store.records.add(source="added", title="call", recording_path="/call.wav")
    claim = claimed(store, record)

    with pytest.raises(InterruptedError):
        _complete_and_fail(store, claim)
    assert states(store, hook) == []
    store.records.cancel(record.id)
    with pytest.raises(ClaimLost):
        store.claims.complete(claim, WORDS)
    assert states(store, hook) == []


def _complete_and_fail(store: Store, claim: Claim) -> None:
    with store.transaction():
        store.claims.complete(claim, WORDS)
        raise InterruptedError


def test_a_record_that_is_transcribed_again_leaves_a_message_of_its_own(store: Store, finish: Finish):
    hook = hook_for(store)
    record = finish()
    store.records.requeue(record.id)
    store.claims.complete(claimed(store, record), WORDS)

    first, second = store.deliveries.newest(hook.id, 10)
    assert first.message_id != second.message_id


def test_the_messages_of_a_deleted_record_are_deleted_with_it(store: Store, finish: Finish):
    hook = hook_for(store)
    record = finish()
    store.records.delete(record.id)

    assert states(store, hook) == []
    assert store.deliveries.hooks_due() == []


def test_a_claimed_message_is_due_again_when_its_lease_ends(store: Store, finish: Finish, clock: Clock):
    hook = hook_for(store)
    finish()

    first = claim(store, hook)
    assert store.deliveries.claim(hook.id, LEASE_SECONDS) is None
    assert store.deliveries.hooks_due() == []
    clock.now += LEASE_SECONDS
    assert store.deliveries.hooks_due() == [hook.id]
    second = claim(store, hook)
    assert (first.message_id, first.attempts, second.attempts) == (second.message_id, 1, 2)


def test_a_sender_whose_lease_has_ended_cannot_overwrite_what_another_one_notes(
    store: Store, finish: Finish, clock: Clock
):
    hook = hook_for(store)
    finish()
    late = claim(store, hook)
    clock.now += LEASE_SECONDS
    store.deliveries.note_delivered(claim(store, hook), 204)

    store.deliveries.note_failed(late, 500, "It answered 500.", None)

    found = store.deliveries.get(late.id)
    assert (found.state, found.last_status, found.attempts) == (DELIVERED, 204, 2)


def test_a_message_that_failed_waits_for_its_time(store: Store, finish: Finish, clock: Clock):
    hook = hook_for(store)
    finish()
    store.deliveries.note_failed(claim(store, hook), 500, "It answered 500.", 30.0)

    assert store.deliveries.hooks_due() == []
    assert store.hooks.get(hook.id).first_failed_at == clock.now
    clock.now += 30
    store.deliveries.note_delivered(claim(store, hook), 200)
    assert states(store, hook) == [("record.completed", DELIVERED)]
    assert store.hooks.get(hook.id).first_failed_at is None


def test_a_clock_that_was_set_back_holds_no_message_back(store: Store, finish: Finish, clock: Clock):
    hook = hook_for(store)
    finish()
    store.deliveries.note_failed(claim(store, hook), 500, "It answered 500.", 3600.0)

    clock.now -= LONGEST_WAIT_SECONDS
    assert store.deliveries.may_be_due()
    assert store.deliveries.hooks_due() == [hook.id]


def test_a_stopped_hook_gets_nothing_and_its_waiting_messages_can_be_sent_when_it_is_started(
    store: Store, finish: Finish
):
    hook = hook_for(store)
    finish()
    store.hooks.stop(hook.id, "It answered 410.")
    finish()

    (failed,) = store.deliveries.newest(hook.id, 10)
    assert (failed.state, failed.last_error) == (FAILED, "The hook was stopped. It answered 410.")
    with pytest.raises(HookStopped):
        store.deliveries.redeliver(failed.id)
    assert store.deliveries.redeliver_failed() == 0

    assert store.hooks.start(hook.id).stopped_why is None
    assert store.deliveries.redeliver_failed() == 1
    assert claim(store, hook).message_id == failed.message_id


def test_a_message_is_sent_again_by_hand_with_its_id_and_all_its_attempts(store: Store, finish: Finish):
    hook = hook_for(store)
    finish()
    store.deliveries.note_delivered(before := claim(store, hook), 200)

    again = store.deliveries.redeliver(before.id)

    assert (again.state, again.attempts, again.message_id) == (WAITING, 0, before.message_id)
    assert claim(store, hook).id == before.id


def test_old_finished_messages_are_pruned_and_waiting_ones_stay(store: Store, finish: Finish, clock: Clock):
    hook = hook_for(store)
    for _ in range(3):
        finish()
    store.deliveries.note_delivered(claim(store, hook), 200)
    store.deliveries.note_failed(claim(store, hook), 500, "It answered 500.", None)
    clock.now += 1000

    assert store.deliveries.prune(clock.now - 1000) == 0
    assert store.deliveries.prune(clock.now - 999) == 2
    assert states(store, hook) == [("record.completed", WAITING)]


def test_what_is_not_there_is_named(store: Store):
    for get in (store.hooks.get, store.hooks.remove, store.hooks.start):
        with pytest.raises(HookNotFound, match="no hook 7"):
            get(7)
    with pytest.raises(DeliveryNotFound, match="no delivery 7"):
        store.deliveries.get(7)


CLAIMS = """
import json, sys
from pathlib import Path
from shared.store.store import Store
store = Store.open(sys.argv[1])
print("up", flush=True)
sys.stdin.readline()
taken = []
while found := store.deliveries.claim(1, 600):
    taken.append(found.id)
print(json.dumps(taken))
"""


def test_of_processes_that_claim_at_once_each_message_has_one_winner(
    store: Store, finish: Finish, settings: Settings
):
    hook = hook_for(store)
    expected = sorted(finish().id for _ in range(40))
    command = [sys.executable, "-c", CLAIMS, place_of(settings)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "cwd": ROOT}
    senders = [subprocess.Popen(command, **pipes) for _ in range(3)]
    for sender in senders:
        assert sender.stdout.readline() == "up\n"
        sender.stdin.write("\n")
    taken = [number for sender in senders for number in json.loads(sender.communicate(timeout=60)[0])]

    assert hook.id == 1
    assert sorted(taken) == expected
