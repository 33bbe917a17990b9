"""Recorders of calls: the real capture process in real time, and one that writes hours in a moment."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from bench.live_sound import Sound
from capture_worker.handover.unfinished import UnfinishedRecordings
from capture_worker.levels import TICKS_PER_SECOND, Loudness
from capture_worker.mixer import LAYOUTS
from capture_worker.samples import Pair
from capture_worker.timeline import FINAL_SECONDS
from capture_worker.wav import WavWriter
from shared.home import part_of
from shared.settings import Settings
from shared.store.captures import ENDED
from shared.store.store import Store
from shared.workers import Presence
from tests.stage import Stage
from tests.voices import SAMPLE_RATE_HZ

WRITE_SECONDS, SYNC_SECONDS, NOTE_SECONDS = 0.1, 1.0, 2.0
BLOCK_SECONDS = 60.0
TICKS_PER_MINUTE = 60 * TICKS_PER_SECOND


class Recorder(Protocol):
    """Records one call. Second 0 of the recording is at `zero`, by `time.time`."""

    session_id: str
    zero: float

    def record_until(self, seconds: float) -> None:
        """Record in real time up to a second of the recording."""

    def hang_up(self) -> None:
        """End the recording, and queue it."""


class Replayed:
    """A capture process that replays files."""

    def __init__(self, stage: Stage, store: Store, sound: Sound, seconds: float, layout: str) -> None:
        near, far = sound.write(stage.home.parent, seconds + 10)
        devices = ("--microphone", f"replay:{near}", "--loopback", f"replay:{far}")
        done = stage.offhook("record", "start", "--title", "Live", "--layout", layout, *devices)
        assert done.returncode == 0, done.stderr
        (call,) = store.captures.unfinished()
        self.session_id, self.zero = call.session_id, call.started_at
        self._stage = stage

    def record_until(self, seconds: float) -> None:
        time.sleep(max(0.0, self.zero + seconds - time.time()))

    def hang_up(self) -> None:
        done = self._stage.offhook("record", "stop")
        assert done.returncode == 0, done.stderr


class Simulated:
    """Writes a recording and its rows as the recorder does, with the recorder's own parts."""

    def __init__(
        self, settings: Settings, store: Store, sound: Sound, layout: str, presence: Presence
    ) -> None:
        self.session_id, self.zero = str(uuid.uuid4()), time.time()
        self._store, self._sound, self._layout = store, sound, layout
        self._unfinished = UnfinishedRecordings(settings, store, presence.worker_id)
        self._loudness, self._noted_minute = Loudness(settings.silence_dbfs), 0
        channels, self._mix = LAYOUTS[layout]
        self._wav = WavWriter(part_of(settings.recording, self.session_id), channels)
        path = self._unfinished.inbox_path(self.session_id, self.zero)
        store.captures.begin(
            self.session_id,
            path,
            **{"title": "Live", "layout": layout, "started_at": self.zero, "worker_id": presence.worker_id},
        )

    def write_until(self, seconds: float) -> None:
        """Write the recording up to a second of it, as fast as the disk takes it."""
        while self._wav.seconds < seconds:
            self._write(min(seconds, self._wav.seconds + BLOCK_SECONDS))
            self._wav.sync()
        self._note()

    def record_until(self, seconds: float) -> None:
        self.zero = time.time() - self._wav.seconds - FINAL_SECONDS
        synced = noted = time.time()
        while self._wav.seconds < seconds:
            time.sleep(WRITE_SECONDS)
            now = time.time()
            self._write(min(seconds, now - self.zero - FINAL_SECONDS))
            if now >= synced + SYNC_SECONDS:
                self._wav.sync()
                synced = now
            if now >= noted + NOTE_SECONDS:
                self._note()
                noted = now

    @contextmanager
    def recording_until(self, seconds: float) -> Iterator[None]:
        """Record in real time beside what is done meanwhile."""
        thread = threading.Thread(target=self.record_until, args=(seconds,), daemon=True)
        thread.start()
        yield
        thread.join()

    def hang_up(self) -> None:
        self._wav.close()
        self._note()
        self._store.captures.change(self.session_id, state=ENDED, strain=None)
        self._unfinished.hand_over(self.session_id)

    def _write(self, until_seconds: float) -> None:
        first, end = round(self._wav.seconds * SAMPLE_RATE_HZ), round(until_seconds * SAMPLE_RATE_HZ)
        if end > first:
            pair = Pair(*self._sound.at(first, end - first))
            self._wav.write(self._mix(pair, ("microphone", "loopback")).tobytes())
            self._loudness.add(pair)

    def _note(self) -> None:
        """Write the levels that are new; the minute that grows is written again."""
        ticks = self._loudness.ticks
        levels = {
            minute: self._loudness.between(
                minute * TICKS_PER_MINUTE, min(ticks, (minute + 1) * TICKS_PER_MINUTE)
            )
            for minute in range(self._noted_minute, -(-ticks // TICKS_PER_MINUTE))
        }
        self._noted_minute = ticks // TICKS_PER_MINUTE
        self._store.captures.note(self.session_id, {"duration_seconds": self._wav.seconds}, levels)
