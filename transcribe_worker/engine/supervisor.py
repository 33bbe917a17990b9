"""The engine: a child process with the model in it, supervised over a pipe.

Inference may abort a whole process, and a thread in native code cannot be interrupted. A child can be killed:
a crash or a cancelled recording costs an engine, never the worker.
"""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Callable, Generator, Iterator, Sequence

from shared.errors import BadRecording, EngineCrashed, EngineFailed, EngineUnusable, OutOfMemory
from transcribe_worker.engine.child import COMMAND, EngineProcess, Popen
from transcribe_worker.engine.messages import (
    Advanced,
    Cancel,
    Cancelled,
    Done,
    Ended,
    Event,
    Failed,
    Hold,
    Job,
    JobEvent,
    Load,
    Ready,
    Reloading,
    Unknown,
)
from transcribe_worker.engine.setup import Setup

HEARTBEAT_SECONDS = 0.25
#: How long a cancelled engine may take to reach the end of a step before it is killed.
CANCEL_GRACE_SECONDS = 1.0
LOAD_TRIES = 2
#: A job without progress for this long hangs.
SILENCE_SECONDS = 120.0
#: On a slow machine a step of a large model may take longer. Its first step, encoding, shows how slow it is;
#: the longest step, writing 448 tokens, was seen to take 8 times as long.
SILENCE_STEPS = 20
#: The longest silence that is ever allowed, also while a model is loaded.
LONGEST_SILENCE_SECONDS = 600.0
_ENDS_A_JOB = (Done, Failed, Cancelled)


class Engine:
    """One engine process, started when needed and started again when it has ended.

    `note` is called with how the engine uses the machine, and again when that changes.
    """

    def __init__(
        self,
        command: Sequence[str] = COMMAND,
        popen: Popen = subprocess.Popen,
        silence_seconds: float = SILENCE_SECONDS,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
        note: Callable[[Setup], None] = lambda setup: None,
    ) -> None:
        self._command, self._popen, self._silence_seconds = command, popen, silence_seconds
        self._heartbeat_seconds = heartbeat_seconds  # between two calls of a heartbeat, at most
        self._note = note
        self._process: EngineProcess | None = None
        self._loaded: Load | None = None
        self._longest_step_seconds = 0.0

    @property
    def pid(self) -> int | None:
        """The process number of the engine; None if there is no process."""
        return self._process.pid if self._process else None

    def load(self, wanted: Load, heartbeat: Callable[[], None] = lambda: None) -> None:
        """Have a model in memory. Raises EngineUnusable, and whatever `heartbeat` raises."""
        if self._loaded == wanted and self._is_running():
            return None
        for _ in range(LOAD_TRIES):
            try:
                return self._load(wanted, heartbeat)
            except EngineCrashed as crash:  # one may be an accident
                error: EngineCrashed | EngineFailed = crash
            except EngineFailed as failure:
                error = failure
                break
        raise EngineUnusable(f"The model {wanted.name} cannot be loaded: {error}") from error

    def transcribe(self, job: Job, heartbeat: Callable[[], None]) -> Generator[JobEvent, None, None]:
        """Decode a recording, yielding its events as they come; call `load` first.

        `heartbeat` is called several times a second and ends the job by raising. Raises BadRecording,
        EngineFailed, EngineUnusable and EngineCrashed.
        """
        with self._reusable_or_closed() as process:
            process.send(job)
            for event in self._events(process, heartbeat, self._allowed_silence):
                if isinstance(event, JobEvent):
                    yield event
                if isinstance(event, Done):
                    return

    def say(self, command: Ended | Hold) -> None:
        """Tell the engine of the recording that it follows; if it has ended, its job says so."""
        if self._process:
            self._process.send(command)

    def close(self) -> None:
        """End the engine process, whatever it is doing."""
        process, self._process, self._loaded = self._process, None, None
        if process:
            process.kill()

    def _load(self, wanted: Load, heartbeat: Callable[[], None]) -> None:
        if not self._is_running():
            self.close()
            self._process = EngineProcess(self._command, self._popen)
        self._loaded = None  # the engine drops its model before it loads another
        with self._reusable_or_closed() as process:
            process.send(wanted)
            events = self._events(process, heartbeat, lambda: LONGEST_SILENCE_SECONDS)
            next(event for event in events if isinstance(event, Ready))
        self._loaded, self._longest_step_seconds = wanted, 0.0

    def _is_running(self) -> bool:
        return self._process is not None and self._process.is_running

    def _allowed_silence(self) -> float:
        """Return how long a job may go without progress, in seconds: longer where the model has been slow."""
        steps = SILENCE_STEPS * self._longest_step_seconds
        return max(self._silence_seconds, min(steps, LONGEST_SILENCE_SECONDS))

    def _events(
        self, process: EngineProcess, heartbeat: Callable[[], None], allowed_seconds: Callable[[], float]
    ) -> Iterator[Event | Unknown]:
        """Yield events as they come, with a heartbeat between them. Raises what the engine reports."""
        silence, allowed = 0.0, allowed_seconds
        while silence <= allowed():
            heartbeat()
            event = process.receive(self._heartbeat_seconds)
            if event is None:
                # Counted in receives, not by the clock: a machine that slept has made one.
                silence += self._heartbeat_seconds
                continue
            if isinstance(event, Failed):
                raise event.error()
            silence, allowed = 0.0, allowed_seconds
            if isinstance(event, Reloading):
                allowed = _longest_silence
            self._take_note(event)
            yield event
        raise EngineCrashed(f"The engine made no progress for {allowed():.0f} s and was ended.")

    def _take_note(self, event: Event | Unknown) -> None:
        if isinstance(event, Advanced):
            self._longest_step_seconds = max(self._longest_step_seconds, event.step_seconds)
        elif isinstance(event, Setup):
            self._note(event)

    @contextlib.contextmanager
    def _reusable_or_closed(self) -> Iterator[EngineProcess]:
        """Give the process to work with; after an error it is ready for the next job, or closed."""
        assert self._process
        try:
            yield self._process
        except (BadRecording, EngineFailed, EngineUnusable) as error:
            # Its memory may be fragmented after it ran out; and an unusable engine has no model.
            if isinstance(error, EngineUnusable) or error.code == OutOfMemory.code:
                self.close()
            raise  # the engine has ended the job itself
        except BaseException:
            if not self._cancel(self._process):
                self.close()
            raise

    def _cancel(self, process: EngineProcess) -> bool:
        """Ask the engine to drop its job; return whether it did so in time."""
        if not process.is_running:
            return False
        process.send(Cancel())
        deadline = time.monotonic() + CANCEL_GRACE_SECONDS
        with contextlib.suppress(EngineCrashed, EngineUnusable):
            while (left := deadline - time.monotonic()) > 0:
                if isinstance(process.receive(left), _ENDS_A_JOB):
                    return True
        return False


def _longest_silence() -> float:
    return LONGEST_SILENCE_SECONDS
