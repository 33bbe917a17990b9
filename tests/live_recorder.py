"""Records calls as the capture worker does, faster than they are spoken; and looks at what became of them."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from capture_worker.handover.unfinished import UnfinishedRecordings
from capture_worker.wav import WavWriter
from shared import home
from shared.settings import Settings
from shared.store.captures import ENDED
from shared.store.store import Store
from shared.store.values import Record
from shared.workers import Presence
from tests.stage import Stage
from tests.standstill import peek
from tests.voices import SAMPLE_RATE_HZ

FASTER = 6.0
STEP_SECONDS = 0.25
#: All that a transcript has, in the order of the call.
WORDS = """SELECT start_seconds, end_seconds, text, average_log_probability, no_speech_probability,
    compression_ratio, words, channel FROM segments WHERE record_id = {} ORDER BY id"""
SPEAKERS = """SELECT first_word, last_word, speaker, source, probability FROM speaker_labels
    WHERE record_id = {} ORDER BY first_word"""
FACTS = "SELECT language, language_probability, flags, duration_seconds FROM call_records WHERE id = {}"


@dataclass
class Recorder:
    """Records one call; `samples` have shape (frames,), or (2, frames) for both sides apart."""

    settings: Settings
    store: Store
    samples: NDArray[np.float32]
    title: str = "Call"
    faster: float = FASTER
    times: int = 1  # it is said again and again
    columns: dict[str, Any] = field(default_factory=dict)
    session_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def __post_init__(self) -> None:
        self._pcm = np.round(np.atleast_2d(self.samples).T * 32767).astype("<i2")
        self._presence = Presence(self.store, self.settings.locks, "capture").enter()
        self._unfinished = UnfinishedRecordings(self.settings, self.store, self._presence.worker_id)
        self._hung_up, self._failed = threading.Event(), False
        now = time.time()
        self._wav = WavWriter(self.part, self._pcm.shape[1])
        self.store.captures.begin(
            self.session_id,
            self._unfinished.inbox_path(self.session_id, now),
            title=self.title,
            layout="split" if self._pcm.shape[1] == 2 else "mono",
            started_at=now,
            worker_id=self._presence.worker_id,
            **self.columns,
        )
        self._thread = threading.Thread(target=self._write)
        self._thread.start()

    @property
    def part(self) -> Path:
        return self._unfinished.part(self.session_id)

    @property
    def seconds(self) -> float:
        """How much is recorded."""
        return self._wav.seconds

    def all_of_it(self) -> Recorder:
        """Wait until all samples are recorded."""
        self._thread.join()
        return self

    def hang_up(self) -> Record:
        """End the call; return its record."""
        self.end(ENDED)
        return self.hand_over()

    def end(self, state: str) -> None:
        """End the call: it can be queued, or waits for a person."""
        self._stop_writing()
        self._wav.close()
        self.store.captures.change(self.session_id, state=state, duration_seconds=self.seconds)

    def attach(self, candidate_id: str) -> None:
        """Say whom the call is with."""
        self.store.captures.attach(self.session_id, candidate_id, None)

    def note_strain(self, strain: str | None) -> None:
        """Say what recording has trouble with."""
        self.store.captures.note_strain(self.session_id, strain)

    def hand_over(self) -> Record:
        """Queue a call that has ended; return its record."""
        record = self._unfinished.hand_over(self.session_id)
        assert record
        return record

    def close(self) -> None:
        """Be gone, as after a kill if the call has not ended."""
        self._stop_writing()
        self._presence.leave()
        self.store.disconnect()

    def _stop_writing(self) -> None:
        self._hung_up.set()
        self._thread.join()

    def _write(self) -> None:
        begun, step = time.monotonic(), round(STEP_SECONDS * max(1.0, self.faster / 10) * SAMPLE_RATE_HZ)
        for first in range(0, self.times * len(self._pcm), step):
            due = begun + first / SAMPLE_RATE_HZ / self.faster
            if self._hung_up.wait(max(0.0, due - time.monotonic())):
                return
            self._wav.write(self._piece(first, step))
            self._wav.sync()

    def _piece(self, first: int, frames: int) -> bytes:
        at = first % len(self._pcm)
        return self._pcm[at : at + frames].tobytes()


@contextmanager
def recorded(stage: Stage, samples: NDArray[np.float32], **given: Any) -> Iterator[Recorder]:
    """Record a call in the home of a stage."""
    settings = Settings(home=stage.home)
    home.prepare(settings)
    with Store.of_home(settings) as store, closing(Recorder(settings, store, samples, **given)) as recorder:
        yield recorder


def followed_to(stage: Stage, session_id: str, seconds: float) -> None:
    """Wait until everything before a moment of a call is final."""
    query = f"SELECT final_seconds FROM live_calls WHERE session_id = '{session_id}'"

    def look() -> bool:
        found = peek(stage.database, query)
        return bool(found) and found[0][0] >= seconds

    stage.wait_for(look, f"{seconds} s to be final; {live_rows(stage)}")


def live_of(stage: Stage, session_id: str) -> dict[str, Any] | None:
    """The row of a call that is transcribed while it is recorded."""
    names = ("state", "why", "token", "crashes", "yields", "final_seconds", "heard_seconds")
    query = f"SELECT {', '.join(names)} FROM live_calls WHERE session_id = '{session_id}'"
    rows = peek(stage.database, query)
    return dict(zip(names, rows[0], strict=True)) if rows else None


def live_rows(stage: Stage) -> list[tuple[Any, ...]]:
    """What is there of calls that are transcribed while they are recorded."""
    return peek(stage.database, "SELECT session_id, state, why, token, crashes, yields FROM live_calls")


def nothing_live(stage: Stage) -> bool:
    """Whether nothing is left of calls that were transcribed while they were recorded."""
    windows = peek(stage.database, "SELECT 1 FROM live_windows UNION ALL SELECT 1 FROM decoded_windows")
    return live_rows(stage) == windows == []


def transcript(stage: Stage, record_id: int) -> list[list[tuple[Any, ...]]]:
    """The words of a record, who said them, and what is known of it."""
    return [peek(stage.database, query.format(record_id)) for query in (WORDS, SPEAKERS, FACTS)]


def counts(stage: Stage, record_id: int) -> tuple[str, int, int]:
    """How a record stands, and what it took."""
    query = f"SELECT transcription_status, attempts, crashes FROM call_records WHERE id = {record_id}"
    ((status, attempts, crashes),) = peek(stage.database, query)
    return status, attempts, crashes


def completed(stage: Stage, record_id: int) -> list[list[tuple[Any, ...]]]:
    """Wait until a record is completed; return its transcript."""
    stage.wait_for(lambda: counts(stage, record_id)[0] in ("completed", "failed"), "the record")
    assert counts(stage, record_id)[0] == "completed"
    return transcript(stage, record_id)


def decoded_again(stage: Stage, record_id: int) -> list[list[tuple[Any, ...]]]:
    """Transcribe a record again, from its file; return that transcript."""
    done = stage.offhook("retry", str(record_id))
    assert done.returncode == 0, done.stderr
    return completed(stage, record_id)
