"""The file of an upload while bytes arrive: only appended to, by one request at a time."""

from __future__ import annotations

import errno
import os
import shutil
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.errors import DiskFull, OffhookError, TooLarge
from shared.home import FILE_MODE
from shared.locks import hold

_FLAGS = os.O_RDWR | os.O_APPEND | getattr(os, "O_BINARY", 0)
_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))


class UploadBusy(OffhookError):
    """Another connection is sending this recording. Wait until it ends, and go on from there."""

    code = "upload_busy"


class PartFile:
    """A file that is locked while it is open, so that no other request or process appends to it.

    Raises UploadBusy, FileNotFoundError; FileExistsError for a new one.
    """

    def __init__(self, path: Path, *, most_bytes: float, spare_bytes: int, is_new: bool = False) -> None:
        self.path, self._most_bytes, self._spare_bytes = path, most_bytes, spare_bytes
        handle = os.open(path, _FLAGS | (os.O_CREAT | os.O_EXCL if is_new else 0), FILE_MODE)
        try:
            os.lseek(handle, 0, os.SEEK_SET)  # Windows locks a byte at this place
            hold(handle)
        except OSError as error:
            os.close(handle)
            raise UploadBusy from error
        self._handle: int | None = handle
        self._lock = threading.Lock()
        self.size_bytes = os.fstat(handle).st_size

    def append(self, block: bytes) -> None:
        """Write a block. Raises TooLarge before it writes too much, DiskFull; what is written stays."""
        if self.size_bytes + len(block) > self._most_bytes:
            raise TooLarge(f"More than {self._most_bytes:,.0f} bytes were sent. The rest was not taken.")
        make_sure_of_room(self.path.parent, len(block), self._spare_bytes)
        with telling_full():
            self._write(memoryview(block))

    def append_whole(self, blocks: Iterable[bytes]) -> None:
        """Write several blocks, or nothing if one of them cannot be written. Raises as `append`."""
        before = self.size_bytes
        try:
            for block in blocks:
                self.append(block)
        except BaseException:
            self._cut_off(before)
            raise

    def _cut_off(self, size_bytes: int) -> None:
        with self._lock:
            if self._handle is not None:
                os.ftruncate(self._handle, size_bytes)
                self.size_bytes = size_bytes

    def _write(self, left: memoryview) -> None:
        with self._lock:
            while left and self._handle is not None:
                written = os.write(self._handle, left)
                self.size_bytes += written
                left = left[written:]

    def close(self) -> None:
        """Sync what has arrived to the disk, and let others append.

        A request that is cancelled closes its file while a thread may still write to it.
        """
        with self._lock:
            handle, self._handle = self._handle, None
            if handle is not None:
                try:
                    os.fsync(handle)
                finally:
                    os.close(handle)


@contextmanager
def telling_full() -> Iterator[None]:
    """Raise DiskFull where what is done inside fails because the disk is full."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise DiskFull("The disk is full. Make room and go on; what has arrived is kept.") from error
        raise


def make_sure_of_room(folder: Path, size_bytes: int, spare_bytes: int) -> None:
    """Raise DiskFull if a disk has no room for a number of bytes and those to spare."""
    free = shutil.disk_usage(folder).free
    if size_bytes + spare_bytes > free:
        raise DiskFull(
            f"The disk has {free / 1e6:,.0f} MB free; {size_bytes / 1e6:,.1f} MB are needed, and "
            f"{spare_bytes / 1e6:,.0f} MB stay free for recordings. Make room and go on."
        )
