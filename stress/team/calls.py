"""The calls of a campaign: what a workstation's recorder leaves when a call ends, as its own code does it."""

from __future__ import annotations

import hashlib
import random
import struct
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from capture_worker.handover.unfinished import UnfinishedRecordings
from capture_worker.wav import WavWriter
from shared import home
from shared.loudness import SideLevels
from shared.settings import Settings
from shared.store.captures import ENDED
from shared.store.store import Store
from stress.stand_in import texts_of
from tests.voices import SAMPLE_RATE_HZ, SHORT_CALL, speak

#: The model that the real engine decodes; the stand-in takes all other calls.
REAL_MODEL = "tiny.en"
REAL_SHARE, LARGE_SHARE = 0.1, 0.02
#: So that its content is sent in several pieces.
LARGE_SECONDS = 600
CALL_SECONDS = (2.0, 4.0)
TICKS_PER_SECOND = 10


@dataclass(frozen=True)
class Call:
    """A finished call: safe in the home of the workstation that has recorded it."""

    workstation: str
    session_id: str
    sha256: str
    is_real: bool  # decoded by the real engine


class Recordings:
    """Makes the audio of calls, each another content: 16-bit PCM, 16 kHz mono."""

    def __init__(self) -> None:
        turns = SHORT_CALL[:3]
        self.spoken = [_pcm(speak([turn]).samples[: 4 * SAMPLE_RATE_HZ]) for turn in turns]

    def noise(self, chance: random.Random) -> bytes:
        """Return noise of a few seconds, or of ten minutes."""
        is_large = chance.random() < LARGE_SHARE
        seconds = LARGE_SECONDS if is_large else chance.uniform(*CALL_SECONDS)
        return np.random.default_rng(chance.randrange(2**32)).bytes(2 * round(seconds * SAMPLE_RATE_HZ))

    def speech(self, chance: random.Random) -> bytes:
        """Return speech. Calls with the same are told apart by what their files have after it."""
        return chance.choice(self.spoken)


@dataclass
class Recorder:
    """Finishes calls on one workstation."""

    name: str
    settings: Settings
    calls: list[Call] = field(default_factory=list)

    def __post_init__(self) -> None:
        home.prepare(self.settings)
        self.store = Store.of_home(self.settings)
        self._unfinished = UnfinishedRecordings(self.settings, self.store, "capture-of-the-campaign")

    def record(self, pcm: bytes, *, is_real: bool) -> Call:
        """Write a recording and hand it over."""
        session_id, now = str(uuid.uuid4()), time.time()
        place = self._unfinished.inbox_path(session_id, now)
        seconds = len(pcm) / 2 / SAMPLE_RATE_HZ
        call = {"title": f"Call {session_id[:8]}", "layout": "mono", "started_at": now}
        self.store.captures.begin(session_id, place, worker_id="capture-of-the-campaign", **call)
        writer = WavWriter(self._unfinished.part(session_id), channels=1)
        writer.write(pcm)
        writer.close()
        _mark(writer.path, session_id)
        self.store.captures.note(session_id, {"duration_seconds": seconds}, _levels(seconds))
        self.store.captures.change(session_id, state=ENDED)
        sha256 = hashlib.sha256(writer.path.read_bytes()).hexdigest()
        with self.store.transaction():  # the outbox sees the record with its model, or not at all
            record = self._unfinished.hand_over(session_id)
            assert record, session_id
            if is_real:
                self.store.records.revise(record.id, {"model": REAL_MODEL})
        found = Call(self.name, session_id, sha256, is_real)
        self.calls.append(found)
        return found


@dataclass
class Feeder:
    """A thread that finishes calls on any of the workstations; a context manager that waits for it."""

    recorders: Sequence[Recorder]
    calls: int
    seconds: float  # that this is to take
    chance: random.Random
    faults: list[str] = field(default_factory=list)
    announce: Callable[[Call], None] = lambda call: None

    def __enter__(self) -> Feeder:
        self._recordings, self._ending = Recordings(), threading.Event()
        self._thread = threading.Thread(target=self._feed, name="feeder")
        self._thread.start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind:
            self._ending.set()
        self._thread.join()

    @property
    def made(self) -> list[Call]:
        """All calls that were finished."""
        return [call for recorder in self.recorders for call in recorder.calls]

    def _feed(self) -> None:
        for _ in range(self.calls):
            if self._ending.wait(self.chance.expovariate(self.calls / self.seconds)):
                return
            try:
                self._make()
            except Exception as error:  # it would end the campaign silently
                self.faults.append(f"the feeder has failed: {type(error).__name__}: {error}")
        for recorder in self.recorders:
            recorder.store.disconnect()

    def _make(self) -> None:
        is_real = self.chance.random() < REAL_SHARE
        pcm = self._recordings.speech(self.chance) if is_real else self._recordings.noise(self.chance)
        self.announce(self.chance.choice(self.recorders).record(pcm, is_real=is_real))


def expected_texts(call: Call, heard: set[tuple[str, ...]]) -> set[tuple[str, ...]]:
    """Return the transcripts that a call may have; `heard` are those of the real engine."""
    return heard if call.is_real else {tuple(texts_of(call.sha256))}


def _mark(path: Path, session_id: str) -> None:
    """Add a chunk after the audio of a WAV, so that no two calls have the same content."""
    content = path.read_bytes()
    chunk = struct.pack("<4sI", b"JUNK", len(session_id)) + session_id.encode()
    size = struct.pack("<I", len(content) + len(chunk) - 8)
    path.write_bytes(content[:4] + size + content[8:] + chunk)


def _pcm(samples: NDArray[np.float32]) -> bytes:
    return bytes(np.round(np.clip(samples, -1, 1) * 32767).astype("<i2"))


def _levels(seconds: float) -> dict[int, SideLevels]:
    minutes = {}
    for minute in range(int(seconds // 60) + 1):
        ticks = round(min(60.0, seconds - 60 * minute) * TICKS_PER_SECOND)
        if ticks:
            minutes[minute] = SideLevels(TICKS_PER_SECOND, bytes([60]) * ticks, bytes([90]) * ticks)
    return minutes
