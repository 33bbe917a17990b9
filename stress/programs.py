"""Programs that run until they are stopped: started, killed, and started again after they have ended."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests import stage
from tests.stage import ROOT, end


@dataclass(frozen=True)
class Death:
    """A killed process, and the time of the kill by the monotonic clock."""

    name: str
    moment: float


@dataclass
class Program:
    """One process under supervision. What it prints goes to `log`, which keeps that of all its runs."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    faults: list[str] = field(default_factory=list)
    deaths: list[Death] = field(default_factory=list)
    excuse: str = ""  # what its log ends with if it could not start, which is no fault then
    excused: int = 0
    process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start it."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, cwd=ROOT, env=self.environment, stdout=log, stderr=log, text=True
            )

    def mind(self) -> None:
        """Start it again if it has ended without a kill, which is a fault."""
        self._note_ending()
        if self.process is None or self.process.poll() is not None:
            self.start()

    def kill(self) -> None:
        """Kill it, and start it again at once."""
        assert self.process
        self._note_ending()
        self.deaths.append(Death(self.name, time.monotonic()))
        self.process.kill()
        self.process.wait()
        self.start()

    def kill_child(self, pid: int) -> None:
        """Kill one of its children, which it starts again itself."""
        self.deaths.append(Death(f"child of {self.name}", time.monotonic()))
        with contextlib.suppress(ProcessLookupError):  # it has ended meanwhile
            os.kill(pid, signal.SIGKILL)

    def children(self) -> list[int]:
        """Return the process numbers of its children; none without /proc."""
        try:
            return sorted(stage.engines_of(self.process)) if self.process else []
        except (OSError, ValueError):
            return []

    def stop(self) -> None:
        """Ask it to stop, and wait; another exit code than 0 is a fault."""
        if self.process is None:
            return
        self._note_ending()
        try:
            end(self.process)
        except subprocess.TimeoutExpired:
            self.faults.append(f"{self.name} did not stop when it was asked to")
        else:
            if self.process.returncode:
                self.faults.append(f"{self.name} was stopped and ended with {self.process.returncode}")
        self.process = None

    def _note_ending(self) -> None:
        code = self.process.poll() if self.process else None
        if code is None:
            return
        if self.excuse and self.excuse in self._last_words():
            self.excused += 1
        else:
            self.faults.append(f"{self.name} ended by itself with {code}")

    def _last_words(self) -> str:
        return self.log.read_bytes()[-500:].decode("utf-8", "replace").strip().rpartition("\n")[2]
