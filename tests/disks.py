"""File systems of a test's own: a small one to fill, one whose power fails; and modes that count for root."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import skip_or_fail

#: Starts a program that root's rights do not help past the modes of files (setpriv: Linux).
MODES_COUNT = (
    "setpriv",
    "--bounding-set=-dac_override,-dac_read_search",
    "--inh-caps=-dac_override,-dac_read_search",
)


def mount(*arguments: str | Path) -> None:
    """Mount a file system, or skip the test where that is not allowed."""
    command = ["mount", *map(str, arguments)]
    if sys.platform != "linux":
        skip_or_fail("needs Linux's mounts")
    if (done := subprocess.run(command, capture_output=True, text=True)).returncode != 0:
        skip_or_fail(f"needs the right to mount a file system: {done.stderr}")


def unmount(folder: Path) -> None:
    """Unmount a file system as soon as the last dying process has left it."""
    for _ in range(100):
        if subprocess.run(["umount", folder], capture_output=True).returncode == 0:
            return
        time.sleep(0.1)
    subprocess.run(["umount", "-l", folder], check=True)


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A real file system of 24 MB in memory."""
    folder.mkdir()
    mount("-t", "tmpfs", "-o", "size=24m", "tmpfs", folder)
    try:
        yield folder
    finally:
        unmount(folder)


@contextmanager
def full(disk: Path) -> Iterator[None]:
    """Leave not a byte on a disk for a while."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
    try:
        yield
    finally:
        filler.unlink()


@dataclass
class FragileDisk:
    """A real ext4 in a file. Nothing in it reaches the file by itself: the journal waits for ten minutes."""

    image: Path
    folder: Path

    def make(self) -> None:
        """Make the file system and mount it."""
        with self.image.open("wb") as file:
            file.truncate(96 << 20)
        now = "lazy_itable_init=0,lazy_journal_init=0"
        subprocess.run(["mkfs.ext4", "-q", "-E", now, self.image], check=True, capture_output=True)
        self.folder.mkdir()
        self._mount()

    def sync(self) -> None:
        """Have everything on the disk that was written so far."""
        subprocess.run(["sync", "--file-system", self.folder], check=True)

    def as_it_stands(self) -> Path:
        """Copy what the disk would hold if the power failed now."""
        return Path(shutil.copyfile(self.image, self.image.with_suffix(".cut")))

    def start_again(self, left: Path) -> None:
        """Have what a power cut has left in the place of all that was written."""
        unmount(self.folder)
        left.replace(self.image)
        self._mount()

    def _mount(self) -> None:
        mount("-o", "loop,commit=600", self.image, self.folder)


@contextmanager
def fragile_disk(folder: Path) -> Iterator[FragileDisk]:
    """A disk whose power can be cut."""
    if shutil.which("mkfs.ext4", path=f"{os.environ['PATH']}:/usr/sbin:/sbin") is None:
        skip_or_fail("needs mkfs.ext4")
    disk = FragileDisk(folder / "disk.img", folder / "disk")
    disk.make()
    try:
        yield disk
    finally:
        unmount(disk.folder)
