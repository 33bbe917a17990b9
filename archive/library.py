"""Moves finished recordings and their transcripts into `library/YYYY/MM/`.

Every step can be repeated after an interruption, by any process: the place is reserved in the database first,
transcripts are replaced, and a recording that has moved is found at its place.
"""

from __future__ import annotations

import os
import re
import time
import unicodedata
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path, PurePath

from archive import transcript, written
from archive.exports import IN_LIBRARY
from archive.playback_copies import playback_copies
from archive.renamed import Content, find
from archive.storage.copies import copies_of
from archive.windows_names import WINDOWS_DEVICES
from shared.errors import OffhookError, StateConflict
from shared.files import Fingerprint, is_file, move, names_in, sha256_of, whole
from shared.home import CALLS, FILE_MODE, make_folder_inside, tighten
from shared.locks import FileLock
from shared.plain_text import one_line
from shared.settings import Settings
from shared.store.store import Store
from shared.store.transitions import COMPLETED
from shared.store.values import Record

LONGEST_STEM_BYTES = 180
PATIENCE_SECONDS = 10.0
LOOK_SECONDS = 0.02
_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]')
_PARTIAL = re.compile(r"\.[0-9a-f]{16}\.[0-9a-f]{32}\.part$")


class LibraryBusy(OffhookError):
    """Another process is writing to the library or deleting from it. Try again in a moment."""

    code = "library_busy"


class Library:
    """The library folder of one home."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings, self._store = settings, store

    def archive(self, record: Record) -> Path | None:
        """Write the transcripts of a finished recording and move it beside them; return its stem.

        A recording in the storage stays there, and its transcripts are written when they are asked for; None
        then. Raises RecordNotFound if it was deleted meanwhile, LibraryBusy, OSError.
        """
        if record.storage_key is not None:
            self._store.places.mark_archived(record, recording_path=record.recording_path)
            return None
        with self.alone():
            return self._archive(record)

    def _archive(self, record: Record) -> Path:
        # Without a reserved place no earlier attempt has written there, so there are no leftovers.
        is_first = self._store.records.get(record.id).library_stem is None
        stem = self._settings.library / self._store.places.reserve_stem(record.id, self._places(record))
        if not self.is_ours(stem):  # only a forged database has such a place
            raise StateConflict(f"Recording {record.id} has a place outside of the library.")
        make_folder_inside(self._settings.library, stem.parent)
        found = transcript.load(self._store, record, self._settings.my_name)
        contents = written.rendered(found)
        present = {} if is_first else written.at_place(stem)
        with written.replacing(self._store, found, contents, present, is_first=is_first):
            for suffix, content in contents.items():
                write_whole(beside(stem, suffix), content, is_first=is_first)
        path = Path(record.recording_path)
        if self._moves(path):
            path = _brought_in(record, path, beside(stem, path.suffix.lstrip(".")))
        if self.is_ours(path):  # as a copy from another disk has the mode of the original
            tighten(path)
        with self._store.transaction():  # what a person changes meanwhile is written with the next sweep
            is_current = transcript.is_current(self._store, found, self._settings.my_name)
            self._store.places.mark_archived(record, recording_path=str(path), is_current=is_current)
        return stem

    def rewrite(self, record_id: int) -> None:
        """Write a record's transcripts again, if what is laid over its words has changed since.

        Each file is written completely or not at all. The change that made them out of date has unset
        `archived_at`, so if this process ends before all are written, the next sweep of a worker writes them.
        Raises RecordNotFound, LibraryBusy, OSError.
        """
        record = self._store.records.get(record_id)
        is_out_of_date = record.library_stem is not None and record.archived_at is None
        if record.transcription_status == COMPLETED and is_out_of_date:
            self.archive(record)

    @contextmanager
    def alone(self, patience_seconds: float = PATIENCE_SECONDS) -> Iterator[None]:
        """Be the only process that writes or deletes the files of records. Raises LibraryBusy.

        Otherwise the transcript of a recording that is archived while it is deleted would remain.
        """
        lock, deadline = FileLock(self._settings.locks / "library.lock"), time.monotonic() + patience_seconds
        while not lock.acquire():
            if time.monotonic() >= deadline:
                raise LibraryBusy
            time.sleep(LOOK_SECONDS)
        try:
            yield
        finally:
            lock.release()

    def find(self, record: Record) -> Path:
        """Return the path of a recording, which may have moved before its record was updated.

        It is not for one with a `storage_key`: `archive/storage/recordings.py` finds those, too.
        """
        path = Path(record.recording_path)
        stem = self.stem_of(record)
        if stem and not is_file(path):
            moved = beside(stem, path.suffix.lstrip("."))
            return moved if moved.exists() else path
        return path

    def stem_of(self, record: Record) -> Path | None:
        """Return the place of a record; None if it has none, or one that only a damaged database has."""
        if not record.library_stem or not PurePath(record.library_stem).name:
            return None
        stem = self._settings.library / record.library_stem
        return stem if self.is_ours(stem) else None

    def files_of(self, record: Record) -> list[Path]:
        """Return the existing files of a record, with copies, except files outside offhook's folders.

        A recording in the storage is not among them, but its copies here are.
        """
        path = self._own_path(record)
        ours = [path] if path and self.is_ours(path) else []
        ours += self._store.inbox_files.of_record(record.id)
        ours += self._edits(record)
        ours += [*playback_copies(self._settings, record.id), *copies_of(self._settings, record.id)]
        if path and (stem := self.stem_of(record)):
            ours += [beside(stem, suffix) for suffix in IN_LIBRARY]
            moved = beside(stem, path.suffix.lstrip("."))
            ours += [moved] if moved != path and _is_recording(record, moved) else []
            ours += self._renamed(record, stem, (path, moved))
        return [path for path in dict.fromkeys(ours) if is_file(path) and self.is_ours(path)]

    @staticmethod
    def _own_path(record: Record) -> Path | None:
        """Return the path of a recording that is no object of the storage."""
        return Path(record.recording_path) if record.storage_key is None else None

    def _edits(self, record: Record) -> list[Path]:
        """Return the text of a record that is being edited, and what editors have left beside it."""
        mine = re.compile(rf"\W*{record.id}\.txt\b.*")
        edits = self._settings.edits
        return [edits / name for name in names_in(edits) if mine.fullmatch(name)]

    def _renamed(self, record: Record, stem: Path, places: tuple[Path, ...]) -> list[Path]:
        """Find a record's recording and transcripts that a person has renamed in the library."""
        wanted = written.renamed(self._store, record, written.at_place(stem))
        if record.sha256 and record.size_bytes is not None and not any(map(is_file, places)):
            wanted.add(Content(record.size_bytes, record.sha256))
        taken = {name.lower() for name in self._store.places.stems()} if wanted else set()
        return find(self._settings.library, wanted, taken)

    def leftovers(self, record: Record) -> list[Path]:
        """Return the half-written files beside a record's; call it while `alone`, when none is in use."""
        stem = self.stem_of(record)
        if stem is None:
            return []
        return [stem.parent / name for name in names_in(stem.parent) if _PARTIAL.match(name)]

    def is_ours(self, path: Path) -> bool:
        """Whether a file is in a folder where offhook stores recordings; any other is a person's own.

        So a forged database cannot make offhook delete other files.
        """
        if "\0" in str(path):  # no system has such a file
            return False
        settings = self._settings
        for name in (os.path.normpath, os.path.realpath):  # a home may have another name, too
            library, found = Path(name(settings.library)), Path(name(path))
            flat = [settings.inbox, settings.recording, settings.uploads, settings.edits]
            flat += [settings.playback, settings.copies, settings.uploads / CALLS]
            if found.parent in (Path(name(each)) for each in flat) or library in found.parents:
                return True
        return False

    def _moves(self, path: Path) -> bool:
        return path.parent == self._settings.inbox and not self._settings.keep_in_place

    def _places(self, record: Record) -> Iterator[str]:
        """Yield stems for a record that no file in the library has, the shortest first."""
        month = datetime.fromtimestamp(record.created_at).strftime("%Y/%m")
        taken = [_folded(name) for name in names_in(self._settings.library / month)]
        name = safe_name(record.title)
        for candidate in (name, *(f"{name} ({number})" for number in range(2, 10)), f"{name} ({record.id})"):
            if not any(other.startswith(f"{_folded(candidate)}.") for other in taken):
                yield f"{month}/{candidate}"
        yield f"{month}/{name} ({uuid.uuid4().hex})"


