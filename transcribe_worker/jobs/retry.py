"""Decides what follows from an error: a pure function, with a table of errors."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal

from archive.storage.errors import StorageError
from shared.errors import (
    BadRecording,
    DiskFull,
    EngineCrashed,
    EngineUnusable,
    ModelMissing,
    RecordingChanged,
    StoreAway,
    WorkerStopping,
)

Action = Literal["fail", "retry", "hold", "hand_back", "start_over"]

FIRST_WAIT_SECONDS = 5.0
LONGEST_WAIT_SECONDS = 600.0
CRASH_WAIT_SECONDS = 1.0
_WAITS_SECONDS: dict[Action, float] = {"hold": 30.0, "start_over": 5.0}

_ACTIONS: tuple[tuple[type[BaseException], Action], ...] = (
    (BadRecording, "fail"),
    (ModelMissing, "hold"),
    (EngineUnusable, "hold"),
    (StorageError, "hold"),
    (DiskFull, "hold"),
    (RecordingChanged, "start_over"),
    (WorkerStopping, "hand_back"),
    (StoreAway, "hand_back"),
)


@dataclass(frozen=True)
class Decision:
    """The next state of a recording; `wait_seconds` is the wait before the next attempt."""

    action: Action
    wait_seconds: float = 0.0
    crashed: bool = False


@dataclass(frozen=True)
class Limits:
    """The most attempts of a recording, and the most crashes of its engine or worker."""

    max_attempts: int
    max_crashes: int


def decide(
    error: BaseException, *, attempts: int, crashes: int, limits: Limits, jitter: float | None = None
) -> Decision:
    """Decide after `error` in attempt number `attempts`, with `crashes` counted before it.

    An error is retried unless the recording is at fault. Waits double; `jitter` in [0, 1) spreads them, so
    that recordings that failed together are not retried together.
    """
    if isinstance(error, EngineCrashed):
        return after_crash(attempts=attempts, crashes=crashes, limits=limits, wait_seconds=CRASH_WAIT_SECONDS)
    for kind, action in _ACTIONS:
        if isinstance(error, kind):
            return Decision(action, wait_seconds=_WAITS_SECONDS.get(action, 0.0))
    if attempts >= limits.max_attempts:
        return Decision("fail")
    wait = min(FIRST_WAIT_SECONDS * 2 ** min(attempts - 1, 20), LONGEST_WAIT_SECONDS)
    return Decision("retry", wait_seconds=wait * (0.5 + (random.random() if jitter is None else jitter)))


def after_crash(*, attempts: int, crashes: int, limits: Limits, wait_seconds: float) -> Decision:
    """Decide after an engine or a worker died over a recording."""
    if crashes + 1 >= limits.max_crashes or attempts >= limits.max_attempts:
        return Decision("fail", crashed=True)
    return Decision("retry", wait_seconds=wait_seconds, crashed=True)
