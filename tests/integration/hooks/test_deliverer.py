"""The deliverer: what it does with many hooks, when it is killed, and with what cannot be sent."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from offhook.desk.exporting import SHORT_WORDS
from offhook.hooks import deliverer
from offhook.hooks.deliverer import LEASE_SECONDS, Deliverer
from offhook.hooks.outcome import DAY
from offhook.hooks.sender import Sender
from offhook.hooks.signing import new_secret
from shared.settings import Settings
from shared.store.deliveries import DELIVERED, EVENTS, FAILED, WAITING
from shared.store.hooks import PROGRAM, URL
from shared.store.store import Store
from shared.store.values import Hook
from shared.words import Segment, Word
from tests.integration.hooks.conftest import Finish, claimed
from tests.integration.hooks.receivers import OK, answering_by_hand, receiving
from tests.integration.records.operations import Clock
from tests.stage import ROOT
from tests.waiting import until

PATIENCE_SECONDS = 30.0

RUNS = """
import sys
from dataclasses import replace
from pathlib import Path
from offhook.hooks.deliverer import Deliverer
from offhook.hooks.sender import Sender
from shared.settings import Settings
from shared.store.store import Store
settings = Settings(home=Path(sys.argv[1]), hook_private_hosts="127.0.0.1")
Deliverer(Store.of_home(settings), settings, Sender(settings)).run()
"""


@pytest.fixture
def private(settings: Settings) -> Settings:
    return replace(settings, hook_private_hosts="127.0.0.1")


def hook_for(store: Store, url: str, *, has_words: bool = False) -> Hook:
    return store.hooks.add(URL, url, new_secret(), tuple(EVENTS.values()), has_words=has_words)


def states(store: Store, hook: Hook) -> list[str]:
    return [found.state for found in store.deliveries.newest(hook.id, 20)]


@contextmanager
def running(store: Store, settings: Settings, clock: Clock) -> Iterator[None]:
    stopping = threading.Event()
    each = Deliverer(store, settings, Sender(settings, stopping), stopping=stopping, clock=clock)
    thread = threading.Thread(target=each.run)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join(PATIENCE_SECONDS)


def test_what_happens_while_it_runs_is_delivered_in_the_order_of_the_events(
    store: Store, finish: Finish, private: Settings, clock: Clock
):
    with receiving() as receiver, running(store, private, clock):
        hook = hook_for(store, receiver.url())
        expected = [finish().id for _ in range(5)]
        until(lambda: states(store, hook) == [DELIVERED] * 5, "all of them are delivered")
    assert [json.loads(got.body)["data"]["id"] for got in receiver.received] == expected


def test_a_receiver_that_hangs_holds_up_no_other(
    store: Store, finish: Finish, private: Settings, clock: Clock
):
    hanging = threading.Event()

    def hang(_: object, over: threading.Event) -> None:
        hanging.set()
        over.wait(PATIENCE_SECONDS)

    with answering_by_hand(hang) as port, receiving() as receiver, running(store, private, clock):
        stuck, well = hook_for(store, f"http://127.0.0.1:{port}/"), hook_for(store, receiver.url())
        finish()
        until(hanging.is_set, "the receiver hangs")
        finish()
        until(lambda: states(store, well) == [DELIVERED] * 2, "all of them are delivered")
        assert states(store, stuck) == [WAITING] * 2


def test_a_message_whose_sender_is_killed_is_sent_again_under_the_same_id(
    store: Store, finish: Finish, private: Settings, clock: Clock
):
    reached = threading.Event()
    heads: list[bytes] = []

    def hang(connected: object, over: threading.Event) -> None:
        heads.append(connected.recv(65536))  # type: ignore[attr-defined]
        reached.set()
        over.wait(PATIENCE_SECONDS)

    clock.now = time.time()  # the process has no other
    with answering_by_hand(hang) as port:
        hook = hook_for(store, f"http://127.0.0.1:{port}/")
        finish()
        process = subprocess.Popen([sys.executable, "-c", RUNS, str(private.home)], cwd=ROOT)
        try:
            assert reached.wait(PATIENCE_SECONDS)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()

    (killed,) = store.deliveries.newest(hook.id, 9)
    assert (killed.state, killed.attempts) == (WAITING, 1)
    clock.now = killed.next_attempt_at
    with receiving() as receiver:
        port_taken_over = replace(store.hooks.get(hook.id), target=receiver.url())
        claimed = store.deliveries.claim(hook.id, LEASE_SECONDS)
        assert claimed
        assert Sender(private).send(port_taken_over, claimed.message_id, b"{}")
    assert f"webhook-id: {receiver.received[0].headers['webhook-id']}".encode() in heads[0]


def test_a_hook_is_stopped_after_five_days_of_nothing_but_failures(
    store: Store, finish: Finish, private: Settings, clock: Clock
):
    each = Deliverer(store, private, Sender(private), clock=clock)
    began = clock.now
    with receiving((500, {}, b"")) as receiver:
        hook = hook_for(store, receiver.url())
        while store.hooks.get(hook.id).stopped_at is None:
            finish()
            each.run_due()
            clock.now += DAY / 2
            assert clock.now < began + 9 * DAY
        stopped = store.hooks.get(hook.id)
        assert 5 * DAY <= (stopped.stopped_at or 0) - began <= 6.5 * DAY
        assert stopped.stopped_why == "Every attempt of 5 days has failed. The last one: It answered 500."
        assert WAITING not in states(store, hook)
        receiver.answers[:] = [OK]
        store.hooks.start(hook.id)
        store.deliveries.redeliver_failed()
        each.run_due()
    assert set(states(store, hook)) == {DELIVERED}


def test_a_failure_of_long_ago_stops_no_hook_before_the_next_message_had_its_attempts(
    store: Store, finish: Finish, private: Settings, clock: Clock
):
    each = Deliverer(store, private, Sender(private), clock=clock)
    with receiving((500, {}, b"")) as receiver:
        hook = hook_for(store, receiver.url())
        finish()
        each.run_due()
        clock.now += 90 * DAY
        finish()
        each.run_due()
        assert store.hooks.get(hook.id).stopped_at is None
        receiver.answers[:] = [OK]
        clock.now += 3600
        each.run_due()
    assert states(store, hook) == [DELIVERED, DELIVERED]


def test_a_message_that_cannot_be_sent_at_all_holds_up_no_other(
    store: Store, finish: Finish, private: Settings, clock: Clock
):
    with receiving() as receiver:
        damaged = store.hooks.add(PROGRAM, "{no list", "", tuple(EVENTS.values()))
        well = hook_for(store, receiver.url())
        finish()
        Deliverer(store, private, Sender(private), clock=clock).run_due()
    assert (states(store, damaged), states(store, well)) == ([WAITING], [DELIVERED])
    assert "fault in offhook" in (store.deliveries.newest(damaged.id, 1)[0].last_error or "")


def test_the_words_of_a_long_call_are_written_by_a_process_of_its_own(
    store: Store, private: Settings, clock: Clock
):
    record = store.records.add(source="added", title="Größe", recording_path="/calls/long.wav")
    words = tuple(Word(number, number + 1, " word", 0.9) for number in range(SHORT_WORDS + 1))
    with receiving() as receiver:
        hook = hook_for(store, receiver.url(), has_words=True)
        store.claims.complete(claimed(store, record), [Segment(0, len(words), "word " * len(words), words)])
        Deliverer(store, private, Sender(private), clock=clock).run_due()
    assert states(store, hook) == [DELIVERED]
    data = json.loads(receiver.received[0].body)["data"]
    assert data["title"] == "Größe"
    assert data["text"].split() == ["word"] * len(words)


def test_a_person_who_deletes_a_recording_keeps_its_message_back(
    store: Store, finish: Finish, private: Settings, clock: Clock
):
    with receiving() as receiver:
        hook_for(store, receiver.url())
        record = finish()
        store.deletions.add(record.id, clock.now + 60)
        Deliverer(store, private, Sender(private), clock=clock).run_due()
        assert receiver.received == []
        store.deletions.remove([record.id])
        Deliverer(store, private, Sender(private), clock=clock).run_due()
    assert len(receiver.received) == 1


def test_finished_messages_are_kept_for_thirty_days(
    store: Store, finish: Finish, private: Settings, clock: Clock
):
    each = Deliverer(store, private, Sender(private), clock=clock)
    with receiving() as receiver:
        hook = hook_for(store, receiver.url())
        finish()
        each.run_due()
        clock.now += deliverer.KEPT_SECONDS - 1
        finish()
        each.prune()
        assert states(store, hook) == [WAITING, DELIVERED]
        clock.now += 2
        each.prune()
    assert states(store, hook) == [WAITING]
    assert FAILED not in states(store, hook)
