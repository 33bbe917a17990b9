"""How an engine process ended, in words: its signal or exit code, and what it said last."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import threading
from collections import deque

from shared.errors import EngineCrashed, OutOfMemory
from transcribe_worker import memory

#: So many lines of what a process says last are kept.
LAST_WORDS = 20


class ProcessExit:
    """Listens to a process's stderr, passes it on, and tells in the end what the process died of."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._last_words: deque[str] = deque(maxlen=LAST_WORDS)
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def error(self) -> EngineCrashed:
        """The error for a process that has closed its pipe; its code tells whether memory was wanting."""
        how = self._how()
        self._listener.join(timeout=1)
        if not memory.says_so(" ".join(self._last_words)):
            return EngineCrashed(f"The engine process died ({how}).")
        error = EngineCrashed(
            f"The engine process ran out of memory and died ({how}). "
            "Raise engine_memory_gb, or take a smaller model."
        )
        error.code = OutOfMemory.code
        return error

    def _how(self) -> str:
        try:
            return exit_in_words(self._process.wait(timeout=5))
        except subprocess.TimeoutExpired:
            return "its pipe broke"

    def _listen(self) -> None:
        assert self._process.stderr
        with contextlib.suppress(OSError, ValueError):
            for line in self._process.stderr:
                self._last_words.append(line)
                with contextlib.suppress(OSError, ValueError):  # read on, or the process would wait for it
                    sys.stderr.write(line)


def exit_in_words(code: int) -> str:
    """Say how a process ended: the name of a signal, or an exit code as its system writes it."""
    if code < 0:
        try:
            return signal.Signals(-code).name
        except ValueError:
            return f"signal {-code}"
    return f"exit code 0x{code:08X}" if code > 0xFFFF else f"exit code {code}"
