"""How an engine process ended, in words: its signal or exit code, and its last lines on stderr."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import threading
from collections import deque

from shared.errors import EngineCrashed, OutOfMemory
from transcribe_worker import memory

#: Lines of stderr that are kept.
LAST_LINES = 20


class ProcessExit:
    """Reads a process's stderr, passes it on, and says why the process ended."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._last_lines: deque[str] = deque(maxlen=LAST_LINES)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def error(self) -> EngineCrashed:
        """Return the error for a process that has closed its pipe; its code says whether memory ran out."""
        how = self._how()
        self._reader.join(timeout=1)
        if not memory.says_so(" ".join(self._last_lines)):
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

    def _read(self) -> None:
        assert self._process.stderr
        with contextlib.suppress(OSError, ValueError):
            for line in self._process.stderr:
                self._last_lines.append(line)
                with contextlib.suppress(OSError, ValueError):  # go on reading, or the process would block
                    sys.stderr.write(line)


def exit_in_words(code: int) -> str:
    """Say how a process ended: the name of a signal, or an exit code as its system writes it."""
    if code < 0:
        try:
            return signal.Signals(-code).name
        except ValueError:
            return f"signal {-code}"
    return f"exit code 0x{code:08X}" if code > 0xFFFF else f"exit code {code}"
