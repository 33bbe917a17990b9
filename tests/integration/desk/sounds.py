"""Recordings with a beep at a known time, as records of a desk's home."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import numpy as np

from shared.files import sha256_of
from shared.store.store import Store
from shared.store.values import Record
from tests.recordings import Signal

SECONDS, BEEP_SECONDS = 20, 10.0
BEEP_HZ = 1_000
_numbers = count(1)


def beep(rate: int, seconds: float = SECONDS, at: float = BEEP_SECONDS) -> Signal:
    """Faint noise with a loud beep of 200 ms at a time, shape (frames,)."""
    signal = 0.01 * np.random.default_rng(0).standard_normal(round(rate * seconds))
    first, frames = round(rate * at), rate // 5
    signal[first : first + frames] = 0.8 * np.sin(2 * np.pi * BEEP_HZ * np.arange(frames) / rate)
    return signal


def added(store: Store, path: Path, **columns: object) -> Record:
    """A record of a recording."""
    known = {"title": path.stem, "session_id": f"session-{next(_numbers)}", "source": "added"}
    given: dict[str, object] = {
        **known,
        "recording_path": str(path),
        "sha256": sha256_of(path) if path.is_file() else None,
        "duration_seconds": float(SECONDS),
    }
    return store.records.add(**{**given, **columns})