def _is_recording(record: Record, path: Path) -> bool:
    """Whether the file here is a record's recording, as after an interrupted move, and not another file."""
    return is_file(path) and record.sha256 in (None, sha256_of(path))


def safe_name(title: str) -> str:
    """Return a file name for a title that every system allows, short enough for a suffix."""
    plain = one_line(_UNSAFE.sub("_", unicodedata.normalize("NFC", title)))
    name = plain.strip(" .") or "recording"
    if WINDOWS_DEVICES.match(name):
        name = f"_{name}"
    return name.encode()[:LONGEST_STEM_BYTES].decode(errors="ignore").rstrip(" .")


def beside(stem: Path, suffix: str) -> Path:
    """Add a suffix to a stem that may have dots of its own."""
    return stem.with_name(f"{stem.name}.{suffix}")


def write_whole(path: Path, content: str | bytes, *, is_first: bool = False) -> None:
    """Write a file completely or not at all."""
    with whole(path, is_first=is_first) as file:
        file.write(content.encode() if isinstance(content, str) else content)


def _brought_in(record: Record, path: Path, target: Path) -> Path:
    """Move a recording to its place, unless it is there already or another file has its name."""
    if not path.exists():
        return target if target.exists() else path
    if target.exists():
        if record.sha256 not in (None, sha256_of(target)):
            return path
        if sha256_of(path) == sha256_of(target):  # a copy to another file system, cut off before the end
            path.unlink()
        return target
    if record.size_bytes is not None and Fingerprint.of(path) != Fingerprint(
        record.size_bytes, record.modified_ns or 0
    ):
        return path
    with suppress(PermissionError):  # another user's file, which can still be moved
        path.chmod(FILE_MODE)
    move(path, target)
    return target


def _folded(name: str) -> str:
    """Return the common spelling of names that some systems treat as the same."""
    return name.lower() if name.isascii() else unicodedata.normalize("NFC", name).casefold()
