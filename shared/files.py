"""What tells whether a file is still the one it was, whether two hold the same, and how one is moved."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path


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


def sha256_of(path: Path) -> str:
    """Return the hash of a file's content in hexadecimal. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk; Windows does that by itself."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


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
    # The same name each time: what a death in between has left is written over by the next try.
    partial = target.with_name(f".{uuid.uuid5(uuid.NAMESPACE_URL, target.name).hex}.part")
    try:
        with source.open("rb") as original, partial.open("wb") as copy:
            shutil.copyfileobj(original, copy, 1 << 20)
            copy.flush()
            os.fsync(copy.fileno())
        shutil.copystat(source, partial)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
