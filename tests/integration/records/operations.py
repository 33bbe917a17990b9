"""Records in every state, and the operations on them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from shared.store.claims import Claim, Failure
from shared.store.store import Store
from shared.store.transitions import CANCELLED, COMPLETED, FAILED, QUEUED
from tests import tables
from tests.tables import DecodedWindow, InboxFile, QueueState, Record, Segment, check_index, said, windows

FAILURE = Failure("engine_failed", "The engine reported an error while decoding.")


WINDOW = {"start_seconds": 0.0, "end_seconds": 9.0, "stretch_seconds": 0.0, "segments": "[]"}


NEW_CONTENT = {"sha256": "new", "size_bytes": 2, "modified_ns": 2}


@dataclass
class Clock:
    """A clock that a test sets."""

    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def claim(store: Store, record: Record, worker_id: str = "worker-1", model: str = "tiny.en") -> Claim:
    claim = store.claims.claim(record.id, worker_id=worker_id, model=model, lease_seconds=60)
    assert claim is not None
    return claim


def segment(text: str, start_seconds: float = 0.0) -> dict[str, Any]:
    return {"start_seconds": start_seconds, "end_seconds": start_seconds + 1, "text": text}


def hits(store: Store, word: str) -> int:
    """Count the segments that the search index finds for a word."""
    return tables.hits(word)


def snapshot(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row there is, and check that the search index agrees with the segments."""
    check_index()
    kinds = (Record, DecodedWindow, Segment, InboxFile, QueueState)
    return {table.model.__name__: list(table.select().tuples()) for table in kinds}


def at_once(store: Store, jobs: list[Callable[[], Any]]) -> list[Any]:
    """Run each job in a thread and a connection of its own; return what they return or raise."""
    results: list[Any] = [None] * len(jobs)
    barrier = threading.Barrier(len(jobs))

    def run(number: int) -> None:
        barrier.wait()
        try:
            results[number] = jobs[number]()
        except Exception as error:
            results[number] = error
        finally:
            store.disconnect()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def operation(store: Store, name: str, claim: Claim) -> Any:
    """Carry out the transition of this name."""
    do: dict[str, Callable[[], Any]] = {
        "claim": lambda: store.claims.claim(
            claim.record.id, worker_id="worker-2", model="base", lease_seconds=9
        ),
        "complete": lambda: store.claims.complete(claim, said([segment("mistaken")]), language="en"),
        "retry_later": lambda: store.claims.retry_later(claim, FAILURE, wait_seconds=7, crashed=True),
        "hand_back": lambda: store.claims.hand_back(claim),
        "hold": lambda: store.claims.hold(claim, FAILURE, wait_seconds=7),
        "start_over": lambda: store.claims.start_over(claim, wait_seconds=7, **NEW_CONTENT),
        "fail": lambda: store.claims.fail(claim, FAILURE, crashed=True),
        "requeue": lambda: store.records.requeue(claim.record.id, {"model": "base"}),
        "cancel": lambda: store.records.cancel(claim.record.id),
    }
    return do[name]()


def bring_to(store: Store, state: str, record: Record) -> Claim:
    """Bring a queued recording, with a window decoded, to a state, and return its last claim."""
    held = claim(store, record)
    store.claims.save_windows(held, windows([WINDOW]), progress=0.5)
    if state == QUEUED:
        store.claims.hand_back(held)
    elif state == COMPLETED:
        store.claims.complete(held, said([segment("spoken")]))
    elif state == FAILED:
        store.claims.fail(held, FAILURE)
    elif state == CANCELLED:
        store.records.cancel(record.id)
    assert store.records.get(record.id).transcription_status == state
    return held


def assert_afresh(record: Record, next_attempt_at: float = 0.0) -> None:
    """Check that a queued record knows nothing of earlier attempts."""
    assert record.transcription_status == QUEUED
    assert (record.attempts, record.crashes, record.progress) == (0, 0, 0.0)
    assert record.next_attempt_at == next_attempt_at
    assert (record.started_at, record.completed_at, record.archived_at) == (None, None, None)
    assert (record.error_code, record.transcription_error) == (None, None)
    assert (record.language, record.flags, record.speed) == (None, (), None)
    assert (record.claim_token, record.worker_id, record.lease_expires_at) == (None, None, None)
