"""Runs many short-lived processes that need the command line, which a parent imports once for all (POSIX)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from tests.stage import ROOT, RUNNERS

#: Imports what all children need, then forks one for each line that it reads, and answers with how it ended.
PARENT = """
import json, os, sys
{imports}

for line in sys.stdin:
    job = json.loads(line)
    child = os.fork()
    if child == 0:
        sys.argv = ["-c", *job["arguments"]]
        os.chdir(job["folder"])
        os.environ.clear()
        os.environ.update(job["environment"])
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for stream, path in enumerate(job["logs"], 1):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), stream)
        exec(compile({script!r}, "<script>", "exec"), {{"__name__": "__main__"}})
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Forks:
    """A process whose children run one script, each with arguments of its own."""

    def __init__(self, script: str, imports: str, folder: Path) -> None:
        self._command = [sys.executable, "-c", PARENT.format(imports=imports, script=script)]
        self._logs = [folder / name for name in ("stdout", "stderr")]
        self._parent: subprocess.Popen[str] | None = None

    def run(
        self, *arguments: object, environment: Mapping[str, str] = os.environ
    ) -> subprocess.CompletedProcess[str]:
        """Run the script in a fresh child; return its exit code (negative: the signal) and its output."""
        words = [str(argument) for argument in arguments]
        job = {
            "arguments": words,
            "environment": dict(environment),
            "folder": str(Path.cwd()),
            "logs": [str(path) for path in self._logs],
        }
        try:
            answer = self._answer(json.dumps(job))
        except BaseException:  # such as a test's time limit: the child may never end
            self.close()
            raise
        said = [path.read_text("utf-8") for path in self._logs]
        return subprocess.CompletedProcess(words, int(answer), *said)

    def close(self) -> None:
        """End the process; the next run starts another one."""
        if self._parent:
            self._parent.kill()
            self._parent.communicate()
            self._parent = None

    def _answer(self, job: str) -> str:
        if self._parent is None:
            pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "encoding": "utf-8"}
            self._parent = subprocess.Popen(self._command, cwd=ROOT, **pipes)
        assert self._parent.stdin
        assert self._parent.stdout
        self._parent.stdin.write(job + "\n")
        self._parent.stdin.flush()
        answer = self._parent.stdout.readline()
        assert answer, "the parent of all children has ended"
        return answer


@contextmanager
def forks(script: str, imports: str, folder: Path) -> Iterator[Forks]:
    """Have a process that runs a script many times; the output of a child goes into a folder."""
    folder.mkdir(exist_ok=True)
    with closing(Forks(script, imports, folder)) as children:
        yield children


#: Everything that `python -m offhook` loads, whatever the command.
COMMAND_LINE = """
import importlib
from offhook.cli import COMMANDS
for place in COMMANDS.values():
    importlib.import_module(place.partition(":")[0])
"""


@contextmanager
def command_line(folder: Path) -> Iterator[None]:
    """Have the commands of all stages run from one process; nothing changes where none can be forked."""
    if not hasattr(os, "fork"):
        yield
        return
    one_at_a_time = threading.Lock()
    with forks("from offhook.cli import main\nmain()", COMMAND_LINE, folder) as commands:

        def run(
            arguments: Sequence[str], environment: Mapping[str, str]
        ) -> subprocess.CompletedProcess[str] | None:
            if not one_at_a_time.acquire(blocking=False):  # another thread's command may wait for this one
                return None
            try:
                return commands.run(*arguments, environment=environment)
            finally:
                one_at_a_time.release()

        RUNNERS.append(run)
        try:
            yield
        finally:
            RUNNERS.remove(run)
