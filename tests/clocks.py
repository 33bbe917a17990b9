"""Processes whose wall clock is another one (libfaketime)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

#: libfaketime 0.9.10 breaks the system call behind Python's sleep where it leaves the monotonic clock alone.
SLEEPS_OTHERWISE = "import select, time; time.sleep = lambda seconds: select.select([], [], [], seconds)"


@dataclass(frozen=True)
class Clock:
    """The wall clock of processes (libfaketime); their monotonic clock and the times of files stay true."""

    folder: Path
    library: str

    @property
    def settings(self) -> tuple[tuple[str, str], ...]:
        """What puts processes under this clock."""
        given = {
            "LD_PRELOAD": self.library,
            "FAKETIME_TIMESTAMP_FILE": str(self.folder / "offset"),
            "PYTHONPATH": os.pathsep.join((str(self.folder), os.environ.get("PYTHONPATH", ""))),
        }
        switches = ("FAKETIME_NO_CACHE", "DONT_FAKE_MONOTONIC", "NO_FAKE_STAT")
        return (*given.items(), *((switch, "1") for switch in switches))

    def set(self, offset: str) -> None:
        """Set the clock to an offset from the true time, such as +1d."""
        (self.folder / "new").write_text(offset)
        (self.folder / "new").replace(self.folder / "offset")


def clock_in(folder: Path) -> Clock | None:
    """Return a clock at the true time that is kept in a new folder; None without libfaketime."""
    library = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
    if library is None:
        return None
    clock = Clock(folder, str(library))
    clock.folder.mkdir(parents=True)
    (clock.folder / "sitecustomize.py").write_text(SLEEPS_OTHERWISE)
    clock.set("+0")
    return clock
