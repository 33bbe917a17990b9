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
from peewee import OperationalError, SqliteDatabase

from shared.settings import Settings
from shared.store.claims import Failure
from shared.store.models import MODELS, Record
from shared.store.records import Records
from shared.store.sqlite import open_database
from shared.store.transitions import FAILED, QUEUED
from tests.integration.records.operations import WINDOW, at_once, bring_to, claim


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
    records: Records, database: SqliteDatabase, settings: Settings, add: Callable[..., Record]
):
    waiting, resting, finished, held = add(), add(), add(), claim(records, add())
    bring_to(records, FAILED, finished)
    before = time.monotonic()

    with locked_by_another(settings.database, seconds=2.0):
        assert len(records.due(limit=9)) == 2  # who only reads does not wait
        assert time.monotonic() - before < 1.0
        results = at_once(
            database,
            [
                lambda: add(title="added"),
                lambda: claim(records, waiting),
                lambda: records.requeue(finished.id),
                lambda: records.reserve_stem(resting.id, iter(["place"])),
                lambda: records.save_windows(held, [WINDOW], progress=0.5),
                lambda: records.set_paused(True),
            ],
        )
        waited_seconds = time.monotonic() - before

    assert [result for result in results if isinstance(result, Exception)] == []
    assert 2.0 <= waited_seconds < 10.0
    assert records.get(waiting.id).attempts == 1
    assert records.get(finished.id).transcription_status == QUEUED
    assert (records.get(resting.id).library_stem, records.paused()) == ("place", True)
    assert len(records.windows(held.record.id)) == 1


def test_a_transaction_that_reads_before_it_writes_is_not_overtaken(
    records: Records, database: SqliteDatabase, settings: Settings, add: Callable[..., Record]
):
    """What a deferred transaction cannot: once overtaken it fails at once, whatever its busy timeout."""
    record = add()
    with closing(sqlite3.connect(settings.database, isolation_level=None, timeout=60)) as deferred:
        deferred.execute("BEGIN DEFERRED")
        deferred.execute("SELECT * FROM call_records").fetchall()
        records.set_paused(True)
        before = time.monotonic()
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            deferred.execute("UPDATE call_records SET title = 'late'")
        assert time.monotonic() - before < 1.0

    with (
        closing(sqlite3.connect(settings.database, isolation_level=None, timeout=0)) as neighbour,
        database.atomic(),
    ):
        assert not records.get(record.id).library_stem
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            neighbour.execute("UPDATE call_records SET title = 'overtaken'")
        records.reserve_stem(record.id, iter(["place"]))
    assert records.get(record.id).title == "call 1"


def test_a_neighbour_that_never_lets_go_is_an_error_that_says_so(
    records: Records, settings: Settings, database: SqliteDatabase
):
    impatient = open_database(settings.database, busy_timeout_seconds=0.05)
    with locked_by_another(settings.database, seconds=0.3), pytest.raises(OperationalError, match="locked"):
        Records(impatient).set_paused(True)
    impatient.close()
    database.bind(MODELS)

    assert not records.paused()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no limit on the size of a file")
def test_a_full_disk_is_what_a_recording_waits_for_and_not_the_rollback_behind_it(
    records: Records, database: SqliteDatabase
) -> None:
    import resource

    record = records.add(source="added", title="call", recording_path="/call.wav")
    claim = records.claim(record.id, worker_id="worker-1", model="tiny.en", lease_seconds=60)
    assert claim
    words = {"start_seconds": 0.0, "end_seconds": 1.0, "text": "said " * 100_000}
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
    try:
        with pytest.raises(OperationalError) as caught:
            records.complete(claim, [words])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert Failure.of(caught.value) == Failure("OperationalError", "disk I/O error")
    assert records.retry_later(claim, Failure.of(caught.value), wait_seconds=1).error_code
