"""One recording in the engine: open it, find its language, decode its stretches, tell its voices apart.

A recording that grows takes the same path. It waits for samples where a finished one ends.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from shared.errors import RecordingMissing
from transcribe_worker.engine.messages import (
    Decoded,
    DecodedWindow,
    Done,
    Event,
    Job,
    Opened,
    Spent,
    Voices,
)
from transcribe_worker.media.growing import open_growing
from transcribe_worker.media.recording import SAMPLE_RATE_HZ, open_recording
from transcribe_worker.recognition.batches import Batches
from transcribe_worker.recognition.languages import Language
from transcribe_worker.recognition.pipeline import Recognition, Recognized
from transcribe_worker.recognizer.channels import Readable, Reading, counted, sides_of
from transcribe_worker.recognizer.growth import Growth
from transcribe_worker.recognizer.live_text import LiveText, NoLiveText
from transcribe_worker.recognizer.loader import Loader
from transcribe_worker.recognizer.progress_signal import ProgressSignal
from transcribe_worker.recognizer.voices import Hearing, VoiceNetworks
from transcribe_worker.speech.sides import Sides, sides

NOTHING_LIVE = NoLiveText()


@dataclass(frozen=True)
class Tools:
    """What an engine keeps from one recording to the next."""

    loader: Loader
    voice_networks: VoiceNetworks
    growth: Growth
    progress: ProgressSignal


class Transcription:
    """The transcription of one recording; `check` is called between the steps and ends it by raising."""

    def __init__(
        self, job: Job, tools: Tools, check: Callable[[], None], send: Callable[[Event], None]
    ) -> None:
        self._job, self._check, self._send = job, check, send
        self._growth, self._progress = tools.growth, tools.progress
        self._hearing = Hearing(job.voices, tools.voice_networks, job.options.speakers)
        self._recognition = self._new_recognition(tools.loader)
        self._live = self._live_text() if job.is_growing else NOTHING_LIVE

    def run(self) -> None:
        """Send what is found, and `Done` at the end. Raises what reading and decoding raise."""
        job, recognition = self._job, self._recognition
        before = self._progress.model_seconds
        with self._opened(self._live) as recording:
            self._send(Opened(recording.duration_seconds, tuple(recording.flags)))
            sides = self._sides(recording)
            if recognition.language is None:
                self._find_language()
            if self._hearing.is_on and sides is not Sides.BOTH:
                self._hear_again(sides)
            remove_echo = job.is_split and job.options.echo_removal
            reading = Reading(
                recording, sides, self._progress.advanced, self._send, remove_echo, self._live.see
            )
            streams = [self._live.watched(stream) for stream in reading.streams(job.positions)]
            for found in recognition.together(streams):
                self._progress.begin_stretch()
                self._live.note(found)
                self._send(replace(decoded(found), flags=recognition.flags, speed=self._live.speed))
            flags = (*recording.flags, *recognition.flags)  # complete only now
        if turns := self._hearing.turns():
            self._send(Voices(turns))
        model_seconds = self._progress.model_seconds - before
        spent = Spent(recognition.speech_seconds, model_seconds, self._hearing.seconds)
        self._send(Done(_seconds(reading.frames), flags, spent))

    def _new_recognition(self, loader: Loader) -> Recognition:
        job = self._job
        loader.rebalance()
        assert loader.setup
        return Recognition(
            loader.current_model,
            job.options,
            parallel=0 if job.is_growing else loader.setup.lanes,
            batches=Batches(loader.setup.batch_size, loader.relieve),
            check=self._check,
            language=Language(job.language, job.language_probability) if job.language else None,
            hear=self._hearing.hear,
        )

    def _live_text(self) -> LiveText:
        growth = self._growth
        return LiveText(self._recognition, self._send, lambda: growth.has_ended, self._hearing.hear_early)

    def _sides(self, recording: Readable) -> Sides:
        """Return what the channels of a recording are; it may be opened a second time for it."""
        return sides_of(self._job, self._listened) if recording.has_two_channels else Sides.ONE

    def _opened(self, live: NoLiveText = NOTHING_LIVE) -> Readable:
        """Open the recording; one that grows waits for its end, and `live` works meanwhile."""
        job = self._job
        try:
            if job.is_growing:
                return open_growing(job.path, partial(self._wait_for_more, live), job.limits)
            return open_recording(job.path, job.limits)
        except FileNotFoundError:
            raise RecordingMissing from None

    def _wait_for_more(self, live: NoLiveText) -> bool:
        """Wait for a growing recording, whose end is read by now; return False once it has ended."""
        if self._growth.has_ended:
            return False
        self._check()
        if live.look():
            self._progress.begin_stretch()
        else:
            self._growth.rest()
        self._progress.advanced()
        return True

    def _listened(self) -> Sides:
        with self._opened() as recording:
            return sides(counted(recording.pairs(), self._progress.advanced))

    def _hear_again(self, sides: Sides) -> None:
        """Hear what an earlier attempt has decoded; the recording is opened again for it."""
        begun = next((it.stretch_seconds for it in self._job.positions if it.channel is None), 0.0)
        if not begun:
            return
        with self._opened() as recording:
            (stream,) = Reading(recording, sides, self._progress.advanced, lambda event: None).streams(())
            self._recognition.hear_again(stream.blocks, round(begun * SAMPLE_RATE_HZ))

    def _find_language(self) -> None:
        """Listen to places of the recording, all channels mixed; it is opened again for it."""
        with self._opened() as recording:
            self._recognition.find_language(counted(recording.blocks(), self._progress.advanced))


def decoded(found: Recognized) -> Decoded:
    """Return the event for a decoded stretch, with times in seconds."""
    windows = zip(found.stretch.windows, found.segments, strict=True)
    language = found.language or Language("")
    return Decoded(
        _seconds(found.stretch.start),
        _seconds(found.stretch.end),
        language.code,
        tuple(DecodedWindow(_seconds(it.start), _seconds(it.end), segments) for it, segments in windows),
        language.probability,
        channel=found.channel,
    )


def _seconds(samples: int) -> float:
    return samples / SAMPLE_RATE_HZ
