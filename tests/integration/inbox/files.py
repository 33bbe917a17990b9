"""Files in an inbox, and what became of them."""

from __future__ import annotations

import io
import wave
from pathlib import Path

import numpy as np

from shared.store.store import Store
from tests.tables import InboxFile, Record

SETTLE_SECONDS = 2.0


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def recording(seed: int = 0, seconds: float = 0.1) -> bytes:
    """A WAV, another one for each seed."""
    samples = np.random.default_rng(seed).integers(-9_000, 9_000, round(seconds * 16_000), dtype=np.int16)
    file = io.BytesIO()
    with wave.open(file, "wb") as output:
        output.setnchannels(1)
        output.setsampwidth(2)
        output.setframerate(16_000)
        output.writeframes(samples.tobytes())
    return file.getvalue()


def put(folder: Path, name: str = "call.wav", content: bytes | None = None) -> Path:
    path = folder / name
    path.write_bytes(recording() if content is None else content)
    return path


def taken(store: Store) -> list[str]:
    """The recordings that have been taken, by name."""
    return sorted(Path(record.recording_path).name for record in Record.select())


def outcomes() -> dict[str, str]:
    return {Path(row.path).name: row.outcome for row in InboxFile.select()}
