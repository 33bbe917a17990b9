"""Files that cannot be read, and a locked database."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from shared.errors import StoreBusy
from shared.settings import Settings
from shared.store.store import Store
from tests.integration.inbox.files import SETTLE_SECONDS, Clock, outcomes, put, taken
from tests.tables import use
from transcribe_worker.inbox.sweep import Inbox
from transcribe_worker.jobs.hints import HintQueue


@pytest.fixture
def unreadable(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """A file that cannot be read, until the function that this gives is called."""
    path = put(settings.inbox)
    if getattr(os, "geteuid", lambda: 0)() != 0:
        path.chmod(0)
        yield lambda: path.chmod(0o600)
        return

    def refuse(*_: object, **__: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("transcribe_worker.inbox.sweep.riff.is_whole", lambda _: False)
    monkeypatch.setattr("transcribe_worker.inbox.sweep.sha256_of", refuse)  # root may read anything
    yield monkeypatch.undo


def test_a_file_that_cannot_be_read_is_noted_once_and_tried_again(
    inbox: Inbox,
    store: Store,
    settings: Settings,
    clock: Clock,
    unreadable: Callable[[], None],
    caplog: pytest.LogCaptureFixture,
):
    put(settings.inbox, "other.mp3", b"x")
    for _ in range(5):
        inbox.sweep()
        clock.now += SETTLE_SECONDS
    assert outcomes()["call.wav"] == "unreadable"
    assert caplog.text.count("cannot be read") <= 2  # once for each file
    unreadable()
    inbox.sweep()

    assert taken(store) == ["call.wav", "other.mp3"]
    assert outcomes() == {"call.wav": "adopted", "other.mp3": "adopted"}


def test_a_file_that_could_not_be_read_and_is_gone_is_shown_no_longer(
    inbox: Inbox, settings: Settings, clock: Clock, unreadable: Callable[[], None]
):
    for _ in range(2):
        inbox.sweep()
        clock.now += SETTLE_SECONDS
    (settings.inbox / "call.wav").unlink()
    inbox.sweep()

    assert outcomes() == {}


def test_a_locked_database_delays_a_file_and_loses_none(settings: Settings, hints: HintQueue, clock: Clock):
    store = use(Store.open(settings.database_file, busy_timeout_seconds=0.1))
    inbox = Inbox(settings, store, hints, monotonic=clock)
    inbox.sweep()
    put(settings.inbox)
    with closing(sqlite3.connect(settings.database_file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreBusy):
            inbox.sweep()
        other.execute("ROLLBACK")
    inbox.sweep()

    assert taken(store) == ["call.wav"]
    store.disconnect()
