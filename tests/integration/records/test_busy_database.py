"""A database that another process keeps locked, or a full disk."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from shared.errors import StoreBusy, StoreFull
from shared.settings import Settings
from shared.store.claims import Failure
from shared.store.store import Store
from shared.store.transitions import FAILED, QUEUED
from tests.integration.records.operations import WINDOW, at_once, bring_to, claim
from tests.tables import Record, said, windows

pytestmark = pytest.mark.sqlite


@contextmanager
def locked_by_another(path: Path, seconds: float) -> Iterator[None]:
    """Hold the write lock on the database for so long, on a connection of its own."""
    writer = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    with closing(writer):
        writer.execute("BEGIN IMMEDIATE")
        timer = threading.Timer(seconds, lambda: writer.execute("COMMIT"))
        timer.start()
        yield
        timer.join()


def test_a_neighbour_that_keeps_the_database_locked_only_delays_everybody(
    store: Store, settings: Settings, add: Callable[..., Record]
):
    waiting, resting, finished, held = add(), add(), add(), claim(store, add())
    bring_to(store, FAILED, finished)
    before = time.monotonic()

    with locked_by_another(settings.database_file, seconds=2.0):
        assert len(store.records.due(limit=9)) == 2  # who only reads does not wait
        assert time.monotonic() - before < 1.0
        results = at_once(
            store,
            [
                lambda: add(title="added"),
                lambda: claim(store, waiting),
                lambda: store.records.requeue(finished.id),
                lambda: store.places.reserve_stem(resting.id, iter(["place"])),
                lambda: store.claims.save_windows(held, windows([WINDOW]), progress=0.5),
                lambda: store.controls.set_paused(True),
            ],
        )
        waited_seconds = time.monotonic() - before

    assert [result for result in results if isinstance(result, Exception)] == []
    assert 2.0 <= waited_seconds < 10.0
    assert store.records.get(waiting.id).attempts == 1
    assert store.records.get(finished.id).transcription_status == QUEUED
    assert (store.records.get(resting.id).library_stem, store.controls.paused()) == ("place", True)
    assert len(store.transcripts.windows(held.record.id)) == 1


def test_a_transaction_that_reads_before_it_writes_is_not_overtaken(
    store: Store, settings: Settings, add: Callable[..., Record]
):
    """What a deferred transaction cannot: once overtaken it fails at once, whatever its busy timeout."""
    record = add()
    with closing(sqlite3.connect(settings.database_file, isolation_level=None, timeout=60)) as deferred:
        deferred.execute("BEGIN DEFERRED")
        deferred.execute("SELECT * FROM call_records").fetchall()
        store.controls.set_paused(True)
        before = time.monotonic()
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            deferred.execute("UPDATE call_records SET title = 'late'")
        assert time.monotonic() - before < 1.0

    with (
        closing(sqlite3.connect(settings.database_file, isolation_level=None, timeout=0)) as neighbour,
        store.transaction(),
    ):
        assert not store.records.get(record.id).library_stem
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            neighbour.execute("UPDATE call_records SET title = 'overtaken'")
        store.places.reserve_stem(record.id, iter(["place"]))
    assert store.records.get(record.id).title == "call 1"


def test_a_neighbour_that_never_lets_go_is_an_error_that_says_so(store: Store, settings: Settings):
    impatient = Store.open(settings.database_file, busy_timeout_seconds=0.05)
    with locked_by_another(settings.database_file, seconds=0.3), pytest.raises(StoreBusy, match="in use"):
        impatient.controls.set_paused(True)
    impatient.disconnect()

    assert not store.controls.paused()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no limit on the size of a file")
def test_a_full_disk_is_what_a_recording_waits_for_and_not_the_rollback_behind_it(store: Store) -> None:
    import resource

    record = store.records.add(source="added", title="call", recording_path="/call.wav")
    claim = store.claims.claim(record.id, worker_id="worker-1", model="tiny.en", lease_seconds=60)
    assert claim
    words = {"start_seconds": 0.0, "end_seconds": 1.0, "text": "said " * 100_000}
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
    try:
        with pytest.raises(StoreFull) as caught:
            store.claims.complete(claim, said([words]))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert Failure.of(caught.value).code == "database_full"
    assert store.claims.retry_later(claim, Failure.of(caught.value), wait_seconds=1).error_code
