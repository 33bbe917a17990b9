"""A recording session over WAVs in the place of devices, and a call that it recorded."""

from __future__ import annotations

import time
import wave
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from capture_worker import RecordingSession
from shared.settings import Settings
from tests.tables import Capture, Loudness, Record

RATE_HZ = 16_000


Samples = NDArray[np.float32]


Make = Callable[..., "Desk"]


@dataclass
class Desk:
    """A session, and what it has said so far."""

    session: RecordingSession
    events: list[dict[str, Any]] = field(default_factory=list)

    @property
    def state(self) -> str:
        found: str = self.session.get_state()["state"]
        return found

    def record(self, seconds: float = 0.3, **given: Any) -> dict[str, Any]:
        """Record for a while and return what became of it."""
        self.session.start(**given)
        time.sleep(seconds)
        return self.session.stop()

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"] == kind]

    def warned(self) -> list[str]:
        return [event["code"] for event in self.of_type("warning")]


def noise(path: Path, seed: int, seconds: float = 40.0) -> Path:
    """Write steady noise that no resampler changes much, another one for each seed."""
    raw = np.random.default_rng(seed).normal(0, 1, round(seconds * RATE_HZ))
    smooth = np.convolve(raw, np.hanning(35), "same")
    write(path, 0.3 * smooth / np.abs(smooth).max())
    return path


def write(path: Path, samples: NDArray[Any]) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(np.rint(samples * 32767).astype("<i2").tobytes())


def read(path: Path | str) -> Samples:
    """Read a finished recording, (frames, channels)."""
    with wave.open(str(path), "rb") as file:
        assert (file.getframerate(), file.getsampwidth()) == (RATE_HZ, 2)
        pcm = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        assert len(pcm) == file.getnframes() * file.getnchannels()
        return pcm.reshape(-1, file.getnchannels()).astype(np.float32) / 32768


def found_in(recorded: NDArray[Any], source: Path) -> tuple[float, float]:
    """Return how well a second of a source is found in a recording (1: exactly), and the lag in seconds."""
    piece = read(source)[RATE_HZ // 10 : RATE_HZ // 10 + RATE_HZ, 0]
    size = 1 << (len(recorded) + len(piece)).bit_length()
    match = np.fft.irfft(np.fft.rfft(recorded, size) * np.conj(np.fft.rfft(piece, size)), size)
    lag = int(np.argmax(match[: len(recorded) - len(piece)]))
    likeness = float(np.corrcoef(recorded[lag : lag + len(piece)], piece)[0, 1])
    return likeness, lag / RATE_HZ - 0.1


def only_record() -> Any:
    (record,) = Record.select()
    return record


def nothing_is_left(settings: Settings) -> bool:
    """Whether a home holds no recording, and no word of one."""
    files = [*settings.recording.iterdir(), *settings.inbox.iterdir()]
    rows = [model.select().count() for model in (Record, Capture, Loudness)]
    return not files and rows == [0, 0, 0]
