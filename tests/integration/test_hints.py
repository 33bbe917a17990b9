"""The queue of hints, with real consumers in processes of their own."""

from __future__ import annotations

import json
import os
import pickle
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from archive.library import Library
from shared.settings import Settings
from shared.store.store import Store
from tests.hint_consumer import Consumer
from transcribe_worker.jobs.hint_storage.outage import QueueAway
from transcribe_worker.jobs.hints import HintQueue
from transcribe_worker.jobs.sweeper import Sweeper


@pytest.fixture
def hints(settings: Settings) -> Iterator[HintQueue]:
    with closing(HintQueue(settings.queue)) as hints:
        yield hints


@pytest.fixture
def sweeper(settings: Settings, store: Store, hints: HintQueue) -> Sweeper:
    return Sweeper(settings, store, hints, Library(settings, store))


@pytest.fixture
def raw(settings: Settings, hints: HintQueue) -> Iterator[sqlite3.Connection]:
    """The queue as the file that it is."""
    with closing(sqlite3.connect(settings.queue, isolation_level=None)) as connection:
        yield connection


def test_a_fresh_queue_is_empty_until_a_hint_is_sent(hints: HintQueue):
    assert hints.is_empty()
    hints.send(1)
    assert not hints.is_empty()


def test_a_hint_is_seen_by_other_processes(hints: HintQueue, settings: Settings):
    hints.send(1)

    with closing(HintQueue(settings.queue)) as others:
        assert not others.is_empty()


def test_sending_a_hint_does_not_wait_for_the_disk_and_cannot_damage_the_file(hints: HintQueue):
    normal = 1  # FULL would wait at each commit, OFF would trust the disk with the order of its writes
    assert hints._huey.storage.sql("PRAGMA synchronous", results=True) == [(normal,)]


def test_messages_are_json(hints: HintQueue, raw: sqlite3.Connection):
    hints.send(41, priority=3)

    ((data,),) = raw.execute("SELECT data FROM task")
    assert [41] in json.loads(bytes(data))


def test_a_pickle_in_the_queue_is_not_run_and_stops_nobody(
    hints: HintQueue, raw: sqlite3.Connection, settings: Settings, tmp_path: Path
):
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "trapped"),)

    hints.send(1)
    raw.execute("UPDATE task SET data = ?, priority = 9", (pickle.dumps(Trap()),))
    hints.send(2)

    with Consumer(settings.queue) as consumer:
        assert consumer.has_taken(1) == [2]
    assert not (tmp_path / "trapped").exists()


def test_the_most_urgent_hint_is_taken_first_and_equals_in_order(hints: HintQueue, settings: Settings):
    for record_id, priority in (1, 0), (2, 0), (3, 10), (4, -5), (5, 10):
        hints.send(record_id, priority)

    with Consumer(settings.queue) as consumer:
        assert consumer.has_taken(5) == [3, 5, 1, 2, 4]


def test_a_hint_is_taken_within_a_moment(hints: HintQueue, settings: Settings):
    with Consumer(settings.queue) as consumer:
        hints.send(1)
        consumer.has_taken(1)
        before = time.monotonic()
        hints.send(2)
        assert consumer.has_taken(2) == [1, 2]
        assert time.monotonic() - before < 2


def test_a_hint_that_goes_wrong_is_not_repeated_and_stops_nobody(hints: HintQueue, settings: Settings):
    for record_id in 1, 2, 3:
        hints.send(record_id)

    with Consumer(settings.queue, "fail") as consumer:
        consumer.has_taken(3)
        time.sleep(0.5)
        assert consumer.taken == [1, 2, 3]
    assert hints.is_empty()


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps a file that is open")
def test_a_queue_that_was_deleted_loses_nothing(hints: HintQueue, settings: Settings, store: Store):
    record = store.records.add(source="added", title="Call", recording_path="/nowhere/call.wav")
    hints.send(record.id)
    for path in settings.home.glob("queue.db*"):
        path.unlink()

    with closing(HintQueue(settings.queue)) as fresh:
        Sweeper(settings, store, fresh, Library(settings, store)).sweep()

        assert not fresh.is_empty()


@pytest.mark.parametrize("sound_bytes", [0, 100, 4096 + 8, 3 * 4096])
def test_a_queue_that_is_damaged_anywhere_is_begun_anew(settings: Settings, sound_bytes: int):
    """Nothing in it is worth more than the workers that would not start."""
    with closing(HintQueue(settings.queue)) as hints:
        hints.send(1)
    content = settings.queue.read_bytes()
    settings.queue.write_bytes(content[:sound_bytes] + b"\xaa" * (len(content) - sound_bytes))

    with closing(HintQueue(settings.queue)) as hints:
        assert hints.is_empty()
        hints.send(2)
        with Consumer(settings.queue) as consumer:
            assert consumer.has_taken(1) == [2]


def test_a_queue_that_is_in_use_is_not_taken_for_damaged(hints: HintQueue, settings: Settings):
    hints.send(1)
    with closing(sqlite3.connect(settings.queue, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(QueueAway):
            HintQueue(settings.queue)
        other.execute("ROLLBACK")
    assert not hints.is_empty()


def test_two_consumers_take_each_hint_once(hints: HintQueue, settings: Settings):
    for record_id in range(40):
        hints.send(record_id)

    with Consumer(settings.queue) as one, Consumer(settings.queue) as other:
        deadline = time.monotonic() + 10
        while len(one.taken) + len(other.taken) < 40 and time.monotonic() < deadline:
            time.sleep(0.01)
    assert sorted(one.taken + other.taken) == list(range(40))
