"""A running engine: a child process that takes commands and sends events over its pipes."""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence

from shared.errors import EngineCrashed, EngineUnusable
from shared.privacy import TELEMETRY_OFF
from shared.windows import CREATE_NEW_PROCESS_GROUP, CREATE_NO_WINDOW, creation_flags
from transcribe_worker.engine.exits import ProcessExit
from transcribe_worker.engine.messages import (
    Command,
    Event,
    MalformedMessage,
    OtherProtocol,
    Unknown,
    decode,
    encode,
)

COMMAND = (sys.executable, "-m", "transcribe_worker.recognizer")
#: faster-whisper would ask huggingface.co for the tokenizer of a model that has none, in every engine.
OFFLINE = {"HF_HUB_OFFLINE": "1"}
#: Spectrograms are small, and several threads wait for each other longer than one of them takes.
ONE_BLAS_THREAD = {"OPENBLAS_NUM_THREADS": "1"}
#: For glibc's malloc; what a user has set stays. A heap for each thread takes 100 MB more and is no faster.
#: Blocks of 8 MB and more go back to the system when they are freed: in the heap they leave holes of 70 MB.
#: With 2 MB and more, a recording with pauses takes a seventh longer. Huge pages are cheaper to get.
HEAP = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": str(8 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(16 << 20),
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
}
#: Ctrl-C reaches the worker alone, and no window opens where the worker has no console.
OWN_CONSOLE = CREATE_NEW_PROCESS_GROUP | CREATE_NO_WINDOW

Popen = Callable[..., "subprocess.Popen[str]"]
#: None says that the pipe is closed.
Received = Event | Unknown | EngineCrashed | EngineUnusable | None


class EngineProcess:
    """One engine process. Raises EngineUnusable if it cannot be started."""

    def __init__(self, command: Sequence[str] = COMMAND, popen: Popen = subprocess.Popen) -> None:
        try:
            self._process = popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
                env=HEAP | os.environ | TELEMETRY_OFF | OFFLINE | ONE_BLAS_THREAD,
                creationflags=creation_flags(OWN_CONSOLE),
            )
        except OSError as error:
            raise EngineUnusable(f"The engine cannot be started: {error.strerror}.") from error
        self._events: queue.Queue[Received] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        self._exit = ProcessExit(self._process)

    @property
    def pid(self) -> int:
        """Its process number."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the process has not ended."""
        return self._process.poll() is None

    def send(self, command: Command) -> None:
        """Send a command; if the engine has ended, `receive` says so."""
        assert self._process.stdin
        with contextlib.suppress(OSError):
            self._process.stdin.write(encode(command))
            self._process.stdin.flush()

    def receive(self, timeout_seconds: float) -> Event | Unknown | None:
        """Return the next event, None if there is none yet. Raises EngineCrashed and EngineUnusable."""
        try:
            received = self._events.get(timeout=timeout_seconds)
        except queue.Empty:
            return None
        if received is None:
            raise self._exit.error()
        if isinstance(received, EngineCrashed | EngineUnusable):
            raise received
        return received

    def kill(self) -> None:
        """End the process, whatever it is doing."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _read(self) -> None:
        """Pass the engine's events on until its pipe is closed."""
        assert self._process.stdout
        with contextlib.suppress(OSError, ValueError):
            for line in self._process.stdout:
                self._events.put(_received(line))
        self._events.put(None)


def _received(line: str) -> Received:
    try:
        return decode(line)  # type: ignore[return-value]
    except OtherProtocol as error:
        return EngineUnusable(
            f"The engine is of another version of offhook. {error} Stop the worker and start it again."
        )
    except MalformedMessage as error:
        return EngineCrashed(f"The engine sent what is not a message. {error}")
