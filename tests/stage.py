"""A home with offhook's real processes in it, driven from the command line as a person would."""

from __future__ import annotations

import copy
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests import looks
from tests.voices import Call, write_wav

ROOT = Path(__file__).parents[1]
PATIENCE_SECONDS = 90.0
LIST_SECONDS = 2.0  # for so long a list is used again while nobody writes to the database
#: Settings of every stage, unless it has others; the tests fill it, measurements and campaigns do not.
DEFAULTS: dict[str, str] = {}
#: Several tests run at once. An engine with one thread spends no time on measuring the fastest split either.
ONE_THREAD = {"OFFHOOK_CPU_THREADS": "1"}
#: The words of an engine matter where a person would notice; its deaths are the same with a beam of one.
QUICK_WORDS = {"OFFHOOK_PRESET": "fast"}
#: As in a home that nobody has configured.
ALL_CORES = {"OFFHOOK_CPU_THREADS": "0"}
FINISHED = ("completed", "failed", "cancelled")
#: Runs a command with an environment, or returns None if it cannot now.
Runner = Callable[[Sequence[str], Mapping[str, str]], "subprocess.CompletedProcess[str] | None"]
#: What runs commands faster than a new interpreter does; the tests fill it, as above.
RUNNERS: list[Runner] = []

_lists: dict[Any, tuple[Any, float, list[dict[str, Any]]]] = {}


@dataclass(frozen=True)
class Stage:
    """A home, and what a person does with it."""

    home: Path
    settings: tuple[tuple[str, str], ...] = ()
    launcher: tuple[str, ...] = ()  # what starts each process, such as one that takes its rights away

    @property
    def inbox(self) -> Path:
        return self.home / "inbox"

    @property
    def database(self) -> Path:
        return self.home / "offhook.db"

    @property
    def environment(self) -> dict[str, str]:
        path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
        own = {"PATH": path, "OFFHOOK_HOME": str(self.home), "PYTHONUNBUFFERED": "1"}
        return {**os.environ, **own, **DEFAULTS, **dict(self.settings)}

    def offhook(self, *arguments: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a command and return how it went."""
        words = list(map(str, arguments))
        runners = RUNNERS if not self.launcher and not options else []
        for run in runners:
            if (done := run(words, self.environment)) is not None:
                return done
        command = [*self.launcher, sys.executable, "-m", "offhook", *words]
        given = {"capture_output": True, "encoding": "utf-8", "timeout": 120, "env": self.environment}
        return subprocess.run(command, **{**given, **options})

    def read(self, *arguments: str | Path) -> Any:
        """Run a reading command with --json and return what it says."""
        done = self.offhook(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def records(self) -> list[dict[str, Any]]:
        """All recordings as `offhook list` has them, the oldest first; listed again when somebody wrote."""
        signature, now = looks.signature(self.database), time.monotonic()
        known = _lists.get(self)
        if known is None or known[0] != signature or now > known[1] + LIST_SECONDS:
            known = (signature, now, self.read("list", "--limit", "1000")["records"][::-1])
            _lists[self] = known
        return copy.deepcopy(known[2])

    def record(self, title: str) -> dict[str, Any] | None:
        """The newest recording with a title."""
        return next((record for record in self.records()[::-1] if record["title"] == title), None)

    def wait_for(self, condition: Callable[[], Any], what: str) -> Any:
        """Wait until a condition holds and return what it returned."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (found := condition()):
            assert time.monotonic() < deadline, f"waited in vain for {what}; {self.records()}"
            time.sleep(0.1)
        return found

    def finished(self, title: str) -> dict[str, Any]:
        """Wait until a recording is finished, one way or another."""

        def look() -> bool:
            found = looks.newest(self.database, title)
            return found is not None and found[0] in FINISHED

        self.wait_for(look, f"{title} to be finished")
        return self._listed(title)

    def half_done(self, title: str) -> dict[str, Any]:
        """Wait until some of a recording is decoded, but not all of it."""

        def look() -> bool:
            found = looks.newest(self.database, title)
            assert found is None or found[0] in ("queued", "processing")
            return found is not None and found[1] > 0.2

        self.wait_for(look, "the first windows")
        return self._listed(title)

    def _listed(self, title: str) -> dict[str, Any]:
        record = self.record(title)
        assert record is not None
        return record

    def text(self, record: dict[str, Any]) -> str:
        """What was said in a recording."""
        return self.offhook("show", str(record["id"]), "--format", "txt").stdout

    def drop(self, path: Path, name: str | None = None) -> Path:
        """Drop a file into the inbox as a file manager does: whole, under its name at once."""
        self.inbox.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial = self.inbox / f".{path.name}"
        shutil.copyfile(path, partial)
        return partial.replace(self.inbox / (name or path.name))

    def drop_call(self, call: Call, name: str) -> Path:
        """Drop a call into the inbox as a WAV."""
        self.inbox.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial = self.inbox / f".{name}"
        write_wav(partial, call.samples)
        return partial.replace(self.inbox / name)

    @contextmanager
    def process(self, *module: str) -> Iterator[subprocess.Popen[str]]:
        """Run one of offhook's modules as a process, and end it in good order afterwards."""
        log = (self.home.parent / f"{module[-1]}.log").open("a")
        command = [*self.launcher, sys.executable, "-m", *module]
        process = subprocess.Popen(command, cwd=ROOT, env=self.environment, stderr=log, text=True)
        try:
            yield process
        finally:
            end(process)
            log.close()

    def running(self) -> list[str]:
        """The kinds of offhook's processes that run."""
        return looks.running(self.database, self.home / "locks")


def end(process: subprocess.Popen[str]) -> None:
    """Ask a process to stop, and make sure of it."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise


def engine_of(worker: subprocess.Popen[str]) -> int:
    """The process number of the engine with which a worker transcribes its queue (Linux)."""
    (pid,) = (pid for pid in engines_of(worker) if not _is_in_the_background(pid))
    return pid


def live_engine_of(worker: subprocess.Popen[str]) -> int | None:
    """The process number of the engine with which a worker follows a call, None without one (Linux)."""
    return next((pid for pid in engines_of(worker) if _is_in_the_background(pid)), None)


def engines_of(worker: subprocess.Popen[str]) -> set[int]:
    """The process numbers of a worker's engines (Linux)."""
    children = Path(f"/proc/{worker.pid}/task").glob("*/children")
    return {int(pid) for path in children for pid in path.read_text().split()}


def _is_in_the_background(pid: int) -> bool:
    return os.getpriority(os.PRIO_PROCESS, pid) > 0
