"""Copies of recordings of an S3 storage in the home, for programs that read files.

A copy has the number of its record in its name and the beginning of the recording's hash, as the copies for
browsers have. It gets its name when it is whole and its hash is right. Which one is in use is said by locked
files beside it; the system frees them when their process ends. The rest is removed, the longest unused first,
where room is needed.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from archive.playback_copies import all_playback_copies
from archive.storage.errors import RecordingDamaged
from archive.storage.storage import Source
from shared.errors import DiskFull
from shared.files import BLOCK_BYTES, names_in, whole
from shared.home import make_folder
from shared.locks import FileLock, is_free
from shared.settings import Settings
from shared.store.store import Store
from shared.store.values import Record

HASH_DIGITS = 16
USE, PARTIAL = ".use", ".part"
LOOK_SECONDS = 0.01
#: A copy that was asked for just now may be opened in a moment.
JUST_SECONDS = 60.0
_NAME = re.compile(r"(\d+)-[0-9a-f]+(\.[a-z0-9]+)?")


def copy_of(settings: Settings, record: Record) -> Path:
    """Return where the copy of a record's recording is, or would be."""
    suffix = Path(record.storage_key or "").suffix
    return settings.copies / f"{record.id}-{(record.sha256 or '0')[:HASH_DIGITS]}{suffix}"


def copies(settings: Settings) -> dict[Path, int]:
    """Return every copy, with the number of its record."""
    found = ((name, _NAME.fullmatch(name)) for name in names_in(settings.copies))
    return {settings.copies / name: int(match[1]) for name, match in found if match}


def remove_strays(settings: Settings, store: Store) -> None:
    """Remove the copies, and those for browsers, of records that another machine has deleted."""
    found = {**copies(settings), **all_playback_copies(settings)}
    there = store.objects.records_among(set(found.values())) if found else set()
    for path, number in found.items():
        if number not in there:
            with suppress(OSError):  # on Windows it is open
                path.unlink()


def copies_of(settings: Settings, record_id: int) -> list[Path]:
    """Return the copies that there are of a record."""
    return [path for path, number in copies(settings).items() if number == record_id]


class Copies:
    """The copies in one home. Any number of threads and processes may use it."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        self._settings, self._clock = settings, clock

    @contextmanager
    def in_use(self, record: Record, storage: Source, keep: Callable[[], None]) -> Iterator[Path]:
        """Have the copy of a recording, and keep it until the end of the block. Raises as `path`."""
        make_folder(self._settings.copies)
        copy = copy_of(self._settings, record)
        lock = FileLock(copy.with_name(f"{copy.name}.{uuid.uuid4().hex}{USE}"))
        with self._alone():
            lock.acquire()
        try:
            yield self.path(record, storage, keep)
        finally:
            lock.release()
            with suppress(OSError):
                lock.path.unlink()

    def path(self, record: Record, storage: Source, keep: Callable[[], None]) -> Path:
        """Return the copy of a recording, which is fetched if need be, and stays for a minute at least.

        Raises RecordingMissing, RecordingDamaged, StorageError, DiskFull, and what `keep` raises to stop.
        """
        make_folder(self._settings.copies)
        copy = copy_of(self._settings, record)
        if not self._is_there(copy, record):
            self.make_room(record.size_bytes or 0)
            self._fetch(copy, record, storage, keep)
        return copy

    def make_room(self, size_bytes: int) -> None:
        """Remove what killed processes have left, and copies until so much more is within `copies_gb`."""
        with self._alone():
            used = self._used()
            taken = [(path.stat(), path) for path in copies(self._settings)]
            total = sum(about.st_size for about, _ in taken) + size_bytes
            for about, path in sorted(taken, key=lambda it: it[0].st_atime):
                is_wanted = path.name in used or self._clock() - about.st_atime < JUST_SECONDS
                if total > self._settings.copies_bytes and not is_wanted:
                    with suppress(OSError):  # on Windows it is open
                        path.unlink()
                        total -= about.st_size

    def _is_there(self, copy: Path, record: Record) -> bool:
        """Whether the copy is there; it counts as used now."""
        with self._alone():
            try:
                if copy.stat().st_size != record.size_bytes:
                    return False
                self._note_use(copy, record)
            except FileNotFoundError:
                return False
            return True

    def _fetch(self, copy: Path, record: Record, storage: Source, keep: Callable[[], None]) -> None:
        digest = hashlib.sha256()
        try:
            with storage.open(record.storage_key or "") as source, whole(copy) as file:
                while block := source.read(BLOCK_BYTES):
                    digest.update(block)
                    file.write(block)
                    keep()
                if digest.hexdigest() != record.sha256:
                    raise RecordingDamaged
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise DiskFull(f"{copy.parent} has no room for a copy of recording {record.id}.") from error
            if not self._is_there(copy, record):  # on Windows another process has it open already
                raise
        else:
            self._note_use(copy, record)

    def _note_use(self, copy: Path, record: Record) -> None:
        """Set when the copy was used; the time of its content is the same whenever it is fetched."""
        os.utime(copy, (self._clock(), record.created_at))

    def _used(self) -> set[str]:
        """Return the names of the copies in use; remove what processes that have ended have left."""
        used = set()
        for name in names_in(self._settings.copies):
            path = self._settings.copies / name
            if name.endswith((USE, PARTIAL)):
                with suppress(OSError):
                    if is_free(path):
                        path.unlink()
                    elif name.endswith(USE):
                        used.add(name.rsplit(".", 2)[0])
        return used

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Be the only one that says which copies are in use, or removes some; it takes milliseconds."""
        lock = FileLock(self._settings.copies / ".lock")
        while not lock.acquire():
            time.sleep(LOOK_SECONDS)
        try:
            yield
        finally:
            lock.release()
