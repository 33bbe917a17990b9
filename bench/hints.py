"""Measures the time from a recording's commit to its claim by a team of workers: `python -m bench.hints`.

Four real worker processes with two consumer threads each, on homes of their own, share a real PostgreSQL. The
engine is a stand-in, so that a job takes 50 ms. Recordings come at random moments, one by one, then all at
once. Both times are the database's own: when the record was inserted, and when it was claimed.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from bench.figures import machine, percentiles
from shared import home as folders
from shared.settings import Settings
from shared.store.store import Store
from stress.stand_in import SECONDS_VARIABLE, STAND_IN
from tests.postgres import PostgresServer
from tests.waiting import until
from transcribe_worker.jobs.hints import HintQueue

PROCESSES, THREADS, JOB_SECONDS = 4, 2, 0.05
LONGEST_GAP_SECONDS = 0.4
#: Without syncing, the disk of a shared machine is not measured; with it, the server waits for each commit.
SYNCED = {"fsync": "on", "synchronous_commit": "on"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recordings", type=int, default=200, help="how many come one by one, and at once")
    recordings = parser.parse_args().recordings
    with ExitStack() as stack:
        server = PostgresServer(SYNCED)
        stack.callback(server.remove)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = server.url()
        settings = Settings(home=folder / "server", database=url, model=STAND_IN)
        folders.prepare(settings)
        store = stack.enter_context(Store.of_home(settings))
        stack.enter_context(_workers(folder, url))
        until(lambda: len(_ready(store)) == PROCESSES, "the workers", 120.0)
        hints = stack.enter_context(closing(HintQueue.of(settings)))
        one_by_one = _waits_ms(store, list(_come(store, hints, folder, recordings, LONGEST_GAP_SECONDS)))
        began = time.monotonic()
        at_once = list(_come(store, hints, folder, recordings, 0.0))
        _waits_ms(store, at_once)
        took = time.monotonic() - began
    print(machine())
    print(f"{recordings} recordings one by one, ms from insert to claim: {percentiles(one_by_one)}")
    print(f"{recordings} recordings at once: all done after {took:.1f} s, {recordings / took:.0f} a second")


@contextmanager
def _workers(folder: Path, url: str) -> Iterator[None]:
    with ExitStack() as stack:
        for number in range(PROCESSES):
            home = Settings(home=folder / f"machine {number}")
            folders.prepare(home)
            (home.models / STAND_IN).mkdir()
            (home.models / STAND_IN / "model.bin").touch()
            own = {
                "OFFHOOK_HOME": str(home.home),
                "OFFHOOK_DATABASE": url,
                "OFFHOOK_MODEL": STAND_IN,
                "OFFHOOK_WORKERS": str(THREADS),
                "OFFHOOK_LOG_LEVEL": "ERROR",
                SECONDS_VARIABLE: str(JOB_SECONDS),
            }
            command = [sys.executable, "-m", "stress.stand_in_worker"]
            process = subprocess.Popen(command, env={**os.environ, **own})
            stack.callback(process.wait)
            stack.callback(process.terminate)
        yield


def _ready(store: Store) -> list[str]:
    return [worker.id for worker in store.workers.every("worker") if worker.state == "ready"]


def _come(
    store: Store, hints: HintQueue, folder: Path, recordings: int, longest_gap_seconds: float
) -> Iterator[int]:
    """Queue recordings after random gaps, as a server does: commit, then hint."""
    for number in range(recordings):
        path = folder / f"{number} {longest_gap_seconds}.wav"
        path.write_bytes(path.name.encode())
        record = store.records.add(source="added", title=path.stem, recording_path=str(path))
        hints.send(record.id)
        yield record.id
        time.sleep(random.uniform(0.0, longest_gap_seconds))


def _waits_ms(store: Store, record_ids: list[int]) -> list[float]:
    """Wait until recordings are completed; return how long each waited for its claim."""
    until(lambda: store.records.counts()["completed"] >= max(record_ids), "all to be completed", 300.0)
    records = store.records.some(record_ids)
    return [1000 * ((it.started_at or 0.0) - it.created_at) for it in records]


if __name__ == "__main__":
    main()
