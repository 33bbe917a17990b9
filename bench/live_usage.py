"""What processes take of the machine: processor time, with that of their children, and memory (Linux)."""

from __future__ import annotations

import os
import re
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

KB_PER_MB = 1e6 / 1024


def processor_seconds(pid: int) -> float:
    """Return the time of a process and its children, also of those that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    seconds = sum(int(field) for field in fields[11:15]) / os.sysconf("SC_CLK_TCK")
    for child in children(pid):
        with suppress(OSError):  # it has just ended
            seconds += processor_seconds(child)
    return seconds


def children(pid: int) -> set[int]:
    """Return the children of a process."""
    found = Path(f"/proc/{pid}/task").glob("*/children")
    return {int(child) for path in found for child in _text(path).split()}


def peak_megabytes(pid: int) -> float:
    """Return the most resident memory that a process has had; 0 if it has ended."""
    found = re.search(r"VmHWM:\s+(\d+) kB", _text(Path(f"/proc/{pid}/status")))
    return int(found[1]) / KB_PER_MB if found else 0.0


@dataclass
class Share:
    """The share of all cores that a process and its children take from now on."""

    pid: int

    def __post_init__(self) -> None:
        self._began, self._busy = time.monotonic(), processor_seconds(self.pid)

    def percent(self) -> float:
        """Return the share so far."""
        busy, took = processor_seconds(self.pid) - self._busy, time.monotonic() - self._began
        return 100 * busy / took / (os.cpu_count() or 1)


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
