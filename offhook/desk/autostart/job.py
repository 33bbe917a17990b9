"""The command that is started at login, and calls of the system's programs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import offhook
from shared.errors import OffhookError, in_words
from shared.files import whole

SECONDS = 30.0


class AutostartFailed(OffhookError):
    """The system does not let offhook start at login."""

    code = "autostart_failed"


@dataclass(frozen=True)
class Job:
    """The command that is run at login, in which folder, for which home."""

    command: tuple[str, ...]
    folder: Path
    home: Path


@dataclass(frozen=True)
class Status:
    """Whether offhook starts at login, by what, and the file that says so (empty where there is none)."""

    enabled: bool
    how: str
    path: str


@dataclass(frozen=True)
class Ran:
    """How a program of the system has ended."""

    code: int
    output: str


Run = Callable[[Sequence[str]], Ran]


def start_py(home: Path) -> Job:
    """Return the job that runs this checkout's start.py. Raises AutostartFailed."""
    folder = Path(offhook.__file__).parents[1]
    script = folder / "start.py"
    if not script.is_file():
        raise AutostartFailed(f"There is no start.py in {folder}. Run offhook from its own folder's .venv.")
    return Job((sys.executable, str(script)), folder, home)


def run(command: Sequence[str]) -> Ran:
    """Run a program of the system; one that is missing or hangs has failed."""
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SECONDS,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Ran(127, in_words(error))
    return Ran(done.returncode, (done.stderr or done.stdout).strip())


def must(run: Run, *command: str) -> None:
    """Run a program that has to succeed. Raises AutostartFailed."""
    done = run(command)
    if done.code:
        raise AutostartFailed(f"{command[0]} has refused: {done.output}")


def write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as file:
        file.write(content)
