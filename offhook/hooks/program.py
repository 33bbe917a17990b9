"""Runs a program of the user's own with a message on its standard input, and ends it with its children.

No shell is in between, and nothing of a record is an argument, so a title is never a command.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from offhook.hooks.outcome import Outcome
from shared.errors import in_words
from shared.windows import CREATE_NEW_PROCESS_GROUP, CREATE_NO_WINDOW, creation_flags

TIMEOUT_SECONDS = 60.0
#: How much of what a failed program writes to stderr is kept.
KEPT_CHARACTERS = 2_000
_KEPT_BYTES = 4 * KEPT_CHARACTERS
_LOOK_SECONDS = 0.1
_LAST_WORDS_SECONDS = 1.0
_OWN_GROUP = CREATE_NEW_PROCESS_GROUP | CREATE_NO_WINDOW
#: What a program gets of the environment: how to find others, where its user's files and screen are.
_PASSED = (
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR"),
    *("DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS"),
    *("SYSTEMROOT", "SYSTEMDRIVE", "COMSPEC", "PATHEXT", "TEMP", "TMP", "USERNAME", "USERPROFILE"),
    *("APPDATA", "LOCALAPPDATA", "PROGRAMDATA", "PROGRAMFILES"),
)


def run(
    command: Sequence[str],
    body: bytes,
    folder: Path,
    environment: Mapping[str, str],
    stopping: threading.Event,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> Outcome | None:
    """Run a program in `folder`; None if it was ended because offhook stops. Exit code 0 is success."""
    try:
        process = _start(command, folder, environment)
    except (OSError, ValueError) as error:
        return Outcome(error=f"The program cannot be started: {in_words(error)}.")
    assert process.stdin
    assert process.stderr
    threading.Thread(target=_write, args=(process.stdin, body), daemon=True).start()
    last = _Tail(process.stderr)
    last.start()
    try:
        code = _ended(process, timeout_seconds, stopping)
    finally:
        _end_with_children(process)
    last.join(_LAST_WORDS_SECONDS)
    if code is None and stopping.is_set():
        return None
    return _outcome(code, last.text(), timeout_seconds)


def environment(given: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a program: what it needs of `given`, and what offhook tells it."""
    passed = {name: value for name, value in given.items() if name.upper() in _PASSED or name[:3] == "LC_"}
    return {**passed, **own}


def _start(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        list(command),
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
        creationflags=creation_flags(_OWN_GROUP),
    )


def _ended(process: subprocess.Popen[bytes], timeout_seconds: float, stopping: threading.Event) -> int | None:
    """Wait for a program and return its exit code, None if it has to be ended."""
    deadline = time.monotonic() + timeout_seconds
    while time.monotonic() < deadline and not stopping.is_set():
        with suppress(subprocess.TimeoutExpired):
            return process.wait(_LOOK_SECONDS)
    return None


def _end_with_children(process: subprocess.Popen[bytes]) -> None:
    """End a program and all that it has started, as far as it is in its group; also what it has left."""
    if sys.platform == "win32":
        if process.poll() is None:
            taskkill = Path(os.environ["SYSTEMROOT"]) / "System32" / "taskkill.exe"
            arguments = [str(taskkill), "/T", "/F", "/PID", str(process.pid)]
            flags = creation_flags(CREATE_NO_WINDOW)
            subprocess.run(arguments, capture_output=True, check=False, creationflags=flags)
            process.kill()
    else:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _outcome(code: int | None, last_words: str, timeout_seconds: float) -> Outcome:
    if code == 0:
        return Outcome(0)
    if code is None:
        what = f"It was ended after {timeout_seconds:g} s."
    else:
        what = f"It was ended by signal {-code}." if code < 0 else f"It ended with exit code {code}."
    return Outcome(code, f"{what} {last_words}".rstrip())


def _write(pipe: IO[bytes], body: bytes) -> None:
    """Give a program its message, of which it may read as much as it likes."""
    with suppress(OSError):
        with pipe:
            pipe.write(body)


class _Tail(threading.Thread):
    """Reads a pipe to its end and keeps the last of it."""

    def __init__(self, pipe: IO[bytes]) -> None:
        super().__init__(daemon=True)
        self._pipe, self._kept = pipe, b""

    def run(self) -> None:
        """Read, so that a program that writes much is not held up."""
        with suppress(OSError, ValueError), self._pipe:
            while chunk := os.read(self._pipe.fileno(), 1 << 16):
                self._kept = (self._kept + chunk)[-_KEPT_BYTES:]

    def text(self) -> str:
        """Return the last characters."""
        return self._kept.decode("utf-8", "replace").strip()[-KEPT_CHARACTERS:]
