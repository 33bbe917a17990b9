"""Opens, reads, hashes, moves and writes regular files, some of which others may replace meanwhile."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import math
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
from shared.movable import open_movable

BLOCK_BYTES = 1 << 20
#: Do not wait for a pipe, do not take over a terminal, and do not change line ends on Windows.
_OPENING = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_NONBLOCK", "O_NOCTTY", "O_BINARY"))
#: Windows has no such flag, and only administrators can create links there.
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)


@dataclass(frozen=True)
class Fingerprint:
    """A file's size and modification time: cheap to read, and changed by every write."""

    size_bytes: int
    modified_ns: int

    @classmethod
    def of(cls, path: Path, *, follow_links: bool = True) -> Fingerprint:
        """Read the size and time of a file. Raises OSError."""
        found = path.stat(follow_symlinks=follow_links)
        return cls(found.st_size, found.st_mtime_ns)


class NotRegular(OSError):
    """The path leads to a pipe, a device, a folder or a refused link, whose reading may never end."""


class LargerThanAllowed(OSError):
    """The file has more bytes than its reader takes."""


def open_regular(
    path: Path, *, follow_links: bool = True, most_bytes: float = math.inf, keep_movable: bool = False
) -> BinaryIO:
    """Open a file that others may have replaced, without waiting.

    Without `follow_links` a symbolic link under this name is refused; links among its folders are followed.
    With `keep_movable` others can rename and delete the file while it is open, on Windows too.
    Raises OSError, NotRegular, LargerThanAllowed.
    """
    try:
        if not follow_links and path.is_symlink():
            raise _not_regular(path)
        flags = _OPENING | (0 if follow_links else _NO_LINK)
        handle = open_movable(path, flags) if keep_movable else os.open(path, flags)
    except OSError as error:
        # Linux and macOS report a link this way; Windows lacks the right to open a folder.
        if error.errno == errno.ELOOP or (isinstance(error, PermissionError) and path.is_dir()):
            raise _not_regular(path) from error
        raise
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            raise _not_regular(path)
        if found.st_size > most_bytes:
            raise LargerThanAllowed(errno.EFBIG, f"It is larger than {most_bytes:,.0f} bytes", str(path))
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def _not_regular(path: Path) -> NotRegular:
    return NotRegular(errno.EINVAL, "It is not a regular file", str(path))


def blocks(file: BinaryIO, keep: Callable[[], None] = lambda: None) -> Iterator[bytes]:
    """Yield the bytes from here to the end that the file has now, 1 MiB at a time; `keep` follows each block.

    What is appended meanwhile is left out: a file that grows as fast as it is read has no end.
    """
    left = os.fstat(file.fileno()).st_size - file.tell()
    while left > 0 and (block := file.read(min(left, BLOCK_BYTES))):
        left -= len(block)
        yield block
        keep()


def read_regular(path: Path, most_bytes: int, *, follow_links: bool = True) -> bytes:
    """Read a small file as a whole. Raises OSError, NotRegular, LargerThanAllowed."""
    with open_regular(path, follow_links=follow_links, most_bytes=most_bytes) as file:
        return b"".join(blocks(file))


def sha256_of(
    path: Path,
    keep: Callable[[], None] = lambda: None,
    *,
    follow_links: bool = True,
    most_bytes: float = math.inf,
) -> str:
    """Return the hash of a regular file's content in hexadecimal; `keep` is called after each 1 MiB.

    Raises OSError, NotRegular, LargerThanAllowed, and what `keep` raises to stop.
    """
    digest = hashlib.sha256()
    with open_regular(path, follow_links=follow_links, most_bytes=most_bytes) as file:
        for block in blocks(file, keep):
            digest.update(block)
    return digest.hexdigest()


def real(path: Path) -> Path:
    """Return the absolute path with all links resolved; a link that leads to itself stays as it is."""
    return Path(os.path.realpath(path))


def is_file(path: Path) -> bool:
    """Return whether a file exists; False for an impossible path."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def sync_folder(folder: Path) -> None:
    """Sync the names in a folder to the disk; Windows does that by itself."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def names_in(folder: Path) -> list[str]:
    """Return the names in a folder, none if it cannot be read; `Path.glob` takes ten times as long."""
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry in entries]
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return []


def move(source: Path, target: Path) -> None:
    """Move a file, also to another file system; there the copy is on the disk before the original is removed.

    Raises OSError, also if the original changes while it is copied; then it is where it was.
    """
    try:
        source.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _copy(source, target)
        sync_folder(target.parent)
        source.unlink()


def _copy(source: Path, target: Path) -> None:
    before = Fingerprint.of(source)
    with open_regular(source, follow_links=False) as original, whole(target, like=source) as copy:
        for block in blocks(original):
            copy.write(block)
        if Fingerprint.of(source) != before:  # it is still being written, and the original would be removed
            raise BlockingIOError(errno.EAGAIN, "It changed while it was copied", str(source))


@contextmanager
def whole(target: Path, like: Path | None = None, *, is_first: bool = False) -> Iterator[BinaryIO]:
    """Write a file completely or not at all: its content is synced before its name exists.

    It gets the times of `like`. Partial files that killed writers of this target have left are removed,
    unless the caller `is_first`: looking for them takes longer, the more files the folder has.
    """
    if not is_first:
        _clear_up(target)
    partial = target.with_name(f".{_mark(target)}.{uuid.uuid4().hex}.part")
    try:
        with open(partial, "wb", opener=_private) as file:
            with contextlib.suppress(OSError):  # some network folders have no locks
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
            with contextlib.suppress(OSError):  # another process was faster
                left = target.with_name(name)
                if is_free(left):
                    left.unlink()


def _mark(target: Path) -> str:
    """Return the part of a partial file's name that stands for its target, whose own name may be too long."""
    return hashlib.sha256(os.fsencode(target.name)).hexdigest()[:16]
