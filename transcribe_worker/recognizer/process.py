"""The engine process: serves its worker's commands, and keeps one model of faster-whisper for them.

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
from typing import Any, TextIO

from faster_whisper import WhisperModel

from shared import priority, streams
from shared.errors import BadRecording, EngineFailed, OffhookError, OutOfMemory, in_words
from transcribe_worker import memory
from transcribe_worker.engine import messages
from transcribe_worker.engine.messages import (
    Advanced,
    Cancel,
    Cancelled,
    Ended,
    Event,
    Failed,
    Hold,
    Job,
    Load,
    MalformedMessage,
    OtherProtocol,
    Ready,
)
from transcribe_worker.engine.setup import Machine
from transcribe_worker.recognizer.growth import Growth
from transcribe_worker.recognizer.loader import Loader, this_machine
from transcribe_worker.recognizer.progress_signal import ProgressSignal
from transcribe_worker.recognizer.transcription import Tools, Transcription
from transcribe_worker.recognizer.voices import VoiceNetworks

LONGEST_MESSAGE = 300


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
        tools = Tools(self._loader, self._voice_networks, self._growth, self._progress)
        Transcription(job, tools, self._check, self._send).run()

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
