"""A process that reads a recording for the desk: its peaks, and on demand a copy that every browser plays.

Its command is one JSON object on stdin; it ends when stdin is closed. Its events are JSON objects on stdout,
one a line. No native code is loaded here.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from shared.errors import OffhookError
from shared.privacy import TELEMETRY_OFF
from shared.settings import Settings
from shared.windows import CREATE_NO_WINDOW, creation_flags
from transcribe_worker.engine.child import ONE_BLAS_THREAD
from transcribe_worker.media.limits import RecordingLimits

COMMAND = (sys.executable, "-m", "transcribe_worker.playback")


class PreparationFailed(OffhookError):
    """The recording could not be prepared for the browser."""

    code = "preparation_failed"


@dataclass(frozen=True)
class Wanted:
    """Read the recording at `path`, and write a copy of it to `copy` if there is one.

    `is_split`: its two channels are known to be the two sides of a call.
    """

    path: Path
    copy: Path | None = None
    is_split: bool = False
    limits: RecordingLimits = RecordingLimits()

    @classmethod
    def of(cls, settings: Settings, path: Path, copy: Path | None, *, is_split: bool) -> Wanted:
        """Return what is wanted of a recording, within the limits of the settings."""
        return cls(path, copy, is_split, RecordingLimits.of(settings))

    def as_json(self) -> str:
        """Write it as one line."""
        return json.dumps(asdict(self), default=str) + "\n"

    @classmethod
    def from_json(cls, line: str) -> Wanted:
        """Read it from its line."""
        found = json.loads(line)
        limits = RecordingLimits(**found["limits"])
        copy = Path(found["copy"]) if found["copy"] else None
        return cls(Path(found["path"]), copy, found["is_split"], limits)


@dataclass(frozen=True)
class Measured:
    """The next peaks of each side, and how far the whole is, from 0 to 1."""

    ticks_per_second: int
    peaks: tuple[bytes, ...]
    progress: float

    def as_json(self) -> dict[str, Any]:
        """Write it as an object for JSON."""
        return {**asdict(self), "peaks": [side.hex() for side in self.peaks]}

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> Measured:
        """Read it from an object. Raises KeyError, ValueError, TypeError."""
        peaks = tuple(bytes.fromhex(side) for side in found["peaks"])
        return cls(int(found["ticks_per_second"]), peaks, float(found["progress"]))


class Preparation:
    """One such process; it gives itself a low priority. Raises PreparationFailed if it cannot be started."""

    def __init__(self, wanted: Wanted, command: Sequence[str] = COMMAND) -> None:
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                encoding="utf-8",
                env=os.environ | TELEMETRY_OFF | ONE_BLAS_THREAD,
                creationflags=creation_flags(CREATE_NO_WINDOW),
            )
        except OSError as error:
            raise PreparationFailed(f"No process can be started: {error.strerror}.") from error
        with contextlib.suppress(OSError):  # it has ended; its events say so
            assert self._process.stdin
            self._process.stdin.write(wanted.as_json())
            self._process.stdin.flush()

    def events(self) -> Iterator[Measured]:
        """Yield what is measured until all is read, and the copy is whole. Raises PreparationFailed."""
        assert self._process.stdout
        with contextlib.suppress(OSError, ValueError):  # the pipe was closed by `end`
            for line in self._process.stdout:
                found = json.loads(line)
                if "done" in found:
                    return
                if "error" in found:
                    raise PreparationFailed(found["error"])
                yield Measured.from_json(found)
        raise PreparationFailed("The process that read the recording has ended before it was done.")

    def end(self) -> None:
        """End the process, whatever it is doing."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                assert pipe
                pipe.close()
