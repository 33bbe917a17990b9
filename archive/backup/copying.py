"""Copies a file and hashes the bytes that it copies."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from archive.backup.manifest import Entry
from shared.errors import OffhookError
from shared.files import open_regular
from shared.home import FOLDER_MODE

CHUNK_BYTES = 1 << 20


class Unreadable(Exception):
    """The original cannot be read."""


class Gone(Unreadable):
    """The original is not there."""


class CannotBackUp(OffhookError):
    """The backup cannot be made."""

    code = "cannot_back_up"


def copy_file(source: Path, target: Path, report: Callable[[int], None]) -> Entry:
    """Copy a file with its modification time and sync it; `report` gets the size of each chunk in bytes.

    Raises Gone or Unreadable for the source, and OSError with the target's name for the target.
    """
    try:
        original = open_regular(source)
    except OSError as error:
        kind = Gone if isinstance(error, FileNotFoundError) else Unreadable
        raise kind(error.strerror) from error
    with original:
        try:
            return _written(original, target, report)
        except OSError as error:
            error.filename = error.filename or str(target)  # a failed write has no file name
            raise


def _written(original: BinaryIO, target: Path, report: Callable[[int], None]) -> Entry:
    target.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    taken, size_bytes = hashlib.sha256(), 0
    with target.open("wb") as copy:
        for chunk in _chunks(original):
            taken.update(chunk)
            copy.write(chunk)
            size_bytes += len(chunk)
            report(len(chunk))
        modified_ns = os.fstat(original.fileno()).st_mtime_ns
        copy.flush()
        os.fsync(copy.fileno())
    os.utime(target, ns=(modified_ns, modified_ns))
    return Entry(size_bytes, modified_ns, taken.hexdigest())


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    try:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk
    except OSError as error:
        raise Unreadable(error.strerror) from error
