"""A storage in a folder of this machine, or in one that machines share over NFS or SMB.

No lock is taken: locks of shared folders are not to be relied on. A recording is written under a name of its
own beside its place, synced, then renamed; a rename replaces what is there at once. A process that dies
before the rename leaves a file whose name says so, and `clear_up` removes it a day later.

A share that is not mounted is an empty folder. So the first put writes a mark, and where the mark is missing
the storage is away, and its recordings are not lost.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from archive.storage.errors import StorageAway, StorageError, StorageFull, StorageRefused
from archive.storage.keys import checked, checked_prefix
from archive.storage.storage import nothing
from shared.errors import RecordingChanged, RecordingMissing
from shared.files import NotRegular, blocks, open_regular, sync_folder

MARK = ".offhook-storage"
_UNFINISHED = re.compile(r"\.[0-9a-f]{32}\.part")
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_REFUSED = {errno.EACCES, errno.EPERM, errno.EROFS}
#: Some network folders cannot be synced as a folder; their servers write names down by themselves.
_NO_FOLDER_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES}


class FolderStorage:
    """The recordings under one folder; `is_own`: it is in the home, and is made when it is needed."""

    def __init__(self, root: Path, *, is_own: bool = False) -> None:
        self._root, self._is_own = root, is_own

    def open(self, key: str) -> BinaryIO:
        """Open a recording; other processes may move and delete it meanwhile."""
        path = self._path(key)
        with self._translated():
            try:
                return open_regular(path, follow_links=False, keep_movable=True)
            except (FileNotFoundError, NotADirectoryError, NotRegular):
                raise self._missing(key) from None

    def put(self, key: str, path: Path, sha256: str, keep: Callable[[], None] = nothing) -> None:
        """Copy a file to its place: written and synced under another name first."""
        target = self._path(key)
        with open_regular(path) as source, self._translated():
            self._prepare(target.parent)
            partial = target.with_name(f".{uuid.uuid4().hex}.part")
            try:
                if _copied(source, partial, keep) != sha256:
                    raise RecordingChanged(f"{path} is not the recording that was to be stored.")
                partial.replace(target)
            except BaseException:
                with suppress(OSError):
                    partial.unlink()
                raise
            _sync(target.parent)

    def move(self, old: str, new: str) -> None:
        """Rename a recording. Where both are there, as after a death on another system, the old one goes."""
        source, target = self._path(old), self._path(new)
        with self._translated():
            self._prepare(target.parent)
            try:
                source.replace(target)
            except FileNotFoundError:
                if not target.is_file():
                    raise self._missing(old) from None
            _sync(target.parent)
            _sync(source.parent)

    def delete(self, key: str) -> None:
        """Remove a recording's file. Without its mark the storage is away: nothing says it is gone."""
        path = self._path(key)
        with self._translated():
            try:
                path.unlink()
            except (FileNotFoundError, NotADirectoryError):
                self._require()
            else:
                _sync(path.parent)

    def exists(self, key: str) -> bool:
        """Whether the file is there."""
        try:
            self.size(key)
        except RecordingMissing:
            return False
        return True

    def size(self, key: str) -> int:
        """Return the size of the file."""
        path = self._path(key)
        with self._translated():
            try:
                return path.stat(follow_symlinks=False).st_size
            except (FileNotFoundError, NotADirectoryError):
                raise self._missing(key) from None

    def list(self, prefix: str = "") -> Iterator[str]:
        """Yield keys, folder by folder."""
        with self._translated():
            self._require()
            for path in self._files(self._root / checked_prefix(prefix)):
                if not path.name.startswith("."):
                    yield path.relative_to(self._root).as_posix()

    def local_path(self, key: str) -> Path:
        """Return the file itself."""
        self.size(key)
        return self._path(key)

    def clear_up(self, older_than: float) -> int:
        """Remove unfinished files that nobody has written to since."""
        removed = 0
        with self._translated():
            for path in self._files(self._root):
                with suppress(FileNotFoundError):
                    if _UNFINISHED.fullmatch(path.name) and path.stat().st_mtime < older_than:
                        path.unlink()
                        removed += 1
        return removed

    def _path(self, key: str) -> Path:
        return self._root.joinpath(*checked(key).split("/"))

    def _files(self, folder: Path) -> Iterator[Path]:
        """Yield the files below a folder, one folder's names at a time; links are left out."""
        try:
            with os.scandir(folder) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except FileNotFoundError:
            return
        for entry in found:
            if entry.is_dir(follow_symlinks=False):
                yield from self._files(Path(entry.path))
            elif entry.is_file(follow_symlinks=False):
                yield Path(entry.path)

    def _prepare(self, folder: Path) -> None:
        """Make a folder with its parents, each synced. Raises StorageAway if the storage is not there."""
        if not self._is_there():
            self._begin()
        new = [each for each in (folder, *folder.parents) if self._root in each.parents and not each.is_dir()]
        for each in reversed(new):
            each.mkdir(mode=0o700, exist_ok=True)
            _sync(each.parent)

    def _begin(self) -> None:
        """Mark an empty folder as this storage. One with other things in it may be a share's mount point."""
        if self._is_own:
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        elif not self._root.is_dir() or any(map(_is_somebody_s, self._root.iterdir())):
            raise self._away()
        with (self._root / MARK).open("a", encoding="utf-8") as mark:  # of two beginners both are right
            os.fsync(mark.fileno())
        _sync(self._root)

    def _is_there(self) -> bool:
        return (self._root / MARK).is_file()

    def _require(self) -> None:
        if not (self._is_own or self._is_there()):
            raise self._away()

    def _missing(self, key: str) -> RecordingMissing:
        """Return the error for a recording that is not there. Raises StorageAway if nothing is."""
        self._require()
        return RecordingMissing(f"The recording {key} is not in the storage.")

    def _away(self) -> StorageAway:
        return StorageAway(
            f"{self._root} is not offhook's storage: it has no {MARK}. "
            "Mount the share, or give a folder that is there and empty."
        )

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Say of an error of the system what it means for the storage."""
        try:
            yield
        except OSError as error:
            raise _in_terms_of_storage(error, self._root) from error


def _is_somebody_s(path: Path) -> bool:
    """Whether a name in a new storage is not one that disks and servers put there by themselves."""
    return not path.name.startswith((".", "$")) and path.name not in (
        "lost+found",
        "System Volume Information",
    )


def _copied(source: BinaryIO, partial: Path, keep: Callable[[], None]) -> str:
    """Write a synced copy; return the hash of its content."""
    digest = hashlib.sha256()
    with open(partial, "xb", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
        for block in blocks(source, keep):
            digest.update(block)
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()


def _sync(folder: Path) -> None:
    try:
        sync_folder(folder)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:
            raise


def _in_terms_of_storage(error: OSError, root: Path) -> StorageError:
    what = f"The storage in {root}"
    if error.errno in _FULL:
        return StorageFull(f"{what} is full.")
    if error.errno in _REFUSED:
        return StorageRefused(f"{what} refuses this machine: {error.strerror}.")
    return StorageAway(f"{what} cannot be used: {error.strerror or type(error).__name__}.")
