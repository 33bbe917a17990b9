"""Runs many short-lived processes that need the command line, which a parent imports once for all (POSIX)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import IO, Any

from tests.stage import ROOT, Stage

#: Imports what all children need, then forks one for each line that it reads, and answers with how it ended.
PARENT = """
import json, os, sys
{imports}

for line in sys.stdin:
    job = json.loads(line)
    child = os.fork()
    if child == 0:
        sys.argv = ["-c", *job["arguments"]]
        os.environ.clear()
        os.environ.update(job["environment"])
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for stream, path in enumerate(job["logs"], 1):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), stream)
        exec(compile({script!r}, "<script>", "exec"), {{"__name__": "__main__"}})
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@dataclass(frozen=True)
class Forks:
    """A process whose children run one script, each with arguments of its own."""

    parent: subprocess.Popen[str]
    folder: Path

    def run(
        self, *arguments: object, environment: Mapping[str, str] = os.environ
    ) -> subprocess.CompletedProcess[str]:
        """Run the script in a fresh child; return its exit code (negative: the signal) and its output."""
        logs = [self.folder / name for name in ("stdout", "stderr")]
        words = [str(argument) for argument in arguments]
        job = {
            "arguments": words,
            "environment": dict(environment),
            "logs": [str(path) for path in logs],
        }
        to, back = _pipes(self.parent)
        to.write(json.dumps(job) + "\n")
        to.flush()
        answer = back.readline()
        assert answer, "the parent of all children has ended"
        said = [path.read_text("utf-8") for path in logs]
        return subprocess.CompletedProcess(words, int(answer), *said)


def _pipes(parent: subprocess.Popen[str]) -> tuple[IO[str], IO[str]]:
    assert parent.stdin
    assert parent.stdout
    return parent.stdin, parent.stdout


@contextmanager
def forks(script: str, imports: str, folder: Path) -> Iterator[Forks]:
    """Have a process ready that runs a script many times; the output of a child goes into a folder."""
    folder.mkdir(exist_ok=True)
    command = [sys.executable, "-c", PARENT.format(imports=imports, script=script)]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "encoding": "utf-8"}
    with subprocess.Popen(command, cwd=ROOT, **pipes) as parent:
        try:
            yield Forks(parent, folder)
        finally:
            _pipes(parent)[0].close()


#: Everything that `python -m offhook` loads, whatever the command.
COMMAND_LINE = """
import importlib
from offhook.cli import COMMANDS
for place in COMMANDS.values():
    importlib.import_module(place.partition(":")[0])
"""


@dataclass(frozen=True)
class QuickStage(Stage):
    """A home whose commands are processes of their own that need not load the command line again."""

    commands: Forks | None = None

    def offhook(self, *arguments: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a command and return how it went."""
        if self.commands is None or options:
            return super().offhook(*arguments, **options)
        return self.commands.run(*arguments, environment=self.environment)


@contextmanager
def command_line(folder: Path) -> Iterator[Forks | None]:
    """Have a process ready that runs commands; None where processes cannot be forked."""
    if not hasattr(os, "fork"):
        yield None
        return
    with forks("from offhook.cli import main\nmain()", COMMAND_LINE, folder) as commands:
        yield commands


def quick(stage: Stage, commands: Forks | None) -> QuickStage:
    """The same home, with quick commands."""
    return QuickStage(**{f.name: getattr(stage, f.name) for f in fields(Stage)}, commands=commands)
