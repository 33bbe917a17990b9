"""A home whose calls are transcribed while they are recorded, by a real worker process."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.live_recorders import Recorder, Replayed, Simulated
from bench.live_sound import Sound
from bench.live_usage import children, peak_megabytes
from bench.live_watch import Watch, said
from shared import home
from shared.settings import Settings
from shared.speakers import Label
from shared.store.store import Store
from shared.store.transitions import COMPLETED
from shared.words import Segment
from shared.workers import Presence
from tests.stage import Stage

LOOK_SECONDS, PATIENCE_SECONDS = 0.2, 3600.0


@dataclass(frozen=True)
class Transcript:
    """What a person gets of a call."""

    segments: tuple[Segment, ...]
    labels: tuple[Label, ...]

    def count_words(self) -> int:
        return len(said(self.segments))

    @property
    def speakers(self) -> dict[int, str]:
        """The speaker of each word, by its number."""
        return {
            word: label.speaker
            for label in self.labels
            for word in range(label.first_word, label.last_word + 1)
        }

    def other_segments(self, other: Transcript) -> int:
        """Count the segments that the other one does not have: text, words, times, probabilities, doubts."""
        return (Counter(self.segments) - Counter(other.segments)).total()

    def other_words(self, other: Transcript) -> int:
        """Count the words, with their times, that one of the two does not have."""
        mine, its = Counter(said(self.segments)), Counter(said(other.segments))
        return max((mine - its).total(), (its - mine).total())

    def other_speakers(self, other: Transcript) -> int:
        """Count the words that have another speaker."""
        mine, its = self.speakers, other.speakers
        return sum(mine.get(word) != its.get(word) for word in mine.keys() | its.keys())


@dataclass
class Peaks:
    """The most memory of the worker, and of the engine that follows a call."""

    worker: float = 0.0
    engine: float = 0.0


@dataclass
class Home:
    """A home with its processes, for one call after another."""

    stage: Stage
    settings: Settings
    store: Store
    _undo: ExitStack
    worker: subprocess.Popen[str] | None = None
    capture: subprocess.Popen[str] | None = None
    peaks: Peaks = field(default_factory=Peaks)
    _idle_engines: set[int] = field(default_factory=set)

    def start_worker(self) -> subprocess.Popen[str]:
        """Start a worker, and wait until its model is loaded."""
        self.worker = worker = self._undo.enter_context(self.stage.process("transcribe_worker"))
        self.wait(self._is_loaded, "the worker's model")
        self._idle_engines = children(worker.pid)
        return worker

    def start_capture(self) -> subprocess.Popen[str]:
        """Start a capture process."""
        self.capture = self._undo.enter_context(self.stage.process("capture_worker"))
        self.wait((self.stage.home / "control.json").exists, "the capture process")
        return self.capture

    def replayed(self, sound: Sound, seconds: float, layout: str) -> Replayed:
        """Begin a call in the capture process."""
        return Replayed(self.stage, self.store, sound, seconds, layout)

    def simulated(self, sound: Sound, layout: str) -> Simulated:
        """Begin a call that is simulated."""
        presence = Presence(self.store, self.settings.locks, "capture").enter()
        self._undo.callback(presence.leave)
        return Simulated(self.settings, self.store, sound, layout, presence)

    def watch(self, recorder: Recorder) -> Watch:
        """Begin to watch a call."""
        watch = Watch(self.settings, recorder.session_id)
        watch.start()
        return watch

    def wait(self, is_so: Callable[[], object], what: str) -> None:
        """Wait until something is so; the memory is looked at meanwhile."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not is_so():
            assert time.monotonic() < deadline, f"waited in vain for {what}"
            self.note_memory()
            time.sleep(LOOK_SECONDS)

    def note_memory(self) -> None:
        """Look at the memory of the worker and its engine; the engine ends soon after the call."""
        if self.worker and self._idle_engines:
            engines = children(self.worker.pid) - self._idle_engines
            self.peaks.worker = max(self.peaks.worker, peak_megabytes(self.worker.pid))
            self.peaks.engine = max([self.peaks.engine, *map(peak_megabytes, engines)])

    def transcript(self, session_id: str) -> Transcript:
        """Return the finished transcript of a call."""
        record_id = self._record_id(session_id)
        return Transcript(self.store.transcripts.segments(record_id), self.store.overlays.labels(record_id))

    def decoded_again(self, session_id: str) -> tuple[Transcript, float]:
        """Decode the file of a call from its beginning; return the transcript, and the seconds it took."""
        record_id = self._record_id(session_id)
        self.wait(lambda: self.store.records.get(record_id).archived_at, "the library")
        began = time.time()
        done = self.stage.offhook("retry", str(record_id))
        assert done.returncode == 0, done.stderr
        self.wait(lambda: self._is_completed(record_id, began), "the file to be decoded")
        return self.transcript(session_id), time.time() - began

    def lost_ms(self, session_id: str) -> int:
        """Return how much of the audio of both sides was lost, or came twice or too late, in ms."""
        verdict = self.store.captures.verdict(session_id)
        assert verdict
        return sum(side["lost_ms"] + side["doubled_ms"] for side in verdict["sides"].values())

    def _is_loaded(self) -> bool:
        return any("lanes" in (it.engines or "") for it in self.store.workers.every() if it.kind != "capture")

    def _is_completed(self, record_id: int, since: float) -> bool:
        record = self.store.records.get(record_id)
        return record.transcription_status == COMPLETED and (record.completed_at or 0.0) > since

    def _record_id(self, session_id: str) -> int:
        record = self.store.records.of_session(session_id)
        assert record, "the call has a record"
        return record.id


@contextmanager
def new_home(**settings: str) -> Iterator[Home]:
    """Make a home, and end its processes afterwards."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as undo:
        given = tuple((f"OFFHOOK_{name.upper()}", value) for name, value in settings.items())
        found = Settings(home=Path(folder) / "home")
        home.prepare(found)
        store = undo.enter_context(Store.of_home(found))
        yield Home(Stage(found.home, given), found, store, undo)
