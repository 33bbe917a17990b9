"""The engine: a child process with the model in it, supervised over a pipe.

Inference may abort a whole process, and a thread in native code cannot be interrupted. A child can
be killed: a crash or a cancelled recording costs an engine, never the worker.
"""

from __future__ import annotations

import contextlib
import json
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.errors import BadRecording, EngineCrashed, EngineFailed, EngineUnusable

COMMAND = (sys.executable, "-m", "transcribe_worker.recognizer")
HEARTBEAT_SECONDS = 0.25
#: How long a cancelled engine may take to reach the end of a segment before it is killed.
CANCEL_GRACE_SECONDS = 1.0
LOAD_TRIES = 2
#: An engine that says nothing for so long hangs; one window of a large model on a slow machine takes less.
SILENCE_SECONDS = 600.0


@dataclass(frozen=True)
class ModelChoice:
    """Which model to load, and how."""

    name: str
    folder: str
    device: str
    compute_type: str
    cpu_threads: int


@dataclass(frozen=True)
class Job:
    """What to decode, and from where: everything before `done_seconds` is decoded already."""

    path: Path
    options: Mapping[str, Any]
    stretch_seconds: float = 0.0
    done_seconds: float = 0.0


@dataclass(frozen=True)
class Opened:
    """The recording is readable; `duration_seconds` is what its container says, if it does."""

    duration_seconds: float | None
    flags: list[str]


@dataclass(frozen=True)
class Heard:
    """Speech detection has come this far."""

    seconds: float


@dataclass(frozen=True)
class Decoded:
    """A window is decoded; its segments are dictionaries ready to be stored."""

    start_seconds: float
    end_seconds: float
    stretch_seconds: float
    language: str
    segments: list[dict[str, Any]]


@dataclass(frozen=True)
class Done:
    """The whole recording is decoded; `duration_seconds` is what was really in it."""

    duration_seconds: float
    flags: list[str]


Event = Opened | Heard | Decoded | Done
EVENTS: dict[str, Callable[..., Event]] = {"opened": Opened, "heard": Heard, "window": Decoded, "done": Done}
_SETTLED = ("done", "failed", "cancelled")


class Engine:
    """One engine process, started when needed and started again when it has died."""

    def __init__(
        self,
        command: Sequence[str] = COMMAND,
        popen: Callable[..., subprocess.Popen[str]] = subprocess.Popen,
        silence_seconds: float = SILENCE_SECONDS,
    ) -> None:
        self._command, self._popen, self._silence_seconds = command, popen, silence_seconds
        self._process: subprocess.Popen[str] | None = None
        self._messages: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._loaded: ModelChoice | None = None

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
            )
            while True:
                message = self._receive(heartbeat)
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
        for pipe in (process.stdin, process.stdout):
            if pipe:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _load(self, choice: ModelChoice, heartbeat: Callable[[], None]) -> None:
        if not self._lives():
            self._start()
        with self._abandoned_on_error():
            how = {name: value for name, value in choice.__dict__.items() if name != "name"}
            self._send("load", **how)
            self._expect("ready", heartbeat)
        self._loaded = choice

    def _lives(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _start(self) -> None:
        self.close()
        flags = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)  # so that Ctrl-C reaches the worker alone
        try:
            self._process = self._popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                encoding="utf-8",
                creationflags=flags,
            )
        except OSError as error:
            raise EngineUnusable(f"The engine cannot be started: {error.strerror}.") from error
        self._messages = queue.Queue()
        threading.Thread(target=_read, args=(self._process, self._messages), daemon=True).start()

    def _send(self, do: str, **arguments: Any) -> None:
        assert self._process
        assert self._process.stdin
        try:
            self._process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
            self._process.stdin.flush()
        except OSError:  # the engine is gone; the end of its messages will say so
            pass

    def _expect(self, event: str, heartbeat: Callable[[], None]) -> None:
        while self._receive(heartbeat)["event"] != event:
            pass

    def _receive(self, heartbeat: Callable[[], None]) -> dict[str, Any]:
        """Wait for the next message, keeping the heartbeat going."""
        deadline = time.monotonic() + self._silence_seconds
        while True:
            heartbeat()
            try:
                message = self._messages.get(timeout=HEARTBEAT_SECONDS)
            except queue.Empty:
                if time.monotonic() > deadline:
                    raise EngineCrashed(
                        f"The engine said nothing for {self._silence_seconds:.0f} s and was ended."
                    ) from None
                continue
            if message is None:
                raise EngineCrashed(f"The engine process died ({self._ending()}).")
            if message["event"] == "failed":
                raise _error(message)
            return message

    @contextlib.contextmanager
    def _abandoned_on_error(self) -> Iterator[None]:
        """Leave an engine that is ready for the next job, or none."""
        try:
            yield
        except (BadRecording, EngineFailed):
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

    def _ending(self) -> str:
        assert self._process
        try:
            code = self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            return "its pipe broke"
        return exit_in_words(code)


def exit_in_words(code: int) -> str:
    """Say how a process ended: the name of a signal, or an exit code as its system writes it."""
    if code < 0:
        try:
            return signal.Signals(-code).name
        except ValueError:
            return f"signal {-code}"
    return f"exit code 0x{code:08X}" if code > 0xFFFF else f"exit code {code}"


def _read(process: subprocess.Popen[str], messages: queue.Queue[dict[str, Any] | None]) -> None:
    """Pass the engine's messages on; None says that there will be no more."""
    assert process.stdout
    with contextlib.suppress(OSError, ValueError):
        for line in process.stdout:
            messages.put(json.loads(line))
    messages.put(None)


def _error(message: Mapping[str, Any]) -> BadRecording | EngineFailed:
    """Rebuild the engine's error with the code it had there."""
    kind = BadRecording if message["bad_input"] else EngineFailed
    error = kind(message["message"])
    error.code = message["code"]
    return error
