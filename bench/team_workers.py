"""Measures how the throughput grows from 1 to 4 worker processes, each with a home of its own.

The model is replaced by a sleep of the length that the real one takes for a short call, so that workers do
not wait for the two cores of this machine but for the database and for each other, if they do.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

from bench.figures import table
from shared import home
from shared.settings import Settings
from shared.store.store import Store
from shared.store.transitions import COMPLETED
from stress import stand_in
from stress.programs import Program
from tests.waiting import until
from transcribe_worker.jobs.hints import HintQueue

#: What tiny.en takes for a call of a minute on two cores.
SECONDS = 2.0
CALLS = 80
WORKERS = (1, 2, 4)
GOAL = 3.9
PATIENCE_SECONDS = 400


def report(settings: Settings, times: int) -> Iterator[str]:
    """Report the throughput with 1, 2 and 4 workers."""
    found = {workers: _calls_a_second(settings, workers) for workers in WORKERS}
    yield f"## Throughput of worker processes, {CALLS} calls that take {SECONDS:g} s each\n"
    rows = ([n, f"{speed:.3f}", f"{speed / found[1]:.2f}"] for n, speed in found.items())
    yield table(["workers", "calls a second", "times one worker"], rows)
    yield f"The goal is {GOAL} times from 1 to 4.\n"


def _calls_a_second(settings: Settings, workers: int) -> float:
    with ExitStack() as stack:
        store = stack.enter_context(Store.of_home(settings))
        for record in store.records.due(1_000_000):
            store.records.cancel(record.id)
        programs = [_worker(settings, number, stack) for number in range(workers)]
        until(lambda: len(store.workers.every("worker")) == workers, "the workers", PATIENCE_SECONDS)
        _transcribe(settings, store, 2 * workers)  # so that each has begun and loaded its model
        began = time.monotonic()
        _transcribe(settings, store, CALLS)
        seconds = time.monotonic() - began
        assert not [fault for program in programs for fault in program.faults]
    return CALLS / seconds


def _worker(settings: Settings, number: int, stack: ExitStack) -> Program:
    own = replace(settings, home=settings.home.parent / f"worker-{number}")
    home.prepare(own)
    stand_in.add_model(own.models)
    given = {
        "OFFHOOK_HOME": str(own.home),
        "OFFHOOK_DATABASE": settings.database,
        "OFFHOOK_STORAGE": str(_storage(settings)),
        "OFFHOOK_MODEL": stand_in.STAND_IN,
        stand_in.SECONDS_VARIABLE: str(SECONDS),
    }
    command = [sys.executable, "-m", "stress.stand_in_worker"]
    program = Program(own.home.name, command, {**os.environ, **given}, own.home.parent / "workers.log")
    program.start()
    stack.callback(program.stop)
    return program


def _transcribe(settings: Settings, store: Store, calls: int) -> None:
    record_ids = _queue(settings, store, calls)
    until(lambda: _are_done(store, record_ids), "the calls", PATIENCE_SECONDS)


def _queue(settings: Settings, store: Store, calls: int) -> list[int]:
    """Queue the calls, all of the same content, and send their hints."""
    content = b"\0" * 32_000
    record_ids = []
    with closing(HintQueue(settings.queue)) as hints:
        for number in range(calls):
            key = f"calls/2026/11/bench-{time.time_ns()}.wav"
            path = _storage(settings) / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            facts = {"sha256": hashlib.sha256(content).hexdigest(), "size_bytes": len(content)}
            record = store.records.add(
                source="capture", title=f"Call {number}", recording_path=key, storage_key=key, **facts
            )
            hints.send(record.id)
            record_ids.append(record.id)
    return record_ids


def _storage(settings: Settings) -> Path:
    return settings.home.parent / "objects"


def _are_done(store: Store, record_ids: list[int]) -> bool:
    found = store.records.some(record_ids)
    return all(record.transcription_status == COMPLETED for record in found)
