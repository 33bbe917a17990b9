"""Lists the audio devices in a child process: the list of an open audio system may be frozen.

Nothing here waits: `ask()` starts a child, and a later `answer()` returns what it found.
"""

from __future__ import annotations

import contextlib
import logging
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from capture_worker.audio.listing import from_json
from capture_worker.audio.source import Device
from shared.windows import CREATE_NO_WINDOW, creation_flags

log = logging.getLogger(__name__)

FIRST_SECONDS, EVERY_SECONDS = 1.0, 15.0
PATIENCE_SECONDS = 10.0
LISTING = (sys.executable, "-m", "capture_worker.audio.listing")
ROOT = Path(__file__).parents[2]  # where `-m` finds the listing


class DeviceProbe:
    """Lists the devices in short-lived child processes, one at a time, at most every `every_seconds`."""

    def __init__(
        self,
        command: Sequence[str] = LISTING,
        *,
        every_seconds: float = EVERY_SECONDS,
        popen: Callable[..., subprocess.Popen[bytes]] = subprocess.Popen,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._command, self._every_seconds = command, every_seconds
        self._popen, self._monotonic = popen, monotonic
        self._started_seconds, self._wait_seconds = float("-inf"), 0.0
        self._child: tuple[subprocess.Popen[bytes], IO[bytes]] | None = None

    def ask(self) -> None:
        """Start a child, unless one runs or the last one was started too recently."""
        now = self._monotonic()
        if getattr(sys, "frozen", False):  # sys.executable is the embedding program, not Python
            return
        if self._child or now - self._started_seconds < self._wait_seconds:
            return
        self._started_seconds = now
        self._wait_seconds = min(max(2 * self._wait_seconds, FIRST_SECONDS), self._every_seconds)
        output = tempfile.TemporaryFile()  # noqa: SIM115 - a pipe that is not read could fill up
        try:
            process = self._popen(
                self._command,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.DEVNULL,
                creationflags=creation_flags(CREATE_NO_WINDOW),  # or a console window flashes up
            )
            self._child = process, output
        except OSError as error:
            log.debug("the devices cannot be listed: %s", error)
            output.close()

    def hurry(self) -> None:
        """Allow the next child at once: something has just changed."""
        self._wait_seconds = 0.0

    def answer(self) -> list[Device] | None:
        """Return a child's list, once; None if it still runs or has failed. Kills a child that hangs."""
        if self._child is None:
            return None
        child, output = self._child
        code = child.poll()
        if code is None:
            if self._monotonic() - self._started_seconds > PATIENCE_SECONDS:
                child.kill()
            return None
        self._child = None
        with output:
            output.seek(0)
            return _devices(code, output.read())

    def close(self) -> None:
        """Kill the child, if one runs; `ask` may start another."""
        if self._child:
            (child, output), self._child = self._child, None
            with output, contextlib.suppress(subprocess.TimeoutExpired):
                child.kill()
                child.wait(1)  # reaps it


def _devices(code: int, text: bytes) -> list[Device] | None:
    try:
        if code == 0:
            return from_json(text)
        log.debug("listing the devices ended with exit code %d", code)
    except (ValueError, TypeError) as error:
        log.debug("listing the devices gave no list: %s", error)
    return None
