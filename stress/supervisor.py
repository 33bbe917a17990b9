"""Runs the Procfile's processes, kills them, and restarts ended ones, as a supervisor does."""

from __future__ import annotations

import contextlib
import os
import random
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from shared.locks import FileLock
from tests import stage
from tests.stage import ROOT, Stage, end

WORKER, ENGINE, INBOX, CAPTURE, WEB = "worker", "engine", "inbox", "capture", "web"
TARGETS = (WORKER, ENGINE, INBOX, CAPTURE, WEB)


def procfile(path: Path = ROOT / "Procfile") -> dict[str, list[str]]:
    """Return the commands of a Procfile by name, with this Python."""
    lines = (line.split(":", 1) for line in path.read_text("utf-8").splitlines() if ":" in line)
    commands = {name.strip(): shlex.split(command) for name, command in lines}
    return {name: [sys.executable, *rest] for name, (_, *rest) in commands.items()}


@dataclass(frozen=True)
class Death:
    """A killed process, and the time of the kill by the monotonic clock."""

    name: str
    moment: float


@dataclass
class Supervisor:
    """The processes of one home; a context manager that stops them at its end.

    If this process is killed, they find its lock free and stop.
    """

    stage: Stage
    logs: Path
    faults: list[str] = field(default_factory=list)
    deaths: list[Death] = field(default_factory=list)
    _running: dict[str, subprocess.Popen[str]] = field(default_factory=dict)
    _files: dict[str, IO[bytes]] = field(default_factory=dict)

    def __enter__(self) -> Supervisor:
        self.logs.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(self.logs / "supervisor.lock")
        self._lock.acquire()
        try:
            for name in procfile():
                self._files[name] = self.log_of(name).open("ab")
                self._start(name)
            kinds = {WORKER, INBOX, CAPTURE}
            self.stage.wait_for(lambda: kinds <= set(self.stage.running()), "the processes")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for name, process in self._running.items():
            self._note_ending(name)
            end(process)
            if process.returncode:
                self.faults.append(f"{name} was stopped and ended with {process.returncode}")
            self._files[name].close()
        self._lock.release()

    def log_of(self, name: str) -> Path:
        """Return the log of the processes of that name."""
        return self.logs / f"{name}.log"

    def kill(self, wanted: str, chance: random.Random) -> str:
        """Kill a process, or another one if it does not run; return its name."""
        self.mind()
        for target in (wanted, *chance.sample(TARGETS, len(TARGETS))):
            if target != ENGINE:
                self._kill(target)
                return target
            if engines := engines_of(self._running[WORKER]):
                self.deaths.append(Death(ENGINE, time.monotonic()))
                with contextlib.suppress(ProcessLookupError):  # it has ended meanwhile
                    os.kill(chance.choice(engines), signal.SIGKILL)
                return ENGINE
        raise AssertionError("there is always a worker")

    def mind(self) -> None:
        """Restart processes that have ended without a kill, which is a fault."""
        for name in self._running:
            self._note_ending(name)
            if self._running[name].poll() is not None:
                self._start(name)

    def _kill(self, name: str) -> None:
        self.deaths.append(Death(name, time.monotonic()))
        self._running[name].kill()
        self._running[name].wait()
        self._start(name)

    def _start(self, name: str) -> None:
        env = self.stage.environment | {"OFFHOOK_STARTER_LOCK": str(self._lock.path)}
        self._running[name] = subprocess.Popen(
            procfile()[name], cwd=ROOT, env=env, stderr=self._files[name], text=True
        )

    def _note_ending(self, name: str) -> None:
        code = self._running[name].poll()
        if code is not None:
            self.faults.append(f"{name} ended by itself with {code}")


def engines_of(worker: subprocess.Popen[str]) -> list[int]:
    """Return the process numbers of a worker's engines; none without /proc."""
    try:
        return sorted(stage.engines_of(worker))
    except (OSError, ValueError):
        return []
