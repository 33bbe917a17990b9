"""A call that is being recorded and decoded, as its processes leave it in a home: rows, a file, two locks."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from capture_worker.wav import WavWriter
from shared import home
from shared.settings import Settings
from shared.store.store import Store
from shared.store.values import Record
from shared.workers import Presence
from tests.live_calls import Decoder

RATE_HZ = 16_000


@dataclass
class RunningCall:
    """A call of a home, and the worker that decodes it."""

    store: Store
    session_id: str
    wav: WavWriter
    worker: Presence
    decoder: Decoder | None = None
    seconds: float = 0.0  # what is final

    def record(self, seconds: int) -> None:
        """Let the recording grow: all samples of second 7 are 7."""
        begun = round(self.wav.seconds)
        for number in range(begun, begun + seconds):
            self.wav.write(np.full(RATE_HZ, number, "<i2").tobytes())
        self.wav.sync()

    def follow(self) -> None:
        """Let the worker claim the call."""
        self.decoder = Decoder.of(self.store, self.session_id, self.worker.worker_id)

    def say(self, text: str, speaker: str | None = "me", *, seconds: float = 2.0, pause: float = 0.0) -> None:
        """Commit words as final, after those that are."""
        assert self.decoder
        start = self.seconds + pause
        self.seconds = start + seconds
        self.decoder.settle(start, self.seconds, *((f" {word}", speaker) for word in text.split()))

    def guess(self, text: str, **columns: Any) -> None:
        """Write provisional words."""
        assert self.decoder
        said = ((f" {word}", None) for word in text.split())
        self.decoder.guess(self.seconds, self.seconds + 2, *said, **columns)

    def hang_up(self) -> Record:
        """End the recording: its record is in the queue, and its file in the inbox."""
        self.wav.close()
        self.wav.path.rename(self.store.captures.get(self.session_id).recording_path)
        content = {"sha256": uuid.uuid4().hex, "size_bytes": 2, "modified_ns": 2}
        return self.store.captures.queue(self.session_id, content)


@contextmanager
def running_call(
    folder: Path, store: Store, title: str = "With Joe", **columns: Any
) -> Iterator[RunningCall]:
    """Begin to record in a home; its recorder and a transcription worker count as running."""
    settings = Settings(home=folder)
    home.prepare(settings)
    session_id = str(uuid.uuid4())
    capture, worker = (Presence(store, settings.locks, kind).enter() for kind in ("capture", "worker"))
    begun = {"title": title, "layout": "mono", "started_at": time.time(), "worker_id": capture.worker_id}
    store.captures.begin(session_id, settings.inbox / f"{session_id}.wav", **{**begun, **columns})
    wav = WavWriter(home.part_of(settings.recording, session_id), 1)
    try:
        yield RunningCall(store, session_id, wav, worker)
    finally:
        with suppress(ValueError):  # it is closed
            wav.close()
        store.captures.discard(session_id)
        for presence in (capture, worker):
            presence.leave()
