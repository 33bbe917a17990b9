"""Times 64 claimers of one PostgreSQL database, each with its own connection; every hint comes twice."""

from __future__ import annotations

import multiprocessing
import time
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier

from shared.settings import Settings
from shared.store.store import Store

PROCESSES, THREADS = 8, 8


@dataclass(frozen=True)
class Claimed:
    """The claims of one claimer, the moments it began and ended, and the milliseconds of each try."""

    record_ids: Sequence[int]
    began: float
    ended: float
    won: Sequence[float]
    lost: Sequence[float]


def claim_all(settings: Settings, record_ids: Sequence[int], candidates: int) -> list[Claimed]:
    """Let 64 claimers claim all these recordings, each of which is offered to two of them.

    As workers do, they take the first of so many candidates that nobody else has.
    """
    context = multiprocessing.get_context("spawn")
    ready: Barrier = context.Barrier(PROCESSES)
    results: Queue[list[Claimed]] = context.Queue()
    claimers = PROCESSES * THREADS
    shares = [
        [*record_ids[n::claimers], *record_ids[(n + 1) % claimers :: claimers]] for n in range(claimers)
    ]
    processes = [
        context.Process(
            target=_claim_in_threads, args=(settings, shares[n::PROCESSES], candidates, ready, results)
        )
        for n in range(PROCESSES)
    ]
    for process in processes:
        process.start()
    found = [each for _ in processes for each in results.get()]
    for process in processes:
        process.join()
    return found


def _claim_in_threads(
    settings: Settings,
    shares: Sequence[Sequence[int]],
    candidates: int,
    ready: Barrier,
    results: Queue[list[Claimed]],
) -> None:
    with Store.of_home(settings) as store, ThreadPoolExecutor(len(shares)) as pool:
        list(pool.map(lambda _: store.controls.paused(), shares))  # connects
        ready.wait()
        results.put(list(pool.map(lambda share: _claim(store, share, candidates), shares)))


def _claim(store: Store, record_ids: Sequence[int], candidates: int) -> Claimed:
    claimed: list[int] = []
    times: dict[bool, list[float]] = {True: [], False: []}
    began, mine = time.monotonic(), f"worker-{uuid.uuid4().hex[:12]}"  # each counts in a row of its own
    for first in range(len(record_ids)):
        some, started = record_ids[first : first + candidates], time.perf_counter()
        claim = store.claims.claim_first(some, worker_id=mine, model="tiny.en", lease_seconds=600)
        times[claim is not None].append((time.perf_counter() - started) * 1000)
        claimed += [claim.record.id] if claim else []
    ended = time.monotonic()
    store.disconnect()
    return Claimed(claimed, began, ended, times[True], times[False])
