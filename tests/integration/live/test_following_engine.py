"""The engine follows a recording that grows: the final text is that of the finished file."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from capture_worker.wav import WavWriter
from shared.settings import RecordOptions
from shared.words import Segment
from tests.integration.test_engine import choice, nothing
from tests.voices import SAMPLE_RATE_HZ, Call, again_and_again
from transcribe_worker.engine.messages import Decoded, Done, Ended, Hold, Job, JobEvent, Provisional
from transcribe_worker.engine.supervisor import Engine

OPTIONS = RecordOptions(voices=False)
STEP = SAMPLE_RATE_HZ // 2
Text = list[tuple[int | None, float, float, tuple[Segment, ...]]]


@pytest.fixture
def engine() -> Iterator[Engine]:
    with closing(Engine(silence_seconds=30.0)) as engine:
        engine.load(choice())
        yield engine


class Recorder:
    """Writes samples as the recorder does, so many times as fast as they were spoken."""

    def __init__(self, path: Path, samples: NDArray[np.float32], faster: float) -> None:
        self._pcm = (np.atleast_2d(samples).T * 32767).astype("<i2")
        self._wav, self._faster = WavWriter(path, self._pcm.shape[1]), faster
        self.path = path
        self.is_done = threading.Event()

    def write(self, engine: Engine) -> None:
        """Write all samples, and tell the engine of the end."""
        begun = time.monotonic()
        for first in range(0, len(self._pcm), STEP):
            self._wav.write(self._pcm[first : first + STEP].tobytes())
            self._wav.sync()
            due = begun + (first + STEP) / SAMPLE_RATE_HZ / self._faster
            time.sleep(max(0.0, due - time.monotonic()))
        self._wav.close()
        self.is_done.set()
        engine.say(Ended())


def followed(engine: Engine, recorder: Recorder, job: Job) -> list[JobEvent]:
    """Return what an engine sends of a recording that grows meanwhile."""
    writer = threading.Thread(target=recorder.write, args=(engine,))
    writer.start()
    events = list(engine.transcribe(job, nothing))
    writer.join()
    return events


def text(events: list[JobEvent]) -> Text:
    """Return the windows that were decoded, with all that was found in them."""
    found = [
        (event.channel, window.start_seconds, window.end_seconds, window.segments)
        for event in events
        if isinstance(event, Decoded)
        for window in event.windows
    ]
    return sorted(found, key=lambda it: (it[0] or 0, it[1]))


def afterwards(engine: Engine, path: Path, **options: bool) -> Text:
    """Return the text of the finished file."""
    return text(list(engine.transcribe(Job(path, OPTIONS, **options), nothing)))


@pytest.fixture
def samples(short_call: Call) -> NDArray[np.float32]:
    """About a minute, so that a stretch ends in it."""
    said = again_and_again(short_call, 3).samples
    return said + np.random.default_rng(2).normal(0, 1e-3, len(said)).astype(np.float32)


def test_the_final_text_of_a_growing_recording_is_that_of_the_finished_file_and_shown_before(
    engine: Engine, samples: NDArray[np.float32], tmp_path: Path
) -> None:
    recorder = Recorder(tmp_path / "call.part", samples, faster=5)
    events = followed(engine, recorder, Job(recorder.path, OPTIONS, is_growing=True))
    assert text(events) == afterwards(engine, recorder.path)
    assert isinstance(events[-1], Done)
    assert events[-1].duration_seconds == pytest.approx(len(samples) / SAMPLE_RATE_HZ)

    first = next(number for number, event in enumerate(events) if isinstance(event, Decoded))
    shown = [event for event in events[:first] if isinstance(event, Provisional)]
    assert any("morning" in segment.text for event in shown for segment in event.segments)
    assert [event.end_seconds for event in shown] == sorted(event.end_seconds for event in shown)


def test_both_sides_of_a_split_call_are_followed_and_end_as_the_finished_file(
    engine: Engine, samples: NDArray[np.float32], tmp_path: Path
) -> None:
    sides = np.stack([samples, np.roll(samples, 5 * SAMPLE_RATE_HZ)])
    recorder = Recorder(tmp_path / "call.part", sides, faster=5)
    events = followed(engine, recorder, Job(recorder.path, OPTIONS, is_split=True, is_growing=True))
    assert {event.channel for event in events if isinstance(event, Provisional)} == {0, 1}
    assert text(events) == afterwards(engine, recorder.path, is_split=True)


def test_nothing_is_decoded_while_the_machine_has_no_time_and_all_of_it_afterwards(
    engine: Engine, samples: NDArray[np.float32], tmp_path: Path
) -> None:
    recorder = Recorder(tmp_path / "call.part", samples[: 20 * SAMPLE_RATE_HZ], faster=20)
    engine_says = engine.transcribe(Job(recorder.path, OPTIONS, is_growing=True), nothing)
    next(engine_says)  # it is open
    engine.say(Hold(True))
    writer = threading.Thread(target=recorder.write, args=(engine,))
    writer.start()
    events = list(engine_says)  # the end lets it go on
    writer.join()
    # One look may have been under way.
    assert len([event for event in events if isinstance(event, Provisional)]) <= 1
    assert text(events) == afterwards(engine, recorder.path)
