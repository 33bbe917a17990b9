"""Brings offhook's processes to a standstill at a known step, and kills or stops them there (Linux)."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from tests import looks
from tests.stage import Stage

REST_SECONDS = 1.0
#: Holds a database until a line comes in.
HOLDS = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.readline()
database.execute("ROLLBACK")
"""


@contextmanager
def held(*databases: Path) -> Iterator[None]:
    """Hold databases as another program may: whoever wants to write has to wait, at BEGIN IMMEDIATE."""
    with ExitStack() as stack:
        for path in databases:
            connection = sqlite3.connect(path, timeout=30, isolation_level=None)
            stack.enter_context(closing(connection)).execute("BEGIN IMMEDIATE")
        yield


@contextmanager
def held_elsewhere(database: Path) -> Iterator[Callable[[], None]]:
    """Let another process hold a database, until it is let go by what is yielded."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(database)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdin
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"

        def let_go() -> None:
            assert holder.poll() is None
            holder.communicate("\n", timeout=30)

        try:
            yield let_go
        finally:
            holder.kill()


def peek(database: Path, query: str) -> list[tuple[Any, ...]]:
    """Look into a database at once, where a command would come too late."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return connection.execute(query).fetchall()


def claimed(stage: Stage, attempt: int) -> None:
    """Wait until a worker has taken the only recording of a home for an attempt."""
    query = f"SELECT 1 FROM call_records WHERE transcription_status = 'processing' AND attempts = {attempt}"
    stage.wait_for(lambda: peek(stage.home / "offhook.db", query), f"attempt {attempt}")


def under_way(stage: Stage, title: str) -> None:
    """Wait until the first stretch of a recording is committed, and make sure that others are not.

    It looks without a command, so a short recording is still under way when this returns.
    """

    def look() -> bool:
        found = looks.newest(stage.database, title)
        assert found is None or found[0] in ("queued", "processing"), f"{title} is finished already"
        return found is not None and found[1] > 0

    stage.wait_for(look, f"{title} to be under way")


def kill(process: subprocess.Popen[str]) -> None:
    """Kill a process as a system does that is out of memory, and wait until it is gone."""
    process.send_signal(signal.SIGKILL)
    process.wait()


def stop(process: subprocess.Popen[str]) -> None:
    """Have a process stand still until it gets a SIGCONT."""
    process.send_signal(signal.SIGSTOP)
    while "T" not in _states(process.pid):
        time.sleep(0.01)


def rests(pid: int) -> bool:
    """Whether a process does nothing for a second: no thread of it runs, wants to run or has run."""
    before = cpu_seconds(pid)
    time.sleep(REST_SECONDS)
    return _states(pid) == {"S"} and cpu_seconds(pid) == before


def cpu_seconds(pid: int) -> float:
    """How long a process has worked so far."""
    fields = _stat(Path(f"/proc/{pid}"))
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _states(pid: int) -> set[str]:
    states = set()
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
            states.add(_stat(thread)[0])
    return states


def _stat(folder: Path) -> list[str]:
    """The fields of /proc/*/stat from the state on; a name before it may have spaces."""
    return (folder / "stat").read_text().rpartition(")")[2].split()
