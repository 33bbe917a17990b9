"""Runs the Procfile's processes, kills them, and restarts ended ones, as a supervisor does."""

from __future__ import annotations

import random
import shlex
import sys
from dataclasses import dataclass, field
from pathlib import Path

from shared.locks import FileLock
from stress.programs import Death, Program
from tests.stage import ROOT, Stage

WORKER, ENGINE, INBOX, CAPTURE, WEB, OUTBOX = "worker", "engine", "inbox", "capture", "web", "outbox"
TARGETS = (WORKER, ENGINE, INBOX, CAPTURE, WEB, OUTBOX)


def procfile(path: Path = ROOT / "Procfile") -> dict[str, list[str]]:
    """Return the commands of a Procfile by name, with this Python."""
    lines = (line.split(":", 1) for line in path.read_text("utf-8").splitlines() if ":" in line)
    commands = {name.strip(): shlex.split(command) for name, command in lines}
    return {name: [sys.executable, *rest] for name, (_, *rest) in commands.items()}


@dataclass
class Supervisor:
    """The processes of one home; a context manager that stops them at its end.

    If this process is killed, they find its lock free and stop.
    """

    stage: Stage
    logs: Path
    faults: list[str] = field(default_factory=list)
    deaths: list[Death] = field(default_factory=list)
    _programs: dict[str, Program] = field(default_factory=dict)

    def __enter__(self) -> Supervisor:
        self.logs.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(self.logs / "supervisor.lock")
        self._lock.acquire()
        environment = self.stage.environment | {"OFFHOOK_STARTER_LOCK": str(self._lock.path)}
        try:
            for name, command in procfile().items():
                log = self.log_of(name)
                program = Program(name, command, environment, log, self.faults, self.deaths)
                program.start()
                self._programs[name] = program
            kinds = {WORKER, INBOX, CAPTURE}
            self.stage.wait_for(lambda: kinds <= set(self.stage.running()), "the processes")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for program in self._programs.values():
            program.stop()
        self._lock.release()

    def log_of(self, name: str) -> Path:
        """Return the log of the processes of that name."""
        return self.logs / f"{name}.log"

    def kill(self, wanted: str, chance: random.Random) -> str:
        """Kill a process, or another one if it does not run; return its name."""
        self.mind()
        for target in (wanted, *chance.sample(TARGETS, len(TARGETS))):
            if target != ENGINE:
                self._programs[target].kill()
                return target
            if engines := self._programs[WORKER].children():
                self._programs[WORKER].kill_child(chance.choice(engines))
                return ENGINE
        raise AssertionError("there is always a worker")

    def mind(self) -> None:
        """Restart processes that have ended without a kill, which is a fault."""
        for program in self._programs.values():
            program.mind()
