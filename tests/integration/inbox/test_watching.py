"""A watched inbox takes files in a moment."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shared.settings import Settings
from shared.store.store import Store
from tests.integration.inbox.files import put, recording, taken
from tests.tables import Record
from transcribe_worker.inbox.sweep import Inbox
from transcribe_worker.inbox.watch import watch
from transcribe_worker.jobs.hints import HintQueue


@pytest.fixture
def watching(settings: Settings, store: Store, hints: HintQueue) -> Iterator[Inbox]:
    """A watcher in a thread, with the real events and the real clock."""
    inbox = Inbox(settings, store, hints)
    stopping, beating = threading.Event(), threading.Event()

    def run() -> None:
        try:
            watch(inbox, stopping.is_set, beating.set)
        finally:
            store.disconnect()

    thread = threading.Thread(target=run)
    thread.start()
    assert beating.wait(10)
    yield inbox
    stopping.set()
    thread.join(10)
    assert not thread.is_alive()


def wait_for(true: Callable[[], bool], within_seconds: float = 5) -> float:
    """Wait until something is so; return the seconds it took."""
    start = time.monotonic()
    while not true():
        assert time.monotonic() - start < within_seconds
        time.sleep(0.002)
    return time.monotonic() - start


def test_a_wav_that_is_renamed_into_a_watched_inbox_is_taken_in_a_moment(
    watching: Inbox, store: Store, settings: Settings, tmp_path: Path
):
    seconds = []
    for seed in range(20):
        path = put(tmp_path, f"{seed}.wav", recording(seed))
        path.rename(settings.inbox / path.name)
        seconds.append(wait_for(lambda count=seed + 1: Record.select().count() == count))

    p50, p95 = statistics.median(seconds), sorted(seconds)[18]
    print(f"from the rename to the record: p50 {p50 * 1000:.0f} ms, p95 {p95 * 1000:.0f} ms")
    assert taken(store) == sorted(f"{seed}.wav" for seed in range(20))


def test_a_watcher_goes_on_behind_a_sweep_that_failed(
    watching: Inbox, store: Store, settings: Settings, caplog: pytest.LogCaptureFixture
):
    away = settings.inbox.rename(settings.home / "away")
    put(away, "call.wav")
    time.sleep(0.1)
    away.rename(settings.inbox)

    put(settings.inbox, "another.wav", recording(seed=1))
    wait_for(lambda: Record.select().count() == 2)
