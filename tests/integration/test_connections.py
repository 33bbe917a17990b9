"""How long the store's connections wait, and what file they write to."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from shared.errors import StoreBusy, StoreUnavailable
from shared.store.store import Store

IMPATIENT_SECONDS, PATIENT_SECONDS = 0.2, 20.0
posix_only = pytest.mark.skipif(os.name == "nt", reason="Windows keeps an open database where it is")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database without a write-ahead log, which another program can lock for readers too."""
    path = tmp_path / "offhook.db"
    with Store.open(path) as store:
        store.make_movable()
    return path


@pytest.fixture
def locked(path: Path) -> Iterator[Path]:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield path


def test_a_thread_opens_its_connection_as_impatiently_as_it_asks_for(locked: Path) -> None:
    store = Store.as_it_is(locked)
    began = time.monotonic()
    with store.busy_timeout(IMPATIENT_SECONDS), pytest.raises(StoreBusy):
        store.records.counts()
    assert time.monotonic() - began < PATIENT_SECONDS
    store.disconnect()


@posix_only
def test_a_connection_to_a_deleted_database_is_an_error_and_writes_to_none(store: Store) -> None:
    store.records.add(source="inbox", title="first", recording_path="first.wav")
    path = store.database.path
    kept = path.with_name("kept.db")
    path.rename(kept)
    with pytest.raises(StoreUnavailable, match=r"is missing\. Put it back, or restore a backup\."):
        store.records.add(source="inbox", title="second", recording_path="second.wav")
    assert not path.exists()
    kept.rename(path)
    store.records.add(source="inbox", title="second", recording_path="second.wav")
    assert store.records.counts()["queued"] == 2


def test_threads_wait_for_as_long_as_each_of_them_asks_for(store: Store) -> None:
    found: list[float] = []

    def ask() -> None:
        found.append(store.database.connections.patience_seconds)
        store.disconnect()

    with store.busy_timeout(IMPATIENT_SECONDS):
        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()
        assert store.database.connections.patience_seconds == IMPATIENT_SECONDS
    assert found == [store.database.connections.patience_seconds]
    assert found[0] > IMPATIENT_SECONDS
