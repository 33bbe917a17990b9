"""What tells whether a file is still the one it was, whether two hold the same, and how one is moved."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import stat
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from shared.locks import hold, is_free

HASHED_BYTES = 1 << 20


@dataclass(frozen=True)
class Fingerprint:
    """A file's size and time: cheap to look at, and changed by whoever writes to it."""

    size_bytes: int
    modified_ns: int

    @classmethod
    def of(cls, path: Path) -> Fingerprint:
        """Look at a file. Raises OSError."""
        found = path.stat()
        return cls(found.st_size, found.st_mtime_ns)


class NotRegular(OSError):
    """The path leads to a pipe, a device or a folder: opening it may block, or reading it may never end."""


def open_regular(path: Path) -> BinaryIO:
    """Open a file that others may have replaced; a pipe does not block. Raises OSError, NotRegular."""
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except PermissionError:
        if path.is_dir():  # Windows refuses to open one, and reports a lack of rights
            raise _not_regular(path) from None
        raise
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise _not_regular(path)
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def _not_regular(path: Path) -> NotRegular:
    return NotRegular(errno.EINVAL, "It is not a regular file", str(path))


def sha256_of(path: Path, keep: Callable[[], None] = lambda: None) -> str:
    """Return the hash of a regular file's content in hexadecimal; `keep` is called for each chunk of 1 MiB.

    Raises OSError, NotRegular, and what `keep` raises to stop.
    """
    digest = hashlib.sha256()
    with open_regular(path) as file:
        while chunk := file.read(HASHED_BYTES):
            digest.update(chunk)
            keep()
    return digest.hexdigest()


def is_file(path: Path) -> bool:
    """Return whether there is such a file; a path that no system takes leads to none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk; Windows does that by itself."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def names_in(folder: Path) -> list[str]:
    """Name what is in a folder, as far as anything can be seen; `Path.glob` takes ten times as long."""
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry in entries]
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return []


def move(source: Path, target: Path) -> None:
    """Move a file, to another file system if need be; the copy is on the disk before the original goes."""
    try:
        source.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _copy(source, target)
        sync_folder(target.parent)
        source.unlink()


def _copy(source: Path, target: Path) -> None:
    with open_regular(source) as original, whole(target, like=source) as copy:
        shutil.copyfileobj(original, copy, 1 << 20)


@contextmanager
def whole(target: Path, like: Path | None = None, *, is_first: bool = False) -> Iterator[BinaryIO]:
    """Write a file that is there as a whole or not at all, its content on the disk before its name.

    It gets the times of `like`. What writers of this very file have left that died is removed, unless the
    caller knows that this is the first one: to look for it takes the longer, the more files there are.
    """
    if not is_first:
        _clear_up(target)
    partial = target.with_name(f".{_mark(target)}.{uuid.uuid4().hex}.part")
    try:
        with open(partial, "wb", opener=_private) as file:
            with contextlib.suppress(OSError):  # some network folders know no locks
                hold(file.fileno())
            yield file
            file.flush()
            os.fsync(file.fileno())
        if like:
            shutil.copystat(like, partial)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _clear_up(target: Path) -> None:
    beginning = f".{_mark(target)}."
    for name in names_in(target.parent):
        if name.startswith(beginning) and name.endswith(".part"):
            with contextlib.suppress(OSError):  # somebody else was faster
                left = target.with_name(name)
                if is_free(left):
                    left.unlink()


def _mark(target: Path) -> str:
    """What tells the partial files of one target from those of others; its whole name may be too long."""
    return hashlib.sha256(os.fsencode(target.name)).hexdigest()[:16]
