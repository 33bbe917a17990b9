"""The engine process: MAIN PATH from a recording to decoded windows, with faster-whisper.

Runs as `python -m transcribe_worker.recognizer`, a child of a worker, and speaks JSON lines: commands
on stdin, events on stdout. Everything native lives here (codecs, speech detection, the model), so
that a crash in any of them takes this process and nothing else.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from faster_whisper import WhisperModel
from numpy.typing import NDArray

from shared import streams
from shared.errors import BadRecording, EngineFailed, OffhookError, OutOfMemory, RecordingMissing
from transcribe_worker import memory
from transcribe_worker.engine.setup import Machine, Wishes
from transcribe_worker.media.limits import RecordingLimits
from transcribe_worker.media.recording import SAMPLE_RATE_HZ, Recording, open_recording
from transcribe_worker.recognition.batches import Batches
from transcribe_worker.recognition.pipeline import Recognition
from transcribe_worker.recognizer.loader import Loader, Order, this_machine
from transcribe_worker.recognizer.progress_signal import ProgressSignal

Command = dict[str, Any]
LONGEST_MESSAGE = 300


class Cancelled(Exception):
    """The worker wants no more of this job."""


class Recognizer:
    """Holds one model and works through one recording at a time."""

    def __init__(
        self,
        events: TextIO,
        load: Callable[..., WhisperModel] = WhisperModel,
        machine: Callable[[float], Machine] = this_machine,
    ) -> None:
        self._events = events
        self._commands: queue.Queue[Command] = queue.Queue()
        self._cancelled = threading.Event()
        self._telling = threading.Lock()
        self._signs = ProgressSignal(lambda step_seconds: self._tell("advanced", step_seconds=step_seconds))
        self._loader = Loader(
            load, machine, self._signs, lambda event, setup: self._tell(event, **asdict(setup))
        )

    def serve(self, commands: TextIO) -> None:
        """Carry out commands until the worker is gone."""
        threading.Thread(target=self._listen, args=(commands,), daemon=True).start()
        actions: dict[str, Callable[..., None]] = {"load": self._load, "transcribe": self._transcribe}
        while True:
            command = self._commands.get()
            with self._reporting_errors():
                actions[command.pop("do")](**command)

    def _listen(self, commands: TextIO) -> None:
        for line in commands:
            command = json.loads(line)
            if command["do"] == "cancel":
                self._cancelled.set()
            else:
                self._commands.put(command)
        os._exit(0)  # the pipe is closed: the worker is gone, and nobody wants the rest

    def _load(self, folder: str, memory_gb: float, measures: str, **wishes: Any) -> None:
        order = Order(Path(folder), Wishes(**wishes), memory_gb, Path(measures) if measures else None)
        try:
            self._loader.load(order)
        except Exception as error:  # no recording is at fault, so none may fail
            if self._loader.limited_gb and memory.ran_out(error):
                raise EngineFailed(f"engine_memory_gb = {memory_gb:g} is too little for it.") from error
            raise EngineFailed(_in_words(error)) from error
        self._tell("ready")

    def _transcribe(
        self,
        path: str,
        options: dict[str, Any],
        stretch_seconds: float,
        done_seconds: float,
        allowance: dict[str, float],
    ) -> None:
        self._cancelled.clear()
        loader = self._loader
        loader.settle()
        assert loader.model
        assert loader.setup
        recognition = Recognition(
            loader.model,
            options,
            parallel=loader.setup.lanes,
            batches=Batches(loader.setup.batch_size, loader.relieve),
            check=self._stop_if_cancelled,
        )
        start, done = _samples(stretch_seconds), _samples(done_seconds)
        before = self._signs.model_seconds
        with _opened(Path(path), RecordingLimits(**allowance)) as recording:
            self._tell("opened", duration_seconds=recording.duration_seconds, flags=recording.flags)
            blocks = _Counted(recording.blocks(), self._signs.advanced)
            for stretch in recognition.stretches(_skip(blocks, start), start=start, done=done):
                self._signs.begin_stretch()
                self._tell("stretch", **stretch)
            flags = recording.flags  # known for certain at the end
        spent = {"speech": recognition.speech_seconds, "model": self._signs.model_seconds - before}
        self._tell("done", duration_seconds=blocks.frames / SAMPLE_RATE_HZ, flags=flags, spent=spent)

    def _stop_if_cancelled(self) -> None:
        if self._cancelled.is_set():
            raise Cancelled

    @contextlib.contextmanager
    def _reporting_errors(self) -> Iterator[None]:
        try:
            yield
        except Cancelled:
            self._tell("cancelled")
        except OffhookError as error:
            bad_input = isinstance(error, BadRecording)
            self._tell("failed", code=error.code, message=str(error), bad_input=bad_input)
        except Exception as error:
            if self._loader.limited_gb and memory.ran_out(error):
                self._tell("failed", code=OutOfMemory.code, message=str(OutOfMemory()), bad_input=True)
                return
            self._tell("failed", code=EngineFailed.code, message=_in_words(error), bad_input=False)

    def _tell(self, event: str, **fields: Any) -> None:
        with self._telling:  # several threads decode
            self._events.write(json.dumps({"event": event, **fields}) + "\n")
            self._events.flush()


class _Counted:
    """Blocks of samples, counted and told of as they go by."""

    def __init__(self, blocks: Iterator[NDArray[np.float32]], passed: Callable[[], None]) -> None:
        self._blocks, self._passed = blocks, passed
        self.frames = 0

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        for block in self._blocks:
            self.frames += len(block)
            self._passed()
            yield block


def _opened(path: Path, allowance: RecordingLimits) -> Recording:
    try:
        return open_recording(path, allowance)
    except FileNotFoundError:
        raise RecordingMissing from None


def _in_words(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:LONGEST_MESSAGE]


def _skip(blocks: _Counted, frames: int) -> Iterator[NDArray[np.float32]]:
    """Leave out the first `frames` samples."""
    for block in blocks:
        if frames < len(block):
            yield block[frames:]
        frames = max(0, frames - len(block))


def _samples(seconds: float) -> int:
    return round(seconds * SAMPLE_RATE_HZ)


def main(**parts: Any) -> None:
    """Keep the pipe for events alone: libraries that print go to stderr."""
    streams.complete()
    for name in ("SIGINT", "SIGTERM", "SIGBREAK"):
        if hasattr(signal, name):  # a supervisor signals the whole group; the worker decides for its engine
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    events = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8", newline="\n")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    commands = os.fdopen(os.dup(sys.stdin.fileno()), "r", encoding="utf-8")
    Recognizer(events, **parts).serve(commands)
