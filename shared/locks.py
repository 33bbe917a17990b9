"""A lock on a file that the operating system frees when its process ends in any way."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)

    def _unlock(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _lock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _unlock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_UN)


_HELD_ELSEWHERE = {errno.EACCES, errno.EAGAIN, errno.EDEADLK}


def hold(handle: int) -> None:
    """Lock an open file until it is closed or its process has ended. Raises OSError."""
    _lock(handle)


class FileLock:
    """An exclusive lock on `path`; two FileLocks on one path exclude each other, in one process too.

    The lock belongs to the open file. Python does not pass that file on to programs it starts, but a
    child that is only forked (multiprocessing's "fork" on Linux) has it too, and keeps the lock alive when
    its parent dies: hold a FileLock only in processes that do not fork, or fork before it is acquired.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handle: int | None = None

    def acquire(self) -> bool:
        """Take the lock; return False if another process has it; never waits.

        Creates the file with mode 0600. Raises OSError when the file cannot be opened or locked at all.
        """
        if self._handle is not None:
            return True
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(handle)
        except OSError as error:
            os.close(handle)
            if error.errno in _HELD_ELSEWHERE:
                return False
            raise
        self._handle = handle
        return True

    def release(self) -> None:
        """Frees the lock; the file stays, because removing it could take it away from the next holder."""
        if self._handle is None:
            return
        handle, self._handle = self._handle, None
        try:
            _unlock(handle)
        finally:
            os.close(handle)


def is_free(path: Path) -> bool:
    """Whether the lock on `path` is free, or the file is gone; takes the lock for a moment to find out."""
    try:
        handle = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return True
    except PermissionError:  # on Windows, the file is just being removed
        return False
    try:
        _lock(handle)
    except OSError as error:
        if error.errno in _HELD_ELSEWHERE:
            return False
        raise
    else:
        _unlock(handle)
        return True
    finally:
        os.close(handle)
