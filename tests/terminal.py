"""A command of offhook in a terminal, as a person sees it."""

from __future__ import annotations

import os
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import pytest

from tests.stage import ROOT, Stage

PATIENCE_SECONDS = 20.0


@dataclass
class Terminal:
    """A command in a terminal of its own, and what it has shown so far."""

    process: subprocess.Popen[bytes]
    handle: int
    shown: str = ""
    _rest: bytes = field(default=b"")

    def look(self) -> bool:
        """Take in some of what has been shown since the last time; return whether there was any."""
        ready, _, _ = select.select([self.handle], [], [], 0.05)
        more = b""
        with suppress(OSError):  # the other end is closed
            more = os.read(self.handle, 1 << 16) if ready else b""
        self._rest += more
        self.shown = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", self._rest.decode(errors="ignore"))
        return bool(more)

    def wait_for(self, pattern: str) -> str:
        """Wait until something is shown."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (found := re.search(pattern, self.shown)):
            assert time.monotonic() < deadline, f"waited in vain for {pattern}: {self.shown}"
            self.look()
        return found[0]

    def ends(self) -> int:
        """Wait for the end of the command; return its exit code."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self.process.poll() is None:
            assert time.monotonic() < deadline, f"it goes on: {self.shown}"
            self.look()
        while self.look():  # a terminal gives a few kilobytes at a time
            pass
        return self.process.returncode

    def type(self, text: str) -> None:
        os.write(self.handle, text.encode())


@contextmanager
def terminal(stage: Stage, *arguments: str) -> Iterator[Terminal]:
    """Run a command in a terminal."""
    pty = pytest.importorskip("pty", reason="needs a pseudo-terminal")
    handle, inner = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "offhook", *arguments],
        cwd=ROOT,
        env=stage.environment | {"TERM": "xterm", "COLUMNS": "120", "LINES": "40"},
        stdin=inner,
        stdout=inner,
        stderr=inner,
        start_new_session=True,
    )
    os.close(inner)
    try:
        yield Terminal(process, handle)
    finally:
        process.kill()
        process.wait()
        os.close(handle)
