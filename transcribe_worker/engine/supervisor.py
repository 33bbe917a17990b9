"""The engine: a child process with the model in it, supervised over a pipe.

Inference may abort a whole process, and a thread in native code cannot be interrupted. A child can
be killed: a crash or a cancelled recording costs an engine, never the worker.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from shared.errors import BadRecording, EngineCrashed, EngineFailed, EngineUnusable, OutOfMemory
from shared.privacy import TELEMETRY_OFF
from shared.windows import CREATE_NEW_PROCESS_GROUP, CREATE_NO_WINDOW, creation_flags
from transcribe_worker.engine.exits import ProcessExit
from transcribe_worker.engine.setup import Setup
from transcribe_worker.media.limits import RecordingLimits

COMMAND = (sys.executable, "-m", "transcribe_worker.recognizer")
#: Of a model without a tokenizer, faster-whisper would ask huggingface.co, in every engine anew.
OFFLINE = {"HF_HUB_OFFLINE": "1"}
#: Spectrograms are small, and several threads wait for each other longer than one of them takes.
ONE_BLAS_THREAD = {"OPENBLAS_NUM_THREADS": "1"}
#: glibc would keep a heap for each thread, and in each what was freed: 100 MB more, and no faster.
ONE_HEAP = {"MALLOC_ARENA_MAX": "1"}
#: So that Ctrl-C reaches the worker alone, and no window opens where the worker has no console.
OWN_CONSOLE = CREATE_NEW_PROCESS_GROUP | CREATE_NO_WINDOW
HEARTBEAT_SECONDS = 0.25
#: How long a cancelled engine may take to reach the end of a segment before it is killed.
CANCEL_GRACE_SECONDS = 1.0
LOAD_TRIES = 2
#: A job that makes no progress for so long hangs.
SILENCE_SECONDS = 120.0
#: A step of a large model on a slow machine may take longer. The first one, encoding, tells how slow it is;
#: the longest one, writing 448 tokens, was seen to take 8 times as long.
SILENCE_STEPS = 20
#: No step takes that long; nor does it take longer to load a model, which is no job.
LONGEST_SILENCE_SECONDS = 600.0


@dataclass(frozen=True)
class ModelChoice:
    """Which model to load, and how."""

    name: str
    folder: str
    device: str
    compute_type: str
    cpu_threads: int
    memory_gb: float = 0.0
    lanes: int = 0
    batch_size: int = 0
    measures: str = ""  # the file of what was measured; without one nothing is


@dataclass(frozen=True)
class Job:
    """What to decode, and from where: everything before `done_seconds` is decoded already."""

    path: Path
    options: Mapping[str, Any]
    stretch_seconds: float = 0.0
    done_seconds: float = 0.0
    allowance: RecordingLimits = field(default_factory=RecordingLimits)


@dataclass(frozen=True)
class Opened:
    """The recording is readable; `duration_seconds` is what its container says, if it does."""

    duration_seconds: float | None
    flags: list[str]


@dataclass(frozen=True)
class Decoded:
    """A stretch is decoded, with its windows, if there are any; their segments are ready to be stored."""

    start_seconds: float
    end_seconds: float
    language: str
    windows: list[dict[str, Any]]


@dataclass(frozen=True)
class Done:
    """The whole recording is decoded; `duration_seconds` is what was really in it.

    `spent` tells how many seconds finding speech took, and the model, in all threads together.
    """

    duration_seconds: float
    flags: list[str]
    spent: dict[str, float]


Event = Opened | Decoded | Done
EVENTS: dict[str, Callable[..., Event]] = {"opened": Opened, "stretch": Decoded, "done": Done}
_IN_PASSING = ("advanced", "setup", "reloading")
_SETTLED = ("done", "failed", "cancelled")


class Engine:
    """One engine process, started when needed and started again when it has died."""

    def __init__(
        self,
        command: Sequence[str] = COMMAND,
        popen: Callable[..., subprocess.Popen[str]] = subprocess.Popen,
        silence_seconds: float = SILENCE_SECONDS,
        note: Callable[[Setup], None] = lambda setup: None,
    ) -> None:
        self._command, self._popen, self._silence_seconds = command, popen, silence_seconds
        self._note = note  # told how the engine uses the machine, and when that changes
        self._process: subprocess.Popen[str] | None = None
        self._messages: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._ending: ProcessExit | None = None
        self._loaded: ModelChoice | None = None
        self._longest_step_seconds = 0.0

    @property
    def pid(self) -> int | None:
        """The process number of the engine, while it runs."""
        return self._process.pid if self._process else None

    def load(self, choice: ModelChoice, heartbeat: Callable[[], None] = lambda: None) -> None:
        """Have the model in memory. Raises EngineUnusable, and whatever `heartbeat` raises."""
        if self._loaded == choice and self._lives():
            return None
        for _ in range(LOAD_TRIES):
            try:
                return self._load(choice, heartbeat)
            except EngineCrashed as crash:  # once may be an accident, or somebody who killed it
                error: EngineCrashed | EngineFailed = crash
            except EngineFailed as failure:
                error = failure
                break
        raise EngineUnusable(f"The model {choice.name} cannot be loaded: {error}") from error

    def transcribe(self, job: Job, heartbeat: Callable[[], None]) -> Generator[Event, None, None]:
        """Decode a recording, yielding events as they come; `load` comes first.

        `heartbeat` is called several times a second and ends the job by raising. Raises
        BadRecording, EngineFailed and EngineCrashed.
        """
        with self._abandoned_on_error():
            self._send(
                "transcribe",
                path=str(job.path),
                options=dict(job.options),
                stretch_seconds=job.stretch_seconds,
                done_seconds=job.done_seconds,
                allowance=asdict(job.allowance),
            )
            while True:
                message = self._receive(heartbeat, self._silence_allowed)
                event = EVENTS[message.pop("event")](**message)
                yield event
                if isinstance(event, Done):
                    return

    def close(self) -> None:
        """End the engine process, whatever it is doing."""
        process, self._process, self._loaded = self._process, None, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _load(self, choice: ModelChoice, heartbeat: Callable[[], None]) -> None:
        if not self._lives():
            self._start()
        self._loaded = None  # the engine forgets its model before it loads another
        with self._abandoned_on_error():
            how = {name: value for name, value in choice.__dict__.items() if name != "name"}
            self._send("load", **how)
            self._expect("ready", heartbeat)
        self._loaded, self._longest_step_seconds = choice, 0.0

    def _silence_allowed(self) -> float:
        """How long a job may go without progress, in seconds: longer where the model has been slow."""
        steps = SILENCE_STEPS * self._longest_step_seconds
        return max(self._silence_seconds, min(steps, LONGEST_SILENCE_SECONDS))

    def _lives(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _start(self) -> None:
        self.close()
        try:
            self._process = self._popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
                env=os.environ | TELEMETRY_OFF | OFFLINE | ONE_BLAS_THREAD | ONE_HEAP,
                creationflags=creation_flags(OWN_CONSOLE),
            )
        except OSError as error:
            raise EngineUnusable(f"The engine cannot be started: {error.strerror}.") from error
        self._messages = queue.Queue()
        threading.Thread(target=_read, args=(self._process, self._messages), daemon=True).start()
        self._ending = ProcessExit(self._process)

    def _send(self, do: str, **arguments: Any) -> None:
        assert self._process
        assert self._process.stdin
        try:
            self._process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
            self._process.stdin.flush()
        except OSError:  # the engine is gone; the end of its messages will say so
            pass

    def _expect(self, event: str, heartbeat: Callable[[], None]) -> None:
        while self._receive(heartbeat, _longest_silence)["event"] != event:
            pass

    def _receive(self, heartbeat: Callable[[], None], allowed_seconds: Callable[[], float]) -> dict[str, Any]:
        """Wait for the next message, keeping the heartbeat going."""
        silence, usually_allowed = 0.0, allowed_seconds
        while silence <= allowed_seconds():
            heartbeat()
            try:
                message = self._messages.get(timeout=HEARTBEAT_SECONDS)
            except queue.Empty:
                # Counted in looks, not by the clock: a machine that slept has taken one look.
                silence += HEARTBEAT_SECONDS
                continue
            if message is None:
                assert self._ending
                raise self._ending.error()
            if message["event"] == "failed":
                raise _error(message)
            event, silence, allowed_seconds = message["event"], 0.0, usually_allowed
            if event not in _IN_PASSING:
                return message
            if event == "advanced":
                self._longest_step_seconds = max(self._longest_step_seconds, message["step_seconds"])
            elif event == "setup":
                self._note(Setup(**{name: value for name, value in message.items() if name != "event"}))
            else:
                allowed_seconds = _longest_silence
        raise EngineCrashed(f"The engine made no progress for {allowed_seconds():.0f} s and was ended.")

    @contextlib.contextmanager
    def _abandoned_on_error(self) -> Iterator[None]:
        """Leave an engine that is ready for the next job, or none."""
        try:
            yield
        except (BadRecording, EngineFailed, EngineUnusable) as error:
            # What is left of its memory may be in pieces; or it has no model any more.
            if isinstance(error, EngineUnusable) or error.code == OutOfMemory.code:
                self.close()
            raise  # the engine has settled the job itself
        except BaseException:
            if not self._cancel():
                self.close()
            raise

    def _cancel(self) -> bool:
        """Ask the engine to drop its job; say whether it did so in time."""
        if not self._lives():
            return False
        self._send("cancel")
        deadline = time.monotonic() + CANCEL_GRACE_SECONDS
        while (left := deadline - time.monotonic()) > 0:
            with contextlib.suppress(queue.Empty):
                message = self._messages.get(timeout=left)
                if message is None:
                    return False
                if message["event"] in _SETTLED:
                    return True
        return False


def _longest_silence() -> float:
    return LONGEST_SILENCE_SECONDS


def _read(process: subprocess.Popen[str], messages: queue.Queue[dict[str, Any] | None]) -> None:
    """Pass the engine's messages on; None says that there will be no more."""
    assert process.stdout
    with contextlib.suppress(OSError, ValueError):
        for line in process.stdout:
            messages.put(json.loads(line))
    messages.put(None)


def _error(message: Mapping[str, Any]) -> BadRecording | EngineFailed | EngineUnusable:
    """Rebuild the engine's error with the code it had there."""
    kinds = {EngineUnusable.code: EngineUnusable}
    kind = BadRecording if message["bad_input"] else kinds.get(message["code"], EngineFailed)
    error = kind(message["message"])
    error.code = message["code"]
    return error
