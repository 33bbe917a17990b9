"""Runs many short-lived processes that need the command line, which a parent imports once for all (POSIX)."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from tests.stage import ROOT

#: Imports what all children need, then forks one for each line that it reads, and answers with how it ended.
PARENT = """
import json, os, sys
{imports}

for line in sys.stdin:
    job = json.loads(line)
    child = os.fork()
    if child == 0:
        sys.argv = ["-c", *job["arguments"]]
        log = os.open(job["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        exec(compile({script!r}, "<script>", "exec"), {{"__name__": "__main__"}})
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@dataclass(frozen=True)
class Forks:
    """A process whose children run one script, each with arguments of its own."""

    parent: subprocess.Popen[str]
    log: Path

    def run(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        """Run the script in a fresh child; return its exit code (negative: the signal) and its output."""
        job = {"arguments": [str(argument) for argument in arguments], "log": str(self.log)}
        to, back = _pipes(self.parent)
        to.write(json.dumps(job) + "\n")
        to.flush()
        answer = back.readline()
        assert answer, "the parent of all children has ended"
        return subprocess.CompletedProcess(job["arguments"], int(answer), self.log.read_text("utf-8"))


def _pipes(parent: subprocess.Popen[str]) -> tuple[IO[str], IO[str]]:
    assert parent.stdin
    assert parent.stdout
    return parent.stdin, parent.stdout


@contextmanager
def forks(script: str, imports: str, log: Path) -> Iterator[Forks]:
    """Have a process ready that runs a script many times."""
    command = [sys.executable, "-c", PARENT.format(imports=imports, script=script)]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "encoding": "utf-8"}
    with subprocess.Popen(command, cwd=ROOT, **pipes) as parent:
        try:
            yield Forks(parent, log)
        finally:
            _pipes(parent)[0].close()
