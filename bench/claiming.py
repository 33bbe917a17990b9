"""Times processes that claim the same recordings at once, as workers do when hints come twice."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from typing import Any

from shared.settings import Settings
from shared.store.claims import Claim
from shared.store.store import Store

WORKERS = 4


@dataclass(frozen=True)
class Claims:
    """The claims of one process, and the milliseconds of each try: won, or another one was faster."""

    record_ids: Sequence[int]
    won: Sequence[float]
    lost: Sequence[float]


def claim_all(settings: Settings, record_ids: Sequence[int]) -> list[Claims]:
    """Let each of four processes claim all these recordings, and hand its claims back."""
    context = multiprocessing.get_context("spawn")
    ready, claimed = context.Barrier(WORKERS), context.Barrier(WORKERS)
    results: Queue[Claims] = context.Queue()
    given: tuple[Any, ...] = (settings, record_ids, ready, claimed, results)
    processes = [context.Process(target=_claim, args=(number, *given)) for number in range(WORKERS)]
    for process in processes:
        process.start()
    found = [results.get() for _ in processes]
    for process in processes:
        process.join()
    return found


def _claim(
    number: int,
    settings: Settings,
    record_ids: Sequence[int],
    ready: Barrier,
    claimed: Barrier,
    results: Queue[Claims],
) -> None:
    store = Store.of_home(settings)
    mine = f"worker-{number:012}"
    claims: list[Claim] = []
    times: dict[bool, list[float]] = {True: [], False: []}
    ready.wait()
    for record_id in record_ids:
        started = time.perf_counter()
        claim = store.claims.claim(record_id, worker_id=mine, model="tiny.en", lease_seconds=600)
        times[claim is not None].append((time.perf_counter() - started) * 1000)
        claims += [claim] if claim else []
    claimed.wait()  # recordings that are handed back can be claimed again
    for claim in claims:
        store.claims.hand_back(claim)
    store.disconnect()
    results.put(Claims([claim.record.id for claim in claims], times[True], times[False]))
