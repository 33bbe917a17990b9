"""The engine process: serves its worker's commands, and opens and decodes recordings with faster-whisper.

Runs as `python -m transcribe_worker.recognizer`, a child of a worker, with commands on stdin and events on
stdout (`transcribe_worker.engine.messages`). All native code runs here (codecs, speech detection, the model),
so a crash in any of it ends this process and nothing else.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any, TextIO

from faster_whisper import WhisperModel

from shared import priority, streams
from shared.errors import BadRecording, EngineFailed, OffhookError, OutOfMemory, RecordingMissing, in_words
from transcribe_worker import memory
from transcribe_worker.engine import messages
from transcribe_worker.engine.messages import (
    Advanced,
    Cancel,
    Cancelled,
    Decoded,
    DecodedWindow,
    Done,
    Ended,
    Event,
    Failed,
    Hold,
    Job,
    Load,
    MalformedMessage,
    Opened,
    OtherProtocol,
    Ready,
    Spent,
    Voices,
)
from transcribe_worker.engine.setup import Machine
from transcribe_worker.media.growing import open_growing
from transcribe_worker.media.recording import SAMPLE_RATE_HZ, open_recording
from transcribe_worker.recognition.batches import Batches
from transcribe_worker.recognition.languages import Language
from transcribe_worker.recognition.pipeline import Recognition, Recognized
from transcribe_worker.recognizer.channels import Readable, Reading, counted, sides_of
from transcribe_worker.recognizer.growth import Growth
from transcribe_worker.recognizer.live_text import LiveText, NoLiveText
from transcribe_worker.recognizer.loader import Loader, this_machine
from transcribe_worker.recognizer.progress_signal import ProgressSignal
from transcribe_worker.recognizer.voices import Hearing, VoiceNetworks
from transcribe_worker.speech.sides import Sides, sides

LONGEST_MESSAGE = 300
NOTHING_LIVE = NoLiveText()


class JobCancelled(Exception):
    """The worker has cancelled the job."""


class Recognizer:
    """Keeps one model and works through one recording at a time."""

    def __init__(
        self,
        events: TextIO,
        load: Callable[..., WhisperModel] = WhisperModel,
        machine: Callable[[float], Machine] = this_machine,
    ) -> None:
        self._events = events
        self._commands: queue.Queue[object] = queue.Queue()
        self._cancelled = threading.Event()
        self._growth = Growth()
        self._sending = threading.Lock()
        self._progress = ProgressSignal(lambda step_seconds: self._send(Advanced(step_seconds)))
        self._loader = Loader(load, machine, self._progress, self._send)
        self._voice_networks = VoiceNetworks()

    def serve(self, commands: TextIO) -> None:
        """Carry out commands until the worker closes the pipe, which ends this process."""
        threading.Thread(target=self._listen, args=(commands,), daemon=True).start()
        actions: dict[type[Any], Callable[[Any], None]] = {Load: self._load, Job: self._transcribe}
        while True:
            command = self._commands.get()
            with self._reporting_errors():
                actions.get(type(command), _refuse)(command)

    def _listen(self, commands: TextIO) -> None:
        for line in commands:
            command = _command(line)
            if isinstance(command, Cancel):
                self._cancelled.set()
            elif isinstance(command, Ended | Hold):
                self._growth.note(command)
            else:
                self._growth.begin()  # here, so that no later command of this job is forgotten
                self._commands.put(command)
        os._exit(0)  # nobody reads the rest

    def _load(self, wanted: Load) -> None:
        if wanted.is_background:
            priority.lower()  # first: the model's threads inherit it
        try:
            self._loader.load(wanted)
        except Exception as error:  # no recording is at fault, so none may fail
            if self._loader.limited_gb and memory.ran_out(error):
                message = f"engine_memory_gb = {wanted.memory_gb:g} is too little for it."
                raise EngineFailed(message) from error
            raise EngineFailed(_one_line(error)) from error
        self._send(Ready())

    def _transcribe(self, job: Job) -> None:
        self._cancelled.clear()
        hearing = Hearing(job.voices, self._voice_networks, job.options.speakers)
        recognition = self._recognition(job, hearing)
        live = self._live_text(recognition, hearing) if job.is_growing else NOTHING_LIVE
        before = self._progress.model_seconds
        with self._opened(job, live) as recording:
            self._send(Opened(recording.duration_seconds, tuple(recording.flags)))
            sides = self._sides(recording, job)
            if recognition.language is None:
                self._find_language(recognition, job)
            if hearing.is_on and sides is not Sides.BOTH:
                self._hear_again(recognition, job, sides)
            remove_echo = job.is_split and job.options.echo_removal
            reading = Reading(recording, sides, self._progress.advanced, self._send, remove_echo, live.see)
            streams = [live.watched(stream) for stream in reading.streams(job.positions)]
            for found in recognition.together(streams):
                self._progress.begin_stretch()
                live.note(found)
                self._send(replace(decoded(found), flags=recognition.flags, speed=live.speed))
            flags = (*recording.flags, *recognition.flags)  # complete only now
        if turns := hearing.turns():
            self._send(Voices(turns))
        spent = Spent(recognition.speech_seconds, self._progress.model_seconds - before, hearing.seconds)
        self._send(Done(_seconds(reading.frames), flags, spent))

    def _recognition(self, job: Job, hearing: Hearing) -> Recognition:
        loader = self._loader
        loader.rebalance()
        assert loader.setup
        return Recognition(
            loader.current_model,
            job.options,
            parallel=0 if job.is_growing else loader.setup.lanes,
            batches=Batches(loader.setup.batch_size, loader.relieve),
            check=self._check,
            language=Language(job.language, job.language_probability) if job.language else None,
            hear=hearing.hear,
        )

    def _live_text(self, recognition: Recognition, hearing: Hearing) -> LiveText:
        return LiveText(recognition, self._send, lambda: self._growth.has_ended, hearing.hear_early)

    def _sides(self, recording: Readable, job: Job) -> Sides:
        """Return what the channels of a recording are; it may be opened a second time for it."""
        if not recording.has_two_channels:
            return Sides.ONE
        return sides_of(job, lambda: self._listened(job))

    def _opened(self, job: Job, live: NoLiveText = NOTHING_LIVE) -> Readable:
        """Open the recording of a job; one that grows waits for its end, and `live` works meanwhile."""
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

    def _listened(self, job: Job) -> Sides:
        with self._opened(job) as recording:
            return sides(counted(recording.pairs(), self._progress.advanced))

    def _hear_again(self, recognition: Recognition, job: Job, sides: Sides) -> None:
        """Hear what an earlier attempt has decoded; the recording is opened again for it."""
        begun = next((it.stretch_seconds for it in job.positions if it.channel is None), 0.0)
        if not begun:
            return
        with self._opened(job) as recording:
            (stream,) = Reading(recording, sides, self._progress.advanced, lambda event: None).streams(())
            recognition.hear_again(stream.blocks, round(begun * SAMPLE_RATE_HZ))

    def _find_language(self, recognition: Recognition, job: Job) -> None:
        """Listen to places of the recording, all channels mixed; it is opened again for it."""
        with self._opened(job) as recording:
            recognition.find_language(counted(recording.blocks(), self._progress.advanced))

    def _check(self) -> None:
        """End a cancelled job, and wait while the machine has no time for it."""
        while self._growth.is_held and not (self._cancelled.is_set() or self._growth.has_ended):
            self._growth.wait_while_held()
            self._progress.advanced()
        if self._cancelled.is_set():
            raise JobCancelled

    @contextlib.contextmanager
    def _reporting_errors(self) -> Iterator[None]:
        try:
            yield
        except JobCancelled:
            self._send(Cancelled())
        except OffhookError as error:
            self._send(Failed(error.code, str(error), isinstance(error, BadRecording)))
        except Exception as error:
            if self._loader.limited_gb and memory.ran_out(error):
                self._send(Failed(OutOfMemory.code, str(OutOfMemory()), bad_input=True))
                return
            self._send(Failed(EngineFailed.code, _one_line(error)))

    def _send(self, event: Event) -> None:
        line = messages.encode(event)
        with self._sending:  # several threads decode
            self._events.write(line)
            self._events.flush()


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


def _command(line: str) -> object:
    """Return the command in a line, or the error that its sender is to get."""
    try:
        return messages.decode(line)
    except (MalformedMessage, OtherProtocol) as error:
        return EngineFailed(f"The worker sent a command that cannot be read. {error}")


def _refuse(command: object) -> None:
    if isinstance(command, EngineFailed):
        raise command
    raise EngineFailed(f"This engine does not know the command {type(command).__name__}.")


def _one_line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {in_words(error)}".split())[:LONGEST_MESSAGE]


def _seconds(samples: int) -> float:
    return samples / SAMPLE_RATE_HZ


def main(**parts: Any) -> None:
    """Run an engine; libraries that print go to stderr, so that stdout has events alone."""
    streams.complete()
    for name in ("SIGINT", "SIGTERM", "SIGBREAK"):
        if hasattr(signal, name):  # a supervisor signals the whole group; the worker decides about its engine
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    events = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8", newline="\n")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    commands = os.fdopen(os.dup(sys.stdin.fileno()), "r", encoding="utf-8")
    Recognizer(events, **parts).serve(commands)
