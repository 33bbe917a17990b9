"""Times the regular sweeps over known files and recordings."""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from archive.library import Library
from shared.settings import Settings
from shared.store.store import Store
from shared.store.values import Record
from shared.workers import Presence
from tests.tables import said
from transcribe_worker.inbox.sweep import Inbox
from transcribe_worker.jobs.hints import HintQueue
from transcribe_worker.jobs.sweeper import Sweeper

BUSY_RECORDS = 4
SEGMENT = {"start_seconds": 0.0, "end_seconds": 1.0, "text": "Good morning."}


def milliseconds(times: int, do: Callable[[], object]) -> list[float]:
    """Time something this many times, after one run that warms the caches."""
    found = []
    for _ in range(times + 1):
        started = time.perf_counter()
        do()
        found.append((time.perf_counter() - started) * 1000)
    return found[1:]


@contextmanager
def at_work(settings: Settings, store: Store) -> Iterator[None]:
    """Be a running worker that has claimed some recordings."""
    presence = Presence(store, settings.locks, "worker").enter()
    claims = [
        store.claims.claim(record.id, worker_id=presence.worker_id, model="tiny.en", lease_seconds=3_600)
        for record in store.records.due(BUSY_RECORDS)
    ]
    try:
        yield
    finally:
        for claim in claims:
            if claim:
                store.claims.hand_back(claim)
        presence.leave()


def look(settings: Settings, store: Store, times: int) -> dict[str, list[float]]:
    """Time each sweep this many times."""
    with tempfile.TemporaryDirectory(dir=settings.home) as folder, ExitStack() as stack:
        queues = (
            stack.enter_context(closing(HintQueue(Path(folder, f"{number}.db"))))
            for number in itertools.count()
        )
        waiting = next(queues)
        waiting.send(1)
        inbox = Inbox(settings, store, waiting)
        sweeper = _sweeper(settings, store, waiting)
        return {
            "inbox, first look after a start": milliseconds(
                times, lambda: Inbox(settings, store, waiting).sweep()
            ),
            "inbox, every look after it": milliseconds(times, inbox.sweep),
            "worker's sweep, every 2 s": milliseconds(times, sweeper.sweep),
            "worker's sweep that sends 100 hints": milliseconds(
                times, lambda: _sweeper(settings, store, next(queues)).sweep()
            ),
            "archiving a recording": _archiving(settings, store, times),
        }


def _sweeper(settings: Settings, store: Store, hints: HintQueue) -> Sweeper:
    return Sweeper(settings, store, hints, Library(settings, store))


def _archiving(settings: Settings, store: Store, times: int) -> list[float]:
    """Archive recordings into a month that has many; each is removed afterwards."""
    library, found = Library(settings, store), []
    for number in range(times + 1):
        record = _completed(settings, store, f"Archived {number}")
        started = time.perf_counter()
        library.archive(record)
        found.append((time.perf_counter() - started) * 1000)
        archived = store.records.get(record.id)
        for path in library.files_of(archived):
            path.unlink()
        store.records.delete(archived.id)
    return found[1:]


def _completed(settings: Settings, store: Store, title: str) -> Record:
    path = settings.inbox / f"{title}.wav"
    path.touch()
    record = store.records.add(source="inbox", title=title, recording_path=str(path))
    claim = store.claims.claim(record.id, worker_id="worker-gone", model="tiny.en", lease_seconds=60)
    assert claim
    return store.claims.complete(claim, said([SEGMENT]))
