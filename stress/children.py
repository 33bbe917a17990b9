"""Child processes that decode cases with a time limit; a child that hangs or ends is replaced."""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from stress.cases import Case
from stress.decoding import MARKER

ROOT = Path(__file__).parents[1]
START_SECONDS = 60.0

Outcome = dict[str, Any]


class Child:
    """A process that decodes one case after another, in its own folder."""

    def __init__(self, folder: Path, prefix: Sequence[str] = ()) -> None:
        self.folder = folder
        self._command = [*prefix, sys.executable, "-m", "stress.decoding"]
        self._process: subprocess.Popen[str] | None = None
        self._answers: queue.Queue[str] = queue.Queue()
        self._patience_seconds = 0.0

    def run(self, case: Case) -> Outcome:
        """Decode a case, and remove its file."""
        path = case.write(self.folder)
        try:
            return self._decode(path, case.limit_seconds)
        finally:
            path.unlink()

    def close(self) -> None:
        """Kill the process."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe:
                with contextlib.suppress(OSError):
                    pipe.close()

    def finish(self) -> None:
        """Close its input, and wait until the process ends."""
        if self._process:
            self._process.communicate(timeout=START_SECONDS)
            self._process = None

    def _decode(self, path: Path, limit_seconds: float) -> Outcome:
        process = self._process or self._start()
        assert process.stdin
        process.stdin.write(f"{path}\n")
        process.stdin.flush()
        try:
            answer = self._answers.get(timeout=limit_seconds + self._patience_seconds)
        except queue.Empty:
            self.close()
            return {"result": "hung", "said": f"no answer after {limit_seconds:g} s"}
        self._patience_seconds = 0.0
        if answer:
            outcome: Outcome = json.loads(answer)
            return outcome
        code = process.wait()
        self.close()
        return {"result": "crashed", "said": f"exit code {code}"}

    def _start(self) -> subprocess.Popen[str]:
        self._answers = queue.Queue()
        self._patience_seconds = START_SECONDS
        self._process = subprocess.Popen(
            self._command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
        )
        threading.Thread(target=_pass_on, args=(self._process, self._answers), daemon=True).start()
        return self._process


def run_all(cases: Iterable[Case], workers: int) -> Iterator[tuple[Case, Outcome]]:
    """Decode all cases, several at once."""
    waiting: queue.SimpleQueue[Case] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[Case, Outcome] | None] = queue.SimpleQueue()
    for case in cases:
        waiting.put(case)

    def work() -> None:
        with tempfile.TemporaryDirectory() as folder:
            child = Child(Path(folder))
            try:
                while not waiting.empty():
                    try:
                        case = waiting.get_nowait()
                    except queue.Empty:
                        return
                    done.put((case, child.run(case)))
            finally:
                child.close()
                done.put(None)

    with ThreadPoolExecutor(workers) as pool:
        working = [pool.submit(work) for _ in range(workers)]
        left = workers
        while left:
            if (found := done.get()) is None:
                left -= 1
            else:
                yield found
        for future in working:
            future.result()


#: glibc loads a table when an MPEG-TS names its station in a character set; FFmpeg has a fixed list of sets.
CHARACTER_TABLES = "/gconv/"


def opened_by_the_system(cases: Iterable[Case]) -> list[str]:
    """Return what a child opens, starts or connects to while it decodes, except the cases (strace).

    Cases that end the child, and with it the log, are named too.
    """
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "strace.log"
        calls = "trace=open,openat,openat2,creat,connect,execve"
        child = Child(Path(folder), ["strace", "-f", "-qq", "-s", "4096", "-e", calls, "-o", str(log)])
        own, ended = set(), []
        for case in cases:
            own.add(f'"{Path(folder) / (case.file_name + case.suffix)}"')
            if (result := child.run(case)["result"]) in ("crashed", "hung"):
                ended.append(f"{case.name}: {result} while it was watched")
        child.finish()
        lines = log.read_text("utf-8", "replace").splitlines()
    begin = max(at for at, line in enumerate(lines) if MARKER in line)
    calls_made = [line for line in lines[begin + 1 :] if "(" in line and "resumed" not in line]
    return ended + [line for line in calls_made if not any(name in line for name in (*own, CHARACTER_TABLES))]


def _pass_on(process: subprocess.Popen[str], answers: queue.Queue[str]) -> None:
    assert process.stdout
    try:
        for line in process.stdout:
            answers.put(line)
    except ValueError:  # the pipe was closed
        pass
    answers.put("")
